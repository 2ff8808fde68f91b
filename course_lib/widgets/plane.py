"""A plane seen from above: what the widgets that show one share.

The view asks by writing `request`; a thread beside the kernel's works on the newest request and writes
`answer`. Where no kernel or no script runs, a picture and a sentence stand in.

Axes: W walls, T steps of a way.
"""

import base64
import io
import textwrap
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anywidget
import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.widgets.worker import Worker

Place = tuple[float, float]
INK, PANEL = "#18212d", "#f3f6f9"


@dataclass(frozen=True)
class Plane:
    """A rectangle with walls."""

    low: Place
    """Its lower left corner."""
    high: Place
    """Its upper right corner."""
    walls: Sequence[tuple[Place, Place]] = ()
    """Both ends of each wall, [W, 2, 2]."""
    unit: str = "m"
    """Of all places."""

    def __post_init__(self) -> None:
        if not (np.asarray(self.low) < np.asarray(self.high)).all():
            raise ValueError(f"low must lie below and left of high, got {self.low} and {self.high}")
        shape = np.shape(self.walls)
        if shape[1:] != (2, 2) and shape != (0,):
            raise ValueError(f"walls must be pairs of places, [W, 2, 2], got shape {shape}")

    def place(self, name: str, value: Sequence[float]) -> list[float]:
        """A place as JSON has it.

        Raises:
            ValueError: it is not one place inside the plane.
        """
        place = np.asarray(value, dtype=np.float64)
        if place.shape != (2,) or not ((place >= self.low) & (place <= self.high)).all():
            raise ValueError(f"{name} must lie between {self.low} and {self.high}, got {value}")
        return place.tolist()

    def to_json(self) -> dict:
        """What static/plane.js draws."""
        walls = np.asarray(self.walls, dtype=np.float64).reshape(-1, 4).tolist()
        low, high = (np.asarray(corner, dtype=np.float64).tolist() for corner in (self.low, self.high))
        return {"low": low, "high": high, "walls": walls, "unit": self.unit}

    def draw(self, axes: Axes, title: str = "") -> None:
        """The ground, the walls and the scale; `axes` then has the plane's limits."""
        axes.set_facecolor(PANEL)
        for (x0, y0), (x1, y1) in self.walls:
            axes.plot([x0, x1], [y0, y1], color=INK, lw=6, solid_capstyle="round", zorder=3)
        (x0, y0), (x1, y1) = self.low, self.high
        axes.set(xlim=(x0, x1), ylim=(y0, y1), aspect="equal")
        axes.set_title(title, fontsize=15, loc="left")
        axes.set_xlabel(f"x ({self.unit})", fontsize=14)
        axes.tick_params(labelsize=13)
        axes.locator_params(nbins=5)


class PlaneWidget(anywidget.AnyWidget):
    """What a view of a plane asks and what the kernel answers; each widget adds how."""

    _worker: Worker | None = None
    fixed = traitlets.Dict().tag(sync=True)
    request = traitlets.Dict().tag(sync=True)
    answer = traitlets.Dict().tag(sync=True)

    picture_width: float = 11.0
    """Of the picture that stands in, inches."""

    def __init__(self, fixed: dict, request: dict) -> None:
        """Computes the first answer at once.

        Args:
            fixed: what never changes, as JSON.
            request: the first one.

        Raises:
            Exception: what computing it raised, unchanged.
        """
        super().__init__(fixed=fixed, request=request)
        self.answer = {"of": self.request, "problem": {}, **self._computed(self.request)}
        self._worker = Worker(self._answer)
        self.observe(lambda change: self._worker.ask(change.new), "request")

    # What one widget adds to this class.

    def _checked(self, request: dict) -> dict:
        """The request in the one form that equal requests share; raises ValueError where it cannot be."""
        raise NotImplementedError

    def _computed(self, request: dict) -> dict:
        """What the view shows, as JSON."""
        raise NotImplementedError

    def _draw(self, figure: Figure) -> None:
        """The answer as it stands now."""
        raise NotImplementedError

    @traitlets.validate("request")
    def _check_request(self, proposal) -> dict:
        return self._checked(proposal.value)

    # Runs on the worker's thread, and nowhere else.
    def _answer(self, request: dict, _overtaken: Callable[[], bool]) -> None:
        try:
            computed = {"problem": {}, **self._computed(request)}
        except Exception as error:  # the person sees it, and may ask for something else
            words = f"{type(error).__name__}: {error}"
            computed = {"problem": {"message": words, "details": traceback.format_exc()}}
        self.answer = {**self.answer, "of": request, **computed}

    def close(self) -> None:
        """Ends the worker and the widget."""
        if self._worker is not None:  # None where the constructor refused its arguments
            self._worker.close()
        super().close()

    def picture(self) -> bytes:
        """PNG of what stands there now."""
        size = (self.picture_width, 6.0)
        figure = Figure(figsize=size, dpi=90, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        words = textwrap.fill(str(self), width=round(8.5 * self.picture_width))
        figure.suptitle(words, fontsize=15, x=0.02, ha="left")
        self._draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        png = base64.b64encode(self.picture()).decode()
        return {**data, "text/plain": str(self), "image/png": png}, metadata
