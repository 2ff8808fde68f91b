"""Gridworld: a room of cells whose dynamics are known exactly, to the last probability.

A step leads to the next cell in its direction, unless a wall stands there, or friction holds: then nothing
moves. Two rooms that differ in walls or friction are a source and a target domain. There are four actions
and no "stay": every step costs the same, so standing still never helps, and four directions fill a cell's
picture. A wall's cell keeps its number, so that both rooms have the same states; nobody gets there.

Axes: S states, the cells row by row; A actions; n transitions.
Source: the didactic gridworld of Eysenbach et al., "Off-Dynamics Reinforcement Learning", ICLR 2021,
https://arxiv.org/abs/2006.13916; the rooms here are our own.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float64, Int
from numpy import ndarray

from course_lib.core import tabular_correction
from course_lib.core.types import shape_checked

Cell = tuple[int, int]
"""Row and column, from the top left corner, from 0."""

ACTIONS = ("up", "right", "down", "left")
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Change of row and column by each action."""


@dataclass(frozen=True, kw_only=True)
class GridworldParams:
    """One room: its walls, its ground, where to begin and where to go."""

    rows: int
    """Height in cells."""
    columns: int
    """Width in cells."""
    start: Cell
    """Where an episode begins."""
    goal: Cell
    """Where it ends."""
    walls: Collection[Cell] = frozenset()
    """Cells that cannot be entered; the rim of the room is a wall by itself."""
    mud: Collection[Cell] = frozenset()
    """Cells with a friction of their own."""
    friction: float = 0.05
    """Probability that a step has no effect, in [0, 1); positive, so that one failure proves no wall."""
    mud_friction: float = 0.05
    """The same for a step that begins in the mud; by default mud is like any ground."""
    step_cost: float = 1.0
    """Reward lost with every step."""

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise ValueError(f"rows and columns must be at least 1, got {self.rows} and {self.columns}")
        for name in ("walls", "mud"):
            object.__setattr__(self, name, frozenset((int(r), int(c)) for r, c in getattr(self, name)))
        for name in ("friction", "mud_friction"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        for name, cells in (
            ("walls", self.walls),
            ("mud", self.mud),
            ("start and goal", {self.start, self.goal}),
        ):
            outside = sorted(c for c in cells if not (0 <= c[0] < self.rows and 0 <= c[1] < self.columns))
            if outside:
                raise ValueError(
                    f"{name} must lie inside {self.rows} x {self.columns} cells, got {outside[0]}"
                )
        for name in ("start", "goal"):
            if getattr(self, name) in self.walls:
                raise ValueError(f"{name} {getattr(self, name)} is a wall: choose a free cell")

    @property
    def states(self) -> int:
        """Number of states, S."""
        return self.rows * self.columns

    def state(self, cell: Cell) -> int:
        """Number of a cell's state."""
        return cell[0] * self.columns + cell[1]

    def cell(self, state: int) -> Cell:
        """Row and column of a state."""
        return divmod(state, self.columns)

    def mask(self, cells: Collection[Cell]) -> Bool[ndarray, "S"]:
        """True for the states of these cells, [S]."""
        mask = np.zeros(self.states, dtype=bool)
        mask[[self.state(cell) for cell in cells]] = True
        return mask

    @classmethod
    def drawn(cls, picture: str, **values: float) -> "GridworldParams":
        """A room from its drawing.

        Args:
            picture: one line a row: "#" wall, "~" mud, "S" start, "G" goal, "." free.
            **values: the other fields.

        Raises:
            ValueError: lines of different length, an unknown sign, or not one start and one goal.
        """
        lines = picture.split()
        if len({len(line) for line in lines}) != 1:
            raise ValueError(f"every line must have the same length, got {[len(line) for line in lines]}")
        cells: dict[str, list[Cell]] = {sign: [] for sign in "#~SG."}
        for r, line in enumerate(lines):
            for c, sign in enumerate(line):
                if sign not in cells:
                    raise ValueError(f'no ground is drawn as {sign!r}: use "#", "~", "S", "G" or "."')
                cells[sign].append((r, c))
        if len(cells["S"]) != 1 or len(cells["G"]) != 1:
            raise ValueError(f'draw one "S" and one "G", got {len(cells["S"])} and {len(cells["G"])}')
        return cls(
            rows=len(lines),
            columns=len(lines[0]),
            start=cells["S"][0],
            goal=cells["G"][0],
            walls=cells["#"],
            mud=cells["~"],
            **values,
        )


def wall_in_target() -> tuple[GridworldParams, GridworldParams]:
    """A pair that DARC can bridge: the target lacks the short way, the source has all three.

    Above the wall lies mud, which is ground like any other until its friction is raised.

    Returns:
        Source and target.
    """
    source = GridworldParams.drawn("""
        ....~~~...
        ....~~~...
        .....#....
        .S......G.
        .....#....
        .....#....
        ..........
        ..........
    """)
    return source, replace(source, walls=source.walls | {(3, 5)})


def wall_in_source() -> tuple[GridworldParams, GridworldParams]:
    """A pair that DARC cannot bridge: the target's short way is unknown to the source.

    Returns:
        Source and target.
    """
    target, source = wall_in_target()
    return source, target


@shape_checked
def transition_matrix(params: GridworldParams) -> Float64[ndarray, "S A S"]:
    """p(s' | s, a) of a room.

    The goal is never left. From a wall's cell one could walk away like from any other; nobody ever does.
    """
    states = np.arange(params.states)
    row, column = np.divmod(states, params.columns)
    wall = params.mask(params.walls)
    held = np.where(params.mask(params.mud), params.mud_friction, params.friction)
    dynamics = np.zeros((params.states, len(ACTIONS), params.states))
    for action, (down, right) in enumerate(MOVES):
        r, c = row + down, column + right
        inside = (r >= 0) & (r < params.rows) & (c >= 0) & (c < params.columns)
        there = np.where(inside, r * params.columns + c, states)
        there = np.where(wall[there], states, there)
        np.add.at(dynamics, (states, action, there), 1 - held)
        np.add.at(dynamics, (states, action, states), held)
    goal = params.state(params.goal)
    dynamics[goal] = 0.0
    dynamics[goal, :, goal] = 1.0
    return dynamics


@shape_checked
def reward(params: GridworldParams) -> Float64[ndarray, "S A"]:
    """r(s, a): every step costs the same, and nothing once the goal is reached."""
    value = np.full((params.states, len(ACTIONS)), -float(params.step_cost))
    value[params.state(params.goal)] = 0.0
    return value


@shape_checked
def uniform_behaviour(params: GridworldParams) -> Float64[ndarray, "S A"]:
    """Probability of each state and action in data that cover a room evenly: no wall, no goal."""
    free = ~params.mask({*params.walls, params.goal})
    return np.repeat(free[:, None], len(ACTIONS), axis=1) / (free.sum() * len(ACTIONS))


@shape_checked
def sample_transitions(
    rng: np.random.Generator,
    dynamics: Float64[ndarray, "S A S"],
    n: int,
    behaviour: Float64[ndarray, "S A"] | None = None,
) -> tuple[Int[ndarray, "n"], Int[ndarray, "n"], Int[ndarray, "n"]]:
    """Independent transitions, as a replay buffer would hold them; the first of many are those of few.

    Args:
        rng: source of randomness.
        dynamics: p(s' | s, a), [S, A, S].
        n: how many.
        behaviour: probability of each state and action, [S, A]; the same for all if left out.

    Returns:
        States, actions and next states, [n] each.
    """
    states, actions, _ = dynamics.shape
    if behaviour is None:
        behaviour = np.full((states, actions), 1 / (states * actions))
    u = rng.random((n, 2))
    cumulative = np.cumsum(behaviour)
    choice = np.searchsorted(cumulative / cumulative[-1], u[:, 0], side="right")
    # One sorted list for all rows: row i runs from i to i + 1, so one search finds every next state.
    cumulative = np.cumsum(dynamics.reshape(states * actions, states), axis=1)
    ladder = (cumulative / cumulative[:, -1:] + np.arange(states * actions)[:, None]).ravel()
    next_state = np.searchsorted(ladder, choice + u[:, 1], side="right") - choice * states
    return choice // actions, choice % actions, next_state


@lru_cache(maxsize=8)  # a hand that draws walls makes a new room with every cell
def seen_in(params: GridworldParams, n: int, seed: int) -> tuple[ndarray, ndarray, ndarray]:
    """The n transitions that a seed gives, even over a room; kept, because a slider asks for them again."""
    rng = np.random.default_rng(seed)
    return sample_transitions(rng, transition_matrix(params), n, uniform_behaviour(params))


def compare(
    source: GridworldParams,
    target: GridworldParams,
    shots: int | None = None,
    *,
    temperature: float = 0.5,
    gamma: float = 0.99,
    limit: float = 30.0,
    prior: float = 0.1,
    steps: int = 100,
    source_transitions: int = 50_000,
    seed: int = 0,
    correction: Callable[..., ndarray] = tabular_correction.exact_correction,
    estimate: Callable[..., ndarray] = tabular_correction.estimated_correction,
) -> tabular_correction.Comparison:
    """What a pair of rooms looks like to DARC: correction, values, ways and returns.

    Args:
        source, target: two rooms of one size, with one start and one goal.
        shots: target transitions that the correction is estimated from; None: it is known exactly.
        temperature: reward that a nat of entropy, or of correction, is worth.
        gamma: discount of the training.
        limit: largest correction, nats; times the temperature it must cost more than the longest way round.
        prior: pseudo-count of the estimate.
        steps: length of the episodes that are judged.
        source_transitions: how many the estimate sees of the source.
        seed: of the transitions.
        correction: from both dynamics and `limit`, called as in `tabular_correction`.
        estimate: from both domains' transitions, called as in `tabular_correction`.

    Raises:
        ValueError: the rooms differ in size, start or goal.
    """
    for name in ("rows", "columns", "start", "goal"):
        ours, theirs = getattr(source, name), getattr(target, name)
        if ours != theirs:
            raise ValueError(f"{name} must be the same in both rooms, got {ours} and {theirs}")
    p_source, p_target = transition_matrix(source), transition_matrix(target)
    if shots is None:
        delta = correction(p_source, p_target, limit)
    else:
        many, few = seen_in(source, source_transitions, 2 * seed), seen_in(target, shots, 2 * seed + 1)
        delta = estimate(many, few, p_source.shape, prior, limit)
    return tabular_correction.compare(
        p_source,
        p_target,
        reward(target),
        target.mask([target.goal]),
        target.state(target.start),
        delta,
        gamma,
        temperature,
        steps,
    )
