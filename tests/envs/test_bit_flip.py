"""Bit flipping: one bit a step, the pattern ends it, and chance almost never finds it."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  registers the worlds
from course_lib.core.rollout import evaluate
from course_lib.core.task_family import DrawnTasks
from course_lib.envs import bit_flip


def rows(n: int, bits: int, **options) -> bit_flip.BitFlipVectorEnv:
    return bit_flip.BitFlipVectorEnv(n, bits=bits, autoreset_mode=AutoresetMode.DISABLED, **options)


def test_an_action_turns_its_bit_and_no_other_and_the_pattern_ends_the_episode():
    env = rows(2, 4, bit_1=1.0)
    obs, _ = env.reset(seed=0)
    np.testing.assert_array_equal(obs[:, 4:], [[0, 1, 0, 0]] * 2)
    for step in range(4):
        wrong = obs[:, :4] != obs[:, 4:]
        action = np.where(wrong.any(axis=1), wrong.argmax(axis=1), 0)
        before, (obs, reward, terminated, truncated, _) = obs, env.step(action)
        running = wrong.any(axis=1)
        np.testing.assert_array_equal((before != obs).sum(axis=1)[running], 1)
        np.testing.assert_array_equal(terminated[running], (obs[:, :4] == obs[:, 4:]).all(axis=1)[running])
        np.testing.assert_array_equal(reward[running], terminated[running] - 1.0)
        assert not truncated.any() or step == 3
    assert terminated.all()


def test_whoever_knows_the_goal_needs_as_many_steps_as_there_are_wrong_bits():
    family = bit_flip.family(9)
    env = family.make_vec(300, autoreset_mode=AutoresetMode.DISABLED)
    DrawnTasks(env, family, np.random.default_rng(0))(np.ones(300, dtype=bool))
    first, _ = env.reset(seed=1)
    distance = (first[:, :9] != first[:, 9:]).sum(axis=1)
    returns = evaluate(env, lambda obs: (obs[:, :9] != obs[:, 9:]).argmax(axis=1)[:, None], 9, seed=1)
    assert abs(env.context.mean() - 0.5) < 0.05
    away = distance > 0
    np.testing.assert_array_equal(returns[away], -(distance[away] - 1))
    assert abs(distance.mean() - 4.5) < 0.3  # starts and goals are all patterns, equally often


def test_an_episode_lasts_as_many_steps_as_there_are_bits_unless_told_otherwise():
    for options, steps in (({}, 6), ({"max_episode_steps": 2}, 2)):
        env = rows(1, 6, **options, **{f"bit_{i}": 1.0 for i in range(6)})
        env.reset(seed=3)
        for _ in range(steps):  # turns the same bit to and fro
            _, _, terminated, truncated, _ = env.step(np.array([0]))
        assert truncated.all() and not terminated.any()


def test_a_finished_row_stays_and_what_was_observed_is_the_callers():
    env = rows(2, 3, context_observed=False)
    first, _ = env.reset(seed=0)
    one_wrong = first.copy()
    one_wrong[:, 1] = 1 - one_wrong[:, 1]
    env.set_params(type(env.params).from_array(np.stack([one_wrong[0], 1 - first[1]])))
    obs, kept = first, first.copy()
    for action in (1, 0):  # the first row is there after one step
        before, (obs, _, terminated, _, _) = obs, env.step(np.array([action, action]))
        np.testing.assert_array_equal(before, kept)
        kept = obs.copy()
        assert terminated.tolist() == [True, False]
    np.testing.assert_array_equal(obs[0], one_wrong[0])
    assert (obs[1] != first[1]).tolist() == [True, True, False]


def test_the_goal_can_be_withheld():
    told, untold = rows(3, 5), rows(3, 5, context_observed=False)
    assert told.single_observation_space.shape == (10,) and untold.single_observation_space.shape == (5,)
    np.testing.assert_array_equal(told.reset(seed=2)[0][:, :5], untold.reset(seed=2)[0])


def test_the_single_world_is_the_batched_one():
    env = gymnasium.make("course/BitFlip-v0", bits=4, bit_2=1.0)
    check_env(env.unwrapped, skip_render_check=True)
    obs, _ = env.reset(seed=7)
    batch = rows(3, 4, bit_2=1.0)
    np.testing.assert_array_equal(batch.reset(seed=7)[0][0], obs)
    np.testing.assert_array_equal(batch.step(np.array([1, 1, 1]))[0][0], env.step(1)[0])


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="bits must be at least 1, got 0"):
        rows(1, 0)
    with pytest.raises(TypeError, match="unknown parameter bit_9"):
        rows(1, 4, bit_9=1.0)
    with pytest.raises(ValueError, match="bit_0 must be in"):
        rows(1, 4, bit_0=2.0)
    with pytest.raises(ValueError, match=r"a bit of the goal must be 0 or 1, got 0\.5"):
        rows(1, 4, bit_0=0.5)
    env = rows(2, 4)
    env.reset(seed=0)
    for actions in ([0, 4], [-1, 0], [0.0, 1.0]):
        with pytest.raises(ValueError, match="integers from 0 to 3"):
            env.step(np.array(actions))
