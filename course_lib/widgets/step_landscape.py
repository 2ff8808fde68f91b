"""Step landscape: the loss of one task round the place where adaptation starts, and the gradient steps on it.

A plane through the space of parameters is drawn as a map. A slider turns the inner learning rate, another the
number of steps; the map stays as it is, so that a step which is too long is seen to leave the valley. Nothing
here knows what is adapted or how: a function answers with the map and the way.

Axes: R rows from bottom to top and C columns of the map, U steps.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from course_lib.widgets.figures import FONT_SIZE, finish
from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, VERMILLION
from course_lib.widgets.plane import INK, Place, Plane, PlaneWidget

RATES = tuple(float(f"{rate:.2g}") for rate in np.geomspace(0.001, 0.1, 21))
"""Stops of the slider, ten for each power of ten."""


@dataclass(frozen=True)
class Landscape:
    """The loss over a plane of parameters, and what gradient descent does there."""

    losses: np.ndarray
    """Loss on the training points, positive, [R, C], at places that go evenly from corner to corner."""
    low: Place
    """Lower left corner, as a distance in the space of parameters."""
    high: Place
    """Upper right corner."""
    downhill: Place
    """Direction of steepest descent at the start; its length does not matter, but it has one."""
    path: np.ndarray
    """The start and the place after each step, [U + 1, 2]."""
    train_loss: np.ndarray
    """Loss on the points that were adapted to, [U + 1]."""
    test_loss: np.ndarray
    """Loss on other points of the same task, [U + 1]."""


class StepLandscape(PlaneWidget):
    """Turn the inner learning rate, and see where the gradient steps lead.

    Keys in the map: left and right turn the rate, up and down the number of steps, N is another task. F fills
    the screen.
    """

    _esm = module("live_curve", "plane", "step_landscape")

    def __init__(
        self,
        landscape: Callable[[int, str, float, int], Landscape],
        starts: Sequence[str],
        *,
        rates: Sequence[float] = RATES,
        inner_lr: float = 0.01,
        most_steps: int = 10,
        steps: int = 1,
        loss_range: tuple[float, float] = (0.05, 20.0),
        axes: tuple[str, str] = ("distance along the first step", "across it"),
        title: str = "Where does a gradient step lead?",
    ) -> None:
        """Computes the first picture at once.

        Args:
            landscape: called as `landscape(task, start, inner_lr, steps)`, on one thread at a time. The task
                is a number, 0 and up. Steps whose loss is not finite are left out of the picture.
            starts: names of the places to start from; the first one begins.
            rates: stops of the slider, rising, each positive.
            inner_lr: the first rate.
            most_steps: right end of the slider, at least 1.
            steps: how many at first.
            loss_range: losses with no and with full colour; constant, so that tasks and starts can be
                compared.
            axes: what is written below and beside the map.
            title: heading.

        Raises:
            ValueError: numbers do not fit, or the answer has another shape.
            Exception: what `landscape` raised, unchanged.
        """
        rising = all(a < b for a, b in pairwise(rates))
        if len(rates) < 2 or not rising or not rates[0] > 0:
            raise ValueError(f"rates must be positive and rise, got {list(rates)}")
        if not 0 < loss_range[0] < loss_range[1]:
            raise ValueError(f"loss_range must be positive and rise, got {loss_range}")
        if not starts or len(set(starts)) < len(starts):
            raise ValueError(f"starts must have names of their own, got {list(starts)}")
        if most_steps < 1:
            raise ValueError(f"most_steps must be at least 1, got {most_steps}")
        self._landscape, self._starts, self._rates = landscape, tuple(starts), tuple(map(float, rates))
        fixed = {
            "starts": list(starts),
            "rates": list(self._rates),
            "most_steps": int(most_steps),
            "loss_range": [float(value) for value in loss_range],
            "levels": levels(*loss_range),
            "axes": list(axes),
            "title": title,
        }
        super().__init__(fixed, {"task": 0, "start": starts[0], "inner_lr": inner_lr, "steps": steps})

    def _checked(self, request: dict) -> dict:
        if set(request) != {"task", "start", "inner_lr", "steps"}:
            raise ValueError(f"request must have task, start, inner_lr and steps, got {sorted(request)}")
        if request["task"] < 0:
            raise ValueError(f"task must not be negative, got {request['task']}")
        if request["start"] not in self._starts:
            raise ValueError(f"start must be one of {self._starts}, got {request['start']!r}")
        if not self._rates[0] <= request["inner_lr"] <= self._rates[-1]:
            raise ValueError(
                f"inner_lr must be in [{self._rates[0]}, {self._rates[-1]}], got {request['inner_lr']}"
            )
        if not 0 <= request["steps"] <= self.fixed["most_steps"]:
            raise ValueError(f"steps must be in [0, {self.fixed['most_steps']}], got {request['steps']}")
        whole = {name: int(request[name]) for name in ("task", "steps")}
        return {**whole, "start": request["start"], "inner_lr": float(request["inner_lr"])}

    def _computed(self, request: dict) -> dict:
        found = self._landscape(*(request[name] for name in ("task", "start", "inner_lr", "steps")))
        losses, path, train, test = (
            np.asarray(values, dtype=np.float64)
            for values in (found.losses, found.path, found.train_loss, found.test_loss)
        )
        if losses.ndim != 2 or min(losses.shape) < 2 or not (np.isfinite(losses) & (losses > 0)).all():
            raise ValueError(f"losses must be [R, C], finite and positive, got shape {losses.shape}")
        wanted = request["steps"] + 1
        if path.shape != (wanted, 2) or train.shape != (wanted,) or test.shape != (wanted,):
            raise ValueError(
                f"path must be [{wanted}, 2] and both losses [{wanted}], "
                f"got shapes {path.shape}, {train.shape} and {test.shape}"
            )
        if not np.hypot(*found.downhill) > 0:
            raise ValueError(f"downhill must be a direction, got {found.downhill}")
        fine = np.isfinite(path).all(axis=1) & np.isfinite(train) & np.isfinite(test)
        kept = wanted if fine.all() else int(fine.argmin())
        if not kept:
            raise ValueError("the loss at the start is not finite")
        plane = Plane(found.low, found.high, unit="").to_json()
        return {
            "low": plane["low"],
            "high": plane["high"],
            "shape": list(losses.shape),
            "losses": significant(losses.ravel()),
            "downhill": [float(value) for value in found.downhill],
            "path": [significant(place) for place in path[:kept]],
            "train_loss": significant(train[:kept]),
            "test_loss": significant(test[:kept]),
        }

    def __str__(self) -> str:
        now = self.answer
        of, taken = now["of"], len(now["path"]) - 1
        before, after = (
            f"{now['train_loss'][i]:.3g} on training points and {now['test_loss'][i]:.3g} on test points"
            for i in (0, -1)
        )
        words = f"{self.fixed['title']} Start: {of['start']}. Loss before {before}"
        if taken:
            words += f"; after {taken} step{'s' if taken > 1 else ''} at a rate of {of['inner_lr']:g} {after}"
        return f"{words}{'.' if taken == of['steps'] else ', then beyond all bounds.'}"

    def _draw(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
        self._map(left)
        self._curves(right)

    def _map(self, axes: Axes) -> None:
        now, marks = self.answer, self.fixed["levels"]
        low, high = (np.array(now[name]) for name in ("low", "high"))
        x, y = (np.linspace(low[i], high[i], now["shape"][1 - i]) for i in (0, 1))
        losses = np.reshape(now["losses"], now["shape"])
        colours = LinearSegmentedColormap.from_list("loss", ["white", BLUE])(
            0.8 * np.linspace(0, 1, len(marks) + 1)
        )
        axes.contourf(x, y, losses, levels=[0, *marks, np.inf], colors=list(map(tuple, colours)))
        lines = axes.contour(x, y, losses, levels=marks, colors=INK, linewidths=1)
        axes.clabel(lines, fmt="%g", fontsize=12)
        path = np.array(now["path"])
        axes.axline(path[0], path[0] + now["downhill"], color=INK, ls=":", lw=2)
        axes.plot(*path.T, "o-", color=VERMILLION, lw=3, ms=8, mec="white")
        axes.plot(*path[0], "o", color=INK, ms=10)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        axes.set_title("loss on the training points", fontsize=15, loc="left")
        finish(axes, *self.fixed["axes"])

    def _curves(self, axes: Axes) -> None:
        low, high = self.fixed["loss_range"]
        for name, label, style, colour in (
            ("train_loss", "training points", "o-", VERMILLION),
            ("test_loss", "test points", "s--", BLUE),
        ):
            losses = np.clip(self.answer[name], low / 3, high)
            axes.semilogy(losses, style, color=colour, lw=3, ms=9, label=label)
        axes.set(xlim=(-0.3, self.fixed["most_steps"] + 0.3), ylim=(low / 3, 1.5 * high))
        axes.legend(fontsize=FONT_SIZE, frameon=False)
        finish(axes, "gradient steps", "loss")


def levels(low: float, high: float) -> list[float]:
    """The numbers 1, 2 and 5 times a power of ten from one loss to another: the lines of the map."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    every = (float(f"{mark}e{power}") for power in powers for mark in (1, 2, 5))
    return [value for value in every if low <= value * (1 + 1e-9) and value <= high * (1 + 1e-9)]


def significant(values: np.ndarray) -> list[float]:
    """Numbers of four digits, which are shorter to send."""
    return [float(f"{value:.4g}") for value in values]
