"""DANN and MMD: each equation against its definition typed out, and digits that it must read turned."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from course_lib.core.domains import turned_digits, turned_moons
from course_lib.core.seeding import seed_everything
from course_lib.transfer import dann


def _samples(n: int, m: int, size: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, size, generator=generator, dtype=torch.float64)
    return x, 0.5 + torch.randn(m, size, generator=generator, dtype=torch.float64)


# --- gradient reversal


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 2.5])
def test_reversal_is_the_identity_forward_and_minus_strength_backward(strength):
    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(4, 3, dtype=torch.float64)
    out = dann.reverse_gradient(x, strength)
    assert torch.equal(out, x)
    (out * weights).sum().backward()
    assert torch.equal(x.grad, -strength * weights)


def test_both_players_of_the_game_by_finite_differences():
    """The head descends its loss at full gradient; the features descend -strength times that loss."""
    strength, step = 0.3, 1e-6
    torch.manual_seed(0)
    model = dann.Model(3, 2, hidden=(4,), domain_hidden=(3,)).double()
    x, y = _samples(5, 6)

    def loss() -> torch.Tensor:
        return dann.domain_loss(model.domain_head(model.features(x)), model.domain_head(model.features(y)))

    dann.adversarial(model, model.features(x), model.features(y), strength).backward()
    for part, factor in ((model.features, -strength), (model.domain_head, 1.0)):
        for parameter in part.parameters():
            expected = torch.zeros_like(parameter)
            for i in range(parameter.numel()):
                flat = parameter.data.view(-1)
                flat[i] += step
                above = loss().item()
                flat[i] -= 2 * step
                below = loss().item()
                flat[i] += step
                expected.view(-1)[i] = factor * (above - below) / (2 * step)
            torch.testing.assert_close(parameter.grad, expected, atol=1e-7, rtol=1e-5)
    assert all(parameter.grad is None for parameter in model.label_head.parameters())


def test_domain_loss_is_the_cross_entropy_of_labels_0_and_1():
    source, target = _samples(6, 6, size=2)
    labels = torch.tensor([0] * 6 + [1] * 6)
    torch.testing.assert_close(
        dann.domain_loss(source, target), cross_entropy(torch.cat([source, target]), labels)
    )


def test_each_domain_counts_one_half_and_a_guess_costs_log_2():
    source, target = _samples(2, 9, size=2)
    repeated = torch.cat([source] * 4)
    torch.testing.assert_close(dann.domain_loss(source, target), dann.domain_loss(repeated, target))
    assert float(dann.domain_loss(torch.zeros(3, 2), torch.zeros(5, 2))) == pytest.approx(math.log(2.0))
    sure = torch.tensor([[9.0, -9.0]])
    assert float(dann.domain_loss(sure, -sure)) < 1e-6 < 9.0 < float(dann.domain_loss(-sure, sure))


# --- MMD


@pytest.mark.parametrize("kernel", [dann.linear_kernel, dann.gaussian_kernel(0.7)])
@pytest.mark.parametrize(("n", "m"), [(2, 2), (5, 3), (4, 8)])
def test_mmd_is_the_double_loop_without_pairs_of_one(kernel, n, m):
    x, y = _samples(n, m)
    k = lambda a, b: float(kernel(a[None], b[None]))  # noqa: E731
    expected = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    expected += sum(k(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    expected -= 2 * sum(k(a, b) for a in x for b in y) / (n * m)
    assert float(dann.mmd(x, y, kernel)) == pytest.approx(expected, abs=1e-12)


def test_gaussian_kernel_is_its_formula():
    x, y = _samples(5, 3)
    expected = [[math.exp(-float(((a - b) ** 2).sum()) / (2 * 0.7**2)) for b in y] for a in x]
    torch.testing.assert_close(dann.gaussian_kernel(0.7)(x, y), torch.tensor(expected, dtype=torch.float64))


def test_linear_mmd_is_the_squared_distance_of_the_means_less_its_expected_noise():
    x, y = _samples(7, 5)
    expected = (x.mean(0) - y.mean(0)).square().sum() - x.var(0).sum() / 7 - y.var(0).sum() / 5
    torch.testing.assert_close(dann.mmd(x, y), expected)


def test_linear_mmd_of_many_samples_is_the_squared_distance_of_the_means():
    x, y = _samples(3000, 3000)  # means 0 and 0.5 in three dimensions
    assert float(dann.mmd(x, y)) == pytest.approx(0.75, abs=0.1)


@pytest.mark.parametrize("kernel", [dann.linear_kernel, dann.gaussian_kernel(1.0)])
def test_the_mean_mmd_of_equal_distributions_is_zero(kernel):
    torch.manual_seed(0)
    found = np.array([float(dann.mmd(torch.randn(4, 2), torch.randn(6, 2), kernel)) for _ in range(4000)])
    assert abs(found.mean()) < 4 * found.std() / math.sqrt(len(found))
    assert (found < 0).mean() > 0.3


def test_mmd_of_one_and_the_same_sample_has_a_finite_gradient():
    x = torch.ones(4, 2, requires_grad=True)
    model = dann.Model(2, 2, hidden=(2,))
    for penalty in (dann.discrepancy, dann.mean_discrepancy):
        (gradient,) = torch.autograd.grad(penalty(model, x, x.clone(), 1.0), x)
        assert gradient.isfinite().all()


def test_gradient_of_the_mmd_reaches_both_sides_and_not_the_bandwidth():
    x, y = (part.requires_grad_() for part in _samples(6, 5))
    width = dann.median_distance(x, y)
    assert width == pytest.approx(float(torch.cdist(x, y).detach().median()))
    with_median = torch.autograd.grad(dann.discrepancy(None, x, y, 2.0), [x, y])
    with_constant = torch.autograd.grad(2.0 * dann.mmd(x, y, dann.gaussian_kernel(width)), [x, y])
    for found, expected in zip(with_median, with_constant, strict=True):
        torch.testing.assert_close(found, expected)
        assert found.abs().sum() > 0


def test_mmd_needs_two_samples_of_each_domain_and_a_positive_bandwidth():
    with pytest.raises(ValueError, match="at least 2 samples of each domain, got 1 of the target"):
        dann.mmd(torch.zeros(3, 2), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="bandwidth must be positive, got 0"):
        dann.gaussian_kernel(0.0)


# --- schedules and settings


def test_the_ramp_is_the_papers():
    assert dann.ramp(0.0) == 0.0
    for progress in (0.1, 0.37, 1.0):
        assert dann.ramp(progress, 7.0) == pytest.approx(2.0 / (1.0 + math.exp(-7.0 * progress)) - 1.0)
    assert dann.ramp(1.0) == pytest.approx(1.0, abs=1e-4)


def test_the_step_size_falls_as_the_papers():
    assert dann.annealed(0.1, 0.0) == 0.1
    assert dann.annealed(0.1, 1.0) == pytest.approx(0.1 / 11**0.75)


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", 0), ("batch_size", 1), ("learning_rate", 0.0), ("ramp_rate", -1.0), ("momentum", 1.0),
     ("strength", -0.1), ("strength", float("nan"))],
)  # fmt: skip
def test_settings_outside_their_range_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must .*{value}"):
        dann.DANNConfig(**{name: value})


# --- training

CONFIG = dann.DANNConfig(steps=30)


def _trained(config=CONFIG, seed=0, **equations):
    rng = seed_everything(seed)
    pair = turned_moons(rng)
    model = dann.Model(2, 2, hidden=(15, 15), domain_hidden=(15,))
    records = list(
        dann.train(
            model, pair.source.inputs, pair.source.labels, pair.target.inputs, config, rng, **equations
        )
    )
    return model, records, pair


def _same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("penalty", [dann.adversarial, dann.discrepancy, dann.mean_discrepancy])
def test_strength_zero_is_plain_training_on_the_source_bit_for_bit(penalty):
    config = dann.DANNConfig(steps=30, strength=0.0)
    found, _, _ = _trained(config, penalty=penalty)
    rng = seed_everything(0)
    pair = turned_moons(rng)
    plain = dann.Model(2, 2, hidden=(15, 15), domain_hidden=(15,))
    learned = [*plain.features.parameters(), *plain.label_head.parameters()]
    optimizer = torch.optim.SGD(learned, lr=0.1, momentum=0.9)
    for step in range(30):
        optimizer.param_groups[0]["lr"] = 0.1 / (1 + 10 * step / 30) ** 0.75
        batch, other = (rng.integers(300, size=64) for _ in range(2))
        both = plain.features(torch.cat([pair.source.inputs[batch], pair.target.inputs[other]]))
        loss = cross_entropy(plain.label_head(both[:64]), pair.source.labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert _same(found.features, plain.features) and _same(found.label_head, plain.label_head)


def test_same_seed_same_numbers():
    assert _trained()[1] == _trained()[1] != _trained(seed=1)[1]


def test_records_tell_the_step_and_the_strength_of_the_ramp():
    records = _trained(dann.DANNConfig(steps=10, strength=0.5, ramp_rate=4.0))[1]
    assert [record["step"] for record in records] == list(range(1, 11))
    expected = [0.5 * (2 / (1 + math.exp(-4 * k / 10)) - 1) for k in range(10)]
    assert [record["strength"] for record in records] == pytest.approx(expected)


def test_the_label_loss_sees_the_source_alone():
    """The record's label loss is that of the source batch under its own labels, before the step."""
    torch.manual_seed(0)
    model = dann.Model(2, 2, hidden=(4,))
    before = copy.deepcopy(model)
    source, target = torch.randn(8, 2), torch.randn(8, 2)
    labels = torch.arange(8) % 2
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    record = dann.update(model, optimizer, source, labels, target, 0.7, dann.adversarial)
    assert record["label_loss"] == pytest.approx(cross_entropy(before(source), labels).item(), rel=1e-5)
    # descent on the label loss, ascent on the domain loss, for the features; each head on its own loss
    label_loss = cross_entropy(before(source), labels)
    heads = [before.domain_head(before.features(x)) for x in (source, target)]
    domain_loss = 0.5 * (
        cross_entropy(heads[0], torch.zeros(8).long()) + cross_entropy(heads[1], torch.ones(8).long())
    )
    for part, loss in (
        ("features", label_loss - 0.7 * domain_loss),
        ("label_head", label_loss),
        ("domain_head", domain_loss),
    ):
        old, new = getattr(before, part), getattr(model, part)
        gradients = torch.autograd.grad(loss, list(old.parameters()), retain_graph=True)
        for p, q, gradient in zip(old.parameters(), new.parameters(), gradients, strict=True):
            torch.testing.assert_close(q, p - 0.1 * gradient)


def test_the_students_equations_are_the_ones_that_run():
    unreversed = partial(dann.adversarial, reverse_gradient=lambda features, strength: features)
    assert _trained(penalty=unreversed)[1][-1] != _trained()[1][-1]
    seen = []

    def constant(progress, rate):
        seen.append((progress, rate))
        return 1.0

    assert {record["strength"] for record in _trained(ramp=constant)[1]} == {1.0}
    assert seen == [(k / 30, 10.0) for k in range(30)]


def test_a_batch_of_another_width_is_refused_at_the_call():
    with pytest.raises(Exception, match="target_inputs"):
        dann.train(
            dann.Model(2, 2), torch.zeros(4, 2), torch.zeros(4).long(), torch.zeros(4, 3), CONFIG, None
        )


@pytest.mark.parametrize(("sources", "targets"), [(200, 3), (3, 200)])
def test_the_domains_may_differ_in_size_and_each_is_drawn_from_all_its_samples(sources, targets):
    seen = {"source": set(), "target": set()}
    model = dann.Model(1, 2)
    real = model.features.forward

    def features(inputs):
        seen["source"] |= set(inputs[:64, 0].tolist())
        seen["target"] |= set(inputs[64:, 0].tolist())
        return real(inputs)

    model.features.forward = features
    source, target = torch.linspace(0, 1, sources)[:, None], torch.linspace(2, 3, targets)[:, None]
    labels = torch.arange(sources) % 2
    list(dann.train(model, source, labels, target, dann.DANNConfig(steps=40), np.random.default_rng(0)))
    assert seen == {"source": set(source[:, 0].tolist()), "target": set(target[:, 0].tolist())}


def test_accuracy_counts_the_right_ones():
    model = lambda inputs: inputs  # noqa: E731
    assert dann.accuracy(model, torch.eye(4), torch.tensor([0, 1, 2, 0])) == 0.75


@pytest.mark.parametrize("penalty", [dann.adversarial, dann.mean_discrepancy])
def test_turned_digits_are_read_without_their_labels(penalty):
    """Each of two seeds: more of the target is right than after the same training on the source alone."""
    for seed in (10, 11):
        scores = []
        for strength in (0.0, 1.0):
            rng = seed_everything(seed)
            pair = turned_digits(rng)
            model = dann.Model(64, 10)
            config = dann.DANNConfig(strength=strength)
            data = pair.source.inputs, pair.source.labels, pair.target.inputs
            list(dann.train(model, *data, config, rng, penalty=penalty))
            assert dann.accuracy(model, pair.source_test.inputs, pair.source_test.labels) > 0.9
            scores.append(dann.accuracy(model, pair.target_test.inputs, pair.target_test.labels))
        assert scores[1] > scores[0] + 0.05, f"seed {seed}: {scores}"


def test_class_probabilities_are_the_softmax():
    model = dann.Model(2, 3)
    inputs = np.random.default_rng(0).normal(size=(5, 2))
    found = dann.class_probabilities(model, inputs)
    np.testing.assert_allclose(found.sum(1), 1.0, rtol=1e-5)
    logits = model(torch.tensor(inputs, dtype=torch.float32)).detach().numpy()
    np.testing.assert_allclose(found, np.exp(logits) / np.exp(logits).sum(1, keepdims=True), rtol=1e-4)
