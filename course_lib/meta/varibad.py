"""VariBAD: infer the task while acting, and tell the policy all that is believed instead of one guess.

A recurrent encoder turns what happened so far into a Gaussian over a hidden variable z: the belief. It learns
to let a decoder say which rewards there were, and which there will be to the end of the trial. The policy is
told where it is and what is believed, so that to find out can be part of acting well. It is trained by the
reward alone, with `rl2`, and encoder and decoder by the likelihood of the rewards alone.

Axes: T time, N trials, K beliefs of a trial that are decoded, S observation, A actions, H memory, Z latent.
Source: Zintgraf et al., "VariBAD: A Very Good Method for Bayes-Adaptive Deep RL via Meta-Learning", ICLR
2020, https://arxiv.org/abs/1910.08348; Duff, "Optimal Learning: Computational Procedures for Bayes-Adaptive
Markov Decision Processes", 2002 (why the best policy acts on the belief).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import VectorEnv
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.core.belief_policy import BeliefPolicy
from course_lib.core.gaussian_belief import GaussianBelief, kl_divergence
from course_lib.core.task_family import Params
from course_lib.core.trials import TrialCollector, Trials
from course_lib.core.types import PerStepMask, Scalar, shape_checked
from course_lib.meta import rl2


@dataclass(frozen=True, kw_only=True)
class VariBADConfig:
    """Settings of VariBAD."""

    policy: rl2.RL2Config = field(default_factory=rl2.RL2Config)
    """Of the training of the policy, by PPO over whole trials."""
    latent: int = 5
    """Z, >= 1."""
    hidden: int = 64
    """Units of the encoder's memory, and of the layers of decoder and policy, >= 1."""
    kl_weight: float = 1.0
    """Price of a nat by which a step moves the belief, >= 0."""
    decoded: int = 8
    """K, beliefs of a trial that are decoded in an update, >= 1."""
    learning_rate: float = 3e-3
    """Step size of Adam at the start, for encoder and decoder, > 0; it falls linearly to zero."""
    updates: int = 8
    """Into how many parts of whole trials an iteration's are cut, each for one update of encoder and decoder,
    >= 1."""
    max_grad_norm: float = 1.0
    """Longer gradients of encoder and decoder are scaled down to this norm, > 0."""

    def __post_init__(self) -> None:
        for name in ("latent", "hidden", "decoded", "updates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "max_grad_norm"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.kl_weight < 0.0:
            raise ValueError(f"kl_weight must not be negative, got {self.kl_weight}")


class Agent(nn.Module):
    """A policy with its encoder and decoder, and two optimizers: what a training changes.

    Neither optimizer knows a parameter of the other's: the reward does not move what is believed.
    """

    def __init__(self, policy: BeliefPolicy, config: VariBADConfig) -> None:
        super().__init__()
        self.policy = policy
        inference = nn.ModuleList([policy.encoder, policy.decoder])
        self.inferring = list(inference.parameters())
        acting = [policy.action, policy.critic, policy.memory]
        acting = list(nn.ModuleList(acting).parameters()) + ([] if policy.discrete else [policy.log_std])
        self.optimizer = torch.optim.Adam(acting, lr=config.policy.learning_rate, eps=1e-5, fused=True)
        self.inference_optimizer = torch.optim.Adam(self.inferring, lr=config.learning_rate, fused=True)


def policy_for(
    env: VectorEnv, make_decoder: Callable[[int, int], nn.Module], config: VariBADConfig
) -> BeliefPolicy:
    """A new policy of the sizes of a world.

    Args:
        env: whose observations and actions it is for.
        make_decoder: see BeliefPolicy.
        config: settings.
    """
    space = env.single_action_space
    discrete = isinstance(space, Discrete)
    action_size = int(space.n) if discrete else space.shape[0]
    size = env.single_observation_space.shape[0]
    return BeliefPolicy(size, action_size, discrete, make_decoder, config.latent, config.hidden)


@shape_checked
def evidence_bound(
    log_prob: Float[Tensor, "K T N"],
    mean: Float[Tensor, "T1 N Z"],
    variance: Float[Tensor, "T1 N Z"],
    valid: PerStepMask,
    kl_weight: float,
    kl_divergence: Callable[..., Tensor] = kl_divergence,
) -> tuple[Scalar, Scalar]:
    """What encoder and decoder are to make likely, and how far the belief moves for it, nats.

    A belief is good if its z explain all rewards of the trial: those that it has seen, and those to come. And
    it is to move from the belief before it only as far as that pays; the first moves from the prior.

    Args:
        log_prob: of every reward given a z of each of K beliefs.
        mean: of the belief before the first step and after each, T + 1 of them.
        variance: of the same.
        valid: which steps were taken.
        kl_weight: price of a nat.
        kl_divergence: called as in `core.gaussian_belief`.

    Returns:
        The bound, to be maximized, of a mean belief of a mean trial; and the divergence in it.
    """
    moved = kl_divergence(mean[1:], variance[1:], mean[:-1], variance[:-1])  # [T, N]
    moved = (moved * valid).sum(0).mean() / len(mean)  # the prior itself is the first of T + 1
    return (log_prob * valid).sum(1).mean() - kl_weight * moved, moved


def update_inference(
    agent: Agent,
    trials: Trials,
    config: VariBADConfig,
    rng: np.random.Generator,
    *,
    evidence_bound: Callable[..., tuple[Tensor, Tensor]] = evidence_bound,
) -> dict[str, float]:
    """Improves encoder and decoder on whole trials, with gradients through all of their time.

    Args:
        agent: changed in place.
        trials: collected by agent.policy.
        config: settings.
        rng: shuffles the trials, and chooses the steps whose beliefs are decoded.
        evidence_bound: called as in this module.

    Returns:
        evidence_bound, and kl, how far a step moves the belief, nats.
    """
    policy = agent.policy
    steps, n = trials.valid.shape
    records = []
    for part in torch.as_tensor(rng.permutation(n)).chunk(config.updates):
        some = _part(trials, part)
        belief = policy.encoder.belief(policy.memories(some))  # [T + 1, B, Z]
        index = torch.as_tensor(rng.choice(steps + 1, min(config.decoded, steps + 1), replace=False))
        z = GaussianBelief(belief.mean[index], belief.variance[index]).sample()  # [K, B, Z]
        bound, moved = evidence_bound(
            policy.decoder(z, some), belief.mean, belief.variance, some.valid, config.kl_weight
        )
        agent.inference_optimizer.zero_grad()
        (-bound).backward()
        nn.utils.clip_grad_norm_(agent.inferring, config.max_grad_norm)
        agent.inference_optimizer.step()
        records.append((bound.item(), moved.item()))
    agent.inference_optimizer.zero_grad()  # the policy's update clips what gradients it finds
    bound, moved = np.mean(records, axis=0)
    return {"evidence_bound": float(bound), "kl": float(moved)}


def _part(trials: Trials, index: Tensor) -> Trials:
    # Trials stand side by side on the second axis, but for the memory with which they began.
    rows = {name: value[:, index] for name, value in vars(trials).items() if name != "memory"}
    return Trials(**rows, memory=trials.memory[index])


def train(
    agent: Agent,
    env: VectorEnv,
    draw: Callable[[int], Params],
    config: VariBADConfig,
    iterations: int,
    rng: np.random.Generator,
    *,
    evidence_bound: Callable[..., tuple[Tensor, Tensor]] = evidence_bound,
    trial_advantage: Callable[..., Tensor] = rl2.trial_advantage,
) -> Iterator[dict[str, float]]:
    """Trains on new tasks all the time, one record an iteration.

    Args:
        agent: changed in place.
        env: batched world of the tasks, with autoreset disabled and the task withheld.
        draw: from a number to the parameters of so many training tasks.
        config: settings.
        iterations: how many times to collect trials and learn from them.
        rng: seeds the world and shuffles trials.
        evidence_bound: called as in this module.
        trial_advantage: called as in `rl2`.

    Yields:
        iteration, steps (so far), return_mean (of a trial), return_first and return_last (of its first and
        last episode), and what the updates of policy and inference return.
    """
    policy = agent.policy
    collector = TrialCollector(env, draw, config.policy.episodes, int(rng.integers(2**31)))
    steps = 0
    for iteration in range(1, iterations + 1):
        left = 1.0 - (iteration - 1) / iterations
        for optimizer, rate in (
            (agent.optimizer, config.policy.learning_rate),
            (agent.inference_optimizer, config.learning_rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * left
        trials = collector.collect(policy)
        steps += int(trials.valid.sum())
        returns = trials.episode_returns.mean(1)  # [E]
        with torch.no_grad():
            memories = policy.memories(trials)[:-1]  # [T, N, H]
            told = policy.told(trials.obs, memories)  # [T, N, S + 2Z]
        bonus = config.policy.entropy_bonus * left
        # To the policy the belief is a part of the state: it learns from the trials without the encoder.
        record = rl2.update(
            agent, replace(trials, inputs=told), config.policy, rng, bonus, trial_advantage=trial_advantage
        )
        policy.observe_beliefs(memories[trials.valid])  # not before: it would not be what it acted on
        record |= update_inference(agent, trials, config, rng, evidence_bound=evidence_bound)
        yield {
            "iteration": iteration,
            "steps": steps,
            "return_mean": float(returns.sum()),
            "return_first": float(returns[0]),
            "return_last": float(returns[-1]),
            **record,
        }
