"""The step landscape without a browser: what it asks, sends and refuses, its arithmetic and its picture."""

import json

import numpy as np
import pytest

from course_lib.widgets.module import STATIC
from course_lib.widgets.step_landscape import Landscape, StepLandscape, levels

GOAL = np.array([0.3, 0.1])


def loss(place):
    return 0.1 + 50 * np.square(place - GOAL).sum(-1)


def bowl(task, start, inner_lr, steps):
    """A round valley: a step goes 100 times the rate of the way to its bottom."""
    x, y = np.meshgrid(np.linspace(-0.25, 0.75, 5), np.linspace(-0.5, 0.5, 3))
    path = GOAL - GOAL * (1 - 100 * inner_lr) ** np.arange(steps + 1)[:, None] * (1 + task)
    low, high = (-0.25, -0.5), (0.75, 0.5)
    return Landscape(loss(np.stack([x, y], -1)), low, high, tuple(GOAL), path, loss(path), 2 * loss(path))


@pytest.fixture
def widget():
    made = []

    def make(landscape=bowl, **options):
        made.append(StepLandscape(landscape, **({"starts": ["near", "far"]} | options)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_map_is_sent_row_by_row_from_the_bottom_and_the_steps_with_their_losses(widget):
    one = widget(inner_lr=0.005, steps=2)
    now = one.answer
    assert now["shape"] == [3, 5] and len(now["losses"]) == 15
    assert now["losses"][1] == pytest.approx(loss(np.array([0.0, -0.5])))
    np.testing.assert_allclose(now["path"], [[0, 0], GOAL / 2, 0.75 * GOAL], atol=1e-4)
    np.testing.assert_allclose(now["train_loss"], loss(np.array(now["path"])), rtol=1e-3)
    np.testing.assert_allclose(now["test_loss"], 2 * np.array(now["train_loss"]), rtol=1e-3)
    json.dumps(now, allow_nan=False)


def test_a_slider_asks_for_another_way_on_the_same_map(widget, settled):
    one = widget()
    before = one.answer
    after = settled(one, inner_lr=0.03, steps=3)
    assert after["losses"] == before["losses"]
    assert after["train_loss"][0] < after["train_loss"][1] < after["train_loss"][2]
    assert settled(one, task=1, start="far")["path"][0] == pytest.approx([-0.3, -0.1])


def test_steps_beyond_all_bounds_are_left_out_and_said(widget):
    def explodes(task, start, inner_lr, steps):
        found = bowl(task, start, inner_lr, steps)
        found.train_loss[3:] = np.inf
        return found

    one = widget(explodes, steps=5)
    assert [len(one.answer[name]) for name in ("path", "train_loss", "test_loss")] == [3, 3, 3]
    assert str(one).endswith(", then beyond all bounds.")
    json.dumps(one.answer, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": -1}, "task must not be negative, got -1"),
        ({"start": "nowhere"}, r"start must be one of \('near', 'far'\), got 'nowhere'"),
        ({"inner_lr": 1.0}, r"inner_lr must be in \[0.001, 0.1\], got 1.0"),
        ({"steps": 11}, r"steps must be in \[0, 10\], got 11"),
        ({"speed": 1}, "request must have task, start, inner_lr and steps"),
    ],
)
def test_an_impossible_request_is_refused(widget, change, words):
    one = widget()
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rates": (0.1, 0.01)}, "rates must be positive and rise"),
        ({"loss_range": (0.0, 1.0)}, "loss_range must be positive and rise"),
        ({"starts": ["a", "a"]}, "starts must have names of their own"),
        ({"most_steps": 0}, "most_steps must be at least 1, got 0"),
    ],
)
def test_wrong_choices_are_refused(widget, options, words):
    with pytest.raises(ValueError, match=words):
        widget(**options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"losses": np.zeros((3, 3))}, "losses must be \\[R, C\\], finite and positive"),
        ({"path": np.zeros((3, 2))}, r"path must be \[2, 2\] and both losses \[2\], got shapes \(3, 2\)"),
        ({"test_loss": np.full(2, np.nan)}, "the loss at the start is not finite"),
        ({"downhill": (0.0, 0.0)}, "downhill must be a direction, got \\(0.0, 0.0\\)"),
        ({"low": (1.0, 0.0)}, "low must lie below and left of high"),
    ],
)
def test_landscapes_of_another_shape_are_refused(widget, change, words):
    with pytest.raises(ValueError, match=words):
        widget(lambda *request: Landscape(**(vars(bowl(*request)) | change)))


def test_what_the_function_raises_is_shown_and_the_last_map_stays(widget, settled):
    def landscape(task, *rest):
        if task == 1:
            raise ArithmeticError("no such task")
        return bowl(task, *rest)

    one = widget(landscape)
    answer = settled(one, task=1)
    assert answer["problem"]["message"] == "ArithmeticError: no such task" and answer["shape"] == [3, 5]


def test_words_and_picture_say_what_the_steps_were_worth(widget, settled):
    one = widget(steps=0, title="Where to?")
    before = "Where to? Start: near. Loss before 5.1 on training points and 10.2 on test points"
    assert str(one) == f"{before}."
    picture = one.picture()
    settled(one, steps=1)
    assert (
        str(one) == f"{before}; after 1 step at a rate of 0.01 0.1 on training points and 0.2 on test points."
    )
    assert one.picture() != picture and picture.startswith(b"\x89PNG")


def test_levels_are_round_numbers():
    assert levels(0.05, 20.0) == [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]
    assert levels(0.3, 0.4) == []


def test_the_view_finds_lines_of_equal_loss_and_says_what_went_wrong(run_script):
    """Of a cone the line of a level is a circle; its number stands where the ray meets it."""
    source = f"eval({json.dumps((STATIC / 'plane.js').read_text())});"
    source += f"eval({json.dumps((STATIC / 'step_landscape.js').read_text())});"
    r, c = np.mgrid[0:21, 0:21]
    way = {"low": [-1, -1], "high": [1, 1], "path": [[0, 0], [0.5, 0], [2, 0]], "of": {"steps": 2}}
    found = run_script(
        source + "const { contour, nearRay, verdict } = course.step_landscape;"
        "const pieces = contour(input.field, [21, 21], 6);"
        "output = [pieces, nearRay(pieces, [10, 10], [1, 0]), input.ways.map(verdict),"
        " nearRay(pieces, [30, 30], [1, 0]), nearRay([], [0, 0], [1, 0])];",
        field=np.hypot(r - 10, c - 10).ravel().tolist(),
        ways=[
            {**way, "train_loss": [3, 2, 1]},
            {**way, "train_loss": [3, 2, 4]},
            {**way, "train_loss": [3, 2, 1], "of": {"steps": 4}},
            {**way, "train_loss": [3], "path": [[0, 0]], "of": {"steps": 0}},
            {**way, "train_loss": [3, 1], "path": [[0, 0], [0.5, 0]], "of": {"steps": 1}},
        ],
    )
    places = np.array(found[0]).reshape(-1, 2)
    np.testing.assert_allclose(np.hypot(*(places - 10).T), 6, atol=0.05)
    ends = {tuple(np.round(place, 6)) for place in places}
    assert len(ends) == len(found[0]), "a closed line has as many ends as pieces"
    np.testing.assert_allclose(found[1], [16, 10], atol=0.6)  # the middle of a piece
    assert np.hypot(*(np.array(found[3]) - 10)) == pytest.approx(6, abs=0.1), "on the line all the same"
    assert found[4] is None
    assert found[2] == [
        "All steps go downhill. Step 2 leaves the map.",
        "Too long: step 2 makes the loss on the training points larger. Step 2 leaves the map.",
        "Step 3 ends where the loss is beyond all bounds.",
        "No step yet. The dotted line leads downhill.",
        "The step goes downhill.",
    ]
