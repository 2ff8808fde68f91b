"""Memory path without a browser: the plane, what can be read off a memory, and what is refused."""

import json

import numpy as np
import pytest

from course_lib.widgets.memory_path import MemoryPath, projected, readable

LABEL = np.repeat([0, 1, 2], 20)


def _memory(apart=5.0, hidden=6):
    # From one point, memories drift towards a place of their label's own.
    rng = np.random.default_rng(0)
    goal = apart * np.eye(hidden)[LABEL] + rng.normal(size=(len(LABEL), hidden))
    return np.linspace(0.0, 1.0, 5)[:, None, None] * goal


def test_the_plane_is_that_of_the_largest_variance():
    memory = _memory()
    flat = memory.reshape(-1, 6)
    values, vectors = np.linalg.eigh(np.cov(flat.T))
    places, share = projected(memory)
    assert share == pytest.approx(values[-2:].sum() / values.sum())
    expected = (flat - flat.mean(0)) @ vectors[:, [-1, -2]]
    np.testing.assert_allclose(np.abs(places.reshape(-1, 2)), np.abs(expected), atol=1e-8)


def test_the_picture_does_not_flip_when_directions_change_sign():
    memory = _memory()
    np.testing.assert_allclose(projected(memory)[0], projected(memory[:, ::-1])[0][:, ::-1], atol=1e-8)


def test_an_empty_memory_says_nothing_and_memories_apart_say_all():
    right = readable(_memory(apart=20.0), LABEL)
    assert right[0] == pytest.approx(1 / 3)
    assert right[1:].tolist() == [1.0] * 4


def test_a_trial_is_not_compared_with_itself():
    # Noise in many dimensions: against means that hold the trial itself it would be recognized mostly.
    noise = np.random.default_rng(0).normal(size=(1, 300, 100))
    label = np.tile(np.arange(3), 100)
    assert abs(readable(noise, label)[0] - 1 / 3) < 0.09
    slow = 0
    for n, x in enumerate(noise[0]):
        others = np.arange(300) != n
        means = [noise[0, others & (label == i)].mean(0) for i in range(3)]
        slow += np.argmin([np.square(x - mean).sum() for mean in means]) == label[n]
    assert readable(noise, label)[0] == pytest.approx(slow / 300)


def test_words_picture_and_page_stand_in():
    one = MemoryPath(_memory(20.0), LABEL, ["left", "middle", "right"], title="Memory")
    assert str(one).startswith("Memory. Two of 6 dimensions, ")
    assert "in 33% of 60 trials after 0 steps, and in 100% after 4 steps" in str(one)
    json.dumps(one.data, allow_nan=False)
    assert np.shape(one.data["places"]) == (5, 60, 2)
    bundle, _ = one._repr_mimebundle_()
    assert bundle["image/png"] and "srcdoc" in bundle["text/html"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"memory": np.zeros((5, 60))}, r"memory must be \[T, N, H\] with T and H at least 2"),
        ({"names": ["a", "b", "c", "d", "e", "f"]}, "2 to 5 labels can be told apart, got 6"),
        ({"label": LABEL + 1}, r"label must be 60 numbers in \[0, 3\)"),
        ({"label": LABEL[:-1]}, r"label must be 60 numbers in \[0, 3\)"),
        ({"label": np.where(np.arange(60), 1, 2)}, "'a' has 0 trials: show two of each at least"),
        ({"steps": ["start"]}, "steps must have 5 names, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    arguments = {"memory": _memory(), "label": LABEL, "names": ["a", "b", "c"], **change}
    with pytest.raises(ValueError, match=words):
        MemoryPath(**arguments)
