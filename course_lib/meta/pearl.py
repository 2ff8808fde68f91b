"""PEARL: infer the task as a hidden variable z, and act as if a sample of it were true.

Every transition of a task says something of z, as a Gaussian; what all of them say is the product of these
and of the prior. A policy that is told z acts for a whole episode on one sample: it explores by being wrong
in a consistent way. Since z stands for all that is known of the task, policy and critics learn from replay,
and the encoder learns whatever z the critics need.

Axes: M training tasks, B of them, K transitions of each, T time, N simulations, S observation, A action,
Z latent.
Source: Rakelly et al., "Efficient Off-Policy Meta-Reinforcement Learning via Probabilistic Context
Variables", ICML 2019, https://arxiv.org/abs/1903.08254, with twin critics and no value of states.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from course_lib.agents import sac
from course_lib.core import gaussian_belief
from course_lib.core.gaussian_belief import GaussianBelief, posterior
from course_lib.core.latent_policy import LatentPolicy, posterior_sampling
from course_lib.core.networks import TwinQ, polyak
from course_lib.core.returns import td_target
from course_lib.core.rollout import Transitions, episodes
from course_lib.core.task_family import Params
from course_lib.core.task_replay import TaskBatch, TaskReplay


@dataclass(frozen=True, kw_only=True)
class PEARLConfig:
    """Settings of PEARL."""

    latent: int = 5
    """Z, >= 1."""
    horizon: int = 20
    """Longest episode, steps, >= 1."""
    episodes: int = 2
    """Episodes of a task in an iteration, >= 1: the first on a z of the prior, each later one on a z of
    what was believed by then."""
    warm_up: int = 1
    """Episodes of every task before the first update, >= 1, each with one random action all the time."""
    context_episodes: int = 2
    """From how many last episodes of a task its context is drawn, >= 1."""
    context: int = 64
    """K, transitions of a task that the encoder reads in an update, >= 1."""
    meta_batch: int = 16
    """B, tasks of an update, >= 1."""
    batch_size: int = 64
    """Transitions of a task that policy and critics learn from in an update, >= 1."""
    updates: int = 100
    """Updates per iteration, >= 1."""
    kl_weight: float = 0.02
    """Price of a nat of information in z, in units of the critics' loss, >= 0."""
    stochastic: bool = True
    """Whether z is drawn from what is believed; otherwise it is the mean, and information is free."""
    gamma: float = 0.9
    """Discount per step, in [0, 1]."""
    temperature: float = 0.05
    """Reward per nat of entropy, > 0."""
    learning_rate: float = 1e-3
    """Step size of Adam at the start, for all networks, > 0; it falls linearly to zero."""
    polyak_rate: float = 0.01
    """How far the target critics move per update, in (0, 1]."""
    capacity: int = 20_000
    """Transitions of a task that are kept, >= 1."""
    hidden: tuple[int, ...] = (64, 64)
    """Units of the hidden layers of encoder, policy and critics."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.gamma <= 1.0:
            raise ValueError(f"gamma must be in [0, 1], got {self.gamma}")
        if not 0.0 < self.polyak_rate <= 1.0:
            raise ValueError(f"polyak_rate must be in (0, 1], got {self.polyak_rate}")
        if self.kl_weight < 0.0:
            raise ValueError(f"kl_weight must not be negative, got {self.kl_weight}")
        for name in ("temperature", "learning_rate"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        counts = ("latent", "horizon", "episodes", "warm_up", "context_episodes", "context", "meta_batch")
        for name in (*counts, "batch_size", "updates", "capacity"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


class Agent(nn.Module):
    """A policy with its encoder, critics and their slow copies: what a training changes."""

    def __init__(self, obs_size: int, action_size: int, config: PEARLConfig) -> None:
        super().__init__()
        self.actor = LatentPolicy(obs_size, action_size, config.latent, config.hidden)
        self.critics = TwinQ(obs_size + config.latent, action_size, config.hidden)
        self.target_critics = copy.deepcopy(self.critics).requires_grad_(False)
        # The encoder learns what the critics need, and from nothing else.
        taught_by_reward = [*self.critics.parameters(), *self.actor.encoder.parameters()]
        rate = config.learning_rate
        # The fused Adam is right only for contiguous parameters, which these are.
        self.critic_optimizer = torch.optim.Adam(taught_by_reward, lr=rate, fused=True)
        self.policy_optimizer = torch.optim.Adam(self.actor.policy.parameters(), lr=rate, fused=True)


def agent_for(env: VectorEnv, config: PEARLConfig) -> Agent:
    """A new agent of the sizes of a world.

    Raises:
        ValueError: its actions are not bounded by -1 and 1.
    """
    space = env.single_action_space
    if not isinstance(space, Box) or not ((space.low == -1.0) & (space.high == 1.0)).all():
        way_out = "wrap the world in RescaleAction" if isinstance(space, Box) else "take rl2 or varibad there"
        raise ValueError(f"actions must lie in [-1, 1], got {space}: {way_out}")
    return Agent(env.single_observation_space.shape[0], space.shape[0], config)


def critic_loss(agent: Agent, batch: TaskBatch, z: Tensor, config: PEARLConfig) -> Tensor:
    """Mean squared error of both critics that are told z, to be minimized; its gradient teaches the encoder.

    Args:
        agent: whose critics, policy and slow copies.
        batch: transitions, K of each task.
        z: what is believed of each task, [B, Z]; it holds for all K. What the critics should say is a
            number, through which no gradient runs.
        config: settings.
    """
    z = _repeated(z, batch)  # [B K, Z]
    with torch.no_grad():
        then = agent.actor.told(batch.next_obs.flatten(0, 1), z)
        next_action, next_log_prob = agent.actor.policy.sample_with_log_prob(then)
        next_q = agent.target_critics(then, next_action)
        next_value = sac.soft_value(next_q, next_log_prob, config.temperature)
        target = td_target(batch.reward.flatten(), next_value, batch.terminated.flatten(), config.gamma)
    now = agent.actor.told(batch.obs.flatten(0, 1), z)
    q = agent.critics(now, batch.action.flatten(0, 1).clamp(-1.0, 1.0))
    return sac.critic_loss(q, target, torch.ones_like(target))


def policy_loss(agent: Agent, batch: TaskBatch, z: Tensor, config: PEARLConfig) -> tuple[Tensor, Tensor]:
    """SAC's loss of the policy that is told z, and its log-probabilities; it teaches the encoder nothing.

    Args:
        agent: whose critics and policy.
        batch: transitions, K of each task.
        z: as of `critic_loss`, taken for a constant.
        config: settings.
    """
    now = agent.actor.told(batch.obs.flatten(0, 1), _repeated(z, batch).detach())
    action, log_prob = agent.actor.policy.sample_with_log_prob(now)
    q = agent.critics(now, action)
    return sac.policy_loss(log_prob, q, config.temperature, torch.ones_like(log_prob)), log_prob


def _repeated(z: Tensor, batch: TaskBatch) -> Tensor:
    """One z a task, [B, Z], to one a transition, [B K, Z], task by task."""
    return z.repeat_interleave(batch.reward.shape[1], dim=0)


def update(
    agent: Agent,
    context: TaskBatch,
    batch: TaskBatch,
    config: PEARLConfig,
    *,
    posterior: Callable[[Tensor, Tensor], GaussianBelief] = posterior,
    kl_divergence: Callable[..., Tensor] = gaussian_belief.kl_divergence,
    critic_loss: Callable[..., Tensor] = critic_loss,
) -> dict[str, Tensor]:
    """One gradient step on encoder and critics, and one on the policy.

    Args:
        agent: changed in place.
        context: from which the encoder infers the tasks.
        batch: of the same tasks, from which policy and critics learn; drawn apart from the context, or z
            could hold the answers.
        config: settings.
        posterior: called as in `posterior_sampling`.
        kl_divergence: called as in `core.gaussian_belief`.
        critic_loss: called as in this module.

    Returns:
        critic_loss, kl (of what is believed from the prior, nats), policy_loss, entropy (nats), without
        gradients.
    """
    evidence = agent.actor.evidence(context.obs, context.action, context.reward, context.next_obs)
    belief = posterior(*evidence)
    z = belief.sample() if config.stochastic else belief.mean  # [B, Z]
    before = gaussian_belief.prior(*z.shape)
    kl = kl_divergence(belief.mean, belief.variance, before.mean, before.variance).mean()
    loss_q = critic_loss(agent, batch, z, config)
    price = config.kl_weight if config.stochastic else 0.0
    sac.descend(loss_q + price * kl, agent.critic_optimizer)
    loss_pi, log_prob = policy_loss(agent, batch, z, config)
    sac.descend(loss_pi, agent.policy_optimizer)
    polyak(agent.target_critics, agent.critics, config.polyak_rate)
    return {
        "critic_loss": loss_q.detach(),
        "kl": kl.detach(),
        "policy_loss": loss_pi.detach(),
        "entropy": -log_prob.detach().mean(),
    }


class _Steady:
    """One random action for each simulation, all the time: who keeps going gets somewhere."""

    def __init__(self, n: int, action_size: int) -> None:
        self._action = 2.0 * torch.rand(n, action_size) - 1.0

    def sample(self, obs: Tensor) -> Tensor:
        return (self._action + 0.3 * torch.randn_like(self._action)).clamp(-1.0, 1.0)


def train(
    agent: Agent,
    env: VectorEnv,
    tasks: Params,
    count: int,
    config: PEARLConfig,
    iterations: int,
    rng: np.random.Generator,
    *,
    seen_reward: Callable[[Tensor], Tensor] = lambda reward: reward,
    posterior: Callable[[Tensor, Tensor], GaussianBelief] = posterior,
    kl_divergence: Callable[..., Tensor] = gaussian_belief.kl_divergence,
    critic_loss: Callable[..., Tensor] = critic_loss,
) -> Iterator[dict[str, float]]:
    """Meta-trains on some tasks, one record an iteration.

    Args:
        agent: changed in place.
        env: batched world with autoreset disabled and the task withheld: each iteration visits as many tasks
            as it has simulations.
        tasks: parameters of the training tasks.
        count: M, how many they are, at least as many as simulations.
        config: settings.
        iterations: how many times to visit tasks, and to learn.
        rng: seeds the world, chooses tasks and draws batches.
        seen_reward: from rewards to those that the encoder is shown, where a test will not have those that
            are trained on.
        posterior: called as in `posterior_sampling`.
        kl_divergence: called as in `core.gaussian_belief`.
        critic_loss: called as in this module.

    Raises:
        ValueError: there are fewer tasks than simulations.

    Yields:
        iteration, steps (so far), return_first and return_mean (of the first and the last episode of the
        tasks visited), critic_loss, kl, policy_loss, entropy.
    """
    if count < env.num_envs:
        raise ValueError(f"{count} tasks are fewer than the {env.num_envs} simulations of the world")
    sizes = agent.actor.obs_size, agent.actor.action_size
    replay = TaskReplay(count, config.capacity, *sizes)
    contexts = TaskReplay(count, config.context_episodes * config.horizon, *sizes)
    matrix, steps = tasks.array(count), 0

    def visit(chosen: np.ndarray) -> None:
        env.set_params(type(tasks).from_array(matrix[chosen]))

    def remember(chosen: np.ndarray, data: Transitions) -> int:
        seen = replace(data, reward=seen_reward(data.reward))
        replay.add(chosen, data)
        contexts.add(chosen, seen)
        agent.actor.observe(seen)
        return data.steps

    for first in range(0, count, env.num_envs):
        chosen = np.minimum(np.arange(first, first + env.num_envs), count - 1)
        visit(chosen)
        for _ in range(config.warm_up):
            steady = _Steady(env.num_envs, sizes[1])
            steps += remember(chosen, episodes(env, steady, config.horizon, int(rng.integers(2**31))))
    for iteration in range(1, iterations + 1):
        for optimizer in (agent.critic_optimizer, agent.policy_optimizer):
            optimizer.param_groups[0]["lr"] = config.learning_rate * (1.0 - (iteration - 1) / iterations)
        chosen = rng.permutation(count)[: env.num_envs]
        visit(chosen)
        explored = posterior_sampling(
            agent.actor,
            env,
            config.episodes,
            config.horizon,
            rng,
            stochastic=config.stochastic,
            seen_reward=seen_reward,
            posterior=posterior,
        )
        steps += sum(remember(chosen, data) for data in explored.data)
        for _ in range(config.updates):
            some = rng.integers(count, size=config.meta_batch)
            record = update(
                agent,
                contexts.sample(some, config.context, rng),
                replay.sample(some, config.batch_size, rng),
                config,
                posterior=posterior,
                kl_divergence=kl_divergence,
                critic_loss=critic_loss,
            )
        returns = explored.returns.mean(1)
        yield {
            "iteration": iteration,
            "steps": steps,
            "return_first": float(returns[0]),
            "return_mean": float(returns[-1]),
            **{name: float(value) for name, value in record.items()},
        }
