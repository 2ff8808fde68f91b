"""Half-cheetahs that are told what to do: run at this velocity, or in this direction.

What is wanted of one episode is the context omega: a parameter of the world that its reward depends on and
its physics does not. Told, the observation ends with it; withheld, the world is the same to look at
whatever is wanted.

Axes: N simulations, S = 17 observations and K = 1 context, A = 6 torques.
Source: Finn et al., "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017,
https://arxiv.org/abs/1703.03400, appendix A.2: both families, their rewards and 200 steps
an episode; the velocities there are other ones (up to 2 m/s).
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from mujoco import MjModel
from mujoco.batch import Batch

from course_lib.core.task_family import Choice, TaskFamily, Uniform
from course_lib.envs.episodes import Interval
from course_lib.envs.half_cheetah import HalfCheetahParams, HalfCheetahVectorEnv
from course_lib.envs.single_world import LocomotionEnv

HORIZON = 200
"""Steps of an episode, 10 s."""


class TaskParams(HalfCheetahParams):
    """The half-cheetah's physical parameters, with a task's after them."""

    @classmethod
    def write(cls, batch: Batch, model: MjModel, rows: np.ndarray, values: np.ndarray) -> None:
        """Writes the physical parameters alone: a task is not a field of the model."""
        HalfCheetahParams.write(batch, model, rows, values[:, : len(HalfCheetahParams.names())])


@dataclass(frozen=True, kw_only=True, eq=False)
class VelocityParams(TaskParams):
    """A half-cheetah and the velocity that is commanded."""

    target_velocity: float | np.ndarray = 1.0
    """m/s, negative for backwards."""

    bounds: ClassVar[dict[str, Interval]] = {
        **HalfCheetahParams.bounds,
        "target_velocity": Interval(-20.0, 20.0),
    }
    context: ClassVar[tuple[str, ...]] = ("target_velocity",)


@dataclass(frozen=True, kw_only=True, eq=False)
class DirectionParams(TaskParams):
    """A half-cheetah and the direction that is commanded."""

    direction: float | np.ndarray = 1.0
    """1 for forwards, -1 for backwards."""
    forward_pay: float | np.ndarray = 1.0
    """Factor of the whole reward where the direction is forwards, 1, above 0: no part of the context, it only
    makes the two tasks unequal."""

    bounds: ClassVar[dict[str, Interval]] = {
        **HalfCheetahParams.bounds,
        "direction": Interval(-1.0, 1.0),
        "forward_pay": Interval(0.0, 1000.0, above_low=True),
    }
    context: ClassVar[tuple[str, ...]] = ("direction",)


class HalfCheetahVelocityVectorEnv(HalfCheetahVectorEnv):
    """N half-cheetahs, each with a velocity to keep: reward -|velocity - target| minus a price for torque."""

    params_type = VelocityParams
    ctrl_cost_weight: ClassVar[float] = 0.05

    def _judge(
        self, x_velocity: np.ndarray, actions: np.ndarray, qpos: np.ndarray, qvel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        miss = np.abs(x_velocity - self.context[:, 0])
        return _without_falls(-miss, self.ctrl_cost_weight * np.square(actions).sum(axis=1))


class HalfCheetahDirectionVectorEnv(HalfCheetahVectorEnv):
    """N half-cheetahs, each with a direction: reward direction * velocity minus a price for torque."""

    params_type = DirectionParams
    ctrl_cost_weight: ClassVar[float] = 0.05

    def _judge(
        self, x_velocity: np.ndarray, actions: np.ndarray, qpos: np.ndarray, qvel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        direction = self.context[:, 0]
        pay = np.where(direction > 0, self.params.forward_pay, 1.0)
        ctrl_cost = self.ctrl_cost_weight * np.square(actions).sum(axis=1)
        return _without_falls(pay * direction * x_velocity, pay * ctrl_cost)


class HalfCheetahVelocityEnv(LocomotionEnv):
    """One half-cheetah; `gymnasium.make("course/HalfCheetahVelocity-v0", target_velocity=1.5)`."""

    vector_type = HalfCheetahVelocityVectorEnv


class HalfCheetahDirectionEnv(LocomotionEnv):
    """One half-cheetah; `gymnasium.make("course/HalfCheetahDirection-v0", direction=-1.0)`."""

    vector_type = HalfCheetahDirectionVectorEnv


def _without_falls(
    task_reward: np.ndarray, ctrl_cost: np.ndarray
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """What `_judge` returns for a robot that never terminates."""
    parts = {"reward_task": task_reward, "reward_ctrl": -ctrl_cost}
    return task_reward - ctrl_cost, np.zeros(len(task_reward), dtype=bool), parts


def velocity_family(low: float = 0.5, high: float = 2.5, horizon: int = HORIZON) -> TaskFamily:
    """Half-cheetahs as Gymnasium's, with a velocity (m/s) commanded anywhere between two bounds.

    Args:
        low: least velocity, m/s.
        high: greatest velocity, m/s.
        horizon: steps of an episode, at least 1.
    """
    return TaskFamily(
        name="half_cheetah_velocity",
        params_type=VelocityParams,
        source={"target_velocity": Uniform(low, high)},
        make_vec=partial(HalfCheetahVelocityVectorEnv, max_episode_steps=horizon),
    )


def direction_family(forward_pay: float = 1.0) -> TaskFamily:
    """Half-cheetahs as Gymnasium's, forwards or backwards, as likely; with what forwards is paid."""
    return TaskFamily(
        name="half_cheetah_direction",
        params_type=DirectionParams,
        source={"direction": Choice((-1.0, 1.0)), "forward_pay": forward_pay},
        make_vec=partial(HalfCheetahDirectionVectorEnv, max_episode_steps=HORIZON),
    )
