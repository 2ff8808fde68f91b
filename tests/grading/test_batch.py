"""A class of submissions: everyone is there once, whatever stops the run."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest

from course_lib.grading import batch, results, sandbox
from course_lib.grading.batch import SandboxMissing, grade_batch
from course_lib.grading.host import GraderFault
from course_lib.grading.sandbox import Limits

NAME = "ps9_double"
RIGHT, WRONG = "def double(x):\n    return 2 * x", "def double(x):\n    return x + 1"
CELLS = {
    "setup": ("import numpy as np", {}),
    "q1": (
        "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
        {"solution": True},
    ),
    "q1-visible": ("assert double(2) == 4, f'double(2) gave {double(2)}'", {"grade": True, "points": 1}),
    "q1-hidden": (
        "from course_lib.grading.misconceptions import fresh_rng as _fresh_rng\n"
        "_x = int(_fresh_rng('q1').integers(3, 10**9))\n"
        "assert double(_x) == 2 * _x, f'double({_x}) gave {double(_x)}'",
        {"grade": True, "points": 2},
    ),
    "q2": ("words", {"grade": True, "solution": True, "points": 4}),
}
RUN = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from course_lib.grading.batch import grade_batch
root = Path(sys.argv[1])
with ThreadPoolExecutor(2) as executor:
    grade_batch(root / "in", sys.argv[2], root, executor=executor, seed=5)
"""


def book(answer: str | None = None) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook()
    for name, (source, fields) in CELLS.items():
        meta = {"grade": False, "solution": False, "grade_id": name, "locked": False, "schema_version": 3}
        source = answer if name == "q1" and answer is not None else source
        notebook.cells.append(
            nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": {**meta, **fields}})
        )
    return notebook


@pytest.fixture
def course(tmp_path) -> Path:
    """A course with one small assignment, and a folder `in` for submissions."""
    for room in ("solutions", "assignments"):
        (tmp_path / room / NAME).mkdir(parents=True)
        nbformat.write(
            book(None if room == "solutions" else "def double(x):\n    raise NotImplementedError()"),
            tmp_path / room / NAME / f"{NAME}.ipynb",
        )
    (tmp_path / "in").mkdir()
    return tmp_path


def hand_in(course: Path, **answers: str) -> None:
    for student, answer in answers.items():
        nbformat.write(book(answer), course / "in" / f"{student}.ipynb")


ONE_THREAD = ThreadPoolExecutor(1)
"""One for all tests: its trusted process is kept as long as the assignment and the limits are the same."""


def grade(course: Path, executor: ThreadPoolExecutor = ONE_THREAD, **options) -> batch.Summary:
    return grade_batch(course / "in", NAME, course, executor=executor, **options)


def points(summary: batch.Summary) -> dict[str, float]:
    return {result.student: result.points for result in summary.results}


def test_everyone_has_a_row_with_a_status(course):
    hand_in(
        course,
        anna=RIGHT,
        ben=WRONG,
        cleo="def double(x):\n    while True: pass",
        dora="import os; os._exit(1)",
    )
    (course / "in" / "emil.ipynb").write_text("no notebook")
    steps = []
    summary = grade(
        course, roster=["anna", "frida"], limits=Limits(cell_seconds=2.0), progress=steps.append, seed=3
    )
    assert {r.student: (r.status, r.points) for r in summary.results} == {
        "anna": ("graded", 3.0),
        "ben": ("graded", 0.0),
        "cleo": ("timed out", 0.0),
        "dora": ("crashed", 0.0),
        "emil": ("unreadable", 0.0),
        "frida": ("missing", 0.0),
    }
    assert summary.faults == []
    assert summary.sandbox == sandbox.available()
    assert [step.done for step in steps] == [1, 2, 3, 4, 5, 6] and steps[0].total == 6
    assert results.load(summary.out) == summary.results
    assert all(result.seed == 3 and len(result.marks) == 3 for result in summary.results)
    ben = summary.results[1]
    assert "double(2) gave 3" in ben.marks[0].message
    assert ben.answers["q2"].source == "words" and ben.marks[2].points is None


def test_the_seed_decides_the_hidden_cases_and_is_kept(course):
    hand_in(course, ben=WRONG)
    first = grade(course, seed=1, out=course / "a")
    again = grade(course, seed=1, out=course / "b")
    other = grade(course, seed=2, out=course / "c")
    said = [summary.results[0].marks[1].message for summary in (first, again, other)]
    assert said[0] == said[1] != said[2]
    assert grade(course, out=course / "c").seed == 2, "a later run goes on with the seed that is there"


def test_only_what_changed_is_graded_again(course):
    hand_in(course, anna=RIGHT, ben=WRONG)
    assert grade(course).resumed == 0
    before = (course / "grading" / NAME / "results" / "anna.json").stat().st_mtime_ns
    hand_in(course, ben=RIGHT, cleo=RIGHT)
    summary = grade(course)
    assert summary.resumed == 1
    assert points(summary) == {"anna": 3.0, "ben": 3.0, "cleo": 3.0}
    assert (course / "grading" / NAME / "results" / "anna.json").stat().st_mtime_ns == before
    summary = grade(course, roster=["änna"])
    assert summary.resumed == 3, "a roster changes how a name is written, and no marks"
    assert [result.name for result in results.load(summary.out)] == ["änna", "ben", "cleo"]
    assert grade(course, fresh=True).resumed == 0
    solution = course / "solutions" / NAME / f"{NAME}.ipynb"
    solution.write_text(solution.read_text().replace("== 2 * _x", "== 3 * _x"))
    summary = grade(course)
    assert summary.resumed == 0, "other tests give other marks"
    assert points(summary)["anna"] == 1.0


def test_a_new_library_grades_again_and_old_rows_do_not_count(course, monkeypatch):
    hand_in(course, anna=RIGHT, ben=WRONG)
    out = grade(course, roster=["Ana"]).out
    assert [result.student for result in results.load(out)] == ["Ana", "anna", "ben"]
    (out / "ben.json").write_text('{"from": "another version"}')
    monkeypatch.setattr(batch, "fingerprint", lambda: "another text of the library")
    assert grade(course, roster=["anna"]).resumed == 0
    assert [result.student for result in results.load(out)] == ["anna", "ben"], "the roster was mended"
    assert grade(course, limits=Limits(cell_seconds=9.0)).resumed == 0, "other limits, other marks"


def test_a_fresh_run_that_was_stopped_goes_on(course):
    hand_in(course, anna=RIGHT, ben=RIGHT)
    first = grade(course, seed=1)

    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade(course, fresh=True, progress=stop)
    summary = grade(course, fresh=True)
    assert summary.resumed == 1
    assert summary.seed != first.seed
    assert {result.seed for result in summary.results} == {summary.seed}
    assert grade(course, fresh=True).resumed == 0, "the stopped run was finished"


def test_a_killed_run_goes_on_and_leaves_no_process(course):
    hand_in(course, **{f"student{number}": RIGHT for number in range(8)})
    out = course / "grading" / NAME / "results"
    run = subprocess.Popen([sys.executable, "-c", RUN, str(course), NAME])
    try:
        end = time.monotonic() + 120
        while len(list(out.glob("s*.json"))) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        started = psutil.Process(run.pid).children(recursive=True)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    there = {path.name: path.stat().st_mtime_ns for path in out.glob("s*.json")}
    assert 3 <= len(there) < 8, "the run was to be killed in its middle"
    assert started
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []
    summary = grade(course)
    assert summary.resumed == len(there)
    assert points(summary) == {f"student{number}": 3.0 for number in range(8)}
    assert {name: (out / name).stat().st_mtime_ns for name in there} == there, "nobody is graded twice"
    assert sorted(os.listdir(out)) == sorted(
        [".lock", ".run.json", *(f"student{number}.json" for number in range(8))]
    )


def test_a_sandbox_can_be_demanded(course, monkeypatch):
    hand_in(course, anna=RIGHT)
    monkeypatch.setattr(sandbox, "available", lambda: sandbox.NOT_SANDBOXED)
    with pytest.raises(SandboxMissing, match="install bubblewrap"):
        grade(course, require_sandbox=True)


def test_without_a_sandbox_every_result_says_so(course, monkeypatch, tmp_path):
    """No bwrap on the path: the same two processes, and an endless loop still costs one question."""
    hand_in(course, anna=RIGHT, cleo="def double(x):\n    while True: pass")
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    sandbox.available.cache_clear()
    try:
        with ThreadPoolExecutor(1) as executor:  # a host that is already there has found its sandbox
            summary = grade(course, executor, limits=Limits(cell_seconds=2.0))
    finally:
        sandbox.available.cache_clear()
    assert summary.sandbox == "not sandboxed"
    assert {result.sandbox for result in summary.results} == {"not sandboxed"}
    assert points(summary) == {"anna": 3.0, "cleo": 0.0}


def test_a_fault_of_the_grader_is_a_row_too_and_is_tried_again(course, monkeypatch):
    hand_in(course, anna=RIGHT, ben=RIGHT)
    honest = batch.Host.grade
    monkeypatch.setattr(batch.Host, "grade", lambda self, job: _break_for("ben", honest, self, job))
    summary = grade(course)
    assert summary.faults == ["ben: the grading process ended"]
    assert points(summary) == {"anna": 3.0, "ben": 0.0}
    assert "you are not to blame" in summary.results[1].marks[0].message
    monkeypatch.setattr(batch.Host, "grade", honest)
    summary = grade(course)
    assert (summary.resumed, summary.faults, points(summary)) == (1, [], {"anna": 3.0, "ben": 3.0})


def _break_for(student, honest, host, job):
    if job["student"] == student:
        raise GraderFault("the grading process ended")
    return honest(host, job)


def test_an_instructor_s_mistakes_are_told(course):
    with (
        pytest.raises(FileNotFoundError, match="did you mean 'ps9_double'"),
        ThreadPoolExecutor(1) as executor,
    ):
        grade_batch(course / "in", "ps9_doubel", course, executor=executor)
    with pytest.raises(ValueError, match="holds no submissions"):
        grade(course)
    hand_in(course, anna=RIGHT)
    out = course / "out"
    out.mkdir()
    with batch.FileLock(out / ".lock"), pytest.raises(RuntimeError, match="another run"):
        grade(course, out=out)


def test_a_cluster_that_loses_a_worker_loses_nobody(course):
    """A real scheduler, two worker processes, one of them killed in the middle."""
    distributed = pytest.importorskip("distributed")
    hand_in(course, **{f"student{number}": RIGHT for number in range(8)})
    done = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        victim, _ = client.run(os.getpid).values()

        def watch(step):
            done.append(step.student)
            if len(done) == 2:
                os.kill(victim, signal.SIGKILL)

        with client.get_executor(pure=False, retries=2) as executor:
            summary = grade_batch(course / "in", NAME, course, executor=executor, progress=watch)
        assert victim not in client.run(os.getpid).values()
    assert points(summary) == {f"student{number}": 3.0 for number in range(8)}
    assert sorted(done) == sorted(points(summary)), "everyone once"
    assert summary.faults == []
