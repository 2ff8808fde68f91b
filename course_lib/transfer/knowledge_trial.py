"""What carried knowledge is worth: a learner begins with it, and the steps to solve are counted.

Q-learning in a table, and where a model was carried, value iteration with what the model counts. Looked at
every few steps: what the actions that seem best are worth is then computed, not tried, so that the looks
cost no steps and leave nothing to chance.

Axes: R seeds side by side, S states, A actions, S again next states, T looks at the learner.
Source: Taylor and Stone, "Transfer Learning for Reinforcement Learning Domains: A Survey", JMLR 10, 2009,
section 1.2 (what transfer is measured by); Sutton, "Integrated Architectures for Learning, Planning, and
Reacting", ICML 1990 (planning while acting).
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from course_lib.agents import q_learning
from course_lib.core.tabular_mdp import TabularMDP, best_values, outcomes
from course_lib.core.types import shape_checked
from course_lib.transfer.stored_knowledge import (
    ActionValues,
    Counts,
    Knowledge,
    StoredKnowledgeConfig,
    carried,
    nothing,
    policy_of,
)


@dataclass(frozen=True, eq=False)
class Trial:
    """How fast a world was solved."""

    looks: Int64[ndarray, "T"]
    """Steps after which the learners were looked at."""
    missing: Float64[ndarray, "T R"]
    """Share of the best value that was missing then, 0 or more; 0 is the best."""
    steps: Int64[ndarray, "R"]
    """Until it was solved; all steps where it was not."""
    solved: Bool[ndarray, "R"]
    """Whether it was."""


@shape_checked
def planned(values: ActionValues, model: Counts, mdp: TabularMDP, gamma: float, sweeps: int) -> ActionValues:
    """Value iteration with a counted model, told reward and end; what was never tried keeps its value.

    Args:
        values: Q to begin with.
        model: how often each transition was seen.
        mdp: the world whose reward and end are told; its dynamics are not looked at.
        gamma: discount.
        sweeps: over all states.
    """
    tries = model.sum(axis=3)
    chance = (model / np.maximum(tries, 1e-12)[..., None]).reshape(len(model), -1, mdp.states)  # [R, SA, S]
    for _ in range(sweeps):
        later = np.where(mdp.terminal, 0.0, values.max(axis=2))
        ahead = (chance @ later[:, :, None]).reshape(values.shape)
        values = np.where(tries > 0, mdp.reward + gamma * ahead, values)
    return values


def value_at_start(mdp: TabularMDP, values: ActionValues, gamma: float) -> Float64[ndarray, "R"]:
    """Discounted return of the actions that each learner thinks best, exactly and not by trying."""
    going = (~mdp.terminal).astype(np.float64)[:, None]
    policy = policy_of(values)
    step = going * np.einsum("rsa,sat->rst", policy, mdp.dynamics)
    now = going[:, 0] * np.einsum("rsa,sa->rs", policy, mdp.reward)
    return np.linalg.solve(np.eye(mdp.states) - gamma * step, now[..., None])[:, mdp.start, 0]


def best_at_start(mdp: TabularMDP, gamma: float) -> float:
    """The largest discounted return that any actions can have."""
    return float(best_values(mdp, gamma)[mdp.start].max())


def train(
    mdp: TabularMDP,
    knowledge: Knowledge,
    config: StoredKnowledgeConfig,
    rng: np.random.Generator,
    *,
    td_error: Callable[..., ndarray] = q_learning.td_error,
    planned: Callable[..., ndarray] = planned,
) -> Iterator[dict[str, float | ndarray]]:
    """Q-learning from whatever is known, every seed on its own; plans where there is a model.

    Args:
        mdp: the world.
        knowledge: what the learners begin with; changed in place.
        config: settings.
        rng: source of all luck.
        td_error, planned: called as the functions of those names.

    Yields:
        At each look, the first one before any step: steps, and missing, the share of the best value that the
        actions thought best now do without, [R].

    Raises:
        ValueError: the knowledge is of another number of states or actions.
    """
    seeds, states, actions = knowledge.values.shape
    if (states, actions) != (mdp.states, mdp.actions):
        raise ValueError(
            f"knowledge of {states} states and {actions} actions does not fit a world of {mdp.states} "
            f"and {mdp.actions}: carry it between worlds of one size"
        )
    ways, best, everyone = outcomes(mdp.dynamics), best_at_start(mdp, config.gamma), np.arange(seeds)
    state, age = np.full(seeds, mdp.start), np.zeros(seeds, np.int64)
    for step in range(config.steps + 1):
        if step % config.look == 0:
            if knowledge.model is not None:
                knowledge.values = planned(
                    knowledge.values, knowledge.model, mdp, config.gamma, config.sweeps
                )
            lost = best - value_at_start(mdp, knowledge.values, config.gamma)
            yield {"steps": step, "missing": np.maximum(lost / max(abs(best), 1e-12), 0.0)}
        if step == config.steps:
            return
        uniform = rng.random((seeds, actions + 2))
        values = knowledge.values
        action = q_learning.epsilon_greedy(values[everyone, state], config.epsilon, uniform[:, :-1])
        then = ways.drawn(state, action, uniform[:, -1])
        ended = mdp.terminal[then]
        next_value = values[everyone, then].max(axis=1)
        error = td_error(
            values[everyone, state, action], mdp.reward[state, action], next_value, ended, config.gamma
        )
        if knowledge.similarity is None:
            values[everyone, state, action] += config.learning_rate * error
        else:
            lesson = (config.learning_rate * error)[:, None] * knowledge.similarity[everyone, state]
            values[everyone, :, action] += lesson
        for counts in (knowledge.seen, knowledge.model):
            if counts is not None:
                counts[everyone, state, action, then] += 1.0
        age += 1
        over = ended | (age == config.max_steps)
        state, age = np.where(over, mdp.start, then), np.where(over, 0, age)


def steps_to_solve(
    looks: Int64[ndarray, "T"], missing: Float64[ndarray, "T R"], tolerance: float, kept: int
) -> tuple[Int64[ndarray, "R"], Bool[ndarray, "R"]]:
    """Steps until the first of enough looks in a row at which little enough was missing, if there was one.

    Args:
        looks: steps made at each look.
        missing: share of the best value that was missing.
        tolerance: at most this share.
        kept: looks in a row.

    Returns:
        Steps, all where it was never solved; and whether it was.
    """
    good = (missing <= tolerance).astype(np.int64)
    if len(good) < kept:
        return np.full(good.shape[1], looks[-1]), np.zeros(good.shape[1], dtype=bool)
    total = np.concatenate([np.zeros((1, good.shape[1]), np.int64), good.cumsum(axis=0)])
    row = total[kept:] - total[:-kept] == kept  # [T - kept + 1, R]
    solved = row.any(axis=0)
    return np.where(solved, looks[row.argmax(axis=0)], looks[-1]), solved


def learned(mdp: TabularMDP, seeds: int, config: StoredKnowledgeConfig, seed: int = 0) -> Knowledge:
    """What learners that began with nothing know after all steps in a world: a source to carry from."""
    knowledge = nothing(mdp, seeds)
    for _ in train(mdp, knowledge, config, np.random.default_rng(seed)):
        pass
    return knowledge


def solve(
    source: Knowledge,
    target: TabularMDP,
    pieces: Collection[str],
    config: StoredKnowledgeConfig,
    seed: int = 1,
) -> Trial:
    """Carries some pieces of knowledge, or none, to a related world, and learns there until it is solved.

    Args:
        source: what was learned in the other world.
        target: the related world.
        pieces: some of `stored_knowledge.PIECES`; none is the plain learner.
        config: settings.
        seed: of all luck in the target; another one than the source's.

    Raises:
        ValueError: there is no such piece, or the worlds differ in size.
    """
    looks, missing = [], []
    for record in train(target, carried(source, pieces, config), config, np.random.default_rng(seed)):
        looks.append(record["steps"])
        missing.append(record["missing"])
        # Nothing that follows could change the answer.
        steps, solved = steps_to_solve(np.array(looks), np.array(missing), config.tolerance, config.kept)
        if solved.all():
            break
    return Trial(looks=np.array(looks), missing=np.array(missing), steps=steps, solved=solved)
