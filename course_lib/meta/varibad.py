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

from course_lib.core.gaussian_belief import GaussianBelief, kl_divergence
from course_lib.core.memory import MemoryPolicy
from course_lib.core.networks import mlp
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
    kl_weight: float = 0.3
    """Price of a nat by which a step moves the belief, >= 0."""
    decoded: int = 8
    """K, beliefs of a trial that are decoded in an update, >= 1."""
    learning_rate: float = 3e-3
    """Step size of Adam at the start, for encoder and decoder, > 0; it falls linearly to zero."""
    capacity: int = 8192
    """Trials that are kept for encoder and decoder, >= 1."""
    batch: int = 64
    """Trials of an update of encoder and decoder, >= 1."""
    updates: int = 4
    """Such updates per iteration, >= 1."""
    max_grad_norm: float = 1.0
    """Longer gradients of encoder and decoder are scaled down to this norm, > 0."""

    def __post_init__(self) -> None:
        for name in ("latent", "hidden", "decoded", "capacity", "batch", "updates"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("learning_rate", "max_grad_norm"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.kl_weight < 0.0:
            raise ValueError(f"kl_weight must not be negative, got {self.kl_weight}")


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

    def begin(self, n: int) -> Tensor:
        """The empty memory of n trials, [n, H]: nothing is believed but the prior."""
        return torch.zeros(n, self.encoder.gru.hidden_size)

    def told(self, obs: Tensor, memory: Tensor) -> Tensor:
        """What the policy is given, without gradients: s, mean and log variance, [..., S + 2Z]."""
        belief = self.encoder.belief(memory)
        return torch.cat([obs, belief.mean, belief.variance.log()], dim=-1).detach()

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


class TrialReplay:
    """Keeps trials of the whole training, each as likely as any other to be among those that are kept.

    Early trials go everywhere, so they hold what the decoder cannot learn from a policy that knows its way.

    Args:
        capacity: trials that are kept, at least 1.

    Source: Vitter, "Random Sampling with a Reservoir", ACM Transactions on Mathematical Software, 1985.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.seen = capacity, 0
        self._kept: dict[str, Tensor] = {}

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    def add(self, trials: Trials, rng: np.random.Generator) -> None:
        """Keeps some of the trials, in place of others once there is no more room.

        Args:
            trials: N of them, as long as those that were added before.
            rng: chooses.

        Raises:
            ValueError: they are longer or shorter.
        """
        steps, n = trials.valid.shape
        if not self._kept:
            self._kept = {
                name: value.new_empty(_over(value, name, self.capacity))
                for name, value in vars(trials).items()
            }
        if steps != len(self._kept["valid"]):
            raise ValueError(f"trials must all have {len(self._kept['valid'])} steps, got {steps}")
        number = self.seen + np.arange(n)
        place = np.where(number < self.capacity, number, rng.integers(number + 1))
        keep = np.flatnonzero(place < self.capacity)
        for name, value in vars(trials).items():
            self._kept[name][_at(name, place[keep])] = value[_at(name, keep)]
        self.seen += n

    def sample(self, n: int, rng: np.random.Generator) -> Trials:
        """Some of the trials that are kept, drawn with replacement."""
        index = rng.integers(len(self), size=n)
        return Trials(**{name: value[_at(name, index)] for name, value in self._kept.items()})


def _at(name: str, index: np.ndarray) -> tuple[slice | Tensor, ...]:
    # Trials stand side by side on the second axis, but for the memory with which they began.
    index = torch.as_tensor(index)
    return (index,) if name == "memory" else (slice(None), index)


def _over(value: Tensor, name: str, n: int) -> tuple[int, ...]:
    axis = len(_at(name, np.empty(0))) - 1
    return (*value.shape[:axis], n, *value.shape[axis + 1 :])


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
        trials: of any policy.
        config: settings.
        rng: chooses the steps whose beliefs are decoded.
        evidence_bound: called as in this module.

    Returns:
        evidence_bound, and kl, how far a step moves the belief, nats.
    """
    policy = agent.policy
    belief = policy.encoder.belief(policy.memories(trials))  # [T + 1, N, Z]
    some = min(config.decoded, len(belief.mean))
    index = torch.as_tensor(rng.choice(len(belief.mean), some, replace=False))
    z = GaussianBelief(belief.mean[index], belief.variance[index]).sample()  # [K, N, Z]
    bound, moved = evidence_bound(
        policy.decoder(z, trials), belief.mean, belief.variance, trials.valid, config.kl_weight
    )
    agent.inference_optimizer.zero_grad()
    (-bound).backward()
    nn.utils.clip_grad_norm_(agent.inferring, config.max_grad_norm)
    agent.inference_optimizer.step()
    agent.inference_optimizer.zero_grad()  # the policy's update clips what gradients it finds
    return {"evidence_bound": bound.item(), "kl": moved.item()}


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
        env: batched world of the tasks, with autoreset disabled and the task withheld, whose trials
            are equally long.
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
    policy, replay = agent.policy, TrialReplay(config.capacity)
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
            told = policy.told(trials.obs, policy.memories(trials)[:-1])  # [T, N, S + 2Z]
        bonus = config.policy.entropy_bonus * left
        # To the policy the belief is a part of the state: it learns from the trials without the encoder.
        record = rl2.update(
            agent, replace(trials, inputs=told), config.policy, rng, bonus, trial_advantage=trial_advantage
        )
        replay.add(trials, rng)
        inferred = [
            update_inference(
                agent, replay.sample(config.batch, rng), config, rng, evidence_bound=evidence_bound
            )
            for _ in range(config.updates)
        ]
        yield {
            "iteration": iteration,
            "steps": steps,
            "return_mean": float(returns.sum()),
            "return_first": float(returns[0]),
            "return_last": float(returns[-1]),
            **record,
            **{name: float(np.mean([one[name] for one in inferred])) for name in inferred[0]},
        }
