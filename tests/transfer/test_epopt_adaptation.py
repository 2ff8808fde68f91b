"""EPOpt's adaptation: each equation against its definition, and a hidden parameter that it must find."""

import numpy as np
import pytest
from scipy import stats

from course_lib.transfer import epopt_adaptation


def test_log_likelihood_is_a_product_of_normal_densities():
    rng = np.random.default_rng(0)
    predicted, observed, scale = rng.normal(size=(3, 4, 2)), rng.normal(size=(4, 2)), np.array([0.5, 2.0])
    out = epopt_adaptation.transition_log_likelihood(predicted, observed, scale)
    for k in range(3):
        for t in range(4):
            density = np.prod(
                [stats.norm(predicted[k, t, s], scale[s]).pdf(observed[t, s]) for s in range(2)]
            )
            assert out[k, t] == pytest.approx(np.log(density))


def test_the_posterior_is_the_exact_one_of_a_normal_model():
    """y_t ~ N(theta, 1), theta ~ N(0, 1), particles on a grid: N(sum y / (n + 1), 1 / (n + 1))."""
    theta = np.linspace(-6, 6, 4001)
    observed = np.random.default_rng(0).normal(1.3, 1.0, size=(25, 1))
    predicted = np.broadcast_to(theta[:, None, None], (4001, 25, 1))
    weights = epopt_adaptation.posterior_weights(
        stats.norm.logpdf(theta), epopt_adaptation.transition_log_likelihood(predicted, observed, np.ones(1))
    )
    mean = weights @ theta
    assert mean == pytest.approx(observed.sum() / 26, abs=1e-6)
    assert weights @ (theta - mean) ** 2 == pytest.approx(1 / 26, rel=1e-4)


def test_a_thousand_unlikely_transitions_do_not_underflow():
    weights = epopt_adaptation.posterior_weights(
        np.zeros(3), np.full((3, 1000), -800.0) + np.array([[0.0], [-0.001], [-1.0]])
    )
    assert weights.sum() == pytest.approx(1.0) and weights[1] / weights[0] == pytest.approx(np.exp(-1.0))


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
def test_particles_that_explain_nothing_are_refused(bad):
    with pytest.raises(ValueError, match="none of the 3 particles"):
        epopt_adaptation.posterior_weights(np.zeros(3), np.full((3, 2), bad))


def test_a_diverged_particle_gets_no_weight():
    weights = epopt_adaptation.posterior_weights(np.zeros(2), np.array([[-np.inf, 0.0], [-1.0, -1.0]]))
    assert weights.tolist() == [0.0, 1.0]


def test_no_evidence_leaves_the_prior():
    prior = np.log([0.2, 0.3, 0.5])
    np.testing.assert_allclose(epopt_adaptation.posterior_weights(prior, np.zeros((3, 0))), [0.2, 0.3, 0.5])


def test_resampling_keeps_mean_and_variance_and_stays_within_bounds():
    rng = np.random.default_rng(0)
    particles = rng.normal([5.0, 0.0], [1.0, 0.1], size=(20_000, 2))
    weights = stats.norm(5.5, 0.7).pdf(particles[:, 0])
    weights /= weights.sum()
    mean = weights @ particles
    variance = weights @ (particles - mean) ** 2
    new = epopt_adaptation.resample(rng, particles, weights, np.array([3.0, -9.0]), np.array([9.0, 9.0]))
    np.testing.assert_allclose(new.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(new.var(0), variance, rtol=0.05)
    assert len(np.unique(new[:, 0])) > 19_000  # not copies
    assert (
        epopt_adaptation.resample(rng, particles, weights, np.array([5.0, 0.0]), np.array([6.0, 1.0])).min()
        >= 0.0
    )


def test_adaptation_finds_the_hidden_gain():
    rng = np.random.default_rng(0)
    obs, action = rng.normal(size=(30, 1)), rng.uniform(-1, 1, size=(30, 1))
    next_obs = obs + 0.73 * action + 0.01 * rng.standard_normal((30, 1))
    particles = rng.uniform(0.1, 0.9, size=(500, 1))
    predict = lambda p, o, a: o[None] + p[:, None] * a[None]  # noqa: E731
    for part in np.split(np.arange(30), 3):
        trajectory = (obs[part], action[part], next_obs[part])
        particles, weights = epopt_adaptation.adapt(
            rng,
            particles,
            np.zeros(500),
            predict,
            trajectory,
            np.array([0.01]),
            (np.array([0.1]), np.array([0.9])),
        )
    assert particles.mean() == pytest.approx(0.73, abs=0.01)
    assert weights.sum() == pytest.approx(1.0)
