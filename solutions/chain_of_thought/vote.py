"""Answer to chain_of_thought.vote."""

from collections import Counter
from statistics import median_low

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Take the None out first. Mind that 0 is an answer like any other.",
    "collections.Counter counts and remembers in which order its keys came. Or count in a dict, which does, too.",
    "max(counts, key=counts.get) returns the first key of the largest count. Without any candidate return None.",
)


def vote(answers):
    counts = Counter(answer for answer in answers if answer is not None)
    return max(counts, key=counts.get) if counts else None


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def shuffled(values):
        return [values[i] for i in torch.randperm(len(values), generator=rng).tolist()]

    low, middle, high = draw(1, 30), draw(31, 60), draw(61, 100)
    yield case("a clear winner", answers=[low, *shuffled([low, middle, middle, middle, high, high, high, high])])
    yield case("a clear winner", answers=[high, *shuffled([low, low, low, middle, None])])
    yield case("a clear winner", answers=[low, *shuffled([-low, -low, -low, high, high])])
    yield case("zero wins", answers=[middle, *shuffled([0, 0, 0, 0, middle, None])])
    yield case("many were not parsed", answers=[None, low, *shuffled([None, None, None, high, high, middle])])
    # A set of these four yields 64 first, which is neither the smallest, nor the largest, nor the first seen.
    tied = [draw(4, 7), draw(1, 4), 64, 71]
    yield case("ties", answers=[*tied, *tied, draw(100, 200)])
    yield case("ties", answers=[middle, low, low, middle])
    yield case("ties", answers=[None, low, high, middle, high, low, None])
    yield case("nothing, or one answer, was parsed", answers=[])
    yield case("nothing, or one answer, was parsed", answers=[None] * draw(2, 5))
    yield case("nothing, or one answer, was parsed", answers=[None, None, middle])


@right
def counted_for_each(answers):
    parsed = [answer for answer in answers if answer is not None]
    return max(parsed, key=parsed.count, default=None)


@right
def dictionary(answers):
    counts = {}
    for answer in answers:
        if answer is not None:
            counts[answer] = counts.get(answer, 0) + 1
    best = None
    for answer, count in counts.items():
        if best is None or count > counts[best]:
            best = answer
    return best


@right
def pairwise_in_torch(answers):
    parsed = torch.tensor([answer for answer in answers if answer is not None], dtype=torch.long)
    if not len(parsed):
        return None
    votes = (parsed[:, None] == parsed).sum(1)
    return parsed[votes == votes.max()][0].item()


@second_source("Python 3.11: statistics.mode")
def first_mode(answers):
    from statistics import StatisticsError, mode

    try:
        return mode(answer for answer in answers if answer is not None)
    except StatisticsError:
        return None


def _parsed(answers):
    return [answer for answer in answers if answer is not None]


def _tied(answers):
    """The parsed answers with most votes, in order of their first vote."""
    counts = Counter(_parsed(answers))
    return [answer for answer in counts if counts[answer] == max(counts.values())]


@wrong
def CountsUnparsed(answers):
    """None won the vote. A sample that could not be parsed has no vote."""
    return Counter(answers).most_common(1)[0][0] if answers else None


@wrong
def DropsZero(answers):
    """0 was treated as if it were missing: ask whether an answer is None, not whether it is true."""
    return vote([answer for answer in answers if answer])


@wrong
def SmallestOfTies(answers):
    """Among equally many votes the smallest answer was chosen: the one seen first wins."""
    return min(_tied(answers), default=None)


@wrong
def LargestOfTies(answers):
    """Among equally many votes the largest answer was chosen: the one seen first wins."""
    return max(_tied(answers), default=None)


@wrong
def LastSeenOfTies(answers):
    """Among equally many votes the answer seen last was chosen: a later one needs more votes, not as many."""
    return _tied(answers)[-1] if _tied(answers) else None


@wrong
def FirstToReachTheCount(answers):
    """The winner of a tie was the first to have all its votes. The tie goes to the one whose first vote came first."""
    counts, best = Counter(), None
    for answer in _parsed(answers):
        counts[answer] += 1
        if best is None or counts[answer] > counts[best]:
            best = answer
    return best


@wrong
def BreaksTiesBySetOrder(answers):
    """Ties went in the order of a set, which is not the order in which the answers came."""
    parsed = _parsed(answers)
    return max(set(parsed), key=parsed.count, default=None)


@wrong
def TakesTheMedian(answers):
    """The answers were averaged, or their median taken. They are names, not measurements: count equal ones."""
    return median_low(_parsed(answers)) if _parsed(answers) else None


@wrong
def NeedsMoreThanHalf(answers):
    """An answer with most votes was refused, because it had no more than half of them: most votes suffice."""
    best = vote(answers)
    return best if answers.count(best) > len(_parsed(answers)) / 2 else None


@wrong
def NeedsMoreThanHalfOfAll(answers):
    """The winner was refused: unparsed samples were counted among those of which it had to have more than half."""
    best = vote(answers)
    return best if answers.count(best) > len(answers) / 2 else None


@wrong
def NeedsHalf(answers):
    """An answer with most votes was refused, because it had less than half of them: no share is required."""
    best = vote(answers)
    return best if answers.count(best) >= len(_parsed(answers)) / 2 else None


@wrong
def TakesTheFirst(answers):
    """The first answer that could be parsed was taken, as if one sample had been drawn: count the votes."""
    return next(iter(_parsed(answers)), None)


@wrong
def FailsWithoutAnswers(answers):
    """It fails where there is no candidate: an empty Counter has no most common key. Return None there."""
    return Counter(_parsed(answers)).most_common(1)[0][0]
