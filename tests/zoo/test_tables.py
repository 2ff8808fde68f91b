"""Tables: Markdown that renders, and cells that hold the mean and its interval."""

import numpy as np

from course_lib.zoo.tables import over_seeds, table


def test_a_table_typed_out():
    assert table(["trained on", 3], [["mass3", 1.5]]) == [
        "| trained on | 3 |",
        "| --- | --- |",
        "| mass3 | 1.5 |",
    ]


def test_the_interval_of_a_cell_holds_its_mean_and_stays_within_the_seeds():
    scores = np.array([100.0, 200.0, 300.0, 400.0])
    mean, bounds = over_seeds(scores, np.random.default_rng(0)).split(" ", 1)
    low, high = (float(bound) for bound in bounds.strip("[]").split(","))
    assert mean == "250" and 100 <= low < 250 < high <= 400
