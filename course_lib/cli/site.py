"""The course as pages to read: every lecture run and rendered, for a browser without kernel and network."""

import hashlib
import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from course_lib.cli.terminal import (
    check_writable,
    counting_bar,
    course_folder,
    err,
    fail,
    one_line_errors,
    out,
)

INSTALL = "python -m pip install -e '.[site]' -c constraints.txt"
CELL_S = 900
"""Seconds after which a cell counts as hung, on the slowest machine."""
BEFORE = """
from course_lib.widgets import command_panel, figure_words, physics_panel
figure_words.show_with_words()
physics_panel.PhysicsPanel.patience_s = command_panel.CommandPanel.patience_s = 120.0
"""
"""Run before the first cell: every picture has words, and no page shows a panel that has not begun."""

app = typer.Typer()


@app.command(rich_help_panel="Every day", epilog="Example: course site; then open build/site/index.html")
def site(
    target: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="For the pages; else build/site.")
    ] = None,
) -> None:
    """Make web pages of the lectures and documents, to read without kernel and network."""
    folder = course_folder()
    try:
        import furo  # noqa: F401
        import jupyter_cache  # noqa: F401
        import myst_nb  # noqa: F401
    except ImportError as missing:
        fail(f"{missing.name} is not installed: {INSTALL}")
    with one_line_errors():
        target = target or folder / "build" / "site"
        if target.is_dir() and any(target.iterdir()) and not (target / "searchindex.js").is_file():
            raise ValueError(f"{target} holds something else: name an empty folder with --out")
        check_writable(target.parent)
        work = folder / "build" / "site-work"
        cache = run_notebooks(sorted(folder.glob("notebooks/*.ipynb")), work, fingerprint(folder))
        with counting_bar("pages", "pages") as show:
            problems = build(folder, work, cache, show)
        for problem in problems:
            err.print(escape(problem), soft_wrap=True, highlight=False)
        if problems:
            fail(f"{len(problems)} faults in the pages, see above; {target} is as it was")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(work / "html", target)
    out.print(escape(str(target / "index.html")), soft_wrap=True, highlight=False)


def fingerprint(folder: Path) -> str:
    """Changes whenever the library does: what a lecture has shown may have changed with it."""
    seen = hashlib.sha256()
    for path in sorted((folder / "course_lib").rglob("*")):
        place = path.relative_to(folder / "course_lib")
        if path.is_file() and place.parts[0] not in ("cli", "grading") and path.suffix != ".pyc":
            seen.update(place.as_posix().encode() + path.read_bytes())
    return seen.hexdigest()[:16]


# --- the lectures are run ---------------------------------------------------------------------------------


def run_notebooks(paths: list[Path], work: Path, key: str) -> Path:
    """Runs what has not been run with this library, a notebook after the other.

    Args:
        paths: of the notebooks.
        work: folder of intermediate files.
        key: of the library; what was run with another one is forgotten.

    Returns:
        Folder of the cache, as jupyter-cache and myst-nb know it.

    Raises:
        ValueError: a cell raised, hung or killed its kernel; names the notebook and the cell.
    """
    import nbformat
    from jupyter_cache import get_cache

    folder = work / f"run-{key}"
    for old in work.glob("run-*"):
        if old != folder:
            shutil.rmtree(old)
    cache = get_cache(folder)
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    done, cells = 0, sum(len(notebook.cells) for notebook in notebooks.values())
    with counting_bar("lectures", "cells") as show:
        for path, notebook in notebooks.items():
            if not _is_known(cache, notebook):
                for number in _run(path, notebook):
                    show(done + number, cells, path.name)
                _keep(cache, path, notebook)
            done += len(notebook.cells)
            show(done, cells, path.name)
    return folder


def _is_known(cache, notebook) -> bool:
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def _keep(cache, path: Path, notebook) -> None:
    from jupyter_cache.base import CacheBundleIn

    cache.cache_notebook_bundle(
        CacheBundleIn(notebook, str(path), data={}), check_validity=False, overwrite=True
    )


def _run(path: Path, notebook) -> Iterator[int]:
    """Runs a notebook where it lies; yields the number of each cell before it."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    client = NotebookClient(
        notebook,
        timeout=CELL_S,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,  # the cache would not know the notebook again
        store_widget_state=False,  # no page could use it without a script from the network
    )
    env = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    with client.setup_kernel(env=env, stderr=subprocess.DEVNULL):  # a kernel's remarks would break the bar
        client.kc.execute(BEFORE, silent=True)
        for number, cell in enumerate(notebook.cells):
            yield number
            try:
                client.execute_cell(cell, number)
            except CellExecutionError as problem:
                fault = f"{problem.ename}: {problem.evalue}"
            except (CellTimeoutError, DeadKernelError) as problem:
                fault = str(problem) or "the kernel died"
            else:
                continue
            first = fault.strip().splitlines()[0]
            raise ValueError(f"{path.name}, cell {number} (id {cell.get('id')}): {first}")


# --- the pages are made -----------------------------------------------------------------------------------


def build(folder: Path, work: Path, cache: Path, show: Callable[[int, int, str], None]) -> list[str]:
    """Makes the pages of a course in `work/html`.

    Args:
        folder: of the course: its README, CONTRIBUTING, docs/ and notebooks/ become pages.
        work: folder of intermediate files.
        cache: what `run_notebooks` returned.
        show: called with how many steps are done, how many there are, and the page.

    Returns:
        What is wrong with them, one line a fault: what Sphinx warns of, and what `site_check` finds.
    """
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    from course_lib.cli.site_check import faults
    from course_lib.cli.site_pages import settings
    from course_lib.grading.markup import plain

    for part in ("html", "doctrees", "jupyter_execute"):
        shutil.rmtree(work / part, ignore_errors=True)
    pages, said = work / "html", io.StringIO()
    with patch_docutils(), docutils_namespace():
        sphinx = Sphinx(
            srcdir=folder,
            confdir=None,
            outdir=pages,
            doctreedir=work / "doctrees",
            buildername="html",
            confoverrides=settings(folder, cache),
            status=None,
            warning=said,
            freshenv=True,
        )
        count = iter(range(1, 10**6))

        def step(name: str) -> None:
            show(next(count), 2 * len(sphinx.env.found_docs), name)

        sphinx.connect("source-read", lambda _, name, source: step(name))
        sphinx.connect("doctree-resolved", lambda _, tree, name: step(name))
        sphinx.build()
    problems = plain(said.getvalue()).replace(f"{folder}{os.sep}", "").strip().splitlines()
    shutil.copy(pages / "README.html", pages / "index.html")
    return [*problems, *faults(pages)]
