"""EPOpt's adaptation: a few trajectories of the target say which worlds of the ensemble are likely.

Each particle is one guess of the target's physics. Bayes' rule weighs it by how well its
simulator predicts what the target did; resampling then draws the next ensemble by weight.

Axes: T time, S observation, A action, K particles, P physical parameters.
Source: Rajeswaran et al., "EPOpt: Learning Robust Neural Network Policies Using Model
Ensembles", ICLR 2017, https://arxiv.org/abs/1610.01283, section 3.2.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.special import logsumexp
from scipy.stats import norm

from course_lib.core.types import Particles, PerParticle, PerParticleStep, shape_checked


@shape_checked
def transition_log_likelihood(
    predicted: Float64[ndarray, "K T S"],
    observed: Float64[ndarray, "T S"],
    noise_scale: Float64[ndarray, "S"],
) -> PerParticleStep:
    """log p(s_{t+1} | s_t, a_t, particle) of a simulator with Gaussian noise around its prediction.

    Args:
        predicted: next observation that each particle's physics predicts.
        observed: what the target really did.
        noise_scale: standard deviation of each observation entry, in its unit, > 0.

    Returns:
        Log-density of each transition under each particle, in nats, summed over S.

    Raises:
        ValueError: a noise scale is not positive.
    """
    if not (noise_scale > 0).all():
        raise ValueError(f"noise_scale must be positive, got {noise_scale}")
    return norm.logpdf(observed, loc=predicted, scale=noise_scale).sum(-1)


@shape_checked
def posterior_weights(log_prior: PerParticle, log_likelihood: PerParticleStep) -> PerParticle:
    """Bayes' rule: weight of a particle ~ prior times the product over its transitions.

    The product over hundreds of transitions underflows, so it is a sum of logarithms,
    normalized by log-sum-exp.

    Args:
        log_prior: log-weight of each particle before, up to a constant.
        log_likelihood: log-density of each transition under each particle, in nats.

    Returns:
        Weights that sum to 1.

    Raises:
        ValueError: a log-weight is NaN, or no particle can explain the transitions.
    """
    log_posterior = log_prior + log_likelihood.sum(-1)
    if not log_posterior.max(initial=-np.inf) > -np.inf:  # also catches NaN
        raise ValueError(
            f"none of the {len(log_posterior)} particles can explain the transitions: draw them more widely, "
            "or make noise_scale larger"
        )
    return np.exp(log_posterior - logsumexp(log_posterior))


@shape_checked
def resample(
    rng: np.random.Generator,
    particles: Particles,
    weights: PerParticle,
    low: Float64[ndarray, "P"],
    high: Float64[ndarray, "P"],
) -> Particles:
    """Draws particles by weight and jitters them, so that the ensemble does not collapse to copies.

    The jitter shrinks with the posterior's own spread (Liu and West's rule, discount 0.98:
    draws are first pulled to the mean so that mean and variance stay as they are).

    Args:
        rng: source of randomness.
        particles: physical parameters.
        weights: sum to 1.
        low: smallest physical value of each parameter.
        high: largest.
    """
    shrink = (3.0 * 0.98 - 1.0) / (2.0 * 0.98)
    mean = weights @ particles  # [P]
    spread = np.sqrt(weights @ (particles - mean) ** 2)  # [P]
    chosen = particles[rng.choice(len(particles), size=len(particles), p=weights)]
    jitter = np.sqrt(1.0 - shrink**2) * spread * rng.standard_normal(particles.shape)
    return np.clip(shrink * chosen + (1.0 - shrink) * mean + jitter, low, high)


def adapt(
    rng: np.random.Generator,
    particles: ndarray,
    log_prior: ndarray,
    predict: Callable[[ndarray, ndarray, ndarray], ndarray],
    trajectory: tuple[ndarray, ndarray, ndarray],
    noise_scale: ndarray,
    bounds: tuple[ndarray, ndarray],
    transition_log_likelihood: Callable[..., ndarray] = transition_log_likelihood,
    posterior_weights: Callable[..., ndarray] = posterior_weights,
) -> tuple[ndarray, ndarray]:
    """Moves the ensemble towards the target after one of its trajectories.

    Args:
        rng: resamples.
        particles: physical parameters, [K, P].
        log_prior: their log-weights, [K].
        predict: from (particles [K, P], obs [T, S], action [T, A]) to next observations [K, T, S].
        trajectory: obs [T, S], action [T, A] and next_obs [T, S] of the target.
        noise_scale: standard deviation of each observation entry, [S].
        bounds: smallest and largest physical value of each parameter, [P] each.
        transition_log_likelihood: as in this module.
        posterior_weights: as in this module.

    Returns:
        The resampled particles [K, P], equally likely, and the weights [K] of the old ones.
    """
    obs, action, next_obs = trajectory
    log_likelihood = transition_log_likelihood(predict(particles, obs, action), next_obs, noise_scale)
    weights = posterior_weights(log_prior, log_likelihood)
    return resample(rng, particles, weights, *bounds), weights
