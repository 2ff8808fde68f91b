"""Knowledge switches: carry pieces of what was learned in one grid to another, and see how soon it is solved.

Both grids stand side by side with what is carried drawn as it is: values as shades, a policy as arrows, a
model as the links that it knows, features as maps. Nothing here knows how anybody learns: a function answers
how many steps each learner needed, for any choice of pieces.

Axes: S cells, row by row; A actions; F features; R learners.
"""

import textwrap
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.core.spelling import nearest
from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, GREY, VERMILLION
from course_lib.widgets.plane import INK, PANEL, PlaneWidget

PIECES = {"values": "Q-function", "policy": "Policy", "model": "Model", "features": "Features"}
"""What a switch carries, and what stands on it."""
EMPTY_MODEL = "empty model"
"""Tried beside every model: whoever plans is told the reward, and that alone may be what helps."""
ALL_ALIKE = "all alike"
"""Tried beside all features: spreading each lesson over every cell, without any map, may be what helps."""
CONTROLS = {"model": EMPTY_MODEL, "features": ALL_ALIKE}
"""What is tried beside a piece, alone and without knowledge of the first grid."""
CALLED = {**PIECES, EMPTY_MODEL: "Empty model", ALL_ALIKE: "All cells alike"}

Cell = tuple[int, int]
"""Row and column, from the top left corner, from 0."""


class Room(Protocol):
    """A grid as it looks."""

    rows: int
    columns: int
    walls: Collection[Cell]
    start: Cell
    goal: Cell


class Trial(Protocol):
    """How soon each learner solved a grid."""

    steps: np.ndarray
    """Until it was solved, or all that were made, [R]."""
    solved: np.ndarray
    """Whether it was, [R]."""


@dataclass(frozen=True, kw_only=True)
class GridPair:
    """Two grids, and what one learner knew after the first."""

    source: Room
    """Where it was learned."""
    target: Room
    """Where it is carried to; of the same size."""
    moves: Collection[Cell]
    """Change of row and column by each action in the source, [A, 2]."""
    target_moves: Collection[Cell]
    """The same in the target."""
    values: np.ndarray
    """Of each cell, [S]."""
    policy: np.ndarray
    """Probability of each action, [S, A]."""
    links: np.ndarray
    """Which cell was seen to follow on which, bool [S, S]."""
    features: np.ndarray
    """[S, F]."""

    def to_json(self, name: str) -> dict:
        """What static/knowledge_switches.js draws.

        Raises:
            ValueError: grids of different size, or knowledge of another number of cells or actions.
        """
        rows, columns = self.source.rows, self.source.columns
        if (self.target.rows, self.target.columns) != (rows, columns):
            raise ValueError(
                f"both grids of {name!r} must have one size, got {rows} x {columns} and "
                f"{self.target.rows} x {self.target.columns}"
            )
        cells, actions = rows * columns, len(self.moves)
        for field, shape in (
            ("values", (cells,)),
            ("policy", (cells, actions)),
            ("links", (cells, cells)),
            ("target_moves", (actions, 2)),
        ):
            if np.shape(getattr(self, field)) != shape:
                raise ValueError(f"{field} of {name!r} must be {shape}, got {np.shape(getattr(self, field))}")
        if np.ndim(self.features) != 2 or len(self.features) != cells:
            raise ValueError(f"features of {name!r} must be [{cells}, F], got {np.shape(self.features)}")
        best = np.asarray(self.policy) >= np.max(self.policy, axis=1, keepdims=True)
        blind = best.all(axis=1)  # prefers nothing: no arrow
        links = {tuple(sorted(map(int, pair))) for pair in np.argwhere(self.links) if pair[0] != pair[1]}
        rooms = [
            {
                "walls": sorted([int(r), int(c)] for r, c in room.walls),
                "start": list(room.start),
                "goal": list(room.goal),
                "moves": [[int(v) for v in move] for move in moves],
            }
            for room, moves in ((self.source, self.moves), (self.target, self.target_moves))
        ]
        scale = np.abs(self.features).max(axis=0, keepdims=True)
        return {
            "name": name,
            "rows": rows,
            "columns": columns,
            "rooms": rooms,
            "values": np.round(self.values, 2).tolist(),
            "arrows": [
                np.flatnonzero(row).tolist() if not b else [] for row, b in zip(best, blind, strict=True)
            ],
            "links": sorted(map(list, links)),
            "features": np.round(self.features / np.maximum(scale, 1e-12), 3).T.tolist(),
        }


def summary(trial: Trial) -> dict:
    """Mean number of steps (a lower bound where not all solved it), half its 95 % interval, who solved it."""
    steps, solved = np.asarray(trial.steps, dtype=np.float64), np.asarray(trial.solved)
    if steps.ndim != 1 or steps.shape != solved.shape or len(steps) < 2:
        raise ValueError(f"steps and solved must be [R] of 2 or more, got {steps.shape} and {solved.shape}")
    half = 1.96 * steps.std(ddof=1) / np.sqrt(len(steps))
    return {"mean": float(steps.mean()), "half": float(half), "solved": int(solved.sum()), "of": len(steps)}


def called(pieces: Collection[str]) -> str:
    """Pieces by the words on their switches."""
    return " + ".join(CALLED[piece] for piece in pieces) or "Nothing"


class KnowledgeSwitches(PlaneWidget):
    """A switch for each piece of knowledge, in any combination; every choice tried so far stays in view.

    Keys: 1 to 4 turn the switches, N takes the next pair of grids, comma and full stop turn over the maps of
    the features, F fills the screen.
    """

    _esm = module("plane", "knowledge_switches")
    picture_width = 13.0

    def __init__(
        self,
        pairs: Mapping[str, GridPair],
        trial: Callable[[str, tuple[str, ...]], Trial],
        *,
        pieces: Collection[str] = (),
        title: str = "Which piece of knowledge helps?",
    ) -> None:
        """Tries nothing, and the first choice of pieces, in the first pair.

        Args:
            pairs: by what is different in the second grid.
            trial: called as `trial(name of the pair, pieces)`, pieces some of PIECES in that order or
                one of CONTROLS alone, on one thread at a time and once for each choice.
            pieces: which switches are on at first.
            title: heading.

        Raises:
            ValueError: no pair, shapes that do not fit, or an unknown piece.
            Exception: what `trial` raised, unchanged.
        """
        if not pairs:
            raise ValueError("there must be at least one pair of grids, got none")
        self._trial, self._tried = trial, {name: {} for name in pairs}
        fixed = {
            "title": title,
            "pairs": [pair.to_json(name) for name, pair in pairs.items()],
            "pieces": [{"name": name, "label": label} for name, label in PIECES.items()],
            "controls": [{"of": of, "name": name, "label": CALLED[name]} for of, name in CONTROLS.items()],
        }
        super().__init__(fixed, {"pair": next(iter(pairs)), "pieces": list(pieces)})

    def _checked(self, request: dict) -> dict:
        if set(request) != {"pair", "pieces"}:
            raise ValueError(f"request must have pair and pieces, got {sorted(request)}")
        if request["pair"] not in self._tried:
            raise ValueError(f"no pair named {request['pair']!r}: {nearest(request['pair'], self._tried)}")
        for piece in request["pieces"]:
            if piece not in PIECES:
                raise ValueError(f"no piece named {piece!r}: {nearest(piece, PIECES)}")
        return {"pair": request["pair"], "pieces": [name for name in PIECES if name in request["pieces"]]}

    def _computed(self, request: dict) -> dict:
        tried = self._tried[request["pair"]]
        controls = [(control,) for of, control in CONTROLS.items() if of in request["pieces"]]
        for pieces in ((), *controls, tuple(request["pieces"])):
            if pieces not in tried:
                tried[pieces] = {"pieces": list(pieces), **summary(self._trial(request["pair"], pieces))}
        return {"tried": {name: list(rows.values()) for name, rows in self._tried.items()}}

    def _rows(self) -> list[dict]:
        return sorted(self.answer["tried"][self.answer["of"]["pair"]], key=lambda row: row["mean"])

    def __str__(self) -> str:
        each = [
            f"{called(row['pieces'])} {row['mean']:.0f} ± {row['half']:.0f}"
            + (f" (solved by {row['solved']} of {row['of']})" if row["solved"] < row["of"] else "")
            for row in self._rows()
        ]
        return f"{self.fixed['title']} {self.answer['of']['pair'].capitalize()}, steps: {'; '.join(each)}."

    def _draw(self, figure: Figure) -> None:
        of = self.answer["of"]
        pair = next(one for one in self.fixed["pairs"] if one["name"] == of["pair"])
        left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 0.9])
        _grid(left, pair, 0, of["pieces"], "Learned here")
        _grid(middle, pair, 1, of["pieces"], f"Carried here: {of['pair']}")
        rows = self._rows()[::-1]
        right.barh(
            range(len(rows)),
            [row["mean"] for row in rows],
            height=0.5,
            xerr=[row["half"] for row in rows],
            color=[BLUE if row["pieces"] == of["pieces"] else "#a9cde6" for row in rows],
            edgecolor=INK,
            error_kw={"lw": 2.5, "capsize": 5, "ecolor": INK},
        )
        words = [textwrap.fill(called(row["pieces"]), 18) for row in rows]
        right.set_yticks(range(len(rows)), words, fontsize=13)
        right.set_ylim(min(0, len(rows) - 4) - 0.5, len(rows) - 0.5)
        right.set_xlabel("steps until solved", fontsize=14, color=INK)
        right.set_xlim(0)
        right.tick_params(labelsize=13)
        right.spines[["top", "right"]].set_visible(False)


def _grid(axes: Axes, pair: dict, which: int, pieces: Collection[str], title: str) -> None:
    """One grid, with the pieces that are carried; row 0 is at the top."""
    room, columns = pair["rooms"][which], pair["columns"]
    place = np.array([divmod(s, columns) for s in range(pair["rows"] * columns)], dtype=float)[:, ::-1]
    walls = {r * columns + c for r, c in room["walls"]}
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(pair["rows"] - 0.5, -0.5), aspect="equal", facecolor=PANEL)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=14)
    if "values" in pieces or "features" in pieces:
        shade = pair["values"] if "values" in pieces else pair["features"][min(1, len(pair["features"]) - 1)]
        axes.imshow(np.reshape(shade, (pair["rows"], columns)), cmap="Blues", alpha=0.8)
    if "model" in pieces:
        for ends in pair["links"]:
            wrong = any(end in walls for end in ends)
            line = {"color": VERMILLION, "ls": ":"} if wrong else {"color": GREY, "ls": "-"}
            axes.plot(*place[ends].T, lw=3, **line)
    if "policy" in pieces:
        for s, actions in enumerate(pair["arrows"]):
            for a in actions if s not in walls else ():
                down, right = room["moves"][a]
                x, y = place[s] - 0.2 * np.array([right, down])
                axes.arrow(x, y, 0.22 * right, 0.22 * down, color=INK, width=0.03, head_width=0.2)
    for s in walls:
        x, y = place[s]
        axes.fill([x - 0.5, x + 0.5, x + 0.5, x - 0.5], [y - 0.5, y - 0.5, y + 0.5, y + 0.5], color=GREY)
    for sign, (row, column) in (("o", room["start"]), ("*", room["goal"])):
        axes.plot(column, row, sign, ms=18, color="white", mec=INK, mew=2, zorder=4)
    for a, b in pairwise(np.arange(max(columns, pair["rows"]) + 1) - 0.5):
        axes.axvline(a, color=GREY, lw=0.5)
        axes.axhline(b, color=GREY, lw=0.5)
