"""Drawings of tiles: no two alike, and each inside its tile."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.widgets.sprite_picture import SPRITES, sprite, texture


def pixels(draw, kind, x=0, y=0):
    """One of 2 x 2 tiles drawn, as brightness, [200, 200]."""
    figure = Figure(figsize=(2, 2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 2), ylim=(2, 0))
    axes.set_axis_off()
    draw(axes, kind, x, y)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2)


@pytest.mark.parametrize("draw", [sprite, texture])
def test_no_two_drawings_are_alike_even_without_colour(draw):
    drawn = [pixels(draw, kind) for kind in (*SPRITES, "you")]
    for i, one in enumerate(drawn):
        for other in drawn[:i]:
            assert (np.abs(one - other) > 40).mean() > 0.01


@pytest.mark.parametrize("draw", [sprite, texture])
def test_a_drawing_stays_in_its_tile(draw):
    for kind in (*SPRITES, "you"):
        outside = pixels(draw, kind, 1, 1)
        outside[94:, 94:] = 255  # a line's round end may reach a few pixels over
        assert (outside == 255).all(), kind
