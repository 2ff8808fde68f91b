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
