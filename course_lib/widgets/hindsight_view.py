"""Hindsight view: one episode in the replay buffer, before and after its goals are replaced.

Left the episode as it was lived: one commanded goal, and whatever reward that brought. Right what the chosen
way to relabel makes of it: every stored transition with its own goal, reward and end. Nothing here knows how
goals are chosen: a function answers with all of them.

Axes: T transitions of the episode, M transitions in the buffer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.widgets.module import module
from course_lib.widgets.palette import GREEN, VERMILLION
from course_lib.widgets.plane import INK, Place, Plane, PlaneWidget

ORIGINAL = "none"
"""The strategy that leaves the goals alone."""


@dataclass(frozen=True)
class Stored:
    """What a replay buffer holds of one episode."""

    transition: np.ndarray
    """Which transition of the episode it is, from 0, int [M]."""
    goal: np.ndarray
    """For which goal it is stored, [M, 2]."""
    reward: np.ndarray
    """0 where that goal is reached, [M]."""
    terminated: np.ndarray
    """Whether nothing comes after it, bool [M]."""


Relabel = Callable[[str, int, int], Stored]
"""From a strategy, the number of new goals for each transition and a seed."""


class HindsightView(PlaneWidget):
    """Replace the goals of one episode, and count the rewards that appear.

    In the buffer under the right picture: point at a transition, or walk with the arrow keys (Home and End:
    to the ends of a row), to see its goal and read it. F fills the screen.
    """

    _esm = module("live_curve", "plane", "hindsight_view")

    def __init__(
        self,
        relabel: Relabel,
        way: np.ndarray,
        goal: Place,
        walls: Sequence[tuple[Place, Place]],
        low: Place,
        high: Place,
        *,
        action: np.ndarray | None = None,
        radius: float = 0.05,
        strategies: Sequence[str] = (ORIGINAL, "final", "future", "episode"),
        strategy: str = ORIGINAL,
        k: int = 3,
        k_max: int = 8,
        unit: str = "m",
        title: str = "What was this episode good for?",
    ) -> None:
        """Computes the first picture at once.

        Args:
            relabel: called as `relabel(strategy, k, seed)`, on one thread at a time; with "none" it answers
                with the episode as it was, each transition once.
            way: places from the start on, [T + 1, 2].
            goal: the commanded one, [2].
            walls: both ends of each wall, [W, 2, 2].
            low, high: corners of the plane.
            action: what was done, [T, A], to be read; left out where it is None.
            radius: distance that counts as reached, for the rings round the goals.
            strategies: to choose from.
            strategy: the first one.
            k: new goals for each transition, at first.
            k_max: the most of the slider.
            unit: of all places.
            title: heading.

        Raises:
            ValueError: the shapes do not fit, or a choice is none of those offered.
            Exception: what `relabel` raised, unchanged.
        """
        way = np.asarray(way, dtype=np.float64)
        if way.ndim != 2 or way.shape[1] != 2 or len(way) < 2:
            raise ValueError(f"way must be [T + 1, 2] with T at least 1, got shape {way.shape}")
        if action is not None and (np.ndim(action) != 2 or len(action) != len(way) - 1):
            raise ValueError(f"action must be [{len(way) - 1}, A], got shape {np.shape(action)}")
        self._relabel, self._length = relabel, len(way) - 1
        self._strategies, self._k_max = tuple(strategies), int(k_max)
        self._plane = Plane(low, high, walls, unit)
        before = self._stored(relabel(ORIGINAL, 1, 0))
        if before["transition"] != list(range(self._length)):
            raise ValueError(f'relabel("{ORIGINAL}", 1, 0) must hold each of {self._length} transitions once')
        fixed = {
            "plane": self._plane.to_json(),
            "way": np.round(way, 4).tolist(),
            "action": None if action is None else np.round(action, 4).tolist(),
            "goal": self._plane.place("goal", goal),
            "radius": float(radius),
            "strategies": list(strategies),
            "k_max": self._k_max,
            "before": before,
            "title": title,
        }
        super().__init__(fixed, {"strategy": strategy, "k": k, "seed": 0})

    def _checked(self, request: dict) -> dict:
        if set(request) != {"strategy", "k", "seed"}:
            raise ValueError(f"request must have strategy, k and seed, got {sorted(request)}")
        strategy, k, seed = request["strategy"], int(request["k"]), int(request["seed"])
        if strategy not in self._strategies:
            raise ValueError(f"strategy must be one of {self._strategies}, got {strategy!r}")
        if not 1 <= k <= self._k_max:
            raise ValueError(f"k must be in [1, {self._k_max}], got {k}")
        return {"strategy": strategy, "k": k, "seed": seed}

    def _computed(self, request: dict) -> dict:
        return self._stored(self._relabel(request["strategy"], request["k"], request["seed"]))

    def _stored(self, stored: Stored) -> dict:
        transition, goal = np.asarray(stored.transition), np.asarray(stored.goal, dtype=np.float64)
        reward, terminated = np.asarray(stored.reward, dtype=np.float64), np.asarray(stored.terminated)
        m = len(transition)
        if goal.shape != (m, 2) or reward.shape != (m,) or terminated.shape != (m,):
            shapes = goal.shape, reward.shape, terminated.shape
            raise ValueError(f"goal, reward and terminated must be [{m}, 2], [{m}] and [{m}], got {shapes}")
        if ((transition < 0) | (transition >= self._length)).any():
            raise ValueError(
                f"transition must be in [0, {self._length}), got {transition.min()} to {transition.max()}"
            )
        return {
            "transition": transition.astype(int).tolist(),
            "goal": np.round(goal, 4).tolist(),
            "reward": np.round(reward, 4).tolist(),
            "terminated": terminated.astype(bool).tolist(),
        }

    def __str__(self) -> str:
        before, now = self.fixed["before"]["reward"], self.answer["reward"]
        return (
            f"{self.fixed['title']} {_rewarded(before)} of {len(before)} transitions carried a reward of 0; "
            f"with {self.answer['of']['strategy']} {_rewarded(now)} of {len(now)} do."
        )

    def _draw(self, figure: Figure) -> None:
        axes = figure.subplots(1, 2, sharey=True)
        self._side(axes[0], self.fixed["before"], "before")
        self._side(axes[1], self.answer, f"after: {self.answer['of']['strategy']}")

    def _side(self, axes: Axes, stored: dict, title: str) -> None:
        self._plane.draw(axes, title)
        way, middle = np.array(self.fixed["way"]), np.array(self.fixed["way"])
        middle = (middle[:-1] + middle[1:]) / 2
        for t, goal, reward in zip(stored["transition"], stored["goal"], stored["reward"], strict=True):
            colour, line = (GREEN, "-") if reward == 0 else (INK, ":")
            axes.plot(*np.stack([middle[t], goal]).T, line, color=colour, lw=1.2, alpha=0.5)
            axes.plot(*goal, "o", ms=6, mfc="white", mec=INK, mew=1.2, zorder=4)
            if reward == 0:
                axes.plot(*middle[t], "D", ms=9, color=GREEN, zorder=5)
        axes.plot(*way.T, ".-", color=VERMILLION, lw=2.5, ms=7, zorder=3)
        axes.plot(*self.fixed["goal"], "*", ms=20, mfc="white", mec=INK, mew=2, zorder=6)


def _rewarded(rewards: Sequence[float]) -> int:
    return sum(reward == 0 for reward in rewards)
