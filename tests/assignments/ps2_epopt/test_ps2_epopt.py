"""The grader of ps2_epopt, graded: right answers get all points; a wrong one loses its own, and hears why."""

import ast
import copy
import json
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_lib.grading.check import run_cells

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
NAME = "ps2_epopt"
QUESTIONS = ("q1", "q2", "q3", "q4", "q5", "q6")


@dataclass(frozen=True)
class Answer:
    """One answer of a bank."""

    question: str
    source: str
    says: str
    """Words that the message must hold; empty for a right answer."""
    name: str


def bank(file: str) -> list[Answer]:
    """The decorated functions of a bank file, as text."""
    text = (HERE / file).read_text(encoding="utf-8")
    answers = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            question, *says = (argument.value for argument in node.decorator_list[0].args)
            name = says[0] if says else ast.get_docstring(node)
            answers.append(
                Answer(question, ast.get_source_segment(text, node), says[0] if says else "", name)
            )
    return answers


WRONG, RIGHT = bank("wrong_answers.py"), bank("right_answers.py")


def label(answer: Answer) -> str:
    return f"{answer.question}: {answer.name}"


@pytest.fixture(scope="module")
def solution() -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)


@pytest.fixture(autouse=True)
def graded(monkeypatch):
    """No plots and no training, as in a grader."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")


def grade(solution, answers: dict[str, str]) -> dict[str, tuple[float, float, str]]:
    """(points, out of, messages) of each autograded question, with some solution cells replaced."""
    notebook = copy.deepcopy(solution)
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("solution") and meta["grade_id"] in answers:
            cell.source = answers[meta["grade_id"]]
    result = dict.fromkeys(QUESTIONS, (0.0, 0.0, ""))
    for outcome in run_cells(notebook):
        if outcome.points is not None and outcome.out_of:
            question = outcome.name.split("-")[0]
            points, out_of, message = result[question]
            result[question] = (points + outcome.points, out_of + outcome.out_of, message + outcome.message)
    return result


def test_banks_are_large_enough():
    for question in QUESTIONS:
        assert sum(a.question == question for a in WRONG) >= 4
        assert sum(a.question == question for a in RIGHT) >= 2


def test_solution_gets_full_marks(solution):
    marks = grade(solution, {})
    assert {q: m[0] for q, m in marks.items()} == {"q1": 4, "q2": 4, "q3": 5, "q4": 4, "q5": 4, "q6": 5}
    assert all(points == out_of and message == "" for points, out_of, message in marks.values())


def test_release_gets_nothing_and_says_so():
    released = nbformat.read(ROOT / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
    outcomes = [outcome for outcome in run_cells(released) if outcome.points is not None]
    assert len(outcomes) == 12
    for outcome in outcomes:
        assert outcome.points == 0.0
        assert "not answered yet" in outcome.message


@pytest.mark.parametrize("answer", WRONG, ids=label)
def test_wrong_answer_loses_its_own_points_and_hears_why(solution, answer):
    marks = grade(solution, {answer.question: answer.source})
    points, out_of, message = marks.pop(answer.question)
    assert points < out_of
    assert answer.says in message
    for question, (points, out_of, message) in marks.items():
        assert points == out_of, f"{question} lost points too: {message}"


@pytest.mark.parametrize("answer", RIGHT, ids=label)
def test_right_answer_gets_full_marks(solution, answer):
    marks = grade(solution, {answer.question: answer.source})
    assert all(points == out_of for points, out_of, _ in marks.values()), marks


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("source", ["def broken(:", "1 / 0", ""], ids=["syntax error", "stops", "empty"])
def test_cell_that_does_not_run_costs_one_question(solution, question, source):
    marks = grade(solution, {question: source})
    points, _, message = marks.pop(question)
    assert points == 0.0
    assert "Has the cell with your answer run without an error?" in message
    assert all(points == out_of for points, out_of, _ in marks.values())


def test_student_who_reuses_library_names_keeps_the_points(solution):
    """Test cells bring what they need under names of their own."""
    notebook = copy.deepcopy(solution)
    for cell in notebook.cells:
        if cell.id == "q6":
            cell.source += (
                "\n\nepopt = norm = softmax = kstest = check = rng = None\nexpected = seen = what = 3"
            )
    outcomes = [o for o in run_cells(notebook) if o.points is not None]
    assert all(o.points == o.out_of for o in outcomes), outcomes


def test_random_cases_never_fail_a_right_answer(solution, monkeypatch):
    """Twelve draws of the hidden cases: no false alarm."""
    for seed in range(12):
        monkeypatch.setenv("COURSE_GRADING_SEED", str(seed))
        marks = grade(solution, {})
        assert all(points == out_of for points, out_of, _ in marks.values()), (seed, marks)


def test_test_cells_keep_to_what_a_grader_can_trust(solution):
    """Each frames itself in `checking`, imports under private names, and never ends in a bare expression."""
    for cell in solution.cells:
        meta = cell.metadata.get("nbgrader", {})
        if not (meta.get("grade") and cell.cell_type == "code"):
            continue
        tree = ast.parse(cell.source)
        last = tree.body[-1]
        assert isinstance(last, ast.With), meta["grade_id"]
        assert last.items[0].context_expr.func.attr == "checking"
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                in_function = isinstance(node, ast.Import) and node.names[0].name == "numpy"
                assert in_function or all(name.asname.startswith("_") for name in node.names), meta[
                    "grade_id"
                ]


def test_every_stub_line_stands_in_the_solution(solution):
    """What a student is given is the solution with its answer cut out."""
    released = nbformat.read(ROOT / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
    source = {cell.id: cell.source.splitlines() for cell in solution.cells}
    for cell in released.cells:
        for line in cell.source.splitlines():
            stub = line.strip() in {"# YOUR CODE HERE", "raise NotImplementedError()", "YOUR ANSWER HERE"}
            assert stub or line in source[cell.id], line
    for question in QUESTIONS:
        cell = next(cell for cell in released.cells if cell.id == question)
        assert ast.get_docstring(ast.parse(cell.source).body[0])
        assert cell.source.rstrip().endswith("raise NotImplementedError()")


def test_visible_values_are_those_of_the_mistakes(solution):
    """The numbers in view, typed out so that no formula stands there, agree with the hidden formulas."""
    cells = {cell.id: cell.source for cell in solution.cells}
    for question, call in {
        "q3": ("_wrong_surrogates(_new, _old, _advantage, _keep, 0.2)", "_wrong_3"),
        "q4": ("_wrong_grids(_world, _masses, _frictions, 4)", "_wrong_4"),
        "q5": ("_wrong_likelihoods(_predicted, _observed, _noise_scale)", "_wrong_5"),
        "q6": ("_wrong_weights(_log_prior, _evidence)", "_wrong_6"),
    }.items():
        namespace: dict = {}
        exec(cells["setup"] + "\n" + cells[question], namespace)
        for part in ("visible", "hidden"):
            exec(cells[f"{question}-{part}"], namespace)
        formulas, typed = eval(call[0], namespace), namespace[call[1]]
        assert set(formulas) - set(typed) <= {"underflow"}
        for name, value in typed.items():
            np.testing.assert_allclose(np.asarray(value), np.asarray(formulas[name]), rtol=1e-4, err_msg=name)


def test_banks_stay_out_of_the_release():
    text = json.dumps(json.loads((ROOT / "assignments" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")))
    assert "wrong_answers" not in text
    assert [p.name for p in (ROOT / "assignments" / NAME).iterdir()] == [f"{NAME}.ipynb"]
