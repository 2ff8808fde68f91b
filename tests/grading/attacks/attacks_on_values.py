# ruff: noqa: E501
"""Values that hope to pass for right: equal to everything, or so odd that the comparison gives up."""

from attack_bank import Attack

RETURNS = {
    "always-equal": (
        "equals everything",
        "class Yes:\n    def __eq__(self, other): return True\n    def __ne__(self, other): return False\n"
        "    __bool__ = __lt__ = __gt__ = __le__ = __ge__ = lambda *a: True\n    __hash__ = None\nvalue = Yes()",
    ),
    "array-subclass": (
        "an array that answers for itself in every numpy function",
        "class Mine(np.ndarray):\n    def __array_function__(self, *a): return True\n"
        "    def __array_ufunc__(self, *a, **k): return True\n    def __eq__(self, other): return True\n"
        "    def __array_finalize__(self, other): pass\nvalue = np.zeros(3).view(Mine)",
    ),
    "array-interface": (
        "an object that is an array when asked",
        "class Mine:\n    dtype = np.dtype(float)\n    shape = (3,)\n"
        "    def __array__(self, *a, **k): return np.zeros(3)\nvalue = Mine()",
    ),
    "str-subclass": (
        "a text that equals everything",
        "value = type('S', (str,), {'__eq__': lambda *a: True})('x')",
    ),
    "int-subclass": (
        "an integer that equals everything",
        "value = type('I', (int,), {'__eq__': lambda *a: True, '__index__': lambda s: 7, '__hash__': None})(1)",
    ),
    "float-subclass": (
        "a float with texts of its own",
        "value = type('F', (float,), {'hex': lambda *a: 'passed', '__eq__': lambda *a: True})(1)",
    ),
    "list-subclass": (
        "a list without an end",
        "value = type('L', (list,), {'__iter__': lambda s: iter(int, 1)})()",
    ),
    "dict-subclass": (
        "a dict with what is asked for",
        "value = type('D', (dict,), {'items': lambda s: [(float('nan'), 1)] * 9, '__eq__': lambda *a: True})()",
    ),
    "hostile-repr": (
        "raises in every method that a message could call",
        "def no(*a): raise SystemExit('passed')\nvalue = type('R', (), {'__repr__': no, '__str__': no, "
        "'__reduce__': no, '__del__': no, '__format__': no})()",
    ),
    "hostile-class": (
        "says that it is an array",
        "value = type('C', (), {'__class__': property(lambda s: np.ndarray)})()",
    ),
    "opaque": (
        "the grader's own stand-in for what cannot travel",
        "from course_lib.grading.wire import Opaque\nvalue = Opaque('anything')",
    ),
    "pickle": (
        "runs code where it is unpickled",
        "import os\nvalue = type('P', (), {'__reduce__': lambda s: (os.system, ('exit',))})()",
    ),
    "type": ("a class", "value = type"),
    "function": ("a function", "value = lambda *a: True"),
    "module": ("a module", "import sys as value"),
    "nan": ("NaN everywhere", "value = np.full(3, np.nan)"),
    "infinite": ("infinity everywhere", "value = np.full(3, np.inf)"),
    "none": ("nothing", "value = None"),
    "true": ("True", "value = True"),
    "ellipsis": ("an ellipsis", "value = ..."),
    "empty": ("an empty array", "value = np.empty(0)"),
    "no-dimensions": ("an array without dimensions", "value = np.array(0.0)"),
    "many-dimensions": ("an array of 32 dimensions", "value = np.zeros((1,) * 32)"),
    "too-many-dimensions": ("an array of 64 dimensions", "value = np.zeros((1,) * 64)"),
    "object-array": ("an array of objects", "value = np.array([print, {}, None], dtype=object)"),
    "complex-array": ("complex numbers", "value = np.full(3, 1j)"),
    "text-array": ("texts", "value = np.array(['1', '2', '3'])"),
    "dates": ("dates", "value = np.array(['2026-01-01'], dtype='M8[s]')"),
    "records": ("records", "value = np.zeros(3, dtype=[('a', 'f8')])"),
    "long-double": (
        "numbers of 16 bytes that are none",
        "value = np.frombuffer(b'\\xff' * 48, np.longdouble)",
    ),
    "masked": ("everything masked", "value = np.ma.masked_all(3)"),
    "denormal": ("the smallest numbers", "value = np.full(3, 5e-324)"),
    "negative-zero": ("negative zeros", "value = np.full(3, -0.0)"),
    "odd-bools": ("bools that are neither", "value = np.frombuffer(b'\\x02\\x80\\xff', bool)"),
    "many-short-axes": ("an array of 22 axes of 2", "value = np.zeros((2,) * 22, bool)"),
    "short-axes-in-a-list": ("a list of such an array", "value = [np.zeros((2,) * 20, bool)]"),
    "arrays-in-a-dict": (
        "a dict of very many arrays",
        "value = {k: np.zeros(900, bool) for k in range(4000)}",
    ),
    "many-empty-arrays": ("very many arrays of nothing", "value = [np.zeros((0, 1 << 25))] * 10_000"),
    "large-array": ("as much as can be sent", "value = np.zeros(60 << 20, bool)"),
    "large-lists": (
        "a list of lists of large arrays",
        "value = [[np.zeros(1 << 24, bool)] * 2, [np.zeros(1 << 24, bool)]]",
    ),
    "ragged": ("a list of arrays of different shapes", "value = [np.zeros((k, 3)) for k in range(2000)]"),
    "long-keys": ("a dict with texts of a megabyte for keys", "value = {'x' * 10**6: 1, 'y' * 10**6: 2}"),
    "number-text": ("a text of a million digits", "value = '1' * 10**6"),
    "huge-integer": ("an integer of 100 000 digits", "value = 10 ** 100_000"),
    "huge-text": ("a text of 10 MiB", "value = 'x' * (10 << 20)"),
    "huge-array": ("an array of 512 MiB", "value = np.zeros(1 << 26)"),
    "huge-list": ("a list of a million items", "value = [0] * 10**6"),
    "huge-view": ("a view of 8 EiB", "value = np.broadcast_to(0.0, (1 << 30, 1 << 30))"),
    "nested": ("a list nested a thousandfold", "value = []\nfor _ in range(1000): value = [value]"),
    "cycle": ("a list that holds itself", "value = []\nvalue.append(value)"),
    "nan-keys": ("a dict with many NaN as keys", "value = {float('nan'): k for k in range(100)}"),
    "surrogates": ("half characters", "value = '\\ud800\\udfff\\x00'"),
    "endless": ("a generator without an end", "import itertools\nvalue = itertools.count()"),
    "bytes": ("bytes", "value = b'passed'"),
    "set": ("a set", "value = {1, 2}"),
}
"""Name -> what it is, and code that makes `value`."""

LARGE = {
    "short-axes-in-a-list",
    "arrays-in-a-dict",
    "many-empty-arrays",
    "large-array",
    "large-lists",
    "huge-array",
}
"""These are slow to make, and tried on one question only."""


def _everywhere(code: str) -> dict[str, str]:
    return {
        "q1": f"{code}\ndef centred(values):\n    return value",
        "q2": "def noisy(rng, values):\n    return value",
        "q3": "def best(evaluate, candidates):\n    evaluate(candidates)\n    return value",
        "q4": "rates = label = value",
    }


ATTACKS = [
    Attack(
        name=f"value-{name}",
        tries=f"returns, and binds, {what}",
        cells={"q1": _everywhere(code)["q1"]} if name in LARGE else _everywhere(code),
    )
    for name, (what, code) in RETURNS.items()
]
