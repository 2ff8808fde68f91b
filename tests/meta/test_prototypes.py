"""Prototypes: means of classes, whose names do not matter."""

import numpy as np
import torch

from course_lib.core.few_shot import image_tasks
from course_lib.meta import supervised
from course_lib.meta.prototypes import PrototypeLearner


def test_a_prototype_is_the_mean_of_its_class_and_the_nearest_wins():
    torch.manual_seed(0)
    learner = PrototypeLearner(4, 8)
    x = torch.randn(1, 5, 4)
    y = torch.eye(3)[torch.tensor([[0, 1, 0, 1, 1]])]
    phi = learner.adapt(x, y)
    points = learner.point(x)[0]
    torch.testing.assert_close(
        phi[0], torch.stack([points[[0, 2]].mean(0), points[[1, 3, 4]].mean(0), 0 * points[0]])
    )
    expected = -(learner.point(x)[0, :, None] - phi[0]).square().mean(-1)
    torch.testing.assert_close(learner.predict(phi, x)[0], expected)


def test_renamed_classes_give_renamed_answers_and_order_does_not_matter():
    torch.manual_seed(0)
    learner = PrototypeLearner(4, 8)
    x, y, asked = torch.randn(2, 6, 4), torch.eye(3)[torch.randint(3, (2, 6))], torch.randn(2, 5, 4)
    answer = learner.predict(learner.adapt(x, y), asked)
    name, order = torch.tensor([2, 0, 1]), torch.randperm(6)
    torch.testing.assert_close(learner.predict(learner.adapt(x, y[..., name]), asked), answer[..., name])
    torch.testing.assert_close(learner.predict(learner.adapt(x[:, order], y[:, order]), asked), answer)


def test_it_learns_which_numbers_of_an_image_matter():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    middle = np.concatenate([rng.normal(0, 1, (40, 1, 2)), np.zeros((40, 1, 6))], -1)  # six are noise alone
    noise = rng.normal(0, 1, (40, 30, 8)) * np.array([0.3, 0.3, *[1.5] * 6])
    images = torch.tensor(middle + noise, dtype=torch.float32)
    draw, new = image_tasks(images[:30]), image_tasks(images[30:])
    learner = PrototypeLearner(8, 16)
    tasks = new(300, 3, 12, np.random.default_rng(1))

    def right():
        answer = learner.predict(learner.adapt(tasks.train_x, tasks.train_y), tasks.test_x)
        return float((answer.argmax(-1) == tasks.test_y.argmax(-1)).double().mean())

    before = right()
    config = supervised.SupervisedConfig(tasks=32, max_shots=3, queries=12, iterations=5, updates=40)
    optimizer = torch.optim.Adam(learner.parameters())
    for _ in supervised.train(learner, optimizer, draw, config, rng, loss=supervised.cross_entropy):
        pass
    assert right() > before + 0.1
