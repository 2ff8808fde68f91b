"""Exact maximum-entropy RL: closed forms, the slow formulas, and the correction that makes two worlds one."""

import numpy as np
import pytest
from scipy.special import logsumexp

from course_lib.core.tabular import (
    compare,
    domain_logits,
    estimated_correction,
    exact_correction,
    expected_reward,
    greedy,
    greedy_path,
    occupancy,
    policy_evaluation,
    soft_value_iteration,
    transition_counts,
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


# --- the correction


def test_correction_by_hand_and_for_every_kind_of_zero():
    source = np.array([[[0.5, 0.5, 0.0, 0.0]]]).repeat(4, axis=0)
    target = np.array([[[0.25, 0.0, 0.75, 0.0]]]).repeat(4, axis=0)
    np.testing.assert_allclose(exact_correction(source, target, 7.0)[0, 0], [np.log(0.5), -7.0, 7.0, 0.0])
    with pytest.raises(ValueError, match="limit must be positive, got 0"):
        exact_correction(source, target, 0.0)


def test_on_average_the_correction_only_punishes(rng):
    """E_source[delta] = -KL(p_source || p_target), typed out; and equal worlds need none."""
    (source, _), (target, _) = random_world(rng), random_world(rng)
    kl = np.array(
        [
            [sum(p * np.log(p / q)) for p, q in zip(*rows, strict=True)]
            for rows in zip(source, target, strict=True)
        ]
    )
    delta = exact_correction(source, target, 100.0)
    np.testing.assert_allclose(expected_reward(source, delta), -kl, rtol=1e-10)
    assert (kl > 0).all()
    np.testing.assert_array_equal(exact_correction(source, source), 0.0)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_with_the_correction_the_source_learns_the_targets_policy(temperature):
    """Exactly so where all that the worlds do differently is forbidden in the target: here, to fall."""
    source, reward, terminal = pit(falls=0.0)
    target, _, _ = pit(falls=1.0)
    delta = exact_correction(source, target, limit=1000.0 / temperature)
    solved = {
        "source": soft_value_iteration(source, reward, 0.99, temperature, terminal),
        "corrected": soft_value_iteration(source, reward + temperature * delta, 0.99, temperature, terminal),
        "target": soft_value_iteration(target, reward, 0.99, temperature, terminal),
    }
    running = ~terminal
    np.testing.assert_allclose(
        solved["corrected"].policy[running], solved["target"].policy[running], atol=1e-12
    )
    np.testing.assert_allclose(solved["corrected"].value, solved["target"].value, atol=1e-9)
    assert np.abs(solved["source"].policy - solved["target"].policy).max() > 0.4


def test_the_corrected_return_is_a_divergence_from_the_targets_best_trajectories():
    """DARC's theorem by enumeration: -KL to p_target(tau) exp(sum of r / alpha), up to a constant."""
    rng = np.random.default_rng(1)
    alpha, steps = 0.7, 3
    (source, reward), (target, _) = random_world(rng, 3, 2), random_world(rng, 3, 2)
    delta = exact_correction(source, target, 100.0)

    def objective(policy):
        entropy = -(policy * np.log(policy)).sum(axis=1)
        pay = (policy * (reward + alpha * expected_reward(source, delta))).sum(axis=1) + alpha * entropy
        return (occupancy(source, policy, 0, steps - 1) @ pay).sum()

    def divergence(policy):
        total = 0.0
        tree = [(0, 1.0, 0.0)]  # state, probability under the source, log of it over the tilted target's
        for _ in range(steps):
            tree = [
                (n, p * policy[s, a] * source[s, a, n],
                 log + np.log(policy[s, a] * source[s, a, n] / target[s, a, n]) - reward[s, a] / alpha)
                for s, p, log in tree for a in range(2) for n in range(3)
            ]  # fmt: skip
        total = sum(p * log for _, p, log in tree)
        return total

    for policy in rng.dirichlet(np.ones(2), (5, 3)):
        assert objective(policy) == pytest.approx(-alpha * divergence(policy), rel=1e-9)


# --- the correction from counts


def test_counts_by_hand():
    seen = tuple(np.array(x) for x in ([0, 0, 1], [1, 1, 0], [1, 1, 0]))
    counts = transition_counts(seen, (2, 2, 2))
    assert counts[0, 1, 1] == 2 and counts[1, 0, 0] == 1 and counts.sum() == 3


def test_logits_of_infinite_data_give_the_exact_correction_at_any_class_balance(rng):
    (source, _), (target, _) = random_world(rng), random_world(rng)
    for share in (1.0, 0.01):
        sa, sas = domain_logits(1e12 * source, share * 1e12 * target, 1e-3)
        log_sa, log_sas = (x - logsumexp(x, axis=-1, keepdims=True) for x in (sa, sas))
        four = log_sas[..., 1] - log_sa[..., None, 1] - log_sas[..., 0] + log_sa[..., None, 0]
        np.testing.assert_allclose(four, exact_correction(source, target, 100.0), atol=1e-6)


def test_the_prior_in_words():
    """One (s, a): the source went right 3 of 4 times, the target never did in 2."""
    counts = [np.array([[[1.0, 3.0]], [[0.0, 0.0]]]), np.array([[[2.0, 0.0]], [[0.0, 0.0]]])]
    sa, sas = domain_logits(*counts, prior=0.5)
    np.testing.assert_allclose(np.exp(sa[0, 0]), [4.5, 2.5])
    np.testing.assert_allclose(np.exp(sas[0, 0]), [[1.25, 2.25], [3.25, 0.25]])  # 0.5, half to each side
    np.testing.assert_array_equal(sas[1, 0], 0.0)
    with pytest.raises(ValueError, match="prior must be positive, got 0"):
        domain_logits(*counts, prior=0)


def draw(rng, dynamics, n):
    s, a = rng.integers(dynamics.shape[0], size=n), rng.integers(dynamics.shape[1], size=n)
    cumulative = dynamics[s, a].cumsum(axis=1)
    return s, a, np.minimum((cumulative < rng.random((n, 1))).sum(axis=1), dynamics.shape[2] - 1)


def test_without_target_data_there_is_no_correction(rng):
    source, _ = random_world(rng)
    nothing = tuple(np.empty(0, dtype=int) for _ in range(3))
    delta = estimated_correction(draw(rng, source, 5000), nothing, source.shape)
    np.testing.assert_allclose(delta, 0.0, atol=1e-12)


def test_the_estimate_approaches_the_exact_correction(rng):
    (source, _), (target, _) = random_world(rng), random_world(rng)
    exact = exact_correction(source, target)
    errors = []
    for n in (300, 3000, 30_000, 300_000):
        delta = estimated_correction(draw(rng, source, 300_000), draw(rng, target, n), source.shape)
        errors.append(np.sqrt((source * (delta - exact) ** 2).sum() / source.shape[0] / source.shape[1]))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.05 < 0.3 < errors[0]
    assert np.corrcoef(delta.ravel(), exact.ravel())[0, 1] > 0.99


def test_the_estimate_is_clipped_and_swapping_the_domains_turns_its_sign(rng):
    (source, _), (target, _) = random_world(rng), random_world(rng)
    seen, shot = draw(rng, source, 500), draw(rng, target, 500)
    delta = estimated_correction(seen, shot, source.shape, 0.1, 2.0)
    np.testing.assert_allclose(delta, -estimated_correction(shot, seen, source.shape, 0.1, 2.0), atol=1e-12)
    assert np.abs(delta).max() == 2.0


# --- three policies at once


def test_compare_judges_each_policy_in_the_target():
    source, reward, terminal = pit(falls=0.0)
    target, _, _ = pit(falls=1.0)
    per_action = expected_reward(target, reward)
    delta = exact_correction(source, target, 2000.0)
    # the reward of a step may not tell the fall, or the source would know it already
    result = compare(source, target, np.full_like(per_action, -1.0), terminal, 0, delta, 0.9, 0.5, 10)
    alone, corrected, best = result.outcomes
    assert [o.name for o in result.outcomes] == ["source only", "source + correction", "target"]
    assert alone.source_path == [0, 2] and alone.target_path == [0, 3], "it falls"
    assert corrected.source_path == corrected.target_path == [0, 1, 2]
    assert corrected.expected_return == -2.0 and corrected.arrival == 1.0
    assert best.expected_return == -1.0, "to fall is over sooner, and this reward does not mind"
    np.testing.assert_allclose(result.correction[0], [-2000.0, 0.0])
    assert result.source_value.shape == result.target_value.shape == (4,)
