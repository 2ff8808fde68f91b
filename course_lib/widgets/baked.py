"""Baked panel: the physics panel from a grid computed beforehand, for where no kernel answers.

The same sliders and the same player, in one HTML file: an exported notebook, a notebook that was
opened again, a phone. The sliders stop at the grid's values; between two moves nothing is
simulated, so the answer takes a few milliseconds.

Axes: N simulations, T frames, B bodies.
"""

import itertools
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_lib.core.playback import Clip, Scene
from course_lib.widgets import codec, poster, standalone
from course_lib.widgets.module import module
from course_lib.widgets.physics_panel import PhysicsPanel, check_known


def thin_out(clip: Clip, rollouts: int, frames_per_second: float) -> Clip:
    """Fewer rollouts and frames that still show what happened.

    Args:
        clip: N rollouts.
        rollouts: how many to keep, evenly from the worst return to the best; at least 1.
        frames_per_second: at most; the player draws between the frames.

    Returns:
        A clip whose rewards are means over the frames left out, so that they stay rewards per step.
    """
    n, t = clip.reward.shape
    order = np.argsort(clip.reward.sum(axis=1), kind="stable")
    kept = order[np.unique(np.linspace(0, n - 1, min(rollouts, n) + 2).round().astype(int)[1:-1])]
    stride = max(1, round(1 / (frames_per_second * clip.dt)))
    starts = np.arange(0, t, stride)
    counts = np.diff(np.append(starts, t))
    return Clip(
        pose=clip.pose[kept][:, starts],
        reward=np.add.reduceat(clip.reward[kept], starts, axis=1) / counts.astype(np.float32),
        alive=np.logical_and.reduceat(clip.alive[kept], starts, axis=1),
        dt=clip.dt * stride,
    )


def compress(blocks: Sequence[bytes], rollouts: int, frames: int, bodies: int) -> bytes:
    """Packs the codec's buffers of many clips of one size, each body's path as differences over time.

    Args:
        blocks: what `codec.encode` returned for each.
        rollouts: N of each clip.
        frames: T of each clip.
        bodies: B of the scene.
    """
    data = np.frombuffer(b"".join(blocks), dtype="<i2").reshape(len(blocks), -1)
    poses = data[:, : rollouts * frames * bodies * 3].reshape(len(blocks), rollouts, frames, bodies * 3)
    paths = poses.transpose(0, 1, 3, 2)  # [C, N, 3B, T]
    steps = np.diff(paths, axis=-1, prepend=np.zeros_like(paths[..., :1])).astype("<i2")  # modulo 2**16
    packed = np.concatenate([steps.reshape(len(blocks), -1), data[:, poses[0].size :]], axis=1)
    halves = (
        packed.view(np.uint8).reshape(-1, 2).T
    )  # low bytes, then high bytes: the latter are mostly 0 or 255
    return zlib.compress(np.ascontiguousarray(halves).tobytes(), 9)


@dataclass(frozen=True)
class BakedPanel:
    """A physics panel that needs no kernel; the last line of a cell shows it."""

    html: str
    """The whole page."""
    png: str
    """What it shows at the start, base64, for notebooks that may not run scripts."""
    words: str
    """The same in words."""
    title: str
    """Of the page."""

    def save(self, path: str | Path) -> Path:
        """Writes one HTML file that needs nothing else."""
        path = Path(path)
        path.write_text(self.html, encoding="utf-8")
        return path

    def __str__(self) -> str:
        return self.words

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {
            "text/html": standalone.iframe(self.title, self.html, 660, self.png, self.words),
            "image/png": self.png,
            "text/plain": self.words,
        }


def bake(
    panel: PhysicsPanel,
    grid: Mapping[str, Sequence[float]],
    *,
    rollouts: int = 5,
    frames_per_second: float = 32.0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> BakedPanel:
    """Simulates every combination of a grid, for every policy of a panel.

    Args:
        panel: its scene, `simulate`, sliders and policies are used.
        grid: increasing values of the sliders that can be turned, by name; the others stay where they
            start, and are not shown.
        rollouts: how many are drawn of those simulated; all of them count in the returns.
        frames_per_second: stored; the player draws between them.
        progress: called with the number of combinations done, and of all.

    Raises:
        ValueError: an unknown slider, values that do not increase or lie outside the slider, or no value.
    """
    known = {slider["name"]: slider for slider in panel.sliders}
    for name, values in grid.items():
        check_known("slider", name, known)
        low, high = known[name]["low"], known[name]["high"]
        if (
            len(values) < 2
            or not (np.diff(values) > 0).all()
            or not (low <= values[0] and values[-1] <= high)
        ):
            raise ValueError(
                f"grid of {name} needs at least two increasing values in [{low}, {high}], got {list(values)}"
            )
    if not grid:
        raise ValueError(f"the grid is empty: give values for one of {', '.join(known)}")

    names = [name for name in known if name in grid]
    axes = [[float(value) for value in grid[name]] for name in names]
    start = {name: slider["value"] for name, slider in known.items()}
    start |= {n: min(axis, key=lambda v: abs(v - start[n])) for n, axis in zip(names, axes, strict=True)}
    total = len(panel.policies) * int(np.prod([len(axis) for axis in axes]))
    headers, blocks, first_clip = [], [], None
    for policy, *values in itertools.product(panel.policies, *axes):
        setting = start | dict(zip(names, values, strict=True))
        clip = panel.simulate_now(setting, policy)
        shown = thin_out(clip, rollouts, frames_per_second)
        header, block = codec.encode(shown)
        result = {
            "returns": [round(float(value), 1) for value in clip.reward.sum(axis=1)],
            "fell": [bool(fell) for fell in ~clip.alive.all(axis=1)],
        }
        headers.append(header | {"result": result})
        blocks.append(block)
        if len(blocks[0]) != len(block):
            raise ValueError(f"simulate yielded clips of different sizes at {setting}: bake needs equal ones")
        if policy == panel.policies[0] and setting == start:
            first_clip = clip
        progress(len(blocks), total)

    scene = panel.scene_drawn
    sliders = [known[name] | {"values": axis} for name, axis in zip(names, axes, strict=True)]
    state = {
        "scene": codec.describe(scene),
        "sliders": sliders,
        "policies": panel.policies,
        "values": start,
        "policy": panel.policies[0],
        "autoplay": panel.autoplay,
        "grid": {"axes": axes, "headers": headers},
        "data": compress(blocks, headers[0]["rollouts"], headers[0]["frames"], headers[0]["bodies"]),
    }
    words = _words(scene, panel.policies, sliders, first_clip, start)
    title = f"Physics of the {scene.name.replace('_', ' ')}"
    return BakedPanel(
        html=standalone.page(title, module("player", "physics_panel"), state),
        png=poster.stand_in(scene, first_clip, words)["image/png"],
        words=words,
        title=title,
    )


def _words(scene: Scene, policies: Sequence[str], sliders: Sequence[dict], clip: Clip, start: dict) -> str:
    """What the panel shows, in words."""
    setting = ", ".join(
        f"{slider['label']} {start[slider['name']]:g} {slider['unit']}".strip() for slider in sliders
    )
    ranges = "; ".join(
        f"{slider['label']} {slider['values'][0]:g} to {slider['values'][-1]:g} {slider['unit']}".strip()
        for slider in sliders
    )
    return (
        f"{codec.summary(clip, f'{scene.name}, {policies[0]}, {setting}')}\n"
        f"Computed beforehand for {ranges}; policies: {', '.join(policies)}. "
        "Trust the notebook, or run it, to turn the sliders."
    )
