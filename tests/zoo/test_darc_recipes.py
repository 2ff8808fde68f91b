"""DARC's recipes: each trains where it says, and the rivals see what DARC sees, no more."""

from collections import Counter
from dataclasses import replace

import pytest

from course_lib.agents import sac
from course_lib.core.networks import SquashedGaussianPolicy
from course_lib.zoo import darc_recipes as recipes
from course_lib.zoo import store, training


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "EVALUATION_EPISODES", 4)
    for world, pair in recipes.WORLDS.items():
        inside = replace(pair.config.policy_optimization, steps=5, updates=2, random_steps=100, batch_size=16)
        tiny = replace(
            pair.config, iterations=20, warmup_iterations=1, target_steps=6, policy_optimization=inside
        )
        monkeypatch.setitem(recipes.WORLDS, world, replace(pair, config=tiny))


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
    """Five visits of 6 steps fill one episode of 30, so that none is lost to a reset."""
    seen = {recipe: _card(recipe, tmp_path)["target_steps"] for recipe in recipes.RECIPES}
    assert seen["darc2"] == 2 * 6
    assert seen["darc5"] == seen["importance5"] == 5 * 6
    assert seen["target2"] == 6 + 5  # a random episode, as the memory is filled, and one round
    assert seen["source"] == 0 and seen["target"] > seen["darc5"]


def test_all_make_as_many_updates(small, monkeypatch, tmp_path):
    made = Counter()
    real = sac.update

    def counted(agent, batch, config):
        made[recipe] += 1
        return real(agent, batch, config)

    monkeypatch.setattr(sac, "update", counted)
    for recipe in recipes.RECIPES:
        _card(recipe, tmp_path)
    assert made.pop("target20") == 19 * 2  # whole rounds only
    assert set(made.values()) == {20 * 2}, made


def test_the_pair_differs_in_one_motor_alone():
    for pair in recipes.WORLDS.values():
        source, target = (env.params.array(2)[0] for env in pair.make(2))
        names = pair.family.params_type.names()
        differing = [name for name, a, b in zip(names, source, target, strict=True) if a != b]
        assert differing == list(pair.source) == list(pair.target) == ["first_motor"]


def test_the_same_seed_gives_the_same_weights(small, tmp_path):
    digests = [
        _card(recipe, tmp_path / folder, seed=seed)["sha256"]
        for recipe, seed, folder in (
            ("darc5", 0, "a"),
            ("darc5", 0, "b"),
            ("darc5", 1, "c"),
            ("source", 0, "d"),
        )
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
