"""The trusted process: it has imported what the tests need, and on Linux forks once for every submission.

Imports cost seconds, a fork costs milliseconds, and a forked process forgets everything when it ends: no
submission can be told from the one before it. The host is started as `python -m course_lib.grading.host`. It
reads JSON lines, first an assignment, then submissions, and writes one result a line.
"""

import ast
import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

from course_lib.grading import sandbox
from course_lib.grading.results import Result
from course_lib.grading.sandbox import Limits
from course_lib.grading.student import NotStarted

SPARE_SECONDS = 60.0
"""What a submission may take beyond its own limit: starting processes on a busy machine, our own tests."""
OWN_MEMORY = 2 << 30
"""Bytes that the tests may take beyond what the student's process may."""
IDLE_SECONDS = 60.0
"""A host that nobody asks for so long ends: on a cluster nobody else would end it."""
PR_SET_PDEATHSIG = 1


class GraderFault(RuntimeError):
    """The grader itself failed; the student is not to blame."""


class Host:
    """The other end: a trusted process that grades one submission after the other.

    Args:
        assignment: `name`, `solution` and `release` (texts of the notebooks), and `limits`.

    Raises:
        GraderFault: the assignment cannot be graded here.
    """

    running: ClassVar[weakref.WeakSet["Host"]] = weakref.WeakSet()

    def __init__(self, assignment: dict) -> None:
        self._seconds = assignment["limits"]["submission_seconds"] + 2 * SPARE_SECONDS
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "course_lib.grading.host"],  # -P: no module of the current folder
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the person's command, which then stops this
        )
        Host.running.add(self)
        self._ask(assignment)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def grade(self, submission: dict) -> Result:
        """Grades one submission.

        Args:
            submission: what `examine` wants: `answers`, `seed`, `student`, `problems`, `submission_sha256`.

        Raises:
            GraderFault: there is no result.
        """
        return Result.from_json(json.dumps(self._ask(submission)))

    def stop(self) -> None:
        """Ends the process at once, whatever another thread waits for."""
        self._process.terminate()

    def close(self) -> None:
        """Ends the process, and with it all that it has started."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, question: dict) -> dict:
        # A host that hangs is ended from outside: then its line is empty.
        watch = threading.Timer(self._seconds, self._process.kill)
        watch.start()
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            watch.cancel()
        answer = json.loads(line) if line.endswith("\n") else {"fault": "the grading process ended"}
        if "fault" in answer:
            raise GraderFault(answer["fault"])
        return answer


def main() -> None:
    """Serves until the other side hangs up, or stays silent for long."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # leaves no folder and no process behind
    # Standard output belongs to the results; whatever else prints goes to standard error.
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines = iter(lambda: _line(IDLE_SECONDS), "")
    with tempfile.TemporaryDirectory(prefix="course-grading-") as folder:
        grade = None
        for line in lines:
            try:
                if grade is None:
                    grade = _prepare(json.loads(line), Path(folder))
                    answer = {}
                else:
                    answer = grade(json.loads(line))
            except (Exception, NotStarted) as error:
                answer = {"fault": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), file=results, flush=True)


def _prepare(package: dict, library: Path):
    """Imports and copies what every submission needs; returns the function that grades one."""
    import nbformat

    from course_lib.grading import examine, masking
    from course_lib.grading.student import PipeWire

    limits = Limits(**package["limits"])
    assignment = examine.read_assignment(
        package["name"],
        nbformat.reads(package["solution"], as_version=4),
        nbformat.reads(package["release"], as_version=4),
    )
    masking.copy_masked(assignment.graded_names, library)
    kind = sandbox.available()
    _import_all("\n".join(cell.source for cell in assignment.cells if cell.role in ("setup", "test")))
    examine.compile_ours(assignment)

    def open_wire() -> PipeWire:
        return PipeWire(sandbox.start_worker(library, kind, limits))

    def here(submission: dict) -> dict:
        return asdict(
            examine.examine(assignment, open_wire=open_wire, sandbox=kind, limits=limits, **submission)
        )

    def forked(submission: dict) -> dict:
        submission["problems"] = tuple(submission["problems"])
        seconds = limits.submission_seconds + SPARE_SECONDS
        text = _in_a_fork(lambda: json.dumps(here(submission)), seconds, limits.memory + OWN_MEMORY)
        if text is not None:
            return json.loads(text)
        message = f"grading this took more than {seconds:.0f} s"
        return asdict(examine.not_run(assignment, "timed out", message, sandbox=kind, **submission))

    return forked if sys.platform == "linux" else here


def _in_a_fork(work: Callable[[], str], seconds: float, memory: int) -> str | None:
    """Runs `work` in a forked process; its text, or None where it took too long.

    The limits are a second line of defence: what a student's process sends is bounded already.

    Raises:
        GraderFault: the process ended without a text.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            sandbox.limit_this_process(memory, int(seconds))
            text = work()
        except BaseException as error:
            text = json.dumps({"fault": f"{type(error).__name__}: {error}"})
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(text.encode("ascii") + b"\n")
        os._exit(0)
    os.close(writing)
    said, end = b"", time.monotonic() + seconds
    try:
        with os.fdopen(reading, "rb", buffering=0) as pipe:
            while (left := end - time.monotonic()) > 0:
                ready, _, _ = select.select([pipe, sys.stdin], [], [], left)
                if sys.stdin in ready:  # nobody waits for this result any more
                    sys.exit(0)
                piece = pipe.read(1 << 20) if ready else b""
                said += piece
                if not piece:
                    break
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if said.endswith(b"\n"):
        return said.decode("ascii")
    if time.monotonic() >= end:
        return None
    raise GraderFault("the process with the tests ended")


def _import_all(source: str) -> None:
    """Imports what the cells will import, as far as it is there: a missing module is the cell's own error."""
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(ast.parse(source)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                # What comes from a package may be a module of it.
                names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            for name in names:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
    importlib.import_module("IPython.core.inputtransformer2")
    importlib.import_module("course_lib.grading.misconceptions")


def _line(seconds: float) -> str:
    """The next line of standard input; empty at its end, or where none comes in time."""
    if os.name == "posix" and not select.select([sys.stdin], [], [], seconds)[0]:
        return ""
    return sys.stdin.readline()


if __name__ == "__main__":
    main()
