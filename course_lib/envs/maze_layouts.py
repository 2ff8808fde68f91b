"""The mazes of `maze`: small grids in which every cell is reached in exactly one way.

Axes: M mazes, C cells, 4 directions (up, right, down, left).
Source: randomized Prim's algorithm, with all walls weighing the same.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

SIDE = 4
"""Cells along x and along y; cell (x, y) has the number SIDE * y + x."""
START = 5
"""Number of the cell where episodes start, (1, 1): from the middle there are more ways to choose from."""
MOVES = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
"""What an action adds to (x, y) where no wall is in the way, [4, 2]: up, right, down, left."""
MAZES = 4096
"""How many layouts there are."""


@dataclass(frozen=True)
class Layouts:
    """M mazes."""

    open: np.ndarray
    """bool [M, C, 4]: where one can go from a cell."""
    distance: np.ndarray
    """int64 [M, C]: steps from the start."""

    @cached_property
    def dead_ends(self) -> np.ndarray:
        """Cells with one way in and no other, but for the start, bool [M, C]."""
        ends = self.open.sum(axis=2) == 1
        ends[:, START] = False
        return ends

    @cached_property
    def ranges(self) -> np.ndarray:
        """How many cells one can go from a cell in a straight line, int64 [M, C, 4]."""
        reach, ahead = np.zeros(self.open.shape, dtype=np.int64), neighbours()
        for _ in range(SIDE - 1):
            beyond = np.stack([reach[:, ahead[:, way], way] for way in range(4)], axis=2)
            reach = self.open * (1 + beyond)
        return reach


def neighbours() -> np.ndarray:
    """The cell that lies in a direction, int64 [C, 4]; the cell itself where the grid ends."""
    cells = np.arange(SIDE * SIDE)
    there = np.stack([cells % SIDE, cells // SIDE], axis=1)[:, None] + MOVES  # [C, 4, 2]
    inside = ((there >= 0) & (there < SIDE)).all(axis=2)
    return np.where(inside, SIDE * there[:, :, 1] + there[:, :, 0], cells[:, None])


def walls(is_open: np.ndarray) -> np.ndarray:
    """Both ends of each piece of wall of one maze, for a picture: (x, y) in cells, float64 [W, 2, 2].

    Args:
        is_open: bool [C, 4], one row of `Layouts.open`.
    """
    here, ahead = np.arange(SIDE * SIDE), neighbours()
    once = ahead >= here[:, None]  # of two neighbours only the one with the lower number; and the rim
    cell, way = np.nonzero(~is_open & once)
    middle = np.stack([cell % SIDE, cell // SIDE], axis=1) + MOVES[way] / 2  # where wall and way cross
    along = MOVES[way][:, ::-1] / 2
    return np.stack([middle - along, middle + along], axis=1)


def dug(rng: np.random.Generator, count: int) -> Layouts:
    """Digs mazes from the start on, all at once: always through some wall to a cell that is untouched.

    Every such wall is as likely to be next. This makes many short corridors, where a depth-first search
    would make few long ones.

    Args:
        rng: source of randomness.
        count: M.
    """
    cells, ahead, everyone = SIDE * SIDE, neighbours(), np.arange(count)
    is_open = np.zeros((count, cells, 4), dtype=bool)
    distance = np.full((count, cells), -1)
    distance[:, START] = 0
    for _ in range(cells - 1):
        walls = (distance[:, :, None] >= 0) & (distance[:, ahead] < 0)  # [M, C, 4]
        chosen = np.where(walls, rng.random(walls.shape), -1.0).reshape(count, -1).argmax(axis=1)
        cell, way = np.divmod(chosen, 4)
        entered = ahead[cell, way]
        is_open[everyone, cell, way] = is_open[everyone, entered, (way + 2) % 4] = True
        distance[everyone, entered] = distance[everyone, cell] + 1
    return Layouts(is_open, distance)


@lru_cache(maxsize=1)
def layouts() -> Layouts:
    """The layouts that the world has, always the same, and no two of them alike."""
    many = dug(np.random.default_rng(0), 2 * MAZES)
    _, first = np.unique(np.packbits(many.open.reshape(2 * MAZES, -1), axis=1), axis=0, return_index=True)
    chosen = np.sort(first)[:MAZES]
    return Layouts(many.open[chosen], many.distance[chosen])
