"""PPO: its equations against the paper's case table, and a world that it must solve in seconds."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from course_lib.agents import ppo
from course_lib.core.rollout import Transitions
from course_lib.core.seeding import seed_everything


class Reach(VectorEnv):
    """N points on a line at a random place; reward -|x|; the action moves by up to 0.3. 10 steps."""

    def __init__(self, n: int) -> None:
        self.num_envs = n
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float64)
        self.single_action_space = spaces.Box(-1, 1, (1,), np.float32)

    def _start(self, mask):
        self.x[mask], self.t[mask] = self.np_random.uniform(-1, 1, int(mask.sum())), 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.t = np.zeros(self.num_envs), np.zeros(self.num_envs, dtype=int)
        self._start(np.ones(self.num_envs, dtype=bool))
        return self.x[:, None].copy(), {}

    def step(self, actions):
        self.x = self.x + 0.3 * actions[:, 0]
        self.t += 1
        reward, truncated = -np.abs(self.x), self.t >= 10
        final = np.empty(self.num_envs, dtype=object)
        final[:] = list(self.x[:, None].copy())
        self._start(truncated)
        return self.x[:, None].copy(), reward, np.zeros_like(truncated), truncated, {"final_obs": final}


@pytest.mark.parametrize(
    ("ratio", "advantage", "value", "slope"),
    [  # the six cases of the clipped objective at clip_range 0.2: value, and d value / d ratio
        (1.0, 2.0, 2.0, 2.0),
        (1.5, 2.0, 2.4, 0.0),
        (0.5, 2.0, 1.0, 2.0),
        (1.5, -2.0, -3.0, -2.0),
        (0.5, -2.0, -1.6, 0.0),
        (0.9, -2.0, -1.8, -2.0),
    ],
)
def test_clipped_surrogate_case_by_case(ratio, advantage, value, slope):
    log_prob = torch.tensor([float(np.log(ratio))], requires_grad=True)
    out = ppo.clipped_surrogate(log_prob, torch.zeros(1), torch.tensor([advantage]), 0.2)
    out.sum().backward()
    assert out.item() == pytest.approx(value, rel=1e-5)
    assert log_prob.grad.item() == pytest.approx(slope * ratio, rel=1e-5)  # d/d log r = r d/dr


def test_at_the_old_policy_the_gradient_is_the_policy_gradient():
    torch.manual_seed(0)
    log_prob, advantage = torch.randn(20, requires_grad=True), torch.randn(20)
    keep = torch.rand(20) < 0.5
    ppo.surrogate(log_prob, log_prob.detach(), advantage, keep, 0.2).backward()
    torch.testing.assert_close(log_prob.grad, advantage * keep / keep.sum())


def test_the_surrogate_is_the_mean_over_the_kept_typed_out():
    g = torch.Generator().manual_seed(0)
    new, old, advantage = (torch.randn(50, generator=g) for _ in range(3))
    keep = torch.rand(50, generator=g) < 0.3
    total, count = 0.0, 0
    for i in range(50):
        if keep[i]:
            ratio = float(torch.exp(new[i] - old[i]))
            total += min(ratio * float(advantage[i]), min(max(ratio, 0.8), 1.2) * float(advantage[i]))
            count += 1
    assert ppo.surrogate(new, old, advantage, keep, 0.2).item() == pytest.approx(total / count, rel=1e-5)


def test_nothing_kept_is_zero_and_not_nan():
    x = torch.ones(3)
    assert ppo.surrogate(x, x, x, torch.zeros(3, dtype=torch.bool), 0.2).item() == 0.0


def test_standardize_looks_at_the_kept_only():
    advantage, keep = torch.tensor([1.0, 3.0, 1000.0]), torch.tensor([True, True, False])
    out = ppo.standardize(advantage, keep)
    torch.testing.assert_close(out[:2], torch.tensor([-1.0, 1.0]))


def test_fused_adam_equals_the_plain_one():
    """Adam's fused kernel is wrong on the CPU for some strides; ours must not be among them."""
    torch.manual_seed(0)
    agent = ppo.Agent(5, 2, ppo.PPOConfig())
    start = [p.detach().clone().requires_grad_() for p in agent.parameters()]
    plain = torch.optim.Adam(start, lr=agent.optimizer.param_groups[0]["lr"], eps=1e-5)
    for _ in range(3):
        for ours, theirs in zip(agent.parameters(), start, strict=True):
            ours.grad = torch.randn_like(ours)
            theirs.grad = ours.grad.clone()
        agent.optimizer.step()
        plain.step()
    for ours, theirs in zip(agent.parameters(), start, strict=True):
        torch.testing.assert_close(ours, theirs)


def _batch(steps=8, n=4):
    no = torch.zeros(steps, n, dtype=torch.bool)
    return Transitions(
        obs=torch.randn(steps, n, 3), action=torch.randn(steps, n, 2), reward=torch.randn(steps, n),
        next_obs=torch.randn(steps, n, 3), terminated=no, ended=no, valid=~no,
    )  # fmt: skip


def test_the_policy_learns_from_kept_transitions_and_the_value_from_all():
    torch.manual_seed(0)
    config = ppo.PPOConfig(epochs=2, minibatch=16)
    data = _batch()
    keep = torch.zeros(8, 4, dtype=torch.bool)
    keep[:, 0] = True
    seen = []

    def spy(log_prob, old_log_prob, advantage, keep, clip_range):
        seen.append((int(keep.sum()), len(keep)))
        return ppo.surrogate(log_prob, old_log_prob, advantage, keep, clip_range)

    agent = ppo.Agent(3, 2, config)
    before = [p.clone() for p in agent.parameters()]
    record = ppo.update(agent, data, config, np.random.default_rng(0), keep, spy)
    assert sum(k for k, _ in seen) == 2 * 8 and sum(b for _, b in seen) == 2 * 32
    assert all(not torch.equal(b, p) for b, p in zip(before, agent.parameters(), strict=True))
    assert set(record) == {"policy_loss", "value_loss", "kl"}


def test_an_empty_batch_is_refused():
    config = ppo.PPOConfig()
    nothing = torch.zeros(8, 4, dtype=torch.bool)
    with pytest.raises(ValueError, match="no transition to learn from"):
        ppo.update(ppo.Agent(3, 2, config), _batch(), config, np.random.default_rng(0), keep=nothing)


def _learn(seed: int, iterations: int):
    rng = seed_everything(seed)
    config = ppo.PPOConfig(steps=20, minibatch=320, epochs=5, learning_rate=3e-3, gamma=0.9)
    agent = ppo.Agent(1, 1, config)
    return [r["return_mean"] for r in ppo.train(agent, Reach(32), config, iterations, rng)]


def test_it_learns_to_reach_the_origin():
    curve = _learn(0, 40)
    # Standing still costs 5.0 on average; the best possible is about -0.75 (0.3 a step towards 0).
    assert curve[0] < -4.0
    assert curve[-1] > -1.8


def test_same_seed_same_curve():
    assert _learn(5, 3) == _learn(5, 3) != _learn(6, 3)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\], got 1.5"),
        ({"clip_range": 0.0}, "clip_range must be positive"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"entropy_bonus": -1.0}, "must not be negative"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        ppo.PPOConfig(**setting)
