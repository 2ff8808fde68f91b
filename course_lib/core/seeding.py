"""One number starts every random stream of an experiment.

Source: numpy's SeedSequence, https://numpy.org/doc/stable/reference/random/parallel.html.
"""

import numpy as np
import torch


def seed_everything(seed: int) -> np.random.Generator:
    """Seeds torch and returns the numpy generator that everything else is drawn from.

    Torch runs on one thread from here on: with small networks beside the threads of the
    physics, two torch threads are many times slower than one.

    Args:
        seed: any non-negative integer.

    Raises:
        ValueError: the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed}")
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    return np.random.default_rng(seed)
