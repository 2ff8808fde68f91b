"""Experience replay for many tasks: what happened in each is kept apart.

Axes: M tasks, B of them, K transitions of each, T time, N simulations, S observation, A action.
Source: Rakelly et al., "Efficient Off-Policy Meta-Reinforcement Learning via Probabilistic Context
Variables", ICML 2019, https://arxiv.org/abs/1903.08254, section 5: a replay buffer for every training task.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.core.rollout import Transitions


@dataclass(frozen=True, kw_only=True)
class TaskBatch:
    """Single transitions of some tasks, K of each."""

    obs: Tensor
    """float32 [B, K, S]."""
    action: Tensor
    """float32 [B, K, A]."""
    reward: Tensor
    """float32 [B, K]."""
    next_obs: Tensor
    """float32 [B, K, S]."""
    terminated: Tensor
    """bool [B, K]: the world ended the episode; a time limit does not count."""


class TaskReplay:
    """The last transitions of each of M tasks, drawn uniformly and with replacement.

    Args:
        tasks: M.
        capacity: how many transitions are kept of each task, at least 1; the oldest go first.
        obs_size: S.
        action_size: A.

    Raises:
        ValueError: a number is not positive.
    """

    def __init__(self, tasks: int, capacity: int, obs_size: int, action_size: int) -> None:
        if tasks < 1 or capacity < 1:
            raise ValueError(f"tasks and capacity must be at least 1, got {tasks} and {capacity}")
        self.capacity = capacity
        self._sizes = [obs_size, action_size, 1, obs_size, 1]
        self._rows = torch.zeros(tasks, capacity, sum(self._sizes))
        self._added = np.zeros(tasks, dtype=np.int64)

    def counts(self) -> np.ndarray:
        """How many transitions there are of each task, int64 [M]."""
        return np.minimum(self._added, self.capacity)

    def add(self, tasks: np.ndarray, data: Transitions) -> None:
        """Appends valid transitions.

        Args:
            tasks: which task each simulation was in, int [N].
            data: [T, N].
        """
        rows = torch.cat(
            [
                data.obs,
                data.action,
                data.reward.unsqueeze(-1),
                data.next_obs,
                data.terminated.unsqueeze(-1).float(),
            ],
            dim=-1,
        )  # [T, N, S + A + 1 + S + 1]
        for n, task in enumerate(tasks):
            new = rows[data.valid[:, n], n][-self.capacity :]
            places = (self._added[task] + np.arange(len(new))) % self.capacity
            self._rows[task, places] = new
            self._added[task] += len(new)

    def sample(self, tasks: np.ndarray, count: int, rng: np.random.Generator) -> TaskBatch:
        """Draws transitions of some tasks uniformly, with replacement.

        Args:
            tasks: int [B].
            count: K, of each task.
            rng: source of randomness.

        Raises:
            ValueError: nothing is known of a task.
        """
        known = self.counts()[tasks]
        if not known.all():
            raise ValueError(f"nothing to sample from in task {tasks[known == 0][0]}: add transitions first")
        places = (rng.random((len(tasks), count)) * known[:, None]).astype(np.int64)
        rows = self._rows[torch.from_numpy(tasks)[:, None], torch.from_numpy(places)]
        obs, action, reward, next_obs, terminated = rows.split(self._sizes, dim=-1)
        return TaskBatch(
            obs=obs,
            action=action,
            reward=reward.squeeze(-1),
            next_obs=next_obs,
            terminated=terminated.squeeze(-1) > 0.5,
        )
