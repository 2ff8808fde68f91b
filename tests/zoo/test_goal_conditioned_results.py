"""Hindsight's results: the tables say what the numbers say, and the weights are there to repeat them."""

import json
from pathlib import Path

import numpy as np
import pytest

from course_lib.multitask.goal_conditioned import STRATEGIES, reached
from course_lib.zoo import goal_conditioned_recipes as recipes
from course_lib.zoo import goal_conditioned_results as results_of
from course_lib.zoo import store

STORED = Path(__file__).parents[2] / "docs" / "results"


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_every_recipe_has_weights_of_five_seeds_and_is_explained(world):
    assert set(results_of.MEANINGS) == set(STRATEGIES)
    for recipe in recipes.RECIPES:
        assert results_of.success_curves(world, recipe).shape[0] >= 5


def test_an_early_policy_is_the_same_training_stopped():
    for recipe in ("none", "future"):
        whole, early = (results_of.success_curves("rooms", name) for name in (recipe, f"{recipe}_early"))
        assert early.shape[1] == recipes.EARLY // recipes.TEST_EVERY < whole.shape[1]
        np.testing.assert_array_equal(early, whole[:, : early.shape[1]])


def test_each_share_stands_under_its_recipe_and_seed():
    results = results_of.measure("reacher", episodes=3)
    world = recipes.WORLDS["reacher"]
    env = world.family.make_vec(3, autoreset_mode="Disabled")
    policies = store.policies("goal_conditioned", "reacher", "none")
    expected = [
        reached(p.act, env, world.family, world.config.horizon, 20_000).mean() for p in policies.values()
    ]
    np.testing.assert_allclose(results.success["none"], expected)
    assert results.episodes[0] == 160 and results.episodes[-1] == 16 * world.config.iterations
    assert all(curve.shape == (5, len(results.episodes)) for curve in results.curves.values())


def _results() -> results_of.Results:
    rng = np.random.default_rng(0)
    curves = {recipe: rng.uniform(size=(5, 9)) for recipe in STRATEGIES}
    success = {recipe: rng.uniform(size=5) for recipe in STRATEGIES}
    return results_of.Results(world="moon", episodes=160 * np.arange(1, 10), curves=curves, success=success)


def test_the_table_holds_the_means_at_three_points():
    results = _results()
    text = results_of.as_markdown(results, "course reproduce goal_conditioned")
    assert "after 160 episodes | after 480 episodes | after 1440 episodes" in text
    for recipe, curve in results.curves.items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {recipe}:"))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for cell, values in zip(cells[1:], (*curve.T[[0, 2, 8]], results.success[recipe]), strict=True):
            assert cell.startswith(f"{100 * values.mean():.1f} [")


def test_writing_leaves_the_table_its_numbers_and_the_picture(tmp_path):
    results = _results()
    results_of.write(results, "course reproduce goal_conditioned --world moon", tmp_path)
    stem = "goal-conditioned-moon"
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{stem}.{kind}" for kind in ("json", "md", "png")]
    numbers = json.loads((tmp_path / f"{stem}.json").read_text())
    np.testing.assert_allclose(numbers["success"]["future"], results.success["future"], atol=1e-4)
    assert (tmp_path / f"{stem}.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_the_claim_hindsight_reaches_goals_earlier(world):
    """In every seed, after a tenth of the training: with hindsight more than without."""
    numbers = json.loads((STORED / f"goal-conditioned-{world}.json").read_text())
    tenth = len(numbers["episodes"]) // 10
    without, future = (np.array(numbers["curves"][recipe])[:, tenth] for recipe in ("none", "future"))
    assert future.min() > without.max()
