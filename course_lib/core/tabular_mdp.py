"""A whole small MDP in tables: what a step leads to, what it pays, where it begins and where it ends.

A world whose states lie on a board of tiles can be drawn, and played by hand.

Axes: S states, A actions, S again next states, K ways that a step can turn out, T steps.
Source: Sutton and Barto, "Reinforcement Learning: An Introduction", 2nd edition, 2018, chapter 3.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from course_lib.core.tabular import (
    Dynamics,
    PerChoice,
    Terminal,
    greedy_path,
    occupancy,
    soft_value_iteration,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class TabularMDP:
    """What there is to know of a task: nothing about it is hidden in code."""

    dynamics: Dynamics
    """p(s' | s, a), [S, A, S]."""
    reward: PerChoice
    """r(s, a), [S, A]; `tabular.expected_reward` makes it of rewards that depend on the next state."""
    terminal: Terminal
    """States where the episode has ended, [S]."""
    start: int
    """State in which every episode begins."""

    def __post_init__(self) -> None:
        shape = self.dynamics.shape
        if len(shape) != 3 or shape[0] != shape[2]:
            raise ValueError(f"dynamics must be [S, A, S], got shape {shape}")
        if not ((self.dynamics >= 0).all() and np.allclose(self.dynamics.sum(axis=2), 1.0)):
            raise ValueError("dynamics must be probabilities, and those of the next states sum to 1")
        if self.reward.shape != shape[:2] or not np.isfinite(self.reward).all():
            raise ValueError(f"reward must be finite and [S, A] = {shape[:2]}, got shape {self.reward.shape}")
        if self.terminal.shape != shape[:1] or self.terminal.dtype != bool:
            raise ValueError(f"terminal must be booleans [S] = {shape[:1]}, got shape {self.terminal.shape}")
        if not 0 <= self.start < shape[0]:
            raise ValueError(f"start must be a state in [0, {shape[0]}), got {self.start}")

    @property
    def states(self) -> int:
        """Number of states, S."""
        return self.dynamics.shape[0]

    @property
    def actions(self) -> int:
        """Number of actions, A."""
        return self.dynamics.shape[1]

    def relabelled(self, number: Int64[ndarray, "S"]) -> "TabularMDP":
        """The same world under other names: state s is now called number[s].

        Raises:
            ValueError: number is no permutation of the states.
        """
        if sorted(number) != list(range(self.states)):
            raise ValueError(f"number must name each of the {self.states} states once, got {number}")
        old = np.argsort(number)  # old[new name] = old name
        return TabularMDP(
            dynamics=self.dynamics[np.ix_(old, range(self.actions), old)],
            reward=self.reward[old],
            terminal=self.terminal[old],
            start=int(number[self.start]),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class TileWorld:
    """An MDP with a picture: where one stands in each state, and what one sees there."""

    mdp: TabularMDP
    """Dynamics, rewards, end and start; no step may be left to chance."""
    kinds: tuple[str, ...]
    """What a tile can be; its number is its place here."""
    tiles: Int64[ndarray, "boards rows columns"]
    """Kinds of all tiles, as they are seen on each board."""
    board: Int64[ndarray, "S"]
    """Which board is seen in each state."""
    cell: Int64[ndarray, "S 2"]
    """Row and column of each state."""
    reached: Int64[ndarray, "S A 2"]
    """Row and column to which a step leads, before it sends one back to the start if it does."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The ways that each step can turn out, likeliest first: sampling needs K numbers instead of S."""

    next_state: Int64[ndarray, "S A K"]
    """Where each way leads."""
    cumulative: Float64[ndarray, "S A K"]
    """Probability of this way or a likelier one; the last is above 1, so that rounding finds no gap."""

    def drawn(
        self, state: Int64[ndarray, "N"], action: Int64[ndarray, "N"], uniform: Float64[ndarray, "N"]
    ) -> Int64[ndarray, "N"]:
        """Next states from one number each that is even over [0, 1)."""
        way = (uniform[:, None] >= self.cumulative[state, action]).sum(axis=1)
        return self.next_state[state, action, way]


def outcomes(dynamics: Dynamics) -> Outcomes:
    """The ways that each step can turn out.

    They are in order of probability and not of the states' numbers, so that whoever draws from them goes
    the same way when the states are called otherwise (unless two ways are exactly as likely).
    """
    most = int((dynamics > 0).sum(axis=2).max())
    next_state = np.argsort(-dynamics, axis=2, kind="stable")[:, :, :most]
    cumulative = np.cumsum(np.take_along_axis(dynamics, next_state, axis=2), axis=2)
    cumulative[:, :, -1] = 2.0
    return Outcomes(next_state, cumulative)


def probability_of_end(mdp: TabularMDP, steps: int, policy: PerChoice | None = None) -> Float64[ndarray, "T"]:
    """With what probability an episode has ended after 0, 1, 2 ... steps, exactly: [steps + 1].

    Powers of the policy's matrix of transitions, one after the other.

    Args:
        mdp: the world.
        steps: how many.
        policy: pi(a | s), [S, A]; the uniform random one if left out.
    """
    if policy is None:
        policy = np.full((mdp.states, mdp.actions), 1 / mdp.actions)
    where = occupancy(mdp.dynamics, policy, mdp.start, steps, mdp.terminal)  # [T, S]
    return where[:, mdp.terminal].sum(axis=1)


def best_values(mdp: TabularMDP, gamma: float = 0.99) -> PerChoice:
    """What each action is worth if all that follows is done as well as can be, [S, A].

    Args:
        mdp: the world.
        gamma: discount, in [0, 1).
    """
    # So cold that Newton's steps are policy iteration: also an action that is worse by a hundredth of the
    # discount of a far goal has no share.
    solution = soft_value_iteration(mdp.dynamics, mdp.reward, gamma, 1e-12, mdp.terminal, tolerance=1e-13)
    return solution.action_value


def best_path(mdp: TabularMDP, gamma: float = 0.99) -> list[int]:
    """States of the best way from the start on; where no step can fail, it is as short as can be.

    Args:
        mdp: the world.
        gamma: discount, in [0, 1).
    """
    return greedy_path(mdp.dynamics, best_values(mdp, gamma), mdp.start, mdp.terminal)
