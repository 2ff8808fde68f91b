"""The command panel without a browser: what it asks of `advance`, what it sends, and its static picture."""

import base64
import io
import json
import threading
import time

import numpy as np
import pytest
from PIL import Image

from course_lib.widgets import command_panel
from course_lib.widgets.command_panel import CommandPanel, trailing_mean
from course_lib.widgets.module import STATIC, module
from course_lib.widgets.physics_panel import Slider

DT = 0.05
SLIDER = Slider(name="speed", low=0.0, high=4.0, step=0.5, value=2.0, unit="m/s")


class Runners:
    """Robot 0 runs at the commanded speed, robot 1 at 1 m/s; both are bodies with a foot."""

    def __init__(self):
        self.x, self.commands, self.threads, self.fails = np.zeros(2), [], set(), False

    def reset(self):
        self.x[:] = 0

    def advance(self, command):
        if self.fails:
            raise RuntimeError("a leg broke")
        self.threads.add(threading.current_thread().name)
        self.commands.append(command)
        speed = np.array([command, 1.0])
        self.x += DT * speed
        pose = np.zeros((2, 2, 3))
        pose[:, :, 0], pose[:, 0, 1] = self.x[:, None], 0.5
        return pose, speed


@pytest.fixture
def make_panel(scene):
    panels = []

    def make(runners, **options):
        options = {"dt": DT, "reset": runners.reset, **options}
        panel = CommandPanel(scene, runners.advance, SLIDER, ("told", "withheld"), **options)
        panels.append(panel)
        panel.sent = []
        panel.send = lambda content, buffers=None: panel.sent.append((content, buffers))
        assert panel._opened.wait(5)
        return panel

    yield make
    for panel in panels:
        panel.close()


def ask(panel, **request):
    """What the panel sends in answer to a view."""
    before = len(panel.sent)
    base = {"type": "ask", "view": "v", "frame": None, "command": 2.0, "steps": 1}
    panel._heard(panel, {**base, **request}, [])
    end = time.monotonic() + 5
    while len(panel.sent) == before:
        assert time.monotonic() < end, "nothing was sent"
        time.sleep(0.002)
    content, buffers = panel.sent[-1]
    json.dumps(content, allow_nan=False)
    return content, buffers and np.frombuffer(buffers[0], np.float32)


def test_the_opening_plays_its_commands_and_ends_with_the_sliders(make_panel):
    runners = Runners()
    panel = make_panel(runners, opening=(0.5,))
    assert runners.commands == [0.5] * 60 + [2.0] * 60
    assert panel.command == 2.0 and [step.command for step in panel.history] == runners.commands


def test_a_new_view_hears_the_last_seconds_and_goes_on_from_there(make_panel):
    runners = Runners()
    panel = make_panel(runners)
    history, pose = ask(panel)
    assert history["type"] == "history" and history["view"] == "v" and history["end"] == 60
    assert history["measured"][-1] == [2.0, 1.0]
    np.testing.assert_allclose(pose.reshape(2, 2, 3)[:, 0, 0], [6.0, 3.0], atol=1e-5)
    piece, pose = ask(panel, frame=60, command=3.0, steps=2)
    assert piece["start"] == 60 and piece["commands"] == [3.0, 3.0] and not piece["fresh"]
    np.testing.assert_allclose(pose.reshape(2, 2, 2, 3)[:, 0, 0, 0], [6.15, 6.3], atol=1e-5)
    assert runners.commands[-2:] == [3.0, 3.0]
    assert runners.threads == {"course widget"}


def test_nobody_asks_nothing_runs(make_panel):
    runners = Runners()
    make_panel(runners)
    made = len(runners.commands)
    time.sleep(0.2)
    assert len(runners.commands) == made


def test_two_views_share_one_simulation(make_panel):
    runners = Runners()
    panel = make_panel(runners)
    ask(panel, view="a", frame=60)
    panel._heard(panel, {"type": "ask", "view": "b", "frame": 60, "command": 1.0, "steps": 1}, [])
    piece, _ = ask(panel, view="a", frame=61)
    assert piece["start"] == 61 and len(runners.commands) == 62, "the same step was not made twice"


def test_starting_again_is_never_lost_and_begins_a_fresh_chart(make_panel):
    runners = Runners()
    panel = make_panel(runners)
    panel._heard(panel, {"type": "reset", "view": "v", "frame": 60, "command": 3.0, "steps": 1}, [])
    end = time.monotonic() + 5
    while not panel.sent:
        assert time.monotonic() < end
        panel._heard(panel, {"type": "ask", "view": "v", "frame": 60, "command": 3.0, "steps": 1}, [])
    piece, _ = panel.sent[0]
    assert piece["fresh"] and piece["start"] == 60
    assert runners.x[0] <= 2 * 3.0 * DT + 1e-9


def test_an_error_is_told_and_the_next_step_works(make_panel):
    runners = Runners()
    panel = make_panel(runners)
    runners.fails = True
    content, _ = ask(panel, frame=60)
    assert content["type"] == "error" and content["message"] == "RuntimeError: a leg broke"
    assert "in advance" in content["details"] and "a leg broke" in str(panel)
    runners.fails = False
    content, _ = ask(panel, frame=60)
    assert content["type"] == "piece" and "a leg broke" not in str(panel)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (np.zeros(3), r"must return \(pose, measured\), but it returned ndarray"),
        ((np.zeros((2, 3, 3)), np.zeros(2)), r"pose of shape \(2, 2, 3\), got \(2, 3, 3\)"),
        ((np.zeros((2, 2, 3)), np.zeros(1)), r"measured of shape \(2,\), got \(1,\)"),
        ((np.full((2, 2, 3), np.nan), np.zeros(2)), "pose is not finite: the simulation diverged"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(make_panel, answer, words):
    panel = make_panel(Runners())
    panel._advance = lambda command: answer
    content, _ = ask(panel, frame=60)
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(content["message"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"robots": ()}, r"robots must be 1 to 4 different names, got \[\]"),
        ({"robots": ("a", "a")}, "different names"),
        ({"dt": 0.0}, "dt must be positive, in seconds, got 0.0"),
        ({"opening": (1.0, 9.0)}, r"opening must lie in \[0, 4\] as the slider does, got 9.0"),
    ],
)
def test_impossible_panels_are_refused(scene, change, words):
    options = {"robots": ("a", "b"), "dt": DT, **change}
    with pytest.raises(ValueError, match=words):
        CommandPanel(scene, Runners().advance, SLIDER, **options)


def test_a_command_off_the_slider_is_refused(make_panel):
    panel = make_panel(Runners())
    panel.command = 3.5
    with pytest.raises(ValueError, match=r"command must be in \[0, 4\], got 5"):
        panel.command = 5.0
    assert panel.command == 3.5


def test_where_no_script_runs_a_picture_and_words_stand_in(make_panel):
    panel = make_panel(Runners(), opening=(0.5,), title="Told and not told")
    data, _ = panel._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width >= 900
    assert data["text/plain"] == "Told and not told: speed 2 m/s; speed: told 2.0, withheld 1.0 m/s"


def test_the_trailing_mean_is_that_of_the_last_values_here_and_in_the_script(run_script):
    values = np.random.default_rng(0).normal(size=40)
    slow = [values[max(0, t - 9) : t + 1].mean() for t in range(40)]
    np.testing.assert_allclose(trailing_mean(values, 10), slow, atol=1e-12)
    np.testing.assert_allclose(trailing_mean(values[:, None], 10)[:, 0], slow, atol=1e-12)
    script = (STATIC / "command_panel.js").read_text(encoding="utf-8")
    assert f"WINDOW = {command_panel.WINDOW:g}, SMOOTHING = {command_panel.SMOOTHING:g};" in script
    statements = script + "\noutput = course.command_panel.trailingMean(input.values, 10);"
    np.testing.assert_allclose(run_script(statements, values=values.tolist()), slow, atol=1e-12)


def test_the_script_shows_what_lies_between_two_steps_and_never_a_flight(run_script):
    script = (STATIC / "command_panel.js").read_text(encoding="utf-8")
    statements = (
        script
        + """
    const time = course.command_panel.timeline({ robots: 1, bodies: 1, dt: 0.05 });
    const piece = (start, xs, fresh) => time.take(
      { start, fresh, commands: xs.map(() => 1), measured: xs.map(() => [0]) },
      new Float32Array(xs.flatMap((x) => [x, 0, 0])).buffer);
    const x = () => { const out = [0, 0, 0]; time.at(out, 0, 0, 0); return out[0]; };
    output = [];
    piece(0, [0], true);
    piece(1, [0.2], false);
    time.forward(0.025);
    output.push(x());
    time.forward(1);
    output.push(x(), time.newest);
    output.push(piece(1, [9], false));
    piece(2, [7], false);
    time.forward(0.025);
    output.push(x(), time.seen().length);
    """
    )
    middle, end, newest, again, jumped, seen = run_script(statements)
    assert middle == pytest.approx(0.1) and end == pytest.approx(0.2) and newest == 1
    assert again is False, "a step that was heard before is not taken twice"
    assert jumped == 7 and seen == 2


def test_the_script_is_whole():
    assert "course.command_panel = {" in module("player", "live_curve", "command_panel")
