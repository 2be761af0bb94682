"""Answer to chain_of_thought.serial_depth."""

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Take given tokens only. Each layer reads the layer below, at whatever position: how long can a path be?",
    "A sampled token ties the first layer at its position to the last layer one position before. How much longer does "
    "the longest path become with each of them? Given tokens between them do not cut it, since attention reaches back.",
    "Every sampled token adds a whole pass through the layers, and the pass that ends in the answer comes on top. The "
    "work is layers for every token of the context, given or sampled.",
)


def serial_depth(layers, sampled):
    return layers * (1 + sum(sampled)), layers * len(sampled)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def given(low, high):
        return [False] * draw(low, high)

    def steps(low, high):
        return [True] * draw(low, high)

    yield case("an answer at once", layers=draw(3, 9), sampled=given(5, 12))
    yield case("written steps", layers=draw(3, 7), sampled=given(4, 9) + steps(4, 9))
    yield case("one layer", layers=1, sampled=given(2, 6) + steps(3, 7))
    yield case("filler, put there by us", layers=draw(2, 5), sampled=given(20, 40))
    yield case("filler, put there by us", layers=draw(2, 5), sampled=given(3, 6) + steps(2, 4) + given(8, 12))
    yield case("a cue after the steps", layers=draw(3, 7), sampled=given(3, 7) + steps(4, 8) + given(1, 4))
    pieces = given(3, 6) + steps(2, 4) + given(1, 3) + steps(3, 5) + given(2, 4) + steps(1, 3)
    yield case("hints between the steps", layers=draw(2, 6), sampled=pieces)


@right
def longest_path(layers, sampled):
    top = []
    for position, own in enumerate(sampled):
        column = [top[position - 1][-1] if own else 0]
        for layer in range(layers):
            column.append(1 + max(column[-1], *(other[layer] for other in top), 0))
        top.append(column)
    return top[-1][-1], sum(len(column) - 1 for column in top)


@right
def recursion(layers, sampled):
    from functools import cache

    @cache
    def length(layer, position):
        if layer == 0:
            return length(layers, position - 1) if sampled[position] else 0
        return 1 + max(length(layer - 1, earlier) for earlier in range(position + 1))

    return length(layers, len(sampled) - 1), sum(layers for _ in sampled)


@wrong
def SeesOnlyTheLayers(layers, sampled):
    """The path was counted for one pass. A sampled token carries the last layer's result back to the first layer."""
    return layers, layers * len(sampled)


@wrong
def CountsGivenTokens(layers, sampled):
    """Given tokens were put in series. Nothing has to be computed before they can be read: they stand in parallel."""
    return layers * len(sampled), layers * len(sampled)


@wrong
def ForgetsTheLastPass(layers, sampled):
    """One pass is missing from the path: without any sampled token the answer still takes all layers."""
    return layers * sum(sampled), layers * len(sampled)


@wrong
def AddsOneForEachToken(layers, sampled):
    """Each sampled token was counted as one more computation: it carries a path through all layers."""
    return layers + sum(sampled), layers * len(sampled)


@wrong
def CutsAtGivenTokens(layers, sampled):
    """The path was cut at a given token. Later tokens attend to sampled ones before it all the same."""
    longest = run = 0
    for own in sampled:
        run = run + 1 if own else 0
        longest = max(longest, run)
    return layers * (1 + longest), layers * len(sampled)


@wrong
def CountsAllFromTheFirstSampled(layers, sampled):
    """Given tokens after the first sampled one were put in series, too: only sampled ones wait for the model."""
    first = sampled.index(True) if True in sampled else len(sampled)
    return layers * (1 + len(sampled) - first), layers * len(sampled)


@wrong
def WorksOnSampledTokensOnly(layers, sampled):
    """The work on given tokens is missing: they take as many layer computations as sampled ones."""
    return layers * (1 + sum(sampled)), layers * sum(sampled)


@wrong
def ComputesThePrefixAgain(layers, sampled):
    """The tokens before were computed anew for each sampled one: with a key-value cache nothing is done twice."""
    passes = sum(i for i, own in enumerate(sampled) if own) + len(sampled)
    return layers * (1 + sum(sampled)), layers * passes


@wrong
def CountsTheAnswerAsWork(layers, sampled):
    """The answer was counted as a token. It is read from the last position and runs through no layer."""
    return layers * (1 + sum(sampled)), layers * (len(sampled) + 1)
