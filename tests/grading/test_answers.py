"""Answers come out of a notebook whatever happened to it, and nothing else does."""

import copy
import json
import random
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading.answers import LONGEST_ANSWER, Handout, UnreadableNotebook, read_answers

ROOT = Path(__file__).parents[2]
STUB = "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
RIGHT = "def double(x):\n    return 2 * x"
OTHER = "def double(x):\n    return x + x"
USES = "def double(x):\n    return two * x"


def graded(make, source, name, **fields):
    meta = {"grade_id": name, "grade": False, "solution": False, "locked": False, "task": False, **fields}
    return make(source, id=name, metadata={"nbgrader": meta})


RELEASE = new_notebook(
    cells=[
        graded(new_markdown_cell, "# Problem set 9: doubles", "intro", locked=True),
        new_code_cell("import math\nbase = 1", id="setup"),
        graded(new_code_cell, STUB, "q1", solution=True),
        graded(new_code_cell, "assert double(2) == 4", "q1-test", grade=True, locked=True, points=1),
        graded(new_code_cell, "class Model:\n    pass\n\ndef fit(x):\n    pass", "q2", solution=True),
        graded(new_markdown_cell, "In your own words: why?", "q3-text", locked=True),
        graded(new_markdown_cell, "YOUR ANSWER HERE", "q3", solution=True, grade=True, points=2),
    ]
)
HANDOUT = Handout.of(RELEASE)
NAMES = {"q1", "q2", "q3"}


def cell(book, name):
    return next(c for c in book["cells"] if c["id"] == name)


@pytest.fixture
def book():
    """A notebook as a file holds it, with q1 done."""
    made = json.loads(nbformat.writes(RELEASE))
    cell(made, "q1")["source"] = RIGHT.splitlines(keepends=True)
    return made


def read(book, encoding="utf-8"):
    return read_answers(json.dumps(book).encode(encoding), HANDOUT)


def test_an_honest_notebook(book):
    reading = read(book)
    assert reading.answers.keys() == NAMES
    assert (reading.answers["q1"], reading.answers["q3"]) == (RIGHT, "YOUR ANSWER HERE")
    assert reading.problems == ()
    assert reading.changed == 1


def test_the_real_release_gives_its_own_stubs():
    path = ROOT / "assignments" / "ps2_epopt" / "ps2_epopt.ipynb"
    release = nbformat.read(path, as_version=4)
    reading = read_answers(path.read_bytes(), Handout.of(release))
    assert reading.answers == {
        c.metadata.nbgrader.grade_id: c.source
        for c in release.cells
        if c.metadata.get("nbgrader", {}).get("solution")
    }
    assert len(reading.answers) >= 7
    assert (reading.problems, reading.changed) == ((), 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_encodings(book, encoding):
    cell(book, "q3")["source"] = "weil es größer ist"
    data = json.dumps(book, ensure_ascii=False).encode(encoding)
    assert read_answers(data, HANDOUT).answers["q3"] == "weil es größer ist"


def _rename(c):
    c["metadata"]["nbgrader"]["grade_id"] = "renamed"


def _strip(c):
    c["metadata"] = {}


def _flip(c):
    c["metadata"]["nbgrader"].update(solution=False, locked=True, grade=True, points=99)


def _retype(c):
    c["cell_type"] = "raw"


def _lose_everything(c):
    c.pop("id"), c.pop("metadata")


def _colab(c):
    c["metadata"] = {"id": c.pop("id")}


@pytest.mark.parametrize("damage", [_rename, _strip, _flip, _retype, _lose_everything, _colab])
@pytest.mark.parametrize("name", ["q1", "q3"])
def test_damaged_metadata_costs_nothing(book, damage, name):
    cell(book, "q3")["source"] = "because"
    damage(cell(book, name))
    reading = read(book)
    assert (reading.answers["q1"], reading.answers["q3"]) == (RIGHT, "because")
    assert reading.answers.keys() == NAMES


def test_whole_notebook_without_metadata(book):
    book["metadata"], book["nbformat_minor"] = "nonsense", 0
    for c in book["cells"]:
        _lose_everything(c)
    reading = read(book)
    assert reading.answers["q1"] == RIGHT
    assert any("found in another cell" in said for said in reading.problems)


def test_tests_and_foreign_cells_stay_behind(book):
    cell(book, "q1-test")["source"] = "def double(x): return 'forged'"
    book["cells"].append(
        {"cell_type": "code", "source": "x = 1", "metadata": {"nbgrader": {"grade_id": "q9"}}}
    )
    book["cells"].append(
        {"cell_type": "code", "source": "import os", "metadata": {"tags": ["skip-execution"]}}
    )
    reading = read(book)
    assert reading.answers.keys() == NAMES
    assert reading.answers["q1"] == RIGHT
    assert reading.problems == ()


def with_q1(book, *sources):
    at = next(i for i, c in enumerate(book["cells"]) if c["id"] == "q1")
    copies = [copy.deepcopy(book["cells"][at]) for _ in sources]
    for n, (c, source) in enumerate(zip(copies, sources, strict=True)):
        c["source"], c["id"] = source, f"q1-{n}" if n else "q1"
    book["cells"][at : at + 1] = copies
    return book


@pytest.mark.parametrize(
    ("copies", "kept"),
    [
        ([RIGHT, STUB], RIGHT),
        ([STUB, RIGHT, STUB + "  \n"], RIGHT),
        ([RIGHT, RIGHT], RIGHT),
        ([OTHER, RIGHT], RIGHT),  # the last one, as in a run from top to bottom
        ([RIGHT, OTHER], OTHER),
        ([RIGHT, ""], RIGHT),
        (["x = 3\ndouble(x)", RIGHT], RIGHT),
        (["double(3)", RIGHT, "y = double(4)"], RIGHT),  # trying out, which may well fail
        (["two = 2", USES, "nothing = 1"], f"two = 2\n\n{USES}"),  # a cell that was split
        (["import math as m", "two = m.pi", USES], f"import math as m\n\ntwo = m.pi\n\n{USES}"),
        ([USES, "two = 2"], f"{USES}\n\ntwo = 2"),
        (["not Python", "no function"], "no function"),
    ],
)
def test_copied_cells(book, copies, kept):
    reading = read(with_q1(book, *copies))
    assert reading.answers["q1"] == kept
    assert any(said.startswith("q1: its cell is there") for said in reading.problems)


def test_copies_that_nobody_touched_are_nothing_to_talk_about(book):
    reading = read(with_q1(book, STUB, STUB))
    assert (reading.answers["q1"], reading.problems) == (STUB, ())


def test_a_question_of_two_parts_in_two_copies(book):
    parts = ["class Model:\n    a = 1", "def fit(x):\n    return Model()"]
    cell(book, "q2")["source"] = parts[0]
    book["cells"].append({**copy.deepcopy(cell(book, "q2")), "id": "x", "source": parts[1]})
    assert read(book).answers["q2"] == "\n\n".join(parts)


def test_a_copy_that_became_a_note_does_not_count(book):
    with_q1(book, RIGHT, "this one did not work:\n" + OTHER)
    book["cells"][3]["cell_type"] = "markdown"
    assert read(book).answers["q1"] == RIGHT


def test_the_answer_in_a_cell_of_ones_own(book):
    cell(book, "q1")["source"] = STUB
    book["cells"].insert(3, {"cell_type": "code", "source": OTHER, "metadata": {}})
    reading = read(book)
    assert reading.answers["q1"] == OTHER
    assert reading.problems == (
        "q1: the answer was found in another cell than its own, and is graded as usual",
    )

    book["cells"].insert(3, {"cell_type": "code", "source": RIGHT, "metadata": {}})
    reading = read(book)
    assert reading.answers["q1"] == STUB  # two candidates: none is guessed
    assert any("2 other cells" in said for said in reading.problems)


def test_own_helpers_are_named_once(book):
    cell(book, "q1")["source"] = "def double(x):\n    return helper(x) + a1 + b1 + c1 + d1 + e1 + math.pi"
    own = "def helper(x): return x\na1, b1 = 1, 2\nc1: int = 3\nd1 = e1 = 4\nimport math\nunused = 5\nx == 1"
    book["cells"].insert(1, {"cell_type": "code", "source": own, "metadata": {}})
    book["cells"].insert(1, {"cell_type": "code", "source": "from numpy import *\ne1 = 2", "metadata": {}})
    (said,) = read(book).problems
    assert "numpy.*, e1, helper, a1, b1 and 2 more" in said
    assert "math" not in said and "unused" not in said


def test_a_later_cell_that_redefines_the_answer_is_mentioned(book):
    book["cells"].append({"cell_type": "code", "source": OTHER, "metadata": {}})
    reading = read(book)
    assert reading.answers["q1"] == RIGHT
    assert "double" in reading.problems[0] and "not graded" in reading.problems[0]


def test_a_missing_answer_is_told(book):
    book["cells"] = [c for c in book["cells"] if c["id"] != "q2"]
    reading = read(book)
    assert reading.answers.keys() == {"q1", "q3"}
    assert reading.problems == ("q2: the notebook has no cell for this answer",)


def test_names_that_answers_call_their_own_are_no_reason_to_warn(book):
    answer = (
        "def double(x, by=2):\n    total = 0\n    for _ in range(by):\n        total += x\n    return total"
    )
    cell(book, "q1")["source"] = answer.replace("total += x", "total = total + x")
    book["cells"].append({"cell_type": "code", "source": "x = 3\nby = total = 4", "metadata": {}})
    assert read(book).problems == ()


@pytest.mark.parametrize(
    ("source", "becomes"),
    [
        (["a = 1\r\n", "b = 2\r"], "a = 1\nb = 2\n"),
        ("x = '\ud800y'", "x = '\ufffdy'"),
        ("x = '\U0001f600'", "x = '\U0001f600'"),
        ("x = 1\0", "x = 1\ufffd"),
        ("\ufeffx = 1", "\ufeffx = 1"),
    ],
)
def test_sources_become_plain_text(book, source, becomes):
    cell(book, "q3")["source"] = source
    answer = read(book).answers["q3"]
    assert answer == becomes
    assert answer.encode("utf-8").decode("utf-8") == answer


@pytest.mark.parametrize("source", [7, None, {"a": 1}, ["a", 1], "#" * (LONGEST_ANSWER + 1)])
def test_sources_that_are_no_text_are_left_out(book, source):
    cell(book, "q1")["source"] = source
    reading = read(book)
    assert reading.answers.keys() == {"q2", "q3"}
    assert any(said.startswith("q1:") for said in reading.problems)


def test_notebooks_of_format_3(book):
    cells = [{**c, "input": c.pop("source")} if c["cell_type"] == "code" else c for c in book["cells"]]
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": cells[:4]}, "x", {"cells": cells[4:]}]}
    assert read(old).answers["q1"] == RIGHT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \n",
        b"{",
        b"null",
        b"[1, 2]",
        b'"cells"',
        b"{}",
        b'{"cells": 5}',
        b'{"cells": [1, null, {"source": 3}]}',
        b'{"cells": [], "x": ' + b"9" * 5000 + b"}",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"\xff\xfe\x00",
        b"\x00" * 1000,
        b"<<<<<<< HEAD\n{}\n=======",
        b"PK\x03\x04",
    ],
)
def test_what_is_no_notebook(data):
    with pytest.raises(UnreadableNotebook, match=r"notebook|empty"):
        read_answers(data, HANDOUT)


def test_numbers_that_json_does_not_know(book):
    book["metadata"] = {"x": float("nan"), "y": float("inf")}
    assert read(book).answers["q1"] == RIGHT


def test_a_notebook_of_another_assignment(book):
    for c in book["cells"]:
        c["source"] = "def triple(x): return 3 * x" if c["cell_type"] == "code" else "# Triples"
    with pytest.raises(UnreadableNotebook, match=r"double.*Is it the notebook of another one"):
        read(book)


def test_work_grows_with_the_size_and_not_faster(book):
    """A line that makes a careless pattern try again and again; it would take hours, not milliseconds."""
    starts = ("a,", "a", "a ", "import  ", "a:b", "from .", "def f(", "for a", "as ", "class ", "\n", "x = ")
    for start in starts:
        line = (start[0] * 3 + start + start[-1] * 40_000 + start * 8000)[:99_000]
        book["cells"] += [{"cell_type": "code", "source": line, "metadata": {}}] * 5
        cell(book, "q1")["source"] = cell(book, "q3")["source"] = line
        read(book)
    cell(book, "q1")["source"] = RIGHT
    assert read(book).answers["q1"] == RIGHT


def test_a_flood_of_cells_is_refused(book):
    book["cells"] += [{}] * 6000
    with pytest.raises(UnreadableNotebook, match="cells, more than 5000"):
        read(book)


def test_random_damage_never_surprises(book):
    """Bytes flipped and trees mutated at random: known answers come out as text, or one kind of error."""
    rng = random.Random(0)
    data = json.dumps(book).encode()
    junk = [
        None,
        True,
        -1,
        1e400,
        "",
        "q1",
        [],
        {},
        [[]],
        {"nbgrader": {"grade_id": ["q1"]}},
        "\ud800",
        10**30,
    ]
    outcomes = {"read": 0, "refused": 0}
    for turn in range(600):
        if turn % 2:
            damaged = bytearray(data)
            for _ in range(rng.randint(1, 8)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            given = bytes(damaged[: rng.choice([len(data), rng.randrange(len(data))])])
        else:
            tree = copy.deepcopy(book)
            for _ in range(rng.randint(1, 6)):
                spot = rng.choice(list(_places(tree)))
                spot[0][spot[1]] = copy.deepcopy(rng.choice(junk))
            given = json.dumps(tree).encode()
        try:
            reading = read_answers(given, HANDOUT)
        except UnreadableNotebook as error:
            assert str(error)
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        assert reading.answers.keys() <= NAMES
        for text in (*reading.answers.values(), *reading.problems):
            text.encode("utf-8")
    assert min(outcomes.values()) > 100


def _places(tree):
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])
