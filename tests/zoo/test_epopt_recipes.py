"""EPOpt's recipes: the worlds they train in, and what a training is made of."""

import numpy as np
import pytest

from course_lib.zoo import epopt_recipes as recipes


@pytest.mark.parametrize("recipe", recipes.RECIPES)
@pytest.mark.parametrize("world", recipes.WORLDS)
def test_every_recipe_has_worlds_and_settings(world, recipe):
    params = recipes.family_of(world, recipe).sample(np.random.default_rng(0), 50)
    masses = np.unique(params.torso_mass)
    if recipe.startswith("mass"):
        assert masses.tolist() == [float(recipe.removeprefix("mass"))]
        assert len(np.unique(params.joint_damping)) == 1
    else:
        assert len(masses) == 50 and len(np.unique(params.joint_damping)) == 50
    assert recipes.config_of(world, recipe).epsilon == (0.1 if recipe == "eps0.1" else 1.0)
