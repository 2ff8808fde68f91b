"""RL2 against those who were told how to explore, on the same bandits and random MDPs.

Axes: R seeds, N tasks, E episodes, k arms.
Source: Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779, tables 1 and 2; their numbers are quoted from memory.
"""

import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib.agents import bandit_optimum
from course_lib.core.seeding import seed_everything
from course_lib.widgets import figures
from course_lib.zoo import bandit_baselines_results as baselines
from course_lib.zoo import rl2_recipes, store, tables

WORLDS = {"bandit": baselines.METHODS, "random_mdp": baselines.MDP_METHODS}
"""Whom RL2 is compared with, by world."""

RL2 = "RL2"
"""How it is called beside them."""

DRAWN = ("Gittins", "Thompson", "greedy", RL2)
"""Methods in the picture of the bandits."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """Reward by episode of every method of a world, and of the policies of the zoo."""

    world: str
    """Its name."""
    rewards: dict[str, dict[str, np.ndarray]]
    """By recipe and method: mean reward of each episode, [R, E]; an episode of a bandit is one pull."""


def measure(world: str, trials: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Lets every policy of the zoo and every method act in the same new tasks; a minute or two.

    Args:
        world: one of `WORLDS`.
        trials: tasks per seed.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    rewards: dict[str, dict[str, np.ndarray]] = {}
    for recipe, what in rl2_recipes.WORLDS[world].items():
        by_seed: dict[str, list[np.ndarray]] = {}
        episodes = what.config.episodes
        for seed, policy in store.policies("rl2", world, recipe).items():
            report(f"{recipe}, seed {seed}")
            seed_everything(seed)  # actions are drawn
            tasks = what.family.sample(np.random.default_rng(rl2_recipes.TEST_TASKS + seed), trials)
            tested = rl2_recipes.trials_of(what, policy, trials, seed, draw=lambda n, tasks=tasks: tasks)
            by_seed.setdefault(RL2, []).append(tested.episode_returns.mean(1).double().numpy())
            for method in WORLDS[world]:
                if world == "bandit":
                    rng = np.random.default_rng([seed, episodes])
                    earned = baselines.baseline_rewards(method, tasks.array(trials), episodes, rng)
                else:
                    earned = baselines.mdp_rewards(method, tasks, episodes, seed)
                by_seed.setdefault(method, []).append(earned)
        rewards[recipe] = {method: np.stack(values) for method, values in by_seed.items()}
    return Results(world=world, rewards=rewards)


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng = np.random.default_rng(0)
    seeds = {len(values) for by_method in results.rewards.values() for values in by_method.values()}
    words = (
        f"Made by `{command}`. Reward of a whole trial on new tasks, the same for all: mean over "
        f"{' or '.join(map(str, sorted(seeds)))} seeds, with the 95 % bootstrap interval over seeds. The "
        f"others know the distribution of tasks and have their settings chosen on other tasks; see "
        f"[bandits](bandits.md). The paper's numbers are recalled, not looked up."
    )
    methods = WORLDS[results.world]
    rows = []
    for recipe, by_method in results.rewards.items():
        totals = {method: values.sum(1) for method, values in by_method.items()}
        cells = [tables.over_seeds(totals[method], rng, digits=2) for method in (RL2, *methods)]
        rows.append([recipe, *cells, _optimal(results.world, recipe), _recalled(results.world, recipe)])
    title = f"# RL2 against those who were told how to explore: {results.world.replace('_', ' ')}s"
    header = ["trial", RL2, *methods, "optimal", "RL2, the paper's"]
    return "\n".join([title, "", textwrap.fill(words, width=110), "", *tables.table(header, rows), ""])


def _sizes(recipe: str) -> tuple[int, int]:
    arms, pulls = recipe.removeprefix("k").split("n")
    return int(pulls), int(arms)


def _title(world: str, recipe: str) -> str:
    if world == "bandit":
        pulls, arms = _sizes(recipe)
        return f"{arms} arms, {pulls} pulls"
    return f"random MDPs, {recipe.removeprefix('n')} episodes"


def _optimal(world: str, recipe: str) -> str:
    if world != "bandit" or _sizes(recipe)[0] > 20:
        return ""
    pulls, arms = _sizes(recipe)
    return f"{bandit_optimum.optimal_value(arms, pulls):.3f}"


def _recalled(world: str, recipe: str) -> str:
    if world == "bandit":
        known = dict(zip(baselines.SETTINGS, baselines.RECALLED[RL2], strict=True))
        return f"{known[_sizes(recipe)]:g}" if _sizes(recipe) in known else ""
    known = dict(zip(baselines.EPISODES, baselines.MDP_RECALLED[RL2], strict=True))
    return f"{known[int(recipe.removeprefix('n'))]:g}"


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the table, its numbers and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets rl2-<world>.md, .json and .png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"rl2-{results.world.replace('_', '-')}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        recipe: {method: np.round(values, 4).tolist() for method, values in by_method.items()}
        for recipe, by_method in results.rewards.items()
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    drawn = DRAWN if results.world == "bandit" else (*WORLDS[results.world], RL2)
    panels = {}
    for recipe, by_method in results.rewards.items():
        if recipe in ("k5n20", "k5n100", "n10"):
            pulls = np.arange(1, by_method[RL2].shape[1] + 1)
            places = np.unique(np.geomspace(1, len(pulls), 12).round().astype(int)) - 1
            panels[_title(results.world, recipe)] = (
                pulls[places],
                {name: by_method[name][:, places] for name in drawn},
            )
    label = "pull" if results.world == "bandit" else "episode"
    figure = figures.curves_figure(panels, label, f"reward of the {label}")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / f"{stem}.png", picture.getvalue())
