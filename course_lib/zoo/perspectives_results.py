"""RL2, MAML, PEARL and VariBAD on the same tasks: the lecture's plus and minus lists as measured numbers.

Axes: R seeds, F shifts of the tasks, K numbers of shots, N numbers of training tasks.
Source: the last slides of the lecture, "The three perspectives on meta-RL". All numbers are ours.
"""

import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from course_lib.core.task_family import Params
from course_lib.envs.half_cheetah_tasks import VelocityParams
from course_lib.envs.navigation import NavigationParams
from course_lib.widgets import figures
from course_lib.zoo import store, tables
from course_lib.zoo.maml_rl_results import straight_return
from course_lib.zoo.perspectives import PERSPECTIVES, TEST_TASKS, after_shots
from course_lib.zoo.sample_efficiency import Curve, learning_curve, steps_until

WORLDS = ("navigation", "half_cheetah_velocity")
SHOTS = {"navigation": (0, 1, 2, 3, 5, 10, 20, 40, 100), "half_cheetah_velocity": (0, 1, 2, 5, 20)}
"""Earlier episodes in the same task."""
SHIFTS = {
    "navigation": (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0),
    "half_cheetah_velocity": (0.0, 0.5, 1.0, 2.0),
}
"""How far tasks are from those of the training: navigation, times as far away; half-cheetah, m/s faster, of
which the last leaves none that was trained."""
AS_TRAINED = {"navigation": 1.0, "half_cheetah_velocity": 0.0}
"""The shift that is none."""
LEARNERS = {"navigation": tuple(PERSPECTIVES), "half_cheetah_velocity": ("RL2", "MAML", "PEARL")}
"""Whose weights the zoo has."""
LEVELS = {"navigation": (-7.0, -5.0, -3.0), "half_cheetah_velocity": (-100.0, -80.0, -70.0)}
"""Returns of an episode after adaptation, for which steps and minutes of training are counted."""
TRAINING_TASKS = (4, 16, 64)
"""How many tasks the trainings had that tell of meta-overfitting; the others had new ones all the time."""
FEW, MANY = 2, 20
"""Shots of the test on training tasks: a trial of RL2's training, and a gradient step of MAML's."""
TOLD = "told the task"


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured in one world."""

    world: str
    """Its name."""
    returns: dict[str, np.ndarray]
    """Mean return by learner, [R, F, K]."""
    curves: dict[str, Curve]
    """Learning curves, from the cards."""
    minutes: dict[str, np.ndarray]
    """Minutes of computing of each training, [R]."""
    told: np.ndarray | None = None
    """What is earned by who is told the task, [R, F]; None where that is not known."""
    known: dict[str, np.ndarray] = field(default_factory=dict)
    """How far below one who is told the task, in tasks of the training and in new ones, by learner, after FEW
    and MANY shots, [R, N, (known, new), (FEW, MANY)]: a few goals may lie nearer or farther by chance."""


def shifted(world: str, shift: float, seed: int, count: int) -> Params:
    """New tasks, farther from those of the training or nearer; the same ones for every learner.

    Args:
        world: one of `WORLDS`.
        shift: navigation, how many times as far away its goals are; half-cheetah, by how much faster, m/s.
        seed: of the draw.
        count: how many.

    Raises:
        ValueError: there is no such world.
    """
    if world not in WORLDS:
        raise ValueError(f"there is no world {world!r}: take one of {', '.join(WORLDS)}")
    family = PERSPECTIVES["RL2"].named(world).family
    drawn = family.sample(np.random.default_rng((TEST_TASKS, seed)), count)
    if world == "navigation":
        goals = shift * drawn.array(count)
        return NavigationParams(goal_x=goals[:, 0], goal_y=goals[:, 1])
    return VelocityParams(target_velocity=drawn.target_velocity + shift)


def measure(world: str, tasks: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Lets every learner of the zoo learn new tasks, near and far; some minutes.

    Args:
        world: one of `WORLDS`.
        tasks: of each seed and shift.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    returns, curves, minutes, known = {}, {}, {}, {}
    for name in LEARNERS[world]:
        report(name)
        ways = PERSPECTIVES[name]
        policies = store.policies(ways.idea, world, ways.recipe)
        rows = [
            [_earned(name, world, policy, shifted(world, shift, seed, tasks), tasks, SHOTS[world], seed)
             for shift in SHIFTS[world]]
            for seed, policy in policies.items()
        ]  # fmt: skip
        returns[name] = np.array(rows)
        curves[name] = learning_curve(ways.idea, world, ways.recipe)
        cards = [
            store.read_card(store.folder() / card) for card in store.scores(ways.idea, world, ways.recipe)
        ]
        minutes[name] = np.array([card["cpu_minutes"] for card in cards])
        if world == "navigation":
            known[name] = _on_known_tasks(name, world, tasks)
    told = None
    if world == "navigation":
        seeds = range(min(len(values) for values in returns.values()))
        goals = [[shifted(world, shift, seed, tasks) for shift in SHIFTS[world]] for seed in seeds]
        told = np.array([[straight_return(one.array(tasks)).mean() for one in row] for row in goals])
    return Results(world=world, returns=returns, curves=curves, minutes=minutes, told=told, known=known)


def _earned(
    name: str, world: str, policy: object, tasks: Params, count: int, shots: tuple[int, ...], seed: int,
    recipe: str | None = None,
) -> list[float]:  # fmt: skip
    happened = after_shots(name, world, policy, tasks, count, shots, seed, recipe)
    return [float(happened[shot].returns.mean()) for shot in shots]


def _on_known_tasks(name: str, world: str, tasks: int) -> np.ndarray:
    """Returns in the few tasks of a training and in new ones, less those of the told, [R, N, 2, 2]."""
    ways, by_number = PERSPECTIVES[name], []
    for number in TRAINING_TASKS:
        recipe, rows = f"tasks{number}", []
        for seed, policy in store.policies(ways.idea, world, recipe).items():
            seen = ways.training_draw(world, recipe, seed)(tasks)
            row = []
            for some in (seen, shifted(world, AS_TRAINED[world], seed, tasks)):
                best = straight_return(some.array(tasks)).mean()
                earned = _earned(name, world, policy, some, tasks, (FEW, MANY), seed, recipe)
                row.append([value - best for value in earned])
            rows.append(row)
        by_number.append(rows)
    return np.array(by_number).swapaxes(0, 1)


def gained(results: Results, name: str, shots: int) -> np.ndarray:
    """What so many shots added to the first episode's return, by shift, [R, F]."""
    returns, at = results.returns[name], SHOTS[results.world].index(shots)
    return returns[:, :, at] - returns[:, :, 0]


def minutes_until(results: Results, name: str, level: float) -> np.ndarray:
    """Minutes of training until a return after adaptation, [R]; NaN where it never is.

    Every iteration costs the same, and the points of a curve are as many iterations apart. (Steps do not: a
    training may begin with many that are only gathered.)
    """
    steps, returns = results.curves[name]
    share = np.arange(1, len(steps) + 1) / len(steps)
    return steps_until((share, returns), level) * results.minutes[name]


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng, world = np.random.default_rng(0), results.world
    digits, shots = (2 if world == "navigation" else 0), SHOTS[world]
    seeds = min(len(returns) for returns in results.returns.values())
    ways = PERSPECTIVES["MAML"].named(world).config, PERSPECTIVES["RL2"].named(world).config
    trained = "RL2 and VariBAD were" if "VariBAD" in results.returns else "RL2 was"
    words = (
        f"Made by `{command}`. Mean return of an episode of {ways[0].horizon} steps in a task after so many "
        f"earlier ones (shots): mean over {seeds} seeds, with the 95 % bootstrap interval over seeds. All "
        f"meet the same new tasks and act with the noise of their training. {trained} trained on trials of "
        f"{ways[1].episodes} episodes; memory goes on beyond them. MAML takes a gradient step on up to "
        f"{ways[0].trajectories} shots, one more, a tenth as long, for each further {ways[0].trajectories}, "
        "and none on a single one."
    )
    lines = [f"# Three perspectives, {world.replace('_', ' ')}", "", textwrap.fill(words, width=110)]
    own = SHIFTS[world].index(AS_TRAINED[world])
    rows = [
        [name, *(tables.over_seeds(returns[:, own, at], rng, digits=digits) for at in range(len(shots)))]
        for name, returns in results.returns.items()
    ]
    if results.told is not None:
        rows.append([TOLD, *[tables.over_seeds(results.told[:, own], rng, digits=digits)] * len(shots)])
    header = ["", *(f"{shot} shot{'s' * (shot != 1)}" for shot in shots)]
    lines += ["", "## Tasks as in training, by shots", "", *tables.table(header, rows)]
    for shot in {"navigation": (FEW, MANY, 100), "half_cheetah_velocity": (FEW, MANY)}[world]:
        lines += ["", f"## Other tasks, after {shot} shots", "", *_by_shift(results, shot, digits)]
    lines += ["", "## What training takes", "", *_training(results)]
    if results.known:
        lines += ["", "## By the number of training tasks", "", *_overfitting(results)]
    return "\n".join(lines) + "\n"


def _shift_words(world: str) -> list[str]:
    if world == "navigation":
        return [f"{shift:g} times as far" for shift in SHIFTS[world]]
    return [f"{shift:g} m/s faster" if shift else "as in training" for shift in SHIFTS[world]]


def _by_shift(results: Results, shots: int, digits: int) -> list[str]:
    rng, at = np.random.default_rng(0), SHOTS[results.world].index(shots)
    rows = []
    for name, returns in results.returns.items():
        for called, values in ((name, returns[:, :, at]), (f"{name}, gain", gained(results, name, shots))):
            rows.append([called, *(tables.over_seeds(column, rng, digits=digits) for column in values.T)])
    if results.told is not None:
        rows.append([TOLD, *(tables.over_seeds(column, rng, digits=digits) for column in results.told.T)])
    return tables.table(["", *_shift_words(results.world)], rows)


def _training(results: Results) -> list[str]:
    rng, rows = np.random.default_rng(0), []
    levels = LEVELS[results.world]
    for name, (steps, returns) in results.curves.items():
        row = [name, f"{steps[-1] / 1e3:.0f}", tables.over_seeds(results.minutes[name], rng, digits=2)]
        ends = returns[:, -5:].mean(1)
        row.append(f"{ends.max():.1f} and {ends.min():.1f}")
        for level in levels:
            needed, minutes = steps_until(results.curves[name], level), minutes_until(results, name, level)
            missed = int(np.isnan(needed).sum())
            if missed:
                row.append(f"not by {missed} of {len(needed)}")
            else:
                row.append(f"{tables.over_seeds(needed / 1e3, rng)}; {minutes.mean():.2f} min")
        rows.append(row)
    header = ["", "thousand steps", "minutes of CPU", "best and worst seed at the end"]
    header += [f"until {level:g}: thousand steps; minutes" for level in levels]
    words = (
        "From the learning curves on the cards: return after adaptation, RL2's and VariBAD's in the last "
        "episode of a trial (of 256 or 128 new tasks), MAML's after a step on 20 episodes (of 20 or 10), "
        "PEARL's in its last test episode (of 128 or 20, the same ones each time); with noise."
    )
    return [*tables.table(header, rows), "", textwrap.fill(words, width=110)]


def _overfitting(results: Results) -> list[str]:
    rng, rows = np.random.default_rng(0), []
    whole = SHIFTS[results.world].index(AS_TRAINED[results.world])
    for name, values in results.known.items():
        for which, shot in enumerate((FEW, MANY)):
            at = SHOTS[results.world].index(shot)
            for kind, called in enumerate(("training tasks", "new tasks", "gap")):
                part = values[..., which]  # [R, N, 2]
                chosen = part[:, :, 0] - part[:, :, 1] if called == "gap" else part[:, :, kind]
                cells = [tables.over_seeds(column, rng, digits=2) for column in chosen.T]
                free = results.returns[name][:, whole, at] - results.told[:, whole]
                cells.append(tables.over_seeds(free, rng, digits=2) if called == "new tasks" else "")
                rows.append([f"{name}, {shot} shots, {called}", *cells])
    header = ["", *(f"{number} tasks" for number in TRAINING_TASKS), "new ones all the time (PEARL: 256)"]
    words = (
        "Return below that of who is told the task. Each seed has tasks of its own; RL2's are drawn "
        "otherwise than those of the others. With fewer tasks PEARL visits fewer at a time, and so has fewer "
        "steps of the world, with as many updates; for the others they are the same."
    )
    return [*tables.table(header, rows), "", textwrap.fill(words, width=110)]


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the tables, their numbers and the figures.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets perspectives-<world>.md, .json and .png, and where it was measured
            perspectives-<world>-tasks.png.

    Raises:
        ZooError: the folder cannot be written.
    """
    world, stem = results.world, f"perspectives-{results.world.replace('_', '-')}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        "shots": SHOTS[world],
        "shifts": SHIFTS[world],
        "returns": {name: np.round(values, 3).tolist() for name, values in results.returns.items()},
        "minutes": {name: values.tolist() for name, values in results.minutes.items()},
        "known": {name: np.round(values, 3).tolist() for name, values in results.known.items()},
    }
    if results.told is not None:
        numbers["told"] = np.round(results.told, 3).tolist()
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    store.write_here(folder / f"{stem}.png", _png(_figure(results)))
    if results.known:
        store.write_here(folder / f"{stem}-tasks.png", _png(overfitting_figure(results)))


def _figure(results: Results) -> object:
    world = results.world
    own, last = SHIFTS[world].index(AS_TRAINED[world]), SHOTS[world].index(MANY)
    by_shots = {name: returns[:, own] for name, returns in results.returns.items()}
    by_shift = {name: returns[:, :, last] for name, returns in results.returns.items()}
    if results.told is not None:
        by_shift[TOLD] = results.told
        by_shots[TOLD] = np.repeat(results.told[:, own, None], len(SHOTS[world]), axis=1)
    shift = "times as far as in training" if world == "navigation" else "m/s faster than in training"
    panels = {
        "Tasks as in training": (np.arange(len(SHOTS[world])), by_shots),
        f"After {MANY} shots": (SHIFTS[world], by_shift),
    }
    figure = figures.curves_figure(panels, shift, "return of the next episode")
    figure.axes[0].set_xticks(np.arange(len(SHOTS[world])), [str(shot) for shot in SHOTS[world]])
    figure.axes[0].set_xlabel("shots")
    return figure


def overfitting_figure(results: Results) -> object:
    """Returns in training tasks and in new ones against the number of training tasks, learner by learner."""
    panels, places = {}, np.arange(len(TRAINING_TASKS))
    for name, values in results.known.items():
        shots = MANY if name == "MAML" else FEW
        part = values[..., (FEW, MANY).index(shots)]  # [R, N, 2]
        series = {"training tasks": part[:, :, 0], "new tasks": part[:, :, 1]}
        panels[f"{name}, {shots} shots"] = (places, series)
    figure = figures.curves_figure(panels, "training tasks", "return below that of the told", columns=2)
    for axes in figure.axes:
        axes.set_xticks(places, [str(number) for number in TRAINING_TASKS])
    return figure


def _png(figure: object) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    return picture.getvalue()
