"""What is the half-cheetah's own: its reward, what it observes, and that it never falls for good."""

import numpy as np
import pytest

from course_lib.envs import half_cheetah


def started(n=1, **options):
    env = half_cheetah.HalfCheetahVectorEnv(n, num_threads=1, autoreset_mode="Disabled", **options)
    env.reset(seed=[0] * n)
    return env


def test_reward_is_speed_minus_torque():
    """Oracle: the formula of the documentation, typed out for one step."""
    env = started()
    before = env._physics.qpos[0, 0]
    action = np.array([[0.5, -1.5, 0.25, 0.0, 1.0, -1.0]])
    reward = env.step(action)[1]
    speed = (env._physics.qpos[0, 0] - before) / 0.05
    assert reward[0] == pytest.approx(speed - 0.1 * np.square(action).sum(), rel=1e-12)
    assert env.dt == pytest.approx(0.05)


def test_it_never_terminates_even_on_its_back():
    env = started(max_episode_steps=50)
    env._physics.qpos[:, 2] = np.pi
    for _ in range(49):
        _, _, terminated, truncated, _ = env.step(np.zeros((1, 6)))
        assert not terminated[0] and not truncated[0]
    _, _, terminated, truncated, _ = env.step(np.zeros((1, 6)))
    assert truncated[0] and not terminated[0]


def test_observation_leaves_out_x_and_nothing_is_capped():
    env = started()
    env._physics.qvel[0, 0] = 50.0
    obs = env.step(np.zeros((1, 6)))[0]
    assert obs.shape == (1, 17) and obs.dtype == np.float64
    np.testing.assert_array_equal(obs[0, :8], env._physics.qpos[0, 1:])
    np.testing.assert_array_equal(obs[0, 8:], env._physics.qvel[0])
    assert obs[0, 8] > 20


def test_starts_are_within_the_documented_noise():
    env = half_cheetah.HalfCheetahVectorEnv(300, num_threads=1)
    env.reset(seed=0)
    positions = env._physics.qpos - env._physics.model.qpos0
    assert np.abs(positions).max() <= 0.1 and positions.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.05)
    assert env._physics.qvel.std() == pytest.approx(0.1, rel=0.05)


def test_damping_ratios_of_the_legs_are_the_models():
    env = started(joint_damping=3.0)
    np.testing.assert_allclose(
        env._physics.batch.get_model(0).dof_damping, [0, 0, 0, 12.0, 9.0, 6.0, 9.0, 6.0, 3.0]
    )


def test_sources_are_the_lectures_table():
    table = {name: (d.mean, d.sigma, d.low, d.high) for name, d in half_cheetah.SOURCE.items()}
    assert table == {
        "torso_mass": (6.0, 1.5, 3.0, 9.0),
        "ground_friction": (0.5, 0.1, 0.3, 0.7),
        "joint_damping": (1.5, 0.5, 0.5, 2.5),
        "armature": (0.125, 0.04, 0.05, 0.2),
    }
    assert half_cheetah.family().name == "half_cheetah"
