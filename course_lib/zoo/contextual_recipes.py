"""How the zoo's contextual policies were trained, and their rivals': `course train contextual` runs them.

All recipes of a world have the same samples to learn from; separate policies share them out among themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv

from course_lib.agents import ppo
from course_lib.core.rollout import episodes, evaluate
from course_lib.core.task_family import Choice, TaskFamily
from course_lib.envs import half_cheetah_tasks
from course_lib.multitask import contextual
from course_lib.zoo.training import Idea, Training, names_of, score_of

LOW, HIGH = 0.5, 2.5
"""Bounds of the velocities that are trained, m/s."""

POLICY_OPTIMIZATION = ppo.PPOConfig(gamma=0.97, learning_rate=1.5e-3, minibatch=1024, epochs=8, steps=32)
"""Settings of PPO in all recipes."""

ITERATIONS = {"half_cheetah_velocity": 100, "half_cheetah_direction": 40}
"""Iterations by world."""

SIMULATIONS = 128
"""Episodes at a time in training."""

EVALUATION_EPISODES = 128
"""Episodes behind the returns on a card."""

FORWARD_PAY = 10.0
"""How much more forwards is paid than backwards where tasks are unequal."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a policy is trained on, and what it is told."""

    family: TaskFamily
    """Where its tasks are drawn from."""
    told: bool = True
    """Whether it observes the context."""
    share: int = 1
    """It has one part in so many of the samples."""
    scale_rewards: bool = False
    """Whether each task's rewards are scaled by its own returns."""
    conflict: bool = False
    """Whether the tasks' gradients are compared during training."""


def commands(n: int) -> tuple[float, ...]:
    """Velocities to train, m/s: evenly spaced from the lowest to the highest, or the middle one alone."""
    return tuple(np.linspace(LOW, HIGH, n).tolist()) if n > 1 else ((LOW + HIGH) / 2,)


def _velocity(*values: float, **options: Any) -> Recipe:
    family = half_cheetah_tasks.velocity_family(LOW, HIGH)
    if values:
        family = replace(family, source={"target_velocity": Choice(values)})
    return Recipe(family=family, **options)


def _direction(*values: float, pay: float = 1.0, **options: Any) -> Recipe:
    family = half_cheetah_tasks.direction_family(pay)
    if values:
        family = replace(family, source={**family.source, "direction": Choice(values)})
    return Recipe(family=family, **options)


SEPARATE = 5
"""Among so many policies, one a velocity, the separate ones share the samples out."""

WORLDS: dict[str, dict[str, Recipe]] = {
    "half_cheetah_velocity": {
        "told": _velocity(),
        **{f"told{n}": _velocity(*commands(n), conflict=n == 5) for n in (2, 3, 5)},
        "withheld": _velocity(told=False),
        "single": _velocity(*commands(1), told=False),
        **{f"separate{v:g}": _velocity(v, told=False, share=SEPARATE) for v in commands(SEPARATE)},
    },
    "half_cheetah_direction": {
        "told": _direction(conflict=True),
        "withheld": _direction(told=False),
        "separate_backwards": _direction(-1.0, told=False, share=2),
        "separate_forwards": _direction(1.0, told=False, share=2),
        "unequal": _direction(pay=FORWARD_PAY),
        "unequal_scaled": _direction(pay=FORWARD_PAY, scale_rewards=True),
    },
}
"""Recipes by the name of their world. Told: one policy that observes the context, trained on all commands or
on the number of them that ends the name. Withheld: it does not observe it. Single, separate: one policy for
one task, which needs no telling. Unequal: one of two tasks is paid ten times as much."""

CONFLICT_AT = (0.05, 0.5, 1.0)
"""When the tasks' gradients are compared, in shares of a training."""

CONFLICT_EPISODES = 32
"""Episodes of each task behind each of the two gradients that are compared."""


def config_of(world: str, recipe: Recipe) -> contextual.ContextualConfig:
    """The settings of a recipe."""
    return contextual.ContextualConfig(
        iterations=ITERATIONS[world] // recipe.share,
        scale_rewards=recipe.scale_rewards,
        policy_optimization=POLICY_OPTIMIZATION,
    )


def make_env(recipe: Recipe, n: int, **options: Any) -> VectorEnv:
    """The recipe's world as its policy sees it, n simulations that do not reset by themselves."""
    return recipe.family.make_vec(n, autoreset_mode="Disabled", context_observed=recipe.told, **options)


def agent_of(recipe: Recipe) -> ppo.Agent:
    """An untrained agent of the size that the recipe's world asks for."""
    env = make_env(recipe, 1)
    return ppo.Agent(
        env.single_observation_space.shape[0], env.single_action_space.shape[0], POLICY_OPTIMIZATION
    )


def conflict(agent: ppo.Agent, recipe: Recipe, seed: int) -> torch.Tensor:
    """Cosines between the gradients of a recipe's tasks, [M, M], tasks in the order of their context.

    Draws from a torch generator of its own, so that a training goes on as if nobody had looked.

    Args:
        agent: with the weights that are asked about.
        recipe: of finitely many tasks.
        seed: of the two batches of episodes.
    """
    parameter, values = next(
        (name, d.values) for name, d in recipe.family.source.items() if isinstance(d, Choice)
    )
    params = replace(recipe.family.means, **{parameter: np.repeat(values, CONFLICT_EPISODES)})
    task = torch.arange(len(values)).repeat_interleave(CONFLICT_EPISODES)
    env = make_env(recipe, len(task), params=params)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        batches = [
            episodes(env, agent.policy, half_cheetah_tasks.HORIZON, seed=seed + 1000 * half)
            for half in (1, 2)
        ]
    gradients = (contextual.policy_gradients(agent, data, task, POLICY_OPTIMIZATION) for data in batches)
    return contextual.gradient_cosines(*gradients)


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """Worlds, agent and test of a recipe, ready for `training.train_and_store`."""
    what = WORLDS[world][recipe]
    config = config_of(world, what)
    env, agent = make_env(what, SIMULATIONS), agent_of(what)
    compared_at = {max(1, round(part * config.iterations)) for part in CONFLICT_AT if what.conflict}
    cosines: dict[int, list[list[float]]] = {}

    def records(first: int) -> Iterator[dict[str, float]]:
        for record in contextual.train(agent, env, what.family, config, rng):
            if record["iteration"] in compared_at:
                cosines[record["iteration"]] = conflict(agent, what, seed).double().numpy().round(3).tolist()
            yield record

    def score() -> dict[str, Any]:
        test = make_env(what, EVALUATION_EPISODES)
        test.set_params(what.family.sample(np.random.default_rng(2**31), EVALUATION_EPISODES))
        returns = evaluate(test, agent.policy.act, half_cheetah_tasks.HORIZON, seed=10_000 + seed)
        where = f"{len(returns)} episodes of {half_cheetah_tasks.HORIZON} steps on what it was trained on"
        measured = {"gradient_cosines_by_iteration": cosines} if cosines else {}
        return {**score_of(returns, seed), "evaluated_on": where, **measured}

    return Training(policy=agent.policy, records=records, iterations=config.iterations, score=score)


IDEA = Idea(name="contextual", recipes=names_of(WORLDS), prepare=prepare, resumes=False)
"""Contextual policies, for `course train`: runs of a minute, which need no checkpoint."""
