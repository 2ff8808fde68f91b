"""Every row of docs/results.md names seeds, minutes and command, and quotes what the tables say."""

import json
import re
import shlex
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import typer

from course_lib.cli.app import app
from course_lib.core.evaluation import mean_with_interval
from course_lib.zoo.result_rows import ROWS, minutes_cell

DOCS = Path(__file__).parents[1] / "docs"
PUBLISHED = DOCS / "results"
CELLS = ("claim", "ours", "seeds", "verdict", "minutes", "command", "files")
NUMBER = r"-?\d+(?:\.\d+)?"
WITH_INTERVAL = re.compile(rf"({NUMBER})(?: %)? \[({NUMBER}), ({NUMBER})\]")


def _numbers(stem: str) -> dict:
    return json.loads((PUBLISHED / f"{stem}.json").read_text())


def _velocity(recipe: str, low: float, high: float) -> np.ndarray:
    numbers = _numbers("contextual-velocity")
    asked = (np.array(numbers["contexts"]) >= low) & (np.array(numbers["contexts"]) <= high)
    return np.array(numbers["returns"][recipe])[:, asked].mean(1)


def _rooms_after_640(strategy: str) -> np.ndarray:
    numbers = _numbers("goal-conditioned-rooms")
    return 100 * np.array(numbers["curves"][strategy])[:, numbers["episodes"].index(640)]


NOT_IN_A_TABLE = {
    ("-124", "-178", "-91"): lambda: _velocity("told", 3, 4.5) - _velocity("withheld", 3, 4.5),
    ("-40", "-46", "-36"): lambda: _velocity("single", 1.5, 1.5),
    ("-68", "-74", "-61"): lambda: _velocity("told", 1.5, 1.5),
    ("-0.31", "-0.45", "-0.16"): lambda: np.array(_numbers("contextual-velocity")["cosines"]["told5"]["50"])[
        :, 0, 2
    ],
    ("7.2", "4.4", "10.2"): lambda: _rooms_after_640("none"),
    ("76.7", "75.8", "78.0"): lambda: _rooms_after_640("future"),
    ("-3.12", "-3.21", "-3.01"): None,  # trained for this comparison alone, as the row says: no weights kept
}
"""Quoted in a row, and beside the tables only: one value a seed from their JSON; None where it is nowhere."""


def _rows() -> list[dict[str, str]]:
    lines = (DOCS / "results.md").read_text(encoding="utf-8").split("\n## ")[0].splitlines()
    table = [line for line in lines if line.startswith("|")][2:]  # without its head
    return [dict(zip(CELLS, line.strip("| ").split(" | "), strict=True)) for line in table]


def _names(row: dict[str, str]) -> list[str]:
    return [shlex.split(command)[2] for command in re.findall(r"`([^`]*)`", row["command"])]


@cache
def _in_tables(linked: str) -> list[tuple[float, ...]]:
    tables = re.findall(r"\(results/([^)#]+\.md)", linked)
    texts = ((PUBLISHED / table).read_text(encoding="utf-8") for table in tables)
    return [tuple(map(float, quoted)) for text in texts for quoted in WITH_INTERVAL.findall(text)]


def _agrees(quoted: tuple[str, ...], measured: tuple[float, ...]) -> bool:
    # A row may round what a table has with more digits.
    digits = (len(number.partition(".")[2]) for number in quoted)
    return all(
        abs(float(number) - value) <= 0.5 * 10**-places + 1e-9
        for number, value, places in zip(quoted, measured, digits, strict=True)
    )


ALL = _rows()
TITLES = [re.sub(r"[^\w -]", "", row["claim"])[:50] for row in ALL]


@pytest.mark.parametrize("row", ALL, ids=TITLES)
def test_a_row_is_complete(row):
    assert all(cell.strip() for cell in row.values())
    assert re.match(r"\d", row["seeds"])
    assert re.search(r"\((?:[^()]*\d{4}|[^()]*paper|[^()]*number)", row["claim"]), "what does its paper say?"
    names = _names(row)
    for name in names:
        assert f"[{name}](results/{name}.md)" in row["files"], "no link to its table"
        assert f"[picture](results/{name}.png)" in row["files"], "no link to its picture"
    assert row["minutes"] == minutes_cell(names, PUBLISHED)


@pytest.mark.parametrize("row", ALL, ids=TITLES)
def test_the_command_line_accepts_a_rows_commands(row):
    commands = re.findall(r"`([^`]*)`", row["command"])
    assert commands and ", ".join(f"`{command}`" for command in commands) == row["command"]
    for command in commands:
        course, reproduce, *arguments = shlex.split(command)
        assert (course, reproduce) == ("course", "reproduce")
        group = typer.main.get_command(app).commands[reproduce]
        group.commands[arguments[0]].make_context(command, arguments[1:])  # parses, and runs nothing


def test_every_command_has_a_row_and_every_row_a_command():
    assert {name for row in ALL for name in _names(row)} == set(ROWS)


@pytest.mark.parametrize("row", ALL, ids=TITLES)
def test_what_a_row_quotes_with_an_interval_stands_in_a_table_that_it_links(row):
    for quoted in WITH_INTERVAL.findall(" ".join(row.values()).replace("−", "-")):
        if quoted not in NOT_IN_A_TABLE:
            assert any(_agrees(quoted, measured) for measured in _in_tables(row["files"])), quoted


@pytest.mark.parametrize("quoted", [quoted for quoted, of in NOT_IN_A_TABLE.items() if of], ids=str)
def test_what_stands_in_no_table_is_what_its_seeds_say(quoted):
    interval = mean_with_interval(NOT_IN_A_TABLE[quoted](), np.random.default_rng(0))
    assert _agrees(quoted, (interval.mean, interval.low, interval.high))


def test_every_exception_is_quoted():
    quoted = {q for row in ALL for q in WITH_INTERVAL.findall(" ".join(row.values()).replace("−", "-"))}
    assert set(NOT_IN_A_TABLE) <= quoted


def test_every_table_and_picture_is_there_and_linked():
    text = (DOCS / "results.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(results/([^)#]+)\)", text))
    stored = {path.name for path in PUBLISHED.iterdir() if path.suffix in (".md", ".png")}
    assert linked == stored


@pytest.mark.parametrize("name", ROWS)
def test_a_table_names_the_command_of_its_row(name):
    assert f"Made by `course reproduce {name}`." in (PUBLISHED / f"{name}.md").read_text(encoding="utf-8")
