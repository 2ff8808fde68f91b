"""The best that can be done without being told: by hand, by all histories, and never beaten."""

from functools import cache

import numpy as np
import pytest

from course_lib.agents.psrl import optimal_plan
from course_lib.envs import grid_navi, grid_navi_beliefs
from course_lib.meta.belief import TabularTasks, bayes_filter, explore, posterior_sampling
from course_lib.meta.belief_optimum import bayes_optimal, belief_mdp, posterior_sampling_returns

LEFT, RIGHT, LISTEN = range(3)


def bandits(p):
    """Arms that pay 1 with probability p [M, A]: state 1 after a reward, state 2 after none."""
    p = np.asarray(p, dtype=float)
    after = np.stack([np.zeros_like(p), p, 1 - p], axis=-1)  # [M, A, S]
    pays = np.broadcast_to([0.0, 1.0, 0.0], (len(p), 3, p.shape[1], 3))
    return TabularTasks(np.repeat(after[:, None], 3, axis=1), pays)


def tiger():
    """A tiger, -100, is behind one door, behind the other +10; listening, -1, is right 85 times of 100."""
    transition, reward = np.zeros((2, 4, 3, 4)), np.zeros((2, 4, 3))
    for tiger_is, heard in ((0, [0.85, 0.15]), (1, [0.15, 0.85])):
        transition[tiger_is, :3, LISTEN, 1:3] = heard  # states 1 and 2: heard left, heard right
        transition[tiger_is, :3, :LISTEN, 3] = 1.0  # state 3: it is over
        transition[tiger_is, 3, :, 3] = 1.0
        reward[tiger_is, :3] = [-100.0, 10.0, -1.0] if tiger_is == 0 else [10.0, -100.0, -1.0]
    return TabularTasks(transition, reward)


def random_tasks(seed, m=3, s=2, a=2):
    rng = np.random.default_rng(seed)
    reward = rng.integers(2, size=(m, s, a, s)).astype(float)
    return TabularTasks(rng.dirichlet(np.ones(s), (m, s, a)), reward)


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_an_arm_that_always_or_never_pays_beside_one_that_does_half_the_time(horizon):
    """By hand: one pull of the unknown arm tells all; a sample of the bad task never makes that pull."""
    mdp = belief_mdp(bandits([[0.5, 1.0], [0.5, 0.0]]), horizon, 2)
    optimum = bayes_optimal(mdp)
    h = float(horizon)
    assert optimum.value == pytest.approx(h + (2 * h - 1) / 4)
    np.testing.assert_allclose(optimum.returns(), [h / 2 + (h - 1) / 4, 0.75 * h])
    np.testing.assert_allclose(posterior_sampling_returns(mdp), [h / 2, 0.625 * h])
    assert bayes_optimal(belief_mdp(mdp.tasks, horizon)).value == pytest.approx(h / 2 + (h - 1) / 4)


def test_two_arms_by_their_counts():
    """The textbook's way: the state is what each arm has paid, and the belief is counted anew from it."""
    p = np.array([[0.2, 0.7], [0.6, 0.3], [0.9, 0.8], [0.1, 0.25]])

    @cache
    def value(won, lost, left):
        if left == 0:
            return 0.0
        weight = (p ** np.array(won) * (1 - p) ** np.array(lost)).prod(axis=1)
        chance = weight @ p / weight.sum()
        return max(
            chance[arm] * (1 + value(_more(won, arm), lost, left - 1))
            + (1 - chance[arm]) * value(won, _more(lost, arm), left - 1)
            for arm in (0, 1)
        )

    def _more(count, arm):
        return tuple(c + (i == arm) for i, c in enumerate(count))

    for pulls, episodes in ((1, 1), (6, 1), (10, 1), (3, 4)):
        found = bayes_optimal(belief_mdp(bandits(p), pulls, episodes))
        assert found.value == pytest.approx(value((0, 0), (0, 0), pulls * episodes), abs=1e-9)


@pytest.mark.parametrize("horizon", [1, 2, 3, 4, 7])
def test_the_tiger_is_listened_for_and_posterior_sampling_never_listens(horizon):
    @cache
    def value(net, left):  # how many more growls were heard from the left
        if left == 0:
            return 0.0
        at_left = 1 / (1 + (0.15 / 0.85) ** net)
        opened = max(10 - 110 * at_left, 10 - 110 * (1 - at_left))
        from_left = 0.85 * at_left + 0.15 * (1 - at_left)
        again = from_left * value(net + 1, left - 1) + (1 - from_left) * value(net - 1, left - 1)
        return max(opened, -1 + again)

    tasks = tiger()
    mdp = belief_mdp(tasks, horizon)
    assert bayes_optimal(mdp).value == pytest.approx(value(0, horizon), abs=1e-9)
    np.testing.assert_allclose(posterior_sampling_returns(mdp), -45.0)
    assert value(0, 7) > 0


def returns_by_histories(tasks, horizon, episodes):
    """Optimal and posterior sampling, with no belief in sight: over all that can have happened, weights of
    the tasks recomputed from it. Slow, and nothing is merged."""
    m, s, a, _ = tasks.transition.shape
    plan, _ = optimal_plan(tasks.transition, tasks.mean_reward, horizon)

    def weights(history):
        return np.prod([np.ones(m), *[tasks.likelihood(*seen) for seen in history]], axis=0) / m

    def then(history, state, action):
        for after in range(s):
            for reward in np.unique(tasks.reward[:, state, action, after]):
                yield (*history, (state, action, reward, after)), reward, after

    def best(history, state, step):
        if step == horizon * episodes:
            return 0.0
        state = tasks.start if step % horizon == 0 else state
        return max(
            sum(
                weights(h).sum() * r + best(h, after, step + 1)
                for h, r, after in then(history, state, action)
            )
            for action in range(a)
        )

    def sampled(history, state, step, share):
        """Weight of the history is split by which task is believed in, [M]."""
        if step == horizon * episodes:
            return np.zeros(episodes)
        if step % horizon == 0:
            state, share = tasks.start, weights(history) / weights(history).sum()
        total = np.zeros(episodes)
        for action in range(a):
            mine = share * (plan[:, step % horizon, state] == action)
            if mine.any():
                for h, r, after in then(history, state, action):
                    if weights(h).any():
                        total[step // horizon] += mine.sum() * weights(h).sum() * r
                        total += mine.sum() * sampled(h, after, step + 1, mine / mine.sum())
        return total

    return best((), tasks.start, 0), sampled((), tasks.start, 0, None)


@pytest.mark.parametrize(("horizon", "episodes"), [(3, 1), (2, 2), (1, 3)])
def test_planning_over_beliefs_is_planning_over_all_histories(horizon, episodes):
    for seed in range(2):
        tasks = random_tasks(seed)
        mdp = belief_mdp(tasks, horizon, episodes)
        best, sampled = returns_by_histories(tasks, horizon, episodes)
        optimum = bayes_optimal(mdp)
        assert optimum.value == pytest.approx(best) == pytest.approx(optimum.returns().sum())
        np.testing.assert_allclose(posterior_sampling_returns(mdp), sampled)


def test_nobody_beats_the_optimum_but_who_is_told():
    margins = []
    for seed in range(20):
        tasks = random_tasks(seed, m=4, s=3, a=3)
        mdp = belief_mdp(tasks, 2, 2)
        told = 2 * optimal_plan(tasks.transition, tasks.mean_reward, 2)[1][:, 0, 0].mean()
        anything = np.zeros((4, 3))  # [M, S]
        for _ in range(2):
            later = np.matmul(tasks.transition, anything[:, None, :, None])[..., 0]
            anything = (tasks.mean_reward + later).mean(axis=2)
        sampled = posterior_sampling_returns(mdp).sum()
        values = told, bayes_optimal(mdp).value, sampled, 2 * anything[:, 0].mean()
        assert (np.diff(values) < 1e-9).all(), values
        margins.append(-np.diff(values))
    assert (np.mean(margins, axis=0) > 0.05).all()


def test_what_is_expected_is_what_explorers_earn():
    tasks, truth = random_tasks(4, m=4, s=3, a=3), np.arange(40_000) % 4
    mdp = belief_mdp(tasks, 3, 2)
    optimum = bayes_optimal(mdp)
    for explorer, right in (
        (optimum, optimum.returns()),
        (posterior_sampling(tasks, 3), posterior_sampling_returns(mdp)),
    ):
        found = explore(tasks, explorer, truth, 2, 3, np.random.default_rng(0)).returns
        np.testing.assert_allclose(found.mean(axis=1), right, atol=4 * found.std() / 200)


def test_grid_navi_has_its_known_optimum():
    tasks = TabularTasks(*grid_navi_beliefs.tables())
    for horizon in (1, 4, 9):
        found = bayes_optimal(belief_mdp(tasks, horizon)).value
        assert found == pytest.approx(grid_navi_beliefs.optimal_search(horizon)[0], abs=1e-9)
    optimum = bayes_optimal(belief_mdp(tasks, 15))
    assert optimum.value == pytest.approx(4.0, abs=1e-9)
    happened = explore(tasks, optimum, np.arange(21), 1, 15, np.random.default_rng(0))
    assert happened.returns.mean() == pytest.approx(4.0, abs=1e-9)
    known = happened.belief[0].max(axis=-1) == 1.0  # [H + 1, N]
    assert known[-1].sum() == 14  # seven goals are left
    number = grid_navi.GOALS @ np.array([1, grid_navi.SIDE])
    assert (happened.state[0] == number)[known & (happened.belief[0].argmax(axis=-1) == np.arange(21))].all()
    assert (happened.belief[0, -1, ~known[-1]].max(axis=-1) == 1 / 7).all()


def test_a_filter_that_learns_nothing_explores_for_nothing():
    tasks = bandits([[0.5, 1.0], [0.5, 0.0]])
    assert bayes_optimal(belief_mdp(tasks, 6, bayes_filter=lambda b, _: b)).value == pytest.approx(3.0)
    assert bayes_optimal(belief_mdp(tasks, 6, bayes_filter=bayes_filter)).value == pytest.approx(3 + 5 / 4)


def test_what_cannot_be_is_refused():
    tasks = bandits([[0.5, 1.0], [0.5, 0.0]])
    with pytest.raises(ValueError, match="at least 1, got 0 and 1"):
        belief_mdp(tasks, 0)
    optimum = bayes_optimal(belief_mdp(tasks, 2))
    with pytest.raises(ValueError, match="cannot be met after 1 steps"):
        optimum(1, np.array([1]), np.array([[0.3, 0.7]]), np.random.default_rng(0))
