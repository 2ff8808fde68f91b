"""The picture and the words that stand in for a widget where no kernel and no script answers.

JupyterLab shows an untrusted notebook's PNG but neither its HTML nor its SVG, so the poster is
a PNG: the typical rollout, exposed several times along its way.

Axes: N simulations, T frames, B bodies.
"""

import base64
import io
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from course_lib.core.playback import Clip, Scene
from course_lib.widgets.codec import summary
from course_lib.widgets.palette import SERIES

STYLES = tuple(zip(SERIES, ("-", "--", ":", "-."), strict=True))
"""Colour and line style of each labelled rollout."""


def segments(scene: Scene, pose: np.ndarray) -> np.ndarray:
    """Ends of every geom in the world.

    Args:
        scene: G geoms.
        pose: x, z (m) and pitch (rad) of the bodies, [B, 3].

    Returns:
        Ends in m, [G, 2, 2]: geom, end, (x, z).
    """
    local = np.array([(geom.start, geom.end) for geom in scene.geoms], dtype=float)  # [G, 2, 2]
    x, z, pitch = (pose[[geom.body for geom in scene.geoms], i, None] for i in range(3))  # [G, 1] each
    cos, sin = np.cos(pitch), np.sin(pitch)
    return np.stack(
        [x + cos * local[..., 0] + sin * local[..., 1], z - sin * local[..., 0] + cos * local[..., 1]],
        axis=-1,
    )


def sentences(scene: Scene, clip: Clip, labels: Sequence[str] | None = None) -> str:
    """What happened, in words: one line a label, or one for all."""
    if labels is None:
        return summary(clip, scene.name)
    lines = []
    for n, label in enumerate(labels):
        one = slice(n, n + 1)
        alone = Clip(pose=clip.pose[one], reward=clip.reward[one], alive=clip.alive[one], dt=clip.dt)
        lines.append(summary(alone, label))
    return "\n".join(lines)


def picture(
    scene: Scene, clip: Clip, words: str, labels: Sequence[str] | None = None, style: int = 0
) -> bytes:
    """PNG of the rollouts: at most four labelled ones, or the one with the median return.

    Args:
        scene: what the bodies look like.
        clip: N rollouts.
        words: written above; one line for each label.
        labels: one for each rollout, or None.
        style: number of the first one's colour.
    """
    order = np.argsort(clip.reward.sum(axis=1), kind="stable")
    shown = range(len(labels)) if labels else [order[(len(order) - 1) // 2]]
    end = max(int(clip.alive[n].sum()) for n in shown)
    exposures = np.unique(np.linspace(0, max(0, min(end, clip.pose.shape[1]) - 1), 7).astype(int))
    drawn = {(n, t): segments(scene, clip.pose[n, t]) for n in shown for t in exposures}
    everything = np.concatenate(list(drawn.values()))
    (low_x, _), (high_x, high_z) = everything.min(axis=(0, 1)), everything.max(axis=(0, 1))

    # The picture is 8 inches wide and as high as the robots need; a slow robot stays at a natural size.
    width = max(high_x - low_x + 0.8, 3.2 * high_z)
    per_metre = 7.7 / width
    ground, sky = 0.5, per_metre * (high_z + 0.25)
    lines = words.splitlines() if labels else textwrap.wrap(words.splitlines()[0], 78)
    columns = 2 if labels else 1
    title = 0.2 + 0.3 * -(-len(lines) // columns)
    height = ground + sky + title
    figure = Figure(figsize=(8, height), dpi=110, facecolor="white", layout="none")  # whatever rcParams say
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.3 / height, 0.96, (height - title - 0.3) / height))
    middle = (low_x + high_x) / 2
    axes.set(
        xlim=(middle - width / 2, middle + width / 2), ylim=(-(ground - 0.3) / per_metre, sky / per_metre)
    )
    axes.axhspan(-10, 0, color="#d9dfe6", zorder=0)
    axes.axhline(0, color="#5a6878", lw=2, zorder=1)
    for i, n in reversed(list(enumerate(shown))):
        colour, dashes = STYLES[(style + i) % len(STYLES)]
        for t in exposures:
            share = t / max(1, exposures[-1])
            line = {"solid_capstyle": "round", "alpha": 0.2 + 0.8 * share**1.5, "zorder": 2 + share}
            for ends, geom in zip(drawn[n, t], scene.geoms, strict=True):
                thickness = max(2.0, 2 * geom.radius * per_metre * 72)
                for ink, wide in (("#18212d", thickness + 2), (colour, thickness)):
                    # A ball is a line without length, which has no caps: a dot of its size instead.
                    ball = {"marker": "o", "ms": wide, "mew": 0} if (ends[0] == ends[1]).all() else {}
                    axes.plot(*ends.T, color=ink, lw=wide, **line, **ball)
        path = clip.pose[n, : exposures[-1] + 1, 0]
        axes.plot(*path[:, :2].T, color=colour, ls=dashes, lw=2, zorder=5)
    axes.tick_params(left=False, labelleft=False, labelsize=13)
    axes.xaxis.set_major_formatter("{x:g} m")
    for side in ("left", "right", "top", "bottom"):
        axes.spines[side].set_visible(False)
    for i, line in enumerate(lines):
        x, y = 0.02 + 0.5 * (i % columns), 1 - (0.3 + 0.3 * (i // columns)) / height
        if labels:
            colour, dashes = STYLES[(style + i) % len(STYLES)]
            figure.add_artist(Line2D([x, x + 0.05], [y + 0.06 / height] * 2, color=colour, ls=dashes, lw=3))
        figure.text(x + (0.06 if labels else 0), y, line, fontsize=12.5, weight="bold", color="#18212d")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    small = io.BytesIO()  # a notebook carries the picture: few colours make it a quarter of the size
    Image.open(buffer).convert("RGB").quantize(48).save(small, format="png", optimize=True)
    return small.getvalue()


def strips(scene: Scene, clip: Clip, words: str, labels: Sequence[str], seconds: float = 1.5) -> bytes:
    """PNG of labelled rollouts one above the other, of each the last seconds, wherever they have led.

    Args:
        scene: what the bodies look like.
        clip: N rollouts.
        words: a line for each.
        labels: one for each.
        seconds: how long before the end a strip begins.
    """
    late = slice(-min(clip.pose.shape[1], max(1, round(seconds / clip.dt))), None)
    each = []
    for n, line in enumerate(words.splitlines()):
        fields = (values[n : n + 1, late] for values in (clip.pose, clip.reward, clip.alive))
        alone = Clip(**dict(zip(("pose", "reward", "alive"), fields, strict=True)), dt=clip.dt)
        each.append(Image.open(io.BytesIO(picture(scene, alone, line, labels[n : n + 1], n))).convert("RGB"))
    joined = Image.new("RGB", (each[0].width, sum(strip.height for strip in each)))
    for n, strip in enumerate(each):
        joined.paste(strip, (0, sum(above.height for above in each[:n])))
    buffer = io.BytesIO()
    joined.quantize(48).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def stand_in(
    scene: Scene, clip: Clip | None, words: str, labels: Sequence[str] | None = None, stacked: bool = False
) -> dict[str, str]:
    """What a widget adds to its mimebundle: the words, and the picture once there is a clip."""
    if clip is None:
        return {"text/plain": words}
    draw = strips if stacked and labels else picture
    return {"text/plain": words, "image/png": base64.b64encode(draw(scene, clip, words, labels)).decode()}
