"""RL2 beside its rivals: on the same tasks, in the right columns, and as good as the lecture says."""

import json

import numpy as np
import pytest

from course_lib.agents import bandit_optimum
from course_lib.zoo import rl2_bandits_results as results_of
from course_lib.zoo import rl2_recipes, store


def _results(world, recipes):
    rng = np.random.default_rng(0)
    methods = (results_of.RL2, *results_of.WORLDS[world])
    rewards = {recipe: {method: rng.uniform(size=(5, 20)) for method in methods} for recipe in recipes}
    return results_of.Results(world=world, rewards=rewards)


@pytest.mark.parametrize(("world", "recipes"), [("bandit", ["k5n20", "k50n10"]), ("random_mdp", ["n10"])])
def test_the_table_holds_the_totals_where_they_belong(world, recipes, tmp_path):
    results = _results(world, recipes)
    results_of.write(results, "course reproduce rl2_bandits", tmp_path)
    stem = f"rl2-{world.replace('_', '-')}"
    lines = (tmp_path / f"{stem}.md").read_text().splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    for recipe, by_method in results.rewards.items():
        (row,) = (row for row in table if row[0] == recipe)
        for method, values in by_method.items():
            assert row[table[0].index(method)].startswith(f"{values.sum(1).mean():.2f} [")
    numbers = json.loads((tmp_path / f"{stem}.json").read_text())
    np.testing.assert_allclose(numbers[recipes[0]]["RL2"], results.rewards[recipes[0]]["RL2"], atol=1e-4)
    assert (tmp_path / f"{stem}.png").read_bytes().startswith(b"\x89PNG")
    if world == "bandit":
        optimal = [row[table[0].index("optimal")] for row in table[2:]]
        assert optimal == ["14.287", "6.714"]
        assert [row[-1] for row in table[2:]] == ["", "6.8"]  # the paper has no 20 pulls
    else:
        assert table[2][-2:] == ["", "156.2"]


def test_everybody_has_the_same_tasks(monkeypatch):
    seen, drawn = [], []
    monkeypatch.setattr(
        results_of.baselines,
        "baseline_rewards",
        lambda method, arms, pulls, rng: seen.append(arms) or np.ones(pulls),
    )
    trials_of = rl2_recipes.trials_of

    def spied(what, policy, n, seed, draw):
        drawn.append(draw(n).array(n))
        return trials_of(what, policy, n, seed, draw=draw)

    monkeypatch.setattr(rl2_recipes, "trials_of", spied)
    monkeypatch.setitem(rl2_recipes.WORLDS, "bandit", {"k5n10": rl2_recipes.WORLDS["bandit"]["k5n10"]})
    rewards = results_of.measure("bandit", 4).rewards["k5n10"]
    assert all(values.shape == (5, 10) for values in rewards.values())
    methods = len(results_of.WORLDS["bandit"])
    assert len(seen) == 5 * methods
    for number, arms in enumerate(seen):
        np.testing.assert_array_equal(arms, drawn[number // methods])
    assert not np.array_equal(drawn[0], drawn[1])


def test_random_mdps_are_measured_by_episode():
    rewards = results_of.measure("random_mdp", 3).rewards["n10"]
    seeds = len(store.scores("rl2", "random_mdp", "n10"))
    assert set(rewards) == {results_of.RL2, *results_of.WORLDS["random_mdp"]}
    assert all(values.shape == (seeds, 10) for values in rewards.values())


def test_five_arms_and_twenty_pulls_are_within_four_percent_of_the_optimum():
    what = rl2_recipes.WORLDS["bandit"]["k5n20"]
    earned = [
        float(rl2_recipes.trials_of(what, policy, 4096, seed).returns.mean())
        for seed, policy in store.policies("rl2", "bandit", "k5n20").items()
    ]
    assert len(earned) >= 5
    assert min(earned) > 0.96 * bandit_optimum.optimal_value(5, 20)
