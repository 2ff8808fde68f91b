"""What is the hopper's own: its reward, what it observes, and when it has fallen."""

import numpy as np
import pytest

from course_lib.envs import hopper


def started(n=1, **options):
    env = hopper.HopperVectorEnv(n, num_threads=1, autoreset_mode="Disabled", **options)
    env.reset(seed=[0] * n)
    return env


def test_reward_is_speed_plus_survival_minus_torque():
    """Oracle: the formula of the documentation, typed out for one step."""
    env = started()
    before = env._physics.qpos[0, 0]
    action = np.array([[0.5, -1.5, 0.25]])
    _, reward, terminated, _, infos = env.step(action)
    speed = (env._physics.qpos[0, 0] - before) / 0.008
    assert not terminated[0]
    assert reward[0] == pytest.approx(speed + 1.0 - 1e-3 * (0.5**2 + 1.5**2 + 0.25**2), rel=1e-12)
    assert infos["reward_survive"][0] == 1.0
    assert env.dt == pytest.approx(0.008)


@pytest.mark.parametrize(
    "coordinate, inside, outside",
    [
        (("qpos", 1), 0.75, 0.65),
        (("qpos", 2), 0.18, 0.23),
        (("qpos", 2), -0.18, -0.23),
        (("qvel", 0), 90.0, 110.0),
    ],
)
def test_it_falls_where_gymnasium_says(coordinate, inside, outside):
    field, index = coordinate
    env = started(2)
    env._physics.qpos[:, 0] = 0
    getattr(env._physics, field)[:, index] = inside, outside
    _, _, terminated, _, infos = env.step(np.zeros((2, 3)))
    assert terminated.tolist() == [False, True]
    assert infos["reward_survive"].tolist() == [1.0, 0.0]
    assert not infos["diverged"].any()  # a fall is not a numerical accident


def test_observation_leaves_out_x_and_caps_velocities():
    env = started()
    env._physics.qvel[0, 0] = 50.0
    obs = env.step(np.zeros((1, 3)))[0]
    assert obs.shape == (1, 11) and obs.dtype == np.float64
    np.testing.assert_array_equal(obs[0, :5], env._physics.qpos[0, 1:])
    assert obs[0, 5] == 10.0 and env._physics.qvel[0, 0] > 40
    env._physics.qpos[0, 0] += 100.0
    np.testing.assert_array_equal(env._observe(env._physics.qpos, env._physics.qvel), obs)


def test_starts_are_within_the_documented_noise():
    env = hopper.HopperVectorEnv(300, num_threads=1)
    env.reset(seed=0)
    offsets = np.concatenate([env._physics.qpos - env._physics.model.qpos0, env._physics.qvel])
    assert np.abs(offsets).max() <= 5e-3 and offsets.std() == pytest.approx(5e-3 / np.sqrt(3), rel=0.05)


def test_sources_are_the_lectures_table():
    table = {name: (d.mean, d.sigma, d.low, d.high) for name, d in hopper.SOURCE.items()}
    assert table == {
        "torso_mass": (6.0, 1.5, 3.0, 9.0),
        "ground_friction": (2.0, 0.25, 1.5, 2.5),
        "joint_damping": (2.5, 1.0, 1.0, 4.0),
        "armature": (1.0, 0.25, 0.5, 1.5),
    }
    assert hopper.family().name == "hopper"
