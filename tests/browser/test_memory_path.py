"""The memory path in a real notebook: the slider takes trials from one point to where their tasks are."""

CODE = """
import numpy as np
from course_lib.widgets.memory_path import MemoryPath

rng = np.random.default_rng(0)
label = rng.integers(5, size=120)
goal = 5 * np.eye(8)[label] + rng.normal(size=(120, 8))
along = np.linspace(0, 1, 11)[:, None, None]
memory = along * goal + 0.5 * np.sin(3 * along) * rng.normal(size=(120, 8))
names = [f"arm {i + 1} is best" for i in range(5)]
MemoryPath(memory, label, names, [f"after {t} pulls" for t in range(11)])
"""
PATH = ".course-memory"
SAYS = "document.querySelector('.course-memory-says').textContent"


def test_the_slider_takes_memories_from_one_point_to_their_tasks(open_notebook):
    notebook = open_notebook([CODE], context={"reduced_motion": "reduce"})
    notebook.run_all()
    notebook.page.wait_for_selector(PATH)
    notebook.locator(PATH).scroll_into_view_if_needed()
    assert "After 0 pulls" in notebook.page.evaluate(SAYS)
    first = notebook.fingerprint(f"{PATH} canvas[role=img]")
    keyboard = notebook.page.keyboard
    notebook.locator(f"{PATH} input").focus()
    for _ in range(4):
        keyboard.press("ArrowRight")
    notebook.wait(f"{SAYS}.startsWith('After 4 pulls')", 5)
    notebook.screenshot("memory-path", PATH)
    notebook.axe(".jp-OutputArea-output")
    keyboard.press("End")
    notebook.wait(f"{SAYS}.startsWith('After 10 pulls')", 5)
    notebook.screenshot("memory-path-end", PATH)
    assert notebook.fingerprint(f"{PATH} canvas[role=img]") != first
    keyboard.press("p")
    notebook.wait(f"{SAYS}.startsWith('After 0 pulls')", 5)
    notebook.wait(f"{SAYS}.startsWith('After 10 pulls')", 60)
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.wait(f"document.querySelector('{PATH}').hasAttribute('data-dark')")
    notebook.axe(".jp-OutputArea-output")
    keyboard.press("f")
    notebook.wait(f"document.querySelector('{PATH}').hasAttribute('data-lecture')")
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("memory-path-lecture")
