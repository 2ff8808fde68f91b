"""The comparison's tables say what its numbers say, and its tasks are the same for all."""

import json
from dataclasses import replace

import numpy as np
import pytest

from course_lib.envs import navigation
from course_lib.zoo import perspectives_results as results_of
from course_lib.zoo import store
from course_lib.zoo.perspectives import PERSPECTIVES

SEEDS = {"navigation": 5, "half_cheetah_velocity": 3}


@pytest.mark.parametrize("world", results_of.WORLDS)
def test_every_learner_has_weights_of_as_many_seeds_each_with_its_learning_curve(world):
    for name in results_of.LEARNERS[world]:
        ways = PERSPECTIVES[name]
        scores = store.scores(ways.idea, world, ways.recipe)
        assert len(scores) == SEEDS[world], name
        assert all("curve" in store.read_card(store.folder() / card) for card in scores)


@pytest.mark.parametrize("number", results_of.TRAINING_TASKS)
def test_trainings_with_few_tasks_have_five_seeds_and_as_many_steps_as_those_with_many(number):
    for name, ways in PERSPECTIVES.items():
        few, many = (
            [store.read_card(store.folder() / card) for card in store.scores(ways.idea, "navigation", recipe)]
            for recipe in (f"tasks{number}", ways.recipe)
        )
        assert len(few) == 5, name
        if name != "PEARL":  # which visits fewer tasks at a time where it has fewer
            assert {card["steps"] for card in few} == {card["steps"] for card in many}, name


def test_shifted_goals_are_those_of_the_training_times_the_shift_and_the_same_for_all():
    near, far, again = (results_of.shifted("navigation", shift, 3, 40).array(40) for shift in (1.0, 2.0, 2.0))
    drawn = navigation.family().sample(np.random.default_rng((results_of.TEST_TASKS, 3)), 40)
    np.testing.assert_array_equal(near, drawn.array(40))
    np.testing.assert_array_equal(far, 2.0 * near)
    np.testing.assert_array_equal(far, again)
    assert np.abs(near).max() <= 0.5
    slow, fast = (
        results_of.shifted("half_cheetah_velocity", shift, 3, 40).target_velocity for shift in (0.0, 1.0)
    )
    np.testing.assert_allclose(fast - slow, 1.0)
    assert slow.min() >= 0.5 and slow.max() <= 2.5
    with pytest.raises(ValueError, match="there is no world 'rooms': take one of navigation, half_cheetah"):
        results_of.shifted("rooms", 1.0, 0, 4)


def test_in_navigation_a_step_of_gradient_goes_on_where_a_memory_gives_up(monkeypatch):
    policies = store.policies
    monkeypatch.setattr(  # two seeds of five, two shifts of seven: seconds
        store, "policies", lambda *names: {seed: policies(*names)[seed] for seed in (0, 1)}
    )
    monkeypatch.setitem(results_of.SHIFTS, "navigation", (1.0, 2.0))
    monkeypatch.setitem(results_of.SHOTS, "navigation", (0, 1, 2, 20, 100))
    monkeypatch.setattr(results_of, "TRAINING_TASKS", (4,))
    measured = results_of.measure("navigation", 20)
    assert {name: values.shape for name, values in measured.returns.items()} == dict.fromkeys(
        PERSPECTIVES, (2, 2, 5)
    )
    far = {name: results_of.gained(measured, name, 100)[:, 1].mean() for name in PERSPECTIVES}
    assert far["MAML"] > 8.0 > far["PEARL"] > far["RL2"]  # twice as far: after a hundred episodes
    at_once = {name: values[:, 0, 1].mean() for name, values in measured.returns.items()}
    assert max(at_once, key=at_once.get) == "RL2"  # as in training: after one
    gap = {name: (known[..., 0, :] - known[..., 1, :]).mean() for name, known in measured.known.items()}
    assert gap["RL2"] > 5.0 > gap["MAML"] > 0.0  # trained on four goals
    for name, values in measured.returns.items():
        assert (measured.told[:, :, None] > values).all(), name  # nobody is better than who is told
        assert measured.known[name].shape == (2, 1, 2, 2) and (measured.known[name] < 0).all()


def _results(world="navigation"):
    rng = np.random.default_rng(0)
    shifts, shots = len(results_of.SHIFTS[world]), len(results_of.SHOTS[world])
    learners = results_of.LEARNERS[world]
    steps = np.array([1000, 2000, 4000])
    return results_of.Results(
        world=world,
        returns={name: rng.uniform(-9, -1, (2, shifts, shots)) for name in learners},
        curves={name: (steps, np.array([[-8.0, -5.0, -2.0], [-8.0, -7.0, -5.0]])) for name in learners},
        minutes={name: np.array([2.0, 4.0]) for name in learners},
        told=rng.uniform(-1, 0, (2, shifts)) if world == "navigation" else None,
        known={name: rng.uniform(-9, -1, (2, 3, 2, 2)) for name in learners} if world == "navigation" else {},
    )


def test_minutes_go_with_iterations_not_with_steps():
    results = _results()
    # -5 is reached at the second of three points by the first seed, and at the last by the second.
    np.testing.assert_allclose(results_of.minutes_until(results, "MAML", -5.0), [2.0 * 2 / 3, 4.0])
    assert np.isnan(results_of.minutes_until(results, "MAML", -3.0)).tolist() == [False, True]


def test_what_was_gained_is_the_difference_to_the_first_episode():
    results = _results()
    gained = results_of.gained(results, "PEARL", 20)
    at = results_of.SHOTS["navigation"].index(20)
    values = results.returns["PEARL"]
    np.testing.assert_allclose(gained, values[..., at] - values[..., 0])


@pytest.mark.parametrize("world", results_of.WORLDS)
def test_the_tables_hold_the_means_where_they_belong(world):
    results = _results(world)
    lines = results_of.as_markdown(results, "course reproduce x").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    digits = 2 if world == "navigation" else 0
    own = results_of.SHIFTS[world].index(results_of.AS_TRAINED[world])
    (of_shots, *_) = (row for row in rows if row[0] == "MAML")
    means = results.returns["MAML"][:, own].mean(0)
    assert [cell.split(" ")[0] for cell in of_shots[1:]] == [f"{mean:.{digits}f}" for mean in means]
    gains = [row for row in rows if row[0] == "RL2, gain"]
    assert len(gains) == (3 if world == "navigation" else 2)
    expected = results_of.gained(results, "RL2", results_of.FEW).mean(0)
    assert [cell.split(" ")[0] for cell in gains[0][1:]] == [f"{mean:.{digits}f}" for mean in expected]
    if world == "navigation":
        gap = next(row for row in rows if row[0] == "PEARL, 2 shots, gap")
        known = results.known["PEARL"][..., 0].mean(0)  # [N, (known, new)]
        assert [cell.split(" ")[0] for cell in gap[1:4]] == [f"{a - b:.2f}" for a, b in known]
        at = results_of.SHOTS[world].index(results_of.FEW)
        free = (results.returns["PEARL"][:, own, at] - results.told[:, own]).mean()
        new, trained = (
            next(row for row in rows if row[0] == f"PEARL, 2 shots, {of} tasks") for of in ("new", "training")
        )
        assert new[4].split(" ")[0] == f"{free:.2f}" and not trained[4]
        told = next(row for row in rows if row[0] == results_of.TOLD)
        assert told[1].split(" ")[0] == f"{results.told[:, own].mean():.2f}"


def test_who_never_comes_to_a_level_is_counted_and_the_best_seed_stands_first():
    steps, ends = np.array([10, 20]), np.array([[-9.0, -2.0], [-9.0, -6.0], [-9.0, -8.0]])
    one = replace(_results(), curves={"RL2": (steps, ends)}, minutes={"RL2": np.ones(3)})
    row = next(line for line in results_of._training(one) if line.startswith("| RL2"))
    assert "| -5.5 and -8.5 |" in row  # the mean of what there is of the last five points
    assert row.count("not by 1 of 3") == 1 and row.count("not by 2 of 3") == 2


@pytest.mark.parametrize("world", results_of.WORLDS)
def test_what_is_written_is_what_was_measured(world, tmp_path):
    results = _results(world)
    results_of.write(results, "course reproduce x", tmp_path)
    stem = f"perspectives-{world.replace('_', '-')}"
    numbers = json.loads((tmp_path / f"{stem}.json").read_text("utf-8"))
    np.testing.assert_allclose(numbers["returns"]["RL2"], results.returns["RL2"], atol=5e-4)
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {f"{stem}.png"} | ({f"{stem}-tasks.png"} if world == "navigation" else set())
