"""Static figures that a projector and a colour-blind reader can tell apart.

Axes: R seeds, M places on the x axis.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from course_lib.core.evaluation import mean_with_interval
from course_lib.widgets.palette import BLUE, GREEN, GREY, PINK, VERMILLION

STYLES = (
    (BLUE, "-", "o"),
    (VERMILLION, "--", "s"),
    (GREEN, ":", "^"),
    (PINK, "-.", "D"),
    (GREY, (0, (8, 2, 1, 2)), "v"),
)
"""Colour, line and marker of each series."""

FONT_SIZE = 14
"""Smallest text, pt."""


def curves(
    axes: Axes, x: Sequence[float], series: Mapping[str, np.ndarray], xlabel: str, ylabel: str = "return"
) -> None:
    """Means over seeds with 95 % bootstrap bands, each labelled at its right end.

    Args:
        axes: where to draw.
        x: places, [M].
        series: by label, [R, M]; at most five, which can still be told apart.
        xlabel: with unit.
        ylabel: with unit.

    Raises:
        ValueError: more than five series.
    """
    if len(series) > len(STYLES):
        raise ValueError(
            f"at most {len(STYLES)} series can be told apart, got {len(series)}: {', '.join(series)}"
        )
    rng = np.random.default_rng(0)
    for (label, values), (colour, line, marker) in zip(series.items(), STYLES, strict=False):
        intervals = [mean_with_interval(column, rng) for column in np.asarray(values).T]
        means = [i.mean for i in intervals]
        axes.plot(x, means, linestyle=line, color=colour, marker=marker, linewidth=2.5, label=label)
        axes.fill_between(
            x, [i.low for i in intervals], [i.high for i in intervals], color=colour, alpha=0.15
        )
    finish(axes, xlabel, ylabel)
    axes.legend(fontsize=FONT_SIZE, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))


def heat_map(
    axes: Axes,
    values: np.ndarray,
    rows: Sequence[float],
    columns: Sequence[float],
    ylabel: str,
    xlabel: str,
    limits: tuple[float, float] | None = None,
) -> None:
    """A grid of numbers in colours that stay ordered in grey, with the number in each cell.

    Args:
        axes: where to draw.
        values: [R, C].
        rows: value of each row.
        columns: value of each column.
        ylabel: of the rows, with unit.
        xlabel: of the columns, with unit.
        limits: of the colours; those of the values if left out.
    """
    low, high = limits or (float(np.min(values)), float(np.max(values)))
    axes.imshow(values, origin="lower", aspect="auto", cmap="cividis", vmin=low, vmax=high)
    for (r, c), value in np.ndenumerate(values):
        dark = (value - low) / max(high - low, 1e-9) < 0.5
        axes.text(
            c, r, f"{value:.0f}", ha="center", va="center", fontsize=11, color="white" if dark else "black"
        )
    axes.set_xticks(range(len(columns)), [f"{v:.3g}" for v in columns])
    axes.set_yticks(range(len(rows)), [f"{v:.3g}" for v in rows])
    finish(axes, xlabel, ylabel)


def decision_boundary(
    axes: Axes,
    probability: Callable[[np.ndarray], np.ndarray],
    source: tuple[np.ndarray, np.ndarray],
    target: np.ndarray,
    cells: int = 120,
) -> None:
    """What a model of two classes says of every point of a plane, with the data of two domains on it.

    Args:
        axes: where to draw.
        probability: from points [n, 2] to the probability of class 1, [n].
        source: points [B, 2] and their classes [B], 0 or 1; drawn as - and +.
        target: points [K, 2] without classes; drawn as dots.
        cells: of the background along each side.
    """
    points, classes = source
    everything = np.concatenate([points, target])
    (left, low), (right, high) = everything.min(0) - 0.3, everything.max(0) + 0.3
    x, y = np.meshgrid(np.linspace(left, right, cells), np.linspace(low, high, cells))
    share = probability(np.column_stack([x.ravel(), y.ravel()])).reshape(x.shape)
    axes.contourf(x, y, share, levels=[-0.01, 0.5, 1.01], colors=[BLUE, VERMILLION], alpha=0.18)
    axes.contour(x, y, share, levels=[0.5], colors="black", linewidths=2.5)
    axes.scatter(*target.T, s=14, color=GREY, label="target, no labels")
    for label, (colour, marker) in enumerate(((BLUE, "_"), (VERMILLION, "+"))):
        axes.scatter(
            *points[classes == label].T,
            s=70,
            color=colour,
            marker=marker,
            linewidths=2,
            label=f"source, {label}",
        )
    axes.set_aspect("equal")
    finish(axes, "$x_1$", "$x_2$")
    axes.legend(
        fontsize=FONT_SIZE, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3,
        columnspacing=0.6, handletextpad=0.0,
    )  # fmt: skip


def finish(axes: Axes, xlabel: str, ylabel: str) -> None:
    """Labels large enough for the last row of a lecture hall."""
    axes.set_xlabel(xlabel, fontsize=FONT_SIZE)
    axes.set_ylabel(ylabel, fontsize=FONT_SIZE)
    axes.tick_params(labelsize=FONT_SIZE - 1)
    axes.spines[["top", "right"]].set_visible(False)


def robustness_figure(
    world: str,
    masses: Sequence[float],
    over_masses: Mapping[str, np.ndarray],
    grids: Mapping[str, np.ndarray],
    frictions: Sequence[float],
) -> Figure:
    """Return against torso mass, and heat maps over torso mass and friction.

    Args:
        world: title.
        masses: kg, of the curves; the grids run evenly from the first to the last.
        over_masses: by label, [R, M].
        grids: by label, mass by friction.
        frictions: of the grids' columns.
    """
    figure = Figure(figsize=(7 + 5.2 * len(grids), 5.2), layout="constrained")
    axes = figure.subplots(1, 1 + len(grids), width_ratios=[1.5] + [1] * len(grids))
    curves(np.atleast_1d(axes)[0], masses, over_masses, "torso mass (kg)")
    np.atleast_1d(axes)[0].set_title(world, fontsize=FONT_SIZE + 2)
    stacked = np.array(list(grids.values()))
    limits = (float(stacked.min()), float(stacked.max())) if len(grids) else None
    for axis, (label, grid) in zip(np.atleast_1d(axes)[1:], grids.items(), strict=True):
        rows = np.linspace(masses[0], masses[-1], grid.shape[0])
        heat_map(axis, grid, rows, frictions, "torso mass (kg)", "ground friction", limits)
        axis.set_title(f"return, {label}", fontsize=FONT_SIZE)
    return figure


def shots_figure(
    panels: Mapping[str, tuple[Sequence[float], Mapping[str, np.ndarray], Mapping[str, np.ndarray]]],
) -> Figure:
    """Return in the target against how much of it was seen, beside rivals to whom that does not matter.

    Args:
        panels: by title: transitions seen [M], curves [R, M] by label, and rivals [R] by label, which are
            drawn as level lines.
    """
    figure = Figure(figsize=(9 * len(panels), 5.2), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, (seen, series, level)) in zip(row, panels.items(), strict=True):
        everything = {
            **series,
            **{name: np.repeat(np.asarray(r)[:, None], len(seen), 1) for name, r in level.items()},
        }
        curves(axes, seen, everything, "transitions of the target seen", "return in the target")
        axes.set_xscale("log")
        axes.minorticks_off()
        axes.set_xticks(seen, [f"{n:g}" for n in seen])
        axes.set_title(title, fontsize=FONT_SIZE + 2)
    return figure


def curves_figure(
    panels: Mapping[str, tuple[Sequence[float], Mapping[str, np.ndarray]]],
    xlabel: str,
    ylabel: str,
    *,
    columns: int | None = None,
) -> Figure:
    """Curves side by side on one scale: by title, the places [M] and the series [R, M] by label.

    Args:
        panels: the curves of each panel.
        xlabel: with unit.
        ylabel: with unit.
        columns: panels in a row, all in one if left out; then series mean the same in every panel, and the
            last one alone names them.
    """
    width = columns or len(panels)
    rows = -(-len(panels) // width)
    size = (9 * width, 5.2 * rows) if columns is None else (6 * width + 3, 4.4 * rows)
    figure = Figure(figsize=size, layout="constrained")
    places = figure.subplots(rows, width, squeeze=False, sharey=True).flat
    for axes, (title, (x, series)) in zip(places, panels.items(), strict=True):
        curves(axes, x, series, xlabel, ylabel)
        axes.set_title(title, fontsize=FONT_SIZE + 2)
    for axes in figure.axes[:-1] if columns else ():
        axes.get_legend().remove()
    return figure


def boundary_figure(panels: Mapping[str, tuple]) -> Figure:
    """Decision boundaries side by side: by title, the arguments of `decision_boundary` after the axes."""
    figure = Figure(figsize=(6 * len(panels), 5.2), layout="constrained")
    row = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, what) in zip(row, panels.items(), strict=True):
        decision_boundary(axes, *what)
        axes.set_title(title, fontsize=FONT_SIZE + 2)
    return figure


def context_figure(
    contexts: Sequence[float],
    measured: Mapping[str, Mapping[str, np.ndarray]],
    xlabel: str,
    trained: tuple[float, float] | None,
    names: Sequence[str] | None,
    iterations: Sequence[float],
    cosines: Mapping[str, np.ndarray],
    title: str,
) -> Figure:
    """What policies are worth in each context, and how the gradients of their tasks stood to each other.

    Args:
        contexts: where it was measured, [C].
        measured: by what was measured, with unit: by label, [R, C]; the same labels in each.
        xlabel: of the contexts, with unit.
        trained: range of the contexts that were trained, which is shaded; None for no range.
        names: of the contexts; None for their numbers.
        iterations: when gradients were compared, [M].
        cosines: by label, [R, M].
        title: of the cosines.
    """
    figure = Figure(figsize=(8 * (len(measured) + 1), 5.2), layout="constrained")
    *row, last = figure.subplots(1, len(measured) + 1)
    for axes, (ylabel, series) in zip(row, measured.items(), strict=True):
        curves(axes, contexts, series, xlabel, ylabel)
        if trained is not None:
            axes.axvspan(*trained, color="black", alpha=0.06)
        if names is not None:
            axes.set_xticks(contexts, names)
    for axes in row[:-1]:
        axes.get_legend().remove()
    curves(last, iterations, cosines, "iteration", "cosine of two gradients")
    last.axhline(0, color="black", linewidth=1)
    last.set_title(title, fontsize=FONT_SIZE)
    return figure


def prediction_figure(
    seen: Sequence[float],
    errors: Mapping[str, np.ndarray],
    ylabel: str,
    maps: Mapping[str, np.ndarray],
    unit: str,
) -> Figure:
    """How far predictions are off against what they were learned from, and maps of what they say of a room.

    Args:
        seen: transitions, [M].
        errors: by label, [R, M], positive.
        ylabel: of the errors, with unit.
        maps: by title, a number for each cell, the first row on top.
        unit: what the numbers are.
    """
    figure = Figure(figsize=(10 + 4.2 * len(maps), 5.2), layout="constrained")
    first, *row = figure.subplots(1, 1 + len(maps), width_ratios=[2.4] + [1] * len(maps))
    curves(first, seen, errors, "transitions seen", ylabel)
    first.set(xscale="log", yscale="log")
    first.minorticks_off()
    first.set_xticks(seen, [f"{n:g}" for n in seen])
    first.yaxis.set_major_formatter("{x:g}")
    ends = np.array([edge(cells) for edge in (np.min, np.max) for cells in maps.values()])
    for axes, (title, cells) in zip(row, maps.items(), strict=True):
        height, width = cells.shape
        limits = float(ends.min()), float(ends.max())
        heat_map(axes, cells[::-1], range(height, 0, -1), range(1, width + 1), "row", "column", limits)
        axes.set_title(f"{title}\n{unit}", fontsize=FONT_SIZE)
    return figure
