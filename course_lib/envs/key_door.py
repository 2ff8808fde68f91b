"""Key and door: a small platform world that is easy for those who know what its pictures mean.

One runs on walls and climbs ladders; a step into the air is a fall, down to the next wall or ladder. The key
is taken by coming to it, the door lets in only who has it, and a skull sends one back to the start, without
the key. Nothing is left to chance. Only the opened door is paid, and a death costs as much: a reward for
the key would tell what the key is for, which is just what a person knows beforehand.

Axes: S states, 2 x rows x columns: the cells row by row, first without the key and then with it; A actions;
K kinds of tile.
Source: the puzzle is of Dubey, Agrawal, Pathak, Griffiths and Efros, "Investigating Human Priors for Playing
Video Games", ICML 2018, https://arxiv.org/abs/1802.10217; the rooms and their drawings are our own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from course_lib.core.tabular_mdp import TabularMDP, TileWorld, best_path, probability_of_end

Cell = tuple[int, int]
"""Row and column, from the top left corner, from 0."""

ACTIONS = ("up", "right", "down", "left")
MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Change of row and column by each action."""
KINDS = ("air", "wall", "ladder", "key", "door", "skull")
"""What a tile can be; its number is its place here."""
AIR, WALL, LADDER, KEY, DOOR, SKULL = range(len(KINDS))
SIGNS = ".#HKDX"
"""How a drawing shows each kind; S is air, and where one begins."""

PUZZLE = """
    K..H...D
    ###HX.H#
    ...H#.H.
    ...H..H.
    .S.HX.H.
    ###H##H.
    X..H..H.
    ########
"""
"""The room of the lecture's puzzle."""
EXCHANGED = (AIR, WALL, LADDER, SKULL, KEY, DOOR)
"""Drawings with other meanings: a key looks like a skull, a door like a key, and a skull like a door."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """One room: what stands where."""

    tiles: tuple[tuple[int, ...], ...]
    """Kind of each tile, row by row."""
    start: Cell
    """Where one begins, and where a skull sends one."""

    @classmethod
    def drawn(cls, picture: str) -> "Room":
        """A room from its drawing.

        Args:
            picture: one line a row: "." air, "#" wall, "H" ladder, "K" key, "D" door, "X" skull, "S" start.

        Raises:
            ValueError: lines of different length, an unknown sign, or not one start, one key and one door.
        """
        lines = picture.split()
        if len({len(line) for line in lines}) != 1:
            raise ValueError(f"every line must have the same length, got {[len(line) for line in lines]}")
        signs = "".join(lines)
        for sign in signs:
            if sign not in SIGNS + "S":
                raise ValueError(f"no tile is drawn as {sign!r}: use {', '.join(SIGNS)} or S")
        if any(signs.count(sign) != 1 for sign in "SKD"):
            raise ValueError(
                'draw one "S", one "K" and one "D", got '
                + ", ".join(f"{signs.count(sign)} of {sign}" for sign in "SKD")
            )
        room = cls(
            tiles=tuple(tuple(max(SIGNS.find(sign), AIR) for sign in line) for line in lines),
            start=divmod(signs.index("S"), len(lines[0])),
        )
        if not room._holds(*room.start):
            raise ValueError(f"there must be a wall or a ladder below the start, cell {room.start}")
        return room

    def imagined(self, drawn_as: Sequence[int] = EXCHANGED) -> "Room":
        """The room that one believes to see, if one takes every drawing for what it shows.

        Args:
            drawn_as: for each kind, the kind whose drawing it is given, [K].

        Raises:
            ValueError: not one kind for each.
        """
        if len(drawn_as) != len(KINDS) or not set(drawn_as) <= set(range(len(KINDS))):
            raise ValueError(
                f"drawn_as must name a kind for each of {len(KINDS)} kinds, got {list(drawn_as)}"
            )
        return replace(self, tiles=tuple(tuple(drawn_as[kind] for kind in line) for line in self.tiles))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.tiles), len(self.tiles[0])

    def state(self, cell: Cell, held: bool = False) -> int:
        """Number of the state in which one is in a cell, with or without the key."""
        rows, columns = self.shape
        return (int(held) * rows + cell[0]) * columns + cell[1]

    def kind(self, row: int, column: int) -> int:
        """What stands in a cell; round the room is wall."""
        rows, columns = self.shape
        return self.tiles[row][column] if 0 <= row < rows and 0 <= column < columns else WALL

    def _holds(self, row: int, column: int) -> bool:
        """Whether one stays in a cell and does not fall."""
        return self.kind(row, column) == LADDER or self.kind(row + 1, column) in (WALL, LADDER, DOOR)

    def _led(self, cell: Cell, held: bool, action: int) -> tuple[Cell, bool]:
        """Where a step leads, and whether one has the key then; it may be a skull's cell."""
        (row, column), (down, right) = cell, MOVES[action]
        shut = (WALL,) if held else (WALL, DOOR)
        climbs = self.kind(row, column) == LADDER or (down == 1 and self.kind(row + 1, column) == LADDER)
        if self.kind(row + down, column + right) in shut or (down and not climbs):
            return cell, held
        row, column = row + down, column + right
        while True:
            here = self.kind(row, column)
            held = held or here == KEY
            if here in (SKULL, DOOR) or self._holds(row, column):
                return (row, column), held
            row += 1


def world(room: Room) -> TileWorld:
    """Every state and step of a room, with what one sees: a board without the key and one with it.

    From a cell of wall or of a skull, where one never is, nothing leads anywhere.
    """
    rows, columns = room.shape
    cell = np.stack(np.unravel_index(np.arange(2 * rows * columns), (2, rows, columns))[1:], axis=1)
    board = np.repeat([0, 1], rows * columns)
    tiles = np.array([room.tiles, room.tiles])
    tiles[1][tiles[1] == KEY] = AIR
    kinds = tiles[board, cell[:, 0], cell[:, 1]]
    dynamics = np.zeros((len(cell), len(ACTIONS), len(cell)))
    reward = np.zeros(dynamics.shape[:2])
    reached = np.repeat(cell[:, None], len(ACTIONS), axis=1)
    terminal = (kinds == DOOR) & (board == 1)
    for s, a in np.ndindex(reward.shape):
        then = s
        if kinds[s] not in (WALL, SKULL, DOOR):
            place, held = room._led(tuple(cell[s].tolist()), bool(board[s]), a)
            reached[s, a] = place
            dead = room.kind(*place) == SKULL
            then = room.state(room.start) if dead else room.state(place, held)
            reward[s, a] = float(terminal[then]) - float(dead)
        dynamics[s, a, then] = 1.0
    mdp = TabularMDP(dynamics=dynamics, reward=reward, terminal=terminal, start=room.state(room.start))
    return TileWorld(mdp=mdp, kinds=KINDS, tiles=tiles, board=board, cell=cell, reached=reached)


def probability_of_reward(mdp: TabularMDP, steps: int) -> float:
    """With what probability a player who presses keys at random opens the door within so many steps, exactly.

    Deaths included: a skull sends back to the start, and the steps go on.
    """
    return float(probability_of_end(mdp, steps)[-1])


def best_steps(mdp: TabularMDP) -> int:
    """Steps of who knows the room."""
    return len(best_path(mdp)) - 1
