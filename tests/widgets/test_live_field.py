"""The live field without a browser: what it sends, what it refuses, and its static picture."""

import base64
import io
import threading
import time

import numpy as np
import pytest
from PIL import Image

from course_lib.widgets.live_field import LiveField, Snapshot, correlation
from course_lib.widgets.module import STATIC
from course_lib.widgets.robustness_map import Axis

ROWS = Axis(name="action", values=np.linspace(-1, 1, 5))
COLUMNS = Axis(name="x", values=np.linspace(-2, 1, 7), unit="m")
EXACT = np.outer(np.linspace(-1, 1, 5), np.linspace(-2, 1, 7))


def learn(samples):
    """Learns half of it, then all of it, whatever the samples."""
    for step in (0, 1, 2):
        yield Snapshot(step, step / 2 * EXACT, np.full((samples, 2), 0.5))


@pytest.fixture
def field():
    fields = []

    def make(learn=learn, **options):
        options = {"choices": (3, 10, 30), "steps": 2} | options
        fields.append(LiveField(learn, EXACT, ROWS, COLUMNS, **options))
        return fields[-1]

    yield make
    for one in fields:
        one.close()


def wait(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.005)


def numbers(data: bytes, *shape: int) -> np.ndarray:
    return np.frombuffer(data, dtype="<f4").reshape(shape)


def test_correlation_is_pearsons():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 4, 6))
    assert correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert correlation(a, 3 * a - 7) == pytest.approx(1.0) and correlation(a, -a) == pytest.approx(-1.0)
    assert correlation(a, np.full((4, 6), 2.0)) == 0.0


def test_it_waits_for_somebody_to_look_and_ends_with_what_was_learned(field):
    asked = threading.Event()

    def counted(samples):
        asked.set()
        yield from learn(samples)

    one = field(counted)
    assert not asked.wait(0.1) and one.progress["state"] == "waiting" and not one.values
    one._receive(one, {"type": "ready"}, [])
    wait(lambda: one.progress["state"] == "done")
    np.testing.assert_allclose(numbers(one.values, 5, 7), EXACT, atol=1e-6)
    np.testing.assert_array_equal(numbers(one.samples, 10, 2), 0.5)
    np.testing.assert_allclose(numbers(one.exact, 5, 7), EXACT, atol=1e-6)
    assert one.progress["step"] == 2 and one.progress["choice"] == 10
    assert one.scores == {"10": pytest.approx(1.0)}
    asked.clear()
    one._receive(one, {"type": "ready"}, [])
    assert not asked.wait(0.1), "a second view shows what is there"


def test_another_choice_begins_anew_and_the_scores_are_kept(field):
    one = field(lambda n: iter([Snapshot(2, EXACT if n > 3 else -EXACT)]))
    for choice in (3, 30):
        one.choice = choice
        wait(lambda choice=choice: one.progress["choice"] == choice and one.progress["state"] == "done")
    assert one.scores == {"3": pytest.approx(-1.0), "30": pytest.approx(1.0)}


def test_pictures_are_rationed_and_a_stop_keeps_the_last(field):
    painted = []

    def endless(_samples):
        for step in range(10**9):
            yield Snapshot(step, EXACT)
            time.sleep(0.001)

    one = field(endless)
    one.observe(lambda change: painted.append(change.new["state"]), "progress")
    began = time.monotonic()
    one.begin()
    time.sleep(0.7)
    one.stop()
    wait(lambda: one.progress["state"] == "stopped")
    assert 2 <= len(painted) <= 12 * (time.monotonic() - began) + 2
    assert one.progress["step"] > 20 and one.scores == {}


def test_an_error_is_said_and_the_next_choice_works(field):
    def failing(samples):
        if samples == 3:
            raise FloatingPointError("nothing to learn from")
        yield from learn(samples)

    one = field(failing)
    one.choice = 3
    wait(lambda: one.progress["state"] == "failed")
    assert one.progress["problem"] == "FloatingPointError: nothing to learn from"
    one.choice = 30
    wait(lambda: one.progress["state"] == "done")
    assert one.progress["problem"] == ""


def test_a_field_of_another_shape_is_refused_where_it_is_learned(field):
    one = field(lambda n: iter([Snapshot(1, np.zeros((7, 5)))]))
    one.begin()
    wait(lambda: one.progress["state"] == "failed")
    assert "must have shape (5, 7), got (7, 5)" in one.progress["problem"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"choices": ()}, "choices must rise"),
        ({"choices": (10, 3)}, r"choices must rise, got \[10, 3\]"),
        ({"choice": 7}, r"choice must be one of \[3, 10, 30\], got 7"),
    ],
)
def test_wrong_choices_are_refused(field, options, words):
    with pytest.raises(ValueError, match=words):
        field(**options)


def test_an_exact_field_that_does_not_fit_the_axes_is_refused():
    with pytest.raises(ValueError, match=r"exact must be 5 rows by 7 columns as the axes are, got \(7, 5\)"):
        LiveField(learn, EXACT.T, ROWS, COLUMNS, choices=(1,), steps=1)


def test_where_no_script_runs_a_picture_and_words_stand_in(field):
    one = field()
    data, _ = one._repr_mimebundle_()
    alone = Image.open(io.BytesIO(base64.b64decode(data["image/png"])))
    assert "Nothing has been learned yet" in data["text/plain"]
    one.begin()
    wait(lambda: one.progress["state"] == "done")
    both = Image.open(io.BytesIO(one.picture()))
    assert both.width > 1.5 * alone.width
    assert "After 2 steps on 10 samples the correlation with the exact field is 1.00" in str(one)


def test_the_script_says_numbers_in_words(run_script):
    scripts = "".join((STATIC / f"{name}.js").read_text() for name in ("live_curve", "live_field"))
    say = "course.live_field.sentence('x −1 m', 'action 0', {}, {})"
    words = run_script(f"{scripts}\noutput = [{say.format(-8.04, 'null')}, {say.format(-0.01, 2.5)}];")
    assert words == ["x −1 m, action 0: exact −8.0", "x −1 m, action 0: exact 0.0, learned 2.5"]
