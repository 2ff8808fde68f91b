"""Point: a mass on the plane with one motor too many, so that a broken one can be done without.

Two motors push along x, one along y. Whoever drives it with all three is lost where the first is
dead or reversed; whoever leaves the first alone is slower, and right in both worlds. Noise is
Gaussian, so that how likely a step is in either world is known exactly.

Axes: N simulations, B transitions, S = 2 observations (x, y), A = 3 motors.
Source: redundant actuators after Eysenbach et al., "Off-Dynamics Reinforcement Learning: Training
for Transfer with Domain Classifiers", ICLR 2021, https://arxiv.org/abs/2006.13916 (broken robots).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

from course_lib.core.playback import Geom, Scene
from course_lib.core.task_family import TaskFamily
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.single_world import SingleEnv

HORIZON = 30
"""Steps of an episode: with one motor the way takes about 14."""
GOAL = np.array([1.0, 0.0])
"""Where to go, m."""
START = np.array([-1.0, 0.0])
"""About where an episode begins, m."""
START_SPREAD = 0.1
"""Standard deviation of the start in x and y, m."""
REACH = (0.2, 0.15, 0.15)
"""How far each motor moves the point at full power, m per step: the first two along x, the third along y."""
DRAWN_ABOVE = 1.0
"""How far above the ground of a picture y = 0 is drawn, m: in a picture of walkers, below is earth."""
WALL_GAP = 1e-3
"""How far before the wall a point comes to rest, m: never on it, or nobody knew on which side."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PointParams(WorldParams):
    """What differs between two point worlds."""

    first_motor: float | np.ndarray = 1.0
    """What the first motor gives of what is asked, 1: 1 as built, 0 dead, -1 reversed."""
    noise: float | np.ndarray = 0.02
    """Standard deviation of a step in x and y, m; a tenth of the strongest motor's step, so that one
    transition tells a reversed motor from a good one, but not a weak action's sign."""
    wall: float | np.ndarray = 0.0
    """Half the height of a wall at x = 0, m; nobody crosses where |y| is less. 0, the default: none."""

    bounds: ClassVar[dict[str, Interval]] = {
        "first_motor": Interval(-1.0, 1.0),
        "noise": Interval(0.0, 1.0),
        "wall": Interval(0.0, 10.0),
    }


def _free_step(obs: np.ndarray, action: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where motors alone lead, without noise and wall, [B, 2]; values are parameters [B, P]."""
    power = np.clip(action, -1.0, 1.0)
    # No matrix product: BLAS sums a batch in another order than a single world.
    after = obs.copy()
    after[:, 0] += REACH[0] * values[:, 0] * power[:, 0] + REACH[1] * power[:, 1]
    after[:, 1] += REACH[2] * power[:, 2]
    return after


def _stopped(before: np.ndarray, after: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """Where a move [B, 2] really ends, given half the height of the wall [B]: where it hits, if it does."""
    side = np.where(before[:, 0] > 0, 1.0, -1.0)
    crossing = side * after[:, 0] <= 0
    if not (crossing & (wall > 0)).any():
        return after
    way = before[:, 0] - after[:, 0]
    part = np.divide(before[:, 0], way, out=np.zeros_like(way), where=way != 0)
    height = before[:, 1] + part * (after[:, 1] - before[:, 1])
    hit = crossing & (np.abs(height) < wall)
    rest = np.column_stack([side * np.minimum(np.abs(before[:, 0]), WALL_GAP), height])
    return np.where(hit[:, None], rest, after)


def mean_step(obs: np.ndarray, action: np.ndarray, params: PointParams) -> np.ndarray:
    """Where a step leads without noise.

    Args:
        obs: positions [B, 2], m.
        action: [B, 3]; clipped to [-1, 1] as the motors do.
        params: one value each, or B.

    Returns:
        Next positions, float64 [B, 2], m.
    """
    obs, values = np.asarray(obs, dtype=np.float64), params.array(len(obs))
    return _stopped(obs, _free_step(obs, np.asarray(action, dtype=np.float64), values), values[:, 2])


def log_density(obs: np.ndarray, action: np.ndarray, next_obs: np.ndarray, params: PointParams) -> np.ndarray:
    """The exact log p(s'|s, a) of a world without walls.

    Two worlds' difference is the correction that DARC's classifiers estimate.

    Args:
        obs: positions [B, 2], m.
        action: [B, 3].
        next_obs: positions one step later [B, 2], m.
        params: one value each, or B.

    Returns:
        Log-density per square metre, nats, float64 [B].

    Raises:
        ValueError: there is a wall, which piles probability up, or no noise: then there is no density.
    """
    values = params.array(len(obs))
    noise, wall = values[:, 1], values[:, 2]
    if (wall > 0).any():
        raise ValueError(f"wall must be 0 where a density is asked for, got {wall.max():g}")
    if (noise <= 0).any():
        raise ValueError("noise must be positive where a density is asked for, got 0")
    error = np.asarray(next_obs, dtype=np.float64) - mean_step(obs, action, params)
    return -np.square(error).sum(axis=1) / (2 * noise**2) - np.log(2 * np.pi * noise**2)


class PointVectorEnv(EpisodicVectorEnv):
    """N points; the reward is minus the distance to the goal, minus what the motors cost."""

    params_type = PointParams
    dt = 0.1
    """Seconds that a step lasts in a picture; the world itself counts steps."""

    control_cost: ClassVar[float] = 0.02
    """Price of the square of each action, the same for all: no motor recommends itself by being cheap."""

    def __init__(
        self,
        num_envs: int,
        params: PointParams | None = None,
        *,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the points; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: parameters of all points, or one value for each.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a finished point starts again.
            **parameters: single parameters by name, instead of `params`: `first_motor=-1.0`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(
            num_envs,
            Box(-1.0, 1.0, (3,), np.float32),
            Box(-np.inf, np.inf, (2,), np.float64),
            max_episode_steps,
            autoreset_mode,
        )
        self._position = np.tile(START, (num_envs, 1))
        # An episode's noise is drawn at its start: asking N generators at every step would cost more than
        # the step. The unit is the standard deviation.
        self._noise = np.zeros((num_envs, HORIZON, 2))
        self._everyone = np.arange(num_envs)
        self.set_params(params)

    def _apply(self, values: np.ndarray) -> None:
        self._values = values

    def _start(self, mask: np.ndarray) -> None:
        for index in np.flatnonzero(mask):
            rng = self.generators[index]
            self._position[index] = START + START_SPREAD * rng.standard_normal(2)
            self._noise[index] = rng.standard_normal((HORIZON, 2))

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        step = self._elapsed % HORIZON
        for index in np.flatnonzero(live & (step == 0) & (self._elapsed > 0)):
            self._noise[index] = self.generators[index].standard_normal((HORIZON, 2))
        values = self._values
        actions = actions.astype(np.float64)
        after = _free_step(self._position, actions, values)
        after += values[:, 1:2] * self._noise[self._everyone, step]
        after = _stopped(self._position, after, values[:, 2])
        self._position = np.where(live[:, None], after, self._position)
        away = self._position - GOAL
        distance = np.sqrt(np.square(away).sum(axis=1))
        cost = (np.square(np.clip(actions, -1.0, 1.0)) * self.control_cost).sum(axis=1)
        parts = {"reward_distance": -distance, "reward_ctrl": -cost}
        return -distance - cost, np.zeros(self.num_envs, dtype=bool), parts

    def _observation(self) -> np.ndarray:
        return self._position.copy()

    @property
    def scene(self) -> Scene:
        """The plane seen from above, y drawn upward; a wall only where all simulations have the same."""
        geoms = [
            Geom(body=0, start=(0.0, 0.0), end=(0.0, 0.0), radius=0.06, name="point"),
            Geom(body=1, start=(0.0, 0.0), end=(0.0, 0.0), radius=0.04, name="goal"),
        ]
        wall = float(self._values[0, 2])
        if wall > 0 and (self._values[:, 2] == wall).all():
            geoms.append(Geom(body=2, start=(0.0, -wall), end=(0.0, wall), radius=0.02, name="wall"))
        return Scene(name="point", bodies=("point", "goal", "wall"), geoms=tuple(geoms))

    def pose(self) -> np.ndarray:
        """Where the bodies are drawn now, float32 [N, 3, 3]: x (m), y + DRAWN_ABOVE (m), and no turn."""
        pose = np.zeros((self.num_envs, 3, 3), dtype=np.float32)
        pose[:, 0, :2] = self._position
        pose[:, 1, :2] = GOAL
        pose[:, :, 1] += DRAWN_ABOVE
        return pose


class PointEnv(SingleEnv):
    """One point; `gymnasium.make("course/Point-v0", first_motor=-1.0)`."""

    vector_type = PointVectorEnv


def family() -> TaskFamily:
    """The source domain: all motors as built, and nothing in the way."""
    return TaskFamily(
        name="point",
        params_type=PointParams,
        source={"first_motor": 1.0, "noise": 0.02, "wall": 0.0},
        make_vec=PointVectorEnv,
    )
