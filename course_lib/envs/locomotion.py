"""Running robots as batched worlds: many simulations, each with its own physics, one step call.

What the robots share: start states, predictions, and what happens to a simulation that diverges. What
one robot observes and is rewarded for stands in its own file, and episodes in `episodes`.

Axes: N simulations, S observation, A action, B bodies.
Source: Gymnasium's MuJoCo worlds, version 5, https://gymnasium.farama.org/environments/mujoco.
"""

from typing import ClassVar

import mujoco
import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

from course_lib.core.playback import Scene
from course_lib.envs.episodes import EpisodicVectorEnv
from course_lib.envs.physics import LocomotionParams, Physics

__all__ = ["LocomotionParams", "LocomotionVectorEnv"]


class LocomotionVectorEnv(EpisodicVectorEnv):
    """N simulations of one planar robot, rewarded for running forward.

    The control cost counts actions as they were asked for. A simulation whose state stops being finite
    terminates with reward 0 and its last good observation, and is marked in `infos["diverged"]`; the
    others do not notice.
    """

    xml: ClassVar[str]
    """Model, a file among Gymnasium's assets."""
    frame_skip: ClassVar[int]
    """Simulation steps per control step."""
    params_type: ClassVar[type[LocomotionParams]]
    """The robot's parameters; their defaults are the model's own values."""

    def __init__(
        self,
        num_envs: int,
        params: LocomotionParams | None = None,
        *,
        num_threads: int = 0,
        max_episode_steps: int | None = 1000,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the simulations; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: physical parameters of all simulations, or one value for each.
            num_threads: of the physics; 0 takes every core.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a finished simulation starts again. DISABLED: it is not stepped any
                more, and costs nothing, until `reset(options={"reset_mask": ...})`.
            context_observed: whether observations end with the context, where the robot has one.
            **parameters: single parameters by name, instead of `params`: `torso_mass=6.0`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        self._physics = Physics(self.xml, num_envs, self.params_type(), num_threads)
        self._predictor: Physics | None = None
        model = self._physics.model
        self.dt = model.opt.timestep * self.frame_skip
        low, high = model.actuator_ctrlrange.astype(np.float32).T
        super().__init__(
            num_envs,
            Box(low, high, dtype=np.float32),
            Box(-np.inf, np.inf, (model.nq - 1 + model.nv,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._before = np.empty_like(self._physics.batch.state)
        self.set_params(params)

    # What one robot adds to this class.

    def _draw_start(self, rng: np.random.Generator, nq: int, nv: int) -> tuple[np.ndarray, np.ndarray]:
        """Random offsets of a start's positions [nq] and velocities [nv]."""
        raise NotImplementedError

    def _observe(self, qpos: np.ndarray, qvel: np.ndarray) -> np.ndarray:
        """Observations float64 [N, S], a fresh array."""
        raise NotImplementedError

    def _judge(
        self, x_velocity: np.ndarray, actions: np.ndarray, qpos: np.ndarray, qvel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Reward [N], terminated [N] and the reward's parts."""
        raise NotImplementedError

    # Physics.

    def _apply(self, values: np.ndarray) -> None:
        self._physics.apply(values)

    def predict(self, obs: np.ndarray, actions: np.ndarray, params: LocomotionParams) -> np.ndarray:
        """Where one control step leads from given observations, under given parameters.

        Runs in simulations of its own: running episodes are not touched. It knows what an observation
        tells, no more: x is 0, and where the observation caps a velocity the cap is taken for it. A
        simulation that diverges predicts infinity, so that it explains nothing it is compared with.

        Args:
            obs: [K, S], without a context; K may differ from N.
            actions: [K, A].
            params: one value each, or K.

        Returns:
            Next observations, float64 [K, S].

        Raises:
            TypeError: the parameters are those of another world.
            ValueError: a shape does not fit, or a value is not finite.
        """
        obs, count = np.asarray(obs, dtype=np.float64), len(obs)
        expected = (count, self._physics.model.nq - 1 + self._physics.model.nv)
        if obs.shape != expected or not np.isfinite(obs).all():
            raise ValueError(f"obs must be finite and of shape {expected}, got shape {obs.shape}")
        actions = self._checked(actions, count)
        if self._predictor is None or self._predictor.batch.nsim != count:
            threads = self._physics.batch.nthread
            self._predictor = Physics(self.xml, count, self.params_type(), threads)
        physics = self._predictor
        physics.set_params(params)
        split = physics.model.nq - 1
        physics.warmstart[:] = 0
        physics.qpos[:, 0] = 0
        physics.qpos[:, 1:] = obs[:, :split]
        physics.qvel[:] = obs[:, split:]
        physics.ctrl[:] = actions
        diverged = physics.step(self.frame_skip)
        next_obs = self._observe(physics.qpos, physics.qvel)
        next_obs[diverged] = np.inf
        return next_obs

    def predict_ensemble(self, particles: np.ndarray, obs: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """What each of many guessed worlds predicts for each step of one trajectory.

        Args:
            particles: parameters of the guesses, columns as in `params.names()`, [K, P].
            obs: where each step starts, [T, S].
            actions: [T, A].

        Returns:
            Next observations, float64 [K, T, S].
        """
        guesses, steps = len(particles), len(obs)
        next_obs = self.predict(
            np.tile(obs, (guesses, 1)),
            np.tile(actions, (guesses, 1)),
            self.params_type.from_array(np.repeat(particles, steps, axis=0)),
        )
        return next_obs.reshape(guesses, steps, -1)

    @property
    def scene(self) -> Scene:
        """What the robot looks like from the side."""
        return self._physics.scene

    def pose(self) -> np.ndarray:
        """Where the bodies of all simulations are now, float32 [N, B, 3]: x (m), z (m), pitch (rad)."""
        return self._physics.pose()

    # Episodes.

    def _start(self, mask: np.ndarray) -> None:
        physics, model = self._physics, self._physics.model
        physics.batch.reset(mask, stage=mujoco.mjtStage.mjSTAGE_NONE)
        for index in np.flatnonzero(mask):
            position, velocity = self._draw_start(self.generators[index], model.nq, model.nv)
            physics.qpos[index] += position
            physics.qvel[index] += velocity

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        physics = self._physics
        np.copyto(self._before, physics.batch.state)
        x_before = physics.qpos[:, 0].copy()
        physics.ctrl[:] = actions
        diverged = physics.step_or_go_back(self.frame_skip, live, self._before)
        x_velocity = (physics.qpos[:, 0] - x_before) / self.dt
        x_velocity[diverged] = 0.0
        reward, terminated, infos = self._judge(x_velocity, actions, physics.qpos, physics.qvel)
        reward[diverged] = 0.0
        terminated |= diverged
        return reward, terminated, infos | {"x_velocity": x_velocity, "diverged": diverged}

    def _observation(self) -> np.ndarray:
        return self._observe(self._physics.qpos, self._physics.qvel)

    def _start_infos(self) -> dict[str, np.ndarray]:
        return {"x_position": self._physics.qpos[:, 0].copy()}
