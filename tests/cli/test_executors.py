"""Where work runs: threads, processes, and a real dask cluster, one of whose workers is killed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import as_completed
from pathlib import Path

import pytest

from course_lib.cli.executors import cores, executor
from course_lib.grading import batch

ROOT = Path(__file__).parents[2]


def wait_until(true, seconds: float = 120.0) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


# --- this machine -----------------------------------------------------------------------------------------


def test_this_process_has_a_core():
    assert 1 <= cores() <= os.cpu_count()


def test_threads_share_this_process_and_processes_do_not():
    with executor(2) as pool:
        assert {pool.submit(os.getpid).result() for _ in range(4)} == {os.getpid()}
    with executor(2, processes=True) as pool:
        assert os.getpid() not in {pool.submit(os.getpid).result() for _ in range(4)}


@pytest.mark.parametrize("processes", [False, True])
def test_jobs_is_how_much_runs_at_a_time(processes: bool):
    with executor(1, processes=processes) as pool:
        began = time.monotonic()
        pool.submit(abs, 1).result()
        began = time.monotonic()
        futures = [pool.submit(time.sleep, 0.2) for _ in range(3)]
        assert all(future.result() is None for future in as_completed(futures))
        assert time.monotonic() - began >= 0.59


def test_after_an_error_what_has_not_begun_never_will():
    done = []
    started = threading.Event()

    def work():
        started.set()
        time.sleep(0.1)
        done.append(1)

    with pytest.raises(KeyboardInterrupt), executor(1) as pool:
        for _ in range(50):
            pool.submit(work)
        started.wait()
        raise KeyboardInterrupt
    assert len(done) <= 2


def test_an_error_ends_running_processes_at_once():
    with pytest.raises(KeyboardInterrupt), executor(1, processes=True) as pool:
        pid = pool.submit(os.getpid).result()
        pool.submit(time.sleep, 600)
        began = time.monotonic()
        raise KeyboardInterrupt
    assert time.monotonic() - began < 30
    assert not alive(pid)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_processes_end_with_a_command_that_was_killed():
    code = (
        "import os, time; from course_lib.cli.executors import executor\n"
        "if __name__ == '__main__':\n"
        "    with executor(1, processes=True) as pool:\n"
        "        print(pool.submit(os.getpid).result(), flush=True)\n"
        "        pool.submit(time.sleep, 600).result()\n"
    )
    command = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(command.stdout.readline())
    assert alive(child)
    command.kill()
    command.wait()
    wait_until(lambda: not alive(child), 10)


# --- a cluster --------------------------------------------------------------------------------------------


def test_an_address_where_nobody_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ValueError, match=f"no dask scheduler answers at {address}"), executor(1, address):
        pass


def test_a_listener_that_never_answers_is_not_waited_for():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began = time.monotonic()
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ValueError, match="no dask scheduler answers"), executor(1, address):
            pass
        assert time.monotonic() - began < 20


@pytest.mark.parametrize("address", ["", "nonsense", "gopher://here:70"])
def test_what_is_no_address(address: str):
    with pytest.raises(ValueError, match="no dask scheduler answers at"), executor(1, address):
        pass


def test_without_the_extra_the_install_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ValueError, match=r"pip install -e '.\[cluster\]'"),
        executor(1, "tcp://localhost:8786"),
    ):
        pass


def test_a_cluster_without_workers(cluster):
    with pytest.raises(ValueError, match="has no workers; `dask worker tcp"), executor(1, cluster.address):
        pass


def test_work_runs_on_the_workers(cluster):
    cluster.start_worker()
    with executor(1, cluster.address) as pool:
        assert pool.submit(os.getpid).result(60) not in (os.getpid(), cluster.pid)
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result(60)


def test_a_worker_with_another_version_is_refused(cluster, monkeypatch):
    cluster.start_worker()
    monkeypatch.setattr("course_lib.cli.executors.__version__", "99.0.0")
    with (
        pytest.raises(ValueError, match=r"has course_lib .*, this machine 99.0.0: install the same"),
        executor(1, cluster.address),
    ):
        pass


def test_trainings_survive_the_loss_of_a_worker(cluster, invoke, tmp_path: Path):
    """Two workers, one killed in the middle of a seed: one file a seed, and nobody trains what is there."""
    began, out = tmp_path / "began", tmp_path / "out"
    began.mkdir()
    (began / "2.wait").touch()
    for _ in range(2):
        cluster.start_worker(TINY_TRAINING=str(began))
    results = []
    arguments = ("train", "epopt", "--recipe", "mass3", "--seeds", "0-4")
    command = threading.Thread(
        target=lambda: results.append(invoke(*arguments, "--out", str(out), "--dask", cluster.address))
    )
    command.start()
    try:
        wait_until(lambda: list(began.glob("2.*.began")))
        (unlucky,) = began.glob("2.*.began")
        os.kill(int(unlucky.name.split(".")[1]), signal.SIGKILL)
        wait_until(lambda: len(list(began.glob("2.*.began"))) == 2)
    finally:
        (began / "2.wait").unlink()
        command.join(120)
    (result,) = results
    assert result.exit_code == 0, result.output
    names = {f"hopper-mass3-seed{seed}.{suffix}" for seed in range(5) for suffix in ("json", "safetensors")}
    assert {path.name for path in out.iterdir()} == names
    from course_lib.zoo import training

    assert all(training.is_trained("hopper", "mass3", seed, out) for seed in range(5))
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    again = invoke(*arguments, "--out", str(out), "--dask", cluster.address)
    assert "Trained already" in again.output
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


def test_gradings_survive_the_loss_of_a_worker(cluster, monkeypatch, tmp_path: Path):
    """The real engine and two workers, one killed in the middle: everyone is graded, and written once."""
    for kind in ("solutions", "assignments"):
        shutil.copytree(ROOT / kind / "ps2_epopt", tmp_path / kind / "ps2_epopt")
    students = [f"student{number}" for number in range(8)]
    for student in students:
        (tmp_path / "in" / student).mkdir(parents=True)
        shutil.copy(tmp_path / "assignments/ps2_epopt/ps2_epopt.ipynb", tmp_path / "in" / student)
    unlucky, _ = cluster.start_worker(), cluster.start_worker()
    saved = []
    monkeypatch.setattr(batch, "save", lambda result, folder: saved.append(result.student))

    def kill_after_the_first(step: batch.Progress) -> None:
        if step.done == 1:
            os.kill(unlucky, signal.SIGKILL)

    with executor(1, cluster.address) as pool:
        summary = batch.grade_batch(
            tmp_path / "in", "ps2_epopt", tmp_path, executor=pool, seed=3, progress=kill_after_the_first
        )
    assert not summary.faults
    assert [(result.student, result.status) for result in summary.results] == [
        (student, "graded") for student in students
    ]
    assert sorted(saved) == students


def test_a_worker_and_this_machine_train_the_same(cluster, tmp_path: Path):
    """The same seed gives the same weights, in a process here and on a cluster."""
    cluster.start_worker(TINY_TRAINING=str(tmp_path))
    site = tmp_path / "site"
    site.mkdir()
    # Every Python that starts runs this; the one that glfw starts to look at its library must not.
    (site / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if os.environ.pop('TINY_AT_START', None):\n"
        f"    sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "    import tiny_training\n"
        "    os.environ['TINY_AT_START'] = '1'\n"
    )
    env = {**os.environ, "PYTHONPATH": str(site), "TINY_TRAINING": str(tmp_path), "TINY_AT_START": "1"}
    train = [*(sys.executable, "-m", "course_lib.cli", "train", "epopt"), *("--recipe", "mass3")]
    hashes = []
    for name, where in (("here", ["--jobs", "2"]), ("there", ["--dask", cluster.address])):
        out = tmp_path / name
        done = subprocess.run(
            [*train, "--seeds", "3,5", "--out", str(out), *where],
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        cards = [(out / f"hopper-mass3-seed{seed}.json").read_text() for seed in (3, 5)]
        hashes.append([re.search(r'"sha256": "(\w+)"', card)[1] for card in cards])
    assert hashes[0] == hashes[1]
    assert hashes[0][0] != hashes[0][1]
