"""The hindsight view without a browser: what it asks and counts, what it refuses, and its static picture."""

import json

import numpy as np
import pytest

from course_lib.widgets.hindsight_view import HindsightView, Stored
from course_lib.widgets.module import STATIC

WAY = np.linspace((-0.9, 0.0), (0.9, 0.3), 7)  # six transitions
GOAL = np.array([0.0, -0.8])


def relabel(strategy, k, seed):
    """Each transition once with its own goal, then k times with the state it leads to, or the last one."""
    t, goal = np.arange(6), np.tile(GOAL, (6, 1))
    if strategy != "none":
        copies = np.repeat(np.arange(6), k)
        new = WAY[-1:] if strategy == "final" else WAY[copies + 1]
        t, goal = np.concatenate([t, copies]), np.concatenate([goal, np.broadcast_to(new, (6 * k, 2))])
    reached = np.linalg.norm(WAY[t + 1] - goal, axis=1) <= 0.05
    return Stored(t, goal, reached - 1.0, reached)


@pytest.fixture
def view():
    views = []

    def make(relabel=relabel, way=WAY, **options):
        views.append(HindsightView(relabel, way, GOAL, [], (-1, -1), (1, 1), **options))
        return views[-1]

    yield make
    for one in views:
        one.close()


def test_before_is_the_episode_as_it_was(view):
    one = view(strategy="final")
    assert one.fixed["before"]["reward"] == [-1.0] * 6 and one.fixed["before"]["goal"] == [[0.0, -0.8]] * 6
    assert not any(one.fixed["before"]["terminated"])
    json.dumps([one.fixed, one.answer], allow_nan=False)


def test_strategy_k_and_seed_reach_the_function(view, settled):
    asked = []

    def counted(*question):
        asked.append(question)
        return relabel(*question)

    one = view(counted)
    one.request = {"strategy": "future", "k": 5, "seed": 3}
    answer = settled(one)
    assert asked[-1] == ("future", 5, 3) and len(answer["transition"]) == 36
    assert str(one).endswith("0 of 6 transitions carried a reward of 0; with future 30 of 36 do.")


def test_final_makes_the_last_step_a_success_k_times(view):
    answer = view(strategy="final", k=2).answer
    good = np.array(answer["reward"]) == 0
    assert good.sum() == 2 and set(np.array(answer["transition"])[good]) == {5}
    assert answer["terminated"] == good.tolist()


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"strategy": "past", "k": 1, "seed": 0}, "strategy must be one of .* got 'past'"),
        ({"strategy": "final", "k": 9, "seed": 0}, r"k must be in \[1, 8\], got 9"),
        ({"strategy": "final", "k": 1}, "request must have strategy, k and seed"),
    ],
)
def test_an_impossible_request_is_refused(view, request_, words):
    one = view()
    with pytest.raises(ValueError, match=words):
        one.request = request_


def test_shapes_that_do_not_fit_are_refused(view):
    with pytest.raises(ValueError, match=r"way must be \[T \+ 1, 2\] with T at least 1, got shape \(1, 2\)"):
        view(way=WAY[:1])
    with pytest.raises(ValueError, match=r"action must be \[6, A\], got shape \(7, 2\)"):
        view(action=np.zeros((7, 2)))
    with pytest.raises(ValueError, match='relabel\\("none", 1, 0\\) must hold each of 6 transitions once'):
        view(lambda strategy, k, seed: relabel("final", 1, 0))
    with pytest.raises(ValueError, match=r"transition must be in \[0, 6\), got 6 to 6"):
        view(lambda *_: Stored(np.array([6]), np.zeros((1, 2)), np.zeros(1), np.zeros(1, bool)))
    with pytest.raises(ValueError, match="goal, reward and terminated must be"):
        view(lambda *_: Stored(np.arange(6), np.zeros((5, 2)), np.zeros(6), np.zeros(6, bool)))


def test_the_picture_follows_the_choice(view, settled):
    one = view()
    before = one.picture()
    one.request = {"strategy": "future", "k": 2, "seed": 0}
    settled(one)
    assert one.picture() != before and before[:4] == b"\x89PNG"


def test_the_script_counts_and_places_cells(run_script):
    scripts = "".join((STATIC / f"{name}.js").read_text() for name in ("plane", "hindsight_view"))
    words, cells = run_script(
        f"{scripts}\nconst view = course.hindsight_view;"
        "const a = { reward: [-1, -1], transition: [0, 1] };"
        "const b = { reward: [-1, -1, 0], transition: [0, 1, 1] };"
        "output = [view.count(a, b), view.cells(b)];"
    )
    assert words == "0 of 2 transitions carried a reward of 0; now 1 of 3 does."
    assert cells == [{"t": 0, "row": 0}, {"t": 1, "row": 0}, {"t": 1, "row": 1}]
