"""Answer to pruning.snip."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "The layer computes with c * w. By the chain rule, what is the derivative by c, if that by the product is g?",
    "At c = 1 it is w * g. The sensitivity is its magnitude; the common divisor does not change the ranking.",
    "Concatenate the flattened scores of all layers, sort them stably, and prune all but the last `keep` of them. "
    "mask.split then gives each layer its part.",
)


def snip(weights, grads, keep):
    return _keep_highest([(w * g).abs() for w, g in zip(weights, grads, strict=True)], keep)


def _keep_highest(scores, keep):
    flat = torch.cat([score.flatten() for score in scores])
    mask = torch.ones(len(flat), dtype=torch.bool)
    mask[flat.argsort(stable=True)[: len(flat) - keep]] = False
    parts = mask.split([score.numel() for score in scores])
    return [part.reshape(score.shape) for part, score in zip(parts, scores, strict=True)]


def cases(rng):
    # Small whole numbers over powers of two: every product is exact, and equal ones are equal in any order.
    def integers(shapes, most):
        signs = [2 * torch.randint(0, 2, shape, generator=rng) - 1 for shape in shapes]
        return [sign * torch.randint(1, most // (i + 1), sign.shape, generator=rng) for i, sign in enumerate(signs)]

    def layers(shapes):
        n, products = sum(math.prod(shape) for shape in shapes), torch.zeros(1)
        while len(products.unique()) < n:
            weights, grads = integers(shapes, 200), integers(shapes, 300)
            products = torch.cat([(w * g).abs().flatten() for w, g in zip(weights, grads, strict=True)])
        return [w / 64 for w in weights], [g / 32 for g in grads]

    def draw(group, shapes, keep):
        weights, grads = layers(shapes)
        return case(group, weights=weights, grads=grads, keep=keep)

    yield draw("no two sensitivities are equal", [(4, 5), (3, 4), (2, 3)], 15)
    yield draw("no two sensitivities are equal", [(5, 3), (6, 5)], 13)
    yield draw("a convolution and a linear layer", [(3, 2, 3), (4, 3)], 20)
    weights, grads = layers([(4, 4), (2, 4), (5, 2)])
    grads = [g * (torch.randperm(g.numel(), generator=rng) % 3 == 0).reshape(g.shape) for g in grads]
    yield case("most gradients are zero", weights=weights, grads=grads, keep=21)
    [w], [g] = layers([(3, 4)])
    # Every sensitivity stands in both layers, and an odd number of them stays.
    yield case("equal sensitivities", weights=[w, -w.flip(1)], grads=[g, g.flip(1)], keep=7)
    yield draw("all or nothing stays", [(2, 3), (4, 2)], 14)
    yield draw("all or nothing stays", [(3, 2), (2, 5)], 0)


@right
def python_sort(weights, grads, keep):
    places = [
        (abs(w * g), layer, i)
        for layer, (W, G) in enumerate(zip(weights, grads, strict=True))
        for i, (w, g) in enumerate(zip(W.flatten().tolist(), G.flatten().tolist(), strict=True))
    ]
    masks = [torch.zeros_like(W, dtype=torch.bool) for W in weights]
    for _, layer, i in sorted(places)[len(places) - keep :]:
        masks[layer].view(-1)[i] = True
    return masks


@right
def normalised_in_float64(weights, grads, keep):
    flat = torch.cat([(W.double() * G.double()).abs().flatten() for W, G in zip(weights, grads, strict=True)])
    ranks = (flat / flat.sum()).argsort(stable=True).argsort()
    parts = ranks.split([W.numel() for W in weights])
    return [(part >= len(flat) - keep).view(W.shape) for part, W in zip(parts, weights, strict=True)]


@second_source("autograd: gates c = 1 in front of the weights")
def autograd_gates(weights, grads, keep):
    gates = [torch.ones_like(W, requires_grad=True) for W in weights]
    # Any loss with these gradients by the gated weights will do; the simplest is linear in them.
    loss = sum((c * W * G).sum() for c, W, G in zip(gates, weights, grads, strict=True))
    return _keep_highest([slope.abs() for slope in torch.autograd.grad(loss, gates)], keep)


@second_source("torch 2.13: nn.utils.prune.global_unstructured with scores")
def torch_prune(weights, grads, keep):
    from torch.nn.utils import prune

    scores, start = {}, 0
    for W, G in zip(weights, grads, strict=True):
        module = torch.nn.Module()
        module.weight = torch.nn.Parameter(W.clone())
        # It leaves ties open: an addition too small to part unequal scores settles them.
        scores[module, "weight"] = (W * G).double().abs() + 1e-9 * torch.arange(start, start + W.numel()).view(W.shape)
        start += W.numel()
    prune.global_unstructured(list(scores), prune.L1Unstructured, scores, amount=start - keep)
    return [module.weight_mask.bool() for module, _ in scores]


@wrong
def ForgetsTheWeight(weights, grads, keep):
    """The connections were ranked by the gradient alone. The derivative by a gate has the weight as a factor."""
    return _keep_highest([g.abs() for g in grads], keep)


@wrong
def ForgetsTheGradient(weights, grads, keep):
    """The connections were ranked by magnitude, which says nothing about the loss before training."""
    return _keep_highest([w.abs() for w in weights], keep)


@wrong
def ForgetsTheAbs(weights, grads, keep):
    """The signed derivatives were ranked: a strongly negative one matters as much as a positive one."""
    return _keep_highest([w * g for w, g in zip(weights, grads, strict=True)], keep)


@wrong
def RanksEachLayer(weights, grads, keep):
    """Every layer kept its share. One ranking goes over the whole network."""
    n = sum(w.numel() for w in weights)
    pairs = zip(weights, grads, strict=True)
    return [_keep_highest([(w * g).abs()], math.floor(keep * w.numel() / n + 0.5))[0] for w, g in pairs]


@wrong
def NormalisesEachLayer(weights, grads, keep):
    """The scores were divided by the sum of their own layer. One sum over the whole network divides all of them."""
    scores = [(w * g).abs() for w, g in zip(weights, grads, strict=True)]
    return _keep_highest([score / score.sum() for score in scores], keep)


@wrong
def InvertsTheMasks(weights, grads, keep):
    """The masks are upside down: True marks a connection that is kept."""
    return [~mask for mask in snip(weights, grads, keep)]


@wrong
def PrunesThatMany(weights, grads, keep):
    """That many connections were pruned: `keep` says how many stay."""
    return snip(weights, grads, sum(w.numel() for w in weights) - keep)


@wrong
def PrunesLaterTiesFirst(weights, grads, keep):
    """Of equal sensitivities the later one was pruned first. The one that comes first goes first."""
    flipped = [(w * g).abs().flatten().flip(0) for w, g in zip(weights[::-1], grads[::-1], strict=True)]
    masks = _keep_highest(flipped, keep)[::-1]
    return [mask.flip(0).reshape(w.shape) for mask, w in zip(masks, weights, strict=True)]


@wrong
def KeepsTheTies(weights, grads, keep):
    """More connections stayed than `keep`: a threshold keeps all that equal it. Keep exactly that many."""
    scores = [(w * g).abs() for w, g in zip(weights, grads, strict=True)]
    threshold = torch.cat([score.flatten() for score in scores]).sort(descending=True).values[keep - 1]
    return [score >= threshold for score in scores]


@wrong
def KeepsAllInPlaceOfNone(weights, grads, keep):
    """Where nothing should stay everything did: with keep = 0, order[-keep:] is the whole list."""
    return snip(weights, grads, keep or sum(w.numel() for w in weights))
