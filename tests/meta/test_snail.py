"""SNAIL: step by step it is the paper's convolutions and attention over the whole, and it looks back only."""

import math

import pytest
import torch
from torch import nn

from course_lib.core.memory import MemoryPolicy
from course_lib.core.trials import unrolled
from course_lib.meta.snail import AttentionBlock, DenseBlock, SnailMemory, attention_weights, causal_mask


def _steps(memory, inputs):
    held, features = torch.zeros(inputs.shape[1], memory.size), []
    for x in inputs:
        feature, held = memory.step(x, held)
        features.append(feature)
    return torch.stack(features)


def _memory(length=8, hidden=5):
    torch.manual_seed(0)
    return SnailMemory(3, hidden, length)


def _paper(memory, inputs):
    # As the paper writes it: dilated convolutions padded on the left, and masked attention, over [N, C, T].
    x = inputs.permute(1, 2, 0)
    for block in memory.blocks[:-1]:
        channels, kernel = x.shape[1], block.taps.weight
        kernel = torch.stack([kernel[:, :channels], kernel[:, channels:]], dim=-1)  # [2D, C, taps]
        padded = nn.functional.pad(x, (block.dilation, 0))
        activation, gate = nn.functional.conv1d(
            padded, kernel, block.taps.bias, dilation=block.dilation
        ).chunk(2, dim=1)
        x = torch.cat([x, torch.tanh(activation) * torch.sigmoid(gate)], dim=1)
    x, block = x.mT, memory.blocks[-1]  # [N, T, C]
    keys, values = block.entry(x).chunk(2, dim=-1)
    steps = range(x.shape[1])
    mask = torch.tensor([[i - block.length < j <= i for j in steps] for i in steps])
    read = nn.functional.scaled_dot_product_attention(block.query(x), keys, values, attn_mask=mask)
    return torch.cat([x, read], dim=-1).transpose(0, 1)


@pytest.mark.parametrize("length", [2, 5, 8, 32])  # shorter and longer than the 14 steps
def test_stepping_and_unrolling_are_the_papers_form(length):
    memory, inputs = _memory(length), torch.randn(14, 4, 3)
    expected = _paper(memory, inputs)
    assert expected.shape == (14, 4, memory.features)
    torch.testing.assert_close(_steps(memory, inputs), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(memory.unroll(inputs), expected, atol=1e-5, rtol=1e-5)


def test_gradients_are_the_same_either_way():
    memory, inputs = _memory(), torch.randn(10, 4, 3)
    weight, gradients = torch.randn(10, 4, memory.features), []
    for features in (_steps(memory, inputs), memory.unroll(inputs)):
        found = torch.autograd.grad((weight * features).sum(), list(memory.parameters()))
        gradients.append(torch.cat([g.flatten() for g in found]))
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("how", [_steps, lambda memory, inputs: memory.unroll(inputs)])
def test_the_future_changes_nothing_before_it_and_every_past_step_of_the_window_changes_now(how):
    memory, inputs = _memory(), torch.randn(12, 1, 3)
    before = how(memory, inputs)
    for t in range(12):
        changed = inputs.clone()
        changed[t] += 1.0
        moved = (how(memory, changed) - before).abs().amax(dim=(1, 2)) > 1e-7
        assert not moved[:t].any()
        assert moved[t : t + 8].all()


def test_convolutions_alone_reach_back_over_the_window_and_no_farther():
    torch.manual_seed(0)
    blocks = [DenseBlock(3, 4, 1), DenseBlock(7, 4, 2), DenseBlock(11, 4, 4)]
    inputs = torch.randn(12, 1, 3, requires_grad=True)
    x = inputs
    for block in blocks:
        x = block.unroll(x)
    x[-1].sum().backward()
    felt = inputs.grad.abs().amax(dim=(1, 2)) > 0
    assert felt.tolist() == [False] * 4 + [True] * 8


def test_a_filled_slot_that_scores_low_counts_and_an_empty_one_does_not():
    # An empty slot has a key of zeros, which may well score higher than a real one: only the flag tells.
    torch.manual_seed(0)
    block = AttentionBlock(3, 4, length=6)
    x = torch.randn(5, 2, 3)
    cache = torch.zeros(2, block.size)
    out, cache = block.step(x[0], cache)
    torch.testing.assert_close(out[:, 3:], block.entry(x[0])[:, 4:])  # only itself to read
    out, cache = block.step(x[1], cache)
    keys, values = block.entry(x[:2]).chunk(2, dim=-1)  # [2, N, D]
    scores = (block.query(x[1]) * keys).sum(-1) / math.sqrt(4)
    share = scores.exp() / scores.exp().sum(0)
    torch.testing.assert_close(out[:, 3:], (share.unsqueeze(-1) * values).sum(0))


def test_weights_add_up_over_the_keys():
    torch.manual_seed(0)
    weights = attention_weights(torch.randn(4, 7, 7), causal_mask(7, 3))
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 7))
    assert (weights.gt(0).sum(-1)[0]).tolist() == [1, 2, 3, 3, 3, 3, 3]


def test_trials_side_by_side_do_not_hear_of_each_other():
    memory, inputs = _memory(), torch.randn(6, 3, 3)
    both = _steps(memory, inputs)
    torch.testing.assert_close(_steps(memory, inputs[:, 1:2]), both[:, 1:2], atol=1e-6, rtol=1e-5)


def test_it_drops_into_a_policy():
    torch.manual_seed(0)
    policy = MemoryPolicy(1, 2, True, lambda inputs: SnailMemory(inputs, 8, 16))
    inputs = torch.tensor([[1.0, 0.0, 1.0, 1.0, 0.0]]).repeat(6, 1)
    features, memory = policy.advance(inputs, policy.begin(6))
    assert features.shape == (6, policy.memory.features) and memory.shape == (6, policy.memory.size)
    assert policy.sample(features).shape == (6, 1) and policy.value(features).shape == (6,)


def test_recorded_trials_are_unrolled_at_once_exactly_where_that_is_the_same(monkeypatch):
    torch.manual_seed(0)
    policy = MemoryPolicy(1, 2, True, lambda inputs: SnailMemory(inputs, 8, 16))
    inputs, empty = torch.randn(6, 3, 5), policy.begin(3)
    ended = torch.zeros(6, 3, dtype=torch.bool)
    trial_ended = ended.clone()
    trial_ended[-1] = True
    at_once = unrolled(policy, inputs, empty, ended, trial_ended)
    expected = _steps(policy.memory, policy.encode(inputs))
    torch.testing.assert_close(at_once, expected, atol=1e-5, rtol=1e-5)
    monkeypatch.setattr(policy.memory, "unroll", lambda inputs: pytest.fail("this is not the same"))
    own = unrolled(policy, inputs, empty, ended, trial_ended, lambda memory, *ends: 0 * memory)
    assert not torch.allclose(own[1:], expected[1:])  # another rule of memory is asked at every step
    begun = unrolled(policy, inputs, torch.ones_like(empty), ended, trial_ended)
    assert not torch.allclose(begun, expected)
    trial_ended[2] = True  # a new trial in the fourth step
    after = unrolled(policy, inputs, empty, ended, trial_ended)[3:]
    torch.testing.assert_close(after, _steps(policy.memory, policy.encode(inputs[3:])), atol=1e-5, rtol=1e-5)
    kept = unrolled(policy, inputs, empty, ended, trial_ended, lambda memory, *ends: memory)
    torch.testing.assert_close(kept, expected, atol=1e-5, rtol=1e-5)


def test_a_window_of_one_step_is_refused():
    with pytest.raises(ValueError, match="length must be at least 2 steps, or nothing is remembered, got 1"):
        SnailMemory(3, length=1)


def test_it_learns_to_look_up_what_a_key_stood_beside():
    # Four steps show bits beside keys in a random order; the fifth shows a key: which bit stood beside it?
    torch.manual_seed(0)
    memory = SnailMemory(6, hidden=16, length=8)
    head = nn.Linear(memory.features, 1)
    optimizer = torch.optim.Adam([*memory.parameters(), *head.parameters()], lr=0.02)
    each = torch.arange(128)
    for _ in range(40):
        order = torch.rand(128, 4).argsort(1)
        bits, asked = torch.randint(2, (128, 4)).float(), torch.randint(4, (128,))
        inputs = torch.zeros(5, 128, 6)
        inputs[:4, :, :4] = nn.functional.one_hot(order.T, 4).float()
        inputs[:4, :, 4] = 2.0 * bits.T - 1.0
        inputs[4, each, order[each, asked]] = 1.0
        inputs[4, :, 5] = 1.0
        said = head(memory.unroll(inputs)[-1]).squeeze(-1)
        loss = nn.functional.binary_cross_entropy_with_logits(said, bits[each, asked])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(((said > 0) == bits[each, asked].bool()).float().mean()) > 0.95
