"""C-learning's results: the measures are what they say, the table is the numbers', and the claims hold."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.core.tabular import best_future_density, future_density
from course_lib.multitask import c_learning
from course_lib.zoo import c_learning_results as results

STORED = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(results, "CONFIG", replace(results.CONFIG, iterations=1, updates=2, batch_size=16))
    monkeypatch.setattr(results, "TRANSITIONS", (20, 50))
    monkeypatch.setattr(results, "MANY", 50)


def stored(method, n=results.MANY, policy=results.OWN, measure=results.MISPLACED):
    """Stored values by seed."""
    numbers = json.loads((STORED / "c-learning.json").read_text())
    asked = policy, method, n, measure
    rows = [
        row for row in numbers if (row["policy"], row["method"], row["transitions"], row["measure"]) == asked
    ]
    return np.array([row["value"] for row in sorted(rows, key=lambda row: row["seed"])])


def test_nobody_is_stopped_at_the_goal_and_the_walk_is_the_rooms():
    """Oracle: how often each step of a long walk led where, against the dynamics."""
    world = results.dynamics()
    np.testing.assert_allclose(world.sum(axis=2), 1.0)
    goal, beside = results.ROOM.state((4, 4)), results.ROOM.state((4, 3))
    assert world[goal, 3, beside] == pytest.approx(0.8) and world[goal, 0].max() == pytest.approx(0.8)
    states, actions = results.walk(40_000, np.random.default_rng(0))
    counts = np.zeros_like(world)
    np.add.at(counts, (states[:-1], actions, states[1:]), 1)
    seen = counts.sum(axis=2, keepdims=True)
    assert seen[results.FREE].min() > 200 and not seen[~results.FREE].any()
    np.testing.assert_allclose((counts / np.maximum(seen, 1))[results.FREE], world[results.FREE], atol=0.12)


def test_the_measures_of_a_right_and_of_a_wrong_prediction():
    exact = future_density(results.dynamics(), results.RANDOM, 0.95)
    right = results.compared(exact, exact)
    assert right[results.MISPLACED] == 0 and right[results.TOTAL] == pytest.approx(100.0)
    double = results.compared(2 * exact, exact)
    assert double[results.MISPLACED] == pytest.approx(50.0) and double[results.TOTAL] == pytest.approx(200.0)
    assert double[results.CORRELATION] == pytest.approx(1.0)


def test_the_policies_are_judged_by_where_they_lead():
    table = c_learning.Classifier(results.ROOM.states, 4)
    table.logits.data[:] = 0.0
    idle = results.reached(table)  # always up
    table.logits.data[:] = torch.as_tensor(best_future_density(results.dynamics(), 0.95))
    assert idle < 20 < results.reached(table) == pytest.approx(100.0)


def test_values_are_the_density_and_with_goals_in_hindsight_alone_only_what_followed_is_known(monkeypatch):
    config = replace(results.CONFIG, gamma=0.5, iterations=15, updates=20, batch_size=512)
    monkeypatch.setattr(results, "CONFIG", config)
    monkeypatch.setattr(results, "Q_RATE", 0.05)
    states, actions = results.walk(400, np.random.default_rng(0))
    seen = states[:-1], actions, states[1:]
    learned = {
        share: results.relabelled_q(
            states, actions, c_learning.following(results.RANDOM), share, np.random.default_rng(0)
        ).logits.detach()
        for share in (0.0, 1.0)
    }
    assert learned[0.0].sum(dim=2)[seen[:2]].mean().item() == pytest.approx(1.0, abs=0.1)  # not 2
    assert learned[1.0][seen].min() > 0.4  # at least 1 - gamma, of a step into the goal
    never = torch.ones_like(learned[1.0], dtype=torch.bool)
    never[seen] = False
    assert (learned[1.0][never] == 0).all()


def test_values_and_odds_of_a_walk_are_learned_from_the_same_steps(quick):
    states, actions = results.walk(50, np.random.default_rng(0))
    for method in (results.TD, results.MC, results.hindsight(0.5)):
        predicted = results.prediction(method, states, actions, results.RANDOM, seed=0)
        again = results.prediction(method, states, actions, results.RANDOM, seed=0)
        assert predicted.shape == (25, 4, 25) and (predicted == again).all()
    assert (results.prediction(results.TD, states, actions, results.DRIFTING, 0) >= 0).all()


def test_writing_leaves_the_table_its_numbers_and_the_picture(quick, tmp_path):
    rows = [(seed, *row) for seed in (0, 1) for row in results.measured(seed)]
    results.write(rows, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "c-learning.json",
        "c-learning.md",
        "c-learning.png",
    ]
    numbers = json.loads((tmp_path / "c-learning.json").read_text())
    assert [tuple(row.values()) for row in numbers] == rows
    assert (tmp_path / "c-learning.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "c-learning.md").read_text()
    assert f"| {results.OTHER} | {results.TD} | 50 |" in text


def test_the_stored_table_is_that_of_the_stored_numbers_of_five_seeds():
    numbers = json.loads((STORED / "c-learning.json").read_text())
    rows = [tuple(row.values()) for row in numbers]
    assert results.as_markdown(rows) == (STORED / "c-learning.md").read_text()
    assert {row[0] for row in rows} == set(range(results.SEEDS))


def test_the_claims_it_predicts_a_probability_and_hindsight_does_not():
    assert (stored(results.TD) < 5).all() and (stored(results.TD, measure=results.CORRELATION) > 0.99).all()
    assert (stored(results.hindsight(0.5)) > 50).all()
    assert (stored(results.hindsight(0.5), measure=results.TOTAL) > 200).all()
    assert (stored(results.hindsight(0.025)) < stored(results.hindsight(0.5))).all()
    assert (stored(results.TD, policy=results.OTHER) < stored(results.MC, policy=results.OTHER)).all()
    assert (stored(results.TD, 300) > stored(results.TD)).all()
