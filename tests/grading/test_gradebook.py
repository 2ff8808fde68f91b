import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import Config

from course_lib.grading import gradebook
from course_lib.grading.gradebook import HandMark, hand_marks, import_results
from course_lib.grading.release import TESTS, release_assignments
from course_lib.grading.results import Answer, Mark, Result, save

ROOT = Path(__file__).parents[2]
NAME = "ps2_epopt"
MISTAKE = "Your mask keeps the BEST trajectories: a < b & c."


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory) -> Path:
    """A gradebook without an assignment: nbgrader needs seconds to make one."""
    folder = tmp_path_factory.mktemp("empty")
    assert import_results([], folder) == {}
    return folder / "grading" / "gradebook.db"


@pytest.fixture
def course(tmp_path, empty_gradebook):
    for room in ("solutions", "assignments"):
        shutil.copytree(ROOT / room / NAME, tmp_path / room / NAME)
    (tmp_path / "grading").mkdir()
    shutil.copy(empty_gradebook, tmp_path / "grading")
    return tmp_path


def cells(notebook, kind):
    return [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get(kind)]


def graded(
    student: str, *, wrong: dict[str, float] | None = None, essay: str = "An $a<b$ answer.", **changed
) -> Result:
    """A result for every cell of the assignment, all right but for `wrong`: points by cell."""
    wrong = wrong or {}
    solution = nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    marks, answers = [], {}
    for cell in cells(solution, "grade"):
        meta = cell.metadata.nbgrader
        got = None if meta.solution else wrong.get(meta.grade_id, meta.points)
        message = MISTAKE if meta.grade_id in wrong else ""
        marks.append(Mark(name=meta.grade_id, points=got, out_of=meta.points, message=message))
    for cell in cells(solution, "solution"):
        name = cell.metadata.nbgrader.grade_id
        answers[name] = Answer(source=essay if name == "q7" else f"# {name} of {student}")
    values = {"status": "graded", "marks": tuple(marks), "answers": answers, **changed}
    return Result(student=student, assignment=NAME, **values)


def book(course) -> Gradebook:
    return Gradebook(f"sqlite:///{(course / 'grading' / 'gradebook.db').as_posix()}")


def rows(course) -> dict[str, list]:
    """Every row of every table."""
    with sqlite3.connect(course / "grading" / "gradebook.db") as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type='table'")]
        return {
            name: sorted(connection.execute(f"select * from {name}"), key=repr) for name in sorted(tables)
        }


def columns(course, table: str, without: str) -> list[list]:
    with sqlite3.connect(course / "grading" / "gradebook.db") as connection:
        names = [row[1] for row in connection.execute(f"pragma table_info({table})")]
        wanted = ", ".join(name for name in names if not re.search(without, name)) or "count(*)"
        return sorted(connection.execute(f"select {wanted} from {table}"), key=repr)


def files(course) -> dict[str, tuple[bytes, int]]:
    found = [p for p in (course / "grading").rglob("*") if p.is_file() and p.suffix != ".db"]
    return {str(p.relative_to(course)): (p.read_bytes(), p.stat().st_mtime_ns) for p in found}


def mark_by_hand(course, student: str, cell: str = "q7", score: float = 3.0, comment: str = "Good."):
    """What formgrader's page does when a person types a mark."""
    with book(course) as gb:
        grade = gb.find_grade(cell, NAME, NAME, student)
        grade.manual_score, grade.needs_manual_grade = score, False
        if cell == "q7":
            gb.find_comment(cell, NAME, NAME, student).manual_comment = comment
        gb.db.commit()


def grade_of(course, student: str, cell: str = "q7"):
    with book(course) as gb:
        grade = gb.find_grade(cell, NAME, NAME, student)
        return grade.auto_score, grade.manual_score, grade.needs_manual_grade


def shown(course, student: str, room: str = "autograded"):
    return nbformat.read(course / "grading" / room / student / NAME / f"{NAME}.ipynb", as_version=4)


def cell(notebook, name: str):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


def api(course) -> NbGraderAPI:
    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "assignments"
    config.CourseDirectory.submitted_directory = "grading/submitted"
    config.CourseDirectory.autograded_directory = "grading/autograded"
    config.CourseDirectory.db_url = f"sqlite:///{(course / 'grading' / 'gradebook.db').as_posix()}"
    config.Exchange.root = str(course / "exchange")
    (course / "exchange").mkdir(mode=0o777, exist_ok=True)
    return NbGraderAPI(config=config)


def export(course) -> dict[str, dict[str, str]]:
    """nbgrader's own table of marks, by student."""
    plugin = CsvExportPlugin()
    plugin.to = str(course / "grades.csv")
    with book(course) as gb:
        plugin.export(gb)
    head, *lines = (course / "grades.csv").read_text().splitlines()
    table = [dict(zip(head.split(","), line.split(","), strict=True)) for line in lines]
    return {row["student_id"]: row for row in table}


def test_marks_arrive_where_nbgrader_looks_for_them(course):
    assert (
        import_results([graded("ada"), graded("bob", wrong={"q2-visible": 0.0, "q6-hidden": 1.0})], course)
        == {}
    )
    with book(course) as gb:
        scores = {student: gb.find_submission(NAME, student).score for student in ("ada", "bob")}
        assert scores == {"ada": 26.0, "bob": 22.0}
        assert gb.find_submission(NAME, "ada").max_score == 30.0
        assert gb.find_submission(NAME, "bob").notebooks[0].failed_tests
        assert not gb.find_submission(NAME, "ada").notebooks[0].failed_tests
    assert grade_of(course, "ada") == (None, None, True), "question 7 waits for a person"
    assert grade_of(course, "bob", "q6-hidden") == (1.0, None, False)
    listed = {row["student"]: row for row in api(course).get_submissions(NAME)}
    assert {name: row["score"] for name, row in listed.items()} == {"ada": 26.0, "bob": 22.0}
    assert all(
        row["autograded"] and row["submitted"] and row["needs_manual_grade"] for row in listed.values()
    )
    assert len(api(course).get_notebook_submissions(NAME, NAME)) == 2
    assert export(course)["bob"]["score"] == "22.0"


def test_the_assignment_in_the_gradebook_is_nbgrader_s_own(course, tmp_path_factory):
    import_results([graded("ada")], course)
    other = tmp_path_factory.mktemp("nbgrader")
    shutil.copytree(course / "solutions", other / "solutions")
    (other / "grading").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # where `alembic` is
        made = api(other).generate_assignment(NAME)
    assert made["success"], made["log"]
    assert (other / "assignments" / NAME / f"{NAME}.ipynb").exists()
    keys = r"(^|_)id$"  # random, and nowhere shown
    for table in ("assignment", "notebook", "base_cell", "grade_cells", "solution_cells", "source_cell"):
        ours, theirs = (columns(folder, table, without=keys) for folder in (course, other))
        assert ours == theirs and ours, table


def test_a_submission_is_the_release_with_the_answers_and_nothing_else(course):
    result = graded(
        "ada", answers={"q2": Answer(source="\x1b[31mmine\x00\ud800"), "unknown": Answer(source="no")}
    )
    assert import_results([result], course) == {}
    release = nbformat.read(release_assignments([NAME], course)[0], as_version=4)
    cell(release, "q2").source = "mine"
    release.metadata.pop(TESTS)  # for self-checks alone
    for one in release.cells:
        one.metadata.pop("jupyter", None)  # students see tests folded, a marker sees them open
    submitted = shown(course, "ada", "submitted")
    assert submitted.cells == release.cells and submitted.metadata == release.metadata
    nbformat.validate(submitted)
    autograded = shown(course, "ada")
    nbformat.validate(autograded)
    assert "HIDDEN TESTS" not in json.dumps(autograded) + json.dumps(submitted)


def test_outputs_tell_the_instructor_why_points_were_lost(course):
    result = graded(
        "bob", wrong={"q2-visible": 0.0, "q6-hidden": 1.0}, status="crashed", problems=("Two copies.",)
    )
    result.answers["q2"] = Answer(source="mask", output="\x1b[32mprinted\x1b[0m", error="NameError: x")
    import_results([result], course)
    notebook = shown(course, "bob")
    assert "crashed" in notebook.cells[0].source and "Two copies." in notebook.cells[0].source
    said, error = cell(notebook, "q2").outputs
    assert (said.text, error.traceback) == ("printed", ["NameError: x"])
    assert cell(notebook, "q2-visible").outputs[0].traceback == ["0 of 2 points", MISTAKE]
    assert cell(notebook, "q6-hidden").outputs[0].traceback == ["1 of 3 points", MISTAKE]
    assert cell(notebook, "q1-visible").outputs == []
    assert cell(shown(course, "bob", "submitted"), "q2").outputs == []


def test_markdown_of_a_student_is_harmless_in_the_notebook_that_is_shown(course):
    essay = "<img src=x onerror=alert(1)> $a<b$"
    import_results([graded("eve", essay=essay)], course)
    source = cell(shown(course, "eve"), "q7").source
    assert "onerror" not in source and "<mo>&lt;</mo>" in source
    assert cell(shown(course, "eve", "submitted"), "q7").source == essay


def test_importing_twice_changes_nothing(course):
    results = [graded("ada"), graded("bob", wrong={"q2-visible": 0.0}), graded("eve", status="unreadable")]
    import_results(results, course)
    mark_by_hand(course, "ada")
    before = rows(course), files(course)
    assert import_results(results, course) == {}
    assert (rows(course), files(course)) == before
    assert (
        not list((course / "assignments").rglob("*.part"))
        and len(list((course / "assignments").rglob("*.*"))) == 1
    )


def test_half_a_file_of_a_killed_import_goes_with_the_next(course):
    import_results([graded("ada")], course)
    folders = [course / "grading" / room / "ada" / NAME for room in ("submitted", "autograded")]
    for folder in folders:
        (folder / f".{NAME}.ipynb.12.partial").write_text("{")
    assert import_results([graded("ada")], course) == {}
    assert [[file.name for file in folder.iterdir()] for folder in folders] == [[f"{NAME}.ipynb"]] * 2


def test_marks_and_comments_of_a_person_are_never_overwritten(course):
    import_results([graded("ada", wrong={"q1-hidden": 0.0})], course)
    mark_by_hand(course, "ada")
    mark_by_hand(course, "ada", "q1-hidden", 1.5)
    import_results([graded("ada", wrong={"q2-hidden": 0.0})], course)
    assert grade_of(course, "ada") == (None, 3.0, False), "the answer is the same, and so is its mark"
    assert grade_of(course, "ada", "q1-hidden") == (2.0, 1.5, True), "what the person replaced has changed"
    assert grade_of(course, "ada", "q2-hidden") == (0.0, None, False)
    marks = hand_marks(NAME, "ada", course)
    assert marks["q7"] == HandMark(points=3.0, by_hand=True, comment="Good.")
    assert marks["q1-hidden"] == HandMark(points=1.5, by_hand=True, waiting=True)
    assert marks["q2-hidden"] == HandMark(points=0.0)


def test_a_marked_answer_that_changed_waits_for_a_person_and_keeps_its_mark(course):
    import_results([graded("ada")], course)
    mark_by_hand(course, "ada")
    for _ in range(2):  # the second time nothing is new, and it still waits
        import_results([graded("ada", essay="Another answer.")], course)
        assert grade_of(course, "ada") == (None, 3.0, True)
    with book(course) as gb:
        assert gb.find_comment("q7", NAME, NAME, "ada").manual_comment == "Good."


def test_every_status_has_its_row(course):
    missing = Result(student="cy", assignment=NAME, status="missing", marks=())
    unreadable = Result(
        student="dan", assignment=NAME, status="unreadable", marks=(), problems=("No notebook.",)
    )
    results = [graded("ada", status="timed out", wrong={"q5-visible": 0.0}), missing, unreadable]
    assert import_results(results, course) == {}
    table = export(course)
    assert {name: row["score"] for name, row in table.items()} == {"ada": "24.0", "cy": "0.0", "dan": "0.0"}
    with book(course) as gb:
        assert [s.student.id for s in gb.assignment_submissions(NAME)] == ["ada", "dan"]
        assert not gb.find_submission(NAME, "dan").needs_manual_grade
    assert "No notebook." in shown(course, "dan").cells[0].source
    assert not (course / "grading" / "submitted" / "cy").exists()
    submissions = {row["student"]: row for row in api(course).get_submissions(NAME)}
    assert set(submissions) == {"ada", "dan"}
    students = {row["id"] for row in api(course).get_students()}
    assert students == {"ada", "cy", "dan"}


def test_a_submission_that_is_withdrawn_leaves_unless_a_person_marked_it(course):
    import_results([graded("ada"), graded("bob")], course)
    mark_by_hand(course, "ada")
    gone = [Result(student=name, assignment=NAME, status="missing", marks=()) for name in ("ada", "bob")]
    assert import_results(gone, course) == {}
    assert hand_marks(NAME, "bob", course) == {}
    assert not (course / "grading" / "autograded" / "bob" / NAME).exists()
    assert grade_of(course, "ada") == (0.0, 3.0, True)
    assert grade_of(course, "ada", "q1-hidden") == (0.0, None, False)


def test_an_answer_left_blank_needs_no_person(course):
    release = nbformat.read(ROOT / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
    import_results([graded("ada", essay=cell(release, "q7").source)], course)
    assert grade_of(course, "ada") == (0.0, None, False)
    import_results([graded("bob", essay=" ")], course)
    assert grade_of(course, "bob") == (0.0, None, False), "nor one that was emptied"
    with book(course) as gb:
        assert gb.find_comment("q7", NAME, NAME, "ada").comment == "No response."
        assert gb.find_comment("q1", NAME, NAME, "ada").comment is None


def test_one_student_s_trouble_is_a_row_and_the_others_go_on(course, monkeypatch):
    full = gradebook._write

    def disk(notebook, target):
        if "bob" in str(target):
            raise OSError(28, "No space left on device")
        full(notebook, target)

    monkeypatch.setattr(gradebook, "_write", disk)
    seen = []
    old = graded("old", marks=(Mark(name="q1-visible", points=2.0, out_of=2.0),))
    results = [graded("ada"), graded("bob"), old, graded("../up"), graded(".."), graded("zoe")]
    failed = import_results(results, course, progress=lambda done, total: seen.append((done, total)))
    assert set(failed) == {"bob", "old", "../up", ".."}
    assert (
        "No space left" in failed["bob"] and "grade it again" in failed["old"] and "folder" in failed["../up"]
    )
    assert seen == [(n, 6) for n in range(1, 7)]
    assert set(export(course)) >= {"ada", "zoe"} and not (course / "grading" / "up").exists()
    monkeypatch.undo()
    assert import_results([graded("bob")], course) == {}
    assert shown(course, "bob").cells


def test_an_assignment_may_change_its_text_but_not_its_cells_once_there_are_marks(course):
    import_results([graded("ada")], course)
    path = course / "solutions" / NAME / f"{NAME}.ipynb"
    solution = nbformat.read(path, as_version=4)
    cell(solution, "q1-text").source += "\nA hint."
    nbformat.write(solution, path)
    assert import_results([graded("ada")], course) == {}
    assert "A hint." in cell(shown(course, "ada"), "q1-text").source
    cell(solution, "q1-hidden").metadata.nbgrader.grade_id = "q1-more"
    nbformat.write(solution, path)
    with pytest.raises(ValueError, match=r"move grading/gradebook\.db away"):
        import_results([graded("ada")], course)
    with pytest.raises(FileNotFoundError, match=r"solutions/ps9/ps9\.ipynb"):
        import_results([replace(graded("ada"), assignment="ps9")], course)


KILLED = """
import sys
from pathlib import Path
from course_lib.grading.gradebook import import_results
from course_lib.grading.results import load
print("begin", flush=True)
import_results(load(Path(sys.argv[1])), Path(sys.argv[2]), lambda done, _: print(done, flush=True))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_import_is_completed_by_the_next(course, tmp_path_factory):
    (course / "grading" / "gradebook.db").unlink()
    results = [graded(f"s{n:02}", wrong={"q1-hidden": n % 3}) for n in range(30)]
    folder = tmp_path_factory.mktemp("results")
    for result in results:
        save(result, folder)
    for last in ("begin", "17"):  # while nbgrader makes its database, and among the students
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(folder), str(course)], stdout=subprocess.PIPE, text=True
        )
        for line in process.stdout:
            if line.strip() == last:
                time.sleep(1 if last == "begin" else 0.008)
                os.kill(process.pid, signal.SIGKILL)
                break
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
    assert import_results(results, course) == {}
    with book(course) as gb:
        scores = {s.student.id: s.score for s in gb.assignment_submissions(NAME)}
    assert scores == {r.student: r.points for r in results}
    assert len(rows(course)["alembic_version"]) == 1 and len(rows(course)["submitted_notebook"]) == 30
    assert len(rows(course)["grade"]) == 30 * 13 and len(rows(course)["comment"]) == 30 * 7
    assert {p.name for p in (course / "grading").rglob("*") if p.is_file()} == {
        "gradebook.db",
        f"{NAME}.ipynb",
    }
    assert len(list((course / "grading" / "autograded").iterdir())) == 30
