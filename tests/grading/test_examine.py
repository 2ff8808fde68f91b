"""One submission examined: what is a test, what is an answer, and what a student hears."""

import os
from pathlib import Path

import nbformat
import pytest

from course_lib.grading import examine, masking, sandbox
from course_lib.grading.examine import bound_names, read_assignment
from course_lib.grading.student import NotStarted, PipeWire

ROOT = Path(__file__).parents[2]


def cell(name: str, source: str, kind: str = "code", **fields):
    meta = {"grade": False, "solution": False, "grade_id": name, **fields}
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return make(source, id=name, metadata={"nbgrader": meta})


def book(*cells) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = list(cells)
    return notebook


SOLUTION = book(
    cell("intro", "# Text", kind="markdown", locked=True),
    cell("setup", "base = 10"),
    nbformat.v4.new_code_cell("raise SystemExit('cells without metadata are for play')", id="play"),
    cell("q1", "def add(x, y=base):\n    return x + y\n\nlimit = 3", solution=True),
    cell("q1-visible", "assert add(1) == 11 and limit == 3, f'add(1) gave {add(1)}'", grade=True, points=1),
    cell("q2", "def twice(function, x):\n    return function(function(x))", solution=True),
    cell(
        "q2-visible",
        "seen = []\ndef step(x):\n    seen.append(x)\n    return x + 1\n"
        "assert twice(step, 1) == 3\nassert seen == [1, 2], seen\nassert twice(add, 1) == 21",
        grade=True,
        points=2,
    ),
    cell("q3", "words", kind="markdown", grade=True, solution=True, points=4),
    cell("q4", "a task", kind="markdown", task=True, points=5),
)


@pytest.fixture(autouse=True)
def variables():
    """Examining sets some of its process."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def grade(answers: dict[str, str], solution=SOLUTION, limits=None):
    return examine.examine(
        read_assignment("ps9", solution),
        answers,
        lambda: PipeWire(sandbox.start_worker(ROOT, sandbox.NOT_SANDBOXED, sandbox.Limits())),
        seed=1,
        limits=limits,
    )


def test_cells_have_the_roles_that_nbgrader_gives_them():
    assignment = read_assignment("ps9", SOLUTION)
    assert {c.name: c.role for c in assignment.cells} == {
        "setup": "setup",
        "q1": "answer",
        "q1-visible": "test",
        "q2": "answer",
        "q2-visible": "test",
        "q3": "written",
        "q4": "written",
    }
    assert assignment.graded_names == ("add", "limit", "twice")


def test_a_release_that_lacks_a_cell_is_told():
    with pytest.raises(ValueError, match="has no cell 'setup': run `course release ps9`"):
        read_assignment("ps9", SOLUTION, book(*SOLUTION.cells[3:]))
    with pytest.raises(ValueError, match="has no test cell"):
        read_assignment("ps9", book(*SOLUTION.cells[:4]))


def test_hash_changes_with_a_test_only():
    other = book(*[cell("intro", "# Other text", kind="markdown"), *SOLUTION.cells[1:]])
    assert read_assignment("ps9", other).sha256 == read_assignment("ps9", SOLUTION).sha256
    other = book(*SOLUTION.cells, cell("q5", "assert False", grade=True, points=1))
    assert read_assignment("ps9", other).sha256 != read_assignment("ps9", SOLUTION).sha256


def test_functions_of_a_test_stay_here_and_names_travel():
    result = grade({})
    assert [(m.name, m.points, m.message) for m in result.marks[:2]] == [
        ("q1-visible", 1.0, ""),
        ("q2-visible", 2.0, ""),
    ]
    assert [m.points for m in result.marks[2:]] == [None, None]
    assert (result.status, result.points, result.out_of) == ("graded", 3.0, 3.0)
    assert result.answers["q3"].source == "words"


def test_a_cell_that_stops_costs_its_question_and_says_where():
    result = grade({"q1": "limit = 3\nmissing + 1\ndef add(x, y): return x"})
    assert [m.points for m in result.marks[:2]] == [0.0, 0.0], "q2's last test uses add as well"
    assert (
        result.answers["q1"].error == "NameError: name 'missing' is not defined\n  line 2 of q1: missing + 1"
    )
    assert "Your cell q1 stopped with NameError" in result.marks[0].message


def test_a_name_of_ours_never_stands_for_an_answer():
    """The setup binds `add` as well; a student who does not define it has not answered."""
    cells = [cell("setup", "base = 10\ndef add(x, y=base):\n    return x + y"), *SOLUTION.cells[3:]]
    result = grade({"q1": "limit = 3\ndel add"}, book(*cells))
    assert result.marks[0].points == 0.0
    assert "name 'add' is not defined" in result.marks[0].message


def test_a_process_that_cannot_start_is_no_fault_of_the_student():
    def open_wire():
        return PipeWire(sandbox.start(["-c", "pass"], ROOT, sandbox.NOT_SANDBOXED))

    with pytest.raises(NotStarted):
        examine.examine(read_assignment("ps9", SOLUTION), {}, open_wire, seed=1)


def test_who_has_no_time_left_reads_that_and_nothing_else():
    result = grade({"q1": "import time\ntime.sleep(60)"}, limits=sandbox.Limits(submission_seconds=2.0))
    assert result.status == "timed out"
    assert "has used up its 2 seconds" in result.marks[1].message
    assert "not defined" not in result.marks[1].message


def test_errors_in_a_call_have_their_type_and_line():
    result = grade({"q1": "limit = 3\ndef add(x, y=1):\n    return x / 0"})
    assert result.marks[0].message == "ZeroDivisionError: division by zero\n  line 3 of q1: return x / 0"


def test_what_was_not_run_has_no_points_and_keeps_its_texts():
    assignment = read_assignment("ps9", SOLUTION)
    about = {"student": "a", "answers": {"q1": "mine"}, "seed": 1}
    result = examine.not_run(assignment, "crashed", "nothing", **about)
    assert [m.points for m in result.marks] == [0.0, 0.0, None, None], "a person may still mark what came"
    assert result.answers["q1"].source == "mine"
    assert result.answers["q3"].source == "words", "what did not come is as it was handed out"
    result = examine.not_run(assignment, "missing", "nothing", **about)
    assert result.answers == {}
    assert [(m.name, m.points, m.out_of) for m in result.marks] == [
        ("q1-visible", 0.0, 1.0),
        ("q2-visible", 0.0, 2.0),
        ("q3", 0.0, 4.0),
        ("q4", 0.0, 5.0),
    ]


def test_a_text_for_a_person_that_nobody_wrote_is_told():
    release = book(
        *SOLUTION.cells[:-2], cell("q3", "Yours.", "markdown", grade=True, solution=True, points=4)
    )
    release.cells.append(SOLUTION.cells[-1])
    assignment = read_assignment("ps9", SOLUTION, release)
    for text, untouched in ((None, True), ("Yours.\n", True), (" ", True), ("Yours. And mine", False)):
        answers = {} if text is None else {"q3": text}
        result = examine.not_run(assignment, "crashed", "nothing", student="a", answers=answers, seed=1)
        told = {name: answer.untouched for name, answer in result.answers.items()}
        assert told == {"q1": False, "q2": False, "q3": untouched, "q4": False}
    assert not any(answer.untouched for answer in grade({}).answers.values()), (
        "in a self-check there is no telling"
    )


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(): x = 1\nclass C: y = 2\na, (b, *c) = 1, (2, 3)\nd: int = 4\ne += 1", "f C a b c d e"),
        ("%%time\ndef f(): pass", "f"),
        ("import numpy as np\nif True:\n    def g(): pass", ""),
        ("def broken(", ""),
        ("(" * 5000, ""),
    ],
)
def test_names_that_a_cell_binds(source, names):
    assert list(bound_names(source)) == names.split()


def test_the_library_of_a_graded_process_lacks_the_references_of_ps2(tmp_path):
    """A renamed reference would no longer be masked: then this list is to be mended, and the solution."""
    name = "ps2_epopt"
    solution = nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)
    masked = masking.copy_masked(read_assignment(name, solution).graded_names, tmp_path)
    assert masked == [
        "course_lib/agents/ppo.py: clipped_surrogate",
        "course_lib/agents/ppo.py: mean_over",
        "course_lib/agents/ppo.py: surrogate",
        "course_lib/core/evaluation.py: transfer_grid",
        "course_lib/core/task_family.py: truncated_normal",
        "course_lib/transfer/epopt.py: cvar_mask",
        "course_lib/transfer/epopt_adaptation.py: posterior_weights",
        "course_lib/transfer/epopt_adaptation.py: transition_log_likelihood",
    ]
