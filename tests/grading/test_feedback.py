import html
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from course_lib.grading.feedback import page, write_feedback
from course_lib.grading.gradebook import HandMark, import_results
from course_lib.grading.results import Answer, Mark, Result

ROOT = Path(__file__).parents[2]
NAME = "ps2_epopt"
MISTAKE = "Your mask keeps the BEST trajectories: a < b & c."
ATTACK = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"


def notebook(room: str):
    return nbformat.read(ROOT / room / NAME / f"{NAME}.ipynb", as_version=4)


def graded(student: str = "ada", *, wrong: dict[str, float] | None = None, **changed) -> Result:
    """A result for every cell of the assignment, all right but for `wrong`: points by cell."""
    wrong = wrong or {}
    marks, answers = [], {}
    for cell in notebook("solutions").cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade"):
            got = None if meta.solution else wrong.get(meta.grade_id, meta.points)
            message = MISTAKE if meta.grade_id in wrong else ""
            marks.append(Mark(name=meta.grade_id, points=got, out_of=meta.points, message=message))
        if meta.get("solution"):
            source = (
                "Where $a<b$ it **works**." if meta.grade_id == "q7" else f"def {meta.grade_id}(x): return x"
            )
            answers[meta.grade_id] = Answer(source=source)
    values = {"status": "graded", "marks": tuple(marks), "answers": answers, **changed}
    return Result(student=student, assignment=NAME, **values)


def rendered(result: Result, marks: dict[str, HandMark] | None = None) -> str:
    return page(result, notebook("assignments"), marks or {})


def words(text: str) -> str:
    """What a reader sees, in one line."""
    text = re.sub(r"<(style|title)>.*?</\1>", "", text, flags=re.S)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", text)))


class Elements(HTMLParser):
    """Collects the tags of a page, and complains where they do not nest."""

    def __init__(self, text: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "hr", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_says_what_was_got_lost_and_is_still_open():
    text = words(rendered(graded(wrong={"q2-visible": 0.0, "q6-hidden": 1.0})))
    assert "Problem set 2: EPOpt" in text and "Feedback for ada" in text
    assert "22 / 30 points, and 4 still to be marked by a person" in text
    assert "Question 1: draw worlds 2 / 2 2 / 2 4 / 4 ✓all points" in text
    assert "Question 2: the worst trajectories 0 / 2 2 / 2 2 / 4 ◐some points" in text
    assert "Question 7: in your own words – – – / 4 …still to be marked" in text
    assert f"Visible cases: 0 of 2 points {MISTAKE}" in text
    assert "Further cases: 1 of 3 points" in text
    assert "def q3(x): return x" in text


def test_marks_and_comments_of_a_person_count():
    marks = {
        "q7": HandMark(points=3.5, by_hand=True, comment="Say **why**. <script>alert(1)</script>"),
        "q2-visible": HandMark(points=1.0, by_hand=True, waiting=True),
        "q1-visible": HandMark(points=2.0),
    }
    source = rendered(graded(wrong={"q2-visible": 0.0}), marks)
    text = words(source)
    assert "28.5 / 30 points" in text and "still to be marked" not in text
    assert "Read by a person: 3.5 of 4 points , given by a person" in text.replace("points,", "points ,")
    assert "The marker's comment Say why." in text
    assert "↻to be looked at again" in text and "that mark may change" in text


def test_write_feedback_asks_the_gradebook(tmp_path):
    for room in ("solutions", "assignments"):
        shutil.copytree(ROOT / room / NAME, tmp_path / room / NAME)
    results = [graded("ada"), graded("bob", status="crashed", problems=("q1: its cell is there twice.",))]
    before = write_feedback(results, tmp_path, tmp_path / "pages")
    assert [path.name for path in before] == ["ada.html", "bob.html"]
    import_results(results, tmp_path)
    with Gradebook(f"sqlite:///{(tmp_path / 'grading' / 'gradebook.db').as_posix()}") as book:
        grade = book.find_grade("q7", NAME, NAME, "ada")
        grade.manual_score, grade.needs_manual_grade = 4.0, False
        book.find_comment("q7", NAME, NAME, "ada").manual_comment = "Well said."
        book.db.commit()
    pages = write_feedback(results, tmp_path)
    assert pages == [tmp_path / "grading" / "feedback" / NAME / f"{name}.html" for name in ("ada", "bob")]
    ada, bob = (words(path.read_text(encoding="utf-8")) for path in pages)
    assert "30 / 30 points" in ada and "Well said." in ada
    assert "brought Python down" in bob and "q1: its cell is there twice." in bob and "Well said." not in bob
    assert "4 still to be marked" in bob and "Feedback for ada" not in bob
    bytes_before = [path.read_bytes() for path in pages]
    write_feedback(results, tmp_path)
    assert [path.read_bytes() for path in pages] == bytes_before
    assert len(list(pages[0].parent.iterdir())) == 2


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("timed out", "did not end in time"),
        ("crashed", "brought Python down"),
        ("unreadable", "could not be read as a notebook"),
        ("missing", "No submission was found"),
    ],
)
def test_every_status_is_said_in_words(status, says):
    empty = {"marks": (), "answers": {}} if status in ("unreadable", "missing") else {}
    text = words(rendered(graded(status=status, **empty)))
    assert says in text
    assert ("0 / 30 points" in text) == bool(empty)
    assert text.count("Nothing was written here.") == (7 if empty else 0)


def test_an_answer_that_is_as_handed_out_counts_as_blank():
    release = {
        c.metadata.nbgrader.grade_id: c.source
        for c in notebook("assignments").cells
        if "nbgrader" in c.metadata
    }
    result = graded()
    result.answers["q4"] = Answer(source=release["q4"])
    assert words(rendered(result)).count("Nothing was written here.") == 1


def test_nothing_that_only_graders_may_see_is_on_the_page():
    text = html.unescape(rendered(graded(wrong={"q1-hidden": 0.0})))
    shown = "\n".join(cell.source for cell in notebook("assignments").cells)
    for cell in notebook("solutions").cells:
        meta = cell.metadata.get("nbgrader", {})
        for line in map(str.strip, cell.source.splitlines()):
            test_or_answer = meta.get("grade") or meta.get("solution")
            if test_or_answer and len(line) > 25 and (line not in shown or meta.get("grade")):
                assert line not in text or line in shown.split("Question 7")[-1], line
    assert "HIDDEN" not in text and "MARK SCHEME" not in text and "_check" not in text


@pytest.mark.parametrize(
    "place", ["student", "source", "output", "error", "message", "problem", "markdown", "maths"]
)
def test_a_script_stays_text_wherever_it_stands(place):
    result = graded("ada", wrong={"q1-visible": 0.0})
    q1, q7 = result.answers["q1"], result.answers["q7"]
    match place:
        case "student":
            result = replace(result, student=ATTACK)
        case "source" | "output" | "error":
            result.answers["q1"] = replace(q1, **{place: ATTACK})
        case "message":
            result = replace(result, marks=(replace(result.marks[0], message=ATTACK), *result.marks[1:]))
        case "problem":
            result = replace(result, problems=(ATTACK,))
        case "markdown":
            result.answers["q7"] = replace(q7, source=ATTACK)
        case "maths":
            result.answers["q7"] = replace(
                q7, source=rf"$\text{{{ATTACK}}}$ $$ {ATTACK} $$ $\href{{javascript:x}}{{y}}$"
            )
    source = rendered(result, {"q7": HandMark(points=1.0, by_hand=True, comment=ATTACK)})
    tags = Elements(source).found
    assert not {tag for tag, _ in tags} & {
        "script",
        "iframe",
        "object",
        "form",
        "input",
        "base",
        "link",
        "svg",
    }
    assert not [name for _, attributes in tags for name in attributes if name.startswith("on")]
    links = [
        value for _, a in tags for name, value in a.items() if name in ("href", "src", "xlink:href", "action")
    ]
    assert all(link.startswith(("#", "https://")) for link in links), links
    assert "49" not in words(source)
    assert "default-src 'none'" in source


def test_formulas_are_drawn_and_broken_ones_show_their_source():
    result = graded()
    result.answers["q7"] = Answer(source=r"$\frac{1}{2}$ and $\frac{$ and `$x$`")
    source = rendered(result)
    assert "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>" in source
    assert r"<code>\frac{</code>" in source and "<code>$x$</code>" in source


def test_a_name_that_is_no_file_name_is_refused(tmp_path):
    shutil.copytree(ROOT / "assignments" / NAME, tmp_path / "assignments" / NAME)
    with pytest.raises(ValueError, match="no name for a folder"):
        write_feedback([graded("../../up")], tmp_path)
    with pytest.raises(FileNotFoundError, match="course release ps9"):
        write_feedback([replace(graded(), assignment="ps9")], tmp_path)
