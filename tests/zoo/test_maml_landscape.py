"""The map round the start of adaptation: its plane, its losses and its way, against slow reckoning."""

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.core import few_shot
from course_lib.core.networks import mlp
from course_lib.meta.maml import GradientLearner
from course_lib.zoo import maml_landscape
from course_lib.zoo.maml_landscape import directions, flat, landscapes, loss_map, losses, unflat, way_down

DRAW = few_shot.function_tasks(few_shot.SINUSOIDS)


@pytest.fixture
def net():
    torch.manual_seed(0)
    return mlp([1, 8, 8, 1], activation=nn.ReLU)


def sinusoid(number):
    return DRAW(1, 10, 30, np.random.default_rng(number))


def test_rows_hold_all_parameters_and_give_them_back(net):
    named = {name: value.detach()[None] for name, value in net.named_parameters()}
    back = unflat(flat(named), net)
    assert list(back) == list(named)
    for name, value in named.items():
        assert torch.equal(back[name], value)


def test_the_way_is_that_of_the_learner(net):
    task = sinusoid(0)
    way = way_down(net, task, 0.02, 3)
    assert way.shape == (4, sum(value.numel() for value in net.parameters()))
    for steps in range(4):
        with torch.no_grad():
            phi = GradientLearner(net, 0.02).adapt(task.train_x, task.train_y, steps)
        torch.testing.assert_close(way[steps], flat(phi)[0])


def test_the_plane_holds_the_first_step_and_the_end_of_the_careful_way(net):
    way = way_down(net, sinusoid(0), 0.005, 20)
    plane = directions(way)
    torch.testing.assert_close(plane @ plane.T, torch.eye(2), atol=1e-5, rtol=0)
    for place in (way[1], way[-1]):
        inside = (place - way[0]) @ plane.T @ plane
        torch.testing.assert_close(inside, place - way[0], atol=1e-5, rtol=0)


def test_places_of_the_map_are_the_loss_of_networks_with_these_parameters(net):
    task = sinusoid(0)
    over_plane, plane = loss_map(net, task)
    at = [np.linspace(a, b, maml_landscape.CELLS) for a, b in zip((-0.25, -0.5), (0.75, 0.5), strict=True)]
    start = torch.cat([value.detach().flatten() for value in net.parameters()])
    for r, c in ((0, 0), (20, 10), (7, 33), (40, 40)):
        moved = start + at[0][c] * plane[0] + at[1][r] * plane[1]
        nn.utils.vector_to_parameters(moved.float(), net.parameters())
        slow = (net(task.train_x) - task.train_y).square().mean()
        assert over_plane[r, c].item() == pytest.approx(slow.item(), rel=1e-4)


def test_a_short_step_goes_downhill_and_a_long_one_does_not(net):
    ask = landscapes({"random": net}, sinusoid)
    short, long = ask(1, "random", 0.003, 3), ask(1, "random", 1.0, 1)
    assert (np.diff(short.train_loss) < 0).all()
    assert long.train_loss[1] > long.train_loss[0]
    assert np.shares_memory(short.losses, long.losses), "turning the rate computes no second map"
    rows = way_down(net, sinusoid(1), 0.003, 3)
    np.testing.assert_allclose(short.test_loss, losses(net, rows, sinusoid(1).test_x, sinusoid(1).test_y))
    np.testing.assert_allclose(short.path[1], [np.linalg.norm(rows[1] - rows[0]), 0], atol=1e-5)


def test_the_inner_step_of_a_student_draws_the_way_on_the_same_map(net):
    def ascends(loss, parameters, rates, first_order=False):
        gradients = torch.autograd.grad(loss(parameters), [*parameters.values()])
        return {
            name: value + rates[name] * gradient
            for (name, value), gradient in zip(parameters.items(), gradients, strict=True)
        }

    right, wrong = (landscapes({"a": net}, sinusoid, *step)(0, "a", 0.003, 1) for step in ((), (ascends,)))
    np.testing.assert_array_equal(right.losses, wrong.losses)
    np.testing.assert_allclose(wrong.path, -right.path, atol=1e-5)
    assert wrong.train_loss[1] > wrong.train_loss[0]
