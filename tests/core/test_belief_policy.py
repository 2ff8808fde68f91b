"""A policy on a belief: empty is the prior, it sees where a step led, and its beliefs can be recomputed."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch.distributions import Bernoulli, Normal

from course_lib.core.belief_policy import BeliefPolicy, PlaceRewards, StateRewards
from course_lib.core.trials import TrialCollector, Trials
from tests.core.test_trials import Clock


def _policy(discrete=True, obs_size=1):
    torch.manual_seed(0)
    policy = BeliefPolicy(obs_size, 2, discrete, lambda z, units: PlaceRewards(z, obs_size, units), 3, 8)
    torch.nn.init.normal_(policy.action[0].weight)  # what it is told matters from the start
    policy.reward_norm.observe(torch.tensor([[0.0], [2.0]]))
    return policy


def _trials(policy, episodes=2):
    collector = TrialCollector(Clock(), lambda n: SimpleNamespace(), episodes, seed=7)
    return collector.collect(policy)


def test_an_empty_memory_believes_the_prior():
    policy = _policy()
    belief = policy.encoder.belief(policy.begin(4))
    assert torch.equal(belief.mean, torch.zeros(4, 3)) and torch.equal(belief.variance, torch.ones(4, 3))


def test_a_belief_follows_from_action_reward_and_what_the_step_led_to_not_from_the_next_start():
    # Simulation 0's episodes have one step: it leads to time 1, and the next one starts at time 10.
    policy, seen = _policy(), []
    witness = policy.witness
    policy.witness = lambda memory, *step: seen.append(step) or witness(memory, *step)
    trials = _trials(policy)
    action, reward, next_obs = seen[0]
    assert next_obs[0].tolist() == [1.0] and trials.obs[1, 0].tolist() == [10.0]
    assert reward.tolist() == [1.0, 1.0, 1.0]
    assert torch.equal(action.argmax(-1).float(), trials.action[0, :, 0]) and (action.sum(-1) == 1).all()


@pytest.mark.parametrize("discrete", [True, False])
def test_the_memories_of_trials_are_those_that_were_acted_on(discrete, monkeypatch):
    policy, held = _policy(discrete), []
    if not discrete:
        monkeypatch.setattr(
            "course_lib.core.trials.as_taken", lambda action, env: (action[:, 0] > 0).astype("int64")
        )
        monkeypatch.setattr(TrialCollector, "_as_input", lambda self, action: action)
    advance = policy.advance
    policy.advance = lambda inputs, memory: held.append(memory) or advance(inputs, memory)
    trials = _trials(policy)
    memories = policy.memories(trials)
    assert memories.shape == (len(trials.valid) + 1, 3, 8)
    last = -1  # simulation 2, whose trial is the longest and never waits
    torch.testing.assert_close(memories[:-1, last], torch.stack(held)[:, last])
    assert (memories[2, last] - memories[1, last]).abs().max() > 1e-3  # the end of an episode empties nothing


def test_the_policy_is_told_the_whole_belief_and_gives_the_encoder_no_gradient():
    policy = _policy()
    obs, memory = torch.randn(5, 1), torch.randn(5, 8)
    told, belief = policy.told(obs, memory), policy.encoder.belief(memory)
    torch.testing.assert_close(told, torch.cat([obs, belief.mean, belief.variance.log()], -1).detach())
    assert not told.requires_grad
    assert torch.equal(told, policy.told(obs, memory))  # not a sample
    features, same = policy.advance(torch.cat([obs, torch.randn(5, 4)], -1), memory)
    log_prob, _ = policy.log_prob_and_entropy(features, torch.zeros(5, 1))
    (log_prob.sum() + policy.value(features).sum()).backward()
    assert all(weight.grad is None for weight in policy.encoder.parameters())
    assert policy.action[0].weight.grad.abs().sum() > 0 and torch.equal(same, memory)


def test_what_is_told_of_beliefs_is_scaled_by_those_that_were_held():
    policy, memory = _policy(), torch.randn(4, 50, 8)
    policy.observe_beliefs(memory)
    told = policy.told(torch.full((4, 50, 1), 7.0), memory).flatten(0, 1)
    assert (told[:, 0] == 7.0).all() and told.shape == (200, 7)
    torch.testing.assert_close(told[:, 1:].mean(0), torch.zeros(6), atol=1e-4, rtol=0.0)
    torch.testing.assert_close(told[:, 1:].std(0, unbiased=False), torch.ones(6), atol=1e-3, rtol=0.0)


def test_a_reward_is_as_likely_as_its_place_says():
    torch.manual_seed(0)
    decoder, (k, steps, n, places) = PlaceRewards(3, 5, 16), (2, 4, 6, 5)
    z, place = torch.randn(k, n, 3), torch.randint(places, (steps, n))
    reward = torch.where(torch.rand(steps, n) < 0.5, 1.0, -0.1)
    trials = SimpleNamespace(next_obs=torch.eye(places)[place], reward=reward)
    pays = decoder.probabilities(z)  # [K, N, places]
    log_prob = decoder(z, trials)
    for i in range(k):
        for t in range(steps):
            for j in range(n):
                expected = Bernoulli(pays[i, j, place[t, j]]).log_prob((reward[t, j] > 0).float())
                torch.testing.assert_close(log_prob[i, t, j], expected, atol=1e-5, rtol=1e-4)


def test_a_trial_that_is_through_believes_no_more():
    trials = _trials(_policy())
    assert isinstance(trials, Trials) and not trials.valid[-1, 0]
    assert not trials.memory.any()


def test_rewards_of_any_size_have_the_density_of_a_gaussian_whose_mean_hangs_on_z_and_on_where_a_step_led():
    torch.manual_seed(0)
    decoder, z = StateRewards(3, 2, 8), torch.randn(4, 5, 3)
    trials = SimpleNamespace(next_obs=torch.randn(6, 5, 2), reward=torch.randn(6, 5))
    with torch.no_grad():
        decoder.log_std.fill_(-0.7)
        log_prob = decoder(z, trials)
    assert log_prob.shape == (4, 6, 5)
    for k, t, n in ((0, 0, 0), (3, 5, 4), (2, 1, 3)):
        mean = decoder.net(torch.cat([z[k, n], trials.next_obs[t, n]]))
        expected = Normal(mean, torch.tensor(-0.7).exp()).log_prob(trials.reward[t, n])
        torch.testing.assert_close(log_prob[k, t, n], expected[0])
    decoder(z, trials).sum().backward()
    assert decoder.log_std.grad.abs() > 0.0  # how sure it can be is learned, too


def test_a_reward_that_is_known_exactly_does_not_outweigh_all_others():
    decoder = StateRewards(3, 2, 8)
    trials = SimpleNamespace(next_obs=torch.zeros(1, 1, 2), reward=torch.zeros(1, 1))
    with torch.no_grad():
        exact = decoder.net(torch.zeros(1, 5)).view(1, 1)
        decoder.log_std.fill_(-50.0)
        most = decoder(torch.zeros(1, 1, 3), SimpleNamespace(next_obs=trials.next_obs, reward=exact))
        assert most.item() == pytest.approx(3.0 - 0.5 * math.log(2 * math.pi))  # as if known to exp(-3)
        assert decoder(torch.zeros(1, 1, 3), trials).item() > -1e4
