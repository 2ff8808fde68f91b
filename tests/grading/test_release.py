"""A release is deterministic, complete, and gives nothing away."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.grading.release import SOURCE, LeakError, assignments, find_leaks, release_assignments

ROOT = Path(__file__).parents[2]

ANSWER = """def double(x):
    \"\"\"Twice x.\"\"\"
    ### BEGIN SOLUTION
    result_of_the_whole_question = x + x
    return result_of_the_whole_question
    ### END SOLUTION"""
TESTS = """assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double(-17) == -34
### END HIDDEN TESTS"""


def nbgrader_meta(name: str, **fields) -> dict:
    meta = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**meta, "grade_id": name, **fields}}


@pytest.fixture
def course(tmp_path) -> Path:
    """A small course with one assignment, ps9_double."""
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    )
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# Twice", id="title"),
        nbformat.v4.new_code_cell(ANSWER, id="q1", metadata=nbgrader_meta("q1", solution=True)),
        nbformat.v4.new_code_cell(
            TESTS, id="q1-test", metadata=nbgrader_meta("q1-test", grade=True, locked=True, points=2)
        ),
    ]
    write(tmp_path, notebook)
    return tmp_path


def source_of(course: Path) -> Path:
    return course / "solutions" / "ps9_double" / "ps9_double.ipynb"


def write(course: Path, notebook) -> None:
    source_of(course).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, source_of(course))


def change(course: Path, edit) -> None:
    notebook = nbformat.read(source_of(course), as_version=4)
    edit(notebook)
    write(course, notebook)


def everything(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_release_holds_stubs_and_visible_tests_and_nothing_else(course):
    (path,) = release_assignments(root=course)
    assert path == course / "assignments" / "ps9_double" / "ps9_double.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    assert (
        cells["q1"]
        == 'def double(x):\n    """Twice x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
    )
    assert cells["q1-test"] == "assert double(2) == 4"
    files = everything(course)
    assert sorted(files) == [
        "assignments/ps9_double/ps9_double.ipynb",
        "solutions/ps9_double/ps9_double.ipynb",
    ]


def test_tests_are_folded_in_the_release_and_answers_are_not(course):
    (path,) = release_assignments(root=course)
    cells = nbformat.read(path, as_version=4).cells
    folded = [cell.id for cell in cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert folded == ["q1-test"]


def test_assignments_are_the_folders_with_a_notebook(course):
    for name in (
        "ps1_old/ps1_old.ipynb",
        "ps1_old/notes.ipynb",
        ".ipynb_checkpoints/x.ipynb",
        "data/rows.csv",
    ):
        path = course / SOURCE / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert assignments(course) == ["ps1_old", "ps9_double"]
    assert assignments(course / "nowhere") == []


def test_same_source_gives_the_same_bytes(course):
    (path,) = release_assignments(["ps9_double"], course)
    first = path.read_bytes()
    (path,) = release_assignments(["ps9_double"], course)
    assert path.read_bytes() == first
    assert b"\r" not in first


def test_needs_neither_the_current_folder_nor_a_path(course):
    """Works from anywhere, and without nbgrader's helper programs on PATH."""
    code = (
        "import sys; from pathlib import Path; from course_lib.grading.release import release_assignments; "
        "release_assignments(root=Path(sys.argv[1]))"
    )
    env = {**os.environ, "PATH": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(course)], cwd="/", env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_foreign_files_are_refused(course):
    for name in ("ps9_double.py", "notes.txt", "other.ipynb"):
        foreign = source_of(course).with_name(name)
        foreign.write_text("x")
        with pytest.raises(LeakError, match=name):
            release_assignments(root=course)
        foreign.unlink()
    assert not (course / "assignments").exists()


def test_foreign_files_in_an_earlier_release_are_refused(course):
    (path,) = release_assignments(root=course)
    path.with_suffix(".py").write_text("### BEGIN SOLUTION")
    with pytest.raises(LeakError, match=r"ps9_double\.py"):
        release_assignments(root=course)


def test_paired_notebook_is_refused(course):
    change(course, lambda nb: nb.metadata.update(jupytext={"formats": "ipynb,py:percent"}))
    with pytest.raises(LeakError, match="jupytext"):
        release_assignments(root=course)


@pytest.mark.parametrize(
    ("cell", "match"),
    [
        ("The answer is between ### begin solution marks", "BEGIN SOLUTION"),
        ("=== BEGIN MARK SCHEME ===", "(?i)mark scheme"),
        ("### Begin hidden tests", "BEGIN HIDDEN TESTS"),
        ("Hint: `result_of_the_whole_question = x + x`", "a line of the solution"),
    ],
)
def test_what_belongs_to_the_graders_is_refused(course, cell, match):
    (path,) = release_assignments(root=course)
    before = path.read_bytes()
    change(course, lambda nb: nb.cells.append(nbformat.v4.new_raw_cell(cell)))
    with pytest.raises((LeakError, ValueError), match=match):
        release_assignments(root=course)
    assert path.read_bytes() == before, "a refused release must leave the earlier one as it was"


def test_nbgrader_complaints_arrive_in_one_line(course):
    change(course, lambda nb: nb.cells[1].metadata.clear())
    with pytest.raises(ValueError, match="solution") as failed:
        release_assignments(root=course)
    assert "\n" not in str(failed.value)


def test_outputs_are_cleared(course):
    output = nbformat.v4.new_output("stream", text="secret")
    change(course, lambda nb: nb.cells[1].outputs.append(output))
    (path,) = release_assignments(root=course)
    assert "secret" not in path.read_text()


def test_unknown_names_are_refused(course, tmp_path_factory):
    with pytest.raises(FileNotFoundError, match="ps9_double"):
        release_assignments(["ps9_dobule"], course)
    with pytest.raises(FileNotFoundError, match="no assignment"):
        release_assignments(root=tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize("source", sorted((ROOT / "solutions").glob("*/*.ipynb")), ids=lambda p: p.stem)
def test_the_course_s_own_release_is_up_to_date_and_clean(source, tmp_path):
    """`assignments/` is what `solutions/` gives today, and holds nothing else."""
    copy = tmp_path / "solutions" / source.stem / source.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(source.read_bytes())
    (fresh,) = release_assignments(root=tmp_path)
    released = ROOT / "assignments" / source.stem / source.name
    assert released.read_bytes() == fresh.read_bytes(), f"run release_assignments(['{source.stem}'])"
    assert find_leaks(released.read_text(encoding="utf-8")) == []
    assert [p.name for p in source.parent.iterdir() if not p.name.startswith(".")] == [source.name]


def test_every_assignment_has_a_source():
    released = {
        p.relative_to(ROOT / "assignments").as_posix()
        for p in (ROOT / "assignments").rglob("*")
        if p.is_file()
    }
    sources = {f"{p.stem}/{p.name}" for p in (ROOT / "solutions").glob("*/*.ipynb")}
    assert {name for name in released if "checkpoint" not in name} == sources


@pytest.mark.parametrize("source", sorted((ROOT / "solutions").glob("*/*.ipynb")), ids=lambda p: p.stem)
def test_source_is_stored_clean(source):
    """No outputs, stable unique ids, format 4.5, an ordinary kernel."""
    raw = json.loads(source.read_text(encoding="utf-8"))
    assert (raw["nbformat"], raw["nbformat_minor"]) == (4, 5)
    assert raw["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in raw["cells"]]
    assert len(set(ids)) == len(ids)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in raw["cells"])
    names = [
        cell["metadata"]["nbgrader"]["grade_id"] for cell in raw["cells"] if "nbgrader" in cell["metadata"]
    ]
    assert len(set(names)) == len(names)
