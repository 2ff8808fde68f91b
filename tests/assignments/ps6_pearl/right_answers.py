# ruff: noqa
"""Right answers to ps6_pearl, each written differently. Read as text, never run: `@right(question)`."""

import numpy as np
import torch

# --- question 1 --------------------------------------------------------------------------------------------


@right("q1")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    """The prior as one more row."""
    shape = mean.shape[:-2] + (1, mean.shape[-1])
    means = torch.cat([prior_mean.expand(shape), mean], dim=-2)
    precisions = 1.0 / torch.cat([prior_variance.expand(shape), variance], dim=-2)
    combined = 1.0 / precisions.sum(dim=-2)
    return combined * (precisions * means).sum(dim=-2), combined


@right("q1")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    """One piece of evidence after the other, as a filter does."""
    m = prior_mean.expand(mean.shape[:-2] + mean.shape[-1:])
    v = prior_variance.expand_as(m)
    for k in range(mean.shape[-2]):
        gain = v / (v + variance[..., k, :])
        m = m + gain * (mean[..., k, :] - m)
        v = (1 - gain) * v
    return m, v


@right("q1")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    """Natural parameters, in double precision."""
    lam = prior_variance.double() ** -1 + (variance.double() ** -1).sum(-2)
    eta = prior_mean.double() / prior_variance.double() + (mean.double() / variance.double()).sum(-2)
    return eta / lam, lam.reciprocal()


@right("q1")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    """Log space: precisions by logsumexp."""
    shape = (*mean.shape[:-2], 1, mean.shape[-1])
    log_precision = -torch.cat([prior_variance.expand(shape), variance], -2).log()
    weights = torch.softmax(log_precision, dim=-2)
    means = torch.cat([prior_mean.expand(shape), mean], -2)
    return (weights * means).sum(-2), torch.exp(-torch.logsumexp(log_precision, dim=-2))


@right("q1")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    """A helper for two factors, and a list."""

    def two(a, b):
        v = a[1] * b[1] / (a[1] + b[1])
        return (a[0] * b[1] + b[0] * a[1]) / (a[1] + b[1]), v

    belief = prior_mean + 0.0 * mean.sum(-2), prior_variance + 0.0 * variance.sum(-2)
    for pair in zip(mean.unbind(-2), variance.unbind(-2)):
        belief = two(belief, pair)
    return list(belief)


@right("q1")
def product_of_gaussians(mean, variance, prior_mean, prior_variance):
    """einsum, and torch.distributions for the prior."""
    before = torch.distributions.Normal(prior_mean, prior_variance.sqrt())
    precision = 1 / variance
    total = 1 / before.variance + torch.einsum("...kz->...z", precision)
    return (
        before.mean / before.variance + torch.einsum("...kz,...kz->...z", precision, mean)
    ) / total, 1 / total


# --- question 2 --------------------------------------------------------------------------------------------


@right("q2")
def kl_divergence(mean, variance, other_mean, other_variance):
    """torch.distributions."""
    q = torch.distributions.Normal(mean, variance.sqrt())
    p = torch.distributions.Normal(other_mean, other_variance.sqrt())
    return torch.distributions.kl_divergence(q, p).sum(-1)


@right("q2")
def kl_divergence(mean, variance, other_mean, other_variance):
    """Multivariate, with diagonal covariances."""
    q = torch.distributions.MultivariateNormal(mean, torch.diag_embed(variance))
    p = torch.distributions.MultivariateNormal(other_mean, torch.diag_embed(other_variance))
    return torch.distributions.kl_divergence(q, p)


@right("q2")
def kl_divergence(mean, variance, other_mean, other_variance):
    """Standard deviations, the textbook's form."""
    s, s2 = variance**0.5, other_variance**0.5
    each = torch.log(s2 / s) + (s**2 + (mean - other_mean) ** 2) / (2 * s2**2) - 0.5
    return torch.sum(each, dim=-1)


@right("q2")
def kl_divergence(mean, variance, other_mean, other_variance):
    """Coordinate by coordinate, in double precision."""
    total = 0.0
    for j in range(mean.shape[-1]):
        m, v = mean[..., j].double(), variance[..., j].double()
        n, w = other_mean[..., j].double(), other_variance[..., j].double()
        total = total + 0.5 * ((v + (m - n) * (m - n)) / w - 1 + w.log() - v.log())
    return total


@right("q2")
def kl_divergence(mean, variance, other_mean, other_variance):
    """Cross-entropy less entropy."""
    cross = 0.5 * (other_variance.log() + (variance + (mean - other_mean) ** 2) / other_variance)
    own = 0.5 * (variance.log() + 1.0)
    return cross.sum(-1) - own.sum(-1)


@right("q2")
def kl_divergence(mean, variance, other_mean, other_variance):
    """The trace, the determinant and the number of coordinates."""
    size = mean.shape[-1]
    trace = (variance / other_variance).sum(-1)
    away = ((other_mean - mean) ** 2 / other_variance).sum(-1)
    determinants = torch.log(other_variance).sum(-1) - torch.log(variance).sum(-1)
    return (trace + away - size + determinants) / 2


# --- question 3 --------------------------------------------------------------------------------------------


@right("q3")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    """unsqueeze, expand, and reshape."""
    B, K = batch.reward.shape
    zs = z.unsqueeze(1).expand(B, K, z.shape[-1]).reshape(B * K, -1)
    with torch.no_grad():
        v = next_value(batch.next_obs.reshape(B * K, -1), zs)
        y = batch.reward.reshape(-1) + gamma * (1.0 - batch.terminated.reshape(-1).float()) * v
    q1, q2 = critics(batch.obs.reshape(B * K, -1), zs, batch.action.reshape(B * K, -1))
    loss = torch.nn.functional.mse_loss(q1, y) + torch.nn.functional.mse_loss(q2, y)
    return loss, actor_cost(batch.obs.reshape(B * K, -1), zs.detach()).mean()


@right("q3")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    """Task by task."""
    tasks, each = batch.reward.shape
    critic, actor = 0.0, 0.0
    for i in range(tasks):
        rows = z[i].expand(each, -1)
        v = next_value(batch.next_obs[i], rows).detach()
        y = torch.where(batch.terminated[i], batch.reward[i], batch.reward[i] + gamma * v)
        critic = critic + (critics(batch.obs[i], rows, batch.action[i]) - y).pow(2).sum()
        actor = actor + actor_cost(batch.obs[i], rows.detach()).sum()
    return critic / (tasks * each), actor / (tasks * each)


@right("q3")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    """An index of tasks, and a detached target; a list."""
    n = batch.reward.numel()
    task = torch.arange(len(z)).repeat_interleave(n // len(z))
    flat = lambda x: x.flatten(end_dim=1)
    y = (
        batch.reward.flatten()
        + gamma * next_value(flat(batch.next_obs), z[task]) * ~batch.terminated.flatten()
    )
    q = critics(flat(batch.obs), z[task], flat(batch.action))
    return [((q - y.detach()) ** 2).sum() / n, actor_cost(flat(batch.obs), z.detach()[task]).sum() / n]


@right("q3")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    """Tiles, stacked the right way; twice the mean over both critics."""
    B, K = batch.reward.shape
    zs = torch.stack([z] * K, dim=1).flatten(0, 1)
    obs, act, after = batch.obs.flatten(0, 1), batch.action.flatten(0, 1), batch.next_obs.flatten(0, 1)
    with torch.no_grad():
        y = (
            next_value(after, zs).masked_fill(batch.terminated.flatten(), 0.0) * gamma
            + batch.reward.flatten()
        )
    return 2.0 * (critics(obs, zs, act) - y).square().mean(), torch.mean(actor_cost(obs, zs.detach()))


@right("q3")
def losses(critics, next_value, actor_cost, batch, z, gamma):
    """A copy without a graph for whatever must not train the encoder, in double precision at the end."""
    B, K = batch.reward.shape
    learns = torch.cat([row.repeat(K, 1) for row in z])
    fixed = learns.clone().detach()
    obs, act, after = [x.reshape(B * K, x.shape[-1]) for x in (batch.obs, batch.action, batch.next_obs)]
    not_done = batch.terminated.logical_not().flatten().double()
    y = (batch.reward.flatten().double() + gamma * not_done * next_value(after, fixed).double()).detach()
    loss = sum((q.double() - y).square().mean() for q in critics(obs, learns, act))
    return loss, actor_cost(obs, fixed).double().mean()


# --- question 4 --------------------------------------------------------------------------------------------


@right("q4")
def posterior_sampling(worlds, actor, episodes, horizon):
    """All tasks side by side."""
    contexts = [[] for _ in worlds]
    rows = []
    for _ in range(episodes):
        zs = [actor.belief(context).sample() for context in contexts]
        seen = [world.reset() for world in worlds]
        totals = [0.0] * len(worlds)
        for _ in range(horizon):
            for i, world in enumerate(worlds):
                action = actor.act(seen[i], zs[i])
                after, reward = world.step(action)
                contexts[i].append((seen[i], action, reward, after))
                seen[i] = after
                totals[i] += reward
        rows.append(totals)
    return torch.tensor(rows).T


@right("q4")
def posterior_sampling(worlds, actor, episodes, horizon):
    """A function for an episode, reset before the draw."""

    def episode(world, belief):
        obs, z, record = world.reset(), belief.sample(), []
        for _ in range(horizon):
            action = actor.act(obs, z)
            next_obs, reward = world.step(action)
            record.append((obs, action, reward, next_obs))
            obs = next_obs
        return record

    returns = []
    for world in worlds:
        context, row = [], []
        for _ in range(episodes):
            record = episode(world, actor.belief(context))
            context = context + record
            row.append(sum(reward for _, _, reward, _ in record))
        returns.append(row)
    return torch.tensor(returns, dtype=torch.float32)


@right("q4")
def posterior_sampling(worlds, actor, episodes, horizon):
    """The belief at the end of each episode, the prior first; one more than is needed."""
    returns = torch.zeros((len(worlds), episodes), dtype=torch.float64)
    for i in range(len(worlds)):
        context, belief = [], actor.belief([])
        for e in range(episodes):
            z, obs = belief.sample(), worlds[i].reset()
            for t in range(horizon):
                act = actor.act(obs, z)
                new, r = worlds[i].step(act)
                context += [(obs, act, r, new)]
                obs = new
                returns[i, e] = returns[i, e] + r
            belief = actor.belief(context)
    return returns


@right("q4")
def posterior_sampling(worlds, actor, episodes, horizon):
    """Newest first: the order does not matter."""
    table = []
    for world in worlds:
        known, row = [], []
        while len(row) < episodes:
            z = actor.belief(known).sample()
            obs, steps, total = world.reset(), 0, 0.0
            new = []
            while steps < horizon:
                a = actor.act(obs, z)
                (next_obs, r), steps = world.step(a), steps + 1
                new.insert(0, (obs, a, r, next_obs))
                total, obs = total + float(r), next_obs
            known = new + known
            row.append(total)
        table.append(torch.tensor(row))
    return torch.stack(table)


@right("q4")
def posterior_sampling(worlds, actor, episodes, horizon):
    """Lists of columns, rewards from the context afterwards."""
    result = []
    for world in worlds:
        context = []
        for _ in range(episodes):
            z = actor.belief(list(context)).sample()
            obs = world.reset()
            for _ in range(horizon):
                action = actor.act(obs, z)
                following, reward = world.step(action)
                context.append((obs, action, reward, following))
                obs = following
        rewards = torch.tensor([float(transition[2]) for transition in context])
        result.append(rewards.reshape(episodes, horizon).sum(1))
    return torch.stack(result)


# --- question 5 --------------------------------------------------------------------------------------------


@right("q5")
def bayes_filter(belief, likelihood):
    """In log space."""
    with np.errstate(divide="ignore"):
        log = np.log(belief) + np.log(likelihood)
    top = log.max(axis=-1, keepdims=True)
    if np.isneginf(top).any():
        raise ValueError("impossible evidence")
    joint = np.exp(log - top)
    return joint / joint.sum(axis=-1, keepdims=True)


@right("q5")
def bayes_filter(belief, likelihood):
    """Row by row."""
    new = np.empty(np.shape(belief))
    for index in np.ndindex(*np.shape(belief)[:-1]):
        joint = [b * l for b, l in zip(belief[index], likelihood[index])]
        if sum(joint) <= 0:
            raise ValueError(f"row {index}: no task can have given this")
        new[index] = np.array(joint) / sum(joint)
    return new


@right("q5")
def bayes_filter(belief, likelihood):
    """einsum, and an expanded sum."""
    total = np.einsum("...m,...m->...", belief, likelihood)
    if (total == 0.0).any():
        raise ValueError("every possible task has likelihood 0")
    return belief * likelihood / total[..., None]


@right("q5")
def bayes_filter(belief, likelihood):
    """Likelihoods made larger first; an error of its own kind."""

    class Impossible(ValueError):
        pass

    scaled = likelihood / np.maximum(likelihood.max(-1, keepdims=True), 1e-300)
    joint = np.multiply(belief, scaled)
    if not np.all(np.any(joint > 0, axis=-1)):
        raise Impossible("0/0 ahead")
    return np.divide(joint, np.sum(joint, axis=-1, keepdims=True))


@right("q5")
def bayes_filter(belief, likelihood):
    """With torch, and back."""
    joint = torch.from_numpy(np.ascontiguousarray(belief)) * torch.from_numpy(
        np.ascontiguousarray(likelihood)
    )
    if bool((joint.sum(-1) == 0).any()):
        raise ValueError("this cannot have happened")
    return torch.nn.functional.normalize(joint, p=1, dim=-1, eps=0.0).numpy()


# --- question 6 --------------------------------------------------------------------------------------------


@right("q6")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    """All at once: sums of log-likelihoods, no filter."""
    E, H = rewards.shape
    here = (cells[:, 1:, None] == goals).all(-1)
    log = -0.5 * ((rewards[..., None] - np.where(here, 1.0, -0.1)) / noise) ** 2
    so_far = np.cumsum(log.reshape(E * H, -1), axis=0).reshape(E, H, -1)
    begin = np.concatenate([np.zeros((1, len(goals))), so_far[:-1, -1]])
    total = np.concatenate([begin[:, None], so_far], axis=1)
    chance = np.exp(total - total.max(-1, keepdims=True))
    return chance / chance.sum(-1, keepdims=True)


@right("q6")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    """A list of lists, and the density with its constant."""
    belief, found = np.ones(len(goals)) / len(goals), []
    for places, paid in zip(cells, rewards):
        episode = [belief]
        for place, reward in zip(places[1:], paid):
            mean = np.array([1.0 if tuple(goal) == tuple(place) else -0.1 for goal in goals])
            density = np.exp(-((reward - mean) ** 2) / (2 * noise**2)) / (noise * np.sqrt(2 * np.pi))
            belief = bayes_filter(belief, density)
            episode.append(belief)
        found.append(episode)
    return np.array(found)


@right("q6")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    """Likelihood ratios: only the cell that was reached changes."""
    belief = np.full(len(goals), 1 / len(goals))
    out = np.empty((len(rewards), rewards.shape[1] + 1, len(goals)))
    for e in range(len(rewards)):
        out[e, 0] = belief
        for t, reward in enumerate(rewards[e]):
            ratio = np.exp(((reward + 0.1) ** 2 - (reward - 1.0) ** 2) / (2 * noise**2))
            same = (goals[:, 0] == cells[e, t + 1, 0]) & (goals[:, 1] == cells[e, t + 1, 1])
            belief = bayes_filter(belief, np.where(same, ratio, 1.0))
            out[e, t + 1] = belief
    return out


@right("q6")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    """torch's normal density, and everything about a moment from the beginning."""
    mean = torch.from_numpy(np.where((cells[:, 1:, None] == goals).all(-1), 1.0, -0.1))
    log = torch.distributions.Normal(mean, noise).log_prob(torch.from_numpy(rewards)[..., None])
    episodes, steps, count = log.shape
    log = log.reshape(-1, count)
    beliefs = np.zeros((episodes, steps + 1, count))
    for e in range(episodes):
        for t in range(steps + 1):
            beliefs[e, t] = torch.softmax(log[: e * steps + t].sum(0), 0).numpy()
    return beliefs


@right("q6")
def goal_beliefs(goals, cells, rewards, noise, bayes_filter):
    """One long walk, cut into episodes at the end."""
    where = {tuple(goal): number for number, goal in enumerate(goals.tolist())}
    belief = bayes_filter(np.ones(len(goals)) / len(goals), np.ones(len(goals)))
    rows = []
    for e in range(cells.shape[0]):
        rows.append(belief)
        for t in range(1, cells.shape[1]):
            mean = np.full(len(goals), -0.1)
            if tuple(cells[e, t].tolist()) in where:
                mean[where[tuple(cells[e, t].tolist())]] = 1.0
            belief = bayes_filter(belief, np.exp(-((rewards[e, t - 1] - mean) ** 2) / noise**2 / 2))
            rows.append(belief)
    return np.stack(rows).reshape(len(cells), -1, len(goals))
