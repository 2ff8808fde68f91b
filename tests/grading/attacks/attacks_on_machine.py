# ruff: noqa: E501
"""Out of the sandbox: processes that stay, signals, networks, privileges, files that outlive the run."""

from attack_bank import attack, own_goal

ATTACKS = [
    attack(
        "double-fork",
        "leaves a process behind that nobody's parent is",
        q1="""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
def centred(values): return values
""",
    ),
    attack(
        "spawn",
        "starts programs in every way there is",
        q1="""
import os, subprocess, sys
def system(line):
    if os.system(line) != 0:
        raise OSError
argv = [sys.executable, "-c", "import time; time.sleep(600)"]
for start in (
    lambda: subprocess.Popen(argv, start_new_session=True),
    lambda: os.posix_spawn(argv[0], argv, {}),
    lambda: os.spawnv(os.P_NOWAIT, argv[0], argv),
    lambda: system("sleep 600 &"),
    lambda: os.popen("sleep 600 &"),
    lambda: __import__("pty").fork(),
    lambda: __import__("multiprocessing").get_context("fork").Process(target=print).start(),
    lambda: os.forkpty(),
):
    try:
        start()
        print("found canary-of-a-process")
    except OSError:
        pass
def centred(values): return values
""",
    ),
    attack(
        "raw-clone",
        "makes processes with the system calls themselves",
        q1="""
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
for call in ((56, signal.SIGCHLD, 0, 0, 0, 0), (57,), (58,), (435, 0, 0), (56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)):
    if call[0] == 58:
        continue  # vfork from ctypes would share our stack
    number = libc.syscall(*call)
    if number == 0:
        libc._exit(0)
    if number > 0:
        print("found canary-of-a-process", call)
def centred(values): return values
""",
    ),
    own_goal(
        "another-program",
        "becomes another program, which waits",
        q1="""
import os, sys
def centred(values):
    for number in range(3, 20):
        try: os.set_inheritable(number, True)
        except OSError: pass
    os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)"])
""",
    ),
    own_goal(
        "kill-everyone",
        "sends signals to everything",
        q1="""
import os, signal
def centred(values):
    for number in (os.getppid(), 1, 0, -1):
        for what in (signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL):
            try: os.kill(number, what)
            except OSError: pass
""",
    ),
    own_goal(
        "ignore-signals",
        "ignores all signals, and does not end",
        q1="""
import signal, time
for what in range(1, 64):
    try: signal.signal(what, signal.SIG_IGN)
    except (OSError, ValueError): pass
def centred(values):
    while True: time.sleep(1)
""",
    ),
    own_goal(
        "stop-itself",
        "stops itself, neither dead nor alive",
        q1="import os, signal\ndef centred(values): os.kill(os.getpid(), signal.SIGSTOP)",
    ),
    attack(
        "at-exit",
        "waits for the end",
        q1="""
import atexit, time, threading, weakref
atexit.register(time.sleep, 600)
class Slow:
    def __del__(self): time.sleep(600)
kept = Slow()
threading.Thread(target=time.sleep, args=(600,)).start()
def centred(values): return values
""",
    ),
    attack(
        "network",
        "calls home by every kind of socket",
        q1="""
import ctypes, os, socket
def reach(make):
    try:
        make()
        print("found canary-of-a-network")
    except OSError:
        pass
PORT = int("@PORT@")
for host in ("127.0.0.1", "0.0.0.0", "localhost", "10.0.2.2", "169.254.169.254"):
    reach(lambda: socket.create_connection((host, PORT), 0.2))
reach(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", PORT)))
reach(lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM))
reach(lambda: socket.socket(socket.AF_UNIX).connect("\\0course-canary"))
reach(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
reach(lambda: socket.socket(40, socket.SOCK_STREAM).connect((2, PORT)))
reach(lambda: socket.socketpair())
reach(lambda: socket.getaddrinfo("example.org", 80))
def centred(values): return values
""",
    ),
    attack(
        "privileges",
        "asks the system for more",
        q1="""
import ctypes, os, errno
libc = ctypes.CDLL(None, use_errno=True)
calls = {
    "unshare user": (272, 0x10000000), "unshare mount": (272, 0x20000), "setns": (308, 3, 0), "mount": (165, 0, b"/tmp", b"tmpfs", 0, 0),
    "ptrace": (101, 0, 0, 0, 0), "keyctl": (250, 0, -3), "personality": (135, 0x40000), "bpf": (321, 0, 0, 0),
    "io_uring": (425, 8, b"\\0" * 200), "userfaultfd": (323, 0), "perf": (298, b"\\0" * 200, 0, -1, -1, 0),
    "open_by_handle": (304, -100, b"\\0" * 40, 0), "pidfd_open": (434, 1, 0), "chroot": (161, b"/tmp"),
    "memfd": (319, b"x", 0), "shmget": (29, 0, 4096, 0o1600), "clone3": (435, b"\\0" * 88, 88),
}
for name, call in calls.items():
    if libc.syscall(*call) >= 0:
        print("found canary-of-a-call:", name)
for change in (lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.setresuid(0, 0, 0), lambda: os.chroot("/tmp"),
               lambda: os.mknod("/tmp/disk", 0o60666, os.makedev(8, 0)), lambda: os.nice(-5)):
    try:
        change()
        print("found canary-of-a-right")
    except OSError:
        pass
def centred(values): return values
""",
    ),
    attack(
        "old-system-calls",
        "makes calls in the numbering of other machines, which filters may not know",
        q2="""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for number in (0x40000000 + 41, 0x40000000 + 57):
    if libc.syscall(number, 2, 1, 0) >= 0:
        print("found canary-of-a-call", number)
def noisy(rng, values): return values
""",
    ),
    attack(
        "startup-files",
        "writes what the next Python would run",
        q1="""
import os, site, sys
text = "open('/tmp/canary-was-run', 'w').write('x')\\n"
places = [*sys.path, *site.getsitepackages(), site.getusersitepackages(), os.path.expanduser("~"), "/course", "/",
          "/course/course_lib/grading", "/etc", os.path.expanduser("~/.ipython/profile_default/startup"), sys.prefix]
for place in places:
    for name in ("sitecustomize.py", "usercustomize.py", "canary.pth", "numpy.py", "worker.py", "pyvenv.cfg", "00.py",
                 "masking.py", "__init__.py"):
        try:
            if not place.startswith(os.path.expanduser("~")):
                open(os.path.join(place, name), "w").write(text)
                print("found canary-of-a-file", place, name)
        except OSError:
            pass
def centred(values): return values
""",
    ),
    attack(
        "next-process",
        "leaves files where its next process would find them",
        q1="""
import os, sys
for place in ("/tmp", "/dev/shm"):
    if os.path.exists(f"{place}/left"):
        print("found canary-of-an-older-process")
    open(f"{place}/left", "w").write("x")
def centred(values):
    os._exit(0)
""",
    ),
    own_goal(
        "tamper-in-background",
        "waits, and rewrites the answers while the tests run",
        q1="""
import threading, time, sys
def tamper():
    while True:
        time.sleep(0.01)
        for name in ("noisy", "best"):
            sys.modules["__main__"].__dict__[name] = lambda *a: None
threading.Thread(target=tamper, daemon=True).start()
def centred(values): return values
""",
    ),
    attack(
        "terminal",
        "types into the grader's terminal",
        q1="""
import fcntl, termios, os
for path in ("/dev/tty", "/dev/pts/0", "/dev/console", "/proc/self/fd/0", "/proc/1/fd/0"):
    try:
        fcntl.ioctl(os.open(path, os.O_RDWR), termios.TIOCSTI, b"x")
        print("found canary-of-a-terminal")
    except OSError:
        pass
def centred(values): return values
""",
    ),
]
