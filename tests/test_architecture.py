"""Who may import whom: the contracts hold for the course, and a planted import breaks each of them."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from course_lib.cli.everyday import LINT_IMPORTS

ROOT = Path(__file__).parents[1]


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    """Run import-linter on the package in `folder` with the rules of this repository."""
    lint = LINT_IMPORTS.replace("'--no-logo'", "'--no-logo', '--no-cache'")
    return subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {lint}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def small_course(tmp_path: Path) -> Path:
    """A copy of the rules beside an empty package with every room of the design."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    package = tmp_path / "course_lib"
    for room in (
        "core",
        "envs",
        "agents",
        "transfer",
        "multitask",
        "meta",
        "widgets",
        "grading",
        "zoo",
        "cli",
    ):
        (package / room).mkdir(parents=True)
        (package / room / "__init__.py").touch()
        (package / room / "thing.py").touch()
    for module in ("__init__.py", "doctor.py"):
        (package / module).touch()
    return tmp_path


def test_the_course_keeps_its_rules():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("agents", "course_lib.core.thing"),
        ("envs", "course_lib.core.thing"),
        ("transfer", "course_lib.agents.thing"),
        ("meta", "course_lib.agents.thing"),
        ("widgets", "course_lib.core.thing"),
        ("widgets", "matplotlib.pyplot"),
        ("widgets", "ipywidgets"),
        ("grading", "nbgrader.api"),
        ("zoo", "course_lib.transfer.thing"),
        ("cli", "course_lib.widgets.thing"),
    ],
)
def test_what_the_design_allows(small_course: Path, importer: str, imported: str):
    plant(small_course, importer, imported)
    result = lint_imports(small_course)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("core", "course_lib.agents.thing"),
        ("core", "course_lib.envs.thing"),
        ("agents", "course_lib.envs.thing"),
        ("agents", "course_lib.transfer.thing"),
        ("envs", "course_lib.agents.thing"),
        ("envs", "course_lib.transfer.thing"),
        ("transfer", "course_lib.envs.thing"),
        ("transfer", "course_lib.meta.thing"),
        ("multitask", "course_lib.transfer.thing"),
        ("meta", "course_lib.multitask.thing"),
        ("widgets", "course_lib.agents.thing"),
        ("widgets", "course_lib.transfer.thing"),
        ("grading", "course_lib.agents.thing"),
        ("grading", "course_lib.widgets.thing"),
        ("zoo", "course_lib.cli.thing"),
        ("transfer", "matplotlib.pyplot"),
        ("grading", "ipywidgets"),
        ("cli", "anywidget"),
        ("cli", "nbgrader"),
        ("widgets", "nbgrader"),
    ],
)
def test_what_the_design_forbids(small_course: Path, importer: str, imported: str):
    plant(small_course, importer, imported)
    result = lint_imports(small_course)
    assert result.returncode == 1, f"{importer} may import {imported}?\n{result.stdout}{result.stderr}"
    assert "BROKEN" in result.stdout


def test_a_room_without_a_place_is_found(small_course: Path):
    (small_course / "course_lib" / "helpers.py").touch()
    result = lint_imports(small_course)
    assert result.returncode == 1
    assert "helpers" in result.stdout


def test_rooms_that_do_not_exist_yet_are_no_problem(small_course: Path):
    for room in ("multitask", "meta"):
        for file in (small_course / "course_lib" / room).iterdir():
            file.unlink()
        (small_course / "course_lib" / room).rmdir()
    result = lint_imports(small_course)
    assert result.returncode == 0, result.stdout + result.stderr


def test_nothing_in_the_package_is_called_a_drawer():
    """The design's forbidden names: a file is called what it holds."""
    drawers = {"utils", "util", "common", "helpers", "base", "misc"}
    found = [path for path in (ROOT / "course_lib").rglob("*.py") if path.stem in drawers]
    assert not found, f"name the thing: {found}"


def test_a_room_opens_with_its_question_and_exports_nothing():
    import ast

    for init in (ROOT / "course_lib").glob("*/__init__.py"):
        if init.parent.name in {"envs", "zoo"}:  # envs registers its worlds; zoo is checked by its own tests
            continue
        body = ast.parse(init.read_text("utf-8")).body
        assert body and ast.get_docstring(ast.Module(body, [])), f"{init} needs a docstring"
        assert len(body) == 1, f"{init} holds more than its docstring"


def test_future_annotations_would_switch_shape_checks_off():
    for path in (ROOT / "course_lib").rglob("*.py"):
        text = path.read_text("utf-8")
        if "jaxtyping" in text or "core.types" in text:
            assert "from __future__ import annotations" not in text, f"{path}: shapes are no longer checked"


def test_ruff_and_the_rules_live_in_one_file():
    with (ROOT / "pyproject.toml").open("rb") as file:
        tools = tomllib.load(file)["tool"]
    assert {"E", "F", "I", "UP", "B", "SIM", "RUF", "NPY"} <= set(tools["ruff"]["lint"]["select"])
    assert tools["ruff"]["line-length"] == 110
    assert not list(ROOT.glob("ruff.toml")) + list(ROOT.glob(".importlinter"))


def plant(folder: Path, importer: str, imported: str) -> None:
    """Add `import imported` to a room of the small course."""
    package = folder / "course_lib"
    file = package / importer / "thing.py" if (package / importer).is_dir() else package / f"{importer}.py"
    file.write_text(f"import {imported}\n", "utf-8")
