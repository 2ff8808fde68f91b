"""DARC: train in the source domain, be rewarded as if in the target domain.

One classifier tells source from target by (s, a), another by (s, a, s'). What the second
knows beyond the first is the dynamics: their log-odds differ by delta_r, which is added to
the reward of the source, so that the policy is paid for going only where both worlds agree.

Axes: B transitions, S observation, A action; class logits are [B, 2], source first, target second.
Source: Eysenbach et al., "Off-Dynamics Reinforcement Learning: Training for Transfer with Domain
Classifiers", ICLR 2021, https://arxiv.org/abs/2006.13916.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from course_lib.agents import sac
from course_lib.core.networks import RunningNorm, mlp
from course_lib.core.replay import Batch, Replay
from course_lib.core.rollout import Collector, Transitions
from course_lib.core.types import (
    Action,
    ClassifierInputs,
    ClassLogits,
    Obs,
    PerTransition,
    PerTransitionMask,
    Scalar,
    shape_checked,
)


@dataclass(frozen=True, kw_only=True)
class DARCConfig:
    """Settings of DARC."""

    iterations: int = 150
    """Times to collect and to update, >= 1."""
    warmup_iterations: int = 20
    """Iterations at the start without correction, while the classifiers learn, >= 0."""
    target_every: int = 30
    """Iterations from one visit to the target to the next, >= 1."""
    target_steps: int = 30
    """Steps per simulation of the target and visit, >= 1."""
    classifier_updates: int = 8
    """Updates of the classifiers per iteration, >= 1."""
    classifier_batch: int = 256
    """Transitions per update of the classifiers, half of them from each domain, even, >= 2."""
    classifier_learning_rate: float = 1e-3
    """Step size of Adam, > 0."""
    classifier_hidden: tuple[int, ...] = (64,)
    """Units of the hidden layers of both classifiers."""
    noise_scale: float = 0.1
    """Standard deviation of the noise on the classifiers' inputs in training, in standard deviations
    of the data, >= 0: keeps them from being surer than a few samples allow."""
    limit: float = 10.0
    """The correction is clipped to this many nats, > 0."""
    policy_optimization: sac.SACConfig = field(default_factory=sac.SACConfig)
    """Settings of the agent inside; its temperature is also the reward per nat of correction."""

    def __post_init__(self) -> None:
        for name in ("iterations", "target_every", "target_steps", "classifier_updates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("classifier_learning_rate", "limit"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("warmup_iterations", "noise_scale"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if self.classifier_batch < 2 or self.classifier_batch % 2:
            raise ValueError(f"classifier_batch must be even and at least 2, got {self.classifier_batch}")


class DomainClassifiers(nn.Module):
    """q(domain | s, a) and q(domain | s, a, s'), as class logits: source first, target second.

    The second adds what s' tells to the logits of the first, so where s' tells nothing the
    correction is zero from the start.
    """

    def __init__(self, obs_size: int, action_size: int, config: DARCConfig) -> None:
        super().__init__()
        self.obs_size, self.action_size = obs_size, action_size
        self.norm = RunningNorm(2 * obs_size + action_size)
        self.sa_net = mlp([obs_size + action_size, *config.classifier_hidden, 2], 0.01, nn.ReLU)
        self.sas_net = mlp([2 * obs_size + action_size, *config.classifier_hidden, 2], 0.01, nn.ReLU)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=config.classifier_learning_rate, fused=True)

    def sa(self, inputs: Tensor) -> Tensor:
        """Class logits from (s, a): [B, S + A] to [B, 2]."""
        return self.sa_net(inputs)

    def sas(self, inputs: Tensor) -> Tensor:
        """Class logits from (s, a, s'): [B, 2S + A] to [B, 2]."""
        sa = inputs[:, : self.obs_size + self.action_size]
        # Detached: the first classifier answers its own question only.
        return self.sa_net(sa).detach() + self.sas_net(inputs)

    def observe(self, data: Transitions) -> None:
        """Adds the valid transitions to the statistics of the inputs."""
        valid = data.valid
        obs, next_obs = data.obs[valid], data.next_obs[valid]
        self.norm.observe(torch.cat([obs, data.action[valid], next_obs - obs], dim=-1))

    def normalize(self, obs: Tensor, action: Tensor, next_obs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(s, a, s') in standard deviations of the data, with the step s' - s in place of s'.

        The step says the same as s', and is far larger beside its own deviation.
        """
        inputs = self.norm.normalize(torch.cat([obs, action, next_obs - obs], dim=-1))  # [B, 2S + A]
        return inputs.split([self.obs_size, self.action_size, self.obs_size], dim=-1)


@shape_checked
def classifier_inputs(
    obs: Obs, action: Action, next_obs: Obs, noise_scale: float
) -> tuple[ClassifierInputs, ClassifierInputs]:
    """What the two classifiers see: (s, a) and (s, a, s'), blurred by the same Gaussian noise.

    Args:
        obs: s, [B, S].
        action: a, [B, A].
        next_obs: s', [B, S].
        noise_scale: standard deviation of the noise; 0 for none, as wherever a correction is computed.

    Returns:
        [B, S + A] and [B, 2S + A].
    """
    sas = torch.cat([obs, action, next_obs], dim=-1)  # [B, 2S + A]
    sas = sas + noise_scale * torch.randn_like(sas)
    return sas[:, : obs.shape[-1] + action.shape[-1]], sas


@shape_checked
def classifier_loss(sa_logits: ClassLogits, sas_logits: ClassLogits, is_target: PerTransitionMask) -> Scalar:
    """Cross-entropy of both classifiers, in nats, to be minimized.

    Args:
        sa_logits: of q(domain | s, a).
        sas_logits: of q(domain | s, a, s').
        is_target: where each transition comes from; half and half, or the classifiers learn the share.
    """
    label = is_target.long()
    return nn.functional.cross_entropy(sa_logits, label) + nn.functional.cross_entropy(sas_logits, label)


@shape_checked
def delta_reward(sa_logits: ClassLogits, sas_logits: ClassLogits, limit: float = 10.0) -> PerTransition:
    """The correction: estimates log p_target(s'|s,a) - log p_source(s'|s,a).

    By Bayes' rule it is log p(target|s,a,s') - log p(target|s,a) - log p(source|s,a,s') + log
    p(source|s,a): p(s, a | domain) and the share of target data cancel. So do the normalizers of
    the two softmaxes, which is why two differences of logits are enough. No gradient flows back.

    Args:
        sa_logits: of q(domain | s, a).
        sas_logits: of q(domain | s, a, s').
        limit: clipped to [-limit, limit] nats, since saturated logits say little about their ratio.

    Returns:
        Nats, of either sign; positive where the target is likelier to do this than the source.
    """
    log_odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    log_odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (log_odds_sas - log_odds_sa).clamp(-limit, limit).detach()


def corrected(batch: Batch, delta: Tensor, temperature: float) -> Batch:
    """DARC: the same transitions, with the correction added to their reward.

    The derivation counts the reward in nats, that is divided by the temperature; here nats are
    multiplied by it instead, so that the reward keeps its unit.

    Args:
        batch: transitions of the source.
        delta: the correction, nats, [B].
        temperature: reward per nat.
    """
    return replace(batch, reward=batch.reward + temperature * delta)


def importance_weighted(batch: Batch, delta: Tensor, temperature: float) -> Batch:
    """The rival that reweights instead of rewarding: each transition counts p_target / p_source times.

    Args:
        batch: transitions of the source.
        delta: log p_target - log p_source, [B].
        temperature: plays no part: weights have no unit.
    """
    return replace(batch, weight=len(batch) * torch.softmax(delta, dim=0))


def correction(
    classifiers: DomainClassifiers,
    obs: Tensor,
    action: Tensor,
    next_obs: Tensor,
    limit: float,
    delta_reward: Callable[..., Tensor] = delta_reward,
    classifier_inputs: Callable[..., tuple[Tensor, Tensor]] = classifier_inputs,
) -> Tensor:
    """What the classifiers, as they are now, make of transitions: delta_r, [B] nats, without noise.

    Raises:
        ValueError: delta_reward returned another shape, or numbers that are not finite.
    """
    with torch.no_grad():
        sa, sas = classifier_inputs(*classifiers.normalize(obs, action, next_obs), 0.0)
        delta = delta_reward(classifiers.sa(sa), classifiers.sas(sas), limit)
    if delta.shape != (len(obs),) or not delta.isfinite().all():
        what = f"shape {tuple(delta.shape)}" if delta.shape != (len(obs),) else "NaN or infinity"
        raise ValueError(f"delta_reward must return {len(obs)} finite numbers, one a transition, got {what}")
    return delta


def update_classifiers(
    classifiers: DomainClassifiers,
    source: Batch,
    target: Batch,
    config: DARCConfig,
    classifier_inputs: Callable[..., tuple[Tensor, Tensor]] = classifier_inputs,
    classifier_loss: Callable[..., Tensor] = classifier_loss,
) -> dict[str, float]:
    """One gradient step of both classifiers on as many source as target transitions.

    Returns:
        classifier_loss (nats), and accuracy of the second classifier.
    """
    obs, action = torch.cat([source.obs, target.obs]), torch.cat([source.action, target.action])
    next_obs = torch.cat([source.next_obs, target.next_obs])
    is_target = torch.arange(len(obs)) >= len(source)  # [B]
    sa, sas = classifier_inputs(*classifiers.normalize(obs, action, next_obs), config.noise_scale)
    sas_logits = classifiers.sas(sas)
    loss = classifier_loss(classifiers.sa(sa), sas_logits, is_target)
    classifiers.optimizer.zero_grad()
    loss.backward()
    classifiers.optimizer.step()
    accuracy = ((sas_logits[:, 1] > sas_logits[:, 0]) == is_target).float().mean()
    return {"classifier_loss": loss.item(), "classifier_accuracy": accuracy.item()}


def train(
    agent: sac.Agent,
    classifiers: DomainClassifiers,
    source_env: VectorEnv,
    target_env: VectorEnv,
    config: DARCConfig,
    rng: np.random.Generator,
    *,
    delta_reward: Callable[..., Tensor] = delta_reward,
    classifier_inputs: Callable[..., tuple[Tensor, Tensor]] = classifier_inputs,
    classifier_loss: Callable[..., Tensor] = classifier_loss,
    use: Callable[[Batch, Tensor, float], Batch] = corrected,
) -> Iterator[dict[str, float]]:
    """Trains in the source, visits the target now and then, and yields one record an iteration.

    The policy learns from source transitions only; those of the target teach the classifiers.

    Args:
        agent: changed in place.
        classifiers: changed in place.
        source_env: batched world to train in, with any autoreset mode and actions in [-1, 1].
        target_env: batched world that counts, of which little is seen.
        config: settings.
        rng: seeds the worlds and draws the batches.
        delta_reward: the correction, called as in this module.
        classifier_inputs: what the classifiers see, called as in this module.
        classifier_loss: what they minimize, called as in this module.
        use: what becomes of the correction: `corrected`, or `importance_weighted`.

    Yields:
        iteration, steps (source, so far), target_steps (so far), return_mean (last 100 source
        episodes), correction (mean over the last batch, nats), losses of agent and classifiers.

    Raises:
        ValueError: a world's actions are not bounded by -1 and 1, or its sizes are not the agent's; or an
            equation returned what it should not.
    """
    inside = config.policy_optimization
    for env in (source_env, target_env):
        sac.check_world(agent, env)
    obs_size, action_size = classifiers.obs_size, classifiers.action_size
    source, target = (Collector(env, seed=int(rng.integers(2**31))) for env in (source_env, target_env))
    source_replay, target_replay = (Replay(inside.capacity, obs_size, action_size) for _ in range(2))
    steps = sac.fill(source_replay, source, inside.random_steps, action_size)
    target_steps, recent = 0, []
    for iteration in range(1, config.iterations + 1):
        data, finished = source.collect(agent.policy, inside.steps)
        source_replay.add(data)
        classifiers.observe(data)
        steps += data.steps
        recent = [*recent, *finished][-100:]
        if (iteration - 1) % config.target_every == 0:
            visit, _ = target.collect(agent.policy, config.target_steps)
            target_replay.add(visit)
            classifiers.observe(visit)
            target_steps += visit.steps
        half = config.classifier_batch // 2
        for _ in range(config.classifier_updates):
            record = update_classifiers(
                classifiers,
                source_replay.sample(half, rng),
                target_replay.sample(half, rng),
                config,
                classifier_inputs,
                classifier_loss,
            )
        for _ in range(inside.updates):
            batch = source_replay.sample(inside.batch_size, rng)
            delta = correction(
                classifiers,
                batch.obs,
                batch.action,
                batch.next_obs,
                config.limit,
                delta_reward,
                classifier_inputs,
            )
            if iteration > config.warmup_iterations:
                batch = use(batch, delta, agent.temperature)
            losses = sac.update(agent, batch, inside)
        mean = float(np.mean(recent)) if recent else float("nan")
        yield {
            "iteration": iteration,
            "steps": steps,
            "target_steps": target_steps,
            "return_mean": mean,
            "correction": float(delta.mean()),
            "temperature": agent.temperature,
            **record,
            **{name: float(value) for name, value in losses.items()},
        }
