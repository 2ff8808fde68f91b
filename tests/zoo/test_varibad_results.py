"""VariBAD's results: the tables say what the numbers say, and the policies of the zoo do what they claim."""

import json

import numpy as np
import pytest

from course_lib.envs.grid_navi import HORIZON
from course_lib.zoo import store
from course_lib.zoo import varibad_results as results_of


@pytest.fixture(scope="module")
def measured():
    return results_of.measure("grid_navi", 128)


def test_there_are_weights_of_several_seeds():
    assert len(store.scores("varibad", "grid_navi", "varibad")) >= 3


def test_it_searches_better_than_posterior_sampling_and_no_better_than_the_optimum(measured):
    mean = {name: values.mean(0) for name, values in measured.by_episode.items()}
    assert (mean["VariBAD"] > mean["posterior sampling"] + 2.0).all()
    assert (mean["VariBAD"] < mean["optimal"] + 0.5).all()
    assert mean["told the goal"][0] == pytest.approx(11.0714, abs=1e-4)
    assert mean["optimal"] == pytest.approx([4.0, 11.0714, 11.0714], abs=1e-4)


def test_a_comparison_of_beliefs_is_what_its_words_say():
    rng = np.random.default_rng(0)
    shape = (2, 6, 4, 3)  # [E, N, H + 1, G]
    decoded, exact = rng.dirichlet(np.ones(3), shape[:3]), rng.dirichlet(np.ones(3), shape[:3])
    exact[:, :2, 2:] = [0.0, 1.0, 0.0]  # met by the first two
    exact[:, :, 3] = [1.0, 0.0, 0.0]  # by all
    exact[:, :, 0] = 1 / 3
    misplaced, searching, nothing, correlation = results_of._compared(decoded, exact)
    for e in range(2):
        for t in range(4):
            distance = [0.5 * np.abs(decoded[e, n, t] - exact[e, n, t]).sum() for n in range(6)]
            np.testing.assert_allclose(misplaced[e, t], np.mean(distance))
            still = [distance[n] for n in range(6) if exact[e, n, t].max() < 1]
            np.testing.assert_allclose(searching[e, t], np.mean(still) if still else np.nan)
            uniform = [0.5 * np.abs(1 / 3 - exact[e, n, t]).sum() for n in range(6)]
            np.testing.assert_allclose(nothing[e, t], np.mean(uniform), atol=1e-12)
            if t == 0:
                assert np.isnan(correlation[e, t])  # the exact belief is the same everywhere
            else:
                both = np.corrcoef(decoded[e, :, t].ravel(), exact[e, :, t].ravel())
                np.testing.assert_allclose(correlation[e, t], both[0, 1])


def _results():
    rng = np.random.default_rng(0)
    beliefs = {
        name: rng.uniform(size=(5, 3, HORIZON + 1))
        for name in ("misplaced", "misplaced_searching", "misplaced_by_nothing", "correlation")
    }
    beliefs["misplaced_searching"][:, 2, 15] = np.nan
    by_episode = {"optimal": np.array([[4.0, 11.0, 11.5]]), "VariBAD": rng.uniform(size=(5, 3))}
    return results_of.Results(by_episode=by_episode, **beliefs)


def test_the_tables_hold_the_means_where_they_belong():
    results = _results()
    lines = results_of.as_markdown(results, "course reproduce varibad").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    (row,) = (row for row in cells if row[0] == "VariBAD")
    returns = results.by_episode["VariBAD"]
    assert [cell.split(" ")[0] for cell in row[1:]] == [
        f"{x.mean():.2f}" for x in (*returns.T, returns.sum(1))
    ]
    (row,) = (row for row in cells if row[0] == "optimal")
    assert row[1:] == ["4.00", "11.00", "11.50", "26.50"]
    (row,) = (row for row in cells if row[:2] == ["3", "15"])
    wanted = [100 * results.misplaced[:, 2, 15], 100 * results.misplaced_by_nothing[:, 2, 15]]
    assert [row[2].split(" ")[0], row[4].split(" ")[0]] == [f"{x.mean():.0f}" for x in wanted]
    assert row[3] == "–" and row[5].split(" ")[0] == f"{results.correlation[:, 2, 15].mean():.2f}"


def test_what_is_written_is_what_was_measured(tmp_path):
    results = _results()
    results_of.write(results, "course reproduce varibad", tmp_path)
    numbers = json.loads((tmp_path / "varibad-grid-navi.json").read_text())
    np.testing.assert_allclose(numbers["by_episode"]["VariBAD"], results.by_episode["VariBAD"], atol=1e-3)
    np.testing.assert_allclose(numbers["misplaced"], results.misplaced, atol=1e-3)
    assert numbers["misplaced_searching"][0][2][15] is None
    for picture in ("varibad-grid-navi.png", "varibad-grid-navi-beliefs.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
    assert "course reproduce varibad" in (tmp_path / "varibad-grid-navi.md").read_text()
