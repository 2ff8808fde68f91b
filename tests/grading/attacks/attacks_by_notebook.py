"""Tampered notebooks: metadata, tags, outputs, tests, cells; and files that are none."""

import io
import json
import os
import socket
import zipfile
from pathlib import Path

import nbformat
from attack_bank import Attack

WRONG = "def centred(values):\n    return values"


def _cell(notebook, name):
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def _wrong(notebook):
    _cell(notebook, "q1").source = WRONG


def _points(notebook):
    _wrong(notebook)
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader |= {"points": 1000, "max_points": -5}


def _tests_passed(notebook):
    _wrong(notebook)
    for name in ("q1-visible", "q1-hidden"):
        _cell(notebook, name).source = "print('Question 1: passed')"


def _no_tests(notebook):
    _wrong(notebook)
    notebook.cells = [cell for cell in notebook.cells if "visible" not in str(cell.metadata)]


def _tests_are_answers(notebook):
    _wrong(notebook)
    for name in ("q1-visible", "q1-hidden"):
        _cell(notebook, name).metadata.nbgrader |= {"solution": True, "grade": False, "locked": False}
        _cell(notebook, name).source = "_check = None"


def _answer_is_test(notebook):
    cell = _cell(notebook, "q1")
    cell.source = "_check = None\nassert True"
    cell.metadata.nbgrader |= {
        "grade": True,
        "locked": True,
        "points": 9,
        "task": True,
        "cell_type": "markdown",
    }


def _skip(notebook):
    _wrong(notebook)
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception", "remove-cell", "nbgrader-skip"]
        cell.metadata |= {"editable": True, "deletable": False, "jupyter": {"source_hidden": True}}


def _outputs(notebook):
    _wrong(notebook)
    data = {"application/vnd.nbgrader+json": {"score": 3}, "text/plain": "100.0"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell["execution_count"] = 7
            cell["outputs"] = [
                {"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 7}
            ]


def _kernel(notebook):
    _wrong(notebook)
    notebook.metadata = {
        "kernelspec": {"name": "../../evil", "display_name": "x", "language": "bash"},
        "language_info": {"name": "bash", "version": "../.."},
        "jupytext": {"formats": "ipynb,py:percent"},
    }


def _schema(notebook):
    _wrong(notebook)
    for version, cell in zip(
        (0, 1, 99, "3", None, [], {}, -1, 2.5, True, 1e9, "x"), notebook.cells, strict=False
    ):
        cell.metadata.setdefault("nbgrader", {})["schema_version"] = version
        cell.metadata.nbgrader["checksum"] = "0" * 32


def _setup(notebook):
    _wrong(notebook)
    source = "import numpy as np\nnp.allclose = lambda *a, **k: True\nNAME = 'patched'"
    _cell(notebook, "setup").source = source
    notebook.cells.insert(0, nbformat.v4.new_code_cell(source))
    notebook.cells.append(nbformat.v4.new_code_cell("def centred(v): return 1 / 0", id="own"))


def _copies(notebook):
    cell = _cell(notebook, "q1")
    cell.source = WRONG
    for k in range(20):
        copy = json.loads(json.dumps(cell))
        copy["id"] = f"copy{k}"
        copy["source"] = WRONG + f"\n# {k}"
        notebook.cells.append(nbformat.from_dict(copy))


def _ids(notebook):
    _wrong(notebook)
    for cell in notebook.cells:
        cell["id"] = "q1-hidden"
    stolen = nbformat.v4.new_code_cell("_check = None", id="q1-visible")
    stolen.metadata["nbgrader"] = {"grade_id": "q1-hidden", "grade": True, "points": 5}
    notebook.cells.insert(1, stolen)


def _names(notebook):
    _wrong(notebook)
    for name in (
        "../../../etc/passwd",
        "__proto__",
        "<script>alert(1)</script>",
        "q1-visible\0",
        "q" * 10**5,
    ):
        cell = nbformat.v4.new_code_cell("raise SystemExit")
        cell.metadata["nbgrader"] = {
            "grade_id": name,
            "solution": True,
            "grade": True,
            "points": float("nan"),
        }
        notebook.cells.append(cell)


def _script(notebook):
    _wrong(notebook)
    _cell(notebook, "q1").source = WRONG + "\nprint('<script>alert(1)</script>\\x1b[2J\\x00\\r')\n"
    _cell(
        notebook, "q5"
    ).source = "<script>alert(1)</script><img src=x onerror=alert(1)>[a](javascript:alert(1))"


def _order(notebook):
    _wrong(notebook)
    notebook.cells = notebook.cells[::-1]


CHANGES = {
    "points": ("changes the points", _points),
    "tests-passed": ("rewrites the tests", _tests_passed),
    "no-tests": ("deletes the tests", _no_tests),
    "tests-are-answers": ("calls the tests answers", _tests_are_answers),
    "answer-is-test": ("calls its answer a test", _answer_is_test),
    "skip": ("tags the tests to be skipped", _skip),
    "outputs": ("fills in the outputs", _outputs),
    "kernel": ("asks for another kernel", _kernel),
    "schema": ("asks for other versions of nbgrader's schema", _schema),
    "setup": ("patches numpy in the given cells and in cells of its own", _setup),
    "copies": ("hands in twenty copies of a cell", _copies),
    "ids": ("gives its cells the ids of the tests", _ids),
    "names": ("gives cells names that are paths and markup", _names),
    "script": ("writes markup that would run in a page", _script),
    "order": ("turns the cells round", _order),
}

ATTACKS = [
    Attack(name=f"notebook-{name}", tries=what, change=change, loses=("q1",))
    for name, (what, change) in CHANGES.items()
]


def file_attacks(folder: Path, good: bytes, secret: Path) -> dict[str, str]:
    """Hands in files that are no notebooks, or reach for others.

    Args:
        folder: where submissions lie.
        good: bytes of a notebook with full marks.
        secret: a file of the instructor's, a notebook with full marks, outside.

    Returns:
        What each may become, by the student's name: "nothing" (no point), or "full".
    """
    expected = {}

    def student(name: str, fate: str = "nothing") -> Path:
        expected[name] = fate
        (folder / name).mkdir()
        return folder / name

    (student("file-empty") / "n.ipynb").write_bytes(b"")
    (student("file-noise") / "n.ipynb").write_bytes(bytes(range(256)) * 100)
    (student("file-list") / "n.ipynb").write_text("[]")
    (student("file-deep") / "n.ipynb").write_text("[" * 200_000)
    (student("file-number") / "n.ipynb").write_text("1" * 200_000)
    (student("file-cells") / "n.ipynb").write_text('{"cells": [1, null, [], {"source": 1, "metadata": "x"}]}')
    (student("file-large") / "n.ipynb").write_bytes(good + b" " * (20 << 20))
    sparse = student("file-sparse") / "n.ipynb"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    os.symlink(secret, student("file-link") / "n.ipynb")
    os.symlink(secret.parent, student("file-folder-link") / "course")
    os.symlink("/dev/zero", student("file-device-link") / "n.ipynb")
    os.symlink("n.ipynb", student("file-loop-link") / "n.ipynb")
    os.mkfifo(student("file-pipe") / "n.ipynb")
    with socket.socket(socket.AF_UNIX) as unix:
        here = os.getcwd()
        try:  # paths of sockets must be short
            os.chdir(student("file-socket"))
            unix.bind("n.ipynb")
        finally:
            os.chdir(here)
    (student("file-folder") / "n.ipynb").mkdir()
    many = student("file-many")
    for k in range(300):
        (many / f"{k}.ipynb").write_text("{}")

    def packed(name: str, fate: str = "nothing", **members: bytes) -> None:
        with zipfile.ZipFile(student(name, fate) / "n.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members.items():
                archive.writestr(member, data)

    packed("zip-climbs", "full", **{"../../../../../tmp/climbed.ipynb": good})
    packed("zip-absolute", "full", **{"/tmp/absolute.ipynb": good})
    packed("zip-bomb", **{"n.ipynb": b"[" + b" " * (200 << 20)})
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0", bytes(16 << 20))
    nested = inner.getvalue()
    for _ in range(4):
        outer = io.BytesIO()
        with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
            for k in range(16):
                archive.writestr(f"{k}.zip", nested)
        nested = outer.getvalue()
    packed("zip-of-zips", **{"n.zip": nested})
    packed("zip-many", **{f"{k}.txt": b"" for k in range(3000)})
    link = zipfile.ZipInfo("n.ipynb")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(student("zip-link") / "n.zip", "w") as archive:
        archive.writestr(link, str(secret))
    broken = bytearray(good)
    (student("zip-broken") / "n.zip").write_bytes(b"PK\x03\x04" + bytes(broken[:1000]))
    locked = io.BytesIO()
    with zipfile.ZipFile(locked, "w") as archive:
        archive.writestr("n.ipynb", good)
    data = bytearray(locked.getvalue())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    (student("zip-locked") / "n.zip").write_bytes(bytes(data))
    return expected
