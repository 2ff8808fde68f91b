"""MAML for RL: its log-probabilities, baseline and advantages are the slow ones, and a step of it adapts."""

import numpy as np
import pytest
import torch
from torch.func import functional_call

from course_lib.core.networks import GaussianPolicy
from course_lib.core.per_task import copies
from course_lib.core.rollout import Transitions
from course_lib.core.seeding import seed_everything
from course_lib.envs import grid_navi, navigation
from course_lib.meta import estimators, maml_rl
from course_lib.meta.maml import inner_step

TASKS, EACH, TIME = 3, 4, 6


@pytest.fixture
def policy():
    seed_everything(0)
    policy = GaussianPolicy(2, 2, hidden=(8,), log_std=-0.3)
    policy.obs_norm.observe(torch.randn(50, 2) + 1.0)
    return policy


@pytest.fixture
def scattered(policy):
    """Other parameters in every task."""
    return {
        name: (value + 0.3 * torch.randn_like(value)).detach().requires_grad_()
        for name, value in copies(policy, TASKS).items()
    }


def _data(ends=None) -> Transitions:
    n = TASKS * EACH
    ends = [TIME - 1] * n if ends is None else ends
    valid = torch.stack([torch.arange(TIME) <= end for end in ends], dim=1)
    ended = torch.stack([torch.arange(TIME) == end for end in ends], dim=1)
    obs = torch.randn(TIME, n, 2)
    return Transitions(
        obs=obs,
        action=torch.randn(TIME, n, 2),
        reward=torch.randn(TIME, n) + obs[..., 0],
        next_obs=torch.randn(TIME, n, 2),
        terminated=torch.zeros(TIME, n, dtype=torch.bool),
        ended=ended,
        valid=valid,
    )


def _world(tasks=TASKS, each=EACH):
    return navigation.family().make_vec(tasks * each, autoreset_mode="Disabled", context_observed=False)


def _one(parameters, task):
    return {name: value[task] for name, value in parameters.items()}


def test_the_inner_loss_is_minus_the_sum_over_tasks_of_the_mean_over_steps(policy, scattered):
    data = _data(ends=[5, 2, 5, 4] * TASKS)
    advantage = torch.randn(TIME, TASKS * EACH) * data.valid
    gathered = maml_rl.Experience(data=data, advantage=advantage, tasks=TASKS)
    loss = maml_rl.inner_loss(policy, gathered, estimators.score_function)(scattered)
    log_prob = maml_rl.InTasks(policy, scattered).log_prob(data.obs, data.action)
    by_task = [
        (log_prob * advantage)[:, mine].sum() / data.valid[:, mine].sum()
        for mine in (slice(task * EACH, (task + 1) * EACH) for task in range(TASKS))
    ]
    torch.testing.assert_close(loss, -torch.stack(by_task).sum())


def test_what_lies_beyond_the_end_of_an_episode_changes_nothing(policy):
    torch.manual_seed(3)
    data = _data(ends=[5, 2, 5, 4] * TASKS)
    other = Transitions(**vars(data))
    for values in (other.obs, other.action, other.reward):
        values[~data.valid] = 7.0
    found = []
    for each in (_data_like(data), other):
        advantage = maml_rl.advantages(policy, each, TASKS, 0.95, 0.9)
        gathered = maml_rl.Experience(data=each, advantage=advantage, tasks=TASKS)
        start = {name: value.requires_grad_() for name, value in copies(policy, TASKS).items()}
        rates = dict.fromkeys(start, 0.1)
        loss = maml_rl.inner_loss(policy, gathered, estimators.dice_advantage)
        found.append(inner_step(loss, start, rates))
    for name in found[0]:
        torch.testing.assert_close(found[0][name], found[1][name])


def _data_like(data):
    """The same, with zeros where nothing happened."""
    cut = {
        name: torch.where(data.valid.unsqueeze(-1) if value.ndim == 3 else data.valid, value, 0)
        for name, value in vars(data).items()
        if name in ("obs", "action", "reward")
    }
    return Transitions(**{**vars(data), **cut})


def _config(**changes):
    return maml_rl.MAMLRLConfig(
        **{"tasks": TASKS, "trajectories": EACH, "horizon": TIME, "hidden": (8,), **changes}
    )


@pytest.mark.parametrize(
    ("trained", "rates"), [(0, [0.5, 0.05, 0.05]), (1, [0.5, 0.05, 0.05]), (2, [0.5, 0.5, 0.05])]
)
def test_adapting_takes_the_steps_that_it_says_with_the_episodes_gathered_before_each(trained, rates):
    seed_everything(0)
    config, env = _config(inner_lr=0.5, inner_steps=trained), _world()
    agent = maml_rl.agent_for(env, config)
    maml_rl.set_tasks(env, navigation.family().sample(np.random.default_rng(0), TASKS), TASKS)
    happened = maml_rl.adapt(agent, env, TASKS, config, np.random.default_rng(0), steps=3, later_rate=0.1)
    assert happened.returns.shape == (4, TASKS) and len(happened.parameters) == 4
    for step, rate in enumerate(rates):
        start = {name: value.clone().requires_grad_() for name, value in happened.parameters[step].items()}
        loss = maml_rl.inner_loss(agent.policy, happened.experience[step], estimators.likelihood_ratio)(start)
        gradients = torch.autograd.grad(loss, list(start.values()))
        for (name, value), gradient in zip(start.items(), gradients, strict=True):
            torch.testing.assert_close(happened.parameters[step + 1][name], value.detach() - rate * gradient)
    for name, value in agent.policy.named_parameters():
        torch.testing.assert_close(happened.parameters[0][name], value.expand(TASKS, *value.shape))


@pytest.mark.parametrize(
    ("steps", "epochs", "surrogate", "changes"),
    [
        (1, 1, estimators.likelihood_ratio, {}),
        (1, 1, estimators.likelihood_ratio, {"first_order": True}),
        (2, 3, estimators.score_function, {"learned_rates": True, "clip_range": 0.02, "max_grad_norm": 0.1}),
    ],
)
def test_the_outer_steps_are_those_of_autograd_alone_one_task_after_the_other(
    steps, epochs, surrogate, changes
):
    seed_everything(1)
    config, env = _config(inner_lr=0.125, inner_steps=steps, epochs=epochs, **changes), _world()
    agent = maml_rl.agent_for(env, config)
    maml_rl.set_tasks(env, navigation.family().sample(np.random.default_rng(0), TASKS), TASKS)
    happened = maml_rl.adapt(agent, env, TASKS, config, np.random.default_rng(0), surrogate=surrogate)
    agent, happened = agent.double(), _in_double(happened)
    *before, after = happened.experience

    def log_prob(phi, data, mine):
        mean, log_std = functional_call(agent.policy, phi, (data.obs[:, mine],))
        return torch.distributions.Normal(mean, log_std.exp()).log_prob(data.action[:, mine]).sum(-1)

    def outer(theta, rates):
        total = 0.0
        for task in range(TASKS):
            mine, phi = slice(task * EACH, (task + 1) * EACH), theta
            for each in before:
                gain = surrogate(log_prob(phi, each.data, mine), each.advantage[:, mine]).mean()
                slope = torch.autograd.grad(gain, list(phi.values()), create_graph=not config.first_order)
                phi = {name: phi[name] + rates[name] * g for name, g in zip(phi, slope, strict=True)}
            advantage = after.advantage[:, mine]
            acted = log_prob(_one(happened.parameters[-1], task), after.data, mine).detach()
            ratio = (log_prob(phi, after.data, mine) - acted).exp()
            clipped = ratio.clamp(1 - config.clip_range, 1 + config.clip_range)
            total = total - torch.minimum(ratio * advantage, clipped * advantage).mean() / TASKS
        return total

    start = [
        {name: value.detach().clone().requires_grad_(value.requires_grad) for name, value in of}
        for of in (agent.policy.named_parameters(), agent.rates.named_parameters())
    ]
    wanted = [value for of in start for value in of.values() if value.requires_grad]
    lr = 5.0  # far enough to reach the clip
    for _ in range(epochs):
        slopes = torch.autograd.grad(outer(*start), wanted)
        norm = float(torch.cat([g.flatten() for g in slopes]).norm())
        with torch.no_grad():
            for value, g in zip(wanted, slopes, strict=True):
                value -= lr * g * min(1.0, config.max_grad_norm / norm)
    learned = [parameter for parameter in agent.parameters() if parameter.requires_grad]
    maml_rl.update(agent, torch.optim.SGD(learned, lr=lr), happened, config, surrogate=surrogate)
    for value, right in zip(learned, wanted, strict=True):
        torch.testing.assert_close(value.detach(), right.detach(), atol=1e-6, rtol=1e-5)


def test_an_update_says_how_far_the_policies_moved_and_then_takes_note_of_the_steps_that_happened(
    policy, scattered
):
    data = _data(ends=[5, 2, 5, 4] * TASKS)
    gathered = maml_rl.Experience(data=data, advantage=torch.zeros(TIME, TASKS * EACH), tasks=TASKS)
    acted = {name: value.detach() for name, value in scattered.items()}
    happened = maml_rl.Adaptation(experience=[gathered, gathered], parameters=[acted, acted])
    agent = maml_rl.AdaptivePolicy(policy)
    policies = [maml_rl.InTasks(policy, each) for each in (acted, copies(policy, TASKS))]
    with torch.no_grad():
        old, new = (each.log_prob(data.obs, data.action) for each in policies)
    seen = float(policy.obs_norm.count)
    record = maml_rl.update(agent, torch.optim.SGD(policy.parameters(), lr=1.0), happened, _config())
    right = maml_rl.per_task_mean(old - new, data.valid, TASKS).mean()
    assert record["kl"] == pytest.approx(float(right), rel=1e-4) and record["policy_loss"] == 0.0
    assert float(policy.obs_norm.count) == seen + 2 * float(data.valid.sum())


def _in_double(happened):
    def cast(value):
        return value.double() if torch.is_tensor(value) and value.is_floating_point() else value

    experience = [
        maml_rl.Experience(
            data=Transitions(**{name: cast(value) for name, value in vars(each.data).items()}),
            advantage=each.advantage.double(),
            tasks=each.tasks,
        )
        for each in happened.experience
    ]
    parameters = [{name: cast(value) for name, value in each.items()} for each in happened.parameters]
    return maml_rl.Adaptation(experience=experience, parameters=parameters)


def test_a_world_of_discrete_actions_is_refused():
    with pytest.raises(ValueError, match=r"actions are a Box, got Discrete\(5\)"):
        maml_rl.agent_for(grid_navi.family().make_vec(1), _config())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"gamma": 1.5}, r"gamma must be in \[0, 1\], got 1.5"),
        ({"inner_lr": 0.0}, "inner_lr must be positive, got 0.0"),
        ({"trajectories": 1}, "trajectories must be at least 2, got 1"),
        ({"inner_steps": -1}, "inner_steps must be at least 0, got -1"),
    ],
)
def test_settings_out_of_their_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        maml_rl.MAMLRLConfig(**setting)


def _trained(iterations, **changes):
    rng = seed_everything(0)
    config = _config(tasks=10, trajectories=10, horizon=20, epochs=3, learning_rate=5e-3, **changes)
    env, family = _world(10, 10), navigation.family()
    agent = maml_rl.agent_for(env, config)
    learned = [parameter for parameter in agent.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(learned, lr=config.learning_rate)

    def draw(n):
        return family.sample(rng, n)

    return list(maml_rl.train(agent, optimizer, env, draw, config, iterations, rng)), agent


def test_the_same_seed_gives_the_same_numbers():
    first, second = _trained(2)[0], _trained(2)[0]
    assert first == second


def test_training_draws_tasks_and_starts_anew_takes_a_students_functions_and_says_what_it_did(monkeypatch):
    config, env, family = _config(epochs=3, learning_rate=0.01, log_std=-1.5), _world(), navigation.family()
    agent, rng = maml_rl.agent_for(env, config), np.random.default_rng(0)
    assert (agent.policy.log_std == -1.5).all()
    called, drawn, seeds, rates, episodes = [], [], [], [], maml_rl.episodes

    def acted(env, policy, horizon, seed):
        seeds.append(seed)
        drawn.append(env.goals)
        return episodes(env, policy, horizon, seed)

    def students_step(*arguments):
        called.append("step")
        return inner_step(*arguments)

    def students_surrogate(*arguments):
        called.append("surrogate")
        return estimators.score_function(*arguments)

    monkeypatch.setattr(maml_rl, "episodes", acted)
    optimizer = torch.optim.Adam(agent.policy.parameters())
    functions = {"inner_step": students_step, "surrogate": students_surrogate}
    draws = (agent, optimizer, env, lambda n: family.sample(rng, n), config, 2, rng)
    for record in maml_rl.train(*draws, **functions):
        rates.append((record["iteration"], optimizer.param_groups[0]["lr"]))
    assert called == ["step", "surrogate"] * 8  # one to adapt, and three epochs, twice
    assert len(set(seeds)) == 4 and rates == [(1, 0.01), (2, 0.005)]
    assert (drawn[0] == drawn[1]).all() and (drawn[2] == drawn[3]).all() and (drawn[0] != drawn[2]).all()
    assert record["steps"] == 2 * 2 * TASKS * EACH * TIME


def test_meta_training_makes_one_step_worth_much():
    records, _ = _trained(40, inner_lr=0.5, hidden=(32,))
    before, after = (
        np.mean([record[name] for record in records[-10:]]) for name in ("return_before", "return_mean")
    )
    assert after > before + 2.5
    assert after > records[0]["return_mean"] + 1.0


def test_learned_rates_are_learned():
    _, agent = _trained(2, inner_lr=0.1, learned_rates=True)
    rates = torch.cat([rate.flatten() for rate in agent.rates.parameters()])
    assert (rates != 0.1).float().mean() > 0.9


def test_fixed_rates_stay_as_they_are():
    _, agent = _trained(2, inner_lr=0.1)
    assert all(torch.equal(rate, torch.full_like(rate, 0.1)) for rate in agent.rates.parameters())


def test_a_world_of_another_size_is_refused():
    config, env = _config(), _world(2, 2)
    agent = maml_rl.agent_for(env, config)
    optimizer = torch.optim.Adam(agent.policy.parameters())
    training = maml_rl.train(agent, optimizer, env, lambda n: None, config, 1, np.random.default_rng(0))
    with pytest.raises(ValueError, match="3 tasks of 4 trajectories need a world of 12 simulations, got 4"):
        next(training)


def test_what_was_recorded_does_not_move_with_the_policy():
    config, env = _config(), _world()
    agent = maml_rl.agent_for(env, config)
    maml_rl.set_tasks(env, navigation.family().sample(np.random.default_rng(0), TASKS), TASKS)
    happened = maml_rl.adapt(agent, env, TASKS, config, np.random.default_rng(0))
    recorded = happened.parameters[0]["log_std"]
    before = recorded.clone()
    with torch.no_grad():
        agent.policy.log_std += 1.0
    assert torch.equal(recorded, before) and not recorded.requires_grad


def test_what_a_test_will_not_pay_is_hidden_from_the_inner_steps_only(monkeypatch):
    seed_everything(0)
    config, env, judged = _config(), _world(), []
    agent, advantages = maml_rl.agent_for(env, config), maml_rl.advantages
    maml_rl.set_tasks(env, navigation.family().sample(np.random.default_rng(0), TASKS), TASKS)

    def watched(policy, data, *others):
        judged.append(data.reward)
        return advantages(policy, data, *others)

    monkeypatch.setattr(maml_rl, "advantages", watched)
    rng = np.random.default_rng(0)
    happened = maml_rl.adapt(
        agent, env, TASKS, config, rng, steps=2, seen_reward=lambda reward: 100.0 + reward
    )
    for step, (reward, gathered) in enumerate(zip(judged, happened.experience, strict=True)):
        torch.testing.assert_close(reward, gathered.data.reward + (100.0 if step < 2 else 0.0))
        assert (gathered.data.reward <= 0).all()  # what is told of the returns is what was paid
