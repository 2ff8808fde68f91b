"""A family of tasks: one world, and a distribution over its parameters.

Drawing a task at the first step of every episode makes one world of the whole family, the joint MDP: to be
good at it is to be good at all tasks.

Axes: n tasks drawn, N simulations, P parameters.
Source: Rajeswaran et al., "EPOpt: Learning Robust Neural Network Policies Using Model
Ensembles", ICLR 2017, https://arxiv.org/abs/1610.01283 (source distributions of table 1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from gymnasium.vector import VectorEnv
from jaxtyping import Bool, Float64


def truncated_normal(
    rng: np.random.Generator, mean: float, sigma: float, low: float, high: float, n: int
) -> Float64[np.ndarray, "n"]:
    """Draws from a normal distribution conditioned on [low, high], by rejection.

    Values outside are drawn again, never clipped: clipping would pile probability on the
    two bounds.

    Args:
        rng: source of randomness.
        mean: mean of the normal before truncation.
        sigma: standard deviation (not the variance) before truncation.
        low: smallest value, inclusive.
        high: largest value, inclusive.
        n: how many values.

    Returns:
        Independent draws, float64.

    Raises:
        ValueError: sigma is not positive, the interval is empty, or it holds so little of the
            normal that rejection would not end.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    if not low < high:
        raise ValueError(f"low must be below high, got low={low} and high={high}")
    values = rng.normal(mean, sigma, n)
    for _ in range(1000):
        outside = ~((values >= low) & (values <= high))  # NaN is outside, too
        if not outside.any():
            return values
        values[outside] = rng.normal(mean, sigma, int(outside.sum()))
    raise ValueError(f"[{low}, {high}] holds almost nothing of a normal with mean {mean} and sigma {sigma}")


@dataclass(frozen=True)
class TruncatedNormal:
    """A normal distribution cut off at two bounds, in the unit of its parameter."""

    mean: float
    """Mean before truncation."""
    sigma: float
    """Standard deviation before truncation."""
    low: float
    """Smallest value."""
    high: float
    """Largest value."""


@dataclass(frozen=True)
class Uniform:
    """Every value between two bounds is equally likely, in the unit of its parameter."""

    low: float
    """Smallest value."""
    high: float
    """Largest value."""

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, got low={self.low} and high={self.high}")


@dataclass(frozen=True)
class Choice:
    """Some values, each equally likely, in the unit of their parameter."""

    values: tuple[float, ...]
    """What is chosen from."""

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("values is empty: give at least one to choose")


Distribution = TruncatedNormal | Uniform | Choice | float
"""How a parameter differs between tasks; a plain number is the same in all."""


class Params(Protocol):
    """A world's parameters: a frozen dataclass whose fields hold a number or one number per simulation."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of the parameters, in the order of the columns of `array`."""

    @classmethod
    def from_array(cls, matrix: np.ndarray) -> Self:
        """Parameters of n simulations from a matrix [n, P], columns as in `names`."""

    @classmethod
    def from_keywords(cls, **values: float | np.ndarray) -> Self:
        """Parameters by name, with the world's defaults for the rest."""

    def array(self, n: int = 1) -> np.ndarray:
        """The parameters of n simulations, float64 [n, P], columns as in `names`."""


@dataclass(frozen=True)
class TaskFamily:
    """Worlds that differ in their parameters only."""

    name: str
    """Name of the world, such as "hopper"."""
    params_type: type[Params]
    """The world's parameters."""
    source: Mapping[str, Distribution]
    """Source distribution of each randomized parameter; a plain number is the same in every task."""
    make_vec: Callable[..., VectorEnv]
    """Builds the batched world from a number of simulations."""

    @property
    def means(self) -> Params:
        """The world in the middle: each parameter at the mean of its source, before truncation."""
        return self.params_type.from_keywords(**{name: _mean(d) for name, d in self.source.items()})

    def sample(
        self, rng: np.random.Generator, n: int, truncated_normal: Callable = truncated_normal
    ) -> Params:
        """Draws n tasks from the source distribution, each parameter on its own.

        Args:
            rng: source of randomness.
            n: number of tasks.
            truncated_normal: the sampler, called as in this module.

        Returns:
            Parameters with one value per task, arrays of shape [n].

        Raises:
            ValueError: the sampler returned another shape.
        """
        values = {}
        for name, d in self.source.items():
            match d:
                case TruncatedNormal():
                    values[name] = truncated_normal(rng, d.mean, d.sigma, d.low, d.high, n)
                    shape = np.shape(values[name])
                    if shape != (n,):
                        raise ValueError(
                            f"truncated_normal must return {n} values for {name}, got shape {shape}"
                        )
                case Uniform():
                    values[name] = rng.uniform(d.low, d.high, n)
                case Choice():
                    values[name] = rng.choice(np.asarray(d.values, dtype=np.float64), n)
                case _:
                    values[name] = np.full(n, float(d))
        return self.params_type.from_keywords(**values)


def _mean(d: Distribution) -> float:
    match d:
        case TruncatedNormal():
            return d.mean
        case Uniform():
            return (d.low + d.high) / 2
        case Choice():
            return sum(d.values) / len(d.values)
        case _:
            return d


def draw_tasks(
    tasks: Float64[np.ndarray, "N P"],
    starting: Bool[np.ndarray, "N"],
    sample: Callable[[int], Float64[np.ndarray, "n P"]],
) -> Float64[np.ndarray, "N P"]:
    """The joint MDP's first step: whoever starts an episode is given a new task, the others keep theirs.

    Args:
        tasks: what each simulation has been given so far.
        starting: whose episode begins now.
        sample: draws that many tasks, independent of each other.

    Returns:
        The tasks from now on, a fresh array.
    """
    tasks = tasks.copy()
    tasks[starting] = sample(int(starting.sum()))
    return tasks


class DrawnTasks:
    """Gives each simulation a task of its own at the first step of an episode: the joint MDP of a family.

    It is called with the simulations that start, bool [N], before they do: what `Collector` takes as
    `before_reset`.

    Args:
        env: batched world of the family.
        family: where tasks are drawn from.
        rng: source of randomness.
        draw_tasks: called as in this module.
    """

    def __init__(
        self, env: VectorEnv, family: TaskFamily, rng: np.random.Generator, draw_tasks: Callable = draw_tasks
    ) -> None:
        self._env, self._family, self._rng, self._draw_tasks = env, family, rng, draw_tasks
        self.tasks = np.zeros((env.num_envs, len(family.params_type.names())))
        """Parameters that each simulation has now, float64 [N, P], columns as `params_type.names()`."""

    def __call__(self, starting: np.ndarray) -> None:
        """Draws tasks for the simulations that start, and sets them.

        Raises:
            ValueError: `draw_tasks` returned another shape.
        """
        tasks = self._draw_tasks(self.tasks, starting, lambda n: self._family.sample(self._rng, n).array(n))
        if np.shape(tasks) != self.tasks.shape:
            raise ValueError(
                f"draw_tasks must return tasks of shape {self.tasks.shape}, got {np.shape(tasks)}"
            )
        self.tasks = np.array(tasks, dtype=np.float64)  # a copy: theirs may be written to at the next draw
        self._env.set_params(self._family.params_type.from_array(self.tasks))


def fixed_tasks(tasks: Params, count: int, rng: np.random.Generator) -> Callable[[int], Params]:
    """Draws from a training set of a few tasks only, each equally often, instead of from their family.

    Args:
        tasks: parameters of the training tasks.
        count: how many they are, at least 1.
        rng: source of randomness.

    Returns:
        From a number n to the parameters of n tasks, some of them alike.

    Raises:
        ValueError: the parameters are not those of so many tasks.
    """
    matrix = tasks.array(count)  # [K, P]
    return lambda n: type(tasks).from_array(matrix[rng.integers(count, size=n)])


def training_draw(family: Any, count: int | None, rng: np.random.Generator) -> Callable[[int], Params]:
    """Where tasks come from in training: their family, or a few of it.

    Args:
        family: has `sample(rng, n)`.
        count: how many tasks there are, the first that rng draws; None for new ones all the time.
        rng: source of randomness.

    Returns:
        From a number n to the parameters of n tasks.
    """
    if count is None:
        return lambda n: family.sample(rng, n)
    return fixed_tasks(family.sample(rng, count), count, rng)


def set_tasks(env: VectorEnv, tasks: Params, count: int) -> None:
    """Gives each of `count` tasks to as many simulations of a world, task by task.

    Raises:
        ValueError: the simulations cannot be shared out evenly.
    """
    each, rest = divmod(env.num_envs, count)
    if rest:
        raise ValueError(f"{env.num_envs} simulations cannot be shared out evenly among {count} tasks")
    env.set_params(type(tasks).from_array(np.repeat(tasks.array(count), each, axis=0)))
