"""Goal-conditioned policies: goals in hindsight come from an episode's own future, and carry their own
reward and discount; values are those of exact shortest ways; bits are learned with hindsight only."""

import copy
import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

from course_lib.agents import dqn
from course_lib.core.episode_replay import EpisodeReplay
from course_lib.core.goals import GoalSpace
from course_lib.core.seeding import seed_everything
from course_lib.envs import bit_flip, rooms
from course_lib.envs.gridworld import GridworldParams, transition_matrix
from course_lib.multitask import goal_conditioned as gc

PLACE = GoalSpace(columns=(0,), radius=0.5, low=(0.0,), high=(9.0,))


@pytest.fixture
def replay(walks):
    memory = EpisodeReplay(capacity=4, horizon=5, obs_size=1, action_size=1, goal_size=1)
    memory.add(walks([5, 2, 3], 5, [False, True, False]))
    return memory


# Which states become goals.


@pytest.mark.parametrize(
    ("strategy", "allowed"),
    [
        ("final", lambda t, length: {length}),
        ("future", lambda t, length: set(range(t + 1, length + 1))),
        ("episode", lambda t, length: set(range(1, length + 1))),
    ],
)
def test_goals_come_from_the_states_that_a_strategy_names_all_of_them_and_equally_often(strategy, allowed):
    rng = np.random.default_rng(0)
    for length in (1, 4):
        for t in range(length):
            many = np.full(4000, t), np.full(4000, length)
            drawn, counts = np.unique(gc.hindsight_time(*many, strategy, rng), return_counts=True)
            expected = allowed(t, length)
            assert set(drawn.tolist()) == expected
            np.testing.assert_allclose(counts, 4000 / len(expected), atol=4 * 32)


def test_a_mistyped_strategy_gets_a_suggestion():
    times = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    with pytest.raises(ValueError, match="'futur': did you mean 'future'"):
        gc.hindsight_time(*times, "futur", np.random.default_rng(0))
    with pytest.raises(ValueError, match="no strategy 'non': did you mean 'none'"):
        gc.GoalConfig(strategy="non")


def test_a_goal_in_hindsight_is_of_the_same_episode_and_its_future(replay):
    config = gc.GoalConfig(batch_size=4000, relabelled=10**9)
    batch = gc.hindsight_batch(replay, PLACE, config, np.random.default_rng(0))
    place, goal = batch.obs.T
    assert ((goal // 100) == (place // 100)).all()
    assert (goal > place).all()
    np.testing.assert_array_equal(batch.next_obs[:, 0], place + 1)
    np.testing.assert_array_equal(batch.next_obs[:, 1], goal)
    np.testing.assert_array_equal(batch.reward, np.where(goal == place + 1, 0.0, -1.0))
    np.testing.assert_array_equal(batch.terminated, goal == place + 1)


@pytest.mark.parametrize("config", [{"strategy": "none"}, {"relabelled": 0}])
def test_without_hindsight_it_is_a_universal_value_function_on_what_was_asked(replay, config):
    settings = gc.GoalConfig(batch_size=500, **config)
    batch = gc.hindsight_batch(replay, PLACE, settings, np.random.default_rng(0))
    np.testing.assert_array_equal(batch.obs[:, 1], 7 + batch.obs[:, 0] // 100)
    moments = replay.sample(500, np.random.default_rng(0))  # and not one other number is drawn for it
    asked = gc.relabelled(moments, moments.goal, PLACE)
    for name, tensor in vars(asked).items():
        assert torch.equal(tensor, vars(batch)[name]), name


@pytest.mark.parametrize(("k", "share"), [(1, 0.5), (4, 0.8)])
def test_k_transitions_in_hindsight_for_each_with_its_own_goal(replay, k, share):
    config = gc.GoalConfig(batch_size=10_000, relabelled=k)
    batch = gc.hindsight_batch(replay, PLACE, config, np.random.default_rng(0))
    own = batch.obs[:, 1] == 7 + batch.obs[:, 0] // 100
    assert (~own).float().mean().item() == pytest.approx(share, abs=0.02)


def test_relabelling_leaves_the_memory_as_it_was(replay):
    moments = replay.sample(50, np.random.default_rng(0))
    before = copy.deepcopy(vars(moments))
    gc.relabelled(moments, moments.next_obs, PLACE)
    for name, value in vars(moments).items():
        np.testing.assert_array_equal(value, before[name])


def test_the_reward_is_judged_where_the_step_led_with_the_worlds_own_radius():
    achieved, goal = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    for radius, reward in ((4.9, -1.0), (5.0, 0.0)):  # neither squared nor for each number on its own
        assert gc.sparse_reward(achieved, goal, radius).item() == reward
    assert gc.sparse_reward(goal, goal, 0.0).item() == 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda time, length: length + 1,
        lambda time, length: time - 1,
        lambda time, length: np.ones(1, dtype=int),
    ],
)
def test_states_that_do_not_exist_and_one_state_for_all_are_refused(replay, wrong):
    def hindsight_time(time, length, strategy, rng):
        return wrong(time, length)

    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"one state of 0 \.\. length"):
        gc.hindsight_batch(replay, PLACE, gc.GoalConfig(), rng, hindsight_time=hindsight_time)


# Values.


def test_targets_end_with_the_goal_and_stay_within_what_is_possible():
    target = gc.goal_target(
        torch.tensor([0.0, -1.0, -1.0, -1.0]),
        torch.tensor([-5.0, -5.0, -500.0, 3.0]),
        torch.tensor([True, False, False, False]),
        0.9,
    )
    assert target.tolist() == pytest.approx([0.0, -5.5, -10.0, 0.0])


def test_the_fixed_point_of_the_target_on_bits_is_the_exact_value_of_the_shortest_way():
    """Oracle: from d wrong bits V = -(1 - gamma^(d-1)) / (1 - gamma); only a wrong bit leads nearer."""
    bits, gamma = 3, 0.9
    space = bit_flip.goal_space(bits)
    states = torch.tensor([[i >> b & 1 for b in range(bits)] for i in range(2**bits)], dtype=torch.float32)
    s, g = (part.flatten(0, 1) for part in (states[:, None].expand(-1, 8, -1), states.expand(8, -1, -1)))
    number = (2 ** torch.arange(bits)).float()
    value = torch.zeros(8, 8)
    for _ in range(100):
        q = []
        for action in range(bits):
            after = s.clone()
            after[:, action] = 1 - after[:, action]
            reward = gc.sparse_reward(space.achieved(after), g, space.radius)
            next_value = value[(after @ number).long(), (g @ number).long()]
            q.append(gc.goal_target(reward, next_value, reward == 0.0, gamma))
        value = torch.stack(q).amax(0).view(8, 8)
    distance = (states[:, None] - states[None]).abs().sum(-1)
    away = distance > 0  # at the goal itself one has to leave and come back: two steps
    steps = torch.where(away, distance, 2.0)
    torch.testing.assert_close(value, -(1 - gamma ** (steps - 1)) / (1 - gamma), atol=1e-5, rtol=0)


def test_the_fixed_point_in_two_rooms_is_the_exact_value_of_the_way_round_the_wall():
    """Oracle: as above in a grid, distances by breadth-first search, for every start and every goal."""
    room = GridworldParams.drawn("S#. .#. ..G", friction=0.0)
    free = np.flatnonzero(~room.mask(room.walls))
    after = np.zeros((9, 4), dtype=np.int64)
    for goal in (0, 8):  # what a goal holds fast is free to go where the other one is the goal
        onward = transition_matrix(dataclasses.replace(room, goal=room.cell(goal))).argmax(axis=2)
        after[np.arange(9) != goal] = onward[np.arange(9) != goal]
    distance = np.full((9, 9), 99.0)
    np.fill_diagonal(distance, 0.0)
    for _ in range(9):
        distance = np.minimum(distance, 1.0 + distance[after].min(axis=1))
    assert distance[0, 2] == 6  # not 2: there is a wall between
    cell = torch.tensor([room.cell(s) for s in range(9)]).float()
    s, a, g = (torch.from_numpy(index.ravel()) for index in np.meshgrid(free, range(4), free, indexing="ij"))
    then, gamma, value = torch.from_numpy(after)[s, a], 0.9, torch.zeros(9, 9)
    for _ in range(30):
        reward = gc.sparse_reward(cell[then], cell[g], 0.5)
        target = gc.goal_target(reward, value[then, g], reward == 0.0, gamma)
        value[free[:, None], free] = target.view(len(free), 4, len(free)).amax(1)
    distance, value = (table[np.ix_(free, free)] for table in (distance, value.numpy()))
    elsewhere = distance > 0
    exact = -(1 - gamma ** (distance - 1)) / (1 - gamma)
    np.testing.assert_allclose(value[elsewhere], exact[elsewhere], atol=1e-5)


def test_the_worlds_reward_and_end_are_those_of_relabelling_with_the_goal_that_was_asked():
    """In both worlds, by random actions: k = 0 changes nothing that the world said."""
    torch.manual_seed(0)
    for family, horizon, policy in (
        (bit_flip.family(3), 3, lambda obs: torch.randint(3, (len(obs), 1)).float()),
        (rooms.family(), 50, lambda obs: 2 * torch.rand(len(obs), 2) - 1),
    ):
        env = family.make_vec(200, autoreset_mode=AutoresetMode.DISABLED)
        gc.DrawnTasks(env, family, np.random.default_rng(0))(np.ones(200, dtype=bool))
        acting = type("Acting", (), {"sample": staticmethod(policy)})
        data = gc.episodes(env, acting, horizon, seed=0)
        assert 0 < data.terminated.sum() < 200
        space = env.goal_space
        obs, after = data.obs[data.valid], data.next_obs[data.valid]
        size = obs.shape[1] - space.size
        reward = gc.sparse_reward(space.achieved(after[:, :size]), obs[:, size:], space.radius)
        np.testing.assert_array_equal(reward, data.reward[data.valid])
        np.testing.assert_array_equal(reward == 0.0, data.terminated[data.valid])


# Training and testing.


def test_a_record_counts_what_happened_and_episodes_have_starts_and_goals_of_their_own(monkeypatch):
    lived, batches, real = [], [], gc.episodes
    monkeypatch.setattr(
        gc, "episodes", lambda *args, **named: lived.append(real(*args, **named)) or lived[-1]
    )

    def update(agent, batch, td_target):
        batches.append(batch)
        return {"loss": 7}

    rng = seed_everything(0)
    family = bit_flip.family(3)
    env = family.make_vec(32, autoreset_mode=AutoresetMode.DISABLED)
    config = gc.GoalConfig(iterations=2, horizon=3, updates=1)
    records = list(gc.train(dqn.Agent(6, 3, dqn.DQNConfig()), update, env, family, config, rng))
    steps = 0
    for number, (record, data, batch) in enumerate(zip(records, lived, batches, strict=True), start=1):
        length, there = data.valid.sum(0), ((data.reward == 0) & data.valid).any(0)
        assert 0 < there.sum() < 32 and length.min() < 3  # reached or not, and ended sooner or later
        steps += int(length.sum())
        assert record == {
            "iteration": number,
            "steps": steps,
            "success": pytest.approx(there.float().mean().item()),
            "return_mean": pytest.approx((there.float() - length).mean().item()),
            "reward_seen": pytest.approx((batch.reward == 0.0).float().mean().item()),
            "loss": 7.0,
        }
    starts, goals = zip(*(data.obs[0].split(3, dim=1) for data in lived), strict=True)
    assert not torch.equal(*starts) and not torch.equal(*goals)


def test_reached_is_who_made_it_within_the_horizon_from_starts_and_goals_of_the_seed():
    family = bit_flip.family(3)
    env = family.make_vec(200, autoreset_mode=AutoresetMode.DISABLED)
    first: dict[int, np.ndarray] = {}

    def straight(obs):  # turns the first wrong bit: at most three steps
        return (obs[:, :3] != obs[:, 3:]).argmax(axis=1)[:, None]

    for seed in (5, 6):

        def only_the_first_bit(obs, seed=seed):
            first.setdefault(seed, obs)
            return np.zeros((len(obs), 1), dtype=np.int64)

        assert gc.reached(straight, env, family, 3, seed).all()
        there = gc.reached(only_the_first_bit, env, family, 3, seed)
        np.testing.assert_array_equal(there, (first[seed][:, 1:3] == first[seed][:, 4:]).all(axis=1))
    for half in (slice(3), slice(3, 6)):
        assert (first[5][:, half] != first[6][:, half]).any()


# Learning.


def learned(strategy: str, iterations: int, bits: int, seed: int = 0, **equations) -> list[dict[str, float]]:
    rng = seed_everything(seed)
    family, settings = bit_flip.family(bits), dqn.DQNConfig(hidden=(128,))
    env = family.make_vec(16, autoreset_mode=AutoresetMode.DISABLED)
    agent = dqn.Agent(2 * bits, bits, settings)
    config = gc.GoalConfig(strategy=strategy, iterations=iterations, horizon=bits, updates=25)
    update = partial(dqn.update, config=settings)
    records = list(gc.train(agent, update, env, family, config, rng, **equations))
    test = family.make_vec(256, autoreset_mode=AutoresetMode.DISABLED)
    return [*records, {"test": gc.reached(agent.policy.act, test, family, bits, seed=5).mean()}]


def test_hindsight_learns_bits_that_nothing_is_learned_of_without_it():
    *records, test = learned("future", 60, 10)
    assert test["test"] > 0.9
    assert records[-1]["success"] > 0.5 > records[0]["success"]
    *without, test = learned("none", 60, 10)
    assert test["test"] < 0.1
    assert max(r["reward_seen"] for r in without) < 0.05 < min(r["reward_seen"] for r in records)


def test_same_seed_same_numbers():
    assert learned("future", 3, 5) == learned("future", 3, 5) != learned("future", 3, 5, seed=1)


def test_a_students_equations_are_the_ones_that_run():
    called = set()

    def spy(name):
        real = getattr(gc, name)

        def call(*arguments, **keywords):
            called.add(name)
            return real(*arguments, **keywords)

        return call

    names = ("augmented", "sparse_reward", "hindsight_time", "relabelled", "goal_target", "draw_tasks")
    with_spies = learned("future", 2, 4, **{name: spy(name) for name in names})
    assert called == set(names)
    assert with_spies == learned("future", 2, 4)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"relabelled": -1}, "relabelled must not be negative, got -1"),
        ({"updates": 0}, "updates must be at least 1, got 0"),
    ],
)
def test_bad_settings_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        gc.GoalConfig(**setting)


def test_settings_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        gc.GoalConfig().horizon = 3


def test_what_cannot_be_trained_is_refused():
    with pytest.raises(ValueError, match=r"gamma must be in \[0, 1\), got 1"):
        gc.goal_target(torch.zeros(1), torch.zeros(1), torch.zeros(1, dtype=torch.bool), 1.0)
    family = rooms.family()
    env = family.make_vec(2, autoreset_mode=AutoresetMode.DISABLED, context_observed=False)
    training = gc.train(None, None, env, family, gc.GoalConfig(), np.random.default_rng(0))
    with pytest.raises(ValueError, match="make the world with context_observed=True"):
        next(training)


def test_standing_still_until_time_is_up_reaches_nothing_however_long_one_looks():
    family = rooms.family()
    env = family.make_vec(20, autoreset_mode=AutoresetMode.DISABLED)
    for horizon in (rooms.HORIZON, rooms.HORIZON + 1):
        there = gc.reached(lambda obs: np.zeros((len(obs), 2)), env, family, horizon, seed=0)
        near = np.linalg.norm(env.reset(seed=0)[0][:, :2] - env.context, axis=1) <= 0.05
        np.testing.assert_array_equal(there, near)
