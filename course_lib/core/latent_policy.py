"""A policy that is told what is believed of its task, and infers it: encoder, policy, posterior sampling.

Every transition of a task says something of a hidden variable z, as a Gaussian; what all of them say is the
product of these and of the prior. Posterior sampling believes in one sample of z for a whole episode, and so
explores by being wrong in a consistent way.

Axes: T time, N simulations, E episodes, K transitions, S observation, A action, Z latent, I inputs.
Source: Rakelly et al., "Efficient Off-Policy Meta-Reinforcement Learning via Probabilistic Context
Variables", ICML 2019, https://arxiv.org/abs/1903.08254, sections 4.1 and 4.3. Other than there the prior is a
factor of the product, and evidence can be as weak as it likes, where a softplus keeps it from saying nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from course_lib.core.gaussian_belief import GaussianBelief, posterior
from course_lib.core.networks import RunningNorm, SquashedGaussianPolicy, mlp
from course_lib.core.rollout import Policy, Transitions, episodes


class Encoder(nn.Module):
    """q(z|c): what a single transition says of the task."""

    log_variance_bounds = (-6.0, 10.0)
    """Between these the log-variance of evidence is clipped; at the upper one it says next to nothing."""

    def __init__(self, inputs: int, latent: int, hidden: tuple[int, ...] = (64, 64)) -> None:
        super().__init__()
        self.latent = latent
        self.norm = RunningNorm(inputs)
        self.net = mlp([inputs, *hidden, 2 * latent], activation=nn.ReLU)
        nn.init.constant_(self.net[-1].bias[latent:], 4.0)  # at first, a transition says little

    def forward(self, transition: Tensor) -> tuple[Tensor, Tensor]:
        """From transitions [..., I] to means and variances, [..., Z] each."""
        mean, log_variance = self.net(self.norm.normalize(transition)).chunk(2, dim=-1)
        return mean, log_variance.clamp(*self.log_variance_bounds).exp()


def transition_of(obs: Tensor, action: Tensor, reward: Tensor, next_obs: Tensor) -> Tensor:
    """(s, a, r, s') as the encoder reads it, [..., S + A + 1 + S]; actions as the world took them."""
    return torch.cat([obs, action.clamp(-1.0, 1.0), reward.unsqueeze(-1), next_obs], dim=-1)


class LatentPolicy(nn.Module):
    """pi(a|s, z), and the encoder that says what z may be: all that a test needs."""

    def __init__(
        self, obs_size: int, action_size: int, latent: int = 5, hidden: tuple[int, ...] = (64, 64)
    ) -> None:
        super().__init__()
        self.obs_size, self.action_size, self.latent = obs_size, action_size, latent
        self.obs_norm = RunningNorm(obs_size)
        self.encoder = Encoder(2 * obs_size + action_size + 1, latent, hidden)
        self.policy = SquashedGaussianPolicy(obs_size + latent, action_size, hidden)

    def evidence(
        self, obs: Tensor, action: Tensor, reward: Tensor, next_obs: Tensor
    ) -> tuple[Tensor, Tensor]:
        """What each transition says of z: means and variances, [..., Z] each.

        Args:
            obs: [..., S].
            action: [..., A].
            reward: [...].
            next_obs: [..., S].
        """
        return self.encoder(transition_of(obs, action, reward, next_obs))

    def told(self, obs: Tensor, z: Tensor) -> Tensor:
        """What policy and critics are given: the observation, scaled, and z; [..., S + Z]."""
        return torch.cat([self.obs_norm.normalize(obs), z], dim=-1)

    def given(self, z: Tensor, greedy: bool = False) -> Policy:
        """This policy, acting as if z [N, Z] were true.

        Args:
            z: one for each simulation.
            greedy: whether it takes the most likely action before squashing, instead of a random one.
        """
        return _Given(self, z, greedy)

    def observe(self, data: Transitions) -> None:
        """Adds transitions to the statistics by which inputs are scaled."""
        seen = data.valid
        self.obs_norm.observe(data.obs[seen])
        steps = transition_of(data.obs, data.action, data.reward, data.next_obs)
        self.encoder.norm.observe(steps[seen])


@dataclass(frozen=True)
class _Given:
    actor: LatentPolicy
    z: Tensor
    greedy: bool

    def sample(self, obs: Tensor) -> Tensor:
        told = self.actor.told(obs, self.z)
        return self.actor.policy(told)[0].tanh() if self.greedy else self.actor.policy.sample(told)


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """What happened in some episodes of the same tasks, and what was believed of them."""

    data: list[Transitions]
    """Of each episode, [T, N]."""
    beliefs: list[GaussianBelief]
    """Before each episode, and after the last: E + 1, each [N, Z]."""
    z: Tensor
    """On what each episode acted, [E, N, Z]."""

    @property
    def returns(self) -> Tensor:
        """Undiscounted return of each episode, [E, N]."""
        return torch.stack([data.returns for data in self.data])


@torch.no_grad()
def posterior_sampling(
    actor: LatentPolicy,
    env: VectorEnv,
    count: int,
    horizon: int,
    rng: np.random.Generator,
    *,
    stochastic: bool = True,
    greedy: bool = False,
    seen_reward: Callable[[Tensor], Tensor] = lambda reward: reward,
    posterior: Callable[[Tensor, Tensor], GaussianBelief] = posterior,
) -> Exploration:
    """Explores: believe in one z for an episode, see what comes of it, believe better.

    Args:
        actor: the policy and its encoder.
        env: batched world with autoreset disabled and the task withheld.
        count: E, episodes.
        horizon: longest episode, steps.
        rng: seeds the starts; what is drawn of z and of actions hangs on torch's generator.
        stochastic: whether z is drawn from what is believed, instead of its mean.
        greedy: as of `LatentPolicy.given`.
        seen_reward: from rewards [T, N] to those that the encoder is shown.
        posterior: from all evidence so far, means and variances [N, K, Z], to what it leaves of the prior.
    """
    evidence = (torch.empty(env.num_envs, 0, actor.latent),) * 2
    data, beliefs, believed = [], [posterior(*evidence)], []
    for _ in range(count):
        believed.append(beliefs[-1].sample() if stochastic else beliefs[-1].mean)
        policy = actor.given(believed[-1], greedy)
        happened = episodes(env, policy, horizon, int(rng.integers(2**31)))
        data.append(happened)
        mean, variance = actor.evidence(
            happened.obs, happened.action, seen_reward(happened.reward), happened.next_obs
        )  # [T, N, Z]
        variance = variance.masked_fill(~happened.valid.unsqueeze(-1), math.inf)
        new = mean.transpose(0, 1), variance.transpose(0, 1)
        evidence = tuple(torch.cat(pair, dim=1) for pair in zip(evidence, new, strict=True))
        beliefs.append(posterior(*evidence))
    return Exploration(data=data, beliefs=beliefs, z=torch.stack(believed))
