"""Draws the pictures of the lecture notebooks and attaches them: python docs/images/notebook_pictures.py

A picture that lies inside the notebook is there before the first cell has run, and in every export.
"""

import base64
import io
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from course_lib.core.playback import Scene
from course_lib.envs import half_cheetah, hopper
from course_lib.widgets.poster import segments

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#00835F", "#B8558C"
INK, GROUND = "#18212d", "#d9dfe6"


def blank(figure: Figure, width: float, height: float) -> Axes:
    """Axes that fill the figure, in centimetres of a picture of that size."""
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axes.axis("off")
    return axes


def robot(axes: Axes, x: float, z: float, size: float, colour: str, heavy: float = 1.0, lean: float = 0.0):
    """A hopper with its foot at (x, z); `heavy` widens the torso, `lean` tips it over, in rad."""
    env = hopper.HopperVectorEnv(1, autoreset_mode="Disabled")
    env.reset(seed=0)
    pose = env.pose()[0].copy()
    pose[:, 2] += lean
    pose[0, 0] += 0.35 * lean
    draw(axes, env.scene, pose, x, z, size, colour, heavy)


def runner(axes: Axes, x: float, z: float, size: float, colour: str) -> None:
    """A half-cheetah whose middle stands at x, with its feet at z."""
    env = half_cheetah.HalfCheetahVectorEnv(1, autoreset_mode="Disabled")
    env.reset(seed=0)
    for _ in range(6):  # until it stands
        env.step(np.zeros((1, 6)))
    pose = env.pose()[0].copy()
    pose[:, 0] -= pose[0, 0]
    draw(axes, env.scene, pose, x, z, size, colour)


def draw(
    axes: Axes,
    scene: Scene,
    pose: np.ndarray,
    x: float,
    z: float,
    size: float,
    colour: str,
    heavy: float = 1.0,
) -> None:
    """The capsules of one robot, its ground at z; `heavy` widens the first body."""
    points_per_unit = 72 * axes.figure.get_figwidth() / axes.get_xlim()[1]
    for (start, end), geom in zip(segments(scene, pose), scene.geoms, strict=True):
        wide = heavy if geom.body == 0 else 1.0
        thickness = 2 * geom.radius * size * points_per_unit * wide
        ends = ([x + size * start[0], x + size * end[0]], [z + size * start[1], z + size * end[1]])
        axes.plot(*ends, color=INK, lw=thickness + 2.5, solid_capstyle="round", zorder=3)
        axes.plot(*ends, color=colour, lw=thickness, solid_capstyle="round", zorder=4)


def box(axes: Axes, x: float, y: float, width: float, height: float, text: str, colour: str = INK) -> None:
    """A rounded box with text in its middle."""
    shape = FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0,rounding_size=0.25", lw=2.5)
    shape.set(facecolor="white", edgecolor=colour, zorder=2)
    axes.add_patch(shape)
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=15, color=INK, zorder=5)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], bend: float = 0.0) -> None:
    """An arrow, bent to one side."""
    style = {"arrowstyle": "-|>,head_width=.5,head_length=.8", "lw": 2.5, "color": INK}
    axes.annotate("", end, start, arrowprops={**style, "connectionstyle": f"arc3,rad={bend}"}, zorder=6)


def ensemble() -> Figure:
    """EPOpt: source worlds, one policy, a target that nobody has seen."""
    figure = plt.figure(figsize=(12, 4.6), facecolor="white")
    axes = blank(figure, 24, 9.2)
    axes.fill_between([0.4, 10.6], 1.1, 1.6, color=GROUND)
    for i, heavy in enumerate((0.6, 1.0, 1.5, 2.0, 2.5)):
        robot(axes, 1.5 + 2 * i, 1.52, 2.5, BLUE, heavy)
    axes.text(5.5, 0.35, "3 kg          torso mass          9 kg", ha="center", va="center", fontsize=15)
    axes.text(5.5, 8.5, "source: an ensemble of worlds", ha="center", fontsize=17, weight="bold", color=BLUE)
    box(axes, 12.1, 3.1, 3.6, 2.0, "one policy\n$\\pi_\\theta(a\\,|\\,s)$", GREEN)
    arrow(axes, (10.5, 4.1), (12.0, 4.1))
    arrow(axes, (9.5, 6.4), (13.9, 5.2), -0.35)
    axes.text(12.9, 7.2, "learn from the worst", ha="center", fontsize=15, style="italic")
    arrow(axes, (15.8, 4.1), (18.3, 4.1))
    axes.text(17.0, 4.5, "0-shot", ha="center", fontsize=15, style="italic")
    axes.fill_between([18.6, 23.6], 1.1, 1.6, color=VERMILLION, alpha=0.35)
    robot(axes, 21.1, 1.52, 2.5, VERMILLION, 1.7)
    axes.text(22.6, 4.6, "?", fontsize=40, weight="bold", color=VERMILLION, va="center", ha="center")
    axes.text(21.1, 8.5, "target: one world", ha="center", fontsize=17, weight="bold", color=VERMILLION)
    axes.text(21.1, 0.35, "that nobody has measured", ha="center", va="center", fontsize=14)
    return figure


def course() -> Figure:
    """The three parts of the course."""
    figure = plt.figure(figsize=(12, 4.6), facecolor="white")
    axes = blank(figure, 24, 9.2)
    titles = (
        "1  The world changed",
        "2  Many tasks,\nand I am told which",
        "3  Many tasks,\nand I must find out",
    )
    for i, (title, colour) in enumerate(zip(titles, (BLUE, VERMILLION, GREEN), strict=True)):
        left = 0.3 + 8 * i
        box(axes, left, 0.3, 7.4, 8.6, "", colour)
        axes.text(left + 3.7, 7.7, title, ha="center", va="center", fontsize=17, weight="bold", color=colour)
        axes.fill_between([left + 0.4, left + 7.0], 1.5, 1.9, color=GROUND, zorder=2.5)
    robot(axes, 2.0, 1.85, 2.2, BLUE, 1.0)
    robot(axes, 6.0, 1.85, 2.2, BLUE, 2.4)
    arrow(axes, (3.0, 3.9), (4.9, 3.9))
    for x, task in ((9.7, "←"), (12.0, "→"), (14.3, "↑")):
        robot(axes, x, 1.85, 1.7, VERMILLION)
        box(axes, x - 0.65, 5.1, 1.3, 1.3, "", VERMILLION)
        axes.text(x, 5.75, task, ha="center", va="center", fontsize=26, weight="bold", zorder=6)
    for x in (17.7, 20.0, 22.3):
        robot(axes, x, 1.85, 1.7, GREEN)
        box(axes, x - 0.65, 5.1, 1.3, 1.3, "", GREEN)
        axes.text(x, 5.75, "?", ha="center", va="center", fontsize=26, weight="bold", zorder=6)
    words = ("train here, run there", "one policy, given the task", "learn to learn")
    for i, text in enumerate(words):
        axes.text(4.0 + 8 * i, 0.9, text, ha="center", va="center", fontsize=15, zorder=6)
    return figure


def joint() -> Figure:
    """Contextual policies: the task is drawn at the first step, and one policy sees it in the state."""
    figure = plt.figure(figsize=(12, 4.6), facecolor="white")
    axes = blank(figure, 24, 9.2)
    axes.text(
        9.4,
        8.5,
        "one joint MDP: the task is drawn once an episode",
        ha="center",
        fontsize=17,
        weight="bold",
        color=INK,
    )
    box(axes, 0.3, 3.6, 3.4, 2.0, "first step:\n$\\omega\\sim p(\\omega)$")
    for z, task, colour in ((5.7, "0.5", BLUE), (3.2, "1.5", VERMILLION), (0.7, "2.5", PURPLE)):
        axes.fill_between([9.0, 16.4], z, z + 0.3, color=GROUND)
        arrow(axes, (3.8, 4.6), (6.0, z + 1.0), 0.12 * (3.2 - z) / 2.5)
        axes.text(
            7.4, z + 0.95, f"$\\omega$ = {task} m/s", ha="center", va="center", fontsize=15, color=colour
        )
        runner(axes, 10.6, z + 0.28, 1.5, colour)
        pace = 1.6 * float(task)
        arrow(axes, (12.1, z + 1.15), (12.1 + pace, z + 1.15))
    box(axes, 18.9, 3.4, 4.7, 2.4, "one policy\n$\\pi_\\theta(a\\,|\\,s,\\omega)$", GREEN)
    for z, bend in ((6.7, -0.2), (4.2, 0.0), (1.7, 0.2)):
        arrow(axes, (16.5, z), (18.8, 4.6 + (z - 4.2) / 5), bend)
    axes.text(21.2, 1.5, "sees $\\tilde s$ = [$s$, $\\omega$]", ha="center", va="center", fontsize=15)
    return figure


def trial() -> Figure:
    """RL2: one memory through the episodes of a trial, and none from a task to the next."""
    figure = plt.figure(figsize=(12, 5.0), facecolor="white")
    axes = blank(figure, 24, 10.0)
    for x, width, words, colour in (
        (0.4, 8.3, "episode 1", BLUE),
        (9.3, 8.3, "episode 2", BLUE),
        (19.6, 4.1, "episode 1", VERMILLION),
    ):
        axes.fill_between([x, x + width], 1.2, 7.7, color=colour, alpha=0.08, lw=0)
        axes.text(x + width / 2, 8.0, words, ha="center", fontsize=16, color=colour)
    for x0, x1, words, colour in (
        (0.4, 17.6, "a trial: one task, all of its reward counts", BLUE),
        (19.6, 23.7, "a new task", VERMILLION),
    ):
        axes.plot([x0, x1], [9.0, 9.0], color=colour, lw=4, solid_capstyle="round")
        axes.text((x0 + x1) / 2, 9.25, words, ha="center", fontsize=17, weight="bold", color=colour)
    starts = [0.8, 3.55, 6.3, 9.7, 12.45, 15.2, 20.0]
    for i, x in enumerate(starts):
        box(axes, x, 3.6, 2.0, 1.7, "GRU", GREEN)
        axes.text(x + 1.0, 2.1, "s, a, r, d", ha="center", va="center", fontsize=15, color=INK)
        arrow(axes, (x + 1.0, 2.45), (x + 1.0, 3.5))
        arrow(axes, (x + 1.0, 5.4), (x + 1.0, 6.5))
        axes.text(x + 1.0, 6.95, "a", ha="center", va="center", fontsize=16, style="italic", color=INK)
        if i < 5:
            arrow(axes, (x + 2.05, 4.45), (starts[i + 1] - 0.05, 4.45))
    arrow(axes, (22.05, 4.45), (23.6, 4.45))
    axes.plot([17.25, 18.2], [4.45, 4.45], color=INK, lw=2.5)
    for tilt in (-1, 1):
        axes.plot([18.2, 18.9], [4.45 - 0.35 * tilt, 4.45 + 0.35 * tilt], color=VERMILLION, lw=5)
    axes.text(18.6, 5.4, "emptied", ha="center", fontsize=15, weight="bold", color=VERMILLION)
    axes.text(9.0, 4.85, "h", ha="center", fontsize=16, style="italic", color=INK)
    axes.text(9.0, 0.45, "the memory h goes on", ha="center", fontsize=15, weight="bold", color=GREEN)
    axes.annotate(
        "", (9.0, 4.2), (9.0, 1.0), arrowprops={"arrowstyle": "-|>", "lw": 2, "color": GREEN}, zorder=6
    )
    return figure


def start() -> Figure:
    """MAML: a start from which one step is enough, and the step as a part of the computation."""
    figure = plt.figure(figsize=(12, 5.0), facecolor="white")
    axes = blank(figure, 24, 10.0)
    axes.text(5.0, 9.2, "the space of parameters", ha="center", fontsize=17, weight="bold", color=INK)
    way = np.array([(0.6, 0.7), (1.4, 2.6), (3.3, 3.0), (4.3, 4.6)])
    curve = np.array([np.polyval(np.polyfit(range(4), way[:, i], 3), np.linspace(0, 3, 60)) for i in (0, 1)])
    axes.plot(*curve, color=INK, lw=4, solid_capstyle="round")
    axes.text(2.5, 1.1, "meta-training,\nall tasks", fontsize=14, style="italic", color=INK)
    for x, y, name, colour, shift in (
        (2.1, 7.6, "1", BLUE, (-1.3, -0.5)),
        (7.0, 7.4, "2", VERMILLION, (-0.1, -1.3)),
        (8.3, 3.2, "3", GREEN, (-1.3, -0.9)),
    ):
        for size in (0.5, 0.95, 1.4):
            axes.add_patch(plt.Circle((x, y), size, fill=False, ec=colour, lw=1.5, alpha=0.6))
        end = (4.3 + 0.8 * (x - 4.3), 4.6 + 0.8 * (y - 4.6))
        style = {"arrowstyle": "-|>,head_width=.5,head_length=.8", "lw": 3, "color": colour}
        axes.annotate("", end, (4.3, 4.6), arrowprops=style, zorder=6)
        axes.plot(x, y, "*", ms=16, color=colour, zorder=7)
        where = ((4.3 + end[0]) / 2 + shift[0], (4.6 + end[1]) / 2 + shift[1] + 0.3)
        axes.text(*where, f"$\\phi_{name}$", fontsize=19, color=colour)
    axes.plot(4.3, 4.6, "o", ms=15, color=INK, zorder=8)
    axes.text(3.2, 4.7, "$\\theta$", fontsize=22, color=INK, zorder=8)
    axes.text(17.2, 9.2, "one computation", ha="center", fontsize=17, weight="bold", color=INK)
    box(axes, 11.2, 5.3, 2.0, 1.6, "$\\theta$")
    box(axes, 14.4, 5.1, 3.8, 2.0, "one step\n$\\theta-\\alpha\\nabla\\mathcal{L}(\\theta)$", GREEN)
    box(axes, 19.3, 5.3, 1.6, 1.6, "$\\phi$", GREEN)
    box(axes, 21.9, 5.3, 1.8, 1.6, "$\\mathcal{L}(\\phi)$")
    for x0, x1 in ((13.25, 14.35), (18.25, 19.25), (20.95, 21.85)):
        arrow(axes, (x0, 6.1), (x1, 6.1))
    for x, words in ((16.3, "training points"), (22.3, "test points")):
        axes.text(x, 8.2, words, ha="center", fontsize=15)
        arrow(axes, (x + 0.4 * (x > 20), 8.0), (x + 0.4 * (x > 20), 7.2 if x < 20 else 7.0))
    style = {"arrowstyle": "-|>,head_width=.5,head_length=.8", "lw": 3, "color": VERMILLION, "ls": "--"}
    axes.annotate(
        "", (12.2, 5.1), (22.8, 5.1), zorder=6, arrowprops={**style, "connectionstyle": "arc3,rad=-.33"}
    )
    axes.text(
        17.4, 2.2, "its gradient goes back through the step", ha="center", fontsize=15, color=VERMILLION
    )
    return figure


def bell(axes: Axes, x: float, y: float, width: float, height: float, colour: str) -> None:
    """A Gaussian that stands on y."""
    at = np.linspace(-3, 3, 61)
    density = y + height * np.exp(-at * at / 2)
    axes.fill_between(x + width * at / 6, y, density, color=colour, alpha=0.25, lw=0, zorder=3)
    axes.plot(x + width * at / 6, density, color=colour, lw=2.5, zorder=4)


def belief() -> Figure:
    """Meta-RL as inference: a task that nobody sees, and the circle of posterior sampling."""
    figure = plt.figure(figsize=(12, 5.0), facecolor="white")
    axes = blank(figure, 24, 10.0)
    axes.text(4.9, 9.2, "one hidden variable", ha="center", fontsize=17, weight="bold", color=INK)
    axes.add_patch(plt.Circle((4.9, 7.3), 0.85, fc="white", ec=VERMILLION, lw=3, ls="--", zorder=3))
    axes.text(4.9, 7.3, "$z$", ha="center", va="center", fontsize=22, color=VERMILLION, zorder=5)
    axes.text(6.1, 7.6, "the task:\nnobody sees it", fontsize=14, style="italic", va="center")
    for x, name in ((1.4, "$s_1$"), (4.9, "$r_1, s_2$"), (8.4, "$r_2, s_3$")):
        axes.add_patch(plt.Circle((x, 2.6), 1.05, fc=GROUND, ec=INK, lw=2.5, zorder=3))
        axes.text(x, 2.6, name, ha="center", va="center", fontsize=17, zorder=5)
        way = np.array([x - 4.9, 2.6 - 7.3]) / np.hypot(x - 4.9, 4.7)
        if x > 2:
            arrow(axes, tuple((4.9, 7.3) + 0.95 * way), tuple((x, 2.6) - 1.15 * way))
            arrow(axes, (x - 2.35, 2.6), (x - 1.15, 2.6))
    for x, name in ((3.15, "$a_1$"), (6.65, "$a_2$")):
        axes.text(x, 0.7, name, ha="center", va="center", fontsize=17)
        arrow(axes, (x + 0.3, 1.0), (x + 0.9, 1.8))
    axes.text(17.2, 9.2, "what to do about it", ha="center", fontsize=17, weight="bold", color=INK)
    box(axes, 11.4, 5.0, 4.6, 2.9, "", GREEN)
    bell(axes, 13.7, 5.9, 3.6, 1.6, GREEN)
    axes.text(13.7, 5.4, "belief $p(z\\,|\\,$so far$)$", ha="center", va="center", fontsize=15, zorder=5)
    box(axes, 18.9, 5.5, 4.6, 1.9, "one sample of $z$", GREEN)
    box(axes, 18.9, 1.2, 4.6, 1.9, "an episode\n$\\pi(a\\,|\\,s,z)$", BLUE)
    box(axes, 11.4, 1.2, 4.6, 1.9, "what happened\n$s,\\,a,\\,r,\\,s'$", BLUE)
    for one, other in (((16.1, 6.45), (18.8, 6.45)), ((21.2, 5.4), (21.2, 3.2))):
        arrow(axes, one, other)
    for one, other in (((18.8, 2.15), (16.1, 2.15)), ((13.7, 3.2), (13.7, 4.9))):
        arrow(axes, one, other)
    axes.text(17.45, 6.8, "draw", ha="center", fontsize=14, style="italic")
    axes.text(20.95, 4.3, "act as though\nit were true", ha="right", va="center", fontsize=14, style="italic")
    axes.text(14.0, 4.05, "Bayes' rule", ha="left", va="center", fontsize=14, style="italic")
    return figure


def factors() -> Figure:
    """PEARL: every transition is a Gaussian factor; what the critics need trains the encoder."""
    figure = plt.figure(figsize=(12, 5.0), facecolor="white")
    axes = blank(figure, 24, 10.0)
    axes.text(4.9, 9.2, "the context: lately collected", ha="center", fontsize=16, weight="bold", color=BLUE)
    axes.text(20.7, 9.2, "all of the replay", ha="center", fontsize=16, weight="bold", color=BLUE)
    for y, n, width, height in ((7.0, "1", 1.1, 1.0), (4.6, "2", 2.0, 0.6), (2.2, "K", 0.9, 1.2)):
        box(axes, 0.3, y, 2.9, 1.3, f"$s_{n},a_{n},r_{n},s'_{n}$", BLUE)
        arrow(axes, (3.3, y + 0.65), (4.2, y + 0.65))
        box(axes, 4.3, y, 2.2, 1.3, "encoder", GREEN)
        arrow(axes, (6.6, y + 0.65), (7.4, y + 0.65))
        bell(axes, 8.6, y + 0.1, width, height, GREEN)
        arrow(axes, (9.7, y + 0.65), (11.1, 4.7 + 0.12 * (y - 2.2)))
    for y in (3.8, 4.05, 4.3):
        axes.plot(1.75, y, "o", ms=4, color=INK)
    bell(axes, 8.6, 0.5, 2.4, 0.55, INK)
    axes.text(4.9, 0.75, "the prior, one factor more", ha="center", va="center", fontsize=15)
    arrow(axes, (9.9, 0.9), (11.4, 4.0))
    axes.text(11.9, 4.95, "$\\times$", ha="center", va="center", fontsize=34, weight="bold", color=GREEN)
    arrow(axes, (12.5, 4.95), (13.5, 4.95))
    bell(axes, 14.1, 4.35, 0.9, 1.5, GREEN)
    axes.text(14.1, 3.75, "$q(z\\,|\\,c)$", ha="center", va="center", fontsize=15)
    arrow(axes, (14.8, 4.95), (16.0, 4.95))
    axes.add_patch(plt.Circle((16.7, 4.95), 0.65, fc="white", ec=VERMILLION, lw=3, zorder=3))
    axes.text(16.7, 4.95, "$z$", ha="center", va="center", fontsize=20, color=VERMILLION, zorder=5)
    box(axes, 19.0, 6.1, 4.5, 1.7, "critics  $Q(s,a,z)$")
    box(axes, 19.0, 2.0, 4.5, 1.7, "policy  $\\pi(a\\,|\\,s,z)$")
    arrow(axes, (17.3, 5.3), (18.9, 6.6))
    arrow(axes, (17.3, 4.6), (18.9, 3.2))
    arrow(axes, (21.2, 9.0), (21.2, 7.9))
    axes.plot([23.75, 23.75], [8.9, 2.85], color=INK, lw=2.5)
    axes.plot([22.9, 23.75], [8.9, 8.9], color=INK, lw=2.5)
    arrow(axes, (23.75, 2.85), (23.55, 2.85))
    style = {"arrowstyle": "-|>,head_width=.5,head_length=.8", "lw": 3, "color": VERMILLION, "ls": "--"}
    axes.annotate(
        "", (6.1, 8.4), (18.9, 7.3), zorder=6, arrowprops={**style, "connectionstyle": "arc3,rad=.12"}
    )
    axes.text(13.2, 8.95, "gradient", ha="center", fontsize=15, color=VERMILLION)
    axes.annotate("", (17.5, 1.7), (18.9, 2.4), zorder=6, arrowprops=style)
    for tilt in (-1, 1):
        axes.plot([16.9, 17.5], [1.5 - 0.3 * tilt, 1.5 + 0.3 * tilt], color=VERMILLION, lw=5)
    axes.text(16.6, 0.75, "no gradient", ha="center", fontsize=15, color=VERMILLION)
    return figure


def little_grid(
    axes: Axes, x: float, y: float, size: float, goal: tuple[int, int] | None, colour: str
) -> None:
    """Five by five cells with their corner at (x, y), a disc in the middle and a star at the goal."""
    cell = size / 5
    axes.add_patch(plt.Rectangle((x, y), size, size, fc="white", ec=colour, lw=3, zorder=3))
    for i in range(1, 5):
        axes.plot([x + i * cell] * 2, [y, y + size], color=GROUND, lw=1.5, zorder=3)
        axes.plot([x, x + size], [y + i * cell] * 2, color=GROUND, lw=1.5, zorder=3)
    axes.plot(x + size / 2, y + size / 2, "o", ms=3.2 * size, color=INK, zorder=4)
    if goal is not None:
        place = (x + (goal[0] + 0.5) * cell, y + (goal[1] + 0.5) * cell)
        axes.plot(*place, "*", ms=6 * size, color=colour, mec=INK, mew=1, zorder=4)


def transfer() -> Figure:
    """Transfer: source tasks, what may be carried over, a target, and the tries there."""
    figure = plt.figure(figsize=(12, 4.6), facecolor="white")
    axes = blank(figure, 24, 9.2)
    axes.text(4.0, 8.35, "source tasks", ha="center", fontsize=17, weight="bold", color=BLUE)
    for x, y, goal in ((0.6, 4.6, (0, 3)), (4.3, 4.6, (3, 4)), (0.6, 0.9, (1, 0)), (4.3, 0.9, (4, 3))):
        little_grid(axes, x, y, 3.2, goal, BLUE)
    axes.text(11.6, 8.35, "what is carried", ha="center", fontsize=17, weight="bold", color=INK)
    words = ("Q: what is good", "policy: what to try", "model: what follows", "features: what matters")
    for i, text in enumerate(words):
        box(axes, 8.9, 6.3 - 1.75 * i, 5.4, 1.35, text, GREEN)
    arrow(axes, (7.7, 4.4), (8.8, 4.4))
    arrow(axes, (14.4, 4.4), (15.6, 4.4))
    axes.text(18.1, 8.35, "target task", ha="center", fontsize=17, weight="bold", color=VERMILLION)
    little_grid(axes, 15.8, 2.1, 4.6, None, VERMILLION)
    axes.text(
        19.0, 5.4, "?", fontsize=34, weight="bold", color=VERMILLION, ha="center", va="center", zorder=5
    )
    for y, name, tries in ((5.9, "0-shot", 0), (4.3, "1-shot", 1), (2.7, "few-shot", 3)):
        axes.text(20.9, y, name, fontsize=16, va="center", color=INK)
        for i in range(tries):
            axes.plot(21.1 + 0.6 * i, y - 0.7, "o", ms=11, color=VERMILLION)
    axes.text(22.2, 1.0, "tries in the target", fontsize=14, ha="center", style="italic")
    return figure


def three() -> Figure:
    """Three perspectives: one chain from a task to an action, each time with another learner in it."""
    figure = plt.figure(figsize=(12, 5.4), facecolor="white")
    axes = blank(figure, 24, 10.8)
    heads = (
        (2.4, "a new task", INK),
        (8.9, r"a learner $f_\theta$", INK),
        (15.6, r"what it holds, $\phi$", INK),
        (21.6, "the policy", INK),
    )
    for x, text, colour in heads:
        axes.text(x, 10.05, text, ha="center", fontsize=17, weight="bold", color=colour)
    rows = (
        (7.0, BLUE, "reads", "recurrent network", "memory $h$", r"$\pi_\theta(a\mid s,h)$"),
        (
            4.0,
            VERMILLION,
            "steps",
            r"$\theta+\alpha\nabla_\theta J$",
            r"parameters $\theta'$",
            r"$\pi_{\theta'}(a\mid s)$",
        ),
        (
            1.0,
            GREEN,
            "infers",
            r"$q_\theta(z\mid s_{1:t},a_{1:t},r_{1:t})$",
            "belief over $z$",
            r"$\pi_\theta(a\mid s,z)$",
        ),
    )
    for y, colour, verb, learner, held, policy in rows:
        little_grid(axes, 1.2, y - 0.15, 2.3, None, INK)
        axes.text(
            2.35, y + 1.6, "?", fontsize=22, weight="bold", color=INK, ha="center", va="center", zorder=5
        )
        box(axes, 5.6, y, 6.6, 2.0, learner, colour)
        box(axes, 13.5, y, 4.4, 2.0, held, colour)
        box(axes, 19.4, y, 4.4, 2.0, policy, colour)
        axes.text(4.55, y + 1.45, verb, ha="center", fontsize=15, style="italic", color=colour)
        for start_x, end_x in ((3.6, 5.5), (12.3, 13.4), (18.0, 19.3)):
            arrow(axes, (start_x, y + 1.0), (end_x, y + 1.0))
    return figure


def attach(notebook: Path, cell_id: str, name: str, figure: Figure) -> None:
    """Puts a figure into a Markdown cell, as a PNG that its text can show as `attachment:name`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    content = json.loads(notebook.read_text("utf-8"))
    (cell,) = (cell for cell in content["cells"] if cell["id"] == cell_id)
    cell["attachments"] = {name: {"image/png": base64.b64encode(buffer.getvalue()).decode()}}
    notebook.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    attach(NOTEBOOKS / "00_start_here.ipynb", "map", "course.png", course())
    attach(NOTEBOOKS / "01_transfer.ipynb", "picture", "transfer.png", transfer())
    attach(NOTEBOOKS / "04_epopt.ipynb", "picture", "ensemble.png", ensemble())
    attach(NOTEBOOKS / "05_contextual.ipynb", "picture", "joint.png", joint())
    attach(NOTEBOOKS / "08_rl2.ipynb", "picture", "trial.png", trial())
    attach(NOTEBOOKS / "09_maml.ipynb", "picture", "start.png", start())
    attach(NOTEBOOKS / "10_pearl.ipynb", "picture", "belief.png", belief())
    attach(NOTEBOOKS / "10_pearl.ipynb", "factors", "factors.png", factors())
    attach(NOTEBOOKS / "11_three_perspectives.ipynb", "picture", "three.png", three())
