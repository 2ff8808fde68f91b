"""The belief grid without a browser: what is asked, sent and refused, its words, picture and arithmetic."""

import json

import numpy as np
import pytest

from course_lib.widgets.belief_grid import BeliefGrid, Exploration
from course_lib.widgets.module import STATIC

CELLS = np.array([(1, 0), (0, 1), (1, 1)])


def explorers(goal: int, seed: int) -> dict[str, Exploration]:
    """One walks round the square and knows more with each step, the other stays and knows nothing."""
    walk = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    seen = np.array([[1, 1, 1], [0, 1, 1], [0, 1, 0], [0, 1, 0]])
    ways = {
        "walks": (walk, seen / seen.sum(axis=1, keepdims=True)),
        "stays": (0 * walk, np.full((4, 3), 1 / 3)),
    }
    return {
        name: Exploration(
            path=np.stack([way, way]),
            belief=np.stack([belief, belief]),
            rewards=np.where((way[1:] == CELLS[goal]).all(axis=1), 1.0, -0.1 * (seed + 1))[None].repeat(2, 0),
        )
        for name, (way, belief) in ways.items()
    }


@pytest.fixture
def widget():
    made = []

    def make(explorers=explorers, **options):
        made.append(BeliefGrid(explorers, **({"cells": CELLS, "side": 2} | options)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_all_episodes_of_all_explorers_are_sent_in_order(widget, settled):
    one = widget(goal=1)
    walks, stays = one.answer["explorers"]
    assert [walks["name"], stays["name"]] == ["walks", "stays"]
    assert walks["path"] == [[[0, 0], [1, 0], [1, 1], [0, 1]]] * 2
    assert walks["belief"][1] == [[0.333] * 3, [0, 0.5, 0.5], [0, 1, 0], [0, 1, 0]]
    assert walks["rewards"] == [[-0.1, -0.1, 1.0]] * 2
    assert settled(one, goal=0, seed=1)["explorers"][0]["rewards"][0] == [1.0, -0.2, -0.2]
    json.dumps(one.answer, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"goal": 3}, r"goal must be in \[0, 3\), got 3"),
        ({"seed": -1}, "seed must not be negative, got -1"),
        ({"speed": 1}, "request must have goal and seed"),
    ],
)
def test_an_impossible_request_is_refused(widget, change, words):
    one = widget()
    with pytest.raises(ValueError, match=words):
        one.request = {**one.request, **change}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cells": CELLS[0]}, r"cells must be \[C, 2\], got shape \(2,\)"),
        ({"side": 1}, r"cells must be in \[0, 1\), got 0 to 1"),
        ({"steps_a_second": 0.0}, "steps_a_second must be positive"),
        ({"goal": 7}, r"goal must be in \[0, 3\), got 7"),
    ],
)
def test_wrong_choices_are_refused(widget, options, words):
    with pytest.raises(ValueError, match=words):
        widget(**options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": np.zeros((2, 3, 2))}, r"'stays' must have path \(2, 4, 2\), .* got \(2, 3, 2\)"),
        ({"belief": np.zeros((2, 4, 25))}, r"belief \(2, 4, 3\) .* \(2, 4, 25\)"),
        ({"rewards": np.zeros((1, 3))}, r"rewards \(2, 3\), got .* \(1, 3\)"),
        ({"path": np.full((2, 4, 2), 5)}, "the path of 'stays' leaves the grid: 5 to 5"),
        ({"belief": np.full((2, 4, 3), 1.5)}, r"the belief of 'stays' must be in \[0, 1\], got 1.5 to 1.5"),
        ({"belief": np.full((2, 4, 3), np.nan)}, r"the belief of 'stays' must be in \[0, 1\]"),
    ],
)
def test_explorations_of_another_shape_are_refused(widget, change, words):
    def wrong(goal, seed):
        found = explorers(goal, seed)
        return found | {"stays": Exploration(**(vars(found["stays"]) | change))}

    with pytest.raises(ValueError, match=words):
        widget(wrong)


def test_somebody_must_explore_and_what_the_function_raises_is_shown(widget, settled):
    with pytest.raises(ValueError, match="at least one explorer"):
        widget(lambda goal, seed: {})
    with pytest.raises(ValueError, match=r"rewards must be \[E, H\], got shape \(3,\)"):
        widget(lambda goal, seed: {"one": Exploration(path=[], belief=[], rewards=np.zeros(3))})

    def fails(goal, seed):
        if goal == 2:
            raise ArithmeticError("no such goal")
        return explorers(goal, seed)

    answer = settled(widget(fails), goal=2)
    assert answer["problem"]["message"] == "ArithmeticError: no such goal" and len(answer["explorers"]) == 2


def test_words_and_picture_say_what_was_earned(widget, settled):
    one = widget(goal=1, title="Who?")
    assert str(one) == (
        "Who? It is in cell (0, 1). Return of each episode: walks 0.8, 0.8; stays -0.3, -0.3."
    )
    before = one.picture()
    settled(one, goal=0)
    assert one.picture() != before and before.startswith(b"\x89PNG")


def test_the_view_counts_steps_rewards_and_cells(run_script):
    """Its own arithmetic: two episodes of three steps are eight stops."""
    scripts = (STATIC / "plane.js").read_text() + (STATIC / "belief_grid.js").read_text()
    found = run_script(
        f"eval({json.dumps(scripts)}); const {{ moment, earned, knows, percent }} = course.belief_grid;"
        "output = [[0, 3, 4, 7].map((stop) => moment(stop, 3)),"
        " [[0, 0], [0, 2], [1, 0], [1, 3]].map(([e, t]) => earned([[1, 2, 4], [8, 16, 32]], e, t)),"
        " [[0.5, 0.5], [1, 0], [0, 0.004]].map((belief) => knows(belief, 0.005)),"
        " [0.0476, 1, 0.005].map(percent)];"
    )
    assert found[0] == [[0, 0], [0, 3], [1, 0], [1, 3]]
    assert found[1] == [[0, 0], [3, 3], [0, 7], [56, 63]]
    assert found[2] == ["2 cells possible", "believes in one cell", "believes in no cell"]
    assert found[3] == ["5", "100", "1"]
