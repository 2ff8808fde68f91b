"""The live field in a real notebook: learning paints itself, the slider starts it anew, keys read numbers.

Two notebooks, one of each application.
"""

import os

import numpy as np

CODE = """
import time
import numpy as np
from course_lib.widgets.live_field import LiveField, Snapshot
from course_lib.widgets.robustness_map import Axis
x, y = np.linspace(-2, 1, 24), np.linspace(-1, 1, 20)
exact = -8 * np.square(y)[:, None] + 0 * x
def learn(samples):
    rng = np.random.default_rng(samples)
    wrong = rng.normal(0, 30 / np.sqrt(samples), exact.shape)
    places = np.stack([rng.uniform(-2, 1, samples), rng.uniform(-1, 1, samples)], axis=1)
    for step in range(0, 401, 20):
        yield Snapshot(step, step / 400 * (exact + wrong), places)
        time.sleep(0.05)
rows = Axis(name="action", values=y, label="first motor's action")
columns = Axis(name="x", values=x, label="place x", unit="m")
words = dict(choice_label="Target transitions seen", value_label="δr (nats)", limit=8)
field = LiveField(learn, exact, rows, columns, choices=(10, 30, 150, 3000), steps=400, **words)
field
"""
FIELD = ".course-live"
NUMBER = "document.querySelector('.course-live-number').textContent"
STEP = "document.querySelector('.course-live-step').textContent"
SAYS = "document.querySelector('.course-live-says').textContent"
CANVAS = f"{FIELD} .course-live-plane:nth-child(2) canvas"


def show(open_notebook, application="lab", code=CODE, **options):
    notebook = open_notebook([code], application, **options)
    notebook.run_all()
    notebook.page.wait_for_selector(FIELD)
    notebook.locator(FIELD).scroll_into_view_if_needed()
    return notebook


def test_it_learns_anew_repaints_and_fits_a_projector(open_notebook):
    notebook = show(open_notebook)
    it_learns_by_itself_and_the_slider_learns_anew(notebook)
    a_repaint_takes_less_than_a_tenth_of_a_second(notebook)
    dark_theme_and_lecture_mode(notebook)


def test_keys_a_narrow_page_a_stop_and_an_error(open_notebook):
    code = CODE.replace("time.sleep(0.05)", "time.sleep(0.3 if samples == 30 else 0.05)").replace(
        "    for step in",
        "    if samples == 10:\n        raise FloatingPointError('nothing to learn from')\n    for step in",
    )
    notebook = show(open_notebook, "notebook", code=code, viewport={"width": 520, "height": 1500})
    keys_and_pointer_read_both_fields(notebook)
    a_narrow_page_stacks_the_fields(notebook)
    an_error_is_shown_until_it_is_gone(notebook)
    it_can_be_stopped_and_begun_again(notebook)


def it_learns_by_itself_and_the_slider_learns_anew(notebook):
    notebook.wait(f"{STEP}.startsWith('done')", 15)
    assert float(notebook.page.evaluate(NUMBER)) > 0.7
    assert notebook.ink(CANVAS) > 0.3
    notebook.axe(".jp-OutputArea-output")
    notebook.screenshot("live-field")
    slider = notebook.locator(f"{FIELD} input[type=range]")
    slider.focus()
    notebook.page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "10"
    notebook.wait(f"{STEP}.startsWith('learning')", 10)
    notebook.wait(f"{STEP}.startsWith('done') && {NUMBER} < 0.6", 15)
    notebook.screenshot("live-field-10")
    rows = "[...document.querySelectorAll('.course-live tbody tr')].map(r => r.innerText.split('\\t')[1])"
    first, second, third, fourth = notebook.page.evaluate(rows)
    assert float(first) < float(third) and second == fourth == "–"


def it_can_be_stopped_and_begun_again(notebook):
    slider = notebook.locator(f"{FIELD} input[type=range]")
    for _ in range(2):
        slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "30"
    notebook.wait(f"{STEP}.startsWith('learning')", 10)
    button = notebook.locator(f"{FIELD} button").first
    button.click()
    notebook.wait(f"{STEP}.startsWith('stopped')", 10)
    assert button.inner_text().strip() == "Learn again"
    button.click()
    notebook.wait(f"{STEP}.startsWith('done, step 400')", 15)


def keys_and_pointer_read_both_fields(notebook):
    notebook.wait(f"{STEP}.startsWith('done')", 15)
    notebook.locator(CANVAS).focus()
    for key in ("Home", "ArrowUp", "ArrowUp"):
        notebook.page.keyboard.press(key)
    says = notebook.page.evaluate(SAYS)
    assert says.startswith("place x −2.00 m, first motor's action 0.26: exact −0.6, learned "), says
    assert notebook.page.evaluate("document.querySelectorAll('.jp-Notebook .jp-Cell').length") == 1
    box = notebook.locator(CANVAS).bounding_box()
    notebook.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 14)
    assert "exact −8.0" in notebook.page.evaluate(SAYS)
    notebook.screenshot("live-field-cross")


def a_repaint_takes_less_than_a_tenth_of_a_second(notebook):
    notebook.page.evaluate(
        "() => { window.painted = 0; addEventListener('course:field', () => { window.painted += 1; }); }"
    )
    notebook.locator(CANVAS).focus()
    press = lambda: notebook.page.keyboard.press("ArrowRight")  # noqa: E731
    times = [notebook.latency(press, "window.painted", event="keydown") for _ in range(15)]
    print(f"key to repaint, ms: median {np.median(times):.0f}, 95 % {np.quantile(times, 0.95):.0f}")
    crowded = max(1.0, os.getloadavg()[0] / os.cpu_count())  # other people's trainings are not our fault
    assert np.median(times) < 100 * crowded


def dark_theme_and_lecture_mode(notebook):
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.wait("document.querySelector('.course-live').hasAttribute('data-dark')")
    notebook.page.wait_for_timeout(300)
    notebook.axe(".jp-OutputArea-output")
    notebook.screenshot("live-field-dark")
    notebook.locator(CANVAS).focus()
    notebook.page.keyboard.press("f")
    notebook.wait("document.querySelector('.course-live').hasAttribute('data-lecture')")
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("live-field-lecture")
    overflow = (
        "() => { const m = document.querySelector('.course-live');"
        " return [m.scrollHeight - m.clientHeight, m.scrollWidth - m.clientWidth]; }"
    )
    assert max(notebook.page.evaluate(overflow)) <= 1
    notebook.page.keyboard.press("Escape")


def a_narrow_page_stacks_the_fields(notebook):
    boxes = [notebook.locator(f"{FIELD} canvas").nth(i).bounding_box() for i in (0, 1)]
    assert boxes[1]["y"] > boxes[0]["y"] + boxes[0]["height"]
    notebook.screenshot("live-field-narrow")


def an_error_is_shown_until_it_is_gone(notebook):
    slider = notebook.locator(f"{FIELD} input[type=range]")
    slider.focus()
    notebook.page.keyboard.press("Home")
    notebook.wait("document.querySelector('.course-live-error')", 10)
    assert "FloatingPointError: nothing to learn from" in notebook.locator(".course-live-error").inner_text()
    notebook.axe(".jp-OutputArea-output")
    notebook.page.keyboard.press("End")
    notebook.wait("!document.querySelector('.course-live-error')", 10)
