"""Which task is it? Exact beliefs over finitely many tasks, and exploring by a sample of them.

A task is a hidden variable that stays, and Bayes' rule says what is known of it. Posterior sampling draws one
task from that belief and acts for a whole episode as if it were the true one: it learns, and it is simple.
How much more could be earned says `belief_optimum`.

Axes: M tasks, S states, A actions, N trials, E episodes, H steps of an episode.
Source: Strens, "A Bayesian Framework for Reinforcement Learning", ICML 2000; Osband, Russo and Van Roy,
"(More) Efficient Reinforcement Learning via Posterior Sampling", NeurIPS 2013,
https://arxiv.org/abs/1306.0940.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from course_lib.agents.psrl import optimal_plan
from course_lib.core.types import shape_checked

PerTask = Float64[np.ndarray, "*batch M"]
Filter = Callable[[PerTask, PerTask], PerTask]


@shape_checked
def bayes_filter(belief: PerTask, likelihood: PerTask) -> PerTask:
    """What is believed after a piece of evidence: p(m | e) = p(m) p(e | m) / sum_m' p(m') p(e | m').

    Args:
        belief: probability of each task before; rows sum to 1.
        likelihood: probability of the evidence in each task, or anything proportional to it.

    Raises:
        ValueError: evidence that cannot be, in any task that is still believed possible.
    """
    joint = belief * likelihood
    total = joint.sum(axis=-1, keepdims=True)
    if not (total > 0).all():
        raise ValueError(
            "evidence that no task explains: wherever the belief is above 0, its likelihood is 0. "
            "Is the true task among the tasks, and the likelihood that of this very transition?"
        )
    return joint / total


@dataclass(frozen=True)
class TabularTasks:
    """M small worlds with the same states and actions.

    A reward that is paid by chance is written as a next state of its own.

    Raises:
        ValueError: the shapes do not fit, or rows are not probabilities.
    """

    transition: np.ndarray
    """p_m(s' | s, a), float64 [M, S, A, S]."""
    reward: np.ndarray
    """r_m(s, a, s'), float64 [M, S, A, S], or r_m(s, a), [M, S, A]."""
    start: int = 0
    """State that every episode starts in."""

    def __post_init__(self) -> None:
        p, r = self.transition, self.reward
        if p.ndim != 4 or p.shape[1] != p.shape[3] or r.shape not in (p.shape, p.shape[:3]):
            raise ValueError(
                f"transition must be [M, S, A, S] and reward [M, S, A, S] or [M, S, A], "
                f"got {list(p.shape)} and {list(r.shape)}"
            )
        if not ((p >= 0).all() and np.allclose(p.sum(-1), 1.0)):
            raise ValueError("transition must hold probabilities that sum to 1 over the next states")

    @property
    def each_reward(self) -> np.ndarray:
        """r_m(s, a, s'), [M, S, A, S]."""
        reward = self.reward if self.reward.ndim == 4 else self.reward[..., None]
        return np.broadcast_to(reward, self.transition.shape)

    @property
    def mean_reward(self) -> np.ndarray:
        """r_m(s, a), [M, S, A]: the mean over next states."""
        return (self.transition * self.each_reward).sum(-1)

    def likelihood(
        self, state: np.ndarray, action: np.ndarray, reward: np.ndarray, next_state: np.ndarray
    ) -> PerTask:
        """Probability of seeing this next state and reward, in each task: [..., M] for arguments [...]."""
        seen = np.abs(self.each_reward[:, state, action, next_state] - reward) < 1e-9
        return np.moveaxis(self.transition[:, state, action, next_state] * seen, 0, -1)

    def prior(self) -> PerTask:
        """Every task is equally likely, [M]."""
        return np.full(len(self.transition), 1.0 / len(self.transition))


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """What happened in N trials of E episodes, and what was believed."""

    state: Int64[np.ndarray, "E H+1 N"]
    """Before each step, and after the last."""
    belief: Float64[np.ndarray, "E H+1 N M"]
    """Probability of each task, before each step and after the last."""
    reward: Float64[np.ndarray, "E H N"]
    """Of each step."""

    @property
    def returns(self) -> Float64[np.ndarray, "E N"]:
        """Undiscounted return of each episode."""
        return self.reward.sum(1)


Explorer = Callable[[int, Int64[np.ndarray, "N"], PerTask, np.random.Generator], Int64[np.ndarray, "N"]]
"""From the number of steps done in the trial, the states, and the beliefs [N, M] to actions."""


def explore(
    tasks: TabularTasks,
    explorer: Explorer,
    truth: Int64[np.ndarray, "N"],
    episodes: int,
    horizon: int,
    rng: np.random.Generator,
    *,
    bayes_filter: Filter = bayes_filter,
) -> Exploration:
    """Lets an explorer act in N trials side by side, and keeps its beliefs for it, from equal ones on.

    Args:
        tasks: the tasks that may be.
        explorer: `posterior_sampling(...)`, `bayes_optimal(...)`, or any such function.
        truth: which of the tasks each trial is in.
        episodes: E, each from the start state on, with the belief of the one before.
        horizon: H.
        rng: draws next states, and what the explorer draws.
        bayes_filter: called as in this module, with [N, M].
    """
    n, (m, s) = len(truth), tasks.transition.shape[:2]
    happened = Exploration(
        state=np.full((episodes, horizon + 1, n), tasks.start),
        belief=np.empty((episodes, horizon + 1, n, m)),
        reward=np.empty((episodes, horizon, n)),
    )
    belief = np.full((n, m), 1.0 / m)
    for episode in range(episodes):
        happened.belief[episode, 0] = belief
        for t in range(horizon):
            state = happened.state[episode, t]
            action = explorer(episode * horizon + t, state, belief, rng)
            chance = tasks.transition[truth, state, action].cumsum(1)[:, : s - 1]
            after = (rng.random((n, 1)) >= chance).sum(1)
            reward = tasks.each_reward[truth, state, action, after]
            belief = bayes_filter(belief, tasks.likelihood(state, action, reward, after))
            happened.state[episode, t + 1], happened.reward[episode, t] = after, reward
            happened.belief[episode, t + 1] = belief
    return happened


def posterior_sampling(tasks: TabularTasks, horizon: int) -> Explorer:
    """Draws one task from what is believed before an episode, and acts in all of it as is best in that task.

    Args:
        tasks: the tasks that may be.
        horizon: H.
    """
    plan, _ = optimal_plan(tasks.transition, tasks.mean_reward, horizon)  # [M, H, S]
    sampled = np.empty(0, dtype=np.int64)

    def act(step: int, state: np.ndarray, belief: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        nonlocal sampled
        if step % horizon == 0:
            sampled = (rng.random((len(belief), 1)) >= belief.cumsum(1)[:, :-1]).sum(1)
        return plan[sampled, step % horizon, state]

    return act
