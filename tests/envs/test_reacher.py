"""The reacher: the sparse reward, its goals, and that it is the arm's physics with another task."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  (registers the worlds)
from course_lib.envs import reacher
from course_lib.envs.arm import LINKS, ArmVectorEnv, fingertip
from course_lib.envs.reacher import ReacherParams, ReacherVectorEnv

GOALS = ReacherVectorEnv.goal_space


def build(n=1, **options):
    return ReacherVectorEnv(n, autoreset_mode=options.pop("autoreset_mode", "Disabled"), **options)


def random_actions(seed, steps, n):
    return np.random.default_rng(seed).uniform(-1.2, 1.2, (steps, n, 3)).astype(np.float32)


def drawn(n, seed=0):
    return reacher.family().sample(np.random.default_rng(seed), n)


def controller(obs):
    """Damped least squares from the fingertip towards the goal."""
    heading = np.cumsum(np.arctan2(obs[:, 3:6], obs[:, :3]), axis=1)
    links = np.stack([-LINKS * np.sin(heading), LINKS * np.cos(heading)], axis=1)
    jacobian = np.cumsum(links[..., ::-1], axis=2)[..., ::-1]
    square = jacobian @ jacobian.swapaxes(1, 2) + 0.003 * np.eye(2)
    way = np.linalg.solve(square, (obs[:, 11:] - obs[:, 9:11])[..., None])
    speed = 8.0 * (jacobian.swapaxes(1, 2) @ way)[..., 0]
    return np.clip((2.0 * speed - 0.5 * obs[:, 6:9] / 0.3) / 6.0, -1, 1)


def test_observation_and_reward_are_the_formulas():
    """Oracle: both typed out, for a goal just inside the radius, one just outside, and one far away."""
    env = build(3, max_episode_steps=None)
    obs, _ = env.reset(seed=[0, 0, 0])
    action = np.full((3, 3), 0.3)
    tip = env.step(action)[0][0, 9:11]
    env.reset(seed=[0, 0, 0])
    aside = tip[0] + np.array([0.0499, 0.0501, -0.3])
    env.set_params(ReacherParams(goal_x=aside, goal_z=tip[1]))
    obs, reward, terminated, truncated, infos = env.step(action)
    q, v = env._physics.qpos, env._physics.qvel
    for i in range(3):
        expected = [
            *np.cos(q[i]),
            *np.sin(q[i]),
            *(0.3 * v[i]),
            *fingertip(q[i : i + 1])[0],
            aside[i],
            tip[1],
        ]
        np.testing.assert_allclose(obs[i], expected, atol=1e-12)
    assert reward.tolist() == [0.0, -1.0, -1.0] and terminated.tolist() == [True, False, False]
    assert infos["reached"].tolist() == [True, False, False] and not truncated.any()
    np.testing.assert_allclose(infos["distance"], [0.0499, 0.0501, 0.3], atol=1e-12)
    np.testing.assert_array_equal(GOALS.achieved(obs), obs[:, 9:11])


def test_its_physics_is_the_arms():
    """Oracle: the same start and torques lead the arm's joints to the same angles, bit for bit."""
    env, arm = build(2, goal_x=-1.0, max_episode_steps=None), ArmVectorEnv(2, autoreset_mode="Disabled")
    env.reset(seed=3)
    arm.reset(seed=3)
    np.testing.assert_array_equal(env._physics.qpos, arm._physics.qpos)
    for action in random_actions(1, 40, 2):
        env.step(action)
        arm.step(action)
        np.testing.assert_array_equal(env._physics.qpos, arm._physics.qpos)


def test_every_goal_of_the_box_is_reached_and_chance_hardly_reaches_any():
    """The measured reason for hindsight: a random arm ends in four goals of a hundred."""
    corners = np.array([[x, z] for x in (GOALS.low[0], GOALS.high[0]) for z in (GOALS.low[1], GOALS.high[1])])
    assert np.linalg.norm(corners, axis=1).max() < LINKS.sum() - GOALS.radius
    goals = np.concatenate([corners, drawn(96).array(96)])
    env = build(100, params=ReacherParams.from_array(goals))
    obs, _ = env.reset(seed=0)
    total = np.zeros(100)
    for _ in range(40):
        obs, reward, terminated, *_ = env.step(controller(obs))
        total += reward
    assert terminated.all() and total.min() >= -39
    env.reset(seed=1)
    for action in random_actions(0, 50, 100):
        terminated = env.step(action)[2]
    assert terminated.mean() < 0.1


def test_a_new_goal_counts_at_once_and_can_be_withheld():
    env, blind = build(2), build(2, context_observed=False)
    first, _ = env.reset(seed=4)
    assert first.shape == (2, 13) and env.single_observation_space.shape == (13,)
    np.testing.assert_array_equal(blind.reset(seed=4)[0], first[:, :11])
    assert blind.single_observation_space.shape == (11,)
    for world in (env, blind):
        world.set_params(ReacherParams(goal_x=np.array([0.2, 0.3]), goal_z=-0.4))
        np.testing.assert_array_equal(world.context, [[0.2, -0.4], [0.3, -0.4]])
    np.testing.assert_array_equal(env.step(np.zeros((2, 3)))[0][:, 11:], env.context)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_worlds_that_reset_by_themselves_go_on_as_gymnasiums_do(mode):
    goal = {"goal_x": 0.6, "goal_z": 0.3}
    env = gymnasium.make_vec("course/Reacher-v0", 2, autoreset_mode=mode, **goal)
    peer = gymnasium.make_vec(
        "course/Reacher-v0",
        2,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": mode},
        **goal,
    )
    np.testing.assert_array_equal(env.reset(seed=7)[0], peer.reset(seed=7)[0])
    terminations = truncations = 0
    for action in random_actions(1, 110, 2):
        ours, theirs = env.step(action), peer.step(np.clip(action, -1, 1))
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(mine, other)
        terminations, truncations = terminations + theirs[2].sum(), truncations + theirs[3].sum()
    assert terminations and truncations


def test_divergence_ends_the_episode_and_does_not_count_as_reached():
    env = build(2)
    env.reset(seed=0)
    env._physics.qvel[1, 0] = np.nan
    obs, reward, terminated, _, infos = env.step(np.zeros((2, 3)))
    assert infos["diverged"].tolist() == terminated.tolist() == [False, True]
    assert np.isfinite(obs).all() and reward.tolist() == [-1.0, -1.0] and not infos["reached"].any()
    env.set_params(ReacherParams(goal_x=obs[1, 9], goal_z=obs[1, 10]))  # where the arm that diverged is put
    env.reset(seed=0)
    env._physics.qvel[1, 0] = np.nan
    _, reward, _, _, infos = env.step(np.zeros((2, 3)))
    assert infos["distance"][1] < GOALS.radius and not infos["reached"][1] and reward[1] == -1.0


def test_single_world_passes_gymnasiums_checker():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is -?infinity.*")
        check_env(gymnasium.make("course/Reacher-v0").unwrapped, skip_render_check=True)


def test_impossible_goals_are_named():
    with pytest.raises(ValueError, match=r"goal_x must be in \[-1, 1\], got 1.1"):
        ReacherParams(goal_x=1.1)


def test_the_goal_is_drawn_where_the_fingertip_will_be():
    env = build(2, params=drawn(2))
    obs, _ = env.reset(seed=3)
    geoms = {geom.name: geom for geom in env.scene.geoms}
    assert geoms["goal"].radius == GOALS.radius
    x, z, pitch = env.pose()[1, geoms["hand"].body].astype(float)
    tip = [x + np.cos(pitch) * LINKS[2], z - np.sin(pitch) * LINKS[2]]
    np.testing.assert_allclose(tip - env.pose()[1, -1, :2], obs[1, 9:11] - obs[1, 11:], atol=1e-6)


def test_the_family_draws_goals_evenly_over_the_box():
    goals = drawn(4000).array(4000)
    np.testing.assert_allclose(goals.min(axis=0), GOALS.low, atol=0.01)
    np.testing.assert_allclose(goals.max(axis=0), GOALS.high, atol=0.01)
    np.testing.assert_allclose(goals.mean(axis=0), [0.45, 0.0], atol=0.02)
