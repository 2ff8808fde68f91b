"""Exact RL in tables: closed forms, and the slow formulas."""

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp

from course_lib.core.tabular import (
    best_future_density,
    expected_reward,
    future_density,
    greedy,
    greedy_path,
    occupancy,
    policy_evaluation,
    soft_value_iteration,
)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def random_world(rng, states=6, actions=3):
    return rng.dirichlet(np.ones(states), (states, actions)), rng.normal(size=(states, actions))


def pit(falls: float, hazard: float = 1000.0):
    """Three cells and a pit: a short step past it, or two steps around. `falls`: share of the former."""
    start, middle, goal, hole = range(4)
    dynamics = np.zeros((4, 2, 4))
    dynamics[start, 0, [goal, hole]] = 1 - falls, falls  # the short step
    dynamics[start, 1, middle] = 1.0
    dynamics[middle, :, goal] = 1.0
    dynamics[[goal, hole], :, [goal, hole]] = 1.0
    reward = np.full((4, 2, 4), -1.0)
    reward[..., hole] = -hazard
    return dynamics, reward, np.array([False, False, True, True])


# --- soft value iteration


def test_a_bandit_has_the_closed_form():
    dynamics, reward = np.ones((1, 3, 1)), np.array([[0.0, 1.0, 3.0]])
    for temperature in (0.1, 1.0, 4.0):
        solution = soft_value_iteration(dynamics, reward, 0.9, temperature)
        # V = log-sum-exp(r + gamma V), and the constant gamma V comes out of it
        value = temperature * logsumexp(reward[0] / temperature) / (1 - 0.9)
        np.testing.assert_allclose(solution.value, [value], rtol=1e-7)
        share = np.exp(reward[0] / temperature)
        np.testing.assert_allclose(solution.policy[0], share / share.sum(), rtol=1e-9)


def test_two_states_by_hand():
    """Stay for reward 1, or leave for a terminal state: V = alpha log(e^((1 + gamma V) / alpha) + e^0)."""
    dynamics = np.zeros((2, 2, 2))
    dynamics[0, 0, 0] = dynamics[0, 1, 1] = dynamics[1, :, 1] = 1.0
    reward = np.array([[1.0, 0.0], [0.0, 0.0]])
    solution = soft_value_iteration(dynamics, reward, 0.5, 0.7, np.array([False, True]))
    value = 0.0
    for _ in range(200):
        value = 0.7 * np.log(np.exp((1 + 0.5 * value) / 0.7) + 1)
    np.testing.assert_allclose(solution.value, [value, 0.0], atol=1e-8)
    np.testing.assert_allclose(solution.policy[0, 1], np.exp(-value / 0.7), atol=1e-8)


def test_the_value_is_reward_plus_entropy_of_its_own_policy(rng):
    dynamics, reward = random_world(rng)
    solution = soft_value_iteration(dynamics, reward, 0.9, 0.5)
    entropy = -(solution.policy * np.log(solution.policy)).sum(axis=1, keepdims=True)
    value = policy_evaluation(dynamics, reward + 0.5 * entropy, solution.policy, 0.9)
    np.testing.assert_allclose(solution.value, value, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.01, 0.3, 3.0])
def test_it_solves_bellmans_equation_as_plain_sweeps_do(rng, temperature):
    dynamics, reward = random_world(rng)
    terminal = np.arange(6) == 3
    value = np.zeros(6)
    for _ in range(2000):
        q = reward + 0.95 * np.einsum("sap,p->sa", dynamics, value)
        value = np.where(terminal, 0.0, temperature * logsumexp(q / temperature, axis=1))
    solution = soft_value_iteration(dynamics, reward, 0.95, temperature, terminal)
    np.testing.assert_allclose(solution.value, value, atol=1e-7)
    np.testing.assert_allclose(solution.action_value, q, atol=1e-7)


def test_a_pocket_without_a_way_out_is_no_harder(rng):
    dynamics, reward = random_world(rng)
    dynamics[4:] = 0.0
    dynamics[4, :, 5] = dynamics[5, :, 4] = 1.0
    solution = soft_value_iteration(dynamics, reward - 10, 0.999999, 0.1, np.arange(6) == 0)
    assert solution.value[4:].max() < -1e6 / 2 and np.isfinite(solution.policy).all()


def test_no_other_policy_is_better(rng):
    dynamics, reward = random_world(rng)
    best = soft_value_iteration(dynamics, reward, 0.9, 0.5).value
    for _ in range(50):
        policy = rng.dirichlet(np.ones(3), 6)
        entropy = -(policy * np.log(policy)).sum(axis=1, keepdims=True)
        assert (policy_evaluation(dynamics, reward + 0.5 * entropy, policy, 0.9) <= best + 1e-6).all()


def test_without_temperature_it_becomes_value_iteration(rng):
    dynamics, reward = random_world(rng)
    value = np.zeros(6)
    for _ in range(500):
        hard = reward + 0.9 * np.einsum("sap,p->sa", dynamics, value)
        value = hard.max(axis=1)
    errors = []
    for temperature in (1e-1, 1e-2, 1e-3):
        solution = soft_value_iteration(dynamics, reward, 0.9, temperature)
        errors.append(np.abs(solution.value - value).max())
        assert errors[-1] <= temperature * np.log(3) / (1 - 0.9) + 1e-7
    assert errors == sorted(errors, reverse=True)
    np.testing.assert_array_equal(greedy(solution.policy).argmax(axis=1), hard.argmax(axis=1))


def test_huge_values_do_not_overflow():
    dynamics, reward = np.ones((1, 2, 1)), np.array([[1e6, -1e6]])
    solution = soft_value_iteration(dynamics, reward, 0.5, 1e-3)
    np.testing.assert_allclose(solution.value, [2e6], rtol=1e-9)
    np.testing.assert_array_equal(solution.policy, [[1.0, 0.0]])


def test_a_reward_by_next_state_counts_by_its_mean(rng):
    dynamics, _ = random_world(rng)
    reward = rng.normal(size=(6, 3, 6))
    slow = np.array([[sum(dynamics[s, a] * reward[s, a]) for a in range(3)] for s in range(6)])
    np.testing.assert_allclose(expected_reward(dynamics, reward), slow, rtol=1e-12)
    one, other = (soft_value_iteration(dynamics, r, 0.9, 0.5) for r in (reward, slow))
    np.testing.assert_allclose(one.policy, other.policy, rtol=1e-9)


def test_a_terminal_state_is_worth_nothing_whatever_it_pays(rng):
    dynamics, reward = random_world(rng)
    terminal = np.arange(6) == 2
    reward[2] = 1e3
    solution = soft_value_iteration(dynamics, reward, 0.99, 0.1, terminal)
    assert solution.value[2] == 0.0
    assert policy_evaluation(dynamics, reward, solution.policy, 0.9, terminal)[2] == 0.0


def test_what_cannot_be_computed_says_why(rng):
    dynamics, reward = random_world(rng)
    with pytest.raises(ValueError, match=r"gamma must be in \[0, 1\), got 1.0"):
        soft_value_iteration(dynamics, reward, 1.0, 1.0)
    with pytest.raises(ValueError, match="temperature must be positive, got 0"):
        soft_value_iteration(dynamics, reward, 0.9, 0.0)
    with pytest.raises(ValueError, match="an endless episode"):
        policy_evaluation(dynamics, reward, np.full((6, 3), 1 / 3), 1.0)
    with pytest.raises(ValueError, match="did not settle in 200 sweeps: is every reward"):
        soft_value_iteration(dynamics, np.full_like(reward, np.nan), 0.9, 1.0)


# --- what a policy does


def test_evaluation_equals_the_sum_over_time(rng):
    dynamics, reward = random_world(rng)
    policy = rng.dirichlet(np.ones(3), 6)
    terminal = np.arange(6) == 4
    value = policy_evaluation(dynamics, reward, policy, 0.8, terminal)
    where = occupancy(dynamics, policy, 1, 200, terminal)
    pay = np.where(terminal, 0.0, (policy * reward).sum(axis=1))
    np.testing.assert_allclose((0.8 ** np.arange(201)) @ where @ pay, value[1], rtol=1e-9)


def test_occupancy_is_a_distribution_at_every_step_and_the_end_is_kept(rng):
    dynamics, _ = random_world(rng)
    terminal = np.arange(6) == 4
    where = occupancy(dynamics, rng.dirichlet(np.ones(3), 6), 0, 30, terminal)
    assert where.shape == (31, 6) and where[0, 0] == 1.0
    np.testing.assert_allclose(where.sum(axis=1), 1.0, rtol=1e-12)
    assert (np.diff(where[:, 4]) >= 0).all()


def test_the_greedy_path_passes_failures_and_ends_where_it_gets_stuck():
    dynamics = np.zeros((4, 2, 4))
    dynamics[0, 0, [0, 1]] = 0.9, 0.1  # mostly fails
    dynamics[1, 0, [2, 3]] = 0.7, 0.3
    dynamics[2, 0, 2] = dynamics[3, 0, 3] = 1.0
    dynamics[:, 1, 0] = 1.0
    first = np.tile([1.0, 0.0], (4, 1))
    assert greedy_path(dynamics, first, 0) == [0, 1, 2]
    assert greedy_path(dynamics, first, 0, np.arange(4) == 1) == [0, 1]
    there_and_back = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert greedy_path(dynamics, there_and_back, 0) == [0, 1, 0]


def test_equal_actions_are_settled_by_order_and_not_by_rounding():
    np.testing.assert_array_equal(greedy(np.array([[0.5 - 1e-13, 0.5]])), [[1.0, 0.0]])


# --- where a policy will be


def test_the_future_density_is_the_discounted_sum_from_the_next_state_on(rng):
    dynamics, _ = random_world(rng)
    policy = rng.dirichlet(np.ones(3), 6)
    move = np.einsum("ij,ijk->ik", policy, dynamics)
    slow, later = np.zeros_like(dynamics), dynamics
    for k in range(400):
        slow += (1 - 0.9) * 0.9**k * later
        later = later @ move
    density = future_density(dynamics, policy, 0.9)
    np.testing.assert_allclose(density, slow, atol=1e-12)
    np.testing.assert_allclose(density.sum(axis=2), 1.0, rtol=1e-12)
    np.testing.assert_allclose(future_density(dynamics, policy, 0.0), dynamics, atol=1e-15)


def test_the_future_density_pays_like_a_reward_for_being_there(rng):
    """p+(g | s, a) / (1 - gamma) is the action value of a reward of 1 for each step into g."""
    dynamics, _ = random_world(rng)
    policy = rng.dirichlet(np.ones(3), 6)
    into = np.broadcast_to(np.eye(6)[2], dynamics.shape).copy()
    value = policy_evaluation(dynamics, into, policy, 0.8)
    density = future_density(dynamics, policy, 0.8)[:, :, 2]
    np.testing.assert_allclose((policy * density).sum(axis=1) / (1 - 0.8), value, rtol=1e-9)


def test_the_best_future_density_is_that_of_the_best_of_all_policies(rng):
    dynamics = rng.dirichlet(np.ones(3), (3, 2))
    every = [np.eye(2)[list(choice)] for choice in product(range(2), repeat=3)]
    slow = np.max([future_density(dynamics, policy, 0.9) for policy in every], axis=0)
    np.testing.assert_allclose(best_future_density(dynamics, 0.9), slow, atol=1e-10)
    np.testing.assert_array_equal(best_future_density(dynamics, 0.0), dynamics)
    assert np.isnan(best_future_density(np.full((2, 1, 2), np.nan), 0.9)).all()


@pytest.mark.parametrize("gamma", [1.0, -0.1])
def test_an_endless_future_has_no_density(rng, gamma):
    dynamics, _ = random_world(rng)
    with pytest.raises(ValueError, match=rf"gamma must be in \[0, 1\), got {gamma}"):
        future_density(dynamics, np.full((6, 3), 1 / 3), gamma)
    with pytest.raises(ValueError, match="an endless future"):
        best_future_density(dynamics, gamma)
