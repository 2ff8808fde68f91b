"""One network, and a set of parameters for each task: all tasks answered at once.

What is learned in one task must not touch the others, so each gets a copy of the parameters. The copies are
ordinary tensors: what is done to them can be differentiated.

Axes: M tasks, B points of a task, S inputs, Y outputs.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from course_lib.core.types import shape_checked

Parameters = dict[str, Tensor]
"""By the names that the network has for them, [M, ...] each."""
TaskPoints = Float[Tensor, "M B _"]


def copies(net: nn.Module, tasks: int) -> Parameters:
    """The network's parameters once for every task, [M, ...]; gradients of all copies add up in the network.

    Args:
        net: whose parameters.
        tasks: M.
    """
    return {name: value.expand(tasks, *value.shape) for name, value in net.named_parameters()}


@shape_checked
def applied(net: nn.Module, parameters: Parameters, x: TaskPoints) -> TaskPoints:
    """Answers of a network that has other parameters in every task.

    A layer of an `mlp` is one product of matrices for all tasks. Any other module is called through
    `torch.func.vmap`, which is the same and takes longer.

    Args:
        net: the shape of the network; its own parameters are not looked at.
        parameters: by name, [M, ...] each.
        x: what each task's network is given, [M, B, S].

    Returns:
        [M, B, Y].
    """
    if not isinstance(net, nn.Sequential) or not all(map(_is_plain, net)):
        return torch.vmap(lambda own, points: functional_call(net, own, (points,)))(parameters, x)
    for name, layer in net.named_children():
        if isinstance(layer, nn.Linear):
            weight, bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]  # [M, O, I], [M, O]
            x = torch.baddbmm(bias.unsqueeze(1), x, weight.mT)  # [M, B, O]
        else:
            x = layer(x)
    return x


def _is_plain(layer: nn.Module) -> bool:
    return isinstance(layer, nn.ReLU | nn.Tanh) or (isinstance(layer, nn.Linear) and layer.bias is not None)
