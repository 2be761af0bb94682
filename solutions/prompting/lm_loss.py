"""Answer to prompting.lm_loss."""

import torch
from torch.nn.functional import cross_entropy

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "The last logits of a row predict a token that is not there, and nothing predicts its first token. What pairs up?",
    "Cut the last position off the logits and the first off ids. The mask says which tokens count: cut it like ids.",
    "cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction='none') has one loss for each token. "
    "Multiply by mask[:, 1:].flatten(), sum, and divide by that mask's sum.",
)


def lm_loss(logits, ids, mask):
    counts = mask[:, 1:]
    return (_losses(logits[:, :-1], ids[:, 1:]) * counts).sum() / counts.sum()


def _losses(logits, targets):
    return cross_entropy(logits.transpose(1, 2), targets, reduction="none")


def cases(rng):
    def draw(group, V, mask):
        mask = torch.tensor(mask)
        logits = 2 * torch.randn(*mask.shape, V, generator=rng) + torch.randn(*mask.shape, 1, generator=rng)
        return case(group, logits=logits, ids=torch.randint(0, V, mask.shape, generator=rng), mask=mask)

    yield draw("prompt and answer", 6, [[0, 0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 1, 1, 0], [0, 0, 0, 0, 0, 1, 1]])
    yield draw("padded on the left", 9, [[0, 0, 0, 1, 1], [0, 1, 1, 1, 1]])
    yield draw("first tokens have the mask 1", 5, [[1, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0]])
    yield draw("a row counts nothing", 7, [[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]])
    yield draw("a single token counts", 4, [[0, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0]])


@right
def selected_positions(logits, ids, mask):
    counts = mask[:, 1:].bool()
    return cross_entropy(logits[:, :-1][counts], ids[:, 1:][counts])


@right
def token_by_token_in_float64(logits, ids, mask):
    logp = logits.double().log_softmax(-1)
    places = [(b, t) for b, t in mask.nonzero().tolist() if t > 0]
    return -torch.stack([logp[b, t - 1, ids[b, t]] for b, t in places]).mean().float()


@second_source("transformers 5: ForCausalLMLoss, with labels of -100")
def transformers_loss(logits, ids, mask):
    from transformers.loss.loss_utils import ForCausalLMLoss

    return ForCausalLMLoss(logits, ids.masked_fill(mask == 0, -100), logits.shape[-1])


@wrong
def ForgetsTheShift(logits, ids, mask):
    """Every token was scored by the logits of its own position, which have seen it: they predict the next one."""
    return (_losses(logits, ids) * mask).sum() / mask.sum()


@wrong
def ShiftsTheWrongWay(logits, ids, mask):
    """The shift goes the wrong way: the logits are paired with the token before them, not with the one after."""
    counts = mask[:, :-1]
    return (_losses(logits[:, 1:], ids[:, :-1]) * counts).sum() / counts.sum()


@wrong
def LeavesTheMaskBehind(logits, ids, mask):
    """The mask was not shifted with the tokens: it belongs to the token that is predicted, not to the one that was
    read last."""
    counts = mask[:, :-1]
    return (_losses(logits[:, :-1], ids[:, 1:]) * counts).sum() / counts.sum()


@wrong
def DividesByAllPredictions(logits, ids, mask):
    """The sum was divided by all B * (T - 1) predictions, as a plain mean() does: count only the scored tokens."""
    return (_losses(logits[:, :-1], ids[:, 1:]) * mask[:, 1:]).mean()


@wrong
def DividesByAllTokens(logits, ids, mask):
    """The sum was divided by B * T: count only the scored tokens."""
    return (_losses(logits[:, :-1], ids[:, 1:]) * mask[:, 1:]).sum() / mask.numel()


@wrong
def CountsFirstTokens(logits, ids, mask):
    """The denominator counts first tokens, which nothing predicts: count only the scored tokens."""
    return (_losses(logits[:, :-1], ids[:, 1:]) * mask[:, 1:]).sum() / mask.sum()


@wrong
def AveragesEachRowFirst(logits, ids, mask):
    """Rows were averaged first, so that a token of a short row weighs more: take one mean over all scored tokens."""
    counts = mask[:, 1:]
    return ((_losses(logits[:, :-1], ids[:, 1:]) * counts).sum(1) / counts.sum(1)).mean()


@wrong
def IgnoresTheMask(logits, ids, mask):
    """All tokens were scored: those with the mask 0 do not count."""
    return _losses(logits[:, :-1], ids[:, 1:]).mean()


@wrong
def SumsTheLoss(logits, ids, mask):
    """That is the sum over the scored tokens: divide by their number."""
    return (_losses(logits[:, :-1], ids[:, 1:]) * mask[:, 1:]).sum()


@wrong
def MasksTheLogits(logits, ids, mask):
    """The logits were set to 0 where the mask is 0. That predicts every token equally well, which still costs
    log V: leave those tokens out."""
    masked = logits[:, :-1] * mask[:, 1:, None]
    return _losses(masked, ids[:, 1:]).mean()


@wrong
def NormalisesTwice(logits, ids, mask):
    """cross_entropy got probabilities. It takes logits and normalises them itself."""
    return lm_loss(logits.softmax(-1), ids, mask)


@wrong
def ReturnsTheLogProbability(logits, ids, mask):
    """The sign is wrong: a loss is minus the log-probability."""
    return -lm_loss(logits, ids, mask)
