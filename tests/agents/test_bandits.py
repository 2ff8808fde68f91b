"""Choosers of arms: their formulas typed out, ties, and how well they do where that is known."""

import math

import numpy as np
import pytest

from course_lib.agents import bandits

PUBLISHED = [
    [0.7029, 0.8001, 0.8452, 0.8723, 0.8905, 0.9039],
    [0.5001, 0.6346, 0.7072, 0.7539, 0.7869, 0.8115],
    [0.3796, 0.5163, 0.6010, 0.6579, 0.6996, 0.7318],
    [0.3021, 0.4342, 0.5184, 0.5809, 0.6276, 0.6642],
]
"""Gittins indices for gamma = 0.9: row b - 1, column a - 1 of Beta(a, b); recalled from Gittins 1989."""


def counts(rng: np.random.Generator, n: int = 50, arms: int = 4) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(20, size=(n, arms)), rng.integers(20, size=(n, arms))


def reward(chooser, arms: int, pulls: int, trials: int, seed: int = 0) -> float:
    """Mean reward of all pulls."""
    rng = np.random.default_rng(seed)
    return bandits.play(chooser, rng.random((trials, arms)), pulls, rng)[1].sum(0).mean()


def test_gittins_indices_are_the_published_ones():
    table = bandits.gittins_table(0.9, 10)
    np.testing.assert_allclose(table[:6, :4].T, PUBLISHED, atol=6e-5)


def test_a_gittins_index_is_at_least_the_mean_rises_with_success_and_with_gamma():
    near, far = (bandits.gittins_table(gamma, 12) for gamma in (0.5, 0.95))
    s, f = np.nonzero(~np.isnan(near))
    assert (s + f < 12).all() and len(s) == 78
    mean = (1 + s) / (2 + s + f)
    assert (near[s, f] >= mean - 1e-9).all() and (far[s, f] > near[s, f]).all()
    s, f = s[s + f < 11], f[s + f < 11]
    assert (near[s + 1, f] > near[s, f]).all() and (near[s, f + 1] < near[s, f]).all()
    np.testing.assert_allclose(bandits.gittins_table(1e-6, 5)[2, 1], 3 / 5, atol=1e-5)


def test_the_index_is_the_best_reward_per_discounted_pull_of_any_stopping_rule():
    """Gittins' other definition, with every stopping rule for up to four pulls of one arm tried."""
    gamma, index = 0.3, -1.0

    def outcomes(s: int, f: int, left: int) -> list[tuple[float, float]]:
        """Discounted reward and pulls of every rule that pulls at least once."""
        p = (1 + s) / (2 + s + f)
        stop = [(0.0, 0.0)]
        paid = stop + (outcomes(s + 1, f, left - 1) if left > 1 else [])
        not_paid = stop + (outcomes(s, f + 1, left - 1) if left > 1 else [])
        return [
            (p * (1 + gamma * a[0]) + (1 - p) * gamma * b[0], 1 + gamma * (p * a[1] + (1 - p) * b[1]))
            for a in paid
            for b in not_paid
        ]

    for r, t in outcomes(0, 0, 4):
        index = max(index, r / t)
    true = bandits.gittins_table(gamma, 1)[0, 0]
    assert true - 0.002 < index <= true + 1e-6


def test_the_bound_of_ucb1_is_its_formula_and_is_a_number_before_the_first_pull():
    rng = np.random.default_rng(0)
    paid, not_paid = counts(rng)
    bound = bandits.upper_confidence_bound(paid, not_paid, 0.7)
    for n, k in np.ndindex(paid.shape):
        t = 1 + sum(paid[n]) + sum(not_paid[n])
        m = 2 + paid[n, k] + not_paid[n, k]
        assert bound[n, k] == pytest.approx((1 + paid[n, k]) / m + 0.7 * math.sqrt(2 * math.log(t) / m))
    nothing = np.zeros((500, 4), dtype=np.int64)
    np.testing.assert_array_equal(bandits.upper_confidence_bound(nothing, nothing, 1.0), 0.5)


@pytest.mark.parametrize(
    "chooser",
    [
        bandits.random_arm,
        bandits.greedy,
        bandits.epsilon_greedy(0.3),
        bandits.ucb1(),
        bandits.thompson,
        bandits.optimistic_thompson,
        bandits.gittins(0.9, 5),
    ],
)
def test_arms_that_are_alike_are_pulled_equally_often(chooser):
    nothing = np.zeros((8000, 4), dtype=np.int64)
    chosen = chooser(nothing, nothing, np.random.default_rng(1))
    assert chosen.shape == (8000,)
    np.testing.assert_allclose(np.bincount(chosen, minlength=4) / 8000, 0.25, atol=0.02)


def test_thompson_pulls_an_arm_as_often_as_it_is_best_and_optimism_the_unknown_more():
    paid = np.tile([8, 1], (20_000, 1))
    not_paid = np.tile([4, 0], (20_000, 1))
    rng = np.random.default_rng(2)
    plain = bandits.thompson(paid, not_paid, rng).mean()
    bright = bandits.optimistic_thompson(paid, not_paid, rng).mean()
    grid = np.arange(0.0005, 1, 0.001)
    first = grid**8 * (1 - grid) ** 4  # density of Beta(9, 5), but for its factor
    below = first.cumsum() / first.sum()
    second_is_best = (below * 2 * grid).mean()  # Beta(2, 1) has density 2 p
    assert abs(plain - second_is_best) < 0.015
    assert bright > plain + 0.03


def test_epsilon_greedy_explores_as_often_as_it_says():
    paid = np.tile([0, 9, 0, 0], (20_000, 1))
    chosen = bandits.epsilon_greedy(0.4)(paid, np.zeros_like(paid), np.random.default_rng(3))
    assert abs((chosen == 1).mean() - (0.6 + 0.4 / 4)) < 0.015
    assert (bandits.epsilon_greedy(0.0)(paid, paid * 0, np.random.default_rng(3)) == 1).all()


def test_a_failure_of_a_dependent_arm_speaks_for_the_other():
    paid, not_paid = np.array([[1, 0], [0, 1]]), np.array([[4, 0], [0, 0]])
    np.testing.assert_array_equal(bandits.either_way(paid, not_paid, np.random.default_rng(0)), [1, 1])


def test_regret_is_what_was_lost_against_the_best_arm():
    arms = np.array([[0.2, 0.9], [0.5, 0.4]])
    lost = bandits.regret(arms, np.array([[0, 0], [1, 1], [0, 1]]))
    np.testing.assert_allclose(lost, [[0.7, 0.0], [0.7, 0.1], [1.4, 0.2]])


def test_the_choosers_earn_what_they_are_known_to_earn():
    assert abs(reward(bandits.random_arm, 5, 10, 10_000) - 5.0) < 0.1  # some four standard errors
    assert abs(reward(bandits.greedy, 5, 10, 10_000) - 6.63) < 0.1
    assert abs(reward(bandits.thompson, 5, 10, 10_000) - 5.83) < 0.1
    assert abs(reward(bandits.gittins(0.7, 10), 5, 10, 10_000) - 6.659) < 0.1
    assert abs(reward(bandits.thompson, 5, 100, 1000) - 74.99) < 2.0
    assert abs(reward(bandits.ucb1(0.2), 5, 100, 1000) - 78.32) < 2.0


def test_a_seed_fixes_a_play():
    arms = np.random.default_rng(4).random((30, 3))
    plays = [bandits.play(bandits.thompson, arms, 20, np.random.default_rng(5)) for _ in range(2)]
    for first, second in zip(*plays, strict=True):
        assert first.shape == (20, 30)
        np.testing.assert_array_equal(first, second)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="epsilon must be in"):
        bandits.epsilon_greedy(1.5)
    with pytest.raises(ValueError, match="c must not be negative, got -1"):
        bandits.ucb1(-1)
    with pytest.raises(ValueError, match="gamma must be in"):
        bandits.gittins(1.0, 5)
    with pytest.raises(ValueError, match="pulls must be at least 1"):
        bandits.gittins_table(0.9, 0)
