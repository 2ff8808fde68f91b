"""Replay of whole episodes: each transition equally often, none after an end, the oldest go first."""

import numpy as np
import pytest

from course_lib.core.episode_replay import EpisodeReplay


@pytest.fixture
def replay(walks):
    memory = EpisodeReplay(capacity=4, horizon=5, obs_size=1, action_size=1, goal_size=1)
    memory.add(walks([5, 2, 3], 5, [False, True, False]))
    return memory


def test_moments_are_what_happened_all_equally_often_and_nothing_after_an_end(replay):
    moments = replay.sample(6000, np.random.default_rng(0))
    place = 100 * moments.episode + moments.time
    np.testing.assert_array_equal(moments.obs[:, 0], place)
    np.testing.assert_array_equal(moments.action[:, 0], place)
    np.testing.assert_array_equal(moments.next_obs[:, 0], place + 1)
    np.testing.assert_array_equal(moments.goal[:, 0], 7 + moments.episode)
    np.testing.assert_array_equal(moments.length, np.array([5, 2, 3])[moments.episode])
    _, counts = np.unique(place, return_counts=True)
    assert len(counts) == 10 and counts.min() > 500 and counts.max() < 700  # 600 each, to 4 deviations
    np.testing.assert_array_equal(moments.terminated, (moments.episode == 1) & (moments.time == 1))


def test_the_oldest_episodes_go_first(replay, walks):
    replay.add(walks([1, 1], 1, [False, False]))  # places 3 and 0
    moments = replay.sample(2000, np.random.default_rng(0))
    assert len(replay) == 4
    assert set(zip(moments.episode.tolist(), moments.length.tolist(), strict=True)) == {
        *((0, 1), (1, 2), (2, 3), (3, 1))
    }


def test_episodes_that_do_not_fit_are_refused(replay, walks):
    with pytest.raises(ValueError, match=r"4 episodes of 5 steps .* got 1 of 6 steps with 2"):
        replay.add(walks([6], 6, [False]))
    with pytest.raises(ValueError, match="got 5 of 1 steps"):
        replay.add(walks([1] * 5, 1, [False] * 5))
    with pytest.raises(ValueError, match="nothing to sample from"):
        EpisodeReplay(1, 1, 1, 1, 1).sample(1, np.random.default_rng(0))
