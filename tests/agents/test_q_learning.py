"""Q-learning: the optimum, one step by hand, names that mean nothing, and what a prior is worth."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.agents.q_learning import QLearningConfig, epsilon_greedy, first_values, td_error, train
from course_lib.core.tabular import soft_value_iteration
from course_lib.core.tabular_mdp import TabularMDP


def ring(cells: int = 7, slip: float = 0.1) -> TabularMDP:
    """Cells in a circle, left or right; a reward and the end lie opposite the start."""
    dynamics, s = np.zeros((cells, 2, cells)), np.arange(cells)
    for a, step in enumerate((-1, 1)):
        dynamics[s, a, (s + step) % cells] += 1 - slip
        dynamics[s, a, s] += slip
    goal = cells // 2
    dynamics[goal] = 0.0
    dynamics[goal, :, goal] = 1.0
    reward = np.full((cells, 2), -0.1)
    reward[goal] = 0.0
    return TabularMDP(dynamics=dynamics, reward=reward, terminal=s == goal, start=0)


def learned(world: TabularMDP, prior=0.0, seed=0, seeds=8, proposals=None, **config):
    config = {"episodes": 30, "max_steps": 100, **config}
    values = first_values(world, seeds, prior)
    records = list(
        train(world, values, QLearningConfig(**config), np.random.default_rng(seed), proposals=proposals)
    )
    return values, np.array([record["steps"] for record in records]), records  # [E, R]


def test_the_error_of_one_step_by_hand():
    error = td_error(
        np.array([1.0, 1.0]), np.array([0.5, 0.5]), np.array([2.0, 2.0]), np.array([False, True]), 0.9
    )
    np.testing.assert_allclose(error, [0.5 + 0.9 * 2.0 - 1.0, 0.5 - 1.0])


def test_a_step_moves_the_value_by_a_share_of_the_error_that_is_asked_for():
    world = ring(slip=0.0)
    values, _, _ = learned(world, prior=2.0, episodes=1, max_steps=1, learning_rate=0.25, gamma=0.9)
    moved = values[values != 2.0]
    np.testing.assert_allclose(moved, [2.0 + 0.25 * (-0.1 + 0.9 * 2.0 - 2.0)] * 8)  # one of each seed
    still = first_values(world, 8, 2.0)
    nothing = train(world, still, QLearningConfig(), np.random.default_rng(0), td_error=lambda q, *_: 0.0 * q)
    next(nothing)
    assert (still == 2.0).all()


def test_every_seed_learns_with_luck_of_its_own_as_if_it_were_alone():
    class Luck:
        """What a generator has for eight seeds, and of it the rows of some."""

        def __init__(self, rows):
            self.rng, self.rows = np.random.default_rng(4), rows

        def random(self, shape):
            return self.rng.random((8, shape[1]))[self.rows]

    world, config = ring(), QLearningConfig(episodes=1)
    together = first_values(world, 8)
    record = next(train(world, together, config, Luck(list(range(8)))))
    assert len(set(record["steps"])) > 1  # some are through while others walk on
    np.testing.assert_allclose(record["returns"], -0.1 * record["steps"])
    for seed in (0, 5):
        alone = first_values(world, 1)
        next(train(world, alone, config, Luck([seed])))
        np.testing.assert_array_equal(alone[0], together[seed])


def test_the_values_come_to_be_those_of_value_iteration():
    world = ring(slip=0.0)  # nothing is left to chance, so a full step of learning is right
    values, _, _ = learned(world, episodes=200, epsilon=1.0, learning_rate=1.0, gamma=0.9)
    exact = soft_value_iteration(world.dynamics, world.reward, 0.9, 1e-5, world.terminal).action_value
    np.testing.assert_allclose(values[:, ~world.terminal].mean(0), exact[~world.terminal], atol=1e-3)


def test_other_names_of_the_states_give_the_same_curve_to_the_last_bit():
    world, number = ring(), np.random.default_rng(3).permutation(7)
    values, steps, _ = learned(world)
    others, other_steps, _ = learned(world.relabelled(number))
    np.testing.assert_array_equal(steps, other_steps)
    np.testing.assert_array_equal(values, others[:, number])


def test_the_same_seed_gives_the_same_tables_and_another_does_not():
    values, _, _ = learned(ring())
    np.testing.assert_array_equal(values, learned(ring())[0])
    assert (values != learned(ring(), seed=1)[0]).any()


def test_of_actions_that_seem_best_each_is_taken_and_no_other():
    uniform = np.random.default_rng(0).random((3000, 4))
    chosen = epsilon_greedy(np.tile([2.0, 1.0, 2.0], (3000, 1)), 0.0, uniform)
    np.testing.assert_allclose(np.bincount(chosen, minlength=3) / 3000, [0.5, 0.0, 0.5], atol=0.03)


def test_what_is_tried_out_is_what_was_proposed():
    proposals = np.tile([0.7, 0.3, 0.0], (3000, 1))
    uniform = np.random.default_rng(0).random((3000, 4))
    chosen = epsilon_greedy(np.tile([0.0, 0.0, 9.0], (3000, 1)), 1.0, uniform, proposals)
    np.testing.assert_allclose(np.bincount(chosen, minlength=3) / 3000, proposals[0], atol=0.03)
    always_right = np.tile([0.0, 1.0], (7, 1))
    _, steps, records = learned(ring(slip=0.0), episodes=1, epsilon=1.0, proposals=always_right)
    assert (steps == 3).all() and records[0]["ended"].all()
    np.testing.assert_allclose(records[0]["returns"], -0.3)
    there_and_back = np.tile([0.0, 1.0], (7, 1))
    there_and_back[1] = [1.0, 0.0]
    _, steps, _ = learned(ring(slip=0.0), episodes=1, epsilon=1.0, proposals=there_and_back)
    assert (steps == 100).all()  # right from the start, left again from there


def test_what_an_action_leads_to_does_not_hang_on_the_luck_that_chose_it():
    dynamics = np.array([[[0.4, 0.6], [0.6, 0.4]], [[0.0, 1.0], [0.0, 1.0]]])  # stay or end, [S, A, S]
    world = TabularMDP(dynamics=dynamics, reward=np.zeros((2, 2)), terminal=np.array([False, True]), start=0)
    _, steps, _ = learned(world, seeds=2000, episodes=1)  # nothing is paid, so all actions seem as good
    assert abs(steps.mean() - 2.0) < 0.2


def test_it_learns_and_who_is_told_the_values_has_nothing_to_learn():
    world = ring(cells=21, slip=0.0)
    _, steps, _ = learned(world, epsilon=0.0, episodes=60)
    assert steps[0].mean() > 30 and (steps[-5:] == 10).all()
    exact = soft_value_iteration(world.dynamics, world.reward, 0.99, 1e-5, world.terminal).action_value
    _, told, _ = learned(world, prior=exact, epsilon=0.0)
    assert (told == 10).all()


def test_an_episode_that_is_cut_short_has_not_ended():
    _, steps, records = learned(ring(cells=21), max_steps=5)
    assert (steps == 5).all() and not any(record["ended"].any() for record in records)


def test_wrong_settings_are_refused():
    for change, words in (
        ({"episodes": 0}, "episodes must be at least 1, got 0"),
        ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
        ({"gamma": 1.1}, r"gamma must be in \[0, 1\], got 1.1"),
        ({"epsilon": 1.5}, r"epsilon must be in \[0, 1\], got 1.5"),
        ({"learning_rate": 0.0}, r"learning_rate must be in \(0, 1\], got 0.0"),
    ):
        with pytest.raises(ValueError, match=words):
            replace(QLearningConfig(), **change)
    with pytest.raises(ValueError, match=r"action_values must be \[R, 7, 2\] for this world"):
        next(train(ring(), np.zeros((2, 3, 2)), QLearningConfig(), np.random.default_rng(0)))
