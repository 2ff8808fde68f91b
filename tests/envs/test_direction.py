"""The direction that pays: its reward is a part of the action, and two steps give it away."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import course_lib.envs  # noqa: F401  registers the worlds
from course_lib.envs import direction


def points(n: int, **options) -> direction.DirectionVectorEnv:
    return direction.DirectionVectorEnv(n, autoreset_mode="Disabled", **options)


def test_the_reward_is_the_part_of_the_action_along_the_direction():
    angle = np.array([0.0, np.pi / 2, np.pi, np.pi / 3])
    env = points(4, angle=angle)
    env.reset(seed=0)
    for action, right in (
        ([1.0, 0.0], np.cos(angle)),
        ([0.0, 1.0], np.sin(angle)),
        ([-0.5, 0.25], -0.5 * np.cos(angle) + 0.25 * np.sin(angle)),
        ([3.0, -9.0], np.cos(angle) - np.sin(angle)),  # bounds
    ):
        _, reward, terminated, truncated, _ = env.step(np.tile(np.float32(action), (4, 1)))
        np.testing.assert_allclose(reward, right, atol=1e-12)
        assert not terminated.any() and not truncated.any()


def test_whoever_is_told_the_direction_earns_25_and_a_half():
    """By hand: 20 steps of |cos| + |sin|, whose mean over all angles is 4 / pi."""
    angle = direction.family().sample(np.random.default_rng(0), 4000).angle
    env = points(4000, angle=angle)
    env.reset(seed=0)
    total = sum(env.step(np.sign(env.directions))[1] for _ in range(direction.HORIZON))
    np.testing.assert_allclose(total, 20 * (np.abs(np.cos(angle)) + np.abs(np.sin(angle))))
    assert total.mean() == pytest.approx(80 / np.pi, abs=4 * total.std() / np.sqrt(4000))


def test_two_steps_that_are_not_parallel_give_the_direction_away():
    env = points(50, angle=np.random.default_rng(1).uniform(0, 2 * np.pi, 50), context_observed=False)
    env.reset(seed=0)
    actions = np.array([[0.7, 0.1], [-0.2, 0.9]], dtype=np.float32)
    rewards = np.stack([env.step(np.tile(action, (50, 1)))[1] for action in actions])
    np.testing.assert_allclose(np.linalg.solve(actions.astype(float), rewards).T, env.directions, atol=1e-9)


def test_a_step_goes_a_tenth_of_a_metre_and_the_direction_is_never_seen():
    env = points(3, angle=np.array([0.0, 2.0, 4.0]), context_observed=False)
    obs, _ = env.reset(seed=0)
    rng, where = np.random.default_rng(2), np.zeros(2)
    assert (obs == 0).all() and obs.shape == (3, 2)
    for _ in range(direction.HORIZON):
        action = rng.uniform(-1.5, 1.5, 2).astype(np.float32)
        where = where + direction.REACH * np.clip(action.astype(float), -1, 1)
        obs, _, terminated, truncated, _ = env.step(np.tile(action, (3, 1)))
        np.testing.assert_allclose(obs, np.tile(where, (3, 1)))
        np.testing.assert_array_equal(env.positions, obs)
        assert not terminated.any()
    assert truncated.all()


def test_a_new_episode_starts_in_the_middle_and_keeps_the_direction():
    env = points(3, angle=np.array([1.0, 2.0, 3.0]), max_episode_steps=2)
    env.reset(seed=0)
    for _ in range(2):
        env.step(np.ones((3, 2), dtype=np.float32))
    env.reset(options={"reset_mask": np.array([True, False, True])})
    np.testing.assert_allclose(env.positions, [[0, 0], [0.2, 0.2], [0, 0]])
    assert env.params.angle.tolist() == [1, 2, 3]
    env.step(np.ones((3, 2), dtype=np.float32))  # who is through waits
    np.testing.assert_allclose(env.positions, [[0.1, 0.1], [0.2, 0.2], [0.1, 0.1]])


def test_the_direction_is_told_where_it_should_be():
    obs, _ = points(2, angle=np.array([0.5, 3.0])).reset(seed=0)
    np.testing.assert_array_equal(obs, [[0, 0, 0.5], [0, 0, 3.0]])


def test_the_family_wants_every_direction_equally_often():
    angle = direction.family().sample(np.random.default_rng(3), 8000).angle
    count = np.histogram(angle, bins=8, range=(0.0, 2 * np.pi))[0]
    assert count.sum() == 8000 and np.abs(count - 1000).max() < 4 * np.sqrt(1000)


def test_the_single_world_is_the_batched_one():
    env = gymnasium.make("course/Direction-v0", angle=2.5)
    check_env(env.unwrapped, skip_render_check=True)
    assert env.spec.max_episode_steps == direction.HORIZON
    obs, _ = env.reset(seed=7)
    batch = points(2, angle=2.5)
    np.testing.assert_array_equal(batch.reset(seed=7)[0][0], obs)
    action = np.array([0.3, -0.8], dtype=np.float32)
    together, alone = batch.step(np.tile(action, (2, 1))), env.step(action)
    np.testing.assert_array_equal(together[0][0], alone[0])
    assert together[1][0] == alone[1]


def test_a_direction_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="angle must be in"):
        points(1, angle=7.0)
    with pytest.raises(TypeError, match="angel"):
        points(1, angel=1.0)
