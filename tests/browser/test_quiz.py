"""The quiz and the task picture in one real notebook: chosen, checked and turned by hand and by keys."""

CODE = """
from course_lib.widgets.quiz import Choice, Question, Quiz

Quiz([
    Question(text="Where does the reward come from?", choices=[
        Choice(text="From the state alone, always and everywhere.", why="A task may pay for actions, too."),
        Choice(text="From the task: it is a part of the MDP.", why="It is r.", right=True),
        Choice(text="From the policy.", why="The policy only earns it."),
    ]),
    Question(text="Is it easy?", choices=[
        Choice(text="Yes", why="For you.", right=True), Choice(text="No", why="For a table.")]),
])
"""
PICTURE = """
from course_lib.widgets.task_picture import Difference, Kind, Task, TaskPicture

moves = [(-1, 0), (0, 1), (1, 0), (0, -1)]
kinds = {
    "Forward": Kind(says="Trained in one task.", carries="one policy", many=False),
    "Multi-task, told": Kind(says="Told which.", carries="one policy for every task", told=True),
    "Meta": Kind(says="Trained to find out.", carries="a way to learn"),
}
goals = [(-2, 1), (1, 2), (2, -1), (-1, -2), (1, -2)]
returns = {"Forward": [-20, -19, -18, -16, -15, -12], "Multi-task, told": [-3] * 6}
returns["Meta"] = [-13, -5, -3, -3, -3, -3]
course = {"Forward": "04 EPOpt.", "Multi-task, told": "05 Contextual policies.", "Meta": "07 to 10."}
turned = [[1, 0], [0, 1]], [[0, 1], [-1, 0]], [[-1, 0], [0, -1]], [[1, 0], [0, -1]], [[0, -1], [1, 0]]
TaskPicture(
    {"Rewards": Difference(says="The goal lies elsewhere.", returns=returns, course=course,
                           tasks=[Task(goal=goal, moves=moves) for goal in goals]),
     "What is observed": Difference(says="The picture is turned.", returns=returns, course=course,
                                    tasks=[Task(goal=goals[0], moves=moves, turned=t) for t in turned])},
    kinds, best=-3.0, nothing=-17.0)
"""
QUIZ, TASK = ".course-quiz", ".course-task"
SAYS = f"document.querySelector('{TASK}-says').textContent"
SCORE = f"document.querySelector('{QUIZ}-score').textContent"


def test_a_person_checks_answers_and_turns_the_switches(open_notebook):
    notebook = open_notebook([PICTURE, CODE], viewport={"width": 1280, "height": 900})
    notebook.run_all()
    notebook.page.wait_for_selector(QUIZ)
    keyboard = notebook.page.keyboard

    # The arrow keys only choose: nothing is checked by looking at the choices.
    notebook.locator(f"{QUIZ} input").first.focus()
    keyboard.press("ArrowDown")
    keyboard.press("ArrowUp")
    assert notebook.page.evaluate(SCORE) == "2 questions"
    keyboard.press("Enter")
    notebook.wait(f"{SCORE} === 'Right at the first try: 0 of 1'", 5)
    assert notebook.locator(f"{QUIZ}-choice[data-found=wrong]").inner_text().endswith("pay for actions, too.")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    notebook.wait(
        f"document.querySelector('{QUIZ}-choice[data-found=right] p').innerText.startsWith('✓ Right')", 5
    )
    notebook.screenshot("quiz", QUIZ)
    notebook.axe(".jp-OutputArea-output")
    keyboard.press("n")
    notebook.locator(f"{QUIZ} label").first.click()
    notebook.locator(f"{QUIZ} button:has-text('Check')").click()
    notebook.wait(f"{SCORE} === 'Right at the first try: 1 of 2. All done.'", 5)
    marks = f"[...document.querySelectorAll('{QUIZ}-pages button')].map(b => b.getAttribute('aria-label'))"
    assert notebook.page.evaluate(marks) == [
        "Question 1, right, after another try",
        "Question 2, right at the first try",
    ]
    notebook.locator(f"{QUIZ} button:has-text('Start over')").click()
    notebook.wait(f"{SCORE} === '2 questions'", 5)

    notebook.locator(TASK).scroll_into_view_if_needed()
    assert notebook.page.evaluate(SAYS).startswith("Rewards, Forward, 0-shot: return −20.0.")
    cards, target = f"{TASK}-sources canvas", f"{TASK} figure:last-of-type canvas"
    assert notebook.locator(f"{cards}[data-unused]").count() == 3, "it learned from one source"
    icon = f"document.querySelector('{TASK}-options button canvas').clientWidth"
    assert notebook.page.evaluate(icon) == 40, "the styles of the widget below do not reach it"
    before = notebook.fingerprint(target)
    notebook.screenshot("task-picture", TASK)
    notebook.axe(".jp-OutputArea-output")
    notebook.locator(f"{TASK} button:has-text('Meta')").click()
    notebook.locator(f"{TASK} button:has-text('1-shot')").click()
    notebook.wait(f"{SAYS}.startsWith('Rewards, Meta, 1-shot: return −5.0.')", 5)
    assert notebook.locator(f"{cards}[data-unused]").count() == 0
    for key, words in (
        ("d", "What is observed, Meta, 1-shot"),
        ("Shift+S", "What is observed, Meta, 0-shot"),
    ):
        keyboard.press(key)
        notebook.wait(f"{SAYS}.startsWith('{words}')", 5)
    assert notebook.fingerprint(target) != before, "the target is seen turned"
    notebook.screenshot("task-picture-turned", TASK)
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.wait(f"document.querySelector('{TASK}').hasAttribute('data-dark')")
    notebook.axe(".jp-OutputArea-output")
    notebook.screenshot("task-picture-dark", TASK)
    notebook.locator(f"{TASK} button:has-text('few-shot')").click()
    notebook.page.set_viewport_size({"width": 1280, "height": 720})
    keyboard.press("f")
    notebook.wait(f"document.querySelector('{TASK}').hasAttribute('data-lecture')")
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("task-picture-lecture")
