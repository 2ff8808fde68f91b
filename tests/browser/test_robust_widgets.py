"""All widgets in one page: by keyboard alone, moved at random, kept waiting, interrupted, restarted.

One notebook shows them all by plain constructors (every_widget.py), since opening pages is what takes time.
What one widget does is tested in its own file; random_moves.js has what is done in the page.
"""

import json
from pathlib import Path

import pytest
from every_widget import CONSTRUCTORS, FUNCTIONS, SHOW, cell

NAMES = sorted(CONSTRUCTORS)
WIDGETS = Path(__file__).parents[2] / "course_lib" / "widgets"
MOVES = (Path(__file__).parent / "random_moves.js").read_text()
STATE = (
    'print(json.dumps({name: [w.request, w.answer] for name, w in widgets.items() if hasattr(w, "request")}))'
)
BUSY = """
try:
    while True: time.sleep(0.05)
except KeyboardInterrupt:
    print("interrupted")
"""
ASKING = {
    "BanditGame": "button[data-player]",
    "BeliefGrid": ".course-grid-head button:nth-of-type(2)",
    "CommandPanel": ".course-command-buttons button:nth-of-type(2)",
    "CorrectionField": "input[type=range]",
    "FunctionFit": "input[type=range]",
    "GoalField": "input[type=range]",
    "HindsightView": "input[type=range]",
    "KnowledgeSwitches": "button[role=switch]",
    "LiveField": "input[type=range]",
    "PhysicsPanel": ".course-panel-controls input[type=range]",
    "PosteriorShots": "input[type=range]",
    "RobustnessMap": "[role=gridcell]",
    "ShotsAndShift": "input[type=range]",
    "StepLandscape": "input[type=range]",
    "TrialPaths": ".course-trial-head button:nth-of-type(2)",
}
"""Of each widget whose picture hangs on the kernel, a control that asks it."""

STAGE = "space and the play button", "the slider of time"
OTHER_WAY = {
    "CommandPanel": STAGE[:1],
    "PhysicsPanel": STAGE,
    "Player": STAGE,
    "RobustnessMap": STAGE,
    "ShotsAndShift": ("the slider of shots", "the slider of distances"),
    "TrialPaths": ("the slider of episodes",),
}
"""For each canvas that only a mouse can use: what does the same by keyboard."""

DRAWN, PRINTS, CLOSES, OPENS, RUNS = 1, 2, 3, 4, 5  # cells of the notebook


def module_of(name: str) -> str:
    """The module of the course's widgets that defines a class."""
    for file in WIDGETS.glob("*.py"):
        if f"\nclass {name}(" in file.read_text():
            return f"course_lib.widgets.{file.stem}"
    raise LookupError(f"no file of course_lib/widgets defines {name}")


def show(open_notebook):
    """A notebook that shows every widget."""
    made = cell(NAMES, {name: module_of(name) for name in NAMES})
    cells = [f"import json\n{FUNCTIONS}", made, STATE, "gate.clear()", "gate.set()", BUSY]
    notebook = open_notebook(cells, viewport={"width": 1280, "height": 1400})
    notebook.page.evaluate(MOVES)
    for i in (0, DRAWN):
        run(notebook, i)
    all_are_shown(notebook)
    return notebook


def all_are_shown(notebook) -> None:
    notebook.wait(f"moves.roots().length === {len(NAMES)}", 60)


def start(notebook, i: int) -> None:
    """Begins to run one cell."""
    notebook.page.evaluate(
        """i => { harness.panel().content.activeCellIndex = i; harness.done = false;
        const finish = () => { harness.done = true; };
        window.jupyterapp.commands.execute('notebook:run-cell').then(finish, finish); }""",
        i,
    )


def run(notebook, i: int) -> list[dict]:
    """Runs one cell, and returns its outputs."""
    start(notebook, i)
    notebook.wait_done(120)
    return notebook.outputs()[i]


def settle(notebook) -> None:
    """Waits until no view waits for the kernel."""
    notebook.page.evaluate("() => moves.halt()")
    notebook.wait("!moves.unsettled().length", 60)


def marked(notebook) -> list[str]:
    """Names of the widgets that say that the kernel does not answer or has ended."""
    return [name for name, said in zip(NAMES, notebook.page.evaluate("moves.marks()"), strict=True) if said]


def page_and_kernel_agree(notebook) -> None:
    settle(notebook)
    assert notebook.page.evaluate("moves.errors()") == []
    kernel = json.loads(run(notebook, PRINTS)[0]["text"])
    page = notebook.page.evaluate(f"moves.states({DRAWN})")
    for name, shown in zip(NAMES, page, strict=True):
        if name in kernel:
            request, answer = kernel[name]
            assert answer["of"] == request, f"{name} was not answered"
            assert shown == [request, answer], f"{name} shows something else than its kernel has"


def moved_at_random(notebook) -> None:
    notebook.page.evaluate("moves.all(200, 1)")
    page_and_kernel_agree(notebook)
    assert marked(notebook) == []
    notebook.screenshot("robust-moved")


def worked_by_keyboard_alone(notebook) -> None:
    for i, name in enumerate(NAMES):
        root = f"moves.roots()[{i}]"
        nothing_is_for_the_mouse_only(notebook, name, root)
        tab_reaches_and_the_focus_is_seen(notebook, name, root)
        arrows_do_something(notebook, name, root)
    settle(notebook)


def nothing_is_for_the_mouse_only(notebook, name: str, root: str) -> None:
    unnamed = f"moves.focusable({root}).filter((one) => !moves.called(one)).map(moves.sketch)"
    assert notebook.page.evaluate(unnamed) == [], f"{name} has controls without a name"
    found = notebook.page.evaluate(f"moves.mouseOnly({root}).map(moves.sketch)")
    assert len(found) == len(OTHER_WAY.get(name, ())), f"only a mouse can use in {name}: {found}"


def tab_reaches_and_the_focus_is_seen(notebook, name: str, root: str) -> None:
    names = notebook.page.evaluate(f"moves.focusable({root}).map(moves.called)")
    notebook.page.evaluate(f"moves.focusable({root})[0]?.focus()")
    reached = []
    for _ in names:
        at = f"[document.activeElement].filter((one) => {root}.contains(one))"
        reached += notebook.page.evaluate(f"{at}.map((one) => [moves.called(one), moves.outlined(one)])")
        notebook.page.keyboard.press("Tab")
    assert [one for one, _ in reached] == names, f"Tab does not reach everything in {name}"
    blind = [one for one, outlined in reached[1:] if not outlined]  # the first was not reached by a key
    assert blind == [], f"the focus cannot be seen in {name}"


def arrows_do_something(notebook, name: str, root: str) -> None:
    pictures = f"""[...{root}.querySelectorAll('canvas[tabindex="0"], [role=grid] [tabindex="0"]')]"""
    for k in range(notebook.page.evaluate(f"{pictures}.length")):
        notebook.page.evaluate(f"{pictures}[{k}].focus()")
        notebook.page.evaluate(f"() => {{ moves.before = moves.look({root}); }}")
        for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
            notebook.page.keyboard.press(key)
            if notebook.page.evaluate(f"moves.changes({root})"):
                break
        else:
            raise AssertionError(f"arrow keys change nothing in picture {k} of {name}")


def what_is_wrong_is_found(notebook) -> None:
    """The checks fail where a canvas lost its Tab stop, a button its name, and the focus its outline."""
    name, root = "GoalField", f"moves.roots()[{NAMES.index('GoalField')}]"
    canvas, button = f"{root}.querySelector('canvas')", f"{root}.querySelector('.course-full')"
    spoiled = (
        (f"{canvas}.removeAttribute('tabindex')", f"{canvas}.tabIndex = 0", nothing_is_for_the_mouse_only),
        (
            f"{button}.ariaLabel = {button}.title = ''",
            f"{button}.ariaLabel = 'Fill'",
            nothing_is_for_the_mouse_only,
        ),
        (
            f"{canvas}.style.outline = 'none'",
            f"{canvas}.style.outline = ''",
            tab_reaches_and_the_focus_is_seen,
        ),
    )
    for spoil, mend, check in spoiled:
        notebook.page.evaluate(f"() => {{ {spoil}; }}")
        with pytest.raises(AssertionError, match=name):
            check(notebook, name, root)
        notebook.page.evaluate(f"() => {{ {mend}; }}")
        check(notebook, name, root)


def kept_waiting(notebook) -> None:
    settle(notebook)
    run(notebook, CLOSES)
    notebook.page.evaluate("([names, asking]) => moves.ask(names, asking)", [NAMES, ASKING])
    notebook.wait(f"moves.unsettled('[data-stale]').length === {len(ASKING)}", 60)
    assert marked(notebook) == sorted(ASKING)
    notebook.locator(".course-goal").scroll_into_view_if_needed()
    notebook.screenshot("robust-waiting")
    run(notebook, OPENS)
    page_and_kernel_agree(notebook)
    assert marked(notebook) == []


def interrupted(notebook) -> None:
    start(notebook, RUNS)
    notebook.wait("harness.kernelStatus() === 'busy'", 20)
    notebook.page.evaluate("moves.all(8, 2)")
    notebook.interrupt()
    notebook.wait_done()
    notebook.page.evaluate("moves.all(8, 3)")
    page_and_kernel_agree(notebook)
    assert marked(notebook) == []


def restarted(notebook) -> None:
    notebook.page.evaluate("() => harness.panel().sessionContext.session.kernel.restart()")
    notebook.wait("moves.marks().some(Boolean) && harness.kernelStatus() === 'idle'", 60)
    assert set(marked(notebook)) == {*ASKING, "LiveCurve"}
    notebook.page.evaluate("moves.all(20, 4)")  # what needs no kernel goes on, the rest does no harm
    assert notebook.page.evaluate("moves.errors()") == []
    notebook.locator(".course-goal").scroll_into_view_if_needed()
    notebook.screenshot("robust-restarted")
    for i in (0, DRAWN):
        run(notebook, i)
    all_are_shown(notebook)
    assert marked(notebook) == []


def test_every_widget_outlives_moves_waiting_an_interrupt_and_a_restart(open_notebook):
    notebook = show(open_notebook)
    worked_by_keyboard_alone(notebook)
    what_is_wrong_is_found(notebook)
    notebook.axe(".jp-OutputArea-output")
    moved_at_random(notebook)
    kept_waiting(notebook)
    interrupted(notebook)
    restarted(notebook)


def test_reopened_without_its_kernel_it_shows_stored_pictures(open_notebook):
    """JupyterLab alone would show "Error displaying widget: model not found", and no picture."""
    names = ["BanditGame", "GoalField"]
    made = cell(names, {name: module_of(name) for name in names}).replace(SHOW, "display(*widgets.values())")
    notebook = open_notebook([f"{FUNCTIONS}\n{made}"])
    notebook.page.evaluate(MOVES)
    notebook.run_all()
    notebook.wait("moves.roots().length === 2")
    reopen(notebook)
    notebook.wait("moves.roots().length === 2")  # the kernel still has them
    notebook.page.evaluate("() => harness.panel().sessionContext.shutdown()")
    notebook.wait("moves.marks().every(Boolean)", 20)
    reopen(notebook)
    notebook.wait("document.querySelectorAll('.jp-OutputArea-output img').length === 2")
    notebook.wait(
        "[...document.querySelectorAll('.jp-OutputArea-output')].at(-1).innerText.includes('Run this')"
    )
    notebook.locator(".jp-OutputArea-output").last.scroll_into_view_if_needed()
    notebook.screenshot("robust-reopened")


def reopen(notebook) -> None:
    """Saves the notebook, closes it, and opens it again."""
    notebook.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    notebook.wait("!harness.panel().content.model.dirty")
    notebook.page.reload()
    notebook.page.wait_for_function("() => harness.panel()?.content?.model?.cells?.length")
    notebook.page.evaluate(MOVES)
