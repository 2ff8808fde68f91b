"""How many bits can be learned with a sparse reward? With and without goals in hindsight, trained anew.

Axes: R seeds, C numbers of bits.
Source: the claim is that of Andrychowicz et al., "Hindsight Experience Replay", NeurIPS 2017,
https://arxiv.org/abs/1707.01495, section 3.1 and figure 1.
"""

import io
import json
import textwrap
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from gymnasium.vector import AutoresetMode

from course_lib.agents import dqn
from course_lib.core.seeding import seed_everything
from course_lib.envs import bit_flip
from course_lib.multitask import goal_conditioned
from course_lib.widgets import figures
from course_lib.zoo import store, tables

SEEDS = 5
BITS = (4, 6, 8, 10, 12, 15, 20, 30, 40)
WAYS = {"without hindsight": "none", "with hindsight": "future"}
"""Strategy by its name in the table."""
ITERATIONS = 200
SIMULATIONS = 16
TEST_EPISODES = 512
AGENT = dqn.DQNConfig()


def trained(bits: int, strategy: str, seed: int, iterations: int = ITERATIONS) -> dqn.Agent:
    """An agent for all patterns of so many bits; some seconds.

    Args:
        bits: n, also the steps of an episode.
        strategy: of `goal_conditioned`.
        seed: of everything random.
        iterations: of 16 episodes and 40 updates each.
    """
    rng = seed_everything(seed)
    family = bit_flip.family(bits)
    env = family.make_vec(SIMULATIONS, autoreset_mode=AutoresetMode.DISABLED)
    agent = dqn.Agent(2 * bits, bits, AGENT)
    config = goal_conditioned.GoalConfig(strategy=strategy, iterations=iterations, horizon=bits)
    for _ in goal_conditioned.train(agent, partial(dqn.update, config=AGENT), env, family, config, rng):
        pass
    return agent


def success(agent: dqn.Agent, bits: int) -> float:
    """Share of new patterns that are made within as many steps as there are bits."""
    family = bit_flip.family(bits)
    env = family.make_vec(TEST_EPISODES, autoreset_mode=AutoresetMode.DISABLED)
    return float(goal_conditioned.reached(agent.policy.act, env, family, bits, seed=10_000).mean())


def measured(seed: int) -> Iterator[tuple[int, str, float]]:
    """Everything for one seed: bits, way and success in percent; some minutes."""
    for bits in BITS:
        for way, strategy in WAYS.items():
            yield bits, way, 100.0 * success(trained(bits, strategy, seed), bits)


def as_markdown(rows: list[tuple[int, int, str, float]]) -> str:
    """The table by bits and way: mean over seeds with its 95 % bootstrap interval."""
    words = (
        f"Made by `course reproduce bit-flip`. Patterns made within n steps, in percent of {TEST_EPISODES} "
        f"new ones: mean over {len({row[0] for row in rows})} seeds, with the 95 % bootstrap interval over "
        f"seeds. DQN with {AGENT.hidden[0]} hidden units after {ITERATIONS * SIMULATIONS} episodes and "
        f"{ITERATIONS * goal_conditioned.GoalConfig.updates} updates, the same for every n and way."
    )
    rng = np.random.default_rng(0)
    body = [
        [
            bits,
            f"{2**bits:.3g}",
            *(tables.over_seeds(_over_seeds(rows, bits, way), rng, digits=1) for way in WAYS),
        ]
        for bits in dict.fromkeys(row[1] for row in rows)
    ]
    header = ["bits n", "patterns", *WAYS]
    return "\n".join(
        ["# Bit flipping", "", textwrap.fill(words, width=110), "", *tables.table(header, body), ""]
    )


def write(rows: list[tuple[int, int, str, float]], folder: Path) -> None:
    """Puts bit-flip.md, .json and .png into a folder.

    Args:
        rows: as `measured` yields them, with the seed before each.
        folder: exists.
    """
    store.write_here(folder / "bit-flip.md", as_markdown(rows).encode())
    keys = ("seed", "bits", "way", "success_percent")
    lines = ",\n".join(json.dumps(dict(zip(keys, row, strict=True))) for row in rows)
    store.write_here(folder / "bit-flip.json", f"[\n{lines}\n]\n".encode())
    bits = sorted({row[1] for row in rows})
    series = {way: np.stack([_over_seeds(rows, n, way) for n in bits], axis=1) for way in WAYS}
    panels = {"bit flipping": (bits, series)}
    figure = figures.curves_figure(panels, "bits n", "patterns made (%)")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    store.write_here(folder / "bit-flip.png", picture.getvalue())


def _over_seeds(rows: list[tuple[int, int, str, float]], bits: int, way: str) -> np.ndarray:
    """Success by seed [R], in the order of the seeds."""
    return np.array([row[3] for row in sorted(rows) if row[1:3] == (bits, way)])
