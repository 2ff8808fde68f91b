"""Bandit game: pull the arms yourself, and see what others make of the same arms and the same luck.

What an arm pays at its first, second, third pull is drawn before anybody plays. So all that differs between
players is which arm they pulled, and when. Nothing here knows how a player chooses: a player is a function
of what was pulled so far and what it paid. Games are played beforehand, and so run without a kernel, too;
only a game that somebody else is to finish asks for one.

Axes: G games, k arms, T pulls of a game, t pulls made so far, N games side by side.
"""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.figure import Figure

from course_lib.widgets import standalone
from course_lib.widgets.module import module
from course_lib.widgets.palette import SERIES
from course_lib.widgets.plane import INK, PlaneWidget

Player = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]
"""From the arms pulled so far, int64 [t, N], and what they paid, float64 [t, N], to the next, int [N]."""

MOST_PLAYERS = 4
"""More lines than these beside one's own could not be told apart by everybody."""
MOST_ARMS = 10
"""As many as there are digits on a keyboard."""
STYLES = ("-", "--", ":", "-.")


def draw_luck(arms: np.ndarray, pulls: int, rng: np.random.Generator) -> np.ndarray:
    """What each arm pays at each of its pulls, 0 or 1, int64 [G, k, T].

    Args:
        arms: probability that an arm pays, [G, k].
        pulls: T.
        rng: source of the luck.
    """
    return (rng.random((*arms.shape, pulls)) < arms[..., None]).astype(np.int64)


def paid(luck: np.ndarray, pulled: np.ndarray) -> np.ndarray:
    """What the pulls paid, float64 [t, N]: an arm's j-th pull pays what luck has for it in place j.

    Args:
        luck: int64 [N, k, T].
        pulled: arms in order, int64 [t, N].
    """
    rewards = np.empty(pulled.shape)
    games = np.arange(len(luck))
    times = np.zeros(luck.shape[:2], dtype=np.int64)  # how often each arm was pulled, [N, k]
    for t, arm in enumerate(pulled):
        rewards[t] = luck[games, arm, times[games, arm]]
        times[games, arm] += 1
    return rewards


def play_on(player: Player, luck: np.ndarray, pulled: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All arms of a game that a player goes on with, int64 [T, N], those before included.

    Args:
        player: is asked once for every pull, with all pulls before.
        luck: int64 [N, k, T].
        pulled: arms that were pulled before, by whomever, int64 [t, N].
        rng: handed to the player.

    Raises:
        ValueError: the player names an arm that there is not.
    """
    games, arms, pulls = luck.shape
    for _ in range(pulls - len(pulled)):
        chosen = np.asarray(player(pulled, paid(luck, pulled), rng))
        if chosen.shape != (games,) or not ((chosen >= 0) & (chosen < arms)).all():
            raise ValueError(
                f"a player must choose one of {arms} arms in each of {games} games, got {chosen}"
            )
        pulled = np.concatenate([pulled, chosen[None].astype(np.int64)])
    return pulled


def regrets(arms: np.ndarray, pulled: np.ndarray) -> np.ndarray:
    """What was lost so far against pulling the best arm from the start, on average, [T, N].

    Args:
        arms: probabilities, [N, k].
        pulled: int64 [T, N].
    """
    return (arms.max(axis=1) - arms[np.arange(len(arms)), pulled]).cumsum(axis=0)


class BanditGame(PlaneWidget):
    """Play a bandit against others who meet the same arms and the same luck.

    Keys: 1 to 9 and 0 (the tenth) pull an arm, N takes the next bandit, F fills the screen. While a game
    runs the picture counts wins, for a regret would tell what the arms are worth; after it, either.
    """

    _esm = module("live_curve", "plane", "bandit_game")
    picture_width = 9.0

    def __init__(
        self,
        arms: np.ndarray,
        players: Mapping[str, Player],
        *,
        pulls: int = 20,
        seed: int = 0,
        title: str = "Which arm?",
    ) -> None:
        """Plays all games of all players at once, side by side.

        Args:
            arms: probability that each arm pays 1, a row for each game, [G, k]; after the last the first
                comes again.
            players: up to four by name.
            pulls: T, at least 1.
            seed: of luck and players.
            title: heading.

        Raises:
            ValueError: probabilities out of range or not [G, k], too many arms or players, no player or pull.
            Exception: what a player raised, unchanged.
        """
        arms = np.asarray(arms, dtype=np.float64)
        if arms.ndim != 2 or not arms.size or not ((arms >= 0.0) & (arms <= 1.0)).all():
            raise ValueError(f"arms must be probabilities [G, k], got {arms.tolist()}")
        if arms.shape[1] > MOST_ARMS:
            raise ValueError(f"at most {MOST_ARMS} arms have a key each, got {arms.shape[1]}")
        if not 1 <= len(players) <= MOST_PLAYERS:
            raise ValueError(f"there must be 1 to {MOST_PLAYERS} players, got {len(players)}")
        if pulls < 1:
            raise ValueError(f"pulls must be at least 1, got {pulls}")
        self._arms, self._players, self._seed = arms, dict(players), seed
        self._luck = draw_luck(arms, pulls, np.random.default_rng(seed))
        nobody = np.empty((0, len(arms)), dtype=np.int64)
        played = {
            name: play_on(player, self._luck, nobody, np.random.default_rng([seed, 1 + i]))
            for i, (name, player) in enumerate(players.items())
        }
        self._played = played
        fixed = {
            "title": title,
            "pulls": pulls,
            "players": list(players),
            "kernel": True,
            "games": [
                {
                    "arms": arms[g].tolist(),
                    "luck": self._luck[g].tolist(),
                    "played": [pulled[:, g].tolist() for pulled in played.values()],
                }
                for g in range(len(arms))
            ],
        }
        super().__init__(fixed, {"game": 0, "pulled": [], "player": next(iter(players))})

    def _checked(self, request: dict) -> dict:
        if set(request) != {"game", "pulled", "player"}:
            raise ValueError(f"request must have game, pulled and player, got {sorted(request)}")
        game, pulled, player = int(request["game"]), [int(a) for a in request["pulled"]], request["player"]
        if not 0 <= game < len(self._arms):
            raise ValueError(f"game must be in [0, {len(self._arms)}), got {game}")
        if player not in self._players:
            raise ValueError(f"player must be one of {', '.join(self._players)}, got {player!r}")
        arms, pulls = self._luck.shape[1:]
        if len(pulled) > pulls or not all(0 <= arm < arms for arm in pulled):
            raise ValueError(f"pulled must be at most {pulls} of {arms} arms, got {pulled}")
        return {"game": game, "pulled": pulled, "player": player}

    def _computed(self, request: dict) -> dict:
        luck = self._luck[request["game"] : request["game"] + 1]
        before = np.array(request["pulled"], dtype=np.int64)[:, None]  # [t, 1]
        # Streams of their own: a 0 at the end of a seed would change nothing, and give the luck's.
        rng = np.random.default_rng([self._seed, 1 + request["game"], 1 + len(before)])
        whole = play_on(self._players[request["player"]], luck, before, rng)
        return {"rest": whole[len(before) :, 0].tolist()}

    def __str__(self) -> str:
        pays = ", ".join(f"{p:.2f}" for p in self._arms[0])
        each = [
            f"{name} won {int(paid(self._luck, pulled)[:, 0].sum())}"
            f" (regret {regrets(self._arms, pulled)[-1, 0]:.1f})"
            for name, pulled in self._played.items()
        ]
        return (
            f"{self.fixed['title']} {self.fixed['pulls']} pulls of arms that pay {pays}: {', '.join(each)}."
        )

    def _draw(self, figure: Figure) -> None:
        axes, when = figure.subplots(), np.arange(self.fixed["pulls"] + 1)
        for (name, pulled), colour, line in zip(self._played.items(), SERIES, STYLES, strict=False):
            regret = np.concatenate([[0.0], regrets(self._arms, pulled)[:, 0]])
            axes.plot(when, regret, line, color=colour, lw=3, label=name)
        axes.set_xlabel("pulls", fontsize=14, color=INK)
        axes.set_ylabel("regret: wins given away", fontsize=14, color=INK)
        axes.tick_params(labelsize=13)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_xlim(0, self.fixed["pulls"])
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(fontsize=14, frameon=False)

    def _page(self) -> str:
        state = {
            "fixed": {**self.fixed, "kernel": False},
            "request": self.request,
            "answer": self.answer,
        }
        return standalone.page(self.fixed["title"], self._esm, state)

    def _repr_mimebundle_(self, **options):
        data, metadata = super()._repr_mimebundle_(**options)
        png = data["image/png"]
        # An exported notebook has no kernel: there the page takes the widget's place, and can be played.
        html = standalone.iframe(self.fixed["title"], self._page(), 900, png, str(self))
        return {**data, "text/html": html}, metadata
