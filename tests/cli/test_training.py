"""Training from the command line."""

import sys
import types
from pathlib import Path

import pytest


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
