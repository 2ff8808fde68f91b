"""Ways over a plane seen from above, from where they begin to where they end.

Axes: N ways, T steps.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from course_lib.widgets.figures import FONT_SIZE, STYLES, finish


def planar_paths(
    axes: Axes,
    paths: Mapping[str, np.ndarray],
    goal: tuple[float, float],
    wall: float = 0.0,
    title: str = "",
) -> None:
    """Draws ways in one colour and line a label, with a dot where each begins and a marker where it ends.

    Args:
        axes: where to draw; x and y get the same scale.
        paths: by label, (x, y) in m, [N, T, 2]; at most five labels, which can still be told apart.
        goal: a star, m.
        wall: half the height of a wall at x = 0, m; 0 for none.
        title: heading.

    Raises:
        ValueError: more than five labels, or ways that are not [N, T, 2].
    """
    if len(paths) > len(STYLES):
        raise ValueError(f"at most {len(STYLES)} kinds of ways can be told apart, got {len(paths)}")
    for (label, ways), (colour, line, marker) in zip(paths.items(), STYLES, strict=False):
        ways = np.asarray(ways, dtype=np.float64)
        if ways.ndim != 3 or ways.shape[-1] != 2:
            raise ValueError(f"ways of {label!r} must be [N, T, 2], got {ways.shape}")
        for n, way in enumerate(ways):
            axes.plot(*way.T, linestyle=line, color=colour, linewidth=1.8, alpha=0.8)
            axes.plot(*way[0], "o", color=colour, ms=5)
            look = {"markersize": 11, "markerfacecolor": "white", "markeredgewidth": 2.2}
            name = label if n == 0 else None
            axes.plot(*way[-1], marker, color=colour, linestyle="none", label=name, **look)
    axes.plot(*goal, "*", ms=22, color="white", mec="black", mew=2, zorder=5)
    axes.annotate(
        "goal", goal, (0, 16), textcoords="offset points", ha="center", fontsize=FONT_SIZE, weight="bold"
    )
    if wall:
        axes.plot([0, 0], [-wall, wall], color="black", linewidth=6, solid_capstyle="butt", zorder=4)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title(title, fontsize=FONT_SIZE + 2)
    finish(axes, "x (m)", "y (m)")
