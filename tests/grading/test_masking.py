"""The masked copy of the library lacks the answers, everywhere, and nothing else."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib
from course_lib.grading.masking import copy_masked, mask, with_parts

SOURCE = '''"""A module."""

from functools import cache


@cache
def wanted(
    x: int,
) -> int:
    """Says how it is done."""

    def inner(y):
        return y * 41

    return inner(x) + 1


class Room:
    def wanted(self, x):
        if x:
            return 41
        return 42

    def other(self):
        return 43


async def later():
    async def wanted():
        return 44

    return await wanted()


def other():
    return wanted(1)
'''


def run(text: str) -> dict:
    scope: dict = {"__name__": "masked"}
    exec(compile(text, "masked", "exec"), scope)
    return scope


def test_bodies_are_gone_and_the_rest_stays():
    text, found = mask(SOURCE, {"wanted"})
    assert found == ["wanted"] * 3
    for answer in ("41", "42", "44", "Says how"):
        assert answer not in text
    assert "43" in text
    scope = run(text)
    for call in (scope["wanted"], scope["Room"]().wanted):
        with pytest.raises(RuntimeError, match="wanted of course_lib is the reference"):
            call(1)
    with pytest.raises(RuntimeError, match="is the reference"):
        scope["other"]()
    assert scope["Room"]().other() == 43


def test_signatures_stay():
    text, _ = mask(SOURCE, {"wanted"})
    functions = [node for node in ast.walk(ast.parse(text)) if getattr(node, "name", "") == "wanted"]
    assert sorted(ast.unparse(node.args) for node in functions) == ["", "self, x", "x: int"]


def test_lines_above_keep_their_numbers():
    text, _ = mask(SOURCE, {"wanted"})
    assert text.splitlines()[:10] == SOURCE.splitlines()[:10][:9] + text.splitlines()[9:10]
    assert "raise RuntimeError" in text.splitlines()[9]


def test_methods_of_a_masked_class_go():
    text, found = mask(SOURCE, {"Room"})
    assert found == ["wanted", "other"]
    assert "43" not in text
    assert run(text)["wanted"](1) == 42


def test_a_body_that_begins_with_a_decorated_function_goes_with_its_decorator():
    inner = "    @functools.cache\n    def inner():\n        return 41\n"
    text = f"import functools\ndef wanted():\n{inner}    return inner()\n"
    masked, _ = mask(text, {"wanted"})
    assert "41" not in masked and "cache" not in masked
    with pytest.raises(RuntimeError, match="is the reference"):
        run(masked)["wanted"]()


def test_nothing_to_mask():
    assert mask(SOURCE, {"absent"}) == (SOURCE, [])


@pytest.mark.parametrize("sign", ["\x0c", "\x1c", "\x85", "\u2028", "\v"])
def test_signs_that_end_a_line_elsewhere(sign):
    text = f"# one{sign}two\nNOTE = 'a'\ndef wanted():\n    return 41\nKEPT = 5\n"
    masked, _ = mask(text, {"wanted"})
    assert "41" not in masked
    assert run(masked)["KEPT"] == 5


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_other_systems(end):
    masked, _ = mask("A = 1\ndef wanted():\n    return 41\nKEPT = 5\n".replace("\n", end), {"wanted"})
    assert "41" not in masked
    assert run(masked)["KEPT"] == 5


def test_what_cannot_be_cut_stops_the_grader():
    with pytest.raises(ValueError, match="wanted: write its body on lines of its own"):
        mask("def wanted(): return 41\n", {"wanted"})


class TestCopy:
    def test_only_sources_are_copied(self, tmp_path):
        package = tmp_path / "package"
        (package / "inner" / "__pycache__").mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "inner" / "a.py").write_text("def wanted():\n    return 41\n")
        for name in ("a.pyc", "a.ipynb", "a.json", "a.py.orig", "__pycache__/a.cpython-311.pyc"):
            (package / "inner" / name).write_text("41")
        masked = copy_masked({"wanted"}, tmp_path / "copy", package)
        assert masked == ["package/inner/a.py: wanted"]
        copied = sorted(p.relative_to(tmp_path / "copy").as_posix() for p in (tmp_path / "copy").rglob("*.*"))
        assert copied == ["package/__init__.py", "package/inner/a.py"]
        assert not any("41" in (tmp_path / "copy" / name).read_text() for name in copied)

    def test_course_without_an_equation(self, tmp_path):
        masked = copy_masked({"cvar_mask", "posterior_weights"}, tmp_path)
        assert [line.split(": ")[1] for line in masked] == ["cvar_mask", "posterior_weights"]
        code = "import torch\nfrom course_lib.transfer import epopt\nprint(epopt.__file__)\n"
        code += "epopt.cvar_mask(torch.ones(3), 0.5)"
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert str(tmp_path) in done.stdout
        assert "RuntimeError: cvar_mask of course_lib is the reference for this question" in done.stderr

    def test_whole_course_can_be_masked(self, tmp_path):
        # Each public function alone: none has its body on the line of its `def`.
        for path in Path(course_lib.__file__).parent.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            names = set(re.findall(r"^def (\w+)", text, flags=re.M))
            masked, found = mask(text, names)
            assert set(found) == names
            ast.parse(masked)


def test_parts_of_a_masked_function_are_masked():
    one = "def wanted(x, given):\n    return module.part(x) + given(x)\n\n\ndef given(x):\n    return 1\n"
    two = "def part(x):\n    return deeper(x)\n\n\ndef deeper(x):\n    return 41\n"
    two += "def other(x):\n    return 2\n"
    assert with_parts({"wanted"}, [one, two]) == {"wanted", "part", "deeper"}
    assert with_parts({"other"}, [one, two]) == {"other"}
