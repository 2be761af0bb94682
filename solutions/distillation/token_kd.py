"""Answer to distillation.token_kd."""

import torch
from torch.nn.functional import kl_div

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Every position holds one distribution over V tokens. Compute one divergence for each, and which of them count?",
    "Select the tokens that count first: zs[mask.bool()] has the shape (tokens, V), and padding is gone for good.",
    "On the selected logits F.kl_div(log_softmax(zs / T), softmax(zt / T), reduction='batchmean') divides by the "
    "number of tokens. Times T**2.",
)


def token_kd(zs, zt, mask, T):
    counts = mask.bool()
    log_s, log_t = ((z[counts] / T).log_softmax(-1) for z in (zs, zt))
    return T**2 * kl_div(log_s, log_t, reduction="batchmean", log_target=True)


def cases(rng):
    def draw(group, lengths, L, V, T, padding=None, left=False):
        B = len(lengths)
        mask = (torch.arange(L) < torch.tensor(lengths)[:, None]).long()
        mask = mask.flip(1) if left else mask
        zs, zt = (2 * torch.randn(B, L, V, generator=rng) for _ in range(2))
        if padding is not None:
            zs[mask == 0], zt[mask == 0] = padding
        return case(group, zs=zs, zt=zt, mask=mask, T=T)

    yield draw("rows of different lengths", [3, 6, 1], 7, 5, 3.0)
    yield draw("rows of different lengths", [5, 2], 6, 9, 1.5)
    yield draw("padding on the left", [2, 4, 1], 5, 6, 2.0, left=True)
    yield draw("no padding", [4, 4], 4, 7, 0.5)
    yield draw("a row without tokens", [3, 0, 2], 4, 8, 2.5)
    yield draw("nan on padding", [1, 4], 5, 6, 2.0, padding=(float("nan"), float("inf")))
    # The gap between two positions is masked out, too: packed sequences have such masks.
    zs, zt = (2 * torch.randn(2, 6, 4, generator=rng) for _ in range(2))
    mask = torch.tensor([[1, 0, 1, 1, 0, 0], [0, 1, 0, 0, 1, 0]])
    yield case("gaps in the mask", zs=zs, zt=zt, mask=mask[:, torch.randperm(6, generator=rng)], T=1.5)


@right
def token_by_token_in_float64(zs, zt, mask, T):
    total, count = 0.0, 0
    for b, position in mask.nonzero().tolist():
        p, q = (zt[b, position].double() / T).softmax(0), (zs[b, position].double() / T).softmax(0)
        total, count = total + (p * (p / q).log()).sum(), count + 1
    return (T**2 * total / count).float()


@right
def padding_set_to_zero(zs, zt, mask, T):
    drop = (mask == 0)[..., None]
    log_s, log_t = ((z.masked_fill(drop, 0.0) / T).log_softmax(-1) for z in (zs, zt))
    divergence = torch.einsum("blv,blv->bl", log_t.exp(), log_t - log_s)
    return T * T * (divergence * mask).sum() / mask.sum()


@second_source("scipy 1.17: stats.entropy of two distributions")
def scipy_entropy(zs, zt, mask, T):
    from scipy.special import softmax
    from scipy.stats import entropy

    p, q = (softmax(z[mask.bool()].detach().double().numpy() / T, axis=-1) for z in (zt, zs))
    value = torch.tensor(T**2 * entropy(p, q, axis=-1).mean(), dtype=torch.float32)
    # numpy hands no gradient back: it is that of a sum of products, whose own value is taken away again.
    products = (zs[mask.bool()] * torch.from_numpy(T * (q - p) / len(p))).sum().float()
    return value + products - products.detach()


def _divergences(zs, zt, mask, T):
    """The soft term at every position, 0 where it does not count."""
    keep = mask.bool()[..., None]
    log_s, log_t = ((torch.where(keep, z, 0.0) / T).log_softmax(-1) for z in (zs, zt))
    return T**2 * (log_t.exp() * (log_t - log_s)).sum(-1)


@wrong
def DividesByTheBatch(zs, zt, mask, T):
    """The sum was divided by the number of rows, as 'batchmean' does on three dimensions: divide by the tokens that
    count."""
    return _divergences(zs, zt, mask, T).sum() / len(zs)


@wrong
def DividesByAllPositions(zs, zt, mask, T):
    """Padding left the sum, but not the number that you divide by: divide by the tokens that count."""
    return _divergences(zs, zt, mask, T).mean()


@wrong
def IncludesPadding(zs, zt, mask, T):
    """Padding was scored, too: only positions with mask 1 count."""
    return _divergences(zs, zt, torch.ones_like(mask), T).mean()


@wrong
def AveragesOverTheVocabulary(zs, zt, mask, T):
    """The divergence was averaged over the vocabulary, too. A token's divergence is the sum over its V entries."""
    return token_kd(zs, zt, mask, T) / zs.shape[-1]


@wrong
def AveragesRowsFirst(zs, zt, mask, T):
    """Rows were averaged first, so that tokens of short rows weigh more, and a row without tokens gives nan: average
    over all tokens together."""
    return (_divergences(zs, zt, mask, T).sum(1) / mask.sum(1)).mean()


@wrong
def SumsOverTokens(zs, zt, mask, T):
    """That is the sum over the tokens: divide by how many there are."""
    return _divergences(zs, zt, mask, T).sum()


@wrong
def MultipliesByTheMask(zs, zt, mask, T):
    """Padding was multiplied by 0, but nan times 0 is nan: select the tokens that count, or replace the others."""
    log_s, log_t = ((z / T).log_softmax(-1) for z in (zs, zt))
    return T**2 * ((log_t.exp() * (log_t - log_s)).sum(-1) * mask).sum() / mask.sum()


@wrong
def ForgetsTSquared(zs, zt, mask, T):
    """The factor T**2 is missing. Without it a higher temperature also turns the teacher down."""
    return token_kd(zs, zt, mask, T) / T**2


@wrong
def SwapsTheDivergence(zs, zt, mask, T):
    """That is KL(p_s || p_t): the teacher's probabilities weigh the differences. F.kl_div(a, b) is KL(b || a)."""
    return token_kd(zt, zs, mask, T)


@wrong
def ShiftsTheMask(zs, zt, mask, T):
    """The mask was shifted against the logits. That is for labels; student and teacher stand at the same positions."""
    counts = mask[:, 1:]
    return (_divergences(zs[:, :-1], zt[:, :-1], counts, T) * counts).sum() / counts.sum()


@wrong
def InvertsTheMask(zs, zt, mask, T):
    """The padding was scored, and nothing else: 1 marks the positions that count."""
    return MultipliesByTheMask(zs, zt, 1 - mask, T)


@wrong
def SelectsTooLate(zs, zt, mask, T):
    """The loss is right, but where padding is nan its gradient is nan, too: the softmax ran over it, and 0 times nan is
    nan on the way back as well. Select or replace the logits first."""
    log_s, log_t = ((z / T).log_softmax(-1) for z in (zs, zt))
    divergence = (log_t.exp() * (log_t - log_s)).sum(-1)
    return T**2 * divergence.masked_fill(mask == 0, 0.0).sum() / mask.sum()


@wrong
def CutsTheGraph(zs, zt, mask, T):
    """The loss is right, but no gradient comes back to zs: .item(), .numpy(), .detach(), no_grad() and torch.tensor()
    cut it off."""
    return token_kd(zs, zt, mask, T).detach()
