"""What contextual policies can do on commands that were never trained, measured on the weights of the zoo.

Axes: R seeds, C contexts, M trained tasks.
Source: the questions are those of Schaul et al., "Universal Value Function Approximators", ICML 2015 (are
contexts in between, and outside, served?), and Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS
2020, https://arxiv.org/abs/2001.06782 (do gradients of different tasks point against each other?).
"""

import io
import json
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from course_lib.envs.half_cheetah_tasks import HORIZON
from course_lib.multitask import contextual
from course_lib.widgets import figures
from course_lib.zoo import store, tables
from course_lib.zoo.contextual_recipes import HIGH, LOW, WORLDS, make_env

MEANINGS = {
    "told": "told the command, any command trained",
    "told2": "told, two commands trained",
    "told3": "told, three commands trained",
    "told5": "told, five commands trained",
    "withheld": "not told, any command trained",
    "single": "the middle command alone",
    "separate": "one policy a command, samples shared out",
    "unequal": "told, forwards paid ten times as much",
    "unequal_scaled": "the same, rewards scaled by task",
}
"""What the recipes are, in words; separate policies are one recipe each, and one row together."""

CONTEXTS = {
    "half_cheetah_velocity": ("target_velocity", np.linspace(-1.0, 4.5, 23)),
    "half_cheetah_direction": ("direction", np.array([-1.0, 1.0])),
}
"""The parameter that is the context, and where it is measured: every 0.25 m/s, or both directions."""

SETTLED = HORIZON // 4
"""Steps after which the speed counts."""

STORED = Path(__file__).parents[2] / "docs" / "results"
"""Where the results that come with the course lie."""

PAIRS = ("a task and itself", "neighbours", "first and last")
"""What `conflict_scores` has cosines of."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured in one world."""

    world: str
    """Its name."""
    contexts: np.ndarray
    """Where it was measured, [C]."""
    returns: dict[str, np.ndarray]
    """Mean return by recipe, [R, C]."""
    speeds: dict[str, np.ndarray]
    """Mean speed once it runs, m/s, by recipe, [R, C]."""
    cosines: dict[str, dict[int, np.ndarray]] = field(default_factory=dict)
    """Cosines between the gradients of the trained tasks by recipe and iteration, [R, M, M]."""


def outcome(
    world: str, recipe: str, policy, contexts: Sequence[float], episodes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return and speed of a policy in each of some contexts, both float64 [C].

    Args:
        world: a name of `WORLDS`.
        recipe: how the policy was trained: whether it is told.
        policy: with `act`.
        contexts: what is commanded, [C].
        episodes: per context.
    """
    name, _ = CONTEXTS[world]
    what = WORLDS[world][recipe]
    params = replace(what.family.params_type(), **{name: np.repeat(contexts, episodes)})
    env = make_env(what, len(contexts) * episodes, params=params)
    obs, _ = env.reset(seed=20_000)
    total, way = np.zeros((2, env.num_envs))
    for t in range(HORIZON):
        obs, reward, _, _, infos = env.step(np.clip(policy.act(obs), -1.0, 1.0))
        total += reward
        way += infos["x_velocity"] * (t >= SETTLED)
    shape = (len(contexts), episodes)
    return total.reshape(shape).mean(1), way.reshape(shape).mean(1) / (HORIZON - SETTLED)


def measure(world: str, episodes: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Evaluates every policy of the zoo at every context; a minute or two.

    Args:
        world: a name of `WORLDS`.
        episodes: per seed and context.
        report: told what is being measured.

    Raises:
        ZooError: the zoo lacks weights of a recipe.
    """
    name, contexts = CONTEXTS[world]
    results = Results(world=world, contexts=contexts, returns={}, speeds={})

    def of_all_seeds(recipe: str, contexts: np.ndarray) -> np.ndarray:  # [2, R, C]: return and speed
        report(recipe)
        policies = store.policies("contextual", world, recipe).values()
        return np.stack([outcome(world, recipe, policy, contexts, episodes) for policy in policies], axis=1)

    own = {r: w.family.source[name].values[0] for r, w in WORLDS[world].items() if r.startswith("separate")}
    for recipe, what in WORLDS[world].items():
        if recipe not in own:
            results.returns[recipe], results.speeds[recipe] = of_all_seeds(recipe, contexts)
        if what.conflict:
            results.cosines[recipe] = conflict_of(world, recipe)
    # A separate policy answers for the contexts that are nearest to its own, so for a stretch of them.
    nearest = np.abs(contexts[:, None] - np.array(list(own.values()))).argmin(1)  # [C], never falling
    together = [of_all_seeds(recipe, contexts[nearest == number]) for number, recipe in enumerate(own)]
    results.returns["separate"], results.speeds["separate"] = np.concatenate(together, axis=2)
    return results


def conflict_of(world: str, recipe: str) -> dict[int, np.ndarray]:
    """Cosines of the gradients by iteration, [R, M, M], as the cards of a recipe have them."""
    cards = [store.read_card(store.folder() / name) for name in store.scores("contextual", world, recipe)]
    found = [card["gradient_cosines_by_iteration"] for card in cards]
    return {int(iteration): np.array([one[iteration] for one in found]) for iteration in found[0]}


def inside(contexts: np.ndarray) -> np.ndarray:
    """Which velocities lie in the trained range, bool [C]."""
    return (contexts >= LOW) & (contexts <= HIGH)


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    seeds = min(map(len, results.returns.values()))
    lines = [
        f"# Contextual policies, {results.world.replace('_', ' ')}",
        "",
        textwrap.fill(
            f"Made by `{command}`. Return of {HORIZON} steps with the policy's most likely actions: mean "
            f"over {seeds} seeds, with the 95 % bootstrap interval over seeds.",
            width=110,
        ),
        "",
        *(_velocity_table(results) if "velocity" in results.world else _direction_table(results)),
    ]
    for recipe, by_iteration in results.cosines.items():
        lines += ["", *_conflict_table(recipe, by_iteration)]
    return "\n".join(lines) + "\n"


def _velocity_table(results: Results) -> list[str]:
    rng = np.random.default_rng(0)
    contexts, trained = results.contexts, inside(results.contexts)
    of_five = np.isin(contexts, np.linspace(LOW, HIGH, 5))
    places = {
        "return, 0.5 to 2.5 m/s (trained)": trained,
        "return, at five commands": of_five,
        "return, midway between the five": trained & np.isin((contexts - LOW) % 0.5, 0.25),
        "return, -1 to 0 m/s": contexts <= 0.0,
        "return, 3 to 4.5 m/s": contexts >= 3.0,
    }
    rows = []
    for recipe in (name for name in MEANINGS if name in results.returns):
        returns = results.returns[recipe]
        miss = np.abs(results.speeds[recipe] - contexts)[:, trained].mean(1)
        rows.append(
            [
                recipe,
                MEANINGS[recipe],
                *(tables.over_seeds(returns[:, place].mean(1), rng) for place in places.values()),
                tables.over_seeds(miss, rng, digits=2),
            ]
        )
    return tables.table(["recipe", "trained on", *places, "miss inside (m/s)"], rows)


def _direction_table(results: Results) -> list[str]:
    rng = np.random.default_rng(0)
    rows = []
    for recipe in (name for name in MEANINGS if name in results.returns):
        returns = results.returns[recipe]
        cells = (tables.over_seeds(column, rng) for column in (*returns.T, returns.mean(1)))
        rows.append([recipe, MEANINGS[recipe], *cells])
    return tables.table(["recipe", "trained on", "return backwards", "return forwards", "mean"], rows)


def _conflict_table(recipe: str, by_iteration: dict[int, np.ndarray]) -> list[str]:
    rng = np.random.default_rng(0)
    scores = {iteration: conflict_scores(cosines) for iteration, cosines in by_iteration.items()}
    rows = (
        [iteration, *(tables.over_seeds(values, rng, digits=2) for values in score.values())]
        for iteration, score in scores.items()
    )
    head = f"Cosines between the tasks' policy gradients, `{recipe}`, each from two independent batches:"
    return [head, "", *tables.table(["iteration", *next(iter(scores.values()))], rows)]


def conflict_scores(cosines: np.ndarray) -> dict[str, np.ndarray]:
    """What a matrix of cosines [R, M, M] says, one number a seed [R] each."""
    count = cosines.shape[-1]
    row, column = np.triu_indices(count, k=1)
    near, far = column - row == 1, column - row == count - 1
    pairs = cosines[:, row, column]
    means = np.diagonal(cosines, axis1=1, axis2=2).mean(1), pairs[:, near].mean(1), pairs[:, far].mean(1)
    share = np.array([contextual.conflicting(torch.as_tensor(matrix)) for matrix in cosines])
    return {**dict(zip(PAIRS, means, strict=True)), "share of pairs below 0": share}


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the table, its numbers and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets contextual-<world>.md, .json and .png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"contextual-{results.world.removeprefix('half_cheetah_')}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        "contexts": results.contexts.tolist(),
        **{
            name: {recipe: np.round(value, 2).tolist() for recipe, value in getattr(results, name).items()}
            for name in ("returns", "speeds")
        },
        "cosines": {
            recipe: {iteration: cosines.tolist() for iteration, cosines in found.items()}
            for recipe, found in results.cosines.items()
        },
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    picture = io.BytesIO()
    figures.context_figure(**pictured(results)).savefig(picture, format="png", dpi=90)
    store.write_here(folder / f"{stem}.png", picture.getvalue())


def stored(world: str) -> Results:
    """The results that come with the course, as `write` left them.

    Args:
        world: a name of `WORLDS`.

    Raises:
        ZooError: they are not there: the course was installed without its docs, or they were not made yet.
    """
    path = STORED / f"contextual-{world.removeprefix('half_cheetah_')}.json"
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise store.ZooError(
            f"{path.name} is not among docs/results: make it with course reproduce {path.stem}"
        ) from None
    return Results(
        world=world,
        contexts=np.array(numbers["contexts"]),
        **{
            name: {recipe: np.array(values) for recipe, values in numbers[name].items()}
            for name in ("returns", "speeds")
        },
        cosines={
            recipe: {int(iteration): np.array(cosines) for iteration, cosines in found.items()}
            for recipe, found in numbers["cosines"].items()
        },
    )


def pictured(results: Results) -> dict[str, Any]:
    """What `figures.context_figure` draws: return and speed against the context, cosines during training."""
    velocity = "velocity" in results.world
    wanted = ("told", "told2", "withheld", "single", "separate") if velocity else results.returns
    ((recipe, by_iteration),) = results.cosines.items()
    scores = [conflict_scores(cosines) for cosines in by_iteration.values()]
    names = PAIRS if velocity else PAIRS[:2]  # of two tasks, neighbours are the first and the last
    return {
        "contexts": results.contexts,
        "measured": {
            ylabel: {recipe: values[recipe] for recipe in wanted}
            for ylabel, values in (("return", results.returns), ("speed (m/s)", results.speeds))
        },
        "xlabel": "commanded velocity (m/s)" if velocity else "commanded direction",
        "trained": (LOW, HIGH) if velocity else None,
        "names": None if velocity else ["-1, backwards", "1, forwards"],
        "iterations": list(by_iteration),
        "cosines": {name: np.stack([score[name] for score in scores], axis=1) for name in names},
        "title": recipe,
    }
