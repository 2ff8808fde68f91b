# ruff: noqa
"""Wrong answers to ps1_darc, and words of the message that each gets. Read as text, never run.

`@wrong(question, words)`, or with `subtle=True` where only the hidden cases notice.
"""

import numpy as np
import torch

# --- question 1 ------------------------------------------------------------------------------------------


@wrong("q1", "here the action comes first")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([action, obs, next_obs], 1)
    sas = sas + noise_scale * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "here s' comes before a")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, next_obs, action], 1)
    sas = sas + noise_scale * torch.randn_like(sas)
    return torch.cat([sas[:, : obs.shape[1]], sas[:, 2 * obs.shape[1] :]], 1), sas


@wrong("q1", "they say where the step ended")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([next_obs, action, next_obs], 1)
    sas = sas + noise_scale * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "sees nothing of the dynamics")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, obs], 1)
    sas = sas + noise_scale * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "the wrong way round: s, a, s'")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([next_obs, action, obs], 1)
    sas = sas + noise_scale * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "hold the step s' - s")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs - obs], 1)
    sas = sas + noise_scale * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "The action is missing")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, next_obs], 1)
    sas = sas + noise_scale * torch.randn_like(sas)
    return sas[:, : obs.shape[1]], sas


@wrong("q1", "returned (s, a, s') first")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale * torch.randn_like(sas)
    return sas, sas[:, : obs.shape[1] + action.shape[1]]


@wrong("q1", "expected two tensors")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    return sas + noise_scale * torch.randn_like(sas)


@wrong("q1", "different noise on s and a")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sa, sas = torch.cat([obs, action], 1), torch.cat([obs, action, next_obs], 1)
    return sa + noise_scale * torch.randn_like(sa), sas + noise_scale * torch.randn_like(sas)


@wrong("q1", "only (s, a, s') got noise")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sa, sas = torch.cat([obs, action], 1), torch.cat([obs, action, next_obs], 1)
    return sa, sas + noise_scale * torch.randn_like(sas)


@wrong("q1", "only (s, a) got noise")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sa, sas = torch.cat([obs, action], 1), torch.cat([obs, action, next_obs], 1)
    return sa + noise_scale * torch.randn_like(sa), sas


@wrong("q1", "nothing was added")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "The input (s, a, s')")
def classifier_inputs(obs, action, next_obs, noise_scale):
    # Noise also where none is asked for.
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + max(noise_scale, 0.1) * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "noise_scale was squared")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale**2 * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "a standard deviation, not a variance")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale**0.5 * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "the noise is uniform")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale * (2 * torch.rand_like(sas) - 1)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "torch.rand lies in [0, 1]")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale * torch.rand_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "it is not Gaussian")
def classifier_inputs(obs, action, next_obs, noise_scale):
    # Uniform, with the right spread.
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale * 3**0.5 * (2 * torch.rand_like(sas) - 1)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "the noise is not scaled")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + (torch.randn_like(sas) if noise_scale else 0)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "the noise was added twice")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    for _ in range(2):
        sas = sas + noise_scale * torch.randn_like(sas)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "all transitions got the same noise")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale * torch.randn(sas.shape[1])
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "several columns got the same noise")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale * torch.randn(len(sas), 1)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "several columns got the same noise")
def classifier_inputs(obs, action, next_obs, noise_scale):
    blur = noise_scale * torch.randn_like(obs)
    sa = torch.cat([obs + blur, action + noise_scale * torch.randn_like(action)], 1)
    return sa, torch.cat([sa, next_obs + blur], 1)


@wrong("q1", "ADD it to the inputs, whatever their size")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas * (1 + noise_scale * torch.randn_like(sas))
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "no noise in the columns [5, 6]")
def classifier_inputs(obs, action, next_obs, noise_scale):
    # The next observation stays sharp.
    sa = torch.cat([obs, action], 1)
    sa = sa + noise_scale * torch.randn_like(sa)
    return sa, torch.cat([sa, next_obs], 1)


@wrong("q1", "no noise in the columns [2, 3, 4]")
def classifier_inputs(obs, action, next_obs, noise_scale):
    obs, next_obs = (x + noise_scale * torch.randn_like(x) for x in (obs, next_obs))
    return torch.cat([obs, action], 1), torch.cat([obs, action, next_obs], 1)


@wrong("q1", "two calls gave the same noise")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    generator = torch.Generator().manual_seed(0)
    sas = sas + noise_scale * torch.randn(sas.shape, generator=generator)
    return sas[:, : obs.shape[1] + action.shape[1]], sas


@wrong("q1", "argument number 1 in place")
def classifier_inputs(obs, action, next_obs, noise_scale):
    for x in (obs, action, next_obs):
        x += noise_scale * torch.randn_like(x)
    return torch.cat([obs, action], 1), torch.cat([obs, action, next_obs], 1)


@wrong("q1", "Is the `return` missing?")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = sas + noise_scale * torch.randn_like(sas)


@wrong("q1", "returned a ndarray among its two tensors")
def classifier_inputs(obs, action, next_obs, noise_scale):
    sas = torch.cat([obs, action, next_obs], 1)
    sas = (sas + noise_scale * torch.randn_like(sas)).numpy()
    return sas[:, : obs.shape[1] + action.shape[1]], sas


# --- question 2 ------------------------------------------------------------------------------------------


@wrong("q2", "The labels are swapped")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = (~is_target).long()
    return torch.nn.functional.cross_entropy(sa_logits, label) + torch.nn.functional.cross_entropy(
        sas_logits, label
    )


@wrong("q2", "Only the classifier of (s, a) is trained")
def classifier_loss(sa_logits, sas_logits, is_target):
    return torch.nn.functional.cross_entropy(sa_logits, is_target.long())


@wrong("q2", "Only the classifier of (s, a, s') is trained")
def classifier_loss(sa_logits, sas_logits, is_target):
    return torch.nn.functional.cross_entropy(sas_logits, is_target.long())


@wrong("q2", "The two losses were averaged")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return (
        torch.nn.functional.cross_entropy(sa_logits, label)
        + torch.nn.functional.cross_entropy(sas_logits, label)
    ) / 2


@wrong("q2", "The two losses were averaged")
def classifier_loss(sa_logits, sas_logits, is_target):
    # One mean over all 2B rows.
    return torch.nn.functional.cross_entropy(
        torch.cat([sa_logits, sas_logits]), torch.cat([is_target, is_target]).long()
    )


@wrong("q2", "summed over the batch")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return torch.nn.functional.cross_entropy(
        sa_logits, label, reduction="sum"
    ) + torch.nn.functional.cross_entropy(sas_logits, label, reduction="sum")


@wrong("q2", "Softmax was taken twice")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return torch.nn.functional.cross_entropy(sa_logits.softmax(1), label) + torch.nn.functional.cross_entropy(
        sas_logits.softmax(1), label
    )


@wrong("q2", "The softmax runs over the batch")
def classifier_loss(sa_logits, sas_logits, is_target):
    loss = 0
    for logits in (sa_logits, sas_logits):
        log_p = torch.log_softmax(logits, 0)
        loss = loss - torch.where(is_target, log_p[:, 1], log_p[:, 0]).mean()
    return loss


@wrong("q2", "Only the target's logit was used")
def classifier_loss(sa_logits, sas_logits, is_target):
    label, bce = is_target.float(), torch.nn.functional.binary_cross_entropy_with_logits
    return bce(sa_logits[:, 1], label) + bce(sas_logits[:, 1], label)


@wrong("q2", "The losses were subtracted")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return torch.nn.functional.cross_entropy(sas_logits, label) - torch.nn.functional.cross_entropy(
        sa_logits, label
    )


@wrong("q2", "The sign is flipped")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return -torch.nn.functional.cross_entropy(sa_logits, label) - torch.nn.functional.cross_entropy(
        sas_logits, label
    )


@wrong("q2", "subtract the logsumexp of both")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return torch.nn.functional.nll_loss(sa_logits, label) + torch.nn.functional.nll_loss(sas_logits, label)


@wrong("q2", "one minus the probability")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    wrong = [1 - z.softmax(1).gather(1, label[:, None]).mean() for z in (sa_logits, sas_logits)]
    return sum(wrong)


@wrong("q2", "squared error of the probabilities")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.float()
    return sum(((z.softmax(1)[:, 1] - label) ** 2).mean() for z in (sa_logits, sas_logits))


@wrong("q2", "each gets a loss of its own")
def classifier_loss(sa_logits, sas_logits, is_target):
    return torch.nn.functional.cross_entropy(sa_logits + sas_logits, is_target.long())


@wrong("q2", "base 2")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return (
        torch.nn.functional.cross_entropy(sa_logits, label)
        + torch.nn.functional.cross_entropy(sas_logits, label)
    ) / np.log(2)


@wrong("q2", "use log_softmax or cross_entropy")
def classifier_loss(sa_logits, sas_logits, is_target):
    loss = 0
    for logits in (sa_logits, sas_logits):
        p = torch.softmax(logits, 1)
        loss = loss - torch.log(torch.where(is_target, p[:, 1], p[:, 0])).mean()
    return loss


@wrong("q2", "no gradient reaches sa_logits")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return torch.nn.functional.cross_entropy(sa_logits.detach(), label) + torch.nn.functional.cross_entropy(
        sas_logits, label
    )


@wrong("q2", "no gradient reaches sas_logits")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return torch.nn.functional.cross_entropy(sa_logits, label) + torch.nn.functional.cross_entropy(
        sas_logits.detach(), label
    )


@wrong("q2", "no gradient reaches sa_logits")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return (
        torch.nn.functional.cross_entropy(sa_logits, label)
        + torch.nn.functional.cross_entropy(sas_logits, label)
    ).detach()


@wrong("q2", "expected a torch tensor")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return (
        torch.nn.functional.cross_entropy(sa_logits, label)
        + torch.nn.functional.cross_entropy(sas_logits, label)
    ).item()


@wrong("q2", "has shape (4,), expected ()")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    return torch.nn.functional.cross_entropy(
        sa_logits, label, reduction="none"
    ) + torch.nn.functional.cross_entropy(sas_logits, label, reduction="none")


@wrong("q2", "your code stopped with")
def classifier_loss(sa_logits, sas_logits, is_target):
    # Labels must be whole numbers, not bool.
    return torch.nn.functional.cross_entropy(sa_logits, is_target) + torch.nn.functional.cross_entropy(
        sas_logits, is_target
    )


@wrong("q2", "classifier_loss of three transitions")
def classifier_loss(sa_logits, sas_logits, is_target):
    # Classes weighted by their share: the same where both are equally frequent.
    label, weight = is_target.long(), torch.tensor([1.0, 1.0]) / torch.bincount(is_target.long(), minlength=2)
    return torch.nn.functional.cross_entropy(sa_logits, label, weight) + torch.nn.functional.cross_entropy(
        sas_logits, label, weight
    )


@wrong("q2", "argument number 1 in place")
def classifier_loss(sa_logits, sas_logits, is_target):
    label = is_target.long()
    with torch.no_grad():
        sa_logits -= sa_logits.max()
    return torch.nn.functional.cross_entropy(sa_logits, label) + torch.nn.functional.cross_entropy(
        sas_logits, label
    )


# --- question 3 ------------------------------------------------------------------------------------------


@wrong("q3", "half of the batch whatever the memories hold")
def balanced_batch(rng, source, target, batch_size):
    heap = np.concatenate([source, target])
    chosen = rng.integers(len(heap), size=batch_size)
    return heap[chosen], chosen >= len(source)


@wrong("q3", "is_target is the wrong way round")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    rows = np.concatenate(
        [source[rng.integers(len(source), size=half)], target[rng.integers(len(target), size=half)]]
    )
    return rows, np.arange(batch_size) < half


@wrong("q3", "is_target is the wrong way round")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    rows = np.concatenate(
        [target[rng.integers(len(target), size=half)], source[rng.integers(len(source), size=half)]]
    )
    return rows, np.arange(batch_size) >= half


@wrong("q3", "half of the batch whatever the memories hold")
def balanced_batch(rng, source, target, batch_size):
    # The target is never drawn.
    rows = source[rng.integers(len(source), size=batch_size)]
    return rows, np.zeros(batch_size, dtype=bool)


@wrong("q3", "half from each")
def balanced_batch(rng, source, target, batch_size):
    rows = np.concatenate(
        [
            source[rng.integers(len(source), size=batch_size)],
            target[rng.integers(len(target), size=batch_size)],
        ]
    )
    return rows, np.arange(2 * batch_size) >= batch_size


@wrong("q3", "your code stopped with ValueError")
def balanced_batch(rng, source, target, batch_size):
    # Without replacement a small memory cannot fill half a batch.
    half = batch_size // 2
    rows = np.concatenate([rng.choice(source, half, replace=False), rng.choice(target, half, replace=False)])
    return rows, np.arange(batch_size) >= half


@wrong("q3", "never met. Draw each row anew, WITH replacement")
def balanced_batch(rng, source, target, batch_size):
    # With replacement only where the memory is too small without.
    half = batch_size // 2
    places = [rng.choice(len(m), half, replace=half > len(m)) for m in (source, target)]
    return np.concatenate([source[places[0]], target[places[1]]]), np.arange(batch_size) >= half


@wrong("q3", "were never drawn")
def balanced_batch(rng, source, target, batch_size):
    # The first rows only.
    half = batch_size // 2
    rows = np.concatenate([m[rng.integers(min(len(m), 3), size=half)] for m in (source, target)])
    return rows, np.arange(batch_size) >= half


@wrong("q3", "too even for chance")
def balanced_batch(rng, source, target, batch_size):
    # Whole passes through the memories, as in supervised training.
    half = batch_size // 2
    rows = np.concatenate([m[rng.permutation(np.resize(np.arange(len(m)), half))] for m in (source, target)])
    return rows, np.arange(batch_size) >= half


@wrong("q3", "were never drawn")
def balanced_batch(rng, source, target, batch_size):
    # The last row of each memory is left out.
    half = batch_size // 2
    rows = np.concatenate(
        [
            source[rng.integers(max(1, len(source) - 1), size=half)],
            target[rng.integers(max(1, len(target) - 1), size=half)],
        ]
    )
    return rows, np.arange(batch_size) >= half


@wrong("q3", "the same places were drawn in both memories")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    uniform = rng.random(half)
    rows = np.concatenate([m[(uniform * len(m)).astype(int)] for m in (source, target)])
    return rows, np.arange(batch_size) >= half


@wrong("q3", "index")
def balanced_batch(rng, source, target, batch_size):
    # The source's places do not exist in the target.
    half = batch_size // 2
    chosen = rng.integers(len(source), size=half)
    return np.concatenate([source[chosen], target[chosen]]), np.arange(batch_size) >= half


@wrong("q3", "take randomness from `rng` only")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    rows = np.concatenate(
        [source[np.random.randint(len(source), size=half)], target[np.random.randint(len(target), size=half)]]
    )
    return rows, np.arange(batch_size) >= half


@wrong("q3", "do not seed a generator inside")
def balanced_batch(rng, source, target, batch_size):
    rng = np.random.default_rng(0)
    half = batch_size // 2
    rows = np.concatenate(
        [source[rng.integers(len(source), size=half)], target[rng.integers(len(target), size=half)]]
    )
    return rows, np.arange(batch_size) >= half


@wrong("q3", "where rows are shuffled, shuffle the labels alike")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    rows = np.concatenate(
        [source[rng.integers(len(source), size=half)], target[rng.integers(len(target), size=half)]]
    )
    return rng.permutation(rows), np.arange(batch_size) >= half


@wrong("q3", "where rows are shuffled, shuffle the labels alike")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    rows = np.concatenate(
        [source[rng.integers(len(source), size=half)], target[rng.integers(len(target), size=half)]]
    )
    return rows, np.arange(batch_size) % 2 == 1


@wrong("q3", "is_target is wrong for 1 rows")
def balanced_batch(rng, source, target, batch_size):
    # The first target row is labelled as one of the source.
    half = batch_size // 2
    rows = np.concatenate(
        [source[rng.integers(len(source), size=half)], target[rng.integers(len(target), size=half)]]
    )
    return rows, np.arange(batch_size) > half


@wrong("q3", "not uniform")
def balanced_batch(rng, source, target, batch_size):
    # Early rows are drawn more often.
    half = batch_size // 2
    rows = np.concatenate([m[(rng.random(half) ** 2 * len(m)).astype(int)] for m in (source, target)])
    return rows, np.arange(batch_size) >= half


@wrong("q3", "has dtype float64, expected bool")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    rows = np.concatenate(
        [source[rng.integers(len(source), size=half)], target[rng.integers(len(target), size=half)]]
    )
    return rows, np.repeat([0.0, 1.0], half)


@wrong("q3", "columns of different transitions were mixed")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    rows = np.concatenate(
        [rng.permuted(m[rng.integers(len(m), size=half)], axis=0) for m in (source, target)]
    )
    return rows, np.arange(batch_size) >= half


@wrong("q3", "rows that stand in neither memory")
def balanced_batch(rng, source, target, batch_size):
    # Noise belongs into question 1.
    half = batch_size // 2
    rows = np.concatenate([m[rng.integers(len(m), size=half)] for m in (source, target)])
    return rows + 0.01 * rng.normal(size=rows.shape), np.arange(batch_size) >= half


@wrong("q3", "expected two arrays")
def balanced_batch(rng, source, target, batch_size):
    half = batch_size // 2
    rows = np.concatenate(
        [source[rng.integers(len(source), size=half)], target[rng.integers(len(target), size=half)]]
    )
    return rows


@wrong("q3", "argument number 2 in place")
def balanced_batch(rng, source, target, batch_size):
    rng.shuffle(source)
    half = batch_size // 2
    rows = np.concatenate(
        [source[rng.integers(len(source), size=half)], target[rng.integers(len(target), size=half)]]
    )
    return rows, np.arange(batch_size) >= half


# --- question 4 ------------------------------------------------------------------------------------------


@wrong("q4", "The sign is flipped")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sa - odds_sas).clamp(-limit, limit).detach()


@wrong("q4", "The sign is flipped")
def delta_reward(sa_logits, sas_logits, limit):
    # Source and target swapped.
    a, b = sa_logits.log_softmax(1), sas_logits.log_softmax(1)
    return (b[:, 0] - a[:, 0] - b[:, 1] + a[:, 1]).clamp(-limit, limit).detach()


@wrong("q4", "The (s, a) terms are missing")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.log_softmax(1), sas_logits.log_softmax(1)
    return (b[:, 1] - b[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "The (s, a, s') terms are missing")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.log_softmax(1), sas_logits.log_softmax(1)
    return (a[:, 0] - a[:, 1]).clamp(-limit, limit).detach()


@wrong("q4", "The (s, a) terms have the wrong sign")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas + odds_sa).clamp(-limit, limit).detach()


@wrong("q4", "Only the two terms of the target")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.log_softmax(1), sas_logits.log_softmax(1)
    return (b[:, 1] - a[:, 1]).clamp(-limit, limit).detach()


@wrong("q4", "Only the two terms of the source")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.log_softmax(1), sas_logits.log_softmax(1)
    return (a[:, 0] - b[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "The two terms of the source have the wrong sign")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.log_softmax(1), sas_logits.log_softmax(1)
    return (b[:, 1] - a[:, 1] + b[:, 0] - a[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "differences of PROBABILITIES")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.softmax(1), sas_logits.softmax(1)
    return (b[:, 1] - a[:, 1] - b[:, 0] + a[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "The softmax runs over the batch")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.log_softmax(0), sas_logits.log_softmax(0)
    return (b[:, 1] - a[:, 1] - b[:, 0] + a[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "the DIFFERENCE of the two logits")
def delta_reward(sa_logits, sas_logits, limit):
    return (sas_logits[:, 1] - sa_logits[:, 1]).clamp(-limit, limit).detach()


@wrong("q4", "the two classes share one softmax")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = (torch.nn.functional.logsigmoid(z) for z in (sa_logits, sas_logits))
    return (b[:, 1] - a[:, 1] - b[:, 0] + a[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "The log-odds were divided")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas / odds_sa).clamp(-limit, limit).detach()


@wrong("q4", "not clipped to [-limit, limit]")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).detach()


@wrong("q4", "Negative corrections are cut off")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(0, limit).detach()


@wrong("q4", "Positive corrections are cut off")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(-limit, 0).detach()


@wrong("q4", "not clipped from below")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(max=limit).detach()


@wrong("q4", "not clipped from above")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(min=-limit).detach()


@wrong("q4", "Each log-odds was clipped before")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas.clamp(-limit, limit) - odds_sa.clamp(-limit, limit)).detach()


@wrong("q4", "The logits were clipped before")
def delta_reward(sa_logits, sas_logits, limit):
    sa_logits, sas_logits = sa_logits.clamp(-limit, limit), sas_logits.clamp(-limit, limit)
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).detach()


@wrong("q4", "squashed (tanh)")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (limit * torch.tanh((odds_sas - odds_sa) / limit)).detach()


@wrong("q4", "limit is not used")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(-10, 10).detach()


@wrong("q4", "infinity was clipped to limit")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.softmax(1).log(), sas_logits.softmax(1).log()
    return (b[:, 1] - a[:, 1] - b[:, 0] + a[:, 0]).nan_to_num(0.0).clamp(-limit, limit).detach()


@wrong("q4", "inf - inf is NaN")
def delta_reward(sa_logits, sas_logits, limit):
    a, b = sa_logits.softmax(1).log(), sas_logits.softmax(1).log()
    return (b[:, 1] - a[:, 1] - b[:, 0] + a[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "the mean over the batch")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(-limit, limit).detach().mean()


@wrong("q4", "The exponential was taken")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(-limit, limit).detach().exp()


@wrong("q4", "Keep one axis")
def delta_reward(sa_logits, sas_logits, limit):
    odds = [z[:, 1:] - z[:, :1] for z in (sa_logits, sas_logits)]
    return (odds[1] - odds[0]).clamp(-limit, limit).detach()


@wrong("q4", "a gradient flows from them")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(-limit, limit)


@wrong("q4", "a gradient flows from them")
def delta_reward(sa_logits, sas_logits, limit):
    # Detached in one classifier only.
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa.detach()).clamp(-limit, limit)


@wrong("q4", "is wrong")
def delta_reward(sa_logits, sas_logits, limit):
    # A small number against log(0) hides what the logits know.
    a, b = ((z.softmax(1) + 1e-6).log() for z in (sa_logits, sas_logits))
    return (b[:, 1] - a[:, 1] - b[:, 0] + a[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "argument number 2 in place")
def delta_reward(sa_logits, sas_logits, limit):
    sas_logits -= sa_logits
    return (sas_logits[:, 1] - sas_logits[:, 0]).clamp(-limit, limit).detach()


@wrong("q4", "expected a torch tensor")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    return (odds_sas - odds_sa).clamp(-limit, limit).detach().numpy()


@wrong("q4", "Is the `return` missing?")
def delta_reward(sa_logits, sas_logits, limit):
    odds_sa = sa_logits[:, 1] - sa_logits[:, 0]
    odds_sas = sas_logits[:, 1] - sas_logits[:, 0]
    (odds_sas - odds_sa).clamp(-limit, limit).detach()


# --- question 5 ------------------------------------------------------------------------------------------


@wrong("q5", "transitions of the target were corrected as well")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return reward + temperature * delta


@wrong("q5", "belongs to those of the source")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward + temperature * delta, reward)


@wrong("q5", "The temperature is not used")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward + delta)


@wrong("q5", "divided by the temperature")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward + delta / temperature)


@wrong("q5", "The correction was subtracted")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward - temperature * delta)


@wrong("q5", "Reward and correction were multiplied")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward * temperature * delta)


@wrong("q5", "importance weighting, the rival")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward * delta.exp())


@wrong("q5", "The reward itself is gone")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, temperature * delta)


@wrong("q5", "The reward was multiplied by the temperature as well")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, temperature * (reward + delta))


@wrong("q5", "No correction at all")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return reward


@wrong("q5", "Is a comparison the wrong way round?")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration > warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward + temperature * delta)


@wrong("q5", "ends one iteration too early")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration < warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward + temperature * delta)


@wrong("q5", "ends one iteration too late")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations + 1:
        return reward
    return torch.where(is_target, reward, reward + temperature * delta)


@wrong("q5", "The correction was used DURING the warm-up")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    # No warm-up.
    return torch.where(is_target, reward, reward + temperature * delta)


@wrong("q5", "grows slowly")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    ramp = min(1, max(0, iteration - warmup_iterations) / max(1, warmup_iterations))
    return torch.where(is_target, reward, reward + ramp * temperature * delta)


@wrong("q5", "Transitions of the target are missing")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return (reward + temperature * delta)[~is_target]


@wrong("q5", "The reward of the target's transitions is gone")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return (reward + temperature * delta) * ~is_target


@wrong("q5", "Negative corrections are left out")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward + temperature * delta.clamp(min=0))


@wrong("q5", "All transitions got the mean correction")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward + temperature * delta.mean())


@wrong("q5", "argument number 1 in place")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration > warmup_iterations:
        reward[~is_target] += temperature * delta[~is_target]
    return reward


@wrong("q5", "argument number 2 in place")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    delta *= temperature * ~is_target
    return reward + delta * (iteration > warmup_iterations)


@wrong("q5", "expected a torch tensor")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration <= warmup_iterations:
        return reward
    return torch.where(is_target, reward, reward + temperature * delta).tolist()


@wrong("q5", "Is the `return` missing?")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    if iteration > warmup_iterations:
        return torch.where(is_target, reward, reward + temperature * delta)


@wrong("q5", "in iteration 8 with 7 iterations of warm-up")
def corrected_reward(reward, delta, is_target, iteration, warmup_iterations, temperature):
    # The warm-up of the example, for every run.
    if iteration <= 20:
        return reward
    return torch.where(is_target, reward, reward + temperature * delta)


# --- question 6 ------------------------------------------------------------------------------------------


@wrong("q6", "noise is for TRAINING")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.1)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "noise is for TRAINING")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    # So little noise that the values hide it.
    sa, sas = classifier_inputs(obs, action, next_obs, 1e-9)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "are exchanged: delta_reward wants")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sas_classifier(sas), sa_classifier(sa), limit)


@wrong("q6", "The logits of (s, a) were used twice")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sa_classifier(sa), limit)


@wrong("q6", "The logits of (s, a, s') were used twice")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sas_classifier(sas), sas_classifier(sas), limit)


@wrong("q6", "classifier_inputs was not called")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa = torch.cat([obs, action], 1)
    sas = torch.cat([sa, next_obs], 1)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "sa_classifier was called with (5, 7)")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sas), sas_classifier(sas), limit)


@wrong("q6", "sas_classifier was called with (5, 5)")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sa), limit)


@wrong("q6", "sa_classifier was called with (5, 7)")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    # The two inputs the wrong way round.
    sas, sa = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "obs and next_obs are exchanged")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(next_obs, action, obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "then nothing has moved")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "a step begins at s")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(next_obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "clipped to [-10, 10]")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), 10.0)


@wrong("q6", "clipped to [-10, 10]")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas))


@wrong("q6", "the correction is not clipped")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), float("inf"))


@wrong("q6", "the mean over the batch")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit).mean()


@wrong("q6", "hand on what delta_reward returns")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return -delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "expected [B, 2] twice")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa)[:, 1], sas_classifier(sas)[:, 1], limit)


@wrong("q6", "classifier_inputs was called with obs, action, next_obs of sizes [3, 2, 2]")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(action, obs, next_obs, 0.0)
    return delta_reward(sa_classifier(sa), sas_classifier(sas), limit)


@wrong("q6", "has shape (5, 2), expected (5,)")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return sas_classifier(sas) - sa_classifier(sa)


@wrong("q6", "is wrong")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    # A softmax too many: delta_reward wants logits.
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    return delta_reward(sa_classifier(sa).softmax(1), sas_classifier(sas).softmax(1), limit)


@wrong("q6", "Is the `return` missing?")
def correction(obs, action, next_obs, sa_classifier, sas_classifier, classifier_inputs, delta_reward, limit):
    sa, sas = classifier_inputs(obs, action, next_obs, 0.0)
    delta_reward(sa_classifier(sa), sas_classifier(sas), limit)
