"""What RL2's policies find out inside a trial, measured again on the weights of the zoo.

Axes: R seeds, E episodes, K numbers of training tasks.
Source: Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779, sections 3.1 to 3.3.
"""

import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.core.memory import MemoryPolicy
from course_lib.core.seeding import seed_everything
from course_lib.envs import grid_navi, grid_navi_beliefs
from course_lib.widgets import figures
from course_lib.zoo import rl2_recipes, store, tables
from course_lib.zoo.rl2_recipes import Recipe, trials_of

WORLDS = ("grid_navi", "maze")
"""Worlds of more than one step, where a second episode can be compared with the first."""

SAMPLED = 21_000
"""Trials behind the returns of posterior sampling: every goal of GridNavi a thousand times."""

MEANINGS = {
    "gru": "memory over all episodes (GRU)",
    "lstm": "the same, LSTM",
    "snail": "the same, attention (SNAIL)",
    "forgets": "trained with a memory emptied at every episode",
}
"""What the recipes are, in words; those of few training tasks have a table of their own."""


DRAWN_AS = {"gru": "GRU", "lstm": "LSTM", "snail": "SNAIL", "forgets": "trained emptied"}
"""What the recipes are called in a picture."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured in one world."""

    world: str
    """Its name."""
    by_episode: dict[str, np.ndarray]
    """Return of each episode of a trial by recipe, [R, E]."""
    emptied: dict[str, np.ndarray]
    """The same policies, their memory wrongly emptied at the end of every episode, [R, E]."""
    untold: dict[str, np.ndarray]
    """The same, and told nothing of the last step of the episode before, either, [R, E]."""
    training_tasks: list[int] = field(default_factory=list)
    """How many tasks there were in training, [K]."""
    on_training: np.ndarray | None = None
    """Return of a trial on those, [R, K]."""
    on_new: np.ndarray | None = None
    """Return of a trial on tasks that were not among them, [R, K]."""


def measure(world: str, trials: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Tests every policy of the zoo on new tasks; seconds.

    Args:
        world: one of `WORLDS`.
        trials: per seed.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    recipes = rl2_recipes.WORLDS[world]
    results = Results(world=world, by_episode={}, emptied={}, untold={})
    for name in (name for name in MEANINGS if name in recipes):
        report(name)
        for scores, options in (
            (results.by_episode, {"forgets": recipes[name].forgets}),
            (results.emptied, {"forgets": True}),
            (results.untold, {"forgets": True, "meta_input": rl2_recipes.untold}),
        ):
            scores[name] = _over_seeds(world, name, partial(_returns, trials=trials, options=options))
    few = {recipe.training_tasks: name for name, recipe in recipes.items() if recipe.training_tasks}
    if not few:
        return results
    scores = []
    for count, name in sorted(few.items()):
        report(f"{count} training tasks")
        scores.append(_over_seeds(world, name, partial(_known_and_new, trials=trials)))
    on_training, on_new = np.stack(scores, axis=1).transpose(2, 0, 1)  # [R, K] each
    return Results(
        world=world,
        by_episode=results.by_episode,
        emptied=results.emptied,
        untold=results.untold,
        training_tasks=sorted(few),
        on_training=on_training,
        on_new=on_new,
    )


def _over_seeds(
    world: str, name: str, score: Callable[[Recipe, MemoryPolicy, int], np.ndarray]
) -> np.ndarray:
    policies = store.policies("rl2", world, name)
    scores = []
    for seed, policy in policies.items():
        seed_everything(seed)  # actions are drawn
        scores.append(score(rl2_recipes.WORLDS[world][name], policy, seed))
    return np.stack(scores)


def _returns(
    what: Recipe, policy: MemoryPolicy, seed: int, trials: int, options: dict[str, Any]
) -> np.ndarray:
    tested = trials_of(what, policy, trials, seed, **options)
    return tested.episode_returns.mean(1).double().numpy()  # [E]


def _known_and_new(what: Recipe, policy: MemoryPolicy, seed: int, trials: int) -> np.ndarray:
    # The training tasks are the first that a seed draws, and are drawn here again.
    both = rl2_recipes.draws(what, np.random.default_rng(seed))
    tested = (trials_of(what, policy, trials, seed, draw=draw) for draw in both)
    return np.array([float(trial.returns.mean()) for trial in tested])  # [2]


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    seeds = min(map(len, results.by_episode.values()))
    words = (
        f"Made by `{command}`. Return of each episode of a trial of {_episodes(results)}, on tasks drawn "
        f"anew: mean over {seeds} seeds, with the 95 % bootstrap interval over seeds."
    )
    head = f"# RL2, {results.world.replace('_', ' ')}"
    lines = [head, "", textwrap.fill(words, width=110), "", *_memory_table(results)]
    if results.on_new is not None:
        lines += ["", "Meta-overfitting: return of a trial, by the number of tasks in training.", ""]
        lines += _tasks_table(results)
    return "\n".join(lines) + "\n"


def _episodes(results: Results) -> str:
    return f"{next(iter(results.by_episode.values())).shape[1]} episodes"


def _memory_table(results: Results) -> list[str]:
    rng = np.random.default_rng(0)
    rows = []
    for name, returns in results.by_episode.items():
        tested = {
            MEANINGS[name]: returns,
            "emptied at every episode of the test": results.emptied[name],
            "emptied, and untold of the last step": results.untold[name],
        }
        if name == "forgets":  # its memory is emptied anyway
            del tested["emptied at every episode of the test"]
        for row, by_episode in tested.items():
            gain = by_episode[:, -1] - by_episode[:, 0]
            cells = (*by_episode.T, gain, by_episode.sum(1))
            rows.append([name, row, *(tables.over_seeds(cell, rng, digits=2) for cell in cells)])
    for name, by_episode in references(results.world, returns.shape[1]).items():
        cells = (*by_episode, by_episode[-1] - by_episode[0], by_episode.sum())
        rows.append([name, "told nothing, knows how goals are drawn", *(f"{cell:.2f}" for cell in cells)])
    numbers = range(1, returns.shape[1] + 1)
    return tables.table(
        ["recipe", "memory", *(f"episode {n}" for n in numbers), "last minus first", "trial"], rows
    )


def references(world: str, episodes: int) -> dict[str, np.ndarray]:
    """What can be earned at best, and what posterior sampling earns, by episode [E]; for GridNavi only."""
    if world != "grid_navi":
        return {}
    optimal = np.diff([0.0, *(grid_navi_beliefs.optimal_return(n) for n in range(1, episodes + 1))])
    goals = np.arange(SAMPLED) % len(grid_navi.GOALS)
    sampled, _ = grid_navi_beliefs.posterior_sampling(goals, episodes, np.random.default_rng(0))
    return {"optimal, exactly": optimal, "posterior sampling": sampled.mean(1)}


def _tasks_table(results: Results) -> list[str]:
    rng = np.random.default_rng(0)
    rows = [
        [count, *(tables.over_seeds(scores[:, i], rng, digits=2) for scores in (known, new, known - new))]
        for i, count in enumerate(results.training_tasks)
        for known, new in [(results.on_training, results.on_new)]
    ]
    return tables.table(["training tasks", "on these", "on others", "difference"], rows)


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the table, its numbers and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets rl2-<world>.md, .json and .png, and a picture of meta-overfitting where there is one.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"rl2-{results.world.replace('_', '-')}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        name: {recipe: np.round(values, 3).tolist() for recipe, values in getattr(results, name).items()}
        for name in ("by_episode", "emptied", "untold")
    }
    if results.on_new is not None:
        numbers["training_tasks"] = results.training_tasks
        numbers["on_training"] = np.round(results.on_training, 3).tolist()
        numbers["on_new"] = np.round(results.on_new, 3).tolist()
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    episodes = np.arange(1, next(iter(results.by_episode.values())).shape[1] + 1)
    series = {
        **{DRAWN_AS[name]: returns for name, returns in results.by_episode.items()},
        "GRU, memory emptied": results.emptied["gru"],
    }
    panels = {results.world.replace("_", " "): (episodes, series)}
    _draw(folder / f"{stem}.png", panels, "episode", "return of the episode")
    if results.on_new is not None:
        tasks = {"those tasks": results.on_training, "new tasks": results.on_new}
        panels = {"": (results.training_tasks, tasks)}
        _draw(folder / f"{stem}-tasks.png", panels, "tasks in training", "return of a trial")


def _draw(path: Path, panels: dict[str, Any], xlabel: str, ylabel: str) -> None:
    picture = io.BytesIO()
    figures.curves_figure(panels, xlabel, ylabel).savefig(picture, format="png", dpi=90)
    store.write_here(path, picture.getvalue())
