"""Fixtures of the browser tests: a real Jupyter, a real Chromium, one notebook a test.

    def test_slider(open_notebook):
        notebook = open_notebook(["from course_lib... import Panel", "panel = Panel(); panel"])
        notebook.run_all()                           # raises with the cell's traceback where a cell raised
        notebook.page.keyboard.press("ArrowRight")   # .page is Playwright's page
        notebook.wait("document.querySelector('.panel output').textContent === '0.9'")
        notebook.axe(".panel")
        notebook.screenshot("panel")                 # artifacts/panel.png

`open_notebook(..., application="notebook")` opens Notebook 7; a test that is parametrized over
`("application", ["lab", "notebook"])` runs in both. Every test here bears the mark `browser`, and runs only
where asked for: `pytest -m browser tests/browser`. Without Chromium they are skipped, except where CI=true:
there a missing browser is a failure.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from jupyter_session import CHROMIUM_ARGUMENTS, VIEWPORT, JupyterServer, NotebookPage

HERE = Path(__file__).parent
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The system's Chromium; skips where there is none, fails where CI promised one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    reason = "no chromium, chromium-browser or google-chrome on PATH (Debian: apt-get install chromium)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def jupyter_servers() -> Iterator[dict[str, JupyterServer]]:
    """The servers that are running, by application; `open_notebook` starts each when it is first needed."""
    servers: dict[str, JupyterServer] = {}
    yield servers
    for server in servers.values():
        server.close()


@pytest.fixture(
    scope="module"
)  # not "session": while it runs, no other test of this process can call asyncio.run
def chromium(chromium_path):
    """A headless Chromium, shared by the tests of one file; each page has a clean profile of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path, headless=True, args=CHROMIUM_ARGUMENTS, chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture
def open_notebook(chromium, jupyter_servers, request):
    """Function that opens a notebook and returns a `NotebookPage` with an idle kernel.

    Args of the function:
        source: list of cells (a text that starts with "#md" is a Markdown cell), or the path of a notebook,
            which is copied, so that autosave never writes into the repository.
        application: "lab" or "notebook".
        viewport: {"width": ..., "height": ...} in CSS pixels.
        context: further options of Playwright's browser context, e.g. {"reduced_motion": "reduce"}.
        name: of the file, where a cell counts on it; made from the test's name by default.

    After the test: fails if the page wrote errors to the console; a failed test leaves a picture in
    artifacts/.
    """
    opened: list[NotebookPage] = []
    test_name = re.sub(r"[^\w-]+", "-", request.node.name).strip("-")

    def open_(
        source: Sequence[str] | str | Path,
        application: str = "lab",
        viewport: dict[str, int] = VIEWPORT,
        context: dict | None = None,
        name: str | None = None,
    ) -> NotebookPage:
        if application not in jupyter_servers:
            jupyter_servers[application] = JupyterServer(application)
        server = jupyter_servers[application]
        name = name or f"{test_name}-{len(opened)}.ipynb"
        write_notebook(source, server.root / name)
        page = chromium.new_context(viewport=viewport, **(context or {})).new_page()
        notebook = NotebookPage(page, server, name, test_name=test_name)
        opened.append(notebook)
        return notebook

    yield open_
    failed = request.node.stash.get(FAILED, True)
    for number, notebook in enumerate(opened):
        if failed:
            notebook.screenshot(f"failed-{test_name}-{number}")
        notebook.page.context.close()
    for server in {notebook.server for notebook in opened}:
        server.shut_down_kernels()
    for notebook in opened:
        notebook.assert_no_console_errors()


def write_notebook(source: Sequence[str] | str | Path, target: Path) -> None:
    """Write a list of cells, or copy a notebook file, to `target`."""
    if isinstance(source, str | Path):
        shutil.copy(source, target)
        return
    cells = [
        nbformat.v4.new_markdown_cell(text[3:].lstrip())
        if text.startswith("#md")
        else nbformat.v4.new_code_cell(text)
        for text in source
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), target)
