"""RL in small tables, exactly: nothing is sampled, so every claim can be checked.

A world is a table of probabilities p(s' | s, a). The soft-optimal policy is a softmax of its own action
values. Where a policy will be is a density over states, discounted like a return.

Axes: S states, A actions, S again next states or goals, T steps.
Source: Haarnoja et al., "Reinforcement Learning with Deep Energy-Based Policies", ICML 2017,
https://arxiv.org/abs/1702.08165 (soft value iteration); Dayan, "Improving Generalization for Temporal
Difference Learning: The Successor Representation", Neural Computation 5(4), 1993 (future density).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from course_lib.core.types import shape_checked

Dynamics = Float64[ndarray, "S A S"]
"""p(s' | s, a); every row sums to 1."""
PerChoice = Float64[ndarray, "S A"]
PerState = Float64[ndarray, "S"]
Terminal = Bool[ndarray, "S"]
"""States where the episode has ended: worth 0, whatever is done there."""

MAX_SWEEPS = 200
"""Some ten are usual; more mean that a number is not finite."""


@dataclass(frozen=True)
class Solution:
    """The soft-optimal policy of a world, and what it is worth."""

    action_value: PerChoice
    """Q: the reward and the later entropy that follow an action."""
    value: PerState
    """V: temperature * log sum_a exp(Q / temperature)."""
    policy: PerChoice
    """pi(a | s) = exp((Q - V) / temperature), where the episode has not ended."""


@shape_checked
def expected_reward(dynamics: Dynamics, reward: PerChoice | Dynamics) -> PerChoice:
    """Reward of an action: itself, or the mean of its rewards over the next states.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        reward: r(s, a) [S, A] or r(s, a, s') [S, A, S].
    """
    return reward if reward.ndim == 2 else np.einsum("ijk,ijk->ij", dynamics, reward)


@shape_checked
def soft_value_iteration(
    dynamics: Dynamics,
    reward: PerChoice | Dynamics,
    gamma: float,
    temperature: float,
    terminal: Terminal | None = None,
    tolerance: float = 1e-9,
) -> Solution:
    """The policy that maximizes the discounted sum of reward + temperature * entropy.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        reward: r(s, a) [S, A] or r(s, a, s') [S, A, S].
        gamma: discount, in [0, 1).
        temperature: reward that one nat of entropy is worth, positive.
        terminal: where the episode has ended, [S]; nowhere if left out.
        tolerance: by how much Bellman's equation may fail, as a share of the largest value (at least of 1).

    Raises:
        ValueError: gamma or temperature out of range, or numbers that are not finite.

    Source: Haarnoja et al. 2017, theorem 2, for the equation; Puterman and Brumelle, "On the Convergence of
    Policy Iteration in Stationary Dynamic Programming", 1979, for Newton's steps.
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma must be in [0, 1), got {gamma}: an endless episode has no finite value")
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    now = expected_reward(dynamics, reward)
    going = np.ones(len(now)) if terminal is None else (~terminal).astype(np.float64)
    value = np.zeros(len(now))
    for _ in range(MAX_SWEEPS):
        action_value = now + gamma * dynamics @ value
        best = action_value.max(axis=1)  # taken out of the exponent: exp(-1000 / 0.01) must not become 0 / 0
        share = np.exp((action_value - best[:, None]) / temperature)
        total = share.sum(axis=1)
        policy = share / total[:, None]
        backup = going * (best + temperature * np.log(total))
        gap = backup - value
        if np.abs(gap).max() <= tolerance * max(1.0, np.abs(value).max()):
            return Solution(action_value=action_value, value=backup, policy=policy)
        # Plain sweeps would take value = backup, and a pocket without a way out would need thousands of them.
        # Newton's step solves for what this policy is worth for ever: some ten sweeps, whatever the room.
        step = np.einsum("i,ij,ijk->ik", going, policy, dynamics)  # [S, S]
        value = value + np.linalg.solve(np.eye(len(now)) - gamma * step, gap)
    raise ValueError(f"values did not settle in {MAX_SWEEPS} sweeps: is every reward and probability finite?")


@shape_checked
def policy_evaluation(
    dynamics: Dynamics,
    reward: PerChoice | Dynamics,
    policy: PerChoice,
    gamma: float,
    terminal: Terminal | None = None,
) -> PerState:
    """Discounted return of a policy from every state, without entropy: one linear system.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        reward: r(s, a) [S, A] or r(s, a, s') [S, A, S].
        policy: pi(a | s), [S, A].
        gamma: discount, in [0, 1).
        terminal: where the episode has ended, [S]; nowhere if left out.

    Raises:
        ValueError: gamma out of range.
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma must be in [0, 1), got {gamma}: an endless episode has no finite return")
    going = 1.0 if terminal is None else (~terminal).astype(np.float64)[:, None]
    step = going * np.einsum("ij,ijk->ik", policy, dynamics)  # [S, S]
    now = (going * policy * expected_reward(dynamics, reward)).sum(axis=1)
    return np.linalg.solve(np.eye(len(now)) - gamma * step, now)


@shape_checked
def occupancy(
    dynamics: Dynamics, policy: PerChoice, start: int, steps: int, terminal: Terminal | None = None
) -> Float64[ndarray, "T S"]:
    """Where a policy is after 0, 1, 2 ... steps: one distribution over states a row.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        policy: pi(a | s), [S, A].
        start: state at step 0.
        steps: how many; T is one more.
        terminal: states that are never left, [S].
    """
    move = np.einsum("ij,ijk->ik", policy, dynamics)  # [S, S]
    if terminal is not None:
        move[terminal] = np.eye(len(move))[terminal]
    where = np.zeros((steps + 1, len(move)))
    where[0, start] = 1.0
    for t in range(steps):
        where[t + 1] = where[t] @ move
    return where


@shape_checked
def future_density(dynamics: Dynamics, policy: PerChoice, gamma: float) -> Dynamics:
    """p+(s_f | s, a): where a policy is later; k steps on, k = 1, 2, ..., weigh (1 - gamma) gamma^(k-1).

    (1 - gamma) P (I - gamma P^pi)^-1: the powers of gamma begin at the next state, so that the present one
    counts only when it is come back to.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        policy: pi(a | s) from the next state on, [S, A].
        gamma: discount, in [0, 1).

    Returns:
        [S, A, S]; every row sums to 1.

    Raises:
        ValueError: gamma out of range.

    Source: Eysenbach et al., "C-Learning", ICLR 2021, https://arxiv.org/abs/2011.08909, for the name.
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma must be in [0, 1), got {gamma}: an endless future has no density")
    move = np.einsum("ij,ijk->ik", policy, dynamics)  # [S, S]
    return (1 - gamma) * dynamics @ np.linalg.inv(np.eye(len(move)) - gamma * move)


@shape_checked
def best_future_density(dynamics: Dynamics, gamma: float) -> Dynamics:
    """The largest p+(g | s, a) of any policy, for each goal g on its own: how surely it can be reached.

    The optimal action value of a world that pays 1 - gamma for every step into the goal and goes on.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        gamma: discount, in [0, 1).

    Returns:
        [S, A, S]; rows do not sum to 1, as each goal has a policy of its own.

    Raises:
        ValueError: gamma out of range.
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma must be in [0, 1), got {gamma}: an endless future has no density")
    value = np.zeros((len(dynamics), len(dynamics)))
    into = (1 - gamma) * np.eye(len(dynamics))
    while True:
        density = dynamics @ (into + gamma * value)  # [S, A, S]
        gap = np.abs(density.max(axis=1) - value).max()
        value = density.max(axis=1)
        if not gap > 1e-12 * (1 - gamma):  # no number above NaN: it ends on what is not finite, too
            return density


@shape_checked
def greedy(policy: PerChoice) -> PerChoice:
    """The policy that always takes the likeliest action; of equal ones the first."""
    # Two ways of the same length differ by rounding only, and the picture must not jump between them.
    first = np.argmax(policy >= policy.max(axis=1, keepdims=True) - 1e-9, axis=1)
    return np.eye(policy.shape[1])[first]


@shape_checked
def greedy_path(
    dynamics: Dynamics, policy: PerChoice, start: int, terminal: Terminal | None = None
) -> list[int]:
    """The way of the likeliest actions: states from the start to the end, or to where it gets stuck.

    A step that may fail is tried until it succeeds: of the next states, the likeliest but the present one.
    A way that comes back to one of its states ends there.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        policy: pi(a | s), [S, A].
        start: first state.
        terminal: where the way ends, [S].
    """
    action = greedy(policy).argmax(axis=1)
    path = [start]
    while terminal is None or not terminal[path[-1]]:
        onward = dynamics[path[-1], action[path[-1]]].copy()
        onward[path[-1]] = 0.0
        if not onward.any():
            break
        path.append(int(onward.argmax()))
        if path[-1] in path[:-1]:
            break
    return path
