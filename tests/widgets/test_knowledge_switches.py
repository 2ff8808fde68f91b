"""The knowledge switches without a browser: what is tried once, sent and refused; words and picture."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from course_lib.widgets.knowledge_switches import GridPair, KnowledgeSwitches, called, summary
from course_lib.widgets.module import STATIC

RIGHT, LEFT = (0, 1), (0, -1)


def room(walls=(), goal=(0, 2)):
    return SimpleNamespace(rows=1, columns=4, walls=frozenset(walls), start=(0, 0), goal=goal)


def pair(**change) -> GridPair:
    links = np.eye(4, k=1) > 0
    return GridPair(
        **{
            "source": room(),
            "target": room(walls=[(0, 1)], goal=(0, 3)),
            "moves": [RIGHT, LEFT],
            "target_moves": [LEFT, RIGHT],
            "values": np.array([-2.0, -1.0, 0.0, 0.0]),
            "policy": np.array([[1, 0], [1, 0], [0.5, 0.5], [0, 1]]),
            "links": links | links.T | np.eye(4, dtype=bool),
            "features": np.array([[2.0, -1.0, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]]).T,
        }
        | change
    )


def trial(name, pieces):
    """Each piece saves ten steps; without any, one of two learners fails."""
    return SimpleNamespace(steps=np.array([50, 70]) - 10 * len(pieces), solved=np.array([True, bool(pieces)]))


@pytest.fixture
def widget():
    made = []

    def make(trial=trial, pairs=None, **options):
        made.append(KnowledgeSwitches(pairs or {"wall": pair(), "goal": pair()}, trial, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_pair_is_sent_as_it_is_drawn():
    found = pair().to_json("wall")
    assert found["rooms"][1] == {
        "walls": [[0, 1]],
        "start": [0, 0],
        "goal": [0, 3],
        "moves": [[0, -1], [0, 1]],
    }
    assert found["arrows"] == [[0], [0], [], [1]], "no arrow where nothing is preferred"
    assert found["links"] == [[0, 1], [1, 2], [2, 3]], "each link once, none from a cell to itself"
    assert found["features"] == [[1.0, -0.5, 0.25, 0.0], [0.0] * 4]


def test_summary_by_hand():
    found = summary(SimpleNamespace(steps=np.array([10, 20, 30]), solved=np.array([True, True, False])))
    assert found == {"mean": 20.0, "half": pytest.approx(1.96 * 10 / np.sqrt(3)), "solved": 2, "of": 3}
    with pytest.raises(
        ValueError, match=r"steps and solved must be \[R\] of 2 or more, got \(1,\) and \(1,\)"
    ):
        summary(SimpleNamespace(steps=np.array([1]), solved=np.array([True])))
    assert called(()) == "Nothing" and called(("values", "model")) == "Q-function + Model"


def test_every_choice_is_tried_once_and_compared_with_nothing(widget, settled):
    asked = []

    def counted(name, pieces):
        asked.append((name, pieces))
        return trial(name, pieces)

    one = widget(counted, pieces=["model"])
    assert asked == [("wall", ()), ("wall", ("empty model",)), ("wall", ("model",))]
    settled(one, pieces=["features", "values"])
    assert one.answer["of"]["pieces"] == ["values", "features"], "always in one order"
    settled(one, pair="goal", pieces=[])
    answer = settled(one, pair="wall", pieces=["model"])
    assert asked[3:] == [("wall", ("all alike",)), ("wall", ("values", "features")), ("goal", ())]
    assert [row["pieces"] for row in answer["tried"]["wall"]] == [
        [],
        ["empty model"],
        ["model"],
        ["all alike"],
        ["values", "features"],
    ]
    assert [row["mean"] for row in answer["tried"]["wall"]] == [60, 50, 50, 50, 40]
    settled(one, pieces=["features", "model"])
    assert asked[6:] == [("wall", ("model", "features"))], "both controls stand there by now"
    json.dumps([one.fixed, answer], allow_nan=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"pair": "wal"}, "no pair named 'wal': did you mean 'wall'"),
        ({"pieces": ["modle"]}, "no piece named 'modle': did you mean 'model'"),
        ({"speed": 1}, "request must have pair and pieces"),
    ],
)
def test_an_impossible_request_is_refused(widget, change, words):
    one = widget()
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": np.zeros(3)}, r"values of 'wall' must be \(4,\), got \(3,\)"),
        ({"policy": np.zeros((4, 3))}, r"policy of 'wall' must be \(4, 2\), got \(4, 3\)"),
        ({"links": np.zeros((4, 3), bool)}, r"links of 'wall' must be \(4, 4\)"),
        ({"features": np.zeros((3, 2))}, r"features of 'wall' must be \[4, F\], got \(3, 2\)"),
        ({"target_moves": [RIGHT]}, r"target_moves of 'wall' must be \(2, 2\), got \(1, 2\)"),
        ({"target": SimpleNamespace(rows=2, columns=4)}, "one size, got 1 x 4 and 2 x 4"),
    ],
)
def test_knowledge_that_does_not_fit_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        pair(**change).to_json("wall")


def test_there_must_be_a_pair_and_what_the_function_raises_is_shown(widget, settled):
    with pytest.raises(ValueError, match="at least one pair"):
        KnowledgeSwitches({}, trial)

    def fails(name, pieces):
        if "policy" in pieces:
            raise ArithmeticError("no policy")
        return trial(name, pieces)

    one = widget(fails)
    answer = settled(one, pieces=["policy"])
    assert answer["problem"]["message"] == "ArithmeticError: no policy" and len(answer["tried"]["wall"]) == 1
    assert not settled(one, pieces=["model"])["problem"]


def test_words_and_picture_show_what_was_tried(widget, settled):
    one = widget(title="Which?", pieces=["model"])
    assert (
        str(one)
        == "Which? Wall, steps: Empty model 50 ± 20; Model 50 ± 20; Nothing 60 ± 20 (solved by 1 of 2)."
    )
    before = one.picture()
    settled(one, pieces=["values", "policy", "model", "features"])
    assert one.picture() != before and before.startswith(b"\x89PNG")


def test_the_view_sorts_tells_and_pages(run_script):
    """Its own arithmetic: what a row says, and which maps there are to turn over."""
    scripts = (STATIC / "plane.js").read_text() + (STATIC / "knowledge_switches.js").read_text()
    found = run_script(
        f"eval({json.dumps(scripts)}); const {{ sorted, told, maps }} = course.knowledge_switches;"
        "const rows = [{ mean: 30.4, half: 2.6, solved: 2, of: 2 }, { mean: 20, half: 0, solved: 1, of: 2 }];"
        "output = [sorted(rows).map((row) => row.mean), rows.map(told),"
        " [[], ['values'], ['features'], ['values', 'features']].map((on) =>"
        " maps({ values: [1], features: [[2], [3]] }, on).map(({ words }) => words))];"
    )
    value, first, second = "value of each cell", "feature 1 of 2", "feature 2 of 2"
    assert found == [
        [20, 30.4],
        ["30 ± 3 steps", "over 20 ± 0 steps, 1 of 2 solved it"],
        [[], [value], [first, second], [value, first, second]],
    ]
