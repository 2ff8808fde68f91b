"""Exact beliefs: Bayes' rule by enumeration, evidence in any order, and one sample for a whole episode."""

from itertools import permutations

import numpy as np
import pytest

from course_lib.envs import grid_navi, grid_navi_beliefs
from course_lib.meta.belief import TabularTasks, bayes_filter, explore, posterior_sampling

GRID = TabularTasks(*grid_navi_beliefs.tables())


def random_tasks(seed=0, m=4, s=3, a=2):
    """Small worlds that pay 0 or 1, so that a reward seldom gives the task away."""
    rng = np.random.default_rng(seed)
    reward = rng.integers(2, size=(m, s, a, s)).astype(float)
    return TabularTasks(rng.dirichlet(np.ones(s), (m, s, a)), reward)


def guesses(m=3):
    """One state; in task m action m pays, and nobody is told that it did."""
    return TabularTasks(np.ones((m, 1, m, 1)), np.eye(m)[:, None])


def test_the_filter_is_bayes_rule_by_counting():
    """Of so many worlds drawn from the prior and then by likelihood, the share of each task."""
    rng = np.random.default_rng(0)
    belief, likelihood = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.4, 0.8])
    task = rng.choice(3, p=belief, size=200_000)
    happened = rng.random(len(task)) < likelihood[task]
    share = np.bincount(task[happened]) / happened.sum()
    np.testing.assert_allclose(bayes_filter(belief, likelihood), share, atol=0.005)
    np.testing.assert_allclose(bayes_filter(belief, likelihood), np.array([5, 12, 16]) / 33)


def test_the_order_and_the_scale_of_evidence_do_not_matter():
    rng = np.random.default_rng(1)
    prior, evidence = rng.dirichlet(np.ones(5), 7), rng.random((4, 7, 5))
    at_once = bayes_filter(prior, evidence.prod(axis=0))
    for order in permutations(evidence):
        belief = prior
        for scale, likelihood in enumerate(order, start=1):
            belief = bayes_filter(belief, scale * likelihood)
        np.testing.assert_allclose(belief, at_once)
    np.testing.assert_allclose(at_once.sum(axis=1), 1.0)
    np.testing.assert_allclose(bayes_filter(prior, np.full((7, 5), 0.3)), prior)


def test_evidence_that_cannot_be_is_refused():
    belief = np.array([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]])
    with pytest.raises(ValueError, match="no task explains"):
        bayes_filter(belief, np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))


def test_the_likelihood_is_that_of_the_next_state_and_of_the_reward():
    tasks = random_tasks()
    state, action, after = np.indices((3, 2, 3)).reshape(3, -1)
    for reward in (0.0, 1.0):
        found = tasks.likelihood(state, action, np.full(len(state), reward), after)
        for i, where in enumerate(zip(state, action, after, strict=True)):
            right = [tasks.transition[m][where] * (tasks.reward[m][where] == reward) for m in range(4)]
            np.testing.assert_array_equal(found[i], right)
    short = TabularTasks(tasks.transition, tasks.reward[..., 0])
    np.testing.assert_allclose(short.mean_reward, tasks.reward[..., 0])
    assert short.likelihood(0, 1, 0.5, 2).tolist() == [0.0] * 4


@pytest.mark.parametrize("world", ["random", "grid"])
def test_a_belief_is_what_the_whole_trial_says_and_outlives_the_episode(world):
    tasks = random_tasks() if world == "random" else GRID
    m, _, a, _ = tasks.transition.shape
    rng, did = np.random.default_rng(2), []

    def anything(step, state, belief, rng):
        did.append(rng.integers(a, size=len(state)))
        return did[-1]

    truth = rng.integers(m, size=50)
    happened = explore(tasks, anything, truth, 3, 4, rng)
    assert (happened.state[:, 0] == 0).all() and happened.returns.shape == (3, 50)
    np.testing.assert_array_equal(happened.belief[1:, 0], happened.belief[:-1, -1])
    joint = np.full((50, m), 1.0 / m)
    for step, action in enumerate(did):
        episode, t = divmod(step, 4)
        before, after = happened.state[episode, t], happened.state[episode, t + 1]
        for n in range(50):
            where = (slice(None), before[n], action[n], after[n])
            right = tasks.each_reward[where] == happened.reward[episode, t, n]
            joint[n] *= tasks.transition[where] * right
        np.testing.assert_allclose(happened.belief[episode, t + 1], joint / joint.sum(axis=1, keepdims=True))
    assert (happened.belief[..., np.arange(50), truth] > 0).all()


def test_a_cell_that_did_not_pay_is_not_the_goal_and_one_that_did_is():
    truth = np.arange(21)
    happened = explore(GRID, posterior_sampling(GRID, 15), truth, 2, 15, np.random.default_rng(0))
    number = grid_navi.GOALS @ np.array([1, grid_navi.SIDE])
    for n in truth:
        seen = [number.tolist().index(cell) for cell in happened.state[:, 1:, n].flatten() if cell in number]
        left = np.eye(21)[n] if n in seen else ~np.isin(truth, seen) / (~np.isin(truth, seen)).sum()
        np.testing.assert_allclose(happened.belief[-1, -1, n], left)
        assert n in seen or happened.returns[:, n].max() < -1.4


def test_next_states_come_as_often_as_they_should():
    tasks = random_tasks(3)
    truth = np.arange(40_000) % 4
    happened = explore(tasks, lambda *now: np.ones(40_000, int), truth, 1, 1, np.random.default_rng(3))
    for m in range(4):
        share = np.bincount(happened.state[0, 1, truth == m], minlength=3) / 10_000
        np.testing.assert_allclose(share, tasks.transition[m, 0, 1], atol=0.02)


def test_one_task_is_believed_for_a_whole_episode_and_another_in_the_next():
    tasks, did = guesses(), []
    sampling = posterior_sampling(tasks, 5)

    def watched(step, state, belief, rng):
        did.append(sampling(step, state, np.tile([0.2, 0.0, 0.8], (len(state), 1)), rng))
        return did[-1]

    explore(
        tasks, watched, np.zeros(20_000, int), 2, 5, np.random.default_rng(4), bayes_filter=lambda b, _: b
    )
    did = np.reshape(did, (2, 5, -1))
    assert (did == did[:, :1]).all()
    first, second = did[:, 0]
    np.testing.assert_allclose(np.bincount(first, minlength=3) / 20_000, [0.2, 0.0, 0.8], atol=0.012)
    assert abs((first == second).mean() - (0.2**2 + 0.8**2)) < 0.014


def test_a_sample_is_acted_on_as_if_it_were_true():
    """Sure of its task from the start, posterior sampling earns what whoever is told it does."""
    truth, sampling = np.arange(21), posterior_sampling(GRID, 15)

    def told(step, state, belief, rng):
        return sampling(step, state, np.eye(21), rng)

    returns = [
        explore(GRID, explorer, truth, 1, 15, np.random.default_rng(0)).returns[0]
        for explorer in (told, sampling)
    ]
    np.testing.assert_allclose(returns[0], 16.1 - 1.1 * grid_navi.GOALS.sum(axis=1))
    assert (returns[1] <= returns[0] + 1e-9).all() and returns[1].mean() < returns[0].mean() - 5


def test_the_same_seed_explores_the_same_and_a_students_filter_is_asked():
    tasks, asked = random_tasks(), []

    def students(belief, likelihood):
        asked.append(belief.shape)
        return bayes_filter(belief, likelihood)

    truth = np.arange(30) % 4
    runs = [
        explore(tasks, posterior_sampling(tasks, 3), truth, 4, 3, np.random.default_rng(seed), **given)
        for seed, given in ((5, {}), (5, {"bayes_filter": students}), (6, {}))
    ]
    np.testing.assert_array_equal(runs[0].state, runs[1].state)
    np.testing.assert_array_equal(runs[0].belief, runs[1].belief)
    assert (runs[0].state != runs[2].state).any() and asked == [(30, 4)] * 12


def test_what_is_no_table_is_refused():
    transition, reward = np.ones((2, 1, 3, 1)), np.zeros((2, 1, 3))
    with pytest.raises(ValueError, match=r"got \[2, 1, 3, 1\] and \[2, 3\]"):
        TabularTasks(transition, reward[:, 0])
    with pytest.raises(ValueError, match="sum to 1"):
        TabularTasks(0.5 * transition, reward)
