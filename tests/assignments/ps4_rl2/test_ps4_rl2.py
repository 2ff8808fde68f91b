"""The grader of ps4_rl2, graded: right answers get all points; a wrong one loses its own, and hears why."""

from functools import partial
from pathlib import Path
from typing import ClassVar

import answer_banks
import numpy as np
import pytest
import torch
from assignment_tests import AssignmentTests, run_question

from course_lib.core.memory import GRUMemory
from course_lib.core.seeding import seed_everything
from course_lib.envs import bandits
from course_lib.meta import rl2

VISIBLE = [
    ("q1", "_right_inputs(*_case_1)", "_right_1"),
    ("q1", "_wrong_inputs(*_case_1)", "_wrong_1"),
    ("q1", "_right_inputs(*_case_2)", "_more_right_1"),
    ("q1", "_wrong_inputs(*_case_2)", "_more_wrong_1"),
    *(
        ("q2", formula, typed)
        for i, prefix in ((1, ""), (2, "square_"), (3, "more_"))
        for formula, typed in (
            (f"_trials.carried(_memory_{i}, _episode_{i}, _trial_{i})", f"_{prefix}right_2"),
            (f"_gradient(_memory_{i}, _trial_{i})", f"_{prefix}gradient_2"),
            (f"_wrong_carried(_memory_{i}, _episode_{i}, _trial_{i})", f"_{prefix}wrong_2"),
        )
    ),
    ("q3", "_right_returns(_reward_1, _ended_1, 3)", "_right_3"),
    ("q3", "_wrong_returns(_reward_1, _ended_1, 3)", "_wrong_3"),
    ("q3", "_right_returns(_reward_2, _ended_2, 2)", "_more_right_3"),
    ("q3", "_wrong_returns(_reward_2, _ended_2, 2)", "_more_wrong_3"),
    ("q4", "_rl2.trial_advantage(*_case_1)", "_right_4"),
    ("q4", "_wrong_advantages(*_case_1)", "_wrong_4"),
    ("q4", "_rl2.trial_advantage(*_case_2)", "_more_right_4"),
    ("q4", "_wrong_advantages(*_case_2)", "_more_wrong_4"),
    *(
        ("q5", f"_by_group({formula}, _successes_{i}, _failures_{i}, {typed})", typed)
        for i, prefix in ((1, ""), (2, "new_"), (3, "more_"), (4, "more_new_"))
        for formula, typed in (("_right_shares", f"_{prefix}right_5"), ("_wrong_shares", f"_{prefix}wrong_5"))
    ),
    ("q6", "_right_regret(*_case_1)", "_right_6"),
    ("q6", "_wrong_regrets(*_case_1)", "_wrong_6"),
    ("q6", "_right_regret(*_case_2)", "_more_right_6"),
    ("q6", "_wrong_regrets(*_case_2)", "_more_wrong_6"),
]


def flat(value) -> dict[str, np.ndarray]:
    """Arrays by their name; one that has none is "right"."""
    return {
        k: np.asarray(v, dtype=np.float64)
        for k, v in (value if isinstance(value, dict) else {"right": value}).items()
    }


def by_group(formula, successes, failures, typed):
    """Shares of each history, of those mistakes that were typed."""
    pairs = zip(np.array(successes), np.array(failures), strict=True)
    groups = [formula(*pair) for pair in pairs]
    if isinstance(typed, dict):
        return {name: [group[name] for group in groups] for name in typed}
    return groups


def reward_of(answers: dict, life: str) -> float:
    """Reward of the last of a few iterations with the answers: three arms, ten pulls."""

    def as_read(obs, previous_action, previous_reward, previous_ended):
        pair = previous_action.argmax(1), previous_reward, previous_ended
        record = [torch.stack([x, torch.zeros_like(x)]) for x in pair]
        untold = torch.full_like(previous_action, float("nan"))
        if not previous_action.any():
            return answers["trial_inputs"](obs[None], *(x[1:] for x in record), untold, 3)[0]
        return answers["trial_inputs"](torch.stack([obs, obs]), *record, untold, 3)[1]

    rng, family = seed_everything(0), bandits.family(3)
    env = family.make_vec(256, autoreset_mode="Disabled", context_observed=False)
    config = rl2.RL2Config(episodes=10, gamma=1.0, gae_lambda=0.3, learning_rate=5e-3, entropy_bonus=0.05)
    agent = rl2.Agent(rl2.policy_for(env, GRUMemory), config)
    yours = {"meta_input": as_read, "carried": answers[life], "trial_advantage": answers["trial_advantage"]}
    records = list(rl2.train(agent, env, partial(family.sample, rng), config, 30, rng, **yours))
    return float(np.mean([record["return_mean"] for record in records[-5:]]))


class TestPs4RL2(AssignmentTests):
    name = "ps4_rl2"
    points: ClassVar = {"q1": 4, "q2": 4, "q3": 4, "q4": 6, "q5": 4, "q6": 4}
    banks = Path(__file__).parent
    named = ("q1", "q2", "q3", "q4", "q5", "q6")
    taken = ("trials", "rl2", "stats")

    @pytest.mark.parametrize(("question", "formulas", "typed"), VISIBLE)
    def test_visible_values_are_those_of_the_formulas(self, solution, monkeypatch, question, formulas, typed):
        """The numbers in view, typed out so that no formula stands there, agree with the hidden formulas."""
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        namespace = run_question(solution, question) | {"_by_group": by_group}
        formulas, typed = (flat(eval(code, namespace)) for code in (formulas, typed))
        assert set(formulas) == set(typed)
        for name, value in typed.items():
            np.testing.assert_allclose(value, formulas[name], rtol=1e-4, atol=1e-4, err_msg=name)

    def test_answers_train_a_policy_that_explores(self, solution):
        """The run of the notebook, shortened: with its memory it gets more than any fixed habit could."""
        answers: dict = {"np": np, "torch": torch}
        for source in answer_banks.answer_cells(solution).values():
            exec(source, answers)
        answers["emptied"] = lambda memory, ended, trial_ended: memory * ~ended.unsqueeze(1)
        with_memory, emptied = (reward_of(answers, life) for life in ("carried", "emptied"))
        assert with_memory > emptied + 0.15 > 5.5
