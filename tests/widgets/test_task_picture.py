"""Task picture without a browser: what is sent, refused and said, and how a turned task is shown."""

import json
from dataclasses import replace

import pytest

from course_lib.widgets.module import STATIC
from course_lib.widgets.task_picture import Difference, Kind, Task, TaskPicture

MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1)]
HERE, THERE = Task(goal=(-2, 1), moves=MOVES), Task(goal=(1, 2), moves=MOVES, turned=[[0, 1], [-1, 0]])
KINDS = {
    "forward": Kind(says="One task.", carries="a policy", many=False),
    "meta": Kind(says="To learn.", carries="how to learn"),
}
PLACES = Difference(
    says="Goals differ.",
    tasks=[HERE, THERE],
    returns={"meta": [-9.0, -5.0, -3.0, -3.0], "forward": [-20.0, -19.0, -12.0, -9.0]},
    course={"forward": "01", "meta": "08"},
)


@pytest.fixture
def picture():
    made = []

    def make(difference=PLACES, **options):
        values = {"best": -3.0, "nothing": -16.5, "few": 3} | options
        made.append(TaskPicture({"goals": difference}, KINDS, **values))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_all_that_the_switches_show_is_sent_in_the_order_of_the_kinds(picture):
    data = picture().data
    sent = data["differences"]["goals"]
    assert list(sent["returns"].items()) == [
        ("forward", [-20.0, -19.0, -12.0, -9.0]),
        ("meta", [-9.0, -5.0, -3.0, -3.0]),
    ]
    assert sent["tasks"][1] == {
        "goal": [1, 2],
        "moves": [list(m) for m in MOVES],
        "turned": [[0, 1], [-1, 0]],
    }
    assert data["kinds"]["forward"] == {
        "says": "One task.", "carries": "a policy", "many": False, "told": False,
    }  # fmt: skip
    json.dumps(data, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"returns": {"forward": [0, 0, 0, 0], "mete": [0, 0, 0, 0]}}, "no kind 'mete': did you mean 'meta'"),
        ({"course": {"forward": "01"}}, "course of 'goals' lacks 'meta'"),
        ({"returns": {"forward": [0, 0, 0, 0], "meta": [0, 0]}}, r"got lengths \[2, 4\]"),
        ({"tasks": [HERE]}, "needs a source and a target, got 1 tasks"),
        ({"tasks": [HERE, replace(HERE, goal=(3, 0))]}, r"within 2 cells of the middle, got \(3, 0\)"),
        ({"tasks": [HERE, replace(HERE, turned=[[1, 0], [0, 0]])]}, "turned must be a turn or a mirror"),
    ],
)
def test_a_difference_that_does_not_fit_is_refused(picture, change, words):
    with pytest.raises(ValueError, match=words):
        picture(replace(PLACES, **change))


@pytest.mark.parametrize(
    ("options", "words"),
    [({"side": 4}, "side must be odd"), ({"few": 1}, "few = 1"), ({"few": 4}, "at least few = 4")],
)
def test_wrong_choices_are_refused(picture, options, words):
    with pytest.raises(ValueError, match=words):
        picture(**options)


def test_words_picture_and_page_stand_in(picture):
    one = picture(title="What?")
    assert str(one) == (
        "What?\ngoals: forward -20.0, -19.0, -9.0; meta -9.0, -5.0, -3.0.\n"
        "Return after 0, 1 and 3 tries in the target; the best is -3."
    )
    other = picture(replace(PLACES, returns=PLACES.returns | {"meta": [-1.0] * 4}))
    assert one.picture().startswith(b"\x89PNG") and one.picture() != other.picture()
    assert "course.task_picture" in one._repr_mimebundle_()[0]["text/html"]


def test_the_view_turns_goal_moves_and_upper_edge_together(run_script):
    """A quarter turn to the right: what was above is on the right; switches go round."""
    script = (STATIC / "task_picture.js").read_text()
    found = run_script(
        f"eval({json.dumps(script)}); const {{ seen, along }} = course.task_picture;"
        "output = [input.tasks.map(seen), [along(0, 3, -1), along(2, 3, 1), along(1, 3, 1)]];",
        tasks=[
            {"goal": [-2, 1], "moves": MOVES, "turned": [[1, 0], [0, 1]]},
            {"goal": [-2, 1], "moves": MOVES, "turned": [[0, 1], [-1, 0]]},
        ],
    )
    (plain, turned), places = found
    assert plain == {"goal": [-2, 1], "moves": [list(m) for m in MOVES], "top": [-1, 0]}
    assert turned["goal"] == [1, 2]
    assert turned["moves"] == [[0, 1], [1, 0], [0, -1], [-1, 0]] and turned["top"] == [0, 1]
    assert places == [2, 0, 2]
