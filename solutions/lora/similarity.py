"""Answer to lora.similarity."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Directions of the input space have the length d_in. Which side of the singular value decomposition holds those?",
    "torch.linalg.svd(A1, full_matrices=False) returns V transposed: its first i rows are the directions you need.",
    "Multiply those i rows by the j rows of the other, transposed. Sum the squared entries and divide by min(i, j).",
)


def similarity(A1, A2, i, j):
    V1 = torch.linalg.svd(A1, full_matrices=False).Vh[:i]
    V2 = torch.linalg.svd(A2, full_matrices=False).Vh[:j]
    return ((V1 @ V2.T).square().sum() / min(i, j)).item()


def cases(rng):
    def draw(d_in, rank):
        # Each singular value is about half of the one before, so that the directions are well determined.
        sigma = 4 * torch.cumprod(0.45 + 0.15 * torch.rand(rank, generator=rng), 0)
        U, V = (torch.linalg.qr(torch.randn(d, rank, generator=rng)).Q for d in (rank, d_in))
        return U @ torch.diag(sigma) @ V.T

    yield case("equal ranks", A1=draw(9, 4), A2=draw(9, 4), i=2, j=3)
    yield case("different ranks", A1=draw(8, 5), A2=draw(8, 3), i=4, j=2)
    yield case("different ranks", A1=draw(11, 3), A2=draw(11, 6), i=1, j=5)
    yield case("ranks as large as d_in", A1=draw(5, 5), A2=draw(5, 5), i=3, j=1)
    yield case("as many directions of both", A1=draw(7, 3), A2=draw(7, 3), i=2, j=2)
    A = draw(9, 4)
    turned = torch.linalg.qr(torch.randn(4, 4, generator=rng)).Q @ A
    yield case("one span inside the other", A1=A, A2=turned, i=2, j=3)


@right
def overlap_of_projections(A1, A2, i, j):
    V1 = torch.linalg.svd(A1.double()).Vh[:i]
    V2 = torch.linalg.svd(A2.double()).Vh[:j]
    return torch.trace(V1.T @ V1 @ V2.T @ V2).item() / min(i, j)


@right
def eigenvectors_of_the_gram_matrices(A1, A2, i, j):
    V1 = torch.linalg.eigh(A1.double().T @ A1.double()).eigenvectors[:, -i:]
    V2 = torch.linalg.eigh(A2.double().T @ A2.double()).eigenvectors[:, -j:]
    return float(torch.linalg.matrix_norm(V1.T @ V2) ** 2 / min(i, j))


@second_source("scipy 1.17: linalg.subspace_angles")
def scipy_angles(A1, A2, i, j):
    import numpy as np
    from scipy.linalg import subspace_angles, svd

    V1, V2 = (svd(A.double().numpy(), full_matrices=False)[2] for A in (A1, A2))
    return float((np.cos(subspace_angles(V1[:i].T, V2[:j].T)) ** 2).sum() / min(i, j))


def _right_vectors(A, n):
    return torch.linalg.svd(A, full_matrices=False).Vh[:n]


@wrong
def UsesLeftVectors(A1, A2, i, j):
    """Those are the left singular vectors, of length rank. Directions of the input have the length d_in."""
    U1 = torch.linalg.svd(A1, full_matrices=False).U[:, :i]
    U2 = torch.linalg.svd(A2, full_matrices=False).U[:, :j]
    return ((U1.T @ U2).square().sum() / min(i, j)).item()


@wrong
def TakesColumnsOfVh(A1, A2, i, j):
    """Those are columns of V transposed: torch.linalg.svd returns it transposed, so its rows are the directions."""
    C1 = torch.linalg.svd(A1, full_matrices=False).Vh[:, :i]
    C2 = torch.linalg.svd(A2, full_matrices=False).Vh[:, :j]
    return ((C1.T @ C2).square().sum() / min(i, j)).item()


@wrong
def DividesByTheLarger(A1, A2, i, j):
    """Divide by the smaller of i and j, else phi stays below 1 even where one span holds the other."""
    return ((_right_vectors(A1, i) @ _right_vectors(A2, j).T).square().sum() / max(i, j)).item()


@wrong
def ForgetsTheSquare(A1, A2, i, j):
    """The norm was not squared: phi adds squared cosines."""
    return ((_right_vectors(A1, i) @ _right_vectors(A2, j).T).square().sum().sqrt() / min(i, j)).item()


@wrong
def AveragesAllPairs(A1, A2, i, j):
    """That is the mean over all pairs of directions. phi is their sum, divided by min(i, j)."""
    return (_right_vectors(A1, i) @ _right_vectors(A2, j).T).square().mean().item()


@wrong
def ComparesRows(A1, A2, i, j):
    """The first rows of A are not its strongest directions: decompose A first."""
    Q1, Q2 = torch.linalg.qr(A1[:i].T).Q, torch.linalg.qr(A2[:j].T).Q
    return ((Q1.T @ Q2).square().sum() / min(i, j)).item()


@wrong
def WeighsBySigma(A1, A2, i, j):
    """The singular values only sort the directions; each direction counts with length 1."""
    _, S1, V1 = torch.linalg.svd(A1, full_matrices=False)
    _, S2, V2 = torch.linalg.svd(A2, full_matrices=False)
    overlap = (S1[:i, None] * V1[:i]) @ (S2[:j, None] * V2[:j]).T
    return (overlap.square().sum() / min(i, j)).item()


@wrong
def TakesTheWeakest(A1, A2, i, j):
    """The weakest directions were compared. Mind the order: svd returns the largest first, eigh last."""
    V1, V2 = (torch.linalg.svd(A, full_matrices=False).Vh for A in (A1, A2))
    return ((V1[-i:] @ V2[-j:].T).square().sum() / min(i, j)).item()


@wrong
def DividesByI(A1, A2, i, j):
    """Divide by the smaller of i and j, not always by i."""
    return ((_right_vectors(A1, i) @ _right_vectors(A2, j).T).square().sum() / i).item()


@wrong
def DividesByJ(A1, A2, i, j):
    """Divide by the smaller of i and j, not always by j."""
    return ((_right_vectors(A1, i) @ _right_vectors(A2, j).T).square().sum() / j).item()


@wrong
def TakesColumnsOfTheFullVh(A1, A2, i, j):
    """Those are columns of Vh. The third result of torch.linalg.svd is V transposed: its rows are the directions."""
    C1, C2 = torch.linalg.svd(A1)[2][:, :i], torch.linalg.svd(A2)[2][:, :j]
    return ((C1.T @ C2).square().sum() / min(i, j)).item()
