"""Self-check: the visible tests of an assignment, run as the grader will run them, as a table.

Two fresh processes know nothing that was run and deleted in the open notebook, and run only what a grader
runs. Hidden tests stay with the grader, so a full table is not yet full marks.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from course_lib.grading import sandbox
from course_lib.grading.results import Mark, Result
from course_lib.grading.sandbox import Limits

STUB = "YOUR ANSWER HERE"
"""What stands in a written answer before there is one."""
LIMITS = Limits(cell_seconds=20.0, submission_seconds=240.0, memory=8 << 30)
"""Generous: a student's machine may be slow, and nobody else waits."""
TIMEOUT = 300.0
"""Seconds after which a check is given up."""


def check(path: str | Path | None = None, console: Console | None = None) -> bool:
    """Runs the visible tests of a notebook and prints a table.

    Args:
        path: the notebook, saved, or the folder that holds it. By default the notebook that calls this, or
            the only one in the current folder. Where a grader runs the notebook, nothing is checked.
        console: where to print; standard output by default.

    Returns:
        Whether every visible test passed.

    Raises:
        FileNotFoundError: there is no such notebook.
        ValueError: it is no assignment.
    """
    if console is None:
        # A Windows console may lack the signs; the words beside them say the same.
        with contextlib.suppress(AttributeError):
            sys.stdout.reconfigure(errors="replace")
        console = Console()
    if path is None:
        if "NBGRADER_EXECUTION" in os.environ:
            return True
        session = Path(os.environ.get("JPY_SESSION_NAME", ""))  # Jupyter's own word for the open notebook
        path = session if session.suffix == ".ipynb" and session.is_file() else "."
    path = Path(path).expanduser().resolve()
    if path.is_dir():
        found = sorted(path.glob("*.ipynb"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found)
            raise FileNotFoundError(
                f"{path} holds {len(found)} notebooks; name the one to check{': ' if names else ''}{names}"
            )
        path = found[0]
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; save the notebook first, or check its name")
    saved = datetime.fromtimestamp(path.stat().st_mtime).strftime("%H:%M:%S")
    console.print(f"Running the tests of {path.name}, as it was saved at {saved} ...", highlight=False)
    for name in _newer_in_the_kernel(path):
        console.print(
            f"[bold red]The file holds another text of cell {name} than you ran last[/]: "
            "press Ctrl+S, then run this cell again."
        )
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", "course_lib.grading.check", str(path), str(report)],
                cwd=path.parent,
                env={**os.environ, "MPLBACKEND": "agg"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            console.print(f"{path.name}: stopped after {TIMEOUT:.0f} s; is this machine very busy?")
            return False
        if not report.exists():
            raise ValueError(f"{path.name} cannot be checked: {_last_line(done.stderr)}")
        result = Result.from_json(report.read_text(encoding="utf-8"))
    console.print(Group(*as_table(result)), highlight=False)
    return all(mark.points is None or mark.points == mark.out_of for mark in result.marks)


def as_table(result: Result) -> tuple[Table, str]:
    """A result as a table of question, points and what to mend, and the sum in words."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("test", no_wrap=True)
    table.add_column("points", no_wrap=True, justify="right")
    table.add_column("message and hint", overflow="fold")
    said = set()
    for mark in result.marks:
        name = mark.name.replace("-hidden", "-further")
        if mark.points is None:
            empty = STUB in result.answers[mark.name].source
            words = "not answered yet; a person marks this one" if empty else "a person marks this one"
            table.add_row(name, f"- / {mark.out_of:g}", words, style="dim")
            continue
        points = f"{mark.points:g} / {mark.out_of:g}"
        if mark.points == mark.out_of:
            table.add_row(name, points, Text("✓ passed", style="green"))
            continue
        first, _, rest = mark.message.partition("\n")
        message = Text(f"✗ {first}", style="bold")
        # The same words twice in a question teach nothing.
        if (mark.question, first.partition(": ")[2]) not in said:
            message.append(f"\n{rest}" if rest else "", style="not bold")
        said.add((mark.question, first.partition(": ")[2]))
        table.add_row(name, points, message)
    written = sum(mark.out_of for mark in result.marks if mark.points is None)
    return table, (
        f"[bold]{result.points:g} of {result.out_of:g} points on the tests that you can see[/]"
        + (f"; up to {written:g} more are given by a person." if written else ".")
        + "\nHidden cases join the further ones after you hand in: all points here are no promise yet."
    )


def _newer_in_the_kernel(path: Path) -> list[str]:
    """Answer cells of which the notebook that calls this ran another text than the file holds."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None:
        return []
    from course_lib.grading.examine import bound_names

    newer = []
    for cell in json.loads(path.read_text(encoding="utf-8")).get("cells", []):
        meta = cell.get("metadata", {}).get("nbgrader", {})
        if meta.get("solution") and cell.get("cell_type") == "code":
            text = "".join(cell["source"])
            ran = [
                run for run in shell.user_ns.get("In", []) if set(bound_names(run)) & set(bound_names(text))
            ]
            if ran and ran[-1].strip() != text.strip():
                newer.append(meta["grade_id"])
    return newer


def examine_file(path: Path) -> Result:
    """The result of a notebook's own tests; in this process and one that it starts.

    Raises:
        ValueError: the notebook cannot be read, or holds no test.
    """
    # Seconds of imports, which the process that only prints the table does without.
    import nbformat

    from course_lib.grading import examine, masking, release
    from course_lib.grading.student import PipeWire

    try:
        notebook = nbformat.read(path, as_version=4)
    except Exception as error:
        raise ValueError(f"it is no notebook ({error})") from None
    assignment = examine.read_assignment(path.stem, notebook)
    with tempfile.TemporaryDirectory() as library:
        masking.copy_masked(assignment.graded_names, Path(library))

        def open_wire() -> PipeWire:
            return PipeWire(sandbox.start_worker(Path(library), sandbox.NOT_SANDBOXED, LIMITS))

        result = examine.examine(assignment, {}, open_wire, seed=0, limits=LIMITS)
    own = [cell for cell in notebook.cells if "grade_id" not in cell.metadata.get("nbgrader", {})]
    names = {name for cell in own if cell.cell_type == "code" for name in examine.bound_names(cell.source)}
    marks = {mark.name: _with_hint(mark, names) for mark in result.marks}
    for name, (points, sha256) in notebook.metadata.get(release.TESTS, {}).items():
        here = [
            cell.source
            for cell in notebook.cells
            if cell.metadata.get("nbgrader", {}).get("grade_id") == name
        ]
        if not here or examine.sha256(here[0]) != sha256:
            what = "changed" if here else "missing"
            message = f"This test is {what} in your notebook: take a fresh copy of it. Graders use their own."
            marks[name] = Mark(name=name, points=0.0, out_of=points, message=message)
    return replace(result, marks=tuple(marks.values()))


def _with_hint(mark: Mark, own_names: Iterable[str]) -> Mark:
    """Tells that a missing name is defined in a cell that no grader runs."""
    for name in own_names:
        if f"name '{name}' is not defined" in mark.message:
            hint = f"`{name}` is defined in a cell of your own. Only answer cells are graded: put it there."
            return replace(mark, message=f"{mark.message}\n{hint}")
    return mark


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].removeprefix("ValueError: ") if lines else "the process ended without a word"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(examine_file(Path(sys.argv[1])).to_json(), encoding="utf-8")
