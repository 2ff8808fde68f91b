"""The tests that every assignment passes; the modules of one assignment say only what is its own.

    class TestPs2Epopt(AssignmentTests):
        name = "ps2_epopt"
        points: ClassVar = {"q1": 4, "q2": 4, "q3": 5, "q4": 4, "q5": 4, "q6": 5}
        banks = Path(__file__).parent
        named = ("q2", "q3", "q4", "q5", "q6")
        taken = ("epopt", "norm")

pytest collects no class whose name does not begin with "Test", so these run in the subclasses alone. The two
banks and what stands in `ClassVar`s is all that they read.
"""

import ast
import functools
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import answer_banks
import mutants
import nbformat
import pytest
from answer_banks import Answer, Marks, grade, visible_only
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import PyFileConfigLoader

from course_lib.grading.gradebook import import_results
from course_lib.grading.results import Answer as ResultAnswer
from course_lib.grading.results import Mark, Result

BAR = 0.98
"""Share of the mutants that the tests of an assignment must notice."""


def label(answer: Answer) -> str:
    return f"{answer.question}: {answer.name}"


@functools.cache
def bank_of(folder: Path, name: str) -> tuple[Answer, ...]:
    return tuple(answer_banks.bank(folder / name))


def run_question(solution: nbformat.NotebookNode, question: str) -> dict:
    """What the test cells of a question have bound when they end."""
    cells = {cell.id: cell.source for cell in solution.cells}
    namespace: dict = {}
    for name in ("setup", question, f"{question}-visible", f"{question}-hidden"):
        exec(cells[name], namespace)
    return namespace


class AssignmentTests:
    """The grader of an assignment, graded: right answers get all points; a wrong one loses its own."""

    name: ClassVar[str]
    """Such as "ps2_epopt"."""
    points: ClassVar[Mapping[str, int]]
    """Points that no person marks, by question."""
    banks: ClassVar[Path]
    """Folder of wrong_answers.py and right_answers.py."""
    named: ClassVar[tuple[str, ...]]
    """Questions whose tests say `_said_N`: a message by the name of each mistake."""
    taken: ClassVar[tuple[str, ...]]
    """Names of the library that a student may bind to something else without losing a point."""
    right_ones: ClassVar[int] = 5
    """Right answers that the bank has at least to each question."""

    def pytest_generate_tests(self, metafunc):
        """Parameters that are not known before there is a subclass."""
        for parameter, file in (("wrong", "wrong_answers.py"), ("right", "right_answers.py")):
            if parameter in metafunc.fixturenames:
                metafunc.parametrize(parameter, bank_of(self.banks, file), ids=label)
        if "asked" in metafunc.fixturenames:
            metafunc.parametrize("asked", self.points)

    @pytest.fixture(scope="class")
    @classmethod
    def solution(cls) -> nbformat.NotebookNode:
        return answer_banks.solution(cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def released(cls) -> nbformat.NotebookNode:
        return answer_banks.release(cls.name)

    @pytest.fixture(scope="class")
    @classmethod
    def marks_of_banks(cls, solution) -> dict[Answer, dict[str, Marks]]:
        """Every answer of the banks, as the only change of the solution."""
        answers = bank_of(cls.banks, "wrong_answers.py") + bank_of(cls.banks, "right_answers.py")
        marks = answer_banks.grade_each(solution, [(answer.question, answer.source) for answer in answers])
        return dict(zip(answers, marks, strict=True))

    def test_banks_are_large_enough(self):
        for question in self.points:
            wrong = [a for a in bank_of(self.banks, "wrong_answers.py") if a.question == question]
            right = [a for a in bank_of(self.banks, "right_answers.py") if a.question == question]
            assert len(wrong) >= 10, question
            assert len(right) >= self.right_ones, question

    def test_solution_gets_full_marks(self, solution):
        marks = grade(solution, {})
        assert {question: mark.points for question, mark in marks.items()} == self.points
        assert all(mark.full and mark.message == "" for mark in marks.values())

    def test_release_gets_nothing_and_says_so_in_a_line(self, released):
        marks = grade(released, {})
        assert sum(len(mark.messages) for mark in marks.values()) == 2 * len(self.points)
        for mark in marks.values():
            assert mark.points == 0.0
            for message in mark.messages.values():
                assert message.endswith("not answered yet")
                assert len(message) < 50

    def test_wrong_answer_loses_its_own_points_and_hears_why(self, marks_of_banks, wrong):
        marks = dict(marks_of_banks[wrong])
        mark = marks.pop(wrong.question)
        assert not mark.full
        assert wrong.says in mark.message
        assert all(other.full for other in marks.values()), marks

    def test_every_named_mistake_has_an_answer_that_hears_of_it(self, solution, marks_of_banks, monkeypatch):
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        for question in self.named:
            answers = [a for a in bank_of(self.banks, "wrong_answers.py") if a.question == question]
            heard = "\n".join(marks_of_banks[answer][question].message for answer in answers)
            for name, message in run_question(solution, question)[f"_said_{question[1:]}"].items():
                assert message in heard, name

    def test_self_check_gives_no_wrong_answer_the_points_of_the_further_cases(self, solution):
        """What students see of a cell with hidden tests fails where the hidden tests would."""
        wrong = bank_of(self.banks, "wrong_answers.py")
        marks = answer_banks.grade_each(
            visible_only(solution), [(a.question, a.source) for a in wrong], only_theirs=True
        )
        passed = {
            answer.source
            for answer, mark in zip(wrong, marks, strict=True)
            if not mark[answer.question].messages[f"{answer.question}-hidden"]
        }
        assert passed == {answer.source for answer in wrong if answer.subtle}
        assert len(passed) < 0.1 * len(wrong)

    def test_right_answer_gets_full_marks(self, marks_of_banks, right):
        marks = marks_of_banks[right]
        assert all(mark.full for mark in marks.values()), marks

    @pytest.mark.parametrize("source", ["def broken(:", "1 / 0", ""], ids=["syntax error", "stops", "empty"])
    def test_cell_that_does_not_run_costs_one_question(self, solution, asked, source):
        marks = grade(solution, {asked: source}, since=asked)
        assert len(marks) == len(self.points) - list(self.points).index(asked)
        mark = marks.pop(asked)
        assert mark.points == 0.0
        assert "the cell with your answer run without an error?" in mark.message
        assert all(other.full for other in marks.values())

    def test_student_who_reuses_library_names_keeps_the_points(self, solution):
        """Test cells bring what they need under names of their own."""
        nothing = " = ".join((*self.taken, "check", "rng", "None"))
        last = list(self.points)[-1]
        answer = f"{answer_banks.answer_cells(solution)[last]}\n\n{nothing}\nexpected = seen = what = 3"
        marks = grade(solution, {last: answer})
        assert all(mark.full for mark in marks.values()), marks

    def test_random_cases_never_fail_a_right_answer(self, solution, monkeypatch):
        """Twelve draws of the hidden cases: no false alarm."""
        for seed in range(12):
            monkeypatch.setenv("COURSE_GRADING_SEED", str(seed))
            marks = grade(solution, {})
            assert all(mark.full for mark in marks.values()), (seed, marks)

    def test_test_cells_keep_to_what_a_grader_can_trust(self, solution):
        """Each frames itself in `checking`, imports under private names, and ends in no bare expression."""
        cells = [cell for cell in solution.cells if cell.metadata.get("nbgrader", {}).get("grade")]
        cells = [cell for cell in cells if cell.cell_type == "code"]
        assert len(cells) == 2 * len(self.points)
        for cell in cells:
            grade_id = cell.metadata.nbgrader.grade_id
            tree = ast.parse(cell.source)
            last = tree.body[-1]
            assert isinstance(last, ast.With), grade_id
            assert last.items[0].context_expr.func.attr == "checking"
            for node in ast.walk(tree):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    assert all(name.asname.startswith("_") for name in node.names), grade_id

    def test_every_stub_line_stands_in_the_solution(self, solution, released):
        """What a student is given is the solution with its answer cut out."""
        source = {cell.id: cell.source.splitlines() for cell in solution.cells}
        for cell in released.cells:
            for line in cell.source.splitlines():
                stub = line.strip() in {"# YOUR CODE HERE", "raise NotImplementedError()", "YOUR ANSWER HERE"}
                assert stub or line in source[cell.id], line
        for question in self.points:
            cell = next(cell for cell in released.cells if cell.id == question)
            assert ast.get_docstring(ast.parse(cell.source).body[0])
            assert cell.source.rstrip().endswith("raise NotImplementedError()")

    def test_banks_stay_out_of_the_release(self, released):
        assert "wrong_answers" not in json.dumps(released)
        folder = answer_banks.ROOT / "assignments" / self.name
        assert [p.name for p in folder.iterdir()] == [f"{self.name}.ipynb"]


class MutantTests:
    """Small changes of the right answers lose points, but for those that nobody can see."""

    name: ClassVar[str]
    """Such as "ps2_epopt"."""
    survivors: ClassVar[Mapping[tuple[str, str], str]]
    """Question and changed line -> why the change cannot be seen."""
    at_least: ClassVar[int]
    """How many mutants there are."""

    def test_mutants_lose_points(self):
        solution = answer_banks.solution(self.name)
        right = answer_banks.answer_cells(solution)
        tried = [
            (question, mutant) for question, source in right.items() for mutant in mutants.mutants(source)
        ]
        marks = answer_banks.grade_each(solution, [*right.items(), *tried], only_theirs=True)
        full = [
            mark[question].full for (question, _), mark in zip([*right.items(), *tried], marks, strict=True)
        ]
        assert all(full[: len(right)]), "the right answers themselves lose points"
        survivors = {
            (question, mutants.changed_lines(right[question], mutant))
            for (question, mutant), kept in zip(tried, full[len(right) :], strict=True)
            if kept
        }
        assert survivors == set(self.survivors), "a gap in the tests, or a survivor that is none any more"
        assert len(tried) > self.at_least
        assert 1 - len(survivors) / len(tried) >= BAR


class RoundTripTests:
    """nbgrader itself, on our source: the same release, and marks that its export shows after an import."""

    name: ClassVar[str]
    """Such as "ps2_epopt"."""

    @pytest.fixture(scope="class")
    @classmethod
    def api(cls, tmp_path_factory):
        """nbgrader with the course's own settings, on a copy of the source, after its generate_assignment."""
        course = tmp_path_factory.mktemp("course")
        shutil.copytree(answer_banks.ROOT / "solutions" / cls.name, course / "solutions" / cls.name)
        shutil.copy(answer_banks.ROOT / "nbgrader_config.py", course)
        (course / "grading").mkdir()
        (course / "exchange").mkdir(mode=0o777)
        config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
        config.Exchange.root = str(course / "exchange")
        api = NbGraderAPI(config=config)
        with pytest.MonkeyPatch.context() as patch:
            # nbgrader calls the program `alembic`, which lies beside python.
            patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
            generated = api.generate_assignment(cls.name)
        assert generated["success"], generated["log"]
        return api

    def test_release_is_nbgrader_s_own(self, api):
        """Our release differs from nbgrader's in nothing but that tests are folded."""
        file = Path(api.coursedir.root) / "assignments" / self.name / f"{self.name}.ipynb"
        made = nbformat.read(file, as_version=4)
        ours = answer_banks.release(self.name)
        folded = [c.id for c in ours.cells if c.metadata.pop("jupyter", None) == {"source_hidden": True}]
        marks = {c.id: c.metadata.get("nbgrader", {}) for c in made.cells}
        tests = [name for name, mark in marks.items() if mark.get("grade") and not mark.get("solution")]
        assert folded == tests
        assert [(c.id, c.source, c.metadata) for c in ours.cells] == [
            (c.id, c.source, c.metadata) for c in made.cells
        ]

    def test_imported_marks_are_in_nbgrader_s_export(self, api):
        """Results go into the assignment that nbgrader made, and come out of its table of marks."""
        course = Path(api.coursedir.root)
        meta = [
            cell.metadata.nbgrader
            for cell in answer_banks.release(self.name).cells
            if cell.metadata.get("nbgrader", {}).get("grade")
        ]
        expected = {}
        results = [Result(student="absent", assignment=self.name, status="missing", marks=())]
        for student, lost in {"all_right": set(), "one_mistake": {"q1-visible", "q1-hidden"}}.items():
            marks = tuple(
                Mark(
                    name=m.grade_id,
                    points=None if m.solution else 0.0 if m.grade_id in lost else m.points,
                    out_of=m.points,
                )
                for m in meta
            )
            answers = {"q7": ResultAnswer(source="An answer.")}
            result = Result(
                student=student, assignment=self.name, status="graded", marks=marks, answers=answers
            )
            results.append(result)
            expected[student] = (str(float(result.points)), "30.0")
        assert expected == {"all_right": ("26.0", "30.0"), "one_mistake": ("22.0", "30.0")}
        assert import_results(results, course) == {}
        export = CsvExportPlugin()
        export.to = str(course / "grades.csv")
        with api.gradebook as book:
            export.export(book)
        head, *lines = [line.split(",") for line in (course / "grades.csv").read_text().splitlines()]
        table = [dict(zip(head, line, strict=True)) for line in lines]
        assert {row["student_id"]: (row["score"], row["max_score"]) for row in table} == {
            **expected,
            "absent": ("0.0", "30.0"),
        }
