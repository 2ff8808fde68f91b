"""How the weights of the zoo were trained: one recipe a name, one function a concept.

`course train` and the tables of docs/results.md run what stands here.
"""

import ast
import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from course_lib.agents import ppo
from course_lib.core.evaluation import mean_with_interval
from course_lib.core.rollout import evaluate
from course_lib.core.seeding import seed_everything
from course_lib.core.spelling import nearest
from course_lib.core.task_family import TaskFamily, TruncatedNormal
from course_lib.envs import half_cheetah, hopper
from course_lib.transfer import epopt
from course_lib.zoo.store import ZooError, read, store, write_here

WORLDS: dict[str, Callable[[], TaskFamily]] = {"hopper": hopper.family, "half_cheetah": half_cheetah.family}
"""Task families by the name of their world."""

RECIPES = ("mass3", "mass6", "mass9", "eps1.0", "eps0.1")
"""Three policies for one torso mass (kg) each, plain randomization, and EPOpt."""

TRAJECTORIES = 128
"""Simulations, and so trajectories an iteration (the paper: 240)."""

EVALUATION_EPISODES = 128
"""Episodes behind the returns on a card."""

CONFIGS = {
    "hopper": epopt.EPOptConfig(
        iterations=260,
        warmup_iterations=180,
        horizon=250,
        policy_optimization=ppo.PPOConfig(
            gamma=0.995, learning_rate=5e-4, minibatch=256, epochs=10, steps=32
        ),
    ),
    "half_cheetah": epopt.EPOptConfig(
        iterations=100,
        warmup_iterations=70,
        horizon=200,
        policy_optimization=ppo.PPOConfig(gamma=0.99, learning_rate=1e-3, minibatch=1024, epochs=6, steps=64),
    ),
}
"""Settings by world; epsilon comes with the recipe."""

CVAR_ITERATIONS = {"hopper": 15, "half_cheetah": 20}
"""Iterations on the worst trajectories: fewer, since each runs whole trajectories and so more steps."""


_TRAINING_HERE = threading.Lock()


def _known(kind: str, name: str, names) -> str:
    if name not in names:
        raise ValueError(f"there is no {kind} {name!r}: {nearest(name, names)}")
    return name


def family_of(world: str, recipe: str) -> TaskFamily:
    """The worlds that a recipe trains in.

    Single-mass recipes hold the torso mass at their number and the other parameters at the
    mean of the source distribution.

    Raises:
        ValueError: there is no such world or recipe.
    """
    family = WORLDS[_known("world", world, WORLDS)]()
    if not _known("recipe", recipe, RECIPES).startswith("mass"):
        return family
    means = {name: d.mean if isinstance(d, TruncatedNormal) else d for name, d in family.source.items()}
    return replace(family, source={**means, "torso_mass": float(recipe.removeprefix("mass"))})


def config_of(world: str, recipe: str) -> epopt.EPOptConfig:
    """The settings of a recipe.

    Raises:
        ValueError: there is no such world or recipe.
    """
    config = CONFIGS[_known("world", world, CONFIGS)]
    epsilon = (
        1.0 if _known("recipe", recipe, RECIPES).startswith("mass") else float(recipe.removeprefix("eps"))
    )
    if epsilon == 1.0:
        return replace(config, epsilon=1.0)
    return replace(config, epsilon=epsilon, iterations=config.warmup_iterations + CVAR_ITERATIONS[world])


def make_env(family: TaskFamily, n: int):
    """A batched world for whole trajectories: finished simulations wait for the reset."""
    return family.make_vec(n, autoreset_mode=AutoresetMode.DISABLED)


def train_epopt(
    world: str,
    recipe: str,
    seed: int,
    out: Path,
    *,
    resume: bool = True,
    progress: Callable[[dict[str, float]], None] = lambda record: None,
) -> Path:
    """Trains one policy and writes its weights and card.

    After every iteration a checkpoint is written beside them, from which the same call goes on
    after an interrupt (running trajectories start anew); it is removed at the end.

    Args:
        world: "hopper" or "half_cheetah".
        recipe: one of RECIPES.
        seed: of everything random.
        out: folder to write to.
        resume: go on from a checkpoint where there is one.
        progress: called with each record.

    Returns:
        Path of the weights without suffix.

    Raises:
        ValueError: there is no such world or recipe, or the checkpoint cannot be read.
        ZooError: the folder cannot be written.
    """
    family, config = family_of(world, recipe), config_of(world, recipe)
    rng = seed_everything(seed)
    env = make_env(family, TRAJECTORIES)
    agent = ppo.Agent(
        env.single_observation_space.shape[0], env.single_action_space.shape[0], config.policy_optimization
    )
    stem = Path(out) / f"{world}-{recipe}-seed{seed}"
    checkpoint = stem.with_name(stem.name + ".checkpoint")
    done, steps, seconds, cpu_seconds = 0, 0, 0.0, 0.0
    if resume and checkpoint.exists():
        done, steps, seconds, cpu_seconds = _restore(checkpoint, agent, rng, config)
    steps_before = steps
    started, cpu_started = time.perf_counter() - seconds, time.process_time() - cpu_seconds
    for record in epopt.train(agent, env, family, config, rng, first_iteration=done + 1):
        steps = steps_before + int(record["steps"])
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        at = [int(record["iteration"]), steps, seconds, cpu_seconds]
        write_here(checkpoint, _freeze(agent, rng, config, at))
        progress({**record, "steps": steps, "iterations": config.iterations})
    test = evaluate(_test_env(family), agent.policy.act, steps=1000, seed=10_000 + seed)
    interval = mean_with_interval(test, np.random.default_rng(seed))
    card = {
        "command": f"course train epopt --world {world} --recipe {recipe} --seed {seed}",
        "seed": seed,
        "steps": steps,
        "minutes": round(seconds / 60, 2),
        "cpu_minutes": round(cpu_seconds / 60, 2),
        "cores": os.cpu_count(),
        "return_mean": round(interval.mean, 1),
        "return_interval_over_episodes": [round(interval.low, 1), round(interval.high, 1)],
        "return_p10": round(float(np.quantile(test, 0.1)), 1),
        "evaluated_on": f"{len(test)} episodes of 1000 steps in worlds drawn from what it was trained on",
        "python": sys.version.split()[0],
    }
    store(stem, agent.policy.state_dict(), card)
    checkpoint.unlink(missing_ok=True)
    return stem


def train_epopt_elsewhere(world: str, recipe: str, seed: int) -> dict[str, bytes]:
    """Trains one policy on a machine that shares no disk with the person who wants it.

    Returns:
        Content of each file by its name, weights before the card.

    Raises:
        ValueError: there is no such world or recipe.
    """
    # The seed and torch's generator belong to the process: in its threads one trains after the other.
    with _TRAINING_HERE, tempfile.TemporaryDirectory(prefix="course-train-") as folder:
        stem = train_epopt(world, recipe, seed, Path(folder))
        weights, card = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("safetensors", "json"))
        return {path.name: path.read_bytes() for path in (weights, card)}


def is_trained(world: str, recipe: str, seed: int, folder: Path) -> bool:
    """Whether a folder holds whole weights of this seed, with their card."""
    try:
        read(folder / f"{world}-{recipe}-seed{seed}")
    except ZooError:
        return False
    return True


def _test_env(family: TaskFamily):
    env = make_env(family, EVALUATION_EPISODES)
    env.set_params(family.sample(np.random.default_rng(2**31), EVALUATION_EPISODES))
    return env


def _freeze(
    agent: ppo.Agent, rng: np.random.Generator, config: epopt.EPOptConfig, progress: list[float]
) -> bytes:
    buffer = io.BytesIO()
    state = {
        "agent": agent.state_dict(),
        "optimizer": agent.optimizer.state_dict(),
        "torch_rng": torch.get_rng_state(),
        "numpy_rng": repr(rng.bit_generator.state),
        "config": repr(config),
        "progress": progress,
    }
    torch.save(state, buffer)
    return buffer.getvalue()


def _restore(
    path: Path, agent: ppo.Agent, rng: np.random.Generator, config: epopt.EPOptConfig
) -> tuple[int, int, float, float]:
    try:
        state = torch.load(path, weights_only=True)
        if state["config"] != repr(config):
            raise ValueError("the recipe has changed since")
        agent.load_state_dict(state["agent"])
        agent.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["torch_rng"])
        rng.bit_generator.state = ast.literal_eval(state["numpy_rng"])
        iteration, steps, seconds, cpu_seconds = state["progress"]
    except Exception as error:
        raise ValueError(f"{path.name} cannot be read ({error}); delete it to start over") from error
    return iteration, steps, seconds, cpu_seconds
