"""Many submissions: each graded by a function of its texts alone, each result written as soon as it is there.

A failure is a row, never an exception: every student appears, and what went wrong stands in the row. A run
that was stopped at any moment goes on where it was: what is graded stays, the rest is graded.
"""

import contextlib
import functools
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import nbformat
from filelock import FileLock, Timeout

import course_lib
from course_lib.core.spelling import nearest
from course_lib.grading import examine, sandbox
from course_lib.grading.collect import Submission, collect
from course_lib.grading.host import GraderFault, Host
from course_lib.grading.results import (
    Mark,
    Result,
    Status,
    forget,
    load_what_holds,
    read_run,
    results_folder,
    save,
    write_run,
)
from course_lib.grading.sandbox import Limits

_THREAD = threading.local()
_STOPPING = threading.Event()


class FolderBusy(RuntimeError):
    """Another run writes into the same folder."""


class SandboxMissing(RuntimeError):
    """A sandbox was demanded, and the machine that would grade has none."""


@dataclass(frozen=True)
class Progress:
    """How far a batch is."""

    done: int
    total: int
    student: str
    status: str


@dataclass(frozen=True)
class Summary:
    """A batch, graded."""

    results: list[Result]
    """One a student, sorted by name."""
    out: Path
    """Folder of the results."""
    seed: int
    sandbox: str
    """What locked the students' code in; the weakest, where machines differ."""
    resumed: int
    """How many results were there already."""
    faults: list[str]
    """Failures of the grader itself, one line each; empty in a good run."""


def grade_batch(
    folder: Path,
    assignment: str,
    root: Path,
    *,
    executor: Executor,
    seed: int | None = None,
    roster: Iterable[str] | None = None,
    require_sandbox: bool = False,
    fresh: bool = False,
    out: Path | None = None,
    progress: Callable[[Progress], None] = lambda step: None,
    limits: Limits | None = None,
) -> Summary:
    """Grades all submissions in a folder, and writes a JSON file for each.

    Args:
        folder: what a learning platform exported: a folder, a zip or a notebook per student.
        assignment: such as "ps2_epopt".
        root: the course's folder.
        executor: where submissions are graded: threads here (each drives a process), or a cluster.
        seed: seed of the hidden cases; by default that of the results that are there, or a new one.
        roster: names of all students; who has handed in nothing gets a row as well.
        require_sandbox: refuse to grade without one.
        fresh: grade again what is graded already.
        out: folder of the results; `grading/ASSIGNMENT/results` by default.
        progress: called after every student.
        limits: time and memory for one submission.

    Raises:
        FileNotFoundError: there is no such assignment or folder.
        SandboxMissing: see `require_sandbox`.
        FolderBusy: another run writes into the same folder.
    """
    package = _package(assignment, root, limits or Limits(), require_sandbox)
    asked = _assignment(package)
    release = nbformat.reads(package["release"], as_version=4)
    submissions = collect(folder, release, roster, assignment=re.escape(assignment))
    out = out or results_folder(root, assignment)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            run = read_run(out)
            if fresh and run.get("finished", True):  # else the same command goes on where it stopped
                forget(out)
                run = {}
            if seed is None:
                seed = run.get("seed", secrets.randbelow(2**31))
            run = {"seed": seed, "students": [submission.student for submission in submissions]}
            write_run(out, {**run, "finished": False})
            before = {result.student: result for result in load_what_holds(out)}
            summary = _grade_all(submissions, before, package, asked, seed, executor, out, progress)
            write_run(out, {**run, "finished": True})
            return summary
    except Timeout:
        raise FolderBusy(f"another run is writing into {out}; wait for it, or name another folder") from None


def grade_one(assignment: str, root: Path, submission: Submission, seed: int) -> Result:
    """Grades one submission here, without writing anything.

    Raises:
        FileNotFoundError: there is no such assignment.
        GraderFault: the grader itself failed.
    """
    package = _package(assignment, root, Limits(), require_sandbox=False)
    if submission.status != "found":
        return _nothing_to_run(_assignment(package), submission, seed, package)
    return Result.from_json(grade_submission(package, asdict(submission), seed))


def grade_solution(assignment: str, root: Path) -> list[Mark]:
    """Grades an assignment's own solution; the tests in which it loses points, none in a sound assignment.

    Raises:
        FileNotFoundError: there is no such assignment.
        GraderFault: the grader itself failed.
    """
    package = _package(assignment, root, Limits(), require_sandbox=False)
    right = {
        cell.name: cell.source for cell in _assignment(package).cells if cell.role in ("answer", "written")
    }
    submission = Submission(student="solution", status="found", answers=right)
    result = Result.from_json(grade_submission(package, asdict(submission), secrets.randbelow(2**31)))
    _end_host()
    return [mark for mark in result.marks if mark.points is not None and mark.points < mark.out_of]


def grade_submission(package: dict, submission: dict, seed: int) -> str:
    """The pure function behind every batch: texts in, the text of a result out; runs wherever course_lib is.

    Args:
        package: the assignment's name and texts, and the limits.
        submission: a `Submission` as a dict.
        seed: seed of the hidden cases.

    Raises:
        SandboxMissing: one was demanded.
        GraderFault: the grader itself failed, twice.
    """
    if package["grader"] != fingerprint():
        raise GraderFault("this machine has another version of the course; update it")
    if package["require_sandbox"] and sandbox.available() == sandbox.NOT_SANDBOXED:
        raise SandboxMissing(f"no sandbox on this machine: {sandbox.HOW_TO_INSTALL}")
    wanted = {
        "answers": submission["answers"],
        "seed": seed,
        "student": submission["student"],
        "problems": submission["problems"],
        "submission_sha256": submission["sha256"],
    }
    try:
        result = _host(package).grade(wanted)
    except GraderFault:
        if _STOPPING.is_set():
            raise
        _end_host()  # a second try, in new processes: the machine may have been short of something
        result = _host(package).grade(wanted)
    return replace(result, hashes={**result.hashes, "grader": _grader(package)}).to_json()


def _grade_all(
    submissions: list[Submission],
    before: dict[str, Result],
    package: dict,
    asked: examine.Assignment,
    seed: int,
    executor: Executor,
    out: Path,
    progress: Callable[[Progress], None],
) -> Summary:
    results: dict[str, Result] = {}
    faults: list[str] = []
    resumed = 0
    names = {submission.student: submission.name for submission in submissions}

    def keep(result: Result, write: bool = True) -> None:
        named = replace(result, name=names[result.student])
        if write or named != result:  # a roster may have come since
            save(named, out)
        result = named
        results[result.student] = result
        progress(Progress(len(results), len(submissions), result.student, result.status))

    waiting: dict[Future, Submission] = {}
    _STOPPING.clear()
    for submission in submissions:
        old = before.get(submission.student)
        if old is not None and _still_holds(old, submission, asked, seed, package):
            resumed += 1
            keep(old, write=False)
        elif submission.status != "found":
            keep(_nothing_to_run(asked, submission, seed, package))
        else:
            future = executor.submit(grade_submission, package, asdict(submission), seed)
            waiting[future] = submission
    try:
        for future in as_completed(waiting):
            submission = waiting.pop(future)
            try:
                keep(Result.from_json(future.result()))
            except SandboxMissing:
                raise
            except Exception as error:
                faults.append(f"{submission.student}: {error}")
                message = f"The grader itself failed, you are not to blame: {error}"
                fault = _not_run(asked, "crashed", message, submission, seed)
                keep(replace(fault, hashes={}))  # which never holds: the next run tries again
    except BaseException:  # Ctrl-C above all: nobody waits for what is still running
        for future in waiting:
            future.cancel()
        _STOPPING.set()
        for host in list(Host.running):
            host.stop()
        raise
    kinds = {result.sandbox for result in results.values() if result.answers}
    return Summary(
        results=[results[student] for student in sorted(results)],
        out=out,
        seed=seed,
        sandbox=min(kinds, key=sandbox.KINDS.index) if kinds else sandbox.available(),
        resumed=resumed,
        faults=faults,
    )


def _still_holds(
    old: Result, submission: Submission, asked: examine.Assignment, seed: int, package: dict
) -> bool:
    """Whether grading again would give the same result."""
    wanted = {**examine.hashes(asked, submission.answers, submission.sha256), "grader": _grader(package)}
    return (
        old.hashes == wanted
        and old.seed == seed
        and old.problems == submission.problems
        and (old.status in ("missing", "unreadable")) == (submission.status != "found")
        and not (package["require_sandbox"] and old.answers and old.sandbox == sandbox.NOT_SANDBOXED)
    )


def _nothing_to_run(asked: examine.Assignment, submission: Submission, seed: int, package: dict) -> Result:
    message = " ".join(submission.problems) or "Nothing was handed in."
    result = _not_run(asked, submission.status, message, submission, seed)
    return replace(result, hashes={**result.hashes, "grader": _grader(package)})


def _not_run(
    asked: examine.Assignment, status: Status, message: str, submission: Submission, seed: int
) -> Result:
    return examine.not_run(
        asked,
        status,
        message,
        student=submission.student,
        answers=submission.answers,
        seed=seed,
        problems=submission.problems,
        submission_sha256=submission.sha256,
    )


@functools.cache
def fingerprint() -> str:
    """Hash of the library's sources: where it differs, marks may."""
    package = Path(course_lib.__file__).parent
    texts = [(path.relative_to(package).as_posix(), path.read_bytes()) for path in package.rglob("*.py")]
    return examine.sha256(repr(sorted(texts)))


def _grader(package: dict) -> str:
    """Hash of all but the assignment and the answers that marks depend on."""
    return examine.sha256(package["grader"] + repr(sorted(package["limits"].items())))


def _package(name: str, root: Path, limits: Limits, require_sandbox: bool) -> dict:
    """All that grading needs to know of an assignment, as plain data that can travel."""
    known = sorted(path.parent.name for path in (root / "solutions").glob("*/*.ipynb"))
    if name not in known:
        raise FileNotFoundError(f"no assignment {name!r} in {root / 'solutions'}: {nearest(name, known)}")
    release = root / "assignments" / name / f"{name}.ipynb"
    if not release.is_file():
        raise FileNotFoundError(f"{release} does not exist: run `course release {name}` first")
    return {
        "name": name,
        "solution": (root / "solutions" / name / f"{name}.ipynb").read_text(encoding="utf-8"),
        "release": release.read_text(encoding="utf-8"),
        "limits": asdict(limits),
        "require_sandbox": require_sandbox,
        "grader": fingerprint(),
    }


def _assignment(package: dict) -> examine.Assignment:
    return examine.read_assignment(
        package["name"],
        nbformat.reads(package["solution"], as_version=4),
        nbformat.reads(package["release"], as_version=4),
    )


def _host(package: dict) -> Host:
    """This thread's trusted process for an assignment; a new one where it ended."""
    if getattr(_THREAD, "package", None) == package and _THREAD.host.alive:
        return _THREAD.host
    _end_host()
    _THREAD.package, _THREAD.host = package, Host(package)
    return _THREAD.host


def _end_host() -> None:
    with contextlib.suppress(AttributeError):  # there may be none
        _THREAD.host.close()
        del _THREAD.host, _THREAD.package
