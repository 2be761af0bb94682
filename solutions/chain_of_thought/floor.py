"""Answer to chain_of_thought.floor."""

from collections import Counter, defaultdict

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Collect the training answers by the last operation of their chain: chain[-1] is a tuple and can be a dict's key.",
    "Write one function that takes a list of answers and returns the commonest, the smallest of several. Call it on "
    "each collection, and on all training answers for keys that are missing.",
    "Of the answers that a Counter counted, min(counts, key=lambda a: (-counts[a], a)) is the commonest and smallest. "
    "guesses.get(chain[-1], overall) is then the guess; the mean of guess == answer over the test is the result.",
)


def _commonest(answers):
    counts = Counter(answers)
    return min(counts, key=lambda answer: (-counts[answer], answer))


def _accuracy(guesses, answers):
    return sum(guess == answer for guess, answer in zip(guesses, answers, strict=True)) / len(answers)


def _learn(chains, answers, key, commonest=_commonest):
    seen = defaultdict(list)
    for chain, answer in zip(chains, answers, strict=True):
        seen[key(chain)].append(answer)
    return {k: commonest(values) for k, values in seen.items()}


def _last(chain):
    return chain[-1]


def floor(train_chains, train_answers, test_chains, test_answers):
    guesses = _learn(train_chains, train_answers, _last)
    overall = _commonest(train_answers)
    return _accuracy([guesses.get(chain[-1], overall) for chain in test_chains], test_answers)


def _draw(rng, low, high):
    return int(torch.randint(low, high, (), generator=rng))


def _distinct(rng, count):
    """Numbers from 1 to 98, ascending: neither the mean of two of them nor an index is likely to be one."""
    return (1 + torch.randperm(98, generator=rng)[:count]).sort().values.tolist()


def _built(rng, group, train, test):
    """A case from pairs of a last operation and its answers; two operations drawn here may stand before it."""
    before = [("minus", _draw(rng, 2, 50)), ("square", 0)]

    def unrolled(blocks):
        pairs = [(key, answer) for key, answers in blocks for answer in answers]
        return [[*before[: i % 3], key] for i, (key, _) in enumerate(pairs)], [answer for _, answer in pairs]

    (train_chains, train_answers), (test_chains, test_answers) = unrolled(train), unrolled(test)
    return case(
        group,
        train_chains=train_chains,
        train_answers=train_answers,
        test_chains=test_chains,
        test_answers=test_answers,
    )


def _computed(rng, group, train, test):
    """A case of chains that start anywhere and are worked out modulo 100."""

    def compute():
        value, chain = _draw(rng, 0, 100), []
        for _ in range(_draw(rng, 2, 5)):
            name, operand = ("plus", "times", "square")[_draw(rng, 0, 3)], _draw(rng, 2, 6)
            chain.append((name, 0 if name == "square" else operand))
            value = {"plus": value + operand, "times": value * operand, "square": value**2}[name] % 100
        return chain, value

    (train_chains, train_answers), (test_chains, test_answers) = (
        zip(*[compute() for _ in range(count)], strict=True) for count in (train, test)
    )
    return case(
        group,
        train_chains=list(train_chains),
        train_answers=list(train_answers),
        test_chains=list(test_chains),
        test_answers=list(test_answers),
    )


def cases(rng):
    m, n, x = _distinct(rng, 3)
    plus, times, other = ("plus", m), ("times", m), ("plus", n)
    a, b, c, d, e = _distinct(rng, 5)
    yield _built(
        rng,
        "the last operation decides",
        [(plus, [a, b, a]), (times, [d, d, c, d, d]), (other, [b, b])],
        [(plus, [a, b, a, c]), (times, [d, a]), (other, [b, b, d])],
    )
    yield _built(
        rng,
        "a tie",
        [(plus, [d, b, e, c, b, c, d, e]), (times, [d, a]), (other, [c])],
        [(plus, [b, b, b, e, e, d]), (times, [a, d, a, a, a]), (other, [b])],
    )
    yield _built(
        rng,
        "an operation that training has not seen",
        [(plus, [b, b, a]), (times, [d, a, d]), (other, [a, c, c])],
        [(("minus", x), [a, a, d]), (("times", n), [a, b]), (plus, [b]), (times, [a, d])],
    )
    yield _computed(rng, "chains that were computed", 120, 50)


@right
def sorted_runs(train_chains, train_answers, test_chains, test_answers):
    def mode(answers):
        return max(sorted(set(answers)), key=answers.count)

    hits = 0
    for chain, answer in zip(test_chains, test_answers, strict=True):
        alike = [a for c, a in zip(train_chains, train_answers, strict=True) if c[-1] == chain[-1]]
        hits += mode(alike or train_answers) == answer
    return hits / len(test_chains)


@right
def table_of_counts(train_chains, train_answers, test_chains, test_answers):
    keys = {key: row for row, key in enumerate(sorted({chain[-1] for chain in train_chains}))}
    counts = torch.zeros(len(keys) + 1, 100, dtype=torch.int64)
    for chain, answer in zip(train_chains, train_answers, strict=True):
        counts[keys[chain[-1]], answer] += 1
        counts[-1, answer] += 1
    rows = torch.tensor([keys.get(chain[-1], len(keys)) for chain in test_chains])
    # The term below 1 makes the smallest of equally common answers the only largest.
    guesses = (counts - torch.arange(100) / 100).argmax(1)[rows]
    return (guesses == torch.tensor(test_answers)).double().mean().item()


@wrong
def FitsOnTheTest(train_chains, train_answers, test_chains, test_answers):
    """The commonest answers were taken from the test set: a guesser may learn from training chains only."""
    return floor(test_chains, test_answers, test_chains, test_answers)


@wrong
def ScoresTheTraining(train_chains, train_answers, test_chains, test_answers):
    """That is the accuracy on the training chains, where the guesser has seen the answers."""
    return floor(train_chains, train_answers, train_chains, train_answers)


@wrong
def IgnoresTheOperation(train_chains, train_answers, test_chains, test_answers):
    """Every test chain got the same guess. The last operation is known to the guesser: learn one guess for each."""
    return _accuracy([_commonest(train_answers)] * len(test_answers), test_answers)


def _by(key, train_chains, train_answers, test_chains, test_answers):
    guesses, overall = _learn(train_chains, train_answers, key), _commonest(train_answers)
    return _accuracy([guesses.get(key(chain), overall) for chain in test_chains], test_answers)


@wrong
def ForgetsTheOperand(train_chains, train_answers, test_chains, test_answers):
    """The guesser saw the name of the last operation only: its operand belongs to the key."""
    return _by(lambda chain: chain[-1][0], train_chains, train_answers, test_chains, test_answers)


@wrong
def ForgetsTheName(train_chains, train_answers, test_chains, test_answers):
    """The guesser saw the operand of the last operation only: its name belongs to the key."""
    return _by(lambda chain: chain[-1][1], train_chains, train_answers, test_chains, test_answers)


@wrong
def LooksAtTheFirstOperation(train_chains, train_answers, test_chains, test_answers):
    """The guesser looked at the first operation. The answer's traces are left by the last one."""
    return _by(lambda chain: chain[0], train_chains, train_answers, test_chains, test_answers)


@wrong
def RemembersWholeChains(train_chains, train_answers, test_chains, test_answers):
    """The guesser was given the whole chain, which hardly ever comes twice. It sees the last operation only."""
    return _by(tuple, train_chains, train_answers, test_chains, test_answers)


@wrong
def BreaksTiesByOrder(train_chains, train_answers, test_chains, test_answers):
    """Of equally common answers the first seen was taken, as Counter.most_common does: take the smallest."""

    def first_seen(answers):
        return Counter(answers).most_common(1)[0][0]

    guesses = _learn(train_chains, train_answers, _last, first_seen)
    overall = first_seen(train_answers)
    return _accuracy([guesses.get(chain[-1], overall) for chain in test_chains], test_answers)


@wrong
def GivesUpOnTheUnseen(train_chains, train_answers, test_chains, test_answers):
    """Last operations that training has not seen were counted as wrong: guess the commonest answer of all."""
    guesses = _learn(train_chains, train_answers, _last)
    return _accuracy([guesses.get(chain[-1]) for chain in test_chains], test_answers)


@wrong
def LeavesOutTheUnseen(train_chains, train_answers, test_chains, test_answers):
    """Chains with a last operation that training has not seen were left out: guess the commonest answer of all."""
    guesses = _learn(train_chains, train_answers, _last)
    known = [(guesses[c[-1]], a) for c, a in zip(test_chains, test_answers, strict=True) if c[-1] in guesses]
    return sum(guess == answer for guess, answer in known) / len(known)


@wrong
def GuessesUniformly(train_chains, train_answers, test_chains, test_answers):
    """One in a hundred is the floor only where all answers are equally likely. After a square, 22 are possible."""
    return 0.01


@wrong
def TakesTheMedian(train_chains, train_answers, test_chains, test_answers):
    """The guess was the median of the training answers. It may hit no answer at all: take the commonest."""

    def median(answers):
        return sorted(answers)[(len(answers) - 1) // 2]

    guesses = _learn(train_chains, train_answers, _last, median)
    return _accuracy([guesses.get(chain[-1], median(train_answers)) for chain in test_chains], test_answers)


@wrong
def LargestOfTies(train_chains, train_answers, test_chains, test_answers):
    """Of equally common answers the largest was taken: take the smallest."""

    def largest(answers):
        return max(sorted(set(answers), reverse=True), key=answers.count)

    guesses = _learn(train_chains, train_answers, _last, largest)
    return _accuracy([guesses.get(chain[-1], largest(train_answers)) for chain in test_chains], test_answers)
