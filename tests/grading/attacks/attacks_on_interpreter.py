"""Patches of what runs beside the answer: builtins, imports, numpy, json, the wire, frames, memory."""

from attack_bank import attack, own_goal

ATTACKS = [
    attack(
        "builtins-assert",
        "makes comparisons and AssertionError harmless for the tests",
        q1="""
import builtins
builtins.AssertionError = builtins.Exception = type("Calm", (BaseException,), {})
builtins.abs = builtins.all = builtins.any = lambda *a: True
builtins.isinstance = lambda *a: True
centred = lambda values: values
""",
    ),
    attack(
        "numpy-allclose",
        "patches the functions that compare",
        q1="""
import numpy, numpy.testing
for name in ("allclose", "array_equal", "isclose", "array_equiv"):
    setattr(numpy, name, lambda *a, **k: True)
def centred(values):
    return values
""",
    ),
    attack(
        "misconceptions-patched",
        "patches the module that the tests call",
        q1="""
from course_lib.grading import misconceptions
misconceptions.expect_close = misconceptions.call = lambda *a, **k: None
misconceptions._close = lambda *a: True
def centred(values):
    return values
""",
    ),
    attack(
        "fake-module",
        "puts a module of its own in the place of course_lib",
        q1="""
import sys, types
fake = types.ModuleType("course_lib.grading.misconceptions")
fake.expect_close = fake.call = fake.checking = lambda *a, **k: None
sys.modules["course_lib.grading.misconceptions"] = fake
sys.meta_path.insert(0, type("Finder", (), {"find_spec": staticmethod(lambda *a: None)}))
def centred(values):
    return values
""",
    ),
    attack(
        "test-names",
        "defines the names that the tests use themselves",
        q1="""
_check = _np = _rng = _generator = None
def print(*a): pass
def range(*a): return []
def zip(*a, **k): return []
def centred(values):
    return values
""",
    ),
    own_goal(
        "settrace",
        "follows every frame, and changes local variables",
        q1="""
import sys
def tracer(frame, event, argument):
    for name in list(frame.f_locals):
        if name in ("expected", "seen", "values", "target"):
            frame.f_locals[name] = None
    return tracer
sys.settrace(tracer)
def centred(values):
    return values
""",
    ),
    attack(
        "frames-above",
        "looks for what is expected in the frames above",
        q1="""
import sys
def centred(values):
    frame = sys._getframe()
    while frame:
        for scope in (frame.f_locals, frame.f_globals):
            for name in ("expected", "_values", "target"):
                if name in scope:
                    return np.asarray(scope[name])
        frame = frame.f_back
    return values
""",
    ),
    attack(
        "garbage",
        "looks for the reference among all objects",
        q1="""
import gc, types
def centred(values):
    for thing in gc.get_objects():
        if isinstance(thing, types.FunctionType) and thing.__name__ == "centred" and thing is not centred:
            return thing(values)
    return values
""",
    ),
    attack(
        "ctypes-poke",
        "makes True of False, and 1 of 0, in the interpreter's memory",
        q1="""
import ctypes
zero = id(0)
def centred(values):
    ctypes.memset(id(values) + 16, 0, 0)
    return values
""",
    ),
    own_goal(
        "ctypes-crash",
        "crashes the interpreter with a null pointer",
        q1="""
import ctypes
def centred(values):
    ctypes.string_at(0)
""",
    ),
    attack(
        "audit-hook",
        "stops whatever the interpreter does",
        q4="""
import sys
sys.addaudithook(lambda event, arguments: None)
rates, label = {"slow": 1.0}, "?"
""",
    ),
    own_goal(
        "json-patched",
        "lets the wire write what it likes",
        q1="""
import json, struct
json.dumps = lambda *a, **k: '{"dict": [["value", true]]}'
def centred(values):
    return values
""",
    ),
    own_goal(
        "wire-patched",
        "encodes every value as True, whatever it is",
        q1="""
from course_lib.grading import wire
real = wire.encode
wire.encode = lambda value, special=None: real({**value, "value": True} if "value" in value else value)
def centred(values):
    return values
""",
    ),
    own_goal(
        "worker-patched",
        "replaces the worker's own methods",
        q1="""
import gc
for thing in gc.get_objects():
    if type(thing).__name__ == "Worker":
        type(thing).do_call = lambda self, **request: {"value": True, "points": 100, "passed": True}
        type(thing).do_look = lambda self, names: {"functions": [], "values": {name: 1 for name in names}}
def centred(values):
    return values
""",
    ),
    own_goal(
        "replies-of-another-kind",
        "answers with points, marks and messages in the place of a value",
        q1="""
import gc
worker = [thing for thing in gc.get_objects() if type(thing).__name__ == "Worker"][0]
def reply(reply):
    from course_lib.grading import wire
    marks = [{"name": "q1-visible", "points": 100.0, "out_of": 1.0}]
    wire.write(worker._send, wire.encode({"marks": marks, "status": "graded", "points": 100, "message": ""}))
worker._reply = reply
def centred(values):
    return values
""",
    ),
    own_goal(
        "import-hook",
        "stops all imports to come",
        q2="""
import builtins
def refuse(*a, **k): raise ImportError("no")
builtins.__import__ = refuse
def noisy(rng, values):
    return values
""",
    ),
    own_goal(
        "deleted-builtins",
        "empties the builtins",
        q2="""
import builtins
vars(builtins).clear()
""",
    ),
    attack(
        "codec",
        "registers codecs and error handlers of its own",
        q1="""
import codecs
codecs.register(lambda name: None)
codecs.register_error("replace", lambda error: ("passed", error.end))
centred = lambda values: values
""",
    ),
    attack(
        "other-questions-function",
        "defines the function of a later question, which that question's own cell defines again",
        q1="""
def centred(values): return values
def noisy(rng, values): raise SystemExit
def best(evaluate, candidates): return 0
rates, label = {}, ""
""",
    ),
    attack(
        "test-cells-name",
        "names functions like test cells, and results like results",
        q1="""
globals()["q1-visible"] = globals()["q1-hidden"] = lambda *a: None
points = marks = score = passed = 100
centred = lambda values: values
""",
    ),
    attack(
        "recursion-limit",
        "recurses until the stack is gone",
        q1="""
def centred(values):
    return centred(values)
""",
    ),
    own_goal(
        "recursion-without-limit",
        "recurses through the end of the stack",
        q1="""
import sys
sys.setrecursionlimit(10**9)
def centred(values):
    return [centred(values)][0]
def crash(n): return (lambda *a: crash(n))(*map(repr, [n]))
deep = []
for _ in range(10**6): deep = [deep]
repr(deep) if False else None
hash(tuple(deep)) if False else None
""",
    ),
    attack(
        "parser-bomb",
        "brings down the parser with nesting",
        q1="(" * 5000 + ")" * 5000,
    ),
    attack(
        "null-byte", "a source that cannot be compiled", q1="x = '\0'\ndef centred(values): return values"
    ),
    attack(
        "release-stub",
        "raises what an unanswered question raises, to get its tests left out",
        q1="def centred(values):\n    raise NotImplementedError()",
    ),
]
