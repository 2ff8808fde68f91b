"""The contextual recipes: who is told what, who learns from how much, and that looking changes nothing."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.core.seeding import seed_everything
from course_lib.core.task_family import Choice, Uniform
from course_lib.zoo import contextual_recipes as recipes
from course_lib.zoo import store, training

VELOCITY, DIRECTION = recipes.WORLDS


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "EVALUATION_EPISODES", 2)
    monkeypatch.setattr(recipes, "CONFLICT_EPISODES", 1)
    monkeypatch.setattr(recipes, "SIMULATIONS", 4)
    monkeypatch.setattr(recipes.half_cheetah_tasks, "HORIZON", 20)
    monkeypatch.setattr(recipes, "ITERATIONS", {VELOCITY: 10, DIRECTION: 4})
    tiny = replace(recipes.POLICY_OPTIMIZATION, steps=4, epochs=1)
    monkeypatch.setattr(recipes, "POLICY_OPTIMIZATION", tiny)


def test_every_recipe_leaves_a_policy_that_sees_what_it_is_told(small, tmp_path):
    steps = {}
    for world, by_name in recipes.WORLDS.items():
        for name, recipe in by_name.items():
            stem = training.train_and_store(recipes.IDEA, world, name, 0, tmp_path)
            assert store.policy_from(stem).obs_norm.mean.shape == (17 + recipe.told,), name
            steps[world, name] = store.read_card(stem)["steps"]
    for world, whole in ((VELOCITY, 10 * 16), (DIRECTION, 4 * 16)):
        separate = [n for (w, name), n in steps.items() if w == world and name.startswith("separate")]
        assert sum(separate) == whole
        assert {n for (w, name), n in steps.items() if w == world and "separate" not in name} == {whole}


def test_commands_are_evenly_spaced_and_end_where_the_range_does():
    assert recipes.commands(1) == (1.5,) and recipes.commands(2) == (0.5, 2.5)
    assert recipes.commands(5) == (0.5, 1.0, 1.5, 2.0, 2.5)
    of = {name: recipe.family.source for name, recipe in recipes.WORLDS[VELOCITY].items()}
    assert of["told"] == of["withheld"] == {"target_velocity": Uniform(0.5, 2.5)}
    assert of["told3"] == {"target_velocity": Choice((0.5, 1.5, 2.5))}
    separate = [of[name]["target_velocity"].values for name in of if name.startswith("separate")]
    assert separate == [(v,) for v in recipes.commands(5)]


def test_only_the_unequal_recipes_are_paid_unequally_and_one_of_them_scales():
    for name, recipe in recipes.WORLDS[DIRECTION].items():
        assert recipe.family.source["forward_pay"] == (10.0 if "unequal" in name else 1.0)
        assert recipe.scale_rewards == (name == "unequal_scaled")


def test_looking_at_the_conflict_does_not_change_the_training(small, monkeypatch, tmp_path):
    cards = []
    for looks in (True, False):
        recipe = replace(recipes.WORLDS[DIRECTION]["told"], conflict=looks)
        monkeypatch.setitem(recipes.WORLDS[DIRECTION], "told", recipe)
        stem = training.train_and_store(recipes.IDEA, DIRECTION, "told", 0, tmp_path / str(looks))
        cards.append(store.read_card(stem))
    assert cards[0]["sha256"] == cards[1]["sha256"]
    cosines = cards[0]["gradient_cosines_by_iteration"]
    assert list(cosines) == ["1", "2", "4"] and np.shape(cosines["4"]) == (2, 2)
    assert "gradient_cosines_by_iteration" not in json.dumps(cards[1])


def test_conflict_is_between_tasks_and_draws_from_nobody_elses_randomness(small):
    recipe = recipes.WORLDS[VELOCITY]["told3"]
    seed_everything(0)
    agent = recipes.agent_of(recipe)
    before = torch.get_rng_state()
    cosines = recipes.conflict(agent, recipe, seed=5)
    assert torch.equal(before, torch.get_rng_state())
    assert cosines.shape == (3, 3) and torch.equal(cosines, cosines.T) and (cosines.abs() < 1).all()
    assert torch.equal(recipes.conflict(agent, recipe, seed=5), cosines)
    assert not torch.equal(recipes.conflict(agent, recipe, seed=6), cosines)


def test_a_recipe_of_the_other_world_is_named(tmp_path):
    with pytest.raises(ValueError, match="half_cheetah_direction has no recipe 'told3'"):
        training.train_and_store(recipes.IDEA, DIRECTION, "told3", 0, tmp_path)
