"""Answer to distillation.cosine."""

import torch
from torch.nn.functional import cosine_similarity, normalize

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "How many cosines are there? Each compares two vectors of D numbers.",
    "hs[mask.bool()] selects the tokens that count, in the shape (tokens, D). The cosine is the inner product over "
    "both lengths.",
    "(1 - F.cosine_similarity(hs[counts], ht[counts], dim=-1)).mean(); it also guards against a length of 0.",
)


def cosine(hs, ht, mask):
    counts = mask.bool()
    return (1 - cosine_similarity(hs[counts], ht[counts], dim=-1)).mean()


def cases(rng):
    def draw(group, lengths, L, D, left=False):
        mask = (torch.arange(L) < torch.tensor(lengths)[:, None]).long()
        # Different lengths of the vectors and a common direction, so that neither cancels.
        hs, ht = (scale * (torch.randn(len(lengths), L, D, generator=rng) + 0.7) for scale in (3.0, 0.5))
        return case(group, hs=hs, ht=ht, mask=mask.flip(1) if left else mask)

    yield draw("rows of different lengths", [3, 6, 1], 7, 5)
    yield draw("rows of different lengths", [5, 2], 6, 9)
    yield draw("padding on the left", [2, 4, 1], 5, 6, left=True)
    yield draw("no padding", [4, 4], 4, 7)
    yield draw("a row without tokens", [3, 0, 2], 4, 8)
    zeros = draw("a vector of zeros", [3, 5], 6, 4)
    zeros.inputs["hs"][0, 1] = 0
    zeros.inputs["ht"][1, 3] = 0
    yield zeros
    opposite = draw("opposite directions", [2, 3], 4, 5)
    yield case("opposite directions", **{**opposite.inputs, "ht": -2 * opposite.inputs["hs"]})


@right
def token_by_token_in_float64(hs, ht, mask):
    losses = []
    for b, position in mask.nonzero().tolist():
        s, t = hs[b, position].double(), ht[b, position].double()
        lengths = float(s.norm() * t.norm())
        losses.append(1 - float(s @ t) / lengths if lengths > 0 else 1.0)
    return torch.tensor(sum(losses) / len(losses))


@right
def unit_vectors(hs, ht, mask):
    cos = torch.einsum("bld,bld->bl", normalize(hs, dim=-1), normalize(ht, dim=-1))
    return 1 - (cos * mask).sum() / mask.sum()


@right
def distance_of_unit_vectors(hs, ht, mask):
    counts = mask.bool()
    s, t = (normalize(h[counts].double(), dim=-1) for h in (hs, ht))
    # |s - t|^2 = |s|^2 + |t|^2 - 2 cos, where a vector of zeros has no length.
    cos = (s.square().sum(-1) + t.square().sum(-1) - (s - t).square().sum(-1)) / 2
    return (1 - cos).mean().float()


@second_source("torch: cosine_embedding_loss, which DistilBERT's training code calls")
def torch_cosine_embedding_loss(hs, ht, mask):
    s, t = hs[mask.bool()], ht[mask.bool()]
    return torch.nn.functional.cosine_embedding_loss(s, t, torch.ones(len(s)))


def _cos(hs, ht):
    return cosine_similarity(hs, ht, dim=-1)


@wrong
def ComparesOverTime(hs, ht, mask):
    """The cosines were taken along the tokens: a hidden state is a vector along the last dimension."""
    counts = mask[..., None]
    return (1 - cosine_similarity(hs * counts, ht * counts, dim=1)).mean()


@wrong
def LeavesTheDimensionOut(hs, ht, mask):
    """F.cosine_similarity compares along dimension 1 unless it is told otherwise, and here that is the tokens: a
    hidden state is a vector along the last dimension."""
    return ((1 - cosine_similarity(hs, ht)) * mask).sum() / mask.sum()


@wrong
def IncludesPadding(hs, ht, mask):
    """Padding was compared, too: only tokens with mask 1 count."""
    return (1 - _cos(hs, ht)).mean()


@wrong
def DividesByAllPositions(hs, ht, mask):
    """Padding left the sum, but not the number that you divide by: divide by the tokens that count."""
    return ((1 - _cos(hs, ht)) * mask).mean()


@wrong
def CountsPaddingAsOrthogonal(hs, ht, mask):
    """Padding counts with the cosine 0 and so adds 1 for each pad: average over the tokens that count."""
    return (1 - _cos(hs, ht) * mask).mean()


@wrong
def AveragesRowsFirst(hs, ht, mask):
    """Rows were averaged first, so that tokens of short rows weigh more, and a row without tokens gives nan: average
    over all tokens together."""
    return (((1 - _cos(hs, ht)) * mask).sum(1) / mask.sum(1)).mean()


@wrong
def SumsOverTokens(hs, ht, mask):
    """That is the sum over the tokens: divide by how many there are."""
    return ((1 - _cos(hs, ht)) * mask).sum()


@wrong
def ReturnsTheSimilarity(hs, ht, mask):
    """That is the mean cosine, which grows as the two agree: a loss falls. Subtract it from 1."""
    return _cos(hs, ht)[mask.bool()].mean()


@wrong
def NegatesTheSimilarity(hs, ht, mask):
    """That is minus the mean cosine: the loss is 1 minus it, and 0 where the two agree."""
    return -_cos(hs, ht)[mask.bool()].mean()


@wrong
def SkipsTheLengths(hs, ht, mask):
    """That is 1 minus an inner product: divide by the lengths of both vectors."""
    return (1 - (hs * ht).sum(-1))[mask.bool()].mean()


@wrong
def ComparesTheMeans(hs, ht, mask):
    """The hidden states were averaged before they were compared. Each token has a cosine of its own."""
    counts = mask.bool()
    return 1 - _cos(hs[counts].mean(0), ht[counts].mean(0))


@wrong
def ComparesAllAtOnce(hs, ht, mask):
    """All tokens were compared as one long vector, in which long hidden states weigh more. Each has its own cosine."""
    counts = mask.bool()
    return 1 - _cos(hs[counts].flatten(), ht[counts].flatten())


@wrong
def SquaresTheDistance(hs, ht, mask):
    """That is the squared distance of the two unit vectors, which is twice the loss."""
    return 2 * cosine(hs, ht, mask)


@wrong
def DividesByZero(hs, ht, mask):
    """A vector of zeros was divided by its length, which is 0: the cosine with it is 0, not nan."""
    s, t = hs[mask.bool()], ht[mask.bool()]
    return (1 - (s * t).sum(-1) / (s.norm(dim=-1) * t.norm(dim=-1))).mean()
