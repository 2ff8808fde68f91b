"""Time contestants against each other on a machine that does other things too: in turns, as ratios.

A rate alone says little about code and much about the machine. So every contestant does a fixed piece
of work, all take turns within a round, and what is reported is the ratio of two rates of the same
round. Wall time is what a user waits for, but it shrinks with every other process; CPU time, summed
over all threads and child processes, hardly does.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Sample:
    """One piece of work."""

    steps: int
    """Environment steps done."""
    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all threads and of the processes that they started."""

    def rate(self, clock: str) -> float:
        """Steps per second of the clock, "wall" or "cpu"."""
        return self.steps / getattr(self, clock)


def cpu_seconds() -> float:
    """CPU time spent so far by this process, its threads and its living children."""
    children = psutil.Process().children(recursive=True)
    times = [child.cpu_times() for child in children if child.is_running()]
    return time.process_time() + sum(spent.user + spent.system for spent in times)


def sample(work: Callable[[], int]) -> Sample:
    """Does a piece of work, which returns its environment steps, and times it."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    steps = work()
    return Sample(steps, time.perf_counter() - wall, cpu_seconds() - cpu)


def take_turns(contestants: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, list[Sample]]:
    """Lets the contestants work A B C, A B C, ...; a first round warms up and is not counted."""
    samples: dict[str, list[Sample]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, work in contestants.items():
            result = sample(work)
            if turn:
                samples[name].append(result)
    return samples


def ratio(ours: list[Sample], theirs: list[Sample], clock: str) -> str:
    """Our rate by theirs, round by round: median (min .. max)."""
    values = [a.rate(clock) / b.rate(clock) for a, b in zip(ours, theirs, strict=True)]
    return f"{statistics.median(values):.2f} ({min(values):.2f} .. {max(values):.2f})"


def rate(samples: list[Sample], clock: str) -> float:
    """Median steps per second."""
    return statistics.median(sample.rate(clock) for sample in samples)


def circumstances() -> str:
    """The machine, and how busy it is besides: a sentence to print above the figures."""
    return (
        f"{psutil.cpu_count()} cores, on average {psutil.getloadavg()[0]:.1f} processes waiting for them; "
        "rates per second of this run, ratios as median (min .. max) of the rounds"
    )
