# ruff: noqa
"""Wrong answers to ps6_pearl, and words of the message that each gets. Read as text, never run.

`@wrong(question, words)`.
"""

import numpy as np
import torch

# --- question 1 --------------------------------------------------------------------------------------------


@wrong("q1", "changes its arguments")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    variance.reciprocal_()
    precision = 1.0 / prior_variance + variance.sum(-2)
    weighted = prior_mean / prior_variance + (mean * variance).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "the mean comes first")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return 1.0 / precision, weighted / precision


@wrong("q1", "It is the precisions 1/v that add")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, prior_variance + variance.sum(-2)


@wrong("q1", "It is the precisions 1/v that add")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    combined = prior_variance + variance.sum(-2)
    return combined * (prior_mean / prior_variance + (mean / variance).sum(-2)), combined


@wrong("q1", "the mean of the variances")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, (prior_variance + variance.sum(-2)) / (1 + mean.shape[-2])


@wrong("q1", "The variances were multiplied")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, prior_variance * variance.prod(-2)


@wrong("q1", "The precisions were averaged")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    precision = precision / (1 + mean.shape[-2])
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "The prior is forgotten")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = (1.0 / variance).sum(-2)
    return (mean / variance).sum(-2) / precision, 1.0 / precision


@wrong("q1", "The prior is forgotten")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "The prior counts twice")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 2.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = 2.0 * prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "The prior counts once for EACH")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = (1.0 / prior_variance + 1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "The prior counts once for EACH")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = (1.0 / prior_variance + 1.0 / variance).sum(-2)
    weighted = (prior_mean / prior_variance + mean / variance).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "The prior was taken for N(0, 1)")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 + (1.0 / variance).sum(-2)
    return (mean / variance).sum(-2) / precision, 1.0 / precision


@wrong("q1", "taken for standard deviations")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance**2 + (1.0 / variance**2).sum(-2)
    weighted = prior_mean / prior_variance**2 + (mean / variance**2).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "taken the root of before use")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance.sqrt() + (1.0 / variance.sqrt()).sum(-2)
    weighted = prior_mean / prior_variance.sqrt() + (mean / variance.sqrt()).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "That is the standard deviation")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, (1.0 / precision).sqrt()


@wrong("q1", "That is the precision")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, precision


@wrong("q1", "taken for their logarithms")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = torch.exp(-prior_variance) + torch.exp(-variance).sum(-2)
    weighted = prior_mean * torch.exp(-prior_variance) + (mean * torch.exp(-variance)).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "all tasks was thrown together")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    mean, variance = mean.flatten(0, -2), variance.flatten(0, -2)
    precision = 1.0 / prior_variance + (1.0 / variance).sum(0)
    return (prior_mean / prior_variance + (mean / variance).sum(0)) / precision, 1.0 / precision


@wrong("q1", "has shape")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(0)
    weighted = prior_mean / prior_variance + (mean / variance).sum(0)
    return weighted / precision, 1.0 / precision


@wrong("q1", "your code stopped with")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(1)
    weighted = prior_mean / prior_variance + (mean / variance).sum(1)
    return weighted / precision, 1.0 / precision


@wrong("q1", "your code stopped with")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-1)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-1)
    return weighted / precision, 1.0 / precision


@wrong("q1", "equally sure: each")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return (prior_mean + mean.sum(-2)) / (1 + mean.shape[-2]), 1.0 / precision


@wrong("q1", "and without the prior")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return mean.mean(-2), 1.0 / precision


@wrong("q1", "The least sure weighs most")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean * prior_variance + (mean * variance).sum(-2)
    return weighted / (prior_variance + variance.sum(-2)), 1.0 / precision


@wrong("q1", "The weights of the means are 1/sqrt(v)")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weights, prior_weight = variance**-0.5, prior_variance**-0.5
    weighted = prior_mean * prior_weight + (mean * weights).sum(-2)
    return weighted / (prior_weight + weights.sum(-2)), 1.0 / precision


@wrong("q1", "its mean does not")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = (mean / variance).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "The prior's mean counts twice")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = 2.0 * prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted / precision, 1.0 / precision


@wrong("q1", "still has to be multiplied by v")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return weighted, 1.0 / precision


@wrong("q1", "The order of the evidence plays a part")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    combined = 1.0 / (1.0 / prior_variance + (1.0 / variance).sum(-2))
    average = prior_mean.expand(combined.shape)
    for k in range(mean.shape[-2]):
        average = (average + mean[..., k, :]) / 2
    return average, combined


@wrong("q1", "the mean (")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    combined = 1.0 / (1.0 / prior_variance + (1.0 / variance).sum(-2))
    average = prior_mean.expand(combined.shape)
    for k in range(mean.shape[-2]):
        average = 0.9 * average + 0.1 * mean[..., k, :]
    return average, combined


@wrong("q1", "what the LAST piece of evidence says")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    means = torch.cat([prior_mean.expand(precision.shape).unsqueeze(-2), mean], -2)
    return means[..., -1, :], 1.0 / precision


@wrong("q1", "No gradient comes back")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return (weighted / precision).detach(), (1.0 / precision).detach()


@wrong("q1", "No gradient comes back")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    with torch.no_grad():
        precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
        weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
        return weighted / precision, 1.0 / precision


@wrong("q1", "the gradient for the evidence")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return (weighted / precision).detach(), 1.0 / precision


@wrong("q1", "expected two tensors")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return torch.stack([weighted / precision, 1.0 / precision])


@wrong("q1", "expected two tensors")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    weighted / precision, 1.0 / precision


@wrong("q1", "holds NaN")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    precision = 1.0 / prior_variance + (1.0 / variance).sum(-2)
    first = mean.sum(-2) / mean.shape[-2] * 0.0
    weighted = prior_mean / prior_variance + (mean / variance).sum(-2)
    return first + weighted / precision, 1.0 / precision


# --- question 2 --------------------------------------------------------------------------------------------


@wrong("q2", "The other way round")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = other_variance / variance
    distance = (mean - other_mean).square() / variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "The other way round")
def kl_divergence(mean, variance, other_mean, other_variance):
    q = torch.distributions.Normal(mean, variance.sqrt())
    p = torch.distributions.Normal(other_mean, other_variance.sqrt())
    return torch.distributions.kl_divergence(p, q).sum(-1)


@wrong("q2", "mean of both directions")
def kl_divergence(mean, variance, other_mean, other_variance):
    q = torch.distributions.Normal(mean, variance.sqrt())
    p = torch.distributions.Normal(other_mean, other_variance.sqrt())
    kl = torch.distributions.kl_divergence
    return 0.5 * (kl(p, q) + kl(q, p)).sum(-1)


@wrong("q2", "Averaged over the coordinates")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).mean(-1)


@wrong("q2", "A number for each coordinate")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance)


@wrong("q2", "All pairs were summed")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum()


@wrong("q2", "All pairs were averaged")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1).mean()


@wrong("q2", "taken for standard deviations")
def kl_divergence(mean, variance, other_mean, other_variance):
    q = torch.distributions.Normal(mean, variance)
    p = torch.distributions.Normal(other_mean, other_variance)
    return torch.distributions.kl_divergence(q, p).sum(-1)


@wrong("q2", "were taken the root of")
def kl_divergence(mean, variance, other_mean, other_variance):
    variance, other_variance = variance.sqrt(), other_variance.sqrt()
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "taken for their logarithms")
def kl_divergence(mean, variance, other_mean, other_variance):
    variance, other_variance = variance.exp(), other_variance.exp()
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "The factor 1/2 is missing")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "counts twice, as if they were standard deviations")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - 2.0 * ratio.log() + distance).sum(-1)


@wrong("q2", "counts twice, as if they were standard deviations")
def kl_divergence(mean, variance, other_mean, other_variance):
    logs = torch.log(other_variance / variance)
    return (logs + (variance + (mean - other_mean) ** 2) / (2 * other_variance) - 0.5).sum(-1)


@wrong("q2", "The -1 is missing")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - ratio.log() + distance).sum(-1)


@wrong("q2", "The -1 was taken off once")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * ((ratio - ratio.log() + distance).sum(-1) - 1.0)


@wrong("q2", "The sign of the logarithm")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 + ratio.log() + distance).sum(-1)


@wrong("q2", "The logarithm is missing")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 + distance).sum(-1)


@wrong("q2", "The ratio of the variances is missing")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (-1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "The means play no part")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log()).sum(-1)


@wrong("q2", "is to be divided by the variance of p")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square()
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "was divided by q's variance")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "is not squared")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean) / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "p was taken for N(0, 1)")
def kl_divergence(mean, variance, other_mean, other_variance):
    return 0.5 * (variance + mean**2 - 1.0 - variance.log()).sum(-1)


@wrong("q2", "in bits")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 / np.log(2.0) * (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "a KL divergence is never negative")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return -0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)


@wrong("q2", "No gradient comes back")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return (0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)).detach()


@wrong("q2", "No gradient comes back")
def kl_divergence(mean, variance, other_mean, other_variance):
    q = torch.distributions.Normal(mean.detach(), variance.detach().sqrt())
    p = torch.distributions.Normal(other_mean, other_variance.sqrt())
    return torch.distributions.kl_divergence(q, p).sum(-1)


@wrong("q2", "its gradient")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.detach().log() + distance).sum(-1)


@wrong("q2", "has shape")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + distance).sum(0)


@wrong("q2", "is wrong")
def kl_divergence(mean, variance, other_mean, other_variance):
    z = mean + variance.sqrt() * torch.randn(1000, *mean.shape)
    q = torch.distributions.Normal(mean, variance.sqrt())
    p = torch.distributions.Normal(other_mean, other_variance.sqrt())
    return (q.log_prob(z) - p.log_prob(z)).mean(0).sum(-1)


@wrong("q2", "`return` missing")
def kl_divergence(mean, variance, other_mean, other_variance):
    ratio = variance / other_variance
    distance = (mean - other_mean).square() / other_variance
    0.5 * (ratio - 1.0 - ratio.log() + distance).sum(-1)


# --- question 3 --------------------------------------------------------------------------------------------


@wrong("q3", "The two losses are exchanged")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return actor_cost(obs, rows.detach()).mean(), critic_loss


@wrong("q3", "The z's are in the wrong rows: `repeat`")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat(batch.reward.shape[1], 1)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The z's are in the wrong rows: `repeat`")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.expand(batch.reward.shape[1], *z.shape).flatten(0, 1)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "All rows have the z of the first task")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z[0].expand(batch.reward.numel(), -1)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "All rows have the mean of the z's")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.mean(0).expand(batch.reward.numel(), -1)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "V does not know the task")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, torch.zeros_like(rows))
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "In the target the z's are in the wrong rows")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(
            next_obs, z.repeat(batch.reward.shape[1], 1)
        )
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The value after the end counts")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "ONLY after the end")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The discount is missing")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The reward is discounted, too")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = gamma * (batch.reward.flatten() + goes_on * next_value(next_obs, rows))
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The reward is missing")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "it is added")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() - gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "V was asked about the state itself")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "Only the first critic learns")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action)[:1] - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The mean over both critics")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "averaged before the error")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action).mean(0) - target).square().mean()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "Only the smaller")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action).min(0).values - target).square().mean()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "Summed over the transitions")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "Summed over the tasks")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().sum() / batch.reward.shape[1]
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "the absolute error")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).abs().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "No gradient comes back from the critics to z")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows.detach(), action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "No gradient comes back from the critics to z")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    z = z.detach()
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "No gradient comes back from the critics to z")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    with torch.no_grad():
        said = critics(obs, rows, action)
    critic_loss = (said - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The target's gradient flows into z")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    goes_on = ~batch.terminated.flatten()
    target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The target's gradient flows into the slow copies")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    goes_on = ~batch.terminated.flatten()
    target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows.detach())
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The actor's loss trains the encoder")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows).mean()


@wrong("q3", "In the actor's loss the z's are in the wrong rows")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, z.detach().repeat(batch.reward.shape[1], 1)).mean()


@wrong("q3", "The actor's loss is summed")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).sum()


@wrong("q3", "The sign of the actor's loss")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, -actor_cost(obs, rows.detach()).mean()


@wrong("q3", "The actor's cost is that of the next states")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(next_obs, rows.detach()).mean()


@wrong("q3", "No gradient comes back to the policy")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    with torch.no_grad():
        return critic_loss, actor_cost(obs, rows).mean()


@wrong("q3", "expected two scalar tensors")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss + actor_cost(obs, rows.detach()).mean()


@wrong("q3", "has shape")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1)
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "has shape")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach())


@wrong("q3", "your code stopped with")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, z, action) - target).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


@wrong("q3", "is wrong")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    rows = z.repeat_interleave(batch.reward.shape[1], 0)
    obs, action, next_obs = (part.flatten(0, 1) for part in (batch.obs, batch.action, batch.next_obs))
    with torch.no_grad():
        goes_on = ~batch.terminated.flatten()
        target = batch.reward.flatten() + gamma * goes_on * next_value(next_obs, rows)
    critic_loss = (critics(obs, rows, action).sum(0) - target).unsqueeze(0).square().mean(1).sum()
    return critic_loss, actor_cost(obs, rows.detach()).mean()


# --- question 4 --------------------------------------------------------------------------------------------


@wrong("q4", "one episode too many")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(-1, episodes):
            z = torch.zeros(1) if episode < 0 else actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                if episode >= 0:
                    returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "does not begin anew")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        obs = world.reset()
        for episode in range(episodes):
            z = actor.belief(context).sample()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "one step too many")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon + 1):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "one step too few")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon - 1):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "A new z is drawn at every step")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            belief = actor.belief(context)
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, belief.sample())
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "though one had been drawn for the episode")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                z = actor.belief(context).sample()
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "The belief is renewed")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, actor.belief(context).sample())
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "The same z serves for all episodes")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        z = actor.belief(context).sample()
        for episode in range(episodes):
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "z is the belief's mean")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).mean
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "The evidence is never used")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief([]).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "The context of the task before")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    context = []
    for task, world in enumerate(worlds):
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "Only the last episode is remembered")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            context = []
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "Only the first episode is remembered")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                if episode == 0:
                    context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "The belief is one episode behind")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context, known = [], []
        for episode in range(episodes):
            z = actor.belief(known).sample()
            known = list(context)
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "One z serves for all tasks")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    drawn = {}
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            if episode not in drawn:
                drawn[episode] = actor.belief(context).sample()
            z = drawn[episode]
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "always sees the first observation")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
    return returns


@wrong("q4", "obs and next_obs are the same")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                obs, reward = world.step(action)
                context.append((obs, action, reward, obs))
                returns[task, episode] += reward
    return returns


@wrong("q4", "That is the last reward")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] = reward
                obs = next_obs
    return returns


@wrong("q4", "That is the mean reward")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns / horizon


@wrong("q4", "added up over the episodes")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns.cumsum(1)


@wrong("q4", "Tasks and episodes are exchanged")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns.T


@wrong("q4", "the z of all steps")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            belief = actor.belief(context)
            z = belief.mean + belief.variance * (belief.sample() - belief.mean)
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "how many episodes were begun")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds[:1]):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "the z of all steps")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.extend([(obs, action, reward, next_obs)] * 2)
                returns[task, episode] += reward
                obs = next_obs
    return returns


@wrong("q4", "`return` missing")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    returns


@wrong("q4", "has shape")
def posterior_sampling(worlds, actor, episodes, horizon):
    returns = torch.zeros(len(worlds), episodes)
    for task, world in enumerate(worlds):
        context = []
        for episode in range(episodes):
            z = actor.belief(context).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                next_obs, reward = world.step(action)
                context.append((obs, action, reward, next_obs))
                returns[task, episode] += reward
                obs = next_obs
    return returns.mean(1)


# --- question 5 --------------------------------------------------------------------------------------------


@wrong("q5", "changes its arguments")
def bayes_filter(belief, likelihood):
    belief *= likelihood
    joint = belief
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "changes its arguments")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    likelihood[...] = joint / total
    return likelihood


@wrong("q5", "some task explains the evidence")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not joint.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "some task explains the evidence")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if (likelihood == 0).any():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "Impossible evidence went through")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    return joint / total


@wrong("q5", "Impossible evidence went through")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    total = np.where(total > 0, total, 1.0)
    return joint / total


@wrong("q5", "Impossible evidence went through")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        return np.full(joint.shape, 1.0 / joint.shape[-1])
    return joint / total


@wrong("q5", "Impossible evidence went through")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.any():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "Tiny likelihoods were taken for impossible")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if np.isclose(total, 0.0).any():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "do not sum to 1")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint


@wrong("q5", "Belief and likelihood were added")
def bayes_filter(belief, likelihood):
    if not (belief * likelihood).sum(-1).all():
        raise ValueError("impossible")
    joint = belief + likelihood
    return joint / joint.sum(-1, keepdims=True)


@wrong("q5", "The belief so far is forgotten")
def bayes_filter(belief, likelihood):
    if not (belief * likelihood).sum(-1).all():
        raise ValueError("impossible")
    return likelihood / likelihood.sum(-1, keepdims=True)


@wrong("q5", "The belief has not changed")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return belief.copy()


@wrong("q5", "divided by the likelihood")
def bayes_filter(belief, likelihood):
    if not (belief * likelihood).sum(-1).all():
        raise ValueError("impossible")
    joint = belief / np.where(likelihood > 0, likelihood, 1.0)
    return joint / joint.sum(-1, keepdims=True)


@wrong("q5", "The sum was taken over all rows")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / joint.sum()


@wrong("q5", "A softmax was taken")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    weights = np.exp(joint)
    return weights / weights.sum(-1, keepdims=True)


@wrong("q5", "Divided by the largest")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / joint.max(-1, keepdims=True)


@wrong("q5", "Only the most probable task is left")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return np.eye(joint.shape[-1])[joint.argmax(-1)]


@wrong("q5", "were averaged")
def bayes_filter(belief, likelihood):
    if not (belief * likelihood).sum(-1).all():
        raise ValueError("impossible")
    return (belief + likelihood / likelihood.sum(-1, keepdims=True)) / 2


@wrong("q5", "A small number was added")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / (total + 1e-8)


@wrong("q5", "Impossible evidence went through")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood + 1e-9
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "whether a ValueError was raised")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if (total < 1e-20).any():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "your code stopped with")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ZeroDivisionError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "instead of")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    joint = joint.astype(np.float16)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return joint / total


@wrong("q5", "`return` missing")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    joint / total


@wrong("q5", "expected a numpy array")
def bayes_filter(belief, likelihood):
    joint = belief * likelihood
    total = joint.sum(-1, keepdims=True)
    if not total.all():
        raise ValueError("no possible task explains this evidence: are the likelihoods right?")
    return torch.tensor(joint / total)


# --- question 6 --------------------------------------------------------------------------------------------


@wrong("q6", "The belief before the first step is missing")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs[:, 1:]


@wrong("q6", "not that all goals are equally probable")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
        if episode + 1 < episodes:
            beliefs[episode + 1, 0] = belief
    return beliefs


@wrong("q6", "At the beginning of an episode all is forgotten")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        belief = np.full(len(goals), 1.0 / len(goals))
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "made of the newest reward alone")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(np.full(len(goals), 1.0 / len(goals)), np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "the cell BEFORE the step")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "The start cell of an episode was counted")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        error = -0.1 - np.where((goals == cells[episode, 0]).all(1), 1.0, -0.1)
        belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "is ruled out for good")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            found = rewards[episode, step] > 0.45
            belief = bayes_filter(belief, np.where(arrived == found, 1.0, 1e-12))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "Sigma was taken for a variance")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * error**2 / noise))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "The 1/2 in the exponent")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-((error / noise) ** 2)))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "are the two rewards exchanged")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, -0.1, 1.0)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "is the minus in the exponent missing")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "Elsewhere the pay is -0.1")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, 0.0)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "One equal coordinate")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).any(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "The filter was given logarithms")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, -0.5 * (error / noise) ** 2)
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "Every moment has the belief of the end")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    beliefs[:] = belief
    return beliefs


@wrong("q6", "The evidence is taken from the end")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    cells = np.concatenate([cells[:, :1], cells[:, :0:-1]], axis=1)
    rewards = rewards[:, ::-1]
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "one step late")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            old, belief = belief, bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = old
    return beliefs


@wrong("q6", "has shape")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs.reshape(-1, len(goals))


@wrong("q6", "is wrong")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, 1.0 / (1.0 + (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "is wrong")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-np.abs(error) / noise))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "is wrong")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps - 1):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs


@wrong("q6", "`return` missing")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 1]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    beliefs


@wrong("q6", "your code stopped with")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    episodes, steps = rewards.shape
    beliefs = np.zeros((episodes, steps + 1, len(goals)))
    belief = np.full(len(goals), 1.0 / len(goals))
    for episode in range(episodes):
        beliefs[episode, 0] = belief
        for step in range(steps):
            arrived = (goals == cells[episode, step + 2]).all(1)
            error = rewards[episode, step] - np.where(arrived, 1.0, -0.1)
            belief = bayes_filter(belief, np.exp(-0.5 * (error / noise) ** 2))
            beliefs[episode, step + 1] = belief
    return beliefs
