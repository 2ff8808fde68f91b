"""RL2: advantages over whole trials, an update by the paper's words, and a bandit that it learns to solve."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv

from course_lib.core.memory import GRUMemory
from course_lib.core.seeding import seed_everything
from course_lib.core.trials import TrialCollector, carried, meta_input
from course_lib.meta import rl2
from course_lib.meta.rl2 import Agent, RL2Config, policy_for, train, trial_advantage, update


class Doors(VectorEnv):
    """Behind one of two doors is the reward: which one is the task; an episode is one try."""

    def __init__(self, n):
        self.num_envs, self.max_episode_steps = n, 1
        self.metadata = {"autoreset_mode": AutoresetMode.DISABLED}
        self.single_action_space, self.single_observation_space = Discrete(2), Box(0.0, 1.0, (1,))

    def set_params(self, params):
        self.door = params.door

    def reset(self, *, seed=None, options=None):
        return np.ones((self.num_envs, 1)), {}

    def step(self, actions):
        ended = np.ones(self.num_envs, dtype=bool)
        return np.ones((self.num_envs, 1)), (actions == self.door).astype(float), ended, ~ended, {}


def _doors(rng):
    return lambda n: SimpleNamespace(door=rng.integers(2, size=n))


def _agent(env, config, hidden=16):
    return Agent(policy_for(env, lambda inputs: GRUMemory(inputs, hidden)), config)


def _flags(*rows):
    return torch.tensor([[bool(int(c)) for c in row] for row in rows]).T


def _slow_advantage(reward, value, trial_ended, gamma, gae_lambda):
    # Sums of (gamma lambda)^k (r + gamma V' - V), typed out, up to the first end of a trial.
    steps, n = reward.shape
    advantage = torch.zeros_like(reward)
    for i in range(n):
        for t in range(steps):
            for k in range(t, steps):
                over = bool(trial_ended[k, i])
                future = 0.0 if over or k + 1 == steps else value[k + 1, i]
                delta = reward[k, i] + gamma * future - value[k, i]
                advantage[t, i] += (gamma * gae_lambda) ** (k - t) * delta
                if over:
                    break
    return advantage


def test_an_advantage_looks_over_the_ends_of_episodes_to_the_end_of_the_trial():
    rng = torch.Generator().manual_seed(0)
    reward, value = torch.randn(6, 2, generator=rng), torch.randn(6, 2, generator=rng)
    ended, trial_ended = _flags("010101", "001011"), _flags("000001", "001001")
    advantage = trial_advantage(reward, value, ended, trial_ended, 0.9, 0.7)
    torch.testing.assert_close(advantage, _slow_advantage(reward, value, trial_ended, 0.9, 0.7))
    no_ends = trial_advantage(reward, value, torch.zeros_like(ended), trial_ended, 0.9, 0.7)
    assert torch.equal(advantage, no_ends)


def test_without_discount_and_value_an_advantage_is_the_rest_of_the_trial():
    reward = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
    ended, trial_ended = _flags("0101"), _flags("0001")
    advantage = trial_advantage(reward, torch.zeros(4, 1), ended, trial_ended, 1.0, 1.0)
    assert advantage[:, 0].tolist() == [15.0, 14.0, 12.0, 8.0]


def test_the_first_gradient_is_that_of_reward_times_log_probability():
    # One pass over one part, before anything has moved: the clipped ratio is 1, and its gradient that of
    # REINFORCE with these advantages.
    rng = seed_everything(0)
    env, config = Doors(64), RL2Config(episodes=3, epochs=1, minibatches=1, max_grad_norm=1e9)
    agent = _agent(env, config)
    trials = TrialCollector(env, _doors(rng), 3, seed=0).collect(agent.policy)
    weight = torch.randn(3, 64)
    policy = agent.policy
    memory, total = policy.begin(64), 0.0
    for t in range(3):
        features, memory = policy.advance(trials.inputs[t], memory)
        total = total + (weight[t] * policy.log_prob_and_entropy(features, trials.action[t])[0]).sum()
    scaled = (weight - weight.mean()).abs().square().mean().sqrt()
    standard = torch.autograd.grad(total, policy.action[0].bias, retain_graph=True)[0]
    shift = torch.autograd.grad(
        sum(
            policy.log_prob_and_entropy(f, trials.action[t])[0].sum()
            for t, f in enumerate(_features(policy, trials))
        ),
        policy.action[0].bias,
    )[0]
    expected = -(standard - weight.mean() * shift) / (scaled + 1e-8) / weight.numel()
    seen = {}
    agent.optimizer.step = lambda: seen.update(gradient=policy.action[0].bias.grad.clone())
    update(agent, trials, config, rng, 0.0, trial_advantage=lambda *arguments: weight)
    torch.testing.assert_close(seen["gradient"], expected, atol=1e-6, rtol=1e-4)


def _features(policy, trials):
    memory = policy.begin(trials.inputs.shape[1])
    for inputs in trials.inputs:
        features, memory = policy.advance(inputs, memory)
        yield features


def test_what_waits_teaches_nothing():
    rng = seed_everything(0)
    env, config = Doors(8), RL2Config(episodes=3)
    trials = TrialCollector(env, _doors(rng), 3, seed=0).collect(_agent(env, config).policy)
    valid = trials.valid.clone()
    valid[2, :4] = False  # four of the trials were through after two episodes
    results = []
    for reward in (0.0, 100.0):
        rng = seed_everything(1)
        agent = _agent(env, config)
        changed = trials.reward.clone()
        changed[2, :4] = reward
        trial_ended = trials.trial_ended.clone()
        trial_ended[1, :4] = True
        update(
            agent,
            type(trials)(**{**vars(trials), "reward": changed, "valid": valid, "trial_ended": trial_ended}),
            config,
            rng,
            0.01,
        )
        results.append(torch.cat([p.detach().flatten() for p in agent.policy.parameters()]))
    assert torch.equal(*results)


def _collected(rule=carried, collections=1, **settings):
    """Trials of eight doors, the agent that acted, its settings, and the rng that is to shuffle."""
    rng = seed_everything(0)
    env, config = Doors(8), RL2Config(episodes=3, epochs=1, minibatches=1, **settings)
    agent = _agent(env, config)
    collector = TrialCollector(env, _doors(rng), 3, seed=0, carried=rule)
    for _ in range(collections):
        trials = collector.collect(agent.policy)
    return agent, trials, config, rng


def _gradients(agent, *arguments, **keywords):
    """Gradients of the first step of an update, by the parameter's name, and the update's record."""
    seen = {}
    agent.optimizer.step = lambda: seen.update(
        {name: p.grad.clone() for name, p in agent.policy.named_parameters()}
    )
    return seen, update(agent, *arguments, **keywords)


def test_the_value_learns_advantage_plus_value_in_units_of_all_targets_seen():
    agent, trials, config, rng = _collected(max_grad_norm=1e9)
    weight, features = torch.randn(3, 8), torch.stack(list(_features(agent.policy, trials)))
    with torch.no_grad():
        value = agent.policy.value(features)  # before a target was seen: the critic's own units
    target = weight + value
    gradients, record = _gradients(agent, trials, config, rng, 0.0, trial_advantage=lambda *given: weight)
    norm = agent.policy.return_norm
    torch.testing.assert_close(norm.mean[0], target.mean())
    torch.testing.assert_close(norm.var[0], target.var(unbiased=False))
    error = value - (target - target.mean()) / target.std(unbiased=False)
    assert record["value_loss"] == pytest.approx(float(error.square().mean()), rel=1e-5)
    torch.testing.assert_close(gradients["critic.0.bias"][0], error.mean())  # of half the square


def test_entropy_is_rewarded_and_long_gradients_are_cut():
    agent, trials, config, rng = _collected(max_grad_norm=1e9)
    nothing = lambda reward, *given: torch.zeros_like(reward)  # noqa: E731
    policy = agent.policy
    features = torch.stack(list(_features(policy, trials)))
    entropy = policy.log_prob_and_entropy(features, trials.action)[1].mean()
    (expected,) = torch.autograd.grad(entropy, policy.action[0].weight)
    gradients, record = _gradients(agent, trials, config, rng, 0.5, trial_advantage=nothing)
    torch.testing.assert_close(gradients["action.0.weight"], -0.5 * expected, atol=1e-7, rtol=1e-4)
    assert record["entropy"] == pytest.approx(entropy.item(), rel=1e-5)
    agent, trials, config, rng = _collected(max_grad_norm=1e-3)
    gradients, _ = _gradients(agent, trials, config, rng, 0.5)
    total = torch.cat([gradient.flatten() for gradient in gradients.values()]).norm()
    assert float(total) == pytest.approx(1e-3, rel=1e-3)


def test_what_was_seen_scales_inputs_and_what_waited_was_not_seen():
    agent, trials, config, rng = _collected()
    valid = trials.valid.clone()
    valid[2, :4] = False
    changed = {"obs": torch.randn(3, 8, 1), "reward": torch.randn(3, 8), "valid": valid}
    update(agent, type(trials)(**{**vars(trials), **changed}), config, rng, 0.0)
    for norm, seen in ((agent.policy.obs_norm, "obs"), (agent.policy.reward_norm, "reward")):
        torch.testing.assert_close(norm.mean[0], changed[seen][valid].mean())
        assert norm.count == 20


def test_an_update_reads_on_from_the_memory_with_which_was_acted(monkeypatch):
    agent, trials, config, rng = _collected(lambda memory, *ends: memory, collections=2)
    read, unrolled = [], rl2.unrolled
    monkeypatch.setattr(
        rl2, "unrolled", lambda policy, inputs, memory, *rest: read.append(memory) or
        unrolled(policy, inputs, memory, *rest)
    )  # fmt: skip
    update(agent, trials, config, rng, 0.0)
    assert trials.memory.all() and torch.equal(read[0], trials.memory)
    assert torch.equal(read[1].sort(0).values, trials.memory.sort(0).values)


def test_students_equations_are_those_that_act_and_learn():
    calls, given = [], []

    def own(equation):
        return lambda *arguments: calls.append(equation.__name__) or equation(*arguments)

    def advantage(*arguments):
        given.append(arguments[-2:])
        return trial_advantage(*arguments)

    rng = seed_everything(0)
    env = Doors(4)
    config = RL2Config(episodes=3, epochs=2, minibatches=1, gamma=0.7, gae_lambda=0.4)
    equations = {"meta_input": own(meta_input), "carried": own(carried), "trial_advantage": advantage}
    list(train(_agent(env, config), env, _doors(rng), config, 1, rng, **equations))
    assert calls[:6] == ["meta_input", "carried"] * 3
    assert calls[6:] == ["carried"] * 9  # before the update and in two passes, three steps each
    assert given == [(0.7, 0.4)]


def test_steps_and_entropy_bonus_fall_to_zero(monkeypatch):
    rng = seed_everything(0)
    env, config = Doors(4), RL2Config(learning_rate=0.4, entropy_bonus=0.8)
    agent, seen = _agent(env, config), []

    def spied(agent, trials, config, rng, bonus, **equations):
        seen.append((agent.optimizer.param_groups[0]["lr"], bonus))
        return {}

    monkeypatch.setattr(rl2, "update", spied)
    list(train(agent, env, _doors(rng), config, 4, rng))
    np.testing.assert_allclose(seen, [(0.4, 0.8), (0.3, 0.6), (0.2, 0.4), (0.1, 0.2)])


def test_a_policy_is_of_the_size_of_its_world():
    env = Doors(2)
    assert (policy_for(env, GRUMemory).discrete, policy_for(env, GRUMemory).action_size) == (True, 2)
    env.single_action_space, env.single_observation_space = Box(-1, 1, (3,)), Box(-1, 1, (5,))
    policy = policy_for(env, GRUMemory)
    assert (policy.discrete, policy.action_size, policy.obs_size) == (False, 3, 5)


def test_it_learns_to_try_one_door_and_remember():
    rng = seed_everything(0)
    env, config = Doors(256), RL2Config(episodes=4, gamma=1.0, gae_lambda=0.3, learning_rate=1e-2)
    agent = _agent(env, config)
    *_, last = train(agent, env, _doors(rng), config, 60, rng)
    assert last["iteration"] == 60 and last["steps"] == 60 * 256 * 4
    assert 0.4 < last["return_first"] < 0.6
    assert last["return_mean"] > 3.3 and last["return_last"] > 0.95  # at best 3.5


def test_the_same_seed_gives_the_same_agent():
    weights = []
    for _ in range(2):
        rng = seed_everything(3)
        env, config = Doors(16), RL2Config(episodes=2)
        agent = _agent(env, config)
        list(train(agent, env, _doors(rng), config, 2, rng))
        weights.append(torch.cat([p.detach().flatten() for p in agent.policy.parameters()]))
    assert torch.equal(*weights)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gamma": 1.1}, "gamma must be in"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
        ({"episodes": 0}, "episodes must be at least 1, got 0"),
        ({"entropy_bonus": -1.0}, "entropy_bonus must not be negative"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        RL2Config(**setting)
