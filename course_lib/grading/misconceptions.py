"""Tests that teach: a test cell computes the wrong answer of each known mistake, and names the one it sees.

A test cell is one `with checking("Question 2, visible cases"):` block. Inside it the student's function is
run by `call`, and its result compared by `expect_close`, which knows the values that known mistakes give.
A warning or a log line of the student's code costs nothing, and every failure is an `AssertionError` that
says what was returned, what was expected, and why they may differ.

Only values are compared, never types made by the student, so that the function may live in another process.
"""

import contextlib
import io
import linecache
import logging
import os
import reprlib
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch

from course_lib.grading.wire import Opaque

SEED_VARIABLE = "COURSE_GRADING_SEED"


def fresh_rng(question: str) -> np.random.Generator:
    """Randomness for the hidden cases: new at every run, unless a grader fixes it.

    Args:
        question: the question's name, so that questions draw from streams of their own.

    Returns:
        A generator, seeded by the operating system, or by the environment variable
        `COURSE_GRADING_SEED` (an integer) where a grader has set it to repeat a run.
    """
    seed = os.environ.get(SEED_VARIABLE)
    return (
        np.random.default_rng()
        if seed is None
        else np.random.default_rng([int(seed), zlib.crc32(question.encode())])
    )


class TestFailed(AssertionError):
    """A failed test in words for the student."""

    __test__ = False  # pytest takes the name for its own

    def _render_traceback_(self) -> list[str]:
        """What Jupyter shows: the words, and not forty lines of what runs below them."""
        return str(self).splitlines()


@contextlib.contextmanager
def checking(title: str) -> Iterator[None]:
    """The frame of a test cell: quiet while it runs, and every failure in plain words.

    nbgrader gives no points to a cell that writes to stderr, so warnings and log lines of the student's code
    are swallowed here.

    Args:
        title: what is tested, such as "Question 2, visible cases".

    Raises:
        TestFailed: a test failed, or the student's code stopped.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except AssertionError as error:
        raise TestFailed(str(error) or f"{title}: an assert of your code failed{_own_line(error)}") from None
    except NotImplementedError:
        raise TestFailed(f"{title}: not answered yet") from None
    except NameError as error:
        raise TestFailed(f"{title}: {error}. {_who_binds(error)}{_own_line(error)}") from None
    except Exception as error:
        kind = type(error).__name__
        raise TestFailed(f"{title}: your code stopped with {kind}: {error}{_own_line(error)}") from None
    finally:
        logging.disable(before)
    print(f"{title}: passed")


def _who_binds(error: NameError) -> str:
    """Which cell to run where a name is missing."""
    if (error.name or "").startswith("_"):
        return "Run the test cells of this question in their order."
    return "Have the notebook's first cell and the cell with your answer run without an error?"


def _own_line(error: Exception) -> str:
    """The line of a notebook's cell where a student's code stopped; empty elsewhere."""
    cells = [f for f in traceback.extract_tb(error.__traceback__) if "ipykernel_" in f.filename]
    # A question's test cells share functions: what stops in one of them may be defined in another.
    tests = {cell.filename for cell in cells if "checking(" in "".join(linecache.getlines(cell.filename))}
    own = [cell for cell in cells if cell.filename not in tests]
    return f"\n  line {own[-1].lineno} of your cell: {own[-1].line}" if own else ""


def call(function: Callable, *arguments: Any) -> Any:
    """Calls the student's function, and demands that it leaves its arguments as they were.

    Args:
        function: the student's function.
        arguments: what it is called with; arrays and tensors are compared before and after.

    Returns:
        What the function returned.

    Raises:
        AssertionError: an argument was changed in place.
    """
    before = [_copy(value) for value in arguments]
    result = function(*arguments)
    for position, (old, new) in enumerate(zip(before, arguments, strict=True), start=1):
        if isinstance(old, np.ndarray | torch.Tensor) and not _equal(old, new):
            name = getattr(function, "__name__", "your function")
            message = (
                f"{name} changes its argument number {position} in place: the caller still needs it. "
                f"Compute a new array instead (no +=, -=, *=, sort_() or x[...] = ... on an argument).\n"
                f"  before the call: {show(old)}\n  after the call:  {show(new)}"
            )
            new[...] = old  # tests that come later may use it again
            raise AssertionError(message)
    return result


def drive(driver: Callable, function: Callable, *arguments: Any) -> Any:
    """Runs an instructor's `driver(function, *arguments)` beside the student's function.

    Needed where a test must see more than returned values, such as gradients. Where the student's function
    lives in another process, its stand-in brings a `run_beside` method that sends the driver there.
    """
    run_beside = getattr(function, "run_beside", None)
    return driver(function, *arguments) if run_beside is None else run_beside(driver, *arguments)


def value_and_gradients(function: Callable, *arguments: Any) -> tuple[Any, bool, list[torch.Tensor | None]]:
    """A driver: the function's value, and its gradient with respect to every floating-point tensor.

    Args:
        function: returns a scalar tensor.
        arguments: tensors of any dtype and plain values.

    Returns:
        The value without its graph, whether it had a gradient at all, and one entry per argument: the
        gradient (zeros where none flows), or None where the argument is no floating-point tensor.
    """
    inputs = [
        value.detach().clone().requires_grad_()
        if isinstance(value, torch.Tensor) and value.is_floating_point()
        else value
        for value in arguments
    ]
    value = function(*inputs)
    gradients: list[torch.Tensor | None] = [
        torch.zeros_like(x) if isinstance(x, torch.Tensor) and x.requires_grad else None for x in inputs
    ]
    if not (isinstance(value, torch.Tensor) and value.requires_grad):
        return value, False, gradients
    leaves = [position for position, gradient in enumerate(gradients) if gradient is not None]
    found = torch.autograd.grad(value.sum(), [inputs[position] for position in leaves], allow_unused=True)
    for position, gradient in zip(leaves, found, strict=True):
        if gradient is not None:
            gradients[position] = gradient
    return value.detach(), True, gradients


def expect_close(
    what: str,
    seen: Any,
    expected: np.ndarray | torch.Tensor,
    mistakes: Mapping[str, Any] | None = None,
    *,
    rtol: float = 1e-5,
    atol: float = 1e-6,
) -> None:
    """Demands that a result equals the expected one; otherwise names the mistake that gives this value.

    Args:
        what: what was computed, such as "cvar_mask(returns, epsilon=0.1)".
        seen: what the student's function returned.
        expected: the right value; its type (array or tensor), dtype and shape are demanded too, but a tensor
            of floats may be wider than expected: what is asked for there is a "float tensor".
        mistakes: message -> the value that this mistake gives. The first that fits is reported.
        rtol: relative tolerance.
        atol: absolute tolerance.

    Raises:
        AssertionError: the result differs.
    """
    if seen is None:
        raise AssertionError(f"{what} returned None. Is the `return` missing?")
    container = "torch tensor" if isinstance(expected, torch.Tensor) else "numpy array"
    wanted = f"a {container} of shape {tuple(expected.shape)} and dtype {_dtype(expected)}"
    pair = f"\n  returned: {show(seen)}\n  expected: {show(expected)}"
    try:
        values = _numbers(seen)
    except (TypeError, ValueError, RuntimeError):
        raise AssertionError(f"{what} returned {kind(seen)}, expected {wanted}.{pair}") from None

    target = _numbers(expected)
    if not _close(values, target, rtol, atol):
        for message, wrong in (mistakes or {}).items():
            wrong = _numbers(wrong)
            if not _close(wrong, target, rtol, atol) and _close(values, wrong, rtol, atol):
                raise AssertionError(f"{message}\n  in: {what}{pair}")
        if values.shape != target.shape:
            raise AssertionError(f"{what} has shape {values.shape}, expected {target.shape}.{pair}")
        if np.isnan(values).any() and not np.isnan(target).any():
            raise AssertionError(f"{what} holds NaN (a division by zero, or inf - inf?).{pair}")
        worst = int(np.argmax(~np.isclose(values, target, rtol=rtol, atol=atol)))
        index = tuple(map(int, np.unravel_index(worst, target.shape)))
        truth = _dtype(expected) == "bool" and np.isin(values, (0.0, 1.0)).all()
        one, other = (bool(x.flat[worst]) if truth else f"{x.flat[worst]:.6g}" for x in (values, target))
        raise AssertionError(
            f"{what} is wrong. The first difference is at index {index}: {one} instead of {other}.{pair}"
        )
    if not _same_kind(seen, expected):
        raise AssertionError(
            f"{what} has the right values, but is a {kind(seen)} of dtype {_dtype(seen)}; expected {wanted}."
        )


def kind(value: Any) -> str:
    """What a value is called: its type's name, also where the value could not leave the student's process."""
    return value.what if isinstance(value, Opaque) else type(value).__name__


def show(value: Any) -> str:
    """A short, readable form of an array, a tensor or a number, whatever its size."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.double() if value.dtype == torch.bfloat16 else value).numpy()
    if isinstance(value, np.ndarray) and value.ndim > 3 and value.size > 100:
        # numpy shortens each axis, which does not help where there are many short ones.
        return f"{show(value.ravel())} in shape {value.shape}"
    if isinstance(value, np.ndarray | np.generic | bool | int | float | complex):
        text = np.array2string(
            np.asarray(value), precision=5, threshold=24, edgeitems=4, max_line_width=100, separator=", "
        )
    else:
        text = _Short().repr(value)
    text = text if len(text) < 600 else text[:600] + " ..."
    return text.replace("\n", "\n            ")


class _Short(reprlib.Repr):
    """Texts of bounded length, also where arrays stand inside lists and dicts."""

    def __init__(self) -> None:
        super().__init__()  # sets the limits of the object, whatever the class says
        self.maxlist = self.maxtuple = self.maxdict = 8
        self.maxstring = self.maxother = 200

    def repr_instance(self, value: Any, level: int) -> str:
        return (
            show(value)
            if isinstance(value, torch.Tensor | np.ndarray)
            else super().repr_instance(value, level)
        )

    repr_ndarray = repr_Tensor = repr_instance


def _copy(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _equal(old: Any, new: Any) -> bool:
    return np.shape(old) == np.shape(new) and np.array_equal(_numbers(old), _numbers(new), equal_nan=True)


def _numbers(value: Any) -> np.ndarray:
    """Copy in double precision of a (nested list of) number, array or tensor; raises where there are none."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.to(
            torch.complex128 if value.is_complex() else torch.float64
        ).numpy()  # no bfloat16 there
    return np.array(value, dtype=np.complex128 if np.iscomplexobj(value) else np.float64)


def _close(values: np.ndarray, target: np.ndarray, rtol: float, atol: float) -> bool:
    return values.shape == target.shape and bool(
        np.allclose(values, target, rtol=rtol, atol=atol, equal_nan=True)
    )


def _same_kind(seen: Any, expected: np.ndarray | torch.Tensor) -> bool:
    if not isinstance(expected, torch.Tensor):
        return not isinstance(seen, torch.Tensor) and _dtype(seen) == _dtype(expected)
    if not isinstance(seen, torch.Tensor):
        return False
    wider = (
        seen.dtype.is_floating_point
        and expected.dtype.is_floating_point
        and torch.finfo(seen.dtype).bits >= torch.finfo(expected.dtype).bits
    )
    return wider or seen.dtype == expected.dtype


def _dtype(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.") if hasattr(value, "dtype") else type(value).__name__
