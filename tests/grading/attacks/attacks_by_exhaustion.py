# ruff: noqa: E501
"""Taking more than there is: time, memory, threads, files, output. Others must not notice."""

from attack_bank import attack, own_goal

ATTACKS = [
    attack("endless-cell", "a cell that never ends", q1="while True: pass"),
    attack("endless-call", "a call that never ends", q1="def centred(values):\n    while True: pass"),
    attack(
        "endless-without-python",
        "a call that never ends, and holds the interpreter's lock",
        q1="def centred(values):\n    return 3 ** (10 ** 9)",
    ),
    attack("sleep", "sleeps", q1="import time\ndef centred(values):\n    time.sleep(10**6)"),
    own_goal(
        "slow-everywhere",
        "uses up each call's time, but never all of it",
        q1="import time\ndef centred(values):\n    time.sleep(2.7)\n    return values",
        q2="import time\ndef noisy(rng, values):\n    time.sleep(2.7)\n    return values",
    ),
    attack(
        "memory",
        "takes all memory",
        q1="def centred(values):\n    return b''.join(b'x' * (1 << 28) for _ in range(400))",
    ),
    own_goal(
        "memory-in-small-pieces",
        "takes all memory in small pieces",
        q1="kept = []\ndef centred(values):\n    while True:\n        kept.append(np.ones(1 << 20))",
    ),
    own_goal(
        "threads",
        "starts threads without an end",
        q1="""
import threading, time
threading.stack_size(32768)
def centred(values):
    try:
        for _ in range(3000):
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    except RuntimeError:
        pass
    return values
""",
    ),
    attack(
        "output",
        "prints without an end",
        q1="def centred(values):\n    for _ in range(3000): print('x' * 100_000)\n    return values",
    ),
    attack(
        "output-beside-the-stream",
        "writes to the standard streams' descriptors",
        q1="import os\ndef centred(values):\n    for n in (0, 1, 2): os.write(n, b'x' * 10**7)\n    return values",
    ),
    attack(
        "disk",
        "fills every folder that can be written, with large files, sparse ones and many",
        q1="""
import os
written = 0
for folder in ("/tmp", "/dev/shm", "/course", "/dev", "/"):
    try:
        with open(f"{folder}/large", "wb", 0) as file:
            for _ in range(400):
                written += file.write(bytes(1 << 20))
    except OSError:
        pass
    try:
        os.truncate(f"{folder}/large", 1 << 40)
        written += 1 << 40
    except OSError:
        pass
print("wrote", written)
if written > 200 << 20:
    print("found canary-of-a-disk")
for k in range(20_000):
    try: open(f"/tmp/{k}", "w").close()
    except OSError: break
def centred(values): return values
""",
    ),
    own_goal(
        "descriptors",
        "opens files without an end",
        q1="import os\ndef centred(values):\n    while True: os.open('/dev/null', 0)",
    ),
    attack(
        "shared-memory",
        "takes memory that is not its own: anonymous, in files of memory, of System V",
        q1="""
import ctypes, mmap, os
libc = ctypes.CDLL(None)
size, kept = 3200 << 20, []
for make in (
    lambda: mmap.mmap(-1, size),
    lambda: mmap.mmap(os.open("/dev/zero", os.O_RDWR), size, flags=mmap.MAP_SHARED),
    lambda: os.memfd_create("x"),
):
    try:
        kept.append(make())
        print("found canary-of-shared-memory", len(kept))
    except (OSError, ValueError):
        pass
if libc.syscall(29, 0, ctypes.c_size_t(size), 0o1600) >= 0:
    print("found canary-of-shared-memory of System V")
def centred(values): return values
""",
    ),
    attack(
        "huge-source",
        "a cell of two million characters",
        q1="x = '" + "y" * 2_000_000 + "'\ndef centred(values): return values - values.mean()",
    ),
    own_goal(
        "crash-each-time",
        "crashes at every second start, so that processes follow on processes",
        q1="import os, time\nif int(time.time() * 1000) % 2: os._exit(1)\ndef centred(values): os._exit(1)",
        q2="import os\nos._exit(1)",
        q3="import os\ndef best(evaluate, candidates):\n    evaluate(candidates)\n    os._exit(1)",
    ),
]
