"""Mazes: every cell reached in one way, walls that hold, a goal that is not seen but can be remembered."""

from collections import deque

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  registers the worlds
from course_lib.envs import maze, maze_layouts


def mazes(n: int, **options) -> maze.MazeVectorEnv:
    return maze.MazeVectorEnv(n, autoreset_mode=AutoresetMode.DISABLED, **options)


def flooded(is_open: np.ndarray) -> list[int]:
    """Steps from the start to each cell, by a breadth-first search, cell by cell."""
    steps, waiting = {maze_layouts.START: 0}, deque([maze_layouts.START])
    while waiting:
        cell = waiting.popleft()
        for way, (x, y) in enumerate(((0, 1), (1, 0), (0, -1), (-1, 0))):
            there = cell + x + maze_layouts.SIDE * y
            if is_open[cell, way] and there not in steps:
                steps[there] = steps[cell] + 1
                waiting.append(there)
    return [steps[cell] for cell in range(maze_layouts.SIDE**2)]


def by_the_wall(obs: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """The right hand always on the wall: which way to go next, [N]."""
    ways = (heading[:, None] + np.array([1, 0, 3, 2])) % 4
    free = np.take_along_axis(obs > 0, ways, axis=1)
    return ways[np.arange(len(ways)), free.argmax(axis=1)]


def test_every_cell_of_a_maze_is_reached_in_one_way():
    every = maze_layouts.layouts()
    cells = maze_layouts.SIDE**2
    assert (every.open.sum(axis=(1, 2)) == 2 * (cells - 1)).all()  # a tree has a wall less than cells
    for number in range(40):
        assert flooded(every.open[number]) == every.distance[number].tolist()
    assert len(np.unique(every.open.reshape(maze_layouts.MAZES, -1), axis=0)) == maze_layouts.MAZES


def test_whoever_keeps_to_the_wall_finds_every_goal_in_one_episode():
    family = maze.new_family()
    env = family.make_vec(1000, context_observed=False, autoreset_mode=AutoresetMode.DISABLED)
    env.set_params(family.sample(np.random.default_rng(0), 1000))
    obs, _ = env.reset(seed=0)
    heading, returns = np.ones(1000, dtype=int), np.zeros(1000)
    for _ in range(maze.HORIZON):
        heading = by_the_wall(obs, heading)
        obs, reward, terminated, _, _ = env.step(heading)
        returns += reward
    assert terminated.all()
    straight = 1.0 - 0.1 * (env.shortest - 1)
    assert (returns <= straight + 1e-9).all()
    assert straight.mean() - returns.mean() > 1.0  # what remembering the way is worth


def test_walls_stop_and_what_is_seen_is_how_far_one_can_go():
    env = mazes(300, maze=np.arange(300.0), context_observed=False)
    obs, _ = env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(15):
        action, before, seen = rng.integers(4, size=300), env.positions, obs
        obs, _, terminated, _, _ = env.step(action)
        moved = np.abs(env.positions - before).sum(axis=1)
        running = ~terminated & (moved > 0)
        assert (moved <= (seen[np.arange(300), action] > 0)).all()
        # One cell on, one cell less is ahead, and at least one is behind.
        ahead, behind = obs[np.arange(300), action], obs[np.arange(300), (action + 2) % 4]
        np.testing.assert_allclose(
            ahead[running], (seen[np.arange(300), action] - 1 / 3)[running], atol=1e-12
        )
        assert (behind[running] >= 1 / 3).all()


def test_the_goal_is_a_dead_end_and_never_seen():
    """Another goal in the same maze: the same observations, until one of them is reached."""
    share = np.linspace(0, 1, 60)
    env = mazes(60, maze=5, goal=share, context_observed=False)
    ends = np.flatnonzero(maze_layouts.layouts().dead_ends[5])
    cells = env.goals[:, 0] + maze_layouts.SIDE * env.goals[:, 1]
    assert set(cells) == set(ends) and (np.diff(cells) >= 0).all()
    obs, _ = env.reset(seed=0)
    running, heading = np.ones(60, dtype=bool), np.ones(60, dtype=int)
    while running.any():
        assert (obs[running] == obs[running][0]).all()
        heading = np.full(60, by_the_wall(obs, heading)[running][0])  # all do the same
        obs, reward, terminated, truncated, _ = env.step(heading)
        np.testing.assert_array_equal(reward[running], np.where(terminated, 1.0, -0.1)[running])
        running &= ~(terminated | truncated)


def test_a_new_episode_starts_at_the_start_and_keeps_maze_and_goal():
    env = mazes(2, maze=np.array([3.0, 9.0]), goal=0.5, max_episode_steps=4)
    obs, _ = env.reset(seed=0)
    first, goals = obs.copy(), env.goals
    for way in (0, 1, 2, 3):
        env.step(np.array([way, way]))
    again, _ = env.reset(options={"reset_mask": np.array([True, True])})
    np.testing.assert_array_equal(obs, first)  # what was observed is the caller's
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(env.goals, goals)
    assert env.positions.tolist() == [[1, 1], [1, 1]]


def test_the_walls_of_a_picture_stand_where_nobody_passes():
    is_open, side = maze_layouts.layouts().open[7], maze_layouts.SIDE
    walls = maze_layouts.walls(is_open)
    pieces = {tuple(map(tuple, np.sort(wall, axis=0))) for wall in walls}
    assert len(pieces) == len(walls) == 4 * side + 2 * side * (side - 1) - (side**2 - 1)
    assert walls.min() == -0.5 and walls.max() == side - 0.5
    for cell in range(side**2):
        x, y = cell % side, cell // side
        right = ((x + 0.5, y - 0.5), (x + 0.5, y + 0.5))
        above = ((x - 0.5, y + 0.5), (x + 0.5, y + 0.5))
        assert (above in pieces, right in pieces) == (not is_open[cell, 0], not is_open[cell, 1])


def test_new_mazes_are_in_no_training():
    rng = np.random.default_rng(0)
    training, new = maze.family().sample(rng, 9000).maze, maze.new_family().sample(rng, 9000).maze
    assert training.max() < maze.TRAINING_MAZES <= new.min()
    assert training.min() < 10 and new.max() > maze_layouts.MAZES - 10


def test_the_single_world_is_the_batched_one():
    env = gymnasium.make("course/Maze-v0", maze=8)
    check_env(env.unwrapped, skip_render_check=True)
    obs, _ = env.reset(seed=7)
    batch = mazes(2, maze=8)
    np.testing.assert_array_equal(batch.reset(seed=7)[0][0], obs)
    for way in range(4):
        np.testing.assert_array_equal(batch.step(np.array([way, way]))[0][0], env.step(way)[0])


def test_a_maze_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"maze must be in \[0, 4095\], got 4096"):
        mazes(1, maze=4096)
    with pytest.raises(ValueError, match=r"maze must be a whole number, got 0\.5"):
        mazes(1, maze=0.5)
