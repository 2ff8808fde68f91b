"""DARC's claims, measured again on the weights of the zoo: numbers first, then tables.

Axes: R seeds, N episodes.
Source: Eysenbach et al., "Off-Dynamics Reinforcement Learning: Training for Transfer with Domain
Classifiers", ICLR 2021, https://arxiv.org/abs/2006.13916, figures 5 and 6.
"""

import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gymnasium.vector import AutoresetMode

from course_lib.core.rollout import evaluate
from course_lib.widgets.figures import curves_figure, shots_figure
from course_lib.zoo import store, tables
from course_lib.zoo.darc_recipes import EPISODES, RECIPES, WORLDS

MEANINGS = {
    "source": "source alone",
    "darc2": "source with delta_r, 2 episodes of the target",
    "darc5": "source with delta_r, 5 episodes",
    "darc20": "source with delta_r, 19 episodes",
    "importance5": "source with importance weights, 5 episodes",
    "target2": "target alone, 2 episodes",
    "target5": "target alone, 5 episodes",
    "target20": "target alone, 20 episodes",
    "target": "target alone, no limit",
}
"""What the recipes are, in words."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured of one pair of domains."""

    world: str
    """Name of the pair."""
    source: dict[str, np.ndarray]
    """Mean return in the source by recipe, [R]."""
    target: dict[str, np.ndarray]
    """Mean return in the target by recipe, [R]."""
    seen: dict[str, float]
    """Transitions of the target that a recipe learned from."""


def measure(world: str, episodes: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Evaluates every policy of the zoo in both domains; seconds.

    Args:
        world: a name of `WORLDS`.
        episodes: per seed and domain.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the pair.
    """
    if not trained(world):
        raise store.ZooError(f"no weights of darc on {world!r} in the zoo: train them with course train darc")
    results = Results(world=world, source={}, target={}, seen={})
    envs = WORLDS[world].make(episodes, autoreset_mode=AutoresetMode.DISABLED)
    for recipe in trained(world):
        report(recipe)
        policies = store.policies("darc", world, recipe)
        for env, returns in zip(envs, (results.source, results.target), strict=True):
            returns[recipe] = np.array(
                [evaluate(env, p.act, env.max_episode_steps, 20_000).mean() for p in policies.values()]
            )
        cards = (store.read_card(store.folder() / name) for name in store.scores("darc", world, recipe))
        results.seen[recipe] = float(np.mean([card["target_steps"] for card in cards]))
    return results


def trained(world: str) -> list[str]:
    """Recipes of which the zoo holds weights for a pair, in the order of `RECIPES`."""
    there = {name.rpartition("-seed")[0] for name in store.names()}
    return [recipe for recipe in RECIPES if f"darc/{world}-{recipe}" in there]


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng = np.random.default_rng(0)
    pair = WORLDS[results.world]
    told = (
        ", ".join(f"{name} {value:g}" for name, value in side.items()) for side in (pair.source, pair.target)
    )
    lines = [
        f"# DARC, {results.world.replace('_', ' ')}",
        "",
        textwrap.fill(
            f"Made by `{command}`. Source: {next(told)}; target: {next(told)}. Undiscounted return of "
            f"{pair.config.target_steps} steps with the policy's most likely actions: mean over "
            f"{min(map(len, results.target.values()))} seeds, with the 95 % bootstrap interval over seeds.",
            width=110,
        ),
        "",
        *tables.table(
            ["recipe", "trained in", "target transitions", "return in the target", "return in the source"],
            (
                [
                    recipe,
                    MEANINGS[recipe],
                    f"{results.seen[recipe]:.0f}",
                    tables.over_seeds(returns, rng, digits=1),
                    tables.over_seeds(results.source[recipe], rng, digits=1),
                ]
                for recipe, returns in results.target.items()
            ),
        ),
    ]
    return "\n".join(lines) + "\n"


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the table, its numbers and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets darc-<world>.md, .json and .png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"darc-{results.world.replace('_', '-')}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        name: {recipe: np.round(value, 2).tolist() for recipe, value in getattr(results, name).items()}
        for name in ("source", "target", "seen")
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    title = results.world.replace("_", " ")
    if set(results.target) >= {f"{way}{n}" for way in ("darc", "target") for n in EPISODES}:
        figure = shots_figure({title: shots(results)})
    else:
        sides = {
            MEANINGS[r]: np.stack([results.source[r], results.target[r]], axis=1) for r in results.target
        }
        figure = curves_figure({title: ([0, 1], sides)}, "tested in", "return")
        figure.axes[0].set_xticks([0, 1], ["source", "target"])
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / f"{stem}.png", picture.getvalue())


def shots(results: Results) -> tuple[list[float], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What `figures.shots_figure` draws of a pair: transitions seen, curves over them, level rivals."""
    series = {
        label: np.stack([results.target[f"{way}{n}"] for n in EPISODES], axis=1)
        for label, way in (("DARC", "darc"), ("target alone", "target"))
    }
    level = {
        label: results.target[recipe]
        for label, recipe in (
            ("target, no limit", "target"),
            ("source alone", "source"),
            ("importance weights", "importance5"),
        )
    }
    return [results.seen[f"darc{n}"] for n in EPISODES], series, level
