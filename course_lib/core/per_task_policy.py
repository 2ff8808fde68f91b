"""One policy in many tasks, in each with parameters of its own: it acts in all of them at once.

Axes: M tasks, K trajectories of a task, N = M K simulations task by task, T time, S observation, A action.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.core.networks import LOG_TWO_PI, GaussianPolicy
from course_lib.core.per_task import Parameters, applied


class InTasks:
    """A policy in M tasks at once, in each with parameters of its own; simulations come task by task.

    Args:
        policy: whose shape and normalization it has.
        parameters: by name, [M, ...] each.
    """

    def __init__(self, policy: GaussianPolicy, parameters: Parameters) -> None:
        self._policy, self._log_std = policy, parameters["log_std"]  # [M, A]
        self._mean = {
            name.removeprefix("mean."): value for name, value in parameters.items() if name != "log_std"
        }

    def sample(self, obs: Float[Tensor, "N S"]) -> Float[Tensor, "N A"]:
        """A random action for each of N simulations, [N, S] to [N, A]."""
        mean = self._means(obs[None])[0]  # [M, K, A]
        return (mean + self._log_std.exp().unsqueeze(1) * torch.randn_like(mean)).flatten(0, 1)

    def log_prob(self, obs: Float[Tensor, "T N S"], action: Float[Tensor, "T N A"]) -> Float[Tensor, "T N"]:
        """Log-density of actions [T, N, A] at [T, N, S], summed over A, in nats: [T, N]."""
        mean, log_std = self._means(obs), self._log_std.unsqueeze(1)  # [T, M, K, A], [M, 1, A]
        z = (action.unflatten(1, mean.shape[1:3]) - mean) * (-log_std).exp()
        return (-0.5 * (z.square() + LOG_TWO_PI) - log_std).sum(-1).flatten(1)

    def _means(self, obs: Tensor) -> Tensor:
        time, tasks = len(obs), len(self._log_std)
        x = self._policy.obs_norm.normalize(obs).unflatten(1, (tasks, -1)).transpose(0, 1)  # [M, T, K, S]
        mean = applied(self._policy.mean, self._mean, x.flatten(1, 2))  # [M, T K, A]
        return mean.unflatten(1, (time, -1)).transpose(0, 1)  # [T, M, K, A]
