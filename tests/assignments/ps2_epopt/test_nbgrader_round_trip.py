"""The same marks from nbgrader itself: source, release, submissions, autograde, gradebook."""

import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

ROOT = Path(__file__).parents[3]
NAME = "ps2_epopt"

CLIPPED = """def truncated_normal(rng, mean, sigma, low, high, n):
    return np.clip(rng.normal(mean, sigma, n), low, high)"""
# nbgrader gives no points to a test cell that writes to stderr; a right answer may.
TALKATIVE = """import logging
import warnings

logging.basicConfig()

def cvar_mask(returns, epsilon):
    warnings.warn("a warning")
    logging.warning("a log line")
    return returns <= torch.quantile(returns, epsilon)"""


@pytest.fixture(scope="module")
def gradebook(tmp_path_factory):
    """One submission with every answer right, one with a mistake in question 1 and nothing in question 5."""
    course = tmp_path_factory.mktemp("course")
    solution = ROOT / "solutions" / NAME / f"{NAME}.ipynb"
    release = ROOT / "assignments" / NAME / f"{NAME}.ipynb"
    (course / "solutions" / NAME).mkdir(parents=True)
    shutil.copy(solution, course / "solutions" / NAME)
    answers = {cell.id: cell.source for cell in nbformat.read(solution, as_version=4).cells}
    for student, changed in {
        "all_right": {"q2": TALKATIVE},
        "clips": {"q1": CLIPPED, "q5": None},
    }.items():
        notebook = nbformat.read(release, as_version=4)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = {**answers, **changed}[cell.id] or cell.source
        folder = course / "submitted" / student / NAME
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{NAME}.ipynb")

    config = Config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.source_directory = "solutions"
    config.CourseDirectory.release_directory = "assignments"
    config.CourseDirectory.db_url = f"sqlite:///{(course / 'gradebook.db').as_posix()}"
    config.Exchange.root = str(course / "exchange")
    config.ExecutePreprocessor.timeout = 120
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        patch.setenv("PYTHONPATH", str(ROOT))
        # nbgrader calls the program `alembic`, which lies beside python.
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
        (course / "exchange").mkdir(mode=0o777)
        api = NbGraderAPI(config=config)
        generated = api.generate_assignment(NAME)
        assert generated["success"], generated["log"]
        made = nbformat.read(course / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
        for student in ("all_right", "clips"):
            graded = api.autograde(NAME, student)
            assert graded["success"], graded["log"]
        with api.gradebook as book:
            yield book, made


def marks(book, student: str) -> dict[str, tuple[float, float]]:
    submission = book.find_submission(NAME, student)
    return {grade.name: (grade.auto_score, grade.max_score) for grade in submission.notebooks[0].grades}


def test_release_is_nbgrader_s_own(gradebook):
    """Our release differs from nbgrader's in nothing that a student or a grader reads."""
    _, made = gradebook
    ours = nbformat.read(ROOT / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
    assert [(c.id, c.source, c.metadata) for c in ours.cells] == [
        (c.id, c.source, c.metadata) for c in made.cells
    ]


def test_right_answers_get_all_points_even_with_warnings(gradebook):
    book, _ = gradebook
    scores = marks(book, "all_right")
    assert scores.pop("q7")[1] == 4
    assert all(score == most for score, most in scores.values()), scores
    assert sum(most for _, most in scores.values()) == 26


def test_a_mistake_and_a_gap_cost_their_own_questions(gradebook):
    book, _ = gradebook
    scores = marks(book, "clips")
    assert scores.pop("q7")[0] is None, "question 7 waits for a person"
    lost = {name: score for name, (score, most) in scores.items() if score < most}
    assert lost == {"q1-visible": 0.0, "q1-hidden": 0.0, "q5-visible": 0.0, "q5-hidden": 0.0}
