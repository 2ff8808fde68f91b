"""Sprite game: walk a small world by hand, with drawings that mean something, nothing, or something else.

The page walks the same tables that a learner walks; what differs is the drawings, and that the board of
textures is mirrored, so that memory of the room is no map. So what a person needs more steps for is what
the drawings told and what the mirror undid, less what was learned before: textures are meant to be played
second, by somebody who knows the rules by then. Beside the board stand the curves of learners, to whom a
state is a number. All of it is in the page: no kernel has to answer.

Axes: R seeds, E tries.
Source: Dubey et al., "Investigating Human Priors for Playing Video Games", ICML 2018,
https://arxiv.org/abs/1802.10217, whose players needed more than twice as long without meaning.
"""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_lib.core.evaluation import mean_with_interval
from course_lib.core.tabular_mdp import TileWorld
from course_lib.widgets.figures import STYLES
from course_lib.widgets.module import module
from course_lib.widgets.page_widget import PageWidget
from course_lib.widgets.plane import INK
from course_lib.widgets.sprite_picture import SPRITES, sprite, texture

MODES = ("sprites", "textures", "exchanged")
MOST_LEARNERS = 4
"""More curves than these could not be told apart by everybody."""


class SpriteGame(PageWidget):
    """Walk by hand, and count the steps.

    Keys: arrows walk, N begins a new try, 1, 2 and 3 choose the drawings, F fills the screen.
    """

    _esm = module("live_curve", "sprite_game")

    def __init__(
        self,
        world: TileWorld,
        drawn_as: Sequence[int],
        *,
        learners: Mapping[str, np.ndarray] | None = None,
        random_player: tuple[int, float] | None = None,
        mode: str = "sprites",
        title: str = "What do you know before you begin?",
    ) -> None:
        """Puts the whole game into the page.

        Args:
            world: four actions, up, right, down and left; kinds named as in `SPRITES`. A step whose reward is
                negative is a death.
            drawn_as: for each kind, the kind whose drawing it is given where meanings are exchanged.
            learners: steps of each try by label, [R, E] each, with one E; up to four.
            random_player: a number of steps, and with what probability the end is reached within them by
                one who presses keys at random.
            mode: what is shown first, one of `MODES`.
            title: heading.

        Raises:
            ValueError: a world that cannot be walked by hand, or what does not fit.
        """
        learners = {} if learners is None else {name: np.asarray(v) for name, v in learners.items()}
        _check(world, drawn_as, learners, mode)
        mdp, rng = world.mdp, np.random.default_rng(0)
        super().__init__(
            data={
                "title": title,
                "mode": mode,
                "kinds": list(world.kinds),
                "drawn_as": [int(kind) for kind in drawn_as],
                "tiles": world.tiles.tolist(),
                "board": world.board.tolist(),
                "cell": world.cell.tolist(),
                "reached": world.reached.tolist(),
                "next": mdp.dynamics.argmax(axis=2).tolist(),
                "deadly": (mdp.reward < 0).tolist(),
                "terminal": mdp.terminal.tolist(),
                "start": mdp.start,
                "learners": [{"name": name, **_curve(steps, rng)} for name, steps in learners.items()],
                "random": None if random_player is None else [int(random_player[0]), random_player[1]],
            }
        )

    def __str__(self) -> str:
        words = [f"{self.data['title']} The same room with sprites and with textures that mean nothing."]
        words += [
            f"{one['name']}: {one['mean'][0]:,.0f} steps in try 1, {one['mean'][-1]:,.0f} in the last."
            for one in self.data["learners"]
        ]
        if self.data["random"]:
            steps, probability = self.data["random"]
            words.append(
                f"Keys pressed at random end it within {steps:,} steps with probability {probability:.1e}."
            )
        return " ".join(words)

    def picture(self) -> bytes:
        """PNG of the first board with sprites and with textures, and of the learners' curves."""
        data = self.data
        panels = 3 if data["learners"] else 2
        figure = Figure(figsize=(4.4 * panels, 5.0), dpi=90, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(data["title"], fontsize=16, weight="bold", x=0.01, ha="left")
        row = figure.subplots(1, panels)
        tiles, start = np.array(data["tiles"][0]), data["cell"][data["start"]]
        for axes, name, draw in zip(row, ("with sprites", "with textures"), (sprite, texture), strict=False):
            board = tiles if draw is sprite else tiles[:, ::-1]
            for (r, c), kind in np.ndenumerate(board):
                draw(axes, data["kinds"][kind], c, r)
            you = start[1] if draw is sprite else tiles.shape[1] - 1 - start[1]
            draw(axes, "you", you, start[0])
            axes.set(xlim=(0, tiles.shape[1]), ylim=(tiles.shape[0], 0), aspect="equal", xticks=[], yticks=[])
            axes.set_title(name, fontsize=15, loc="left", color=INK)
        for i, (one, (colour, line, _)) in enumerate(zip(data["learners"], STYLES, strict=False)):
            tries = np.arange(
                1, len(one["mean"]) + 1
            )  # the first is broad: one that is the same lies upon it
            row[2].plot(
                tries, one["mean"], color=colour, linestyle=line, lw=2.5 if i else 6, label=one["name"]
            )
            row[2].fill_between(tries, one["low"], one["high"], color=colour, alpha=0.15)
        if data["learners"]:
            row[2].set_yscale("log")
            row[2].set_xlabel("try", fontsize=14)
            row[2].set_title("learner: steps to the end", fontsize=15, loc="left", color=INK)
            row[2].tick_params(labelsize=13)
            row[2].spines[["top", "right"]].set_visible(False)
            row[2].legend(fontsize=13, frameon=False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()


def _check(world: TileWorld, drawn_as: Sequence[int], learners: Mapping[str, np.ndarray], mode: str) -> None:
    for kind in world.kinds:
        if kind not in SPRITES:
            raise ValueError(f"there is no drawing of {kind!r}: name kinds as in {', '.join(SPRITES)}")
    if world.mdp.actions != 4:
        raise ValueError(f"there must be four actions for four arrow keys, got {world.mdp.actions}")
    if not ((world.mdp.dynamics == 0) | (world.mdp.dynamics == 1)).all():
        raise ValueError("no step may be left to chance: a hand could not tell luck from law")
    if sorted(drawn_as) != list(range(len(world.kinds))):
        raise ValueError(f"drawn_as must name each of {len(world.kinds)} kinds once, got {list(drawn_as)}")
    if len(learners) > MOST_LEARNERS:
        raise ValueError(f"at most {MOST_LEARNERS} learners can be told apart, got {len(learners)}")
    shapes = {steps.shape[1:] for steps in learners.values()}
    if len(shapes) > 1 or any(steps.ndim != 2 or not steps.size for steps in learners.values()):
        raise ValueError(
            "learners must have steps [R, E] with one E, got "
            + ", ".join(f"{name!r} {steps.shape}" for name, steps in learners.items())
        )
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")


def _curve(steps: np.ndarray, rng: np.random.Generator) -> dict[str, list[float]]:
    """Mean over seeds of each try, and its interval; a single seed's is the mean itself."""
    intervals = [mean_with_interval(column, rng, resamples=500) for column in steps.T]
    ends = {
        "mean": [i.mean for i in intervals],
        "low": [i.low for i in intervals],
        "high": [i.high for i in intervals],
    }
    return {name: np.where(np.isnan(v), ends["mean"], v).round(2).tolist() for name, v in ends.items()}
