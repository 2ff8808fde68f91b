"""PSRL: plans tried one by one, posteriors in closed form, and how much a draw from them earns."""

from itertools import product

import numpy as np
import pytest

from course_lib.agents import psrl
from course_lib.envs import random_mdp

FAMILY = random_mdp.family()


def worlds(n: int, seed: int = 0):
    """N random MDPs for a planner, and their tables."""
    tasks = FAMILY.sample(np.random.default_rng(seed), n)
    env = FAMILY.make_vec(n, tasks, autoreset_mode="Disabled", context_observed=False)
    return env, tasks


def test_a_plan_is_the_best_of_all_plans():
    rng = np.random.default_rng(0)
    dynamics, reward = rng.dirichlet(np.ones(2), (3, 2, 2)), rng.normal(size=(3, 2, 2))
    plan, value = psrl.optimal_plan(dynamics, reward, 3)
    for n in range(3):
        best = np.full(2, -np.inf)
        for tried in product(range(2), repeat=6):  # an action for each of 3 steps and 2 states
            worth = np.zeros(2)
            for step in (2, 1, 0):
                do = np.reshape(tried, (3, 2))[step]
                worth = reward[n, [0, 1], do] + dynamics[n, [0, 1], do] @ worth
            best = np.maximum(best, worth)
        np.testing.assert_allclose(value[n, 0], best)
        worth = np.zeros(2)
        for step in (2, 1, 0):
            do = plan[n, step]
            worth = reward[n, [0, 1], do] + dynamics[n, [0, 1], do] @ worth
        np.testing.assert_allclose(worth, best)


def test_the_posterior_is_bayes_rule():
    posterior = psrl.Posterior(2, 3, 2, concentration=0.5, reward_mean=-1.0, reward_std=2.0, noise_std=0.5)
    rng = np.random.default_rng(1)
    rewards = rng.normal(3.0, 0.5, size=(7, 2))
    for t, reward in enumerate(rewards):
        posterior.observe(np.array([1, 2]), np.array([0, 1]), reward, np.array([t % 2, 2]))
    dynamics, mean = posterior.mean()
    np.testing.assert_allclose(dynamics[0, 1, 0], np.array([4.5, 3.5, 0.5]) / 8.5)
    np.testing.assert_allclose(dynamics[1, 2, 1], np.array([0.5, 0.5, 7.5]) / 8.5)
    np.testing.assert_allclose(dynamics[0, 2, 1], 1 / 3)
    # Density of the mean on a grid: prior times likelihood, as Bayes wrote it.
    grid = np.linspace(-10, 10, 20_001)
    log = -0.5 * ((grid + 1) / 2) ** 2 - 0.5 * (((rewards[:, :1] - grid) / 0.5) ** 2).sum(0)
    weight = np.exp(log - log.max())
    np.testing.assert_allclose(mean[0, 1, 0], (weight * grid).sum() / weight.sum(), rtol=1e-6)
    spread = (weight * (grid - mean[0, 1, 0]) ** 2).sum() / weight.sum()
    np.testing.assert_allclose(1 / posterior.precision[0, 1, 0], spread, rtol=1e-6)
    assert mean[0, 0, 0] == -1.0 and posterior.precision[0, 0, 0] == 0.25


def test_draws_have_the_moments_of_the_posterior():
    posterior = psrl.Posterior(4000, 3, 1)
    for then in (0, 0, 0, 2):
        zeros = np.zeros(4000, dtype=np.int64)
        posterior.observe(zeros, zeros, np.full(4000, 2.0), zeros + then)
    dynamics, reward = posterior.sample(np.random.default_rng(2))
    alpha = np.array([4.0, 1.0, 2.0]) / 7
    np.testing.assert_allclose(dynamics.sum(-1), 1.0)
    np.testing.assert_allclose(dynamics[:, 0, 0].mean(0), alpha, atol=0.012)
    np.testing.assert_allclose(dynamics[:, 0, 0].var(0), alpha * (1 - alpha) / 8, rtol=0.1)
    np.testing.assert_allclose(reward[:, 0, 0].mean(), (1 + 4 * 2) / 5, atol=0.03)
    np.testing.assert_allclose(reward[:, 0, 0].var(), 1 / 5, rtol=0.1)


def test_planners_earn_what_they_are_known_to_earn():
    env, tasks = worlds(300)
    earned = {}
    for planner in (psrl.random_actions, psrl.greedy, psrl.posterior_sampling):
        rng = np.random.default_rng(3)
        earned[planner.__name__] = psrl.play(env, planner, 25, 4, rng).cumsum(0).mean(1)
    assert abs(earned["random_actions"][9] - 99.3) < 2.5  # some four standard errors
    assert abs(earned["greedy"][9] - 148.7) < 8
    assert abs(earned["posterior_sampling"][9] - 133.0) < 8
    assert abs(earned["posterior_sampling"][24] - 402.2) < 18
    best = psrl.knowing(tasks.dynamics, tasks.reward)
    got = psrl.play(env, best, 10, 5, np.random.default_rng(5)).mean(1)
    value = psrl.optimal_plan(tasks.dynamics, tasks.reward, 10)[1][:, 0, 0].mean()
    assert abs(got.mean() - value) < 4 * 3.3 / np.sqrt(300 * 10)
    assert abs(value - 21.81) < 0.6


def test_posterior_sampling_comes_to_know_a_world_and_a_seed_fixes_it():
    env, tasks = worlds(2, seed=6)
    runs = [psrl.play(env, psrl.posterior_sampling, 150, 7, np.random.default_rng(7)) for _ in range(2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    value = psrl.optimal_plan(tasks.dynamics, tasks.reward, 10)[1][:, 0, 0].mean()
    assert runs[0][:5].mean() < 0.8 * value and runs[0][-50:].mean() > 0.9 * value


def test_what_cannot_be_is_refused():
    rng = np.random.default_rng(8)
    with pytest.raises(ValueError, match="noise_std must be positive, got 0"):
        psrl.Posterior(1, 2, 2, noise_std=0.0)
    with pytest.raises(ValueError, match="autoreset_mode"):
        psrl.play(FAMILY.make_vec(2, context_observed=False), psrl.greedy, 1, 0, rng)
    endless = FAMILY.make_vec(2, max_episode_steps=None, autoreset_mode="Disabled", context_observed=False)
    with pytest.raises(ValueError, match="max_episode_steps"):
        psrl.play(endless, psrl.greedy, 1, 0, rng)
