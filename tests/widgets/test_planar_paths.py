"""Ways over a plane: what is drawn, and what is refused."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from course_lib.widgets.planar_paths import planar_paths

WAYS = np.cumsum(np.ones((3, 5, 2)), axis=1) * np.array([[[1.0]], [[2.0]], [[3.0]]])


def drawn(paths, **options):
    axes = Figure().subplots()
    planar_paths(axes, paths, goal=(1.0, 0.0), **options)
    return axes


def test_every_way_is_drawn_from_its_start_to_its_end():
    lines = drawn({"a": WAYS}).lines
    ways = [line.get_xydata() for line in lines if len(line.get_xydata()) == 5]
    np.testing.assert_allclose(ways, WAYS)
    ends = [line.get_xydata()[0] for line in lines if line.get_markersize() == 11]
    np.testing.assert_allclose(ends, WAYS[:, -1])


def test_each_label_stands_once_in_the_legend_with_its_own_look():
    axes = drawn({"a": WAYS, "b": WAYS + 1})
    handles, labels = axes.get_legend_handles_labels()
    assert labels == ["a", "b"]
    assert len({(h.get_color(), h.get_marker()) for h in handles}) == 2


def test_a_wall_stands_at_zero_and_only_where_there_is_one():
    def walls(axes):
        return [line for line in axes.lines if line.get_linewidth() == 6]

    assert not walls(drawn({"a": WAYS}))
    (wall,) = walls(drawn({"a": WAYS}, wall=0.5))
    np.testing.assert_allclose(wall.get_xydata(), [[0, -0.5], [0, 0.5]])


def test_too_many_labels_and_odd_shapes_are_refused():
    with pytest.raises(ValueError, match="at most 5 kinds of ways can be told apart, got 6"):
        drawn({str(i): WAYS for i in range(6)})
    with pytest.raises(ValueError, match=r"ways of 'a' must be \[N, T, 2\], got \(5, 2\)"):
        drawn({"a": WAYS[0]})
