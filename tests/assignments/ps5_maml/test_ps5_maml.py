"""The grader of ps5_maml, graded: right answers get all points; a wrong one loses its own, and hears why."""

from pathlib import Path
from typing import ClassVar

import answer_banks
import numpy as np
import pytest
import torch
from assignment_tests import AssignmentTests, run_question

from course_lib.core import few_shot
from course_lib.core.networks import mlp
from course_lib.meta import estimators, maml, supervised

VISIBLE = [
    ("q1", "*_case_1, False", ""),
    ("q1", "*_case_1, True", "first_"),
    ("q1", "*_case_2, False", "more_"),
    ("q1", "*_case_2, True", "more_first_"),
    ("q2", "*_case_1,", ""),
    ("q2", "*_case_1[:4], 0", "none_"),
    ("q2", "*_case_2,", "more_"),
    ("q3", "*_case_1,", ""),
    ("q3", "*_case_2,", "more_"),
    ("q4", "*_case_1,", ""),
    ("q4", "*_case_1[:2], 1, *_case_1[3:]", "one_"),
    ("q4", "*_case_2,", "more_"),
    ("q5", "*_case_1,", ""),
    ("q5", "*_case_2,", "more_"),
    ("q6", "*_case_1,", ""),
    ("q6", "*_case_2,", "more_"),
]
"""Question, its case, and what the names of the values typed out for it begin with."""
REFERENCES = {
    "q1": maml.inner_step,
    "q3": supervised.meta_loss,
    "q6": estimators.dice,
}
"""Answers that the library has, too."""


def differs(seen, typed) -> bool:
    """Whether two results differ by more than the test cells let pass."""
    seen, typed = np.asarray(seen), np.asarray(typed)
    return seen.shape != typed.shape or not np.allclose(seen, typed, rtol=1e-4, atol=2e-5)


def parts(result) -> dict:
    """What is compared one by one."""
    return result if isinstance(result, dict) else dict(enumerate(result))


def differs_anywhere(found, right) -> bool:
    """Whether a mistake shows at all."""
    return any(differs(value, parts(right)[k]) for k, value in parts(found).items())


class TestPs5MAML(AssignmentTests):
    name = "ps5_maml"
    points: ClassVar = {"q1": 4, "q2": 4, "q3": 4, "q4": 4, "q5": 6, "q6": 4}
    banks = Path(__file__).parent
    named = ("q1", "q2", "q3", "q4", "q5", "q6")
    taken = ("maml", "estimators", "supervised", "applied", "copies", "theta", "alpha")

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
        case = (*namespace["_case_1"], False) if question == "q1" else namespace["_case_1"]
        seen = namespace[f"_drive_{number}"](REFERENCES[question], *case)
        right = namespace[f"_values_{number}"](*case)[0]
        assert not any(differs(seen[k], value) for k, value in right.items())

    def test_answers_train_a_start_from_which_one_step_is_enough(self, solution):
        """The run of the notebook, shortened: a step on ten points takes most of the error away."""
        answers: dict = {"np": np, "torch": torch}
        for source in answer_banks.answer_cells(solution).values():
            exec(source, answers)
        torch.manual_seed(0)
        net = mlp([1, 40, 40, 1], activation=torch.nn.ReLU)
        learner = maml.GradientLearner(net, 0.01, 1, inner_step=answers["inner_step"])
        draw = few_shot.function_tasks(few_shot.SINUSOIDS)
        config = supervised.SupervisedConfig(tasks=25, learning_rate=5e-3, updates=50, iterations=8)
        optimizer = torch.optim.Adam(learner.parameters(), lr=config.learning_rate)
        rng = np.random.default_rng(0)
        for _ in supervised.train(learner, optimizer, draw, config, rng, meta_loss=answers["meta_loss"]):
            pass
        tasks = draw(200, 10, 50, rng)
        errors = []
        for steps in (0, 1):
            phi = learner.adapt(tasks.train_x, tasks.train_y, steps)
            answer = learner.predict(phi, tasks.test_x).detach()
            errors.append(float((answer - tasks.test_y).square().mean()))
        assert errors[1] < 0.5 * errors[0]
