"""One submission, examined: the tests of an assignment run here, the student's answers in another process.

The tests see stand-ins for the names that the reference solution binds, draw their hidden cases afresh, and
compute what is expected on this side. Cells without nbgrader's metadata are for play, and are never run.
"""

import ast
import contextlib
import functools
import hashlib
import io
import os
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import nbformat  # takes a second to import, and only readers of notebooks need it

from course_lib import __version__
from course_lib.grading.results import Answer, Mark, Result, Status
from course_lib.grading.sandbox import Limits
from course_lib.grading.student import Stopped, Student, Wire
from course_lib.grading.worker import NoMagic

EXECUTION_VARIABLE = "NBGRADER_EXECUTION"
"""Tells an assignment's cells that a grader runs them: no plots, no training."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell of an assignment that grading has to do with."""

    name: str
    """Its `grade_id`."""
    role: Literal["setup", "answer", "test", "written"]
    """setup: given, runs on both sides. answer: the student's. test: ours. written: a person marks it."""
    source: str
    """Text in the solution."""
    released: str = ""
    """Text in the release: what a student got."""
    points: float = 0.0
    binds: tuple[str, ...] = ()
    """Names that an answer's cell binds at module level."""

    @property
    def question(self) -> str:
        """The part of the name before the first hyphen: "q1-hidden" tests "q1"."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """What grading needs to know of an assignment."""

    name: str
    cells: tuple[Cell, ...]

    @property
    def graded_names(self) -> tuple[str, ...]:
        """Every name that an answer binds."""
        return tuple(dict.fromkeys(name for cell in self.cells for name in cell.binds))

    @property
    def sha256(self) -> str:
        """Of all cells: changes where a regrade could give other marks."""
        return sha256(repr(self.cells))


def read_assignment(
    name: str, solution: "nbformat.NotebookNode", release: "nbformat.NotebookNode | None" = None
) -> Assignment:
    """The cells that matter, in order.

    Args:
        name: such as "ps2_epopt".
        solution: the notebook with hidden tests.
        release: what the students got; the solution itself where there is nothing to hide (a self-check).

    Raises:
        ValueError: the solution holds no test, or the release lacks one of its cells.
    """
    released = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in (solution if release is None else release).cells
        if "grade_id" in cell.metadata.get("nbgrader", {})
    }
    cells = []
    for cell in solution.cells:
        meta = cell.metadata.get("nbgrader", {})
        role = _role(cell, meta)
        if role is None:
            continue
        if role == "test":
            try:
                ast.parse(cell.source)
            except SyntaxError as error:
                raise ValueError(f"test cell {meta['grade_id']!r} of {name}: {error}") from None
        if meta["grade_id"] not in released:
            raise ValueError(
                f"assignments/{name} has no cell {meta['grade_id']!r}: run `course release {name}` again"
            )
        cells.append(
            Cell(
                name=meta["grade_id"],
                role=role,
                source=cell.source,
                released=released[meta["grade_id"]],
                points=float(meta.get("points", 0.0)),
                binds=bound_names(cell.source) if role == "answer" else (),
            )
        )
    if not any(cell.role == "test" for cell in cells):
        raise ValueError(f"{name} has no test cell: is this a notebook made with nbgrader?")
    return Assignment(name=name, cells=tuple(cells))


def examine(
    assignment: Assignment,
    answers: Mapping[str, str],
    open_wire: Callable[[], Wire],
    *,
    seed: int,
    student: str = "",
    problems: tuple[str, ...] = (),
    sandbox: str = "not sandboxed",
    limits: Limits | None = None,
    submission_sha256: str = "",
) -> Result:
    """Grades one submission. Whatever the answers do, there is a result.

    Changes this process's environment variables, and runs the assignment's cells in it: give each submission
    a process of its own (`host`).

    Args:
        assignment: what is asked.
        answers: text by answer cell; an answer that is not there counts as the untouched release.
        open_wire: starts a process for the student's code.
        seed: seed of the hidden cases.
        student: the student's name.
        problems: what was odd about the file; kept in the result.
        sandbox: what `open_wire` locks the code into; kept in the result.
        limits: how long anything may take.
        submission_sha256: hash of the file that came; kept in the result.
    """
    from course_lib.grading.misconceptions import SEED_VARIABLE  # imports torch, which only tests need

    began = time.monotonic()
    os.environ[SEED_VARIABLE], os.environ[EXECUTION_VARIABLE] = str(seed), "autograde"
    texts = _texts(assignment, answers)
    namespace: dict = {"__name__": "__main__"}
    namespace["get_ipython"] = lambda: NoMagic(namespace)
    person = Student(open_wire, limits or Limits())
    marks, answered = [], {}
    try:
        for cell in assignment.cells:
            if cell.role == "answer":
                answered[cell.name] = person.run(cell.name, texts[cell.name])
            elif cell.role == "written":
                answered[cell.name] = _unrun(cell, texts[cell.name])
                marks.append(Mark(name=cell.name, points=None, out_of=cell.points))
            elif cell.role == "setup":
                person.run(cell.name, cell.released)
                _run(cell, namespace)
            else:
                marks.append(_test(cell, namespace, person, assignment, answered))
    finally:
        person.close()
    status: Status = "timed out" if person.timed_out else "crashed" if person.crashed else "graded"
    return Result(
        student=student,
        assignment=assignment.name,
        status=status,
        marks=tuple(marks),
        answers=answered,
        problems=problems,
        seconds=round(time.monotonic() - began, 3),
        seed=seed,
        sandbox=sandbox,
        hashes=hashes(assignment, answers, submission_sha256),
        version=__version__,
    )


def not_run(
    assignment: Assignment,
    status: Status,
    message: str,
    *,
    student: str,
    answers: Mapping[str, str],
    seed: int,
    problems: tuple[str, ...] = (),
    sandbox: str = "not sandboxed",
    submission_sha256: str = "",
) -> Result:
    """The result of a submission of which nothing was run: no points, and why.

    Args as for `examine`; what a person marks stays to be marked, where something came.
    """
    came = status not in ("missing", "unreadable")
    texts = _texts(assignment, answers)
    marks = tuple(
        Mark(name=cell.name, points=None, out_of=cell.points)
        if cell.role == "written" and came
        else Mark(name=cell.name, points=0.0, out_of=cell.points, message=message)
        for cell in assignment.cells
        if cell.role in ("test", "written")
    )
    return Result(
        student=student,
        assignment=assignment.name,
        status=status,
        marks=marks,
        answers={c.name: _unrun(c, texts[c.name]) for c in assignment.cells if came and c.name in texts},
        problems=problems,
        seed=seed,
        sandbox=sandbox,
        hashes=hashes(assignment, answers, submission_sha256),
        version=__version__,
    )


def hashes(assignment: Assignment, answers: Mapping[str, str], submission_sha256: str) -> dict[str, str]:
    """What was graded, and by which tests; see `Result.hashes`."""
    texts = _texts(assignment, answers)
    return {
        "submission": submission_sha256,
        "answers": sha256(repr(sorted(texts.items()))),
        "solution": assignment.sha256,
    }


def _texts(assignment: Assignment, answers: Mapping[str, str]) -> dict[str, str]:
    """Text of every cell that a student fills; what did not come is as it was handed out."""
    wanted = [cell for cell in assignment.cells if cell.role in ("answer", "written")]
    return {cell.name: answers.get(cell.name, cell.released) for cell in wanted}


def _unrun(cell: Cell, text: str) -> Answer:
    """A text for a person, or code that was not run.

    Where the release is the solution, as in a self-check or for a task of nbgrader's, nothing is untouched.
    """
    as_given = cell.role == "written" and cell.released != cell.source
    return Answer(source=text, untouched=as_given and text.strip() in ("", cell.released.strip()))


def _test(
    cell: Cell, namespace: dict, person: Student, assignment: Assignment, answered: dict[str, Answer]
) -> Mark:
    """Runs a test cell against stand-ins for what the student has bound."""
    began = time.monotonic()
    names = [name for name in assignment.graded_names if name in _names_in(cell.source)]
    for name in names:
        namespace.pop(name, None)
    try:
        namespace.update(person.look(names))
        message = _run(cell, namespace)
    except Stopped as stopped:
        message = str(stopped)
    if message:
        for answer in assignment.cells:
            stopped = answered[answer.name].error if answer.name in answered else ""
            if stopped and (set(answer.binds) & set(names) or answer.name == cell.question):
                message += f"\nYour cell {answer.name} stopped with {stopped}"
    return Mark(
        name=cell.name,
        points=0.0 if message else cell.points,
        out_of=cell.points,
        message=message,
        seconds=round(time.monotonic() - began, 3),
    )


def _run(cell: Cell, namespace: dict) -> str:
    """Runs one of our own cells; what is wrong, or nothing."""
    try:
        code = _compiled(cell)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(code, namespace)
    except AssertionError as failed:
        return str(failed) or "an assertion failed"
    except (Exception, SystemExit) as failed:
        return "".join(traceback.format_exception_only(failed)).strip()
    return ""


def compile_ours(assignment: Assignment) -> None:
    """Compiles our own cells beforehand: whoever forks for every submission need not do it in each.

    A cell that is no program is left for `examine`, which tells.
    """
    for cell in assignment.cells:
        if cell.role in ("setup", "test"):
            with contextlib.suppress(SyntaxError):
                _compiled(cell)
                _names_in(cell.source)


@functools.lru_cache(maxsize=256)
def _compiled(cell: Cell) -> CodeType:
    """One of our own cells as code, magic and all."""
    from IPython.core.inputtransformer2 import TransformerManager

    return compile(TransformerManager().transform_cell(cell.source), f"<{cell.name}>", "exec")


@functools.lru_cache(maxsize=256)
def _names_in(source: str) -> frozenset[str]:
    """All names that a cell of ours uses."""
    return frozenset(node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))


def _role(cell: "nbformat.NotebookNode", meta: Mapping) -> str | None:
    if not meta.get("grade_id"):
        return None
    graded, answered, code = meta.get("grade", False), meta.get("solution", False), cell.cell_type == "code"
    if (graded and (answered or not code)) or meta.get("task", False):
        return "written"
    if not code:
        return None
    return "test" if graded else "answer" if answered else "setup"


def bound_names(source: str) -> tuple[str, ...]:
    """Functions, classes and variables that a cell binds at module level, and what it takes from the course's
    library; none where it does not parse."""
    without_magic = "".join(
        line if not line.startswith(("%", "!")) else "\n" for line in source.splitlines(keepends=True)
    )
    try:
        body = ast.parse(without_magic).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    names = []
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_lib"):
            names += [alias.asname or alias.name for alias in node.names]
    return tuple(dict.fromkeys(names))


def sha256(text: str) -> str:
    """Hash of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
