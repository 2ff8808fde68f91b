"""Trials in a world so small that every step is known: episodes of unequal length, tasks that are counted."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv

from course_lib.core.memory import GRUMemory, MemoryPolicy
from course_lib.core.trials import TrialCollector, carried, meta_input, unrolled


class Clock(VectorEnv):
    """Observes the steps since the episode began, counted from 10 in the second and so on; reward 1 a step.

    Simulation i's episodes last i + 1 steps; every action is kept.
    """

    def __init__(self, n=3, autoreset_mode=AutoresetMode.DISABLED, max_episode_steps=10):
        self.num_envs, self.max_episode_steps = n, max_episode_steps
        self.metadata = {"autoreset_mode": autoreset_mode}
        self.single_action_space, self.single_observation_space = Discrete(2), Box(-np.inf, np.inf, (1,))
        self.lengths = np.arange(n) + 1
        self.given, self.actions, self.resets = [], [], []

    def set_params(self, params):
        self.given.append(params)
        self.begun = np.zeros(self.num_envs)

    def reset(self, *, seed=None, options=None):
        mask = np.ones(self.num_envs, dtype=bool) if options is None else options["reset_mask"]
        self.resets.append((seed, mask.copy()))
        if options is None:
            self.time, self.over = np.zeros(self.num_envs), np.zeros(self.num_envs, dtype=bool)
        self.time[mask], self.over[mask] = 0.0, False
        self.begun[mask] += 1
        return self._obs(), {}

    def _obs(self):
        return (10.0 * (self.begun - 1) + self.time)[:, None]

    def step(self, actions):
        assert actions.dtype == np.int64
        self.actions.append(actions.copy())
        assert len(self.actions) < 100, "a trial does not end"
        live = ~self.over
        self.time += live
        self.over |= self.time >= self.lengths
        return self._obs(), live.astype(float), self.over.copy(), np.zeros_like(self.over), {}


def _collector(env=None, episodes=2, **keywords):
    numbers = iter(range(100))
    draw = lambda n: SimpleNamespace(number=next(numbers), n=n)  # noqa: E731
    return TrialCollector(env or Clock(), draw, episodes, seed=7, **keywords)


def _policy():
    torch.manual_seed(0)
    return MemoryPolicy(1, 2, True, lambda inputs: GRUMemory(inputs, 4))


def test_inputs_are_observation_action_reward_and_end_in_this_order():
    inputs = meta_input(
        torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([4.0]), torch.tensor([True])
    )
    assert inputs.tolist() == [[1.0, 2.0, 0.0, 1.0, 0.0, 4.0, 1.0]]


def test_the_memory_outlives_an_episode_but_not_its_trial():
    memory = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    ended, trial_ended = torch.tensor([False, True, True]), torch.tensor([False, False, True])
    assert carried(memory, ended, trial_ended).tolist() == [[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]


def test_every_step_of_every_trial_is_as_the_world_says():
    env = Clock()
    collector = _collector(env)
    trials = collector.collect(_policy())
    assert trials.obs[..., 0].T.tolist() == [
        [0, 10, 11, 11, 11, 11],
        [0, 1, 10, 11, 12, 12],
        [0, 1, 2, 10, 11, 12],
    ]
    assert trials.next_obs[..., 0].T.tolist() == [
        [1, 11, 11, 11, 11, 11],
        [1, 2, 11, 12, 12, 12],
        [1, 2, 3, 11, 12, 13],
    ]
    as_text = lambda mask: ["".join(".x"[value] for value in row) for row in mask.T.long().tolist()]  # noqa: E731
    assert as_text(trials.valid) == ["xx....", "xxxx..", "xxxxxx"]
    assert as_text(trials.ended) == ["xx....", ".x.x..", "..x..x"]
    assert as_text(trials.trial_ended) == [".x....", "...x..", ".....x"]
    assert as_text(trials.episode) == [".xxxxx", "..xxxx", "...xxx"]
    assert trials.episode_returns.tolist() == [[1, 2, 3], [1, 2, 3]]
    assert trials.returns.tolist() == [2, 4, 6]
    assert [(params.number, params.n) for params in env.given] == [(0, 3)]
    assert collector.tasks.number == 0


def test_inputs_tell_of_the_step_before_and_nothing_at_a_start():
    trials = _collector().collect(_policy())
    s, a, r, d = trials.inputs.split([1, 2, 1, 1], dim=-1)
    assert torch.equal(s, trials.obs)
    assert not trials.inputs[0, :, 1:].any()
    valid = trials.valid[1:]
    one_hot = torch.nn.functional.one_hot(trials.action[:-1, :, 0].long(), 2).float()
    assert torch.equal(a[1:][valid], one_hot[valid])
    assert torch.equal(r[1:, :, 0][valid], trials.reward[:-1][valid])
    assert torch.equal(d[1:, :, 0][valid].bool(), trials.ended[:-1][valid])


class Limited(Clock):
    """The same, but it is a time limit that ends an episode, and who waits is paid."""

    def step(self, actions):
        obs, _, over, never, infos = super().step(actions)
        return obs, np.ones(self.num_envs), never, over, infos


def test_a_time_limit_ends_an_episode_and_waiting_pays_nothing():
    ends, limited = _collector().collect(_policy()), _collector(Limited()).collect(_policy())
    for name in ("ended", "trial_ended", "valid", "episode"):
        assert torch.equal(getattr(limited, name), getattr(ends, name)), name
    assert limited.reward.all()
    assert limited.episode_returns.tolist() == [[1, 2, 3], [1, 2, 3]]
    assert limited.returns.tolist() == [2, 4, 6]


def test_a_new_trial_has_a_new_task_an_empty_memory_and_starts_that_go_on():
    env = Clock()
    collector, policy = _collector(env), _policy()
    first, second = collector.collect(policy), collector.collect(policy)
    assert [params.number for params in env.given] == [0, 1]
    assert [seed for seed, mask in env.resets if mask.all()] == [7, None]
    assert not first.memory.any() and not second.memory.any()
    assert not second.inputs[0, :, 1:].any()
    assert second.obs[0].tolist() == [[0.0]] * 3


def test_a_memory_that_is_never_emptied_is_met_again():
    collector, policy = _collector(carried=lambda memory, episode_ended, trial_ended: memory), _policy()
    first, second = collector.collect(policy), collector.collect(policy)
    assert not first.memory.any() and second.memory.all()
    # That of a trial that waited is what it held at its own end.
    memory = first.memory[:1]
    for t in range(2):
        memory = policy.advance(first.inputs[t, :1], memory)[1]
    torch.testing.assert_close(second.memory[:1], memory)


@pytest.mark.parametrize(
    "rule",
    [carried, lambda memory, episode_ended, trial_ended: memory * ~episode_ended[:, None]],
    ids=["kept", "reset at every episode"],
)
def test_unrolling_meets_what_acting_met(rule):
    # The actions that were drawn can be drawn again from the unrolled features, with the same noise.
    policy = _policy()
    torch.manual_seed(1)
    trials = _collector(carried=rule).collect(policy)
    features = unrolled(policy, trials.inputs, trials.memory, trials.ended, trials.trial_ended, rule)
    torch.manual_seed(1)
    again = torch.stack([policy.sample(step) for step in features])
    assert torch.equal(again[trials.valid], trials.action[trials.valid])


def test_the_future_changes_nothing_that_was_done():
    policy = _policy()
    trials = _collector().collect(policy)
    rest = (trials.memory, trials.ended, trials.trial_ended)
    features = unrolled(policy, trials.inputs, *rest)
    changed = trials.inputs.clone()
    changed[3:] += 1.0
    other = unrolled(policy, changed, *rest)
    assert torch.equal(features[:3], other[:3])
    assert not torch.isclose(features[3:], other[3:]).any()


def test_after_the_end_of_an_episode_the_memory_still_knows_what_came_before():
    policy = _policy()
    trials = _collector().collect(policy)
    rest = (trials.memory, trials.ended, trials.trial_ended)
    changed = trials.inputs.clone()
    changed[0, :, 0] += 1.0  # in the first episode
    moved = unrolled(policy, trials.inputs, *rest) != unrolled(policy, changed, *rest)
    assert moved[3, 2].any()  # the second episode of the third trial
    assert not moved[2:, 0].any()  # the first trial is through: a new one would know nothing


def test_gradients_go_through_time():
    policy = _policy()
    trials = _collector().collect(policy)
    inputs = trials.inputs.clone().requires_grad_()
    unrolled(policy, inputs, trials.memory, trials.ended, trials.trial_ended)[3, 2].sum().backward()
    assert inputs.grad[0, 2, 0] != 0.0


@pytest.mark.parametrize(
    ("env", "episodes", "message"),
    [
        (Clock(autoreset_mode=AutoresetMode.NEXT_STEP), 2, "DISABLED"),
        (Clock(max_episode_steps=None), 2, "max_episode_steps"),
        (Clock(), 0, "episodes must be at least 1, got 0"),
    ],
)
def test_worlds_without_whole_episodes_are_refused(env, episodes, message):
    with pytest.raises(ValueError, match=message):
        _collector(env, episodes)
