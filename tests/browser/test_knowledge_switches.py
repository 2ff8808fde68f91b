"""The knowledge switches in a real notebook: pieces of knowledge are carried, and the steps are counted."""

CODE = """
from course_lib.envs import related_grids
from course_lib.transfer.knowledge_trial import learned, solve
from course_lib.transfer.stored_knowledge import StoredKnowledgeConfig, policy_of, proto_values
from course_lib.widgets.knowledge_switches import GridPair, KnowledgeSwitches

grid, targets, config = related_grids.source(), related_grids.targets(), StoredKnowledgeConfig()
known = learned(grid.mdp(), 20, StoredKnowledgeConfig(steps=4000))
carried = dict(source=grid.room, moves=grid.moves, values=known.values[0].max(axis=1),
               policy=policy_of(known.values)[0], links=known.seen[0].sum(axis=1) > 0,
               features=proto_values(known.seen, config.features)[0])
pairs = {name: GridPair(target=g.room, target_moves=g.moves, **carried) for name, g in targets.items()}

def trial(name, pieces):
    if len(pieces) == 3: raise ArithmeticError("three are too many")
    return solve(known, targets[name].mdp(), pieces, config)

KnowledgeSwitches(pairs, trial)
"""
ROOT = ".course-know"
SAYS = f"document.querySelector('{ROOT}-says').textContent"
ROWS = f"[...document.querySelectorAll('{ROOT} tbody th')].map((th) => th.textContent).join()"


def told(choice: str) -> str:
    """Whether the steps of a choice stand there, and not that they are awaited."""
    return f"{SAYS}.startsWith('{choice} carried: ') && {SAYS}.includes(' steps')"


def test_switches_carry_knowledge_and_every_choice_stays_in_view(open_notebook):
    notebook = open_notebook([CODE], viewport={"width": 1280, "height": 900})
    notebook.run_all()
    notebook.page.wait_for_selector(ROOT)
    notebook.locator(ROOT).scroll_into_view_if_needed()
    notebook.wait(told("Nothing"), 10)
    plain = notebook.fingerprint(f"{ROOT} canvas")
    notebook.locator(f"{ROOT} button[role=switch]:has-text('Model')").click()
    notebook.wait(told("Model"), 20)
    assert notebook.fingerprint(f"{ROOT} canvas") != plain, "its links are drawn"
    assert notebook.page.evaluate(ROWS) == "Model,Empty model,Nothing", "the fastest first"
    keyboard = notebook.page.keyboard
    for key in "32":
        keyboard.press(key)
    notebook.wait(told("Policy"), 20)
    keyboard.press("1")
    notebook.wait(told("Q-function + Policy"), 20)
    notebook.screenshot("knowledge-switches")
    notebook.axe(".jp-OutputArea-output")
    keyboard.press("4")
    notebook.wait(f"document.querySelector('{ROOT} .course-error')", 20)
    assert "ArithmeticError: three are too many" in notebook.locator(f"{ROOT} .course-error").inner_text()
    for key in "12":
        keyboard.press(key)
    notebook.wait(told("Features"), 20)
    assert notebook.page.evaluate(f"{ROWS}.includes('Features,All cells alike,')"), "its control beside it"
    assert notebook.page.evaluate(f"{SAYS}.includes('All cells alike: ')")
    first = notebook.fingerprint(f"{ROOT} canvas")
    keyboard.press(".")
    assert notebook.fingerprint(f"{ROOT} canvas") != first, "another map"
    notebook.screenshot("knowledge-switches-features")
    notebook.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    notebook.wait(f"document.querySelector('{ROOT}').hasAttribute('data-dark')")
    for key in "nn43":
        keyboard.press(key)
    notebook.wait(told("Model"), 20)
    notebook.axe(".jp-OutputArea-output")
    notebook.screenshot("knowledge-switches-dark")
    notebook.page.set_viewport_size({"width": 1280, "height": 720})
    keyboard.press("f")
    notebook.wait(f"document.querySelector('{ROOT}').hasAttribute('data-lecture')")
    for key in "12":
        keyboard.press(key)
    keyboard.press("4")
    notebook.wait(told("Q-function + Policy + Model + Features"), 20)
    notebook.screenshot("knowledge-switches-lecture")
    overflow = (
        f"() => {{ const m = document.querySelector('{ROOT}'); return m.scrollHeight - m.clientHeight; }}"
    )
    assert notebook.page.evaluate(overflow) <= 1
