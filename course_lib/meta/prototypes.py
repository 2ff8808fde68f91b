"""Prototypes: read a training set of a few classes as one point for each, and answer with the nearest.

A set encoder that knows what a class is: its phi is the mean of each class's images, in a space that is
trained on many tasks so that distances in it mean something. Renaming the classes renames the answers, which
a plain network has to learn.

Axes: M tasks, K training points, Q test points, S inputs, Y classes, F features.
Source: Snell et al., "Prototypical Networks for Few-shot Learning", NeurIPS 2017,
https://arxiv.org/abs/1703.05175.
"""

import torch
from torch import Tensor, nn

from course_lib.core.networks import mlp


class PrototypeLearner(nn.Module):
    """Has the interface of `supervised.SetLearner`, for any number of classes."""

    def __init__(self, input_size: int, hidden: int = 64) -> None:
        super().__init__()
        self.input_size = input_size
        self.point = mlp([input_size, hidden, hidden], activation=nn.ReLU)
        self.log_scale = nn.Parameter(torch.zeros(()))

    def adapt(self, train_x: Tensor, train_y: Tensor) -> Tensor:
        """Prototypes phi [M, Y, F] of training sets [M, K, S] and [M, K, Y]; zero for a class without any."""
        points = self.point(train_x)  # [M, K, F]
        of_class = train_y.transpose(1, 2)  # [M, Y, K]
        return of_class @ points / of_class.sum(-1, keepdim=True).clamp(min=1.0)

    def predict(self, phi: Tensor, x: Tensor) -> Tensor:
        """Logits [M, Q, Y]: how near each question [M, Q, S] is to each prototype."""
        away = self.point(x)[:, :, None] - phi[:, None]  # [M, Q, Y, F]
        return -self.log_scale.exp() * away.square().mean(-1)
