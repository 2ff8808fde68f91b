"""Physics panel, fed the messages that a browser would send."""

import sys
import threading
import time

import numpy as np
import pytest

from course_lib.core.playback import Clip
from course_lib.core.task_family import TruncatedNormal
from course_lib.widgets.physics_panel import PhysicsPanel, Slider, pieces, sliders_of
from course_lib.widgets.worker import Worker

CHUNKS = (8, 24, 56, 112)


class Kitchen:
    """A `simulate` that counts, and waits where the test wants it to."""

    def __init__(self, make_clip):
        self.make_clip = make_clip
        self.threads, self.asked = set(), []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, values, policy):
        self.threads.add(threading.current_thread().name)
        self.asked.append((values["speed"], policy))
        start = 0
        for frames in CHUNKS:
            self.gate.wait(5)
            yield self.make_clip(4, start, frames, speed=values["speed"], fall=policy)
            start += frames


@pytest.fixture
def kitchen(make_clip):
    return Kitchen(make_clip)


@pytest.fixture
def panel(scene, kitchen):
    """A panel that has finished its first picture, and whose messages are kept in `panel.heard`."""
    sliders = [Slider(name="speed", low=0.5, high=4.0, step=0.5, mean=2.0, range=(1.0, 3.0), unit="m/s")]
    panel = PhysicsPanel(scene, kitchen, sliders, {"stands": None, "falls": 40})
    assert panel._finished.wait(5)
    heard, arrived = [], threading.Condition()

    def send(content, buffers=None):
        with arrived:
            heard.append((content, buffers))
            arrived.notify_all()

    def until(condition, timeout=5.0):
        with arrived:
            assert arrived.wait_for(lambda: condition([m for m, _ in heard]), timeout), [m for m, _ in heard]

    object.__setattr__(panel, "send", send)
    panel.heard, panel.until = heard, until
    yield panel
    panel.close()


def ask(panel, n, speed=2.0, policy="stands"):
    panel._handle_custom_msg(
        {"type": "ask", "id": f"view:{n}", "values": {"speed": speed}, "policy": policy}, []
    )


def finals(messages):
    return [m["id"] for m in messages if m["type"] == "end"]


def test_pieces_cover_the_rollout_in_order(panel):
    ask(panel, 1, speed=3.0, policy="falls")
    panel.until(finals)
    messages = [m for m, _ in panel.heard]
    assert [m.get("start") for m in messages] == [0, 8, 32, 88, None]
    assert [m.get("frames") for m in messages] == [*CHUNKS, None]
    assert messages[0]["values"] == {"speed": 3.0} and messages[0]["policy"] == "falls"
    assert all(len(b[0]) == 4 * (m["frames"] * 7 + 1) * 2 for m, b in panel.heard if m["type"] == "piece")
    assert panel.clip.alive.sum(axis=1).tolist() == [40, 41, 42, 43]
    time.sleep(0.05)
    assert (panel.values, panel.policy) == ({"speed": 3.0}, "falls")


def test_of_twenty_questions_the_newest_is_answered_to_its_end(panel, kitchen):
    kitchen.asked.clear()
    kitchen.gate.clear()
    ask(panel, 0)
    deadline = time.time() + 5
    while not kitchen.asked and time.time() < deadline:  # the worker has taken the first question
        time.sleep(0.001)
    for n in range(1, 20):
        ask(panel, n, speed=0.5 + 0.1 * n)
    kitchen.gate.set()
    panel.until(finals)
    messages = [m for m, _ in panel.heard]
    assert finals(messages) == ["view:19"]
    assert {m["id"] for m in messages} == {"view:0", "view:19"}, "those between were dropped unseen"
    assert len([m for m in messages if m["id"] == "view:0"]) == 1, "the older one is cut off after a picture"
    assert [speed for speed, _ in kitchen.asked] == pytest.approx([2.0, 2.4])


def test_dragging_never_starves(panel, kitchen):
    """However fast questions come, each one that the worker takes shows its first piece."""
    stop = time.time() + 0.5
    n = 0
    while time.time() < stop:
        ask(panel, n, speed=0.5 + (n % 30) / 10)
        n += 1
        time.sleep(0.002)
    panel.until(lambda messages: f"view:{n - 1}" in finals(messages))
    firsts = [m for m, _ in panel.heard if m.get("start") == 0]
    assert len(firsts) == len({m["id"] for m, _ in panel.heard}) >= 5


def test_one_thread_does_all_the_work(panel, kitchen):
    for n in range(5):
        ask(panel, n)
    panel.until(lambda messages: "view:4" in finals(messages))
    assert kitchen.threads == {"course widget"}


def test_an_error_is_shown_and_the_panel_goes_on(scene, make_clip):
    def simulate(values, policy):
        if values["speed"] > 3:
            raise RuntimeError("the hopper has left the building")
        yield make_clip(2, 0, 8)

    panel = PhysicsPanel(scene, simulate, [Slider(name="speed", low=0.5, high=4.0, step=0.5)])
    panel._finished.wait(5)
    heard = []
    object.__setattr__(panel, "send", lambda content, buffers=None: heard.append(content))
    for n, speed in enumerate((3.5, 1.0)):
        panel._handle_custom_msg(
            {"type": "ask", "id": f"v:{n}", "values": {"speed": speed}, "policy": "policy"}, []
        )
        deadline = time.time() + 5
        while not any(m["id"] == f"v:{n}" and m["type"] in ("error", "end") for m in heard):
            assert time.time() < deadline, heard
            time.sleep(0.002)
    error = next(m for m in heard if m["type"] == "error")
    assert error["message"] == "RuntimeError: the hopper has left the building"
    assert "in simulate" in error["details"]
    assert heard[-1] == {"type": "end", "id": "v:1"}
    assert "still" in str(panel) or "none of 2 fell" in str(panel)
    panel.close()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "returned NoneType: end it with `yield from record"),
        ([np.zeros(3)], "yielded ndarray: use `yield from"),
        ([], "yielded no clip"),
    ],
)
def test_a_wrong_simulate_is_explained(answer, message):
    with pytest.raises((TypeError, ValueError), match=message):
        list(pieces(lambda values, policy: answer, {}, None))


def test_a_single_clip_will_do(make_clip):
    assert [type(c) for c in pieces(lambda values, policy: make_clip(1, 0, 5), {}, None)] == [Clip]


def test_a_message_without_sense_is_ignored(panel):
    panel._handle_custom_msg({"type": "nonsense"}, [])
    panel._handle_custom_msg({}, [])
    ask(panel, 1)
    panel.until(lambda messages: finals(messages) == ["view:1"])


def test_an_unknown_policy_in_a_message_is_an_error_the_person_sees(panel):
    ask(panel, 1, policy="forged")
    panel.until(lambda messages: [m["type"] for m in messages] == ["error"])


def test_set_checks_names_and_bounds(panel):
    panel.set(speed=3.0, policy="falls")
    assert panel.heard[-1][0] == {"type": "set", "values": {"speed": 3.0}, "policy": "falls"}
    with pytest.raises(ValueError, match="no slider named 'sped': did you mean 'speed'"):
        panel.set(sped=1.0)
    with pytest.raises(ValueError, match=r"speed must be in \[0.5, 4.0\], got 9.0"):
        panel.set(speed=9.0)
    with pytest.raises(ValueError, match="no policy named 'fals': did you mean 'falls'"):
        panel.set(policy="fals")


def test_closing_ends_the_thread(panel):
    thread = panel._worker._thread
    panel.close()
    thread.join(2)
    assert not thread.is_alive()
    panel._worker.ask({"id": "late"})  # ignored
    assert panel._worker._newest is None


def test_the_worker_uses_one_thread_of_torch():
    torch = sys.modules.get("torch") or pytest.importorskip("torch")
    seen, done = [], threading.Event()

    def work(request, overtaken):
        seen.append(torch.get_num_threads())
        done.set()

    worker = Worker(work)
    worker.ask(1)
    assert done.wait(5) and seen == [1]
    worker.close(wait=2)


def test_without_a_kernel_there_is_a_picture_and_a_sentence(panel):
    data, _ = panel._repr_mimebundle_()
    assert data["text/plain"] == "toy, stands, speed 2: none of 4 fell, mean return 230"
    assert data["image/png"].startswith("iVBOR")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": 4.0}, "low must be below high"),
        ({"step": 0.0}, "step must be in"),
        ({"step": 5.0}, "step must be in"),
        ({"range": (0.0, 3.0)}, "range"),
        ({"value": 9.0}, "value must be in"),
    ],
)
def test_a_slider_refuses(change, message):
    with pytest.raises(ValueError, match=f"slider speed: .*{message}"):
        Slider(**{"name": "speed", "low": 0.5, "high": 4.0, "step": 0.5, **change})


def test_sliders_of_a_source_reach_beyond_it_and_stay_positive():
    source = {
        "torso_mass": TruncatedNormal(6.0, 1.5, 3.0, 9.0),
        "armature": TruncatedNormal(0.1, 0.1, 0.05, 0.2),
    }
    mass, armature = sliders_of(source)
    assert (mass.low, mass.high, mass.step, mass.value) == (1.0, 11.0, 0.25, 6.0)
    assert mass.range == (3.0, 9.0) and mass.mean == 6.0 and mass.unit == "kg" and mass.label == "torso mass"
    assert 0 < armature.low <= 0.05 and armature.high >= 0.2 and armature.step == 0.005


def test_a_panel_needs_sliders_and_policies(scene, kitchen):
    slider = Slider(name="speed", low=0.5, high=4.0, step=0.5)
    with pytest.raises(ValueError, match="at least one slider"):
        PhysicsPanel(scene, kitchen, [])
    with pytest.raises(ValueError, match="name of its own"):
        PhysicsPanel(scene, kitchen, [slider, slider])
    with pytest.raises(ValueError, match="policies is empty"):
        PhysicsPanel(scene, kitchen, [slider], {})


def test_a_parameter_that_never_changes_gets_no_slider():
    source = {"torso_mass": TruncatedNormal(6.0, 1.5, 3.0, 9.0), "armature": 1.0}
    assert [slider.name for slider in sliders_of(source)] == ["torso_mass"]
