"""The trusted process: one fork a submission, forgotten afterwards; a fault is the grader's, never a mark."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from course_lib.grading import host
from course_lib.grading.host import GraderFault, Host, _in_a_fork

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forks the trusted process")

TEST = """import os
from pathlib import Path
if STATE in os.environ:
    raise RuntimeError("a submission before this one is remembered")
os.environ[STATE] = "been here"
globals()["remembered"] = True
assert f(2) == 4, "f(2) is wrong"
if f(0) == "end":
    os._exit(3)
if f(0) == "hang":
    import time
    time.sleep(600)
"""


def notebook() -> str:
    def cell(name, source, **fields):
        meta = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3}
        meta |= {"grade_id": name, **fields}
        return nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": meta})

    book = nbformat.v4.new_notebook()
    book.cells = [
        cell("setup", "STATE = 'COURSE_TEST_STATE'", locked=True),
        cell("q1", "def f(x):\n    return x * x", solution=True),
        cell("q1-test", TEST, grade=True, locked=True, points=2),
    ]
    return json.dumps(book)


def package(seconds: float = 10.0, **changes) -> dict:
    limits = {"cell_seconds": 3.0, "submission_seconds": seconds, "memory": 1 << 30}
    return {"name": "ps9_square", "solution": notebook(), "release": notebook(), "limits": limits, **changes}


def submission(source: str, student: str = "ana") -> dict:
    about = {"seed": 1, "student": student, "problems": ["late"], "submission_sha256": "00"}
    return {"answers": {"q1": source}, **about}


@pytest.fixture(scope="module")
def running():
    running = Host(package())
    yield running
    running.close()


class TestGrading:
    def test_right_and_wrong(self, running):
        right = running.grade(submission("def f(x): return x * x"))
        assert (right.points, right.status, right.student, right.problems) == (
            2.0,
            "graded",
            "ana",
            ("late",),
        )
        wrong = running.grade(submission("def f(x): return x", "ben"))
        assert (wrong.points, wrong.marks[0].message, wrong.student) == (0.0, "f(2) is wrong", "ben")

    def test_untouched(self, running):
        assert running.grade({**submission(""), "answers": {}}).points == 2.0, (
            "the release is the solution here"
        )

    @linux
    def test_nothing_is_remembered(self, running):
        results = [running.grade(submission("def f(x): return x * x")) for _ in range(2)]
        assert [result.points for result in results] == [2.0, 2.0]

    def test_student_cannot_end_it(self, running):
        result = running.grade(submission("import os\nos._exit(1)"))
        assert (result.points, result.status) == (0.0, "crashed")
        assert running.alive

    @linux
    def test_tests_that_end_are_the_graders_fault(self, running):
        with pytest.raises(GraderFault, match="the process with the tests ended"):
            running.grade(submission("def f(x): return 'end' if x == 0 else 4"))
        assert running.grade(submission("def f(x): return x * x")).points == 2.0

    def test_nonsense_is_a_fault(self, running):
        with pytest.raises(GraderFault, match="KeyError"):
            running.grade({"student": "ana"})
        assert running.alive


@linux
def test_tests_that_hang_are_ended(monkeypatch):
    # The spare time is the host's own; here it is started with less of it.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]))
    code = "import course_lib.grading.host as h; h.SPARE_SECONDS = 1.0; h.main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(question):
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        assert ask(package(seconds=4.0)) == {}
        began = time.monotonic()
        result = ask(submission("def f(x): return 'hang' if x == 0 else 4"))
        assert time.monotonic() - began < 30
        assert result["status"] == "timed out"
        assert [mark["points"] for mark in result["marks"]] == [0.0]
        process.stdin.close()
        assert process.wait(30) == 0


class TestLife:
    def test_assignment_that_cannot_be_graded(self):
        with pytest.raises(GraderFault, match="no test cell"):
            Host(package(solution=json.dumps(nbformat.v4.new_notebook())))

    def test_process_that_was_ended(self):
        running = Host(package())
        os.kill(running._process.pid, signal.SIGKILL)
        with pytest.raises(GraderFault, match="the grading process ended"):
            running.grade(submission("def f(x): return x * x"))
        running._process.wait(30)
        assert not running.alive
        running.close()

    def test_close_ends_it(self):
        running = Host(package())
        assert running.alive
        running.close()
        assert not running.alive


@linux
class TestFork:
    @pytest.fixture(autouse=True)
    def somebody_waits(self, monkeypatch):
        reading, writing = os.pipe()
        with os.fdopen(reading) as file:
            monkeypatch.setattr("sys.stdin", file)
            yield
            os.close(writing)

    def test_text_comes_back(self):
        assert _in_a_fork(lambda: "a" * 3_000_000, 30, 1 << 32) == "a" * 3_000_000 + "\n"

    def test_too_slow(self):
        began = time.monotonic()
        assert _in_a_fork(lambda: time.sleep(600) or "", 0.5, 1 << 32) is None
        assert time.monotonic() - began < 10

    def test_what_it_started_ends_too(self, tmp_path):
        def work():
            subprocess.Popen(["sh", "-c", f"sleep 2; touch {tmp_path}/alive"])
            return "done"

        assert _in_a_fork(work, 30, 1 << 32) == "done\n"
        time.sleep(2.5)
        assert not (tmp_path / "alive").exists()

    def test_exception(self):
        assert json.loads(_in_a_fork(lambda: {}["x"], 30, 1 << 32)) == {"fault": "KeyError: 'x'"}

    def test_death(self):
        with pytest.raises(GraderFault, match="ended"):
            _in_a_fork(lambda: os.kill(os.getpid(), signal.SIGKILL), 30, 1 << 32)

    def test_memory(self):
        text = _in_a_fork(lambda: str(len(bytearray(6 << 30))), 30, 1 << 30)
        assert json.loads(text)["fault"].startswith("MemoryError")


def test_host_that_nobody_asks_ends(monkeypatch):
    reading, writing = os.pipe()
    with os.fdopen(reading) as file:
        monkeypatch.setattr("sys.stdin", file)
        assert host._line(0.1) == ""
        os.write(writing, b"one\n")
        assert host._line(5) == "one\n"
        os.close(writing)
        assert host._line(5) == ""
