"""Claims from the command line: what is measured, and where it goes."""

from importlib import import_module
from pathlib import Path

import pytest

from course_lib.cli import reproduce
from course_lib.zoo import dann_results, epopt_results


def test_reproduce_dann_trains_every_seed_and_writes(invoke, monkeypatch, tmp_path: Path):
    written = []
    monkeypatch.setattr(dann_results, "measured", lambda seed: iter([("moons", "DANN", 90.0 + seed)]))
    monkeypatch.setattr(dann_results, "write", lambda rows, folder: written.append((rows, folder)))
    result = invoke("reproduce", "dann", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert written == [([(seed, "moons", "DANN", 90.0 + seed) for seed in range(5)], tmp_path)]


def test_reproduce_measures_and_writes(invoke, monkeypatch, tmp_path: Path):
    calls = []

    def measure(world, episodes, report):
        report("eps0.1: torso masses")
        return world, episodes

    monkeypatch.setattr(epopt_results, "measure", measure)
    monkeypatch.setattr(epopt_results, "write", lambda *arguments: calls.append(arguments))
    result = invoke("reproduce", "epopt", "--episodes", "3", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert calls == [(("hopper", 3), "course reproduce epopt --world hopper --episodes 3", tmp_path)]
    result = invoke("reproduce", "epopt", "--world", "hoper")
    assert result.exit_code == 2 and "did you mean 'hopper'?" in result.output


@pytest.mark.parametrize("name", reproduce.ON_WEIGHTS)
def test_every_world_that_help_promises_can_be_measured(name: str):
    results, claims = import_module(f"course_lib.zoo.{name}_results"), reproduce.ON_WEIGHTS[name]
    assert claims.world in results.WORLDS
    for world in results.WORLDS:
        assert world in claims.worlds


@pytest.mark.parametrize("name", reproduce.BY_TRAINING)
def test_what_is_trained_anew_says_for_how_many_seeds(name: str):
    results = import_module(f"course_lib.zoo.{name}_results")
    assert results.SEEDS >= 5 and callable(results.measured) and callable(results.write)


def test_a_folder_that_cannot_be_written_is_noticed_before_anything_is_trained(
    invoke, monkeypatch, tmp_path: Path
):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)
    monkeypatch.setattr(dann_results, "measured", lambda seed: pytest.fail("trained for nothing"))
    (tmp_path / "file").write_text("in the way")
    result = invoke("reproduce", "dann", "--out", str(tmp_path / "file"))
    assert result.exit_code == 1 and "cannot write to" in result.output
