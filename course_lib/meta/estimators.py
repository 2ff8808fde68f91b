"""Surrogates for the gradient through a policy-gradient step: right once, and right once more.

The inner step of MAML takes grad J, and the outer one differentiates that: it asks the same trajectories for
the Hessian of J. A surrogate is an expression whose derivatives are estimates of J's. All of these have the
same first derivative, the policy gradient. They part at the second, because actions were drawn by a policy
that the parameters move: whoever differentiates twice must differentiate through the drawing twice.

    surrogate          second derivative (times A)                    what it lacks of the Hessian of J
    score_function     grad^2 log pi                                  all that comes from the drawing
    likelihood_ratio   grad^2 log pi + score score^T                  what an action does to later actions
    dice               these, and products of scores of two steps     nothing; it varies more

Each function returns a number per step, to be summed over steps, averaged over trajectories and maximized.

A column is one trajectory. Where some are shorter, the caller makes log_prob, reward and advantage of the
steps after the end zero (`torch.where`: 0 * NaN is NaN). Then they add to no running sum, and earn nothing.

Axes: T time, N trajectories.
Source: Rothfuss et al., "ProMP: Proximal Meta-Policy Search", ICLR 2019, https://arxiv.org/abs/1810.06784,
for the comparison and the parts of the Hessian; the others at their functions.
"""

import torch
from torch import Tensor

from course_lib.core.types import PerStep, PerTrajectory, shape_checked


@shape_checked
def score_function(log_prob: PerStep, advantage: PerStep) -> PerStep:
    """log pi(a_t | s_t) A_t: plain MAML's surrogate, whose second derivative is no estimate of the Hessian.

    Its gradient, grad log pi A, is the policy gradient. Differentiated once more it gives grad^2 log pi A:
    that the actions were drawn by pi is forgotten.

    Args:
        log_prob: of the actions taken, in nats.
        advantage: A_t, or the return from t on; taken for a constant.

    Source: Finn et al., "Model-Agnostic Meta-Learning", ICML 2017, https://arxiv.org/abs/1703.03400.
    """
    return log_prob * advantage.detach()


@shape_checked
def likelihood_ratio(log_prob: PerStep, advantage: PerStep) -> PerStep:
    """pi(a_t | s_t) / sg(pi(a_t | s_t)) A_t: ProMP's low-variance curvature (LVC); sg stops the gradient.

    Its second derivative, (grad^2 log pi + grad log pi grad log pi^T) A, lacks
    E sum_t grad log pi(a_t | s_t) grad Q(s_t, a_t)^T and its transpose: that later actions change, too. The
    paper argues that these vanish near a local optimum.

    Args:
        log_prob: of the actions taken, in nats.
        advantage: A_t, or the return from t on; taken for a constant.

    Source: Rothfuss et al. 2019.
    """
    return magic_box(log_prob) * advantage.detach()


def magic_box(x: Tensor) -> Tensor:
    """exp(x - sg(x)): it is 1, and its derivative is that of x times itself, so that there is always another.

    Args:
        x: log-probability of all that a reward hangs on, in nats; any shape.

    Source: Foerster et al., "DiCE: The Infinitely Differentiable Monte Carlo Estimator", ICML 2018,
    https://arxiv.org/abs/1802.05098.
    """
    return torch.exp(x - x.detach())


@shape_checked
def dice(log_prob: PerStep, reward: PerStep, baseline: PerStep | None = None) -> PerStep:
    """box(sum_{t' <= t} log pi_t') r_t + (1 - box(log pi_t)) b_t: derivatives of every order are unbiased.

    A reward hangs on all actions up to it. These are rewards, not returns: the running sum already credits an
    action with all that comes after it.

    Args:
        log_prob: log pi_t of the actions taken, in nats.
        reward: r_t, times gamma^t where the return is discounted.
        baseline: b_t, a guess of the rewards still to come (discounted as they are) that must not look at
            a_t; taken for a constant. It changes no expectation of a derivative, and its own value is 0.

    Returns:
        By step; its value is the reward.

    Source: Foerster et al. 2018, with rewards where they have costs.
    """
    objective = magic_box(log_prob.cumsum(0)) * reward.detach()
    return objective if baseline is None else objective + (1.0 - magic_box(log_prob)) * baseline.detach()


@shape_checked
def dice_advantage(log_prob: PerStep, advantage: PerStep) -> PerStep:
    """(box(sum_{t' <= t} log pi_t') - box(sum_{t' < t} log pi_t')) A_t: DiCE for any advantage.

    With A_t the rewards from t on, its derivatives are those of `dice`: the boxes of the sum over t' >= t
    telescope. With a good baseline taken off, the variance falls at every order.

    Args:
        log_prob: log pi_t of the actions taken, in nats.
        advantage: A_t, times gamma^t where the return is discounted (which is often left out, as in PPO);
            taken for a constant.

    Returns:
        By step; its value is 0.

    Source: Farquhar, Whiteson, Foerster, "Loaded DiCE", NeurIPS 2019,
    https://arxiv.org/abs/1909.10549, with lambda = 1.
    """
    through = log_prob.cumsum(0)
    return (magic_box(through) - magic_box(through - log_prob)) * advantage.detach()


@shape_checked
def exploration_term(log_prob: PerStep, return_after: PerTrajectory) -> PerStep:
    """log pi(a_t | s_t) R(tau'): E-MAML rewards the trajectories before the step with the return after it.

    theta' hangs on which trajectories were drawn, and theta can make the useful ones likelier. To be added to
    the outer objective and summed, not averaged, over the trajectories that a task's step was made of, since
    each moved theta'. Together with `score_function` in the inner step the gradient is then that of
    E R(tau') over the drawing of both, exactly, however few trajectories the step has.

    Args:
        log_prob: of the actions taken before the step, under theta, in nats.
        return_after: R(tau') in the task of each trajectory, mean of those after the step, less a baseline
            that does not look at these trajectories (such as the mean of the other tasks); a constant.

    Source: Stadie et al., "Some Considerations on Learning to Explore via Meta-Reinforcement Learning", 2018,
    https://arxiv.org/abs/1803.01118.
    """
    return log_prob * return_after.detach()
