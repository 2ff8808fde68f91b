"""Hopper: a one-legged robot that hops forward, and falls when it leans or ducks too far.

The reward is forward speed, plus 1 for every step on its foot, minus a small price for torque.

Axes: N simulations, S = 11 observations, A = 3 torques (thigh, leg, foot).
Source: Gymnasium's Hopper-v5, https://gymnasium.farama.org/environments/mujoco/hopper; source
distributions of Rajeswaran et al., "EPOpt", ICLR 2017, https://arxiv.org/abs/1610.01283, table 1.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from course_lib.core.task_family import TaskFamily, TruncatedNormal
from course_lib.envs.locomotion import LocomotionParams, LocomotionVectorEnv
from course_lib.envs.single_world import LocomotionEnv

SOURCE: dict[str, TruncatedNormal] = {
    "torso_mass": TruncatedNormal(6.0, 1.5, 3.0, 9.0),
    "ground_friction": TruncatedNormal(2.0, 0.25, 1.5, 2.5),
    "joint_damping": TruncatedNormal(2.5, 1.0, 1.0, 4.0),
    "armature": TruncatedNormal(1.0, 0.25, 0.5, 1.5),
}
"""The paper's source distribution over hoppers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HopperParams(LocomotionParams):
    """Physical parameters of the hopper; the defaults are those of Gymnasium's hopper.xml."""

    torso_mass: float | np.ndarray = 3.6651914291880923
    """kg; follows in the model from the torso's volume and 1000 kg/m^3."""
    ground_friction: float | np.ndarray = 2.0
    """The foot's coefficient, 1; the floor's is 1.0 and the larger of the two counts."""
    joint_damping: float | np.ndarray = 1.0
    """N m s/rad, at thigh, leg and foot alike."""
    armature: float | np.ndarray = 1.0
    """kg m^2, at thigh, leg and foot alike."""


class HopperVectorEnv(LocomotionVectorEnv):
    """N hoppers; at default parameters each is Gymnasium's Hopper-v5."""

    xml = "hopper.xml"
    frame_skip = 4
    params_type = HopperParams

    max_speed: ClassVar[float] = 10.0
    """Velocities are observed up to this, m/s or rad/s."""
    min_height: ClassVar[float] = 0.7
    """The torso must stay above, m."""
    max_pitch: ClassVar[float] = 0.2
    """The torso must lean less, rad."""
    max_state: ClassVar[float] = 100.0
    """Every other coordinate must stay below."""
    ctrl_cost_weight: ClassVar[float] = 1e-3
    """Price of the sum of squared actions."""

    def _draw_start(self, rng: np.random.Generator, nq: int, nv: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(-5e-3, 5e-3, nq), rng.uniform(-5e-3, 5e-3, nv)

    def _observe(self, qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
        return np.concatenate([qpos[:, 1:], np.clip(qvel, -self.max_speed, self.max_speed)], axis=1)

    def _judge(
        self, x_velocity: np.ndarray, actions: np.ndarray, qpos: np.ndarray, qvel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        bounded = (np.abs(qpos[:, 2:]) < self.max_state).all(axis=1) & (np.abs(qvel) < self.max_state).all(
            axis=1
        )
        healthy = bounded & (qpos[:, 1] > self.min_height) & (np.abs(qpos[:, 2]) < self.max_pitch)
        ctrl_cost = self.ctrl_cost_weight * np.square(actions).sum(axis=1)
        survive = healthy.astype(np.float64)
        parts = {"reward_forward": x_velocity, "reward_ctrl": -ctrl_cost, "reward_survive": survive}
        return x_velocity + survive - ctrl_cost, ~healthy, parts


class HopperEnv(LocomotionEnv):
    """One hopper; `gymnasium.make("course/Hopper-v0", torso_mass=6.0)`."""

    vector_type = HopperVectorEnv


def family() -> TaskFamily:
    """Hoppers of the paper's source distribution."""
    return TaskFamily(name="hopper", params_type=HopperParams, source=SOURCE, make_vec=HopperVectorEnv)
