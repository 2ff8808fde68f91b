"""How well does C-learning predict? Two rooms with a gap, where the density of the future is known exactly.

Everything is learned from one walk of random actions, and compared with the exact answer: where the walk's
own policy leads, where another policy would lead, and how surely each goal is reached by seeking it. Beside
C-learning stand its Monte Carlo form, and Q-learning from relabelled goals.

Axes: R seeds, S states, A actions, S again goals.
Source: the claims are those of Eysenbach et al., "C-Learning", ICLR 2021, https://arxiv.org/abs/2011.08909.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from course_lib.core.seeding import seed_everything
from course_lib.core.tabular import best_future_density, future_density
from course_lib.envs.gridworld import GridworldParams, transition_matrix
from course_lib.multitask import c_learning
from course_lib.widgets import figures
from course_lib.zoo import store, tables

SEEDS = 5
ROOM = GridworldParams.drawn(
    """
    S.#..
    ..#..
    .....
    ..#..
    ..#.G
    """,
    friction=0.2,
)
"""21 free cells; every fifth step fails. Start and goal play no part: nobody is stopped at the goal."""
FREE = ~ROOM.mask(ROOM.walls)
"""Cells that a walk can be in, [S]."""
CONFIG = c_learning.CLearningConfig(gamma=0.95, iterations=50)
TRANSITIONS = (300, 1000, 3000, 10_000)
"""Lengths of the walk."""
MANY = TRANSITIONS[-1]
"""Length of the walk where it is not varied."""
SHARES = (0.0, 0.025, 0.5)
"""Shares of a batch whose goal is the next state, for Q-learning. The second is (1 - gamma) / 2, to which
C-learning's weights amount: 1 - gamma for the next state, 1 + gamma w for a random one, and a mean w of 1."""
RANDOM = np.full((ROOM.states, 4), 0.25)
"""What the walk does, [S, A]."""
DRIFTING = np.tile([0.15, 0.55, 0.15, 0.15], (ROOM.states, 1))
"""Another policy: mostly to the right."""
Q_RATE = 0.01
"""Step size of Adam for Q-learning's table, whose entries are probabilities."""

OWN, OTHER, SEEKING = "the walk's own", "mostly to the right", "seeking each goal"
"""Whose future is predicted."""
TD, MC = "C-learning", "C-learning, Monte Carlo"
MISPLACED, TOTAL, CORRELATION, REACHED = "misplaced", "total", "correlation", "reached"
"""Half the absolute error and the sum over goals, percent; correlation with the exact density; and the
density of each goal for the policy that seeks it, as a share of the best possible, percent."""

NOTES = (
    "**How to read it.** Two rooms of a 5 x 5 grid with a gap between them, 21 free cells, every fifth step",
    "fails; gamma is 0.95. What is predicted is p+(g | s, a), the discounted density of future states, which",
    "sums to 100 % over goals. *Misplaced* is half the sum of absolute errors, mean over states and actions.",
    "All methods see the same walk of random actions and make 1000 updates of 1024 transitions. Q-learning",
    "pays 1 - gamma for a step into the goal, so that its value would be the same density; of its goals the",
    "stated share is the next state (hindsight), the others are random states of the walk.",
)
"""What the table cannot say."""


def hindsight(share: float) -> str:
    """Name of Q-learning with a share of next states as goals."""
    return f"Q-learning, {100 * share:g} % hindsight"


def dynamics() -> np.ndarray:
    """p(s' | s, a) of the room, [S, A, S], left by the goal as by any cell."""
    table, elsewhere = (transition_matrix(room) for room in (ROOM, replace(ROOM, goal=ROOM.start)))
    goal = ROOM.state(ROOM.goal)
    table[goal] = elsewhere[goal]
    return table


def walk(steps: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """States [steps + 1] and random actions [steps] of one walk that begins anywhere free."""
    cumulative = dynamics().cumsum(axis=2)
    actions = rng.integers(4, size=steps)
    states = np.empty(steps + 1, dtype=np.int64)
    states[0] = rng.choice(np.flatnonzero(FREE))
    for t, (action, u) in enumerate(zip(actions, rng.random(steps), strict=True)):
        states[t + 1] = np.searchsorted(cumulative[states[t], action], u, side="right")
    return states, actions


def relabelled_q(
    states: np.ndarray,
    actions: np.ndarray,
    policy: c_learning.Policy,
    share: float,
    rng: np.random.Generator,
) -> c_learning.Classifier:
    """The same density learned as a value, from goals of which a share is the next state.

    The reward is 1 - gamma for a step into the goal, so that the value of a goal is the density of reaching
    it, if goals were not chosen by what happened.

    Args:
        states, actions: of a walk, [T + 1] and [T].
        policy: whose future is learned, as in `c_learning.train`.
        share: of a batch; the other goals are random states of the walk.
        rng: draws batches and goals.

    Returns:
        A table by state, action and goal that holds values where a classifier holds logits.
    """
    table = c_learning.Classifier(ROOM.states, 4)
    optimizer = torch.optim.Adam(table.parameters(), lr=Q_RATE)
    updates, size = CONFIG.iterations * CONFIG.updates, CONFIG.batch_size
    state, action = torch.as_tensor(states), torch.as_tensor(actions)
    for done in range(updates):
        index, other = torch.as_tensor(rng.integers(len(actions), size=(2, size)))
        now, then = state[index], state[index + 1]
        goal = torch.where(torch.as_tensor(rng.random(size) < share), then, state[other + 1])
        with torch.no_grad():
            after = table(then, goal)
            value = (policy(after, then, goal) * after).sum(1)
            target = (1 - CONFIG.gamma) * (then == goal) + CONFIG.gamma * value
        error = table(now, goal)[torch.arange(size), action[index]] - target
        optimizer.param_groups[0]["lr"] = Q_RATE * (1 - done / updates)
        optimizer.zero_grad()
        error.square().mean().backward()
        optimizer.step()
    return table


def classified(
    states: np.ndarray, actions: np.ndarray, policy: c_learning.Policy | None, rng: np.random.Generator
) -> c_learning.Classifier:
    """C-learning's classifier of a policy's future; if none is given, of the walk's, by looking ahead."""
    classifier = c_learning.Classifier(ROOM.states, 4)
    if policy is None:
        records = c_learning.train_monte_carlo(classifier, states, actions, CONFIG, rng)
    else:
        records = c_learning.train(classifier, states[:-1], actions, states[1:], CONFIG, rng, policy)
    for _ in records:
        pass
    return classifier


def prediction(
    method: str, states: np.ndarray, actions: np.ndarray, policy: np.ndarray, seed: int
) -> np.ndarray:
    """The density of future states [S, A, S] that a method predicts for a policy [S, A] from a walk."""
    rng, whose = np.random.default_rng(seed), c_learning.following(policy)
    if method in (TD, MC):
        marginal = np.bincount(states[1:], minlength=ROOM.states) / len(actions)
        classifier = classified(states, actions, whose if method == TD else None, rng)
        return c_learning.predicted_density(classifier, marginal)
    (share,) = (share for share in SHARES if hindsight(share) == method)
    return relabelled_q(states, actions, whose, share, rng).logits.detach().numpy().astype(np.float64)


def compared(predicted: np.ndarray, exact: np.ndarray) -> dict[str, float]:
    """How far a prediction [S, A, S] is off, by measure, over free cells."""
    predicted, exact = predicted[FREE][..., FREE], exact[FREE][..., FREE]
    return {
        MISPLACED: 50.0 * float(np.abs(predicted - exact).sum(axis=2).mean()),
        TOTAL: 100.0 * float(predicted.sum(axis=2).mean()),
        CORRELATION: float(np.corrcoef(predicted.ravel(), exact.ravel())[0, 1]),
    }


def reached(table: c_learning.Classifier) -> float:
    """Density of each goal under the policy that greedily seeks it, in percent of the best possible."""
    world = dynamics()
    best = best_future_density(world, CONFIG.gamma).max(axis=1)
    got = np.zeros_like(best)
    for goal, policy in enumerate(c_learning.goal_policies(table)):
        got[:, goal] = (policy * future_density(world, policy, CONFIG.gamma)[:, :, goal]).sum(axis=1)
    return 100.0 * float(got[FREE][:, FREE].mean() / best[FREE][:, FREE].mean())


def measured(seed: int) -> Iterator[tuple[str, str, int, str, float]]:
    """Everything for one seed: whose future, method, transitions, measure and value."""
    states, actions = walk(max(TRANSITIONS), seed_everything(seed))
    questions = {OWN: RANDOM, OTHER: DRIFTING}
    exact = {name: future_density(dynamics(), policy, CONFIG.gamma) for name, policy in questions.items()}
    curves = [(OWN, method, n) for method in (TD, MC, hindsight(0.0), hindsight(0.5)) for n in TRANSITIONS]
    rest = [(OWN, hindsight(0.025), MANY)]
    other = [(OTHER, method, MANY) for method in (TD, MC, hindsight(0.0), hindsight(0.5))]
    for name, method, n in (*curves, *rest, *other):
        predicted = prediction(method, states[: n + 1], actions[:n], questions[name], seed)
        for measure, value in compared(predicted, exact[name]).items():
            yield name, method, n, measure, value
    walked = states[: MANY + 1], actions[:MANY]
    rng = np.random.default_rng(seed)
    yield SEEKING, TD, MANY, REACHED, reached(classified(*walked, c_learning.greedy, rng))
    for share in SHARES:
        table = relabelled_q(*walked, c_learning.greedy, share, np.random.default_rng(seed))
        yield SEEKING, hindsight(share), MANY, REACHED, reached(table)


Rows = list[tuple[int, str, str, int, str, float]]
"""Seed, whose future, method, transitions, measure, value."""


def as_markdown(rows: Rows) -> str:
    """The tables: mean over seeds with its 95 % bootstrap interval."""
    lines = [
        "# C-learning's prediction against the exact one",
        "",
        "Made by `course reproduce c-learning`. Mean over",
        f"{len({row[0] for row in rows})} seeds, with the 95 % bootstrap interval.",
        "",
    ]
    rng = np.random.default_rng(0)
    header = ["policy", "method", "transitions", "misplaced (%)", "sum over goals (%)", "correlation"]
    body, seeking = [], []
    for name, method, n in dict.fromkeys(row[1:4] for row in rows):
        cells = [name, method, n]
        if name == SEEKING:
            seeking.append([method, n, tables.over_seeds(_values(rows, name, method, n, REACHED), rng, 1)])
            continue
        for measure, digits in ((MISPLACED, 1), (TOTAL, 1), (CORRELATION, 3)):
            cells.append(tables.over_seeds(_values(rows, name, method, n, measure), rng, digits))
        body.append(cells)
    lines += [*tables.table(header, body), "", "The greedy policy of each goal, judged exactly:", ""]
    lines += tables.table(["method", "transitions", "density of the goal (% of the best)"], seeking)
    return "\n".join([*lines, "", *NOTES, ""])


def write(rows: Rows, folder: Path) -> None:
    """Puts c-learning.md, c-learning.json and c-learning.png into a folder.

    Args:
        rows: as `measured` yields them, with the seed before each.
        folder: exists.
    """
    store.write_here(folder / "c-learning.md", as_markdown(rows).encode())
    keys = ("seed", "policy", "method", "transitions", "measure", "value")
    numbers = [dict(zip(keys, row, strict=True)) for row in rows]
    store.write_here(folder / "c-learning.json", (json.dumps(numbers, indent=1) + "\n").encode())
    errors = {
        method: np.column_stack([_values(rows, OWN, method, n, MISPLACED) for n in TRANSITIONS])
        for method in (TD, MC, hindsight(0.0), hindsight(0.5))
    }
    picture = io.BytesIO()
    figure = figures.prediction_figure(
        TRANSITIONS, errors, "misplaced probability (%)", densities(seed=0), "% of the future"
    )
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / "c-learning.png", picture.getvalue())


def densities(seed: int) -> dict[str, np.ndarray]:
    """Where a walk from the upper left corner, first step right, will be: percent by cell, by title."""
    states, actions = walk(max(TRANSITIONS), seed_everything(seed))
    shown = {"exact": future_density(dynamics(), RANDOM, CONFIG.gamma)}
    for method in (TD, hindsight(0.5)):
        shown[method] = prediction(method, states[: MANY + 1], actions[:MANY], RANDOM, seed)
    start = ROOM.state(ROOM.start)
    return {title: 100 * p[start, 1].reshape(ROOM.rows, ROOM.columns) for title, p in shown.items()}


def _values(rows: Rows, name: str, method: str, n: int, measure: str) -> np.ndarray:
    """One number by seed [R], in the order of the seeds."""
    return np.array([row[5] for row in sorted(rows) if row[1:5] == (name, method, n, measure)])
