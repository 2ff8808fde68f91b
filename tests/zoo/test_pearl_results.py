"""PEARL's results: the tables say what the numbers say, and the zoo's policies do what they claim."""

import json

import numpy as np
import pytest
import torch

from course_lib.envs import direction, navigation
from course_lib.zoo import pearl_recipes as recipes
from course_lib.zoo import pearl_results as results_of
from course_lib.zoo import store

SEEDS = {"direction": 5, "half_circle": 5, "half_cheetah_velocity": 3}


@pytest.mark.parametrize("world", results_of.WORLDS)
def test_every_recipe_has_weights_of_as_many_seeds(world):
    assert {name: len(store.scores("pearl", world, name)) for name in recipes.WORLDS[world]} == dict.fromkeys(
        recipes.WORLDS[world], SEEDS[world]
    )


def test_a_direction_is_known_after_few_episodes_and_more_of_it_is_known_with_each():
    measured = results_of.measure("direction", 20)
    returns, known = measured.returns["PEARL"], measured.known["PEARL"]
    assert (returns[:, 5] - returns[:, 0]).min() > 10.0
    assert (measured.returns["told the task"][:, 5] > returns[:, 5]).all()
    np.testing.assert_allclose(known[:, 0], 0.0, atol=1e-6)
    assert (np.diff(known.mean(0)) > 0).all()
    frozen, noisy = measured.returns[results_of.FROZEN], measured.returns[results_of.BLIND]
    assert (
        returns[:, 5] - frozen[:, 5]
    ).mean() > 3.0  # where nothing varies, half of the direction is unseen
    assert (noisy[:, 5] - frozen[:, 5]).mean() > 3.0


def test_on_the_half_circle_posterior_sampling_finds_more_and_more_goals():
    measured = results_of.measure("half_circle", 20)
    found = measured.found["PEARL"]
    assert (np.diff(found, axis=1) >= 0).all() and found.shape == (5, 21)
    assert (found[:, 20] - found[:, 0]).mean() > 0.3
    assert (measured.returns["PEARL"][:, 20] - measured.returns["PEARL"][:, 0]).mean() > 2.0
    assert measured.returns["MAML"].shape == (5, 21) and measured.returns["RL2"].shape == (5, 21)
    assert (measured.returns["PEARL"][:, 20] > measured.returns["MAML"][:, 20]).all()


def test_the_half_cheetahs_policies_come_nearer_to_the_velocity_asked_for():
    measured = results_of.measure("half_cheetah_velocity", 8)
    returns = measured.returns["PEARL"]
    assert (returns[:, 2] - returns[:, 0]).mean() > 5.0
    assert set(measured.curves) == {"PEARL", "MAML", "RL2"}


def test_who_is_told_does_what_is_best_as_fast_as_the_world_allows():
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 50)
    told = direction.DirectionParams(angle=angles)
    env = direction.DirectionVectorEnv(50, told, autoreset_mode="Disabled", context_observed=False)
    env.reset(seed=0)
    best = np.sign(np.stack([np.cos(angles), np.sin(angles)], 1)).astype(np.float32)
    total = sum(env.step(best)[1] for _ in range(direction.HORIZON))
    np.testing.assert_allclose(results_of.told_return("direction", told, 50), total.mean())

    told = navigation.half_circle_family().sample(np.random.default_rng(0), 50)
    env = navigation.NavigationVectorEnv(
        50, told, sparse_radius=navigation.SPARSE_RADIUS, autoreset_mode="Disabled", context_observed=False
    )
    obs, _ = env.reset(seed=0)
    total = np.zeros(50)
    for _ in range(navigation.HORIZON):
        obs, reward, *_ = env.step(np.clip((told.array(50) - obs) / navigation.REACH, -1.0, 1.0))
        total += reward
    np.testing.assert_allclose(results_of.told_return("half_circle", told, 50), total.mean(), atol=1e-5)


def test_a_goal_once_met_stays_met():
    rewards = [torch.tensor([[0.0, 0.0, 0.5]]), torch.tensor([[0.0, 0.1, 0.0]]), torch.zeros(1, 3)]
    assert results_of._met(rewards).tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3])


def _results():
    rng = np.random.default_rng(0)
    steps = np.arange(1, 4) * 1000
    curves = {
        "PEARL": (steps, np.array([[-90.0, -55.0, -44.0], [-90.0, -65.0, -40.0]])),
        "MAML": (10 * steps, np.array([[-75.0, -55.0, -44.0], [-85.0, -65.0, -47.0]])),
        "RL2": (100 * steps, np.array([[-90.0, -55.0, -44.0], [-90.0, -75.0, -61.0]])),
    }
    return results_of.Results(
        world="half_cheetah_velocity",
        returns={"PEARL": rng.uniform(-90, -40, (2, 3))},
        known={"PEARL": rng.uniform(0, 9, (2, 3))},
        curves=curves,
        minutes={"PEARL": np.array([5.0, 7.0]), "MAML": np.array([8.0, 9.0]), "RL2": np.array([3.0, 3.2])},
    )


def test_the_tables_hold_the_means_where_they_belong():
    results = _results()
    lines = results_of.as_markdown(results, "course reproduce pearl").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    text = " ".join(lines)
    assert "between them: PEARL 6, MAML 8, RL2 3." in text
    assert "they are at PEARL -64, MAML -62, RL2 -69." in text.replace("  ", " ")
    of_returns, of_nats = (row for row in rows if row[0] == "PEARL")
    assert [cell.split(" ")[0] for cell in of_returns[1:]] == [
        f"{v:.0f}" for v in results.returns["PEARL"].mean(0)
    ]
    assert [cell.split(" ")[0] for cell in of_nats[1:]] == [
        f"{v:.1f}" for v in results.known["PEARL"].mean(0)
    ]
    levels = {row[0]: row[1:] for row in rows if row[0] in ("-60", "-70")}
    # PEARL is at -60 after 1857 and 2200 steps, MAML after 17 500 and 22 778; one of RL2's never is.
    assert [cell.split(" ")[0] for cell in levels["-60"][:2]] == ["2", "20"]
    assert levels["-60"][2:] == ["not by all", "10 [8, 12]", ""]
    assert levels["-70"][4] == "115 [87, 150]"  # 157 143 and 235 714 steps against 1571 and 1800


def test_what_is_written_is_what_was_measured(tmp_path):
    results = _results()
    results_of.write(results, "course reproduce pearl", tmp_path)
    numbers = json.loads((tmp_path / "pearl-half-cheetah-velocity.json").read_text())
    np.testing.assert_allclose(numbers["returns"]["PEARL"], results.returns["PEARL"], atol=1e-3)
    assert numbers["curves"]["MAML"]["steps"] == [10000, 20000, 30000]
    assert (tmp_path / "pearl-half-cheetah-velocity.png").read_bytes().startswith(b"\x89PNG")
    assert "course reproduce pearl" in (tmp_path / "pearl-half-cheetah-velocity.md").read_text()
