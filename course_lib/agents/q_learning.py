"""Q-learning: move what an action seems worth towards its reward plus the best that seems to follow.

In a table, to which states are numbers and nothing else: what a state looks like, and what it is called,
makes no difference. Many seeds learn side by side. What is known beforehand can enter in two places: as the
first values, and as who proposes the actions that are tried out.

Axes: R seeds side by side, S states, A actions.
Source: Watkins and Dayan, "Q-learning", Machine Learning 8, 1992, https://doi.org/10.1007/BF00992698;
Sutton and Barto, "Reinforcement Learning: An Introduction", 2nd edition, 2018, sections 2.6 (optimistic
first values) and 6.5.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from course_lib.core.tabular_mdp import TabularMDP, outcomes

ActionValues = Float64[ndarray, "R S A"]
PerSeed = Float64[ndarray, "R"]
Proposals = Float64[ndarray, "S A"] | Float64[ndarray, "R S A"]


@dataclass(frozen=True, kw_only=True)
class QLearningConfig:
    """Settings of Q-learning."""

    episodes: int = 100
    """How many, at least 1."""
    max_steps: int = 1000
    """Steps after which an episode is cut short, at least 1."""
    gamma: float = 0.99
    """Discount per step, in [0, 1]."""
    learning_rate: float = 0.5
    """How far a value moves towards its target, in (0, 1]."""
    epsilon: float = 0.1
    """Share of actions that are tried out rather than thought best, in [0, 1]."""

    def __post_init__(self) -> None:
        for name in ("episodes", "max_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("gamma", "epsilon"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if not 0.0 < self.learning_rate <= 1.0:
            raise ValueError(f"learning_rate must be in (0, 1], got {self.learning_rate}")


def first_values(mdp: TabularMDP, seeds: int, prior: float | ndarray = 0.0) -> ActionValues:
    """A fresh table for each seed.

    Args:
        mdp: the world that is to be learned.
        seeds: R.
        prior: what actions seem worth before anything was tried: one number for all (at or above what can
            be earned it is optimistic, and all that is untried gets tried), [S, A], or [R, S, A].
    """
    return np.broadcast_to(np.asarray(prior, np.float64), (seeds, mdp.states, mdp.actions)).copy()


def td_error(
    value: PerSeed, reward: PerSeed, next_value: PerSeed, terminated: Bool[ndarray, "R"], gamma: float
) -> PerSeed:
    """r + gamma max_a' Q(s', a') - Q(s, a): by how much a step went better than its value said.

    Args:
        value: Q(s, a) of the step that was made.
        reward: what it paid.
        next_value: the largest Q(s', a').
        terminated: where s' ends the episode, so that nothing follows.
        gamma: discount.
    """
    return reward + gamma * np.where(terminated, 0.0, next_value) - value


def epsilon_greedy(
    values: Float64[ndarray, "R A"],
    epsilon: float,
    uniform: Float64[ndarray, "R _"],
    proposals: Float64[ndarray, "R A"] | None = None,
) -> Int64[ndarray, "R"]:
    """The action that seems best, or with probability epsilon one that is tried out.

    Of several that seem best each is as likely: the first would favour a direction.

    Args:
        values: of each action.
        epsilon: share of actions that are tried out.
        uniform: numbers even over [0, 1), A for the choice among actions and one for whether to try out.
        proposals: probability of each action that is tried out; all alike if left out.
    """
    race = uniform[:, : values.shape[1]]
    best = np.where(values == values.max(axis=1, keepdims=True), race, -1.0).argmax(axis=1)
    if proposals is not None:
        # The largest log(u) / p is action a with probability p_a: the first of exponential clocks to ring.
        with np.errstate(divide="ignore"):
            race = np.log(race) / proposals
    return np.where(uniform[:, -1] < epsilon, race.argmax(axis=1), best)


def train(
    mdp: TabularMDP,
    action_values: ActionValues,
    config: QLearningConfig,
    rng: np.random.Generator,
    *,
    proposals: Proposals | None = None,
    td_error: Callable[..., ndarray] = td_error,
) -> Iterator[dict[str, float | ndarray]]:
    """Learns one world from episodes, every seed on its own.

    Args:
        mdp: the world.
        action_values: tables as `first_values` makes them, learned in place.
        config: settings.
        rng: source of all luck; the same gives the same tables.
        proposals: who tries out, pi(a | s), [S, A] or [R, S, A]; any action alike if left out.
        td_error: called as the function of that name.

    Yields:
        After each episode: episode (its number from 1) and, [R] each, steps, returns (sum of rewards,
        undiscounted) and ended (false where it was cut short).

    Raises:
        ValueError: the tables do not fit the world.
    """
    seeds, actions = len(action_values), mdp.actions
    if action_values.shape[1:] != (mdp.states, actions):
        raise ValueError(
            f"action_values must be [R, {mdp.states}, {actions}] for this world, "
            f"got shape {action_values.shape}"
        )
    ways = outcomes(mdp.dynamics)
    if proposals is not None:
        proposals = np.broadcast_to(proposals, action_values.shape)
    for episode in range(1, config.episodes + 1):
        state = np.full(seeds, mdp.start)
        running = np.arange(seeds)  # seeds whose episode goes on
        steps, returns, ended = np.zeros(seeds, np.int64), np.zeros(seeds), np.zeros(seeds, bool)
        for _ in range(config.max_steps):
            now, uniform = state[running], rng.random((seeds, actions + 2))[running]
            proposed = None if proposals is None else proposals[running, now]
            action = epsilon_greedy(action_values[running, now], config.epsilon, uniform[:, :-1], proposed)
            then = ways.drawn(now, action, uniform[:, -1])
            reward, terminated = mdp.reward[now, action], mdp.terminal[then]
            next_value = action_values[running, then].max(axis=1)
            error = td_error(
                action_values[running, now, action], reward, next_value, terminated, config.gamma
            )
            action_values[running, now, action] += config.learning_rate * error
            state[running] = then
            steps[running] += 1
            returns[running] += reward
            ended[running] = terminated
            running = running[~terminated]
            if not len(running):
                break
        yield {"episode": episode, "steps": steps, "returns": returns, "ended": ended}
