"""Trial paths: where an agent goes in its first episode of a task, in its second, and so on.

A slider says how many episodes it has already had; beside the map stands what each of them returned. A switch
empties the agent's memory between episodes: whatever it had learned in them is gone. What is counted and what
the switch does are only words here, and the notebook may choose others. Nothing here knows what the agent or
the task is: a function answers with a whole trial.

Axes: E episodes, T steps of one of them, K tasks, W walls.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, VERMILLION
from course_lib.widgets.plane import INK, Place, Plane, PlaneWidget


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """Some episodes of one task, one after the other."""

    paths: Sequence[np.ndarray]
    """Places from the start on, one array [T + 1, 2] an episode; T may differ."""
    returns: Sequence[float]
    """Return of each episode, [E]."""
    goal: Place
    """What was to be found."""
    walls: Sequence[tuple[Place, Place]] = ()
    """Both ends of each wall of this task, [W, 2, 2]."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Words:
    """What is counted along a trial, and what the switch does."""

    slider: str = "Episodes it has had before"
    """Label of the slider."""
    bars: str = "Return of each episode"
    """Title of the bars."""
    one: str = "Episode {n}"
    """One of them: {n} is its number, (s) an s unless that is 1."""
    first: int = 1
    """Number of the first one."""
    switch: str | None = "Reset the memory between episodes"
    """Label of the switch; None for no switch."""
    switched: str = "Each episode with an empty memory."
    """Said while it is on."""
    region: str = "Dashed: where the goals of training lay."
    """Said where a region is drawn."""

    def numbered(self, episode: int) -> str:
        """One of them, from 0."""
        n = episode + self.first
        return self.one.replace("{n}", str(n)).replace("(s)", "" if n == 1 else "s")


class TrialPaths(PlaneWidget):
    """Choose a task and how many episodes the agent has had, and watch what it does in the next one.

    Click in the map: the task whose goal is nearest, or, where any place can be the goal, this place; then
    it can be dragged, too. Keys in the map: arrows go to the next goal in that direction or move it (Shift: a
    fifth of a step), P plays the trial, G shows or hides the goal, N is another task. F fills the screen.
    """

    _esm = module("live_curve", "plane", "trial_paths")

    def __init__(
        self,
        trial: Callable[..., Trial],
        low: Place,
        high: Place,
        *,
        return_range: tuple[float, float],
        tasks: int = 1,
        goals: np.ndarray | None = None,
        goal: Place | None = None,
        task: int = 0,
        reset_memory: bool = False,
        region: tuple[Place, Place] | None = None,
        radius: float = 0.0,
        cell: float | None = None,
        seconds_a_step: float = 0.15,
        unit: str = "m",
        title: str = "What did it learn in the episodes before?",
        words: Words = Words(),
    ) -> None:
        """Computes the first picture at once.

        Args:
            trial: called as `trial(task, reset_memory)`, on one thread at a time; always as many episodes.
            low, high: corners of the map.
            return_range: lowest and highest return of the bars; constant, so that tasks can be compared.
            tasks: K, how many there are to choose from, at least 1.
            goals: where the goal of each task is, [K, 2], so that it can be chosen in the map; None where
                tasks differ in more than that.
            goal: the first goal, where any place of the map can be one; `trial` is then given the place
                (x, y) instead of a number, and there are neither `tasks` nor `goals`.
            task: the first one, from 0.
            reset_memory: whether the memory is emptied between episodes at first; the switch's state.
            region: lower left and upper right corner of a dashed box.
            radius: distance that counts as reached, for a ring round the goal; 0 for none.
            cell: side of the cells that are drawn into the map; None for none.
            seconds_a_step: how long a step lasts in the picture.
            unit: of all places.
            title: heading.
            words: what is counted and switched.

        Raises:
            ValueError: shapes or numbers do not fit, or the trial has another shape.
            Exception: what `trial` raised, unchanged.
        """
        if tasks < 1:
            raise ValueError(f"tasks must be at least 1, got {tasks}")
        if goal is not None and (tasks > 1 or goals is not None):
            raise ValueError("where any place can be the goal, leave out tasks and goals")
        if not return_range[0] < return_range[1]:
            raise ValueError(f"return_range must rise, got {return_range}")
        if goals is not None and np.shape(goals) != (tasks, 2):
            raise ValueError(f"goals must be [{tasks}, 2], one for each task, got shape {np.shape(goals)}")
        self._trial, self._tasks, self._plane = trial, tasks, Plane(low, high, unit=unit)
        self._anywhere, self._words = goal is not None, words
        fixed = {
            "plane": self._plane.to_json(),
            "tasks": int(tasks),
            "anywhere": self._anywhere,
            "region": None if region is None else [self._plane.place("region", place) for place in region],
            "goals": None if goals is None else np.round(np.asarray(goals, dtype=np.float64), 4).tolist(),
            "return_range": [float(value) for value in return_range],
            "radius": float(radius),
            "cell": None if cell is None else float(cell),
            "seconds_a_step": float(seconds_a_step),
            "title": title,
            "words": dataclasses.asdict(words),
        }
        super().__init__(fixed, {"task": goal if self._anywhere else task, "reset_memory": reset_memory})

    def _checked(self, request: dict) -> dict:
        if set(request) != {"task", "reset_memory"}:
            raise ValueError(f"request must have task and reset_memory, got {sorted(request)}")
        switched = bool(request["reset_memory"])
        if self._anywhere:
            return {"task": self._plane.place("goal", request["task"]), "reset_memory": switched}
        if not 0 <= request["task"] < self._tasks:
            raise ValueError(f"task must be in [0, {self._tasks}), got {request['task']}")
        return {"task": int(request["task"]), "reset_memory": switched}

    def _computed(self, request: dict) -> dict:
        task = tuple(request["task"]) if self._anywhere else request["task"]
        trial = self._trial(task, request["reset_memory"])
        paths = [np.asarray(path, dtype=np.float64) for path in trial.paths]
        if not paths or len(paths) != len(trial.returns):
            raise ValueError(
                f"a trial must have a path and a return an episode, got {len(paths)} and {len(trial.returns)}"
            )
        for path in paths:
            if path.ndim != 2 or path.shape[1] != 2 or not len(path):
                raise ValueError(f"a path must be [T + 1, 2], got shape {path.shape}")
        plane = dataclasses.replace(self._plane, walls=trial.walls)
        return {
            "paths": [np.round(path, 4).tolist() for path in paths],
            "returns": [round(float(value), 4) for value in trial.returns],
            "goal": plane.place("goal", trial.goal),
            "walls": plane.to_json()["walls"],
        }

    def __str__(self) -> str:
        now = self.answer
        returns = ", ".join(f"{value:.2f}" for value in now["returns"])
        switched = f" {self._words.switched}" if now["of"]["reset_memory"] else ""
        return f"{self.fixed['title']}{switched} {self._words.bars}: {returns}."

    def _draw(self, figure: Figure) -> None:
        last = len(self.answer["paths"]) - 1
        axes = figure.subplots(1, 2 + (last > 0), squeeze=False)[0]
        for one, episode in zip(axes, sorted({0, last}), strict=False):
            self._map(one, episode)
        self._bars(axes[-1])

    def _map(self, axes: Axes, episode: int) -> None:
        now = self.answer
        walls = [((x0, y0), (x1, y1)) for x0, y0, x1, y1 in now["walls"]]
        dataclasses.replace(self._plane, walls=walls).draw(axes, self._words.numbered(episode))
        if (region := self.fixed["region"]) is not None:
            (x0, y0), (x1, y1) = region
            axes.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color=INK, lw=2, ls="--", zorder=2)
        if (cell := self.fixed["cell"]) is not None:
            for line, low, high in zip(
                (axes.axvline, axes.axhline), self._plane.low, self._plane.high, strict=True
            ):
                for at in np.arange(low, high, cell)[1:]:
                    line(at, color="white", lw=2, zorder=1)
        path = np.array(now["paths"][episode])
        axes.plot(*path.T, color=VERMILLION, lw=3, zorder=4)
        axes.plot(*path[0], "o", color=INK, ms=9, zorder=5)
        axes.plot(*path[-1], "o", color=VERMILLION, ms=9, mec="white", mew=2, zorder=6)
        axes.plot(*now["goal"], "*", ms=20, color="white", mec=INK, mew=2, zorder=5)

    def _bars(self, axes: Axes) -> None:
        returns = self.answer["returns"]
        numbers = np.arange(len(returns)) + self._words.first
        axes.bar(numbers, returns, color=BLUE, width=0.7)
        axes.axhline(0, color=INK, lw=1)
        axes.set(ylim=self.fixed["return_range"], xticks=numbers)
        axes.set_title(self._words.bars, fontsize=15, loc="left")
        axes.tick_params(labelsize=13)
