# ruff: noqa
"""Wrong answers to ps3_goals, and words of the message that each gets. Read as text, never run.

`@wrong(question, words)`, or with `subtle=True` where only the hidden cases notice.
"""

import numpy as np
import torch

# --- question 1 ------------------------------------------------------------------------------------------


@wrong("q1", "the state goes first, the context last")
def augmented(obs, context):
    return torch.cat([context, obs], dim=-1)


@wrong("q1", "[s, omega] holds it once")
def augmented(obs, context):
    return torch.cat([obs, context, context], dim=-1)


@wrong("q1", "The observation stands there twice")
def augmented(obs, context):
    return torch.cat([obs, obs], dim=-1)


@wrong("q1", "The context is missing")
def augmented(obs, context):
    return obs


@wrong("q1", "The observation is missing")
def augmented(obs, context):
    return context


@wrong("q1", "The context was added to the observation")
def augmented(obs, context):
    return obs + context


@wrong("q1", "The observation was multiplied")
def augmented(obs, context):
    return obs * context


@wrong("q1", "The last columns hold omega - s")
def augmented(obs, context):
    return torch.cat([obs, context - obs], dim=-1)


@wrong("q1", "Only the difference omega - s is there")
def augmented(obs, context):
    return context - obs


@wrong("q1", "join along the LAST axis")
def augmented(obs, context):
    return torch.cat([obs, context])


@wrong("q1", "torch.stack makes a new axis")
def augmented(obs, context):
    return torch.stack([obs, context], dim=1)


@wrong("q1", "got the context of the first one")
def augmented(obs, context):
    return torch.cat([obs, context[:1].expand(len(obs), -1)], dim=-1)


@wrong("q1", "got the mean context")
def augmented(obs, context):
    return torch.cat([obs, context.mean(0, keepdim=True).expand_as(context)], dim=-1)


@wrong("q1", "Joined along axis 1")
def augmented(obs, context):
    # Fits for matrices only.
    return torch.cat([obs, context], dim=1)


@wrong("q1", "has shape (4, 4), expected (2, 2, 4)")
def augmented(obs, context):
    # The other axes are lost.
    joined = torch.cat([obs, context], dim=-1)
    return joined.reshape(-1, joined.shape[-1])


@wrong("q1", "returned None")
def augmented(obs, context):
    torch.cat([obs, context], dim=-1)


@wrong("q1", "changes its argument number 1 in place")
def augmented(obs, context):
    both = torch.cat([obs, context], dim=-1)
    obs += context.sum()
    return both


@wrong("q1", "expected a torch tensor")
def augmented(obs, context):
    return np.concatenate([obs.numpy(), context.numpy()], axis=-1)


@wrong("q1", "dtype float16")
def augmented(obs, context):
    return torch.cat([obs, context], dim=-1).half()


@wrong("q1", "has shape (2, 3, 2)")
def augmented(obs, context):
    return obs, context


# --- question 2 ------------------------------------------------------------------------------------------


@wrong("q2", "a task was changed in mid-episode")
def draw_tasks(tasks, starting, sample):
    return sample(len(tasks))


@wrong("q2", "a task was changed in mid-episode")
def draw_tasks(tasks, starting, sample):
    # As soon as one starts, all are drawn anew.
    return sample(len(tasks)) if starting.any() else tasks.copy()


@wrong("q2", "all that start got the same task")
def draw_tasks(tasks, starting, sample):
    tasks = tasks.copy()
    tasks[starting] = sample(1)
    return tasks


@wrong("q2", "all that start got the same task")
def draw_tasks(tasks, starting, sample):
    return np.where(starting[:, None], sample(1)[0], tasks)


@wrong("q2", "changes its argument number 1 in place")
def draw_tasks(tasks, starting, sample):
    tasks[starting] = sample(int(starting.sum()))
    return tasks


@wrong("q2", "only the first one that starts")
def draw_tasks(tasks, starting, sample):
    tasks = tasks.copy()
    if starting.any():
        tasks[starting.argmax()] = sample(1)[0]
    return tasks


@wrong("q2", "The others got a new task")
def draw_tasks(tasks, starting, sample):
    tasks = tasks.copy()
    tasks[~starting] = sample(int((~starting).sum()))
    return tasks


@wrong("q2", "returned only the 3 new tasks")
def draw_tasks(tasks, starting, sample):
    return sample(int(starting.sum()))


@wrong("q2", "some that start kept their old task")
def draw_tasks(tasks, starting, sample):
    sample(int(starting.sum()))
    return tasks.copy()


@wrong("q2", "some that start kept their old task")
def draw_tasks(tasks, starting, sample):
    # tasks[starting] is a copy: what is written there is lost.
    tasks = tasks.copy()
    tasks[starting][:] = sample(int(starting.sum()))
    return tasks


@wrong("q2", "HOW MANY tasks to draw")
def draw_tasks(tasks, starting, sample):
    tasks = tasks.copy()
    tasks[starting] = sample(starting)
    return tasks


@wrong("q2", "a task that sample never drew")
def draw_tasks(tasks, starting, sample):
    # Half of the old task is kept.
    tasks = tasks.copy()
    tasks[starting] = 0.5 * tasks[starting] + 0.5 * sample(int(starting.sum()))
    return tasks


@wrong("q2", "a task that sample never drew")
def draw_tasks(tasks, starting, sample):
    # Only the first entry of a task.
    tasks = tasks.copy()
    tasks[starting, 0] = sample(int(starting.sum()))[:, 0]
    return tasks


@wrong("q2", "a task that sample never drew")
def draw_tasks(tasks, starting, sample):
    tasks = tasks.copy()
    tasks[starting] = sample(int(starting.sum())).astype(int)
    return tasks


@wrong("q2", "all that start got the same task")
def draw_tasks(tasks, starting, sample):
    tasks = tasks.copy()
    tasks[starting] = sample(int(starting.sum())).mean(0)
    return tasks


@wrong("q2", "several that start share a task")
def draw_tasks(tasks, starting, sample):
    # Drawn once more from a few: two may get the same.
    tasks = tasks.copy()
    drawn = sample(2)
    tasks[starting] = drawn[np.arange(int(starting.sum())) % 2]
    return tasks


@wrong("q2", "has shape (9, 2)")
def draw_tasks(tasks, starting, sample):
    return np.concatenate([tasks, sample(int(starting.sum()))])


@wrong("q2", "returned None")
def draw_tasks(tasks, starting, sample):
    tasks = tasks.copy()
    tasks[starting] = sample(int(starting.sum()))


@wrong("q2", "returned list")
def draw_tasks(tasks, starting, sample):
    new = sample(int(starting.sum())).tolist()
    return [new.pop(0) if first else old for old, first in zip(tasks.tolist(), starting)]


@wrong("q2", "dtype float32")
def draw_tasks(tasks, starting, sample):
    tasks = tasks.copy()
    tasks[starting] = sample(int(starting.sum()))
    return tasks.astype(np.float32)


# --- question 3 ------------------------------------------------------------------------------------------


@wrong("q3", "This is 1 where the goal is reached")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).norm(dim=1) <= radius).float()


@wrong("q3", "The wrong way round")
def sparse_reward(achieved, goal, radius):
    return -((achieved - goal).norm(dim=1) <= radius).float()


@wrong("q3", "is worth 0 here, not 1")
def sparse_reward(achieved, goal, radius):
    return torch.where((achieved - goal).norm(dim=1) <= radius, 1.0, -1.0)


@wrong("q3", "The SQUARED distance")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).square().sum(dim=1) <= radius).float() - 1.0


@wrong("q3", "that is a box")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).abs() <= radius).all(dim=1).float() - 1.0


@wrong("q3", "One coordinate that fits is not enough")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).abs() <= radius).any(dim=1).float() - 1.0


@wrong("q3", "The absolute differences were added")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).abs().sum(dim=1) <= radius).float() - 1.0


@wrong("q3", "The squared differences were averaged")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).square().mean(dim=1).sqrt() <= radius).float() - 1.0


@wrong("q3", "<=, not <")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).norm(dim=1) < radius).float() - 1.0


@wrong("q3", "The goal is not used")
def sparse_reward(achieved, goal, radius):
    return (achieved.norm(dim=1) <= radius).float() - 1.0


@wrong("q3", "The lengths of the two vectors")
def sparse_reward(achieved, goal, radius):
    return ((achieved.norm(dim=1) - goal.norm(dim=1)).abs() <= radius).float() - 1.0


@wrong("q3", "The radius was taken twice")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).norm(dim=1) <= 2 * radius).float() - 1.0


@wrong("q3", "taken for a diameter")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).norm(dim=1) <= radius / 2).float() - 1.0


@wrong("q3", "This is the distance itself")
def sparse_reward(achieved, goal, radius):
    return -(achieved - goal).norm(dim=1)


@wrong("q3", "The norm runs over the batch")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).norm(dim=0) <= radius).float() - 1.0


@wrong("q3", "One distance for the whole batch")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).norm() <= radius).float() - 1.0


@wrong("q3", "Only the first coordinate")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal)[:, 0].abs() <= radius).float() - 1.0


@wrong("q3", "Keep one axis")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).norm(dim=1, keepdim=True) <= radius).float() - 1.0


@wrong("q3", "The radius is not used")
def sparse_reward(achieved, goal, radius):
    return (achieved == goal).all(dim=1).float() - 1.0


@wrong("q3", "This is the mean over the batch")
def sparse_reward(achieved, goal, radius):
    return (((achieved - goal).norm(dim=1) <= radius).float() - 1.0).mean()


@wrong("q3", "dtype int64")
def sparse_reward(achieved, goal, radius):
    return ((achieved - goal).norm(dim=1) <= radius).long() - 1


@wrong("q3", "expected a torch tensor")
def sparse_reward(achieved, goal, radius):
    return [0.0 if torch.dist(a, g) <= radius else -1.0 for a, g in zip(achieved, goal)]


@wrong("q3", "changes its argument number 1 in place")
def sparse_reward(achieved, goal, radius):
    achieved -= goal
    return (achieved.norm(dim=1) <= radius).float() - 1.0


@wrong("q3", "returned None")
def sparse_reward(achieved, goal, radius):
    reward = ((achieved - goal).norm(dim=1) <= radius).float() - 1.0


@wrong("q3", "The radius is not used")
def sparse_reward(achieved, goal, radius):
    # A radius of its own.
    return ((achieved - goal).norm(dim=1) <= 0.05).float() - 1.0


@wrong("q3", "is wrong")
def sparse_reward(achieved, goal, radius):
    # A slope near the goal in place of a step.
    return -((achieved - goal).norm(dim=1) / max(radius, 1e-6)).clamp(max=1.0)


# --- question 4 ------------------------------------------------------------------------------------------


@wrong("q4", "state t itself was chosen")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(time, length + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "the LAST state is never chosen")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(time + 1, np.maximum(length, time + 2))
    return rng.integers(1, length + 1)


@wrong("q4", "the LAST state is never chosen")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(time + 1, length + 1)
    return rng.integers(1, np.maximum(length, 2))


@wrong("q4", "all goals lie in the PAST")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(0, time + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "all goals lie in the PAST")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(1, time + 1) if time.min() > 0 else rng.integers(time + 1, length + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "the bounds of EACH transition")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    low = time + 1 if strategy == "future" else np.ones_like(time)
    return np.minimum(rng.integers(low, length.max() + 1), length)


@wrong("q4", "some goals lie in the PAST")
def hindsight_time(time, length, strategy, rng):
    # The same for both.
    if strategy == "final":
        return length.copy()
    return rng.integers(1, length + 1)


@wrong("q4", "look at `strategy`")
def hindsight_time(time, length, strategy, rng):
    return length.copy()


@wrong("q4", "the goal was drawn: it is always the last state")
def hindsight_time(time, length, strategy, rng):
    if strategy == "episode":
        return rng.integers(1, length + 1)
    return rng.integers(time + 1, length + 1)


@wrong("q4", "the last one is L")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length - 1
    if strategy == "future":
        return rng.integers(time + 1, length + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "always the very next state")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return time + 1
    return rng.integers(1, length + 1)


@wrong("q4", "these are steps ahead of t")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(1, length - time + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "the same state for all transitions")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    low = time + 1 if strategy == "future" else np.ones_like(time)
    return low + np.floor(rng.random() * (length + 1 - low)).astype(np.int64)


@wrong("q4", "No transition leads to it")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(time + 1, length + 1)
    return rng.integers(0, length + 1)


@wrong("q4", "That is 'future'")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    return rng.integers(time + 1, length + 1)


@wrong("q4", "not uniform")
def hindsight_time(time, length, strategy, rng):
    # All that would lie beyond the end piles up on the last state.
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return np.minimum(time + rng.integers(1, 8, size=len(time)), length)
    return rng.integers(1, length + 1)


@wrong("q4", "not uniform")
def hindsight_time(time, length, strategy, rng):
    # Rounding gives the two ends half as much as the others.
    if strategy == "final":
        return length.copy()
    low = time + 1 if strategy == "future" else np.ones_like(time)
    return np.rint(low + rng.random(len(time)) * (length - low)).astype(np.int64)


@wrong("q4", "not uniform")
def hindsight_time(time, length, strategy, rng):
    # A draw from the whole episode, lifted to what is allowed.
    if strategy == "final":
        return length.copy()
    drawn = rng.integers(1, length + 1)
    return np.maximum(drawn, time + 1) if strategy == "future" else drawn


@wrong("q4", "too even for chance")
def hindsight_time(time, length, strategy, rng):
    # In turn, not at random.
    if strategy == "final":
        return length.copy()
    low = time + 1 if strategy == "future" else np.ones_like(time)
    return low + rng.permutation(len(time)) % (length + 1 - low)


@wrong("q4", "there is no state")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(time + 1, length + 2)
    return rng.integers(1, length + 1)


@wrong("q4", "there is no state")
def hindsight_time(time, length, strategy, rng):
    # Steps ahead of t are added, but drawn from the whole length.
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return time + rng.integers(1, length + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "take randomness from `rng` only")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    low = time + 1 if strategy == "future" else 1
    return np.random.default_rng().integers(low, length + 1)


@wrong("q4", "do not seed a generator inside")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    low = time + 1 if strategy == "future" else 1
    return np.random.default_rng(0).integers(low, length + 1)


@wrong("q4", "dtype float64")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.astype(float)
    low = time + 1 if strategy == "future" else 1
    return np.floor(rng.uniform(low, length + 1))


@wrong("q4", "returned int")
def hindsight_time(time, length, strategy, rng):
    # One number for the whole batch.
    return int(length[0])


@wrong("q4", "a state beyond the end of its own episode")
def hindsight_time(time, length, strategy, rng):
    # The bounds of another episode.
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        return rng.integers(time + 1, length.max() + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "not the last state of each episode")
def hindsight_time(time, length, strategy, rng):
    # The last state of the shortest episode.
    if strategy == "final":
        return np.full_like(length, length.min())
    if strategy == "future":
        return rng.integers(time + 1, length + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "changes its argument number 1 in place")
def hindsight_time(time, length, strategy, rng):
    if strategy == "final":
        return length.copy()
    if strategy == "future":
        time += 1
        return rng.integers(time, length + 1)
    return rng.integers(1, length + 1)


@wrong("q4", "returned None")
def hindsight_time(time, length, strategy, rng):
    # Another name for a strategy.
    if strategy == "last":
        return length.copy()
    if strategy == "future":
        return rng.integers(time + 1, length + 1)
    if strategy == "episode":
        return rng.integers(1, length + 1)


# --- question 5 ------------------------------------------------------------------------------------------


@wrong("q5", "The goal was replaced in s', and not in s")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, goal), action, reward, augmented(next_obs, new_goal), reward == 0


@wrong("q5", "The goal was replaced in s, and not in s'")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, goal), reward == 0


@wrong("q5", "hold the old goal")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    # The goal is replaced in the reward only.
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, goal), action, reward, augmented(next_obs, goal), reward == 0


@wrong("q5", "and not in the reward")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward == 0


@wrong("q5", "and not in the reward")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    # The reward that was stored, and what was stored of the end.
    reward = terminated.float() - 1
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), terminated


@wrong("q5", "`terminated` is that of the old goal")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), terminated


@wrong("q5", "`terminated` is that of the old goal")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    # From the reward for the old goal.
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    ended = sparse_reward(next_obs[:, columns], goal, radius) == 0
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), ended


@wrong("q5", "ended at the old goal as well")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), terminated | (reward == 0)


@wrong("q5", "also where the old one was not")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), terminated & (reward == 0)


@wrong("q5", "The task never ends")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    ended = torch.zeros(len(obs), dtype=torch.bool)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), ended


@wrong("q5", "ends with every transition")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    ended = torch.ones(len(obs), dtype=torch.bool)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), ended


@wrong("q5", "ends where the reward is 0, and goes on where it is -1")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward.bool()


@wrong("q5", "where the step began")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward == 0


@wrong("q5", "leave that of sparse_reward as it is")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius) + 1
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward == 1


@wrong("q5", "a goal speaks of those in `columns`")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, : goal.shape[1]], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward == 0


@wrong("q5", "sparse_reward was called with shapes (5, 3) and (5, 2)")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs, new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward == 0


@wrong("q5", "The radius was not handed on")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, 0.0)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward == 0


@wrong("q5", "The goal was put behind the action")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    both = torch.cat([action, new_goal], dim=1)
    return augmented(obs, new_goal), both, reward, augmented(next_obs, new_goal), reward == 0


@wrong("q5", "An observation has no goal")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    # The goal stands with the action alone.
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return obs, torch.cat([action, new_goal], dim=1), reward, next_obs, reward == 0


@wrong("q5", "s and s' are exchanged")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(next_obs, new_goal), action, reward, augmented(obs, new_goal), reward == 0


@wrong("q5", "The next observation repeats s")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(obs, new_goal), reward == 0


@wrong("q5", "changes its argument number 4 in place")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    # The stored transition has lost its own goal.
    goal[:] = new_goal
    reward = sparse_reward(next_obs[:, columns], goal, radius)
    return augmented(obs, goal), action, reward, augmented(next_obs, goal), reward == 0


@wrong("q5", "changes its argument number 5 in place")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    terminated[:] = reward == 0
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), terminated


@wrong("q5", "changes its argument number 3 in place")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    # The state is moved to the goal, in place of the goal to the state.
    next_obs[:, columns] = new_goal
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), reward == 0


@wrong("q5", "An observation was changed to stand at the new goal")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    moved = next_obs.clone()
    moved[:, columns] = new_goal
    return augmented(obs, new_goal), action, reward, augmented(moved, new_goal), reward == 0


@wrong("q5", "expected five tensors")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal)


@wrong("q5", "dtype float32")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, reward, augmented(next_obs, new_goal), (reward == 0).float()


@wrong("q5", "next observations of relabelled")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    # As a reader of "s, a, s', r" would order them.
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(obs, new_goal), action, augmented(next_obs, new_goal), reward, reward == 0


@wrong("q5", "augmented was called with shapes (5, 2) and (5, 3)")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)
    return augmented(new_goal, obs), action, reward, augmented(new_goal, next_obs), reward == 0


@wrong("q5", "returned None")
def relabelled(obs, action, next_obs, goal, terminated, new_goal, columns, radius, augmented, sparse_reward):
    reward = sparse_reward(next_obs[:, columns], new_goal, radius)


# --- question 6 ------------------------------------------------------------------------------------------


@wrong("q6", "The target looks beyond the goal")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "Running out of time was taken for an end")
def goal_target(reward, next_value, terminated, truncated, gamma):
    ended = terminated | truncated
    return (reward + gamma * ~ended * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "`truncated` was used in place of `terminated`")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * ~truncated * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "did NOT terminate")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * terminated * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "V(s', g) is missing")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return reward.clamp(-1 / (1 - gamma), 0)


@wrong("q6", "gamma is missing")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + ~terminated * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "The reward was discounted as well")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (gamma * (reward + ~terminated * next_value)).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "multiplied by 1 - gamma")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + (1 - gamma) * ~terminated * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "was subtracted")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward - gamma * ~terminated * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "The target is not clipped.")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return reward + gamma * ~terminated * next_value


@wrong("q6", "not clipped from above")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * ~terminated * next_value).clamp(min=-1 / (1 - gamma))


@wrong("q6", "not clipped from below")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * ~terminated * next_value).clamp(max=0)


@wrong("q6", "The sign of the bounds is flipped")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * ~terminated * next_value).clamp(0, 1 / (1 - gamma))


@wrong("q6", "Clipped to -1 / (1 - gamma) and +1 / (1 - gamma)")
def goal_target(reward, next_value, terminated, truncated, gamma):
    bound = 1 / (1 - gamma)
    return (reward + gamma * ~terminated * next_value).clamp(-bound, bound)


@wrong("q6", "clipped before the step was taken")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return reward + gamma * ~terminated * next_value.clamp(-1 / (1 - gamma), 0)


@wrong("q6", "Clipped to [-1, 0]")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * ~terminated * next_value).clamp(-1, 0)


@wrong("q6", "The reward is missing")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (gamma * ~terminated * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "also at the time limit")
def goal_target(reward, next_value, terminated, truncated, gamma):
    target = (reward + gamma * next_value).clamp(-1 / (1 - gamma), 0)
    target[terminated | truncated] = 0.0
    return target


@wrong("q6", "This is the mean over the batch")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * ~terminated * next_value).clamp(-1 / (1 - gamma), 0).mean()


@wrong("q6", "not -1 / gamma")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * ~terminated * next_value).clamp(-1 / max(gamma, 1e-9), 0)


@wrong("q6", "into brackets")
def goal_target(reward, next_value, terminated, truncated, gamma):
    return (reward + gamma * ~terminated * next_value).clamp(-1 / 1 - gamma, 0)


@wrong("q6", "in the last moment")
def goal_target(reward, next_value, terminated, truncated, gamma):
    ended = terminated & ~truncated
    return (reward + gamma * ~ended * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "changes its argument number 2 in place")
def goal_target(reward, next_value, terminated, truncated, gamma):
    next_value[terminated] = 0
    return (reward + gamma * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "expected a torch tensor")
def goal_target(reward, next_value, terminated, truncated, gamma):
    target = reward.numpy() + gamma * (1 - terminated.numpy()) * next_value.numpy()
    return np.clip(target, -1 / (1 - gamma), 0)


@wrong("q6", "your code stopped with")
def goal_target(reward, next_value, terminated, truncated, gamma):
    # torch subtracts no bool.
    return (reward + gamma * (1 - terminated) * next_value).clamp(-1 / (1 - gamma), 0)


@wrong("q6", "returned None")
def goal_target(reward, next_value, terminated, truncated, gamma):
    target = (reward + gamma * ~terminated * next_value).clamp(-1 / (1 - gamma), 0)
