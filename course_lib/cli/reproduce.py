"""Measure a paper's claims again: on the weights that come with the course, or by training anew."""

import importlib
import time
from pathlib import Path
from typing import Annotated

import typer

from course_lib.cli.terminal import check_writable, counting_bar, one_line_errors, out
from course_lib.zoo.result_rows import ROWS, Row, write_minutes

app = typer.Typer()
reproduce_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Measure a row of docs/results.md again, on the weights of the course or by training anew.",
    epilog="Example: course reproduce darc-arm",
)
app.add_typer(reproduce_app, name="reproduce", rich_help_panel="Train")

Tables = Annotated[Path, typer.Option("--out", help="Folder for the tables and the figure.")]
RUNS = Path("runs")


def _offer_on_weights(name: str, row: Row) -> None:
    @reproduce_app.command(name, help=row.summary, rich_help_panel="On the weights of the course")
    def command(
        episodes: Annotated[int, typer.Option(min=1, help=f"Episodes per {row.counted}.")] = row.episodes,
        folder: Tables = RUNS,
    ) -> None:
        with one_line_errors():
            reproduce(name, row, episodes, folder)


def _offer_by_training(name: str, row: Row) -> None:
    @reproduce_app.command(name, help=row.summary, rich_help_panel="By training anew")
    def command(folder: Tables = RUNS) -> None:
        with one_line_errors():
            train_anew(name, row, folder)


for _name, _row in ROWS.items():
    (_offer_on_weights if _row.world else _offer_by_training)(_name, _row)


def reproduce(name: str, row: Row, episodes: int, folder: Path) -> None:
    """Measures claims on weights of the zoo, and writes tables and figure.

    Args:
        name: of the row.
        row: one of `ROWS` that has weights.
        episodes: how much to measure.
        folder: where tables and figure go.

    Raises:
        ValueError: the folder cannot be written.
        ZooError: weights are missing.
    """
    from course_lib.core.seeding import seed_everything

    check_writable(folder)  # before the minutes, not after them
    results = importlib.import_module(f"course_lib.zoo.{row.module}_results")
    seed_everything(0)  # also keeps torch on one thread, out of the physics' way
    before = time.process_time()
    with out.status("measuring") as status:
        measured = results.measure(row.world, episodes, lambda doing: status.update(f"{name}, {doing}"))
    as_published = episodes == row.episodes
    command = f"course reproduce {name}" + ("" if as_published else f" --episodes {episodes}")
    results.write(measured, command, folder)
    _finish(name, before, folder, as_published)


def train_anew(name: str, row: Row, folder: Path) -> None:
    """Trains everything that a row speaks of, and writes tables and figure.

    Args:
        name: of the row.
        row: one of `ROWS` without weights.
        folder: where tables and figure go.

    Raises:
        ValueError: the folder cannot be written.
    """
    check_writable(folder)
    results = importlib.import_module(f"course_lib.zoo.{row.module}_results")
    before = time.process_time()
    rows = []
    with counting_bar(name, "seeds") as show:
        show(0, results.SEEDS, "")
        for seed in range(results.SEEDS):
            rows += [(seed, *measured) for measured in results.measured(seed)]
            show(seed + 1, results.SEEDS, "")
    results.write(rows, folder)
    _finish(name, before, folder, as_published=True)


def _finish(name: str, before: float, folder: Path, as_published: bool) -> None:
    minutes = (time.process_time() - before) / 60
    if as_published:
        write_minutes(folder, name, minutes)
    words = f"Tables and figure are in {folder}/, after {minutes:.1f} minutes of CPU time"
    out.print(words, highlight=False, soft_wrap=True)
