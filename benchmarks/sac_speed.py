"""SAC's gradient steps per second, against Stable-Baselines3's SAC at the same sizes.

One gradient step is the same for both: a batch from the memory, both critics, the policy, the temperature and
the slow critics. Networks, batch and threads are equal; only the updates are timed, no world is stepped.
"""

import argparse

import gymnasium
import numpy as np
import torch
from side_by_side import Figures, arguments, circumstances, rate, ratio, take_turns
from stable_baselines3 import SAC
from stable_baselines3.common.logger import Logger

from course_lib.agents import sac
from course_lib.core.replay import Replay
from course_lib.core.rollout import Transitions

GOAL = 1.5
OBS_SIZE, ACTION_SIZE = 17, 6
"""Those of a half-cheetah."""
STORED = 20_000
"""Transitions in both memories."""


class Ours:
    """The course's SAC on a memory of random transitions."""

    def __init__(self, hidden: int, batch_size: int, steps: int) -> None:
        torch.manual_seed(0)
        self.config = sac.SACConfig(hidden=(hidden, hidden), batch_size=batch_size)
        self.agent = sac.Agent(OBS_SIZE, ACTION_SIZE, self.config)
        self.replay = Replay(STORED, OBS_SIZE, ACTION_SIZE)
        no = torch.zeros(STORED, 1, dtype=torch.bool)
        self.replay.add(
            Transitions(
                obs=torch.randn(STORED, 1, OBS_SIZE),
                action=2 * torch.rand(STORED, 1, ACTION_SIZE) - 1,
                reward=torch.randn(STORED, 1),
                next_obs=torch.randn(STORED, 1, OBS_SIZE),
                terminated=no,
                ended=no,
                valid=~no,
            )
        )
        self.rng, self.steps = np.random.default_rng(0), steps

    def work(self) -> int:
        for _ in range(self.steps):
            sac.update(self.agent, self.replay.sample(self.config.batch_size, self.rng), self.config)
        return self.steps


class Still(gymnasium.Env):
    """A world that is never stepped: it only says how large its observations and actions are."""

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (OBS_SIZE,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (ACTION_SIZE,), np.float32)


class Theirs:
    """Stable-Baselines3's SAC on a memory of random transitions."""

    def __init__(self, hidden: int, batch_size: int, steps: int) -> None:
        self.model = SAC(
            "MlpPolicy",
            Still(),
            learning_rate=1e-3,
            batch_size=batch_size,
            buffer_size=STORED,
            policy_kwargs={"net_arch": [hidden, hidden]},
            seed=0,
            device="cpu",
        )
        self.model.set_logger(Logger(folder=None, output_formats=[]))
        rng = np.random.default_rng(0)
        for _ in range(STORED):
            obs, next_obs = rng.standard_normal((2, 1, OBS_SIZE))
            action = rng.uniform(-1, 1, (1, ACTION_SIZE))
            reward, no = rng.standard_normal(1), np.zeros(1)
            self.model.replay_buffer.add(obs, next_obs, action, reward, no, [{}])
        self.steps = steps

    def work(self) -> int:
        self.model.train(self.steps, self.model.batch_size)
        return self.steps


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=400, help="gradient steps a round")
    parser.add_argument("--threads", type=int, default=1, help="torch threads of both")
    given = arguments(parser, {"rounds": 2, "steps": 100})
    figures = Figures("SAC's gradient steps")
    torch.set_num_threads(given.threads)
    print(circumstances())
    for hidden, batch_size in ((64, 256), (128, 256), (256, 256)):
        contestants = {
            "ours": Ours(hidden, batch_size, given.steps),
            "Stable-Baselines3": Theirs(hidden, batch_size, given.steps),
        }
        ours, theirs = take_turns(
            {name: one.work for name, one in contestants.items()}, given.rounds
        ).values()
        print(
            f"2x{hidden} units, batch {batch_size}: {rate(ours, 'cpu'):5.0f} gradient steps per CPU second, "
            f"SB3 {rate(theirs, 'cpu'):5.0f};   ours / SB3: CPU {ratio(ours, theirs, 'cpu')}"
            f"   wall {ratio(ours, theirs, 'wall')}",
            flush=True,
        )
        what = f"gradient steps, 2x{hidden} units, batch {batch_size}"
        figures.compare(what, "Stable-Baselines3's SAC", ours, theirs, GOAL)
    figures.write(given.json)
    print(f"goal: {GOAL:g} times SB3's SAC")


if __name__ == "__main__":
    main()
