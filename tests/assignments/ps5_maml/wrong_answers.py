# ruff: noqa
"""Wrong answers to ps5_maml, and words of the message that each gets. Read as text, never run.

`@wrong(question, words)`.
"""

import numpy as np
import torch

# --- question 1 --------------------------------------------------------------------------------------------


@wrong("q1", "Uphill")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: value + rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "The rate is missing")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - gradient for name, value, gradient in moved}


@wrong("q1", "The rate is in there twice")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] ** 2 * gradient for name, value, gradient in moved}


@wrong("q1", "That is the step alone")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: -rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "That is the gradient")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: gradient for name, value, gradient in moved}


@wrong("q1", "divided by the number of tasks")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] * gradient / value.shape[0] for name, value, gradient in moved}


@wrong("q1", "All tasks take the same step")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] * gradient.mean(0, keepdim=True) for name, value, gradient in moved}


@wrong("q1", "Only the first of the parameters")
def inner_step(loss, parameters, rates, first_order=False):
    name = next(iter(parameters))
    (gradient,) = torch.autograd.grad(loss(parameters), parameters[name], create_graph=not first_order)
    return {**parameters, name: parameters[name] - rates[name] * gradient}


@wrong("q1", "Nothing flows from theta' back")
def inner_step(loss, parameters, rates, first_order=False):
    parameters = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    gradients = torch.autograd.grad(loss(parameters), [*parameters.values()], create_graph=not first_order)
    return {
        name: value - rates[name] * gradient
        for (name, value), gradient in zip(parameters.items(), gradients, strict=True)
    }


@wrong("q1", "Only the gradient's own dependence")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    values = [value.data for value in values]
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "Nothing flows from theta' back")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    with torch.no_grad():
        return {name: value - rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "Nothing flows from theta' back")
def inner_step(loss, parameters, rates, first_order=False):
    gradients = torch.autograd.grad(loss(parameters), [*parameters.values()])
    moved = zip(parameters.items(), gradients, strict=True)
    return {n: torch.tensor((v - rates[n] * g).tolist(), requires_grad=True) for (n, v), g in moved}


@wrong("q1", "The first-order gradient came")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "The first-order gradient came")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, retain_graph=True)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "The first-order gradient came")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "The first-order gradient came")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] * gradient.detach() for name, value, gradient in moved}


@wrong("q1", "first_order=True, and still")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=True)
    moved = zip(names, values, gradients, strict=True)
    return {name: value - rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "theta itself has changed")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    for name, value, gradient in moved:
        parameters[name] = value - rates[name] * gradient
    return parameters


@wrong("q1", "theta itself has changed")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    for name, value, gradient in moved:
        value -= rates[name] * gradient
    return dict(parameters)


@wrong("q1", "theta itself has changed")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    with torch.no_grad():
        for name, value, gradient in moved:
            value.data -= rates[name] * gradient
    return dict(parameters)


@wrong("q1", "returned NoneType")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    moved = {name: value - rates[name] * gradient for name, value, gradient in moved}


@wrong("q1", "expected a dict of tensors like")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return [value - rates[name] * gradient for name, value, gradient in moved]


@wrong("q1", "of shape")
def inner_step(loss, parameters, rates, first_order=False):
    names = list(parameters)
    values = [parameters[name] for name in names]
    gradients = torch.autograd.grad(loss(parameters), values, create_graph=not first_order)
    moved = zip(names, values, gradients, strict=True)
    return {name: value.sum(0) - rates[name] * gradient.sum(0) for name, value, gradient in moved}


# --- question 2 --------------------------------------------------------------------------------------------


@wrong("q2", "starts where the one before it ended")
def adapted(theta, losses, step, steps):
    found, parameters = [], dict(theta)
    for loss in losses:
        for _ in range(steps):
            parameters = step(loss, parameters)
        found.append(parameters)
    return found


@wrong("q2", "no more than one: every step starts from theta again")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = step(loss, theta)
        found.append(parameters)
    return found


@wrong("q2", "One step too many")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps + 1):
            parameters = step(loss, parameters)
        found.append(parameters)
    return found


@wrong("q2", "One step too few")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(1, steps):
            parameters = step(loss, parameters)
        found.append(parameters)
    return found


@wrong("q2", "or `steps` is not used")
def adapted(theta, losses, step, steps):
    return [step(loss, theta) if steps else theta for loss in losses]


@wrong("q2", "down the loss of the first")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = step(losses[0], parameters)
        found.append(parameters)
    return found


@wrong("q2", "one and the same loss")
def adapted(theta, losses, step, steps):
    parameters = theta
    for _ in range(steps):
        parameters = step(lambda at: sum(loss(at) for loss in losses) / len(losses), parameters)
    return [parameters for _ in losses]


@wrong("q2", "down the loss of its neighbour")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses[-1:] + losses[:-1]:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = step(loss, parameters)
        found.append(parameters)
    return found


@wrong("q2", "in another order")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = step(loss, parameters)
        found.append(parameters)
    return found[::-1]


@wrong("q2", "Only one task came back")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = step(loss, parameters)
        found.append(parameters)
    return [parameters]


@wrong("q2", "the chain of steps is cut")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = {k: v.detach().requires_grad_() for k, v in parameters.items()}
            parameters = step(loss, parameters)
        found.append(parameters)
    return found


@wrong("q2", "the chain of steps is cut")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = {k: v.detach().clone().requires_grad_() for k, v in theta.items()}
        for _ in range(steps):
            parameters = step(loss, parameters)
        found.append(parameters)
    return found


@wrong("q2", "the chain of steps is cut")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = step(loss, parameters)
        found.append({k: v.detach() for k, v in parameters.items()})
    return found


@wrong("q2", "theta itself has changed")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        for _ in range(steps):
            theta.update(step(loss, theta))
        found.append(dict(theta))
    return found


@wrong("q2", "theta itself has changed")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = theta
        for _ in range(steps):
            parameters |= step(loss, parameters)
        found.append(dict(parameters))
    return found


@wrong("q2", "expected a list of dicts")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = step(loss, parameters)
        found.append(parameters)
    return found[-1]


@wrong("q2", "returned NoneType")
def adapted(theta, losses, step, steps):
    found = []
    for loss in losses:
        parameters = dict(theta)
        for _ in range(steps):
            parameters = step(loss, parameters)
        found.append(parameters)
    found


# --- question 3 --------------------------------------------------------------------------------------------


@wrong("q3", "is its `return` missing?")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean()


@wrong("q3", "asks about the TRAINING points")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.train_x), tasks.train_y).mean()


@wrong("q3", "has read the TEST points")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.test_x, tasks.test_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean()


@wrong("q3", "are exchanged")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.test_x, tasks.test_y)
    return loss(learner.predict(phi, tasks.train_x), tasks.train_y).mean()


@wrong("q3", "without having learned anything")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x[:, :0], tasks.train_y[:, :0])
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean()


@wrong("q3", "thrown together")
def meta_loss(learner, tasks, loss):
    x, y = (part.reshape(1, -1, part.shape[-1]) for part in (tasks.train_x, tasks.train_y))
    phi = learner.adapt(x, y).expand(len(tasks.test_x), -1)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean()


@wrong("q3", "That is the squared error")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return (learner.predict(phi, tasks.test_x) - tasks.test_y).square().mean()


@wrong("q3", "Summed over tasks and points")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).sum()


@wrong("q3", "Summed over the tasks")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean(1).sum()


@wrong("q3", "Summed over the test points")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).sum(1).mean()


@wrong("q3", "A number for each task")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean(1)


@wrong("q3", "A number for each point")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y)


@wrong("q3", "Only the first task counts")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y)[0].mean()


@wrong("q3", "That is the worst task")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean(1).max()


@wrong("q3", "The sign is turned")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return -loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean()


@wrong("q3", "No gradient comes back")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y).detach()
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean()


@wrong("q3", "No gradient comes back")
def meta_loss(learner, tasks, loss):
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean().item()


@wrong("q3", "No gradient comes back")
def meta_loss(learner, tasks, loss):
    with torch.no_grad():
        phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).mean()


@wrong("q3", "No gradient comes back")
def meta_loss(learner, tasks, loss):
    total = 0.0
    for row in range(len(tasks.test_x)):
        phi = learner.adapt(tasks.train_x, tasks.train_y)
        total += float(loss(learner.predict(phi, tasks.test_x), tasks.test_y)[row].mean())
    return total / len(tasks.test_x)


# --- question 4 --------------------------------------------------------------------------------------------


@wrong("q4", "The two are exchanged")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return outer.mean(0), (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0)


@wrong("q4", "Both are the first-order gradient")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return outer.mean(0), outer.mean(0)


@wrong("q4", "Both are the exact gradient")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    g = (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0)
    return g, g


@wrong("q4", "Summed over the tasks")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).sum(0), outer.sum(0)


@wrong("q4", "The outer gradient is taken at theta")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, theta - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "The factor is I + alpha * H_i")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) + alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "The factor is I - H_i")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "The inner steps have no rate")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "The inner rate is in there twice")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "The inner steps go uphill")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi + alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) + alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "has the curvature of the TEST loss")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * test_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "The inner steps went down the TEST loss")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(test_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
        through = through @ (torch.eye(len(theta)) - alpha * test_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "is that of the TRAINING loss")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "Only one of the steps brought its factor")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = torch.eye(len(theta)) - alpha * train_hessian
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "Only one step was taken")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(min(1, steps)):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "One step too many")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps + 1):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "of each entry (**)")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    through = (torch.eye(len(theta)) - alpha * train_hessian) ** steps
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0)


@wrong("q4", "averaged one by one")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return through.mean(0) @ outer.mean(0) if steps else outer.mean(0), outer.mean(0)


@wrong("q4", "expected two tensors")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0)


@wrong("q4", "has shape")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1), outer


@wrong("q4", "of dtype float64")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    phi = theta.expand_as(train_centre)
    through = torch.eye(len(theta))
    for _ in range(steps):
        phi = phi - alpha * torch.einsum("mij,mj->mi", train_hessian, phi - train_centre)
        through = through @ (torch.eye(len(theta)) - alpha * train_hessian)
    outer = torch.einsum("mij,mj->mi", test_hessian, phi - test_centre)
    return (through @ outer.unsqueeze(-1)).squeeze(-1).mean(0), outer.mean(0).numpy().astype(float)


# --- question 5 --------------------------------------------------------------------------------------------


@wrong("q5", "is its `return` missing?")
def meta_objective(theta, sample, log_prob, alpha):
    sample(theta)


@wrong("q5", "The same trajectories serve for both")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    seen = sample(theta)
    (gradient,) = torch.autograd.grad(surrogate(theta, *seen), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *seen)


@wrong("q5", "The second trajectories were drawn with theta")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(theta))


@wrong("q5", "The second trajectories were drawn with theta")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    before, after = sample(theta), sample(theta)
    (gradient,) = torch.autograd.grad(surrogate(theta, *before), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *after)


@wrong("q5", "The inner step goes downhill")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta - alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "The rate of the inner step is missing")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "The rate of the inner step is in there twice")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha**2 * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "with the phi that the step leads to")
def meta_objective(theta, sample, log_prob, alpha):
    sample(theta)
    trajectories, advantage = sample(theta)
    together = log_prob(theta, trajectories).sum(-1)
    return (torch.exp(together - together.detach()) * advantage.detach()).sum(0).mean()


@wrong("q5", "Summed over the trajectories")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "A mean over the steps, too")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "A mean over the entries of an action")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).mean(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "The ratios of an action's entries were added")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        each = log_prob(parameters, trajectories)
        ratio = torch.exp(each - each.detach()).sum(-1)
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "Every entry of an action has a ratio of its own")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        each = log_prob(parameters, trajectories)
        ratio = 1 + (torch.exp(each - each.detach()) - 1).sum(-1)
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "One ratio for the whole trajectory")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1).sum(0)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach().sum(0)).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "The denominator is missing")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together)
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "The objective is made of log pi * A")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = together
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "A gradient flowed through the advantages")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "create_graph=True is missing?")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


@wrong("q5", "create_graph=True is missing?")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient.detach()
    return surrogate(phi, *sample(phi))


@wrong("q5", "differentiated once more it misses")
def meta_objective(theta, sample, log_prob, alpha):
    trajectories, advantage = sample(theta)
    inner = (log_prob(theta, trajectories).sum(-1) * advantage.detach()).sum(0).mean()
    phi = theta + alpha * torch.autograd.grad(inner, theta, create_graph=True)[0]
    trajectories, advantage = sample(phi)
    together = log_prob(phi, trajectories).sum(-1)
    return (torch.exp(together - together.detach()) * advantage.detach()).sum(0).mean()


@wrong("q5", "it is log_prob(phi, ...) that counts")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(theta, *sample(phi))


@wrong("q5", "Nothing flows back from phi to theta")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = (theta + alpha * gradient).detach().requires_grad_()
    return surrogate(phi, *sample(phi))


@wrong("q5", "The sign is turned")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return -surrogate(phi, *sample(phi))


@wrong("q5", "what sample was called with")
def meta_objective(theta, sample, log_prob, alpha):
    def surrogate(parameters, trajectories, advantage):
        together = log_prob(parameters, trajectories).sum(-1)
        ratio = torch.exp(together - together.detach())
        return (ratio * advantage.detach()).sum(0).mean()

    sample(theta)
    (gradient,) = torch.autograd.grad(surrogate(theta, *sample(theta)), theta, create_graph=True)
    phi = theta + alpha * gradient
    return surrogate(phi, *sample(phi))


# --- question 6 --------------------------------------------------------------------------------------------


@wrong("q6", "Multiplied with the sum of rewards from t on")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return torch.exp(so_far - so_far.detach()) * reward.flip(0).cumsum(0).flip(0)


@wrong("q6", "own action's box times the rewards to come")
def dice(log_prob, reward):
    so_far = log_prob
    return torch.exp(so_far - so_far.detach()) * reward.flip(0).cumsum(0).flip(0)


@wrong("q6", "The gradient is not stopped anywhere")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return torch.exp(so_far) * reward


@wrong("q6", "That is the sum of log-probabilities")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return so_far * reward


@wrong("q6", "The sign is turned")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return -torch.exp(so_far - so_far.detach()) * reward


@wrong("q6", "That is one number")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return (torch.exp(so_far - so_far.detach()) * reward).sum(0).mean()


@wrong("q6", "Summed from the end")
def dice(log_prob, reward):
    so_far = log_prob.flip(0).cumsum(0).flip(0)
    return torch.exp(so_far - so_far.detach()) * reward


@wrong("q6", "The action of step t itself is missing")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0) - log_prob
    return torch.exp(so_far - so_far.detach()) * reward


@wrong("q6", "Only the action of the same step")
def dice(log_prob, reward):
    so_far = log_prob
    return torch.exp(so_far - so_far.detach()) * reward


@wrong("q6", "All actions of the trajectory are in every box")
def dice(log_prob, reward):
    so_far = log_prob.sum(0)
    return torch.exp(so_far - so_far.detach()) * reward


@wrong("q6", "Summed over the trajectories")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(1)
    return torch.exp(so_far - so_far.detach()) * reward


@wrong("q6", "A mean over the actions so far")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0) / torch.arange(1, len(log_prob) + 1)[:, None]
    return torch.exp(so_far - so_far.detach()) * reward


@wrong("q6", "are exchanged: then the derivative")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return torch.exp(so_far.detach() - so_far) * reward


@wrong("q6", "No gradient flows")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return torch.exp(so_far.detach() - so_far.detach()) * reward


@wrong("q6", "No gradient flows")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return torch.exp(so_far - so_far) * reward


@wrong("q6", "No gradient flows")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    with torch.no_grad():
        return torch.exp(so_far - so_far.detach()) * reward


@wrong("q6", "The first derivative is right, the second is not")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return (1 + so_far - so_far.detach()) * reward


@wrong("q6", "returned ndarray")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    return reward.numpy()


@wrong("q6", "returned NoneType")
def dice(log_prob, reward):
    so_far = log_prob.cumsum(0)
    torch.exp(so_far - so_far.detach()) * reward
