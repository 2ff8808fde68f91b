"""Static figures: what is drawn is what was given, and it can be read without colour."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from course_lib.core.evaluation import mean_with_interval
from course_lib.widgets import figures


def test_a_curve_is_the_mean_and_its_band_the_interval():
    values = np.random.default_rng(1).normal(size=(6, 3)) + np.array([0, 5, 10])
    axes = Figure().subplots()
    figures.curves(axes, [3, 6, 9], {"ensemble": values}, "torso mass (kg)")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), values.mean(0))
    band = axes.collections[0].get_paths()[0].vertices
    rng = np.random.default_rng(0)
    intervals = [mean_with_interval(column, rng) for column in values.T]
    at_nine = band[band[:, 0] == 9, 1]
    assert at_nine.min() == pytest.approx(intervals[-1].low) and at_nine.max() == pytest.approx(
        intervals[-1].high
    )


def test_series_differ_in_more_than_colour():
    axes = Figure().subplots()
    figures.curves(axes, [0, 1], {str(i): np.zeros((2, 2)) + i for i in range(5)}, "x")
    looks = {(str(line.get_linestyle()), line.get_marker()) for line in axes.lines}
    assert len(looks) == 5


def test_a_heat_map_writes_each_number_into_its_cell():
    values = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    axes = Figure().subplots()
    figures.heat_map(axes, values, [3, 9], [1.5, 2.0, 2.5], "mass", "friction")
    written = {tuple(map(int, t.get_position())): t.get_text() for t in axes.texts}
    assert written[(2, 0)] == "3" and written[(0, 1)] == "4"
    assert [t.get_text() for t in axes.get_xticklabels()] == ["1.5", "2", "2.5"]


def test_text_is_large_enough_for_a_projector():
    axes = Figure().subplots()
    figures.finish(axes, "x", "y")
    assert axes.xaxis.label.get_size() >= 14


def test_a_decision_boundary_lies_where_the_probability_is_one_half():
    axes = Figure().subplots()
    rng = np.random.default_rng(0)
    points, classes = rng.uniform(-1, 1, (40, 2)), np.arange(40) % 2
    target = rng.uniform(-1, 1, (30, 2))
    figures.decision_boundary(
        axes, lambda p: 1 / (1 + np.exp(-9 * (p[:, 0] - 0.25))), (points, classes), target
    )
    _, line, dots, minus, plus = axes.collections
    boundary = np.concatenate([path.vertices for path in line.get_paths()])
    np.testing.assert_allclose(boundary[:, 0], 0.25, atol=0.02)
    np.testing.assert_allclose(dots.get_offsets(), target)
    np.testing.assert_allclose(minus.get_offsets(), points[classes == 0])
    np.testing.assert_allclose(plus.get_offsets(), points[classes == 1])
    assert len({tuple(map(tuple, c.get_paths()[0].vertices)) for c in (dots, minus, plus)}) == 3


def test_panels_of_curves_share_their_scale():
    series = {"with": np.ones((3, 2)), "without": np.zeros((3, 2))}
    figure = figures.curves_figure(
        {"near": ([0, 1], series), "far": ([0, 5], series)}, "steps", "reached (%)"
    )
    left, right = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["near", "far"]
    assert left.get_ylim() == right.get_ylim() and left.get_xlim() != right.get_xlim()
    assert left.get_xlabel() == "steps" and left.get_ylabel() == "reached (%)"
    np.testing.assert_array_equal(right.lines[0].get_xydata(), [[0, 1], [5, 1]])


def test_a_prediction_is_drawn_against_what_was_seen_and_its_maps_have_the_first_row_on_top():
    maps = {"exact": np.array([[1.0, 2.0], [3.0, 40.0]]), "learned": np.zeros((2, 2))}
    errors = {"one": np.array([[9.0, 3.0], [11.0, 5.0]])}
    figure = figures.prediction_figure([100, 1000], errors, "error (%)", maps, "future, %")
    curve, exact, _ = figure.axes
    np.testing.assert_allclose(curve.lines[0].get_ydata(), [10.0, 4.0])
    assert [t.get_text() for t in curve.get_xticklabels()] == ["100", "1000"]
    written = {tuple(map(int, t.get_position())): t.get_text() for t in exact.texts}
    rows = [t.get_text() for t in exact.get_yticklabels()]
    assert written[(1, rows.index("2"))] == "40" and written[(0, rows.index("1"))] == "1"
    assert exact.get_title() == "exact\nfuture, %"
    assert {axes.images[0].get_clim() for axes in figure.axes[1:]} == {(0.0, 40.0)}


def test_a_figure_of_contexts_shades_what_was_trained_and_has_one_legend_for_all():
    series = {"told": np.ones((3, 4)), "withheld": np.zeros((3, 4))}
    figure = figures.context_figure(
        contexts=[-1, 0, 1, 2],
        measured={"return": series, "speed (m/s)": {label: 2 * r for label, r in series.items()}},
        xlabel="command (m/s)",
        trained=(0, 1),
        names=None,
        iterations=[1, 5],
        cosines={"neighbours": np.full((3, 2), 0.5)},
        title="told",
    )
    left, middle, right = figure.axes
    assert [axes.get_ylabel() for axes in (left, middle)] == ["return", "speed (m/s)"]
    assert left.get_legend() is None and middle.get_legend() is not None
    for axes in (left, middle):
        (shade,) = [patch for patch in axes.patches]
        assert (shade.get_x(), shade.get_x() + shade.get_width()) == (0, 1)
    np.testing.assert_array_equal(middle.lines[0].get_ydata(), 2)
    np.testing.assert_array_equal(right.lines[0].get_xydata(), [[1, 0.5], [5, 0.5]])


def test_panels_in_columns_share_one_legend_and_panels_in_one_row_have_each_their_own():
    panels = {name: ([0, 1], {"a": np.zeros((2, 2)), "b": np.ones((2, 2))}) for name in "uvwx"}
    row = figures.curves_figure(panels, "x", "y")
    square = figures.curves_figure(panels, "x", "y", columns=2)
    assert [axes.get_legend() is not None for axes in row.axes] == [True] * 4
    assert [axes.get_legend() is not None for axes in square.axes] == [False, False, False, True]
    assert len({round(axes.get_subplotspec().colspan.start) for axes in square.axes}) == 2
