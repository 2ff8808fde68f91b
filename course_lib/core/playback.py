"""What a planar rollout looks like: bodies drawn once, poses per frame.

A capsule under an orthographic camera is a thick line with round ends, so a few numbers a
frame are enough to draw a robot, in a notebook, in a page or on paper.

Axes: N simulations, T frames, B bodies, S observation, A action.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode


@dataclass(frozen=True, kw_only=True)
class Geom:
    """A capsule fixed to a body, in the body's frame (x forward, z up); a ball where start == end."""

    body: int
    """Index into Scene.bodies."""
    start: tuple[float, float]
    """One end of the axis (x, z), m."""
    end: tuple[float, float]
    """The other end (x, z), m."""
    radius: float
    """Radius, m."""
    name: str
    """Name in the model."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """All that does not move: which bodies there are and what they look like."""

    name: str
    """Name of the world."""
    bodies: tuple[str, ...]
    """Names of the bodies, in the order of Clip.pose."""
    geoms: tuple[Geom, ...]
    """What is drawn."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A stretch of N rollouts."""

    pose: np.ndarray
    """float32 [N, T, B, 3]: x (m), z (m) and pitch (rad) of each body. Pitch turns about the y axis:
    a point (x, z) of the body lies at (cos x + sin z, -sin x + cos z) from the body's origin."""
    reward: np.ndarray
    """float32 [N, T]: reward of each step, 0 after the episode has ended."""
    alive: np.ndarray
    """bool [N, T]: False from the frame after the one in which the episode ended."""
    dt: float
    """Seconds between two frames."""

    @classmethod
    def concatenate(cls, clips: Iterable["Clip"]) -> "Clip":
        """Joins consecutive pieces of the same rollouts.

        Raises:
            ValueError: there is no piece.
        """
        clips = list(clips)
        if not clips:
            raise ValueError("no clips to concatenate: record at least one frame")
        return cls(
            pose=np.concatenate([c.pose for c in clips], axis=1),
            reward=np.concatenate([c.reward for c in clips], axis=1),
            alive=np.concatenate([c.alive for c in clips], axis=1),
            dt=clips[0].dt,
        )


def record(
    env,
    act: Callable[[np.ndarray], np.ndarray],
    chunks: Iterable[int] = (8, 24, 56, 112),
    seed: int = 0,
) -> Iterator[Clip]:
    """Plays a policy in a batched world and yields what it looked like, piece by piece.

    The first piece is short, so that a first picture can be painted long before the last
    frame is computed.

    Args:
        env: a batched world with `scene`, `pose()` and `dt`, whose finished simulations stay
            as they are until the next reset (autoreset disabled).
        act: from observations [N, S] to actions [N, A]; clipped to the world's bounds, as in a rollout.
        chunks: frames of each piece.
        seed: of the start states.

    Raises:
        ValueError: the world resets by itself, and would jump back to the start in the picture.
    """
    if env.metadata.get("autoreset_mode") != AutoresetMode.DISABLED:
        raise ValueError("a recording needs a world with autoreset_mode=AutoresetMode.DISABLED")
    low, high = env.single_action_space.low, env.single_action_space.high
    obs, _ = env.reset(seed=seed)
    alive = np.ones(env.num_envs, dtype=bool)
    for frames in chunks:
        pose = np.empty((env.num_envs, frames, len(env.scene.bodies), 3), dtype=np.float32)
        rewards = np.zeros((env.num_envs, frames), dtype=np.float32)
        was_alive = np.empty((env.num_envs, frames), dtype=bool)
        for t in range(frames):
            obs, reward, terminated, truncated, _ = env.step(np.clip(act(obs), low, high))
            pose[:, t] = env.pose()
            rewards[:, t] = np.where(alive, reward, 0.0)
            was_alive[:, t] = alive
            alive = alive & ~(terminated | truncated)
        yield Clip(pose=pose, reward=rewards, alive=was_alive, dt=env.dt)
