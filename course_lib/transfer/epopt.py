"""EPOpt: train on a whole ensemble of worlds, and learn from the worst of them.

Every trajectory runs in a world of its own, drawn from a source distribution over physical
parameters; the policy is improved on the epsilon-fraction with the lowest return (the
conditional value at risk). A few trajectories of the target then say, by Bayes' rule, which
worlds of the ensemble were likely.

Axes: N trajectories, T time, B transitions, S observation, K particles, P physical parameters.
Source: Rajeswaran et al., "EPOpt: Learning Robust Neural Network Policies Using Model
Ensembles", ICLR 2017, https://arxiv.org/abs/1610.01283.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from jaxtyping import Float64
from numpy import ndarray
from scipy.special import logsumexp
from scipy.stats import norm
from torch import Tensor

from course_lib.agents import ppo
from course_lib.core.rollout import Collector, episodes
from course_lib.core.task_family import TaskFamily, truncated_normal
from course_lib.core.types import (
    Particles,
    PerParticle,
    PerParticleStep,
    PerTrajectory,
    PerTrajectoryMask,
    PerTransition,
    PerTransitionMask,
    Scalar,
    shape_checked,
)


@dataclass(frozen=True, kw_only=True)
class EPOptConfig:
    """Settings of EPOpt."""

    epsilon: float = 0.1
    """Fraction of trajectories that the policy learns from, in (0, 1]; 1 is plain randomization."""
    warmup_iterations: int = 100
    """Iterations at the start that keep all trajectories (epsilon = 1), >= 0."""
    iterations: int = 150
    """Iterations in all, >= 1."""
    horizon: int = 1000
    """Longest trajectory, in steps, >= 1."""
    policy_optimization: ppo.PPOConfig = field(default_factory=ppo.PPOConfig)
    """Settings of the policy optimization inside (the paper used TRPO)."""

    def __post_init__(self) -> None:
        if not 0.0 < self.epsilon <= 1.0:
            raise ValueError(f"epsilon must be in (0, 1], got {self.epsilon}")
        if self.warmup_iterations < 0:
            raise ValueError(f"warmup_iterations must not be negative, got {self.warmup_iterations}")
        for name in ("iterations", "horizon"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


@shape_checked
def cvar_mask(returns: PerTrajectory, epsilon: float) -> PerTrajectoryMask:
    """Which trajectories are among the worst: R <= Q_epsilon, the epsilon-quantile of the returns.

    Args:
        returns: undiscounted return of each trajectory.
        epsilon: fraction to keep, in (0, 1]; ties at the quantile are all kept.

    Raises:
        ValueError: epsilon is outside (0, 1], or there is no trajectory.
    """
    if not 0.0 < epsilon <= 1.0:
        raise ValueError(f"epsilon must be in (0, 1], got {epsilon}")
    if len(returns) == 0:
        raise ValueError("no trajectories to choose from: returns is empty")
    return returns <= torch.quantile(returns, epsilon)


@shape_checked
def surrogate(
    log_prob: PerTransition,
    old_log_prob: PerTransition,
    advantage: PerTransition,
    keep: PerTransitionMask,
    clip_range: float,
) -> Scalar:
    """PPO's objective over the transitions of the kept trajectories, to be maximized.

    Args:
        log_prob: log pi(a|s) of the policy being trained, in nats; carries the gradient.
        old_log_prob: the same of the policy that acted.
        advantage: A(s, a), standardized over the kept transitions.
        keep: True for transitions of the worst trajectories.
        clip_range: how far the probability ratio may profit from moving away from 1.

    Returns:
        Mean over the kept transitions; 0 where none is kept.
    """
    return ppo.surrogate(log_prob, old_log_prob, advantage, keep, clip_range)


def epsilon_at(iteration: int, config: EPOptConfig) -> float:
    """The paper's schedule: all trajectories first, the worst ones once the policy can walk.

    Args:
        iteration: from 1.
        config: settings.
    """
    return 1.0 if iteration <= config.warmup_iterations else config.epsilon


def transfer_grid(
    evaluate: Callable[[dict[str, ndarray]], ndarray],
    rows: Mapping[str, Sequence[float]],
    columns: Mapping[str, Sequence[float]],
    repeats: int,
) -> Float64[ndarray, "R C"]:
    """Zero-shot return over a grid of two physical parameters, all conditions in one batch.

    Args:
        evaluate: from {parameter: values [n]} to the return of one episode per condition, [n].
        rows: one parameter and its values.
        columns: another parameter and its values.
        repeats: episodes per cell, averaged.

    Returns:
        Mean return of each cell.

    Raises:
        ValueError: rows or columns do not name exactly one parameter each, or repeats < 1.
    """
    if len(rows) != 1 or len(columns) != 1:
        raise ValueError(f"rows and columns each name one parameter, got {list(rows)} and {list(columns)}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    ((row_name, row_values),) = rows.items()
    ((column_name, column_values),) = columns.items()
    row, column = np.meshgrid(
        np.asarray(row_values, dtype=np.float64), np.asarray(column_values, dtype=np.float64), indexing="ij"
    )  # [R, C]
    returns = evaluate(
        {row_name: np.repeat(row.ravel(), repeats), column_name: np.repeat(column.ravel(), repeats)}
    )
    return np.asarray(returns, dtype=np.float64).reshape(*row.shape, repeats).mean(-1)


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


def train(
    agent: ppo.Agent,
    env: VectorEnv,
    family: TaskFamily,
    config: EPOptConfig,
    rng: np.random.Generator,
    first_iteration: int = 1,
    *,
    truncated_normal: Callable[..., ndarray] = truncated_normal,
    cvar_mask: Callable[[Tensor, float], Tensor] = cvar_mask,
    surrogate: Callable[..., Tensor] = surrogate,
) -> Iterator[dict[str, float]]:
    """Trains a policy on the ensemble, one record an iteration.

    While all trajectories count (epsilon = 1) they need not be whole, and each iteration takes
    `config.policy_optimization.steps` more steps of them. To choose the worst, their returns must be known:
    then each iteration runs one whole trajectory per simulation.

    Args:
        agent: changed in place.
        env: batched world with `set_params` and autoreset disabled.
        family: where the physics is drawn from, anew for every trajectory.
        config: settings.
        rng: draws physics and start states, shuffles minibatches.
        first_iteration: where an interrupted training goes on.
        truncated_normal: samples a physical parameter.
        cvar_mask: chooses the trajectories to learn from.
        surrogate: objective on their transitions.

    Yields:
        iteration, steps (so far), epsilon, return_mean and return_cvar (all and worst tenth of the last
        trajectories), kept (fraction of transitions), losses and kl.
    """
    worlds = np.empty((env.num_envs, len(family.params_type.names())))

    def draw_worlds(starting: ndarray) -> None:
        n = int(starting.sum())
        worlds[starting] = family.sample(rng, n, truncated_normal).array(n)
        env.set_params(family.params_type.from_array(worlds))

    everyone = np.ones(env.num_envs, dtype=bool)
    collector = None
    recent = np.empty(0)
    steps = 0
    for iteration in range(first_iteration, config.iterations + 1):
        ppo.anneal(agent, config.policy_optimization, iteration, config.iterations)
        epsilon = epsilon_at(iteration, config)
        if epsilon == 1.0:
            collector = collector or Collector(env, int(rng.integers(2**31)), before_reset=draw_worlds)
            data, finished = collector.collect(agent.policy, config.policy_optimization.steps)
            keep = data.valid
        else:
            draw_worlds(everyone)
            data = episodes(env, agent.policy, config.horizon, seed=int(rng.integers(2**31)))
            finished = data.returns.numpy()
            keep = cvar_mask(data.returns, epsilon).expand_as(data.valid)  # [T, N]
        steps += data.steps
        recent = np.concatenate([recent, finished])[-env.num_envs :]
        record = ppo.update(agent, data, config.policy_optimization, rng, keep, surrogate)
        worst = np.sort(recent)[: max(1, len(recent) // 10)]
        yield {
            "iteration": iteration,
            "steps": steps,
            "epsilon": epsilon,
            "return_mean": float(recent.mean()) if len(recent) else float("nan"),
            "return_cvar": float(worst.mean()) if len(recent) else float("nan"),
            "kept": float((keep & data.valid).sum() / data.valid.sum()),
            **record,
        }
