"""Every notebook is stored clean and runs top to bottom, each cell within its time.

A cell may take 20 s and a notebook 120 s. One that needs more says so in its metadata, `{"budget_s": 60}`.
A cell that is meant to raise carries Jupyter's tag `raises-exception`. Where the tests in a browser follow
(.ci/run sets COURSE_BROWSER_FOLLOWS), the lectures that those run from the top are left to them.
"""

import json
import os
import re
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

ROOT = Path(__file__).parents[2]
CELL_BUDGET_S = 20.0
NOTEBOOK_BUDGET_S = 120.0

LECTURES = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOLUTIONS = sorted((ROOT / "solutions").glob("*/*.ipynb"))
BROWSER_TESTS = ROOT / "tests" / "browser" / "test_notebooks.py"
RELEASES = sorted((ROOT / "assignments").glob("*/*.ipynb"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def where(path: Path, index: int, cell: dict) -> str:
    """A place that a person finds: file, cell number, id and the first line of the cell."""
    first = cell["source"].strip().splitlines()[0][:70] if cell["source"].strip() else "(empty)"
    return f"{name(path)}, cell {index} (id {cell.get('id', 'missing')}): {first}"


def stored_faults(path: Path) -> list[str]:
    """What is wrong with a notebook as a file, one line a fault."""
    notebook = json.loads(path.read_text("utf-8"))
    faults = []
    if (notebook.get("nbformat"), notebook.get("nbformat_minor")) != (4, 5):
        faults.append(
            f"{name(path)}: nbformat {notebook.get('nbformat')}.{notebook.get('nbformat_minor')}, not 4.5"
        )
    for key in ("jupytext", "widgets"):
        if key in notebook["metadata"]:
            faults.append(f"{name(path)}: metadata.{key} is stored; remove it")
    seen = set()
    for index, cell in enumerate(notebook["cells"]):
        cell = {**cell, "source": "".join(cell["source"])}
        if cell.get("outputs"):
            faults.append(f"{where(path, index, cell)}: has stored outputs; clear them and save")
        if cell.get("execution_count") is not None:
            faults.append(f"{where(path, index, cell)}: has an execution count; clear the outputs and save")
        if not cell.get("id"):
            faults.append(f"{where(path, index, cell)}: has no id")
        elif cell["id"] in seen:
            faults.append(f"{where(path, index, cell)}: another cell has the same id")
        seen.add(cell.get("id"))
    if not faults:
        nbformat.validate(nbformat.from_dict(notebook))
    return faults


def run(path: Path) -> float:
    """Run a notebook from a fresh kernel in its own folder; return the seconds its cells took.

    Raises:
        AssertionError: a cell raised or was too slow; the message names notebook and cell.
    """
    notebook = nbformat.read(path, as_version=4)
    allowed = float(notebook.metadata.get("budget_s", NOTEBOOK_BUDGET_S))
    client = NotebookClient(
        notebook,
        timeout_func=lambda cell: float(cell.metadata.get("budget_s", CELL_BUDGET_S)),
        resources={"metadata": {"path": str(path.parent)}},
        kernel_name="python3",
    )
    total = 0.0
    with client.setup_kernel(env={**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}):
        for index, cell in enumerate(notebook.cells):
            began = time.monotonic()
            try:
                client.execute_cell(cell, index)
            except CellTimeoutError:
                budget = cell.metadata.get("budget_s", CELL_BUDGET_S)
                raise AssertionError(f"{where(path, index, cell)}: over its budget of {budget} s") from None
            except (CellExecutionError, DeadKernelError) as problem:
                lines = str(problem).strip().splitlines()
                raise AssertionError(
                    f"{where(path, index, cell)}: {lines[-1]}\n" + "\n".join(lines)
                ) from None
            total += time.monotonic() - began
    if total > allowed:
        raise AssertionError(f"{name(path)}: took {total:.0f} s, over its budget of {allowed:.0f} s")
    return total


@pytest.mark.parametrize("path", [*LECTURES, *SOLUTIONS, *RELEASES], ids=name)
def test_is_stored_clean(path: Path):
    faults = stored_faults(path)
    assert not faults, "\n".join(faults)


def to_run() -> list[Path]:
    """The lectures and solutions that are run here."""
    if os.environ.get("COURSE_BROWSER_FOLLOWS") != "1":
        return LECTURES + SOLUTIONS
    later = re.findall(r'= run_from_the_top\(open_notebook, "([^"]+)"', BROWSER_TESTS.read_text("utf-8"))
    return [path for path in LECTURES if path.name not in later] + SOLUTIONS


@pytest.mark.parametrize("path", to_run(), ids=name)
def test_runs_top_to_bottom_in_time(path: Path):
    print(f"{name(path)}: {run(path):.1f} s")


def test_only_what_a_browser_runs_from_the_top_is_left_to_it(monkeypatch):
    monkeypatch.delenv("COURSE_BROWSER_FOLLOWS", raising=False)
    assert to_run() == LECTURES + SOLUTIONS
    monkeypatch.setenv("COURSE_BROWSER_FOLLOWS", "1")
    left = {path.name for path in LECTURES + SOLUTIONS} - {path.name for path in to_run()}
    assert left >= {"00_start_here.ipynb", "03_darc.ipynb", "04_epopt.ipynb"}
    for each in left:
        test = BROWSER_TESTS.read_text("utf-8").partition(f'run_from_the_top(open_notebook, "{each}"')[0]
        above = test.splitlines()[-6:]
        assert any(line.startswith("def test_") for line in above), f"{each} is run by no test"


def test_the_first_notebook_is_there():
    assert ROOT / "notebooks" / "00_start_here.ipynb" in LECTURES


# --- the tests above can fail -----------------------------------------------------------------------------


@pytest.fixture
def notebook(tmp_path: Path):
    """Writes a notebook with the given cells and returns its path."""

    def write(*sources: str, cells: dict | None = None, metadata: dict | None = None) -> Path:
        made = nbformat.v4.new_notebook(metadata=metadata or {})
        made.cells = [nbformat.v4.new_code_cell(source, **(cells or {})) for source in sources]
        made.nbformat_minor = 5
        path = tmp_path / "example.ipynb"
        path.write_text(json.dumps(made), "utf-8")
        return path

    return write


def test_an_error_names_notebook_and_cell(notebook):
    path = notebook("x = 1", "# the trap\nx / 0")
    with pytest.raises(AssertionError, match=r"example\.ipynb, cell 1 .*# the trap: .*ZeroDivisionError"):
        run(path)


def test_a_slow_cell_is_named(notebook):
    path = notebook("import time; time.sleep(30)", cells={"metadata": {"budget_s": 1}})
    with pytest.raises(AssertionError, match=r"example\.ipynb, cell 0 .*over its budget of 1 s"):
        run(path)


def test_a_slow_notebook_is_named(notebook):
    path = notebook("import time; time.sleep(0.3)", metadata={"budget_s": 0.2})
    with pytest.raises(AssertionError, match=r"example\.ipynb: took"):
        run(path)


def test_a_notebook_in_time_passes(notebook):
    assert 0 < run(notebook("x = 1", "assert x == 1")) < 20


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            lambda nb: nb["cells"][0].update(
                outputs=[{"output_type": "stream", "name": "stdout", "text": "1"}]
            ),
            "outputs",
        ),
        (lambda nb: nb["cells"][0].update(execution_count=3), "execution count"),
        (lambda nb: nb["cells"][0].pop("id"), "no id"),
        (lambda nb: nb["cells"][0].update(id=nb["cells"][1]["id"]), "same id"),
        (lambda nb: nb.update(nbformat_minor=4), "nbformat 4.4"),
        (lambda nb: nb["metadata"].update(jupytext={"formats": "ipynb,py"}), "metadata.jupytext"),
        (lambda nb: nb["metadata"].update(widgets={}), "metadata.widgets"),
    ],
)
def test_a_stored_fault_is_named(notebook, change, fault: str):
    path = notebook("x = 1", "x")
    assert stored_faults(path) == []
    stored = json.loads(path.read_text("utf-8"))
    change(stored)
    path.write_text(json.dumps(stored), "utf-8")
    faults = stored_faults(path)
    assert len(faults) == 1, faults
    assert "example.ipynb" in faults[0]
    assert fault in faults[0]
