"""Navigation: a point on the plane that is not told where to go, only how far it still is.

With the distance as reward a few steps tell all. With a reward only near the goal, and goals on a half
circle, they tell nothing until the goal is met: that family has to be searched.

Axes: N simulations, S = 2 observations (x, y), P = 2 goal (x, y), A = 2 (step along x, along y).
Source: Finn et al., "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017,
https://arxiv.org/abs/1703.03400, section 5.3 (2D navigation); Rakelly et al., "Efficient Off-Policy
Meta-Reinforcement Learning via Probabilistic Context Variables", ICML 2019,
https://arxiv.org/abs/1903.08254, section 6.3 (half circle, sparse reward).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, TypeVar

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv

from course_lib.core.task_family import TaskFamily, Uniform
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.single_world import SingleEnv

Rewards = TypeVar("Rewards")
"""An array or a tensor."""

HORIZON = 20
"""Steps of an episode; MAML's paper has 100, its demonstrations often 20."""
REACH = 0.1
"""How far a full action moves the point along x or y, m per step."""
SPARSE_RADIUS = 0.2
"""How near to the goal a sparse reward begins, m, as in PEARL's experiments."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NavigationParams(WorldParams):
    """Where to go."""

    goal_x: float | np.ndarray = 0.3
    """m."""
    goal_y: float | np.ndarray = 0.4
    """m; upwards."""

    bounds: ClassVar[dict[str, Interval]] = {"goal_x": Interval(-1.0, 1.0), "goal_y": Interval(-1.0, 1.0)}
    context: ClassVar[tuple[str, ...]] = ("goal_x", "goal_y")


def sparse_reward(distance: np.ndarray, radius: float) -> np.ndarray:
    """1 on the goal, falling to 0 at the radius, and 0 beyond.

    PEARL's own falls by 1 per metre, and jumps at the radius.

    Args:
        distance: to the goal, m, any shape.
        radius: m.
    """
    return np.maximum(1.0 - distance / radius, 0.0)


def sparse_from_distance(reward: Rewards, radius: float = SPARSE_RADIUS) -> Rewards:
    """What a sparse world would have paid where minus the distance was; 0 where nothing has happened yet.

    So a learner can be shown what a test will show it, and be trained on more.

    Args:
        reward: minus the distance, m, any shape; 0 for no step at all.
        radius: as of `sparse_reward`, m.
    """
    return (1.0 + reward / radius).clip(0.0) * (reward < 0.0)


class NavigationVectorEnv(EpisodicVectorEnv):
    """N points, each starting at (0, 0); the reward is minus the distance to the goal after the step, m.

    The plane has no end, and no episode ends before its time.
    """

    params_type = NavigationParams
    dt = 0.1
    """Seconds that a step lasts in a picture; the world itself counts steps."""

    def __init__(
        self,
        num_envs: int,
        params: NavigationParams | None = None,
        *,
        sparse_radius: float | None = None,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the points; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: goals of all points, or one value for each.
            sparse_radius: how near to the goal there is a reward (`sparse_reward`), m; None for minus the
                distance everywhere.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a point starts again.
            context_observed: whether the goal is told.
            **parameters: single parameters by name, instead of `params`: `goal_x=0.5`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        if sparse_radius is not None and not sparse_radius > 0:
            raise ValueError(f"sparse_radius must be positive or None, got {sparse_radius}")
        super().__init__(
            num_envs,
            Box(-1.0, 1.0, (2,), np.float32),
            Box(-np.inf, np.inf, (2,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self.sparse_radius = sparse_radius
        self._position = np.zeros((num_envs, 2))
        self.set_params(params)

    @property
    def positions(self) -> np.ndarray:
        """Where the points are now, m, float64 [N, 2], a fresh array."""
        return self._position.copy()

    @property
    def goals(self) -> np.ndarray:
        """Where they should be, m, float64 [N, 2], a fresh array."""
        return self._goal.copy()

    def _apply(self, values: np.ndarray) -> None:
        self._goal = values

    def _start(self, mask: np.ndarray) -> None:
        self._position[mask] = 0.0

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        step = REACH * np.clip(actions.astype(np.float64), -1.0, 1.0)
        self._position = self._position + step * live[:, None]
        distance = np.sqrt(np.square(self._position - self._goal).sum(axis=1))
        radius = self.sparse_radius
        reward = -distance if radius is None else sparse_reward(distance, radius)
        return reward, np.zeros(self.num_envs, dtype=bool), {"distance": distance.copy()}

    def _observation(self) -> np.ndarray:
        return self._position.copy()


class NavigationEnv(SingleEnv):
    """One point; `gymnasium.make("course/Navigation-v0", goal_x=0.5)`."""

    vector_type = NavigationVectorEnv


def family() -> TaskFamily:
    """Every place of a square of 1 m around the start is wanted equally often: MAML's family."""
    return TaskFamily(
        name="navigation",
        params_type=NavigationParams,
        source={"goal_x": Uniform(-0.5, 0.5), "goal_y": Uniform(-0.5, 0.5)},
        make_vec=NavigationVectorEnv,
    )


@dataclass(frozen=True)
class HalfCircleFamily:
    """Goals 1 m from the start, in every direction from right over up to left equally often."""

    make_vec: Callable[..., VectorEnv]
    """Builds the batched world from a number of simulations."""
    name: str = "navigation_half_circle"
    """Name of the family."""
    params_type: type[NavigationParams] = NavigationParams
    """The world's parameters."""

    def sample(self, rng: np.random.Generator, n: int) -> NavigationParams:
        """Draws n goals, arrays of shape [n]: one angle each, uniform in [0, pi] rad."""
        angle = rng.uniform(0.0, np.pi, n)
        return NavigationParams(goal_x=np.cos(angle), goal_y=np.sin(angle))


def half_circle_family(sparse_radius: float | None = SPARSE_RADIUS) -> HalfCircleFamily:
    """PEARL's family: goals on a half circle, by default with a reward only near them.

    Args:
        sparse_radius: as of `NavigationVectorEnv`; None for the distance as reward.
    """
    return HalfCircleFamily(make_vec=partial(NavigationVectorEnv, sparse_radius=sparse_radius))
