"""Let a policy act in a batched world. The one place that knows about autoreset.

Axes: T time, N simulations, S observation, A action.
Source: autoreset modes as in Gymnasium's VectorEnv, https://gymnasium.farama.org/api/vector/.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from torch import Tensor


class Policy(Protocol):
    """Whatever can act."""

    def sample(self, obs: Tensor) -> Tensor:
        """Actions [N, A] for observations [N, S]."""


@dataclass(frozen=True, kw_only=True)
class Transitions:
    """What happened in T steps of N simulations, time first."""

    obs: Tensor
    """float32 [T, N, S]."""
    action: Tensor
    """float32 [T, N, A], as the policy drew it: the world sees it clipped to its bounds, or where it has
    discrete actions, as an integer (A = 1)."""
    reward: Tensor
    """float32 [T, N]."""
    next_obs: Tensor
    """float32 [T, N, S]: what the step led to, never the first observation of a new episode."""
    terminated: Tensor
    """bool [T, N]: the world ended the episode; there is no future."""
    ended: Tensor
    """bool [T, N]: terminated, or cut off by a time limit."""
    valid: Tensor
    """bool [T, N]: False for steps that only reset the world, or come after a trajectory's end."""

    @property
    def returns(self) -> Tensor:
        """Undiscounted sum of rewards of each simulation's valid steps, [N]."""
        return (self.reward * self.valid).sum(0)

    @property
    def steps(self) -> int:
        """Number of valid transitions."""
        return int(self.valid.sum())


def _allocate(steps: int, n: int, obs_size: int, action_size: int) -> Transitions:
    return Transitions(
        obs=torch.zeros(steps, n, obs_size),
        action=torch.zeros(steps, n, action_size),
        reward=torch.zeros(steps, n),
        next_obs=torch.zeros(steps, n, obs_size),
        terminated=torch.zeros(steps, n, dtype=torch.bool),
        ended=torch.zeros(steps, n, dtype=torch.bool),
        valid=torch.zeros(steps, n, dtype=torch.bool),
    )


def _cut(data: Transitions, steps: int) -> Transitions:
    return Transitions(**{name: tensor[:steps] for name, tensor in vars(data).items()})


def _mode(env: VectorEnv) -> AutoresetMode:
    mode = env.metadata.get("autoreset_mode")
    if mode is None:
        raise ValueError(f"{env} does not say when it resets: set metadata['autoreset_mode']")
    return AutoresetMode(mode)


def _float(array: np.ndarray) -> Tensor:
    return torch.as_tensor(array, dtype=torch.float32)


def action_size(env: VectorEnv) -> int:
    """A: numbers that say what to do; one where the actions are discrete."""
    space = env.single_action_space
    return 1 if isinstance(space, Discrete) else space.shape[0]


def as_taken(action: np.ndarray, env: VectorEnv) -> np.ndarray:
    """What a world is given for a policy's actions [N, A]: within its bounds, or whole numbers [N]."""
    space = env.single_action_space
    if isinstance(space, Discrete):
        return action[:, 0].astype(np.int64)
    return np.clip(action, space.low, space.high)


def _let_wait(env: VectorEnv, ended: np.ndarray) -> None:
    # Our worlds keep a finished simulation as it is. Gymnasium's own refuse to be stepped with one among
    # them, so there it runs on, uncounted.
    if isinstance(env, SyncVectorEnv | AsyncVectorEnv) and ended.any():
        env.reset(options={"reset_mask": ended})


class Collector:
    """Collects a fixed number of steps at a time; episodes go on from one call to the next.

    Args:
        env: a batched world.
        seed: of the start states.
        before_reset: called with bool [N] before those simulations start a new episode, for example
            to give them other physics; needs a world with autoreset disabled.

    Raises:
        ValueError: before_reset is given, and the world resets by itself.
    """

    def __init__(
        self, env: VectorEnv, seed: int, before_reset: Callable[[np.ndarray], None] | None = None
    ) -> None:
        self.env = env
        self.before_reset = before_reset
        self.mode = _mode(env)
        if before_reset is not None:
            if self.mode != AutoresetMode.DISABLED:
                raise ValueError("before_reset needs a world with autoreset_mode=AutoresetMode.DISABLED")
            before_reset(np.ones(env.num_envs, dtype=bool))
        obs, _ = env.reset(seed=seed)
        self._obs = _float(obs)
        self._ended = np.zeros(env.num_envs, dtype=bool)
        self._return = np.zeros(env.num_envs)

    @torch.no_grad()
    def collect(self, policy: Policy, steps: int) -> tuple[Transitions, np.ndarray]:
        """Acts for a number of steps in every simulation.

        Args:
            policy: draws the actions.
            steps: T.

        Returns:
            The transitions [T, N], and the returns of the episodes that ended meanwhile.

        Raises:
            ValueError: steps is not positive.
        """
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        n = self.env.num_envs
        data = _allocate(steps, n, self._obs.shape[1], action_size(self.env))
        finished: list[np.ndarray] = []
        for t in range(steps):
            if self.mode == AutoresetMode.DISABLED and self._ended.any():
                if self.before_reset is not None:
                    self.before_reset(self._ended)
                obs, _ = self.env.reset(options={"reset_mask": self._ended.copy()})
                self._obs, self._ended = _float(obs), np.zeros(n, dtype=bool)
            action = policy.sample(self._obs)
            obs, reward, terminated, truncated, infos = self.env.step(as_taken(action.numpy(), self.env))
            # With NEXT_STEP, the step after an end ignores the action and only resets.
            valid = ~self._ended if self.mode == AutoresetMode.NEXT_STEP else np.ones(n, dtype=bool)
            ended = terminated | truncated
            next_obs = obs
            if self.mode == AutoresetMode.SAME_STEP and ended.any():
                next_obs = obs.copy()
                next_obs[ended] = np.stack(infos["final_obs"][ended])
            data.obs[t] = self._obs
            data.action[t] = action
            data.reward[t] = _float(reward)
            data.next_obs[t] = _float(next_obs)
            data.terminated[t] = torch.as_tensor(terminated)
            data.ended[t] = torch.as_tensor(ended)
            data.valid[t] = torch.as_tensor(valid)
            self._return += reward * valid
            finished.append(self._return[ended].copy())
            self._return[ended] = 0.0
            self._ended = ended if self.mode != AutoresetMode.SAME_STEP else np.zeros(n, dtype=bool)
            self._obs = _float(obs)
        return data, np.concatenate(finished)


@torch.no_grad()
def episodes(env: VectorEnv, policy: Policy, horizon: int, seed: int) -> Transitions:
    """One trajectory per simulation, from its start to its end or to the horizon.

    Args:
        env: a batched world with autoreset disabled: a finished simulation costs nothing more.
        policy: draws the actions.
        horizon: longest trajectory, in steps; what is still alive then counts as truncated.
        seed: of the start states.

    Returns:
        Transitions [T, N] with T the length of the longest trajectory.

    Raises:
        ValueError: the world resets by itself, or the horizon is not positive.
    """
    if _mode(env) != AutoresetMode.DISABLED:
        raise ValueError("whole trajectories need a world with autoreset_mode=AutoresetMode.DISABLED")
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1 step, got {horizon}")
    first, _ = env.reset(seed=seed)
    obs = _float(first)
    alive = torch.ones(env.num_envs, dtype=torch.bool)
    data = _allocate(horizon, env.num_envs, obs.shape[1], action_size(env))
    for t in range(horizon):
        action = policy.sample(obs)
        next_obs, reward, terminated, truncated, _ = env.step(as_taken(action.numpy(), env))
        data.obs[t] = obs
        data.action[t] = action
        data.reward[t] = _float(reward)
        obs = _float(next_obs)
        data.next_obs[t] = obs
        data.terminated[t] = torch.as_tensor(terminated) & alive
        data.ended[t] = torch.as_tensor(terminated | truncated) & alive
        data.valid[t] = alive
        alive = alive & ~data.ended[t]
        if not alive.any():
            break
        _let_wait(env, terminated | truncated)
    data.ended[t] |= alive
    return _cut(data, t + 1)


def evaluate(env: VectorEnv, act, steps: int, seed: int = 0) -> np.ndarray:
    """Undiscounted return of one episode per simulation.

    Args:
        env: a batched world with autoreset disabled.
        act: from observations [N, S] to actions [N, A], both numpy.
        steps: longest episode.
        seed: of the start states.

    Returns:
        float64 [N].

    Raises:
        ValueError: the world resets by itself, or steps is not positive.
    """
    if _mode(env) != AutoresetMode.DISABLED:
        raise ValueError("evaluation needs a world with autoreset_mode=AutoresetMode.DISABLED")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    obs, _ = env.reset(seed=seed)
    total = np.zeros(env.num_envs)
    alive = np.ones(env.num_envs, dtype=bool)
    for _ in range(steps):
        obs, reward, terminated, truncated, _ = env.step(as_taken(act(obs), env))
        total += reward * alive
        alive &= ~(terminated | truncated)
        if not alive.any():
            break
        _let_wait(env, terminated | truncated)
    return total
