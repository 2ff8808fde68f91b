"""Player: watch rollouts, beside each other, slowly, back and forth.

The poses travel once, 26 bytes a frame for a hopper; the browser draws them. Nothing is
rendered in the kernel, so there is no video to wait for and no graphics driver to fail.

Axes: N simulations, T frames, B bodies.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from course_lib.core.playback import Clip, Scene
from course_lib.widgets import codec, poster, standalone
from course_lib.widgets.module import module

MOST_LABELLED = 4
"""More colours than these could not be told apart by everybody."""


def side_by_side(clips: Mapping[str, Clip]) -> Clip:
    """One clip out of several: of each the rollout with the median return.

    Shorter ones hold their last frame, and earn nothing meanwhile.

    Args:
        clips: at least one, all with the same time between frames.

    Raises:
        ValueError: there is no clip, or they differ in bodies or in the time between frames.
    """
    if not clips:
        raise ValueError("no clips to show: give at least one")
    first = next(iter(clips.values()))
    longest = max(clip.pose.shape[1] for clip in clips.values())
    poses, rewards, alive = [], [], []
    for label, clip in clips.items():
        if clip.dt != first.dt or clip.pose.shape[2:] != first.pose.shape[2:]:
            raise ValueError(
                f"{label!r} has {clip.pose.shape[2]} bodies every {clip.dt} s, "
                f"the first clip {first.pose.shape[2]} every {first.dt} s: show worlds of one kind together"
            )
        order = np.argsort(clip.reward.sum(axis=1), kind="stable")
        n = order[(len(order) - 1) // 2]
        missing = longest - clip.pose.shape[1]
        poses.append(np.pad(clip.pose[n], ((0, missing), (0, 0), (0, 0)), mode="edge"))
        rewards.append(np.pad(clip.reward[n], (0, missing)))
        alive.append(np.pad(clip.alive[n], (0, missing), mode="edge"))
    return Clip(pose=np.stack(poses), reward=np.stack(rewards), alive=np.stack(alive), dt=first.dt)


class Player(anywidget.AnyWidget):
    """Plays planar rollouts on a canvas: play, pause, scrub, slow motion, up to four with labels.

    They share one picture, or have a strip each.

    Without labels, many rollouts are faint ghosts around the one with the median return.
    Keys: space plays and pauses, arrows move 0.1 s (Shift: one frame), F fills the screen.
    """

    _esm = module("player")
    scene = traitlets.Dict().tag(sync=True)
    header = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)
    autoplay = traitlets.Bool(True).tag(sync=True)
    stacked = traitlets.Bool(False).tag(sync=True)

    def __init__(self, scene: Scene, *, autoplay: bool = True, stacked: bool = False) -> None:
        """An empty player.

        Args:
            scene: what the bodies look like.
            autoplay: start to play when rollouts arrive (never for people who ask for reduced motion).
            stacked: whether labelled rollouts have a strip each, with their velocity: for robots that part
                company.
        """
        super().__init__(scene=codec.describe(scene), autoplay=autoplay, stacked=stacked)
        self._scene, self._clip, self._labels = scene, None, None

    @classmethod
    def from_clips(cls, scene: Scene, clips: Mapping[str, Clip], **options) -> "Player":
        """A player that overlays up to four clips, of each the rollout with the median return.

        Args:
            scene: what the bodies look like.
            clips: by label.
            **options: of the constructor.

        Raises:
            ValueError: no clip, more than four, or clips of different kinds.
        """
        return cls(scene, **options).show(side_by_side(clips), labels=list(clips))

    def show(self, clip: Clip, labels: Sequence[str] | None = None) -> "Player":
        """Shows rollouts instead of those before.

        Args:
            clip: N rollouts.
            labels: one for each, at most four; None draws them as a crowd.

        Returns:
            The player, so that the call can end a cell.

        Raises:
            ValueError: the clip does not fit the scene or holds no finite poses, or the labels do not fit.
        """
        n, bodies = clip.pose.shape[0], clip.pose.shape[2]
        if bodies != len(self._scene.bodies):
            raise ValueError(
                f"the clip has {bodies} bodies, the {self._scene.name} has {len(self._scene.bodies)}"
            )
        if labels is not None and len(labels) != n:
            raise ValueError(f"{len(labels)} labels for {n} rollouts: give one each, or none")
        if labels is not None and n > MOST_LABELLED:
            raise ValueError(
                f"at most {MOST_LABELLED} rollouts can be told apart by colour, got {n}: leave labels out"
            )
        header, data = codec.encode(clip)
        self._clip, self._labels = clip, labels
        with self.hold_sync():
            self.header = {**header, "labels": None if labels is None else [str(label) for label in labels]}
            self.data = data
        return self

    def save(self, path: str | Path) -> Path:
        """Writes the player as one HTML file that needs nothing else."""
        path = Path(path)
        state = {name: getattr(self, name) for name in ("scene", "header", "data", "autoplay", "stacked")}
        path.write_text(standalone.page(f"{self._scene.name} player", self._esm, state), encoding="utf-8")
        return path

    def __str__(self) -> str:
        if self._clip is None:
            return f"Player of {self._scene.name} rollouts: nothing shown yet"
        if self.stacked and self._labels:
            ways = self._clip.pose[:, -1, 0, 0] - self._clip.pose[:, 0, 0, 0]  # m
            seconds = (self._clip.pose.shape[1] - 1) * self._clip.dt
            return "\n".join(
                f"{label}: {way:+.1f} m in {seconds:.1f} s"
                for label, way in zip(self._labels, ways, strict=True)
            )
        return poster.sentences(self._scene, self._clip, self._labels)

    def _repr_mimebundle_(self, **options):
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {
            **data,
            **poster.stand_in(self._scene, self._clip, str(self), self._labels, self.stacked),
        }, metadata
