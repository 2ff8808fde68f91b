"""Maze: walls and goal differ from task to task, and only the corridors from where one stands are seen.

The first episode has to search; who remembers the way can go straight in the second. The mazes are of the
kind in which a small recurrent policy gets there within minutes: small and with short corridors, so that
chance finds the goal now and then; without loops and with the goal in a dead end, so that whoever keeps to a
wall is sure to find it.

Axes: N simulations, C cells, S = 4 observations, P = 2 parameters, 4 actions (up, right, down, left).
Source: mazes after Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779, section 3.3 (there seen through a camera), and Wang et al., "Learning to
Reinforcement Learn", 2016, https://arxiv.org/abs/1611.05763; the layouts are our own.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode

from course_lib.core.task_family import Choice, TaskFamily, Uniform
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.maze_layouts import MAZES, MOVES, SIDE, START, layouts, neighbours
from course_lib.envs.single_world import SingleEnv

HORIZON = 30
"""Steps of an episode; to walk through every corridor of a maze, there and back, takes as many."""
STEP_REWARD = -0.1
"""For every step that does not reach the goal."""
GOAL_REWARD = 1.0
"""For the one that does, which ends the episode."""
TRAINING_MAZES = 3072
"""The first so many are `family`, the others `new_family`, which no training ever sees."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MazeParams(WorldParams):
    """Which maze, and where in it the goal is."""

    maze: float | np.ndarray = 0.0
    """Number of the layout, 0 to MAZES - 1."""
    goal: float | np.ndarray = 0.0
    """Which of the layout's dead ends, as a share of them: of four, the first is [0, 1/4)."""

    bounds: ClassVar[dict[str, Interval]] = {"maze": Interval(0.0, MAZES - 1.0), "goal": Interval(0.0, 1.0)}
    context: ClassVar[tuple[str, ...]] = ("maze", "goal")


class MazeVectorEnv(EpisodicVectorEnv):
    """N agents, each in a maze of its own; an episode starts at cell (1, 1) and ends at the goal.

    What is observed is how far one can go in each of the four directions, as a share of the longest way:
    neither the place nor the goal.
    """

    params_type = MazeParams
    dt = 0.25
    """Seconds that a step lasts in a picture; the world itself counts steps."""

    def __init__(
        self,
        num_envs: int,
        params: MazeParams | None = None,
        *,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the mazes; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: mazes and goals of all agents, or one value for each.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when an agent starts again.
            context_observed: whether the numbers of maze and goal are told.
            **parameters: single parameters by name, instead of `params`: `maze=7`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(
            num_envs,
            Discrete(len(MOVES)),
            Box(0.0, 1.0, (4,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._cell = np.full(num_envs, START)
        self._ahead, self._everyone = neighbours(), np.arange(num_envs)
        self.set_params(params)

    @property
    def positions(self) -> np.ndarray:
        """Cell (x, y) of each agent now, int64 [N, 2], a fresh array."""
        return np.stack([self._cell % SIDE, self._cell // SIDE], axis=1)

    @property
    def goals(self) -> np.ndarray:
        """Cell (x, y) of each agent's goal, int64 [N, 2], a fresh array."""
        return np.stack([self._goal % SIDE, self._goal // SIDE], axis=1)

    @property
    def open(self) -> np.ndarray:
        """Where one can go from each cell of each agent's maze, bool [N, C, 4], a fresh array."""
        return self._open.copy()

    @property
    def shortest(self) -> np.ndarray:
        """Steps from start to goal, int64 [N], a fresh array."""
        return layouts().distance[self._maze, self._goal]

    def _apply(self, values: np.ndarray) -> None:
        between = values[:, 0] != np.round(values[:, 0])
        if between.any():
            raise ValueError(f"maze must be a whole number, got {values[between, 0][0]}")
        every = layouts()
        self._maze = values[:, 0].astype(np.int64)
        self._open, self._ranges = every.open[self._maze], every.ranges[self._maze]
        ends = every.dead_ends[self._maze]
        count = ends.sum(axis=1)
        number = np.minimum((values[:, 1] * count).astype(np.int64), count - 1)
        self._goal = (ends.cumsum(axis=1) == number[:, None] + 1).argmax(axis=1)

    def _start(self, mask: np.ndarray) -> None:
        self._cell[mask] = START

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        goes = live & self._open[self._everyone, self._cell, actions]
        self._cell = np.where(goes, self._ahead[self._cell, actions], self._cell)
        reached = self._cell == self._goal
        return np.where(reached, GOAL_REWARD, STEP_REWARD), reached, {"reached": reached.copy()}

    def _observation(self) -> np.ndarray:
        return self._ranges[self._everyone, self._cell] / (SIDE - 1)


class MazeEnv(SingleEnv):
    """One agent; `gymnasium.make("course/Maze-v0", maze=7)`."""

    vector_type = MazeVectorEnv


def _family(name: str, first: int, end: int) -> TaskFamily:
    return TaskFamily(
        name=name,
        params_type=MazeParams,
        source={"maze": Choice(tuple(map(float, range(first, end)))), "goal": Uniform(0.0, 1.0)},
        make_vec=MazeVectorEnv,
    )


def family() -> TaskFamily:
    """Every training maze, and every dead end of it, is wanted equally often."""
    return _family("maze", 0, TRAINING_MAZES)


def new_family() -> TaskFamily:
    """Mazes that are in no training."""
    return _family("new_maze", TRAINING_MAZES, MAZES)
