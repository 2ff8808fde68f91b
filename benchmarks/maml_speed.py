"""MAML's meta-iterations on sinusoids: one product of matrices for all tasks, against other ways.

The same network (2x40 ReLU), the same tasks, one inner step, then Adam. Ours gives every task a copy of the
parameters and multiplies for all of them at once. Beside it: ten lines of `torch.func`, which write the step
for one task and leave the rest to `vmap`; a Python loop over tasks; and two libraries that work in such a
loop, as their own examples do, where they are installed. TorchOpt comes with `pip install torchopt`.
learn2learn's package does not build with Python 3.11, but its MAML is pure Python: it runs from a folder
`learn2learn` on PYTHONPATH with its `utils`, `algorithms/maml.py` and `algorithms/base_learner.py`, and with
the other `__init__.py` left empty. Before anything is timed, all meta-gradients must agree.
"""

import argparse
import importlib
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from side_by_side import Figures, arguments, circumstances, rate, ratio, take_turns
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from course_lib.core.few_shot import SINUSOIDS, FewShotTasks, function_tasks
from course_lib.core.networks import mlp
from course_lib.meta import supervised
from course_lib.meta.maml import GradientLearner

GOALS = {"learn2learn": 15.0, "TorchOpt": 10.0}
HOW_TO_INSTALL = {
    "learn2learn": "does not build with Python 3.11, see the head of benchmarks/maml_speed.py",
    "TorchOpt": "pip install torchopt",
}
INNER_LR = 0.01
MetaLoss = Callable[[FewShotTasks], Tensor]


def error(net: nn.Module, parameters: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
    return (functional_call(net, parameters, (x,)) - y).square().sum(-1).mean()


def one_by_one(tasks: FewShotTasks) -> zip:
    return zip(*vars(tasks).values(), strict=True)


def ours(net: nn.Module) -> MetaLoss:
    learner = GradientLearner(net, INNER_LR)
    return lambda tasks: supervised.meta_loss(learner, tasks, supervised.squared_error)


def torch_func(net: nn.Module) -> MetaLoss:
    def after(theta, train_x, train_y, test_x, test_y):
        slope = grad(lambda own: error(net, own, train_x, train_y))(theta)
        phi = {name: value - INNER_LR * slope[name] for name, value in theta.items()}
        return error(net, phi, test_x, test_y)

    def meta_loss(tasks: FewShotTasks) -> Tensor:
        theta = dict(net.named_parameters())
        return vmap(after, in_dims=(None, 0, 0, 0, 0))(theta, *vars(tasks).values()).mean()

    return meta_loss


def loop(net: nn.Module) -> MetaLoss:
    def meta_loss(tasks: FewShotTasks) -> Tensor:
        theta, total = dict(net.named_parameters()), 0.0
        for train_x, train_y, test_x, test_y in one_by_one(tasks):
            slopes = torch.autograd.grad(
                error(net, theta, train_x, train_y), [*theta.values()], create_graph=True
            )
            phi = {name: theta[name] - INNER_LR * slope for name, slope in zip(theta, slopes, strict=True)}
            total = total + error(net, phi, test_x, test_y)
        return total / len(tasks.train_x)

    return meta_loss


def learn2learn(net: nn.Module) -> MetaLoss:
    maml = importlib.import_module("learn2learn.algorithms.maml").MAML(net, lr=INNER_LR)

    def meta_loss(tasks: FewShotTasks) -> Tensor:
        total = 0.0
        for train_x, train_y, test_x, test_y in one_by_one(tasks):
            learner = maml.clone()
            learner.adapt(nn.functional.mse_loss(learner(train_x), train_y))
            total = total + nn.functional.mse_loss(learner(test_x), test_y)
        return total / len(tasks.train_x)

    return meta_loss


def torchopt(net: nn.Module) -> MetaLoss:
    library = importlib.import_module("torchopt")
    inner = library.MetaSGD(net, lr=INNER_LR)

    def meta_loss(tasks: FewShotTasks) -> Tensor:
        start, inner_start = library.extract_state_dict(net), library.extract_state_dict(inner)
        total = 0.0
        for train_x, train_y, test_x, test_y in one_by_one(tasks):
            inner.step(nn.functional.mse_loss(net(train_x), train_y))
            total = total + nn.functional.mse_loss(net(test_x), test_y)
            library.recover_state_dict(net, start)
            library.recover_state_dict(inner, inner_start)
        return total / len(tasks.train_x)

    return meta_loss


CONTESTANTS = {
    "ours": ours,
    "torch.func, vmap of grad": torch_func,
    "a Python loop": loop,
    "learn2learn": learn2learn,
    "TorchOpt": torchopt,
}


class Contestant:
    """One way to the meta-gradient, with a network of its own that begins as the others' do."""

    def __init__(self, make: Callable[[nn.Module], MetaLoss], net: nn.Module, batches: list[FewShotTasks]):
        self.net, self.batches = deepcopy(net), batches
        self.parameters = [*self.net.parameters()]  # before a library puts others in their place
        self.optimizer = torch.optim.Adam(self.parameters, lr=1e-3)
        self.meta_loss = make(self.net)

    def work(self) -> int:
        for tasks in self.batches:
            self.optimizer.zero_grad()
            self.meta_loss(tasks).backward()
            self.optimizer.step()
        return len(self.batches)


def check(contestants: dict[str, Contestant], tasks: FewShotTasks) -> None:
    """All find the same meta-gradient: raises RuntimeError where they do not."""
    found = {
        name: torch.autograd.grad(one.meta_loss(tasks), one.parameters) for name, one in contestants.items()
    }
    for name, gradients in found.items():
        for one, right in zip(gradients, found["ours"], strict=True):
            if not torch.allclose(one, right, rtol=1e-3, atol=1e-5):
                raise RuntimeError(f"the meta-gradient of {name} is another: this is not the same work")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", nargs="+", type=int, default=[25, 100], metavar="M")
    parser.add_argument("--shots", type=int, default=10, help="and as many test points")
    parser.add_argument("--units", type=int, default=40, help="of both hidden layers")
    parser.add_argument("--iterations", type=int, default=20, help="of each round")
    parser.add_argument("--rounds", type=int, default=7)
    given = arguments(parser, {"iterations": 5, "rounds": 2})
    figures = Figures("MAML's meta-iterations on sinusoids")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(circumstances())
    for tasks in given.tasks:
        race(tasks, given, figures)
    figures.write(given.json)


def race(tasks: int, given: argparse.Namespace, figures: Figures) -> None:
    """Prints one line for every contestant but ours: our rate by theirs."""
    net, rng = mlp([1, given.units, given.units, 1], activation=nn.ReLU), np.random.default_rng(0)
    draw = function_tasks(SINUSOIDS)
    batches = [draw(tasks, given.shots, given.shots, rng) for _ in range(given.iterations)]
    contestants = {}
    for name, make in CONTESTANTS.items():
        try:
            contestants[name] = Contestant(make, net, batches)
        except ImportError:
            if tasks == given.tasks[0]:
                figures.leave_out(name, HOW_TO_INSTALL[name])
    check(contestants, batches[0])
    samples = take_turns({name: one.work for name, one in contestants.items()}, given.rounds)
    mine = samples.pop("ours")
    what = f"{tasks} tasks with {given.shots} shots, 2x{given.units} units, 1 inner step"
    print(f"meta-iterations of {what}: ours {rate(mine, 'cpu'):.0f} per CPU-s")
    for name, theirs in samples.items():
        goal = f"   goal {GOALS[name]:g}" if name in GOALS else ""
        print(
            f"  ours / {name:<26} CPU {ratio(mine, theirs, 'cpu')}   wall {ratio(mine, theirs, 'wall')}"
            f"   [{rate(theirs, 'cpu'):6.0f} per CPU-s]{goal}",
            flush=True,
        )
        figures.compare(what, name, mine, theirs, GOALS.get(name))


if __name__ == "__main__":
    main()
