"""Goal spaces: the part of a state that a goal speaks of."""

import numpy as np
import pytest
import torch

from course_lib.core.goals import GoalSpace

TIP = GoalSpace(columns=(3, 1), radius=0.1, low=(0.0, -1.0), high=(2.0, 1.0))


def test_what_is_achieved_are_the_goals_columns_in_the_goals_order_in_torch_and_numpy():
    obs = np.arange(24.0).reshape(2, 3, 4)
    expected = np.stack([obs[..., 3], obs[..., 1]], axis=-1)
    np.testing.assert_array_equal(TIP.achieved(obs), expected)
    torch.testing.assert_close(TIP.achieved(torch.from_numpy(obs)), torch.from_numpy(expected))
    assert TIP.size == 2


def test_what_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="radius must not be negative, got -1"):
        GoalSpace(columns=(0,), radius=-1, low=(0.0,), high=(1.0,))
    with pytest.raises(ValueError, match=r"one entry per number of a goal, got \(2, 1, 2\)"):
        GoalSpace(columns=(0, 1), radius=0.1, low=(0.0,), high=(1.0, 1.0))
