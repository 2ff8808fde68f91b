"""Fills the column of minutes in docs/results.md: what each row's command took, and what its weights took.

    python docs/fill_minutes.py

Run it after `course reproduce ROW --out docs/results`, which notes its minutes in docs/results/minutes.json,
and after new weights came into the zoo; tests/test_results.py fails where a cell is another.
"""

import re
from pathlib import Path

from course_lib.zoo.result_rows import minutes_cell

DOCS = Path(__file__).parent
MINUTES, COMMAND = 4, 5
"""Places of two cells of a row."""


def filled(line: str) -> str:
    """A row of the table with its minutes; any other line as it is."""
    names = re.findall(r"`course reproduce ([\w-]+)`", line)
    if not (line.startswith("| ") and names):
        return line
    cells = line.strip("| ").split(" | ")
    cells[MINUTES] = minutes_cell(re.findall(r"`course reproduce ([\w-]+)", cells[COMMAND]), DOCS / "results")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    page = DOCS / "results.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    page.write_text("\n".join(map(filled, lines)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
