"""What `course doctor` finds, and the cure that it names."""

import io
import socket
import sys
from pathlib import Path

import pytest
from rich.console import Console

from course_lib import doctor
from course_lib.grading import sandbox

ROOT = Path(__file__).parents[1]


def test_this_machine_is_well():
    findings = doctor.examine(ROOT)
    assert not [finding for finding in findings if finding.state == "broken"]
    names = {finding.name for finding in findings}
    assert {"Python", "torch", "MuJoCo", "folder", "front end: anywidget", "sandbox", "browser"} <= names


def test_every_problem_has_its_cure(monkeypatch, tmp_path: Path):
    """A machine where nothing works: each finding that is not well says how to mend it."""
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor.webbrowser, "get", lambda: (_ for _ in ()).throw(doctor.webbrowser.Error()))
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "mujoco", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    findings = doctor.examine(tmp_path / "nowhere")
    unwell = {finding.name: finding for finding in findings if finding.state != "ok"}
    assert {"MuJoCo", "torch", "folder", "sandbox", "browser"} <= set(unwell)
    for finding in unwell.values():
        assert finding.mend, finding
        assert "\n" not in finding.mend
    assert unwell["MuJoCo"].state == unwell["torch"].state == unwell["folder"].state == "broken"
    assert unwell["sandbox"].state == unwell["browser"].state == "optional"


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


def test_a_cure_is_never_wrapped_or_eaten():
    """The command must survive a copy: brackets are no markup, long lines stay one line."""
    console = Console(width=40, record=True, file=io.StringIO())
    mend = 'python -m pip install "gymnasium[mujoco]<2,>=1.2" -c constraints.txt'
    doctor.show([doctor.Finding("gymnasium", "broken", "missing", mend)], console)
    assert mend in console.export_text()


@pytest.mark.parametrize(
    ("kind", "state", "words"),
    [
        ("bubblewrap and seccomp", "ok", "locks students' code in"),
        ("bubblewrap", "optional", "libseccomp"),
        ("not sandboxed", "optional", "starts nothing"),
    ],
)
def test_the_sandbox_is_tried_and_not_only_looked_up(monkeypatch, kind: str, state: str, words: str):
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(sandbox, "available", lambda: kind)
    (finding,) = doctor.check_sandbox()
    assert finding.state == state
    assert words in finding.found
    assert bool(finding.mend) == (state != "ok")


@pytest.mark.parametrize(
    ("manager", "command"), [("dnf", "dnf install bubblewrap"), ("apt-get", "apt-get install bubblewrap")]
)
def test_a_missing_sandbox_is_installed_with_the_machines_own_manager(
    monkeypatch, manager: str, command: str
):
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}" if name == manager else None)
    (finding,) = doctor.check_sandbox()
    assert finding.state == "optional"
    assert command in finding.mend


def test_no_sandbox_is_promised_outside_of_linux(monkeypatch):
    monkeypatch.setattr(doctor.sys, "platform", "darwin")
    (finding,) = doctor.check_sandbox()
    assert (finding.state, finding.mend) == ("optional", "")
    assert "Linux" in finding.found
