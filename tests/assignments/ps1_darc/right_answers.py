# ruff: noqa
"""Right answers to ps1_darc, each written differently. Read as text, never run: `@right(question)`."""

import numpy as np
import torch

# --- question 1 ------------------------------------------------------------------------------------------


@right("q1")
def classifier_inputs(obs, action, next_obs, noise_scale):
    """Noise for each part, then joined."""
    obs, action, next_obs = (x + noise_scale * torch.randn(x.shape) for x in (obs, action, next_obs))
    sa = torch.hstack([obs, action])
    return sa, torch.hstack([sa, next_obs])


@right("q1")
def classifier_inputs(obs, action, next_obs, noise_scale):
    """torch.normal."""
    clean = torch.cat((obs, action, next_obs), dim=-1)
    sas = torch.normal(clean, float(noise_scale)) if noise_scale > 0 else clean
    return sas[..., : -next_obs.shape[-1]], sas


@right("q1")
def classifier_inputs(obs, action, next_obs, noise_scale):
    """A list, and a noise of its own where there is none."""
    sas = torch.cat([obs, action, next_obs], 1)
    if noise_scale != 0:
        sas = torch.add(sas, torch.empty_like(sas).normal_(0, noise_scale))
    return [sas.narrow(1, 0, obs.size(1) + action.size(1)), sas]


@right("q1")
def classifier_inputs(obs, action, next_obs, noise_scale):
    """torch.distributions."""
    sas = torch.concatenate([obs, action, next_obs], axis=1)
    if noise_scale > 0:
        sas = torch.distributions.Normal(sas, noise_scale).sample()
    sa, _ = sas.split([obs.shape[1] + action.shape[1], next_obs.shape[1]], dim=1)
    return sa, sas


@right("q1")
def classifier_inputs(obs, action, next_obs, noise_scale):
    """Double precision on the way."""
    sas = torch.cat([obs.double(), action.double(), next_obs.double()], 1)
    sas = sas + noise_scale * torch.randn(sas.shape, dtype=torch.float64)
    return sas[:, : sas.shape[1] - obs.shape[1]], sas


# --- question 2 ------------------------------------------------------------------------------------------


@right("q2")
def classifier_loss(sa_logits, sas_logits, is_target):
    """By hand, with logsumexp."""
    label = is_target.long()
    rows = torch.arange(len(label))
    return sum((z.logsumexp(1) - z[rows, label]).mean() for z in (sa_logits, sas_logits))


@right("q2")
def classifier_loss(sa_logits, sas_logits, is_target):
    """Softplus of the log-odds."""
    sign = 1 - 2 * is_target.float()
    softplus = torch.nn.functional.softplus
    return (
        softplus(sign * (sa_logits[:, 1] - sa_logits[:, 0])).mean()
        + softplus(sign * (sas_logits[:, 1] - sas_logits[:, 0])).mean()
    )


@right("q2")
def classifier_loss(sa_logits, sas_logits, is_target):
    """Binary cross-entropy of the difference of the logits."""
    bce = torch.nn.BCEWithLogitsLoss()
    y = is_target.to(torch.float32)
    return bce(sa_logits[:, 1] - sa_logits[:, 0], y) + bce(sas_logits[:, 1] - sas_logits[:, 0], y)


@right("q2")
def classifier_loss(sa_logits, sas_logits, is_target):
    """One-hot labels, all transitions in one call."""
    both = torch.cat([sa_logits, sas_logits])
    y = torch.stack([~is_target, is_target], 1).float().repeat(2, 1)
    return 2 * torch.nn.CrossEntropyLoss()(both, y)


@right("q2", before="import torch.nn.functional as F")
def classifier_loss(sa_logits, sas_logits, is_target):
    """nll_loss of log_softmax."""
    y = is_target.int().long()
    total = torch.zeros(())
    for z in [sa_logits, sas_logits]:
        total = total + F.nll_loss(F.log_softmax(z, dim=1), y)
    return total


# --- question 3 ------------------------------------------------------------------------------------------


@right("q3")
def balanced_batch(rng, source, target, batch_size):
    """Shuffled, rows and labels alike."""
    half = batch_size // 2
    rows = np.vstack([source[rng.integers(0, len(source), half)], target[rng.integers(0, len(target), half)]])
    is_target = np.repeat([False, True], half)
    order = rng.permutation(batch_size)
    return rows[order], is_target[order]


@right("q3")
def balanced_batch(rng, source, target, batch_size):
    """rng.choice, target first."""
    half = batch_size // 2
    rows = np.concatenate([rng.choice(target, half), rng.choice(source, half)])
    return rows, np.array([True] * half + [False] * half)


@right("q3")
def balanced_batch(rng, source, target, batch_size):
    """One row at a time, in turn."""
    rows, is_target = np.empty((batch_size, source.shape[1])), np.zeros(batch_size, dtype=bool)
    for i in range(batch_size):
        memory = target if i % 2 else source
        rows[i] = memory[rng.integers(len(memory))]
        is_target[i] = i % 2
    return rows, is_target


@right("q3")
def balanced_batch(rng, source, target, batch_size):
    """Uniform numbers, scaled."""
    half = batch_size // 2
    drawn = [m[(rng.uniform(size=half) * len(m)).astype(int)] for m in (source, target)]
    return np.concatenate(drawn), np.concatenate([np.zeros(half, bool), np.ones(half, bool)])


@right("q3")
def balanced_batch(rng, source, target, batch_size):
    """From one heap, but with balanced probabilities of places."""
    half = batch_size // 2
    heap = np.concatenate([source, target])
    chosen = np.r_[rng.integers(len(source), size=half), rng.integers(len(source), len(heap), size=half)]
    return heap[chosen], chosen >= len(source)


# --- question 4 ------------------------------------------------------------------------------------------


@right("q4")
def delta_reward(sa_logits, sas_logits, limit):
    """All four terms."""
    log_sa, log_sas = torch.log_softmax(sa_logits, dim=1), torch.log_softmax(sas_logits, dim=1)
    delta = log_sas[:, 1] - log_sa[:, 1] - log_sas[:, 0] + log_sa[:, 0]
    return torch.clamp(delta, -limit, limit).detach()


@right("q4")
def delta_reward(sa_logits, sas_logits, limit):
    """Without gradient from the beginning."""
    with torch.no_grad():
        delta = (sas_logits - sa_logits) @ torch.tensor([-1.0, 1.0])
        return delta.clip(-limit, limit)


@right("q4")
def delta_reward(sa_logits, sas_logits, limit):
    """numpy and back."""
    a, b = sa_logits.detach().double().numpy(), sas_logits.detach().double().numpy()
    return torch.from_numpy(np.clip(np.diff(b)[:, 0] - np.diff(a)[:, 0], -limit, limit))


@right("q4")
def delta_reward(sa_logits, sas_logits, limit):
    """Columns unpacked, double precision, minimum and maximum."""
    (s0, s1), (n0, n1) = sa_logits.double().detach().T, sas_logits.double().detach().T
    delta = (n1 - s1) - (n0 - s0)
    return torch.minimum(torch.maximum(delta, torch.tensor(-limit)), torch.tensor(limit))


@right("q4")
def delta_reward(sa_logits, sas_logits, limit):
    """logit of the probability, in log space."""

    def log_odds(z):
        return torch.nn.functional.logsigmoid(z[:, 1] - z[:, 0]) - torch.nn.functional.logsigmoid(
            z[:, 0] - z[:, 1]
        )

    return (log_odds(sas_logits) - log_odds(sa_logits)).clamp(-limit, limit).data


# --- question 5 ------------------------------------------------------------------------------------------


@right("q5")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    """A mask as a factor."""
    use = float(iteration > warmup_iterations)
    return reward + use * temperature * delta * (~is_target).float()


@right("q5")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    """A copy, changed where the source is."""
    result = reward.clone()
    if iteration > warmup_iterations:
        result[~is_target] = result[~is_target] + temperature * delta[~is_target]
    return result


@right("q5")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    """One at a time."""
    values = []
    for r, d, t in zip(reward, delta, is_target):
        values.append(r if t or iteration <= warmup_iterations else r + temperature * d)
    return torch.stack(values)


@right("q5")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    """masked_fill."""
    bonus = (temperature * delta).masked_fill(is_target, 0.0)
    return torch.add(reward, bonus, alpha=int(not iteration <= warmup_iterations))


@right("q5")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    """The weight first."""
    weight = temperature if iteration >= warmup_iterations + 1 else 0.0
    return torch.where(torch.logical_not(is_target), reward + weight * delta, reward)


# --- question 6 ------------------------------------------------------------------------------------------


@right("q6")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    """Keyword arguments."""
    inputs = classifier_inputs(obs, action, next_obs, noise_scale=0)
    return delta_reward(sa_logits=sa_classifier(inputs[0]), sas_logits=sas_classifier(inputs[1]), limit=limit)


@right("q6")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    """Without gradient, a call for each input."""
    with torch.no_grad():
        sa_logits = sa_classifier(classifier_inputs(obs, action, next_obs, 0.0)[0])
        sas_logits = sas_classifier(classifier_inputs(obs, action, next_obs, 0.0)[1])
        return delta_reward(sa_logits, sas_logits, limit)


@right("q6")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    """Not a line more than needed."""
    pair = zip((sa_classifier, sas_classifier), classifier_inputs(obs, action, next_obs, 0.0))
    first, second = (judge(seen) for judge, seen in pair)
    return 1.0 * delta_reward(first, second, limit)


@right("q6")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    """The logits in a list, detached."""
    pairs = zip((sa_classifier, sas_classifier), classifier_inputs(obs, action, next_obs, 0 * limit))
    return delta_reward(*[classify(inputs).detach() for classify, inputs in pairs], limit)


@right("q6")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    """A loop over transitions."""
    deltas = []
    for i in range(len(obs)):
        sa, sas = classifier_inputs(obs[i : i + 1], action[i : i + 1], next_obs[i : i + 1], 0.0)
        deltas.append(delta_reward(sa_classifier(sa), sas_classifier(sas), limit))
    return torch.cat(deltas)
