"""A world so small that all its trajectories can be listed: every expectation is a sum, and none is sampled.

A softmax policy is a table of logits. The probability of a trajectory, and so the expected return, is an
expression in them that can be differentiated as often as one likes: that is what estimates are judged by.

Axes: S states, A actions, T steps, N trajectories (all of them), D = S A logits.
Source: exact gradient and Hessian as the judge of estimators, as in Foerster et al., "DiCE", ICML 2018,
section 5.1, https://arxiv.org/abs/1802.05098.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from course_lib.core.types import shape_checked

Logits = Float64[Tensor, "S A"]
"""The policy is their softmax over the actions, in every state."""
EachLogits = Float64[Tensor, "N S A"]
"""A policy for each trajectory."""
Steps = Float64[Tensor, "T N"]
Chances = Float64[Tensor, "N"]


@dataclass(frozen=True)
class TinyWorld:
    """A world as a table, with episodes of one length."""

    dynamics: Float64[Tensor, "S A S"]
    """p(s' | s, a); every row sums to 1."""
    reward: Float64[Tensor, "S A"]
    """r(s, a)."""
    start: Float64[Tensor, "S"]
    """p(s_0)."""
    steps: int
    """T, >= 1."""
    gamma: float = 1.0
    """Discount, in [0, 1]."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        if not 0.0 <= self.gamma <= 1.0:
            raise ValueError(f"gamma must be in [0, 1], got {self.gamma}")


def random_world(
    rng: np.random.Generator, states: int = 3, actions: int = 2, steps: int = 4, gamma: float = 1.0
) -> TinyWorld:
    """A world whose probabilities are drawn evenly from all that there are, and rewards from 0 to 1.

    Args:
        rng: draws it.
        states: S.
        actions: A.
        steps: T; there are (S A)^T trajectories.
        gamma: discount, in [0, 1].
    """
    dynamics = torch.from_numpy(rng.dirichlet(np.ones(states), (states, actions)))
    reward = torch.from_numpy(rng.random((states, actions)))
    return TinyWorld(dynamics, reward, torch.full((states,), 1 / states, dtype=torch.float64), steps, gamma)


@shape_checked
def action_values(
    world: TinyWorld, logits: Logits
) -> tuple[Float64[Tensor, "T S A"], Float64[Tensor, "T S"]]:
    """Q_t(s, a) and V_t(s): what is still earned from step t on, seen from there, backwards from the end.

    Args:
        world: with its number of steps.
        logits: of the policy.
    """
    policy = logits.softmax(-1)
    value = torch.zeros_like(world.start)
    q_values, values = [], []
    for _ in range(world.steps):
        q = world.reward + world.gamma * world.dynamics @ value  # [S, A]
        value = (policy * q).sum(-1)
        q_values.insert(0, q)
        values.insert(0, value)
    return torch.stack(q_values), torch.stack(values)


@shape_checked
def expected_return(world: TinyWorld, logits: Logits) -> Float64[Tensor, ""]:
    """J: the discounted sum of rewards that a policy can expect; differentiable in its logits."""
    return world.start @ action_values(world, logits)[1][0]


@dataclass(frozen=True)
class AllTrajectories:
    """Every trajectory that a world allows, in no special order."""

    states: Int64[Tensor, "T N"]
    """s_t."""
    actions: Int64[Tensor, "T N"]
    """a_t."""
    reward: Steps
    """gamma^t r_t: what step t adds to the return."""
    allowed: Chances
    """p(s_0) prod p(s_t+1 | s_t, a_t): the world's part of the probability, which no policy changes."""

    def log_prob(self, logits: Logits | EachLogits) -> Steps:
        """log pi(a_t | s_t) in nats, of one policy, or of another one for each trajectory."""
        own = logits.log_softmax(-1).expand(len(self.allowed), *logits.shape[-2:])  # [N, S, A]
        return own[torch.arange(len(own)), self.states, self.actions]

    def probability(self, logits: Logits | EachLogits) -> Chances:
        """Of each trajectory; together 1 under one policy."""
        return self.allowed * self.log_prob(logits).sum(0).exp()

    def still_to_come(self) -> Steps:
        """Rewards from step t on, as they count in the return: sum_{t' >= t} gamma^t' r_t'."""
        return self.reward.flip(0).cumsum(0).flip(0)


def all_trajectories(world: TinyWorld) -> AllTrajectories:
    """Lists the trajectories of a world, but for those that it gives no chance."""
    states, actions = world.reward.shape
    choices = torch.tensor(list(product(range(states * actions), repeat=world.steps))).T  # [T, N]
    state, action = choices // actions, choices % actions
    moves = world.dynamics[state[:-1], action[:-1], state[1:]]  # [T-1, N]
    allowed = world.start[state[0]] * moves.prod(0)
    discount = world.gamma ** torch.arange(world.steps, dtype=torch.float64)[:, None]
    possible = allowed > 0
    reward = discount * world.reward[state, action]
    return AllTrajectories(state[:, possible], action[:, possible], reward[:, possible], allowed[possible])


@dataclass(frozen=True)
class Derivatives:
    """What each trajectory says of the derivatives of J with respect to the logits."""

    gradient: Float64[Tensor, "N D"]
    """First derivatives."""
    hessian: Float64[Tensor, "N D D"]
    """Second derivatives."""


def derivatives(
    trajectories: AllTrajectories, logits: Logits, surrogate: Callable[[Steps], Steps]
) -> Derivatives:
    """The derivatives of a surrogate by trajectory, as if each were the only one sampled.

    Their mean over all trajectories, weighed by probability, is what the surrogate estimates, exactly; their
    covariance, divided by n, is that of an estimate from n trajectories.

    Args:
        trajectories: all of them.
        logits: where to differentiate.
        surrogate: from log pi(a_t | s_t) to an objective by step, both [T, N].
    """
    own = logits.detach().expand(len(trajectories.allowed), -1, -1).clone().requires_grad_()  # [N, S, A]
    objective = surrogate(trajectories.log_prob(own)).sum()
    (gradient,) = torch.autograd.grad(objective, own, create_graph=True)
    each = gradient.flatten(1).sum(0)  # a trajectory's logits are its own, so nothing is mixed: [D]
    hessian = [torch.autograd.grad(one, own, retain_graph=True)[0].flatten(1) for one in each]
    return Derivatives(gradient.detach().flatten(1), torch.stack(hessian, 1))
