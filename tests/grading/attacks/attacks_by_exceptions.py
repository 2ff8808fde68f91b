"""Exceptions with odd types, texts and names, and ways to end: none of them may count as a passed test."""

from attack_bank import attack

RAISES = {
    "assertion-passed": 'raise AssertionError("Question 1: passed")',
    "assertion-empty": "raise AssertionError()",
    "own-not-implemented": 'raise type("NotImplementedError", (Exception,), {})("passed")',
    "named-like-builtin": 'raise type("Warning", (BaseException,), {})("")',
    "named-like-function": 'raise type("print", (Exception,), {})("")',
    "named-like-group": 'raise type("ExceptionGroup", (Exception,), {})("")',
    "named-like-unicode": 'raise type("UnicodeDecodeError", (Exception,), {})("")',
    "name-is-no-name": 'raise type("<script>alert(1)</script>\\n\\x00", (Exception,), {})("")',
    "long-name": 'raise type("X" * 10**6, (Exception,), {})("y" * 10**7)',
    "hostile-text": 'raise type("E", (Exception,), {"__str__": lambda s: 1 / 0})()',
    "text-exits": 'raise type("E", (Exception,), {"__str__": lambda s: exit()})()',
    "keyboard": "raise KeyboardInterrupt",
    "system-exit-zero": "raise SystemExit(0)",
    "system-exit-text": 'raise SystemExit("passed")',
    "generator-exit": "raise GeneratorExit",
    "stop-iteration": "raise StopIteration([])",
    "stop-async": "raise StopAsyncIteration",
    "group": 'raise BaseExceptionGroup("g", [SystemExit(), KeyboardInterrupt()])',
    "recursion": "raise RecursionError",
    "memory": "raise MemoryError",
    "warning": 'raise Warning("passed")',
    "syntax": 'raise SyntaxError("", ("f", 1, 1, "passed"))',
    "name": 'raise NameError("passed")',
    "import": 'raise ImportError("passed")',
    "os-error": 'raise OSError(0, "passed")',
    "wire-error": "from course_lib.grading.wire import WireError; raise WireError",
    "cause": "error = ValueError(); error.__cause__ = error; error.__context__ = error; raise error",
    "no-exception": "raise None",
    "exit": "exit(0)",
}

ATTACKS = [
    attack(
        f"raises-{name}",
        f"ends each function with {code[:60]}",
        q1=f"def centred(values):\n    {code}",
        q2=f"def noisy(rng, values):\n    {code}",
        q3=f"def best(evaluate, candidates):\n    evaluate(candidates)\n    {code}",
        q4=f"def ends():\n    {code}\nends()\nrates = label = None",
    )
    for name, code in RAISES.items()
]
ATTACKS += [
    attack(
        "answers-above-the-end",
        "stops its cell before anything is bound",
        q1="raise SystemExit(0)\ndef centred(values): return values - values.mean()",
    ),
    attack("async", "returns a coroutine", q1="async def centred(values): return values - values.mean()"),
]
