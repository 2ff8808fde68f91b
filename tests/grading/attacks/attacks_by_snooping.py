# ruff: noqa: E501
"""Reading what is none of a student's business: tests, solutions, neighbours, secrets, the reference itself.

Each looks for the word that stands in everything secret here, and prints what it finds.
"""

from attack_bank import attack

LOOK = """
import os
WORD = b"canary" + b"-of-"
def show(where, data):
    at = data.find(WORD)
    if at >= 0:
        print("found", where, data[at:at + 40])
def read(path, limit=4 << 20):
    try:
        with open(path, "rb") as file:
            show(path, file.read(limit))
    except OSError:
        pass
def walk(top, most=20_000):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in ("proc", "torch", "scipy", "nvidia")]
        for name in files:
            most -= 1
            if most < 0:
                return
            path = os.path.join(folder, name)
            if name.endswith((".ipynb", ".json", ".txt", ".cfg", ".key", ".part", ".pth", ".db", ".env")):
                read(path)
"""

ATTACKS = [
    attack(
        "snoop-folders",
        "searches every folder for notebooks, results and secrets",
        q1=LOOK + "for top in os.listdir('/'): walk('/' + top)",
    ),
    attack(
        "snoop-environment",
        "reads the environment of every process",
        q1=LOOK
        + """
show("environment", repr(os.environ).encode())
for number in range(1, 200):
    read(f"/proc/{number}/environ"); read(f"/proc/{number}/cmdline"); read(f"/proc/{number}/task/{number}/environ")
read("/proc/self/environ"); read("/proc/thread-self/environ"); read("/proc/self/mountinfo"); read("/proc/keys")
""",
    ),
    attack(
        "snoop-own-memory",
        "searches its own memory, where a fork of the grader would still hold the tests",
        q1=LOOK
        + """
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    mine = WORD + b"t"  # not its own word
    for line in maps:
        low, high = (int(edge, 16) for edge in line.split()[0].split("-"))
        if " rw" in line and high - low < 1 << 27 and "[v" not in line:
            try:
                memory.seek(low)
                data = memory.read(high - low)
            except (OSError, ValueError):
                continue
            for tail in (b"he-hidden", b"he-environment", b"he-course", b"he-solution"):
                if mine + tail + b"-" in data:
                    print("found", mine + tail)
""",
    ),
    attack(
        "snoop-other-memory",
        "reads the memory of every process",
        q1=LOOK
        + """
import ctypes
for number in [1, *range(2, 100), os.getppid()]:
    if number != os.getpid():
        try:
            open(f"/proc/{number}/mem", "rb", 0).read(1)
            print("found memory of", number)
        except OSError:
            pass
    if ctypes.CDLL(None).ptrace(16, number, 0, 0) == 0:
        print("found canary-of-ptrace")
""",
    ),
    attack(
        "snoop-descriptors",
        "reads files that the grader may have left open",
        q1=LOOK
        + """
import sys
for number in range(256):
    try:
        target = os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        continue
    if "pipe" not in target:
        read(f"/proc/self/fd/{number}")
        if target.endswith((".ipynb", ".json")) or "socket" in target:
            print("found canary-of-", target)
for number in range(1, 100):
    try:
        print("found canary-of-root", os.listdir(f"/proc/{number}/root{sys.prefix}/../solutions"))
    except OSError:
        pass
""",
    ),
    attack(
        "snoop-bytecode",
        "reads compiled copies of the library",
        q1=LOOK
        + """
import glob, sys
for folder in [*sys.path, "/course"]:
    for path in glob.glob(f"{folder}/course_lib/**/*.pyc", recursive=True):
        print("found canary-of-", path)
    for name in ("solutions", "assignments", "tests", ".git", "grading", "shared"):
        if os.path.exists(os.path.join(sys.prefix, "..", name)) or os.path.exists(f"/course/{name}"):
            print("found canary-of-", name)
""",
    ),
    attack(
        "snoop-reference",
        "calls the reference where the library still has it",
        q1="""
found = []
try:
    from course_lib.transfer import epopt
    print(epopt.posterior_weights.__name__, "is there")
    for name, thing in vars(epopt).items():
        if name == "centred":
            centred = thing
except ImportError as error:
    print(error)
""",
    ),
    attack(
        "snoop-parent-folders",
        "imports the solution as a module",
        q1="""
import sys, importlib
sys.path[:0] = ["/", "..", "../..", f"{sys.prefix}/..", "/course/..", "/tmp"]
for name in ("solutions.ps8_doors.ps8_doors", "ps8_doors", "tests.grading.attacks.attacked_course", "attacked_course"):
    try:
        importlib.import_module(name)
        print("found canary-of-", name)
    except Exception:
        pass
""",
    ),
]
