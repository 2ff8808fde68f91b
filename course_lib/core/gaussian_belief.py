"""What is believed of a hidden variable, as a Gaussian: how evidence adds up, and how much it says.

Independent pieces of evidence multiply, and a product of Gaussians is a Gaussian again: precisions add, and
means are averaged, each weighed by its precision. So the order of the evidence does not matter.

Axes: K pieces of evidence, Z latent; any axes before them are independent beliefs.
Source: Bishop, "Pattern Recognition and Machine Learning", 2006, section 2.3; used for task inference in
Rakelly et al., "Efficient Off-Policy Meta-Reinforcement Learning via Probabilistic Context Variables", ICML
2019, https://arxiv.org/abs/1903.08254, section 4.1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.core.types import shape_checked

PerLatent = Float[Tensor, "*batch Z"]
PerEvidence = Float[Tensor, "*batch K Z"]


@shape_checked
def product_of_gaussians(mean: PerEvidence, variance: PerEvidence) -> tuple[PerLatent, PerLatent]:
    """The Gaussian that is proportional to the product of K: 1/v = sum_k 1/v_k, m = v sum_k m_k / v_k.

    Args:
        mean: m_k.
        variance: v_k, > 0; infinite for evidence that says nothing.

    Returns:
        m and v.
    """
    precision = 1.0 / variance
    combined = 1.0 / precision.sum(-2)
    return combined * (precision * mean).sum(-2), combined


@shape_checked
def kl_divergence(
    mean: PerLatent, variance: PerLatent, other_mean: PerLatent, other_variance: PerLatent
) -> Float[Tensor, "*batch"]:
    """KL(q || p) of two Gaussians with independent coordinates, nats: how much more q claims to know than p.

    Args:
        mean: of q.
        variance: of q, > 0.
        other_mean: of p.
        other_variance: of p, > 0.
    """
    ratio = variance / other_variance
    return 0.5 * (ratio - 1.0 - ratio.log() + (mean - other_mean).square() / other_variance).sum(-1)


@dataclass(frozen=True)
class GaussianBelief:
    """A Gaussian with independent coordinates over each of some hidden variables."""

    mean: Tensor
    """[..., Z]."""
    variance: Tensor
    """[..., Z], > 0."""

    def sample(self) -> Tensor:
        """One possible value of each, [..., Z], with gradients (reparameterized)."""
        return self.mean + self.variance.sqrt() * torch.randn_like(self.mean)


def prior(*shape: int) -> GaussianBelief:
    """What is believed before there is any evidence: a standard normal, [*shape]."""
    return GaussianBelief(torch.zeros(shape), torch.ones(shape))


def posterior(
    mean: Tensor,
    variance: Tensor,
    product_of_gaussians: Callable[..., tuple[Tensor, Tensor]] = product_of_gaussians,
) -> GaussianBelief:
    """What evidence leaves of the prior: their product, with the prior as one more factor.

    Args:
        mean: of each piece of evidence, [..., K, Z]; K may be 0.
        variance: [..., K, Z], > 0.
        product_of_gaussians: called as in this module.
    """
    before = prior(*mean.shape[:-2], 1, mean.shape[-1])
    means, variances = torch.cat([before.mean, mean], -2), torch.cat([before.variance, variance], -2)
    return GaussianBelief(*product_of_gaussians(means, variances))
