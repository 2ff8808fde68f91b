"""Reacher: the arm as a goal world, where the fingertip is to come to wherever it is told.

A step costs 1 until the fingertip is at the goal, and being there ends the episode. Nothing says how near
it is: an agent that never got there by chance has nothing to learn from, unless it looks at where it did get.

Axes: N simulations, S = 11 observations, K = 2 goal, A = 3 torques (shoulder, elbow, wrist).
Source: the sparse reward and the goals of Andrychowicz et al., "Hindsight Experience Replay", NeurIPS 2017,
https://arxiv.org/abs/1707.01495; the body is the arm of `arm`.
"""

import dataclasses
from pathlib import Path
from typing import ClassVar

import mujoco
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

from course_lib.core.goals import GoalSpace
from course_lib.core.playback import Geom, Scene
from course_lib.core.task_family import TaskFamily, Uniform
from course_lib.envs.arm import REST, SHOULDER, ArmParams, fingertip
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.physics import Physics
from course_lib.envs.single_world import SingleEnv

HORIZON = 50
"""Steps of an episode, 2 s; any goal is reached in less than 40."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ReacherParams(WorldParams):
    """What differs between two tasks: the goal, which is their context."""

    goal_x: float | np.ndarray = 0.45
    """How far in front of the shoulder the fingertip should be, m."""
    goal_z: float | np.ndarray = 0.0
    """How far above the shoulder, m."""

    bounds: ClassVar[dict[str, Interval]] = {"goal_x": Interval(-1.0, 1.0), "goal_z": Interval(-1.0, 1.0)}
    context: ClassVar[tuple[str, ...]] = ("goal_x", "goal_z")


class ReacherVectorEnv(EpisodicVectorEnv):
    """N arms; the reward is -1 a step, and 0 on the step that brings the fingertip to the goal, the last.

    Observed: cosines and sines of the three angles, their velocities times `velocity_scale`, where the
    fingertip is from the shoulder (x, z), m; then the goal.
    """

    params_type = ReacherParams
    goal_space: ClassVar[GoalSpace] = GoalSpace(
        columns=(9, 10), radius=0.05, low=(0.2, -0.4), high=(0.7, 0.4)
    )
    """Places of the fingertip, m from the shoulder; the whole box is within the arm's reach."""

    frame_skip: ClassVar[int] = 2
    """Simulation steps of 0.02 s per control step."""
    velocity_scale: ClassVar[float] = 0.3
    """Observed velocity per rad/s: full speed is about 1."""
    start_spread: ClassVar[float] = 0.1
    """Largest offset of a start's angles from the arm's rest, rad, and of its velocities from 0, rad/s."""

    def __init__(
        self,
        num_envs: int,
        params: ReacherParams | None = None,
        *,
        num_threads: int = 1,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the arms; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: goals of all arms, or one for each.
            num_threads: of the physics; an arm is so light that more than one rarely pays. 0: every core.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a finished arm starts again.
            context_observed: whether observations end with the goal.
            **parameters: single parameters by name, instead of `params`: `goal_x=0.3`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        # The arm as built: no parameter of a reacher changes its physics.
        self._physics = Physics(str(Path(__file__).with_name("arm.xml")), num_envs, ArmParams(), num_threads)
        self.dt = self._physics.model.opt.timestep * self.frame_skip
        super().__init__(
            num_envs,
            Box(-1.0, 1.0, (3,), np.float32),
            Box(-np.inf, np.inf, (11,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._before = np.empty_like(self._physics.batch.state)
        self._tip = np.zeros((num_envs, 2))
        self.set_params(params)

    def _apply(self, values: np.ndarray) -> None:
        self._goal = values

    def _start(self, mask: np.ndarray) -> None:
        physics = self._physics
        physics.batch.reset(mask, stage=mujoco.mjtStage.mjSTAGE_NONE)
        for index in np.flatnonzero(mask):
            offset = self.generators[index].uniform(-self.start_spread, self.start_spread, 6)
            physics.qpos[index] = REST + offset[:3]
            physics.qvel[index] = offset[3:]
        self._tip[mask] = fingertip(physics.qpos[mask])

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        physics = self._physics
        np.copyto(self._before, physics.batch.state)
        physics.ctrl[:] = actions
        diverged = physics.step_or_go_back(self.frame_skip, live, self._before)
        self._tip = fingertip(physics.qpos)
        distance = np.sqrt(np.square(self._tip - self._goal).sum(axis=1))
        reached = (distance <= self.goal_space.radius) & ~diverged
        infos = {"distance": distance, "reached": reached, "diverged": diverged}
        return np.where(reached, 0.0, -1.0), reached | diverged, infos

    def _observation(self) -> np.ndarray:
        angles, velocities = self._physics.qpos, self._physics.qvel
        return np.concatenate(
            [np.cos(angles), np.sin(angles), self.velocity_scale * velocities, self._tip], axis=1
        )

    @property
    def scene(self) -> Scene:
        """The arm on its stand seen from the side, and the goal: a ball of the radius that counts."""
        arm = self._physics.scene
        radius = self.goal_space.radius
        goal = Geom(body=len(arm.bodies), start=(0.0, 0.0), end=(0.0, 0.0), radius=radius, name="goal")
        return Scene(name="reacher", bodies=(*arm.bodies, "goal"), geoms=(*arm.geoms, goal))

    def pose(self) -> np.ndarray:
        """Where the bodies and the goal are now, float32 [N, B, 3]: x (m), z (m), pitch (rad)."""
        goal = np.zeros((self.num_envs, 1, 3), dtype=np.float32)
        goal[:, 0, :2] = self._goal + SHOULDER
        return np.concatenate([self._physics.pose(), goal], axis=1)


class ReacherEnv(SingleEnv):
    """One arm; `gymnasium.make("course/Reacher-v0", goal_x=0.3, goal_z=0.2)`."""

    vector_type = ReacherVectorEnv


def family() -> TaskFamily:
    """Every goal of the box is equally likely."""
    (left, low), (right, high) = ReacherVectorEnv.goal_space.low, ReacherVectorEnv.goal_space.high
    return TaskFamily(
        name="reacher",
        params_type=ReacherParams,
        source={"goal_x": Uniform(left, right), "goal_z": Uniform(low, high)},
        make_vec=ReacherVectorEnv,
    )
