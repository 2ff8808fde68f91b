# ruff: noqa
"""Right answers to ps2_epopt, each written differently. Read as text, never run: `@right(question)`."""

import numpy as np
import torch

# --- question 1 ------------------------------------------------------------------------------------------


@right("q1")
def truncated_normal(rng, mean, sigma, low, high, n):
    """One value at a time."""
    values = np.empty(n)
    for i in range(n):
        value = rng.normal(mean, sigma)
        while value < low or value > high:
            value = rng.normal(mean, sigma)
        values[i] = value
    return values


@right("q1")
def truncated_normal(rng, mean, sigma, low, high, n):
    """Too many, then the first n that fit."""
    kept = np.empty(0)
    while len(kept) < n:
        more = mean + sigma * rng.standard_normal(2 * n + 10)
        kept = np.concatenate([kept, more[(more >= low) & (more <= high)]])
    return kept[:n]


@right("q1")
def truncated_normal(rng, mean, sigma, low, high, n):
    """Not rejection, but the same distribution."""
    from scipy.stats import truncnorm

    a, b = (low - mean) / sigma, (high - mean) / sigma
    return truncnorm.rvs(a, b, loc=mean, scale=sigma, size=n, random_state=rng)


@right("q1")
def truncated_normal(rng, mean, sigma, low, high, n):
    """Recursion."""
    values = rng.normal(mean, sigma, size=(n,))
    bad = np.logical_or(values < low, values > high)
    if bad.any():
        values[bad] = truncated_normal(rng, mean, sigma, low, high, int(bad.sum()))
    return values


@right(
    "q1",
    before="from math import isfinite\n\n\ndef _inside(x, low, high):\n    return isfinite(x) and low <= x <= high",
)
def truncated_normal(rng, mean, sigma, low, high, n):
    """An import and a function of its own in the answer's cell."""
    draws = iter(lambda: rng.normal(mean, sigma), None)
    return np.array([next(x for x in draws if _inside(x, low, high)) for _ in range(n)])


@right("q1")
def truncated_normal(rng, mean, sigma, low, high, n):
    """Redraw while any is outside."""
    values = rng.normal(mean, sigma, n)
    outside = (values < low) | (values > high)
    while outside.any():
        values[outside] = rng.normal(mean, sigma, outside.sum())
        outside = (values < low) | (values > high)
    return values


@right("q1")
def truncated_normal(rng, mean, sigma, low, high, n):
    """The inverse of the distribution function."""
    from scipy.special import ndtr, ndtri

    a, b = ndtr((low - mean) / sigma), ndtr((high - mean) / sigma)
    return np.clip(mean + sigma * ndtri(rng.uniform(a, b, size=n)), low, high)


# --- question 2 ------------------------------------------------------------------------------------------


@right("q2")
def cvar_mask(returns, epsilon):
    """numpy and back."""
    return torch.from_numpy(returns.numpy() <= np.quantile(returns.numpy(), epsilon))


@right("q2")
def cvar_mask(returns, epsilon):
    """By rank: the interpolated quantile lies between two neighbours."""
    ordered, _ = torch.sort(returns)
    rank = int(np.floor(epsilon * (len(returns) - 1) + 1e-9))
    return returns <= ordered[rank]


@right("q2")
def cvar_mask(returns, epsilon):
    """Talkative: warnings, log lines and prints cost nothing."""
    import logging
    import sys
    import warnings

    warnings.warn("the quantile of a small sample is coarse")
    logging.getLogger("student").warning("keeping the worst")
    print("threshold", torch.quantile(returns, epsilon))
    print("to the error stream", file=sys.stderr)
    return torch.le(returns, torch.quantile(returns, torch.tensor(epsilon, dtype=returns.dtype)))


@right("q2")
def cvar_mask(returns, epsilon):
    """A list of Python booleans, made a tensor."""
    threshold = torch.quantile(returns, epsilon).item()
    return torch.tensor([r.item() <= threshold for r in returns])


@right("q2", before="import statistics")
def cvar_mask(returns, epsilon):
    """No torch but for the result; numpy's own booleans."""
    numbers = sorted(returns.tolist())
    place = epsilon * (len(numbers) - 1)
    below, above = numbers[int(place)], numbers[min(int(place) + 1, len(numbers) - 1)]
    threshold = statistics.fmean([below, above], [1 - place % 1, place % 1])
    return torch.tensor([np.bool_(number <= max(below, threshold)) for number in returns.tolist()])


@right(
    "q2",
    after="_threshold_first = cvar_mask\ncvar_mask = lambda returns, epsilon: _threshold_first(returns, epsilon)",
)
def cvar_mask(returns, epsilon):
    """A lambda around a function."""
    return ~torch.gt(returns, returns.quantile(epsilon))


@right(
    "q2",
    after="""

class Masker:
    def __init__(self, rule):
        self.rule = rule

    def __call__(self, returns, epsilon):
        return self.rule(returns, epsilon)


cvar_mask = Masker(cvar_mask)""",
)
def cvar_mask(returns: torch.Tensor, epsilon: float = 0.1, **ignored) -> torch.Tensor:
    """An object that can be called."""
    return returns.double() <= torch.quantile(returns, epsilon).double()


# --- question 3 ------------------------------------------------------------------------------------------


@right("q3")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    """Select first; a special case where nothing is left."""
    if not keep.any():
        return log_prob.sum() * 0.0
    log_prob, old_log_prob, advantage = log_prob[keep], old_log_prob[keep], advantage[keep]
    ratio = (log_prob - old_log_prob).exp()
    return torch.min(ratio * advantage, torch.clip(ratio, 1 - clip_range, 1 + clip_range) * advantage).mean()


@right("q3")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    """Two cases by the sign of the advantage, and a constant zero."""
    if keep.sum() == 0:
        return torch.tensor(0.0)
    ratio = log_prob.exp() / old_log_prob.exp()
    bounded = torch.where(advantage > 0, ratio.clamp(max=1 + clip_range), ratio.clamp(min=1 - clip_range))
    return torch.mean((bounded * advantage)[keep])


@right("q3")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    """Weights that sum to one."""
    weight = keep.float() / max(int(keep.sum()), 1)
    ratio = torch.exp(log_prob - old_log_prob.detach())
    unclipped = ratio * advantage.detach()
    clipped = torch.clamp(ratio, 1.0 - clip_range, 1.0 + clip_range) * advantage.detach()
    return torch.dot(weight, torch.stack([unclipped, clipped]).amin(0))


@right("q3")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    """float64 on the way, and in the result."""
    ratio = torch.exp(log_prob.double() - old_log_prob.double())
    clipped = torch.clamp(ratio, 1 - clip_range, 1 + clip_range)
    objective = torch.minimum(ratio * advantage, clipped * advantage)
    return (objective * keep).sum() / max(keep.sum().item(), 1)


@right("q3")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    """A loop over transitions."""
    total, count = log_prob.new_zeros(()), 0
    for i in range(len(keep)):
        if keep[i]:
            ratio = torch.exp(log_prob[i] - old_log_prob[i])
            bounded = torch.clamp(ratio, 1 - clip_range, 1 + clip_range)
            total = total + torch.min(ratio * advantage[i], bounded * advantage[i])
            count += 1
    return total / count if count else total


@right("q3", before="import torch.nn.functional as F")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    """What goes beyond the bound is taken off again; nan_to_num for the empty mean."""
    ratio = (log_prob - old_log_prob).exp()
    too_good = F.relu(ratio - 1 - clip_range) * advantage.clamp(min=0)
    too_bad = F.relu(1 - clip_range - ratio) * advantage.clamp(max=0)
    terms = ratio * advantage - too_good + too_bad
    return terms[keep].mean().nan_to_num(0.0)


# --- question 4 ------------------------------------------------------------------------------------------


@right("q4")
def transfer_grid(evaluate, rows, columns, repeats):
    """Lists of Python numbers."""
    row, column = list(rows)[0], list(columns)[0]
    conditions = [(r, c) for r in rows[row] for c in columns[column] for _ in range(repeats)]
    returns = evaluate(
        {row: np.array([r for r, _ in conditions]), column: np.array([c for _, c in conditions])}
    )
    return np.asarray(returns).reshape(len(rows[row]), len(columns[column]), repeats).mean(axis=-1)


@right("q4")
def transfer_grid(evaluate, rows, columns, repeats):
    """Repeats outermost."""
    (row, r), (column, c) = *rows.items(), *columns.items()
    a, b = np.meshgrid(r, c, indexing="ij")
    returns = evaluate({row: np.tile(a.flatten(), repeats), column: np.tile(b.flatten(), repeats)})
    return returns.reshape(repeats, len(r), len(c)).mean(axis=0)


@right("q4")
def transfer_grid(evaluate, rows, columns, repeats):
    """Columns outermost, transposed at the end; the dict the other way round."""
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    a, b = np.meshgrid(r, c)
    returns = evaluate({column: np.repeat(b.ravel(), repeats), row: np.repeat(a.ravel(), repeats)})
    return returns.reshape(len(c), len(r), repeats).mean(-1).T


@right("q4")
def transfer_grid(evaluate, rows, columns, repeats):
    """Python lists all the way, popped out of the dicts."""
    row, r = rows.popitem()
    column, c = columns.popitem()
    cells = [(float(a), float(b)) for a in r for b in c]
    returns = evaluate({row: [a for a, _ in cells] * repeats, column: [b for _, b in cells] * repeats})
    means = [sum(returns[k :: len(cells)]) / repeats for k in range(len(cells))]
    return np.array(means, dtype=float).reshape(len(r), len(c))


@right("q4")
def transfer_grid(evaluate, rows, columns, repeats):
    """Conditions in a random order, put back afterwards."""
    (row,), (column,) = rows, columns
    i, j, _ = (axis.ravel() for axis in np.indices((len(rows[row]), len(columns[column]), repeats)))
    order = np.random.permutation(len(i))
    values = {row: np.asarray(rows[row])[i[order]], column: np.asarray(columns[column])[j[order]]}
    grid = np.zeros((len(rows[row]), len(columns[column])))
    np.add.at(grid, (i[order], j[order]), evaluate(values))
    return grid / repeats


@right("q4", before="from itertools import product")
def transfer_grid(evaluate, rows, columns, repeats):
    """Tensors."""
    (row, r), (column, c) = list(rows.items())[0], list(columns.items())[0]
    a, b, _ = torch.tensor(list(product(map(float, r), map(float, c), range(repeats))), dtype=torch.float64).T
    returns = torch.as_tensor(evaluate({row: a, column: b}))
    return returns.view(len(r), len(c), repeats).mean(2).numpy()


# --- question 5 ------------------------------------------------------------------------------------------


@right("q5")
def transition_log_likelihood(predicted, observed, noise_scale):
    """scipy."""
    from scipy.stats import norm

    return norm(loc=predicted, scale=noise_scale).logpdf(observed[None]).sum(axis=-1)


@right("q5")
def transition_log_likelihood(predicted, observed, noise_scale):
    """torch."""
    normal = torch.distributions.Normal(torch.from_numpy(predicted), torch.from_numpy(noise_scale))
    return normal.log_prob(torch.from_numpy(observed)).sum(-1).numpy()


@right("q5")
def transition_log_likelihood(predicted, observed, noise_scale):
    """Loops."""
    result = np.zeros(predicted.shape[:2])
    for k in range(predicted.shape[0]):
        for t in range(predicted.shape[1]):
            for j in range(predicted.shape[2]):
                variance = noise_scale[j] ** 2
                error = observed[t, j] - predicted[k, t, j]
                result[k, t] += -(error**2) / (2 * variance) - 0.5 * np.log(2 * np.pi * variance)
    return result


@right("q5")
def transition_log_likelihood(predicted, observed, noise_scale):
    """A subclass of numpy's array."""
    z = np.asarray(observed - predicted) / noise_scale
    result = -0.5 * np.einsum("kts,kts->kt", z, z) - np.log(noise_scale * np.sqrt(2 * np.pi)).sum()
    return np.asmatrix(result)


@right("q5", before="import math")
def transition_log_likelihood(predicted, observed, noise_scale):
    """numpy scalars, one at a time."""
    constant = -sum(math.log(s) + 0.5 * math.log(2 * math.pi) for s in noise_scale)
    return np.array(
        [
            [
                constant - sum(((o - p) / s) ** 2 for o, p, s in zip(seen, guess, noise_scale)) / 2
                for guess, seen in zip(particle, observed)
            ]
            for particle in predicted
        ]
    )


@right("q5")
def transition_log_likelihood(predicted, observed, noise_scale):
    """A covariance matrix."""
    from scipy.stats import multivariate_normal

    K, T, S = predicted.shape
    errors = (observed - predicted).reshape(K * T, S)
    return np.reshape(multivariate_normal(np.zeros(S), np.diag(noise_scale**2)).logpdf(errors), (K, T))


# --- question 6 ------------------------------------------------------------------------------------------


@right("q6")
def posterior_weights(log_prior, log_likelihood):
    """scipy."""
    from scipy.special import softmax

    return softmax(log_prior + np.sum(log_likelihood, axis=1))


@right("q6")
def posterior_weights(log_prior, log_likelihood):
    """One step after the other, normalized each time."""
    log_weight = np.array(log_prior)
    log_weight = log_weight - np.logaddexp.reduce(log_weight)
    for t in range(log_likelihood.shape[1]):
        log_weight = log_weight + log_likelihood[:, t]
        log_weight = log_weight - np.logaddexp.reduce(log_weight)
    return np.exp(log_weight)


@right("q6")
def posterior_weights(log_prior, log_likelihood):
    """torch."""
    return torch.softmax(torch.tensor(log_prior) + torch.tensor(log_likelihood).sum(1), dim=0).numpy()


@right("q6")
def posterior_weights(log_prior, log_likelihood):
    """Ratios to each other particle."""
    total = log_prior + log_likelihood.sum(axis=1)
    with np.errstate(all="ignore"):
        odds = np.exp(total[None, :] - total[:, None])  # [K, K]
    return np.where(np.isneginf(total), 0.0, 1.0 / np.nan_to_num(odds.sum(axis=1), nan=np.inf))


@right("q6", before="from math import exp, fsum, inf")
def posterior_weights(log_prior, log_likelihood):
    """Python numbers."""
    total = [
        fsum([prior, *steps]) if prior > -inf else -inf
        for prior, steps in zip(log_prior.tolist(), log_likelihood.tolist())
    ]
    top = max(total)
    weights = [exp(value - top) for value in total]
    return np.array([weight / fsum(weights) for weight in weights])


@right("q6")
def posterior_weights(log_prior, log_likelihood):
    """More digits than needed."""
    total = np.asarray(log_prior, dtype=np.longdouble) + log_likelihood.sum(axis=-1)
    return np.exp(total - np.logaddexp.reduce(total)).astype(float)
