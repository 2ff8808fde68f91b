"""Everyone who handed in is there once, with their own answers, or with a reason."""

import copy
import hashlib
import io
import json
import os
import random
import re
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.grading import untrusted_files
from course_lib.grading.collect import assignments_in, collect, collect_one
from course_lib.grading.student_names import Who, distinct_names, stem
from course_lib.grading.untrusted_files import Refused

posix = pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
PS2 = "ps2_epopt"
STUB = "def double(x):\n    raise NotImplementedError()"


def graded(make, source, name, **fields):
    return make(source, id=name, metadata={"nbgrader": {"grade_id": name, **fields}})


RELEASE = new_notebook(
    cells=[
        graded(new_markdown_cell, "# Doubles", "intro", locked=True),
        graded(new_code_cell, STUB, "q1", solution=True),
        graded(new_code_cell, "assert double(2) == 4", "q1-test", grade=True, locked=True),
    ]
)


def answer(mark):
    """What a student called `mark` wrote, so that answers can be told apart."""
    return f"def double(x):\n    return 2 * x  # {mark}"


def notebook(mark, pad=""):
    book = copy.deepcopy(RELEASE)
    if mark:
        book.cells[1].source = answer(mark)
    book.metadata["pad"] = pad
    return nbformat.writes(book).encode()


def packed(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def put(folder, files):
    """Writes files; None makes an empty folder."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


def found(submissions):
    """The mark in each answer, by student."""
    return {s.student: s.answers["q1"].rpartition("# ")[2] for s in submissions if s.status == "found"}


MOODLE = "_assignsubmission_file_"
BLACKBOARD = "_attempt_2024-01-0{}-12-00-00"
LAYOUTS = {
    "nbgrader": ({f"ana/{PS2}/{PS2}.ipynb": "a", f"bo/{PS2}/{PS2}.ipynb": "b"}, {"ana": "a", "bo": "b"}),
    "nbgrader, several assignments": (
        {f"ana/{PS2}/{PS2}.ipynb": "a", "ana/ps1_darc/ps1_darc.ipynb": "another", "bo/x.ipynb": "b"},
        {"ana": "a", "bo": "b"},
    ),
    "Moodle, folders": (
        {f"Ana Ruiz_11{MOODLE}/x.ipynb": "a", f"Bo Lé_12{MOODLE}/y.ipynb": "b"},
        {"Ana_Ruiz": "a", "Bo_Le": "b"},
    ),
    "Moodle, files": (
        {f"Ana Ruiz_11{MOODLE}{PS2}.ipynb": "a", f"Ana Ruiz_12{MOODLE}{PS2}.ipynb": "b"},
        {"Ana_Ruiz-11": "a", "Ana_Ruiz-12": "b"},
    ),
    "Canvas": (
        {
            f"ruizana_11_100_{PS2}.ipynb": "old",
            f"ruizana_LATE_11_101_{PS2}-1.ipynb": "a",
            f"lebo_12_90_{PS2}-2.ipynb": "b",
            f"lebo_12_90_{PS2}-1.ipynb": "old",
            f"lebo_12_90_{PS2}-10.ipynb": "newest",
        },
        {"ruizana": "a", "lebo": "newest"},
    ),
    "Blackboard": (
        {
            f"{PS2}_ana{BLACKBOARD.format(1)}_x.ipynb": "old",
            f"{PS2}_ana{BLACKBOARD.format(2)}_x.ipynb": "a",
            f"{PS2}_ana{BLACKBOARD.format(2)}.txt": b"Name: Ana",
        },
        {"ana": "a"},
    ),
    "plain": (
        {"ana.ipynb": "a", f"{PS2}_bo.ipynb": "b", "cy/deep/er/any name.ipynb": "c", "di.IPYNB": "d"},
        {"ana": "a", "bo": "b", "cy": "c", "di": "d"},
    ),
    "second copy of a browser": ({"ana.ipynb": "old", "ana (1).ipynb": "a"}, {"ana": "a"}),
    "what programs leave behind": (
        {"ana/.ipynb_checkpoints/x.ipynb": "old", "ana/x.ipynb": "a", ".DS_Store": b"", "marks.csv": b""},
        {"ana": "a"},
    ),
}


# A zip in a folder that holds one student's things is that student's, unless a platform named what is in it.
ONE = ("second copy of a browser", "what programs leave behind")
FORMS = ("folder", "zip", "zip in a folder", "wrapped zip", "wrapped folder")


@pytest.mark.parametrize(
    ("layout", "form"),
    [(layout, form) for layout in LAYOUTS for form in (FORMS[:2] if layout in ONE else FORMS)],
)
def test_layouts(tmp_path, layout, form):
    files, expected = LAYOUTS[layout]
    files = {n: notebook(mark) if isinstance(mark, str) else mark for n, mark in files.items()}
    place = tmp_path / "in"
    if form.endswith("folder") and form != "zip in a folder":
        put(place / "ps2 submissions" if form == "wrapped folder" else place, files)
    else:
        wrap = "ps2 submissions/" if form == "wrapped zip" else ""
        put(place, {"all.zip": packed({wrap + name: content for name, content in files.items()})})
        place = place if form == "zip in a folder" else place / "all.zip"
    submissions = collect(place, RELEASE, assignment=PS2)
    assert found(submissions) == expected
    assert len(submissions) == len(expected)
    assert collect(place, RELEASE, assignment=PS2) == submissions
    for submission in submissions:
        assert submission.sha256 == hashlib.sha256(notebook(expected[submission.student])).hexdigest()


@pytest.mark.parametrize(
    "files",
    [
        ["x.ipynb"],
        [f"{PS2}/{PS2}.ipynb"],
        [f"{PS2}/{PS2}.ipynb", "ps1_darc/ps1_darc.ipynb"],
        [f"{PS2}.ipynb", f"{PS2}-Copy1.ipynb"],
        ["x.ipynb", "report.pdf"],
        ["x.ipynb", "old/x.ipynb", "data/rows.csv"],
        ["work/x.ipynb", "data/rows.csv", "figures/one.png"],
    ],
)
def test_the_folder_of_the_only_student_stays_one_student(tmp_path, files):
    put(tmp_path, {f"ana/{name}": notebook("a") for name in files})
    assert found(collect(tmp_path, RELEASE, assignment=PS2)) == {"ana": "a"}


def test_the_roster_tells_a_student_s_folder_from_one_around_the_class(tmp_path):
    put(tmp_path, {"bo/one.ipynb": notebook("a"), "bo/two.ipynb": notebook("a")})
    assert found(collect(tmp_path, RELEASE, ["Bo"])) == {"Bo": "a"}
    submissions = collect(tmp_path, RELEASE, ["one", "three"])
    assert {s.student: s.status for s in submissions} == {"one": "found", "two": "found", "three": "missing"}


def test_only_folder_that_cannot_be_opened(tmp_path, monkeypatch):
    put(tmp_path, {"ana": None})

    def closed(folder):
        raise Refused("the folder cannot be opened")

    monkeypatch.setattr(untrusted_files, "_listed", closed)
    assert [(s.student, s.status) for s in collect(tmp_path, RELEASE)] == [("ana", "unreadable")]


def test_the_assignments_name_may_be_left_out(tmp_path):
    put(tmp_path, {f"{PS2}_bo.ipynb": notebook("b"), f"ana/{PS2}/{PS2}.ipynb": notebook("a")})
    assert found(collect(tmp_path, RELEASE)) == {"ana": "a", "bo": "b"}


def test_zips_of_students(tmp_path):
    inner = packed({"x/solution.ipynb": notebook("inner")})
    put(
        tmp_path,
        {
            "ana.zip": packed({f"{PS2}/{PS2}.ipynb": notebook("a"), "__MACOSX/._x.ipynb": b"junk"}),
            f"Bo_12{MOODLE}/work.zip": packed({"../../x.ipynb": notebook("b")}),
            "cy.zip": packed({"inner.zip": inner}),
            "di.zip": packed({"inner.zip": packed({"inner.zip": inner})}),
            "ed.zip": b"PK\x03\x04 broken",
            "flo.zip": packed({"notes.docx": b"x"}),
            "gil.zip": packed({f"{i}.txt": b"" for i in range(300)}),
        },
    )
    submissions = {s.student: s for s in collect(tmp_path, RELEASE, assignment=PS2)}
    assert found(submissions.values()) == {"ana": "a", "Bo": "b", "cy": "inner"}
    assert {n: s.status for n, s in submissions.items() if s.status != "found"} == {
        "di": "unreadable",
        "ed": "unreadable",
        "flo": "missing",
        "gil": "unreadable",
    }
    assert "zip in a zip" in submissions["di"].problems[0]
    assert "broken" in submissions["ed"].problems[0]
    assert submissions["ed"].sha256 == hashlib.sha256(b"PK\x03\x04 broken").hexdigest()
    assert submissions["flo"].problems == ("no notebook was handed in; only notes.docx",)


def test_nothing_and_nonsense(tmp_path):
    put(
        tmp_path,
        {
            "empty": None,
            "essay/text.pdf": b"x",
            f"lebo_12_90_{PS2}.pdf": b"x",
            f"{PS2}_cy{BLACKBOARD.format(1)}.txt": b"Name: Cy",
            "rar.rar": b"x",
            "hole.ipynb": b"",
            "text.ipynb": b"print(1)",
            "large.ipynb": notebook("x", pad="x" * 9_000_000),
            "other.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": "x = 1"}]}).encode(),
        },
    )
    submissions = {s.student: s for s in collect(tmp_path, RELEASE, assignment=PS2)}
    assert {n: s.status for n, s in submissions.items()} == {
        "cy": "missing",
        "empty": "missing",
        "essay": "missing",
        "lebo": "missing",
        "rar": "missing",
        "hole": "unreadable",
        "large": "unreadable",
        "other": "unreadable",
        "text": "unreadable",
    }
    assert all(s.problems and not s.answers for s in submissions.values())
    assert {n for n, s in submissions.items() if s.sha256} == {"hole", "other", "text"}
    assert "larger than 8 MiB" in submissions["large"].problems[0]
    assert "double" in submissions["other"].problems[0]


@posix
@pytest.mark.timeout(20)
def test_links_and_pipes(tmp_path):
    put(tmp_path / "elsewhere", {"x.ipynb": notebook("stolen")})
    put(tmp_path / "in" / "inside", {"notes.txt": b""})
    (tmp_path / "in" / "ana").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "bo.ipynb").symlink_to(tmp_path / "elsewhere" / "x.ipynb")
    (tmp_path / "in" / "inside" / "x.ipynb").symlink_to(tmp_path / "elsewhere" / "x.ipynb")
    os.mkfifo(tmp_path / "in" / "pipe.ipynb")
    submissions = collect(tmp_path / "in", RELEASE)
    assert {s.student: s.status for s in submissions} == dict.fromkeys(
        ("ana", "bo", "inside", "pipe"), "unreadable"
    )
    assert all("link" in s.problems[0] or "ordinary" in s.problems[0] for s in submissions)


def test_which_of_several_notebooks(tmp_path):
    newer = {f"ruizana_1_2_{PS2}.ipynb": notebook("old"), f"ruizana_1_3_{PS2}.ipynb": b"{"}
    copies = {f"bo/{PS2}.ipynb": notebook(""), f"bo/{PS2}-Copy1.ipynb": notebook("worked in")}
    tie = {"cy/scratch.ipynb": notebook("s"), f"cy/{PS2}.ipynb": notebook("t")}
    put(tmp_path, newer | copies | tie | {"cy/readme.txt": b""})
    submissions = {s.student: s for s in collect(tmp_path, RELEASE, assignment=PS2)}
    assert found(submissions.values()) == {"ruizana": "old", "bo": "worked in", "cy": "t"}
    assert re.search(r"2 notebooks came, and .*_2_ps2.* is graded", submissions["ruizana"].problems[0])
    assert "no notebook" in submissions["ruizana"].problems[1]
    assert len(submissions["cy"].problems) == 1


def test_a_flood_of_files_costs_one_student(tmp_path):
    put(tmp_path, {"bo.ipynb": notebook("b")})
    put(tmp_path / "ana", {f"{i:04d}.ipynb": b"{" for i in range(2100)})
    put(tmp_path / "cy" / "/".join("d" * 40), {"x.ipynb": notebook("deep")})
    bomb = packed({"x.ipynb": b"\0" * 10_000_000})
    put(tmp_path, {"di.zip": packed({f"{i}.zip": bomb for i in range(100)})})
    statuses = {s.student: s.status for s in collect(tmp_path, RELEASE)}
    assert statuses == {"ana": "unreadable", "bo": "found", "cy": "missing", "di": "unreadable"}


def test_roster(tmp_path):
    put(
        tmp_path,
        {f"José Ruiz_1{MOODLE}/x.ipynb": notebook("a"), "bo.ipynb": notebook("b"), "x.ipynb": notebook("x")},
    )
    roster = ["jose ruiz", "Bo", "Li Wei", "li wei ", ""]
    submissions = collect(tmp_path, RELEASE, roster)
    assert [(s.student, s.status) for s in submissions] == [
        ("Bo", "found"),
        ("jose_ruiz", "found"),
        ("li_wei", "missing"),
        ("x", "found"),
    ]
    assert submissions[2].problems == ("nothing was handed in",)
    assert [s.name for s in submissions] == ["Bo", "jose ruiz", "li wei", "x"], "as the roster spells them"
    assert [s.name for s in collect(tmp_path, RELEASE)] == ["bo", "José Ruiz", "x"], "or else the download"


@pytest.mark.parametrize(
    ("files", "statuses"),
    [
        (["bo.ipynb"], {"José": "missing", "Jose": "missing"}),
        (["josé.ipynb"], {"josé": "found", "Jose": "missing"}),
        (["Jose.ipynb"], {"Jose": "found", "José": "missing"}),
        (["José.ipynb", "Jose.ipynb"], {"Jose": "found", "José": "found"}),
        (["Josè.ipynb"], {"Josè": "found", "Jose": "missing", "José": "missing"}),
    ],
)
def test_roster_on_which_only_accents_tell_two_apart(tmp_path, files, statuses):
    put(tmp_path, {name: notebook(stem(name)) for name in files} | {"cy.ipynb": notebook("cy")})
    submissions = collect(tmp_path, RELEASE, ["Jose", "José", "cy"])
    ours = [s for s in submissions if s.student.startswith(("Jose", "jose", "JOSE"))]
    assert sorted(s.status for s in ours) == sorted(statuses.values())
    assert len({s.student.casefold() for s in ours}) == len(ours)
    assert len({s.name for s in ours}) == len(ours), "no two rows are one student's in a platform's table"
    assert set(found(ours).values()) == {name for name, status in statuses.items() if status == "found"}
    names = distinct_names([Who(name) for name in statuses], {})
    assert {s.student.lower(): s.status for s in ours} == {
        names[Who(name)].lower(): status for name, status in statuses.items()
    }, "the names are the same, whoever of them handed in"
    twice = collect(tmp_path, RELEASE, ["JOSE", "Jose\u0301", "Jose ", "José", "cy"])
    assert len(twice) == len(submissions), "other case and other ways to write é are no other students"


def test_two_of_one_name_are_both_there_where_the_platform_drops_accents(tmp_path):
    put(tmp_path, {f"jose_{i}_{i}_x.ipynb": notebook(str(i)) for i in (11, 12)})
    submissions = collect(tmp_path, RELEASE, ["José", "Jose"])
    assert sorted(found(submissions).values()) == ["11", "12"] and len(submissions) == 2


def test_roster_may_name_the_number_that_tells_two_apart(tmp_path):
    put(tmp_path, {f"Ana Ruiz_{i}{MOODLE}x.ipynb": notebook(str(i)) for i in (11, 12)})
    submissions = collect(tmp_path, RELEASE, ["Ana Ruiz-11", "Ana Ruiz-12"])
    assert found(submissions) == {"Ana_Ruiz-11": "11", "Ana_Ruiz-12": "12"} and len(submissions) == 2
    assert [s.name for s in submissions] == ["Ana Ruiz-11", "Ana Ruiz-12"]


def test_one_student(tmp_path):
    put(tmp_path / "submission", {"any.ipynb": notebook("a"), "marks.csv": b""})
    submission = collect_one("Ana Ruiz", tmp_path / "submission", RELEASE)
    assert found([submission]) == {"Ana_Ruiz": "a"}
    assert collect_one("x", tmp_path / "gone", RELEASE).status == "unreadable"


@pytest.mark.parametrize(
    ("files", "path", "error", "words"),
    [
        ({}, "gone", FileNotFoundError, "gone does not exist; give"),
        ({"in": None}, "in", ValueError, "holds no submissions; expected"),
        ({"in/marks.csv": b""}, "in", ValueError, "holds no submissions; expected"),
        ({"all.zip": b"no"}, "all.zip", ValueError, "is no zip; give"),
        ({"all.zip": packed({})}, "all.zip", ValueError, "holds no submissions"),
    ],
)
def test_mistakes_of_an_instructor(tmp_path, files, path, error, words):
    put(tmp_path, files)
    with pytest.raises(error, match=words):
        collect(tmp_path / path, RELEASE)


def test_random_files_never_raise_and_lose_nobody(tmp_path):
    """Damaged bytes under odd names: everyone once, known answers only, text that can be written."""
    rng = random.Random(0)
    names = [
        "ana",
        "ANA",
        "Áná",
        "con",
        "a b",
        "李明",
        "x" * 100,
        "x..",
        "-x",
        "a\nb",
        "(1)",
        "ps2_epopt",
        "%2e%2e",
    ]
    good, zipped = notebook("x"), packed({"x.ipynb": notebook("z"), "b/c.zip": packed({"d.ipynb": b"{"})})
    seen = set()
    for turn in range(60):
        folder = tmp_path / str(turn)
        folder.mkdir()
        for name in rng.sample(names, 6):
            suffix = rng.choice([".ipynb", ".zip", ""])
            damaged = bytearray(zipped if suffix == ".zip" else good)
            for _ in range(rng.choice([0, 1, 20])):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            put(folder, {f"{name}{suffix or '/y.ipynb'}": bytes(damaged)})
        submissions = collect(folder, RELEASE)
        assert len(submissions) == len(os.listdir(folder))
        assert len({s.student.casefold() for s in submissions}) == len(submissions)
        for submission in submissions:
            seen.add(submission.status)
            assert re.fullmatch(r"[A-Za-z0-9@_][A-Za-z0-9._@-]*", submission.student)
            assert submission.answers.keys() <= {"q1"}
            assert (submission.status == "found") == bool(submission.answers)
            json.dumps([submission.answers, submission.problems], ensure_ascii=False).encode("utf-8")
    assert seen == {"found", "unreadable"}


@posix
def test_names_that_are_no_text(tmp_path):
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff"))).mkdir()
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xfe.ipynb"))).write_bytes(b"{")
    submissions = collect(tmp_path, RELEASE)
    assert len({s.student for s in submissions}) == 2
    assert all(s.student.startswith("b-") for s in submissions)
    json.dumps([[s.name, *s.problems] for s in submissions], ensure_ascii=False).encode("utf-8")


def test_notebooks_tell_of_which_assignment_they_are(tmp_path):
    other = copy.deepcopy(RELEASE)
    for cell in other.cells:
        cell.source = cell.source.replace("double", "triple").replace("Doubles", "Triples")
    releases = {PS2: RELEASE, "ps3_goals": other}

    def told(members):
        (tmp_path / "class.zip").write_bytes(packed(members))
        return assignments_in(tmp_path / "class.zip", releases)

    assert told({"ann/PS2_epopt (1).ipynb": b"nonsense", "bob/report.pdf": b"%PDF"}) == {PS2}
    assert told({"ann/hw.ipynb": notebook("ann"), "bob/broken.ipynb": b"nonsense"}) == {PS2}
    assert told({"ann.zip": packed({"hw.ipynb": nbformat.writes(other)}), "bob/hw.ipynb": b""}) == {
        "ps3_goals"
    }
    assert told({"ann/hw.ipynb": notebook("ann"), "bob/ps3_goals.ipynb": b""}) == {PS2, "ps3_goals"}
    assert told({"ann/hw.ipynb": nbformat.writes(new_notebook())}) == set()
    two_names = {"ann/ps2_epopt as in ps3_goals.ipynb": notebook("ann")}
    assert told(two_names) == {PS2}
    with pytest.raises(FileNotFoundError, match="does not exist"):
        assignments_in(tmp_path / "nothing", releases)
