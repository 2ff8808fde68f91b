"""The goal field without a browser: what it asks, what it sends, what it refuses, and its static picture."""

import json

import numpy as np
import pytest

from course_lib.widgets.goal_field import GoalAnswer, GoalField

WALLS = [((0.0, -1.0), (0.0, 0.5))]


def straight(goal, start, policy, radius):
    """One step of the way per 0.5 m; "lazy" stays where it is."""
    way = np.linspace(start, goal, 1 + int(np.ceil(np.linalg.norm(goal - start) / 0.5)))
    way = way[:1] if policy == "lazy" else way
    away = np.linalg.norm(way[-1] - goal)
    return GoalAnswer(np.array([[-1.0, -2.0, -3.0], [-4.0, -5.0, -away]]), way, bool(away <= radius))


@pytest.fixture
def field():
    fields = []

    def make(answer=straight, policies=("quick", "lazy"), **options):
        options = {"start": (-0.5, 0.0), "goal": (0.5, 0.0)} | options
        fields.append(GoalField(answer, WALLS, (-1, -1), (1, 1), policies, **options))
        return fields[-1]

    yield make
    for one in fields:
        one.close()


def test_the_first_answer_is_there_at_once(field):
    answer = field().answer
    assert answer["shape"] == [2, 3] and answer["values"] == [-1, -2, -3, -4, -5, 0]
    assert answer["way"] == [[-0.5, 0.0], [0.0, 0.0], [0.5, 0.0]] and answer["reached"] is True
    json.dumps(answer, allow_nan=False)


def test_the_function_is_asked_for_this_goal_start_policy_and_radius(field, settled):
    asked = []

    def answer(*question):
        asked.append(question)
        return straight(*question)

    one = field(answer)
    one.request = {"goal": [0.2, 0.9], "start": [-1, 0], "policy": "lazy", "radius": 0.3}
    assert settled(one)["reached"] is False
    goal, start, policy, radius = asked[-1]
    np.testing.assert_array_equal(goal, [0.2, 0.9])
    np.testing.assert_array_equal(start, [-1.0, 0.0])
    assert (policy, radius) == ("lazy", 0.3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"goal": [1.2, 0.0]}, "goal must lie between"),
        ({"start": [0.0, -1.2]}, "start must lie between"),
        ({"policy": "slow"}, r"policy must be one of \('quick', 'lazy'\), got 'slow'"),
        ({"radius": 0.5}, r"radius must be in \[0.02, 0.3\], got 0.5"),
        ({"speed": 1}, "request must have goal, start, policy and radius"),
    ],
)
def test_an_impossible_request_is_refused(field, change, words):
    one = field()
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (GoalAnswer(np.zeros(4), np.zeros((3, 2)), True), r"values must be \[R, C\], got shape \(4,\)"),
        (GoalAnswer(np.zeros((2, 2)), np.zeros((3, 3)), True), r"way must be \[T \+ 1, 2\], got shape"),
        (GoalAnswer(np.zeros((2, 2)), np.zeros((0, 2)), True), r"way must be \[T \+ 1, 2\], got shape"),
    ],
)
def test_answers_of_another_shape_are_refused(field, answer, words):
    with pytest.raises(ValueError, match=words):
        field(lambda *question: answer)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"radii": (0.3, 0.1)}, "radii must rise"),
        ({"value_range": (0.0, 0.0)}, "value_range must rise"),
        ({"policies": ("a", "a")}, "policies must have names of their own"),
        ({"policies": ()}, "policies must have names of their own"),
    ],
)
def test_wrong_choices_are_refused(field, options, words):
    with pytest.raises(ValueError, match=words):
        field(**options)


def test_words_and_picture_say_whether_it_arrived(field, settled):
    one = field()
    assert str(one).endswith("Policy quick, goal (0.50, 0.00) m: reached after 2 steps.")
    before = one.picture()
    one.request = {**one.request, "policy": "lazy"}
    settled(one)
    assert str(one).endswith("Policy lazy, goal (0.50, 0.00) m: not reached in 0 steps, 1.00 m away.")
    assert one.picture() != before
