"""How the zoo's policies to adapt were trained: `course train maml_rl` runs these."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from course_lib.core.task_family import Params, TaskFamily, set_tasks, training_draw
from course_lib.envs import half_cheetah_tasks, navigation
from course_lib.meta import estimators, maml_rl
from course_lib.zoo.training import Idea, Training, names_of, score_of

TEST_TASKS = 2**31
"""Seed of the tasks behind a card; no training draws from it."""
EVALUATION_TASKS = 100
"""Tasks behind the returns on a card."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One family of tasks, one way to prepare for it."""

    family: Any
    """Where tasks come from; has `sample` and `make_vec`."""
    config: maml_rl.MAMLRLConfig
    """Settings of the training."""
    iterations: int
    """How many times policies are adapted, and their start is improved."""
    surrogate: Callable[[Tensor, Tensor], Tensor] = estimators.likelihood_ratio
    """Inner objective."""
    seen_reward: Callable[[Tensor], Tensor] = lambda reward: reward
    """From the rewards of the training to those that the inner steps follow."""
    training_tasks: int | None = None
    """How many tasks there are in training; None for new ones all the time."""
    later_rate: float = 0.1
    """In a test, factor of the rates after the steps of the training."""


def _navigation(surrogate: Callable[..., Tensor] = estimators.likelihood_ratio, **changes: Any) -> Recipe:
    config = maml_rl.MAMLRLConfig(
        tasks=20, trajectories=20, horizon=navigation.HORIZON, learning_rate=3e-3, epochs=3, inner_lr=0.5
    )
    return Recipe(
        family=navigation.family(),
        config=replace(config, **changes),
        iterations=150,
        surrogate=surrogate,
        later_rate=0.1 if changes.get("learned_rates") else 0.05,
    )


def _half_cheetah(family: TaskFamily, **changes: Any) -> Recipe:
    config = maml_rl.MAMLRLConfig(tasks=10, trajectories=20, horizon=100, gae_lambda=0.97, inner_lr=0.1)
    return Recipe(family=family, config=replace(config, **changes), iterations=300)


LEARNED = _navigation(inner_lr=0.1, learned_rates=True)
"""Navigation with a learned rate for every parameter."""

WORLDS: dict[str, dict[str, Recipe]] = {
    "navigation": {
        "maml": _navigation(),
        "learned_rates": LEARNED,
        **{f"tasks{k}": replace(LEARNED, training_tasks=k) for k in (4, 16, 64)},
        "first_order": _navigation(first_order=True),
        "score_function": _navigation(estimators.score_function),
        # At the rate of the others its noise throws it off the plane.
        "dice": _navigation(estimators.dice_advantage, learning_rate=1e-3),
        "pretrained": _navigation(inner_steps=0),
    },
    "half_circle": {
        "learned_rates": replace(
            _navigation(inner_lr=0.1, learned_rates=True),
            family=navigation.half_circle_family(None),
            seen_reward=navigation.sparse_from_distance,
        ),
    },
    "half_cheetah_direction": {
        "learned_rates": _half_cheetah(half_cheetah_tasks.direction_family(), learned_rates=True),
        "pretrained": _half_cheetah(half_cheetah_tasks.direction_family(), inner_steps=0),
    },
    "half_cheetah_velocity": {
        "learned_rates": _half_cheetah(half_cheetah_tasks.velocity_family(), learned_rates=True),
    },
}
"""Recipes by the name of their world. Pretrained: one policy for all tasks, with no thought of
adapting. tasks4: learned rates, trained on four tasks only."""


def make_env(recipe: Recipe, n: int) -> VectorEnv:
    """The recipe's world: n simulations that wait at an episode's end, the task withheld."""
    return recipe.family.make_vec(n, autoreset_mode="Disabled", context_observed=False)


def agent_of(recipe: Recipe) -> maml_rl.AdaptivePolicy:
    """An untrained policy of the size that the recipe's world asks for."""
    return maml_rl.agent_for(make_env(recipe, 1), recipe.config)


def adapted_to(
    recipe: Recipe,
    agent: maml_rl.AdaptivePolicy,
    tasks: Params,
    count: int,
    steps: int,
    rng: np.random.Generator,
    *,
    rate: tuple[float, float] | None = None,
) -> maml_rl.Adaptation:
    """Adapts a policy to some tasks, with as many episodes before each step as in training.

    Args:
        recipe: whose world and settings.
        agent: where adaptation starts.
        tasks: parameters of the tasks.
        count: how many there are.
        steps: of gradient.
        rng: seeds the starts.
        rate: one for all parameters, and a factor of it after the first step, instead of the agent's own.
    """
    env, later_rate = make_env(recipe, count * recipe.config.trajectories), recipe.later_rate
    if rate is not None:
        inner_lr, later_rate = rate
        agent = maml_rl.AdaptivePolicy(agent.policy, inner_lr)
    set_tasks(env, tasks, count)
    try:
        return maml_rl.adapt(
            agent,
            env,
            count,
            recipe.config,
            rng,
            steps=steps,
            later_rate=later_rate,
            seen_reward=recipe.seen_reward,
            surrogate=recipe.surrogate,
        )
    finally:
        env.close()


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """World, policy and test of a recipe, ready for `training.train_and_store`."""
    what = WORLDS[world][recipe]
    env, agent = make_env(what, what.config.tasks * what.config.trajectories), agent_of(what)
    learned = [parameter for parameter in agent.parameters() if parameter.requires_grad]
    # The fused Adam is right only for contiguous parameters, which these are.
    optimizer = torch.optim.Adam(learned, lr=what.config.learning_rate, fused=True)

    def records(first: int) -> Iterator[dict[str, float]]:

        return maml_rl.train(
            agent,
            optimizer,
            env,
            training_draw(what.family, what.training_tasks, rng),
            what.config,
            what.iterations,
            rng,
            seen_reward=what.seen_reward,
            surrogate=what.surrogate,
        )

    def score() -> dict[str, Any]:
        tasks = what.family.sample(np.random.default_rng((TEST_TASKS, seed)), EVALUATION_TASKS)
        tested = adapted_to(what, agent, tasks, EVALUATION_TASKS, 1, np.random.default_rng(seed))
        returns = tested.returns  # [2, M]
        return {
            **score_of(returns[1].double().numpy(), seed),
            "return_by_step": [round(float(value), 2) for value in returns.mean(1)],
            "evaluated_on": f"{EVALUATION_TASKS} draws of a task, "
            f"a step on {what.config.trajectories} episodes",
        }

    return Training(
        policy=agent,
        records=records,
        iterations=what.iterations,
        score=score,
        curve=None if what.training_tasks else lambda record: record["return_mean"],
    )


IDEA = Idea(name="maml_rl", recipes=names_of(WORLDS), prepare=prepare, resumes=False)
"""MAML for RL, for `course train`: runs of minutes, which need no checkpoint."""
