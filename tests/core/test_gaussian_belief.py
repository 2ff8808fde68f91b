"""Gaussian beliefs against what they stand for: densities multiplied on a grid, and integrals."""

import pytest
import torch
from torch.distributions import Independent, Normal
from torch.distributions import kl_divergence as kl_of

from course_lib.core.gaussian_belief import (
    GaussianBelief,
    kl_divergence,
    posterior,
    prior,
    product_of_gaussians,
)


def evidence(*shape, seed=0):
    """Means and variances, float64."""
    torch.manual_seed(seed)
    return torch.randn(shape, dtype=torch.double), torch.rand(shape, dtype=torch.double) + 0.1


def gaussian(x, mean, variance):
    return Normal(mean, variance.sqrt()).log_prob(x)


@pytest.mark.parametrize("with_prior", [False, True])
def test_the_product_is_that_of_the_densities(with_prior):
    """The slow formula: multiply all densities on a grid, and integrate for mean and variance."""
    mean, variance = evidence(4, 2)
    grid = torch.linspace(-12, 12, 20_001, dtype=torch.double)
    log = gaussian(grid[:, None, None], mean, variance).sum(1)  # [20001, Z]
    if with_prior:
        log = log - 0.5 * grid[:, None].square()
        belief = posterior(mean, variance)
        found = belief.mean, belief.variance
    else:
        found = product_of_gaussians(mean, variance)
    weight = (log - log.max(0).values).exp()
    weight = weight / weight.sum(0)
    right = (weight * grid[:, None]).sum(0)
    torch.testing.assert_close(found[0], right)
    torch.testing.assert_close(found[1], (weight * (grid[:, None] - right).square()).sum(0))


def test_the_mean_of_a_normal_is_inferred_as_in_the_textbook():
    """y_i ~ N(theta, 1) with theta ~ N(0, 1): mean sum(y) / (n + 1), variance 1 / (n + 1); without the prior
    the average of y and 1 / n."""
    for n in (1, 2, 5, 10):
        y = torch.randn(3, n, 1, dtype=torch.double)
        belief = posterior(y, torch.ones_like(y))
        torch.testing.assert_close(belief.mean, y.sum(1) / (n + 1))
        torch.testing.assert_close(belief.variance, torch.full_like(belief.mean, 1 / (n + 1)))
        forgotten = product_of_gaussians(y, torch.ones_like(y))
        torch.testing.assert_close(forgotten[0], y.mean(1))
        torch.testing.assert_close(forgotten[1], torch.full_like(belief.mean, 1 / n))


def test_neither_the_order_of_evidence_nor_its_grouping_matters():
    mean, variance = evidence(3, 6, 2)
    whole = posterior(mean, variance)
    order = torch.randperm(6)
    shuffled = posterior(mean[:, order], variance[:, order])
    parts = [product_of_gaussians(mean[:, part], variance[:, part]) for part in (slice(2), slice(2, 6))]
    grouped = posterior(*(torch.stack(each, dim=1) for each in zip(*parts, strict=True)))
    for other in (shuffled, grouped):
        torch.testing.assert_close(other.mean, whole.mean)
        torch.testing.assert_close(other.variance, whole.variance)


def test_beliefs_side_by_side_are_those_one_at_a_time():
    mean, variance = evidence(2, 3, 5, 4)
    together = posterior(mean, variance)
    for i in range(2):
        for j in range(3):
            alone = posterior(mean[i, j], variance[i, j])
            torch.testing.assert_close(together.mean[i, j], alone.mean)
            torch.testing.assert_close(together.variance[i, j], alone.variance)


def test_without_evidence_the_prior_remains():
    nothing = posterior(torch.zeros(3, 0, 2), torch.ones(3, 0, 2))
    before = prior(3, 2)
    assert torch.equal(nothing.mean, before.mean) and torch.equal(nothing.variance, before.variance)
    assert (before.mean == 0).all() and (before.variance == 1).all() and before.mean.shape == (3, 2)


def test_evidence_of_infinite_variance_is_none_and_evidence_never_widens_a_belief():
    mean, variance = evidence(3, 4, 2)
    silent = torch.tensor([False, True, False, True])
    found = posterior(mean, variance.masked_fill(silent[:, None], float("inf")))
    right = posterior(mean[:, ~silent], variance[:, ~silent])
    torch.testing.assert_close(found.mean, right.mean)
    torch.testing.assert_close(found.variance, right.variance)
    assert (posterior(mean, variance).variance < right.variance).all()
    all_silent = posterior(mean, torch.full_like(variance, float("inf")))
    assert (all_silent.mean == 0).all() and (all_silent.variance == 1).all()


def test_the_divergence_is_the_integral_and_torchs_own():
    (mean, variance), (other, spread) = evidence(5, 3), evidence(5, 3, seed=1)
    found = kl_divergence(mean, variance, other, spread)
    q, p = (Independent(Normal(m, v.sqrt()), 1) for m, v in ((mean, variance), (other, spread)))
    torch.testing.assert_close(found, kl_of(q, p))
    grid = torch.linspace(-15, 15, 30_001, dtype=torch.double)[:, None, None]
    log_q, log_p = gaussian(grid, mean, variance), gaussian(grid, other, spread)
    integral = (log_q.exp() * (log_q - log_p)).sum(0) * 30 / 30_000
    torch.testing.assert_close(found, integral.sum(-1))


def test_the_divergence_from_itself_is_zero_and_grows_with_evidence():
    before = prior(1, 2)
    assert kl_divergence(before.mean, before.variance, before.mean, before.variance).tolist() == [0.0]
    known = []
    for n in (1, 2, 5, 10):
        belief = posterior(torch.full((1, n, 2), 0.5), torch.ones(1, n, 2))
        known.append(kl_divergence(belief.mean, belief.variance, before.mean, before.variance).item())
        assert known[-1] != pytest.approx(
            kl_divergence(before.mean, before.variance, belief.mean, belief.variance).item(), rel=0.05
        )
    assert known == sorted(known) and known[0] > 0


def test_samples_have_the_moments_of_the_belief_and_pass_gradients_on():
    torch.manual_seed(0)
    mean, variance = torch.tensor([1.0, -2.0]), torch.tensor([0.25, 4.0])
    drawn = GaussianBelief(mean.expand(40_000, 2), variance.expand(40_000, 2)).sample()
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.05, rtol=0)
    torch.testing.assert_close(drawn.var(0), variance, atol=0, rtol=0.05)
    mean.requires_grad_(), variance.requires_grad_()
    noise = GaussianBelief(mean, variance).sample()
    noise.sum().backward()
    assert mean.grad.tolist() == [1.0, 1.0]
    torch.testing.assert_close(variance.grad, ((noise - mean) / (2 * variance)).detach())


def test_a_students_product_is_given_the_prior_as_one_more_factor():
    given = []

    def students(mean, variance):
        given.append((mean, variance))
        return product_of_gaussians(mean, variance)

    mean, variance = (each.float() for each in evidence(2, 3, 1))
    posterior(mean, variance, students)
    ((means, variances),) = given
    assert means.shape == variances.shape == (2, 4, 1)
    assert (means == 0).sum() == 2 and (variances == 1).sum() == 2
