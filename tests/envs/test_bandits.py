"""Bandits: what an arm pays, that nothing tells which is best, and thousands at a time."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  registers the worlds
from course_lib.core.task_family import fixed_tasks
from course_lib.envs import bandits


def withheld(family, n: int):
    return family.make_vec(n, autoreset_mode=AutoresetMode.DISABLED, context_observed=False)


def pulls(env, action: int, count: int) -> np.ndarray:
    """Rewards [count, N] for one arm, with a new episode after every pull."""
    rewards = []
    for _ in range(count):
        _, reward, terminated, _, _ = env.step(np.full(env.num_envs, action))
        assert terminated.all()
        env.reset(options={"reset_mask": terminated})
        rewards.append(reward)
    return np.array(rewards)


def test_an_arm_pays_one_as_often_as_its_probability_says():
    env = withheld(bandits.family(3), 2000)
    env.set_params(bandits.params_type(3)(arm_0=0.0, arm_1=0.3, arm_2=1.0))
    env.reset(seed=0)
    paid = [pulls(env, arm, 20) for arm in range(3)]
    assert set(np.unique(paid[1])) == {0.0, 1.0}
    assert paid[0].max() == 0.0 and paid[2].min() == 1.0
    assert abs(paid[1].mean() - 0.3) < 4 * np.sqrt(0.21 / 40_000)
    correlation = np.corrcoef(paid[1].T[:20])  # simulations are independent
    assert np.abs(correlation - np.eye(20)).max() < 0.9


def test_each_simulation_has_its_own_arms():
    family = bandits.family(4)
    env = withheld(family, 500)
    env.set_params(family.sample(np.random.default_rng(1), 500))
    env.reset(seed=1)
    paid = np.stack([pulls(env, arm, 200).mean(0) for arm in range(4)], axis=1)
    assert np.abs(paid - env.arms).max() < 5 * np.sqrt(0.25 / 200)
    assert abs(env.arms.mean() - 0.5) < 0.03 and abs(env.arms.std() - np.sqrt(1 / 12)) < 0.02


@pytest.mark.parametrize("setting", bandits.DEPENDENT)
def test_one_dependent_arm_tells_of_the_other(setting):
    family = bandits.dependent_family(setting)
    env = withheld(family, 400)
    env.set_params(family.sample(np.random.default_rng(2), 400))
    np.testing.assert_allclose(env.arms.sum(1), 1.0)
    if setting != "uniform":
        assert set(env.arms[:, 0]) == set(bandits.DEPENDENT[setting].values)
    env.reset(seed=2)
    paid = np.stack([pulls(env, arm, 100).mean(0) for arm in range(2)], axis=1)
    assert np.abs(paid - env.arms).max() < 5 * np.sqrt(0.25 / 100)


@pytest.mark.parametrize("family", [bandits.family(3), bandits.dependent_family("uniform")])
def test_nothing_of_the_task_is_seen_unless_it_is_told(family):
    rng = np.random.default_rng(3)
    seen = []
    for _ in range(2):
        env = withheld(family, 50)
        env.set_params(family.sample(rng, 50))
        obs, infos = env.reset(seed=4)
        steps = [obs, *(env.step(np.zeros(50, dtype=int))[0] for _ in range(3))]
        assert obs.shape == (50, 1) and infos == {}
        seen.append(np.array(steps))
    np.testing.assert_array_equal(seen[0], seen[1])
    assert (seen[0] == 1.0).all()
    told = family.make_vec(50)
    told.set_params(family.sample(rng, 50))
    np.testing.assert_array_equal(told.reset(seed=0)[0][:, 1:], told.params.array(50))


def test_a_seed_fixes_the_batch_and_rewards_go_on_being_drawn():
    paid = []
    env = withheld(bandits.family(2), 64)
    for _ in range(2):
        env.reset(seed=5)
        paid.append(pulls(env, 0, 20))
    np.testing.assert_array_equal(paid[0], paid[1])
    assert (paid[0][1:] != paid[0][:-1]).any(axis=1).all()


def test_luck_does_not_know_tasks_that_were_drawn_with_the_same_seed():
    family = bandits.family(2)
    env = withheld(family, 2000)
    env.set_params(family.sample(np.random.default_rng(7), 2000))
    for arm in (0, 1):
        env.reset(seed=7)
        paid = pulls(env, arm, 3)
        assert np.abs(paid.mean(1) - 0.5).max() < 0.05
        np.testing.assert_allclose(np.corrcoef(paid[0], env.arms[:, arm])[0, 1], 1 / np.sqrt(3), atol=0.07)


def test_a_training_set_can_be_fixed():
    family = bandits.family(5)
    rng = np.random.default_rng(6)
    few = family.sample(rng, 3)
    drawn = fixed_tasks(few, 3, rng)(100).array(100)
    np.testing.assert_array_equal(np.unique(drawn, axis=0), np.unique(few.array(3), axis=0))


@pytest.mark.parametrize(("name", "options"), [("Bandit", {"arms": 3}), ("DependentBandit", {"p": 0.7})])
def test_the_single_world_keeps_gymnasiums_contract(name, options):
    env = gymnasium.make(f"course/{name}-v0", **options)
    check_env(env.unwrapped, skip_render_check=True)
    runs = []
    for _ in range(2):
        env.reset(seed=8)
        rewards = []
        for _ in range(20):
            _, reward, terminated, _, _ = env.step(1)
            assert terminated
            rewards.append(reward)
            env.reset()
        runs.append(rewards)
    assert runs[0] == runs[1] and 0 < sum(runs[0]) < 20


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="arms must be at least 1, got 0"):
        bandits.family(0)
    with pytest.raises(ValueError, match="arm_1 must be in"):
        bandits.BanditVectorEnv(1, arms=2, arm_1=1.5)
    with pytest.raises(TypeError, match="unknown parameter arm_9"):
        bandits.BanditVectorEnv(1, arms=2, arm_9=0.5)
    with pytest.raises(ValueError, match=r"no setting 'eazy'.*easy"):
        bandits.dependent_family("eazy")
    with pytest.raises(ValueError, match="p must be in"):
        bandits.DependentBanditVectorEnv(2, p=-0.1)
