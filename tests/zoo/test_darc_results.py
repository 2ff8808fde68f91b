"""DARC's results: the tables say what the numbers say, and the weights are there to repeat them."""

import json

import numpy as np
import pytest

from course_lib.core.rollout import evaluate
from course_lib.zoo import darc_recipes as recipes
from course_lib.zoo import darc_results as results_of
from course_lib.zoo import store


@pytest.mark.parametrize("world", ["point", "arm"])
def test_every_recipe_has_weights_of_five_seeds(world):
    assert results_of.trained(world) == list(recipes.RECIPES)
    for recipe in recipes.RECIPES:
        assert len(store.policies("darc", world, recipe)) >= 5, recipe


def test_the_pair_that_breaks_the_assumption_has_what_its_lesson_needs():
    assert results_of.trained("point_dead") == ["source", "darc5", "target"]


def test_a_pair_without_weights_says_what_to_train():
    with pytest.raises(store.ZooError, match="course train darc"):
        results_of.measure("moon", episodes=1)


def test_every_recipe_is_explained():
    assert set(results_of.MEANINGS) == set(recipes.RECIPES)


def test_each_return_stands_under_its_domain_and_seed():
    results = results_of.measure("point_dead", episodes=3)
    policies = store.policies("darc", "point_dead", "darc5")
    for env, side in zip(
        recipes.WORLDS["point_dead"].make(3, autoreset_mode="Disabled"),
        (results.source, results.target),
        strict=True,
    ):
        expected = [evaluate(env, policy.act, 30, 20_000).mean() for policy in policies.values()]
        np.testing.assert_allclose(side["darc5"], expected)
    assert results.seen["source"] == 0 < results.seen["darc5"] < results.seen["target"]


def _results() -> results_of.Results:
    rng = np.random.default_rng(0)
    source, target = (
        {recipe: -10.0 * i + rng.normal(size=5) for i, recipe in enumerate(recipes.RECIPES)} for _ in range(2)
    )
    seen = {recipe: float(10 + i) for i, recipe in enumerate(recipes.RECIPES)}
    return results_of.Results(world="arm", source=source, target=target, seen=seen)


def test_the_table_holds_the_means(tmp_path):
    results = _results()
    text = results_of.as_markdown(results, "course reproduce darc")
    for recipe, returns in results.target.items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {recipe} |"))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[2] == f"{results.seen[recipe]:.0f}"
        assert cells[3].startswith(f"{returns.mean():.1f} [")
        assert cells[4].startswith(f"{results.source[recipe].mean():.1f} [")


def test_writing_leaves_the_table_its_numbers_and_the_picture(tmp_path):
    results = _results()
    results_of.write(results, "course reproduce darc --world arm", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "darc-arm.json",
        "darc-arm.md",
        "darc-arm.png",
    ]
    numbers = json.loads((tmp_path / "darc-arm.json").read_text())
    np.testing.assert_allclose(numbers["target"]["darc5"], results.target["darc5"], atol=0.005)
    assert (tmp_path / "darc-arm.png").read_bytes().startswith(b"\x89PNG")


def test_a_pair_with_few_recipes_has_a_picture_too(tmp_path):
    results = _results()
    few = {
        side: {recipe: getattr(results, side)[recipe] for recipe in ("source", "darc5", "target")}
        for side in ("source", "target", "seen")
    }
    results_of.write(results_of.Results(world="point_dead", **few), "course reproduce", tmp_path)
    assert (tmp_path / "darc-point-dead.png").read_bytes().startswith(b"\x89PNG")


def test_curves_run_over_episodes_and_rivals_are_level():
    results = _results()
    seen, series, level = results_of.shots(results)
    assert seen == [results.seen[f"darc{n}"] for n in recipes.EPISODES]
    np.testing.assert_array_equal(series["DARC"][:, 1], results.target["darc5"])
    np.testing.assert_array_equal(series["target alone"][:, 2], results.target["target20"])
    np.testing.assert_array_equal(level["source alone"], results.target["source"])
