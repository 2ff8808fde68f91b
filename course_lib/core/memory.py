"""Networks that remember: a policy whose actions hang on all that happened since its memory was empty.

A memory is anything that takes one step at a time, from inputs and what it held before to features and
what it holds after. All that it holds is one row of numbers per trial, and a row of zeros is an empty memory.

Axes: T time, N trials, S observation, A actions, I inputs, H memory, F features.
Source: Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779 (GRU and inputs); Cho et al., 2014, https://arxiv.org/abs/1406.1078 (GRU);
Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.core.networks import LOG_TWO_PI, RunningNorm, mlp


class GRUMemory(nn.Module):
    """A gated recurrent unit: what it holds is its hidden state."""

    def __init__(self, inputs: int, hidden: int = 32) -> None:
        super().__init__()
        self.size = self.features = hidden
        self.cell = nn.GRUCell(inputs, hidden)

    def step(self, inputs: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One step: inputs [N, I] and memory [N, H] to features [N, F] and the new memory."""
        memory = self.cell(inputs, memory)
        return memory, memory


class LSTMMemory(nn.Module):
    """Long short-term memory: what it holds is its hidden state and its cell, side by side."""

    def __init__(self, inputs: int, hidden: int = 32) -> None:
        super().__init__()
        self.size, self.features = 2 * hidden, hidden
        self.cell = nn.LSTMCell(inputs, hidden)

    def step(self, inputs: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One step: inputs [N, I] and memory [N, H] to features [N, F] and the new memory."""
        hidden, cell = self.cell(inputs, memory.chunk(2, dim=-1))
        return hidden, torch.cat([hidden, cell], dim=-1)


class MemoryPolicy(nn.Module):
    """pi(a|h) and V(h): a policy and its value, of all that happened since the trial began.

    Its inputs are the paper's: the observation, what was done last, the reward for it, and whether an
    episode ended with it. Of these it also multiplies action and reward, "which arm paid how much", for
    the gates of a recurrent network learn a product of two inputs slowly; and it scales rewards and
    observations by what was seen in training.

    Args:
        obs_size: S.
        action_size: A, how many actions there are, or how many numbers one has.
        discrete: whether an action is one of A, or A numbers.
        make_memory: builds the memory for a number of inputs.
    """

    def __init__(
        self,
        obs_size: int,
        action_size: int,
        discrete: bool,
        make_memory: Callable[[int], nn.Module] = GRUMemory,
    ) -> None:
        super().__init__()
        self.obs_size, self.action_size, self.discrete = obs_size, action_size, discrete
        self.obs_norm, self.reward_norm = RunningNorm(obs_size), RunningNorm(1)
        self.return_norm = RunningNorm(1)
        self.memory = make_memory(obs_size + 2 * action_size + 2)
        self.action = mlp([self.memory.features, action_size], last_gain=0.01)
        self.critic = mlp([self.memory.features, 1])
        if not discrete:
            self.log_std = nn.Parameter(torch.full((action_size,), -0.5))

    def begin(self, n: int) -> Tensor:
        """The empty memory of n trials, [n, H]."""
        return torch.zeros(n, self.memory.size)

    def encode(self, inputs: Tensor) -> Tensor:
        """What the memory reads of the inputs [..., S + A + 2]: scaled, and the product of two of them."""
        obs, action, reward, ended = inputs.split([self.obs_size, self.action_size, 1, 1], dim=-1)
        reward = self.reward_norm.normalize(reward)
        return torch.cat([self.obs_norm.normalize(obs), action, action * reward, reward, ended], dim=-1)

    def advance(self, inputs: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Remembers one step: inputs [N, S + A + 2] and memory [N, H] to features [N, F] and memory."""
        return self.memory.step(self.encode(inputs), memory)

    def witness(self, memory: Tensor, action: Tensor, reward: Tensor, next_obs: Tensor) -> Tensor:
        """The memory [N, H] after a step's outcome; this policy is told it with its next inputs, if at all.

        Args:
            memory: after `advance`.
            action: what was done, as `core.trials.meta_input` gives it, [N, A].
            reward: for it, [N].
            next_obs: what it led to, before anything is reset, [N, S].
        """
        return memory

    def probabilities(self, features: Tensor) -> Tensor:
        """Probability of each of a few actions, [..., A]."""
        return self.action(features).softmax(-1)

    def sample(self, features: Tensor) -> Tensor:
        """A random action, float32 [..., A]; where actions are discrete its number, [..., 1]."""
        out = self.action(features)
        if self.discrete:
            # The largest of the logits with Gumbel noise is a draw from the softmax.
            noise = -torch.empty_like(out).exponential_().log()
            return (out + noise).argmax(-1, keepdim=True).float()
        return out + self.log_std.exp() * torch.randn_like(out)

    def log_prob_and_entropy(self, features: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability of actions as `sample` gives them, and the entropy of all, [...], in nats."""
        out = self.action(features)
        if self.discrete:
            log_probs = out.log_softmax(-1)
            chosen = log_probs.gather(-1, action.long()).squeeze(-1)
            return chosen, -(log_probs.exp() * log_probs).sum(-1)
        z = (action - out) * (-self.log_std).exp()
        log_prob = -0.5 * (z.square() + LOG_TWO_PI).sum(-1) - self.log_std.sum()
        return log_prob, (self.log_std + 0.5 * (LOG_TWO_PI + 1.0)).sum().expand_as(log_prob)

    def normalized_value(self, features: Tensor) -> Tensor:
        """Value in units of the returns' standard deviation, [...]."""
        return self.critic(features).squeeze(-1)

    def value(self, features: Tensor) -> Tensor:
        """What is still to come in this trial, in units of reward, [...]."""
        return self.return_norm.restore(self.normalized_value(features))
