"""The baselines of the RL2 paper: tables say what the numbers say, and the stored numbers are right."""

import json
from pathlib import Path

import numpy as np
import pytest

from course_lib.agents import bandit_optimum
from course_lib.envs import random_mdp
from course_lib.zoo import bandit_baselines_results as results

STORED = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(results, "TASKS", {10: 200, 100: 20})
    monkeypatch.setattr(results, "SETTINGS", ((10, 5), (100, 5)))
    monkeypatch.setattr(results, "EPISODES", (2, 4))
    monkeypatch.setattr(results, "MDPS", 20)
    monkeypatch.setattr(results, "MDP_RECALLED", {name: n[:2] for name, n in results.MDP_RECALLED.items()})
    monkeypatch.setattr(results, "GRIDS", {name: grid[:2] for name, grid in results.GRIDS.items()})
    results.tuned.cache_clear()
    yield
    results.tuned.cache_clear()


def stored() -> list[tuple]:
    return [tuple(row.values()) for row in json.loads((STORED / "bandits.json").read_text())]


def test_what_is_measured_is_written_as_tables_numbers_and_a_picture(quick, tmp_path):
    rows = [(seed, *row) for seed in (1, 0) for row in results.measured(seed)]
    assert rows[: len(rows) // 2] == [(1, *row) for row in results.measured(1)]
    results.write(rows, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bandits.json", "bandits.md", "bandits.png"]
    assert [tuple(row.values()) for row in json.loads((tmp_path / "bandits.json").read_text())] == rows
    assert (tmp_path / "bandits.png").read_bytes().startswith(b"\x89PNG")
    lines = (tmp_path / "bandits.md").read_text().splitlines()
    cells = [cell.strip() for cell in next(x for x in lines if x.startswith("| n = 10,")).split("|")]
    thompson = np.mean([row[5] for row in rows if row[1:5] == ("reward", 5, 10, "Thompson")])
    assert cells[4].startswith(f"{thompson:.2f} [") and cells[4].endswith("] (5.7)")
    assert cells[9] == "6.660" and cells[10] == "(6.7)"


def test_recalled_numbers_stand_beside_their_own_setting():
    assert len(results.SETTINGS) == 9 and results.SETTINGS[4] == (100, 10)
    assert all(len(numbers) == 9 for numbers in results.RECALLED.values())
    assert set(results.RECALLED) == {*results.METHODS, "RL2"}
    assert results.RECALLED["Thompson"][results.SETTINGS.index((100, 50))] == 64.5


def test_baselines_can_be_asked_for_other_bandits_than_the_papers(monkeypatch):
    monkeypatch.setattr(results, "GRIDS", {**results.GRIDS, "UCB1": (0.0, 0.2)})
    results.tuned.cache_clear()
    arms = np.random.default_rng(0).random((2000, 3))
    by_pull = results.baseline_rewards("UCB1", arms, 8, np.random.default_rng(1))
    assert by_pull.shape == (8,)
    assert abs(by_pull[0] - 0.5) < 0.05 < by_pull[-1] - by_pull[0]
    assert by_pull.sum() < bandit_optimum.optimal_value(3, 8) + 0.2
    results.tuned.cache_clear()


def test_knowing_an_mdp_earns_most_and_nothing_is_learned_at_random():
    tasks = random_mdp.family().sample(np.random.default_rng(2), 100)
    earned = {name: results.mdp_rewards(name, tasks, 3, 2) for name in results.MDP_METHODS}
    assert all(by_episode.shape == (3,) for by_episode in earned.values())
    assert abs(earned["random"].mean() - 10) < 1 and abs(earned["knowing the MDP"].mean() - 21.8) < 1
    assert abs(earned["PSRL"][0] - 10) < 1.5  # a guess is no better, though the seed is that of the tasks
    assert earned["knowing the MDP"].sum() > max(earned["greedy"].sum(), earned["PSRL"].sum())


def test_the_stored_table_is_that_of_the_stored_numbers_and_these_are_the_exact_ones():
    rows = stored()
    assert results.as_markdown(rows) == (STORED / "bandits.md").read_text()
    assert {row[0] for row in rows} == set(range(results.SEEDS))

    def mean(what: str, arms: int, n: int, method: str) -> float:
        return float(np.mean([row[5] for row in rows if row[1:5] == (what, arms, n, method)]))

    for n, k in results.SETTINGS:
        earned = {method: mean("reward", k, n, method) for method in results.METHODS}
        assert abs(earned["random"] - n / 2) < 0.005 * n
        assert max(earned, key=earned.get) in ("Gittins", "UCB1")
        if n == 10:
            optimal = bandit_optimum.optimal_value(k, n)
            assert optimal - 0.05 < earned["Gittins"] < optimal + 0.02
    for (n, k), paper in zip(results.SETTINGS, results.RECALLED["Thompson"], strict=True):
        assert abs(mean("reward", k, n, "Thompson") - paper) < 0.03 * paper  # it had 1000 trials: 1 % off
    for n, paper in zip(results.EPISODES, results.MDP_RECALLED["PSRL"], strict=True):
        assert abs(mean("mdp", 0, n, "PSRL") - paper) < 0.05 * paper
