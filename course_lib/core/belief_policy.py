"""A policy that is told what is believed of its task: a Gaussian over a hidden z, from which rewards follow.

Axes: T time, N trials, K z's of a trial, S observation, A actions, I inputs, H memory, Z latent, F features.
Source: Zintgraf et al., "VariBAD: A Very Good Method for Bayes-Adaptive Deep RL via Meta-Learning", ICLR
2020, https://arxiv.org/abs/1910.08348, section 3.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.core.gaussian_belief import GaussianBelief
from course_lib.core.memory import MemoryPolicy
from course_lib.core.networks import LOG_TWO_PI, RunningNorm, mlp
from course_lib.core.trials import Trials


class Encoder(nn.Module):
    """q(z | what happened so far): a recurrent network whose empty memory is the prior.

    Args:
        size: I, numbers that a transition has.
        latent: Z.
        hidden: H.
    """

    def __init__(self, size: int, latent: int, hidden: int) -> None:
        super().__init__()
        self.embed = nn.Linear(size, hidden)
        self.gru = nn.GRU(hidden, hidden)
        # Without a bias, a memory of zeros is a mean of 0 and a variance of 1.
        self.mean = nn.Linear(hidden, latent, bias=False)
        self.log_variance = nn.Linear(hidden, latent, bias=False)

    def forward(self, transitions: Tensor, memory: Tensor) -> Tensor:
        """The memory after each of some transitions [T, N, I], begun with [N, H]: [T, N, H]."""
        return self.gru(self.embed(transitions).relu(), memory.unsqueeze(0))[0]

    def belief(self, memory: Tensor) -> GaussianBelief:
        """What is believed of z with a memory [..., H]: mean and variance [..., Z]."""
        return GaussianBelief(self.mean(memory), self.log_variance(memory).clamp(-10.0, 4.0).exp())


class PlaceRewards(nn.Module):
    """p(r | s', z) in worlds whose places pay or do not: from z, whether each of them does.

    Args:
        latent: Z.
        places: S, how many there are; an observation is a 1 at the number of its place.
        hidden: units of the hidden layer.
    """

    def __init__(self, latent: int, places: int, hidden: int) -> None:
        super().__init__()
        self.net = mlp([latent, hidden, places], activation=nn.ReLU)

    def probabilities(self, z: Tensor) -> Tensor:
        """Probability that each place pays, from z [..., Z] to [..., S]."""
        return self.net(z).sigmoid()

    def forward(self, z: Tensor, trials: Trials) -> Tensor:
        """Log-probability of every reward of N trials under each of K z's of theirs, nats.

        Args:
            z: [K, N, Z].
            trials: where and how much was paid; a reward is pay if it is above 0.

        Returns:
            [K, T, N].
        """
        logit = torch.einsum("kns,tns->ktn", self.net(z), trials.next_obs)
        paid = (trials.reward > 0.0).to(logit.dtype).expand_as(logit)
        return -nn.functional.binary_cross_entropy_with_logits(logit, paid, reduction="none")


class StateRewards(nn.Module):
    """p(r | s', z) in worlds with rewards of any size: a Gaussian whose mean hangs on z and where a step led.

    Args:
        latent: Z.
        obs_size: S.
        hidden: units of each of two hidden layers.
    """

    def __init__(self, latent: int, obs_size: int, hidden: int) -> None:
        super().__init__()
        self.net = mlp([latent + obs_size, hidden, hidden, 1], activation=nn.ReLU)
        self.log_std = nn.Parameter(torch.zeros(()))

    def forward(self, z: Tensor, trials: Trials) -> Tensor:
        """Log-density of every reward of N trials under each of K z's of theirs, nats.

        Args:
            z: [K, N, Z].
            trials: where each step led, and what was paid.

        Returns:
            [K, T, N].
        """
        steps, beliefs = len(trials.next_obs), len(z)
        known = torch.cat(
            [
                z.unsqueeze(1).expand(-1, steps, -1, -1),
                trials.next_obs.unsqueeze(0).expand(beliefs, -1, -1, -1),
            ],
            dim=-1,
        )
        mean = self.net(known).squeeze(-1)  # [K, T, N]
        log_std = self.log_std.clamp(min=-3.0)  # else one reward that is known exactly outweighs all others
        error = (trials.reward - mean) * (-log_std).exp()
        return -0.5 * (error.square() + LOG_TWO_PI) - log_std


class _Trunk(nn.Module):
    """The layers that policy and value share, where other policies have their memory."""

    size = 0

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.features = hidden
        self.net = nn.Sequential(mlp([inputs, hidden, hidden]), nn.Tanh())

    def step(self, inputs: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.net(inputs), memory

    def unroll(self, inputs: Tensor) -> Tensor:
        return self.net(inputs)


class BeliefPolicy(MemoryPolicy):
    """pi(a | s, belief) and its value: its memory is the encoder's, and all that it is told of it the belief.

    Args:
        obs_size: S.
        action_size: A, how many actions there are, or how many numbers one has.
        discrete: whether an action is one of A, or A numbers.
        make_decoder: from Z and a number of hidden units to what decodes z, such as PlaceRewards.
        latent: Z.
        hidden: units of every layer.
    """

    def __init__(
        self,
        obs_size: int,
        action_size: int,
        discrete: bool,
        make_decoder: Callable[[int, int], nn.Module],
        latent: int = 5,
        hidden: int = 64,
    ) -> None:
        told = obs_size + 2 * latent
        super().__init__(obs_size, action_size, discrete, lambda _: _Trunk(told, hidden))
        self.encoder = Encoder(action_size + 1 + obs_size, latent, hidden)
        self.decoder = make_decoder(latent, hidden)
        self.belief_norm = RunningNorm(2 * latent)

    def begin(self, n: int) -> Tensor:
        """The empty memory of n trials, [n, H]: nothing is believed but the prior."""
        return torch.zeros(n, self.encoder.gru.hidden_size)

    def told(self, obs: Tensor, memory: Tensor) -> Tensor:
        """What the policy is given, without gradients: s, scaled mean and log variance, [..., S + 2Z]."""
        return torch.cat([obs, self.belief_norm.normalize(self._numbers(memory))], dim=-1)

    def observe_beliefs(self, memory: Tensor) -> None:
        """Scales what the policy is told by what was believed with these memories, too; [..., H]."""
        self.belief_norm.observe(self._numbers(memory).flatten(0, -2))

    def _numbers(self, memory: Tensor) -> Tensor:
        belief = self.encoder.belief(memory)
        return torch.cat([belief.mean, belief.variance.log()], dim=-1).detach()

    def encode(self, inputs: Tensor) -> Tensor:
        """What `told` gives is taken as it is."""
        return inputs

    def advance(self, inputs: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Features [N, F] of the place, from inputs [N, S + A + 2], and of the belief; and the memory."""
        return self.memory.step(self.told(inputs[:, : self.obs_size], memory), memory)

    def witness(self, memory: Tensor, action: Tensor, reward: Tensor, next_obs: Tensor) -> Tensor:
        """The memory after one more transition, [N, H]."""
        transition = self._transition(action, reward, next_obs)
        return self.encoder(transition.unsqueeze(0), memory).squeeze(0)

    def memories(self, trials: Trials) -> Tensor:
        """The memory before the first step of trials and after every one, [T + 1, N, H], with gradients."""
        action = trials.action
        if self.discrete:
            action = nn.functional.one_hot(action.squeeze(-1).long(), self.action_size).to(trials.obs.dtype)
        after = self.encoder(self._transition(action, trials.reward, trials.next_obs), trials.memory)
        return torch.cat([trials.memory.unsqueeze(0), after])

    def _transition(self, action: Tensor, reward: Tensor, next_obs: Tensor) -> Tensor:
        return torch.cat([action, self.reward_norm.normalize(reward.unsqueeze(-1)), next_obs], dim=-1)
