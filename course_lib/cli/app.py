"""The three panels put together, and the entry point of the console script."""

import os
import shutil
import sys
from typing import Annotated

import typer

from course_lib import __version__
from course_lib.cli import assignments, bench, everyday, reproduce, site, training
from course_lib.cli.terminal import out

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Transfer learning and meta-RL, hands on: move a slider, watch a robot walk or fall.",
    epilog="Start with [bold]course lab[/]. If anything is odd, [bold]course doctor[/] says how to mend it.",
)
for panel in (everyday, site, bench, assignments, training, reproduce):
    app.add_typer(panel.app)


def show_version(wanted: bool) -> None:
    if wanted:
        out.print(f"course {__version__}", highlight=False)
        raise typer.Exit()


@app.callback()
def course(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and leave."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the console script; Ctrl-C anywhere else ends quietly with 130."""
    width = shutil.get_terminal_size().columns
    if width < 80:  # the help's boxes need the room
        os.environ.setdefault("COLUMNS", "80")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
