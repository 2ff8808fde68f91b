"""The best that can be done in a bandit, exactly: how far is a learner from optimal?

Whoever believes that the arms' probabilities are drawn from U[0, 1] faces a decision problem in which
nothing is unknown: its state is what every arm has paid so far. Arms that did the same are alike, so states
that differ by their order only are one, and for few arms and pulls all of them can be looked at.

Axes: N bandits, k arms, M states after as many pulls.
Source: Bellman, "A Problem in the Sequential Design of Experiments", Sankhya 16, 1956; Duff, "Optimal
Learning: Computational procedures for Bayes-adaptive Markov decision processes", 2002.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import comb, factorial

import numpy as np
from jaxtyping import Float64
from scipy.stats import binom

from course_lib.agents.bandits import Chosen, Counts, best

MOST_STATES = 200_000
"""States before the last pull that are still looked at, some seconds' worth."""


@dataclass(frozen=True)
class Optimum:
    """The optimal policy of k independent arms for so many pulls; a chooser of `agents.bandits`."""

    pulls: int
    """How many pulls there are in all."""
    value: float
    """Expected reward of all pulls, before the first."""
    states: tuple[np.ndarray, ...]
    """By pulls done, int64 [M], rising: states, as `_packed` writes them."""
    action_values: tuple[np.ndarray, ...]
    """By pulls done, float64 [M, k]: what is still to come after each of a state's arms in order."""

    def __call__(self, paid: Counts, not_paid: Counts, rng: np.random.Generator) -> Chosen:
        """Arms to pull, chosen at random where several are optimal.

        Raises:
            ValueError: all pulls are made already, or bandits were pulled unequally often.
        """
        done = (paid + not_paid).sum(axis=1)
        if not (done == done[0]).all() or done[0] >= self.pulls:
            raise ValueError(
                f"every bandit must have been pulled equally often and fewer than {self.pulls} times, "
                f"got {done.min()} to {done.max()}"
            )
        code = _code(paid, not_paid)
        order = code.argsort(axis=1)
        state = _packed(np.take_along_axis(code, order, axis=1), self.pulls)
        values = self.action_values[done[0]][np.searchsorted(self.states[done[0]], state)]  # [N, k]
        # Rounding must not choose among equals.
        position = best(values.round(9), rng)
        return order[np.arange(len(paid)), position]


@lru_cache(maxsize=4)
def optimum(arms: int, pulls: int) -> Optimum:
    """The optimal policy, found backwards from the last pull.

    It takes less than a second for 5 arms and 20 pulls, or 2 arms and 100.

    Args:
        arms: k, at least 1.
        pulls: at least 1.

    Raises:
        ValueError: a number is out of range, or there are too many states to look at all of them.
    """
    if arms < 1 or pulls < 1:
        raise ValueError(f"arms and pulls must be at least 1, got {arms} and {pulls}")
    alike = comb(pulls + 2 * arms - 2, 2 * arms - 1) // factorial(arms)  # last states but for their order
    if alike > MOST_STATES or _codes(pulls) ** arms >= 2**63:
        raise ValueError(f"{arms} arms and {pulls} pulls are too many for an exact answer: take fewer")
    levels = [np.zeros((1, arms), dtype=np.int64)]
    reached: list[np.ndarray] = []  # by pulls done, [M, k, 2]: where each arm leads if it pays, or does not
    states = [_packed(levels[0], pulls)]
    for _ in range(pulls - 1):
        after = _packed(_successors(levels[-1]), pulls)
        packed, index = np.unique(after, return_inverse=True)
        reached.append(index.reshape(after.shape))
        states.append(packed)
        levels.append(_unpacked(packed, arms, pulls))
    later = np.zeros(0)
    action_values = []
    for done in range(pulls - 1, -1, -1):
        paid, not_paid = _counts(levels[done])
        p = (1.0 + paid) / (2.0 + paid + not_paid)  # [M, k]
        values = p
        if done < pulls - 1:
            values = p * (1.0 + later[reached[done][..., 0]]) + (1.0 - p) * later[reached[done][..., 1]]
        later = values.max(axis=1)
        action_values.append(values)
    return Optimum(pulls, float(later[0]), tuple(states), tuple(reversed(action_values)))


def optimal_value(arms: int, pulls: int) -> float:
    """Expected reward of all pulls under the optimal policy; raises as `optimum`.

    Arms that cannot all be pulled are alike: forty more than ten change nothing in ten pulls.
    """
    return optimum(min(arms, pulls), pulls).value


def dependent_value(p: Float64[np.ndarray, "P"], weights: Float64[np.ndarray, "P"], pulls: int) -> float:
    """Reward of the optimal policy for two arms that pay with p and 1 - p, exactly.

    A pull of either arm says the same of p, so nothing is gained by exploring, and the better arm is always
    best. After t pulls, h of which spoke for the first arm, it pays the larger of E[p | h] and E[1 - p | h].

    Args:
        p: values that the first arm's probability may have. For all of [0, 1], the nodes of a Gauss-Legendre
            quadrature of more than half as many points as there are pulls give the exact value, too.
        weights: their probabilities.
        pulls: at least 1.
    """
    total = 0.0
    for t in range(pulls):
        joint = weights * binom.pmf(np.arange(t + 1)[:, None], t, p)  # [t + 1, P]
        total += float(np.maximum(joint @ p, joint @ (1.0 - p)).sum())
    return total


def _code(paid: np.ndarray, not_paid: np.ndarray) -> np.ndarray:
    """One number for what an arm did, counted along diagonals of equally many pulls."""
    n = paid + not_paid
    return n * (n + 1) // 2 + paid


def _counts(code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse of `_code`."""
    n = ((np.sqrt(8.0 * code + 1.0) - 1.0) / 2.0).astype(np.int64)
    paid = code - n * (n + 1) // 2
    return paid, n - paid


def _codes(pulls: int) -> int:
    """How many codes there are."""
    return (pulls + 1) * (pulls + 2) // 2


def _packed(code: np.ndarray, pulls: int) -> np.ndarray:
    """Sorted codes [..., k] as one integer [...]."""
    return code @ _codes(pulls) ** np.arange(code.shape[-1], dtype=np.int64)


def _unpacked(packed: np.ndarray, arms: int, pulls: int) -> np.ndarray:
    """The inverse of `_packed`, [..., k]."""
    return packed[..., None] // _codes(pulls) ** np.arange(arms, dtype=np.int64) % _codes(pulls)


def _successors(code: np.ndarray) -> np.ndarray:
    """States after a pull of each arm that pays, or does not: sorted codes [M, k, 2, k]."""
    arms = code.shape[1]
    paid, not_paid = _counts(code)
    after = np.repeat(code[:, None, None], arms, axis=1).repeat(2, axis=2)
    for arm in range(arms):
        after[:, arm, 0, arm] = _code(paid[:, arm] + 1, not_paid[:, arm])
        after[:, arm, 1, arm] = _code(paid[:, arm], not_paid[:, arm] + 1)
    after.sort(axis=-1)
    return after
