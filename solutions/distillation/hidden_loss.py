"""Answer to distillation.hidden_loss."""

import torch
from torch.nn.functional import linear, mse_loss, normalize, pad

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write down the shape that the student's hidden states must get, and the shape of W. On which side does W stand, "
    "and is it transposed?",
    "F.linear(hs, W) and hs @ W.T both give (B, L, d_teacher). Subtract the teacher, square, and take one mean.",
    "F.mse_loss(F.linear(hs, W), ht): its default is the mean over all entries.",
)


def hidden_loss(hs, ht, W):
    return mse_loss(linear(hs, W), ht)


def cases(rng):
    def draw(group, B, L, d_student, d_teacher):
        hs, ht = torch.randn(B, L, d_student, generator=rng), 2 * torch.randn(B, L, d_teacher, generator=rng)
        return case(group, hs=hs, ht=ht, W=torch.randn(d_teacher, d_student, generator=rng))

    yield draw("a smaller student", 3, 5, 4, 7)
    yield draw("a smaller student", 2, 4, 3, 8)
    yield draw("a wider student", 4, 2, 7, 5)
    yield draw("equal widths", 2, 3, 6, 6)
    yield draw("one token", 2, 1, 2, 4)


@right
def token_by_token_in_float64(hs, ht, W):
    pairs = zip(hs.double().flatten(0, 1), ht.double().flatten(0, 1), strict=True)
    return (sum((W.double() @ s - t).square().sum() for s, t in pairs) / ht.numel()).float()


@right
def einsum(hs, ht, W):
    gap = torch.einsum("td,bld->blt", W, hs) - ht
    return torch.linalg.vector_norm(gap) ** 2 / gap.numel()


@right
def means_of_means(hs, ht, W):
    return (hs @ W.mT - ht).pow(2).mean(dim=2).mean(dim=1).mean()


@second_source("scikit-learn: mean_squared_error; numpy: the projection")
def sklearn_mean_squared_error(hs, ht, W):
    from sklearn.metrics import mean_squared_error

    s, t, weight = (part.detach().double().numpy() for part in (hs.flatten(0, 1), ht.flatten(0, 1), W))
    projected = s @ weight.T
    value = torch.tensor(mean_squared_error(t, projected), dtype=torch.float32)
    # numpy hands no gradients back: they are those of sums of products, whose own values are taken away again.
    slope = 2 * (projected - t) / t.size
    by_s, by_weight = torch.from_numpy(slope @ weight), torch.from_numpy(slope.T @ s)
    products = ((hs.flatten(0, 1) * by_s).sum() + (W * by_weight).sum()).float()
    return value + products - products.detach()


@wrong
def TransposesTheProjection(hs, ht, W):
    """The projection was transposed: W has the shape (d_teacher, d_student), so W h for rows h is hs @ W.T."""
    return mse_loss(hs @ W, ht)


@wrong
def ProjectsTheTeacher(hs, ht, W):
    """The teacher was projected to the student's width, which throws a part of it away: project the student."""
    return mse_loss(ht @ W, hs)


@wrong
def CutsTheTeacher(hs, ht, W):
    """Only as many numbers of the teacher's hidden states were compared as the student has: W makes them as long."""
    width = min(hs.shape[-1], ht.shape[-1])
    return mse_loss(hs[..., :width], ht[..., :width])


@wrong
def FillsTheStudentWithZeros(hs, ht, W):
    """The student's hidden states were filled up with zeros: W makes them as long as the teacher's."""
    return mse_loss(pad(hs, (0, ht.shape[-1] - hs.shape[-1])), ht)


@wrong
def ProjectsOnlyUnequalWidths(hs, ht, W):
    """Where the widths are equal, W was left out. The two nets name their directions differently even then."""
    return mse_loss(hs, ht) if hs.shape == ht.shape else mse_loss(linear(hs, W), ht)


@wrong
def SumsTheSquares(hs, ht, W):
    """That is the sum of the squares: the loss is their mean."""
    return mse_loss(linear(hs, W), ht, reduction="sum")


@wrong
def HalvesTheLoss(hs, ht, W):
    """That is half of the mean. The paper has a factor of one half, this contract does not."""
    return mse_loss(linear(hs, W), ht) / 2


@wrong
def AveragesOverTokensOnly(hs, ht, W):
    """The squares were summed over the hidden dimension: the mean is over all B * L * d_teacher entries."""
    return mse_loss(linear(hs, W), ht) * ht.shape[-1]


@wrong
def AveragesOverRowsOnly(hs, ht, W):
    """The squares were summed over the tokens, too: the mean is over all B * L * d_teacher entries."""
    return mse_loss(linear(hs, W), ht, reduction="sum") / len(hs)


@wrong
def TakesTheRoot(hs, ht, W):
    """A root was taken: the loss is the mean of the squares itself."""
    return mse_loss(linear(hs, W), ht).sqrt()


@wrong
def TakesTheAbsolute(hs, ht, W):
    """The differences were not squared, but taken without their sign."""
    return (linear(hs, W) - ht).abs().mean()


@wrong
def NormalisesFirst(hs, ht, W):
    """The hidden states were brought to length 1. That is the cosine loss in another form; here lengths count."""
    return mse_loss(normalize(linear(hs, W), dim=-1), normalize(ht, dim=-1))


@wrong
def ComparesTheMeans(hs, ht, W):
    """The hidden states were averaged over the tokens before they were compared: compare token by token."""
    return mse_loss(linear(hs, W).mean(1), ht.mean(1))


@wrong
def CutsTheGraph(hs, ht, W):
    """The loss is right, but no gradient comes back to hs and W: .item(), .numpy(), .detach(), no_grad() and
    torch.tensor() cut it off."""
    return hidden_loss(hs, ht, W).detach()


@wrong
def DetachesTheStudent(hs, ht, W):
    """The loss is right, but its gradient reaches W alone: the student is to learn from the hint, too."""
    return hidden_loss(hs.detach(), ht, W)


@wrong
def FreezesTheProjection(hs, ht, W):
    """The loss is right, but its gradient reaches hs alone: W is trained with the student."""
    return hidden_loss(hs, ht, W.detach())
