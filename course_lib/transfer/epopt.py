"""EPOpt: train on a whole ensemble of worlds, and learn from the worst of them.

Every trajectory runs in a world of its own, drawn from a source distribution over physical
parameters; the policy is improved on the epsilon-fraction with the lowest return (the
conditional value at risk). The paper's other half, which narrows the ensemble to a target,
is in epopt_adaptation.

Axes: N trajectories, T time.
Source: Rajeswaran et al., "EPOpt: Learning Robust Neural Network Policies Using Model
Ensembles", ICLR 2017, https://arxiv.org/abs/1610.01283.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from numpy import ndarray
from torch import Tensor

from course_lib.agents import ppo
from course_lib.core.rollout import Collector, episodes
from course_lib.core.task_family import TaskFamily, truncated_normal
from course_lib.core.types import PerTrajectory, PerTrajectoryMask, shape_checked


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


def epsilon_at(iteration: int, config: EPOptConfig) -> float:
    """The paper's schedule: all trajectories first, the worst ones once the policy can walk.

    Args:
        iteration: from 1.
        config: settings.
    """
    return 1.0 if iteration <= config.warmup_iterations else config.epsilon


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
    surrogate: Callable[..., Tensor] = ppo.surrogate,
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
        surrogate: objective on their transitions, called as in `agents.ppo`.

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
