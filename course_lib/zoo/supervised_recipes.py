"""How the learners that read a training set were trained: `course train supervised` runs these recipes.

A "world" is a distribution of tasks. The recipe says how a training set is read, and from how many different
functions or letters the training tasks were made.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.core import few_shot
from course_lib.core.evaluation import mean_with_interval
from course_lib.core.few_shot import LINES, SINUSOIDS, Draw, FewShotTasks, FunctionFamily
from course_lib.core.printed_letters import letters, printed_images
from course_lib.meta import supervised
from course_lib.meta.prototypes import PrototypeLearner
from course_lib.zoo.training import Idea, Training

KNOWN_DIGITS, NEW_DIGITS = range(6), range(6, 10)
"""Handwritten digits to learn from, and those that no learner sees in training."""
WAY = 3
"""Classes of a task of images."""

FUNCTIONS = {
    "sinusoids": SINUSOIDS,
    "lines": LINES,
    "mixture": few_shot.mixture(SINUSOIDS, LINES),
}
"""Families of functions by name."""
IMAGES = {"letters": "printed letters", "digits": "the handwritten digits 0 to 5"}
"""Classes of images by name."""
WORLDS = (*FUNCTIONS, *IMAGES)
COUNTS = {"sinusoids": (10, 100), "letters": (30, 150)}
"""From how few functions or letters training tasks are made, to see what that does."""
RECIPES = ("rnn", "set", "prototypes", *(f"set_of{n}" for counts in COUNTS.values() for n in counts))

FUNCTION_CONFIG = supervised.SupervisedConfig(tasks=64, learning_rate=4e-3, iterations=120)
IMAGE_CONFIG = supervised.SupervisedConfig(
    tasks=64, max_shots=5, queries=15, learning_rate=3e-3, iterations=60
)
TEST_SHOTS = {"functions": 10, "images": 5}
"""Points, or images of each class, that a card's score comes from."""
TEST_TASKS = 1000


@dataclass(frozen=True, kw_only=True)
class TaskWorld:
    """Where tasks come from, and how an answer is judged."""

    training: Draw
    """What is trained on."""
    test: Draw
    """New tasks: functions of the same family, or the handwritten digits 6 to 9."""
    loss: Callable[[Tensor, Tensor], Tensor]
    """Of an answer."""
    config: supervised.SupervisedConfig
    """Settings."""
    input_size: int
    """S."""
    output_size: int
    """Y."""
    shots: int
    """Of the test behind a card."""


def task_world(world: str, recipe: str, rng: np.random.Generator) -> TaskWorld:
    """The tasks of a recipe.

    Args:
        world: one of WORLDS.
        recipe: one of RECIPES.
        rng: chooses the functions or letters, where a recipe has only a few.

    Raises:
        ValueError: the recipe is not one for this world.
    """
    count = int(recipe.removeprefix("set_of")) if recipe.startswith("set_of") else None
    if count not in (None, *COUNTS.get(world, ())) or (recipe == "prototypes" and world in FUNCTIONS):
        raise ValueError(f"there is no recipe {recipe!r} for {world}; {', '.join(recipes_of(world))} are")
    if world in FUNCTIONS:
        family = FUNCTIONS[world]
        return TaskWorld(
            training=few_shot.function_tasks(family if count is None else few(family, count, rng)),
            test=few_shot.function_tasks(family),
            loss=supervised.squared_error,
            config=FUNCTION_CONFIG,
            input_size=1,
            output_size=1,
            shots=TEST_SHOTS["functions"],
        )
    images = few_shot.handwritten_digits(KNOWN_DIGITS) if world == "digits" else letter_images()
    if count is not None:
        images = images[rng.permutation(len(images))[:count]]
    return TaskWorld(
        training=few_shot.image_tasks(images, WAY),
        test=few_shot.image_tasks(few_shot.handwritten_digits(NEW_DIGITS), WAY),
        loss=supervised.cross_entropy,
        config=IMAGE_CONFIG,
        input_size=images.shape[-1],
        output_size=WAY,
        shots=TEST_SHOTS["images"],
    )


def recipes_of(world: str) -> tuple[str, ...]:
    """Recipes that a world has."""
    ways = ("rnn", "set") if world in FUNCTIONS else ("rnn", "set", "prototypes")
    return (*ways, *(f"set_of{n}" for n in COUNTS.get(world, ())))


def few(family: FunctionFamily, count: int, rng: np.random.Generator) -> FunctionFamily:
    """The first functions that a source of randomness gives, and no others."""
    return family.only(family.sample(rng, count))


@cache
def letter_images() -> Tensor:
    """All printed letters, [C, B, 64]; some seconds at the first call."""
    return torch.tensor(printed_images(letters()))


def learner_of(world: TaskWorld, recipe: str) -> nn.Module:
    """A new learner."""
    if recipe == "prototypes":
        return PrototypeLearner(world.input_size)
    kind = supervised.RecurrentLearner if recipe == "rnn" else supervised.SetLearner
    return kind(world.input_size, world.output_size)


@torch.no_grad()
def answers(learner: nn.Module, tasks: FewShotTasks) -> Tensor:
    """What a learner answers to the test points of tasks whose training sets it has read, [M, Q, Y]."""
    return learner.predict(learner.adapt(tasks.train_x, tasks.train_y), tasks.test_x)


def score_of(answer: Tensor, tasks: FewShotTasks) -> np.ndarray:
    """How good answers are, by task [M]: the mean squared error, or the share of images named rightly."""
    if answer.shape[-1] == 1:
        return supervised.squared_error(answer, tasks.test_y).mean(1).numpy()
    return (answer.argmax(-1) == tasks.test_y.argmax(-1)).double().mean(1).numpy()


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """Tasks, learner and test of a recipe, ready for `training.train_and_store`."""
    chosen = task_world(world, recipe, rng)
    return training_of(chosen, learner_of(chosen, recipe), seed, rng)


def training_of(chosen: TaskWorld, learner: nn.Module, seed: int, rng: np.random.Generator) -> Training:
    """The training of any learner that has `adapt` and `predict`.

    Args:
        chosen: its tasks.
        learner: new.
        seed: of the interval in its card.
        rng: draws tasks.
    """
    trained = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=chosen.config.learning_rate, fused=True)

    def records(first: int) -> Iterator[dict[str, float]]:
        return supervised.train(
            learner, optimizer, chosen.training, chosen.config, rng, first=first, loss=chosen.loss
        )

    def score() -> dict[str, Any]:
        tasks = chosen.test(TEST_TASKS, chosen.shots, 30, np.random.default_rng(2**31))
        functions = chosen.output_size == 1
        what, sign = ("minus the squared error", -1) if functions else ("images named rightly", 1)
        by_task = sign * score_of(answers(learner, tasks), tasks)
        interval = mean_with_interval(by_task, np.random.default_rng(seed))
        return {
            "return_mean": round(interval.mean, 4),
            "return_interval_over_episodes": [round(interval.low, 4), round(interval.high, 4)],
            "evaluated_on": f"{TEST_TASKS} new tasks of {chosen.shots} shots; {what}",
        }

    return Training(
        policy=learner,
        records=records,
        iterations=chosen.config.iterations,
        score=score,
        state={"learner": learner, "optimizer": optimizer},
        settings=chosen.config,
    )


IDEA = Idea(name="supervised", recipes={world: recipes_of(world) for world in WORLDS}, prepare=prepare)
"""Supervised meta-learning, for `course train`."""
