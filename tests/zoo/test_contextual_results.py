"""Contextual results: numbers under their command, recipe and seed; what is stored can be read again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from course_lib.core.rollout import evaluate
from course_lib.zoo import contextual_recipes as recipes
from course_lib.zoo import contextual_results as results_of
from course_lib.zoo import store

VELOCITY, DIRECTION = recipes.WORLDS


class Constant:
    """Always the same torques."""

    def act(self, obs):
        return np.tile([2.0, -0.3, 0.1, -1.0, 0.4, 0.2], (len(obs), 1))


def test_outcome_is_the_return_of_the_world_and_the_distance_over_time():
    commands = [0.5, 2.0]
    returns, speeds = results_of.outcome(VELOCITY, "told", Constant(), commands, episodes=2)
    recipe = recipes.WORLDS[VELOCITY]["told"]
    params = replace(recipe.family.params_type(), target_velocity=np.repeat(commands, 2))
    env = recipes.make_env(recipe, 4, params=params)
    expected = evaluate(env, Constant().act, 200, 20_000)
    np.testing.assert_allclose(returns, expected.reshape(2, 2).mean(1))
    env.reset(seed=20_000)
    places = [env.step(np.clip(Constant().act(np.zeros(4)), -1, 1))[4]["x_position"] for _ in range(200)]
    way = (places[-1] - places[49]).reshape(2, 2).mean(1)
    np.testing.assert_allclose(speeds, way / (150 * env.dt), rtol=1e-6, atol=1e-9)


def fake(world) -> results_of.Results:
    rng = np.random.default_rng(0)
    contexts = results_of.CONTEXTS[world][1]
    names = [name for name in recipes.WORLDS[world] if not name.startswith("separate")] + ["separate"]
    returns, speeds = (
        {name: rng.normal(-100.0 * i, 10.0, (5, len(contexts))).round(2) for i, name in enumerate(names)}
        for _ in range(2)
    )
    count = 5 if world == VELOCITY else 2
    cosines = {5: rng.uniform(-1, 1, (5, count, count)).round(3), 40: rng.uniform(-1, 1, (5, count, count))}
    return results_of.Results(
        world=world, contexts=contexts, returns=returns, speeds=speeds, cosines={"told": cosines}
    )


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_what_is_written_is_read_again_and_the_table_has_its_means(world, monkeypatch, tmp_path):
    results = fake(world)
    results_of.write(results, "course reproduce contextual", tmp_path)
    stem = f"contextual-{world.removeprefix('half_cheetah_')}"
    assert {path.name for path in tmp_path.iterdir()} == {f"{stem}.{kind}" for kind in ("md", "json", "png")}
    monkeypatch.setattr(results_of, "STORED", tmp_path)
    again = results_of.stored(world)
    for name in ("returns", "speeds"):
        for recipe, values in getattr(results, name).items():
            np.testing.assert_array_equal(getattr(again, name)[recipe], values)
    np.testing.assert_array_equal(again.cosines["told"][40], results.cosines["told"][40])
    text = (tmp_path / f"{stem}.md").read_text()
    for recipe, returns in results.returns.items():
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {recipe} |"))
        where = results_of.inside(results.contexts) if world == VELOCITY else [True, False]
        assert f"| {returns[:, where].mean():.0f} [" in line
    assert f"| 40 | {np.diagonal(results.cosines['told'][40], axis1=1, axis2=2).mean():.2f} [" in text
    json.loads((tmp_path / f"{stem}.json").read_text())


def test_conflict_scores_are_read_off_the_matrix():
    matrix = np.array([[0.9, 0.2, -0.5], [0.2, 0.7, 0.4], [-0.5, 0.4, 0.8]])
    scores = results_of.conflict_scores(np.stack([matrix, np.eye(3)]))
    assert [values[0] for values in scores.values()] == pytest.approx([0.8, 0.3, -0.5, 1 / 3])
    assert [values[1] for values in scores.values()] == pytest.approx([1.0, 0.0, 0.0, 0.0])


def test_missing_results_say_how_to_make_them(monkeypatch, tmp_path):
    monkeypatch.setattr(results_of, "STORED", tmp_path)
    with pytest.raises(store.ZooError, match="course reproduce contextual-velocity"):
        results_of.stored(VELOCITY)


def test_every_recipe_is_explained():
    named = {"separate" if n.startswith("separate") else n for by in recipes.WORLDS.values() for n in by}
    assert named == set(results_of.MEANINGS)


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_every_recipe_has_weights_of_five_seeds(world):
    for recipe in recipes.WORLDS[world]:
        assert list(store.policies("contextual", world, recipe)) == [0, 1, 2, 3, 4], recipe


def test_each_return_stands_under_its_recipe_direction_and_seed(monkeypatch):
    monkeypatch.setattr(results_of, "HORIZON", 20)
    monkeypatch.setattr(results_of, "SETTLED", 5)
    results = results_of.measure(DIRECTION, episodes=2)
    for recipe in ("withheld", "unequal_scaled"):
        policy = store.policies("contextual", DIRECTION, recipe)[3]
        returns, speeds = results_of.outcome(DIRECTION, recipe, policy, [-1.0, 1.0], 2)
        np.testing.assert_array_equal(results.returns[recipe][3], returns)
        np.testing.assert_array_equal(results.speeds[recipe][3], speeds)
    for column, (recipe, side) in enumerate((("separate_backwards", -1.0), ("separate_forwards", 1.0))):
        policy = store.policies("contextual", DIRECTION, recipe)[3]  # it answers for its own direction
        returns, _ = results_of.outcome(DIRECTION, recipe, policy, [side], 2)
        assert results.returns["separate"][3, column] == returns[0]
    assert list(results.cosines) == ["told"] and results.cosines["told"][40].shape == (5, 2, 2)


def test_the_results_that_come_with_the_course_are_of_its_weights():
    """A few of the stored numbers, measured again."""
    stored = results_of.stored(VELOCITY)
    at = [int(np.flatnonzero(stored.contexts == command)[0]) for command in (1.0, 2.25)]
    policy = store.policies("contextual", VELOCITY, "told")[2]
    returns, speeds = results_of.outcome(VELOCITY, "told", policy, stored.contexts[at], episodes=16)
    np.testing.assert_allclose(returns, stored.returns["told"][2, at], rtol=0.1)
    np.testing.assert_allclose(speeds, stored.speeds["told"][2, at], atol=0.1)
