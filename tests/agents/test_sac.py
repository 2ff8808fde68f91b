"""SAC: its equations by hand, who gets whose gradient, and a world that it must solve in seconds."""

import copy
import math

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from course_lib.agents import sac
from course_lib.core.replay import Batch
from course_lib.core.rollout import Collector, evaluate
from course_lib.core.seeding import seed_everything
from course_lib.envs.point import PointVectorEnv


def batch_of(size: int, obs_size: int = 3, action_size: int = 2, **changes) -> Batch:
    parts = {
        "obs": torch.randn(size, obs_size),
        "action": torch.rand(size, action_size) * 2 - 1,
        "reward": torch.randn(size),
        "next_obs": torch.randn(size, obs_size),
        "terminated": torch.zeros(size, dtype=torch.bool),
        "weight": torch.ones(size),
    }
    return Batch(**{**parts, **changes})


# Equations.


def test_soft_value_takes_the_smaller_critic_and_pays_for_entropy():
    value = sac.soft_value(torch.tensor([[2.0, 4.0], [3.0, 1.0]]), torch.tensor([-0.5, 0.5]), 0.2)
    assert value.tolist() == pytest.approx([2.0 + 0.1, 1.0 - 0.1])


def test_critic_loss_is_the_weighted_squared_error_of_both():
    q = torch.tensor([[1.0, 2.0], [3.0, 0.0]])
    loss = sac.critic_loss(q, torch.tensor([0.0, 1.0]), torch.tensor([1.0, 3.0]))
    assert loss.item() == pytest.approx((1 + 3 * 1) / 2 + (9 + 3 * 1) / 2)


def test_policy_loss_weighs_entropy_against_the_smaller_critic():
    loss = sac.policy_loss(
        torch.tensor([2.0, 0.0]), torch.tensor([[1.0, 5.0], [4.0, -1.0]]), 0.5, torch.ones(2)
    )
    assert loss.item() == pytest.approx(((1.0 - 1.0) + (0.0 + 1.0)) / 2)


def test_temperature_grows_while_the_policy_is_less_random_than_wanted():
    for entropy, sign in ((-3.0, -1.0), (1.0, 1.0)):  # wanted: -1 nat
        log_temperature = torch.tensor(0.0, requires_grad=True)
        sac.temperature_loss(log_temperature, torch.tensor([-entropy]), -1.0).backward()
        assert math.copysign(1.0, log_temperature.grad.item()) == sign


# Who gets whose gradient.


def test_one_update_moves_everything_once_and_the_slow_critics_a_little():
    torch.manual_seed(0)
    config = sac.SACConfig(polyak_rate=0.1)
    agent = sac.Agent(3, 2, config)
    before = copy.deepcopy(agent)
    sac.update(agent, batch_of(32), config)
    for part in ("policy", "critics", "target_critics"):
        pairs = zip(getattr(agent, part).parameters(), getattr(before, part).parameters(), strict=True)
        assert any(not torch.equal(new, old) for new, old in pairs), part
    assert agent.temperature != before.temperature
    for slow, old, fast in zip(
        *(module.parameters() for module in (agent.target_critics, before.target_critics, agent.critics)),
        strict=True,
    ):
        torch.testing.assert_close(slow, old + 0.1 * (fast - old))


def test_one_update_is_the_equations_written_out():
    """Plain descent, since the first step of Adam hides how large a gradient is; no number is a default."""
    torch.manual_seed(0)
    config = sac.SACConfig(
        gamma=0.9, temperature=0.3, polyak_rate=0.1, hidden=(8,), target_entropy_per_action=-0.7
    )
    agent = sac.Agent(3, 2, config)
    agent.log_temperature.data.fill_(math.log(0.5))  # by now it has moved from its setting
    for parameter in agent.target_critics.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    slow = copy.deepcopy(agent)
    agent.critic_optimizer = torch.optim.SGD(agent.critics.parameters(), lr=0.01)
    agent.policy_optimizer = torch.optim.SGD([*agent.policy.parameters(), agent.log_temperature], lr=0.01)
    batch = batch_of(16, terminated=torch.arange(16) % 3 == 0, weight=2 * torch.rand(16))
    torch.manual_seed(1)
    record = sac.update(agent, batch, config)

    def descend(parameters, loss):
        parameters = list(parameters)
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.data -= 0.01 * gradient

    torch.manual_seed(1)
    with torch.no_grad():
        next_action, next_log_prob = slow.policy.sample_with_log_prob(batch.next_obs)
        first, second = slow.target_critics(batch.next_obs, next_action)
        future = (1 - batch.terminated.float()) * (torch.minimum(first, second) - 0.5 * next_log_prob)
        target = batch.reward + 0.9 * future
    first, second = slow.critics(batch.obs, batch.action)
    loss = (batch.weight * ((first - target) ** 2 + (second - target) ** 2)).sum() / 16
    descend(slow.critics.parameters(), loss)
    action, log_prob = slow.policy.sample_with_log_prob(batch.obs)
    first, second = slow.critics(batch.obs, action)
    loss_pi = (batch.weight * (0.5 * log_prob - torch.minimum(first, second))).sum() / 16
    descend(slow.policy.parameters(), loss_pi)
    # d/d log temperature of -log temperature * (mean log pi + wanted entropy), of both actions together
    slow.log_temperature.data += 0.01 * (log_prob.detach().mean() - 2 * 0.7)
    for old, fast in zip(slow.target_critics.parameters(), slow.critics.parameters(), strict=True):
        old.data = 0.9 * old + 0.1 * fast.data
    for (name, found), expected in zip(agent.named_parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(found.data, expected.data, msg=lambda text, name=name: f"{name}: {text}")
    assert record["critic_loss"].item() == pytest.approx(loss.item(), rel=1e-4)
    assert record["entropy"].item() == pytest.approx(-log_prob.mean().item(), rel=1e-4)


def test_a_fixed_temperature_stays():
    config = sac.SACConfig(learn_temperature=False, temperature=0.3)
    agent = sac.Agent(3, 2, config)
    for _ in range(3):
        sac.update(agent, batch_of(16), config)
    assert agent.temperature == pytest.approx(0.3)


def test_the_critics_learn_nothing_from_the_policys_loss():
    """With a learning rate of the policy alone, critics of weight 0 stay where they are."""
    torch.manual_seed(0)
    config = sac.SACConfig()
    agent = sac.Agent(3, 2, config)
    before = [parameter.clone() for parameter in agent.critics.parameters()]
    policy_before = [parameter.clone() for parameter in agent.policy.parameters()]
    batch = batch_of(16)
    action, log_prob = agent.policy.sample_with_log_prob(batch.obs)
    loss = sac.policy_loss(log_prob, agent.critics(batch.obs, action), 0.1, batch.weight)
    sac.descend(loss, agent.policy_optimizer)
    torch.testing.assert_close(list(agent.critics.parameters()), before, rtol=0, atol=0)
    assert any(
        not torch.equal(new, old) for new, old in zip(agent.policy.parameters(), policy_before, strict=True)
    )


def test_transitions_of_weight_zero_teach_nothing():
    """A batch whose second half counts nothing gives the gradients of the first half alone."""
    torch.manual_seed(0)
    q, target, weight = torch.randn(2, 8), torch.randn(8), torch.tensor([2.0] * 4 + [0.0] * 4)
    torch.testing.assert_close(
        sac.critic_loss(q, target, weight), sac.critic_loss(q[:, :4], target[:4], torch.ones(4))
    )


def test_critics_find_the_exact_values_of_a_world_without_a_future():
    """With gamma = 0, Q(s, a) is the reward: here s0 * a0."""
    torch.manual_seed(0)
    config = sac.SACConfig(gamma=0.0, learning_rate=3e-3)
    agent = sac.Agent(1, 1, config)
    obs, action = torch.rand(512, 1) * 2 - 1, torch.rand(512, 1) * 2 - 1
    reward = (obs * action).squeeze(-1)
    data = batch_of(512, 1, 1, obs=obs, action=action, reward=reward, next_obs=obs)
    for _ in range(300):
        sac.update(agent, data, config)
    error = agent.critics(obs, action) - reward
    assert error.square().mean().sqrt().item() < 0.05
    # The best action has the sign of the state.
    acted = agent.policy.act(np.array([[-0.9], [0.9]]))
    assert acted[0, 0] < -0.5 and acted[1, 0] > 0.5


# Learning.


def point(n: int) -> PointVectorEnv:
    return PointVectorEnv(n, autoreset_mode=AutoresetMode.DISABLED)


def learned_return(seed: int, iterations: int) -> float:
    rng = seed_everything(seed)
    config = sac.SACConfig(gamma=0.95, steps=30, updates=25, random_steps=480, temperature=0.1)
    agent = sac.Agent(2, 3, config)
    for _ in sac.train(agent, point(16), config, iterations, rng):
        pass
    return float(evaluate(point(64), agent.policy.act, 30, seed=1).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_it_learns_to_drive_the_point(seed):
    # Standing still costs 60; both motors at full power reach the goal in 6 steps, and cost about 6.
    assert learned_return(seed, 25) > -12.0


def test_same_seed_same_numbers():
    assert learned_return(3, 3) == learned_return(3, 3) != learned_return(4, 3)


def test_the_record_holds_the_mean_of_the_last_hundred_episodes(monkeypatch):
    finished, real = [], Collector.collect

    def collect(self, policy, steps):
        data, returns = real(self, policy, steps)
        if isinstance(policy, sac.SquashedGaussianPolicy):  # not what fills the memory
            finished.extend(returns)
        return data, returns

    monkeypatch.setattr(Collector, "collect", collect)
    config = sac.SACConfig(steps=30, updates=1, random_steps=480, batch_size=8)
    for record in sac.train(sac.Agent(2, 3, config), point(16), config, 8, np.random.default_rng(0)):
        assert record["return_mean"] == pytest.approx(np.mean(finished[-100:]))
    assert len(finished) > 100


def test_the_memory_is_filled_with_at_least_the_asked_random_steps():
    torch.manual_seed(0)
    env = PointVectorEnv(4)  # resets by itself: its reset steps are no transitions
    replay = sac.Replay(1000, 2, 3)
    added = sac.fill(replay, Collector(env, seed=0), 150, 3)
    assert added == len(replay) >= 150


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gamma": -0.1}, r"gamma must be in \[0, 1\], got -0.1"),
        ({"polyak_rate": 0.0}, r"polyak_rate must be in \(0, 1\], got 0"),
        ({"temperature": 0.0}, "temperature must be positive"),
        ({"updates": 0}, "updates must be at least 1"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        sac.SACConfig(**setting)


def test_a_world_that_does_not_fit_is_refused_in_words():
    agent = sac.Agent(2, 3, sac.SACConfig())
    with pytest.raises(ValueError, match=r"shapes \(4,\) and \(3,\), the world has \(2,\) and \(3,\)"):
        next(sac.train(sac.Agent(4, 3, sac.SACConfig()), point(1), sac.SACConfig(), 1, seed_everything(0)))
    for name in ("Pendulum-v1", "CartPole-v1"):
        world = gymnasium.make_vec(name, num_envs=1, vectorization_mode="sync")
        with pytest.raises(ValueError, match=r"actions must lie in \[-1, 1\], got .* RescaleAction"):
            next(sac.train(agent, world, sac.SACConfig(), 1, seed_everything(0)))
