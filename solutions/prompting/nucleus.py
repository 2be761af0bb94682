"""Answer to prompting.nucleus."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "In which order must it happen: temperature, softmax, cut, division by the sum? Which of them moves the border?",
    "Sort each row's probabilities, largest first, and add them up with cumsum. A token stays while the sum of those "
    "before it is below top_p: this keeps the one that crosses.",
    "cumsum minus the token's own probability is the sum before it. Set the others to 0 in the sorted tensor, bring "
    "it back with torch.zeros_like(p).scatter(-1, order, kept), and divide each row by its sum.",
)


def nucleus(logits, temperature, top_p):
    return _to_sum_one(_kept(torch.softmax(logits / temperature, -1), top_p))


def _kept(p, top_p):
    """The probabilities with those outside the nucleus set to 0."""
    ordered, order = p.sort(dim=-1, descending=True)
    before = ordered.cumsum(-1) - ordered
    return torch.zeros_like(p).scatter(-1, order, ordered * (before < top_p))


def _to_sum_one(p):
    return p / p.sum(-1, keepdim=True)


def cases(rng):
    def uniform(low, high):
        return low + (high - low) * float(torch.rand((), generator=rng))

    def draw(group, batch, vocabulary, temperature, top_p, spread=1.5):
        # Drawn until the border is far from every sum: rounding then moves no token across it.
        while True:
            logits = spread * torch.randn(batch, vocabulary, generator=rng)
            if "equally" in group:
                logits[:, 2] = logits[:, 5] = logits.amax(1)
            sums = torch.softmax(logits.double() / temperature, -1).sort(-1, descending=True).values.cumsum(-1)
            counts = (sums < top_p).sum(-1) + 1
            crowded = (sums - top_p).abs().min() < 2e-3
            fits = {"one token is enough": 1, "every token stays": vocabulary}.get(group)
            if not crowded and (counts == fits).all() if fits else not crowded and counts.unique().numel() > 1:
                return case(group, logits=logits, temperature=temperature, top_p=top_p)

    yield draw("a temperature above 1", 4, 9, uniform(1.5, 2.5), uniform(0.6, 0.75))
    yield draw("a temperature above 1", 3, 7, uniform(1.5, 2.5), uniform(0.8, 0.9))
    yield draw("a temperature below 1", 5, 11, uniform(0.4, 0.7), uniform(0.75, 0.9))
    yield draw("one token is enough", 3, 5, uniform(0.5, 0.8), uniform(0.3, 0.4), spread=2.0)
    yield draw("every token stays", 2, 6, uniform(1.3, 2.0), 0.99, spread=0.6)
    yield draw("equally probable tokens", 3, 8, uniform(1.2, 1.6), uniform(0.75, 0.9))


@right
def by_what_is_more_probable(logits, temperature, top_p):
    p = torch.softmax(logits.double() / temperature, -1)
    above = (p[:, None, :] * (p[:, None, :] > p[:, :, None])).sum(-1)
    p = p * (above < top_p)
    return torch.einsum("bv,b->bv", p, 1 / p.sum(-1)).float()


@right
def row_by_row(logits, temperature, top_p):
    rows = []
    for row in logits.tolist():
        weights = [math.exp((z - max(row)) / temperature) for z in row]
        nucleus, total = [], 0.0
        for token in sorted(range(len(row)), key=lambda i: -row[i]):
            nucleus.append(token)
            total += weights[token]
            if total >= top_p * sum(weights):
                break
        rows.append([weights[i] / total if i in nucleus else 0.0 for i in range(len(row))])
    return torch.tensor(rows)


@right
def masked_logits(logits, temperature, top_p):
    scaled = logits / temperature
    ordered = scaled.sort(dim=-1, descending=True).values
    size = (torch.softmax(ordered, -1).cumsum(-1) < top_p).sum(-1, keepdim=True)
    return torch.softmax(scaled.masked_fill(scaled < ordered.gather(-1, size), -torch.inf), -1)


@second_source("transformers 5: TemperatureLogitsWarper and TopPLogitsWarper")
def transformers_warpers(logits, temperature, top_p):
    from transformers import TemperatureLogitsWarper, TopPLogitsWarper

    scores = TemperatureLogitsWarper(temperature)(None, logits)
    return torch.softmax(TopPLogitsWarper(top_p)(None, scores), -1)


@wrong
def MultipliesByTemperature(logits, temperature, top_p):
    """The logits were multiplied by the temperature: divide, so that a high temperature flattens the distribution."""
    return nucleus(logits * temperature, 1.0, top_p)


@wrong
def ForgetsTheTemperature(logits, temperature, top_p):
    """The temperature has no effect on the result: it divides the logits before the softmax."""
    return nucleus(logits, 1.0, top_p)


@wrong
def CutsBeforeTheTemperature(logits, temperature, top_p):
    """The nucleus was chosen before the temperature was applied. The temperature comes first and moves the border."""
    inside = _kept(torch.softmax(logits, -1), top_p) > 0
    return torch.softmax((logits / temperature).masked_fill(~inside, -torch.inf), -1)


@wrong
def DropsTheCrossingToken(logits, temperature, top_p):
    """The token that lifts the sum to top_p is missing: without it the set does not add up to top_p."""
    ordered, order = torch.softmax(logits / temperature, -1).sort(dim=-1, descending=True)
    inside = ordered.cumsum(-1) <= top_p
    inside[:, 0] = True
    return _to_sum_one(torch.zeros_like(ordered).scatter(-1, order, ordered * inside))


@wrong
def LeavesNothing(logits, temperature, top_p):
    """The token that lifts the sum to top_p is missing. Where it is the first, nothing is left, and 0 / 0 is nan."""
    ordered, order = torch.softmax(logits / temperature, -1).sort(dim=-1, descending=True)
    kept = ordered * (ordered.cumsum(-1) <= top_p)
    return _to_sum_one(torch.zeros_like(kept).scatter(-1, order, kept))


@wrong
def KeepsOneTooMany(logits, temperature, top_p):
    """One token too many was kept: the nucleus ends with the token that lifts the sum to top_p."""
    ordered, order = torch.softmax(logits / temperature, -1).sort(dim=-1, descending=True)
    size = (ordered.cumsum(-1) < top_p).sum(-1, keepdim=True) + 2
    kept = ordered * (torch.arange(ordered.shape[-1]) < size)
    return _to_sum_one(torch.zeros_like(kept).scatter(-1, order, kept))


@wrong
def DoesNotRenormalise(logits, temperature, top_p):
    """The rows do not add up to 1: divide what was kept by its sum."""
    return _kept(torch.softmax(logits / temperature, -1), top_p)


@wrong
def TakesTheSoftmaxTwice(logits, temperature, top_p):
    """Probabilities went through a softmax, which gives every 0 some probability again: divide them by their sum."""
    return torch.softmax(DoesNotRenormalise(logits, temperature, top_p), -1)


@wrong
def LeavesThemSorted(logits, temperature, top_p):
    """The probabilities came back sorted. Bring each one back to the place of its token in the vocabulary."""
    return nucleus(logits, temperature, top_p).sort(dim=-1, descending=True).values


@wrong
def GathersInsteadOfScatters(logits, temperature, top_p):
    """The way back from the sorted order is wrong: order[i] says where the i-th largest came from, so scatter."""
    ordered, order = torch.softmax(logits / temperature, -1).sort(dim=-1, descending=True)
    return _to_sum_one(_kept(ordered, top_p)).gather(-1, order)


@wrong
def MasksTheWrongTokens(logits, temperature, top_p):
    """The mask belongs to the sorted probabilities, but met them in another order: scatter it back first."""
    p = torch.softmax(logits / temperature, -1)
    ordered, order = p.sort(dim=-1, descending=True)
    inside = ordered.cumsum(-1) - ordered < top_p
    return _to_sum_one(p * inside.gather(-1, order))


@wrong
def KeepsAShareOfTheTokens(logits, temperature, top_p):
    """A share top_p of the tokens was kept, however probable they are: top_p is a share of the probability."""
    p = torch.softmax(logits / temperature, -1)
    top = p.topk(math.ceil(top_p * p.shape[-1]), -1)
    return _to_sum_one(torch.zeros_like(p).scatter(-1, top.indices, top.values))


@wrong
def ComparesEachTokenAlone(logits, temperature, top_p):
    """Each probability was compared with top_p times the largest. That is min-p: here the sum of them decides."""
    p = torch.softmax(logits / temperature, -1)
    return _to_sum_one(p * (p >= top_p * p.amax(-1, keepdim=True)))


@wrong
def CollectsTheLeastProbable(logits, temperature, top_p):
    """The least probable tokens were collected first: sort with descending=True."""
    p = torch.softmax(logits / temperature, -1)
    ordered, order = p.sort(dim=-1)
    kept = ordered * (ordered.cumsum(-1) - ordered < top_p)
    return _to_sum_one(torch.zeros_like(p).scatter(-1, order, kept))


@wrong
def SortsAcrossTheBatch(logits, temperature, top_p):
    """The rows of the batch were mixed: softmax, sort and cumsum run along the vocabulary, the last dimension."""
    return nucleus(logits.T, temperature, top_p).T
