"""MAML for RL: a policy from which one policy-gradient step, on a few episodes of a new task, goes far.

As in supervised learning, phi = theta + alpha grad J(theta), and what counts is how well phi does. What is
new: the data hang on theta too. So the inner objective must be differentiable through the sampling
(`estimators`), and the outer one needs episodes of its own, in which phi acts.

Axes: M tasks, K trajectories of a task, N = M K simulations task by task, T time, S observation, A action.
Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017,
https://arxiv.org/abs/1703.03400, section 4.2; in place of TRPO the outer step is the clipped one of Rothfuss
et al., "ProMP: Proximal Meta-Policy Search", ICLR 2019, https://arxiv.org/abs/1810.06784, without its KL
penalty, and without reweighing the inner episodes in later epochs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from course_lib.agents.ppo import clipped_surrogate
from course_lib.core.linear_baseline import advantages, per_task_mean
from course_lib.core.networks import GaussianPolicy
from course_lib.core.per_task import Parameters, copies
from course_lib.core.per_task_policy import InTasks
from course_lib.core.rollout import Transitions, episodes
from course_lib.core.task_family import Params, set_tasks
from course_lib.meta.estimators import likelihood_ratio
from course_lib.meta.maml import inner_step, rates_like, start_of


@dataclass(frozen=True, kw_only=True)
class MAMLRLConfig:
    """Settings of MAML for RL."""

    tasks: int = 40
    """M, tasks of an iteration, >= 1."""
    trajectories: int = 20
    """K, episodes of each task, before every inner step and after the last, >= 2."""
    horizon: int = 20
    """Longest episode, steps, >= 1."""
    inner_lr: float = 0.1
    """alpha at the start, > 0."""
    learned_rates: bool = False
    """Whether every parameter has a step size of its own, trained with it."""
    inner_steps: int = 1
    """Gradient steps inside a task, >= 0; with none, one policy is trained for all tasks: pretraining."""
    first_order: bool = False
    """Whether the inner gradient is taken for a constant."""
    gamma: float = 0.99
    """Discount per step, in [0, 1]."""
    gae_lambda: float = 1.0
    """Weight of long advantages, in [0, 1]."""
    learning_rate: float = 1e-3
    """Step size of Adam, > 0."""
    epochs: int = 5
    """Outer steps on the same episodes, >= 1."""
    clip_range: float = 0.2
    """How far the probability ratio may move from 1, > 0."""
    max_grad_norm: float = 0.5
    """Longer outer gradients are scaled down to this norm, > 0."""
    log_std: float = -0.5
    """Log standard deviation of the actions at the start."""
    hidden: tuple[int, ...] = (64, 64)
    """Units of the policy's hidden layers."""

    def __post_init__(self) -> None:
        for name in ("gamma", "gae_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        for name in ("inner_lr", "learning_rate", "clip_range", "max_grad_norm"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        least = {"tasks": 1, "trajectories": 2, "horizon": 1, "inner_steps": 0, "epochs": 1}
        for name, bound in least.items():
            if getattr(self, name) < bound:
                raise ValueError(f"{name} must be at least {bound}, got {getattr(self, name)}")


class AdaptivePolicy(nn.Module):
    """A policy that every task starts from, and the rates at which it is adapted."""

    def __init__(self, policy: GaussianPolicy, inner_lr: float = 0.1, learned_rates: bool = False) -> None:
        super().__init__()
        self.policy, self.rates = policy, rates_like(policy, inner_lr, learned_rates)


def agent_for(env: VectorEnv, config: MAMLRLConfig) -> AdaptivePolicy:
    """A new policy of the sizes of a world.

    Raises:
        ValueError: its actions are not numbers.
    """
    if not isinstance(env.single_action_space, Box):
        raise ValueError(f"MAML for RL needs a world whose actions are a Box, got {env.single_action_space}")
    sizes = env.single_observation_space.shape[0], env.single_action_space.shape[0]
    policy = GaussianPolicy(*sizes, config.hidden, config.log_std)
    return AdaptivePolicy(policy, config.inner_lr, config.learned_rates)


@dataclass(frozen=True, kw_only=True)
class Experience:
    """Episodes of M tasks, and how much better than usual their steps went."""

    data: Transitions
    """[T, N]."""
    advantage: Tensor
    """[T, N]."""
    tasks: int
    """M."""

    @property
    def returns(self) -> Tensor:
        """Mean undiscounted return of each task, [M]."""
        return self.data.returns.unflatten(0, (self.tasks, -1)).mean(1)


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """What happened in M tasks: episodes before each inner step and after the last."""

    experience: list[Experience]
    """One more than there were steps."""
    parameters: list[Parameters]
    """With which they were gathered, without gradients."""

    @property
    def returns(self) -> Tensor:
        """Mean return after 0, 1, ... steps in each task, [steps + 1, M]."""
        return torch.stack([gathered.returns for gathered in self.experience])


def inner_loss(
    policy: GaussianPolicy, experience: Experience, surrogate: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[Parameters], Tensor]:
    """Minus the surrogate objective as a function of parameters: mean over a task's steps, summed over tasks.

    Args:
        policy: whose parameters they are.
        experience: gathered before the step.
        surrogate: from log-probabilities and advantages [T, N] to objectives [T, N]; see `estimators`.
    """
    data = experience.data

    def loss(parameters: Parameters) -> Tensor:
        log_prob = InTasks(policy, parameters).log_prob(data.obs, data.action) * data.valid
        objective = surrogate(log_prob, experience.advantage)
        return -per_task_mean(objective, data.valid, experience.tasks).sum()

    return loss


def adapt(
    agent: AdaptivePolicy,
    env: VectorEnv,
    tasks: int,
    config: MAMLRLConfig,
    rng: np.random.Generator,
    *,
    steps: int | None = None,
    later_rate: float = 0.2,
    seen_reward: Callable[[Tensor], Tensor] = lambda reward: reward,
    inner_step: Callable[..., Parameters] = inner_step,
    surrogate: Callable[[Tensor, Tensor], Tensor] = likelihood_ratio,
) -> Adaptation:
    """Acts in each task, takes a gradient step there, acts again, and so on.

    The rates belong to the steps of the training, which go as far as they can. Later ones would overshoot.

    Args:
        agent: left as it is.
        env: batched world of M K simulations, task by task, with autoreset disabled and the task withheld.
        tasks: M.
        config: settings.
        rng: seeds the starts.
        steps: other than `config.inner_steps`.
        later_rate: factor of the rates from the first step that the training did not have; where it had
            none, from the second.
        seen_reward: from rewards [T, N] to those that the inner steps follow, where a test will not have
            those that are trained on. The episodes after the last step keep theirs, which the outer step
            follows.
        inner_step: called as in `maml`.
        surrogate: called as in `estimators`.
    """
    # Values of their own: what is recorded must not move with the policy.
    parameters = {name: value.detach().clone() for name, value in copies(agent.policy, tasks).items()}
    rates = {name: rate.detach() for name, rate in agent.rates.named_parameters()}
    gathered, used = [], []
    last = config.inner_steps if steps is None else steps
    for step in range(last + 1):
        if step:
            if step == max(config.inner_steps, 1) + 1:
                rates = {name: later_rate * rate for name, rate in rates.items()}
            start = {name: value.detach().requires_grad_() for name, value in parameters.items()}
            with torch.enable_grad():
                moved = inner_step(inner_loss(agent.policy, gathered[-1], surrogate), start, rates, True)
            parameters = {name: value.detach() for name, value in moved.items()}
        data = episodes(env, InTasks(agent.policy, parameters), config.horizon, int(rng.integers(2**31)))
        judged = data if step == last else replace(data, reward=seen_reward(data.reward))
        advantage = advantages(agent.policy, judged, tasks, config.gamma, config.gae_lambda)
        gathered.append(Experience(data=data, advantage=advantage, tasks=tasks))
        used.append(parameters)
    return Adaptation(experience=gathered, parameters=used)


def update(
    agent: AdaptivePolicy,
    optimizer: torch.optim.Optimizer,
    happened: Adaptation,
    config: MAMLRLConfig,
    *,
    inner_step: Callable[..., Parameters] = inner_step,
    surrogate: Callable[[Tensor, Tensor], Tensor] = likelihood_ratio,
) -> dict[str, float]:
    """Improves the start, so that the same steps from it would have led to better policies.

    Args:
        agent: changed in place.
        optimizer: of its parameters.
        happened: with this agent.
        config: settings.
        inner_step: called as in `maml`.
        surrogate: called as in `estimators`.

    Returns:
        Of the last epoch, before its step: policy_loss; kl, from the policies that acted to those that the
        start leads to now, nats per step.
    """
    *before, after = happened.experience
    data, tasks, rates = after.data, after.tasks, dict(agent.rates.named_parameters())
    with torch.no_grad():
        old = InTasks(agent.policy, happened.parameters[-1]).log_prob(data.obs, data.action)
    for _ in range(config.epochs):
        parameters = start_of(agent.policy, tasks)
        for gathered in before:
            loss = inner_loss(agent.policy, gathered, surrogate)
            parameters = inner_step(loss, parameters, rates, config.first_order)
        log_prob = InTasks(agent.policy, parameters).log_prob(data.obs, data.action)
        objective = clipped_surrogate(
            log_prob.flatten(), old.flatten(), after.advantage.flatten(), config.clip_range
        ).view_as(log_prob)
        outer = -per_task_mean(objective, data.valid, tasks).mean()
        optimizer.zero_grad()
        outer.backward()
        nn.utils.clip_grad_norm_(agent.parameters(), config.max_grad_norm)
        optimizer.step()
    kl = per_task_mean((old - log_prob).detach(), data.valid, tasks).mean()
    for gathered in happened.experience:
        # Only now: a shifted normalization is another policy than the one that acted.
        agent.policy.obs_norm.observe(gathered.data.obs[gathered.data.valid])
    return {"policy_loss": outer.item(), "kl": float(kl)}


def train(
    agent: AdaptivePolicy,
    optimizer: torch.optim.Optimizer,
    env: VectorEnv,
    draw: Callable[[int], Params],
    config: MAMLRLConfig,
    iterations: int,
    rng: np.random.Generator,
    *,
    seen_reward: Callable[[Tensor], Tensor] = lambda reward: reward,
    inner_step: Callable[..., Parameters] = inner_step,
    surrogate: Callable[[Tensor, Tensor], Tensor] = likelihood_ratio,
) -> Iterator[dict[str, float]]:
    """Meta-trains on new tasks all the time, one record an iteration.

    Args:
        agent: changed in place.
        optimizer: of its parameters.
        env: batched world of M K simulations, with autoreset disabled and the task withheld.
        draw: from a number to the parameters of so many tasks.
        config: settings.
        iterations: how many times to adapt in M new tasks, and to learn from it.
        rng: seeds the world.
        seen_reward: as of `adapt`.
        inner_step: called as in `maml`.
        surrogate: called as in `estimators`.

    Raises:
        ValueError: the world has another number of simulations than the settings.

    Yields:
        iteration, steps (so far), return_before and return_mean (before adaptation and after it),
        policy_loss, kl.
    """
    if env.num_envs != config.tasks * config.trajectories:
        raise ValueError(
            f"{config.tasks} tasks of {config.trajectories} trajectories need a world of "
            f"{config.tasks * config.trajectories} simulations, got {env.num_envs}"
        )
    steps = 0
    for iteration in range(1, iterations + 1):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * (1.0 - (iteration - 1) / iterations)
        set_tasks(env, draw(config.tasks), config.tasks)
        happened = adapt(
            agent,
            env,
            config.tasks,
            config,
            rng,
            seen_reward=seen_reward,
            inner_step=inner_step,
            surrogate=surrogate,
        )
        record = update(agent, optimizer, happened, config, inner_step=inner_step, surrogate=surrogate)
        steps += sum(gathered.data.steps for gathered in happened.experience)
        returns = happened.returns.mean(1)
        yield {
            "iteration": iteration,
            "steps": steps,
            "return_before": float(returns[0]),
            "return_mean": float(returns[-1]),
            **record,
        }
