"""The `course` command as a whole."""

import subprocess
import sys

import pytest

from course_lib import __version__

COMMANDS = (
    *("lab", "test", "doctor", "bench"),
    *("check", "release", "grade", "feedback", "report", "gradescope"),
    *("train", "reproduce"),
)


def test_version(invoke):
    result = invoke("--version")
    assert result.exit_code == 0
    assert result.output.strip() == f"course {__version__}"


def test_help_groups_the_commands(invoke):
    text = invoke("--help").output
    for group in ("Every day", "Assignments", "Train"):
        assert group in text
    for command in COMMANDS:
        assert command in text


@pytest.mark.parametrize("command", [*COMMANDS, "train epopt", "reproduce epopt-hopper"])
def test_every_command_explains_itself(invoke, command: str):
    result = invoke(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_imports_nothing_heavy():
    heavy = ("torch", "mujoco", "jupyterlab", "numpy", "nbformat", "distributed")
    code = f"import sys, course_lib.cli.app; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_mistyped_command_gets_a_hint(invoke):
    result = invoke("docter")
    assert result.exit_code == 2
    assert "doctor" in result.output
