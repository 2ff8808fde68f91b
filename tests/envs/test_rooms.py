"""Rooms: the wall stops whoever would cross it, the gap lets everyone through, near is near enough."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  registers the worlds
from course_lib.core.rollout import evaluate
from course_lib.core.task_family import DrawnTasks
from course_lib.envs import rooms


def points(n: int, **options) -> rooms.RoomsVectorEnv:
    return rooms.RoomsVectorEnv(n, autoreset_mode=AutoresetMode.DISABLED, **options)


@pytest.mark.parametrize(
    ("position", "action", "after"),
    [
        ((-0.5, 0.0), (1.0, -0.5), (-0.4, -0.05)),
        ((-0.5, 0.0), (9.0, 0.0), (-0.4, 0.0)),  # motors clip
        ((-0.95, 0.97), (-1.0, 1.0), (-1.0, 1.0)),  # the rim
        ((-0.05, 0.0), (1.0, 0.5), (-rooms.WALL_DISTANCE, 0.05)),  # along the wall
        ((0.05, 0.0), (-1.0, 0.0), (rooms.WALL_DISTANCE, 0.0)),
        ((-0.05, 0.6), (1.0, 0.0), (0.05, 0.6)),  # through the gap
        ((0.05, 0.6), (-1.0, 0.0), (-0.05, 0.6)),
    ],
)
def test_a_step_ends_where_walls_let_it(position, action, after):
    np.testing.assert_allclose(rooms.moved(np.array([position]), np.array([action]))[0], after, atol=1e-12)


def test_nobody_ever_crosses_below_the_gap():
    rng = np.random.default_rng(0)
    position = rng.uniform(-1, 1, (2000, 2))
    for _ in range(40):
        after = rooms.moved(position, rng.uniform(-1, 1, (2000, 2)))
        crossed = position[:, 0] * after[:, 0] < 0
        assert (position[crossed, 1] >= rooms.GAP).all()
        assert (np.abs(after) <= 1.0).all()
        position = after
    assert crossed.any()


def by_the_gap(obs: np.ndarray) -> np.ndarray:
    """A plan: straight where both are in one room, else to the gap, through it, and on."""
    (x, y), (gx, gy) = obs[:, :2].T, obs[:, 2:].T
    apart = x * gx < 0
    below = apart & (y < rooms.GAP + 0.05)
    aim_x = np.where(below, np.sign(x) * 0.02, gx)
    aim_y = np.where(apart, rooms.GAP + 0.1, gy)
    return np.stack([aim_x - x, aim_y - y], axis=1) / rooms.REACH


def test_every_goal_can_be_reached_in_time_and_costs_a_point_a_step():
    family = rooms.family()
    env = family.make_vec(400, autoreset_mode=AutoresetMode.DISABLED)
    DrawnTasks(env, family, np.random.default_rng(0))(np.ones(400, dtype=bool))
    returns = evaluate(env, by_the_gap, rooms.HORIZON, seed=0)
    assert (returns > -36).all()


def test_the_step_that_comes_within_five_centimetres_ends_the_episode():
    env = points(3, goal_x=0.5, goal_y=0.5)
    env.reset(seed=0)
    env.place([[0.5, 0.34], [0.5, 0.36], [-0.5, 0.5]])
    _, reward, terminated, _, infos = env.step(np.tile([0.0, 1.0], (3, 1)))
    np.testing.assert_array_equal(terminated, [False, True, False])  # 6 cm and 4 cm away
    np.testing.assert_array_equal(reward, [-1.0, 0.0, -1.0])
    np.testing.assert_allclose(infos["distance"][:2], [0.06, 0.04])


def test_a_finished_point_stays_and_what_was_observed_is_the_callers():
    env = points(2, context_observed=False, goal_x=0.5, goal_y=0.5)
    env.reset(seed=0)
    env.place([[0.5, 0.4], [-0.5, -0.5]])
    up = np.tile([0.0, 1.0], (2, 1))
    first, _, terminated, _, _ = env.step(up)
    assert terminated.tolist() == [True, False]
    second = env.step(up)[0]
    env.reset(seed=1)
    np.testing.assert_allclose(first, [[0.5, 0.5], [-0.5, -0.4]])
    np.testing.assert_allclose(second, [[0.5, 0.5], [-0.5, -0.3]])


def test_starts_are_anywhere_and_the_goal_stands_behind_the_place():
    env = points(500, goal_x=np.linspace(-1, 1, 500), goal_y=0.25)
    obs, _ = env.reset(seed=0)
    assert obs.shape == (500, 4)
    np.testing.assert_allclose(obs[:, 2:], env.context)
    np.testing.assert_allclose(obs[:, 2], np.linspace(-1, 1, 500))
    assert obs[:, :2].min() < -0.98 and obs[:, :2].max() > 0.98
    assert points(2, context_observed=False).reset(seed=0)[0].shape == (2, 2)


def test_the_family_wants_every_place():
    goals = rooms.family().sample(np.random.default_rng(0), 2000).array(2000)
    assert (goals.min(axis=0) < -0.98).all() and (goals.max(axis=0) > 0.98).all()
    assert (np.abs(goals.mean(axis=0)) < 0.06).all()


def test_the_picture_shows_point_goal_and_wall_above_the_ground():
    env = points(1, goal_x=0.3, goal_y=-0.8)
    env.reset(seed=0)
    env.place([[-0.2, 0.6]])
    np.testing.assert_allclose(env.pose()[0, :2, :2], [[-0.2, 1.6], [0.3, 0.2]], atol=1e-6)
    assert {geom.name for geom in env.scene.geoms} == {"point", "goal", "wall"}


def test_the_single_world_is_the_batched_one():
    env = gymnasium.make("course/Rooms-v0", goal_x=0.1)
    check_env(env.unwrapped, skip_render_check=True)
    obs, _ = env.reset(seed=7)
    batch = points(2, goal_x=0.1)
    np.testing.assert_array_equal(batch.reset(seed=7)[0][0], obs)
    action = np.array([0.3, -0.7], dtype=np.float32)
    np.testing.assert_array_equal(batch.step(np.tile(action, (2, 1)))[0][0], env.step(action)[0])
