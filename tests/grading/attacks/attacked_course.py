# ruff: noqa: E501
"""A small course with one assignment, ps8_doors: each question is a door that attacks are tried on.

Its tests have the shapes that real ones have: constants, hidden cases whose expected values are computed from
the arrays that the student's code got, a generator, a callback whose calls are counted, and plain values.
"""

import json
from pathlib import Path

import nbformat

from course_lib.grading.release import release_assignments

NAME = "ps8_doors"
HIDDEN = "canary-of-the-hidden-tests"
"""Stands in the hidden tests; no student's process may ever see it."""
ANSWER = "canary-of-the-solution"

SETUP = "import numpy as np"

CENTRED = '''def centred(values):
    """Values minus their mean: float64 array [N]."""
    ### BEGIN SOLUTION
    # canary-of-the-solution
    return values - values.mean()
    ### END SOLUTION'''
CENTRED_VISIBLE = """import numpy as _np
from course_lib.grading import misconceptions as _check
with _check.checking("Question 1"):
    _check.expect_close("centred", _check.call(centred, _np.array([1.0, 2.0, 6.0])), _np.array([-2.0, -1.0, 3.0]))"""
CENTRED_HIDDEN = """with _check.checking("Question 1, further cases"):
    _check.expect_close("centred", _check.call(centred, _np.array([3.0, 5.0])), _np.array([-1.0, 1.0]))
    ### BEGIN HIDDEN TESTS
    _secret = "canary-of-the-hidden-tests"
    _rng = _check.fresh_rng("q1")
    for _size in (1, 7, 12):
        _values = _rng.normal(size=_size)
        # What is expected is computed after the call, from an array that the student's code got.
        _check.expect_close("centred", _check.call(centred, _values), _values - _values.mean())
    ### END HIDDEN TESTS"""

NOISY = '''def noisy(rng, values):
    """Values plus standard normal noise, drawn from rng: float64 array [N]."""
    ### BEGIN SOLUTION
    return values + rng.normal(size=len(values))
    ### END SOLUTION'''
NOISY_HIDDEN = """with _check.checking("Question 2"):
    _generator = _np.random.default_rng
    _check.expect_close("noisy", _check.call(noisy, _generator(3), _np.zeros(4)), _generator(3).normal(size=4))
    ### BEGIN HIDDEN TESTS
    _rng = _check.fresh_rng("q2")
    for _seed in _rng.integers(2**63, size=3):
        _values = _rng.normal(size=5)
        _check.expect_close(
            "noisy", _check.call(noisy, _generator(_seed), _values), _values + _generator(_seed).normal(size=5)
        )
    ### END HIDDEN TESTS"""

BEST = '''def best(evaluate, candidates):
    """Position (an int) of the candidate for which evaluate(candidates) is greatest; one call of evaluate."""
    ### BEGIN SOLUTION
    return int(np.argmax(evaluate(candidates)))
    ### END SOLUTION'''
BEST_HIDDEN = """def _examine_best(candidates, shift):
    calls = []

    def evaluate(x):
        x = _np.asarray(x, dtype=float)
        if x.shape != candidates.shape:
            raise ValueError(f"evaluate wants {len(candidates)} candidates, got shape {x.shape}")
        calls.append(x)
        return -((x - shift) ** 2)

    seen = _check.call(best, evaluate, candidates)
    expected = int(_np.argmin((candidates - shift) ** 2))
    assert seen == expected, f"best returned {_check.show(seen)}, expected {expected}."
    assert len(calls) == 1, f"evaluate was called {len(calls)} times, expected once."


with _check.checking("Question 3"):
    _examine_best(_np.array([0.0, 2.0, 5.0, 9.0]), 4.0)
    ### BEGIN HIDDEN TESTS
    _rng = _check.fresh_rng("q3")
    for _size in (9, 17, 30):
        _examine_best(_rng.uniform(-5, 5, _size), _rng.uniform(-5, 5))
    ### END HIDDEN TESTS"""

RATES = """rates = {}
label = ""
### BEGIN SOLUTION
rates = {"slow": 0.25, "fast": 0.5}
label = "half"
### END SOLUTION"""
RATES_HIDDEN = """with _check.checking("Question 4"):
    assert rates == {"slow": 0.25, "fast": 0.5}, f"rates is {_check.show(rates)}."
    assert label == "half", f"label is {_check.show(label)}."
    assert set(rates) == {"slow", "fast"} and sum(rates.values()) == 0.75, "rates is no such dict."
    ### BEGIN HIDDEN TESTS
    assert max(rates, key=rates.get) == "fast", "rates is no such dict."
    ### END HIDDEN TESTS"""

QUESTIONS = {"q1": 3.0, "q2": 2.0, "q3": 2.0, "q4": 1.0}
"""What each question's tests are worth together."""


def make(root: Path) -> nbformat.NotebookNode:
    """Writes the course into a folder, and releases its assignment.

    Returns:
        The solution.
    """

    def cell(name, source, **fields):
        meta = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
        new = nbformat.v4.new_markdown_cell if name in ("q5", "title") else nbformat.v4.new_code_cell
        return new(source, id=name, metadata={"nbgrader": {**meta, "grade_id": name, **fields}})

    def answer(name, source):
        return cell(name, source, solution=True)

    def test(name, source, points):
        return cell(name, source, grade=True, locked=True, points=points)

    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    )
    notebook.cells = [
        cell("title", "# Doors", locked=True),
        cell("setup", SETUP, locked=True),
        answer("q1", CENTRED),
        test("q1-visible", CENTRED_VISIBLE, 1),
        test("q1-hidden", CENTRED_HIDDEN, 2),
        answer("q2", NOISY),
        test("q2-hidden", NOISY_HIDDEN, 2),
        answer("q3", BEST),
        test("q3-hidden", BEST_HIDDEN, 2),
        answer("q4", RATES),
        test("q4-hidden", RATES_HIDDEN, 1),
        cell("q5", "Your words.", grade=True, solution=True, points=1),
    ]
    folder = root / "solutions" / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    release_assignments([NAME], root)
    return notebook
