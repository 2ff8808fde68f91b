"""The memory of many tasks: the newest of each, whole, evenly drawn, and never that of another task."""

import numpy as np
import pytest
import torch

from course_lib.core.rollout import Transitions
from course_lib.core.task_replay import TaskReplay


def numbered(steps, tasks, first=0, valid=None):
    """Transitions of which every number tells the task, and when it happened: 1000 task + time."""
    number = 1000.0 * torch.as_tensor(tasks) + (first + torch.arange(steps))[:, None]
    return Transitions(
        obs=torch.stack([number, number + 0.1], dim=-1),
        action=(number + 0.2).unsqueeze(-1),
        reward=number + 0.3,
        next_obs=torch.stack([number + 0.4, number + 0.5], dim=-1),
        terminated=number % 2 == 0,
        ended=torch.ones(steps, len(tasks), dtype=torch.bool),
        valid=torch.ones(steps, len(tasks), dtype=torch.bool) if valid is None else valid,
    )


def filled(tasks=3, capacity=10, steps=4):
    replay = TaskReplay(tasks, capacity, 2, 1)
    everyone = np.arange(tasks)
    replay.add(everyone, numbered(steps, everyone))
    return replay


def times(replay, task, draws=400):
    """When what is known of a task happened."""
    batch = replay.sample(np.array([task]), draws, np.random.default_rng(0))
    assert (batch.obs[..., 0] // 1000 == task).all()
    return sorted({int(number) for number in batch.obs[0, :, 0] % 1000})


def test_every_part_of_a_transition_stays_with_it_and_with_its_task():
    replay, tasks = filled(), np.array([2, 0, 0, 1])
    batch = replay.sample(tasks, 50, np.random.default_rng(0))
    number = batch.obs[..., 0]
    assert number.shape == (4, 50) and torch.equal((number // 1000)[:, 0], torch.tensor([2.0, 0, 0, 1]))
    assert (number // 1000 == torch.from_numpy(tasks)[:, None]).all()
    for found, more in (
        (batch.obs[..., 1], 0.1),
        (batch.action[..., 0], 0.2),
        (batch.reward, 0.3),
        (batch.next_obs[..., 0], 0.4),
        (batch.next_obs[..., 1], 0.5),
    ):
        torch.testing.assert_close(found, number + more, atol=1e-3, rtol=0)
    assert batch.terminated.dtype == torch.bool and torch.equal(batch.terminated, number % 2 == 0)
    assert not torch.equal(number[1], number[2])  # one task twice: drawn for each


def test_the_oldest_go_first_in_each_task_on_its_own():
    replay = TaskReplay(3, 10, 2, 1)
    for first in (0, 4, 8):
        replay.add(np.array([0]), numbered(4, [0], first))
    replay.add(np.array([2, 1]), numbered(3, [2, 1], 50))
    assert replay.counts().tolist() == [10, 3, 3]
    assert times(replay, 0) == list(range(2, 12))
    assert times(replay, 1) == times(replay, 2) == [50, 51, 52]


def test_more_than_fits_at_once_leaves_the_newest():
    replay = TaskReplay(2, 3, 2, 1)
    replay.add(np.array([1]), numbered(8, [1]))
    assert times(replay, 1) == [5, 6, 7]
    replay.add(np.array([1]), numbered(1, [1], 8))
    assert times(replay, 1) == [6, 7, 8]


def test_two_simulations_of_one_task_add_to_one_memory():
    replay = TaskReplay(2, 10, 2, 1)
    replay.add(np.array([1, 1]), numbered(3, [1, 1]))
    assert replay.counts().tolist() == [0, 6]


def test_what_is_not_valid_is_not_kept():
    valid = torch.tensor([[True, False], [True, False], [False, False]])
    replay = TaskReplay(2, 10, 2, 1)
    replay.add(np.arange(2), numbered(3, [0, 1], valid=valid))
    assert replay.counts().tolist() == [2, 0] and times(replay, 0) == [0, 1]


def test_drawing_is_even_and_repeatable():
    replay = filled()
    replay.add(np.array([1]), numbered(4, [1], 4))
    draws = [replay.sample(np.array([1, 2]), 8000, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    for row, count in ((0, 8), (1, 4)):
        seen = np.bincount((draws[0].obs[row, :, 0] % 1000).int().numpy(), minlength=count)
        assert len(seen) == count and np.abs(seen - 8000 / count).max() < 4 * np.sqrt(8000 / count)
    assert torch.equal(draws[0].obs, draws[1].obs) and not torch.equal(draws[0].obs, draws[2].obs)


def test_what_was_drawn_does_not_change_when_more_is_added():
    replay = filled(capacity=4)
    batch = replay.sample(np.array([0]), 20, np.random.default_rng(0))
    before = batch.obs.clone()
    replay.add(np.array([0]), numbered(4, [0], 90))
    assert torch.equal(batch.obs, before)


def test_no_room_and_unknown_tasks_are_refused():
    with pytest.raises(ValueError, match="at least 1, got 0 and 5"):
        TaskReplay(0, 5, 2, 1)
    with pytest.raises(ValueError, match="at least 1, got 3 and 0"):
        TaskReplay(3, 0, 2, 1)
    replay = TaskReplay(3, 5, 2, 1)
    replay.add(np.array([0]), numbered(1, [0]))
    with pytest.raises(ValueError, match="nothing to sample from in task 2: add transitions first"):
        replay.sample(np.array([0, 2]), 1, np.random.default_rng(0))
