"""DARC: the correction against known densities, who learns from what, a motor that it learns to avoid."""

import dataclasses

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from course_lib.agents import sac
from course_lib.core.networks import UniformPolicy
from course_lib.core.replay import Batch
from course_lib.core.rollout import Collector, evaluate
from course_lib.core.seeding import seed_everything
from course_lib.envs.arm import ArmVectorEnv
from course_lib.envs.point import PointParams, PointVectorEnv, log_density
from course_lib.transfer import darc


def point(n: int, **params) -> PointVectorEnv:
    return PointVectorEnv(n, autoreset_mode=AutoresetMode.DISABLED, **params)


def batch_of(obs, action, next_obs) -> Batch:
    n = len(obs)
    return Batch(
        obs=obs,
        action=action,
        reward=torch.randn(n),
        next_obs=next_obs,
        terminated=torch.zeros(n, dtype=torch.bool),
        weight=torch.ones(n),
    )


def random_transitions(n: int, seed: int, **params) -> Batch:
    """Transitions of the point world under random actions."""
    torch.manual_seed(seed)
    collector = Collector(point(50, **params), seed=seed)
    data, _ = collector.collect(UniformPolicy(3), -(-n // 50))
    return batch_of(*(part.flatten(0, 1)[:n] for part in (data.obs, data.action, data.next_obs)))


# The correction.


@pytest.mark.parametrize("share", [0.5, 0.1, 0.9])
def test_bayes_optimal_logits_of_gaussian_worlds_give_the_exact_log_ratio_at_any_balance(share):
    """s' ~ N(s + a, 0.3) in the source, N(s - a, 0.5) in the target; (s, a) differs between them, too."""
    rng = np.random.default_rng(0)
    s, a, after = rng.normal(size=(3, 400))

    def log_normal(x, mean, sigma):
        return -0.5 * ((x - mean) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))

    log_source, log_target = log_normal(after, s + a, 0.3), log_normal(after, s - a, 0.5)
    log_sa = np.stack(
        [np.log(1 - share) + log_normal(s, 0, 1), np.log(share) + log_normal(s, 0.7, 1.3)], axis=1
    )
    log_sas = log_sa + np.stack([log_source, log_target], axis=1)
    # Any constant may be added to the logits of a transition: softmax does not see it.
    shift = rng.normal(size=(400, 1))
    delta = darc.delta_reward(torch.tensor(log_sa + shift), torch.tensor(log_sas - 2 * shift), 1e6)
    np.testing.assert_allclose(delta.numpy(), log_target - log_source, rtol=0, atol=1e-10)


def test_the_short_form_is_the_four_terms():
    torch.manual_seed(0)
    sa, sas = torch.randn(2, 50, 2, dtype=torch.float64)
    log_sa, log_sas = sa.log_softmax(-1), sas.log_softmax(-1)
    four = log_sas[:, 1] - log_sa[:, 1] - log_sas[:, 0] + log_sa[:, 0]
    torch.testing.assert_close(darc.delta_reward(sa, sas), four)


def test_domains_swapped_negate_the_correction():
    torch.manual_seed(0)
    sa, sas = torch.randn(2, 50, 2)
    torch.testing.assert_close(darc.delta_reward(sa.flip(-1), sas.flip(-1)), -darc.delta_reward(sa, sas))


def test_saturated_logits_are_clipped_and_no_gradient_flows_back():
    sa = torch.zeros(3, 2, requires_grad=True)
    sas = torch.tensor([[1e4, -1e4], [-1e4, 1e4], [0.0, 3.0]], requires_grad=True)
    delta = darc.delta_reward(sa, sas, 7.0)
    assert delta.tolist() == [-7.0, 7.0, 3.0]
    assert not delta.requires_grad


# The classifiers.


def test_inputs_share_their_noise_and_have_none_where_it_is_zero():
    torch.manual_seed(0)
    obs, action, next_obs = torch.randn(4000, 2), torch.randn(4000, 3), torch.randn(4000, 2)
    clean_sa, clean_sas = darc.classifier_inputs(obs, action, next_obs, 0.0)
    assert torch.equal(clean_sas, torch.cat([obs, action, next_obs], -1))
    assert torch.equal(clean_sa, clean_sas[:, :5])
    sa, sas = darc.classifier_inputs(obs, action, next_obs, 0.5)
    assert torch.equal(sa, sas[:, :5])
    noise = sas - clean_sas
    torch.testing.assert_close(noise.std(0), torch.full((7,), 0.5), rtol=0.06, atol=0)
    assert (torch.corrcoef(noise.T) - torch.eye(7)).abs().max() < 0.08


def test_loss_is_the_cross_entropy_of_both():
    torch.manual_seed(0)
    sa, sas = torch.randn(2, 6, 2)
    is_target = torch.tensor([False, False, True, False, True, True])
    log_sa, log_sas = sa.log_softmax(-1), sas.log_softmax(-1)
    expected = -sum((log_sa[i, int(label)] + log_sas[i, int(label)]) / 6 for i, label in enumerate(is_target))
    torch.testing.assert_close(darc.classifier_loss(sa, sas, is_target), expected)


def test_the_second_classifier_teaches_the_first_nothing():
    torch.manual_seed(0)
    classifiers = darc.DomainClassifiers(2, 3, darc.DARCConfig())
    classifiers.sas(torch.randn(5, 7)).sum().backward()
    assert all(parameter.grad is None for parameter in classifiers.sa_net.parameters())
    assert any(parameter.grad.abs().sum() > 0 for parameter in classifiers.sas_net.parameters())


def test_where_the_next_state_adds_nothing_the_correction_is_zero():
    torch.manual_seed(0)
    classifiers = darc.DomainClassifiers(2, 3, darc.DARCConfig())
    for parameter in classifiers.sa_net.parameters():
        parameter.data.normal_()  # however sure the first classifier is
    for parameter in classifiers.sas_net[-1].parameters():
        parameter.data.zero_()
    delta = darc.correction(classifiers, torch.randn(9, 2), torch.randn(9, 3), torch.randn(9, 2), 10.0)
    assert torch.equal(delta, torch.zeros(9))


def test_the_classifiers_are_told_which_half_is_the_target_and_see_noise_only_in_training():
    config = darc.DARCConfig(noise_scale=0.3)
    classifiers = darc.DomainClassifiers(1, 1, config)
    seen = []

    def inputs(obs, action, next_obs, noise_scale):
        seen.append(noise_scale)
        return darc.classifier_inputs(obs, action, next_obs, 0.0)

    def loss(sa_logits, sas_logits, is_target):
        assert is_target.tolist() == [False] * 4 + [True] * 4
        return darc.classifier_loss(sa_logits, sas_logits, is_target)

    low, high = (batch_of(*torch.full((3, 4, 1), value)) for value in (-1.0, 1.0))
    for _ in range(300):
        record = darc.update_classifiers(classifiers, low, high, config, inputs, loss)
    assert record["classifier_accuracy"] == 1.0
    with torch.no_grad():
        logits = classifiers.sa(torch.ones(1, 2))
    assert logits[0, 1] > logits[0, 0] + 1.0  # at 1, where the target is, the target's logit is larger
    assert set(seen) == {0.3}
    darc.correction(classifiers, low.obs, low.action, low.next_obs, 10.0, classifier_inputs=inputs)
    assert seen[-1] == 0.0


def test_where_nothing_but_the_step_is_scaled_the_classifiers_see_standard_deviations():
    classifiers = darc.DomainClassifiers(2, 3, darc.DARCConfig())
    collector = Collector(point(16), seed=0)
    torch.manual_seed(0)
    data, _ = collector.collect(UniformPolicy(3), 30)
    classifiers.observe(data)
    parts = classifiers.normalize(*(part.flatten(0, 1) for part in (data.obs, data.action, data.next_obs)))
    assert [part.shape[1] for part in parts] == [2, 3, 2]
    for part in parts:
        torch.testing.assert_close(part.std(0, unbiased=False), torch.ones(part.shape[1]), rtol=1e-3, atol=0)


def trained_correction(target_motor: float, n: int = 3000, updates: int = 1500, seed: int = 0):
    """Learned and exact corrections on fresh source transitions, with classifiers trained on n of each."""
    rng = seed_everything(seed)
    source = random_transitions(n, seed + 1)
    target = random_transitions(n, seed + 2, first_motor=target_motor)
    config = darc.DARCConfig(noise_scale=0.02, classifier_hidden=(64, 64), limit=30.0)
    classifiers = darc.DomainClassifiers(2, 3, config)
    for batch in (source, target):
        classifiers.norm.observe(torch.cat([batch.obs, batch.action, batch.next_obs - batch.obs], -1))

    def half(batch: Batch) -> Batch:
        index = torch.from_numpy(rng.integers(n, size=128))
        return batch_of(batch.obs[index], batch.action[index], batch.next_obs[index])

    for _ in range(updates):
        darc.update_classifiers(classifiers, half(source), half(target), config)
    fresh = random_transitions(1000, seed + 3)
    learned = darc.correction(classifiers, fresh.obs, fresh.action, fresh.next_obs, config.limit).numpy()
    transition = [part.numpy() for part in (fresh.obs, fresh.action, fresh.next_obs)]
    exact = log_density(*transition, PointParams(first_motor=target_motor)) - log_density(
        *transition, PointParams()
    )
    return learned, exact


def test_trained_classifiers_correlate_with_the_exact_correction():
    learned, exact = trained_correction(target_motor=0.75, n=10_000, updates=3000)
    assert np.corrcoef(learned, exact)[0, 1] > 0.95
    assert abs(np.polyfit(exact, learned, 1)[0] - 1) < 0.3  # and are of its size, not only its shape


def test_identical_domains_are_corrected_by_nothing():
    learned, exact = trained_correction(target_motor=1.0, updates=300)
    assert np.all(exact == 0)
    assert np.abs(learned).mean() < 0.2


# What becomes of it.


def test_the_correction_is_paid_in_reward_per_nat_and_changes_nothing_else():
    batch = random_transitions(50, 0)
    delta = torch.randn(50)
    paid = darc.corrected(batch, delta, 0.3)
    torch.testing.assert_close(paid.reward, batch.reward + 0.3 * delta)
    for field in dataclasses.fields(Batch):
        if field.name != "reward":
            assert getattr(paid, field.name) is getattr(batch, field.name)


def test_importance_weights_are_the_density_ratio_with_mean_one():
    batch = random_transitions(50, 0)
    delta = torch.randn(50)
    weighted = darc.importance_weighted(batch, delta, 0.3)
    assert torch.equal(weighted.reward, batch.reward)
    assert weighted.weight.mean().item() == pytest.approx(1.0)
    torch.testing.assert_close(weighted.weight / weighted.weight[0], (delta - delta[0]).exp())


# The loop.

SMALL = darc.DARCConfig(
    iterations=60,
    warmup_iterations=10,
    target_every=10,
    policy_optimization=sac.SACConfig(
        gamma=0.95, temperature=0.2, learn_temperature=False, random_steps=480, steps=30, updates=25
    ),
)


def run(seed: int, config: darc.DARCConfig = SMALL, **equations):
    rng = seed_everything(seed)
    agent = sac.Agent(2, 3, config.policy_optimization)
    classifiers = darc.DomainClassifiers(2, 3, config)
    source, target = point(16), point(1, first_motor=-1.0)
    records = list(darc.train(agent, classifiers, source, target, config, rng, **equations))
    return agent, records


def in_target(agent: sac.Agent) -> float:
    return float(evaluate(point(64, first_motor=-1.0), agent.policy.act, 30, seed=1).mean())


def test_it_learns_to_leave_the_reversed_motor_alone_where_the_source_alone_goes_astray():
    corrected = [in_target(run(seed)[0]) for seed in (0, 1)]
    astray = in_target(run(0, delta_reward=lambda sa, sas, limit: torch.zeros(len(sa)))[0])
    # Without the first motor the best is -13; with it at full power the point runs the wrong way: -85.
    assert min(corrected) > -30.0
    assert astray < -60.0


def test_the_target_is_visited_as_rarely_as_asked():
    tiny = dataclasses.replace(SMALL, iterations=11, target_every=5, target_steps=7)
    records = run(0, tiny)[1]
    assert [record["target_steps"] for record in records] == [7] * 5 + [14] * 5 + [21]
    assert records[-1]["steps"] == 480 + 11 * 16 * 30


def test_the_statistics_of_the_inputs_are_those_of_both_domains():
    inside = dataclasses.replace(SMALL.policy_optimization, updates=1)
    tiny = dataclasses.replace(
        SMALL, iterations=2, target_every=1, target_steps=7, policy_optimization=inside
    )
    rng = seed_everything(0)
    classifiers = darc.DomainClassifiers(2, 3, tiny)
    agent = sac.Agent(2, 3, inside)
    for _ in darc.train(agent, classifiers, point(16), point(1, first_motor=-1.0), tiny, rng):
        pass
    assert classifiers.norm.count.item() == 2 * (16 * 30 + 7)


def test_no_correction_is_paid_before_the_warm_up_is_over():
    paid = []

    def use(batch, delta, temperature):
        paid.append(temperature)
        return batch

    config = dataclasses.replace(SMALL, iterations=5, warmup_iterations=3)
    run(0, config, use=use)
    assert paid == pytest.approx([0.2] * 2 * 25)


def test_the_policy_learns_from_source_transitions_only():
    """The target's point is far away: no batch that the policy learns from may come from there."""
    seen = []

    def use(batch, delta, temperature):
        seen.append((batch.next_obs - batch.obs)[:, 0] - 0.2 * batch.action[:, 0] - 0.15 * batch.action[:, 1])
        return batch

    run(0, dataclasses.replace(SMALL, iterations=3, warmup_iterations=0, target_every=1), use=use)
    # What the source's motors do not explain is noise of 0.02 m; a reversed motor would leave up to 0.4 m.
    assert torch.cat(seen).abs().max() < 0.15


def test_a_students_equations_are_the_ones_that_run():
    called = {}

    def spy(name):
        def call(*args):
            called[name] = args
            return getattr(darc, name)(*args)

        return call

    names = ("delta_reward", "classifier_inputs", "classifier_loss")
    config = dataclasses.replace(SMALL, iterations=1, limit=3.5)
    run(0, config, **{name: spy(name) for name in names})
    assert set(called) == set(names)
    assert called["delta_reward"][2:] == (3.5,)


@pytest.mark.parametrize(
    ("delta_reward", "got"),
    [
        (lambda sa, sas, limit: (sas - sa)[:, :1], r"shape \(256, 1\)"),
        (lambda sa, sas, limit: sas[:, 1] * torch.nan, "NaN or infinity"),
    ],
)
def test_a_correction_that_is_none_is_refused_in_words(delta_reward, got):
    with pytest.raises(ValueError, match=f"delta_reward must return 256 finite numbers.*{got}"):
        run(0, dataclasses.replace(SMALL, iterations=1), delta_reward=delta_reward)


def test_both_worlds_must_fit_the_agent():
    agent, classifiers = sac.Agent(2, 3, SMALL.policy_optimization), darc.DomainClassifiers(2, 3, SMALL)
    training = darc.train(agent, classifiers, point(1), ArmVectorEnv(1), SMALL, seed_everything(0))
    with pytest.raises(ValueError, match=r"the world has \(13,\)"):
        next(training)


def test_same_seed_same_numbers():
    config = dataclasses.replace(SMALL, iterations=3, warmup_iterations=1)
    assert run(1, config)[1] == run(1, config)[1] != run(2, config)[1]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"target_every": 0}, "target_every must be at least 1"),
        ({"noise_scale": -0.1}, "noise_scale must not be negative, got -0.1"),
        ({"limit": 0.0}, "limit must be positive"),
        ({"classifier_batch": 3}, "classifier_batch must be even and at least 2, got 3"),
    ],
)
def test_settings_out_of_range_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        darc.DARCConfig(**setting)
