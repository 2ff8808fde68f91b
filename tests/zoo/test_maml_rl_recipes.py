"""The recipes of MAML for RL: each leaves a policy that adapts, with the rates that its name says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.meta import estimators
from course_lib.meta.maml_rl import AdaptivePolicy
from course_lib.zoo import maml_rl_recipes as recipes
from course_lib.zoo import store, training

SMALL = {"tasks": 2, "trajectories": 3, "horizon": 5, "epochs": 1, "hidden": (8,)}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "EVALUATION_TASKS", 3)
    for world, by_name in recipes.WORLDS.items():
        tiny = {
            name: replace(recipe, iterations=1, config=replace(recipe.config, **SMALL))
            for name, recipe in by_name.items()
        }
        monkeypatch.setitem(recipes.WORLDS, world, tiny)


def test_every_recipe_leaves_a_policy_that_adapts(small, tmp_path):
    for world, by_name in recipes.WORLDS.items():
        for name, recipe in by_name.items():
            stem = training.train_and_store(recipes.IDEA, world, name, 0, tmp_path)
            agent, card = store.policy_from(stem), store.read_card(stem)
            assert isinstance(agent, AdaptivePolicy), name
            assert card["evaluated_on"] == "3 draws of a task, a step on 3 episodes"
            rates = torch.cat([rate.flatten() for rate in agent.rates.parameters()])
            if world != "half_circle":  # in one iteration no reward is met there, and so no step is taken
                assert (rates == rates[0]).all() != recipe.config.learned_rates
            tasks = recipe.family.sample(np.random.default_rng(0), 2)
            happened = recipes.adapted_to(recipe, agent, tasks, 2, 2, np.random.default_rng(0))
            assert happened.returns.shape == (3, 2)
            assert happened.experience[0].data.obs.shape[:2] == (5, 6)


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_a_policy_is_not_told_its_task(world):
    recipe = next(iter(recipes.WORLDS[world].values()))
    env, told = recipes.make_env(recipe, 1), recipe.family.make_vec(1)
    assert env.single_observation_space.shape[0] < told.single_observation_space.shape[0]


def test_another_rate_takes_the_place_of_all(small):
    recipe = recipes.WORLDS["navigation"]["learned_rates"]
    torch.manual_seed(0)
    agent = recipes.agent_of(recipe)
    tasks = recipe.family.sample(np.random.default_rng(0), 2)
    moved = []
    for rate in (0.1, 0.2):
        torch.manual_seed(1)
        happened = recipes.adapted_to(recipe, agent, tasks, 2, 1, np.random.default_rng(0), rate=(rate, 1.0))
        before, after = happened.parameters
        moved.append(after["log_std"] - before["log_std"])
    assert moved[0].abs().max() > 0
    torch.testing.assert_close(2 * moved[0], moved[1], atol=1e-6, rtol=1e-4)


def test_training_and_tests_use_the_recipes_inner_objective_and_its_later_steps(small, monkeypatch):
    recipe, given = recipes.WORLDS["navigation"]["dice"], []

    def noted(*_, **named):
        given.append((named.get("surrogate"), named.get("later_rate")))

    monkeypatch.setattr(recipes.maml_rl, "adapt", noted)
    monkeypatch.setattr(recipes.maml_rl, "train", noted)
    rng = np.random.default_rng(0)
    recipes.adapted_to(recipe, recipes.agent_of(recipe), recipe.family.sample(rng, 2), 2, 1, rng)
    recipes.prepare("navigation", "dice", 0, rng).records(1)
    assert given == [(estimators.dice_advantage, 0.05), (estimators.dice_advantage, None)]
