"""The attacks that need the real ps2_epopt, through the real thing."""

import re
from pathlib import Path

import attack_bank
import attacks_on_epopt
import nbformat
import pytest

from course_lib.grading.results import Result
from course_lib.grading.sandbox import Limits

ROOT = Path(__file__).parents[3]
NAME = "ps2_epopt"
KNOWN_HOLES: dict[str, str] = {}
"""Attack -> why it still works."""


def _cases():
    for one in attacks_on_epopt.ATTACKS:
        reason = KNOWN_HOLES.get(one.name)
        marks = [pytest.mark.xfail(strict=True, reason=reason)] if reason else []
        yield pytest.param(one, id=one.name, marks=marks)


@pytest.fixture(scope="module")
def solution() -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)


@pytest.fixture(scope="module")
def results(solution, tmp_path_factory) -> dict[str, Result]:
    folder = tmp_path_factory.mktemp("epopt")
    release = nbformat.read(ROOT / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
    right = {
        cell.metadata.nbgrader.grade_id: re.sub(r".*### (BEGIN|END) SOLUTION.*\n?", "", cell.source)
        for cell in solution.cells
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "code"
    }
    attack_bank.hand_in(attacks_on_epopt.ATTACKS, release, right, folder / "submitted")
    limits = Limits(submission_seconds=60)
    summary = attack_bank.grade(folder / "submitted", NAME, ROOT, folder / "results", limits)
    assert summary.faults == []
    return {result.student: result for result in summary.results}


@pytest.mark.parametrize("one", list(_cases()))
def test_points(one, results, solution):
    full: dict[str, float] = {}
    for cell in solution.cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade") and not meta.get("solution"):
            question = meta["grade_id"].partition("-")[0]
            full[question] = full.get(question, 0.0) + meta["points"]
    assert not attack_bank.complaints(one, results[one.name], full)


def test_reference_says_that_it_is_masked(results):
    messages = [mark.message for mark in results["reference-imported"].marks if mark.points is not None]
    assert len(messages) == 12
    assert all(attacks_on_epopt.LIBRARY in message for message in messages)
