# ruff: noqa: E501
"""Submissions that look odd and are right: every one of them keeps full marks."""

from attack_bank import honest

RIGHT = "def centred(values):\n    return values - values.mean()\n"

HONEST = [
    honest("as-it-is", "the solution itself"),
    honest(
        "prints",
        "prints much",
        q1=f"for k in range(5000): print('line', k)\n{RIGHT}\nprint(centred(np.ones(2)))",
    ),
    honest(
        "warns",
        "warns and logs, on the standard streams and beside them",
        q1="""
import logging, sys, warnings, os
logging.basicConfig(level=logging.DEBUG)
def centred(values):
    warnings.warn("careful"); logging.error("bad"); print("!", file=sys.stderr); sys.stderr.write("x"); sys.stdout.flush()
    sys.__stdout__.write("beside"); os.write(1, b"raw")
    np.log(np.zeros(1)); np.ones(1) / np.zeros(1)
    return values - values.mean()
""",
    ),
    honest("cell-magic", "times its cell", q1=f"%%time\n{RIGHT}"),
    honest(
        "line-magic",
        "uses magic and the shell",
        q1=f"%matplotlib inline\n%load_ext autoreload\n!pip install numpy\nfiles = !ls\n{RIGHT}\n%timeit -n1 centred(np.ones(2))\ncentred?",
    ),
    honest(
        "unicode",
        "writes in its own language",
        q1='def centred(values):\n    """Größe ± 中文 😀"""\n    μ = values.mean(); print("μ = ", μ, "😀\\ud800")\n    return values - μ',
    ),
    honest(
        "inner-imports",
        "imports inside, and has functions of its own",
        q1="""
from functools import partial, wraps
def _mean(values):
    import math
    return math.fsum(values) / len(values)
def noting(function):
    @wraps(function)
    def inner(*arguments): return function(*arguments)
    return inner
@noting
def centred(values):
    return values - _mean(values)
""",
        q2="noisy = lambda rng, values: rng.standard_normal(len(values)) + values",
        q3="""
class Best:
    def __call__(self, evaluate, candidates): return int(evaluate(candidates).argmax())
best = Best()
""",
        q4="""
from collections import OrderedDict
rates = OrderedDict(slow=np.float64(0.25)) | {"fast": 1 / 2}
label = str(np.str_("half"))
""",
    ),
    honest(
        "partial",
        "binds its function in other ways",
        q1="from functools import partial\ndef _f(values, mean): return values - mean(values)\ncentred = partial(_f, mean=np.mean)",
        q2="class A:\n    @staticmethod\n    def noisy(rng, values): return values + rng.normal(size=len(values))\nnoisy = A.noisy",
        q3="class B:\n    def best(self, evaluate, candidates): return evaluate(candidates).argmax()\nbest = B().best",
    ),
    honest(
        "numpy-integers",
        "returns numbers of numpy where numbers of Python would do",
        q3="def best(evaluate, candidates): return np.argmax(evaluate(candidates))",
        q4='rates = {"slow": np.float64(0.25), "fast": np.float32(0.5)}\nlabel = np.str_("half")',
    ),
    honest(
        "list-to-callback",
        "hands the test's function a list",
        q3="def best(evaluate, candidates): return int(np.argmax(evaluate(list(candidates))))",
    ),
    honest("slow", "takes two of three seconds", q1="import time\ntime.sleep(2)\n" + RIGHT),
    honest(
        "threads",
        "works in threads",
        q1="""
from concurrent.futures import ThreadPoolExecutor
def centred(values):
    with ThreadPoolExecutor(4) as pool:
        return values - pool.submit(np.mean, values).result()
""",
    ),
    honest(
        "deep",
        "recurses, and catches what comes of it",
        q1=f"""
import sys
def down(n): return down(n + 1)
try: down(0)
except RecursionError: pass
def add(n): return 0 if n == 0 else 1 + add(n - 1)
add(800)
{RIGHT}
""",
    ),
    honest(
        "global-seed",
        "seeds the old global randomness, and changes how numpy prints and warns",
        q1=f"np.random.seed(0)\nnp.seterr(all='raise')\nnp.set_printoptions(precision=2)\n{RIGHT}",
    ),
    honest(
        "stops-at-the-end",
        "ends its cells with an error, an exit, or a question to the user",
        q1=f"{RIGHT}\nraise SystemExit",
        q2="def noisy(rng, values):\n    return values + rng.normal(size=len(values))\nexit()",
        q3="def best(evaluate, candidates):\n    return int(np.argmax(evaluate(candidates)))\ninput('ready? ')",
        q4='rates, label = {"slow": 0.25, "fast": 0.5}, "half"\n1 / 0',
    ),
    honest(
        "own-tests",
        "tests itself, with asserts of its own",
        q1=f"""
{RIGHT}
assert np.allclose(centred(np.array([1.0, 3.0])), [-1, 1])
def test_centred():
    np.testing.assert_allclose(centred(np.zeros(2)), np.zeros(2))
test_centred()
""",
    ),
    honest(
        "scratch-file",
        "writes a file, and reads it again",
        q1=f"""
import tempfile, os, pickle
with tempfile.TemporaryDirectory() as folder:
    np.save(os.path.join(folder, "x.npy"), np.ones(3)); np.load(os.path.join(folder, "x.npy"))
open("mine.txt", "w").write("x")
{RIGHT}
""",
    ),
    honest(
        "main-guard",
        "is written like a program",
        q1=f"{RIGHT}\nif __name__ == '__main__':\n    print(centred(np.ones(3)))\n    import sys; sys.exit(0)",
    ),
    honest(
        "dataclasses",
        "needs its module's name: dataclasses, pickles, annotations, inspect",
        q1="""
from __future__ import annotations
import copy, inspect, pickle, typing
from dataclasses import dataclass
@dataclass
class Moments:
    mean: float
    def of(values: np.ndarray) -> Moments: return Moments(float(values.mean()))
pickle.loads(pickle.dumps(Moments(1.0)))
typing.get_type_hints(Moments.of)
assert "Moments" in inspect.getsource(Moments.of)
def centred(values: np.ndarray) -> np.ndarray:
    return values - copy.deepcopy(Moments.of(values)).mean
""",
    ),
    honest(
        "unused-names",
        "uses the names that the tests use, for itself",
        q1=f"_check = _rng = _values = _np = None\ncalls, expected, seen = [], 1, 2\n{RIGHT}",
    ),
    honest(
        "changes-a-copy",
        "works in place, on a copy",
        q1="def centred(values):\n    values = values.copy()\n    values -= values.mean()\n    return values",
    ),
    honest(
        "views",
        "returns a view that is not contiguous, and read-only",
        q1="""
def centred(values):
    room = np.zeros((len(values), 2)); room[:, 1] = values - values.mean()
    view = room[:, 1]; view.flags.writeable = False
    return view
""",
        q2="def noisy(rng, values):\n    return (values + rng.normal(size=len(values))).astype('>f8')[:]",
    ),
    honest(
        "catches-all",
        "catches whatever a callback raises",
        q3="""
def best(evaluate, candidates):
    try:
        evaluate(np.zeros(1))
    except ValueError as error:
        assert "candidates" in str(error)
    return int(np.argmax(evaluate(x=candidates)))
""",
    ),
    honest(
        "plots",
        "draws with matplotlib while it is graded",
        q1=f"{RIGHT}\nimport matplotlib.pyplot as plt\nplt.plot(centred(np.arange(4.0)))\nplt.show()",
    ),
]
