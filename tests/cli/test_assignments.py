"""Check, release, grade and what follows, as a person meets them."""

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from course_lib.cli import assignments
from course_lib.grading import batch, feedback, gradebook, gradescope, report
from course_lib.grading.gradebook import HandMark
from course_lib.grading.results import Mark, Result, results_folder, save

ROOT = Path(__file__).parents[2]
ANN = Result(
    student="ann",
    assignment="ps2_epopt",
    status="graded",
    marks=(Mark(name="q1-visible", points=1.0, out_of=1.0), Mark(name="q1-hidden", points=2.0, out_of=4.0)),
    sandbox="bubblewrap and seccomp",
)
BOB = replace(ANN, student="bob", status="missing", marks=())


def one_line(result) -> str:
    """The output without the places where the terminal broke its lines."""
    return " ".join(result.output.split())


def test_check_of_nothing_is_one_line(invoke, tmp_path: Path):
    result = invoke("check", str(tmp_path / "missing.ipynb"))
    assert result.exit_code == 1
    assert "missing.ipynb" in result.output.replace("\n", "")


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_check_tells_by_its_exit_code(invoke, monkeypatch, tmp_path: Path, passed: bool, code: int):
    import course_lib.grading.check

    monkeypatch.setattr(course_lib.grading.check, "check", lambda path: passed)
    assert invoke("check", str(tmp_path)).exit_code == code


@pytest.fixture
def handed_out(monkeypatch, root: Path) -> Path:
    """A student's course with two assignments, where `check` says only what it is called with."""
    import course_lib.grading.check

    for name in ("ps1_darc", "ps2_epopt"):
        (root / "assignments" / name).mkdir(parents=True)
        (root / "assignments" / name / f"{name}.ipynb").touch()
    monkeypatch.setattr(course_lib.grading.check, "check", lambda path: print(path.resolve()) is None)
    return root


@pytest.mark.parametrize("word", ["ps1_darc", "ps1", "ps1_darc.ipynb"])
def test_check_takes_the_name_of_an_assignment_anywhere_in_the_course(
    invoke, monkeypatch, handed_out: Path, word: str
):
    monkeypatch.chdir(handed_out / "assignments" / "ps2_epopt")
    expected = handed_out / "assignments" / "ps1_darc" / "ps1_darc.ipynb"
    assert invoke("check", word).output.strip() == str(expected)
    Path(word).touch()
    assert invoke("check", word).output.strip() == str(Path(word).resolve()), "what is there comes first"


def test_check_without_a_name_takes_what_is_here_or_the_only_assignment(
    invoke, monkeypatch, handed_out: Path
):
    result = invoke("check")
    assert result.exit_code == 1
    assert "add which to check, known: ps1_darc, ps2_epopt" in one_line(result)
    shutil.rmtree(handed_out / "assignments" / "ps1_darc")
    folder = handed_out / "assignments" / "ps2_epopt"
    assert invoke("check").output.strip() == str(folder / "ps2_epopt.ipynb")
    monkeypatch.chdir(folder)
    assert invoke("check").output.strip() == str(folder)


@pytest.mark.parametrize("word", ["ps", "ps1_dark", "ps1_dark.ipynb"])
def test_check_of_no_assignment_names_what_there_is(invoke, handed_out: Path, word: str):
    result = invoke("check", word)
    assert result.exit_code == 1
    assert f"{word} is no notebook, no folder and no assignment" in one_line(result)
    assert "ps1_darc" in one_line(result)


def test_release_of_an_unknown_assignment_is_one_line(invoke):
    result = invoke("release", "ps99_nothing")
    assert result.exit_code == 1
    assert result.output.startswith("error: ")
    assert len(result.output.splitlines()) == 1


# --- grade ------------------------------------------------------------------------------------------------


@pytest.fixture
def root(monkeypatch, tmp_path: Path) -> Path:
    """An empty course with one assignment, where the commands believe to be."""
    for name in ("course_lib/__init__.py", "pyproject.toml", "solutions/ps2_epopt/ps2_epopt.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def engine(monkeypatch, root: Path):
    """Stands in for the engine and the gradebook: remembers the calls, grades nothing."""
    calls = SimpleNamespace(
        summary=batch.Summary([ANN, BOB], results_folder(root, "ps2_epopt"), 7, ANN.sandbox, 0, []),
        imported=None,
        refused={},
    )

    def grade_batch(folder, assignment, root, *, executor, progress, **options):
        calls.batch = {"folder": folder, "assignment": assignment, "root": root, **options}
        calls.jobs = executor._max_workers
        assert executor.submit(abs, -1).result() == 1
        progress(batch.Progress(1, 2, "ann", "graded"))
        progress(batch.Progress(2, 2, "bob", "missing"))
        if isinstance(calls.summary, BaseException):
            raise calls.summary
        return calls.summary

    def import_results(results, root, progress=None):
        calls.imported = [result.student for result in results]
        progress(2, 2)
        return calls.refused

    monkeypatch.setattr(batch, "grade_batch", grade_batch)
    monkeypatch.setattr(gradebook, "import_results", import_results)
    return calls


def test_grade_passes_everything_on(invoke, engine, root: Path):
    (root / "class.txt").write_text("ann\nbob\n", "utf-8")
    result = invoke(
        *("grade", "in", "--jobs", "3", "--seed", "7", "--roster", "class.txt"),
        *("--require-sandbox", "--fresh", "--out", "out"),
    )
    assert result.exit_code == 0, result.output
    assert engine.jobs == 3
    assert engine.batch == {
        **{"folder": Path("in"), "assignment": "ps2_epopt", "root": root, "seed": 7, "out": Path("out")},
        **{"roster": ["ann", "bob"], "require_sandbox": True, "fresh": True},
    }
    assert engine.imported == ["ann", "bob"]


def test_grade_sums_up(invoke, engine, root: Path):
    engine.summary = replace(engine.summary, resumed=1)
    text = one_line(invoke("grade", "in"))
    for words in (
        *("graded 1", "missing 1", "mean 3.0 of 5 points", "1 graded before", "seed 7"),
        *("locked in by bubblewrap and seccomp", "course report ps2_epopt", "course feedback ps2_epopt"),
        *("course lab --instructor", "grading/ps2_epopt/results/"),
    ):
        assert words in text, words
    assert "not sandboxed" not in text
    assert engine.batch["roster"] is engine.batch["seed"] is engine.batch["out"] is None


def test_a_trial_run_promises_nothing_further(invoke, engine, root: Path):
    engine.summary = replace(engine.summary, out=root / "trial")
    assert "course report" not in one_line(invoke("grade", "in", "--out", "trial"))


def test_grade_says_when_nothing_locked_the_code_in(invoke, engine):
    engine.summary = replace(engine.summary, sandbox="not sandboxed")
    result = invoke("grade", "in")
    assert result.exit_code == 0
    assert "not sandboxed" in result.output
    assert "apt-get install bubblewrap" in one_line(result)


def test_a_class_that_handed_in_nothing_has_no_mean(invoke, engine):
    engine.summary = replace(engine.summary, results=[BOB])
    result = invoke("grade", "in")
    assert result.exit_code == 0, result.output
    assert "mean" not in result.output


def test_the_gradebook_stays_as_it_is_on_request(invoke, engine):
    assert invoke("grade", "in", "--no-gradebook").exit_code == 0
    assert engine.imported is None


def test_faults_of_the_grader_are_told_by_the_exit_code(invoke, engine):
    engine.summary = replace(engine.summary, faults=["ann: the grading process ended"])
    result = invoke("grade", "in")
    assert result.exit_code == 1
    assert "fault of the grader: ann: the grading process ended" in result.output
    engine.summary = replace(engine.summary, faults=[])
    engine.refused = {"bob": "no such student"}
    result = invoke("grade", "in")
    assert result.exit_code == 1
    assert "gradebook: bob: no such student" in result.output


def test_no_sandbox_where_one_is_demanded_is_exit_code_2(invoke, engine):
    engine.summary = batch.SandboxMissing("no sandbox on this machine: install bubblewrap")
    result = invoke("grade", "in", "--require-sandbox")
    assert result.exit_code == 2
    assert "error: no sandbox on this machine: install bubblewrap" in result.output
    assert engine.imported is None


@pytest.mark.parametrize(
    ("problem", "words", "code"),
    [
        (FileNotFoundError("in does not exist; give the folder"), "error: in does not exist", 1),
        (batch.FolderBusy("another run is writing into there"), "error: another run is writing", 1),
        (KeyboardInterrupt(), "the same command goes on where it stopped", 130),
    ],
)
def test_what_stops_a_run_is_one_line(invoke, engine, problem, words: str, code: int):
    engine.summary = problem
    result = invoke("grade", "in")
    assert result.exit_code == code
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_bug_of_the_engine_is_no_one_line_error(invoke, engine):
    engine.summary = RuntimeError("dictionary changed size during iteration")
    result = invoke("grade", "in")
    assert result.exception is engine.summary
    assert "error:" not in result.output


def test_a_silent_cluster_is_one_line(invoke, engine):
    result = invoke("grade", "in", "--dask", "nonsense")
    assert result.exit_code == 1
    assert "error: no dask scheduler answers at nonsense" in result.output


# --- which assignment -------------------------------------------------------------------------------------


@pytest.fixture
def two(root: Path) -> Path:
    (root / "solutions" / "ps1_darc").mkdir()
    (root / "solutions" / "ps1_darc" / "ps1_darc.ipynb").touch()
    return root


def test_the_only_assignment_need_not_be_named(root: Path):
    assert assignments.assignment_to_grade(None, root / "in", root) == "ps2_epopt"


def test_the_folder_names_the_assignment(two: Path):
    assert assignments.assignment_to_grade(None, two / "export-ps1_darc.zip", two) == "ps1_darc"
    (two / "in" / "ann").mkdir(parents=True)
    (two / "in" / "ann" / "ps2_epopt.ipynb").touch()
    assert assignments.assignment_to_grade(None, two / "in", two) == "ps2_epopt"
    assert assignments.assignment_to_grade("ps1_darc", two / "in", two) == "ps1_darc"


def test_where_it_cannot_be_told_the_assignments_are_listed(invoke, two: Path):
    (two / "in").mkdir()
    for name in ("ps1_darc.ipynb", "ps2_epopt.ipynb"):
        (two / "in" / name).touch()
    result = invoke("grade", "in")
    assert result.exit_code == 1
    assert "the notebooks are of ps1_darc, ps2_epopt. Add --assignment with one of" in one_line(result)
    for name in ("ps1_darc.ipynb", "ps2_epopt.ipynb"):
        (two / "in" / name).rename(two / "in" / f"{name[:3]}.ipynb")
    assert "no notebook tells. Add --assignment with one of ps1_darc" in one_line(invoke("grade", "in"))


def test_what_students_handed_in_names_the_assignment_and_it_is_said(invoke, engine, two: Path):
    with zipfile.ZipFile(two / "submissions.zip", "w") as download:
        for student in ("ann", "bob"):
            download.writestr(f"{student}/ps1_darc.ipynb", "nonsense")
    result = invoke("grade", "submissions.zip")
    assert result.exit_code == 0, result.output
    assert engine.batch["assignment"] == "ps1_darc"
    assert "grading ps1_darc; --assignment takes another one" in result.output
    assert "--assignment" not in invoke("grade", "submissions.zip", "--assignment", "ps1_darc").output


def test_a_mistyped_assignment_gets_the_nearest(invoke, two: Path):
    for arguments in (("grade", "in", "--assignment", "ps1_dark"), ("gradescope", "ps1_dark")):
        result = invoke(*arguments)
        assert result.exit_code == 2
        assert "did you mean 'ps1_darc'?" in result.output


# --- the roster -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ann\nbob\n\n  carl \n", ["ann", "bob", "carl"]),
        ("\ufeffann\r\nbob", ["ann", "bob"]),
        ("Name,Login,Email\nAnn,a1,ann@x.org\nBob,b2,\n", ["a1", "b2"]),
        ("email;student;id\nann@x.org;ann;1\n;bob;2", ["ann", "bob"]),
        ("Last\tFirst\tEmail\nSmith\tAnn\tann@x.org", ["ann@x.org"]),
        ('id,name\n"a,1",Ann\n,Nobody\n', ["a,1"]),
        ("Student\nann\nbob", ["ann", "bob"]),
    ],
)
def test_rosters(tmp_path: Path, text: str, names: list[str]):
    path = tmp_path / "roster"
    path.write_bytes(text.encode())
    assert assignments.read_roster(path) == names


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"first,last\nann,lee\n", "has no column student, username, id, login or email"),
        (b"id,name\n,\n", "has no names under 'id'"),
        ("Jörg".encode("utf-16"), "UTF-8"),
    ],
)
def test_an_odd_roster_says_what_is_wrong(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "roster"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        assignments.read_roster(path)


def test_a_missing_roster_is_one_line(invoke, engine):
    result = invoke("grade", "in", "--roster", "nobody.csv")
    assert result.exit_code == 1
    assert "error: there is no roster nobody.csv" in result.output


# --- what comes of the grades -----------------------------------------------------------------------------


def test_before_grading_there_is_nothing_to_report(invoke, root: Path):
    for arguments in (("report",), ("feedback",), ("report", "ps2_epopt")):
        result = invoke(*arguments)
        assert result.exit_code == 1
        assert "error: nothing is graded yet" in result.output
        assert "course grade DIR comes first" in one_line(result)


def test_of_two_graded_assignments_one_must_be_named(invoke, two: Path):
    for name in ("ps1_darc", "ps2_epopt"):
        save(replace(ANN, assignment=name), results_folder(two, name))
    result = invoke("report")
    assert result.exit_code == 1
    assert "Graded are ps1_darc, ps2_epopt" in one_line(result)
    assert [r.assignment for r in assignments.graded_results("ps1_darc", two)] == ["ps1_darc"]


def test_report_gets_all_results_and_the_references(invoke, monkeypatch, root: Path):
    calls = []

    def write_report(results, folder, *, references=None, by_hand=None):
        calls.append(([result.student for result in results], folder, references))
        assert by_hand == {"ann": {"q7": 3.0}, "bob": {}}, "not what waits for a second look"
        return folder / "index.html"

    by_hand = {
        "q7": HandMark(points=3.0, by_hand=True),
        "q1": HandMark(points=2.0),
        "q8": HandMark(points=1.0, by_hand=True, waiting=True),
    }
    monkeypatch.setattr(report, "write_report", write_report)
    monkeypatch.setattr(
        gradebook, "hand_marks", lambda name, student, root: by_hand if student == "ann" else {}
    )
    shutil.copy(ROOT / "solutions/ps2_epopt/ps2_epopt.ipynb", root / "solutions/ps2_epopt/ps2_epopt.ipynb")
    for result in (BOB, ANN):
        save(result, results_folder(root, "ps2_epopt"))
    result = invoke("report")
    assert result.exit_code == 0, result.output
    ((students, folder, references),) = calls
    assert students == ["ann", "bob"]
    assert folder == root / "grading" / "ps2_epopt" / "report"
    assert f"{folder / 'index.html'}" in result.output.replace("\n", "")
    cell, library = (text for texts in references.values() for text in texts if "def cvar_mask" in text)
    assert "BEGIN SOLUTION" in cell
    assert library.startswith("def cvar_mask") and "SOLUTION" not in library


@pytest.fixture
def small_course(root: Path) -> Path:
    """A real assignment with one question, released."""
    cells = []
    for name, source, fields in (
        (
            "q1",
            "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
            {"solution": True},
        ),
        (
            "q1-visible",
            "assert double(2) == 4, 'two times two'",
            {"grade": True, "points": 1, "locked": True},
        ),
    ):
        meta = {"grade": False, "solution": False, "task": False, "locked": False, "schema_version": 3}
        meta |= {"grade_id": name, **fields}
        cells.append(nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": meta}))
    path = root / "solutions" / "ps2_epopt" / "ps2_epopt.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return root


def test_release_grades_the_solution(invoke, small_course: Path):
    assert invoke("release").exit_code == 0
    path = small_course / "solutions" / "ps2_epopt" / "ps2_epopt.ipynb"
    path.write_text(path.read_text().replace("== 4", "== 5"))
    result = invoke("release")
    assert result.exit_code == 1
    assert "the solution itself gets 0 of 1 points in q1-visible: two times two" in one_line(result)
    path.write_text(path.read_text().replace("assert double", "assert ( double"))
    result = invoke("release")
    assert result.exit_code == 1
    assert "test cell 'q1-visible' of ps2_epopt: '(' was never closed" in one_line(result)


def test_a_release_that_someone_changed_is_refused(invoke, small_course: Path):
    assert invoke("release").exit_code == 0
    assignments.refuse_stale_release("ps2_epopt", small_course)
    path = small_course / "assignments" / "ps2_epopt" / "ps2_epopt.ipynb"
    path.write_text(path.read_text().replace("raise NotImplementedError()", "return 2 * x"))
    result = invoke("grade", str(small_course))
    assert result.exit_code == 1
    assert "course release ps2_epopt makes it again" in one_line(result)


def test_who_is_not_on_the_roster_is_named(invoke, engine, root: Path):
    (root / "roster.txt").write_text("Ann\nBobby\n")
    result = invoke("grade", str(root), "--roster", "roster.txt")
    assert "not on the roster: bob" in one_line(result)


def test_feedback_is_written_for_all(invoke, monkeypatch, root: Path):
    folder = root / "grading" / "feedback" / "ps2_epopt"
    pages = [folder / "ann.html", folder / "bob.html"]
    monkeypatch.setattr(feedback, "write_feedback", lambda results, root: pages[: len(results)])
    for result in (BOB, ANN):
        save(result, results_folder(root, "ps2_epopt"))
    result = invoke("feedback")
    assert result.exit_code == 0, result.output
    assert f"2 pages in {folder}/" in one_line(result)


def test_gradescope_writes_where_it_is_told(invoke, monkeypatch, root: Path):
    monkeypatch.setattr(gradescope, "write_autograder", lambda name, root, target: target)
    assert "grading/ps2_epopt/autograder.zip" in invoke("gradescope", "ps2_epopt").output.replace("\n", "")
    assert invoke("gradescope", "ps2_epopt", "--out", "a.zip").output.strip() == "a.zip"


# --- the whole way ----------------------------------------------------------------------------------------


def test_from_submissions_to_pages(invoke, monkeypatch, tmp_path: Path):
    """The real engine: one who left all empty, one whose file is broken, one who sent nothing."""
    (tmp_path / "course_lib").mkdir()
    (tmp_path / "course_lib" / "__init__.py").touch()
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for kind in ("solutions", "assignments"):
        shutil.copytree(ROOT / kind / "ps2_epopt", tmp_path / kind / "ps2_epopt")
    for student in ("ann", "bob"):
        (tmp_path / "in" / student).mkdir(parents=True)
    shutil.copy(tmp_path / "assignments/ps2_epopt/ps2_epopt.ipynb", tmp_path / "in/ann/ps2_epopt.ipynb")
    (tmp_path / "in" / "bob" / "ps2_epopt.ipynb").write_text("{", "utf-8")
    (tmp_path / "class.txt").write_text("ann\nbob\ncarl\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    result = invoke("grade", "in", "--roster", "class.txt", "--seed", "3", "--jobs", "1")
    assert result.exit_code == 0, result.output
    files = results_folder(tmp_path, "ps2_epopt")
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in files.glob("[!.]*.json")}
    assert {name: values["status"] for name, values in found.items()} == {
        **{"ann": "graded", "bob": "unreadable", "carl": "missing"},
    }
    assert {values["seed"] for values in found.values()} == {3}
    assert "mean 0.0 of" in result.output
    assert (tmp_path / "grading" / "gradebook.db").is_file()
    before = {path: path.stat().st_mtime_ns for path in files.glob("[!.]*.json")}
    again = invoke("grade", "in", "--roster", "class.txt")
    assert "3 graded before" in again.output, again.output
    assert {path: path.stat().st_mtime_ns for path in files.glob("[!.]*.json")} == before
    assert "3 pages in" in one_line(invoke("feedback"))
    assert invoke("report").exit_code == 0
    assert (tmp_path / "grading" / "ps2_epopt" / "report" / "index.html").is_file()
    zipped = invoke("gradescope", "ps2_epopt")
    assert zipped.exit_code == 0, zipped.output
    assert (tmp_path / "grading" / "ps2_epopt" / "autograder.zip").is_file()
