"""How much better than usual was a step in its task? A baseline for each task, fitted in closed form.

A network would have to learn anew in every task what is usual there. Least squares on a few features of
the state and the time needs no learning.

Axes: M tasks, K trajectories of a task, N = M K simulations task by task, T time, S observation, F features.
Source: Duan et al., "Benchmarking Deep Reinforcement Learning for Continuous Control", ICML 2016,
https://arxiv.org/abs/1604.06778 (linear feature baseline).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.core.networks import GaussianPolicy
from course_lib.core.returns import gae
from course_lib.core.rollout import Transitions
from course_lib.core.types import PerStep, PerStepMask, shape_checked


@shape_checked
def per_task_mean(values: PerStep, valid: PerStepMask, tasks: int) -> Float[Tensor, "M"]:
    """Mean over the steps of each task that really happened, [T, N] to [M]."""
    total = (values * valid).unflatten(1, (tasks, -1)).sum((0, 2))
    return total / valid.unflatten(1, (tasks, -1)).sum((0, 2))


@shape_checked
def linear_baseline(obs: Float[Tensor, "T N S"], returns: PerStep, valid: PerStepMask, tasks: int) -> PerStep:
    """What a step is worth in its own task, by least squares on the state, its square, and the time: [T, N].

    It is fitted to the episodes that it judges: with K of them, one tells little about its own baseline.

    Args:
        obs: of order 1.
        returns: what was still to come after each step.
        valid: which steps happened.
        tasks: M; each has a baseline of its own.
    """
    time = torch.arange(1.0, len(obs) + 1)[:, None, None].expand(*obs.shape[:2], 1) / 100.0
    features = torch.cat([obs, obs**2, time, time**2, time**3, torch.ones_like(time)], dim=-1)  # [T, N, F]
    by_task = features.unflatten(1, (tasks, -1)).transpose(0, 1).flatten(1, 2).double()  # [M, T K, F]
    known = valid.unflatten(1, (tasks, -1)).transpose(0, 1).flatten(1).unsqueeze(-1)  # [M, T K, 1]
    target = returns.unflatten(1, (tasks, -1)).transpose(0, 1).flatten(1).unsqueeze(-1).double()
    kept = by_task * known
    ridge = 1e-5 * torch.eye(by_task.shape[-1], dtype=torch.float64)
    weights = torch.linalg.solve(kept.mT @ kept + ridge, kept.mT @ (target * known))  # [M, F, 1]
    value = (by_task @ weights).squeeze(-1).unflatten(1, (len(obs), -1)).transpose(0, 1)
    return value.flatten(1).to(obs.dtype)


@torch.no_grad()
def advantages(
    policy: GaussianPolicy, data: Transitions, tasks: int, gamma: float, gae_lambda: float
) -> Tensor:
    """How much better than usual in its task each step went: mean 0 and deviation 1 in every task, [T, N].

    Args:
        policy: normalizes the observations that the baseline sees.
        data: whole episodes; they have no future after their last step.
        tasks: M.
        gamma: discount in [0, 1].
        gae_lambda: in [0, 1].
    """
    valid, over = data.valid, data.ended | ~data.valid
    nothing = torch.zeros_like(data.reward)
    returns = gae(data.reward * valid, nothing, nothing, over, over, gamma, 1.0)
    value = linear_baseline(policy.obs_norm.normalize(data.obs), returns, valid, tasks) * valid
    following = torch.cat([value[1:], torch.zeros_like(value[:1])])
    advantage = gae(data.reward * valid, value, following, over, over, gamma, gae_lambda) * valid
    per_trajectory = data.valid.shape[1] // tasks
    mean = per_task_mean(advantage, valid, tasks).repeat_interleave(per_trajectory)
    spread = per_task_mean((advantage - mean).square(), valid, tasks).sqrt().repeat_interleave(per_trajectory)
    return (advantage - mean) / (spread + 1e-8) * valid
