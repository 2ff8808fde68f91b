"""Maximum-entropy RL in small tables, exactly: nothing is sampled, so every claim can be checked.

A world is a table of probabilities p(s' | s, a). The soft-optimal policy is a softmax of its own action
values; where the dynamics of a second world differ, a correction of the reward, log p_target - log p_source,
makes the first behave like the second. Both are computed here, and the correction is also estimated from
counted transitions, as a classifier would.

Axes: S states, A actions, S again next states, T steps, n and m transitions.
Source: Haarnoja et al., "Reinforcement Learning with Deep Energy-Based Policies", ICML 2017,
https://arxiv.org/abs/1702.08165 (soft value iteration); Eysenbach et al., "Off-Dynamics Reinforcement
Learning", ICLR 2021, https://arxiv.org/abs/2006.13916 (the correction).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int
from numpy import ndarray

from course_lib.core.types import shape_checked

Dynamics = Float64[ndarray, "S A S"]
"""p(s' | s, a); every row sums to 1."""
PerChoice = Float64[ndarray, "S A"]
PerState = Float64[ndarray, "S"]
Terminal = Bool[ndarray, "S"]
"""States where the episode has ended: worth 0, whatever is done there."""
Counts = Int[ndarray, "S A S"] | Float64[ndarray, "S A S"]
"""How often each transition was seen."""
Triples = tuple[Int[ndarray, "n"], Int[ndarray, "n"], Int[ndarray, "n"]]
"""Transitions seen: states, actions, next states."""
OtherTriples = tuple[Int[ndarray, "m"], Int[ndarray, "m"], Int[ndarray, "m"]]
"""Those of a second domain, another number of them."""

MAX_SWEEPS = 200
"""Some ten are usual; more mean that a number is not finite."""


@dataclass(frozen=True)
class Solution:
    """The soft-optimal policy of a world, and what it is worth."""

    action_value: PerChoice
    """Q: the reward and the later entropy that follow an action."""
    value: PerState
    """V: temperature * log sum_a exp(Q / temperature)."""
    policy: PerChoice
    """pi(a | s) = exp((Q - V) / temperature)."""


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
def expected_reward(dynamics: Dynamics, reward: PerChoice | Dynamics) -> PerChoice:
    """Reward of an action: itself, or the mean of its rewards over the next states.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        reward: r(s, a) [S, A] or r(s, a, s') [S, A, S].
    """
    return reward if reward.ndim == 2 else np.einsum("ijk,ijk->ij", dynamics, reward)


@shape_checked
def soft_value_iteration(
    dynamics: Dynamics,
    reward: PerChoice | Dynamics,
    gamma: float,
    temperature: float,
    terminal: Terminal | None = None,
    tolerance: float = 1e-9,
) -> Solution:
    """The policy that maximizes the discounted sum of reward + temperature * entropy.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        reward: r(s, a) [S, A] or r(s, a, s') [S, A, S].
        gamma: discount, in [0, 1).
        temperature: reward that one nat of entropy is worth, positive.
        terminal: where the episode has ended, [S]; nowhere if left out.
        tolerance: by how much Bellman's equation may fail, as a share of the largest value (at least of 1).

    Raises:
        ValueError: gamma or temperature out of range, or numbers that are not finite.

    Source: Haarnoja et al. 2017, theorem 2, for the equation; Puterman and Brumelle, "On the Convergence of
    Policy Iteration in Stationary Dynamic Programming", 1979, for Newton's steps.
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma must be in [0, 1), got {gamma}: an endless episode has no finite value")
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    now = expected_reward(dynamics, reward)
    going = np.ones(len(now)) if terminal is None else (~terminal).astype(np.float64)
    value = np.zeros(len(now))
    for _ in range(MAX_SWEEPS):
        action_value = now + gamma * dynamics @ value
        best = action_value.max(axis=1)  # taken out of the exponent: exp(-1000 / 0.01) must not become 0 / 0
        share = np.exp((action_value - best[:, None]) / temperature)
        total = share.sum(axis=1)
        policy = share / total[:, None]
        backup = going * (best + temperature * np.log(total))
        gap = backup - value
        if np.abs(gap).max() <= tolerance * max(1.0, np.abs(value).max()):
            return Solution(action_value=action_value, value=backup, policy=policy)
        # Plain sweeps would take value = backup, and a pocket without a way out would need thousands of them.
        # Newton's step solves for what this policy is worth for ever: some ten sweeps, whatever the room.
        step = np.einsum("i,ij,ijk->ik", going, policy, dynamics)  # [S, S]
        value = value + np.linalg.solve(np.eye(len(now)) - gamma * step, gap)
    raise ValueError(f"values did not settle in {MAX_SWEEPS} sweeps: is every reward and probability finite?")


@shape_checked
def policy_evaluation(
    dynamics: Dynamics,
    reward: PerChoice | Dynamics,
    policy: PerChoice,
    gamma: float,
    terminal: Terminal | None = None,
) -> PerState:
    """Discounted return of a policy from every state, without entropy: one linear system.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        reward: r(s, a) [S, A] or r(s, a, s') [S, A, S].
        policy: pi(a | s), [S, A].
        gamma: discount, in [0, 1).
        terminal: where the episode has ended, [S]; nowhere if left out.

    Raises:
        ValueError: gamma out of range.
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma must be in [0, 1), got {gamma}: an endless episode has no finite return")
    going = 1.0 if terminal is None else (~terminal).astype(np.float64)[:, None]
    step = going * np.einsum("ij,ijk->ik", policy, dynamics)  # [S, S]
    now = (going * policy * expected_reward(dynamics, reward)).sum(axis=1)
    return np.linalg.solve(np.eye(len(now)) - gamma * step, now)


@shape_checked
def occupancy(
    dynamics: Dynamics, policy: PerChoice, start: int, steps: int, terminal: Terminal | None = None
) -> Float64[ndarray, "T S"]:
    """Where a policy is after 0, 1, 2 ... steps: one distribution over states a row.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        policy: pi(a | s), [S, A].
        start: state at step 0.
        steps: how many; T is one more.
        terminal: states that are never left, [S].
    """
    move = np.einsum("ij,ijk->ik", policy, dynamics)  # [S, S]
    if terminal is not None:
        move[terminal] = np.eye(len(move))[terminal]
    where = np.zeros((steps + 1, len(move)))
    where[0, start] = 1.0
    for t in range(steps):
        where[t + 1] = where[t] @ move
    return where


@shape_checked
def greedy(policy: PerChoice) -> PerChoice:
    """The policy that always takes the likeliest action; of equal ones the first."""
    # Two ways of the same length differ by rounding only, and the picture must not jump between them.
    first = np.argmax(policy >= policy.max(axis=1, keepdims=True) - 1e-9, axis=1)
    return np.eye(policy.shape[1])[first]


@shape_checked
def greedy_path(
    dynamics: Dynamics, policy: PerChoice, start: int, terminal: Terminal | None = None
) -> list[int]:
    """The way of the likeliest actions: states from the start to the end, or to where it gets stuck.

    A step that may fail is tried until it succeeds: of the next states, the likeliest but the present one.
    A way that comes back to one of its states ends there.

    Args:
        dynamics: p(s' | s, a), [S, A, S].
        policy: pi(a | s), [S, A].
        start: first state.
        terminal: where the way ends, [S].
    """
    action = greedy(policy).argmax(axis=1)
    path = [start]
    while terminal is None or not terminal[path[-1]]:
        onward = dynamics[path[-1], action[path[-1]]].copy()
        onward[path[-1]] = 0.0
        if not onward.any():
            break
        path.append(int(onward.argmax()))
        if path[-1] in path[:-1]:
            break
    return path


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
