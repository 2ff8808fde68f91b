"""RL2's recipes: each leaves a policy that remembers; few training tasks are few, and no test meets them."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_lib.core.memory import MemoryPolicy
from course_lib.core.trials import carried, meta_input
from course_lib.zoo import rl2_recipes as recipes
from course_lib.zoo import store, training


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(recipes, "EVALUATION_TRIALS", 8)
    for world, by_name in recipes.WORLDS.items():
        tiny = {
            name: replace(
                recipe,
                iterations=1,
                simulations=4,
                config=replace(
                    recipe.config, episodes=min(recipe.config.episodes, 3), epochs=1, minibatches=1
                ),
            )
            for name, recipe in by_name.items()
        }
        monkeypatch.setitem(recipes.WORLDS, world, tiny)


def test_every_recipe_leaves_a_policy_with_a_memory(small, tmp_path):
    for world, by_name in recipes.WORLDS.items():
        for name, recipe in by_name.items():
            stem = training.train_and_store(recipes.IDEA, world, name, 0, tmp_path)
            policy, card = store.policy_from(stem), store.read_card(stem)
            assert isinstance(policy, MemoryPolicy), name
            assert len(card["return_by_episode"]) == recipe.config.episodes
            tried = recipes.trials_of(recipe, policy, 4, 0)
            assert tried.inputs.shape[2] == policy.obs_size + policy.action_size + 2


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_a_policy_is_not_told_its_task(world):
    # Two tasks, the same actions: what is observed first is the same.
    recipe = next(iter(recipes.WORLDS[world].values()))
    env = recipes.make_env(recipe, 8)
    env.set_params(recipe.family.sample(np.random.default_rng(0), 8))
    if world == "maze":
        assert env.single_observation_space.shape == (4,)  # the walls around it are seen, and those differ
        return
    if world == "half_cheetah_velocity":
        assert env.single_observation_space.shape == (17,)  # told, it would be 18; starts are noisy
        return
    first, _ = env.reset(seed=0)
    assert (first == first[0]).all()


def test_few_training_tasks_are_few_and_a_test_meets_none_of_them():
    recipe = recipes.WORLDS["grid_navi"]["tasks4"]
    known, new = recipes.draws(recipe, np.random.default_rng(5))
    again, _ = recipes.draws(recipe, np.random.default_rng(5))
    goals = set(known(500).goal)
    assert len(goals) == 4 and set(again(500).goal) == goals
    assert len(set(new(500).goal)) == 21 - 4 and not set(new(500).goal) & goals


def test_mazes_of_a_test_are_in_no_training():
    known, new = recipes.draws(recipes.WORLDS["maze"]["gru"], np.random.default_rng(0))
    assert not set(known(2000).maze) & set(new(2000).maze)


def test_a_test_has_the_same_tasks_for_every_policy_and_others_than_the_training(monkeypatch):
    recipe = recipes.WORLDS["grid_navi"]["gru"]
    given = []
    monkeypatch.setattr(
        type(recipes.make_env(recipe, 1)), "set_params", lambda env, params: given.append(params.goal)
    )
    monkeypatch.setattr(
        recipes.TrialCollector, "collect", lambda self, policy: self.env.set_params(self.draw(9))
    )
    for seed in (3, 3, 4):
        recipes.trials_of(recipe, recipes.policy_of(recipe), 9, seed)
    given = [goal for goal in given if np.size(goal) == 9]
    assert np.array_equal(given[0], given[1]) and not np.array_equal(given[0], given[2])
    assert not np.array_equal(given[0], recipes.draws(recipe, np.random.default_rng(3))[0](9).goal)


def test_an_emptied_memory_is_emptied_by_the_end_of_every_episode():
    memory, over = torch.ones(3, 2), torch.tensor([False, True, True])
    assert recipes.forgetful(memory, over, torch.tensor([False, False, True])).tolist() == [
        [1, 1],
        [0, 0],
        [0, 0],
    ]


def test_the_first_step_of_an_episode_is_untold_and_others_are_told():
    inputs = recipes.untold(
        torch.ones(2, 1), torch.ones(2, 3), torch.tensor([5.0, 6.0]), torch.tensor([True, False])
    )
    assert inputs.tolist() == [[1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 6, 0]]


def test_on_the_half_circle_a_memory_is_told_the_sparse_reward():
    obs, action, ended = torch.full((3, 2), 8.0), torch.full((3, 2), 7.0), torch.tensor([False, False, True])
    told = recipes.WORLDS["half_circle"]["gru"].meta_input(
        obs, action, torch.tensor([0.0, -0.9, -0.05]), ended
    )
    torch.testing.assert_close(told[:, 4:], torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.75, 1.0]]))
    assert (told[:, :2] == 8.0).all() and (told[:, 2:4] == 7.0).all()


def test_who_forgets_forgets_in_training_and_a_test_does_as_it_is_told(monkeypatch):
    trained = []
    monkeypatch.setattr(
        recipes.rl2, "train", lambda *given, carried, **more: trained.append(carried) or iter(())
    )
    for name in ("gru", "forgets"):
        list(recipes.prepare("grid_navi", name, 0, np.random.default_rng(0)).records(1))
    assert trained == [carried, recipes.forgetful]
    monkeypatch.setattr(
        recipes, "TrialCollector", lambda *given, **rules: SimpleNamespace(collect=lambda policy: rules)
    )
    tested = partial(recipes.trials_of, recipes.WORLDS["grid_navi"]["gru"], None, 4, 0)
    assert tested() == {"carried": carried, "meta_input": meta_input}
    wrong = {"carried": recipes.forgetful, "meta_input": recipes.untold}
    assert tested(forgets=True, meta_input=recipes.untold) == wrong


def test_training_tasks_that_are_all_tasks_leave_none_for_a_test():
    recipe = replace(recipes.WORLDS["grid_navi"]["gru"], training_tasks=21)
    with pytest.raises(ValueError, match="there are only 21 tasks: 21 in training leave no new one"):
        recipes.draws(recipe, np.random.default_rng(0))


def test_a_recipe_of_the_other_world_is_named(tmp_path):
    with pytest.raises(ValueError, match="maze has no recipe 'k5n20'"):
        training.train_and_store(recipes.IDEA, "maze", "k5n20", 0, tmp_path)
