"""GridNavi: one cell of a small grid pays, and nobody says which.

The smallest world in which exploring is worth planning: how much a policy that is told nothing can earn is
known exactly (`grid_navi_beliefs`), so that what was learned can be held against what is possible.

Axes: N simulations, S = 25 cells, P = 1 goal, 5 actions (stay, up, right, down, left).
Source: Zintgraf et al., "VariBAD: A Very Good Method for Bayes-Adaptive Deep RL via Meta-Learning", ICLR
2020, https://arxiv.org/abs/1910.08348, section 5.1.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode

from course_lib.core.task_family import Choice, TaskFamily
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.single_world import SingleEnv

HORIZON = 15
"""Steps of an episode."""
SIDE = 5
"""Cells along x and along y; cell (x, y) has the number SIDE * y + x."""
STEP_REWARD = -0.1
"""For every step that does not end on the goal."""
GOAL_REWARD = 1.0
"""For every step that ends on the goal, where the agent may stay."""
MOVES = np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]])
"""What an action adds to (x, y), [5, 2]: stay, up, right, down, left."""
GOALS = np.array([(x, y) for y in range(SIDE) for x in range(SIDE) if x > 1 or y > 1])
"""Cells that may be the goal, (x, y), [21, 2]: all but the four at the start."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GridNaviParams(WorldParams):
    """Which cell pays."""

    goal: float | np.ndarray = 20.0
    """Number of the goal's cell in GOALS, 0 to 20."""

    bounds: ClassVar[dict[str, Interval]] = {"goal": Interval(0.0, len(GOALS) - 1.0)}
    context: ClassVar[tuple[str, ...]] = ("goal",)


class GridNaviVectorEnv(EpisodicVectorEnv):
    """N agents, each on a grid of its own; an episode starts at cell (0, 0) and always lasts its time.

    What is observed is the cell, as 25 numbers of which one is 1.
    """

    params_type = GridNaviParams
    dt = 0.25
    """Seconds that a step lasts in a picture; the world itself counts steps."""

    def __init__(
        self,
        num_envs: int,
        params: GridNaviParams | None = None,
        *,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the grids; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: goals of all agents, or one for each.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when an agent starts again.
            context_observed: whether the goal's number is told.
            **parameters: the goal by name, instead of `params`: `goal=3`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(
            num_envs,
            Discrete(len(MOVES)),
            Box(0.0, 1.0, (SIDE * SIDE,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._position = np.zeros((num_envs, 2), dtype=np.int64)
        self.set_params(params)

    @property
    def positions(self) -> np.ndarray:
        """Cell (x, y) of each agent now, int64 [N, 2], a fresh array."""
        return self._position.copy()

    @property
    def goals(self) -> np.ndarray:
        """Cell (x, y) of each agent's goal, int64 [N, 2], a fresh array."""
        return self._goal.copy()

    def _apply(self, values: np.ndarray) -> None:
        between = values != np.round(values)
        if between.any():
            raise ValueError(f"goal must be a whole number, got {values[between][0]}")
        self._goal = GOALS[values[:, 0].astype(np.int64)]

    def _start(self, mask: np.ndarray) -> None:
        self._position[mask] = 0

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        after = np.clip(self._position + MOVES[actions], 0, SIDE - 1)
        self._position = np.where(live[:, None], after, self._position)
        reached = (self._position == self._goal).all(axis=1)
        reward = np.where(reached, GOAL_REWARD, STEP_REWARD)
        return reward, np.zeros(self.num_envs, dtype=bool), {"reached": reached}

    def _observation(self) -> np.ndarray:
        x, y = self._position.T
        return np.eye(SIDE * SIDE)[SIDE * y + x]


class GridNaviEnv(SingleEnv):
    """One agent; `gymnasium.make("course/GridNavi-v0", goal=3)`."""

    vector_type = GridNaviVectorEnv


def family() -> TaskFamily:
    """Every goal is wanted equally often."""
    return TaskFamily(
        name="grid_navi",
        params_type=GridNaviParams,
        source={"goal": Choice(tuple(float(goal) for goal in range(len(GOALS))))},
        make_vec=GridNaviVectorEnv,
    )
