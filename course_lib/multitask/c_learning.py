"""C-learning: ask a classifier whether a goal lies in the future, and let its own answers teach it.

The classifier tells states that follow (s, a) from states drawn at random. Its odds, times how often a state
comes up at random, are the discounted density of future states: a probability, where Q-learning from
relabelled goals predicts a number that depends on how many goals were relabelled. Like a value it is learned
from single transitions: the odds one step later say how likely a random state is to follow.

Axes: B transitions, S states, A actions, S again goals.
Source: Eysenbach, Salakhutdinov and Levine, "C-Learning: Learning to Achieve Goals via Recursive
Classification", ICLR 2021, https://arxiv.org/abs/2011.08909.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import softplus

from course_lib.core.types import PerTransition, Scalar, shape_checked

Numbers = Int64[Tensor, "B"]
"""Numbers of states, actions or goals."""
PerAction = Float[Tensor, "B A"]


@dataclass(frozen=True, kw_only=True)
class CLearningConfig:
    """Settings of C-learning in a table."""

    gamma: float = 0.9
    """Discount per step, in [0, 1): how far the future reaches."""
    learning_rate: float = 0.1
    """Step size of Adam at the start, > 0; it falls linearly to zero, and with it the batches' noise."""
    batch_size: int = 1024
    """Transitions per update, >= 1."""
    updates: int = 20
    """Updates per iteration, >= 1."""
    iterations: int = 100
    """How many records a training yields, >= 1."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.gamma < 1.0:
            raise ValueError(f"gamma must be in [0, 1), got {self.gamma}: weights grow as 1 / (1 - gamma)")
        if not self.learning_rate > 0.0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")
        for name in ("batch_size", "updates", "iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


class Classifier(nn.Module):
    """A table of logits, [S, A, S]: log-odds that a goal follows a state and an action, and is not random."""

    def __init__(self, states: int, actions: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(states, actions, states))

    def forward(self, state: Tensor, goal: Tensor) -> Tensor:
        """Logits of all actions, [B, A], of states and goals by number, [B] each."""
        return self.logits[state, :, goal]


Policy = Callable[[PerAction, Tensor, Tensor], Tensor]
"""From the classifier's logits [B, A], states and goals [B] to the probability of each action, [B, A]."""


def greedy(logits: PerAction, state: Numbers, goal: Numbers) -> PerAction:
    """The goal-conditioned policy argmax_a C: always the action that the goal is likeliest to follow."""
    return torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)


def following(policy: np.ndarray) -> Policy:
    """A policy [S, A] that wants nothing: what is learned then is where it leads, whatever the goal."""
    table = torch.as_tensor(policy, dtype=torch.float32)
    return lambda logits, state, goal: table[state]


@shape_checked
def importance_weight(logits: PerAction, policy: PerAction, gamma: float) -> PerTransition:
    """w = p+(g | s', a') / p(g): how much likelier a random state is after s' than at random. No gradient.

    C / (1 - C) with C = 1 / (1 + exp(-logit)) is exp(logit); over the actions that the policy may take it is
    averaged, of which the paper draws one. It is cut off at 1 / (1 - gamma), as in the paper's own code: one
    wild estimate would drown its batch. That is no bound on the true w, which can be as large as 1 / p(g):
    where goals are rarer than 1 - gamma, the density of the likeliest ones is predicted too small.

    Args:
        logits: of the classifier at the next state and each action, for a random goal.
        policy: probability of each action there, on the way to that goal.
        gamma: discount.

    Returns:
        In [0, 1 / (1 - gamma)].
    """
    return (policy * logits.exp()).sum(1).clamp(max=1.0 / (1.0 - gamma)).detach()


@shape_checked
def td_classifier_loss(
    next_logits: PerTransition, random_logits: PerTransition, weight: PerTransition, gamma: float
) -> Scalar:
    """-(1 - gamma) log C(s') - gamma w log C(g) - log (1 - C(g)), to be minimized.

    The next state is a future state for certain, with the share of the first step. A random state g is one
    with weight gamma w, and a random one with weight 1: together 1 + gamma w, with the soft label
    gamma w / (1 + gamma w).

    Args:
        next_logits: log-odds of the next state as goal, for (s, a).
        random_logits: log-odds of a random state as goal, for (s, a).
        weight: w at the next state, for the same random state.
        gamma: discount.
    """
    future = (1 - gamma) * softplus(-next_logits) + gamma * weight * softplus(-random_logits)
    return (future + softplus(random_logits)).mean()


@shape_checked
def mc_classifier_loss(future_logits: PerTransition, random_logits: PerTransition) -> Scalar:
    """-log C(future state) - log (1 - C(random state)): the future is seen, not estimated; to be minimized.

    Args:
        future_logits: log-odds of a state that came later in the same walk, as goal, for (s, a).
        random_logits: log-odds of a random state.
    """
    return (softplus(-future_logits) + softplus(random_logits)).mean()


def future_time(time: np.ndarray, length: int, gamma: float, rng: np.random.Generator) -> np.ndarray:
    """When to look at the future: k steps later with probability (1 - gamma) gamma^(k-1), k = 1, 2, ...

    Args:
        time: of the transitions, int64 [B], from 0 to length - 1.
        length: of the walk, in steps; its states are counted from 0 to length.
        gamma: discount.
        rng: source of randomness.

    Returns:
        int64 [B]; a draw beyond the end is drawn again, so that the last states' futures are a little short.

    Raises:
        ValueError: a transition does not begin before the walk's end, and so has no future.
    """
    if time.max() >= length:
        raise ValueError(f"time must be at most {length - 1} in a walk of {length} steps, got {time.max()}")
    later = time + rng.geometric(1 - gamma, len(time))
    while (beyond := later > length).any():
        later[beyond] = time[beyond] + rng.geometric(1 - gamma, int(beyond.sum()))
    return later


def predicted_density(classifier: Classifier, marginal: Float[np.ndarray, "S"]) -> Float[np.ndarray, "S A S"]:
    """p+(g | s, a) = p(g) C / (1 - C): what the classifier says of the future, as a discounted density.

    Args:
        classifier: trained.
        marginal: p(g), how often each state is drawn at random, [S].

    Returns:
        [S, A, S], float64; rows sum to 1 where the classifier is right.
    """
    return np.exp(classifier.logits.detach().numpy().astype(np.float64)) * marginal


def goal_policies(classifier: Classifier) -> Float[np.ndarray, "S S A"]:
    """The greedy policy of every goal, [goal, S, A]: where to go from each state, for certain."""
    logits = classifier.logits.detach().movedim(2, 0)  # [goal, S, A]
    return (
        torch.zeros_like(logits).scatter_(2, logits.argmax(2, keepdim=True), 1.0).numpy().astype(np.float64)
    )


def train(
    classifier: Classifier,
    state: np.ndarray,
    action: np.ndarray,
    next_state: np.ndarray,
    config: CLearningConfig,
    rng: np.random.Generator,
    policy: Policy = greedy,
    *,
    importance_weight: Callable = importance_weight,
    td_classifier_loss: Callable = td_classifier_loss,
) -> Iterator[dict[str, float]]:
    """C-learning from single transitions of any behaviour, one record an iteration.

    Args:
        classifier: changed in place.
        state, action, next_state: of n transitions, int64 [n] each; random goals are their next states.
        config: settings.
        rng: draws batches and goals.
        policy: whose future is learned; `greedy` seeks each goal, and gets better at it while it learns.
        importance_weight, td_classifier_loss: called as in this module.

    Yields:
        iteration, loss, weight_mean: by w; near 1 where the odds are right.

    Raises:
        ValueError: there is no transition, or their numbers differ.
    """
    state, action, next_state = _numbers(state, action, next_state)

    def loss() -> tuple[Tensor, dict[str, float]]:
        index, other = torch.as_tensor(rng.integers(len(state), size=(2, config.batch_size)))
        now, then, goal = state[index], next_state[index], next_state[other]
        taken = torch.arange(config.batch_size), action[index]
        logits = classifier(then, goal)  # [B, A]
        weight = importance_weight(logits, policy(logits.detach(), then, goal), config.gamma)
        value = td_classifier_loss(
            classifier(now, then)[taken], classifier(now, goal)[taken], weight, config.gamma
        )
        return value, {"weight_mean": float(weight.mean())}

    return _descend(classifier, config, loss)


def train_monte_carlo(
    classifier: Classifier,
    states: np.ndarray,
    actions: np.ndarray,
    config: CLearningConfig,
    rng: np.random.Generator,
    *,
    mc_classifier_loss: Callable = mc_classifier_loss,
) -> Iterator[dict[str, float]]:
    """The same question answered by looking ahead in one walk; learns where the walk's own policy leads.

    Args:
        classifier: changed in place.
        states: of one walk, in order, int64 [T + 1].
        actions: taken in it, int64 [T].
        config: settings.
        rng: draws batches, futures and random goals.
        mc_classifier_loss: called as in this module.

    Yields:
        iteration, loss.

    Raises:
        ValueError: the walk has no step, or the numbers of states and actions do not fit.
    """
    current, action, _ = _numbers(states[:-1], actions, states[1:])
    states = torch.as_tensor(states)

    def loss() -> tuple[Tensor, dict[str, float]]:
        time, other = rng.integers(len(current), size=(2, config.batch_size))
        later = future_time(time, len(current), config.gamma, rng)
        taken = torch.arange(config.batch_size), action[time]
        future = classifier(current[time], states[later])[taken]
        return mc_classifier_loss(future, classifier(current[time], states[1 + other])[taken]), {}

    return _descend(classifier, config, loss)


def _numbers(*columns: np.ndarray) -> tuple[Tensor, ...]:
    sizes = [len(column) for column in columns]
    if not sizes[0] or len(set(sizes)) > 1:
        raise ValueError(f"state, action and next_state must have the same number of entries, got {sizes}")
    return tuple(torch.as_tensor(column) for column in columns)


def _descend(
    classifier: Classifier, config: CLearningConfig, loss: Callable[[], tuple[Tensor, dict[str, float]]]
) -> Iterator[dict[str, float]]:
    optimizer = torch.optim.Adam(classifier.parameters(), lr=config.learning_rate)
    total = config.iterations * config.updates
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: 1 - done / total)
    for iteration in range(1, config.iterations + 1):
        for _ in range(config.updates):
            value, record = loss()
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            schedule.step()
        yield {"iteration": iteration, "loss": float(value.detach()), **record}
