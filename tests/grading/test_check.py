"""A student's self-check: a table, from a fresh process."""

from pathlib import Path

import nbformat
import pytest

from course_lib.grading import check as module
from course_lib.grading.check import check, run_cells, table

ROOT = Path(__file__).parents[2]


def cell(source: str, name: str, **fields):
    meta = {"grade": False, "solution": False, "grade_id": name, **fields}
    return nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": meta})


def notebook(answer: str, extra: str = "") -> nbformat.NotebookNode:
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell("import math\nbase = 1\n" + extra, id="setup"),
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
    def save(book):
        path = tmp_path / "ps9_double.ipynb"
        nbformat.write(book, path)
        return path

    return save


def test_points_and_messages():
    wrong = {o.name: o for o in run_cells(notebook("def double(x): return x"))}
    assert (wrong["q1-test"].points, wrong["q1-test"].message) == (0.0, "double(2) gave 2, expected 4")
    assert wrong["q2-test"].points == 1
    assert wrong["q3"].points is None
    broken = {o.name: o for o in run_cells(notebook("def double(x) return"))}
    assert "SyntaxError" in broken["q1"].message
    assert broken["q1-test"].points == 0.0
    leaves = {o.name: o for o in run_cells(notebook("def double(x): raise SystemExit(0)"))}
    assert leaves["q1-test"].points == 0.0


def test_cells_share_names_but_not_with_this_process():
    assert run_cells(notebook("def double(x): return base * 2 * x"))[0].points == 2
    assert "base" not in globals()


def test_jupyter_magic_is_no_error():
    outcomes = run_cells(notebook("%%time\ndef double(x): return 2 * x", "%matplotlib inline\n!true"))
    assert [o.name for o in outcomes] == ["q1-test", "q2-test", "q3"]
    assert outcomes[0].points == 2


def test_table_of_a_passing_notebook(saved, capsys):
    assert check(saved(notebook("def double(x): return 2 * x"))) is True
    said = capsys.readouterr().out
    assert "q1-test    2 /  2  passed" in said
    assert "3 of 3 points on what you can see" in said
    assert "Hidden cases" in said


def test_table_of_a_failing_notebook(saved, capsys):
    path = saved(notebook("def double(x): return x"))
    assert check(path.parent) is False
    said = capsys.readouterr().out
    assert "double(2) gave 2, expected 4" in said
    assert "1 of 3 points" in said


def test_what_the_open_notebook_remembers_does_not_count(saved, capsys):
    """`double` exists here, but not in the file."""
    globals()["double"] = lambda x: 2 * x
    assert check(saved(notebook("pass"))) is False
    assert "NameError" in capsys.readouterr().out


def test_endless_loops_and_crashes_are_told(saved, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(module, "TIMEOUT", 5.0)
        assert check(saved(notebook("while True: pass"))) is False
    assert "loop that never ends" in capsys.readouterr().out
    assert check(saved(notebook("import os; os._exit(3)"))) is False
    assert "the check stopped" in capsys.readouterr().out


def test_missing_notebooks_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="save the notebook"):
        check(tmp_path / "ps9.ipynb")
    with pytest.raises(FileNotFoundError, match="0 notebooks"):
        check(tmp_path)


def test_long_messages_stay_in_their_column():
    lines = table(run_cells(notebook("def double(x): return 'many words ' * 40")))
    assert max(map(len, lines)) < 120
