"""What every command shares: two consoles, one-line errors, the clone's folder, progress bars."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from course_lib.core.spelling import nearest

out = Console()
err = Console(stderr=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """One line on standard error, and out."""
    err.print("[bold red]error:[/]", escape(message), soft_wrap=True, highlight=False)
    raise typer.Exit(code)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Show what the library raises about a person's input as one line; COURSE_DEBUG=1 shows the traceback."""
    try:
        yield
    except (ValueError, OSError) as problem:
        if os.environ.get("COURSE_DEBUG"):
            raise
        fail(str(problem).splitlines()[0] if str(problem) else type(problem).__name__)


def pick(kind: str, name: str, known: Iterable[str]) -> str:
    """Return `name` if it is known, else stop with the nearest one.

    Args:
        kind: what is being named, for the message ("world").
        name: what the person typed.
        known: all valid names.

    Raises:
        typer.Exit: with code 2 where the name is unknown.
    """
    known = list(known)
    if name in known:
        return name
    fail(f"unknown {kind} {name!r}: {nearest(name, known)}", code=2)


def course_folder() -> Path:
    """The folder of the clone: where you stand or a parent of it, else where this package lies.

    Raises:
        typer.Exit: where neither is a clone of the course.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[2]):
        if (folder / "course_lib" / "__init__.py").is_file() and (folder / "pyproject.toml").is_file():
            return folder
    fail(f"no course in {here}: change to the folder that you cloned, and run the command again")
