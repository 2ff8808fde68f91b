"""Choosers of arms: how those who studied bandits explore, from pulling at random to the Gittins index.

All believe that each arm's probability is drawn from U[0, 1], and know of an arm only how often it paid and
how often it did not. They differ in how much an arm is worth to them because little is known of it.

Axes: N bandits, k arms, T pulls.
Source: Auer, Cesa-Bianchi and Fischer, "Finite-time Analysis of the Multiarmed Bandit Problem", Machine
Learning 47, 2002 (UCB1); Thompson, Biometrika 25, 1933; May, Korda, Lee and Leslie, "Optimistic Bayesian
Sampling in Contextual-Bandit Problems", JMLR 13, 2012; Gittins, "Bandit Processes and Dynamic Allocation
Indices", Journal of the Royal Statistical Society B 41(2), 1979.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int64

Counts = Int64[np.ndarray, "N k"]
Values = Float[np.ndarray, "N k"]
Chosen = Int64[np.ndarray, "N"]
Chooser = Callable[[Counts, Counts, np.random.Generator], Chosen]
"""From how often each arm paid, how often it did not, and a source of randomness, to the arms to pull."""

GRID = 1001
"""Rates between which a Gittins index is interpolated: it is right to 0.001, and mostly to 0.0001."""


def posterior_mean(paid: Counts, not_paid: Counts) -> Values:
    """What an arm pays on average, as far as one knows: the mean of Beta(1 + paid, 1 + not paid)."""
    return (1.0 + paid) / (2.0 + paid + not_paid)


def best(values: Values, rng: np.random.Generator) -> Chosen:
    """Number of the largest value in each row; among equals each is as likely."""
    first = values.argmax(axis=1)
    top = values >= np.take_along_axis(values, first[:, None], axis=1)
    tied = top.sum(axis=1) > 1
    first[tied] = (top[tied] * rng.random((tied.sum(), values.shape[1]))).argmax(axis=1)
    return first


def random_arm(paid: Counts, not_paid: Counts, rng: np.random.Generator) -> Chosen:
    """Any arm."""
    return rng.integers(paid.shape[1], size=len(paid))


def greedy(paid: Counts, not_paid: Counts, rng: np.random.Generator) -> Chosen:
    """The arm that seems best now; it never pays for finding out."""
    return best(posterior_mean(paid, not_paid), rng)


def epsilon_greedy(epsilon: float) -> Chooser:
    """Mostly the arm that seems best, and with probability epsilon any.

    Raises:
        ValueError: epsilon is no probability.
    """
    if not 0.0 <= epsilon <= 1.0:
        raise ValueError(f"epsilon must be in [0, 1], got {epsilon}")

    def choose(paid: Counts, not_paid: Counts, rng: np.random.Generator) -> Chosen:
        explore = rng.random(len(paid)) < epsilon
        return np.where(explore, random_arm(paid, not_paid, rng), greedy(paid, not_paid, rng))

    return choose


def upper_confidence_bound(paid: Counts, not_paid: Counts, c: float) -> Values:
    """mean + c sqrt(2 ln t / m): how good an arm may be, where m tells how much is known of it.

    Mean and m are those of the posterior, with one success and one failure more than were seen, so that no
    arm needs to be pulled before there is a bound; t counts the pull that is to come, for at 0 there is no
    logarithm.

    Args:
        paid, not_paid: counts.
        c: width of the interval; UCB1 has 1.
    """
    known = 2.0 + paid + not_paid
    t = 1.0 + (paid + not_paid).sum(axis=1, keepdims=True)
    return posterior_mean(paid, not_paid) + c * np.sqrt(2.0 * np.log(t) / known)


def ucb1(c: float = 1.0) -> Chooser:
    """The arm that may be best: optimism in the face of uncertainty.

    Raises:
        ValueError: c is negative.
    """
    if not c >= 0.0:
        raise ValueError(f"c must not be negative, got {c}")
    return lambda paid, not_paid, rng: best(upper_confidence_bound(paid, not_paid, c), rng)


def thompson(paid: Counts, not_paid: Counts, rng: np.random.Generator) -> Chosen:
    """The arm that is best in one world drawn from the posterior."""
    return best(rng.beta(1.0 + paid, 1.0 + not_paid), rng)


def optimistic_thompson(paid: Counts, not_paid: Counts, rng: np.random.Generator) -> Chosen:
    """As Thompson sampling, but no arm is taken for worse than it seems: max(draw, posterior mean)."""
    return best(np.maximum(rng.beta(1.0 + paid, 1.0 + not_paid), posterior_mean(paid, not_paid)), rng)


@lru_cache(maxsize=32)
def gittins_table(gamma: float, pulls: int) -> np.ndarray:
    """Gittins index of an arm by what it did, float64 [pulls, pulls]: row paid, column not paid.

    The index is the sure reward per pull for which one would be as glad to give the arm up for ever. For
    many such rates at once, the value of an arm that may be given up is found backwards from so many pulls
    that gamma has forgotten the rest; where going on becomes worse than giving up lies the index. It is NaN
    where paid and not paid make more than pulls - 1.

    Args:
        gamma: discount per pull, in (0, 1).
        pulls: for how many pulls the table is.

    Raises:
        ValueError: gamma or pulls out of range.
    """
    if not 0.0 < gamma < 1.0:
        raise ValueError(f"gamma must be in (0, 1), got {gamma}")
    if pulls < 1:
        raise ValueError(f"pulls must be at least 1, got {pulls}")
    # Beyond 500 pulls of one arm little is left to find out: what it pays is known to some 2 %.
    depth = pulls + min(500, int(np.ceil(np.log(1e-6) / np.log(gamma))))
    rates = np.linspace(0.0, 1.0, GRID)  # [G]
    give_up = rates / (1.0 - gamma)  # [G]
    mean = np.arange(1, depth + 2) / (depth + 2)  # of 0 to depth pulls that paid
    value = np.maximum(give_up, mean[:, None] / (1.0 - gamma))  # [depth + 1, G]
    table = np.full((pulls, pulls), np.nan)
    for done in range(depth - 1, -1, -1):
        paid = np.arange(done + 1)
        p = ((1.0 + paid) / (2.0 + done))[:, None]
        go_on = gamma * value[:-1]
        go_on += p * (1.0 + gamma * value[1:] - go_on)
        if done < pulls:
            gain = go_on - give_up  # [done + 1, G], falling with the rate
            last = (gain > 0.0).sum(axis=1) - 1
            above, below = gain[paid, last], gain[paid, last + 1]
            share = above / (above - below)
            table[paid, done - paid] = rates[last] + share * (rates[last + 1] - rates[last])
        value = np.maximum(give_up, go_on)
    table.setflags(write=False)
    return table


def gittins(gamma: float, pulls: int) -> Chooser:
    """The arm with the largest Gittins index: optimal for ever, if later rewards count by gamma less each.

    With an end in sight it is not quite optimal, and the best gamma is near 1 - 1 / pulls.

    Args:
        gamma: discount per pull, in (0, 1).
        pulls: how many pulls there will be, at most.
    """
    table = gittins_table(gamma, pulls)
    return lambda paid, not_paid, rng: best(table[paid, not_paid], rng)


def either_way(paid: Counts, not_paid: Counts, rng: np.random.Generator) -> Chosen:
    """Of two arms that pay with p and 1 - p the better one: a failure of one speaks for the other.

    What is learned is the same whichever arm is pulled, so that the arm that seems best is optimal.
    """
    for_this = (paid + not_paid[:, ::-1]).astype(np.float64)
    return best(for_this, rng)


def play(
    chooser: Chooser, arms: Float[np.ndarray, "N k"], pulls: int, rng: np.random.Generator
) -> tuple[Int64[np.ndarray, "T N"], Float[np.ndarray, "T N"]]:
    """Lets a chooser pull the arms of N bandits.

    Args:
        chooser: sees only what it did and what that paid.
        arms: probability that each arm pays 1.
        pulls: T.
        rng: draws rewards, and what the chooser draws; not a generator of the seed that drew the arms, whose
            numbers would come again as luck.

    Returns:
        Actions, and the rewards 0 or 1 for them.
    """
    everyone = np.arange(len(arms))
    counts = np.zeros((2, *arms.shape), dtype=np.int64)  # not paid, paid
    actions = np.empty((pulls, len(arms)), dtype=np.int64)
    rewards = np.empty((pulls, len(arms)))
    for t in range(pulls):
        actions[t] = chooser(counts[1], counts[0], rng)
        pays = rng.random(len(arms)) < arms[everyone, actions[t]]
        counts[pays.astype(np.int64), everyone, actions[t]] += 1
        rewards[t] = pays
    return actions, rewards


def regret(arms: Float[np.ndarray, "N k"], actions: Int64[np.ndarray, "T N"]) -> Float[np.ndarray, "T N"]:
    """What was lost so far against the best arm from the start: expected rewards, [T, N]."""
    lost = arms.max(axis=1) - arms[np.arange(len(arms)), actions]
    return lost.cumsum(axis=0)
