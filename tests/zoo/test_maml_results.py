"""Results of MAML: one way down for all numbers of steps, and tables that hold the means."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from course_lib.core import few_shot
from course_lib.core.few_shot import SINUSOIDS
from course_lib.core.networks import mlp
from course_lib.meta import maml
from course_lib.zoo import maml_recipes
from course_lib.zoo import maml_results as results_of

DRAW = few_shot.function_tasks(SINUSOIDS)


@pytest.fixture
def learner():
    torch.manual_seed(0)
    return maml.GradientLearner(mlp([1, 8, 8, 1], activation=nn.ReLU), 0.02).requires_grad_(False)


def test_all_numbers_of_steps_lie_on_one_way_down(learner):
    tasks = DRAW(4, 5, 3, np.random.default_rng(0))
    found = results_of.descended(learner, tasks, (0, 2, 3))
    for steps, phi in zip((0, 2, 3), found, strict=True):
        expected = learner.adapt(tasks.train_x, tasks.train_y, steps)
        for name, value in expected.items():
            torch.testing.assert_close(phi[name], value)


def test_another_rate_takes_the_place_of_the_learners_own(learner):
    tasks = DRAW(4, 5, 3, np.random.default_rng(0))
    other = maml.GradientLearner(learner.net, 0.005)
    (phi,) = results_of.descended(learner, tasks, (3,), rate=0.005)
    with torch.no_grad():
        expected = other.adapt(tasks.train_x, tasks.train_y, 3)
    assert all(torch.allclose(phi[name], value) for name, value in expected.items())


def test_later_steps_are_shorter(learner):
    tasks = DRAW(4, 5, 3, np.random.default_rng(0))
    short = maml.GradientLearner(learner.net, 0.5 * 0.02)
    before, _, after = results_of.descended(learner, tasks, (0, 1, 2), later=0.5)
    (one,) = results_of.descended(learner, tasks, (1,))
    short.net.load_state_dict({name: value[0] for name, value in one.items()})  # the first task's own start
    alone = few_shot.FewShotTasks(
        *(part[:1] for part in (tasks.train_x, tasks.train_y, tasks.test_x, tasks.test_y))
    )
    (expected,) = results_of.descended(short, alone, (1,))
    for name, value in expected.items():
        torch.testing.assert_close(after[name][:1], value)
    assert not torch.equal(before["0.weight"], after["0.weight"])


def test_the_score_without_steps_is_that_of_the_start(learner):
    (error,) = results_of.tested(learner, DRAW, 5, (0,), 50, 3)
    tasks = DRAW(50, 5, results_of.QUERIES, np.random.default_rng((3, 5)))
    with torch.no_grad():
        assert error == pytest.approx(float((learner.net(tasks.test_x) - tasks.test_y).square().mean()))


def test_a_random_start_hangs_on_its_seed_only():
    one, same, other = (results_of.random_start("sinusoids", seed).net[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_a_long_descent_takes_the_rate_that_ends_best_and_none_that_ran_away(learner, monkeypatch):
    ends = dict(zip(results_of.LONG_RATES, (np.nan, 2.0, 1.0, 3.0), strict=True))
    monkeypatch.setattr(results_of, "tested", lambda *_, rate: [ends[rate]])
    assert results_of.long_rate({0: learner, 1: learner}, DRAW, 10) == results_of.LONG_RATES[2]


def test_errors_on_new_kinds_are_shares_of_the_values_mean_square(learner, monkeypatch):
    monkeypatch.setattr(results_of, "LONG", (0, 1))
    monkeypatch.setattr(results_of, "LONG_TRIED", 1)
    of = dict.fromkeys(range(5), learner)
    starts = {results_of.RECIPES["maml"]: of, results_of.RANDOM: of}
    found = results_of._new_kind(DRAW, 5, starts, 8)
    for seed in range(5):
        tasks = DRAW(8, 5, results_of.QUERIES, np.random.default_rng((seed, 5)))
        error = (learner.net(tasks.test_x) - tasks.test_y).square().mean() / tasks.test_y.square().mean()
        assert found["MAML, 0 steps"][seed] == pytest.approx(float(error), rel=1e-4)
    assert (found["MAML, 1 step"] == found["random start, 1 step"]).all()
    assert (found["mean of a set"] < 0.3).all()


@pytest.mark.parametrize("world", results_of.WORLDS)
def test_tables_hold_the_means_and_files_the_numbers(world, tmp_path):
    rng, steps, shots = np.random.default_rng(0), results_of.STEPS[world], results_of.SHOTS[world]
    recipes = maml_recipes.IDEA.recipes["sinusoids" if world == "sinusoids" else "letters"]
    names = [results_of.RECIPES[recipe] for recipe in recipes if recipe != "told"] + [results_of.RANDOM]
    curves = {k: {name: rng.uniform(size=(5, len(steps))) for name in names} for k in shots}
    curves[shots[0]]["learned rates"][:, 2:] = np.inf
    rival = results_of.TOLD if world == "sinusoids" else results_of.NEAREST
    rivals = {k: {rival: rng.uniform(size=5)} for k in shots}
    who = [*(f"MAML, {n} steps" for n in results_of.LONG), *results_of.READERS.values()]
    kinds = {10: {kind: {name: rng.uniform(size=5) for name in who} for kind in results_of.NEW_KINDS}}
    kinds = kinds if world == "sinusoids" else {}
    results = results_of.Results(world=world, steps=steps, curves=curves, rivals=rivals, kinds=kinds)
    results_of.write(results, "course reproduce maml", tmp_path)
    text = (tmp_path / f"maml-{world}.md").read_text()
    scale, digits = (1, 3) if world == "sinusoids" else (100, 1)
    first, *_ = (line for line in text.splitlines() if line.startswith("| first order |"))
    for cell, values in zip(first.strip("| ").split("|")[1:], curves[shots[0]]["first order"].T, strict=True):
        assert cell.strip().startswith(f"{scale * values.mean():.{digits}f} [")
    runaway, *_ = (line for line in text.splitlines() if line.startswith("| learned rates |"))
    assert runaway.count("ran away") == len(steps) - 2
    assert ("| lines | " in text) == (world == "sinusoids")
    numbers = json.loads((tmp_path / f"maml-{world}.json").read_text())
    ours = numbers["curves"][str(shots[1])]["first order"]
    np.testing.assert_allclose(ours, curves[shots[1]]["first order"], rtol=1e-4)
    assert numbers["curves"][str(shots[0])]["learned rates"][0][2] is None
    pictures = {path.name for path in tmp_path.glob("*.png") if path.read_bytes().startswith(b"\x89PNG")}
    assert pictures == {f"maml-{world}.png", *(["maml-sinusoids-kinds.png"] if kinds else [])}
