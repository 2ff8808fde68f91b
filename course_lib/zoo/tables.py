"""Results as Markdown: rows, and means with their intervals over seeds."""

from collections.abc import Iterable

import numpy as np

from course_lib.core.evaluation import mean_with_interval


def table(header: Iterable[object], rows: Iterable[Iterable[object]]) -> list[str]:
    """Lines of a Markdown table."""
    header = list(header)
    return [_row(header), _row(["---"] * len(header)), *map(_row, rows)]


def over_seeds(scores: np.ndarray, rng: np.random.Generator, digits: int = 0) -> str:
    """A cell such as "1283 [726, 2010]": mean over seeds [R], with its 95 % bootstrap interval over seeds."""
    interval = mean_with_interval(scores, rng)
    return f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
