"""Gradebook: results of grading become marks in nbgrader's gradebook, and notebooks that formgrader shows.

nbgrader keeps the marks, and the marks and comments that a person gives; it runs nothing. Its assignment is
made from `solutions/`, as its own release is, and every submission is that release with the student's answers
in their cells and our messages as outputs: nothing else of a student's file ever gets here.
"""

import json
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.core.whole_files import write_whole
from course_lib.grading.markup import plain, render_as_cell
from course_lib.grading.release import SOURCE
from course_lib.grading.results import Result

SUBMITTED = "grading/submitted"
AUTOGRADED = "grading/autograded"
"""nbgrader's folders, the same as in `nbgrader_config.py`."""


@dataclass(frozen=True, kw_only=True)
class HandMark:
    """What the gradebook holds of one graded cell or answer."""

    points: float | None = None
    """Points that stand, with extra credit: a person's where one gave some; None where one still has to."""
    by_hand: bool = False
    """Whether a person gave them."""
    waiting: bool = False
    """Whether a person has to look, for the first time or again."""
    comment: str = ""
    """The marker's words; empty where there are none."""


def import_results(
    results: Sequence[Result], root: Path, progress: Callable[[int, int], None] | None = None
) -> dict[str, str]:
    """Brings results into the gradebook, and writes the notebooks that formgrader shows.

    Marks and comments that a person gave are kept. Where the answer under such a mark, or the automatic mark
    that it replaces, has changed since, the mark waits for a person again. Importing the same results twice
    changes nothing, and an import that was killed is completed by the next one.

    Args:
        results: results of one or more assignments, one a student and assignment.
        root: the course's folder, which holds `solutions/` and gets `grading/`.
        progress: called after each result with how many are done, and how many there are.

    Returns:
        By student, why a result could not be imported; empty where all went well.

    Raises:
        FileNotFoundError: an assignment has no source notebook.
        ValueError: the cells of an assignment changed after marks were imported.
    """
    root = Path(root).resolve()
    failed: dict[str, str] = {}
    (root / "grading").mkdir(exist_ok=True)
    with _gradebook(root) as book:
        releases = {
            name: _enter_assignment(name, root, book) for name in sorted({r.assignment for r in results})
        }
        for done, result in enumerate(results, start=1):
            try:
                _import_one(result, releases[result.assignment], root, book)
            except Exception as error:  # one student's trouble is a row; the others go on
                book.db.rollback()
                failed[result.student] = f"{result.assignment}: {error}"
            finally:
                book.db.expunge_all()  # else every commit looks through all students so far
            if progress is not None:
                progress(done, len(results))
    return failed


def hand_marks(assignment: str, student: str, root: Path) -> dict[str, HandMark]:
    """What the gradebook holds of one submission, by the name of the cell; empty where it holds nothing."""
    from nbgrader.api import MissingEntry

    if not database(root).exists():
        return {}
    with _gradebook(root) as book:
        try:
            notebook = book.find_submission_notebook(assignment, assignment, student)
        except MissingEntry:
            return {}
        comments = {comment.name: comment.manual_comment or "" for comment in notebook.comments}
        marks = {name: HandMark(comment=comment) for name, comment in comments.items() if comment}
        for grade in notebook.grades:
            by_hand = grade.manual_score is not None or bool(grade.extra_credit)
            marks[grade.name] = HandMark(
                points=grade.score if by_hand or grade.auto_score is not None else None,
                by_hand=by_hand,
                waiting=grade.needs_manual_grade,
                comment=comments.get(grade.name, ""),
            )
    return marks


def database(root: Path) -> Path:
    """nbgrader's file of marks."""
    return Path(root).resolve() / "grading" / "gradebook.db"


def folder_name(student: str) -> str:
    """The student's name, where it is good as the name of a file.

    Raises:
        ValueError: it is not.
    """
    if not re.fullmatch(r"[\w@-][\w.@-]*", student):
        raise ValueError(f"{student!r} is no name for a folder: letters, digits and . _ @ - only")
    return student


# --- the assignment


def _enter_assignment(name: str, root: Path, book) -> NotebookNode:
    """Makes or renews the assignment in the gradebook, and returns its release, as nbgrader would make it."""
    from nbgrader import preprocessors as step

    source = root / SOURCE / name / f"{name}.ipynb"
    if not source.is_file():
        raise FileNotFoundError(f"{SOURCE}/{name}/{name}.ipynb does not exist in {root}")
    book.update_or_create_assignment(name)
    notebook = nbformat.read(source, as_version=4)
    resources = {"nbgrader": {"notebook": name, "assignment": name, "db_url": _url(database(root))}}
    steps = [
        step.LockCells,
        step.ClearSolutions,
        step.ClearOutput,
        step.CheckCellMetadata,
        step.ComputeChecksums,
    ]
    steps += [step.SaveCells, step.ClearHiddenTests, step.ClearMarkScheme, step.ComputeChecksums]
    try:
        for preprocessor in steps:
            notebook, resources = preprocessor().preprocess(notebook, resources)
    except RuntimeError as error:
        raise ValueError(
            f"{SOURCE}/{name} has other cells than when marks were imported, which nbgrader cannot follow: "
            "bring the old cells back, or move grading/gradebook.db away, with all marks given by hand"
        ) from error
    notebook.metadata.pop("celltoolbar", None)
    return notebook


# --- one submission


def _import_one(result: Result, release: NotebookNode, root: Path, book) -> None:
    name = result.assignment
    folders = [root / room / folder_name(result.student) / name for room in (SUBMITTED, AUTOGRADED)]
    submitted, autograded = (folder / f"{name}.ipynb" for folder in folders)
    book.update_or_create_student(result.student)
    if result.status == "missing" and not _touched_by_hand(name, result.student, book):
        _remove_submission(name, result.student, book)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        return

    theirs = _with_answers(release, result)
    blank, before, now = _sources(release), _sources(_read(submitted)), _sources(theirs)
    points = _points(result, release)
    for answer, text in now.items():
        if text.strip() in ("", blank[answer].strip()) and answer in points and points[answer] is None:
            points[answer] = 0.0  # nothing was written: nobody need open it, as with nbgrader
    # The marks first: the file that tells which answer was marked changes only when they are safe.
    submission = book.update_or_create_submission(name, result.student)
    for grade in submission.notebooks[0].grades:
        if grade.manual_score is None:
            grade.needs_manual_grade = points[grade.name] is None
        elif grade.auto_score != points[grade.name] or before.get(grade.name) != now.get(grade.name):
            grade.needs_manual_grade = True
        grade.auto_score = points[grade.name]
    for comment in submission.notebooks[0].comments:
        comment.auto_comment = "No response." if now[comment.name] == blank[comment.name] else None
    book.db.commit()
    _write(_shown(theirs, result), autograded)
    _write(theirs, submitted)


def _submission(assignment: str, student: str, book):
    from nbgrader.api import MissingEntry

    try:
        return book.find_submission(assignment, student)
    except MissingEntry:
        return None


def _touched_by_hand(assignment: str, student: str, book) -> bool:
    submission = _submission(assignment, student, book)
    return submission is not None and any(
        any(grade.manual_score is not None or grade.extra_credit for grade in notebook.grades)
        or any(comment.manual_comment for comment in notebook.comments)
        for notebook in submission.notebooks
    )


def _remove_submission(assignment: str, student: str, book) -> None:
    """nbgrader's own function commits in between; killed there, it would leave half a submission."""
    submission = _submission(assignment, student, book)
    if submission is None:
        return
    for notebook in submission.notebooks:
        for row in [*notebook.grades, *notebook.comments, notebook]:
            book.db.delete(row)
    book.db.delete(submission)
    book.db.commit()


def _points(result: Result, release: NotebookNode) -> dict[str, float | None]:
    """Automatic points of each graded cell; None where a person marks it."""
    out_of = {
        cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader.points for cell in _cells(release, "grade")
    }
    if result.status in ("unreadable", "missing"):
        return dict.fromkeys(out_of, 0.0)
    marks = {mark.name: mark for mark in result.marks}
    odd = sorted(set(marks) ^ set(out_of)) or sorted(n for n, m in marks.items() if m.out_of != out_of[n])
    if odd:
        raise ValueError(
            f"its marks do not fit {SOURCE}/{result.assignment} in {', '.join(odd)}: grade it again"
        )
    return {name: mark.points for name, mark in marks.items()}


def _with_answers(release: NotebookNode, result: Result) -> NotebookNode:
    notebook = deepcopy(release)
    for cell in _cells(notebook, "solution"):
        answer = result.answers.get(cell.metadata.nbgrader.grade_id)
        if answer is not None:
            cell.source = plain(answer.source)
    return notebook


def _shown(theirs: NotebookNode, result: Result) -> NotebookNode:
    """What formgrader shows: answers that cannot harm, with what they said, and why points were lost."""
    notebook = deepcopy(theirs)
    marks = {mark.name: mark for mark in result.marks}
    for cell in _cells(notebook):
        name = cell.metadata.nbgrader.grade_id
        if cell.cell_type == "markdown" and cell.metadata.nbgrader.solution:
            cell.source = render_as_cell(cell.source)
        if cell.cell_type != "code":
            continue
        answer, mark = result.answers.get(name), marks.get(name)
        if answer is not None and answer.output:
            cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=plain(answer.output)))
        if answer is not None and answer.error:
            cell.outputs.append(_error(plain(answer.error)))
        if mark is not None and mark.points is not None and mark.points < mark.out_of:
            cell.outputs.append(
                _error(f"{mark.points:g} of {mark.out_of:g} points\n{plain(mark.message)}".strip())
            )
    said = [f"This submission was {result.status}."] if result.status != "graded" else []
    said += result.problems
    if said:
        text = render_as_cell("\n".join(f"* {line}" for line in said))
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(text, id="about-this-submission"))
    return notebook


def _error(text: str) -> NotebookNode:
    name, _, value = text.partition("\n")
    return nbformat.v4.new_output("error", ename=name, evalue=value, traceback=text.splitlines())


def _cells(notebook: NotebookNode, *kinds: str) -> Iterator[NotebookNode]:
    """Cells with nbgrader's metadata, in which all of `kinds` ("grade", "solution") are true."""
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if meta is not None and all(meta.get(kind, False) for kind in kinds):
            yield cell


# --- files


def _read(path: Path) -> NotebookNode:
    """What the last import wrote; a notebook without cells where there was none, or its file is broken."""
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except (OSError, ValueError):
        return nbformat.v4.new_notebook()


def _sources(notebook: NotebookNode) -> dict[str, str]:
    """Texts of the answer cells."""
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in _cells(notebook, "solution")}


def _write(notebook: NotebookNode, target: Path) -> None:
    """Writes a notebook; the same notebook leaves the file as it is."""
    data = (json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
    for left in target.parent.glob(f".{target.name}.*.partial"):  # of an import that was killed
        left.unlink()
    if not target.is_file() or target.read_bytes() != data:
        write_whole(target, data)


def _url(path: Path) -> str:
    return f"sqlite:///{path.as_posix()}"


@contextmanager
def _gradebook(root: Path) -> Iterator:
    from nbgrader.api import Gradebook
    from sqlalchemy.exc import SAWarning

    path = database(root)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # about nbgrader's own classes
        if not path.exists():
            _create(path)
        with closing(Gradebook(_url(path))) as book:
            yield book


def _create(path: Path) -> None:
    """Makes an empty gradebook, whole or not at all: nbgrader needs seconds to tell it its version."""
    from nbgrader.api import Gradebook

    part, programs = path.with_suffix(".part"), os.environ.get("PATH", os.defpath)
    try:
        part.unlink(missing_ok=True)
        # For that it runs the program `alembic`, which lies beside python.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), programs])
        Gradebook(_url(part)).close()
        os.replace(part, path)
    finally:
        os.environ["PATH"] = programs
        part.unlink(missing_ok=True)
