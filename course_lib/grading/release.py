"""Release: `assignments/` from `solutions/`, with nbgrader, and nothing that a student must not get.

nbgrader copies every file that lies beside a source notebook into the release, and keeps metadata through
which JupyterLab would open a paired text file instead of the notebook. So one notebook goes in, alone, one
comes out, and it is searched before it takes its place.
"""

import json
import logging
import re
import tempfile
from pathlib import Path

import nbformat

from course_lib.core.spelling import nearest
from course_lib.core.whole_files import write_whole
from course_lib.grading.examine import sha256

SOURCE = "solutions"
RELEASE = "assignments"
TESTS = "course_tests"
"""Key in a release's metadata for what its test cells were."""
MARKERS = tuple(
    f"{edge} {what}" for edge in ("BEGIN", "END") for what in ("SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
)
"""What must not stand in a release, in any mixture of upper and lower case."""
IGNORED = {".ipynb_checkpoints", "__pycache__", ".DS_Store"}
"""What programs leave behind: not released, and no reason to stop."""


class LeakError(ValueError):
    """The release would give away something that belongs to the graders."""


def assignments(root: Path) -> list[str]:
    """Names of all assignments, the folders in `solutions/` with a notebook, sorted.

    Args:
        root: the course's folder.
    """
    return sorted({p.parent.name for p in (root / SOURCE).glob("*/*.ipynb")} - IGNORED)


def release_assignments(names: list[str] | None = None, root: Path | None = None) -> list[Path]:
    """Generates `assignments/NAME/NAME.ipynb` from `solutions/NAME/NAME.ipynb`.

    The same source gives the same bytes. An assignment is replaced only after its new text was found clean.

    Args:
        names: assignments, such as ["ps2_epopt"]; all of them by default.
        root: the course's folder, which holds `solutions/`; the current folder by default.

    Returns:
        The notebooks written, sorted by name.

    Raises:
        FileNotFoundError: there is no such assignment.
        LeakError: a source folder or its release holds what must not go out.
    """
    root = Path(root or ".").resolve()
    known = assignments(root)
    if not known:
        raise FileNotFoundError(f"no assignment in {root / SOURCE}; run this in the course's folder")
    for name in names or []:
        if name not in known:
            raise FileNotFoundError(f"no assignment {name!r} in {SOURCE}/: {nearest(name, known)}")
    return [_release(name, root) for name in sorted(set(names or known))]


def released_text(name: str, root: Path) -> str:
    """What `assignments/NAME/NAME.ipynb` should hold."""
    return _generate(name, (root / SOURCE / name / f"{name}.ipynb").read_text(encoding="utf-8"))


def find_leaks(text: str) -> list[str]:
    """What in a released notebook must not be there; empty where it is clean."""
    notebook = nbformat.reads(text, as_version=4)
    leaks = [f"the words {marker!r}" for marker in MARKERS if marker in text.upper()]
    if "jupytext" in notebook.metadata:
        leaks.append("metadata.jupytext, through which JupyterLab opens a text twin")
    for cell in notebook.cells:
        if cell.get("outputs"):
            leaks.append(f"outputs in cell {cell.id}")
        if cell.get("attachments"):
            leaks.append(f"attachments in cell {cell.id}")
    return leaks


def _release(name: str, root: Path) -> Path:
    source = root / SOURCE / name / f"{name}.ipynb"
    _refuse_foreign_files(source.parent, source.name, SOURCE)
    text = source.read_text(encoding="utf-8")
    if "jupytext" in nbformat.reads(text, as_version=4).metadata:
        raise LeakError(
            f"{SOURCE}/{name}/{source.name} has metadata.jupytext; remove it "
            "with jupytext --update-metadata '{\"jupytext\": null}'"
        )
    released = _generate(name, text)
    leaks = find_leaks(released) + _copied_answers(text, released)
    if leaks:
        raise LeakError(f"{RELEASE}/{name} would hold {'; '.join(leaks)}; mend {SOURCE}/{name}/{source.name}")

    folder = root / RELEASE / name
    if folder.exists():
        _refuse_foreign_files(folder, source.name, RELEASE)
    target = folder / source.name
    write_whole(target, released)
    return target


def _refuse_foreign_files(folder: Path, notebook: str, room: str) -> None:
    foreign = sorted(p.name for p in folder.iterdir() if p.name not in IGNORED | {notebook})
    if foreign:
        raise LeakError(
            f"{room}/{folder.name}/ holds {', '.join(foreign)}; only {notebook} belongs there, "
            "move the rest away"
        )
    if not (folder / notebook).is_file() and room == SOURCE:
        raise FileNotFoundError(f"{room}/{folder.name}/{notebook} does not exist")


def _generate(name: str, text: str) -> str:
    """nbgrader's own conversion, in a folder of its own that is gone afterwards."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.converters.base import NbGraderException
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    with tempfile.TemporaryDirectory() as temporary:
        course = Path(temporary).resolve()
        (course / SOURCE / name).mkdir(parents=True)
        (course / SOURCE / name / f"{name}.ipynb").write_text(text, encoding="utf-8")
        config = Config()
        config.CourseDirectory.root = str(course)
        config.CourseDirectory.source_directory = SOURCE
        config.CourseDirectory.release_directory = RELEASE
        # The gradebook plays no part in a release; the grader fills its own from the source.
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        config.CourseDirectory.assignment_id = name
        converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
        said = _Said()
        level, spread = converter.log.level, converter.log.propagate
        converter.log.addHandler(said)
        converter.log.propagate = False
        try:
            converter.start()
        except NbGraderException as error:
            raise ValueError(f"nbgrader could not convert {SOURCE}/{name}: {said.last_error()}") from error
        finally:
            converter.log.removeHandler(said)
            converter.log.setLevel(level)
            converter.log.propagate = spread
        released = (course / RELEASE / name / f"{name}.ipynb").read_text(encoding="utf-8")
        left = sorted(p.name for p in (course / RELEASE / name).iterdir() if p.name != f"{name}.ipynb")
        if left:
            raise LeakError(f"nbgrader would release {', '.join(left)} with {name}")
    book = json.loads(released)
    book["metadata"][TESTS] = _tests(nbformat.reads(released, as_version=4))
    for cell in book["cells"]:
        if _is_test(cell):  # folded, so that a verdict stands right under the answer; a click shows the test
            cell["metadata"].setdefault("jupyter", {})["source_hidden"] = True
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _tests(release: nbformat.NotebookNode) -> dict[str, list]:
    """Points and hash of each test cell, by which a self-check sees that one was lost or changed."""
    return {
        cell.metadata.nbgrader.grade_id: [cell.metadata.nbgrader.points, sha256(cell.source)]
        for cell in release.cells
        if _is_test(cell)
    }


def _is_test(cell: dict) -> bool:
    marks = cell["metadata"].get("nbgrader", {})
    return bool(marks.get("grade")) and not marks.get("solution")


def _copied_answers(source: str, released: str) -> list[str]:
    """Long lines of a solution that stand in the release as well: an answer outside its markers."""
    answers = set()
    for cell in nbformat.reads(source, as_version=4).cells:
        for region in re.findall(r"BEGIN SOLUTION(.*?)END SOLUTION", cell.source, flags=re.S):
            answers |= {line.strip() for line in region.splitlines()[1:-1] if len(line.strip()) >= 30}
    shown = "\n".join(cell.source for cell in nbformat.reads(released, as_version=4).cells)
    return [f"a line of the solution, {line!r}," for line in sorted(answers) if line in shown]


class _Said(logging.Handler):
    """Keeps what nbgrader logs, to tell it only where something failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def last_error(self) -> str:
        lines = [line for text in self.lines for line in text.strip().splitlines() if "Error" in line]
        return lines[-1] if lines else " ".join(self.lines)[-500:]
