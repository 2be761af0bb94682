"""Answer to prompting.rank_candidates."""

import torch
from torch.nn.utils.rnn import pad_sequence

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Give the model the prompt and a candidate as one sequence. At which position does it predict the first token of "
    "the candidate?",
    "With T tokens in the prompt and L in the candidate, the logits at T - 1 to T + L - 2 predict the candidate. Take "
    "log_softmax of them over the vocabulary.",
    "For each candidate: ids = torch.cat([prompt, candidate])[None], logp = model(input_ids=ids).logits[0, T - 1 : -1]"
    ".log_softmax(-1), and then logp.gather(1, candidate[:, None]).sum(). Stack the sums.",
)


def rank_candidates(model, prompt, candidates, pad):
    return torch.stack([_logp(model, prompt, candidate).sum() for candidate in candidates])


def _logp(model, prompt, candidate):
    """The log-probability of each token of one candidate."""
    return _of_targets(_logits(model, torch.cat([prompt, candidate]))[len(prompt) - 1 : -1], candidate)


def _logits(model, tokens):
    with torch.no_grad():
        return model(input_ids=tokens[None], attention_mask=torch.ones_like(tokens)[None]).logits[0]


def _of_targets(logits, targets):
    return logits.log_softmax(-1).gather(-1, targets[..., None]).squeeze(-1)


def cases(rng):
    def tokens(length):
        return torch.randint(3, 13, (length,), generator=rng)

    def draw(group, prompt, candidates):
        seed, pad = (int(torch.randint(*ends, (), generator=rng)) for ends in [(10, 10**6), (0, 3)])
        if "pad" in group:
            candidates = [candidate.where(candidate % 2 == 1, pad) for candidate in candidates]
            candidates[0][-1] = candidates[1][0] = pad
        return case(group, seed=seed, prompt=prompt, candidates=candidates, pad=pad)

    yield draw("unequal lengths", tokens(6), [tokens(n) for n in (2, 5, 1, 3)])
    yield draw("unequal lengths", tokens(3), [tokens(n) for n in (4, 7)])
    yield draw("equal lengths", tokens(5), [tokens(3) for _ in range(4)])
    yield draw("single tokens", tokens(4), [tokens(1), tokens(1), torch.tensor([2])])
    yield draw("a prompt of one token", tokens(1), [tokens(n) for n in (3, 2, 6)])
    yield draw("the pad id inside a candidate", tokens(5), [tokens(n) for n in (3, 6, 2)])


def _batch(prompt, candidates, pad, side):
    rows = [torch.cat([prompt, candidate]) for candidate in candidates]
    ids = pad_sequence(rows, batch_first=True, padding_value=pad, padding_side=side)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True, padding_side=side)
    return ids, mask


@right
def padded_on_the_right(model, prompt, candidates, pad):
    ids, mask = _batch(prompt, candidates, pad, "right")
    logits = model(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0)).logits
    logp = _of_targets(logits[:, :-1], ids[:, 1:]) * mask[:, 1:]
    return logp[:, len(prompt) - 1 :].sum(1)


@right
def padded_on_the_left_in_float64(model, prompt, candidates, pad):
    ids, mask = _batch(prompt, candidates, pad, "left")
    with torch.no_grad():
        logits = model(input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0)).logits
    logp = _of_targets(logits[:, :-1].double(), ids[:, 1:])
    return torch.stack([row[-len(candidate) :].sum() for row, candidate in zip(logp, candidates, strict=True)]).float()


@right
def token_by_token_with_a_cache(model, prompt, candidates, pad):
    sums = []
    for candidate in candidates:
        seen, known, total = prompt, None, 0.0
        for token in candidate:
            out = model(input_ids=seen[None], past_key_values=known, use_cache=True)
            total += out.logits[0, -1].log_softmax(0)[token].item()
            seen, known = token[None], out.past_key_values
        sums.append(total)
    return torch.tensor(sums)


@second_source("transformers 5: the model's own loss, with labels of -100 for the prompt")
def loss_of_the_model(model, prompt, candidates, pad):
    sums = []
    for candidate in candidates:
        labels = torch.cat([torch.full_like(prompt, -100), candidate])
        loss = model(input_ids=torch.cat([prompt, candidate])[None], labels=labels[None]).loss
        sums.append(-loss * len(candidate))
    return torch.stack(sums)


@wrong
def AveragesOverTokens(model, prompt, candidates, pad):
    """That is the mean log-probability of a token. It can prefer another answer: the sum is asked for."""
    return torch.stack([_logp(model, prompt, candidate).mean() for candidate in candidates])


@wrong
def ScoresThePromptToo(model, prompt, candidates, pad):
    """The prompt's own tokens were scored, too. They are the condition: only the candidate's tokens count."""
    rows = [torch.cat([prompt, candidate]) for candidate in candidates]
    return torch.stack([_of_targets(_logits(model, row)[:-1], row[1:]).sum() for row in rows])


@wrong
def ScoresByOwnPosition(model, prompt, candidates, pad):
    """Tokens were scored by the logits of their own position, which have seen them: look one position earlier."""
    pairs = [(_logits(model, torch.cat([prompt, candidate])), candidate) for candidate in candidates]
    return torch.stack([_of_targets(logits[len(prompt) :], candidate).sum() for logits, candidate in pairs])


@wrong
def LosesTheFirstToken(model, prompt, candidates, pad):
    """The candidate's first token was not scored. The prompt's last position predicts it."""
    return torch.stack([_logp(model, prompt, candidate)[1:].sum() for candidate in candidates])


@wrong
def ScoresTheFirstTokenOnly(model, prompt, candidates, pad):
    """Only the candidate's first token was scored: it has more of them."""
    return torch.stack([_logp(model, prompt, candidate)[0] for candidate in candidates])


@wrong
def ForgetsThePrompt(model, prompt, candidates, pad):
    """The candidates were scored without the prompt, as texts that stand alone: put the prompt in front."""
    return torch.stack([_logp(model, candidate[:1], candidate[1:]).sum() for candidate in candidates])


@wrong
def CountsThePads(model, prompt, candidates, pad):
    """The pads behind a shorter candidate were scored with it: leave them out of the sum."""
    ids, _ = _batch(prompt, candidates, pad, "right")
    return torch.stack([_logp(model, prompt, row[len(prompt) :]).sum() for row in ids])


@wrong
def SkipsTokensEqualToThePad(model, prompt, candidates, pad):
    """A token of a candidate was left out because it has the pad's id: tell pads by the candidates' lengths."""
    return torch.stack([_logp(model, prompt, c)[c != pad].sum() for c in candidates])


@torch.no_grad()
def _padded_on_the_left(model, prompt, candidates, pad, **more):
    ids, _ = _batch(prompt, candidates, pad, "left")
    logp = _of_targets(model(input_ids=ids, **more).logits[:, :-1], ids[:, 1:])
    return torch.stack([row[-len(candidate) :].sum() for row, candidate in zip(logp, candidates, strict=True)])


@wrong
def CountsPositionsFromThePads(model, prompt, candidates, pad):
    """Rows with pads in front were given no position ids, so that their tokens stand too far back for the model."""
    mask = _batch(prompt, candidates, pad, "left")[1]
    return _padded_on_the_left(model, prompt, candidates, pad, attention_mask=mask)


@wrong
def AttendsToThePads(model, prompt, candidates, pad):
    """The pads in front were read as text: give the model the attention mask, and position ids that skip them."""
    return _padded_on_the_left(model, prompt, candidates, pad)


@wrong
def SumsRawLogits(model, prompt, candidates, pad):
    """Raw logits were summed: log_softmax over the vocabulary makes log-probabilities of them."""
    pairs = [(_logits(model, torch.cat([prompt, candidate])), candidate) for candidate in candidates]
    return torch.stack([x[len(prompt) - 1 : -1].gather(1, c[:, None]).sum() for x, c in pairs])


@wrong
def NormalisesOverTheCandidates(model, prompt, candidates, pad):
    """The scores were normalised over the candidates. The model may give most of its probability to other texts."""
    return rank_candidates(model, prompt, candidates, pad).log_softmax(0)


@wrong
def ReturnsProbabilities(model, prompt, candidates, pad):
    """Those are probabilities. Return their logarithms, which do not underflow when a candidate is long."""
    return rank_candidates(model, prompt, candidates, pad).exp()


@wrong
def ReturnsTheLoss(model, prompt, candidates, pad):
    """The sign is that of a loss: a log-probability is at most 0."""
    return -rank_candidates(model, prompt, candidates, pad)
