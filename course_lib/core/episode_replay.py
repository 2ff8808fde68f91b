"""Replay of whole episodes: what happened can be looked at from any of its own later states.

A transition t leads from state t to state t + 1; an episode of length L has the states 0 .. L.

Axes: B transitions, T time, N simulations, S observation without goal, A action, K goal.
Source: Andrychowicz et al., "Hindsight Experience Replay", NeurIPS 2017, https://arxiv.org/abs/1707.01495,
algorithm 1, which keeps episodes until their goals have been replaced.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_lib.core.rollout import Transitions


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Single transitions, each with where in its episode it stands."""

    obs: Tensor
    """s without goal, float32 [B, S]."""
    action: Tensor
    """float32 [B, A]."""
    next_obs: Tensor
    """s' without goal, float32 [B, S]."""
    goal: Tensor
    """What was asked for when it happened, float32 [B, K]."""
    terminated: Tensor
    """bool [B]: the world ended the episode with this step; a time limit does not count."""
    episode: np.ndarray
    """Place of the episode in the memory, int64 [B]."""
    time: np.ndarray
    """t: the transition leads from state t to state t + 1, int64 [B]."""
    length: np.ndarray
    """Steps of the episode, int64 [B]; its last state has this number."""


class EpisodeReplay:
    """The last whole episodes of a world: a goal in hindsight is looked for among an episode's own states.

    Args:
        capacity: how many episodes are kept, at least 1; the oldest go first.
        horizon: the longest, in steps.
        obs_size: S.
        action_size: A.
        goal_size: K.
    """

    def __init__(self, capacity: int, horizon: int, obs_size: int, action_size: int, goal_size: int) -> None:
        self.capacity, self.horizon = capacity, horizon
        self.obs_size, self.goal_size = obs_size, goal_size
        self._states = torch.zeros(capacity, horizon + 1, obs_size)
        self._actions = torch.zeros(capacity, horizon, action_size)
        self._goals = torch.zeros(capacity, goal_size)
        self._terminated = np.zeros(capacity, dtype=bool)
        self._lengths = np.zeros(capacity, dtype=np.int64)
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, self.capacity)

    def add(self, data: Transitions) -> None:
        """Appends N whole episodes, one a simulation; their observations are [s, goal], [T, N, S + K].

        Raises:
            ValueError: their sizes are not those of this memory, or they are more than it can hold.
        """
        steps, n, size = data.obs.shape
        if (steps > self.horizon, n > self.capacity, size != self.obs_size + self.goal_size) != (False,) * 3:
            raise ValueError(
                f"this memory holds {self.capacity} episodes of {self.horizon} steps with observations of "
                f"size {self.obs_size} and goals of {self.goal_size}, got {n} of {steps} steps with {size}"
            )
        places = (self._added + np.arange(n)) % self.capacity
        where = torch.from_numpy(places)
        self._states[where, :steps] = data.obs[..., : self.obs_size].transpose(0, 1)
        # What a step leads to is the next state, and the last one's is in no observation.
        self._states[where, 1 : steps + 1] = data.next_obs[..., : self.obs_size].transpose(0, 1)
        self._actions[where, :steps] = data.action.transpose(0, 1)
        self._goals[where] = data.obs[0, :, self.obs_size :]
        self._terminated[places] = data.terminated.any(0).numpy()
        self._lengths[places] = data.valid.sum(0).numpy()
        self._added += n

    def sample(self, batch_size: int, rng: np.random.Generator) -> Moments:
        """Draws transitions uniformly, with replacement.

        Args:
            batch_size: B.
            rng: source of randomness.

        Raises:
            ValueError: the memory is empty.
        """
        if not len(self):
            raise ValueError("nothing to sample from: add episodes first")
        ends = np.cumsum(self._lengths[: len(self)])
        drawn = rng.integers(ends[-1], size=batch_size)
        episode = np.searchsorted(ends, drawn, side="right")
        length = self._lengths[episode]
        time = drawn - (ends[episode] - length)
        return Moments(
            obs=self.states(episode, time),
            action=self._actions[episode, time],
            next_obs=self.states(episode, time + 1),
            goal=self._goals[episode],
            terminated=torch.from_numpy(self._terminated[episode] & (time == length - 1)),
            episode=episode,
            time=time,
            length=length,
        )

    def states(self, episode: np.ndarray, time: np.ndarray) -> Tensor:
        """States of episodes, without goals: [B] and [B] to [B, S]."""
        return self._states[episode, time]
