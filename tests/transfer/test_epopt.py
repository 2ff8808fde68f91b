"""EPOpt: each equation against its definition typed out, and a family on which it must learn."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from course_lib.agents import ppo
from course_lib.core.seeding import seed_everything
from course_lib.core.task_family import TaskFamily, TruncatedNormal
from course_lib.transfer import epopt


@dataclass(frozen=True)
class GainParams:
    gain: np.ndarray

    @classmethod
    def names(cls):
        return ("gain",)

    def array(self, n):
        return np.broadcast_to(self.gain, n)[:, None].copy()

    @classmethod
    def from_array(cls, matrix):
        return cls(matrix[:, 0])

    @classmethod
    def from_keywords(cls, **values):
        return cls(**values)


class Gain(VectorEnv):
    """A point that starts in [-1, 1] and moves by gain times action; reward -|x|; 8 steps; falls at 3."""

    def __init__(self, n: int) -> None:
        self.num_envs = n
        self.metadata = {"autoreset_mode": AutoresetMode.DISABLED}
        self.single_observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float64)
        self.single_action_space = spaces.Box(-1, 1, (1,), np.float32)
        self.gain = np.ones(n)

    def set_params(self, params):
        self.gain = np.broadcast_to(params.gain, self.num_envs).copy()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        mask = (options or {}).get("reset_mask", np.ones(self.num_envs, dtype=bool))
        if mask.all():
            self.x, self.t = np.zeros(self.num_envs), np.zeros(self.num_envs, dtype=int)
            self.dead = np.zeros(self.num_envs, dtype=bool)
        self.x[mask] = self.np_random.uniform(-1, 1, int(mask.sum()))
        self.t[mask], self.dead[mask] = 0, False
        return self.x[:, None].copy(), {}

    def step(self, actions):
        move = ~self.dead
        self.x = np.where(move, self.x + self.gain * actions[:, 0], self.x)
        self.t += move
        terminated, truncated = np.abs(self.x) > 3, self.t >= 8
        reward = np.where(move, -np.abs(self.x), 0.0)
        self.dead |= terminated | truncated
        return self.x[:, None].copy(), reward, terminated, truncated, {}


FAMILY = TaskFamily("gain", GainParams, {"gain": TruncatedNormal(0.5, 0.3, 0.1, 0.9)}, Gain)


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.37, 1.0])
@pytest.mark.parametrize("n", [1, 7, 240])
def test_cvar_mask_is_the_quantile_of_numpy(n, epsilon):
    returns = torch.randn(n, dtype=torch.float64)
    expected = returns.numpy() <= np.quantile(returns.numpy(), epsilon)
    np.testing.assert_array_equal(epopt.cvar_mask(returns, epsilon).numpy(), expected)


def test_cvar_mask_keeps_the_worst_and_all_ties():
    assert epopt.cvar_mask(torch.arange(10.0), 0.2).tolist() == [True, True] + [False] * 8
    assert epopt.cvar_mask(torch.zeros(10), 0.1).all()


def test_cvar_mask_moves_with_the_order_of_the_trajectories():
    returns, order = torch.randn(50), torch.randperm(50)
    assert torch.equal(epopt.cvar_mask(returns, 0.1)[order], epopt.cvar_mask(returns[order], 0.1))


@pytest.mark.parametrize("epsilon", [0.0, -0.1, 1.1, float("nan")])
def test_epsilon_outside_its_range_is_refused(epsilon):
    with pytest.raises(ValueError, match="epsilon must be in"):
        epopt.cvar_mask(torch.zeros(3), epsilon)
    with pytest.raises(ValueError, match="epsilon must be in"):
        epopt.EPOptConfig(epsilon=epsilon)


CONFIG = epopt.EPOptConfig(
    epsilon=0.2, warmup_iterations=15, iterations=40, horizon=8,
    policy_optimization=ppo.PPOConfig(steps=16, minibatch=256, epochs=5, learning_rate=3e-3, gamma=0.9),
)  # fmt: skip


def _train(seed, config=CONFIG, **equations):
    rng = seed_everything(seed)
    agent = ppo.Agent(1, 1, config.policy_optimization)
    return list(epopt.train(agent, Gain(64), FAMILY, config, rng, **equations))


def test_it_learns_and_its_worst_worlds_come_along():
    records = _train(0)
    first, last = records[1], records[-1]
    assert last["return_mean"] > first["return_mean"] + 1.5
    assert last["return_cvar"] > first["return_cvar"] + 3.0
    assert [r["epsilon"] for r in records] == [1.0] * 15 + [0.2] * 25
    assert all(r["kept"] == 1.0 for r in records[:15]) and all(r["kept"] < 0.5 for r in records[15:])


def test_same_seed_same_numbers():
    assert _train(3)[:20] == _train(3)[:20]


def test_the_students_equations_are_the_ones_that_run():
    """Keeping the best instead of the worst, and a loss of the wrong sign, must show in the result."""
    right = _train(0)[-1]["return_cvar"]
    flipped = lambda *arguments: -ppo.surrogate(*arguments)  # noqa: E731
    assert _train(0, surrogate=flipped)[-1]["return_cvar"] < right - 3.0
    calls = []

    def best(returns, epsilon):
        calls.append(len(returns))
        return returns >= torch.quantile(returns, 1 - epsilon)

    _train(0, cvar_mask=best)
    assert calls == [64] * 25


def test_every_trajectory_gets_a_world_of_its_own():
    drawn = []

    def spy(rng, mean, sigma, low, high, n):
        drawn.append(n)
        return rng.uniform(low, high, n)

    config = epopt.EPOptConfig(
        epsilon=0.5,
        warmup_iterations=2,
        iterations=3,
        horizon=8,
        policy_optimization=CONFIG.policy_optimization,
    )
    _train(0, config, truncated_normal=spy)
    # warm-up: 2 x 16 steps of 8-step trajectories = 4 draws for each of the 64 simulations, where none falls
    assert sum(drawn[:-1]) >= 4 * 64 and drawn[-1] == 64
