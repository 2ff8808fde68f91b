"""A process for a student's code that can reach nothing but two pipes.

On Linux bubblewrap gives it a view of its own: no network, no other process, no file but the interpreter and
a copy of the library without the graded answers, all read-only; and libseccomp takes away the system calls
that answers to exercises never need, forking among them. Elsewhere the same process runs with resource
limits only, and every result says "not sandboxed".

Source: bubblewrap, https://github.com/containers/bubblewrap; seccomp(2).
"""

import errno
import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NOT_SANDBOXED = "not sandboxed"
KINDS = (NOT_SANDBOXED, "bubblewrap", "bubblewrap and seccomp")
"""What may lock a process in, the weakest first."""
HOW_TO_INSTALL = "install bubblewrap (on Debian or Ubuntu: sudo apt-get install bubblewrap libseccomp2)"
INSIDE = "/course"
"""Where the sandboxed process finds course_lib."""
SCRATCH_BYTES = 64 << 20
"""Size of each temporary folder inside."""

FORBIDDEN_CALLS = (
    *(
        "fork",
        "vfork",
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "kcmp",
        "pidfd_open",
        "pidfd_getfd",
    ),
    *("unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen"),
    *("fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at", "name_to_handle_at"),
    *("socket", "socketpair", "bind", "connect", "listen", "accept", "accept4"),
    *("bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd"),
    *("keyctl", "add_key", "request_key", "init_module", "finit_module", "delete_module", "kexec_load"),
    *("kexec_file_load", "reboot", "swapon", "swapoff", "syslog", "quotactl", "acct", "settimeofday"),
    # Memory that no limit of a process counts.
    *("memfd_create", "shmget", "shmat", "shmctl", "msgget", "semget", "mq_open"),
    *("clock_settime", "adjtimex", "personality", "iopl", "ioperm", "modify_ldt", "vmsplice", "memfd_secret"),
)
CLONE_THREAD = 0x00010000
NOBODY = 65534
MAX_THREADS = 256
MAP_SHARED = 1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a student's code may take."""

    cell_seconds: float = 10.0
    """Wall-clock seconds for one cell, one call or one driver."""
    submission_seconds: float = 90.0
    """Wall-clock seconds for everything that one submission runs."""
    memory: int = 2 << 30
    """Bytes of private memory of the student's process."""

    def __post_init__(self) -> None:
        for name in ("cell_seconds", "submission_seconds", "memory"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")


@functools.cache
def available() -> str:
    """What locks a process in here: "bubblewrap and seccomp", "bubblewrap", or nothing, "not sandboxed"."""
    if not sys.platform.startswith("linux") or shutil.which("bwrap") is None:
        return NOT_SANDBOXED
    for kind in KINDS[:0:-1]:
        with tempfile.TemporaryDirectory() as library:
            try:
                process = start(["-c", "print(1)"], Path(library), kind)
                said, _ = process.communicate(timeout=60)
            except (ImportError, OSError, RuntimeError):
                continue
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                continue
            if said == b"1\n":
                return kind
    return NOT_SANDBOXED


def start_worker(library: Path, kind: str, limits: Limits) -> subprocess.Popen:
    """Starts a process for a student's code; arguments as for `start`."""
    threads = MAX_THREADS if kind != NOT_SANDBOXED and _linux() >= (5, 14) else 0  # older: all of the user's
    numbers = (limits.memory, int(limits.submission_seconds) + 1, threads)
    return start(["-m", "course_lib.grading.worker", *map(str, numbers)], library, kind)


def start(python_arguments: list[str], library: Path, kind: str) -> subprocess.Popen:
    """Starts Python on a wire of two pipes, its standard input and output.

    Args:
        python_arguments: what follows the interpreter's name.
        library: folder that holds the copy of course_lib for this process.
        kind: what `available` returned.

    Returns:
        The process. On Linux it dies with the thread that started it.
    """
    variables = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/tmp",
        "PYTHONPATH": str(library) if kind == NOT_SANDBOXED else INSIDE,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # a second grading gives the same marks
        "NBGRADER_EXECUTION": "autograde",
        "MPLBACKEND": "agg",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    if os.name == "nt":  # Windows finds its own libraries through these
        variables |= {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP") if name in os.environ}
    python = [sys.executable, "-s", "-P", "-u", *python_arguments]
    with _seccomp_filter() if kind.endswith("seccomp") else nullcontext() as filter_file:
        if kind == NOT_SANDBOXED:
            options = {"cwd": library, "start_new_session": True, **_nobody()}
            library.chmod(0o755)
        else:
            python = [*_bubblewrap(library, variables, filter_file), *python]
            options = {"pass_fds": [filter_file.fileno()] if filter_file else []}
        return subprocess.Popen(
            python,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=variables,
            bufsize=0,
            **options,
        )


def limit_this_process(memory: int, cpu_seconds: int, threads: int = 0) -> None:
    """Takes away what a runaway answer could exhaust; for the student's process, before it runs anything.

    Args:
        memory: bytes of private memory.
        cpu_seconds: seconds of processor time, after which the system ends the process.
        threads: how many may run; 0 for no limit.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limits; the clock of the trusted side remains
        return
    wanted = {
        "RLIMIT_DATA": memory,
        "RLIMIT_CPU": cpu_seconds,
        "RLIMIT_FSIZE": SCRATCH_BYTES,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
    }
    if sys.platform == "darwin":
        del wanted["RLIMIT_DATA"]  # refused there
    if threads:
        wanted["RLIMIT_NPROC"] = threads
    for name, value in wanted.items():
        limit = getattr(resource, name)
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _linux() -> tuple[int, ...]:
    """Version of the kernel: (6, 1)."""
    return tuple(int(number) for number in re.findall(r"\d+", os.uname().release)[:2])


def _bubblewrap(library: Path, variables: dict[str, str], filter_file: IO[bytes] | None) -> list[str]:
    """The command in front of Python. The order matters: what is mounted later covers what came before."""
    command = ["bwrap", "--unshare-all", "--unshare-user", *_no_namespaces_inside(), "--cap-drop", "ALL"]
    command += ["--uid", "1000", "--gid", "1000", "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in variables.items():
        command += ["--setenv", name, value]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/dev/shm", "/tmp"):  # first: the interpreter may lie below /tmp
        command += ["--size", str(SCRATCH_BYTES), "--tmpfs", folder]
    for folder in ("/lib", "/lib64", "/usr/lib", "/usr/lib64"):
        if os.path.islink(folder):
            command += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            command += ["--ro-bind", folder, folder]
    for folder in _interpreter_folders():
        command += ["--ro-bind", folder, folder]
    for folder in dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")):
        if os.path.isdir(f"{folder}/course_lib"):  # an installed copy would hold the answers
            command += ["--tmpfs", f"{folder}/course_lib"]
    command += ["--ro-bind", str(library), INSIDE, "--chdir", "/tmp"]
    command += ["--remount-ro", "/dev", "--remount-ro", "/"]
    if filter_file is not None:
        command += ["--seccomp", str(filter_file.fileno())]
    return command


@functools.cache
def _no_namespaces_inside() -> list[str]:
    """Bubblewrap before 0.8 lacks this option; there the filter forbids the same system calls."""
    said = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, timeout=60).stdout
    return ["--disable-userns"] if "--disable-userns" in said else []


@functools.cache
def _nobody() -> dict:
    """Without a sandbox at least an administrator's rights are left behind, where Python starts so."""
    if os.name != "posix" or os.geteuid() != 0:
        return {}
    options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        done = subprocess.run([sys.executable, "-c", "import numpy"], capture_output=True, cwd="/", **options)
    except OSError:
        return {}
    return options if done.returncode == 0 else {}


def _interpreter_folders() -> list[str]:
    """What Python needs to start; nothing of /usr/share or /usr/local/share, where courses keep files."""
    folders = []
    for prefix in dict.fromkeys((os.path.realpath(sys.base_prefix), sys.prefix)):
        if prefix in ("/usr", "/usr/local"):
            folders += [f"{prefix}/bin", f"{prefix}/lib"]
        else:
            folders.append(prefix)
    return [folder for folder in folders if os.path.isdir(folder)]


@contextmanager
def _seccomp_filter() -> Iterator[IO[bytes]]:
    """An open file with the filter as the kernel reads it."""
    import pyseccomp

    allow = pyseccomp.SyscallFilter(defaction=pyseccomp.ALLOW)
    for name in FORBIDDEN_CALLS:
        try:
            allow.add_rule(pyseccomp.ERRNO(errno.EPERM), name)
        except (OSError, ValueError):  # this system has no such call
            continue
    # A new thread is allowed, a new process is not. clone3 hides its flags from filters, so libc is told that
    # it does not exist, and takes clone.
    allow.add_rule(
        pyseccomp.ERRNO(errno.EPERM), "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_THREAD, 0)
    )
    allow.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")
    # Shared mappings count as nobody's private memory, which is what RLIMIT_DATA limits.
    allow.add_rule(
        pyseccomp.ERRNO(errno.ENODEV), "mmap", pyseccomp.Arg(3, pyseccomp.MASKED_EQ, MAP_SHARED, MAP_SHARED)
    )
    with tempfile.TemporaryFile() as file:
        allow.export_bpf(file)
        file.seek(0)
        yield file
