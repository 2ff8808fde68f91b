# ruff: noqa
"""Right answers to ps5_maml, each written differently. Read as text, never run: `@right(question)`."""

import numpy as np
import torch

# --- question 1 --------------------------------------------------------------------------------------------


@right("q1")
def inner_step(loss, parameters, rates, first_order=False):
    """torch.func's gradient of the whole dict."""
    gradients = torch.func.grad(loss)(parameters)
    if first_order:
        gradients = {name: gradient.detach() for name, gradient in gradients.items()}
    return {name: parameters[name] - rates[name] * gradients[name] for name in parameters}


@right("q1")
def inner_step(loss, parameters, rates, first_order=False):
    """One parameter after the other."""
    new = {}
    for name in parameters:
        (gradient,) = torch.autograd.grad(loss(parameters), parameters[name], create_graph=True)
        if first_order:
            gradient = gradient.detach()
        new[name] = parameters[name] - rates[name] * gradient
    return new


@right("q1")
def inner_step(loss, parameters, rates, first_order=False):
    """Two functions, chosen by the flag."""
    value = loss(parameters)
    if first_order:
        gradients = torch.autograd.grad(value, tuple(parameters.values()))
    else:
        gradients = torch.autograd.grad(value, tuple(parameters.values()), create_graph=True)
    return {name: torch.sub(parameters[name], rates[name] * g) for name, g in zip(parameters, gradients)}


@right("q1")
def inner_step(loss, parameters, rates, first_order=False):
    """Detached twins for the first order."""
    at = parameters
    if first_order:
        at = {name: value.detach().clone().requires_grad_(True) for name, value in parameters.items()}
    gradients = torch.autograd.grad(loss(at), list(at.values()), create_graph=not first_order)
    return dict(zip(parameters, [p - rates[n] * g for (n, p), g in zip(parameters.items(), gradients)]))


@right("q1")
def inner_step(loss, parameters, rates, first_order=False):
    """Shifted by -1 times, with addcmul, names sorted."""
    names = sorted(parameters)
    gradients = torch.autograd.grad(
        outputs=loss(dict(parameters)), inputs=[parameters[n] for n in names], create_graph=not first_order
    )
    return {n: torch.addcmul(parameters[n], rates[n], g, value=-1.0) for n, g in zip(names, gradients)}


@right("q1")
def inner_step(loss, parameters, rates, first_order=False):
    """In double precision at the end."""
    gradients = torch.autograd.grad(loss(parameters), [*parameters.values()], create_graph=not first_order)
    return {
        name: value.double() - rates[name].double() * gradient.double()
        for (name, value), gradient in zip(parameters.items(), gradients)
    }


# --- question 2 --------------------------------------------------------------------------------------------


@right("q2")
def adapted(theta, losses, step, steps):
    """A list made at once, and a helper."""

    def one(loss):
        parameters = theta
        for _ in range(steps):
            parameters = step(loss, parameters)
        return parameters

    return [one(loss) for loss in losses]


@right("q2")
def adapted(theta, losses, step, steps):
    """Recursion."""
    if steps == 0:
        return [theta for _ in losses]
    before = adapted(theta, losses, step, steps - 1)
    return [step(loss, parameters) for loss, parameters in zip(losses, before)]


@right("q2")
def adapted(theta, losses, step, steps):
    """functools.reduce, and a tuple."""
    import functools

    return tuple(functools.reduce(lambda p, _: step(loss, p), range(steps), theta) for loss in losses)


@right("q2")
def adapted(theta, losses, step, steps):
    """All tasks side by side, step by step."""
    phis = [dict(theta) for _ in losses]
    for _ in range(steps):
        phis = [step(loss, phi) for loss, phi in zip(losses, phis, strict=True)]
    return phis


@right("q2")
def adapted(theta, losses, step, steps):
    """A while loop, and copies that gradients flow through."""
    result = [None] * len(losses)
    for i in range(len(losses)):
        left = steps
        phi = {name: value.clone() for name, value in theta.items()}
        while left > 0:
            phi = step(losses[i], phi)
            left -= 1
        result[i] = phi
    return result


# --- question 3 --------------------------------------------------------------------------------------------


@right("q3")
def meta_loss(learner, tasks, loss):
    """A loop over the tasks."""
    losses = []
    for i in range(tasks.train_x.shape[0]):
        phi = learner.adapt(tasks.train_x[i : i + 1], tasks.train_y[i : i + 1])
        losses.append(loss(learner.predict(phi, tasks.test_x[i : i + 1]), tasks.test_y[i : i + 1]).mean())
    return sum(losses) / len(losses)


@right("q3")
def meta_loss(learner, tasks, loss):
    """First the points, then the tasks."""
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    answers = learner.predict(phi, tasks.test_x)
    return torch.mean(torch.mean(loss(answers, tasks.test_y), dim=1), dim=0)


@right("q3")
def meta_loss(learner, tasks, loss):
    """Sum over number."""
    off = loss(learner.predict(learner.adapt(tasks.train_x, tasks.train_y), tasks.test_x), tasks.test_y)
    return off.sum() / off.numel()


@right("q3")
def meta_loss(learner, tasks, loss):
    """In double precision at the end."""
    phi = learner.adapt(tasks.train_x, tasks.train_y)
    return loss(learner.predict(phi, tasks.test_x), tasks.test_y).double().mean()


@right("q3")
def meta_loss(learner, tasks, loss):
    """Means of flat values."""
    read, asked = (tasks.train_x, tasks.train_y), (tasks.test_x, tasks.test_y)
    return torch.cat([row for row in loss(learner.predict(learner.adapt(*read), asked[0]), asked[1])]).mean()


# --- question 4 --------------------------------------------------------------------------------------------


@right("q4")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    """By automatic differentiation, task by task."""

    def bowl(at, hessian, centre):
        return 0.5 * (at - centre) @ hessian @ (at - centre)

    exact, first = [], []
    for H, c, H2, c2 in zip(train_hessian, train_centre, test_hessian, test_centre):
        start = theta.clone().requires_grad_()
        phi = start * 1.0
        for _ in range(steps):
            phi = phi - alpha * torch.autograd.grad(bowl(phi, H, c), phi, create_graph=True)[0]
        outer = bowl(phi, H2, c2)
        exact.append(torch.autograd.grad(outer, start, retain_graph=True)[0])
        first.append(torch.autograd.grad(outer, phi)[0])
    return torch.stack(exact).mean(0), torch.stack(first).mean(0)


@right("q4")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    """matrix_power, and phi in closed form."""
    through = torch.linalg.matrix_power(torch.eye(theta.numel()) - alpha * train_hessian, steps)
    phi = train_centre + (through @ (theta - train_centre)[..., None])[..., 0]
    first = (test_hessian @ (phi - test_centre)[..., None])[..., 0]
    return [(through @ first[..., None])[..., 0].mean(0), first.mean(0)]


@right("q4")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    """Backwards through the steps, vector by vector."""
    exact, first = torch.zeros_like(theta), torch.zeros_like(theta)
    tasks = len(train_hessian)
    for i in range(tasks):
        phi = theta
        for _ in range(steps):
            phi = phi - alpha * train_hessian[i] @ (phi - train_centre[i])
        g = test_hessian[i] @ (phi - test_centre[i])
        first = first + g / tasks
        for _ in range(steps):
            g = g - alpha * train_hessian[i] @ g
        exact = exact + g / tasks
    return exact, first


@right("q4")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    """In numpy, and in double precision."""
    t, H, c, H2, c2 = (
        x.double().numpy() for x in (theta, train_hessian, train_centre, test_hessian, test_centre)
    )
    g, g_first = np.zeros_like(t), np.zeros_like(t)
    for i in range(len(H)):
        phi = t.copy()
        for _ in range(steps):
            phi = phi - alpha * H[i] @ (phi - c[i])
        outer = H2[i] @ (phi - c2[i])
        g += np.linalg.matrix_power(np.eye(len(t)) - alpha * H[i], steps) @ outer
        g_first += outer
    return torch.tensor(g / len(H)), torch.tensor(g_first / len(H))


@right("q4")
def meta_gradients(theta, alpha, steps, train_hessian, train_centre, test_hessian, test_centre):
    """torch.func, vmapped over tasks; both rows of one tensor."""

    def bowl(at, hessian, centre):
        return 0.5 * torch.dot(at - centre, hessian @ (at - centre))

    def adapt(start, hessian, centre):
        for _ in range(steps):
            start = start - alpha * torch.func.grad(bowl)(start, hessian, centre)
        return start

    def after(start, hessian, centre, hessian2, centre2):
        return bowl(adapt(start, hessian, centre), hessian2, centre2)

    tasks = train_hessian, train_centre, test_hessian, test_centre
    exact = torch.vmap(torch.func.grad(after), in_dims=(None, 0, 0, 0, 0))(theta, *tasks)
    phi = torch.vmap(adapt, in_dims=(None, 0, 0))(theta, train_hessian, train_centre)
    first = torch.vmap(torch.func.grad(bowl))(phi, test_hessian, test_centre)
    return torch.stack([exact.mean(0), first.mean(0)])


# --- question 5 --------------------------------------------------------------------------------------------


@right("q5")
def meta_objective(theta, sample, log_prob, alpha):
    """Probabilities divided by their stopped twins."""
    trajectories, advantage = sample(theta)
    pi = log_prob(theta, trajectories).exp().prod(-1)
    inner = (pi / pi.detach() * advantage.detach()).sum() / advantage.shape[1]
    phi = theta + alpha * torch.autograd.grad(inner, theta, create_graph=True)[0]
    trajectories, advantage = sample(phi)
    pi = log_prob(phi, trajectories).exp().prod(-1)
    return (pi / pi.detach() * advantage.detach()).sum() / advantage.shape[1]


@right("q5")
def meta_objective(theta, sample, log_prob, alpha):
    """A loop over trajectories and steps."""

    def objective(at):
        record, advantage = sample(at)
        logs = log_prob(at, record).sum(dim=2)
        total = 0.0
        for n in range(logs.shape[1]):
            for t in range(logs.shape[0]):
                total = total + torch.exp(logs[t, n] - logs[t, n].detach()) * advantage[t, n].detach()
        return total / logs.shape[1]

    grad = torch.autograd.grad(objective(theta), [theta], create_graph=True)[0]
    return objective(theta + alpha * grad)


@right("q5")
def meta_objective(theta, sample, log_prob, alpha):
    """Downhill on the negative objective."""

    def negative(at, record, advantage):
        own = log_prob(at, record)
        old = own.detach()
        ratio = torch.exp((own - old).sum(-1))
        return -(ratio * advantage.detach()).mean(1).sum()

    record, advantage = sample(theta)
    gradient = torch.autograd.grad(negative(theta, record, advantage), theta, create_graph=True)[0]
    phi = theta - alpha * gradient
    record, advantage = sample(phi)
    return -negative(phi, record, advantage)


@right("q5")
def meta_objective(theta, sample, log_prob, alpha):
    """torch.func.grad for the inner gradient; advantages as plain numbers."""
    record, advantage = sample(theta)
    advantage = torch.tensor(advantage.tolist())

    def inner(at):
        logs = log_prob(at, record).sum(-1)
        return ((logs - logs.detach()).exp() * advantage).sum(0).mean()

    (gradient,) = torch.autograd.grad(inner(theta), theta, create_graph=True)
    phi = torch.add(theta, gradient, alpha=alpha)
    record, advantage = sample(phi)
    logs = log_prob(phi, record).sum(-1)
    return (torch.exp(logs - logs.detach()) * advantage.detach()).sum(0).mean(0)


@right("q5")
def meta_objective(theta, sample, log_prob, alpha):
    """Sampling without gradients, and a product of ratios."""

    def surrogate(at):
        with torch.no_grad():
            record, advantage = sample(at)
        logs = log_prob(at, record)
        ratio = torch.exp(logs - logs.detach()).prod(-1)
        return torch.einsum("tn,tn->", ratio, advantage.detach()) / ratio.shape[1]

    before = surrogate(theta)
    phi = theta + alpha * torch.autograd.grad(before, theta, create_graph=True)[0]
    return surrogate(phi)


# --- question 6 --------------------------------------------------------------------------------------------


@right("q6")
def dice(log_prob, reward):
    """A product of the steps' boxes."""
    return torch.exp(log_prob - log_prob.detach()).cumprod(0) * reward


@right("q6")
def dice(log_prob, reward):
    """A loop over time."""
    total, rows = 0.0, []
    for log_p, r in zip(log_prob, reward):
        total = total + log_p
        rows.append(torch.exp(total - total.detach()) * r)
    return torch.stack(rows)


@right("q6")
def dice(log_prob, reward):
    """Probabilities divided by their stopped twins."""
    pi = log_prob.cumsum(dim=0).exp()
    return pi / pi.detach() * reward


@right("q6")
def dice(log_prob, reward):
    """A triangular matrix sums, in double precision."""
    steps = log_prob.shape[0]
    x = torch.tril(torch.ones(steps, steps, dtype=torch.float64)) @ log_prob.double()
    return torch.exp(x - x.detach()) * reward.double()


@right("q6")
def dice(log_prob, reward):
    """A helper, and every trajectory by itself."""

    def box(x):
        with torch.no_grad():
            stopped = x.clone()
        return (x - stopped).exp()

    return torch.stack([box(l.cumsum(0)) * r for l, r in zip(log_prob.unbind(1), reward.unbind(1))], dim=1)
