"""A training curve that grows while you watch, with a stop button that works while training.

Training runs in a thread of its own, so that the kernel stays free to hear the button. Drawing is paid for
by the thread that trains, and is rationed: the next picture comes no sooner than 100 times what the last one
cost, so that it takes at most 1 % of the time, and never more often than 10 times a second.

    curve = LiveCurve(x="steps", y=["return_mean"], title="PPO on the hopper")
    run = await curve.run(train(...), keep_best="return_mean", snapshot=lambda: deepcopy(policy.state_dict()))
    policy.load_state_dict(run.best)
"""

import asyncio
import atexit
import contextvars
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import anywidget
import numpy as np
import traitlets

from course_lib.core.spelling import nearest
from course_lib.widgets.module import module
from course_lib.widgets.palette import SERIES

DASHES = ("", "9 5", "3 5", "12 4 3 4")
MOST_LINES = 8
SMALLEST_INTERVAL = 0.1
"""Seconds between two pictures, at least."""
SHARE = 0.01
"""Most of the training time that drawing may take."""


@dataclass(frozen=True)
class Run:
    """What a training left behind."""

    records: list[dict[str, float]] = field(repr=False)
    """Every record, in order."""
    best: Any = field(repr=False)
    """What `snapshot()` returned at the best record; None without a snapshot."""
    best_record: dict[str, float] | None
    """The record with the highest `keep_best`; None without it."""
    stopped: bool
    """True where a person ended it early."""

    def __len__(self) -> int:
        return len(self.records)


@dataclass
class Line:
    """One curve: its label, and its points as two lists."""

    label: str
    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    sent: int = 0
    """How many points the front end has."""

    @property
    def last(self) -> float:
        return next((value for value in reversed(self.y) if math.isfinite(value)), math.nan)


class LiveCurve(anywidget.AnyWidget):
    """Curve of a training's records over their `x`.

    Args:
        x: field of the records on the horizontal axis.
        y: one field or several on the vertical axis, in one unit.
        title: heading.
        x_label, y_label: axis labels with units; the field's name where left out.
        labels: what to call each field of `y` in the legend.
        total: value of `x` at which training ends, where known: shows how far it is.

    Raises:
        ValueError: no field for `y`, or a label for a field that is not drawn.
    """

    _esm = module("live_curve")
    title = traitlets.Unicode().tag(sync=True)
    x_label = traitlets.Unicode().tag(sync=True)
    y_label = traitlets.Unicode().tag(sync=True)
    total = traitlets.Float(0.0).tag(sync=True)
    can_stop = traitlets.Bool(True).tag(sync=True)
    state = traitlets.Enum(
        ["waiting", "running", "stopping", "done", "stopped", "failed"], default_value="waiting"
    ).tag(sync=True)

    def __init__(
        self,
        x: str = "steps",
        y: str | Sequence[str] = ("return_mean",),
        *,
        title: str = "",
        x_label: str | None = None,
        y_label: str | None = None,
        labels: Mapping[str, str] | None = None,
        total: float | None = None,
    ):
        self.x = x
        self.y = (y,) if isinstance(y, str) else tuple(y)
        if not self.y:
            raise ValueError('y needs at least one field of the records, such as y=["return_mean"]')
        labels = dict(labels or {})
        for name in labels:
            if name not in self.y:
                raise ValueError(f"labels names {name!r}, which y={list(self.y)} does not draw")
        self.labels = {name: labels.get(name, name.replace("_", " ")) for name in self.y}
        self.lines: list[Line] = []
        self.result: Run | None = None
        self.drawing_seconds = 0.0
        self._best: tuple[float, float, str] | None = None  # x, value, its label in the picture
        self._mark: tuple[float, str] | None = None  # x, words
        self._text = "Waiting for the first numbers"
        self._lock = threading.RLock()  # the training thread and the kernel's message thread both send
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._outcome: Run | BaseException | None = None
        self._displayed = False
        self._next_drawing = 0.0
        super().__init__(
            title=title,
            x_label=x_label or x.replace("_", " "),
            y_label=y_label or ", ".join(self.labels.values()),
            total=total or 0.0,
            can_stop=_kernel_listens_while_a_cell_runs(),
        )
        self.on_msg(self._receive)

    # --- driving a training

    async def run(
        self,
        records: Iterable[Mapping[str, float]],
        *,
        name: str | None = None,
        keep_best: str | None = None,
        snapshot: Callable[[], Any] | None = None,
    ) -> Run:
        """Drives a training to its end, or to a press on the stop button, and draws it in a cell.

        A kernel interrupt counts as the stop button: the run so far is returned, and the cells below go on.

        Args:
            records: the generator, e.g. `ppo.train(...)`; the curve pulls one record after the other.
            name: of this run in the legend; with it, a further call adds lines (one per seed, say).
            keep_best: field of the records whose highest value marks the best policy.
            snapshot: called at each new best record, between two iterations; returns a copy of what to keep.

        Raises:
            ValueError: a field is missing in the records, or a training runs already.
            Exception: what the training raised, unchanged; `curve.result` keeps the records before it.
        """
        loop = asyncio.get_running_loop()
        finished = loop.create_future()
        self.start(records, name=name, keep_best=keep_best, snapshot=snapshot, _then=(loop, finished))
        try:
            while not finished.done():  # a loop that only sleeps never notices ipykernel's interrupt
                await asyncio.wait([finished], timeout=0.2)
        except asyncio.CancelledError:
            self.stop()
            await finished  # the running iteration ends first; a second interrupt does not wait for it
            if not _in_kernel():
                raise
        return self.wait()

    def start(
        self,
        records: Iterable[Mapping[str, float]],
        *,
        name: str | None = None,
        keep_best: str | None = None,
        snapshot: Callable[[], Any] | None = None,
        _then: tuple | None = None,
    ) -> None:
        """Like `run`, but returns at once; `wait()` gives the result. For kernels older than ipykernel 7."""
        self._begin(name, keep_best, snapshot)
        self._display()

        torch = sys.modules.get("torch")
        torch_threads = torch.get_num_threads() if torch else 0

        def work() -> None:
            if torch:
                torch.set_num_threads(torch_threads)  # it counts for one thread, and this is a new one
            try:
                self._outcome = self._drive(records, keep_best, snapshot)
            except BaseException as error:
                self._outcome = error
            atexit.unregister(self._finish_before_exit)
            if _then:
                loop, finished = _then
                loop.call_soon_threadsafe(lambda: finished.done() or finished.set_result(None))

        # A daemon, so that a kernel can be shut down; in this context, so that messages find their cell.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(work,), name="training", daemon=True)
        # Native code that still runs when the interpreter ends would abort the process.
        atexit.register(self._finish_before_exit)
        self._thread.start()

    def _finish_before_exit(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5.0)

    def wait(self, timeout: float | None = None) -> Run:
        """Waits for the training that `start` began.

        Raises:
            ValueError: nothing was started.
            TimeoutError: it still runs after `timeout` seconds.
            Exception: what the training raised, unchanged.
        """
        if self._thread is None:
            raise ValueError("no training has been started: call start(...) first, or await run(...)")
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise TimeoutError(f"the training still runs after {timeout} s")
        self._show_what_remains()
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome

    def run_blocking(
        self,
        records: Iterable[Mapping[str, float]],
        *,
        name: str | None = None,
        keep_best: str | None = None,
        snapshot: Callable[[], Any] | None = None,
    ) -> Run:
        """Like `run`, in the calling thread, for scripts: Ctrl-C stops it and keeps what there is."""
        self._begin(name, keep_best, snapshot)
        return self._drive(records, keep_best, snapshot)

    def stop(self) -> None:
        """What the stop button does: the iteration that runs now is the last one."""
        self._stop.set()
        if self.state == "running":
            self.state = "stopping"

    def _begin(self, name: str | None, keep_best: str | None, snapshot: Callable | None) -> None:
        if self._thread is not None and self._thread.is_alive():
            raise ValueError("a training already runs in this curve: stop it, or make another LiveCurve")
        if snapshot is not None and keep_best is None:
            raise ValueError('snapshot needs keep_best="...", the field that says which policy is best')
        if name is None:
            self.lines = []
        labels = list(self.labels.values())
        if name is not None:
            labels = [name] if len(labels) == 1 else [f"{name}: {label}" for label in labels]
        if len(self.lines) + len(labels) > MOST_LINES:
            raise ValueError(f"more than {MOST_LINES} lines cannot be told apart: make another LiveCurve")
        self._current = [Line(label) for label in labels]
        with self._lock:
            self.lines = [*self.lines, *self._current]
            self._best = self._mark = self.result = self._outcome = None
            self._text = "Waiting for the first numbers"
            self._next_drawing = self.drawing_seconds = 0.0
        self._stop.clear()
        self.state = "running"
        self._publish(everything=True)

    def _drive(self, records, keep_best, snapshot) -> Run:
        seen: list[dict[str, float]] = []
        best, best_record, stopped = None, None, False
        begin = time.perf_counter()
        iterator = iter(records)
        try:
            for record in iterator:
                seen.append(dict(record))
                self._check(record, keep_best)
                if keep_best is not None and record[keep_best] > (
                    best_record[keep_best] if best_record else -math.inf
                ):
                    best_record = seen[-1]
                    best = snapshot() if snapshot else None
                self._add(record, keep_best, best_record, begin)
                if self._stop.is_set():
                    stopped = True
                    break
        except KeyboardInterrupt:
            stopped = True
        except BaseException as error:
            self.result = Run(seen, best, best_record, stopped=False)
            words = f"{type(error).__name__}: {error}".split("\n")[0]
            self._end("failed", f"Training failed after {self._where()}: {words}", "failed here")
            raise
        finally:
            close = getattr(iterator, "close", None)
            if close:
                close()
        self.result = Run(seen, best, best_record, stopped)
        if stopped:
            self._end("stopped", f"Stopped at {self._where()}. {self._values(keep_best)}", "stopped here")
        else:
            self._end("done", f"Done: {self._where()}. {self._values(keep_best)}", None)
        return self.result

    def _check(self, record: Mapping[str, float], keep_best: str | None) -> None:
        for field_name in dict.fromkeys((self.x, *self.y, *([keep_best] if keep_best else []))):
            if field_name not in record:
                hint = nearest(field_name, record)
                raise ValueError(f"the training's record has no field {field_name!r}: {hint}")

    def _add(self, record, keep_best, best_record, begin: float) -> None:
        with self._lock:
            for line, name in zip(self._current, self.y, strict=True):
                line.x.append(float(record[self.x]))
                line.y.append(float(record[name]))
            if best_record is not None and best_record[keep_best] is not None and keep_best in self.y:
                self._best = (
                    float(best_record[self.x]),
                    float(best_record[keep_best]),
                    f"best {number(best_record[keep_best])}",
                )
        now = time.perf_counter()
        if now < self._next_drawing:
            return
        self._text = f"{self._where()}. {self._values(keep_best)} {now - begin:.0f} s."
        self._publish()
        cost = time.perf_counter() - now
        self.drawing_seconds += cost
        self._next_drawing = now + max(SMALLEST_INTERVAL, cost / SHARE)

    def _where(self) -> str:
        line = self._current[0]
        return f"{self.x_label} {number(line.x[-1])}" if line.x else "no record"

    def _values(self, keep_best: str | None) -> str:
        values = ", ".join(f"{line.label} {number(line.last)}" for line in self._current if line.y)
        best = f" (best {number(self._best[1])} at {number(self._best[0])})" if self._best else ""
        return f"{values}{best}." if values else ""

    def _end(self, state: str, text: str, mark: str | None) -> None:
        with self._lock:
            self._text = text.strip()
            if mark and self._current[0].x:
                self._mark = (self._current[0].x[-1], mark)
        self._publish()
        self.state = state

    # --- the front end

    def _receive(self, _widget, message: Mapping, _buffers) -> None:
        if message.get("type") == "stop":
            self.stop()
        elif message.get("type") == "ready":  # a new view, perhaps after a reload of the page
            self._publish(everything=True)

    def _publish(self, everything: bool = False) -> None:
        with self._lock:
            counts, parts = [], []
            for line in self.lines:
                begin = 0 if everything else line.sent
                parts += [line.x[begin:], line.y[begin:]]
                counts.append(len(line.x) - begin)
                line.sent = len(line.x)
            message = {
                "type": "points",
                "everything": everything,
                "labels": [line.label for line in self.lines],
                "counts": counts,
                "best": self._best,
                "mark": self._mark,
                "text": self._text,
            }
            self.send(message, [np.concatenate([*map(np.asarray, parts), []]).astype("<f8").tobytes()])

    def _display(self) -> None:
        """Shows the widget under the running cell, unless it has been shown."""
        if _in_kernel() and not self._displayed:
            from IPython.display import display

            self._handle = display(self, display_id=True)

    def _show_what_remains(self) -> None:
        """Replaces the widget that `run` displayed by a picture that needs no kernel and no script."""
        handle = getattr(self, "_handle", None)
        if handle is not None:
            handle.update(self._still(), raw=True)

    def _still(self) -> dict[str, str]:
        return {"text/html": self.figure(), "text/plain": self.summary()}

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        self._displayed = True
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, **self._still()}, metadata

    def summary(self) -> str:
        """The curve in a sentence."""
        return f"{self.title}: {self._text}" if self.title else self._text

    def figure(self) -> str:
        """The curve as HTML with an inline SVG picture, for pages without kernel and scripts."""
        return (
            '<figure style="margin:0;max-width:60rem;background:#fff;color:#18212d;border-radius:12px">'
            f'{self.svg()}<figcaption style="font:16px/1.45 system-ui,sans-serif;padding:0 8px 8px">'
            f"{escape(self._text)}</figcaption></figure>"
        )

    def svg(self, width: int = 880, height: int = 360) -> str:
        """The curve as it stands now, as an SVG picture."""
        with self._lock:
            return draw(
                [(line.label, np.asarray(line.x), np.asarray(line.y)) for line in self.lines],
                title=self.title,
                x_label=self.x_label,
                y_label=self.y_label,
                best=self._best,
                mark=self._mark,
                x_end=self.total or None,
                size=(width, height),
                description=self.summary(),
            )


def number(value: float) -> str:
    """A number for people: thousands apart, no more digits than say something."""
    value = float(value)
    if not math.isfinite(value):
        return "not yet a number"
    if value == 0 or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(digits, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def ticks(low: float, high: float, most: int = 6) -> np.ndarray:
    """Round numbers (1, 2 or 5 times a power of ten apart) that cover [low, high], at most about `most`."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= most)
    return np.arange(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1) * step


def short(value: float) -> str:
    """A tick's label: 200k, 1.5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 10 or (abs(value) >= size and letter != "k"):
            return f"{value / size:g}{letter}"
    return f"{value:,.6g}"


def draw(lines, *, title, x_label, y_label, best, mark, x_end, size, description) -> str:
    """Curves as an SVG picture: the still twin of live_curve.js."""
    width, height = size
    top, bottom, right = (64 if title else 36), 56, 24
    finite = [(x[ok], y[ok]) for _, x, y in lines if (ok := np.isfinite(x) & np.isfinite(y)).any()]
    xs = np.concatenate([x for x, _ in finite] or [[0.0, 1.0]])
    ys = np.concatenate([y for _, y in finite] or [[0.0, 1.0]])
    air = 0.06 * (np.ptp(ys) or abs(ys[0]) or 1.0)
    y0, y1 = ys.min() - air, ys.max() + air
    x_ticks, y_ticks = ticks(min(0.0, xs.min()), x_end or xs.max()), ticks(y0, y1, 5)
    y_ticks = y_ticks[(y_ticks >= y0) & (y_ticks <= y1)]
    left = 16 + 10 * max(len(short(t)) for t in y_ticks)
    x0, x1 = x_ticks[0], x_end or max(xs.max(), x_ticks[0] + 1e-12)

    def place(x, y):
        return (
            left + (x - x0) / (x1 - x0) * (width - left - right),
            height - bottom - (y - y0) / (y1 - y0) * (height - top - bottom),
        )

    def words(x, y, text, anchor="start", style=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {style}>{escape(text)}</text>'

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
        f' aria-label="{escape(description)}" style="width:100%;height:auto;display:block"'
        ' font-family="system-ui, sans-serif" font-size="16" fill="#18212d">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    if title:
        out.append(words(8, 24, title, style='font-size="18" font-weight="700"'))
    out.append(words(8, top - 14, y_label, style='fill="#48535f"'))
    for tick in y_ticks:
        _, y = place(x0, tick)
        out.append(f'<path d="M{left} {y:.1f}H{width - right}" stroke="#dde3e9"/>')
        out.append(words(left - 8, y + 5, short(tick), "end", 'fill="#48535f"'))
    for tick in x_ticks[x_ticks <= x1 * (1 + 1e-9)]:
        x, y = place(tick, y0)
        out.append(f'<path d="M{x:.1f} {y:.1f}v6" stroke="#8894a2"/>')
        out.append(words(x, y + 23, short(tick), "middle", 'fill="#48535f"'))
    out.append(f'<path d="M{left} {height - bottom}H{width - right}" stroke="#8894a2"/>')
    out.append(words((left + width - right) / 2, height - 10, x_label, "middle", 'fill="#48535f"'))
    legend, legend_y = width - right, 24 if title else top - 14
    for i, (label, _, _) in reversed(list(enumerate(lines))):
        legend -= 9 * len(label) + 52
        stroke = f'stroke="{SERIES[i % 4]}" stroke-width="3" stroke-dasharray="{DASHES[(i + i // 4) % 4]}"'
        out.append(f'<path d="M{legend} {legend_y - 6}h34" {stroke}/>' + words(legend + 40, legend_y, label))
    for i, (_, x, y) in enumerate(lines):
        keep = slice(None, None, max(1, len(x) // 1200))
        px, py = place(x[keep], y[keep])
        path = "".join(
            f"{'L' if drawn else 'M'}{a:.1f} {b:.1f}"
            for a, b, drawn in zip(px, py, np.r_[False, np.isfinite(py)][:-1], strict=True)
            if np.isfinite(b)
        )
        stroke = f'stroke="{SERIES[i % 4]}" stroke-width="2.5" stroke-dasharray="{DASHES[(i + i // 4) % 4]}"'
        out.append(f'<path d="{path}" fill="none" stroke-linejoin="round" {stroke}/>')
    if best:
        x, y = place(best[0], best[1])
        anchor = "end" if x > width - 140 else "start"
        out.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7" fill="none" stroke="#18212d" stroke-width="2.5"/>'
        )
        out.append(halo(words(x + (-12 if anchor == "end" else 12), max(top + 14, y - 10), best[2], anchor)))
    if mark:
        x, _ = place(mark[0], y0)
        out.append(f'<path d="M{x:.1f} {top}V{height - bottom}" stroke="#18212d" stroke-width="2"/>')
        anchor = "end" if x > width / 2 else "start"
        out.append(halo(words(x + (-8 if anchor == "end" else 8), height - bottom - 10, mark[1], anchor)))
    return "".join([*out, "</svg>"])


def halo(text: str) -> str:
    """SVG text on a rim of the paper's colour, readable on any line."""
    return text.replace("<text ", '<text stroke="#fff" stroke-width="4" paint-order="stroke" ', 1)


def _in_kernel() -> bool:
    try:
        from ipykernel.kernelbase import Kernel
    except ImportError:
        return False
    return Kernel.initialized()


def _kernel_listens_while_a_cell_runs() -> bool:
    """Since ipykernel 7 a widget's messages reach a cell that awaits; before, only between cells."""
    if not _in_kernel():
        return True
    import ipykernel

    return ipykernel.version_info[0] >= 7
