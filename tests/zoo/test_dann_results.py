"""DANN's results: the table says what the numbers say, and the stored numbers are whole."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_lib.core.domains import turned_moons
from course_lib.core.seeding import seed_everything
from course_lib.transfer import dann
from course_lib.zoo import dann_results as results

STORED = Path(__file__).parents[2] / "docs" / "results"


def _rows() -> list[tuple[int, str, str, float]]:
    scores = {"source only": [60.0, 50.0, 70.0], "DANN": [65.0, 45.0, 90.0], results.CEILING: [99.0] * 3}
    return [(seed, "moons", way, values[seed]) for way, values in scores.items() for seed in (2, 0, 1)]


def test_the_table_holds_means_gains_and_how_many_seeds_gained():
    cells = {
        line.split("|")[2].strip(): [cell.strip() for cell in line.split("|")[3:6]]
        for line in results.as_markdown(_rows()).splitlines()
        if line.startswith("| moons |")
    }
    assert list(cells) == ["source only", "DANN", results.CEILING]
    assert cells["source only"][0].startswith("60.0 [") and cells["source only"][1:] == ["-", "-"]
    assert cells["DANN"][0].startswith("66.7 [")
    assert cells["DANN"][1].startswith("6.7 [") and cells["DANN"][2] == "2 of 3"  # 5, -5 and 20 points
    assert cells[results.CEILING][2] == "3 of 3"


def test_writing_leaves_the_table_its_numbers_and_the_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "ADAPTED", dann.DANNConfig(steps=2))
    monkeypatch.setattr(
        results,
        "WAYS",
        {way: (dann.DANNConfig(steps=2), penalty) for way, (_, penalty) in results.WAYS.items()},
    )
    results.write(_rows(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dann.json", "dann.md", "dann.png"]
    numbers = json.loads((tmp_path / "dann.json").read_text())
    assert [tuple(row.values()) for row in numbers] == _rows()
    assert (tmp_path / "dann.png").read_bytes().startswith(b"\x89PNG")


def test_only_the_ceiling_learns_from_labels_of_the_target(monkeypatch):
    """Wrong labels in the target change what the ceiling learns, and nothing that adapts."""
    quick = {way: (replace(config, steps=5), p) for way, (config, p) in results.WAYS.items()}
    monkeypatch.setattr(results, "WAYS", quick)
    pair = turned_moons(seed_everything(0))
    wrong = replace(pair, target=replace(pair.target, labels=1 - pair.target.labels))
    for way in (*quick, results.CEILING):
        found = []
        for data in (pair, wrong):
            rng = seed_everything(1)
            found.append(results.trained(results.moon_model(), data, way, rng)(pair.target_test.inputs))
        assert bool((found[0] == found[1]).all()) == (way != results.CEILING), way


def test_the_stored_table_is_that_of_the_stored_numbers_of_five_seeds():
    numbers = json.loads((STORED / "dann.json").read_text())
    rows = [tuple(row.values()) for row in numbers]
    assert results.as_markdown(rows) == (STORED / "dann.md").read_text()
    assert {row[0] for row in rows} == set(range(results.SEEDS))


@pytest.mark.parametrize(
    ("domains", "way", "gains"), [(results.DIGITS, "DANN", True), (results.FEW, "DANN", False)]
)
def test_the_claims_invariance_helps_where_it_holds_and_hurts_where_it_does_not(domains, way, gains):
    numbers = json.loads((STORED / "dann.json").read_text())
    by_seed = {
        name: np.array(
            [row["accuracy_percent"] for row in numbers if (row["domains"], row["method"]) == (domains, name)]
        )
        for name in ("source only", way)
    }
    assert ((by_seed[way] > by_seed["source only"]) == gains).all()
