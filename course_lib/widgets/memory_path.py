"""Memory path: what a recurrent policy holds in mind, trial by trial and step by step, flattened to a plane.

All trials begin with an empty memory, on one point. If later those of one task lie together, apart from those
of another, then the policy has found out which task it is in. All numbers are given beforehand: the slider
turns without a kernel, too.

Axes: T steps, N trials, H memory, L labels.
"""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.widgets.module import module
from course_lib.widgets.page_widget import PageWidget
from course_lib.widgets.palette import GREY, SERIES
from course_lib.widgets.plane import INK

STYLES = tuple(zip((*SERIES, GREY), ("o", "s", "D", "^", "v"), strict=True))
"""Colour and marker of each label; the script has the same order."""


def projected(memory: np.ndarray) -> tuple[np.ndarray, float]:
    """Memories in the plane in which they differ most, and the share of their variance that it shows.

    One plane for all steps: the principal components of all memories of all trials together.

    Args:
        memory: [T, N, H], H at least 2.

    Returns:
        Coordinates [T, N, 2], and a number in [0, 1].
    """
    flat = memory.reshape(-1, memory.shape[-1]).astype(np.float64)
    flat = flat - flat.mean(axis=0)
    _, scale, directions = np.linalg.svd(flat, full_matrices=False)
    # A direction has no sign of its own: the one in which its largest entry is positive, always.
    largest = np.abs(directions[:2]).argmax(axis=1)
    directions = directions[:2] * np.sign(directions[np.arange(2), largest])[:, None]
    total = float(np.square(scale).sum())
    share = float(np.square(scale[:2]).sum()) / total if total else 1.0
    return (flat @ directions.T).reshape(*memory.shape[:2], 2), share


def readable(memory: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Share of trials whose label can be read off the memory, [T], with all H dimensions.

    A trial is read as the label whose mean memory is nearest, and that mean leaves the trial itself out.

    Args:
        memory: [T, N, H].
        label: int [N], each from 0 to L - 1 at least twice.
    """
    belongs = (label[:, None] == np.arange(label.max() + 1)).astype(np.float64)  # [N, L]
    count = belongs.sum(axis=0)
    right = np.empty(len(memory))
    for t, now in enumerate(memory.astype(np.float64)):
        total = belongs.T @ now  # [L, H]
        far = np.square(now[:, None] - total / count[:, None]).sum(axis=-1)  # [N, L]
        own = (total[label] - now) / (count[label] - 1.0)[:, None]  # without the trial itself
        far[np.arange(len(now)), label] = np.square(now - own).sum(axis=-1)
        # Among equally near means one is as good as the other: a guess is right so often.
        nearest = far <= far.min(axis=1, keepdims=True) * (1.0 + 1e-9) + 1e-12
        right[t] = (nearest[np.arange(len(now)), label] / nearest.sum(axis=1)).mean()
    return right


class MemoryPath(PageWidget):
    """Memories of many trials in a plane, and a slider over the steps.

    Keys on the slider: arrows, Home and End; in the widget: P plays, F fills the screen.
    """

    _esm = module("live_curve", "memory_path")
    page_height = 640

    def __init__(
        self,
        memory: np.ndarray,
        label: np.ndarray,
        names: Sequence[str],
        steps: Sequence[str] | None = None,
        *,
        title: str = "What it holds in mind",
    ) -> None:
        """Projects all memories at once.

        Args:
            memory: before the first step and after each, [T, N, H]; the first is empty.
            label: what the task of each trial was, int [N]: a place in `names`.
            names: of the labels, up to five.
            steps: what each of T stops of the slider is called; "after t steps" if left out.
            title: heading.

        Raises:
            ValueError: shapes that do not fit, more labels than can be told apart, or a label with less than
                two trials.
        """
        memory, label = np.asarray(memory), np.asarray(label)
        if memory.ndim != 3 or memory.shape[2] < 2 or len(memory) < 2:
            raise ValueError(f"memory must be [T, N, H] with T and H at least 2, got shape {memory.shape}")
        if not 2 <= len(names) <= len(STYLES):
            raise ValueError(f"2 to {len(STYLES)} labels can be told apart, got {len(names)}")
        if label.shape != memory.shape[1:2] or not np.isin(label, np.arange(len(names))).all():
            raise ValueError(f"label must be {memory.shape[1]} numbers in [0, {len(names)}), got {label}")
        count = np.bincount(label, minlength=len(names))
        if count.min() < 2:
            raise ValueError(f"{names[count.argmin()]!r} has {count.min()} trials: show two of each at least")
        steps = [f"after {t} steps" for t in range(len(memory))] if steps is None else list(steps)
        if len(steps) != len(memory):
            raise ValueError(f"steps must have {len(memory)} names, got {len(steps)}")
        places, share = projected(memory)
        super().__init__(
            data={
                "title": title,
                "places": np.round(places, 4).tolist(),
                "label": label.tolist(),
                "names": list(names),
                "steps": steps,
                "share": share,
                "dimensions": memory.shape[2],
                "readable": np.round(readable(memory, label), 4).tolist(),
                "chance": float(count.max() / count.sum()),
            }
        )

    def __str__(self) -> str:
        data = self.data
        return (
            f"{data['title']}. Two of {data['dimensions']} dimensions, {data['share']:.0%} of the variance. "
            f"The label can be read off the memory in {data['readable'][0]:.0%} of {len(data['label'])} "
            f"trials {data['steps'][0]}, and in {data['readable'][-1]:.0%} {data['steps'][-1]}."
        )

    def picture(self, format: str = "png") -> bytes:
        """Three steps side by side: the first, one in the middle, the last.

        Args:
            format: "png", or another one that matplotlib writes.
        """
        data, places = self.data, np.array(self.data["places"])
        figure = Figure(figsize=(11, 4.6), dpi=90, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(data["title"], fontsize=16, weight="bold", x=0.01, ha="left")
        panels = figure.subplots(1, 3, sharex=True, sharey=True)
        label = np.array(data["label"])
        for axes, t in zip(panels, (0, (len(places) - 1) // 2, len(places) - 1), strict=True):
            for i, (name, (colour, marker)) in enumerate(zip(data["names"], STYLES, strict=False)):
                x, y = places[t, label == i].T
                axes.plot(x, y, marker, color=colour, ms=6, alpha=0.75, mec="white", mew=0.6, label=name)
            words = f"{data['steps'][t]}\nreadable: {data['readable'][t]:.0%}"
            axes.set_title(words, fontsize=14, color=INK)
            axes.tick_params(labelbottom=False, labelleft=False)
            axes.grid(alpha=0.3)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=5, fontsize=13, frameon=False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=format)
        return buffer.getvalue()
