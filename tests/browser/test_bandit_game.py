"""The bandit game in a real notebook: a hand pulls, others play beside it, and one of them finishes."""

import os

import numpy as np

CODE = """
import numpy as np
from course_lib.widgets.bandit_game import BanditGame

def careless(pulled, paid, rng):
    return rng.integers(5, size=pulled.shape[1])

def stubborn(pulled, paid, rng):
    return np.full(pulled.shape[1], 2)

def in_turn(pulled, paid, rng):
    return np.full(pulled.shape[1], len(pulled) % 5)

def greedy(pulled, paid, rng):
    won = np.stack([(paid * (pulled == arm)).sum(0) for arm in range(5)], axis=1)
    made = np.stack([(pulled == arm).sum(0) for arm in range(5)], axis=1)
    return ((won + 1) / (made + 2) + 1e-3 * rng.random(won.shape)).argmax(1)

arms = np.array([[0.1, 0.3, 0.8, 0.5, 0.6], [0.9, 0.2, 0.2, 0.2, 0.2]])
game = BanditGame(arms, {"greedy": greedy, "stubborn": stubborn, "in turn": in_turn, "careless": careless})
game
"""
GAME = ".course-bandit"
SAYS = "document.querySelector('.course-bandit-says').textContent"


def show(open_notebook, application="lab", **options):
    notebook = open_notebook([CODE], application, **options)
    notebook.run_all()
    notebook.page.wait_for_selector(GAME)
    notebook.locator(GAME).scroll_into_view_if_needed()
    return notebook


def test_a_game_is_played_by_keys_and_by_hand_and_finished_by_another(open_notebook):
    notebook = show(open_notebook, viewport={"width": 1280, "height": 1300})
    keyboard = notebook.page.keyboard
    assert notebook.page.evaluate(SAYS) == "Bandit 1: 20 pulls. Which arm first?"
    notebook.page.evaluate(  # told once the pull has been painted
        "() => { window.pulls = 0;"
        " document.addEventListener('course:bandit', () => { window.pulls += 1; }); }"
    )
    notebook.locator(f"{GAME} button:has-text('1')").first.focus()
    times = [notebook.latency(lambda: keyboard.press("3"), "window.pulls", "keydown") for _ in range(8)]
    print(f"key to repaint, ms: median {np.median(times):.0f}")
    crowded = max(1.0, os.getloadavg()[0] / os.cpu_count())  # other people's trainings are not our fault
    assert np.median(times) < 100 * crowded
    assert notebook.page.evaluate(SAYS).endswith("Pull 9 of 20 is next.")
    wins = "[...document.querySelectorAll('.course-bandit tbody tr')].map((r) => r.children[1].textContent)"
    you, _, stubborn, *_ = notebook.page.evaluate(wins)
    assert you == stubborn, "the same arm, the same luck"
    notebook.locator(f"{GAME}-arms button").nth(4).click()
    notebook.screenshot("bandit-game-running", GAME)
    notebook.axe(".jp-OutputArea-output")
    notebook.locator(f"{GAME} button[data-player='in turn']").click()
    notebook.wait(f"{SAYS}.startsWith('The end')", 15)
    assert notebook.page.evaluate(SAYS).endswith("The best arm was 3.")
    assert "you, then in turn" in notebook.locator(f"{GAME} tbody").inner_text()
    notebook.page.wait_for_timeout(300)
    notebook.screenshot("bandit-game-end", GAME)
    notebook.axe(".jp-OutputArea-output")
    keyboard.press("n")
    notebook.wait(f"{SAYS}.startsWith('Bandit 2')", 5)
    for _ in range(20):
        keyboard.press("1")
    notebook.wait(f"{SAYS}.endsWith('The best arm was 1.')", 5)
    regrets = (
        "[...document.querySelectorAll('.course-bandit tbody tr')].map((r) => r.children[2].textContent)"
    )
    assert notebook.page.evaluate(regrets)[0] == "0.0"
    assert notebook.page.evaluate("document.querySelectorAll('.jp-Notebook .jp-Cell').length") == 1


def test_dark_narrow_and_on_a_projector(open_notebook):
    notebook = show(
        open_notebook, viewport={"width": 620, "height": 1000}, context={"reduced_motion": "reduce"}
    )
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.wait(f"document.querySelector('{GAME}').hasAttribute('data-dark')")
    notebook.locator(f"{GAME} button[data-player='greedy']").click()
    notebook.wait(f"{SAYS}.startsWith('The end')", 15)
    notebook.axe(".jp-OutputArea-output")
    notebook.screenshot("bandit-game-dark", GAME)
    notebook.page.set_viewport_size({"width": 1920, "height": 1080})
    notebook.page.keyboard.press("f")
    notebook.wait(f"document.querySelector('{GAME}').hasAttribute('data-lecture')")
    notebook.page.wait_for_timeout(500)
    notebook.screenshot("bandit-game-lecture")
