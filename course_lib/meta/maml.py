"""MAML: learn where gradient descent should start, so that a step or two of it solve a new task.

Adaptation is ordinary learning, phi = theta - alpha grad L(theta; D_train), and so one more way to read a
training set: f(D_train, x) = f_phi(x). It is a computation graph like any other, and the error on D_test is
differentiated through the step itself. The learner here is trained by `supervised.train` as the others are.

Axes: M tasks, K training points, Q test points, S inputs, Y outputs.
Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017,
https://arxiv.org/abs/1703.03400; one rate per parameter as in Li et al., "Meta-SGD", 2017,
https://arxiv.org/abs/1707.09835.
"""

import copy
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from course_lib.core.per_task import Parameters, applied, copies
from course_lib.meta.supervised import cross_entropy, squared_error

Loss = Callable[[Parameters], Tensor]
"""From the parameters of all tasks to the sum of the tasks' losses, each of which hangs on its own only."""


def inner_step(
    loss: Loss, parameters: Parameters, rates: Parameters, first_order: bool = False
) -> Parameters:
    """theta' = theta - alpha grad L(theta): one step of gradient descent in every task at once, a new value.

    The tasks share nothing, so the gradient of the sum of their losses holds the gradient of each. Unless
    `first_order`, it keeps its own graph (`create_graph`): whoever differentiates theta' with respect to
    theta then finds (I - alpha Hessian), and otherwise I.

    Args:
        loss: sum over the tasks.
        parameters: theta, by name, [M, ...]; left as it is.
        rates: alpha for each parameter, by the same names, of shapes that fit.
        first_order: whether the gradient is taken for a constant.

    Returns:
        theta', by name.
    """
    gradients = torch.autograd.grad(loss(parameters), [*parameters.values()], create_graph=not first_order)
    return {
        name: value - rates[name] * gradient
        for (name, value), gradient in zip(parameters.items(), gradients, strict=True)
    }


def rates_like(net: nn.Module, inner_lr: float, learned: bool) -> nn.Module:
    """One inner rate for each parameter: a module of the network's shape that holds them.

    Args:
        net: whose parameters are to be adapted.
        inner_lr: alpha, at first; > 0.
        learned: whether they are trained together with the network.

    Raises:
        ValueError: the rate is not positive.
    """
    if not inner_lr > 0.0:
        raise ValueError(f"inner_lr must be positive, got {inner_lr}")
    rates = copy.deepcopy(net).requires_grad_(learned)
    with torch.no_grad():
        for rate in rates.parameters():
            rate.fill_(inner_lr)
    return rates


def start_of(net: nn.Module, tasks: int) -> Parameters:
    """Where adaptation starts: `copies` that can be differentiated, also where the network is not trained."""
    return {
        name: value if value.requires_grad else value.requires_grad_()
        for name, value in copies(net, tasks).items()
    }


def descent(
    loss: Loss,
    start: Parameters,
    rates: Parameters,
    steps: int,
    inner_step: Callable[..., Parameters] = inner_step,
) -> Iterator[Parameters]:
    """Gradient descent in every task, for whoever will not differentiate through it: no graph is kept.

    Args:
        loss: sum over the tasks.
        start: by name, [M, ...]; left as it is.
        rates: step sizes, by the same names.
        steps: how many, >= 0.
        inner_step: called as in this module.

    Yields:
        The parameters before the first step, and after each.
    """
    phi = {name: value.detach() for name, value in start.items()}
    yield phi
    for _ in range(steps):
        movable = {name: value.detach().requires_grad_() for name, value in phi.items()}
        with torch.enable_grad():
            phi = {name: value.detach() for name, value in inner_step(loss, movable, rates, True).items()}
        yield phi


class GradientLearner(nn.Module):
    """Learns a training set by some steps of gradient descent: phi are the parameters that they end with."""

    loss: Callable[[Tensor, Tensor], Tensor] = staticmethod(squared_error)
    """What a step makes smaller: from answers and right ones [M, K, Y] to [M, K]."""

    def __init__(
        self,
        net: nn.Module,
        inner_lr: float = 0.01,
        steps: int = 1,
        *,
        first_order: bool = False,
        learned_rates: bool = False,
        inner_step: Callable[..., Parameters] = inner_step,
    ) -> None:
        """Wraps a network.

        Args:
            net: its parameters are where every task starts from.
            inner_lr: step size inside a task, > 0.
            steps: of gradient descent inside a task, >= 0. With none, what is trained is one network for all
                tasks: pretraining.
            first_order: whether training takes the inner gradients for constants.
            learned_rates: whether every parameter has a step size of its own, trained with it.
            inner_step: called as in this module.

        Raises:
            ValueError: the rate is not positive, or the number of steps is negative.
        """
        super().__init__()
        if steps < 0:
            raise ValueError(f"steps must not be negative, got {steps}")
        self.net, self.rates = net, rates_like(net, inner_lr, learned_rates)
        self.steps, self.first_order, self._inner_step = steps, first_order, inner_step

    def adapt(self, train_x: Tensor, train_y: Tensor, steps: int | None = None) -> Parameters:
        """phi, by name, [M, ...] each, of training sets [M, K, S] and [M, K, Y]; of an empty one it is theta.

        Where gradients are switched off, phi is adapted all the same, and comes without its graph.

        Args:
            train_x: what is learned from.
            train_y: its right answers.
            steps: other than those of the training.
        """
        shots, wanted = train_x.shape[1], torch.is_grad_enabled()
        rates = dict(self.rates.named_parameters())

        def loss(parameters: Parameters) -> Tensor:
            return self.loss(applied(self.net, parameters, train_x), train_y).mean(1).sum()

        count = (self.steps if steps is None else steps) if shots else 0
        phi = start_of(self.net, len(train_x))
        if not wanted:
            *_, phi = descent(loss, phi, rates, count, self._inner_step)
            return phi
        for _ in range(count):
            phi = self._inner_step(loss, phi, rates, self.first_order)
        return phi

    def predict(self, phi: Parameters, x: Tensor) -> Tensor:
        """Answers [M, Q, Y] of phi to questions [M, Q, S]."""
        return applied(self.net, phi, x)


class GradientClassifier(GradientLearner):
    """The same for classes: a step makes the surprise at the right one smaller."""

    loss = staticmethod(cross_entropy)
