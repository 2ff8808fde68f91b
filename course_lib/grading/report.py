"""The class at a glance: one HTML page and one table for a spreadsheet, from the results alone.

The page needs no network and no script. Whatever a student may have written (names, messages, code) is text,
never markup. The same results give the same bytes.
"""

import csv
import io
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jinja2

from course_lib.core.whole_files import write_whole
from course_lib.grading.markup import plain
from course_lib.grading.results import STATUSES, Mark, Result
from course_lib.grading.similarity import Flag, find_similar
from course_lib.grading.student import ENDED, TOO_LONG, USED_UP

HANDED_IN = ("graded", "timed out", "crashed")
"""Statuses of submissions whose code was run; the others have no marks of their own."""
SLOWEST = 10
"""Submissions in the table of slow ones."""
FLAGS_WITH_TEXT = 40
"""Pairs of texts that the page shows side by side; of what follows, it only gives the names."""
LONGEST_TEXT = 3_000
"""Characters of a text that the page shows."""


def write_report(
    results: Sequence[Result],
    folder: Path,
    *,
    references: Mapping[str, Sequence[str]] | None = None,
    by_hand: Mapping[str, Mapping[str, float]] | None = None,
) -> Path:
    """Writes `folder/index.html` for a person and `folder/marks.csv` for a spreadsheet.

    Args:
        results: of one assignment, in any order; there may be none.
        folder: made if it is not there.
        references: name of an answer's cell -> the course's own texts (the solution's answer, and
            functions of the library), so that copies of them are flagged.
        by_hand: student -> name of the cell -> points that a person gave; they count over those of the
            grader.

    Returns:
        Path of the page.
    """
    results = sorted(results, key=lambda result: result.student)
    results = [_settled(result, (by_hand or {}).get(result.student, {})) for result in results]
    still_open = _open(results)
    write_whole(folder / "marks.csv", _marks(results))
    page = _template().render(
        assignment=", ".join(sorted({result.assignment for result in results})) or "no submissions",
        facts=_facts(results),
        statuses=[(status, sum(r.status == status for r in results)) for status in STATUSES],
        unlocked=[r.student for r in results if r.answers and r.sandbox.startswith("not sandboxed")],
        students=len(results),
        handed_in=len(_handed_in(results)),
        still_open=bool(still_open),
        histogram=_histogram([_points(r, still_open) for r in _handed_in(results)], _most(results)),
        success=_success(results),
        misconceptions=_misconceptions(results),
        slow=_slow(results),
        trouble=_trouble(results),
        flags=_flags(results, find_similar(results, references)),
        table=_table(results),
    )
    path = folder / "index.html"
    write_whole(path, page)
    return path


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: plain(value) if type(value) is str else value,
    )
    environment.filters["points"] = _number
    environment.filters["share"] = _share
    environment.filters["duration"] = _duration
    return environment.get_template("report.html")


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _share(count: int, of: int) -> str:
    """Such as "12 %"; never "0 %" for somebody, nor "100 %" where one is missing."""
    percent = 100 * count / of if of else 0.0
    if 0 < percent < 1:
        return "< 1 %"
    return f"{math.floor(percent) if percent > 99 else round(percent)} %"


def _duration(seconds: float) -> str:
    return f"{_number(seconds)} s" if seconds < 100 else f"{seconds / 60:.0f} minutes"


def _handed_in(results: Iterable[Result]) -> list[Result]:
    """Who has marks of their own; whom a fault of the grader kept from being run has none."""
    return [r for r in results if r.status == "graded" or (r.status in HANDED_IN and r.answers)]


def _settled(result: Result, by_hand: Mapping[str, float]) -> Result:
    """The result with what a person gave, and with 0 points for a text that nobody need open."""

    def points(mark: Mark) -> float | None:
        untouched = mark.name in result.answers and result.answers[mark.name].untouched
        return by_hand.get(mark.name, 0.0 if mark.points is None and untouched else mark.points)

    return replace(result, marks=tuple(replace(mark, points=points(mark)) for mark in result.marks))


def _open(results: Iterable[Result]) -> frozenset[str]:
    """Names of marks that a person still has to give to somebody; sums leave them out for everybody."""
    return frozenset(mark.name for result in results for mark in result.marks if mark.points is None)


def _points(result: Result, still_open: frozenset[str]) -> float:
    return sum(mark.points for mark in result.marks if mark.name not in still_open)


def _most(results: Iterable[Result]) -> float:
    """The most that `_points` can be; who handed in nothing may have no marks to tell."""
    still_open = _open(results)
    marks = [mark for result in results for mark in result.marks]
    return sum({mark.name: mark.out_of for mark in marks if mark.name not in still_open}.values())


def _facts(results: Sequence[Result]) -> list[tuple[str, str]]:
    ran = [result for result in results if result.answers]
    return [
        (word, ", ".join(sorted({str(value) for value in values if str(value)})) or "unknown")
        for word, values in {
            "seed": [result.seed for result in ran],
            "course_lib": [result.version for result in ran],
            "sandbox": [result.sandbox for result in ran],
        }.items()
        if ran
    ]


# --- points ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Histogram:
    """How many got how much, with the places of its bars in a picture of `WIDE` x `HIGH`."""

    bars: list[dict]
    ticks: list[tuple[float, str]]
    mean: float
    median: float
    mean_at: float
    median_at: float
    out_of: float

    WIDE, HIGH, LEFT, TOP, GROUND = 960.0, 340.0, 20.0, 70.0, 280.0


def _histogram(points: Sequence[float], out_of: float) -> Histogram | None:
    if not points or out_of <= 0:
        return None
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, math.inf) if out_of / step <= 30)
    number = math.floor(out_of / step) + 1
    wide = (Histogram.WIDE - 2 * Histogram.LEFT) / number
    # Whole points stand in the middle of their own bar; a wider bar begins at its first number.
    shift = 0.5 if step == 1 else 0.0
    counts = Counter(min(max(math.floor(value / step + 1e-9), 0), number - 1) for value in points)
    scale = (Histogram.GROUND - Histogram.TOP) / max(counts.values())

    def at(value: float) -> float:
        return round(Histogram.LEFT + wide * (value / step + shift), 1)

    bars = [
        {
            "x": round(Histogram.LEFT + k * wide + 0.08 * wide, 1),
            "wide": round(0.84 * wide, 1),
            "y": round(Histogram.GROUND - count * scale, 1),
            "high": round(count * scale, 1),
            "count": count,
            "what": _number(k) if step == 1 else f"{k * step} to {_number(min((k + 1) * step, out_of))}",
        }
        for k, count in sorted(counts.items())
    ]
    every = 1 if number <= 16 else 2 if number <= 32 else 5
    ticks = [(at(k * step), _number(k * step)) for k in range(0, number, every)]
    mean, median = statistics.fmean(points), float(statistics.median(points))
    return Histogram(bars, ticks, mean, median, at(mean), at(median), out_of)


@dataclass(frozen=True)
class Share:
    """How many students got all points of a test cell, some, none, or wait for a person."""

    name: str
    full: int
    part: int
    none: int
    waiting: int

    @property
    def words(self) -> str:
        return _words(self.name)

    @property
    def marked(self) -> int:
        return self.full + self.part + self.none

    @property
    def number(self) -> int:
        return self.marked + self.waiting

    @property
    def kinds(self) -> list[tuple[str, str, int]]:
        """Name of the pattern, words and number of each kind that the bar shows."""
        kinds = [
            ("full", "all points", self.full),
            ("part", "some points", self.part),
            ("none", "no points", self.none),
        ]
        return [kind for kind in kinds if kind[2]]


def _words(name: str) -> str:
    """A test's name as a person reads it: "q1-hidden" are the further cases of question 1."""
    question, _, part = name.partition("-")
    return f"{question} {'further' if part == 'hidden' else part.replace('-', ' ') or 'answer'}"


def _success(results: Sequence[Result]) -> list[list[Share]]:
    """One list a question, of its test cells."""
    given: dict[str, list[Mark]] = {name: [] for name in _mark_names(results)}
    for result in _handed_in(results):
        for mark in result.marks:
            given[mark.name].append(mark)
    questions: dict[str, list[Share]] = {name: [] for name in _questions(results)}
    for name, marks in given.items():
        tested = [mark for mark in marks if mark.points is not None]
        full = sum(mark.points >= mark.out_of for mark in tested)
        none = sum(mark.points <= 0 < mark.out_of for mark in tested)
        questions[name.partition("-")[0]].append(
            Share(name, full, len(tested) - full - none, none, len(marks) - len(tested))
        )
    return list(questions.values())


def _mark_names(results: Iterable[Result]) -> list[str]:
    """Names of test cells in the notebook's order, though a result may lack some."""
    longest_first = sorted(results, key=lambda result: -len(result.marks))
    return list(dict.fromkeys(mark.name for result in longest_first for mark in result.marks))


def _questions(results: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(name.partition("-")[0] for name in _mark_names(results)))


def _table(results: Sequence[Result]) -> dict:
    questions, still_open = _questions(results), _open(results)
    rows = []
    for result in results:
        cells = []
        for question in questions:
            marks = [mark for mark in result.marks if mark.question == question]
            tested = [mark for mark in marks if mark.points is not None]
            got, most = sum(m.points for m in tested), sum(m.out_of for m in tested)
            kind = "full" if got >= most else "part" if got > 0 else "none"
            if not tested:
                kind, got = ("wait", None) if marks else ("gone", None)
            cells.append((kind, got))
        gone = result.status not in HANDED_IN
        rows.append({"result": result, "points": _points(result, still_open), "cells": cells, "gone": gone})
    out_of: dict[str, float] = {}
    for result in results:
        for question in questions:
            most = sum(mark.out_of for mark in result.marks if mark.question == question)
            out_of[question] = max(out_of.get(question, 0.0), most)
    return {
        "questions": [(question, out_of[question]) for question in questions],
        "out_of": _most(results),
        "rows": rows,
    }


# --- what many understood wrongly ------------------------------------------------------------------------

_NO_PYTHON = re.compile(
    r"^Your cell [^\n]{1,80}? stopped with ((?:Syntax|Indentation|Tab)Error: [^\n]*)", re.MULTILINE
)
_ABOUT = re.compile(r"^Question [^:,]{1,40}, [^:]{1,60}: ")
# The sentences of misconceptions.expect_close that end what was computed, and what they say of all of it.
_GENERAL = (
    (re.compile(r"is wrong\. The first difference is at index"), "Wrong values that no known mistake gives"),
    (re.compile(r" has shape \(.*, expected \("), "Wrong shape"),
    (re.compile(r" holds NaN"), "NaN where numbers are expected"),
    (re.compile(r" returned None\. "), "None was returned: the `return` is missing"),
    (
        re.compile(
            r" has the right values, but is an? (.*?) of dtype (\w+); expected an? (.*?) of .*dtype (\w+)\.$"
        ),
        r"Right values, but a \1 of dtype \2, not a \3 of dtype \4",
    ),
)
_CALL = re.compile(r"\b([A-Za-z_]\w*)\((?=[^()]*(?:\([^()]*\)[^()]*)*[,=])(?:[^()]|\([^()]*\)){6,}\)")
_VALUE = re.compile(r"(?<![\w.])[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?!\w)|\b(?:nan|inf)\b")
_VALUES = re.compile(r"(?<!\w)[\[(](?:[\s,]*(?:…|\.\.\.|True|False))+[\s,]*[\])]")


def mistake(message: str) -> str:
    """What a message says, without what was drawn at random: the same mistakes read the same.

    Args:
        message: a named mistake ("Rows and columns are exchanged: ...") or a general one ("... is wrong. The
            first difference is at index (0, 1): 3.2 instead of 4.1"), with its examples in the lines below.
    """
    line = _first_line(message)
    for pattern, words in _GENERAL:
        if found := pattern.search(line):
            return found.expand(words)
    line = _VALUE.sub("…", _CALL.sub(r"\1(…)", line))
    while (shorter := _VALUES.sub("…", line)) != line:
        line = shorter
    return line[:300] or "no message"


def _first_line(message: str) -> str:
    """What is wrong, without the question's name; an array that the line begins is read to its end."""
    if broken := _NO_PYTHON.search(message):  # which is why names are missing
        return plain(broken[1])[:1000].strip()
    lines = plain(message).strip().splitlines()[:20]
    first = lines[0] if lines else ""
    for line in lines[1:]:
        if first.count("[") <= first.count("]"):
            break
        first += " " + line.strip()
    return _ABOUT.sub("", first[:1000]).strip()


def _misconceptions(results: Sequence[Result]) -> list[dict]:
    """For each question, what was wrong, the most frequent first; a student counts once for each mistake."""
    ran = _handed_in(results)
    # question -> mistake -> student -> message
    found: dict[str, dict[str, dict[str, str]]] = {name: defaultdict(dict) for name in _questions(ran)}
    for result in ran:
        for mark in result.marks:
            if mark.message and mark.points is not None and mark.points < mark.out_of:
                found[mark.question][mistake(mark.message)].setdefault(result.student, mark.message)
    rows = []
    for question, groups in found.items():
        mistakes = []
        for text, students in groups.items():
            lines = {_first_line(message) for message in students.values()}
            # Where everybody has the same numbers, they belong to the words: "0 / 0 is NaN".
            general = any(text.startswith(words.partition("\\")[0]) for _, words in _GENERAL)
            mistakes.append(
                {
                    "text": text if general or len(lines) > 1 else lines.pop()[:300],
                    "students": sorted(students),
                    "example": students[min(students)][:LONGEST_TEXT],
                }
            )
        mistakes.sort(key=lambda row: (-len(row["students"]), row["text"]))
        failed = len({student for row in mistakes for student in row["students"]})
        rows.append({"question": question, "failed": failed, "mistakes": mistakes})
    return rows


# --- what a person should look at ------------------------------------------------------------------------


def _slow(results: Sequence[Result]) -> dict | None:
    ran = sorted(_handed_in(results), key=lambda result: (-result.seconds, result.student))
    if not ran:
        return None
    return {
        "median": statistics.median(result.seconds for result in ran),
        "sum": sum(result.seconds for result in ran),
        "rows": [
            (result, sorted(_seconds(result).items(), key=lambda part: (-part[1], part[0]))[:3])
            for result in ran[:SLOWEST]
        ],
        "longest": ran[0].seconds,
    }


def _seconds(result: Result) -> dict[str, float]:
    """What took how long: each test, and all the rest, where an answer's cell may have had no end."""
    seconds = {_words(mark.name): mark.seconds for mark in result.marks}
    return {**seconds, "outside of tests": max(0.0, result.seconds - sum(seconds.values()))}


def _trouble(results: Sequence[Result]) -> list[dict]:
    """What was no plain "graded", by status; and then whatever else was odd."""
    groups = []
    for status in (*(status for status in STATUSES if status != "graded"), "graded"):
        rows = [
            (result.student, [*result.problems, *_stops(result)])
            for result in results
            if result.status == status and (status != "graded" or result.problems)
        ]
        if rows:
            groups.append({"status": status, "rows": rows})
    return groups


# What student.py says where a process did not answer, or was no more; numbers stand in the gaps.
_ENDED = re.compile(
    "|".join(
        ".*?".join(re.escape(words) for words in re.split(r"\{.*?\}", said))
        for said in (TOO_LONG, USED_UP, ENDED, "was called more than")
    )
)


def _stops(result: Result) -> list[str]:
    """What ended the code of a submission that did not run to its end, and where."""
    if result.status not in ("timed out", "crashed"):
        return []
    if not result.answers:  # nothing could be run, and every mark says why
        return [mark.message for mark in result.marks if mark.message][:1]
    said = {f"cell {name}": answer.error for name, answer in result.answers.items()}
    said |= {_words(mark.name): mark.message for mark in result.marks}
    return [
        f"{name}: {line.strip()[:300]}"
        for name, text in said.items()
        for line in text.splitlines()
        if _ENDED.search(line)
    ][:5]


def _flags(results: Sequence[Result], flags: Sequence[Flag]) -> list[dict]:
    answers = {result.student: result.answers for result in results}
    rows = []
    for position, flag in enumerate(flags):
        texts = [(name, answers[name][flag.question].source) for name in flag.students[:2]]
        if flag.reference:
            texts.append(("the course's own", flag.reference))
        sides = []
        if position < FLAGS_WITH_TEXT:
            lines = [{line.strip() for line in text.splitlines()} for _, text in texts]
            both = set.intersection(*lines) - {""}
            sides = [
                (name, [(line, line.strip() in both) for line in text[:LONGEST_TEXT].splitlines()])
                for name, text in texts
            ]
        rows.append({"flag": flag, "sides": sides})
    return rows


# --- for a spreadsheet -----------------------------------------------------------------------------------


def _marks(results: Sequence[Result]) -> bytes:
    """The table as CSV, with the mark at its start by which spreadsheets know UTF-8."""
    names = _mark_names(results)
    most = max((sum(mark.out_of for mark in result.marks) for result in results), default=0.0)
    columns = ("points", "out_of", "to_mark")
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(
        [_text(cell) for cell in ("student", "name", "status", *columns, *names, "seconds", "problems")]
    )
    for result in results:
        points = {mark.name: mark.points for mark in result.marks}
        given = [value for value in points.values() if value is not None]
        to_mark = sum(mark.out_of for mark in result.marks if points[mark.name] is None)
        writer.writerow(
            [
                _text(result.student),
                _text(result.name or result.student),
                result.status,
                f"{sum(given):.10g}",
                f"{most:.10g}",
                f"{to_mark:.10g}",
                *("" if points.get(name) is None else f"{points[name]:.10g}" for name in names),
                f"{result.seconds:.3f}",
                _text("; ".join(result.problems)),
            ]
        )
    return table.getvalue().encode("utf-8-sig")


def _text(text: str) -> str:
    """Text in one line that no spreadsheet takes for a formula."""
    text = " ".join(plain(text).split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠")) else text
