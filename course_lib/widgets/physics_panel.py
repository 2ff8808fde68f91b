"""Physics panel: turn a slider, and see at once what the changed world does to the robot.

The browser asks, one worker thread simulates and answers piece by piece: a first picture
after 8 frames, the rest while it already plays. A newer question cancels an older one, but
never before its first picture was sent, so that dragging shows something all the time.

Axes: N simulations, T frames.
"""

import math
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import anywidget
import traitlets

from course_lib.core.playback import Clip, Scene
from course_lib.core.spelling import nearest
from course_lib.core.task_family import TruncatedNormal
from course_lib.widgets import codec, poster
from course_lib.widgets.module import module
from course_lib.widgets.worker import Worker

Simulate = Callable[[dict[str, float], Any], Iterator[Clip]]
"""From slider values and a policy's key to consecutive pieces of N rollouts."""

UNITS = {
    "torso_mass": "kg",
    "ground_friction": "",
    "joint_damping": "N·m·s/rad",
    "armature": "kg·m²",
}
"""Units of the parameters that the course's worlds have."""


@dataclass(frozen=True, kw_only=True)
class Slider:
    """One parameter that a person may turn."""

    name: str
    """Key in the values given to `simulate`."""
    low: float
    """Left end, in the parameter's unit."""
    high: float
    """Right end."""
    step: float
    """One press of an arrow key; a tenth of it with Shift."""
    label: str = ""
    """What is written beside it; the name without underscores if left out."""
    unit: str = ""
    """Unit, SI."""
    value: float | None = None
    """Where it starts; the mean if left out, or else the left end."""
    mean: float | None = None
    """Mean of the training distribution, marked on the track."""
    range: tuple[float, float] | None = None
    """Bounds of the training distribution, marked on the track."""

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"slider {self.name}: low must be below high, got {self.low} and {self.high}")
        if not 0 < self.step <= self.high - self.low:
            raise ValueError(
                f"slider {self.name}: step must be in (0, {self.high - self.low:g}], got {self.step}"
            )
        if self.range is not None and not self.low <= self.range[0] < self.range[1] <= self.high:
            raise ValueError(
                f"slider {self.name}: range {tuple(self.range)} must lie in [{self.low}, {self.high}]"
            )
        start = self.value if self.value is not None else self.mean if self.mean is not None else self.low
        if not self.low <= start <= self.high:
            raise ValueError(f"slider {self.name}: value must be in [{self.low}, {self.high}], got {start}")
        object.__setattr__(self, "value", float(start))
        object.__setattr__(self, "label", self.label or self.name.replace("_", " "))


def sliders_of(source: Mapping[str, TruncatedNormal | float], beyond: float = 1 / 3) -> list[Slider]:
    """Sliders for a source distribution, wider than it was in training.

    Args:
        source: distribution of each parameter.
        beyond: how far the ends lie outside the training range, as a share of its width.
    """
    sliders = []
    for name, d in source.items():
        if not isinstance(d, TruncatedNormal):  # the same in every task: nothing to turn
            continue
        width = d.high - d.low
        magnitude = 10.0 ** math.floor(math.log10(width / 20))
        step = max(m * magnitude for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * magnitude <= width / 20 * 1.0001)
        low = max(step, step * round((d.low - beyond * width) / step))  # physics is positive
        high = step * round((d.high + beyond * width) / step)
        sliders.append(
            Slider(
                name=name,
                unit=UNITS.get(name, ""),
                low=round(min(low, d.low), 9),
                high=round(high, 9),
                step=round(step, 9),
                mean=d.mean,
                range=(d.low, d.high),
            )
        )
    return sliders


def check_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Raises a ValueError that guesses what was meant, unless the name is among the known ones."""
    known = list(known)
    if name not in known:
        raise ValueError(f"no {kind} named {name!r}: {nearest(name, known)}")


def pieces(simulate: Simulate, values: dict[str, float], policy: Any) -> Iterator[Clip]:
    """The pieces that `simulate` yields, with a plain word about what may be wrong with it.

    Raises:
        TypeError: it yields something else than clips, or nothing iterable.
        ValueError: it yields no piece at all.
    """
    answer = simulate(values, policy)
    if isinstance(answer, Clip):
        answer = [answer]
    if not hasattr(answer, "__iter__"):
        raise TypeError(
            f"simulate must yield clips, but it returned {type(answer).__name__}: "
            "end it with `yield from record(env, act)`"
        )
    empty = True
    for clip in answer:
        if not isinstance(clip, Clip):
            raise TypeError(
                f"simulate must yield clips, but it yielded {type(clip).__name__}: "
                "use `yield from record(env, act)`"
            )
        empty = False
        yield clip
    if empty:
        raise ValueError("simulate yielded no clip: record at least one frame")


class PhysicsPanel(anywidget.AnyWidget):
    """Sliders over the physics, a choice of policies, and N rollouts streamed from the kernel.

    Keys on a slider: arrows one step (Shift: a tenth), Page keys ten, Home and End to the ends;
    elsewhere: space plays and pauses, F fills the screen for a lecture.
    """

    _esm = module("player", "physics_panel")
    scene = traitlets.Dict().tag(sync=True)
    sliders = traitlets.List().tag(sync=True)
    policies = traitlets.List().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    policy = traitlets.Unicode().tag(sync=True)
    autoplay = traitlets.Bool(True).tag(sync=True)
    patience_s = 3.0
    """How long a cell waits for the picture that stands in for the panel where no kernel answers."""
    _worker: "Worker | None" = None  # a panel that was refused by its constructor is closed all the same

    def __init__(
        self,
        scene: Scene,
        simulate: Simulate,
        sliders: Sequence[Slider],
        policies: Mapping[str, Any] | None = None,
        *,
        autoplay: bool = True,
    ) -> None:
        """Begins to simulate the start values at once, in the background.

        Args:
            scene: what the bodies look like.
            simulate: `simulate(values, policy)` yields consecutive clips of N rollouts, such as those of
                `record`. It is called on one thread only.
            sliders: what can be turned; `sliders_of(source)` makes them from a source distribution.
            policies: what `simulate` is given as policy, by the name to choose it by; None: nothing to
                choose, and the policy is None.
            autoplay: play from the start (never for people who ask for reduced motion).

        Raises:
            ValueError: no slider, two with one name, or no policy.
        """
        names = [slider.name for slider in sliders]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"give at least one slider, each with a name of its own, got {names}")
        if policies is not None and not policies:
            raise ValueError("policies is empty: name at least one, or leave it out")
        self._policies = {"policy": None} if policies is None else {str(k): p for k, p in policies.items()}
        super().__init__(
            scene=codec.describe(scene),
            sliders=[asdict(slider) for slider in sliders],
            policies=list(self._policies),
            values={slider.name: slider.value for slider in sliders},
            policy=next(iter(self._policies)),
            autoplay=autoplay,
        )
        self._scene, self._simulate = scene, simulate
        self._lock = threading.Lock()
        self._simulating = threading.Lock()
        self._finished = threading.Event()
        self._clip: Clip | None = None
        self._error = ""
        self._worker = Worker(self._answer)
        self.on_msg(self._heard)
        self._worker.ask({"id": "start:0", "values": dict(self.values), "policy": self.policy})

    @property
    def clip(self) -> Clip | None:
        """The newest rollouts that were simulated to their end."""
        with self._lock:
            return self._clip

    @property
    def scene_drawn(self) -> Scene:
        """What the bodies look like; the trait `scene` is the same for the browser."""
        return self._scene

    def simulate_now(self, values: dict[str, float], policy: str) -> Clip:
        """All pieces of one setting as one clip, computed in the calling thread while the worker rests.

        Args:
            values: of all sliders.
            policy: one of the names.
        """
        check_known("policy", policy, self._policies)
        with self._simulating:
            return Clip.concatenate(pieces(self._simulate, values, self._policies[policy]))

    def set(self, policy: str | None = None, **values: float) -> None:
        """Moves sliders, or chooses a policy, as a person would.

        Args:
            policy: one of the names.
            **values: by the sliders' names.

        Raises:
            ValueError: there is no such policy or slider, or the value lies outside of it.
        """
        bounds = {slider["name"]: (slider["low"], slider["high"]) for slider in self.sliders}
        if policy is not None:
            check_known("policy", policy, self._policies)
        for name in values:
            check_known("slider", name, bounds)
        for name, value in values.items():
            low, high = bounds[name]
            if not low <= value <= high:
                raise ValueError(f"{name} must be in [{low}, {high}], got {value}")
        self.send({"type": "set", "values": values, "policy": policy})

    def close(self) -> None:
        """Ends the worker and the widget."""
        if self._worker is not None:
            self._worker.close()
        super().close()

    # Runs wherever Jupyter delivers messages, which may be a thread beside a running cell.
    def _heard(self, _, content: dict, buffers) -> None:
        if content.get("type") == "ask":
            self._worker.ask(content)

    # Runs on the worker's thread, and nowhere else.
    def _answer(self, request: dict, overtaken: Callable[[], bool]) -> None:
        with self._simulating:
            self._stream(request, overtaken)

    def _stream(self, request: dict, overtaken: Callable[[], bool]) -> None:
        clips: list[Clip] = []
        try:
            values = {name: float(value) for name, value in request["values"].items()}
            stream = pieces(self._simulate, values, self._policies[request["policy"]])
            start = 0
            for clip in stream:
                header, data = codec.encode(clip)
                message = {"type": "piece", "id": request["id"], "start": start, **header}
                if start == 0:
                    message |= {"values": values, "policy": request["policy"]}
                self.send(message, buffers=[data])
                clips.append(clip)
                start += header["frames"]
                if overtaken():
                    stream.close()
                    return
            self.send({"type": "end", "id": request["id"]})
            with self._lock:
                self._clip, self._error = Clip.concatenate(clips), ""
            if (self.values, self.policy) != (values, request["policy"]):
                with self.hold_sync():
                    self.values, self.policy = values, request["policy"]
        except Exception as error:  # the person sees it, and may ask again
            message = f"{type(error).__name__}: {error}"
            with self._lock:
                self._error = message
            self.send(
                {
                    "type": "error",
                    "id": request["id"],
                    "message": message,
                    "details": "".join(traceback.format_exception(error)),
                }
            )
        finally:
            self._finished.set()

    def __str__(self) -> str:
        with self._lock:
            clip, error = self._clip, self._error
        if error:
            return f"PhysicsPanel of the {self._scene.name}: {error}"
        if clip is None:
            return f"PhysicsPanel of the {self._scene.name}: still simulating"
        settings = ", ".join(f"{name} {value:g}" for name, value in self.values.items())
        return f"{self._scene.name}, {self.policy}, {settings}: {codec.summary(clip)}"

    def _repr_mimebundle_(self, **options):
        self._finished.wait(timeout=self.patience_s)  # the poster needs the first rollouts
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, **poster.stand_in(self._scene, self.clip, str(self))}, metadata
