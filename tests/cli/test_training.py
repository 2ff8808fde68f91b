"""Training from the command line."""

import sys
import types
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import pytest

from course_lib.cli import training


@pytest.fixture
def recipes(monkeypatch):
    """Stands in for course_lib.zoo.recipes: records its calls, trains nothing."""
    module = types.ModuleType("course_lib.zoo.recipes")
    module.WORLDS = {"hopper": None, "half_cheetah": None}
    module.RECIPES = ("mass3", "mass6", "mass9", "eps1.0", "eps0.1")
    module.calls = []

    def train_epopt(world, recipe, seed, out, *, resume, progress):
        module.calls.append((world, recipe, seed, out, resume))
        for iteration in (1, 2, 3):
            progress({"iteration": iteration, "iterations": 3, "steps": 1000.0, "return_mean": 5.0})

    module.train_epopt = train_epopt
    module.is_trained = lambda world, recipe, seed, folder: False
    monkeypatch.setitem(sys.modules, "course_lib.zoo.recipes", module)
    import course_lib.zoo

    monkeypatch.setattr(course_lib.zoo, "recipes", module, raising=False)
    return module


def test_train_passes_everything_on(invoke, recipes, tmp_path: Path):
    arguments = ("--world", "half_cheetah", "--recipe", "mass3", "--seed", "7", "--out", str(tmp_path))
    result = invoke("train", "epopt", *arguments)
    assert result.exit_code == 0, result.output
    assert recipes.calls == [("half_cheetah", "mass3", 7, tmp_path, True)]
    assert "return 5" in result.output
    assert invoke("train", "epopt", *arguments, "--fresh").exit_code == 0
    assert recipes.calls[-1][-1] is False


@pytest.mark.parametrize(
    ("option", "typed", "meant"),
    [("--world", "hoper", "hopper"), ("--world", "cheetah", "half_cheetah"), ("--recipe", "mas3", "mass3")],
)
def test_a_mistyped_name_gets_the_nearest(invoke, recipes, option: str, typed: str, meant: str):
    result = invoke("train", "epopt", option, typed)
    assert result.exit_code == 2
    assert f"did you mean '{meant}'?" in result.output
    assert not recipes.calls


def test_ctrl_c_says_how_to_go_on(invoke, recipes):
    def interrupted(*_, progress, **__):
        progress({"iteration": 12, "iterations": 120, "steps": 1.0, "return_mean": 2.0})
        raise KeyboardInterrupt

    recipes.train_epopt = interrupted
    result = invoke("train", "epopt")
    assert result.exit_code == 130
    assert "stopped at iteration 12; resume with the same command, without --fresh" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "problem", [ValueError("epsilon must be in (0, 1], got 2"), PermissionError(13, "no")]
)
def test_a_problem_is_one_line(invoke, recipes, problem: Exception, monkeypatch):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)

    def broken(*_, **__):
        raise problem

    recipes.train_epopt = broken
    result = invoke("train", "epopt")
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if "error:" in line]
    assert str(problem) in line
    assert "Traceback" not in result.output


def test_the_real_recipes_have_what_the_command_uses():
    from course_lib.zoo import recipes

    assert "hopper" in recipes.WORLDS
    assert "eps0.1" in recipes.RECIPES
    assert callable(recipes.train_epopt)


# --- several seeds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("2", [2]),
        ("0-4", [0, 1, 2, 3, 4]),
        ("0,3,7", [0, 3, 7]),
        ("8, 0 - 2,1", [8, 0, 1, 2]),
        ("5-5", [5]),
    ],
)
def test_seeds(text: str, seeds: list[int]):
    assert training.parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "1,", "-1", "1-", "4-0", "0-99999", "1.5", "٣"])
def test_what_are_no_seeds(invoke, recipes, text: str):
    result = invoke("train", "epopt", f"--seeds={text}")
    assert result.exit_code == 2
    assert "error: " in result.output
    assert not recipes.calls


@pytest.fixture
def threads(monkeypatch):
    """Several seeds run in threads of this process, where the stand-in is; remembers what was asked for."""
    asked = []

    @contextmanager
    def executor(jobs, dask_address, *, processes):
        asked.append((jobs, dask_address, processes))
        with ThreadPoolExecutor(1) as pool:
            yield pool

    monkeypatch.setattr(training, "executor", executor)
    return asked


@pytest.fixture
def quiet(recipes, monkeypatch):
    """The stand-in shows no progress, and seed 3 fails."""

    def train_epopt(world, recipe, seed, out, *, resume):
        if seed == 3:
            raise ValueError("seed 3 does not like it")
        recipes.calls.append((seed, resume))

    recipes.train_epopt = train_epopt
    return recipes


def test_several_seeds_get_a_process_each(invoke, quiet, threads, tmp_path: Path):
    result = invoke("train", "epopt", "--seeds", "0-2", "--jobs", "8", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert threads == [(3, None, True)]
    assert sorted(quiet.calls) == [(0, True), (1, True), (2, True)]
    assert "3/3" in result.output


def test_a_seed_that_fails_stops_no_other(invoke, quiet, threads):
    result = invoke("train", "epopt", "--seeds", "3,4,5")
    assert result.exit_code == 1
    assert "error: seed 3: seed 3 does not like it" in result.output
    assert [seed for seed, _ in quiet.calls] == [4, 5]


def test_what_is_trained_is_kept_unless_told_otherwise(invoke, quiet, threads):
    quiet.is_trained = lambda world, recipe, seed, folder: seed < 2
    result = invoke("train", "epopt", "--seeds", "0,1,4-5")
    assert "Trained already, see --fresh: seed 0, 1" in result.output
    assert sorted(quiet.calls) == [(4, True), (5, True)]
    invoke("train", "epopt", "--seeds", "0,1", "--fresh")
    assert sorted(quiet.calls)[:2] == [(0, False), (1, False)]


def test_a_cluster_sends_files_that_are_written_here(invoke, quiet, threads, tmp_path: Path):
    quiet.train_epopt_elsewhere = lambda world, recipe, seed: {f"{seed}.json": b"card"}
    result = invoke("train", "epopt", "--seed", "4", "--dask", "tcp://x:1", "--out", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    assert threads == [(1, "tcp://x:1", True)]
    assert (tmp_path / "new" / "4.json").read_bytes() == b"card"


@pytest.mark.parametrize("problem", [BrokenProcessPool(), CancelledError()])
def test_an_end_from_outside_says_how_to_go_on(invoke, quiet, threads, problem: Exception):
    def killed(*_, **__):
        raise problem

    quiet.train_epopt = killed
    result = invoke("train", "epopt", "--seeds", "0-1")
    assert result.exit_code == 1
    assert "the same command goes on" in " ".join(result.output.split())
