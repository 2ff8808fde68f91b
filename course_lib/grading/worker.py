"""The student's process: runs answer cells, and calls what they define when the trusted side asks.

It knows no test, no expected value and no seed, and is the only place where a student's code runs. Whatever
the code does to this process (patches, floods, forged replies) it does to its own marks alone: the other side
reads values and a clock.

Started by `sandbox.start_worker`; requests come on standard input, replies go to standard output, as messages
of `wire`.
"""

import io
import linecache
import os
import random
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.grading import wire
from course_lib.grading.sandbox import limit_this_process

SHOWN = 20_000
"""Characters of a cell's output that are kept."""


class Bounded(io.TextIOBase):
    """A text stream that keeps the beginning and forgets the rest."""

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if len(self.text) < SHOWN:
            self.text += text[: SHOWN - len(self.text)]
        return len(text)


class NoMagic:
    """Stands for IPython: `%%time` runs its cell, `%matplotlib inline` and `!ls` do nothing."""

    def __init__(self, namespace: dict) -> None:
        self._namespace = namespace

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        exec(cell, self._namespace)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **options: None


class Worker:
    """A namespace in which a student's cells run, and the requests that reach it."""

    def __init__(self, receive: Callable[[int], bytes], send: Callable[[bytes], int]) -> None:
        self._receive, self._send = receive, send
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace = module.__dict__
        magic = NoMagic(self.namespace)
        self.namespace["get_ipython"] = lambda: magic

    def serve(self) -> None:
        """Answers requests until the other side hangs up."""
        self._reply({"ready": True})
        while True:
            try:
                request = wire.decode(wire.read(self._receive), self._special)
            except EOFError:
                return
            output = sys.stdout = sys.stderr = Bounded()
            try:
                reply = getattr(self, f"do_{request.pop('do')}")(**request)
            except BaseException as error:
                reply = {"error": describe(error)}
            self._reply({**reply, "output": output.text})

    def do_run(self, name: str, source: str) -> dict:
        """Runs a cell."""
        file = f"<{name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        try:
            code = compile(source, file, "exec")
        except SyntaxError:
            from IPython.core.inputtransformer2 import TransformerManager  # slow, and seldom needed

            code = compile(TransformerManager().transform_cell(source), file, "exec")
        exec(code, self.namespace)
        return {}

    def do_look(self, names: list[str]) -> dict:
        """Values of the names that are bound; callables by name only."""
        found = {name: self.namespace[name] for name in names if name in self.namespace}
        functions = [name for name, value in found.items() if callable(value)]
        return {
            "functions": functions,
            "values": {name: value for name, value in found.items() if name not in functions},
        }

    def do_call(self, name: str, arguments: list, options: dict) -> dict:
        """Calls a function, and shows its arguments after the call: some were changed in place."""
        value = self.namespace[name](*arguments, **options)
        if isinstance(value, types.GeneratorType | map | filter | zip | range):
            value = list(value)
        return {"value": value, "arguments": arguments}

    def do_drive(self, name: str, driver: np.ndarray, arguments: list) -> dict:
        """Runs an instructor's function beside the student's."""
        import cloudpickle

        return {"value": cloudpickle.loads(driver.tobytes())(self.namespace[name], *arguments)}

    def _reply(self, reply: dict) -> None:
        try:
            message = wire.encode(reply)
        except Exception as error:
            message = wire.encode({"error": describe(error), "output": ""})
        wire.write(self._send, message)

    def _special(self, tree: Any) -> Any:
        """What the trusted side may send beyond data: callbacks, generators, and names of this namespace."""
        kind, content = tree
        if kind == "name":
            return self.namespace[content]
        if kind == "callback":
            return lambda *arguments, **options: self._call_back(content, arguments, options)
        if kind == "numpy generator":
            bits = getattr(np.random, content["bit_generator"])()
            bits.state = _integers(content)
            return np.random.Generator(bits)
        if kind == "torch generator":
            import torch

            generator = torch.Generator()
            generator.set_state(torch.tensor(content, dtype=torch.uint8))
            return generator
        raise wire.WireError(f"unknown kind {kind!r}")

    def _call_back(self, number: int, arguments: tuple, options: dict) -> Any:
        wire.write(
            self._send,
            wire.encode({"callback": number, "arguments": list(arguments), "options": options}),
        )
        reply = wire.decode(wire.read(self._receive))
        if "error" in reply:
            kind = getattr(__import__("builtins"), reply["error"]["kind"], RuntimeError)
            raise kind(reply["error"]["text"])
        return reply["value"]


def describe(error: BaseException) -> dict:
    """An exception as data: its type's name, its text, and the line of the cell where it happened."""
    try:
        text = str(error)
    except Exception:
        text = ""
    where = ""
    if isinstance(error, SyntaxError):
        where = f"line {error.lineno}: {(error.text or '').strip()}"
        text = error.msg
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename.startswith("<") and not frame.filename.startswith("<frozen"):
                where = f"line {frame.lineno} of {frame.filename.strip('<>')}: {(frame.line or '').strip()}"
    return {"kind": type(error).__name__[:80], "text": text[:2000], "where": where[:300]}


def _integers(state: Any) -> Any:
    """A bit generator's state as it was before its integers became text for JSON."""
    if isinstance(state, dict):
        return {name: _integers(value) for name, value in state.items()}
    if isinstance(state, list):
        return np.array([int(value) for value in state], dtype=np.uint64)
    return int(state) if state.lstrip("-").isdigit() else state


def main() -> None:
    """Takes the wire's ends away from where the student's code looks for its standard streams, and serves.

    Arguments on the command line: those of `limit_this_process`.
    """
    receiving, sending = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    random.seed(0)  # answers that draw from the global generators get the same marks again
    np.random.seed(0)  # noqa: NPY002
    limit_this_process(*map(int, sys.argv[1:4]))
    Worker(lambda size: os.read(receiving, size), lambda data: os.write(sending, data)).serve()


if __name__ == "__main__":
    main()
