"""VariBAD: the bound by the paper's words, whose gradients go where, and a bandit whose arm it infers."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from torch.distributions import Normal
from torch.distributions import kl_divergence as torch_kl

from course_lib.core.belief_policy import PlaceRewards
from course_lib.core.seeding import seed_everything
from course_lib.core.trials import TrialCollector
from course_lib.meta import varibad
from course_lib.meta.rl2 import RL2Config
from course_lib.meta.varibad import Agent, VariBADConfig, evidence_bound, policy_for, train, update_inference


class Doors(VectorEnv):
    """Two steps to left or right from the middle of three places; one side pays, which is the task."""

    def __init__(self, n):
        self.num_envs, self.max_episode_steps = n, 2
        self.metadata = {"autoreset_mode": AutoresetMode.DISABLED}
        self.single_action_space, self.single_observation_space = Discrete(2), Box(0.0, 1.0, (3,))
        self.place, self.time = np.ones(n, dtype=int), 0

    def set_params(self, params):
        self.side = params.side

    def reset(self, *, seed=None, options=None):
        self.place, self.time = np.ones(self.num_envs, dtype=int), 0
        return np.eye(3)[self.place], {}

    def step(self, actions):
        self.place, self.time = 2 * actions, self.time + 1
        ended = np.full(self.num_envs, self.time == 2)
        reward = np.where(self.place == 2 * self.side, 1.0, -0.1)
        return np.eye(3)[self.place], reward, np.zeros_like(ended), ended, {}


def _sides(rng):
    return lambda n: SimpleNamespace(side=rng.integers(2, size=n))


def _agent(n=64, **settings):
    rng, env = seed_everything(0), Doors(n)
    config = VariBADConfig(
        **{
            "policy": RL2Config(episodes=2, gamma=0.9, learning_rate=1e-2, epochs=2),
            "latent": 2,
            "hidden": 16,
            "updates": 4,
            **settings,
        }
    )
    return (
        Agent(policy_for(env, lambda z, units: PlaceRewards(z, 3, units), config), config),
        env,
        config,
        rng,
    )


def _collected(**settings):
    agent, env, config, rng = _agent(**settings)
    return agent, TrialCollector(env, _sides(rng), 2, seed=0).collect(agent.policy), config, rng


def _weights(module):
    return torch.cat([weight.detach().flatten().clone() for weight in module.parameters()])


def test_the_bound_is_the_papers_sum_over_past_and_future_and_over_the_beliefs():
    rng = torch.Generator().manual_seed(0)
    k, steps, n, latent, weight = 3, 4, 5, 2, 0.7
    log_prob = -torch.rand(k, steps, n, generator=rng)
    mean = torch.randn(steps + 1, n, latent, generator=rng)
    variance = torch.rand(steps + 1, n, latent, generator=rng) + 0.1
    valid = torch.ones(steps, n, dtype=torch.bool)
    valid[3, 2:] = False
    expected, moved = 0.0, 0.0
    for i in range(n):
        explained = [sum(log_prob[b, t, i] for t in range(steps) if valid[t, i]) for b in range(k)]
        price = 0.0
        for t in range(steps):
            if valid[t, i]:
                before = Normal(mean[t, i], variance[t, i].sqrt())
                price += torch_kl(Normal(mean[t + 1, i], variance[t + 1, i].sqrt()), before).sum()
        moved += price / (steps + 1) / n
        expected += (sum(explained) / k - weight * price / (steps + 1)) / n
    bound, kl = evidence_bound(log_prob, mean, variance, valid, weight)
    torch.testing.assert_close(bound, expected)
    torch.testing.assert_close(kl, moved)


def test_a_belief_that_stays_costs_nothing_and_every_reward_counts_the_same():
    log_prob = torch.zeros(1, 3, 1)
    mean, variance, valid = (
        torch.ones(4, 1, 2),
        torch.full((4, 1, 2), 0.3),
        torch.ones(3, 1, dtype=torch.bool),
    )
    assert evidence_bound(log_prob, mean, variance, valid, 1.0)[0] == 0.0
    for t in range(3):  # the first belief is as much to explain the last reward as the last one the first
        one = log_prob.clone()
        one[0, t] = -2.0
        assert evidence_bound(one, mean, variance, valid, 1.0)[0] == -2.0


def test_beliefs_are_decoded_from_the_prior_to_the_last_and_rewards_of_the_whole_trial():
    agent, trials, config, rng = _collected(decoded=5, updates=1)
    given = []

    def bound(log_prob, mean, variance, valid, weight):
        given.append((log_prob.shape, mean, variance, weight))
        return log_prob.mean(), log_prob.mean()

    agent.policy.decoder.register_forward_pre_hook(lambda decoder, inputs: given.append(inputs[0]))
    update_inference(agent, trials, config, rng, evidence_bound=bound)
    z, (shape, mean, variance, weight) = given
    assert shape == (5, 4, 64) and mean.shape == (5, 64, 2) and weight == config.kl_weight
    assert not mean[0].any() and (variance[0] == 1).all() and mean[1:].abs().amin(-1).min() > 0
    # Every belief is decoded once, in any order, and from a sample of it.
    off = (z.unsqueeze(1) - mean).abs().amax((-1, -2))  # [K, T + 1]
    assert off.min() > 1.0 and z.std(1).min() > 0.5


def test_the_reward_moves_only_the_policy_and_its_likelihood_only_encoder_and_decoder():
    agent, trials, config, rng = _collected()
    policy = agent.policy
    acting = [policy.action, policy.critic, policy.memory]
    inferring = [policy.encoder, policy.decoder]
    before = [_weights(part) for part in (*acting, *inferring)]
    update_inference(agent, trials, config, rng)
    after = [_weights(part) for part in (*acting, *inferring)]
    assert [torch.equal(*pair) for pair in zip(before, after, strict=True)] == [True] * 3 + [False] * 2
    assert all(weight.grad is None for weight in agent.inferring)
    told = policy.told(trials.obs, policy.memories(trials)[:-1])
    varibad.rl2.update(agent, replace(trials, inputs=told), config.policy, rng, 0.0)
    last = [_weights(part) for part in (*acting, *inferring)]
    assert [torch.equal(*pair) for pair in zip(after, last, strict=True)] == [False] * 3 + [True] * 2


def test_all_parameters_belong_to_one_optimizer():
    agent, *_ = _agent()
    both = [o.param_groups[0]["params"] for o in (agent.optimizer, agent.inference_optimizer)]
    known = [id(weight) for group in both for weight in group]
    assert sorted(known) == sorted(id(weight) for weight in agent.policy.parameters())


def test_the_policy_learns_from_what_it_was_told_when_it_acted(monkeypatch):
    agent, env, config, rng = _agent()
    told, acted = [], []
    advance = agent.policy.advance
    monkeypatch.setattr(
        agent.policy,
        "advance",
        lambda inputs, memory: (
            acted.append(agent.policy.told(inputs[:, :3], memory)) or advance(inputs, memory)
        ),
    )
    real = varibad.rl2.update
    monkeypatch.setattr(
        varibad.rl2,
        "update",
        lambda agent, trials, *a, **k: told.append(trials.inputs) or real(agent, trials, *a, **k),
    )
    list(train(agent, env, _sides(rng), config, 2, rng))
    torch.testing.assert_close(torch.cat(told), torch.stack(acted))


def test_it_infers_which_side_pays_and_goes_there():
    scores = []
    for seed in range(2):
        agent, env, config, _ = _agent(128, learning_rate=1e-2)
        rng = seed_everything(seed)
        scores.append(list(train(agent, env, _sides(rng), config, 40, rng))[-1])
        trials = TrialCollector(env, _sides(rng), 2, seed=1).collect(agent.policy)
        belief = agent.policy.encoder.belief(agent.policy.memories(trials))
        pays = agent.policy.decoder.probabilities(belief.mean)  # [T + 1, N, 3]
        side = torch.as_tensor(env.side).expand(5, -1).unsqueeze(-1)
        ahead = (pays.gather(-1, 2 * side) - pays.gather(-1, 2 - 2 * side)).squeeze(-1)
        assert (ahead[1:] > 0).float().mean() > 0.95
        assert ahead[0].mean().abs() < 0.2  # before the first step it knows nothing
    # The best: half of the trials are wrong once, which leaves 1.45, and then 2.
    assert min(score["return_first"] for score in scores) > 1.3
    assert min(score["return_last"] for score in scores) > 1.85


def test_the_same_seed_trains_the_same():
    weights = []
    for _ in range(2):
        agent, env, config, rng = _agent(16)
        records = list(train(agent, env, _sides(rng), config, 2, rng))
        weights.append(_weights(agent.policy))
    assert torch.equal(*weights)
    names = {
        "iteration",
        "steps",
        "return_mean",
        "return_first",
        "return_last",
        "evidence_bound",
        "kl",
        "entropy",
    }
    assert names <= set(records[0]) and [record["steps"] for record in records] == [64, 128]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent": 0}, "latent must be at least 1, got 0"),
        ({"updates": 0}, "updates must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
        ({"max_grad_norm": -1.0}, "max_grad_norm must be positive, got -1.0"),
        ({"kl_weight": -0.1}, "kl_weight must not be negative, got -0.1"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        VariBADConfig(**settings)
