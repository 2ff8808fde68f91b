"""Goals: which part of a state a goal speaks of, and when it counts as reached.

Axes: B states, S observation, K goal.
Source: the mapping m from states to goals of Andrychowicz et al., "Hindsight Experience Replay", NeurIPS
2017, https://arxiv.org/abs/1707.01495, section 4.1.
"""

from dataclasses import dataclass
from typing import TypeVar

Array = TypeVar("Array")


@dataclass(frozen=True, kw_only=True)
class GoalSpace:
    """What can be asked for in a world."""

    columns: tuple[int, ...]
    """Columns of the observation that a goal speaks of, in the goal's order, [K]."""
    radius: float
    """How near is near enough, in the goal's unit: the epsilon of the ball. 0: only the goal itself."""
    low: tuple[float, ...]
    """Smallest goal, [K]."""
    high: tuple[float, ...]
    """Largest goal, [K]."""

    def __post_init__(self) -> None:
        if self.radius < 0:
            raise ValueError(f"radius must not be negative, got {self.radius}")
        if not len(self.columns) == len(self.low) == len(self.high):
            sizes = len(self.columns), len(self.low), len(self.high)
            raise ValueError(f"columns, low and high must have one entry per number of a goal, got {sizes}")

    @property
    def size(self) -> int:
        """K."""
        return len(self.columns)

    def achieved(self, obs: Array) -> Array:
        """m(s): what is reached in a state, from observations [..., S] to [..., K], in torch or numpy."""
        return obs[..., list(self.columns)]
