"""Answer to distillation.sequence_labels."""

import torch
from torch.nn.utils.rnn import pad_sequence

from autograder.exercise import case, right, wrong

HINTS = (
    "Which positions of a row did the teacher write? Two conditions say so, one for each end.",
    "Position t is behind the prompt where t >= prompt_length, and is no padding where mask is 1. Compare "
    "torch.arange(L) with prompt_length[:, None].",
    "torch.where((torch.arange(L) >= prompt_length[:, None]) & mask.bool(), ids, -100). Compare no token with a pad "
    "token, and shift nothing.",
)


def sequence_labels(ids, prompt_length, mask):
    return torch.where(_written(ids, prompt_length) & mask.bool(), ids, -100)


def _written(ids, prompt_length):
    return torch.arange(ids.shape[1]) >= prompt_length[:, None]


END = 1


def cases(rng):
    def draw(group, prompts, answers, L, pad):
        """Rows of a prompt, an answer that ends with END, and padding; the pad token also stands in a prompt."""
        rows, mask = [], torch.zeros(len(prompts), L, dtype=torch.int64)
        for b, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            row = torch.randint(3, 30, (prompt + answer,), generator=rng)
            if answer:
                row[-1] = END
            if prompt > 1:
                row[0] = pad
            rows.append(torch.cat([row, torch.full((L - len(row),), pad)]))
            mask[b, : prompt + answer] = 1
        return case(group, ids=torch.stack(rows), prompt_length=torch.tensor(prompts), mask=mask)

    yield draw("padding of its own", [3, 1, 4], [4, 2, 3], 8, pad=0)
    yield draw("padding of its own", [2, 5], [6, 1], 9, pad=2)
    yield draw("padding made of end tokens", [2, 4, 1], [3, 2, 5], 8, pad=END)
    yield draw("no padding", [2, 5, 4], [5, 2, 3], 7, pad=0)
    yield draw("no prompt", [0, 3, 0], [4, 2, 6], 7, pad=END)
    yield draw("the teacher wrote nothing", [3, 2], [0, 5], 8, pad=0)


@right
def row_by_row(ids, prompt_length, mask):
    labels = torch.full_like(ids, -100)
    for row, tokens, start, end in zip(labels, ids, prompt_length.tolist(), mask.sum(1).tolist(), strict=True):
        row[start:end] = tokens[start:end]
    return labels


@right
def filled_twice(ids, prompt_length, mask):
    labels = ids.masked_fill(mask == 0, -100)
    return labels.masked_fill(mask.cumsum(1) <= prompt_length[:, None], -100)


@right
def token_lists(ids, prompt_length, mask):
    rows = []
    for tokens, start, length in zip(ids.tolist(), prompt_length.tolist(), mask.sum(1).tolist(), strict=True):
        rows.append([-100] * start + tokens[start:length] + [-100] * (len(tokens) - length))
    return torch.tensor(rows)


@right
def padded_again(ids, prompt_length, mask):
    parts = [row[start:end] for row, start, end in zip(ids, prompt_length, mask.sum(1), strict=True)]
    filled = [torch.cat([torch.full((int(n),), -100), part]) for n, part in zip(prompt_length, parts, strict=True)]
    padded = pad_sequence([*filled, ids[0]], batch_first=True, padding_value=-100)
    return padded[:-1]


@wrong
def KeepsThePrompt(ids, prompt_length, mask):
    """The prompt has labels, so the student learns to write prompts: the teacher wrote only what stands behind it."""
    return ids.masked_fill(mask == 0, -100)


@wrong
def KeepsThePadding(ids, prompt_length, mask):
    """Padding has labels, so the student learns to write it: set them to -100."""
    return torch.where(_written(ids, prompt_length), ids, -100)


@wrong
def CopiesTheTokens(ids, prompt_length, mask):
    """Nothing was set to -100: neither prompt nor padding has labels."""
    return ids.clone()


@wrong
def ShiftsTheLabels(ids, prompt_length, mask):
    """The labels were shifted, and the model shifts them again: label t belongs to token t."""
    labels = sequence_labels(ids, prompt_length, mask)
    return torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], -100)], 1)


@wrong
def LabelsThePromptInstead(ids, prompt_length, mask):
    """The prompt has labels and the teacher's text has none: it is the other way round."""
    return torch.where(_written(ids, prompt_length), -100, ids)


@wrong
def StartsOneTokenLate(ids, prompt_length, mask):
    """The first token that the teacher wrote has no label. It stands at the position prompt_length."""
    return sequence_labels(ids, prompt_length + 1, mask)


@wrong
def StartsOneTokenEarly(ids, prompt_length, mask):
    """The last token of the prompt has a label. The teacher's first token stands at the position prompt_length."""
    return sequence_labels(ids, prompt_length - 1, mask)


@wrong
def DropsTheEnd(ids, prompt_length, mask):
    """The last token of the row has no label. It is the end token, and without it the student never learns to stop."""
    following = torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], 1)
    return sequence_labels(ids, prompt_length, mask * following)


@wrong
def LooksForThePadToken(ids, prompt_length, mask):
    """Every token equal to the padding lost its label, and an end token can look like padding: trust the mask."""
    pads = ids[mask == 0]
    labels = torch.where(_written(ids, prompt_length), ids, -100)
    return torch.where(ids == pads[0], -100, labels) if len(pads) else labels


@wrong
def UsesOnePromptLength(ids, prompt_length, mask):
    """The first row's prompt length was used for all rows: each has its own."""
    return sequence_labels(ids, prompt_length[:1].expand(len(ids)), mask)


@wrong
def FillsWithZero(ids, prompt_length, mask):
    """The other labels are 0, which is a token and would be learned: the loss ignores -100."""
    labels = sequence_labels(ids, prompt_length, mask)
    return torch.where(labels == -100, 0, labels)


@wrong
def CutsThePromptOff(ids, prompt_length, mask):
    """The prompt was cut off, so the teacher's text moved to the front. Labels stand at their tokens' positions."""
    labels = torch.full_like(ids, -100)
    for row, tokens, start, end in zip(labels, ids, prompt_length.tolist(), mask.sum(1).tolist(), strict=True):
        row[: end - start] = tokens[start:end]
    return labels
