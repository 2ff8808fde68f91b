"""The autograder zip does what Gradescope's documentation asks of it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from course_lib.grading.gradescope import grade_for_gradescope, to_gradescope, write_autograder
from course_lib.grading.results import Mark, Result

ROOT = Path(__file__).parents[2]
NAME = "ps2_epopt"
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
# Gradescope's specification of results.json: the type of every key that it knows.
TOP = {
    "score": float,
    "execution_time": int,
    "output": str,
    "output_format": FORMATS,
    "test_output_format": FORMATS,
    "test_name_format": FORMATS,
    "visibility": VISIBILITIES,
    "stdout_visibility": VISIBILITIES,
    "extra_data": dict,
    "tests": list,
}
TEST = {
    "score": float,
    "max_score": float,
    "status": {"passed", "failed"},
    "name": str,
    "output": str,
    "visibility": VISIBILITIES,
}


def obey(report, schema=TOP):
    """Asserts that a report is as the specification wants it."""
    for key, value in report.items():
        wanted = schema[key]
        assert value in wanted if isinstance(wanted, set) else isinstance(value, wanted), (key, value)
    for test in report.get("tests", []):
        obey(test, TEST)
    json.dumps(report, allow_nan=False)
    return report


RESULT = Result(
    student="ana",
    assignment=NAME,
    status="graded",
    marks=(
        Mark(name="q1-visible", points=2.0, out_of=2.0),
        Mark(name="q1-hidden", points=0.5, out_of=2.0, message="<b>the sign</b> is flipped"),
        Mark(name="q7", points=None, out_of=4.0),
    ),
    problems=("q1: its cell is there 2 times",),
    seconds=3.4,
    seed=5,
    sandbox="bubblewrap",
    hashes={"submission": "ab"},
    version="1",
)


def test_a_result_in_gradescopes_words():
    report = obey(to_gradescope(RESULT))
    assert report["score"] == 2.5
    assert report["stdout_visibility"] == "hidden"
    assert [(t["name"], t["score"], t["max_score"], t["status"]) for t in report["tests"]] == [
        ("q1-visible", 2.0, 2.0, "passed"),
        ("q1-hidden", 0.5, 2.0, "failed"),
    ]
    assert report["tests"][1]["output"] == "<b>the sign</b> is flipped"
    assert {report[f] for f in ("output_format", "test_output_format", "test_name_format")} == {"text"}
    assert report["output"] == "q1: its cell is there 2 times\nq7: 4 points, marked by a person"
    assert report["extra_data"]["seed"] == 5


def test_a_result_without_marks_has_a_score():
    report = obey(to_gradescope(Result(student="a", assignment=NAME, status="unreadable", marks=())))
    assert (report["score"], report["tests"]) == (0.0, [])
    assert report["output"].startswith("This submission: unreadable.")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write_autograder(NAME, ROOT, tmp_path_factory.mktemp("zip") / "autograder.zip")


def test_what_the_zip_holds(archive):
    with zipfile.ZipFile(archive) as opened:
        infos = {info.filename: info for info in opened.infolist()}
        texts = {name: opened.read(name).decode() for name in infos}
    assert list(infos) == sorted(infos)
    assert {"setup.sh", "run_autograder", "course_lib/grading/batch.py", "constraints.txt"} <= infos.keys()
    for name in ("setup.sh", "run_autograder"):  # at the root, executable, with Unix lines
        assert infos[name].external_attr >> 16 == 0o100755
        assert texts[name].startswith("#!/usr/bin/env bash\n")
        assert "\r" not in texts[name]
        assert subprocess.run(["bash", "-n"], input=texts[name], text=True, check=False).returncode == 0
    allowed = ("setup.sh", "run_autograder", "pyproject.toml", "constraints.txt")
    others = [
        n for n in infos if n not in allowed and not (n.startswith("course_lib/") and n.endswith(".py"))
    ]
    assert others == [f"assignments/{NAME}/{NAME}.ipynb", f"solutions/{NAME}/{NAME}.ipynb"]


def test_the_same_sources_give_the_same_bytes(archive, tmp_path):
    assert write_autograder(NAME, ROOT, tmp_path / "new" / "a.zip").read_bytes() == archive.read_bytes()
    assert os.listdir(tmp_path / "new") == ["a.zip"]


def test_mistakes_of_an_instructor(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"did you mean 'ps2_epopt'\?"):
        write_autograder("ps2_epop", ROOT, tmp_path / "a.zip")
    (tmp_path / "solutions" / "ps9_x").mkdir(parents=True)
    (tmp_path / "solutions" / "ps9_x" / "ps9_x.ipynb").write_text("{}")
    with pytest.raises(FileNotFoundError, match="run `course release ps9_x` first"):
        write_autograder("ps9_x", tmp_path, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


@pytest.fixture
def platform(archive, tmp_path):
    """Gradescope's folder after its harness has unpacked the zip, and got a submission."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path / "source")
        for info in opened.infolist():  # as unzip does, and Python does not
            (tmp_path / "source" / info.filename).chmod(info.external_attr >> 16 & 0o777)
    shutil.copy(tmp_path / "source" / "run_autograder", tmp_path / "run_autograder")
    (tmp_path / "submission").mkdir()
    metadata = {"id": 123, "users": [{"email": "ana@uni.edu", "id": 4, "name": "Ana"}], "assignment": {}}
    (tmp_path / "submission_metadata.json").write_text(json.dumps(metadata))
    return tmp_path


def test_what_the_grader_is_given(platform):
    given = []

    def grade(*arguments):
        given.append(arguments)
        return RESULT

    shutil.copy(ROOT / "assignments" / NAME / f"{NAME}.ipynb", platform / "submission" / "my work.ipynb")
    for _ in range(2):
        assert obey(grade_for_gradescope(NAME, platform, grade)) == to_gradescope(RESULT)
    assert json.loads((platform / "results" / "results.json").read_text()) == to_gradescope(RESULT)
    (name, root, submission, seed), again = given
    assert (name, root, submission.student, submission.status) == (
        NAME,
        platform / "source",
        "ana@uni.edu",
        "found",
    )
    assert again == (name, root, submission, seed)  # the same submission gets the same hidden cases
    (platform / "submission_metadata.json").write_text('{"id": 124}')
    grade_for_gradescope(NAME, platform, grade)
    assert given[2][2].student == "student" and given[2][3] != seed
    (platform / "submission_metadata.json").write_text("[]")
    grade_for_gradescope(NAME, platform, grade)
    assert given[3][2].student == "student"


def test_a_fault_of_the_grader_is_a_report(platform, capsys):
    def grade(*arguments):
        raise RuntimeError("no such luck")

    report = obey(grade_for_gradescope(NAME, platform, grade))
    assert "you are not to blame" in report["output"]
    assert "no such luck" not in json.dumps(report)
    assert "no such luck" in capsys.readouterr().out  # which only instructors see


def run(platform, **variables):
    """Runs `run_autograder` as the harness does, and returns what it left."""
    done = subprocess.run(
        [platform / "run_autograder"],
        cwd=platform,
        env={**os.environ, "AUTOGRADER": str(platform), "AUTOGRADER_PYTHON": sys.executable, **variables},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return done, obey(json.loads((platform / "results" / "results.json").read_text(encoding="utf-8")))


@pytest.mark.skipif(os.name != "posix", reason="Gradescope runs Linux")
def test_where_nothing_is_installed_a_report_stands_there(platform):
    done, report = run(platform, AUTOGRADER_PYTHON="/nowhere/python")
    assert done.returncode != 0
    assert "you are not to blame" in report["output"]


@pytest.mark.skipif(os.name != "posix", reason="Gradescope runs Linux")
def test_from_a_submission_to_results(platform):
    """The zip alone grades: right answers, one wrong one, and nothing at all."""
    package = platform / "source" / "course_lib" / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "of-the-zip-'))
    book = nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    hidden = [c.source for c in book.cells if "HIDDEN" in c.source]

    nbformat.write(book, platform / "submission" / f"{NAME}.ipynb")
    done, report = run(platform)
    assert done.returncode == 0, done.stderr
    assert report["extra_data"]["version"].startswith("of-the-zip-"), done.stdout
    assert report["extra_data"]["status"] == "graded"
    assert [t["name"] for t in report["tests"] if t["status"] != "passed"] == []
    assert report["score"] == sum(t["max_score"] for t in report["tests"]) > 20
    assert "q7: 4 points, marked by a person" in report["output"]

    q2 = next(c for c in book.cells if c.id == "q2")
    q2.source = "def cvar_mask(returns, epsilon):\n    return returns < torch.quantile(returns, epsilon)"
    nbformat.write(book, platform / "submission" / f"{NAME}.ipynb")
    done, report = run(platform)
    assert {t["name"].partition("-")[0] for t in report["tests"] if t["status"] == "failed"} == {"q2"}
    assert any("R <= Q" in t["output"] for t in report["tests"])
    assert hidden and not any(source in json.dumps(report) for source in hidden)

    (platform / "submission" / f"{NAME}.ipynb").unlink()
    _, report = run(platform)
    assert report["score"] == 0
    assert "no notebook was handed in" in report["output"]
