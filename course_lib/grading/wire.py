"""What may cross between the student's process and the trusted one: values, never objects.

A message is a tree of numbers, text, lists, tuples, dicts, arrays and tensors, written as JSON with the raw
bytes of the arrays behind it. Nothing in it can run: no pickle, no class of the sender's choice. Whatever
else a student's code returns arrives as `Opaque`, which equals nothing.

The reader trusts no length, shape or nesting that it has not checked.
"""

import json
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_HEADER = 4 << 20
"""Bytes of JSON in one message."""
MAX_BODY = 64 << 20
"""Bytes of array data in one message."""
MAX_DEPTH = 16
MAX_ITEMS = 100_000
"""Values in one message, not counting the entries of arrays."""
MAX_KEYS = 5000
"""Keys of one dict: chosen so that they collide, they cost the square of their number."""
MAX_DIGITS = 4000
KINDS = "biufc"
"""numpy's kinds of numbers that travel: bool, integers, floats, complex."""
LENGTHS = struct.Struct("<II")


@dataclass(frozen=True, eq=False)
class Opaque:
    """Stands for something that cannot travel; a test sees only what it was called."""

    what: str

    def __repr__(self) -> str:
        return f"<{self.what}, which is no number, text, list, dict, array or tensor>"


class WireError(ValueError):
    """A message that breaks the rules."""


def encode(value: Any, special: Callable[[Any], Any] | None = None) -> bytes:
    """A value as a message.

    Args:
        value: numbers, text, None, numpy arrays and scalars, torch tensors, and lists, tuples, dicts of them.
            Subclasses travel as what they derive from; anything else as `Opaque`.
        special: turns a value that is no data into a JSON tree that `decode`'s `special` understands; None
            where it is nothing special.

    Returns:
        The message's bytes.

    Raises:
        WireError: the message would be too large.
    """
    blobs: list[bytes] = []
    count = 0

    def tree(value: Any, depth: int) -> Any:
        nonlocal count
        count += 1
        if depth > MAX_DEPTH or count > MAX_ITEMS:
            raise WireError(f"the value holds more than {MAX_ITEMS} items, or nests deeper than {MAX_DEPTH}")
        if value is None or value is True or value is False:
            return value
        array = _as_array(value)
        if array is not None:
            kind, array = array
            if array is None:
                return {"opaque": f"tensor of dtype {value.dtype} and layout {value.layout}"}
            if array.dtype.kind not in KINDS:
                return {"opaque": f"numpy array of dtype {array.dtype}"}
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
            blobs.append(np.ascontiguousarray(array).tobytes())
            return {"array": [kind, array.dtype.str, list(array.shape)]}
        if isinstance(value, int):
            number = int.__index__(value)
            return (
                {"int": str(number)} if number.bit_length() < 3 * MAX_DIGITS else {"opaque": "huge integer"}
            )
        if isinstance(value, float):
            return {"float": float.hex(value)}
        if isinstance(value, complex):
            return {"complex": [float.hex(value.real), float.hex(value.imag)]}
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, list | tuple):
            return {
                "tuple" if isinstance(value, tuple) else "list": [tree(item, depth + 1) for item in value]
            }
        if isinstance(value, dict):
            return {"dict": [[tree(key, depth + 1), tree(item, depth + 1)] for key, item in value.items()]}
        if special is not None and (made := special(value)) is not None:
            return {"special": made}
        return {"opaque": str(type(value).__name__)[:80]}

    header = json.dumps(tree(value, 0)).encode("ascii")
    body = b"".join(blobs)
    if len(header) > MAX_HEADER or len(body) > MAX_BODY:
        raise WireError(f"a value of {(len(header) + len(body)) / 2**20:.0f} MiB is too large to be graded")
    return LENGTHS.pack(len(header), len(body)) + header + body


def decode(message: bytes, special: Callable[[Any], Any] | None = None) -> Any:
    """The value in a message.

    Args:
        message: what `read` returned.
        special: turns a tree of the other side's `special` into a value.

    Raises:
        WireError: the message breaks a rule; nothing of it was used.
    """
    offset, count = 0, 0
    try:
        header_size, body_size = LENGTHS.unpack_from(message)
        start = LENGTHS.size + header_size
        if len(message) != start + body_size:
            raise WireError("the lengths do not fit")
        body = memoryview(message)[start:]
        root = json.loads(message[LENGTHS.size : start])
    except (struct.error, ValueError, RecursionError, MemoryError) as error:
        raise WireError(f"no message: {error}") from None

    def array(kind: str, code: str, shape: list[int]) -> Any:
        nonlocal offset
        if type(code) is not str or len(code) > 8 or np.dtype(code).kind not in KINDS:
            raise WireError("an array of another type")
        dtype = np.dtype(code)
        if len(shape) > 32 or any(type(size) is not int or not 0 <= size <= MAX_BODY for size in shape):
            raise WireError("an array of no shape")
        size = 1
        for length in shape:
            size *= length
        if size > MAX_BODY or offset + size * dtype.itemsize > len(body):
            raise WireError("an array larger than its data")
        values = np.frombuffer(body, dtype, size, offset).reshape(shape).copy()
        offset += size * dtype.itemsize
        if kind == "torch":
            import torch

            return torch.from_numpy(values)
        return values[()] if kind == "scalar" else values

    def value(node: Any, depth: int) -> Any:
        nonlocal count
        count += 1
        if depth > MAX_DEPTH or count > MAX_ITEMS:
            raise WireError("too many values, or too deep")
        if node is None or type(node) is bool:
            return node
        if type(node) is str:
            return node.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair is no text
        if type(node) is not dict or len(node) != 1:
            raise WireError("no value")
        ((tag, content),) = node.items()
        match tag:
            case "int":
                if type(content) is not str or len(content) > MAX_DIGITS + 1:
                    raise WireError("no integer")
                return int(content)
            case "float":
                return float.fromhex(content)
            case "complex":
                real, imaginary = content
                return complex(float.fromhex(real), float.fromhex(imaginary))
            case "list":
                return [value(item, depth + 1) for item in content]
            case "tuple":
                return tuple(value(item, depth + 1) for item in content)
            case "dict":
                if len(content) > MAX_KEYS:
                    raise WireError("too many keys")
                return {value(key, depth + 1): value(item, depth + 1) for key, item in content}
            case "array":
                return array(*content)
            case "opaque":
                return Opaque(value(str(content)[:80], depth + 1))
            case "special" if special is not None:
                return special(content)
        raise WireError("no value")

    try:
        return value(root, 0)
    except WireError:
        raise
    except Exception as error:  # whatever a hostile tree provokes, it is a message that breaks the rules
        raise WireError(f"no value: {error}") from None


def read(receive: Callable[[int], bytes]) -> bytes:
    """One whole message.

    Args:
        receive: returns at most so many bytes, and none at the end of the stream.

    Raises:
        EOFError: the stream ended.
        WireError: the sender announces more than is allowed.
    """

    def exactly(size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = receive(min(size - len(data), 1 << 20))
            if not piece:
                raise EOFError("the stream ended")
            data += piece
        return bytes(data)

    lengths = exactly(LENGTHS.size)
    header_size, body_size = LENGTHS.unpack(lengths)
    if header_size > MAX_HEADER or body_size > MAX_BODY:
        raise WireError("a message of forbidden size")
    return lengths + exactly(header_size + body_size)


def write(send: Callable[[bytes], int], message: bytes) -> None:
    """Sends a whole message.

    Args:
        send: sends some of the bytes, and returns how many.
    """
    rest = memoryview(message)
    while rest:
        rest = rest[send(rest[: 1 << 20]) :]


def _as_array(value: Any) -> tuple[str, np.ndarray | None] | None:
    """Where an array came from, and the array, None where numpy has none like it; None for other values."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        try:
            return "torch", value.detach().cpu().resolve_conj().resolve_neg().numpy()
        except (RuntimeError, TypeError):  # sparse, quantized, bfloat16
            return "torch", None
    if isinstance(value, np.generic) and not isinstance(value, str | bytes):
        return "scalar", np.asarray(value)
    if isinstance(value, np.ndarray):
        return "numpy", np.asarray(value)
    return None
