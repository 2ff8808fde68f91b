"""Whoever learns a task, the same is asked of it: the next episode after so many, in tasks that all meet."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib.core.seeding import seed_everything
from course_lib.core.trials import TrialCollector
from course_lib.envs import navigation
from course_lib.zoo import perspectives
from course_lib.zoo.perspectives import PERSPECTIVES, after_shots

TASKS = navigation.NavigationParams(goal_x=np.array([0.3, -0.4, 0.1]), goal_y=np.array([0.2, 0.4, -0.3]))


def untrained(name):
    seed_everything(0)
    recipes, recipe = PERSPECTIVES[name].recipes, PERSPECTIVES[name].named("navigation")
    make = recipes.agent_of if name == "MAML" else recipes.policy_of
    return make(recipe)


@pytest.mark.parametrize("name", PERSPECTIVES)
def test_an_episode_is_one_of_the_task_that_was_given(name):
    happened = after_shots(name, "navigation", untrained(name), TASKS, 3, (3, 0, 2), seed=1)
    assert list(happened) == [3, 0, 2]
    goals = torch.tensor(TASKS.array(3), dtype=torch.float32)
    for episode in happened.values():
        assert episode.obs.shape == (navigation.HORIZON + 1, 3, 2) and episode.returns.shape == (3,)
        assert (episode.obs[0] == 0).all()  # every episode begins at the start
        if name != "MAML":  # whose returns are means over as many episodes as it learned from
            paid = -(episode.obs[1:] - goals).norm(dim=-1).sum(0)
            torch.testing.assert_close(episode.returns, paid, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", PERSPECTIVES)
def test_the_same_seed_gives_the_same_episodes_and_another_seed_others(name):
    policy = untrained(name)
    first, again, other = (
        after_shots(name, "navigation", policy, TASKS, 3, (0, 2), seed=seed)[2] for seed in (1, 1, 2)
    )
    assert torch.equal(first.obs, again.obs) and not torch.equal(first.obs, other.obs)


def test_mamls_return_is_the_mean_over_as_many_episodes_as_it_learned_from():
    data = SimpleNamespace(
        obs=torch.arange(12.0).view(1, 6, 2),
        next_obs=torch.zeros(1, 6, 2),
        returns=torch.tensor([1.0, 2.0, 3.0, 10.0, 20.0, 30.0]),
    )
    first = perspectives._first(data, 3, torch.zeros(2, 1))
    assert first.returns.tolist() == [2.0, 20.0]
    assert first.obs[0].tolist() == [[0.0, 1.0], [6.0, 7.0]]  # of each task its first


def test_maml_takes_one_step_on_up_to_as_many_episodes_as_in_training_and_then_one_for_each_as_many(
    monkeypatch,
):
    asked = []
    adapt = perspectives.maml_rl_recipes.adapted_to

    def noted(recipe, agent, tasks, count, steps, rng, **more):
        asked.append((recipe.config.trajectories, steps))
        return adapt(recipe, agent, tasks, count, steps, rng, **more)

    monkeypatch.setattr(perspectives.maml_rl_recipes, "adapted_to", noted)
    happened = after_shots("MAML", "navigation", untrained("MAML"), TASKS, 3, (0, 1, 2, 5, 20, 60), seed=0)
    assert sorted(asked) == [(2, 1), (5, 1), (20, 3)]
    assert torch.equal(happened[0].returns, happened[1].returns)  # one episode makes no step
    with pytest.raises(ValueError, match="beyond 20 shots MAML takes a step for each 20, got 30"):
        after_shots("MAML", "navigation", untrained("MAML"), TASKS, 3, (30,), seed=0)


def test_maml_and_pearl_are_looked_at_in_the_episodes_after_the_shots_and_not_in_those():
    maml, pearl = untrained("MAML"), untrained("PEARL")
    happened = after_shots("MAML", "navigation", maml, TASKS, 3, (0, 20), seed=4)
    seed_everything(4)
    recipe = PERSPECTIVES["MAML"].named("navigation")
    adapted = perspectives.maml_rl_recipes.adapted_to(recipe, maml, TASKS, 3, 1, np.random.default_rng(4))
    torch.testing.assert_close(torch.stack([one.returns for one in happened.values()]), adapted.returns)
    happened = after_shots("PEARL", "navigation", pearl, TASKS, 3, (0, 1, 2), seed=4)
    seed_everything(4)
    recipe, rng = PERSPECTIVES["PEARL"].named("navigation"), np.random.default_rng(4)
    explored = perspectives.pearl_recipes.explored(recipe, pearl, TASKS, 3, rng, episodes=3)
    torch.testing.assert_close(torch.stack([one.returns for one in happened.values()]), explored.returns)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("PEARLS", "navigation", None), "there is no learner 'PEARLS': did you mean 'PEARL'?"),
        (("RL2", "navigatoin", None), "there is no world 'navigatoin': did you mean 'navigation'?"),
        (("RL2", "navigation", "task4"), "there is no recipe 'task4': did you mean 'tasks4'?"),
    ],
)
def test_a_mistyped_name_is_told_the_nearest(names, message):
    name, world, recipe = names
    with pytest.raises(ValueError, match=re.escape(message)):
        after_shots(name, world, None, TASKS, 3, (0,), 0, recipe)


def test_a_negative_number_of_shots_is_refused():
    with pytest.raises(ValueError, match="shots must not be negative, got -1"):
        after_shots("RL2", "navigation", untrained("RL2"), TASKS, 3, (-1,), seed=0)


@pytest.mark.parametrize("name", ["RL2", "MAML", "PEARL", "VariBAD"])
def test_the_tasks_of_a_training_are_those_that_it_drew(name, monkeypatch):
    """The training is begun as `course train` begins it, and asked for its tasks when it sets them."""
    ways, given = PERSPECTIVES[name], []
    prepared = ways.recipes.prepare("navigation", "tasks4", 3, seed_everything(3))
    world = navigation.NavigationVectorEnv
    original = world.set_params

    def noted(self, params):
        given.append(params.array(self.num_envs))
        original(self, params)

    monkeypatch.setattr(world, "set_params", noted)
    next(prepared.records(1))
    trained = {tuple(np.round(row, 9)) for row in np.concatenate(given)}
    drawn = ways.training_draw("navigation", "tasks4", 3)(100).array(100)
    assert {tuple(np.round(row, 9)) for row in drawn} == trained and len(trained) == 4


@pytest.mark.parametrize("name", ["RL2", "VariBAD"])
def test_what_remembers_goes_through_one_trial_of_all_the_shots(name):
    """The memory goes on from episode to episode, as in trials of the training: collected here by hand."""
    policy, recipes = untrained(name), PERSPECTIVES[name].recipes
    happened = after_shots(name, "navigation", policy, TASKS, 3, (0, 2), seed=5)
    seed_everything(5)
    env = recipes.make_env(PERSPECTIVES[name].named("navigation"), 3)
    trials = TrialCollector(env, lambda n: TASKS, 3, 5).collect(policy)
    for shot, episode in happened.items():
        torch.testing.assert_close(episode.returns, trials.episode_returns[shot])
    memory = policy.begin(3)
    for t in range(2 * navigation.HORIZON + (name == "RL2")):  # RL2 reads the reward with the next step
        _, memory = policy.advance(trials.inputs[t], memory)
        if name == "VariBAD":
            action, reward, place = trials.action[t], trials.reward[t], trials.next_obs[t]
            memory = policy.witness(memory, action, reward, place)
    belief = policy.encoder.belief(memory) if name == "VariBAD" else None
    held = memory if belief is None else torch.cat([belief.mean, belief.variance.log()], dim=-1)
    torch.testing.assert_close(happened[2].held, held, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", PERSPECTIVES)
def test_what_is_held_of_a_task_is_nothing_before_it_and_something_else_in_each_task_after_it(name):
    happened = after_shots(name, "navigation", untrained(name), TASKS, 3, (0, 2), seed=0)
    nothing, something = happened[0].held, happened[2].held
    assert nothing.shape == something.shape and len(nothing) == 3
    assert torch.allclose(nothing, nothing[:1].expand_as(nothing), atol=1e-6)
    assert (something[0] - something[1]).abs().max() > 1e-6
    assert (something[0] - nothing[0]).abs().max() > 1e-6
    if name == "MAML":
        assert not nothing.any()  # how far its parameters have moved, and not where they are
