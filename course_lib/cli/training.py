"""Train a policy of the lecture: one command an idea, one policy a seed."""

import importlib
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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
RUNS, CORES = Path("runs"), cores()

HOW_TO_GO_ON = {
    True: "resume with the same command, without --fresh",
    False: "what was finished is kept, the same command without --fresh trains the rest",
}
"""Said after Ctrl-C, by whether the idea's trainings resume."""


@dataclass(frozen=True)
class Trainable:
    """One idea, as `course train` offers it."""

    summary: str
    """What is trained, in a line."""
    world: str
    """Taken if none is given."""
    recipe: str
    """Taken if none is given; in a world that has no such recipe, its first one."""
    worlds: str
    """What there is to choose, for --help."""
    recipes: str
    """The same."""
    example: str
    """Arguments of a command that somebody may want."""


TRAINABLE = {
    "epopt": Trainable(
        summary="EPOpt: a policy for a whole family of bodies and floors.",
        world="hopper",
        recipe="eps0.1",
        worlds="hopper or half_cheetah.",
        recipes="mass3, mass6, mass9 (one fixed torso mass), eps1.0 or eps0.1 (the ensemble).",
        example="--seeds 0-9 --jobs 4",
    ),
    "darc": Trainable(
        summary="DARC: a policy trained where one motor works, for a world where it turns the wrong way.",
        world="point",
        recipe="darc5",
        worlds="point, arm or point_dead.",
        recipes="darc2, darc5 or darc20 (episodes of the target seen), or a rival: source, importance5, "
        "target2, target5, target20, or target (the ceiling).",
        example="--world point --recipe darc5 --seeds 0-4",
    ),
    "contextual": Trainable(
        summary="Contextual policies: one half-cheetah for every commanded velocity or direction.",
        world="half_cheetah_velocity",
        recipe="told",
        worlds="half_cheetah_velocity or half_cheetah_direction.",
        recipes="told (the command is observed), withheld, single, separate0.5 and so on; told2, told3 and "
        "told5 have so many training commands; in the other world also unequal and unequal_scaled.",
        example="--recipe told3 --seeds 0-4",
    ),
    "goal_conditioned": Trainable(
        summary="Goal-conditioned policies: one policy for every goal, with goals chosen in hindsight.",
        world="rooms",
        recipe="future",
        worlds="rooms or reacher.",
        recipes="future, final, episode (which states become goals), or none (no hindsight); "
        "future_early and none_early stop after 400 episodes.",
        example="--world reacher --recipe none --seeds 0-4",
    ),
    "rl2": Trainable(
        summary="RL2: a recurrent policy that learns inside a trial, from bandits to mazes.",
        world="bandit",
        recipe="k5n20",
        worlds="bandit, random_mdp, grid_navi, maze, navigation, half_circle or half_cheetah_velocity.",
        recipes="bandit: k5n10, k10n10, k50n10, k5n20, k5n100 (arms and pulls); random_mdp: n10; maze, "
        "navigation, half_circle, half_cheetah_velocity: gru; grid_navi: gru, lstm, snail, forgets (memory "
        "emptied at every episode), and tasks1, tasks4, tasks8, tasks14 (so many training tasks); "
        "navigation: tasks4, tasks16, tasks64.",
        example="--world grid_navi --recipe gru --seeds 0-4",
    ),
    "supervised": Trainable(
        summary="Supervised meta-learning: networks that read a training set, of functions or of images.",
        world="sinusoids",
        recipe="set",
        worlds="sinusoids, lines, mixture, digits or letters.",
        recipes="rnn, set, for images prototypes; sinusoids: set_of10, set_of100 (so few training tasks), "
        "letters: set_of30, set_of150.",
        example="--world letters --recipe prototypes --seeds 0-4",
    ),
    "maml": Trainable(
        summary="MAML: where gradient descent should start, for functions or for images.",
        world="sinusoids",
        recipe="maml",
        worlds="sinusoids or letters.",
        recipes="maml, first_order, learned_rates (one for each parameter), steps5 (five inner steps), "
        "pretrained (no thought of adapting); sinusoids: told (the oracle, which is given the task).",
        example="--world letters --recipe first_order --seeds 0-4",
    ),
    "maml_rl": Trainable(
        summary="MAML for RL: a policy from which one gradient step on a few episodes goes a long way.",
        world="navigation",
        recipe="learned_rates",
        worlds="navigation, half_circle, half_cheetah_direction or half_cheetah_velocity.",
        recipes="learned_rates (an inner rate for each parameter), pretrained (no thought of adapting); "
        "navigation: maml (one rate for all), first_order, score_function, dice (other inner objectives), "
        "tasks4, tasks16, tasks64 (so many training tasks).",
        example="--world half_cheetah_direction --seeds 0-4",
    ),
    "pearl": Trainable(
        summary="PEARL: a policy that infers its task, and explores by believing in what it may be.",
        world="direction",
        recipe="pearl",
        worlds="direction, half_circle, half_cheetah_velocity or navigation.",
        recipes="pearl; direction, half_circle: deterministic (z is not drawn); direction: kl0, kl0.1, "
        "kl0.5, kl2 (price of a nat of information); navigation: tasks4, tasks16, tasks64 (so many training "
        "tasks).",
        example="--world direction --seeds 0-4",
    ),
    "varibad": Trainable(
        summary="VariBAD: a policy that is told what is believed of its task, and so can plan to find out.",
        world="grid_navi",
        recipe="varibad",
        worlds="grid_navi or navigation.",
        recipes="varibad; navigation: tasks4, tasks16, tasks64 (so many training tasks).",
        example="--seeds 0-4",
    ),
}
"""The ideas that have something to train."""


def _offer(name: str, idea: Trainable) -> None:
    @train_app.command(name, help=idea.summary, epilog=f"Example: course train {name} {idea.example}")
    def command(
        world: Annotated[str, typer.Option(help=idea.worlds)] = idea.world,
        recipe: Annotated[str | None, typer.Option(help=idea.recipes, show_default=idea.recipe)] = None,
        seeds: Seeds = "0",
        folder: Weights = RUNS,
        fresh: Fresh = False,
        jobs: Jobs = CORES,
        dask: Dask = None,
    ) -> None:
        wanted = parse_seeds(seeds)
        with one_line_errors():
            recipes = importlib.import_module(
                f"course_lib.zoo.{name}_recipes"
            )  # torch, only when it is needed
            pick("world", world, recipes.IDEA.recipes)
            has = recipes.IDEA.recipes[world]
            chosen = recipe or (idea.recipe if idea.recipe in has else next(iter(has)))
            train(recipes.IDEA, world, chosen, wanted, folder, fresh=fresh, jobs=jobs, dask=dask)


for _name, _idea in TRAINABLE.items():
    _offer(_name, _idea)


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

    pick("world", world, idea.recipes)
    pick("recipe", recipe, idea.recipes[world])
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
        for name, words in (("return_mean", "return"), ("meta_loss", "loss")):
            if name in record:
                value = record[name]
                numbers.append(f"{words} {value:.0f}" if abs(value) >= 100 else f"{words} {value:.2f}")
        if "steps" in record:
            numbers.append(f"{record['steps'] / 1e6:.2f} M steps")
        self.bar.update(
            self.task,
            completed=self.iteration,
            total=record.get("iterations"),
            numbers=", ".join(numbers),
        )
