"""VariBAD's beliefs of a goal: places and the exact belief are what the world says, and a seed is a seed."""

import numpy as np
import pytest
import torch

from course_lib.core.seeding import seed_everything
from course_lib.envs import grid_navi_beliefs
from course_lib.envs.grid_navi import GOALS, HORIZON
from course_lib.envs.recorded_paths import RecordedPaths
from course_lib.zoo import varibad_beliefs as beliefs
from course_lib.zoo import varibad_recipes as recipes
from course_lib.zoo.varibad_recipes import TrialCollector


@pytest.fixture(scope="module")
def policy():
    seed_everything(0)
    return recipes.policy_of(recipes.WORLDS["grid_navi"]["varibad"]).requires_grad_(False)


@pytest.fixture(scope="module")
def walked(policy):
    """Trials of a policy that knows nothing, the goals, and where the world says that they went."""
    recipe, rng = recipes.WORLDS["grid_navi"]["varibad"], np.random.default_rng(0)
    env = RecordedPaths(recipes.make_env(recipe, 40))
    collector = TrialCollector(env, lambda n: recipe.family.sample(rng, n), 2, 0)
    trials = collector.collect(policy)
    return trials, collector.tasks.goal.astype(int), [env.paths(n) for n in range(40)]


def test_paths_are_where_the_world_says(walked):
    trials, _, recorded = walked
    paths = beliefs.paths_of(trials)
    assert paths.shape == (2, 40, HORIZON + 1, 2)
    np.testing.assert_array_equal(np.moveaxis(paths, 1, 0), recorded)


def test_the_exact_belief_follows_from_the_places_that_were_seen(walked):
    trials, goals, _ = walked
    expected = grid_navi_beliefs.beliefs_of(beliefs.paths_of(trials), goals)
    exact = beliefs.exact_beliefs(trials)
    np.testing.assert_allclose(exact, expected)
    assert 0 < (exact[-1, :, -1].max(-1) == 1).sum() < 40  # some have met the goal


def test_a_decoded_belief_is_the_share_of_each_goal_in_what_the_decoder_says(policy, walked, monkeypatch):
    trials, *_ = walked
    # z says nothing here: cell c pays with a probability that grows with its number.
    pays = torch.arange(1.0, 26.0) / 30.0
    monkeypatch.setattr(policy.decoder, "probabilities", lambda z: pays.expand(*z.shape[:-1], 25))
    decoded = beliefs.decoded_beliefs(policy, trials, 0)
    assert decoded.shape == (2, 40, HORIZON + 1, len(GOALS))
    share = pays[GOALS @ np.array([1, 5])].double().numpy()
    np.testing.assert_allclose(decoded, np.broadcast_to(share / share.sum(), decoded.shape), rtol=1e-5)


def test_an_episode_begins_with_the_belief_that_the_one_before_ended_with(policy, walked):
    decoded = beliefs.decoded_beliefs(policy, walked[0], 0)
    np.testing.assert_array_equal(decoded[1, :, 0], decoded[0, :, -1])
    assert np.abs(decoded[0, :, 1] - decoded[0, :, 0]).max() > 1e-4


def test_an_exploration_hangs_on_its_seed_alone_and_leaves_chance_as_it_was(policy):
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = beliefs.explored(policy, 7, 3, 0)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    for one, other in zip(first, beliefs.explored(policy, 7, 3, 0), strict=True):
        np.testing.assert_array_equal(one, other)
    path, belief = first
    assert path.shape == (3, HORIZON + 1, 2) and belief.shape == (3, HORIZON + 1, len(GOALS))
    np.testing.assert_allclose(belief.sum(-1), 1.0)
    assert not np.array_equal(path, beliefs.explored(policy, 7, 3, 1)[0])
