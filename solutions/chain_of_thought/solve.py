"""Answer to chain_of_thought.solve."""

import re
from collections import Counter
from statistics import mode

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Three steps: a list of rationales, a list of answers (None where there is none), a vote. You wrote the last two "
    "already: extract and vote.",
    "The prompt ends at the colon, without a space. Each seed is used once. Take the None out before you vote, but "
    "remember how many samples there were.",
    "Build the list [extract(generate(prompt, seed), 'A:') for seed in range(samples)], then the winner vote(list). "
    "The agreement is list.count(winner) / samples, unless the winner is None.",
)


def _prompt(question):
    return f"Q: {question}\nSteps:"


def _extract(rationale):
    _, found, rest = rationale.rpartition("A:")
    number = re.search(r"-?[0-9]+", rest) if found else None
    return int(number.group()) if number else None


def _sample(generate, question, seeds):
    return [_extract(generate(_prompt(question), seed)) for seed in seeds]


def _elect(answers, samples):
    """The answer with most votes, the first seen of equals, and its share of the samples."""
    counts = Counter(answer for answer in answers if answer is not None)
    if not counts:
        return None, 0.0
    winner, votes = counts.most_common(1)[0]
    return winner, votes / samples


def solve(generate, question, samples):
    return _elect(_sample(generate, question, range(samples)), samples)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def shuffled(values):
        return [values[i] for i in torch.randperm(len(values), generator=rng).tolist()]

    def ask(group, rationales, samples):
        question = f"start {draw(1, 99)}; plus {draw(1, 99)}; times {draw(2, 9)}"
        return case(group, rationales=rationales, question=question, samples=samples)

    # Distinct numbers of two digits: the winner, two others, and what stands on the way.
    a, b, c, *steps = (torch.randperm(90, generator=rng)[:14] + 10).tolist()
    on_the_way = iter(steps)

    def says(answer):
        return f" {next(on_the_way)} {answer}\nA: {answer}"

    same, unparsed = f" {b} {b}\nA: {b}", f" {steps[-1]} {b}"
    corrected = f" {c} {b}\nA: {b}\nNo, the last step is wrong: {a}\nA: {a}"

    votes = shuffled([says(a), says(a), corrected, same, same, unparsed])
    yield ask("some rationales are wrong", [says(c), *votes, same], 7)
    yield ask("some rationales are wrong", [same, *shuffled([says(a), f"\nA: {a}, not {b}", unparsed]), says(b)], 4)
    yield ask("many have no answer", [*shuffled([unparsed, unparsed, unparsed, says(a)]), f"\nA: {c}"], 4)
    yield ask("many have no answer", [unparsed, f" {a}\nA: no idea", *shuffled([f"\nA: {-a}"] * 2), unparsed], 4)
    yield ask("ties", [f"\nA: {c}", f"\nA: {a}", f" {c}\nA: {a}", f"\nA: {c}", f"\nA: {a}"], 4)
    yield ask("none has an answer", [unparsed, f" {b}\nA:", f"\nA: {a}"], 2)
    yield ask("one sample", [says(a), f"\nA: {b}"], 1)


@right
def loops(generate, question, samples):
    votes = {}
    for seed in range(samples):
        text = generate("Q: " + question + "\n" + "Steps:", seed)
        if "A:" in text:
            numbers = re.findall(r"-?\d+", text.split("A:")[-1])
            if numbers:
                votes[int(numbers[0])] = votes.get(int(numbers[0]), 0) + 1
    if len(votes) == 0:
        return None, 0.0
    best = max(votes, key=votes.get)
    return best, votes[best] / samples


@right
def sampled_in_another_order(generate, question, samples):
    answers = _sample(generate, question, reversed(range(samples)))[::-1]
    parsed = [answer for answer in answers if answer is not None]
    winner = mode(parsed) if parsed else None
    return winner, answers.count(winner) / samples if parsed else 0.0


@right
def pairwise_in_torch(generate, question, samples):
    # nan differs from everything, itself included: it has no vote.
    answers = [float("nan") if a is None else a for a in _sample(generate, question, range(samples))]
    numbers = torch.tensor(answers, dtype=torch.float64)
    share, first = (numbers[:, None] == numbers).double().mean(1).max(0)
    return (int(numbers[first]) if share else None), share.item()


@wrong
def SharesAmongTheParsed(generate, question, samples):
    """The agreement is a share of the rationales that have an answer. Take it of all samples: those without one are a
    sign of doubt, too."""
    answers = [answer for answer in _sample(generate, question, range(samples)) if answer is not None]
    return _elect(answers, len(answers))


@wrong
def AlwaysUsesSeedZero(generate, question, samples):
    """Every call had the same seed, so every rationale is the same: the vote copies one sample, as at temperature 0."""
    return _elect(_sample(generate, question, [0] * samples), samples)


@wrong
def SamplesOnce(generate, question, samples):
    """One rationale was sampled and its answer returned. Self-consistency samples many and lets them vote."""
    return _elect(_sample(generate, question, [0]), 1)


@wrong
def CountsSeedsFromOne(generate, question, samples):
    """The seeds start at 1: they are 0 to samples - 1."""
    return _elect(_sample(generate, question, range(1, samples + 1)), samples)


@wrong
def TakesTheFirstAnswer(generate, question, samples):
    """The first answer that could be read won. Count the votes."""
    answers = _sample(generate, question, range(samples))
    first = next((answer for answer in answers if answer is not None), None)
    return first, 0.0 if first is None else answers.count(first) / samples


@wrong
def ReadsTheFirstMarker(generate, question, samples):
    """The answer after the first "A:" was read. A rationale may correct itself: the last one counts."""
    pieces = [generate(_prompt(question), seed).split("A:") for seed in range(samples)]
    return _elect([_extract(f"A:{piece[1]}") if len(piece) > 1 else None for piece in pieces], samples)


@wrong
def ReadsUnfinishedRationales(generate, question, samples):
    """A rationale without "A:" got a vote: its last step was taken for the answer. It was cut off and has none."""
    texts = [generate(_prompt(question), seed) for seed in range(samples)]
    numbers = [re.findall(r"-?\d+", text) for text in texts]
    return _elect(
        [int(n[-1]) if "A:" not in t and n else _extract(t) for t, n in zip(texts, numbers, strict=True)], samples
    )


@wrong
def LetsTheUnparsedVote(generate, question, samples):
    """The samples without an answer won the vote. None is no candidate."""
    answers = _sample(generate, question, range(samples))
    winner, votes = Counter(answers).most_common(1)[0]
    return winner, votes / samples


@wrong
def VotesOnRationales(generate, question, samples):
    """The most frequent rationale won. Different rationales may reach the same answer: vote on the answers."""
    texts = [generate(_prompt(question), seed) for seed in range(samples)]
    text, share = _elect([text if _extract(text) is not None else None for text in texts], samples)
    return (None if text is None else _extract(text)), share


@wrong
def ReturnsTheVotes(generate, question, samples):
    """The number of votes came back for the agreement: divide it by the number of samples."""
    winner, share = solve(generate, question, samples)
    return winner, round(share * samples)


@wrong
def LeavesASpaceAfterSteps(generate, question, samples):
    """The prompt ends with a space. The model continues after "Steps:", and writes the space itself."""
    return _elect([_extract(generate(f"{_prompt(question)} ", seed)) for seed in range(samples)], samples)


@wrong
def AsksForTheAnswerAtOnce(generate, question, samples):
    """The prompt ends with "A:", so that the model answers without a step. It is to begin with its steps."""
    return _elect([_extract(generate(f"Q: {question}\nA:", seed)) for seed in range(samples)], samples)


@wrong
def AsksTheBareQuestion(generate, question, samples):
    """The prompt is not in the form that the model knows: "Q: " before the question, "Steps:" on the next line."""
    return _elect([_extract(generate(question, seed)) for seed in range(samples)], samples)


@wrong
def WantsNothingButTheInteger(generate, question, samples):
    """An answer was lost because other text stands behind "A:". The first integer counts, whatever surrounds it."""
    tails = [generate(_prompt(question), seed).rpartition("A:")[1:] for seed in range(samples)]
    whole = [found and tail.strip().lstrip("-").isdigit() for found, tail in tails]
    return _elect([int(t) if ok else None for (_, t), ok in zip(tails, whole, strict=True)], samples)


@wrong
def AgreesOnNothing(generate, question, samples):
    """No rationale has an answer, and the agreement counted those without one: where the answer is None, it is 0.0."""
    answers = _sample(generate, question, range(samples))
    winner, _ = _elect(answers, samples)
    return winner, answers.count(winner) / samples
