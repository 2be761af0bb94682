"""Answer to lottery_tickets.train_stacked."""

from itertools import pairwise

import torch
from torch.nn.functional import cross_entropy

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write it for one network first. Then look which operations take a leading dimension S as it is: x[batches[t]] has "
    "the shape (S, batch_size, d), and torch.baddbmm(b, h, W) multiplies all networks at once.",
    "cross_entropy over all rows of all networks averages over S, too. Each network must get the gradient of its own "
    "mean: sum the networks' losses.",
    "Mask clones of the weights before the first step. Each step then does, under torch.no_grad(), "
    "v.mul_(momentum).add_(g), p.sub_(lr * v) for every parameter, and W.mul_(mask) for every weight, because the "
    "gradient at a pruned place is not 0. Return the clones, detached.",
)


def train_stacked(weights, biases, masks, x, y, batches, lr, momentum):
    return _sgd(weights, biases, masks, x, y, batches, lr, momentum)


def _forward(weights, biases, h, seen=None):
    for i, (W, b) in enumerate(zip(weights, biases, strict=True)):
        h = torch.baddbmm(b, h, W)
        if i < len(weights) - 1:
            if seen is not None:
                seen.append(h.detach().abs().min().item())
            h = h.relu()
    return h


def _mean_loss(logits, labels):
    return cross_entropy(logits.flatten(0, 1), labels.flatten()) * len(logits)


def _move(p, v, g, lr, momentum):
    v.mul_(momentum).add_(g)
    p.sub_(lr * v)


def _hold(weights, masks):
    for W, mask in zip(weights, masks, strict=True):
        W.mul_(mask)


def _nothing(weights, masks):
    pass


def _sgd(
    weights,
    biases,
    masks,
    x,
    y,
    batches,
    lr,
    momentum,
    *,
    seen=None,
    loss=_mean_loss,
    forward=_forward,
    move=_move,
    before=_hold,
    after=_hold,
):
    """Train all networks; the keywords take the place of one part each."""
    weights, biases = [W.clone() for W in weights], [b.clone() for b in biases]
    parameters = weights + biases
    velocities = [torch.zeros_like(p) for p in parameters]
    before(weights, masks)
    for rows in batches:
        for p in parameters:
            p.requires_grad_()
        logits = forward(weights, biases, x[rows], seen)
        gradients = torch.autograd.grad(loss(logits, y[rows]), parameters)
        for p in parameters:
            p.requires_grad_(False)
        for p, v, g in zip(parameters, velocities, gradients, strict=True):
            move(p, v, g, lr, momentum)
        after(weights, masks)
    return weights, biases


def cases(rng):
    def draw(group, sizes, S, n, batch_size, steps, momentum, lr):
        weights, biases, masks = [], [], []
        for d_in, d_out in pairwise(sizes):
            weights.append(torch.randn(S, d_in, d_out, generator=rng) * (2 / d_in) ** 0.5)
            biases.append(torch.randn(S, 1, d_out, generator=rng) / 2)
            masks.append(torch.rand(S, d_in, d_out, generator=rng) < 0.6)
        x, y = torch.randn(n, sizes[0], generator=rng), torch.randint(sizes[-1], (n,), generator=rng)
        batches = torch.randint(n, (steps, S, batch_size), generator=rng)
        inputs = {"weights": weights, "biases": biases, "masks": masks, "x": x, "y": y, "batches": batches}
        return case(group, **inputs, lr=lr, momentum=momentum)

    def clear(*arguments):
        """Draw until no unit comes so close to the kink of its ReLU that rounding could decide on which side it is."""
        while True:
            drawn, seen = draw(*arguments), [1.0]
            _sgd(**drawn.inputs, seen=seen)
            if min(seen) > 2e-4:
                return drawn

    yield clear("two layers", [5, 6, 4], 3, 14, 5, 6, 0.9, 0.1)
    yield clear("two layers", [6, 4, 3], 2, 11, 3, 7, 0.8, 0.15)
    yield clear("three layers", [4, 6, 5, 3], 2, 12, 4, 5, 0.9, 0.1)
    yield clear("one layer", [5, 3], 4, 10, 6, 6, 0.7, 0.2)
    yield clear("no momentum", [4, 5, 2], 3, 13, 4, 5, 0.0, 0.2)
    yield clear("one network", [5, 4, 3], 1, 9, 4, 6, 0.9, 0.1)


@right
def one_network_after_the_other(weights, biases, masks, x, y, batches, lr, momentum):
    W, b = [w * m for w, m in zip(weights, masks, strict=True)], [bias.clone() for bias in biases]
    for s in range(batches.shape[1]):
        own = [w[s].clone().requires_grad_() for w in W] + [bias[s].clone().requires_grad_() for bias in b]
        velocity = [0.0] * len(own)
        for rows in batches[:, s]:
            h = x[rows]
            for i in range(len(W)):
                h = h @ own[i] + own[len(W) + i]
                h = h.relu() if i < len(W) - 1 else h
            gradients = torch.autograd.grad(cross_entropy(h, y[rows]), own)
            velocity = [momentum * v + g for v, g in zip(velocity, gradients, strict=True)]
            with torch.no_grad():
                for i, (p, v) in enumerate(zip(own, velocity, strict=True)):
                    p -= lr * (v * masks[i][s] if i < len(W) else v)
        for i in range(len(W)):
            W[i][s], b[i][s] = own[i].detach(), own[len(W) + i].detach()
    return W, b


@right
def vmap_with_masked_gradients(weights, biases, masks, x, y, batches, lr, momentum):
    W, b = [(w * m).double() for w, m in zip(weights, masks, strict=True)], [bias.double() for bias in biases]

    def loss(W, b, inputs, labels):
        h = inputs
        for i, (w, bias) in enumerate(zip(W, b, strict=True)):
            h = h @ w + bias if i == len(W) - 1 else (h @ w + bias).relu()
        return cross_entropy(h, labels)

    slopes = torch.func.vmap(torch.func.grad(loss, argnums=(0, 1)))
    vW, vb = [torch.zeros_like(w) for w in W], [torch.zeros_like(bias) for bias in b]
    for rows in batches:
        gW, gb = slopes(W, b, x.double()[rows], y[rows])
        vW = [momentum * v + g * m for v, g, m in zip(vW, gW, masks, strict=True)]
        vb = [momentum * v + g for v, g in zip(vb, gb, strict=True)]
        W = [w - lr * v for w, v in zip(W, vW, strict=True)]
        b = [bias - lr * v for bias, v in zip(b, vb, strict=True)]
    return [w.float() for w in W], [bias.float() for bias in b]


@second_source("torch 2.13: nn.Sequential with nn.utils.prune, each trained by torch.optim.SGD")
def torch_optimiser(weights, biases, masks, x, y, batches, lr, momentum):
    from torch.nn.utils import prune

    trained = [[torch.empty_like(part) for part in parts] for parts in (weights, biases)]
    for s in range(batches.shape[1]):
        layers = []
        for W, b, mask in zip(weights, biases, masks, strict=True):
            layer = torch.nn.Linear(*W.shape[1:])
            layer.weight.data, layer.bias.data = W[s].T.clone(), b[s, 0].clone()
            layers += [prune.custom_from_mask(layer, "weight", mask[s].T), torch.nn.ReLU()]
        network = torch.nn.Sequential(*layers[:-1])
        optimiser = torch.optim.SGD(network.parameters(), lr=lr, momentum=momentum)
        for rows in batches[:, s]:
            optimiser.zero_grad()
            cross_entropy(network(x[rows]), y[rows]).backward()
            optimiser.step()
        for i, layer in enumerate(layers[::2]):
            prune.remove(layer, "weight")
            trained[0][i][s], trained[1][i][s] = layer.weight.detach().T, layer.bias.detach()
    return tuple(trained)


@wrong
def AveragesOverTheNetworks(**given):
    """The loss was averaged over the networks, too, so that each took steps S times too short: the loss of a network
    is the mean over its own batch."""
    S = given["batches"].shape[1]
    return _sgd(**given, loss=lambda logits, labels: _mean_loss(logits, labels) / S)


@wrong
def SumsOverTheBatch(**given):
    """The loss was summed over the batch, so that each step was batch_size times too long: it is a mean."""
    size = given["batches"].shape[2]
    return _sgd(**given, loss=lambda logits, labels: _mean_loss(logits, labels) * size)


@wrong
def MasksAtTheStartOnly(**given):
    """Pruned weights came back: they were 0 at the start, but their gradient is not. Hold the mask in every step."""
    return _sgd(**given, after=_nothing)


@wrong
def MasksAtTheEndOnly(**given):
    """The dense networks were trained and masked in the end. Pruned weights must not help while the others learn."""
    weights, biases = _sgd(**given, before=_nothing, after=_nothing)
    _hold(weights, given["masks"])
    return weights, biases


@wrong
def MasksAfterTheFirstStep(**given):
    """The first step was done by the dense networks: mask the weights before it, not only after each step."""
    return _sgd(**given, before=_nothing)


@wrong
def ForgetsTheMask(**given):
    """The dense networks were trained: the masks were not used at all."""
    return _sgd(**given, before=_nothing, after=_nothing)


@wrong
def MasksTheGradientsOnly(**given):
    """Pruned weights kept their initial values: their gradients were masked, and they themselves were not."""

    def restore(weights, masks):
        for W, mask, initial in zip(weights, masks, given["weights"], strict=True):
            W.copy_(torch.where(mask, W, initial))

    return _sgd(**given, before=_nothing, after=restore)


@wrong
def ForgetsTheMomentum(**given):
    """Each step followed its own gradient only: v carries momentum times its last value on."""
    return _sgd(**{**given, "momentum": 0.0})


@wrong
def DampensTheGradient(**given):
    """The gradient was multiplied by 1 - momentum, as in a running mean: in SGD it is added to v as it is."""
    return _sgd(**{**given, "lr": given["lr"] * (1 - given["momentum"])})


@wrong
def LooksAhead(**given):
    """That is Nesterov's momentum, which adds the gradient once more: move by -lr * v."""

    def move(p, v, g, lr, momentum):
        v.mul_(momentum).add_(g)
        p.sub_(lr * (g + momentum * v))

    return _sgd(**given, move=move)


@wrong
def GivesAllTheSameBatches(**given):
    """All networks were trained on the batches of the first: batches[t, s] belongs to network s."""
    return _sgd(**{**given, "batches": given["batches"][:, :1].expand_as(given["batches"])})


@wrong
def RectifiesTheLogits(**given):
    """A ReLU followed the last layer, too, and cut off all negative logits."""
    return _sgd(**given, forward=lambda weights, biases, h, seen: _forward(weights, biases, h).relu())


@wrong
def ForgetsTheReLU(**given):
    """There is no ReLU between the layers: without it, all layers together are one linear map."""

    def forward(weights, biases, h, seen):
        for W, b in zip(weights, biases, strict=True):
            h = torch.baddbmm(b, h, W)
        return h

    return _sgd(**given, forward=forward)


@wrong
def LeavesTheBiases(**given):
    """The biases did not move: they are not pruned, and they train with the weights."""

    def move(p, v, g, lr, momentum):
        _move(p, v, torch.zeros_like(g) if p.shape[1] == 1 else g, lr, momentum)

    return _sgd(**given, move=move)


@wrong
def SharesTheGradient(**given):
    """All networks took the same step, along the mean of their gradients: each follows its own."""
    return _sgd(**given, move=lambda p, v, g, lr, momentum: _move(p, v, g.mean(0, keepdim=True), lr, momentum))


@wrong
def AddsUpTheGradients(**given):
    """Each step followed the sum of all gradients so far, as where zero_grad is forgotten: g is that of its own batch,
    and only v remembers."""
    sums = {}

    def move(p, v, g, lr, momentum):
        sums[id(p)] = sums.get(id(p), 0) + g
        _move(p, v, sums[id(p)], lr, momentum)

    return _sgd(**given, move=move)


@wrong
def SharesTheMask(**given):
    """All networks were held by the mask of the first: masks[layer][s] belongs to network s."""
    return _sgd(**{**given, "masks": [mask[:1].expand_as(mask) for mask in given["masks"]]})


@wrong
def ForgetsTheMaskAndAverages(**given):
    """Two faults: the masks were not used at all, and the loss was averaged over the networks, too."""
    S = given["batches"].shape[1]
    return _sgd(**given, before=_nothing, after=_nothing, loss=lambda logits, labels: _mean_loss(logits, labels) / S)


@wrong
def MasksAtTheStartOnlyAndAverages(**given):
    """Two faults: pruned weights came back after the start, and the loss was averaged over the networks, too."""
    S = given["batches"].shape[1]
    return _sgd(**given, after=_nothing, loss=lambda logits, labels: _mean_loss(logits, labels) / S)


@wrong
def ReturnsAGraph(**given):
    """The values are right, but they still require a gradient: return plain tensors, as detach() gives them."""
    return tuple([part.requires_grad_() for part in parts] for parts in train_stacked(**given))


@wrong
def Ascends(**given):
    """The loss rises: a parameter moves by minus lr times v."""
    return _sgd(**{**given, "lr": -given["lr"]})
