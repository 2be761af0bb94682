"""Answer to lora.truncate."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "The singular value decomposition sorts D into independent directions by size. Which of them do you keep?",
    "torch.linalg.svd(D, full_matrices=False) gives U, S and V transposed. Keep first columns of U, first rows of Vh.",
    "Give the kept singular values to one factor, as U * S does. What was dropped adds up: square the rest of S.",
)


def truncate(D, rank):
    U, S, Vh = torch.linalg.svd(D, full_matrices=False)
    return U[:, :rank] * S[:rank], Vh[:rank], S[rank:].square().sum().item()


def cases(rng):
    def draw(group, d_out, d_in, rank, exact=False):
        # Neighbouring singular values differ by at least a third, so the best directions are well determined.
        n = min(d_out, d_in)
        sigma = 4 * torch.cumprod(0.5 + 0.15 * torch.rand(n, generator=rng), 0)
        if exact:
            sigma[rank:] = 0
        U, V = (torch.linalg.qr(torch.randn(d, n, generator=rng)).Q for d in (d_out, d_in))
        return case(group, D=U @ torch.diag(sigma) @ V.T, rank=rank)

    yield draw("tall", 9, 5, 2)
    yield draw("wide", 4, 8, 3)
    yield draw("square", 6, 6, 2)
    yield draw("rank 1", 5, 7, 1)
    yield draw("nothing is lost", 6, 5, 3, exact=True)


@right
def shared_singular_values(D, rank):
    U, S, Vh = torch.linalg.svd(D.double())
    B = (U[:, :rank] * S[:rank].sqrt()).float()
    A = (S[:rank].sqrt()[:, None] * Vh[:rank]).float()
    return B, A, float(torch.linalg.matrix_norm(D - B @ A) ** 2)


@right
def eigenvectors_of_the_gram_matrix(D, rank):
    values, vectors = torch.linalg.eigh(D.double().T @ D.double())
    A = vectors[:, -rank:].T.flip(0).float()
    return D @ A.T, A, values[:-rank].sum().item()


@right
def subspace_iteration(D, rank):
    A = torch.eye(D.shape[1], dtype=torch.float64)[:, :rank] + 0.1
    for _ in range(200):
        A = torch.linalg.qr(D.double().T @ (D.double() @ A)).Q
    B = D.double() @ A
    return B.float(), A.T.float(), (D.double() - B @ A.T).square().sum().item()


@second_source("scipy 1.17: linalg.svd")
def scipy_svd(D, rank):
    from scipy.linalg import svd

    U, S, Vh = (torch.from_numpy(part) for part in svd(D.numpy(), full_matrices=False, lapack_driver="gesvd"))
    return U[:, :rank] * S[:rank], Vh[:rank], float((S[rank:] ** 2).sum())


def _parts(D, rank):
    U, S, Vh = torch.linalg.svd(D, full_matrices=False)
    return U[:, :rank], S, Vh[:rank]


@wrong
def ErrorIsWhatWasKept(D, rank):
    """err adds up the directions that were kept. The error is the tail: what was dropped."""
    U, S, Vh = _parts(D, rank)
    return U * S[:rank], Vh, S[:rank].square().sum().item()


@wrong
def TakesTheRoot(D, rank):
    """err is the Frobenius norm: return its square."""
    U, S, Vh = _parts(D, rank)
    return U * S[:rank], Vh, S[rank:].square().sum().sqrt().item()


@wrong
def AddsUnsquaredValues(D, rank):
    """err adds the dropped singular values as they are: square each before the sum."""
    U, S, Vh = _parts(D, rank)
    return U * S[:rank], Vh, S[rank:].sum().item()


@wrong
def AveragesTheError(D, rank):
    """err is a mean over the entries: the squared Frobenius norm is their sum."""
    U, S, Vh = _parts(D, rank)
    return U * S[:rank], Vh, S[rank:].square().sum().item() / D.numel()


@wrong
def PutsSigmaInTwice(D, rank):
    """Both factors carry the singular values, so B A carries their squares: put them in once."""
    U, S, Vh = _parts(D, rank)
    return U * S[:rank], S[:rank, None] * Vh, S[rank:].square().sum().item()


@wrong
def ForgetsSigma(D, rank):
    """B A has the right directions but not their sizes: the singular values are missing."""
    U, S, Vh = _parts(D, rank)
    return U, Vh, S[rank:].square().sum().item()


@wrong
def KeepsTheSmallest(D, rank):
    """The smallest directions were kept. Check the order in which your decomposition returns them."""
    U, S, Vh = torch.linalg.svd(D, full_matrices=False)
    n = len(S) - rank
    return U[:, n:] * S[n:], Vh[n:], S[:n].square().sum().item()


@wrong
def TransposesTwice(D, rank):
    """A holds rows of V, but the directions are its columns. torch.svd returns V, torch.linalg.svd V transposed."""
    U, S, Vh = torch.linalg.svd(D, full_matrices=False)
    return U[:, :rank] * S[:rank], Vh.T[:rank], S[rank:].square().sum().item()


@wrong
def ReturnsAFirst(D, rank):
    """A came back before B. The order is B, A, err, as in the product B A."""
    B, A, err = truncate(D, rank)
    return A, B, err


@wrong
def TakesColumnsOfTheFullVh(D, rank):
    """A holds columns of Vh. The third result of torch.linalg.svd is V transposed: its rows are the directions."""
    U, S, Vh = torch.linalg.svd(D)
    return U[:, :rank] * S[:rank], Vh[:, :rank].T, S[rank:].square().sum().item()
