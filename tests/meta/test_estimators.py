"""Surrogates of the policy gradient, judged where all trajectories are known: nothing here is sampled."""

import numpy as np
import pytest
import torch
from torch.autograd import functional

from course_lib.core.tabular_trajectories import (
    action_values,
    all_trajectories,
    derivatives,
    expected_return,
    random_world,
)
from course_lib.meta import estimators

T, S, A = 3, 2, 2
D = S * A


class Exact:
    """A world, a policy, and all that is true of them."""

    def __init__(self, seed: int = 0, steps: int = T, gamma: float = 0.9):
        rng = np.random.default_rng(seed)
        self.world = random_world(rng, S, A, steps, gamma)
        self.logits = torch.from_numpy(rng.normal(size=(S, A)))
        self.all = all_trajectories(self.world)
        self.chances = self.all.probability(self.logits)
        self.later = self.all.still_to_come()
        self.q_values, self.values = action_values(self.world, self.logits)
        discount = gamma ** torch.arange(steps, dtype=torch.float64)[:, None]
        t = torch.arange(steps)[:, None]
        self.baseline = discount * self.values[t, self.all.states]
        self.advantage = self.later - self.baseline
        self.true_advantage = discount * self.q_values[t, self.all.states, self.all.actions] - self.baseline

    def objective(self, logits):
        return expected_return(self.world, logits)

    @property
    def gradient(self):
        return functional.jacobian(self.objective, self.logits).flatten()

    @property
    def hessian(self):
        return functional.hessian(self.objective, self.logits).reshape(D, D)

    def of(self, surrogate):
        """The expected first and second derivatives, and the total variance of each from one trajectory."""
        found = derivatives(self.all, self.logits, surrogate)
        means = [torch.tensordot(self.chances, each, 1) for each in (found.gradient, found.hessian)]
        spread = [
            float(self.chances @ (each - mean).square().flatten(1).sum(1))
            for each, mean in zip((found.gradient, found.hessian), means, strict=True)
        ]
        return *means, *spread


@pytest.fixture(scope="module")
def exact():
    return Exact()


def surrogates(exact, advantage):
    """All of them, by name."""
    return {
        "score_function": lambda log_prob: estimators.score_function(log_prob, advantage),
        "likelihood_ratio": lambda log_prob: estimators.likelihood_ratio(log_prob, advantage),
        "dice_advantage": lambda log_prob: estimators.dice_advantage(log_prob, advantage),
        "dice": lambda log_prob: estimators.dice(log_prob, exact.all.reward),
        "dice with a baseline": lambda log_prob: estimators.dice(log_prob, exact.all.reward, exact.baseline),
    }


def parts(exact):
    """The Hessian of J in three parts, from the exact action values: the paper's H2, H1 and H12 + H12^T."""
    own = exact.logits.expand(len(exact.chances), S, A).clone().requires_grad_()
    log_prob = exact.all.log_prob(own)
    q_of = functional.jacobian(lambda logits: action_values(exact.world, logits)[0], exact.logits)
    bend, outer, later = torch.zeros(3, D, D, dtype=torch.float64)
    for t in range(exact.world.steps):
        weight = exact.chances * exact.world.gamma**t  # [N]
        (score,) = torch.autograd.grad(log_prob[t].sum(), own, create_graph=True)
        score = score.flatten(1)  # [N, D]
        second = [torch.autograd.grad(one, own, retain_graph=True)[0].flatten(1) for one in score.sum(0)]
        score, visit = score.detach(), (t, exact.all.states[t], exact.all.actions[t])
        bend += torch.einsum("n,n,nij->ij", weight, exact.true_advantage[t] / exact.world.gamma**t,
                             torch.stack(second, 1))  # fmt: skip
        outer += torch.einsum("n,n,ni,nj->ij", weight, exact.q_values[visit] - exact.values[t, visit[1]],
                              score, score)  # fmt: skip
        later += torch.einsum("n,ni,nj->ij", weight, score, q_of[visit].flatten(1))
    return bend, outer, later + later.T


# --- means


def test_all_have_the_policy_gradient_for_their_first_derivative(exact):
    for advantage in (exact.later, exact.advantage, exact.true_advantage):
        for name, surrogate in surrogates(exact, advantage).items():
            torch.testing.assert_close(exact.of(surrogate)[0], exact.gradient, rtol=0, atol=1e-12, msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_dices_second_derivative_is_the_hessian_with_every_baseline_and_advantage(seed):
    exact = Exact(seed)
    guess = torch.from_numpy(np.random.default_rng(9).normal(size=(T, S)))[
        torch.arange(T)[:, None], exact.all.states
    ]  # of the state and the step, and otherwise wrong
    for surrogate in (
        lambda log_prob: estimators.dice(log_prob, exact.all.reward),
        lambda log_prob: estimators.dice(log_prob, exact.all.reward, exact.baseline),
        lambda log_prob: estimators.dice(log_prob, exact.all.reward, guess),
        lambda log_prob: estimators.dice_advantage(log_prob, exact.later),
        lambda log_prob: estimators.dice_advantage(log_prob, exact.later - guess),
        lambda log_prob: estimators.dice_advantage(log_prob, exact.true_advantage),
    ):
        torch.testing.assert_close(exact.of(surrogate)[1], exact.hessian, rtol=0, atol=1e-10)


def test_the_others_lack_exactly_their_parts_of_the_hessian(exact):
    bend, outer, later = parts(exact)
    torch.testing.assert_close(bend + outer + later, exact.hessian, rtol=0, atol=1e-12)
    found = surrogates(exact, exact.advantage)
    ratio, score = (exact.of(found[name])[1] for name in ("likelihood_ratio", "score_function"))
    torch.testing.assert_close(exact.hessian - ratio, later, rtol=0, atol=1e-12)
    torch.testing.assert_close(exact.hessian - score, outer + later, rtol=0, atol=1e-12)
    assert later.norm() > 0.05 * exact.hessian.norm() and outer.norm() > 0.5 * exact.hessian.norm()


def test_in_one_step_the_likelihood_ratio_is_all(exact):
    bandit = Exact(steps=1)
    hessian = bandit.of(surrogates(bandit, bandit.advantage)["likelihood_ratio"])[1]
    torch.testing.assert_close(hessian, bandit.hessian, rtol=0, atol=1e-12)


def test_a_softmax_table_leaves_the_score_function_no_second_derivative_of_its_own(exact):
    """grad^2 log pi is the same for every action there, and advantages have mean zero: so first order."""
    centred, raw = (
        exact.of(surrogates(exact, advantage)["score_function"])[1]
        for advantage in (exact.advantage, exact.later)
    )
    assert centred.abs().max() < 1e-12 < 0.05 < raw.abs().max()


# --- trajectory by trajectory


def test_dice_with_returns_for_advantages_is_dice(exact):
    found = surrogates(exact, exact.later)
    one, other = (derivatives(exact.all, exact.logits, found[name]) for name in ("dice", "dice_advantage"))
    torch.testing.assert_close(one.gradient, other.gradient)
    torch.testing.assert_close(one.hessian, other.hessian)


def test_values_are_rewards_and_nothing_flows_through_what_was_observed(exact):
    log_prob = exact.all.log_prob(exact.logits)
    learned = exact.advantage.clone().requires_grad_()
    for surrogate, value in (
        (estimators.dice(log_prob, learned), exact.advantage),
        (estimators.dice(log_prob, exact.all.reward, learned), exact.all.reward),
        (estimators.dice_advantage(log_prob, learned), torch.zeros_like(log_prob)),
        (estimators.likelihood_ratio(log_prob, learned), exact.advantage),
        (estimators.score_function(log_prob, learned), log_prob * exact.advantage),
    ):
        torch.testing.assert_close(surrogate, value)
        assert not surrogate.requires_grad


def test_steps_after_the_end_change_nothing_once_they_are_zero(exact):
    def padded(part):
        return torch.cat([part, torch.zeros(2, part.shape[1], dtype=part.dtype)])

    for name, surrogate in {
        "dice": lambda fill, lp: estimators.dice(lp, fill(exact.all.reward), fill(exact.baseline)),
        "dice_advantage": lambda fill, lp: estimators.dice_advantage(lp, fill(exact.advantage)),
        "likelihood_ratio": lambda fill, lp: estimators.likelihood_ratio(lp, fill(exact.advantage)),
    }.items():
        plain = derivatives(exact.all, exact.logits, lambda lp, f=surrogate: f(lambda part: part, lp))
        longer = derivatives(exact.all, exact.logits, lambda lp, f=surrogate: f(padded, padded(lp)))
        torch.testing.assert_close(longer.gradient, plain.gradient, msg=name)
        torch.testing.assert_close(longer.hessian, plain.hessian, msg=name)


def test_the_magic_box_is_one_and_all_its_derivatives_are_there():
    x = torch.tensor(-700.0, dtype=torch.float64, requires_grad=True)  # where exp(x) alone would vanish
    (first,) = torch.autograd.grad(value := estimators.magic_box(3.0 * x), x, create_graph=True)
    (second,) = torch.autograd.grad(first, x, create_graph=True)
    (third,) = torch.autograd.grad(second, x)
    assert [float(part) for part in (value.detach(), first.detach(), second.detach(), third)] == [
        1.0,
        3.0,
        9.0,
        27.0,
    ]


# --- variances


@pytest.mark.parametrize("seed", range(3))
def test_a_baseline_lowers_the_variance_and_leaving_terms_out_lowers_it_more(seed):
    exact = Exact(seed, steps=4)
    gradient, hessian = {}, {}
    for name, surrogate in surrogates(exact, exact.advantage).items():
        *_, gradient[name], hessian[name] = exact.of(surrogate)
    assert gradient["dice with a baseline"] < gradient["dice"]
    assert gradient["dice_advantage"] == pytest.approx(gradient["score_function"])
    assert hessian["dice_advantage"] < hessian["dice"]
    assert hessian["dice with a baseline"] < hessian["dice"]
    assert hessian["likelihood_ratio"] < 0.6 * hessian["dice_advantage"]


# --- E-MAML


def test_with_the_exploration_term_two_trajectories_are_enough_for_an_exact_meta_gradient():
    """Oracle: E J(theta + alpha g) over all pairs of trajectories that a step may be made of."""
    exact, alpha = Exact(steps=2), 0.7
    n = len(exact.chances)
    first, second = torch.cartesian_prod(torch.arange(n), torch.arange(n)).T

    def after(logits):  # J after the step from each pair, [n^2]
        own = logits.expand(n, S, A)
        surrogate = estimators.score_function(exact.all.log_prob(own), exact.later).sum()
        (step,) = torch.autograd.grad(surrogate, own, create_graph=True)
        adapted = logits + alpha * (step[first] + step[second]) / 2
        return torch.stack([exact.objective(each) for each in adapted])

    logits = exact.logits.clone().requires_grad_()
    chances = exact.all.probability(logits)
    pairs = chances[first] * chances[second]
    gained = after(logits)
    (right,) = torch.autograd.grad(pairs @ gained, logits, retain_graph=True)

    log_prob = exact.all.log_prob(logits)
    explored = sum(estimators.exploration_term(log_prob[:, each], gained).sum(0) for each in (first, second))
    (found,) = torch.autograd.grad(pairs.detach() @ (gained + explored), logits, retain_graph=True)
    torch.testing.assert_close(found, right, rtol=0, atol=1e-12)
    (without,) = torch.autograd.grad(pairs.detach() @ gained, logits)
    assert (without - right).norm() > 0.1 * right.norm()


def test_learning_the_full_derivative_finds_a_start_that_the_first_order_one_misses():
    """Two arms, one of which pays: from where does one step, whichever it is, earn most? From the middle."""
    rewards = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64)  # [M, A]
    ends = {}
    for name in ("likelihood_ratio", "first order"):
        start = torch.tensor([2.0, -2.0], dtype=torch.float64, requires_grad=True)
        for _ in range(60):
            total = 0.0
            for reward in rewards:
                log_pi = start.log_softmax(0)
                weight = log_pi.exp().detach()
                value = weight @ reward
                step = estimators.likelihood_ratio(log_pi[None], (reward - value)[None])[0] @ weight
                (gradient,) = torch.autograd.grad(step, start, create_graph=name != "first order")
                total = total + (start + 2.0 * gradient).softmax(0) @ reward
            (outer,) = torch.autograd.grad(total, start)
            start = (start + outer).detach().requires_grad_()
        ends[name] = float((start[0] - start[1]).detach().abs())
    assert ends["likelihood_ratio"] < 0.5 * ends["first order"]
