"""What has been learned by learning to learn? Errors by shots, on new kinds of tasks, and from few tasks.

Axes: R seeds, M numbers of shots.
Source: the learners are those of Garnelo et al., 2018, https://arxiv.org/abs/1807.01613, and Santoro et al.,
2016; sinusoids as in Finn et al., 2017, https://arxiv.org/abs/1703.03400. All numbers are ours.
"""

import io
import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from course_lib.core import few_shot
from course_lib.core.few_shot import LINES, SINUSOIDS, FewShotTasks, FunctionFamily
from course_lib.core.printed_letters import letters
from course_lib.core.seeding import seed_everything
from course_lib.meta import supervised
from course_lib.widgets import figures
from course_lib.zoo import store, tables
from course_lib.zoo import supervised_recipes as recipes

WORLDS = ("sinusoids", "digits")
"""What is asked about: functions, or the handwritten digits 6 to 9."""
SHOTS = {"sinusoids": (0, 1, 2, 3, 5, 7, 10, 15, 20), "digits": (1, 2, 3, 5, 10)}
"""Points, or images of each class."""
QUERIES = 30
MOST_FROM_SCRATCH = 50
"""Tasks that a network is trained on anew, a number of shots: that takes its time."""
ORDERS = 10

SCRATCH, KNOWS, NEAREST = "a network from scratch", "knows the family", "nearest image"
LEARNERS = {"rnn": "recurrent network", "set": "mean of a set", "prototypes": "prototypes"}
"""Recipes, in words."""

NEW_KINDS: dict[str, few_shot.Draw] = {
    "as in training": few_shot.function_tasks(SINUSOIDS),
    "amplitude 5 to 10": few_shot.function_tasks(
        replace(SINUSOIDS, sample=lambda rng, n: np.column_stack([rng.uniform(5, 10, n), _phases(rng, n)]))
    ),
    "twice the frequency": few_shot.function_tasks(
        FunctionFamily(SINUSOIDS.sample, lambda functions, x: SINUSOIDS.value(functions, 2 * x))
    ),
    "lines": few_shot.function_tasks(LINES),
    "x from 5 to 15": few_shot.function_tasks(SINUSOIDS, low=5.0, high=15.0),
}
"""Tasks that a learner of sinusoids is asked about, by what is new in them."""


def _phases(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.uniform(*few_shot.PHASE, n)


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured in one world."""

    world: str
    """Its name."""
    shots: tuple[int, ...]
    """Training points, or images of each class, [M]."""
    curves: dict[str, np.ndarray]
    """Squared error, or share of images named rightly, by who answers, [R, M]."""
    kinds: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    """Error at 10 shots as a share of the values' mean square, by kind of task and learner, [R]."""
    counts: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    """By what was trained on: the score on new tasks made of just that, and on what is asked about, [R]."""
    order: dict[str, np.ndarray] = field(default_factory=dict)
    """Root mean square distance between the answers to ten points in two orders, [R]."""


def measure(world: str, episodes: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Tests every learner of the zoo on new tasks; a minute.

    Args:
        world: one of WORLDS.
        episodes: tasks a seed and number of shots.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    return _functions(episodes, report) if world == "sinusoids" else _digits(episodes, report)


def tested(learner: torch.nn.Module, draw: few_shot.Draw, shots: int, tasks: int, seed: int) -> float:
    """Mean score of a learner on new tasks, the same for every learner with this seed."""
    drawn = draw(tasks, shots, QUERIES, np.random.default_rng((seed, shots)))
    with torch.no_grad():
        return float(recipes.score_of(recipes.answers(learner, drawn), drawn).mean())


def from_scratch(draw: few_shot.Draw, loss: Callable, shots: int, tasks: int, seed: int) -> float:
    """Mean score of new networks, one for each of some tasks, trained on its training set alone."""
    seed_everything(seed)
    drawn = draw(min(tasks, MOST_FROM_SCRATCH), shots, QUERIES, np.random.default_rng((seed, shots)))
    answer = supervised.learned_from_scratch(drawn, loss, steps=300)
    return float(recipes.score_of(answer, drawn).mean())


def knows_the_family(tasks: FewShotTasks) -> torch.Tensor:
    """The best answers of one who knows how sinusoids are drawn, [M, Q, 1]."""
    shown = (part[..., 0].double().numpy() for part in (tasks.train_x, tasks.train_y, tasks.test_x))
    answer = few_shot.sinusoid_posterior_mean(*shown)
    return torch.tensor(answer[..., None], dtype=torch.float32)


def nearest_image(tasks: FewShotTasks) -> torch.Tensor:
    """The class of the training image with the least distance in pixels, one-hot, [M, Q, Y]."""
    closest = torch.cdist(tasks.test_x, tasks.train_x).argmin(-1)  # [M, Q]
    return tasks.train_y[torch.arange(len(closest))[:, None], closest]


def order_matters(learner: torch.nn.Module, tasks: int, seed: int) -> float:
    """Root mean square distance between a learner's answers to ten points in two random orders."""
    rng = np.random.default_rng(seed)
    drawn, answers = few_shot.function_tasks(SINUSOIDS)(tasks, 10, QUERIES, rng), []
    for _ in range(ORDERS):
        order = torch.from_numpy(rng.permutation(10))
        mixed = replace(drawn, train_x=drawn.train_x[:, order], train_y=drawn.train_y[:, order])
        with torch.no_grad():
            answers.append(recipes.answers(learner, mixed))
    # Two independent draws lie farther apart than each from their mean, by the root of two.
    return float((2.0 * torch.stack(answers).var(0)).mean().sqrt())


def _functions(tasks: int, report: Callable[[str], None]) -> Results:
    shots, draw = SHOTS["sinusoids"], few_shot.function_tasks(SINUSOIDS)
    learners = {LEARNERS[name]: _policies("sinusoids", name) for name in ("rnn", "set")}
    curves: dict[str, np.ndarray] = {}
    for name, seeds in learners.items():
        report(name)
        curves[name] = np.array(
            [[tested(seed, draw, k, tasks, r) for k in shots] for r, seed in seeds.items()]
        )
    seeds = list(next(iter(learners.values())))
    curves[SCRATCH], curves[KNOWS] = np.full((2, len(seeds), len(shots)), np.nan)
    kinds: dict[str, dict[str, np.ndarray]] = {}
    for row, r in enumerate(seeds):
        report(f"{SCRATCH}, seed {r}")
        for column, k in enumerate(shots):
            drawn = draw(tasks, k, QUERIES, np.random.default_rng((r, k)))
            curves[KNOWS][row, column] = recipes.score_of(knows_the_family(drawn), drawn).mean()
            curves[SCRATCH][row, column] = from_scratch(draw, supervised.squared_error, k, tasks, r)
    for kind, new in NEW_KINDS.items():
        report(kind)
        size = {r: _mean_square(new, tasks, r) for r in seeds}
        kinds[kind] = {
            name: np.array([tested(one, new, 10, tasks, r) / size[r] for r, one in of.items()])
            for name, of in learners.items()
        }
        scratch = [from_scratch(new, supervised.squared_error, 10, tasks, r) / size[r] for r in seeds]
        kinds[kind][SCRATCH] = np.array(scratch)
    counts = {f"{n} sinusoids": _own_and_new("sinusoids", f"set_of{n}", 10, tasks) for n in (10, 100)}
    counts["ever new sinusoids"] = _own_and_new("sinusoids", "set", 10, tasks)
    order = {
        name: np.array([order_matters(one, tasks, r) for r, one in of.items()])
        for name, of in learners.items()
    }
    return Results(world="sinusoids", shots=shots, curves=curves, kinds=kinds, counts=counts, order=order)


def _digits(tasks: int, report: Callable[[str], None]) -> Results:
    shots = SHOTS["digits"]
    draw = few_shot.image_tasks(few_shot.handwritten_digits(recipes.NEW_DIGITS), recipes.WAY)
    curves: dict[str, np.ndarray] = {}
    for world, ways in (("letters", LEARNERS), ("digits", ("set", "prototypes"))):
        for recipe in ways:
            report(f"{world}, {recipe}")
            seeds = _policies(world, recipe)
            trained_on = f"{len(letters())} letters" if world == "letters" else "digits 0 to 5"
            curves[f"{LEARNERS[recipe]}, {trained_on}"] = np.array(
                [[tested(seed, draw, k, tasks, r) for k in shots] for r, seed in seeds.items()]
            )
    near, scratch = [], []
    for r in seeds:
        report(f"{SCRATCH}, seed {r}")
        several = [draw(tasks, k, QUERIES, np.random.default_rng((r, k))) for k in shots]
        near.append([recipes.score_of(nearest_image(drawn), drawn).mean() for drawn in several])
        scratch.append([from_scratch(draw, supervised.cross_entropy, k, tasks, r) for k in shots])
    curves[NEAREST], curves[SCRATCH] = np.array(near), np.array(scratch)
    trained = {
        "digits 0 to 5": ("digits", "set"),
        **{f"{n} letters": ("letters", f"set_of{n}") for n in recipes.COUNTS["letters"]},
        f"{len(letters())} letters": ("letters", "set"),
    }
    counts = {words: _own_and_new(world, recipe, 5, tasks) for words, (world, recipe) in trained.items()}
    return Results(world="digits", shots=shots, curves=curves, counts=counts)


def _policies(world: str, recipe: str) -> dict[int, torch.nn.Module]:
    return store.policies("supervised", world, recipe)


def _mean_square(draw: few_shot.Draw, tasks: int, seed: int) -> float:
    return float(draw(tasks, 10, QUERIES, np.random.default_rng((seed, 10))).test_y.square().mean())


def _own_and_new(world: str, recipe: str, shots: int, tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores on new tasks of just what was trained on, and on those that are asked about, [R] each."""
    own, new = [], []
    for seed, learner in _policies(world, recipe).items():
        drawn = recipes.task_world(world, recipe, seed_everything(seed))  # the same few as in training
        own.append(tested(learner, drawn.training, shots, tasks, seed))
        new.append(tested(learner, drawn.test, shots, tasks, seed))
    return np.array(own), np.array(new)


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng, functions = np.random.default_rng(0), results.world == "sinusoids"
    scale, digits = (1.0, 3) if functions else (100.0, 1)

    def cell(scores: np.ndarray) -> str:
        return tables.over_seeds(scale * scores, rng, digits=digits)

    what = (
        "Mean squared error on new points of new sinusoids, amplitude 0.1 to 5"
        if functions
        else "Images of the handwritten digits 6 to 9 named rightly, in percent, three classes a task"
    )
    words = (
        f"Made by `{command}`. {what}: mean over {min(map(len, results.curves.values()))} seeds, with the "
        f"95 % bootstrap interval over seeds. {SCRATCH.capitalize()}: two layers of 64, 300 steps of "
        f"Adam, on {MOST_FROM_SCRATCH} of the tasks."
    )
    header = ["", *(f"{k} shot{'s' * (k != 1)}" for k in results.shots)]
    body = [[name, *map(cell, curve.T)] for name, curve in results.curves.items()]
    lines = [f"# Learning to learn, {results.world}", "", textwrap.fill(words, width=110), ""]
    lines += [*tables.table(header, body), ""]
    if functions:
        lines += [
            "New kinds of tasks, 10 shots: mean squared error as a share of the values' mean square.",
            "",
        ]
        body = [[kind, *map(cell, of.values())] for kind, of in results.kinds.items()]
        lines += [*tables.table(["", *next(iter(results.kinds.values()))], body), ""]
    shots = 10 if functions else 5
    lines += [f"From how many tasks it was trained (mean of a set, {shots} shots).", ""]
    body = [[trained, cell(own), cell(new)] for trained, (own, new) in results.counts.items()]
    new = "on new sinusoids" if functions else "on the digits 6 to 9"
    lines += [*tables.table(["trained on", "on what it was trained on", new], body), ""]
    for name, moved in results.order.items():
        lines += [f"* {name}: ten points in two orders give answers that lie {moved.mean():.2g} apart."]
    return "\n".join([*lines, ""] if results.order else lines)


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the tables, their numbers and the figure.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets supervised-<world>.md, .json and .png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"supervised-{results.world}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        "shots": list(results.shots),
        "curves": _rounded(results.curves),
        "kinds": {kind: _rounded(of) for kind, of in results.kinds.items()},
        "counts": {
            trained: _rounded({"own": own, "new": new}) for trained, (own, new) in results.counts.items()
        },
        "order": {name: moved.tolist() for name, moved in results.order.items()},
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    ylabel, scale = ("squared error", 1.0) if results.world == "sinusoids" else ("named rightly (%)", 100.0)
    shown = {name: scale * curve for name, curve in results.curves.items() if not name.endswith("0 to 5")}
    figure = figures.curves_figure({results.world: (results.shots, shown)}, "shots", ylabel)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / f"{stem}.png", picture.getvalue())


def _rounded(series: dict[str, np.ndarray]) -> dict[str, list]:
    return {name: np.round(values, 5).tolist() for name, values in series.items()}
