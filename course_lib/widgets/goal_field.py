"""Goal field: click a goal in the plane, and a policy goes there at once.

The values of all starts for this goal are painted under the walls, and the way runs from where the point
stands. Nothing here knows what the policy is: a function answers with both.

Axes: R rows from bottom to top and C columns of the field, T steps of the way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, VERMILLION
from course_lib.widgets.plane import INK, Place, Plane, PlaneWidget


@dataclass(frozen=True)
class GoalAnswer:
    """What a policy makes of one goal."""

    values: np.ndarray
    """Value of starting in the middle of each cell of the plane, [R, C], rows from bottom to top."""
    way: np.ndarray
    """Places from the start on, [T + 1, 2]."""
    reached: bool
    """Whether the last of them counts as the goal."""


Answer = Callable[[np.ndarray, np.ndarray, str, float], GoalAnswer]
"""From goal [2], start [2], the policy's name and the radius that counts as reached."""


class GoalField(PlaneWidget):
    """Choose a goal, by hand or with the arrow keys, and watch the policy go there.

    Click or drag: the goal. Shift and click: the point is put there. Keys in the plane: arrows move the goal
    (Shift: a fifth of a step), R puts the point back, V shows or hides the values. F fills the screen.
    """

    _esm = module("live_curve", "plane", "goal_field")
    picture_width = 7.0

    def __init__(
        self,
        answer: Answer,
        walls: Sequence[tuple[Place, Place]],
        low: Place,
        high: Place,
        policies: Sequence[str],
        *,
        start: Place,
        goal: Place,
        radius: float = 0.1,
        radii: tuple[float, float] = (0.02, 0.3),
        value_range: tuple[float, float] = (-25.0, 0.0),
        seconds_a_step: float = 0.05,
        unit: str = "m",
        title: str = "Where should it go?",
    ) -> None:
        """Computes the first picture at once.

        Args:
            answer: called as `answer(goal, start, policy, radius)`, on one thread at a time.
            walls: both ends of each wall, [W, 2, 2].
            low, high: corners of the plane.
            policies: names to choose from; the first one begins.
            start: of the point, to which the button puts it back.
            goal: the first one.
            radius: distance that counts as reached, at first.
            radii: the smallest and the largest of the slider.
            value_range: values with no and with full colour; constant, so that policies can be compared.
            seconds_a_step: how long a step lasts in the picture.
            unit: of all places.
            title: heading.

        Raises:
            ValueError: a place lies outside, a range is empty, or the answer has another shape.
            Exception: what `answer` raised, unchanged.
        """
        for name, (first, last) in (("radii", radii), ("value_range", value_range)):
            if not first < last:
                raise ValueError(f"{name} must rise, got {(first, last)}")
        if not policies or len(set(policies)) < len(policies):
            raise ValueError(f"policies must have names of their own, got {list(policies)}")
        self._question, self._radii, self._policies = answer, radii, tuple(policies)
        self._plane = Plane(low, high, walls, unit)
        fixed = {
            "plane": self._plane.to_json(),
            "policies": list(policies),
            "start": self._plane.place("start", start),
            "radii": [float(r) for r in radii],
            "value_range": [float(v) for v in value_range],
            "seconds_a_step": float(seconds_a_step),
            "title": title,
        }
        super().__init__(fixed, {"goal": goal, "start": start, "policy": policies[0], "radius": radius})

    def _checked(self, request: dict) -> dict:
        if set(request) != {"goal", "start", "policy", "radius"}:
            raise ValueError(f"request must have goal, start, policy and radius, got {sorted(request)}")
        if request["policy"] not in self._policies:
            raise ValueError(f"policy must be one of {self._policies}, got {request['policy']!r}")
        smallest, largest = self._radii
        if not smallest <= request["radius"] <= largest:
            raise ValueError(f"radius must be in [{smallest}, {largest}], got {request['radius']}")
        places = {name: self._plane.place(name, request[name]) for name in ("goal", "start")}
        return {**places, "policy": request["policy"], "radius": float(request["radius"])}

    def _computed(self, request: dict) -> dict:
        goal, start = np.array(request["goal"]), np.array(request["start"])
        answer = self._question(goal, start, request["policy"], request["radius"])
        values, way = np.asarray(answer.values, dtype=np.float64), np.asarray(answer.way, dtype=np.float64)
        if values.ndim != 2:
            raise ValueError(f"values must be [R, C], got shape {values.shape}")
        if way.ndim != 2 or way.shape[1] != 2 or not len(way):
            raise ValueError(f"way must be [T + 1, 2], got shape {way.shape}")
        return {
            "shape": list(values.shape),
            "values": np.round(values, 3).ravel().tolist(),
            "way": np.round(way, 4).tolist(),
            "reached": bool(answer.reached),
        }

    def __str__(self) -> str:
        now = self.answer
        (x, y), (x1, y1) = now["of"]["goal"], now["way"][-1]
        away, steps = float(np.hypot(x1 - x, y1 - y)), len(now["way"]) - 1
        unit, policy = self._plane.unit, now["of"]["policy"]
        fate = (
            f"reached after {steps} steps"
            if now["reached"]
            else f"not reached in {steps} steps, {away:.2f} {unit} away"
        )
        return f"{self.fixed['title']} Policy {policy}, goal ({x:.2f}, {y:.2f}) {unit}: {fate}."

    def _draw(self, figure: Figure) -> None:
        now, axes = self.answer, figure.subplots()
        self._plane.draw(axes)
        values = np.reshape(now["values"], now["shape"])
        x, y = (
            np.linspace(a, b, n + 1)
            for a, b, n in zip(self._plane.low, self._plane.high, reversed(values.shape), strict=True)
        )
        colours = LinearSegmentedColormap.from_list("values", ["white", BLUE])
        least, most = self.fixed["value_range"]
        image = axes.pcolormesh(x, y, values, cmap=colours, vmin=least, vmax=most, alpha=0.75)
        figure.colorbar(image, ax=axes).set_label("value of starting here", fontsize=14)
        way = np.array(now["way"])
        axes.plot(*way.T, color=VERMILLION, lw=3.5)
        axes.plot(*way[0], "o", color=INK, ms=9, label="start")
        if not now["reached"]:
            axes.plot(*way[-1], "x", color=VERMILLION, ms=14, mew=4)
        axes.add_patch(Circle(now["of"]["goal"], now["of"]["radius"], fill=False, ec=INK, lw=2, ls="--"))
        axes.plot(*now["of"]["goal"], "*", ms=20, color="white", mec=INK, mew=2)
