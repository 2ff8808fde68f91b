"""Supervised meta-learning: a network that reads a training set and answers, f(D_train, x) -> y.

Ordinary learning runs an optimizer on the training set of one task. Here reading the training set *is* the
learning: what it leaves behind is phi, a few numbers, and how to read is trained on many tasks. A recurrent
network reads point by point; a mean over the points cannot even know in which order they came.

Axes: M tasks, K training points, Q test points, S inputs, Y outputs, F features (of phi).
Source: Santoro et al., "Meta-Learning with Memory-Augmented Neural Networks", ICML 2016, and Hochreiter et
al., "Learning to Learn Using Gradient Descent", ICANN 2001 (recurrent); Garnelo et al., "Conditional Neural
Processes", ICML 2018, https://arxiv.org/abs/1807.01613, and Zaheer et al., "Deep Sets", NeurIPS 2017,
https://arxiv.org/abs/1703.06114 (the mean).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from course_lib.core.few_shot import Draw, FewShotTasks
from course_lib.core.memory import GRUMemory
from course_lib.core.networks import mlp
from course_lib.core.types import shape_checked

Answers = Float[Tensor, "*batch Y"]
PerAnswer = Float[Tensor, "*batch"]


@dataclass(frozen=True, kw_only=True)
class SupervisedConfig:
    """Settings of supervised meta-learning."""

    tasks: int = 128
    """Tasks of an update, >= 1."""
    max_shots: int = 20
    """Most training points (or images a class); each update draws a number from 0 to it, >= 1."""
    queries: int = 20
    """Test points of each task, >= 1."""
    learning_rate: float = 2e-3
    """Step size of Adam at the start, > 0; it falls linearly to zero."""
    updates: int = 50
    """Updates an iteration, >= 1."""
    iterations: int = 100
    """Iterations, >= 1."""

    def __post_init__(self) -> None:
        for name in ("tasks", "max_shots", "queries", "updates", "iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.learning_rate > 0.0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}")


class RecurrentLearner(nn.Module):
    """Reads a training set point by point: phi is what the memory says after the last one."""

    def __init__(
        self,
        input_size: int,
        output_size: int,
        hidden: int = 64,
        make_memory: Callable[[int, int], nn.Module] = GRUMemory,
    ) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, output_size
        self.memory = make_memory(input_size + output_size, hidden)
        self.head = mlp([self.memory.features + input_size, hidden, hidden, output_size], activation=nn.ReLU)

    def adapt(self, train_x: Tensor, train_y: Tensor) -> Tensor:
        """phi [M, F] of training sets [M, K, S] and [M, K, Y]; of an empty one it is zero."""
        memory = train_x.new_zeros(len(train_x), self.memory.size)
        phi = train_x.new_zeros(len(train_x), self.memory.features)
        for point in torch.cat([train_x, train_y], dim=-1).unbind(1):  # [M, S+Y]
            phi, memory = self.memory.step(point, memory)
        return phi

    def predict(self, phi: Tensor, x: Tensor) -> Tensor:
        """Answers [M, Q, Y] of phi [M, F] to questions [M, Q, S]."""
        return _answers(self.head, phi, x)


class SetLearner(nn.Module):
    """Reads all points of a training set at once: phi is the mean of what it makes of each."""

    def __init__(self, input_size: int, output_size: int, hidden: int = 64) -> None:
        super().__init__()
        self.input_size, self.output_size = input_size, output_size
        self.point = mlp([input_size + output_size, hidden, hidden, hidden], activation=nn.ReLU)
        self.head = mlp([hidden + input_size, hidden, hidden, output_size], activation=nn.ReLU)

    def adapt(self, train_x: Tensor, train_y: Tensor) -> Tensor:
        """phi [M, F] of training sets [M, K, S] and [M, K, Y]; of an empty one it is zero."""
        points = self.point(torch.cat([train_x, train_y], dim=-1))  # [M, K, F]
        return points.sum(1) / max(1, points.shape[1])

    def predict(self, phi: Tensor, x: Tensor) -> Tensor:
        """Answers [M, Q, Y] of phi [M, F] to questions [M, Q, S]."""
        return _answers(self.head, phi, x)


def _answers(head: nn.Module, phi: Tensor, x: Tensor) -> Tensor:
    return head(torch.cat([phi[:, None].expand(-1, x.shape[1], -1), x], dim=-1))  # [M, Q, F+S]


@shape_checked
def squared_error(answer: Answers, right: Answers) -> PerAnswer:
    """Squared distance of each answer to the right one."""
    return (answer - right).square().sum(-1)


@shape_checked
def cross_entropy(answer: Answers, right: Answers) -> PerAnswer:
    """Surprise at the right class, one-hot, by logits, in nats."""
    return -(right * answer.log_softmax(-1)).sum(-1)


def meta_loss(learner: nn.Module, tasks: FewShotTasks, loss: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """How wrong phi_i = f(D_i^train) is on D_i^test: the mean over tasks i and their test points.

    What was read is not what is asked. A learner that is asked about D_i^train need only repeat.

    Args:
        learner: f, with `adapt` and `predict`.
        tasks: M of them.
        loss: from answers and right ones [M, Q, Y] to [M, Q].
    """
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean()


def train(
    learner: nn.Module,
    optimizer: torch.optim.Optimizer,
    draw: Draw,
    config: SupervisedConfig,
    rng: np.random.Generator,
    *,
    first: int = 1,
    loss: Callable[[Tensor, Tensor], Tensor] = squared_error,
    meta_loss: Callable[..., Tensor] = meta_loss,
) -> Iterator[dict[str, float]]:
    """Trains a learner on ever new tasks, with 0 to `max_shots` points in their training sets.

    Args:
        learner: changed in place.
        optimizer: of its parameters.
        draw: gives tasks.
        config: settings.
        rng: draws tasks and numbers of shots.
        first: number of the first iteration, where an interrupted training goes on.
        loss: of one answer.
        meta_loss: called as in this module.

    Yields:
        iteration, steps (tasks read so far), meta_loss (mean over the iteration).
    """
    for iteration in range(first, config.iterations + 1):
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * (1.0 - (iteration - 1) / config.iterations)
        losses = []
        for _ in range(config.updates):
            shots = int(rng.integers(config.max_shots + 1))
            objective = meta_loss(learner, draw(config.tasks, shots, config.queries, rng), loss)
            optimizer.zero_grad()
            objective.backward()
            nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
            optimizer.step()
            losses.append(objective.item())
        steps = (iteration - first + 1) * config.updates * config.tasks
        yield {"iteration": iteration, "steps": steps, "meta_loss": float(np.mean(losses))}


def learned_from_scratch(
    tasks: FewShotTasks,
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    hidden: int = 64,
    steps: int = 500,
    learning_rate: float = 1e-2,
) -> Tensor:
    """Ordinary learning, f_learn: a new network for each task, trained by Adam on its training set alone.

    Args:
        tasks: M of them, which do not know of each other.
        loss: from answers and right ones [M, K, Y] to [M, K].
        hidden: units of both hidden layers.
        steps: of gradient descent.
        learning_rate: of Adam.

    Returns:
        Answers to the test points, [M, Q, Y].
    """
    inputs, outputs = tasks.test_x.shape[-1], tasks.test_y.shape[-1]
    networks = [mlp([inputs, hidden, hidden, outputs]) for _ in tasks.test_x]
    parameters, _ = stack_module_state(networks)
    answers = torch.vmap(lambda own, x: functional_call(networks[0], own, (x,)))
    optimizer = torch.optim.Adam(parameters.values(), lr=learning_rate)
    for _ in range(steps if tasks.train_x.shape[1] else 0):
        optimizer.zero_grad()
        loss(answers(parameters, tasks.train_x), tasks.train_y).mean(1).sum().backward()
        optimizer.step()
    return answers(parameters, tasks.test_x).detach()


@torch.no_grad()
def fitted(learner: nn.Module, x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """What a learner of functions makes of one training set: x [K] and y [K] to values at [Q]: [Q]."""
    x, y, at = (torch.as_tensor(values, dtype=torch.float32)[None, :, None] for values in (x, y, at))
    return learner.predict(learner.adapt(x, y), at)[0, :, 0].double().numpy()
