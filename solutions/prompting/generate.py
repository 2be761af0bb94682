"""Answer to prompting.generate."""

import torch

from autograder.exercise import case, right, second_source, wrong
from course.common.tiny_models import tiny_gpt2

HINTS = (
    "With pads in front, where in each row do the logits of the next token stand? And which positions have the tokens?",
    "In each step: positions = (mask.cumsum(1) - 1).clamp(min=0), then the argmax of logits[:, -1]. Append it to ids, "
    "and a column of ones to the mask.",
    "Keep a boolean tensor of the rows that have ended, all False at first. In each step replace their new token by "
    "pad, and only then add the rows whose new token is eos. Collect the new tokens and stack them along dim 1.",
)


def generate(model, ids, mask, steps, eos, pad):
    ended, new = torch.zeros(len(ids), dtype=torch.bool), []
    for _ in range(steps):
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=mask, position_ids=_real_positions(mask)).logits
        token = logits[:, -1].argmax(-1).masked_fill(ended, pad)
        ended = ended | (token == eos)
        ids = torch.cat([ids, token[:, None]], 1)
        mask = torch.cat([mask, torch.ones_like(token)[:, None]], 1)
        new.append(token)
    return torch.stack(new, 1)


def _real_positions(mask):
    return (mask.cumsum(1) - 1).clamp(min=0)


def cases(rng):
    def number(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def draw(group, lengths, steps, suits):
        # Most seeds do not give what a group is about. Few different tokens would hide mistakes, and a small lead of
        # the most probable one could be lost in rounding.
        while True:
            seed, pad = number(10, 10**6), number(0, 3)
            mask = (torch.arange(max(lengths)) >= max(lengths) - torch.tensor(lengths)[:, None]).long()
            ids = torch.randint(3, 13, mask.shape, generator=rng)
            model = tiny_gpt2(seed)
            new = _greedy(model, ids, mask, steps)
            found = [eos for eos in range(3, 13) if suits(_ends(new, eos), (ids == eos) & (mask == 1))]
            if found and len(new.unique()) > 3 and _lead(model, ids, mask, new) > 0.02:
                pad = found[0] if "the same" in group else pad
                ids = ids.where(mask == 1, pad)
                return case(group, seed=seed, ids=ids, mask=mask, steps=steps, eos=found[0], pad=pad)

    def some(ends, prompts):
        return 0 < ends.min() < ends.max() - 2

    yield draw("some rows end early", [7, 2, 4, 5], 6, some)
    yield draw("some rows end early", [3, 6, 1], 5, some)
    yield draw("every row ends early", [5, 3], 7, lambda ends, prompts: ends.max() < 5 and ends.min() < ends.max())
    yield draw("pad and eos are the same", [4, 6, 2], 6, some)
    yield draw("eos in a prompt", [5, 3, 4], 5, lambda ends, prompts: some(ends, prompts) and prompts.any())
    yield draw("no pads and no eos", [4, 4], 4, lambda ends, prompts: ends.min() == 4)


@torch.no_grad()
def _greedy(model, ids, mask, steps, positions=_real_positions, seen=1, read=lambda mask: -1):
    """Continue all rows for all steps, whatever they end with; the last three arguments are what mistakes change."""
    width, rows = ids.shape[1], torch.arange(len(ids))
    for _ in range(steps):
        logits = model(input_ids=ids, attention_mask=mask, position_ids=positions(mask)).logits
        ids = torch.cat([ids, logits[rows, read(mask)].argmax(-1, keepdim=True)], 1)
        mask = torch.cat([mask, torch.full_like(mask[:, :1], seen)], 1)
    return ids[:, width:]


def _until_eos(new, eos, pad):
    """Replace what stands behind the first eos of each row."""
    ends = (new == eos).long()
    return new.masked_fill(ends.cumsum(1) - ends > 0, pad)


def _ends(new, eos):
    """Where each row's first eos stands; the number of steps where there is none."""
    return (new == eos).cumsum(1).eq(0).sum(1)


@torch.no_grad()
def _lead(model, ids, mask, new):
    """By how much the most probable token leads over the next, where it leads least."""
    ids, mask = torch.cat([ids, new], 1), torch.cat([mask, torch.ones_like(new)], 1)
    logits = model(input_ids=ids, attention_mask=mask, position_ids=_real_positions(mask)).logits
    best = logits[:, -1 - new.shape[1] : -1].topk(2).values
    return (best[..., 0] - best[..., 1]).min()


@right
def row_by_row_without_pads(model, ids, mask, steps, eos, pad):
    rows = []
    for tokens, kept in zip(ids, mask, strict=True):
        tokens, new = tokens[kept == 1].tolist(), []
        while len(new) < steps and eos not in new:
            new.append(int(model(input_ids=torch.tensor([tokens + new])).logits[0, -1].argmax()))
        rows.append(new + [pad] * (steps - len(new)))
    return torch.tensor(rows)


@right
def with_a_cache(model, ids, mask, steps, eos, pad):
    out = torch.full((len(ids), steps), pad)
    ended, known = torch.zeros(len(ids), dtype=torch.bool), None
    positions = _real_positions(mask)
    for step in range(steps):
        result = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=known, use_cache=True
        )
        known, token = result.past_key_values, result.logits[:, -1].argmax(-1)
        out[:, step] = torch.where(ended, pad, token)
        ended |= token == eos
        if ended.all():
            break
        ids, positions = out[:, step : step + 1], positions[:, -1:] + 1
        mask = torch.cat([mask, torch.ones_like(ids)], 1)
    return out


@second_source("transformers 5: generate")
def transformers_generate(model, ids, mask, steps, eos, pad):
    out = model.generate(
        ids, attention_mask=mask, do_sample=False, max_new_tokens=steps, eos_token_id=eos, pad_token_id=pad
    )
    new = out[:, ids.shape[1] :]
    return torch.cat([new, torch.full((len(ids), steps - new.shape[1]), pad)], 1)


def _from_the_first_token(mask):
    """Positions that do not depend on what the mask says of new tokens."""
    start = (mask == 0).sum(1, keepdim=True)
    return lambda longer: (torch.arange(longer.shape[1]) - start).clamp(min=0)


@wrong
def RunsOnAfterEos(model, ids, mask, steps, eos, pad):
    """A row went on after its eos: from there on it holds pads."""
    return _greedy(model, ids, mask, steps)


@wrong
def DropsTheEos(model, ids, mask, steps, eos, pad):
    """The eos itself was replaced by a pad: it is the row's last token and stays."""
    new = _greedy(model, ids, mask, steps)
    return new.masked_fill((new == eos).cumsum(1) > 0, pad)


@wrong
def StopsAllRowsTogether(model, ids, mask, steps, eos, pad):
    """The first row that ended stopped the others: each row goes on until it has an eos of its own."""
    new = _greedy(model, ids, mask, steps)
    return new.masked_fill(torch.arange(steps) > _ends(new, eos).min(), pad)


@wrong
def ReturnsFewerColumns(model, ids, mask, steps, eos, pad):
    """All rows had ended and the rest was left away: fill the result up to `steps` columns with pads."""
    new = _greedy(model, ids, mask, steps)
    return _until_eos(new, eos, pad)[:, : int(_ends(new, eos).max()) + 1]


@wrong
def StopsOnAnEosInThePrompt(model, ids, mask, steps, eos, pad):
    """A row ended because eos stands in its prompt, or in front of it as a pad: only a new eos ends a row."""
    return generate(model, ids, mask, steps, eos, pad).masked_fill((ids == eos).any(1, keepdim=True), pad)


@wrong
def ReturnsThePrompt(model, ids, mask, steps, eos, pad):
    """The prompts came back with their continuations: return the new tokens only."""
    return torch.cat([ids, generate(model, ids, mask, steps, eos, pad)], 1)


@wrong
def CountsPositionsFromThePads(model, ids, mask, steps, eos, pad):
    """The positions count the pads, as they do when you give none. The first token of a prompt has position 0."""
    new = _greedy(model, ids, mask, steps, positions=lambda mask: torch.arange(mask.shape[1]).expand_as(mask))
    return _until_eos(new, eos, pad)


@wrong
def AttendsToThePads(model, ids, mask, steps, eos, pad):
    """The pads were read as text: the model needs the attention mask."""
    new = _greedy(model, ids, torch.ones_like(mask), steps, positions=_from_the_first_token(mask))
    return _until_eos(new, eos, pad)


@wrong
def GivesTheIdsAlone(model, ids, mask, steps, eos, pad):
    """The model was given the ids alone. It cannot know where the pads are: it needs the mask and the positions."""
    return _until_eos(_greedy(model, ids, torch.ones_like(mask), steps), eos, pad)


@wrong
def HidesTheNewTokens(model, ids, mask, steps, eos, pad):
    """The mask did not grow with the ids, and what it does not cover is hidden: append a 1 for every new token."""
    new = _greedy(model, ids, mask, steps, positions=_from_the_first_token(mask), seen=0)
    return _until_eos(new, eos, pad)


@wrong
def LeavesThePositionsBehind(model, ids, mask, steps, eos, pad):
    """The position ids have another length than the ids: a new token gets a new position, one after the last."""
    first = _real_positions(mask)
    return _greedy(model, ids, mask, steps, positions=lambda longer: first)


@wrong
def JumpsOverThePads(model, ids, mask, steps, eos, pad):
    """The new tokens' positions count the pads, the prompt's do not: go on from the prompt's last position."""
    width = ids.shape[1]

    def positions(longer):
        t = torch.arange(longer.shape[1])
        return torch.where(t < width, _real_positions(longer), t)

    return _until_eos(_greedy(model, ids, mask, steps, positions=positions), eos, pad)


@wrong
def ReadsAsIfPadsWereBehind(model, ids, mask, steps, eos, pad):
    """The logits were read at the index of the row's length, which suits pads behind the tokens. Here they are in
    front, and a row's newest token stands in the last column."""
    return _until_eos(_greedy(model, ids, mask, steps, read=lambda mask: mask.sum(1) - 1), eos, pad)


@wrong
def ReadsAtThePromptsEnd(model, ids, mask, steps, eos, pad):
    """Every step read the logits at the prompt's last token: from the second on the newest token is the last."""
    width = ids.shape[1]
    return _until_eos(_greedy(model, ids, mask, steps, read=lambda mask: width - 1), eos, pad)
