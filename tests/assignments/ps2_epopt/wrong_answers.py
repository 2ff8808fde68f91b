# ruff: noqa
"""Wrong answers to ps2_epopt. Read as text, never run: `@wrong(question, words of the expected message)`.

A `subtle` one passes what students see of the further cases, and is found by the hidden tests or the visible cases.
"""

import numpy as np
import torch

# --- question 1 ------------------------------------------------------------------------------------------


@wrong("q1", "clipping piles up")
def truncated_normal(rng, mean, sigma, low, high, n):
    return np.clip(rng.normal(mean, sigma, n), low, high)


@wrong("q1", "the rejected ones were dropped")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma, n)
    return values[(values >= low) & (values <= high)]


@wrong("q1", "the rejected ones were dropped")
def truncated_normal(rng, mean, sigma, low, high, n):
    # Enough for the table, too few where the bounds lie far out.
    values = rng.normal(mean, sigma, 10 * n)
    return values[(values >= low) & (values <= high)][:n]


@wrong("q1", "nothing was rejected")
def truncated_normal(rng, mean, sigma, low, high, n):
    return rng.normal(mean, sigma, n)


@wrong("q1", "not a fixed number of times")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma, n)
    outside = (values < low) | (values > high)
    values[outside] = rng.normal(mean, sigma, outside.sum())
    return values


@wrong("q1", "not a fixed number of times")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma, n)
    for _ in range(20):
        outside = (values < low) | (values > high)
        values[outside] = rng.normal(mean, sigma, outside.sum())
    return values


@wrong("q1", "not one for all of them")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma, n)
    while ((values < low) | (values > high)).any():
        values[(values < low) | (values > high)] = rng.normal(mean, sigma)
    return values


@wrong("q1", "sigma was squared")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma**2, n)
    outside = (values < low) | (values > high)
    while outside.any():
        values[outside] = rng.normal(mean, sigma**2, outside.sum())
        outside = (values < low) | (values > high)
    return values


@wrong("q1", "the square root of sigma")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, np.sqrt(sigma), n)
    outside = (values < low) | (values > high)
    while outside.any():
        values[outside] = rng.normal(mean, np.sqrt(sigma), outside.sum())
        outside = (values < low) | (values > high)
    return values


@wrong("q1", "uniform between the bounds")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma, n)
    outside = (values < low) | (values > high)
    values[:] = rng.uniform(low, high, n)
    return values


@wrong("q1", "uniform values were put in the place of the rejected ones")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma, n)
    outside = (values < low) | (values > high)
    values[outside] = rng.uniform(low, high, outside.sum())
    return values


@wrong("q1", "centred between the bounds, not at mean")
def truncated_normal(rng, mean, sigma, low, high, n):
    middle = (low + high) / 2
    values = rng.normal(middle, sigma, n)
    outside = (values < low) | (values > high)
    while outside.any():
        values[outside] = rng.normal(middle, sigma, outside.sum())
        outside = (values < low) | (values > high)
    return values


@wrong("q1", "folded back at the bounds")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma, n)
    while ((values < low) | (values > high)).any():
        values = np.where(values < low, 2 * low - values, values)
        values = np.where(values > high, 2 * high - values, values)
    return values


@wrong("q1", "take randomness from `rng` only")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = np.random.normal(mean, sigma, n)
    outside = (values < low) | (values > high)
    while outside.any():
        values[outside] = np.random.normal(mean, sigma, outside.sum())
        outside = (values < low) | (values > high)
    return values


@wrong("q1", "do not seed a generator inside")
def truncated_normal(rng, mean, sigma, low, high, n):
    rng = np.random.default_rng(0)
    values = rng.normal(mean, sigma, n)
    outside = (values < low) | (values > high)
    while outside.any():
        values[outside] = rng.normal(mean, sigma, outside.sum())
        outside = (values < low) | (values > high)
    return values


@wrong("q1", "expected a numpy array")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = []
    while len(values) < n:
        value = rng.normal(mean, sigma)
        if low <= value <= high:
            values.append(value)
    return values


@wrong("q1", "stand in no order")
def truncated_normal(rng, mean, sigma, low, high, n):
    values, outside = np.empty(n), np.ones(n, dtype=bool)
    while outside.any():
        values[outside] = rng.normal(mean, sigma, outside.sum())
        outside = (values < low) | (values > high)
    return np.sort(values)


@wrong("q1", "dtype float32")
def truncated_normal(rng, mean, sigma, low, high, n):
    values, outside = np.empty(n, dtype=np.float32), np.ones(n, dtype=bool)
    while outside.any():
        values[outside] = rng.normal(mean, sigma, outside.sum())
        outside = (values < low) | (values > high)
    return values


@wrong("q1", "holds NaN")
def truncated_normal(rng, mean, sigma, low, high, n):
    values = rng.normal(mean, sigma, n)
    return np.where((values < low) | (values > high), np.nan, values)


@wrong("q1", "expected (1,)")
def truncated_normal(rng, mean, sigma, low, high, n):
    # A special case that nobody needs, and that is wrong.
    values, outside = np.empty(n), np.ones(n, dtype=bool)
    while outside.any():
        values[outside] = rng.normal(mean, sigma, outside.sum())
        outside = (values < low) | (values > high)
    return values.squeeze()


@wrong("q1", "A value drawn again can fall", subtle=True)
def truncated_normal(rng, mean, sigma, low, high, n):
    # Whatever is too large is never seen where nothing was too small.
    values = rng.normal(mean, sigma, n)
    outside = values < low
    while outside.any():
        values[outside] = rng.normal(mean, sigma, outside.sum())
        outside = (values < low) | (values > high)
    return values


# --- question 2 ------------------------------------------------------------------------------------------


@wrong("q2", "keeps the BEST")
def cvar_mask(returns, epsilon):
    return returns >= torch.quantile(returns, 1 - epsilon)


@wrong("q2", "keeps the BEST int(epsilon * N)")
def cvar_mask(returns, epsilon):
    mask = torch.zeros(len(returns), dtype=torch.bool)
    mask[torch.topk(returns, int(epsilon * len(returns))).indices] = True
    return mask


@wrong("q2", "upside down")
def cvar_mask(returns, epsilon):
    return returns > torch.quantile(returns, epsilon)


@wrong("q2", "not R < Q")
def cvar_mask(returns, epsilon):
    return returns < torch.quantile(returns, epsilon)


@wrong("q2", "keeps int(epsilon * N)")
def cvar_mask(returns, epsilon):
    mask = torch.zeros(len(returns), dtype=torch.bool)
    mask[returns.argsort()[: int(epsilon * len(returns))]] = True
    return mask


@wrong("q2", "ceil(epsilon * N)")
def cvar_mask(returns, epsilon):
    k = int(np.ceil(epsilon * len(returns)))
    mask = torch.zeros(len(returns), dtype=torch.bool)
    mask[returns.argsort(stable=True)[:k]] = True
    return mask


@wrong("q2", "used as a percentage")
def cvar_mask(returns, epsilon):
    return returns <= torch.as_tensor(np.percentile(returns.numpy(), epsilon))


@wrong("q2", "from the lowest to the highest return")
def cvar_mask(returns, epsilon):
    return returns <= returns.min() + epsilon * (returns.max() - returns.min())


@wrong("q2", "not of the best return")
def cvar_mask(returns, epsilon):
    return returns <= epsilon * returns.max()


@wrong("q2", "positions of trajectories")
def cvar_mask(returns, epsilon):
    return torch.where(returns <= torch.quantile(returns, epsilon))[0]


@wrong("q2", "kept returns")
def cvar_mask(returns, epsilon):
    return returns[returns <= torch.quantile(returns, epsilon)]


@wrong("q2", "dtype bool")
def cvar_mask(returns, epsilon):
    return (returns <= torch.quantile(returns, epsilon)).float()


@wrong("q2", "argument number 1 in place")
def cvar_mask(returns, epsilon):
    threshold = torch.quantile(returns, epsilon)
    mask = returns <= threshold
    returns[~mask] = 0.0
    return mask


@wrong("q2", "`return` missing")
def cvar_mask(returns, epsilon):
    mask = returns <= torch.quantile(returns, epsilon)


@wrong("q2", "One trajectory too many")
def cvar_mask(returns, epsilon):
    return returns <= torch.quantile(returns, epsilon, interpolation="nearest")


@wrong("q2", "One trajectory too many")
def cvar_mask(returns, epsilon):
    return returns <= torch.quantile(returns, epsilon, interpolation="higher")


@wrong("q2", "One trajectory too many")
def cvar_mask(returns, epsilon):
    return returns <= returns.kthvalue(max(1, int(np.ceil(epsilon * len(returns))))).values


@wrong("q2", "keeps int(epsilon * N)", subtle=True)
def cvar_mask(returns, epsilon):
    return returns <= returns.kthvalue(max(1, int(epsilon * len(returns)))).values


@wrong("q2", "The first difference")
def cvar_mask(returns, epsilon):
    return returns.abs() <= torch.quantile(returns, epsilon).abs()


@wrong("q2", "is a ndarray")
def cvar_mask(returns, epsilon):
    return returns.numpy() <= np.quantile(returns.numpy(), epsilon)


# --- question 3 ------------------------------------------------------------------------------------------


@wrong("q3", "average of ALL transitions")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return torch.minimum(ratio * advantage, clipped * advantage).mean()


@wrong("q3", "divided by the number of ALL transitions")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return (torch.minimum(ratio * advantage, clipped * advantage) * keep).mean()


@wrong("q3", "averages what should be left out")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    keep = ~keep
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "The maximum of the two terms")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.maximum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "not a loss")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return -(terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "objective is their MEAN")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return (torch.minimum(ratio * advantage, clipped * advantage) * keep).sum()


@wrong("q3", "The ratio is not clipped")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    return (ratio * advantage * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "Only the clipped term")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob).clamp(1 - clip_range, 1 + clip_range)
    return (ratio * advantage * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "upside down")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(old_log_prob - log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "take its exponential")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = log_prob - old_log_prob
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "quotient of their logarithms")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = log_prob / old_log_prob
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "plain policy gradient")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    return (log_prob * advantage * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "old_log_prob is not used")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = log_prob.exp()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "compared with itself")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - log_prob.detach())
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "clipped to [-c, c]")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(-clip_range, clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "the mean of nothing is NaN")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    return torch.minimum(ratio * advantage, clipped * advantage)[keep].mean()


@wrong("q3", "no gradient reaches log_prob")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob).detach()
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "expected a torch tensor")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return ((terms * keep).sum() / keep.sum().clamp(min=1)).item()


@wrong("q3", "argument number 3 in place")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    advantage *= keep
    return torch.minimum(ratio * advantage, clipped * advantage).sum() / keep.sum().clamp(min=1)


@wrong("q3", "surrogate with clip_range 0.1")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    terms = torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "The gradient of surrogate")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    # The value is right; the gradient pushes on where the objective is flat.
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio + (ratio.clamp(1 - clip_range, 1 + clip_range) - ratio).detach()
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "The gradient of surrogate")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    if log_prob.requires_grad:
        log_prob.register_hook(lambda gradient: gradient.clamp(-0.1, 0.1))
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum() / keep.sum().clamp(min=1)


@wrong("q3", "of dtype float16")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    value = (terms * keep).sum() / keep.sum().clamp(min=1)
    return value if keep.any() else value.half()


@wrong("q3", "has shape (1,), expected ()")
def surrogate(log_prob, old_log_prob, advantage, keep, clip_range):
    ratio = torch.exp(log_prob - old_log_prob)
    clipped = ratio.clamp(1 - clip_range, 1 + clip_range)
    terms = torch.minimum(ratio * advantage, clipped * advantage)
    return (terms * keep).sum(0, keepdim=True) / keep.sum().clamp(min=1)


# --- question 4 ------------------------------------------------------------------------------------------


@wrong("q4", "Rows and columns are exchanged")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), repeats).mean(-1).T


@wrong("q4", "the rows vary fastest")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.tile(r, len(c) * repeats), column: np.repeat(c, len(r) * repeats)}
    return evaluate(batch).reshape(len(r), len(c), repeats).mean(-1)


@wrong("q4", "the columns were laid out first")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    a, b = np.meshgrid(r, c)
    batch = {row: np.repeat(a.ravel(), repeats), column: np.repeat(b.ravel(), repeats)}
    return evaluate(batch).reshape(len(r), len(c), repeats).mean(-1)


@wrong("q4", "Episodes of different cells were averaged")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    a, b = np.meshgrid(r, c, indexing="ij")
    batch = {row: np.tile(a.ravel(), repeats), column: np.tile(b.ravel(), repeats)}
    return evaluate(batch).reshape(len(r), len(c), repeats).mean(-1)


@wrong("q4", "Columns and repeats are mixed up")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(c, len(r) * repeats)}
    return evaluate(batch).reshape(len(r), len(c), repeats).mean(-1)


@wrong("q4", "The best of the repeats")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), repeats).max(-1)


@wrong("q4", "The repeats are summed")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), repeats).sum(-1)


@wrong("q4", "The median of the repeats")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return np.median(evaluate(batch).reshape(len(r), len(c), repeats), axis=-1)


@wrong("q4", "Only one episode per cell")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    return evaluate({row: np.repeat(r, len(c)), column: np.tile(c, len(r))}).reshape(len(r), len(c))


@wrong("q4", "not averaged yet")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), repeats)


@wrong("q4", "called more than once")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    grid = np.zeros((len(r), len(c)))
    for i in range(len(r)):
        for j in range(len(c)):
            grid[i, j] = evaluate({row: np.full(repeats, r[i]), column: np.full(repeats, c[j])}).mean()
    return grid


@wrong("q4", "evaluate was called with the parameters ['column', 'row']")
def transfer_grid(evaluate, rows, columns, repeats):
    ((_, r),) = rows.items()
    ((_, c),) = columns.items()
    batch = {"row": np.repeat(r, len(c) * repeats), "column": np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), repeats).mean(-1)


@wrong("q4", "one value of each parameter for every condition")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    return evaluate({row: np.array(r), column: np.array(c)}).reshape(len(r), len(c), repeats).mean(-1)


@wrong("q4", "The worst of the repeats")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), repeats).min(-1)


@wrong("q4", "rows x columns x repeats are 24")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    repeats = repeats + 1
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), repeats).mean(-1)


@wrong("q4", "cannot reshape")
def transfer_grid(evaluate, rows, columns, repeats):
    # The repeats of the example, for every grid.
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), 4).mean(-1)


@wrong("q4", "dtype float32")
def transfer_grid(evaluate, rows, columns, repeats):
    ((row, r),) = rows.items()
    ((column, c),) = columns.items()
    batch = {row: np.repeat(r, len(c) * repeats), column: np.tile(np.repeat(c, repeats), len(r))}
    return evaluate(batch).reshape(len(r), len(c), repeats).mean(-1).astype(np.float32)


@wrong("q4", "parameters list, expected")
def transfer_grid(evaluate, rows, columns, repeats):
    ((_, r),) = rows.items()
    ((_, c),) = columns.items()
    pairs = [(a, b) for a in r for b in c for _ in range(repeats)]
    return evaluate(pairs).reshape(len(r), len(c), repeats).mean(-1)


# --- question 5 ------------------------------------------------------------------------------------------


@wrong("q5", "The constant is missing")
def transition_log_likelihood(predicted, observed, noise_scale):
    return (-0.5 * ((observed - predicted) / noise_scale) ** 2).sum(-1)


@wrong("q5", "-log(eta) is missing")
def transition_log_likelihood(predicted, observed, noise_scale):
    return (-0.5 * ((observed - predicted) / noise_scale) ** 2 - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "-log(2 pi) / 2 is missing")
def transition_log_likelihood(predicted, observed, noise_scale):
    return (-0.5 * ((observed - predicted) / noise_scale) ** 2 - np.log(noise_scale)).sum(-1)


@wrong("q5", "counted once")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed - predicted) / noise_scale) ** 2
    return square.sum(-1) - np.log(noise_scale).sum() - 0.5 * np.log(2 * np.pi)


@wrong("q5", "used as a variance")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * (observed - predicted) ** 2 / noise_scale
    return (square - 0.5 * np.log(2 * np.pi * noise_scale)).sum(-1)


@wrong("q5", "noise_scale was squared")
def transition_log_likelihood(predicted, observed, noise_scale):
    scale = noise_scale**2
    return (-0.5 * ((observed - predicted) / scale) ** 2 - np.log(scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "divide first, then square")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * (observed - predicted) ** 2 / noise_scale
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "not divided by noise_scale")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * (observed - predicted) ** 2
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "factor 1/2")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -(((observed - predicted) / noise_scale) ** 2)
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "negative log-likelihood")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = 0.5 * ((observed - predicted) / noise_scale) ** 2
    return (square + np.log(noise_scale) + 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "worse predictions would be more likely")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = 0.5 * ((observed - predicted) / noise_scale) ** 2
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "The sign of -log(eta)")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed - predicted) / noise_scale) ** 2
    return (square + np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "not its logarithm")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed - predicted) / noise_scale) ** 2
    return np.exp((square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1))


@wrong("q5", "underflowed to 0")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = np.exp(-0.5 * ((observed - predicted) / noise_scale) ** 2)
    return np.log((square / (np.sqrt(2 * np.pi) * noise_scale)).prod(-1))


@wrong("q5", "the mean over the S entries")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed - predicted) / noise_scale) ** 2
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).mean(-1)


@wrong("q5", "summed over time as well")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed - predicted) / noise_scale) ** 2
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum((1, 2))


@wrong("q5", "not yet summed over the S entries")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed - predicted) / noise_scale) ** 2
    return square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)


@wrong("q5", "the result is [K, T]")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed - predicted) / noise_scale) ** 2
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1).T


@wrong("q5", "lined up with the particles")
def transition_log_likelihood(predicted, observed, noise_scale):
    # Only as many particles as steps can be lined up wrongly without an error.
    lined = observed[:, None] if predicted.shape[0] == predicted.shape[1] else observed
    square = -0.5 * ((lined - predicted) / noise_scale) ** 2
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "stopped with ValueError: operands could not be broadcast")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed[:, None] - predicted) / noise_scale) ** 2
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "argument number 1 in place")
def transition_log_likelihood(predicted, observed, noise_scale):
    predicted -= observed
    square = -0.5 * (predicted / noise_scale) ** 2
    return (square - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "dtype float32")
def transition_log_likelihood(predicted, observed, noise_scale):
    z = (observed - predicted) / noise_scale
    log_density = -0.5 * z**2 - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)
    return log_density.sum(-1).astype(np.float32)


@wrong("q5", "transition_log_likelihood for 5 particles", subtle=True)
def transition_log_likelihood(predicted, observed, noise_scale):
    # float32 on the way is too coarse far from the origin.
    z = (observed.astype(np.float32) - predicted.astype(np.float32)) / noise_scale
    return (-0.5 * z**2 - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "60 noise scales off")
def transition_log_likelihood(predicted, observed, noise_scale):
    # Clipped where it matters.
    z = np.clip((observed - predicted) / noise_scale, -100, 30)
    return (-0.5 * z**2 - np.log(noise_scale) - 0.5 * np.log(2 * np.pi)).sum(-1)


@wrong("q5", "argument number 3 in place")
def transition_log_likelihood(predicted, observed, noise_scale):
    square = -0.5 * ((observed - predicted) / noise_scale) ** 2
    noise_scale[:] = np.log(noise_scale)
    return (square - noise_scale - 0.5 * np.log(2 * np.pi)).sum(-1)


# --- question 6 ------------------------------------------------------------------------------------------


@wrong("q6", "The prior is forgotten")
def posterior_weights(log_prior, log_likelihood):
    total = log_likelihood.sum(1)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "0 / 0 is NaN")
def posterior_weights(log_prior, log_likelihood):
    weight = np.exp(log_prior) * np.exp(log_likelihood).prod(1)
    return weight / weight.sum()


@wrong("q6", "0 / 0 is NaN")
def posterior_weights(log_prior, log_likelihood):
    weight = np.exp(log_prior + log_likelihood.sum(1))
    return weight / weight.sum()


@wrong("q6", "divide by their sum")
def posterior_weights(log_prior, log_likelihood):
    return np.exp(log_prior + log_likelihood.sum(1))


@wrong("q6", "the largest is 1")
def posterior_weights(log_prior, log_likelihood):
    total = log_prior + log_likelihood.sum(1)
    return np.exp(total - total.max())


@wrong("q6", "the logarithms of the weights")
def posterior_weights(log_prior, log_likelihood):
    total = log_prior + log_likelihood.sum(1)
    total = total - total.max()
    return total - np.log(np.exp(total).sum())


@wrong("q6", "neither exponentiated nor normalized")
def posterior_weights(log_prior, log_likelihood):
    return log_prior + log_likelihood.sum(1)


@wrong("q6", "counted at every step")
def posterior_weights(log_prior, log_likelihood):
    total = (log_prior[:, None] + log_likelihood).sum(1)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "log_prior is a logarithm already")
def posterior_weights(log_prior, log_likelihood):
    total = np.exp(log_prior) + log_likelihood.sum(1)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "were SUMMED")
def posterior_weights(log_prior, log_likelihood):
    top = log_likelihood.max()
    weight = np.exp(log_prior) * np.exp(log_likelihood - top).sum(1)
    return weight / weight.sum()


@wrong("q6", "The mean over steps")
def posterior_weights(log_prior, log_likelihood):
    total = log_prior + log_likelihood.mean(1)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "Only the last step")
def posterior_weights(log_prior, log_likelihood):
    total = log_prior + log_likelihood[:, -1]
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "for every step alone and averaged")
def posterior_weights(log_prior, log_likelihood):
    total = log_prior[:, None] + log_likelihood
    weight = np.exp(total - total.max(0))
    return (weight / weight.sum(0)).mean(1)


@wrong("q6", "All weight is on the best particle")
def posterior_weights(log_prior, log_likelihood):
    total = log_prior + log_likelihood.sum(1)
    weight = np.zeros(len(total))
    weight[total.argmax()] = 1.0
    return weight


@wrong("q6", "argument number 1 in place")
def posterior_weights(log_prior, log_likelihood):
    log_prior += log_likelihood.sum(1)
    weight = np.exp(log_prior - log_prior.max())
    return weight / weight.sum()


@wrong("q6", "argument number 2 in place")
def posterior_weights(log_prior, log_likelihood):
    log_likelihood -= log_likelihood.max()
    total = log_prior + log_likelihood.sum(1)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "subtract the LARGEST log-weight")
def posterior_weights(log_prior, log_likelihood):
    # Subtracting -inf from -inf where a particle is ruled out.
    total = log_prior + log_likelihood.sum(1)
    weight = np.exp(total - total.min())
    return weight / weight.sum()


@wrong("q6", "Only the first step")
def posterior_weights(log_prior, log_likelihood):
    total = log_prior + log_likelihood[:, 0]
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "The prior is counted twice")
def posterior_weights(log_prior, log_likelihood):
    total = log_prior + (log_likelihood.T + log_prior / max(1, log_likelihood.shape[1])).sum(0)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "dtype float32")
def posterior_weights(log_prior, log_likelihood):
    total = (log_prior + log_likelihood.sum(1)).astype(np.float32)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "posterior_weights for", subtle=True)
def posterior_weights(log_prior, log_likelihood):
    # float32 on the way: very long trajectories differ by less than it can tell.
    total = (log_prior + log_likelihood.sum(1)).astype(np.float32).astype(np.float64)
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "zero-size array", subtle=True)
def posterior_weights(log_prior, log_likelihood):
    # Stops where there is no evidence yet.
    total = log_prior + log_likelihood.sum(1) - log_likelihood.max() * log_likelihood.shape[1]
    weight = np.exp(total - total.max())
    return weight / weight.sum()


@wrong("q6", "log_prior is -inf")
def posterior_weights(log_prior, log_likelihood):
    # A floor against underflow brings back what was ruled out.
    total = np.maximum(log_prior, -10) + log_likelihood.sum(1)
    weight = np.exp(total - total.max())
    return weight / weight.sum()
