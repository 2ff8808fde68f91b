"""EPOpt's claims, measured again on the weights of the zoo: numbers first, then tables.

Axes: R seeds, M values of a parameter, N episodes.
Source: Rajeswaran et al., "EPOpt: Learning Robust Neural Network Policies Using Model
Ensembles", ICLR 2017, https://arxiv.org/abs/1610.01283, figures 1-3 and table 2.
"""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from gymnasium.vector import AutoresetMode

from course_lib.core.evaluation import transfer_grid
from course_lib.core.rollout import evaluate
from course_lib.core.task_family import TaskFamily
from course_lib.widgets.figures import robustness_figure
from course_lib.zoo import store, tables
from course_lib.zoo.epopt_recipes import RECIPES, WORLDS

MASSES = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
"""Torso masses of the paper's first figure, kg."""

STEPS = 1000
"""Longest episode."""

QUANTILES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
"""Columns of the paper's table 2."""


def evaluator(
    family: TaskFamily, act: Callable[[np.ndarray], np.ndarray], seed: int = 0
) -> Callable[[dict[str, np.ndarray]], np.ndarray]:
    """From physics to returns: what `transfer_grid` asks.

    Args:
        family: where parameters that are not asked for stand at the mean of their source.
        act: from observations [N, S] to actions [N, A].
        seed: of the start states.

    Returns:
        A function from {parameter: values [n]} to the return of one episode each, [n].
    """

    def returns(params: dict[str, np.ndarray]) -> np.ndarray:
        n = len(next(iter(params.values())))
        env = family.make_vec(n, autoreset_mode=AutoresetMode.DISABLED)
        env.set_params(replace(family.means, **params))
        return evaluate(env, act, STEPS, seed)

    return returns


def over_masses(world: str, recipe: str, episodes: int, masses: Sequence[float] = MASSES) -> np.ndarray:
    """Mean return at each torso mass, other parameters at their means.

    Args:
        world: "hopper" or "half_cheetah".
        recipe: one of RECIPES.
        episodes: per mass and seed.
        masses: kg.

    Returns:
        float64 [R, M].
    """
    family = WORLDS[world]()
    curves = []
    for seed, policy in store.policies("epopt", world, recipe).items():
        returns = evaluator(family, policy.act, seed)({"torso_mass": np.repeat(masses, episodes)})
        curves.append(returns.reshape(len(masses), episodes).mean(1))
    return np.array(curves)


def over_source(world: str, recipe: str, episodes: int) -> np.ndarray:
    """Returns in worlds drawn from the whole source distribution, the same worlds for every policy.

    Args:
        world: "hopper" or "half_cheetah".
        recipe: one of RECIPES.
        episodes: worlds, one episode each.

    Returns:
        float64 [R, N].
    """
    family = WORLDS[world]()
    drawn = family.sample(np.random.default_rng(2**31 + 1), episodes)
    params = dict(zip(drawn.names(), drawn.array(episodes).T, strict=True))
    policies = store.policies("epopt", world, recipe).values()
    return np.array([evaluator(family, policy.act)(params) for policy in policies])


def over_mass_and_friction(world: str, recipe: str, episodes: int, cells: int = 7) -> np.ndarray:
    """Mean return over the grid of torso mass and ground friction, averaged over seeds: [cells, cells]."""
    family = WORLDS[world]()
    mass, friction = family.source["torso_mass"], family.source["ground_friction"]
    grids = []
    for seed, policy in store.policies("epopt", world, recipe).items():
        rows = {"torso_mass": np.linspace(mass.low, mass.high, cells)}
        columns = {"ground_friction": np.linspace(friction.low, friction.high, cells)}
        grids.append(transfer_grid(evaluator(family, policy.act, seed), rows, columns, episodes))
    return np.mean(grids, axis=0)


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured of one world."""

    world: str
    """Name of the world."""
    masses: dict[str, np.ndarray]
    """Mean return by recipe, [R, M]."""
    source: dict[str, np.ndarray]
    """Return by recipe over the source distribution, [R, N]."""
    grids: dict[str, np.ndarray]
    """Mean return over torso mass (rows) and friction (columns), by recipe."""


def measure(world: str, episodes: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Measures everything that the tables show; some minutes.

    Args:
        world: "hopper" or "half_cheetah".
        episodes: per mass and seed; a third of that per cell of the grid, and 16 times as many source worlds.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of a recipe.
    """
    results = Results(world=world, masses={}, source={}, grids={})
    for recipe in RECIPES:
        report(f"{recipe}: torso masses")
        results.masses[recipe] = over_masses(world, recipe, episodes)
        report(f"{recipe}: source distribution")
        results.source[recipe] = over_source(world, recipe, 16 * episodes)
        report(f"{recipe}: mass and friction")
        results.grids[recipe] = over_mass_and_friction(world, recipe, max(1, episodes // 3))
    return results


def _of_source(returns: np.ndarray, rng: np.random.Generator) -> list[str]:
    mean, *quantiles = (
        tables.over_seeds(scores, rng)
        for scores in (returns.mean(1), *np.quantile(returns, QUANTILES, axis=1))
    )
    return [mean, f"{returns.std(1).mean():.0f}", *quantiles]


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng = np.random.default_rng(0)
    seeds = {recipe: len(curve) for recipe, curve in results.masses.items()}
    lines = [
        f"# EPOpt on the {results.world.replace('_', '-')}",
        "",
        f"Made by `{command}`. Undiscounted return of episodes of up to {STEPS} steps: mean over seeds, with",
        f"the 95 % bootstrap interval over seeds. Seeds: {', '.join(f'{r} {n}' for r, n in seeds.items())}.",
        "",
        "## Return against torso mass (kg); other parameters at their means",
        "",
        *tables.table(
            ["trained on", *(f"{mass:g}" for mass in MASSES)],
            ([r, *(tables.over_seeds(at, rng) for at in curves.T)] for r, curves in results.masses.items()),
        ),
        "",
        f"## Return over the source distribution ({next(iter(results.source.values())).shape[1]} worlds)",
        "",
        *tables.table(
            ["trained on", "mean", "sd over worlds", *(f"p{100 * q:.0f}" for q in QUANTILES)],
            ([recipe, *_of_source(returns, rng)] for recipe, returns in results.source.items()),
        ),
    ]
    return "\n".join(lines) + "\n"


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the tables, their numbers, and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets epopt-<world>.md, .json and .png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"epopt-{results.world.replace('_', '-')}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        "masses": {recipe: curves.round(1).tolist() for recipe, curves in results.masses.items()},
        "source": {recipe: returns.round(1).tolist() for recipe, returns in results.source.items()},
        "grids": {recipe: grid.round(1).tolist() for recipe, grid in results.grids.items()},
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    friction = WORLDS[results.world]().source["ground_friction"]
    shown = {recipe: results.grids[recipe] for recipe in ("mass6", "eps1.0", "eps0.1")}
    frictions = np.linspace(friction.low, friction.high, next(iter(shown.values())).shape[1])
    figure = robustness_figure(results.world.replace("_", "-"), MASSES, results.masses, shown, frictions)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / f"{stem}.png", picture.getvalue())
