"""Answers of imagined students, and what the grader of an assignment gives them.

A bank is a Python file that is read as text and never run: every answer is a function under a decorator,
`@wrong("q1", "words of the expected message")` or `@right("q1")`. What the answer's cell holds besides the
function (an import, a function that it calls) stands in the decorator as `before="..."` or `after="..."`.
"""

import ast
import copy
import os
import signal
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import nbformat

from course_lib.grading import examine
from course_lib.grading.sandbox import Limits, limit_this_process
from course_lib.grading.worker import Worker

ROOT = Path(__file__).parents[2]
CPU_SECONDS = 4
"""Processor time of one answer; the system stops endless loops. With 1 s an honest slow answer was stopped, too."""


@dataclass(frozen=True)
class Answer:
    """One answer of a bank."""

    question: str
    source: str
    """Text of the answer's cell."""
    says: str
    """Words that the message must hold; empty for a right answer."""
    name: str
    subtle: bool = False
    """Wrong in a way that the visible part of the hidden tests' cell does not show."""


@dataclass(frozen=True)
class Marks:
    """What one question got from all its test cells."""

    points: float
    out_of: float
    messages: dict[str, str]
    """By the test cell's name; empty where it passed."""

    @property
    def full(self) -> bool:
        return self.points == self.out_of

    @property
    def message(self) -> str:
        return "\n".join(filter(None, self.messages.values()))


def bank(file: Path) -> list[Answer]:
    """The decorated functions of a bank file, as text."""
    text = file.read_text(encoding="utf-8")
    answers = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            decorator = node.decorator_list[0]
            question, *says = (argument.value for argument in decorator.args)
            around = {keyword.arg: keyword.value.value for keyword in decorator.keywords}
            pieces = around.get("before"), ast.get_source_segment(text, node), around.get("after")
            source = "\n\n\n".join(filter(None, pieces))
            name = says[0] if says else ast.get_docstring(node)
            subtle = around.get("subtle", False)
            answers.append(Answer(question, source, says[0] if says else "", name, subtle))
    return answers


def solution(name: str) -> nbformat.NotebookNode:
    """The source of an assignment, with answers and hidden tests."""
    return nbformat.read(ROOT / "solutions" / name / f"{name}.ipynb", as_version=4)


def release(name: str) -> nbformat.NotebookNode:
    """The assignment as students get it."""
    return nbformat.read(ROOT / "assignments" / name / f"{name}.ipynb", as_version=4)


def answer_cells(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """Text of the cells that students fill with code, by name of the question."""
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }


def visible_only(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy without the hidden tests: what a student's self-check runs."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        while "### BEGIN HIDDEN TESTS" in cell.source:
            before, _, rest = cell.source.partition("### BEGIN HIDDEN TESTS")
            cell.source = before + rest.partition("### END HIDDEN TESTS")[2]
    return notebook


def grade(
    notebook: nbformat.NotebookNode,
    answers: Mapping[str, str],
    only: str | None = None,
    since: str | None = None,
) -> dict[str, Marks]:
    """Marks of each question that needs no person, with some answers replaced.

    Args:
        notebook: the solution of an assignment.
        answers: question -> text of its answer cell; other answers stay right.
        only: a question; the answers and tests of others are left out.
        since: a question; the tests before its answer are left out. Cells run in their order, so that no
            answer can touch what was tested before it.
    """
    assignment = examine.read_assignment("bank", notebook)
    kept = [cell for cell in assignment.cells if only in (None, cell.question) or cell.role == "setup"]
    if since is not None:
        first = [cell.name for cell in kept].index(since)
        kept = [cell for place, cell in enumerate(kept) if place >= first or cell.role != "test"]
    before = dict(os.environ)
    try:
        result = examine.examine(
            examine.Assignment(name="bank", cells=tuple(kept)),
            answers,
            ForkedWire,
            seed=int(before.get("COURSE_GRADING_SEED", "0")),
            limits=Limits(cell_seconds=60.0, submission_seconds=300.0),
        )
    finally:
        os.environ.clear()
        os.environ.update(before)
    marks: dict[str, Marks] = {}
    for mark in result.marks:
        if mark.points is not None:
            old = marks.get(mark.question, Marks(0.0, 0.0, {}))
            marks[mark.question] = Marks(
                old.points + mark.points, old.out_of + mark.out_of, {**old.messages, mark.name: mark.message}
            )
    return marks


def grade_each(
    notebook: nbformat.NotebookNode, answers: Iterable[tuple[str, str]], only_theirs: bool = False
) -> list[dict[str, Marks]]:
    """Grades many (question, text) on two processors, each as the only change of the solution.

    What is tested before a question's answer runs is left out of its marks.

    Args:
        notebook: the solution of an assignment.
        answers: what to replace.
        only_theirs: run the tests of that question alone.
    """
    grade(notebook, {})  # imports once what every process would import again
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        return list(pool.map(partial(_grade_one, notebook, only_theirs), answers, chunksize=4))


def _grade_one(
    notebook: nbformat.NotebookNode, only_theirs: bool, answer: tuple[str, str]
) -> dict[str, Marks]:
    question, source = answer
    return grade(notebook, {question: source}, only=question if only_theirs else None, since=question)


class ForkedWire:
    """A student's process that is forked from this one, and so need not import torch again.

    Honest answers need no sandbox; only their loops and crashes must end.
    """

    def __init__(self) -> None:
        there, self._to_there = os.pipe()
        self._from_there, back = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            try:
                os.close(self._to_there)
                os.close(self._from_there)
                limit_this_process(memory=8 << 30, cpu_seconds=CPU_SECONDS)
                Worker(partial(os.read, there), partial(os.write, back)).serve()
            finally:
                os._exit(0)
        os.close(there)
        os.close(back)

    def receive(self, size: int) -> bytes:
        return os.read(self._from_there, size)

    def send(self, data: bytes) -> int:
        return os.write(self._to_there, data)

    def kill(self) -> None:
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)

    def close(self) -> None:
        os.close(self._to_there)
        os.close(self._from_there)
