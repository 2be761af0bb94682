"""Answer to bench.masked_loss."""

import torch
from torch.nn.functional import cross_entropy

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Which label does the prediction at the first position stand for?",
    "Drop the last prediction and the first label; then every pair belongs together.",
    "cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)",
)


def masked_loss(logits, labels):
    return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def cases(rng):
    def draw(group, batch, length, vocabulary, masked):
        labels = torch.randint(0, vocabulary, (batch, length), generator=rng)
        for row, count in enumerate(masked):
            labels[row, :count] = -100
        return case(group, logits=torch.randn(batch, length, vocabulary, generator=rng), labels=labels)

    yield draw("prompts of different lengths", 3, 10, 7, [1, 5, 8])
    yield draw("prompts of different lengths", 2, 12, 9, [9, 2])
    yield draw("nothing masked", 2, 6, 5, [])
    yield draw("one sequence", 1, 9, 11, [4])


@right
def by_log_softmax(logits, labels):
    targets = labels[:, 1:]
    keep = targets != -100
    scores = logits[:, :-1].log_softmax(-1).gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    return -(scores * keep).sum() / keep.sum()


@right
def by_selection(logits, labels):
    keep = labels[:, 1:] != -100
    return cross_entropy(logits[:, :-1][keep].double(), labels[:, 1:][keep]).float()


@second_source("transformers 5: ForCausalLMLoss")
def by_transformers(logits, labels):
    from transformers.loss.loss_utils import ForCausalLMLoss

    return ForCausalLMLoss(logits, labels, vocab_size=logits.shape[-1])


@wrong
def ForgetsTheShift(logits, labels):
    """Each prediction was compared with its own position: it is about the label after it."""
    return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


@wrong
def ShiftsTheOtherWay(logits, labels):
    """The shift goes the wrong way: a prediction was compared with the label before it."""
    return cross_entropy(logits[:, 1:].flatten(0, 1), labels[:, :-1].flatten(), ignore_index=-100)


@wrong
def DividesByAllPositions(logits, labels):
    """The sum was divided by all positions: divide by how many labels count."""
    total = cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")
    return total / labels.numel()


@wrong
def SumsTheLosses(logits, labels):
    """The losses were added up: return their mean."""
    return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")


@wrong
def CountsMaskedAsZero(logits, labels):
    """A label of -100 was taken for token 0: leave it out."""
    return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].clamp(min=0).flatten())
