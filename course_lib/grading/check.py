"""Self-check: the visible tests of an assignment, in a fresh process, as a table.

A fresh process knows nothing that was run and deleted in the open notebook: what passes here also runs from
top to bottom. Hidden tests stay with the grader, so a full table is not yet full marks.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import traceback
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat

TIMEOUT = 300.0
"""Seconds after which a check is given up."""


@dataclass(frozen=True)
class Outcome:
    """What one test cell said."""

    name: str
    """The test cell's name (nbgrader's `grade_id`), or that of a cell that stopped."""
    points: float | None
    """Points got; None where a person marks the answer."""
    out_of: float
    """Points to be had; 0 for a cell that is no test."""
    message: str
    """Empty where all is well."""


def run_cells(notebook: nbformat.NotebookNode) -> list[Outcome]:
    """Runs a notebook's code cells in order, in this process, and reports on its test cells.

    Args:
        notebook: an assignment, or its solution with the hidden tests.

    Returns:
        One outcome per test cell and per manually marked cell, in order, and one per other cell that stopped.
    """
    from IPython.core.inputtransformer2 import TransformerManager

    namespace: dict = {"__name__": "__main__"}
    namespace["get_ipython"] = lambda: _NoMagic(namespace)
    outcomes = []
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        graded = meta.get("grade", False)
        if graded and meta.get("solution", False):
            outcomes.append(Outcome(meta["grade_id"], None, meta["points"], "marked by a person"))
            continue
        if cell.cell_type != "code":
            continue
        error = ""
        try:
            code = compile(
                TransformerManager().transform_cell(cell.source), f"<{meta.get('grade_id', cell.id)}>", "exec"
            )
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(code, namespace)
        except AssertionError as failed:
            error = str(failed) or "an assertion failed"
        except (Exception, SystemExit) as failed:
            error = "".join(traceback.format_exception_only(failed)).strip()
        if graded:
            outcomes.append(
                Outcome(meta["grade_id"], 0.0 if error else meta["points"], meta["points"], error)
            )
        elif error:
            outcomes.append(Outcome(meta.get("grade_id", cell.id), 0.0, 0.0, error))
    return outcomes


class _NoMagic:
    """Stands for IPython where there is none: `%%time` runs its cell, magic without a cell does nothing."""

    def __init__(self, namespace: dict) -> None:
        self._namespace = namespace

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        exec(cell, self._namespace)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **options: None


def check(path: str | Path = ".") -> bool:
    """Runs the visible tests of a notebook in a fresh process and prints a table.

    Args:
        path: the notebook, saved, or the folder that holds it.

    Returns:
        Whether every visible test passed.

    Raises:
        FileNotFoundError: there is no such notebook.
    """
    path = Path(path).expanduser().resolve()
    if path.is_dir():
        found = sorted(path.glob("*.ipynb"))
        if len(found) != 1:
            raise FileNotFoundError(f"{path} holds {len(found)} notebooks; name the one to check")
        path = found[0]
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; save the notebook first, or check its name")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        try:
            done = subprocess.run(
                [sys.executable, "-m", "course_lib.grading.check", str(path), str(report)],
                cwd=path.parent,
                env={**os.environ, "NBGRADER_EXECUTION": "check", "MPLBACKEND": "agg"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            print(f"{path.name}: stopped after {TIMEOUT:.0f} s. A loop that never ends, or a busy machine?")
            return False
        if not report.exists():
            print(f"{path.name}: the check stopped.\n{done.stderr[-2000:]}")
            return False
        outcomes = [Outcome(**row) for row in json.loads(report.read_text(encoding="utf-8"))]
    print("\n".join(table(outcomes)))
    return all(row.points is None or (row.points == row.out_of and not row.message) for row in outcomes)


def table(outcomes: Iterable[Outcome]) -> list[str]:
    """The outcomes as lines of text: question, points, message."""
    outcomes = list(outcomes)
    width = max((len(row.name) for row in outcomes), default=0)
    lines = []
    for row in outcomes:
        if row.points is None:
            points = f"  - /{row.out_of:3g}"
        else:
            points = f"{row.points:3g} /{row.out_of:3g}" if row.out_of else " stopped"
        message = [piece for line in row.message.splitlines() for piece in textwrap.wrap(line, 90) or [""]]
        lines.append(f"{row.name:<{width}}  {points:<8}  {message[0] if message else 'passed'}")
        lines += [" " * (width + 12) + piece for piece in message[1:]]
    got = sum(row.points for row in outcomes if row.points is not None)
    total = sum(row.out_of for row in outcomes if row.points is not None)
    return [
        *lines,
        f"{got:g} of {total:g} points on what you can see. Hidden cases are run after you hand in.",
    ]


if __name__ == "__main__":
    rows = run_cells(nbformat.read(sys.argv[1], as_version=4))
    Path(sys.argv[2]).write_text(json.dumps([asdict(row) for row in rows]), encoding="utf-8")
