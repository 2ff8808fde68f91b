"""A student at work: an answer with a mistake, typed into JupyterLab, saved, checked, mended, checked."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NAME = "ps2_epopt"
MISTAKE = "return returns < torch.quantile(returns, epsilon)"


def handed_out(folder: Path) -> Path:
    """The release with all answers right but that of question 2, which is untouched."""
    answers = nbformat.read(ROOT / "solutions" / NAME / f"{NAME}.ipynb", as_version=4)
    right = {cell.id: cell.source for cell in answers.cells}
    book = nbformat.read(ROOT / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
    for cell in book.cells:
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.id != "q2":
            cell.source = right[cell.id]
    nbformat.write(book, folder / f"{NAME}.ipynb")
    return folder / f"{NAME}.ipynb"


def enter(notebook, cell_id: str) -> None:
    """Scrolls to a cell, and clicks into its editor; any unknown name means the last cell."""
    index = notebook.page.evaluate(
        """async id => {
            const content = harness.panel().content;
            const at = content.widgets.findIndex(cell => cell.model.id === id);
            const index = at < 0 ? content.widgets.length - 1 : at;
            await content.scrollToItem(index, 'center');
            return index;
        }""",
        cell_id,
    )
    notebook.locator(f'[data-windowed-list-index="{index}"] .cm-content').click()


def check_again(notebook) -> str:
    """Saves, runs the last cell, and returns what it says."""
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_function("() => !harness.panel().context.model.dirty")
    enter(notebook, "the last")
    notebook.page.keyboard.press("Control+Enter")
    notebook.page.wait_for_timeout(500)
    notebook.wait("/Hidden cases join/.test(JSON.stringify(harness.outputs().at(-1)))", 240)
    said = notebook.outputs()[-1][-1]["data"]["text/plain"]
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", "".join(said)).split())


@pytest.mark.timeout(600)
def test_a_mistake_is_named_and_gone_once_mended(open_notebook, tmp_path):
    notebook = open_notebook(handed_out(tmp_path), name=f"{NAME}.ipynb")
    keyboard = notebook.page.keyboard
    enter(notebook, "setup")
    keyboard.press("Control+Enter")
    enter(notebook, "q2")
    keyboard.press("Control+End")
    keyboard.press("Shift+Home")
    keyboard.type(MISTAKE)
    said = check_again(notebook)
    notebook.screenshot("self-check-mistake")
    assert "Your mask drops trajectories that tie with the quantile" in said
    assert "22 of 26 points on the tests that you can see" in said
    assert "Hidden cases join the further ones" in said

    enter(notebook, "q2")
    keyboard.press("Control+End")
    keyboard.press("Shift+Home")
    keyboard.type(MISTAKE.replace("<", "<="))
    said = check_again(notebook)
    notebook.screenshot("self-check-mended")
    assert "26 of 26 points on the tests that you can see; up to 4 more are given by a person" in said
