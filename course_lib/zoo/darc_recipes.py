"""How DARC's weights in the zoo were trained, and its rivals': `course train darc` runs these recipes.

Each world is a pair, source and target. All recipes make as many updates; they differ in where their
transitions come from, and in what is made of them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from course_lib.agents import sac
from course_lib.core.rollout import evaluate
from course_lib.core.task_family import TaskFamily
from course_lib.envs import arm, point
from course_lib.transfer import darc
from course_lib.zoo.training import Idea, Training, score_of


@dataclass(frozen=True, kw_only=True)
class DomainPair:
    """Two parameter sets of one family of worlds, and the settings that DARC is trained with on them."""

    family: TaskFamily
    """Where both come from."""
    source: dict[str, float]
    """What differs from the family's means in the source."""
    target: dict[str, float]
    """The same in the target."""
    config: darc.DARCConfig
    """Settings; `target_every` comes with the recipe."""

    def make(self, n: int, **options: Any) -> tuple[VectorEnv, VectorEnv]:
        """Both worlds, n simulations each; options as the world takes them."""
        return tuple(
            self.family.make_vec(n, params=replace(self.family.means, **changes), **options)
            for changes in (self.source, self.target)
        )


POINT = darc.DARCConfig(
    target_steps=point.HORIZON,
    policy_optimization=sac.SACConfig(
        gamma=0.95,
        temperature=0.2,
        learn_temperature=False,
        random_steps=16 * point.HORIZON,
        steps=point.HORIZON,
        updates=25,
    ),
)
"""Settings of the point worlds."""

ARM = darc.DARCConfig(
    limit=20.0,
    target_steps=arm.HORIZON,
    policy_optimization=sac.SACConfig(
        gamma=0.95,
        temperature=0.1,
        learn_temperature=False,
        random_steps=16 * arm.HORIZON,
        steps=arm.HORIZON,
        updates=50,
    ),
)
"""Settings of the arm."""

WORLDS = {
    "point": DomainPair(
        family=point.family(), source={"first_motor": 1.0}, target={"first_motor": -1.0}, config=POINT
    ),
    "arm": DomainPair(
        family=arm.family(), source={"first_motor": 1.0}, target={"first_motor": -1.0}, config=ARM
    ),
    "point_dead": DomainPair(
        family=point.family(), source={"first_motor": 0.0}, target={"first_motor": 1.0}, config=POINT
    ),
}
"""Pairs by name. In the first two a motor of the target turns the wrong way. In the last it works only in
the target, which breaks DARC's assumption: that the source can do whatever the target can."""

EPISODES = (2, 5, 20)
"""Episodes of the target that are seen in all where few are; of 20 DARC sees 19, the nearest that divides
its iterations evenly."""

RECIPES = (
    "source",
    *(f"darc{n}" for n in EPISODES),
    "importance5",
    *(f"target{n}" for n in EPISODES),
    "target",
)
"""Trained in the source alone; in the source, with DARC's correction; in the source, with importance weights;
in the target alone, from a few episodes (the number of which ends the name), or from as many as it likes."""

SIMULATIONS = 16
"""Episodes at a time in training."""

EVALUATION_EPISODES = 128
"""Episodes behind the returns on a card."""


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """Worlds, agent and test of a recipe, ready for `training.train_and_store`."""
    pair = WORLDS[world]
    config, inside = pair.config, pair.config.policy_optimization
    (source, target), (_, visited) = pair.make(SIMULATIONS), pair.make(1)
    way, episodes = re.fullmatch(r"([a-z]+)(\d*)", recipe).groups()
    iterations = config.iterations
    sizes = source.single_observation_space.shape[0], source.single_action_space.shape[0]
    agent = sac.Agent(*sizes, inside)
    last: dict[str, float] = {}

    def train() -> Iterator[dict[str, float]]:
        if way in ("darc", "importance"):
            use = darc.corrected if way == "darc" else darc.importance_weighted
            settings = replace(config, target_every=-(-iterations // int(episodes)))
            classifiers = darc.DomainClassifiers(*sizes, settings)
            return darc.train(agent, classifiers, source, visited, settings, rng, use=use)
        if episodes:
            rounds = int(episodes) - 1  # the first episode is random
            updates = inside.updates * iterations // rounds
            settings = replace(inside, random_steps=config.target_steps, updates=updates)
            return sac.train(agent, visited, settings, rounds, rng)
        return sac.train(agent, source if way == "source" else target, inside, iterations, rng)

    def records(first: int) -> Iterator[dict[str, float]]:
        for record in train():
            last.update(record)
            yield record

    def score() -> dict[str, Any]:
        tests = pair.make(EVALUATION_EPISODES, autoreset_mode=AutoresetMode.DISABLED)
        in_source, in_target = (
            evaluate(test, agent.policy.act, steps=test.max_episode_steps, seed=10_000 + seed)
            for test in tests
        )
        seen = last.get("target_steps", 0.0 if way == "source" else last["steps"])
        return {
            **score_of(in_target, seed),
            "return_mean_in_source": round(float(in_source.mean()), 1),
            "target_steps": int(seen),
            "evaluated_on": f"{EVALUATION_EPISODES} episodes in the target",
        }

    rounds = int(episodes) - 1 if way == "target" and episodes else iterations
    return Training(policy=agent.policy, records=records, iterations=rounds, score=score)


IDEA = Idea(name="darc", recipes=dict.fromkeys(WORLDS, RECIPES), prepare=prepare, resumes=False)
"""DARC, for `course train`: its memory of transitions is too large for a checkpoint."""
