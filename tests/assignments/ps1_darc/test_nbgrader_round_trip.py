"""nbgrader itself, on our source: the same release, and marks that its own export shows after an import."""

import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import PyFileConfigLoader

from course_lib.grading.gradebook import import_results
from course_lib.grading.results import Answer, Mark, Result

ROOT = Path(__file__).parents[3]
NAME = "ps1_darc"


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """nbgrader with the course's own settings, on a copy of the source, after its own generate_assignment."""
    course = tmp_path_factory.mktemp("course")
    shutil.copytree(ROOT / "solutions" / NAME, course / "solutions" / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    (course / "grading").mkdir()
    (course / "exchange").mkdir(mode=0o777)
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()
    config.Exchange.root = str(course / "exchange")
    api = NbGraderAPI(config=config)
    with pytest.MonkeyPatch.context() as patch:
        # nbgrader calls the program `alembic`, which lies beside python.
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        generated = api.generate_assignment(NAME)
    assert generated["success"], generated["log"]
    return api


def test_release_is_nbgrader_s_own(api):
    """Our release differs from nbgrader's in nothing that a student or a grader reads."""
    made = nbformat.read(Path(api.coursedir.root) / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
    ours = nbformat.read(ROOT / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
    assert [(c.id, c.source, c.metadata) for c in ours.cells] == [
        (c.id, c.source, c.metadata) for c in made.cells
    ]


def test_imported_marks_are_in_nbgrader_s_export(api):
    """Results go into the assignment that nbgrader made, and come out of its table of marks."""
    course = Path(api.coursedir.root)
    meta = [
        cell.metadata.nbgrader
        for cell in nbformat.read(ROOT / "assignments" / NAME / f"{NAME}.ipynb", as_version=4).cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    ]
    expected = {}
    results = [Result(student="absent", assignment=NAME, status="missing", marks=())]
    for student, lost in {"all_right": set(), "one_mistake": {"q1-visible", "q1-hidden"}}.items():
        marks = tuple(
            Mark(
                name=m.grade_id,
                points=None if m.solution else 0.0 if m.grade_id in lost else m.points,
                out_of=m.points,
            )
            for m in meta
        )
        answers = {"q7": Answer(source="An answer.")}
        result = Result(student=student, assignment=NAME, status="graded", marks=marks, answers=answers)
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
