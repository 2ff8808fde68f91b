"""Correction field: a source and a target room side by side, and what the correction of the reward does.

A hand draws walls into the target, changes its friction, or hides all but a few of its transitions; the
correction of every cell and action, the values and three ways are computed anew while it moves.

Axes: S states, the cells row by row; A actions, in the order up, right, down, left.
"""

import base64
import io
import math
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

import anywidget
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from course_lib.core.tabular_correction import Comparison
from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, GREEN, PINK, VERMILLION
from course_lib.widgets.worker import Worker

Cell = tuple[int, int]

FULL = 10.0
"""Correction with the largest arrowhead and the full colour, nats; a larger one looks the same."""
VISIBLE = 0.02
"""Correction below which nothing is drawn, nats."""
SHOTS = (10, 100, 1_000, 10_000, 100_000)
WAYS = ((PINK, "--", -0.16), (BLUE, "-", 0.0), (GREEN, ":", 0.16))
"""Colour, dashes and shift (cells) of each way; static/correction_field.js has the same."""
STUCK = 0.005
"""Probability of arriving below which a policy counts as stuck."""


class Room(Protocol):
    """What a room must tell; a dataclass, so that it can be varied."""

    rows: int
    columns: int
    start: Cell
    goal: Cell
    walls: Collection[Cell]
    mud: Collection[Cell]
    friction: float
    mud_friction: float


Compute = Callable[[Any, Any, int | None], Comparison]
"""From the source, the target and the number of target transitions seen (None: all) to the picture's data."""


def strength(delta: float) -> float:
    """How strongly a correction is shown, from 0 to 1: a root, because most are small."""
    return math.sqrt(min(1.0, abs(delta) / FULL))


def wedge(row: int, column: int, action: int, delta: float) -> np.ndarray:
    """Corners of the arrowhead that shows one correction, (x, y) in cells, y downwards, [3, 2].

    It points where the step would lead, and grows with the correction, up to `FULL`.

    Args:
        row, column: of the cell.
        action: up, right, down or left.
        delta: correction, nats.
    """
    corners = np.array([(0.0, -0.48), (0.26, -0.21), (-0.26, -0.21)])
    size = 0.4 + 0.6 * strength(delta)
    middle = np.array([0.0, -0.3])
    turned = middle + size * (corners - middle)
    for _ in range(action):  # a quarter turn clockwise each
        turned = np.stack([-turned[:, 1], turned[:, 0]], axis=1)
    return turned + np.array([column + 0.5, row + 0.5])


def in_words(outcome: Any) -> str:
    """What became of a policy: "return -11.6", and where it does not always arrive, how often."""
    words = f"return {outcome.expected_return:.1f}"
    if outcome.arrival < STUCK:
        return f"{words}, never arrives"
    return words if outcome.arrival > 1 - STUCK else f"{words}, arrives {outcome.arrival:.0%}"


class CorrectionField(anywidget.AnyWidget):
    """Draw walls into the target, and see what the source is told about them.

    Keys in a room: arrows move from cell to cell, Home and End to the ends of a row; in the target, space or
    Enter builds a wall or takes it away. F fills the screen.
    """

    _esm = module("correction_field")
    _worker: Worker | None = None
    room = traitlets.Dict().tag(sync=True)
    target = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)
    problem = traitlets.Unicode().tag(sync=True)
    worked_on = traitlets.Dict().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        compute: Compute,
        source: Room,
        target: Room,
        *,
        shots: Sequence[int] = SHOTS,
        title: str = "What does the source have to know?",
    ) -> None:
        """Computes the first picture at once.

        Args:
            compute: called as `compute(source, target, shots)` with rooms, and with the number of target
                transitions seen or None for all there is to know; on one thread at a time.
            source: where it is trained; stays as it is.
            target: where it must work, at first. Its mud's friction can be turned, or that of the whole room
                where there is no mud.
            shots: numbers of target transitions to choose from, rising; besides them stands "exact".
            title: heading.

        Raises:
            ValueError: the rooms differ in size, start or goal, or the shots do not rise.
            Exception: what `compute` raised, unchanged.
        """
        for name in ("rows", "columns", "start", "goal"):
            ours, theirs = getattr(source, name), getattr(target, name)
            if ours != theirs:
                raise ValueError(f"{name} must be the same in both rooms, got {ours} and {theirs}")
        shots = [int(n) for n in shots]
        if min(shots, default=1) < 1 or (np.diff(shots) <= 0).any():
            raise ValueError(f"shots must be positive and rise, got {shots}")
        self._turned = "mud_friction" if target.mud else "friction"
        self._compute, self._source, self._target = compute, source, target
        self._shots = shots
        self._lock = threading.Lock()
        now = {"walls": cells_of(target.walls), "friction": float(getattr(target, self._turned)), "shots": 0}
        super().__init__(
            room={
                "rows": source.rows,
                "columns": source.columns,
                "start": list(source.start),
                "goal": list(source.goal),
                "walls": cells_of(source.walls),
                "mud": cells_of(target.mud),
                "friction": float(getattr(source, self._turned)),
                "shots": shots,
                "first": now,
            },
            target=now,
            title=title,
            worked_on=now,
        )
        self.answer = self._computed(now)
        self._worker = Worker(self._answer)
        self.observe(lambda change: self._worker.ask(change.new), "target")

    @traitlets.validate("target")
    def _check_target(self, proposal) -> dict:
        value = proposal.value
        if set(value) != {"walls", "friction", "shots"}:
            raise ValueError(f"target must have walls, friction and shots (0: exact), got {sorted(value)}")
        shots = int(value["shots"])
        if shots not in (0, *self._shots):
            raise ValueError(f"shots must be 0 (exact) or one of {self._shots}, got {shots}")
        room = self._room(value)  # the room itself refuses what cannot be
        friction = float(getattr(room, self._turned))
        return {"walls": cells_of(room.walls), "friction": friction, "shots": shots}

    def _room(self, value: dict) -> Room:
        walls = [(int(r), int(c)) for r, c in value["walls"]]
        return replace(self._target, walls=walls, **{self._turned: float(value["friction"])})

    def _computed(self, value: dict) -> dict:
        result = self._compute(self._source, self._room(value), value["shots"] or None)
        outcomes = [asdict(o) | {"words": in_words(o)} for o in result.outcomes]
        arrays = {
            name: np.round(getattr(result, name), 4).ravel().tolist()
            for name in ("correction", "source_value", "target_value")
        }
        return {"of": value, "outcomes": outcomes, **arrays}

    # Runs on the worker's thread, and nowhere else.
    def _answer(self, value: dict, _overtaken: Callable[[], bool]) -> None:
        try:
            answer, problem = self._computed(value), ""
        except Exception as error:  # the person sees it, and may draw another room
            answer, problem = self.answer, f"{type(error).__name__}: {error}"
        with self._lock, self.hold_sync():
            self.answer, self.problem, self.worked_on = answer, problem, value

    def close(self) -> None:
        """Ends the worker and the widget."""
        if self._worker is not None:  # None where the constructor refused its arguments
            self._worker.close()
        super().close()

    # --- without kernel and script

    def __str__(self) -> str:
        answer = self.answer
        count = answer["of"]["shots"]
        known = f"estimated from {count} target transitions" if count else "known exactly"
        ways = "; ".join(f"{o['name']}: {o['words']}" for o in answer["outcomes"])
        return f"{self.title} Correction {known}; in the target, trained in {ways}"

    def picture(self, format: str = "png") -> bytes:
        """Both rooms as they stand now.

        Args:
            format: "png" or "svg".
        """
        answer, room = self.answer, self.room
        high = room["rows"] / room["columns"]
        figure = Figure(figsize=(11, 5.2 * high + 2.2), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        figure.suptitle(self.title, fontsize=17, weight="bold", x=0.01, ha="left")
        theirs = {tuple(cell) for cell in answer["of"]["walls"]}
        ours = {tuple(cell) for cell in room["walls"]}
        for axes, words, walls in (
            (left, "Source: δr punishes (filled), rewards (hollow)", ours),
            (right, "Target (hatched: wall only here)", theirs),
        ):
            axes.set_title(words, fontsize=15, loc="left")
            draw_room(axes, room, walls, new=theirs - ours)
        correction = np.reshape(answer["correction"], (-1, 4))
        for state, action in np.argwhere(np.abs(correction) >= VISIBLE):
            cell = divmod(int(state), room["columns"])
            if cell in ours or cell == tuple(room["goal"]):
                continue
            delta = correction[state, action]
            colour = VERMILLION if delta < 0 else BLUE
            ground = colour if delta < 0 else "white"  # a hollow triangle is a reward
            left.add_patch(
                Polygon(wedge(*cell, action, delta), facecolor=ground, edgecolor=colour, lw=1.5, zorder=4)
            )
        for outcome, (colour, dashes, shift) in zip(answer["outcomes"], WAYS, strict=True):
            own = {"color": colour, "ls": dashes, "lw": 3.5, "solid_capstyle": "round"}
            label = f"{outcome['name']}: {outcome['words']}"
            for axes, path in ((left, outcome["source_path"]), (right, outcome["target_path"])):
                if axes is left and outcome["name"] == "target":
                    continue  # it was never trained there
                row, column = np.array(np.divmod(path, room["columns"])) + 0.5
                axes.plot(column + shift, row + shift, **own, label=label if axes is right else None)
                if path[-1] != room["goal"][0] * room["columns"] + room["goal"][1]:
                    axes.plot(column[-1] + shift, row[-1] + shift, "x", color=colour, ms=13, mew=4)
        figure.legend(loc="outside lower center", fontsize=14, frameon=False, handlelength=3.5)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=format)
        return buffer.getvalue()

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        png = base64.b64encode(self.picture()).decode()
        return {**data, "text/plain": str(self), "image/png": png}, metadata


def cells_of(cells: Collection[Cell]) -> list[list[int]]:
    """Cells as JSON has them, in reading order."""
    return [[int(r), int(c)] for r, c in sorted(tuple(cell) for cell in cells)]


def draw_room(axes: Axes, room: dict, walls: set[Cell], new: set[Cell]) -> None:
    """The ground of one room: walls, mud, start and goal; walls that the source lacks are hatched."""
    rows, columns = room["rows"], room["columns"]
    for r, c in np.ndindex(rows, columns):
        own = {"facecolor": "#ffffff", "edgecolor": "#c6ced8"}
        if (r, c) in walls:
            own = {"facecolor": "#48535f", "edgecolor": "#ffffff" if (r, c) in new else "#48535f"}
            own |= {"hatch": "xx"} if (r, c) in new else {}
        elif [r, c] in room["mud"]:
            own |= {"hatch": "..", "facecolor": "#f3f6f9"}
        axes.add_patch(Rectangle((c, r), 1, 1, lw=1, **own))
    disc = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "#18212d", "lw": 2}
    for name, (r, c) in (("S", room["start"]), ("G", room["goal"])):
        axes.text(
            c + 0.5, r + 0.5, name, ha="center", va="center", fontsize=15, weight="bold", zorder=5, bbox=disc
        )
    axes.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal", xticks=[], yticks=[])
