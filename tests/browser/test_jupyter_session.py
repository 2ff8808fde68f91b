"""The harness itself: it must catch what it is there to catch."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from jupyter_session import CellError, JupyterServer


@pytest.mark.parametrize("application", ["lab", "notebook"])
def test_runs_cells_and_reads_their_output(open_notebook, application):
    notebook = open_notebook(["#md # A title", "x = 6 * 7", "print(x)"], application)
    notebook.run_all()
    assert notebook.text() == "42\n"
    notebook.screenshot(f"harness-{application}")
    assert notebook.locator("text=A title").count() >= 1
    assert notebook.locator("text=Would you like to").count() == 0  # the pop-up that asks about news


def test_cell_error_is_raised_at_once_with_its_traceback(open_notebook):
    notebook = open_notebook(["raise KeyError('frictoin')", "import time; time.sleep(60)"])
    start = time.monotonic()
    with pytest.raises(CellError, match="frictoin"):
        notebook.run_all()
    assert time.monotonic() - start < 10


def test_console_errors_are_collected(open_notebook):
    notebook = open_notebook(["1"])
    notebook.page.evaluate(
        "() => { console.error('the widget broke'); setTimeout(() => { throw new Error('late'); }); }"
    )
    notebook.page.wait_for_timeout(200)
    assert len(notebook.console_errors) == 2
    with pytest.raises(AssertionError, match="the widget broke"):
        notebook.assert_no_console_errors()
    notebook.console_errors.clear()


def test_axe_blames_a_button_without_a_name(open_notebook):
    notebook = open_notebook(["1"])
    notebook.run_all()
    notebook.axe()
    notebook.page.evaluate(
        "() => { document.querySelector('.jp-OutputArea').innerHTML = '<button></button>'; }"
    )
    with pytest.raises(AssertionError, match="button-name"):
        notebook.axe()


def test_latency_measures_from_the_key_to_the_picture(open_notebook):
    notebook = open_notebook(["1"])
    notebook.page.evaluate(
        "() => addEventListener('keydown', () => setTimeout(() => { window.pressed = 1; }, 300), true)"
    )
    latency = notebook.latency(lambda: notebook.page.keyboard.press("F9"), "window.pressed")
    assert 300 <= latency < 800


def test_server_and_kernels_die_with_the_process_that_started_them():
    code = """
import sys, time, urllib.request
sys.path.insert(0, sys.argv[1])
from jupyter_session import JupyterServer
server = JupyterServer("lab")
headers = {"Authorization": f"token {server.token}"}
kernels = urllib.request.Request(f"{server.url}/api/kernels", b"{}", headers, method="POST")
urllib.request.urlopen(kernels)
print("ready", flush=True)
time.sleep(60)
"""
    victim = subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout.readline() == "ready\n"
    family = psutil.Process(victim.pid).children(recursive=True)
    assert len(family) >= 3, "supervisor, server and kernel"
    victim.kill()
    victim.wait()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive, f"left behind: {[process.cmdline() for process in alive]}"


def test_server_that_cannot_start_shows_its_log(monkeypatch):
    monkeypatch.setitem(
        sys.modules["jupyter_session"].APPLICATIONS, "lab", ("no_such_module", "LabApp", "doc/tree")
    )
    with pytest.raises(RuntimeError, match="no_such_module"):
        JupyterServer("lab")
