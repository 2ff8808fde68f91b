"""Task distributions against scipy's, and the joint MDP: who is given a task, and when."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode
from scipy import stats

from course_lib.core.networks import UniformPolicy
from course_lib.core.rollout import Collector
from course_lib.core.task_family import (
    Choice,
    DrawnTasks,
    TaskFamily,
    TruncatedNormal,
    Uniform,
    draw_tasks,
    fixed_tasks,
    set_tasks,
    training_draw,
    truncated_normal,
)
from course_lib.envs import bit_flip, navigation, rooms


@pytest.mark.parametrize(
    ("mean", "sigma", "low", "high"), [(6, 1.5, 3, 9), (2.5, 1, 1, 4), (0.125, 0.04, 0.05, 0.2)]
)
def test_is_the_distribution_of_scipy(mean, sigma, low, high):
    draws = truncated_normal(np.random.default_rng(0), mean, sigma, low, high, 20_000)
    exact = stats.truncnorm((low - mean) / sigma, (high - mean) / sigma, mean, sigma)
    assert stats.kstest(draws, exact.cdf).pvalue > 1e-3
    assert draws.std() == pytest.approx(exact.std(), rel=0.02)


def test_the_lectures_table_after_truncation():
    draws = truncated_normal(np.random.default_rng(1), 2.5, 1.0, 1.0, 4.0, 200_000)
    assert draws.std() == pytest.approx(0.7427, rel=0.01)
    assert ((draws == 1.0) | (draws == 4.0)).sum() == 0  # clipping would leave 13 % of them here


def test_same_seed_same_tasks():
    first, again = (truncated_normal(np.random.default_rng(3), 0, 1, -1, 1, 50) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, -1, 1), "sigma must be positive, got 0"),
        ((0, 1, 1, 1), "low must be below high"),
        ((0, 1, 30, 31), "holds almost nothing"),
    ],
)
def test_bad_distributions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        truncated_normal(np.random.default_rng(0), *arguments, 10)


@dataclass(frozen=True)
class _Params:
    mass: np.ndarray
    friction: np.ndarray
    drag: float = 0.5

    @classmethod
    def from_keywords(cls, **values):
        return cls(**values)


def test_a_family_samples_every_parameter_on_its_own():
    family = TaskFamily("toy", _Params, {"mass": TruncatedNormal(6, 1.5, 3, 9), "friction": 2.0}, None)
    params = family.sample(np.random.default_rng(0), 500)
    assert params.mass.min() >= 3 and params.mass.max() <= 9 and params.mass.std() > 1
    np.testing.assert_array_equal(params.friction, np.full(500, 2.0))


def test_a_sampler_of_the_wrong_shape_is_named():
    family = TaskFamily("toy", _Params, {"mass": TruncatedNormal(6, 1.5, 3, 9), "friction": 2.0}, None)
    with pytest.raises(ValueError, match="must return 5 values for mass"):
        family.sample(np.random.default_rng(0), 5, lambda rng, mean, sigma, low, high, n: np.zeros(n + 1))


def test_the_world_in_the_middle_has_means_constants_and_defaults():
    family = TaskFamily("toy", _Params, {"mass": TruncatedNormal(6, 1.5, 3, 9), "friction": 2.0}, None)
    assert family.means == _Params(mass=6, friction=2.0, drag=0.5)


def test_uniform_and_chosen_parameters_are_drawn_from_their_whole_range():
    family = TaskFamily("toy", _Params, {"mass": Uniform(2.0, 4.0), "friction": Choice((-1.0, 1.0))}, None)
    params = family.sample(np.random.default_rng(0), 4000)
    assert stats.kstest(params.mass, stats.uniform(2, 2).cdf).pvalue > 1e-3
    assert set(params.friction) == {-1.0, 1.0} and abs(params.friction.mean()) < 0.06
    assert family.means.mass == 3.0 and family.means.friction == 0.0


def test_empty_distributions_are_refused():
    with pytest.raises(ValueError, match="low must be below high, got low=2 and high=2"):
        Uniform(2, 2)
    with pytest.raises(ValueError, match="values is empty"):
        Choice(())


# The joint MDP.


def test_only_whoever_starts_is_given_a_new_task_and_nothing_is_changed_in_place():
    tasks = np.arange(6.0).reshape(3, 2)
    before, asked = tasks.copy(), []

    def sample(n):
        asked.append(n)
        return -1.0 - np.arange(2.0 * n).reshape(n, 2)

    after = draw_tasks(tasks, np.array([True, False, True]), sample)
    np.testing.assert_array_equal(after, [[-1, -2], [2, 3], [-3, -4]])
    np.testing.assert_array_equal(tasks, before)
    assert asked == [2]


def test_tasks_are_drawn_at_an_episodes_first_step_and_kept_to_its_end():
    family = rooms.family()
    env = family.make_vec(3, autoreset_mode=AutoresetMode.DISABLED, max_episode_steps=4)
    collector = Collector(env, seed=0, before_reset=DrawnTasks(env, family, np.random.default_rng(0)))
    data, _ = collector.collect(UniformPolicy(2), 20)
    goals = data.obs[..., 2:].numpy()  # [T, N, K]
    starts = np.concatenate([np.ones((1, 3), dtype=bool), data.ended[:-1].numpy()])
    changed = (np.diff(goals, axis=0) != 0).any(-1)
    np.testing.assert_array_equal(changed, starts[1:])
    assert len(np.unique(goals.reshape(-1, 2), axis=0)) == starts.sum() >= 15
    np.testing.assert_array_equal(data.next_obs[..., 2:].numpy(), goals)


def test_nobody_is_given_a_new_task_in_the_middle_because_somebody_else_starts():
    family = bit_flip.family(4)  # episodes end when a pattern is made, each in its own time
    env = family.make_vec(8, autoreset_mode=AutoresetMode.DISABLED)
    tasks, torch_rng = DrawnTasks(env, family, np.random.default_rng(0)), torch.Generator().manual_seed(0)

    class Anything:
        def sample(self, obs):
            return torch.randint(4, (len(obs), 1), generator=torch_rng).float()

    data, _ = Collector(env, seed=0, before_reset=tasks).collect(Anything(), 40)
    goals = data.obs[..., 4:]
    changed, before = (goals[1:] != goals[:-1]).any(-1), data.ended[:-1]
    assert not (changed & ~before).any()
    assert (changed & before).sum() > 0.8 * before.sum()  # of 16 patterns one is the old one
    uneven = before.any(1) & ~before.all(1)
    assert uneven.sum() > 5
    np.testing.assert_array_equal(tasks.tasks, env.context)


def test_a_draw_of_another_shape_is_named():
    family = rooms.family()
    env = family.make_vec(3)
    drawn = DrawnTasks(env, family, np.random.default_rng(0), lambda tasks, starting, sample: sample(1))
    with pytest.raises(ValueError, match=r"draw_tasks must return tasks of shape \(3, 2\), got \(1, 2\)"):
        drawn(np.ones(3, dtype=bool))


def test_a_draw_that_writes_into_what_it_returned_before_changes_no_task_that_was_drawn():
    family = rooms.family()
    kept = np.zeros((3, 2))

    def in_place(tasks, starting, sample):
        kept[starting] = sample(int(starting.sum()))
        return kept

    drawn = DrawnTasks(family.make_vec(3), family, np.random.default_rng(0), in_place)
    drawn(np.ones(3, dtype=bool))
    first, before = drawn.tasks, drawn.tasks.copy()
    drawn(np.array([True, False, False]))
    np.testing.assert_array_equal(first, before)
    assert (drawn.tasks[0] != before[0]).all()


def test_a_training_draws_from_a_family_or_from_the_few_tasks_of_it_that_come_first():
    family = navigation.family()
    endless = training_draw(family, None, np.random.default_rng(3))(50).array(50)
    assert len(np.unique(endless, axis=0)) == 50
    few = family.sample(np.random.default_rng(3), 4).array(4)
    drawn = training_draw(family, 4, np.random.default_rng(3))(50).array(50)
    assert {tuple(row) for row in drawn} == {tuple(row) for row in few}


def test_fixed_tasks_are_drawn_equally_often_and_whole():
    tasks = rooms.RoomsParams(goal_x=np.array([0.1, 0.2, 0.3]), goal_y=np.array([-0.1, -0.2, -0.3]))
    drawn = fixed_tasks(tasks, 3, np.random.default_rng(0))(3000).array(3000)
    values, counts = np.unique(drawn, axis=0, return_counts=True)
    np.testing.assert_array_equal(values, tasks.array(3))
    assert (abs(counts - 1000) < 120).all()
    with pytest.raises(ValueError, match="has 3 values for 4 simulations"):
        fixed_tasks(tasks, 4, np.random.default_rng(0))


def test_each_task_is_given_to_its_own_simulations():
    env = navigation.NavigationVectorEnv(6, context_observed=False)
    set_tasks(env, navigation.NavigationParams(goal_x=np.array([0.1, 0.2]), goal_y=0.3), 2)
    np.testing.assert_allclose(env.goals, [[0.1, 0.3]] * 3 + [[0.2, 0.3]] * 3)
    with pytest.raises(ValueError, match="6 simulations cannot be shared out evenly among 4 tasks"):
        set_tasks(env, navigation.family().sample(np.random.default_rng(0), 4), 4)
