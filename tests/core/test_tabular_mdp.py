"""Whole MDPs in tables: draws by hand, a random walk in closed form, names that mean nothing."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.core.tabular_mdp import TabularMDP, best_path, best_values, outcomes, probability_of_end


def corridor(cells: int, slip: float = 0.0) -> TabularMDP:
    """Left or right along a row; the episode ends with a reward at its right end."""
    dynamics = np.zeros((cells, 2, cells))
    for s in range(cells):
        for a, then in enumerate((max(s - 1, 0), min(s + 1, cells - 1))):
            dynamics[s, a, then] += 1 - slip
            dynamics[s, a, s] += slip
    dynamics[-1] = 0.0
    dynamics[-1, :, -1] = 1.0
    reward = np.zeros((cells, 2))
    reward[-2, 1] = 1.0
    return TabularMDP(dynamics=dynamics, reward=reward, terminal=np.arange(cells) == cells - 1, start=0)


def test_a_random_walk_of_three_cells_ends_as_counted_by_hand():
    # From 0: stays or moves on, 1/2 each; from 1: back to 0 or to the end, 1/2 each.
    np.testing.assert_allclose(probability_of_end(corridor(3), 4), [0, 0, 1 / 4, 3 / 8, 1 / 2])
    again = corridor(3).dynamics.copy()
    again[2] = [[1, 0, 0]] * 2
    # What has ended has ended, wherever the tables would lead from there.
    endless = replace(corridor(3), dynamics=again)
    np.testing.assert_allclose(probability_of_end(endless, 4), [0, 0, 1 / 4, 3 / 8, 1 / 2])


def test_a_policy_that_knows_the_way_ends_at_once_and_the_best_path_is_that_way():
    world = corridor(5)
    right = np.tile([0.0, 1.0], (5, 1))
    np.testing.assert_allclose(probability_of_end(world, 5, right), [0, 0, 0, 0, 1, 1])
    assert best_path(world) == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(best_values(world, 0.9)[:4, 1], [0.9**3, 0.9**2, 0.9, 1.0])
    np.testing.assert_allclose(best_values(world, 0.9)[:4, 0], [0.9**4, 0.9**4, 0.9**3, 0.9**2])


@pytest.mark.parametrize(("gamma", "cells"), [(0.95, 200), (0.9, 100), (0.5, 20)])
def test_a_far_goal_that_is_worth_next_to_nothing_is_found_by_the_shortest_way(gamma, cells):
    world = corridor(cells)
    assert best_path(world, gamma) == list(range(cells))
    np.testing.assert_allclose(best_values(world, gamma)[0, 1], gamma ** (cells - 2), rtol=1e-9)


def test_what_is_far_away_counts_for_less_to_who_discounts_more():
    """From the second of six cells: half a point one step to the left, a whole one four to the right."""
    world = corridor(6)
    reward = world.reward.copy()
    reward[1, 0] = 0.5
    world = replace(world, reward=reward, start=1, terminal=np.arange(6) % 5 == 0)
    assert best_path(world) == [1, 2, 3, 4, 5] and best_path(world, 0.7) == [1, 0]


def test_next_states_are_drawn_as_often_as_the_table_says():
    rng = np.random.default_rng(0)
    dynamics = rng.dirichlet(np.ones(4), (4, 2))
    ways = outcomes(dynamics)
    drawn = ways.drawn(np.full(40_000, 2), np.ones(40_000, np.int64), rng.random(40_000))
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 40_000, dynamics[2, 1], atol=0.01)
    tenths = outcomes(np.full((10, 1, 10), 0.1))  # which add up to less than 1 in floating point
    assert tenths.drawn(*np.zeros((2, 2), np.int64), np.array([0.0, np.nextafter(1.0, 0.0)])).tolist() == [
        0,
        9,
    ]
    halves = outcomes(np.full((2, 1, 2), 0.5))
    assert halves.drawn(*np.zeros((2, 2), np.int64), np.array([np.nextafter(0.5, 0), 0.5])).tolist() == [0, 1]
    certain = outcomes(corridor(4).dynamics)
    assert certain.next_state.shape == (4, 2, 1)


def test_other_names_change_neither_what_happens_nor_what_is_drawn():
    rng = np.random.default_rng(1)
    world, number = corridor(6, slip=0.2), rng.permutation(6)
    other = world.relabelled(number)
    np.testing.assert_array_equal(other.reward[number], world.reward)
    np.testing.assert_allclose(probability_of_end(other, 30), probability_of_end(world, 30), rtol=1e-12)
    state, action, uniform = rng.integers(6, size=99), rng.integers(2, size=99), rng.random(99)
    then = outcomes(world.dynamics).drawn(state, action, uniform)
    np.testing.assert_array_equal(
        outcomes(other.dynamics).drawn(number[state], action, uniform), number[then]
    )
    with pytest.raises(ValueError, match="number must name each of the 6 states once"):
        world.relabelled(np.zeros(6, dtype=np.int64))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dynamics": np.ones((3, 3))}, r"dynamics must be \[S, A, S\], got shape \(3, 3\)"),
        ({"dynamics": np.ones((3, 2, 2)) / 2}, r"dynamics must be \[S, A, S\], got shape \(3, 2, 2\)"),
        ({"dynamics": np.ones((3, 2, 3))}, "dynamics must be probabilities"),
        ({"dynamics": np.tile([2.0, -1.0, 0.0], (3, 2, 1))}, "dynamics must be probabilities"),
        ({"reward": np.zeros(3)}, r"reward must be finite and \[S, A\] = \(3, 2\)"),
        ({"reward": np.full((3, 2), np.nan)}, r"reward must be finite and \[S, A\] = \(3, 2\)"),
        ({"terminal": np.zeros(3)}, r"terminal must be booleans \[S\] = \(3,\)"),
        ({"start": 3}, r"start must be a state in \[0, 3\), got 3"),
        ({"start": -1}, r"start must be a state in \[0, 3\), got -1"),
    ],
)
def test_what_is_no_world_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(corridor(3), **change)
