"""Carried knowledge at work: the learner against Q-learning typed elsewhere, and which piece helps where."""

from dataclasses import replace

import numpy as np
import pytest

from course_lib.agents import q_learning
from course_lib.core.tabular import soft_value_iteration
from course_lib.envs import related_grids
from course_lib.transfer.knowledge_trial import (
    best_at_start,
    learned,
    planned,
    solve,
    steps_to_solve,
    train,
    value_at_start,
)
from course_lib.transfer.stored_knowledge import (
    ALL_ALIKE,
    EMPTY_MODEL,
    PIECES,
    StoredKnowledgeConfig,
    carried,
    nothing,
)

CONFIG = StoredKnowledgeConfig()
SOURCE = related_grids.source().mdp()
TARGETS = {name: grid.mdp() for name, grid in related_grids.targets().items()}


@pytest.fixture(scope="module")
def source():
    return learned(SOURCE, 20, replace(CONFIG, steps=4000))


def test_without_pieces_it_is_q_learning_bit_for_bit():
    """The loop of agents/q_learning, one seed: the same draws give the same table."""
    theirs = q_learning.first_values(SOURCE, 1)
    settings = q_learning.QLearningConfig(
        episodes=10, max_steps=100, gamma=CONFIG.gamma, learning_rate=CONFIG.learning_rate
    )
    made = sum(
        record["steps"][0] for record in q_learning.train(SOURCE, theirs, settings, np.random.default_rng(3))
    )
    ours = nothing(SOURCE, 1)
    config = replace(CONFIG, steps=int(made))
    for _ in train(SOURCE, ours, config, np.random.default_rng(3)):
        pass
    assert theirs.any()
    np.testing.assert_array_equal(ours.values, theirs)


def test_planning_in_the_true_model_finds_the_optimum():
    counts = 5.0 * SOURCE.dynamics[None]
    values = planned(np.zeros((1, 35, 4)), counts, SOURCE, 0.95, 400)
    exact = soft_value_iteration(SOURCE.dynamics, SOURCE.reward, 0.95, 1e-5, SOURCE.terminal)
    open_cells = ~SOURCE.terminal
    np.testing.assert_allclose(values[0][open_cells], exact.action_value[open_cells], atol=1e-3)
    np.testing.assert_allclose(
        value_at_start(SOURCE, values, 0.95)[0], best_at_start(SOURCE, 0.95), atol=1e-9
    )
    counts[:, SOURCE.terminal] = 0.0
    values[:, SOURCE.terminal] = 7.0  # of what lies beyond the end nothing may come back
    np.testing.assert_array_equal(
        planned(values, counts, SOURCE, 0.95, 5)[:, open_cells], values[:, open_cells]
    )
    untried = planned(np.full((1, 35, 4), 7.0), np.zeros_like(counts), SOURCE, 0.95, 5)
    np.testing.assert_array_equal(untried, 7.0)


def test_a_students_error_and_planning_are_those_that_run():
    config, seen = replace(CONFIG, steps=50), []
    knowledge = carried(nothing(SOURCE, 2), [EMPTY_MODEL], config)

    def plan(values, model, mdp, gamma, sweeps):
        seen.append(model.sum())
        return values - 1.0

    for _ in train(
        SOURCE, knowledge, config, np.random.default_rng(0), td_error=lambda q, *_: 0.0 * q, planned=plan
    ):
        pass
    assert (knowledge.values == -3.0).all() and seen == [0, 50, 100]  # after 0, 25, 50 steps of two


def test_steps_to_solve_by_hand():
    missing = np.array([[1, 0, 1], [0, 0, 1], [0, 1, 1], [0, 0, 0]], dtype=float)
    steps, solved = steps_to_solve(np.array([0, 25, 50, 75]), missing, 0.1, 2)
    assert steps.tolist() == [25, 0, 75] and solved.tolist() == [True, True, False]
    steps, solved = steps_to_solve(np.array([0]), missing[:1], 0.1, 2)
    assert steps.tolist() == [0, 0, 0] and not solved.any()


def test_the_same_seed_gives_the_same_trial_and_the_source_stays(source):
    before = source.values.copy()
    one, again = (solve(source, TARGETS["goal moved"], ["values", "features"], CONFIG) for _ in range(2))
    np.testing.assert_array_equal(one.missing, again.missing)
    np.testing.assert_array_equal(source.values, before)
    other = solve(source, TARGETS["goal moved"], ["values", "features"], CONFIG, seed=2)
    assert len(other.missing) != len(one.missing) or (other.missing != one.missing).any()


def test_in_the_same_grid_what_was_carried_solves_it_at_once(source):
    for piece in ("values", "policy", "model"):
        trial = solve(source, SOURCE, [piece], CONFIG)
        assert trial.solved.all() and not trial.steps.any(), piece
    features, plain = (solve(source, SOURCE, pieces, CONFIG).steps for pieces in (["features"], []))
    assert features.max() < plain.min(), "they say nothing of the goal, but speed up the search"


def test_each_change_needs_another_piece(source):
    """Twenty seeds: what helps and what hurts, by a margin that luck does not bridge."""
    steps = {
        (name, piece): solve(source, mdp, [piece] if piece else [], CONFIG).steps.mean()
        for name, mdp in TARGETS.items()
        for piece in ("", *PIECES, EMPTY_MODEL, ALL_ALIKE)
    }
    for name in TARGETS:
        assert steps[name, ALL_ALIKE] < 0.7 * steps[name, ""], "whoever spreads lessons hopes for less"
        assert steps[name, "features"] < 0.7 * steps[name, ""]
    assert steps["way closed", "features"] < 0.85 * steps["way closed", ALL_ALIKE], "the map itself"
    assert steps["controls reversed", "features"] < 0.95 * steps["controls reversed", ALL_ALIKE]
    for name in ("goal moved", "shortcut opened"):
        assert steps[name, "features"] > 0.9 * steps[name, ALL_ALIKE], "the map is of no use there"
    for name in ("goal moved", "way closed"):
        assert steps[name, "model"] < 0.3 * steps[name, EMPTY_MODEL], "planned anew, and not only planned"
    assert steps["way closed", "values"] < 0.4 * steps["way closed", ""]
    assert steps["shortcut opened", "policy"] > 1.2 * steps["shortcut opened", ""], "it does not look"
    assert steps["controls reversed", "model"] > 2 * steps["controls reversed", EMPTY_MODEL], "all wrong"


def test_knowledge_of_another_size_is_refused():
    small = nothing(SOURCE, 2)
    small.values = small.values[:, :5]
    with pytest.raises(
        ValueError, match="knowledge of 5 states and 4 actions does not fit a world of 35 and 4"
    ):
        next(train(SOURCE, small, CONFIG, np.random.default_rng(0)))


def test_carried_nothing_is_nothing(source):
    fresh = nothing(SOURCE, 20)
    empty = carried(source, (), CONFIG)
    np.testing.assert_array_equal(fresh.values, empty.values)
    np.testing.assert_array_equal(fresh.seen, empty.seen)
