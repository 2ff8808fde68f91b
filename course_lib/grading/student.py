"""The trusted side's view of a student: stand-ins for what the answers define, in a process that may end.

A stand-in is called like the student's function; the call travels to the student's process, and values come
back. A process that crashes or does not answer in time is replaced by a new one in which the earlier cells
run again, so that one endless loop costs one question.
"""

import builtins
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from course_lib.grading import wire
from course_lib.grading.results import Answer
from course_lib.grading.sandbox import Limits
from course_lib.grading.worker import SHOWN

START_SECONDS = 120.0
"""For a student's process to say that it is ready; generous, as no student's code runs yet."""
MAX_CALLBACKS = 10_000
"""Times that one call may ask the trusted side to run a function of its own."""
NOT_RAISED = (StopIteration, StopAsyncIteration, GeneratorExit, NameError)
"""Exceptions that would steer a test's own loops, or be taken for its own; they arrive as plain failures."""


TOO_LONG = "no end after {seconds:.0f} s. A loop that never ends, or far more work than needed?"
USED_UP = "your submission has used up its {seconds:.0f} seconds, this was not run any more"
ENDED = "the process that ran your code ended: a crash, or too much memory?"
"""What students read of a process that is gone."""


class NotStarted(BaseException):
    """A process for the student's code could not be started: no test may take this for an answer."""


class Stopped(Exception):
    """The student's process is gone: it crashed, was ended, or was given up after too long."""


class TimedOut(Stopped):
    """It did not answer in time."""


class Wire(Protocol):
    """The two ends of a wire to a student's process."""

    def receive(self, size: int) -> bytes: ...

    def send(self, data: bytes) -> int: ...

    def kill(self) -> None:
        """Ends the process, which ends every receive and send."""

    def close(self) -> None:
        """Gives back what the wire held, once nobody receives or sends."""


class PipeWire:
    """A process of its own at the end of two pipes."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def receive(self, size: int) -> bytes:
        return self._process.stdout.read(size)

    def send(self, data: bytes) -> int:
        return self._process.stdin.write(data)

    def kill(self) -> None:
        if hasattr(os, "killpg"):  # with what it has started, where no sandbox does that
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(self._process.pid) == self._process.pid:
                    os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()


class Connection:
    """Requests and replies over one wire, each with a time limit.

    Raises:
        NotStarted: the process at the other end could not be started; no student's code has run yet.
    """

    def __init__(self, open_wire: Callable[[], Wire]) -> None:
        self._wire = open_wire()
        # A thread, since neither pipes nor Windows know time limits; it ends with the process.
        self._thread = ThreadPoolExecutor(1)
        # A sandbox that is ended in its first moments can leave its child behind: wait for its first word.
        try:
            self._within(START_SECONDS, self._receive)
        except Stopped:
            raise NotStarted("the process for the student's code did not start") from None

    def request(self, message: bytes, seconds: float, callbacks: list[Callable]) -> dict:
        """Sends a request and returns the reply, running callbacks in between.

        Raises:
            TimedOut: the reply took longer than `seconds`.
            Stopped: the process ended, or what came is no reply.
        """
        end = time.monotonic() + seconds
        for _ in range(MAX_CALLBACKS):
            reply = self._within(end - time.monotonic(), self._exchange, message)
            if "callback" not in reply:
                return reply
            began = time.monotonic()
            message = wire.encode(_run_callback(reply, callbacks))
            end += time.monotonic() - began  # the test's own work is not the student's time
        self.close()
        raise Stopped(f"a function that the test handed over was called more than {MAX_CALLBACKS} times")

    def close(self) -> None:
        """Ends the process."""
        self._wire.kill()
        self._thread.shutdown()
        self._wire.close()

    def _within(self, seconds: float, function: Callable, *arguments: Any) -> dict:
        try:
            reply = self._thread.submit(function, *arguments).result(max(0.0, seconds))
            if type(reply) is dict and all(type(key) is str for key in reply):
                return reply
            raise wire.WireError("no reply")
        except TimeoutError:
            self.close()
            raise TimedOut from None
        except (EOFError, OSError, ValueError):
            self.close()
            raise Stopped(ENDED) from None

    def _exchange(self, message: bytes) -> Any:
        wire.write(self._wire.send, message)
        return self._receive()

    def _receive(self) -> Any:
        return wire.decode(wire.read(self._wire.receive))


class Student:
    """One student's answers, run in processes that may be lost.

    Args:
        open_wire: starts a process.
        limits: how long anything may take.
    """

    def __init__(self, open_wire: Callable[[], Wire], limits: Limits) -> None:
        self._open_wire, self._limits = open_wire, limits
        self._connection: Connection | None = None
        self._end = time.monotonic() + limits.submission_seconds
        self._cells: list[tuple[str, str]] = []
        self._given_up: dict[str, str] = {}
        self.timed_out = self.crashed = False

    def run(self, name: str, source: str) -> Answer:
        """Runs a cell, and says what came of it."""
        try:
            reply = self._request({"do": "run", "name": name, "source": source})
        except Stopped as stopped:
            return Answer(source=source, error=str(stopped))
        error = _error_text(reply.get("error"), where=True)
        self._cells.append((name, source))
        return Answer(source=source, error=error, output=_text(reply.get("output"), SHOWN))

    def look(self, names: Iterable[str]) -> dict[str, Any]:
        """What is bound to some names: stand-ins for callables, values for the rest.

        Raises:
            Stopped: the process is gone, or the submission's time.
        """
        reply = self._request({"do": "look", "names": list(names)})
        functions, values = reply.get("functions"), reply.get("values")
        found = dict(values) if type(values) is dict else {}
        if type(functions) is list:
            found |= {name: StandIn(self, name) for name in functions if type(name) is str}
        return {name: found[name] for name in names if name in found}

    def ask(self, name: str, request: dict, callbacks: list[Callable]) -> dict:
        """A request about one function; after it was given up once, the same answer at once.

        Raises:
            AssertionError: there is no reply.
        """
        if name in self._given_up:
            raise AssertionError(self._given_up[name])
        try:
            return self._request(request, callbacks)
        except Stopped as stopped:
            self._given_up[name] = f"{name}: {stopped}"
            raise AssertionError(self._given_up[name]) from None

    def close(self) -> None:
        """Ends the process."""
        if self._connection is not None:
            self._connection.close()

    def _request(self, request: dict, callbacks: list[Callable] | None = None) -> dict:
        callbacks = [] if callbacks is None else callbacks
        message = wire.encode(request, lambda value: _special(value, callbacks))
        if self._connection is None:
            self._connection = self._replay()
        seconds = min(self._left(), self._limits.cell_seconds)
        try:
            return self._connection.request(message, seconds, callbacks)
        except Stopped as stopped:
            self._connection = None
            if isinstance(stopped, TimedOut):
                self.timed_out = True
                raise TimedOut(TOO_LONG.format(seconds=seconds)) from None
            self.crashed = True
            raise

    def _left(self) -> float:
        """Seconds that the submission still has.

        Raises:
            TimedOut: none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            self.timed_out = True
            raise TimedOut(USED_UP.format(seconds=self._limits.submission_seconds))
        return left

    def _replay(self) -> Connection:
        """A new process in which the cells so far have run; without those that now fail to."""
        while True:
            self._left()
            connection = Connection(self._open_wire)
            for position, (name, source) in enumerate(self._cells):
                message = wire.encode({"do": "run", "name": name, "source": source})
                seconds = max(0.0, min(self._end - time.monotonic(), self._limits.cell_seconds))
                try:
                    connection.request(message, seconds, [])
                except Stopped:
                    del self._cells[position]
                    break
            else:
                return connection


class StandIn:
    """Stands in a test for a function of the student."""

    def __init__(self, student: Student, name: str) -> None:
        self._student, self.__name__ = student, name

    def __repr__(self) -> str:
        return f"<the student's {self.__name__}>"

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Calls the student's function with values; functions among them stay here, and are called back.

        Raises:
            Exception: what the student's function raised, as a type of the same name.
        """
        request = {"do": "call", "name": self.__name__, "arguments": list(arguments), "options": options}
        reply = self._student.ask(self.__name__, request, [])
        after = reply.get("arguments")
        if type(after) is list and len(after) == len(arguments):
            for old, new in zip(arguments, after, strict=True):
                _mirror(old, new)
        return self._value(reply)

    def run_beside(self, driver: Callable, *arguments: Any) -> Any:
        """Runs `driver(function, *arguments)` in the student's process, and returns its values.

        Everything there can be tampered with: a driver observes what only exists beside the code, such as a
        gradient, and the test compares it with the reference's. It never decides, and the student's code can
        read it with every name that it uses.

        Raises:
            ValueError: the driver would take a value along that was not handed over as an argument.
        """
        import cloudpickle

        _refuse_luggage(driver)

        code = np.frombuffer(cloudpickle.dumps(driver), np.uint8)
        request = {"do": "drive", "name": self.__name__, "driver": code, "arguments": list(arguments)}
        return self._value(self._student.ask(self.__name__, request, []))

    def _value(self, reply: dict) -> Any:
        error = reply.get("error")
        if type(error) is not dict:
            return reply.get("value")
        kind = getattr(builtins, _text(error.get("kind")), None)
        text = _error_text(error, where=True, kind=False)
        if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, NOT_RAISED):
            try:
                raised = kind(text)
            except TypeError:  # some want more than a text
                raised = None
            if raised is not None:
                raise raised
        raise AssertionError(f"your {self.__name__} stopped with {_error_text(error, where=True)}")


def _refuse_luggage(driver: Callable) -> None:
    """A driver may use modules, classes and functions; values travel as arguments, where they are seen."""
    code, names = getattr(driver, "__code__", None), getattr(driver, "__globals__", {})
    if code is None:
        return
    values = {name: names[name] for name in code.co_names if name in names}
    values |= dict(
        zip(code.co_freevars, (cell.cell_contents for cell in driver.__closure__ or ()), strict=True)
    )
    for name, value in values.items():
        if not callable(value) and not isinstance(value, ModuleType):
            raise ValueError(
                f"a driver would take {name} to the student's process: hand it over as an argument"
            )


def _special(value: Any, callbacks: list[Callable]) -> Any:
    """What a test may hand to the student's process beyond data, as a tree for JSON."""
    if isinstance(value, StandIn):
        return ["name", value.__name__]
    if isinstance(value, np.random.Generator):
        return ["numpy generator", _texts(value.bit_generator.state)]
    if type(value).__module__.partition(".")[0] == "torch" and type(value).__name__ == "Generator":
        return ["torch generator", value.get_state().tolist()]
    if callable(value):
        callbacks.append(value)
        return ["callback", len(callbacks) - 1]
    return None


def _texts(state: Any) -> Any:
    """A bit generator's state with its integers as text: JSON numbers are too short for them."""
    if isinstance(state, dict):
        return {name: _texts(value) for name, value in state.items()}
    if isinstance(state, np.ndarray):
        return [str(int(value)) for value in state]
    return str(state)


def _run_callback(request: dict, callbacks: list[Callable]) -> dict:
    """Runs one of the test's own functions for the student's code; its failures travel back as data."""
    number, arguments, options = (request.get(name) for name in ("callback", "arguments", "options"))
    try:
        if type(number) is not int or not 0 <= number < len(callbacks):
            raise ValueError("no such function")
        if type(arguments) is not list or type(options) is not dict:
            raise ValueError("no arguments")
        return {"value": callbacks[number](*arguments, **options)}
    except Exception as error:
        return {"error": {"kind": type(error).__name__, "text": str(error)[:2000]}}


def _mirror(old: Any, new: Any) -> None:
    """Repeats an in-place change of an array or tensor, so that a test can see it."""
    same = type(old) is type(new) and getattr(old, "shape", None) == getattr(new, "shape", None)
    if not same or getattr(old, "dtype", None) != getattr(new, "dtype", None):
        return
    if wire.encode(old) == wire.encode(new):
        return  # what is unchanged is left alone: it may be read-only, as a broadcast array is
    if isinstance(old, np.ndarray):
        old[...] = new
    elif type(old).__module__.partition(".")[0] == "torch":
        old.detach().copy_(new)


def _error_text(error: Any, *, where: bool, kind: bool = True) -> str:
    """A described exception in one or two lines; empty where there is none."""
    if type(error) is not dict:
        return ""
    text = _text(error.get("text"))
    if kind:
        text = f"{_text(error.get('kind'))}: {text}".rstrip(": ")
    place = _text(error.get("where"))
    return f"{text}\n  {place}" if where and place else text


def _text(value: Any, most: int = 2000) -> str:
    """Text of a reply, which may not be what it should be, cut to what a person reads."""
    return value[:most] if type(value) is str else ""
