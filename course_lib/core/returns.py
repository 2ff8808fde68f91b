"""What rewards are worth: temporal-difference targets, and generalized advantage estimation.

Axes: B transitions, T time, N simulations.
Source: Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage
Estimation", ICLR 2016, https://arxiv.org/abs/1506.02438.
"""

import torch

from course_lib.core.types import PerStep, PerStepMask, PerTransition, PerTransitionMask, shape_checked


@shape_checked
def td_target(
    reward: PerTransition, next_value: PerTransition, terminated: PerTransitionMask, gamma: float
) -> PerTransition:
    """r + gamma V(s'): what a value of (s, a) is to be, one step ahead; no future after an end.

    Args:
        reward: r(s, a).
        next_value: V(s').
        terminated: the world ended the episode; a time limit does not count.
        gamma: discount.
    """
    return reward + gamma * ~terminated * next_value


@shape_checked
def gae(
    reward: PerStep,
    value: PerStep,
    next_value: PerStep,
    terminated: PerStepMask,
    ended: PerStepMask,
    gamma: float,
    gae_lambda: float,
) -> PerStep:
    """Exponentially weighted sum of temporal-difference errors within an episode.

    A terminated step has no future; a truncated one has, and its next_value is that of the
    last observation before the reset. Neither passes an advantage across the boundary.

    Args:
        reward: r_t.
        value: V(s_t).
        next_value: V of the observation that the step really led to.
        terminated: the world ended the episode at this step.
        ended: terminated or truncated at this step.
        gamma: discount in [0, 1].
        gae_lambda: in [0, 1]; 0 is the one-step error, 1 the Monte-Carlo advantage.
    """
    delta = reward + gamma * next_value * ~terminated - value  # [T, N]
    carry = gamma * gae_lambda * (~ended).to(delta.dtype)  # [T, N]
    advantage = torch.empty_like(delta)
    running = delta.new_zeros(delta.shape[1])  # [N]
    for t in range(delta.shape[0] - 1, -1, -1):
        running = delta[t] + carry[t] * running
        advantage[t] = running
    return advantage
