"""How good, and how sure are we? Means with bootstrap intervals, and returns over a grid of worlds.

Axes: R runs (seeds); of a grid, R rows and C columns.
Source: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical
Precipice", NeurIPS 2021, https://arxiv.org/abs/2108.13264.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from scipy.stats import bootstrap, trim_mean


@dataclass(frozen=True)
class Interval:
    """An estimate and the bounds of its confidence interval, in the data's unit."""

    mean: float
    """The estimate."""
    low: float
    """Lower bound."""
    high: float
    """Upper bound."""

    def __str__(self) -> str:
        return f"{self.mean:.4g} [{self.low:.4g}, {self.high:.4g}]"


def iqm(scores: np.ndarray) -> float:
    """Interquartile mean: the mean of the middle half, robust to a single lucky or lost run.

    Args:
        scores: any shape; all entries count alike.

    Raises:
        ValueError: there are no scores.
    """
    return float(trim_mean(_checked(scores).ravel(), 0.25))


def mean_with_interval(
    scores: np.ndarray, rng: np.random.Generator, level: float = 0.95, resamples: int = 2000
) -> Interval:
    """Mean over runs with its percentile bootstrap interval.

    Args:
        scores: one number per run, [R]. Runs are resampled, so give one number per seed, not
            one per episode: episodes of one seed are not independent.
        rng: source of the resampling.
        level: confidence in (0, 1).
        resamples: bootstrap samples.

    Returns:
        The mean and its interval; the bounds are NaN for a single run, which says nothing of spread.

    Raises:
        ValueError: no scores, a NaN among them, or level outside (0, 1).
    """
    scores = _checked(scores).ravel()
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must be in (0, 1), got {level}")
    mean = float(scores.mean())
    if scores.size == 1:
        return Interval(mean, np.nan, np.nan)
    if np.ptp(scores) == 0.0:
        return Interval(mean, mean, mean)
    found = bootstrap(
        (scores,), np.mean, confidence_level=level, n_resamples=resamples, method="percentile", rng=rng
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high))


def transfer_grid(
    evaluate: Callable[[dict[str, np.ndarray]], np.ndarray],
    rows: Mapping[str, Sequence[float]],
    columns: Mapping[str, Sequence[float]],
    repeats: int,
) -> Float64[np.ndarray, "R C"]:
    """Zero-shot return over a grid of two physical parameters, all conditions in one batch.

    Args:
        evaluate: from {parameter: values [n]} to the return of one episode per condition, [n].
        rows: one parameter and its values.
        columns: another parameter and its values.
        repeats: episodes per cell, averaged.

    Returns:
        Mean return of each cell.

    Raises:
        ValueError: rows or columns do not name exactly one parameter each, or repeats < 1.
    """
    if len(rows) != 1 or len(columns) != 1:
        raise ValueError(f"rows and columns each name one parameter, got {list(rows)} and {list(columns)}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    ((row_name, row_values),) = rows.items()
    ((column_name, column_values),) = columns.items()
    row, column = np.meshgrid(
        np.asarray(row_values, dtype=np.float64), np.asarray(column_values, dtype=np.float64), indexing="ij"
    )  # [R, C]
    returns = evaluate(
        {row_name: np.repeat(row.ravel(), repeats), column_name: np.repeat(column.ravel(), repeats)}
    )
    return np.asarray(returns, dtype=np.float64).reshape(*row.shape, repeats).mean(-1)


def _checked(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, dtype=np.float64)
    if scores.size == 0:
        raise ValueError("no scores to average: got an empty array")
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} of {scores.size} scores are NaN")
    return scores
