"""DANN: learn from a labelled domain, so that nothing tells it from an unlabelled one.

Features are trained to name the class of source data, and at once to hide the domain: from a
classifier that tries to tell source from target (domain-adversarial training), or by moving the
two distributions of features onto each other (maximum mean discrepancy, MMD). Both assume that
features exist which are distributed alike in the two domains and still name the class. Where
that is wrong, as where the target holds other classes, hiding the domain destroys what was learned.

Axes: B samples of the source, K samples of the target, S input, H features, C classes.
Source: Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 17(59), 2016,
https://arxiv.org/abs/1505.07818; Tzeng et al., "Deep Domain Confusion: Maximizing for Domain
Invariance", 2014, https://arxiv.org/abs/1412.3474; unbiased estimate: Gretton et al., "A Kernel
Two-Sample Test", JMLR 13, 2012, equation 3.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from course_lib.core.networks import mlp
from course_lib.core.types import Scalar, shape_checked

SourceInputs = Float[Tensor, "B S"]
SourceLabels = Int64[Tensor, "B"]
TargetInputs = Float[Tensor, "K S"]
SourceFeatures = Float[Tensor, "B H"]
TargetFeatures = Float[Tensor, "K H"]
Gram = Float[Tensor, "B K"]
DomainLogits = Float[Tensor, "_ 2"]

SOURCE, TARGET = 0, 1
"""Columns of the domain logits."""


@dataclass(frozen=True, kw_only=True)
class DANNConfig:
    """Settings of domain-adversarial training, and of training with MMD in its place."""

    steps: int = 1000
    """Updates, >= 1."""
    batch_size: int = 64
    """Samples of each domain in an update, >= 2: the unbiased MMD compares pairs."""
    learning_rate: float = 0.1
    """Step size at the start, > 0; it falls as the paper's does."""
    momentum: float = 0.9
    """Of stochastic gradient descent, in [0, 1)."""
    strength: float = 1.0
    """Largest weight of hiding the domain (lambda), >= 0; 0 trains on the source only."""
    ramp_rate: float = 10.0
    """How early the strength rises during training (the paper's gamma), > 0."""

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("batch_size", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        for name in ("learning_rate", "ramp_rate"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0.0 <= self.momentum < 1.0:
            raise ValueError(f"momentum must be in [0, 1), got {self.momentum}")
        if not self.strength >= 0.0:
            raise ValueError(f"strength must not be negative, got {self.strength}")


class Model(nn.Module):
    """Features with two heads: one names the class, the other the domain."""

    def __init__(
        self,
        input_size: int,
        classes: int,
        hidden: Sequence[int] = (64, 32),
        domain_hidden: Sequence[int] = (32,),
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(mlp([input_size, *hidden], math.sqrt(2.0), nn.ReLU), nn.ReLU())
        self.label_head = mlp([hidden[-1], classes], activation=nn.ReLU)
        self.domain_head = mlp([hidden[-1], *domain_hidden, 2], activation=nn.ReLU)

    def forward(self, inputs: Tensor) -> Tensor:
        """Class logits [B, C] of inputs [B, S]."""
        return self.label_head(self.features(inputs))


Penalty = Callable[[Model, Tensor, Tensor, float], Tensor]
"""From a model, features of source and target, and a strength: what is added to the loss."""


def ramp(progress: float, rate: float = 10.0) -> float:
    """Share of the full strength at some point of the training: 2 / (1 + exp(-rate * progress)) - 1.

    It begins at 0, because at first the features' classifier of domains knows nothing, and its
    gradient is noise.

    Args:
        progress: from 0 at the start to 1 at the end.
        rate: how early it rises; at 10 half is reached after about a tenth of the training.

    Returns:
        In [0, 1).
    """
    return math.tanh(rate * progress / 2.0)  # the same function; exp cannot overflow


def annealed(learning_rate: float, progress: float) -> float:
    """The paper's step size at some point of the training: learning_rate / (1 + 10 progress)^0.75.

    Plain descent with a falling step settles where the two sides of the game balance; steps that adapt
    to each parameter, such as Adam's, let the domain head win.

    Args:
        learning_rate: at the start.
        progress: from 0 to 1.
    """
    return learning_rate / (1.0 + 10.0 * progress) ** 0.75


class _GradientReversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return features.view_as(features)  # a new tensor: autograd drops a function that returns its input

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reverse_gradient(features: Tensor, strength: float) -> Tensor:
    """The same features, whose gradient arrives multiplied by -strength.

    Between features and domain head it makes one descent play both sides of the game: the head
    learns to tell the domains apart, at its full gradient, and the features learn to prevent it.

    Args:
        features: any shape.
        strength: lambda, >= 0.
    """
    return _GradientReversal.apply(features, strength)


@shape_checked
def domain_loss(source_logits: DomainLogits, target_logits: DomainLogits) -> Scalar:
    """Mean cross-entropy of telling the domains apart, in nats; each domain counts one half.

    Log 2 = 0.69 is a guess: then the features hide the domain, or the head has not learned to see it.

    Args:
        source_logits: of samples of the source; column 0 is the source, 1 the target.
        target_logits: of samples of the target.
    """
    missed_source = -source_logits.log_softmax(-1)[:, SOURCE].mean()
    missed_target = -target_logits.log_softmax(-1)[:, TARGET].mean()
    return 0.5 * (missed_source + missed_target)


def linear_kernel(x: Tensor, y: Tensor) -> Tensor:
    """Inner products [B, K] of features [B, H] and [K, H]; its MMD compares means only."""
    return x @ y.T


def gaussian_kernel(bandwidth: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The kernel exp(-|x - y|^2 / (2 bandwidth^2)); its MMD is 0 for equal distributions only.

    Args:
        bandwidth: distance at which two samples count as unlike, in units of the features, > 0.

    Returns:
        A function from features [B, H] and [K, H] to similarities in (0, 1], [B, K].

    Raises:
        ValueError: the bandwidth is not positive.
    """
    if not bandwidth > 0.0:
        raise ValueError(f"bandwidth must be positive, got {bandwidth}")

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        squared = x.square().sum(-1)[:, None] + y.square().sum(-1)[None] - 2.0 * x @ y.T  # [B, K]
        return torch.exp(-squared.clamp(min=0.0) / (2.0 * bandwidth**2))

    return kernel


def median_distance(source_features: Tensor, target_features: Tensor) -> float:
    """Median distance between samples of the two domains: a bandwidth without gradient."""
    return float(torch.cdist(source_features.detach(), target_features.detach()).median())


@shape_checked
def mmd(
    source_features: SourceFeatures,
    target_features: TargetFeatures,
    kernel: Callable[[Tensor, Tensor], Tensor] = linear_kernel,
) -> Scalar:
    """Unbiased estimate of the squared maximum mean discrepancy between two distributions of features.

    E k(s, s') + E k(t, t') - 2 E k(s, t). No sample is paired with itself; so the mean over batches is 0 for
    equal distributions, and a single estimate may be negative. It stays squared: the root has no
    gradient at 0, where training is to end.

    Args:
        source_features: at least two samples.
        target_features: at least two samples; their number may differ.
        kernel: similarity of each of [B, H] to each of [K, H].

    Raises:
        ValueError: a domain has fewer than two samples.
    """
    for domain, n in (("source", len(source_features)), ("target", len(target_features))):
        if n < 2:
            raise ValueError(
                f"the unbiased MMD needs at least 2 samples of each domain, got {n} of the {domain}"
            )

    def within(features: Tensor) -> Tensor:
        similar, n = kernel(features, features), len(features)
        return (similar.sum() - similar.diagonal().sum()) / (n * (n - 1))

    across = kernel(source_features, target_features).mean()
    return within(source_features) + within(target_features) - 2.0 * across


def adversarial(
    model: Model,
    source_features: Tensor,
    target_features: Tensor,
    strength: float,
    *,
    reverse_gradient: Callable[[Tensor, float], Tensor] = reverse_gradient,
    domain_loss: Callable[[Tensor, Tensor], Tensor] = domain_loss,
) -> Tensor:
    """Penalty of Ganin et al.: the domain head's loss, with the gradient reversed on its way to the features.

    The strength is inside the reversal and not before the loss: the head itself always learns at full speed.
    """
    heads = (model.domain_head(reverse_gradient(f, strength)) for f in (source_features, target_features))
    return domain_loss(*heads)


def discrepancy(
    model: Model,
    source_features: Tensor,
    target_features: Tensor,
    strength: float,
    *,
    mmd: Callable[..., Tensor] = mmd,
) -> Tensor:
    """Penalty by MMD with a Gaussian kernel as wide as the median distance; needs no domain head."""
    kernel = gaussian_kernel(median_distance(source_features, target_features) or 1.0)
    return strength * mmd(source_features, target_features, kernel)


def mean_discrepancy(
    model: Model, source_features: Tensor, target_features: Tensor, strength: float
) -> Tensor:
    """Penalty of Tzeng et al.: MMD with the linear kernel, the squared distance of the two means."""
    return strength * mmd(source_features, target_features)


def update(
    model: Model,
    optimizer: torch.optim.Optimizer,
    source_inputs: Tensor,
    source_labels: Tensor,
    target_inputs: Tensor,
    strength: float,
    penalty: Penalty,
) -> dict[str, float]:
    """One step of gradient descent on the label loss plus the penalty.

    Args:
        model: changed in place.
        optimizer: of all its parameters.
        source_inputs: [B, S].
        source_labels: [B], from 0.
        target_inputs: [K, S]; there are no target labels.
        strength: weight of the penalty.
        penalty: what hides the domain.

    Returns:
        label_loss in nats, and penalty.
    """
    features = model.features(torch.cat([source_inputs, target_inputs]))  # [B + K, H]
    source_features, target_features = features.split([len(source_inputs), len(target_inputs)])
    label_loss = cross_entropy(model.label_head(source_features), source_labels)
    hiding = penalty(model, source_features, target_features, strength)
    optimizer.zero_grad()
    (label_loss + hiding).backward()
    optimizer.step()
    return {"label_loss": label_loss.item(), "penalty": hiding.item()}


@shape_checked
def train(
    model: Model,
    source_inputs: SourceInputs,
    source_labels: SourceLabels,
    target_inputs: TargetInputs,
    config: DANNConfig,
    rng: np.random.Generator,
    *,
    penalty: Penalty = adversarial,
    ramp: Callable[[float, float], float] = ramp,
) -> Iterator[dict[str, float]]:
    """Trains a model with labels of the source and inputs of both domains, one record an update.

    Args:
        model: changed in place.
        source_inputs: labelled data.
        source_labels: their classes, from 0.
        target_inputs: data without labels.
        config: settings; strength 0 trains on the source only, whatever the penalty.
        rng: draws the minibatches, with replacement.
        penalty: what hides the domain: `adversarial`, `discrepancy`, `mean_discrepancy` or your own.
        ramp: share of the full strength, called with the progress in [0, 1) and `config.ramp_rate`.

    Yields:
        step (from 1), strength, label_loss in nats, penalty (of `adversarial`: the domain loss in nats).
    """
    optimizer = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=config.momentum)
    for step in range(config.steps):
        progress = step / config.steps
        optimizer.param_groups[0]["lr"] = annealed(config.learning_rate, progress)
        strength = config.strength * ramp(progress, config.ramp_rate)
        source = torch.from_numpy(rng.integers(len(source_inputs), size=config.batch_size))
        target = torch.from_numpy(rng.integers(len(target_inputs), size=config.batch_size))
        batch = source_inputs[source], source_labels[source], target_inputs[target]
        yield {"step": step + 1, "strength": strength, **update(model, optimizer, *batch, strength, penalty)}


@torch.no_grad()
def accuracy(model: Model, inputs: Tensor, labels: Tensor) -> float:
    """Share of the inputs [B, S] whose class [B] the model names rightly, in [0, 1]."""
    return float((model(inputs).argmax(-1) == labels).double().mean())


@torch.no_grad()
def class_probabilities(model: Model, inputs: np.ndarray) -> np.ndarray:
    """Probability of each class [B, C] of numpy inputs [B, S]: what a picture of the model needs."""
    return model(torch.as_tensor(inputs, dtype=torch.float32)).softmax(-1).numpy()
