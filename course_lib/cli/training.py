"""Train a policy of the lecture, or measure a paper's claims again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from course_lib.cli.terminal import err, one_line_errors, out, pick

app = typer.Typer()
train_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Train a policy of the lecture yourself; its weights and card land in a folder of your choice.",
)
app.add_typer(train_app, name="train", rich_help_panel="Train")
reproduce_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Measure a paper's claims again, on the weights that come with the course.",
)
app.add_typer(reproduce_app, name="reproduce", rich_help_panel="Train")


@train_app.command("epopt", epilog="Example: course train epopt --world hopper --recipe eps0.1 --seed 0")
def train_epopt(
    world: Annotated[str, typer.Option(help="hopper or half_cheetah.")] = "hopper",
    recipe: Annotated[
        str, typer.Option(help="mass3, mass6, mass9 (one fixed torso mass), eps1.0 or eps0.1 (the ensemble).")
    ] = "eps0.1",
    seed: Annotated[int, typer.Option(min=0, help="Seed; the same seed gives the same numbers.")] = 0,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the weights and their card.")] = Path(
        "runs"
    ),
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over instead of resuming.")] = False,
) -> None:
    """EPOpt: a policy for a whole family of bodies and floors."""
    with one_line_errors():
        from course_lib.zoo import recipes

        pick("world", world, recipes.WORLDS)
        pick("recipe", recipe, recipes.RECIPES)
        with progress_bar(f"{world} {recipe} seed {seed}") as show:
            recipes.train_epopt(world, recipe, seed, folder, resume=not fresh, progress=show)
    out.print(f"Weights and card are in {folder}/", highlight=False, soft_wrap=True)


@reproduce_app.command("epopt", epilog="Example: course reproduce epopt --world hopper")
def reproduce_epopt(
    world: Annotated[str, typer.Option(help="hopper or half_cheetah.")] = "hopper",
    episodes: Annotated[int, typer.Option(min=1, help="Episodes per mass and seed.")] = 8,
    folder: Annotated[Path, typer.Option("--out", help="Folder for the tables and the figure.")] = Path(
        "runs"
    ),
) -> None:
    """EPOpt: return against mass and friction, one mass in training against the whole ensemble."""
    with one_line_errors():
        from course_lib.core.seeding import seed_everything
        from course_lib.zoo import recipes, reproduce

        seed_everything(0)  # also keeps torch on one thread, out of the physics' way
        pick("world", world, recipes.WORLDS)
        with out.status("measuring") as status:
            results = reproduce.epopt_results(
                world, episodes, lambda doing: status.update(f"{world}, {doing}")
            )
        command = f"course reproduce epopt --world {world} --episodes {episodes}"
        reproduce.write(results, command, folder)
    out.print(f"Tables and figure are in {folder}/", highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(title: str) -> Iterator["ShowRecord"]:
    """A bar with live numbers for any training that yields records; Ctrl-C ends it with one line.

    A record is a dict of floats; `iteration` (from 1) and `iterations` drive the bar, `steps` and
    `return_mean` are shown where present.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeRemainingColumn(),
    )
    show = None
    try:
        with Progress(*columns, console=out) as bar:
            show = ShowRecord(bar, title)
            yield show
    except KeyboardInterrupt:
        where = f"at iteration {show.iteration}" if show and show.iteration else "before the first iteration"
        err.print(f"stopped {where}; resume with the same command, without --fresh", highlight=False)
        raise typer.Exit(130) from None


class ShowRecord:
    """Paints one training record a call, and remembers how far the training got."""

    def __init__(self, bar, title: str):
        self.bar = bar
        self.task = bar.add_task(title, total=None, numbers="")
        self.iteration = 0

    def __call__(self, record: dict[str, float]) -> None:
        self.iteration = int(record["iteration"])
        numbers = []
        if "return_mean" in record:
            numbers.append(f"return {record['return_mean']:.0f}")
        if "steps" in record:
            numbers.append(f"{record['steps'] / 1e6:.2f} M steps")
        self.bar.update(
            self.task,
            completed=self.iteration,
            total=record.get("iterations"),
            numbers=", ".join(numbers),
        )
