"""How much do those earn who were told how to explore? The bandits and random MDPs of the RL2 paper.

What an RL2 policy has to be compared with: baselines on new tasks, their settings chosen on other tasks.

Axes: R seeds, N tasks, k arms, T pulls.
Source: Duan et al., "RL^2: Fast Reinforcement Learning via Slow Reinforcement Learning", 2016,
https://arxiv.org/abs/1611.02779, tables 1 and 2; their numbers are quoted from memory.
"""

import io
import json
import textwrap
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np

from course_lib.agents import bandit_optimum, bandits, psrl
from course_lib.envs import random_mdp
from course_lib.widgets import figures
from course_lib.zoo import store, tables

SEEDS = 5
SETTINGS = tuple((pulls, arms) for pulls in (10, 100, 500) for arms in (5, 10, 50))
"""Pulls n and arms k of the paper's table 1."""
TASKS = {10: 10_000, 100: 2_000, 500: 1_000}
"""Bandits per seed, by pulls; as many others for choosing the settings."""
MDPS = 1000
"""Random MDPs per seed."""
EPISODES = (10, 25, 50, 75, 100)
"""After so many episodes the reward in an MDP is summed up."""
PLACES = (1, 2, 5, 10, 20, 50, 100)
"""After so many of 100 pulls regret is drawn."""
TUNING_SEED = 1_000_000
"""Of the tasks on which settings are chosen; no seed of a measurement comes near it."""
MDP_STREAM = 2
"""Tells what a planner draws from what the tasks of the same seed were drawn from."""

GRIDS: dict[str, tuple[float, ...]] = {
    "Gittins": (0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998),
    "UCB1": tuple(c / 10 for c in range(11)),
    "epsilon-greedy": tuple(epsilon / 10 for epsilon in range(11)),
}
"""Settings that are tried: gamma, c and epsilon."""
FIXED: dict[str, bandits.Chooser] = {
    "random": bandits.random_arm,
    "Thompson": bandits.thompson,
    "optimistic Thompson": bandits.optimistic_thompson,
    "greedy": bandits.greedy,
}
"""Choosers that have no setting."""
METHODS = ("random", "Gittins", "Thompson", "optimistic Thompson", "UCB1", "epsilon-greedy", "greedy")
DRAWN = ("Gittins", "UCB1", "Thompson", "greedy")
"""Methods in the picture; there the best epsilon is 0, which is greedy."""

RECALLED: dict[str, tuple[float, ...]] = {
    "random": (5.0, 5.0, 5.1, 49.9, 49.9, 49.8, 249.8, 249.0, 249.6),
    "Gittins": (6.6, 6.6, 6.5, 78.3, 82.8, 85.2, 405.8, 437.8, 463.7),
    "Thompson": (5.7, 5.5, 5.2, 74.7, 76.7, 64.5, 402.0, 429.5, 427.2),
    "optimistic Thompson": (6.5, 6.2, 5.5, 77.9, 81.4, 67.7, 406.7, 438.9, 437.6),
    "UCB1": (6.7, 6.7, 6.6, 78.0, 82.4, 84.3, 405.8, 437.1, 457.6),
    "epsilon-greedy": (6.6, 6.6, 6.5, 75.4, 77.4, 78.3, 388.2, 408.0, 413.6),
    "greedy": (6.6, 6.6, 6.5, 74.8, 77.1, 78.0, 380.6, 395.0, 402.8),
    "RL2": (6.7, 6.7, 6.8, 78.7, 83.5, 84.9, 401.6, 432.5, 438.9),
}
"""The paper's table 1 by method, in the order of `SETTINGS`, from memory."""
MDP_METHODS = ("random", "greedy", "PSRL", "knowing the MDP")
MDP_RECALLED: dict[str, tuple[float, ...]] = {
    "random": (100.1, 250.2, 499.7, 749.9, 999.4),
    "greedy": (134.8, 368.8, 769.3, 1172.9, 1578.5),
    "PSRL": (138.1, 408.8, 904.4, 1417.1, 1939.5),
    "RL2": (156.2, 445.7, 936.1, 1428.8, 1913.7),
}
"""The paper's table 2 by method, in the order of `EPISODES`, from memory."""

NOTES = (
    "**How to read it.** Arms pay 1 with a probability from U[0, 1], else 0; the reward is that of all n "
    "pulls. All choosers know the prior. Gittins' gamma, UCB1's c and epsilon were chosen, for each n and k, "
    "on as many tasks as a seed has, but not on those measured here; the paper chose on the tasks of "
    "its table. *Optimal* is exact, by dynamic programming. Optimistic Thompson sampling is that of May et "
    "al. (2012); the paper's takes the likeliest of several draws, and is nearer to greedy.",
    "An MDP has 10 states and 5 actions, an episode 10 steps; rewards are summed over all episodes. Greedy "
    "and PSRL have the generator's own prior, Dirichlet(1) and N(1, 1). The paper's greedy earned much less "
    "than ours, for reasons that we do not know.",
    "The paper's numbers are recalled, not looked up.",
)
"""What the tables cannot say."""


def chooser_with(method: str, setting: float, pulls: int) -> bandits.Chooser:
    """A method with a setting of `GRIDS`."""
    if method == "Gittins":
        return bandits.gittins(setting, pulls)
    return bandits.ucb1(setting) if method == "UCB1" else bandits.epsilon_greedy(setting)


@cache
def tuned(method: str, pulls: int, arms: int) -> float:
    """The setting of `GRIDS` that earns most on bandits that are measured nowhere else; some seconds."""
    tasks = np.random.default_rng(TUNING_SEED).random((TASKS.get(pulls, 2_000), arms))
    earned = [
        bandits.play(
            chooser_with(method, setting, pulls), tasks, pulls, np.random.default_rng(TUNING_SEED + 1)
        )[1].mean()
        for setting in GRIDS[method]
    ]
    return GRIDS[method][int(np.argmax(earned))]


def chooser_of(method: str, pulls: int, arms: int) -> bandits.Chooser:
    """A method of `METHODS`, with the setting that is best for so many pulls of so many arms."""
    return FIXED[method] if method in FIXED else chooser_with(method, tuned(method, pulls, arms), pulls)


def baseline_rewards(method: str, arms: np.ndarray, pulls: int, rng: np.random.Generator) -> np.ndarray:
    """What a method of `METHODS` earns with each pull, mean over N bandits, [T].

    Args:
        method: name; its setting is chosen on other tasks.
        arms: probability that each arm pays 1, [N, k].
        pulls: n.
        rng: draws rewards, and what the method draws.
    """
    return bandits.play(chooser_of(method, pulls, arms.shape[1]), arms, pulls, rng)[1].mean(axis=1)


def mdp_rewards(method: str, tasks: random_mdp.RandomMDPParams, episodes: int, seed: int) -> np.ndarray:
    """What a method of `MDP_METHODS` earns in each episode, mean over N random MDPs, [E].

    Args:
        method: name.
        tasks: tables of N MDPs.
        episodes: E.
        seed: of everything random.
    """
    planner: psrl.Planner = {
        "random": psrl.random_actions,
        "greedy": psrl.greedy,
        "PSRL": psrl.posterior_sampling,
        "knowing the MDP": psrl.knowing(tasks.dynamics, tasks.reward),
    }[method]
    make_vec = partial(random_mdp.family().make_vec, autoreset_mode="Disabled", context_observed=False)
    env = make_vec(len(tasks.reward), tasks)
    # With `seed` alone PSRL would guess the very worlds that were drawn from it.
    rng = np.random.default_rng([MDP_STREAM, seed])
    return psrl.play(env, planner, episodes, seed, rng).mean(axis=1)


def measured(seed: int) -> Iterator[tuple[str, int, int, str, float]]:
    """Everything for one seed: what, arms, pulls or episodes, method and value; a minute."""
    for pulls, arms in SETTINGS:
        tasks = np.random.default_rng(seed).random((TASKS[pulls], arms))
        yield from (("setting", arms, pulls, method, tuned(method, pulls, arms)) for method in GRIDS)
        for method in METHODS:
            chooser = chooser_of(method, pulls, arms)
            actions, rewards = bandits.play(chooser, tasks, pulls, np.random.default_rng([seed, pulls]))
            yield "reward", arms, pulls, method, float(rewards.sum(axis=0).mean())
            if pulls == PLACES[-1] and method in DRAWN:
                lost = bandits.regret(tasks, actions).mean(axis=1)
                yield from (("regret", arms, t, method, float(lost[t - 1])) for t in PLACES)
    tasks = random_mdp.family().sample(np.random.default_rng(seed), MDPS)
    for method in MDP_METHODS:
        total = mdp_rewards(method, tasks, EPISODES[-1], seed).cumsum()
        yield from (("mdp", 0, n, method, float(total[n - 1])) for n in EPISODES)


Rows = list[tuple[int, str, int, int, str, float]]
"""Seed, what, arms (0 for an MDP), pulls or episodes, method, value."""


def as_markdown(rows: Rows) -> str:
    """The tables: mean over seeds with its 95 % bootstrap interval, and beside it the paper's number."""
    rng = np.random.default_rng(0)

    def cells(what: str, arms: int, n: int, methods: tuple[str, ...], recalled: Callable) -> list[str]:
        values = (_values(rows, what, arms, n, method) for method in methods)
        return [
            f"{tables.over_seeds(value, rng, 2 if n == 10 and what == 'reward' else 1)}"
            + (f" ({paper:g})" if (paper := recalled(method)) is not None else "")
            for method, value in zip(methods, values, strict=True)
        ]

    seeds = len({row[0] for row in rows})
    bandit_rows = []
    for n, k in dict.fromkeys((row[3], row[2]) for row in rows if row[1] == "reward"):
        paper = {method: numbers[SETTINGS.index((n, k))] for method, numbers in RECALLED.items()}
        optimal = f"{bandit_optimum.optimal_value(k, n):.3f}" if n == 10 else ""
        told = [
            f"n = {n}, k = {k}",
            *cells("reward", k, n, METHODS, paper.get),
            optimal,
            f"({paper['RL2']:g})",
        ]
        bandit_rows.append(told)
    mdp_rows = []
    for n in dict.fromkeys(row[3] for row in rows if row[1] == "mdp"):
        paper = {method: numbers[EPISODES.index(n)] for method, numbers in MDP_RECALLED.items()}
        mdp_rows.append([n, *cells("mdp", 0, n, MDP_METHODS, paper.get), f"({paper['RL2']:g})"])
    settings = [
        [f"n = {n}, k = {k}", *(f"{_values(rows, 'setting', k, n, method)[0]:g}" for method in GRIDS)]
        for n, k in dict.fromkeys((row[3], row[2]) for row in rows if row[1] == "setting")
    ]
    words = (
        f"Made by `course reproduce bandits`. Reward of a whole trial: mean over {seeds} seeds, "
        f"with the 95 % bootstrap interval over seeds; in brackets the paper's number, recalled. A seed has "
        f"{', '.join(f'{tasks} bandits for n = {n}' for n, tasks in TASKS.items())}, and {MDPS} MDPs."
    )
    return "\n".join(
        [
            "# Bandits and random MDPs: those who were told how to explore",
            "",
            textwrap.fill(words, width=110),
            "",
            *tables.table(["bandits", *METHODS, "optimal", "RL2, the paper's"], bandit_rows),
            "",
            "Random MDPs:",
            "",
            *tables.table(["episodes", *MDP_METHODS, "RL2, the paper's"], mdp_rows),
            "",
            "Settings that were chosen:",
            "",
            *tables.table(["bandits", "gamma of Gittins' index", "c of UCB1", "epsilon"], settings),
            "",
            *("\n".join((textwrap.fill(note, width=110), "")) for note in NOTES),
        ]
    )


def write(rows: Rows, folder: Path) -> None:
    """Puts bandits.md, bandits.json and bandits.png into a folder.

    Args:
        rows: as `measured` yields them, with the seed before each.
        folder: exists.
    """
    store.write_here(folder / "bandits.md", as_markdown(rows).encode())
    keys = ("seed", "what", "arms", "after", "method", "value")
    lines = ",\n".join(json.dumps(dict(zip(keys, row, strict=True))) for row in rows)
    store.write_here(folder / "bandits.json", f"[\n{lines}\n]\n".encode())
    panels = {}
    for arms in dict.fromkeys(row[2] for row in rows if row[1] == "regret"):
        after = sorted({row[3] for row in rows if row[1:3] == ("regret", arms)})
        lost = {m: np.stack([_values(rows, "regret", arms, t, m) for t in after], axis=1) for m in DRAWN}
        panels[f"{arms} arms"] = (after, lost)
    figure = figures.curves_figure(panels, "pulls", "reward lost so far")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / "bandits.png", picture.getvalue())


def _values(rows: Rows, what: str, arms: int, n: int, method: str) -> np.ndarray:
    """One number by seed [R], in the order of the seeds."""
    return np.array([row[5] for row in sorted(rows) if row[1:5] == (what, arms, n, method)])
