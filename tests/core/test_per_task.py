"""Parameters for each task: one product of matrices, torch.vmap and a loop over tasks say the same."""

import pytest
import torch
from torch import nn
from torch.func import functional_call

from course_lib.core.networks import mlp
from course_lib.core.per_task import applied, copies

M, B = 4, 5


class Residual(nn.Module):
    """No stack of layers: goes the way of torch.vmap."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3, bias=False)
        self.outer = nn.Linear(3, 2)

    def forward(self, x):
        return self.outer(x + self.inner(x).tanh())


NETWORKS = {
    "an mlp": lambda: mlp([3, 6, 2]),
    "no bias": lambda: nn.Sequential(nn.Linear(3, 2, bias=False)),
    "a layer with parameters of its own": lambda: nn.Sequential(nn.Linear(3, 4), nn.PReLU(), nn.Linear(4, 2)),
    "a layer inside a layer": lambda: nn.Sequential(
        nn.Sequential(nn.Linear(3, 4), nn.Tanh()), nn.Linear(4, 2)
    ),
    "no stack": Residual,
}


@pytest.fixture(params=NETWORKS)
def net(request):
    torch.manual_seed(0)
    return NETWORKS[request.param]().double()


def moved(net):
    """A set of parameters for each task, all different."""
    return {
        name: value.detach() + 0.3 * torch.randn(M, *value.shape, dtype=value.dtype)
        for name, value in net.named_parameters()
    }


def test_all_at_once_is_one_by_one_and_the_networks_own_parameters_do_not_matter(net):
    parameters, x = moved(net), torch.randn(M, B, 3, dtype=torch.float64)
    answers = applied(net, parameters, x)
    by_one = [functional_call(net, {k: v[m] for k, v in parameters.items()}, (x[m],)) for m in range(M)]
    torch.testing.assert_close(answers, torch.stack(by_one), rtol=0, atol=1e-12)
    at_once = torch.vmap(lambda own, points: functional_call(net, own, (points,)))(parameters, x)
    torch.testing.assert_close(answers, at_once, rtol=0, atol=1e-12)
    with torch.no_grad():
        for own in net.parameters():
            own.zero_()
    torch.testing.assert_close(applied(net, parameters, x), answers, rtol=0, atol=0)


def test_copies_are_the_networks_and_their_gradients_add_up_in_it(net):
    x = torch.randn(M, B, 3, dtype=torch.float64)
    parameters = copies(net, M)
    assert all(
        each.shape == (M, *own.shape) for each, own in zip(parameters.values(), net.parameters(), strict=True)
    )
    weight = torch.randn(M, 1, 1, dtype=torch.float64)
    answers = applied(net, parameters, x)
    torch.testing.assert_close(answers, net(x), rtol=0, atol=1e-12)
    found = torch.autograd.grad((weight * answers.square()).sum(), [*net.parameters()])
    expected = torch.autograd.grad((weight * net(x).square()).sum(), [*net.parameters()])
    torch.testing.assert_close(found, expected)


def test_a_tasks_answers_hang_on_its_own_parameters_only(net):
    parameters = {name: value.requires_grad_() for name, value in moved(net).items()}
    answers = applied(net, parameters, torch.randn(M, B, 3, dtype=torch.float64))
    for gradient in torch.autograd.grad(answers[1].square().sum(), [*parameters.values()]):
        assert gradient[1].abs().sum() > 0 and not gradient[[0, 2, 3]].any()


def test_points_without_their_task_are_refused():
    net = mlp([3, 6, 2])
    with pytest.raises(Exception, match="x"):
        applied(net, copies(net, M), torch.zeros(B, 3))


def test_a_layer_with_numbers_that_are_no_parameters_goes_the_way_of_vmap_too():
    """Such as a norm of a whole batch, which would take tasks for points."""
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(4, affine=False).eval()
    norm.running_mean += torch.randn(4)
    net = nn.Sequential(nn.Linear(3, 4), norm, nn.Linear(4, 2)).double()
    parameters, x = (
        moved(net),
        torch.randn(M, 4, 3, dtype=torch.float64),
    )  # as many points as the norm has units
    by_one = [functional_call(net, {k: v[m] for k, v in parameters.items()}, (x[m],)) for m in range(M)]
    torch.testing.assert_close(applied(net, parameters, x), torch.stack(by_one), rtol=0, atol=1e-12)
