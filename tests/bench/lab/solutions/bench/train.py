"""Answer to bench.train."""

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "A step needs the gradient of the loss at the weights of now, and of nothing else.",
    "zero_grad, loss, backward, step: in a loop of so many steps.",
    "torch.optim.SGD([w], lr=lr) on ((X @ w - y) ** 2).mean(), with w = zeros that require a gradient.",
)


def train(X, y, steps, lr):
    w = torch.zeros(X.shape[1], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        ((X @ w - y) ** 2).mean().backward()
        optimizer.step()
    return w.detach()


def cases(rng):
    def draw(group, n, d, steps, lr):
        X = torch.randn(n, d, generator=rng)
        return case(group, X=X, y=X @ torch.randn(d, generator=rng), steps=steps, lr=lr)

    yield draw("one step", 9, 4, 1, 0.1)
    yield draw("several steps", 16, 5, 8, 0.05)
    yield draw("many steps", 24, 6, 30, 0.05)


@right
def by_formula(X, y, steps, lr):
    w = torch.zeros(X.shape[1])
    for _ in range(steps):
        w = w - lr * 2 / len(X) * X.T @ (X @ w - y)
    return w


@right
def by_grad(X, y, steps, lr):
    w = torch.zeros(X.size(1), dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        loss = torch.nn.functional.mse_loss(X.double() @ w, y.double())
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - lr * gradient).detach().requires_grad_()
    return w.detach().float()


@wrong
def ForgetsZeroGrad(X, y, steps, lr):
    """Gradients pile up from step to step: clear them before each backward."""
    w = torch.zeros(X.shape[1], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr)
    for _ in range(steps):
        ((X @ w - y) ** 2).mean().backward()
        optimizer.step()
    return w.detach()


@wrong
def SumsTheErrors(X, y, steps, lr):
    """The squared errors were added up: minimise their mean."""
    w = torch.zeros(X.shape[1], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        ((X @ w - y) ** 2).sum().backward()
        optimizer.step()
    return w.detach()


@wrong
def HalvesTheError(X, y, steps, lr):
    """Half the squared error was minimised: every step is half as long as it should be."""
    w = torch.zeros(X.shape[1])
    for _ in range(steps):
        w = w - lr / len(X) * X.T @ (X @ w - y)
    return w


@wrong
def Climbs(X, y, steps, lr):
    """The steps go up the gradient: the error grows."""
    w = torch.zeros(X.shape[1])
    for _ in range(steps):
        w = w + lr * 2 / len(X) * X.T @ (X @ w - y)
    return w


@wrong
def TakesOneStepMore(X, y, steps, lr):
    """One step too many was taken."""
    w = torch.zeros(X.shape[1])
    for _ in range(steps + 1):
        w = w - lr * 2 / len(X) * X.T @ (X @ w - y)
    return w
