"""Check, release, grade and what follows, as a person meets them."""

from pathlib import Path

import pytest


def test_check_of_nothing_is_one_line(invoke, tmp_path: Path):
    result = invoke("check", str(tmp_path / "missing.ipynb"))
    assert result.exit_code == 1
    assert "missing.ipynb" in result.output.replace("\n", "")


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_check_tells_by_its_exit_code(invoke, monkeypatch, tmp_path: Path, passed: bool, code: int):
    import course_lib.grading.check

    monkeypatch.setattr(course_lib.grading.check, "check", lambda path: passed)
    assert invoke("check", str(tmp_path)).exit_code == code


def test_release_of_an_unknown_assignment_is_one_line(invoke):
    result = invoke("release", "ps99_nothing")
    assert result.exit_code == 1
    assert result.output.startswith("error: ")
    assert len(result.output.splitlines()) == 1
