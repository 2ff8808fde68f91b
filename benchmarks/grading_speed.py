"""What grading costs beside the tests themselves, and how long a class takes.

    python benchmarks/grading_speed.py                       # a class of 300, a tenth of it hostile
    python benchmarks/grading_speed.py --submissions 60

Overhead: a submission through the whole of it (two processes, sandbox, imports) minus the same cells run in
one process that has imported everything. In turns, as in the other benchmarks.
"""

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import nbformat
import psutil
from side_by_side import Figures, arguments

from course_lib.grading import examine, sandbox
from course_lib.grading.batch import Progress, grade_batch
from course_lib.grading.host import Host
from course_lib.grading.sandbox import Limits

ROOT = Path(__file__).resolve().parents[1]
GOAL = 3.0
"""Seconds for each submission of a class: 300 in a quarter of an hour."""
NUMPY_CELLS = {
    "setup": ("import numpy as np", {}),
    "q1": (
        "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION",
        {"solution": True},
    ),
    "q1-visible": (
        "from course_lib.grading import misconceptions as _check\nimport numpy as _np\n"
        "with _check.checking('Question 1'):\n"
        "    _x = _check.fresh_rng('q1').normal(size=1000)\n"
        "    _check.expect_close('double(x)', _check.call(double, _x), 2 * _x)",
        {"grade": True, "points": 1},
    ),
}
HOSTILE = {
    "an endless loop": "    while True:\n        pass",
    "a crash": "    import os\n    os._exit(1)",
    "all memory": "    import numpy as np\n    keep = [np.ones(10**7) for _ in range(10**6)]",
    "processes": "    import os\n    while True:\n        os.fork()",
    "output": "    while True:\n        print('x' * 10**6)",
    "disk": "    file = open('/tmp/file', 'wb')\n    while True:\n        file.write(b'x' * 10**7)",
}
"""Bodies of a function."""


def numpy_assignment(folder: Path) -> Path:
    """A small course with one question, which needs numpy only."""
    book = nbformat.v4.new_notebook()
    for name, (source, fields) in NUMPY_CELLS.items():
        meta = {"grade": False, "solution": False, "grade_id": name, "locked": False, "schema_version": 3}
        book.cells.append(
            nbformat.v4.new_code_cell(source, id=name, metadata={"nbgrader": {**meta, **fields}})
        )
    for room in ("solutions", "assignments"):
        (folder / room / "small").mkdir(parents=True)
        nbformat.write(book, folder / room / "small" / "small.ipynb")
    return folder


def texts(name: str, root: Path) -> tuple[examine.Assignment, dict, dict[str, str]]:
    """An assignment, what a `Host` wants to know of it, and its right answers."""
    room = {
        place: (root / place / name / f"{name}.ipynb").read_text(encoding="utf-8")
        for place in ("solutions", "assignments")
    }
    books = [nbformat.reads(text, as_version=4) for text in room.values()]
    assignment = examine.read_assignment(name, *books)
    answers = {c.name: c.source for c in assignment.cells if c.role in ("answer", "written")}
    package = {
        "name": name,
        "solution": room["solutions"],
        "release": room["assignments"],
        "limits": asdict(Limits()),
    }
    return assignment, package, answers


def overhead(name: str, root: Path, rounds: int, goal: float, figures: Figures) -> None:
    """Prints what one submission costs beyond its own cells."""
    assignment, package, answers = texts(name, root)
    cells = [c.source for c in assignment.cells if c.role != "written"]

    def alone() -> None:
        namespace: dict = {"__name__": "__main__"}
        for source in cells:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, "<cell>", "exec"), namespace)

    os.environ[examine.EXECUTION_VARIABLE] = "autograde"
    host = Host(package)
    about = {"seed": 0, "student": "a", "problems": [], "submission_sha256": ""}
    seconds = []
    for turn in range(rounds + 1):
        began = time.perf_counter()
        alone()
        between = time.perf_counter()
        result = host.grade({"answers": answers, **about})
        if result.points != result.out_of:
            raise RuntimeError(f"{name} got {result.points} of {result.out_of} points: {result.status}")
        if turn:
            seconds.append((time.perf_counter() - between, between - began))
    host.close()
    more = [whole - bare for whole, bare in seconds]
    print(
        f"{name:12} whole {statistics.median(w for w, _ in seconds):.2f} s, "
        f"cells alone {statistics.median(b for _, b in seconds):.2f} s, "
        f"overhead {statistics.median(more):.2f} s ({min(more):.2f} .. {max(more):.2f})"
    )
    figures.seconds(f"overhead of a submission of {name}", "its cells alone, in one process", more, goal)


def whole_class(students: int, jobs: int, figures: Figures) -> None:
    """Prints how long a class takes, and what the processes hold, as it goes on."""
    name = "ps2_epopt"
    assignment, _, answers = texts(name, ROOT)
    stubs = {cell.name: cell.source.partition("    ### BEGIN")[0] for cell in assignment.cells}
    release = (ROOT / "assignments" / name / f"{name}.ipynb").read_text(encoding="utf-8")
    kinds = list(HOSTILE)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "submissions"
        folder.mkdir()
        for number in range(students):
            book = nbformat.reads(release, as_version=4)
            changed = dict(answers)
            if number % 10 == 5:
                changed["q2"] = stubs["q2"] + HOSTILE[kinds[number // 10 % len(kinds)]]
            for cell in book.cells:
                grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
                cell.source = changed.get(grade_id, cell.source)
            nbformat.write(book, folder / f"student{number:03d}.ipynb")
        began = time.perf_counter()
        marks: list[tuple[int, float, float]] = []

        def watch(step: Progress) -> None:
            if step.done % max(1, students // 6) == 0:
                tree = [psutil.Process(), *psutil.Process().children(recursive=True)]
                held = 0
                for process in tree:
                    with contextlib.suppress(psutil.Error):
                        held += process.memory_full_info().pss  # shared pages are counted once
                marks.append((step.done, time.perf_counter() - began, held / 2**20))
                print(f"{step.done:5d} done, {marks[-1][1]:6.1f} s, {marks[-1][2]:5.0f} MiB in all processes")

        with ThreadPoolExecutor(jobs) as executor:
            summary = grade_batch(
                folder, name, ROOT, executor=executor, out=Path(temporary) / "results", progress=watch
            )
        seconds = time.perf_counter() - began
    harmed = [
        result.student
        for number, result in enumerate(summary.results)
        if number % 10 != 5 and (result.status != "graded" or result.points < result.out_of)
    ]
    print(
        f"{students} submissions, a tenth hostile, {jobs} at a time: {seconds:.0f} s, "
        f"{seconds / students:.2f} s each; {summary.sandbox}; {len(harmed)} honest ones harmed, "
        f"{len(summary.faults)} faults"
    )
    what = f"a class of {students}, a tenth hostile, {jobs} at a time"
    figures.seconds(what, "", [seconds], GOAL * students)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--submissions", type=int, default=300, help="size of the class; 0: only the overhead"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="submissions graded at a time")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the overhead")
    options = arguments(parser, {"submissions": 0, "rounds": 2})
    figures = Figures("Grading, in seconds")
    print(f"sandbox: {sandbox.available()}; load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        overhead("small", numpy_assignment(Path(folder)), options.rounds, 0.5, figures)
    overhead("ps2_epopt", ROOT, options.rounds, 2.0, figures)
    if options.submissions:
        whole_class(options.submissions, options.jobs, figures)
    figures.write(options.json)


if __name__ == "__main__":
    main()
