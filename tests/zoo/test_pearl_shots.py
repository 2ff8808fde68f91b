"""What inferring policies believe of a hidden task: the plane that is shown, and what is said of it."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.zoo import pearl_recipes, pearl_shots
from course_lib.zoo.pearl_shots import DIRECTION, HALF_CIRCLE, Explorers, plane_of


@pytest.fixture(scope="module")
def variants():
    torch.manual_seed(0)
    recipe = pearl_recipes.WORLDS["direction"]["pearl"]
    policy = pearl_recipes.policy_of(recipe)
    torch.nn.init.zeros_(policy.encoder.net[-1].bias[policy.latent :])  # every transition tells something
    mean = replace(recipe, config=replace(recipe.config, stochastic=False))
    return {"drawn": (recipe, policy), "mean": (mean, policy)}


@pytest.fixture
def explorers(variants):
    return Explorers(variants, DIRECTION, shots=7, samples=4, marked=6, seen=2)


def test_the_plane_is_the_one_in_which_means_are_largest():
    means = torch.as_tensor(np.random.default_rng(0).normal(size=(9, 4)))
    plane = plane_of(means)
    torch.testing.assert_close(plane.T @ plane, torch.eye(2, dtype=plane.dtype))
    largest = torch.linalg.eigvalsh(means.T @ means)[-2:].sum()
    assert (means @ plane).square().sum() == pytest.approx(float(largest))
    assert torch.equal(plane_of(-means), plane), "a direction has no sign of its own"


def test_tasks_of_a_circle_are_the_nearest_ones():
    assert DIRECTION.angle((0.0, -3.0)) == -math.pi / 2
    assert [HALF_CIRCLE.angle(place) for place in ((0.5, -1.0), (-0.5, -0.1))] == [0.0, math.pi]
    assert HALF_CIRCLE.angle((0.0, 0.2)) == math.pi / 2
    np.testing.assert_allclose(DIRECTION.places(np.array([0.0, np.pi / 2])), [[2.3, 0], [0, 2.3]], atol=1e-12)
    goals = HALF_CIRCLE.params(np.array([0.0, np.pi]))
    np.testing.assert_allclose(goals.goal_x, [1, -1])


def test_before_any_shot_the_prior_is_shown_and_every_shot_tells_more(explorers):
    first = explorers.explored((1.0, 1.0), 0, "drawn", 0)
    np.testing.assert_allclose(first.mean, 0.0)
    np.testing.assert_allclose(first.covariance, np.eye(2), atol=1e-6)
    assert first.information == 0.0 and first.gathered == []
    np.testing.assert_allclose(first.task, [2.3 * math.sqrt(0.5)] * 2)
    last = explorers.explored((1.0, 1.0), 3, "drawn", 0)
    assert np.linalg.eigvalsh(last.covariance)[-1] < 0.1 and last.information > 1.0
    assert [path.shape for path in last.gathered] == [(21, 2)] * 3 and last.paths.shape == (4, 21, 2)
    # The plane shows the belief: its samples spread as the covariance says.
    many = Explorers({"drawn": explorers._variants["drawn"]}, DIRECTION, samples=4000, marked=6, seen=2)
    spread = np.cov(many.explored((1.0, 1.0), 1, "drawn", 0).samples.T)
    np.testing.assert_allclose(spread, many.explored((1.0, 1.0), 1, "drawn", 0).covariance, atol=0.01)


def test_more_shots_begin_with_the_same_ones_and_numbers_drawn_elsewhere_stay(explorers):
    state = torch.random.get_rng_state()
    few = explorers.explored((0.0, 1.0), 4, "drawn", 1)
    all_ = explorers.explored((0.0, 1.0), 7, "drawn", 1)
    again = explorers.explored((0.0, 1.0), 4, "drawn", 1)
    assert torch.equal(torch.random.get_rng_state(), state)
    np.testing.assert_array_equal(few.mean, again.mean)
    np.testing.assert_array_equal(few.paths, again.paths)
    np.testing.assert_array_equal(few.gathered, all_.gathered[:4])
    assert (explorers.explored((0.0, 1.0), 4, "drawn", 2).samples != few.samples).any()


def test_who_believes_a_point_has_one_sample(explorers):
    found = explorers.explored((0.0, 1.0), 2, "mean", 0)
    assert found.information == math.inf and not found.covariance.any()
    np.testing.assert_array_equal(found.samples, np.tile(found.mean, (4, 1)).astype(np.float32))
    assert np.ptp(found.paths, axis=0).max() > 1e-3  # its actions are noisy all the same


def test_returns_are_those_of_the_paths(explorers):
    """In this world the return is ten times the way along the wanted direction, m."""
    found = explorers.explored((0.6, 0.8), 1, "drawn", 0)
    np.testing.assert_allclose(found.returns, found.paths[:, -1] @ [0.6, 0.8] / 0.1, atol=1e-4)


def test_explorations_are_kept_only_so_long(explorers, monkeypatch):
    monkeypatch.setattr(pearl_shots, "TRIALS_KEPT", 2)
    for x in (0.1, 0.2, 0.3):
        explorers.explored((x, 1.0), 1, "drawn", 0)
    assert len(explorers._kept) == 2
