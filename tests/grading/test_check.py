"""A student's self-check: a table, from fresh processes that run what a grader runs."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from course_lib.grading import check as module
from course_lib.grading.check import check, examine_file
from course_lib.grading.sandbox import Limits

ROOT = Path(__file__).parents[2]


def cell(source: str, name: str, **fields):
    meta = {"grade": False, "solution": False, "grade_id": name, **fields}
    return nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": meta})


def notebook(answer: str, setup: str = "", own: str = "") -> nbformat.NotebookNode:
    book = nbformat.v4.new_notebook()
    book.cells = [
        cell("import math\nbase = 1\n" + setup, "setup"),
        nbformat.v4.new_code_cell(own, id="own"),
        cell(answer, "q1", solution=True),
        cell(
            "assert double(2) == 4, 'double(2) gave %r, expected 4' % double(2)",
            "q1-test",
            grade=True,
            points=2,
        ),
        cell("assert base == 1", "q2-test", grade=True, points=1),
        cell("words", "q3", grade=True, solution=True, points=3),
    ]
    return book


@pytest.fixture
def saved(tmp_path):
    def save(*sources, **named):
        path = tmp_path / "ps9_double.ipynb"
        nbformat.write(notebook(*sources, **named), path)
        return path

    return save


@pytest.fixture(autouse=True)
def variables():
    """Examining sets some of the process, which is as good as gone in the command."""
    before = dict(os.environ)
    os.environ.pop("NBGRADER_EXECUTION", None)
    yield
    os.environ.clear()
    os.environ.update(before)


def marks(path):
    return {mark.name: mark for mark in examine_file(path).marks}


def test_points_and_messages(saved):
    wrong = marks(saved("def double(x): return x"))
    assert (wrong["q1-test"].points, wrong["q1-test"].message) == (0.0, "double(2) gave 2, expected 4")
    assert wrong["q2-test"].points == 1
    assert wrong["q3"].points is None
    broken = marks(saved("def double(x) return"))
    assert broken["q1-test"].points == 0.0
    assert "q1 stopped with SyntaxError" in broken["q1-test"].message
    assert "line 1: def double(x) return" in broken["q1-test"].message
    leaves = marks(saved("def double(x): raise SystemExit(0)"))
    assert leaves["q1-test"].points == 0.0


def test_answers_see_the_setup_and_jupyter_magic_is_no_error(saved):
    result = marks(saved("%%time\ndef double(x): return base * 2 * x", setup="%matplotlib inline\n!true"))
    assert result["q1-test"].points == 2


def test_cells_of_one_s_own_are_not_run_and_the_student_hears_it(saved):
    result = marks(saved("def double(x): return helper(x)", own="def helper(x): return 2 * x"))
    assert result["q1-test"].points == 0.0
    assert "`helper` is defined in a cell of your own" in result["q1-test"].message


def test_table_of_a_passing_notebook(saved, capsys):
    assert check(saved("def double(x): return 2 * x")) is True
    said = " ".join(capsys.readouterr().out.split())
    assert "q1-test 2 / 2 ✓ passed" in said
    assert "3 of 3 points on the tests that you can see; up to 3 more are given by a person" in said
    assert "Hidden cases" in said


def test_table_of_a_failing_notebook(saved, capsys):
    path = saved("def double(x): return x")
    assert check(path.parent) is False
    said = capsys.readouterr().out
    assert "✗ double(2) gave 2, expected 4" in said
    assert "1 of 3 points" in said


def test_what_the_open_notebook_remembers_does_not_count(saved, capsys):
    """`double` exists here, but not in the file."""
    globals()["double"] = lambda x: 2 * x
    assert check(saved("pass")) is False
    assert "name 'double' is not defined" in capsys.readouterr().out


def test_an_endless_loop_and_a_crash_cost_their_question_and_are_told(saved, monkeypatch):
    monkeypatch.setattr(module, "LIMITS", replace(module.LIMITS, cell_seconds=2.0))
    endless = marks(saved("def double(x):\n    while True: pass"))
    assert "no end after 2 s" in endless["q1-test"].message
    assert endless["q2-test"].points == 1
    crashed = marks(saved("import os\ndef double(x): os._exit(3)"))
    assert "ended: a crash" in crashed["q1-test"].message
    assert crashed["q2-test"].points == 1


def test_a_student_s_machine_may_be_slow():
    assert Limits().cell_seconds < module.LIMITS.cell_seconds < module.TIMEOUT


def test_lost_and_changed_tests_are_told(tmp_path):
    """A notebook that came from `course release` knows what its tests were."""
    name = "ps2_epopt"
    book = nbformat.read(ROOT / "assignments" / name / f"{name}.ipynb", as_version=4)
    book.cells = [cell for cell in book.cells if cell.id != "q2-visible"]
    next(cell for cell in book.cells if cell.id == "q3-visible").source = "assert True"
    nbformat.write(book, tmp_path / f"{name}.ipynb")
    found = marks(tmp_path / f"{name}.ipynb")
    assert found["q2-visible"].message.startswith("This test is missing in your notebook")
    assert (found["q3-visible"].points, found["q3-visible"].out_of) == (0.0, 2)
    assert found["q3-visible"].message.startswith("This test is changed in your notebook")
    assert "not answered yet" in found["q1-visible"].message


def test_the_notebook_that_calls_is_the_one_checked(saved, capsys, monkeypatch):
    path = saved("def double(x): return 2 * x")
    nbformat.write(notebook("pass"), path.with_name("a_copy.ipynb"))
    monkeypatch.setenv("JPY_SESSION_NAME", str(path))
    assert check() is True
    assert "Running the tests of ps9_double.ipynb" in capsys.readouterr().out
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    monkeypatch.setattr(module.subprocess, "run", None)
    assert check() is True, "a grader runs the tests itself"


def test_signs_that_a_console_lacks_are_no_error(saved):
    path = saved("def double(x): return 2 * x")
    done = subprocess.run(
        [sys.executable, "-c", f"from course_lib.grading.check import check; check({str(path)!r})"],
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "passed" in done.stdout


def test_missing_and_foreign_notebooks_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="save the notebook"):
        check(tmp_path / "ps9.ipynb")
    with pytest.raises(FileNotFoundError, match="0 notebooks"):
        check(tmp_path)
    (tmp_path / "ps9.ipynb").write_text("nonsense")
    with pytest.raises(ValueError, match=r"ps9.ipynb cannot be checked: it is no notebook"):
        check(tmp_path)
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "ps9.ipynb")
    with pytest.raises(ValueError, match="has no test cell"):
        check(tmp_path)
