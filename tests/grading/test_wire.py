"""Values cross the wire unchanged, objects do not cross at all, and no forged message does harm."""

import json
import math
import struct
import time

import numpy as np
import pytest
import torch

from course_lib.grading import wire
from course_lib.grading.wire import Opaque, WireError, decode, encode


def there_and_back(value):
    return decode(encode(value))


def message(tree, body: bytes = b"", header: bytes | None = None) -> bytes:
    header = json.dumps(tree).encode() if header is None else header
    return struct.pack("<II", len(header), len(body)) + header + body


def test_message_is_what_it_says():
    # Lengths, a tree in which each value bears its kind, and the array's bytes.
    header = (
        b'{"list": ["a", {"int": "7"}, {"float": "0x1.8000000000000p+0"}, {"array": ["numpy", "<i2", [2]]}]}'
    )
    expected = struct.pack("<II", len(header), 4) + header + b"\x01\x00\x02\x00"
    assert encode(["a", 7, 1.5, np.array([1, 2], dtype=np.int16)]) == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        10**3000,
        "",
        "μ 😀\n\x00",
        [],
        (),
        {},
        [1, (2.5, [None])],
        {"a": {1: (True,)}},
    ],
    ids=repr,
)
def test_plain_values_return(value):
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("value", [0.1, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, -0.0, 1 - 0.5j])
def test_floats_return_to_the_last_bit(value):
    assert repr(there_and_back(value)) == repr(value)


def test_nan_returns():
    assert math.isnan(there_and_back(math.nan))


@pytest.mark.parametrize("dtype", ["?", "b", "B", "h", "H", "i", "I", "l", "L", "e", "f", "d", "g", "F", "D"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 5), (4, 3, 2)], ids=str)
def test_arrays_return(dtype, shape):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    back = there_and_back(array)
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert np.array_equal(back, array)
    assert back.flags.writeable


def test_arrays_return_from_any_layout():
    array = np.arange(24.0).reshape(4, 6)
    for view in (array.T, array[::2, ::-1], array[1:, 2], np.broadcast_to(1.0, (2, 3)), array.astype(">f8")):
        back = there_and_back(view)
        assert np.array_equal(back, view)
        assert back.dtype == np.float64


def test_arrays_in_one_message_keep_their_places():
    one, two = np.arange(5), np.ones((2, 2), dtype=bool)
    back = there_and_back({"one": [one], "two": two})
    assert np.array_equal(back["one"][0], one)
    assert np.array_equal(back["two"], two)


def test_numpy_scalars_return():
    back = there_and_back(np.float32(0.1))
    assert type(back) is np.float32
    assert back == np.float32(0.1)
    assert there_and_back(np.str_("half")) == "half"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64])
def test_tensors_return(dtype):
    tensor = torch.tensor([[0, 1, 1], [1, 0, 1]], dtype=dtype)
    back = there_and_back(tensor.T)
    assert isinstance(back, torch.Tensor)
    assert back.dtype == dtype
    assert torch.equal(back, tensor.T)


def test_gradients_stay_behind():
    assert not there_and_back(torch.ones(2, requires_grad=True) * 2).requires_grad


@pytest.mark.parametrize(
    "value",
    [
        print,
        object(),
        {1, 2},
        b"bytes",
        range(3),
        np.array([print]),
        np.array(["text"]),
        np.datetime64("2026-01-01"),
        np.zeros(2, dtype=[("a", "f8")]),
        10**20_000,
        torch.ones(2).to_sparse(),
        torch.ones(2, dtype=torch.bfloat16),
        torch.ones(2, device="meta"),
        type("Fake", (), {"__class__": property(lambda self: np.ndarray)})(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_do_not_cross(value):
    assert isinstance(there_and_back(value), Opaque)


def test_opaque_equals_nothing():
    one, two = there_and_back([print, print])
    assert one != two
    assert one != "builtin_function_or_method"
    assert "builtin_function_or_method" in repr(one)


def test_subclasses_travel_as_what_they_derive_from():
    yes = {"__eq__": lambda *a: True, "__hash__": lambda self: 0}
    for base, value in ((int, 3), (float, 0.5), (str, "text"), (list, [1]), (tuple, (1,)), (dict, {1: 2})):
        back = there_and_back(type("Sly", (base,), yes)(value))
        assert type(back) is base
        assert back == value


def test_special_values_are_up_to_both_sides():
    sent = encode([print], lambda value: ["named", value.__name__])
    assert decode(sent, lambda tree: tuple(tree)) == [("named", "print")]
    with pytest.raises(WireError):
        decode(sent)


def test_special_may_decline():
    assert isinstance(decode(encode(print, lambda value: None)), Opaque)


class TestLimits:
    def test_items(self):
        assert len(there_and_back([0] * (wire.MAX_ITEMS - 1))) == wire.MAX_ITEMS - 1
        with pytest.raises(WireError, match="items"):
            encode([0] * wire.MAX_ITEMS)

    def test_depth(self):
        value: list = []
        for _ in range(wire.MAX_DEPTH):
            value = [value]
        assert there_and_back(value) == value
        with pytest.raises(WireError, match="deeper"):
            encode([value])

    def test_a_list_that_holds_itself(self):
        value: list = []
        value.append(value)
        with pytest.raises(WireError):
            encode(value)

    def test_body(self):
        with pytest.raises(WireError, match="too large"):
            encode(np.zeros(wire.MAX_BODY // 8 + 1))

    def test_header(self):
        with pytest.raises(WireError, match="too large"):
            encode("x" * wire.MAX_HEADER)

    def test_a_list_without_an_end(self):
        with pytest.raises(WireError):
            encode(type("Endless", (list,), {"__iter__": lambda self: iter(int, 1)})())


ARRAY = {
    "objects": ["numpy", "O", [1]],
    "records": ["numpy", "f8,f8", [1]],
    "raw": ["numpy", "V8", [1]],
    "dates": ["numpy", "<M8[s]", [1]],
    "text": ["numpy", "<U2", [1]],
    "no dtype": ["numpy", None, [1]],
    "dtype as dict": ["numpy", {"names": ["a"], "formats": ["O"]}, [1]],
    "negative": ["numpy", "<f8", [-1]],
    "bool as size": ["numpy", "<f8", [True]],
    "float as size": ["numpy", "<f8", [1.0]],
    "text as shape": ["numpy", "<f8", "11"],
    "overflow": ["numpy", "<f8", [2**26, 2**26, 2**26]],
    "empty and huge": ["numpy", "<f8", [0, 2**40]],
    "too many axes": ["numpy", "<f8", [1] * 65],
    "more than there is": ["numpy", "<f8", [2]],
    "two entries": ["numpy", "<f8"],
    "torch lacks it": ["torch", "<f16", [0]],
    "no list": 3,
}
FORGED = {
    "empty": b"",
    "short": b"\x01",
    "no JSON": message(None, header=b"\xff\xfe{"),
    "no value": message(3),
    "bare list": message([]),
    "two kinds": message({"int": "1", "float": "0x1p0"}),
    "unknown kind": message({"pickle": "gASV"}),
    "special": message({"special": ["callback", 0]}),
    "deep JSON": message(None, header=b"[" * 1_000_000),
    "deep tree": message(None, header=b'{"list":[' * 500 + b"]}" * 500),
    "wide": message({"list": [None] * (wire.MAX_ITEMS + 1)}),
    "digits": message(None, header=b"1" * 1_000_000),
    "integer of a million digits": message({"int": "1" * 1_000_000}),
    "integer that is none": message({"int": 7}),
    "float out of range": message({"float": "0x1p99999999"}),
    "float that is none": message({"float": "passed"}),
    "complex": message({"complex": ["0x1p0"]}),
    "list that is none": message({"list": 3}),
    "dict of three": message({"dict": [[None, None, None]]}),
    "unhashable key": message({"dict": [[{"list": []}, None]]}),
    "lengths": message(None)[:-1],
    "too long": message(None) + b"x",
    **{f"array: {name}": message({"array": content}, bytes(8)) for name, content in ARRAY.items()},
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_forged_messages_are_refused(forged):
    with pytest.raises(WireError):
        decode(forged)


def test_keys_that_collide_do_not_hold_the_reader_up():
    tree = {"dict": [[{"int": str(k * (2**61 - 1))}, None] for k in range(1, 40_000)]}
    began = time.process_time()
    with pytest.raises(WireError):
        decode(message(tree))
    assert time.process_time() - began < 2


def test_half_characters_become_readable():
    decode(message("\ud800x")).encode("utf-8")


def test_random_bytes_never_get_further_than_an_error():
    rng = np.random.default_rng(0)
    good = bytearray(encode({"value": [1.5, "text", np.arange(4.0), (None, True)], "arguments": []}))
    for _ in range(3000):
        bad = good.copy()
        for place in rng.integers(0, len(bad), rng.integers(1, 4)):
            bad[place] = rng.integers(256)
        try:
            decode(bytes(bad))
        except WireError:
            continue


class TestReadAndWrite:
    def test_in_pieces(self):
        sent = encode({"value": np.arange(1000)})
        rest = bytearray(sent)

        def receive(size):
            piece = bytes(rest[: min(size, 7)])
            del rest[: len(piece)]
            return piece

        assert wire.read(receive) == sent
        got = bytearray()

        def send(data):
            got.extend(data[:5])
            return min(5, len(data))

        wire.write(send, sent)
        assert bytes(got) == sent

    def test_the_end_of_the_stream(self):
        rest = [encode(1)[:-1], b""]
        with pytest.raises(EOFError):
            wire.read(lambda size: rest.pop(0)[:size])

    @pytest.mark.parametrize("lengths", [(wire.MAX_HEADER + 1, 0), (0, wire.MAX_BODY + 1), (2**32 - 1,) * 2])
    def test_announcements_are_checked_before_anything_is_read(self, lengths):
        asked = []

        def receive(size):
            asked.append(size)
            return struct.pack("<II", *lengths)

        with pytest.raises(WireError, match="forbidden size"):
            wire.read(receive)
        assert asked == [8]
