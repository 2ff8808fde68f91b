"""EPOpt's results: returns land in their cells, and the tables say what the numbers say."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from course_lib.core.rollout import evaluate
from course_lib.zoo import epopt_recipes as recipes
from course_lib.zoo import epopt_results as results_of
from course_lib.zoo import store


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(results_of, "STEPS", 15)


def test_every_recipe_has_weights_of_five_seeds():
    for world in recipes.WORLDS:
        for recipe in recipes.RECIPES:
            assert len(store.policies("epopt", world, recipe)) >= 5, (world, recipe)


def test_each_return_belongs_to_its_own_physics():
    """The batch equals each condition on its own, so no condition sits in another's place."""
    family = recipes.WORLDS["half_cheetah"]()
    policy = store.load_policy("epopt/half_cheetah-eps1.0-seed0")
    masses, frictions = np.array([3.0, 9.0, 6.0]), np.array([0.3, 0.5, 0.7])
    together = results_of.evaluator(family, policy.act, seed=4)(
        {"torso_mass": masses, "ground_friction": frictions}
    )
    for i in range(3):
        env = family.make_vec(3, autoreset_mode="Disabled")
        env.set_params(
            family.params_type(
                torso_mass=masses[i], ground_friction=frictions[i], joint_damping=1.5, armature=0.125
            )
        )
        assert evaluate(env, policy.act, 15, 4)[i] == pytest.approx(together[i])
    assert len(np.unique(together)) == 3


def test_curves_have_a_row_a_seed_and_a_column_a_mass():
    curves = results_of.over_masses("half_cheetah", "mass3", episodes=2, masses=(3.0, 9.0))
    assert curves.shape == (len(store.policies("epopt", "half_cheetah", "mass3")), 2)


def _results():
    rng = np.random.default_rng(0)
    curves = {recipe: 1000.0 * i + rng.normal(size=(5, 7)) for i, recipe in enumerate(recipes.RECIPES)}
    source = {recipe: rng.normal(2000.0, 100.0, size=(5, 40)) for recipe in recipes.RECIPES}
    grids = {recipe: np.arange(9.0).reshape(3, 3) for recipe in recipes.RECIPES}
    return results_of.Results(world="hopper", masses=curves, source=source, grids=grids)


def test_the_tables_hold_the_means_and_their_intervals():
    results = _results()
    text = results_of.as_markdown(results, "course reproduce epopt")
    row = next(line for line in text.splitlines() if line.startswith("| eps1.0 |"))
    cell = row.split("|")[2].strip()
    values = results.masses["eps1.0"][:, 0]
    assert cell.startswith(f"{values.mean():.0f} [")
    low, high = (float(x) for x in cell[cell.index("[") + 1 : -1].split(","))
    assert values.min() - 1 <= low <= values.mean() <= high <= values.max() + 1
    assert "course reproduce epopt" in text and "eps0.1 5" in text


def test_tables_numbers_and_figure_are_written(tmp_path):
    results = _results()
    results_of.write(results, "course reproduce epopt", tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "epopt-hopper.json",
        "epopt-hopper.md",
        "epopt-hopper.png",
    ]
    numbers = json.loads((tmp_path / "epopt-hopper.json").read_text())
    np.testing.assert_allclose(numbers["masses"]["mass9"], results.masses["mass9"], atol=0.051)
    assert (tmp_path / "epopt-hopper.png").read_bytes().startswith(b"\x89PNG")


def test_without_weights_it_says_which_are_missing(monkeypatch):
    monkeypatch.setattr(store, "names", lambda: [])
    with pytest.raises(store.ZooError, match="no weights of 'epopt/hopper-mass3' in the zoo"):
        results_of.measure("hopper", 1)


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_the_published_tables_are_what_the_published_numbers_say(monkeypatch, world):
    """The numbers beside the tables are rounded to a tenth, so a cell may differ by 1."""
    monkeypatch.setattr(results_of, "STEPS", 1000)
    stem = Path(__file__).parents[2] / "docs" / "results" / f"epopt-{world.replace('_', '-')}"
    numbers = json.loads(stem.with_suffix(".json").read_text())
    measured = {what: {r: np.array(x) for r, x in of.items()} for what, of in numbers.items()}
    results = results_of.Results(world=world, **measured)
    made = results_of.as_markdown(results, f"course reproduce {stem.name}")
    published = stem.with_suffix(".md").read_text()
    assert re.sub(r"\d+", "#", made) == re.sub(r"\d+", "#", published)
    for ours, theirs in zip(re.findall(r"\d+", made), re.findall(r"\d+", published), strict=True):
        assert abs(int(ours) - int(theirs)) <= 1
