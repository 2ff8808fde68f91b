"""Results of the estimators: measures with known answers, the table is the numbers', and the claims hold."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.autograd import functional

from course_lib.zoo import estimators_results as results

STORED = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(results, "ESTIMATES", 20)
    monkeypatch.setattr(results, "TRAJECTORIES", (8, 64))
    monkeypatch.setattr(results, "SHOWN", (8, 64))


@pytest.fixture(scope="module")
def truth():
    return results.exact(0)


@pytest.fixture(scope="module")
def stored():
    return [tuple(row.values()) for row in json.loads((STORED / "estimators.json").read_text())]


def test_many_policies_at_once_have_the_slopes_of_each(truth):
    logits = truth.logits + torch.arange(3.0, dtype=torch.float64)[:, None, None] * truth.logits.flip(0)
    for found, one in zip(truth.slopes(logits), logits, strict=True):
        torch.testing.assert_close(found, functional.jacobian(truth.value, one).flatten())


def test_from_all_trajectories_in_their_shares_the_estimate_is_exact_but_for_what_its_hessian_lacks(truth):
    def through(logits):  # J(theta + alpha grad J(theta))
        (gradient,) = torch.autograd.grad(truth.value(logits), logits, create_graph=True)
        return truth.value(logits + results.INNER_LR * gradient)

    right = functional.jacobian(through, truth.logits.clone().requires_grad_()).flatten()
    after = truth.logits + results.INNER_LR * truth.gradient.view_as(truth.logits)
    outer = functional.jacobian(truth.value, after).flatten()  # what first order takes for the whole
    for method, bias in (
        (results.LOADED, 0.0),
        (results.DICE, 0.0),
        (results.FIRST, 100 * float((outer - right).norm() / right.norm())),
    ):
        chances, found = results.by_trajectory(method, truth)
        perfect = chances.expand(2, -1)
        measured = results.of_meta_gradient(perfect, chances, found, truth)
        assert measured[results.BIAS] == pytest.approx(bias, abs=1e-8)
        assert measured[results.SPREAD] == pytest.approx(0.0, abs=1e-8)
    assert bias > 10


def test_leaving_out_what_is_known_changes_the_mean_of_no_estimate(truth):
    """Oracle: the plain mean over many samples, within its own error."""
    chances, found = results.by_trajectory(results.RATIO, truth)
    shares = torch.from_numpy(np.random.default_rng(0).multinomial(64, chances.numpy(), size=4000) / 64)
    measured = results.of_meta_gradient(shares, chances, found, truth)
    gradient, hessian = (torch.tensordot(shares, each, 1) for each in (found.gradient, found.hessian))
    outer = truth.slopes(truth.logits + results.INNER_LR * gradient.unflatten(1, truth.logits.shape))
    estimates = outer + results.INNER_LR * torch.einsum("eij,ej->ei", hessian, outer)
    after = truth.logits + results.INNER_LR * truth.gradient.view_as(truth.logits)
    right = functional.jacobian(truth.value, after).flatten()
    right = right + results.INNER_LR * truth.hessian @ right
    assert measured[results.SPREAD] == pytest.approx(
        100 * float(estimates.std(0).norm() / right.norm()), rel=1e-6
    )
    plain = 100 * float((estimates.mean(0) - right).norm() / right.norm())
    assert measured[results.BIAS] == pytest.approx(plain, abs=3 * measured[results.SPREAD] / 4000**0.5)


def test_taking_a_constant_off_every_reward_changes_no_derivative(truth):
    less = results.exact(0, less=0.5)
    torch.testing.assert_close(less.hessian, truth.hessian)
    torch.testing.assert_close(less.gradient, truth.gradient)
    assert float(less.value(less.logits)) == pytest.approx(float(truth.value(truth.logits)) - 2.0)


def test_writing_leaves_the_table_its_numbers_and_the_picture(quick, tmp_path):
    rows = [(seed, *row) for seed in (0, 1) for row in results.measured(seed)]
    assert rows[: len(rows) // 2] == [(0, *row) for row in results.measured(0)]
    results.write(rows, tmp_path)
    names = ["estimators.json", "estimators.md", "estimators.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    numbers = json.loads((tmp_path / "estimators.json").read_text())
    assert [tuple(row.values()) for row in numbers] == rows
    assert (tmp_path / "estimators.png").read_bytes().startswith(b"\x89PNG")
    assert f"| {results.LOADED} | 64 |" in (tmp_path / "estimators.md").read_text()


def test_the_stored_table_is_that_of_the_stored_numbers_of_all_seeds(stored):
    assert results.as_markdown(stored) == (STORED / "estimators.md").read_text()
    assert {row[0] for row in stored} == set(range(results.SEEDS))


def test_the_stored_numbers_are_found_again(stored):
    """All Hessians of the first seed, and first order with the fewest trajectories."""
    first = [row[1:] for row in stored if row[0] == 0][:30]
    for again, (*names, value) in zip(results.measured(0), first, strict=False):
        assert list(again[:4]) == names
        assert again[4] == pytest.approx(value, rel=1e-3, abs=1e-9), names
    assert names[:3] == [results.META, results.FIRST, results.TRAJECTORIES[0]]


def test_the_hessians_spread_is_the_root_of_mean_square_less_squared_mean(truth):
    chances, found = results.by_trajectory(results.LOADED, truth)
    power = float(chances @ found.hessian.flatten(1).square().sum(1))
    mean = torch.einsum("n,nij->ij", chances, found.hessian)
    right = 100 * (power - float(mean.square().sum())) ** 0.5 / float(truth.hessian.norm())
    assert results.of_hessian(chances, found, truth)[results.SPREAD] == pytest.approx(right)


def test_the_claims_dice_is_unbiased_and_the_likelihood_ratio_varies_less(stored):

    def of(what, method, n, measure):
        values = {row[0]: row[5] for row in stored if row[1:5] == (what, method, n, measure)}
        return np.array([values[seed] for seed in range(results.SEEDS)])

    bias, spread = results.BIAS, results.SPREAD
    for method in (results.DICE, results.BASELINE, results.LOADED):
        assert (of(results.PAID, method, 1, bias) < 1e-9).all()
        assert (of(results.META, method, 4096, bias) < 1).all()
    hessian = {method: of(results.PAID, method, 1, spread) for method in results.METHODS}
    assert (hessian[results.RATIO] < hessian[results.LOADED]).all()
    assert (hessian[results.LOADED] < hessian[results.BASELINE]).all()
    assert (hessian[results.BASELINE] < hessian[results.DICE]).all()
    ratio, score, first = (
        of(results.META, method, 4096, bias) for method in (results.RATIO, results.SCORE, results.FIRST)
    )
    np.testing.assert_allclose(score, first, atol=0.1)
    assert (score > 10).all() and ratio.mean() < score.mean() / 3
    assert (ratio < score).sum() == results.SEEDS - 1  # in one world what it leaves out is the larger part
    assert (of(results.META, results.RAW, 4096, bias) > 100).all()
