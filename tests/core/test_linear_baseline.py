"""The baseline is least squares, typed out; advantages are what is left over it, task by task."""

import numpy as np
import pytest
import torch

from course_lib.core.linear_baseline import advantages, linear_baseline
from course_lib.core.networks import GaussianPolicy
from course_lib.core.rollout import Transitions
from course_lib.core.seeding import seed_everything

TASKS, EACH, TIME = 3, 4, 6


@pytest.fixture
def policy():
    seed_everything(0)
    policy = GaussianPolicy(2, 2, hidden=(8,), log_std=-0.3)
    policy.obs_norm.observe(torch.randn(50, 2) + 1.0)
    return policy


def _data(ends=None) -> Transitions:
    n = TASKS * EACH
    ends = [TIME - 1] * n if ends is None else ends
    valid = torch.stack([torch.arange(TIME) <= end for end in ends], dim=1)
    ended = torch.stack([torch.arange(TIME) == end for end in ends], dim=1)
    obs = torch.randn(TIME, n, 2)
    return Transitions(
        obs=obs,
        action=torch.randn(TIME, n, 2),
        reward=torch.randn(TIME, n) + obs[..., 0],
        next_obs=torch.randn(TIME, n, 2),
        terminated=torch.zeros(TIME, n, dtype=torch.bool),
        ended=ended,
        valid=valid,
    )


def test_the_baseline_is_each_tasks_own_least_squares_over_the_steps_that_happened():
    torch.manual_seed(1)
    data = _data(ends=[5, 5, 5, 3] * TASKS)
    returns = torch.randn(TIME, TASKS * EACH)
    value = linear_baseline(data.obs, returns, data.valid, TASKS)
    for task in range(TASKS):
        rows, target = [], []
        for i in range(task * EACH, (task + 1) * EACH):
            for t in range(TIME):
                if data.valid[t, i]:
                    s, now = data.obs[t, i].double().numpy(), (t + 1) / 100
                    rows.append([*s, *s**2, now, now**2, now**3, 1.0])
                    target.append(float(returns[t, i]))
        rows, target = np.array(rows), np.array(target)
        weights = np.linalg.solve(rows.T @ rows + 1e-5 * np.eye(8), rows.T @ target)
        mine = value[:, task * EACH : (task + 1) * EACH].T[data.valid[:, task * EACH : (task + 1) * EACH].T]
        np.testing.assert_allclose(mine, rows @ weights, atol=1e-4)


@pytest.mark.parametrize("gae_lambda", [1.0, 0.6])
def test_advantages_are_the_slow_ones_above_each_tasks_baseline_and_standardized_there(policy, gae_lambda):
    torch.manual_seed(2)
    data = _data(ends=[5, 2, 5, 4] * TASKS)
    gamma = 0.9
    advantage = advantages(policy, data, TASKS, gamma, gae_lambda)

    def slow(value, weight):
        # Sums of weighted errors from each step to the episode's end, where nothing follows.
        found = torch.zeros(TIME, TASKS * EACH)
        for i in range(TASKS * EACH):
            later = next_value = 0.0
            for t in reversed(range(int(data.valid[:, i].sum()))):
                error = float(data.reward[t, i]) + gamma * next_value - float(value[t, i])
                later, next_value = error + gamma * weight * later, float(value[t, i])
                found[t, i] = later
        return found

    returns = slow(torch.zeros(TIME, TASKS * EACH), 1.0)
    value = linear_baseline(policy.obs_norm.normalize(data.obs), returns, data.valid, TASKS)
    above = slow(value, gae_lambda)
    for task in range(TASKS):
        mine = slice(task * EACH, (task + 1) * EACH)
        keep = data.valid[:, mine]
        kept = above[:, mine][keep]
        right = (kept - kept.mean()) / kept.std(unbiased=False)
        torch.testing.assert_close(advantage[:, mine][keep], right, atol=1e-4, rtol=1e-4)
        assert (advantage[:, mine][~keep] == 0.0).all()
