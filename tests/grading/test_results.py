"""Results on disk: the same that were written, in the order of names."""

import json

import pytest

from course_lib.grading.results import Answer, Mark, Result, load, results_folder, save


def result(student: str = "anna", **changes) -> Result:
    values = {
        "student": student,
        "assignment": "ps9",
        "status": "graded",
        "marks": (
            Mark(name="q1-visible", points=1.5, out_of=2, message="half\n  of it", seconds=0.25),
            Mark(name="q2", points=None, out_of=4),
        ),
        "answers": {"q1": Answer(source="x = 'é'", error="", output="out")},
        "problems": ("a word",),
        "seed": 7,
        "hashes": {"solution": "ab"},
    }
    return Result(**{**values, **changes})


def test_what_is_saved_is_what_is_loaded(tmp_path):
    for student in ("a-b", "a", "Z"):
        save(result(student), tmp_path)
    (tmp_path / ".lock").touch()
    assert load(tmp_path) == [result("Z"), result("a"), result("a-b")]


def test_the_same_result_gives_the_same_bytes_and_a_new_one_takes_its_place(tmp_path):
    path = save(result(), tmp_path)
    first = path.read_bytes()
    assert save(result(), tmp_path).read_bytes() == first
    save(result(status="crashed"), tmp_path)
    assert [r.status for r in load(tmp_path)] == ["crashed"]


def test_points_count_only_what_needs_no_person():
    assert (result().points, result().out_of) == (1.5, 2)
    assert result().marks[0].question == "q1"
    assert result(marks=()).points == 0


@pytest.mark.parametrize("text", ["[]", "{}", "no json", json.dumps({"marks": [{"name": 1}], "answers": {}})])
def test_what_is_no_result_is_named(tmp_path, text):
    (tmp_path / "ben.json").write_text(text)
    with pytest.raises(ValueError, match=r"ben.json: .*grade again"):
        load(tmp_path)


def test_results_lie_in_the_course_s_folder(tmp_path):
    assert results_folder(tmp_path, "ps9") == tmp_path / "grading" / "ps9" / "results"
