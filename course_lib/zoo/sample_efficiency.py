"""How many steps of a world a method needs until it does well in new tasks, read off the zoo's cards.

Axes: R seeds, C points of a learning curve, L levels of return.
"""

from collections.abc import Sequence

import numpy as np

from course_lib.zoo import store

Curve = tuple[np.ndarray, np.ndarray]
"""Steps [C] and returns in new tasks [R, C]."""


def learning_curve(idea: str, world: str, recipe: str) -> Curve:
    """The learning curves of all seeds of a recipe, as their cards have them.

    Raises:
        ZooError: the zoo holds no weights of it, or a card has no curve.
    """
    curves = []
    for name in store.scores(idea, world, recipe):
        card = store.read_card(store.folder() / name)
        if "curve" not in card:
            raise store.ZooError(f"the card of {name} has no learning curve; train it again")
        curves.append(np.array(card["curve"]))  # [C, 2]
    return curves[0][:, 0], np.stack([curve[:, 1] for curve in curves])


def steps_until(curve: Curve, level: float) -> np.ndarray:
    """Steps after which a curve is first at a level, by seed [R], on a line between its points.

    NaN where it never is; the first point's steps where it begins there.
    """
    steps, returns = curve
    reached = returns >= level  # [R, C]
    after, seeds = reached.argmax(axis=1), np.arange(len(returns))
    before = np.maximum(after - 1, 0)
    low, high = returns[seeds, before], returns[seeds, after]
    share = np.where(after > before, (level - low) / np.where(after > before, high - low, 1.0), 1.0)
    first = steps[before] + share * (steps[after] - steps[before])
    return np.where(reached.any(axis=1), first, np.nan)


def ratios(curve: Curve, others: Curve, levels: Sequence[float]) -> np.ndarray:
    """How many times as many steps others need to a level, for each pair of seeds, [L, R * R'].

    NaN where one of the two never comes there.
    """
    rows = [np.divide.outer(steps_until(others, level), steps_until(curve, level)) for level in levels]
    return np.stack([row.ravel() for row in rows])
