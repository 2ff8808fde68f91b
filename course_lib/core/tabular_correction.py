"""Two worlds in tables: how much likelier is a step in one than in the other, exactly and by counting?

Where the dynamics of a target differ from those of a source, a correction of the source's reward,
log p_target - log p_source, makes the soft-optimal policy of the source that of the target. It is computed
here, and estimated from counted transitions, as two classifiers would.

Axes: S states, A actions, S again next states, n and m transitions.
Source: Eysenbach et al., "Off-Dynamics Reinforcement Learning: Training for Transfer with Domain
Classifiers", ICLR 2021, https://arxiv.org/abs/2006.13916.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int
from numpy import ndarray

from course_lib.core.tabular import (
    Dynamics,
    PerChoice,
    PerState,
    Terminal,
    expected_reward,
    greedy,
    greedy_path,
    occupancy,
    soft_value_iteration,
)
from course_lib.core.types import shape_checked

Counts = Int[ndarray, "S A S"] | Float64[ndarray, "S A S"]
"""How often each transition was seen."""
Triples = tuple[Int[ndarray, "n"], Int[ndarray, "n"], Int[ndarray, "n"]]
"""Transitions seen: states, actions, next states."""
OtherTriples = tuple[Int[ndarray, "m"], Int[ndarray, "m"], Int[ndarray, "m"]]
"""Those of a second domain, another number of them."""


@dataclass(frozen=True)
class Outcome:
    """A policy, judged in the target world."""

    name: str
    """Where it was trained."""
    source_path: list[int]
    """States of the likeliest way in the source world, from the start."""
    target_path: list[int]
    """States of the likeliest way of the same policy in the target world."""
    expected_return: float
    """Of its likeliest actions in the target world, without discount, over one episode."""
    arrival: float
    """Probability that this episode reaches a terminal state."""


@dataclass(frozen=True)
class Comparison:
    """Three policies of one pair of worlds, and the correction that makes the second of them."""

    correction: PerChoice
    """Expected correction of an action under the source's dynamics, nats."""
    source_value: PerState
    """Soft value in the source world with the corrected reward."""
    target_value: PerState
    """Soft value in the target world."""
    outcomes: tuple[Outcome, Outcome, Outcome]
    """Trained in the source only; in the source with the correction; in the target."""


@shape_checked
def exact_correction(source: Dynamics, target: Dynamics, limit: float = 10.0) -> Dynamics:
    """The correction of DARC where both dynamics are known: log p_target - log p_source, clipped.

    Zeros: what only the source can do gets -limit; what only the target can do gets +limit, but the source
    never meets it (there DARC is blind); what neither can do gets 0.

    Args:
        source: p_source(s' | s, a), [S, A, S].
        target: p_target(s' | s, a), [S, A, S].
        limit: largest correction of either sign, nats.

    Returns:
        delta_r(s, a, s'), nats, [S, A, S]; its mean under the source is -KL(p_source || p_target), at most 0
        wherever nothing was clipped.

    Raises:
        ValueError: limit is not positive.
    """
    if not limit > 0:
        raise ValueError(f"limit must be positive, got {limit}")
    possible = (source > 0) | (target > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        delta = np.log(target) - np.log(source)  # -inf, inf, or NaN where both are 0
    return np.where(possible, np.clip(delta, -limit, limit), 0.0)


@shape_checked
def transition_counts(transitions: Triples, shape: tuple[int, int, int]) -> Int[ndarray, "S A S"]:
    """How often each (s, a, s') was seen.

    Args:
        transitions: states, actions and next states, [n] each.
        shape: (S, A, S), that of the dynamics.
    """
    flat = np.ravel_multi_index(transitions, shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)


@shape_checked
def domain_logits(
    source: Counts, target: Counts, prior: float
) -> tuple[Float64[ndarray, "S A 2"], Float64[ndarray, "S A S 2"]]:
    """The best two classifiers that counting can give: source or target, by (s, a) and by (s, a, s').

    Before any data, each (s, a) has `prior` transitions of either domain, with the same next states in both:
    those seen so far in any. So the two agree, and the correction is 0, where one domain is unknown.

    Args:
        source: how often each transition was seen in the source, [S, A, S].
        target: the same in the target.
        prior: pseudo-count, positive.

    Returns:
        Class logits given (s, a), [S, A, 2], and given (s, a, s'), [S, A, S, 2]: column 0 source, column 1
        target. Both are 0 for an (s, a, s') that was never seen.

    Raises:
        ValueError: prior is not positive.
    """
    if not prior > 0:
        raise ValueError(f"prior must be positive, got {prior}: an unseen transition would get -inf")
    both = source + target
    seen = both > 0
    spread = prior * both / np.maximum(both.sum(axis=2, keepdims=True), 1)
    counts = np.stack([source + spread, target + spread], axis=-1)  # [S, A, S, 2]
    sas_logits = np.log(np.where(seen[..., None], counts, 1.0))
    sa_logits = np.log(np.stack([source.sum(axis=2), target.sum(axis=2)], axis=-1) + prior)
    return sa_logits, sas_logits


@shape_checked
def estimated_correction(
    source_transitions: Triples,
    target_transitions: OtherTriples,
    shape: tuple[int, int, int],
    prior: float = 0.1,
    limit: float = 10.0,
) -> Dynamics:
    """The correction of DARC from transitions that were seen, by two classifiers that count.

    Args:
        source_transitions: states, actions and next states of the source, any number of them.
        target_transitions: the same of the target; another number, because the class balance cancels.
        shape: (S, A, S), that of the dynamics.
        prior: pseudo-count of each (s, a) in each domain.
        limit: largest correction of either sign, nats.

    Returns:
        delta_r(s, a, s'), nats, [S, A, S]; 0 for transitions that neither has seen.
    """
    counts = [transition_counts(t, shape) for t in (source_transitions, target_transitions)]
    sa_logits, sas_logits = domain_logits(*counts, prior)
    # Two classes share their normalizer: a difference of logits is one of log-probabilities.
    delta = (sas_logits[..., 1] - sas_logits[..., 0]) - (sa_logits[..., 1] - sa_logits[..., 0])[:, :, None]
    seen = sum(counts) > 0
    return np.where(seen, np.clip(delta, -limit, limit), 0.0)


@shape_checked
def compare(
    source: Dynamics,
    target: Dynamics,
    reward: PerChoice,
    terminal: Terminal,
    start: int,
    delta: Dynamics,
    gamma: float,
    temperature: float,
    steps: int,
) -> Comparison:
    """What the source teaches without and with the correction, beside the best that the target allows.

    Args:
        source, target: p(s' | s, a) of the two worlds, [S, A, S].
        reward: r(s, a) of both, [S, A].
        terminal: where the episode has ended, [S].
        start: first state.
        delta: correction of the reward, nats, [S, A, S]; it enters times the temperature, because the reward
            counts in nats once it is divided by it.
        gamma: discount of the training.
        temperature: of the entropy in the training.
        steps: length of the episodes that are judged.
    """
    corrected = reward[:, :, None] + temperature * delta
    trained = {
        "source only": soft_value_iteration(source, reward, gamma, temperature, terminal),
        "source + correction": soft_value_iteration(source, corrected, gamma, temperature, terminal),
        "target": soft_value_iteration(target, reward, gamma, temperature, terminal),
    }
    outcomes = []
    for name, solution in trained.items():
        policy = greedy(solution.policy)
        where = occupancy(target, policy, start, steps, terminal)
        pay = np.where(terminal, 0.0, (policy * reward).sum(axis=1))
        outcomes.append(
            Outcome(
                name=name,
                source_path=greedy_path(source, policy, start, terminal),
                target_path=greedy_path(target, policy, start, terminal),
                expected_return=float((where[:-1] @ pay).sum()),
                arrival=float(where[-1][terminal].sum()),
            )
        )
    return Comparison(
        correction=expected_reward(source, delta),
        source_value=trained["source + correction"].value,
        target_value=trained["target"].value,
        outcomes=tuple(outcomes),
    )
