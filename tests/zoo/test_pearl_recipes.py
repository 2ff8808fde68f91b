"""The recipes of PEARL: each leaves a policy that infers its task, from what a test will show it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.core.latent_policy import LatentPolicy
from course_lib.envs import navigation
from course_lib.zoo import pearl_recipes as recipes
from course_lib.zoo import store, training

SMALL = {
    "horizon": 4,
    "warm_up": 1,
    "context": 5,
    "meta_batch": 2,
    "batch_size": 3,
    "updates": 1,
    "hidden": (8,),
}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "EVALUATION_TASKS", 3)
    for world, by_name in recipes.WORLDS.items():
        tiny = {
            name: replace(
                recipe,
                iterations=2,
                training_tasks=3,
                simulations=2,
                test_episodes=2,
                config=replace(recipe.config, **SMALL),
            )
            for name, recipe in by_name.items()
        }
        monkeypatch.setitem(recipes.WORLDS, world, tiny)


def test_every_recipe_leaves_a_policy_that_infers(small, tmp_path):
    for world, by_name in recipes.WORLDS.items():
        for name, recipe in by_name.items():
            stem = training.train_and_store(recipes.IDEA, world, name, 0, tmp_path)
            policy, card = store.policy_from(stem), store.read_card(stem)
            assert isinstance(policy, LatentPolicy), name
            assert policy.latent == recipe.config.latent
            assert card["evaluated_on"] == "3 new tasks, 2 episodes of each"
            assert len(card["return_by_episode"]) == 2
            assert ("curve" in card) == (recipe.curve_tasks > 0)
            tasks = (recipe.test_family or recipe.family).sample(np.random.default_rng(0), 2)
            torch.manual_seed(0)
            happened = recipes.explored(recipe, policy, tasks, 2, np.random.default_rng(0), episodes=3)
            assert happened.returns.shape == (3, 2)
            assert torch.equal(happened.z[0], happened.beliefs[0].mean) != recipe.config.stochastic


def test_a_learning_curve_does_not_change_what_is_learned(small, tmp_path, monkeypatch):
    world = "half_cheetah_velocity"
    with_curve = training.train_and_store(recipes.IDEA, world, "pearl", 0, tmp_path / "with")
    monkeypatch.setattr(training, "CURVE_POINTS", 1)
    without = training.train_and_store(recipes.IDEA, world, "pearl", 0, tmp_path / "without")
    assert len(store.read_card(with_curve)["curve"]) == 2 and len(store.read_card(without)["curve"]) == 1
    assert store.read_card(with_curve)["sha256"] == store.read_card(without)["sha256"]


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_a_policy_is_not_told_its_task(world):
    recipe = recipes.WORLDS[world]["pearl"]
    env, told = recipes.make_env(recipe, 1), recipe.family.make_vec(1)
    assert env.single_observation_space.shape[0] < told.single_observation_space.shape[0]


def test_on_the_half_circle_the_encoder_is_trained_on_what_a_test_pays():
    recipe = recipes.WORLDS["half_circle"]["pearl"]
    tasks = recipe.family.sample(np.random.default_rng(0), 50)
    dense, sparse = (recipes.make_env(recipe, 50, family) for family in (None, recipe.test_family))
    actions = tasks.array(50).astype(np.float32)  # straight towards the goal
    for env in (dense, sparse):
        env.set_params(tasks)
        env.reset(seed=0)
    paid = []
    for _ in range(navigation.HORIZON):
        distance, reward = dense.step(actions)[1], sparse.step(actions)[1]
        np.testing.assert_allclose(recipe.seen_reward(torch.as_tensor(distance)), reward, atol=1e-9)
        paid.append(reward)
    assert (np.max(paid, axis=0) > 0).all() and np.min(paid) == 0
