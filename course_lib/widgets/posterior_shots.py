"""Posterior over tasks: what is believed of a hidden task shrinks with every shot, and with it what is tried.

On the left the plane of what is inferred, with the belief as an ellipse and samples of it; on the right the
world, with the way that each sample causes. A hand hides the task. Nothing here knows what infers or acts: a
function answers with the belief and the ways.

Axes: K shots, N samples, T steps, M training tasks.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from course_lib.widgets.figures import finish
from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, GREEN, GREY, PINK, VERMILLION
from course_lib.widgets.plane import INK, PANEL, Place, Plane, PlaneWidget

WHEEL = (BLUE, GREEN, VERMILLION, PINK)
"""Colours of the directions right, up, left and down; those between are mixed."""
LEAST_REACH = 3.0
"""Half the side of the plane of what is inferred, in standard deviations of the prior, at least."""


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """What is believed of one task after some shots, and what comes of acting on it."""

    task: Place
    """Where the task is: the place that was asked for, or the nearest one that can be a task."""
    mean: np.ndarray
    """Of the belief in the plane, [2]."""
    covariance: np.ndarray
    """Of the belief in the plane, [2, 2]; 0 where a point is believed."""
    samples: np.ndarray
    """Drawn from the belief, in the plane, [N, 2]."""
    paths: np.ndarray
    """Where acting on each sample leads, from the start on, [N, T + 1, 2]."""
    returns: np.ndarray
    """What that earns, [N]."""
    information: float
    """How far the belief is from the prior, nats; infinite where a point is believed."""
    gathered: Sequence[np.ndarray] = ()
    """Ways of the shots that were seen, each [T + 1, 2]."""


class PosteriorShots(PlaneWidget):
    """Hide a task, choose how much of it is seen, and watch the belief shrink and its samples agree.

    Click or drag in the world: the task. Keys there: arrows move it (Shift: a fifth of a step). Keys in the
    other plane: left and right turn the shots, up and down choose the variant. N in both draws other samples.
    F fills the screen.
    """

    _esm = module("live_curve", "plane", "posterior_shots")
    picture_width = 12.0

    def __init__(
        self,
        explored: Callable[[Place, int, str, int], Posterior],
        low: Place,
        high: Place,
        *,
        task: Place,
        tasks: np.ndarray,
        inferred: Mapping[str, np.ndarray],
        shots: Sequence[str] = tuple(map(str, range(21))),
        first: int = 0,
        variant: str | None = None,
        arrow: bool = False,
        radius: float = 0.0,
        unit: str = "m",
        shots_label: str = "Trajectories seen",
        variant_label: str = "Weight of the KL",
        latent_axes: tuple[str, str] = ("first coordinate of z", "second coordinate of z"),
        title: str = "Which task is it?",
    ) -> None:
        """Computes the first picture at once.

        Args:
            explored: called as `explored(task, shots, variant, seed)`, on one thread at a time; shots is the
                number of a stop of the slider, from 0. The prior must be a standard normal in its plane.
            low, high: corners of the world.
            task: the first one, as a place of the world.
            tasks: the training tasks as places of the world, [M, 2]; each has the colour of its direction.
            inferred: by the name of each variant, in the slider's order, where the training tasks lie in its
                plane, [M, 2].
            shots: names of the slider's stops.
            first: stop at first.
            variant: the first one; the first of `inferred` if left out.
            arrow: whether a task is a direction from the start instead of a place.
            radius: distance that counts as reached, for a ring round the task; 0 for none.
            unit: of the places of the world.
            shots_label, variant_label: of the sliders; with one variant there is no second one.
            latent_axes: what is written below and beside the plane of what is inferred.
            title: heading.

        Raises:
            ValueError: shapes or numbers do not fit, or the answer has another shape.
            Exception: what `explored` raised, unchanged.
        """
        tasks = np.asarray(tasks, dtype=np.float64)
        if tasks.ndim != 2 or tasks.shape[1] != 2:
            raise ValueError(f"tasks must be [M, 2], got shape {tasks.shape}")
        if not inferred:
            raise ValueError("inferred must have at least one variant")
        for name, places in inferred.items():
            if np.shape(places) != tasks.shape or not np.isfinite(places).all():
                raise ValueError(
                    f"inferred[{name!r}] must be {list(tasks.shape)} like tasks and finite, "
                    f"got shape {np.shape(places)}"
                )
        if not shots:
            raise ValueError("shots must have at least one stop")
        self._explored, self._plane, self._inferred = explored, Plane(low, high, unit=unit), dict(inferred)
        fixed = {
            "plane": self._plane.to_json(),
            "tasks": np.round(tasks, 4).tolist(),
            "variants": list(inferred),  # beside the places: JavaScript sorts names that are numbers
            "inferred": [np.round(places, 4).tolist() for places in inferred.values()],
            "reach": [reach(np.asarray(places)) for places in inferred.values()],
            "shots": list(shots),
            "arrow": bool(arrow),
            "radius": float(radius),
            "shots_label": shots_label,
            "variant_label": variant_label,
            "latent_axes": list(latent_axes),
            "title": title,
        }
        request = {"task": task, "shots": first, "variant": variant or next(iter(inferred)), "seed": 0}
        super().__init__(fixed, request)

    def _checked(self, request: dict) -> dict:
        if set(request) != {"task", "shots", "variant", "seed"}:
            raise ValueError(f"request must have task, shots, variant and seed, got {sorted(request)}")
        if not 0 <= request["shots"] < len(self.fixed["shots"]):
            raise ValueError(f"shots must be in [0, {len(self.fixed['shots'])}), got {request['shots']}")
        if request["variant"] not in self._inferred:
            raise ValueError(f"variant must be one of {list(self._inferred)}, got {request['variant']!r}")
        if request["seed"] < 0:
            raise ValueError(f"seed must not be negative, got {request['seed']}")
        whole = {name: int(request[name]) for name in ("shots", "seed")}
        task = self._plane.place("task", request["task"])
        return {"task": task, "variant": request["variant"], **whole}

    def _computed(self, request: dict) -> dict:
        shots, variant, seed = (request[name] for name in ("shots", "variant", "seed"))
        found = self._explored(tuple(request["task"]), shots, variant, seed)
        mean, covariance, samples, paths, returns = (
            np.asarray(getattr(found, name), dtype=np.float64)
            for name in ("mean", "covariance", "samples", "paths", "returns")
        )
        shapes = [value.shape for value in (mean, covariance, samples, paths, returns)]
        n = max(1, returns.size)
        if shapes != [(2,), (2, 2), (n, 2), (n, *paths.shape[1:2], 2), (n,)]:
            raise ValueError(
                "a posterior must have mean [2], covariance [2, 2], samples [N, 2], paths [N, T + 1, 2] and "
                f"returns [N], got shapes {', '.join(map(str, shapes))}"
            )
        return {
            "task": self._plane.place("task", found.task),
            "mean": np.round(mean, 4).tolist(),
            "half_axes": np.round(half_axes(covariance), 5).tolist(),
            "samples": np.round(samples, 4).tolist(),
            "paths": np.round(paths, 3).tolist(),
            "returns": np.round(returns, 4).tolist(),
            "information": float(found.information) if math.isfinite(found.information) else None,
            "gathered": [np.round(path, 3).tolist() for path in found.gathered],
        }

    def __str__(self) -> str:
        now, returns = self.answer, np.array(self.answer["returns"])
        of, known = now["of"], now["information"]
        words = f"{self.fixed['title']} {self.fixed['shots_label']}: {self.fixed['shots'][of['shots']]}. "
        if len(self._inferred) > 1:
            words += f"{self.fixed['variant_label']}: {of['variant']}. "
        words += "Believed: a point. " if known is None else f"Known of the task: {known:.2f} nats. "
        return f"{words}{len(returns)} samples return {returns.mean():.1f} on average."

    def _draw(self, figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        self._belief(left)
        self._world(right)

    def _belief(self, axes: Axes) -> None:
        now = self.answer
        places, tasks = self._inferred[now["of"]["variant"]], np.array(self.fixed["tasks"])
        side, turn = reach(np.asarray(places)), np.linspace(0, 2 * np.pi, 100)
        round_ = np.stack([np.cos(turn), np.sin(turn)])
        for sigma, style in ((1, "-"), (2, "--")):
            ring = np.array(now["mean"])[:, None] + sigma * np.array(now["half_axes"]).T @ round_
            axes.plot(*ring, color=INK, lw=2.5, ls=style, zorder=4)
            axes.plot(*(sigma * round_), color=GREY, lw=1, ls=":", zorder=2)
        towards = 0.06 * side * tasks / np.maximum(np.linalg.norm(tasks, axis=1, keepdims=True), 1e-9)
        for z, (dx, dy), (x, y) in zip(places, towards, tasks, strict=True):
            axes.plot([z[0], z[0] + dx], [z[1], z[1] + dy], color=colour(x, y), lw=2.5, zorder=1)
        for z, path in zip(now["samples"], now["paths"], strict=True):
            axes.plot(*z, "o", ms=8, color="white", mec=_led(path), mew=3, zorder=5)
        axes.set(xlim=(-side, side), ylim=(-side, side), aspect="equal", facecolor=PANEL)
        axes.set_title("what is believed", fontsize=15, loc="left")
        finish(axes, *self.fixed["latent_axes"])

    def _world(self, axes: Axes) -> None:
        now = self.answer
        self._plane.draw(axes, "what the samples do")
        for x, y in self.fixed["tasks"]:
            axes.plot(x, y, "o", ms=6, color=colour(x, y), zorder=2)
        for path in now["gathered"]:
            axes.plot(*np.transpose(path), color=GREY, lw=1, alpha=0.5, zorder=2)
        for path in now["paths"]:
            axes.plot(*np.transpose(path), color=_led(path), lw=3, zorder=3)
            axes.plot(*path[-1], "o", ms=11, color="white", mec=_led(path), mew=3, zorder=5)
        start = now["paths"][0][0]
        axes.plot(*start, "o", color=INK, ms=9, zorder=5)
        if self.fixed["arrow"]:
            look = {"arrowstyle": "-|>", "lw": 4, "color": INK, "mutation_scale": 25}
            axes.annotate("", now["task"], start, arrowprops=look, zorder=6).set_in_layout(False)
        else:
            axes.plot(*now["task"], "*", ms=20, color="white", mec=INK, mew=2, zorder=6)


def half_axes(covariance: np.ndarray) -> np.ndarray:
    """Half axes of the ellipse of one standard deviation, a row each, [2, 2].

    Raises:
        ValueError: the covariance is not symmetric and positive semidefinite.
    """
    scale, directions = np.linalg.eigh(covariance)
    if not np.allclose(covariance, covariance.T) or scale[0] < -1e-6 * max(1.0, scale[1]):
        raise ValueError(f"covariance must be symmetric and positive semidefinite, got {covariance.tolist()}")
    return (directions * np.sqrt(np.maximum(scale, 0.0))).T


def reach(places: np.ndarray) -> float:
    """Half the side of a plane round 0 that holds the prior and all places."""
    return round(max(LEAST_REACH, 1.15 * float(np.abs(places).max())), 2)


def colour(x: float, y: float) -> tuple[float, float, float]:
    """Colour of a direction, red, green and blue in [0, 1]; static/posterior_shots.js has the same."""
    quarters = math.atan2(y, x) / (math.pi / 2) % 4
    before, share = int(quarters) % 4, quarters % 1
    one, other = (np.array(to_rgb(WHEEL[(before + i) % 4])) for i in (0, 1))
    return tuple(one + share * (other - one))


def _led(path: Sequence[Place]) -> tuple[float, float, float]:
    """Colour of where a way leads."""
    (x0, y0), (x1, y1) = path[0], path[-1]
    return colour(x1 - x0, y1 - y0)
