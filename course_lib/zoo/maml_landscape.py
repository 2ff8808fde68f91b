"""The loss of one task round a network's parameters, and where gradient steps lead: for `StepLandscape`.

A network has thousands of parameters and a map two directions. The first is that of the gradient at the
start; the second leads to where careful descent goes, as far as the first does not. The map is the loss on
that plane. A way of several steps leaves the plane a little, and what is drawn is its projection: the losses
along it are those of the true parameters.

Axes: M tasks, P parameters, R rows and C columns of the map, U steps.
Source: the plane as in Goodfellow, Vinyals, Saxe, "Qualitatively Characterizing Neural Network Optimization
Problems", ICLR 2015, https://arxiv.org/abs/1412.6544; directions taken from the way itself as in Li et al.,
"Visualizing the Loss Landscape of Neural Nets", NeurIPS 2018, https://arxiv.org/abs/1712.09913, section 7.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn

from course_lib.core.few_shot import FewShotTasks
from course_lib.core.per_task import Parameters, applied, copies
from course_lib.meta.maml import descent, inner_step
from course_lib.meta.supervised import squared_error
from course_lib.widgets.step_landscape import Landscape

CAREFUL_RATE, CAREFUL_STEPS = 0.005, 20
"""The descent that shows the second direction."""
LOW, HIGH = (-0.25, -0.5), (0.75, 0.5)
"""Corners of the map: distances in the space of parameters, the same for all starts. A step of MAML's rate,
0.01, on a sinusoid is about 0.3 long."""
CELLS = 41
"""Places along each side of the map."""


def flat(parameters: Parameters) -> Tensor:
    """All parameters of each task in one row, [M, P]."""
    return torch.cat([value.flatten(1) for value in parameters.values()], dim=1)


def unflat(rows: Tensor, net: nn.Module) -> Parameters:
    """The parameters that rows [M, P] hold, by name, in the shapes that a network has for them."""
    shapes = {name: value.shape for name, value in net.named_parameters()}
    pieces = rows.split([shape.numel() for shape in shapes.values()], dim=1)
    return {
        name: piece.unflatten(1, shape) for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
    }


def way_down(
    net: nn.Module,
    tasks: FewShotTasks,
    inner_lr: float,
    steps: int,
    inner_step: Callable[..., Parameters] = inner_step,
) -> Tensor:
    """Parameters before and after each gradient step on the training points of one task, [U + 1, P].

    Args:
        net: its parameters are the start.
        tasks: one task.
        inner_lr: step size, > 0.
        steps: U.
        inner_step: called as `maml.inner_step`.
    """
    start = copies(net, 1)

    def loss(parameters: Parameters) -> Tensor:
        return squared_error(applied(net, parameters, tasks.train_x), tasks.train_y).mean(1).sum()

    way = descent(loss, start, dict.fromkeys(start, inner_lr), steps, inner_step)
    return torch.cat([flat(phi) for phi in way])


def directions(way: Tensor) -> Tensor:
    """Two directions of length one at right angles: that of the first step, and the rest of the way, [2, P].

    Args:
        way: parameters, [U + 1, P], at least two steps.
    """
    first = nn.functional.normalize(way[1] - way[0], dim=0)
    whole = way[-1] - way[0]
    return torch.stack([first, nn.functional.normalize(whole - (whole @ first) * first, dim=0)])


@torch.no_grad()
def losses(net: nn.Module, rows: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of the network with each row of parameters [M, P] on points [1, B, _], [M]."""
    answers = applied(net, unflat(rows, net), x.expand(len(rows), -1, -1))
    return squared_error(answers, y.expand(len(rows), -1, -1)).mean(1)


def loss_map(net: nn.Module, tasks: FewShotTasks) -> tuple[Tensor, Tensor]:
    """Loss on the training points of one task over the plane [R, C], and the plane's directions [2, P].

    All places of the map are answered at once: each is a task with parameters of its own.
    """
    way = way_down(net, tasks, CAREFUL_RATE, CAREFUL_STEPS)
    plane = directions(way)
    along, across = (torch.linspace(a, b, CELLS) for a, b in zip(LOW, HIGH, strict=True))
    places = torch.cartesian_prod(across, along).flip(1)  # [R C, 2], along changes fastest
    rows = torch.addmm(way[0], places, plane)  # [R C, P]
    return losses(net, rows, tasks.train_x, tasks.train_y).view(CELLS, CELLS), plane


def landscapes(
    nets: Mapping[str, nn.Module],
    task: Callable[[int], FewShotTasks],
    inner_step: Callable[..., Parameters] = inner_step,
) -> Callable[[int, str, float, int], Landscape]:
    """The function that `StepLandscape` asks; each map is computed once.

    Args:
        nets: networks to start from, by name.
        task: from a number to one task with at least one training point.
        inner_step: called as `maml.inner_step`.
    """
    maps = lru_cache(64)(lambda number, start: loss_map(nets[start], task(number)))

    def landscape(number: int, start: str, inner_lr: float, steps: int) -> Landscape:
        net, tasks = nets[start], task(number)
        over_plane, plane = maps(number, start)
        way = way_down(net, tasks, inner_lr, steps, inner_step)
        return Landscape(
            losses=over_plane.numpy(),
            low=LOW,
            high=HIGH,
            downhill=(1.0, 0.0),
            path=((way - way[0]) @ plane.T).numpy(),
            train_loss=losses(net, way, tasks.train_x, tasks.train_y).numpy(),
            test_loss=losses(net, way, tasks.test_x, tasks.test_y).numpy(),
        )

    return landscape
