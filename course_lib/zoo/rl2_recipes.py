"""How the zoo's recurrent meta-learners were trained: `course train rl2` runs these."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from course_lib.core import trials
from course_lib.core.memory import GRUMemory, LSTMMemory, MemoryPolicy
from course_lib.core.task_family import Params, fixed_tasks
from course_lib.core.trials import TrialCollector, Trials
from course_lib.envs import bandits, grid_navi, half_cheetah_tasks, maze, navigation, random_mdp
from course_lib.meta import rl2
from course_lib.meta.snail import SnailMemory
from course_lib.zoo.training import Idea, Training, names_of, score_of

TEST_TASKS = 2**31
"""Seed of the tasks behind a card; no training draws from it."""

EVALUATION_TRIALS = 2048
"""Trials behind the returns on a card."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One family of tasks, one memory, one training."""

    family: Any
    """Where tasks come from; has `sample` and `make_vec`."""
    config: rl2.RL2Config
    """Settings of the training."""
    iterations: int
    """How many times trials are collected and learned from."""
    simulations: int = 512
    """Trials at a time."""
    memory: Callable[..., nn.Module] = GRUMemory
    """Builds a memory from a number of inputs."""
    hidden: int = 32
    """Units of the memory."""
    new_family: Any = None
    """Where the tasks of a test come from, if not from `family`."""
    training_tasks: int | None = None
    """How many tasks there are in training; None for new ones all the time."""
    meta_input: Callable[..., Tensor] = trials.meta_input
    """Builds what the policy is given."""
    forgets: bool = False
    """Whether the memory is wrongly emptied at the end of every episode."""


def forgetful(memory: Tensor, episode_ended: Tensor, trial_ended: Tensor) -> Tensor:
    """What `core.trials.carried` must not be: a memory that is emptied by the end of every episode."""
    return memory * ~episode_ended.unsqueeze(-1)


def untold(obs: Tensor, previous_action: Tensor, previous_reward: Tensor, previous_ended: Tensor) -> Tensor:
    """`core.trials.meta_input`, but the first step of an episode is told nothing of the one before.

    Otherwise the last reward alone says whether the goal was found, and to do the same again, or to search
    elsewhere, is most of what a memory is good for.
    """
    told = (~previous_ended).to(obs.dtype)
    return trials.meta_input(
        obs, previous_action * told.unsqueeze(-1), previous_reward * told, torch.zeros_like(previous_ended)
    )


def sparse_input(
    obs: Tensor, previous_action: Tensor, previous_reward: Tensor, previous_ended: Tensor
) -> Tensor:
    """`core.trials.meta_input`, but in place of the distance that is trained on the policy is told the sparse
    reward that a test will have.
    """
    return trials.meta_input(
        obs, previous_action, navigation.sparse_from_distance(previous_reward), previous_ended
    )


QUICK = rl2.RL2Config(gamma=1.0, gae_lambda=0.3, learning_rate=5e-3, entropy_bonus=0.1)
"""For bandits that are pulled a few times."""

PATIENT = rl2.RL2Config(gamma=0.99, gae_lambda=0.9, learning_rate=4e-3, entropy_bonus=0.06, minibatches=8)
"""For bandits that are pulled a hundred times: what a pull finds out pays much later."""

NAVIGATION = rl2.RL2Config(gamma=0.97, gae_lambda=0.9, learning_rate=3e-3, entropy_bonus=0.05)
"""For the ways to a goal."""


def _bandit(arms: int, pulls: int, config: rl2.RL2Config = QUICK, **changes: Any) -> Recipe:
    return Recipe(
        family=bandits.family(arms), config=replace(config, episodes=pulls), **{"iterations": 300, **changes}
    )


def _random_mdp(**changes: Any) -> Recipe:
    config = rl2.RL2Config(
        episodes=10, gamma=0.99, gae_lambda=0.9, learning_rate=2e-3, entropy_bonus=0.1, minibatches=4
    )
    recipe = {"config": config, "iterations": 300, "simulations": 256, "hidden": 112, **changes}
    return Recipe(family=random_mdp.family(), **recipe)


def _maze(**changes: Any) -> Recipe:
    config = replace(NAVIGATION, entropy_bonus=0.03, minibatches=4)
    recipe = {"config": config, "iterations": 400, "simulations": 256, "hidden": 64, **changes}
    return Recipe(family=maze.family(), new_family=maze.new_family(), **recipe)


def _navigation(**changes: Any) -> Recipe:
    config = replace(NAVIGATION, episodes=3, gamma=0.95, entropy_bonus=0.01)
    recipe = {"config": config, "iterations": 150, "simulations": 256, "hidden": 64, **changes}
    return Recipe(family=navigation.family(), **recipe)


def _half_circle(**changes: Any) -> Recipe:
    config = replace(NAVIGATION, episodes=6, gamma=0.97, entropy_bonus=0.02, minibatches=4)
    recipe = {"config": config, "iterations": 60, "simulations": 256, "hidden": 64, **changes}
    return Recipe(family=navigation.half_circle_family(None), meta_input=sparse_input, **recipe)


def _grid_navi(**changes: Any) -> Recipe:
    recipe = {"config": NAVIGATION, "iterations": 300, "simulations": 256, "hidden": 64, **changes}
    return Recipe(family=grid_navi.family(), **recipe)


def _half_cheetah(**changes: Any) -> Recipe:
    config = replace(
        NAVIGATION, episodes=2, gamma=0.99, gae_lambda=0.95, learning_rate=2e-3, entropy_bonus=0.0
    )
    recipe = {"config": config, "iterations": 300, "simulations": 128, "hidden": 64, **changes}
    return Recipe(family=half_cheetah_tasks.velocity_family(horizon=100), **recipe)


WORLDS: dict[str, dict[str, Recipe]] = {
    "bandit": {
        "k5n10": _bandit(5, 10),
        "k10n10": _bandit(10, 10),
        "k50n10": _bandit(50, 10),
        "k5n20": _bandit(5, 20),
        "k5n100": _bandit(5, 100, PATIENT, simulations=1024, hidden=48),
    },
    "random_mdp": {"n10": _random_mdp()},
    "grid_navi": {
        "gru": _grid_navi(),
        "lstm": _grid_navi(memory=LSTMMemory),
        "snail": _grid_navi(memory=partial(SnailMemory, length=32), hidden=16),
        "forgets": _grid_navi(forgets=True),
        **{f"tasks{k}": _grid_navi(training_tasks=k, iterations=150) for k in (1, 4, 8, 14)},
    },
    "maze": {"gru": _maze()},
    "navigation": {"gru": _navigation(), **{f"tasks{k}": _navigation(training_tasks=k) for k in (4, 16, 64)}},
    "half_circle": {"gru": _half_circle()},
    "half_cheetah_velocity": {"gru": _half_cheetah()},
}
"""Recipes by the name of their world. k5n20: bandits of 5 arms, pulled 20 times. Forgets: trained with a
memory that is wrongly emptied at every episode. tasks4: trained on four tasks only."""


def make_env(recipe: Recipe, n: int) -> VectorEnv:
    """The recipe's world for trials: n simulations that wait at an episode's end, the task withheld."""
    return recipe.family.make_vec(n, autoreset_mode="Disabled", context_observed=False)


def policy_of(recipe: Recipe) -> MemoryPolicy:
    """An untrained policy of the size that the recipe's world asks for."""
    return rl2.policy_for(make_env(recipe, 1), partial(recipe.memory, hidden=recipe.hidden))


def draws(
    recipe: Recipe, rng: np.random.Generator
) -> tuple[Callable[[int], Params], Callable[[int], Params]]:
    """Where tasks come from in training, and where new ones come from that were not in it.

    Args:
        recipe: whose tasks.
        rng: source of randomness; the training tasks, if they are few, are the first that it draws.

    Returns:
        Two functions from a number to the parameters of so many tasks.

    Raises:
        ValueError: the training tasks are all there are.
    """
    sample = partial(recipe.family.sample, rng)
    if recipe.training_tasks is None:
        return sample, partial((recipe.new_family or recipe.family).sample, rng)
    count, kind = recipe.training_tasks, recipe.family.params_type
    drawn = sample(100 * count).array(100 * count)  # [100 K, P]
    different = drawn[np.sort(np.unique(drawn, axis=0, return_index=True)[1])]
    if len(different) <= count:
        raise ValueError(f"there are only {len(different)} tasks: {count} in training leave no new one")
    known = different[:count]  # [K, P]

    def new(n: int) -> Params:
        rows = np.empty((0, known.shape[1]))
        while len(rows) < n:
            more = sample(n).array(n)
            rows = np.concatenate([rows, more[~(more[:, None] == known).all(-1).any(1)]])
        return kind.from_array(rows[:n])

    return fixed_tasks(kind.from_array(known), count, rng), new


def trials_of(
    recipe: Recipe,
    policy: MemoryPolicy,
    n: int,
    seed: int,
    *,
    draw: Callable[[int], Params] | None = None,
    forgets: bool = False,
    meta_input: Callable[..., Tensor] | None = None,
) -> Trials:
    """Trials of new tasks, the same for every policy of the recipe's family.

    Args:
        recipe: whose world it is.
        policy: what is tested.
        n: trials.
        seed: of the tasks.
        draw: other tasks than new ones of its family.
        forgets: whether the memory is wrongly emptied at the end of every episode.
        meta_input: builds what the policy is given; the recipe's unless another is asked for.
    """
    rng = np.random.default_rng(TEST_TASKS + seed)
    collector = TrialCollector(
        make_env(recipe, n),
        draw or draws(recipe, rng)[1],
        recipe.config.episodes,
        seed,
        meta_input=meta_input or recipe.meta_input,
        carried=forgetful if forgets else trials.carried,
    )
    return collector.collect(policy)


def prepare(world: str, recipe: str, seed: int, rng: np.random.Generator) -> Training:
    """Worlds, agent and test of a recipe, ready for `training.train_and_store`."""
    what = WORLDS[world][recipe]
    env, agent = make_env(what, what.simulations), rl2.Agent(policy_of(what), what.config)
    draw, _ = draws(what, rng)
    rule = forgetful if what.forgets else trials.carried

    def records(first: int) -> Iterator[dict[str, float]]:
        return rl2.train(
            agent, env, draw, what.config, what.iterations, rng, meta_input=what.meta_input, carried=rule
        )

    def score() -> dict[str, Any]:
        # The training tasks, if they are few, are the first that a seed draws, so these are not among them.
        new = draws(what, np.random.default_rng(seed))[1] if what.training_tasks else None
        tested = trials_of(what, agent.policy, EVALUATION_TRIALS, seed, draw=new, forgets=what.forgets)
        by_episode = tested.episode_returns.mean(1)
        shown = by_episode.tolist() if len(by_episode) <= 10 else [by_episode[0], by_episode[-1]]
        return {
            **score_of(tested.returns.double().numpy(), seed),
            "return_by_episode": [round(float(value), 2) for value in shown],
            "evaluated_on": f"{EVALUATION_TRIALS} new tasks, {what.config.episodes} episodes of each",
        }

    return Training(
        policy=agent.policy,
        records=records,
        iterations=what.iterations,
        score=score,
        curve=None if what.training_tasks else lambda record: record["return_last"],
    )


IDEA = Idea(name="rl2", recipes=names_of(WORLDS), prepare=prepare, resumes=False)
"""Recurrent meta-RL, for `course train`: runs of minutes, which need no checkpoint."""
