"""What a gradient step or two on a new task is worth, by where they start, measured on the zoo's weights.

Axes: R seeds, E = steps + 1 returns: after 0, 1, 2 ... gradient steps (or RL2's episodes), M tasks.
Source: Finn et al., "Model-Agnostic Meta-Learning", ICML 2017, https://arxiv.org/abs/1703.03400, sections
5.3 and 6; the recurrent learner is that of `rl2_results`. All numbers are ours.
"""

import io
import itertools
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib.core.seeding import seed_everything
from course_lib.core.task_family import Params
from course_lib.core.trials import TrialCollector
from course_lib.envs import navigation
from course_lib.envs.half_cheetah_tasks import DirectionParams
from course_lib.meta.maml_rl import AdaptivePolicy
from course_lib.widgets import figures
from course_lib.zoo import maml_rl_recipes, rl2_recipes, store, tables
from course_lib.zoo.maml_rl_recipes import WORLDS as RECIPES
from course_lib.zoo.maml_rl_recipes import adapted_to

WORLDS = ("navigation", "half_cheetah_direction")
STEPS = {"navigation": 10, "half_cheetah_direction": 3}
"""Gradient steps in a test."""
SHOWN = (0, 1, 2, 3, 5, 10)
"""Steps that have a column."""
RATES = (0.03, 0.1, 0.3, 1.0, 3.0)
LATER = (1.0, 0.1)
"""Inner rates, and their factors after the first step, that a start which was not trained with a rate may
choose from, in other episodes: for each number of steps those that are best there."""
RANDOM, PRETRAINED, RECURRENT, STRAIGHT = "random start", "pretrained", "RL2, by episode", "told the goal"

MEANINGS = {
    "maml": "MAML, one rate",
    "learned_rates": "MAML, learned rates",
    "first_order": "first order",
    "score_function": "plain surrogate",
    "dice": "Loaded DiCE",
    "pretrained": PRETRAINED,
}
"""What the recipes are, in words; all but the last two lines of a table have the likelihood ratio inside."""
DRAWN = ("MAML, learned rates", PRETRAINED, RANDOM, RECURRENT)
"""What a picture shows."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured in one world."""

    world: str
    """Its name."""
    curves: dict[str, dict[str, np.ndarray]]
    """Mean return by kind of task and start, [R, E]."""


def inside(rng: np.random.Generator, n: int) -> Params:
    """Goals as in training: anywhere in the square of 1 m around the start."""
    return navigation.family().sample(rng, n)


def outside(rng: np.random.Generator, n: int) -> Params:
    """Goals in the square of 2 m around the start, but outside of that of the training."""
    goals = rng.uniform(-1.0, 1.0, (8 * n, 2))
    goals = goals[np.abs(goals).max(1) > 0.5][:n]
    return navigation.NavigationParams(goal_x=goals[:, 0], goal_y=goals[:, 1])


def _one_way(direction: float) -> Callable[[np.random.Generator, int], Params]:
    return lambda rng, n: DirectionParams(direction=np.full(n, direction))


KINDS: dict[str, dict[str, Callable[[np.random.Generator, int], Params]]] = {
    "navigation": {"goals as in training": inside, "goals farther away": outside},
    "half_cheetah_direction": {"forwards": _one_way(1.0), "backwards": _one_way(-1.0)},
}
"""Kinds of tasks, by world: each draws so many."""


def measure(world: str, tasks: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Adapts every policy of the zoo to new tasks; some minutes.

    Args:
        world: one of `WORLDS`.
        tasks: of each kind and seed.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    curves: dict[str, dict[str, np.ndarray]] = {kind: {} for kind in KINDS[world]}
    for name in [name for name in MEANINGS if name in RECIPES[world]]:
        recipe = RECIPES[world][name]
        report(MEANINGS[name])
        agents = store.policies("maml_rl", world, name)
        rates = _best_rates(world, recipe, agents) if name == "pretrained" else None
        for kind, by_start in curves.items():
            by_start[MEANINGS[name]] = _after_steps(world, recipe, agents, kind, tasks, rates)
    report(RANDOM)
    untrained = {}
    for seed in agents:
        seed_everything(seed)
        untrained[seed] = maml_rl_recipes.agent_of(recipe)
    rates = _best_rates(world, recipe, untrained)
    for kind, by_start in curves.items():
        by_start[RANDOM] = _after_steps(world, recipe, untrained, kind, tasks, rates)
    if world == "navigation":
        report(RECURRENT)
        for kind, by_start in curves.items():
            by_start[RECURRENT] = _recurrent(kind, tasks)
            drawn = [KINDS[world][kind](_tasks_of(seed), tasks) for seed in agents]
            best = [straight_return(goals.array(tasks)).mean() for goals in drawn]
            by_start[STRAIGHT] = np.repeat(np.array(best)[:, None], STEPS[world] + 1, axis=1)
    return Results(world=world, curves=curves)


def _tasks_of(seed: int) -> np.random.Generator:
    return np.random.default_rng((maml_rl_recipes.TEST_TASKS, seed))


def _after_steps(
    world: str,
    recipe: maml_rl_recipes.Recipe,
    agents: dict[int, AdaptivePolicy],
    kind: str,
    tasks: int,
    rates: list[tuple[float, float]] | None,
) -> np.ndarray:
    """Mean returns [R, E], at the agents' own rates, or at those given for each number of steps."""

    def adapted(rate: tuple[float, float] | None) -> np.ndarray:
        returns = []
        for seed, agent in agents.items():
            seed_everything(seed)  # actions are drawn
            drawn, rng = KINDS[world][kind](_tasks_of(seed), tasks), np.random.default_rng(seed)
            happened = adapted_to(recipe, agent, drawn, tasks, STEPS[world], rng, rate=rate)
            returns.append(happened.returns.mean(1).double().numpy())
        return np.stack(returns)

    if rates is None:
        return adapted(None)
    curves = {rate: adapted(rate) for rate in set(rates)}
    return np.stack([curves[rate][:, step] for step, rate in enumerate(rates)], axis=1)


def _best_rates(
    world: str, recipe: maml_rl_recipes.Recipe, agents: dict[int, AdaptivePolicy]
) -> list[tuple[float, float]]:
    """For each number of steps the rates with the best return on training tasks that are not measured."""
    tasks, choices, curves = 5, [*itertools.product(RATES, LATER)], []
    for rate in choices:
        returns = []
        for seed, agent in agents.items():
            seed_everything(seed)
            rng = np.random.default_rng((maml_rl_recipes.TEST_TASKS, seed, 1))
            drawn = recipe.family.sample(rng, tasks)
            happened = adapted_to(recipe, agent, drawn, tasks, STEPS[world], rng, rate=rate)
            returns.append(happened.returns.mean(1).numpy())
        curves.append(np.mean(returns, axis=0))
    return [choices[best] for best in np.nan_to_num(curves, nan=-np.inf).argmax(axis=0)]


def _recurrent(kind: str, tasks: int) -> np.ndarray:
    """What RL2's policies earn, episode by episode, in a trial that is longer than those of its training."""
    recipe, returns = rl2_recipes.WORLDS["navigation"]["gru"], []
    for seed, policy in store.policies("rl2", "navigation", "gru").items():
        seed_everything(seed)
        drawn = KINDS["navigation"][kind](_tasks_of(seed), tasks)
        env = rl2_recipes.make_env(recipe, tasks)
        episodes = STEPS["navigation"] + 1
        trials = TrialCollector(env, lambda n, drawn=drawn: drawn, episodes, seed).collect(policy)
        returns.append(trials.episode_returns.mean(1).double().numpy())
    return np.stack(returns)


def straight_return(goals: np.ndarray) -> np.ndarray:
    """Return of one who is told the goal, and goes there as fast as a step allows: [M, 2] to [M]."""
    steps = navigation.REACH * np.arange(1, navigation.HORIZON + 1)  # how far each coordinate may have gone
    left = np.maximum(np.abs(goals)[:, None] - steps[:, None], 0.0)  # [M, T, 2]
    return -np.sqrt(np.square(left).sum(-1)).sum(1)


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng, world = np.random.default_rng(0), results.world
    config = next(iter(RECIPES[world].values())).config
    digits = 2 if world == "navigation" else 0
    seeds = min(len(curve) for by_start in results.curves.values() for curve in by_start.values())
    smaller = "a tenth of the size"
    if MEANINGS["maml"] in next(iter(results.curves.values())):
        smaller += " (a twentieth with one rate for all)"
    words = (
        f"Made by `{command}`. Return of an episode of {config.horizon} steps after some gradient steps, "
        f"each on {config.trajectories} episodes of the task: mean over {seeds} seeds, with the 95 % "
        f"bootstrap interval over seeds. Steps beyond those of the training are {smaller}. "
        f"{PRETRAINED.capitalize()} (on half as many episodes) and "
        f"{RANDOM}: for each number of steps the best of some rates, chosen in other episodes."
    )
    if world == "navigation":
        words += (
            f" {RECURRENT}: one episode where the others have {config.trajectories}; it was trained on "
            f"trials of {rl2_recipes.WORLDS[world]['gru'].config.episodes}."
        )
    lines = [f"# MAML for RL, {world.replace('_', ' ')}", "", textwrap.fill(words, width=110)]
    for kind, by_start in results.curves.items():
        shown = [step for step in SHOWN if step <= STEPS[world]]
        rows = [
            [name, *(tables.over_seeds(curve[:, step], rng, digits=digits) for step in shown)]
            for name, curve in by_start.items()
        ]
        header = [f"after {step} step{'s' * (step != 1)}" for step in shown]
        lines += ["", f"## {kind.capitalize()}", "", *tables.table(["", *header], rows)]
    return "\n".join(lines) + "\n"


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the tables, their numbers and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets maml-rl-<world>.md, .json and .png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"maml-rl-{results.world.replace('_', '-')}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        kind: {name: np.round(curve, 3).tolist() for name, curve in by_start.items()}
        for kind, by_start in results.curves.items()
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    steps, panels = np.arange(STEPS[results.world] + 1), {}
    for kind, by_start in results.curves.items():
        panels[kind] = (steps, {name: curve for name, curve in by_start.items() if name in DRAWN})
    picture = io.BytesIO()
    counted = "gradient steps" + (" (RL2: episodes)" if RECURRENT in by_start else "")
    figure = figures.curves_figure(panels, counted, "return of an episode")
    for axes in figure.axes:
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / f"{stem}.png", picture.getvalue())
