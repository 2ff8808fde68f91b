"""`course site`, on a course of two documents and one notebook."""

import base64
import json
import socket
from pathlib import Path

import nbformat
import pytest

from course_lib.cli import site
from course_lib.cli.site_check import faults

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
SLIDER = f"""
import ipywidgets
class Slider(ipywidgets.IntSlider):
    def _repr_mimebundle_(self, **options):
        data = super()._repr_mimebundle_(**options)
        return {{**data, "text/plain": "A slider at 0.", "image/png": "{PNG}"}}
Slider()
"""
PLOT = "import matplotlib.pyplot as plt; plt.plot([1, 3], label='PEARL $z$'); plt.legend(); plt.show()"
TEXT = r"""# One

$\arg\max_a Q$ and

$$\begin{aligned}a&=b\\&=c\end{aligned}$$

[numbers](../docs/results.md#numbers), [a file](../pyproject.toml) ![A dot](../docs/images/dot.png)
"""
FRONT = "# A course\n\n[one](notebooks/00_one.ipynb), [numbers](docs/results.md#numbers)\n"


@pytest.fixture
def course(tmp_path: Path, monkeypatch):
    """Writes a course, and returns its folder; `cells` follow the text of the notebook."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COURSE_DEBUG", raising=False)

    def write(*cells: str, text: str = TEXT, front: str = FRONT) -> Path:
        for folder in ("course_lib", "docs/images", "notebooks"):
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "course_lib" / "__init__.py").touch()
        (tmp_path / "pyproject.toml").touch()
        (tmp_path / "README.md").write_text(front, "utf-8")
        (tmp_path / "docs" / "results.md").write_text("# Results\n\n## Numbers\n\n1\n", "utf-8")
        (tmp_path / "docs" / "images" / "dot.png").write_bytes(base64.b64decode(PNG))
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
        notebook.cells = [nbformat.v4.new_markdown_cell(text), *map(nbformat.v4.new_code_cell, cells)]
        nbformat.write(notebook, tmp_path / "notebooks" / "00_one.ipynb")
        return tmp_path

    return write


def test_a_site_is_made_once_and_stands_without_a_network(course, invoke, monkeypatch):
    folder = course(PLOT, SLIDER)
    result = invoke("site")
    assert result.exit_code == 0, result.output
    pages = folder / "build" / "site"
    page = (pages / "notebooks" / "00_one.html").read_text("utf-8")
    assert page.count("<math") == 2 and "<mo>arg</mo>" in page and "<mtr>" in page
    assert 'alt="PEARL z from 1 to 3."' in page and 'alt="A dot"' in page
    assert 'alt="A slider at 0."' in page and "Open this notebook in JupyterLab" in page
    assert "<script" in page and 'src="http' not in page and "widget-view" not in page
    assert 'href="notebooks/00_one.html"' in (pages / "index.html").read_text("utf-8")
    assert faults(pages) == []

    def refuse(*_, **__):
        raise AssertionError("run again, or a connection opened")

    monkeypatch.setattr(site, "_run", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    (folder / "README.md").write_text(FRONT + "\nMore.\n", "utf-8")
    result = invoke("site")
    assert result.exit_code == 0, result.output
    assert "More." in (pages / "index.html").read_text("utf-8")

    # What is wrong with the text is found without running anything, and leaves the pages as they were.
    wrong = {
        "[no file](docs/nothing.md)": "docs/nothing.md",
        "[no place](docs/results.md#nowhere)": "nowhere",
        "![A dot](docs/images/none.png)": "none.png",
        "![](docs/images/dot.png)": "README.html: a picture without words",
        "![A dot](https://example.org/dot.png)": "README.html: fetches https://example.org/dot.png",
        '<a href="docs/none.html">x</a>': "README.html: leads to nothing, docs/none.html",
        "$\\begin{nonsense} a$": "cannot be drawn",
    }
    (folder / "README.md").write_text("\n\n".join([FRONT, *wrong]), "utf-8")
    result = invoke("site")
    assert result.exit_code == 1
    for text, said in wrong.items():
        assert said in result.output, (text, result.output)
    assert "More." in (pages / "index.html").read_text("utf-8")


def test_a_cell_that_raises_is_named(course, invoke):
    folder = course("x = 1", "x / 0")
    cells = json.loads((folder / "notebooks" / "00_one.ipynb").read_text("utf-8"))["cells"]
    result = invoke("site")
    assert result.exit_code == 1
    assert f"00_one.ipynb, cell 2 (id {cells[2]['id']}): ZeroDivisionError" in result.output
    assert not (folder / "build" / "site").exists()


def test_a_foreign_folder_is_left_alone(course, invoke):
    folder = course()
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").touch()
    result = invoke("site", "--out", "mine")
    assert result.exit_code == 1 and "holds something else" in result.output
    assert (folder / "mine" / "thesis.txt").exists()


def test_another_library_makes_the_lectures_run_anew(course):
    folder = course()
    before = site.fingerprint(folder)
    assert before == site.fingerprint(folder)
    (folder / "course_lib" / "cli").mkdir()
    (folder / "course_lib" / "cli" / "site.py").write_text("what only commands do", "utf-8")
    assert site.fingerprint(folder) == before
    (folder / "course_lib" / "__init__.py").write_text("changed = True", "utf-8")
    assert site.fingerprint(folder) != before


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="gone.html">x</a>', "leads to nothing, gone.html"),
        ('<a href="#gone">x</a>', "leads to a place that page.html has not"),
        ('<img src="gone.png" alt="A dot">', "leads to nothing, gone.png"),
        ('<img src="page.css">', "a picture without words"),
        ('<img src="page.css" alt="_images/a1b2.png">', "a picture without words"),
        ('<script src="https://cdn.example/x.js"></script>', "fetches https://cdn.example/x.js"),
        ('<script src="//cdn.example/x.js"></script>', "fetches //cdn.example/x.js"),
        ('<link rel="stylesheet" href="https://fonts.example/x">', "fetches https://fonts.example/x"),
        ('<a href="/etc">x</a>', "leads out of the site"),
        ('<a href="file:///tmp/x">x</a>', "leads out of the site"),
    ],
)
def test_a_fault_of_a_page_is_named(tmp_path: Path, body: str, fault: str):
    (tmp_path / "page.css").write_text("body { color: black }", "utf-8")
    (tmp_path / "page.html").write_text(body, "utf-8")
    (found,) = faults(tmp_path)
    assert found.startswith("page.html: ") and fault in found


def test_a_sheet_that_fetches_is_named(tmp_path: Path):
    (tmp_path / "page.css").write_text('@import url("https://fonts.example/x.css");', "utf-8")
    assert faults(tmp_path) == ['page.css: fetches url("https://fonts.example/x.css']


def test_a_sound_page_has_no_fault(tmp_path: Path):
    (tmp_path / "a b.html").write_text('<p id="up"></p><a href="#up">x</a><a href="https://x.example">y</a>')
    (tmp_path / "page.html").write_text('<a href="a%20b.html#up">x</a><img src="data:,x" alt="A dot">')
    assert faults(tmp_path) == []


def test_a_cell_that_jupyterlab_folds_is_folded_in_its_page():
    from types import SimpleNamespace

    from course_lib.cli.site_pages import prepare_notebook

    open_, folded = (nbformat.v4.new_code_cell("x = 1") for _ in range(2))
    folded.metadata["jupyter"] = {"source_hidden": True}
    source = [nbformat.writes(nbformat.v4.new_notebook(cells=[open_, folded]))]
    app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda name, base: Path(f"{name}.ipynb")))
    prepare_notebook(app, "01_quiz", source)
    assert [cell.metadata.get("tags") for cell in nbformat.reads(source[0], 4).cells] == [
        None,
        ["hide-input"],
    ]
