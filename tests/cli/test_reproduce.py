"""Claims from the command line: what is measured, and where it goes."""

from importlib import import_module
from pathlib import Path

import pytest

from course_lib.zoo import dann_results, epopt_results
from course_lib.zoo.result_rows import ROWS, read_minutes


def test_reproduce_dann_trains_every_seed_and_writes(invoke, monkeypatch, tmp_path: Path):
    written = []
    monkeypatch.setattr(dann_results, "measured", lambda seed: iter([("moons", "DANN", 90.0 + seed)]))
    monkeypatch.setattr(dann_results, "write", lambda rows, folder: written.append((rows, folder)))
    result = invoke("reproduce", "dann", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert written == [([(seed, "moons", "DANN", 90.0 + seed) for seed in range(5)], tmp_path)]
    assert list(read_minutes(tmp_path)) == ["dann"]


def test_reproduce_measures_writes_and_notes_the_minutes(invoke, monkeypatch, tmp_path: Path):
    calls = []

    def measure(world, episodes, report):
        report("eps0.1: torso masses")
        return world, episodes

    monkeypatch.setattr(epopt_results, "measure", measure)
    monkeypatch.setattr(epopt_results, "write", lambda *arguments: calls.append(arguments))
    result = invoke("reproduce", "epopt-hopper", "--episodes", "3", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert calls == [(("hopper", 3), "course reproduce epopt-hopper --episodes 3", tmp_path)]
    assert read_minutes(tmp_path) == {}  # three episodes are not what the published minutes are of
    result = invoke("reproduce", "epopt-half-cheetah", "--out", str(tmp_path))
    assert calls[1:] == [(("half_cheetah", 8), "course reproduce epopt-half-cheetah", tmp_path)]
    assert 0 <= read_minutes(tmp_path)["epopt-half-cheetah"] < 0.5
    result = invoke("reproduce", "epopt-hoper")
    assert result.exit_code == 2 and "epopt-hopper" in result.output


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_names_is_there(name: str):
    row = ROWS[name]
    results = import_module(f"course_lib.zoo.{row.module}_results")
    assert callable(results.write)
    if row.world:
        assert row.world in results.WORLDS and callable(results.measure)
        assert row.episodes and row.counted and row.weights
    else:
        assert results.SEEDS >= 5 and callable(results.measured)


def test_every_world_that_can_be_measured_has_a_row():
    rows = {(row.module, row.world) for row in ROWS.values()}
    for module in {row.module for row in ROWS.values() if row.world}:
        assert rows >= {(module, world) for world in import_module(f"course_lib.zoo.{module}_results").WORLDS}


def test_a_folder_that_cannot_be_written_is_noticed_before_anything_is_trained(
    invoke, monkeypatch, tmp_path: Path
):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)
    monkeypatch.setattr(dann_results, "measured", lambda seed: pytest.fail("trained for nothing"))
    (tmp_path / "file").write_text("in the way")
    result = invoke("reproduce", "dann", "--out", str(tmp_path / "file"))
    assert result.exit_code == 1 and "cannot write to" in result.output
