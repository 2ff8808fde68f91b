"""Feedback: one HTML page a student, with points, messages, their own answers and the marker's words.

The page is made of the result, the release and what a person marked in the gradebook, and of nothing that
only graders may see. It holds no script and fetches nothing: what a student wrote is text, coloured code or
cleaned HTML, and the page's own policy forbids the rest.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
import nbformat
from markupsafe import Markup
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course_lib.core.whole_files import write_whole
from course_lib.grading.gradebook import HandMark, folder_name, hand_marks
from course_lib.grading.markup import plain, render
from course_lib.grading.release import RELEASE
from course_lib.grading.results import Answer, Mark, Result

LIGHT, DARK = "default", "github-dark"
"""Pygments' styles; both have enough contrast for small text."""
STATUS = {
    "graded": "",
    "timed out": "A part of your code did not end in time. What was tested without it has its marks.",
    "crashed": "A part of your code brought Python down. What was tested without it has its marks.",
    "unreadable": "Your file could not be read as a notebook, so nothing in it was graded.",
    "missing": "No submission was found.",
}
"""By the result's status, what a student should know about it."""
_TITLE = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One row under a question: a group of cases, or a text that a person reads."""

    kind: str
    """"visible cases", "further cases" or "read by a person"."""
    points: float | None
    """None where they are still to be given."""
    out_of: float
    message: str
    by_hand: bool
    """A person gave the points."""
    waiting: bool
    """A person has to look, for the first time or again."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the page shows of one question."""

    name: str
    title: str
    text: str
    """The question, as safe HTML."""
    parts: tuple[Part, ...]
    answers: tuple[dict, ...]
    """For each answer cell: its safe HTML, whether it was left blank, its output, its error, the comment."""

    @property
    def points(self) -> float:
        return sum(part.points or 0.0 for part in self.parts)

    @property
    def out_of(self) -> float:
        return sum(part.out_of for part in self.parts)

    @property
    def state(self) -> str:
        """One of "waiting", "again", "full", "part" and "none"."""
        if any(part.points is None for part in self.parts):
            return "waiting"
        if any(part.waiting for part in self.parts):
            return "again"
        if self.points >= self.out_of:
            return "full"
        return "part" if self.points > 0 else "none"


def write_feedback(results: Sequence[Result], root: Path, folder: Path | None = None) -> list[Path]:
    """Writes one page for each result; the same results and marks give the same bytes.

    Args:
        results: results of one or more assignments.
        root: the course's folder, with `assignments/` and, once marks were imported, nbgrader's gradebook.
        folder: where the pages go; `grading/feedback/ASSIGNMENT` in the course's folder by default.

    Returns:
        The pages, `STUDENT.html`, in the order of the results.

    Raises:
        FileNotFoundError: an assignment has no release.
    """
    root = Path(root).resolve()
    releases = {name: _release(name, root) for name in sorted({result.assignment for result in results})}
    pages = []
    for result in results:
        marks = hand_marks(result.assignment, result.student, root)
        target = Path(folder or root / "grading" / "feedback" / result.assignment)
        target /= f"{folder_name(result.student)}.html"
        write_whole(target, page(result, releases[result.assignment], marks))
        pages.append(target)
    return pages


def page(result: Result, release: NotebookNode, marks: dict[str, HandMark]) -> str:
    """The page of one student.

    Args:
        result: the submission, graded.
        release: the assignment as students got it, for the questions' texts.
        marks: what a person marked, by the name of the cell.
    """
    questions = _questions(result, release, marks)
    open_points = sum(part.out_of for q in questions for part in q.parts if part.points is None)
    return _template().render(
        result=result,
        title=_title(release.cells[0].source) if release.cells else result.assignment,
        questions=questions,
        points=sum(question.points for question in questions),
        out_of=sum(question.out_of for question in questions),
        open_points=open_points,
        again=any(question.state == "again" for question in questions),
        status=STATUS[result.status],
        problems=[plain(problem) for problem in result.problems],
        light=Markup(HtmlFormatter(style=LIGHT).get_style_defs(".highlight")),
        dark=Markup(HtmlFormatter(style=DARK).get_style_defs(".highlight")),
    )


def _release(name: str, root: Path) -> NotebookNode:
    path = root / RELEASE / name / f"{name}.ipynb"
    if not path.is_file():
        raise FileNotFoundError(f"{RELEASE}/{name}/{name}.ipynb does not exist: run `course release {name}`")
    return nbformat.read(path, as_version=4)


def _questions(result: Result, release: NotebookNode, marks: dict[str, HandMark]) -> list[Question]:
    cells = {c.metadata.nbgrader.grade_id: c for c in release.cells if "nbgrader" in c.metadata}
    names = list(dict.fromkeys(mark.question for mark in _marks(result, cells)))
    questions = []
    for name in names:
        own = {key: cell for key, cell in cells.items() if key.partition("-")[0] == name}
        text = "\n\n".join(
            cell.source
            for cell in own.values()
            if cell.cell_type == "markdown" and not cell.metadata.nbgrader.solution
        )
        questions.append(
            Question(
                name=name,
                title=_title(text) or name,
                text=Markup(_below(render(_TITLE.sub("", text, count=1)), 3)),
                parts=tuple(
                    _part(mark, result.answers.get(mark.name), marks.get(mark.name, HandMark()))
                    for mark in _marks(result, cells)
                    if mark.question == name
                ),
                answers=tuple(
                    _answer(key, cell, result, marks.get(key, HandMark()))
                    for key, cell in own.items()
                    if cell.metadata.nbgrader.solution
                ),
            )
        )
    return questions


def _marks(result: Result, cells: dict[str, NotebookNode]) -> tuple[Mark, ...]:
    """The marks; where nothing could be graded, none of the points for each graded cell."""
    graded = {key: cell.metadata.nbgrader for key, cell in cells.items() if cell.metadata.nbgrader.grade}
    return result.marks or tuple(
        Mark(name=key, points=0.0, out_of=meta.points) for key, meta in graded.items()
    )


def _part(mark: Mark, answer: Answer | None, hand: HandMark) -> Part:
    nothing = 0.0 if answer is not None and answer.untouched else None
    counts = hand.by_hand or (mark.points is None and hand.points is not None)
    if mark.name == mark.question:
        kind = "read by a person"
    else:
        kind = "visible cases" if mark.name.endswith("-visible") else "further cases"
    return Part(
        kind=kind,
        points=hand.points if counts else nothing if mark.points is None else mark.points,
        out_of=mark.out_of,
        message=plain(mark.message),
        by_hand=hand.by_hand,
        waiting=hand.waiting and counts,
    )


def _answer(name: str, cell: NotebookNode, result: Result, hand: HandMark) -> dict:
    answer = result.answers.get(name)
    source = plain(answer.source) if answer else ""
    code = cell.cell_type == "code"
    return {
        "code": code,
        "html": Markup(_coloured(source) if code else _below(render(source), 4)),
        "blank": not source.strip() or source == cell.source,
        "output": plain(answer.output) if answer else "",
        "error": plain(answer.error) if answer else "",
        "comment": Markup(_below(render(hand.comment), 4)) if hand.comment else "",
    }


def _coloured(source: str) -> str:
    return highlight(source.rstrip(), PythonLexer(stripnl=False), HtmlFormatter(style=LIGHT))


def _title(markdown: str) -> str:
    """The first heading of a text."""
    found = _TITLE.search(markdown)
    return found[1] if found else ""


def _below(html: str, top: int) -> str:
    """Headings of a text that stands inside the page begin at level `top`, below the page's own."""
    first = min(map(int, re.findall(r"<h([1-6])>", html)), default=top)
    return re.sub(r"(</?h)([1-6])(?=>)", lambda tag: f"{tag[1]}{min(6, int(tag[2]) - first + top)}", html)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = lambda value: f"{value:.2f}".rstrip("0").rstrip(".")
    return environment.get_template("feedback.html")
