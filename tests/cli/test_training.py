"""Training from the command line."""

import pickle
from concurrent.futures import CancelledError, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from course_lib.cli import training
from course_lib.zoo import epopt_recipes
from course_lib.zoo import training as zoo_training


@pytest.fixture
def trainings(monkeypatch):
    """Trains nothing, and remembers what should have been trained."""
    calls = []

    def train_and_store(idea, world, recipe, seed, out, *, resume, progress):
        calls.append((idea.name, world, recipe, seed, out, resume))
        for iteration in (1, 2, 3):
            progress({"iteration": iteration, "iterations": 3, "steps": 1000.0, "return_mean": 5.0})

    monkeypatch.setattr(zoo_training, "train_and_store", train_and_store)
    monkeypatch.setattr(zoo_training, "is_trained", lambda world, recipe, seed, folder: False)
    return calls


def test_train_passes_everything_on(invoke, trainings, tmp_path: Path):
    arguments = ("--world", "half_cheetah", "--recipe", "mass3", "--seed", "7", "--out", str(tmp_path))
    result = invoke("train", "epopt", *arguments)
    assert result.exit_code == 0, result.output
    assert trainings == [("epopt", "half_cheetah", "mass3", 7, tmp_path, True)]
    assert "return 5" in result.output
    assert invoke("train", "epopt", *arguments, "--fresh").exit_code == 0
    assert trainings[-1][-1] is False


def test_each_idea_has_its_own_names(invoke, trainings, tmp_path: Path):
    result = invoke("train", "darc", "--world", "arm", "--recipe", "target5", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert trainings == [("darc", "arm", "target5", 0, tmp_path, True)]
    assert invoke("train", "darc", "--world", "hopper").exit_code == 2


@pytest.mark.parametrize("name", training.TRAINABLE)
def test_what_help_promises_is_what_the_idea_has(invoke, trainings, name: str):
    idea, offered = import_module(f"course_lib.zoo.{name}_recipes").IDEA, training.TRAINABLE[name]
    assert idea.name == name
    assert invoke("train", name).exit_code == 0
    assert trainings[-1][:3] == (name, offered.world, offered.recipe)
    assert offered.recipe in idea.recipes[offered.world]
    for world, recipes in idea.recipes.items():
        assert world in offered.worlds
        assert invoke("train", name, "--world", world).exit_code == 0
        assert trainings[-1][1:3] == (
            world,
            offered.recipe if offered.recipe in recipes else next(iter(recipes)),
        )


@pytest.mark.parametrize(
    ("option", "typed", "meant"),
    [("--world", "hoper", "hopper"), ("--world", "cheetah", "half_cheetah"), ("--recipe", "mas3", "mass3")],
)
def test_a_mistyped_name_gets_the_nearest(invoke, trainings, option: str, typed: str, meant: str):
    result = invoke("train", "epopt", option, typed)
    assert result.exit_code == 2
    assert f"did you mean '{meant}'?" in result.output
    assert not trainings


@pytest.mark.parametrize(
    ("resumes", "way"),
    [
        (True, "resume with the same command, without --fresh"),
        (False, "what was finished is kept, the same command without --fresh trains the rest"),
    ],
)
def test_ctrl_c_says_how_to_go_on(invoke, monkeypatch, tmp_path: Path, resumes: bool, way: str):
    def interrupted(*_, progress, **__):
        progress({"iteration": 12, "iterations": 120, "steps": 1.0, "return_mean": 2.0})
        raise KeyboardInterrupt

    monkeypatch.setattr(zoo_training, "train_and_store", interrupted)
    monkeypatch.setattr(epopt_recipes, "IDEA", replace(epopt_recipes.IDEA, resumes=resumes))
    result = invoke("train", "epopt", "--out", str(tmp_path))
    assert result.exit_code == 130
    assert f"stopped at iteration 12; {way}" in " ".join(result.output.split())
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "problem", [ValueError("epsilon must be in (0, 1], got 2"), PermissionError(13, "no")]
)
def test_a_problem_is_one_line(invoke, trainings, problem: Exception, monkeypatch):
    monkeypatch.delenv("COURSE_DEBUG", raising=False)

    def broken(*_, **__):
        raise problem

    monkeypatch.setattr(zoo_training, "train_and_store", broken)
    result = invoke("train", "epopt")
    assert result.exit_code == 1
    (line,) = [line for line in result.output.splitlines() if "error:" in line]
    assert str(problem) in line
    assert "Traceback" not in result.output


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
def test_what_are_no_seeds(invoke, trainings, text: str):
    result = invoke("train", "epopt", f"--seeds={text}")
    assert result.exit_code == 2
    assert "error: " in result.output
    assert not trainings


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
def quiet(trainings, monkeypatch):
    """Shows no progress, and seed 3 fails; remembers (seed, resume)."""

    def train_and_store(idea, world, recipe, seed, out, *, resume):
        if seed == 3:
            raise ValueError("seed 3 does not like it")
        trainings.append((seed, resume))

    monkeypatch.setattr(zoo_training, "train_and_store", train_and_store)
    return trainings


def test_several_seeds_get_a_process_each(invoke, quiet, threads, tmp_path: Path):
    result = invoke("train", "epopt", "--seeds", "0-2", "--jobs", "8", "--out", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert threads == [(3, None, True)]
    assert sorted(quiet) == [(0, True), (1, True), (2, True)]
    assert "3/3" in result.output


@pytest.mark.parametrize("name", training.TRAINABLE)
def test_every_idea_can_be_sent_to_a_process(name: str):
    idea = import_module(f"course_lib.zoo.{name}_recipes").IDEA
    assert pickle.loads(pickle.dumps(idea)) == idea


@pytest.mark.parametrize("name", training.TRAINABLE)
def test_the_example_of_each_idea_works(invoke, quiet, threads, name: str):
    result = invoke("train", name, *training.TRAINABLE[name].example.split())
    assert len(quiet) >= 4, result.output  # seed 3 fails, as always here


def test_a_seed_that_fails_stops_no_other(invoke, quiet, threads):
    result = invoke("train", "epopt", "--seeds", "3,4,5")
    assert result.exit_code == 1
    assert "error: seed 3: seed 3 does not like it" in result.output
    assert [seed for seed, _ in quiet] == [4, 5]


def test_what_is_trained_is_kept_unless_told_otherwise(invoke, quiet, threads, monkeypatch):
    monkeypatch.setattr(zoo_training, "is_trained", lambda world, recipe, seed, folder: seed < 2)
    result = invoke("train", "epopt", "--seeds", "0,1,4-5")
    assert "Trained already, see --fresh: seed 0, 1" in result.output
    assert sorted(quiet) == [(4, True), (5, True)]
    invoke("train", "epopt", "--seeds", "0,1", "--fresh")
    assert sorted(quiet)[:2] == [(0, False), (1, False)]


def test_a_cluster_sends_files_that_are_written_here(invoke, quiet, threads, monkeypatch, tmp_path: Path):
    files = lambda idea, world, recipe, seed: {f"{seed}.json": b"card"}  # noqa: E731
    monkeypatch.setattr(zoo_training, "train_elsewhere", files)
    result = invoke("train", "epopt", "--seed", "4", "--dask", "tcp://x:1", "--out", str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    assert threads == [(1, "tcp://x:1", True)]
    assert (tmp_path / "new" / "4.json").read_bytes() == b"card"


@pytest.mark.parametrize("problem", [BrokenProcessPool(), CancelledError()])
def test_an_end_from_outside_says_how_to_go_on(invoke, quiet, threads, monkeypatch, problem: Exception):
    def killed(*_, **__):
        raise problem

    monkeypatch.setattr(zoo_training, "train_and_store", killed)
    result = invoke("train", "epopt", "--seeds", "0-1")
    assert result.exit_code == 1
    assert "the same command goes on" in " ".join(result.output.split())
