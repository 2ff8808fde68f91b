"""gae against the paper's definition typed out, its limits, and one-step targets."""

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from course_lib.core.returns import gae, td_target


def _random(seed: int, steps: int = 12, n: int = 3):
    g = torch.Generator().manual_seed(seed)
    reward, value, next_value = (torch.randn(steps, n, generator=g) for _ in range(3))
    terminated = torch.rand(steps, n, generator=g) < 0.15
    ended = terminated | (torch.rand(steps, n, generator=g) < 0.15)
    return reward, value, next_value, terminated, ended


def _slow_gae(reward, value, next_value, terminated, ended, gamma, gae_lambda):
    steps, n = reward.shape
    out = np.zeros((steps, n))
    for i in range(n):
        for t in range(steps):
            weight = 1.0
            for k in range(t, steps):
                bootstrap = 0.0 if terminated[k, i] else gamma * float(next_value[k, i])
                out[t, i] += weight * (float(reward[k, i]) + bootstrap - float(value[k, i]))
                if ended[k, i]:
                    break
                weight *= gamma * gae_lambda
    return out


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_double_sum_of_the_paper(seed):
    data = _random(seed)
    np.testing.assert_allclose(
        gae(*data, 0.97, 0.9).numpy(), _slow_gae(*data, 0.97, 0.9), rtol=1e-4, atol=1e-5
    )


def test_lambda_zero_is_the_one_step_error():
    reward, value, next_value, terminated, ended = _random(7)
    expected = reward + 0.9 * next_value * ~terminated - value
    torch.testing.assert_close(gae(reward, value, next_value, terminated, ended, 0.9, 0.0), expected)


def test_truncation_keeps_the_future_and_termination_does_not():
    one = torch.ones(1, 1)
    yes, no = torch.tensor([[True]]), torch.tensor([[False]])
    assert gae(one, 0 * one, 10 * one, no, yes, 0.9, 0.95).item() == pytest.approx(10.0)
    assert gae(one, 0 * one, 10 * one, yes, yes, 0.9, 0.95).item() == pytest.approx(1.0)


def test_nothing_flows_back_over_a_boundary():
    reward, value, next_value, terminated, _ = _random(3)
    ended = terminated.clone()
    ended[5] = True
    before = gae(reward, value, next_value, terminated, ended, 0.99, 0.95)[:6]
    reward[6:] += 100.0
    torch.testing.assert_close(gae(reward, value, next_value, terminated, ended, 0.99, 0.95)[:6], before)


def test_a_wrong_shape_is_refused():
    reward, value, next_value, terminated, ended = _random(0)
    with pytest.raises(TypeCheckError):
        gae(reward, value[:-1], next_value, terminated, ended, 0.99, 0.95)


def test_a_target_has_no_future_after_an_end_and_one_after_a_time_limit():
    target = td_target(
        torch.tensor([1.0, 1.0, -2.0]),
        torch.tensor([10.0, 10.0, 0.5]),
        torch.tensor([False, True, False]),  # a time limit is no end
        0.9,
    )
    assert target.tolist() == pytest.approx([10.0, 1.0, -1.55])
