"""Lab, test and doctor, as a person meets them."""

import json
import os
import socket
import subprocess
import sys
import types
import urllib.request
from pathlib import Path

import pytest
import typer

from course_lib import doctor
from course_lib.cli import everyday

ROOT = Path(__file__).parents[2]


# --- lab ---


def test_a_busy_port_is_passed_over():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = busy.getsockname()[1]
        assert everyday.free_port(taken) > taken


def test_all_ports_busy_is_one_line():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(typer.Exit):
            everyday.free_port(busy.getsockname()[1], tries=1)


def test_no_window_without_a_display(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert not everyday.has_browser()


class FakeServer:
    """A Jupyter that is at once up, or at once dead."""

    def __init__(self, command, cwd, env, alive=True):
        self.command, self.cwd, self.env = command, cwd, env
        self.code = None if alive else 1

    def poll(self):
        return self.code

    def wait(self, timeout=None):
        self.code = 0
        return 0

    def terminate(self):
        self.code = 0


def test_lab_prints_the_address_of_the_first_notebook(invoke, monkeypatch):
    started = []
    monkeypatch.setattr(
        everyday.subprocess, "Popen", lambda *a, **k: started.append(FakeServer(*a, **k)) or started[0]
    )
    monkeypatch.setattr(everyday, "answers", lambda server, port: True)
    result = invoke("lab", "--no-browser", "--port", "9123")
    assert result.exit_code == 0, result.output
    (server,) = started
    token = server.env["JUPYTER_TOKEN"]
    assert f"http://localhost:9123/lab/tree/notebooks/00_start_here.ipynb?token={token}" in result.output
    assert "--ServerApp.port=9123" in server.command
    assert token not in " ".join(server.command), "a token among the arguments is seen by every user"
    assert Path(server.cwd) == ROOT


def test_lab_says_so_when_jupyter_dies(invoke, monkeypatch):
    monkeypatch.setattr(everyday.subprocess, "Popen", lambda *a, **k: FakeServer(*a, **k, alive=False))
    result = invoke("lab", "--no-browser")
    assert result.exit_code == 1
    assert "course doctor" in result.output


def test_learners_start_without_nbgraders_panels(invoke, monkeypatch):
    started = []
    monkeypatch.setattr(
        everyday.subprocess, "Popen", lambda *a, **k: started.append(FakeServer(*a, **k)) or started[-1]
    )
    monkeypatch.setattr(everyday, "answers", lambda server, port: True)
    for arguments, room in (((), "learner"), (("--instructor",), "instructor")):
        invoke("lab", "--no-browser", *arguments)
        settings = Path(started[-1].env["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0])
        assert settings == ROOT / ".jupyter" / room
        disabled = json.loads((settings / "labconfig" / "page_config.json").read_text("utf-8"))[
            "disabledExtensions"
        ]
        assert disabled["@jupyterlab/apputils-extension:announcements"], "a pop-up would greet each newcomer"
        assert ("@jupyter/nbgrader" in disabled) == (room == "learner")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_the_real_lab_opens_and_leaves_nothing_behind():
    """The whole way: a Jupyter that answers, on a port that is free, gone after the command is ended."""
    port = everyday.free_port(18888)
    command = [*(sys.executable, "-m", "course_lib.cli", "lab"), *("--no-browser", "--port", str(port))]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    lab = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        url = next(line for line in lab.stdout if line.startswith("http")).strip()
        with urllib.request.urlopen(
            url.replace("/lab/tree/notebooks/00_start_here.ipynb", "/api/status")
        ) as answer:
            assert answer.status == 200
    finally:
        lab.terminate()
        assert lab.wait(30) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0, "the server still runs"


def test_an_impossible_port_is_refused(invoke):
    assert invoke("lab", "--port", "80").exit_code == 2


# --- test ---


@pytest.fixture
def commands(monkeypatch):
    """The commands that `course test` would run; `codes` sets exit codes by a word of the command."""
    ran = []
    ran_codes: dict[str, int] = {}

    def run(command, cwd, check):
        ran.append(command)
        code = next((code for word, code in ran_codes.items() if word in command), 0)
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(everyday.subprocess, "run", run)
    return types.SimpleNamespace(ran=ran, codes=ran_codes)


def test_test_runs_style_imports_and_pytest(invoke, commands):
    result = invoke("test")
    assert result.exit_code == 0, result.output
    words = [" ".join(command) for command in commands.ran]
    for part in ("ruff check", "ruff format --check", "importlinter", "pytest"):
        assert any(part in line for line in words)


@pytest.mark.parametrize("broken", ["check", "format", "pytest"])
def test_any_failing_step_fails_the_whole(invoke, commands, broken: str):
    commands.codes[broken] = 1
    result = invoke("test")
    assert result.exit_code == 1
    assert "failed" in result.output
    assert len(commands.ran) == 4, "the steps after a failure still run"


def test_a_step_killed_by_a_signal_fails_the_whole(invoke, commands):
    commands.codes["pytest"] = -9
    assert invoke("test").exit_code == 1


def test_arguments_reach_pytest_alone(invoke, commands):
    invoke("test", "tests/core", "-k", "gae")
    (command,) = commands.ran
    assert command[-3:] == ["tests/core", "-k", "gae"]


def test_browser_tests_run_only_when_asked(invoke, commands):
    invoke("test", "--browser")
    (command,) = commands.ran
    assert command[2:] == ["pytest", "-m", "browser", "tests/browser", "-n", "2", "--dist", "loadfile"]


def test_missing_tools_name_the_install_command(invoke, monkeypatch):
    monkeypatch.setattr(everyday.importlib.util, "find_spec", lambda name: None)
    result = invoke("test")
    assert result.exit_code == 1
    assert "pip install -e '.[dev]' -c constraints.txt" in result.output


# --- doctor ---


@pytest.mark.parametrize(("state", "code"), [("broken", 1), ("optional", 0), ("ok", 0)])
def test_doctor_tells_by_its_exit_code(invoke, monkeypatch, state: str, code: int):
    monkeypatch.setattr(doctor, "examine", lambda folder: [doctor.Finding("it", state, "so", "mend it")])
    assert invoke("doctor").exit_code == code
