"""The gridworld's probabilities by hand, its samples, and DARC in it with nothing left to chance."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.core import tabular, tabular_correction
from course_lib.envs.gridworld import (
    ACTIONS,
    MOVES,
    GridworldParams,
    compare,
    reward,
    sample_transitions,
    transition_matrix,
    uniform_behaviour,
    wall_in_source,
    wall_in_target,
)

ROOM = GridworldParams.drawn("""
    S.#
    ~.G
""", friction=0.1, mud_friction=0.6)  # fmt: skip
UP, RIGHT, DOWN, LEFT = range(4)


def test_the_probabilities_of_a_small_room_by_hand():
    p = transition_matrix(ROOM)
    assert p.shape == (6, 4, 6) and p.dtype == np.float64
    expected = {
        (0, RIGHT): {1: 0.9, 0: 0.1},
        (0, UP): {0: 1.0},  # the rim
        (0, DOWN): {3: 0.9, 0: 0.1},
        (1, RIGHT): {1: 1.0},  # the wall
        (3, RIGHT): {4: 0.4, 3: 0.6},  # out of the mud
        (4, LEFT): {3: 0.9, 4: 0.1},  # into it
        (4, RIGHT): {5: 0.9, 4: 0.1},
        (5, LEFT): {5: 1.0},  # the goal keeps
        (2, LEFT): {1: 0.9, 2: 0.1},  # from the wall's own cell
    }
    for (state, action), row in expected.items():
        np.testing.assert_allclose(p[state, action], [row.get(s, 0.0) for s in range(6)], atol=1e-15)


@pytest.mark.parametrize("pair", [wall_in_target, wall_in_source])
def test_every_row_is_a_distribution_over_neighbours(pair):
    for room in pair():
        p = transition_matrix(room)
        np.testing.assert_allclose(p.sum(axis=2), 1.0, rtol=1e-12)
        assert (p >= 0).all()
        assert not p[..., room.mask(room.walls)][~room.mask(room.walls)].any(), "no wall is entered"
        for s, a, n in np.argwhere(p > 0):
            step = np.subtract(room.cell(n), room.cell(s))
            assert tuple(step) in ((0, 0), MOVES[a])


def test_a_cell_and_its_state_are_one_and_the_drawing_is_the_room():
    room, _ = wall_in_target()
    assert all(room.state(room.cell(s)) == s for s in range(room.states))
    assert (room.rows, room.columns, room.start, room.goal) == (8, 10, (3, 1), (3, 8))
    assert ROOM.walls == {(0, 2)} and ROOM.mud == {(1, 0)} and len(ACTIONS) == len(MOVES)
    assert hash(room) == hash(replace(room)), "rooms can be keys"


def test_each_step_costs_but_not_at_the_goal():
    r = reward(replace(ROOM, step_cost=2.0))
    assert (r[:5] == -2.0).all() and (r[5] == 0.0).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"friction": 1.0}, r"friction must be in \[0, 1\), got 1.0"),
        ({"mud_friction": -0.1}, r"mud_friction must be in \[0, 1\), got -0.1"),
        ({"walls": [(0, 3)]}, r"walls must lie inside 2 x 3 cells, got \(0, 3\)"),
        ({"walls": [(0, 0)]}, r"start \(0, 0\) is a wall"),
        ({"goal": (2, 0)}, r"start and goal must lie inside"),
        ({"rows": 0}, "rows and columns must be at least 1"),
    ],
)
def test_an_impossible_room_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(ROOM, **change)


@pytest.mark.parametrize(
    ("picture", "words"),
    [("S. G", "same length"), ("SxG", "no ground is drawn as 'x'"), ("S.S", 'one "S" and one "G", got 2')],
)
def test_an_unclear_drawing_is_refused(picture, words):
    with pytest.raises(ValueError, match=words):
        GridworldParams.drawn(picture)


def test_samples_follow_the_probabilities():
    room, _ = wall_in_target()
    p, behaviour = transition_matrix(room), uniform_behaviour(room)
    transitions = sample_transitions(np.random.default_rng(0), p, 1_000_000, behaviour)
    counts = tabular_correction.transition_counts(transitions, p.shape)
    assert not counts[p == 0].any(), "nothing impossible in a million"
    expected = 1e6 * behaviour[:, :, None] * p
    likely = expected > 0
    chi_squared = ((counts - expected)[likely] ** 2 / expected[likely]).sum()
    degrees = likely.sum() - 1
    assert abs(chi_squared - degrees) < 5 * np.sqrt(2 * degrees)


def test_a_seed_gives_the_same_transitions_and_more_of_them_extend_fewer():
    p = transition_matrix(ROOM)
    few, many = (np.stack(sample_transitions(np.random.default_rng(4), p, n)) for n in (10, 500))
    np.testing.assert_array_equal(few, many[:, :10])
    assert set(many[0]) == set(range(6)), "every state, where no behaviour is given"


def test_the_source_learns_the_way_around_a_wall_that_it_lacks():
    source, target = wall_in_target()
    alone, corrected, best = compare(source, target).outcomes
    assert alone.arrival == 0.0, "it pushes against the wall for ever"
    assert alone.expected_return == pytest.approx(-100.0)
    assert source.cell(alone.target_path[-1]) == (3, 4)
    assert corrected.target_path == best.target_path == corrected.source_path
    # 11 steps, each tried 1 / (1 - friction) times
    assert corrected.expected_return == best.expected_return == pytest.approx(-11 / 0.95, abs=1e-6)


def test_a_way_that_only_the_target_has_is_never_found():
    source, target = wall_in_source()
    alone, corrected, best = compare(source, target).outcomes
    assert len(corrected.target_path) == len(alone.target_path) == 12
    assert corrected.expected_return == pytest.approx(-11 / 0.95, abs=1e-6)
    assert best.expected_return == pytest.approx(-7 / 0.95, abs=1e-6)


def test_equal_rooms_need_no_correction():
    source, _ = wall_in_target()
    result = compare(source, source)
    assert not result.correction.any()
    np.testing.assert_array_equal(result.source_value, result.target_value)


@pytest.mark.parametrize(("temperature", "apart"), [(0.1, 1e-4), (0.2, 0.002), (0.3, 0.01), (0.5, 0.03)])
def test_the_soft_policies_agree_up_to_steps_against_the_wall(temperature, apart):
    """The target lets one bump for the price of a step, the correction forbids it: cold policies agree."""
    source, target = wall_in_target()
    p_source, p_target = transition_matrix(source), transition_matrix(target)
    terminal, r = source.mask([source.goal]), reward(source)
    delta = tabular_correction.exact_correction(p_source, p_target, 100.0)
    corrected, best, alone = (
        tabular.soft_value_iteration(p, rewards, 0.99, temperature, terminal).policy
        for p, rewards in (
            (p_source, r[:, :, None] + temperature * delta),
            (p_target, r),
            (p_source, r),
        )
    )
    visits = tabular.occupancy(p_target, best, source.state(source.start), 100, terminal)[:, ~terminal]
    weight = visits.sum(axis=0) / visits.sum()

    def difference(policy):  # total variation where the target's policy goes
        return weight @ np.abs(policy - best)[~terminal].sum(axis=1) / 2

    assert difference(corrected) < apart < 0.1 < difference(alone)
    free = ~source.mask({*target.walls, source.goal})
    same = (tabular.greedy(corrected) == tabular.greedy(best)).all(axis=1)[free]
    assert same.mean() > 0.98


def test_the_estimate_sharpens_with_the_shots_until_the_way_is_right():
    source, target = wall_in_target()
    p_source, p_target = transition_matrix(source), transition_matrix(target)
    exact = tabular_correction.exact_correction(p_source, p_target)
    weight = p_source * (uniform_behaviour(source) * uniform_behaviour(target))[:, :, None]
    weight /= weight.sum()
    data = [uniform_behaviour(room) for room in (source, target)]
    correlations, errors = [], []
    for n in (100, 10_000, 1_000_000):
        rng = np.random.default_rng(0)
        seen = sample_transitions(rng, p_source, 50_000, data[0])
        delta = tabular_correction.estimated_correction(
            seen, sample_transitions(rng, p_target, n, data[1]), p_source.shape
        )
        centred = [x - (weight * x).sum() for x in (delta, exact)]
        norms = [np.sqrt((weight * x * x).sum()) for x in centred]
        correlations.append((weight * centred[0] * centred[1]).sum() / np.prod(norms))
        errors.append(np.sqrt((weight * (delta - exact) ** 2).sum()))
    assert correlations == sorted(correlations) and correlations[-1] > 0.99
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.1
    assert compare(source, target, shots=100).outcomes[1].arrival == 0.0
    assert compare(source, target, shots=100_000).outcomes[1].arrival > 0.999


def test_mud_is_no_wall_and_a_likelihood_is_no_cost():
    """At friction 0.8 the target's own policy walks around the mud, which is still likely enough to cross."""
    source, _ = wall_in_target()
    source = replace(source, mud={(3, 4), (3, 5), (3, 6)})
    ways = {f: compare(source, replace(source, mud_friction=f)).outcomes for f in (0.05, 0.5, 0.8, 0.95)}
    lengths = {f: [len(o.target_path) - 1 for o in outcomes] for f, outcomes in ways.items()}
    assert lengths == {0.05: [7, 7, 7], 0.5: [7, 7, 7], 0.8: [7, 7, 11], 0.95: [7, 11, 11]}


def test_rooms_that_do_not_fit_together_are_refused():
    source, target = wall_in_target()
    with pytest.raises(ValueError, match=r"goal must be the same in both rooms, got \(3, 8\) and \(0, 0\)"):
        compare(source, replace(target, goal=(0, 0)))


def test_a_correction_of_ones_own_is_used():
    source, target = wall_in_target()
    result = compare(source, target, correction=lambda p, q, limit: np.zeros_like(p))
    assert not result.correction.any() and result.outcomes[1].arrival == 0.0
