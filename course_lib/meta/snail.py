"""SNAIL: convolutions over time and attention take the place of a recurrent network.

A recurrent network squeezes all that happened through one vector. Here temporal convolutions gather what
lately happened, and attention looks up any step of the window by what it was. Both look back only. Kept as
a cache of what they look back to, they are a memory like any other, and `MemoryPolicy` takes them for a GRU.

Axes: T time, N trials, I inputs, C channels, D filters, keys or values, H cache, F features.
Source: Mishra, Rohaninejad, Chen, Abbeel, "A Simple Neural Attentive Meta-Learner", ICLR 2018,
https://arxiv.org/abs/1707.03141.
"""

import math

import torch
from torch import Tensor, nn


def causal_mask(steps: int, length: int) -> Tensor:
    """Which steps j step i may read: itself and the length - 1 before it, bool [T, T], a row for each i.

    Args:
        steps: T.
        length: steps of the window, with the present one.
    """
    now = torch.arange(steps)
    ago = now[:, None] - now  # [T, T]: how long before i, in steps, j was
    return (ago >= 0) & (ago < length)


def attention_weights(scores: Tensor, readable: Tensor) -> Tensor:
    """How much of each entry is read: they add up to 1 over the last axis, the keys.

    Args:
        scores: products of a query with all keys, scaled, [..., keys].
        readable: bool [..., keys]; what is not readable weighs 0. At least one must be.
    """
    return scores.masked_fill(~readable, -math.inf).softmax(-1)


class DenseBlock(nn.Module):
    """A causal convolution of two taps, now and `dilation` steps ago, whose output joins its input.

    tanh(W x) * sigmoid(V x), as in WaveNet; before the first step all was zero.

    Args:
        channels: C of the input.
        filters: D, which are added to them.
        dilation: steps between the taps, at least 1.
    """

    def __init__(self, channels: int, filters: int, dilation: int) -> None:
        super().__init__()
        self.dilation, self.size = dilation, dilation * channels
        self.taps = nn.Linear(2 * channels, 2 * filters)

    def joined(self, x: Tensor, past: Tensor) -> Tensor:
        """The input [..., C] beside what the filters make of it and of the past one, [..., C + D]."""
        activation, gate = self.taps(torch.cat([past, x], dim=-1)).chunk(2, dim=-1)
        return torch.cat([x, activation.tanh() * gate.sigmoid()], dim=-1)

    def step(self, x: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """One step: [N, C] and the last `dilation` inputs, oldest first, to [N, C + D] and the new cache."""
        oldest = cache[:, : x.shape[1]]
        return self.joined(x, oldest), torch.cat([cache[:, x.shape[1] :], x], dim=1)

    def unroll(self, x: Tensor) -> Tensor:
        """All steps at once: [T, N, C] to [T, N, C + D]."""
        past = nn.functional.pad(x, (0, 0, 0, 0, self.dilation, 0))[: len(x)]  # zeros on the left only
        return self.joined(x, past)


class AttentionBlock(nn.Module):
    """Looks up steps of the window by their keys; what it reads, a mean of their values, joins its input.

    Args:
        channels: C of the input.
        values: D, how many numbers a query, a key and a value have.
        length: steps of the window, with the present one, at least 2.
    """

    def __init__(self, channels: int, values: int, length: int) -> None:
        super().__init__()
        self.values, self.length = values, length
        self.size = (length - 1) * (2 * values + 1)
        self.query = nn.Linear(channels, values)
        self.entry = nn.Linear(channels, 2 * values)  # key and value of a step

    def step(self, x: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """One step: [N, C] and past entries, each with a flag, to [N, C + D] and the new cache.

        A flag of 0 marks a slot in which nothing was put since the memory was emptied.
        """
        entry = torch.cat([self.entry(x), torch.ones_like(x[:, :1])], dim=1)  # [N, 2D + 1]
        entries = torch.cat([cache, entry], dim=1)
        keys, values, filled = entries.unflatten(1, (self.length, -1)).split(
            [self.values, self.values, 1], -1
        )
        scores = (keys @ self.query(x).unsqueeze(-1)).squeeze(-1) / math.sqrt(self.values)  # [N, length]
        weights = attention_weights(scores, filled.squeeze(-1) > 0.5)
        out = torch.cat([x, (weights.unsqueeze(1) @ values).squeeze(1)], dim=1)
        return out, entries[:, entry.shape[1] :]

    def unroll(self, x: Tensor) -> Tensor:
        """All steps at once: [T, N, C] to [T, N, C + D]."""
        keys, values = self.entry(x).chunk(2, dim=-1)
        scores = torch.einsum("ind,jnd->nij", self.query(x), keys) / math.sqrt(self.values)
        weights = attention_weights(scores, causal_mask(len(x), self.length))
        return torch.cat([x, torch.einsum("nij,jnd->ind", weights, values)], dim=-1)


class SnailMemory(nn.Module):
    """A stack of convolutions that double their reach to a whole window, and attention over that window.

    The interface is that of `core.memory.GRUMemory`; its row of numbers is the cache of all blocks, side by
    side. It holds about length x (inputs + 2 hidden log2(length)) numbers, so `length` should be the steps of
    a trial and not more.

    Args:
        inputs: I.
        hidden: D, filters of each convolution, and size of keys and values.
        length: steps that it looks back over, with the present one, at least 2.

    Raises:
        ValueError: length is below 2.
    """

    def __init__(self, inputs: int, hidden: int = 16, length: int = 32) -> None:
        super().__init__()
        if length < 2:
            raise ValueError(f"length must be at least 2 steps, or nothing is remembered, got {length}")
        self.length = length
        layers = math.ceil(math.log2(length))
        # The paper begins with a dilation of 2; with 1 the last step is one block away, and not two.
        blocks = [DenseBlock(inputs + i * hidden, hidden, 2**i) for i in range(layers)]
        self.blocks = nn.ModuleList([*blocks, AttentionBlock(inputs + layers * hidden, hidden, length)])
        self.size = sum(block.size for block in self.blocks)
        self.features = inputs + (layers + 1) * hidden

    def step(self, inputs: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """One step: inputs [N, I] and memory [N, H] to features [N, F] and the new memory."""
        caches, x = [], inputs
        for block, cache in zip(self.blocks, memory.split([b.size for b in self.blocks], 1), strict=True):
            x, cache = block.step(x, cache)
            caches.append(cache)
        return x, torch.cat(caches, dim=1)

    def unroll(self, inputs: Tensor) -> Tensor:
        """Features of all steps at once, from an empty memory: [T, N, I] to [T, N, F]."""
        x = inputs
        for block in self.blocks:
            x = block.unroll(x)
        return x
