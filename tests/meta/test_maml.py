"""MAML: its meta-gradient against finite differences, torch.func, a loop and closed forms; and it learns."""

from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from course_lib.core.few_shot import SINUSOIDS, FewShotTasks, function_tasks, handwritten_digits, image_tasks
from course_lib.core.networks import mlp
from course_lib.meta import supervised
from course_lib.meta.maml import GradientClassifier, GradientLearner, descent
from course_lib.meta.supervised import SupervisedConfig

RATE = 0.05


def double(tasks):
    return FewShotTasks(*(part.double() for part in vars(tasks).values()))


@pytest.fixture
def tasks():
    torch.manual_seed(0)
    return double(function_tasks(SINUSOIDS)(3, 5, 4, np.random.default_rng(0)))


def learner_of(**settings):
    """Small and in double precision; tanh, so that all derivatives exist."""
    torch.manual_seed(0)
    return GradientLearner(mlp([1, 6, 1]).double(), RATE, **settings)


def meta_gradient(learner, tasks):
    """By name, as `supervised.train` would find it."""
    loss = supervised.meta_loss(learner, tasks, supervised.squared_error)
    return dict(
        zip(
            dict(learner.net.named_parameters()),
            torch.autograd.grad(loss, [*learner.net.parameters()]),
            strict=True,
        )
    )


def same(found, expected, within):
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=within, msg=name)


# --- the meta-gradient, four times


@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_is_that_of_finite_differences(tasks, steps):
    learner, step = learner_of(steps=steps), 1e-5

    def at(moved):
        with torch.no_grad():
            return supervised.meta_loss(moved, tasks, supervised.squared_error)

    for name, gradient in meta_gradient(learner, tasks).items():
        for i in range(0, gradient.numel(), 2):
            ends = []
            for sign in (1, -1):
                moved = deepcopy(learner)
                with torch.no_grad():
                    dict(moved.net.named_parameters())[name].view(-1)[i] += sign * step
                ends.append(at(moved))
            assert float(gradient.view(-1)[i]) == pytest.approx(
                float(ends[0] - ends[1]) / (2 * step), abs=1e-6
            )


def mean_squared_error(net, parameters, x, y):
    return (functional_call(net, parameters, (x,)) - y).square().sum(-1).mean()


@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_is_that_of_torch_func(tasks, steps):
    learner = learner_of(steps=steps)

    def after(theta, train_x, train_y, test_x, test_y):
        phi = theta
        for _ in range(steps):
            slope = grad(lambda own: mean_squared_error(learner.net, own, train_x, train_y))(phi)
            phi = {name: phi[name] - RATE * slope[name] for name in phi}
        return mean_squared_error(learner.net, phi, test_x, test_y)

    def meta_loss(theta):
        return vmap(after, in_dims=(None, 0, 0, 0, 0))(theta, *vars(tasks).values()).mean()

    theta = {name: value.detach() for name, value in learner.net.named_parameters()}
    same(meta_gradient(learner, tasks), grad(meta_loss)(theta), 1e-12)


@pytest.mark.parametrize("steps", [1, 3])
def test_the_meta_gradient_is_that_of_a_loop_over_tasks(tasks, steps):
    learner = learner_of(steps=steps)
    theta = dict(learner.net.named_parameters())
    total = 0.0
    for train_x, train_y, test_x, test_y in zip(*vars(tasks).values(), strict=True):
        phi = theta
        for _ in range(steps):
            loss = mean_squared_error(learner.net, phi, train_x, train_y)
            slopes = torch.autograd.grad(loss, [*phi.values()], create_graph=True)
            phi = {name: phi[name] - RATE * slope for name, slope in zip(phi, slopes, strict=True)}
        total = total + mean_squared_error(learner.net, phi, test_x, test_y) / 3
    expected = torch.autograd.grad(total, [*theta.values()])
    same(meta_gradient(learner, tasks), dict(zip(theta, expected, strict=True)), 1e-12)


def quadratic(steps, **settings):
    """Linear regression: the loss of a task is a quadratic in theta, with a Hessian that does not move."""
    torch.manual_seed(1)
    learner = GradientLearner(nn.Sequential(nn.Linear(2, 1)).double(), RATE, steps, **settings)
    tasks = FewShotTasks(
        *(torch.randn(3, n, s, dtype=torch.float64) for n, s in ((6, 2), (6, 1), (4, 2), (4, 1)))
    )
    theta = torch.cat([value.detach().flatten() for value in learner.net.parameters()])  # [3]: weights, bias
    lined = {}
    for part, x, y in (("train", tasks.train_x, tasks.train_y), ("test", tasks.test_x, tasks.test_y)):
        x = torch.cat([x, torch.ones_like(x[..., :1])], -1)
        lined[part] = 2 * x.mT @ x / x.shape[1], 2 * (x.mT @ y)[..., 0] / x.shape[1]  # H [M,3,3], c [M,3]
    return learner, tasks, theta, lined


@pytest.mark.parametrize(("steps", "first_order"), [(1, False), (3, False), (1, True), (3, True)])
def test_on_a_quadratic_the_meta_gradient_has_its_closed_form(steps, first_order):
    """(I - alpha H)^k grad L_test(phi); first order leaves the factor out."""
    learner, tasks, theta, lined = quadratic(steps, first_order=first_order)
    (hessian, towards), (test_hessian, test_towards) = lined["train"], lined["test"]
    gradient = torch.zeros(3, dtype=torch.float64)
    for m in range(3):
        phi, factor = theta, torch.eye(3, dtype=torch.float64)
        for _ in range(steps):
            phi = phi - RATE * (hessian[m] @ phi - towards[m])
            factor = factor @ (factor if first_order else torch.eye(3) - RATE * hessian[m])
        gradient += factor @ (test_hessian[m] @ phi - test_towards[m]) / 3
    found = torch.cat([part.flatten() for part in meta_gradient(learner, tasks).values()])
    torch.testing.assert_close(found, gradient, rtol=0, atol=1e-12)


def test_first_order_differs_by_the_hessian_term_alone(tasks):
    """second order = first order - alpha H grad L_test(phi), H of the training loss, mean over tasks."""
    learner = learner_of()
    second = meta_gradient(learner, tasks)
    first = meta_gradient(learner_of(first_order=True), tasks)
    theta = dict(learner.net.named_parameters())
    expected = {name: torch.zeros_like(value) for name, value in theta.items()}
    for train_x, train_y, test_x, test_y in zip(*vars(tasks).values(), strict=True):
        loss = mean_squared_error(learner.net, theta, train_x, train_y)
        slopes = torch.autograd.grad(loss, [*theta.values()], create_graph=True)
        phi = {name: value - RATE * slope for (name, value), slope in zip(theta.items(), slopes, strict=True)}
        phi = {name: value.detach().requires_grad_() for name, value in phi.items()}
        asked = torch.autograd.grad(mean_squared_error(learner.net, phi, test_x, test_y), [*phi.values()])
        bent = torch.autograd.grad(slopes, [*theta.values()], grad_outputs=asked)  # H grad L_test(phi)
        for (name, so_far), part in zip(expected.items(), bent, strict=True):
            expected[name] = so_far + RATE * part / 3
    same({name: first[name] - second[name] for name in first}, expected, 1e-12)
    assert max(float(value.abs().max()) for value in expected.values()) > 0.01


def test_learned_rates_get_minus_the_product_of_both_gradients(tasks):
    learner = learner_of(learned_rates=True)
    loss = supervised.meta_loss(learner, tasks, supervised.squared_error)
    found = torch.autograd.grad(loss, [*learner.rates.parameters()])
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    asked = torch.autograd.grad(
        supervised.squared_error(learner.predict(phi, tasks.test_x), tasks.test_y).mean(), [*phi.values()]
    )
    for (name, start), after, slope, rate in zip(
        learner.net.named_parameters(), phi.values(), asked, found, strict=True
    ):
        read = (start - after) / RATE  # grad of the training loss, [M, ...]
        torch.testing.assert_close(rate, -(slope * read).sum(0), rtol=0, atol=1e-10, msg=name)
    assert not next(learner_of().rates.parameters()).requires_grad


# --- properties


def test_without_steps_it_is_ordinary_training_and_an_empty_training_set_teaches_nothing(tasks):
    learner = learner_of(steps=0)
    found, plain = (
        meta_gradient(learner, tasks),
        supervised.squared_error(learner.net(tasks.test_x), tasks.test_y),
    )
    expected = torch.autograd.grad(plain.mean(), [*learner.net.parameters()])
    same(found, dict(zip(found, expected, strict=True)), 1e-12)
    nothing = learner_of(steps=3).adapt(tasks.train_x[:, :0], tasks.train_y[:, :0])
    same(nothing, {name: value.expand(3, *value.shape) for name, value in learner.net.named_parameters()}, 0)


def test_adapting_leaves_the_network_alone_and_goes_downhill_in_each_task(tasks):
    learner = learner_of()
    before = deepcopy(learner.net.state_dict())
    errors = [
        supervised.squared_error(
            learner.predict(learner.adapt(tasks.train_x, tasks.train_y, steps), tasks.train_x), tasks.train_y
        ).mean(1)
        for steps in (0, 1, 5, 20)
    ]
    assert all((later < earlier).all() for earlier, later in pairwise(errors))
    for name, value in learner.net.state_dict().items():
        assert (value == before[name]).all()
    assert all(parameter.grad is None for parameter in learner.parameters())


def test_a_task_learns_from_its_own_shots_only(tasks):
    learner = learner_of(steps=2)
    alone = learner.adapt(tasks.train_x[1:2], tasks.train_y[1:2])
    together = learner.adapt(tasks.train_x, tasks.train_y)
    for name, value in alone.items():
        torch.testing.assert_close(together[name][1], value[0], rtol=0, atol=1e-12)


def test_without_gradients_it_adapts_all_the_same_and_leaves_no_graph(tasks):
    learner = learner_of(steps=3, learned_rates=True)
    with_graph = learner.adapt(tasks.train_x, tasks.train_y)
    with torch.no_grad():
        without = learner.adapt(tasks.train_x, tasks.train_y)
    assert all(value.grad_fn is None and not value.requires_grad for value in without.values())
    same(without, {name: value.detach() for name, value in with_graph.items()}, 1e-12)
    frozen = deepcopy(learner).requires_grad_(False).adapt(tasks.train_x, tasks.train_y)
    same({name: value.detach() for name, value in frozen.items()}, without, 1e-12)


def test_students_inner_step_is_the_one_that_adapts(tasks):
    def still(loss, parameters, rates, first_order=False):
        assert loss(parameters).ndim == 0 and first_order is False
        return parameters

    learner = learner_of(steps=2, inner_step=still)
    torch.testing.assert_close(
        learner.predict(learner.adapt(tasks.train_x, tasks.train_y), tasks.test_x), learner.net(tasks.test_x)
    )


def test_a_classifier_goes_down_the_surprise_at_the_right_classes(tasks):
    """Of a linear one, the gradient by the logits' biases is softmax minus one-hot."""
    torch.manual_seed(0)
    learner = GradientClassifier(nn.Sequential(nn.Linear(1, 3)).double(), RATE)
    right = torch.eye(3, dtype=torch.float64)[torch.randint(3, (3, 5))]
    phi = learner.adapt(tasks.train_x, right)
    slope = (learner.net(tasks.train_x).softmax(-1) - right).mean(1)
    torch.testing.assert_close(phi["0.bias"], learner.net[0].bias - RATE * slope, rtol=0, atol=1e-12)


def test_odd_settings_are_refused():
    with pytest.raises(ValueError, match="inner_lr must be positive, got 0"):
        GradientLearner(mlp([1, 1]), 0.0)
    with pytest.raises(ValueError, match="steps must not be negative, got -1"):
        GradientLearner(mlp([1, 1]), steps=-1)


# --- learning


def trained(learner, draw, **settings):
    config = SupervisedConfig(**{"tasks": 25, "max_shots": 10, "queries": 10, "updates": 100} | settings)
    optimizer = torch.optim.Adam(learner.parameters())
    return list(supervised.train(learner, optimizer, draw, config, np.random.default_rng(0)))


def test_it_learns_where_one_step_is_enough_and_pretraining_does_not():
    draw, errors = function_tasks(SINUSOIDS), {}
    asked = draw(200, 10, 20, np.random.default_rng(1))
    for steps in (1, 0):
        torch.manual_seed(0)
        learner = GradientLearner(mlp([1, 40, 40, 1], activation=nn.ReLU), 0.03, steps)
        trained(learner, draw, learning_rate=1e-2, iterations=4)
        with torch.no_grad():
            before, after = (learner.adapt(asked.train_x, asked.train_y, n) for n in (0, 1))
            errors[steps] = [
                float(supervised.squared_error(learner.predict(phi, asked.test_x), asked.test_y).mean())
                for phi in (before, after)
            ]
    assert errors[1][1] < 0.4 * errors[1][0]
    assert errors[0][1] > 2.0 * errors[1][1] and errors[0][0] < 1.1 * errors[1][0]


def test_the_same_seed_gives_the_same_records_and_classes_are_learned_too():
    draw, runs = image_tasks(handwritten_digits(range(6))), []
    for _ in range(2):
        torch.manual_seed(0)
        learner = GradientClassifier(mlp([64, 24, 3], activation=nn.ReLU), 0.4)
        settings = {"tasks": 16, "max_shots": 3, "updates": 20, "iterations": 2, "learning_rate": 1e-2}
        runs.append(trained(learner, draw, **settings))
    assert runs[0] == runs[1]
    asked = draw(100, 5, 15, np.random.default_rng(1))
    with torch.no_grad():
        answers = learner.predict(learner.adapt(asked.train_x, asked.train_y), asked.test_x)
    assert float((answers.argmax(-1) == asked.test_y.argmax(-1)).double().mean()) > 0.6


def test_a_descent_keeps_no_graph_and_takes_the_steps_of_the_inner_step():
    start = {"a": torch.tensor([[1.0], [2.0]], dtype=torch.float64)}
    curvature = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    loss = lambda phi: 0.5 * (curvature * phi["a"] ** 2).sum()  # noqa: E731
    with torch.no_grad():
        way = list(descent(loss, start, {"a": 0.1}, 3))
    for steps, phi in enumerate(way):
        torch.testing.assert_close(phi["a"], start["a"] * (1.0 - 0.1 * curvature) ** steps)
        assert not phi["a"].requires_grad
    assert len(way) == 4 and len(list(descent(loss, start, {"a": 0.1}, 0))) == 1
