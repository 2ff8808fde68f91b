"""What can be earned in GridNavi: the optimum by an independent count, and posterior sampling below it."""

from itertools import pairwise

import numpy as np
import pytest

from course_lib.envs import grid_navi, grid_navi_beliefs


def test_the_tables_are_the_world():
    transition, reward = grid_navi_beliefs.tables()
    env = grid_navi.GridNaviVectorEnv(
        21, goal=np.arange(21.0), autoreset_mode="Disabled", context_observed=False
    )
    obs, rng, seen = env.reset(seed=0)[0], np.random.default_rng(0), 0.0
    for _ in range(grid_navi.HORIZON):
        state, action = obs.argmax(axis=1), rng.integers(5, size=21)
        obs, paid, _, _, _ = env.step(action)
        np.testing.assert_array_equal(transition[np.arange(21), state, action], obs)
        np.testing.assert_array_equal(reward[np.arange(21), state, action, obs.argmax(axis=1)], paid)
        seen = max(seen, paid.max())
    assert seen == 1.0 and transition.shape == reward.shape == (21, 25, 5, 25)


def searched(path: tuple[int, ...], goal: np.ndarray) -> float:
    """Return of whoever walks a path and stays where the goal is met, step by step in the world itself."""
    env = grid_navi.GridNaviVectorEnv(1, goal=goal, autoreset_mode="Disabled")
    env.reset(seed=0)
    total, found = 0.0, False
    for here, there in pairwise(path):
        step = {0: 0, 5: 1, 1: 2, -5: 3, -1: 4}[0 if found else there - here]
        _, reward, _, _, infos = env.step(np.array([step]))
        found, total = found or bool(infos["reached"][0]), total + float(reward[0])
    return total


def test_the_best_search_earns_in_the_world_what_the_equation_says():
    value, path = grid_navi_beliefs.optimal_search()
    assert value == pytest.approx(4.0, abs=1e-9)
    assert np.mean([searched(path, float(goal)) for goal in range(21)]) == pytest.approx(4.0, abs=1e-9)


def best_by_trying(horizon: int) -> float:
    """The paper-and-pencil way: every path of a few steps, tried on every goal."""

    def total(cells: tuple[tuple[int, int], ...], goal: tuple[int, int]) -> float:
        before = cells.index(goal) if goal in cells else horizon
        return -0.1 * before + 1.0 * (horizon - before)

    paths = [((0, 0),)]
    for _ in range(horizon):
        paths = [
            (*path, (path[-1][0] + x, path[-1][1] + y))
            for path in paths
            for x, y in ((0, 1), (1, 0), (0, -1), (-1, 0))
            if 0 <= path[-1][0] + x < 5 and 0 <= path[-1][1] + y < 5
        ]
    goals = [tuple(goal) for goal in grid_navi.GOALS.tolist()]
    return max(sum(total(path[1:], goal) for goal in goals) / 21 for path in paths)


@pytest.mark.parametrize("horizon", [1, 2, 4, 6])
def test_no_path_of_a_few_steps_is_better(horizon):
    assert grid_navi_beliefs.optimal_search(horizon)[0] == pytest.approx(best_by_trying(horizon), abs=1e-9)


def test_all_later_episodes_earn_as_if_the_goal_were_told():
    """What the search leaves lies on one shortest way: one sweep meets each goal in the least steps."""
    _, path = grid_navi_beliefs.optimal_search()
    left = [goal for goal in grid_navi.GOALS.tolist() if 5 * goal[1] + goal[0] not in path]
    assert len(left) == 7
    for before, after in pairwise(sorted(left, key=sum)):
        assert before[0] <= after[0] and before[1] <= after[1]
    assert grid_navi_beliefs.told_return() == pytest.approx(11.0714, abs=1e-4)
    assert grid_navi_beliefs.optimal_return(2) == pytest.approx(15.0714, abs=1e-4)
    assert grid_navi_beliefs.optimal_return(4) == pytest.approx(37.2143, abs=1e-4)


def test_posterior_sampling_learns_but_is_not_optimal():
    goals = np.random.default_rng(0).integers(21, size=3000)
    returns, paths = grid_navi_beliefs.posterior_sampling(goals, 6, np.random.default_rng(1))
    np.testing.assert_allclose(returns.mean(axis=1), [0.51, 2.29, 3.87, 5.24, 6.47, 7.51], atol=0.45)
    assert returns[0].mean() < 1.0  # of 4.0
    assert np.abs(np.diff(paths, axis=2)).sum(axis=3).max() == 1  # a cell at a time
    # Once found, it is never lost: all later episodes earn what the distance leaves.
    found = (paths[0] == grid_navi.GOALS[goals][:, None]).all(axis=2).any(axis=1)
    least = 16.1 - 1.1 * grid_navi.GOALS[goals].sum(axis=1)
    np.testing.assert_allclose(returns[1:, found], np.tile(least[found], (5, 1)))
    assert (returns <= least + 1e-9).all()


def test_the_same_seed_believes_the_same():
    goals = np.arange(21)
    once, again, other = (
        grid_navi_beliefs.posterior_sampling(goals, 2, np.random.default_rng(seed))[0] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_the_paths_of_the_optimum_earn_what_the_equation_says():
    goals = np.arange(21)
    paths = grid_navi_beliefs.optimal_paths(goals, 3)
    assert np.abs(np.diff(paths, axis=2)).sum(axis=3).max() == 1  # a cell at a time
    returns = grid_navi_beliefs.rewards_of(paths, goals).sum(axis=2)
    expected = [grid_navi_beliefs.optimal_search()[0], *[grid_navi_beliefs.told_return()] * 2]
    np.testing.assert_allclose(returns.mean(axis=1), expected)


def test_rewards_of_paths_are_those_of_posterior_sampling():
    goals = np.random.default_rng(0).integers(21, size=50)
    returns, paths = grid_navi_beliefs.posterior_sampling(goals, 3, np.random.default_rng(1))
    np.testing.assert_allclose(grid_navi_beliefs.rewards_of(paths, goals).sum(axis=2), returns)


def test_beliefs_of_paths_are_bayes_rule_step_by_step():
    """The slow way: multiply the belief by the likelihood of what each step showed, and normalise."""
    goals = np.array([0, 7, 20])
    _, paths = grid_navi_beliefs.posterior_sampling(goals, 3, np.random.default_rng(3))
    beliefs = grid_navi_beliefs.beliefs_of(paths, goals)
    assert beliefs.shape == (3, 3, 16, 21)
    for n, goal in enumerate(goals):
        belief = np.full(21, 1 / 21)
        for episode, path in enumerate(paths[:, n]):
            for step, cell in enumerate(path):
                paid = (cell == grid_navi.GOALS).all(axis=1)  # under each goal
                belief = belief * (paid == paid[goal])
                belief /= belief.sum()
                np.testing.assert_allclose(beliefs[episode, n, step], belief)
    np.testing.assert_allclose(beliefs[0, :, 0], 1 / 21)
