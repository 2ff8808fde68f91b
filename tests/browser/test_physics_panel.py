"""The physics panel in a real browser: a slider moves, and a real hopper feels it at once.

The steps of a test share its notebook: an open panel is what most of their time goes into.
"""

import os
import statistics

import nbformat
from nbconvert import HTMLExporter

CELL = """
import torch
torch.manual_seed(0)
torch.set_num_threads(1)
from course_lib.core.networks import GaussianPolicy
from course_lib.core.playback import record
from course_lib.envs.hopper import SOURCE, HopperParams, HopperVectorEnv
from course_lib.widgets.physics_panel import PhysicsPanel, sliders_of
policies = {"one policy": GaussianPolicy(11, 3), "another policy": GaussianPolicy(11, 3)}
env = HopperVectorEnv(16, autoreset_mode="Disabled")

def simulate(values, policy):
    env.set_params(HopperParams(**values))
    yield from record(env, policy.act)

panel = PhysicsPanel(env.scene, simulate, sliders_of(SOURCE), policies)
"""
BAKE = """
from course_lib.widgets.baked import bake
baked = bake(panel, {"torso_mass": [1, 3, 6, 9, 11], "joint_damping": [1, 2.5, 4]})
baked
"""
LISTEN = """() => { window.said = [];
    for (const name of ["asked", "painted", "failed"])
        document.addEventListener(`course:${name}`,
            (event) => said.push({ name, time: performance.now(), ...event.detail })); }"""
STAGE = ".course-stage canvas"
SLIDER = ".course-slider input"
PAINTED = "said.filter((s) => s.name === 'painted' && s.final).length"


def open_panel(open_notebook, cells=(CELL, "panel"), **options):
    notebook = open_notebook(list(cells), **options)
    notebook.page.evaluate(LISTEN)
    notebook.run_all()
    notebook.wait(f"{PAINTED} > 0")
    notebook.locator(".course-panel").scroll_into_view_if_needed()
    return notebook


def delays(said):
    """Milliseconds from question to first and to complete picture."""
    asked = {s["id"]: s["time"] for s in said if s["name"] == "asked"}
    first = [s["at"] - asked[s["id"]] for s in said if s["name"] == "painted" and not s["final"]]
    complete = [s["at"] - asked[s["id"]] for s in said if s["name"] == "painted" and s["final"]]
    return sorted(first), sorted(complete)


def describe(name, values):
    p95 = values[min(len(values) - 1, int(0.95 * len(values)))]
    return f"{name}: median {statistics.median(values):.0f} ms, 95 % {p95:.0f} ms (n={len(values)})"


def test_keys_and_a_hand(open_notebook):
    notebook = open_panel(open_notebook)
    a_key_moves_the_slider_and_the_picture_follows(notebook)
    dragging_repaints_all_the_time_and_ends_with_the_newest(notebook)


def test_ghosts_and_a_projector(open_notebook):
    notebook = open_panel(open_notebook)
    ghosts_compare_settings(notebook)
    lecture_mode_shows_everything_at_720p(notebook)


def a_key_moves_the_slider_and_the_picture_follows(notebook):
    page = notebook.page
    assert notebook.ink(STAGE) > 0.2
    slider = notebook.locator(SLIDER).first
    slider.focus()
    page.evaluate("said.length = 0")
    for n in range(25):
        page.keyboard.press("ArrowRight" if n % 10 < 5 else "ArrowLeft")
        notebook.wait(f"{PAINTED} > {n}")
    first, complete = delays(page.evaluate("said"))
    load = os.getloadavg()[0]
    print(f"\nload {load:.1f}; {describe('first', first)}; {describe('complete', complete)}")
    assert statistics.median(first) < 1000  # sanity; the target of 100 ms is for a quiet machine
    assert len(complete) == 25

    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "1.00 kg"
    page.keyboard.press("Shift+ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "1.025 kg"
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext") == "11.00 kg"
    notebook.wait("!document.querySelector('.course-panel').hasAttribute('aria-busy')")
    heavy = notebook.locator(".course-says").inner_text()
    assert "of 16" in heavy and "mean return" in heavy
    page.keyboard.press("Home")
    notebook.wait(f"document.querySelector('.course-says').innerText !== {heavy!r}")
    assert page.evaluate("document.activeElement.matches('.course-slider input')"), "keys stay here"
    notebook.axe()
    notebook.screenshot("panel")


def dragging_repaints_all_the_time_and_ends_with_the_newest(notebook):
    page = notebook.page
    moves, seconds = page.evaluate(
        """async () => {  // what a hand does to a slider: 40 events a second, there and back
        const slider = document.querySelector(".course-slider input"), began = performance.now();
        said.length = 0;
        let n = 0;
        while (performance.now() - began < 2000) {
            n += 1;
            slider.value = 6 + 4 * Math.sin(n / 8);
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            await new Promise((resolve) => setTimeout(resolve, 25));
        }
        return [n, (performance.now() - began) / 1000]; }"""
    )
    notebook.wait("!document.querySelector('.course-panel').hasAttribute('aria-busy')")
    page.wait_for_timeout(200)
    said = page.evaluate("said")
    first, _ = delays(said)
    print(f"\n{moves} moves, {len(first) / seconds:.0f} repaints/s, {describe('first', first)}")
    assert len(first) / seconds > 2  # sanity; 10 on a quiet machine
    painted = [s for s in said if s["name"] == "painted" and s["final"]]
    asked = [s for s in said if s["name"] == "asked"]
    assert painted[-1]["id"] == asked[-1]["id"]


def ghosts_compare_settings(notebook):
    page = notebook.page
    notebook.locator(".course-actions button").first.click()
    page.evaluate("said.length = 0")
    notebook.locator(".course-policy select").select_option("another policy")
    notebook.locator(SLIDER).first.focus()
    page.keyboard.press("End")
    notebook.wait("!document.querySelector('.course-panel').hasAttribute('aria-busy')")
    assert notebook.locator(".course-kept button").inner_text() == "one policy"
    page.wait_for_timeout(700)
    notebook.screenshot("panel-ghost", ".course-panel")
    notebook.locator(".course-kept button").click()
    assert notebook.locator(".course-kept button").count() == 0
    notebook.axe()


def lecture_mode_shows_everything_at_720p(notebook):
    page = notebook.page
    notebook.locator(".course-actions button").first.click()
    notebook.locator(SLIDER).first.focus()
    page.keyboard.press("PageDown")
    page.keyboard.press("f")
    page.wait_for_function("() => document.querySelector('.course-panel').hasAttribute('data-lecture')")
    page.wait_for_timeout(800)
    outside = page.evaluate(
        """() => [...document.querySelectorAll(".course-panel :is(input, button, select, canvas, output)")]
        .filter((e) => { const b = e.getBoundingClientRect();
            return b.width === 0 || b.left < 0 || b.top < 0 || b.right > 1280.5 || b.bottom > 720.5; })
        .map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert outside == []
    small = page.evaluate(
        """() => [...document.querySelectorAll(".course-panel *")].filter((e) => e.innerText?.trim()
        && parseFloat(getComputedStyle(e).fontSize) < 16).map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert small == []
    notebook.screenshot("panel-lecture")
    page.keyboard.press("f")
    page.wait_for_function("() => !document.querySelector('.course-panel').hasAttribute('data-lecture')")


def test_an_error_is_told_and_the_next_move_works(open_notebook):
    broken = CELL.replace(
        "    env.set_params",
        "    if values['torso_mass'] > 8:\n        raise RuntimeError('too heavy')\n    env.set_params",
    )
    notebook = open_panel(open_notebook, (broken, "panel"), application="notebook")
    page = notebook.page
    notebook.locator(SLIDER).first.focus()
    page.keyboard.press("End")
    notebook.wait("document.querySelector('.course-error')")
    assert "RuntimeError: too heavy" in notebook.locator(".course-error").inner_text()
    notebook.locator(".course-error summary").click()
    assert "in simulate" in notebook.locator(".course-error pre").inner_text()
    notebook.axe()
    notebook.screenshot("panel-error", ".course-panel")
    notebook.locator(SLIDER).first.focus()
    page.evaluate("said.length = 0")
    page.keyboard.press("Home")
    notebook.wait(f"{PAINTED} > 0")
    assert notebook.locator(".course-error").count() == 0


def test_a_baked_panel_plays_without_a_kernel_and_a_closed_one_leaves_no_thread(
    open_notebook, chromium, tmp_path
):
    count = (
        "import threading, time; time.sleep(0.3); "
        "print(sum(t.name == 'course widget' for t in threading.enumerate()))"
    )
    notebook = open_notebook([CELL, BAKE, "panel", count, "panel.close()", count])
    notebook.run_all()
    assert notebook.text().replace("\n", "").endswith("10"), "one thread, and none after it is closed"
    plays_in_the_notebook_and_in_an_exported_one(notebook, chromium, tmp_path)
    an_untrusted_notebook_shows_the_poster(notebook, open_notebook, tmp_path)


def plays_in_the_notebook_and_in_an_exported_one(notebook, chromium, tmp_path):
    outputs = notebook.outputs()[:2]
    inside = notebook.page.frame_locator("iframe[srcdoc]")
    inside.locator(SLIDER).first.wait_for()
    notebook.locator("iframe[srcdoc]").scroll_into_view_if_needed()
    notebook.page.wait_for_timeout(800)
    notebook.screenshot("baked-lab")

    # The exported notebook, in a browser without any network.
    cells = [
        nbformat.v4.new_code_cell(source, outputs=[nbformat.from_dict(o) for o in cell_outputs])
        for source, cell_outputs in zip((CELL, BAKE), outputs, strict=True)
    ]
    html, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=cells))
    (tmp_path / "exported.html").write_text(html)
    context = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True, offline=True)
    page = context.new_page()
    page.goto((tmp_path / "exported.html").as_uri())
    frame = page.frame_locator("iframe[srcdoc]")
    frame.locator(SLIDER).first.wait_for()
    (child,) = [frame for frame in page.frames if frame != page.main_frame]
    child.evaluate(LISTEN)
    before = frame.locator(".course-says").inner_text()
    frame.locator(SLIDER).first.focus()
    for n in range(24):
        page.keyboard.press("ArrowRight" if n % 4 < 2 else "ArrowLeft")
        child.wait_for_function(f"() => {PAINTED} > {n}")
    _, complete = delays(child.evaluate("said"))
    print(f"\nbaked, load {os.getloadavg()[0]:.1f}; {describe('complete', complete)}")
    assert statistics.median(complete) < 200  # 20 ms on a quiet machine
    page.keyboard.press("End")
    frame.locator(".course-slider output", has_text="11").first.wait_for()
    child.wait_for_function(f"() => document.querySelector('.course-says').innerText !== {before!r}")
    assert page.locator("iframe[srcdoc]").bounding_box()["height"] > 700, "grows with what is inside"
    page.locator("iframe[srcdoc]").screenshot(path=notebook.screenshot("baked-phone"))
    context.close()


def an_untrusted_notebook_shows_the_poster(notebook, open_notebook, tmp_path):
    cell = nbformat.v4.new_code_cell(
        BAKE, execution_count=1, outputs=[nbformat.from_dict(o) for o in notebook.outputs()[1]]
    )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path / "handed-out.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel}), path)
    reopened = open_notebook(path)
    reopened.wait("document.querySelector('.jp-OutputArea img')?.naturalWidth > 600")
    assert reopened.locator("iframe[srcdoc]").count() == 0
    reopened.screenshot("baked-untrusted")
