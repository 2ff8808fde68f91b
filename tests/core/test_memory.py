"""Memories step by step against the layers of torch that unroll themselves; what a policy makes of them."""

import math

import pytest
import torch
from torch import nn

from course_lib.core.memory import GRUMemory, LSTMMemory, MemoryPolicy


def _same_weights(layer, cell):
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        getattr(layer, f"{name}_l0").data.copy_(getattr(cell, name))
    return layer


def _steps(memory, inputs):
    held, features = torch.zeros(inputs.shape[1], memory.size), []
    for x in inputs:
        feature, held = memory.step(x, held)
        features.append(feature)
    return torch.stack(features), held


def test_a_gru_is_that_of_torch():
    torch.manual_seed(0)
    memory, inputs = GRUMemory(3, 4), torch.randn(6, 2, 3)
    expected, last = _same_weights(nn.GRU(3, 4), memory.cell)(inputs)
    features, held = _steps(memory, inputs)
    torch.testing.assert_close(features, expected)
    torch.testing.assert_close(held, last[0])


def test_an_lstm_is_that_of_torch():
    torch.manual_seed(0)
    memory, inputs = LSTMMemory(3, 4), torch.randn(6, 2, 3)
    expected, (hidden, cell) = _same_weights(nn.LSTM(3, 4), memory.cell)(inputs)
    features, held = _steps(memory, inputs)
    torch.testing.assert_close(features, expected)
    torch.testing.assert_close(held, torch.cat([hidden[0], cell[0]], dim=-1))


def _policy(discrete=True, **keywords):
    torch.manual_seed(0)
    return MemoryPolicy(2, 3, discrete, **keywords)


def test_the_memory_reads_the_product_of_action_and_reward():
    policy = _policy()
    inputs = torch.tensor([[5.0, 6.0, 0.0, 1.0, 0.0, 2.0, 1.0]])  # s, a, r, d
    expected = [5.0, 6.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 2.0, 1.0]
    torch.testing.assert_close(policy.encode(inputs), torch.tensor([expected]))
    policy.reward_norm.observe(torch.tensor([[0.0], [2.0]]))  # mean 1, deviation 1
    expected[6] = expected[8] = 1.0
    torch.testing.assert_close(policy.encode(inputs), torch.tensor([expected]))


def test_the_memory_reads_observations_in_units_of_what_was_seen():
    policy = _policy()
    policy.obs_norm.observe(torch.tensor([[1.0, 0.0], [3.0, 8.0]]))  # means 2 and 4, deviations 1 and 4
    encoded = policy.encode(torch.tensor([[5.0, 6.0, 0.0, 1.0, 0.0, 2.0, 1.0]]))
    torch.testing.assert_close(encoded[0, :2], torch.tensor([3.0, 0.5]))


def test_draws_have_the_probabilities_that_are_said():
    policy = _policy()
    policy.action[0].bias.data = torch.tensor([0.0, 1.0, -1.0])
    features = torch.zeros(20_000, policy.memory.features)
    action = policy.sample(features)
    assert action.shape == (20_000, 1)
    shares = torch.bincount(action[:, 0].long(), minlength=3) / 20_000
    probabilities = policy.probabilities(features)[0]
    torch.testing.assert_close(shares, probabilities, atol=0.02, rtol=0.0)
    log_prob, entropy = policy.log_prob_and_entropy(features, action)
    torch.testing.assert_close(log_prob.exp(), probabilities[action[:, 0].long()])
    assert entropy[0].item() == pytest.approx(-sum(p * math.log(p) for p in probabilities.tolist()), rel=1e-5)


def test_continuous_actions_are_a_normal_distribution():
    policy = _policy(discrete=False)
    features = torch.randn(5, policy.memory.features)
    action = policy.sample(features)
    assert action.shape == (5, 3)
    normal = torch.distributions.Normal(policy.action(features), policy.log_std.exp())
    log_prob, entropy = policy.log_prob_and_entropy(features, action)
    torch.testing.assert_close(log_prob, normal.log_prob(action).sum(-1))
    torch.testing.assert_close(entropy, normal.entropy().sum(-1))


def test_values_come_back_in_units_of_reward():
    policy = _policy()
    policy.return_norm.observe(torch.tensor([[10.0], [30.0]]))  # mean 20, deviation 10
    features = torch.randn(4, policy.memory.features)
    torch.testing.assert_close(policy.value(features), 20.0 + 10.0 * policy.normalized_value(features))


def test_a_memory_begins_empty():
    policy = _policy(make_memory=LSTMMemory)
    assert torch.equal(policy.begin(3), torch.zeros(3, 64))


def test_a_memory_can_learn_to_hold_a_bit():
    # The first input is to be told back after five steps of noise.
    torch.manual_seed(0)
    memory, head = GRUMemory(2, 16), nn.Linear(16, 1)
    optimizer = torch.optim.Adam([*memory.parameters(), *head.parameters()], lr=0.02)
    for _ in range(60):
        inputs = torch.zeros(6, 128, 2)
        inputs[..., 1] = torch.randn(6, 128)
        bit = torch.randint(2, (128,)).float()
        inputs[0, :, 0] = 2.0 * bit - 1.0
        said = head(_steps(memory, inputs)[1]).squeeze(-1)
        loss = nn.functional.binary_cross_entropy_with_logits(said, bit)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(((said > 0) == bit.bool()).float().mean()) > 0.95
