"""Direction: a point on the plane that is paid for going one way, and not told which.

Every single step tells how much of the wanted direction was in it: two steps that are not parallel give the
direction away. So this is the family in which learning to infer a task can be watched in seconds.

Axes: N simulations, S = 2 observations (x, y), P = 1 angle, A = 2 (step along x, along y).
Source: after the half-cheetah's two directions in Finn et al., "Model-Agnostic Meta-Learning for Fast
Adaptation of Deep Networks", ICML 2017, https://arxiv.org/abs/1703.03400; every direction of the plane is
this course's own.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

from course_lib.core.task_family import TaskFamily, Uniform
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.single_world import SingleEnv

HORIZON = 20
"""Steps of an episode."""
REACH = 0.1
"""How far a full action moves the point along x or y, m per step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectionParams(WorldParams):
    """Which way pays."""

    angle: float | np.ndarray = 0.0
    """rad, from the right over up."""

    bounds: ClassVar[dict[str, Interval]] = {"angle": Interval(-2.0 * np.pi, 2.0 * np.pi)}
    context: ClassVar[tuple[str, ...]] = ("angle",)


class DirectionVectorEnv(EpisodicVectorEnv):
    """N points, each starting at (0, 0); the reward is the part of the action along the wanted direction.

    The plane has no end, and no episode ends before its time.
    """

    params_type = DirectionParams
    dt = 0.1
    """Seconds that a step lasts in a picture; the world itself counts steps."""

    def __init__(
        self,
        num_envs: int,
        params: DirectionParams | None = None,
        *,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the points; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: directions of all points, or one for each.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a point starts again.
            context_observed: whether the direction is told.
            **parameters: the direction by name, instead of `params`: `angle=0.5`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(
            num_envs,
            Box(-1.0, 1.0, (2,), np.float32),
            Box(-np.inf, np.inf, (2,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._position = np.zeros((num_envs, 2))
        self.set_params(params)

    @property
    def positions(self) -> np.ndarray:
        """Where the points are now, m, float64 [N, 2], a fresh array."""
        return self._position.copy()

    @property
    def directions(self) -> np.ndarray:
        """Where they should go, unit vectors, float64 [N, 2], a fresh array."""
        return self._direction.copy()

    def _apply(self, values: np.ndarray) -> None:
        self._direction = np.concatenate([np.cos(values), np.sin(values)], axis=1)

    def _start(self, mask: np.ndarray) -> None:
        self._position[mask] = 0.0

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        step = np.clip(actions.astype(np.float64), -1.0, 1.0)
        self._position = self._position + REACH * step * live[:, None]
        return (step * self._direction).sum(axis=1), np.zeros(self.num_envs, dtype=bool), {}

    def _observation(self) -> np.ndarray:
        return self._position.copy()


class DirectionEnv(SingleEnv):
    """One point; `gymnasium.make("course/Direction-v0", angle=0.5)`."""

    vector_type = DirectionVectorEnv


def family() -> TaskFamily:
    """Every direction of the plane is wanted equally often."""
    return TaskFamily(
        name="direction",
        params_type=DirectionParams,
        source={"angle": Uniform(0.0, 2.0 * np.pi)},
        make_vec=DirectionVectorEnv,
    )
