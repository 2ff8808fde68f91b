"""The grader of ps3_goals, graded: right answers get all points; a wrong one loses its own, and hears why."""

from functools import partial
from pathlib import Path
from typing import ClassVar

import answer_banks
import numpy as np
import pytest
import torch
from assignment_tests import AssignmentTests, run_question

from course_lib.agents import dqn
from course_lib.core.replay import Batch
from course_lib.core.seeding import seed_everything
from course_lib.envs import bit_flip
from course_lib.multitask import goal_conditioned

VISIBLE = [
    ("q1", "_right_augmented(_obs_1, _context_1)", "_right_1"),
    ("q1", "_wrong_augmented(_obs_1, _context_1)", "_wrong_1"),
    ("q1", "_right_augmented(_obs_2, _context_2)", "_right_2"),
    ("q1", "_right_augmented(_obs_3, _context_3)", "_more_right_1"),
    ("q1", "_wrong_augmented(_obs_3, _context_3)", "_more_wrong_1"),
    *(
        ("q3", f"{formula}(_achieved_{i}, _goal_{i}, {radius})", typed)
        for i, radius, right, wrong in (
            (4, 0.6, "_right_3", "_wrong_3"),
            (5, 5.0, "_edge_right_3", "_edge_wrong_3"),
            (7, 2.0, "_more_right_3", "_more_wrong_3"),
            (8, 1.25, "_more_edge_right_3", "_more_edge_wrong_3"),
        )
        for formula, typed in (("_right_reward", right), ("_wrong_rewards", wrong))
    ),
    ("q3", "_right_reward(_bits_6, _goal_6, 0.0)", "_bits_right_3"),
    ("q3", "_wrong_rewards(_bits_6, _goal_6, 0.0)", "_bits_wrong_3"),
    ("q5", "_right_relabelled(*_transitions_9, [0, 2], 0.375)", "_right_5"),
    ("q5", "_wrong_relabelled(*_transitions_9, [0, 2], 0.375)", "_wrong_5"),
    ("q5", "_right_relabelled(*_transitions_10, [1, 2], 0.5)", "_more_right_5"),
    ("q5", "_wrong_relabelled(*_transitions_10, [1, 2], 0.5)", "_more_wrong_5"),
    ("q6", "_right_target(*_case_11, 0.9)", "_right_6"),
    ("q6", "_wrong_targets(*_case_11, 0.9)", "_wrong_6"),
    ("q6", "_right_target(*_case_12, 0.75)", "_more_right_6"),
    ("q6", "_wrong_targets(*_case_12, 0.75)", "_more_wrong_6"),
]


def flat(value, name: str = "") -> dict[str, np.ndarray | None]:
    """Arrays by their place in dicts and tuples."""
    if isinstance(value, dict):
        return {key: array for k, v in value.items() for key, array in flat(v, f"{name} {k}").items()}
    if isinstance(value, tuple):
        return {key: array for i, v in enumerate(value) for key, array in flat(v, f"{name}[{i}]").items()}
    return {name: None if value is None else np.asarray(value, dtype=np.float64)}


def success_of(answers: dict, strategy: str) -> float:
    """Share of 5-bit patterns made after a short training with the answers, as in the notebook's own run."""

    def use(moments, goal, space, augmented, sparse_reward):
        happened = moments.obs, moments.action, moments.next_obs, moments.goal, moments.terminated
        changed = answers["relabelled"](
            *happened, goal, list(space.columns), space.radius, augmented, sparse_reward
        )
        names = ("obs", "action", "reward", "next_obs", "terminated")
        return Batch(**dict(zip(names, changed, strict=True)), weight=torch.ones(len(goal)))

    def target(reward, next_value, terminated, gamma):
        return answers["goal_target"](reward, next_value, terminated, torch.zeros_like(terminated), gamma)

    names = ("augmented", "sparse_reward", "hindsight_time", "draw_tasks")
    yours = {**{name: answers[name] for name in names}, "relabelled": use, "goal_target": target}
    rng, settings, family = seed_everything(0), dqn.DQNConfig(hidden=(64,)), bit_flip.family(5)
    env, agent = family.make_vec(16, autoreset_mode="Disabled"), dqn.Agent(10, 5, settings)
    config = goal_conditioned.GoalConfig(strategy=strategy, iterations=30, horizon=5, updates=25)
    update = partial(dqn.update, config=settings)
    for _ in goal_conditioned.train(agent, update, env, family, config, rng, **yours):
        pass
    test = family.make_vec(128, autoreset_mode="Disabled")
    return float(goal_conditioned.reached(agent.policy.act, test, family, 5, seed=1).mean())


class TestPs3Goals(AssignmentTests):
    name = "ps3_goals"
    points: ClassVar = {"q1": 4, "q2": 4, "q3": 4, "q4": 4, "q5": 6, "q6": 4}
    banks = Path(__file__).parent
    named = ("q1", "q3", "q5", "q6")
    taken = ("goals", "chi2", "partial")

    @pytest.mark.parametrize(("question", "formulas", "typed"), VISIBLE)
    def test_visible_values_are_those_of_the_formulas(self, solution, monkeypatch, question, formulas, typed):
        """The numbers in view, typed out so that no formula stands there, agree with the hidden formulas."""
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        namespace = run_question(solution, question)
        formulas, typed = (flat(eval(code, namespace)) for code in (formulas, typed))
        if len(formulas) != len(typed):  # one array that is typed as a list
            typed = flat(np.asarray(typed))
        assert set(formulas) == set(typed)
        for name, value in typed.items():
            assert (value is None) == (formulas[name] is None), name
            if value is not None:
                np.testing.assert_allclose(value, formulas[name], rtol=1e-4, atol=1e-5, err_msg=name)

    def test_answers_train_a_policy_that_makes_patterns(self, solution):
        """The run of the notebook, shortened: in hindsight it learns, and without it does not."""
        answers: dict = {"np": np, "torch": torch}
        for source in answer_banks.answer_cells(solution).values():
            exec(source, answers)
        assert success_of(answers, "future") > 0.9
        assert success_of(answers, "none") < 0.5
