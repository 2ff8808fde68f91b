"""The `course` command, as a person meets it."""

import io
import json
import os
import socket
import subprocess
import sys
import types
import urllib.request
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from course_lib import __version__, cli, doctor

runner = CliRunner()
ROOT = Path(__file__).parents[1]


@pytest.fixture
def recipes(monkeypatch):
    """Stands in for course_lib.zoo.recipes: records its calls, trains nothing."""
    module = types.ModuleType("course_lib.zoo.recipes")
    module.WORLDS = {"hopper": None, "half_cheetah": None}
    module.RECIPES = ("mass3", "mass6", "mass9", "eps1.0", "eps0.1")
    module.calls = []

    def train_epopt(world, recipe, seed, out, *, resume, progress):
        module.calls.append((world, recipe, seed, out, resume))
        for iteration in (1, 2, 3):
            progress({"iteration": iteration, "iterations": 3, "steps": 1000.0, "return_mean": 5.0})

    module.train_epopt = train_epopt
    monkeypatch.setitem(sys.modules, "course_lib.zoo.recipes", module)
    import course_lib.zoo

    monkeypatch.setattr(course_lib.zoo, "recipes", module, raising=False)
    return module


def invoke(*arguments: str):
    return runner.invoke(cli.app, arguments)


# --- help -------------------------------------------------------------------------------------------------


def test_version():
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.output.strip() == f"course {__version__}"


def test_help_groups_the_commands():
    text = invoke("--help").output
    for group in ("Every day", "Assignments", "Train"):
        assert group in text
    for command in ("lab", "test", "doctor", "train", "check", "release"):
        assert command in text


@pytest.mark.parametrize("command", ["lab", "test", "doctor", "check", "release", "train", "train epopt"])
def test_every_command_explains_itself(command: str):
    result = invoke(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_imports_nothing_heavy():
    code = (
        "import sys, course_lib.cli; "
        "print([m for m in ('torch', 'mujoco', 'jupyterlab', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_mistyped_command_gets_a_hint():
    result = invoke("docter")
    assert result.exit_code == 2
    assert "doctor" in result.output


# --- lab --------------------------------------------------------------------------------------------------


def test_a_busy_port_is_passed_over():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = busy.getsockname()[1]
        assert cli.free_port(taken) > taken


def test_all_ports_busy_is_one_line():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(cli.typer.Exit):
            cli.free_port(busy.getsockname()[1], tries=1)


def test_outside_of_a_clone_the_installed_one_is_used(monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    assert cli.course_folder() == ROOT


def test_below_a_clone_its_root_is_found(monkeypatch):
    monkeypatch.chdir(ROOT / "tests" / "notebooks")
    assert cli.course_folder() == ROOT


def test_no_window_without_a_display(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    assert not cli.has_browser()


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


def test_lab_prints_the_address_of_the_first_notebook(monkeypatch):
    started = []
    monkeypatch.setattr(
        cli.subprocess, "Popen", lambda *a, **k: started.append(FakeServer(*a, **k)) or started[0]
    )
    monkeypatch.setattr(cli, "answers", lambda server, port: True)
    result = invoke("lab", "--no-browser", "--port", "9123")
    assert result.exit_code == 0, result.output
    (server,) = started
    token = server.env["JUPYTER_TOKEN"]
    assert f"http://localhost:9123/lab/tree/notebooks/00_start_here.ipynb?token={token}" in result.output
    assert "--ServerApp.port=9123" in server.command
    assert token not in " ".join(server.command), "a token among the arguments is seen by every user"
    assert Path(server.cwd) == ROOT


def test_lab_says_so_when_jupyter_dies(monkeypatch):
    monkeypatch.setattr(cli.subprocess, "Popen", lambda *a, **k: FakeServer(*a, **k, alive=False))
    result = invoke("lab", "--no-browser")
    assert result.exit_code == 1
    assert "course doctor" in result.output


def test_learners_start_without_nbgraders_panels(monkeypatch):
    started = []
    monkeypatch.setattr(
        cli.subprocess, "Popen", lambda *a, **k: started.append(FakeServer(*a, **k)) or started[-1]
    )
    monkeypatch.setattr(cli, "answers", lambda server, port: True)
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
    port = cli.free_port(18888)
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


def test_an_impossible_port_is_refused():
    assert invoke("lab", "--port", "80").exit_code == 2


# --- test -------------------------------------------------------------------------------------------------


@pytest.fixture
def commands(monkeypatch):
    """The commands that `course test` would run; `codes` sets exit codes by a word of the command."""
    ran = []
    ran_codes: dict[str, int] = {}

    def run(command, cwd, check):
        ran.append(command)
        code = next((code for word, code in ran_codes.items() if word in command), 0)
        return subprocess.CompletedProcess(command, code)

    monkeypatch.setattr(cli.subprocess, "run", run)
    return types.SimpleNamespace(ran=ran, codes=ran_codes)


def test_test_runs_style_imports_and_pytest(commands):
    result = invoke("test")
    assert result.exit_code == 0, result.output
    words = [" ".join(command) for command in commands.ran]
    for part in ("ruff check", "ruff format --check", "importlinter", "pytest"):
        assert any(part in line for line in words)


@pytest.mark.parametrize("broken", ["check", "format", "pytest"])
def test_any_failing_step_fails_the_whole(commands, broken: str):
    commands.codes[broken] = 1
    result = invoke("test")
    assert result.exit_code == 1
    assert "failed" in result.output
    assert len(commands.ran) == 4, "the steps after a failure still run"


def test_a_step_killed_by_a_signal_fails_the_whole(commands):
    commands.codes["pytest"] = -9
    assert invoke("test").exit_code == 1


def test_arguments_reach_pytest_alone(commands):
    invoke("test", "tests/core", "-k", "gae")
    (command,) = commands.ran
    assert command[-3:] == ["tests/core", "-k", "gae"]


def test_browser_tests_run_only_when_asked(commands):
    invoke("test", "--browser")
    (command,) = commands.ran
    assert command[-2:] == ["-m", "browser"]


def test_missing_tools_name_the_install_command(monkeypatch):
    monkeypatch.setattr(cli.importlib.util, "find_spec", lambda name: None)
    result = invoke("test")
    assert result.exit_code == 1
    assert "pip install -e '.[dev]' -c constraints.txt" in result.output


# --- train ------------------------------------------------------------------------------------------------


def test_train_passes_everything_on(recipes, tmp_path: Path):
    arguments = ("--world", "half_cheetah", "--recipe", "mass3", "--seed", "7", "--out", str(tmp_path))
    result = invoke("train", "epopt", *arguments)
    assert result.exit_code == 0, result.output
    assert recipes.calls == [("half_cheetah", "mass3", 7, tmp_path, True)]
    assert "return 5" in result.output
    assert invoke("train", "epopt", *arguments, "--fresh").exit_code == 0
    assert recipes.calls[-1][-1] is False


@pytest.mark.parametrize(
    ("option", "typed", "meant"),
    [("--world", "hoper", "hopper"), ("--world", "cheetah", "half_cheetah"), ("--recipe", "mas3", "mass3")],
)
def test_a_mistyped_name_gets_the_nearest(recipes, option: str, typed: str, meant: str):
    result = invoke("train", "epopt", option, typed)
    assert result.exit_code == 2
    assert f"did you mean '{meant}'?" in result.output
    assert not recipes.calls


def test_ctrl_c_says_how_to_go_on(recipes):
    def interrupted(*_, progress, **__):
        progress({"iteration": 12, "iterations": 120, "steps": 1.0, "return_mean": 2.0})
        raise KeyboardInterrupt

    recipes.train_epopt = interrupted
    result = invoke("train", "epopt")
    assert result.exit_code == 130
    assert "stopped at iteration 12; resume with the same command, without --fresh" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "problem", [ValueError("epsilon must be in (0, 1], got 2"), PermissionError(13, "no")]
)
def test_a_problem_is_one_line(recipes, problem: Exception, monkeypatch):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)

    def broken(*_, **__):
        raise problem

    recipes.train_epopt = broken
    result = invoke("train", "epopt")
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if "error:" in line]
    assert str(problem) in line
    assert "Traceback" not in result.output


def test_the_real_recipes_have_what_the_command_uses():
    from course_lib.zoo import recipes

    assert "hopper" in recipes.WORLDS
    assert "eps0.1" in recipes.RECIPES
    assert callable(recipes.train_epopt)


# --- check and release ------------------------------------------------------------------------------------


def test_check_of_nothing_is_one_line(tmp_path: Path):
    result = invoke("check", str(tmp_path / "missing.ipynb"))
    assert result.exit_code == 1
    assert "missing.ipynb" in result.output.replace("\n", "")


@pytest.mark.parametrize(("passed", "code"), [(True, 0), (False, 1)])
def test_check_tells_by_its_exit_code(monkeypatch, tmp_path: Path, passed: bool, code: int):
    import course_lib.grading.check

    monkeypatch.setattr(course_lib.grading.check, "check", lambda path: passed)
    assert invoke("check", str(tmp_path)).exit_code == code


def test_release_of_an_unknown_assignment_is_one_line():
    result = invoke("release", "ps99_nothing")
    assert result.exit_code == 1
    assert result.output.startswith("error: ")
    assert len(result.output.splitlines()) == 1


# --- doctor -----------------------------------------------------------------------------------------------


def test_this_machine_is_well():
    findings = doctor.examine(ROOT)
    assert not [finding for finding in findings if finding.state == "broken"]
    names = {finding.name for finding in findings}
    assert {"Python", "torch", "MuJoCo", "folder", "front end: anywidget", "bubblewrap", "browser"} <= names


def test_every_problem_has_its_cure(monkeypatch, tmp_path: Path):
    """A machine where nothing works: each finding that is not well says how to mend it."""
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor.webbrowser, "get", lambda: (_ for _ in ()).throw(doctor.webbrowser.Error()))
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "mujoco", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    findings = doctor.examine(tmp_path / "nowhere")
    unwell = {finding.name: finding for finding in findings if finding.state != "ok"}
    assert {"MuJoCo", "torch", "folder", "bubblewrap", "browser"} <= set(unwell)
    for finding in unwell.values():
        assert finding.mend, finding
        assert "\n" not in finding.mend
    assert unwell["MuJoCo"].state == unwell["torch"].state == unwell["folder"].state == "broken"
    assert unwell["bubblewrap"].state == unwell["browser"].state == "optional"


def test_a_version_out_of_range_is_broken():
    findings = list(
        doctor.check_packages(["numpy>=999", "not-a-package-at-all>=1", "rich", 'x; extra == "dev"'])
    )
    assert [finding.state for finding in findings] == ["broken", "broken", "ok"]
    assert findings[0].mend == 'python -m pip install "numpy>=999" -c constraints.txt'
    assert "missing" in findings[1].found


def test_an_old_python_is_broken():
    (finding,) = doctor.check_python((3, 10, 2))
    assert finding.state == "broken"
    assert "3.11" in finding.mend


def test_a_busy_port_is_no_illness():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        (finding,) = doctor.check_port(busy.getsockname()[1])
    assert finding.state == "optional"


@pytest.mark.parametrize(("state", "code"), [("broken", 1), ("optional", 0), ("ok", 0)])
def test_doctor_tells_by_its_exit_code(monkeypatch, state: str, code: int):
    monkeypatch.setattr(doctor, "examine", lambda folder: [doctor.Finding("it", state, "so", "mend it")])
    assert invoke("doctor").exit_code == code


def test_a_cure_is_never_wrapped_or_eaten():
    """The command must survive a copy: brackets are no markup, long lines stay one line."""
    console = Console(width=40, record=True, file=io.StringIO())
    mend = 'python -m pip install "gymnasium[mujoco]<2,>=1.2" -c constraints.txt'
    doctor.show([doctor.Finding("gymnasium", "broken", "missing", mend)], console)
    assert mend in console.export_text()
