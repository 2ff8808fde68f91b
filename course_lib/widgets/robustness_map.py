"""Robustness map: the return over two physical parameters at once; choose a cell, and that rollout plays.

The map fills from coarse to fine: a few cells far apart first, so that there is a picture within a second,
then the ones between them. One worker thread computes everything. A rollout that is asked for goes before the
rest of the map, and another policy before the rest of this one; what was computed is kept.

Axes: R rows, C columns, n conditions of one call.
"""

import io
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure

from course_lib.core.playback import Clip, Scene
from course_lib.widgets import codec
from course_lib.widgets.module import module
from course_lib.widgets.physics_panel import UNITS, check_known, pieces
from course_lib.widgets.worker import Worker

Evaluate = Callable[[dict[str, np.ndarray], Any], np.ndarray]
"""From parameter values [n] and a policy to the return of each condition, [n]."""
Play = Callable[[dict[str, float], Any], Iterator[Clip]]
"""From parameter values and a policy to consecutive pieces of the rollouts; the panel's `simulate` fits."""

COLOUR_MAP = "viridis"
"""Even steps for the eye, rising in lightness, the same for every kind of colour vision."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One parameter, and where the map looks at it."""

    name: str
    """Key in what `evaluate` and `play` are given."""
    values: Sequence[float]
    """Rising, in the parameter's unit."""
    label: str = ""
    """What is written beside it; the name without underscores if left out."""
    unit: str = ""
    """Unit, SI; known for the course's own parameters."""
    range: tuple[float, float] | None = None
    """Bounds of the training distribution, outlined in the map."""

    def __post_init__(self) -> None:
        values = np.asarray(self.values, dtype=np.float64)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
            raise ValueError(f"axis {self.name}: values must be a list of finite numbers, got {self.values}")
        if (np.diff(values) <= 0).any():
            raise ValueError(f"axis {self.name}: values must rise, got {self.values}: sort them")
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"axis {self.name}: range must be (low, high) with low < high, got {self.range}")
        object.__setattr__(self, "values", [float(v) for v in values])
        object.__setattr__(self, "label", self.label or self.name.replace("_", " "))
        object.__setattr__(self, "unit", self.unit or UNITS.get(self.name, ""))

    def __len__(self) -> int:
        return len(self.values)

    def say(self, i: int) -> str:
        """The value in words: "torso mass 5 kg"."""
        return f"{self.label} {self.values[i]:g}{' ' + self.unit if self.unit else ''}"


def coarse_to_fine(rows: int, columns: int) -> list[np.ndarray]:
    """Order in which the cells are computed: every cell once, in levels of halving distance.

    Args:
        rows, columns: size of the map, R and C.

    Returns:
        Levels of flat indices (row-major); all cells of a level lie 2**k apart, beginning at cell (0, 0).
    """
    stride = 1
    while 2 * stride < min(rows, columns) or 2 * stride < max(rows, columns) / 4:
        stride *= 2
    levels, seen = [], np.zeros((rows, columns), dtype=bool)
    while stride:
        level = np.zeros_like(seen)
        level[::stride, ::stride] = True
        levels.append(np.flatnonzero(level & ~seen))
        seen |= level
        stride //= 2
    return [level for level in levels if len(level)]


class RobustnessMap(anywidget.AnyWidget):
    """Mean return over two parameters as a heat map, beside a player for any of its cells.

    Keys in the map: arrows move from cell to cell, Home and End to the ends of a row, Enter or space plays;
    F fills the screen.
    """

    _esm = module("player", "live_curve", "robustness_map")
    _worker: Worker | None = None
    scene = traitlets.Dict().tag(sync=True)
    rows = traitlets.Dict().tag(sync=True)
    columns = traitlets.Dict().tag(sync=True)
    policies = traitlets.List().tag(sync=True)
    policy = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    value_label = traitlets.Unicode().tag(sync=True)
    limits = traitlets.List().tag(sync=True)
    colours = traitlets.List().tag(sync=True)

    def __init__(
        self,
        scene: Scene,
        evaluate: Evaluate,
        play: Play,
        *,
        rows: Axis,
        columns: Axis,
        policies: Mapping[str, Any] | None = None,
        known: Mapping[str, np.ndarray] | None = None,
        repeats: int = 1,
        chunk: int = 32,
        limits: tuple[float, float] | None = None,
        value_label: str = "mean return",
        title: str = "",
    ) -> None:
        """Computes nothing until it is shown, or until `fill()`.

        Args:
            scene: what the bodies look like.
            evaluate: called as `evaluate({row name: [n], column name: [n]}, policy)`, returns [n] returns.
            play: called as `play({row name: value, column name: value}, policy)`, yields clips. Both are
                called on one thread only, so they may share a batched world.
            rows: vertical axis.
            columns: horizontal axis.
            policies: what the two are given as policy, by the name to choose it by; None: nothing to choose.
            known: results computed before, by policy's name, [R, C]; NaN where unknown.
            repeats: conditions per cell, averaged.
            chunk: most cells in one call of `evaluate`.
            limits: ends of the colour scale; the lowest and the highest value seen if left out.
            value_label: what the numbers are, with their unit.
            title: heading.

        Raises:
            ValueError: one name on both axes, no policy, known results of another shape or policy, repeats or
                chunk below 1.
        """
        if rows.name == columns.name:
            raise ValueError(f"rows and columns are both {rows.name!r}: choose two parameters")
        if policies is not None and not policies:
            raise ValueError("policies is empty: name at least one, or leave it out")
        if repeats < 1 or chunk < 1:
            raise ValueError(f"repeats and chunk must be at least 1, got {repeats} and {chunk}")
        if limits is not None and not limits[0] < limits[1]:
            raise ValueError(f"limits must be (low, high) with low < high, got {limits}")
        self._policies = {"policy": None} if policies is None else {str(k): p for k, p in policies.items()}
        shape = (len(rows), len(columns))
        self._values = {name: np.full(shape, np.nan) for name in self._policies}
        self._computed = {name: np.zeros(shape, dtype=bool) for name in self._policies}
        for name, values in (known or {}).items():
            check_known("policy", name, self._policies)
            values = np.asarray(values, dtype=np.float64)
            if values.shape != shape:
                raise ValueError(f"known[{name!r}] has shape {values.shape}, the map is {shape}")
            self._values[name] = values.copy()
            self._computed[name] = np.isfinite(values)
        super().__init__(
            scene=codec.describe(scene),
            rows=asdict(rows),
            columns=asdict(columns),
            policies=list(self._policies),
            policy=next(iter(self._policies)),
            title=title,
            value_label=value_label,
            limits=list(limits or ()),
            colours=[to_hex(colormaps[COLOUR_MAP](x)) for x in np.linspace(0, 1, 33)],
        )
        self._scene, self._evaluate, self._play = scene, evaluate, play
        self._row_axis, self._column_axis = rows, columns
        self._repeats, self._chunk = repeats, chunk
        self._levels = coarse_to_fine(*shape)
        self._lock = threading.Lock()
        self._wanted = self.policy
        self._to_play: dict | None = None
        self._errors: dict[str, Exception] = {}  # by policy; not tried again until it is chosen again
        self._filled = threading.Condition(self._lock)
        self._worker = Worker(self._answer)
        self.on_msg(self._heard)
        self.observe(lambda change: self._heard(self, {"type": "policy", "policy": change.new}, []), "policy")

    @traitlets.validate("policy")
    def _check_policy(self, proposal) -> str:
        check_known("policy", proposal.value, self._policies)
        return proposal.value

    @property
    def values(self) -> dict[str, np.ndarray]:
        """What is known so far, by policy: [R, C], NaN where nothing is known."""
        with self._lock:
            return {name: values.copy() for name, values in self._values.items()}

    def fill(self, policy: str | None = None, timeout: float | None = None) -> np.ndarray:
        """Computes the whole map of one policy, and returns it.

        Args:
            policy: one of the names; the chosen one if left out.
            timeout: longest wait, s.

        Raises:
            ValueError: there is no such policy.
            TimeoutError: not finished by then; it goes on in the background.
            Exception: what `evaluate` raised, unchanged.
        """
        policy = policy or self.policy
        check_known("policy", policy, self._policies)
        self._heard(self, {"type": "policy", "policy": policy}, [])
        with self._filled:
            done = self._filled.wait_for(
                lambda: policy in self._errors or self._computed[policy].all(), timeout=timeout
            )
            if not done:
                raise TimeoutError(f"the map of {policy!r} is not finished after {timeout:g} s")
            if policy in self._errors:
                raise self._errors[policy]
            return self._values[policy].copy()

    def close(self) -> None:
        """Ends the worker and the widget."""
        if self._worker is not None:  # None where the constructor refused its arguments
            self._worker.close()
        super().close()

    # Runs wherever Jupyter delivers messages, which may be a thread beside a running cell.
    def _heard(self, _, content: dict, buffers) -> None:
        kind = content.get("type")
        if kind not in ("ready", "policy", "play"):
            return
        if kind != "ready" and content.get("policy") not in self._policies:
            return  # a page from before the map was made anew
        with self._lock:
            if kind == "policy":
                self._wanted = content["policy"]
                self._errors.pop(self._wanted, None)
            elif kind == "play":
                self._to_play = content
                self._wanted = content["policy"]
        if kind == "ready":  # a new view, perhaps after a reload of the page
            for name in self._policies:
                self._tell_cells(name, np.flatnonzero(self._computed[name]))
        self._worker.ask(kind)

    # Runs on the worker's thread, and nowhere else.
    def _answer(self, _request: str, overtaken: Callable[[], bool]) -> None:
        while not overtaken():
            with self._lock:
                ask, self._to_play = self._to_play, None
                policy = self._wanted
                missing = ~self._computed[policy].ravel()
                failed = policy in self._errors
            if ask is not None:
                self._play_cell(ask, overtaken)
                continue
            level = next((level[missing[level]] for level in self._levels if missing[level].any()), None)
            if level is None or failed:
                return
            try:
                self._compute(policy, level[: self._chunk])
            except Exception as error:  # the person sees it, and may choose the policy again
                self._tell_error("map", error, policy=policy)
                with self._filled:
                    self._errors[policy] = error
                    self._filled.notify_all()

    def _compute(self, policy: str, cells: np.ndarray) -> None:
        row, column = np.divmod(cells, len(self._column_axis))
        axes = ((self._row_axis, row), (self._column_axis, column))
        params = {axis.name: np.repeat(np.asarray(axis.values)[at], self._repeats) for axis, at in axes}
        returns = np.asarray(self._evaluate(params, self._policies[policy]), dtype=np.float64)
        n = len(cells) * self._repeats
        if returns.shape != (n,):
            raise ValueError(
                f"evaluate must give one return for each of {n} conditions, got shape {returns.shape}"
            )
        with self._filled:
            self._values[policy].ravel()[cells] = returns.reshape(-1, self._repeats).mean(axis=1)
            self._computed[policy].ravel()[cells] = True
            self._filled.notify_all()
        self._tell_cells(policy, cells)

    def _play_cell(self, ask: dict, overtaken: Callable[[], bool]) -> None:
        try:
            axes = ((self._row_axis, ask["row"]), (self._column_axis, ask["column"]))
            params = {axis.name: axis.values[int(at)] for axis, at in axes}
            stream, start = pieces(self._play, params, self._policies[ask["policy"]]), 0
            for clip in stream:
                header, data = codec.encode(clip)
                self.send({"type": "piece", "id": ask["id"], "start": start, **header}, buffers=[data])
                start += header["frames"]
                if overtaken() and self._to_play is not None:  # another rollout is wanted, not only cells
                    stream.close()
                    return
            self.send({"type": "end", "id": ask["id"]})
        except Exception as error:  # the person sees it, and may choose another cell
            self._tell_error("rollout", error, id=ask.get("id"))

    def _tell_cells(self, policy: str, cells: np.ndarray) -> None:
        with self._lock:
            values = self._values[policy].ravel()[cells]
        message = {"type": "cells", "policy": policy, "at": [int(i) for i in cells]}
        self.send(message, buffers=[values.astype("<f8").tobytes()])

    def _tell_error(self, what: str, error: Exception, **more) -> None:
        words = f"{type(error).__name__}: {error}"
        details = "".join(traceback.format_exception(error))
        self.send({"type": "error", "what": what, "message": words, "details": details, **more})

    # --- without kernel and script

    def __str__(self) -> str:
        with self._lock:
            values = self._values[self.policy].copy()
        what = f"{self._row_axis.label} and {self._column_axis.label}"
        front = f"{self.title or 'Robustness map of the ' + self._scene.name} ({self.policy})"
        if not np.isfinite(values).any():
            return f"{front}: {self.value_label} over {what}, nothing computed yet"
        words = []
        for kind, at in (("highest", np.nanargmax(values)), ("lowest", np.nanargmin(values))):
            row, column = np.unravel_index(at, values.shape)
            place = f"{self._row_axis.say(row)}, {self._column_axis.say(column)}"
            words.append(f"{kind} {values[row, column]:.0f} at {place}")
        return f"{front}: {self.value_label} over {what}: {'; '.join(words)}"

    def picture(self, format: str = "png") -> bytes:
        """The map as it stands now.

        Args:
            format: "png" or "svg".
        """
        values = self.values[self.policy]
        known = np.isfinite(values)
        low, high = self.limits or (
            (np.min(values[known]), np.max(values[known])) if known.any() else (0.0, 1.0)
        )
        figure = Figure(figsize=(9, 5.2), dpi=100, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.set_title(
            f"{self.title or self._scene.name} ({self.policy})", loc="left", fontsize=16, weight="bold"
        )
        norm = Normalize(low, high if high > low else low + 1)
        image = axes.imshow(values, origin="lower", aspect="auto", cmap=COLOUR_MAP, norm=norm)
        for axis, which in ((self._row_axis, axes.yaxis), (self._column_axis, axes.xaxis)):
            every = max(1, len(axis) // 14)
            which.set_ticks(range(0, len(axis), every), [f"{v:g}" for v in axis.values[::every]], fontsize=14)
            which.set_label_text(f"{axis.label}{f' ({axis.unit})' if axis.unit else ''}", fontsize=15)
        if len(self._column_axis) <= 12 and len(self._row_axis) <= 14:
            for row, column in np.argwhere(known):
                value = values[row, column]
                colour = ink_on(image.cmap(image.norm(value))[:3])
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=13, color=colour)
        box = [trained(axis) for axis in (self._column_axis, self._row_axis)]
        if all(box) and (self._row_axis.range or self._column_axis.range):
            (left, right), (bottom, top) = box
            corners = ([left, right, right, left, left], [bottom, bottom, top, top, bottom])
            axes.plot(*corners, color="white", lw=5, clip_on=False)
            axes.plot(*corners, color="#18212d", lw=2.5, ls="--", clip_on=False, label="training range")
            figure.legend(loc="outside lower center", fontsize=13, frameon=False)
        bar = figure.colorbar(image, ax=axes)
        bar.set_label(self.value_label, fontsize=15)
        bar.ax.tick_params(labelsize=14)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=format)
        return buffer.getvalue()

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = {**data, "text/plain": str(self)}
        if np.isfinite(self.values[self.policy]).any():
            import base64

            data["image/png"] = base64.b64encode(self.picture()).decode()
        return data, metadata


def trained(axis: Axis) -> tuple[float, float] | None:
    """Ends of the training range, counted in cells: the whole axis without one, None outside the map."""
    if axis.range is None:
        return -0.5, len(axis) - 0.5
    inside = [i for i, value in enumerate(axis.values) if axis.range[0] <= value <= axis.range[1]]
    return (inside[0] - 0.5, inside[-1] + 0.5) if inside else None


def ink_on(rgb: Sequence[float]) -> str:
    """Black or white, whichever stands out more on that colour (WCAG's contrast)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    luminance = float(np.dot((0.2126, 0.7152, 0.0722), linear))
    return "#000000" if luminance > 0.179 else "#ffffff"
