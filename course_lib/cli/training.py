"""Train a policy of the lecture, or measure a paper's claims again."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, as_completed
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from course_lib.cli.executors import cores, executor
from course_lib.cli.terminal import counting_bar, err, fail, one_line_errors, out, pick

if TYPE_CHECKING:
    from course_lib.zoo.training import Idea

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


Seeds = Annotated[
    str,
    typer.Option(
        *("--seeds", "--seed"),
        help="One policy a seed: 0, or 0-9, or 0,3,7. The same seed gives the same numbers.",
    ),
]
Weights = Annotated[Path, typer.Option("--out", help="Folder for the weights and their cards.")]
Fresh = Annotated[
    bool, typer.Option("--fresh", help="Start over instead of resuming, and train again what is there.")
]
Jobs = Annotated[int, typer.Option(min=1, help="Seeds at a time on this machine.")]
Dask = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Train on a dask cluster: its scheduler's address.")
]
Tables = Annotated[Path, typer.Option("--out", help="Folder for the tables and the figure.")]
RUNS, CORES = Path("runs"), cores()

HOW_TO_GO_ON = {
    True: "resume with the same command, without --fresh",
    False: "what was finished is kept, the same command without --fresh trains the rest",
}
"""Said after Ctrl-C, by whether the idea's trainings resume."""


@train_app.command(
    "epopt",
    epilog="Examples: course train epopt --recipe eps0.1 | course train epopt --seeds 0-9 --jobs 4",
)
def train_epopt(
    world: Annotated[str, typer.Option(help="hopper or half_cheetah.")] = "hopper",
    recipe: Annotated[
        str, typer.Option(help="mass3, mass6, mass9 (one fixed torso mass), eps1.0 or eps0.1 (the ensemble).")
    ] = "eps0.1",
    seeds: Seeds = "0",
    folder: Weights = RUNS,
    fresh: Fresh = False,
    jobs: Jobs = CORES,
    dask: Dask = None,
) -> None:
    """EPOpt: a policy for a whole family of bodies and floors."""
    wanted = parse_seeds(seeds)
    with one_line_errors():
        from course_lib.zoo import epopt_recipes

        train(epopt_recipes.IDEA, world, recipe, wanted, folder, fresh=fresh, jobs=jobs, dask=dask)


@train_app.command("darc", epilog="Example: course train darc --world point --recipe darc5 --seeds 0-4")
def train_darc(
    world: Annotated[str, typer.Option(help="point, arm or point_dead.")] = "point",
    recipe: Annotated[
        str,
        typer.Option(
            help="darc2, darc5 or darc20 (episodes of the target seen), or a rival: source, importance5, "
            "target2, target5, target20, or target (the ceiling)."
        ),
    ] = "darc5",
    seeds: Seeds = "0",
    folder: Weights = RUNS,
    fresh: Fresh = False,
    jobs: Jobs = CORES,
    dask: Dask = None,
) -> None:
    """DARC: a policy that is trained where one motor works, for a world where it turns the wrong way."""
    wanted = parse_seeds(seeds)
    with one_line_errors():
        from course_lib.zoo import darc_recipes

        train(darc_recipes.IDEA, world, recipe, wanted, folder, fresh=fresh, jobs=jobs, dask=dask)


def train(
    idea: "Idea",
    world: str,
    recipe: str,
    seeds: Sequence[int],
    folder: Path,
    *,
    fresh: bool,
    jobs: int,
    dask: str | None,
) -> None:
    """What `course train IDEA` does, for any idea: trains the seeds that the folder lacks.

    Args:
        idea: what to train.
        world: as a person typed it.
        recipe: as a person typed it.
        seeds: what to train.
        folder: where weights and cards go.
        fresh: start over instead of resuming, and train again what is there.
        jobs: seeds at a time on this machine.
        dask: address of a scheduler, to train on its cluster.

    Raises:
        ValueError: a seed could not be trained; the others are trained first.
        typer.Exit: with code 2 on a mistyped name, on Ctrl-C with 130.
    """
    from course_lib.zoo import training

    pick("world", world, idea.worlds)
    pick("recipe", recipe, idea.recipes)
    todo = [seed for seed in seeds if fresh or not training.is_trained(world, recipe, seed, folder)]
    if len(todo) < len(seeds):
        there = ", ".join(str(seed) for seed in seeds if seed not in todo)
        out.print(f"Trained already, see --fresh: seed {there}", highlight=False)
    if len(todo) == 1 and dask is None:
        with progress_bar(f"{world} {recipe} seed {todo[0]}", resumes=idea.resumes) as show:
            training.train_and_store(idea, world, recipe, todo[0], folder, resume=not fresh, progress=show)
    elif todo:
        with executor(min(jobs, len(todo)), dask, processes=True) as pool:
            train_seeds(pool, idea, world, recipe, todo, folder, fresh=fresh, remote=dask is not None)
    out.print(f"Weights and cards are in {folder}/", highlight=False, soft_wrap=True)


def train_seeds(
    pool: Executor,
    idea: "Idea",
    world: str,
    recipe: str,
    seeds: Sequence[int],
    folder: Path,
    *,
    fresh: bool,
    remote: bool,
) -> None:
    """Trains one policy a seed, and writes each as soon as it is there.

    Args:
        pool: where they are trained.
        idea: what to train.
        world: such as "hopper".
        recipe: such as "eps0.1".
        seeds: what to train.
        folder: where weights and cards go.
        fresh: start over instead of resuming; a cluster always does, since it leaves no checkpoint here.
        remote: the pool's machines may not share this folder: the files come back, and are written here.

    Raises:
        ValueError: a seed could not be trained; the others are trained first.
        typer.Exit: on Ctrl-C.
    """
    from course_lib.zoo import training
    from course_lib.zoo.store import write_here

    problems = []
    try:
        with counting_bar(f"{world} {recipe}", "seeds") as show:
            show(0, len(seeds), "")
            futures = {}
            for seed in seeds:
                if remote:
                    future = pool.submit(training.train_elsewhere, idea, world, recipe, seed)
                else:
                    future = pool.submit(
                        training.train_and_store, idea, world, recipe, seed, folder, resume=not fresh
                    )
                futures[future] = seed
            for done, future in enumerate(as_completed(futures), start=1):
                try:
                    if remote:
                        for name, content in future.result().items():
                            write_here(folder / name, content)
                    else:
                        future.result()
                except (BrokenExecutor, CancelledError):
                    raise ValueError(
                        "the training was ended from outside (the cluster is gone? out of memory? then try "
                        "fewer --jobs); the same command goes on"
                    ) from None
                except Exception as error:
                    problems.append(f"seed {futures[future]}: {error}")
                show(done, len(seeds), f"seed {futures[future]}")
    except KeyboardInterrupt:
        err.print(f"stopped; {HOW_TO_GO_ON[idea.resumes]}", highlight=False)
        raise typer.Exit(130) from None
    if problems:
        raise ValueError("; ".join(problems))


def parse_seeds(text: str) -> list[int]:
    """The seeds that a person means by "2", "0-4", "0,3,7" or "0-2,8", in this order, none twice.

    Raises:
        typer.Exit: with code 2 where the text says no seeds.
    """
    seeds = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*)?", part, re.ASCII)
        if match is None:
            fail(f"cannot read seeds from {text!r}: write 2, or 0-9, or 0,3,7", code=2)
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first >= 10_000:
            fail(f"{part.strip()!r} of {text!r} is no range of seeds: the smaller number comes first", code=2)
        seeds += range(first, last + 1)
    return list(dict.fromkeys(seeds))


@reproduce_app.command("epopt", epilog="Example: course reproduce epopt --world hopper")
def reproduce_epopt(
    world: Annotated[str, typer.Option(help="hopper or half_cheetah.")] = "hopper",
    episodes: Annotated[int, typer.Option(min=1, help="Episodes per mass and seed.")] = 8,
    folder: Tables = RUNS,
) -> None:
    """EPOpt: return against mass and friction, one mass in training against the whole ensemble."""
    with one_line_errors():
        from course_lib.zoo import epopt_results

        reproduce("epopt", epopt_results, world, episodes, folder)


@reproduce_app.command("darc", epilog="Example: course reproduce darc --world arm")
def reproduce_darc(
    world: Annotated[str, typer.Option(help="point, arm or point_dead.")] = "point",
    episodes: Annotated[int, typer.Option(min=1, help="Episodes per seed and domain.")] = 256,
    folder: Tables = RUNS,
) -> None:
    """DARC: return in a target of which little was seen, against that of its rivals."""
    with one_line_errors():
        from course_lib.zoo import darc_results

        reproduce("darc", darc_results, world, episodes, folder)


@reproduce_app.command("dann")
def reproduce_dann(folder: Tables = RUNS) -> None:
    """DANN and MMD: what a model knows of turned digits without labels; trains all anew, some minutes."""
    with one_line_errors():
        from course_lib.zoo import dann_results

        rows = []
        with counting_bar("DANN", "seeds") as show:
            show(0, dann_results.SEEDS, "")
            for seed in range(dann_results.SEEDS):
                rows += [(seed, *row) for row in dann_results.measured(seed)]
                show(seed + 1, dann_results.SEEDS, "")
        dann_results.write(rows, folder)
    out.print(f"Table and figure are in {folder}/", highlight=False, soft_wrap=True)


def reproduce(idea: str, results: ModuleType, world: str, episodes: int, folder: Path) -> None:
    """What `course reproduce IDEA` does, for any idea: measures, and writes tables and figure.

    Args:
        idea: such as "epopt".
        results: module with `WORLDS`, `measure(world, episodes, report)`, `write(measured, command, folder)`.
        world: as a person typed it.
        episodes: how much to measure.
        folder: where tables and figure go.

    Raises:
        ZooError: weights are missing, or the folder cannot be written.
        typer.Exit: with code 2 on a mistyped name.
    """
    from course_lib.core.seeding import seed_everything

    seed_everything(0)  # also keeps torch on one thread, out of the physics' way
    pick("world", world, results.WORLDS)
    with out.status("measuring") as status:
        measured = results.measure(world, episodes, lambda doing: status.update(f"{world}, {doing}"))
    results.write(measured, f"course reproduce {idea} --world {world} --episodes {episodes}", folder)
    out.print(f"Tables and figure are in {folder}/", highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(title: str, *, resumes: bool) -> Iterator["ShowRecord"]:
    """A bar with live numbers for any training that yields records; Ctrl-C ends it with one line.

    A record is a dict of floats; `iteration` (from 1) and `iterations` drive the bar, `steps` and
    `return_mean` are shown where present.

    Args:
        title: in front of the bar.
        resumes: whether the training goes on after Ctrl-C, or starts over.
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
        err.print(f"stopped {where}; {HOW_TO_GO_ON[resumes]}", highlight=False)
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
