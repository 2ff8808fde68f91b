"""How the zoo's policies that act on a belief were trained: `course train varibad` runs these."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from gymnasium.vector import VectorEnv
from torch import nn

from course_lib.core.belief_policy import BeliefPolicy, PlaceRewards, StateRewards
from course_lib.core.task_family import training_draw
from course_lib.core.trials import TrialCollector, Trials
from course_lib.envs import grid_navi, navigation
from course_lib.meta import rl2, varibad
from course_lib.zoo.training import Idea, Training, names_of, score_of

TEST_TASKS = 2**31
"""Seed of the tasks behind a card, the same as those of RL2; no training draws from it."""

EVALUATION_TRIALS = 2048
"""Trials behind the returns on a card."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One family of tasks, one decoder, one training."""

    family: Any
    """Where tasks come from; has `sample` and `make_vec`."""
    make_decoder: Callable[[int, int], nn.Module]
    """From Z and a number of hidden units to what is decoded from z."""
    config: varibad.VariBADConfig = field(default_factory=varibad.VariBADConfig)
    """Settings of the training."""
    iterations: int = 900
    """How many times trials are collected and learned from."""
    simulations: int = 256
    """Trials at a time."""
    training_tasks: int | None = None
    """How many tasks there are in training; None for new ones all the time."""


POLICY = rl2.RL2Config(
    episodes=3, gamma=0.97, gae_lambda=0.9, learning_rate=3e-3, entropy_bonus=0.05, minibatches=4
)
"""The policy learns as RL2's does on the same world."""


def _navigation(**changes: Any) -> Recipe:
    config = varibad.VariBADConfig(
        policy=replace(POLICY, gamma=0.95, entropy_bonus=0.01), kl_weight=0.1, hidden=64
    )
    return Recipe(
        family=navigation.family(),
        make_decoder=lambda latent, hidden: StateRewards(latent, 2, hidden),
        config=config,
        **{"iterations": 150, **changes},
    )


WORLDS: dict[str, dict[str, Recipe]] = {
    "grid_navi": {
        "varibad": Recipe(
            family=grid_navi.family(),
            make_decoder=lambda latent, hidden: PlaceRewards(latent, grid_navi.SIDE**2, hidden),
            config=varibad.VariBADConfig(policy=POLICY),
        )
    },
    "navigation": {
        "varibad": _navigation(),
        **{f"tasks{k}": _navigation(training_tasks=k) for k in (4, 16, 64)},
    },
}
"""Recipes by the name of their world. tasks4: trained on four tasks only."""


def make_env(recipe: Recipe, n: int) -> VectorEnv:
    """The recipe's world for trials: n simulations that wait at an episode's end, the task withheld."""
    return recipe.family.make_vec(n, autoreset_mode="Disabled", context_observed=False)


def policy_of(recipe: Recipe) -> BeliefPolicy:
    """An untrained policy of the size that the recipe's world asks for."""
    return varibad.policy_for(make_env(recipe, 1), recipe.make_decoder, recipe.config)


def trials_of(recipe: Recipe, policy: BeliefPolicy, n: int, seed: int) -> Trials:
    """Trials of tasks drawn anew, the same for every policy of the recipe's family.

    Args:
        recipe: whose world it is.
        policy: what is tested.
        n: trials.
        seed: of the tasks.
    """
    draw = partial(recipe.family.sample, np.random.default_rng(TEST_TASKS + seed))
    collector = TrialCollector(make_env(recipe, n), draw, recipe.config.policy.episodes, seed)
    return collector.collect(policy)


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """Worlds, agent and test of a recipe, ready for `training.train_and_store`."""
    what = WORLDS[world][recipe]
    env, agent = make_env(what, what.simulations), varibad.Agent(policy_of(what), what.config)

    def records(first: int) -> Iterator[dict[str, float]]:
        return varibad.train(
            agent,
            env,
            training_draw(what.family, what.training_tasks, rng),
            what.config,
            what.iterations,
            rng,
        )

    def score() -> dict[str, Any]:
        tested = trials_of(what, agent.policy, EVALUATION_TRIALS, seed)
        return {
            **score_of(tested.returns.double().numpy(), seed),
            "return_by_episode": [round(float(value), 2) for value in tested.episode_returns.mean(1)],
            "evaluated_on": f"{EVALUATION_TRIALS} new tasks, {what.config.policy.episodes} episodes of each",
        }

    curve = None if what.training_tasks else lambda record: record["return_last"]
    return Training(
        policy=agent.policy, records=records, iterations=what.iterations, score=score, curve=curve
    )


IDEA = Idea(name="varibad", recipes=names_of(WORLDS), prepare=prepare, resumes=False)
"""Meta-RL on a belief, for `course train`: runs of minutes, which need no checkpoint."""
