"""What every running robot promises: Gymnasium's numbers, physics per simulation, episodes, isolation."""

import copy
import dataclasses
import warnings

import gymnasium
import mujoco
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from mujoco.batch import SimulationError

import course_lib.envs  # noqa: F401  (registers the worlds)
from course_lib.envs import half_cheetah, hopper
from course_lib.envs.physics import load_model

WORLDS = {
    "hopper": (hopper.HopperVectorEnv, "Hopper-v5", "course/Hopper-v0", hopper),
    "half_cheetah": (
        half_cheetah.HalfCheetahVectorEnv,
        "HalfCheetah-v5",
        "course/HalfCheetah-v0",
        half_cheetah,
    ),
}


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path, monkeypatch):
    """MuJoCo writes its warnings to a file in the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=WORLDS, name="world")
def _world(request):
    return WORLDS[request.param]


def build(world, n, **options):
    return world[0](n, num_threads=options.pop("num_threads", 1), **options)


def random_actions(env, seed, steps, dtype=np.float32, scale=1.2):
    shape = (steps, env.num_envs, *env.single_action_space.shape)
    return np.random.default_rng(seed).uniform(-scale, scale, shape).astype(dtype)


def odd_params(world, n, seed=3):
    return world[3].family().sample(np.random.default_rng(seed), n)


# The same numbers as Gymnasium.


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_thousand_steps_equal_gymnasium_bit_for_bit(world, mode):
    env = build(world, 2, autoreset_mode=mode)
    peer = gymnasium.make_vec(world[1], 2, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
    obs, _ = env.reset(seed=7)
    np.testing.assert_array_equal(obs, peer.reset(seed=7)[0])
    ends = 0
    for action in random_actions(env, 0, 1050):
        ours, theirs = env.step(action), peer.step(action)
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(mine, other)
        ended = theirs[2] | theirs[3]
        ends += ended.sum()
        if mode == AutoresetMode.SAME_STEP and ended.any():
            np.testing.assert_array_equal(ours[4]["_final_obs"], theirs[4]["_final_obs"])
            np.testing.assert_array_equal(ours[4]["_final_info"], theirs[4]["_final_info"])
            for i in np.flatnonzero(ended):
                np.testing.assert_array_equal(ours[4]["final_obs"][i], theirs[4]["final_obs"][i])
            for name in ("x_velocity", "x_position", "reward_forward", "reward_ctrl"):
                np.testing.assert_array_equal(ours[4]["final_info"][name], theirs[4]["final_info"][name])
        for name in ("x_position", "x_velocity", "reward_ctrl"):
            if name in theirs[4]:  # a step that only resets has a position and nothing else
                mask = theirs[4][f"_{name}"]
                np.testing.assert_array_equal(ours[4][f"_{name}"], mask)
                np.testing.assert_array_equal(ours[4][name][mask], theirs[4][name][mask])
    assert ends >= 2  # resets were compared too


def test_defaults_are_the_models_own_values_and_return_to_them_exactly(world):
    env, defaults = build(world, 2), world[0].params_type()
    model = env._physics.model
    torso = model.body("torso").id
    assert defaults.torso_mass == pytest.approx(model.body_mass[torso], rel=1e-14)
    assert defaults.armature == model.dof_armature[-1]
    assert defaults.joint_damping == model.dof_damping[-1]
    assert defaults.ground_friction == model.geom_friction[-1, 0]
    env.set_params(odd_params(world, 2))
    env.set_params(defaults)
    back = env._physics.batch.get_model(1)
    for name in (
        "body_mass",
        "body_inertia",
        "body_subtreemass",
        "geom_friction",
        "dof_damping",
        "dof_armature",
        "dof_invweight0",
        "body_invweight0",
        "dof_M0",
        "actuator_acc0",
    ):
        np.testing.assert_array_equal(getattr(back, name), getattr(model, name), err_msg=name)
    assert back.stat.meaninertia == model.stat.meaninertia


# Physics per simulation.


def test_parameters_act_as_a_model_edited_by_hand(world):
    """Oracle: mj_setConst and mj_step on one ordinary model, changed field by field."""
    params = odd_params(world, 3)
    env = build(world, 3, params=params)
    env.reset(seed=1)
    actions = random_actions(env, 2, 40)
    simulation = 2
    model = copy.copy(load_model(world[0].xml))
    defaults = world[0].params_type()
    ratio = {name: getattr(params, name)[simulation] / getattr(defaults, name) for name in params.names()}
    model.body("torso").mass *= ratio["torso_mass"]
    model.body("torso").inertia *= ratio["torso_mass"]
    model.geom_friction[:, 0] *= ratio["ground_friction"]
    model.dof_damping *= ratio["joint_damping"]
    model.dof_armature *= ratio["armature"]
    data = mujoco.MjData(model)
    mujoco.mj_setConst(model, data)
    mujoco.mj_resetData(model, data)
    data.qpos[:], data.qvel[:] = env._physics.qpos[simulation], env._physics.qvel[simulation]
    mujoco.mj_forward(model, data)
    for action in actions:
        _, _, terminated, _, _ = env.step(action)
        data.ctrl[:] = action[simulation]
        mujoco.mj_step(model, data, nstep=env.frame_skip)
        if terminated[simulation]:
            break
        np.testing.assert_array_equal(env._physics.qpos[simulation], data.qpos)
        np.testing.assert_array_equal(env._physics.qvel[simulation], data.qvel)


@pytest.mark.parametrize("threads", [1, 2])
def test_batch_equals_single_worlds_bit_for_bit(world, threads):
    n = 3
    params = odd_params(world, n)
    env = build(world, n, params=params, num_threads=threads, autoreset_mode="Disabled")
    obs, _ = env.reset(seed=11)
    actions = random_actions(env, 4, 120)
    batch = [env.step(action) for action in actions]
    for i in range(n):
        one = {name: float(getattr(params, name)[i]) for name in params.names()}
        single = gymnasium.make(world[2], **one)
        first, _ = single.reset(seed=11 + i)
        np.testing.assert_array_equal(first, obs[i])
        for t, action in enumerate(actions):
            got = single.step(action[i])
            np.testing.assert_array_equal(got[0], batch[t][0][i])
            assert got[1:4] == (batch[t][1][i], batch[t][2][i], batch[t][3][i])
            if got[2]:
                break


def test_heavier_torso_falls_alike_and_is_pushed_less(world):
    """Gravity accelerates all masses alike; a given force does not."""
    env = build(world, 2, torso_mass=np.array([3.0, 9.0]))
    env.reset(seed=[0, 0])
    physics = env._physics
    totals = [physics.batch.get_model(i).body_mass.sum() for i in range(2)]
    assert totals[1] - totals[0] == pytest.approx(6.0)
    physics.qpos[:], physics.qvel[:] = physics.model.qpos0, 0
    physics.qpos[:, 1] += 3.0  # in the air
    start = physics.qpos.copy()
    physics.batch.step()
    # No torque and no contact: the robot falls as one piece.
    np.testing.assert_allclose(physics.qvel[:, 1], -9.81 * physics.model.opt.timestep, rtol=1e-6)
    physics.qpos[:], physics.qvel[:] = start, 0
    physics.batch.bind("qfrc_applied")[:, 0] = 50.0
    physics.batch.step()
    assert physics.qvel[0, 0] > 1.1 * physics.qvel[1, 0] > 0


def test_inertia_of_the_torso_scales_with_its_mass(world):
    env = build(world, 1, torso_mass=2 * world[0].params_type().torso_mass)
    model, changed = env._physics.model, env._physics.batch.get_model(0)
    torso = model.body("torso").id
    np.testing.assert_array_equal(changed.body_inertia[torso], 2 * model.body_inertia[torso])
    np.testing.assert_array_equal(changed.body_inertia[torso + 1 :], model.body_inertia[torso + 1 :])
    # What the contact solver derives from mass followed.
    assert (changed.body_invweight0[torso] < model.body_invweight0[torso]).all()


def joint_speeds(world, **values):
    """Fastest joint after one time step of torque in the air, before springs answer, one per value."""
    n = len(next(iter(values.values())))
    env = build(world, n, params=dataclasses.replace(world[0].params_type(), **values))
    env.reset(seed=[0] * n)
    env._physics.qpos[:, 1] += 3.0
    env._physics.qvel[:] = 0
    env._physics.ctrl[:] = -0.3
    env._physics.batch.step()
    return np.abs(env._physics.qvel[:, 3:]).max(axis=1)


def test_damping_and_armature_slow_the_joints(world):
    damping = joint_speeds(world, joint_damping=np.array([0.5, 1.5, 4.0]))
    assert (np.diff(damping) < 0).all()
    armature = joint_speeds(world, armature=np.array([0.05, 0.2, 1.5]))
    assert (np.diff(armature) < 0).all()


def test_damping_leaves_the_root_free_and_keeps_the_ratios(world):
    env = build(world, 1, joint_damping=3.0, armature=0.7)
    model, defaults = env._physics.model, world[0].params_type()
    changed = env._physics.batch.get_model(0)
    assert (changed.dof_damping[:3] == 0).all() and (changed.dof_armature[:3] == 0).all()
    np.testing.assert_allclose(changed.dof_damping, model.dof_damping * 3.0 / defaults.joint_damping)
    assert changed.dof_damping[-1] == pytest.approx(3.0) and changed.dof_armature[-1] == pytest.approx(0.7)


def test_more_friction_slides_less(world):
    """Only friction takes forward momentum: on a rough floor less of it is left."""
    friction = np.array([0.05, 0.2, 0.8])
    env = build(world, 3, ground_friction=friction)
    env.reset(seed=[0, 0, 0])
    env._physics.qpos[:] = env._physics.model.qpos0
    env._physics.qpos[:, 1] -= 0.05  # feet on the floor
    env._physics.qvel[:] = 0
    env._physics.qvel[:, 0] = 2.0
    for _ in range(5):
        env._physics.batch.step(nstep=env.frame_skip)
    forward = []
    for i in range(3):
        model, data = env._physics.batch.get_model(i), env._physics.batch.get_data(i)
        mujoco.mj_forward(model, data)
        mujoco.mj_subtreeVel(model, data)
        forward.append(data.subtree_linvel[0, 0])
    assert 2.0 > forward[0] > forward[1] + 0.01 > forward[2] + 0.02, forward


def test_friction_is_what_the_contact_gets(world):
    env = build(world, 2, ground_friction=np.array([0.3, 1.7]))
    env.reset(seed=0)
    for i, expected in enumerate((0.3, 1.7)):
        model, data = env._physics.batch.get_model(i), env._physics.batch.get_data(i)
        data.qpos[:] = env._physics.model.qpos0
        data.qpos[1] -= 0.15
        mujoco.mj_forward(model, data)
        floor = model.geom("floor").id
        foot = [c.friction[0] for c in data.contact if floor in c.geom and model.ngeom - 1 in c.geom]
        assert foot and foot == pytest.approx([expected] * len(foot))


def test_set_params_acts_in_the_middle_of_an_episode_and_keeps_the_state(world):
    env, other = (build(world, 2, autoreset_mode="Disabled") for _ in range(2))
    env.reset(seed=0)
    other.reset(seed=0)
    action = random_actions(env, 0, 6, scale=0.3)
    for t in range(3):
        env.step(action[t]), other.step(action[t])
    before = env._physics.qpos.copy()
    env.set_params(odd_params(world, 2))
    np.testing.assert_array_equal(env._physics.qpos, before)
    assert env.params == odd_params(world, 2)
    assert not np.array_equal(env.step(action[3])[0], other.step(action[3])[0])


def test_changing_some_simulations_equals_changing_all(world):
    """Parameters are rewritten only where they differ: the others must not notice."""
    old, new = (odd_params(world, 4, seed).array(4) for seed in (1, 2))
    mixed = np.where([[True], [False], [True], [False]], new, old)
    env = build(world, 4, params=world[0].params_type.from_array(old))
    env.set_params(world[0].params_type.from_array(mixed))
    fresh = build(world, 4, params=world[0].params_type.from_array(mixed))
    env.reset(seed=0)
    fresh.reset(seed=0)
    for action in random_actions(env, 0, 20, scale=0.5):
        np.testing.assert_array_equal(env.step(action)[0], fresh.step(action)[0])


def test_a_simulation_left_at_the_defaults_is_not_changed_by_the_others(world):
    env, untouched = (build(world, 3, autoreset_mode="Disabled") for _ in range(2))
    mass = np.array([2.0, world[0].params_type().torso_mass, 12.0])
    env.set_params(dataclasses.replace(env.params, torso_mass=mass))
    env.reset(seed=0)
    untouched.reset(seed=0)
    for action in random_actions(env, 0, 60, scale=0.3):
        changed, plain = env.step(action)[0], untouched.step(action)[0]
        np.testing.assert_array_equal(changed[1], plain[1])
    assert (changed[[0, 2]] != plain[[0, 2]]).any(axis=1).all()


@pytest.mark.parametrize("custom", [False, True])
def test_predict_is_the_step_and_leaves_the_episode_alone(world, custom):
    n = 4
    params = odd_params(world, n) if custom else world[0].params_type()
    env = build(world, n, params=params, autoreset_mode="Disabled")
    twin = build(world, n, params=params, autoreset_mode="Disabled")
    obs, _ = env.reset(seed=2)
    twin.reset(seed=2)
    for action in random_actions(env, 1, 12, scale=0.5):
        predicted = env.predict(obs, action, params)
        obs = env.step(action)[0]
        np.testing.assert_allclose(predicted, obs, atol=1e-5, rtol=1e-5)
        np.testing.assert_array_equal(obs, twin.step(action)[0])
    again = env.predict(obs, action, params)
    np.testing.assert_array_equal(again, env.predict(obs, action, params))  # it remembers nothing
    wrong = env.predict(obs, action, dataclasses.replace(params, torso_mass=20.0))
    assert np.abs(wrong - env.predict(obs, action, params)).max() > 1e-2
    assert env.predict(obs[:1], action[:1], world[0].params_type()).shape == (1, obs.shape[1])


def test_an_ensemble_predicts_each_step_with_each_guess(world):
    vector = build(world, 1)
    rng = np.random.default_rng(0)
    obs, _ = vector.reset(seed=0)
    obs = np.repeat(obs, 5, axis=0)
    actions = rng.uniform(-1, 1, (5, *vector.single_action_space.shape))
    particles = vector.params_type().array(3) * rng.uniform(0.8, 1.2, (3, 4))
    together = vector.predict_ensemble(particles, obs, actions)
    assert together.shape == (3, 5, obs.shape[1])
    for k in range(3):
        guess = vector.params_type.from_array(particles[[k]])
        one_by_one = [vector.predict(obs[[t]], actions[[t]], guess)[0] for t in range(5)]
        np.testing.assert_array_equal(together[k], one_by_one)


def test_predict_says_infinity_where_the_model_diverges(world):
    env = build(world, 1)
    obs, _ = env.reset(seed=0)
    both = np.repeat(obs, 2, axis=0)
    split = env._physics.model.nq - 1
    both[1, split:] = 1e11
    action = np.zeros((2, *env.single_action_space.shape))
    predicted = env.predict(both, action, world[0].params_type())
    assert np.isfinite(predicted[0]).all() and np.isinf(predicted[1]).all()
    np.testing.assert_array_equal(predicted[0], env.predict(obs, action[:1], world[0].params_type())[0])


# Episodes.


def test_disabled_autoreset_freezes_the_finished_until_their_reset():
    env = build(WORLDS["hopper"], 4, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=0)
    env._physics.qpos[1, 2] = 0.5  # simulation 1 leans too far
    actions = random_actions(env, 0, 10, scale=0.1)
    obs, reward, terminated, _, _ = env.step(actions[0])
    assert terminated.tolist() == [False, True, False, False]
    stepped = []
    step = env._physics.batch.step
    env._physics.batch.step = lambda ids, nstep: (stepped.append(ids.copy()), step(ids=ids, nstep=nstep))
    for action in actions[1:4]:
        later, reward, terminated, truncated, _ = env.step(action)
        np.testing.assert_array_equal(later[1], obs[1])
        assert reward[1] == 0 and terminated[1] and not truncated[1]
        assert (later[0] != obs[0]).any() and reward[0] != 0
    assert all(not ids[1] and ids[[0, 2, 3]].all() for ids in stepped)  # no physics for it
    others = env._physics.qpos[[0, 2, 3]].copy()
    fresh, _ = env.reset(options={"reset_mask": np.array([False, True, False, False])})
    np.testing.assert_array_equal(env._physics.qpos[[0, 2, 3]], others)
    assert np.abs(fresh[1, 1]) < 0.01
    assert not env.step(actions[4])[2].any()


def test_truncation_at_the_limit_and_all_finished(world):
    env = build(world, 2, max_episode_steps=3, autoreset_mode="Disabled")
    env.reset(seed=0)
    action = np.zeros((2, *env.single_action_space.shape))
    flags = [env.step(action)[3].tolist() for _ in range(5)]
    assert flags == [[False] * 2] * 2 + [[True] * 2] * 3
    assert (env.step(action)[1] == 0).all()
    never = build(world, 1, max_episode_steps=None)
    never.reset(seed=0)
    never._elapsed[:] = 10**6
    assert not never.step(action[:1])[3].any()


def test_same_seed_same_numbers_and_seeds_are_per_simulation(world):
    a, b = build(world, 3), build(world, 2)
    np.testing.assert_array_equal(a.reset(seed=5)[0], a.reset(seed=5)[0])
    np.testing.assert_array_equal(a.reset(seed=5)[0][1:], b.reset(seed=6)[0])
    np.testing.assert_array_equal(a.reset(seed=[9, 5, 7])[0][1], b.reset(seed=5)[0][0])
    assert (a.reset()[0] != a.reset()[0]).any()
    assert (build(world, 2).reset()[0] != build(world, 2).reset()[0]).any()


# A diverging simulation and its neighbours.


@pytest.mark.parametrize("field, value", [("qpos", np.nan), ("qvel", 1e11), ("qvel", np.inf), ("qvel", 3e9)])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_divergence_stays_where_it_is(world, field, value, mode):
    env, healthy = (build(world, 3, autoreset_mode=mode) for _ in range(2))
    env.reset(seed=0)
    healthy.reset(seed=0)
    actions = random_actions(env, 0, 6, scale=0.2)
    getattr(env._physics, field)[1, 4] = value
    obs, reward, terminated, _, infos = env.step(actions[0])
    expected = healthy.step(actions[0])
    assert infos["diverged"].tolist() == [False, True, False]
    assert terminated.tolist() == [False, True, False]
    assert np.isfinite(obs).all() and np.isfinite(reward).all() and reward[1] == 0
    assert infos["x_velocity"][1] == 0
    if mode == AutoresetMode.SAME_STEP:
        assert np.isfinite(infos["final_obs"][1]).all() and infos["final_info"]["diverged"][1]
    for action in actions[1:]:
        got, expected = env.step(action), healthy.step(action)
        for mine, other in zip(got[:4], expected[:4], strict=True):
            np.testing.assert_array_equal(mine[[0, 2]], other[[0, 2]])
            assert np.isfinite(mine).all()
        assert not got[4]["diverged"].any()


def test_last_good_observation_is_kept_when_physics_blows_up(world, monkeypatch):
    env = build(world, 2, autoreset_mode="Disabled")
    obs, _ = env.reset(seed=0)
    step = env._physics.batch.step

    def blow_up(ids, nstep):
        step(ids=ids, nstep=nstep)
        env._physics.qvel[0, 2] = np.nan  # in the very last time step, which MuJoCo does not check

    monkeypatch.setattr(env._physics.batch, "step", blow_up)
    after, _, terminated, _, infos = env.step(np.zeros((2, *env.single_action_space.shape)))
    np.testing.assert_array_equal(after[0], obs[0])
    assert terminated.tolist() == infos["diverged"].tolist() == [True, False]


def test_an_error_inside_mujoco_ends_only_that_simulation(world, monkeypatch):
    env = build(world, 2, autoreset_mode="Disabled")
    obs, _ = env.reset(seed=0)
    step = env._physics.batch.step

    def raise_in_one(ids, nstep):
        step(ids=np.array([1]), nstep=nstep)
        raise SimulationError(np.array([0]), "stack overflow", 2)

    monkeypatch.setattr(env._physics.batch, "step", raise_in_one)
    after, _, _, _, infos = env.step(np.zeros((2, *env.single_action_space.shape)))
    assert infos["diverged"].tolist() == [True, False]
    np.testing.assert_array_equal(after[0], obs[0])
    assert (after[1] != obs[1]).any()


# What is drawn.


def test_pose_and_scene_are_mujocos_geometry(world):
    env = build(world, 2, params=odd_params(world, 2), autoreset_mode="Disabled")
    env.reset(seed=3)
    model = env._physics.model
    twin = build(world, 2, params=odd_params(world, 2), autoreset_mode="Disabled")
    twin.reset(seed=3)
    for t, action in enumerate(random_actions(env, 0, 8)):
        pose = env.pose()
        assert pose.dtype == np.float32 and pose.shape == (2, len(env.scene.bodies), 3)
        data = mujoco.MjData(model)
        data.qpos[:] = env._physics.qpos[1]
        mujoco.mj_kinematics(model, data)
        for geom in env.scene.geoms:
            x, z, pitch = pose[1, geom.body].astype(float)
            middle = (np.array(geom.start) + np.array(geom.end)) / 2
            cos, sin = np.cos(pitch), np.sin(pitch)
            place = np.array([x + cos * middle[0] + sin * middle[1], z - sin * middle[0] + cos * middle[1]])
            index = model.geom(geom.name).id
            np.testing.assert_allclose(place, data.geom_xpos[index, [0, 2]], atol=1e-6)
            along = np.array(geom.end) - np.array(geom.start)
            turned = np.array([cos * along[0] + sin * along[1], -sin * along[0] + cos * along[1]])
            axis = data.geom_xmat[index].reshape(3, 3)[[0, 2], 2]
            np.testing.assert_allclose(turned, 2 * model.geom_size[index, 1] * axis, atol=1e-6)
            assert geom.radius == model.geom_size[index, 0]
        # Looking does not change what happens.
        np.testing.assert_array_equal(env.step(action)[0], twin.step(action)[0], err_msg=str(t))
    assert env.scene.bodies[0] == "torso" and len(env.scene.geoms) == model.ngeom - 1


# The doors: Gymnasium's makers, and bad input.


def test_gymnasiums_episode_statistics_work_on_the_batch(world):
    env = RecordEpisodeStatistics(build(world, 2, max_episode_steps=4))
    env.reset(seed=0)
    action, total = np.zeros((2, *env.single_action_space.shape)), np.zeros(2)
    for _ in range(4):
        _, reward, _, _, infos = env.step(action)
        total += reward
    np.testing.assert_allclose(infos["episode"]["r"], total)
    assert infos["episode"]["l"].tolist() == [4, 4]


def test_single_world_passes_gymnasiums_checker(world):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The checker warns about unbounded observations, which these robots have.
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is -?infinity.*")
        check_env(gymnasium.make(world[2]).unwrapped, skip_render_check=True)


def test_make_and_make_vec_take_parameters_by_name(world):
    single = gymnasium.make(world[2], torso_mass=6.0)
    assert single.unwrapped.params.torso_mass == 6.0
    assert single.spec.max_episode_steps == 1000
    env = gymnasium.make_vec(world[2], num_envs=5, torso_mass=6.0)
    assert type(env) is world[0] and env.num_envs == 5 and env.params.torso_mass == 6.0
    assert env.max_episode_steps == 1000
    for maker in (
        lambda: gymnasium.make(world[2], torso_mas=6),
        lambda: gymnasium.make_vec(world[2], 2, torso_mas=6),
    ):
        with pytest.raises(TypeError, match="did you mean 'torso_mass'"):
            maker()


@pytest.mark.parametrize("value", [np.nan, 0.0, -1.0, np.inf, 1e6])
@pytest.mark.parametrize("name", ["torso_mass", "ground_friction", "joint_damping", "armature"])
def test_impossible_parameters_are_named(world, name, value):
    with pytest.raises(ValueError, match=name):
        world[0].params_type(**{name: value})
    with pytest.raises(ValueError, match=name):
        world[0].params_type(**{name: np.array([1.0, value])})


def test_wrong_lengths_and_wrong_worlds_are_refused(world):
    env = build(world, 3)
    with pytest.raises(ValueError, match="torso_mass has 2 values for 3 simulations"):
        env.set_params(dataclasses.replace(env.params, torso_mass=np.ones(2)))
    with pytest.raises(ValueError, match="shape"):
        world[0].params_type(torso_mass=np.ones((3, 1)))
    foreign = half_cheetah if world[3] is hopper else hopper
    with pytest.raises(TypeError, match=world[0].params_type.__name__):
        env.set_params(foreign.family().params_type())
    obs, action = env.reset(seed=0)[0], np.zeros((3, *env.single_action_space.shape))
    with pytest.raises(TypeError, match=world[0].params_type.__name__):
        env.predict(obs, action, foreign.family().params_type())
    with pytest.raises(ValueError, match="not both"):
        build(world, 1, params=world[0].params_type(), torso_mass=3.0)
    with pytest.raises(ValueError, match="num_envs"):
        build(world, 0)
    with pytest.raises(ValueError, match="max_episode_steps"):
        build(world, 1, max_episode_steps=0)


def test_bad_actions_are_refused_by_name_and_clipped_by_the_motors(world):
    env = build(world, 3)
    shape = (3, *env.single_action_space.shape)
    with pytest.raises(RuntimeError, match="reset"):
        env.step(np.zeros(shape))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"\(3, .*\(3, 99\)"):
        env.step(np.zeros((3, 99)))
    action = np.zeros(shape)
    action[[0, 2], 1] = np.nan
    with pytest.raises(ValueError, match=r"\[0, 2\]"):
        env.step(action)
    with pytest.raises(ValueError, match="obs"):
        env.predict(np.full((3, 2), 0.0), np.zeros(shape), env.params)
    env.reset(seed=[1, 1, 1])
    action = np.stack([np.full(shape[1], value) for value in (1.0, 5.0, 0.0)])
    obs, _, _, _, infos = env.step(action)
    np.testing.assert_array_equal(obs[0], obs[1])  # the motor gives no more
    assert infos["reward_ctrl"][1] == pytest.approx(25 * infos["reward_ctrl"][0])  # but it is paid for


@pytest.mark.parametrize("mask", [np.zeros(2, dtype=bool), np.ones(3, dtype=bool), np.ones(2)])
def test_bad_masks_and_seeds_are_refused(mask):
    env = build(WORLDS["hopper"], 2)
    with pytest.raises(ValueError, match="reset_mask"):
        env.reset(options={"reset_mask": mask})
    with pytest.raises(ValueError, match="seed"):
        env.reset(seed=[1])


def test_parameters_travel_as_a_matrix(world):
    params = odd_params(world, 4)
    matrix = params.array(4)
    assert matrix.shape == (4, 4) and matrix.dtype == np.float64
    assert type(params).from_array(matrix) == params
    assert params.names() == ("torso_mass", "ground_friction", "joint_damping", "armature")
    np.testing.assert_array_equal(world[0].params_type().array(2)[0], world[0].params_type().array(2)[1])
    with pytest.raises(ValueError, match="matrix"):
        type(params).from_array(matrix[:, :3])


def test_family_draws_within_the_papers_bounds_and_builds_its_world(world):
    family = world[3].family()
    drawn = family.sample(np.random.default_rng(0), 2000)
    for name, d in family.source.items():
        values = getattr(drawn, name)
        assert values.shape == (2000,) and d.low <= values.min() and values.max() <= d.high
        assert abs(np.median(values) - d.mean) < 0.2 * d.sigma + 0.25 * (d.high - d.low)
    env = family.make_vec(3)
    env.set_params(family.sample(np.random.default_rng(1), 3))
    assert np.isfinite(env.reset(seed=0)[0]).all()
