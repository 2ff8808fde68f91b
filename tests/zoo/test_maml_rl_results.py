"""MAML's results in RL: the tables say what the numbers say, and the zoo's policies do what they claim."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib.envs import navigation
from course_lib.zoo import maml_rl_recipes as recipes
from course_lib.zoo import maml_rl_results as results_of
from course_lib.zoo import store


@pytest.fixture(scope="module")
def measured():
    policies = store.policies
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "policies", lambda *names: {seed: policies(*names)[seed] for seed in (0, 1)})
        patch.setattr(results_of, "RATES", (0.3,))  # fewer to choose from take less time
        return results_of.measure("navigation", 6)


@pytest.mark.parametrize(("world", "seeds"), [("navigation", 5), ("half_cheetah_direction", 3)])
def test_every_recipe_has_weights_of_as_many_seeds(world, seeds):
    assert {
        name: len(store.scores("maml_rl", world, name)) for name in recipes.WORLDS[world]
    } == dict.fromkeys(recipes.WORLDS[world], seeds)


def test_one_step_from_a_trained_start_is_worth_much_and_from_a_pretrained_one_little(measured):
    by_start = measured.curves["goals as in training"]
    for name in ("MAML, one rate", "MAML, learned rates"):
        before, after = by_start[name][:, 0], by_start[name][:, 1]
        assert (after - before).mean() > 3.0, name
    before, after = by_start["pretrained"][:, 0], by_start["pretrained"][:, 1]
    assert (after - before).mean() < 2.0


def test_farther_away_more_steps_go_on_helping_and_more_episodes_of_rl2_do_not(measured):
    by_start = measured.curves["goals farther away"]
    steps, episodes = by_start["MAML, learned rates"], by_start["RL2, by episode"]
    assert (steps[:, 10] - steps[:, 1]).mean() > 1.0
    assert (episodes[:, 10] - episodes[:, 1]).mean() < 1.0


def test_rivals_take_the_best_rates_for_each_number_of_steps_and_none_that_blew_up(monkeypatch):
    def adapted_to(recipe, agent, tasks, count, steps, rng, *, rate):
        best = torch.full((steps + 1, count), 1.0)
        best[1] = 0.3
        returns = rate[1] - (best - rate[0]).abs() if rate[0] < 3.0 else torch.full_like(best, torch.nan)
        return SimpleNamespace(returns=returns)

    monkeypatch.setattr(results_of, "adapted_to", adapted_to)
    recipe, rivals = recipes.WORLDS["navigation"]["pretrained"], {0: None, 1: None}
    rates = results_of._best_rates("navigation", recipe, rivals)
    assert rates[1] == (0.3, 1.0) and rates[2:] == [(1.0, 1.0)] * 9
    returns = results_of._after_steps("navigation", recipe, rivals, "goals farther away", 4, rates)
    np.testing.assert_allclose(returns[:, 1:], np.ones((2, 10)))


def test_the_policies_of_the_half_cheetah_turn_round_after_one_step():
    recipe = recipes.WORLDS["half_cheetah_direction"]["learned_rates"]
    agent = store.load_policy(store.best("maml_rl", "half_cheetah_direction", "learned_rates"))
    both = results_of.DirectionParams(direction=np.array([1.0, -1.0]))
    happened = recipes.adapted_to(recipe, agent, both, 2, 1, np.random.default_rng(0))
    assert (happened.returns[1] > happened.returns[0] + 50.0).all()


def test_who_is_told_the_goal_goes_there_as_fast_as_the_world_allows():
    goals = np.random.default_rng(0).uniform(-1.0, 1.0, (50, 2))
    env = navigation.NavigationVectorEnv(
        50, goal_x=goals[:, 0], goal_y=goals[:, 1], autoreset_mode="Disabled", context_observed=False
    )
    obs, _ = env.reset(seed=0)
    total = np.zeros(50)
    for _ in range(navigation.HORIZON):
        obs, reward, *_ = env.step(np.clip((goals - obs) / navigation.REACH, -1.0, 1.0))
        total += reward
    np.testing.assert_allclose(results_of.straight_return(goals), total, atol=1e-5)


def test_goals_farther_away_were_in_no_training():
    goals = results_of.outside(np.random.default_rng(0), 200).array(200)
    assert goals.shape == (200, 2) and (np.abs(goals).max(1) > 0.5).all() and np.abs(goals).max() <= 1.0
    assert np.abs(results_of.inside(np.random.default_rng(0), 200).array(200)).max() <= 0.5


def _results():
    rng = np.random.default_rng(0)
    names = ("MAML, learned rates", "pretrained", "random start")
    return results_of.Results(
        world="half_cheetah_direction",
        curves={kind: {name: rng.uniform(0, 100, (3, 4)) for name in names} for kind in ("forwards", "back")},
    )


def test_the_tables_hold_the_means_where_they_belong():
    results = _results()
    lines = results_of.as_markdown(results, "course reproduce maml_rl").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    rows = [row for row in cells if row[0] == "pretrained"]
    for row, by_start in zip(rows, results.curves.values(), strict=True):
        expected = [f"{value:.0f}" for value in by_start["pretrained"].mean(0)]
        assert [cell.split(" ")[0] for cell in row[1:]] == expected


def test_what_is_written_is_what_was_measured(tmp_path):
    results = _results()
    results_of.write(results, "course reproduce maml_rl", tmp_path)
    numbers = json.loads((tmp_path / "maml-rl-half-cheetah-direction.json").read_text())
    for kind, by_start in results.curves.items():
        for name, curve in by_start.items():
            np.testing.assert_allclose(numbers[kind][name], curve, atol=1e-3)
    assert (tmp_path / "maml-rl-half-cheetah-direction.png").read_bytes().startswith(b"\x89PNG")
    assert "course reproduce maml_rl" in (tmp_path / "maml-rl-half-cheetah-direction.md").read_text()
