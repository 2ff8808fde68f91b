"""The puck: sliding and hits by their formulas, its reward, and that both speed and direction matter."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  (registers the worlds)
from course_lib.envs import puck
from course_lib.envs.puck import (
    GRAVITY,
    PUCK_MASS,
    STRIKER_MASS,
    TOUCH,
    PuckParams,
    PuckVectorEnv,
    resting_place,
    slid,
    struck,
    time_of_contact,
)


def build(n=1, **options):
    return PuckVectorEnv(n, autoreset_mode=options.pop("autoreset_mode", "Disabled"), **options)


def random_actions(seed, steps, n):
    return np.random.default_rng(seed).uniform(-1.2, 1.2, (steps, n, 2)).astype(np.float32)


def shove(n):
    """Actions that drive the striker straight through the puck's first place, then brake."""
    return [np.tile([1.0, 0.0], (n, 1))] * 8 + [np.tile([-1.0, 0.0], (n, 1))] * 4 + [np.zeros((n, 2))] * 28


# --- the physics


def test_a_puck_slides_and_rests_as_fine_time_steps_have_it():
    """Oracle: Coulomb's friction integrated in steps of 0.1 ms."""
    rng = np.random.default_rng(0)
    position, velocity = rng.normal(size=(2, 5, 2))
    friction = np.array([0.1, 0.2, 0.3, 0.5, 1.0])
    where, speed = position.copy(), velocity.copy()
    for _ in range(3000):
        size = np.linalg.norm(speed, axis=1, keepdims=True)
        slower = np.maximum(size - friction[:, None] * GRAVITY * 1e-4, 0.0)
        speed = speed * np.divide(slower, size, out=np.zeros_like(size), where=size > 0)
        where += speed * 1e-4
    got = slid(position, velocity, friction, 0.3)
    np.testing.assert_allclose(got[0], where, atol=1e-3)
    np.testing.assert_allclose(got[1], speed, atol=1e-3)
    assert (got[1] == 0).all(axis=1).any() and (got[1] != 0).any()


def test_it_comes_to_rest_after_v_squared_over_two_mu_g():
    friction = np.array([0.1, 0.4])
    position, velocity = np.zeros((2, 2)), np.array([[3.0, 4.0], [0.0, 0.0]])
    rest = resting_place(position, velocity, friction)
    way = 5.0**2 / (2 * 0.1 * 9.81)
    np.testing.assert_allclose(rest, [[0.6 * way, 0.8 * way], [0.0, 0.0]], rtol=1e-12)
    np.testing.assert_allclose(slid(position, velocity, friction, 100.0)[0], rest, rtol=1e-12)
    half = slid(*slid(position, velocity, friction, 0.4), friction, 0.5)
    np.testing.assert_allclose(half, slid(position, velocity, friction, 0.9), rtol=1e-12)


def test_a_hit_keeps_momentum_and_what_is_across_and_parts_with_the_restitution():
    rng = np.random.default_rng(1)
    offset, striker, other = rng.normal(size=(3, 50, 2))
    normal = offset / np.linalg.norm(offset, axis=1, keepdims=True)
    across = np.stack([-normal[:, 1], normal[:, 0]], axis=1)
    after = struck(offset, striker, other)
    momentum = STRIKER_MASS * striker + PUCK_MASS * other
    np.testing.assert_allclose(STRIKER_MASS * after[0] + PUCK_MASS * after[1], momentum, atol=1e-12)
    for before, now in zip((striker, other), after, strict=True):
        np.testing.assert_allclose((now * across).sum(1), (before * across).sum(1), atol=1e-12)
    parting = ((after[1] - after[0]) * normal).sum(1)
    np.testing.assert_allclose(parting, 0.8 * ((striker - other) * normal).sum(1), atol=1e-12)
    head_on = struck(np.array([[1.0, 0.0]]), np.array([[2.0, 0.0]]), np.zeros((1, 2)))
    np.testing.assert_allclose(head_on[1], [[1.8 * 2.0 * 1.0 / 1.3, 0.0]])


def test_discs_touch_when_their_centres_are_two_radii_apart():
    """Oracle: the same by looking at 2000 times."""
    rng = np.random.default_rng(2)
    offset, velocity = rng.uniform(-0.4, 0.4, (200, 2)), rng.normal(size=(200, 2))
    offset = offset[np.linalg.norm(offset, axis=1) > TOUCH]
    velocity = velocity[: len(offset)]
    times = np.linspace(0, 0.5, 2001)
    distance = np.linalg.norm(offset[:, None] + velocity[:, None] * times[None, :, None], axis=2)
    first = np.where((distance <= TOUCH).any(axis=1), times[(distance <= TOUCH).argmax(axis=1)], np.inf)
    got = time_of_contact(offset, velocity, 0.5)
    deep = np.abs(distance.min(axis=1) - TOUCH) > 1e-4  # all but those that graze
    np.testing.assert_allclose(got[deep], first[deep], atol=3e-4)
    assert 10 < np.isfinite(got).sum() < 190
    inside = np.array([[0.5 * TOUCH, 0.0]] * 2)
    assert time_of_contact(inside, np.array([[-1.0, 0.0], [1.0, 0.0]]), 0.5).tolist() == [0.0, np.inf]


# --- the world


def test_the_reward_is_the_distance_of_the_resting_place_and_is_due_at_the_hit():
    env = build(2, target_x=np.array([0.4, 0.9]), target_y=0.1)
    obs, _ = env.reset(seed=0)
    contact, rewards = [], []
    for action in shove(2):
        obs, reward, terminated, truncated, infos = env.step(action)
        rest = resting_place(obs[:, 4:6], obs[:, 6:8], np.full(2, 0.2))
        distance = np.linalg.norm(rest - env.context, axis=1)
        cost = 0.01 * np.square(action).sum(axis=1)
        np.testing.assert_allclose(reward, -distance - cost, atol=1e-12)
        contact.append(infos["contact"])
        rewards.append(infos["reward_distance"])
    contact, rewards = np.array(contact), np.array(rewards)
    assert not terminated.any() and truncated.all()
    first = contact.argmax(axis=0)
    assert contact.any(axis=0).all() and (first > 1).all()
    for i in range(2):  # nothing changes before the hit, nor after the last one, though the puck still slides
        np.testing.assert_array_equal(rewards[: first[i], i], rewards[0, i])
        last = len(contact) - 1 - contact[::-1, i].argmax()
        np.testing.assert_allclose(rewards[last:, i], rewards[last, i], atol=1e-9)
        assert last < 20
    np.testing.assert_allclose(obs[:, 6:8], 0.0)
    assert (obs[:, 4] > 0.3).all()


def test_speed_decides_how_far_and_where_it_is_hit_in_which_direction():
    env = build(3)
    env.reset(seed=[0, 0, 0])
    env._striker[:], env._puck[:] = [[-0.3, 0.0], [-0.3, 0.0], [-0.3, -0.03]], [-0.1, 0.0]
    for action in shove(3):
        env.step(action * np.array([[1.0], [0.5], [1.0]]))
    rest = env._puck
    assert rest[0, 0] > rest[1, 0] + 0.2 and abs(rest[:2, 1]).max() < 1e-12
    assert rest[2, 1] > 0.1  # hit below its centre it goes up


def test_the_striker_stays_in_its_zone_and_never_passes_through_the_puck():
    env = build(64)
    env.reset(seed=0)
    distances, hits = [], 0
    for action in random_actions(0, 40, 64):
        obs, _, _, _, infos = env.step(np.sign(action))
        distances.append(np.linalg.norm(obs[:, 4:6] - obs[:, :2], axis=1))
        hits += infos["contact"].sum()
        assert (obs[:, :2] >= puck.ZONE_LOW).all() and (obs[:, :2] <= puck.ZONE_HIGH).all()
    assert hits > 5 and np.min(distances) > TOUCH - 1e-3


def test_a_striker_that_sets_off_hits_what_is_right_before_it():
    env = build(1)
    env.reset(seed=0)
    env._striker[:], env._puck[:] = [-0.2, 0.0], [-0.2 + TOUCH + 1e-6, 0.0]
    assert env._substep(np.array([[8.0, 0.0]]), 0.01).all()
    struck_at, lost = 1.8 * 8.0 * 0.01 * STRIKER_MASS / (STRIKER_MASS + PUCK_MASS), 0.2 * GRAVITY * 0.01
    assert env._puck_velocity[0] == pytest.approx([struck_at - lost, 0.0], abs=1e-4)


def test_a_finished_table_stands_still():
    env = build(2, max_episode_steps=3)
    env.reset(seed=0)
    env._puck_velocity[:] = [0.5, 0.1]
    for _ in range(3):
        obs, *_, truncated, _ = env.step(np.ones((2, 2)))
    assert truncated.all() and (obs[:, 6] > 0).all()
    np.testing.assert_array_equal(env.step(np.ones((2, 2)))[0], obs)


def test_it_loses_energy_when_nobody_pushes():
    env = build(20)
    env.reset(seed=1)
    rng = np.random.default_rng(1)
    env._striker_velocity[:], env._puck_velocity[:] = rng.normal(size=(2, 20, 2))
    energy = np.inf
    for _ in range(20):
        obs = env.step(np.zeros((20, 2)))[0]
        now = 0.5 * STRIKER_MASS * (obs[:, 2:4] ** 2).sum(1) + 0.5 * PUCK_MASS * (obs[:, 6:8] ** 2).sum(1)
        assert (now <= energy + 1e-12).all()
        energy = now


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_worlds_that_reset_by_themselves_go_on_as_gymnasiums_do(mode):
    env = gymnasium.make_vec("course/Puck-v0", 2, autoreset_mode=mode, target_x=0.5)
    peer = gymnasium.make_vec(
        "course/Puck-v0",
        2,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": mode},
        target_x=0.5,
    )
    np.testing.assert_array_equal(env.reset(seed=7)[0], peer.reset(seed=7)[0])
    ends = 0
    for action in random_actions(1, 90, 2):
        ours, theirs = env.step(action), peer.step(np.clip(action, -1, 1))
        for mine, other in zip(ours[:4], theirs[:4], strict=True):
            np.testing.assert_array_equal(mine, other)
        ends += theirs[3].sum()
    assert ends == 4


def test_starts_are_as_documented_and_of_the_seed():
    env = build(1000, context_observed=False)
    obs, _ = env.reset(seed=0)
    assert obs.shape == (1000, 8) and (obs[:, [2, 3, 6, 7]] == 0).all()
    offset = obs[:, [0, 1, 4, 5]] - [-0.4, 0.0, -0.1, 0.0]
    assert np.abs(offset).max() <= 0.03 and offset.std() == pytest.approx(0.03 / np.sqrt(3), rel=0.05)
    np.testing.assert_array_equal(build(5).reset(seed=0)[0][:, :8], obs[:5])


def test_single_world_passes_gymnasiums_checker():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*(minimum|maximum) value is -?infinity.*")
        check_env(gymnasium.make("course/Puck-v0").unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name, value", [("target_x", 2.1), ("target_y", np.nan), ("friction", 0.0)])
def test_impossible_parameters_are_named(name, value):
    with pytest.raises(ValueError, match=rf"{name} must be in \["):
        PuckParams(**{name: value})


def test_what_is_drawn_is_where_things_are():
    env = build(2, target_x=np.array([0.4, 0.9]))
    obs, _ = env.reset(seed=0)
    pose, names = env.pose(), env.scene.bodies
    assert pose.shape == (2, len(names), 3) and pose.dtype == np.float32
    for name, place in (("goal", env.context), ("striker", obs[:, :2]), ("puck", obs[:, 4:6])):
        np.testing.assert_allclose(pose[:, names.index(name), :2] - [0.0, 1.0], place, atol=1e-6)


def test_the_family_draws_targets_that_a_hit_can_reach():
    env = puck.family().make_vec(500, params=puck.family().sample(np.random.default_rng(0), 500))
    assert (env.context[:, 0] >= 0.3).all() and (env.context[:, 0] <= 1.0).all()
    assert (np.abs(env.context[:, 1]) <= 0.4).all() and (env.params.array(500)[:, 2] == 0.2).all()
