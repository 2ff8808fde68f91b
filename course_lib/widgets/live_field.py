"""Live field: a function of two numbers while it is learned, beside the one that it should become.

Learning runs in a thread of its own and paints as it goes; a slider chooses how much it may learn from, and
starts it again.

Axes: R rows and C columns of the field, K samples that it is learned from.
"""

import base64
import io
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import anywidget
import numpy as np
import traitlets
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, VERMILLION
from course_lib.widgets.robustness_map import Axis
from course_lib.widgets.worker import Worker

SMALLEST_INTERVAL = 0.1
"""Seconds between two pictures, at least."""


@dataclass(frozen=True)
class Snapshot:
    """What has been learned after some steps."""

    step: int
    """Steps so far."""
    values: np.ndarray
    """The field, [R, C]."""
    samples: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    """Where in the field it learns from, [K, 2]: place along the columns, then along the rows."""


def correlation(values: np.ndarray, exact: np.ndarray) -> float:
    """Pearson's correlation of two fields; 0 where one of them is constant."""
    a, b = (np.asarray(x, dtype=np.float64).ravel() for x in (values, exact))
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else 0.0


class LiveField(anywidget.AnyWidget):
    """Watch a field being learned beside the exact one, and choose from how many samples.

    The arrow keys move a cross over both fields, and the numbers there are said. F fills the screen.
    """

    _esm = module("live_curve", "live_field")
    _worker: Worker | None = None
    fixed = traitlets.Dict().tag(sync=True)
    exact = traitlets.Bytes().tag(sync=True)
    choice = traitlets.Int().tag(sync=True)
    progress = traitlets.Dict().tag(sync=True)
    values = traitlets.Bytes().tag(sync=True)
    samples = traitlets.Bytes().tag(sync=True)
    scores = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        learn: Callable[[int], Iterator[Snapshot]],
        exact: np.ndarray,
        rows: Axis,
        columns: Axis,
        *,
        choices: Sequence[int],
        steps: int,
        choice: int | None = None,
        choice_label: str = "Samples seen",
        value_label: str = "value",
        limit: float | None = None,
        title: str = "What has been learned?",
    ) -> None:
        """Learns nothing until somebody looks: it begins when a browser shows it.

        Args:
            learn: called with a choice; yields what has been learned, as often as it likes. It runs on one
                thread, beside the kernel's.
            exact: what is to be learned, [R, C].
            rows, columns: what the field depends on; rows from bottom to top.
            choices: numbers of samples to choose from, rising.
            steps: at which a learning ends.
            choice: the first one; the middle of the choices if left out.
            choice_label: of the slider.
            value_label: of the field, with unit.
            limit: value with the full colour, of either sign; the largest of `exact` if left out.
            title: heading.

        Raises:
            ValueError: the exact field does not fit the axes, the choices do not rise, or the first is none
                of them.
        """
        exact = np.asarray(exact, dtype=np.float64)
        if exact.shape != (len(rows), len(columns)):
            raise ValueError(
                f"exact must be {len(rows)} rows by {len(columns)} columns as the axes are, got {exact.shape}"
            )
        choices = [int(n) for n in choices]
        if not choices or (np.diff(choices) <= 0).any():
            raise ValueError(f"choices must rise, got {choices}")
        self._learn, self._exact, self._rows, self._columns = learn, exact, rows, columns
        self._choices = choices
        self._halt, self._lock = threading.Event(), threading.Lock()
        super().__init__(
            fixed={
                "rows": {"label": rows.label, "unit": rows.unit, "values": rows.values},
                "columns": {"label": columns.label, "unit": columns.unit, "values": columns.values},
                "choices": choices,
                "choice_label": choice_label,
                "value_label": value_label,
                "limit": float(limit or np.abs(exact).max() or 1.0),
                "steps": int(steps),
                "title": title,
            },
            exact=exact.astype("<f4").tobytes(),
            choice=choices[len(choices) // 2] if choice is None else int(choice),
            progress={"state": "waiting", "step": 0, "correlation": 0.0, "choice": 0, "problem": ""},
        )
        self._worker = Worker(self._run)
        self.observe(lambda change: self.begin(), "choice")
        self.on_msg(self._receive)

    @traitlets.validate("choice")
    def _check_choice(self, proposal) -> int:
        if proposal.value not in self._choices:
            raise ValueError(f"choice must be one of {self._choices}, got {proposal.value}")
        return proposal.value

    def begin(self) -> None:
        """Learns from the start, with as many samples as the slider says; returns at once."""
        self._halt.clear()
        self._worker.ask(self.choice)

    def stop(self) -> None:
        """Ends the learning that runs, and keeps its picture."""
        self._halt.set()

    def _receive(self, _widget, message: dict, _buffers) -> None:
        kind = message.get("type")
        if kind == "stop":
            self.stop()
        elif kind == "begin" or (kind == "ready" and self.progress["state"] == "waiting"):
            self.begin()

    # Runs on the worker's thread, and nowhere else.
    def _run(self, choice: int, overtaken: Callable[[], bool]) -> None:
        newest, painted = None, 0.0
        try:
            for newest in self._learn(choice):
                if overtaken():
                    return
                if self._halt.is_set():
                    break
                now = time.monotonic()
                if now - painted >= SMALLEST_INTERVAL:
                    self._paint(newest, choice, "learning")
                    painted = now
            if newest is not None:
                self._paint(newest, choice, "stopped" if self._halt.is_set() else "done")
        except Exception as error:  # the person sees it, and may begin again
            words = f"{type(error).__name__}: {error}"
            with self._lock:
                self.progress = {**self.progress, "state": "failed", "choice": choice, "problem": words}

    def _paint(self, now: Snapshot, choice: int, state: str) -> None:
        values = np.asarray(now.values, dtype=np.float64)
        if values.shape != self._exact.shape:
            raise ValueError(f"the learned field must have shape {self._exact.shape}, got {values.shape}")
        agree = correlation(values, self._exact)
        progress = {"state": state, "step": int(now.step), "choice": choice, "problem": ""}
        with self._lock, self.hold_sync():
            self.values = values.astype("<f4").tobytes()
            self.samples = np.asarray(now.samples, dtype="<f4").tobytes()
            self.progress = {**progress, "correlation": agree}
            if state == "done":
                self.scores = {**self.scores, str(choice): agree}

    def close(self) -> None:
        """Ends the learning and the widget."""
        if self._worker is not None:  # None where the constructor refused its arguments
            self._worker.close()
        super().close()

    def __str__(self) -> str:
        now = self.progress
        if not now["step"]:
            return f"{self.fixed['title']} Nothing has been learned yet."
        return (
            f"{self.fixed['title']} After {now['step']} steps on {now['choice']} samples "
            f"the correlation with the exact field is {now['correlation']:.2f}."
        )

    def picture(self) -> bytes:
        """PNG of the exact field, and of what has been learned if anything has."""
        shape, limit = self._exact.shape, self.fixed["limit"]
        shown = {"exact": self._exact}
        if self.values:
            learned = np.frombuffer(self.values, dtype="<f4").reshape(shape)
            shown[f"learned from {self.progress['choice']}"] = learned
        figure = Figure(figsize=(1 + 5.4 * len(shown), 4.6), dpi=90, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        row = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
        colours = LinearSegmentedColormap.from_list("sign", [VERMILLION, "white", BLUE])
        for axes, (title, values) in zip(row, shown.items(), strict=True):
            x, y = self._columns.values, self._rows.values
            image = axes.pcolormesh(x, y, values, cmap=colours, vmin=-limit, vmax=limit)
            axes.set_title(title, fontsize=15)
            axes.set_xlabel(_named(self._columns), fontsize=14)
            axes.tick_params(labelsize=13)
        row[0].set_ylabel(_named(self._rows), fontsize=14)
        figure.colorbar(image, ax=row).set_label(self.fixed["value_label"], fontsize=14)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        png = base64.b64encode(self.picture()).decode()
        return {**data, "text/plain": str(self), "image/png": png}, metadata


def _named(axis: Axis) -> str:
    return f"{axis.label} ({axis.unit})" if axis.unit else axis.label
