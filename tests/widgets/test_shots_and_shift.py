"""Shots and shift without a browser: words, questions asked once, what is refused, and the picture."""

import json

import numpy as np
import pytest

from course_lib.widgets.module import STATIC
from course_lib.widgets.plane import Plane
from course_lib.widgets.shots_and_shift import Adapted, ShotsAndShift, order, outside, where

SHOTS, SHIFTS = (0, 1, 10), (0.5, 1.0, 2.0)
ENDS = {"by_shots": 0.0, "low": -0.1, "high": 0.1}
TASKS = np.array([(1.0, 0.0), (0.0, 1.0)])


def halves(learner, shots, shift):
    """Each shot halves what is left of the way to the goal; the other learner stands still."""
    share = 1 - 0.5**shots if learner == "halves" else 0.0
    ends = share * shift * TASKS
    paths = np.linspace(np.zeros_like(ends), ends, 4).swapaxes(0, 1)
    return Adapted(shift * TASKS, paths, -np.linalg.norm(ends - shift * TASKS, axis=1))


def measured():
    """What `halves` returns, [F, K], and an interval round it."""
    means = {
        learner: np.array([[halves(learner, k, f).returns.mean() for k in SHOTS] for f in SHIFTS])
        for learner in ("stands", "halves")
    }
    return {name: {key: v + add for key, v in means.items()} for name, add in ENDS.items()}


@pytest.fixture
def widget():
    made = []

    def make(adapted=halves, **options):
        standard = {"plane": Plane((-2, -2), (2, 2)), "shots": SHOTS, "shifts": SHIFTS, **measured()}
        made.append(
            ShotsAndShift(adapted, options.pop("learners", ("stands", "halves")), **standard | options)
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_it_starts_without_experience_as_far_as_in_training_and_both_sliders_move_all(widget, settled):
    one = widget()
    assert one.request == {"shots": 0, "shift": 1.0} and one.answer["returns"] == [[-1, -1], [-1, -1]]
    later = settled(one, shots=1, shift=2.0)
    assert later["goals"] == [[2, 0], [0, 2]] and later["returns"] == [[-2, -2], [-1, -1]]
    assert later["paths"][0][1] == [[0, 0]] * 4 and later["paths"][1][1][-1] == [0, 1]
    json.dumps([one.fixed, later], allow_nan=False)


def test_the_order_in_words_is_that_of_the_returns(widget, settled):
    one = widget()
    settled(one, shots=1, shift=2.0)
    assert str(one) == (
        "The same tasks for every learner. After 1 shot, 2 times as far (outside training): "
        "halves −1.00 [−1.10, −0.90], stands −2.00 [−2.10, −1.90]."
    )
    assert one.fixed["order"][0][0].startswith("stands −0.50"), "a tie keeps the order of the colours"


def test_what_was_not_measured_comes_last_and_one_seed_has_no_interval():
    nan = np.full((1, 1), np.nan)
    each = {
        "mean": {"a": nan, "b": np.array([[-3.0]]), "c": np.array([[2.0]])},
        "low": {"a": nan, "b": nan, "c": np.array([[1.0]])},
        "high": {"a": nan, "b": nan, "c": np.array([[4.0]])},
    }
    assert order(each, 0, 0) == "c 2.00 [1.00, 4.00], b −3.00, a not measured"


def test_where_says_what_is_outside_training():
    assert where(0, 1.0, (0.0, 1.0)) == "After 0 shots, as far as in training"
    assert where(1, 0.5, (0.0, 1.0)) == "After 1 shot, 0.5 times as far"
    assert where(5, 0.5, (0.75, 1.0)) == "After 5 shots, 0.5 times as far (outside training)"
    assert outside(SHIFTS, (0.0, 1.0)) == [(1.0, 2.0)]
    assert outside(SHIFTS, (0.6, 1.5)) == [(0.5, 0.6), (1.5, 2.0)]
    assert outside(SHIFTS, (0.0, 3.0)) == [] and outside(SHIFTS, (3.0, 4.0)) == [(0.5, 2.0)]


def test_each_learner_is_asked_once_for_each_shots_and_shift(widget, settled):
    asked = []

    def counted(*one):
        asked.append(one)
        return halves(*one)

    one = widget(counted)
    for shots in (1, 0, 1, 0):
        settled(one, shots=shots)
    assert sorted(asked) == [(name, k, 1.0) for name in ("halves", "stands") for k in (0, 1)]


def test_a_failure_is_told_and_the_next_question_is_answered(widget, settled):
    def fails(learner, shots, shift):
        if shots == 1:
            raise ArithmeticError("no such episode")
        return halves(learner, shots, shift)

    one = widget(fails)
    broken = settled(one, shots=1)
    assert broken["problem"]["message"] == "ArithmeticError: no such episode" and len(broken["paths"]) == 2
    assert settled(one, shots=10)["problem"] == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shots": 4}, r"shots must be one of \[0, 1, 10\], got 4"),
        ({"shift": 3.0}, r"shift must be one of \[0.5, 1.0, 2.0\], got 3.0"),
        ({"speed": 1}, "request must have shots and shift"),
    ],
)
def test_an_impossible_request_is_refused(widget, change, words):
    one = widget()
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"learners": ()}, "learners must be 1 to 4 different names"),
        ({"learners": ("a", "a")}, r"different names, got \['a', 'a'\]"),
        ({"learners": ("other",)}, "mean of 'other' is missing, got .'halves', 'stands'"),
        ({"shots": (0, 1)}, r"mean of 'stands' must be \[3, 2\], shifts and shots, got shape \(3, 3\)"),
        ({"shots": (0, 10, 1)}, r"shots must rise .* got \[0, 10, 1\]"),
        ({"shifts": (1.0,)}, "shifts must rise and be two or more"),
        ({"trained": (1.0, 0.0)}, "trained must be"),
        ({"told": [1.0, 2.0]}, r"told must be a number or one for each of 3 shifts, got shape \(2,\)"),
        ({"region": ((0, 0), (9, 9))}, "region must lie between"),
        ({"plane": Plane((-0.5, -0.5), (0.5, 0.5))}, "goal must lie between"),
    ],
)
def test_wrong_choices_are_refused(widget, options, words):
    with pytest.raises(ValueError, match=words):
        widget(**options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"goals": TASKS[:1]}, r"halves must answer with .* \(1, 2\), \(2, 4, 2\), \(2,\)"),
        ({"paths": np.zeros((2, 4))}, r"got shapes .* \(2, 4\), \(2,\)"),
        ({"returns": np.zeros(0)}, r"\(0,\)$"),
        ({"goals": TASKS + 0.1}, "every learner must have the same tasks: halves and stands differ in goals"),
    ],
)
def test_answers_that_cannot_be_compared_are_refused(widget, change, words):
    def adapted(learner, shots, shift):
        one = halves(learner, shots, shift)
        return Adapted(**vars(one) | change) if learner == "halves" else one

    with pytest.raises(ValueError, match=words):
        widget(adapted)


def test_the_curves_share_one_range_that_holds_every_interval_and_what_is_told(widget):
    low, high = widget().fixed["return_range"]
    assert low < -2.1 and high > 0.09
    assert widget(told=3.0).fixed["return_range"][1] > 3.0
    assert widget(return_range=(-1, 0)).fixed["return_range"] == [-1, 0]
    assert widget(told=3.0).fixed["told"] == [3.0] * 3


def test_the_picture_follows_the_sliders(widget, settled):
    one = widget(told=[0.0, 0.1, 0.2], region=((-1, -1), (1, 1)))
    before = one.picture()
    assert before.startswith(b"\x89PNG")
    settled(one, shots=10)
    assert one.picture() != before


def test_the_script_joins_neighbours_that_were_measured_and_finds_the_nearest_stop(run_script):
    scripts = (STATIC / "plane.js").read_text() + (STATIC / "shots_and_shift.js").read_text()
    found = run_script(
        f"eval({json.dumps(scripts)}); const {{ nearest, measured }} = course.shots_and_shift;"
        "output = [measured([null, 1, 2, null, 0]), nearest([10, 20, 40], 29), nearest([10, 20, 40], 31)];"
    )
    assert found == [[[1, 2], [4]], 1, 2]
