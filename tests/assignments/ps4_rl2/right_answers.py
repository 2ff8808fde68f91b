# ruff: noqa
"""Right answers to ps4_rl2, each written differently. Read as text, never run: `@right(question)`."""

import numpy as np
import torch

# --- question 1 ------------------------------------------------------------------------------------------


@right("q1")
def trial_inputs(obs, action, reward, ended, arms, actions):
    """Written into a tensor of zeros."""
    steps, trials, size = obs.shape
    inputs = torch.zeros(steps, trials, size + actions + 2)
    inputs[..., :size] = obs
    for t in range(1, steps):
        for n in range(trials):
            inputs[t, n, size + action[t - 1, n]] = 1.0
        inputs[t, :, -2] = reward[t - 1]
        inputs[t, :, -1] = ended[t - 1]
    return inputs


@right("q1")
def trial_inputs(obs, action, reward, ended, arms, actions):
    """torch.roll, and the first row emptied."""
    happened = torch.cat([torch.eye(actions)[action], reward[..., None], ended[..., None].float()], -1).roll(
        1, 0
    )
    happened[0] = 0.0
    return torch.cat([obs, happened], -1)


@right("q1")
def trial_inputs(obs, action, reward, ended, arms, actions):
    """A loop over time, with what happened last."""
    trials = obs.shape[1]
    last = torch.zeros(trials, actions + 2)
    rows = []
    for t in range(obs.shape[0]):
        rows.append(torch.hstack([obs[t], last]))
        last = torch.zeros(trials, actions + 2)
        last[torch.arange(trials), action[t]] = 1
        last[:, actions] = reward[t]
        last[:, actions + 1] = ended[t].float()
    return torch.stack(rows)


@right("q1")
def trial_inputs(obs, action, reward, ended, arms, actions):
    """Padding in front, and a comparison for the one-hot."""
    did = (action.unsqueeze(-1) == torch.arange(actions)).float()
    happened = torch.cat([did, torch.stack([reward, ended.float()], dim=-1)], dim=-1)
    return torch.cat([obs, torch.nn.functional.pad(happened, (0, 0, 0, 0, 1, 0))[:-1]], dim=-1)


@right("q1")
def trial_inputs(obs, action, reward, ended, arms, actions):
    """In numpy, and in double precision."""
    steps, trials = action.shape
    did = np.eye(actions)[action.numpy()]
    parts = [did, reward.numpy()[:, :, None], ended.numpy()[:, :, None]]
    happened = np.concatenate(parts, axis=2)
    before = np.concatenate([np.zeros((1, trials, actions + 2)), happened])[:steps]
    return torch.from_numpy(np.concatenate([obs.numpy(), before], axis=2))


@right("q1")
def trial_inputs(obs, action, reward, ended, arms, actions):
    """Each part shifted by itself."""

    def before(values):
        return torch.cat([torch.zeros_like(values[:1]), values[:-1]])

    did = torch.zeros(*action.shape, actions).scatter_(-1, action.unsqueeze(-1), 1.0)
    return torch.cat([obs, before(did), before(reward).unsqueeze(-1), before(ended).unsqueeze(-1)], dim=-1)


# --- question 2 ------------------------------------------------------------------------------------------


@right("q2")
def carried(memory, episode_ended, trial_ended):
    """torch.where."""
    return torch.where(trial_ended[:, None], torch.zeros_like(memory), memory)


@right("q2")
def carried(memory, episode_ended, trial_ended):
    """masked_fill."""
    return memory.masked_fill(trial_ended.unsqueeze(-1), 0.0)


@right("q2")
def carried(memory, episode_ended, trial_ended):
    """A copy, and rows of it emptied."""
    memory = memory.clone()
    memory[trial_ended] = 0
    return memory


@right("q2")
def carried(memory, episode_ended, trial_ended):
    """One by one."""
    rows = []
    for i in range(len(memory)):
        rows.append(torch.zeros(memory.shape[1]) if trial_ended[i] else memory[i])
    return torch.stack(rows)


@right("q2")
def carried(memory, episode_ended, trial_ended):
    """A product in Einstein's notation."""
    return torch.einsum("nh,n->nh", memory, 1.0 - trial_ended.float())


@right("q2")
def carried(memory, episode_ended, trial_ended):
    """Nothing is copied where no trial ended."""
    if not trial_ended.any():
        return memory
    return memory - memory * trial_ended.reshape(-1, 1)


# --- question 3 ------------------------------------------------------------------------------------------


@right("q3")
def episode_returns(reward, ended, episodes):
    """Step by step, column by column."""
    returns = torch.zeros(episodes, reward.shape[1])
    for n in range(reward.shape[1]):
        j = 0
        for t in range(reward.shape[0]):
            if j == episodes:
                break
            returns[j, n] += reward[t, n]
            if ended[t, n]:
                j += 1
    return returns


@right("q3")
def episode_returns(reward, ended, episodes):
    """scatter_add, with a row more for those who wait."""
    number = torch.cat([torch.zeros_like(ended[:1]), ended[:-1]]).long().cumsum(0)
    returns = torch.zeros(episodes + 1, reward.shape[1], dtype=reward.dtype)
    return returns.scatter_add(0, number, reward)[:episodes]


@right("q3")
def episode_returns(reward, ended, episodes):
    """Differences of the running sum at the ends."""
    total = reward.double().cumsum(0)
    at_ends = [total[ended[:, n], n] for n in range(reward.shape[1])]
    at_ends = torch.stack(at_ends, dim=1)
    return torch.diff(at_ends, dim=0, prepend=torch.zeros(1, reward.shape[1], dtype=torch.float64))


@right("q3")
def episode_returns(reward, ended, episodes):
    """Slices between the ends."""
    columns = []
    for n in range(reward.shape[1]):
        ends = torch.nonzero(ended[:, n]).flatten().tolist()
        starts = [0] + [end + 1 for end in ends[:-1]]
        columns.append([reward[a : b + 1, n].sum().item() for a, b in zip(starts, ends)])
    return torch.tensor(columns).T


@right("q3")
def episode_returns(reward, ended, episodes):
    """A mask for every episode at once."""
    number = ended.long().cumsum(0) - ended.long()
    mask = number.unsqueeze(0) == torch.arange(episodes).view(-1, 1, 1)
    return torch.einsum("etn,tn->en", mask.float(), reward)


# --- question 4 ------------------------------------------------------------------------------------------


@right("q4")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    """All delta at first."""
    goes_on = 1.0 - trial_ended.float()
    next_value = torch.cat([value[1:], torch.zeros(1, value.shape[1])])
    delta = reward + gamma * goes_on * next_value - value
    rows, running = [], torch.zeros(value.shape[1])
    for t in range(len(reward) - 1, -1, -1):
        running = delta[t] + gamma * gae_lambda * goes_on[t] * running
        rows.insert(0, running)
    return torch.stack(rows)


@right("q4")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    """The definition, as a sum over what is to come."""
    steps, trials = reward.shape
    result = torch.zeros(steps, trials)
    for n in range(trials):
        for t in range(steps):
            weight = 1.0
            for k in range(t, steps):
                if trial_ended[k, n]:
                    result[t, n] += weight * (reward[k, n] - value[k, n])
                    break
                result[t, n] += weight * (reward[k, n] + gamma * value[k + 1, n] - value[k, n])
                weight *= gamma * gae_lambda
    return result


@right("q4")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    """As lambda-returns, from which the value is subtracted."""
    returns = torch.zeros(len(reward) + 1, reward.shape[1])
    values = torch.cat([value, torch.zeros_like(value[:1])])
    for t in reversed(range(len(reward))):
        later = (1 - gae_lambda) * values[t + 1] + gae_lambda * returns[t + 1]
        returns[t] = reward[t] + gamma * torch.where(trial_ended[t], 0.0, later)
    return returns[:-1] - value


@right("q4")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    """One column after another, in plain Python."""
    columns = []
    for r, v, over in zip(reward.T.tolist(), value.T.tolist(), trial_ended.T.tolist()):
        column, advantage, after = [], 0.0, 0.0
        for t in range(len(r) - 1, -1, -1):
            if over[t]:
                advantage, after = 0.0, 0.0
            advantage = r[t] + gamma * after - v[t] + gamma * gae_lambda * advantage
            after = v[t]
            column.append(advantage)
        columns.append(column[::-1])
    return torch.tensor(columns).T


@right("q4")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    """A loop that counts, and an end that looks at the row below."""
    last = reward.shape[0] - 1
    advantage = reward - value
    for t in range(last - 1, -1, -1):
        more = gamma * (value[t + 1] + gae_lambda * advantage[t + 1])
        advantage[t] += more.masked_fill(trial_ended[t], 0.0)
    return advantage


# --- question 5 ------------------------------------------------------------------------------------------


@right("q5")
def thompson(successes, failures, rng):
    """np.argmax, along the last axis."""
    return np.argmax(rng.beta(successes + 1.0, failures + 1.0, size=successes.shape), axis=-1)


@right("q5")
def thompson(successes, failures, rng):
    """Two gamma draws make a beta draw."""
    a, b = rng.gamma(1 + successes), rng.gamma(1 + failures)
    return (a / (a + b)).argmax(1)


@right("q5")
def thompson(successes, failures, rng):
    """One bandit after another."""
    chosen = []
    for won, lost in zip(successes, failures):
        chosen.append(int(rng.beta(1 + won, 1 + lost).argmax()))
    return np.array(chosen)


@right("q5", before="from scipy.stats import beta")
def thompson(successes, failures, rng):
    """scipy's word for it."""
    return beta(1 + successes, 1 + failures).rvs(successes.shape, random_state=rng).argmax(axis=1)


@right("q5", before="from scipy.special import betaincinv")
def thompson(successes, failures, rng):
    """A quantile of its own for every arm."""
    return betaincinv(1.0 + successes, 1.0 + failures, rng.random(successes.shape)).argmax(axis=1)


@right("q5")
def thompson(successes, failures, rng):
    """The arms by turns."""
    arms = successes.shape[1]
    drawn = np.stack([rng.beta(1 + successes[:, k], 1 + failures[:, k]) for k in range(arms)])
    return drawn.argmax(axis=0)


# --- question 6 ------------------------------------------------------------------------------------------


@right("q6")
def regret(action, reward, arms):
    """By numbers of bandits."""
    pulled = arms[torch.arange(len(arms)), action]
    return torch.cumsum(arms.amax(1) - pulled, dim=0)


@right("q6")
def regret(action, reward, arms):
    """What every arm would cost, at first."""
    cost = arms.max(1, keepdim=True).values - arms
    total = torch.zeros(len(arms))
    rows = []
    for pulled in action:
        total = total + cost.gather(1, pulled.unsqueeze(1)).squeeze(1)
        rows.append(total)
    return torch.stack(rows)


@right("q6")
def regret(action, reward, arms):
    """Two running sums, in double precision."""
    steps = torch.arange(1, len(action) + 1, dtype=torch.float64).unsqueeze(1)
    did = torch.nn.functional.one_hot(action, arms.shape[1]).double()
    return steps * arms.double().max(dim=1)[0] - (did * arms).sum(-1).cumsum(0)


@right("q6")
def regret(action, reward, arms):
    """In plain Python."""
    columns = []
    for n, chances in enumerate(arms.tolist()):
        total, column = 0.0, []
        for a in action[:, n].tolist():
            total += max(chances) - chances[a]
            column.append(total)
        columns.append(column)
    return torch.tensor(columns).T


@right("q6")
def regret(action, reward, arms):
    """Through numpy."""
    p = arms.numpy()
    pulled = np.take_along_axis(p.T, action.numpy(), axis=0)
    return torch.from_numpy((p.max(axis=1) - pulled).cumsum(axis=0))
