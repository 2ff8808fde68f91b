"""The function fit without a browser: what it asks, sends and refuses, and its static picture."""

import json

import numpy as np
import pytest

from course_lib.widgets.function_fit import PLACES, DrawnFunction, FunctionFit
from course_lib.widgets.physics_panel import Slider


def mean_and_last(x, y, at, lift=0.0):
    """A level line through the mean of the points, and one through the last of them."""
    mean, last = (y.mean(), y[-1]) if len(y) else (0.0, 0.0)
    return {"mean": np.full_like(at, mean + lift), "last": np.full_like(at, last + lift)}


def parabola(number):
    x = np.array([0.0, 1.0, 2.0])
    return DrawnFunction(np.column_stack([x, x**2 - number]), lambda at: at**2 - number)


@pytest.fixture
def widget():
    made = []

    def make(fit=mean_and_last, low=(-2, -5), high=(2, 5), **options):
        made.append(FunctionFit(fit, low, high, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_only_as_many_points_are_read_as_there_are_shots(widget, settled):
    one = widget(points=[(0, 1), (1, 3), (-1, 5)], shots=2)
    assert (one.answer["read"], len(one.answer["points"])) == (2, 3)
    assert one.answer["lines"]["mean"] == [2.0] * PLACES and one.answer["lines"]["last"] == [3.0] * PLACES
    assert settled(one, shots=20)["lines"]["mean"] == [3.0] * PLACES
    assert settled(one, shots=0)["lines"]["mean"] == [0.0] * PLACES
    json.dumps(one.answer, allow_nan=False)


def test_a_function_shows_its_truth_until_a_point_is_moved(widget, settled):
    one = widget(task=parabola, shots=1)
    at = np.linspace(-2, 2, PLACES)
    np.testing.assert_allclose(one.answer["truth"], at**2, atol=1e-4)
    assert one.answer["off"]["mean"] == pytest.approx(np.sqrt(np.mean(at**4)))
    assert settled(one, task=3)["points"] == [[0, -3], [1, -2], [2, 1]]
    own = settled(one, task=None, points=[[0, 0]])
    assert own["truth"] == [] and own["off"] == {}


def test_sliders_reach_the_function(widget, settled):
    one = widget(points=[(0, 1)], sliders=[Slider(name="lift", low=0.0, high=2.0, step=0.5, value=1.0)])
    assert one.answer["lines"]["mean"] == [2.0] * PLACES
    assert settled(one, settings={"lift": 2})["lines"]["mean"] == [3.0] * PLACES
    with pytest.raises(ValueError, match=r"lift must be in \[0.0, 2.0\], got 3.0"):
        one.request = {**one.request, "settings": {"lift": 3.0}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"points": [[3, 0]]}, "point must lie between"),
        ({"points": [[0, 0]] * 5}, "there may be 4 points, got 5"),
        ({"shots": 5}, "shots must be between 0 and 4, got 5"),
        ({"settings": {"lift": 0}}, r"settings must have \[\], got \['lift'\]"),
        ({"task": 0}, "request must have a task or points"),
        ({"task": 0, "points": None}, "there is no task 0; give points"),
        ({"speed": 1}, "request must have task, points, shots and settings"),
    ],
)
def test_an_impossible_request_is_refused(widget, change, words):
    one = widget(points=[(0, 0)], most=4)
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (lambda x, y, at: {"short": at[1:]}, r"line 'short' must be 201 finite numbers, got shape \(200,\)"),
        (lambda x, y, at: {"lost": at * np.nan}, "line 'lost' must be 201 finite numbers"),
        (lambda x, y, at: {}, "fit must answer with 1 to 4 lines, got 0"),
        (lambda x, y, at: dict.fromkeys("abcde", at), "fit must answer with 1 to 4 lines, got 5"),
    ],
)
def test_lines_that_cannot_be_drawn_are_refused(widget, fit, words):
    with pytest.raises(ValueError, match=words):
        widget(fit)


def test_words_and_picture_say_how_far_off_each_is(widget, settled):
    one = widget(task=parabola, shots=2, title="A parabola?")
    assert str(one).startswith("A parabola? 2 of 3 points read: mean off by ")
    assert str(one).endswith(" on average.")
    before = one.picture()
    assert before.startswith(b"\x89PNG")
    settled(one, task=None, points=[[0, 0]])
    assert str(one) == "A parabola? 1 of 1 points read."
    assert one.picture() != before
