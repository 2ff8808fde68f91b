"""What grading one submission gives: plain data, one JSON file a student, written whole or not at all.

Everything that comes after the grading (gradebook, feedback, report, export) reads these files and nothing
else, so that a run can be stopped at any moment, go on later, or happen on another machine.
"""

import contextlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from course_lib.core.whole_files import write_whole

Status = Literal["graded", "timed out", "crashed", "unreadable", "missing"]
RUN = ".run.json"
"""File beside the results: hidden, as it is none."""
STATUSES: tuple[str, ...] = get_args(Status)
"""graded: every test ran. timed out, crashed: so did a part of the student's code, the rest has its marks.
unreadable: a file came that is no notebook. missing: nothing came."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What one test cell, or one answer that a person marks, is worth so far."""

    name: str
    """The cell's name (nbgrader's `grade_id`), such as "q1-hidden"."""
    points: float | None
    """Points got; None where a person marks the answer."""
    out_of: float
    """Points to be had."""
    message: str = ""
    """What is wrong, in the words that the student reads; empty where all is well."""
    seconds: float = 0.0
    """Wall-clock seconds that the test took."""

    @property
    def question(self) -> str:
        """The part of the name before the first hyphen: "q1-hidden" belongs to "q1"."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a student wrote into one answer cell, and what running it said."""

    source: str
    """Text of the cell."""
    error: str = ""
    """Why the cell stopped; empty where it ran."""
    output: str = ""
    """What it printed, cut to a readable length."""
    untouched: bool = False
    """Whether a text for a person is empty or as it was handed out: no points, and nobody need open it."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One submission, graded."""

    student: str
    """Name of the student, good as a file name too: letters, digits and . _ @ -"""
    assignment: str
    """Such as "ps2_epopt"."""
    status: Status
    marks: tuple[Mark, ...]
    """One a test cell and manually marked answer, in the notebook's order."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """By the answer cell's `grade_id`."""
    problems: tuple[str, ...] = ()
    """What was odd about the file, in plain words for the student."""
    seconds: float = 0.0
    """Wall-clock seconds from the first cell to the last."""
    name: str = ""
    """The student's name as the roster or the download spells it; empty where it is not known."""
    seed: int = 0
    """Seed of the hidden cases; the same seed gives the same marks."""
    sandbox: str = "not sandboxed"
    """What the student's code was locked into."""
    hashes: dict[str, str] = field(default_factory=dict)
    """SHA-256, in hexadecimal, of "submission" (the bytes that came), "answers", "solution" and "grader"
    (the library and the limits)."""
    version: str = ""
    """Version of course_lib that graded."""

    @property
    def points(self) -> float:
        """Points that need no person."""
        return sum(mark.points for mark in self.marks if mark.points is not None)

    @property
    def out_of(self) -> float:
        """The most that can be had without a person."""
        return sum(mark.out_of for mark in self.marks if mark.points is not None)

    def to_json(self) -> str:
        """Text that `from_json` turns back; the same result gives the same text."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Result":
        """The result that `to_json` wrote.

        Raises:
            ValueError: this is no result.
        """
        try:
            values = json.loads(text)
            values["marks"] = tuple(Mark(**mark) for mark in values["marks"])
            values["answers"] = {name: Answer(**answer) for name, answer in values["answers"].items()}
            values["problems"] = tuple(values["problems"])
            return cls(**values)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no result of grading: {error}") from error


def results_folder(root: Path, assignment: str) -> Path:
    """Where the results of an assignment lie: `grading/ASSIGNMENT/results` in the course's folder."""
    return root / "grading" / assignment / "results"


def save(result: Result, folder: Path) -> Path:
    """Writes `folder/STUDENT.json`; who reads at the same time sees the old text or the new, never half."""
    target = folder / f"{result.student}.json"
    write_whole(target, result.to_json())
    return target


def load(folder: Path) -> list[Result]:
    """The results of the last run in a folder, sorted by student.

    Raises:
        ValueError: a file there is no result.
    """
    students = read_run(folder).get("students")
    found = []
    for path in _files(folder):
        if students is None or path.stem in students:
            try:
                found.append(Result.from_json(path.read_text(encoding="utf-8")))
            except ValueError as error:
                raise ValueError(f"{path}: {error}; grade again") from error
    return sorted(found, key=lambda result: result.student)


def load_what_holds(folder: Path) -> list[Result]:
    """The results in a folder that this version can read; others are as good as absent."""
    found = []
    for path in _files(folder):
        with contextlib.suppress(ValueError):
            found.append(Result.from_json(path.read_text(encoding="utf-8")))
    return found


def forget(folder: Path) -> None:
    """Deletes all results in a folder."""
    for path in _files(folder):
        path.unlink()


def read_run(folder: Path) -> dict:
    """What is known of the last run in a folder: `seed`, `students` and whether it is `finished`."""
    try:
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return run if isinstance(run, dict) else {}


def write_run(folder: Path, run: dict) -> None:
    """Keeps what the next run and the report must know of this one."""
    write_whole(folder / RUN, json.dumps(run, indent=1) + "\n")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
