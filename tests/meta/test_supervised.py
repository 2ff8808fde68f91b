"""Learners that read a training set: what order does, what their loss is, and that they learn to learn."""

import numpy as np
import pytest
import torch

from course_lib.core.few_shot import LINES, SINUSOIDS, FewShotTasks, function_tasks
from course_lib.core.memory import LSTMMemory
from course_lib.meta import supervised
from course_lib.meta.supervised import RecurrentLearner, SetLearner, SupervisedConfig


@pytest.fixture
def tasks():
    torch.manual_seed(0)
    return function_tasks(SINUSOIDS)(6, 5, 4, np.random.default_rng(0))


def shuffled(tasks):
    order = torch.tensor([3, 0, 4, 1, 2])
    return tasks.train_x[:, order], tasks.train_y[:, order]


def test_a_set_has_no_order_and_a_sequence_has_one(tasks):
    for learner, most in ((SetLearner(1, 1).double(), 1e-12), (RecurrentLearner(1, 1).double(), None)):
        first = learner.adapt(tasks.train_x.double(), tasks.train_y.double())
        moved = (learner.adapt(*(part.double() for part in shuffled(tasks))) - first).abs().max()
        assert moved <= most if most else moved > 1e-3


def test_the_mean_of_a_set_is_that_of_its_points(tasks):
    learner = SetLearner(1, 1, 8)
    each = [learner.adapt(tasks.train_x[:, k : k + 1], tasks.train_y[:, k : k + 1]) for k in range(5)]
    whole = learner.adapt(tasks.train_x, tasks.train_y)
    torch.testing.assert_close(whole, torch.stack(each).mean(0))
    twice = learner.adapt(tasks.train_x.repeat(1, 2, 1), tasks.train_y.repeat(1, 2, 1))
    torch.testing.assert_close(twice, whole)


def test_what_was_read_can_be_read_on_from(tasks):
    learner = RecurrentLearner(1, 1, 8)
    points = torch.cat([tasks.train_x, tasks.train_y], -1)
    memory = torch.zeros(6, 8)
    for k in range(5):
        features, memory = learner.memory.step(points[:, k], memory)
        torch.testing.assert_close(
            features, learner.adapt(tasks.train_x[:, : k + 1], tasks.train_y[:, : k + 1])
        )


@pytest.mark.parametrize(
    "learner",
    [SetLearner(2, 3, 8), RecurrentLearner(2, 3, 8), RecurrentLearner(2, 3, 8, make_memory=LSTMMemory)],
)
def test_an_empty_training_set_is_zero_and_answers_have_their_shape(learner):
    phi = learner.adapt(torch.zeros(6, 0, 2), torch.zeros(6, 0, 3))
    assert phi.shape == (6, 8) and not phi.any()
    assert learner.predict(phi, torch.randn(6, 7, 2)).shape == (6, 7, 3)


def test_the_meta_loss_is_the_mean_of_each_task_by_itself(tasks):
    learner = SetLearner(1, 1, 8)
    by_hand = []
    for train_x, train_y, test_x, test_y in zip(*vars(tasks).values(), strict=True):
        phi = learner.adapt(train_x[None], train_y[None])
        by_hand += [
            float((learner.predict(phi, x[None, None]) - y).square())
            for x, y in zip(test_x, test_y, strict=True)
        ]
    assert float(supervised.meta_loss(learner, tasks, supervised.squared_error)) == pytest.approx(
        np.mean(by_hand)
    )


def test_cross_entropy_is_that_of_the_right_class():
    logits, right = torch.randn(2, 5, 3), torch.eye(3)[torch.randint(3, (2, 5))]
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), right.argmax(-1).flatten())
    torch.testing.assert_close(supervised.cross_entropy(logits, right).mean(), expected)


def test_learning_from_scratch_fits_its_own_shots_and_each_task_alone():
    torch.manual_seed(0)
    tasks = function_tasks(LINES)(3, 20, 20, np.random.default_rng(0))
    answer = supervised.learned_from_scratch(tasks, supervised.squared_error, hidden=16, steps=200)
    assert float((answer - tasks.test_y).square().mean()) < 0.05
    other = FewShotTasks(tasks.train_x, tasks.train_y.clone(), tasks.test_x, tasks.test_y)
    other.train_y[0] += 1.0
    torch.manual_seed(0)
    answer = supervised.learned_from_scratch(tasks, supervised.squared_error, hidden=16, steps=20)
    torch.manual_seed(0)
    moved = supervised.learned_from_scratch(other, supervised.squared_error, hidden=16, steps=20) - answer
    assert moved[0].abs().max() > 0.1 and moved[1:].abs().max() < 1e-4


def trained(kind, iterations):
    """A small learner of lines, and its records."""
    torch.manual_seed(0)
    settings = {"tasks": 32, "max_shots": 4, "queries": 5, "learning_rate": 1e-2, "updates": 40}
    learner, config = kind(1, 1, 24), SupervisedConfig(iterations=iterations, **settings)
    optimizer, rng = torch.optim.Adam(learner.parameters()), np.random.default_rng(0)
    return learner, list(supervised.train(learner, optimizer, function_tasks(LINES), config, rng))


def test_the_same_seed_gives_the_same_records():
    (_, one), (_, again) = trained(SetLearner, 2), trained(SetLearner, 2)
    assert one == again
    assert [record["steps"] for record in one] == [40 * 32, 2 * 40 * 32]


@pytest.mark.parametrize("kind", [SetLearner, RecurrentLearner])
def test_it_learns_to_read_lines_in_seconds(kind):
    learner, _ = trained(kind, 6)
    tasks = function_tasks(LINES)(500, 4, 10, np.random.default_rng(1))
    with torch.no_grad():
        read = supervised.meta_loss(learner, tasks, supervised.squared_error)
    assert read < 0.2 * tasks.test_y.square().mean()


def test_students_meta_loss_is_the_one_that_trains(tasks):
    learner = SetLearner(1, 1, 8)
    asked = []

    def own(learner, tasks, loss):
        asked.append(tasks)
        return supervised.meta_loss(learner, tasks, loss)

    config = SupervisedConfig(tasks=3, iterations=2, updates=4)
    optimizer = torch.optim.Adam(learner.parameters())
    run = supervised.train(
        learner, optimizer, function_tasks(LINES), config, np.random.default_rng(0), meta_loss=own
    )
    assert [record["iteration"] for record in run] == [1, 2] and len(asked) == 8
    shots = [len(task.train_x[0]) for task in asked]
    assert min(shots) >= 0 and max(shots) <= 20 and len(set(shots)) > 3


def test_numpy_in_numpy_out(tasks):
    learner = RecurrentLearner(1, 1, 8)
    x, y, at = (part[0, :, 0].numpy() for part in (tasks.train_x, tasks.train_y, tasks.test_x))
    expected = learner.predict(learner.adapt(tasks.train_x[:1], tasks.train_y[:1]), tasks.test_x[:1])
    np.testing.assert_allclose(supervised.fitted(learner, x, y, at), expected[0, :, 0].detach(), atol=1e-6)
    assert supervised.fitted(learner, x[:0], y[:0], at).shape == (4,)


@pytest.mark.parametrize(("field", "value"), [("tasks", 0), ("max_shots", 0), ("learning_rate", 0.0)])
def test_impossible_settings_are_refused(field, value):
    with pytest.raises(ValueError, match=f"{field} must be .*, got {value}"):
        SupervisedConfig(**{field: value})
