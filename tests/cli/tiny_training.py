"""Makes trainings take a second; for processes that a test starts, which no monkeypatch reaches.

TINY_TRAINING names a folder: each training leaves a file there when it begins, named by seed and process;
and the training of a seed whose "SEED.wait" lies there waits until that is gone, so that a test can kill it.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

from course_lib.zoo import recipes

FOLDER = Path(os.environ["TINY_TRAINING"])

recipes.TRAJECTORIES = recipes.EVALUATION_EPISODES = 8
for world, config in recipes.CONFIGS.items():
    recipes.CVAR_ITERATIONS[world] = 1
    small = replace(config.policy_optimization, steps=8, minibatch=32, epochs=1)
    recipes.CONFIGS[world] = replace(
        config, iterations=2, warmup_iterations=1, horizon=12, policy_optimization=small
    )

if recipes.train_epopt.__module__ != __name__:  # dask runs this file more than once
    train = recipes.train_epopt


def train_epopt(world, recipe, seed, out, **options):
    (FOLDER / f"{seed}.{os.getpid()}.began").touch()
    while (FOLDER / f"{seed}.wait").exists():
        time.sleep(0.02)
    return train(world, recipe, seed, out, **options)


recipes.train_epopt = train_epopt
