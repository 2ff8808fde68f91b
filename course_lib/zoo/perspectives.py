"""Three perspectives on meta-RL behind one function: what is earned in a task after so many episodes of it.

RL2 and VariBAD remember, PEARL infers, MAML takes gradient steps. All meet the same tasks, and all act with
the noise of their training.

Axes: M tasks, T steps, K shots, S observation, F numbers that a learner holds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_lib.core.belief_policy import BeliefPolicy
from course_lib.core.memory import MemoryPolicy
from course_lib.core.rollout import Transitions
from course_lib.core.seeding import seed_everything
from course_lib.core.spelling import nearest
from course_lib.core.task_family import Params, training_draw
from course_lib.core.trials import TrialCollector, Trials, unrolled
from course_lib.zoo import maml_rl_recipes, pearl_recipes, rl2_recipes, varibad_recipes

TEST_TASKS = 2**31
"""Seed of the tasks of a test; no training draws from it."""


@dataclass(frozen=True, kw_only=True)
class Episode:
    """The next episode in each of M tasks."""

    obs: Tensor
    """Before each step and after the last, [T + 1, M, S]."""
    returns: Tensor
    """Mean return in each task, [M]; MAML's is a mean over as many episodes as it learned from."""
    held: Tensor
    """What the learner holds of each task as this episode begins, [M, F]: RL2 its memory, MAML how far its
    parameters have moved, PEARL the mean of its belief, VariBAD mean and log variance of its own."""


@dataclass(frozen=True, kw_only=True)
class Perspective:
    """A way to learn a task, and where its weights and recipes are."""

    idea: str
    """Folder of the zoo."""
    recipe: str
    """Its recipe where new tasks come all the time, or as many as it can use."""
    recipes: Any
    """Module with `WORLDS`."""
    after: Callable[..., dict[int, Episode]]
    """Called as `after(recipe, policy, tasks, count, shots, seed)`: the next episode by shots."""

    def named(self, world: str, name: str | None = None) -> Any:
        """A recipe of a world, this perspective's own if no other is named.

        Raises:
            ValueError: there is no such world or recipe.
        """
        return _chosen("recipe", name or self.recipe, _chosen("world", world, self.recipes.WORLDS))

    def training_draw(self, world: str, name: str, seed: int) -> Callable[[int], Params]:
        """Draws from the few tasks that a training with this seed had."""
        recipe, rng = self.named(world, name), np.random.default_rng(seed)
        if self.recipes is rl2_recipes:
            return rl2_recipes.draws(recipe, rng)[0]
        return training_draw(recipe.family, recipe.training_tasks, rng)


def _remembering(recipes: Any, held: Callable[[Any, Trials], Tensor]) -> Callable[..., dict[int, Episode]]:
    def after(
        recipe: Any, policy: Any, tasks: Params, count: int, shots: Sequence[int], seed: int
    ) -> dict[int, Episode]:
        told = {"meta_input": recipe.meta_input} if recipes is rl2_recipes else {}
        env = recipes.make_env(recipe, count)
        try:
            trials = TrialCollector(env, lambda n: tasks, max(shots) + 1, seed, **told).collect(policy)
        finally:
            env.close()
        steps, numbers = len(trials.reward) // (max(shots) + 1), held(policy, trials)
        happened = {}
        for shot in shots:
            here = slice(shot * steps, (shot + 1) * steps)  # no episode of these worlds ends before its time
            obs, end = trials.obs[here], trials.next_obs[here][-1:]
            returns = trials.reward[here].sum(0)
            happened[shot] = Episode(obs=torch.cat([obs, end]), returns=returns, held=numbers[shot * steps])
        return happened

    return after


def _memory(policy: MemoryPolicy, trials: Trials) -> Tensor:
    """RL2's memory once it has read the inputs of each step, [T, M, F]: a GRU's features are its memory."""
    return unrolled(policy, trials.inputs, trials.memory, trials.ended, trials.trial_ended)


def _belief(policy: BeliefPolicy, trials: Trials) -> Tensor:
    """VariBAD's belief before each step, [T, M, F]."""
    belief = policy.encoder.belief(policy.memories(trials)[:-1])
    return torch.cat([belief.mean, belief.variance.log()], dim=-1)


def _inferring(
    recipe: pearl_recipes.Recipe, policy: Any, tasks: Params, count: int, shots: Sequence[int], seed: int
) -> dict[int, Episode]:
    rng = np.random.default_rng(seed)
    explored = pearl_recipes.explored(recipe, policy, tasks, count, rng, episodes=max(shots) + 1)
    return {shot: _first(explored.data[shot], 1, explored.beliefs[shot].mean) for shot in shots}


def _stepping(
    recipe: maml_rl_recipes.Recipe, agent: Any, tasks: Params, count: int, shots: Sequence[int], seed: int
) -> dict[int, Episode]:
    """One gradient step on the shots, up to as many as in training; one more for each time as many again.

    One episode makes no step: of it alone the baseline would leave noise, which is scaled up.
    """
    full, happened = recipe.config.trajectories, {}
    for size in [*(shot for shot in shots if 1 < shot < full), full]:
        wanted = [shot for shot in shots if shot == size or (size == full and (shot < 2 or shot >= full))]
        config = replace(recipe.config, trajectories=size)
        adapted = maml_rl_recipes.adapted_to(
            replace(recipe, config=config),
            agent,
            tasks,
            count,
            max(wanted, default=0) // size,
            np.random.default_rng(seed),
        )
        before = adapted.parameters[0]
        for shot in wanted:
            now = adapted.parameters[shot // size]
            moved = torch.cat([(now[name] - before[name]).flatten(1) for name in before], dim=1)
            happened[shot] = _first(adapted.experience[shot // size].data, size, moved)
    return happened


def _first(data: Transitions, each: int, held: Tensor) -> Episode:
    """The first of `each` episodes of every task, and the mean return of all of them."""
    obs = torch.cat([data.obs, data.next_obs[-1:]])[:, ::each]
    return Episode(obs=obs, returns=data.returns.unflatten(0, (-1, each)).mean(1), held=held)


def _chosen(kind: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise ValueError(f"there is no {kind} {name!r}: {nearest(name, known)}")
    return known[name]


PERSPECTIVES = {
    "RL2": Perspective(
        idea="rl2",
        recipe="gru",
        recipes=rl2_recipes,
        after=_remembering(rl2_recipes, _memory),
    ),
    "MAML": Perspective(idea="maml_rl", recipe="learned_rates", recipes=maml_rl_recipes, after=_stepping),
    "PEARL": Perspective(idea="pearl", recipe="pearl", recipes=pearl_recipes, after=_inferring),
    "VariBAD": Perspective(
        idea="varibad",
        recipe="varibad",
        recipes=varibad_recipes,
        after=_remembering(varibad_recipes, _belief),
    ),
}
"""By name, in the order of the lecture."""


@torch.no_grad()
def after_shots(
    name: str,
    world: str,
    policy: Any,
    tasks: Params,
    count: int,
    shots: Sequence[int],
    seed: int,
    recipe: str | None = None,
) -> dict[int, Episode]:
    """Lets a trained policy learn some tasks, and looks at the next episode after so many of each.

    Args:
        name: one of `PERSPECTIVES`.
        world: where it was trained.
        policy: of the zoo.
        tasks: parameters of the tasks.
        count: M.
        shots: numbers of earlier episodes. MAML takes one gradient step on up to as many as it had in
            training (20), and one for each further 20; so above 20 they must be multiples of it.
        seed: of what is random.
        recipe: of the training, if not the perspective's own.

    Raises:
        ValueError: a name is mistyped; a number of shots is negative, or none of those that MAML can use.
    """
    ways = _chosen("learner", name, PERSPECTIVES)
    what = ways.named(world, recipe)
    if min(shots) < 0:
        raise ValueError(f"shots must not be negative, got {min(shots)}")
    if name == "MAML":
        full = what.config.trajectories
        odd = [shot for shot in shots if shot > full and shot % full]
        if odd:
            raise ValueError(f"beyond {full} shots MAML takes a step for each {full}, got {odd[0]}")
    seed_everything(seed)  # actions are drawn
    happened = ways.after(what, policy, tasks, count, shots, seed)
    return {shot: happened[shot] for shot in shots}  # in the order in which they were asked for
