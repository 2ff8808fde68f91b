import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course_lib.cli.app import app


@pytest.fixture
def invoke():
    """Runs `course ARGUMENTS` in this process."""
    return lambda *arguments: CliRunner().invoke(app, arguments)


class Cluster:
    """A dask scheduler and its workers, each a process of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes = []
        line = self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"), says="Scheduler at"
        )
        self.address = re.search(r"tcp://[\w.]+:\d+", line)[0]
        self.pid = self.processes[0].pid

    def start_worker(self, **variables: str) -> int:
        """One more worker of one thread; returns its process. TINY_TRAINING makes its trainings tiny."""
        tiny = ["--preload", str(Path(__file__).parent / "tiny_training.py")] if variables else []
        self._start(
            *("worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", *tiny),
            says="Registered to",
            **variables,
        )
        return self.processes[-1].pid

    def _start(self, *arguments: str, says: str, **variables: str) -> str:
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                cwd=self.folder,
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        with log.open() as file:
            line = ""
            while says not in line:
                assert process.poll() is None, log.read_text()
                line = file.readline() or (time.sleep(0.05) or "")
        return line

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()
