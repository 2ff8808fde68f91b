"""What a process for student's code can do, tried in a real one: compute, and nothing else."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from course_lib.grading import sandbox
from course_lib.grading.sandbox import Limits

KIND = sandbox.available()
needs_sandbox = pytest.mark.skipif(KIND == sandbox.NOT_SANDBOXED, reason=sandbox.HOW_TO_INSTALL)
needs_filter = pytest.mark.skipif(not KIND.endswith("seccomp"), reason=sandbox.HOW_TO_INSTALL)

ROOT = Path(sandbox.__file__).parents[2]
INSTRUCTORS = [__file__, sandbox.__file__, f"{ROOT}/solutions", f"{ROOT}/assignments", f"{ROOT}/.git"]
PROBE = (
    f"INSTRUCTORS = {INSTRUCTORS}"
    + """
import ctypes, json, mmap, os, resource, socket, subprocess, sys, threading
said = {}
def tried(name, attempt):
    try:
        said[name] = repr(attempt())
    except BaseException as error:
        said[name] = f"no: {type(error).__name__}"
tried("fork", os.fork)
tried("spawn", lambda: os.posix_spawn(sys.executable, [sys.executable, "-V"], {}))
tried("run", lambda: subprocess.run([sys.executable, "-V"]).returncode)
tried("tcp", lambda: socket.create_server(("127.0.0.1", 0)))
tried("unix", lambda: socket.socket(socket.AF_UNIX))
tried("unshare", lambda: ctypes.CDLL(None).unshare(0x10000000))
tried("memfd", lambda: os.memfd_create("x"))
tried("chroot", lambda: os.chroot("/tmp"))
tried("setuid", lambda: os.setuid(0))
tried("thread", lambda: (lambda t: (t.start(), t.join()))(threading.Thread(target=str)))
tried("numpy", lambda: __import__("numpy").ones(3).sum())
tried("tmp", lambda: open("/tmp/a", "w").write("x"))
for place in ("/a", "/course/a", "/dev/a", "/usr/lib/a", sys.prefix + "/a"):
    tried("write " + place.replace(sys.prefix, "PREFIX"), lambda: open(place, "w").write("x"))
tried("uid", os.getuid)
tried("processes", lambda: sorted(int(n) for n in os.listdir("/proc") if n.isdigit()))
tried("environment", lambda: sorted(os.environ))
tried("root", lambda: sorted(os.listdir("/")))
tried("library", lambda: sorted(os.listdir("/course")))
for place in INSTRUCTORS:
    tried("instructor's " + place, lambda: os.path.exists(place))
tried("links", lambda: sorted(os.listdir("/sys/class/net")))
print(json.dumps(said))
"""
)


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> dict[str, str]:
    library = tmp_path_factory.mktemp("library")
    (library / "only.py").write_text("x = 1")
    os.environ["COURSE_TEST_SECRET"] = "secret"
    try:
        process = sandbox.start(["-c", PROBE], library, KIND)
        out, _ = process.communicate(timeout=60)
    finally:
        del os.environ["COURSE_TEST_SECRET"]
    return json.loads(out)


def test_kind_is_one_of_three():
    assert KIND in ("bubblewrap and seccomp", "bubblewrap", "not sandboxed")


@pytest.mark.parametrize("limits", [{"cell_seconds": 0}, {"submission_seconds": -1.0}, {"memory": 0}])
def test_limits_are_positive(limits):
    with pytest.raises(ValueError, match=f"{next(iter(limits))} must be positive, got"):
        Limits(**limits)


@needs_filter
@pytest.mark.parametrize("name", ["fork", "spawn", "run", "tcp", "unix", "memfd", "chroot", "setuid"])
def test_forbidden(said, name):
    assert said[name].startswith("no: ")


@needs_filter
def test_no_new_namespace(said):
    assert said["unshare"] == "-1"


@needs_sandbox
@pytest.mark.parametrize("name", ["thread", "numpy", "tmp"])
def test_allowed(said, name):
    assert not said[name].startswith("no: ")


@needs_sandbox
def test_nothing_can_be_written_but_scratch(said):
    assert {said[name] for name in said if name.startswith("write ")} <= {
        "no: OSError",
        "no: PermissionError",
    }
    assert sum(name.startswith("write ") for name in said) == 5


@needs_sandbox
def test_nobody_else_is_there(said):
    assert said["uid"] == "1000"
    assert len(json.loads(said["processes"])) <= 2
    assert "SECRET" not in said["environment"]
    assert said["library"] == "['only.py']"
    assert said["links"].startswith("no: ")


@needs_sandbox
def test_files_of_the_instructor_are_absent(said):
    assert [said[name] for name in said if name.startswith("instructor")] == ["False"] * len(INSTRUCTORS)


@needs_sandbox
def test_installed_course_is_covered(tmp_path, monkeypatch):
    # As if course_lib were installed, not only linked: its folder is there, and empty.
    site = sysconfig.get_path("purelib")
    real = os.path.isdir
    monkeypatch.setattr("os.path.isdir", lambda path: path == f"{site}/course_lib" or real(path))
    command = sandbox._bubblewrap(tmp_path, {}, None)
    place = command.index(f"{site}/course_lib")
    assert command[place - 1] == "--tmpfs"
    assert place > command.index(sys.prefix), "what is mounted later covers what came before"


def test_without_a_sandbox_code_runs_all_the_same(tmp_path):
    code = "import os, sys; print(sorted(os.environ), sys.flags.safe_path, sys.flags.no_user_site)"
    process = sandbox.start(["-c", code], tmp_path, sandbox.NOT_SANDBOXED)
    out, _ = process.communicate(timeout=60)
    assert b"True 1" in out
    assert b"PYTHONPATH" in out
    assert b"COURSE" not in out and b"USER" not in out


@pytest.mark.skipif(sys.platform != "linux", reason="other systems know other limits")
def test_limits_hold(tmp_path):
    code = """if True:
        import resource
        from course_lib.grading.sandbox import limit_this_process
        limit_this_process(1 << 30, 5)
        names = ("DATA", "CPU", "CORE", "NOFILE")
        said = [resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in names]
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (50, 50))
        except (ValueError, PermissionError):
            said.append("no more")
        try:
            bytearray(2 << 30)
        except MemoryError:
            said.append("no memory")
        bytearray(100 << 20)
        print(said)
    """
    options = {"capture_output": True, "text": True, "env": {**os.environ, "PYTHONPATH": str(ROOT)}}
    said = subprocess.run([sys.executable, "-c", code], **options).stdout
    assert "(1073741824, 1073741824), (5, 5), (0, 0), (256, 256)" in said
    assert "no memory" in said
    assert "no more" in said or os.geteuid() == 0


@needs_sandbox
def test_process_ends_with_all_that_it_has(tmp_path):
    process = sandbox.start(
        ["-c", "import time; print(1, end='', flush=True); time.sleep(600)"], tmp_path, KIND
    )
    assert process.stdout.read(1) == b"1"
    process.kill()
    assert process.wait(10) == -9
    assert process.stdout.read() == b"", "the other end is closed when the last process has ended"
