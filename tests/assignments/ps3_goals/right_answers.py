# ruff: noqa
"""Right answers to ps3_goals, each written differently. Read as text, never run: `@right(question)`."""

import numpy as np
import torch

# --- question 1 ------------------------------------------------------------------------------------------


@right("q1")
def augmented(obs, context):
    """concatenate, with numpy's word for the axis."""
    return torch.concatenate((obs, context), axis=-1)


@right("q1")
def augmented(obs, context):
    """Written into a new tensor."""
    both = obs.new_empty((*obs.shape[:-1], obs.shape[-1] + context.shape[-1]))
    both[..., : obs.shape[-1]] = obs
    both[..., obs.shape[-1] :] = context
    return both


@right("q1")
def augmented(obs, context):
    """By the number of the last axis."""
    return torch.cat([obs, context], obs.ndim - 1)


@right("q1")
def augmented(obs, context):
    """Columns, put together again."""
    return torch.stack([*obs.unbind(-1), *context.unbind(-1)], dim=-1)


@right("q1")
def augmented(obs, context):
    """Through numpy and back."""
    return torch.from_numpy(np.concatenate([obs.numpy(), context.numpy()], axis=-1))


@right("q1")
def augmented(obs, context):
    """In double precision."""
    return torch.cat([obs.double(), context.double()], dim=-1)


# --- question 2 ------------------------------------------------------------------------------------------


@right("q2")
def draw_tasks(tasks, starting, sample):
    """One at a time."""
    new = np.array(tasks)
    for i in np.flatnonzero(starting):
        new[i] = sample(1)[0]
    return new


@right("q2")
def draw_tasks(tasks, starting, sample):
    """A draw for everyone, of which the others make no use."""
    return np.where(starting[:, None], sample(len(tasks)), tasks)


@right("q2")
def draw_tasks(tasks, starting, sample):
    """By numbers of rows."""
    rows = np.nonzero(starting)[0]
    result = tasks + 0.0
    result[rows, :] = sample(rows.size)
    return result


@right("q2")
def draw_tasks(tasks, starting, sample):
    """np.place's elder sister."""
    result = tasks.copy()
    np.copyto(result, sample(tasks.shape[0]), where=starting.reshape(-1, 1))
    return result


@right("q2")
def draw_tasks(tasks, starting, sample):
    """A list of rows, in reverse."""
    fresh = list(sample(np.count_nonzero(starting)))
    rows = [fresh.pop() if begins else kept for kept, begins in zip(tasks, starting)]
    return np.array(rows, dtype=np.float64).reshape(tasks.shape)


@right("q2")
def draw_tasks(tasks, starting, sample):
    """Nothing is drawn where nobody starts."""
    if not starting.any():
        return tasks
    tasks = tasks.copy()
    tasks[starting] = sample(starting.sum())
    return tasks


# --- question 3 ------------------------------------------------------------------------------------------


@right("q3")
def sparse_reward(achieved, goal, radius):
    """torch.where."""
    distance = torch.linalg.vector_norm(achieved - goal, dim=-1)
    return torch.where(distance <= radius, 0.0, -1.0)


@right("q3")
def sparse_reward(achieved, goal, radius):
    """The cost of being outside."""
    return -((goal - achieved).norm(p=2, dim=1) > radius).float()


@right("q3")
def sparse_reward(achieved, goal, radius):
    """Filled in afterwards."""
    reward = torch.full((len(goal),), -1.0)
    reward[((achieved - goal) ** 2).sum(1).sqrt() <= radius] = 0
    return reward


@right("q3")
def sparse_reward(achieved, goal, radius):
    """Squares on both sides."""
    return ((achieved - goal).square().sum(1) <= radius**2).float() - 1


@right("q3")
def sparse_reward(achieved, goal, radius):
    """A loop, in plain Python."""
    rewards = []
    for a, g in zip(achieved.tolist(), goal.tolist()):
        squared = sum((x - y) ** 2 for x, y in zip(a, g))
        rewards.append(0.0 if squared**0.5 <= radius else -1.0)
    return torch.tensor(rewards)


@right("q3")
def sparse_reward(achieved, goal, radius):
    """pairwise_distance, without its own epsilon, in double precision."""
    distance = torch.nn.functional.pairwise_distance(achieved.double(), goal.double(), eps=0.0)
    return distance.le(radius).double().sub(1.0)


# --- question 4 ------------------------------------------------------------------------------------------


@right("q4")
def hindsight_time(time, length, strategy, rng):
    """endpoint=True."""
    low = {"final": length, "future": time + 1, "episode": np.ones_like(time)}[strategy]
    return rng.integers(low, length, endpoint=True)


@right("q4")
def hindsight_time(time, length, strategy, rng):
    """A share of what is left, rounded down."""
    if strategy == "final":
        return length + 0
    low = time + 1 if strategy == "future" else 1
    return (low + np.floor(rng.random(time.shape) * (length - low + 1))).astype(np.int64)


@right("q4")
def hindsight_time(time, length, strategy, rng):
    """Steps ahead, then added."""
    match strategy:
        case "final":
            ahead = length - time
        case "future":
            ahead = 1 + rng.integers(length - time)
        case "episode":
            ahead = 1 + rng.integers(length) - time
    return time + ahead


@right("q4")
def hindsight_time(time, length, strategy, rng):
    """One by one."""
    chosen = []
    for t, last in zip(time, length):
        states = {"final": [last], "future": range(t + 1, last + 1), "episode": range(1, last + 1)}[strategy]
        chosen.append(int(rng.choice(np.array(states))))
    return np.array(chosen)


@right("q4")
def hindsight_time(time, length, strategy, rng):
    """Backwards from the end."""
    if strategy == "final":
        return np.array(length)
    back = length - time if strategy == "future" else length
    return length - rng.integers(0, back)


# --- question 5 ------------------------------------------------------------------------------------------


@right("q5")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    """A list, and the end from a comparison."""
    reward = sparse_reward(next_obs[..., columns], new_goal, radius)
    return [augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward > -0.5]


@right("q5")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    """index_select, copies, and both observations with one call."""
    achieved = next_obs.index_select(1, torch.tensor(columns))
    reward = sparse_reward(achieved, new_goal, radius)
    both = augmented(torch.cat([obs, next_obs]), torch.cat([new_goal, new_goal]))
    before, after = both.split(len(obs))
    return before, action.clone(), reward, after, (1.0 + reward).bool()


@right("q5")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    """Only torch."""
    there = (next_obs[:, columns] - new_goal).norm(dim=1) <= radius
    reward = torch.zeros(len(obs)).masked_fill(~there, -1.0)
    return torch.cat([obs, new_goal], 1), action, reward, torch.cat([next_obs, new_goal], 1), there


@right("q5")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    """Copies that are changed in place."""
    goal, terminated = goal.clone(), terminated.clone()
    goal[:] = new_goal
    reward = sparse_reward(torch.stack([next_obs[:, c] for c in columns], dim=1), goal, radius)
    terminated[:] = reward == 0.0
    return augmented(obs, goal), action, reward, augmented(next_obs, goal), terminated


@right("q5")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    """Rewards as a column at first."""
    reward = sparse_reward(next_obs[:, columns], new_goal, radius).reshape(-1, 1)
    ended = torch.where(reward.squeeze(1) == 0, True, False)
    return augmented(obs, new_goal), action, reward.flatten(), augmented(next_obs, new_goal), ended


# --- question 6 ------------------------------------------------------------------------------------------


@right("q6")
def goal_target(reward, next_value, terminated, truncated, gamma):
    """torch.where."""
    future = torch.where(terminated, torch.zeros_like(next_value), next_value)
    return torch.clip(reward + gamma * future, -1 / (1 - gamma), 0)


@right("q6")
def goal_target(reward, next_value, terminated, truncated, gamma):
    """min and max."""
    target = reward + gamma * (1 - terminated.float()) * next_value
    low = torch.tensor(1.0 / (gamma - 1.0))
    return torch.minimum(torch.maximum(target, low), torch.tensor(0.0))


@right("q6")
def goal_target(reward, next_value, terminated, truncated, gamma):
    """In place, on a copy."""
    target = next_value.clone().masked_fill_(terminated, 0.0)
    return target.mul_(gamma).add_(reward).clamp_(min=-((1 - gamma) ** -1), max=0)


@right("q6")
def goal_target(reward, next_value, terminated, truncated, gamma):
    """In double precision."""
    alive = terminated.logical_not().double()
    return (reward.double() + gamma * alive * next_value.double()).clamp(-1 / (1 - gamma), 0)


@right("q6")
def goal_target(reward, next_value, terminated, truncated, gamma):
    """One by one."""
    targets = []
    for r, v, ended in zip(reward.tolist(), next_value.tolist(), terminated.tolist()):
        target = r if ended else r + gamma * v
        targets.append(min(0.0, max(-1 / (1 - gamma), target)))
    return torch.tensor(targets)
