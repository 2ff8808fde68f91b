"""Related grids: one thing differs in each pair, and the best way changes as its name says."""

import numpy as np
import pytest

from course_lib.core.tabular_mdp import best_path
from course_lib.envs import related_grids
from course_lib.envs.gridworld import transition_matrix
from course_lib.envs.related_grids import ControlledGrid


def test_each_target_differs_in_one_thing():
    source = related_grids.source()
    different = {
        name: [
            field
            for field in ("walls", "start", "goal")
            if getattr(grid.room, field) != getattr(source.room, field)
        ]
        + ["controls"] * (grid.controls != source.controls)
        for name, grid in related_grids.targets().items()
    }
    assert different == {
        "goal moved": ["goal"],
        "way closed": ["walls"],
        "shortcut opened": ["walls"],
        "controls reversed": ["controls"],
    }


def test_the_best_ways_have_the_lengths_that_one_counts_in_the_drawings():
    grids = {"source": related_grids.source(), **related_grids.targets()}
    lengths = {name: len(best_path(grid.mdp())) - 1 for name, grid in grids.items()}
    assert lengths == {
        "source": 8,
        "goal moved": 9,
        "way closed": 10,
        "shortcut opened": 6,
        "controls reversed": 8,
    }


def test_reversed_controls_do_the_opposite():
    grid = related_grids.targets()["controls reversed"]
    plain = transition_matrix(grid.room)
    np.testing.assert_array_equal(grid.mdp().dynamics[:, 0], plain[:, 2])
    np.testing.assert_array_equal(grid.mdp().dynamics[:, 1], plain[:, 3])
    assert grid.moves == [(1, 0), (0, -1), (-1, 0), (0, 1)]
    with pytest.raises(ValueError, match=r"controls must be an order of \[0, 1, 2, 3\], got \(0, 0, 1, 2\)"):
        ControlledGrid(room=grid.room, controls=(0, 0, 1, 2))
