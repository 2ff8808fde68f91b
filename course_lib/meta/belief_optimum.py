"""The best that can be done by whoever is not told the task: planning over place and belief, exactly.

What is believed follows from what was seen, so place and belief together are the state of a world in which
nothing is hidden, and its optimal policy explores just as much as it is worth. Posterior sampling lives in
the same world, so that what it misses is a number.

Axes: M tasks, S states, A actions, O outcomes of an action, N trials, E episodes, H steps of an episode,
n pairs of state and belief that can be met after the same number of steps, G tasks that may be believed in.
Source: Duff, "Optimal Learning: Computational Procedures for Bayes-Adaptive Markov Decision Processes", 2002.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from course_lib.agents.psrl import optimal_plan
from course_lib.meta.belief import Filter, TabularTasks, bayes_filter

_SCALE = 2.0**30 / np.sqrt(3.0)
"""Beliefs that agree to 9 digits are one. Were it a round number, simple fractions would fall between two."""


@dataclass(frozen=True)
class Layer:
    """All that can be met after so many steps of a trial: n pairs of state and belief."""

    key: Int64[np.ndarray, "n"]
    """Number of each pair, rising."""
    state: Int64[np.ndarray, "n"]
    """Where."""
    belief: Float64[np.ndarray, "n M"]
    """With which belief."""
    chance: Float64[np.ndarray, "n A O"]
    """How likely each outcome of each action is, by that belief."""
    reward: Float64[np.ndarray, "n A O"]
    """What it pays."""
    after: Int64[np.ndarray, "n A O"]
    """Which pair of the next layer it leads to."""


@dataclass(frozen=True)
class BeliefMDP:
    """The world of whoever plans over place and belief: nothing is hidden in it."""

    tasks: TabularTasks
    """Which tasks there are."""
    horizon: int
    """H."""
    episodes: int
    """E."""
    layers: tuple[Layer, ...]
    """One for each of the E H steps of a trial."""


def belief_mdp(
    tasks: TabularTasks, horizon: int, episodes: int = 1, *, bayes_filter: Filter = bayes_filter
) -> BeliefMDP:
    """Everything that can be met in a trial, from equal beliefs on: the place is forgotten at the end of an
    episode, the belief is not.

    Their number grows with steps, tasks and chance: 200 000 pairs of 21 tasks take two seconds and 0.5 GB.

    Args:
        tasks: the tasks that may be.
        horizon: H, at least 1.
        episodes: E, at least 1.
        bayes_filter: called as in `belief`, with [rows, M].

    Raises:
        ValueError: horizon or episodes is not positive.
    """
    if horizon < 1 or episodes < 1:
        raise ValueError(f"horizon and episodes must be at least 1, got {horizon} and {episodes}")
    next_state, paid, likelihood = _outcomes(tasks)  # [S, A, O], [S, A, O], [S, A, O, M]
    m = likelihood.shape[-1]
    state, belief, layers = np.array([tasks.start]), np.full((1, m), 1.0 / m), []
    key = _keys(state, belief)
    for step in range(1, horizon * episodes + 1):
        chance = np.empty((len(state), *paid.shape[1:]))
        for here in np.unique(state):
            chance[state == here] = np.tensordot(belief[state == here], likelihood[here], (1, 2))
        after = np.zeros(chance.shape, dtype=np.int64)
        layers.append(Layer(key, state, belief, chance, paid[state], after))
        if step == horizon * episodes:
            break
        pair, action, outcome = np.nonzero(chance > 0)
        belief = bayes_filter(belief[pair], likelihood[state[pair], action, outcome])
        state = next_state[state[pair], action, outcome]
        if step % horizon == 0:
            state[:] = tasks.start
        key, first, after[pair, action, outcome] = np.unique(
            _keys(state, belief), return_index=True, return_inverse=True
        )
        state, belief = state[first], belief[first]
    return BeliefMDP(tasks, horizon, episodes, tuple(layers))


def _outcomes(tasks: TabularTasks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What actions may lead to: next states, rewards [S, A, O], and how likely in each task [S, A, O, M]."""
    (_, s, a, _), paid = tasks.transition.shape, tasks.each_reward
    found: dict[tuple[int, int], list[tuple[int, float]]] = {pair: [] for pair in np.ndindex(s, a)}
    for i, j, then in np.argwhere((tasks.transition > 0).any(0)):
        may = tasks.transition[:, i, j, then] > 0
        found[i, j] += [(then, reward) for reward in np.unique(paid[may, i, j, then].round(9))]
    most = max(map(len, found.values()))
    next_state, reward = np.zeros((s, a, most), dtype=np.int64), np.zeros((s, a, most))
    likelihood = np.zeros((s, a, most, len(paid)))
    for (i, j), outcomes in found.items():
        for o, (then, value) in enumerate(outcomes):
            next_state[i, j, o], reward[i, j, o] = then, value
            likelihood[i, j, o] = tasks.likelihood(i, j, value, then)
    return next_state, reward, likelihood


@dataclass(frozen=True)
class BayesOptimal:
    """The explorer that nobody who is not told the task can beat: give it to `explore`."""

    mdp: BeliefMDP
    """What it planned in."""
    value: float
    """Its mean return of a whole trial."""
    action: tuple[np.ndarray, ...]
    """What it does, by steps done and pair of the layer, int64 [n]."""

    def __call__(
        self, step: int, state: np.ndarray, belief: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Actions [N] for states [N] and beliefs [N, M] after so many steps of a trial.

        Raises:
            ValueError: a belief that cannot be met then.
        """
        layer, key = self.mdp.layers[step], _keys(state, belief)
        found = np.minimum(np.searchsorted(layer.key, key), len(layer.key) - 1)
        if not (layer.key[found] == key).all():
            raise ValueError(
                f"a belief that cannot be met after {step} steps: begin with equal ones, and use the filter "
                "that was planned with"
            )
        return self.action[step][found]

    def returns(self) -> Float64[np.ndarray, "E"]:
        """Its mean return of each episode, exactly."""
        return _expected_returns(self.mdp, [action[:, None] for action in self.action], guesses=False)


def bayes_optimal(mdp: BeliefMDP) -> BayesOptimal:
    """The best explorer, by dynamic programming backwards from the last step; of equal actions the first."""
    value, best = np.zeros(1), []
    for layer in reversed(mdp.layers):
        action_value = (layer.chance * (layer.reward + value[layer.after])).sum(-1)  # [n, A]
        best.append(action_value.round(9).argmax(axis=1))
        value = action_value.max(axis=1)
    return BayesOptimal(mdp, float(value[0]), tuple(reversed(best)))


def posterior_sampling_returns(mdp: BeliefMDP) -> Float64[np.ndarray, "E"]:
    """Mean return of each episode of `posterior_sampling`, exactly: over all that it may draw and meet."""
    plan, _ = optimal_plan(mdp.tasks.transition, mdp.tasks.mean_reward, mdp.horizon)  # [M, H, S]
    actions = [plan[:, step % mdp.horizon, layer.state].T for step, layer in enumerate(mdp.layers)]  # [n, M]
    return _expected_returns(mdp, actions, guesses=True)


def _expected_returns(mdp: BeliefMDP, actions: list[np.ndarray], guesses: bool) -> np.ndarray:
    """Mean returns [E] of actions [n, G]: one for all, G = 1, or one for each task that is believed in."""
    returns, weight = np.zeros(mdp.episodes), np.ones((1, 1))
    sizes = [len(layer.key) for layer in mdp.layers[1:]] + [1]
    for step, (layer, action) in enumerate(zip(mdp.layers, actions, strict=True)):
        if step % mdp.horizon == 0:
            weight = weight.sum(1, keepdims=True) * (layer.belief if guesses else 1.0)
        rows, guess = np.indices(action.shape)
        flow = weight[..., None] * layer.chance[rows, action]  # [n, G, O]
        returns[step // mdp.horizon] += (flow * layer.reward[rows, action]).sum()
        weight = np.zeros((sizes[step], action.shape[1]))
        np.add.at(weight, (layer.after[rows, action], guess[..., None]), flow)
    return returns


def _keys(state: np.ndarray, belief: np.ndarray) -> np.ndarray:
    """A number for each pair, int64 [n]; that two of a million have the same one is as likely as 3e-8."""
    parts = np.concatenate([np.rint(belief * _SCALE).astype(np.int64), state[:, None]], axis=1)
    return parts @ np.random.default_rng(0).integers(-(2**63), 2**63 - 1, size=parts.shape[1])
