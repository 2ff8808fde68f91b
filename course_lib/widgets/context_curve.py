"""Context curve: what a policy is worth in each context, by the contexts that it was trained on.

A slider chooses what was trained: a few tasks or many. The trained contexts are marked on the axis and their
range is shaded, so that the eye sees what lies inside, and what becomes of it outside. All numbers are given
beforehand: the curve turns without a kernel, too.

Axes: R runs (seeds), C contexts.
"""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anywidget
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.core.evaluation import Interval, mean_with_interval
from course_lib.widgets import standalone
from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, GREEN, PINK, VERMILLION

MOST_REFERENCES = 3
"""More lines than these and the chosen one could not be told apart by everybody."""
REFERENCE_STYLES = ((VERMILLION, "--", "s"), (GREEN, ":", "D"), (PINK, "-.", "^"))
"""Colour, line and marker of each reference; the script has the same order."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What runs of one training are worth in each context."""

    values: np.ndarray
    """[R, C]: one row a run, one column a context; NaN in a column: nothing measured there."""
    trained: Sequence[float] = ()
    """Contexts that it was trained on, one by one; empty where it was trained on a whole range."""
    trained_range: tuple[float, float] | None = None
    """Range that it was trained on; from the least to the greatest trained context if left out."""

    def __post_init__(self) -> None:
        values = np.atleast_2d(np.asarray(self.values, dtype=np.float64))
        if values.ndim != 2 or not values.size:
            raise ValueError(f"values must have shape [R, C], got {values.shape}")
        if (np.isnan(values).any(axis=0) & ~np.isnan(values).all(axis=0)).any():
            raise ValueError("values must be NaN in a whole column or nowhere in it: every run is measured")
        trained = sorted(float(context) for context in self.trained)
        low_high = self.trained_range
        if low_high is None and trained:
            low_high = (trained[0], trained[-1])
        if low_high is not None and not low_high[0] <= low_high[1]:
            raise ValueError(f"trained_range must be (low, high) with low <= high, got {low_high}")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "trained", trained)
        object.__setattr__(self, "trained_range", low_high)


def over_runs(values: np.ndarray) -> Interval:
    """Mean over runs and its 95 % interval; a single run has no interval but itself.

    Args:
        values: one number a run, [R].
    """
    if len(values) == 1:
        return Interval(*[float(values[0])] * 3)
    return mean_with_interval(values, np.random.default_rng(0))  # the same numbers, the same picture


def regions(contexts: np.ndarray, curve: Curve) -> dict[str, np.ndarray]:
    """Which contexts were trained on, which lie inside the trained range but were not, which outside.

    Args:
        contexts: [C].
        curve: says what was trained.

    Returns:
        Masks, bool [C], of what was measured: "trained", "inside" and "outside". A range that was trained
        on as a whole has everything "inside".
    """
    measured = ~np.isnan(curve.values).any(axis=0)
    if curve.trained_range is None:
        return {name: np.zeros_like(measured) for name in ("trained", "inside")} | {"outside": measured}
    low, high = curve.trained_range
    slack = 1e-9 * max(1.0, np.abs(contexts).max())
    within = (contexts >= low - slack) & (contexts <= high + slack)
    trained = np.zeros_like(within)
    for context in curve.trained:
        trained |= np.abs(contexts - context) <= slack
    return {
        "trained": measured & trained,
        "inside": measured & within & ~trained,
        "outside": measured & ~within,
    }


def in_words(value: Interval) -> str:
    """A mean with its interval, to three digits: "−45.2 [−50.1, −40.3]"."""
    scale = max(abs(value.mean), abs(value.low), abs(value.high))
    digits = 0 if scale >= 100 else 1 if scale >= 10 else 2
    mean, low, high = (
        f"{v:.{digits}f}".replace("-", "\N{MINUS SIGN}") for v in (value.mean, value.low, value.high)
    )
    return mean if low == high else f"{mean} [{low}, {high}]"


def sentence(contexts: np.ndarray, curve: Curve, quantity: str, unit: str) -> str:
    """What the curve shows: the mean on the trained contexts, on others inside their range, and outside.

    Args:
        contexts: [C].
        curve: of which it speaks.
        quantity: name of its values.
        unit: of the contexts.
    """
    suffix = f" {unit}" if unit else ""
    found = {
        name: over_runs(curve.values[:, mask].mean(axis=1))
        for name, mask in regions(contexts, curve).items()
        if mask.any()
    }
    tasks = len(curve.trained)
    if curve.trained_range is None:
        trained = "Trained on no context"
    elif not tasks:
        trained = f"Trained on all of {curve.trained_range[0]:g} to {curve.trained_range[1]:g}{suffix}"
    elif tasks == 1:
        trained = f"Trained on 1 task, {curve.trained[0]:g}{suffix}"
    else:
        trained = f"Trained on {tasks} tasks from {curve.trained[0]:g} to {curve.trained[-1]:g}{suffix}"
    inside = "inside that range" if not tasks else "between them, never trained on"
    where = {"trained": "there", "inside": inside, "outside": "outside"}
    means = ", ".join(f"{where[name]} {in_words(value)}" for name, value in found.items())
    return f"{trained}. Mean {quantity}: {means}." if means else f"{trained}."


def baked(contexts: np.ndarray, curve: Curve, quantity: str, unit: str) -> dict:
    """A curve as JSON: its mean, its interval, its trained contexts and its sentence.

    Args:
        contexts: [C].
        curve: with C columns.
        quantity: name of its values.
        unit: of the contexts.
    """
    means: list[float | None] = []
    lows: list[float | None] = []
    highs: list[float | None] = []
    for column in curve.values.T:
        value = None if np.isnan(column).any() else over_runs(column)
        means.append(value and value.mean)
        lows.append(value and value.low)
        highs.append(value and value.high)
    return {
        "mean": means,
        "low": lows,
        "high": highs,
        "runs": len(curve.values),
        "trained": list(curve.trained),
        "range": None if curve.trained_range is None else [float(v) for v in curve.trained_range],
        "sentence": sentence(contexts, curve, quantity, unit),
    }


class ContextCurve(anywidget.AnyWidget):
    """The return of a policy over the contexts, and a slider over what it was trained on.

    Keys on the slider: arrows, Home and End; in the picture: arrows read one context after the other, Home
    and End the first and the last. F fills the screen.
    """

    _esm = module("live_curve", "context_curve")
    data = traitlets.Dict().tag(sync=True)
    shown = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        contexts: Sequence[float],
        curves: Mapping[str, Curve],
        references: Mapping[str, np.ndarray] | None = None,
        *,
        context_label: str = "context",
        unit: str = "",
        quantity: str = "return",
        choice: str = "Training tasks",
        title: str = "",
        shown: str | None = None,
    ) -> None:
        """Computes all means and intervals at once.

        Args:
            contexts: where the curves were measured, rising, in the context's unit, [C].
            curves: the family to choose from, by name and in the slider's order, such as "1", "2", "5".
            references: up to three others that are always drawn, values [R, C] by name: not told, say, or one
                policy for each task. NaN where nothing was measured; points without neighbours stay points.
            context_label: name of the context.
            unit: of the context.
            quantity: name of the values, with its unit where it has one.
            choice: what the slider is called.
            title: heading.
            shown: the curve to begin with; the first one if left out.

        Raises:
            ValueError: contexts that do not rise, curves of another length, no curve, too many references, or
                a name that there is not.
        """
        contexts = np.asarray(contexts, dtype=np.float64)
        if contexts.ndim != 1 or len(contexts) < 2 or not (np.diff(contexts) > 0).all():
            raise ValueError(f"contexts must be at least two rising numbers, got {contexts.tolist()}")
        if not curves:
            raise ValueError("curves is empty: give at least one, such as {'5': Curve(values=...)}")
        others = {name: Curve(values=values) for name, values in (references or {}).items()}
        if len(others) > MOST_REFERENCES:
            raise ValueError(f"at most {MOST_REFERENCES} references can be told apart, got {len(others)}")
        for name, curve in {**curves, **others}.items():
            if curve.values.shape[1] != len(contexts):
                raise ValueError(
                    f"{name!r} has values at {curve.values.shape[1]} contexts, but there are {len(contexts)}"
                )
        shown = next(iter(curves)) if shown is None else shown
        self._names = list(curves)
        spec = {"quantity": quantity, "unit": unit}
        super().__init__(
            data={
                "contexts": contexts.tolist(),
                "names": self._names,
                "curves": [baked(contexts, curve, **spec) for curve in curves.values()],
                "references": [
                    {"name": name, **baked(contexts, curve, **spec)} for name, curve in others.items()
                ],
                "context_label": context_label,
                "choice": choice,
                "title": title,
                **spec,
            },
            shown=shown,
        )

    @traitlets.validate("shown")
    def _check_shown(self, proposal) -> str:
        if proposal.value not in self._names:
            raise ValueError(f"shown must be one of {', '.join(self._names)}, got {proposal.value!r}")
        return proposal.value

    def save(self, path: str | Path) -> Path:
        """Writes the widget as one HTML file that needs nothing else."""
        path = Path(path)
        path.write_text(self._page(), encoding="utf-8")
        return path

    def _page(self) -> str:
        title = self.data["title"] or "Context curve"
        return standalone.page(title, self._esm, {"data": self.data, "shown": self.shown})

    def __str__(self) -> str:
        curve = self.data["curves"][self._names.index(self.shown)]
        return f"{self.data['choice']} {self.shown}. {curve['sentence']}"

    def picture(self, format: str = "png") -> bytes:
        """The chosen curve, the others faint, the references, and what was trained.

        Args:
            format: "png", or another one that matplotlib writes.
        """
        data = self.data
        x = np.array(data["contexts"])
        curve = data["curves"][self._names.index(self.shown)]
        figure = Figure(figsize=(10, 5.2), dpi=110, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        if data["title"]:
            figure.suptitle(data["title"], fontsize=16, weight="bold", x=0.01, ha="left")
        if curve["range"] is not None:
            axes.axvspan(*curve["range"], facecolor=BLUE, alpha=0.1, label="trained range")
        for other in data["curves"]:
            axes.plot(x, as_array(other["mean"]), color="#8894a2", lw=1)
        for one, (colour, dashes, marker) in zip(data["references"], REFERENCE_STYLES, strict=False):
            mean, low, high = (as_array(one[name]) for name in ("mean", "low", "high"))
            alone = isolated(mean)
            axes.fill_between(x, low, high, color=colour, alpha=0.12, lw=0)
            axes.plot(x, mean, color=colour, ls=dashes, marker=marker, ms=6, lw=2, label=one["name"])
            axes.vlines(x[alone], low[alone], high[alone], color=colour, lw=2)
        mean, low, high = (as_array(curve[name]) for name in ("mean", "low", "high"))
        axes.fill_between(x, low, high, color=BLUE, alpha=0.25, lw=0)
        axes.plot(
            x, mean, color=BLUE, lw=3, marker="o", ms=5, label=f"{data['choice'].lower()}: {self.shown}"
        )
        marks = {"color": "#18212d", "marker": "^", "ms": 12, "ls": "", "clip_on": False}
        floor = axes.get_xaxis_transform()
        if curve["trained"]:
            marks["label"] = "trained on"
        axes.plot(curve["trained"], np.zeros(len(curve["trained"])), transform=floor, zorder=5, **marks)
        label = data["context_label"] + (f" ({data['unit']})" if data["unit"] else "")
        axes.set_xlabel(label, fontsize=14)
        axes.set_ylabel(data["quantity"], fontsize=14)
        axes.tick_params(labelsize=13)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=13, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1.0))
        buffer = io.BytesIO()
        figure.savefig(buffer, format=format)
        return buffer.getvalue()

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        png = base64.b64encode(self.picture()).decode()
        title = self.data["title"] or "Context curve"
        # An exported notebook has no kernel: there the page takes the widget's place, and works as it does.
        return {
            **data,
            "text/html": standalone.iframe(title, self._page(), 620, png, str(self)),
            "image/png": png,
            "text/plain": str(self),
        }, metadata


def as_array(values: Sequence[float | None]) -> np.ndarray:
    """Numbers with NaN where there is none, [C]."""
    return np.array([math.nan if value is None else value for value in values])


def isolated(values: np.ndarray) -> np.ndarray:
    """Which points have no neighbour that a line could lead to, bool [C]."""
    there = np.pad(~np.isnan(values), 1)
    return there[1:-1] & ~there[:-2] & ~there[2:]
