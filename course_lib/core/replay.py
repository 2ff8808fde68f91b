"""Experience replay: keep what happened, learn from it many times.

Axes: B batch, T time, N simulations, S observation, A action.
Source: Lin, "Self-improving reactive agents based on reinforcement learning, planning and
teaching", Machine Learning 1992, https://doi.org/10.1007/BF00992699; uniform sampling as in
Mnih et al., "Human-level control through deep reinforcement learning", Nature 2015,
https://doi.org/10.1038/nature14236.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.core.rollout import Transitions


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Single transitions, drawn from anywhere in the past."""

    obs: Tensor
    """float32 [B, S]."""
    action: Tensor
    """float32 [B, A]."""
    reward: Tensor
    """float32 [B]."""
    next_obs: Tensor
    """float32 [B, S]: what the step led to, never the first observation of a new episode."""
    terminated: Tensor
    """bool [B]: the world ended the episode; a time limit does not count."""
    weight: Tensor
    """float32 [B]: how much each transition counts, 1 unless an idea says otherwise."""

    def __len__(self) -> int:
        return len(self.reward)


class Replay:
    """The last transitions of a world, drawn uniformly and with replacement.

    Args:
        capacity: how many transitions are kept, at least 1; the oldest go first.
        obs_size: S.
        action_size: A.

    Raises:
        ValueError: the capacity is not positive.
    """

    def __init__(self, capacity: int, obs_size: int, action_size: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1 transition, got {capacity}")
        self.capacity = capacity
        self._sizes = [obs_size, action_size, 1, obs_size, 1]
        # One row a transition: a batch is one gather instead of five.
        self._rows = torch.zeros(capacity, sum(self._sizes))
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, self.capacity)

    def add(self, data: Transitions) -> None:
        """Appends the valid transitions [T, N], in the order of time.

        Raises:
            ValueError: their sizes are not those of this memory.
        """
        valid = data.valid
        columns = (
            data.obs[valid],
            data.action[valid],
            data.reward[valid].unsqueeze(-1),
            data.next_obs[valid],
            data.terminated[valid].unsqueeze(-1).float(),
        )
        sizes = [column.shape[-1] for column in columns]
        if sizes != self._sizes:
            raise ValueError(
                f"this memory holds observations of size {self._sizes[0]} and actions of size "
                f"{self._sizes[1]}, got {sizes[0]} and {sizes[1]}"
            )
        rows = torch.cat(columns, dim=-1)[-self.capacity :]  # [B, S + A + 1 + S + 1]
        places = (self._added + torch.arange(len(rows))) % self.capacity
        self._rows[places] = rows
        self._added += len(rows)

    def sample(self, batch_size: int, rng: np.random.Generator) -> Batch:
        """Draws transitions uniformly, with replacement.

        Args:
            batch_size: B.
            rng: source of randomness.

        Raises:
            ValueError: the memory is empty.
        """
        if not len(self):
            raise ValueError("nothing to sample from: add transitions first")
        rows = self._rows[torch.from_numpy(rng.integers(len(self), size=batch_size))]
        obs, action, reward, next_obs, terminated = rows.split(self._sizes, dim=-1)
        return Batch(
            obs=obs,
            action=action,
            reward=reward.squeeze(-1),
            next_obs=next_obs,
            terminated=terminated.squeeze(-1) > 0.5,
            weight=torch.ones(batch_size),
        )
