"""A family of tasks: one world, and a distribution over its physical parameters.

Axes: n tasks drawn, P physical parameters.
Source: Rajeswaran et al., "EPOpt: Learning Robust Neural Network Policies Using Model
Ensembles", ICLR 2017, https://arxiv.org/abs/1610.01283 (source distributions of table 1).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from gymnasium.vector import VectorEnv
from jaxtyping import Float64


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


class Params(Protocol):
    """Physical parameters: a frozen dataclass whose fields hold a number or one number per simulation."""

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
    """Worlds that differ in their physical parameters only."""

    name: str
    """Name of the world, such as "hopper"."""
    params_type: type[Params]
    """The world's parameters."""
    source: Mapping[str, TruncatedNormal | float]
    """Source distribution of each randomized parameter; a plain number is the same in every task."""
    make_vec: Callable[..., VectorEnv]
    """Builds the batched world from a number of simulations."""

    @property
    def means(self) -> Params:
        """The world in the middle: each parameter at the mean of its source, before truncation."""
        values = {name: d.mean if isinstance(d, TruncatedNormal) else d for name, d in self.source.items()}
        return self.params_type.from_keywords(**values)

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
            if not isinstance(d, TruncatedNormal):
                values[name] = np.full(n, float(d))
                continue
            values[name] = truncated_normal(rng, d.mean, d.sigma, d.low, d.high, n)
            if np.shape(values[name]) != (n,):
                raise ValueError(
                    f"truncated_normal must return {n} values for {name}, got shape {np.shape(values[name])}"
                )
        return self.params_type.from_keywords(**values)
