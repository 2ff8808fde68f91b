"""The live curve in a real notebook: it grows, it stops, it stays readable when the kernel is gone."""

import os
import time

TRAINING = """
import math, time
from course_lib.widgets.live_curve import LiveCurve

def train(iterations=10_000, seconds=0.02, fails_at=None):
    for i in range(1, iterations + 1):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:  # holds the interpreter, as training does
            math.sqrt(2.0)
        if i == fails_at:
            raise FloatingPointError("the loss is not a number")
        mean = 3000 * (1 - math.exp(-i / 80)) + 120 * math.sin(i / 3)
        yield {"steps": 2048.0 * i, "return_mean": mean, "return_worst": 0.6 * mean - 90 + 100 * math.sin(i)}
"""
CURVE = ".course-curve"


def start(open_notebook, application, *cells, **options):
    notebook = open_notebook([TRAINING, *cells], application, **options)
    notebook.start_all()
    return notebook


def test_stop_button_works_while_the_cell_trains(open_notebook):
    notebook = start(
        open_notebook,
        "notebook",
        "curve = LiveCurve(y=['return_mean', 'return_worst'], title='PPO on the hopper', y_label='return',"
        " x_label='environment steps', total=700_000)\n"
        "run = await curve.run(train(), keep_best='return_mean', snapshot=lambda: 'weights')",
        "print('after', run.stopped, run.best, len(run) == len(run.records) > 20, curve.drawing_seconds)",
    )
    notebook.wait(f"document.querySelector('{CURVE} [role=status]')?.textContent.includes('best')")
    notebook.page.wait_for_timeout(3000)
    assert notebook.ink(f"{CURVE} canvas") > 0.01
    before = notebook.fingerprint(f"{CURVE} canvas")
    crowded = max(1.0, os.getloadavg()[0] / os.cpu_count())  # a crowded machine is not our fault
    notebook.wait(f"harness.fingerprint('{CURVE} canvas') !== '{before}'", 3 * crowded)
    notebook.axe(".jp-OutputArea")
    notebook.locator(f"{CURVE}").scroll_into_view_if_needed()
    notebook.screenshot("live-curve-running")
    pressed = time.monotonic()
    notebook.locator(f"{CURVE} button").press("Enter")
    notebook.wait_done(10)
    seconds = time.monotonic() - pressed
    print(f"stopped {1000 * seconds:.0f} ms after the key")
    assert seconds < crowded
    assert "after True weights True" in notebook.text()
    notebook.wait("document.querySelector('figure svg[role=img]')")
    notebook.locator("figure").scroll_into_view_if_needed()
    notebook.axe(".jp-OutputArea")
    notebook.screenshot("live-curve-stopped")


def test_interrupt_keeps_the_best_policy_and_a_failure_is_shown_where_it_happened(open_notebook):
    notebook = start(
        open_notebook,
        "lab",
        "run = await LiveCurve().run(train(), keep_best='return_mean', snapshot=lambda: 'weights')",
        "print('kept', run.best, run.stopped)",
        "await LiveCurve().run(train(fails_at=60))",
    )
    notebook.wait(f"document.querySelector('{CURVE} [role=status]')?.textContent.includes('best')")
    notebook.interrupt()
    notebook.page.wait_for_function("() => harness.cellErrors().length")
    assert "kept weights True\n" in notebook.text(), "the cell after the interrupted one ran"
    assert len(notebook.cell_errors()) == 1
    assert "FloatingPointError: the loss is not a number" in notebook.cell_errors()[0]
    notebook.page.wait_for_function(
        "() => [...document.querySelectorAll('figure')]"
        ".some((figure) => figure.querySelector('svg') && figure.innerHTML.includes('failed here'))"
    )
    notebook.locator("figure").last.scroll_into_view_if_needed()
    notebook.screenshot("live-curve-failed")


def test_start_returns_at_once_and_seeds_share_one_curve(open_notebook):
    notebook = open_notebook(
        [
            TRAINING,
            "curve = LiveCurve(title='Three seeds'); curve",
            "for seed in range(2): curve.start(train(50 + 20 * seed), name=f'seed {seed}'); curve.wait()\n"
            "curve.start(train(seconds=0.01), name='seed 2')",
            "print('at once', curve.state)",
        ]
    )
    notebook.run_all()
    assert notebook.text().endswith("at once running\n")
    notebook.wait(f"document.querySelectorAll('{CURVE} .course-curve-key').length === 3")
    notebook.page.wait_for_timeout(1000)
    notebook.screenshot("live-curve-seeds")
    notebook.locator(f"{CURVE} button").click()
    notebook.wait(f"document.querySelector('{CURVE}').dataset.state === 'stopped'", 5)
    assert "Stopped" in notebook.locator(f"{CURVE} [role=status]").inner_text()
    notebook.axe(CURVE)


def test_view_that_comes_late_shows_the_whole_curve(open_notebook):
    notebook = open_notebook(
        [TRAINING, "curve = LiveCurve()\nrun = curve.run_blocking(train(100, 0.001))", "curve"]
    )
    notebook.run_all()
    notebook.wait(f"document.querySelector('{CURVE} canvas')?.getAttribute('aria-label').includes('204,800')")
    assert notebook.ink(f"{CURVE} canvas") > 0.01
