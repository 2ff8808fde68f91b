"""The memory returns what was put in, the newest of it, and never a reset step."""

import numpy as np
import pytest
import torch

from course_lib.core.replay import Replay
from course_lib.core.rollout import Transitions


def numbered(first: int, steps: int, n: int = 1, valid: bool = True) -> Transitions:
    """Transitions whose every number tells which one they are."""
    index = first + torch.arange(steps * n).reshape(steps, n).float()
    return Transitions(
        obs=torch.stack([index, index + 0.1], dim=-1),
        action=(index + 0.2).unsqueeze(-1),
        reward=index + 0.3,
        next_obs=torch.stack([index + 0.4, index + 0.5], dim=-1),
        terminated=index % 2 == 0,
        ended=torch.ones(steps, n, dtype=torch.bool),
        valid=torch.full((steps, n), valid),
    )


def indices(replay: Replay, seed: int = 0) -> set[int]:
    return {int(i) for i in replay.sample(500, np.random.default_rng(seed)).obs[:, 0]}


def test_every_part_of_a_transition_stays_with_it():
    replay = Replay(100, 2, 1)
    replay.add(numbered(0, 5, n=3))
    batch = replay.sample(200, np.random.default_rng(0))
    index = batch.obs[:, 0]
    assert torch.allclose(batch.obs[:, 1], index + 0.1)
    assert torch.allclose(batch.action[:, 0], index + 0.2)
    assert torch.allclose(batch.reward, index + 0.3)
    assert torch.allclose(batch.next_obs, torch.stack([index + 0.4, index + 0.5], -1))
    assert torch.equal(batch.terminated, index % 2 == 0)
    assert torch.equal(batch.weight, torch.ones(200))
    assert set(index.int().tolist()) == set(range(15))


def test_the_oldest_are_forgotten_also_across_the_end_of_the_memory():
    replay = Replay(10, 2, 1)
    for first in (0, 4, 8):
        replay.add(numbered(first, 4))
    assert len(replay) == 10
    assert indices(replay) == set(range(2, 12))


def test_more_than_fits_at_once_leaves_the_newest():
    replay = Replay(3, 2, 1)
    replay.add(numbered(0, 8))
    assert indices(replay) == {5, 6, 7}
    replay.add(numbered(8, 1))
    assert indices(replay) == {6, 7, 8}


def test_reset_steps_are_not_kept():
    replay = Replay(10, 2, 1)
    replay.add(numbered(0, 4, valid=False))
    assert len(replay) == 0
    with pytest.raises(ValueError, match="add transitions first"):
        replay.sample(1, np.random.default_rng(0))


def test_drawing_is_uniform_and_repeatable():
    replay = Replay(4, 2, 1)
    replay.add(numbered(0, 4))
    drawn = replay.sample(8000, np.random.default_rng(1)).obs[:, 0]
    counts = np.bincount(drawn.int().numpy(), minlength=4)
    assert np.abs(counts - 2000).max() < 4 * np.sqrt(8000 * 0.25 * 0.75)
    assert torch.equal(drawn, replay.sample(8000, np.random.default_rng(1)).obs[:, 0])


def test_foreign_sizes_and_no_room_are_refused():
    with pytest.raises(ValueError, match="capacity must be at least 1"):
        Replay(0, 2, 1)
    with pytest.raises(ValueError, match="observations of size 3 and actions of size 1, got 2"):
        Replay(5, 3, 1).add(numbered(0, 2))
