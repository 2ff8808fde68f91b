"""RL2's results: the tables say what the numbers say, and the policies of the zoo do what they claim."""

import json

import numpy as np
import pytest

from course_lib.envs import grid_navi_beliefs
from course_lib.zoo import rl2_recipes as recipes
from course_lib.zoo import rl2_results as results_of
from course_lib.zoo import store


@pytest.fixture(scope="module")
def measured():
    return results_of.measure("grid_navi", 48)


@pytest.mark.parametrize("world", recipes.WORLDS)
def test_every_recipe_has_weights_and_those_of_one_world_are_as_many(world):
    counts = {name: len(store.scores("rl2", world, name)) for name in recipes.WORLDS[world]}
    assert min(counts.values()) >= 3, counts


def test_with_a_memory_the_second_episode_goes_straight_and_without_it_gains_nothing(measured):
    for name in ("gru", "lstm", "snail"):
        first, second = measured.by_episode[name].T
        assert (second - first).mean() > 4.0, name
        for scores in (measured.emptied, measured.untold):
            first, second = scores[name].T
            assert (second - first).mean() < 1.0, name


def test_an_emptied_memory_that_is_told_the_last_reward_still_knows_whether_it_found_the_goal(measured):
    first, second = measured.by_episode["forgets"].T
    assert (second - first).mean() > 2.0
    first, second = measured.untold["forgets"].T
    assert abs((second - first).mean()) < 1.0


def test_few_training_tasks_are_known_by_heart(measured):
    assert measured.training_tasks == [1, 4, 8, 14]
    gap = (measured.on_training - measured.on_new).mean(0)
    assert gap[0] > 10.0 and gap[0] > gap[-1]
    # Who knows one goal by heart earns more there than can be earned by anybody who has to look for it.
    assert (measured.on_training[:, 0] > grid_navi_beliefs.optimal_return(2)).all()


def _results():
    rng = np.random.default_rng(0)
    draw = lambda: {name: rng.uniform(size=(5, 2)) for name in ("gru", "forgets")}  # noqa: E731
    return results_of.Results(
        world="grid_navi",
        by_episode=draw(),
        emptied=draw(),
        untold=draw(),
        training_tasks=[1, 4],
        on_training=rng.uniform(size=(5, 2)),
        on_new=rng.uniform(size=(5, 2)),
    )


def test_the_tables_hold_the_means_where_they_belong():
    results = _results()
    lines = results_of.as_markdown(results, "course reproduce rl2").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    (kept,) = (row for row in cells if row[:2] == ["gru", results_of.MEANINGS["gru"]])
    (emptied,) = (row for row in cells if row[:2] == ["gru", "emptied at every episode of the test"])
    for row, values in ((kept, results.by_episode["gru"]), (emptied, results.emptied["gru"])):
        numbers = (*values.T, values[:, 1] - values[:, 0], values.sum(1))
        assert [cell.split(" ")[0] for cell in row[2:]] == [f"{number.mean():.2f}" for number in numbers]
    assert not [row for row in cells if row[:2] == ["forgets", "emptied at every episode of the test"]]
    (optimal,) = (row for row in cells if row[0] == "optimal, exactly")
    assert optimal[2:] == ["4.00", "11.07", "7.07", "15.07"]
    (four,) = (row for row in cells if row[0] == "4")
    known, new = results.on_training[:, 1], results.on_new[:, 1]
    expected = [f"{number.mean():.2f}" for number in (known, new, known - new)]
    assert [cell.split(" ")[0] for cell in four[1:]] == expected


def test_what_is_written_is_what_was_measured(tmp_path):
    results = _results()
    results_of.write(results, "course reproduce rl2", tmp_path)
    numbers = json.loads((tmp_path / "rl2-grid-navi.json").read_text())
    np.testing.assert_allclose(numbers["by_episode"]["gru"], results.by_episode["gru"], atol=1e-3)
    np.testing.assert_allclose(numbers["on_new"], results.on_new, atol=1e-3)
    for picture in ("rl2-grid-navi.png", "rl2-grid-navi-tasks.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert "course reproduce rl2" in (tmp_path / "rl2-grid-navi.md").read_text()
