"""Half-cheetahs with a task: rewards typed out, a command that does not touch the physics, told or not."""

import warnings
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import course_lib.envs  # noqa: F401  (registers the worlds)
from course_lib.envs import half_cheetah_tasks as tasks
from course_lib.envs.half_cheetah import HalfCheetahVectorEnv

ACTION = np.array([0.5, -1.5, 0.25, 0.0, 1.0, -1.0])


def velocity(n=1, **options):
    options = {"autoreset_mode": "Disabled", "num_threads": 1, **options}
    return tasks.HalfCheetahVelocityVectorEnv(n, **options)


def direction(n=1, **options):
    options = {"autoreset_mode": "Disabled", "num_threads": 1, **options}
    return tasks.HalfCheetahDirectionVectorEnv(n, **options)


def test_rewards_are_the_papers_formulas():
    """Oracle: both typed out for one step, with the price that Finn et al. put on torque."""
    price = 0.5 * 0.1 * np.square(ACTION).sum()
    for env, formula in (
        (velocity(2, target_velocity=np.array([-1.0, 2.0])), lambda v, i: -abs(v - (-1.0, 2.0)[i]) - price),
        (direction(2, direction=np.array([-1.0, 1.0])), lambda v, i: (-1.0, 1.0)[i] * v - price),
        (
            direction(2, direction=np.array([-1.0, 1.0]), forward_pay=10.0),
            lambda v, i: (-v - price, 10.0 * (v - price))[i],
        ),
    ):
        env.reset(seed=0)
        before = env._physics.qpos[:, 0].copy()
        reward = env.step(np.stack([ACTION, ACTION]))[1]
        speed = (env._physics.qpos[:, 0] - before) / env.dt
        np.testing.assert_allclose(reward, [formula(speed[i], i) for i in range(2)], rtol=1e-12)


def test_a_command_changes_the_reward_and_never_the_physics_even_in_the_middle_of_a_run():
    env, plain = velocity(2, target_velocity=1.0), HalfCheetahVectorEnv(2, num_threads=1)
    np.testing.assert_array_equal(env.reset(seed=3)[0][:, :-1], plain.reset(seed=3)[0])
    actions = np.random.default_rng(0).uniform(-1, 1, (20, 2, 6))
    for t, action in enumerate(actions):
        if t % 5 == 4:
            env.set_params(replace(env.params, target_velocity=np.array([0.1 * t, -0.1 * t])))
        (obs, reward, *_, infos), expected = env.step(action), plain.step(action)[0]
        np.testing.assert_array_equal(obs[:, :-1], expected)
        np.testing.assert_array_equal(obs[:, -1], env.params.array(2)[:, -1])
        miss = np.abs(infos["x_velocity"] - obs[:, -1])  # of the command that was observed, not an old one
        np.testing.assert_allclose(reward, -miss - 0.05 * np.square(action).sum(1), rtol=1e-12)


def test_withheld_is_the_same_world_without_the_last_column():
    told, withheld = (velocity(2, target_velocity=1.7, context_observed=seen) for seen in (True, False))
    assert told.single_observation_space.shape == (18,) and withheld.single_observation_space.shape == (17,)
    np.testing.assert_array_equal(told.reset(seed=0)[0][:, :-1], withheld.reset(seed=0)[0])
    ours, theirs = told.step(np.stack([ACTION] * 2)), withheld.step(np.stack([ACTION] * 2))
    np.testing.assert_array_equal(ours[0][:, :-1], theirs[0])
    np.testing.assert_array_equal(ours[1], theirs[1])


def test_predictions_need_no_context():
    env = velocity(1, target_velocity=1.0)
    obs = env.reset(seed=0)[0]
    guess = env.predict(obs[:, :-1], ACTION[None], env.params)
    # a state read from an observation lacks the solver's memory of the last step
    np.testing.assert_allclose(guess, env.step(ACTION[None])[0][:, :-1], atol=1e-3)


@pytest.mark.parametrize("name", ["Velocity", "Direction"])
def test_single_world_is_the_batched_one_and_passes_gymnasiums_checker(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is -?infinity.*")
        check_env(gymnasium.make(f"course/HalfCheetah{name}-v0").unwrapped, skip_render_check=True)
    single = gymnasium.make(f"course/HalfCheetah{name}-v0")
    env = {"Velocity": velocity, "Direction": direction}[name](2, max_episode_steps=200)
    np.testing.assert_array_equal(single.reset(seed=1)[0], env.reset(seed=0)[0][1])
    for t in range(200):
        obs, reward, _, truncated, _ = env.step(np.stack([ACTION * np.sin(t)] * 2))
        got = single.step(ACTION * np.sin(t))
        np.testing.assert_array_equal(got[0], obs[1])
        assert got[1] == reward[1] and got[3] == truncated[1] == (t == 199)


def test_families_draw_what_they_say():
    rng = np.random.default_rng(0)
    drawn = tasks.velocity_family(0.5, 2.5).sample(rng, 2000).target_velocity
    assert drawn.min() >= 0.5 and drawn.max() <= 2.5 and drawn.mean() == pytest.approx(1.5, abs=0.05)
    family = tasks.direction_family(10.0)
    params = family.sample(rng, 2000)
    assert set(params.direction) == {-1.0, 1.0} and params.direction.mean() == pytest.approx(0, abs=0.1)
    assert set(params.forward_pay) == {10.0}
    assert family.make_vec(1).max_episode_steps == tasks.HORIZON == 200


def test_impossible_commands_are_named():
    with pytest.raises(ValueError, match="direction must be in"):
        tasks.DirectionParams(direction=2.0)
    with pytest.raises(TypeError, match="target_velocity"):
        velocity(1, target_velocty=1.0)
