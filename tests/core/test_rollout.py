"""Rollouts on a world so small that every transition is known, in each autoreset mode."""

import numpy as np
import pytest
import torch
from gymnasium import Env, spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from course_lib.core.networks import GaussianPolicy
from course_lib.core.rollout import Collector, episodes, evaluate


class Counter(Env):
    """Observes the number of steps since reset; terminates at 3 (or is truncated there)."""

    def __init__(self, truncate: bool = False) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float64)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)
        self.truncate = truncate

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return np.array([0.0]), {}

    def step(self, action):
        assert self.action_space.contains(action.astype(np.float32))
        self.count += 1
        end = self.count >= 3
        return (
            np.array([float(self.count)]),
            float(self.count),
            end and not self.truncate,
            end and self.truncate,
            {},
        )


def _worlds(mode, truncate=False, n=2):
    return SyncVectorEnv([lambda: Counter(truncate) for _ in range(n)], autoreset_mode=mode)


def _policy():
    torch.manual_seed(0)
    return GaussianPolicy(1, 1, (4,), log_std=1.0)  # wide: actions must be clipped to the box


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("truncate", [False, True])
def test_no_mode_leaks_a_reset_into_a_transition(mode, truncate):
    data, finished = Collector(_worlds(mode, truncate), seed=0).collect(_policy(), 10)
    obs, next_obs = data.obs[data.valid], data.next_obs[data.valid]
    torch.testing.assert_close(next_obs, obs + 1)  # never the first observation of the next episode
    torch.testing.assert_close(data.reward[data.valid], next_obs[:, 0])
    at_end = next_obs[:, 0] == 3
    assert torch.equal(data.ended[data.valid], at_end)
    assert torch.equal(data.terminated[data.valid], at_end if not truncate else torch.zeros_like(at_end))
    assert set(finished) == {6.0}


def test_next_step_mode_marks_exactly_the_reset_steps_as_invalid():
    data, _ = Collector(_worlds(AutoresetMode.NEXT_STEP), seed=0).collect(_policy(), 8)
    assert data.valid[:, 0].tolist() == [True, True, True, False, True, True, True, False]
    for mode in (AutoresetMode.SAME_STEP, AutoresetMode.DISABLED):
        assert Collector(_worlds(mode), seed=0).collect(_policy(), 8)[0].valid.all()


def test_episodes_go_on_between_two_calls():
    collector = Collector(_worlds(AutoresetMode.SAME_STEP), seed=0)
    parts = [collector.collect(_policy(), 2)[0].obs[:, 0, 0] for _ in range(3)]
    assert torch.cat(parts).tolist() == [0, 1, 2, 0, 1, 2]


def test_new_worlds_are_announced_before_each_reset():
    calls = []
    collector = Collector(
        _worlds(AutoresetMode.DISABLED), seed=0, before_reset=lambda m: calls.append(m.copy())
    )
    collector.collect(_policy(), 7)
    assert [c.tolist() for c in calls] == [[True, True]] * 3
    with pytest.raises(ValueError, match=r"autoreset_mode=AutoresetMode\.DISABLED"):
        Collector(_worlds(AutoresetMode.SAME_STEP), seed=0, before_reset=calls.append)


def test_whole_trajectories_end_once_and_then_cost_nothing():
    data = episodes(_worlds(AutoresetMode.DISABLED), _policy(), horizon=50, seed=0)
    assert data.obs.shape == (3, 2, 1)
    assert data.returns.tolist() == [6.0, 6.0] and data.steps == 6
    assert data.terminated[-1].all() and data.ended.sum() == 2


def test_a_horizon_truncates_but_does_not_terminate():
    data = episodes(_worlds(AutoresetMode.DISABLED), _policy(), horizon=2, seed=0)
    assert data.ended[-1].all() and not data.terminated.any()


def test_evaluate_counts_each_episode_once():
    zero = lambda obs: np.zeros((len(obs), 1), dtype=np.float32)  # noqa: E731
    np.testing.assert_array_equal(evaluate(_worlds(AutoresetMode.DISABLED), zero, steps=20), [6.0, 6.0])
    np.testing.assert_array_equal(evaluate(_worlds(AutoresetMode.DISABLED), zero, steps=2), [3.0, 3.0])


def test_worlds_that_reset_by_themselves_are_refused():
    for run in (lambda e: episodes(e, _policy(), 5, 0), lambda e: evaluate(e, _policy().act, 5)):
        with pytest.raises(ValueError, match="DISABLED"):
            run(_worlds(AutoresetMode.NEXT_STEP))


class Uneven(Counter):
    """A counter that ends after its own number of steps, by termination or, if negative, by truncation."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def step(self, action):
        self.count += 1
        over = self.count >= abs(self.steps)
        ended = over and self.steps > 0, over and self.steps < 0
        return np.array([float(self.count)]), float(self.count), *ended, {}


LENGTHS = (2, 5, -3, -6)


class Onward(SyncVectorEnv):
    """Finished worlds are stepped on, with rewards and further ends: nothing of it may be counted."""

    def step(self, actions):
        self._autoreset_envs[:] = False
        return super().step(actions)


BATCHES = pytest.mark.parametrize("batch", [Onward, SyncVectorEnv])


def _uneven(batch):
    makers = [lambda steps=steps: Uneven(steps) for steps in LENGTHS]
    return batch(makers, autoreset_mode=AutoresetMode.DISABLED)


@BATCHES
def test_unequal_episodes_end_once_each(batch):
    data = episodes(_uneven(batch), _policy(), horizon=50, seed=0)
    assert data.obs.shape == (6, 4, 1)
    lengths = [abs(steps) for steps in LENGTHS]
    assert data.valid.sum(0).tolist() == lengths and data.steps == sum(lengths)
    assert data.returns.tolist() == [n * (n + 1) / 2 for n in lengths]
    for i, (steps, length) in enumerate(zip(LENGTHS, lengths, strict=True)):
        assert data.valid[:length, i].all() and not data.valid[length:, i].any()
        assert data.obs[:length, i, 0].tolist() == list(range(length))
        assert data.next_obs[:length, i, 0].tolist() == list(range(1, length + 1))
        assert data.ended[:, i].nonzero().flatten().tolist() == [length - 1]
        assert data.terminated[:, i].sum() == (steps > 0)


@BATCHES
def test_a_horizon_amid_unequal_episodes_ends_only_those_still_alive(batch):
    data = episodes(_uneven(batch), _policy(), horizon=4, seed=0)
    assert data.valid.sum(0).tolist() == [2, 4, 3, 4]
    assert data.ended.sum(0).tolist() == [1, 1, 1, 1] and data.ended[3].tolist() == [False, True, False, True]
    assert data.terminated.sum(0).tolist() == [1, 0, 0, 0]


@BATCHES
def test_evaluate_counts_unequal_episodes_once_each(batch):
    zero = lambda obs: np.zeros((len(obs), 1), dtype=np.float32)  # noqa: E731
    np.testing.assert_array_equal(evaluate(_uneven(batch), zero, steps=50), [3.0, 15.0, 6.0, 21.0])
    np.testing.assert_array_equal(evaluate(_uneven(batch), zero, steps=4), [3.0, 10.0, 6.0, 10.0])


def test_collecting_restarts_each_of_gymnasiums_worlds_on_its_own():
    data, finished = Collector(_uneven(SyncVectorEnv), seed=0).collect(_policy(), 12)
    assert data.valid.all()
    for i, length in enumerate(abs(steps) for steps in LENGTHS):
        assert data.obs[:, i, 0].tolist() == [t % length for t in range(12)]
        assert data.ended[:, i].tolist() == [(t + 1) % length == 0 for t in range(12)]
    assert sorted(finished) == [3.0] * 6 + [6.0] * 4 + [15.0] * 2 + [21.0] * 2


class Switch(Env):
    """Observes the sum of the actions 0, 1 or 2 taken so far; an episode has four steps."""

    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float64)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = self.sum = 0
        return np.array([0.0]), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.steps += 1
        self.sum += int(action)
        return np.array([float(self.sum)]), float(action), self.steps == 4, False, {}


class Counting:
    """Chooses 0, 1, 2, 0 ... by the number of its call."""

    calls = 0

    def sample(self, obs):
        self.calls += 1
        return torch.full((len(obs), 1), float((self.calls - 1) % 3))

    def act(self, obs):
        return self.sample(torch.as_tensor(obs)).numpy()


def test_discrete_actions_reach_the_world_as_integers():
    env = SyncVectorEnv([Switch, Switch], autoreset_mode=AutoresetMode.DISABLED)
    data = episodes(env, Counting(), 9, seed=0)
    assert data.action.shape == (4, 2, 1)
    assert data.action[:, 0, 0].tolist() == data.reward[:, 0].tolist() == [0, 1, 2, 0]
    assert data.next_obs[:, 1, 0].tolist() == [0, 1, 3, 3]
    again, _ = Collector(env, seed=0).collect(Counting(), 4)
    assert again.reward[:, 1].tolist() == [0, 1, 2, 0]
    assert evaluate(env, Counting().act, 9).tolist() == [3, 3]
