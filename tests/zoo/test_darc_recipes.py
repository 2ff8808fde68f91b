"""DARC's recipes: each trains where it says, and the rivals see what DARC sees, no more."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.core.networks import SquashedGaussianPolicy
from course_lib.zoo import darc_recipes as recipes
from course_lib.zoo import store, training


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "EVALUATION_EPISODES", 4)
    for world, config in recipes.CONFIGS.items():
        inside = replace(config.policy_optimization, steps=5, updates=2, random_steps=100, batch_size=16)
        tiny = replace(config, iterations=3, warmup_iterations=1, target_every=2, target_steps=6)
        monkeypatch.setitem(recipes.CONFIGS, world, replace(tiny, policy_optimization=inside))


def _card(recipe, folder, world="point", seed=0):
    return store.read_card(training.train_and_store(recipes.IDEA, world, recipe, seed, folder))


@pytest.mark.parametrize("recipe", recipes.RECIPES)
@pytest.mark.parametrize("world", recipes.WORLDS)
def test_every_recipe_leaves_a_policy_and_its_score_in_both_domains(small, tmp_path, world, recipe):
    stem = training.train_and_store(recipes.IDEA, world, recipe, 0, tmp_path)
    assert isinstance(store.policy_from(stem), SquashedGaussianPolicy)
    card = store.read_card(stem)
    assert card["return_mean"] < 0 and card["return_mean_in_source"] < 0
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]


def test_who_sees_how_much_of_the_target(small, monkeypatch, tmp_path):
    """Visits in iterations 1 and 3, of 6 steps of 4 simulations: no episode of 30 ends in them."""
    monkeypatch.setattr(recipes, "TARGET_SIMULATIONS", 4)
    seen = {recipe: _card(recipe, tmp_path)["target_steps"] for recipe in recipes.RECIPES}
    assert seen["darc"] == seen["importance"] == 2 * 6 * 4
    assert seen["target_few"] == seen["darc"] + 4  # SAC begins with a random step
    assert seen["source"] == 0 and seen["target"] > seen["darc"]


def test_the_pair_differs_in_the_target_alone():
    for world in recipes.WORLDS:
        source, target = (env.params.array(2)[0] for env in recipes.pair(world, 2))
        names = recipes.WORLDS[world]().params_type.names()
        differing = [name for name, a, b in zip(names, source, target, strict=True) if a != b]
        assert differing == list(recipes.TARGETS[world])
        np.testing.assert_array_equal(source, recipes.WORLDS[world]().means.array(1)[0])


def test_the_same_seed_gives_the_same_weights(small, tmp_path):
    digests = [
        _card(recipe, tmp_path / folder, seed=seed)["sha256"]
        for recipe, seed, folder in (("darc", 0, "a"), ("darc", 0, "b"), ("darc", 1, "c"), ("source", 0, "d"))
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
