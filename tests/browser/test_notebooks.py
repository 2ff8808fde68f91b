"""The lecture notebooks as a learner meets them: opened in JupyterLab, run from the top, and turned."""

import os
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CELL_BUDGET_S = 20.0  # as in tests/notebooks
NOTEBOOK_BUDGET_S = 120.0
ROBOT = ".course-panel canvas"


def scroll_to(notebook, cell_id: str) -> None:
    """Brings a cell into view, as scrolling does, and lets the page paint it."""
    notebook.page.evaluate(
        """async id => {
            const content = harness.panel().content;
            const index = content.widgets.findIndex(cell => cell.model.id === id);
            if (index < 0) throw new Error(`no cell ${id}`);
            await content.scrollToItem(index, 'start');
            for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
        }""",
        cell_id,
    )


def show(notebook, cell_id: str, name: str) -> None:
    """Brings a cell into view and takes a picture of the window, once all in it has come to rest."""
    scroll_to(notebook, cell_id)
    notebook.page.wait_for_timeout(700)
    notebook.screenshot(name)


def run_from_the_top(open_notebook, name: str, application: str = "lab"):
    """Opens a lecture and runs it, within the time of each cell and of the whole; returns its page.

    Each call stands for a run of that lecture: where these tests follow, tests/notebooks leaves it out.
    """
    path = NOTEBOOKS / name
    notebook = open_notebook(path, application)
    lecture = nbformat.read(path, as_version=4)
    allowed = lecture.metadata.get("budget_s", NOTEBOOK_BUDGET_S)
    notebook.run_all(allowed)
    seconds = notebook.cell_seconds()
    for cell in lecture.cells:
        if cell.cell_type == "code":
            budget = cell.metadata.get("budget_s", CELL_BUDGET_S)
            assert seconds[cell.id] < budget, f"{name}, cell {cell.id}: over its budget of {budget} s"
    print(f"{name}: {sum(seconds.values()):.1f} s")
    assert sum(seconds.values()) < allowed
    return notebook


def look_through(notebook, name: str) -> None:
    """Scrolls through a lecture, each heading and cell of code, so that all of it is drawn once.

    Whoever runs the test by hand finds a picture of each place; on CI, where nobody looks, none is taken.
    """
    for cell in nbformat.read(NOTEBOOKS / name, as_version=4).cells:
        if cell.cell_type == "code" or cell.source.startswith("#"):
            if os.environ.get("CI") == "true":
                scroll_to(notebook, cell.id)
            else:
                show(notebook, cell.id, f"notebook-{name[:2]}-{cell.id}")


def turn(notebook, panel: str) -> None:
    """Presses an arrow key on the panel's first slider, and waits until the picture has changed."""
    slider = notebook.locator(f"{panel} input[type=range]").first
    slider.scroll_into_view_if_needed()
    before = slider.get_attribute("aria-valuetext")
    milliseconds = notebook.latency(
        lambda: slider.press("ArrowRight"), f"harness.fingerprint('{panel} canvas')", timeout=30
    )
    assert slider.get_attribute("aria-valuetext") != before
    print(f"{panel}: a changed picture after {milliseconds:.0f} ms")
    assert notebook.ink(f"{panel} canvas") > 0.01


@pytest.mark.parametrize("application", ["lab", "notebook"])
def test_start_here_runs_and_its_slider_moves_the_hopper(open_notebook, application):
    notebook = run_from_the_top(open_notebook, "00_start_here.ipynb", application)
    show(notebook, "map", "notebook-00-map")
    assert notebook.locator("img[alt^='Three steps']").evaluate("image => image.naturalWidth") > 500
    turn(notebook, ".course-panel")
    notebook.axe(".course-panel")
    if application == "lab":
        for cell_id in ["title", "map", "taste-text", "panel", "notice", "next"]:
            show(notebook, cell_id, f"notebook-00-{cell_id}")


@pytest.mark.timeout(600)
def test_transfer_runs_from_the_top_and_every_widget_answers(open_notebook):
    notebook = run_from_the_top(open_notebook, "01_transfer.ipynb")
    assert notebook.locator("img[alt^='Left: four source']").evaluate("image => image.naturalWidth") > 500
    look_through(notebook, "01_transfer.ipynb")
    game = ".course-sprite"
    notebook.locator(game).scroll_into_view_if_needed()
    before = notebook.fingerprint(f"{game} canvas")
    notebook.locator(f"{game} canvas").first.focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.wait(f"harness.fingerprint('{game} canvas') !== {before!r}", 10)
    says = "document.querySelector('.course-know-says').textContent"
    notebook.locator(".course-know button[role=switch]:has-text('Model')").click()
    notebook.wait(f"{says}.startsWith('Model carried')", 30)
    notebook.locator(".course-task button:has-text('Meta')").click()
    notebook.locator(".course-task button:has-text('1-shot')").click()
    notebook.wait("/Meta, 1-shot/.test(document.querySelector('.course-task-says').textContent)", 10)
    notebook.locator(".course-quiz label").nth(2).click()
    notebook.locator(".course-quiz button:has-text('Check')").click()
    notebook.wait("/first try: 1 of 1/.test(document.querySelector('.course-quiz-score').textContent)", 10)
    for widget in (game, ".course-know", ".course-task", ".course-quiz"):
        notebook.screenshot(f"notebook-01-widget{widget.replace('.course', '')}", widget)
        notebook.axe(widget)


@pytest.mark.timeout(900)
def test_darc_runs_from_the_top_and_its_widgets_answer(open_notebook):
    notebook = run_from_the_top(open_notebook, "03_darc.ipynb")
    show(notebook, "picture", "notebook-03-picture")
    assert notebook.locator("img[alt^='Left, the source']").evaluate("image => image.naturalWidth") > 500
    look_through(notebook, "03_darc.ipynb")
    show(notebook, "grid", "notebook-03-grid")
    wedges = "document.querySelectorAll('.course-field')[0].querySelectorAll('.course-field-wedge').length"
    assert notebook.page.evaluate(wedges) == 2
    notebook.locator(".course-field-target [data-state='35']").first.click()  # the new wall, away with it
    notebook.wait(f"{wedges} === 0", 20)
    show(notebook, "live", "notebook-03-live-learning")
    number = "+document.querySelector('.course-live-number').textContent"
    notebook.wait(
        f"document.querySelector('.course-live-step').textContent.startsWith('done') && {number} > 0.8", 60
    )
    notebook.locator(".course-live").scroll_into_view_if_needed()
    notebook.screenshot("notebook-03-live-learned")
    notebook.axe(".course-live")
    show(notebook, "play-target", "notebook-03-play-target")
    assert notebook.ink(".course-player canvas") > 0.01


@pytest.mark.timeout(600)
def test_epopt_runs_from_the_top_and_its_panel_answers(open_notebook):
    notebook = run_from_the_top(open_notebook, "04_epopt.ipynb")
    look_through(notebook, "04_epopt.ipynb")
    show(notebook, "panel", "notebook-04-panel")
    notebook.page.wait_for_selector(ROBOT)
    turn(notebook, ".course-panel")
    notebook.axe(".course-panel")


@pytest.mark.timeout(600)
def test_contextual_runs_from_the_top_and_its_cheetahs_obey(open_notebook):
    notebook = run_from_the_top(open_notebook, "05_contextual.ipynb")
    assert notebook.locator("img[alt^='A joint MDP']").evaluate("image => image.naturalWidth") > 500
    look_through(notebook, "05_contextual.ipynb")
    show(notebook, "panel", "notebook-05-panel")
    turn(notebook, ".course-command")
    notebook.screenshot("notebook-05-panel-turned", ".course-command")
    notebook.axe(".course-command")
    show(notebook, "curve", "notebook-05-curve")
    slider = notebook.locator(".course-context input[type=range]").first
    slider.press("End")
    notebook.wait("/all of 0.5 to 2.5/.test(document.querySelector('.course-context').textContent)", 10)
    notebook.screenshot("notebook-05-curve-all", ".course-context >> nth=0")


@pytest.mark.timeout(600)
def test_goals_run_from_the_top_and_the_point_goes_where_it_is_told(open_notebook):
    notebook = run_from_the_top(open_notebook, "06_goal_conditioned.ipynb")
    look_through(notebook, "06_goal_conditioned.ipynb")
    notebook.locator(".course-goal").scroll_into_view_if_needed()
    says = "document.querySelector('.course-goal-says').textContent"
    notebook.wait(f"/reached/.test({says})", 20)
    before = notebook.page.evaluate(says)
    canvas = notebook.locator(".course-goal canvas")
    box = canvas.bounding_box()
    canvas.click(position={"x": 0.4 * box["width"], "y": 0.6 * box["height"]})
    notebook.wait(f"{says} !== {before!r} && /reached/.test({says})", 20)
    notebook.screenshot("notebook-06-goal-clicked", ".course-goal")
    for widget in (".course-goal", ".course-hind"):
        notebook.axe(widget)


@pytest.mark.timeout(600)
def test_meta_learning_runs_from_the_top_and_the_lines_follow_the_points(open_notebook):
    notebook = run_from_the_top(open_notebook, "07_meta_learning.ipynb")
    assert notebook.locator("img[alt^='Left: learning']").evaluate("image => image.naturalWidth") > 500
    look_through(notebook, "07_meta_learning.ipynb")
    notebook.locator(".course-fit").scroll_into_view_if_needed()
    says = "document.querySelector('.course-fit-says').textContent"
    notebook.wait(f"{says} === '3 of 20 points read.'", 20)
    before = notebook.fingerprint(".course-fit canvas")
    notebook.locator(".course-fit input[type=range]").first.press("Home")
    notebook.wait(f"{says} === '0 of 20 points read.'", 20)
    assert notebook.fingerprint(".course-fit canvas") != before
    notebook.screenshot("notebook-07-no-point", ".course-fit")
    notebook.axe(".course-fit")


@pytest.mark.timeout(600)
def test_rl2_runs_from_the_top_and_a_hand_plays_against_the_network(open_notebook):
    notebook = run_from_the_top(open_notebook, "08_rl2.ipynb")
    assert notebook.locator("img[alt^='A trial from left']").evaluate("image => image.naturalWidth") > 500
    look_through(notebook, "08_rl2.ipynb")
    notebook.locator(".course-bandit").scroll_into_view_if_needed()
    notebook.locator(".course-bandit-arms button").nth(1).click()
    says = "document.querySelector('.course-bandit-says').textContent"
    notebook.wait(f"{says}.endsWith('Pull 2 of 20 is next.')", 10)
    notebook.locator(".course-bandit button[data-player='network']").click()
    notebook.wait(f"{says}.startsWith('The end')", 30)
    for widget in (".course-bandit", ".course-memory", ".course-trial"):
        notebook.screenshot(f"notebook-08-widget{widget.replace('.course', '')}", widget)
        notebook.axe(widget)


@pytest.mark.timeout(600)
def test_maml_runs_from_the_top_and_steps_follow_the_sliders(open_notebook):
    notebook = run_from_the_top(open_notebook, "09_maml.ipynb")
    assert notebook.locator("img[alt^='Left: the space']").evaluate("image => image.naturalWidth") > 500
    look_through(notebook, "09_maml.ipynb")
    fit = notebook.locator(".course-fit").first
    fit.scroll_into_view_if_needed()
    before = notebook.fingerprint(".course-fit canvas")
    fit.locator("input[type=range]").nth(1).press("ArrowRight")  # one gradient step
    notebook.wait(f"harness.fingerprint('.course-fit canvas') !== {before!r}", 20)
    notebook.screenshot("notebook-09-one-step", ".course-fit >> nth=0")
    for widget in (".course-steps", ".course-trial"):
        turn(notebook, widget)
        notebook.screenshot(f"notebook-09-widget{widget.replace('.course', '')}", widget)
        notebook.axe(widget)


@pytest.mark.timeout(600)
def test_pearl_runs_from_the_top_and_beliefs_follow_the_sliders(open_notebook):
    notebook = run_from_the_top(open_notebook, "10_pearl.ipynb")
    assert notebook.locator("img[alt^='Left: a hidden']").evaluate("image => image.naturalWidth") > 500
    look_through(notebook, "10_pearl.ipynb")
    for widget in (".course-fit", ".course-shots", ".course-grid"):
        turn(notebook, widget)
        notebook.screenshot(f"notebook-10-widget{widget.replace('.course', '')}", f"{widget} >> nth=0")
        notebook.axe(widget)


@pytest.mark.timeout(600)
def test_the_three_perspectives_run_from_the_top_and_two_sliders_move_them_all(open_notebook):
    notebook = run_from_the_top(open_notebook, "11_three_perspectives.ipynb")
    assert notebook.locator("img[alt^='Three rows']").evaluate("image => image.naturalWidth") > 500
    look_through(notebook, "11_three_perspectives.ipynb")
    turn(notebook, ".course-shift")
    sliders = notebook.locator(".course-shift input[type=range]")
    assert sliders.count() == 2
    ways = [f".course-shift-planes > :nth-child({i}) canvas" for i in (1, 2, 3, 4)]
    before = [notebook.fingerprint(canvas) for canvas in ways]
    sliders.nth(1).press("End")
    notebook.wait(
        "/2 times as far/.test(document.querySelector('.course-shift-head > span').textContent)", 20
    )
    notebook.page.wait_for_timeout(300)
    assert all(notebook.fingerprint(canvas) != old for canvas, old in zip(ways, before, strict=True))
    notebook.screenshot("notebook-11-shift", ".course-shift")
    for widget in (".course-shift", ".course-quiz"):
        notebook.axe(widget)


@pytest.mark.timeout(300)
def test_training_in_the_notebook_can_be_stopped_and_keeps_a_policy(open_notebook, tmp_path):
    """The cells up to the training, with TRAIN switched on and the slow comparison left out."""
    content = nbformat.read(NOTEBOOKS / "04_epopt.ipynb", as_version=4)
    wanted = {"setup", "zoo", "worlds", "sample", "train"}
    content.cells = [cell for cell in content.cells if cell.id in wanted]
    assert {cell.id for cell in content.cells} == wanted
    assert "TRAIN = False" in content.cells[-1].source
    content.cells[-1].source = content.cells[-1].source.replace("TRAIN = False", "TRAIN = True")
    check = "print('kept', type(policies['ensemble, mine']).__name__, run.stopped)"
    content.cells.append(nbformat.v4.new_code_cell(check, id="check"))
    copy = tmp_path / "train.ipynb"
    nbformat.write(content, copy)
    notebook = open_notebook(copy)
    notebook.start_all()
    notebook.wait("/[1-9]/.test(document.querySelector('.course-curve [role=status]')?.textContent)", 200)
    notebook.page.wait_for_timeout(3000)
    notebook.screenshot("notebook-04-training")
    notebook.locator(".course-curve button").first.press("Enter")
    notebook.wait_done(60)
    assert "kept GaussianPolicy True" in notebook.text()


@pytest.mark.timeout(300)
def test_darc_trains_before_a_learners_eyes_and_can_be_stopped(open_notebook, tmp_path):
    """The cells that the training needs, with TRAIN switched on."""
    content = nbformat.read(NOTEBOOKS / "03_darc.ipynb", as_version=4)
    wanted = {"setup", "zoo", "watch", "train"}
    content.cells = [cell for cell in content.cells if cell.id in wanted]
    assert {cell.id for cell in content.cells} == wanted
    assert "TRAIN = False" in content.cells[-1].source
    content.cells[-1].source = content.cells[-1].source.replace("TRAIN = False", "TRAIN = True")
    check = "print('kept', len(run) > 3, run.stopped)"
    content.cells.append(nbformat.v4.new_code_cell(check, id="check"))
    copy = tmp_path / "train.ipynb"
    nbformat.write(content, copy)
    notebook = open_notebook(copy)
    notebook.start_all()
    curve = "document.querySelector('.course-curve [role=status]')?.textContent"
    notebook.wait(f"/iteration (3[0-9]|[4-9][0-9])/i.test({curve})", 200)
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("notebook-03-training")
    notebook.locator(".course-curve button").first.press("Enter")
    notebook.wait_done(60)
    assert "kept True True" in notebook.text()
