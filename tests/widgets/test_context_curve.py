"""The context curve without a browser: what it computes, says, refuses and draws."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from course_lib.core.evaluation import mean_with_interval
from course_lib.widgets.context_curve import (
    MOST_REFERENCES,
    REFERENCE_STYLES,
    ContextCurve,
    Curve,
    baked,
    in_words,
    isolated,
    over_runs,
    regions,
    sentence,
)
from course_lib.widgets.module import STATIC, module

X = np.linspace(0.0, 4.0, 9)


def runs(height, count=5, seed=0):
    """Runs whose mean over each context is exactly `height`."""
    noise = np.random.default_rng(seed).normal(size=(count, len(X)))
    return height + noise - noise.mean(axis=0)


@pytest.fixture
def curves():
    return {
        "1": Curve(values=runs(-100 * np.abs(X - 2)), trained=[2.0]),
        "3": Curve(values=runs(np.where((X >= 1) & (X <= 3), -10.0, -50.0)), trained=[1.0, 2.0, 3.0]),
        "all": Curve(values=runs(np.full(9, -20.0)), trained_range=(1.0, 3.0)),
    }


def test_mean_and_interval_are_those_over_the_runs(curves):
    curve = curves["3"]
    one = baked(X, curve, "return", "m/s")
    np.testing.assert_allclose(one["mean"], np.where((X >= 1) & (X <= 3), -10.0, -50.0))
    for column in (0, 4):
        expected = mean_with_interval(curve.values[:, column], np.random.default_rng(0))
        assert (one["low"][column], one["high"][column]) == (expected.low, expected.high)
    assert one == baked(X, curve, "return", "m/s"), "the same runs, the same picture"
    json.dumps(one, allow_nan=False)
    single = over_runs(np.array([3.0]))
    assert (single.mean, single.low, single.high) == (3.0, 3.0, 3.0)


def test_every_context_is_trained_inside_or_outside(curves):
    found = regions(X, curves["3"])
    assert X[found["trained"]].tolist() == [1.0, 2.0, 3.0]
    assert X[found["inside"]].tolist() == [1.5, 2.5]
    assert X[found["outside"]].tolist() == [0.0, 0.5, 3.5, 4.0]
    assert X[regions(X, curves["all"])["inside"]].tolist() == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert not regions(X, curves["1"])["inside"].any()
    for curve in curves.values():
        assert (sum(mask.astype(int) for mask in regions(X, curve).values()) == 1).all()


def test_the_sentence_keeps_trained_between_and_outside_apart(curves):
    words = sentence(X, curves["3"], "return", "m/s")
    assert words.startswith("Trained on 3 tasks from 1 to 3 m/s. Mean return: there −10.0 [")
    assert "between them, never trained on −10.0 [" in words and ", outside −50.0 [" in words
    assert "Trained on 1 task, 2 m/s." in sentence(X, curves["1"], "return", "m/s")
    assert "between" not in sentence(X, curves["1"], "return", "m/s")
    words = sentence(X, curves["all"], "return", "")
    assert words.startswith("Trained on all of 1 to 3. Mean return: inside that range −20.0 [")
    assert sentence(X, Curve(values=runs(X)), "return", "").startswith("Trained on no context.")


def test_what_was_not_measured_is_nowhere():
    values = runs(np.full(9, -5.0))
    values[:, [0, 1, 3, 5, 6, 7, 8]] = np.nan
    one = baked(X, Curve(values=values), "return", "")
    assert [i for i, mean in enumerate(one["mean"]) if mean is not None] == [2, 4]
    assert isolated(values[0]).tolist() == [i in (2, 4) for i in range(9)]
    assert isolated(np.array([1.0, 2.0, np.nan, 3.0])).tolist() == [False, False, False, True]
    with pytest.raises(ValueError, match="NaN in a whole column or nowhere"):
        Curve(values=np.array([[1.0, np.nan], [1.0, 2.0]]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contexts": [0.0, 0.0, 1.0]}, "at least two rising numbers"),
        ({"curves": {}}, "curves is empty"),
        ({"curves": {"a": Curve(values=np.zeros((2, 8)))}}, "'a' has values at 8 contexts, but there are 9"),
        ({"references": {str(i): np.zeros((1, 9)) for i in range(4)}}, "at most 3 references"),
        ({"shown": "7"}, "shown must be one of 1, 3, all, got '7'"),
    ],
)
def test_impossible_curves_are_refused(curves, change, words):
    with pytest.raises(ValueError, match=words):
        ContextCurve(**{"contexts": X, "curves": curves, **change})
    with pytest.raises(ValueError, match="low <= high"):
        Curve(values=np.zeros((1, 9)), trained_range=(3.0, 1.0))


def test_the_choice_changes_words_and_picture(curves):
    one = ContextCurve(X, curves, {"not told": runs(np.full(9, -80.0))}, unit="m/s", shown="3")
    data, _ = one._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width >= 1000
    assert data["text/plain"].startswith("Training tasks 3. Trained on 3 tasks")
    assert "<iframe" in data["text/html"] and "srcdoc" in data["text/html"]
    one.shown = "all"
    assert "Trained on all of 1 to 3 m/s" in str(one)
    assert base64.b64decode(data["image/png"]) != one.picture()
    one.close()


def test_the_page_needs_nothing_else(curves, tmp_path):
    one = ContextCurve(X, curves, title="A <b> title")
    page = one.save(tmp_path / "curve.html").read_text(encoding="utf-8")
    assert "<title>A &lt;b&gt; title</title>" in page and '"shown":"1"' in page
    assert 'src="http' not in page
    one.close()


def test_script_and_library_say_the_same_numbers(curves, run_script):
    script = (STATIC / "context_curve.js").read_text(encoding="utf-8")
    one = baked(X, curves["3"], "return", "")
    statements = (
        script
        + """
    const { reading, place } = course.context_curve;
    output = input.contexts.map((context, i) => [reading(input.one, i), place(input.one, context)]);
    """
    )
    output = run_script(statements, one=one, contexts=X.tolist())
    places = {"trained": "trained on", "inside": "never trained on, inside", "outside": "outside the trained"}
    found = regions(X, curves["3"])
    for i, (words, place) in enumerate(output):
        assert words == in_words(over_runs(curves["3"].values[:, i]))
        (name,) = [name for name, mask in found.items() if mask[i]]
        assert place.startswith(places[name])
    assert len(REFERENCE_STYLES) == MOST_REFERENCES
    assert "course.context_curve = { create, render" in module("live_curve", "context_curve")
