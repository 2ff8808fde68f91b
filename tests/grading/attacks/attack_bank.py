"""What an attack is, and how many are graded at once, through the calls of an instructor's command."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from course_lib.grading.batch import Summary, grade_batch
from course_lib.grading.results import Result
from course_lib.grading.sandbox import Limits


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A submission that is right but for some cells, and what it may get."""

    name: str
    """Also the student's name."""
    tries: str
    """What it hopes for."""
    cells: dict[str, str] = field(default_factory=dict)
    """Source by question; the other answers are right."""
    loses: tuple[str, ...] | None = None
    """Questions that must get nothing; by default those of its cells. Empty: an honest submission."""
    own_goal: bool = False
    """Whether it may also hurt its own other questions; otherwise they must keep full marks."""
    change: Callable[[nbformat.NotebookNode], object] | None = None
    """Changes the notebook before it is handed in."""

    @property
    def lost(self) -> tuple[str, ...]:
        return tuple(self.cells) if self.loses is None else self.loses


def attack(name: str, tries: str, **cells: str) -> Attack:
    """An attack on the questions named, such as `q1="..."`."""
    return Attack(name=name, tries=tries, cells=cells)


def own_goal(name: str, tries: str, **cells: str) -> Attack:
    """An attack that may cost its own author more than the question that it is written into."""
    return Attack(name=name, tries=tries, cells=cells, own_goal=True)


def honest(name: str, tries: str, **cells: str) -> Attack:
    """An odd submission that must keep full marks."""
    return Attack(name=f"honest-{name}", tries=tries, cells=cells, loses=())


def hand_in(
    attacks: Iterable[Attack], release: nbformat.NotebookNode, right: dict[str, str], folder: Path
) -> None:
    """Writes a submission for each attack, as a student's own file."""
    for one in attacks:
        notebook = nbformat.from_dict(json.loads(json.dumps(release)))
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in right:
                cell.source = one.cells.get(name, right[name])
        if one.change is not None:
            one.change(notebook)
        (folder / one.name).mkdir(parents=True)
        text = json.dumps(notebook, ensure_ascii=True)
        (folder / one.name / "notebook.ipynb").write_text(text, encoding="utf-8")


def grade(folder: Path, assignment: str, root: Path, out: Path, limits: Limits) -> Summary:
    """Grades everything that was handed in, two submissions at a time."""
    with ThreadPoolExecutor(2) as executor:
        return grade_batch(folder, assignment, root, executor=executor, seed=1234, out=out, limits=limits)


def points(result: Result) -> dict[str, float]:
    """Points by question, without those that a person gives."""
    got: dict[str, float] = {}
    for mark in result.marks:
        if mark.points is not None:
            got[mark.question] = got.get(mark.question, 0.0) + mark.points
    return got


def complaints(one: Attack, result: Result, full: dict[str, float]) -> list[str]:
    """Where a result differs from what the attack may get; empty where all is well."""
    got = points(result)
    said = [
        f"{one.name}: {question} got {got[question]:g} of {full[question]:g}, expected 0 ({one.tries})"
        for question in one.lost
        if got[question] != 0
    ]
    if not one.own_goal:
        said += [
            f"{one.name}: {question} got {got[question]:g}, expected {full[question]:g}: "
            + "; ".join(m.message for m in result.marks if m.question == question)[:300]
            for question in full
            if question not in one.lost and got[question] != full[question]
        ]
    return said
