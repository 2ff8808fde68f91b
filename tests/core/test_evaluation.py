"""Intervals: coverage on data of known mean; the interquartile mean by hand; a grid of worlds."""

import numpy as np
import pytest

from course_lib.core.evaluation import iqm, mean_with_interval, transfer_grid


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        interval = mean_with_interval(rng.normal(5.0, 2.0, 30), rng, level=0.9, resamples=300)
        covered += interval.low <= 5.0 <= interval.high
    assert 0.80 <= covered / 200 <= 0.96


def test_more_confidence_is_wider_and_more_seeds_are_narrower():
    scores = np.random.default_rng(0).normal(size=200)

    def span(x, level):
        interval = mean_with_interval(x, np.random.default_rng(1), level)
        return interval.high - interval.low

    assert span(scores, 0.99) > span(scores, 0.8)
    assert span(scores, 0.95) < span(scores[:20], 0.95)


def test_one_run_has_no_interval():
    interval = mean_with_interval(np.array([3.0]), np.random.default_rng(0))
    assert interval.mean == 3.0 and np.isnan(interval.low) and np.isnan(interval.high)


def test_iqm_ignores_the_outer_quarters():
    assert iqm(np.array([-1000.0, 1.0, 2.0, 1e6])) == 1.5


@pytest.mark.parametrize(
    ("scores", "message"), [([], "empty array"), ([1.0, np.nan], "1 of 2 scores are NaN")]
)
def test_what_cannot_be_averaged_is_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        mean_with_interval(np.array(scores), np.random.default_rng(0))
    with pytest.raises(ValueError, match=message):
        iqm(np.array(scores))


def test_transfer_grid_calls_once_and_puts_every_condition_in_its_cell():
    calls = []

    def evaluate(params):
        calls.append(params)
        return 100 * params["mass"] + params["friction"] + np.tile([-1.0, 1.0, 0.0], len(params["mass"]) // 3)

    grid = transfer_grid(evaluate, {"mass": [3, 6]}, {"friction": [1.5, 2.0, 2.5]}, repeats=3)
    np.testing.assert_allclose(grid, [[301.5, 302.0, 302.5], [601.5, 602.0, 602.5]])
    assert len(calls) == 1 and len(calls[0]["mass"]) == 18


def test_a_grid_has_two_axes():
    with pytest.raises(ValueError, match="each name one parameter"):
        transfer_grid(lambda p: 0, {"mass": [1], "friction": [2]}, {}, 1)


def test_a_cell_without_episodes_is_refused():
    with pytest.raises(ValueError, match="repeats must be at least 1, got 0"):
        transfer_grid(lambda p: 0, {"mass": [1]}, {"friction": [2]}, 0)
