"""Answer to chain_of_thought.filter_logits."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "A small temperature makes the distribution sharper, so the logits must move apart. Do you divide or multiply?",
    "Find each row's threshold, its k-th largest logit: torch.topk sorts, largest first. Ask for no more than there "
    "are, and keep the threshold's shape (batch, 1) so that it meets every logit of its row.",
    'scaled.masked_fill(scaled < threshold, float("-inf")) with threshold = scaled.topk(min(k, V)).values[:, -1:], '
    "where V is the size of the vocabulary. masked_fill without the underscore leaves its input as it was.",
)


def filter_logits(logits, temperature, k):
    scaled = logits / temperature
    threshold = scaled.topk(min(k, scaled.shape[-1])).values[:, -1:]
    return scaled.masked_fill(scaled < threshold, -torch.inf)


def cases(rng):
    def distinct(batch, vocabulary):
        # Multiples of 1/16 within a row: no division makes two of them equal.
        rows = [torch.randperm(129, generator=rng)[:vocabulary] - 64 for _ in range(batch)]
        return torch.stack(rows) / 16

    def tied(batch, vocabulary, k, copies):
        # Each row's k-th largest logit stands at k and at copies - 1 places after it.
        rows = distinct(batch, vocabulary).sort(descending=True).values
        rows[:, k - 1 : k - 1 + copies] = rows[:, k - 1 : k]
        return torch.stack([row[torch.randperm(vocabulary, generator=rng)] for row in rows])

    yield case("distinct logits", logits=distinct(4, 9), temperature=0.7, k=3)
    yield case("distinct logits", logits=distinct(6, 5), temperature=1.6, k=4)
    yield case("k = 1", logits=distinct(3, 7), temperature=0.5, k=1)
    yield case("ties", logits=tied(4, 8, 3, 3), temperature=0.8, k=3)
    yield case("ties", logits=tied(3, 6, 1, 2), temperature=2.0, k=1)
    yield case("k is the vocabulary or more", logits=distinct(7, 6), temperature=0.6, k=6)
    yield case("k is the vocabulary or more", logits=distinct(2, 4), temperature=1.3, k=9)


@right
def filtered_before_the_temperature(logits, temperature, k):
    ordered = logits.sort(dim=-1).values
    threshold = ordered[:, max(0, logits.shape[1] - k), None]
    return torch.where(logits >= threshold, logits, -torch.inf) / temperature


@right
def row_by_row(logits, temperature, k):
    result = torch.full_like(logits, float("-inf"))
    for i, row in enumerate(logits.tolist()):
        threshold = sorted(row, reverse=True)[:k][-1]
        for j, value in enumerate(row):
            if value >= threshold:
                result[i, j] = value / temperature
    return result


@right
def counted_in_float64(logits, temperature, k):
    larger = (logits[:, None, :] > logits[:, :, None]).sum(-1)
    result = logits.double() / temperature
    result[larger >= k] = -torch.inf
    return result.float()


@second_source("transformers 5: TemperatureLogitsWarper and TopKLogitsWarper")
def transformers_warpers(logits, temperature, k):
    from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper

    return TopKLogitsWarper(k)(None, TemperatureLogitsWarper(temperature)(None, logits))


def _threshold(values, k):
    return values.topk(min(k, values.shape[-1])).values[:, -1:]


@wrong
def MultipliesByTheTemperature(logits, temperature, k):
    """The logits were multiplied by the temperature: divide, so that a low temperature sharpens the distribution."""
    return filter_logits(logits, 1 / temperature, k)


@wrong
def ForgetsTheTemperature(logits, temperature, k):
    """The temperature was not applied: the logits that are kept are divided by it."""
    return filter_logits(logits, 1.0, k)


@wrong
def FillsWithZero(logits, temperature, k):
    """What was filtered became 0. A logit of 0 still has a probability, exp(0) over the sum: use -inf."""
    scaled = logits / temperature
    return scaled.masked_fill(scaled < _threshold(scaled, k), 0.0)


@wrong
def CutsTies(logits, temperature, k):
    """Exactly k logits of each row were kept. Those equal to the k-th largest are kept, too, however many."""
    scaled = logits / temperature
    values, indices = scaled.topk(min(k, scaled.shape[-1]))
    return torch.full_like(scaled, -torch.inf).scatter(-1, indices, values)


@wrong
def DropsTheKth(logits, temperature, k):
    """The k-th largest logit itself was filtered: only smaller ones are."""
    scaled = logits / temperature
    return scaled.masked_fill(scaled <= _threshold(scaled, k), -torch.inf)


@wrong
def KeepsOneTooMany(logits, temperature, k):
    """The threshold is the (k + 1)-th largest logit. Count the positions from 0."""
    return filter_logits(logits, temperature, k + 1)


@wrong
def CountsFromBelow(logits, temperature, k):
    """The threshold is the k-th smallest logit of the row, which keeps almost everything: count from the largest."""
    scaled = logits / temperature
    threshold = scaled.kthvalue(min(k, scaled.shape[-1]), keepdim=True).values
    return scaled.masked_fill(scaled < threshold, -torch.inf)


@wrong
def RanksTheWholeBatch(logits, temperature, k):
    """One threshold served the whole batch. Each row is a distribution of its own and has its own k largest logits."""
    scaled = logits / temperature
    threshold = scaled.flatten().topk(min(k, scaled.numel())).values[-1]
    return scaled.masked_fill(scaled < threshold, -torch.inf)


@wrong
def RanksOverTheBatch(logits, temperature, k):
    """The k largest were sought along the batch. The vocabulary is the last dimension."""
    return filter_logits(logits.T, temperature, k).T


@wrong
def ReturnsProbabilities(logits, temperature, k):
    """Those are probabilities: return the logits, and leave the softmax to the sampler."""
    return filter_logits(logits, temperature, k).softmax(-1)


@wrong
def MultipliesByInfinity(logits, temperature, k):
    """-inf was multiplied by a mask, and 0 times infinity is nan: choose with the mask instead."""
    scaled = logits / temperature
    return scaled + (scaled < _threshold(scaled, k)) * -torch.inf


@wrong
def EditsTheLogits(logits, temperature, k):
    """The logits given were changed. Others still need them, for the log-probabilities say: fill a new tensor."""
    threshold = _threshold(logits, k)
    logits[logits < threshold] = -torch.inf
    return logits / temperature


@wrong
def AsksForMoreThanThereAre(logits, temperature, k):
    """It fails where k exceeds the vocabulary. The course model's is small: there, keep everything."""
    scaled = logits / temperature
    return scaled.masked_fill(scaled < scaled.topk(k).values[:, -1:], -torch.inf)
