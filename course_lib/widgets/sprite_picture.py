"""Drawings of tiles in a picture: sprites that mean something, and textures that mean nothing.

static/sprite_game.js has the same sprites, and textures of its own.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from course_lib.widgets.palette import BLUE, PINK
from course_lib.widgets.plane import INK, PANEL

SPRITES = ("air", "wall", "ladder", "key", "door", "skull")
"""What can be drawn, beside oneself: "you"."""
TEXTURES = ("///", "..", "xx", "--", "||", "O", "++")
"""Hatches."""


def texture(axes: Axes, kind: str, x: float, y: float) -> None:
    """A hatch that means nothing; `x` and `y` are the upper left corner, y downward, and a tile is 1 wide."""
    hatch = TEXTURES[(3 * (*SPRITES, "you").index(kind)) % 7]
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=PANEL, edgecolor=INK, hatch=hatch, lw=0.5))


def sprite(axes: Axes, kind: str, x: float, y: float) -> None:
    """A small drawing of what a tile is; places as in `texture`."""
    if kind != "you":
        ground = "#5a6878" if kind == "wall" else PANEL
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor=ground, edgecolor="white", lw=0.5))

    def line(*points: tuple[float, float], colour: str = INK, width: float = 3) -> None:
        axes.plot(*np.add(points, (x, y)).T, color=colour, lw=width, solid_capstyle="round")

    def disc(at: tuple[float, float], radius: float, colour: str) -> None:
        axes.add_patch(Circle((x + at[0], y + at[1]), radius, facecolor=colour, edgecolor=INK, lw=1.5))

    if kind == "ladder":
        for rail in (0.25, 0.75):
            line((rail, 0.0), (rail, 1.0))
        for rung in (0.2, 0.5, 0.8):
            line((0.25, rung), (0.75, rung), width=2)
    elif kind == "key":
        line((0.4, 0.5), (0.85, 0.5), (0.85, 0.68))
        disc((0.28, 0.5), 0.15, "#E69F00")
    elif kind == "door":
        axes.add_patch(Rectangle((x + 0.15, y + 0.05), 0.7, 0.95, facecolor=PINK, edgecolor=INK, lw=2))
        disc((0.7, 0.55), 0.06, "white")
    elif kind == "skull":
        disc((0.5, 0.45), 0.33, "white")
        for eye in (0.38, 0.62):
            disc((eye, 0.42), 0.07, INK)
        line((0.4, 0.68), (0.6, 0.68), width=2)
    elif kind == "you":
        line((0.5, 0.4), (0.5, 0.7), (0.35, 0.95), colour=BLUE, width=4)
        line((0.5, 0.7), (0.65, 0.95), colour=BLUE, width=4)
        line((0.3, 0.52), (0.7, 0.52), colour=BLUE, width=4)
        disc((0.5, 0.24), 0.16, BLUE)
