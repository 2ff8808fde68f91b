"""How the starts of gradient descent were trained: `course train maml` runs these recipes.

Tasks, tests and scores are those of the learners that read a training set (`supervised_recipes`), so that
the numbers can stand beside theirs. The recipe says what the gradient goes through.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from course_lib.core import few_shot
from course_lib.core.few_shot import SINUSOIDS, Draw, FewShotTasks, FunctionFamily
from course_lib.core.networks import mlp
from course_lib.meta import maml, supervised
from course_lib.zoo import supervised_recipes as tasks_of
from course_lib.zoo.supervised_recipes import TaskWorld
from course_lib.zoo.training import Idea, Training

HIDDEN = 64
"""Units of both hidden layers."""
CONFIGS = {
    "sinusoids": supervised.SupervisedConfig(tasks=25, learning_rate=2e-3, iterations=100),
    "letters": supervised.SupervisedConfig(
        tasks=25, max_shots=5, queries=15, learning_rate=2e-3, iterations=20
    ),
}
"""Settings by world; 50 updates an iteration."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """What the gradient goes through."""

    steps: int = 1
    """Of gradient descent inside a task, in training."""
    first_order: bool = False
    """Whether they are taken for constants."""
    learned_rates: bool = False
    """Whether each parameter has a rate of its own."""


WAYS = {
    "maml": Way(),
    "first_order": Way(first_order=True),
    "learned_rates": Way(learned_rates=True),
    "steps5": Way(steps=5),
    "pretrained": Way(steps=0),
    "told": Way(steps=0),
}
"""By recipe. Who is told the task, the oracle of the paper, is given amplitude and phase beside x."""
INNER_LR = {"sinusoids": 0.01, "letters": 0.1}
"""Of a step inside a task, by world."""
PRETRAINED_INNER_LR = {"sinusoids": 0.003, "letters": 0.3}
"""The same from a start that knows of no such step: of .001, .003, .01 ... the one that left the least error
after 1 to 10 steps, on tasks like those of the training, with another seed than any here."""


def told(family: FunctionFamily) -> Draw:
    """Tasks that give themselves away: the function's parameters stand beside every x, inputs [x, P].

    Args:
        family: where the functions come from.
    """

    def draw(tasks: int, shots: int, queries: int, rng: np.random.Generator) -> FewShotTasks:
        functions = family.sample(rng, tasks)
        drawn = few_shot.function_tasks(replace(family, sample=lambda _, n: functions))(
            tasks, shots, queries, rng
        )
        known = torch.tensor(functions, dtype=torch.float32)[:, None]  # [M, 1, P]

        def beside(x: torch.Tensor) -> torch.Tensor:
            return torch.cat([x, known.expand(-1, x.shape[1], -1)], dim=-1)

        return replace(drawn, train_x=beside(drawn.train_x), test_x=beside(drawn.test_x))

    return draw


def task_world(world: str, recipe: str) -> TaskWorld:
    """The tasks of a recipe: sinusoids, or printed letters with the handwritten digits 6 to 9 for a test."""
    chosen = tasks_of.task_world(
        world, "set", np.random.default_rng(0)
    )  # all functions or letters: no choice
    chosen = replace(chosen, config=CONFIGS[world])
    if recipe != "told":
        return chosen
    tasks = told(SINUSOIDS)
    return replace(chosen, training=tasks, test=tasks, input_size=3)


def learner_of(world: str, recipe: str) -> maml.GradientLearner:
    """A new learner."""
    chosen, way = task_world(world, recipe), WAYS[recipe]
    kind = maml.GradientLearner if world == "sinusoids" else maml.GradientClassifier
    net = mlp([chosen.input_size, HIDDEN, HIDDEN, chosen.output_size], activation=nn.ReLU)
    inner_lr = (PRETRAINED_INNER_LR if recipe == "pretrained" else INNER_LR)[world]
    return kind(net, inner_lr, way.steps, first_order=way.first_order, learned_rates=way.learned_rates)


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """Tasks, learner and test of a recipe, ready for `training.train_and_store`."""
    return tasks_of.training_of(task_world(world, recipe), learner_of(world, recipe), seed, rng)


IDEA = Idea(
    name="maml",
    recipes={
        "sinusoids": ("maml", "first_order", "learned_rates", "pretrained", "told"),
        "letters": ("maml", "first_order", "learned_rates", "pretrained", "steps5"),
    },
    prepare=prepare,
)
"""Starts of gradient descent, for `course train`."""
