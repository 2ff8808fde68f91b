"""EPOpt: each equation against its definition typed out, and a family on which it must learn."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from scipy import stats

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
    assert epopt.surrogate(new, old, advantage, keep, 0.2).item() == pytest.approx(total / count, rel=1e-5)


def test_transfer_grid_calls_once_and_puts_every_condition_in_its_cell():
    calls = []

    def evaluate(params):
        calls.append(params)
        return 100 * params["mass"] + params["friction"] + np.tile([-1.0, 1.0, 0.0], len(params["mass"]) // 3)

    grid = epopt.transfer_grid(evaluate, {"mass": [3, 6]}, {"friction": [1.5, 2.0, 2.5]}, repeats=3)
    np.testing.assert_allclose(grid, [[301.5, 302.0, 302.5], [601.5, 602.0, 602.5]])
    assert len(calls) == 1 and len(calls[0]["mass"]) == 18


def test_a_grid_has_two_axes():
    with pytest.raises(ValueError, match="each name one parameter"):
        epopt.transfer_grid(lambda p: 0, {"mass": [1], "friction": [2]}, {}, 1)


def test_log_likelihood_is_a_product_of_normal_densities():
    rng = np.random.default_rng(0)
    predicted, observed, scale = rng.normal(size=(3, 4, 2)), rng.normal(size=(4, 2)), np.array([0.5, 2.0])
    out = epopt.transition_log_likelihood(predicted, observed, scale)
    for k in range(3):
        for t in range(4):
            density = np.prod(
                [stats.norm(predicted[k, t, s], scale[s]).pdf(observed[t, s]) for s in range(2)]
            )
            assert out[k, t] == pytest.approx(np.log(density))


def test_the_posterior_is_the_exact_one_of_a_normal_model():
    """y_t ~ N(theta, 1), theta ~ N(0, 1), particles on a grid: N(sum y / (n + 1), 1 / (n + 1))."""
    theta = np.linspace(-6, 6, 4001)
    observed = np.random.default_rng(0).normal(1.3, 1.0, size=(25, 1))
    predicted = np.broadcast_to(theta[:, None, None], (4001, 25, 1))
    weights = epopt.posterior_weights(
        stats.norm.logpdf(theta), epopt.transition_log_likelihood(predicted, observed, np.ones(1))
    )
    mean = weights @ theta
    assert mean == pytest.approx(observed.sum() / 26, abs=1e-6)
    assert weights @ (theta - mean) ** 2 == pytest.approx(1 / 26, rel=1e-4)


def test_a_thousand_unlikely_transitions_do_not_underflow():
    weights = epopt.posterior_weights(
        np.zeros(3), np.full((3, 1000), -800.0) + np.array([[0.0], [-0.001], [-1.0]])
    )
    assert weights.sum() == pytest.approx(1.0) and weights[1] / weights[0] == pytest.approx(np.exp(-1.0))


@pytest.mark.parametrize("bad", [-np.inf, np.nan])
def test_particles_that_explain_nothing_are_refused(bad):
    with pytest.raises(ValueError, match="none of the 3 particles"):
        epopt.posterior_weights(np.zeros(3), np.full((3, 2), bad))


def test_a_diverged_particle_gets_no_weight():
    weights = epopt.posterior_weights(np.zeros(2), np.array([[-np.inf, 0.0], [-1.0, -1.0]]))
    assert weights.tolist() == [0.0, 1.0]


def test_no_evidence_leaves_the_prior():
    prior = np.log([0.2, 0.3, 0.5])
    np.testing.assert_allclose(epopt.posterior_weights(prior, np.zeros((3, 0))), [0.2, 0.3, 0.5])


def test_resampling_keeps_mean_and_variance_and_stays_within_bounds():
    rng = np.random.default_rng(0)
    particles = rng.normal([5.0, 0.0], [1.0, 0.1], size=(20_000, 2))
    weights = stats.norm(5.5, 0.7).pdf(particles[:, 0])
    weights /= weights.sum()
    mean = weights @ particles
    variance = weights @ (particles - mean) ** 2
    new = epopt.resample(rng, particles, weights, np.array([3.0, -9.0]), np.array([9.0, 9.0]))
    np.testing.assert_allclose(new.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(new.var(0), variance, rtol=0.05)
    assert len(np.unique(new[:, 0])) > 19_000  # not copies
    assert epopt.resample(rng, particles, weights, np.array([5.0, 0.0]), np.array([6.0, 1.0])).min() >= 0.0


def test_adaptation_finds_the_hidden_gain():
    rng = np.random.default_rng(0)
    obs, action = rng.normal(size=(30, 1)), rng.uniform(-1, 1, size=(30, 1))
    next_obs = obs + 0.73 * action + 0.01 * rng.standard_normal((30, 1))
    particles = FAMILY.sample(rng, 500).array(500)
    predict = lambda p, o, a: o[None] + p[:, None] * a[None]  # noqa: E731
    for part in np.split(np.arange(30), 3):
        trajectory = (obs[part], action[part], next_obs[part])
        particles, weights = epopt.adapt(
            rng,
            particles,
            np.zeros(500),
            predict,
            trajectory,
            np.array([0.01]),
            (np.array([0.1]), np.array([0.9])),
        )
    assert particles.mean() == pytest.approx(0.73, abs=0.01)
    assert weights.sum() == pytest.approx(1.0)


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
    flipped = lambda *arguments: -epopt.surrogate(*arguments)  # noqa: E731
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
