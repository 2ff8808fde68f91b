"""What is a good start worth? Errors after some gradient steps, by how the start was found.

Axes: R seeds, M numbers of gradient steps.
Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning", ICML 2017, sections 5.1 and 5.2,
https://arxiv.org/abs/1703.03400; that MAML goes on learning outside the tasks that it was trained on: Finn
and Levine, "Meta-Learning and Universality", ICLR 2018, https://arxiv.org/abs/1710.11622. All numbers are
ours.
"""

import io
import itertools
import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from course_lib.core.few_shot import SINUSOIDS, Draw, FewShotTasks
from course_lib.core.per_task import Parameters, applied, copies
from course_lib.core.seeding import seed_everything
from course_lib.meta import maml
from course_lib.widgets import figures
from course_lib.zoo import maml_recipes, store, supervised_results, tables
from course_lib.zoo import supervised_recipes as tasks_of
from course_lib.zoo.supervised_results import KNOWS, NEAREST, NEW_KINDS, QUERIES

WORLDS = ("sinusoids", "digits")
"""What is asked about: functions, or the handwritten digits 6 to 9."""
SHOTS = {"sinusoids": (5, 10), "digits": (1, 5)}
"""Points, or images of each class."""
STEPS = {"sinusoids": tuple(range(11)), "digits": (0, 1, 2, 3, 5, 10, 20, 50)}
"""Gradient steps at which it is measured."""
LATER = {"sinusoids": 0.5, "digits": 1.0}
"""Size of the steps after the first one, as a share of it. In the paper's RL it is a half, too: where one
step goes as far as it may, a second one of that size runs away in some tasks."""
RANDOM, TOLD = "random start", "told the task"
RECIPES = {
    "maml": "MAML, 1 step in training",
    "steps5": "MAML, 5 steps in training",
    "first_order": "first order",
    "learned_rates": "learned rates",
    "pretrained": "pretrained on all tasks",
}
"""Recipes, in words."""
DRAWN = (*(RECIPES[recipe] for recipe in ("maml", "steps5", "first_order", "pretrained")), RANDOM, TOLD)
"""What a picture shows, where it was measured."""
READERS = {"set": "mean of a set", "rnn": "recurrent network", "prototypes": "prototypes"}
"""Learners of `supervised_recipes`, which read a training set once."""

LONG, LONG_SHOTS, LONG_TASKS = (0, 1, 10, 100, 1000), (10, 50), 20
"""Steps, shots and at most so many tasks a seed, for tasks of new kinds."""
LONG_RATES, LONG_TRIED = (0.01, 0.003, 0.001, 0.0003), 100
"""A long descent takes that of the rates which ends best after so many steps, on other tasks of its kind."""
SHOWN_KINDS = ("amplitude 5 to 10", "twice the frequency", "lines")
"""That have a picture."""
CLAIMS = {
    "sinusoids": "Claimed (Finn et al., section 5.1): one step from MAML's start goes much of the way, and "
    "more steps, which training never saw, go on; from a network that was pretrained on all tasks, the same "
    "steps hardly lead anywhere.",
    "digits": "Claimed (Finn et al., section 5.2): a start that is trained for gradient steps does as "
    "well in few-shot classification as learners made for it, here `supervised_recipes`'.",
}
"""What the papers say, before what was measured."""
CLAIM_OF_KINDS = (
    "Claimed (Finn and Levine): what gradient steps do stays ordinary learning, and goes on outside the "
    "tasks of the training, where a learner that reads is at its end."
)
WORST = 100.0
"""An error above it is no number to be read: the descent ran away."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """All that was measured in one world."""

    world: str
    """Its name."""
    steps: tuple[int, ...]
    """Gradient steps, [M]."""
    curves: dict[int, dict[str, np.ndarray]]
    """Squared error, or share of images named rightly, by shots and start, [R, M]."""
    rivals: dict[int, dict[str, np.ndarray]]
    """The same of those who take no steps, [R]."""
    kinds: dict[int, dict[str, dict[str, np.ndarray]]] = field(default_factory=dict)
    """Error as a share of the values' mean square, by shots, kind of task and who answers, [R]."""


def measure(world: str, episodes: int, report: Callable[[str], None] = lambda doing: None) -> Results:
    """Tests every start of the zoo on new tasks; some minutes.

    Args:
        world: one of WORLDS.
        episodes: tasks a seed and number of shots.
        report: told what is being measured.

    Raises:
        ZooError: the zoo holds no weights of the world.
    """
    trained_on = "sinusoids" if world == "sinusoids" else "letters"
    draw = tasks_of.task_world(trained_on, "set", np.random.default_rng(0)).test
    seeds = [*store.policies("maml", trained_on, "maml")]
    starts = {words: _stored(trained_on, recipe) for recipe, words in RECIPES.items()}
    starts = {words: of for words, of in starts.items() if of}
    starts[RANDOM] = {r: random_start(trained_on, r) for r in seeds}
    # The pretrained's rate was chosen for steps of one size.
    later = {**dict.fromkeys(starts, LATER[world]), RECIPES["pretrained"]: 1.0}
    curves, rivals, kinds = {}, {}, {}
    for shots in SHOTS[world]:
        report(f"{world}, {shots} shots")
        curves[shots] = {
            words: np.array(
                [tested(one, draw, shots, STEPS[world], episodes, r, later[words]) for r, one in of.items()]
            )
            for words, of in starts.items()
        }
        rivals[shots] = _rivals(world, draw, shots, episodes, seeds)
    if world == "sinusoids":
        for shots in LONG_SHOTS:
            kinds[shots] = {}
            for kind, new in NEW_KINDS.items():
                report(f"{kind}, {shots} shots")
                kinds[shots][kind] = _new_kind(new, shots, starts, min(episodes, LONG_TASKS))
    return Results(world=world, steps=STEPS[world], curves=curves, rivals=rivals, kinds=kinds)


def descended(
    learner: maml.GradientLearner,
    tasks: FewShotTasks,
    steps: Sequence[int],
    later: float = 1.0,
    rate: float | None = None,
) -> list[Parameters]:
    """phi after some numbers of gradient steps, in rising order, all on one way down.

    Args:
        learner: its start, and its rates.
        tasks: their training sets are learned from.
        steps: how many, each at least 0.
        later: size of the steps after the first one, as a share of it.
        rate: of all parameters, in place of the learner's own.
    """
    start = copies(learner.net, len(tasks.train_x))
    first = {name: own if rate is None else rate for name, own in learner.rates.named_parameters()}
    after = {name: later * own for name, own in first.items()}

    def loss(parameters: Parameters) -> torch.Tensor:
        return learner.loss(applied(learner.net, parameters, tasks.train_x), tasks.train_y).mean(1).sum()

    before, once = maml.descent(loss, start, first, 1)
    way = itertools.chain([before], maml.descent(loss, once, after, max(steps) - 1))
    return [phi for step, phi in enumerate(way) if step in steps]


def tested(
    learner: maml.GradientLearner,
    draw: Draw,
    shots: int,
    steps: Sequence[int],
    tasks: int,
    seed: int,
    later: float = 1.0,
    rate: float | None = None,
) -> list[float]:
    """Mean score after each number of steps on new tasks, the same for every learner with this seed."""
    drawn = _drawn(draw, shots, tasks, seed)
    return [
        float(tasks_of.score_of(learner.predict(phi, drawn.test_x), drawn).mean())
        for phi in descended(learner, drawn, steps, later, rate)
    ]


def random_start(world: str, seed: int) -> maml.GradientLearner:
    """A network that has learned nothing, with the rate of MAML."""
    seed_everything(seed)
    return maml_recipes.learner_of(world, "maml").requires_grad_(False)


def long_rate(learners: Mapping[int, maml.GradientLearner], draw: Draw, shots: int) -> float:
    """The rate with which a long descent ends best, on ten tasks a seed that no table is made of."""
    errors = [
        np.mean(
            [tested(one, draw, shots, (LONG_TRIED,), 10, 1000 + r, rate=rate) for r, one in learners.items()]
        )
        for rate in LONG_RATES
    ]
    return LONG_RATES[int(np.nan_to_num(errors, nan=np.inf, posinf=np.inf).argmin())]


def _new_kind(
    draw: Draw, shots: int, starts: Mapping[str, Mapping[int, maml.GradientLearner]], tasks: int
) -> dict[str, np.ndarray]:
    found, seeds = {}, [*starts[RANDOM]]
    size = np.array([float(_drawn(draw, shots, tasks, r).test_y.square().mean()) for r in seeds])
    for words in (RECIPES["maml"], RANDOM):
        rate = long_rate(starts[words], draw, shots)
        errors = [tested(one, draw, shots, LONG, tasks, r, rate=rate) for r, one in starts[words].items()]
        for count, column in zip(LONG, np.transpose(errors), strict=True):
            if words != RANDOM or count == LONG[-1]:
                found[f"{words.split(',')[0]}, {count} step{'s' * (count != 1)}"] = column / size
    for recipe in ("set", "rnn"):
        of = store.policies("supervised", "sinusoids", recipe)
        found[READERS[recipe]] = (
            np.array([supervised_results.tested(one, draw, shots, tasks, r) for r, one in of.items()]) / size
        )
    return found


def _drawn(draw: Draw, shots: int, tasks: int, seed: int) -> FewShotTasks:
    return draw(tasks, shots, QUERIES, np.random.default_rng((seed, shots)))  # as supervised_results.tested


def _stored(world: str, recipe: str) -> dict[int, maml.GradientLearner]:
    """Weights by seed; none where the world has no such recipe."""
    known = any(name.startswith(f"maml/{world}-{recipe}-seed") for name in store.names())
    return store.policies("maml", world, recipe) if known else {}


def _rivals(world: str, draw: Draw, shots: int, tasks: int, seeds: Sequence[int]) -> dict[str, np.ndarray]:
    trained_on = "sinusoids" if world == "sinusoids" else "letters"
    found = {}
    if world == "sinusoids":
        known = maml_recipes.told(SINUSOIDS)
        of = _stored(world, "told")
        found[TOLD] = np.array([tested(one, known, shots, (0,), tasks, r)[0] for r, one in of.items()])
    for recipe in tasks_of.recipes_of(trained_on):
        if recipe in READERS:
            of = store.policies("supervised", trained_on, recipe)
            scores = [supervised_results.tested(one, draw, shots, tasks, r) for r, one in of.items()]
            found[READERS[recipe]] = np.array(scores)
    knowing, answer = (
        (KNOWS, supervised_results.knows_the_family)
        if world == "sinusoids"
        else (NEAREST, supervised_results.nearest_image)
    )
    several = [_drawn(draw, shots, tasks, r) for r in seeds]
    found[knowing] = np.array([tasks_of.score_of(answer(one), one).mean() for one in several])
    return found


def as_markdown(results: Results, command: str) -> str:
    """The results as Markdown: means over seeds with 95 % bootstrap intervals over seeds."""
    rng, functions = np.random.default_rng(0), results.world == "sinusoids"
    scale, digits = (1.0, 3) if functions else (100.0, 1)

    def cell(scores: np.ndarray) -> str:
        if not np.isfinite(scores).all() or scores.mean() > WORST:
            return "ran away"
        return tables.over_seeds(scale * scores, rng, digits=digits)

    what = (
        "Mean squared error on new points of new sinusoids"
        if functions
        else "Images of the handwritten digits 6 to 9 named rightly, in percent, three classes a task, after "
        "a training on printed letters"
    )
    seeds = min(len(one) for of in results.curves.values() for one in of.values())
    words = (
        f"Made by `{command}`. {what}: mean over {seeds} seeds, with the 95 % bootstrap interval over seeds. "
        "A random start takes steps of MAML's size; who was pretrained, steps of the size that suits it best "
        "on other tasks."
    )
    later = LATER[results.world]
    words += f" The others' steps after the first one are {later:g} times as large." if later != 1 else ""
    away = any(not np.isfinite(one).all() or one.mean(0).max() > WORST for one in _all(results))
    words += f" Ran away: some tasks' descent diverged, and took the mean beyond {WORST:g}." if away else ""
    lines = [f"# A start for gradient descent, {results.world}", ""]
    for paragraph in (words, CLAIMS[results.world]):
        lines += [textwrap.fill(paragraph, width=110), ""]
    for shots, curves in results.curves.items():
        header = [f"{shots} shot{'s' * (shots != 1)}, steps:", *results.steps]
        rows = [[name, *map(cell, curve.T)] for name, curve in curves.items()]
        lines += [*tables.table(header, rows), ""]
        lines += [f"* {name}: {cell(scores)}" for name, scores in results.rivals[shots].items()] + [""]
    if results.kinds:
        words = (
            "Tasks that are not like those of the training: error as a share of the values' mean square, on "
            f"at most {LONG_TASKS} tasks a seed. Each descent takes that of the rates "
            f"{', '.join(map(str, LONG_RATES))} with which it ends best after {LONG_TRIED} steps on "
            "other tasks of the kind."
        )
        for paragraph in (CLAIM_OF_KINDS, words):
            lines += [textwrap.fill(paragraph, width=110), ""]
    for shots, kinds in results.kinds.items():
        rows = [[kind, *map(cell, of.values())] for kind, of in kinds.items()]
        lines += [*tables.table([f"{shots} shots", *next(iter(kinds.values()))], rows), ""]
    return "\n".join(lines)


def write(results: Results, command: str, folder: Path) -> None:
    """Writes the tables, their numbers and the figures.

    Args:
        results: what was measured.
        command: that measured it.
        folder: gets maml-<world>.md, .json and .png, and of sinusoids maml-sinusoids-kinds.png.

    Raises:
        ZooError: the folder cannot be written.
    """
    stem = f"maml-{results.world}"
    store.write_here(folder / f"{stem}.md", as_markdown(results, command).encode())
    numbers = {
        "steps": list(results.steps),
        "curves": {k: _rounded(of) for k, of in results.curves.items()},
        "rivals": {k: _rounded(of) for k, of in results.rivals.items()},
        "kinds": {k: {kind: _rounded(of) for kind, of in by.items()} for k, by in results.kinds.items()},
    }
    store.write_here(folder / f"{stem}.json", (json.dumps(numbers) + "\n").encode())
    pictures = {stem: drawn(results)}
    if results.kinds:
        pictures[f"{stem}-kinds"] = drawn_kinds(results, max(results.kinds))
    for name, figure in pictures.items():
        picture = io.BytesIO()
        figure.savefig(picture, format="png", dpi=90)
        store.write_here(folder / f"{name}.png", picture.getvalue())


def drawn(results: Results) -> figures.Figure:
    """Scores against gradient steps, one picture a number of shots."""
    scale = 1.0 if results.world == "sinusoids" else 100.0
    panels = {}
    for shots, curves in results.curves.items():
        level = {name: scores[:, None] for name, scores in results.rivals[shots].items() if name == TOLD}
        everything = {**curves, **{name: np.repeat(s, len(results.steps), 1) for name, s in level.items()}}
        series = {name: scale * everything[name] for name in DRAWN if name in everything}
        panels[f"{shots} shot{'s' * (shots != 1)}"] = (range(len(results.steps)), series)
    ylabel = "squared error" if scale == 1.0 else "named rightly (%)"
    return _side_by_side(panels, "gradient steps", ylabel, results.steps)


def drawn_kinds(results: Results, shots: int) -> figures.Figure:
    """Errors on new kinds of tasks against gradient steps, beside those of learners that read once."""
    panels = {}
    for kind in SHOWN_KINDS:
        of = results.kinds[shots][kind]
        descent = [of[name] for name in of if name.startswith("MAML")]
        level = {
            READERS[name]: np.repeat(of[READERS[name]][:, None], len(LONG), 1) for name in ("set", "rnn")
        }
        panels[kind] = (range(len(LONG)), {"MAML": np.transpose(descent), **level})
    return _side_by_side(panels, f"gradient steps on {shots} points", "error, as a share", LONG)


def _side_by_side(panels: Mapping, xlabel: str, ylabel: str, steps: Sequence[int]) -> figures.Figure:
    figure = figures.curves_figure(panels, xlabel, ylabel)
    for axes in figure.axes:
        axes.set_xticks(range(len(steps)), steps)
    for axes in figure.axes[:-1]:
        axes.get_legend().remove()
    return figure


def _all(results: Results) -> list[np.ndarray]:
    of_kinds = [one for by in results.kinds.values() for of in by.values() for one in of.values()]
    return [one for of in results.curves.values() for one in of.values()] + of_kinds


def _rounded(series: Mapping[str, np.ndarray]) -> dict[str, list]:
    def number(value: float) -> float | None:
        return float(f"{value:.5g}") if np.isfinite(value) else None  # JSON has no infinity

    return {
        name: [[number(v) for v in row] if np.ndim(row) else number(row) for row in values]
        for name, values in series.items()
    }
