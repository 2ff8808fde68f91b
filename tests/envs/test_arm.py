"""The arm: its geometry and reward, its motors, its episodes, and what a wrongly wired motor costs."""

import copy
import warnings

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  (registers the worlds)
from course_lib.core.rollout import evaluate
from course_lib.envs import arm
from course_lib.envs.arm import LINKS, REST, SHOULDER, ArmParams, ArmVectorEnv, fingertip

MOTORS = ("first_motor", "second_motor", "third_motor")


def build(n=1, **options):
    return ArmVectorEnv(n, autoreset_mode=options.pop("autoreset_mode", "Disabled"), **options)


def random_actions(seed, steps, n, scale=1.2):
    return np.random.default_rng(seed).uniform(-scale, scale, (steps, n, 3)).astype(np.float32)


def test_fingertip_is_where_mujoco_puts_the_end_of_the_hand():
    model = build()._physics.model
    data = mujoco.MjData(model)
    for angles in np.random.default_rng(0).uniform(-4, 4, (20, 3)):
        data.qpos[:] = angles
        mujoco.mj_kinematics(model, data)
        end = data.body("hand").xpos + data.body("hand").xmat.reshape(3, 3) @ [LINKS[2], 0, 0]
        np.testing.assert_allclose(fingertip(angles[None])[0] + SHOULDER, end[[0, 2]], atol=1e-12)


def test_observation_and_reward_are_the_formulas():
    """Oracle: both typed out for one step, with an action beyond what the motors can give."""
    env = build(2)
    env.reset(seed=0)
    action = np.array([[0.5, -0.25, 3.0], [0.0, 0.0, 0.0]])
    obs, reward, terminated, truncated, infos = env.step(action)
    q, v = env._physics.qpos, env._physics.qvel
    for i in range(2):
        one, two, three = np.cumsum(q[i])
        tip = np.array(
            [
                0.35 * np.cos(one) + 0.3 * np.cos(two) + 0.25 * np.cos(three),
                0.35 * np.sin(one) + 0.3 * np.sin(two) + 0.25 * np.sin(three),
            ]
        )
        goal = env.pose()[i, -1, :2].astype(float) - [0.0, 1.0]
        expected = np.concatenate([np.cos(q[i]), np.sin(q[i]), 0.3 * v[i], goal, tip - goal])
        np.testing.assert_allclose(obs[i], expected, atol=1e-6)
        cost = (0.02 * (0.5**2 + 0.25**2 + 1.0), 0.0)[i]
        assert infos["reward_ctrl"][i] == pytest.approx(-cost)
        assert reward[i] == pytest.approx(-np.linalg.norm(obs[i, 11:]) - cost, rel=1e-12)
    assert not terminated.any() and not truncated.any() and env.dt == pytest.approx(0.04)


def test_defaults_are_the_models_own_values_and_parameters_act_as_a_model_edited_by_hand():
    """Oracle: mj_step on one ordinary model, changed field by field."""
    params = ArmParams(first_motor=np.array([1.0, -1.0]), third_motor=0.4, damping=np.array([2.0, 3.0]))
    env = build(2, params=params)
    model = copy.copy(env._physics.model)
    assert (model.dof_damping == ArmParams().damping).all()
    env.reset(seed=1)
    model.actuator_gear[:, 0] *= [-1.0, 1.0, 0.4]
    model.dof_damping[:] = 3.0
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = env._physics.qpos[1], env._physics.qvel[1]
    for action in random_actions(2, 40, 2):
        env.step(action)
        data.ctrl[:] = action[1]
        mujoco.mj_step(model, data, nstep=env.frame_skip)
        np.testing.assert_array_equal(env._physics.qpos[1], data.qpos)
    env.set_params(ArmParams())
    back = env._physics.batch.get_model(1)
    for name in ("actuator_gear", "dof_damping", "dof_invweight0", "actuator_acc0"):
        np.testing.assert_array_equal(getattr(back, name), getattr(env._physics.model, name), err_msg=name)


def test_a_reversed_motor_obeys_the_opposite_command_and_a_dead_one_none():
    for i, motor in enumerate(MOTORS):
        env = build(3, **{motor: np.array([1.0, -1.0, 0.0])})
        env.reset(seed=[0, 0, 0])
        action = np.array([[0.5, 0.3, -0.2]] * 3)
        action[1, i] *= -1
        action[2, i] *= 7
        idle = build(1)
        idle.reset(seed=0)
        without = action[:1].copy()
        without[0, i] = 0
        for _ in range(10):
            obs, still = env.step(action)[0], idle.step(without)[0]
        np.testing.assert_array_equal(obs[0], obs[1])
        np.testing.assert_array_equal(obs[2], still[0])
        assert np.abs(obs[2] - obs[0]).max() > 0.05


def test_starts_and_goals_are_as_documented_and_every_goal_can_be_reached_without_any_one_motor():
    env = build(2000)
    env.reset(seed=0)
    offset = env._physics.qpos - REST
    assert np.abs(offset).max() <= 0.1 and offset.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.05)
    radius = np.linalg.norm(env._goal, axis=1)
    angle = np.arctan2(env._goal[:, 1], env._goal[:, 0])
    assert radius.min() >= 0.3 and radius.max() <= 0.5 and np.abs(angle).max() <= 1.0
    # As many on each square metre: half of them beyond the radius that halves the area.
    assert (radius > np.sqrt((0.3**2 + 0.5**2) / 2)).mean() == pytest.approx(0.5, abs=0.04)
    # A joint that stays at rest leaves two links: a ring about the first joint that still turns.
    one, two, three = REST
    both = lambda a, b, bend: np.sqrt(a * a + b * b + 2 * a * b * np.cos(bend))  # noqa: E731
    elbow = np.array([0.35 * np.cos(one), 0.35 * np.sin(one)])
    for centre, near, far in (
        (elbow, 0.3, 0.25),
        (np.zeros(2), both(0.35, 0.3, two), 0.25),
        (np.zeros(2), 0.35, both(0.3, 0.25, three)),
    ):
        away = np.linalg.norm(env._goal - centre, axis=1)
        assert (away <= near + far).all() and (away >= abs(near - far) - 0.05).all()  # to 5 cm


def controller(*gains):
    """Damped least squares for the joints whose motor it believes to turn this way; 0: leave it alone."""
    gains = np.array(gains, dtype=float)

    def act(obs):
        heading = np.cumsum(np.arctan2(obs[:, 3:6], obs[:, :3]), axis=1)
        links = np.stack([-LINKS * np.sin(heading), LINKS * np.cos(heading)], axis=1)
        jacobian = np.cumsum(links[..., ::-1], axis=2)[..., ::-1] * (gains != 0)
        square = jacobian @ jacobian.swapaxes(1, 2) + 0.003 * np.eye(2)
        way = np.linalg.solve(square, -obs[:, 11:, None])
        speed = 8.0 * (jacobian.swapaxes(1, 2) @ way)[..., 0]
        return gains * np.clip((2.0 * speed - 0.5 * obs[:, 6:9] / 0.3) / 6.0, -1, 1)

    return act


def drive(act, **params):
    """Mean return, and how many fingertips are at the goal after 40 and after all 50 steps."""
    env = build(150, **params)
    obs, _ = env.reset(seed=0)
    there = []
    for _ in range(50):
        obs = env.step(act(obs))[0]
        there.append((np.linalg.norm(obs[:, 11:], axis=1) < 0.05).mean())
    return evaluate(env, act, steps=50).mean(), there[39], there[49]


def test_a_wrongly_wired_shoulder_misleads_and_can_be_done_without():
    """The measured reason for this world: leaving the shoulder alone is right in both domains."""
    unaware, without = controller(1, 1, 1), controller(0, 1, 1)
    mean, soon, _ = drive(unaware)
    assert mean > -5.5 and soon == 1.0
    mean, soon, late = drive(unaware, first_motor=-1.0)
    assert mean < -18 and late < 0.05
    for first_motor in (1.0, 0.0, -1.0):
        mean, soon, late = drive(without, first_motor=first_motor)
        assert mean > -8 and soon > 0.9 and late == 1.0
    mean, soon, _ = drive(controller(-1, 1, 1), first_motor=-1.0)
    assert mean > -5.5 and soon == 1.0


@pytest.mark.parametrize("motor", [1, 2])
def test_the_other_joints_are_to_spare_too_but_forgiving(motor):
    gains = [1, 1, 1]
    gains[motor] = 0
    mean, _, late = drive(controller(*gains), **{MOTORS[motor]: -1.0})
    assert mean > -9 and late > 0.98
    assert drive(controller(1, 1, 1), **{MOTORS[motor]: -1.0})[0] > -15


def test_it_moves_like_a_damped_arm_and_comes_to_rest():
    env = build(1, max_episode_steps=None)
    env.reset(seed=0)
    for _ in range(60):
        env.step(np.array([[0.0, 0.0, 1.0]]))
    assert env._physics.qvel[0, 2] == pytest.approx(6.0 / 2.0, rel=0.05)
    for _ in range(30):
        env.step(np.zeros((1, 3)))
    assert np.abs(env._physics.qvel).max() < 1e-2


@pytest.mark.parametrize("threads", [1, 2])
def test_batch_equals_single_worlds_bit_for_bit(threads):
    params = ArmParams(first_motor=np.array([1.0, -1.0, 0.2]), damping=np.array([2.0, 1.0, 5.0]))
    env = build(3, params=params, num_threads=threads)
    obs, _ = env.reset(seed=11)
    actions = random_actions(4, 50, 3)
    steps = [env.step(action) for action in actions]
    for i in range(3):
        single = gymnasium.make("course/Arm-v0", params=ArmParams.from_array(params.array(3)[[i]]))
        np.testing.assert_array_equal(single.reset(seed=11 + i)[0], obs[i])
        for t, action in enumerate(actions):
            got = single.step(action[i])
            np.testing.assert_array_equal(got[0], steps[t][0][i])
            assert got[1:4] == (steps[t][1][i], steps[t][2][i], steps[t][3][i])
    assert steps[-1][3].all()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_worlds_that_reset_by_themselves_go_on_as_gymnasiums_do(mode):
    env = gymnasium.make_vec("course/Arm-v0", 2, autoreset_mode=mode, first_motor=-1.0)
    peer = gymnasium.make_vec(
        "course/Arm-v0",
        2,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": mode},
        first_motor=-1.0,
    )
    np.testing.assert_array_equal(env.reset(seed=7)[0], peer.reset(seed=7)[0])
    ends = 0
    for action in random_actions(1, 110, 2):
        ours, theirs = env.step(action), peer.step(np.clip(action, -1, 1))
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(mine, other)
        ends += theirs[3].sum()
    assert ends == 4


def test_divergence_stays_where_it_is():
    env, healthy = build(3), build(3)
    env.reset(seed=0)
    healthy.reset(seed=0)
    actions = random_actions(0, 4, 3)
    env._physics.qvel[1, 0] = np.nan
    obs, reward, terminated, _, infos = env.step(actions[0])
    expected = healthy.step(actions[0])
    assert infos["diverged"].tolist() == terminated.tolist() == [False, True, False]
    assert np.isfinite(obs).all() and reward[1] == 0
    for action in actions[1:]:
        got, expected = env.step(action), healthy.step(action)
        np.testing.assert_array_equal(got[0][[0, 2]], expected[0][[0, 2]])
        assert np.isfinite(got[0]).all()


def test_same_seed_same_numbers():
    first, second = build(3), build(2)
    np.testing.assert_array_equal(first.reset(seed=5)[0], first.reset(seed=5)[0])
    np.testing.assert_array_equal(first.reset(seed=5)[0][1:], second.reset(seed=6)[0])
    assert (first.reset()[0] != first.reset()[0]).any()


def test_single_world_passes_gymnasiums_checker():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is -?infinity.*")
        check_env(gymnasium.make("course/Arm-v0").unwrapped, skip_render_check=True)
    assert gymnasium.make("course/Arm-v0", third_motor=0.0).unwrapped.params.third_motor == 0.0


@pytest.mark.parametrize(
    "name, value", [("first_motor", -1.01), ("second_motor", np.nan), ("third_motor", 2.0), ("damping", 0.0)]
)
def test_impossible_parameters_are_named(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be in [\[(]"):
        ArmParams(**{name: value})
    with pytest.raises(TypeError, match="ArmParams"):
        build(2).set_params(None)


def test_what_is_drawn_is_mujocos_geometry_and_the_goal():
    env = build(2)
    obs, _ = env.reset(seed=3)
    env.step(np.ones((2, 3)))
    pose, obs = env.pose(), env._observation()
    assert pose.shape == (2, len(env.scene.bodies), 3) and pose.dtype == np.float32
    geoms = {geom.name: geom for geom in env.scene.geoms}
    assert list(geoms) == ["stand", "upper_arm", "forearm", "hand", "goal"]
    x, z, pitch = pose[1, geoms["hand"].body].astype(float)
    tip = [x + np.cos(pitch) * LINKS[2], z - np.sin(pitch) * LINKS[2]]
    np.testing.assert_allclose(tip - pose[1, -1, :2], obs[1, 11:], atol=1e-6)
    assert (pose[:, geoms["stand"].body] == 0).all()
    assert {geoms["stand"].start, geoms["stand"].end} == {(0.0, 0.0), (0.0, 1.0)}
    assert (pose[:, geoms["goal"].body, 1] > 0.5).all()  # above the floor


def test_family_is_the_source_domain():
    family = arm.family()
    env = family.make_vec(3, params=family.sample(np.random.default_rng(0), 3))
    assert env.params == ArmParams.from_array(ArmParams().array(3))
