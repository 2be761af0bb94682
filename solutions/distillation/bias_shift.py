"""Answer to distillation.bias_shift."""

import math

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Which predictions can change when one logit of a row is raised, and in which direction only?",
    "Write a loop over k / 4 for k from 0 to 240. Copy z, add the offset to column c, and compare argmax with c.",
    "Collect the distances abs(share - prior) of all offsets in a list. The first smallest one is the answer: "
    "min over the offsets with the distance as key, or index of the min, returns the first.",
)

OFFSETS = [k / 4 for k in range(241)]


def bias_shift(z, c, prior):
    return min(OFFSETS, key=lambda offset: abs(_share(z, c, offset) - prior))


def _share(z, c, offset):
    shifted = z.clone()
    shifted[:, c] += offset
    return (shifted.argmax(-1) == c).double().mean().item()


def cases(rng):
    def draw(group, gaps, prior, C):
        """Logits in which class c lies a gap below the largest other: gaps are odd eighths, all else quarters."""
        gaps = torch.tensor(gaps)[torch.randperm(len(gaps), generator=rng)]
        z = torch.randint(-12, 13, (len(gaps), C), generator=rng) / 4
        c = int(torch.randint(C, (), generator=rng))
        z[:, c] = -torch.inf
        z[:, c] = z.amax(-1) - gaps
        return case(group, z=z, c=c, prior=prior)

    def odd(low, high, n):
        return (torch.randint(int(4 * low), int(4 * high), (n,), generator=rng) / 4 + 0.125).tolist()

    # Shares are sixteenths and eighths, which no rounding touches.
    yield draw("a share that is met exactly", odd(0.5, 4, 5) + odd(6, 9, 11), 5 / 16, 4)
    yield draw("a share that is met exactly", odd(2, 10, 2) + odd(20, 30, 6), 2 / 8, 3)
    yield draw("a share that is jumped over", odd(1, 3, 3) + [5.125] * 4 + odd(7, 9, 9), 6 / 16, 5)
    yield draw("a share that is jumped over", odd(1, 3, 3) + [4.625] * 4 + odd(7, 9, 9), 4 / 16, 3)
    yield draw("as far below as above", odd(2, 5, 2) + odd(6, 8, 1) + odd(10, 14, 5), 5 / 16, 4)
    yield draw("the last offset", odd(2, 50, 4) + [59.875] * 3 + odd(61, 80, 1), 7 / 8, 3)
    yield draw("too many already", [-gap for gap in odd(0.5, 3, 7)] + odd(1, 5, 9), 3 / 16, 3)
    yield draw("out of reach", odd(3, 50, 3) + odd(61, 80, 5), 5 / 8, 4)


@right
def counted_gaps(z, c, prior):
    others = torch.cat([z[:, :c], z[:, c + 1 :]], 1).amax(1)
    gaps = others - z[:, c]
    offsets = torch.arange(241) * 0.25
    shares = (offsets[:, None] > gaps).double().mean(1)
    return offsets[(shares - prior).abs().min(0).indices].item()


@right
def all_offsets_at_once(z, c, prior):
    offsets = torch.linspace(0, 60, 241)
    shifted = z.repeat(len(offsets), 1, 1)
    shifted[:, :, c] += offsets[:, None]
    distance = (shifted.argmax(-1).eq(c).float().mean(1) - prior).abs().tolist()
    return float(offsets[distance.index(min(distance))])


@right
def kept_while_it_improves(z, c, prior):
    best, offset, nearest = 0.0, 0.0, math.inf
    while offset <= 60:
        distance = abs(_share(z, c, offset) - prior)
        if distance < nearest:
            best, nearest = offset, distance
        offset += 0.25
    return best


@wrong
def ShiftsEveryClass(z, c, prior):
    """All logits of a row were raised, which changes no prediction: raise that of class c alone."""
    return 0.0


@wrong
def LowersTheClass(z, c, prior):
    """The offset was subtracted from class c, or added to the others: class c must become more frequent."""
    return min(OFFSETS, key=lambda offset: abs(_share(z, c, -offset) - prior))


@wrong
def TakesTheGreatestOffset(z, c, prior):
    """Several offsets give the same distance, and you took a later one: the least counts. Compare with <, not <=."""
    return min(reversed(OFFSETS), key=lambda offset: abs(_share(z, c, offset) - prior))


@wrong
def ReachesThePrior(z, c, prior):
    """You stopped where the share first reaches the prior. The share just below may be nearer."""
    return next((offset for offset in OFFSETS if _share(z, c, offset) >= prior), OFFSETS[-1])


@wrong
def StaysBelowThePrior(z, c, prior):
    """You took the largest share that does not exceed the prior. The share just above may be nearer."""
    below = [offset for offset in OFFSETS if _share(z, c, offset) <= prior]
    return max(below, key=lambda offset: _share(z, c, offset), default=0.0)


@wrong
def MatchesTheMeanProbability(z, c, prior):
    """The mean probability of class c was brought to the prior. Count the rows in which the class wins."""

    def probability(offset):
        shifted = z.double()
        shifted[:, c] += offset
        return shifted.softmax(-1)[:, c].mean().item()

    return min(OFFSETS, key=lambda offset: abs(probability(offset) - prior))


@wrong
def ShiftsTheProbabilities(z, c, prior):
    """The offset was added to probabilities, where 1 is already decisive: add it to the logits."""
    return bias_shift(z.softmax(-1), c, prior)


@wrong
def AimsAtAnEvenShare(z, c, prior):
    """The class was made as frequent as 1 / C. The prior says how often it occurs."""
    return bias_shift(z, c, 1 / z.shape[1])


@wrong
def StepsByOne(z, c, prior):
    """Only whole offsets were tried: they are a quarter apart."""
    return min(OFFSETS[::4], key=lambda offset: abs(_share(z, c, offset) - prior))


@wrong
def StepsByHalf(z, c, prior):
    """Only every second offset was tried: they are a quarter apart."""
    return min(OFFSETS[::2], key=lambda offset: abs(_share(z, c, offset) - prior))


@wrong
def ReturnsTheIndex(z, c, prior):
    """That is the number of the offset in the list: return the offset itself, a quarter of it."""
    return 4 * bias_shift(z, c, prior)


@wrong
def ReturnsTheShare(z, c, prior):
    """That is the share that was reached: return the offset that reaches it."""
    return _share(z, c, bias_shift(z, c, prior))


@wrong
def LeavesOutTheLast(z, c, prior):
    """The offset 60 was never tried: range(n) ends with n - 1."""
    return min(OFFSETS[:-1], key=lambda offset: abs(_share(z, c, offset) - prior))


@wrong
def PilesUpOffsets(z, c, prior):
    """The offsets were added on top of each other: add each to the logits that were given, on a new copy."""
    sums = [k * (k + 1) / 8 for k in range(len(OFFSETS))]
    return OFFSETS[min(range(len(sums)), key=lambda k: abs(_share(z, c, sums[k]) - prior))]
