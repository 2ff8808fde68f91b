"""The correction that makes two worlds one: by hand, as a divergence, and from counted transitions."""

import numpy as np
import pytest
from scipy.special import logsumexp

from course_lib.core.tabular import expected_reward, occupancy, soft_value_iteration
from course_lib.core.tabular_correction import (
    compare,
    domain_logits,
    estimated_correction,
    exact_correction,
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


def test_compare_pays_the_correction_in_reward_per_nat_in_the_source(rng):
    (source, reward), (target, _) = random_world(rng), random_world(rng)
    terminal = np.arange(6) == 5
    delta = exact_correction(source, target)
    result = compare(source, target, reward, terminal, 0, delta, 0.9, 0.3, 10)
    paid = reward[:, :, None] + 0.3 * delta
    np.testing.assert_allclose(
        result.source_value, soft_value_iteration(source, paid, 0.9, 0.3, terminal).value
    )
    np.testing.assert_allclose(
        result.target_value, soft_value_iteration(target, reward, 0.9, 0.3, terminal).value
    )


def test_compare_adds_up_the_rewards_of_the_target_step_by_step(rng):
    (source, reward), (target, _) = random_world(rng), random_world(rng)
    terminal = np.arange(6) == 5
    delta = exact_correction(source, target)
    alone = compare(source, target, reward, terminal, 0, delta, 0.9, 0.3, 10).outcomes[0]
    action = soft_value_iteration(source, reward, 0.9, 0.3, terminal).policy.argmax(axis=1)
    place, paid = np.eye(6)[0], 0.0
    for _ in range(10):
        paid += sum(place[s] * reward[s, action[s]] for s in range(5))
        place = sum(place[s] * (np.eye(6)[5] if s == 5 else target[s, action[s]]) for s in range(6))
    assert alone.expected_return == pytest.approx(paid)
    assert alone.arrival == pytest.approx(place[5])
