import shutil
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps import NbGraderAPI
from traitlets.config import PyFileConfigLoader

from course_lib.grading.gradebook import import_results
from course_lib.grading.results import Answer, Mark, Result, results_folder, save

ROOT = Path(__file__).parents[2]
NAME = "ps2_epopt"


@pytest.fixture
def course(tmp_path):
    """A course with its own settings, and the result of a submission that would leave a trace if run."""
    shutil.copytree(ROOT / "solutions" / NAME, tmp_path / "solutions" / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    marks = []
    for cell in nbformat.read(tmp_path / "solutions" / NAME / f"{NAME}.ipynb", as_version=4).cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade"):
            marks.append(Mark(name=meta.grade_id, points=None if meta.solution else 1.0, out_of=meta.points))
    harm = Answer(source=f"open({str(tmp_path / 'ran')!r}, 'w')")
    essay = Answer(source="<img src=x onerror=alert(1)> $a<b$")
    result = Result(
        student="eve", assignment=NAME, status="graded", marks=tuple(marks), answers={"q1": harm, "q7": essay}
    )
    save(result, results_folder(tmp_path, NAME))
    assert import_results([result], tmp_path) == {}
    return tmp_path


def nbgrader(course) -> NbGraderAPI:
    """nbgrader with the course's own settings."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    config.Exchange.root = str(course / "exchange")
    (course / "exchange").mkdir(mode=0o777, exist_ok=True)
    return NbGraderAPI(config=config)


def test_the_button_shows_the_result_and_runs_nothing(course):
    shown = course / "grading" / "autograded" / "eve" / NAME / f"{NAME}.ipynb"
    before = nbformat.read(shown, as_version=4)
    done = nbgrader(course).autograde(NAME, "eve", force=True)
    assert done["success"], done["log"]
    assert nbformat.read(shown, as_version=4) == before
    assert not (course / "ran").exists()


def test_without_a_result_it_says_what_to_do_instead(course):
    (results_folder(course, NAME) / "eve.json").unlink()
    done = nbgrader(course).autograde(NAME, "eve", force=True)
    assert not done["success"] and "grade it with `course grade`" in done["log"]
    assert not (course / "ran").exists()


def test_nbgrader_s_own_feedback_neither_acts_nor_tells(course):
    """Whoever presses that button all the same: no script of a student, no hidden test."""
    shown = course / "grading" / "autograded" / "eve" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(shown, as_version=4)
    next(cell for cell in notebook.cells if cell.id == "q7").source = "<img src=x onerror=alert(1)> $a<b$"
    nbformat.write(notebook, shown)
    done = nbgrader(course).generate_feedback(NAME, "eve")
    assert done["success"], done["log"]
    page = (course / "grading" / "feedback" / "eve" / NAME / f"{NAME}.html").read_text(encoding="utf-8")
    assert "onerror" not in page and "<mo>&lt;</mo>" in page
    assert "HIDDEN TESTS" not in page
