"""Tasks of a few examples: each has a training set to learn from, and a test set to be asked about.

Functions of one number, drawn from a family: sinusoids, lines, or one of both. And images of a few
classes, whose labels are dealt anew in every task, so that only the training set tells.

Axes: M tasks, P parameters of a function, K training points, Q test points, S inputs, Y outputs; C classes,
B images of each.
Source: sinusoids as in Finn et al., "Model-Agnostic Meta-Learning", ICML 2017, section 5.1,
https://arxiv.org/abs/1703.03400; shuffled labels as in Santoro et al., "Meta-Learning with Memory-Augmented
Neural Networks", ICML 2016; the digits ship with scikit-learn, see `core.domains`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from sklearn.datasets import load_digits
from torch import Tensor

LOW, HIGH = -5.0, 5.0
"""Where functions are looked at."""
AMPLITUDE = (0.1, 5.0)
PHASE = (0.0, np.pi)
SLOPE = (-1.0, 1.0)
INTERCEPT = (-2.0, 2.0)


@dataclass(frozen=True)
class FewShotTasks:
    """Training sets and test sets of some tasks, all of one size."""

    train_x: Float[Tensor, "M K S"]
    """What is learned from."""
    train_y: Float[Tensor, "M K Y"]
    """Its values, or its classes, one-hot."""
    test_x: Float[Tensor, "M Q S"]
    """What is asked."""
    test_y: Float[Tensor, "M Q Y"]
    """The right answers."""


Draw = Callable[[int, int, int, np.random.Generator], FewShotTasks]
"""From M tasks, K shots, Q queries and the source of randomness to new tasks."""


@dataclass(frozen=True)
class FunctionFamily:
    """A distribution over functions of one number."""

    sample: Callable[[np.random.Generator, int], ndarray]
    """Parameters of so many functions, [M, P]."""
    value: Callable[[ndarray, ndarray], ndarray]
    """From parameters [M, P] and places [M, K] to values [M, K]."""

    def only(self, functions: ndarray) -> "FunctionFamily":
        """The same kind of functions, but only these, [n, P]: each drawn as often as any other.

        Raises:
            ValueError: there are none.
        """
        if not len(functions):
            raise ValueError("a family needs at least one function, got none")
        return replace(self, sample=lambda rng, n: functions[rng.integers(len(functions), size=n)])


def _between(*ranges: tuple[float, float]) -> Callable[[np.random.Generator, int], ndarray]:
    low, high = np.transpose(ranges)
    return lambda rng, n: rng.uniform(low, high, (n, len(ranges)))


SINUSOIDS = FunctionFamily(
    sample=_between(AMPLITUDE, PHASE),
    value=lambda functions, x: functions[:, :1] * np.sin(x - functions[:, 1:]),
)
"""A sin(x - phase): amplitude and phase differ from task to task."""

LINES = FunctionFamily(
    sample=_between(SLOPE, INTERCEPT),
    value=lambda functions, x: functions[:, :1] * x + functions[:, 1:],
)
"""Slope and intercept differ from task to task."""


def mixture(*families: FunctionFamily) -> FunctionFamily:
    """Each function is of one of some families, drawn with equal chances; all must have as many parameters.

    A function's parameters are the number of its family, and those that it has there.
    """

    def sample(rng: np.random.Generator, n: int) -> ndarray:
        kind = rng.integers(len(families), size=n)
        of_each = np.stack([family.sample(rng, n) for family in families])  # [families, M, P]
        return np.column_stack([kind, of_each[kind, np.arange(n)]])

    def value(functions: ndarray, x: ndarray) -> ndarray:
        of_each = np.stack([family.value(functions[:, 1:], x) for family in families])  # [families, M, K]
        return of_each[functions[:, 0].astype(int), np.arange(len(x))]

    return FunctionFamily(sample, value)


def function_tasks(family: FunctionFamily, low: float = LOW, high: float = HIGH) -> Draw:
    """Tasks that are functions: their points are drawn evenly between two places, without noise.

    Args:
        family: where the functions come from.
        low: least place.
        high: greatest place.
    """

    def draw(tasks: int, shots: int, queries: int, rng: np.random.Generator) -> FewShotTasks:
        functions = family.sample(rng, tasks)
        x = rng.uniform(low, high, (tasks, shots + queries))
        pair = [torch.tensor(a[..., None], dtype=torch.float32) for a in (x, family.value(functions, x))]
        (train_x, test_x), (train_y, test_y) = (a.split([shots, queries], dim=1) for a in pair)
        return FewShotTasks(train_x, train_y, test_x, test_y)

    return draw


def sinusoid_posterior_mean(train_x: ndarray, train_y: ndarray, at: ndarray) -> ndarray:
    """What is best answered for a sinusoid of the family, in squared error, by one who knows the family.

    No point: the mean of the prior. One point: it fixes the amplitude for each phase, which leaves one
    integral over phases. Two points or more: they give the function away.

    Args:
        train_x: places, [M, K].
        train_y: values without noise, [M, K].
        at: places asked about, [M, Q].

    Returns:
        The mean of the posterior, [M, Q].
    """
    if train_x.shape[1] > 1:
        waves = np.stack([np.sin(train_x), np.cos(train_x)], axis=-1)  # [M, K, 2]
        weights = np.linalg.pinv(waves) @ train_y[..., None]  # [M, 2, 1]
        return (np.stack([np.sin(at), np.cos(at)], axis=-1) @ weights)[..., 0]
    phase = np.linspace(*PHASE, 4001)
    if train_x.shape[1] == 0:
        return np.mean(AMPLITUDE) * np.trapezoid(np.sin(at[..., None] - phase), phase) / np.pi
    wave = np.sin(train_x - phase)  # [M, phases]
    with np.errstate(divide="ignore", invalid="ignore"):
        amplitude = train_y / wave
        # The density of the phase: that of the amplitude which it forces, times |d amplitude / d y|.
        density = np.where((amplitude >= AMPLITUDE[0]) & (amplitude <= AMPLITUDE[1]), 1 / np.abs(wave), 0.0)
    amplitude = np.where(density > 0, amplitude, 0.0)
    density /= density.sum(-1, keepdims=True)
    waves = np.sin(at[..., None] - phase)  # [M, Q, phases]
    return np.einsum("mqp,mp->mq", waves, density * amplitude)


def image_tasks(images: Tensor, way: int = 3) -> Draw:
    """Tasks that are images of a few classes: which of them is called 0, 1, 2 is dealt anew in each task.

    K shots are K images of each class, in random order; no image is asked about that was shown.

    Args:
        images: of C classes, B of each, [C, B, S].
        way: classes of a task.

    Raises:
        ValueError: there are fewer than `way` classes; in a draw: a class has too few images.
    """
    classes, each = images.shape[:2]
    if not 2 <= way <= classes:
        raise ValueError(f"way must be between 2 and {classes}, the number of classes, got {way}")

    def draw(tasks: int, shots: int, queries: int, rng: np.random.Generator) -> FewShotTasks:
        asked = -(-queries // way)  # images of each class, so that all are asked about equally often
        if shots + asked > each:
            raise ValueError(f"there are {each} images of a class, asked for {shots} and {asked} more")
        chosen = rng.random((tasks, classes)).argpartition(way - 1, axis=1)[:, :way]
        chosen = rng.permuted(chosen, axis=1)[..., None]  # [M, way, 1]
        number = rng.random((tasks, way, each)).argsort(2)[..., : shots + asked]
        x, label = images[chosen, number], torch.eye(way)[:, None].expand(tasks, way, shots + asked, way)

        def shuffled(part: slice, size: int) -> tuple[Tensor, Tensor]:
            order = torch.from_numpy(rng.random((tasks, way * (part.stop - part.start))).argsort(1)[:, :size])
            row = torch.arange(tasks)[:, None]
            return x[:, :, part].flatten(1, 2)[row, order], label[:, :, part].flatten(1, 2)[row, order]

        train = shuffled(slice(0, shots), way * shots)
        return FewShotTasks(*train, *shuffled(slice(shots, shots + asked), queries))

    return draw


def handwritten_digits(digits: Sequence[int]) -> Float[Tensor, "C B 64"]:
    """Images of some digits, as many of each as there are of the rarest; pixels in [-1, 1].

    Args:
        digits: C different ones of 0 to 9.
    """
    data = load_digits()
    each = np.bincount(data.target).min()
    images = np.stack([data.data[data.target == digit][:each] for digit in digits]) / 8.0 - 1.0
    return torch.tensor(images, dtype=torch.float32)
