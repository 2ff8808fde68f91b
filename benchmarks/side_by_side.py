"""Time contestants against each other on a machine that does other things too: in turns, as ratios.

A rate alone says little about code and much about the machine. So every contestant does a fixed piece
of work, all take turns within a round, and what is reported is the ratio of two rates of the same
round. Wall time is what a user waits for, but it shrinks with every other process; CPU time, summed
over all threads and child processes, hardly does.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

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


def ratios(ours: list[Sample], theirs: list[Sample], clock: str) -> list[float]:
    """Our rate by theirs, round by round."""
    return [a.rate(clock) / b.rate(clock) for a, b in zip(ours, theirs, strict=True)]


def ratio(ours: list[Sample], theirs: list[Sample], clock: str) -> str:
    """Our rate by theirs: median (min .. max)."""
    values = ratios(ours, theirs, clock)
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


@dataclass
class Figures:
    """What a benchmark has measured, as `course bench` writes it into docs/performance.md."""

    title: str
    """What it compares, in a line."""
    rows: list[dict[str, Any]] = field(default_factory=list)
    """A dictionary each: what, against, unit, goal, and by clock what each round gave."""
    left_out: list[str] = field(default_factory=list)
    """Peers that are not installed, each with how to get it."""

    def compare(
        self, what: str, against: str, ours: list[Sample], theirs: list[Sample], goal: float | None = None
    ) -> None:
        """Adds how many times as fast ours is, by both clocks; the goal is to be reached."""
        clocks = {clock: ratios(ours, theirs, clock) for clock in ("cpu", "wall")}
        self.rows.append({"what": what, "against": against, "unit": "times", "goal": goal, **clocks})

    def seconds(self, what: str, against: str, wall: list[float], goal: float) -> None:
        """Adds seconds that somebody waits; the goal is not to be exceeded."""
        self.rows.append({"what": what, "against": against, "unit": "s", "goal": goal, "wall": wall})

    def leave_out(self, peer: str, way: str) -> None:
        """Says that a peer is not installed, and how to get it."""
        if f"{peer} ({way})" not in self.left_out:
            self.left_out.append(f"{peer} ({way})")
        print(f"  {peer} is not installed and left out: {way}", flush=True)

    def write(self, path: Path | None) -> None:
        """Writes everything as JSON, where a path was given."""
        if path is not None:
            path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def arguments(parser: argparse.ArgumentParser, quick: Mapping[str, Any]) -> argparse.Namespace:
    """Parses the command line with two more options that every benchmark has.

    Args:
        parser: with a benchmark's own options.
        quick: other defaults of theirs, which --quick takes.
    """
    parser.add_argument("--quick", action="store_true", help="a first impression within half a minute")
    parser.add_argument("--json", type=Path, help="also write the figures into this file")
    if parser.parse_known_args()[0].quick:
        parser.set_defaults(**quick)
    return parser.parse_args()
