"""Few-shot tasks: what a task shows tells what it asks, nothing else does, and the best answer is known."""

import numpy as np
import pytest
import torch

from course_lib.core import few_shot
from course_lib.core.few_shot import LINES, SINUSOIDS


def flat(tasks):
    return [
        part[..., 0].double().numpy() for part in (tasks.train_x, tasks.train_y, tasks.test_x, tasks.test_y)
    ]


def test_values_are_those_of_the_families():
    x = np.array([[0.0, np.pi / 2], [0.0, 2.0]])
    functions = np.array([[2.0, 0.0], [0.5, -1.0]])
    np.testing.assert_allclose(SINUSOIDS.value(functions[:1], x[:1]), [[0.0, 2.0]], atol=1e-12)
    np.testing.assert_allclose(LINES.value(functions[1:], x[1:]), [[-1.0, 0.0]])
    kinds = np.column_stack([[0.0, 1.0], functions])
    both = few_shot.mixture(SINUSOIDS, LINES).value(kinds, x)
    np.testing.assert_allclose(both, [[0.0, 2.0], [-1.0, 0.0]], atol=1e-12)


def test_parameters_lie_in_their_ranges_and_a_mixture_draws_both_kinds():
    rng = np.random.default_rng(0)
    drawn = SINUSOIDS.sample(rng, 4000)
    np.testing.assert_allclose(drawn.min(0), [0.1, 0.0], atol=0.01)
    np.testing.assert_allclose(drawn.max(0), [5.0, np.pi], atol=0.01)
    kinds = few_shot.mixture(SINUSOIDS, LINES).sample(rng, 4000)
    assert kinds[:, 0].mean() == pytest.approx(0.5, abs=0.03)
    assert kinds[kinds[:, 0] == 1, 1].min() < -0.9 and kinds[kinds[:, 0] == 0, 1].min() >= 0.1


def test_train_and_test_points_are_of_the_same_function_and_seeds_repeat():
    draw = few_shot.function_tasks(LINES)
    one, again = (draw(5, 2, 7, np.random.default_rng(3)) for _ in range(2))
    assert [tuple(p.shape) for p in vars(one).values()] == [(5, 2, 1), (5, 2, 1), (5, 7, 1), (5, 7, 1)]
    assert all(torch.equal(a, b) for a, b in zip(vars(one).values(), vars(again).values(), strict=True))
    train_x, train_y, test_x, test_y = flat(one)
    for m in range(5):
        np.testing.assert_allclose(
            np.polyval(np.polyfit(train_x[m], train_y[m], 1), test_x[m]), test_y[m], atol=1e-3
        )


def test_a_finite_family_holds_only_its_functions():
    functions = np.array([[1.0, 0.0], [2.0, 1.0]])
    drawn = SINUSOIDS.only(functions).sample(np.random.default_rng(0), 50)
    assert {tuple(row) for row in drawn} == {(1.0, 0.0), (2.0, 1.0)}
    with pytest.raises(ValueError, match="at least one function, got none"):
        SINUSOIDS.only(functions[:0])


def test_two_points_give_a_sinusoid_away():
    train_x, train_y, test_x, test_y = flat(
        few_shot.function_tasks(SINUSOIDS)(50, 5, 20, np.random.default_rng(0))
    )
    np.testing.assert_allclose(few_shot.sinusoid_posterior_mean(train_x, train_y, test_x), test_y, atol=1e-4)


@pytest.mark.parametrize("seen", [None, 2.0])
def test_the_posterior_mean_is_that_of_a_million_draws(seen):
    rng = np.random.default_rng(0)
    functions, at = SINUSOIDS.sample(rng, 1_000_000), np.array([[-3.0, 0.5, 4.0]])
    kept = np.ones(len(functions), dtype=bool)
    if seen is not None:
        kept = np.abs(SINUSOIDS.value(functions, np.full((1, 1), 1.0))[:, 0] - seen) < 0.02
    expected = SINUSOIDS.value(functions[kept], at).mean(0)
    shown = np.zeros((1, 0)) if seen is None else np.array([[1.0]])
    found = few_shot.sinusoid_posterior_mean(shown, shown * 0 + (seen or 0.0), at)
    np.testing.assert_allclose(found[0], expected, atol=0.05)


def test_labels_are_dealt_anew_and_no_image_is_asked_that_was_shown():
    images = torch.arange(5 * 9, dtype=torch.float32).reshape(5, 9, 1)  # 9 images of each of 5 classes
    tasks = few_shot.image_tasks(images, way=3)(400, 4, 12, np.random.default_rng(0))
    classes = torch.cat([tasks.train_x, tasks.test_x], 1)[..., 0].div(9, rounding_mode="floor")
    labels = torch.cat([tasks.train_y, tasks.test_y], 1).argmax(-1)
    for m in range(400):
        pairs = set(zip(classes[m].tolist(), labels[m].tolist(), strict=True))
        assert len(pairs) == 3 and {label for _, label in pairs} == {0, 1, 2}, "one label a class"
        everything = torch.cat([tasks.train_x[m], tasks.test_x[m]])[:, 0].tolist()
        assert len(set(everything)) == 24, "an image came twice"
    assert labels[:, :12].sum(1).eq(12).all(), "as many of each class"
    for number in range(5):
        share = torch.bincount(labels[classes == number], minlength=3) / (classes == number).sum()
        assert (share - 1 / 3).abs().max() < 0.08, "the class tells the label"


def test_impossible_image_tasks_are_refused():
    images = few_shot.handwritten_digits([6, 8])
    assert images.shape == (2, 174, 64) and images.min() == -1 and images.max() == 1
    with pytest.raises(ValueError, match="way must be between 2 and 2, the number of classes, got 3"):
        few_shot.image_tasks(images, way=3)
    with pytest.raises(ValueError, match="there are 174 images of a class, asked for 170 and 10 more"):
        few_shot.image_tasks(images, way=2)(1, 170, 20, np.random.default_rng(0))
