"""The goal field in a real notebook: the hand moves the goal, and the point goes there."""



CODE = """
import numpy as np
from course_lib.widgets.goal_field import GoalAnswer, GoalField

def answer(goal, start, policy, radius):
    y, x = np.meshgrid(*[(np.arange(25) + 0.5) / 12.5 - 1] * 2, indexing="ij")
    away = np.linalg.norm(goal - start)
    steps = max(1, round(max(0.0, away - radius) / 0.1 + 0.5)) if policy == "straight" else 3
    share = np.arange(steps + 1)[:, None] / steps * (1 if policy == "straight" else 0.4)
    way = start + share * (goal - start)
    reached = bool(np.linalg.norm(way[-1] - goal) <= radius)
    return GoalAnswer(-10 * np.hypot(x - goal[0], y - goal[1]), way, reached)

field = GoalField(answer, [((0, -1), (0, -0.2)), ((0, 0.2), (0, 1))], (-1, -1), (1, 1), ["straight", "tired"],
                  start=(-0.7, -0.6), goal=(0.6, 0.5))
field
"""
FIELD = ".course-goal"
CANVAS = f"{FIELD} canvas"
SAYS = "document.querySelector('.course-goal-says').textContent"


def show(open_notebook, application="lab", code=CODE, **options):
    notebook = open_notebook([code], application, **options)
    notebook.run_all()
    notebook.page.wait_for_selector(FIELD)
    notebook.locator(FIELD).scroll_into_view_if_needed()
    notebook.wait(f"{SAYS}.startsWith('Goal')", 10)
    return notebook


def click(notebook, x: float, y: float, **options) -> None:
    """Clicks a place given as shares of the canvas."""
    box = notebook.locator(CANVAS).bounding_box()
    notebook.locator(CANVAS).click(position={"x": x * box["width"], "y": y * box["height"]}, **options)


def test_a_click_moves_the_goal_and_the_point_sets_out(open_notebook):
    notebook = show(open_notebook)
    notebook.page.wait_for_timeout(1200)  # it goes 17 steps
    assert notebook.page.evaluate(SAYS) == "Goal (0.60, 0.50): reached after 17 steps."
    notebook.screenshot("goal-field")
    notebook.axe(".jp-OutputArea-output")
    before = notebook.page.evaluate(SAYS)
    click(notebook, 0.3, 0.3)
    notebook.wait(f"{SAYS} !== {before!r}", 10)
    notebook.page.wait_for_timeout(1500)
    assert "reached after" in notebook.page.evaluate(SAYS)
    reached = notebook.page.evaluate(SAYS)
    notebook.locator(f"{FIELD} button:has-text('tired')").click()
    notebook.wait(f"{SAYS}.includes('not reached in 3 steps')", 10)
    assert notebook.page.evaluate(SAYS).split(":")[0] == reached.split(":")[0], "the goal stays"
    notebook.page.wait_for_timeout(600)
    notebook.screenshot("goal-field-tired")
