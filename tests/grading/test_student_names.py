"""Names of students: read from what platforms write, and safe to write."""

import pytest

from course_lib.grading.student_names import LONGEST, Who, distinct_names, read_label, safe_name

PS2 = "ps2_epopt"


@pytest.mark.parametrize(
    ("name", "who", "attempt"),
    [
        ("alice.ipynb", Who("alice"), (0,)),
        ("alice (2).ipynb", Who("alice"), (2,)),
        ("a.b@uni.edu.ipynb", Who("a.b@uni.edu"), (0,)),
        ("alice.ipynb.txt", Who("alice"), (0,)),
        ("alice.zip", Who("alice"), (0,)),
        ("ps2_epopt_alice.ipynb", Who("alice"), (0,)),
        ("alice-ps2_epopt.IPYNB", Who("alice"), (0,)),
        ("ps2_epopt.ipynb", Who("ps2_epopt"), (0,)),
        ("mary_jane.ipynb", Who("mary_jane"), (0,)),
        ("Ana Ruiz_123_assignsubmission_file_ps2_epopt.ipynb", Who("Ana Ruiz", "123"), ()),
        ("Ana Ruiz_123_assignsubmission_file_", Who("Ana Ruiz", "123"), ()),
        ("Ana Ruiz_123_assignsubmission_onlinetext", Who("Ana Ruiz", "123"), ()),
        ("ruizana_123_456_ps2_epopt.ipynb", Who("ruizana", "123"), (456, 0)),
        ("ruizana_LATE_123_456_ps2_epopt-1.ipynb", Who("ruizana", "123"), (456, 1)),
        ("ruizana_123_456_essay.pdf", Who("ruizana", "123"), (456, 0)),
        (
            "ps2_epopt_ana_r_attempt_2024-01-31-23-59-00_my_file.ipynb",
            Who("ana_r"),
            (2024, 1, 31, 23, 59, 0),
        ),
        ("ps2_epopt_ana_attempt_2024-01-31-23-59-00.txt", Who("ana"), (2024, 1, 31, 23, 59, 0)),
        ("Problem Set 2_ana_attempt_2024-01-31-23-59-00_x.zip", Who("ana"), (2024, 1, 31, 23, 59, 0)),
        # What follows the platform's own part is the student's to choose, and must not make them another one.
        ("bob_1_2_Ana Ruiz_123_assignsubmission_file_x.ipynb", Who("bob", "1"), (2, 0)),
        ("bob_1_2_ps2_epopt_ana_attempt_2024-01-31-23-59-00_x.ipynb", Who("bob", "1"), (2, 0)),
        ("Bob_1_assignsubmission_file_Ana_2_assignsubmission_file_x.ipynb", Who("Bob", "1"), ()),
        (
            "ps2_epopt_bob_attempt_2024-01-31-23-59-00_ana_attempt_2025-01-01-00-00-00_x.ipynb",
            Who("bob"),
            (2024, 1, 31, 23, 59, 0),
        ),
    ],
)
def test_labels(name, who, attempt):
    label = read_label(name, PS2, is_folder=False)
    assert (label.who, label.attempt) == (who, attempt)


def test_a_folder_keeps_its_dots():
    assert read_label("a.b", PS2, is_folder=True).who == Who("a.b")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Ana Ruiz", "Ana_Ruiz"),
        ("  José  Müller ", "Jose_Muller"),
        ("Łukasz Groß-Øst", "Lukasz_Gross-Ost"),
        ("O’Brien, Pat", "O_Brien_Pat"),
        ("a.b+c@uni.edu", "a.b_c@uni.edu"),
        ("../../etc/passwd", "etc_passwd"),
        ("-rf", "rf"),
        (".hidden.", "hidden"),
        ("CON", "student-CON"),
        ("nul.txt", "student-nul.txt"),
        ("console", "console"),
        ("b\udcff", "b"),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


def test_names_that_lose_letters_stay_two():
    first, second = safe_name("李明"), safe_name("王芳")
    assert first != second
    assert first.startswith("student-") and first.isascii()
    long = safe_name("x" * 500)
    assert len(long) <= LONGEST + 7
    assert long != safe_name("x" * 501)
    assert safe_name("").startswith("student-")


def test_who_shares_a_name_gets_a_mark():
    people = [Who("Ana"), Who("ana"), Who("ANA", "77"), Who("Áná", "78"), Who("bo"), Who("ana-77")]
    names = distinct_names(people, {"bo": "Bo"})
    assert len({name.casefold() for name in names.values()}) == len(people)
    assert names[Who("bo")] == "Bo"
    assert names[Who("ana-77")] == "ana-77"
    assert names[Who("Áná", "78")] == "Ana-78"
    assert names[Who("ANA", "77")] not in ("ANA", "ANA-77")  # which is somebody else's
    assert distinct_names(reversed(people), {"bo": "Bo"}) == names
