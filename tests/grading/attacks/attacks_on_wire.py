# ruff: noqa: E501
"""Forged messages: whoever finds the wire's ends writes what he likes, and the other side reads it."""

from attack_bank import attack, own_goal

FIND = """
import os, json, struct, time, threading
def ends():
    found = []
    for number in range(3, 256):
        try:
            if "pipe" in os.readlink(f"/proc/self/fd/{number}"):
                found.append(number)
        except OSError:
            pass
    return found
def say(data):
    for number in ends():
        try:
            while data:
                data = data[os.write(number, data):]
            return
        except OSError:
            continue
def message(tree, body=b"", header=None):
    header = json.dumps(tree).encode() if header is None else header
    return struct.pack("<II", len(header), len(body)) + header + body
def reply(value, body=b""):
    return message({"dict": [["value", value], ["arguments", {"list": []}]]}, body)
"""

FORGED = {
    "four-gigabytes": ("announces 4 GiB", 'struct.pack("<II", 2**32 - 1, 2**32 - 1)'),
    "too-large": ("announces what is just too much", 'struct.pack("<II", (4 << 20) + 1, 0)'),
    "no-json": ("sends no JSON", 'message(None, header=b"\\xff\\xfe{")'),
    "deep-json": ("sends deep JSON", 'message(None, header=b"[" * 1_000_000)'),
    "deep-tree": ("sends a deep tree", 'message(None, header=b\'{"list":[\' * 5000 + b"]}" * 5000)'),
    "wide-json": ("sends very many empty lists", 'message(None, header=b"[" + b"[]," * 400_000 + b"[]]")'),
    "huge-number": ("sends a number of a million digits", 'message(None, header=b"1" * 1_000_000)'),
    "huge-exponent": ("sends 1e999999999", 'reply({"float": "1e999999999"})'),
    "huge-hex": ("sends a hexadecimal number out of range", 'reply({"float": "0x1p999999999"})'),
    "huge-int": ("sends an integer of a million digits", 'reply({"int": "9" * 1_000_000})'),
    "odd-int": ("sends an integer in other digits", 'reply({"int": "\\u0661\\u0662_3 "})'),
    "no-reply": ("sends a value that is no reply", 'message({"list": []})'),
    "empty-reply": ("sends an empty reply", 'message({"dict": []})'),
    "number-keys": (
        "sends numbers for keys",
        'message({"dict": [[{"int": "1"}, true]]})'.replace("true", "True"),
    ),
    "unhashable-keys": ("sends lists for keys", 'reply({"dict": [[{"list": []}, True]]})'),
    "twice-the-key": (
        "sends a key twice",
        'message({"dict": [["value", {"float": "0x0p0"}], ["value", True], ["error", None]]})',
    ),
    "opaque": ("sends a stand-in with a text of its own", 'reply({"opaque": "x" * 10**6})'),
    "special": ("sends what only the grader may send", 'reply({"special": ["callback", 0]})'),
    "unknown-tag": ("sends an unknown kind of value", 'reply({"pickle": "gASVJAAAAAAAAACMBXBvc2l4"})'),
    "colliding-keys": (
        "sends a dict whose keys all have one hash",
        'reply({"dict": [[{"int": str(k * (2**61 - 1))}, None] for k in range(1, 45_000)]})',
    ),
    "object-dtype": ("sends objects", 'reply({"array": ["numpy", "O", [1]]}, b"\\x08" * 8)'),
    "void-dtype": ("sends raw memory", 'reply({"array": ["numpy", "V8", [1]]}, b"\\x08" * 8)'),
    "record-dtype": ("sends records", 'reply({"array": ["numpy", "f8,f8", [1]]}, b"\\x08" * 16)'),
    "date-dtype": ("sends dates", 'reply({"array": ["numpy", "<M8[s]", [1]]}, b"\\x08" * 8)'),
    "no-dtype": ("sends no dtype", 'reply({"array": ["numpy", {"f": 8}, [1]]}, b"\\x08" * 8)'),
    "zero-size": (
        "sends an empty array of a huge shape",
        'reply({"array": ["numpy", "<f8", [0] + [67108864] * 31]})',
    ),
    "overflow": (
        "sends a shape whose product overflows",
        'reply({"array": ["numpy", "<f8", [2**26, 2**26, 2**26]]}, b"\\x08" * 8)',
    ),
    "negative-shape": ("sends a negative shape", 'reply({"array": ["numpy", "<f8", [-1]]}, b"\\x08" * 8)'),
    "text-shape": ("sends a text for a shape", 'reply({"array": ["numpy", "<f8", "33"]}, b"\\x08" * 8)'),
    "bool-shape": ("sends bools for a shape", 'reply({"array": ["numpy", "<f8", [True]]}, b"\\x08" * 8)'),
    "short-body": ("sends less than it says", 'reply({"array": ["numpy", "<f8", [9]]}, b"\\x08" * 8)'),
    "long-body": ("sends more than it says", 'reply({"array": ["numpy", "<f8", [1]]}, b"\\x08" * 999)'),
    "dim-33": ("sends 64 dimensions", 'reply({"array": ["numpy", "<f8", [1] * 64]}, b"\\x08" * 8)'),
    "torch-longdouble": (
        "sends a tensor that torch lacks",
        'reply({"array": ["torch", "<f16", [1]]}, b"\\xff" * 16)',
    ),
    "callback-nowhere": (
        "asks for a function that nobody handed over",
        'message({"dict": [["callback", {"int": "-1"}], ["arguments", {"list": []}], ["options", {"dict": []}]]})',
    ),
    "callback-odd": (
        "asks for a function with a text for its number",
        'message({"dict": [["callback", "__init__"], ["arguments", "x"], ["options", None]]})',
    ),
    "function-error": (
        "says that it stopped with an exception that is none",
        'message({"dict": [["error", {"dict": [["kind", "print"], ["text", "passed"], ["where", {"list": []}]]}]]})',
    ),
    "stop-iteration": (
        "says that it stopped with StopIteration, to end a test's loop",
        'message({"dict": [["error", {"dict": [["kind", "StopIteration"], ["text", ""]]}]]})',
    ),
    "warning": (
        "says that it stopped with a warning",
        'message({"dict": [["error", {"dict": [["kind", "Warning"], ["text", ""]]}]]})',
    ),
    "empty-error": ("says that it stopped with nothing", 'message({"dict": [["error", {"dict": []}]]})'),
    "assertion": (
        "says that a test failed without a word",
        'message({"dict": [["error", {"dict": [["kind", "AssertionError"], ["text", ""]]}]]})',
    ),
}
"""Name -> what it sends in the place of its first reply in question 1, and the bytes."""

ATTACKS = [
    own_goal(f"wire-{name}", what, q1=f"{FIND}\ndef centred(values):\n    say({code})\n    return values")
    for name, (what, code) in FORGED.items()
]

ATTACKS += [
    own_goal(
        "wire-zeros-ahead",
        "fills the wire with replies before anything is asked",
        q1=FIND
        + """
for _ in range(50):
    say(reply({"array": ["numpy", "<f8", [3]]}, bytes(24)))
def centred(values):
    return values
""",
    ),
    own_goal(
        "wire-forged-look",
        "says that its answers are bound to something else",
        q4=FIND
        + """
import gc
worker = [thing for thing in gc.get_objects() if type(thing).__name__ == "Worker"][0]
worker.do_look = lambda names: {
    "functions": ["_check", "_np", "abs", "max", "set", "sum", *names],
    "values": {"_check": None, "print": None, "rates": None, "label": None},
}
rates, label = None, None
""",
    ),
    own_goal(
        "wire-endless-messages",
        "sends small replies for ever",
        q1=FIND
        + """
def flood():
    while True:
        say(reply(True))
def centred(values):
    threading.Thread(target=flood, daemon=True).start()
    return values
""",
    ),
    own_goal(
        "wire-endless-callbacks",
        "asks for a function for ever",
        q1=FIND
        + """
def centred(values):
    while True:
        say(message({"dict": [["callback", {"int": "0"}], ["arguments", {"list": []}], ["options", {"dict": []}]]}))
""",
    ),
    own_goal(
        "wire-slow-drip",
        "sends a byte now and then",
        q1=FIND
        + """
def centred(values):
    say(struct.pack("<II", 1000, 0))
    while True:
        time.sleep(0.2)
        say(b" ")
""",
    ),
    own_goal(
        "wire-closed",
        "closes the wire, and lives on",
        q1=FIND
        + """
def centred(values):
    for number in ends():
        os.close(number)
    time.sleep(3600)
""",
    ),
    own_goal(
        "wire-replaced",
        "puts a file in the place of the wire",
        q1=FIND
        + """
def centred(values):
    for number in ends():
        os.dup2(os.open("/dev/zero", os.O_RDWR), number)
    return values
""",
    ),
    own_goal(
        "wire-read-ahead",
        "reads the grader's requests itself, to learn the cases",
        q1=FIND
        + """
def thief():
    for number in ends():
        try:
            print(os.read(number, 1 << 20))
        except OSError:
            continue
threading.Thread(target=thief, daemon=True).start()
def centred(values):
    return values
""",
    ),
    attack(
        "forged-results-files",
        "writes results where results may be read",
        q1="""
import json, os
for folder in (".", "/tmp", "/course", "/", "..", "/dev/shm", "results", "/course/course_lib/grading"):
    try:
        os.makedirs(folder, exist_ok=True)
        text = json.dumps({"student": "forged", "status": "graded", "marks": [], "assignment": "ps8_doors"})
        open(f"{folder}/forged.json", "w").write(text)
    except OSError:
        pass
def centred(values):
    return values
""",
    ),
]
