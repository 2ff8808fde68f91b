"""GridNavi: one cell pays, nobody says which, and the grid itself gives nothing away."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import course_lib.envs  # noqa: F401  registers the worlds
from course_lib.envs import grid_navi

STAY, UP, RIGHT, DOWN, LEFT = range(5)


def grids(n: int, **options) -> grid_navi.GridNaviVectorEnv:
    return grid_navi.GridNaviVectorEnv(n, autoreset_mode=AutoresetMode.DISABLED, **options)


def straight_to_the_goal(env: grid_navi.GridNaviVectorEnv) -> np.ndarray:
    """Returns of whoever knows the goal, [N]."""
    env.reset(seed=0)
    returns = np.zeros(env.num_envs)
    for _ in range(grid_navi.HORIZON):
        x, y = (env.goals - env.positions).T
        action = np.select([x > 0, y > 0], [RIGHT, UP], STAY)
        returns += env.step(action)[1]
    return returns


def test_whoever_knows_the_goal_earns_what_its_distance_leaves():
    env = grids(21, goal=np.arange(21.0))
    returns = straight_to_the_goal(env)
    np.testing.assert_allclose(returns, 16.1 - 1.1 * grid_navi.GOALS.sum(axis=1))
    np.testing.assert_allclose(returns.mean(), 11.0714, atol=1e-4)


def test_goals_are_all_cells_but_the_four_at_the_start():
    cells = {tuple(cell) for cell in grid_navi.GOALS}
    assert len(cells) == 21 and not cells & {(0, 0), (0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize(
    ("actions", "cell"),
    [
        ((UP,), (0, 1)),
        ((RIGHT,), (1, 0)),
        ((UP, UP, RIGHT, DOWN, STAY), (1, 1)),
        ((RIGHT, RIGHT, LEFT), (1, 0)),
        ((DOWN, LEFT), (0, 0)),  # the rim
        ((UP,) * 9, (0, 4)),
        ((RIGHT,) * 9, (4, 0)),
    ],
)
def test_a_step_goes_one_cell_and_the_rim_stops_it(actions, cell):
    env = grids(2, context_observed=False)
    obs, _ = env.reset(seed=0)
    for action in actions:
        obs, reward, terminated, _, _ = env.step(np.array([action, action]))
    assert env.positions.tolist() == [list(cell)] * 2
    np.testing.assert_array_equal(np.flatnonzero(obs[0]), [5 * cell[1] + cell[0]])
    assert not terminated.any() and reward.tolist() == [-0.1, -0.1]


def test_the_goal_is_never_seen_only_paid_for():
    """The same actions, another goal: the same observations, all the way."""
    env = grids(21, goal=np.arange(21.0), context_observed=False)
    obs, _ = env.reset(seed=0)
    rng, rewards = np.random.default_rng(0), []
    for _ in range(grid_navi.HORIZON):
        assert obs.shape == (21, 25) and (obs == obs[0]).all()
        obs, reward, _, truncated, infos = env.step(np.full(21, rng.integers(5)))
        np.testing.assert_array_equal(reward, np.where(infos["reached"], 1.0, -0.1))
        rewards.append(reward)
    assert truncated.all() and (np.array(rewards) > 0).any()


def test_the_goal_is_told_where_it_should_be():
    np.testing.assert_array_equal(grids(3, goal=np.array([2.0, 7, 20])).reset(seed=0)[0][:, 25], [2, 7, 20])


def test_a_new_episode_starts_at_the_corner_and_keeps_the_goal():
    env = grids(3, goal=np.array([2.0, 7, 20]), max_episode_steps=2)
    env.reset(seed=0)
    for _ in range(2):
        env.step(np.full(3, UP))
    env.reset(options={"reset_mask": np.array([True, False, True])})
    assert env.positions.tolist() == [[0, 0], [0, 2], [0, 0]]
    assert env.params.goal.tolist() == [2, 7, 20]
    env.step(np.full(3, RIGHT))  # who is through waits
    assert env.positions.tolist() == [[1, 0], [0, 2], [1, 0]]


def test_the_family_wants_every_goal_equally_often():
    goals = grid_navi.family().sample(np.random.default_rng(0), 21000).goal
    count = np.bincount(goals.astype(int), minlength=21)
    assert len(count) == 21 and np.abs(count - 1000).max() < 5 * np.sqrt(1000)


def test_the_single_world_is_the_batched_one():
    env = gymnasium.make("course/GridNavi-v0", goal=4.0)
    check_env(env.unwrapped, skip_render_check=True)
    obs, _ = env.reset(seed=7)
    batch = grids(2, goal=4.0)
    np.testing.assert_array_equal(batch.reset(seed=7)[0][0], obs)
    np.testing.assert_array_equal(batch.step(np.array([UP, UP]))[0][0], env.step(UP)[0])


def test_a_goal_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"goal must be in \[0, 20\], got 21"):
        grids(1, goal=21.0)
    with pytest.raises(ValueError, match=r"goal must be a whole number, got 0\.5"):
        grids(1, goal=0.5)
