"""Recorded paths: every place once, episodes cut where they begin, trials as the collector makes them."""

import numpy as np
import torch

from course_lib.core.memory import MemoryPolicy
from course_lib.core.trials import TrialCollector
from course_lib.envs import grid_navi, maze
from course_lib.envs.recorded_paths import RecordedPaths


def test_episodes_are_cut_where_they_begin_and_who_waits_is_not_recorded():
    env = RecordedPaths(grid_navi.GridNaviVectorEnv(2, autoreset_mode="Disabled", max_episode_steps=2))
    env.reset(seed=0)
    for action in (1, 2):
        env.step(np.array([action, 0]))
    env.reset(options={"reset_mask": np.array([True, False])})
    env.step(np.array([2, 1]))
    assert [path.tolist() for path in env.paths(0)] == [[[0, 0], [0, 1], [1, 1]], [[0, 0], [1, 0]]]
    assert [path.tolist() for path in env.paths(1)] == [[[0, 0]] * 3]
    env.step(np.array([0, 0]))
    env.reset(options={"reset_mask": np.array([True, True])})  # all at once, and still the same trials
    assert [len(path) for path in env.paths(0)] == [3, 3, 1]
    env.reset()
    assert [path.tolist() for path in env.paths(0)] == [[[0, 0]]]


def test_the_paths_of_a_trial_are_what_its_collector_saw():
    """In a maze: as long as the episodes are, cell by cell, and to the goal where one was reached."""
    torch.manual_seed(0)
    family, rng = maze.family(), np.random.default_rng(0)
    env = RecordedPaths(family.make_vec(50, autoreset_mode="Disabled", context_observed=False))
    collector = TrialCollector(env, lambda n: family.sample(rng, n), episodes=3, seed=0)
    collector.collect(MemoryPolicy(4, 4, True))
    trials = collector.collect(MemoryPolicy(4, 4, True))
    reached = 0
    for n in range(50):
        paths = env.paths(n)
        lengths = [int((trials.valid & (trials.episode == e))[:, n].sum()) for e in range(3)]
        assert [len(path) - 1 for path in paths] == lengths
        for path in paths:
            assert path[0].tolist() == [1, 1] and np.abs(np.diff(path, axis=0)).sum(axis=1).max() <= 1
            there = (path == env.goals[n]).all(axis=1)
            assert not there[:-1].any()
            assert there[-1] == (len(path) <= maze.HORIZON) or len(path) == maze.HORIZON + 1
            reached += there[-1]
    assert reached == int((trials.reward == 1.0).sum()) > 0
