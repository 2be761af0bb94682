"""Answer to lottery_tickets.signed_reinit."""

from itertools import pairwise

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "You have reinit already. What does a new draw keep if its own sign is to be forgotten?",
    "The absolute value of a new draw is its size; theta0[name].sign() is -1 or 1. Where do the zeros come from?",
    "Draw as in reinit, take .abs(), multiply by theta0[name].sign() and by the mask. Biases are torch.zeros_like.",
)


def signed_reinit(theta0, masks, generator):
    return _signed(theta0, masks, lambda shape: torch.randn(shape, generator=generator) * _glorot_std(shape))


def _glorot_std(shape):
    return (2 / sum(shape)) ** 0.5


def _signed(theta0, masks, make):
    """Sizes that `make` draws for a shape, with the signs of theta0, under the masks."""
    new = {name: torch.zeros_like(value) for name, value in theta0.items()}
    return new | {name: make(mask.shape).abs() * theta0[name].sign() * mask for name, mask in masks.items()}


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def draw(group, sizes, densities, lean=0.0, biases=0.0):
        theta0, masks = {}, {}
        for i, (d_in, d_out) in enumerate(pairwise(sizes)):
            theta0[f"layer{i}.weight"] = (torch.randn(d_out, d_in, generator=rng) + lean) * _glorot_std((d_out, d_in))
            theta0[f"layer{i}.bias"] = biases * torch.randn(d_out, generator=rng)
            order = torch.randperm(d_out * d_in, generator=rng).view(d_out, d_in)
            masks[f"layer{i}.weight"] = order < densities[i] * d_out * d_in
        return case(group, theta0=theta0, masks=masks, seed=number(10, 10**6))

    yield draw("two layers", [number(16, 20), number(96, 110), number(18, 24)], [0.25, 0.22])
    yield draw("three layers", [number(60, 70), number(15, 18), number(90, 99), number(20, 24)], [0.4, 0.28, 0.22])
    yield draw("one layer", [number(13, 16), number(100, 110)], [0.28])
    yield draw("biases were not 0", [number(13, 16), number(100, 110)], [0.28], biases=0.5)
    yield draw("most weights are positive", [number(100, 110), number(14, 17)], [0.27], lean=0.5)


@right
def copysign(theta0, masks, generator):
    new = {}
    for name, value in theta0.items():
        new[name] = torch.zeros_like(value)
        if name in masks:
            size = torch.empty_like(value).normal_(0, _glorot_std(value.shape), generator=generator)
            new[name] = torch.where(masks[name], torch.copysign(size, value), 0.0)
    return new


@right
def only_the_kept(theta0, masks, generator):
    new = {name: torch.zeros(value.shape) for name, value in theta0.items()}
    for name, mask in masks.items():
        size = torch.randn(int(mask.sum()), generator=generator, dtype=torch.float64).abs() * _glorot_std(mask.shape)
        new[name][mask] = torch.where(theta0[name][mask] > 0, size, -size).float()
    return new


@right
def flips_what_disagrees(theta0, masks, generator):
    new = {name: torch.zeros_like(value) for name, value in theta0.items()}
    for name, mask in masks.items():
        drawn = torch.nn.init.xavier_normal_(torch.empty(mask.shape), generator=generator)
        new[name] = torch.where(drawn * theta0[name] < 0, -drawn, drawn) * mask
    return new


@wrong
def DrawsNewSigns(theta0, masks, generator):
    """The signs are random. A draw has a sign of its own, and a product of two signs is as random: take the size
    only, then give it theta0's sign."""
    new = signed_reinit(theta0, masks, generator)
    return {name: t * (torch.randint(0, 2, t.shape, generator=generator) * 2 - 1) for name, t in new.items()}


@wrong
def FlipsTheSigns(theta0, masks, generator):
    """Every weight has the sign opposite to the one it had."""
    return {name: -value for name, value in signed_reinit(theta0, masks, generator).items()}


@wrong
def ForgetsTheSigns(theta0, masks, generator):
    """All weights are positive: the sizes were drawn, and the signs of theta0 are still to come."""
    return {name: value.abs() for name, value in signed_reinit(theta0, masks, generator).items()}


@wrong
def KeepsTheOldValues(theta0, masks, generator):
    """Those are the initial weights of the ticket itself: only the signs stay, the sizes are drawn anew."""
    return {name: value * masks[name] if name in masks else value.clone() for name, value in theta0.items()}


@wrong
def SetsOneSize(theta0, masks, generator):
    """All weights of a layer have one size. That is another of the paper's controls: here sizes are drawn."""
    return _signed(theta0, masks, lambda shape: torch.full(shape, _glorot_std(shape)))


@wrong
def DrawsUniformSizes(theta0, masks, generator):
    """The sizes do not vary as those of normal draws do: they look uniform. Take the absolute value of a normal
    draw."""
    return _signed(theta0, masks, lambda shape: (torch.rand(shape, generator=generator)) * 3**0.5 * _glorot_std(shape))


@wrong
def ForgetsTheMask(theta0, masks, generator):
    """Pruned weights are there again: the control keeps the ticket's mask."""
    return signed_reinit(theta0, {name: torch.ones_like(mask) for name, mask in masks.items()}, generator)


@wrong
def CountsKeptWeightsOnly(theta0, masks, generator):
    """The weights are spread too widely. The variance is 2 / (d_in + d_out) in the dense layer: neither one of the two
    sizes alone nor the number of weights that are kept decides, and the root is taken once."""
    new = signed_reinit(theta0, masks, generator)
    return {name: t / masks[name].float().mean().sqrt() if name in masks else t for name, t in new.items()}


@wrong
def TakesTheVarianceForTheSpread(theta0, masks, generator):
    """The weights are spread too narrowly. 2 / (d_in + d_out) is the variance: the standard deviation is its root."""
    return _signed(theta0, masks, lambda shape: torch.randn(shape, generator=generator) * _glorot_std(shape) ** 2)


@wrong
def KeepsTheBiases(theta0, masks, generator):
    """The biases are not 0: of theta0 only the signs of the weights are kept."""
    new = signed_reinit(theta0, masks, generator)
    return {name: t if name in masks else theta0[name].clone() for name, t in new.items()}


@wrong
def DropsTheBiases(theta0, masks, generator):
    """The biases are missing: they start at 0, but they belong to the network."""
    return {name: value for name, value in signed_reinit(theta0, masks, generator).items() if name in masks}


@wrong
def IgnoresTheGenerator(theta0, masks, generator):
    """The draw did not use the generator it was given, so the run cannot be repeated."""
    return _signed(theta0, masks, lambda shape: torch.randn(shape) * _glorot_std(shape))


@wrong
def SeedsItself(theta0, masks, generator):
    """Every call draws the same weights: do not seed. The caller's generator decides."""
    return signed_reinit(theta0, masks, torch.Generator().manual_seed(0))


@wrong
def SeedsAnew(theta0, masks, generator):
    """Every call with one generator draws the same weights, as where its seed is set anew: draw from the generator as
    it stands."""
    return signed_reinit(theta0, masks, torch.Generator().manual_seed(generator.initial_seed()))
