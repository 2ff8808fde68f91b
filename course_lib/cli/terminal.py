"""What every command shares: two consoles, one-line errors, the clone's folder, progress bars."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
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


def check_writable(folder: Path) -> None:
    """Makes a folder, and sees before the minutes of work, not after them, whether it can be written to.

    Raises:
        ValueError: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"cannot write to {folder}: {error.strerror}; choose a folder of your own with --out"
        raise ValueError(problem) from error


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


@contextmanager
def counting_bar(title: str, unit: str) -> Iterator[Callable[[int, int, str], None]]:
    """A bar that counts finished things and guesses when the last will be.

    Args:
        title: what is going on.
        unit: what the things are called.

    Yields:
        A function to call with how many are done, how many there are, and a word about the latest.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("{task.fields[latest]}"),
    )
    # The guess looks at the whole run: seconds may pass between two submissions, minutes between two seeds.
    with Progress(*columns, console=out, speed_estimate_period=1e9) as bar:
        task = bar.add_task(title, total=None, latest="")
        yield lambda done, total, latest: bar.update(task, completed=done, total=total, latest=escape(latest))
