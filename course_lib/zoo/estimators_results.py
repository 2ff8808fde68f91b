"""How far are estimates of the meta-gradient off? A world whose trajectories can all be listed is the judge.

The gradient through an inner step, d/dtheta J(theta + alpha grad J(theta)), is known exactly there. An
estimate takes grad J and the Hessian of J from n trajectories by a surrogate: its mean may be off (bias), and
it differs from sample to sample (standard deviation).

Axes: R seeds, N trajectories (all), D logits, E estimates.
Source: the comparison is that of Rothfuss et al., "ProMP", ICLR 2019, https://arxiv.org/abs/1810.06784; the
surrogates are those of `meta.estimators`.
"""

import io
import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.autograd import functional

from course_lib.core import tabular_trajectories as tiny
from course_lib.meta import estimators
from course_lib.widgets import figures
from course_lib.zoo import store, tables

SEEDS = 10
"""Of worlds and policies; everything is drawn from them."""
INNER_LR = 4.0
"""alpha: a large step, so that the Hessian matters."""
TRAJECTORIES = (8, 22, 64, 181, 512, 1448, 4096)
"""n: how many an estimate is made of."""
SHOWN = (8, 64, 512, 4096)
"""Of these, those in the table."""
ESTIMATES = 4000
"""E: estimates made for each n."""

FIRST, SCORE, RAW, RATIO, DICE, BASELINE, LOADED = METHODS = (
    "first order",
    "score function (MAML)",
    "score function, no baseline",
    "likelihood ratio (ProMP)",
    "DiCE",
    "DiCE, its baseline",
    "DiCE, advantages (Loaded)",
)
DRAWN = (FIRST, SCORE, RATIO, DICE, LOADED)
"""Methods in the picture."""
PAID, MEAN_ZERO, META = "hessian", "hessian, 1/2 less reward", "meta-gradient"
"""What is estimated; the second with 1/2 taken off every reward, which changes no derivative of J."""
BIAS, SPREAD = "bias", "standard deviation"
"""Of the mean from what is exact, and about the mean, both as Euclidean norms; percent of the exact norm."""

NOTES = (
    "**How to read it.** A seed is a world of 3 states, 2 actions and 4 steps, with rewards from 0 to "
    "1, and a softmax policy whose 6 logits are drawn from a normal: 1296 trajectories. The exact "
    "meta-gradient is d/dtheta J(theta + alpha grad J(theta)) with alpha = 4, by differentiating the "
    "exact J.",
    "**What is exact, and what is sampled.** The table of the Hessian is exact: mean and variance are "
    "sums over all trajectories; n trajectories have the same bias, and 1 / sqrt(n) of the deviation. "
    "The table of the meta-gradient is sampled: 4000 estimates (1 + alpha H) grad J(theta + alpha g) "
    "for each n, with g and H from the same n trajectories, and the exact grad J after the step. Its "
    "bias has two parts: that of H, which stays, and that of a step made of few trajectories, which "
    "vanishes with many, whatever the surrogate.",
    "**Advantages** are the rewards still to come, less the exact value of the state; with *no "
    "baseline*, and in plain DiCE, nothing is taken off. *DiCE, its baseline* is the paper's, with the "
    "same value. *First order* leaves the Hessian out.",
    "**The score function** is as biased as first order here, and noisier: in a softmax table grad^2 "
    "log pi is the same for all actions of a state, so that its mean is zero where that of the "
    "advantages is. With other policies it is not zero, and not the Hessian either. Without a baseline "
    "it hangs on what cannot matter: 1/2 taken off every reward changes no derivative of J.",
)
"""What the tables cannot say."""


@dataclass(frozen=True)
class Exact:
    """A world and a policy, and what is true of them."""

    world: tiny.TinyWorld
    """With its rewards."""
    logits: Tensor
    """theta, [S, A]."""
    gradient: Tensor
    """grad J(theta), [D]."""
    hessian: Tensor
    """Of J at theta, [D, D]."""

    def value(self, logits: Tensor) -> Tensor:
        """J."""
        return tiny.expected_return(self.world, logits)

    def slopes(self, logits: Tensor) -> Tensor:
        """grad J of many policies [E, S, A], [E, D]."""
        logits = logits.detach().requires_grad_()
        total = torch.vmap(partial(tiny.expected_return, self.world))(logits).sum()
        return torch.autograd.grad(total, logits)[0].flatten(1)


def exact(seed: int, less: float = 0.0) -> Exact:
    """The world and the policy of a seed; `less` is taken off every reward."""
    rng = np.random.default_rng(seed)
    world = tiny.random_world(rng)
    world = replace(world, reward=world.reward - less)
    logits = torch.from_numpy(rng.normal(size=world.reward.shape))
    value = partial(tiny.expected_return, world)
    gradient, hessian = functional.jacobian(value, logits), functional.hessian(value, logits)
    return Exact(world, logits, gradient.flatten(), hessian.reshape(gradient.numel(), -1))


def by_trajectory(method: str, truth: Exact) -> tuple[Tensor, tiny.Derivatives]:
    """Chances of all trajectories [N], and what each of them says of J's derivatives by a method."""
    listed = tiny.all_trajectories(truth.world)
    steps = torch.arange(truth.world.steps)[:, None]
    baseline = tiny.action_values(truth.world, truth.logits)[1][steps, listed.states]  # [T, N]; gamma is 1
    rewards, later = listed.reward, listed.still_to_come()
    surrogate = {
        FIRST: lambda log_prob: estimators.score_function(log_prob, later - baseline),
        SCORE: lambda log_prob: estimators.score_function(log_prob, later - baseline),
        RAW: lambda log_prob: estimators.score_function(log_prob, later),
        RATIO: lambda log_prob: estimators.likelihood_ratio(log_prob, later - baseline),
        DICE: lambda log_prob: estimators.dice(log_prob, rewards),
        BASELINE: lambda log_prob: estimators.dice(log_prob, rewards, baseline),
        LOADED: lambda log_prob: estimators.dice_advantage(log_prob, later - baseline),
    }[method]
    found = tiny.derivatives(listed, truth.logits, surrogate)
    if method == FIRST:
        found = replace(found, hessian=torch.zeros_like(found.hessian))
    return listed.probability(truth.logits), found


def of_hessian(chances: Tensor, found: tiny.Derivatives, truth: Exact) -> dict[str, float]:
    """Bias and standard deviation of the Hessian from one trajectory, exactly, in percent."""
    mean = torch.tensordot(chances, found.hessian, 1)  # [D, D]
    variance = chances @ (found.hessian - mean).square().sum((1, 2))
    scale = 100.0 / truth.hessian.norm()
    return {BIAS: float(scale * (mean - truth.hessian).norm()), SPREAD: float(scale * variance.sqrt())}


def of_meta_gradient(
    shares: Tensor, chances: Tensor, found: tiny.Derivatives, truth: Exact
) -> dict[str, float]:
    """Bias and standard deviation of the whole meta-gradient, in percent of the exact one.

    The part of an estimate that is linear in g and H has a known mean. So only the rest is averaged over the
    samples, and the bias is seen where it is small, too.

    Args:
        shares: of each trajectory in each sample, [E, N].
        chances: of each trajectory, [N].
        found: derivatives by trajectory.
        truth: what is exact.
    """
    gradient, hessian = (
        torch.tensordot(shares, each, 1) for each in (found.gradient, found.hessian)
    )  # [E, D], [E, D, D]
    mean_hessian = torch.tensordot(chances, found.hessian, 1)
    one = torch.eye(len(mean_hessian), dtype=torch.float64)

    def adapted(step: Tensor) -> Tensor:
        return truth.logits + INNER_LR * step.unflatten(-1, truth.logits.shape)

    after = adapted(truth.gradient)
    (slope,) = truth.slopes(after[None])  # grad J(theta'), [D]
    bend = functional.hessian(truth.value, after).reshape(len(slope), -1)
    right = (one + INNER_LR * truth.hessian) @ slope

    def through(curvature: Tensor, outer: Tensor) -> Tensor:
        return outer + INNER_LR * (curvature @ outer.unsqueeze(-1)).squeeze(-1)  # (1 + alpha H) outer

    estimates = through(hessian, truth.slopes(adapted(gradient)))  # [E, D]
    moved = INNER_LR * (gradient - truth.gradient) @ bend
    known = through(mean_hessian, slope)
    linear = through(mean_hessian, slope + moved) + through(hessian - mean_hessian, slope) - slope
    bias = (estimates - linear).mean(0) + known - right
    scale = 100.0 / right.norm()
    spread = estimates.var(0).sum().sqrt()
    return {BIAS: float(scale * bias.norm()), SPREAD: float(scale * spread)}


def measured(seed: int) -> Iterator[tuple[str, str, int, str, float]]:
    """Everything for one seed: what is estimated, method, trajectories, measure and value; seconds."""
    for what, less in ((PAID, 0.0), (MEAN_ZERO, 0.5)):
        truth = exact(seed, less)
        for method in METHODS:
            for measure, value in of_hessian(*by_trajectory(method, truth), truth).items():
                yield what, method, 1, measure, _rounded(value)
    truth, rng = exact(seed), np.random.default_rng([seed, 1])
    each = {method: by_trajectory(method, truth) for method in METHODS}
    for n in TRAJECTORIES:
        drawn = rng.multinomial(n, each[DICE][0].numpy(), size=ESTIMATES)
        shares = torch.from_numpy(drawn / n)  # the same samples for all methods
        for method, (chances, found) in each.items():
            for measure, value in of_meta_gradient(shares, chances, found, truth).items():
                yield META, method, n, measure, _rounded(value)


Rows = list[tuple[int, str, str, int, str, float]]
"""Seed, what is estimated, method, trajectories, measure, value."""


def as_markdown(rows: Rows) -> str:
    """The tables: mean over seeds with its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)

    def cell(what: str, method: str, n: int, measure: str) -> str:
        return tables.over_seeds(_values(rows, what, method, n, measure), rng, 1)

    of_one = [
        [method, *(cell(what, method, 1, m) for what in (PAID, MEAN_ZERO) for m in (BIAS, SPREAD))]
        for method in METHODS
    ]
    of_many = []
    for method in METHODS:
        for n in SHOWN:
            bias, spread = (_values(rows, META, method, n, measure) for measure in (BIAS, SPREAD))
            numbers = (tables.over_seeds(values, rng, 1) for values in (bias, spread, np.hypot(bias, spread)))
            of_many.append([method, n, *numbers])
    seeds = len({row[0] for row in rows})
    words = (
        f"Made by `course reproduce estimators`. Mean over {seeds} seeds of world and policy, with the 95 % "
        "bootstrap interval, in percent of the norm of what is exact."
    )
    header = ["surrogate", "bias (%)", "standard deviation (%)", "1/2 less reward: bias", "deviation"]
    return "\n".join(
        [
            "# Estimates of the meta-gradient against the exact one",
            "",
            textwrap.fill(words, width=110),
            "",
            "The Hessian of J, from one trajectory (exact):",
            "",
            *tables.table(header, of_one),
            "",
            "The meta-gradient, from n trajectories (sampled):",
            "",
            *tables.table(
                ["surrogate", "n", "bias (%)", "standard deviation (%)", "both, root mean square (%)"],
                of_many,
            ),
            "",
            *("\n".join((textwrap.fill(note, width=110, break_on_hyphens=False), "")) for note in NOTES),
        ]
    )


def write(rows: Rows, folder: Path) -> None:
    """Puts estimators.md, estimators.json and estimators.png into a folder.

    Args:
        rows: as `measured` yields them, with the seed before each.
        folder: exists.
    """
    store.write_here(folder / "estimators.md", as_markdown(rows).encode())
    keys = ("seed", "what", "method", "trajectories", "measure", "value")
    lines = ",\n".join(json.dumps(dict(zip(keys, row, strict=True))) for row in rows)
    store.write_here(folder / "estimators.json", f"[\n{lines}\n]\n".encode())
    panels = {
        measure: (
            TRAJECTORIES,
            {
                method: np.stack([_values(rows, META, method, n, measure) for n in TRAJECTORIES], axis=1)
                for method in DRAWN
            },
        )
        for measure in (BIAS, SPREAD)
    }
    figure = figures.curves_figure(panels, "trajectories", "% of the exact meta-gradient")
    figure.axes[0].get_legend().remove()  # the second panel's will do
    for axes in figure.axes:
        axes.set(xscale="log", yscale="log")
        axes.minorticks_off()
        axes.set_xticks(SHOWN, [f"{n:g}" for n in SHOWN])
        axes.yaxis.set_major_formatter("{x:g}")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / "estimators.png", picture.getvalue())


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _values(rows: Rows, what: str, method: str, n: int, measure: str) -> np.ndarray:
    """One number by seed [R], in the order of the seeds."""
    return np.array([row[5] for row in sorted(rows) if row[1:5] == (what, method, n, measure)])
