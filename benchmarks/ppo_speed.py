"""PPO end to end, rollout and update, against Stable-Baselines3's PPO on the same hopper.

Both have a 2x64 tanh policy and a 2x64 value function, 10 epochs a batch, one torch thread. They differ in
what this benchmark is about: how many simulations run at once, and how many transitions a gradient step
takes; so gradient steps and samples per second are printed too. More environment steps are worth nothing
unless something is learned from them: `--learning` trains both for the same CPU seconds and compares returns.
"""

import argparse
import time
from collections.abc import Iterator

import gymnasium
import numpy as np
import torch
from side_by_side import Figures, arguments, circumstances, rate, ratio, take_turns
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import DummyVecEnv

from course_lib.agents import ppo
from course_lib.core.evaluation import mean_with_interval
from course_lib.core.rollout import Collector, evaluate
from course_lib.envs.hopper import HopperVectorEnv

GOAL = 5.0
EPOCHS = 10


class Ours:
    """The course's PPO, an iteration at a time."""

    def __init__(self, width: int, steps: int, minibatch: int) -> None:
        torch.manual_seed(0)
        self.batch, self.minibatch = width * steps, minibatch
        self.config = ppo.PPOConfig(steps=steps, minibatch=minibatch, epochs=EPOCHS)
        env = HopperVectorEnv(width)
        self.agent = ppo.Agent(
            env.single_observation_space.shape[0], env.single_action_space.shape[0], self.config
        )
        self.rng = np.random.default_rng(0)
        self.collector = Collector(env, seed=0)
        self.done = 0.0
        """Share of the training that is over, in [0, 1): the learning rate falls with it."""

    def work(self) -> int:
        ppo.anneal(self.agent, self.config, 1 + int(1000 * self.done), 1000)
        data, _ = self.collector.collect(self.agent.policy, self.config.steps)
        ppo.update(self.agent, data, self.config, self.rng)
        return data.steps

    def act(self, obs: np.ndarray) -> np.ndarray:
        return self.agent.policy.act(obs)


class Theirs:
    """Stable-Baselines3's PPO with its defaults: 64 transitions a gradient step, 10 epochs."""

    def __init__(self, worlds: int, n_steps: int, minibatch: int = 64) -> None:
        env = DummyVecEnv([lambda: gymnasium.make("Hopper-v5") for _ in range(worlds)])
        self.batch, self.minibatch = worlds * n_steps, minibatch
        self.model = PPO(
            "MlpPolicy", env, n_steps=n_steps, batch_size=minibatch, n_epochs=EPOCHS, seed=0, device="cpu"
        )

    def work(self) -> int:
        self.model.learn(self.batch, reset_num_timesteps=False)
        return self.batch

    def act(self, obs: np.ndarray) -> np.ndarray:
        return self.model.predict(obs, deterministic=True)[0]


def speed(rounds: int, full: bool, figures: Figures) -> None:
    """Prints one line for every contestant, and our ratio to it."""
    contestants = {
        "ours, 256 worlds x 64 steps, minibatch 512": Ours(256, 64, 512),
        "SB3's defaults: 1 world x 2048 steps, minibatch 64": Theirs(1, 2048),
        "SB3, 16 worlds x 128 steps, minibatch 64": Theirs(16, 128),
        "SB3, 16 worlds x 128 steps, minibatch 512": Theirs(16, 128, 512),
    }
    if full:
        contestants["ours, 256 worlds x 64 steps, minibatch 64"] = Ours(256, 64, 64)
    samples = take_turns({label: one.work for label, one in contestants.items()}, rounds)
    ours = next(iter(samples.values()))
    for label, theirs in samples.items():
        one, per_second = contestants[label], rate(theirs, "cpu")
        print(label)
        print(
            f"  per CPU second: {per_second:7.0f} environment steps, {per_second * EPOCHS:7.0f} samples"
            f" in {per_second * EPOCHS / one.minibatch:5.0f} gradient steps"
            f"   (wall: {rate(theirs, 'wall'):.0f} environment steps)"
        )
        if theirs is not ours:
            print(f"  ours / this one: CPU {ratio(ours, theirs, 'cpu')}   wall {ratio(ours, theirs, 'wall')}")
            figures.compare("environment steps per second", label, ours, theirs, GOAL)
    print(f"goal: {GOAL:g} times SB3's PPO")


class Until(BaseCallback):
    """Ends `learn` once the process has spent that much CPU time."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self.deadline = deadline

    def _on_step(self) -> bool:
        return time.process_time() < self.deadline


def checkpoints(seconds: float, pieces: int = 4) -> Iterator[float]:
    """CPU seconds after which the return is measured."""
    yield from (seconds * (piece + 1) / pieces for piece in range(pieces))


def judged(label: str, spent: float, steps: int, act) -> None:
    """Prints the mean return of 64 whole episodes; its CPU time is not the trainer's."""
    world = HopperVectorEnv(64, autoreset_mode=gymnasium.vector.AutoresetMode.DISABLED)
    returns = mean_with_interval(evaluate(world, act, 1000, seed=1), np.random.default_rng(0))
    print(
        f"  {label:<34} {spent:5.0f} CPU-s  {steps:8d} steps"
        f"  return {returns.mean:6.0f} ({returns.low:.0f} .. {returns.high:.0f} over episodes)",
        flush=True,
    )


def learning(seconds: float) -> None:
    """Prints returns after equal CPU seconds; one seed each, so only large differences mean anything."""
    print("return of the mean action after equal CPU seconds; one seed, an example and not a comparison")
    for minibatch in (512, 128):
        ours, spent, steps = Ours(256, 64, minibatch), 0.0, 0
        for goal in checkpoints(seconds):
            while spent < goal:
                ours.done = spent / seconds
                before = time.process_time()
                steps += ours.work()
                spent += time.process_time() - before
            judged(f"ours, 256 worlds, minibatch {minibatch}", spent, steps, ours.act)
    for worlds, n_steps in ((1, 2048), (16, 128)):
        theirs, spent = Theirs(worlds, n_steps), 0.0
        for goal in checkpoints(seconds):
            before = time.process_time()
            theirs.model.learn(10**9, callback=Until(before + goal - spent), reset_num_timesteps=False)
            spent += time.process_time() - before
            judged(f"SB3, {worlds} worlds, minibatch 64", spent, theirs.model.num_timesteps, theirs.act)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="also ours at SB3's minibatch of 64")
    parser.add_argument(
        "--learning", action="store_true", help="compare returns after equal CPU seconds instead"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="CPU seconds of each with --learning")
    given = arguments(parser, {"rounds": 1})
    figures = Figures("PPO on the hopper, rollout and update")
    torch.set_num_threads(1)
    print(circumstances())
    if given.learning:
        learning(given.seconds)
    else:
        speed(given.rounds, given.full, figures)
        figures.write(given.json)


if __name__ == "__main__":
    main()
