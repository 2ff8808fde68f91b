"""Acting on what may be true: one sample for an episode, and beliefs of all that was seen."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv

from course_lib.core.gaussian_belief import kl_divergence, posterior, prior
from course_lib.core.latent_policy import LatentPolicy, posterior_sampling
from course_lib.core.seeding import seed_everything


class Line(VectorEnv):
    """A point on a line, paid by the task; simulation n ends by itself after `ends[n]` steps."""

    def __init__(self, pay, ends):
        self.num_envs, self.pay, self.ends, self.seeds = len(pay), np.asarray(pay), np.asarray(ends), []
        self.metadata = {"autoreset_mode": AutoresetMode.DISABLED}
        self.single_action_space = Box(-1.0, 1.0, (1,))
        self.single_observation_space = Box(-np.inf, np.inf, (2,))

    def reset(self, *, seed=None, options=None):
        self.x, self.t = np.zeros(self.num_envs), 0
        self.seeds.append(seed)
        return self._obs(), {}

    def step(self, actions):
        self.x, self.t = self.x + actions[:, 0], self.t + 1
        no = np.zeros(self.num_envs, dtype=bool)
        return self._obs(), self.pay * actions[:, 0], self.t >= self.ends, no, {}

    def _obs(self):
        return np.stack([self.x, np.full(self.num_envs, self.t)], axis=1)


PAY, ENDS = [1.0, -2.0, 0.5], [6, 3, 5]


@pytest.fixture
def actor():
    """With an encoder that says something from the start."""
    seed_everything(0)
    actor = LatentPolicy(2, 1, latent=2, hidden=(8,))
    with torch.no_grad():
        actor.encoder.net[-1].bias.fill_(0.5)
        for layer in (actor.encoder.net[-1], actor.policy.net[-1]):
            layer.weight.copy_(torch.randn_like(layer.weight))
    return actor


def explored(actor, pay=PAY, ends=ENDS, seed=1, **options):
    rng = seed_everything(seed)
    return posterior_sampling(actor, Line(pay, ends), 3, 6, rng, **options)


def slow_belief(actor, episodes, n, seen=lambda reward: reward):
    """One transition after the other: precisions add up, from the prior's on."""
    precision, weighted = torch.ones(2), torch.zeros(2)
    for data in episodes:
        for t in range(len(data.obs)):
            if data.valid[t, n]:
                action = data.action[t, n].clamp(-1, 1)
                read = torch.cat([data.obs[t, n], action, seen(data.reward[t, n])[None], data.next_obs[t, n]])
                mean, variance = actor.encoder(read)
                precision, weighted = precision + 1 / variance, weighted + mean / variance
    return weighted / precision, 1 / precision


@pytest.mark.parametrize("seen", [lambda reward: reward, lambda reward: 10.0 * (reward > 0.2)])
def test_what_is_believed_is_what_all_episodes_of_the_task_say_and_the_prior_before_the_first(actor, seen):
    happened = explored(actor, seen_reward=seen)
    assert len(happened.data) == 3 and len(happened.beliefs) == 4
    assert (happened.beliefs[0].mean == 0).all() and (happened.beliefs[0].variance == 1).all()
    with torch.no_grad():
        for episode, belief in enumerate(happened.beliefs):
            for n in range(3):
                mean, variance = slow_belief(actor, happened.data[:episode], n, seen)
                torch.testing.assert_close(belief.mean[n], mean, atol=1e-5, rtol=1e-4)
                torch.testing.assert_close(belief.variance[n], variance, atol=1e-6, rtol=1e-4)
    for data in happened.data:  # what is shown to the encoder is nobody else's business
        torch.testing.assert_close(data.reward, torch.tensor(PAY) * data.action[..., 0], atol=1e-5, rtol=1e-5)
    steps = [data.valid.sum(0).tolist() for data in happened.data]
    assert steps == [ENDS] * 3


def test_one_sample_holds_for_a_whole_episode_and_differs_by_task_and_episode(actor, monkeypatch):
    acted_on, told = [], LatentPolicy.told

    def watched(self, obs, z):
        acted_on.append(z.clone())
        return told(self, obs, z)

    monkeypatch.setattr(LatentPolicy, "told", watched)
    happened = explored(actor)
    found = torch.stack(acted_on).unflatten(0, (3, 6))  # [E, T, N, Z]
    assert torch.equal(found, happened.z.unsqueeze(1).expand_as(found))
    assert len(happened.z.flatten(0, 1).unique(dim=0)) == 9


def test_samples_are_of_what_was_believed_before_the_episode(actor):
    many = 2000
    happened = explored(actor, pay=[1.0] * many, ends=[4] * many)
    for z, belief in zip(happened.z, happened.beliefs, strict=False):
        off = (z - belief.mean) / belief.variance.sqrt()
        torch.testing.assert_close(off.mean(0), torch.zeros(2), atol=0.1, rtol=0)
        torch.testing.assert_close(off.std(0), torch.ones(2), atol=0.08, rtol=0)


def test_without_chance_the_mean_is_acted_on_which_at_first_says_nothing(actor):
    happened = explored(actor, stochastic=False)
    for z, belief in zip(happened.z, happened.beliefs, strict=False):
        assert torch.equal(z, belief.mean)
    assert (happened.z[0] == 0).all() and (happened.z[1:].abs() > 1e-3).all()


def test_tasks_side_by_side_are_tasks_one_at_a_time(actor):
    options = {"stochastic": False, "greedy": True}
    together = explored(actor, **options)
    for n in range(3):
        alone = explored(actor, PAY[n : n + 1], ENDS[n : n + 1], **options)
        torch.testing.assert_close(together.returns[:, n], alone.returns[:, 0])
        torch.testing.assert_close(together.z[:, n], alone.z[:, 0])
        torch.testing.assert_close(together.beliefs[-1].variance[n], alone.beliefs[-1].variance[0])


def test_the_order_of_transitions_does_not_matter(actor):
    data = explored(actor).data[0]
    steps = [each[:, :1].transpose(0, 1) for each in (data.obs, data.action, data.reward, data.next_obs)]
    order = torch.randperm(6)
    once = posterior(*actor.evidence(*steps))
    again = posterior(*actor.evidence(*(each[:, order] for each in steps)))
    torch.testing.assert_close(once.mean, again.mean)
    torch.testing.assert_close(once.variance, again.variance)


def test_actions_are_read_as_the_world_took_them(actor):
    obs, reward = torch.randn(4, 2), torch.randn(4)
    wild, clipped = torch.tensor([[3.0], [-1.5], [0.3], [1.0]]), torch.tensor([[1.0], [-1.0], [0.3], [1.0]])
    for found, right in zip(
        actor.evidence(obs, wild, reward, obs), actor.evidence(obs, clipped, reward, obs), strict=True
    ):
        assert torch.equal(found, right)


def test_a_greedy_policy_takes_the_middle_and_z_counts(actor):
    obs, z = torch.randn(5, 2), torch.randn(5, 2)
    policy = actor.given(z, greedy=True)
    middle = actor.policy(torch.cat([obs, z], dim=-1))[0].tanh()
    torch.testing.assert_close(policy.sample(obs), middle)
    assert torch.equal(policy.sample(obs), policy.sample(obs))
    assert not torch.equal(actor.given(z).sample(obs), actor.given(z).sample(obs))
    assert not torch.allclose(actor.given(-z, greedy=True).sample(obs), middle)


def test_inputs_are_scaled_by_what_was_valid_only(actor):
    data = explored(actor).data[0]
    data.obs[~data.valid], data.reward[~data.valid] = 99.0, 99.0
    actor.observe(data)
    assert actor.obs_norm.count == actor.encoder.norm.count == sum(ENDS)
    torch.testing.assert_close(actor.obs_norm.mean, data.obs[data.valid].mean(0))
    torch.testing.assert_close(actor.encoder.norm.mean[3], data.reward[data.valid].mean())
    scaled = actor.told(data.obs[data.valid], torch.zeros(sum(ENDS), 2))[:, :2]
    torch.testing.assert_close(scaled.mean(0), torch.zeros(2), atol=1e-4, rtol=0)


def test_the_encoder_reads_what_is_scaled_as_it_was_observed(actor):
    data, read = explored(actor).data[0], []
    actor.observe(data)
    actor.encoder.net.register_forward_pre_hook(lambda net, inputs: read.append(inputs[0]))
    actor.evidence(*(each[data.valid] for each in (data.obs, data.action, data.reward, data.next_obs)))
    torch.testing.assert_close(read[0].mean(0), torch.zeros(6), atol=1e-4, rtol=0)
    torch.testing.assert_close(read[0].std(0, correction=0), torch.ones(6), atol=1e-3, rtol=0)


def test_every_episode_has_starts_of_its_own_and_nothing_is_learned_meanwhile(actor):
    env = Line(PAY, ENDS)
    happened = posterior_sampling(actor, env, 3, 6, np.random.default_rng(0))
    assert len(set(env.seeds)) == 3
    assert not any(each.requires_grad for each in (happened.z, happened.beliefs[-1].mean))


def test_a_students_belief_is_acted_on(actor):
    given = []

    def students(mean, variance):
        given.append(mean.shape)
        return posterior(mean, variance)

    happened = explored(actor, posterior=students)
    assert given == [(3, 0, 2), (3, 6, 2), (3, 12, 2), (3, 18, 2)]
    forgetful = explored(actor, posterior=lambda mean, variance: prior(3, 2))
    assert torch.equal(forgetful.z[0], happened.z[0]) and not torch.equal(forgetful.z[1], happened.z[1])


def test_the_same_seed_explores_the_same(actor):
    once, again, other = (explored(actor, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(once.z, again.z) and torch.equal(once.returns, again.returns)
    assert not torch.equal(once.z, other.z)


def test_at_first_a_transition_says_little_and_evidence_has_bounds():
    actor = LatentPolicy(2, 1, latent=3)
    obs = torch.randn(100, 2)
    mean, variance = actor.evidence(obs, torch.randn(100, 1), torch.randn(100), obs)
    assert mean.shape == variance.shape == (100, 3) and variance.min() > 5
    with torch.no_grad():
        actor.encoder.net[-1].bias[3:] = torch.tensor([-99.0, 0.0, 99.0])
    _, variance = actor.evidence(obs, torch.randn(100, 1), torch.randn(100), obs)
    low, high = torch.tensor(actor.encoder.log_variance_bounds).exp()
    assert (variance[:, 0] == low).all() and (variance[:, 2] == high).all()


def test_an_encoder_that_explains_observations_comes_to_the_exact_posterior():
    """y_i ~ N(theta, 1), theta ~ N(0, 1), and z explains the y: what maximizes the evidence's lower bound is
    the posterior of the textbook, mean sum(y) / (n + 1) and variance 1 / (n + 1)."""
    torch.manual_seed(0)
    actor = LatentPolicy(1, 1, latent=1, hidden=(32, 32))

    def drawn(tasks, n):
        return torch.randn(tasks, 1) + torch.randn(tasks, n)

    def believed(y):
        nothing = torch.zeros(*y.shape, 1)
        return posterior(*actor.evidence(nothing, nothing, y, nothing))

    optimizer = torch.optim.Adam(actor.encoder.parameters(), lr=1e-2)
    slower = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 300)
    for i in range(300):
        y = drawn(256, 1 + i % 10)
        belief, before = believed(y), prior(256, 1)
        explained = -0.5 * ((y - belief.mean).square() + belief.variance).sum(1)
        kl = kl_divergence(belief.mean, belief.variance, before.mean, before.variance)
        optimizer.zero_grad()
        (kl - explained).mean().backward()
        optimizer.step()
        slower.step()
    for n in (1, 2, 5, 10):
        y = drawn(4000, n)
        with torch.no_grad():
            belief = believed(y)
        right, std = y.sum(1, keepdim=True) / (n + 1), (n + 1) ** -0.5
        assert (belief.mean - right).square().mean().sqrt() < 0.2 * std  # 0.03 to 0.15 of it on five seeds
        assert belief.variance.mean().item() == pytest.approx(std**2, rel=0.03)
