"""PEARL's updates and its collecting: all tasks of a batch at once, against one after the other.

An update is one gradient step on encoder and critics and one on the policy, at the sizes of the course's
recipe for directions. Its peer says the same in plain PyTorch, as public code does: a Python loop over the
tasks of the batch for what is believed of each, two critics that are networks of their own, and an optimizer
for each network. Before anything is timed, both must find the same losses for the same tasks, three updates
long. Collecting is posterior sampling in many tasks side by side, against one simulation after the other.
"""

import argparse
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from side_by_side import Figures, arguments, circumstances, rate, ratio, take_turns
from torch import Tensor, nn

from course_lib.core.latent_policy import LatentPolicy, posterior_sampling
from course_lib.core.networks import TwinQ, mlp
from course_lib.core.task_replay import TaskBatch
from course_lib.envs import direction
from course_lib.meta import pearl
from course_lib.meta.pearl import Agent, PEARLConfig

Batches = list[tuple[TaskBatch, TaskBatch]]


class Ours:
    """The course's update."""

    def __init__(self, agent: Agent, config: PEARLConfig) -> None:
        self.agent, self.config = deepcopy(agent), config

    def update(self, context: TaskBatch, batch: TaskBatch) -> tuple[Tensor, ...]:
        record = pearl.update(self.agent, context, batch, self.config)
        return record["critic_loss"], record["kl"], record["policy_loss"]


class Loop:
    """The same in plain PyTorch, one task after the other."""

    def __init__(self, agent: Agent, config: PEARLConfig) -> None:
        self.config, self.actor = config, deepcopy(agent.actor)
        self.critics = [one_of(agent.critics, which) for which in (0, 1)]
        self.targets = [one_of(agent.target_critics, which) for which in (0, 1)]
        networks = self.actor.encoder, *self.critics, self.actor.policy
        self.optimizers = [torch.optim.Adam(net.parameters(), config.learning_rate) for net in networks]

    def step(self, loss: Tensor, *optimizers: torch.optim.Optimizer) -> None:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()

    def update(self, context: TaskBatch, batch: TaskBatch) -> tuple[Tensor, ...]:
        k, means, variances = batch.reward.shape[1], [], []
        for obs, action, reward, next_obs, _ in zip(*vars(context).values(), strict=True):
            mean, variance = self.actor.evidence(obs, action, reward, next_obs)
            variances.append(1.0 / (1.0 + (1.0 / variance).sum(0)))
            means.append(variances[-1] * (mean / variance).sum(0))
        mean, variance = torch.stack(means), torch.stack(variances)
        kl = 0.5 * (variance + mean**2 - 1.0 - torch.log(variance)).sum(1).mean()
        sampled = mean + torch.sqrt(variance) * torch.randn_like(mean)
        z = torch.cat([each.repeat(k, 1) for each in sampled])
        obs, next_obs, action = (each.flatten(0, 1) for each in (batch.obs, batch.next_obs, batch.action))
        with torch.no_grad():
            then = torch.cat([self.actor.obs_norm.normalize(next_obs), z], dim=1)
            next_action, log_prob = self.actor.policy.sample_with_log_prob(then)
            q = torch.min(*(target(torch.cat([then, next_action], dim=1)) for target in self.targets))[:, 0]
            future = (1.0 - batch.terminated.flatten().float()) * (q - self.config.temperature * log_prob)
            target = batch.reward.flatten() + self.config.gamma * future
        here = torch.cat([self.actor.obs_norm.normalize(obs), z], dim=1)
        told = torch.cat([here, action.clamp(-1.0, 1.0)], dim=1)
        loss_q = sum(nn.functional.mse_loss(critic(told)[:, 0], target) for critic in self.critics)
        self.step(loss_q + self.config.kl_weight * kl, *self.optimizers[:3])
        here = here.detach()
        action, log_prob = self.actor.policy.sample_with_log_prob(here)
        q = torch.min(*(critic(torch.cat([here, action], dim=1)) for critic in self.critics))[:, 0]
        loss_pi = (self.config.temperature * log_prob - q).mean()
        self.step(loss_pi, self.optimizers[3])
        with torch.no_grad():
            for slow, fast in zip(self.targets, self.critics, strict=True):
                for old, new in zip(slow.parameters(), fast.parameters(), strict=True):
                    old.copy_((1 - self.config.polyak_rate) * old + self.config.polyak_rate * new)
        return loss_q.detach(), kl.detach(), loss_pi.detach()


def one_of(twins: TwinQ, which: int) -> nn.Sequential:
    """One of two critics, as a network of its own."""
    critic = mlp([len(twins.weights[0][0]), *(len(bias[0, 0]) for bias in twins.biases)], activation=nn.ReLU)
    linear = [layer for layer in critic if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer, weight, bias in zip(linear, twins.weights, twins.biases, strict=True):
            layer.weight.copy_(weight[which].T)
            layer.bias.copy_(bias[which, 0])
    return critic


def drawn(config: PEARLConfig, count: int) -> Batches:
    """Contexts and batches to learn from, of numbers by chance."""

    def some(k: int) -> TaskBatch:
        tasks = config.meta_batch
        return TaskBatch(
            obs=torch.randn(tasks, k, 2),
            action=2.0 * torch.rand(tasks, k, 2) - 1.0,
            reward=torch.randn(tasks, k),
            next_obs=torch.randn(tasks, k, 2),
            terminated=torch.rand(tasks, k) < 0.1,
        )

    return [(some(config.context), some(config.batch_size)) for _ in range(count)]


def check(agent: Agent, config: PEARLConfig, batches: Batches) -> None:
    """Both updates are the same: raises RuntimeError where they are not."""
    found = []
    for way in (Ours, Loop):
        one, losses = way(agent, config), []
        torch.manual_seed(1)
        for batch in batches[:3]:
            losses += one.update(*batch)
        found.append(torch.stack(losses))
    if not torch.allclose(*found, rtol=1e-3, atol=1e-4):
        raise RuntimeError(f"losses of the two updates differ: {found[0].tolist()} and {found[1].tolist()}")


def updates(one: Ours | Loop, batches: Batches) -> Callable[[], int]:
    def work() -> int:
        for batch in batches:
            one.update(*batch)
        return len(batches)

    return work


def collected(actor: LatentPolicy, width: int, trials: int) -> int:
    """Two episodes of so many tasks, some of them side by side; returns the steps."""
    rng, steps = np.random.default_rng(0), 0
    family = direction.family()
    env = family.make_vec(width, autoreset_mode=AutoresetMode.DISABLED, context_observed=False)
    for _ in range(trials // width):
        env.set_params(family.sample(rng, width))
        steps += sum(data.steps for data in posterior_sampling(actor, env, 2, direction.HORIZON, rng).data)
    return steps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", nargs="+", type=int, default=[64, 128, 300], help="of both hidden layers")
    parser.add_argument("--tasks", type=int, default=16, help="of a batch")
    parser.add_argument("--updates", type=int, default=30, help="of each round")
    parser.add_argument("--widths", nargs="+", type=int, default=[30, 300], metavar="N")
    parser.add_argument("--rounds", type=int, default=5)
    given = arguments(parser, {"updates": 8, "rounds": 2})
    figures = Figures("PEARL's updates, and its collecting")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(circumstances())
    for units in given.units:
        config = PEARLConfig(latent=3, context=40, meta_batch=given.tasks, hidden=(units, units))
        agent, batches = Agent(2, 2, config), drawn(config, given.updates)
        check(agent, config, batches)
        ways = {way: updates(way(agent, config), batches) for way in (Ours, Loop)}
        ours, loop = take_turns(ways, given.rounds).values()
        print(
            f"update, {given.tasks} tasks x {config.batch_size}, 2x{units} units: ours / a loop over tasks: "
            f"CPU {ratio(ours, loop, 'cpu')}   wall {ratio(ours, loop, 'wall')}"
            f"   [{rate(ours, 'cpu'):.0f} and {rate(loop, 'cpu'):.0f} updates per CPU-s]",
            flush=True,
        )
        what = f"update, {given.tasks} tasks x {config.batch_size}, 2x{units} units"
        figures.compare(what, "plain PyTorch, a loop over tasks", ours, loop)
    actor = LatentPolicy(2, 2, latent=3)
    contestants = {width: (width, width) for width in given.widths} | {1: (1, 5)}
    samples = take_turns(
        {width: lambda sizes=sizes: collected(actor, *sizes) for width, sizes in contestants.items()},
        given.rounds,
    )
    alone = samples[1]
    for width in given.widths:
        beside = samples[width]
        print(
            f"collecting, {width} tasks side by side / one at a time: "
            f"CPU {ratio(beside, alone, 'cpu')}   wall {ratio(beside, alone, 'wall')}"
            f"   [{rate(beside, 'cpu'):.0f} and {rate(alone, 'cpu'):.0f} steps per CPU-s]",
            flush=True,
        )
        figures.compare(f"collecting, {width} tasks side by side", "one at a time", beside, alone)
    figures.write(given.json)


if __name__ == "__main__":
    main()
