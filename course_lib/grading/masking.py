"""A copy of the library in which the functions that an assignment asks for cannot be run.

Only Python sources are copied, nothing compiled or cached, and the bodies of the graded functions are gone
from the text: there is no way round to them. All else works, so that an answer may build on the library.
"""

import ast
import io
from collections.abc import Collection
from pathlib import Path

import course_lib

MESSAGE = "{name} of course_lib is the reference for this question, and cannot be used while you are graded"


def copy_masked(names: Collection[str], target: Path, source: Path | None = None) -> list[str]:
    """Writes a masked copy of the library.

    Args:
        names: functions, such as "cvar_mask", and classes; every function and method of that name is masked,
            every method of such a class, and the functions of the library that they are made of.
        target: folder that gets the package.
        source: the package to copy; course_lib by default.

    Returns:
        What was masked, such as "course_lib/transfer/epopt.py: cvar_mask", sorted.
    """
    source = source or Path(course_lib.__file__).parent
    texts = {
        path.relative_to(source).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(source.rglob("*.py"))
    }
    names = with_parts(names, list(texts.values()))
    masked = []
    for inner, text in texts.items():
        text, found = mask(text, names)
        masked += [f"{source.name}/{inner}: {name}" for name in found]
        copy = target / source.name / inner
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
    return sorted(masked)


def with_parts(names: Collection[str], texts: Collection[str]) -> set[str]:
    """The names, and those of the library's own functions that their bodies call: parts of the same answer.

    Args:
        names: functions to mask.
        texts: all modules of the library.
    """
    trees = [ast.parse(text) for text in texts]
    functions = [n for tree in trees for n in tree.body if isinstance(n, ast.FunctionDef)]
    known = {function.name for function in functions}
    wanted, before = set(names), set()
    while wanted != before:
        before = set(wanted)
        for function in functions:
            if function.name in before:
                own = {argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)}
                wanted |= {name for name in _called(function) if name in known - own}
    return wanted


def mask(text: str, names: Collection[str]) -> tuple[str, list[str]]:
    """A module's text without the bodies of some functions.

    Args:
        text: Python source.
        names: functions, methods and classes to mask, at any depth.

    Returns:
        The new text, with the same line numbers up to each masked function, and the names found.
    """
    tree = ast.parse(text)
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name in names]
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.name in names or any(_inside(node, owner) for owner in classes))
    ]
    # Whoever stands inside a masked function vanishes with its body.
    outer = [f for f in functions if not any(g is not f and _inside(f, g) for g in functions)]
    lines = io.StringIO(text, newline=None).readlines()  # the lines that Python counts, and no others
    for node in sorted(outer, key=lambda node: node.lineno, reverse=True):
        first = node.body[0]
        # A body on the line of its `def` (`def f(x): return x`) cannot be cut by lines.
        if first.lineno == node.lineno:
            raise ValueError(f"cannot mask {node.name}: write its body on lines of its own")
        indent = " " * first.col_offset
        # A function inside begins with its decorators, before its own line.
        begin = min(part.lineno for part in (first, *getattr(first, "decorator_list", ())))
        lines[begin - 1 : node.end_lineno] = [
            f"{indent}raise RuntimeError({MESSAGE.format(name=node.name)!r})\n"
        ]
    return "".join(lines), [node.name for node in outer]


def _called(function: ast.FunctionDef) -> set[str]:
    """`f` of every `f(...)` and `module.f(...)`, methods of what was computed left out."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {
        name.id if isinstance(name, ast.Name) else name.attr
        for name in called
        if isinstance(name, ast.Name)
        or (isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name))
    }


def _inside(inner: ast.AST, outer: ast.AST) -> bool:
    return outer.lineno < inner.lineno and inner.end_lineno <= outer.end_lineno
