"""The line to the kernel, without a browser: when it says that nobody answers, and what takes that back."""

import json
import subprocess

import pytest

from course_lib.widgets.module import STATIC

STAND_INS = """
class Element {
  constructor() { Object.assign(this, { attributes: {}, style: {}, textContent: "" }); }
  setAttribute(name, value) { this.attributes[name] = value; }
  removeAttribute(name) { delete this.attributes[name]; }
  toggleAttribute(name, on) { if (on) this.attributes[name] = ""; else delete this.attributes[name]; }
  addEventListener() {}
  append(child) { this.child = child; }
  querySelectorAll() { return []; }
}
globalThis.document = { createElement: () => new Element() };
let clock = 0, timers = [];
globalThis.setTimeout = (call, ms) => { timers.push({ call, at: clock + ms }); return timers.at(-1); };
globalThis.clearTimeout = (timer) => { timers = timers.filter((one) => one !== timer); };
globalThis.setInterval = () => 0;
globalThis.clearInterval = () => {};
function wait(ms) {
  clock += ms;
  for (const timer of timers.filter((one) => one.at <= clock)) { clearTimeout(timer); timer.call(); }
}
function modelOf(request) {
  const heard = {}, state = { request, answer: { of: request } };
  return {
    sent: [], state, widget_manager: { kernel: { id: "one", status: "idle" } },
    get: (name) => state[name], set(name, value) { state[name] = value; },
    save_changes() { this.sent.push(state.request); }, send(content) { this.sent.push(content); },
    on(name, call) { heard[name] = call; }, off() {},
    answers(of) { state.answer = { of }; heard["change:answer"](); }, says(name) { heard[name](); },
  };
}
const root = new Element(), model = modelOf({ a: 1, b: 2 });
const said = [];
const has = (name) => name in root.attributes;
const look = () => said.push([root.child.textContent.slice(0, 7), has("data-stale"), has("aria-busy")]);
"""
WIDGET = """
const line = course.line(root, model), asking = course.asking(model, line);
asking.follow({ take() {}, answered() {} });
"""
QUIET, BUSY, LATE = ["", False, False], ["", False, True], ["Waiting", True, True]


@pytest.fixture
def run(node, tmp_path):
    """A function that runs statements after the shared scripts; `said` and `model.sent` come back."""

    def run_(statements: str) -> tuple[list, list]:
        sources = [(STATIC / f"{name}.js").read_text() for name in ("theme", "draw", "kernel", "plane")]
        script = tmp_path / "script.mjs"
        show = "console.log(JSON.stringify([said, model.sent]));"
        script.write_text("\n".join([STAND_INS, *sources, statements, show]))
        done = subprocess.run([node, script], check=True, timeout=30, capture_output=True, text=True)
        return tuple(json.loads(done.stdout))

    return run_


def test_two_seconds_of_silence_are_said_and_the_newest_answer_takes_that_back(run):
    said, _ = run(
        WIDGET + "look(); asking.ask({ a: 2, b: 2 }); look(); wait(1900); look(); wait(200); look();"
        "model.answers({ b: 2, a: 2 }); look();"
    )
    assert said == [QUIET, BUSY, BUSY, LATE, QUIET]


def test_a_late_answer_to_an_overtaken_question_takes_nothing_back(run):
    said, sent = run(
        WIDGET
        + "asking.ask({ a: 2 }); wait(2100); asking.ask({ a: 3 }); look(); model.answers({ a: 2 }); look();"
        "model.answers({ a: 3 }); look();"
    )
    assert said == [LATE, LATE, QUIET]
    assert sent == [{"a": 2}, {"a": 3}], "after a silence the newest is sent at once: the last may be lost"


def test_of_several_only_the_newest_is_sent_and_one_may_be_taken_back(run):
    said, sent = run(
        WIDGET + "for (const a of [2, 3, 4]) asking.ask({ a }); model.answers({ a: 2 }); look();"
        "model.answers({ a: 4 }); look(); asking.ask({ a: 5 }); asking.ask(null); look(); wait(5000); look();"
    )
    assert said == [BUSY, QUIET, QUIET, QUIET]
    assert sent == [{"a": 2}, {"a": 4}, {"a": 5}]


@pytest.mark.parametrize(
    "end",
    [
        'model.says("comm_live_update");',
        "model.widget_manager.kernel = null;",
        'model.widget_manager.kernel = { id: "another", status: "idle" };',
        'model.widget_manager.kernel.status = "dead";',
        'model.save_changes = () => { throw new Error("refused"); };',
    ],
    ids=["restarted", "shut down", "another kernel", "died", "refused"],
)
def test_an_end_is_said_at_the_latest_when_somebody_asks(run, end):
    said, sent = run(WIDGET + end + "asking.ask({ a: 2 }); look(); wait(9000); look();")
    assert said == [["The ker", True, False]] * 2
    assert sent == []


def test_a_host_that_tells_nothing_about_its_kernel_is_asked_as_ever(run):
    said, sent = run("delete model.widget_manager;" + WIDGET + "asking.ask({ a: 2 }); look();")
    assert said == [BUSY]
    assert sent == [{"a": 2}]
