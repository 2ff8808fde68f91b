"""What VariBAD's policies earn and believe on GridNavi, measured again on the weights of the zoo.

Axes: R seeds, E episodes, N trials, H steps of an episode.
Source: Zintgraf et al., "VariBAD: A Very Good Method for Bayes-Adaptive Deep RL via Meta-Learning", ICLR
2020, https://arxiv.org/abs/1910.08348, section 5.1.
"""

import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from course_lib.core.seeding import seed_everything
from course_lib.envs import grid_navi_beliefs
from course_lib.envs.grid_navi import GOALS, HORIZON
from course_lib.widgets import figures
from course_lib.zoo import rl2_recipes, store, tables, varibad_beliefs, varibad_recipes

WORLDS = ("grid_navi",)
"""Worlds in which everything can be held against what is exact."""

SHOWN = (0, 1, 5, 10, 15)
"""Steps of an episode that the table has."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured."""

    by_episode: dict[str, np.ndarray]
    """Return of each episode of a trial, by who explores, [R, E]; R is 1 for what is exact."""
    misplaced: np.ndarray
    """Probability that the decoded belief puts on the wrong goals: its total variation distance from the
    exact one, mean over trials, before the first step of each episode and after every one, [R, E, H + 1]."""
    misplaced_searching: np.ndarray
    """The same over trials in which the goal had not been met, [R, E, H + 1]; nan where there are none."""
    misplaced_by_nothing: np.ndarray
    """The same for whoever believes what is believed at the start all the time, [R, E, H + 1]."""
    correlation: np.ndarray
    """Of the decoded with the exact probability, over goals and trials, [R, E, H + 1]; nan where the exact
    one is the same for all."""


def measure(world: str, trials: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Tests every policy of the zoo on tasks drawn anew; seconds.

    Args:
        world: one of `WORLDS`.
        trials: per seed.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    recipe = varibad_recipes.WORLDS[world]["varibad"]
    episodes = recipe.config.policy.episodes
    report("VariBAD")
    acting, beliefs = [], []
    for seed, policy in store.policies("varibad", world, "varibad").items():
        seed_everything(seed)  # actions are drawn
        tested = varibad_recipes.trials_of(recipe, policy, trials, seed)
        acting.append(tested.episode_returns.mean(1).double().numpy())
        decoded = varibad_beliefs.decoded_beliefs(policy, tested, seed)  # [E, N, H + 1, G]
        beliefs.append(_compared(decoded, varibad_beliefs.exact_beliefs(tested)))
    report("RL2")
    memory = rl2_recipes.WORLDS[world]["gru"]
    memory = replace(memory, config=replace(memory.config, episodes=episodes))
    recurrent = []
    for seed, policy in store.policies("rl2", world, "gru").items():
        seed_everything(seed)
        tested = rl2_recipes.trials_of(memory, policy, trials, seed)
        recurrent.append(tested.episode_returns.mean(1).double().numpy())
    report("posterior sampling")
    sampling = []
    for seed in range(len(acting)):
        rng = np.random.default_rng(seed)
        goals = rng.integers(len(GOALS), size=trials)
        sampling.append(grid_navi_beliefs.posterior_sampling(goals, episodes, rng)[0].mean(1))
    told = np.full((1, episodes), grid_navi_beliefs.told_return())
    optimal = np.diff([0.0, *(grid_navi_beliefs.optimal_return(n) for n in range(1, episodes + 1))])
    misplaced, searching, nothing, correlation = (np.stack(each) for each in zip(*beliefs, strict=True))
    return Results(
        by_episode={
            "told the goal": told,
            "optimal": optimal[None],
            "VariBAD": np.stack(acting),
            "RL2": np.stack(recurrent),
            "posterior sampling": np.stack(sampling),
        },
        misplaced=misplaced,
        misplaced_searching=searching,
        misplaced_by_nothing=nothing,
        correlation=correlation,
    )


def _compared(decoded: np.ndarray, exact: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of beliefs [E, N, H + 1, G]: all that `Results` has of them, for one seed [E, H + 1]."""
    misplaced = 0.5 * np.abs(decoded - exact).sum(-1)
    searching = exact.max(-1) < 1.0
    count = searching.sum(1)
    while_searching = np.where(count > 0, (misplaced * searching).sum(1) / np.maximum(count, 1), np.nan)
    nothing = 0.5 * np.abs(1.0 / exact.shape[-1] - exact).sum(-1)
    flat = [np.moveaxis(belief, 1, 2).reshape(*misplaced.shape[::2], -1) for belief in (decoded, exact)]
    centred = [belief - belief.mean(-1, keepdims=True) for belief in flat]
    lengths = [np.sqrt((belief**2).mean(-1)) for belief in centred]
    known = lengths[1] > 1e-9
    correlation = (centred[0] * centred[1]).mean(-1) / np.where(known, lengths[0] * lengths[1], np.nan)
    return misplaced.mean(1), while_searching, nothing.mean(1), correlation


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng = np.random.default_rng(0)
    returns = results.by_episode["VariBAD"]
    seeds, episodes = returns.shape
    numbers = [f"episode {n}" for n in range(1, episodes + 1)]
    rows = [
        [name, *(_cell(values, rng) for values in (*by_episode.T, by_episode.sum(1)))]
        for name, by_episode in results.by_episode.items()
    ]
    earned = (
        f"Made by `{command}`. Return of each episode of a trial: mean over {seeds} seeds, with the 95 % "
        "bootstrap interval over seeds; tasks are drawn anew, but all 21 goals were in training. VariBAD was "
        f"trained on trials of {episodes} episodes, RL2 on trials of two. Posterior sampling has the exact "
        "belief, and stays where it finds the goal; optimal is the "
        "best that can be done untold, exactly."
    )
    believed = (
        "What the decoder makes of the belief, scaled to sum to 1 over the 21 cells that can be the goal, "
        "beside the exact probability of each: the probability that it misplaces (total variation distance, "
        "in %), over all trials and over those in which the goal has not been met yet; what would be "
        "misplaced by never learning anything; and the correlation over cells and trials."
    )
    steps = [(episode, step) for episode in range(episodes) for step in SHOWN]
    inferred = [
        [
            episode + 1,
            step,
            *(
                _cell(100 * values[:, episode, step], rng, digits=0)
                for values in (results.misplaced, results.misplaced_searching, results.misplaced_by_nothing)
            ),
            _cell(results.correlation[:, episode, step], rng),
        ]
        for episode, step in steps
    ]
    lines = [
        "# VariBAD, grid navi",
        "",
        *textwrap.wrap(earned, width=110),
        "",
        *tables.table(["who", *numbers, "trial"], rows),
        "",
        *textwrap.wrap(believed, width=110),
        "",
        *tables.table(
            ["episode", "step", "misplaced, %", "goal not met yet, %", "by nothing, %", "correlation"],
            inferred,
        ),
    ]
    return "\n".join(lines) + "\n"


def _cell(values: np.ndarray, rng: np.random.Generator, digits: int = 2) -> str:
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return "–"
    return f"{values[0]:.{digits}f}" if len(values) == 1 else tables.over_seeds(values, rng, digits=digits)


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the tables, their numbers and the figures.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets varibad-grid-navi.md, .json and .png, and a picture of the beliefs.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = "varibad-grid-navi"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        "by_episode": {name: np.round(values, 3).tolist() for name, values in results.by_episode.items()},
        **{
            name: [[[_number(x) for x in steps] for steps in seed] for seed in getattr(results, name)]
            for name in ("misplaced", "misplaced_searching", "misplaced_by_nothing", "correlation")
        },
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    episodes = np.arange(1, results.by_episode["VariBAD"].shape[1] + 1)
    picture = figures.curves_figure(
        {"GridNavi": (episodes, results.by_episode)}, "episode", "return of the episode"
    )
    picture.axes[0].set_xticks(episodes)
    _draw(folder / f"{stem}.png", picture)
    steps = np.arange(len(episodes) * (HORIZON + 1))
    misplaced = {"VariBAD": results.misplaced, "never learning": results.misplaced_by_nothing}
    series = {name: 100 * values.reshape(len(values), -1) for name, values in misplaced.items()}
    picture = figures.curves_figure({"": (steps, series)}, "step", "probability misplaced, %")
    _draw(folder / f"{stem}-beliefs.png", picture)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)


def _draw(path: Path, figure: figures.Figure) -> None:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(path, picture.getvalue())
