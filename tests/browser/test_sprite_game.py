"""The sprite game in a real notebook: walked by keys along the best way, with all three kinds of drawing."""

CODE = """
import numpy as np
from course_lib.core.tabular_mdp import best_path
from course_lib.envs.key_door import EXCHANGED, PUZZLE, Room, probability_of_reward, world
from course_lib.widgets.sprite_game import SpriteGame

room = world(Room.drawn(PUZZLE))
rng = np.random.default_rng(0)
plain = 28 + 1200 * np.exp(-0.3 * np.arange(30)) * rng.uniform(0.5, 1.5, (20, 30))
told = 28 + 4 * rng.random((20, 30))
learners = {"sprites": plain, "textures": plain, "believes the sprites": told}
random_player = (1000, probability_of_reward(room.mdp, 1000))
way = best_path(room.mdp)
print([int(room.mdp.dynamics[s, :, t].argmax()) for s, t in zip(way, way[1:])])
SpriteGame(room, EXCHANGED, learners=learners, random_player=random_player)
"""
GAME = ".course-sprite"
SAYS = "document.querySelector('.course-sprite-says').textContent"
KEYS = ("ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft")


def test_the_whole_game_is_played_by_arrow_keys(open_notebook):
    notebook = open_notebook([CODE], viewport={"width": 1280, "height": 900})
    notebook.run_all()
    notebook.page.wait_for_selector(GAME)
    page, keyboard = notebook.page, notebook.page.keyboard
    printed = notebook.locator(".jp-OutputArea-output pre").first.inner_text()
    way = [int(number) for number in printed.strip(" []\n").split(",")]
    assert len(way) == 28
    notebook.locator(f"{GAME} canvas").first.focus()
    scores = "[...document.querySelectorAll('.course-sprite tbody tr')].map((r) => r.children[2].textContent)"

    keyboard.press("ArrowLeft")
    for _ in range(4):  # to the skull beyond the ladder
        keyboard.press("ArrowRight")
    assert "a death" in page.evaluate(SAYS)
    page.wait_for_timeout(400)  # until the fall is over
    notebook.screenshot("sprite-game", GAME)
    notebook.axe(".jp-OutputArea-output")
    for action in way:
        keyboard.press(KEYS[action])
    assert page.evaluate(SAYS).startswith("The end, after 33\xa0steps, 1\xa0death.")
    assert page.evaluate(scores) == ["33\xa0steps, 1\xa0death", "–", "–"]
    notebook.screenshot("sprite-game-end", GAME)

    before = notebook.ink(f"{GAME} canvas")
    keyboard.press("2")
    notebook.wait(f"{SAYS}.includes('with textures')")
    assert notebook.ink(f"{GAME} canvas") != before
    page.evaluate(  # all that is said from here on
        "() => { window.said = []; const says = document.querySelector('.course-sprite [role=status]');"
        " new MutationObserver(() => window.said.push(says.textContent)).observe(says, {childList: true}); }"
    )
    for action in way:
        keyboard.press(KEYS[(0, 3, 2, 1)[action]])  # the same room, mirrored
    said = page.evaluate("window.said")
    assert len(said) == 28
    assert not any(
        kind in words for words in said for kind in ("key", "door", "skull", "ladder", "wall", "air")
    )
    notebook.screenshot("sprite-game-textures", GAME)
    notebook.axe(".jp-OutputArea-output")
    assert page.evaluate(scores) == ["33\xa0steps, 1\xa0death", "28\xa0steps", "–"]
    keyboard.press("3")
    notebook.screenshot("sprite-game-exchanged", GAME)
    assert page.evaluate("document.querySelectorAll('.jp-Notebook .jp-Cell').length") == 1
    page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.wait(f"document.querySelector('{GAME}').hasAttribute('data-dark')")
    notebook.axe(".jp-OutputArea-output")
