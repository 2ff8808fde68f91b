"""C-learning: the loss by its formula, the exact answer as its fixed point, and small worlds learned."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from course_lib.core.seeding import seed_everything
from course_lib.core.tabular import best_future_density, future_density
from course_lib.multitask.c_learning import (
    Classifier,
    CLearningConfig,
    following,
    future_time,
    goal_policies,
    greedy,
    importance_weight,
    mc_classifier_loss,
    predicted_density,
    td_classifier_loss,
    train,
    train_monte_carlo,
)

QUICK = CLearningConfig(gamma=0.8, batch_size=512, iterations=20)


def quarters(rng, states=4, actions=2):
    """A world whose probabilities are whole quarters, as the four next states of each choice [S, A, 4]."""
    ways = rng.integers(states, size=(states, actions, 4))
    return ways, np.eye(states)[ways].mean(axis=2)


def seen(rng, dynamics, n):
    """Transitions of random actions in random states."""
    states, actions, _ = dynamics.shape
    state, action = rng.integers(states, size=n), rng.integers(actions, size=n)
    cumulative = dynamics[state, action].cumsum(axis=1)
    return state, action, (rng.random((n, 1)) > cumulative).sum(axis=1).clip(max=states - 1)


def finish(records):
    *_, last = records
    return last


# --- the equations


def test_the_weight_is_the_odds_averaged_over_the_policy_cut_off_and_without_gradient():
    logits = torch.tensor([[0.3, -2.0], [1.0, 0.0], [9.0, 0.0]], requires_grad=True)
    policy = torch.tensor([[0.25, 0.75], [0.0, 1.0], [1.0, 0.0]])
    c = torch.sigmoid(logits)
    slow = (policy * c / (1 - c)).sum(1)
    weight = importance_weight(logits, policy, 0.9)
    torch.testing.assert_close(weight[:2], slow[:2].detach())
    assert weight[1] == 1.0 and weight[2] == pytest.approx(10.0) and not weight.requires_grad


def test_the_loss_is_the_papers_with_weights_and_soft_labels():
    """Oracle: positives weigh 1 - gamma; random goals 1 + gamma w, labelled gamma w / (1 + gamma w)."""
    rng = torch.Generator().manual_seed(0)
    positive, negative = torch.randn(2, 64, generator=rng)
    weight, gamma = 3 * torch.rand(64, generator=rng), 0.7
    share = gamma * weight / (1 + gamma * weight)
    slow = (1 - gamma) * cross_entropy(positive, torch.ones(64), reduction="none")
    slow += (1 + gamma * weight) * cross_entropy(negative, share, reduction="none")
    torch.testing.assert_close(td_classifier_loss(positive, negative, weight, gamma), slow.mean())
    seen_future = cross_entropy(positive, torch.ones(64)) + cross_entropy(negative, torch.zeros(64))
    torch.testing.assert_close(mc_classifier_loss(positive, negative), seen_future)


@pytest.mark.parametrize("gamma", [0.0, 0.6, 0.8])
def test_where_the_classifier_is_right_nothing_changes_and_only_there(gamma):
    """Oracle: at C = p+ / (p+ + p) the loss over every possible transition and goal has no slope."""
    rng = np.random.default_rng(3)
    ways, dynamics = quarters(rng)
    policy = rng.dirichlet(np.ones(2), 4)
    goals = np.array([0, 0, 1, 2, 3])
    marginal = np.bincount(goals) / 5
    every = np.array(list(product(range(4), range(2), range(4), goals)))
    state, action, way, goal = torch.as_tensor(every.T)
    then = torch.as_tensor(ways)[state, action, way]
    exact = future_density(dynamics, policy, gamma) + 1e-12  # a goal out of reach has no finite logit

    def slope(gain):
        classifier = Classifier(4, 2)
        classifier.logits.data = torch.as_tensor(np.log(exact * gain / marginal))
        weight = importance_weight(classifier(then, goal), torch.as_tensor(policy)[then], gamma)
        rows = torch.arange(len(state)), action
        loss = td_classifier_loss(classifier(state, then)[rows], classifier(state, goal)[rows], weight, gamma)
        return torch.autograd.grad(loss, classifier.logits)[0].abs().max().item()

    assert slope(1.0) < 1e-7
    assert slope(1.3) > 1e-4


def test_the_future_is_geometric_from_the_next_state_on():
    rng = np.random.default_rng(0)
    later = future_time(np.zeros(20_000, dtype=int), 1000, 0.8, rng)
    share = np.bincount(later)[:5] / len(later)
    np.testing.assert_allclose(share, [0.0, 0.2, 0.16, 0.128, 0.1024], atol=0.01)
    time = rng.integers(10, size=500)
    assert (future_time(time, 10, 0.0, rng) == time + 1).all()
    later = future_time(time, 10, 0.99, rng)
    assert (later > time).all() and (later <= 10).all()
    with pytest.raises(ValueError, match="time must be at most 9 in a walk of 10 steps, got 10"):
        future_time(np.array([3, 10]), 10, 0.9, rng)


def test_the_greedy_policy_takes_the_likeliest_way_to_each_goal():
    classifier = Classifier(3, 2)
    classifier.logits.data[0, 1, 2] = classifier.logits.data[1, 0, 2] = 1.0
    state, goal = torch.tensor([0, 1]), torch.tensor([2, 2])
    assert greedy(classifier(state, goal), state, goal).tolist() == [[0.0, 1.0], [1.0, 0.0]]
    policies = goal_policies(classifier)
    assert policies.shape == (3, 3, 2) and policies[2, 0].tolist() == [0.0, 1.0]
    wants_nothing = following(np.array([[0.3, 0.7], [1.0, 0.0], [0.5, 0.5]]))
    np.testing.assert_allclose(wants_nothing(classifier(state, goal), state, goal), [[0.3, 0.7], [1.0, 0.0]])


# --- learning


def test_it_learns_where_another_policy_leads_from_transitions_of_random_actions():
    rng = seed_everything(0)
    _, dynamics = quarters(rng, states=5)
    policy = np.array([[0.9, 0.1], [0.1, 0.9], [0.7, 0.3], [1.0, 0.0], [0.2, 0.8]])
    state, action, then = seen(rng, dynamics, 4000)
    classifier, marginal = Classifier(5, 2), np.bincount(then, minlength=5) / 4000
    record = finish(train(classifier, state, action, then, QUICK, rng, following(policy)))
    exact, other = (future_density(dynamics, p, 0.8) for p in (policy, np.full((5, 2), 0.5)))
    predicted = predicted_density(classifier, marginal)
    assert np.abs(predicted - exact).max() < 0.06 < np.abs(predicted - other).max()
    np.testing.assert_allclose(predicted.sum(axis=2), 1.0, atol=0.06)
    assert record["iteration"] == 20 and record["weight_mean"] == pytest.approx(1.0, abs=0.15)


def test_its_greedy_policy_becomes_the_best_for_every_goal():
    rng = seed_everything(1)
    here = np.eye(5)  # a ring, on which every fifth step fails
    dynamics = np.stack([0.8 * np.roll(here, way, axis=1) + 0.2 * here for way in (1, -1)], axis=1)
    classifier = Classifier(5, 2)
    finish(train(classifier, *seen(rng, dynamics, 4000), QUICK, rng))
    best = best_future_density(dynamics, 0.8)
    for goal, policy in enumerate(goal_policies(classifier)):
        reached = future_density(dynamics, policy, 0.8)[:, :, goal]
        np.testing.assert_allclose(reached, best[:, :, goal], rtol=1e-9)


def test_looking_ahead_in_a_walk_learns_where_the_walk_leads():
    rng = seed_everything(2)
    _, dynamics = quarters(rng)
    states, actions = [0], rng.integers(2, size=6000)
    for action in actions:
        states.append(int(rng.choice(4, p=dynamics[states[-1], action])))
    states = np.array(states)
    classifier = Classifier(4, 2)
    finish(train_monte_carlo(classifier, states, actions, QUICK, rng))
    marginal = np.bincount(states[1:], minlength=4) / 6000
    never_again, once = np.array([3, 0, 1, 2, 0, 1, 2]), Classifier(4, 2)  # a walk leads nowhere to its start
    finish(train_monte_carlo(once, never_again, np.zeros(6, int), QUICK, rng))
    assert (once.logits[..., 3] == 0).all() and (once.logits[:3, 0, :3] != 0).any()
    visited = np.bincount(states[:-1], minlength=4) > 100
    exact = future_density(dynamics, np.full((4, 2), 0.5), 0.8)
    assert np.abs(predicted_density(classifier, marginal) - exact)[visited].max() < 0.06


def test_the_equations_given_are_those_that_are_used_and_the_seed_decides():
    state, action, then = seen(np.random.default_rng(0), quarters(np.random.default_rng(0))[1], 100)
    config = CLearningConfig(iterations=2, updates=2, batch_size=8)

    def learned(**equations):
        classifier = Classifier(4, 2)
        finish(train(classifier, state, action, then, config, np.random.default_rng(0), **equations))
        return classifier.logits.detach()

    assert (learned() == learned()).all()
    for name, other in (
        ("importance_weight", lambda logits, policy, gamma: torch.zeros(len(logits))),
        ("td_classifier_loss", lambda *args: 2 * args[1].square().mean()),
    ):
        assert (learned(**{name: other}) != learned()).any(), name
    asked, classifier = [], Classifier(4, 2)

    def policy(logits, state, goal):  # of the next state, and on the way to the goal that is judged
        assert torch.equal(logits, classifier.logits.detach()[state, :, goal])
        asked.append((state, goal))
        return greedy(logits, state, goal)

    longer = CLearningConfig(iterations=5, batch_size=64)
    finish(train(classifier, state, action, then, longer, np.random.default_rng(0), policy))
    states, goals = (torch.cat(column) for column in zip(*asked, strict=True))
    assert (states != goals).any() and classifier.logits.std() > 0.1
    walk, classifier = np.arange(5) % 4, Classifier(4, 2)
    given = {"mc_classifier_loss": lambda future, random: 0 * future.mean()}
    finish(train_monte_carlo(classifier, walk, np.zeros(4, int), config, np.random.default_rng(0), **given))
    assert (classifier.logits == 0).all()


def test_what_cannot_be_learned_from_says_why():
    with pytest.raises(ValueError, match=r"gamma must be in \[0, 1\), got 1.0"):
        CLearningConfig(gamma=1.0)
    for name in ("learning_rate", "batch_size", "updates", "iterations"):
        with pytest.raises(ValueError, match=f"{name} must be"):
            CLearningConfig(**{name: 0})
    rng, none = np.random.default_rng(0), np.zeros(0, int)
    with pytest.raises(ValueError, match=r"same number of entries, got \[0, 0, 0\]"):
        finish(train(Classifier(4, 2), none, none, none, QUICK, rng))
    with pytest.raises(ValueError, match=r"same number of entries, got \[4, 5, 4\]"):
        finish(train_monte_carlo(Classifier(4, 2), np.zeros(5, int), np.zeros(5, int), QUICK, rng))
