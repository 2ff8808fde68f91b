"""The student's process, spoken to directly: it runs cells, calls functions, and always answers."""

import sys
import threading

import cloudpickle
import numpy as np
import pytest
import torch

from course_lib.grading import wire
from course_lib.grading.worker import SHOWN, Bounded, Worker, describe


class Pipe:
    """Both ends of a wire, in this process."""

    def __init__(self) -> None:
        self.data, self.open, self.changed = bytearray(), True, threading.Condition()

    def send(self, piece) -> int:
        with self.changed:
            self.data += piece
            self.changed.notify_all()
        return len(piece)

    def receive(self, size: int) -> bytes:
        with self.changed:
            self.changed.wait_for(lambda: self.data or not self.open, timeout=30)
            piece = bytes(self.data[:size])
            del self.data[:size]
            return piece

    def close(self) -> None:
        with self.changed:
            self.open = False
            self.changed.notify_all()


class Talk:
    """A worker that serves in a thread, and the questions to it."""

    def __init__(self) -> None:
        self.there, self.back = Pipe(), Pipe()
        self.worker = Worker(self.there.receive, self.back.send)
        self.thread = threading.Thread(target=self.worker.serve)
        self.thread.start()
        assert self.hear() == {"ready": True}

    def hear(self) -> dict:
        return wire.decode(wire.read(self.back.receive))

    def say(self, value, special=None) -> None:
        wire.write(self.there.send, wire.encode(value, special))

    def ask(self, special=None, **request) -> dict:
        self.say(request, special)
        return self.hear()

    def run(self, source: str) -> dict:
        return self.ask(do="run", name="q1", source=source)

    def call(self, name: str, *arguments, special=None, **options) -> dict:
        return self.ask(special, do="call", name=name, arguments=list(arguments), options=options)


@pytest.fixture
def talk(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    talk = Talk()
    yield talk
    talk.there.close()
    talk.thread.join(30)
    assert not talk.thread.is_alive(), "the worker ends when the other side hangs up"


class TestCells:
    def test_output_and_names(self, talk):
        assert talk.run("x = 2\nprint('two', x)") == {"output": "two 2\n"}
        assert talk.run("print(x + 1)")["output"] == "3\n"

    def test_error_with_its_line(self, talk):
        reply = talk.run("def f():\n    return 1 / 0\n\nf()")
        assert reply["error"]["kind"] == "ZeroDivisionError"
        assert reply["error"]["where"] == "line 2 of q1: return 1 / 0"

    def test_names_before_an_error_stay(self, talk):
        talk.run("x = 5\nraise SystemExit")
        assert talk.ask(do="look", names=["x"])["values"] == {"x": 5}

    def test_syntax_error(self, talk):
        error = talk.run("x = = 1")["error"]
        assert error["kind"] == "SyntaxError"
        assert error["where"].startswith("line 1")

    @pytest.mark.parametrize(
        "source",
        ["%%time\ny = 7", "%matplotlib inline\ny = 7", "!ls\ny = 7", "y = 7\ny?", "files = !ls\ny = 7"],
    )
    def test_magic(self, talk, source):
        assert "error" not in talk.run(source)
        assert talk.ask(do="look", names=["y"])["values"] == {"y": 7}

    @pytest.mark.parametrize(
        "source", ["raise KeyboardInterrupt", "exit()", "raise BaseExceptionGroup('', [exit])"]
    )
    def test_every_end_of_a_cell_is_answered(self, talk, source):
        assert "kind" in talk.run(source)["error"]
        assert talk.run("1") == {"output": ""}

    def test_long_output_is_cut(self, talk):
        assert len(talk.run("for _ in range(100): print('x' * 10_000)")["output"]) == SHOWN

    def test_main_is_the_students(self, talk):
        talk.run("import __main__\nx = 3\nsame = __main__.x == 3 and __name__ == '__main__'")
        assert talk.ask(do="look", names=["same"])["values"] == {"same": True}


class TestLook:
    def test_callables_by_name_only(self, talk):
        talk.run("import functools\nf = lambda: 1\ng = functools.partial(f)\nclass C:\n    pass\nx = [1]")
        reply = talk.ask(do="look", names=["f", "g", "C", "x", "absent"])
        assert reply["functions"] == ["f", "g", "C"]
        assert reply["values"] == {"x": [1]}


class TestCalls:
    def test_value_and_arguments(self, talk):
        talk.run("def f(x, y=1):\n    x += 1\n    return x * y")
        reply = talk.call("f", np.ones(2), y=3)
        assert reply["value"].tolist() == [6, 6]
        assert reply["arguments"][0].tolist() == [2, 2]

    def test_generators_become_lists(self, talk):
        talk.run("def f(n):\n    yield from range(n)")
        assert talk.call("f", 3)["value"] == [0, 1, 2]

    def test_unknown_function(self, talk):
        assert talk.call("absent")["error"]["kind"] == "KeyError"

    def test_value_that_cannot_be_sent(self, talk):
        talk.run("import numpy as np\ndef f():\n    return np.zeros(1 << 24)")
        assert talk.call("f")["error"]["kind"] == "WireError"
        assert talk.run("1") == {"output": ""}

    def test_hostile_values_are_answered(self, talk):
        talk.run("class E(Exception):\n    def __str__(self): raise SystemExit\ndef f(): raise E()")
        assert talk.run("1") == {"output": ""}

    def test_output_of_a_call(self, talk):
        talk.run("def f():\n    print('inside')")
        assert talk.call("f")["output"] == "inside\n"


class TestWhatTestsHandOver:
    def test_callback(self, talk):
        talk.run("def f(evaluate):\n    return evaluate(2, y=3) + 1")
        asked = talk.call("f", print, special=lambda value: ["callback", 4])
        assert asked == {"callback": 4, "arguments": [2], "options": {"y": 3}}
        talk.say({"value": 10})
        assert talk.hear()["value"] == 11

    def test_callback_that_fails(self, talk):
        talk.run("def f(evaluate):\n    try: evaluate()\n    except ValueError as error: return str(error)")
        talk.call("f", print, special=lambda value: ["callback", 0])
        talk.say({"error": {"kind": "ValueError", "text": "too many"}})
        assert talk.hear()["value"] == "too many"

    def test_generators(self, talk):
        from course_lib.grading.student import _special

        talk.run("import torch\ndef f(a, b): return a.normal(size=3), torch.rand(3, generator=b)")
        sent = np.random.default_rng(5), torch.Generator().manual_seed(6)
        one, two = (talk.call("f", *sent, special=lambda value: _special(value, [])) for _ in range(2))
        assert one["value"][0].tolist() == np.random.default_rng(5).normal(size=3).tolist()
        assert torch.equal(one["value"][1], torch.rand(3, generator=torch.Generator().manual_seed(6)))
        assert torch.equal(one["value"][1], two["value"][1])

    def test_other_functions_of_the_student(self, talk):
        talk.run("def g(x): return x + 1\ndef f(h, x): return h(h(x))")
        assert talk.call("f", print, 1, special=lambda value: ["name", "g"])["value"] == 3

    def test_driver(self, talk):
        talk.run("def f(x): return x * 10")
        driver = np.frombuffer(cloudpickle.dumps(lambda f, x: f(x) + 1), np.uint8)
        assert talk.ask(do="drive", name="f", driver=driver, arguments=[4])["value"] == 41


def test_bounded_stream_keeps_the_beginning():
    stream = Bounded()
    assert stream.write("a" * 5) == 5
    assert stream.write("b" * SHOWN) == SHOWN
    assert stream.text == "a" * 5 + "b" * (SHOWN - 5)


@pytest.mark.parametrize(
    "error", [ValueError("x" * 10**6), type("N" * 10**6, (Exception,), {})(), KeyError(), AssertionError("")]
)
def test_descriptions_are_short(error):
    described = describe(error)
    assert set(described) == {"kind", "text", "where"}
    assert sum(map(len, described.values())) < 3000


def test_description_of_what_cannot_describe_itself():
    sly = type("Sly", (Exception,), {"__str__": lambda self: 1 / 0})
    assert describe(sly()) == {"kind": "Sly", "text": "", "where": ""}
