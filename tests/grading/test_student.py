"""Stand-ins behave like the student's functions; a process that ends, hangs or lies costs one question."""

import threading
import time

import numpy as np
import pytest
import torch

from course_lib.grading import wire
from course_lib.grading.sandbox import Limits
from course_lib.grading.student import StandIn, Stopped, Student

LIMITS = Limits(cell_seconds=1.0, submission_seconds=30.0)


class Script:
    """A student's process, played: `play` gets each request, and returns a reply, bytes, or None for silence.

    A generator is a conversation: what it yields is sent, and it receives what is said to that.
    """

    def __init__(self, play) -> None:
        self.play, self.requests, self.killed, self.closed = play, [], False, False
        self._inbox, self._outbox = bytearray(), bytearray(wire.encode({"ready": True}))
        self._changed = threading.Condition()
        self._talk = None

    def send(self, data) -> int:
        self._inbox += data
        header, body = wire.LENGTHS.unpack_from(self._inbox)
        if len(self._inbox) < 8 + header + body:
            return len(data)
        # What is special for the worker is of no interest here.
        request = wire.decode(bytes(self._inbox), lambda tree: f"special {tree}")
        self._inbox.clear()
        self.requests.append(request)
        try:
            if self._talk is None:
                reply = self.play(request)
                if hasattr(reply, "send"):
                    self._talk = reply
                    reply = next(reply)
            else:
                reply = self._talk.send(request)
        except StopIteration as end:
            self._talk, reply = None, end.value
        with self._changed:
            if isinstance(reply, Exception):
                self.killed = True
            elif reply is not None:
                self._outbox += reply if isinstance(reply, bytes) else wire.encode(reply)
            self._changed.notify_all()
        return len(data)

    def receive(self, size: int) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._outbox or self.killed)
            piece = bytes(self._outbox[:size])
            del self._outbox[:size]
            return piece

    def kill(self) -> None:
        with self._changed:
            self.killed = True
            self._changed.notify_all()

    def close(self) -> None:
        self.closed = True


class Room:
    """Opens a played process each time that one is wanted."""

    def __init__(self, play) -> None:
        self.play, self.opened = play, []

    def __call__(self) -> Script:
        self.opened.append(Script(self.play))
        return self.opened[-1]


def student(play, limits: Limits = LIMITS) -> tuple[Student, Room]:
    room = Room(play)
    return Student(room, limits), room


def function(play) -> StandIn:
    return StandIn(student(play)[0], "f")


CRASH = RuntimeError("the process ends")


class TestCells:
    def test_answer(self):
        one, room = student(lambda request: {"output": "hello\n"})
        answer = one.run("q1", "print('hello')")
        assert (answer.source, answer.error, answer.output) == ("print('hello')", "", "hello\n")
        assert room.opened[0].requests == [{"do": "run", "name": "q1", "source": "print('hello')"}]

    def test_error_says_what_and_where(self):
        error = {"kind": "ValueError", "text": "no", "where": "line 2 of q1: f()"}
        one, _ = student(lambda request: {"error": error, "output": ""})
        assert one.run("q1", "x").error == "ValueError: no\n  line 2 of q1: f()"

    @pytest.mark.parametrize("lie", [3, [], {"kind": 3, "text": []}, {}, "text", None, {"kind": None}])
    def test_lies_about_errors(self, lie):
        one, _ = student(lambda request: {"error": lie, "output": lie})
        answer = one.run("q1", "x")
        assert type(answer.error) is str
        assert type(answer.output) is str

    def test_texts_are_cut_here(self):
        long = "x" * 1_000_000
        reply = {"error": {"kind": long, "text": long, "where": long}, "output": long}
        one, _ = student(lambda request: reply)
        answer = one.run("q1", "x")
        assert len(answer.error) + len(answer.output) < 50_000

    def test_process_that_ends(self):
        one, room = student(lambda request: CRASH if request["name"] == "bad" else {"output": ""})
        assert one.run("good", "1").error == ""
        assert "ended" in one.run("bad", "2").error
        assert one.run("other", "3").error == ""
        # The new process has run what ran before, and not what ended it.
        assert [r["name"] for r in room.opened[1].requests] == ["good", "other"]
        assert one.crashed
        assert not one.timed_out
        assert room.opened[0].closed

    def test_process_that_hangs(self):
        one, room = student(lambda request: None if request["name"] == "bad" else {"output": ""})
        began = time.monotonic()
        assert "no end after 1 s" in one.run("bad", "2").error
        assert time.monotonic() - began < 5
        assert one.run("other", "3").error == ""
        assert one.timed_out
        assert room.opened[0].killed

    def test_cell_that_no_longer_runs_is_left_out(self):
        starts = []

        def play(request):
            if request["name"] == "moody":
                starts.append(1)
                return CRASH if len(starts) > 1 else {"output": ""}
            return CRASH if request["name"] == "bad" else {"output": ""}

        one, room = student(play)
        for name in ("good", "moody", "bad", "last"):
            one.run(name, "")
        assert [r["name"] for r in room.opened[-1].requests] == ["good", "last"]

    def test_time_of_a_submission_ends(self):
        one, room = student(lambda request: None, Limits(cell_seconds=0.3, submission_seconds=0.7))
        errors = [one.run(f"q{k}", "x").error for k in range(6)]
        assert "used up its 1 seconds" in errors[-1]
        assert len(room.opened) < 5
        assert one.timed_out


class TestLook:
    def test_functions_and_values(self):
        values = {"x": np.arange(2), "stranger": 1}
        one, _ = student(lambda request: {"functions": ["f", "g"], "values": values})
        found = one.look(["f", "x", "absent"])
        assert set(found) == {"f", "x"}
        assert isinstance(found["f"], StandIn)
        assert found["x"].tolist() == [0, 1]

    @pytest.mark.parametrize("lie", [{}, {"functions": 3, "values": 4}, {"functions": [[]], "values": []}])
    def test_lies(self, lie):
        one, _ = student(lambda request: lie)
        assert one.look(["f"]) == {}

    def test_names_of_the_tests_cannot_be_taken(self):
        reply = {"functions": ["_check", "print"], "values": {"_np": None, "f": 1}}
        one, _ = student(lambda request: reply)
        assert one.look(["f"]) == {"f": 1}

    def test_process_that_ends(self):
        with pytest.raises(Stopped, match="ended"):
            student(lambda request: CRASH)[0].look(["f"])


class TestCalls:
    def test_value(self):
        f = function(lambda r: {"value": r["arguments"][0] * 2 + r["options"]["x"], "arguments": []})
        assert f(np.array([1.0, 2.0]), x=1).tolist() == [3.0, 5.0]
        assert f.__name__ == "f"

    def test_reply_without_a_value(self):
        assert function(lambda request: {"points": 100})(1) is None

    @pytest.mark.parametrize(
        "reply", [b"\0" * 100, wire.encode([1]), wire.encode({1: 2}), wire.encode({"a": 1})[:-1]]
    )
    def test_reply_that_is_none(self, reply):
        with pytest.raises(AssertionError, match=r"ended|no end"):
            function(lambda request: reply)(1)

    @pytest.mark.parametrize(
        "kind", [ValueError, KeyError, NotImplementedError, ZeroDivisionError, AssertionError, RecursionError]
    )
    def test_exceptions_arrive_as_what_they_are(self, kind):
        f = function(lambda request: {"error": {"kind": kind.__name__, "text": "no", "where": "line 1"}})
        with pytest.raises(kind, match=r"(?s)no.*  line 1"):
            f()

    @pytest.mark.parametrize(
        "kind",
        [
            *("StopIteration", "StopAsyncIteration", "GeneratorExit", "SystemExit", "KeyboardInterrupt"),
            *("BaseExceptionGroup", "ExceptionGroup", "UnicodeDecodeError", "BaseException"),
            *("print", "__import__", "__name__", "no such name", "", 3, None),
        ],
    )
    def test_no_exception_steers_a_test(self, kind):
        with pytest.raises(AssertionError, match="f stopped with"):
            function(lambda request: {"error": {"kind": kind, "text": "passed"}})()

    def test_crash_costs_only_the_function(self):
        one, room = student(lambda request: CRASH if request.get("name") == "f" else {"value": 7})
        for _ in range(3):
            with pytest.raises(AssertionError, match="f: the process that ran your code ended"):
                StandIn(one, "f")(1)
        assert StandIn(one, "g")(1) == 7
        assert len(room.opened) == 2, "a function that was given up is not tried again"

    def test_hang_costs_the_time_once(self):
        one, _ = student(lambda request: None)
        began = time.monotonic()
        for _ in range(5):
            with pytest.raises(AssertionError, match="no end after 1 s"):
                StandIn(one, "f")(1)
        assert time.monotonic() - began < 5

    def test_slow_drip_does_not_help(self):
        one, room = student(lambda request: wire.LENGTHS.pack(100, 0) + b" ")
        began = time.monotonic()
        with pytest.raises(AssertionError, match="no end"):
            StandIn(one, "f")(1)
        assert time.monotonic() - began < 5
        assert room.opened[0].killed


class TestArguments:
    def test_changes_in_place_are_seen(self):
        array, tensor = np.zeros(3), torch.zeros(2)
        reply = {"value": 1, "arguments": [np.ones(3), torch.ones(2)]}
        function(lambda request: reply)(array, tensor)
        assert array.tolist() == [1, 1, 1]
        assert tensor.tolist() == [1, 1]

    @pytest.mark.parametrize(
        "lie",
        [
            [],
            None,
            {},
            ["x", "y"],
            [np.ones(4), 2],
            [np.ones(3, int), 2],
            [np.ones((3, 1)), 2],
            [torch.ones(3), 2],
            [np.ones(3), 2, 3],
            [[1, 1, 1], 2],
        ],
        ids=repr,
    )
    def test_only_what_was_sent_can_change(self, lie):
        array = np.zeros(3)
        function(lambda request: {"value": 1, "arguments": lie})(array, 2)
        assert array.tolist() == [0, 0, 0]

    def test_what_did_not_change_may_be_read_only(self):
        array, tensor = np.broadcast_to(np.nan, 3), torch.zeros(1).expand(3)
        echo = function(lambda request: {"value": 1, "arguments": request["arguments"]})
        assert echo(array, tensor) == 1


class TestDrivers:
    def test_values_do_not_travel_with_a_driver(self):
        inside = 3

        def with_a_closure(f):
            return f(inside)

        for driver, name in ((with_a_closure, "inside"), (lambda f: f(LIMITS), "LIMITS")):
            with pytest.raises(ValueError, match=f"would take {name} to the student's process"):
                function(lambda request: {"value": 1}).run_beside(driver)
        assert function(lambda request: {"value": 1}).run_beside(lambda f: np.sum(f(1))) == 1


class TestCallbacks:
    def test_the_tests_function_is_run_here(self):
        heard = []

        def evaluate(x, *, shift):
            heard.append(x)
            return x + shift

        def play(request):
            reply = yield {"callback": 0, "arguments": [np.arange(3)], "options": {"shift": 1}}
            return {"value": reply["value"]}

        assert function(play)(evaluate).tolist() == [1, 2, 3]
        assert [x.tolist() for x in heard] == [[0, 1, 2]]

    def test_its_errors_travel_as_text(self):
        def play(request):
            reply = yield {"callback": 0, "arguments": [], "options": {}}
            return {"value": reply["error"]}

        def evaluate():
            raise ValueError("too many")

        assert function(play)(evaluate) == {"kind": "ValueError", "text": "too many"}

    @pytest.mark.parametrize(
        "asked",
        [
            {"callback": 1, "arguments": [], "options": {}},
            {"callback": -1, "arguments": [], "options": {}},
            {"callback": True, "arguments": [], "options": {}},
            {"callback": "0", "arguments": [], "options": {}},
            {"callback": 0, "arguments": {}, "options": {}},
            {"callback": 0, "arguments": [], "options": []},
            {"callback": 0, "arguments": [], "options": {1: 2}},
            {"callback": 0},
        ],
        ids=repr,
    )
    def test_odd_requests_are_refused(self, asked):
        def play(request):
            reply = yield asked
            return {"value": "error" in reply}

        called = []
        assert function(play)(lambda *a, **k: called.append(1)) is True
        assert called == []

    def test_there_is_an_end(self, monkeypatch):
        monkeypatch.setattr("course_lib.grading.student.MAX_CALLBACKS", 50)

        def play(request):
            while True:
                yield {"callback": 0, "arguments": [], "options": {}}

        called = []
        with pytest.raises(AssertionError, match="more than 50 times"):
            function(play)(lambda: called.append(1))
        assert 45 < len(called) <= 50

    def test_time_of_the_test_is_not_the_students(self):
        def play(request):
            for _ in range(4):
                yield {"callback": 0, "arguments": [], "options": {}}
            return {"value": 7}

        assert function(play)(lambda: time.sleep(0.4)) == 7

    def test_functions_of_an_earlier_call_are_gone(self):
        called = []

        def play(request):
            if request["arguments"] != [1]:
                return {"value": None}
            reply = yield {"callback": 0, "arguments": [], "options": {}}
            return {"value": "error" in reply}

        f = function(play)
        f(lambda: called.append(1))
        assert f(1) is True
        assert called == []


def test_generators_are_sent_by_their_state():
    seen = []

    def play(request):
        seen.extend(request["arguments"])
        return {"value": None}

    function(play)(np.random.default_rng(1), torch.Generator())
    assert "PCG64" in seen[0]
    assert seen[1].startswith("special ['torch generator'")


def test_drivers_travel_and_their_values_return():
    import cloudpickle

    def play(request):
        assert request["do"] == "drive"
        return {
            "value": cloudpickle.loads(request["driver"].tobytes())(lambda x: x * 10, *request["arguments"])
        }

    assert function(play).run_beside(lambda f, x: f(x) + 1, 4) == 41
