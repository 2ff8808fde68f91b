"""SAC: learn from replayed experience, and be as random as the reward allows.

The policy is paid for entropy as well as for reward, so it keeps all ways open that are
equally good; two critics and their slowly moving copies keep its values from running away.

Axes: B batch, T time, N simulations, S observation, A action; both critics stand in front, [2, B].
Source: Haarnoja et al., "Soft Actor-Critic Algorithms and Applications", 2018,
https://arxiv.org/abs/1812.05905; twin critics of Fujimoto et al., 2018, https://arxiv.org/abs/1802.09477.
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from course_lib.core.networks import SquashedGaussianPolicy, TwinQ, UniformPolicy, polyak
from course_lib.core.replay import Batch, Replay
from course_lib.core.returns import td_target
from course_lib.core.rollout import Collector
from course_lib.core.types import PerTransition, PerTwin, Scalar, shape_checked


@dataclass(frozen=True, kw_only=True)
class SACConfig:
    """Settings of SAC."""

    gamma: float = 0.99
    """Discount per step, in [0, 1]."""
    temperature: float = 0.2
    """Reward per nat of entropy at the start, > 0."""
    learn_temperature: bool = True
    """Move the temperature towards the target entropy; otherwise it stays."""
    target_entropy_per_action: float = -1.0
    """Entropy that a learned temperature aims at, in nats per action dimension."""
    learning_rate: float = 1e-3
    """Step size of Adam, for all networks, > 0."""
    polyak_rate: float = 0.005
    """How far the target critics move per update, in (0, 1]."""
    batch_size: int = 256
    """Transitions per update, >= 1."""
    capacity: int = 1_000_000
    """Transitions that are kept, >= 1."""
    random_steps: int = 1000
    """Transitions collected with random actions before the first update, >= 1."""
    steps: int = 1
    """Steps per simulation and iteration, >= 1."""
    updates: int = 16
    """Updates per iteration, >= 1."""
    hidden: tuple[int, ...] = (64, 64)
    """Units of the hidden layers of policy and critics."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.gamma <= 1.0:
            raise ValueError(f"gamma must be in [0, 1], got {self.gamma}")
        if not 0.0 < self.polyak_rate <= 1.0:
            raise ValueError(f"polyak_rate must be in (0, 1], got {self.polyak_rate}")
        for name in ("temperature", "learning_rate"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("batch_size", "capacity", "random_steps", "steps", "updates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


class Agent(nn.Module):
    """A policy, its critics, their slow copies and the temperature: what a training changes."""

    def __init__(self, obs_size: int, action_size: int, config: SACConfig) -> None:
        super().__init__()
        self.policy = SquashedGaussianPolicy(obs_size, action_size, config.hidden)
        self.critics = TwinQ(obs_size, action_size, config.hidden)
        self.target_critics = copy.deepcopy(self.critics).requires_grad_(False)
        self.log_temperature = nn.Parameter(torch.tensor(config.temperature).log())
        self.target_entropy = config.target_entropy_per_action * action_size
        rate = config.learning_rate
        # The fused Adam is right only for contiguous parameters, which these are.
        self.critic_optimizer = torch.optim.Adam(self.critics.parameters(), lr=rate, fused=True)
        self.policy_optimizer = torch.optim.Adam(
            [*self.policy.parameters(), self.log_temperature], lr=rate, fused=True
        )

    @property
    def temperature(self) -> float:
        """Reward per nat of entropy, now."""
        return math.exp(self.log_temperature.item())


@shape_checked
def soft_value(next_q: PerTwin, next_log_prob: PerTransition, temperature: float) -> PerTransition:
    """min Q(s', a') - temperature log pi(a'|s'): what s' is worth, entropy included.

    Args:
        next_q: both target critics at s' and a' drawn from the policy.
        next_log_prob: log pi(a'|s'), nats.
        temperature: reward per nat.
    """
    return next_q.amin(0) - temperature * next_log_prob


@shape_checked
def critic_loss(q: PerTwin, target: PerTransition, weight: PerTransition) -> Scalar:
    """Weighted mean squared error of both critics, to be minimized."""
    return (weight * (q - target).square()).mean(1).sum()


@shape_checked
def policy_loss(log_prob: PerTransition, q: PerTwin, temperature: float, weight: PerTransition) -> Scalar:
    """temperature log pi(a|s) - min Q(s, a), with a drawn from the policy: to be minimized."""
    return (weight * (temperature * log_prob - q.amin(0))).mean()


@shape_checked
def temperature_loss(log_temperature: Scalar, log_prob: PerTransition, target_entropy: float) -> Scalar:
    """Falls where the temperature grows while the policy is less random than wanted; to be minimized."""
    return -log_temperature * (log_prob.detach().mean() + target_entropy)


def update(
    agent: Agent, batch: Batch, config: SACConfig, td_target: Callable[..., Tensor] = td_target
) -> dict[str, Tensor]:
    """One gradient step on critics, policy and temperature.

    Args:
        agent: changed in place.
        batch: B transitions.
        config: settings.
        td_target: what the critics learn, called as in `core.returns`.

    Returns:
        critic_loss, policy_loss, entropy (nats), without gradients.
    """
    temperature = agent.temperature
    with torch.no_grad():
        next_action, next_log_prob = agent.policy.sample_with_log_prob(batch.next_obs)
        next_q = agent.target_critics(batch.next_obs, next_action)
        next_value = soft_value(next_q, next_log_prob, temperature)
        target = td_target(batch.reward, next_value, batch.terminated, config.gamma)
    loss_q = critic_loss(agent.critics(batch.obs, batch.action), target, batch.weight)
    descend(loss_q, agent.critic_optimizer)

    action, log_prob = agent.policy.sample_with_log_prob(batch.obs)
    loss_pi = policy_loss(log_prob, agent.critics(batch.obs, action), temperature, batch.weight)
    if config.learn_temperature:
        loss_pi = loss_pi + temperature_loss(agent.log_temperature, log_prob, agent.target_entropy)
    descend(loss_pi, agent.policy_optimizer)
    polyak(agent.target_critics, agent.critics, config.polyak_rate)
    return {
        "critic_loss": loss_q.detach(),
        "policy_loss": loss_pi.detach(),
        "entropy": -log_prob.detach().mean(),
    }


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step against the gradient of a loss, of this optimizer's parameters only.

    The policy's loss runs through the critics too: those keep no gradient of it.
    """
    (group,) = optimizer.param_groups
    parameters = group["params"]
    for parameter, gradient in zip(
        parameters, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True
    ):
        parameter.grad = gradient
    optimizer.step()


def check_world(agent: Agent, env: VectorEnv) -> None:
    """Raises where an agent cannot live in a world.

    Raises:
        ValueError: observations or actions have another size than the agent was made for, or actions
            are not bounded by -1 and 1.
    """
    obs, action = env.single_observation_space.shape, env.single_action_space
    if not isinstance(action, Box) or not ((action.low == -1.0) & (action.high == 1.0)).all():
        raise ValueError(f"actions must lie in [-1, 1], got {action}: wrap the world in RescaleAction")
    expected = (agent.policy.obs_size,), (agent.policy.action_size,)
    if (obs, action.shape) != expected:
        raise ValueError(
            f"this agent was made for observations and actions of shapes {expected[0]} and {expected[1]}, "
            f"the world has {obs} and {action.shape}"
        )


def fill(replay: Replay, collector: Collector, transitions: int, action_size: int) -> int:
    """Fills a memory with random actions until so many transitions were added; returns how many were."""
    policy, added = UniformPolicy(action_size), 0
    while added < transitions:
        data, _ = collector.collect(policy, -(-(transitions - added) // collector.env.num_envs))
        replay.add(data)
        added += data.steps
    return added


def train(
    agent: Agent, env: VectorEnv, config: SACConfig, iterations: int, rng: np.random.Generator
) -> Iterator[dict[str, float]]:
    """Trains on one world, one record an iteration.

    Args:
        agent: changed in place.
        env: batched world with any autoreset mode, and actions in [-1, 1].
        config: settings.
        iterations: how many times to collect and update.
        rng: seeds the world and draws the batches.

    Yields:
        iteration, steps (so far), return_mean (of the last 100 episodes), losses, entropy and temperature.

    Raises:
        ValueError: the world's actions are not bounded by -1 and 1, or its sizes are not the agent's.
    """
    check_world(agent, env)
    collector = Collector(env, seed=int(rng.integers(2**31)))
    obs_size, action_size = env.single_observation_space.shape[0], env.single_action_space.shape[0]
    replay = Replay(config.capacity, obs_size, action_size)
    steps = fill(replay, collector, config.random_steps, action_size)
    recent: list[float] = []
    for iteration in range(1, iterations + 1):
        data, finished = collector.collect(agent.policy, config.steps)
        replay.add(data)
        steps += data.steps
        recent = [*recent, *finished][-100:]
        for _ in range(config.updates):
            record = update(agent, replay.sample(config.batch_size, rng), config)
        mean = float(np.mean(recent)) if recent else float("nan")
        yield {
            "iteration": iteration,
            "steps": steps,
            "return_mean": mean,
            "temperature": agent.temperature,
            **{name: float(value) for name, value in record.items()},
        }
