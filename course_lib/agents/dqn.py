"""DQN: learn from replayed experience what each of a few actions is worth, and take the best.

The values are moved towards reward plus the value of the best next action, which a slowly moving copy of
them tells: chasing oneself would run away.

Axes: B batch, S observation; action numbers are stored as float32 [B, 1].
Source: Mnih et al., "Human-level control through deep reinforcement learning", Nature 2015,
https://doi.org/10.1038/nature14236; the slow copy as in Lillicrap et al., "Continuous control with deep
reinforcement learning", 2015, https://arxiv.org/abs/1509.02971.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.core.networks import ActionValues, polyak
from course_lib.core.replay import Batch
from course_lib.core.returns import td_target
from course_lib.core.types import PerTransition, Scalar, shape_checked


@dataclass(frozen=True, kw_only=True)
class DQNConfig:
    """Settings of DQN."""

    gamma: float = 0.98
    """Discount per step, in [0, 1]."""
    learning_rate: float = 1e-3
    """Step size of Adam, > 0."""
    polyak_rate: float = 0.05
    """How far the slow copy moves per update, in (0, 1]."""
    epsilon: float = 0.2
    """Share of random actions while collecting, in [0, 1]."""
    hidden: tuple[int, ...] = (256,)
    """Units of the hidden layers."""

    def __post_init__(self) -> None:
        for name in ("gamma", "epsilon"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if not 0.0 < self.polyak_rate <= 1.0:
            raise ValueError(f"polyak_rate must be in (0, 1], got {self.polyak_rate}")
        if not self.learning_rate > 0.0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")


class Agent(nn.Module):
    """Action values and their slow copy: what a training changes."""

    def __init__(self, obs_size: int, actions: int, config: DQNConfig) -> None:
        super().__init__()
        self.policy = ActionValues(obs_size, actions, config.hidden)
        self.policy.epsilon = config.epsilon
        self.target_values = copy.deepcopy(self.policy).requires_grad_(False)
        # The fused Adam is right only for contiguous parameters, which these are.
        self.optimizer = torch.optim.Adam(self.policy.parameters(), lr=config.learning_rate, fused=True)


@shape_checked
def value_loss(
    q: Float[Tensor, "B N"], action: Float[Tensor, "B 1"], target: PerTransition, weight: PerTransition
) -> Scalar:
    """Weighted mean squared error of the values of the actions that were taken, to be minimized.

    Args:
        q: values of all actions.
        action: number of the one that was taken.
        target: what its value is to be.
        weight: how much each transition counts.
    """
    taken = q.gather(1, action.long()).squeeze(1)  # [B]
    return (weight * (taken - target).square()).mean()


def update(
    agent: Agent, batch: Batch, config: DQNConfig, td_target: Callable[..., Tensor] = td_target
) -> dict[str, Tensor]:
    """One gradient step on the action values.

    Args:
        agent: changed in place.
        batch: B transitions.
        config: settings.
        td_target: what the values learn, called as in `core.returns`.

    Returns:
        value_loss and value (mean over the batch), without gradients.
    """
    with torch.no_grad():
        next_value = agent.target_values(batch.next_obs).amax(1)  # [B]
        target = td_target(batch.reward, next_value, batch.terminated, config.gamma)
    loss = value_loss(agent.policy(batch.obs), batch.action, target, batch.weight)
    agent.optimizer.zero_grad()
    loss.backward()
    agent.optimizer.step()
    polyak(agent.target_values, agent.policy, config.polyak_rate)
    return {"value_loss": loss.detach(), "value": target.mean()}
