"""Measure a paper's claims again: on the weights that come with the course, or by training anew."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType
from typing import Annotated

import typer

from course_lib.cli.terminal import counting_bar, one_line_errors, out, pick

app = typer.Typer()
reproduce_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Measure a paper's claims again, on the weights that come with the course or by training anew.",
)
app.add_typer(reproduce_app, name="reproduce", rich_help_panel="Train")

Tables = Annotated[Path, typer.Option("--out", help="Folder for the tables and the figure.")]
RUNS = Path("runs")


@dataclass(frozen=True)
class Measured:
    """Claims measured on weights of the zoo; `zoo/<name>_results.py` has `WORLDS`, `measure` and `write`."""

    summary: str
    """What is measured, in a line."""
    world: str
    """Taken if none is given."""
    worlds: str
    """What there is to choose, for --help."""
    episodes: int
    """Taken if no number is given."""
    counted: str
    """What the episodes are counted by."""


ON_WEIGHTS = {
    "epopt": Measured(
        summary="EPOpt: return against mass and friction, one mass in training against the whole ensemble.",
        world="hopper",
        worlds="hopper or half_cheetah.",
        episodes=8,
        counted="mass and seed",
    ),
    "darc": Measured(
        summary="DARC: return in a target of which little was seen, against that of its rivals.",
        world="point",
        worlds="point, arm or point_dead.",
        episodes=256,
        counted="seed and domain",
    ),
    "contextual": Measured(
        summary="Contextual policies: return on commands never trained, inside the range and outside.",
        world="half_cheetah_velocity",
        worlds="half_cheetah_velocity or half_cheetah_direction.",
        episodes=16,
        counted="command and seed",
    ),
    "goal_conditioned": Measured(
        summary="Hindsight: goals reached, by which states of an episode became goals.",
        world="rooms",
        worlds="rooms or reacher.",
        episodes=512,
        counted="seed",
    ),
    "rl2": Measured(
        summary="RL2: the second episode against the first, with a memory and with an emptied one.",
        world="grid_navi",
        worlds="grid_navi or maze.",
        episodes=2048,
        counted="seed (whole trials)",
    ),
    "supervised": Measured(
        summary="Supervised meta-learning: error after some shots, and on tasks of another kind.",
        world="sinusoids",
        worlds="sinusoids or digits.",
        episodes=500,
        counted="seed (whole tasks)",
    ),
    "maml": Measured(
        summary="MAML: error after some gradient steps, and on tasks of another kind.",
        world="sinusoids",
        worlds="sinusoids or digits.",
        episodes=500,
        counted="seed (whole tasks)",
    ),
    "maml_rl": Measured(
        summary="MAML for RL: return after some gradient steps on a few episodes of a new task.",
        world="navigation",
        worlds="navigation or half_cheetah_direction.",
        episodes=40,
        counted="seed and kind of task (whole tasks)",
    ),
    "pearl": Measured(
        summary="PEARL: return by episode of a new task, and steps of training beside RL2 and MAML.",
        world="half_circle",
        worlds="direction, half_circle or half_cheetah_velocity.",
        episodes=200,
        counted="seed (whole tasks)",
    ),
    "varibad": Measured(
        summary="VariBAD against posterior sampling and the optimum, its beliefs against the exact ones.",
        world="grid_navi",
        worlds="grid_navi.",
        episodes=2048,
        counted="seed (whole trials)",
    ),
    "rl2_bandits": Measured(
        summary="RL2 against Thompson sampling, Gittins' index, PSRL and others on the same tasks.",
        world="bandit",
        worlds="bandit or random_mdp.",
        episodes=4000,
        counted="seed (whole trials)",
    ),
}
"""By the name of their command."""

BY_TRAINING = {
    "dann": ("DANN and MMD: what a model knows of turned digits without labels", "some minutes"),
    "bit_flip": (
        "Bit flipping: how many bits are learned with goals in hindsight, and without",
        "20 minutes",
    ),
    "bandit_baselines": (
        "Bandits and random MDPs: what those earn who were told how to explore",
        "some minutes",
    ),
    "estimators": (
        "Meta-gradients: bias and variance of their estimators, where every trajectory is known",
        "some minutes",
    ),
    "c_learning": ("C-learning: predicted against exact reachability in a small room", "some minutes"),
}
"""Claims for which everything is trained anew: what, and how long it takes; `zoo/<name>_results.py` has
`SEEDS`, `measured(seed)` and `write`."""


def _offer_on_weights(name: str, claims: Measured) -> None:
    example = f"Example: course reproduce {name} --world {claims.world}"

    @reproduce_app.command(name, help=claims.summary, epilog=example)
    def command(
        world: Annotated[str, typer.Option(help=claims.worlds)] = claims.world,
        episodes: Annotated[
            int, typer.Option(min=1, help=f"Episodes per {claims.counted}.")
        ] = claims.episodes,
        folder: Tables = RUNS,
    ) -> None:
        with one_line_errors():
            reproduce(
                name, importlib.import_module(f"course_lib.zoo.{name}_results"), world, episodes, folder
            )


def _offer_by_training(name: str, summary: str, duration: str) -> None:
    @reproduce_app.command(name, help=f"{summary}; all anew, {duration}.")
    def command(folder: Tables = RUNS) -> None:
        with one_line_errors():
            results = importlib.import_module(f"course_lib.zoo.{name}_results")
            _check_writable(folder)  # before the minutes, not after them
            rows = []
            with counting_bar(name, "seeds") as show:
                show(0, results.SEEDS, "")
                for seed in range(results.SEEDS):
                    rows += [(seed, *row) for row in results.measured(seed)]
                    show(seed + 1, results.SEEDS, "")
            results.write(rows, folder)
        out.print(f"Table and figure are in {folder}/", highlight=False, soft_wrap=True)


for _name, _claims in ON_WEIGHTS.items():
    _offer_on_weights(_name, _claims)
for _name, _words in BY_TRAINING.items():
    _offer_by_training(_name, *_words)


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        problem = f"cannot write to {folder}: {error.strerror}; choose a folder of your own with --out"
        raise ValueError(problem) from error


def reproduce(idea: str, results: ModuleType, world: str, episodes: int, folder: Path) -> None:
    """Measures claims on weights, and writes tables and figure.

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
