"""What every batched world shares: parameters per simulation, episodes, seeds, time limits, autoreset.

A world adds what happens in a step and at a start; when an episode is over, what follows, and what
Gymnasium is told about it stands here once. So does the switch between being told the task, and having
to find it out.

Axes: N simulations, S observation, A action, P parameters, K context.
Source: Gymnasium's VectorEnv and its autoreset modes, https://gymnasium.farama.org/api/vector.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from course_lib.core.spelling import nearest


@dataclasses.dataclass(frozen=True)
class Interval:
    """Values that a parameter may have."""

    low: float
    """Smallest value."""
    high: float
    """Largest value; it belongs to the interval."""
    above_low: bool = False
    """Whether `low` itself is refused."""

    def __str__(self) -> str:
        return f"{'(' if self.above_low else '['}{self.low:g}, {self.high:g}]"

    def contains(self, value: np.ndarray) -> np.ndarray:
        """Whether each value is inside, bool; NaN is not."""
        return ((value > self.low) if self.above_low else (value >= self.low)) & (value <= self.high)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class WorldParams:
    """Parameters of a world; each a number, or one number per simulation [N]."""

    bounds: ClassVar[dict[str, Interval]]
    """Where each parameter must lie, in its unit."""
    context: ClassVar[tuple[str, ...]] = ()
    """Names of the parameters that say what is wanted: the context of the task, in this order."""

    def __post_init__(self) -> None:
        for name in self.names():
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.ndim > 1:
                raise ValueError(
                    f"{name} must be a number or one number per simulation, got shape {value.shape}"
                )
            bad = ~self.bounds[name].contains(value)
            if bad.any():
                raise ValueError(f"{name} must be in {self.bounds[name]}, got {value[bad].flat[0]}")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in self.names())

    __hash__ = None

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the parameters, in the order of the columns of `array`."""
        return tuple(field.name for field in dataclasses.fields(cls))

    @classmethod
    def from_array(cls, matrix: np.ndarray) -> Self:
        """Parameters of N simulations from a matrix [N, P], columns as in `names`.

        Raises:
            ValueError: the matrix has another shape, or a value is out of bounds.
        """
        matrix = np.asarray(matrix, dtype=np.float64)
        if matrix.ndim != 2 or matrix.shape[1] != len(cls.names()):
            raise ValueError(f"matrix must have shape [N, {len(cls.names())}], got {matrix.shape}")
        return cls(**dict(zip(cls.names(), matrix.T.copy(), strict=True)))

    @classmethod
    def from_keywords(cls, **values: float | np.ndarray) -> Self:
        """Parameters by name, with the world's defaults for the rest.

        Raises:
            TypeError: a name is unknown; the message offers the nearest one.
        """
        for name in values:
            if name not in cls.names():
                raise TypeError(f"unknown parameter {name}: {nearest(name, cls.names())}")
        return cls(**values)

    def array(self, n: int = 1) -> np.ndarray:
        """The parameters of n simulations, float64 [n, P], columns as in `names`.

        Raises:
            ValueError: a parameter holds neither one value nor n.
        """
        matrix = np.empty((n, len(self.names())))
        for column, name in enumerate(self.names()):
            value = np.asarray(getattr(self, name), dtype=np.float64)
            if value.shape not in ((), (n,)):
                raise ValueError(
                    f"{name} has {len(value)} values for {n} simulations: give one number, or {n}"
                )
            matrix[:, column] = value
        return matrix


def params_of(name: str, fields: Sequence[str], default: float, meaning: str) -> type[WorldParams]:
    """Parameters for a world that has as many as it is asked for: numbers in [0, 1], all of them the context.

    Args:
        name: of the type.
        fields: names of the parameters, in order.
        default: of each.
        meaning: what they are together, a sentence.
    """
    cls = dataclasses.make_dataclass(
        name,
        [(field, float | np.ndarray, default) for field in fields],
        bases=(WorldParams,),
        namespace={"bounds": dict.fromkeys(fields, Interval(0.0, 1.0)), "context": tuple(fields)},
        frozen=True,
        kw_only=True,
        eq=False,
    )
    cls.__doc__ = meaning
    return cls


class EpisodicVectorEnv(VectorEnv):
    """N simulations of one world, each with its own parameters, seed and clock.

    Simulation i behaves, bit for bit, like the single world reset with `seed + i`.

    Where a world's parameters name a context, it is appended to the observation: the augmented state of a
    contextual policy. With `context_observed=False` it is withheld, as in meta-learning.
    """

    params_type: ClassVar[type[WorldParams]]
    """The world's parameters; their defaults are the world as built."""
    dt: float
    """Seconds per control step."""

    def __init__(
        self,
        num_envs: int,
        action_space: Box | Discrete,
        observation_space: Box,
        max_episode_steps: int | None,
        autoreset_mode: AutoresetMode | str,
        context_observed: bool = True,
    ) -> None:
        """Prepares the episodes of a world.

        Args:
            num_envs: N, at least 1.
            action_space: of one simulation.
            observation_space: of one simulation, without the context.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a finished simulation starts again. DISABLED: it is not stepped any
                more, and costs nothing, until `reset(options={"reset_mask": ...})`.
            context_observed: whether observations end with the context, [S + K], or leave it out, [S].

        Raises:
            ValueError: a number is out of its bounds.
        """
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"max_episode_steps must be at least 1 or None, got {max_episode_steps}")
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self.max_episode_steps = max_episode_steps
        self.context_observed = context_observed
        names = self.params_type.names()
        self._context_columns = [names.index(name) for name in self.params_type.context]
        if context_observed and self._context_columns:
            within = [self.params_type.bounds[name] for name in self.params_type.context]
            observation_space = Box(
                np.append(observation_space.low, [interval.low for interval in within]),
                np.append(observation_space.high, [interval.high for interval in within]),
                dtype=observation_space.dtype,
            )
        self.single_action_space, self.single_observation_space = action_space, observation_space
        self.action_space = batch_space(action_space, num_envs)
        self.observation_space = batch_space(observation_space, num_envs)
        self.generators: list[np.random.Generator] | None = None
        """Where each simulation's randomness is drawn from; None before the first reset."""
        self._drawn_from: np.random.Generator | None = None
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._terminated = np.zeros(num_envs, dtype=bool)
        self._truncated = np.zeros(num_envs, dtype=bool)

    # What one world adds to this class.

    def _start(self, mask: np.ndarray) -> None:
        """Puts the simulations of the mask, bool [N], to a start drawn from their generators."""
        raise NotImplementedError

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """One control step of the live simulations: reward [N], terminated [N], infos; fresh arrays."""
        raise NotImplementedError

    def _observation(self) -> np.ndarray:
        """What is observed now, but for the context, float64 [N, S], a fresh array."""
        raise NotImplementedError

    def _start_infos(self) -> dict[str, np.ndarray]:
        """Infos [N] that a start has, too; fresh arrays."""
        return {}

    @property
    def shared_generator(self) -> np.random.Generator:
        """One source of randomness for all N at once, for worlds whose steps are too cheap for one each.

        It begins anew with every seed. It is not `np_random` itself: whoever draws the tasks from a generator
        of the same seed would draw the same numbers again, and luck would know the task.
        """
        if self._drawn_from is not self.np_random:
            self._drawn_from = self.np_random
            self._shared_generator = np.random.default_rng(self.np_random.integers(2**63, size=2))
        return self._shared_generator

    # Parameters.

    def _chosen_params(
        self, num_envs: int, params: WorldParams | None, keywords: dict[str, Any]
    ) -> WorldParams:
        """The constructor's parameters, from a whole set or by name."""
        if num_envs < 1:
            raise ValueError(f"num_envs must be at least 1, got {num_envs}")
        if params is not None and keywords:
            raise ValueError(
                f"give params or {', '.join(keywords)}, not both: use dataclasses.replace on params"
            )
        return params if params is not None else self.params_type.from_keywords(**keywords)

    @property
    def params(self) -> WorldParams:
        """The parameters now in force."""
        return self._params

    @property
    def context(self) -> np.ndarray:
        """What is wanted in each simulation now, float64 [N, K]; K is 0 in a world with one task only."""
        return self._params.array(self.num_envs)[:, self._context_columns]

    def set_params(self, params: WorldParams) -> None:
        """Gives the simulations other parameters, at once: running episodes go on under the new ones.

        Raises:
            TypeError: the parameters are those of another world.
            ValueError: a parameter holds neither one value nor N.
        """
        if not isinstance(params, self.params_type):
            raise TypeError(f"params must be {self.params_type.__name__}, got {type(params).__name__}")
        self._apply(params.array(self.num_envs))
        self._params = params

    def _apply(self, values: np.ndarray) -> None:
        """Lets the parameters [N, P] act."""
        raise NotImplementedError

    # Episodes.

    def _observed(self) -> np.ndarray:
        obs = self._observation()
        if not self.context_observed or not self._context_columns:
            return obs
        return np.concatenate([obs, self.context], axis=1)  # [N, S + K]

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
        infos = self._start_infos()
        return self._observed(), infos | {f"_{name}": mask.copy() for name in infos}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One control step of every running simulation.

        Motors clip actions to their range.

        Args:
            actions: [N, A].

        Raises:
            RuntimeError: there was no reset yet.
            ValueError: wrong shape, or actions that are not finite.
        """
        if self.generators is None:
            raise RuntimeError("call reset() before the first step()")
        actions = self._checked(actions, self.num_envs)
        ended = self._terminated | self._truncated
        live = ~ended
        reward, terminated, infos = self._advance(actions, live)
        self._elapsed += live
        limit = np.inf if self.max_episode_steps is None else self.max_episode_steps
        truncated = self._elapsed >= limit
        infos |= {f"_{name}": live for name in infos}
        if ended.any():
            reward[ended] = 0.0
            if self.autoreset_mode == AutoresetMode.DISABLED:
                terminated[ended], truncated[ended] = self._terminated[ended], self._truncated[ended]
            else:  # NEXT_STEP: this step only resets
                self._restart(ended)
                terminated[ended] = truncated[ended] = False
        everywhere = self._start_infos()
        infos |= everywhere | {f"_{name}": np.ones(self.num_envs, dtype=bool) for name in everywhere}
        self._terminated, self._truncated = terminated.copy(), truncated.copy()
        obs = self._observed()
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            obs = self._start_again(obs, terminated | truncated, infos)
        return obs, reward, terminated, truncated, infos

    def _checked(self, actions: np.ndarray, count: int) -> np.ndarray:
        actions = np.asarray(actions)
        expected = (count, *self.single_action_space.shape)
        if actions.shape != expected:
            raise ValueError(f"actions must have shape {expected}, got {actions.shape}")
        if isinstance(self.single_action_space, Discrete):
            last = int(self.single_action_space.n) - 1
            if actions.dtype.kind not in "iu" or actions.min() < 0 or actions.max() > last:
                raise ValueError(f"actions must be integers from 0 to {last}, got {actions.ravel()[:8]}")
            return actions
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
        self._elapsed[mask] = 0
        self._terminated[mask] = self._truncated[mask] = False
        self._start(mask)

    def _start_again(self, obs: np.ndarray, ended: np.ndarray, infos: dict[str, Any]) -> np.ndarray:
        """Gymnasium's SAME_STEP: the new start's observation, the old end's in `infos["final_obs"]`."""
        if not ended.any():
            return obs
        names = [name for name in infos if not name.startswith("_")]
        final_info = {name: np.where(ended, infos[name], 0) for name in names}
        infos["final_info"] = final_info | {f"_{name}": ended.copy() for name in names}
        self._restart(ended)
        start = self._start_infos()
        for name in names:  # the end's values stand in final_info only, but for whether it diverged
            if name not in start and name != "diverged":
                infos[f"_{name}"] = infos[f"_{name}"] & ~ended
        infos["final_obs"] = np.full(self.num_envs, None, dtype=object)
        for index in np.flatnonzero(ended):
            infos["final_obs"][index] = obs[index].copy()
        infos["_final_obs"], infos["_final_info"] = ended.copy(), ended.copy()
        infos |= start
        return self._observed()
