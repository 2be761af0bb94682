"""Answer to prompting.random_labels."""

import random

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Random is not wrong: what should the share of right labels be when each is drawn blindly out of four?",
    "torch.randint(n, (count,), generator=generator) draws places in the label set, one for each demonstration.",
    "Go through pairs and the drawn places together: keep the input, take labels[place]. Do not look at the old label.",
)


def random_labels(pairs, labels, generator):
    places = torch.randint(len(labels), (len(pairs),), generator=generator).tolist()
    return [(text, labels[place]) for (text, _), place in zip(pairs, places, strict=True)]


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def mixed(labels, counts):
        order = torch.randperm(len(labels), generator=rng).tolist()
        places = torch.randperm(len(labels), generator=rng).tolist()
        return {"labels": [labels[i] for i in order], "counts": [counts[i] for i in places], "seed": draw(10, 10**6)}

    topics = ["world", "sports", "business", "science"]
    yield case("uneven labels", **mixed(["no", "yes"], [draw(2500, 2700), draw(600, 700)]))
    yield case("uneven labels", **mixed(topics, [draw(2000, 2200), draw(700, 800), draw(400, 500), draw(300, 400)]))
    each = draw(1000, 1100)
    yield case("as many demonstrations of each label", **mixed(["negative", "neutral", "positive"], [each] * 3))
    counts = [draw(1700, 1800), draw(900, 1000), draw(500, 600), 0]
    yield case("a label without demonstrations", **mixed(topics, counts))


@right
def by_multinomial(pairs, labels, generator):
    weights = torch.ones(len(labels))
    places = torch.multinomial(weights, len(pairs), replacement=True, generator=generator)
    return tuple([text, labels[int(place)]] for (text, _), place in zip(pairs, places, strict=True))


@right
def one_at_a_time(pairs, labels, generator):
    drawn = []
    for text, _ in pairs:
        drawn.append((text, labels[int(torch.rand((), generator=generator) * len(labels))]))
    return drawn


@right
def seeded_by_the_generator(pairs, labels, generator):
    own = random.Random(int(torch.randint(2**31, (), generator=generator)))
    return [(pair[0], own.choice(labels)) for pair in pairs]


@wrong
def AvoidsTheRightLabel(pairs, labels, generator):
    """The right label never comes up, or too rarely. Random is not wrong: draw without a look at the right label."""
    drawn = []
    for text, label in pairs:
        others = [other for other in labels if other != label]
        drawn.append((text, others[int(torch.randint(len(others), (), generator=generator))]))
    return drawn


@wrong
def KeepsTheLabels(pairs, labels, generator):
    """Right labels come up more often than by chance: every label is replaced by one that was drawn blindly."""
    half = torch.rand(len(pairs), generator=generator) < 0.5
    drawn = random_labels(pairs, labels, generator)
    return [old if keep else new for old, new, keep in zip(pairs, drawn, half.tolist(), strict=True)]


@wrong
def ShufflesTheLabels(pairs, labels, generator):
    """Labels are as frequent as they were. That keeps what the right labels told: draw from the label set, evenly."""
    order = torch.randperm(len(pairs), generator=generator).tolist()
    return [(text, pairs[place][1]) for (text, _), place in zip(pairs, order, strict=True)]


@wrong
def DrawsFromLabelsSeen(pairs, labels, generator):
    """A label that no demonstration had can no longer come up: draw from the whole label set, not from the pairs."""
    return random_labels(pairs, sorted({label for _, label in pairs}), generator)


@wrong
def DrawsOneForAll(pairs, labels, generator):
    """All demonstrations got the same label: draw one for each."""
    label = labels[int(torch.randint(len(labels), (), generator=generator))]
    return [(text, label) for text, _ in pairs]


@wrong
def ShufflesThePairs(pairs, labels, generator):
    """Whole pairs changed places and kept their labels. That tests the order: here only the labels change."""
    return [pairs[place] for place in torch.randperm(len(pairs), generator=generator).tolist()]


@wrong
def ShufflesTheInputs(pairs, labels, generator):
    """The labels are random, but the inputs changed places: leave them where they are."""
    order = torch.randperm(len(pairs), generator=generator).tolist()
    return random_labels([pairs[place] for place in order], labels, generator)


@wrong
def InventsLabels(pairs, labels, generator):
    """Labels came up that are not in the label set. That is another experiment, which takes the label space away."""
    numbers = torch.randint(len(labels), (len(pairs),), generator=generator).tolist()
    return [(text, str(number)) for (text, _), number in zip(pairs, numbers, strict=True)]


@wrong
def IgnoresTheGenerator(pairs, labels, generator):
    """The draw did not use the generator it was given, so the run cannot be repeated."""
    return random_labels(pairs, labels, None)


@wrong
def SeedsItself(pairs, labels, generator):
    """Every call draws the same labels: do not seed. The caller's generator decides."""
    return random_labels(pairs, labels, torch.Generator().manual_seed(0))


@wrong
def ChangesTheList(pairs, labels, generator):
    """The list of pairs was changed in place: build a new one, the right labels are still needed."""
    pairs[:] = random_labels(pairs, labels, generator)
    return pairs
