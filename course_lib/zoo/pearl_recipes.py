"""How the zoo's policies that infer their task were trained: `course train pearl` runs these."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from course_lib.core.latent_policy import Exploration, LatentPolicy, posterior_sampling
from course_lib.core.task_family import Params
from course_lib.envs import direction, half_cheetah_tasks, navigation
from course_lib.meta import pearl
from course_lib.zoo.training import Idea, Training, names_of, score_of

TEST_TASKS = 2**31
"""Seed of the tasks behind a card; no training draws from it."""
EVALUATION_TASKS = 200
"""Tasks behind the returns on a card."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One family of tasks, one way to infer them."""

    family: Any
    """Where tasks come from; has `sample` and `make_vec`."""
    config: pearl.PEARLConfig
    """Settings of the training."""
    iterations: int
    """How many times tasks are visited and learned from."""
    training_tasks: int
    """How many tasks there are in training."""
    simulations: int
    """How many of them are visited in an iteration."""
    test_episodes: int = 6
    """Episodes of a task in a test."""
    curve_tasks: int = 0
    """Tasks behind each point of the learning curve on a card; 0 for none."""
    test_family: Any = None
    """Where the tasks of a test come from, if not from `family`."""
    seen_reward: Callable[[Tensor], Tensor] = lambda reward: reward
    """From the rewards of the training to those that the encoder is shown."""


def _direction(**changes: Any) -> Recipe:
    config = pearl.PEARLConfig(latent=3, context=40, horizon=direction.HORIZON)
    return Recipe(
        family=direction.family(),
        config=replace(config, **changes),
        iterations=30,
        training_tasks=30,
        simulations=30,
    )


def _half_cheetah(**changes: Any) -> Recipe:
    config = pearl.PEARLConfig(
        latent=5,
        horizon=100,
        context_episodes=2,
        context=100,
        meta_batch=10,
        batch_size=64,
        updates=200,
        gamma=0.97,
        temperature=0.05,
        hidden=(128, 128),
    )
    return Recipe(
        family=half_cheetah_tasks.velocity_family(horizon=100),
        config=replace(config, **changes),
        iterations=100,
        training_tasks=50,
        simulations=10,
        test_episodes=3,
        curve_tasks=20,
    )


def _half_circle(**changes: Any) -> Recipe:
    config = pearl.PEARLConfig(
        latent=5,
        horizon=navigation.HORIZON,
        episodes=4,
        warm_up=80,
        context_episodes=80,
        context=256,
        kl_weight=0.01,
        learning_rate=2e-3,
    )
    return Recipe(
        family=navigation.half_circle_family(None),
        test_family=navigation.half_circle_family(),
        seen_reward=navigation.sparse_from_distance,
        config=replace(config, **changes),
        iterations=150,
        training_tasks=100,
        simulations=50,
        test_episodes=20,
    )


def _navigation(tasks: int = 256, **changes: Any) -> Recipe:
    config = pearl.PEARLConfig(
        latent=5,
        horizon=navigation.HORIZON,
        warm_up=20,
        context_episodes=20,
        context=100,
        gamma=0.95,
        temperature=0.02,
        learning_rate=3e-3,
    )
    return Recipe(
        family=navigation.family(),
        config=replace(config, **changes),
        iterations=50,
        training_tasks=tasks,
        simulations=min(tasks, 64),
        test_episodes=3,
        curve_tasks=128 if tasks == 256 else 0,
    )


WORLDS: dict[str, dict[str, Recipe]] = {
    "direction": {
        "pearl": _direction(),
        "deterministic": _direction(stochastic=False),
        **{f"kl{price:g}": _direction(kl_weight=price) for price in (0.0, 0.1, 0.5, 2.0)},
    },
    "half_circle": {"pearl": _half_circle(), "deterministic": _half_circle(stochastic=False)},
    "half_cheetah_velocity": {"pearl": _half_cheetah()},
    "navigation": {"pearl": _navigation(), **{f"tasks{k}": _navigation(k) for k in (4, 16, 64)}},
}
"""Recipes by the name of their world. Deterministic: z is the mean of what is believed. kl0.5: a nat of
information costs as much. tasks4: trained on four tasks only."""


def make_env(recipe: Recipe, n: int, family: Any = None) -> VectorEnv:
    """The recipe's world, or one of another family: n simulations that wait at an episode's end, untold."""
    return (family or recipe.family).make_vec(n, autoreset_mode="Disabled", context_observed=False)


def policy_of(recipe: Recipe) -> LatentPolicy:
    """An untrained policy of the size that the recipe's world asks for."""
    return pearl.agent_for(make_env(recipe, 1), recipe.config).actor


def explored(
    recipe: Recipe,
    policy: LatentPolicy,
    tasks: Params,
    count: int,
    rng: np.random.Generator,
    *,
    episodes: int | None = None,
    greedy: bool = False,
) -> Exploration:
    """Lets a policy find out about some tasks by posterior sampling.

    Args:
        recipe: whose world and settings.
        policy: with its encoder.
        tasks: parameters of the tasks.
        count: how many there are.
        rng: seeds the starts; what is drawn of z hangs on torch's generator.
        episodes: other than the recipe's.
        greedy: whether it takes its most likely actions on each z, instead of random ones as in training.
    """
    env = make_env(recipe, count, recipe.test_family)
    env.set_params(tasks)
    try:
        return posterior_sampling(
            policy,
            env,
            episodes or recipe.test_episodes,
            recipe.config.horizon,
            rng,
            stochastic=recipe.config.stochastic,
            greedy=greedy,
        )
    finally:
        env.close()


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """World, agent and test of a recipe, ready for `training.train_and_store`."""
    what = WORLDS[world][recipe]
    env = make_env(what, what.simulations)
    agent, tasks = pearl.agent_for(env, what.config), what.family.sample(rng, what.training_tasks)

    def records(first: int) -> Iterator[dict[str, float]]:
        return pearl.train(
            agent,
            env,
            tasks,
            what.training_tasks,
            what.config,
            what.iterations,
            rng,
            seen_reward=what.seen_reward,
        )

    def tested(count: int) -> Tensor:
        new = (what.test_family or what.family).sample(np.random.default_rng((TEST_TASKS, seed)), count)
        with torch.random.fork_rng():  # a test does not change what is trained after it
            torch.manual_seed(seed)
            return explored(what, agent.actor, new, count, np.random.default_rng(seed)).returns

    def score() -> dict[str, Any]:
        returns = tested(EVALUATION_TASKS)
        return {
            **score_of(returns[-1].double().numpy(), seed),
            "return_by_episode": [round(float(value), 2) for value in returns.mean(1)],
            "evaluated_on": f"{EVALUATION_TASKS} new tasks, {what.test_episodes} episodes of each",
        }

    return Training(
        policy=agent.actor,
        records=records,
        iterations=what.iterations,
        score=score,
        curve=(lambda record: float(tested(what.curve_tasks)[-1].mean())) if what.curve_tasks else None,
    )


IDEA = Idea(name="pearl", recipes=names_of(WORLDS), prepare=prepare, resumes=False)
"""PEARL, for `course train`: runs of minutes, which need no checkpoint."""
