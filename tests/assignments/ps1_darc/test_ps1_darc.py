"""The grader of ps1_darc, graded: right answers get all points; a wrong one loses its own, and hears why."""

import ast
import json
from dataclasses import replace
from pathlib import Path

import answer_banks
import nbformat
import numpy as np
import pytest
import torch
from answer_banks import Answer, Marks, grade, visible_only
from scipy.stats import spearmanr

from course_lib.agents import sac
from course_lib.core.rollout import evaluate
from course_lib.core.seeding import seed_everything
from course_lib.envs import point
from course_lib.transfer import darc

NAME = "ps1_darc"
POINTS = {"q1": 4, "q2": 4, "q3": 4, "q4": 6, "q5": 4, "q6": 4}
WRONG = answer_banks.bank(Path(__file__).with_name("wrong_answers.py"))
RIGHT = answer_banks.bank(Path(__file__).with_name("right_answers.py"))


def label(answer: Answer) -> str:
    return f"{answer.question}: {answer.name}"


@pytest.fixture(scope="module")
def solution() -> nbformat.NotebookNode:
    return answer_banks.solution(NAME)


@pytest.fixture(scope="module")
def released() -> nbformat.NotebookNode:
    return answer_banks.release(NAME)


@pytest.fixture(scope="module")
def marks_of_banks(solution) -> dict[Answer, dict[str, Marks]]:
    """Every answer of the banks, as the only change of the solution."""
    answers = WRONG + RIGHT
    marks = answer_banks.grade_each(solution, [(answer.question, answer.source) for answer in answers])
    return dict(zip(answers, marks, strict=True))


def test_banks_are_large_enough():
    for question in POINTS:
        assert sum(a.question == question for a in WRONG) >= 10
        assert sum(a.question == question for a in RIGHT) >= 5


def test_solution_gets_full_marks(solution):
    marks = grade(solution, {})
    assert {question: mark.points for question, mark in marks.items()} == POINTS
    assert all(mark.full and mark.message == "" for mark in marks.values())


def test_release_gets_nothing_and_says_so_in_a_line(released):
    marks = grade(released, {})
    assert sum(len(mark.messages) for mark in marks.values()) == 12
    for mark in marks.values():
        assert mark.points == 0.0
        for message in mark.messages.values():
            assert message.endswith("not answered yet")
            assert len(message) < 50


@pytest.mark.parametrize("answer", WRONG, ids=label)
def test_wrong_answer_loses_its_own_points_and_hears_why(marks_of_banks, answer):
    marks = dict(marks_of_banks[answer])
    mark = marks.pop(answer.question)
    assert not mark.full
    assert answer.says in mark.message
    assert all(other.full for other in marks.values()), marks


def test_every_named_mistake_has_an_answer_that_hears_of_it(solution, marks_of_banks, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    for question in ("q1", "q2", "q4", "q5", "q6"):
        heard = "\n".join(marks_of_banks[a][question].message for a in WRONG if a.question == question)
        for name, message in run_question(solution, question)[f"_said_{question[1:]}"].items():
            assert message in heard, name


def test_self_check_gives_no_wrong_answer_the_points_of_the_further_cases(solution):
    """What students see of a cell with hidden tests fails where the hidden tests would."""
    visible = visible_only(solution)
    marks = answer_banks.grade_each(visible, [(a.question, a.source) for a in WRONG], only_theirs=True)
    passed = {
        answer.source
        for answer, mark in zip(WRONG, marks, strict=True)
        if not mark[answer.question].messages[f"{answer.question}-hidden"]
    }
    assert passed == {answer.source for answer in WRONG if answer.subtle}
    assert len(passed) < 0.1 * len(WRONG)


@pytest.mark.parametrize("answer", RIGHT, ids=label)
def test_right_answer_gets_full_marks(marks_of_banks, answer):
    marks = marks_of_banks[answer]
    assert all(mark.full for mark in marks.values()), marks


@pytest.mark.parametrize("question", POINTS)
@pytest.mark.parametrize("source", ["def broken(:", "1 / 0", ""], ids=["syntax error", "stops", "empty"])
def test_cell_that_does_not_run_costs_one_question(solution, question, source):
    marks = grade(solution, {question: source})
    mark = marks.pop(question)
    assert mark.points == 0.0
    assert "the cell with your answer run without an error?" in mark.message
    assert all(other.full for other in marks.values())


def test_student_who_reuses_library_names_keeps_the_points(solution):
    """Test cells bring what they need under names of their own."""
    taken = "\n\ndarc = norm = softmax = kstest = check = rng = None\nexpected = seen = what = 3"
    marks = grade(solution, {"q6": answer_banks.answer_cells(solution)["q6"] + taken})
    assert all(mark.full for mark in marks.values()), marks


def test_random_cases_never_fail_a_right_answer(solution, monkeypatch):
    """Twelve draws of the hidden cases: no false alarm."""
    for seed in range(12):
        monkeypatch.setenv("COURSE_GRADING_SEED", str(seed))
        marks = grade(solution, {})
        assert all(mark.full for mark in marks.values()), (seed, marks)


def test_test_cells_keep_to_what_a_grader_can_trust(solution):
    """Each frames itself in `checking`, imports under private names, and never ends in a bare expression."""
    for cell in solution.cells:
        meta = cell.metadata.get("nbgrader", {})
        if not (meta.get("grade") and cell.cell_type == "code"):
            continue
        tree = ast.parse(cell.source)
        last = tree.body[-1]
        assert isinstance(last, ast.With), meta["grade_id"]
        assert last.items[0].context_expr.func.attr == "checking"
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert all(name.asname.startswith("_") for name in node.names), meta["grade_id"]


def test_every_stub_line_stands_in_the_solution(solution, released):
    """What a student is given is the solution with its answer cut out."""
    source = {cell.id: cell.source.splitlines() for cell in solution.cells}
    for cell in released.cells:
        for line in cell.source.splitlines():
            stub = line.strip() in {"# YOUR CODE HERE", "raise NotImplementedError()", "YOUR ANSWER HERE"}
            assert stub or line in source[cell.id], line
    for question in POINTS:
        cell = next(cell for cell in released.cells if cell.id == question)
        assert ast.get_docstring(ast.parse(cell.source).body[0])
        assert cell.source.rstrip().endswith("raise NotImplementedError()")


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


def run_question(solution, question: str) -> dict:
    """What the test cells of a question have bound when they end."""
    cells = {cell.id: cell.source for cell in solution.cells}
    namespace: dict = {}
    for name in ("setup", question, f"{question}-visible", f"{question}-hidden"):
        exec(cells[name], namespace)
    return namespace


@pytest.mark.parametrize(("question", "formulas", "typed"), VISIBLE)
def test_visible_values_are_those_of_the_mistakes(solution, monkeypatch, question, formulas, typed):
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


def test_visible_right_values_are_the_library_s(solution, monkeypatch):
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


def test_banks_stay_out_of_the_release(released):
    assert "wrong_answers" not in json.dumps(released)
    folder = answer_banks.ROOT / "assignments" / NAME
    assert [p.name for p in folder.iterdir()] == [f"{NAME}.ipynb"]


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


def test_answers_train_a_policy_for_the_target(solution):
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
