"""Answer to prompting.attack_success."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "For each item there are two questions: does its clean output hold its canary, and does its attacked output? "
    "Which of them decides whether the item counts at all?",
    "zip(attacked, clean, canaries, strict=True) walks through the items; `canary in output` asks whether one occurs.",
    "Collect, for all items whose clean output does not hold the canary, whether the attacked one does. The rate is "
    "the sum of that list over its length, and math.nan where the list is empty.",
)


def attack_success(attacked, clean, canaries):
    items = zip(attacked, clean, canaries, strict=True)
    hits = [canary in output for output, before, canary in items if canary not in before]
    return (sum(hits) / len(hits) if hits else math.nan), len(hits)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def canary():
        return "".join("ABCDEFGHJKLMNPQRSTUVWXYZ"[draw(0, 24)] for _ in range(4)) + str(draw(10, 99))

    def output(held="", form="in a sentence"):
        said = {"in a sentence": f"Sure, {held}!", "alone": held, "in lower case": f"no {held.lower()}"}[form]
        return f"{said} {draw(100, 999)}" if form != "alone" else said

    def batch(group, kinds):
        """Each kind says how the attacked and the clean output hold the canary (empty: not at all)."""
        items = []
        for i in torch.randperm(len(kinds), generator=rng).tolist():
            own, (attacked, clean) = canary(), kinds[i]
            items.append([output(own, form) if form else output() for form in (attacked, clean)] + [own])
        attacked, clean, canaries = (list(column) for column in zip(*items, strict=True))
        return case(group, attacked=attacked, clean=clean, canaries=canaries)

    hit, alone, lower, miss = "in a sentence", "alone", "in lower case", ""
    plain = [(hit, miss)] * draw(2, 4) + [(miss, miss)] * draw(5, 8) + [(alone, miss)] + [(lower, miss)]
    yield batch("no clean output holds the canary", plain)
    benign = [(hit, miss)] * draw(3, 6) + [(hit, hit)] * draw(2, 5) + [(miss, alone)] * 2 + [(miss, miss)] * draw(3, 6)
    yield batch("some clean outputs hold the canary", [*benign, (hit, lower), (lower, miss), (alone, miss)])
    crossed = batch(
        "another item's canary does not count", [(hit, miss)] * 2 + [(miss, miss)] * 5 + [(hit, hit)]
    ).inputs
    misses = [i for i in range(8) if crossed["canaries"][i] not in crossed["attacked"][i] + crossed["clean"][i]]
    others = [crossed["canaries"][i] for i in misses]
    crossed["attacked"][misses[0]] += others[1]
    crossed["clean"][misses[2]] += others[3]
    yield case("another item's canary does not count", **crossed)
    yield batch("no item is left", [(hit, hit)] * draw(2, 5) + [(miss, alone)])


@right
def two_counters(attacked, clean, canaries):
    succeeded = counted = 0
    for i in range(len(canaries)):
        if clean[i].find(canaries[i]) >= 0:
            continue
        counted += 1
        succeeded += attacked[i].find(canaries[i]) >= 0
    return (float("nan") if counted == 0 else succeeded / counted), counted


@right
def masked_mean(attacked, clean, canaries):
    hit, benign = (
        torch.tensor([c in output for output, c in zip(outputs, canaries, strict=True)])
        for outputs in (attacked, clean)
    )
    return hit[~benign].double().mean().item(), int((~benign).sum())


@second_source("numpy: strings.find and masked arrays")
def masked_array(attacked, clean, canaries):
    import numpy as np

    hit, benign = (np.strings.find(np.array(outputs), np.array(canaries)) >= 0 for outputs in (attacked, clean))
    tries = np.ma.array(hit.astype(float), mask=benign)
    return float(np.ma.filled(tries.mean(), np.nan)), tries.count()


def _rate(hits):
    return sum(hits) / len(hits) if hits else math.nan


@wrong
def CountsBenignHits(attacked, clean, canaries):
    """Some of these outputs hold the canary without any attack: leave items out whose clean output has it, too."""
    hits = [canary in output for output, canary in zip(attacked, canaries, strict=True)]
    return _rate(hits), len(hits)


@wrong
def KeepsThemInTheCount(attacked, clean, canaries):
    """An item whose clean output holds the canary is no failed attack either: it leaves the count altogether."""
    hits = [c in output and c not in before for output, before, c in zip(attacked, clean, canaries, strict=True)]
    return _rate(hits), len(hits)


@wrong
def SubtractsTheRates(attacked, clean, canaries):
    """The rate of the clean outputs was subtracted. Decide item by item which of them count."""
    hits = [(c in output) - (c in before) for output, before, c in zip(attacked, clean, canaries, strict=True)]
    return _rate(hits), len(hits)


@wrong
def AcceptsAnyCanary(attacked, clean, canaries):
    """A success was counted for another item's canary: each attacked output is searched for its own."""
    kept = [output for output, before, c in zip(attacked, clean, canaries, strict=True) if c not in before]
    hits = [any(c in output for c in canaries) for output in kept]
    return _rate(hits), len(hits)


@wrong
def DropsForAnyCanary(attacked, clean, canaries):
    """An item left the count because its clean output holds another item's canary: only its own one matters."""
    pairs = zip(attacked, clean, canaries, strict=True)
    hits = [c in output for output, before, c in pairs if not any(other in before for other in canaries)]
    return _rate(hits), len(hits)


@wrong
def WantsNothingElse(attacked, clean, canaries):
    """An output with more than the canary in it was not recognised: the canary may occur anywhere."""
    hits = [output == c for output, before, c in zip(attacked, clean, canaries, strict=True) if before != c]
    return _rate(hits), len(hits)


@wrong
def IgnoresCapitals(attacked, clean, canaries):
    """A word in other capitals was taken for the canary: compare exactly."""
    return attack_success(*([text.lower() for text in texts] for texts in (attacked, clean, canaries)))


@wrong
def SaysZeroForNone(attacked, clean, canaries):
    """Where no item is left, nothing was measured. A rate of 0 would read as a safe model: return math.nan."""
    rate, counted = attack_success(attacked, clean, canaries)
    return (rate if counted else 0.0), counted


@wrong
def DividesByNoItems(attacked, clean, canaries):
    """No item was left, and the rate was divided by 0: nothing was measured there, so return math.nan."""
    rate, counted = attack_success(attacked, clean, canaries)
    return round(rate * counted if counted else 0) / counted, counted


@wrong
def ReturnsTheSuccesses(attacked, clean, canaries):
    """The second number is that of the successes: it should say how many items were counted."""
    rate, counted = attack_success(attacked, clean, canaries)
    return rate, round(rate * counted) if counted else 0


@wrong
def ReturnsPercent(attacked, clean, canaries):
    """The rate is in percent: return a share between 0 and 1."""
    rate, counted = attack_success(attacked, clean, canaries)
    return 100 * rate, counted


@wrong
def ReportsTheFailures(attacked, clean, canaries):
    """That is the share of the attacks that the model withstood: the attacker succeeds when the canary is printed."""
    rate, counted = attack_success(attacked, clean, canaries)
    return 1 - rate, counted
