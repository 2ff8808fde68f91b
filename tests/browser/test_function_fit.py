"""The function fit in a real notebook: a hand puts points, and the lines follow."""

import os

import numpy as np

CODE = """
import warnings
import numpy as np
from course_lib.widgets.function_fit import DrawnFunction, FunctionFit
from course_lib.widgets.physics_panel import Slider

def fit(x, y, at, degree):
    if len(x) > 19: raise ArithmeticError("too many points")
    if not len(x): return {"polynomial": 0 * at, "nearest": 0 * at}
    with warnings.catch_warnings(action="ignore"):  # points above each other
        line = np.polyval(np.polyfit(x, y, int(min(degree, len(x) - 1))), at)
    return {"polynomial": np.clip(line, -50, 50), "nearest": y[np.abs(at[:, None] - x).argmin(1)]}

def task(number):
    rng = np.random.default_rng(number)
    a, b, x = rng.uniform(0.5, 4), rng.uniform(0, 3), rng.uniform(-5, 5, 12)
    return DrawnFunction(np.column_stack([x, a * np.sin(x - b)]), lambda at: a * np.sin(at - b))

FunctionFit(fit, (-5, -6), (5, 6), task=task, shots=6,
            sliders=[Slider(name="degree", low=0, high=7, step=1, value=4)], title="Which function is it?")
"""
FIT = ".course-fit"
CANVAS = f"{FIT} canvas"
SAYS = f"document.querySelector('{FIT}-says').textContent"

# From the hand's event to the frame with the lines: the view says itself when that was on the screen.
CLOCK = """() => {
  window.clock = { event: "", start: null, took: null };
  for (const name of ["pointerdown", "pointermove"])
    addEventListener(name, (event) => {
      if (event.type === clock.event) clock.start ??= event.timeStamp;
    }, true);
  document.addEventListener("course:fit", (event) => {
    if (clock.start !== null) clock.took ??= event.detail.at - clock.start;
  });
}"""


def painted_after(notebook, event: str, action) -> float:
    """Milliseconds from what a hand does to its lines on the screen."""
    notebook.page.wait_for_timeout(50)  # whatever was on its way has come
    notebook.page.evaluate("event => { window.clock = { event, start: null, took: null }; }", event)
    action()
    notebook.wait("clock.took !== null", 10)
    return notebook.page.evaluate("clock.took")


def show(open_notebook, application="lab", **options):
    notebook = open_notebook([CODE], application, **options)
    notebook.run_all()
    notebook.page.wait_for_selector(FIT)
    notebook.locator(FIT).scroll_into_view_if_needed()
    notebook.wait(f"{SAYS}.includes('points read')", 10)
    return notebook


def place(notebook, x: float, y: float) -> dict:
    """Where a place of the plane lies in the canvas, in CSS pixels."""
    box = notebook.locator(CANVAS).bounding_box()
    w, h = box["width"] - 64, box["height"] - 58
    return {"x": 52 + w * (x + 5) / 10, "y": 10 + h * (6 - y) / 12}


def test_lines_follow_the_hand(open_notebook):
    notebook = show(open_notebook)
    assert notebook.page.evaluate(SAYS) == "6 of 12 points read."
    assert "±" in notebook.locator(f"{FIT}-lines").inner_text()
    notebook.screenshot("function-fit")
    notebook.axe(".jp-OutputArea-output")
    notebook.locator(f"{FIT} button:has-text('Another function')").click()
    before = notebook.fingerprint(CANVAS)
    notebook.locator(f"{FIT} button:has-text('Clear')").click()
    notebook.wait(f"{SAYS} === '0 of 0 points read.'", 10)
    assert notebook.fingerprint(CANVAS) != before
    notebook.wait(f"!document.querySelector('{FIT}-lines').innerText.includes('±')", 10)
    notebook.page.evaluate(CLOCK)
    canvas, mouse = notebook.locator(CANVAS), notebook.page.mouse
    rng, clicks, drags = np.random.default_rng(0), [], []
    for x, y in rng.uniform((-4.5, -5), (4.5, 5), (9, 2)):
        spot = place(notebook, x, y)
        clicks.append(painted_after(notebook, "pointerdown", lambda spot=spot: canvas.click(position=spot)))
    read = notebook.page.evaluate(SAYS)
    last = f"Point 9: ({x:.2f}, {y:.2f})."
    before = "9 of 9 points read. "
    assert read.startswith(f"{before}Point 9: (") and len(read) == len(before + last)
    box, here, there = canvas.bounding_box(), place(notebook, x, y), place(notebook, 2, -3)
    mouse.move(box["x"] + here["x"], box["y"] + here["y"])
    mouse.down()
    for share in np.linspace(0.1, 1, 10):
        spot = [box[axis] + here[axis] + share * (there[axis] - here[axis]) for axis in "xy"]
        drags.append(painted_after(notebook, "pointermove", lambda spot=spot: mouse.move(*spot)))
    mouse.up()
    crowded = max(1.0, os.getloadavg()[0] / os.cpu_count())  # other people's trainings are not our fault
    for what, times in (("click", clicks), ("drag", drags)):
        print(f"{what} to lines, ms: median {np.median(times):.0f}, 95 % {np.quantile(times, 0.95):.0f}")
        assert np.median(times) < 50 * crowded
    notebook.wait(f"{SAYS}.startsWith('9 of 9 points read. Point 9: (2.')", 10)
    notebook.page.wait_for_timeout(700)
    canvas.dblclick(position=there)
    notebook.wait(f"{SAYS} === '8 of 8 points read.'", 10)
    notebook.screenshot("function-fit-own-points")


def test_a_keyboard_is_enough_in_a_narrow_dark_notebook(open_notebook):
    notebook = show(open_notebook, "notebook", viewport={"width": 560, "height": 1200})
    keyboard = notebook.page.keyboard
    notebook.locator(CANVAS).focus()
    for key in ("a", "ArrowRight", "Shift+ArrowUp"):
        keyboard.press(key)
    notebook.wait(f"{SAYS} === '7 of 13 points read. Point 7: (0.25, 0.06).'", 10)
    keyboard.press("Delete")
    keyboard.press("n")
    notebook.wait(f"{SAYS}.startsWith('6 of 12 points read. Point 1:')", 10)
    assert notebook.page.evaluate("document.querySelectorAll('.jp-Notebook .jp-Cell').length") == 1
    notebook.locator(f"{FIT} input[type=range]").first.focus()
    keyboard.press("ArrowRight")
    notebook.wait(f"{SAYS}.startsWith('7 of 12')", 10)
    notebook.locator(f"{FIT}-lines button").first.focus()
    keyboard.press("Enter")
    pressed = f"document.querySelector('{FIT}-lines button').getAttribute('aria-pressed')"
    assert notebook.page.evaluate(pressed) == "false"
    notebook.screenshot("function-fit-narrow")
    notebook.locator(CANVAS).focus()
    for _ in range(8):
        keyboard.press("a")
    notebook.locator(f"{FIT} input[type=range]").first.focus()
    keyboard.press("End")
    notebook.wait(f"document.querySelector('{FIT} .course-error')", 10)
    assert "ArithmeticError: too many points" in notebook.locator(f"{FIT} .course-error").inner_text()
    notebook.axe(".jp-OutputArea-output")
    notebook.locator(f"{FIT} button:has-text('Clear')").click()
    notebook.wait(f"!document.querySelector('{FIT} .course-error')", 10)
