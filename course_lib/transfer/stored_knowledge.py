"""How is knowledge stored? What one piece of a learner, carried to a related world, is worth there.

A learner in a table holds four things: what actions are worth, which of them it takes, where they lead, and,
read off the ways it went, which states lie close together. Each can begin a second world without the others:

* values: the Q-function, as the first values there.
* policy: its actions, which the second learner prefers until it finds them worse than its doubt in others.
* model: where actions lead. Value iteration plans with it, and what is seen there corrects it. Of the reward
  the model knows nothing: whoever plans is told what is paid and where it ends, which no other piece is.
* features: leading eigenvectors of the graph of ways (proto-value functions). Q is linear in them joined with
  the table itself, so that a step teaches something about states close by.

Axes: R seeds side by side, S states, A actions, S again next states, F features.
Source: Taylor and Stone, "Transfer Learning for Reinforcement Learning Domains: A Survey", JMLR 10, 2009;
Mahadevan and Maggioni, "Proto-value Functions", JMLR 8, 2007 (features).
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from course_lib.agents import q_learning
from course_lib.core.spelling import nearest
from course_lib.core.tabular_mdp import TabularMDP
from course_lib.core.types import shape_checked

ActionValues = Float64[ndarray, "R S A"]
Counts = Float64[ndarray, "R S A S"]
Features = Float64[ndarray, "R S F"]
Similarity = Float64[ndarray, "R S S"]

PIECES = ("values", "policy", "model", "features")
"""What can be carried, in the lecture's order."""
EMPTY_MODEL = "empty model"
"""Nothing carried, but told and planning like one with a model: what that is worth without the source."""
ALL_ALIKE = "all alike"
"""One feature, the same everywhere: spreads lessons as features do, but knows nothing of the source."""


@dataclass(frozen=True, kw_only=True)
class StoredKnowledgeConfig:
    """Settings of the learner, of what is carried, and of when a world counts as solved."""

    steps: int = 3000
    """In each world, at least 1."""
    max_steps: int = 100
    """Steps after which an episode is cut short, at least 1."""
    gamma: float = 0.95
    """Discount per step, in [0, 1)."""
    learning_rate: float = 0.5
    """How far a value moves towards its target, in (0, 1]."""
    epsilon: float = 0.1
    """Share of actions that are tried out, in [0, 1]."""
    doubt: float = 10.0
    """Reward by which any other action is thought worse than one of a carried policy, not negative."""
    evidence: float = 2.0
    """Tries that a carried model counts for, in each state and action; positive."""
    features: int = 6
    """F, at least 1."""
    share: float = 0.5
    """Of the features in what a step teaches, in [0, 1]; the rest is the table's own."""
    sweeps: int = 15
    """Of value iteration after each look."""
    look: int = 25
    """Steps between two looks at the learner."""
    tolerance: float = 0.1
    """Solved: at most this share of the best value is missing from the start on."""
    kept: int = 4
    """Looks in a row at which it must be solved."""

    def __post_init__(self) -> None:
        for name in ("steps", "max_steps", "features", "sweeps", "look", "kept"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.gamma < 1:
            raise ValueError(f"gamma must be in [0, 1), got {self.gamma}")
        if not 0 < self.learning_rate <= 1:
            raise ValueError(f"learning_rate must be in (0, 1], got {self.learning_rate}")
        for name in ("epsilon", "share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        for name in ("doubt", "tolerance"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
        if not self.evidence > 0:
            raise ValueError(f"evidence must be positive, got {self.evidence}")


@dataclass(eq=False)
class Knowledge:
    """What some learners know, each on its own; `knowledge_trial.train` goes on from it, in place."""

    values: ActionValues
    """Q."""
    seen: Counts
    """How often each transition of this world was seen."""
    model: Counts | None = None
    """The same with what a carried model counts for; None: nothing is planned."""
    similarity: Similarity | None = None
    """What share of a step's lesson in one state (row) is learned in the others; None: nothing."""


# The four pieces.


@shape_checked
def policy_of(values: ActionValues) -> ActionValues:
    """pi(a | s): the best action; of several each alike."""
    best = values >= values.max(axis=2, keepdims=True)
    return best / best.sum(axis=2, keepdims=True)


@shape_checked
def preference(policy: ActionValues, doubt: float) -> ActionValues:
    """First values that say only which actions to prefer: 0 for those of a policy, -doubt for the others.

    Args:
        policy: pi(a | s).
        doubt: reward by which the others are thought worse.
    """
    return np.where(policy >= policy.max(axis=2, keepdims=True), 0.0, -float(doubt))


@shape_checked
def discounted_counts(seen: Counts, evidence: float) -> Counts:
    """The same shares of next states, as if every action had been tried as often; those never tried stay so.

    Args:
        seen: how often each transition was seen.
        evidence: tries that all of it counts for: the fewer, the sooner it is corrected.
    """
    return evidence * seen / np.maximum(seen.sum(axis=3, keepdims=True), 1.0)


@shape_checked
def proto_values(seen: Counts, features: int) -> Features:
    """The smoothest functions on the graph of ways that were seen: eigenvectors of its normalized Laplacian.

    States where nobody was are in no function.

    Args:
        seen: how often each transition was seen.
        features: how many, smoothest first; at most S.

    Source: Mahadevan and Maggioni 2007, section 3.
    """
    states = np.arange(seen.shape[1])
    ways = seen.sum(axis=2) > 0  # [R, S, S]
    ways = (ways | ways.transpose(0, 2, 1)).astype(np.float64)
    ways[:, states, states] = 0.0
    degree = ways.sum(axis=2)
    scale = 1 / np.sqrt(np.maximum(degree, 1.0))
    laplacian = -scale[:, :, None] * ways * scale[:, None, :]
    laplacian[:, states, states] = np.where(degree > 0, 1.0, 3.0)  # above 2, the largest of any graph: last
    return np.linalg.eigh(laplacian)[1][:, :, :features] * (degree > 0)[:, :, None]


@shape_checked
def similarity(features: Features, share: float) -> Similarity:
    """x(s) . x(s') of what Q is linear in: features of length sqrt(share), joined with the table itself.

    A step of linear Q-learning moves the weights by error * x(s), and so Q(s', a) by error * x(s) . x(s'):
    in this form the weights need not be kept. Without features it is the table's own rule.

    Args:
        features: any length; a state without any keeps to itself.
        share: of the features, in [0, 1].
    """
    length = np.linalg.norm(features, axis=2, keepdims=True)
    unit = np.divide(features, length, out=np.zeros_like(features), where=length > 1e-9)
    states = np.arange(features.shape[1])
    alike = share * unit @ unit.transpose(0, 2, 1)
    alike[:, states, states] = 1.0
    return alike


def nothing(mdp: TabularMDP, seeds: int) -> Knowledge:
    """Learners that know nothing, and hope that everything is free: R tables of zeros."""
    values = q_learning.first_values(mdp, seeds)
    return Knowledge(values=values, seen=np.zeros((*values.shape, mdp.states)))


def carried(source: Knowledge, pieces: Collection[str], config: StoredKnowledgeConfig) -> Knowledge:
    """What learners begin a related world with, if only these pieces of another are carried there.

    They combine: values and preferences add up, a model plans over both, features spread what steps teach.

    Args:
        source: what was learned in the other world; it stays as it is.
        pieces: some of PIECES, or none; to compare with, EMPTY_MODEL instead of a model, ALL_ALIKE instead
            of features.
        config: settings.

    Raises:
        ValueError: there is no such piece.
    """
    for piece in pieces:
        if piece not in (*PIECES, EMPTY_MODEL, ALL_ALIKE):
            raise ValueError(f"no piece of knowledge named {piece!r}: {nearest(piece, PIECES)}")
    values = source.values.copy() if "values" in pieces else np.zeros_like(source.values)
    if "policy" in pieces:
        values += preference(policy_of(source.values), config.doubt)
    knowledge = Knowledge(values=values, seen=np.zeros_like(source.seen))
    if EMPTY_MODEL in pieces:
        knowledge.model = np.zeros_like(source.seen)
    if "model" in pieces:
        knowledge.model = discounted_counts(source.seen, config.evidence)
    if ALL_ALIKE in pieces:
        knowledge.similarity = similarity(np.ones((*source.seen.shape[:2], 1)), config.share)
    if "features" in pieces:
        knowledge.similarity = similarity(proto_values(source.seen, config.features), config.share)
    return knowledge
