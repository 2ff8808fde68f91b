"""Two domains: the task stays, the inputs are turned, and no image is used twice."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from course_lib.core import domains


def test_a_quarter_turn_is_numpys():
    images = np.random.default_rng(0).random((5, 8, 8))
    np.testing.assert_allclose(domains.turned_images(images, 90.0), np.rot90(images, axes=(1, 2)), atol=1e-9)
    np.testing.assert_allclose(domains.turned_images(images, 0.0), images)


def test_points_turn_anticlockwise_and_keep_their_distance():
    points = np.array([[1.0, 0.0], [0.3, -2.0]])
    turned = domains.turned_points(points, 90.0)
    np.testing.assert_allclose(turned, [[0.0, 1.0], [2.0, 0.3]], atol=1e-12)
    some = domains.turned_points(points, 35.0)
    np.testing.assert_allclose(np.linalg.norm(some, axis=1), np.linalg.norm(points, axis=1))


def test_no_image_is_in_two_sets_and_labels_stay_with_their_images():
    pair = domains.turned_digits(np.random.default_rng(0), degrees=0.0)
    sets = [pair.source, pair.target, pair.source_test, pair.target_test]
    assert [len(part) for part in sets] == [700, 700, 198, 199]
    digits = load_digits()
    everything = 2.0 * torch.tensor(digits.data / 16.0, dtype=torch.float32) - 1.0
    found = torch.cat([part.inputs for part in sets])
    labels = torch.cat([part.labels for part in sets])

    def rows(inputs, classes):
        return sorted([*row.tolist(), int(label)] for row, label in zip(inputs, classes, strict=True))

    assert rows(found, labels) == rows(everything, torch.tensor(digits.target))
    assert found.min() == -1.0 and found.max() == 1.0


def test_only_the_target_is_turned():
    upright = domains.turned_digits(np.random.default_rng(3), degrees=0.0)
    pair = domains.turned_digits(np.random.default_rng(3), degrees=90.0)
    assert torch.equal(pair.source.inputs, upright.source.inputs)
    assert torch.equal(pair.source_test.inputs, upright.source_test.inputs)
    for turned, plain in ((pair.target, upright.target), (pair.target_test, upright.target_test)):
        expected = torch.rot90(plain.inputs.reshape(-1, 8, 8), dims=(1, 2)).reshape(-1, 64)
        torch.testing.assert_close(turned.inputs, expected)
        assert torch.equal(turned.labels, plain.labels)


def test_moons_lie_about_the_origin_with_both_classes_alike():
    pair = domains.turned_moons(np.random.default_rng(0), samples=400)
    for part in (pair.source, pair.target):
        assert part.labels.bincount().tolist() == [200, 200]
        assert part.inputs.mean(0).abs().max() < 0.05
    back = domains.turned_points(pair.target.inputs.double().numpy(), -35.0)
    for label in (0, 1):
        mean = pair.source.only([label]).inputs.numpy().mean(0)
        np.testing.assert_allclose(back[pair.target.labels.numpy() == label].mean(0), mean, atol=0.05)
    assert not torch.equal(pair.source.inputs, pair.source_test.inputs)


@pytest.mark.parametrize("make", [domains.turned_digits, domains.turned_moons])
def test_same_generator_same_data(make):
    a, b, c = (make(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(a.target.inputs, b.target.inputs) and torch.equal(a.source.labels, b.source.labels)
    assert not torch.equal(a.target.inputs, c.target.inputs)


def test_only_some_classes_and_an_error_where_there_are_none():
    pair = domains.turned_digits(np.random.default_rng(0))
    few = pair.target.only(range(5))
    assert set(few.labels.tolist()) == set(range(5))
    assert len(few) == int((pair.target.labels < 5).sum())
    with pytest.raises(ValueError, match=r"no sample has a class among \[10\]"):
        pair.target.only([10])
