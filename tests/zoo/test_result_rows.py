"""Rows of the results: the weights that they need, and the minutes that these and the commands took."""

import pytest

from course_lib.zoo import result_rows, store
from course_lib.zoo.result_rows import ROWS, Row, minutes_cell, needed, read_minutes, write_minutes


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.world])
def test_every_beginning_fits_weights_of_at_least_three_seeds(name):
    for beginning in ROWS[name].weights:
        seeds = {
            weights.rpartition("-seed")[2] for weights in needed([name]) if weights.startswith(beginning)
        }
        assert seeds >= {"0", "1", "2"}, beginning


def test_minutes_are_half_of_the_cards_minutes_each_weight_once(monkeypatch, tmp_path):
    rows = {
        "one": Row(summary="", module="one", world="flat", weights=("idea/flat-",)),
        "two": Row(summary="", module="two", world="flat", weights=("idea/flat-gru-", "idea/steep-")),
        "anew": Row(summary="", module="anew"),
    }
    minutes = {"flat-gru-seed0": 1.0, "flat-gru-seed1": 2.0, "flat-mlp-seed0": 4.0, "steep-gru-seed0": 8.0}
    monkeypatch.setattr(result_rows, "ROWS", rows)
    monkeypatch.setattr(store, "names", lambda: [f"idea/{name}" for name in minutes])
    monkeypatch.setattr(store, "read_card", lambda stem: {"cpu_minutes": minutes[stem.name]})
    for name, taken in (("two", 0.26), ("one", 0.5), ("anew", 3.0)):
        write_minutes(tmp_path, name, taken)
    assert list(read_minutes(tmp_path)) == ["one", "two", "anew"]  # in the order of the rows
    assert minutes_cell(["one"], tmp_path) == "0.5 + 3.5"
    assert minutes_cell(["two"], tmp_path) == "0.3 + 5.5"
    assert minutes_cell(["one", "two"], tmp_path) == "0.8 + 7.5"
    assert minutes_cell(["anew"], tmp_path) == "3.0"
    assert minutes_cell(["one"], tmp_path / "elsewhere") == "? + 3.5"
    (tmp_path / "some").mkdir()
    write_minutes(tmp_path / "some", "anew", 3.0)
    assert minutes_cell(["one", "anew"], tmp_path / "some") == "? + 3.5"


def test_a_second_run_replaces_the_minutes_of_the_first(tmp_path):
    assert read_minutes(tmp_path) == {}
    write_minutes(tmp_path, "dann", 3.0)
    write_minutes(tmp_path, "dann", 2.0)
    assert read_minutes(tmp_path) == {"dann": 2.0}
