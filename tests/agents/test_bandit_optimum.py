"""The optimum of bandits: known values, every plan tried by hand, and a policy that earns what it should."""

from functools import cache

import numpy as np
import pytest

from course_lib.agents import bandits
from course_lib.agents.bandit_optimum import dependent_value, optimal_value, optimum


@cache
def by_hand(state: tuple[tuple[int, int], ...], left: int) -> float:
    """Bellman's equation, with every order of the arms a state of its own."""
    if left == 0:
        return 0.0
    worth = []
    for arm, (s, f) in enumerate(state):
        p = (1 + s) / (2 + s + f)
        paid, not_paid = ((*state[:arm], after, *state[arm + 1 :]) for after in ((s + 1, f), (s, f + 1)))
        worth.append(p * (1 + by_hand(paid, left - 1)) + (1 - p) * by_hand(not_paid, left - 1))
    return max(worth)


@pytest.mark.parametrize(
    ("arms", "pulls", "value"),
    [
        (2, 10, 6.0218),
        (5, 10, 6.6600),
        (50, 10, 6.7140),
        (2, 20, 12.4313),
        (5, 15, 10.4315),
        (2, 50, 31.9967),
    ],
)
def test_values_are_the_known_ones(arms, pulls, value):
    assert optimal_value(arms, pulls) == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize(("arms", "pulls"), [(1, 6), (2, 1), (2, 7), (3, 5)])
def test_values_are_those_of_bellmans_equation(arms, pulls):
    assert optimum(arms, pulls).value == pytest.approx(by_hand(((0, 0),) * arms, pulls), abs=1e-12)


def test_the_policy_earns_its_value_whatever_the_order_of_the_arms():
    best, rng = optimum(3, 12), np.random.default_rng(0)
    arms = rng.random((40_000, 3))
    actions, rewards = bandits.play(best, arms, 12, rng)
    got = rewards.sum(0)
    assert abs(got.mean() - best.value) < 4 * got.std() / 200
    np.testing.assert_allclose(np.bincount(actions[0]) / 40_000, 1 / 3, atol=0.02)


def test_the_last_pull_is_greedy_and_the_first_ones_value_the_unknown():
    best, rng = optimum(2, 20), np.random.default_rng(1)
    last = rng.integers(6, size=(200, 4))
    last[:, 3] = 19 - last[:, :3].sum(1)
    paid, not_paid = last[:, :2], last[:, 2:]
    chosen = best(paid, not_paid, rng)
    mean = bandits.posterior_mean(paid, not_paid)
    np.testing.assert_allclose(mean[np.arange(200), chosen], mean.max(1))
    # The first arm has the better mean, 2/3 against 1/2; the other is unknown.
    paid, not_paid = np.array([[3, 0]]), np.array([[1, 0]])
    assert bandits.greedy(paid, not_paid, rng) == best(paid, not_paid, rng) == 0
    paid, not_paid = np.array([[3, 0]]), np.array([[2, 0]])
    assert bandits.greedy(paid, not_paid, rng) == 0 and best(paid, not_paid, rng) == 1


@pytest.mark.parametrize(("low", "value"), [(0.1, 89.375), (0.25, 74.0), (0.4, 57.688)])
def test_dependent_arms_have_the_known_values(low, value):
    exact = dependent_value(np.array([low, 1 - low]), np.array([0.5, 0.5]), 100)
    assert exact == pytest.approx(value, abs=2e-4)
    rng = np.random.default_rng(2)
    p = rng.choice([low, 1 - low], 4000)
    arms = np.stack([p, 1 - p], axis=1)
    got = bandits.play(bandits.either_way, arms, 100, rng)[1].sum(0)
    assert abs(got.mean() - exact) < 4 * got.std() / np.sqrt(4000)


def test_dependent_arms_of_any_probability_are_exact_too():
    nodes, weights = np.polynomial.legendre.leggauss(30)
    by_counts = 0.0  # if p is uniform, so is the number h of the t pulls that spoke for the first arm
    for t in range(50):
        h = np.arange(t + 1)
        by_counts += (np.maximum(1 + h, 1 + t - h) / (2 + t)).mean()
    assert dependent_value((nodes + 1) / 2, weights / 2, 50) == pytest.approx(by_counts, abs=1e-9)


def test_nobody_beats_the_optimum():
    rng = np.random.default_rng(3)
    arms = rng.random((20_000, 5))
    for chooser in (bandits.greedy, bandits.thompson, bandits.ucb1(0.2), bandits.gittins(0.7, 10)):
        got = bandits.play(chooser, arms, 10, rng)[1].sum(0)
        assert got.mean() < optimal_value(5, 10) + 3 * got.std() / np.sqrt(20_000)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="arms and pulls must be at least 1, got 0 and 3"):
        optimum(0, 3)
    with pytest.raises(ValueError, match="5 arms and 100 pulls are too many"):
        optimum(5, 100)
    nothing = np.zeros((2, 2), dtype=np.int64)
    with pytest.raises(ValueError, match="fewer than 1 times"):
        optimum(2, 1)(nothing + 1, nothing, np.random.default_rng(0))
    with pytest.raises(ValueError, match="equally often"):
        optimum(2, 9)(np.array([[1, 0], [0, 0]]), nothing, np.random.default_rng(0))
