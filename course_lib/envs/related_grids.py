"""Related grids: a room that is learned, and four others that differ from it in one thing each.

The goal stands elsewhere, one of two ways is shut, a shorter one has opened, or every control does the
opposite. Two rooms are joined by a gap in the wall above and a way round below.

Axes: S states, the cells row by row; A actions.
Source: our own rooms.
"""

from dataclasses import dataclass

from course_lib.core.tabular_mdp import TabularMDP
from course_lib.envs import gridworld
from course_lib.envs.gridworld import ACTIONS, MOVES, GridworldParams

LEARNED = """
    ...#...
    .......
    ...#...
    S..#..G
    .......
"""
"""The source, in all pairs."""
OPPOSITE = (2, 3, 0, 1)
"""Which of gridworld.ACTIONS each control does, when all are reversed."""


@dataclass(frozen=True, kw_only=True)
class ControlledGrid:
    """A room and what its controls do."""

    room: GridworldParams
    """Walls, start, goal, ground."""
    controls: tuple[int, ...] = tuple(range(len(ACTIONS)))
    """Which of gridworld.ACTIONS each action does."""

    def __post_init__(self) -> None:
        if sorted(self.controls) != list(range(len(ACTIONS))):
            raise ValueError(f"controls must be an order of {list(range(len(ACTIONS)))}, got {self.controls}")

    @property
    def moves(self) -> list[gridworld.Cell]:
        """Change of row and column by each action."""
        return [MOVES[control] for control in self.controls]

    def mdp(self) -> TabularMDP:
        """The tables: every step costs 1, the goal ends the episode."""
        order = list(self.controls)
        return TabularMDP(
            dynamics=gridworld.transition_matrix(self.room)[:, order],
            reward=gridworld.reward(self.room)[:, order],
            terminal=self.room.mask([self.room.goal]),
            start=self.room.state(self.room.start),
        )


def source() -> ControlledGrid:
    """The room that is learned first."""
    return ControlledGrid(room=GridworldParams.drawn(LEARNED))


def targets() -> dict[str, ControlledGrid]:
    """Rooms that are learned after it, each by what is different."""
    rooms = {
        "goal moved": """
            ...#..G
            .......
            ...#...
            S..#...
            .......
        """,
        "way closed": """
            ...#...
            .......
            ...#...
            S..#..G
            ...#...
        """,
        "shortcut opened": """
            ...#...
            .......
            ...#...
            S.....G
            .......
        """,
    }
    grids = {name: ControlledGrid(room=GridworldParams.drawn(picture)) for name, picture in rooms.items()}
    return grids | {"controls reversed": ControlledGrid(room=source().room, controls=OPPOSITE)}
