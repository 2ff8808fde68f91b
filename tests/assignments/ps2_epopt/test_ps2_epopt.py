"""The grader of ps2_epopt, graded: right answers get all points; a wrong one loses its own, and hears why."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from assignment_tests import AssignmentTests, run_question

VISIBLE = [
    ("q3", "_wrong_surrogates(_new, _old, _advantage, _keep, 0.2)", "_wrong_3"),
    ("q3", "_wrong_surrogates(_newer, _older, _benefit, _chosen, 0.1)", "_more_wrong_3"),
    ("q4", "_wrong_grids(_world, _masses, _frictions, 4)", "_wrong_4"),
    ("q4", "_wrong_grids(_other_world, _dampings, _armatures, 5)", "_more_wrong_4"),
    ("q5", "_wrong_likelihoods(_predicted, _observed, _noise_scale)", "_wrong_5"),
    ("q5", "_wrong_likelihoods(_two_predicted, _two_observed, _three_scales)", "_more_wrong_5"),
    ("q6", "_wrong_weights(_log_prior, _evidence)", "_wrong_6"),
    ("q6", "_wrong_weights(_unequal, _unlikely)", "_more_wrong_6"),
]


class TestPs2Epopt(AssignmentTests):
    name = "ps2_epopt"
    points: ClassVar = {"q1": 4, "q2": 4, "q3": 5, "q4": 4, "q5": 4, "q6": 5}
    banks = Path(__file__).parent
    named = ("q2", "q3", "q4", "q5", "q6")
    taken = ("epopt", "norm", "softmax", "kstest")
    right_ones = 6

    @pytest.mark.parametrize(("question", "formulas", "typed"), VISIBLE)
    def test_visible_values_are_those_of_the_mistakes(self, solution, monkeypatch, question, formulas, typed):
        """The numbers in view, typed out so that no formula stands there, agree with the hidden formulas."""
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        namespace = run_question(solution, question)
        formulas, typed = eval(formulas, namespace), namespace[typed]
        assert set(formulas) - set(typed) <= {"underflow"}
        for name, value in typed.items():
            np.testing.assert_allclose(np.asarray(value), np.asarray(formulas[name]), rtol=1e-4, err_msg=name)

    def test_visible_masks_are_those_of_the_mistakes(self, solution, monkeypatch):
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        namespace = run_question(solution, "q2")
        for returns, epsilon, _, typed in namespace["_cases_2"] + namespace["_more_cases_2"]:
            formulas = namespace["_wrong_masks"](torch.tensor(returns), epsilon)
            for name, value in typed.items():
                seen = [digit == "1" for digit in value] if isinstance(value, str) else value
                assert formulas[name].tolist() == seen, (returns, name)
