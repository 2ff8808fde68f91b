"""The four pieces of knowledge: each against its definition, typed out for a line of cells and by hand."""

import numpy as np
import pytest

from course_lib.core.tabular_mdp import TabularMDP
from course_lib.transfer.stored_knowledge import (
    ALL_ALIKE,
    EMPTY_MODEL,
    PIECES,
    Knowledge,
    StoredKnowledgeConfig,
    carried,
    discounted_counts,
    nothing,
    policy_of,
    preference,
    proto_values,
    similarity,
)

CONFIG = StoredKnowledgeConfig(features=3)


def line_counts(cells: int, seeds: int = 1) -> np.ndarray:
    """Left and right along a line, each tried once and the ends' steps lost."""
    seen = np.zeros((seeds, cells, 2, cells))
    for s in range(cells):
        seen[:, s, 0, max(s - 1, 0)] = seen[:, s, 1, min(s + 1, cells - 1)] = 1
    return seen


def test_policy_and_preference_by_hand():
    values = np.array([[[1.0, 3.0], [2.0, 2.0]]])
    policy = policy_of(values)
    np.testing.assert_array_equal(policy, [[[0, 1], [0.5, 0.5]]])
    np.testing.assert_array_equal(preference(policy, 10), [[[-10, 0], [0, 0]]])
    np.testing.assert_array_equal(policy_of(preference(policy, 10)), policy)


def test_a_model_counts_for_as_much_evidence_wherever_something_was_tried():
    seen = np.zeros((1, 2, 1, 2))
    seen[0, 0, 0] = [30, 10]
    np.testing.assert_allclose(discounted_counts(seen, 2.0)[0, :, 0], [[1.5, 0.5], [0, 0]])


def test_proto_values_solve_the_laplacian_of_a_line():
    """Eigenvalues of a path's normalized Laplacian are 1 - cos(pi k / (n - 1))."""
    cells, k = 7, 4
    found = proto_values(line_counts(cells), k)[0]
    ways = np.eye(cells, k=1) + np.eye(cells, k=-1)
    half = np.diag(ways.sum(axis=0) ** -0.5)
    laplacian = np.eye(cells) - half @ ways @ half
    expected = 1 - np.cos(np.pi * np.arange(k) / (cells - 1))
    np.testing.assert_allclose(laplacian @ found, found * expected, atol=1e-12)
    np.testing.assert_allclose(found.T @ found, np.eye(k), atol=1e-12)


def test_proto_values_follow_a_relabelling_and_leave_out_where_nobody_was():
    seen = line_counts(6)
    order = np.array([3, 0, 5, 1, 4, 2])
    with_names = proto_values(seen[:, order][..., order], 3)
    plain = proto_values(seen, 3)[:, order]
    np.testing.assert_allclose(
        with_names @ with_names.transpose(0, 2, 1), plain @ plain.transpose(0, 2, 1), atol=1e-12
    )
    rightwards = seen * np.array([0, 1])[:, None]
    np.testing.assert_allclose(proto_values(rightwards, 3), proto_values(seen, 3), err_msg="both ways")
    wide = np.zeros((1, 8, 2, 8))
    wide[:, :6, :, :6] = seen
    alone = proto_values(wide, 8)
    np.testing.assert_array_equal(alone[0, 6:], 0.0)
    np.testing.assert_allclose(np.abs(alone[0, :6, :5]), np.abs(proto_values(seen, 5)[0]), atol=1e-9)


def test_similarity_is_the_product_of_joined_features():
    features = np.random.default_rng(0).normal(size=(2, 5, 3))
    unit = features / np.linalg.norm(features, axis=2, keepdims=True)
    joined = np.concatenate([np.sqrt(0.3) * unit, np.sqrt(0.7) * np.eye(5)[None].repeat(2, 0)], axis=2)
    np.testing.assert_allclose(similarity(features, 0.3), joined @ joined.transpose(0, 2, 1), atol=1e-12)
    np.testing.assert_array_equal(similarity(features, 0.0), np.eye(5)[None].repeat(2, 0))
    np.testing.assert_array_equal(similarity(np.zeros((1, 2, 3)), 0.5), np.eye(2)[None])


def test_each_piece_is_carried_alone_and_the_source_stays():
    rng = np.random.default_rng(1)
    source = Knowledge(values=rng.normal(size=(2, 6, 2)), seen=line_counts(6, seeds=2))
    nothing_seen = Knowledge(values=source.values, seen=np.zeros_like(source.seen))
    before = source.values.copy(), source.seen.copy()
    none = carried(source, (), CONFIG)
    assert not none.values.any() and not none.seen.any() and none.model is none.similarity is None
    np.testing.assert_array_equal(carried(source, ["values"], CONFIG).values, source.values)
    policy = carried(source, ["policy"], CONFIG)
    np.testing.assert_array_equal(policy_of(policy.values), policy_of(source.values))
    assert set(np.unique(policy.values)) == {-10.0, 0.0}
    assert carried(source, ["model"], CONFIG).model.sum() == 2 * 6 * 2 * CONFIG.evidence
    assert not carried(source, [EMPTY_MODEL], CONFIG).model.any()
    assert carried(source, ["features"], CONFIG).similarity.shape == (2, 6, 6)
    alike = carried(source, [ALL_ALIKE], CONFIG).similarity
    np.testing.assert_array_equal(alike, carried(nothing_seen, [ALL_ALIKE], CONFIG).similarity)
    np.testing.assert_array_equal(alike[1], 0.5 * (1 + np.eye(6)), "no map: every state as near as any other")
    everything = carried(source, PIECES, CONFIG)
    np.testing.assert_array_equal(everything.values, source.values + policy.values)
    everything.values += 1.0
    everything.model += 1.0
    np.testing.assert_array_equal(source.values, before[0])
    np.testing.assert_array_equal(source.seen, before[1])


def test_nothing_is_zeros_for_every_seed_and_mistyped_pieces_are_named():
    mdp = TabularMDP(
        dynamics=np.eye(3)[:, None].repeat(2, 1),
        reward=np.zeros((3, 2)),
        terminal=np.zeros(3, bool),
        start=0,
    )
    fresh = nothing(mdp, 4)
    assert fresh.values.shape == (4, 3, 2) and fresh.seen.shape == (4, 3, 2, 3)
    with pytest.raises(ValueError, match="no piece of knowledge named 'modle': did you mean 'model'"):
        carried(fresh, ["modle"], CONFIG)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"gamma": 1.0}, r"gamma must be in \[0, 1\), got 1.0"),
        ({"learning_rate": 0.0}, r"learning_rate must be in \(0, 1\], got 0.0"),
        ({"share": 1.5}, r"share must be in \[0, 1\], got 1.5"),
        ({"doubt": -1.0}, "doubt must not be negative, got -1.0"),
        ({"evidence": 0.0}, "evidence must be positive, got 0.0"),
    ],
)
def test_wrong_settings_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        StoredKnowledgeConfig(**change)
