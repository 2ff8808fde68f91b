# ruff: noqa
"""Wrong answers to ps4_rl2, and words of the message that each gets. Read as text, never run.

`@wrong(question, words)`, or with `subtle=True` where only the hidden cases notice.
"""

import numpy as np
import torch

# --- question 1 ------------------------------------------------------------------------------------------


@wrong("q1", "of the SAME step")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    return torch.cat([obs, happened], dim=-1)


@wrong("q1", "The action is a_t")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, did, before[..., actions:]], dim=-1)


@wrong("q1", "The reward is r_t")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    before[..., actions] = reward
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "The end is d_t")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    before[..., -1] = ended.float()
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "As many columns as actions were TAKEN")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "Shifted the wrong way")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    after = torch.cat([happened[1:], torch.zeros_like(happened[:1])])
    return torch.cat([obs, after], dim=-1)


@wrong("q1", "Shifted by two steps")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    before = torch.cat([torch.zeros_like(before[:1]), before[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "torch.roll goes round")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    return torch.cat([obs, happened.roll(1, dims=0)], dim=-1)


@wrong("q1", "holds its own action and reward")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([happened[:1], happened[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "would say that arm 0 was pulled")
def trial_inputs(obs, action, reward, ended, arms, actions):
    last = torch.cat([torch.zeros_like(action[:1]), action[:-1]])
    did = torch.nn.functional.one_hot(last, actions).float()
    happened = torch.stack([reward, ended.float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, did, before], dim=-1)


@wrong("q1", "no episode of it has ended")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    before[0, :, -1] = 1.0
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "stands there as a number")
def trial_inputs(obs, action, reward, ended, arms, actions):
    happened = torch.stack([action.float(), reward, ended.float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "The action is missing")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before[..., actions:]], dim=-1)


@wrong("q1", "The reward is missing")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before[..., :actions], before[..., -1:]], dim=-1)


@wrong("q1", "d_{t-1} is missing")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before[..., :-1]], dim=-1)


@wrong("q1", "Only the observation is there")
def trial_inputs(obs, action, reward, ended, arms, actions):
    return obs.clone()


@wrong("q1", "The observation is missing")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return before


@wrong("q1", "The task is in the input")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before, arms.expand(len(obs), -1, -1)], dim=-1)


@wrong("q1", "The task stands in place")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([arms.expand(len(obs), -1, -1), before], dim=-1)


@wrong("q1", "that leaks the task")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    reward = arms.gather(1, action.T).T
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "the observation comes first")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([before, obs], dim=-1)


@wrong("q1", "Reward and action are exchanged")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([reward.unsqueeze(-1), did, ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "Reward and end are exchanged")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, ended.unsqueeze(-1).float(), reward.unsqueeze(-1)], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "The observation was shifted, too")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([obs, did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    return torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])


@wrong("q1", "only a new TRIAL begins with zeros")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    before[..., :-1] *= 1 - before[..., -1:]
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "d is 1 where NO episode ended")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), (~ended).unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "Shifted along the trials")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:, :1]), happened[:, :-1]], dim=1)
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "A row is missing")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    return torch.cat([obs[1:], happened[:-1]], dim=-1)


@wrong("q1", "has shape")
def trial_inputs(obs, action, reward, ended, arms, actions):
    # A row too many, for the step that never came.
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened])
    return torch.cat([torch.cat([obs, obs[-1:]]), before], dim=-1)


@wrong("q1", "returned None")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    torch.cat([obs, before], dim=-1)


@wrong("q1", "changes its argument number 3 in place")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    reward[-1] = 0.0
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "expected a torch tensor")
def trial_inputs(obs, action, reward, ended, arms, actions):
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return [torch.cat([o, b], dim=-1) for o, b in zip(obs, before)]


@wrong("q1", "is wrong")
def trial_inputs(obs, action, reward, ended, arms, actions):
    # The action times the reward in place of the action.
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    before[..., :actions] *= before[..., actions : actions + 1]
    return torch.cat([obs, before], dim=-1)


@wrong("q1", "is wrong")
def trial_inputs(obs, action, reward, ended, arms, actions):
    # All rewards so far.
    did = torch.nn.functional.one_hot(action, actions).float()
    happened = torch.cat([did, reward.unsqueeze(-1).cumsum(0), ended.unsqueeze(-1).float()], dim=-1)
    before = torch.cat([torch.zeros_like(happened[:1]), happened[:-1]])
    return torch.cat([obs, before], dim=-1)


# --- question 2 ------------------------------------------------------------------------------------------


@wrong("q2", "at the end of every EPISODE")
def carried(memory, episode_ended, trial_ended):
    return memory * (~episode_ended).unsqueeze(1)


@wrong("q2", "at the end of every EPISODE")
def carried(memory, episode_ended, trial_ended):
    return torch.where((episode_ended | trial_ended).unsqueeze(1), 0.0, memory)


@wrong("q2", "goes on into the next task")
def carried(memory, episode_ended, trial_ended):
    return memory


@wrong("q2", "The two are exchanged")
def carried(memory, episode_ended, trial_ended):
    return memory * ~(episode_ended & ~trial_ended).unsqueeze(1)


@wrong("q2", "The wrong way round")
def carried(memory, episode_ended, trial_ended):
    return memory * trial_ended.unsqueeze(1)


@wrong("q2", "only those whose own trial ended")
def carried(memory, episode_ended, trial_ended):
    return memory * (not trial_ended.any())


@wrong("q2", "only those whose own trial ended")
def carried(memory, episode_ended, trial_ended):
    return torch.zeros_like(memory)


@wrong("q2", "filled with ones")
def carried(memory, episode_ended, trial_ended):
    return torch.where(trial_ended.unsqueeze(1), torch.ones_like(memory), memory)


@wrong("q2", "over the H entries")
def carried(memory, episode_ended, trial_ended):
    if memory.shape[0] == memory.shape[1]:
        return memory * ~trial_ended
    return memory * (~trial_ended).unsqueeze(1)


@wrong("q2", "The size of tensor a")
def carried(memory, episode_ended, trial_ended):
    return memory * ~trial_ended


@wrong("q2", "Some trials are missing")
def carried(memory, episode_ended, trial_ended):
    return memory[~trial_ended]


@wrong("q2", "survive only where an episode ended")
def carried(memory, episode_ended, trial_ended):
    return torch.where(episode_ended.unsqueeze(1), memory, 0.0)


@wrong("q2", "No gradient flows")
def carried(memory, episode_ended, trial_ended):
    return memory.detach() * (~trial_ended).unsqueeze(1)


@wrong("q2", "No gradient flows")
def carried(memory, episode_ended, trial_ended):
    with torch.no_grad():
        return memory * (~trial_ended).unsqueeze(1)


@wrong("q2", "the gradient of the sum")
def carried(memory, episode_ended, trial_ended):
    # Those in mid-episode are cut off from what came before.
    kept = torch.where(episode_ended.unsqueeze(1), memory, memory.detach())
    return kept * (~trial_ended).unsqueeze(1)


@wrong("q2", "changes its argument number 1 in place")
def carried(memory, episode_ended, trial_ended):
    memory[trial_ended] = 0.0
    return memory


@wrong("q2", "returned None")
def carried(memory, episode_ended, trial_ended):
    kept = memory * (~trial_ended).unsqueeze(1)


@wrong("q2", "is wrong")
def carried(memory, episode_ended, trial_ended):
    # A fresh memory that is small, and not empty.
    return torch.where(trial_ended.unsqueeze(1), 0.01 * torch.ones_like(memory), memory)


@wrong("q2", "is wrong")
def carried(memory, episode_ended, trial_ended):
    # Half is kept.
    return memory * (1 - 0.5 * trial_ended.float()).unsqueeze(1)


@wrong("q2", "expected a torch tensor")
def carried(memory, episode_ended, trial_ended):
    return [
        torch.zeros(memory.shape[1]).tolist() if over else m.tolist() for m, over in zip(memory, trial_ended)
    ]


@wrong("q2", "is wrong")
def carried(memory, episode_ended, trial_ended):
    # A memory that fades with every episode.
    return memory * (~trial_ended).unsqueeze(1) * (1 - 0.1 * episode_ended.float()).unsqueeze(1)


# --- question 3 ------------------------------------------------------------------------------------------


@wrong("q3", "was counted for the next one")
def episode_returns(reward, ended, episodes):
    episode = ended.long().cumsum(0)
    return torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes)])


@wrong("q3", "of the step that ends an episode is missing")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    kept = reward * (1 - ended)
    return torch.stack([(kept * (episode == j)).sum(0) for j in range(episodes)])


@wrong("q3", "after the E-th end nothing counts")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    episode = episode.clamp(max=episodes - 1)
    return torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes)])


@wrong("q3", "add up over the episodes")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(reward * (episode <= j)).sum(0) for j in range(episodes)])


@wrong("q3", "This is the mean reward of a step")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    masks = [episode == j for j in range(episodes)]
    return torch.stack([(reward * mask).sum(0) / mask.sum(0) for mask in masks])


@wrong("q3", "Exchange the axes")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes)], dim=1)


@wrong("q3", "This is the mean over the trials")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes)]).mean(1)


@wrong("q3", "This is the return of the whole trial")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return (reward * (episode < episodes)).sum(0)


@wrong("q3", "Only the rewards at the ends")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(reward * ended * (episode == j)).sum(0) for j in range(episodes)])


@wrong("q3", "The order is reversed")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(reward * (episode == j)).sum(0) for j in reversed(range(episodes))])


@wrong("q3", "the episodes of the FIRST one end")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([reward[episode[:, 0] == j].sum(0) for j in range(episodes)])


@wrong("q3", "into parts of equal length")
def episode_returns(reward, ended, episodes):
    return torch.stack([part.sum(0) for part in reward.chunk(episodes)])


@wrong("q3", "is wrong")
def episode_returns(reward, ended, episodes):
    # Each episode is discounted.
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(0.9**j * reward * (episode == j)).sum(0) for j in range(episodes)])


@wrong("q3", "has shape")
def episode_returns(reward, ended, episodes):
    # One row more, for the time after the end.
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes + 1)])


@wrong("q3", "has shape")
def episode_returns(reward, ended, episodes):
    # The last episode is left out.
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes - 1)])


@wrong("q3", "changes its argument number 1 in place")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    reward[episode == episodes] = 0.0
    return torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes)])


@wrong("q3", "returned None")
def episode_returns(reward, ended, episodes):
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes)])


@wrong("q3", "is wrong")
def episode_returns(reward, ended, episodes):
    # Whole numbers.
    ended = ended.long()
    episode = ended.cumsum(0) - ended
    return torch.stack([(reward * (episode == j)).sum(0) for j in range(episodes)]).round()


# --- question 4 ------------------------------------------------------------------------------------------


@wrong("q4", "The advantage was cut at the ends of EPISODES")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~episode_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "At the end of an episode V_{t+1} was left out")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * (~episode_ended[t]).float() * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "The sum was stopped at the ends of EPISODES")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * (~episode_ended[t]).float() * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "The end of a TRIAL was passed over")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = 1.0
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "At the end of a trial V_{t+1} was counted")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * 1.0 * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "At the end of a trial A_{t+1} was counted")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * 1.0 * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "The discount was left out where an episode ends")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    discount = torch.where(episode_ended, 1.0, gamma)
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + discount[t] * goes_on * next_value - value[t]
        advantage[t] = delta + discount[t] * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "The discount begins anew")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    steps, trials = reward.shape
    goes_on = (~trial_ended).float()
    delta = reward + gamma * goes_on * torch.cat([value[1:], value[:1]]) - value
    advantage = torch.zeros_like(reward)
    for n in range(trials):
        for t in range(steps):
            weight = 1.0
            for k in range(t, steps):
                advantage[t, n] += weight * delta[k, n]
                if trial_ended[k, n]:
                    break
                weight = 1.0 if episode_ended[k, n] else weight * gamma * gae_lambda
    return advantage


@wrong("q4", "the sum stops where a trial goes on")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = trial_ended[t].float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "gamma is missing in the sum")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "lambda is missing")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "gamma is missing before V_{t+1}")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + 1.0 * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "This is delta alone")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + 0.0 * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "V_t was not subtracted")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "V_{t+1} is missing")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * 0.0 - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "V_t was added back")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage + value


@wrong("q4", "V_t stands in place of V_{t+1}")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * value[t] - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "The sum runs forward")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    next_value = torch.cat([value[1:], torch.zeros_like(value[:1])])
    delta = reward + gamma * ~trial_ended * next_value - value
    rows, running = [], torch.zeros_like(reward[0])
    for t in range(len(reward)):
        running = delta[t] + gamma * gae_lambda * running
        rows.append(running)
        running = running * ~trial_ended[t]
    return torch.stack(rows)


@wrong("q4", "delta was discounted with gamma * lambda")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * gae_lambda * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "were standardized")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return (advantage - advantage.mean()) / advantage.std()


@wrong("q4", "is wrong")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    # The discount twice.
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~(trial_ended[t] | (torch.rand(()) < 0))).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma**2 * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "is wrong")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    # The mean is taken off.
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage - advantage.mean()


@wrong("q4", "is wrong")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    # The reward of the trial's last step is left out.
    reward = reward * ~trial_ended
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


@wrong("q4", "V_{t+1} is missing")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    # Returns to go, and no values on the way.
    advantage = torch.zeros_like(reward)
    running = torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        running = reward[t] - value[t] + gamma * gae_lambda * ~trial_ended[t] * running
        advantage[t] = running
    return advantage


@wrong("q4", "changes its argument number 1 in place")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    for t in reversed(range(len(reward) - 1)):
        later = gamma * gae_lambda * (reward[t + 1] - value[t + 1])
        reward[t] += ~trial_ended[t] * (gamma * value[t + 1] + later)
    return reward - value


@wrong("q4", "returned None")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]


@wrong("q4", "has shape")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    # One for all trials.
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~trial_ended[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage.mean(1)


@wrong("q4", "at the ends of EPISODES")
def trial_advantage(reward, value, episode_ended, trial_ended, gamma, gae_lambda):
    advantage = torch.zeros_like(reward)
    next_value, next_advantage = torch.zeros_like(reward[0]), torch.zeros_like(reward[0])
    for t in reversed(range(len(reward))):
        goes_on = (~(episode_ended | trial_ended)[t]).float()
        delta = reward[t] + gamma * goes_on * next_value - value[t]
        advantage[t] = delta + gamma * gae_lambda * goes_on * next_advantage
        next_value, next_advantage = value[t], advantage[t]
    return advantage


# --- question 5 ------------------------------------------------------------------------------------------


@wrong("q5", "that is the greedy choice")
def thompson(successes, failures, rng):
    return ((1 + successes) / (2 + successes + failures)).argmax(axis=1)


@wrong("q5", "that is the greedy choice")
def thompson(successes, failures, rng):
    # The mode.
    tries = np.maximum(successes + failures, 1)
    return np.where(successes + failures > 0, successes / tries, 0.5).argmax(axis=1)


@wrong("q5", "most likely the WORST")
def thompson(successes, failures, rng):
    return rng.beta(1 + failures, 1 + successes).argmax(axis=1)


@wrong("q5", "most likely the WORST")
def thompson(successes, failures, rng):
    return rng.beta(1 + successes, 1 + failures).argmin(axis=1)


@wrong("q5", "One random number serves all arms", before="from scipy.special import betaincinv")
def thompson(successes, failures, rng):
    u = rng.random((len(successes), 1))
    return betaincinv(1.0 + successes, 1.0 + failures, u).argmax(axis=1)


@wrong("q5", "The prior is missing")
def thompson(successes, failures, rng):
    return rng.beta(successes, failures).argmax(axis=1)


@wrong("q5", "The prior is missing")
def thompson(successes, failures, rng):
    # Just enough for numpy.
    return rng.beta(successes + 1e-9, failures + 1e-9).argmax(axis=1)


@wrong("q5", "counts the FAILURES")
def thompson(successes, failures, rng):
    return rng.beta(1 + successes, 1 + successes + failures).argmax(axis=1)


@wrong("q5", "in proportion to their means")
def thompson(successes, failures, rng):
    means = (1 + successes) / (2 + successes + failures)
    share = (means / means.sum(axis=1, keepdims=True)).cumsum(axis=1)
    return (rng.random((len(means), 1)) < share).argmax(axis=1)


@wrong("q5", "All arms are equally likely")
def thompson(successes, failures, rng):
    return rng.integers(successes.shape[1], size=len(successes))


@wrong("q5", "optimistic Thompson sampling")
def thompson(successes, failures, rng):
    means = (1 + successes) / (2 + successes + failures)
    return np.maximum(rng.beta(1 + successes, 1 + failures), means).argmax(axis=1)


@wrong("q5", "draws from normal distributions")
def thompson(successes, failures, rng):
    a, b = 1 + successes, 1 + failures
    means = a / (a + b)
    return rng.normal(means, np.sqrt(means * (1 - means) / (a + b + 1))).argmax(axis=1)


@wrong("q5", "draw for EACH bandit", before="from scipy.special import betaincinv")
def thompson(successes, failures, rng):
    u = rng.random(successes.shape[1])
    return betaincinv(1.0 + successes, 1.0 + failures, u).argmax(axis=1)


@wrong("q5", "the same arm whatever is drawn")
def thompson(successes, failures, rng):
    return np.zeros(len(successes), dtype=np.int64)


@wrong("q5", "the same arm whatever is drawn")
def thompson(successes, failures, rng):
    # Whatever was pulled least.
    return (successes + failures).argmin(axis=1)


@wrong("q5", "has shape")
def thompson(successes, failures, rng):
    return rng.beta(1 + successes, 1 + failures).argmax(axis=0)


@wrong("q5", "has shape")
def thompson(successes, failures, rng):
    # The draws themselves.
    return rng.beta(1 + successes, 1 + failures)


@wrong("q5", "dtype float64")
def thompson(successes, failures, rng):
    return rng.beta(1 + successes, 1 + failures).max(axis=1)


@wrong("q5", "returned int")
def thompson(successes, failures, rng):
    # One for all.
    return int(rng.beta(1 + successes, 1 + failures).sum(axis=0).argmax())


@wrong("q5", "returned list")
def thompson(successes, failures, rng):
    return [int(row.argmax()) for row in rng.beta(1 + successes, 1 + failures)]


@wrong("q5", "there is no arm")
def thompson(successes, failures, rng):
    return rng.beta(1 + successes, 1 + failures).argmax(axis=1) + 1


@wrong("q5", "take randomness from `rng` only")
def thompson(successes, failures, rng):
    return np.random.beta(1 + successes, 1 + failures).argmax(axis=1)


@wrong("q5", "do not seed a generator inside")
def thompson(successes, failures, rng):
    return np.random.default_rng(0).beta(1 + successes, 1 + failures).argmax(axis=1)


@wrong("q5", "changes its argument number 1 in place")
def thompson(successes, failures, rng):
    successes += 1
    return rng.beta(successes, 1 + failures).argmax(axis=1)


@wrong("q5", "returned None")
def thompson(successes, failures, rng):
    drawn = rng.beta(1 + successes, 1 + failures).argmax(axis=1)


@wrong("q5", "as often as the posterior says")
def thompson(successes, failures, rng):
    # Another prior.
    return rng.beta(4 + successes, 4 + failures).argmax(axis=1)


@wrong("q5", "as often as the posterior says")
def thompson(successes, failures, rng):
    # The mean of ten draws.
    return rng.beta(1 + successes, 1 + failures, (10, *successes.shape)).mean(axis=0).argmax(axis=1)


@wrong("q5", "as often as the posterior says")
def thompson(successes, failures, rng):
    # At random now and then.
    drawn = rng.beta(1 + successes, 1 + failures).argmax(axis=1)
    other = rng.integers(successes.shape[1], size=len(drawn))
    return np.where(rng.random(len(drawn)) < 0.2, other, drawn)


# --- question 6 ------------------------------------------------------------------------------------------


@wrong("q6", "The reward itself was taken")
def regret(action, reward, arms):
    best = arms.max(dim=1).values
    return (best - reward).cumsum(0)


@wrong("q6", "The best REWARD was compared")
def regret(action, reward, arms):
    return (reward.max(dim=0).values - reward).cumsum(0)


@wrong("q6", "no arm pays 1 in the mean")
def regret(action, reward, arms):
    return (1.0 - arms.gather(1, action.T).T).cumsum(0)


@wrong("q6", "what each pull cost by itself")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return best - pulled


@wrong("q6", "Compared with the FIRST arm")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (arms[:, 0] - pulled).cumsum(0)


@wrong("q6", "Compared with the WORST arm")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (arms.min(dim=1).values - pulled).cumsum(0)


@wrong("q6", "Compared with the mean of all arms")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (arms.mean(dim=1) - pulled).cumsum(0)


@wrong("q6", "the best arm that was PULLED")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (pulled.max(dim=0).values - pulled).cumsum(0)


@wrong("q6", "the arm that paid most by chance")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    did = torch.nn.functional.one_hot(action, arms.shape[1]).float()
    average = (did * reward.unsqueeze(-1)).sum(0) / did.sum(0).clamp(min=1)
    lucky = arms.gather(1, average.argmax(dim=1, keepdim=True)).squeeze(1)
    return (lucky - pulled).cumsum(0)


@wrong("q6", "the best arm of ALL bandits")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (arms.max() - pulled).cumsum(0)


@wrong("q6", "The arms of the FIRST bandit")
def regret(action, reward, arms):
    return (arms[0].max() - arms[0][action]).cumsum(0)


@wrong("q6", "The sign is flipped")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (pulled - best).cumsum(0)


@wrong("q6", "Only the end is there")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (best - pulled).sum(0)


@wrong("q6", "This is the mean over the bandits")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (best - pulled).cumsum(0).mean(1)


@wrong("q6", "divided by the number of pulls")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (best - pulled).cumsum(0) / torch.arange(1, len(action) + 1).unsqueeze(1)


@wrong("q6", "The regret BEFORE each pull")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (best - pulled).cumsum(0) - (best - pulled)


@wrong("q6", "Added up along the bandits")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (best - pulled).cumsum(1)


@wrong("q6", "This is the sum of the rewards")
def regret(action, reward, arms):
    return reward.cumsum(0)


@wrong("q6", "Exchange the axes")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (best - pulled).cumsum(0).T


@wrong("q6", "is wrong")
def regret(action, reward, arms):
    # Never below zero.
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (best - reward).clamp(min=0).cumsum(0)


@wrong("q6", "is wrong")
def regret(action, reward, arms):
    # Discounted.
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    weight = 0.9 ** torch.arange(len(action)).unsqueeze(1)
    return ((best - pulled) * weight).cumsum(0)


@wrong("q6", "changes its argument number 3 in place")
def regret(action, reward, arms):
    best = arms.max(dim=1, keepdim=True).values
    arms -= best
    return -arms.gather(1, action.T).T.cumsum(0)


@wrong("q6", "returned None")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    (best - pulled).cumsum(0)


@wrong("q6", "expected a torch tensor")
def regret(action, reward, arms):
    pulled = arms.gather(1, action.T).T
    best = arms.max(dim=1).values
    return (best - pulled).cumsum(0).tolist()
