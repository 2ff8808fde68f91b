"""PEARL: its losses one transition at a time, who teaches the encoder, and directions that it infers."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from course_lib.core import gaussian_belief
from course_lib.core.latent_policy import posterior_sampling, transition_of
from course_lib.core.seeding import seed_everything
from course_lib.core.task_replay import TaskBatch
from course_lib.envs import direction, grid_navi
from course_lib.meta import pearl

TASKS, K = 3, 4
FAMILY = direction.family()


def config_of(**changes):
    sizes = {"latent": 2, "horizon": 5, "meta_batch": 4, "context": 6, "batch_size": 7, "updates": 3}
    return pearl.PEARLConfig(**{**sizes, "hidden": (8,), **changes})


def world(n, tasks=None):
    return FAMILY.make_vec(n, tasks, autoreset_mode="Disabled", context_observed=False)


def drawn(tasks=TASKS, k=K):
    return TaskBatch(
        obs=torch.randn(tasks, k, 2),
        action=1.5 * torch.randn(tasks, k, 2),
        reward=torch.randn(tasks, k),
        next_obs=torch.randn(tasks, k, 2),
        terminated=torch.rand(tasks, k) < 0.3,
    )


@pytest.fixture
def agent():
    """Whose networks all say something."""
    seed_everything(0)
    agent = pearl.agent_for(world(1), config_of())
    with torch.no_grad():
        for net in (agent.actor.encoder.net, agent.actor.policy.net):
            net[-1].weight.copy_(0.3 * torch.randn_like(net[-1].weight))
            net[-1].bias.fill_(0.2)
    agent.target_critics.load_state_dict(pearl.agent_for(world(1), config_of()).critics.state_dict())
    agent.actor.obs_norm.observe(torch.randn(50, 2) + 0.5)
    return agent


def critic(critics, which, inputs):
    """One of the twins, layer by layer, for one input."""
    for layer, (weight, bias) in enumerate(zip(critics.weights, critics.biases, strict=True)):
        inputs = inputs @ weight[which] + bias[which, 0]
        inputs = inputs.relu() if layer + 1 < len(critics.weights) else inputs
    return inputs[0]


def slow_critic_loss(agent, batch, z, config, seed):
    """The paper's words: for every task its z, for every transition of it an error, and no gradient through
    what the critics should say."""
    tasks, k = batch.reward.shape
    scaled, scaled_next = (agent.actor.obs_norm.normalize(obs) for obs in (batch.obs, batch.next_obs))
    seen = torch.stack(
        [torch.cat([scaled_next[m, i], z[m].detach()]) for m in range(tasks) for i in range(k)]
    )
    torch.manual_seed(seed)
    with torch.no_grad():
        next_action, log_prob = agent.actor.policy.sample_with_log_prob(seen)
    total = 0.0
    for m in range(tasks):
        for i in range(k):
            then, drawn_there = torch.cat([seen[m * k + i], next_action[m * k + i]]), log_prob[m * k + i]
            with torch.no_grad():
                worst = min(critic(agent.target_critics, which, then) for which in (0, 1))
                future = 0.0 if batch.terminated[m, i] else worst - config.temperature * drawn_there
                target = batch.reward[m, i] + config.gamma * future
            here = torch.cat([scaled[m, i], z[m], batch.action[m, i].clamp(-1, 1)])
            for which in (0, 1):
                total = total + (critic(agent.critics, which, here) - target) ** 2
    return total / (tasks * k)


def test_the_critics_loss_and_what_it_teaches_are_those_of_one_transition_at_a_time(agent):
    config, batch = config_of(temperature=0.3, gamma=0.8), drawn()
    z = torch.randn(TASKS, 2, requires_grad=True)
    slow = slow_critic_loss(agent, batch, z, config, seed=5)
    torch.manual_seed(5)
    found = pearl.critic_loss(agent, batch, z, config)
    torch.testing.assert_close(found, slow)
    wanted = [z, *agent.critics.parameters()]
    slopes = torch.autograd.grad(found, wanted, retain_graph=True)
    for one, right in zip(slopes, torch.autograd.grad(slow, wanted), strict=True):
        torch.testing.assert_close(one, right)
    assert (slopes[0].abs() > 1e-4).all()
    others = [*agent.actor.policy.parameters(), *agent.target_critics.parameters()]
    for other in others:
        other.requires_grad_()
    assert all(slope is None for slope in torch.autograd.grad(found, others, allow_unused=True))


def test_the_policys_loss_is_its_own_and_teaches_the_encoder_nothing(agent):
    config, batch = config_of(temperature=0.3), drawn()
    z = torch.randn(TASKS, 2, requires_grad=True)
    torch.manual_seed(6)
    found, log_prob = pearl.policy_loss(agent, batch, z, config)
    torch.manual_seed(6)
    scaled = agent.actor.obs_norm.normalize(batch.obs)
    told = torch.stack([torch.cat([scaled[m, i], z[m].detach()]) for m in range(TASKS) for i in range(K)])
    action, right = agent.actor.policy.sample_with_log_prob(told)
    torch.testing.assert_close(log_prob, right)
    inputs = torch.cat([told, action], dim=1)
    worst = torch.stack([min(critic(agent.critics, which, each) for which in (0, 1)) for each in inputs])
    torch.testing.assert_close(found, (0.3 * right - worst).mean())
    (slope,) = torch.autograd.grad(found, [z], allow_unused=True)
    assert slope is None
    learned = [
        set(each.param_groups[0]["params"]) for each in (agent.policy_optimizer, agent.critic_optimizer)
    ]
    assert learned[0] == set(agent.actor.policy.parameters())
    assert learned[1] == {*agent.critics.parameters(), *agent.actor.encoder.parameters()}


@pytest.mark.parametrize("changes", [{}, {"kl_weight": 0.7}, {"stochastic": False, "kl_weight": 0.7}])
def test_an_update_teaches_encoder_and_critics_by_one_loss_and_the_policy_by_another(agent, changes):
    config, context, batch = config_of(**changes), drawn(k=6), drawn()
    for name in ("critic_optimizer", "policy_optimizer"):  # whose steps are the gradients
        (group,) = getattr(agent, name).param_groups
        setattr(agent, name, torch.optim.SGD(group["params"], lr=0.1))
    slow = copy.deepcopy(agent)
    torch.manual_seed(7)
    record = pearl.update(agent, context, batch, config)

    torch.manual_seed(7)
    precision, weighted = torch.ones(TASKS, 2), torch.zeros(TASKS, 2)
    for i in range(6):
        seen = (context.obs, context.action, context.reward, context.next_obs)
        mean, variance = slow.actor.encoder(transition_of(*(each[:, i] for each in seen)))
        precision, weighted = precision + 1 / variance, weighted + mean / variance
    mean, std = weighted / precision, precision.rsqrt()
    z = mean + std * torch.randn(TASKS, 2) if config.stochastic else mean
    kl = (0.5 * (std.square() + mean.square() - 1) - std.log()).sum(1).mean()
    loss = pearl.critic_loss(slow, batch, z, config)
    assert record["critic_loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    assert record["kl"].item() == pytest.approx(kl.item(), rel=1e-4)
    if config.stochastic:
        loss = loss + config.kl_weight * kl
    _step(loss, [*slow.critics.parameters(), *slow.actor.encoder.parameters()])
    loss, log_prob = pearl.policy_loss(slow, batch, z, config)
    assert record["policy_loss"].item() == pytest.approx(loss.item(), rel=1e-4)
    assert record["entropy"].item() == pytest.approx(-log_prob.mean().item(), rel=1e-4)
    _step(loss, list(slow.actor.policy.parameters()))
    with torch.no_grad():
        pairs = zip(slow.target_critics.parameters(), slow.critics.parameters(), strict=True)
        for slowly, now in pairs:
            slowly += config.polyak_rate * (now - slowly)
    for (name, one), right in zip(agent.state_dict().items(), slow.state_dict().values(), strict=True):
        torch.testing.assert_close(one, right, msg=lambda why, name=name: f"{name}: {why}")
    assert not any(value.requires_grad for value in record.values())


def _step(loss, parameters):
    with torch.no_grad():
        for value, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            value -= 0.1 * slope


def test_a_task_is_inferred_from_its_own_context_only(agent):
    context, batch, seen = drawn(k=6), drawn(), []

    def watched(agent, batch, z, config):
        seen.append(z.detach())
        return pearl.critic_loss(agent, batch, z, config)

    def z_of(context):
        pearl.update(copy.deepcopy(agent), context, batch, config_of(stochastic=False), critic_loss=watched)
        return seen[-1]

    before = z_of(context)
    context.reward[1] += 3.0
    after = z_of(context)
    moved = (before != after).all(1)
    assert moved.tolist() == [False, True, False]


@pytest.mark.parametrize("in_training", [False, True])
def test_a_students_functions_are_asked(agent, in_training):
    asked = []

    def noted(function):
        def students(*arguments):
            asked.append(function.__name__)
            return function(*arguments)

        return students

    functions = (gaussian_belief.posterior, gaussian_belief.kl_divergence, pearl.critic_loss)
    students, update = (
        {each.__name__: noted(each) for each in functions},
        [each.__name__ for each in functions],
    )
    if in_training:
        rng = np.random.default_rng(0)
        list(pearl.train(agent, world(1), FAMILY.sample(rng, 1), 1, config_of(), 2, rng, **students))
        assert asked == ["posterior", "posterior", "posterior", *update * 3] * 2
    else:
        pearl.update(agent, drawn(), drawn(), config_of(), **students)
        assert asked == update


class Diary:
    """What a training remembers and draws, seen from outside."""

    def __init__(self, monkeypatch, config, seen_reward=lambda reward: reward, count=5, width=2):
        self.gathered, self.updates = [], []
        episodes, update, sampling = pearl.episodes, pearl.update, pearl.posterior_sampling
        rng = seed_everything(3)
        self.env, self.tasks = world(width), FAMILY.sample(rng, count)
        self.agent = pearl.agent_for(self.env, config)

        def acted(*arguments):
            self.gathered.append((self.env.params.angle.copy(), episodes(*arguments)))
            return self.gathered[-1][1]

        def explored(*arguments, **options):
            happened = sampling(*arguments, **options)
            self.gathered += [(self.env.params.angle.copy(), data) for data in happened.data]
            return happened

        def updated(agent, context, batch, config, **functions):
            self.updates.append((len(self.gathered), context, batch))
            return update(agent, context, batch, config, **functions)

        monkeypatch.setattr(pearl, "episodes", acted)
        monkeypatch.setattr(pearl, "posterior_sampling", explored)
        monkeypatch.setattr(pearl, "update", updated)
        training = pearl.train(
            self.agent, self.env, self.tasks, count, config, 4, rng, seen_reward=seen_reward
        )
        self.rates, self.records = [], []
        for record in training:
            self.records.append(record)
            optimizers = self.agent.critic_optimizer, self.agent.policy_optimizer
            self.rates.append([each.param_groups[0]["lr"] for each in optimizers])

    def known(self, angle, before, last=None):
        """Observations and rewards of a task, gathered before so many episodes: all, or of its last few."""
        mine = [
            torch.cat([data.next_obs[:, n], data.reward[:, n, None]], dim=1)
            for angles, data in self.gathered[:before]
            for n in np.flatnonzero(angles == angle)
        ]
        return torch.cat(mine[-last:] if last else mine)


def rows(batch, m):
    return torch.cat([batch.next_obs[m], batch.reward[m, :, None]], dim=1)


def within(some, all_of_them):
    return (some[:, None] == all_of_them).all(-1).any(1)


def test_training_visits_tasks_and_draws_the_context_from_their_last_episodes(monkeypatch):
    config = config_of(episodes=2, context_episodes=2, warm_up=2)
    diary = Diary(monkeypatch, config)
    warm, later = diary.gathered[:6], diary.gathered[6:]
    assert {float(a) for angles, _ in warm for a in angles} == set(diary.tasks.angle.tolist())
    assert len(later) == 4 * 2 and all(len(set(angles.tolist())) == 2 for angles, _ in later)
    assert all((later[i][0] == later[i + 1][0]).all() for i in range(0, 8, 2))
    steady = torch.cat([data.action for _, data in warm], dim=1)  # one way all the time, another for each
    assert (steady.std(0) < 0.6).all() and steady.mean(0).abs().mean() > 0.3
    old, apart = 0, 0
    for before, context, batch in diary.updates:
        assert context.reward.shape == (4, 6) and batch.reward.shape == (4, 7)
        for m in range(4):
            every, angles = rows(batch, m), diary.tasks.angle
            (task,) = [angle for angle in angles if within(every, diary.known(angle, before)).all()]
            recent = diary.known(task, before, last=2)
            assert within(rows(context, m), recent).all()
            old += int((~within(every, recent)).sum())
            apart += int((~within(rows(context, m), every)).sum())
    assert len(diary.updates) == 4 * 3 and old > 20 and apart > 20


def test_a_record_says_what_was_done_and_the_rate_falls(monkeypatch):
    diary = Diary(monkeypatch, config_of(learning_rate=0.01))
    fields = {
        "iteration",
        "steps",
        "return_first",
        "return_mean",
        "critic_loss",
        "kl",
        "policy_loss",
        "entropy",
    }
    assert all(set(record) == fields for record in diary.records)
    assert [record["iteration"] for record in diary.records] == [1, 2, 3, 4]
    assert [record["steps"] for record in diary.records] == [30 + 2 * 2 * 5 * i for i in (1, 2, 3, 4)]
    for i, record in enumerate(diary.records):
        first, last = (data.returns.mean() for _, data in diary.gathered[3 + 2 * i : 5 + 2 * i])
        assert record["return_first"] == pytest.approx(float(first))
        assert record["return_mean"] == pytest.approx(float(last))
    np.testing.assert_allclose(diary.rates, np.array([[0.01, 0.0075, 0.005, 0.0025]] * 2).T)
    steps = sum(float(data.valid.sum()) for _, data in diary.gathered)
    assert diary.agent.actor.obs_norm.count == diary.agent.actor.encoder.norm.count == steps


def test_what_a_test_will_not_pay_is_hidden_from_the_encoder_only(monkeypatch):
    diary = Diary(monkeypatch, config_of(), seen_reward=lambda reward: 100.0 + reward)
    for before, context, batch in diary.updates:
        assert context.reward.min() > 90 and batch.reward.max() < 2
        shown = [100.0 + data.reward for _, data in diary.gathered[:before]]
        assert torch.isin(context.reward, torch.cat([each.flatten() for each in shown])).all()
    assert diary.agent.actor.encoder.norm.mean[4] == pytest.approx(100, abs=1)


def test_tasks_are_inferred_while_training_as_they_will_be_in_a_test(monkeypatch):
    given, sampling = [], pearl.posterior_sampling

    def watched(*arguments, **options):
        given.append((options["stochastic"], float(options["seen_reward"](torch.tensor(1.0)))))
        return sampling(*arguments, **options)

    monkeypatch.setattr(pearl, "posterior_sampling", watched)
    Diary(monkeypatch, config_of(stochastic=False), seen_reward=lambda reward: 100.0 + reward)
    Diary(monkeypatch, config_of())
    assert given == [(False, 101.0)] * 4 + [(True, 1.0)] * 4


def test_iterations_visit_other_tasks_drawn_anew(monkeypatch):
    diary = Diary(monkeypatch, config_of())
    visited = [tuple(angles) for angles, _ in diary.gathered[3::2]]
    assert len({angle for angles in visited for angle in angles}) > 2 and len(set(visited)) > 1


def test_the_same_seed_gives_the_same_numbers(monkeypatch):
    with monkeypatch.context() as once, monkeypatch.context() as again:
        first = Diary(once, config_of()).records
        again.undo()
        assert Diary(again, config_of()).records == first


def test_a_direction_is_inferred_from_one_episode():
    config = config_of(
        horizon=20, meta_batch=8, batch_size=32, context=32, updates=60, hidden=(32, 32), learning_rate=3e-3
    )
    rng, turn = seed_everything(0), np.linspace(0, 2 * np.pi, 120, endpoint=False)
    env, unseen = world(20), world(100, direction.DirectionParams(angle=turn[np.arange(120) % 6 != 0]))
    agent = pearl.agent_for(env, config)
    tasks = direction.DirectionParams(angle=turn[::6])
    *_, record = pearl.train(agent, env, tasks, 20, config, 8, rng)
    returns = posterior_sampling(agent.actor, unseen, 4, 20, rng).returns.mean(1)
    # On five seeds -1.7 to 1.9, 12.8 to 15.6, 15.0 to 20.4 and 15.2 to 21.2, of 25.5 that are possible.
    assert returns[0] < 5 and returns[1] > 9 and (returns[2:] > 12).all()
    assert record["kl"] > 2


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\], got 1.5"),
        ({"polyak_rate": 0.0}, r"polyak_rate must be in \(0, 1\], got 0.0"),
        ({"kl_weight": -1.0}, "kl_weight must not be negative, got -1.0"),
        ({"temperature": 0.0}, "temperature must be positive, got 0.0"),
        ({"context": 0}, "context must be at least 1, got 0"),
    ],
)
def test_settings_out_of_their_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        config_of(**setting)


def test_worlds_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"actions must lie in \[-1, 1\], got Discrete\(5\)"):
        pearl.agent_for(grid_navi.family().make_vec(1), config_of())
    wide = SimpleNamespace(
        single_action_space=Box(-2.0, 2.0, (1,)), single_observation_space=Box(-1.0, 1.0, (3,))
    )
    with pytest.raises(ValueError, match=r"actions must lie in \[-1, 1\], got Box\(-2.0, 2.0"):
        pearl.agent_for(wide, config_of())
    rng = np.random.default_rng(0)
    agent, tasks = pearl.agent_for(world(1), config_of()), FAMILY.sample(rng, 2)
    with pytest.raises(ValueError, match="2 tasks are fewer than the 3 simulations"):
        next(pearl.train(agent, world(3), tasks, 2, config_of(), 1, rng))
