"""Answer to pruning.prune_while_training."""

import torch
from torch.nn.functional import linear, mse_loss

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Keep a mask beside the weight. When does it change, and when must it be applied?",
    "The mask changes at every multiple of `every`, after the step: then a weight stays if it did and its magnitude is "
    "at least the threshold. It is applied after every step, since the gradient moves zeros, too.",
    "for t in range(1, steps + 1): W = W - lr * gradient; if t % every == 0: mask = mask & (W.abs() >= threshold); "
    "W = W * mask; pruned.append(int((~mask).sum())).",
)


def prune_while_training(x, y, W, threshold, every, lr, steps):
    mask, pruned = torch.ones_like(W, dtype=torch.bool), []
    for t in range(1, steps + 1):
        W = W - lr * _gradient(x, y, W)
        if t % every == 0:
            mask = mask & (W.abs() >= threshold)
        # Not a product with the mask: that would leave zeros of both signs.
        W = torch.where(mask, W, 0.0)
        pruned.append(int((~mask).sum()))
    return W, pruned


def _gradient(x, y, W):
    return 2 / y.numel() * (linear(x, W) - y).T @ x


def cases(rng):
    def draw(group, n, d_out, d_in, threshold, every, lr, steps):
        # Entries of +-1 and few steps: neither a summed loss nor an ascent overflows.
        x = 2.0 * torch.randint(0, 2, (n, d_in), generator=rng) - 1
        signs = 2.0 * torch.randint(0, 2, (d_out, d_in), generator=rng) - 1
        size = 0.6 + 0.8 * torch.rand(d_out, d_in, generator=rng)
        teacher = signs * size * (torch.randperm(d_out * d_in, generator=rng) % 2).reshape(d_out, d_in)
        W = 0.7 * torch.randn(d_out, d_in, generator=rng)
        if "threshold" in group:
            x[:, 0] = 0
            W[:, 0] = threshold * torch.tensor([1.0, -1.0, 0.5, 1.5])[:d_out]
        inputs = {"x": x, "y": x @ teacher.T, "W": W, "threshold": threshold, "every": every}
        drawn = case(group, **inputs, lr=lr * d_out, steps=steps)
        return drawn if _clear(**drawn.inputs) else draw(group, n, d_out, d_in, threshold, every, lr, steps)

    yield draw("pruned now and then", 9, 4, 6, 0.25, 3, 0.2, 11)
    yield draw("pruned now and then", 12, 3, 7, 0.3, 4, 0.15, 12)
    yield draw("pruned after every step", 8, 2, 5, 0.15, 1, 0.2, 6)
    yield draw("pruned once", 10, 5, 4, 0.4, 5, 0.2, 8)
    yield draw("weights as large as the threshold", 7, 4, 5, 0.25, 2, 0.15, 7)


def _clear(x, y, W, threshold, every, lr, steps):
    """Whether the first pruning leaves work to do, and no weight is so near the threshold that rounding matters."""
    mask, counts = torch.ones_like(W, dtype=torch.bool), set()
    moves = (x != 0).any(0).expand_as(W)
    for t in range(1, steps + 1):
        W = (W - lr * _gradient(x, y, W)) * mask
        if ((W.abs() - threshold).abs()[moves] < 2e-3).any() or W.abs()[mask].min() < 1e-4:
            return False
        if t % every == 0:
            mask = W.abs() >= threshold
            W = W * mask
            counts.add(int(mask.sum()))
    return W.numel() > max(counts) and min(counts) > 2 and len(counts) >= min(2, steps // every)


@right
def autograd_and_a_held_gradient(x, y, W, threshold, every, lr, steps):
    W, pruned = W.double().requires_grad_(), []
    mask = torch.ones_like(W)
    for t in range(steps):
        loss = (x.double() @ W.T - y.double()).pow(2).mean()
        [gradient] = torch.autograd.grad(loss, W)
        with torch.no_grad():
            W -= lr * gradient * mask
            if (t + 1) % every == 0:
                mask[W.abs() < threshold] = 0
                W *= mask
        pruned.append(W.numel() - int(mask.count_nonzero()))
    return W.detach().float(), pruned


@right
def row_by_row(x, y, W, threshold, every, lr, steps):
    rows, counts = [], torch.zeros(steps, dtype=torch.int64)
    for row, target in zip(W, y.T, strict=True):
        alive = torch.arange(len(row))
        w = row.clone()
        for t in range(1, steps + 1):
            w = w - lr * 2 / y.numel() * x[:, alive].T @ (x[:, alive] @ w - target)
            if t % every == 0:
                stays = w.abs() >= threshold
                alive, w = alive[stays], w[stays]
            counts[t - 1] += len(row) - len(alive)
        rows.append(torch.zeros_like(row).index_copy(0, alive, w))
    return torch.stack(rows), counts.tolist()


@second_source("torch 2.13: nn.utils.prune.custom_from_mask and optim.SGD")
def torch_prune(x, y, W, threshold, every, lr, steps):
    from torch.nn.utils import prune

    layer = torch.nn.Linear(*W.T.shape, bias=False)
    layer.weight.data = W.clone()
    prune.identity(layer, "weight")
    optimiser, pruned = torch.optim.SGD(layer.parameters(), lr=lr), []
    for t in range(1, steps + 1):
        optimiser.zero_grad()
        mse_loss(layer(x), y).backward()
        optimiser.step()
        layer.weight = layer.weight_orig * layer.weight_mask
        if t % every == 0:
            prune.custom_from_mask(layer, "weight", layer.weight.abs() >= threshold)
        pruned.append(int((layer.weight_mask == 0).sum()))
    return layer.weight.detach(), pruned


def _train(x, y, W, lr, steps, after_step):
    """Train, and let `after_step(t, W, mask)` give the weight and the mask that go on."""
    mask, pruned = torch.ones_like(W, dtype=torch.bool), []
    for t in range(1, steps + 1):
        W, mask = after_step(t, W - lr * _gradient(x, y, W), mask)
        pruned.append(int((~mask).sum()))
    return W, pruned


@wrong
def RevivesPrunedWeights(x, y, W, threshold, every, lr, steps):
    """Pruned weights came back: the gradient moves zeros, too. Hold the mask after every step."""
    pruned = []
    for t in range(1, steps + 1):
        W = W - lr * _gradient(x, y, W)
        if t % every == 0:
            W = W * (W.abs() >= threshold)
        pruned.append(int((W == 0).sum()))
    return W, pruned


@wrong
def RemembersThoseThatCameBack(x, y, W, threshold, every, lr, steps):
    """Pruned weights moved between two prunings, though they still count as pruned. Hold the mask after every step."""

    def after_step(t, W, mask):
        if t % every:
            return W, mask
        mask = mask & (W.abs() >= threshold)
        return W * mask, mask

    return _train(x, y, W, lr, steps, after_step)


@wrong
def PrunesOnlyAtTheEnd(x, y, W, threshold, every, lr, steps):
    """The weights were pruned once, after training. Prune during it, so that the others can make up for them."""

    def after_step(t, W, mask):
        mask = W.abs() >= threshold if t == steps else mask
        return W * mask, mask

    return _train(x, y, W, lr, steps, after_step)


@wrong
def PrunesBeforeTheStep(x, y, W, threshold, every, lr, steps):
    """The weights were pruned before the step, the first time before any training. Step first, then prune."""
    mask, pruned = torch.ones_like(W, dtype=torch.bool), []
    for t in range(steps):
        if t % every == 0:
            mask = mask & (W.abs() >= threshold)
        W = (W * mask - lr * _gradient(x, y, W * mask)) * mask
        pruned.append(int((~mask).sum()))
    return W, pruned


@wrong
def PrunesAfterEveryStep(x, y, W, threshold, every, lr, steps):
    """The weights were pruned after every step: only every so many steps they should be."""
    return prune_while_training(x, y, W, threshold, 1, lr, steps)


@wrong
def PrunesOnce(x, y, W, threshold, every, lr, steps):
    """Only the first pruning took place. Weights that come near 0 later are pruned, too."""

    def after_step(t, W, mask):
        mask = W.abs() >= threshold if t == every else mask
        return W * mask, mask

    return _train(x, y, W, lr, steps, after_step)


@wrong
def ForgetsTheAbs(x, y, W, threshold, every, lr, steps):
    """All negative weights were pruned. Near 0 means that the magnitude is below the threshold."""

    def after_step(t, W, mask):
        mask = mask & (threshold <= W) if t % every == 0 else mask
        return W * mask, mask

    return _train(x, y, W, lr, steps, after_step)


@wrong
def PrunesTheLargest(x, y, W, threshold, every, lr, steps):
    """The weights above the threshold were pruned: those below it should be."""

    def after_step(t, W, mask):
        mask = mask & (W.abs() < threshold) if t % every == 0 else mask
        return W * mask, mask

    return _train(x, y, W, lr, steps, after_step)


@wrong
def PrunesTheTie(x, y, W, threshold, every, lr, steps):
    """A weight that equals the threshold was pruned: only magnitudes below it are."""

    def after_step(t, W, mask):
        mask = mask & (W.abs() > threshold) if t % every == 0 else mask
        return W * mask, mask

    return _train(x, y, W, lr, steps, after_step)


@wrong
def FreezesInsteadOfZeroing(x, y, W, threshold, every, lr, steps):
    """Pruned weights no longer move, but they keep their last small value. They must become 0."""
    mask, pruned = torch.ones_like(W, dtype=torch.bool), []
    for t in range(1, steps + 1):
        W = W - lr * _gradient(x, y, W) * mask
        if t % every == 0:
            mask = mask & (W.abs() >= threshold)
        pruned.append(int((~mask).sum()))
    return W, pruned


@wrong
def CountsWhatIsLeft(x, y, W, threshold, every, lr, steps):
    """The weights that are left were counted: count the pruned ones."""
    trained, pruned = prune_while_training(x, y, W, threshold, every, lr, steps)
    return trained, [W.numel() - count for count in pruned]


@wrong
def AveragesOverRowsOnly(x, y, W, threshold, every, lr, steps):
    """The squared errors were summed over the outputs: the loss is the mean over all n * d_out entries."""
    return prune_while_training(x, y, W, threshold, every, lr * y.shape[1], steps)


@wrong
def ForgetsTheTwo(x, y, W, threshold, every, lr, steps):
    """The steps are half as long as they should be: the derivative of a square has a factor 2."""
    return prune_while_training(x, y, W, threshold, every, lr / 2, steps)


@wrong
def CountsStepsFromZero(x, y, W, threshold, every, lr, steps):
    """The steps were counted from 0, so the first of them already pruned: the first pruning is after step `every`."""

    def after_step(t, W, mask):
        mask = mask & (W.abs() >= threshold) if (t - 1) % every == 0 else mask
        return W * mask, mask

    return _train(x, y, W, lr, steps, after_step)


@wrong
def CountsTheNewOnly(x, y, W, threshold, every, lr, steps):
    """Only the newly pruned weights were counted. After each step count all that are pruned by then."""
    trained, pruned = prune_while_training(x, y, W, threshold, every, lr, steps)
    return trained, [count - before for count, before in zip(pruned, [0, *pruned], strict=False)]


@wrong
def AppliesTheMaskTooLate(x, y, W, threshold, every, lr, steps):
    """The mask lost weights that kept their small value until the next step. They are 0 after the step itself."""

    def after_step(t, W, mask):
        return W * mask, mask & (W.abs() >= threshold) if t % every == 0 else mask

    return _train(x, y, W, lr, steps, after_step)


@wrong
def RevivesAndAveragesOverRowsOnly(x, y, W, threshold, every, lr, steps):
    """Two faults: pruned weights came back, and the squared errors were summed over the outputs, not averaged."""
    return RevivesPrunedWeights(x, y, W, threshold, every, lr * y.shape[1], steps)


@wrong
def ReturnsAGraph(x, y, W, threshold, every, lr, steps):
    """The weight still requires a gradient: return a plain tensor, as detach() gives it."""
    trained, pruned = prune_while_training(x, y, W, threshold, every, lr, steps)
    return trained.requires_grad_(), pruned
