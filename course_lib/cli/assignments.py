"""Assignments: check, release, grade, and what comes of the grades."""

from pathlib import Path
from typing import Annotated

import typer

from course_lib.cli.terminal import course_folder, one_line_errors, out

app = typer.Typer()


@app.command(rich_help_panel="Assignments", epilog="Example: course check assignments/ps2_epopt")
def check(
    path: Annotated[Path, typer.Argument(help="A notebook, or the folder that holds it.")] = Path("."),
) -> None:
    """Run your notebook from a fresh start and list what is still wrong."""
    with one_line_errors():
        from course_lib.grading.check import check as run_check

        if not run_check(path):
            raise typer.Exit(1)


@app.command(rich_help_panel="Assignments", epilog="Example: course release ps2_epopt")
def release(
    names: Annotated[list[str] | None, typer.Argument(help="Assignments, like ps2_epopt; none: all.")] = None,
) -> None:
    """Instructors: make assignments/ from solutions/, without the answers."""
    folder = course_folder()
    with one_line_errors():
        from course_lib.grading.release import release_assignments

        for path in release_assignments(names or None, folder):
            out.print(path.relative_to(folder).as_posix(), highlight=False, soft_wrap=True)
