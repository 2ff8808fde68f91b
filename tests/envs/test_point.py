"""The point world: its formula, its exact density, its wall, and what a broken motor costs."""

import dataclasses
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from scipy import stats

import course_lib.envs  # noqa: F401  (registers the worlds)
from course_lib.core.rollout import evaluate
from course_lib.core.task_family import TaskFamily
from course_lib.envs import point
from course_lib.envs.point import GOAL, PointParams, PointVectorEnv, log_density, mean_step


def build(n=1, **options):
    return PointVectorEnv(n, autoreset_mode="Disabled", **options)


def random_actions(seed, steps, n):
    return np.random.default_rng(seed).uniform(-1.2, 1.2, (steps, n, 3)).astype(np.float32)


def test_a_step_without_noise_is_the_formula():
    """Oracle: the motors and the reward typed out, beyond what the motors can give, too."""
    env = build(2, noise=0.0, first_motor=np.array([1.0, -0.5]))
    obs, _ = env.reset(seed=3)
    obs, before = env.reset(seed=3)[0], obs
    np.testing.assert_array_equal(obs, before)
    action = np.array([[0.5, -0.25, 1.0], [0.5, -0.25, 7.0]])
    after, reward, terminated, truncated, infos = env.step(action)
    for i, first in enumerate((1.0, -0.5)):
        x = obs[i, 0] + 0.2 * first * 0.5 - 0.15 * 0.25
        y = obs[i, 1] + 0.15 * 1.0
        np.testing.assert_allclose(after[i], [x, y], rtol=1e-14)
        cost = 0.02 * (0.5**2 + 0.25**2 + 1.0)
        assert reward[i] == pytest.approx(-np.hypot(x - 1.0, y) - cost, rel=1e-12)
        assert infos["reward_ctrl"][i] == pytest.approx(-cost)
    assert not terminated.any() and not truncated.any()
    np.testing.assert_array_equal(after, mean_step(obs, action, env.params))


def test_starts_and_noise_have_the_documented_spread():
    env = build(4000)
    obs, _ = env.reset(seed=0)
    np.testing.assert_allclose(obs.mean(axis=0), [-1.0, 0.0], atol=0.01)
    np.testing.assert_allclose(obs.std(axis=0), 0.1, rtol=0.05)
    action = np.tile([0.3, 0.2, -0.4], (4000, 1))
    error = env.step(action)[0] - mean_step(obs, action, env.params)
    assert abs(np.corrcoef(error.T)[0, 1]) < 0.05
    assert stats.kstest((error / 0.02).ravel(), "norm").pvalue > 0.01


def test_log_density_is_scipys_and_explains_what_the_world_does():
    rng = np.random.default_rng(0)
    params = PointParams(first_motor=np.array([1.0, -1.0, 0.3]), noise=np.array([0.02, 0.1, 0.5]))
    obs, action = rng.normal(size=(3, 2)), rng.uniform(-1, 1, (3, 3))
    next_obs = obs + rng.normal(0, 0.1, (3, 2))
    got = log_density(obs, action, next_obs, params)
    for i in range(3):
        mean = mean_step(obs, action, params)[i]
        expected = stats.multivariate_normal(mean, params.noise[i] ** 2 * np.eye(2)).logpdf(next_obs[i])
        assert got[i] == pytest.approx(expected, rel=1e-10)
    # On what the source really did, the source's density is the larger one, on average.
    env = build(500)
    obs, _ = env.reset(seed=0)
    action = rng.uniform(-1, 1, (500, 3))
    next_obs = env.step(action)[0]
    reversed_motor = dataclasses.replace(env.params, first_motor=-1.0)
    delta = log_density(obs, action, next_obs, reversed_motor) - log_density(
        obs, action, next_obs, env.params
    )
    # The mean of delta over the source is minus the Kullback-Leibler divergence of two Gaussians.
    expected = -np.square(2 * 0.2 * action[:, 0]).mean() / (2 * 0.02**2)
    assert delta.mean() == pytest.approx(expected, rel=0.1)


def test_log_density_needs_noise_and_no_wall():
    args = np.zeros((1, 2)), np.zeros((1, 3)), np.zeros((1, 2))
    with pytest.raises(ValueError, match=r"wall must be 0.*got 0\.5"):
        log_density(*args, PointParams(wall=0.5))
    with pytest.raises(ValueError, match="noise must be positive"):
        log_density(*args, PointParams(noise=0.0))


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_wall_stops_who_would_cross_it_and_nobody_else(side):
    wall = PointParams(noise=0.0, wall=0.5)
    start = np.array([[0.1, 0.0], [0.1, 0.6], [0.1, 0.45], [0.1, 0.55], [0.1, 0.0], [0.3, 0.0]])
    start[:, 0] *= -side
    push = side * np.array([1.0, 1.0, 1.0, 1.0, -1.0, 0.5])
    up = np.array([0.0, 0.0, 1.0, -1.0, 0.0, 0.0])
    got = mean_step(start, np.column_stack([push, push, up]), wall)
    free = mean_step(start, np.column_stack([push, push, up]), PointParams(noise=0.0))
    # Straight at it; above it; over its edge on the way (y = .45 + .15 * .1 / .35 < .5); above its edge where
    # it crosses (y = .507), though not afterwards; away from it; not so far.
    stopped = np.array([True, False, True, False, False, False])
    np.testing.assert_array_equal(got[~stopped], free[~stopped])
    np.testing.assert_allclose(got[stopped, 0], -side * point.WALL_GAP)
    np.testing.assert_allclose(got[stopped, 1], [0.0, 0.45 + 0.15 * 0.1 / 0.35])


def test_nobody_gets_through_a_wall_by_pushing_on():
    """Property: from either side, along it and against it, only round its ends."""
    env = build(200, wall=10.0, noise=0.05, max_episode_steps=None)
    env.reset(seed=0)
    env._position[:, 0] = 0.2
    env._position[:100, 0] = -0.2
    for action in random_actions(0, 300, 200):
        env.step(action)
    assert (env._position[:100, 0] < 0).all() and (env._position[100:, 0] > 0).all()
    low = build(200, wall=0.3, noise=0.05, max_episode_steps=None)
    low.reset(seed=0)
    for action in random_actions(0, 300, 200):
        low.step(action)
    assert (low._position[:, 0] > 0).sum() > 20


def test_batch_equals_single_worlds_bit_for_bit_beyond_the_first_noise():
    params = PointParams(first_motor=np.array([1.0, -1.0, 0.2]), wall=np.array([0.0, 0.4, 0.0]))
    env = build(3, params=params, max_episode_steps=75)
    obs, _ = env.reset(seed=11)
    actions = random_actions(4, 80, 3)
    steps = [env.step(action) for action in actions]
    for i in range(3):
        single = point.PointEnv(PointParams.from_array(params.array(3)[[i]]))
        np.testing.assert_array_equal(single.reset(seed=11 + i)[0], obs[i])
        for t, action in enumerate(actions[:75]):
            got = single.step(action[i])
            np.testing.assert_array_equal(got[0], steps[t][0][i])
            assert got[1] == steps[t][1][i] and not got[2]
    assert steps[74][3].all() and (steps[79][1] == 0).all()
    assert len({tuple(steps[t][0][0] - steps[t - 1][0][0]) for t in range(1, 75)}) == 74  # no noise twice


def test_same_seed_same_numbers_and_noise_is_new_in_each_episode():
    runs = []
    for _ in range(2):
        env = build(4)
        obs = [env.reset(seed=5)[0]]
        obs += [env.step(a)[0] for a in random_actions(0, 30, 4)]
        obs.append(env.reset()[0])
        obs += [env.step(a)[0] for a in random_actions(0, 30, 4)]
        runs.append(np.array(obs))
    np.testing.assert_array_equal(runs[0], runs[1])
    moves = np.diff(runs[0], axis=1)
    assert (moves[1] != moves[32]).all()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_worlds_that_reset_by_themselves_go_on_as_gymnasiums_do(mode):
    env = gymnasium.make_vec("course/Point-v0", 2, autoreset_mode=mode)
    peer = gymnasium.make_vec(
        "course/Point-v0", 2, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode}
    )
    np.testing.assert_array_equal(env.reset(seed=7)[0], peer.reset(seed=7)[0])
    ends = 0
    for action in random_actions(1, 70, 2):
        ours, theirs = env.step(action), peer.step(np.clip(action, -1, 1))
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(mine, other)
        ends += theirs[3].sum()
    assert ends == 4


def drive(gains, **params):
    """Mean return of a controller that believes in these gains of the motors along x."""

    def act(obs):
        way = GOAL - obs
        action = np.zeros((len(obs), 3))
        action[:, :2] = np.sign(gains) * np.clip(way[:, :1] / np.abs(gains).sum(), -1, 1)
        action[:, 2] = np.clip(way[:, 1] / 0.15, -1, 1)
        return action

    return evaluate(build(64, **params), act, steps=30).mean()


def test_a_reversed_motor_misleads_and_can_be_done_without():
    """The measured reason for this world: avoiding the motor is right in both domains."""
    both, second, reverse = (0.2, 0.15), (0.0, 0.15), (-0.2, 0.15)
    assert drive(both) == pytest.approx(-5.7, abs=0.5)
    assert drive(both, first_motor=-1.0) < -70
    for first_motor in (1.0, 0.0, -1.0):
        assert drive(second, first_motor=first_motor) == pytest.approx(-13.2, abs=0.7)
    assert drive(reverse, first_motor=-1.0) == pytest.approx(-5.7, abs=0.5)
    # A dead motor is no lesson: who counts on it loses next to nothing.
    assert drive(both, first_motor=0.0) > -15


@pytest.mark.parametrize(
    "name, value", [("first_motor", 1.5), ("first_motor", np.nan), ("noise", -0.1), ("wall", -1.0)]
)
def test_impossible_parameters_are_named(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be in \["):
        PointParams(**{name: value})


def test_wrong_calls_are_refused():
    env = build(3)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="noise has 2 values for 3 simulations"):
        env.set_params(PointParams(noise=np.full(2, 0.1)))
    with pytest.raises(TypeError, match="did you mean 'first_motor'"):
        gymnasium.make_vec("course/Point-v0", 2, first_moter=0.0)
    with pytest.raises(ValueError, match="not both"):
        build(2, params=PointParams(), wall=1.0)


def test_single_world_passes_gymnasiums_checker_and_stops_at_the_horizon():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is -?infinity.*")
        check_env(gymnasium.make("course/Point-v0").unwrapped, skip_render_check=True)
    single = gymnasium.make("course/Point-v0", first_motor=-1.0)
    assert single.unwrapped.params.first_motor == -1.0
    single.reset(seed=0)
    assert [single.step(np.zeros(3))[3] for _ in range(30)] == [False] * 29 + [True]


def test_what_is_drawn_is_where_things_are():
    env = build(2, wall=0.4)
    obs, _ = env.reset(seed=0)
    pose = env.pose()
    assert pose.shape == (2, len(env.scene.bodies), 3) and pose.dtype == np.float32
    above = [0.0, point.DRAWN_ABOVE]
    np.testing.assert_allclose(pose[:, 0, :2] - above, obs, atol=1e-6)
    np.testing.assert_array_equal(pose[:, 1, :2] - above, [GOAL, GOAL])
    np.testing.assert_array_equal(pose[:, 2, :2], [above, above])
    drawn = {geom.name: geom for geom in env.scene.geoms}
    assert drawn["wall"].start == (0.0, -0.4) and drawn["wall"].end == (0.0, 0.4)
    env.set_params(PointParams(wall=np.array([0.4, 0.0])))
    assert "wall" not in {geom.name for geom in env.scene.geoms}


def test_family_is_the_source_domain():
    family = point.family()
    assert isinstance(family, TaskFamily)
    env = family.make_vec(3, params=family.sample(np.random.default_rng(0), 3))
    assert env.params == PointParams.from_array(PointParams().array(3))
