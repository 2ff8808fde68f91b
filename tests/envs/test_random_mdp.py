"""Random MDPs: drawn as in the paper, stepped as their tables say, and withheld."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import course_lib.envs  # noqa: F401  registers the worlds
from course_lib.core.task_family import fixed_tasks
from course_lib.envs import random_mdp
from course_lib.envs.random_mdp import RandomMDPParams, RandomMDPVectorEnv

FAMILY = random_mdp.family()


def test_tables_are_drawn_from_the_papers_distributions():
    tasks = FAMILY.sample(np.random.default_rng(0), 2000)
    np.testing.assert_allclose(tasks.dynamics.sum(-1), 1.0)
    # One entry of Dirichlet(1, ..., 1) of 10 is Beta(1, 9): mean 1/10, variance 9 / (100 * 11).
    assert abs(tasks.dynamics.var() / (9 / 1100) - 1) < 0.01
    assert abs((tasks.dynamics < 0.05).mean() - (1 - 0.95**9)) < 0.003
    assert abs(tasks.reward.mean() - 1) < 0.02 and abs(tasks.reward.std() - 1) < 0.02


def test_a_step_is_drawn_from_its_row_and_pays_its_mean_with_noise():
    tasks = FAMILY.sample(np.random.default_rng(1), 1)
    n, one = 10_000, {"dynamics": tasks.dynamics[0], "reward": tasks.reward[0]}
    env = RandomMDPVectorEnv(n, context_observed=False, **one)
    obs, _ = env.reset(seed=0)
    assert (obs.argmax(1) == 0).all()
    obs, reward, _, _, _ = env.step(np.full(n, 3))
    np.testing.assert_allclose(obs.mean(0), tasks.dynamics[0, 0, 3], atol=4 * 0.5 / np.sqrt(n))
    assert abs(reward.mean() - tasks.reward[0, 0, 3]) < 4 / np.sqrt(n)
    assert abs(reward.std() - 1) < 0.03
    state = obs.argmax(1)
    then, reward, _, _, _ = env.step(np.full(n, 1))
    at = state == np.bincount(state).argmax()
    np.testing.assert_allclose(
        then[at].mean(0), tasks.dynamics[0, state[at][0], 1], atol=4 * 0.5 / np.sqrt(at.sum())
    )
    assert abs(np.corrcoef(reward[at], then[at].argmax(1))[0, 1]) < 5 / np.sqrt(at.sum())


def test_a_certain_table_is_walked_as_it_says_and_an_episode_has_ten_steps():
    certain = np.zeros((10, 5, 10))
    for s, a in np.ndindex(10, 5):
        certain[s, a, (s + a) % 10] = 1.0
    env = RandomMDPVectorEnv(4, dynamics=certain, context_observed=False, autoreset_mode="Disabled")
    env.reset(seed=0)
    for step in range(1, 11):
        obs, _, terminated, truncated, _ = env.step(np.arange(4))
        np.testing.assert_array_equal(obs.argmax(1), np.arange(4) * step % 10)
        assert not terminated.any() and (truncated == (step == 10)).all()
    obs, reward, _, _, _ = env.step(np.arange(4))
    assert (reward == 0).all() and (obs.argmax(1) == np.arange(4) * 10 % 10).all()
    obs, _ = env.reset(options={"reset_mask": np.array([True, False, True, False])})
    np.testing.assert_array_equal(obs.argmax(1), 0)


def test_nothing_of_the_task_is_seen_unless_it_is_told():
    rng, first, told = np.random.default_rng(2), [], RandomMDPVectorEnv(30)
    for _ in range(2):
        env = RandomMDPVectorEnv(30, FAMILY.sample(rng, 30), context_observed=False)
        first.append(env.reset(seed=3)[0])
        assert first[-1].shape == (30, 10)
    np.testing.assert_array_equal(first[0], first[1])
    told.set_params(FAMILY.sample(rng, 30))
    np.testing.assert_array_equal(told.reset(seed=3)[0][:, 10:], told.params.array(30))


def test_parameters_survive_as_a_matrix_and_a_training_set_can_be_fixed():
    rng = np.random.default_rng(4)
    tasks = FAMILY.sample(rng, 6)
    assert RandomMDPParams.from_array(tasks.array(6)) == tasks
    assert len(tasks.names()) == tasks.array(6).shape[1] == 550
    assert tasks.array(6)[2, tasks.names().index("p_3_4_5")] == tasks.dynamics[2, 3, 4, 5]
    assert tasks.array(6)[2, tasks.names().index("r_9_0")] == tasks.reward[2, 9, 0]
    drawn = fixed_tasks(tasks, 6, rng)(200)
    assert len(np.unique(drawn.reward[:, 0, 0])) == 6
    assert FAMILY.sample(np.random.default_rng(5), 3) == FAMILY.sample(np.random.default_rng(5), 3)


def test_a_seed_fixes_the_batch():
    runs = []
    for _ in range(2):
        env = RandomMDPVectorEnv(20, context_observed=False)
        env.reset(seed=6)
        runs.append([np.column_stack(env.step(np.full(20, 2))[:2]) for _ in range(5)])
    np.testing.assert_array_equal(runs[0], runs[1])


@pytest.mark.filterwarnings("ignore:.*Box observation space")
def test_the_single_world_keeps_gymnasiums_contract():
    env = gymnasium.make("course/RandomMDP-v0", params=FAMILY.sample(np.random.default_rng(7), 1))
    check_env(env.unwrapped, skip_render_check=True)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="rows sum to 1"):
        RandomMDPVectorEnv(1, dynamics=np.ones((10, 5, 10)))
    with pytest.raises(ValueError, match=r"dynamics must be of shape \(10, 5, 10\)"):
        RandomMDPVectorEnv(1, dynamics=np.ones((3, 2, 3)) / 3)
    with pytest.raises(ValueError, match="reward must be finite"):
        RandomMDPVectorEnv(1, reward=np.full((10, 5), np.nan))
    with pytest.raises(ValueError, match="of 3 MDPs for 2 simulations"):
        RandomMDPVectorEnv(2, FAMILY.sample(np.random.default_rng(8), 3))
    with pytest.raises(ValueError, match=r"shape \[N, 550\]"):
        RandomMDPParams.from_array(np.ones((2, 7)))
