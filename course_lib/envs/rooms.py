"""Rooms: a point in a square with two rooms and one way between them, asked to come to any place.

The way from one room to the other leads through a gap at the top, so the distance that counts is not the
straight one: a value function for all goals has to know the wall.

Axes: N simulations, B points, S = 2 observations (x, y), K = 2 goal (x, y), A = 2 (step along x, along y).
Source: goal worlds after Andrychowicz et al., "Hindsight Experience Replay", NeurIPS 2017,
https://arxiv.org/abs/1707.01495; the rooms are our own.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

from course_lib.core.goals import GoalSpace
from course_lib.core.playback import Geom, Scene
from course_lib.core.task_family import TaskFamily, Uniform
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.single_world import SingleEnv

HORIZON = 50
"""Steps of an episode; the longest way takes about 35."""
REACH = 0.1
"""How far a full action moves the point along x or y, m per step."""
GAP = 0.5
"""The wall at x = 0 reaches from y = -1 up to here, m; above is the way through."""
WALLS = (((0.0, -1.0), (0.0, GAP)),)
"""Where nobody passes, from end to end, m; so is the rim of the square."""
WALL_DISTANCE = 1e-3
"""How far before the wall a point comes to rest, m: never on it, or nobody knew on which side."""
DRAWN_ABOVE = 1.0
"""How far above the ground of a picture y = 0 is drawn, m: in a picture of walkers, below is earth."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RoomsParams(WorldParams):
    """Where to go."""

    goal_x: float | np.ndarray = 0.7
    """m; negative in the left room, positive in the right one."""
    goal_y: float | np.ndarray = -0.7
    """m; upwards."""

    bounds: ClassVar[dict[str, Interval]] = {"goal_x": Interval(-1.0, 1.0), "goal_y": Interval(-1.0, 1.0)}
    context: ClassVar[tuple[str, ...]] = ("goal_x", "goal_y")


def moved(position: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Where a step ends: first along x, where the wall may stop it, then along y.

    Args:
        position: float64 [B, 2], m.
        action: [B, 2]; clipped to [-1, 1].

    Returns:
        float64 [B, 2], m.
    """
    step = REACH * np.clip(np.asarray(action, dtype=np.float64), -1.0, 1.0)
    after = np.clip(position + step, -1.0, 1.0)
    side = np.where(position[:, 0] > 0, 1.0, -1.0)
    stopped = (position[:, 1] < GAP) & (side * after[:, 0] <= 0)
    after[:, 0] = np.where(stopped, side * WALL_DISTANCE, after[:, 0])
    return after


class RoomsVectorEnv(EpisodicVectorEnv):
    """N points; -1 a step, and 0 for the one that comes within 5 cm of the goal, which ends the episode.

    An episode starts anywhere.
    """

    params_type = RoomsParams
    dt = 0.1
    """Seconds that a step lasts in a picture; the world itself counts steps."""

    goal_space: ClassVar[GoalSpace] = GoalSpace(
        columns=(0, 1), radius=0.05, low=(-1.0, -1.0), high=(1.0, 1.0)
    )
    """A goal is a place, m."""

    def __init__(
        self,
        num_envs: int,
        params: RoomsParams | None = None,
        *,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the points; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: goals of all points, or one value for each.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a finished point starts again.
            context_observed: whether the goal is told.
            **parameters: single parameters by name, instead of `params`: `goal_x=0.5`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(
            num_envs,
            Box(-1.0, 1.0, (2,), np.float32),
            Box(-1.0, 1.0, (2,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._position = np.zeros((num_envs, 2))
        self.set_params(params)

    def place(self, position: np.ndarray) -> None:
        """Puts the points somewhere, [N, 2] in m; their episodes go on from there."""
        self._position = np.array(position, dtype=np.float64).reshape(self.num_envs, 2)

    def _apply(self, values: np.ndarray) -> None:
        self._goal = values

    def _start(self, mask: np.ndarray) -> None:
        for index in np.flatnonzero(mask):
            self._position[index] = self.generators[index].uniform(-1.0, 1.0, 2)

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        self._position = np.where(live[:, None], moved(self._position, actions), self._position)
        distance = np.sqrt(np.square(self._position - self._goal).sum(axis=1))
        reached = distance <= self.goal_space.radius
        return reached - 1.0, reached, {"reached": reached.copy(), "distance": distance}

    def _observation(self) -> np.ndarray:
        return self._position.copy()

    @property
    def scene(self) -> Scene:
        """The square seen from above, y drawn upward."""
        wall = Geom(body=2, start=(0.0, -1.0), end=(0.0, GAP), radius=0.02, name="wall")
        point = Geom(body=0, start=(0.0, 0.0), end=(0.0, 0.0), radius=0.05, name="point")
        goal = Geom(body=1, start=(0.0, 0.0), end=(0.0, 0.0), radius=self.goal_space.radius, name="goal")
        return Scene(name="rooms", bodies=("point", "goal", "wall"), geoms=(point, goal, wall))

    def pose(self) -> np.ndarray:
        """Where the bodies are drawn now, float32 [N, 3, 3]: x (m), y + DRAWN_ABOVE (m), and no turn."""
        pose = np.zeros((self.num_envs, 3, 3), dtype=np.float32)
        pose[:, 0, :2], pose[:, 1, :2] = self._position, self._goal
        pose[:, :, 1] += DRAWN_ABOVE
        return pose


class RoomsEnv(SingleEnv):
    """One point; `gymnasium.make("course/Rooms-v0", goal_x=0.5)`."""

    vector_type = RoomsVectorEnv


def family() -> TaskFamily:
    """Every place of both rooms is wanted equally often."""
    return TaskFamily(
        name="rooms",
        params_type=RoomsParams,
        source={"goal_x": Uniform(-1.0, 1.0), "goal_y": Uniform(-1.0, 1.0)},
        make_vec=RoomsVectorEnv,
    )
