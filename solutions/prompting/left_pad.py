"""Answer to prompting.left_pad."""

import torch
from torch.nn.functional import pad as extend
from torch.nn.utils.rnn import pad_sequence

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Every row is some pads and then the sequence. How many pads does a sequence of length n get?",
    "Build the mask from the lengths, 0 for each pad and then 1 for each token: the ids do not tell pads from tokens.",
    "With the mask as a tensor, mask.cumsum(1) counts the tokens so far. Subtract 1 and clamp at 0.",
)


def left_pad(sequences, pad):
    width = max(len(sequence) for sequence in sequences)
    ids = torch.tensor([[pad] * (width - len(sequence)) + sequence for sequence in sequences])
    mask = torch.tensor([[0] * (width - len(sequence)) + [1] * len(sequence) for sequence in sequences])
    return ids, mask, _positions(mask)


def _positions(mask):
    return (mask.cumsum(1) - 1).clamp(min=0)


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def sequence(length):
        return torch.randint(10, 50, (length,), generator=rng).tolist()

    longest = number(5, 8)
    yield case("unequal lengths", sequences=[sequence(n) for n in (3, longest, 1, 2)], pad=number(0, 10))
    yield case("unequal lengths", sequences=[sequence(n) for n in (longest + 2, 4, longest)], pad=number(50, 99))
    yield case("equal lengths", sequences=[sequence(4), sequence(4)], pad=number(0, 10))
    pad = number(0, 10)
    inside = [[pad, *sequence(2)], [*sequence(2), pad, *sequence(longest - 2)], [pad]]
    yield case("the pad id inside a sequence", sequences=inside, pad=pad)
    yield case("an empty sequence", sequences=[[], sequence(longest), sequence(2)], pad=number(0, 10))


@right
def filled_row_by_row(sequences, pad):
    shape = len(sequences), max(map(len, sequences))
    ids, mask, positions = torch.full(shape, pad), torch.zeros(shape).long(), torch.zeros(shape).long()
    for row, sequence in enumerate(sequences):
        n = len(sequence)
        if n:
            ids[row, -n:] = torch.tensor(sequence)
            mask[row, -n:] = 1
            positions[row, -n:] = torch.arange(n)
    return ids, mask, positions


@right
def distance_from_the_first_token(sequences, pad):
    rows = [torch.tensor(sequence, dtype=torch.int64) for sequence in sequences]
    ids = pad_sequence(rows, batch_first=True, padding_value=pad, padding_side="left")
    start = ids.shape[1] - torch.tensor([[len(sequence)] for sequence in sequences])
    offset = torch.arange(ids.shape[1]) - start
    return ids, (offset >= 0).long(), offset.clamp(min=0)


@second_source("transformers 5: a tokenizer's pad, and the position ids that generate makes")
def transformers_pad(sequences, pad):
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    from course.common.tiny_models import tiny_gpt2

    vocabulary = Tokenizer(models.WordLevel({str(i): i for i in range(100)}, "0"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=vocabulary, padding_side="left", pad_token=str(pad))
    batch = tokenizer.pad({"input_ids": sequences}, return_tensors="pt")
    seen = []
    model = tiny_gpt2(1)
    model.register_forward_pre_hook(lambda _, args, kwargs: seen.append(kwargs["position_ids"]), with_kwargs=True)
    # One more token in every row: generate warns of rows that end with a pad, as an empty sequence does.
    mask = extend(batch["attention_mask"], (0, 1), value=1)
    model.generate(torch.full_like(mask, 5), attention_mask=mask, max_new_tokens=1)
    return batch["input_ids"], batch["attention_mask"], seen[0][:, :-1]


@wrong
def PadsOnTheRight(sequences, pad):
    """The pads stand behind the tokens. Then the last column, where generation goes on, holds pads."""
    lengths = torch.tensor([[len(sequence)] for sequence in sequences])
    width = int(lengths.max())
    ids = torch.tensor([sequence + [pad] * (width - len(sequence)) for sequence in sequences])
    mask = (torch.arange(width) < lengths).long()
    return ids, mask, torch.arange(width) * mask


@wrong
def CountsPositionsFromThePads(sequences, pad):
    """The positions count the pads: a sequence's first token has position 0 wherever it stands in the row."""
    ids, mask, _ = left_pad(sequences, pad)
    return ids, mask, torch.arange(ids.shape[1]).expand_as(ids)


@wrong
def InvertsTheMask(sequences, pad):
    """The mask is inverted: 1 marks the tokens that may be attended to, 0 the pads."""
    ids, mask, positions = left_pad(sequences, pad)
    return ids, 1 - mask, positions


@wrong
def ComparesWithThePad(sequences, pad):
    """A token of a sequence was taken for a pad because it has the same id: make the mask from the lengths."""
    ids, _, _ = left_pad(sequences, pad)
    mask = (ids != pad).long()
    return ids, mask, _positions(mask)


@wrong
def LeavesMinusOne(sequences, pad):
    """Pads have the position -1, for which no embedding exists: it is at least 0."""
    ids, mask, _ = left_pad(sequences, pad)
    return ids, mask, mask.cumsum(1) - 1


@wrong
def StartsAtOne(sequences, pad):
    """The positions are one too high: a sequence's first token has position 0."""
    ids, mask, _ = left_pad(sequences, pad)
    return ids, mask, mask.cumsum(1)


@wrong
def PlacesPadsAtOne(sequences, pad):
    """The positions of the pads should be 0. (Older versions of transformers gave them 1; nothing attends to them.)"""
    ids, mask, positions = left_pad(sequences, pad)
    return ids, mask, positions.masked_fill(mask == 0, 1)


@wrong
def TurnsTheSequencesRound(sequences, pad):
    """The tokens came out in reverse. If you reversed the rows to pad them on the right, reverse them back."""
    return left_pad([sequence[::-1] for sequence in sequences], pad)


@wrong
def CutsToTheShortest(sequences, pad):
    """The longer sequences were cut to the length of the shortest: the longest sets the width."""
    width = min(len(sequence) for sequence in sequences)
    return left_pad([sequence[-width:] if width else [] for sequence in sequences], pad)
