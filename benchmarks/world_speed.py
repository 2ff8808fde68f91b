"""How close the batched worlds come to the physical limit, with a policy in the loop.

The limit is a bare `mj_step` loop in C on every core. It gets the very same work: the state and the
motors' controls of every control step that the world has just made are handed back to MuJoCo, which
repeats all of them in one call; every resulting state is compared, bit for bit.

Peers: Gymnasium's Hopper-v5 and HalfCheetah-v5 in SyncVectorEnv and AsyncVectorEnv, and EnvPool where it
is installed, with the same policy.
"""

import argparse
import importlib.util
import statistics
import time
from collections import defaultdict
from collections.abc import Callable

import gymnasium
import numpy as np
import psutil
import torch
from mujoco.batch import Batch
from side_by_side import Figures, Sample, arguments, circumstances, rate, ratio, sample, take_turns

from course_lib.core.networks import GaussianPolicy
from course_lib.envs.half_cheetah import HalfCheetahVectorEnv
from course_lib.envs.hopper import HopperVectorEnv
from course_lib.envs.locomotion import LocomotionVectorEnv

WORLDS = {"hopper": HopperVectorEnv, "half_cheetah": HalfCheetahVectorEnv}
PEERS = {"hopper": "Hopper-v5", "half_cheetah": "HalfCheetah-v5"}
GOAL = 0.85


class ClosedLoop:
    """An untrained 2x64 policy acting in a vector world; goes on where the last piece of work ended."""

    def __init__(self, env: gymnasium.vector.VectorEnv, steps: int) -> None:
        self.env, self.steps = env, steps
        # EnvPool's spaces are those of a single world, and its seed is given when it is made.
        space = getattr(env, "single_action_space", env.action_space)
        self.low, self.high = space.low, space.high
        self.obs, _ = env.reset()
        self.ended = np.zeros(len(self.obs), dtype=bool)
        torch.manual_seed(0)
        self.policy = GaussianPolicy(self.obs.shape[1], len(self.low), (64, 64))
        self.rng = np.random.default_rng(0)

    def act(self) -> np.ndarray:
        return np.clip(self.policy.act(self.obs, self.rng), self.low, self.high)

    def work(self) -> int:
        done = 0
        for _ in range(self.steps):
            done += int((~self.ended).sum())  # a step that only resets is no work
            self.obs, _, terminated, truncated, _ = self.env.step(self.act())
            self.ended = terminated | truncated
        return done


class RecordedLoop(ClosedLoop):
    """A closed loop in one of our worlds that keeps what the bare loop needs to repeat it."""

    env: LocomotionVectorEnv

    def __init__(self, env: LocomotionVectorEnv, steps: int) -> None:
        super().__init__(env, steps)
        state = env._physics.batch.state
        self.states = np.empty((steps + 1, *state.shape))
        self.controls = np.empty((steps, *env.action_space.shape))
        self.stepped = np.empty((steps, env.num_envs), dtype=bool)

    def work(self) -> int:
        state = self.env._physics.batch.state
        for t in range(self.steps):
            self.states[t] = state
            self.stepped[t] = ~self.ended
            action = self.act()
            self.controls[t] = action
            self.obs, _, terminated, truncated, _ = self.env.step(action)
            self.ended = terminated | truncated
        self.states[-1] = state
        return int(self.stepped.sum())


class BareLoop:
    """MuJoCo alone, repeating the control steps of a recorded loop on every core in one call."""

    def __init__(self, recorded: RecordedLoop) -> None:
        self.recorded = recorded
        self.batch: Batch | None = None

    def prepare(self) -> None:
        """Outside the measured time: one simulation for every control step to repeat."""
        recorded = self.recorded
        starts = recorded.states[:-1][recorded.stepped]
        if self.batch is None or self.batch.nsim != len(starts):
            self.batch = Batch(recorded.env._physics.model, nsim=len(starts))
        self.batch.state[:] = starts
        self.batch.bind("ctrl")[:] = recorded.controls[recorded.stepped]

    def work(self) -> int:
        self.batch.rollout(nstep=self.recorded.env.frame_skip, record=())
        return self.batch.nsim

    def check(self) -> None:
        """Both really did the same: raises RuntimeError where a state differs in a bit."""
        recorded = self.recorded
        expected = recorded.states[1:][recorded.stepped]
        # A simulation that diverged was put back by the world, and is no evidence; none does here.
        if not np.array_equal(self.batch.state, expected):
            raise RuntimeError(
                "the bare loop did not repeat the world's trajectories: they are not comparable"
            )


def against_the_limit(world: str, width: int, control_steps: int, rounds: int, figures: Figures) -> None:
    """Prints one line: the closed loop's share of the limit."""
    loop = RecordedLoop(WORLDS[world](width), max(1, control_steps // width))
    bare = BareLoop(loop)
    ours: list[Sample] = []
    limit: list[Sample] = []
    for turn in range(rounds + 1):
        first = sample(loop.work)
        bare.prepare()
        second = sample(bare.work)
        bare.check()
        if turn:  # the first round warms up
            ours.append(first)
            limit.append(second)
    print(
        f"  N={width:<5} CPU {ratio(ours, limit, 'cpu')}   wall {ratio(ours, limit, 'wall')}"
        f"   [{rate(ours, 'cpu'):7.0f} of {rate(limit, 'cpu'):7.0f} steps per CPU-s]",
        flush=True,
    )
    limit_named = "the physical limit: a bare mj_step loop"
    figures.compare(
        f"{world.replace('_', '-')}, {width} simulations",
        limit_named,
        ours,
        limit,
        GOAL if width >= 256 else None,
    )


def against_peers(world: str, width: int, control_steps: int, rounds: int, figures: Figures) -> None:
    """Prints one line for every peer: our rate by theirs."""
    name, few = PEERS[world], 16
    loops = {
        "ours": ClosedLoop(WORLDS[world](width), max(1, control_steps // width)),
        f"SyncVectorEnv({few})": ClosedLoop(gymnasium.make_vec(name, few, "sync"), control_steps // 4 // few),
        f"AsyncVectorEnv({few})": ClosedLoop(
            gymnasium.make_vec(name, few, "async"), control_steps // 8 // few
        ),
    }
    if importlib.util.find_spec("envpool"):
        import envpool

        pool = envpool.make_gymnasium(name, num_envs=width)
        loops[f"EnvPool({width})"] = ClosedLoop(pool, max(1, control_steps // width))
    try:
        samples = take_turns({label: loop.work for label, loop in loops.items()}, rounds)
    finally:
        for loop in loops.values():
            loop.env.close()
    ours = samples.pop("ours")
    for label, theirs in samples.items():
        print(
            f"  ours({width}) / {label:<19} CPU {ratio(ours, theirs, 'cpu')}"
            f"   wall {ratio(ours, theirs, 'wall')}   [{rate(theirs, 'cpu'):7.0f} steps per CPU-s]",
            flush=True,
        )
        figures.compare(
            f"{world.replace('_', '-')}, {width} simulations", f"{label}, the same policy", ours, theirs
        )
    if not importlib.util.find_spec("envpool"):
        figures.leave_out("EnvPool", "pip install envpool, 0.8 GB with its assets")


def profile(world: str, width: int, control_steps: int, rounds: int) -> None:
    """Prints where a control step of the whole batch spends its CPU time."""
    loop = RecordedLoop(WORLDS[world](width), max(1, control_steps // width))
    bare, spent = BareLoop(loop), defaultdict(float)

    def timed(label: str, function: Callable) -> Callable:
        def wrapper(*args, **kwargs):
            before = time.process_time()
            result = function(*args, **kwargs)
            spent[label] += time.process_time() - before
            return result

        return wrapper

    batch = loop.env._physics.batch
    loop.act = timed("policy", loop.act)
    batch.step = timed("lockstep", batch.step)
    batch.reset = timed("reset", batch.reset)
    loop.env.step = timed("world", loop.env.step)
    parts: dict[str, list[float]] = defaultdict(list)
    for turn in range(rounds + 1):
        spent.clear()
        loop.work()
        bare.prepare()
        timed("bare", bare.work)()
        if not turn:
            continue
        per_step = {label: seconds / loop.steps * 1e6 for label, seconds in spent.items()}
        parts["physics, bare loop"].append(per_step["bare"])
        parts["  waking threads and waiting for them, once a step"].append(
            per_step["lockstep"] - per_step["bare"]
        )
        parts["policy"].append(per_step["policy"])
        parts["the world's own Python: checks, reward, starts"].append(
            per_step["world"] - per_step["lockstep"]
        )
    print(f"  N={width}: CPU microseconds of one control step of the whole batch, median of {rounds} rounds")
    for label, values in parts.items():
        print(f"    {statistics.median(values):9.0f}  {label}")
    cores = psutil.cpu_count()
    physics, waking, *serial = (statistics.median(values) for values in parts.values())
    share = physics / cores / ((physics + max(0.0, waking)) / cores + sum(serial))
    print(f"    expected wall share with {cores} idle cores, policy and Python on one: {share:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS), metavar="WORLD")
    parser.add_argument("--widths", nargs="+", type=int, default=[64, 256, 1024], metavar="N")
    parser.add_argument("--steps", type=int, default=16384, help="control steps of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true", help="only against the limit")
    parser.add_argument("--profile", action="store_true", help="only show where the time goes")
    given = arguments(parser, {"widths": [256], "steps": 2048, "rounds": 2})
    figures = Figures("Worlds, with a policy in the loop")
    torch.set_num_threads(1)  # torch's own threads get into the way of the physics'
    print(circumstances())
    for world in given.worlds:
        if given.profile:
            print(f"{world}, where the time goes")
            for width in given.widths:
                profile(world, width, given.steps, given.rounds)
            continue
        print(f"{world}, share of the bare mj_step loop, 2x64 policy included (goal: {GOAL} at N >= 256)")
        for width in given.widths:
            against_the_limit(world, width, given.steps, given.rounds, figures)
        if not given.no_peers:
            print(f"{world}, the same policy in Gymnasium's {PEERS[world]}")
            against_peers(world, 256, given.steps, given.rounds, figures)
    figures.write(given.json)


if __name__ == "__main__":
    main()
