"""Command panel: robots that run on while a person turns what is asked of them.

The browser shows the last step and asks for the next one just before it needs it, with the slider as it
stands then; one worker thread makes the step. So the robots run in real time while somebody looks, obey
within a tenth of a second, and cost nothing when the panel is scrolled away, paused or closed.

Axes: N robots, B bodies, T control steps.
"""

import base64
import io
import math
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import anywidget
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.core.playback import Scene
from course_lib.widgets import codec
from course_lib.widgets.module import module
from course_lib.widgets.physics_panel import Slider
from course_lib.widgets.poster import STYLES, segments
from course_lib.widgets.worker import Worker

Advance = Callable[[float], tuple[np.ndarray, np.ndarray]]
"""From the command to where one control step under it leads: pose [N, B, 3] and what is measured, [N]."""

WINDOW = 8.0
"""Seconds that the chart shows; the script has the same."""
SMOOTHING = 0.5
"""Seconds over which the chart averages what is measured: a stride is shorter. The script has the same."""
HOLD = 3.0
"""Seconds that each command of the opening lasts."""
MOST_STEPS = 20
"""Control steps that are made for one request, at most: a newer command waits for them."""


@dataclass(frozen=True)
class Step:
    """One control step of all robots."""

    command: float
    """What was asked for."""
    measured: np.ndarray
    """What came of it, [N]."""
    pose: np.ndarray
    """Where it led, float32 [N, B, 3]: x (m), z (m) and pitch (rad) of each body."""


def trailing_mean(values: np.ndarray, steps: int) -> np.ndarray:
    """Mean of each value and those before it, at most `steps` in all.

    Args:
        values: [T] or [T, N], in any unit.
        steps: at least 1.

    Returns:
        As many values, the first ones over what there is.
    """
    total = np.cumsum(values, axis=0, dtype=np.float64)
    count = np.minimum(np.arange(1, len(values) + 1), steps).reshape(-1, *[1] * (total.ndim - 1))
    total[steps:] = total[steps:] - total[:-steps]
    return total / count


class CommandPanel(anywidget.AnyWidget):
    """A slider for the command, the robots that hear it, and a chart of what was asked and what came of it.

    Keys on the slider: arrows one step (Shift: a tenth), Page keys ten, Home and End to the ends; anywhere:
    space plays and pauses, F fills the screen.
    """

    _esm = module("player", "live_curve", "command_panel")
    patience_s = 3.0
    """How long a cell waits for the picture that stands in for the panel where no kernel answers."""
    _worker: Worker | None = None
    scene = traitlets.Dict().tag(sync=True)
    slider = traitlets.Dict().tag(sync=True)
    robots = traitlets.List().tag(sync=True)
    dt = traitlets.Float().tag(sync=True)
    quantity = traitlets.Unicode().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    can_reset = traitlets.Bool().tag(sync=True)
    autoplay = traitlets.Bool().tag(sync=True)
    command = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        scene: Scene,
        advance: Advance,
        slider: Slider,
        robots: Sequence[str] = ("robot",),
        *,
        dt: float,
        reset: Callable[[], object] | None = None,
        opening: Sequence[float] = (),
        quantity: str = "speed",
        title: str = "",
        autoplay: bool = True,
    ) -> None:
        """Begins with the opening at once, in the background.

        Args:
            scene: what the bodies of one robot look like.
            advance: makes one control step of all robots, under the command that it is given. It is called on
                one thread only.
            slider: what is commanded, and between which values.
            robots: a name for each of the N robots, at most four.
            dt: seconds that one control step takes.
            reset: puts the robots back to their start; called on the thread of `advance`. None: no button.
            opening: commands of the first seconds, before a person takes over; then follows the slider's
                start value. They fill the chart, and the picture that stands in without a kernel.
            quantity: name of what is measured, in the slider's unit.
            title: heading.
            autoplay: run from the start (never for people who ask for reduced motion).

        Raises:
            ValueError: no robot or more than four, a step without length, or an opening off the slider.
        """
        names = [str(name) for name in robots]
        if not 1 <= len(names) <= len(STYLES) or len(set(names)) < len(names):
            raise ValueError(f"robots must be 1 to {len(STYLES)} different names, got {names}")
        if not dt > 0:
            raise ValueError(f"dt must be positive, in seconds, got {dt}")
        outside = [command for command in opening if not slider.low <= command <= slider.high]
        if outside:
            raise ValueError(
                f"opening must lie in [{slider.low:g}, {slider.high:g}] as the slider does, got {outside[0]}"
            )
        self._bounds = (slider.low, slider.high)
        self._advance, self._reset = advance, reset
        self._scene, self._unit, self._label = scene, slider.unit, slider.label
        self._opening = [command for command in (*opening, slider.value) for _ in range(math.ceil(HOLD / dt))]
        self._history: deque[Step] = deque(maxlen=math.ceil((WINDOW + SMOOTHING) / dt))
        self._made = 0
        self._error = ""
        self._lock = threading.Lock()
        self._start_again = threading.Event()
        self._opened = threading.Event()
        super().__init__(
            scene=codec.describe(scene),
            slider=asdict(slider),
            robots=names,
            dt=float(dt),
            quantity=quantity,
            title=title,
            can_reset=reset is not None,
            autoplay=autoplay,
            command=slider.value,
        )
        self._worker = Worker(self._answer)
        self.on_msg(self._heard)
        self._worker.ask({})

    @traitlets.validate("command")
    def _check_command(self, proposal) -> float:
        low, high = self._bounds
        if not low <= proposal.value <= high:
            raise ValueError(f"command must be in [{low:g}, {high:g}], got {proposal.value}")
        return proposal.value

    @property
    def history(self) -> list[Step]:
        """The steps of the last seconds, as the chart shows them."""
        with self._lock:
            return list(self._history)

    def close(self) -> None:
        """Ends the worker and the widget."""
        if self._worker is not None:
            self._worker.close()
        super().close()

    # Runs wherever Jupyter delivers messages, which may be a thread beside a running cell.
    def _heard(self, _, content: dict, buffers) -> None:
        if content.get("type") == "reset" and self._reset is not None:
            self._start_again.set()  # a flag: a newer request may take this one's place
        if content.get("type") in ("ask", "reset"):
            self._worker.ask(content)

    # Runs on the worker's thread, and nowhere else.
    def _answer(self, request: dict, overtaken: Callable[[], bool]) -> None:
        try:
            if not self._opened.is_set():
                self._open()
            if self._start_again.is_set():
                self._start_again.clear()
                self._reset()
                with self._lock:
                    self._history.clear()
            if "command" in request:
                self._continue(request)
        except Exception as error:  # the person sees it, and may go on
            self._error = f"{type(error).__name__}: {error}"
            details = "".join(traceback.format_exception(error))
            self.send({"type": "error", "message": self._error, "details": details})
        finally:
            self._opened.set()

    def _open(self) -> None:
        for command in self._opening:
            self._step(command)

    def _continue(self, request: dict) -> None:
        """Sends a new view the last seconds, and the view that has shown everything the next steps."""
        frame, history = request.get("frame"), self.history
        if frame is None and history:
            self.send(
                {
                    "type": "history",
                    "view": request["view"],
                    "end": self._made,
                    "commands": [step.command for step in history],
                    "measured": [step.measured.tolist() for step in history],
                },
                buffers=[history[-1].pose.tobytes()],
            )
            return
        if frame is not None and frame < self._made and history:
            return  # another view of this panel asked first, and the answer went to both
        fresh, start = not history, self._made
        steps = min(int(request["steps"]), MOST_STEPS)
        made = [self._step(float(request["command"])) for _ in range(steps)]
        self._error = ""
        self.send(
            {
                "type": "piece",
                "start": start,
                "fresh": fresh,
                "commands": [step.command for step in made],
                "measured": [step.measured.tolist() for step in made],
            },
            buffers=[np.stack([step.pose for step in made]).tobytes()],
        )

    def _step(self, command: float) -> Step:
        answer = self._advance(command)
        if not isinstance(answer, tuple) or len(answer) != 2:
            raise TypeError(f"advance must return (pose, measured), but it returned {type(answer).__name__}")
        pose, measured = (np.asarray(part, dtype=np.float32) for part in answer)
        shapes = {
            "pose": (pose, (len(self.robots), len(self._scene.bodies), 3)),
            "measured": (measured, (len(self.robots),)),
        }
        for name, (part, expected) in shapes.items():
            if part.shape != expected:
                raise ValueError(f"advance must return {name} of shape {expected}, got {part.shape}")
            if not np.isfinite(part).all():
                raise ValueError(f"{name} is not finite: the simulation diverged; start again, more gently")
        step = Step(command, measured.astype(np.float64), pose.copy())
        with self._lock:
            self._history.append(step)
            self._made += 1
        return step

    # What stands in for the panel where no kernel answers.

    @property
    def _name(self) -> str:
        return self.title or f"CommandPanel of the {self._scene.name}"

    def __str__(self) -> str:
        name, history = self._name, self.history
        if self._error:
            return f"{name}: {self._error}"
        if not history:
            return f"{name}: no step yet"
        now = trailing_mean(np.stack([step.measured for step in history]), max(1, round(1 / self.dt)))[-1]
        each = ", ".join(f"{robot} {value:.1f}" for robot, value in zip(self.robots, now, strict=True))
        unit = f" {self._unit}" if self._unit else ""
        return f"{name}: {self._label} {history[-1].command:g}{unit}; {self.quantity}: {each}{unit}"

    def picture(self, format: str = "png") -> bytes:
        """The robots where they are, and the last seconds of the chart.

        Args:
            format: "png", or another one that matplotlib writes.

        Raises:
            ValueError: there was no step yet.
        """
        history = self.history
        if not history:
            raise ValueError("nothing to draw before the first step: display the panel, or wait a moment")
        # Inches: lanes that are told their size can show the robots undistorted.
        width, lane, low = 9.0, 1.4, 3.6
        height = low + lane * len(self.robots) + 0.4
        figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
        FigureCanvasAgg(figure)
        figure.suptitle(self._name, fontsize=16, weight="bold", x=0.01, y=1 - 0.05 / height, ha="left")
        for n in range(len(self.robots)):
            bottom = height - 0.4 - lane * (n + 1) + 0.3
            axes = figure.add_axes((0.02, bottom / height, 0.96, (lane - 0.35) / height))
            self._draw_lane(axes, n, history[-1].pose, 0.96 * width / (lane - 0.35))
        chart = figure.add_axes((0.09, 0.65 / height, 0.89, (low - 1.25) / height))
        self._draw_chart(chart, history)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=format)
        return buffer.getvalue()

    def _draw_lane(self, axes: Axes, n: int, pose: np.ndarray, shape: float) -> None:
        """Robot n of pose [N, B, 3] on its ground; shape: width of the lane over its height."""
        every = [segments(self._scene, one) for one in pose]  # of all: one scale for all
        high = 1.3 * max(0.5, np.stack(every)[..., 1].max() + 0.1)
        ends, middle = every[n], every[n][..., 0].mean()
        per_metre = 1.05 * 72 / high  # points
        axes.axhspan(-high, 0, color="#d9dfe6")
        axes.axhline(0, color="#5a6878", lw=2)
        for edge, extra in (("#18212d", 2.0), (STYLES[n][0], 0.0)):
            for end, geom in zip(ends, self._scene.geoms, strict=True):
                thickness = max(2.0, 2 * geom.radius * per_metre)
                axes.plot(*end.T, color=edge, lw=thickness + extra, solid_capstyle="round", zorder=3)
        axes.text(0.01, 0.9, self.robots[n], transform=axes.transAxes, fontsize=14, weight="bold", va="top")
        axes.set(
            xlim=(middle - high * shape / 2, middle + high * shape / 2), ylim=(-0.15 * high, 0.85 * high)
        )
        axes.set_yticks([])
        axes.tick_params(labelsize=12)
        axes.xaxis.set_major_formatter("{x:g} m")

    def _draw_chart(self, axes: Axes, history: list[Step]) -> None:
        time = (np.arange(len(history)) - len(history) + 1) * self.dt
        measured = np.stack([step.measured for step in history])
        smooth = trailing_mean(measured, max(1, round(SMOOTHING / self.dt)))
        axes.step(
            time, [step.command for step in history], where="post", color="#18212d", lw=3, label="asked"
        )
        for n, (name, (colour, dashes)) in enumerate(zip(self.robots, STYLES, strict=False)):
            axes.plot(time, measured[:, n], color=colour, lw=0.8, alpha=0.4)
            axes.plot(time, smooth[:, n], color=colour, ls=dashes, lw=2.5, label=name)
        axes.set_xlabel("time (s)", fontsize=14)
        axes.set_ylabel(f"{self.quantity} ({self._unit})" if self._unit else self.quantity, fontsize=14)
        axes.tick_params(labelsize=13)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(-WINDOW, 0)
        axes.legend(fontsize=13, frameon=False, ncols=5, loc="lower left", bbox_to_anchor=(0, 1.0))

    def _repr_mimebundle_(self, **options):
        self._opened.wait(timeout=self.patience_s)  # the picture needs the opening
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        data = {**data, "text/plain": str(self)}
        if self.history:
            data["image/png"] = base64.b64encode(self.picture()).decode()
        return data, metadata
