"""Labelled data from two domains: what is learned in the source is asked in the target.

Handwritten digits and the same digits turned, and two half moons and the same moons turned: the
task stays, the inputs change. Nothing is downloaded: the digits ship with scikit-learn.

Axes: B samples, S inputs (64 pixels, or 2 coordinates).
Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998, as in https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html;
the moons as in Ganin et al., JMLR 2016, section 5.1, https://arxiv.org/abs/1505.07818.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from numpy import ndarray
from scipy.ndimage import rotate
from sklearn.datasets import load_digits, make_moons
from torch import Tensor

from course_lib.core.types import shape_checked

IMAGE_SIDE = 8
"""Pixels along one side of a digit."""


@dataclass(frozen=True)
class Labelled:
    """Inputs and the class of each."""

    inputs: Float[Tensor, "B S"]
    """Pixels in [-1, 1] or coordinates."""
    labels: Int64[Tensor, "B"]
    """Classes from 0."""

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, classes: Sequence[int]) -> "Labelled":
        """The samples of some classes.

        Raises:
            ValueError: there are none.
        """
        kept = torch.isin(self.labels, torch.tensor(list(classes)))
        if not kept.any():
            raise ValueError(
                f"no sample has a class among {list(classes)}; there are {self.labels.unique().tolist()}"
            )
        return Labelled(self.inputs[kept], self.labels[kept])


@dataclass(frozen=True)
class DomainPair:
    """One task in two domains, each with data to learn from and data to be tested on.

    The target's training labels are there for the ceiling only: adaptation must not see them.
    """

    source: Labelled
    """To learn from, labels included."""
    target: Labelled
    """To adapt to, by its inputs alone."""
    source_test: Labelled
    """New data of the source."""
    target_test: Labelled
    """New data of the target."""


@shape_checked
def turned_images(images: Float[ndarray, "B Y X"], degrees: float) -> Float[ndarray, "B Y X"]:
    """Images turned anticlockwise about their middle; what comes in from outside is black (0).

    Args:
        images: brightness from 0.
        degrees: any.
    """
    return rotate(images, degrees, axes=(2, 1), reshape=False, order=1)


def turned_digits(rng: np.random.Generator, degrees: float = 20.0) -> DomainPair:
    """Handwritten digits of 8 x 8 pixels; in the target every one is turned.

    No image is in two of the four sets: 1797 of them are dealt out as 700, 700, 198 and 199.

    Args:
        rng: deals the images out.
        degrees: anticlockwise.
    """
    digits = load_digits()
    upright = digits.data.reshape(-1, IMAGE_SIDE, IMAGE_SIDE) / 16.0
    turned = turned_images(upright, degrees)
    parts = np.split(rng.permutation(len(upright)), [700, 1400, 1598])

    def labelled(images: ndarray, chosen: ndarray) -> Labelled:
        inputs = 2.0 * images[chosen].reshape(len(chosen), -1) - 1.0
        return Labelled(torch.tensor(inputs, dtype=torch.float32), torch.tensor(digits.target[chosen]).long())

    source, target, source_test, target_test = parts
    return DomainPair(
        labelled(upright, source),
        labelled(turned, target),
        labelled(upright, source_test),
        labelled(turned, target_test),
    )


@shape_checked
def turned_points(points: Float[ndarray, "B 2"], degrees: float) -> Float[ndarray, "B 2"]:
    """Points turned anticlockwise about the origin.

    Args:
        points: x and y.
        degrees: any.
    """
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T


def turned_moons(rng: np.random.Generator, degrees: float = 35.0, samples: int = 300) -> DomainPair:
    """Two half moons of points about the origin, one per class; in the target they are turned.

    Args:
        rng: draws the points.
        degrees: anticlockwise; the paper's picture is of 35.
        samples: of each of the four sets.
    """

    def moons(angle: float) -> Labelled:
        points, labels = make_moons(samples, noise=0.1, random_state=int(rng.integers(2**31)))
        points = turned_points(points - np.array([0.5, 0.25]), angle)  # their middle to the origin
        return Labelled(torch.tensor(points, dtype=torch.float32), torch.tensor(labels).long())

    return DomainPair(moons(0.0), moons(degrees), moons(0.0), moons(degrees))
