"""Random MDPs in small tables: 10 states, 5 actions, and everything about them drawn by chance.

No structure is shared by these worlds but how they are drawn, so all that can be learned from many of them
is how to learn one: which transitions to try, and when to stop trying.

Axes: N simulations, S = 10 states as one-hot observation, A = 5 actions, again S next states.
Source: Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779, section 3.2; Osband, Russo and Van Roy, "(More) Efficient Reinforcement
Learning via Posterior Sampling", NeurIPS 2013, https://arxiv.org/abs/1306.0940 (the generator).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode

from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.single_world import SingleEnv

STATES, ACTIONS, HORIZON = 10, 5, 10
"""Numbers of states, actions and steps of an episode, as in the paper."""
REWARD_MEAN, REWARD_STD, NOISE_STD = 1.0, 1.0, 1.0
"""Mean rewards are N(1, 1), and a reward is N(mean reward, 1)."""

_TABLE = (STATES, ACTIONS, STATES)
_COLUMNS = tuple(f"p_{s}_{a}_{then}" for s, a, then in np.ndindex(_TABLE)) + tuple(
    f"r_{s}_{a}" for s, a in np.ndindex(STATES, ACTIONS)
)


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomMDPParams(WorldParams):
    """Tables of one MDP, or of each of N; as columns of a matrix 500 probabilities and 50 rewards."""

    dynamics: np.ndarray = field(default_factory=lambda: np.full(_TABLE, 1.0 / STATES))
    """p(s' | s, a), float64 [S, A, S] or [N, S, A, S]."""
    reward: np.ndarray = field(default_factory=lambda: np.full(_TABLE[:2], REWARD_MEAN))
    """Mean reward, float64 [S, A] or [N, S, A]."""
    bounds: ClassVar[dict[str, Interval]] = {
        name: Interval(0.0, 1.0) if name.startswith("p") else Interval(-np.inf, np.inf) for name in _COLUMNS
    }
    context: ClassVar[tuple[str, ...]] = _COLUMNS

    def __post_init__(self) -> None:
        for name, shape in (("dynamics", _TABLE), ("reward", _TABLE[:2])):
            table = getattr(self, name)
            if table.shape[-len(shape) :] != shape or table.ndim > len(shape) + 1:
                raise ValueError(f"{name} must be of shape {shape}, or [N, ...] of it, got {table.shape}")
        total = self.dynamics.sum(axis=-1)
        if not ((self.dynamics >= 0.0).all() and np.allclose(total, 1.0)):
            raise ValueError(
                f"dynamics must be probabilities whose rows sum to 1, got sums from {total.min():g} to "
                f"{total.max():g} and a smallest entry of {self.dynamics.min():g}"
            )
        if not np.isfinite(self.reward).all():
            raise ValueError("reward must be finite")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return np.array_equal(self.dynamics, other.dynamics) and np.array_equal(self.reward, other.reward)

    __hash__ = None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the 550 columns of `array`: `p_<s>_<a>_<s'>`, then `r_<s>_<a>`."""
        return _COLUMNS

    @classmethod
    def from_array(cls, matrix: np.ndarray) -> Self:
        """Tables of N MDPs from a matrix [N, 550], columns as in `names`.

        Raises:
            ValueError: the matrix has another shape, or its numbers are no MDP.
        """
        matrix = np.array(matrix, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != len(_COLUMNS):
            raise ValueError(f"matrix must have shape [N, {len(_COLUMNS)}], got {matrix.shape}")
        dynamics, reward = np.split(matrix, [np.prod(_TABLE)], axis=1)
        return cls(dynamics=dynamics.reshape(-1, *_TABLE), reward=reward.reshape(-1, *_TABLE[:2]))

    @classmethod
    def from_keywords(cls, **values: np.ndarray) -> Self:
        """Tables by the names `dynamics` and `reward`, the defaults for what is left out."""
        return cls(**values)

    def array(self, n: int = 1) -> np.ndarray:
        """The tables of n MDPs, float64 [n, 550], columns as in `names`.

        Raises:
            ValueError: there is neither one MDP nor n.
        """
        parts = []
        for name, shape in (("dynamics", _TABLE), ("reward", _TABLE[:2])):
            table = getattr(self, name)
            if table.ndim > len(shape) and len(table) != n:
                raise ValueError(f"{name} is of {len(table)} MDPs for {n} simulations: give one, or {n}")
            parts.append(np.broadcast_to(table, (n, *shape)).reshape(n, -1))
        return np.concatenate(parts, axis=1)  # [n, S A S + S A]


class RandomMDPVectorEnv(EpisodicVectorEnv):
    """N MDPs given by their tables; from state 0, for 10 steps.

    All steps are drawn at once from `shared_generator`, for a generator per MDP would be some hundred times
    slower. A seed fixes what the whole batch does; MDP i of it has no seed of its own.
    """

    params_type = RandomMDPParams
    dt = 1.0
    """Seconds that a step lasts in a picture; the world itself counts steps."""

    def __init__(
        self,
        num_envs: int,
        params: RandomMDPParams | None = None,
        *,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: np.ndarray,
    ) -> None:
        """Builds the MDPs; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: tables of all MDPs, or of each.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a finished MDP starts again.
            context_observed: whether the tables are told.
            **parameters: `dynamics` or `reward` instead of `params`.

        Raises:
            ValueError: the tables are no MDP, or both `params` and parameters are given.
        """
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(
            num_envs,
            Discrete(ACTIONS),
            Box(0.0, 1.0, (STATES,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._state = np.zeros(num_envs, dtype=np.int64)
        self._everyone = np.arange(num_envs)
        self.set_params(params)

    def _apply(self, values: np.ndarray) -> None:
        dynamics, self._reward = np.split(values, [np.prod(_TABLE)], axis=1)
        self._cumulative = dynamics.reshape(-1, *_TABLE).cumsum(axis=-1)  # [N, S, A, S]
        self._reward = self._reward.reshape(-1, *_TABLE[:2])

    def _start(self, mask: np.ndarray) -> None:
        self._state[mask] = 0

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        where = (self._everyone, self._state, actions)
        reward = self._reward[where] + NOISE_STD * self.shared_generator.standard_normal(self.num_envs)
        beyond = (
            self.shared_generator.random((self.num_envs, 1)) >= self._cumulative[where][:, :-1]
        )  # [N, S - 1]
        self._state = np.where(live, beyond.sum(axis=1), self._state)
        return reward, np.zeros(self.num_envs, dtype=bool), {}

    def _observation(self) -> np.ndarray:
        obs = np.zeros((self.num_envs, STATES))
        obs[self._everyone, self._state] = 1.0
        return obs


class RandomMDPEnv(SingleEnv):
    """One random MDP; `gymnasium.make("course/RandomMDP-v0", params=family().sample(rng, 1))`."""

    vector_type = RandomMDPVectorEnv


@dataclass(frozen=True)
class RandomMDPFamily:
    """The paper's generator: transitions from Dirichlet(1, ..., 1), mean rewards from N(1, 1)."""

    name: str = "random_mdp"
    """Name of the world."""
    params_type: type[RandomMDPParams] = RandomMDPParams
    """The world's parameters."""
    make_vec: Callable[..., RandomMDPVectorEnv] = RandomMDPVectorEnv
    """Builds the batched world from a number of simulations."""

    def sample(self, rng: np.random.Generator, n: int) -> RandomMDPParams:
        """Draws n MDPs, tables [n, S, A, S] and [n, S, A]."""
        # Exponential draws by their sum are a draw from Dirichlet(1, ..., 1).
        weights = rng.standard_exponential((n, *_TABLE))
        reward = rng.normal(REWARD_MEAN, REWARD_STD, (n, *_TABLE[:2]))
        return RandomMDPParams(dynamics=weights / weights.sum(axis=-1, keepdims=True), reward=reward)


def family() -> RandomMDPFamily:
    """All random MDPs, as the paper draws them."""
    return RandomMDPFamily()
