"""Task picture: the words of transfer as switches, over tasks that are small enough to be drawn whole.

Left the tasks that somebody learned from, right the one that is wanted now, between them what is carried.
Three switches: in what the tasks differ, how it was learned, after how many tries in the target one looks.
Under it what each way earns after each number of tries. All numbers are given; nothing here knows how they
came about.

Axes: M tasks, A actions, K + 1 numbers of tries in the target, from 0 on.
"""

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.core.spelling import nearest
from course_lib.widgets.module import module
from course_lib.widgets.page_widget import PageWidget
from course_lib.widgets.palette import GREY, SERIES
from course_lib.widgets.plane import INK

STYLES = ("-", "--", ":", "-.")
MOST_KINDS = len(SERIES)
"""More lines than these could not be told apart by everybody."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One small grid as its agent meets it. Row 0 is on top; places are counted from the middle cell."""

    goal: tuple[int, int]
    """Row and column."""
    moves: Sequence[tuple[int, int]]
    """Where each action leads, rows and columns, [A, 2]."""
    turned: Sequence[Sequence[int]] = ((1, 0), (0, 1))
    """How it is seen: a turn or a mirror, [2, 2], of every place of the picture."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Something in which tasks differ."""

    says: str
    """A sentence on it."""
    tasks: Sequence[Task]
    """First the one that a single source means, last the target; those between are further sources."""
    returns: Mapping[str, Sequence[float]]
    """Of each kind: return in the target after 0, 1, 2 ... tries, [K + 1]."""
    course: Mapping[str, str]
    """Where the course comes to it, by kind."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A way to learn for a target."""

    says: str
    """A sentence on it."""
    carries: str
    """What goes over to the target, in a few words."""
    many: bool = True
    """Whether it learns from all sources, or from the first alone."""
    told: bool = False
    """Whether it is told which task it is in."""


class TaskPicture(PageWidget):
    """What differs, how it was learned, how many tries: turn the switches, and see what they mean.

    Keys: D, K and S turn the three switches on by one (with Shift: back), F fills the screen.
    """

    _esm = module("live_curve", "task_picture")

    def __init__(
        self,
        differences: Mapping[str, Difference],
        kinds: Mapping[str, Kind],
        *,
        best: float,
        nothing: float,
        side: int = 5,
        few: int = 5,
        title: str = "What is carried over?",
    ) -> None:
        """Holds all that the switches show.

        Args:
            differences: by name.
            kinds: by name, up to four.
            best: return of who knows the target.
            nothing: return of who knows nothing yet.
            side: cells along a side of a grid, odd.
            few: tries that "few" means, at least 2.
            title: heading.

        Raises:
            ValueError: names, lengths or places do not fit.
        """
        if side < 3 or side % 2 == 0:
            raise ValueError(f"side must be odd and at least 3, so that there is a middle, got {side}")
        if not differences or not 1 <= len(kinds) <= MOST_KINDS:
            raise ValueError(
                f"show a difference and 1 to {MOST_KINDS} kinds, got {len(differences)} and {len(kinds)}"
            )
        lengths = set()
        for name, difference in differences.items():
            _check(name, difference, kinds, side)
            lengths |= {len(values) for values in difference.returns.values()}
        if len(lengths) > 1 or not 2 <= few < min(lengths):
            raise ValueError(
                f"returns must hold the same numbers of tries, 0 to at least few = {few}, and few be at "
                f"least 2, got lengths {sorted(lengths)}"
            )
        super().__init__(
            data={
                "title": title,
                "side": int(side),
                "few": int(few),
                "best": float(best),
                "nothing": float(nothing),
                "kinds": {name: asdict(kind) for name, kind in kinds.items()},
                "differences": {name: _plain(difference, kinds) for name, difference in differences.items()},
            }
        )

    def __str__(self) -> str:
        few, lines = self.data["few"], [self.data["title"]]
        for name, difference in self.data["differences"].items():
            each = [
                f"{kind} {values[0]:.1f}, {values[1]:.1f}, {values[few]:.1f}"
                for kind, values in difference["returns"].items()
            ]
            lines.append(f"{name}: {'; '.join(each)}.")
        lines.append(f"Return after 0, 1 and {few} tries in the target; the best is {self.data['best']:g}.")
        return "\n".join(lines)

    def picture(self) -> bytes:
        """PNG of the returns, a panel for each difference."""
        data = self.data
        figure = Figure(figsize=(12, 4.6), dpi=90, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(data["title"], fontsize=16, weight="bold", x=0.01, ha="left", color=INK)
        panels = figure.subplots(1, len(data["differences"]), sharey=True, squeeze=False)[0]
        for axes, (name, difference) in zip(panels, data["differences"].items(), strict=True):
            for (kind, values), colour, line in zip(
                difference["returns"].items(), SERIES, STYLES, strict=False
            ):
                axes.plot(values, line, color=colour, lw=3, label=kind)
            axes.axhline(data["nothing"], color=GREY, lw=1.5, ls=(0, (1, 3)))
            axes.set_title(textwrap.fill(name, 26), fontsize=15, color=INK)
            axes.set_xlabel("tries in the target", fontsize=14, color=INK)
            axes.tick_params(labelsize=13)
            axes.grid(alpha=0.3)
            axes.xaxis.get_major_locator().set_params(integer=True)
        panels[0].set_ylabel("return", fontsize=14, color=INK)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(
            handles, names, loc="outside lower center", ncols=MOST_KINDS, fontsize=13, frameon=False
        )
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()


def _check(name: str, difference: Difference, kinds: Mapping[str, Kind], side: int) -> None:
    """Raises ValueError where a difference does not fit the kinds, or a task the grid."""
    for field in ("returns", "course"):
        for kind in getattr(difference, field):
            if kind not in kinds:
                raise ValueError(f"{field} of {name!r} has no kind {kind!r}: {nearest(kind, kinds)}")
        if missing := [kind for kind in kinds if kind not in getattr(difference, field)]:
            raise ValueError(f"{field} of {name!r} lacks {', '.join(map(repr, missing))}")
    if len(difference.tasks) < 2:
        raise ValueError(f"{name!r} needs a source and a target, got {len(difference.tasks)} tasks")
    for task in difference.tasks:
        if max(map(abs, task.goal)) > side // 2:
            raise ValueError(f"a goal must lie within {side // 2} cells of the middle, got {task.goal}")
        if np.shape(task.turned) != (2, 2) or abs(round(np.linalg.det(task.turned))) != 1:
            raise ValueError(f"turned must be a turn or a mirror, [2, 2], got {task.turned}")


def _plain(difference: Difference, kinds: Mapping[str, Kind]) -> dict:
    """A difference as JSON has it, its kinds in the order of the switch."""
    return {
        "says": difference.says,
        "tasks": [
            {name: np.asarray(value, dtype=int).tolist() for name, value in vars(task).items()}
            for task in difference.tasks
        ],
        "returns": {kind: [round(float(v), 3) for v in difference.returns[kind]] for kind in kinds},
        "course": {kind: difference.course[kind] for kind in kinds},
    }
