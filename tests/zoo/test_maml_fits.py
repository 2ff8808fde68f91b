"""Lines by where gradient descent starts: what a loop over the starts would draw."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.core.networks import mlp
from course_lib.meta import maml
from course_lib.meta.supervised import fitted
from course_lib.zoo import maml_fits

AT = np.linspace(-5, 5, 21)
X = np.array([-3.0, 0.5, 2.0])
Y = np.array([1.0, -0.5, 2.0])


@pytest.fixture
def starts():
    torch.manual_seed(0)
    return {name: mlp([1, 8, 8, 1], activation=nn.ReLU) for name in "abc"}


def test_all_starts_at_once_are_each_by_itself(starts):
    lines = maml_fits.fits_from(starts)(X, Y, AT, 3, 0.02)
    for name, net in starts.items():
        alone = fitted(maml.GradientLearner(net, 0.02, 3), X, Y, AT)
        np.testing.assert_allclose(lines[name], alone, atol=1e-5)


def test_without_points_or_steps_the_lines_are_the_starts_also_after_others(starts):
    fits = maml_fits.fits_from(starts)
    before = {name: fitted(maml.GradientLearner(net), X[:0], Y[:0], AT) for name, net in starts.items()}
    fits(X, Y, AT, 5, 0.02)
    for lines in (fits(X[:0], Y[:0], AT, 5, 0.02), fits(X, Y, AT, 0, 0.02)):
        for name, line in before.items():
            np.testing.assert_allclose(lines[name], line, atol=1e-6)


def test_a_line_that_runs_away_is_still_made_of_numbers(starts):
    for line in maml_fits.fits_from(starts)(X, 5 * Y, AT, 30, 3.0).values():
        assert np.isfinite(line).all() and np.abs(line).max() <= maml_fits.FARTHEST


def test_the_starts_of_the_zoo_are_named_and_the_random_one_leaves_the_stream_alone():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    starts = maml_fits.sinusoid_starts()
    assert torch.equal(torch.get_rng_state(), state)
    assert [*starts] == [*maml_fits.MEANINGS.values(), maml_fits.RANDOM]
    y = 3 * np.sin(np.linspace(-4, 4, 10) - 1)
    lines = maml_fits.fits_from(starts)(np.linspace(-4, 4, 10), y, AT, 5, 0.01)
    off = {name: np.mean((line - 3 * np.sin(AT - 1)) ** 2) for name, line in lines.items()}
    assert off["MAML"] < 0.5 < off["pretrained"] < off[maml_fits.RANDOM]
