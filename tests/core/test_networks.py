"""Networks: densities against torch.distributions, running statistics against numpy."""

import numpy as np
import pytest
import torch

from course_lib.core.networks import GaussianPolicy, RunningNorm, Value, mlp


def test_log_prob_and_entropy_are_those_of_independent_normals():
    torch.manual_seed(0)
    policy = GaussianPolicy(4, 2, (8,))
    policy.log_std.data = torch.tensor([-0.3, 0.7])
    obs, action = torch.randn(6, 4), torch.randn(6, 2)
    mean, log_std = policy(obs)
    normal = torch.distributions.Independent(torch.distributions.Normal(mean, log_std.exp()), 1)
    torch.testing.assert_close(policy.log_prob(obs, action), normal.log_prob(action))
    torch.testing.assert_close(policy.entropy(), normal.entropy()[0])


def test_samples_have_the_stated_mean_and_deviation():
    torch.manual_seed(0)
    policy = GaussianPolicy(3, 1, (8,))
    draws = policy.sample(torch.zeros(20_000, 3))
    mean, log_std = policy(torch.zeros(3))
    assert draws.mean().item() == pytest.approx(mean.item(), abs=0.02)
    assert draws.std().item() == pytest.approx(log_std.exp().item(), rel=0.03)


def test_act_is_deterministic_without_a_generator_and_reproducible_with_one():
    policy = GaussianPolicy(3, 2)
    obs = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(policy.act(obs), policy.act(obs))
    first, again = (policy.act(obs, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, policy.act(obs))


def test_act_names_the_size_it_expects():
    with pytest.raises(ValueError, match="observations of size 3, got shape"):
        GaussianPolicy(3, 2).act(np.zeros((5, 4)))


def test_running_norm_equals_the_statistics_of_everything_seen():
    rng = np.random.default_rng(0)
    parts = [rng.normal(3.0, 2.0, size=(n, 4)) for n in (1, 17, 300)]
    norm = RunningNorm(4)
    for part in parts:
        norm.observe(torch.as_tensor(part, dtype=torch.float32))
    everything = np.concatenate(parts)
    np.testing.assert_allclose(norm.mean, everything.mean(0), rtol=1e-4)
    np.testing.assert_allclose(norm.var, everything.var(0), rtol=1e-4)
    data = torch.randn(10, 4)
    torch.testing.assert_close(norm.restore(norm.normalize(data)), data, rtol=1e-4, atol=1e-4)


def test_value_speaks_in_units_of_reward():
    value = Value(2, (8,))
    value.return_norm.observe(torch.tensor([[100.0], [300.0]]))
    obs = torch.randn(5, 2)
    torch.testing.assert_close(value(obs), value.normalized(obs) * 100.0 + 200.0)


def test_an_mlp_needs_two_sizes():
    with pytest.raises(ValueError, match="at least an input and an output"):
        mlp([3])
