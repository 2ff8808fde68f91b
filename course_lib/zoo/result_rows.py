"""The rows of docs/results.md that a command repeats: what measures each, and what it needs.

A row is named after its files: `course reproduce darc-arm` writes darc-arm.md, darc-arm.json and
darc-arm.png.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course_lib.core.whole_files import write_whole

MINUTES = "minutes.json"
"""File beside the tables with the CPU minutes that each row's command took."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A table of docs/results, and how to make it again."""

    summary: str
    """What is measured, in a line."""
    module: str
    """`course_lib/zoo/<module>_results.py`, with `measure` and `write`; where all is trained anew, with
    `SEEDS`, `measured(seed)` and `write`."""
    world: str | None = None
    """What `measure` is asked for; None where all is trained anew."""
    episodes: int = 0
    """How much is measured, unless asked otherwise."""
    counted: str = ""
    """What the episodes are counted by."""
    weights: tuple[str, ...] = ()
    """How the names of the weights that it measures begin."""


ROWS = {
    "dann": Row(
        summary="DANN and MMD: what a model knows of turned digits without labels.",
        module="dann",
    ),
    **{
        f"darc-{name}": Row(
            summary=f"DARC, {words}: return in a target of which little was seen, beside its rivals.",
            module="darc",
            world=world,
            episodes=256,
            counted="seed and domain",
            weights=(f"darc/{world}-",),
        )
        for name, world, words in (
            ("point", "point", "a point with a reversed motor"),
            ("arm", "arm", "an arm with a reversed motor"),
            ("point-dead", "point_dead", "a motor that is dead in the source"),
        )
    },
    **{
        f"epopt-{world.replace('_', '-')}": Row(
            summary=f"EPOpt, {world.replace('_', '-')}: return against mass and friction, one mass in "
            "training against the whole ensemble.",
            module="epopt",
            world=world,
            episodes=8,
            counted="mass and seed",
            weights=(f"epopt/{world}-",),
        )
        for world in ("hopper", "half_cheetah")
    },
    **{
        f"contextual-{command}": Row(
            summary=f"Contextual policies: return on a commanded {command}, inside the trained range and "
            "outside.",
            module="contextual",
            world=f"half_cheetah_{command}",
            episodes=8,
            counted="command and seed",
            weights=(f"contextual/half_cheetah_{command}-",),
        )
        for command in ("velocity", "direction")
    },
    "bit-flip": Row(
        summary="Bit flipping: how many bits are learned with goals in hindsight, and without.",
        module="bit_flip",
    ),
    **{
        f"goal-conditioned-{world}": Row(
            summary=f"Hindsight, {world}: goals reached, by which states of an episode became goals.",
            module="goal_conditioned",
            world=world,
            episodes=512,
            counted="seed",
            weights=(f"goal_conditioned/{world}-",),
        )
        for world in ("rooms", "reacher")
    },
    "c-learning": Row(
        summary="C-learning: predicted against exact reachability in a small room.",
        module="c_learning",
    ),
    "supervised-sinusoids": Row(
        summary="Supervised meta-learning: error after some points, and on functions of another kind.",
        module="supervised",
        world="sinusoids",
        episodes=500,
        counted="seed (whole tasks)",
        weights=("supervised/sinusoids-",),
    ),
    "supervised-digits": Row(
        summary="Supervised meta-learning: digits named after some images, by who learned on what.",
        module="supervised",
        world="digits",
        episodes=300,
        counted="seed (whole tasks)",
        weights=("supervised/digits-", "supervised/letters-"),
    ),
    "bandits": Row(
        summary="Bandits and random MDPs: what those earn who were told how to explore.",
        module="bandit_baselines",
    ),
    **{
        f"rl2-{world.replace('_', '-')}": Row(
            summary=f"RL2, {words}: against {rivals} and others on the same tasks.",
            module="rl2_bandits",
            world=world,
            episodes=trials,
            counted="seed (whole trials)",
            weights=(f"rl2/{world}-",),
        )
        for world, words, rivals, trials in (
            ("bandit", "bandits", "Gittins' index, Thompson sampling", 4000),
            ("random_mdp", "random MDPs", "posterior sampling", 2000),
        )
    },
    **{
        f"rl2-{world.replace('_', '-')}": Row(
            summary=f"RL2, {words}: the second episode against the first, with a memory and an emptied one.",
            module="rl2",
            world=world,
            episodes=2048,
            counted="seed (whole trials)",
            weights=(f"rl2/{world}-",),
        )
        for world, words in (("grid_navi", "a grid with a hidden goal"), ("maze", "mazes"))
    },
    "maml-sinusoids": Row(
        summary="MAML: error after some gradient steps, and on functions of another kind.",
        module="maml",
        world="sinusoids",
        episodes=500,
        counted="seed (whole tasks)",
        weights=("maml/sinusoids-", "supervised/sinusoids-rnn-", "supervised/sinusoids-set-"),
    ),
    "maml-digits": Row(
        summary="MAML: digits named after some gradient steps from a start that was trained on letters.",
        module="maml",
        world="digits",
        episodes=300,
        counted="seed (whole tasks)",
        weights=("maml/letters-", "supervised/letters-"),
    ),
    "maml-rl-navigation": Row(
        summary="MAML for RL, navigation: return after some gradient steps on a few episodes of a new task.",
        module="maml_rl",
        world="navigation",
        episodes=40,
        counted="seed and kind of task (whole tasks)",
        weights=(
            *(f"maml_rl/navigation-{recipe}-" for recipe in ("maml", "learned_rates", "first_order")),
            *(f"maml_rl/navigation-{recipe}-" for recipe in ("score_function", "dice", "pretrained")),
            "rl2/navigation-gru-",
        ),
    ),
    "maml-rl-half-cheetah-direction": Row(
        summary="MAML for RL, half-cheetah: forwards or backwards after one gradient step.",
        module="maml_rl",
        world="half_cheetah_direction",
        episodes=5,
        counted="seed and kind of task (whole tasks)",
        weights=("maml_rl/half_cheetah_direction-",),
    ),
    "estimators": Row(
        summary="Meta-gradients: bias and variance of their estimators, where every trajectory is known.",
        module="estimators",
    ),
    **{
        f"pearl-{world.replace('_', '-')}": Row(
            summary=f"PEARL, {world.replace('_', ' ')}: {words}.",
            module="pearl",
            world=world,
            episodes=tasks,
            counted="seed (whole tasks)",
            weights=tuple(f"{idea}/{world}-" for idea in ("pearl", *rivals)),
        )
        for world, tasks, rivals, words in (
            ("direction", 200, (), "return by episode of a new task, and the price of information"),
            ("half_circle", 100, ("rl2", "maml_rl"), "return by episode of a new task beside RL2 and MAML"),
            ("half_cheetah_velocity", 50, ("rl2", "maml_rl"), "steps of training beside RL2 and MAML"),
        )
    },
    "varibad-grid-navi": Row(
        summary="VariBAD against posterior sampling and the optimum, its beliefs against the exact ones.",
        module="varibad",
        world="grid_navi",
        episodes=2048,
        counted="seed (whole trials)",
        weights=("varibad/grid_navi-", "rl2/grid_navi-gru-"),
    ),
    "perspectives-navigation": Row(
        summary="RL2, MAML, PEARL and VariBAD on the same goals: by shots, by distance, by training tasks.",
        module="perspectives",
        world="navigation",
        episodes=100,
        counted="seed and distance (whole tasks)",
        weights=(
            *(f"{idea}/navigation-" for idea in ("rl2", "pearl", "varibad")),
            *(f"maml_rl/navigation-{recipe}" for recipe in ("learned_rates-", "tasks")),
        ),
    ),
    "perspectives-half-cheetah-velocity": Row(
        summary="RL2, MAML and PEARL on the same velocities: by shots, and faster than in training.",
        module="perspectives",
        world="half_cheetah_velocity",
        episodes=20,
        counted="seed and shift (whole tasks)",
        weights=tuple(f"{idea}/half_cheetah_velocity-" for idea in ("rl2", "maml_rl", "pearl")),
    ),
}
"""By their names, in the order of the lectures."""


def needed(names: Iterable[str]) -> list[str]:
    """Names of the weights that some rows measure, each once."""
    from course_lib.zoo import store  # not above: torch comes with it, and `course --help` would wait

    beginnings = tuple(beginning for name in names for beginning in ROWS[name].weights)
    return [weights for weights in store.names() if weights.startswith(beginnings)]


def training_minutes(names: Iterable[str]) -> float:
    """Minutes that training some rows' weights took on two cores: half of the CPU minutes of all seeds."""
    from course_lib.zoo import store

    return sum(store.read_card(store.folder() / weights)["cpu_minutes"] for weights in needed(names)) / 2


def minutes_cell(names: Sequence[str], folder: Path) -> str:
    """What docs/results.md says of the time that some rows take, such as "0.3 + 5.4".

    Args:
        names: of the rows.
        folder: where their commands wrote, which says how long they took; "?" where one has not.
    """
    taken = read_minutes(folder)
    again = f"{sum(taken[name] for name in names):.1f}" if taken.keys() >= set(names) else "?"
    return f"{again} + {training_minutes(names):.1f}" if needed(names) else again


def read_minutes(folder: Path) -> dict[str, float]:
    """CPU minutes of the commands that wrote into a folder, by row; none where none did."""
    path = folder / MINUTES
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_minutes(folder: Path, name: str, minutes: float) -> None:
    """Notes beside its table how long a row's command took."""
    known = {**read_minutes(folder), name: round(minutes, 2)}
    content = json.dumps({row: known[row] for row in ROWS if row in known}, indent=1) + "\n"
    write_whole(folder / MINUTES, content.encode())
