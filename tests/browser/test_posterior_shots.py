"""Posterior over tasks in a real notebook: shots shrink the belief, and a hand hides the task."""

import os

import numpy as np

CODE = """
import numpy as np
from course_lib.widgets.posterior_shots import Posterior, PosteriorShots

angles = np.linspace(0, 2 * np.pi, 30, endpoint=False)
tasks = 2.2 * np.stack([np.cos(angles), np.sin(angles)], -1)
inferred = {"0.1": 0.8 * tasks + 0.1, "1": 0.5 * tasks, "10": 0.1 * tasks}

def explored(task, shots, variant, seed):
    if task[0] > 2.5: raise ArithmeticError("no such task")
    rng = np.random.default_rng(seed)
    angle = np.arctan2(task[1], task[0])
    variance = 1 / (1 + 3 * shots * np.array([1.0, 2.0]))
    mean = (1 - variance) * 0.36 * 2.2 * np.array([np.cos(angle), np.sin(angle)])
    z = mean + np.sqrt(variance) * rng.standard_normal((8, 2))
    way = z / np.linalg.norm(z, axis=1, keepdims=True)
    paths = np.arange(21)[None, :, None] * 0.1 * way[:, None] + rng.normal(0, 0.02, (8, 21, 2)).cumsum(1)
    paths[:, 0] = 0
    returns = paths[:, -1] @ [np.cos(angle), np.sin(angle)] * 10
    nats = 0.5 * (variance - 1 - np.log(variance) + mean**2).sum()
    return Posterior(task=(2.2 * np.cos(angle), 2.2 * np.sin(angle)), mean=mean, covariance=np.diag(variance),
                     samples=z, paths=paths, returns=returns, information=nats, gathered=paths[:shots])

PosteriorShots(explored, (-2.8, -2.8), (2.8, 2.8), task=(1.5, 1.2), tasks=tasks, inferred=inferred,
               first=1, arrow=True)
"""
ROOT = ".course-shots"
SAYS = f"document.querySelector('{ROOT}-says').textContent"
WORLD = f"{ROOT}-world"
LABEL = f"document.querySelector('{WORLD}').getAttribute('aria-label')"


def test_shots_shrink_the_belief_and_a_hand_hides_the_task(open_notebook):
    notebook = open_notebook([CODE], viewport={"width": 1280, "height": 900})
    notebook.run_all()
    notebook.page.wait_for_selector(ROOT)
    notebook.locator(ROOT).scroll_into_view_if_needed()
    notebook.wait(f"{SAYS} !== ''", 10)
    keyboard, mouse = notebook.page.keyboard, notebook.page.mouse
    assert notebook.page.evaluate(SAYS).startswith("Known of the task: 1.06 nats. The 8 samples return 11.1")
    notebook.screenshot("posterior-shots")
    notebook.axe(".jp-OutputArea-output")
    notebook.page.evaluate(
        "() => { window.answers = 0; "
        "document.addEventListener('course:shots', () => { window.answers += 1; }); }"
    )
    notebook.locator(f"{ROOT} input[type=range]").first.focus()
    times = [
        notebook.latency(lambda: keyboard.press("ArrowRight"), "window.answers", "keydown") for _ in range(9)
    ]
    print(f"key to repaint, ms: median {np.median(times):.0f}, 95 % {np.quantile(times, 0.95):.0f}")
    crowded = max(1.0, os.getloadavg()[0] / os.cpu_count())  # other people's trainings are not our fault
    assert np.median(times) < 100 * crowded
    notebook.wait(f"{SAYS}.startsWith('Known of the task: 3.')", 10)
    box = notebook.locator(WORLD).bounding_box()
    middle = box["x"] + 58 + (box["width"] - 68) / 2, box["y"] + 8 + (box["height"] - 58) / 2
    mouse.move(*middle)
    mouse.down()
    mouse.move(middle[0], middle[1] - 0.3 * box["height"], steps=8)
    mouse.up()
    notebook.wait(f"/task at .0.0[0-9], 2.20/.test({LABEL})", 10)
    notebook.locator(WORLD).focus()
    for _ in range(3):
        keyboard.press("ArrowLeft")
    notebook.wait(f"/task at .−0.5[0-9], 2.1/.test({LABEL})", 10)
    notebook.screenshot("posterior-shots-ten")
    before, answers = notebook.fingerprint(WORLD), notebook.page.evaluate("window.answers")
    notebook.locator(f"{ROOT} button:has-text('Another sample')").click()
    notebook.wait(f"window.answers > {answers}", 10)
    assert notebook.fingerprint(WORLD) != before
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.wait(f"document.querySelector('{ROOT}').hasAttribute('data-dark')")
    notebook.locator(f"{ROOT} canvas").first.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft"):
        keyboard.press(key)
    notebook.wait(f"document.querySelectorAll('{ROOT} output')[1].textContent === '10'", 10)
    notebook.page.wait_for_timeout(300)
    notebook.axe(".jp-OutputArea-output")
    notebook.screenshot("posterior-shots-dark")
    keyboard.press("f")
    notebook.wait(f"document.querySelector('{ROOT}').hasAttribute('data-lecture')")
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("posterior-shots-lecture")
    overflow = (
        f"() => {{ const m = document.querySelector('{ROOT}'); return m.scrollHeight - m.clientHeight; }}"
    )
    assert notebook.page.evaluate(overflow) <= 1
