"""Half-cheetah: a two-legged runner seen from the side, which never falls for good.

The reward is forward speed minus a price for torque; episodes end by the time limit only.

Axes: N simulations, S = 17 observations, A = 6 torques (back thigh, shin, foot; front thigh, shin, foot).
Source: Gymnasium's HalfCheetah-v5, https://gymnasium.farama.org/environments/mujoco/half_cheetah; source
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
    "ground_friction": TruncatedNormal(0.5, 0.1, 0.3, 0.7),
    "joint_damping": TruncatedNormal(1.5, 0.5, 0.5, 2.5),
    "armature": TruncatedNormal(0.125, 0.04, 0.05, 0.2),
}
"""The paper's source distribution over half-cheetahs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HalfCheetahParams(LocomotionParams):
    """Physical parameters of the half-cheetah; the defaults are those of Gymnasium's half_cheetah.xml."""

    torso_mass: float | np.ndarray = 6.25020920502092
    """kg; the torso's share of the model's 14 kg."""
    ground_friction: float | np.ndarray = 0.4
    """Coefficient of the feet and of the floor alike, 1."""
    joint_damping: float | np.ndarray = 1.5
    """N m s/rad, at the front foot; the others have 2 to 4 times as much."""
    armature: float | np.ndarray = 0.1
    """kg m^2, at all six joints."""


class HalfCheetahVectorEnv(LocomotionVectorEnv):
    """N half-cheetahs; at default parameters each is Gymnasium's HalfCheetah-v5."""

    xml = "half_cheetah.xml"
    frame_skip = 5
    params_type = HalfCheetahParams

    ctrl_cost_weight: ClassVar[float] = 0.1
    """Price of the sum of squared actions."""

    def _draw_start(self, rng: np.random.Generator, nq: int, nv: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(-0.1, 0.1, nq), 0.1 * rng.standard_normal(nv)

    def _observe(self, qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
        return np.concatenate([qpos[:, 1:], qvel], axis=1)

    def _judge(
        self, x_velocity: np.ndarray, actions: np.ndarray, qpos: np.ndarray, qvel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        ctrl_cost = self.ctrl_cost_weight * np.square(actions).sum(axis=1)
        parts = {"reward_forward": x_velocity, "reward_ctrl": -ctrl_cost}
        return x_velocity - ctrl_cost, np.zeros(len(qpos), dtype=bool), parts


class HalfCheetahEnv(LocomotionEnv):
    """One half-cheetah; `gymnasium.make("course/HalfCheetah-v0", torso_mass=6.0)`."""

    vector_type = HalfCheetahVectorEnv


def family() -> TaskFamily:
    """Half-cheetahs of the paper's source distribution."""
    return TaskFamily(
        name="half_cheetah", params_type=HalfCheetahParams, source=SOURCE, make_vec=HalfCheetahVectorEnv
    )
