import asyncio
import math
import threading
import time
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from course_lib.widgets import live_curve, palette
from course_lib.widgets.live_curve import LiveCurve, number, short, ticks


def training(values, seconds=0.0, closed=None):
    """Records with `return_mean` from `values`; appends to `closed` when it is closed or used up."""
    try:
        for i, value in enumerate(values, start=1):
            time.sleep(seconds)
            yield {"steps": 100.0 * i, "return_mean": value, "loss": -value}
    finally:
        if closed is not None:
            closed.append(True)


def attach(curve):
    """Collects what the curve sends, decoded as a front end would decode it."""
    messages = []

    def send(content, buffers=None):
        numbers = np.frombuffer(buffers[0], "<f8")
        lines, at = [], 0
        for count in content["counts"]:
            lines.append(
                list(zip(numbers[at : at + count], numbers[at + count : at + 2 * count], strict=True))
            )
            at += 2 * count
        assert at == len(numbers)
        messages.append({**content, "lines": lines})

    curve.send = send
    return messages


def press_stop(curve):
    curve._handle_custom_msg({"type": "stop"}, [])


def test_front_end_gets_every_point_once_and_in_order():
    curve = LiveCurve(y=["return_mean", "loss"])
    messages = attach(curve)
    curve.run_blocking(training(range(40), seconds=0.01))
    for k, sign in ((0, 1), (1, -1)):
        points = [point for message in messages for point in message["lines"][k]]
        assert points == [(100.0 * i, sign * (i - 1.0)) for i in range(1, 41)]
    assert 2 < len(messages) < 12, "about ten pictures a second, not one a record"
    assert curve.state == "done"


def test_a_view_that_says_ready_gets_everything_again():
    curve = LiveCurve()
    messages = attach(curve)
    curve.run_blocking(training([1.0, 2.0, 3.0]))
    curve._handle_custom_msg({"type": "ready"}, [])
    assert messages[-1]["everything"]
    assert messages[-1]["lines"] == [[(100.0, 1.0), (200.0, 2.0), (300.0, 3.0)]]


def test_keeps_the_best_policy_and_not_the_last():
    weights = {"now": None}

    def train():
        for i, value in enumerate([1.0, math.nan, 5.0, 4.0]):
            weights["now"] = i
            yield {"steps": float(i), "return_mean": value}

    run = LiveCurve().run_blocking(train(), keep_best="return_mean", snapshot=lambda: weights["now"])
    assert run.best == 2
    assert run.best_record == {"steps": 2.0, "return_mean": 5.0}
    assert len(run.records) == len(run) == 4
    assert not run.stopped


def test_await_leaves_the_event_loop_free_and_stop_ends_the_run():
    closed, beats = [], []

    async def cell():
        curve = LiveCurve()
        messages = attach(curve)

        async def front_end():
            while len(beats) < 10:
                await asyncio.sleep(0.01)
                beats.append(curve.state)
            press_stop(curve)

        listening = asyncio.ensure_future(front_end())
        run = await curve.run(
            training(range(10**6), 0.005, closed), keep_best="loss", snapshot=lambda: "best"
        )
        await listening
        return curve, run, messages

    curve, run, messages = asyncio.run(cell())
    assert beats == ["running"] * 10
    assert run.stopped and run.best == "best" and 5 < len(run) < 200
    assert closed == [True], "the generator's own cleaning up has run"
    assert curve.state == "stopped"
    assert messages[-1]["mark"] == (run.records[-1]["steps"], "stopped here")
    assert "Stopped at steps" in messages[-1]["text"]


def test_error_in_training_is_the_original_one_and_the_curve_says_where():
    def train():
        yield {"steps": 1.0, "return_mean": 2.0}
        raise ZeroDivisionError("mean of no episodes")

    async def cell(curve):
        await curve.run(train(), keep_best="return_mean")

    for drive in (lambda c: c.run_blocking(train(), keep_best="return_mean"), lambda c: asyncio.run(cell(c))):
        curve = LiveCurve()
        messages = attach(curve)
        with pytest.raises(ZeroDivisionError, match="mean of no episodes"):
            drive(curve)
        assert curve.state == "failed"
        assert messages[-1]["mark"] == (1.0, "failed here")
        assert "ZeroDivisionError: mean of no episodes" in messages[-1]["text"]
        assert curve.result.best_record == {"steps": 1.0, "return_mean": 2.0}


def test_keyboard_interrupt_keeps_what_there_is():
    def train():
        yield {"steps": 1.0, "return_mean": 2.0}
        raise KeyboardInterrupt

    run = LiveCurve().run_blocking(train(), keep_best="return_mean", snapshot=lambda: "kept")
    assert run.stopped and run.best == "kept"


def test_cancelling_outside_a_kernel_stops_the_training_and_is_not_swallowed():
    closed = []

    async def cell():
        curve = LiveCurve()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(curve.run(training(range(10**6), 0.005, closed)), 0.1)
        return curve

    curve = asyncio.run(cell())
    assert closed == [True] and curve.result.stopped


def test_start_returns_at_once_and_wait_gives_the_result():
    curve = LiveCurve()
    begin = time.perf_counter()
    curve.start(training(range(20), 0.01))
    assert time.perf_counter() - begin < 0.1
    with pytest.raises(ValueError, match="already runs"):
        curve.run_blocking(training([1.0]))
    with pytest.raises(TimeoutError):
        curve.wait(0.01)
    assert len(curve.wait()) == 20


def test_named_runs_add_lines_and_unnamed_ones_start_afresh():
    curve = LiveCurve()
    messages = attach(curve)
    for seed in range(3):
        curve.run_blocking(training([1.0, 2.0]), name=f"seed {seed}")
    assert messages[-1]["labels"] == ["seed 0", "seed 1", "seed 2"]
    curve.run_blocking(training([1.0]))
    assert messages[-1]["labels"] == ["return mean"]
    with pytest.raises(ValueError, match="more than 8 lines"):
        for seed in range(9):
            curve.run_blocking(training([1.0]), name=f"seed {seed}")


def test_drawing_takes_at_most_a_hundredth_even_where_a_picture_is_dear():
    curve = LiveCurve()
    curve.send = lambda content, buffers=None: time.sleep(0.02)
    begin = time.perf_counter()
    curve.run_blocking(training(range(150), 0.02))
    spent = time.perf_counter() - begin
    assert curve.drawing_seconds <= 0.01 * spent + 0.05, "one picture more than the ration at most"


def test_a_record_without_a_picture_costs_microseconds():
    curve = LiveCurve()
    curve._begin(None, None, None)
    curve._next_drawing = math.inf
    record = {"steps": 1.0, "return_mean": 2.0}
    begin = time.perf_counter()
    for _ in range(2000):
        curve._add(record, None, None, 0.0)
    assert (time.perf_counter() - begin) / 2000 < 50e-6


@pytest.mark.parametrize(
    ("options", "drive", "words"),
    [
        ({"y": []}, {}, "at least one field"),
        ({"labels": {"los": "Loss"}}, {}, "labels names 'los'"),
        ({"y": "return_men"}, {}, "did you mean 'return_mean'"),
        ({"x": "Steps"}, {}, "did you mean 'steps'"),
        ({}, {"keep_best": "lss"}, "did you mean 'loss'"),
        ({}, {"snapshot": dict}, "needs keep_best"),
    ],
)
def test_mistakes_are_named(options, drive, words):
    with pytest.raises(ValueError, match=words):
        LiveCurve(**options).run_blocking(training([1.0]), **drive)


@pytest.mark.parametrize("values", [[], [math.nan], [5.0], [1.0, math.nan, 3.0, -2e6]])
def test_still_picture_is_well_formed_and_says_the_numbers(values):
    curve = LiveCurve(y=["return_mean"], title="a < b & c", total=500)
    curve.run_blocking(training(values), keep_best="return_mean")
    picture = ElementTree.fromstring(curve.svg())
    assert picture.get("role") == "img" and "a < b & c" in picture.get("aria-label")
    paths = [p.get("d") for p in picture.iter("{http://www.w3.org/2000/svg}path") if p.get("fill") == "none"]
    drawn = sum(path.count("L") + path.count("M") for path in paths)
    assert drawn == sum(math.isfinite(value) for value in values)
    assert "nan" not in "".join(paths)
    bundle = curve._repr_mimebundle_()
    assert "a < b & c: Done" in bundle[0]["text/plain"] and "<svg" in bundle[0]["text/html"]


def test_ticks_are_round_cover_the_range_and_are_few():
    rng = np.random.default_rng(0)
    for _ in range(200):
        low, high = np.sort(rng.normal(size=2) * 10.0 ** rng.integers(-3, 7))
        marks = ticks(low, high)
        step = marks[1] - marks[0]
        assert marks[0] <= low + 1e-9 * abs(low) and marks[-1] >= high - 1e-9 * abs(high)
        assert len(marks) <= 9
        assert round(step / 10 ** math.floor(math.log10(step) + 1e-9)) in (1, 2, 5, 10)


def test_numbers_are_for_people():
    assert [number(v) for v in (0, 1234.6, -20480, 12.345, 0.01234, 3.0)] == [
        "0",
        "1,235",
        "-20,480",
        "12.3",
        "0.0123",
        "3",
    ]
    assert [short(v) for v in (0, 500, 2000, 200_000, 1.5e6)] == ["0", "500", "2,000", "200k", "1.5M"]


def test_thread_is_a_daemon_so_that_a_kernel_can_be_shut_down():
    curve = LiveCurve()
    curve.start(training(range(10**6), 0.01))
    thread = next(thread for thread in threading.enumerate() if thread.name == "training")
    assert thread.daemon
    press_stop(curve)
    assert curve.wait(5).stopped


def test_series_match_the_page():
    from course_lib.widgets.module import STATIC

    script = (STATIC / "theme.js").read_text()
    for colour, dash in zip(palette.SERIES, live_curve.DASHES, strict=True):
        assert f'light: "{colour}"' in script
        assert f"dash: [{', '.join(dash.split())}]" in script
