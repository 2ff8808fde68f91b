"""No widget without its place in the tests that move them all, and no colour that nobody has named."""

import ast
import importlib
import pkgutil
from pathlib import Path

import anywidget
import pytest

import course_lib.widgets

BASES = {"PageWidget", "PlaneWidget"}
"""Classes that nobody constructs."""


def widget_classes() -> dict[str, type]:
    """Every widget that a person can make, by its name."""
    for found in pkgutil.iter_modules(course_lib.widgets.__path__):
        importlib.import_module(f"course_lib.widgets.{found.name}")
    found, classes = [anywidget.AnyWidget], {}
    while found:
        below = found.pop().__subclasses__()
        found += below
        classes |= {one.__name__: one for one in below if one.__module__.startswith("course_lib.widgets.")}
    return {name: one for name, one in classes.items() if name not in BASES}


def constructed() -> set[str]:
    """The names in CONSTRUCTORS of tests/browser/every_widget.py, read without running it."""
    file = Path(__file__).parents[1] / "browser" / "every_widget.py"
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CONSTRUCTORS":
            return {ast.literal_eval(key) for key in node.value.keys}
    pytest.fail(f"{file.name} has no CONSTRUCTORS")


def test_every_widget_is_moved_by_the_robustness_test():
    known, tested = set(widget_classes()), constructed()
    assert tested == known, (
        "add the widget to CONSTRUCTORS in tests/browser/every_widget.py: "
        f"missing {sorted(known - tested)}, no widget {sorted(tested - known)}"
    )
