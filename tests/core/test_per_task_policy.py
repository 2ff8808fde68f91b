"""A policy in many tasks acts and judges in each as one with that task's parameters would."""

import pytest
import torch
from torch.func import functional_call

from course_lib.core.networks import GaussianPolicy
from course_lib.core.per_task import copies
from course_lib.core.per_task_policy import InTasks
from course_lib.core.seeding import seed_everything

TASKS, EACH, TIME = 3, 4, 6


@pytest.fixture
def policy():
    seed_everything(0)
    policy = GaussianPolicy(2, 2, hidden=(8,), log_std=-0.3)
    policy.obs_norm.observe(torch.randn(50, 2) + 1.0)
    return policy


@pytest.fixture
def scattered(policy):
    """Other parameters in every task."""
    return {
        name: (value + 0.3 * torch.randn_like(value)).detach().requires_grad_()
        for name, value in copies(policy, TASKS).items()
    }


def _one(parameters, task):
    return {name: value[task] for name, value in parameters.items()}


def test_in_each_task_log_probabilities_are_those_of_the_policy_with_its_parameters(policy, scattered):
    obs, action = torch.randn(TIME, TASKS * EACH, 2), torch.randn(TIME, TASKS * EACH, 2)
    log_prob = InTasks(policy, scattered).log_prob(obs, action)
    for task in range(TASKS):
        mine = slice(task * EACH, (task + 1) * EACH)
        mean, log_std = functional_call(policy, _one(scattered, task), (obs[:, mine],))
        normal = torch.distributions.Normal(mean, log_std.exp())
        torch.testing.assert_close(log_prob[:, mine], normal.log_prob(action[:, mine]).sum(-1))


def test_actions_are_drawn_with_the_mean_and_deviation_of_their_task(policy, scattered):
    obs = torch.randn(TASKS, 1, 2).expand(TASKS, 20_000, 2).flatten(0, 1)
    with torch.no_grad():
        drawn = InTasks(policy, scattered).sample(obs).unflatten(0, (TASKS, -1))
    for task in range(TASKS):
        mean, log_std = functional_call(policy, _one(scattered, task), (obs[task * 20_000],))
        torch.testing.assert_close(drawn[task].mean(0), mean, atol=0.05, rtol=0.0)
        torch.testing.assert_close(drawn[task].std(0), log_std.exp(), atol=0.05, rtol=0.0)
