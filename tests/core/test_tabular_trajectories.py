"""All trajectories of a tiny world: their chances, what they are worth, and derivatives one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.core.tabular import occupancy
from course_lib.core.tabular_trajectories import (
    action_values,
    all_trajectories,
    derivatives,
    expected_return,
    random_world,
)

GAMMA = 0.8


@pytest.fixture
def world():
    return random_world(np.random.default_rng(0), states=2, actions=3, steps=3, gamma=GAMMA)


@pytest.fixture
def logits():
    return torch.from_numpy(np.random.default_rng(1).normal(size=(2, 3)))


def test_there_are_all_of_them_and_their_chances_are_products(world, logits):
    trajectories = all_trajectories(world)
    assert trajectories.states.shape == (3, 6**3)
    codes = (3 * trajectories.states + trajectories.actions).T
    assert len(codes.unique(dim=0)) == 6**3
    chances, policy = trajectories.probability(logits), logits.softmax(-1)
    assert float(chances.sum()) == pytest.approx(1.0, abs=1e-12)
    for n in (0, 100, 215):
        states, actions = trajectories.states[:, n], trajectories.actions[:, n]
        by_hand = 0.5 * policy[states[0], actions[0]]
        for t in (1, 2):
            by_hand *= (
                world.dynamics[states[t - 1], actions[t - 1], states[t]] * policy[states[t], actions[t]]
            )
        assert float(chances[n]) == pytest.approx(float(by_hand), rel=1e-12)


def test_what_a_world_does_not_allow_is_left_out(world, logits):
    dynamics = torch.zeros_like(world.dynamics)
    dynamics[:, 0, 0] = dynamics[:, 1:, 1] = 1.0
    start = torch.tensor([1.0, 0.0], dtype=torch.float64)
    trajectories = all_trajectories(replace(world, dynamics=dynamics, start=start))
    assert trajectories.states.shape == (3, 3**3)  # where an action leads is certain
    assert not trajectories.states[0].any() and (trajectories.allowed == 1).all()
    assert float(trajectories.probability(logits).sum()) == pytest.approx(1.0)


def test_the_expected_return_is_that_of_all_trajectories_and_of_where_the_policy_is(world, logits):
    trajectories, policy = all_trajectories(world), logits.softmax(-1).numpy()
    value = float(expected_return(world, logits))
    assert value == pytest.approx(
        float(trajectories.probability(logits) @ trajectories.reward.sum(0)), abs=1e-12
    )
    reward = (policy * world.reward.numpy()).sum(1)
    where = sum(
        start * occupancy(world.dynamics.numpy(), policy, state, steps=2)
        for state, start in enumerate(world.start.tolist())
    )  # [T, S]
    assert value == pytest.approx(float(GAMMA ** np.arange(3) @ where @ reward), abs=1e-12)


def test_action_values_are_means_of_what_is_still_to_come(world, logits):
    trajectories = all_trajectories(world)
    chances, later = trajectories.probability(logits), trajectories.still_to_come()
    q_values, values = action_values(world, logits)
    for t in range(3):
        torch.testing.assert_close(later[t], trajectories.reward[t:].sum(0))
        for state in range(2):
            here = trajectories.states[t] == state
            mean = (chances * later[t])[here].sum() / chances[here].sum()
            torch.testing.assert_close(mean, GAMMA**t * values[t, state])
            for action in range(3):
                taken = here & (trajectories.actions[t] == action)
                mean = (chances * later[t])[taken].sum() / chances[taken].sum()
                torch.testing.assert_close(mean, GAMMA**t * q_values[t, state, action])


def test_derivatives_are_each_trajectorys_own_and_those_of_the_softmax(world, logits):
    """Oracle: of log pi, one-hot minus pi, and -(diag pi - pi pi^T) for each visit of a state."""
    trajectories, policy = all_trajectories(world), logits.softmax(-1)
    found = derivatives(trajectories, logits, lambda log_prob: log_prob)
    curvature = policy[:, :, None] * policy[:, None] - torch.diag_embed(policy)  # [S, A, A]
    for n in (0, 77, 215):
        score, hessian = torch.zeros(2, 3, dtype=torch.float64), torch.zeros(2, 3, 2, 3, dtype=torch.float64)
        for state, action in zip(trajectories.states[:, n], trajectories.actions[:, n], strict=True):
            score[state] += torch.eye(3)[action] - policy[state]
            hessian[state, :, state] += curvature[state]
        torch.testing.assert_close(found.gradient[n], score.flatten())
        torch.testing.assert_close(found.hessian[n], hessian.reshape(6, 6))


def test_a_policy_for_each_trajectory(world, logits):
    trajectories = all_trajectories(world)
    own = logits + torch.arange(216.0, dtype=torch.float64)[:, None, None] * torch.tensor([0.1, 0.0, -0.1])
    each = trajectories.log_prob(own)
    for n in (0, 215):
        torch.testing.assert_close(each[:, n], trajectories.log_prob(own[n])[:, n])


def test_the_same_seed_gives_the_same_world_and_odd_ones_are_refused(world):
    again = random_world(np.random.default_rng(0), states=2, actions=3, steps=3, gamma=GAMMA)
    assert (again.dynamics == world.dynamics).all() and (again.reward == world.reward).all()
    torch.testing.assert_close(world.dynamics.sum(-1), torch.ones(2, 3, dtype=torch.float64))
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        replace(world, steps=0)
    with pytest.raises(ValueError, match=r"gamma must be in \[0, 1\], got 1.5"):
        replace(world, gamma=1.5)
