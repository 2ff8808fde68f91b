"""Where much work runs: threads or processes of this machine, or a dask cluster that is there already.

All three take `submit(function, *arguments)` and give futures of `concurrent.futures`, so that what submits
the work need not know where it runs.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager

from course_lib import __version__

ANSWER_SECONDS = 5.0
"""How long a cluster may take to answer, and then to show a worker."""
RETRIES = 2
"""How often a cluster tries again what has raised; work of a worker that is lost is done again anyway."""


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def executor(jobs: int, dask_address: str | None = None, *, processes: bool = False) -> Iterator[Executor]:
    """Takes work until the block ends; what has not begun by then, after an error or Ctrl-C, never will.

    Args:
        jobs: how much may run at a time; a cluster decides for itself.
        dask_address: address of a dask scheduler, such as "tcp://host:8786"; none: this machine.
        processes: work that needs a process of its own. The default, threads, suits work that only waits.

    Raises:
        ValueError: the cluster's library is missing, the cluster does not answer or has no worker, or a
            worker has another version of the course.
    """
    if dask_address is not None:
        with _cluster(dask_address) as client:
            yield client.get_executor(pure=False, retries=RETRIES)
    elif processes:
        with _processes(jobs) as pool:
            yield pool
    else:
        pool = ThreadPoolExecutor(jobs)
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _processes(jobs: int) -> Iterator[Executor]:
    # Forking a process that has threads, as torch's has, can hang; a spawned one starts clean.
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """In a new process: Ctrl-C ends it at once, and so does the end of the command, however that came."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _cluster(address: str):
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(
            "--dask needs the extra `cluster`: python -m pip install -e '.[cluster]' -c constraints.txt"
        ) from error
    try:  # a Client that finds nobody, or another kind of server, leaves threads behind: knock first
        asyncio.run(_knock(address))
    except Exception as error:  # whatever another kind of server's answer makes of the protocol
        raise ValueError(
            f"no dask scheduler answers at {address}; `dask scheduler` starts one, and prints its address"
        ) from error
    with Client(address, timeout=ANSWER_SECONDS, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
        except TimeoutError as error:
            raise ValueError(
                f"the cluster at {address} has no workers; `dask worker {address}` starts one"
            ) from error
        for worker, version in client.run(_version()).items():
            if version != __version__:
                raise ValueError(
                    f"the worker {worker} has course_lib {version or 'not at all'}, "
                    f"this machine {__version__}: install the same on all"
                )
        yield client


async def _knock(address: str) -> None:
    from distributed.comm import connect

    comm = await asyncio.wait_for(connect(address, timeout=ANSWER_SECONDS), ANSWER_SECONDS)
    await comm.close()


def _version():
    """A question for a worker, which travels as code: the worker may lack this file."""

    def version() -> str:
        try:
            from course_lib import __version__ as theirs
        except ImportError:
            return ""
        return theirs

    return version
