"""Function fit: put points into a plane, and what each learner makes of them follows the hand.

A slider says how many of the points are read, in their order. Nothing here knows how a learner learns: a
function answers with a line for each.

Axes: K points that are read, P points in all, Q places of a line.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from matplotlib.figure import Figure

from course_lib.widgets.figures import STYLES
from course_lib.widgets.module import module
from course_lib.widgets.physics_panel import Slider
from course_lib.widgets.plane import INK, PANEL, Place, Plane, PlaneWidget

PLACES = 201
"""Places of a line, evenly from the left end to the right."""
MOST_LINES = 4
"""Lines that can still be told apart."""


@dataclass(frozen=True)
class DrawnFunction:
    """A function to be found out, and what may be seen of it."""

    points: np.ndarray
    """In the order in which they are read, [P, 2]."""
    truth: Callable[[np.ndarray], np.ndarray]
    """From places [Q] to values [Q]."""


Fit = Callable[..., Mapping[str, np.ndarray]]
"""From x [K], y [K], places [Q] and the sliders' values by keyword to values [Q] by the learner's name."""


class FunctionFit(PlaneWidget):
    """Drag points, and watch how learners that read them draw a line.

    Click: a point. Drag: moves it. Double click: takes it away. Keys in the plane: N the next point (Shift:
    the one before), arrows move it (Shift: a fifth of a step), A adds one, Delete takes it away. F fills the
    screen.
    """

    _esm = module("live_curve", "plane", "function_fit")
    picture_width = 9.0

    def __init__(
        self,
        fit: Fit,
        low: Place,
        high: Place,
        *,
        points: Sequence[Place] = (),
        task: Callable[[int], DrawnFunction] | None = None,
        shots: int | None = None,
        most: int = 20,
        sliders: Sequence[Slider] = (),
        title: str = "What do they make of these points?",
    ) -> None:
        """Computes the first picture at once.

        Args:
            fit: called as `fit(x, y, at, **sliders)`, on one thread at a time; always answers with the same
                names, at most four.
            low, high: corners of the plane.
            points: in the order in which they are read.
            task: from a number, 0 and up, to a function that is to be found out; a button goes on to the
                next. The first one takes the place of `points`.
            shots: how many points are read at first; all if left out.
            most: points that there may be.
            sliders: whatever else a learner takes, such as a number of steps.
            title: heading.

        Raises:
            ValueError: a point lies outside, there are too many, or a line has another shape.
            Exception: what `fit` or `task` raised, unchanged.
        """
        self._fit, self._task, self._most = fit, task, most
        self._plane = Plane(low, high, unit="")
        self._settings = {slider.name: slider for slider in sliders}
        self._at = np.linspace(low[0], high[0], PLACES)
        fixed = {
            "low": [float(v) for v in low],
            "high": [float(v) for v in high],
            "most": most,
            "tasks": task is not None,
            "sliders": [asdict(slider) for slider in sliders],
            "title": title,
        }
        request = {
            "task": None if task is None else 0,
            "points": list(points) if task is None else None,
            "shots": most if shots is None else shots,
            "settings": {slider.name: slider.value for slider in sliders},
        }
        super().__init__(fixed, request)

    def _checked(self, request: dict) -> dict:
        if set(request) != {"task", "points", "shots", "settings"}:
            raise ValueError(f"request must have task, points, shots and settings, got {sorted(request)}")
        task, points = request["task"], request["points"]
        if (task is None) == (points is None):
            raise ValueError(f"request must have a task or points, got task {task} and points {points}")
        if task is not None and (self._task is None or task < 0):
            raise ValueError(f"there is no task {task}; give points")
        if points is not None:
            points = [self._plane.place("point", point) for point in points]
            if len(points) > self._most:
                raise ValueError(f"there may be {self._most} points, got {len(points)}")
        if not 0 <= request["shots"] <= self._most:
            raise ValueError(f"shots must be between 0 and {self._most}, got {request['shots']}")
        if set(request["settings"]) != set(self._settings):
            raise ValueError(f"settings must have {[*self._settings]}, got {[*request['settings']]}")
        settings = {name: float(request["settings"][name]) for name in self._settings}
        for name, value in settings.items():
            slider = self._settings[name]
            if not slider.low <= value <= slider.high:
                raise ValueError(f"{name} must be in [{slider.low}, {slider.high}], got {value}")
        return {"task": task, "points": points, "shots": int(request["shots"]), "settings": settings}

    def _computed(self, request: dict) -> dict:
        truth, points = None, request["points"]
        if request["task"] is not None:
            drawn = self._task(request["task"])
            points, truth = np.asarray(drawn.points)[: self._most].tolist(), drawn.truth(self._at)
        read = np.reshape(points, (-1, 2))[: request["shots"]]
        fitted = self._fit(read[:, 0], read[:, 1], self._at, **request["settings"])
        lines = {name: np.asarray(line, dtype=np.float64) for name, line in fitted.items()}
        if not 1 <= len(lines) <= MOST_LINES:
            raise ValueError(f"fit must answer with 1 to {MOST_LINES} lines, got {len(lines)}")
        for name, line in lines.items():
            if line.shape != self._at.shape or not np.isfinite(line).all():
                raise ValueError(f"line {name!r} must be {PLACES} finite numbers, got shape {line.shape}")
        off = {}
        if truth is not None:
            off = {name: float(np.sqrt(np.mean((line - truth) ** 2))) for name, line in lines.items()}
        return {
            "points": np.round(points, 4).tolist(),
            "read": len(read),
            "lines": {name: np.round(line, 4).tolist() for name, line in lines.items()},
            "truth": [] if truth is None else np.round(truth, 4).tolist(),
            "off": off,
        }

    def __str__(self) -> str:
        now = self.answer
        read = f"{now['read']} of {len(now['points'])} points read"
        off = ", ".join(f"{name} off by {error:.2f}" for name, error in now["off"].items())
        return f"{self.fixed['title']} {read}{': ' if off else '.'}{off}{' on average.' if off else ''}"

    def _draw(self, figure: Figure) -> None:
        now, axes = self.answer, figure.subplots()
        axes.set_facecolor(PANEL)
        if now["truth"]:
            axes.plot(self._at, now["truth"], color=INK, lw=9, alpha=0.22, label="the function")
        for (name, line), (colour, dash, _) in zip(now["lines"].items(), STYLES, strict=False):
            axes.plot(self._at, line, color=colour, linestyle=dash, lw=3, label=name)
        points, read = np.reshape(now["points"], (-1, 2)), now["read"]
        axes.plot(*points[read:].T, "o", ms=7, mfc="white", mec=INK)
        axes.plot(*points[:read].T, "o", ms=11, color=INK, mec="white")
        (x0, y0), (x1, y1) = self._plane.low, self._plane.high
        axes.set(xlim=(x0, x1), ylim=(y0, y1))
        axes.set_xlabel("x", fontsize=14)
        axes.set_ylabel("y", fontsize=14)
        axes.tick_params(labelsize=13)
        figure.legend(fontsize=14, loc="outside lower center", ncols=3, frameon=False)
