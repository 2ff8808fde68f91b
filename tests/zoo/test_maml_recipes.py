"""Recipes of starts for gradient descent: each trains what its name says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.core import few_shot
from course_lib.core.few_shot import SINUSOIDS
from course_lib.meta import maml
from course_lib.zoo import maml_recipes as recipes
from course_lib.zoo import maml_results, store, training
from course_lib.zoo import supervised_recipes as tasks_of


@pytest.fixture
def small(monkeypatch):
    few = {"tasks": 4, "max_shots": 3, "queries": 5, "iterations": 2, "updates": 2}
    configs = {world: replace(config, **few) for world, config in recipes.CONFIGS.items()}
    monkeypatch.setattr(recipes, "CONFIGS", configs)
    monkeypatch.setattr(tasks_of, "TEST_TASKS", 5)
    monkeypatch.setattr(tasks_of, "letters", lambda: "ABCDEFG")
    tasks_of.letter_images.cache_clear()
    yield
    tasks_of.letter_images.cache_clear()


@pytest.mark.parametrize(
    ("world", "recipe"),
    [("sinusoids", "learned_rates"), ("sinusoids", "told"), ("letters", "steps5")],
)
def test_a_training_leaves_a_learner_that_comes_back(small, tmp_path, world, recipe):
    stem = training.train_and_store(recipes.IDEA, world, recipe, 0, tmp_path)
    learner, card = store.policy_from(stem), store.read_card(stem)
    assert isinstance(learner, maml.GradientLearner)
    assert isinstance(learner, maml.GradientClassifier) == (world == "letters")
    assert card["steps"] == 2 * 2 * 4
    rates = torch.cat([rate.flatten() for rate in learner.rates.parameters()])
    assert bool((rates == rates[0]).all()) == (recipe != "learned_rates")
    start = recipes.learner_of(world, recipe).net[0].weight
    assert (
        learner.net[0].weight.shape
        == start.shape
        == (recipes.HIDDEN, {"told": 3}.get(recipe, start.shape[1]))
    )


def test_who_is_told_gets_the_same_tasks_and_their_parameters():
    known = recipes.told(SINUSOIDS)(6, 3, 4, np.random.default_rng(1))
    plain = few_shot.function_tasks(SINUSOIDS)(6, 3, 4, np.random.default_rng(1))
    for ours, theirs in ((known.train_x, plain.train_x), (known.test_x, plain.test_x)):
        assert torch.equal(ours[..., :1], theirs)
    x, amplitude, phase = known.test_x.unbind(-1)
    torch.testing.assert_close(amplitude * (x - phase).sin(), plain.test_y[..., 0], atol=1e-5, rtol=1e-4)
    assert torch.equal(known.train_y, plain.train_y)


@pytest.mark.parametrize("world", recipes.IDEA.recipes)
@pytest.mark.parametrize("recipe", recipes.WAYS)
def test_the_learner_does_what_the_recipe_says(small, world, recipe):
    if recipe not in recipes.IDEA.recipes[world]:
        return
    learner, way = recipes.learner_of(world, recipe), recipes.WAYS[recipe]
    assert (learner.steps, learner.first_order) == (way.steps, way.first_order)
    assert all(rate.requires_grad == way.learned_rates for rate in learner.rates.parameters())
    rates = recipes.PRETRAINED_INNER_LR if recipe == "pretrained" else recipes.INNER_LR
    assert all((rate == rates[world]).all() for rate in learner.rates.parameters())


def test_one_step_from_where_maml_starts_is_worth_more_than_from_where_pretraining_ends():
    draw = recipes.task_world("sinusoids", "maml").test
    errors = {
        recipe: maml_results.tested(
            store.load_policy(f"maml/sinusoids-{recipe}-seed0"), draw, 10, (0, 1), 200, 7
        )
        for recipe in ("maml", "first_order", "pretrained")
    }
    assert errors["maml"][1] < errors["first_order"][1] * 1.05 < 0.4 * errors["pretrained"][1]
    assert errors["pretrained"][0] < 1.1 * errors["maml"][0]  # before the step neither knows the task
