"""Makes trainings take a second; for processes that a test starts, which no monkeypatch reaches.

TINY_TRAINING names a folder: each training leaves a file there when it begins, named by seed and process;
and the training of a seed whose "SEED.wait" lies there waits until that is gone, so that a test can kill it.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

from course_lib.zoo import epopt_recipes, training

FOLDER = Path(os.environ["TINY_TRAINING"])

epopt_recipes.TRAJECTORIES = epopt_recipes.EVALUATION_EPISODES = 8
for world, config in epopt_recipes.CONFIGS.items():
    epopt_recipes.CVAR_ITERATIONS[world] = 1
    small = replace(config.policy_optimization, steps=8, minibatch=32, epochs=1)
    epopt_recipes.CONFIGS[world] = replace(
        config, iterations=2, warmup_iterations=1, horizon=12, policy_optimization=small
    )

if training.train_and_store.__module__ != __name__:  # dask runs this file more than once
    train = training.train_and_store


def train_and_store(idea, world, recipe, seed, out, **options):
    (FOLDER / f"{seed}.{os.getpid()}.began").touch()
    while (FOLDER / f"{seed}.wait").exists():
        time.sleep(0.02)
    return train(idea, world, recipe, seed, out, **options)


training.train_and_store = train_and_store
