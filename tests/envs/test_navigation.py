"""Navigation: straight ways, the two rewards, the two families, and a goal that is never seen."""

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  registers the worlds
from course_lib.envs import navigation


def points(n: int, **options) -> navigation.NavigationVectorEnv:
    return navigation.NavigationVectorEnv(n, autoreset_mode=AutoresetMode.DISABLED, **options)


def test_the_reward_is_minus_the_distance_after_the_step():
    env = points(2, goal_x=np.array([0.3, -0.4]), goal_y=np.array([0.4, 0.0]))
    env.reset(seed=0)
    obs, reward, *_ = env.step(np.array([[1.0, 0.5], [9.0, 0.0]]))
    np.testing.assert_allclose(obs, [[0.1, 0.05, 0.3, 0.4], [0.1, 0.0, -0.4, 0.0]])  # motors clip
    np.testing.assert_allclose(reward, [-np.hypot(0.2, 0.35), -0.5])


def test_whoever_knows_the_goal_earns_what_the_way_costs():
    """Along an axis the way is d, then d - .1, ...: its sum is known."""
    env = points(2, goal_x=np.array([0.5, -0.25]), goal_y=0.0)
    env.reset(seed=0)
    returns = np.zeros(2)
    for _ in range(navigation.HORIZON):
        _, reward, terminated, truncated, _ = env.step((env.goals - env.positions) / navigation.REACH)
        returns += reward
    np.testing.assert_allclose(returns, [-1.0, -0.2], atol=1e-12)
    assert truncated.all() and not terminated.any()


def test_a_sparse_reward_is_one_on_the_goal_and_nothing_beyond_the_radius():
    distance = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 5.0])
    np.testing.assert_allclose(navigation.sparse_reward(distance, 0.2), [1, 0.75, 0.5, 0, 0, 0])
    env = points(3, goal_x=np.array([0.1, 0.2, 0.9]), goal_y=0.0, sparse_radius=0.2)
    env.reset(seed=0)
    np.testing.assert_allclose(env.step(np.tile([1.0, 0.0], (3, 1)))[1], [1.0, 0.5, 0.0], atol=1e-12)


@pytest.mark.parametrize("array", [np.array, torch.tensor])
def test_a_distance_tells_the_sparse_reward_and_no_step_is_no_goal(array):
    distance = np.array([1e-6, 0.05, 0.1, 0.2, 0.3, 5.0])
    told = navigation.sparse_from_distance(array(-distance))
    np.testing.assert_allclose(told, navigation.sparse_reward(distance, navigation.SPARSE_RADIUS), atol=1e-12)
    assert navigation.sparse_from_distance(array([0.0])) == 0.0
    np.testing.assert_allclose(navigation.sparse_from_distance(array([-0.3]), 0.4), 0.25)


def test_the_goal_is_never_seen_only_paid_for():
    family = navigation.family()
    env = family.make_vec(
        50, family.sample(np.random.default_rng(0), 50), context_observed=False, autoreset_mode="Disabled"
    )
    obs, _ = env.reset(seed=0)
    rng = np.random.default_rng(1)
    for _ in range(5):
        assert obs.shape == (50, 2) and (obs == obs[0]).all()
        obs, reward, *_ = env.step(np.tile(rng.uniform(-1, 1, 2), (50, 1)))
        assert len(np.unique(reward)) == 50


def test_a_new_episode_starts_in_the_middle_and_keeps_the_goal():
    env = points(2, goal_x=0.5, goal_y=-0.5, max_episode_steps=1)
    env.reset(seed=0)
    first = env.step(np.ones((2, 2)))[0]
    env.reset(options={"reset_mask": np.array([True, False])})
    assert env.positions.tolist() == [[0, 0], [0.1, 0.1]] and env.goals.tolist() == [[0.5, -0.5]] * 2
    np.testing.assert_allclose(first[:, :2], 0.1)  # what was observed is the caller's


def test_families_want_a_square_and_half_a_circle():
    square = navigation.family().sample(np.random.default_rng(0), 4000).array(4000)
    assert (square.min(axis=0) < -0.49).all() and (square.max(axis=0) > 0.49).all()
    assert np.abs(square).max() <= 0.5
    half = navigation.half_circle_family()
    goals = half.sample(np.random.default_rng(0), 4000).array(4000)
    np.testing.assert_allclose(np.hypot(*goals.T), 1.0)
    angle = np.arctan2(goals[:, 1], goals[:, 0])
    assert angle.min() > -1e-9 and abs(angle.mean() - np.pi / 2) < 0.07 and angle.max() > 3.1
    assert half.make_vec(3).sparse_radius == navigation.SPARSE_RADIUS
    assert navigation.half_circle_family(None).make_vec(3).sparse_radius is None


def test_the_single_world_is_the_batched_one():
    env = gymnasium.make("course/Navigation-v0", goal_x=0.1)
    check_env(env.unwrapped, skip_render_check=True)
    obs, _ = env.reset(seed=7)
    batch = points(2, goal_x=0.1)
    np.testing.assert_array_equal(batch.reset(seed=7)[0][0], obs)
    action = np.array([0.3, -0.7], dtype=np.float32)
    np.testing.assert_array_equal(batch.step(np.tile(action, (2, 1)))[0][0], env.step(action)[0])


def test_a_radius_of_nothing_is_refused():
    with pytest.raises(ValueError, match="sparse_radius must be positive or None, got 0"):
        points(1, sparse_radius=0)
