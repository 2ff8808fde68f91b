"""The grader of ps6_pearl, graded: right answers get all points; a wrong one loses its own, and hears why."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from assignment_tests import AssignmentTests, run_question

from course_lib.core import gaussian_belief
from course_lib.meta import belief

VISIBLE = [
    ("q1", "*_case_1,", ""),
    ("q1", "*_none_1,", "none_"),
    ("q1", "*_case_2,", "more_"),
    ("q2", "*_case_1,", ""),
    ("q2", "*_case_2,", "more_"),
    ("q3", "*_case_1,", ""),
    ("q3", "*_case_2,", "more_"),
    ("q4", "*_case_1,", ""),
    ("q4", "*_case_2,", "more_"),
    ("q5", "*_case_1,", ""),
    ("q5", "*_none_1,", "none_"),
    ("q5", "*_tiny_1,", "tiny_"),
    ("q5", "*_case_2,", "more_"),
    ("q5", "*_lost_1,", "lost_"),
    ("q5", "*_long_1,", "long_"),
    ("q6", "*_case_1,", ""),
    ("q6", "*_case_2,", "more_"),
]
"""Question, its case, and what the names of the values typed out for it begin with."""
REFERENCES = {"q2": gaussian_belief.kl_divergence, "q5": belief.bayes_filter}
"""Answers that the library has, too."""


def differs(seen, typed) -> bool:
    """Whether two results differ by more than the test cells let pass."""
    seen, typed = np.asarray(seen), np.asarray(typed)
    return seen.shape != typed.shape or not np.allclose(seen, typed, rtol=1e-4, atol=2e-5, equal_nan=True)


def parts(result) -> dict:
    """What is compared one by one."""
    return result if isinstance(result, dict) else {"": result}


def differs_anywhere(found, right) -> bool:
    """Whether a mistake shows at all."""
    return any(differs(value, parts(right)[k]) for k, value in parts(found).items())


class TestPs6PEARL(AssignmentTests):
    name = "ps6_pearl"
    points: ClassVar = {"q1": 4, "q2": 4, "q3": 6, "q4": 4, "q5": 4, "q6": 4}
    banks = Path(__file__).parent
    named = ("q1", "q2", "q3", "q4", "q5", "q6")
    taken = ("pearl", "gaussian_belief", "direction", "grid_navi", "batch", "z", "belief", "goals")

    @pytest.fixture(scope="class")
    @classmethod
    def examined(cls, solution) -> dict[str, dict]:
        """What the test cells of each question leave behind."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NBGRADER_EXECUTION", "autograde")
            return {question: run_question(solution, question) for question in cls.points}

    @pytest.mark.parametrize(("question", "case", "prefix"), VISIBLE)
    def test_visible_values_are_those_of_the_formulas(self, examined, question, case, prefix):
        """The numbers in view, typed out so that no formula stands there, agree with the hidden formulas."""
        namespace, number = examined[question], question[1:]
        right, wrong = eval(f"_values_{number}({case})", namespace)
        typed_right, typed_wrong = (namespace[f"_{prefix}{kind}_{number}"] for kind in ("right", "wrong"))
        assert not any(differs(parts(right)[k], value) for k, value in parts(typed_right).items())
        assert set(typed_wrong) == {name for name in wrong if differs_anywhere(wrong[name], right)}
        for name, value in typed_wrong.items():
            assert parts(value).keys() == parts(wrong[name]).keys(), name
            assert not any(differs(parts(wrong[name])[k], typed) for k, typed in parts(value).items()), name

    @pytest.mark.parametrize("question", REFERENCES)
    def test_library_s_own_is_right(self, examined, question):
        """The formula in the hidden tests and the library's are the same equation."""
        namespace, number = examined[question], question[1:]
        case = namespace["_case_1"]
        seen = namespace[f"_drive_{number}"](REFERENCES[question], *case)
        right = namespace[f"_values_{number}"](*case)[0]
        assert not any(differs(seen[k], value) for k, value in right.items())
