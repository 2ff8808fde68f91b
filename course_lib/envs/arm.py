"""Arm: three joints where two would do, so that a broken motor can be done without.

The fingertip is to come to a goal in the plane, drawn anew in each episode. Two joints place a
fingertip in a plane; the third is to spare. Whoever commands a motor that turns the wrong way
drives itself off; whoever leaves that motor alone reaches every goal with the other two.

Axes: N simulations, S = 13 observations, A = 3 torques (shoulder, elbow, wrist).
Source: the "broken reacher" of Eysenbach et al., "Off-Dynamics Reinforcement Learning: Training for
Transfer with Domain Classifiers", ICLR 2021, https://arxiv.org/abs/2006.13916; reward after
Gymnasium's Reacher-v5, https://gymnasium.farama.org/environments/mujoco/reacher.
"""

import dataclasses
from pathlib import Path
from typing import ClassVar

import mujoco
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode
from mujoco.batch import Batch

from course_lib.core.playback import Geom, Scene
from course_lib.core.task_family import TaskFamily
from course_lib.envs.episodes import EpisodicVectorEnv, Interval
from course_lib.envs.physics import ModelParams, Physics
from course_lib.envs.single_world import SingleEnv

HORIZON = 50
"""Steps of an episode, 2 s; any goal is reached in less than 40."""
LINKS = np.array([0.35, 0.3, 0.25])
"""Lengths of upper arm, forearm and hand, m, as in arm.xml."""
SHOULDER = np.array([0.0, 1.0])
"""Where the arm is fixed to its stand (x, z), m."""
REST = np.array([0.0, 1.2, -1.2])
"""About where the joints start, rad: bent, so that any two of them can place the fingertip."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ArmParams(ModelParams):
    """What differs between two arms."""

    first_motor: float | np.ndarray = 1.0
    """What the shoulder's motor gives of what is asked, 1: 1 as built, 0 dead, -1 wired the wrong way."""
    second_motor: float | np.ndarray = 1.0
    """The same for the elbow's."""
    third_motor: float | np.ndarray = 1.0
    """The same for the wrist's."""
    damping: float | np.ndarray = 2.0
    """Of every joint, N m s/rad; a full motor, 6 N m, then turns it at 3 rad/s, half round in a second."""

    bounds: ClassVar[dict[str, Interval]] = {
        "first_motor": Interval(-1.0, 1.0),
        "second_motor": Interval(-1.0, 1.0),
        "third_motor": Interval(-1.0, 1.0),
        "damping": Interval(0.0, 100.0, above_low=True),
    }

    @classmethod
    def write(cls, batch: Batch, model: mujoco.MjModel, rows: np.ndarray, values: np.ndarray) -> None:
        """Sets gears and damping."""
        batch.expand("actuator_gear")[rows, :, 0] = model.actuator_gear[:, 0] * values[:, :3]
        batch.expand("dof_damping")[rows] = values[:, 3:]


def fingertip(angles: np.ndarray) -> np.ndarray:
    """Where the fingertip is, from the shoulder.

    Args:
        angles: of the joints [B, 3], rad, each from the link before; 0 is stretched forward.

    Returns:
        (x, z), float64 [B, 2], m.
    """
    heading = np.cumsum(angles, axis=1)
    return np.stack([(LINKS * np.cos(heading)).sum(axis=1), (LINKS * np.sin(heading)).sum(axis=1)], axis=1)


class ArmVectorEnv(EpisodicVectorEnv):
    """N arms; the reward is minus the distance to the goal, minus what torque costs.

    Observed: cosines and sines of the three angles, their velocities times `velocity_scale`, the goal
    (x, z) from the shoulder, and the way from the goal to the fingertip (x, z).
    """

    params_type = ArmParams

    frame_skip: ClassVar[int] = 2
    """Simulation steps of 0.02 s per control step."""
    control_cost: ClassVar[float] = 0.02
    """Price of the sum of squared actions: a motor at full power costs as much as 2 cm of distance."""
    velocity_scale: ClassVar[float] = 0.3
    """Observed velocity per rad/s: full speed is about 1."""
    goal_radius: ClassVar[tuple[float, float]] = (0.3, 0.5)
    """Distances of the goals from the shoulder, m."""
    goal_angle: ClassVar[float] = 1.0
    """Largest angle of a goal from straight forward, rad."""
    start_spread: ClassVar[float] = 0.1
    """Largest offset of a start's angles, rad, and of its velocities, rad/s."""

    def __init__(
        self,
        num_envs: int,
        params: ArmParams | None = None,
        *,
        num_threads: int = 1,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the arms; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: parameters of all arms, or one value for each.
            num_threads: of the physics; an arm is so light that more than one rarely pays. 0: every core.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a finished arm starts again.
            **parameters: single parameters by name, instead of `params`: `second_motor=-1.0`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        xml = str(Path(__file__).with_name("arm.xml"))
        self._physics = Physics(xml, num_envs, self.params_type(), num_threads)
        self.dt = self._physics.model.opt.timestep * self.frame_skip
        super().__init__(
            num_envs,
            Box(-1.0, 1.0, (3,), np.float32),
            Box(-np.inf, np.inf, (13,), np.float64),
            max_episode_steps,
            autoreset_mode,
        )
        self._before = np.empty_like(self._physics.batch.state)
        self._goal, self._tip = np.zeros((num_envs, 2)), np.zeros((num_envs, 2))
        self.set_params(params)

    def _apply(self, values: np.ndarray) -> None:
        self._physics.apply(values)

    def _start(self, mask: np.ndarray) -> None:
        physics = self._physics
        physics.batch.reset(mask, stage=mujoco.mjtStage.mjSTAGE_NONE)
        low, high = self.goal_radius
        for index in np.flatnonzero(mask):
            rng = self.generators[index]
            offset = rng.uniform(-self.start_spread, self.start_spread, 6)
            physics.qpos[index] = REST + offset[:3]
            physics.qvel[index] = offset[3:]
            angle = rng.uniform(-self.goal_angle, self.goal_angle)
            # The square: as many goals on each square metre.
            radius = np.sqrt(rng.uniform(low**2, high**2))
            self._goal[index] = radius * np.cos(angle), radius * np.sin(angle)
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
        cost = self.control_cost * np.square(np.clip(actions, -1.0, 1.0)).sum(axis=1, dtype=np.float64)
        reward = np.where(diverged, 0.0, -distance - cost)
        return reward, diverged, {"reward_distance": -distance, "reward_ctrl": -cost, "diverged": diverged}

    def _observation(self) -> np.ndarray:
        angles, velocities = self._physics.qpos, self._physics.qvel
        return np.concatenate(
            [
                np.cos(angles),
                np.sin(angles),
                self.velocity_scale * velocities,
                self._goal,
                self._tip - self._goal,
            ],
            axis=1,
        )

    @property
    def scene(self) -> Scene:
        """The arm on its stand seen from the side, and the goal."""
        arm = self._physics.scene
        goal = Geom(body=len(arm.bodies), start=(0.0, 0.0), end=(0.0, 0.0), radius=0.03, name="goal")
        return Scene(name=arm.name, bodies=(*arm.bodies, "goal"), geoms=(*arm.geoms, goal))

    def pose(self) -> np.ndarray:
        """Where the bodies and the goal are now, float32 [N, B, 3]: x (m), z (m), pitch (rad)."""
        goal = np.zeros((self.num_envs, 1, 3), dtype=np.float32)
        goal[:, 0, :2] = self._goal + SHOULDER
        return np.concatenate([self._physics.pose(), goal], axis=1)


class ArmEnv(SingleEnv):
    """One arm; `gymnasium.make("course/Arm-v0", second_motor=-1.0)`."""

    vector_type = ArmVectorEnv


def family() -> TaskFamily:
    """The source domain: every motor as built."""
    return TaskFamily(
        name="arm",
        params_type=ArmParams,
        source={"first_motor": 1.0, "second_motor": 1.0, "third_motor": 1.0, "damping": 2.0},
        make_vec=ArmVectorEnv,
    )
