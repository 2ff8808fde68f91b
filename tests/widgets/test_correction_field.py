"""The correction field without a browser: what it computes, what it refuses, and its static picture."""

import base64
import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from course_lib.core.tabular_correction import Comparison, Outcome
from course_lib.envs import gridworld
from course_lib.widgets.correction_field import FULL, WAYS, CorrectionField, in_words, strength, wedge
from course_lib.widgets.module import STATIC, module


@pytest.fixture
def field():
    fields = []

    def make(compute=gridworld.compare, pair=gridworld.wall_in_target, **options):
        fields.append(CorrectionField(compute, *pair(), **options))
        return fields[-1]

    yield make
    for one in fields:
        one.close()


def wait(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.005)


def settled(field):
    wait(lambda: field.answer["of"] == field.target)
    return field.answer


def test_the_picture_holds_what_compute_said(field):
    source, target = gridworld.wall_in_target()
    answer, expected = field().answer, gridworld.compare(source, target)
    np.testing.assert_allclose(np.reshape(answer["correction"], (80, 4)), expected.correction, atol=1e-4)
    np.testing.assert_allclose(answer["source_value"], expected.source_value, atol=1e-4)
    np.testing.assert_allclose(answer["target_value"], expected.target_value, atol=1e-4)
    assert [o["target_path"] for o in answer["outcomes"]] == [o.target_path for o in expected.outcomes]
    json.dumps(answer, allow_nan=False)


def test_another_target_is_computed_with_its_own_walls_friction_and_shots(field):
    asked = []

    def compute(source, target, shots):
        asked.append((source, target, shots))
        return gridworld.compare(source, target, shots)

    one = field(compute)
    one.target = {"walls": [[4, 5], [0, 0]], "friction": 0.5, "shots": 100}
    settled(one)
    source, target, shots = asked[-1]
    assert source == gridworld.wall_in_target()[0]
    assert target.walls == {(0, 0), (4, 5)} and shots == 100
    assert target.mud_friction == 0.5 and target.friction == source.friction
    assert one.target["walls"] == [[0, 0], [4, 5]], "in reading order, so that equal rooms are equal"


def test_without_mud_the_whole_rooms_friction_is_turned(field):
    def bare():
        return tuple(gridworld.GridworldParams.drawn("S.G", friction=f) for f in (0.1, 0.2))

    asked = []

    def compute(source, target, shots):
        asked.append(target)
        return gridworld.compare(source, target, shots)

    one = field(compute, bare)
    assert one.room["friction"] == 0.1 and one.target["friction"] == 0.2
    one.target = {**one.target, "friction": 0.7}
    settled(one)
    assert asked[-1].friction == 0.7 and asked[-1].mud_friction == 0.05


def test_a_fast_hand_leaves_out_what_it_has_passed(field):
    calls = []

    def slow(source, target, shots):
        calls.append(target.mud_friction)
        time.sleep(0.05)
        return gridworld.compare(source, target, shots)

    one = field(slow)
    for friction in np.linspace(0.1, 0.9, 33).round(3):
        one.target = {**one.target, "friction": float(friction)}
    assert settled(one)["of"]["friction"] == 0.9
    assert calls[-1] == 0.9 and len(calls) < 20


def test_an_error_is_said_and_the_last_picture_stays(field):
    def compute(source, target, shots):
        if shots == 10:
            raise FloatingPointError("nothing to learn from")
        return gridworld.compare(source, target, shots)

    one = field(compute)
    before = one.answer
    one.target = {**one.target, "shots": 10}
    wait(lambda: one.problem)
    assert one.problem == "FloatingPointError: nothing to learn from" and one.answer == before
    one.target = {**one.target, "shots": 100}
    wait(lambda: not one.problem)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"walls": [[3, 1]]}, r"start \(3, 1\) is a wall"),
        ({"walls": [[8, 0]]}, "walls must lie inside 8 x 10"),
        ({"friction": 1.0}, r"mud_friction must be in \[0, 1\), got 1.0"),
        ({"shots": 7}, r"shots must be 0 \(exact\) or one of \[10, .*\], got 7"),
        ({"ice": 1}, "target must have walls, friction and shots"),
    ],
)
def test_an_impossible_target_is_refused_and_nothing_changes(field, change, words):
    one = field()
    before = one.target
    with pytest.raises(ValueError, match=words):
        one.target = {**before, **change}
    assert one.target == before


def test_rooms_that_do_not_fit_and_shots_that_fall_are_refused():
    source, target = gridworld.wall_in_target()
    other = gridworld.GridworldParams.drawn("S.G")
    with pytest.raises(ValueError, match="rows must be the same in both rooms, got 8 and 1"):
        CorrectionField(gridworld.compare, source, other)
    with pytest.raises(ValueError, match=r"shots must be positive and rise, got \[100, 10\]"):
        CorrectionField(gridworld.compare, source, target, shots=(100, 10))


def test_the_round_trip_is_fast_enough_for_a_moving_hand(field):
    """8 x 10 cells in a few milliseconds; the bound is what a busy machine still keeps."""
    one = field()
    times = []
    for friction in np.linspace(0.1, 0.9, 20):
        value = {**one.target, "friction": float(friction)}
        start = time.perf_counter()
        one._computed(value)
        times.append(1e3 * (time.perf_counter() - start))
    print(f"compute: median {np.median(times):.1f} ms, 95 % {np.quantile(times, 0.95):.1f} ms")
    assert np.min(times) < 20


def test_an_arrowhead_points_where_the_step_leads_and_grows_with_the_correction():
    for action, (down, right) in enumerate(gridworld.MOVES):
        corners = wedge(2, 4, action, -FULL) - (4.5, 2.5)
        tip = corners[np.argmax(np.abs(corners).max(axis=1))]
        np.testing.assert_allclose(tip, (0.48 * right, 0.48 * down), atol=1e-12)
        assert np.abs(corners).max() <= 0.5

    def area(delta):
        (x0, y0), (x1, y1), (x2, y2) = wedge(0, 0, 1, delta)
        return abs((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)) / 2

    assert area(0.1) < area(-1.0) < area(10.0) == pytest.approx(area(-30.0))
    assert strength(0.0) == 0.0 and strength(-FULL / 4) == 0.5 and strength(1e9) == 1.0


def test_words_for_every_fate():
    base = {"name": "x", "source_path": [0], "target_path": [0], "expected_return": -12.34}
    assert in_words(Outcome(arrival=1.0, **base)) == "return -12.3"
    assert in_words(Outcome(arrival=0.0, **base)) == "return -12.3, never arrives"
    assert in_words(Outcome(arrival=0.25, **base)) == "return -12.3, arrives 25%"


def test_where_no_script_runs_a_picture_and_words_stand_in(field):
    one = field()
    data, _ = one._repr_mimebundle_()
    picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert picture.width >= 1000
    assert "known exactly" in data["text/plain"] and "source only: return -100.0, never" in data["text/plain"]
    one.target = {**one.target, "shots": 1000}
    settled(one)
    assert "estimated from 1000 target transitions" in str(one)
    assert one.picture() != base64.b64decode(data["image/png"])
    assert b"<svg" in one.picture("svg")


def test_any_comparison_can_be_shown(field):
    """Positive corrections, a way of one state, a chance of arriving: nothing of it needs a gridworld."""

    def compute(source, target, shots):
        stuck = Outcome(name="a", source_path=[31], target_path=[31], expected_return=-5.0, arrival=0.3)
        values = np.linspace(-9, 0, 80)
        return Comparison(
            correction=np.full((80, 4), 2.0), source_value=values, target_value=values, outcomes=(stuck,) * 3
        )

    assert field(compute).picture()[:4] == b"\x89PNG"


def test_script_and_picture_agree_on_what_they_draw():
    script = (STATIC / "correction_field.js").read_text(encoding="utf-8")
    assert f"FULL = {FULL:g}, VISIBLE = 0.02" in script
    shifts = [f"shift: {shift:g} " for _, _, shift in WAYS]
    assert all(shift in script for shift in shifts), shifts
    assert "course.correction_field = { create, render }" in module("correction_field")
