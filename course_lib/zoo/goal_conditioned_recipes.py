"""How goal-conditioned policies in the zoo were trained: `course train goal_conditioned` runs these recipes.

All recipes of a world but the early ones see as many episodes and make as many updates; they differ only in
which states of an episode become goals in hindsight.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from course_lib.agents import sac
from course_lib.core.networks import ActorCritic
from course_lib.core.rollout import evaluate
from course_lib.core.task_family import DrawnTasks, TaskFamily
from course_lib.envs import reacher, rooms
from course_lib.multitask import goal_conditioned
from course_lib.zoo.training import Idea, Training, score_of


@dataclass(frozen=True, kw_only=True)
class GoalWorld:
    """A world of goals, and the settings that it is learned with."""

    family: TaskFamily
    """Where goals are drawn from."""
    agent: sac.SACConfig
    """Settings of the agent."""
    config: goal_conditioned.GoalConfig
    """Settings of the goals; the strategy comes with the recipe."""


AGENT = sac.SACConfig(
    gamma=0.98, temperature=0.05, learn_temperature=False, polyak_rate=0.05, hidden=(64, 64, 64)
)
"""Settings of the agent in both worlds. The slow critics are less slow than usual: a target between
-1/(1-gamma) and 0 cannot run away."""

WORLDS = {
    "rooms": GoalWorld(
        family=rooms.family(),
        agent=AGENT,
        config=goal_conditioned.GoalConfig(horizon=rooms.HORIZON, iterations=300),
    ),
    "reacher": GoalWorld(
        family=reacher.family(),
        agent=replace(AGENT, hidden=(64, 64)),
        config=goal_conditioned.GoalConfig(horizon=reacher.HORIZON, iterations=100),
    ),
}
"""Goal worlds by name."""

EARLY = 25
"""Iterations after which the early recipes stop: 400 episodes."""

RECIPES = (*goal_conditioned.STRATEGIES, "none_early", "future_early")
"""One for each way to choose goals in hindsight, and one without hindsight; early: the same training, stopped
soon, where the ways differ most."""

SIMULATIONS = 16
"""Episodes an iteration."""

TEST_EVERY = 10
"""Iterations from one point of a success curve to the next."""

TEST_EPISODES = 128
"""Episodes behind a point of a success curve."""

EVALUATION_EPISODES = 512
"""Episodes behind the numbers on a card."""


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """World, agent and test of a recipe, ready for `training.train_and_store`."""
    chosen = WORLDS[world]
    strategy, _, early = recipe.partition("_")
    family, config = chosen.family, replace(chosen.config, strategy=strategy)
    if early:
        config = replace(config, iterations=EARLY)
    env, test = (
        family.make_vec(n, autoreset_mode=AutoresetMode.DISABLED) for n in (SIMULATIONS, TEST_EPISODES)
    )
    agent = sac.Agent(env.single_observation_space.shape[0], env.single_action_space.shape[0], chosen.agent)
    update = partial(sac.update, config=chosen.agent)
    curve: list[tuple[int, float]] = []

    def records(first: int) -> Iterator[dict[str, float]]:
        for record in goal_conditioned.train(agent, update, env, family, config, rng):
            if record["iteration"] % TEST_EVERY == 0:
                there = goal_conditioned.reached(agent.policy.act, test, family, config.horizon, 30_000)
                curve.append((int(record["steps"]), round(float(there.mean()), 4)))
            yield record

    def score() -> dict[str, Any]:
        tests = family.make_vec(EVALUATION_EPISODES, autoreset_mode=AutoresetMode.DISABLED)
        DrawnTasks(tests, family, np.random.default_rng(2**31))(np.ones(EVALUATION_EPISODES, dtype=bool))
        returns = evaluate(tests, agent.policy.act, config.horizon, seed=10_000 + seed)
        return {
            **score_of(returns, seed),
            "success": round(float((returns > -config.horizon).mean()), 4),
            "success_curve": curve,
            "evaluated_on": f"{EVALUATION_EPISODES} goals; success is the share that was reached",
        }

    return Training(
        policy=ActorCritic(agent.policy, agent.critics),
        records=records,
        iterations=config.iterations,
        score=score,
    )


IDEA = Idea(name="goal_conditioned", recipes=dict.fromkeys(WORLDS, RECIPES), prepare=prepare, resumes=False)
"""Goal-conditioned policies, for `course train`: the memory of episodes is too large for a checkpoint."""
