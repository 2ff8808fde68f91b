"""Belief grid: explorers side by side on one gridworld, each with what it believes of the goal, step by step.

Every cell carries the probability that the goal is there, as shade and number; a cell that is ruled out is
crossed. A hand hides the goal. Nothing here knows who explores or how: a function answers with the ways, the
beliefs and the rewards, whole.

Axes: E episodes, H steps of one, C cells that can be the goal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from course_lib.widgets.module import module
from course_lib.widgets.palette import BLUE, GREY, VERMILLION
from course_lib.widgets.plane import INK, PANEL, PlaneWidget

RULED_OUT = 0.005
"""Below this probability a cell counts as ruled out: it would round to 0 %."""


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """What one explorer did in some episodes of one task, and what it believed."""

    path: np.ndarray
    """Cells (x, y) from the start of each episode on, [E, H + 1, 2]."""
    belief: np.ndarray
    """Probability of each cell that can be the goal, before the first step and after each, [E, H + 1, C]."""
    rewards: np.ndarray
    """Of each step, [E, H]."""


class BeliefGrid(PlaneWidget):
    """Hide the goal in a cell, and watch some explorers look for it, each with its belief.

    Click in a grid: the goal. Keys in a grid: arrows move the goal. Keys in the widget: P plays, comma and
    full stop go a step back and forth, G shows or hides the goal, N starts anew with another seed. F fills
    the screen.
    """

    _esm = module("live_curve", "plane", "belief_grid")
    picture_width = 13.0

    def __init__(
        self,
        explorers: Callable[[int, int], Mapping[str, Exploration]],
        cells: np.ndarray,
        *,
        side: int,
        goal: int = 0,
        steps_a_second: float = 2.5,
        title: str = "Who finds the hidden goal?",
    ) -> None:
        """Computes the first picture at once.

        Args:
            explorers: called as `explorers(goal, seed)`, on one thread at a time; the goal is a number in
                `cells`. Always as many episodes and steps, for all that it names.
            cells: (x, y) of those that can be the goal, int [C, 2], each from 0 to side - 1.
            side: cells along x and along y, at least 1.
            goal: the first one.
            steps_a_second: while it plays.
            title: heading.

        Raises:
            ValueError: shapes or numbers do not fit, or the answer has another shape.
            Exception: what `explorers` raised, unchanged.
        """
        cells = np.asarray(cells)
        if cells.ndim != 2 or cells.shape[1] != 2 or not len(cells):
            raise ValueError(f"cells must be [C, 2], got shape {cells.shape}")
        if not ((cells >= 0) & (cells < side)).all():
            raise ValueError(f"cells must be in [0, {side}), got {cells.min()} to {cells.max()}")
        if not steps_a_second > 0:
            raise ValueError(f"steps_a_second must be positive, got {steps_a_second}")
        self._explorers = explorers
        fixed = {
            "cells": cells.tolist(),
            "side": int(side),
            "ruled_out": RULED_OUT,
            "steps_a_second": float(steps_a_second),
            "title": title,
        }
        super().__init__(fixed, {"goal": goal, "seed": 0})

    def _checked(self, request: dict) -> dict:
        if set(request) != {"goal", "seed"}:
            raise ValueError(f"request must have goal and seed, got {sorted(request)}")
        if not 0 <= request["goal"] < len(self.fixed["cells"]):
            raise ValueError(f"goal must be in [0, {len(self.fixed['cells'])}), got {request['goal']}")
        if request["seed"] < 0:
            raise ValueError(f"seed must not be negative, got {request['seed']}")
        return {name: int(request[name]) for name in ("goal", "seed")}

    def _computed(self, request: dict) -> dict:
        found = self._explorers(request["goal"], request["seed"])
        if not found:
            raise ValueError("there must be at least one explorer")
        first = np.asarray(next(iter(found.values())).rewards)
        if first.ndim != 2 or not first.size:
            raise ValueError(f"rewards must be [E, H], got shape {first.shape}")
        (episodes, horizon), cells = first.shape, len(self.fixed["cells"])
        shapes = [(episodes, horizon + 1, 2), (episodes, horizon + 1, cells), (episodes, horizon)]
        explorations = []
        for name, one in found.items():
            path, belief, rewards = (
                np.asarray(getattr(one, field), dtype=np.float64) for field in ("path", "belief", "rewards")
            )
            if [path.shape, belief.shape, rewards.shape] != shapes:
                raise ValueError(
                    f"{name!r} must have path {shapes[0]}, belief {shapes[1]} and rewards {shapes[2]}, "
                    f"got {path.shape}, {belief.shape} and {rewards.shape}"
                )
            if not ((path >= 0) & (path < self.fixed["side"])).all():
                raise ValueError(f"the path of {name!r} leaves the grid: {path.min():g} to {path.max():g}")
            if not ((belief >= 0) & (belief <= 1)).all():
                raise ValueError(
                    f"the belief of {name!r} must be in [0, 1], got {belief.min():g} to {belief.max():g}"
                )
            explorations.append(
                {
                    "name": name,
                    "path": path.astype(int).tolist(),
                    "belief": np.round(belief, 3).tolist(),
                    "rewards": np.round(rewards, 4).tolist(),
                }
            )
        return {"explorers": explorations}

    def __str__(self) -> str:
        x, y = self.fixed["cells"][self.answer["of"]["goal"]]
        earned = []
        for one in self.answer["explorers"]:
            returns = ", ".join(f"{value:.1f}" for value in np.sum(one["rewards"], axis=1))
            earned.append(f"{one['name']} {returns}")
        return f"{self.fixed['title']} It is in cell ({x}, {y}). Return of each episode: {'; '.join(earned)}."

    def _draw(self, figure: Figure) -> None:
        explorers = self.answer["explorers"]
        for axes, one in zip(figure.subplots(1, len(explorers), squeeze=False)[0], explorers, strict=True):
            self._grid(axes, one)

    def _grid(self, axes: Axes, one: dict) -> None:
        """The end of the first episode."""
        side, blue = self.fixed["side"], np.array(to_rgb(BLUE))
        axes.set(xlim=(-0.5, side - 0.5), ylim=(-0.5, side - 0.5), aspect="equal", facecolor=PANEL)
        for (x, y), chance in zip(self.fixed["cells"], one["belief"][0][-1], strict=True):
            shade = 1 - 0.75 * np.sqrt(chance) * (1 - blue)
            axes.fill([x - 0.5, x + 0.5, x + 0.5, x - 0.5], [y - 0.5, y - 0.5, y + 0.5, y + 0.5], color=shade)
            if chance < RULED_OUT:
                axes.plot(x, y, "x", color=GREY, ms=16, mew=1.5, alpha=0.6)
            else:
                axes.text(x - 0.44, y + 0.44, f"{100 * chance:.0f}", fontsize=14, color=INK, va="top")
        for line in np.arange(-0.5, side):
            axes.axvline(line, color=GREY, lw=0.8)
            axes.axhline(line, color=GREY, lw=0.8)
        path = np.array(one["path"][0])
        axes.plot(*path.T, color=VERMILLION, lw=3)
        axes.plot(*path[-1], "o", color=VERMILLION, ms=12, mec="white", mew=2)
        x, y = self.fixed["cells"][self.answer["of"]["goal"]]
        axes.plot(x + 0.28, y + 0.28, "*", ms=17, color="white", mec=INK, mew=1.5)
        axes.set_title(f"{one['name']}\nafter episode 1: {sum(one['rewards'][0]):.1f}", fontsize=14)
        axes.set(xticks=[], yticks=[])
