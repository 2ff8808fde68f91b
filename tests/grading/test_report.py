"""The class report says what the results say, and nothing that a student wrote is more than text in it."""

import csv
import html
import os
import re
import time
from dataclasses import replace

import numpy as np
import pytest

from course_lib.grading import student as engine
from course_lib.grading.misconceptions import expect_close
from course_lib.grading.report import mistake, write_report
from course_lib.grading.results import Answer, Mark, Result

CLIPPING = (
    "Question 1, {} cases: {}% of the values of truncated_normal(rng, mean={}, sigma=1.5, low=3, high=9) lie "
    "exactly on a bound, expected almost none: clipping piles up probability there. Reject, draw again."
)
EXCHANGED = "Rows and columns are exchanged: rows go down.\n  in: transfer_grid\n  returned: [[1, 2]]"
WRONG = (
    "surrogate of the example is wrong. The first difference is at index (0, {}): 3.2{} instead of 4.1."
    "\n  returned: 3"
)


def student(name: str, q1: str = "", q4: str = "", **changes) -> Result:
    """Somebody who hears these messages; two test cells in question 1, one in 4, one answer for a person."""
    values = {
        "student": name,
        "assignment": "ps2_epopt",
        "status": "graded",
        "marks": (
            Mark(name="q1-visible", points=0.0 if q1 else 2.0, out_of=2.0, message=q1, seconds=0.2),
            Mark(name="q1-hidden", points=0.0 if q1 else 2.0, out_of=2.0, message=q1, seconds=0.1),
            Mark(name="q4-hidden", points=1.0 if q4 else 4.0, out_of=4.0, message=q4, seconds=1.5),
            Mark(name="q7", points=None, out_of=3.0),
        ),
        "answers": {"q1": Answer(source=f"x = {len(name)}")},
        "seconds": 2.0,
        "seed": 17,
        "sandbox": "bubblewrap and seccomp",
        "version": "1.2.3",
    }
    return Result(**{**values, **changes})


def absent(name: str, status: str = "missing", **changes) -> Result:
    """Somebody of whom nothing could be run: all marks are 0, also the one that a person gives."""
    marks = tuple(replace(mark, points=0.0, message="", seconds=0.0) for mark in student(name).marks)
    return student(
        name, **{"status": status, "marks": marks, "answers": {}, "sandbox": "not sandboxed", **changes}
    )


def page(results, folder, **options) -> str:
    return write_report(results, folder, **options).read_text(encoding="utf-8")


def words(text: str) -> str:
    """What a reader sees: without style and tags, in one line."""
    text = re.sub(r"(?s)<style>.*?</style>|<[^>]*>", " ", text)
    return " ".join(html.unescape(text).split())


def rows(folder) -> list[dict[str, str]]:
    with (folder / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# --- what it says ----------------------------------------------------------------------------------------


def test_header_counts_statuses_and_names_seed_and_version(tmp_path):
    everyone = [student("a"), student("b", status="timed out"), absent("c"), absent("d", "unreadable")]
    text = words(page(everyone, tmp_path))
    assert "Class report: ps2_epopt" in text
    assert "4 students 1 graded 1 timed out 1 unreadable 1 missing" in text
    assert "seed 17 course_lib 1.2.3 sandbox bubblewrap and seccomp" in text
    assert "NOT SANDBOXED" not in text, "of whom nothing ran needs no sandbox"


def test_code_that_ran_without_a_sandbox_raises_the_banner(tmp_path):
    text = words(page([student("a"), student("b", sandbox="not sandboxed")], tmp_path))
    assert "NOT SANDBOXED The code of 1 student ran" in text
    assert "Whose? b" in text


def test_distribution_leaves_out_who_handed_in_nothing(tmp_path):
    text = page([student("a"), student("b"), student("c", q1="wrong"), absent("d")], tmp_path)
    assert "out of 8 points" in words(text), "what a person marks is not counted, though d got 0 points there"
    assert "mean 6.67 , median 8" in words(text)
    assert "8 points: 2 students." in words(text)
    assert "4 points: 1 student." in words(text)
    assert text.count('<rect class="bar"') == 2
    assert "<title id=" in text and "<desc id=" in text


@pytest.mark.parametrize(
    "points, out_of, bars",
    [([0.0, 0.5, 1.0], 1.0, 2), ([7.0] * 5, 7.0, 1), ([0.0, 250.0, 999.0], 1000.0, 3), ([2.5], 2.5, 1)],
)
def test_distribution_of_any_scale(points, out_of, bars, tmp_path):
    everyone = [
        student(f"s{i}", marks=(Mark(name="q1-hidden", points=value, out_of=out_of),))
        for i, value in enumerate(points)
    ]
    text = page(everyone, tmp_path)
    assert text.count('<rect class="bar"') == bars
    inside = [float(x) for x in re.findall(r'<(?:rect|line|text)[^>]* x1?="([-\d.]+)"', text)]
    assert min(inside) >= 0
    assert max(inside) <= 960


def test_share_of_full_part_and_no_points_in_words(tmp_path):
    everyone = [student("a"), student("b", q4="half"), student("c", q1="none"), absent("d")]
    text = words(page(everyone, tmp_path))
    assert "q1 visible 67 % 33 % 2 all points, 1 no points" in text
    assert "q4 further 67 % 33 % 2 all points, 1 some points" in text
    assert "q7 answer marked by a person" in text


def test_questions_keep_the_order_of_the_notebook(tmp_path):
    marks = tuple(Mark(name=f"q{i}-hidden", points=1.0, out_of=1.0) for i in (1, 2, 10))
    text = words(page([absent("a", marks=()), student("b", marks=marks)], tmp_path))
    assert text.index("q2 further") < text.index("q10 further")


def test_same_misconception_with_other_numbers_is_counted_together(tmp_path):
    everyone = [
        student("a", q1=CLIPPING.format("visible", "4.4", "6")),
        student("b", q1=CLIPPING.format("further", "12.31", "-0.25")),
        student("c", q1="Question 1, visible cases: not answered yet. Put your code there."),
        student("d", q4=EXCHANGED),
    ]
    text = words(page(everyone, tmp_path))
    assert "q1: 3 students lost points 2 50 % …% of the values of truncated_normal(…) lie exactly on" in text
    assert text.index("piles up") < text.index("not answered yet"), "the most frequent first"
    assert "1 25 % Rows and columns are exchanged: rows go down. Who, and one message in full d" in text


def test_numbers_that_belong_to_the_words_stay(tmp_path):
    message = "The product underflowed to 0, and 0 / 0 is NaN: subtract the largest log-weight."
    assert message in words(page([student("a", q1=message), student("b", q1=message)], tmp_path))


@pytest.mark.parametrize(
    "message, says",
    [
        (WRONG.format(1, 5), "Wrong values that no known mistake gives"),
        ("cvar_mask([1, 2], epsilon=0.1) has shape (3,), expected (2,).", "Wrong shape"),
        ("f(x) holds NaN (a division by zero, or inf - inf?).", "NaN where numbers are expected"),
        ("f(x) returned None. Is the `return` missing?", "None was returned: the `return` is missing"),
        (
            "f of 3 steps has the right values, but is a float of dtype float; expected a torch tensor of "
            "shape () and dtype float32.",
            "Right values, but a float of dtype float, not a torch tensor of dtype float32",
        ),
        (
            "Two calls both gave [0.25, -1e-3,\n  nan, ...,\n 4.]: do not seed.\nmore",
            "Two calls both gave …: do not seed.",
        ),
        ("name 'q2_log10' is not defined", "name 'q2_log10' is not defined"),
        (
            "name 'f' is not defined\nYour cell q1 stopped with SyntaxError: '(' was never closed\n  line 1",
            "SyntaxError: '(' was never closed",
        ),
        ("keeps int(epsilon * N) of [K, T]", "keeps int(epsilon * N) of [K, T]"),
        ("", "no message"),
        ("\x1b[31m\n\n", "no message"),
    ],
)
def test_mistake_is_what_a_message_says_without_its_numbers(message, says):
    assert mistake(message) == says


@pytest.mark.parametrize(
    "seen, says",
    [
        (np.array([1.0, 2.5]), "Wrong values that no known mistake gives"),
        (np.array([1.0, 2.0, 3.0]), "Wrong shape"),
        (np.array([1.0, np.nan]), "NaN where numbers are expected"),
        (None, "None was returned: the `return` is missing"),
        (
            np.array([1.0, 2.0], np.float32),
            "Right values, but a ndarray of dtype float32, not a numpy array of dtype float64",
        ),
    ],
)
def test_what_expect_close_says_of_a_general_mistake_is_known(seen, says):
    """The words are written in misconceptions.py and read here: one must not change without the other."""
    with pytest.raises(AssertionError) as raised:
        expect_close("f(x, epsilon=0.1)", seen, np.array([1.0, 2.0]))
    assert mistake(str(raised.value)) == says


def test_what_ended_a_student_s_code_is_known(tmp_path, monkeypatch):
    """The words are written in student.py and read here: one must not change without the other."""
    monkeypatch.setattr(engine, "MAX_CALLBACKS", 0)
    connection = object.__new__(engine.Connection)
    monkeypatch.setattr(engine.Connection, "close", lambda self: None)
    with pytest.raises(engine.Stopped) as raised:
        connection.request(b"", 1.0, [])
    said = [engine.TOO_LONG.format(seconds=20.4), engine.USED_UP.format(seconds=600), engine.ENDED]
    for words_of_the_engine in (*said, str(raised.value)):
        result = student("ana", q1=f"not this line\nq1: {words_of_the_engine}", status="timed out")
        shown = words(page([result], tmp_path))
        assert f"q1 visible: q1: {words_of_the_engine}" in shown, words_of_the_engine
        assert "q1 visible: not this line" not in shown


def test_hostile_message_is_read_in_no_time():
    start = time.perf_counter()
    for part in ("f(", "f(a,", "f()", "[", "[1, ", "[\n", "1 ", " of dtype x; expected a "):
        assert mistake("x has the right values, but is a " + part * 50_000)
        assert mistake(part * 50_000)
    assert time.perf_counter() - start < 2.0


def test_trouble_tells_what_happened_to_whom(tmp_path):
    endless = "cvar_mask: no end after 20 s. A loop that never ends, or far more work than needed?"
    ended = "the process that ran your code ended: a crash, or too much memory?"
    crashed = {"q1": Answer(source="os._exit(1)", error=ended)}
    text = words(
        page(
            [
                student("slow", q4=endless, status="timed out", q1="an ordinary mistake"),
                student("hasty", q1=f"not defined\nYour cell q1: {ended}", answers=crashed, status="crashed"),
                absent("empty", problems=("no file came",)),
                absent("torn", "unreadable", problems=("this is no notebook",)),
                absent(
                    "unlucky",
                    "crashed",
                    marks=(Mark(name="q1-hidden", points=0.0, out_of=2.0, message="our fault"),),
                ),
                student("odd", problems=("two cells named q2",)),
                student("fine"),
            ],
            tmp_path,
        )
    )
    trouble = text[text.index("Trouble timed out") : text.index("Slow submissions Half")]
    assert f"slow q4 further: {endless}" in trouble
    assert f"hasty cell q1: {ended} q1 visible: Your cell q1: {ended}" in trouble
    assert "an ordinary mistake" not in trouble
    for line in (
        "empty no file came",
        "torn this is no notebook",
        "unlucky our fault",
        "odd two cells named q2",
    ):
        assert line in trouble
    assert "fine" not in trouble


def test_slow_ones_come_first_with_their_tests(tmp_path):
    everyone = [student(f"s{i:02}", seconds=float(i)) for i in range(20)]
    text = words(page(everyone, tmp_path))
    slow = text[text.index("Slow submissions Half") : text.index("Answers that look alike None")]
    assert re.findall(r"s\d\d", slow) == [f"s{i}" for i in range(19, 9, -1)]
    assert "s19 19 graded outside of tests 17.2, q4 further 1.5, q1 visible 0.2" in slow


def test_copies_stand_side_by_side_and_nobody_is_accused(tmp_path):
    copied = "\n".join(f"value_{i} = start_{i} * {i} + offset_of(table[{i}], {i * i})" for i in range(9))
    everyone = [
        student(name, answers={"q1": Answer(source=copied + end)}) for name, end in (("a", ""), ("b", "\n"))
    ]
    everyone += [student(f"own{i}") for i in range(8)]
    text = page(everyone, tmp_path)
    assert "no accusation" in text
    assert "q1: a, b : same text, 100 % alike" in words(text)
    assert text.count("<span class=same>value_3 = start_3") == 2
    reference = page(everyone[1:], tmp_path, references={"q1": [copied]})
    assert "q1: b and the course's own text : same text" in words(reference)


@pytest.mark.parametrize("marked", [False, True])
def test_what_is_still_to_mark_reaches_none(marked, tmp_path):
    """A text left as it was has 0 points and waits for nobody; what a person gave is on the page, too."""
    blank = {"q7": Answer(source="Your answer here", untouched=True)}
    everyone = [student("a"), student("b", answers=blank)]
    text = words(page(everyone, tmp_path, by_hand={"a": {"q7": 2.0}} if marked else None))
    table = text[text.index("All students Points") :]
    assert [row["to_mark"] for row in rows(tmp_path)] == ["0" if marked else "3", "0"]
    assert [row["q7"] for row in rows(tmp_path)] == ["2" if marked else "", "0"]
    if marked:
        assert "a graded 10 4 4 2 2 b graded 8 4 4 0 2" in table
        assert "out of 11 points: mean 9" in text
        assert "to mark" not in text and "q7 answer 50 % 50 % 1 some points, 1 no points" in text
    else:
        assert "a graded 8 4 4 to mark 2 b graded 8 4 4 0 2" in table
        assert "out of 8 points without what a person still has to mark: mean 8" in text
        assert "q7 answer 50 % 1 no points, 1 to be marked" in text


def test_table_has_a_row_a_student(tmp_path):
    everyone = [student("b", q1="wrong", q4="half"), student("a"), absent("c")]
    text = words(page(everyone, tmp_path))
    table = text[text.index("All students Points") :]
    assert "a graded 8 4 4 to mark 2 b graded 1 0 1 to mark 2 c missing – – – – –" in table


# --- few, none, many -------------------------------------------------------------------------------------


def test_no_results(tmp_path):
    text = words(page([], tmp_path / "new" / "folder"))
    for sentence in (
        "0 students",
        "Nobody has handed in anything readable yet.",
        "There are no results yet.",
    ):
        assert sentence in text
    assert rows(tmp_path / "new" / "folder") == []


def test_all_missing(tmp_path):
    text = words(page([absent("a", marks=()), absent("b")], tmp_path))
    for sentence in ("2 missing", "Nobody has handed in anything readable yet.", "nobody has handed it in"):
        assert sentence in text
    assert [row["status"] for row in rows(tmp_path)] == ["missing", "missing"]


def test_one_student_without_a_fault(tmp_path):
    text = words(page([student("only")], tmp_path))
    for sentence in (
        "1 student 1 graded",
        "Nobody lost a point.",
        "None: everything came",
        "nobody shares with another",
    ):
        assert sentence in text


def test_300_students_make_a_small_page_quickly(tmp_path):
    everyone = [
        student(
            f"student.{i:03}",
            q1=CLIPPING.format("visible", i / 7, i) if i % 3 == 0 else "",
            q4=WRONG.format(i, i) if i % 4 == 0 else "",
            answers={
                f"q{q}": Answer(source=f"def f(x):\n    y = x * {i % 9}\n    return y + {q}")
                for q in range(6)
            },
        )
        for i in range(300)
    ]
    start = time.perf_counter()
    path = write_report(everyone, tmp_path)
    assert time.perf_counter() - start < 15.0
    assert path.stat().st_size < 500_000


def test_same_results_in_any_order_give_the_same_bytes(tmp_path):
    everyone = [student(f"s{i}", q1=CLIPPING.format("visible", i, i) if i % 2 else "") for i in range(9)]
    write_report(everyone, tmp_path / "a")
    write_report(everyone[::-1], tmp_path / "b")
    for file in ("index.html", "marks.csv"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


# --- hostile texts ---------------------------------------------------------------------------------------

EVIL = (
    "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\x00\u202e\ud800{{ 7 * 7 }}"
)


def test_report_that_cannot_be_finished_leaves_the_last_one(tmp_path, monkeypatch):
    page([student("ana")], tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def full(*paths):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        page([student("ana"), student("bob")], tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_nothing_that_a_student_wrote_is_markup(tmp_path):
    source = EVIL + "\n" + "\n".join(f"a{i} = b{i} + {i} * c[{i}]" for i in range(12))
    everyone = [
        student(
            f"{name}{EVIL}",
            q1=EVIL,
            q4=EVIL + "\n" + EVIL,
            answers={"q1": Answer(source=source, error=EVIL, output=EVIL)},
            problems=(EVIL,),
            status="crashed",
            assignment=EVIL,
            sandbox="not sandboxed" + EVIL,
            version=EVIL,
        )
        for name in "ab"
    ]
    text = page([*everyone, student("own"), student("other")], tmp_path)
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "{{ 7 * 7 }}" in text
    assert not re.search("[\x00\x1b\u202e]", text)
    assert text.count("<span class=same>") >= 24, "the flag shows the hostile texts"
    (name,) = {row["student"] for row in rows(tmp_path) if row["student"].startswith("a")}
    assert "<script>" in name, "a spreadsheet has no markup"


def test_page_fetches_nothing_and_runs_nothing(tmp_path):
    text = page([student("a", q1="wrong")], tmp_path)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert not re.search(r"<script|<link|<img|@import|url\(|https?:|\bon\w+=", text)
    assert set(re.findall(r'href="([^"#][^"]*)"', text)) == {"marks.csv"}


def test_spreadsheet_has_a_row_a_student_and_no_formula(tmp_path):
    everyone = [
        student("=1+1", q1="wrong", problems=('=HYPERLINK("x")', "second, with comma")),
        student("@b", problems=(" -2+3", "a\nb")),
        student(
            "Zoë", marks=(Mark(name="+q", points=-1.5, out_of=2.0), Mark(name="q7", points=None, out_of=3.0))
        ),
        absent("c", marks=()),
    ]
    write_report(everyone, tmp_path)
    assert (tmp_path / "marks.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.reader(file):
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t")), cell
                assert "\n" not in cell
    by_name = {row["student"]: row for row in rows(tmp_path)}
    first = by_name["'=1+1"]
    assert (first["points"], first["q1-visible"], first["q7"]) == ("4", "0", "")
    assert first["problems"] == '\'=HYPERLINK("x"); second, with comma'
    assert by_name["'@b"]["problems"] == "'-2+3; a b"
    assert (by_name["Zoë"]["'+q"], by_name["Zoë"]["points"]) == ("-1.5", "-1.5")
    assert (first["out_of"], first["to_mark"]) == ("11", "3")
    write_report(everyone, tmp_path, by_hand={"=1+1": {"q7": 2.5, "q1-visible": 1.0}})
    first = rows(tmp_path)[0]
    assert (first["points"], first["to_mark"], first["q1-visible"], first["q7"]) == ("7.5", "0", "1", "2.5")
    assert by_name["c"]["status"] == "missing"
    assert first["name"] == "'=1+1", "who has no other name is called as in the grader"
    write_report([replace(student("Soren_K"), name="Søren K"), replace(student("b"), name="=1")], tmp_path)
    assert [(row["student"], row["name"]) for row in rows(tmp_path)] == [("Soren_K", "Søren K"), ("b", "'=1")]
    assert by_name["c"]["q1-visible"] == ""
