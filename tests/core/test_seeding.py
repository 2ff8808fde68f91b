"""One seed decides numpy and torch."""

import pytest
import torch

from course_lib.core.seeding import seed_everything


def test_same_seed_same_numbers_and_another_seed_others():
    first = (seed_everything(3).random(), torch.rand(()).item())
    again = (seed_everything(3).random(), torch.rand(()).item())
    other = (seed_everything(4).random(), torch.rand(()).item())
    assert first == again and first[0] != other[0] and first[1] != other[1]


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="non-negative integer, got -1"):
        seed_everything(-1)
