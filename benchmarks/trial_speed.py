"""Trials of bandits with a recurrent policy in the loop: all side by side, against one environment at a time.

The same GRU policy, drawing its actions, pulls the arms of the same family for as many pulls. One contestant
is `TrialCollector` with N bandits. Its peers do what a plain Python loop does: one bandit, one step of the
policy, the next step; once with the course's single world, and once with a bandit of three lines that knows
of no Gymnasium, so that what is measured is the loop and not our interface. Before anything is timed, the
policy's features in a recorded trial are computed again one step and one trial at a time, and must agree.
"""

import argparse
import cProfile
import pstats
from functools import partial

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from side_by_side import Figures, arguments, circumstances, rate, ratio, take_turns

from course_lib.core.memory import GRUMemory, MemoryPolicy
from course_lib.core.seeding import seed_everything
from course_lib.core.trials import TrialCollector, Trials, meta_input
from course_lib.envs import bandits
from course_lib.meta.rl2 import policy_for

GOAL = 100.0


class Batched:
    """N trials side by side."""

    def __init__(self, arms: int, pulls: int, width: int, hidden: int) -> None:
        family, rng = bandits.family(arms), seed_everything(0)
        env = family.make_vec(width, autoreset_mode=AutoresetMode.DISABLED, context_observed=False)
        self.policy = policy_for(env, partial(GRUMemory, hidden=hidden))
        self.collector = TrialCollector(env, partial(family.sample, rng), pulls, seed=0)

    def trials(self) -> Trials:
        return self.collector.collect(self.policy)

    def work(self) -> int:
        return int(self.trials().valid.sum())


class ThreeLines:
    """A bandit without any interface."""

    def __init__(self, p: np.ndarray, rng: np.random.Generator) -> None:
        self.p, self.rng = p, rng

    def pull(self, arm: int) -> float:
        return float(self.rng.random() < self.p[arm])


class OneByOne:
    """One bandit after the other, one step after the other."""

    def __init__(self, policy: MemoryPolicy, arms: int, pulls: int, trials: int, interface: bool) -> None:
        self.policy, self.arms, self.pulls, self.trials = policy, arms, pulls, trials
        self.rng = np.random.default_rng(0)
        self.env = None
        if interface:
            self.env = gymnasium.make("course/Bandit-v0", arms=arms, context_observed=False).unwrapped
            self.env.reset(seed=0)

    def pull(self, bandit: ThreeLines, arm: int) -> float:
        if self.env is None:
            return bandit.pull(arm)
        _, reward, _, _, _ = self.env.step(arm)
        self.env.reset()
        return reward

    @torch.no_grad()
    def work(self) -> int:
        obs = torch.ones(1, 1)
        for _ in range(self.trials):
            bandit = ThreeLines(self.rng.random(self.arms), self.rng)
            if self.env is not None:
                self.env.set_params(self.env.vector.params_type.from_array(bandit.p[None]))
            memory = self.policy.begin(1)
            inputs = torch.zeros(1, self.arms), torch.zeros(1), torch.zeros(1, dtype=torch.bool)
            for _ in range(self.pulls):
                features, memory = self.policy.advance(meta_input(obs, *inputs), memory)
                arm = int(self.policy.sample(features))
                reward = self.pull(bandit, arm)
                action = torch.zeros(1, self.arms)
                action[0, arm] = 1.0
                inputs = action, torch.tensor([reward]), torch.ones(1, dtype=torch.bool)
        return self.trials * self.pulls


@torch.no_grad()
def check(batched: Batched) -> None:
    """Batched or not, the policy is the same function: raises RuntimeError where it is not."""
    policy, trials = batched.policy, batched.trials()
    memory = policy.begin(trials.inputs.shape[1])
    for t, inputs in enumerate(trials.inputs):
        features, after = policy.advance(inputs, memory)
        for n in range(0, len(inputs), max(1, len(inputs) // 4)):
            alone, _ = policy.advance(inputs[n : n + 1], memory[n : n + 1])
            if not torch.allclose(alone[0], features[n], atol=1e-5):
                raise RuntimeError(f"features of trial {n} at step {t} differ: this is not the same work")
        memory = after


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arms", type=int, default=5)
    parser.add_argument("--pulls", type=int, default=20)
    parser.add_argument("--hidden", type=int, default=32, help="units of the GRU")
    parser.add_argument("--widths", nargs="+", type=int, default=[64, 256, 1024, 4096], metavar="N")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="only show where the time goes")
    given = arguments(parser, {"widths": [256, 1024], "rounds": 2})
    figures = Figures("Trials of bandits with a recurrent policy in the loop")
    torch.set_num_threads(1)
    loops = {width: Batched(given.arms, given.pulls, width, given.hidden) for width in sorted(given.widths)}
    check(loops[min(loops)])
    if given.profile:
        with cProfile.Profile() as profile:
            for _ in range(20):
                loops[max(loops)].work()
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
        return
    print(circumstances())
    policy = loops[min(loops)].policy
    peers = {
        "a bandit of three lines": OneByOne(policy, given.arms, given.pulls, 20, interface=False),
        "the course's single world": OneByOne(policy, given.arms, given.pulls, 20, interface=True),
    }
    contestants = {**{f"N={width}": loop for width, loop in loops.items()}, **peers}
    samples = take_turns({name: one.work for name, one in contestants.items()}, given.rounds)
    print(
        f"trials of {given.pulls} pulls of {given.arms} arms, GRU of {given.hidden} units, "
        f"side by side / one at a time (goal: {GOAL:g} at N = 1024)"
    )
    for name in peers:
        for width in loops:
            ours, theirs = samples[f"N={width}"], samples[name]
            print(
                f"  N={width:<5} / {name:<26} CPU {ratio(ours, theirs, 'cpu')}"
                f"   wall {ratio(ours, theirs, 'wall')}"
                f"   [{rate(ours, 'cpu'):8.0f} and {rate(theirs, 'cpu'):6.0f} steps per CPU-s]",
                flush=True,
            )
            what = f"{width} trials side by side, {given.pulls} pulls of {given.arms} arms"
            figures.compare(what, f"{name}, in a loop", ours, theirs, GOAL if width == 1024 else None)
    figures.write(given.json)


if __name__ == "__main__":
    main()
