"""Bit flipping's results: the table says what the numbers say, and the stored numbers are whole."""

import json
from pathlib import Path

import numpy as np

from course_lib.zoo import bit_flip_results as results

STORED = Path(__file__).parents[2] / "docs" / "results"


def _rows() -> list[tuple[int, int, str, float]]:
    scores = {"without hindsight": [60.0, 50.0, 70.0], "with hindsight": [100.0, 90.0, 80.0]}
    return [
        (seed, bits, way, values[seed] / bits)
        for bits in (1, 2)
        for way, values in scores.items()
        for seed in (2, 0, 1)
    ]


def test_the_table_holds_the_means_by_bits_and_way():
    lines = [
        line for line in results.as_markdown(_rows()).splitlines() if line.startswith(("| 1 |", "| 2 |"))
    ]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[1] for row in cells] == ["2", "4"]
    assert cells[0][2].startswith("60.0 [") and cells[1][3].startswith("45.0 [")


def test_writing_leaves_the_table_its_numbers_and_the_picture(tmp_path):
    results.write(_rows(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bit-flip.json", "bit-flip.md", "bit-flip.png"]
    numbers = json.loads((tmp_path / "bit-flip.json").read_text())
    assert [tuple(row.values()) for row in numbers] == _rows()
    assert (tmp_path / "bit-flip.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_measured_is_what_was_trained(monkeypatch):
    monkeypatch.setattr(results, "BITS", (2,))
    monkeypatch.setattr(
        results, "trained", lambda bits, strategy, seed, real=results.trained: real(bits, strategy, seed, 25)
    )
    rows = list(results.measured(0))
    assert [(bits, way) for bits, way, _ in rows] == [(2, way) for way in results.WAYS]
    assert all(90.0 < share <= 100.0 for _, _, share in rows)  # four patterns: anything learns them


def test_the_stored_table_is_that_of_the_stored_numbers_of_five_seeds_and_bears_the_claim_out():
    rows = [tuple(row.values()) for row in json.loads((STORED / "bit-flip.json").read_text())]
    assert results.as_markdown(rows) == (STORED / "bit-flip.md").read_text()
    assert {row[0] for row in rows} == set(range(results.SEEDS))

    def shares(bits, way):
        return np.array([row[3] for row in rows if row[1:3] == (bits, way)])

    assert shares(15, "without hindsight").max() < 5.0 < 90.0 < shares(15, "with hindsight").min()
    assert shares(6, "without hindsight").min() > 90.0
