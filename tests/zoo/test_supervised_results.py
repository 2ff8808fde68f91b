"""Results of learning to learn: the measures measure what they say, and the tables hold their means."""

import json

import numpy as np
import pytest
import torch

from course_lib.core import few_shot
from course_lib.core.few_shot import SINUSOIDS
from course_lib.meta import supervised
from course_lib.zoo import supervised_recipes as recipes
from course_lib.zoo import supervised_results as results_of


class Zero(torch.nn.Module):
    """Answers zero."""

    def adapt(self, train_x, train_y):
        return torch.zeros(len(train_x), 1)

    def predict(self, phi, x):
        return torch.zeros_like(x)


class Last(Zero):
    """Answers with the last value that it read."""

    def adapt(self, train_x, train_y):
        return train_y[:, -1]

    def predict(self, phi, x):
        return phi[:, None].expand_as(x)


SINUSOID_TASKS = few_shot.function_tasks(SINUSOIDS)


def test_the_error_of_zero_is_the_mean_square_of_sinusoids():
    # E[A^2] / 2, up to the ends of x, where a wave is not whole.
    expected = (5.0**3 - 0.1**3) / (3 * 4.9) / 2
    assert results_of.tested(Zero(), SINUSOID_TASKS, 3, 4000, 0) == pytest.approx(expected, rel=0.06)


def test_order_moves_who_keeps_the_last_value_and_nobody_else():
    torch.manual_seed(0)
    assert results_of.order_matters(supervised.SetLearner(1, 1), 50, 0) < 1e-6
    # Two of ten values, drawn independently: the root of twice their variance.
    expected = np.sqrt(2 * (5.0**3 - 0.1**3) / (3 * 4.9) / 2)
    assert results_of.order_matters(Last(), 500, 0) == pytest.approx(expected, rel=0.25)


def test_one_who_knows_the_family_is_right_from_two_points_on():
    for shots, most in ((0, 4.0), (1, 2.0), (2, 1e-3), (5, 1e-6)):
        tasks = SINUSOID_TASKS(300, shots, 10, np.random.default_rng(0))
        assert recipes.score_of(results_of.knows_the_family(tasks), tasks).mean() < most


def test_the_nearest_image_is_the_image_itself():
    tasks = few_shot.image_tasks(few_shot.handwritten_digits([6, 7, 8]))(5, 2, 3, np.random.default_rng(0))
    again = few_shot.FewShotTasks(tasks.train_x, tasks.train_y, tasks.train_x, tasks.train_y)
    assert torch.equal(results_of.nearest_image(again), tasks.train_y)


def test_what_is_called_new_is_new():
    rng = np.random.default_rng(0)
    drawn = {kind: draw(2000, 2, 5, rng) for kind, draw in results_of.NEW_KINDS.items()}
    assert drawn["x from 5 to 15"].test_x.min() >= 5 and drawn["x from 5 to 15"].test_x.max() <= 15
    highest = {kind: float(tasks.test_y.abs().max()) for kind, tasks in drawn.items()}
    assert highest["amplitude 5 to 10"] > 9 and highest["as in training"] < 5.01


def _results(world="sinusoids"):
    rng, shots = np.random.default_rng(0), results_of.SHOTS[world]
    curves = {name: rng.uniform(size=(5, len(shots))) for name in ("a reader", results_of.SCRATCH)}
    both = {name: (rng.uniform(size=5), rng.uniform(size=5)) for name in ("few", "many")}
    more = {"kinds": {"lines": {"a reader": rng.uniform(size=5)}}, "order": {"a reader": rng.uniform(size=5)}}
    return results_of.Results(
        world=world, shots=shots, curves=curves, counts=both, **(more if world == "sinusoids" else {})
    )


@pytest.mark.parametrize("world", results_of.WORLDS)
def test_tables_hold_the_means_and_files_the_numbers(world, tmp_path):
    results = _results(world)
    results_of.write(results, "course reproduce supervised", tmp_path)
    text = (tmp_path / f"supervised-{world}.md").read_text()
    scale, digits = (1, 3) if world == "sinusoids" else (100, 1)
    (line,) = (line for line in text.splitlines() if line.startswith("| a reader |"))
    for cell, values in zip(line.strip("| ").split("|")[1:], results.curves["a reader"].T, strict=True):
        assert cell.strip().startswith(f"{scale * values.mean():.{digits}f} [")
    numbers = json.loads((tmp_path / f"supervised-{world}.json").read_text())
    np.testing.assert_allclose(numbers["counts"]["few"]["new"], results.counts["few"][1], atol=1e-5)
    assert (tmp_path / f"supervised-{world}.png").read_bytes().startswith(b"\x89PNG")
