"""The hindsight view in a real notebook: goals are replaced, and every stored transition can be read."""

CODE = """
import numpy as np
from course_lib.widgets.hindsight_view import HindsightView, Stored
T = 20
angle = np.linspace(0, 2.5, T + 1)
way = np.stack([-0.8 + 0.6 * angle, 0.7 * np.sin(2 * angle)], axis=1)
goal = np.array([0.7, 0.5])

def relabel(strategy, k, seed):
    rng = np.random.default_rng(seed)
    t = np.arange(T)
    if strategy != "none":
        t = np.concatenate([t, np.repeat(np.arange(T), k)])
    new = {"final": np.full(t.shape, T), "future": rng.integers(t + 1, T + 1),
           "episode": rng.integers(1, T + 1, t.shape)}
    goals = way[new[strategy]] if strategy != "none" else np.tile(goal, (T, 1))
    goals[:T] = goal
    reached = np.linalg.norm(way[t + 1] - goals, axis=1) <= 0.05
    return Stored(t, goals, reached - 1.0, reached)

view = HindsightView(relabel, way, goal, [((0, -1), (0, 0.2))], (-1, -1), (1, 1),
                     action=np.diff(way, axis=0) / 0.1)
view
"""
VIEW = ".course-hind"
COUNT = "document.querySelector('.course-hind-count').textContent"
SAYS = "document.querySelector('.course-hind-says').textContent"
CANVAS = f"{VIEW} .course-hind-after canvas"


def show(open_notebook, application="lab", code=CODE, **options):
    notebook = open_notebook([code], application, **options)
    notebook.run_all()
    notebook.page.wait_for_selector(VIEW)
    notebook.locator(VIEW).scroll_into_view_if_needed()
    notebook.wait(f"{COUNT}.includes('now')", 10)
    return notebook


def test_new_goals_bring_rewards_and_each_can_be_read(open_notebook):
    notebook = show(open_notebook)
    assert notebook.page.evaluate(COUNT) == "0 of 20 transitions carried a reward of 0; now 0 of 20 do."
    notebook.axe(".jp-OutputArea-output")
    notebook.screenshot("hindsight-view")
    notebook.locator(f"{VIEW} button:has-text('final')").click()
    notebook.wait(f"{COUNT}.includes('now 3 of 80 do')", 10)
    notebook.locator(f"{VIEW} button:has-text('future')").click()
    notebook.wait(f"{COUNT}.includes('of 80') && !{COUNT}.includes('now 3 of')", 10)
    first = notebook.page.evaluate(COUNT)
    notebook.screenshot("hindsight-view-future")
    notebook.locator(CANVAS).focus()
    for key in ("End", "ArrowDown"):
        notebook.page.keyboard.press(key)
    assert notebook.page.evaluate(SAYS).startswith("Transition 20 of 20: s (")
    assert notebook.page.evaluate(SAYS).endswith("r = 0, terminated."), "its future is where it leads"
    notebook.screenshot("hindsight-view-read")
    seen = {first}
    for _ in range(3):
        notebook.locator(f"{VIEW} button:has-text('Draw again')").click()
        notebook.page.wait_for_timeout(300)
        seen.add(notebook.page.evaluate(COUNT))
    assert len(seen) > 1


def test_dark_theme_lecture_mode_and_the_pointer(open_notebook):
    notebook = show(open_notebook, code=CODE.replace("action=", "strategy='episode', k=2, action="))
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.wait(f"document.querySelector('{VIEW}').hasAttribute('data-dark')")
    notebook.axe(".jp-OutputArea-output")
    box = notebook.locator(CANVAS).bounding_box()
    notebook.locator(CANVAS).hover(position={"x": 0.5 * box["width"], "y": box["height"] - 40})
    assert notebook.page.evaluate(SAYS).startswith("Transition 1")
    notebook.screenshot("hindsight-view-dark")
    notebook.locator(CANVAS).focus()
    notebook.page.keyboard.press("f")
    notebook.wait(f"document.querySelector('{VIEW}').hasAttribute('data-lecture')")
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("hindsight-view-lecture")
    overflow = (
        "() => { const m = document.querySelector('.course-hind');"
        " return [m.scrollHeight - m.clientHeight, m.scrollWidth - m.clientWidth]; }"
    )
    assert max(notebook.page.evaluate(overflow)) <= 1
