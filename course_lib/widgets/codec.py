"""Rollouts as bytes: 26 bytes a frame for a hopper, decoded in a browser in one pass.

Positions are counted in steps of half a millimetre, angles in 1/65536 of a turn, both modulo
2**16. Two's complement makes the difference of two frames right across the wrap, so a robot
may run for kilometres in 16 bits as long as it moves less than 16 m between two frames.

Axes: N simulations, T frames, B bodies.
"""

import numpy as np

from course_lib.core.playback import Clip, Scene

POSITION_STEP = 5e-4
"""Metres per count."""
ANGLE_STEP = 2 * np.pi / 65536
"""Radians per count."""


def encode(clip: Clip) -> tuple[dict, bytes]:
    """Packs a piece of N rollouts.

    Args:
        clip: pose [N, T, B, 3], reward [N, T], alive [N, T].

    Returns:
        A header for JSON (rollouts, frames, bodies, dt in s, reward_step per count), and
        little-endian int16: pose [N, T, B, 3], reward [N, T], number of frames alive [N].

    Raises:
        ValueError: the clip is empty, or a pose or a reward is not finite.
    """
    n, t, b, _ = clip.pose.shape
    if not n * t * b:
        raise ValueError(f"nothing to show: the clip has pose of shape {clip.pose.shape}")
    for name, values in (("pose", clip.pose), ("reward", clip.reward)):
        bad = ~np.isfinite(values)
        if bad.any():
            rollout, frame = np.argwhere(bad)[0, :2]
            raise ValueError(
                f"{name} of rollout {rollout} is not finite at frame {frame}: the simulation diverged; "
                "try gentler physics or smaller actions"
            )
    limit = 32767
    counts = np.rint(clip.pose / np.array([POSITION_STEP, POSITION_STEP, ANGLE_STEP])).astype(np.int64)
    counts[..., 1] = np.clip(counts[..., 1], -limit, limit)  # height does not wrap: 16 m is high enough
    reward_step = max(float(np.abs(clip.reward).max()), 1e-9) / limit
    rewards = np.rint(clip.reward / reward_step)
    header = {"rollouts": n, "frames": t, "bodies": b, "dt": float(clip.dt), "reward_step": reward_step}
    parts = (counts, rewards, clip.alive.sum(axis=1))
    return header, b"".join(part.astype("<i2").tobytes() for part in parts)


def describe(scene: Scene) -> dict:
    """The scene as JSON: what the player needs to draw a robot.

    Args:
        scene: bodies and geoms, in metres.
    """
    return {
        "name": scene.name,
        "bodies": list(scene.bodies),
        "geoms": [
            {
                "body": geom.body,
                "start": [round(float(x), 5) for x in geom.start],
                "end": [round(float(x), 5) for x in geom.end],
                "radius": round(float(geom.radius), 5),
                "name": geom.name,
            }
            for geom in scene.geoms
        ],
    }


def summary(clip: Clip, what: str = "") -> str:
    """One sentence on what happened, as the widgets say it.

    Args:
        clip: N rollouts from their start.
        what: put in front, such as the policy's name.
    """
    returns = clip.reward.sum(axis=1)
    lengths = clip.alive.sum(axis=1)
    n, t = clip.alive.shape
    front = f"{what}: " if what else ""
    if n == 1:
        seconds = lengths[0] * clip.dt
        fate = f"fell after {seconds:.1f} s" if lengths[0] < t else f"lasted {seconds:.1f} s"
        return f"{front}{fate}, return {returns[0]:.0f}"
    standing = int((lengths == t).sum())
    fate = f"none of {n} fell" if standing == n else f"{standing} of {n} still standing"
    return f"{front}{fate}, mean return {returns.mean():.0f}"
