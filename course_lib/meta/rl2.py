"""RL2: train a recurrent policy on whole trials, and what it does inside them is a learning algorithm.

A trial is some episodes of one task that the policy is not told. Its memory goes on from episode to episode
and its objective is the reward of the whole trial, so it pays to spend the first episode on finding out.

Axes: T time, N trials, S observation, A actions, H memory.
Source: Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779; Wang et al., "Learning to Reinforcement Learn", 2016,
https://arxiv.org/abs/1611.05763. PPO stands in for the TRPO of the first, and the A2C of the second.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from course_lib.agents.ppo import clipped_surrogate, mean_over, standardize
from course_lib.core.memory import MemoryPolicy
from course_lib.core.returns import gae
from course_lib.core.task_family import Params
from course_lib.core.trials import TrialCollector, Trials, carried, meta_input, unrolled
from course_lib.core.types import PerStep, PerStepMask, shape_checked


@dataclass(frozen=True, kw_only=True)
class RL2Config:
    """Settings of recurrent PPO over trials."""

    episodes: int = 2
    """Episodes of a trial, >= 1."""
    gamma: float = 0.99
    """Discount per step, in [0, 1]; it goes on over the ends of episodes."""
    gae_lambda: float = 0.9
    """Weight of long advantages, in [0, 1]."""
    clip_range: float = 0.2
    """How far the probability ratio may move from 1, > 0."""
    learning_rate: float = 3e-3
    """Step size of Adam at the start, > 0; it falls linearly to zero."""
    epochs: int = 4
    """Passes over the trials per iteration, >= 1."""
    minibatches: int = 2
    """Into how many parts of whole trials a pass is cut, >= 1."""
    entropy_bonus: float = 0.02
    """Reward for entropy at the start, in standard deviations of the advantage per nat, >= 0; it falls
    linearly to zero."""
    max_grad_norm: float = 0.5
    """Longer gradients are scaled down to this norm, > 0."""

    def __post_init__(self) -> None:
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        for name in ("clip_range", "learning_rate", "max_grad_norm"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("episodes", "epochs", "minibatches"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.entropy_bonus < 0.0:
            raise ValueError(f"entropy_bonus must not be negative, got {self.entropy_bonus}")


class Agent(nn.Module):
    """A policy with a memory and its optimizer: what a training changes."""

    def __init__(self, policy: MemoryPolicy, config: RL2Config) -> None:
        super().__init__()
        self.policy = policy
        # The fused Adam is right only for contiguous parameters, which these are.
        self.optimizer = torch.optim.Adam(self.parameters(), lr=config.learning_rate, eps=1e-5, fused=True)


def policy_for(env: VectorEnv, make_memory: Callable[[int], nn.Module]) -> MemoryPolicy:
    """A new policy of the sizes of a world.

    Args:
        env: whose observations and actions it is for.
        make_memory: builds the memory for a number of inputs.
    """
    space = env.single_action_space
    discrete = isinstance(space, Discrete)
    action_size = int(space.n) if discrete else space.shape[0]
    return MemoryPolicy(env.single_observation_space.shape[0], action_size, discrete, make_memory)


@shape_checked
def trial_advantage(
    reward: PerStep,
    value: PerStep,
    episode_ended: PerStepMask,
    trial_ended: PerStepMask,
    gamma: float,
    gae_lambda: float,
) -> PerStep:
    """Advantages that look over the ends of episodes, as far as the trial goes and no farther.

    The end of an episode is a step like any other: what is found out before it pays after it. The end of
    the trial has no future.

    Args:
        reward: r_t.
        value: V(h_t): what is still to come in the trial.
        episode_ended: where an episode ended; it changes nothing.
        trial_ended: where a trial ended.
        gamma: discount in [0, 1].
        gae_lambda: in [0, 1].
    """
    next_value = torch.cat([value[1:], torch.zeros_like(value[:1])])  # [T, N]
    return gae(reward, value, next_value, trial_ended, trial_ended, gamma, gae_lambda)


def update(
    agent: Agent,
    trials: Trials,
    config: RL2Config,
    rng: np.random.Generator,
    entropy_bonus: float,
    *,
    carried: Callable[..., Tensor] = carried,
    trial_advantage: Callable[..., Tensor] = trial_advantage,
) -> dict[str, float]:
    """Improves policy and value on whole trials, with gradients through all of their time.

    Args:
        agent: changed in place.
        trials: collected by agent.policy.
        config: settings.
        rng: shuffles the trials.
        entropy_bonus: reward for entropy in this update.
        carried: as in `core.trials`.
        trial_advantage: called as in this module.

    Returns:
        Means over the last pass: policy_loss, value_loss; and entropy before the update, nats.
    """
    policy = agent.policy

    def read(index: Tensor) -> Tensor:
        return unrolled(
            policy,
            trials.inputs[:, index],
            trials.memory[index],
            trials.ended[:, index],
            trials.trial_ended[:, index],
            carried,
        )

    valid = trials.valid
    with torch.no_grad():
        features = read(torch.arange(valid.shape[1]))
        old_log_prob, entropy = policy.log_prob_and_entropy(features, trials.action)  # [T, N]
        value = policy.value(features)
        advantage = trial_advantage(
            trials.reward, value, trials.ended, trials.trial_ended, config.gamma, config.gae_lambda
        )
        target = advantage + value
        policy.return_norm.observe(target[valid].unsqueeze(-1))
        target = (target - policy.return_norm.mean) / (policy.return_norm.var + 1e-8).sqrt()
        advantage = standardize(advantage, valid)
        before = float(mean_over(entropy.flatten(), valid.flatten()))

    losses = []
    for epoch in range(config.epochs):
        order = torch.as_tensor(rng.permutation(valid.shape[1]))
        for index in order.chunk(config.minibatches):
            keep = valid[:, index].flatten()
            features = read(index)  # [T, B, F]
            log_prob, entropy = policy.log_prob_and_entropy(features, trials.action[:, index])
            objective = clipped_surrogate(
                log_prob.flatten(),
                old_log_prob[:, index].flatten(),
                advantage[:, index].flatten(),
                config.clip_range,
            )
            objective = mean_over(objective, keep)
            error = (policy.normalized_value(features) - target[:, index]).square()
            value_loss = mean_over(error.flatten(), keep)
            loss = -objective + 0.5 * value_loss - entropy_bonus * mean_over(entropy.flatten(), keep)
            agent.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(policy.parameters(), config.max_grad_norm)
            agent.optimizer.step()
            if epoch == config.epochs - 1:
                losses.append((-objective.item(), value_loss.item()))
    # Only now: a shifted normalization is another policy than the one that acted.
    policy.obs_norm.observe(trials.obs[valid])
    policy.reward_norm.observe(trials.reward[valid].unsqueeze(-1))
    policy_loss, value_loss = np.mean(losses, axis=0)
    return {"policy_loss": float(policy_loss), "value_loss": float(value_loss), "entropy": before}


def train(
    agent: Agent,
    env: VectorEnv,
    draw: Callable[[int], Params],
    config: RL2Config,
    iterations: int,
    rng: np.random.Generator,
    *,
    meta_input: Callable[..., Tensor] = meta_input,
    carried: Callable[..., Tensor] = carried,
    trial_advantage: Callable[..., Tensor] = trial_advantage,
) -> Iterator[dict[str, float]]:
    """Trains on new tasks all the time, one record an iteration.

    Args:
        agent: changed in place.
        env: batched world of the tasks, with autoreset disabled and the task withheld.
        draw: from a number to the parameters of so many training tasks.
        config: settings.
        iterations: how many times to collect trials and learn from them.
        rng: seeds the world and shuffles trials.
        meta_input: builds what the policy is given, called as in `core.trials`.
        carried: memory after a step, called as in `core.trials`.
        trial_advantage: called as in this module.

    Yields:
        iteration, steps (so far), return_mean (of a trial), return_first and return_last (of its first and
        last episode), losses and entropy.
    """
    seed = int(rng.integers(2**31))
    collector = TrialCollector(env, draw, config.episodes, seed, meta_input=meta_input, carried=carried)
    steps = 0
    for iteration in range(1, iterations + 1):
        left = 1.0 - (iteration - 1) / iterations
        for group in agent.optimizer.param_groups:
            group["lr"] = config.learning_rate * left
        trials = collector.collect(agent.policy)
        steps += int(trials.valid.sum())
        returns = trials.episode_returns.mean(1)  # [E]
        bonus = config.entropy_bonus * left
        record = update(agent, trials, config, rng, bonus, carried=carried, trial_advantage=trial_advantage)
        yield {
            "iteration": iteration,
            "steps": steps,
            "return_mean": float(returns.sum()),
            "return_first": float(returns[0]),
            "return_last": float(returns[-1]),
            **record,
        }
