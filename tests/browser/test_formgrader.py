"""What an instructor and a student see of results, in a real browser: formgrader, the page of feedback."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from jupyter_session import ARTIFACTS, REPOSITORY

from course_lib.grading.feedback import write_feedback
from course_lib.grading.gradebook import hand_marks, import_results
from course_lib.grading.results import Answer, Mark, Result

NAME = "ps2_epopt"
MISTAKE = "Your mask keeps the BEST trajectories: EPOpt trains on the worst ones, R <= Q_epsilon."
TAKE_OVER = (
    "window.taken=true;"
    "fetch(`/api/contents/taken.txt`,{method:`PUT`,body:JSON.stringify({type:`file`,format:`text`,content:`x`})})"
)
ATTACK = f"""My answer, with $a<b$ in it.

<img src=x onerror="{TAKE_OVER}"><script>{TAKE_OVER}</script><svg onload="{TAKE_OVER}"></svg>
<details open ontoggle="{TAKE_OVER}">x</details>
<style>body {{ background: url(https://evil.example/style) }}</style>
![x](https://evil.example/picture.png) [x](javascript:{TAKE_OVER.replace(" ", "")})
<iframe srcdoc="<script>parent.taken=true</script>"></iframe><base href="https://evil.example/">
<meta http-equiv="refresh" content="0;url=https://evil.example/"><input autofocus onfocus="{TAKE_OVER}">

$$\\text{{<img src=x onerror="{TAKE_OVER}">}}$$
"""


def graded(student: str, wrong: tuple[str, ...] = (), **answers: Answer) -> Result:
    """A result with all points but those of `wrong`."""
    marks = []
    for cell in nbformat.read(REPOSITORY / "solutions" / NAME / f"{NAME}.ipynb", as_version=4).cells:
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("grade"):
            points = None if meta.solution else 0.0 if meta.grade_id in wrong else meta.points
            message = MISTAKE if points == 0 else ""
            marks.append(Mark(name=meta.grade_id, points=points, out_of=meta.points, message=message))
    answers = {"q7": Answer(source=r"The *tail* gains: $\mathcal{K}$ holds $\epsilon N$ of them."), **answers}
    return Result(student=student, assignment=NAME, status="graded", marks=tuple(marks), answers=answers)


RESULTS = [
    graded("ada"),
    graded(
        "bob",
        ("q2-visible", "q2-hidden"),
        q2=Answer(source="def cvar_mask(returns, epsilon):\n    return returns >= 3\n", output="mask made"),
    ),
    graded(
        "eve",
        ("q1-visible",),
        q7=Answer(source=ATTACK),
        q1=Answer(source=ATTACK, output=ATTACK, error=ATTACK),
    ),
]


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """A clone as an instructor has it, with the results of three students imported."""
    root = tmp_path_factory.mktemp("course")
    for room in ("solutions", "assignments", ".jupyter"):
        shutil.copytree(REPOSITORY / room, root / room)
    for file in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / file, root)
    (root / "course_lib").symlink_to(REPOSITORY / "course_lib")
    assert import_results(RESULTS, root) == {}
    return root


@pytest.fixture(scope="module")
def lab(course, tmp_path_factory) -> Iterator[str]:
    """`course lab --instructor` in the course's folder: its address up to the path, and its token."""
    home = tmp_path_factory.mktemp("home")
    supervisor = Path(__file__).with_name("jupyter_session.py")
    with subprocess.Popen(
        [
            *(sys.executable, str(supervisor), str(home)),
            *(
                sys.executable,
                "-m",
                "course_lib.cli",
                "lab",
                "--instructor",
                "--no-browser",
                "--port",
                "8970",
            ),
        ],
        cwd=course,
        stdin=subprocess.PIPE,
        start_new_session=True,
        env={
            **os.environ,
            **{f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")},
            "IPYTHONDIR": str(home / "ipython"),
            "PYTHONPATH": str(REPOSITORY),
            "JUPYTER_PATH": str(course / ".jupyter" / "instructor"),
            "JUPYTER_PLATFORM_DIRS": "1",
        },
    ) as process:
        try:
            deadline, address, log = time.monotonic() + 120, None, home / "server.log"
            while address is None:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
                said = log.read_text().replace("\n", "") if log.exists() else ""
                address = re.search(r"(http://localhost:\d+)/lab\S*\?token=([0-9a-f]{32})", said)
            yield f"{address[1]}{{path}}?token={address[2]}"
        finally:
            process.stdin.close()


@pytest.fixture
def page(chromium):
    """A page that reaches nothing but this machine; `page.foreign` lists what it tried to reach."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.foreign = []

    def reach(route):
        url = route.request.url
        if re.match(r"(http://(localhost|127\.0\.0\.1)[:/]|file:|data:|about:)", url):
            route.continue_()
        else:
            page.foreign.append(url)
            route.abort()

    page.route("**/*", reach)
    page.on("dialog", lambda dialog: page.foreign.append(dialog.message))
    yield page
    context.close()


def submission(page, lab: str, student: str) -> None:
    """Opens formgrader's page of one submission, by the way that an instructor takes."""
    page.goto(lab.format(path="/formgrader"))
    page.goto(lab.format(path=f"/formgrader/gradebook/{NAME}/{NAME}"))
    page.wait_for_selector("tbody tr a.name-hidden")
    links = page.locator("tbody tr a.name-shown").all()  # hidden at first, for fair marking
    link = {link.text_content(): link.get_attribute("href") for link in links}[student]
    page.goto(lab.format(path=link))
    page.wait_for_function("() => document.querySelector('#q1-visible').placeholder !== ''")


def test_an_instructor_sees_the_imported_marks(page, lab, course):
    page.goto(lab.format(path="/formgrader"))
    page.wait_for_selector(f"tbody tr:has-text('{NAME}')")
    assert page.locator(f"tbody tr:has-text('{NAME}') .num-submissions").inner_text() == "3"
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / "formgrader-assignments.png")
    page.goto(lab.format(path=f"/formgrader/manage_submissions/{NAME}"))
    page.wait_for_selector("tbody tr:has-text('eve')")
    page.screenshot(path=ARTIFACTS / "formgrader-submissions.png")
    rows = page.locator("tbody tr").all_inner_texts()
    scores = [re.search(r"(\w+)\s+None\s+needs manual grading\s+([\d.]+) / 30", row).groups() for row in rows]
    assert scores == [("ada", "26"), ("bob", "22"), ("eve", "24")]
    assert not page.foreign
    submission(page, lab, "bob")
    test = page.locator(".nbgrader_cell", has_text="q2-visible")
    said = page.locator(".cell", has=test).inner_text()
    assert MISTAKE in said and "0 of 2 points" in said
    assert page.locator("input#q2-visible").get_attribute("placeholder") == "0"
    assert page.locator("math").count() > 20, "formulas are drawn without a network"
    page.wait_for_timeout(1000)  # the page scrolls to its first mark
    page.locator(".cell", has=test).screenshot(path=ARTIFACTS / "formgrader-message.png")
    page.screenshot(path=ARTIFACTS / "formgrader-submission.png", full_page=True)


def test_a_student_s_script_does_not_run_in_formgrader(page, lab, course):
    submission(page, lab, "eve")
    answer = page.locator(".nbgrader_cell", has=page.locator("input#q7"))
    assert "My answer, with" in answer.inner_text() and answer.locator("math").count() == 1
    page.wait_for_timeout(1000)  # the page scrolls to its first mark
    page.locator(".cell", has=answer).screenshot(path=ARTIFACTS / "formgrader-attack.png")
    assert_untouched(page, course)

    # The second lock: the attack itself in the notebook that formgrader opens.
    shown = course / "grading" / "autograded" / "eve" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(shown, as_version=4)
    next(c for c in notebook.cells if c.id == "q7").source = ATTACK
    nbformat.write(notebook, shown)
    page.reload()
    page.wait_for_selector("input#q7")
    assert (
        "My answer, with" in answer.inner_text() and answer.locator("img, svg, script, iframe").count() == 0
    )
    assert_untouched(page, course)

    # The third: the page's own policy, with the attack in the document as it stands.
    # (A policy cannot forbid a page to be left.)
    raw = ATTACK.replace("http-equiv", "name")
    page.evaluate(INJECT, raw)
    page.wait_for_timeout(500)
    assert_untouched(page, course)

    # All that proves something only if the attack works where nothing is in its way.
    page.goto(lab.format(path="/formgrader"))
    page.evaluate(INJECT, raw)
    page.wait_for_function("() => window.taken")
    assert any("evil.example" in url for url in page.foreign)


INJECT = """attack => {
  document.body.insertAdjacentHTML("beforeend", attack);
  const script = document.createElement("script");
  script.textContent = "window.taken = true";
  document.body.append(script);
}"""


def assert_untouched(page, course) -> None:
    assert page.evaluate("() => window.taken") is None
    assert page.foreign == []
    assert not (course / "taken.txt").exists()


def test_a_mark_by_hand_survives_the_next_import(page, lab, course):
    submission(page, lab, "bob")
    page.locator("input#q7").fill("3.5")
    with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"):
        page.keyboard.press("Tab")
    page.locator("textarea#q7-comment").fill("Say **why**: $\\epsilon$ is not a probability.")
    with page.expect_response(
        lambda answer: "/api/comment/" in answer.url and answer.request.method == "PUT"
    ):
        page.keyboard.press("Tab")
    again = replace(graded("bob", ("q3-hidden",)), answers=RESULTS[1].answers)
    assert import_results([again, RESULTS[2]], course) == {}
    page.reload()
    page.wait_for_function("() => document.querySelector('#q7').value === '3.5'")
    assert page.locator("textarea#q7-comment").input_value().startswith("Say **why**")
    assert page.locator("input#q3-hidden").get_attribute("placeholder") == "0"
    assert page.locator("input#q2-hidden").get_attribute("placeholder") == "2"
    mark = hand_marks(NAME, "bob", course)["q7"]
    assert (mark.points, mark.by_hand, mark.waiting) == (3.5, True, False)
    page.wait_for_timeout(1000)  # the page scrolls to its first mark
    page.locator("textarea#q7-comment").scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    page.screenshot(path=ARTIFACTS / "formgrader-marked.png")


def test_the_buttons_of_formgrader_s_page_work_under_its_policy(page, lab):
    violations = []
    page.on("console", lambda message: violations.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: violations.append(str(error)))
    submission(page, lab, "ada")
    page.locator(".glyphicon-eye-open").click()
    assert page.locator("a.name-shown").inner_text() == "ada"
    page.locator(".glyphicon-eye-close").click()
    assert not page.locator("a.name-shown").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.matches('.tabbable')"), (
        "the keyboard leads from mark to mark"
    )
    assert violations == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_feedback_is_readable_and_runs_nothing(page, course, scheme):
    from axe_playwright_python.sync_playwright import Axe

    path = write_feedback(RESULTS, course)[2]
    page.emulate_media(color_scheme=scheme)
    page.goto(path.as_uri())
    assert page.locator("h1").inner_text().startswith("Problem set 2")
    page.locator("details.question-text").nth(0).locator("summary").click()
    page.screenshot(path=ARTIFACTS / f"feedback-{scheme}.png", full_page=True)
    assert page.evaluate("() => window.taken") is None and page.foreign == []
    findings = Axe().run(page).response["violations"]
    serious = [finding for finding in findings if finding["impact"] in ("serious", "critical")]
    assert not serious, [(finding["id"], node["html"]) for finding in serious for node in finding["nodes"]]
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
