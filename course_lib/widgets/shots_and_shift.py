"""Shots and shift: learners side by side on the same tasks, after more experience or farther from training.

One slider gives each learner some episodes of a task before the one that is shown, the other moves the tasks
away from those of training; both move all learners at once. Above are the ways of that episode in each task,
below the mean return over shots and over shift. The returns are given beforehand, so that the curves turn at
once; a function answers with the ways. Nothing here knows what a learner is.

Axes: M tasks, T steps of one episode, F factors of shift, K counts of shots.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.core.evaluation import Interval
from course_lib.widgets.context_curve import in_words
from course_lib.widgets.figures import finish
from course_lib.widgets.module import module
from course_lib.widgets.palette import GREY
from course_lib.widgets.plane import INK, Place, Plane, PlaneWidget
from course_lib.widgets.poster import STYLES


@dataclass(frozen=True)
class Adapted:
    """One learner in some tasks, in the episode after its shots."""

    goals: np.ndarray
    """Where each task's goal is, m, [M, 2]; the same for every learner."""
    paths: np.ndarray
    """Its way in each task, from the start on, m, [M, T + 1, 2]."""
    returns: np.ndarray
    """What that earned, [M]."""


class ShotsAndShift(PlaneWidget):
    """Turn the shots and the distance of the tasks from training, and watch all learners at once.

    Keys on each slider: arrows, Home and End; a click in a curve moves its slider there. F fills the screen.
    """

    _esm = module("live_curve", "plane", "shots_and_shift")
    picture_width = 12.0

    def __init__(
        self,
        adapted: Callable[[str, int, float], Adapted],
        learners: Sequence[str],
        *,
        plane: Plane,
        by_shots: Mapping[str, np.ndarray],
        low: Mapping[str, np.ndarray],
        high: Mapping[str, np.ndarray],
        shots: Sequence[int] = (0, 1, 2, 3, 5, 10, 20),
        shifts: Sequence[float] = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0),
        trained: tuple[float, float] = (0.0, 1.0),
        told: float | Sequence[float] | None = None,
        region: tuple[Place, Place] | None = None,
        return_range: tuple[float, float] | None = None,
        shots_label: str = "Episodes of experience before",
        shift_label: str = "How far away the tasks are",
        title: str = "The same tasks for every learner",
    ) -> None:
        """Computes the ways without experience, as far as in training.

        Args:
            adapted: called as `adapted(learner, shots, shift)`, once for each of these and on one thread at
                a time; the goals must not depend on the learner.
            learners: their names, in the order of their colours; one to four.
            plane: holds all goals.
            by_shots: mean return of each learner, [F, K]; NaN where nothing was measured.
            low, high: ends of its 95 % interval over seeds, [F, K]; NaN where there is none.
            shots: stops of the first slider, rising, [K].
            shifts: stops of the second one, rising, [F]; 1 is as far as in training.
            trained: range of the shift in which learners were trained.
            told: return of one who is told the task, at every shift or at each, [F]; None for no such line.
            region: lower left and upper right corner of the box of the training tasks, drawn dashed.
            return_range: lowest and highest return of the curves; of all intervals if left out.
            shots_label, shift_label: of the sliders and of the curves' axes.
            title: heading.

        Raises:
            ValueError: names, shapes or numbers do not fit, or learners have other tasks.
            Exception: what `adapted` raised, unchanged.
        """
        if not 1 <= len(learners) <= len(STYLES) or len(set(learners)) < len(learners):
            raise ValueError(f"learners must be 1 to {len(STYLES)} different names, got {list(learners)}")
        for name, stops in (("shots", shots), ("shifts", shifts)):
            if len(stops) < 2 or not (np.diff(stops) > 0).all():
                raise ValueError(f"{name} must rise and be two or more, got {list(stops)}")
        if not trained[0] <= trained[1]:
            raise ValueError(f"trained must be (low, high) with low <= high, got {trained}")
        self._adapted, self._plane = adapted, plane
        self._found: dict[tuple[str, int, float], Adapted] = {}
        table = [len(shifts), len(shots)]
        if told is not None and np.shape(told) not in ((), (len(shifts),)):
            raise ValueError(
                f"told must be a number or one for each of {len(shifts)} shifts, got shape {np.shape(told)}"
            )
        best = None if told is None else np.broadcast_to(told, len(shifts)).astype(float).tolist()
        each = {
            name: {learner: _measured(name, values, learner, table) for learner in learners}
            for name, values in (("mean", by_shots), ("low", low), ("high", high))
        }
        fixed = {
            "plane": plane.to_json(),
            "learners": [
                {"name": learner} | {name: _jsonable(values[learner]) for name, values in each.items()}
                for learner in learners
            ],
            "shots": [int(count) for count in shots],
            "shifts": [float(factor) for factor in shifts],
            "trained": [float(factor) for factor in trained],
            "told": best,
            "region": None if region is None else [plane.place("region", corner) for corner in region],
            "return_range": [float(value) for value in return_range or _reach(each, best or ())],
            "shots_label": shots_label,
            "shift_label": shift_label,
            "title": title,
            "where": [[where(k, f, trained) for k in shots] for f in shifts],
            "order": [[order(each, f, k) for k in range(len(shots))] for f in range(len(shifts))],
        }
        nearest = int(np.argmin(np.abs(np.asarray(shifts, dtype=np.float64) - 1.0)))
        super().__init__(fixed, {"shots": shots[0], "shift": shifts[nearest]})

    def _checked(self, request: dict) -> dict:
        if set(request) != {"shots", "shift"}:
            raise ValueError(f"request must have shots and shift, got {sorted(request)}")
        for name, stops in (("shots", self.fixed["shots"]), ("shift", self.fixed["shifts"])):
            if request[name] not in stops:
                raise ValueError(f"{name} must be one of {stops}, got {request[name]}")
        return {"shots": int(request["shots"]), "shift": float(request["shift"])}

    def _computed(self, request: dict) -> dict:
        shots, shift = request["shots"], request["shift"]
        names = [learner["name"] for learner in self.fixed["learners"]]
        found = {name: self._once(name, shots, shift) for name in names}
        goals = found[names[0]].goals
        for name, one in found.items():
            if one.goals.shape != goals.shape or not np.allclose(one.goals, goals, atol=1e-6):
                raise ValueError(
                    f"every learner must have the same tasks: {name} and {names[0]} differ in goals"
                )
        for goal in goals:
            self._plane.place("goal", goal)
        return {
            "goals": np.round(goals, 4).tolist(),
            "paths": [np.round(one.paths, 3).tolist() for one in found.values()],
            "returns": [np.round(one.returns, 4).tolist() for one in found.values()],
        }

    def _once(self, learner: str, shots: int, shift: float) -> Adapted:
        asked = (learner, shots, shift)
        if asked not in self._found:
            one = self._adapted(*asked)
            goals, paths, returns = (
                np.asarray(value, dtype=np.float64) for value in (one.goals, one.paths, one.returns)
            )
            m = max(1, len(returns)) if returns.ndim else 1
            if [goals.shape, paths.shape, returns.shape] != [(m, 2), (m, *paths.shape[1:2], 2), (m,)]:
                raise ValueError(
                    f"{learner} must answer with goals [M, 2], paths [M, T + 1, 2] and returns [M], "
                    f"got shapes {goals.shape}, {paths.shape}, {returns.shape}"
                )
            self._found[asked] = Adapted(goals, paths, returns)
        return self._found[asked]

    def __str__(self) -> str:
        f, k = self._at()
        return f"{self.fixed['title']}. {self.fixed['where'][f][k]}: {self.fixed['order'][f][k]}."

    def _at(self) -> tuple[int, int]:
        of = self.answer["of"]
        return self.fixed["shifts"].index(of["shift"]), self.fixed["shots"].index(of["shots"])

    def _draw(self, figure: Figure) -> None:
        learners = self.fixed["learners"]
        above, below = figure.subfigures(2, 1, height_ratios=(1, 1))
        for i, axes in enumerate(above.subplots(1, len(learners), squeeze=False)[0]):
            self._ways(axes, i)
        left, right = below.subplots(1, 2)
        f, k = self._at()
        shots, shifts, told = (self.fixed[name] for name in ("shots", "shifts", "told"))
        stops = range(len(shots))
        self._curves(
            left, stops, k, lambda values: values[f], None if told is None else [told[f]] * len(shots)
        )
        left.set_xticks(stops, [str(count) for count in shots])
        finish(left, self.fixed["shots_label"], "return")
        self._curves(right, shifts, shifts[f], lambda values: values[:, k], told)
        for a, b in outside(shifts, self.fixed["trained"]):
            right.axvspan(a, b, facecolor="none", edgecolor="#8894a2", hatch="//", lw=0, zorder=0)
            middle, plate = right.get_xaxis_transform(), {"facecolor": "white", "edgecolor": "none", "pad": 1}
            right.text(
                (a + b) / 2, 0.03, "outside training", size=13, ha="center", bbox=plate, transform=middle
            )
        right.set_xlim(shifts[0], shifts[-1])
        finish(right, f"{self.fixed['shift_label']} (times training)", "")

    def _ways(self, axes: Axes, i: int) -> None:
        colour, line = STYLES[i]
        self._plane.draw(axes, self.fixed["learners"][i]["name"])
        key = {"transform": axes.transAxes, "clip_on": False}
        axes.plot([0.78, 1.0], [1.07, 1.07], color=colour, ls=line, lw=3, **key)
        if self.fixed["region"] is not None:
            (x0, y0), (x1, y1) = self.fixed["region"]
            axes.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color=INK, lw=1.5, ls="--", zorder=2)
        for path, goal in zip(self.answer["paths"][i], self.answer["goals"], strict=True):
            axes.plot(*np.transpose(path), color=colour, ls=line, lw=2, zorder=4)
            axes.plot(*path[-1], "o", color=colour, ms=6, zorder=5)
            axes.plot(*goal, "x", color=INK, ms=9, mew=2, zorder=6)

    def _curves(self, axes: Axes, x: Sequence[float], here: float, row: Callable, told: list | None) -> None:
        for learner, (colour, line) in zip(self.fixed["learners"], STYLES, strict=False):
            mean, low, high = (
                row(np.array(learner[name], dtype=np.float64)) for name in ("mean", "low", "high")
            )
            axes.plot(x, mean, color=colour, ls=line, lw=2.5)
            axes.fill_between(x, low, high, color=colour, alpha=0.15)
        if told is not None:
            axes.plot(x, told, color=GREY, ls=(0, (1, 2)), lw=2)
        axes.axvline(here, color=INK, lw=2)
        axes.set_ylim(self.fixed["return_range"])


def where(shots: int, shift: float, trained: tuple[float, float]) -> str:
    """In words, how much experience there was and how far away the tasks were.

    Args:
        shots: episodes before.
        shift: of the tasks, in times training.
        trained: range of the shift in which learners were trained.
    """
    count = f"After {shots} shot{'' if shots == 1 else 's'}"
    far = "as far as in training" if shift == 1 else f"{shift:g} times as far"
    return f"{count}, {far}" + ("" if trained[0] <= shift <= trained[1] else " (outside training)")


def order(each: Mapping[str, Mapping[str, np.ndarray]], f: int, k: int) -> str:
    """The learners and their returns in words, the best one first; what was not measured comes last.

    Args:
        each: "mean", "low" and "high" of each learner, [F, K].
        f: number of the shift.
        k: number of the shots.
    """
    known, unknown = [], []
    for learner in each["mean"]:
        value = Interval(*(float(each[name][learner][f, k]) for name in ("mean", "low", "high")))
        if np.isnan(value.mean):
            unknown.append(f"{learner} not measured")
        else:
            single = np.isnan(value.low) or np.isnan(value.high)
            spread = Interval(*[value.mean] * 3) if single else value
            known.append((value.mean, f"{learner} {in_words(spread)}"))
    return ", ".join([words for _, words in sorted(known, key=lambda one: -one[0])] + unknown)


def outside(shifts: Sequence[float], trained: Sequence[float]) -> list[tuple[float, float]]:
    """Stretches of the axis of shift where nothing was trained, from the least to the greatest shift."""
    ends = [(shifts[0], min(trained[0], shifts[-1])), (max(trained[1], shifts[0]), shifts[-1])]
    return [(a, b) for a, b in ends if a < b]


def _measured(name: str, values: Mapping[str, np.ndarray], learner: str, table: list[int]) -> np.ndarray:
    """Table of one learner as floats, checked."""
    if learner not in values:
        raise ValueError(f"{name} of {learner!r} is missing, got {sorted(values)}")
    if list(np.shape(values[learner])) != table:
        raise ValueError(
            f"{name} of {learner!r} must be {table}, shifts and shots, got shape {np.shape(values[learner])}"
        )
    return np.asarray(values[learner], dtype=np.float64)


def _jsonable(table: np.ndarray) -> list[list[float | None]]:
    """Four decimals, None for NaN, which JSON does not have."""
    return [[None if np.isnan(value) else round(float(value), 4) for value in row] for row in table]


def _reach(each: Mapping[str, Mapping[str, np.ndarray]], told: Sequence[float]) -> tuple[float, float]:
    """Range of returns that holds every interval, with a little air."""
    parts = [values for kind in each.values() for values in kind.values()]
    everything = np.concatenate([np.ravel(part) for part in [*parts, told]])
    if not np.isfinite(everything).any():
        raise ValueError("by_shots must have at least one number that is not NaN")
    low, high = np.nanmin(everything), np.nanmax(everything)
    air = 0.05 * (high - low or abs(high) or 1.0)
    return low - air, high + air
