"""Networks: densities against torch.distributions, running statistics against numpy."""

import numpy as np
import pytest
import torch

from course_lib.core.networks import (
    GaussianPolicy,
    RunningNorm,
    SquashedGaussianPolicy,
    TwinQ,
    UniformPolicy,
    Value,
    mlp,
    polyak,
    squashed_log_prob,
)


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


# What soft actor-critic adds.


def test_squashed_log_prob_is_that_of_a_transformed_normal():
    torch.manual_seed(0)
    policy = SquashedGaussianPolicy(4, 2, (8,)).double()
    obs = torch.randn(50, 4, dtype=torch.float64)
    torch.manual_seed(1)
    action, log_prob = policy.sample_with_log_prob(obs)
    mean, log_std = policy(obs)
    normal = torch.distributions.Normal(mean, log_std.exp())
    squashed = torch.distributions.TransformedDistribution(normal, [torch.distributions.TanhTransform()])
    torch.testing.assert_close(log_prob, squashed.log_prob(action).sum(-1))


def test_squashed_log_prob_stays_finite_where_tanh_is_saturated():
    before = torch.tensor([[-40.0], [40.0]], requires_grad=True)
    log_prob = squashed_log_prob(before, torch.zeros(2, 1), torch.zeros(2, 1))
    # log(1 - tanh(u)^2) tends to log 4 - 2 |u|
    torch.testing.assert_close(
        log_prob, torch.full((2,), -0.5 * np.log(2 * np.pi) - np.log(4.0) + 80.0).float()
    )
    log_prob.sum().backward()
    assert before.grad.isfinite().all()


def test_squashed_actions_lie_inside_the_bounds_and_act_repeats():
    torch.manual_seed(0)
    policy = SquashedGaussianPolicy(3, 2)
    obs = np.random.default_rng(0).normal(size=(5, 3))
    assert policy.sample(torch.randn(1000, 3)).abs().max() <= 1.0
    np.testing.assert_array_equal(policy.act(obs), policy.act(obs))
    first, again = (policy.act(obs, np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, policy.act(obs))
    with pytest.raises(ValueError, match="observations of size 3, got shape"):
        policy.act(np.zeros((1, 2)))


def test_squashed_actions_have_the_stated_mean_and_deviation_before_squashing():
    torch.manual_seed(0)
    policy = SquashedGaussianPolicy(2, 1, (8,))
    policy.net[-1].bias.data = torch.tensor([0.4, -1.5])  # mean and log deviation at observation 0
    obs = torch.zeros(20_000, 2)
    rng = np.random.default_rng(0)
    with torch.no_grad():
        drawn = (policy.sample(obs), policy.sample_with_log_prob(obs)[0], policy.act(obs.numpy(), rng))
    for action in drawn:
        before = np.arctanh(np.asarray(action))
        assert before.mean() == pytest.approx(0.4, abs=0.01)
        assert before.std() == pytest.approx(np.exp(-1.5), rel=0.03)
    np.testing.assert_allclose(policy.act(np.zeros((1, 2))), np.tanh([[0.4]]), rtol=1e-5)
    action, _ = policy.sample_with_log_prob(obs[:50])
    (gradient,) = torch.autograd.grad(action.sum(), policy.net[-1].bias)
    assert gradient[0].item() == pytest.approx((1 - action.detach() ** 2).sum().item(), rel=1e-4)
    policy.net[-1].bias.data = torch.tensor([0.0, 9.0])
    assert policy(obs[:1])[1].item() == 2.0


def test_both_critics_are_the_two_networks_that_they_were_made_of():
    torch.manual_seed(0)
    twin = TwinQ(3, 2, (8, 8))
    obs, action = torch.randn(6, 3), torch.randn(6, 2)
    q = twin(obs, action)
    assert q.shape == (2, 6)
    for critic in range(2):
        x = torch.cat([obs, action], -1)
        for layer, (weight, bias) in enumerate(zip(twin.weights, twin.biases, strict=True)):
            x = x @ weight[critic] + bias[critic]
            x = x.relu() if layer < 2 else x
        torch.testing.assert_close(q[critic], x.squeeze(-1))
    assert not torch.allclose(q[0], q[1])
    assert all(parameter.is_contiguous() for parameter in twin.parameters())  # the fused Adam needs it


def test_polyak_moves_the_stated_part_of_the_way():
    torch.manual_seed(0)
    slow, fast = TwinQ(1, 1, (2,)), TwinQ(1, 1, (2,))
    expected = [s + 0.25 * (f - s) for s, f in zip(slow.parameters(), fast.parameters(), strict=True)]
    polyak(slow, fast, 0.25)
    torch.testing.assert_close(list(slow.parameters()), expected)
    polyak(slow, fast, 1.0)
    torch.testing.assert_close(list(slow.parameters()), list(fast.parameters()))


def test_random_actions_fill_the_bounds():
    torch.manual_seed(0)
    action = UniformPolicy(2).sample(torch.zeros(4000, 3))
    assert action.shape == (4000, 2)
    assert action.min() >= -1.0 and action.max() <= 1.0
    assert action.mean(0).abs().max() < 0.05
    assert (action.var(0) - 1 / 3).abs().max() < 0.02
