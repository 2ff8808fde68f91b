"""Hindsight's claims, measured again on the weights of the zoo: goals reached, by how goals were chosen.

Axes: R seeds, M points of a success curve.
Source: Andrychowicz et al., "Hindsight Experience Replay", NeurIPS 2017,
https://arxiv.org/abs/1707.01495, sections 4.2 to 4.5.
"""

import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from gymnasium.vector import AutoresetMode

from course_lib.multitask import goal_conditioned
from course_lib.widgets import figures
from course_lib.zoo import store, tables
from course_lib.zoo.goal_conditioned_recipes import SIMULATIONS, TEST_EVERY, WORLDS

MEANINGS = {
    "none": "without hindsight",
    "final": "the episode's last state",
    "future": "a later state of the episode",
    "episode": "any state of the episode",
}
"""Which states become goals, in words."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured in one world."""

    world: str
    """Its name."""
    episodes: np.ndarray
    """Episodes trained at each point of a curve, [M]."""
    curves: dict[str, np.ndarray]
    """Share of goals reached in training by recipe, [R, M]."""
    success: dict[str, np.ndarray]
    """Share of new goals that the trained policies reach, by recipe, [R]."""


def measure(world: str, episodes: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Tests every policy of the zoo on new goals, and reads the curves that their cards keep; seconds.

    Args:
        world: a name of `WORLDS`.
        episodes: goals per seed.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    chosen = WORLDS[world]
    env = chosen.family.make_vec(episodes, autoreset_mode=AutoresetMode.DISABLED)
    points = chosen.config.iterations // TEST_EVERY
    results = Results(
        world=world,
        episodes=SIMULATIONS * TEST_EVERY * np.arange(1, points + 1),
        curves={},
        success={},
    )
    for recipe in goal_conditioned.STRATEGIES:
        report(recipe)
        results.success[recipe] = np.array(
            [
                goal_conditioned.reached(policy.act, env, chosen.family, chosen.config.horizon, 20_000).mean()
                for policy in store.policies("goal_conditioned", world, recipe).values()
            ]
        )
        results.curves[recipe] = success_curves(world, recipe)
    return results


def success_curves(world: str, recipe: str) -> np.ndarray:
    """Share of goals reached in training, as the cards keep it, [R, M].

    Raises:
        ZooError: the zoo holds no weights of it.
    """
    cards = map(
        store.read_card, (store.folder() / n for n in store.scores("goal_conditioned", world, recipe))
    )
    return np.array([[success for _, success in card["success_curve"]] for card in cards])


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng = np.random.default_rng(0)
    last = len(results.episodes) - 1
    points = dict.fromkeys((0, last // 4, last))
    words = (
        f"Made by `{command}`. Goals reached, in percent: mean over "
        f"{min(map(len, results.success.values()))} seeds, with the 95 % bootstrap interval over seeds. SAC "
        f"with a sparse reward, -1 a step; all rows make as many episodes and updates. The curve is that of "
        f"training, on goals that are the same for all; the last column has new goals."
    )
    header = ["goals in hindsight", *(f"after {results.episodes[i]} episodes" for i in points), "new goals"]
    body = [
        [
            f"{recipe}: {MEANINGS[recipe]}",
            *(tables.over_seeds(100 * curve[:, i], rng, digits=1) for i in points),
            tables.over_seeds(100 * results.success[recipe], rng, digits=1),
        ]
        for recipe, curve in results.curves.items()
    ]
    title = f"# Goals in hindsight, {results.world}"
    return "\n".join([title, "", textwrap.fill(words, width=110), "", *tables.table(header, body), ""])


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the table, its numbers and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets goal-conditioned-<world>.md, .json and .png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"goal-conditioned-{results.world}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        "episodes": results.episodes.tolist(),
        "curves": {recipe: curve.tolist() for recipe, curve in results.curves.items()},
        "success": {recipe: np.round(values, 4).tolist() for recipe, values in results.success.items()},
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    series = {recipe: 100 * curve for recipe, curve in results.curves.items()}
    panels = {results.world: (results.episodes, series)}
    picture = io.BytesIO()
    figures.curves_figure(panels, "episodes", "goals reached (%)").savefig(picture, format="png", dpi=90)
    store.write_here(folder / f"{stem}.png", picture.getvalue())
