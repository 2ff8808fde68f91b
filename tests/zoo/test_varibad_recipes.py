"""VariBAD's recipes: each leaves a policy that acts on a belief, on tasks that it is not told."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.core.belief_policy import BeliefPolicy, StateRewards
from course_lib.zoo import rl2_recipes, store, training
from course_lib.zoo import varibad_recipes as recipes


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "EVALUATION_TRIALS", 8)
    for world, by_name in recipes.WORLDS.items():
        tiny = {name: replace(recipe, iterations=1, simulations=16) for name, recipe in by_name.items()}
        monkeypatch.setitem(recipes.WORLDS, world, tiny)


def test_the_recipe_leaves_a_policy_that_acts_on_a_belief(small, tmp_path):
    stem = training.train_and_store(recipes.IDEA, "grid_navi", "varibad", 0, tmp_path)
    policy, card = store.policy_from(stem), store.read_card(stem)
    assert isinstance(policy, BeliefPolicy) and len(card["return_by_episode"]) == 3
    assert card["network"] == "belief_policy" and card["steps"] == 16 * 45
    tried = recipes.trials_of(recipes.WORLDS["grid_navi"]["varibad"], policy, 4, 0)
    assert tried.valid.shape == (45, 4)


@pytest.mark.parametrize("name", recipes.WORLDS["navigation"])
def test_rewards_of_any_size_leave_a_policy_too_which_comes_back_as_it_was(small, tmp_path, name):
    stem = training.train_and_store(recipes.IDEA, "navigation", name, 0, tmp_path)
    policy, card = store.policy_from(stem), store.read_card(stem)
    assert isinstance(policy.decoder, StateRewards) and card["steps"] == 16 * 60
    assert ("curve" in card) == (name == "varibad")
    again = recipes.trials_of(recipes.WORLDS["navigation"][name], policy, 4, 0)
    assert again.valid.shape == (60, 4) and again.valid.all()


def test_a_policy_is_not_told_its_task():
    recipe = recipes.WORLDS["grid_navi"]["varibad"]
    env = recipes.make_env(recipe, 8)
    env.set_params(recipe.family.sample(np.random.default_rng(0), 8))
    first, _ = env.reset(seed=0)
    assert first.shape == (8, 25) and (first == first[0]).all()


def test_it_is_tested_on_the_tasks_that_rl2_is_tested_on(monkeypatch):
    given = []
    for module in (recipes, rl2_recipes):
        monkeypatch.setattr(module, "TrialCollector", lambda env, draw, *_, **__: _Draws(draw, given))
        what = module.WORLDS["grid_navi"]
        module.trials_of(next(iter(what.values())), None, 9, 3)
    assert np.array_equal(*given)


class _Draws:
    def __init__(self, draw, given):
        self.draw, self.given = draw, given

    def collect(self, policy):
        self.given.append(self.draw(9).goal)
