"""Contextual policies: one network for many tasks, told which of them it is in.

A task is drawn at the first step of an episode, and its context omega is part of the state: training on
many tasks is reinforcement learning in one joint MDP, and PPO needs no change. What is new is how tasks
get in each other's way: the one with larger rewards is listened to, or two pull the weights apart.

Axes: M tasks, T time, N simulations, P parameters of a task, W weights of the policy.
Source: contexts as part of the state, Schaul et al., "Universal Value Function Approximators", ICML 2015;
a scale for each task's returns, Hessel et al., "Multi-task Deep Reinforcement Learning with PopArt", AAAI
2019, https://arxiv.org/abs/1809.04474 (here for the rewards); conflict as a negative cosine, Yu et al.,
"Gradient Surgery for Multi-Task Learning", NeurIPS 2020, https://arxiv.org/abs/2001.06782.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from jaxtyping import Float, Int64
from numpy import ndarray
from torch import Tensor

from course_lib.agents import ppo
from course_lib.core.networks import RunningNorm
from course_lib.core.returns import gae
from course_lib.core.rollout import Collector, Transitions
from course_lib.core.task_family import DrawnTasks, TaskFamily, TruncatedNormal, Uniform, draw_tasks
from course_lib.core.types import PerStep, PerStepMask, PerTrajectory, shape_checked

TaskPerStep = Int64[Tensor, "T N"]
TaskPerTrajectory = Int64[Tensor, "N"]
PerTask = Float[Tensor, "M"]
Gradients = Float[Tensor, "M W"]
Cosines = Float[Tensor, "M M"]


@dataclass(frozen=True, kw_only=True)
class ContextualConfig:
    """Settings of a training on many tasks."""

    iterations: int = 100
    """Iterations in all, >= 1."""
    scale_rewards: bool = False
    """Whether each task's rewards are divided by the deviation of its own returns."""
    policy_optimization: ppo.PPOConfig = field(default_factory=ppo.PPOConfig)
    """Settings of the policy optimization inside."""

    def __post_init__(self) -> None:
        if self.iterations < 1:
            raise ValueError(f"iterations must be at least 1, got {self.iterations}")


@shape_checked
def discounted_sums(reward: PerStep, ended: PerStepMask, before: PerTrajectory, gamma: float) -> PerStep:
    """R_t = r_t + gamma R_{t-1}: the rewards of an episode so far, the last ones counting most.

    Args:
        reward: r_t.
        ended: whose episode ended with this step; its sum starts again from zero.
        before: the sum up to the step before the first, 0 where an episode begins.
        gamma: discount in [0, 1].
    """
    sums, running = torch.empty_like(reward), before
    for t in range(len(reward)):
        running = reward[t] + gamma * running
        sums[t] = running
        running = running * ~ended[t]
    return sums


@shape_checked
def scaled_reward(reward: PerStep, task: TaskPerStep, scale: PerTask) -> PerStep:
    """Rewards in units of their own task: r / sigma_task.

    Scaling by one number for all tasks, or standardizing advantages over all, leaves the ratio between
    tasks as it was: who is paid in cents beside one paid in euros is still not listened to.

    Args:
        reward: r.
        task: which of the M tasks each step belongs to.
        scale: sigma, standard deviation of each task's discounted sums, > 0.
    """
    return reward / scale[task]


class TaskScales:
    """Running deviation of each task's discounted sums of rewards.

    Args:
        gamma: discount of the sums, in [0, 1].
    """

    def __init__(self, gamma: float) -> None:
        self._gamma = gamma
        self._norms: dict[tuple[float, ...], RunningNorm] = {}
        self._before: Tensor | None = None

    def observe(self, data: Transitions, tasks: ndarray) -> Tensor:
        """Adds what happened to the statistics.

        Args:
            data: transitions [T, N]; each call goes on where the last one ended.
            tasks: parameters of the task that each step was part of, [T, N, P].

        Returns:
            Which task each step belongs to, int64 [T, N], numbered as they are first met.
        """
        before = torch.zeros_like(data.reward[0]) if self._before is None else self._before
        sums = discounted_sums(data.reward, data.ended, before, self._gamma)
        self._before = sums[-1] * ~data.ended[-1]
        rows, place = np.unique(tasks.reshape(-1, tasks.shape[-1]), axis=0, return_inverse=True)
        for row in map(tuple, rows.tolist()):
            self._norms.setdefault(row, RunningNorm(1))
        numbers = {row: number for number, row in enumerate(self._norms)}
        number = torch.tensor([numbers[row] for row in map(tuple, rows.tolist())])
        task = number[torch.as_tensor(place.reshape(tasks.shape[:2]))]  # [T, N]
        for number, norm in enumerate(self._norms.values()):
            norm.observe(sums[(task == number) & data.valid].unsqueeze(-1))
        return task

    @property
    def scale(self) -> Tensor:
        """Standard deviation by task, [M]; 1 where a task's rewards never differed."""
        deviations = torch.cat([norm.var.sqrt() for norm in self._norms.values()])
        return torch.where(deviations > 1e-6, deviations, 1.0)


def tasks_in_force(ended: Tensor, draw_pending: bool, drawn: Sequence[ndarray]) -> ndarray:
    """Which task each step was part of, from the draws that were made meanwhile.

    Args:
        ended: bool [T, N], episodes that ended with a step: a draw is made before the next one.
        draw_pending: whether a draw is made before the first step.
        drawn: tasks [N, P] before the first step, and after each draw.

    Returns:
        Tasks, [T, N, P].
    """
    anybody = ended.any(1).numpy()
    return np.stack(drawn)[np.cumsum([draw_pending, *anybody[:-1]])]


@shape_checked
def policy_gradients(
    agent: ppo.Agent, data: Transitions, task: TaskPerTrajectory, config: ppo.PPOConfig
) -> Gradients:
    """Each task's own policy gradient, at the weights that collected the data: what M tasks ask of one net.

    Advantages are standardized over all tasks together, so the gradients add up to what PPO's first step
    follows, each in proportion to how much data its task has.

    Args:
        agent: policy and value; not changed.
        data: transitions [T, N].
        task: number of the task of each simulation, from 0.
        config: discounts.

    Returns:
        Gradients with respect to the weights of the policy's mean.
    """
    with torch.no_grad():
        value, next_value = agent.value(data.obs), agent.value(data.next_obs)
        advantage = gae(
            data.reward, value, next_value, data.terminated, data.ended, config.gamma, config.gae_lambda
        )
        advantage[data.valid] = ppo.standardize(advantage[data.valid], torch.ones(data.steps).bool())
    gradients = []
    for number in range(int(task.max()) + 1):
        chosen = data.valid & (task == number)  # [T, N]
        log_prob = agent.policy.log_prob(data.obs[chosen], data.action[chosen])
        objective = (log_prob * advantage[chosen]).mean()
        parts = torch.autograd.grad(objective, list(agent.policy.mean.parameters()))
        gradients.append(torch.cat([part.flatten() for part in parts]))
    return torch.stack(gradients)


@shape_checked
def gradient_cosines(gradients: Gradients, again: Gradients) -> Cosines:
    """Cosine of the angle between the gradients of two tasks; below 0 they are in conflict.

    Gradients are estimates, and noise alone pulls their cosine towards 0. So they come from two
    independent batches: the diagonal, a task beside itself, says how much of 1 the noise has left.

    Args:
        gradients: of each task, from one batch.
        again: the same from another batch.
    """
    unit, unit_again = (torch.nn.functional.normalize(g, dim=1) for g in (gradients, again))
    cosines = unit @ unit_again.T
    return (cosines + cosines.T) / 2


def conflicting(cosines: Tensor) -> float:
    """Share of pairs of different tasks whose gradients point against each other, in [0, 1].

    Raises:
        ValueError: there is only one task.
    """
    count = len(cosines)
    if count < 2:
        raise ValueError("conflict is between two tasks, got only one: give at least two")
    pairs = cosines[*torch.triu_indices(count, count, offset=1)]
    return float((pairs < 0).float().mean())


def train(
    agent: ppo.Agent,
    env: VectorEnv,
    family: TaskFamily,
    config: ContextualConfig,
    rng: np.random.Generator,
    *,
    draw_tasks: Callable[..., ndarray] = draw_tasks,
    scaled_reward: Callable[..., Tensor] = scaled_reward,
    surrogate: Callable[..., Tensor] = ppo.surrogate,
) -> Iterator[dict[str, float]]:
    """Trains one policy in the joint MDP of a family, one record an iteration.

    Whether it is told the context is the world's matter (`context_observed`): the training is the same.

    Args:
        agent: changed in place; its policy reads what the world shows.
        env: batched world of the family with autoreset disabled.
        family: where tasks are drawn from, at the first step of every episode.
        config: settings.
        rng: draws tasks and start states, shuffles minibatches.
        draw_tasks: the draw, called as in `core.task_family`.
        scaled_reward: puts rewards into units of their task, called as in this module.
        surrogate: objective of the policy, called as in `agents.ppo`.

    Yields:
        iteration, steps (so far), return_mean (of the last N episodes, in rewards as the world gives them),
        losses and kl.

    Raises:
        ValueError: rewards are to be scaled by task, and tasks of the family do not come again.
    """
    endless = [name for name, d in family.source.items() if isinstance(d, Uniform | TruncatedNormal)]
    if config.scale_rewards and endless:
        raise ValueError(
            f"scale_rewards needs tasks that recur, and {', '.join(endless)} has infinitely many values: "
            "choose among some (Choice), or leave rewards as they are"
        )
    tasks = DrawnTasks(env, family, rng, draw_tasks)
    scales = TaskScales(config.policy_optimization.gamma)
    drawn: list[ndarray] = []
    draw_pending = False

    def draw(starting: ndarray) -> None:
        tasks(starting)
        drawn.append(tasks.tasks)

    collector = Collector(env, seed=int(rng.integers(2**31)), before_reset=draw)
    recent, steps = np.empty(0), 0
    for iteration in range(1, config.iterations + 1):
        ppo.anneal(agent, config.policy_optimization, iteration, config.iterations)
        data, finished = collector.collect(agent.policy, config.policy_optimization.steps)
        steps += data.steps
        recent = np.concatenate([recent, finished])[-env.num_envs :]
        if config.scale_rewards:
            task = scales.observe(data, tasks_in_force(data.ended, draw_pending, drawn))
            data = replace(data, reward=scaled_reward(data.reward, task, scales.scale))
        drawn, draw_pending = drawn[-1:], bool(data.ended[-1].any())
        record = ppo.update(agent, data, config.policy_optimization, rng, surrogate=surrogate)
        mean = float(recent.mean()) if len(recent) else float("nan")
        yield {"iteration": iteration, "steps": steps, "return_mean": mean, **record}
