"""Small networks: a multilayer perceptron, Gaussian policies, a value function, twin critics, action values.

Axes: B batch, N simulations, S observation, A action, E critics, I inputs, O outputs.
Source: policy and value as in Schulman et al., "Proximal Policy Optimization Algorithms",
2017, https://arxiv.org/abs/1707.06347, section 6.1: two hidden layers of 64 tanh units; squashed
policy and twin critics as in Haarnoja et al., "Soft Actor-Critic Algorithms and Applications",
2018, https://arxiv.org/abs/1812.05905, appendix C.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

LOG_TWO_PI = math.log(2.0 * math.pi)
LOG_TWO = math.log(2.0)


def mlp(sizes: Sequence[int], last_gain: float = 1.0, activation: type[nn.Module] = nn.Tanh) -> nn.Sequential:
    """Fully connected network, orthogonally initialized, linear at the end.

    Args:
        sizes: units of each layer, from input to output.
        last_gain: gain of the last layer; a small one starts a policy near zero action.
        activation: between the layers.

    Raises:
        ValueError: fewer than two sizes.
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes must name at least an input and an output layer, got {list(sizes)}")
    layers: list[nn.Module] = []
    for i, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        last = i == len(sizes) - 2
        layer = nn.Linear(fan_in, fan_out)
        nn.init.orthogonal_(layer.weight, gain=last_gain if last else math.sqrt(2.0))
        nn.init.zeros_(layer.bias)
        layers += [layer] if last else [layer, activation()]
    return nn.Sequential(*layers)


class RunningNorm(nn.Module):
    """Shifts and scales by the mean and standard deviation of all data seen so far."""

    mean: Tensor
    var: Tensor
    count: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("var", torch.ones(size))
        self.register_buffer("count", torch.zeros(()))

    @torch.no_grad()
    def observe(self, data: Tensor) -> None:
        """Adds data [B, size] to the statistics (parallel variance of Chan et al.)."""
        n = data.shape[0]
        if n == 0:
            return
        mean, var = data.mean(0), data.var(0, unbiased=False)
        total = self.count + n
        shift = mean - self.mean
        self.var = (self.var * self.count + var * n + shift**2 * self.count * n / total) / total
        self.mean = self.mean + shift * n / total
        self.count = total

    def normalize(self, data: Tensor) -> Tensor:
        """From data to mean 0 and standard deviation 1, clipped at ten standard deviations."""
        return ((data - self.mean) / (self.var + 1e-8).sqrt()).clamp(-10.0, 10.0)

    def restore(self, data: Tensor) -> Tensor:
        """The inverse of normalize, without the clipping."""
        return data * (self.var + 1e-8).sqrt() + self.mean


class GaussianPolicy(nn.Module):
    """pi(a|s): a normal with a learned mean, and a deviation per action that is the same in every state."""

    def __init__(
        self, obs_size: int, action_size: int, hidden: Sequence[int] = (64, 64), log_std: float = -0.5
    ) -> None:
        super().__init__()
        self.obs_norm = RunningNorm(obs_size)
        self.mean = mlp([obs_size, *hidden, action_size], last_gain=0.01)
        self.log_std = nn.Parameter(torch.full((action_size,), log_std))

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [..., A] and log standard deviation [A] of the action."""
        return self.mean(self.obs_norm.normalize(obs)), self.log_std

    def sample(self, obs: Tensor) -> Tensor:
        """A random action [..., A]."""
        mean, log_std = self(obs)
        return mean + log_std.exp() * torch.randn_like(mean)

    def log_prob(self, obs: Tensor, action: Tensor) -> Tensor:
        """Log-density of the actions, summed over A, in nats."""
        mean, log_std = self(obs)
        z = (action - mean) * (-log_std).exp()
        return -0.5 * (z.square() + LOG_TWO_PI).sum(-1) - log_std.sum()

    def entropy(self) -> Tensor:
        """Entropy of the action distribution in nats; the same in every state."""
        return (self.log_std + 0.5 * (LOG_TWO_PI + 1.0)).sum()

    @torch.no_grad()
    def act(self, obs: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Actions for numpy observations: the mean, or a sample where a generator is given.

        Args:
            obs: [N, S] or [S].
            rng: source of the exploration noise; None for the mean action.

        Returns:
            float32 actions, [N, A] or [A].

        Raises:
            ValueError: the observations have another size than the policy was made for.
        """
        _check_size(obs, self.obs_norm.mean.shape[0])
        mean, log_std = self(torch.as_tensor(obs, dtype=torch.float32))
        if rng is None:
            return mean.numpy()
        return (mean.numpy() + log_std.exp().numpy() * rng.standard_normal(mean.shape)).astype(np.float32)


class SquashedGaussianPolicy(nn.Module):
    """pi(a|s): a normal whose mean and deviation hang on the state, squashed by tanh into (-1, 1)."""

    log_std_bounds = (-5.0, 2.0)
    """Between these the log standard deviation is clipped, before squashing."""

    def __init__(self, obs_size: int, action_size: int, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        self.obs_size, self.action_size = obs_size, action_size
        self.net = mlp([obs_size, *hidden, 2 * action_size], last_gain=0.01, activation=nn.ReLU)

    def forward(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of the action before squashing, [..., A] each."""
        mean, log_std = self.net(obs).chunk(2, dim=-1)
        return mean, log_std.clamp(*self.log_std_bounds)

    def sample(self, obs: Tensor) -> Tensor:
        """A random action [..., A]."""
        mean, log_std = self(obs)
        return torch.tanh(mean + log_std.exp() * torch.randn_like(mean))

    def sample_with_log_prob(self, obs: Tensor) -> tuple[Tensor, Tensor]:
        """A random action [..., A] and its log-density [...], both with gradients (reparameterized)."""
        mean, log_std = self(obs)
        noise = torch.randn_like(mean)
        before = mean + log_std.exp() * noise  # [..., A]
        return torch.tanh(before), squashed_log_prob(before, noise, log_std)

    @torch.no_grad()
    def act(self, obs: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """Actions for numpy observations: the squashed mean, or a sample where a generator is given.

        Args:
            obs: [N, S] or [S].
            rng: source of the exploration noise; None for the most likely action before squashing.

        Returns:
            float32 actions in (-1, 1), [N, A] or [A].

        Raises:
            ValueError: the observations have another size than the policy was made for.
        """
        _check_size(obs, self.obs_size)
        mean, log_std = self(torch.as_tensor(obs, dtype=torch.float32))
        if rng is None:
            return torch.tanh(mean).numpy()
        before = mean.numpy() + log_std.exp().numpy() * rng.standard_normal(mean.shape)
        return np.tanh(before).astype(np.float32)


def squashed_log_prob(before: Tensor, noise: Tensor, log_std: Tensor) -> Tensor:
    """Log-density of tanh(before) where before = mean + exp(log_std) * noise, summed over A, in nats.

    The change of variables subtracts log(1 - tanh(u)^2), which is written as
    2 (log 2 - u - softplus(-2u)): the plain form rounds to log 0 where |u| is above about 9.

    Args:
        before: the action before squashing, [..., A].
        noise: the standard normal behind it, [..., A].
        log_std: log standard deviation before squashing, [..., A].
    """
    normal = -0.5 * (noise.square() + LOG_TWO_PI) - log_std
    slope = 2.0 * (LOG_TWO - before - nn.functional.softplus(-2.0 * before))
    return (normal - slope).sum(-1)


class UniformPolicy:
    """Acts at random in [-1, 1]: how the memory of an off-policy agent is filled at first."""

    def __init__(self, action_size: int) -> None:
        self.action_size = action_size

    def sample(self, obs: Tensor) -> Tensor:
        """A random action [..., A]."""
        return 2.0 * torch.rand(*obs.shape[:-1], self.action_size) - 1.0


class ActionValues(nn.Module):
    """Q(s, .): the values of all of a few actions at once."""

    epsilon: float = 0.2
    """Share of the actions that `sample` draws at random."""

    def __init__(self, obs_size: int, actions: int, hidden: Sequence[int] = (256,)) -> None:
        super().__init__()
        self.obs_size, self.actions = obs_size, actions
        self.net = mlp([obs_size, *hidden, actions], activation=nn.ReLU)

    def forward(self, obs: Tensor) -> Tensor:
        """Values of all actions, [..., number of actions]."""
        return self.net(obs)

    def sample(self, obs: Tensor) -> Tensor:
        """The best action, or now and then any: its number as float32 [..., 1]."""
        best = self(obs).argmax(-1)
        anything = torch.randint_like(best, self.actions)
        explores = torch.rand(best.shape) < self.epsilon
        return torch.where(explores, anything, best).unsqueeze(-1).float()

    @torch.no_grad()
    def act(self, obs: np.ndarray) -> np.ndarray:
        """The best action for numpy observations [N, S] or [S]: its number as int64 [N, 1] or [1].

        Raises:
            ValueError: the observations have another size than the values were made for.
        """
        _check_size(obs, self.obs_size)
        return self(torch.as_tensor(obs, dtype=torch.float32)).argmax(-1, keepdim=True).numpy()


class TwinQ(nn.Module):
    """Two critics Q(s, a), computed side by side by one batched product a layer."""

    def __init__(self, obs_size: int, action_size: int, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        critics = [mlp([obs_size + action_size, *hidden, 1], activation=nn.ReLU) for _ in range(2)]
        layers = [[layer for layer in critic if isinstance(layer, nn.Linear)] for critic in critics]
        pairs = list(zip(*layers, strict=True))
        # [E, I, O] and [E, 1, O]; contiguous, or the fused Adam would be wrong.
        self.weights = nn.ParameterList(
            torch.stack([layer.weight.detach().T for layer in pair]).contiguous() for pair in pairs
        )
        self.biases = nn.ParameterList(
            torch.stack([layer.bias.detach()[None] for layer in pair]).contiguous() for pair in pairs
        )

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        """Both estimates of each state and action [B, S], [B, A]: [2, B]."""
        *hidden, (weight, bias) = zip(self.weights, self.biases, strict=True)
        x = torch.cat([obs, action], dim=-1).expand(2, -1, -1)  # [E, B, S + A]
        for w, b in hidden:
            x = torch.baddbmm(b, x, w).relu_()
        return torch.baddbmm(bias, x, weight).squeeze(-1)


class ActorCritic(nn.Module):
    """A policy, and the critics that know what its actions are worth."""

    def __init__(self, policy: SquashedGaussianPolicy, critics: TwinQ) -> None:
        super().__init__()
        self.policy, self.critics = policy, critics

    def act(self, obs: np.ndarray) -> np.ndarray:
        """The most likely actions for observations [N, S] or [S], as `SquashedGaussianPolicy.act`."""
        return self.policy.act(obs)

    @torch.no_grad()
    def value(self, obs: np.ndarray) -> np.ndarray:
        """What the most likely action is worth: the smaller critic, [N, S] to float32 [N]."""
        states = torch.as_tensor(obs, dtype=torch.float32)
        return self.critics(states, torch.as_tensor(self.act(obs))).amin(0).numpy()


@torch.no_grad()
def polyak(target: nn.Module, online: nn.Module, rate: float) -> None:
    """Moves the target's parameters towards the online ones: target += rate * (online - target).

    Buffers, such as those of a RunningNorm, stay as they are.

    Args:
        target: changed in place.
        online: of the same shape.
        rate: in (0, 1]; 1 copies.
    """
    for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
        slow.lerp_(fast, rate)


class Value(nn.Module):
    """V(s): expected discounted return, learned on returns scaled to mean 0 and deviation 1."""

    def __init__(self, obs_size: int, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        self.obs_norm = RunningNorm(obs_size)
        self.return_norm = RunningNorm(1)
        self.net = mlp([obs_size, *hidden, 1])

    def normalized(self, obs: Tensor) -> Tensor:
        """Value in units of the returns' standard deviation, [...]."""
        return self.net(self.obs_norm.normalize(obs)).squeeze(-1)

    def forward(self, obs: Tensor) -> Tensor:
        """Value in units of reward, [...]."""
        return self.return_norm.restore(self.normalized(obs))


def _check_size(obs: np.ndarray, size: int) -> None:
    if obs.shape[-1] != size:
        raise ValueError(f"this policy reads observations of size {size}, got shape {obs.shape}")
