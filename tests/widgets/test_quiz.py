"""Quiz without a browser: what is refused, what is given away, and how answers are counted."""

import json

import pytest

from course_lib.widgets.module import STATIC
from course_lib.widgets.quiz import Choice, Question, Quiz, questions_of

YES = Choice(text="Yes", why="Because it is so.", right=True)
NO = Choice(text="No", why="It only seems so.")
MAYBE = Choice(text="Maybe", why="It is never open.")


def test_questions_and_reasons_are_sent_in_their_order():
    quiz = Quiz([Question(text="Is it?", choices=[NO, YES]), Question(text="Was it?", choices=[YES, MAYBE])])
    first, second = quiz.data["questions"]
    assert first == {
        "text": "Is it?",
        "choices": [
            {"text": "No", "why": "It only seems so.", "right": False},
            {"text": "Yes", "why": "Because it is so.", "right": True},
        ],
    }
    assert [choice["text"] for choice in second["choices"]] == ["Yes", "Maybe"]
    quiz.close()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ([YES], "has 1 with 1 right"),
        ([NO, MAYBE], "has 2 with 0 right"),
        ([YES, Choice(text="Indeed", why="So it is.", right=True)], "has 2 with 2 right"),
        ([YES, NO, NO], "two choices of 'Is it[?]' say the same"),
        ([YES, Choice(text="No", why=" ")], "the choice 'No' must say why"),
    ],
)
def test_a_question_without_one_answer_is_refused(choices, words):
    with pytest.raises(ValueError, match=words):
        Question(text="Is it?", choices=choices)


def test_questions_are_read_from_a_text():
    text = """
        Is it?
        - No
          It only
          seems so.
        + Yes
          Because it is so.

        Was it,
        at all?
        + Yes
          Because it is so.
        - Maybe
          It is never open.
    """
    first, second = questions_of(text)
    assert first == Question(text="Is it?", choices=[NO, YES])
    assert second == Question(text="Was it, at all?", choices=[YES, MAYBE])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Is it?\n+ Yes\nIt is.\n- No\n  Not so.", "indented under its choice, got 'It is.'"),
        ("Is it?\n  It is.\n+ Yes\n- No", "indented under its choice, got '  It is.'"),
        ("Is it?\n+ Yes\n- No\n  Not so.", "the choice 'Yes' must say why"),
        ("Is it?", "has 0 with 0 right"),
    ],
)
def test_a_text_that_is_no_question_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        questions_of(text)


def test_a_quiz_without_a_question_is_refused():
    with pytest.raises(ValueError, match="at least one question"):
        Quiz([])


def test_what_stands_in_has_the_choices_and_gives_nothing_away():
    answer_first = Quiz([Question(text="Is it?", choices=[YES, NO])], title="Quick")
    other = Question(
        text="Is it?", choices=[Choice(text="Yes", why="?"), Choice(text="No", why="?", right=1)]
    )
    answer_last = Quiz([other], title="Quick")
    assert str(answer_first) == "Quick\n\n1. Is it?\n   (a) Yes\n   (b) No"
    assert str(answer_first) == str(answer_last)
    assert answer_first.picture() == answer_last.picture() and answer_first.picture().startswith(b"\x89PNG")
    bundle, _ = answer_first._repr_mimebundle_()
    assert bundle["text/plain"] == str(answer_first)
    assert "course.quiz" in bundle["text/html"], "an exported notebook has the whole quiz"
    answer_first.close(), answer_last.close()


def test_only_the_first_try_counts(run_script):
    """The view's own arithmetic, from the choices that were checked, in order."""
    question = {"choices": [{"right": False}, {"right": True}, {"right": False}]}
    checked = [[], [1], [1, 0], [0, 1], [0, 2]]
    found = run_script(
        f"eval({json.dumps((STATIC / 'quiz.js').read_text())}); const {{ standing, score }} = course.quiz;"
        "const answers = input.checked.map((checked) => ({ checked }));"
        "const all = (which) => score(which.map(() => input.question), which.map((i) => answers[i]));"
        "output = [answers.map((one) => standing(input.question, one)), all([0, 1, 2, 3, 4]), all([2, 3])];",
        question=question,
        checked=checked,
    )
    assert found[0] == ["open", "first", "first", "later", "wrong"]
    assert found[1] == {"first": 2, "tried": 4, "over": False}
    assert found[2] == {"first": 1, "tried": 2, "over": True}
