"""Answer to prompting.span_logp."""

import torch
from torch.nn.functional import cross_entropy

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "logits[b, t] has seen the tokens up to t. Which token does it predict, then, and which logits score token t?",
    "Take log_softmax over the vocabulary, drop the last position, and gather the entries of ids[:, 1:]. In the result "
    "token t stands at index t - 1.",
    "Multiply by a mask and sum over time. With t = torch.arange(1, T), a token counts where "
    "(t >= start[:, None]) & (t < (start + length)[:, None]).",
)


def span_logp(logits, ids, start, length):
    logp = _of_tokens(logits.log_softmax(-1), ids)
    t = torch.arange(1, ids.shape[1])
    return (logp * _inside(t, start, start + length)).sum(1)


def _of_tokens(scores, ids):
    """The score of each token but the first, taken from the position before it."""
    return scores[:, :-1].gather(-1, ids[:, 1:, None]).squeeze(-1)


def _inside(t, start, end):
    return (t >= start[:, None]) & (t < end[:, None])


def cases(rng):
    def draw(group, B, T, V, start, length, spread=2.0):
        # Off the centre and uneven between positions, so that raw logits and another axis give other sums.
        logits = spread * torch.randn(B, T, V, generator=rng) + torch.randn(B, T, 1, generator=rng)
        ids = torch.randint(0, V, (B, T), generator=rng)
        return case(group, logits=logits, ids=ids, start=torch.tensor(start), length=torch.tensor(length))

    yield draw("spans inside the rows", 3, 8, 5, [2, 1, 4], [4, 2, 3])
    yield draw("spans inside the rows", 2, 9, 11, [3, 1], [2, 5])
    yield draw("the whole row but its first token", 2, 6, 7, [1, 1], [5, 5])
    yield draw("spans up to the end", 3, 7, 4, [3, 6, 2], [4, 1, 5])
    yield draw("an empty span", 4, 6, 5, [2, 5, 1, 3], [0, 1, 3, 0])
    yield draw("logits far apart", 2, 6, 9, [1, 2], [5, 3], spread=200.0)


@right
def token_by_token_in_float64(logits, ids, start, length):
    sums = []
    for row, tokens, first, count in zip(logits.double(), ids, start, length, strict=True):
        span = range(int(first), int(first + count))
        sums.append(sum((row[t - 1, tokens[t]] - row[t - 1].logsumexp(0) for t in span), torch.tensor(0.0)))
    return torch.stack(sums).float()


@right
def differences_of_running_sums(logits, ids, start, length):
    rows, T, V = logits.shape
    logp = -cross_entropy(logits[:, :-1].reshape(-1, V), ids[:, 1:].flatten(), reduction="none").reshape(rows, T - 1)
    upto = torch.cat([torch.zeros(rows, 1, dtype=torch.float64), logp.double().cumsum(1)], 1)
    row = torch.arange(rows)
    return (upto[row, start + length - 1] - upto[row, start - 1]).float()


@second_source("transformers 5: ForCausalLMLoss, with labels of -100 outside the span")
def transformers_loss(logits, ids, start, length):
    from transformers.loss.loss_utils import ForCausalLMLoss

    labels = ids.where(_inside(torch.arange(ids.shape[1]), start, start + length), -100)
    rows = zip(logits, labels, strict=True)
    return torch.stack([-ForCausalLMLoss(x[None], y[None], x.shape[-1], num_items_in_batch=1) for x, y in rows])


@wrong
def ScoresTheNextToken(logits, ids, start, length):
    """Tokens were scored by the logits of their own position, which have seen them already: token t is scored by
    logits[t - 1]."""
    logp = logits.log_softmax(-1).gather(-1, ids[..., None]).squeeze(-1)
    return (logp * _inside(torch.arange(ids.shape[1]), start, start + length)).sum(1)


@wrong
def ForgetsThatTheTokensMoved(logits, ids, start, length):
    """The span lies one token too late: once the first token is cut off, token t stands at index t - 1."""
    logp = _of_tokens(logits.log_softmax(-1), ids)
    return (logp * _inside(torch.arange(ids.shape[1] - 1), start, start + length)).sum(1)


@wrong
def StartsOneTokenEarly(logits, ids, start, length):
    """The span lies one token too early, or its last token is missing: logits start - 1 score the token start."""
    logp = _of_tokens(logits.log_softmax(-1), ids)
    return (logp * _inside(torch.arange(1, ids.shape[1]), start - 1, start + length - 1)).sum(1)


@wrong
def IncludesTheEnd(logits, ids, start, length):
    """The span is one token too long: token start + length is outside."""
    logp = _of_tokens(logits.log_softmax(-1), ids)
    return (logp * _inside(torch.arange(1, ids.shape[1]), start, start + length + 1)).sum(1)


@wrong
def AveragesOverTheSpan(logits, ids, start, length):
    """That is the mean over the span. The log-probability of a text is the sum over its tokens."""
    return span_logp(logits, ids, start, length) / length.clamp(min=1)


@wrong
def SumsRawLogits(logits, ids, start, length):
    """Raw logits were summed. They have an arbitrary offset: normalise them over the vocabulary."""
    t = torch.arange(1, ids.shape[1])
    return (_of_tokens(logits, ids) * _inside(t, start, start + length)).sum(1)


@wrong
def SumsProbabilities(logits, ids, start, length):
    """Probabilities were added. Those of successive tokens multiply, so add their logarithms."""
    t = torch.arange(1, ids.shape[1])
    return (_of_tokens(logits.softmax(-1), ids) * _inside(t, start, start + length)).sum(1)


@wrong
def NormalisesOverTime(logits, ids, start, length):
    """The softmax ran over the positions: each position has a distribution over the vocabulary, the last dimension."""
    logp = _of_tokens(logits.log_softmax(1), ids)
    return (logp * _inside(torch.arange(1, ids.shape[1]), start, start + length)).sum(1)


@wrong
def TakesTheLogOfSoftmax(logits, ids, start, length):
    """A softmax rounded a tiny probability to 0, and its logarithm is -inf: compute log_softmax in one step."""
    logp = _of_tokens(logits.softmax(-1).log(), ids)
    inside = _inside(torch.arange(1, ids.shape[1]), start, start + length)
    return logp.masked_fill(~inside, 0).sum(1)


@wrong
def ReturnsTheLoss(logits, ids, start, length):
    """The sign is that of a loss: a log-probability is at most 0."""
    return -span_logp(logits, ids, start, length)


@wrong
def IgnoresTheStart(logits, ids, start, length):
    """The tokens before the span were scored, too: they are the condition and do not count."""
    t = torch.arange(1, ids.shape[1])
    return (_of_tokens(logits.log_softmax(-1), ids) * (t < (start + length)[:, None])).sum(1)


@wrong
def RunsToTheEnd(logits, ids, start, length):
    """The tokens behind the span were scored, too: it holds `length` tokens."""
    t = torch.arange(1, ids.shape[1])
    return (_of_tokens(logits.log_softmax(-1), ids) * (t >= start[:, None])).sum(1)
