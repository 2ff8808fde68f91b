"""The single-world twin of a batched world: one simulation behind Gymnasium's plain interface.

It is the batched world with one simulation, so that the physics is the same bit for bit.

Axes: S observation, A action.
Source: Gymnasium's Env, https://gymnasium.farama.org/api/env.
"""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode

from course_lib.envs.episodes import EpisodicVectorEnv, WorldParams


class SingleEnv(gymnasium.Env):
    """One simulation of a batched world.

    The time limit is Gymnasium's wrapper, which `gymnasium.make` adds. A terminated world stays as
    it is until the next reset.
    """

    vector_type: ClassVar[type[EpisodicVectorEnv]]
    """The batched world."""
    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}

    def __init__(
        self,
        params: WorldParams | None = None,
        *,
        render_mode: str | None = None,
        **parameters: float,
    ) -> None:
        """Builds the world.

        Args:
            params: the world's parameters.
            render_mode: must be None; the course's widgets draw from `pose()`.
            **parameters: single parameters by name, instead of `params`: `torso_mass=6.0`.

        Raises:
            ValueError: a parameter is out of bounds, or a render mode is asked for.
            TypeError: a parameter's name is unknown.
        """
        if render_mode is not None:
            raise ValueError(f"render_mode must be None, got {render_mode!r}: draw scene and pose() instead")
        self.render_mode = None
        self.vector = self.vector_type(
            1,
            params,
            max_episode_steps=None,
            autoreset_mode=AutoresetMode.DISABLED,
            **parameters,
        )
        self.observation_space = self.vector.single_observation_space
        self.action_space = self.vector.single_action_space
        self.dt = self.vector.dt

    @property
    def params(self) -> WorldParams:
        """The parameters now in force."""
        return self.vector.params

    def set_params(self, params: WorldParams) -> None:
        """Gives the world other parameters, at once; raises as the batched world's."""
        self.vector.set_params(params)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts a new episode, drawn from `self.np_random`."""
        super().reset(seed=seed)
        self.vector.np_random, self.vector.generators = self.np_random, [self.np_random]
        obs, infos = self.vector.reset()
        return obs[0], self._single(infos)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """One control step; raises as the batched world's."""
        obs, reward, terminated, truncated, infos = self.vector.step(np.asarray(action)[None])
        return obs[0], float(reward[0]), bool(terminated[0]), bool(truncated[0]), self._single(infos)

    def close(self) -> None:
        """Releases the simulation."""
        self.vector.close()

    @staticmethod
    def _single(infos: dict[str, Any]) -> dict[str, Any]:
        return {name: value[0] for name, value in infos.items() if not name.startswith("_")}


class LocomotionEnv(SingleEnv):
    """One planar robot."""
