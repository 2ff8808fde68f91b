"""GridNavi for whoever keeps account of which goals are still possible: the optimum, and posterior sampling.

What is known of a task is which cells have been looked at. So the best that anyone can do who is not told
the goal is found by dynamic programming over place and what is known, and no learner can beat it.

Axes: N trials, E episodes, H steps, G = 21 goals, S = 25 cells, A = 5 actions.
Source: Duff, "Optimal Learning: Computational Procedures for Bayes-Adaptive Markov Decision Processes", 2002
(the optimum); Strens, "A Bayesian Framework for Reinforcement Learning", ICML 2000 (posterior sampling).
"""

from functools import lru_cache

import numpy as np

from course_lib.envs.grid_navi import GOAL_REWARD, GOALS, HORIZON, MOVES, SIDE, STEP_REWARD

_CELLS = np.array([(cell % SIDE, cell // SIDE) for cell in range(SIDE * SIDE)])
_TRIED = MOVES[[1, 4, 3, 2]]
"""Up, left, down, right, in this order: of the searches that are best in one episode, the one found first
then leaves goals that lie on one shortest way. Nobody finds anything by staying."""
_AFTER = np.clip(_CELLS[:, None] + _TRIED, 0, SIDE - 1) @ np.array([1, SIDE])
"""Number of the cell that such a step leads to, int64 [25, 4]."""
_BIT = np.zeros(SIDE * SIDE, dtype=np.int64)
_BIT[GOALS @ np.array([1, SIDE])] = 1 << np.arange(len(GOALS))
"""A goal's bit in a set of goals, by cell; 0 where no goal can be."""


def tables() -> tuple[np.ndarray, np.ndarray]:
    """Every task, for whoever works with tables: p(s' | s, a) and r(s, a, s'), float64 [G, S, A, S]."""
    after = np.clip(_CELLS[:, None] + MOVES, 0, SIDE - 1) @ np.array([1, SIDE])
    shape = (len(GOALS), *after.shape, SIDE * SIDE)
    pays = np.eye(SIDE * SIDE, dtype=bool)[GOALS @ np.array([1, SIDE])]  # [G, S]
    reward = np.where(pays, GOAL_REWARD, STEP_REWARD)[:, None, None]
    return np.broadcast_to(np.eye(SIDE * SIDE)[after], shape), np.broadcast_to(reward, shape)


def told_return() -> float:
    """Mean return of an episode for whoever knows the goal: straight there, and stay."""
    steps = GOALS.sum(axis=1)
    return float(((HORIZON - steps + 1) * GOAL_REWARD + (steps - 1) * STEP_REWARD).mean())


@lru_cache
def optimal_search(horizon: int = HORIZON) -> tuple[float, tuple[int, ...]]:
    """The best that anyone can do in one episode without being told the goal, exactly.

    Args:
        horizon: steps of the episode, at least 1; a fraction of a second for 15.

    Returns:
        Its mean return over all goals, and the cells to visit while the goal is not found, from the start on.
    """
    # Forward: which (cell, goals still possible) can be met after t steps, as one number each.
    layers, ways = [np.array([(2 ** len(GOALS) - 1) * SIDE**2])], []
    for _ in range(horizon):
        after, left, _ = _outcomes(layers[-1])
        keys, index = np.unique(left * SIDE**2 + after, return_inverse=True)
        layers.append(keys)
        ways.append(index.reshape(after.shape))
    # Backward: the value of each of them.
    value, best = np.zeros(len(layers[-1])), []
    for t in range(horizon - 1, -1, -1):
        _, _, chance = _outcomes(layers[t])
        found = (horizon - t) * GOAL_REWARD  # and stay
        action_value = chance * found + (1 - chance) * (STEP_REWARD + value[ways[t]])  # [states, 4]
        best.append(action_value.argmax(axis=1))
        value = action_value.max(axis=1)
    path, state = [0], 0
    for t, action in enumerate(reversed(best)):
        state = ways[t][state, action[state]]
        path.append(int(layers[t + 1][state] % SIDE**2))
    return float(value[0]), tuple(path)


def _outcomes(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Next cell, goals possible if it is not there, and the chance that it is; each [states, 4]."""
    possible, cell = np.divmod(keys, SIDE**2)
    after = _AFTER[cell]
    here = possible[:, None] & _BIT[after]
    count = np.bitwise_count(possible)[:, None]
    return after, possible[:, None] & ~here, np.where(here > 0, 1.0 / np.maximum(count, 1), 0.0)


def optimal_return(episodes: int) -> float:
    """The best mean return of a trial of some episodes without being told the goal, exactly.

    `optimal_search` leaves goals that lie on one shortest way, so every later episode earns as much as if the
    goal had been told, and no trial can earn more.

    Args:
        episodes: at least 1.
    """
    return optimal_search()[0] + (episodes - 1) * told_return()


def posterior_sampling(
    goals: np.ndarray, episodes: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior (Thompson) sampling: believe in one of the possible goals per episode, and go there.

    On the way it sees which cells are not the goal, and stays where it finds it. Else it waits at the place
    that it believed in: it never searches, which is why it is good, but not optimal.

    Args:
        goals: number of each trial's goal in GOALS, int [N].
        episodes: E.
        rng: draws beliefs, and the order of the steps on the way.

    Returns:
        Returns, float64 [E, N], and cells (x, y) from the start on, int64 [E, N, H + 1, 2].
    """
    goals, everyone = np.asarray(goals), np.arange(len(goals))
    true_cell, possible = GOALS[goals], np.ones((len(goals), len(GOALS)), dtype=bool)
    returns = np.zeros((episodes, len(goals)))
    paths = np.zeros((episodes, len(goals), HORIZON + 1, 2), dtype=np.int64)
    for episode in range(episodes):
        believed = GOALS[np.where(possible, rng.random(possible.shape), -1.0).argmax(axis=1)]
        place = np.zeros((len(goals), 2), dtype=np.int64)
        for t in range(HORIZON):
            known = possible[everyone, goals] & (possible.sum(axis=1) == 1)
            away = np.where(known[:, None], true_cell, believed) - place
            along_x = rng.random(len(goals)) * np.abs(away).sum(axis=1) < np.abs(away[:, 0])
            place = place + np.sign(away) * np.stack([along_x, ~along_x], axis=1)
            found = (place == true_cell).all(axis=1)
            returns[episode] += np.where(found, GOAL_REWARD, STEP_REWARD)
            is_here = (place[:, None] == GOALS).all(axis=2)  # [N, G]
            possible = np.where(found[:, None], is_here, possible & ~is_here)
            paths[episode, :, t + 1] = place
    return returns, paths


def optimal_paths(goals: np.ndarray, episodes: int) -> np.ndarray:
    """Where the optimum goes, as cells (x, y) from the start on, int64 [E, N, H + 1, 2].

    It searches until it meets the goal, and stays; from then on it goes straight there. Where the first
    episode does not find the goal, the second meets those left one after the other, nearest first.

    Args:
        goals: number of each trial's goal in GOALS, int [N].
        episodes: E.
    """
    _, search = optimal_search()
    left = [goal for goal in GOALS.tolist() if goal[0] + SIDE * goal[1] not in search]
    sweep = _straight(np.array(sorted(left, key=sum)))
    paths = np.zeros((episodes, len(goals), HORIZON + 1, 2), dtype=np.int64)
    for n, goal in enumerate(GOALS[np.asarray(goals)]):
        known = False
        for episode in range(episodes):
            path = _straight(goal[None]) if known else (sweep if episode else _CELLS[list(search)])
            here = (path == goal).all(axis=1)
            stay = int(here.argmax()) if here.any() else HORIZON
            paths[episode, n] = path[np.minimum(np.arange(HORIZON + 1), stay)]
            known = known or bool(here.any())
    return paths


def _straight(stations: np.ndarray) -> np.ndarray:
    """Cells of a way from the start through stations [n, 2], x before y, and waiting there, [H + 1, 2]."""
    path = [np.zeros(2, dtype=np.int64)]
    for station in stations:
        for axis in range(2):
            while path[-1][axis] != station[axis]:
                path.append(
                    path[-1] + np.sign(station[axis] - path[-1][axis]) * np.eye(2, dtype=np.int64)[axis]
                )
    return np.array((path + [path[-1]] * HORIZON)[: HORIZON + 1])


def beliefs_of(paths: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """Probability of each goal for whoever has walked so far, float64 [E, N, H + 1, G].

    All goals that have not been looked at are equally likely, and the goal is certain once it has been met.
    What is known at the end of an episode is known at the start of the next one.

    Args:
        paths: cells (x, y), int [E, N, H + 1, 2].
        goals: number of each trial's goal in GOALS, int [N].
    """
    is_here = (paths[..., None, :] == GOALS).all(axis=-1)  # [E, N, H + 1, G]
    in_time = np.moveaxis(is_here, 1, 2).reshape(-1, len(goals), len(GOALS))  # [E (H + 1), N, G]
    seen = np.logical_or.accumulate(in_time, axis=0)
    true = np.eye(len(GOALS), dtype=bool)[np.asarray(goals)]
    met = (seen & true).any(axis=-1, keepdims=True)
    possible = np.where(met, true, ~seen)
    belief = possible / possible.sum(axis=-1, keepdims=True)
    return np.moveaxis(belief.reshape(len(paths), -1, *belief.shape[1:]), 1, 2)


def rewards_of(paths: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """Reward of each step of some ways, float64 [E, N, H]; arguments as in `beliefs_of`."""
    reached = (paths[:, :, 1:] == GOALS[np.asarray(goals)][:, None]).all(axis=-1)
    return np.where(reached, GOAL_REWARD, STEP_REWARD)
