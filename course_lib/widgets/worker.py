"""One thread beside the kernel's: it works on the newest request, and forgets the ones before.

Jupyter delivers messages on threads that may run beside a cell, and a batch of simulations may be stepped
from one thread only: so all simulating for a widget happens here.
"""

import atexit
import sys
import threading
from collections.abc import Callable
from typing import Any


def one_torch_thread() -> None:
    """Keeps torch from using several threads in the calling one, where it is loaded at all.

    torch.set_num_threads holds for the thread that calls it: a small policy in a new thread would again
    run on every core, and wait up to 20 times longer beside the simulations' own threads.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


class Worker:
    """One thread that works on the newest request; older ones that wait are dropped.

    A batch of simulations belongs to one thread, so all work happens on this one.
    """

    def __init__(self, work: Callable[[Any, Callable[[], bool]], None]) -> None:
        """Starts nothing yet; the thread begins with the first request.

        Args:
            work: called with a request and a function that says whether a newer one waits.
        """
        self._work, self._newest, self._thread, self._closed = work, None, None, False
        self._changed = threading.Condition()
        # A thread that is inside native code when the interpreter ends would abort the process.
        atexit.register(self.close, wait=2.0)

    def ask(self, request: Any) -> None:
        """Replaces the request that waits, if any."""
        with self._changed:
            if self._closed:
                return
            self._newest = request
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="course widget", daemon=True)
                self._thread.start()
            self._changed.notify()

    def overtaken(self) -> bool:
        """Whether what is being worked on is no longer wanted."""
        return self._newest is not None or self._closed

    def close(self, wait: float = 0.0) -> None:
        """Ends the thread after the piece that it is working on.

        Args:
            wait: for that end, s.
        """
        atexit.unregister(self.close)
        with self._changed:
            self._closed, self._newest = True, None
            self._changed.notify()
        if wait and self._thread is not None:
            self._thread.join(wait)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._closed)
                if self._closed:
                    return
                request, self._newest = self._newest, None
            one_torch_thread()
            self._work(request, self.overtaken)
