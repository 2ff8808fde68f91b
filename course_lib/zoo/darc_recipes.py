"""How DARC's weights in the zoo were trained, and its rivals': `course train darc` runs these recipes.

Each world is a pair: the source as built, and a target in which one motor turns the wrong way. All recipes
make as many updates; they differ in where their transitions come from, and in what is made of them.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from course_lib.agents import sac
from course_lib.core.rollout import evaluate
from course_lib.envs import arm, point
from course_lib.transfer import darc
from course_lib.zoo.training import Idea, Training, score_of

WORLDS = {"point": point.family, "arm": arm.family}
"""Families by the name of their world; the source is the world as built."""

TARGETS = {"point": {"first_motor": -1.0}, "arm": {"first_motor": -1.0}}
"""What is different in the target."""

RECIPES = ("source", "target_few", "importance", "darc", "target")
"""Trained in the source alone; on as few target transitions as DARC sees, alone; in the source, with
importance weights; in the source, with DARC's correction; in the target, with no limit on transitions."""

SIMULATIONS = 16
"""Episodes at a time in training."""

TARGET_SIMULATIONS = 1
"""Episodes at a time where DARC visits the target, of which little is to be seen."""

EVALUATION_EPISODES = 128
"""Episodes behind the returns on a card."""

CONFIGS = {
    "point": darc.DARCConfig(
        policy_optimization=sac.SACConfig(
            gamma=0.95, temperature=0.3, learn_temperature=False, steps=30, updates=25
        )
    ),
    "arm": darc.DARCConfig(
        target_steps=50,
        policy_optimization=sac.SACConfig(
            gamma=0.95, temperature=0.3, learn_temperature=False, steps=50, updates=50
        ),
    ),
}
"""Settings by world; the rivals take what concerns them."""


def pair(world: str, n: int, **options: Any) -> tuple[VectorEnv, VectorEnv]:
    """Source and target of a world, n simulations each; options as the world takes them."""
    family = WORLDS[world]()
    return family.make_vec(n, **options), family.make_vec(n, **TARGETS[world], **options)


def few(config: darc.DARCConfig) -> tuple[sac.SACConfig, int]:
    """Settings and iterations of an agent that sees the target when DARC does, and learns as much between."""
    inside = config.policy_optimization
    visits = -(-config.iterations // config.target_every)
    updates = inside.updates * config.target_every
    return replace(inside, steps=config.target_steps, updates=updates, random_steps=1), visits


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """Worlds, agent and test of a recipe, ready for `training.train_and_store`."""
    config = CONFIGS[world]
    inside, iterations = config.policy_optimization, config.iterations
    (source, target), (_, visited) = pair(world, SIMULATIONS), pair(world, TARGET_SIMULATIONS)
    if recipe == "target_few":
        (inside, iterations), target = few(config), visited
    sizes = source.single_observation_space.shape[0], source.single_action_space.shape[0]
    agent = sac.Agent(*sizes, inside)
    last: dict[str, float] = {}

    def train() -> Iterator[dict[str, float]]:
        if recipe in ("darc", "importance"):
            use = darc.corrected if recipe == "darc" else darc.importance_weighted
            classifiers = darc.DomainClassifiers(*sizes, config)
            return darc.train(agent, classifiers, source, visited, config, rng, use=use)
        return sac.train(agent, source if recipe == "source" else target, inside, iterations, rng)

    def records(first: int) -> Iterator[dict[str, float]]:
        for record in train():
            last.update(record)
            yield record

    def score() -> dict[str, Any]:
        tests = pair(world, EVALUATION_EPISODES, autoreset_mode=AutoresetMode.DISABLED)
        in_source, in_target = (
            evaluate(test, agent.policy.act, steps=test.max_episode_steps, seed=10_000 + seed)
            for test in tests
        )
        seen = last.get("target_steps", 0.0 if recipe == "source" else last["steps"])
        return {
            **score_of(in_target, seed),
            "return_mean_in_source": round(float(in_source.mean()), 1),
            "target_steps": int(seen),
            "evaluated_on": f"{EVALUATION_EPISODES} episodes in the target",
        }

    return Training(policy=agent.policy, records=records, iterations=iterations, score=score)


IDEA = Idea(name="darc", worlds=tuple(WORLDS), recipes=RECIPES, prepare=prepare, resumes=False)
"""DARC, for `course train`: its memory of transitions is too large for a checkpoint."""
