"""Recipes of learners: each trains what its name says, on tasks that its test does not share."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.core.seeding import seed_everything
from course_lib.zoo import store, training
from course_lib.zoo import supervised_recipes as recipes

SOME_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrtyΓΔΘΛΞΠΣΦΨΩ"


@pytest.fixture
def small(monkeypatch):
    for name in ("FUNCTION_CONFIG", "IMAGE_CONFIG"):
        few = {"tasks": 4, "max_shots": 3, "queries": 5, "iterations": 2, "updates": 2}
        monkeypatch.setattr(recipes, name, replace(getattr(recipes, name), **few))
    monkeypatch.setattr(recipes, "TEST_TASKS", 5)
    monkeypatch.setattr(recipes, "COUNTS", {"sinusoids": (10, 100), "letters": (30,)})
    monkeypatch.setattr(recipes, "letters", lambda: SOME_LETTERS)
    recipes.letter_images.cache_clear()
    yield
    recipes.letter_images.cache_clear()


@pytest.mark.parametrize(
    ("world", "recipe"),
    [("mixture", "rnn"), ("sinusoids", "set_of10"), ("letters", "set_of30"), ("digits", "prototypes")],
)
def test_a_training_leaves_a_learner_that_comes_back(small, tmp_path, world, recipe):
    stem = training.train_and_store(recipes.IDEA, world, recipe, 0, tmp_path)
    learner, card = store.policy_from(stem), store.read_card(stem)
    assert isinstance(
        learner, type(recipes.learner_of(recipes.task_world(world, recipe, np.random.default_rng(0)), recipe))
    )
    assert card["steps"] == 2 * 2 * 4
    low, high = (-100.0, 0.0) if world in recipes.FUNCTIONS else (0.0, 1.0)
    assert low <= card["return_interval_over_episodes"][0] <= card["return_mean"] <= high


def test_an_interrupted_training_goes_on_to_the_same_end(small, tmp_path):
    def interrupt(record):
        if record["iteration"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train_and_store(recipes.IDEA, "lines", "set", 0, tmp_path / "a", progress=interrupt)
    stems = [training.train_and_store(recipes.IDEA, "lines", "set", 0, tmp_path / name) for name in "ab"]
    one, other = (store.policy_from(stem).state_dict() for stem in stems)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_few_functions_are_few_and_the_same_for_the_same_seed():
    kinds = []
    for _ in range(2):
        world = recipes.task_world("sinusoids", "set_of10", seed_everything(3))
        tasks = world.training(300, 2, 1, np.random.default_rng(0))
        x, y = tasks.train_x[..., 0].double(), tasks.train_y[..., 0].double()
        waves = torch.stack([x.sin(), x.cos()], -1)
        kinds.append(torch.linalg.solve(waves, y[..., None])[..., 0])  # amplitude and phase of each
    assert len({tuple(row) for row in kinds[0].round(decimals=1).tolist()}) <= 20
    torch.testing.assert_close(kinds[0], kinds[1])
    assert (
        len(
            recipes.task_world("sinusoids", "set", seed_everything(3))
            .training(300, 2, 1, np.random.default_rng(0))
            .train_x.unique()
        )
        == 600
    )


def test_the_digits_of_the_test_are_in_no_training():
    assert not set(recipes.KNOWN_DIGITS) & set(recipes.NEW_DIGITS)
    world = recipes.task_world("digits", "set", np.random.default_rng(0))
    shown, asked = (
        draw(50, 3, 9, np.random.default_rng(0)).train_x.flatten(0, 1)
        for draw in (world.training, world.test)
    )
    assert float(torch.cdist(shown, asked).min()) > 0


@pytest.mark.parametrize(
    ("world", "recipe"), [("sinusoids", "prototypes"), ("lines", "set_of10"), ("digits", "set_of30")]
)
def test_a_recipe_of_another_world_is_refused(world, recipe):
    with pytest.raises(ValueError, match=f"there is no recipe '{recipe}' for {world}; rnn, set"):
        recipes.task_world(world, recipe, np.random.default_rng(0))
