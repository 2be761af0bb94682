"""Answer to lottery_tickets.reinit."""

from itertools import pairwise

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Three kinds of entries: kept weights, pruned weights, biases. Only the first kind is random.",
    "torch.randn has a standard deviation of 1 and takes a generator. The variance is given: what do you multiply by?",
    "For each weight: torch.randn(shape, generator=generator) * (2 / (d_in + d_out)) ** 0.5 * mask, with both sizes "
    "from theta0's shape. For the others torch.zeros_like.",
)


def reinit(theta0, masks, generator):
    return _draw(theta0, masks, lambda shape: torch.randn(shape, generator=generator) * _std(shape))


def _std(shape):
    return (2 / sum(shape)) ** 0.5


def _draw(theta0, masks, make):
    return {name: make(t.shape) * masks[name] if name in masks else torch.zeros_like(t) for name, t in theta0.items()}


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def draw(group, sizes, densities, biases=0.0):
        theta0, masks = {}, {}
        for i, (d_in, d_out) in enumerate(pairwise(sizes)):
            theta0[f"layer{i}.weight"] = torch.randn(d_out, d_in, generator=rng) * _std((d_out, d_in))
            theta0[f"layer{i}.bias"] = biases * torch.randn(d_out, generator=rng)
            order = torch.randperm(d_out * d_in, generator=rng).view(d_out, d_in)
            masks[f"layer{i}.weight"] = order < densities[i] * d_out * d_in
        return case(group, theta0=theta0, masks=masks, seed=number(10, 10**6))

    yield draw("two layers", [number(16, 20), number(96, 110), number(18, 24)], [0.25, 0.22])
    yield draw("three layers", [number(60, 70), number(15, 18), number(90, 99), number(20, 24)], [0.4, 0.28, 0.22])
    yield draw("one layer", [number(13, 16), number(100, 110)], [0.28])
    yield draw("biases were not 0", [number(13, 16), number(100, 110)], [0.28], biases=0.5)


@right
def in_place(theta0, masks, generator):
    new = {name: torch.zeros_like(value) for name, value in theta0.items()}
    for name, mask in masks.items():
        new[name].normal_(0.0, _std(mask.shape), generator=generator)
        new[name][~mask] = 0
    return new


@right
def only_the_kept(theta0, masks, generator):
    new = {name: torch.zeros(value.shape) for name, value in theta0.items()}
    for name, mask in masks.items():
        draws = torch.randn(int(mask.sum()), generator=generator, dtype=torch.float64)
        new[name][mask] = (draws * _std(mask.shape)).float()
    return new


@second_source("torch 2.13: nn.init.xavier_normal_")
def xavier(theta0, masks, generator):
    new = {}
    for name, value in theta0.items():
        new[name] = torch.zeros_like(value)
        if name in masks:
            new[name] = torch.nn.init.xavier_normal_(torch.empty(value.shape), generator=generator) * masks[name]
    return new


def _normal(generator, std):
    return lambda shape: torch.randn(shape, generator=generator) * std(shape)


@wrong
def KeepsTheOldValues(theta0, masks, generator):
    """Those are the initial weights of the ticket itself: draw new ones, and keep the mask."""
    return {name: value * masks[name] if name in masks else value.clone() for name, value in theta0.items()}


@wrong
def ShufflesTheOldValues(theta0, masks, generator):
    """The old values were dealt out anew: draw values that were not there before."""
    new = _draw(theta0, masks, torch.zeros)
    for name, mask in masks.items():
        old = theta0[name][mask]
        new[name][mask] = old[torch.randperm(len(old), generator=generator)]
    return new


@wrong
def ForgetsTheMask(theta0, masks, generator):
    """The whole network was drawn anew: the control keeps the ticket's mask, and pruned weights are zero."""
    dense = {name: torch.ones_like(mask) for name, mask in masks.items()}
    return reinit(theta0, dense, generator)


@wrong
def CountsKeptWeightsOnly(theta0, masks, generator):
    """The weights are spread too widely. The variance is 2 / (d_in + d_out) in the dense layer: neither one of the two
    sizes alone nor the number of weights that are kept decides, and the root is taken once."""
    new = reinit(theta0, masks, generator)
    return {name: t / masks[name].float().mean().sqrt() if name in masks else t for name, t in new.items()}


@wrong
def TakesTheVarianceForTheSpread(theta0, masks, generator):
    """The weights are spread too narrowly. 2 / (d_in + d_out) is the variance: the standard deviation is its root."""
    return _draw(theta0, masks, _normal(generator, lambda shape: _std(shape) ** 2))


@wrong
def DrawsUniformly(theta0, masks, generator):
    """The weights are spread as asked for, but no normal draw stays so close: they look uniform."""
    return _draw(theta0, masks, lambda shape: (torch.rand(shape, generator=generator) * 2 - 1) * 3**0.5 * _std(shape))


@wrong
def DrawsOneSign(theta0, masks, generator):
    """All weights have one sign: the mean is 0."""
    return _draw(theta0, masks, lambda shape: torch.randn(shape, generator=generator).abs() * _std(shape))


@wrong
def DrawsTheBiases(theta0, masks, generator):
    """The biases are not 0: only weights are drawn."""
    new = reinit(theta0, masks, generator)
    return {name: t if name in masks else torch.randn(t.shape, generator=generator) for name, t in new.items()}


@wrong
def KeepsTheBiases(theta0, masks, generator):
    """The biases have their values from theta0: the control starts them at 0, like those of any new network."""
    new = reinit(theta0, masks, generator)
    return {name: t if name in masks else theta0[name].clone() for name, t in new.items()}


@wrong
def DropsTheBiases(theta0, masks, generator):
    """The biases are missing: they start at 0, but they belong to the network."""
    return {name: value for name, value in reinit(theta0, masks, generator).items() if name in masks}


@wrong
def IgnoresTheGenerator(theta0, masks, generator):
    """The draw did not use the generator it was given, so the run cannot be repeated."""
    return _draw(theta0, masks, lambda shape: torch.randn(shape) * _std(shape))


@wrong
def SeedsItself(theta0, masks, generator):
    """Every call draws the same weights: do not seed. The caller's generator decides."""
    return reinit(theta0, masks, torch.Generator().manual_seed(0))


@wrong
def SeedsAnew(theta0, masks, generator):
    """Every call with one generator draws the same weights, as where its seed is set anew: draw from the generator as
    it stands."""
    return reinit(theta0, masks, torch.Generator().manual_seed(generator.initial_seed()))
