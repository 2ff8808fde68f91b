"""The grader of ps1_darc, graded: right answers get all points; a wrong one loses its own, and hears why."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import answer_banks
import numpy as np
import pytest
import torch
from assignment_tests import AssignmentTests, run_question
from scipy.stats import spearmanr

from course_lib.agents import sac
from course_lib.core.rollout import evaluate
from course_lib.core.seeding import seed_everything
from course_lib.envs import point
from course_lib.transfer import darc

VISIBLE = [
    ("q1", "_wrong_inputs(_obs_1, _action_1, _next_1)", "_wrong_1"),
    ("q1", "_wrong_inputs(_obs_2, _action_2, _next_2)", "_more_wrong_1"),
    ("q2", "_wrong_losses(_sa_2, _sas_2, _target_2)", "_wrong_2"),
    ("q2", "_wrong_losses(_sa_3, _sas_3, _target_3)", "_more_wrong_2"),
    ("q4", "_wrong_deltas(_sa_4, _sas_4, 10.0)", "_wrong_4"),
    ("q4", "_wrong_deltas(_sure_sa_4, _sure_sas_4, 4.0)", "_sure_wrong_4"),
    ("q4", "_wrong_deltas(_sa_5, _sas_5, 5.0)", "_more_wrong_4"),
    ("q4", "_wrong_deltas(_sure_sa_5, _sure_sas_5, 2.5)", "_sure_more_wrong_4"),
    *(
        ("q5", f"_wrong_rewards(_reward_5, _delta_5, _target_5, {i}, 20, 0.2)", f"_wrong_5[{i}]")
        for i in (3, 20, 50, 21)
    ),
    *(
        ("q5", f"_wrong_rewards(_reward_6, _delta_6, _target_6, {i}, 7, 0.5)", f"_more_wrong_5[{i}]")
        for i in (2, 7, 30, 8)
    ),
    ("q6", "_wrong_corrections(6.0, _world_6(0, 2, 3), _few_6)", "_wrong_6"),
    ("q6", "_wrong_corrections(2.5, _world_6(2, 3, 1), _three_6)", "_more_wrong_6"),
]


def trained(answers: dict, iterations: int, seed: int) -> tuple[float, darc.DomainClassifiers]:
    """Return in the target after a short training with the answers, as in the notebook's own run."""
    inside = sac.SACConfig(
        gamma=0.95, temperature=0.2, learn_temperature=False, random_steps=480, steps=30, updates=25
    )
    config = darc.DARCConfig(
        iterations=iterations, target_every=15, warmup_iterations=0, policy_optimization=inside
    )
    iteration = 1

    def use(batch, delta, temperature):
        is_target = torch.zeros(len(batch), dtype=torch.bool)
        reward = answers["corrected_reward"](batch.reward, delta, is_target, iteration, 15, temperature)
        return replace(batch, reward=reward)

    rng = seed_everything(seed)
    agent, classifiers = sac.Agent(2, 3, inside), darc.DomainClassifiers(2, 3, config)
    worlds = point.PointVectorEnv(16), point.PointVectorEnv(1, first_motor=-1.0)
    equations = {name: answers[name] for name in ("classifier_inputs", "classifier_loss", "delta_reward")}
    for record in darc.train(agent, classifiers, *worlds, config, rng, use=use, **equations):
        iteration = record["iteration"] + 1
    test = point.PointVectorEnv(64, first_motor=-1.0, autoreset_mode="Disabled")
    return evaluate(test, agent.policy.act, steps=point.HORIZON).mean(), classifiers


class TestPs1Darc(AssignmentTests):
    name = "ps1_darc"
    points: ClassVar = {"q1": 4, "q2": 4, "q3": 4, "q4": 6, "q5": 4, "q6": 4}
    banks = Path(__file__).parent
    named = ("q1", "q2", "q4", "q5", "q6")
    taken = ("darc", "norm", "softmax", "kstest")

    @pytest.mark.parametrize(("question", "formulas", "typed"), VISIBLE)
    def test_visible_values_are_those_of_the_mistakes(self, solution, monkeypatch, question, formulas, typed):
        """The numbers in view, typed out so that no formula stands there, agree with the hidden formulas."""
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        namespace = run_question(solution, question)
        formulas, typed = eval(formulas, namespace), eval(typed, namespace)
        assert set(formulas) == set(typed)
        for name, value in typed.items():
            # Question 1 has two values, of which one may be right and is None.
            for one, other in zip(
                *((x if question == "q1" else [x]) for x in (value, formulas[name])), strict=True
            ):
                assert (one is None) == (other is None)
                if one is not None:
                    np.testing.assert_allclose(
                        np.asarray(one), np.asarray(other), rtol=1e-4, atol=1e-5, err_msg=name
                    )

    def test_visible_right_values_are_the_library_s(self, solution, monkeypatch):
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
        two, four, six = (run_question(solution, question) for question in ("q2", "q4", "q6"))
        cases = [(darc.classifier_loss, two, "_right_2", "_sa_2, _sas_2, _target_2")]
        cases += [(darc.classifier_loss, two, "_more_right_2", "_sa_3, _sas_3, _target_3")]
        cases += [(darc.delta_reward, four, "_right_4", "_sa_4, _sas_4, 10.0")]
        cases += [(darc.delta_reward, four, "_sure_right_4", "_sure_sa_4, _sure_sas_4, 4.0")]
        cases += [(darc.delta_reward, four, "_more_right_4", "_sa_5, _sas_5, 5.0")]
        cases += [(darc.delta_reward, four, "_sure_more_right_4", "_sure_sa_5, _sure_sas_5, 2.5")]
        for reference, namespace, typed, arguments in cases:
            right = reference(*eval(f"({arguments})", namespace))
            np.testing.assert_allclose(np.asarray(namespace[typed]), right.numpy(), rtol=1e-4, atol=1e-5)
        for typed, arguments in (
            ("_right_6", "6.0, _world_6(0, 2, 3), _few_6"),
            ("_more_right_6", "2.5, _world_6(2, 3, 1), _three_6"),
        ):
            right = eval(f"_right_correction({arguments})", six).numpy()
            np.testing.assert_allclose(np.asarray(six[typed]), right, rtol=1e-4, atol=1e-5)

    def test_answers_train_a_policy_for_the_target(self, solution):
        """The run of the notebook, shortened: the right correction works, and its opposite does not."""
        answers: dict = {"np": np, "torch": torch}
        for source in answer_banks.answer_cells(solution).values():
            exec(source, answers)
        in_target, classifiers = trained(answers, 45, seed=0)
        assert in_target > -60

        rng, noise = np.random.default_rng(0), point.PointParams().noise
        obs, action = rng.uniform([-1.2, -0.3], [1.2, 0.3], (500, 2)), rng.uniform(-1, 1, (500, 3))
        next_obs = point.mean_step(obs, action, point.PointParams()) + noise * rng.standard_normal((500, 2))
        exact = point.log_density(obs, action, next_obs, point.PointParams(first_motor=-1.0))
        exact -= point.log_density(obs, action, next_obs, point.PointParams())
        raw = (torch.tensor(x, dtype=torch.float32) for x in (obs, action, next_obs))
        learned = answers["correction"](
            *classifiers.normalize(*raw),
            *(classifiers.sa, classifiers.sas),
            *(answers["classifier_inputs"], answers["delta_reward"], 10.0),
        ).numpy()
        assert np.mean(np.sign(learned) == np.sign(exact)) > 0.9
        assert spearmanr(learned, exact).statistic > 0.8

        right = answers["delta_reward"]
        in_target, _ = trained({**answers, "delta_reward": lambda *logits: -right(*logits)}, 45, seed=0)
        assert in_target < -70
