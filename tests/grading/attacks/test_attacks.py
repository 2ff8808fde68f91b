"""The bank of attacks, through the real thing: no undeserved point, no honest mark lost, no grader hurt."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import attack_bank
import attacked_course
import attacks_by_exceptions
import attacks_by_exhaustion
import attacks_by_notebook
import attacks_by_snooping
import attacks_on_interpreter
import attacks_on_machine
import attacks_on_memory
import attacks_on_values
import attacks_on_wire
import nbformat
import odd_but_honest
import pytest

from course_lib.grading.batch import Summary
from course_lib.grading.results import Result, load
from course_lib.grading.sandbox import Limits

CLASSES = {
    "interpreter": attacks_on_interpreter.ATTACKS,
    "values": attacks_on_values.ATTACKS,
    "memory": attacks_on_memory.ATTACKS,
    "wire": attacks_on_wire.ATTACKS,
    "exceptions": attacks_by_exceptions.ATTACKS,
    "snooping": attacks_by_snooping.ATTACKS,
    "machine": attacks_on_machine.ATTACKS,
    "exhaustion": attacks_by_exhaustion.ATTACKS,
    "notebook": attacks_by_notebook.ATTACKS,
    "honest": odd_but_honest.HONEST,
}
EVERYONE = [one for attacks in CLASSES.values() for one in attacks]
LIMITS = Limits(cell_seconds=3, submission_seconds=20, memory=(2 << 30) + 4096 * (os.getpid() % 10_000))
"""The memory's odd number marks our processes in the list of all."""


@dataclass(frozen=True)
class Battle:
    """What came of the whole bank."""

    summary: Summary
    results: dict[str, Result]
    root: Path
    fates: dict[str, str]
    """Of those who handed in odd files."""
    visitors: list[bytes]
    """Whoever reached the machine's network."""


@contextlib.contextmanager
def _listening() -> Iterator[tuple[int, list]]:
    """A port of this machine, for TCP and UDP, and who came."""
    visitors: list = []
    with (
        socket.create_server(("0.0.0.0", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("0.0.0.0", tcp.getsockname()[1]))
        udp.settimeout(0.2)
        ended = threading.Event()
        tcp.settimeout(0.2)

        def wait(get):
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    visitors.append(get())

        threads = [threading.Thread(target=wait, args=(get,)) for get in (tcp.accept, lambda: udp.recv(99))]
        for thread in threads:
            thread.start()
        try:
            yield tcp.getsockname()[1], visitors
        finally:
            ended.set()
            for thread in threads:
                thread.join()


@pytest.fixture(scope="module")
def battle(tmp_path_factory) -> Battle:
    root = tmp_path_factory.mktemp("course")
    solution = attacked_course.make(root)
    release = nbformat.read(
        root / "assignments" / attacked_course.NAME / f"{attacked_course.NAME}.ipynb", as_version=4
    )
    right = {
        cell.id: re.sub(r".*(SOLUTION|canary).*\n?", "", cell.source)
        for cell in solution.cells
        if cell.metadata.nbgrader.solution
    }
    (root / "secret.txt").write_text("canary-of-the-course-folder")
    neighbour = attack_bank.honest(
        "neighbour", "sits next to them", q1=right["q1"] + "\n# canary-of-the-neighbour"
    )
    handed_in = root / "submitted"
    handed_in.mkdir()
    with _listening() as (port, visitors), pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_SECRET", "canary-of-the-environment")
        attacks = [
            replace(one, cells={name: text.replace("@PORT@", str(port)) for name, text in one.cells.items()})
            for one in [*EVERYONE, neighbour]
        ]
        attack_bank.hand_in(attacks, release, right, handed_in)
        good = (
            (handed_in / "honest-neighbour" / "notebook.ipynb")
            .read_bytes()
            .replace(b"canary-of-the-neighbour", b"")
        )
        fates = attacks_by_notebook.file_attacks(
            handed_in, good, root / "solutions" / attacked_course.NAME / f"{attacked_course.NAME}.ipynb"
        )
        summary = attack_bank.grade(handed_in, attacked_course.NAME, root, root / "results", LIMITS)
    results = {result.student: result for result in summary.results}
    return Battle(summary, results, root, fates, visitors)


@pytest.mark.parametrize("one", EVERYONE, ids=lambda one: one.name)
def test_points(one, battle):
    assert not attack_bank.complaints(one, battle.results[one.name], attacked_course.QUESTIONS)


def test_names_are_distinct():
    names = [one.name for one in EVERYONE]
    assert len(names) == len(set(names)) > 150


def test_grader_never_fails(battle):
    assert battle.summary.faults == []
    assert set(battle.results) == {one.name for one in EVERYONE} | set(battle.fates) | {"honest-neighbour"}


def test_results_are_files_that_can_be_read_again(battle):
    assert {one.student: one for one in load(battle.summary.out)} == battle.results
    assert battle.results["honest-neighbour"].points == sum(attacked_course.QUESTIONS.values())


@pytest.mark.parametrize(
    "word", ["found canary", "canary-of-the-hidden", "canary-of-the-solution", "canary-of-the-env"]
)
def test_nothing_secret_was_found(battle, word):
    found = []
    for result in battle.results.values():
        shown = json.dumps([[one.output, one.error] for one in result.answers.values()])
        if word in shown + json.dumps([mark.message for mark in result.marks]):
            found.append((result.student, shown))
    assert found == []


def test_nobody_called_home(battle):
    assert battle.visitors == []


def test_no_process_is_left(battle):
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert sys.executable in listed, "the list shows no processes"
    assert str(LIMITS.memory) not in listed


def test_no_file_is_left(battle):
    assert sorted(path.name for path in battle.root.iterdir()) == [
        "assignments",
        "results",
        "secret.txt",
        "solutions",
        "submitted",
    ]
    assert not any(
        Path("/tmp", name).exists() for name in ("climbed.ipynb", "absolute.ipynb", "left", "forged.json")
    )


def test_results_stay_small(battle):
    for path in battle.summary.out.glob("*.json"):
        assert path.stat().st_size < 1 << 20, path.name


def test_odd_files(battle):
    full = sum(attacked_course.QUESTIONS.values())
    for name, fate in battle.fates.items():
        assert battle.results[name].points == (full if fate == "full" else 0.0), name
        assert battle.results[name].status == "graded" or battle.results[name].problems, name
