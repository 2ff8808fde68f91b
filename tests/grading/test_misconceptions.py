"""A failing test says what it saw, what it expected, and which mistake that is."""

import linecache
import logging
import sys
import warnings

import numpy as np
import pytest
import torch

from course_lib.grading import misconceptions
from course_lib.grading.misconceptions import (
    call,
    checking,
    drive,
    expect_close,
    fresh_rng,
    show,
    value_and_gradients,
)
from course_lib.grading.wire import Opaque


def message_of(*arguments, **options) -> str:
    with pytest.raises(AssertionError) as failed:
        expect_close("f(x)", *arguments, **options)
    return str(failed.value)


RIGHT = np.array([1.0, 2.0, 4.0])


def test_right_values_pass_silently():
    expect_close("f(x)", RIGHT + 1e-9, RIGHT, {"never said": RIGHT})
    expect_close("f(x)", torch.tensor([True]), torch.tensor([True]))
    expect_close("f(x)", np.array([np.inf, np.nan]), np.array([np.inf, np.nan]))


def test_known_mistake_is_named_with_what_was_seen_and_expected():
    said = message_of(RIGHT * 2, RIGHT, {"other": RIGHT * 3, "You doubled it.": RIGHT * 2})
    assert said.startswith("You doubled it.")
    assert "[2., 4., 8.]" in said
    assert "[1., 2., 4.]" in said


def test_mistake_that_gives_the_right_value_is_not_accused():
    assert "accused" not in message_of(RIGHT * 2, RIGHT, {"accused": RIGHT})


def test_mistakes_of_another_shape_are_recognised():
    assert "transposed" in message_of(np.ones((2, 3)), np.ones((3, 2)), {"transposed": np.ones((2, 3))})


def test_unknown_differences_are_located():
    said = message_of(np.array([1.0, 5.0, 4.0]), RIGHT)
    assert "index (1,): 5 instead of 2" in said


@pytest.mark.parametrize(
    ("seen", "part"),
    [
        (None, "`return` missing"),
        (np.ones(2), "has shape (2,), expected (3,)"),
        (np.array([1.0, np.nan, 4.0]), "holds NaN"),
        (torch.tensor([1.0, 2.0, 4.0]), "expected a numpy array of shape (3,) and dtype float64"),
        (RIGHT.astype(np.float32), "dtype float32"),
        ([1.0, 2.0, 4.0], "is a list"),
        ("text", "returned str"),
        (object(), "returned object"),
        (Opaque("Fraction"), "returned Fraction, expected a numpy array"),
        ([[1.0], [1.0, 2.0]], "returned list"),
    ],
)
def test_other_failures_are_told_plainly(seen, part):
    assert part in message_of(seen, RIGHT)


def test_masks_are_shown_as_true_and_false():
    said = message_of(torch.tensor([True, True]), torch.tensor([True, False]))
    assert "index (1,): True instead of False" in said
    assert "returned: [ True,  True]" in said
    assert "expected: [ True, False]" in said
    assert "index (1,): 0.5 instead of 0" in message_of(torch.tensor([1.0, 0.5]), torch.tensor([True, False]))


def test_float_tensors_may_be_wider_but_not_narrower():
    expected = torch.tensor([0.5, 2.0])
    expect_close("f(x)", expected.double(), expected)
    for narrow in (torch.float16, torch.bfloat16):
        assert f"of dtype {str(narrow)[6:]}" in message_of(expected.to(narrow), expected)
    assert "of dtype float32" in message_of(expected, expected.double())
    assert "of dtype int64" in message_of(torch.tensor([1, 2]), torch.tensor([1.0, 2.0]))
    assert "is a ndarray" in message_of(expected.numpy(), expected)


def test_scalars():
    expect_close("f(x)", torch.tensor(3.0), torch.tensor(3.0))
    assert "is a float" in message_of(3.0, torch.tensor(3.0))


def test_checking_turns_every_failure_into_words():
    with pytest.raises(AssertionError, match=r"^Question 9: not answered yet$"), checking("Question 9"):
        raise NotImplementedError
    with pytest.raises(AssertionError, match="your answer run without an error"), checking("Question 9"):
        missing_name  # noqa: B018
    with (
        pytest.raises(AssertionError, match="your code stopped with ZeroDivisionError"),
        checking("Question 9"),
    ):
        1 / 0  # noqa: B018
    with pytest.raises(AssertionError, match=r"^plain$"), checking("Question 9"):
        raise AssertionError("plain")


def test_checking_keeps_stderr_empty_and_restores_what_it_changed(capsys):
    logging.getLogger("student").addHandler(logging.StreamHandler())
    with checking("Question 9"):
        warnings.warn("careful", stacklevel=1)
        logging.getLogger("student").error("loud")
        print("whisper", file=sys.stderr)
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out == "Question 9: passed\n"
    assert logging.root.manager.disable == logging.NOTSET
    logging.getLogger("student").handlers.clear()


def test_changed_arguments_are_noticed():
    def double(x, factor):
        x *= factor
        return x

    with pytest.raises(AssertionError, match="double changes its argument number 1 in place"):
        call(double, np.ones(2), 2.0)
    with pytest.raises(AssertionError, match="in place"):
        call(double, torch.ones(2), 2.0)
    assert call(lambda x: x * 2, np.array([np.nan, 1.0]))[1] == 2.0


def test_gradients_are_those_of_autograd():
    x, y, mask = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0]), torch.tensor([True, False])
    value, flows, gradients = value_and_gradients(lambda a, b, m, c: (a * a * m * c).sum(), x, y, mask, 2.0)
    assert value.item() == 2.0
    assert flows
    assert gradients[0].tolist() == [4.0, 0.0]
    assert gradients[1].tolist() == [0.0, 0.0]
    assert gradients[2:] == [None, None]
    value, flows, gradients = value_and_gradients(lambda a: a.sum().item(), x)
    assert (value, flows, gradients[0].any().item()) == (3.0, False, False)


def test_a_driver_runs_where_the_function_is():
    class Elsewhere:
        def run_beside(self, driver, *arguments):
            return "elsewhere", driver(abs, *arguments)

    def driver(function, x):
        return function(x)

    assert drive(driver, abs, -2) == 2
    assert drive(driver, Elsewhere(), -2) == ("elsewhere", 2)


def test_hidden_cases_are_fresh_unless_a_grader_fixes_them(monkeypatch):
    monkeypatch.delenv(misconceptions.SEED_VARIABLE, raising=False)
    assert fresh_rng("q1").random() != fresh_rng("q1").random()
    monkeypatch.setenv(misconceptions.SEED_VARIABLE, "7")
    assert fresh_rng("q1").random() == fresh_rng("q1").random()
    assert fresh_rng("q1").random() != fresh_rng("q2").random()


def test_show_says_all_of_what_is_short():
    assert show(Opaque("Fraction")) == "<Fraction, which is no number, text, list, dict, array or tensor>"
    assert show("x" * 60) == repr("x" * 60)
    assert show([1, 2.5, None, True, 5, 6, 7, 8]) == "[1, 2.5, None, True, 5, 6, 7, 8]"


def test_show_is_short():
    assert len(show(np.arange(10_000.0))) < 200
    assert len(show("x" * 10_000)) < 700
    assert "grad" not in show(torch.ones(2, requires_grad=True))


def test_imaginary_parts_count():
    with pytest.raises(AssertionError, match="is wrong"):
        expect_close("f", np.array([1 - 5j]), np.array([1 + 1j]))
    expect_close("f", np.array([1 + 1j]), np.array([1 + 1j]))


@pytest.fixture
def cell(monkeypatch):
    """Runs a cell as a kernel does: in names that all cells share, its text where tracebacks look."""
    names = {"checking": misconceptions.checking}

    def run(number: int, source: str) -> None:
        file = f"ipykernel_1/{number}.py"
        # No time of change, so that it is not compared with the disk.
        monkeypatch.setitem(linecache.cache, file, (len(source), None, source.splitlines(True), file))
        exec(compile(source, file, "exec"), names)

    return run


def test_the_line_of_an_answer_is_told_also_where_a_given_function_stopped_in_its_hands(cell):
    cell(1, "def answer(given):\n    return given(None)\n")
    cell(2, "def assertive():\n    assert 1 == 2\n")
    given = "def given(value):\n    return value + 1\n"
    for use, line in (
        ("answer(given)", "line 2 of your cell: return g"),
        ("assertive()", "assert of your code"),
    ):
        with pytest.raises(misconceptions.TestFailed, match=f"Question 1.*(.|\n)*{line}"):
            cell(3, f"{given}with checking('Question 1'):\n    {use}\n")


def test_a_line_of_another_test_is_not_called_the_student_s(cell):
    cell(1, "def answer(given):\n    twice = 2\n    return given(twice)\n")
    cell(2, "def given(value):\n    raise ValueError('a word')\nwith checking('visible'):\n    pass\n")
    with pytest.raises(misconceptions.TestFailed) as failed:
        cell(3, "with checking('further'):\n    answer(given)\n")
    words = "further: your code stopped with ValueError: a word"
    assert str(failed.value) == f"{words}\n  line 3 of your cell: return given(twice)"
    with pytest.raises(misconceptions.TestFailed) as failed:
        cell(4, "with checking('further'):\n    given(1)\n")
    assert str(failed.value) == words
