"""PPO: take several gradient steps on the same data, but never far from the policy that collected it.

The ratio of new to old action probability says how far the policy has moved; once it leaves
[1 - clip_range, 1 + clip_range] in the profitable direction, its gradient is switched off.

Axes: T time, N simulations, B batch, S observation, A action.
Source: Schulman et al., "Proximal Policy Optimization Algorithms", 2017,
https://arxiv.org/abs/1707.06347.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from course_lib.core.networks import GaussianPolicy, Value
from course_lib.core.returns import gae
from course_lib.core.rollout import Collector, Transitions
from course_lib.core.types import PerTransition, PerTransitionMask, Scalar, shape_checked


@dataclass(frozen=True, kw_only=True)
class PPOConfig:
    """Settings of PPO."""

    gamma: float = 0.99
    """Discount per step, in [0, 1]."""
    gae_lambda: float = 0.95
    """Weight of long advantages, in [0, 1]."""
    clip_range: float = 0.2
    """How far the probability ratio may move from 1, > 0."""
    learning_rate: float = 3e-4
    """Step size of Adam at the start, > 0; it falls linearly to zero."""
    epochs: int = 10
    """Passes over the data per iteration, >= 1."""
    minibatch: int = 512
    """Transitions per gradient step, >= 1."""
    steps: int = 64
    """Steps per simulation and iteration, >= 1 (used by train)."""
    entropy_bonus: float = 0.0
    """Reward for entropy, in reward per nat, >= 0."""
    max_grad_norm: float = 0.5
    """Longer gradients are scaled down to this norm, > 0."""
    hidden: tuple[int, ...] = (64, 64)
    """Units of the hidden layers of policy and value."""

    def __post_init__(self) -> None:
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        for name in ("clip_range", "learning_rate", "max_grad_norm"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("epochs", "minibatch", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.entropy_bonus < 0.0:
            raise ValueError(f"entropy_bonus must not be negative, got {self.entropy_bonus}")


class Agent(nn.Module):
    """A policy, its value function and the optimizer of both: what a training changes."""

    def __init__(self, obs_size: int, action_size: int, config: PPOConfig) -> None:
        super().__init__()
        self.policy = GaussianPolicy(obs_size, action_size, config.hidden)
        self.value = Value(obs_size, config.hidden)
        # The fused Adam is right only for contiguous parameters, which these are.
        self.optimizer = torch.optim.Adam(self.parameters(), lr=config.learning_rate, eps=1e-5, fused=True)


@shape_checked
def clipped_surrogate(
    log_prob: PerTransition, old_log_prob: PerTransition, advantage: PerTransition, clip_range: float
) -> PerTransition:
    """min(ratio * A, clip(ratio) * A): PPO's objective per transition, to be maximized.

    Args:
        log_prob: log pi(a|s) of the policy being trained, in nats; carries the gradient.
        old_log_prob: the same of the policy that acted.
        advantage: A(s, a).
        clip_range: how far the ratio may profit from moving away from 1.
    """
    ratio = (log_prob - old_log_prob).exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1.0 - clip_range, 1.0 + clip_range) * advantage)


@shape_checked
def mean_over(values: PerTransition, keep: PerTransitionMask) -> Scalar:
    """Mean of the kept transitions; 0 where none is kept."""
    return (values * keep).sum() / keep.sum().clamp(min=1)


@shape_checked
def surrogate(
    log_prob: PerTransition,
    old_log_prob: PerTransition,
    advantage: PerTransition,
    keep: PerTransitionMask,
    clip_range: float,
) -> Scalar:
    """The clipped surrogate, averaged over the kept transitions, to be maximized."""
    return mean_over(clipped_surrogate(log_prob, old_log_prob, advantage, clip_range), keep)


def standardize(advantage: Tensor, keep: Tensor) -> Tensor:
    """Advantages with mean 0 and standard deviation 1 over the kept transitions, [B]."""
    kept = advantage[keep]
    return (advantage - kept.mean()) / (kept.std(unbiased=False) + 1e-8)


def anneal(agent: Agent, config: PPOConfig, iteration: int, iterations: int) -> None:
    """Lets the learning rate fall linearly towards zero over the iterations (counted from 1)."""
    for group in agent.optimizer.param_groups:
        group["lr"] = config.learning_rate * (1.0 - (iteration - 1) / iterations)


def update(
    agent: Agent,
    data: Transitions,
    config: PPOConfig,
    rng: np.random.Generator,
    keep: Tensor | None = None,
    surrogate: Callable[..., Tensor] = surrogate,
) -> dict[str, float]:
    """Improves policy and value on one batch of experience.

    The value function learns from all valid transitions, the policy from the kept ones.

    Args:
        agent: changed in place.
        data: transitions [T, N] collected by agent.policy.
        config: settings.
        rng: shuffles the minibatches.
        keep: bool [T, N], which transitions the policy learns from; None for all.
        surrogate: the objective, called as in this module.

    Returns:
        Means over the last epoch: policy_loss, value_loss; and kl (old to new, nats).

    Raises:
        ValueError: no transition is left to learn from.
    """
    valid = data.valid
    obs, action = data.obs[valid], data.action[valid]  # [B, S], [B, A]
    keep_flat = torch.ones(len(obs), dtype=torch.bool) if keep is None else keep[valid]  # [B]
    if not keep_flat.any():
        raise ValueError("no transition to learn from: the batch is empty, or nothing in it is kept")
    with torch.no_grad():
        value, next_value = agent.value(data.obs), agent.value(data.next_obs)  # [T, N]
        advantage = gae(
            data.reward, value, next_value, data.terminated, data.ended, config.gamma, config.gae_lambda
        )
        target = (advantage + value)[valid]  # [B]
        agent.value.return_norm.observe(target.unsqueeze(-1))
        target = (target - agent.value.return_norm.mean) / (agent.value.return_norm.var + 1e-8).sqrt()
        old_log_prob = agent.policy.log_prob(obs, action)  # [B]
        advantage = standardize(advantage[valid], keep_flat)  # [B]

    losses = []
    for epoch in range(config.epochs):
        order = torch.as_tensor(rng.permutation(len(obs)))
        for index in order.split(config.minibatch):
            log_prob = agent.policy.log_prob(obs[index], action[index])
            objective = surrogate(
                log_prob, old_log_prob[index], advantage[index], keep_flat[index], config.clip_range
            )
            value_loss = (agent.value.normalized(obs[index]) - target[index]).square().mean()
            loss = -objective + 0.5 * value_loss - config.entropy_bonus * agent.policy.entropy()
            agent.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.policy.parameters(), config.max_grad_norm)
            nn.utils.clip_grad_norm_(agent.value.parameters(), config.max_grad_norm)
            agent.optimizer.step()
            if epoch == config.epochs - 1:
                losses.append((-objective.item(), value_loss.item()))
    with torch.no_grad():
        kl = (old_log_prob - agent.policy.log_prob(obs, action))[keep_flat].mean()
        # Only now: a shifted normalization is another policy than the one that acted.
        agent.policy.obs_norm.observe(obs)
        agent.value.obs_norm.observe(obs)
    policy_loss, value_loss = np.mean(losses, axis=0)
    return {"policy_loss": float(policy_loss), "value_loss": float(value_loss), "kl": float(kl)}


def train(
    agent: Agent, env: VectorEnv, config: PPOConfig, iterations: int, rng: np.random.Generator
) -> Iterator[dict[str, float]]:
    """Trains on one world, one record an iteration.

    Args:
        agent: changed in place.
        env: batched world with any autoreset mode.
        config: settings.
        iterations: how many times to collect and update.
        rng: seeds the world and shuffles minibatches.

    Yields:
        iteration, steps (so far), return_mean (of the last 100 episodes), losses and kl.
    """
    collector = Collector(env, seed=int(rng.integers(2**31)))
    recent: list[float] = []
    steps = 0
    for iteration in range(1, iterations + 1):
        anneal(agent, config, iteration, iterations)
        data, finished = collector.collect(agent.policy, config.steps)
        steps += data.steps
        recent = [*recent, *finished][-100:]
        record = update(agent, data, config, rng)
        mean = float(np.mean(recent)) if recent else float("nan")
        yield {"iteration": iteration, "steps": steps, "return_mean": mean, **record}
