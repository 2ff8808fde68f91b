"""Lines for a picture that follows a hand: what gradient steps make of a few points, by where they start.

Axes: L starts, K points, Q places.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy import ndarray
from torch import nn

from course_lib.core.networks import mlp
from course_lib.core.per_task import applied
from course_lib.core.seeding import seed_everything
from course_lib.meta import maml
from course_lib.meta.supervised import squared_error
from course_lib.zoo import maml_recipes, store

RANDOM = "random start"
MEANINGS = {"maml": "MAML", "first_order": "first order", "pretrained": "pretrained"}
"""Starts in the zoo, in words."""
FARTHEST = 1e3
"""A line that ran away is drawn no farther out than this."""

Fits = Callable[[ndarray, ndarray, ndarray, float, float], dict[str, ndarray]]
"""From x [K], y [K], places [Q], gradient steps and inner rate to values [Q] by the start's name."""


def sinusoid_starts(seed: int = 0) -> dict[str, nn.Module]:
    """Networks that were trained on sinusoids, and a random one, by their names.

    Args:
        seed: of the zoo's weights, and of the random one.

    Raises:
        ZooError: the zoo holds no weights of that seed.
    """
    with torch.random.fork_rng(devices=[]):  # also making room for weights draws random numbers
        stored = {
            words: store.load_policy(f"maml/sinusoids-{recipe}-seed{seed}").net
            for recipe, words in MEANINGS.items()
        }
        seed_everything(seed)
        new = mlp([1, maml_recipes.HIDDEN, maml_recipes.HIDDEN, 1], activation=nn.ReLU)
    return {**stored, RANDOM: new}


def fits_from(starts: dict[str, nn.Module]) -> Fits:
    """The function that a picture asks: every start takes the same steps on the same points.

    All of them are adapted at once, each as one more task: ten steps of four starts take 5 ms.

    Args:
        starts: networks of one shape, by name.
    """
    names, net = [*starts], next(iter(starts.values()))
    start = {
        name: torch.stack([dict(one.named_parameters())[name].detach() for one in starts.values()])
        for name, _ in net.named_parameters()
    }  # [L, ...]

    def several(values: Sequence[float]) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values), dtype=torch.float32)[None, :, None].expand(
            len(names), -1, -1
        )

    def fits(x: ndarray, y: ndarray, at: ndarray, steps: float = 1, inner_lr: float = 0.01) -> dict:
        points, values = several(x), several(y)  # [L, K, 1]
        rates = dict.fromkeys(start, inner_lr)

        def loss(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
            return squared_error(applied(net, parameters, points), values).mean(1).sum()

        *_, phi = maml.descent(loss, start, rates, round(steps) if len(x) else 0)
        with torch.no_grad():
            lines = applied(net, phi, several(at))[..., 0].double().numpy()
        lines = np.nan_to_num(lines, nan=FARTHEST, posinf=FARTHEST, neginf=-FARTHEST)
        return dict(zip(names, lines.clip(-FARTHEST, FARTHEST), strict=True))

    return fits
