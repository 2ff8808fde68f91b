"""Task distributions: against scipy's truncated normal."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from course_lib.core.task_family import TaskFamily, TruncatedNormal, truncated_normal


@pytest.mark.parametrize(
    ("mean", "sigma", "low", "high"), [(6, 1.5, 3, 9), (2.5, 1, 1, 4), (0.125, 0.04, 0.05, 0.2)]
)
def test_is_the_distribution_of_scipy(mean, sigma, low, high):
    draws = truncated_normal(np.random.default_rng(0), mean, sigma, low, high, 20_000)
    exact = stats.truncnorm((low - mean) / sigma, (high - mean) / sigma, mean, sigma)
    assert stats.kstest(draws, exact.cdf).pvalue > 1e-3
    assert draws.std() == pytest.approx(exact.std(), rel=0.02)


def test_the_lectures_table_after_truncation():
    draws = truncated_normal(np.random.default_rng(1), 2.5, 1.0, 1.0, 4.0, 200_000)
    assert draws.std() == pytest.approx(0.7427, rel=0.01)
    assert ((draws == 1.0) | (draws == 4.0)).sum() == 0  # clipping would leave 13 % of them here


def test_same_seed_same_tasks():
    first, again = (truncated_normal(np.random.default_rng(3), 0, 1, -1, 1, 50) for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 0, -1, 1), "sigma must be positive, got 0"),
        ((0, 1, 1, 1), "low must be below high"),
        ((0, 1, 30, 31), "holds almost nothing"),
    ],
)
def test_bad_distributions_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        truncated_normal(np.random.default_rng(0), *arguments, 10)


@dataclass(frozen=True)
class _Params:
    mass: np.ndarray
    friction: np.ndarray
    drag: float = 0.5

    @classmethod
    def from_keywords(cls, **values):
        return cls(**values)


def test_a_family_samples_every_parameter_on_its_own():
    family = TaskFamily("toy", _Params, {"mass": TruncatedNormal(6, 1.5, 3, 9), "friction": 2.0}, None)
    params = family.sample(np.random.default_rng(0), 500)
    assert params.mass.min() >= 3 and params.mass.max() <= 9 and params.mass.std() > 1
    np.testing.assert_array_equal(params.friction, np.full(500, 2.0))


def test_a_sampler_of_the_wrong_shape_is_named():
    family = TaskFamily("toy", _Params, {"mass": TruncatedNormal(6, 1.5, 3, 9), "friction": 2.0}, None)
    with pytest.raises(ValueError, match="must return 5 values for mass"):
        family.sample(np.random.default_rng(0), 5, lambda rng, mean, sigma, low, high, n: np.zeros(n + 1))


def test_the_world_in_the_middle_has_means_constants_and_defaults():
    family = TaskFamily("toy", _Params, {"mass": TruncatedNormal(6, 1.5, 3, 9), "friction": 2.0}, None)
    assert family.means == _Params(mass=6, friction=2.0, drag=0.5)
