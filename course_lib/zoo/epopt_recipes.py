"""How EPOpt's weights in the zoo were trained: one recipe a name. `course train epopt` runs them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from course_lib.agents import ppo
from course_lib.core.rollout import evaluate
from course_lib.core.task_family import TaskFamily
from course_lib.envs import half_cheetah, hopper
from course_lib.transfer import epopt
from course_lib.zoo.training import Idea, Training, score_of

WORLDS: dict[str, Callable[[], TaskFamily]] = {"hopper": hopper.family, "half_cheetah": half_cheetah.family}
"""Task families by the name of their world."""

RECIPES = ("mass3", "mass6", "mass9", "eps1.0", "eps0.1")
"""Three policies for one torso mass (kg) each, plain randomization, and EPOpt."""

TRAJECTORIES = 128
"""Simulations, and so trajectories an iteration (the paper: 240)."""

EVALUATION_EPISODES = 128
"""Episodes behind the returns on a card."""

CONFIGS = {
    "hopper": epopt.EPOptConfig(
        iterations=260,
        warmup_iterations=180,
        horizon=250,
        policy_optimization=ppo.PPOConfig(
            gamma=0.995, learning_rate=5e-4, minibatch=256, epochs=10, steps=32
        ),
    ),
    "half_cheetah": epopt.EPOptConfig(
        iterations=100,
        warmup_iterations=70,
        horizon=200,
        policy_optimization=ppo.PPOConfig(gamma=0.99, learning_rate=1e-3, minibatch=1024, epochs=6, steps=64),
    ),
}
"""Settings by world; epsilon comes with the recipe."""

CVAR_ITERATIONS = {"hopper": 15, "half_cheetah": 20}
"""Iterations on the worst trajectories: fewer, since each runs whole trajectories and so more steps."""


def family_of(world: str, recipe: str) -> TaskFamily:
    """The worlds that a recipe trains in.

    Single-mass recipes hold the torso mass at their number and the other parameters at the
    mean of the source distribution.
    """
    family = WORLDS[world]()
    if not recipe.startswith("mass"):
        return family
    middle = {name: getattr(family.means, name) for name in family.source}
    return replace(family, source={**middle, "torso_mass": float(recipe.removeprefix("mass"))})


def config_of(world: str, recipe: str) -> epopt.EPOptConfig:
    """The settings of a recipe."""
    epsilon = 1.0 if recipe.startswith("mass") else float(recipe.removeprefix("eps"))
    config = replace(CONFIGS[world], epsilon=epsilon)
    if epsilon == 1.0:
        return config
    return replace(config, iterations=config.warmup_iterations + CVAR_ITERATIONS[world])


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """Worlds, agent and test of a recipe, ready for `training.train_and_store`."""
    family, config = family_of(world, recipe), config_of(world, recipe)
    env = family.make_vec(TRAJECTORIES, autoreset_mode=AutoresetMode.DISABLED)
    agent = ppo.Agent(
        env.single_observation_space.shape[0], env.single_action_space.shape[0], config.policy_optimization
    )

    def score() -> dict[str, Any]:
        test = family.make_vec(EVALUATION_EPISODES, autoreset_mode=AutoresetMode.DISABLED)
        test.set_params(family.sample(np.random.default_rng(2**31), EVALUATION_EPISODES))
        returns = evaluate(test, agent.policy.act, steps=1000, seed=10_000 + seed)
        where = f"{len(returns)} episodes of 1000 steps in worlds drawn from what it was trained on"
        return {**score_of(returns, seed), "evaluated_on": where}

    return Training(
        policy=agent.policy,
        records=lambda first: epopt.train(agent, env, family, config, rng, first_iteration=first),
        iterations=config.iterations,
        score=score,
        state={"agent": agent, "optimizer": agent.optimizer},
        settings=config,
    )


IDEA = Idea(name="epopt", recipes=dict.fromkeys(WORLDS, RECIPES), prepare=prepare)
"""EPOpt, for `course train`."""
