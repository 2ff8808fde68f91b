"""Puck: a striker hits a puck, which should slide to where it is told and come to rest there.

The striker may not leave its zone, so that nothing can be mended after a bad hit: speed and direction have to
be right at once, and both depend on the target. Friction is Coulomb's, so that where a sliding puck comes to
rest is known at the moment of the hit.

Axes: N simulations, B pucks, S = 8 observations, K = 2 target, A = 2 accelerations.
Source: the "slide" task of Plappert et al., "Multi-Goal Reinforcement Learning", 2018,
https://arxiv.org/abs/1802.09464, in the plane.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode

from course_lib.core.playback import Geom, Scene
from course_lib.core.task_family import TaskFamily, Uniform
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.envs.single_world import SingleEnv

HORIZON = 40
"""Steps of an episode, 2 s: half a second to strike, and time to slide."""
GRAVITY = 9.81
"""m/s^2."""
STRIKER_MASS, PUCK_MASS = 1.0, 0.3
"""kg; the heavier striker hardly bounces back."""
STRIKER_RADIUS, PUCK_RADIUS = 0.05, 0.04
"""Both are discs, m."""
RESTITUTION = 0.8
"""Speed of parting as a share of the speed of approach, 1; as of hard plastic."""
TOUCH = STRIKER_RADIUS + PUCK_RADIUS
"""Distance of the centres at which they touch, m."""
STRENGTH = 8.0
"""Acceleration of the striker by a full action along x or y, m/s^2."""
ZONE_LOW, ZONE_HIGH = np.array([-0.5, -0.3]), np.array([0.0, 0.3])
"""Where the striker's centre may be, m; at the border it stops dead."""
STRIKER_START, PUCK_START = np.array([-0.4, 0.0]), np.array([-0.1, 0.0])
"""About where an episode begins, m; both at rest."""
START_SPREAD = 0.03
"""Largest offset of either start in x and y, m."""
SUBSTEPS = 5
"""Time steps of 0.01 s in a control step."""
DRAWN_ABOVE = 1.0
"""How far above the ground of a picture y = 0 is drawn, m: in a picture of walkers, below is earth."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PuckParams(WorldParams):
    """What differs between two pucks: the friction, and the target, which is the task's context."""

    target_x: float | np.ndarray = 0.65
    """Where the puck should come to rest, m; the zone of the striker ends at 0."""
    target_y: float | np.ndarray = 0.0
    """The same to the left of the middle line, m."""
    friction: float | np.ndarray = 0.2
    """Coulomb's coefficient between puck and table, 1; 0.2 as of plastic on smooth wood."""

    bounds: ClassVar[dict[str, Interval]] = {
        "target_x": Interval(-2.0, 2.0),
        "target_y": Interval(-2.0, 2.0),
        "friction": Interval(0.01, 2.0),
    }
    context: ClassVar[tuple[str, ...]] = ("target_x", "target_y")


def _norm(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(vectors).sum(axis=1))


def slid(
    position: np.ndarray, velocity: np.ndarray, friction: np.ndarray, time: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where free pucks are after a time: they slow down evenly, then rest.

    Args:
        position: [B, 2], m.
        velocity: [B, 2], m/s.
        friction: Coulomb's coefficient, [B], 1.
        time: one or [B], s, at least 0.

    Returns:
        Positions [B, 2], m, and velocities [B, 2], m/s, fresh arrays.
    """
    slowing, speed = friction * GRAVITY, _norm(velocity)
    time = np.minimum(time, speed / slowing)
    left = speed - slowing * time
    share = np.divide(left, speed, out=np.zeros_like(speed), where=speed > 0)
    return position + velocity * (0.5 * (1 + share) * time)[:, None], velocity * share[:, None]


def resting_place(position: np.ndarray, velocity: np.ndarray, friction: np.ndarray) -> np.ndarray:
    """Where free pucks come to rest: v^2 / (2 friction g) further in their direction.

    Args:
        position: [B, 2], m.
        velocity: [B, 2], m/s.
        friction: Coulomb's coefficient, [B], 1.

    Returns:
        Positions [B, 2], m.
    """
    return position + velocity * (_norm(velocity) / (2 * friction * GRAVITY))[:, None]


def time_of_contact(offset: np.ndarray, velocity: np.ndarray, within: float) -> np.ndarray:
    """When two discs in even motion touch.

    Args:
        offset: from the striker's centre to the puck's, [B, 2], m.
        velocity: of the puck relative to the striker, [B, 2], m/s.
        within: longest time looked at, s.

    Returns:
        s, [B]: 0 where they overlap and approach, inf where they do not meet in time.
    """
    # |offset + velocity t|^2 = TOUCH^2, the smaller root; both come nearer only where `approach` is negative.
    approach = (offset * velocity).sum(axis=1)
    gap = np.square(offset).sum(axis=1) - TOUCH**2
    square = np.square(velocity).sum(axis=1)
    root = np.square(approach) - square * gap
    meets = (approach < 0) & (root >= 0)
    # This form of the root divides by no small difference, and by no zero where they approach.
    time = np.divide(
        np.maximum(gap, 0.0), np.sqrt(np.maximum(root, 0.0)) - approach, out=np.zeros_like(gap), where=meets
    )
    return np.where(meets & (time <= within), time, np.inf)


def struck(
    offset: np.ndarray, striker_velocity: np.ndarray, puck_velocity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Velocities after a hit: smooth discs push each other along the line of their centres only.

    Args:
        offset: from the striker's centre to the puck's, [B, 2], m.
        striker_velocity: before, [B, 2], m/s.
        puck_velocity: before, [B, 2], m/s.

    Returns:
        The striker's and the puck's velocities after it, [B, 2] each, m/s.
    """
    normal = offset / _norm(offset)[:, None]
    approach = ((striker_velocity - puck_velocity) * normal).sum(axis=1)[:, None]
    impulse = (1 + RESTITUTION) * approach / (1 / STRIKER_MASS + 1 / PUCK_MASS) * normal  # N s
    return striker_velocity - impulse / STRIKER_MASS, puck_velocity + impulse / PUCK_MASS


class PuckVectorEnv(EpisodicVectorEnv):
    """N tables; the reward is minus the distance to the target of where the puck will rest if left alone.

    Being paid for where it will rest, and not for where it is, brings the reward of a hit to the step of the
    hit. A small price for acceleration keeps a striker still that has no more to do.

    Observed: the striker's place and velocity, the puck's place and velocity (x, y; m and m/s); then the
    target.
    """

    params_type = PuckParams
    dt = 0.05

    control_cost: ClassVar[float] = 0.01
    """Price of the sum of squared actions: a second at full power along x is worth 5 mm throughout."""

    def __init__(
        self,
        num_envs: int,
        params: PuckParams | None = None,
        *,
        max_episode_steps: int | None = HORIZON,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        context_observed: bool = True,
        **parameters: float | np.ndarray,
    ) -> None:
        """Builds the tables; call `reset` before the first step.

        Args:
            num_envs: N, at least 1.
            params: parameters of all tables, or one value for each.
            max_episode_steps: an episode is truncated after that many steps; None for never.
            autoreset_mode: when a finished table starts again.
            context_observed: whether observations end with the target.
            **parameters: single parameters by name, instead of `params`: `target_x=1.0`.

        Raises:
            ValueError: a number is out of its bounds, or both `params` and parameters are given.
            TypeError: a parameter's name is unknown.
        """
        params = self._chosen_params(num_envs, params, parameters)
        super().__init__(
            num_envs,
            Box(-1.0, 1.0, (2,), np.float32),
            Box(-np.inf, np.inf, (8,), np.float64),
            max_episode_steps,
            autoreset_mode,
            context_observed,
        )
        self._striker, self._puck = np.zeros((num_envs, 2)), np.zeros((num_envs, 2))
        self._striker_velocity, self._puck_velocity = np.zeros((num_envs, 2)), np.zeros((num_envs, 2))
        self.set_params(params)

    def _apply(self, values: np.ndarray) -> None:
        self._target, self._friction = values[:, :2], values[:, 2]

    def _start(self, mask: np.ndarray) -> None:
        for index in np.flatnonzero(mask):
            offset = self.generators[index].uniform(-START_SPREAD, START_SPREAD, 4)
            self._striker[index] = STRIKER_START + offset[:2]
            self._puck[index] = PUCK_START + offset[2:]
        self._striker_velocity[mask] = self._puck_velocity[mask] = 0.0

    def _advance(
        self, actions: np.ndarray, live: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        before = self._striker, self._striker_velocity, self._puck, self._puck_velocity
        push = np.clip(actions.astype(np.float64), -1.0, 1.0)
        contact = np.zeros(self.num_envs, dtype=bool)
        for _ in range(SUBSTEPS):
            contact |= self._substep(STRENGTH * push, self.dt / SUBSTEPS)
        after = self._striker, self._striker_velocity, self._puck, self._puck_velocity
        self._striker, self._striker_velocity, self._puck, self._puck_velocity = (
            np.where(live[:, None], new, old) for new, old in zip(after, before, strict=True)
        )
        distance = _norm(resting_place(self._puck, self._puck_velocity, self._friction) - self._target)
        cost = self.control_cost * np.square(push).sum(axis=1)
        parts = {"reward_distance": -distance, "reward_ctrl": -cost, "contact": contact}
        return -distance - cost, np.zeros(self.num_envs, dtype=bool), parts

    def _substep(self, acceleration: np.ndarray, time: float) -> np.ndarray:
        """Moves everything by a short time; whether there was a hit, bool [N]."""
        velocity = self._striker_velocity + acceleration * time
        hit_at = time_of_contact(self._puck - self._striker, self._puck_velocity - velocity, time)
        hit = np.isfinite(hit_at)
        until = np.minimum(hit_at, time)
        striker = self._striker + velocity * until[:, None]
        puck, puck_velocity = slid(self._puck, self._puck_velocity, self._friction, until)
        bounced, pushed = struck(puck - striker, velocity, puck_velocity)
        velocity = np.where(hit[:, None], bounced, velocity)
        puck_velocity = np.where(hit[:, None], pushed, puck_velocity)
        striker = striker + velocity * (time - until)[:, None]
        self._puck, self._puck_velocity = slid(puck, puck_velocity, self._friction, time - until)
        self._striker = np.clip(striker, ZONE_LOW, ZONE_HIGH)
        self._striker_velocity = np.where(striker == self._striker, velocity, 0.0)
        return hit

    def _observation(self) -> np.ndarray:
        parts = [self._striker, self._striker_velocity, self._puck, self._puck_velocity]
        return np.concatenate(parts, axis=1)

    @property
    def scene(self) -> Scene:
        """The table seen from above, y drawn upward; the line is where the striker's zone ends."""
        line = ((float(ZONE_HIGH[0]), float(ZONE_LOW[1])), (float(ZONE_HIGH[0]), float(ZONE_HIGH[1])))
        here = (0.0, 0.0)
        return Scene(
            name="puck",
            bodies=("puck", "striker", "goal", "line"),  # a picture follows the first
            geoms=(
                Geom(body=3, start=line[0], end=line[1], radius=0.006, name="line"),
                Geom(body=2, start=here, end=here, radius=0.03, name="goal"),
                Geom(body=1, start=here, end=here, radius=STRIKER_RADIUS, name="striker"),
                Geom(body=0, start=here, end=here, radius=PUCK_RADIUS, name="puck"),
            ),
        )

    def pose(self) -> np.ndarray:
        """Where the bodies are drawn now, float32 [N, 4, 3]: x (m), y + DRAWN_ABOVE (m), and no turn."""
        pose = np.zeros((self.num_envs, 4, 3), dtype=np.float32)
        pose[:, 0, :2], pose[:, 1, :2], pose[:, 2, :2] = self._puck, self._striker, self._target
        pose[:, :, 1] += DRAWN_ABOVE
        return pose


class PuckEnv(SingleEnv):
    """One table; `gymnasium.make("course/Puck-v0", target_x=1.0)`."""

    vector_type = PuckVectorEnv


def family() -> TaskFamily:
    """Targets in front of the zone, as far as a metre from it; one friction for all."""
    return TaskFamily(
        name="puck",
        params_type=PuckParams,
        source={"target_x": Uniform(0.3, 1.0), "target_y": Uniform(-0.4, 0.4), "friction": 0.2},
        make_vec=PuckVectorEnv,
    )
