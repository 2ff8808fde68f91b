"""Trial paths without a browser: what is asked, what is sent, what is refused, and the static picture."""

import json

import numpy as np
import pytest

from course_lib.widgets.module import STATIC
from course_lib.widgets.trial_paths import Trial, TrialPaths, Words

GOALS = np.array([(0.0, 1.0), (1.0, 1.0), (1.0, 0.0)])


def learner(task: int, reset_memory: bool) -> Trial:
    """Goes round the square at first, and straight as soon as it remembers."""
    goal = GOALS[task]
    search = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])[: task + 2]
    second = search if reset_memory else np.array([(0, 0), goal])
    walls = [((0.5, 0.0), (0.5, 0.4))]
    return Trial(paths=[search, second], returns=[-float(task), -0.5], goal=goal, walls=walls)


@pytest.fixture
def widget():
    made = []

    def make(trial=learner, **options):
        options = {"tasks": 3, "return_range": (-3, 1), "goals": GOALS, "cell": 1.0} | options
        made.append(TrialPaths(trial, (-0.5, -0.5), (1.5, 1.5), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_first_trial_is_there_at_once(widget):
    answer = widget(task=2).answer
    assert answer["paths"] == [[[0, 0], [0, 1], [1, 1], [1, 0]], [[0, 0], [1, 0]]]
    assert answer["returns"] == [-2.0, -0.5] and answer["goal"] == [1, 0]
    assert answer["walls"] == [[0.5, 0, 0.5, 0.4]]
    json.dumps(answer, allow_nan=False)


def test_the_function_is_asked_for_this_task_and_memory(widget, settled):
    one = widget()
    one.request = {"task": 1, "reset_memory": True}
    assert settled(one)["paths"][1] == [[0, 0], [0, 1], [1, 1]]
    one.request = {"task": 1, "reset_memory": False}
    assert settled(one)["paths"][1] == [[0, 0], [1, 1]]


def test_what_the_function_raises_is_shown_and_the_last_trial_stays(widget, settled):
    def trial(task, reset_memory):
        if task == 1:
            raise ArithmeticError("no such way")
        return learner(task, reset_memory)

    one = widget(trial)
    one.request = {"task": 1, "reset_memory": False}
    answer = settled(one)
    assert answer["problem"]["message"] == "ArithmeticError: no such way" and answer["goal"] == [0, 1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"task": 3}, r"task must be in \[0, 3\), got 3"),
        ({"speed": 1}, "request must have task and reset_mem"),
    ],
)
def test_an_impossible_request_is_refused(widget, change, words):
    one = widget()
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tasks": 0}, "tasks must be at least 1, got 0"),
        ({"return_range": (1, 1)}, "return_range must rise"),
        ({"goals": GOALS[:2]}, r"goals must be \[3, 2\]"),
        ({"goal": (0.0, 0.0)}, "leave out tasks and goals"),
        ({"region": ((-9.0, 0.0), (1.0, 1.0))}, "region must lie between"),
    ],
)
def test_wrong_choices_are_refused(widget, options, words):
    with pytest.raises(ValueError, match=words):
        widget(**options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"returns": [1.0]}, "a path and a return an episode, got 2 and 1"),
        ({"paths": []}, "a path and a return an episode, got 0 and 2"),
        (
            {"paths": [np.zeros((3, 2)), np.zeros((0, 2))]},
            r"a path must be \[T \+ 1, 2\], got shape \(0, 2\)",
        ),
        ({"goal": (3.0, 0.0)}, "goal must lie between"),
        ({"walls": [(0.0, 0.0)]}, "walls must be pairs of places"),
    ],
)
def test_trials_of_another_shape_are_refused(widget, change, words):
    wrong = {"paths": [np.zeros((3, 2))] * 2, "returns": [0.0, 0.0], "goal": (0.0, 1.0)} | change
    with pytest.raises(ValueError, match=words):
        widget(lambda task, reset_memory: Trial(**wrong))


def test_words_and_picture_say_what_the_memory_was_worth(widget, settled):
    one = widget(task=1)
    assert str(one).endswith("before? Return of each episode: -1.00, -0.50.")
    before = one.picture()
    one.request = {"task": 1, "reset_memory": True}
    settled(one)
    assert str(one).endswith("with an empty memory. Return of each episode: -1.00, -0.50.")
    assert one.picture() != before and before.startswith(b"\x89PNG")


def straight(goal, pretrained):
    """After so many steps of adaptation it goes that far towards the goal."""
    ends = [share * np.array(goal) for share in ((0, 0, 0) if pretrained else (0, 0.5, 1))]
    returns = [-float(np.hypot(*(goal - end))) for end in ends]
    return Trial(paths=[np.stack([np.zeros(2), end]) for end in ends], returns=returns, goal=goal)


def test_any_place_can_be_the_goal_and_the_notebook_chooses_the_words(widget, settled):
    words = Words(slider="Gradient steps", bars="Return after them", one="{n} step(s)", first=0, switch=None)
    one = widget(
        straight,
        tasks=1,
        goals=None,
        goal=(1.0, 0.5),
        words=words,
        region=((-0.5, -0.5), (0.5, 0.5)),
        title="Where?",
    )
    assert one.answer["goal"] == [1.0, 0.5] and one.answer["paths"][1] == [[0, 0], [0.5, 0.25]]
    one.request = {"task": [0.0, -0.4], "reset_memory": False}
    assert settled(one)["paths"][2] == [[0, 0], [0, -0.4]]
    assert str(one) == "Where? Return after them: -0.40, -0.20, -0.00."
    assert [words.numbered(n) for n in range(3)] == ["0 steps", "1 step", "2 steps"]
    assert one.picture().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="goal must lie between"):
        one.request = {"task": [9.0, 0.0], "reset_memory": False}


def test_there_and_back_lie_in_two_lanes_and_arrows_find_the_next_goal(run_script):
    """The view's own arithmetic: to the right of the way is down for who goes right in a picture."""
    source = (
        f"eval({json.dumps((STATIC / 'plane.js').read_text() + (STATIC / 'trial_paths.js').read_text())});"
    )
    found = run_script(
        source + "const { lanes, towards, nearest } = course.trial_paths;"
        "output = [lanes([[0, 0], [10, 0], [10, 0], [0, 0]], 2), lanes([[5, 5]], 2),"
        " lanes([[0, 0], [10, 0], [10, 10]], 2),"
        " input.ways.map((way) => towards(input.goals, 0, way)), nearest(input.goals, [0.9, 0.2])];",
        goals=GOALS.tolist(),
        ways=[[1, 0], [-1, 0], [0, -1]],
    )
    assert found[0] == [[0, 2], [10, 2], [10, -2], [0, -2]]
    assert found[1:] == [[[5, 5]], [[0, 2], [8, 2], [8, 10]], [1, 0, 2], 2]
