"""Recorded paths: where each simulation went, episode by episode, for a picture of it.

Axes: N simulations, T steps of an episode.
"""

from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv, VectorWrapper


class RecordedPaths(VectorWrapper):
    """A batched world with `positions` and without autoreset, and where they were since trials began.

    Trials begin with a reset without options; one with a mask goes on with the next episode.

    Args:
        env: the world.
    """

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self._steps: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._ended = np.zeros(env.num_envs, dtype=bool)

    def __getattr__(self, name: str) -> Any:
        """What the world has and Gymnasium's wrappers do not know: `set_params`, `max_episode_steps`."""
        if name.startswith("_") or name == "env":
            raise AttributeError(name)
        return getattr(self.env, name)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """As the world's; without options it begins a new recording."""
        result = self.env.reset(seed=seed, options=options)
        if options is None:
            self._steps = []
        mask = np.ones(self.num_envs, dtype=bool) if options is None else options["reset_mask"].copy()
        self._ended = self._ended & ~mask
        self._steps.append((self.env.positions, mask, mask))
        return result

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """As the world's."""
        result = self.env.step(actions)
        starts = np.zeros(self.num_envs, dtype=bool)
        self._steps.append((self.env.positions, ~self._ended, starts))
        self._ended = result[2] | result[3]
        return result

    def paths(self, simulation: int) -> list[np.ndarray]:
        """Places of each episode of a simulation, from its start on, one array [T + 1, 2] an episode."""
        episodes: list[list[np.ndarray]] = []
        for positions, seen, starts in self._steps:
            if starts[simulation]:
                episodes.append([])
            if seen[simulation]:
                episodes[-1].append(positions[simulation])
        return [np.array(places) for places in episodes]
