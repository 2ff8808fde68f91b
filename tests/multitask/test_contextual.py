"""Contextual policies: each equation against its definition typed out, and two tasks to be told apart."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from course_lib.agents import ppo
from course_lib.core.rollout import Collector, episodes
from course_lib.core.seeding import seed_everything
from course_lib.core.task_family import Choice, DrawnTasks, TaskFamily, TruncatedNormal, Uniform
from course_lib.envs.episodes import EpisodicVectorEnv, Interval, WorldParams
from course_lib.multitask import contextual


@dataclass(frozen=True, kw_only=True, eq=False)
class SideParams(WorldParams):
    side: float | np.ndarray = 1.0
    pay: float | np.ndarray = 1.0
    bounds: ClassVar = {"side": Interval(-1, 1), "pay": Interval(0, 100)}
    context: ClassVar = ("side",)


class Side(EpisodicVectorEnv):
    """A point near 0 that moves by half its action; reward -|x - side|, times pay on the right; 4 steps.

    Who is not told the side can do no better than -1 a step: |x - 1| + |x + 1| >= 2.
    """

    params_type = SideParams
    dt = 1.0

    def __init__(self, n, *, context_observed=True, autoreset_mode="Disabled", falls=0.0, params=None):
        box = Box(-np.inf, np.inf, (1,), np.float64)
        super().__init__(n, Box(-1, 1, (1,), np.float32), box, 4, autoreset_mode, context_observed)
        self.falls, self.x = falls, np.zeros(n)
        self.set_params(params or SideParams())

    def _apply(self, values):
        pass

    def _start(self, mask):
        for i in np.flatnonzero(mask):
            self.x[i] = self.generators[i].normal(0.0, 0.05)

    def _advance(self, actions, live):
        self.x += 0.5 * np.clip(actions[:, 0], -1, 1) * live
        side, pay = self.params.array(self.num_envs).T
        fell = live & np.array([g.random() < self.falls for g in self.generators])
        return -np.abs(self.x - side) * np.where(side > 0, pay, 1.0), fell, {}

    def _observation(self):
        return self.x[:, None].copy()


FAMILY = TaskFamily("side", SideParams, {"side": Choice((-1.0, 1.0)), "pay": 1.0}, Side)
CONFIG = contextual.ContextualConfig(
    iterations=15,
    policy_optimization=ppo.PPOConfig(
        steps=8, minibatch=128, epochs=5, learning_rate=2e-2, gamma=0.9, hidden=(16,)
    ),
)


def trained(seed=0, *, told=True, family=FAMILY, config=CONFIG, falls=0.0, **equations):
    rng = seed_everything(seed)
    env = Side(32, context_observed=told, falls=falls)
    agent = ppo.Agent(env.single_observation_space.shape[0], 1, config.policy_optimization)
    return agent, list(contextual.train(agent, env, family, config, rng, **equations))


# Scaling rewards.


def test_discounted_sums_are_the_recursion_that_episodes_interrupt():
    generator = np.random.default_rng(0)
    reward, before = generator.normal(size=(7, 3)), generator.normal(size=3)
    ended = generator.random((7, 3)) < 0.3
    sums = contextual.discounted_sums(*map(torch.as_tensor, (reward, ended, before)), 0.9)
    for n in range(3):
        for t in range(7):
            begin = max((k + 1 for k in range(t) if ended[k, n]), default=0)
            slow = sum(0.9 ** (t - k) * reward[k, n] for k in range(begin, t + 1))
            slow += 0.9 ** (t + 1) * before[n] * (begin == 0)
            assert sums[t, n] == pytest.approx(slow)


def collected(batches, falls=0.3, family=FAMILY, told=True):
    """Batches with the tasks that were in force, from a world whose episodes have all lengths."""
    rng = seed_everything(0)
    env = Side(6, falls=falls, context_observed=told)
    tasks = DrawnTasks(env, family, rng)
    drawn, pending = [], False

    def draw(starting):
        tasks(starting)
        drawn.append(tasks.tasks)

    collector = Collector(env, 0, before_reset=draw)
    policy = ppo.Agent(1 + told, 1, CONFIG.policy_optimization).policy
    for _ in range(batches):
        data, _ = collector.collect(policy, 9)
        yield data, contextual.tasks_in_force(data.ended, pending, drawn)
        drawn[:], pending = drawn[-1:], bool(data.ended[-1].any())


def test_tasks_in_force_are_those_that_were_observed():
    kinds = set()
    for data, tasks in collected(20):
        np.testing.assert_array_equal(tasks[..., 0], data.obs[..., -1].numpy())
        np.testing.assert_array_equal(tasks[..., 0], data.next_obs[..., -1].numpy())
        kinds.add(bool(data.ended[-1].any()))
    assert kinds == {True, False}  # batches that begin with a draw, and batches that do not


def test_scales_are_the_deviations_of_all_sums_of_a_task_across_batches():
    family = replace(FAMILY, source={"side": Choice((-1.0, 1.0)), "pay": 10.0})
    scales, sums, sides = contextual.TaskScales(0.9), [], []
    before = np.zeros(6)
    for data, tasks in collected(12, family=family):
        task = scales.observe(data, tasks)
        for t in range(len(task)):
            before = data.reward[t].numpy() + 0.9 * before
            sums.append(before.copy())
            sides.append(tasks[t, :, 0])
            before = before * ~data.ended[t].numpy()
    sums, sides = np.array(sums), np.array(sides)
    by_number = {int(task[0, n]): tasks[0, n, 0] for n in range(6)}
    by_number |= {1 - number: -side for number, side in by_number.items()}
    expected = [sums[sides == by_number[number]].std() for number in range(2)]
    np.testing.assert_allclose(scales.scale.numpy(), expected, rtol=1e-4)
    scaled = contextual.scaled_reward(data.reward, task, scales.scale)
    for number in range(2):
        mine = task == number
        np.testing.assert_allclose(scaled[mine] * expected[number], data.reward[mine], rtol=1e-4)


def test_a_task_that_pays_nothing_is_left_alone():
    scales = contextual.TaskScales(0.9)
    data, tasks = next(collected(1))
    scales.observe(replace(data, reward=torch.zeros_like(data.reward)), tasks)
    assert scales.scale.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("endless", [Uniform(-1.0, 1.0), TruncatedNormal(0.0, 0.5, -1.0, 1.0)])
def test_scaling_needs_tasks_that_recur(endless):
    family = replace(FAMILY, source={"side": endless})
    with pytest.raises(ValueError, match="side has infinitely many values"):
        trained(family=family, config=replace(CONFIG, scale_rewards=True))
    assert len(trained(family=family, config=replace(CONFIG, iterations=1))[1]) == 1  # unscaled it may be


def test_unequal_pay_is_scaled_away():
    """Whatever the right side pays, the scaled training is the same, number by number."""
    config = replace(CONFIG, iterations=5, scale_rewards=True)
    records = []
    for pay in (1.0, 16.0):  # a power of two: scaling rounds nothing
        family = replace(FAMILY, source={"side": Choice((-1.0, 1.0)), "pay": pay})
        records.append([record["policy_loss"] for record in trained(config=config, family=family)[1]])
    np.testing.assert_allclose(*records, rtol=1e-3, atol=1e-6)
    plain = trained(config=replace(config, scale_rewards=False), family=family)[1]
    assert abs(plain[-1]["policy_loss"] - records[0][-1]) > 1e-4


# Gradients of several tasks.


def two_tasks(told, episodes_each=32, seed=0):
    seed_everything(seed)
    side = np.repeat([-1.0, 1.0], episodes_each)
    env = Side(len(side), context_observed=told, params=SideParams(side=side))
    agent = ppo.Agent(1 + told, 1, CONFIG.policy_optimization)
    task = torch.arange(2).repeat_interleave(episodes_each)
    batches = [episodes(env, agent.policy, 4, seed) for seed in (1, 2)]
    return agent, batches, task


def test_the_tasks_gradients_add_up_to_the_one_that_ppo_follows():
    agent, (data, _), task = two_tasks(told=True)
    weights = list(agent.policy.mean.parameters())
    gradients = contextual.policy_gradients(agent, data, task, CONFIG.policy_optimization)
    with torch.no_grad():  # typed out: advantages of whole episodes, standardized over everything
        delta = data.reward + 0.9 * agent.value(data.next_obs) * ~data.terminated - agent.value(data.obs)
        advantage = torch.stack(
            [sum((0.9 * 0.95) ** (k - t) * delta[k] for k in range(t, 4)) for t in range(4)]
        )
        advantage = (advantage - advantage.mean()) / advantage.std(unbiased=False)
    log_prob = agent.policy.log_prob(data.obs, data.action)
    surrogate = ((log_prob - log_prob.detach()).exp() * advantage).mean()
    whole = torch.cat([g.flatten() for g in torch.autograd.grad(surrogate, weights)])
    torch.testing.assert_close(gradients.mean(0), whole, rtol=1e-3, atol=1e-6)


def test_what_comes_after_an_end_adds_nothing_to_a_gradient():
    seed_everything(0)
    side = np.repeat([-1.0, 1.0], 8)
    env = Side(16, falls=0.4, params=SideParams(side=side))
    agent, task = ppo.Agent(2, 1, CONFIG.policy_optimization), torch.arange(2).repeat_interleave(8)
    data = episodes(env, agent.policy, 4, seed=0)
    assert 16 < data.steps < 60
    after = ~data.valid
    nonsense = {
        "obs": torch.where(after[..., None], 9.0, data.obs),
        "action": torch.where(after[..., None], -7.0, data.action),
        "reward": torch.where(after, 1000.0, data.reward),
    }
    gradients = contextual.policy_gradients(agent, data, task, CONFIG.policy_optimization)
    again = contextual.policy_gradients(agent, replace(data, **nonsense), task, CONFIG.policy_optimization)
    torch.testing.assert_close(again, gradients, rtol=1e-5, atol=1e-7)
    assert gradients.abs().max() > 1e-3


def test_cosines_are_those_of_the_definition():
    gradients, again = torch.randn(2, 3, 50, dtype=torch.float64, generator=torch.manual_seed(0))
    cosines = contextual.gradient_cosines(gradients, again).numpy()
    for i in range(3):
        for j in range(3):
            one, two = (
                a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
                for a, b in ((gradients[i], again[j]), (gradients[j], again[i]))
            )
            assert cosines[i, j] == pytest.approx(float(one + two) / 2)
    same = contextual.gradient_cosines(gradients, 3.0 * gradients)  # length does not count
    np.testing.assert_allclose(np.diag(same), 1.0)


def test_who_is_not_told_is_pulled_both_ways():
    cosines = {}
    for told in (True, False):
        agent, batches, task = two_tasks(told, episodes_each=256)
        each = (
            contextual.policy_gradients(agent, data, task, CONFIG.policy_optimization) for data in batches
        )
        cosines[told] = contextual.gradient_cosines(*each)
    assert cosines[False][0, 1] < -0.9 and cosines[False].diag().min() > 0.9
    assert contextual.conflicting(cosines[False]) == 1.0


def test_conflict_counts_pairs_once():
    cosines = torch.tensor([[1.0, -0.1, 0.2], [-0.1, 1.0, -0.3], [0.2, -0.3, 1.0]])
    assert contextual.conflicting(cosines) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="at least two"):
        contextual.conflicting(torch.ones(1, 1))


# Training.


def test_who_is_told_learns_both_tasks_and_who_is_not_stays_at_the_bound():
    told, withheld = (trained(told=told)[1] for told in (True, False))
    assert told[-1]["return_mean"] > -1.6  # the best is about -0.5: two steps to get there
    assert withheld[-1]["return_mean"] < -3.8  # at best -4


def test_same_seed_same_numbers_and_the_world_keeps_its_rewards():
    scaled = replace(CONFIG, iterations=6, scale_rewards=True)
    assert trained(3, config=scaled)[1] == trained(3, config=scaled)[1]
    assert -8.0 < trained(3, config=scaled)[1][-1]["return_mean"] < 0.0  # not in deviations


def test_the_students_equations_are_the_ones_that_run():
    config = replace(CONFIG, iterations=3, scale_rewards=True)
    starts, scales = [], []

    def draw_tasks(tasks, starting, sample):
        starts.append(int(starting.sum()))
        return np.where(starting[:, None], [1.0, 1.0], tasks)

    def scaled_reward(reward, task, scale):
        scales.append(len(scale))
        return reward

    trained(config=config, draw_tasks=draw_tasks, scaled_reward=scaled_reward)
    assert starts == [32] * 6  # 3 times 8 steps are 6 episodes of 4
    assert scales == [1] * 3  # the draw knows one side only
    config = replace(config, iterations=6, scale_rewards=False)
    flipped = trained(config=config, surrogate=lambda *arguments: -ppo.surrogate(*arguments))[1]
    assert flipped[-1]["return_mean"] < trained(config=config)[1][-1]["return_mean"] - 1.0


def test_rewards_are_scaled_by_the_task_of_their_own_step_where_batches_end_in_the_middle_of_episodes():
    seen, draws = [], []

    def in_turns(tasks, starting, sample):  # right, left, right ... for everybody, every four steps
        draws.append(starting)
        return np.tile([1.0 if len(draws) % 2 else -1.0, 1.0], (len(tasks), 1))

    def scaled_reward(reward, task, scale):
        seen.append(task)
        return reward

    steps = replace(CONFIG.policy_optimization, steps=6)
    config = replace(CONFIG, iterations=4, scale_rewards=True, policy_optimization=steps)
    trained(config=config, draw_tasks=in_turns, scaled_reward=scaled_reward)
    right_first = 1 - torch.arange(24) // 4 % 2  # left is number 0: the smaller of the first batch's two
    assert torch.equal(torch.cat(seen), right_first[:, None].expand(-1, 32))


def test_a_record_counts_steps_and_keeps_the_last_episodes_and_step_sizes_fall():
    settings = replace(CONFIG.policy_optimization, steps=3)  # episodes of 4: none ends in the 1st and 5th
    agent, records = trained(config=replace(CONFIG, iterations=5, policy_optimization=settings))
    assert [record["steps"] for record in records] == [96, 192, 288, 384, 480]
    means = [record["return_mean"] for record in records]
    assert np.isnan(means[0]) and -8.0 < means[3] == means[4] != means[2] < 0.0
    assert all(group["lr"] < settings.learning_rate for group in agent.optimizer.param_groups)


def test_iterations_must_be_positive():
    with pytest.raises(ValueError, match="iterations must be at least 1, got 0"):
        contextual.ContextualConfig(iterations=0)
