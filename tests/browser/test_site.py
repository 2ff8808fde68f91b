"""A page of `course site`, opened from the disk by a browser without a network."""

from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

from course_lib.cli import site

TEXT = r"""# One lecture

Where $s'\sim p$, the best action is $\arg\max_a Q(s, a)$, and

$$\begin{aligned}a&=\frac{b}{c}\\[2pt]&=d\end{aligned}$$

| one | two |
| --- | --- |
| walrus | 2 |
"""


def test_a_page_from_the_disk_draws_its_formulas_and_finds_its_words(chromium, tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# A course\n\n[one](docs/one.md)\n", "utf-8")
    (tmp_path / "docs" / "one.md").write_text(TEXT, "utf-8")
    work = tmp_path / "build"
    cache = site.run_notebooks([], work, "none")
    assert site.build(tmp_path, work, cache, lambda done, total, page: None) == []

    page = chromium.new_context(offline=True).new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((work / "html" / "docs" / "one.html").as_uri())
    fraction = page.locator("mfrac").bounding_box()
    assert fraction["height"] > 1.5 * fraction["width"]  # drawn one above the other, not as text in a row
    page.locator("input[name=q]").fill("walrus")
    page.keyboard.press("Enter")
    page.locator("#search-results a", has_text="One lecture").first.click()
    page.wait_for_url("**/one.html*")
    assert not said and not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]

    found = Axe().run(page)  # last: it asks for the sheets once more, which a page on a disk may not
    assert not found.response["violations"], found.generate_report()
    page.context.close()
