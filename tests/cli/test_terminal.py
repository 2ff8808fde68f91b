"""What every command shares."""

from pathlib import Path

from course_lib.cli import terminal

ROOT = Path(__file__).parents[2]


def test_outside_of_a_clone_the_installed_one_is_used(monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert terminal.course_folder() == ROOT


def test_below_a_clone_its_root_is_found(monkeypatch):
    monkeypatch.chdir(ROOT / "tests" / "notebooks")
    assert terminal.course_folder() == ROOT
