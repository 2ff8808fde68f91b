"""Steps until a level: read off curves in which they are known."""

import json

import numpy as np
import pytest

from course_lib.zoo import sample_efficiency as efficiency
from course_lib.zoo import store

SLOW = np.array([100, 200, 300, 400]), np.array([[-9.0, -6.0, -7.0, -2.0], [-9.0, -9.0, -5.0, -4.0]])
FAST = np.array([10, 20]), np.array([[-5.0, -1.0], [-8.0, -4.0]])


def test_the_first_time_counts_even_where_the_curve_falls_back():
    np.testing.assert_allclose(efficiency.steps_until(SLOW, -6.0), [200, 275])  # three quarters of the way
    np.testing.assert_array_equal(efficiency.steps_until(SLOW, -2.0), [400, np.nan])
    np.testing.assert_array_equal(efficiency.steps_until(SLOW, -10.0), [100, 100])


def test_ratios_are_those_of_all_pairs_of_seeds():
    ratios = efficiency.ratios(FAST, SLOW, [-6.0, -2.0])
    assert sorted(ratios[0]) == pytest.approx([200 / 15, 275 / 15, 200 / 10, 275 / 10])
    assert np.isnan(ratios[1]).sum() == 3 and np.nanmax(ratios[1]) == pytest.approx(400 / 17.5)


def test_curves_are_those_of_the_cards(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "folder", lambda: tmp_path)
    (tmp_path / "idea").mkdir()
    for seed in range(2):
        card = {"return_mean": 1.0, "seed": seed, "curve": [[10, -5.0 - seed], [20, -1.0]]}
        store.store(tmp_path / f"idea/world-recipe-seed{seed}", {}, card)
    steps, returns = efficiency.learning_curve("idea", "world", "recipe")
    np.testing.assert_array_equal(steps, [10, 20])
    np.testing.assert_array_equal(returns, [[-5.0, -1.0], [-6.0, -1.0]])
    path = tmp_path / "idea/world-recipe-seed1.json"
    card = json.loads(path.read_text())
    del card["curve"]
    path.write_text(json.dumps(card))
    with pytest.raises(store.ZooError, match="no learning curve"):
        efficiency.learning_curve("idea", "world", "recipe")
