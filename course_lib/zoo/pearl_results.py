"""What PEARL makes of a new task, episode by episode, beside rivals of the earlier lectures.

Axes: R seeds, E episodes, M tasks, L levels of return.
Source: Rakelly et al., "Efficient Off-Policy Meta-Reinforcement Learning via Probabilistic Context
Variables", ICML 2019, https://arxiv.org/abs/1903.08254, section 6. All numbers are ours.
"""

import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_lib.core.gaussian_belief import kl_divergence, prior
from course_lib.core.seeding import seed_everything
from course_lib.core.task_family import Params
from course_lib.core.trials import TrialCollector
from course_lib.envs import direction, navigation
from course_lib.widgets import figures
from course_lib.zoo import maml_rl_recipes, pearl_recipes, rl2_recipes, store, tables
from course_lib.zoo.pearl_recipes import explored
from course_lib.zoo.sample_efficiency import Curve, learning_curve, ratios, steps_until

WORLDS = ("direction", "half_circle", "half_cheetah_velocity")
PEARL, TOLD = "PEARL", "told the task"
RL2, MAML = "RL2", "MAML"
BLIND = "deterministic z"
FROZEN = f"{BLIND}, most likely actions"
MEANINGS = {"pearl": PEARL, "deterministic": BLIND}
"""What some recipes are, in words; the others are prices of a nat."""
EPISODES = {"direction": 6, "half_circle": 21, "half_cheetah_velocity": 3}
"""Episodes of each task in a test."""
SHOWN = {"direction": (0, 1, 2, 5), "half_circle": (0, 1, 2, 5, 10, 20), "half_cheetah_velocity": (0, 1, 2)}
"""Numbers of earlier episodes that have a column."""
DRAWN = {"direction": (PEARL, BLIND, FROZEN, TOLD), "half_circle": (PEARL, BLIND, RL2, MAML, TOLD)}
"""What a picture shows."""
LEVELS = (-100.0, -90.0, -80.0, -70.0, -60.0)
"""Returns of an episode of the half-cheetah, for which steps are counted."""
RIVALS = {MAML: ("maml_rl", "learned_rates"), RL2: ("rl2", "gru")}
"""Idea and recipe of those beside PEARL."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured in one world."""

    world: str
    """Its name."""
    returns: dict[str, np.ndarray]
    """Mean return by method, after 0, 1, ... episodes, [R, E]."""
    known: dict[str, np.ndarray] = field(default_factory=dict)
    """Nats that PEARL's belief is away from the prior, by recipe, before each episode, [R, E]."""
    found: dict[str, np.ndarray] = field(default_factory=dict)
    """Share of tasks whose goal was met by the end of an episode, or before, [R, E]."""
    curves: dict[str, Curve] = field(default_factory=dict)
    """Learning curves by method."""
    minutes: dict[str, np.ndarray] = field(default_factory=dict)
    """Minutes of computing of each training, [R]."""


def measure(world: str, tasks: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Lets every policy of the zoo find out about new tasks; a minute.

    Args:
        world: one of `WORLDS`.
        tasks: of each seed.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    returns, known, found = {}, {}, {}
    for called, recipe, greedy, name in _lines(world):
        report(called)
        rows = []
        for seed, policy in store.policies("pearl", world, name).items():
            seed_everything(seed)
            drawn, rng = _new_tasks(recipe.test_family or recipe.family, seed, tasks)
            happened = explored(recipe, policy, drawn, tasks, rng, episodes=EPISODES[world], greedy=greedy)
            rewards = [data.reward for data in happened.data]
            rows.append((happened.returns.mean(1), _nats(happened.beliefs), _met(rewards)))
        returns[called], nats, met = (torch.stack(part).double().numpy() for part in zip(*rows, strict=True))
        if recipe.config.stochastic:
            known[called] = nats
        if world == "half_circle":
            found[called] = met
    if world == "half_circle":
        report(RL2)
        returns[RL2], found[RL2] = _recurrent(tasks)
        report(MAML)
        returns[MAML] = _gradient(tasks)
    if world != "half_cheetah_velocity":
        family = pearl_recipes.WORLDS[world]["pearl"].family
        seeds = store.policies("pearl", world, "pearl")
        best = [told_return(world, _new_tasks(family, seed, tasks)[0], tasks) for seed in seeds]
        returns[TOLD] = np.repeat(np.array(best)[:, None], EPISODES[world], axis=1)
        return Results(world=world, returns=returns, known=known, found=found)
    trained = {PEARL: ("pearl", "pearl"), **RIVALS}
    return Results(
        world=world,
        returns=returns,
        known=known,
        curves={name: learning_curve(idea, world, recipe) for name, (idea, recipe) in trained.items()},
        minutes={name: _minutes(idea, world, recipe) for name, (idea, recipe) in trained.items()},
    )


def _minutes(idea: str, world: str, recipe: str) -> np.ndarray:
    cards = [store.read_card(store.folder() / name) for name in store.scores(idea, world, recipe)]
    return np.array([card["cpu_minutes"] for card in cards])


def _lines(world: str) -> list[tuple[str, pearl_recipes.Recipe, bool, str]]:
    """What is tested of PEARL: line in a table, recipe, whether by most likely actions, recipe's name."""
    lines = []
    for name, recipe in pearl_recipes.WORLDS[world].items():
        called = MEANINGS.get(name, f"a nat costs {recipe.config.kl_weight:g}")
        lines.append((called, recipe, False, name))
        if not recipe.config.stochastic:
            lines.append((FROZEN, recipe, True, name))
    return lines


def _new_tasks(family: object, seed: int, count: int) -> tuple[Params, np.random.Generator]:
    rng = np.random.default_rng((pearl_recipes.TEST_TASKS, seed))
    return family.sample(rng, count), rng


def _nats(beliefs: list) -> Tensor:
    """How far what is believed before each episode is from the prior, mean over tasks, [E]."""
    before = prior(*beliefs[0].mean.shape)
    return torch.stack(
        [kl_divergence(b.mean, b.variance, before.mean, before.variance).mean() for b in beliefs[:-1]]
    )


def _met(rewards: list[Tensor]) -> Tensor:
    """Share of tasks with a reward in some episode so far, [E]; rewards [T, M] of each."""
    ever = torch.stack([(reward > 0.0).any(0) for reward in rewards]).cummax(0).values  # [E, M]
    return ever.float().mean(1)


def _recurrent(tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """What RL2 earns of the sparse reward, and finds, in trials longer than those of its training."""
    recipe, rows = rl2_recipes.WORLDS["half_circle"]["gru"], []
    for seed, policy in store.policies("rl2", "half_circle", "gru").items():
        seed_everything(seed)
        drawn, _ = _new_tasks(recipe.family, seed, tasks)
        env, count = rl2_recipes.make_env(recipe, tasks), EPISODES["half_circle"]
        collector = TrialCollector(
            env, lambda n, drawn=drawn: drawn, count, seed, meta_input=recipe.meta_input
        )
        trials = collector.collect(policy)
        paid = navigation.sparse_from_distance(trials.reward)  # [E T, M]: all episodes last as long
        rows.append((paid.unflatten(0, (count, -1)).sum(1).mean(1), _met([*paid.chunk(count)])))
    return tuple(torch.stack(part).double().numpy() for part in zip(*rows, strict=True))


def _gradient(tasks: int) -> np.ndarray:
    """What MAML earns of the sparse reward: nothing changes until it has its twenty episodes, [R, E]."""
    recipe, rows = maml_rl_recipes.WORLDS["half_circle"]["learned_rates"], []
    for seed, agent in store.policies("maml_rl", "half_circle", "learned_rates").items():
        seed_everything(seed)
        drawn, rng = _new_tasks(recipe.family, seed, tasks)
        happened = maml_rl_recipes.adapted_to(recipe, agent, drawn, tasks, 1, rng)
        before, after = (
            float(navigation.sparse_from_distance(gathered.data.reward).sum(0).mean())
            for gathered in happened.experience
        )
        rows.append([before] * recipe.config.trajectories + [after])
    return np.array(rows)


def told_return(world: str, tasks: Params, count: int) -> float:
    """Mean return of who is told the task, and does what is best in it as fast as a step allows."""
    values = tasks.array(count)
    if world == "direction":
        return float(direction.HORIZON * (np.abs(np.cos(values)) + np.abs(np.sin(values))).mean())
    steps = navigation.REACH * np.arange(1, navigation.HORIZON + 1)  # how far each coordinate may have gone
    left = np.maximum(np.abs(values)[:, None] - steps[:, None], 0.0)  # [M, T, 2]
    distance = np.sqrt(np.square(left).sum(-1))
    return float(navigation.sparse_reward(distance, navigation.SPARSE_RADIUS).sum(1).mean())


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng, world = np.random.default_rng(0), results.world
    digits = 0 if world == "half_cheetah_velocity" else 2
    horizon = pearl_recipes.WORLDS[world]["pearl"].config.horizon
    words = (
        f"Made by `{command}`. Return of an episode of {horizon} steps after some earlier ones in the same "
        f"task: mean over {len(results.returns[PEARL])} seeds, with the 95 % bootstrap interval over seeds. "
        "All act with the noise of their training, if nothing else is said."
    )
    if world == "half_circle":
        words += (
            " The return is that of the sparse reward. All were trained on the distance, and shown the "
            "sparse reward. PEARL's settings were found for this world (each training task begins with 80 "
            "episodes of one random action all the time), those of its rivals are theirs for navigation. "
            "RL2 was trained on trials of 6 episodes; MAML takes one step, on 20 episodes."
        )
    shown = SHOWN[world]
    header = ["", *(f"after {count} episode{'s' * (count != 1)}" for count in shown)]

    def rows(by_method: dict[str, np.ndarray], digits: int, scale: float = 1.0) -> list[list[str]]:
        return [
            [name, *(tables.over_seeds(scale * curve[:, count], rng, digits=digits) for count in shown)]
            for name, curve in by_method.items()
        ]

    lines = [f"# PEARL, {world.replace('_', ' ')}", "", textwrap.fill(words, width=110), ""]
    lines += tables.table(header, rows(results.returns, digits))
    if results.found:
        lines += ["", "## Goals met so far, %, the next episode included", ""]
        lines += tables.table(header, rows(results.found, 0, 100.0))
    lines += ["", "## What is known of z by then, nats", "", *tables.table(header, rows(results.known, 1))]
    if results.curves:
        lines += [
            "",
            "## Steps until the return of a new task is first at a level",
            "",
            *_efficiency(results),
        ]
    return "\n".join(lines) + "\n"


def _efficiency(results: Results) -> list[str]:
    rng, own = np.random.default_rng(0), results.curves[PEARL]
    header = ["return", *(f"{name}, thousand steps" for name in results.curves)]
    header += [f"{name} / PEARL" for name in RIVALS]
    rows = []
    for number, level in enumerate(LEVELS):
        row = [f"{level:.0f}"]
        for curve in results.curves.values():
            needed = steps_until(curve, level)
            row.append("not by all" if np.isnan(needed).any() else tables.over_seeds(needed / 1e3, rng))
        for name in RIVALS:
            ratio = ratios(own, results.curves[name], LEVELS)[number]
            low, middle, high = (np.nan,) * 3 if np.isnan(ratio).any() else np.quantile(ratio, [0, 0.5, 1])
            row.append("" if np.isnan(middle) else f"{middle:.0f} [{low:.0f}, {high:.0f}]")
        rows.append(row)
    minutes = _each(results.minutes)
    ends = _each({name: returns[:, -5:].mean(1) for name, (_, returns) in results.curves.items()})
    words = (
        "From the learning curves on the cards, between whose points steps are interpolated. Each point is "
        "an episode after adaptation, with noise: PEARL's third in 20 new tasks, RL2's second in 128, MAML's "
        "after one step on 20 episodes in 10. PEARL has 50 training tasks, its rivals new ones all the time. "
        "Ratios: median over all pairs of seeds, with the least and the greatest. They are of steps, and of "
        "rivals whose batches were chosen for minutes. In minutes of computing there is less between them: "
        f"{minutes}. And above the last level PEARL stops, while its rivals go on: at the end they are at "
        f"{ends}."
    )
    return [*tables.table(header, rows), "", textwrap.fill(words, width=110)]


def _each(by_method: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {np.mean(values):.0f}" for name, values in by_method.items())


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the tables, their numbers and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets pearl-<world>.md, .json and .png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem, world = f"pearl-{results.world.replace('_', '-')}", results.world
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        part: {name: np.round(curve, 3).tolist() for name, curve in getattr(results, part).items()}
        for part in ("returns", "known", "found")
    }
    numbers["curves"] = {
        name: {"steps": steps.tolist(), "returns": returns.tolist()}
        for name, (steps, returns) in results.curves.items()
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    if results.curves:
        panels = {name: (steps / 1e6, {name: returns}) for name, (steps, returns) in results.curves.items()}
        figure = figures.curves_figure(panels, "million steps", "return in new tasks")
    else:
        series = {name: results.returns[name] for name in DRAWN[world]}
        panels = {world.replace("_", " ").capitalize(): (np.arange(EPISODES[world]), series)}
        figure = figures.curves_figure(panels, "episodes of experience", "return of the next episode")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / f"{stem}.png", picture.getvalue())
