"""Posterior over tasks without a browser: what is asked, sent and refused, ellipse, colours, picture."""

import json

import numpy as np
import pytest
from matplotlib.colors import to_hex

from course_lib.widgets.module import STATIC
from course_lib.widgets.palette import BLUE, GREEN, PINK, VERMILLION
from course_lib.widgets.posterior_shots import Posterior, PosteriorShots, colour, half_axes, reach

TASKS = np.array([(2.0, 0.0), (0.0, 2.0), (-2.0, 0.0)])


def shrinks(task, shots, variant, seed):
    """The exact belief on y ~ N(task, 1) with a standard normal prior: every shot is the task."""
    task = np.clip(task, -2.0, 2.0)
    variance = 1 / (1 + shots)
    mean, samples = (1 - variance) * task, task + np.array([(0.0, 0.0), (0.1 + seed, 0.0)])
    paths = np.linspace((0.0, 0.0), samples, 3).swapaxes(0, 1)
    nats = (variance - 1 - np.log(variance)) + 0.5 * float(mean @ mean)
    return Posterior(
        task=tuple(task),
        mean=mean,
        covariance=variance * np.eye(2) if variant == "1" else np.zeros((2, 2)),
        samples=samples,
        paths=paths,
        returns=np.array([shots, 2.0]),
        information=nats if variant == "1" else np.inf,
        gathered=[paths[0]] * shots,
    )


@pytest.fixture
def widget():
    made = []

    def make(explored=shrinks, **options):
        standard = {"task": (1.0, 1.0), "tasks": TASKS, "inferred": {"1": TASKS, "0": 5 * TASKS}}
        made.append(PosteriorShots(explored, (-3, -3), (3, 3), **(standard | options)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_shot_shrinks_the_belief_that_is_sent(widget, settled):
    one = widget(first=1)
    now = one.answer
    assert now["mean"] == [0.5, 0.5] and now["samples"] == [[1, 1], [1.1, 1]]
    assert now["paths"][1] == [[0, 0], [0.55, 0.5], [1.1, 1]] and len(now["gathered"]) == 1
    np.testing.assert_allclose(np.hypot(*np.transpose(now["half_axes"])), [0.5**0.5] * 2, atol=1e-4)
    later = settled(one, shots=20)
    np.testing.assert_allclose(np.hypot(*np.transpose(later["half_axes"])), [21**-0.5] * 2, atol=1e-4)
    assert later["information"] > now["information"] > 0
    json.dumps(later, allow_nan=False)


def test_the_function_is_asked_for_this_task_variant_and_seed_and_may_move_the_task(widget, settled):
    one = widget()
    assert settled(one, seed=2)["samples"][1] == [3.1, 1]
    answer = settled(one, variant="0", task=[2.5, -1.0])
    assert answer["task"] == [2.0, -1.0], "the nearest place that can be a task"
    assert answer["information"] is None and np.ptp(answer["half_axes"]) == 0
    assert one.fixed["variants"] == ["1", "0"], "in the notebook's order"
    assert one.fixed["reach"] == [3.0, 11.5]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"shots": 21}, r"shots must be in \[0, 21\), got 21"),
        ({"variant": "2"}, r"variant must be one of \['1', '0'\], got '2'"),
        ({"seed": -1}, "seed must not be negative, got -1"),
        ({"task": [4.0, 0.0]}, "task must lie between"),
        ({"speed": 1}, "request must have task, shots, variant and seed"),
    ],
)
def test_an_impossible_request_is_refused(widget, change, words):
    one = widget()
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tasks": TASKS[0]}, r"tasks must be \[M, 2\], got shape \(2,\)"),
        ({"inferred": {}}, "at least one variant"),
        ({"inferred": {"1": TASKS[:2]}}, r"inferred\['1'\] must be \[3, 2\]"),
        ({"inferred": {"1": TASKS * np.nan}}, "finite"),
        ({"shots": []}, "shots must have at least one stop"),
    ],
)
def test_wrong_choices_are_refused(widget, options, words):
    with pytest.raises(ValueError, match=words):
        widget(**options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mean": np.zeros(3)}, r"a posterior must have mean \[2\], .* got shapes \(3,\), \(2, 2\)"),
        ({"returns": np.zeros(3)}, r"got shapes .* \(3,\)$"),
        ({"samples": np.zeros((0, 2)), "paths": np.zeros((0, 3, 2)), "returns": []}, r"\(0, 2\)"),
        ({"paths": np.zeros((2, 3))}, r"\(2, 3\), \(2,\)$"),
        ({"task": (9.0, 0.0)}, "task must lie between"),
        ({"covariance": np.array([[1.0, 2.0], [2.0, 1.0]])}, "positive semidefinite"),
        ({"covariance": np.array([[1.0, 0.5], [0.0, 1.0]])}, "symmetric"),
    ],
)
def test_posteriors_of_another_shape_are_refused(widget, change, words):
    with pytest.raises(ValueError, match=words):
        widget(lambda *asked: Posterior(**(vars(shrinks(*asked)) | change)))


def test_what_the_function_raises_is_shown_and_the_last_belief_stays(widget, settled):
    def explored(task, shots, variant, seed):
        if shots == 3:
            raise ArithmeticError("no such shot")
        return shrinks(task, shots, variant, seed)

    one = widget(explored)
    answer = settled(one, shots=3)
    assert answer["problem"]["message"] == "ArithmeticError: no such shot" and answer["mean"] == [0, 0]


def test_words_and_picture_say_what_is_known(widget, settled):
    one = widget(title="Which?", shots_label="Seen")
    assert str(one) == (
        "Which? Seen: 0. Weight of the KL: 1. Known of the task: 0.00 nats. 2 samples return 1.0 on average."
    )
    before = one.picture()
    settled(one, shots=4, variant="0")
    assert str(one).endswith("Believed: a point. 2 samples return 3.0 on average.")
    assert one.picture() != before and before.startswith(b"\x89PNG")
    arrow = widget(arrow=True, inferred={"only": TASKS})
    assert "KL" not in str(arrow) and arrow.picture() != before


def test_half_axes_are_those_of_the_ellipse_of_one_standard_deviation():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    covariance = turn @ np.diag([4.0, 0.25]) @ turn.T
    axes = half_axes(covariance)
    np.testing.assert_allclose(axes.T @ axes, covariance, atol=1e-12)
    np.testing.assert_allclose(np.sort(np.hypot(*axes.T)), [0.5, 2.0])
    angle = np.linspace(0, 6, 7)
    ring = axes.T @ np.stack([np.cos(angle), np.sin(angle)])
    np.testing.assert_allclose((ring * np.linalg.solve(covariance, ring)).sum(0), 1.0)
    assert reach(np.array([[0.0, -10.0]])) == 11.5


def test_a_direction_has_one_colour_in_the_view_and_in_the_picture_and_arrow_keys_turn_it(run_script):
    ways = [(1, 0), (0, 2), (-1, 0), (0, -1), (1, 1), (2, -1)]
    scripts = (STATIC / "plane.js").read_text() + (STATIC / "posterior_shots.js").read_text()
    found = run_script(
        f"eval({json.dumps(scripts)}); const {{ hue, moved }} = course.posterior_shots;"
        "const turned = (...rest) => moved(input.task, ...rest, [1, 1]);"
        "output = [input.ways.map((way) => hue(way, input.wheel)), turned([1, 0], 0.2, { step: [0.5, 1] }),"
        " turned([-1, 0], 1, { arrow: true }), turned([0, -1], 1, { arrow: true })];",
        ways=ways,
        wheel=[BLUE, GREEN, VERMILLION, PINK],
        task=(3.0, 1.0),
    )
    expected = np.array([colour(*way) for way in ways])
    assert [to_hex(rgb).upper() for rgb in expected[:4]] == [BLUE, GREEN, VERMILLION.upper(), PINK]
    parts = [[int(one[i : i + 2], 16) / 255 for i in (1, 3, 5)] for one in found[0]]
    np.testing.assert_allclose(parts, expected, atol=0.003)
    five = np.deg2rad(5)
    np.testing.assert_allclose(found[1], [3.1, 1.0])
    np.testing.assert_allclose(found[2], [1 + 2 * np.cos(five), 1 + 2 * np.sin(five)])
    np.testing.assert_allclose(found[3], [1 + 2 * np.cos(five), 1 - 2 * np.sin(five)])
