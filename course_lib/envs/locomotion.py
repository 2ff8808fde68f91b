"""Running robots as batched worlds: many simulations, each with its own physics, one step call.

What the robots share: episodes, autoreset, start states, and what happens to a simulation that
diverges. What one robot observes and is rewarded for stands in its own file.

Axes: N simulations, S observation, A action, B bodies.
Source: Gymnasium's MuJoCo worlds, version 5, https://gymnasium.farama.org/environments/mujoco.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import mujoco
import numpy as np
from gymnasium.spaces import Box
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from course_lib.core.playback import Scene
from course_lib.envs.physics import LocomotionParams, Physics

__all__ = ["LocomotionParams", "LocomotionVectorEnv"]


class LocomotionVectorEnv(VectorEnv):
    """N simulations of one planar robot, rewarded for running forward.

    Simulation i behaves, bit for bit, like the single world reset with `seed + i`.
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
            **parameters: single parameters by name, instead of `params`: `torso_mass=6.0`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, got {num_envs}")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"max_episode_steps must be at least 1 or None, got {max_episode_steps}")
        if params is not None and parameters:
            raise ValueError(
                f"give params or {', '.join(parameters)}, not both: use dataclasses.replace on params"
            )
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self.max_episode_steps = max_episode_steps
        self._physics = Physics(self.xml, num_envs, self.params_type(), num_threads)
        self._predictor: Physics | None = None
        model = self._physics.model
        self.dt = model.opt.timestep * self.frame_skip
        low, high = model.actuator_ctrlrange.astype(np.float32).T
        self.single_action_space = Box(low, high, dtype=np.float32)
        self.single_observation_space = Box(-np.inf, np.inf, (model.nq - 1 + model.nv,), np.float64)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.generators: list[np.random.Generator] | None = None
        """Where each simulation's start states are drawn from; None before the first reset."""
        self._before = np.empty_like(self._physics.batch.state)
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)
        self.set_params(params if params is not None else self.params_type.from_keywords(**parameters))

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

    @property
    def params(self) -> LocomotionParams:
        """The physical parameters now in force."""
        return self._params

    def set_params(self, params: LocomotionParams) -> None:
        """Gives the simulations other physics, at once: running episodes go on under the new one.

        Raises:
            TypeError: the parameters are those of another world.
            ValueError: a parameter holds neither one value nor N.
        """
        self._physics.set_params(params)
        self._params = params

    def predict(self, obs: np.ndarray, actions: np.ndarray, params: LocomotionParams) -> np.ndarray:
        """Where one control step leads from given observations, under given parameters.

        Runs in simulations of its own: running episodes are not touched. It knows what an observation
        tells, no more: x is 0, and where the observation caps a velocity the cap is taken for it. A
        simulation that diverges predicts infinity, so that it explains nothing it is compared with.

        Args:
            obs: [K, S]; K may differ from N.
            actions: [K, A].
            params: one value each, or K.

        Returns:
            Next observations, float64 [K, S].

        Raises:
            TypeError: the parameters are those of another world.
            ValueError: a shape does not fit, or a value is not finite.
        """
        obs, count = np.asarray(obs, dtype=np.float64), len(obs)
        expected = (count, *self.single_observation_space.shape)
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

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts new episodes, in all simulations or in those of `options["reset_mask"]`.

        Args:
            seed: simulation i draws its starts from `seed + i`; or one seed each. None: goes on drawing.
            options: may hold "reset_mask", bool [N].

        Raises:
            ValueError: the number of seeds or the mask's shape is not N, or the mask is empty.
        """
        mask = np.ones(self.num_envs, dtype=bool)
        if options is not None and "reset_mask" in options:
            mask = np.asarray(options["reset_mask"])
            if mask.dtype != bool or mask.shape != (self.num_envs,) or not mask.any():
                raise ValueError(
                    f"reset_mask must be bool of shape ({self.num_envs},) with a True in it, "
                    f"got {mask.dtype} of shape {mask.shape}"
                )
        self._seed(seed, mask)
        self._restart(mask)
        return self._observe(self._physics.qpos, self._physics.qvel), self._start_infos(mask)

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One control step of every running simulation.

        Motors clip actions to their range; the control cost counts them as they were asked for. A
        simulation whose state stops being finite terminates with reward 0 and its last good
        observation, and is marked in `infos["diverged"]`; the others do not notice.

        Args:
            actions: [N, A].

        Raises:
            ValueError: wrong shape, or actions that are not finite.
        """
        if self.generators is None:
            raise RuntimeError("call reset() before the first step()")
        actions = self._checked(actions, self.num_envs)
        physics, ended = self._physics, self._terminated | self._truncated
        x_before = physics.qpos[:, 0].copy()
        diverged = self._advance(actions, ~ended)
        x_velocity = (physics.qpos[:, 0] - x_before) / self.dt
        x_velocity[diverged] = 0.0
        reward, terminated, infos = self._judge(x_velocity, actions, physics.qpos, physics.qvel)
        reward[diverged] = 0.0
        terminated |= diverged
        self._elapsed += ~ended
        limit = np.inf if self.max_episode_steps is None else self.max_episode_steps
        truncated = self._elapsed >= limit
        infos |= {"x_velocity": x_velocity, "diverged": diverged}
        infos |= {f"_{name}": ~ended for name in infos}
        if ended.any():
            reward[ended] = 0.0
            if self.autoreset_mode == AutoresetMode.DISABLED:
                terminated[ended], truncated[ended] = self._terminated[ended], self._truncated[ended]
            else:  # NEXT_STEP: this step only resets
                self._restart(ended)
                terminated[ended] = truncated[ended] = False
        infos |= self._start_infos(np.ones(self.num_envs, dtype=bool))
        self._terminated, self._truncated = terminated.copy(), truncated.copy()
        obs = self._observe(physics.qpos, physics.qvel)
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            obs = self._start_again(obs, terminated | truncated, infos)
        return obs, reward, terminated, truncated, infos

    def _advance(self, actions: np.ndarray, live: np.ndarray) -> np.ndarray:
        """Steps the live simulations; those that diverge go back to their last good state.

        Returns:
            Which simulations diverged, bool [N].
        """
        physics = self._physics
        np.copyto(self._before, physics.batch.state)
        physics.ctrl[:] = actions
        diverged = np.zeros(self.num_envs, dtype=bool)
        indices = physics.step(self.frame_skip, live)
        if indices.size:
            diverged[indices] = True
            physics.batch.state[indices] = self._before[indices]
            lost = ~physics.is_good()
            if lost.any():  # somebody wrote the bad state between two steps
                physics.batch.reset(lost)
        return diverged

    def _checked(self, actions: np.ndarray, count: int) -> np.ndarray:
        actions = np.asarray(actions)
        expected = (count, *self.single_action_space.shape)
        if actions.shape != expected:
            raise ValueError(f"actions must have shape {expected}, got {actions.shape}")
        finite = np.isfinite(actions)
        if not finite.all():
            which = np.flatnonzero(~finite.all(axis=1)).tolist()
            raise ValueError(f"actions must be finite, but those of simulations {which} are not")
        return actions

    def _seed(self, seed: int | Sequence[int | None] | None, mask: np.ndarray) -> None:
        if seed is None:
            if self.generators is None:
                self.generators = list(self.np_random.spawn(self.num_envs))
            return
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seed = [int(seed) + index for index in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(
                f"give one seed, or one for each of the {self.num_envs} simulations, got {len(seed)}"
            )
        if self.generators is None:
            self.generators = list(self.np_random.spawn(self.num_envs))
        for index in np.flatnonzero(mask):
            if seed[index] is not None:
                self.generators[index], _ = seeding.np_random(int(seed[index]))

    def _restart(self, mask: np.ndarray) -> None:
        """Puts the simulations of the mask to a random start."""
        physics, model = self._physics, self._physics.model
        physics.batch.reset(mask, stage=mujoco.mjtStage.mjSTAGE_NONE)
        for index in np.flatnonzero(mask):
            position, velocity = self._draw_start(self.generators[index], model.nq, model.nv)
            physics.qpos[index] += position
            physics.qvel[index] += velocity
        self._elapsed[mask] = 0
        self._terminated[mask] = self._truncated[mask] = False

    def _start_infos(self, mask: np.ndarray) -> dict[str, Any]:
        return {"x_position": self._physics.qpos[:, 0].copy(), "_x_position": mask.copy()}

    def _start_again(self, obs: np.ndarray, ended: np.ndarray, infos: dict[str, Any]) -> np.ndarray:
        """Gymnasium's SAME_STEP: the new start's observation, the old end's in `infos["final_obs"]`."""
        if not ended.any():
            return obs
        names = [name for name in infos if not name.startswith("_")]
        final_info = {name: np.where(ended, infos[name], 0) for name in names}
        infos["final_info"] = final_info | {f"_{name}": ended.copy() for name in names}
        for name in names:  # the end's values stand in final_info only; the new start has but these two
            if name not in ("x_position", "diverged"):
                infos[f"_{name}"] = infos[f"_{name}"] & ~ended
        infos["final_obs"] = np.full(self.num_envs, None, dtype=object)
        for index in np.flatnonzero(ended):
            infos["final_obs"][index] = obs[index].copy()
        infos["_final_obs"], infos["_final_info"] = ended.copy(), ended.copy()
        self._restart(ended)
        infos["x_position"] = self._physics.qpos[:, 0].copy()
        return self._observe(self._physics.qpos, self._physics.qvel)
