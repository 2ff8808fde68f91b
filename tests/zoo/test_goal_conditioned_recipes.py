"""Recipes of goals: each leaves a policy with critics and its success curve; they differ in goals only."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.agents import sac
from course_lib.core.networks import ActorCritic
from course_lib.multitask import goal_conditioned
from course_lib.zoo import goal_conditioned_recipes as recipes
from course_lib.zoo import store, training


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "TEST_EPISODES", 4)
    monkeypatch.setattr(recipes, "TEST_EVERY", 2)
    monkeypatch.setattr(recipes, "EARLY", 3)
    monkeypatch.setattr(recipes, "EVALUATION_EPISODES", 6)
    for name, world in recipes.WORLDS.items():
        config = replace(world.config, iterations=4, updates=2, batch_size=8)
        monkeypatch.setitem(recipes.WORLDS, name, replace(world, config=config))


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_a_training_leaves_a_policy_that_values_and_its_curve(small, tmp_path, world):
    stem = training.train_and_store(recipes.IDEA, world, "future", 0, tmp_path)
    policy, card = store.policy_from(stem), store.read_card(stem)
    assert isinstance(policy, ActorCritic)
    env = recipes.WORLDS[world].family.make_vec(3, autoreset_mode="Disabled")
    obs, _ = env.reset(seed=0)
    assert np.isfinite(policy.value(obs)).all()
    (first, _), (second, share) = card["success_curve"]
    assert 0 < first < second == card["steps"] and 0 <= share <= 1
    # A return is minus the steps before the one that reaches.
    assert 0 <= card["success"] <= 1
    assert -50 + card["success"] - 0.01 <= card["return_mean"] <= -50 * (1 - card["success"]) + 0.01


def test_recipes_differ_in_the_strategy_alone(small, monkeypatch, tmp_path):
    seen, updates = {}, {}
    real_train, real_update = goal_conditioned.train, sac.update

    def train(agent, update, env, family, config, rng):
        seen.setdefault(config.strategy, set()).add(replace(config, strategy="none"))
        return real_train(agent, update, env, family, config, rng)

    def update(agent, batch, config, td_target):
        updates[recipe] = updates.get(recipe, 0) + 1
        return real_update(agent, batch, config, td_target)

    monkeypatch.setattr(goal_conditioned, "train", train)
    monkeypatch.setattr(sac, "update", update)
    for recipe in recipes.RECIPES:
        training.train_and_store(recipes.IDEA, "rooms", recipe, 0, tmp_path)
    assert set(seen) == set(goal_conditioned.STRATEGIES)
    assert len(set.union(*seen.values())) == 2  # the early ones have fewer iterations, and nothing else
    assert {recipe: n for recipe, n in updates.items() if n != 8} == {"none_early": 6, "future_early": 6}
