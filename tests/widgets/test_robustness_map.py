import base64
import threading
import time

import numpy as np
import pytest

from course_lib.core.playback import Clip, Geom, Scene
from course_lib.widgets.robustness_map import Axis, RobustnessMap, coarse_to_fine, ink_on, trained

SCENE = Scene(
    name="stick",
    bodies=("torso",),
    geoms=(Geom(body=0, start=(0.0, 0.0), end=(0.0, 0.5), radius=0.07, name="torso"),),
)
ROWS = Axis(name="torso_mass", values=[3, 4, 5, 6, 7], range=(4, 6))
COLUMNS = Axis(name="ground_friction", values=[0.5, 1.0, 1.5, 2.0])


def plane(params, policy):
    """A return that names its cell, and the policy."""
    return 1000 * (policy or 1) + 10 * params["torso_mass"] + params["ground_friction"]


def clips(params, policy, pieces=3):
    for _ in range(pieces):
        yield Clip(
            pose=np.full((1, 4, 1, 3), params["torso_mass"], np.float32),
            reward=np.full((1, 4), 0.5, np.float32),
            alive=np.ones((1, 4), bool),
            dt=0.04,
        )


class Bench:
    """A map without a browser: feeds the messages that one would send, collects the answers."""

    def __init__(self, evaluate=plane, play=clips, **options):
        self.map = RobustnessMap(SCENE, evaluate, play, **{"rows": ROWS, "columns": COLUMNS, **options})
        self.sent = []
        self.map.send = lambda content, buffers=None: self.sent.append((content, buffers))

    def says(self, **content):
        self.map._handle_custom_msg(content, [])

    def of(self, kind):
        return [content for content, _ in list(self.sent) if content["type"] == kind]

    def cells(self, policy):
        """What a front end would hold of that policy."""
        held = np.full(self.map.values[policy].shape, np.nan)
        for content, buffers in list(self.sent):
            if content["type"] == "cells" and content["policy"] == policy:
                held.ravel()[content["at"]] = np.frombuffer(buffers[0], "<f8")
        return held

    def wait(self, condition, seconds=5.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "nothing came"
            time.sleep(0.005)


@pytest.fixture
def bench():
    benches = []

    def make(*args, **options):
        benches.append(Bench(*args, **options))
        return benches[-1]

    yield make
    for one in benches:
        one.map.close()


def expected(policy=1):
    return plane(
        {"torso_mass": np.array(ROWS.values)[:, None], "ground_friction": np.array(COLUMNS.values)}, policy
    )


def test_every_cell_gets_the_return_of_its_own_parameters(bench):
    one = bench(chunk=3)
    assert one.sent == [], "nothing is computed before it is shown"
    one.says(type="ready")
    one.wait(lambda: np.isfinite(one.cells("policy")).all())
    np.testing.assert_array_equal(one.cells("policy"), expected())
    first = next(content["at"] for content in one.of("cells") if content["at"])
    assert first[0] == 0 and len(first) <= 3


def test_repeats_are_averaged_and_asked_for_in_one_call(bench):
    sizes = []

    def noisy(params, policy):
        n = len(params["torso_mass"])
        sizes.append(n)
        return plane(params, policy) + np.resize([-1.0, 1.0], n)

    values = bench(noisy, repeats=2, chunk=4).map.fill(timeout=5)
    np.testing.assert_allclose(values, expected())
    assert max(sizes) <= 8 and sum(sizes) == 2 * values.size


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 9), (13, 13), (3, 30), (2, 3)])
def test_coarse_to_fine_visits_each_cell_once_and_the_corners_of_each_block_first(shape):
    levels = coarse_to_fine(*shape)
    assert sorted(np.concatenate(levels)) == list(range(shape[0] * shape[1]))
    assert 0 in levels[0]
    assert len(levels[0]) <= 16 or shape[0] * shape[1] <= 16
    seen = set()
    for k, level in enumerate(levels):
        stride = 2 ** (len(levels) - 1 - k)
        seen |= set(level)
        coarse = [r * shape[1] + c for r in range(0, shape[0], stride) for c in range(0, shape[1], stride)]
        assert seen == set(coarse)


def test_a_rollout_goes_before_the_rest_of_the_map_and_names_its_cell(bench):
    asked = []

    def slow(params, policy):
        time.sleep(0.05)
        return plane(params, policy)

    def play(params, policy):
        asked.append(params)
        yield from clips(params, policy)

    one = bench(slow, play, chunk=1)
    one.says(type="ready")
    one.wait(lambda: len(one.of("cells")) >= 3)
    one.says(type="play", id="v:1", policy="policy", row=4, column=1)
    one.wait(lambda: one.of("end"))
    assert asked == [{"torso_mass": 7.0, "ground_friction": 1.0}]
    assert [piece["start"] for piece in one.of("piece")] == [0, 4, 8]
    assert {piece["id"] for piece in one.of("piece")} == {"v:1"}
    assert np.isnan(one.cells("policy")).any(), "the map was not finished first"
    one.wait(lambda: np.isfinite(one.cells("policy")).all())


def test_of_many_clicks_the_newest_wins(bench):
    def slow(params, policy):
        for clip in clips(params, policy, pieces=5):
            time.sleep(0.02)
            yield clip

    one = bench(play=slow)
    one.map.fill(timeout=5)
    for i in range(20):
        one.says(type="play", id=f"v:{i}", policy="policy", row=i % 5, column=0)
        time.sleep(0.002)
    one.wait(lambda: one.of("end"))
    time.sleep(0.1)
    assert [end["id"] for end in one.of("end")] == ["v:19"]
    assert len(one.of("piece")) < 5 + 10


def test_another_policy_goes_first_and_nothing_is_computed_twice(bench):
    calls = []

    def slow(params, policy):
        calls.extend(
            (policy, m, f) for m, f in zip(params["torso_mass"], params["ground_friction"], strict=True)
        )
        time.sleep(0.03)
        return plane(params, policy)

    one = bench(slow, policies={"one": 1, "two": 2}, chunk=2)
    one.says(type="ready")
    one.wait(lambda: len(one.of("cells")) >= 4)
    one.says(type="policy", policy="two")
    one.wait(lambda: np.isfinite(one.cells("two")).all())
    assert np.isnan(one.cells("one")).any()
    np.testing.assert_array_equal(one.cells("two"), expected(2))
    np.testing.assert_array_equal(one.map.fill("one", timeout=5), expected(1))
    assert len(calls) == len(set(calls)) == 40
    one.sent.clear()
    one.says(type="ready")
    np.testing.assert_array_equal(one.cells("one"), expected(1))
    np.testing.assert_array_equal(one.cells("two"), expected(2))


def test_everything_runs_on_one_thread(bench):
    threads = set()

    def evaluate(params, policy):
        threads.add(threading.get_ident())
        return plane(params, policy)

    def play(params, policy):
        threads.add(threading.get_ident())
        yield from clips(params, policy)

    one = bench(evaluate, play)
    one.map.fill(timeout=5)
    one.says(type="play", id="v:1", policy="policy", row=0, column=0)
    one.wait(lambda: one.of("end"))
    assert len(threads) == 1 and threading.get_ident() not in threads


def test_errors_are_told_and_choosing_the_policy_again_tries_again(bench):
    broken = [True]

    def evaluate(params, policy):
        if broken[0]:
            raise FloatingPointError("a simulation diverged")
        return plane(params, policy)

    one = bench(evaluate)
    with pytest.raises(FloatingPointError, match="diverged"):
        one.map.fill(timeout=5)
    error = one.of("error")[0]
    assert error["what"] == "map" and error["message"] == "FloatingPointError: a simulation diverged"
    assert "evaluate" in error["details"]
    time.sleep(0.1)
    assert len(one.of("error")) == 1, "not tried over and over"
    broken[0] = False
    one.says(type="policy", policy="policy")
    one.wait(lambda: np.isfinite(one.cells("policy")).all())


def test_a_rollout_that_fails_is_told_and_the_map_goes_on(bench):
    def play(params, policy):
        raise ValueError("torso_mass must be above 0")
        yield

    one = bench(play=play)
    one.says(type="play", id="v:1", policy="policy", row=0, column=0)
    one.wait(lambda: one.of("error"))
    assert one.of("error")[0]["what"] == "rollout" and one.of("error")[0]["id"] == "v:1"
    one.wait(lambda: np.isfinite(one.cells("policy")).all())


def test_wrong_shape_of_returns_is_named(bench):
    with pytest.raises(ValueError, match=r"one return for each of \d+ conditions, got shape \(\)"):
        bench(lambda params, policy: np.float64(1.0)).map.fill(timeout=5)


def test_a_cell_without_a_return_does_not_stop_the_map(bench):
    def diverges(params, policy):
        return np.where(params["torso_mass"] == 5, np.nan, plane(params, policy))

    values = bench(diverges).map.fill(timeout=5)
    assert np.isnan(values[2]).all() and np.isfinite(np.delete(values, 2, axis=0)).all()


def test_known_results_are_shown_and_not_computed_again(bench):
    known = np.full((5, 4), np.nan)
    known[0] = 7.0
    calls = []

    def evaluate(params, policy):
        calls.extend(params["torso_mass"])
        return plane(params, policy)

    values = bench(evaluate, known={"policy": known}).map.fill(timeout=5)
    assert (values[0] == 7.0).all() and 3.0 not in calls and len(calls) == 16


def test_poster_and_words_stand_in_where_no_kernel_answers(bench):
    one = bench()
    data, _ = one.map._repr_mimebundle_()
    assert "nothing computed yet" in data["text/plain"] and "image/png" not in data
    one.map.fill(timeout=5)
    data, _ = one.map._repr_mimebundle_()
    assert "highest 1072 at torso mass 7 kg, ground friction 2" in data["text/plain"]
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert b"<svg" in one.map.picture("svg")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": ROWS}, "choose two parameters"),
        ({"policies": {}}, "policies is empty"),
        ({"repeats": 0}, "at least 1, got 0"),
        ({"limits": (3, 3)}, "low < high"),
        ({"known": {"polcy": np.zeros((5, 4))}}, "did you mean 'policy'"),
        ({"known": {"policy": np.zeros((4, 5))}}, r"shape \(4, 5\), the map is \(5, 4\)"),
    ],
)
def test_mistakes_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        Bench(**options)


@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ({"values": []}, "finite numbers"),
        ({"values": [1.0, float("nan")]}, "finite numbers"),
        ({"values": [2.0, 1.0]}, "sort them"),
        ({"values": [1.0], "range": (3, 2)}, "low < high"),
    ],
)
def test_mistakes_in_an_axis_are_named(axis, words):
    with pytest.raises(ValueError, match=words):
        Axis(name="torso_mass", **axis)


def test_unknown_policy_is_refused(bench):
    one = bench(policies={"ensemble": 1})
    with pytest.raises(ValueError, match="did you mean 'ensemble'"):
        one.map.fill("ensembel")
    with pytest.raises(ValueError, match="did you mean 'ensemble'"):
        one.map.policy = "ensembel"


def test_training_range_is_outlined_around_the_cells_inside():
    assert trained(ROWS) == (0.5, 3.5)
    assert trained(COLUMNS) == (-0.5, 3.5)
    assert trained(Axis(name="a", values=[1.0, 2.0], range=(5, 6))) is None


def test_numbers_stand_out_on_every_colour_of_the_map(bench):
    def luminance(rgb):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
        return float(np.dot((0.2126, 0.7152, 0.0722), linear))

    lightness = []
    for colour in bench().map.colours:
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        ink = 0.0 if ink_on(rgb) == "#000000" else 1.0
        low, high = sorted((luminance(rgb), ink))
        assert (high + 0.05) / (low + 0.05) >= 4.5
        lightness.append(luminance(rgb))
    assert (np.diff(lightness) > 0).all(), "lightness alone orders the values: no colour vision is needed"
