"""Train what a recipe prepares, and keep it: checkpoints, times, weights and their card, for any idea."""

import ast
import io
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from course_lib.core.evaluation import mean_with_interval
from course_lib.core.seeding import seed_everything
from course_lib.core.spelling import nearest
from course_lib.zoo import store

CURVE_POINTS = 30
"""Least points of the learning curve on a card, where a training has as many iterations."""

_TRAINING_HERE = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training, ready to begin: worlds and networks are made, nothing has been learned."""

    policy: nn.Module
    """What is stored in the end: one of `store.NETWORKS`."""
    records: Callable[[int], Iterator[dict[str, float]]]
    """From the first iteration, 1 or where an interrupted training goes on, to its records. Each has
    `iteration`, and `steps` since that first one."""
    iterations: int
    """Iterations in all."""
    score: Callable[[], dict[str, Any]]
    """Tests the trained policy: what its card says of it, with `return_mean` (see `score_of`)."""
    curve: Callable[[dict[str, float]], float] | None = None
    """From a record to the return in new tasks at that time, for the learning curve on the card. It is kept
    for CURVE_POINTS records or some more, not over an interrupt, and its time counts as training."""
    state: Mapping[str, Any] = field(default_factory=dict)
    """All that learns, by name, each with `state_dict` and `load_state_dict`; for checkpoints."""
    settings: object = None
    """A checkpoint of other settings is not gone on with: compared by its repr."""


@dataclass(frozen=True, kw_only=True)
class Idea:
    """What `course train` knows of an idea."""

    name: str
    """Such as "epopt": the command, and the folder of the zoo."""
    recipes: Mapping[str, Collection[str]]
    """Names of the recipes by the world that they are for."""
    prepare: Callable[[str, str, int, np.random.Generator], Training]
    """From world, recipe, seed and the source of randomness to a training; a function of a module, since
    it is sent to other processes by its name."""
    resumes: bool = True
    """Whether an interrupted training goes on; one whose memory is too large for a checkpoint starts over."""


def names_of(worlds: Mapping[str, Mapping[str, object]]) -> dict[str, tuple[str, ...]]:
    """Names of the recipes by world: all that another process needs, which has the recipes themselves."""
    return {world: tuple(recipes) for world, recipes in worlds.items()}


def stem_of(world: str, recipe: str, seed: int) -> str:
    """Name of one trained policy's files, without suffix."""
    return f"{world}-{recipe}-seed{seed}"


def train_and_store(
    idea: Idea,
    world: str,
    recipe: str,
    seed: int,
    out: Path,
    *,
    resume: bool = True,
    progress: Callable[[dict[str, float]], None] = lambda record: None,
) -> Path:
    """Trains one policy and writes its weights and card.

    Where the idea resumes, a checkpoint is written beside them after every iteration, from which the
    same call goes on after an interrupt (running trajectories start anew); it is removed at the end.

    Args:
        idea: what is trained.
        world: one of its worlds.
        recipe: one of its recipes.
        seed: of everything random.
        out: folder to write to.
        resume: go on from a checkpoint where there is one.
        progress: called with each record, with all `steps` so far, and `iterations`.

    Returns:
        Path of the weights without suffix.

    Raises:
        ValueError: there is no such world or recipe, or the checkpoint cannot be read.
        ZooError: the folder cannot be written.
    """
    if world not in idea.recipes:
        raise ValueError(f"there is no world {world!r}: {nearest(world, idea.recipes)}")
    if recipe not in idea.recipes[world]:
        raise ValueError(f"{world} has no recipe {recipe!r}: {nearest(recipe, idea.recipes[world])}")
    rng = seed_everything(seed)
    training = idea.prepare(world, recipe, seed, rng)
    stem = Path(out) / stem_of(world, recipe, seed)
    checkpoint = stem.with_name(stem.name + ".checkpoint")
    done, steps, seconds, cpu_seconds = 0, 0, 0.0, 0.0
    curve, every = [], max(1, training.iterations // CURVE_POINTS)
    if idea.resumes and resume and checkpoint.exists():
        done, steps, seconds, cpu_seconds = _restore(checkpoint, training, rng)
    steps_before = steps
    started, cpu_started = time.perf_counter() - seconds, time.process_time() - cpu_seconds
    for record in training.records(done + 1):
        steps = steps_before + int(record["steps"])
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        if training.curve and record["iteration"] % every == 0:
            curve.append([steps, round(training.curve(record), 2)])
        if idea.resumes:
            at = [int(record["iteration"]), steps, seconds, cpu_seconds]
            store.write_here(checkpoint, _freeze(training, rng, at))
        progress({**record, "steps": steps, "iterations": training.iterations})
    card = {
        "command": f"course train {idea.name} --world {world} --recipe {recipe} --seed {seed}",
        "seed": seed,
        "steps": steps,
        "minutes": round(seconds / 60, 2),
        "cpu_minutes": round(cpu_seconds / 60, 2),
        "cores": os.cpu_count(),
        **training.score(),
        **({"curve": curve} if curve else {}),
        "python": sys.version.split()[0],
    }
    store.store_policy(stem, training.policy, card)
    checkpoint.unlink(missing_ok=True)
    return stem


def train_elsewhere(idea: Idea, world: str, recipe: str, seed: int) -> dict[str, bytes]:
    """Trains one policy on a machine that shares no disk with the person who wants it.

    Returns:
        Content of each file by its name, weights before the card.

    Raises:
        ValueError: there is no such world or recipe.
    """
    # The seed and torch's generator belong to the process: in its threads one trains after the other.
    with _TRAINING_HERE, tempfile.TemporaryDirectory(prefix="course-train-") as folder:
        stem = train_and_store(idea, world, recipe, seed, Path(folder))
        weights, card = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("safetensors", "json"))
        return {path.name: path.read_bytes() for path in (weights, card)}


def is_trained(world: str, recipe: str, seed: int, folder: Path) -> bool:
    """Whether a folder holds whole weights of this seed, with their card."""
    try:
        store.read(folder / stem_of(world, recipe, seed))
    except store.ZooError:
        return False
    return True


def score_of(returns: np.ndarray, seed: int) -> dict[str, Any]:
    """Returns of test episodes, as a card has them: mean, its interval over episodes, 10th percentile.

    Args:
        returns: one per episode, [N].
        seed: of the interval's resampling.
    """
    interval = mean_with_interval(returns, np.random.default_rng(seed))
    return {
        "return_mean": round(interval.mean, 2),
        "return_interval_over_episodes": [round(interval.low, 2), round(interval.high, 2)],
        "return_p10": round(float(np.quantile(returns, 0.1)), 2),
    }


def _freeze(training: Training, rng: np.random.Generator, at: list[float]) -> bytes:
    buffer = io.BytesIO()
    state = {
        "state": {name: part.state_dict() for name, part in training.state.items()},
        "torch_rng": torch.get_rng_state(),
        "numpy_rng": repr(rng.bit_generator.state),
        "settings": repr(training.settings),
        "at": at,
    }
    torch.save(state, buffer)
    return buffer.getvalue()


def _restore(path: Path, training: Training, rng: np.random.Generator) -> tuple[int, int, float, float]:
    try:
        saved = torch.load(path, weights_only=True)
        if saved["settings"] != repr(training.settings):
            raise ValueError("the recipe has changed since")
        for name, part in training.state.items():
            part.load_state_dict(saved["state"][name])
        torch.set_rng_state(saved["torch_rng"])
        rng.bit_generator.state = ast.literal_eval(saved["numpy_rng"])
        iteration, steps, seconds, cpu_seconds = saved["at"]
    except Exception as error:
        raise ValueError(f"{path.name} cannot be read ({error}); delete it to start over") from error
    return iteration, steps, seconds, cpu_seconds
