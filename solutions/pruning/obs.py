"""Answer to pruning.obs."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "You subtract a multiple of the column Hinv[:, q]. Which multiple makes entry q vanish?",
    "Entry q of that column is Hinv[q, q], so the multiple is w[q] / Hinv[q, q].",
    "w - w[q] / Hinv[q, q] * Hinv[:, q] is a new tensor. Rounding may leave a rest in its entry q: set it to 0.",
)


def obs(w, Hinv, q):
    new = w - w[q] / Hinv[q, q] * Hinv[:, q]
    new[q] = 0
    return new


def cases(rng):
    def inverse(d_in, tokens, q, diagonal):
        """Draw the inverse of a well-conditioned H, with a given entry [q, q]."""
        X = torch.randn(d_in, tokens, generator=rng, dtype=torch.float64)
        X = X + 0.5 * torch.randn(1, tokens, generator=rng, dtype=torch.float64)
        spread = torch.linspace(0.7, 1.4, d_in)[torch.randperm(d_in, generator=rng), None]
        Hinv = torch.linalg.inv((spread * X) @ (spread * X).T / tokens + 0.2 * torch.eye(d_in))
        scale = torch.ones(d_in, dtype=torch.float64)
        scale[q] = (diagonal / Hinv[q, q]).sqrt()
        Hinv = (torch.outer(scale, scale) * Hinv).float().contiguous()
        Hinv[q, q] = diagonal
        return Hinv

    def draw(group, d_in, tokens, q, w_q=None, diagonal=0.5):
        w = (0.5 + torch.rand(d_in, generator=rng)) * (2 * torch.randint(0, 2, (d_in,), generator=rng) - 1)
        w[q] = w[q] if w_q is None else w_q
        return case(group, w=w, Hinv=inverse(d_in, tokens, q, diagonal), q=q)

    # Division by a power of 2 is exact: in all groups but the last, entry q vanishes in any order of the factors.
    yield draw("inputs that depend on each other", 6, 12, 2)
    yield draw("inputs that depend on each other", 9, 15, 7, diagonal=2.0)
    yield draw("the first and the last weight", 5, 9, 0)
    yield draw("the first and the last weight", 4, 10, 3, diagonal=2.0)
    apart = draw("inputs that do not depend on each other", 7, 20, 4)
    yield case(apart.group, **{**apart.inputs, "Hinv": apart.inputs["Hinv"].diag().diag()})
    w_q, diagonal = _that_leave_a_rest(rng)
    yield draw("rounding leaves a rest", 5, 11, 1, w_q, diagonal)


def _that_leave_a_rest(rng):
    """Draw w[q] and Hinv[q, q] for which the subtraction leaves more than 0, in most orders of the factors."""
    w, h = 0.5 + torch.rand(20000, generator=rng), 0.6 + 1.3 * torch.rand(20000, generator=rng)
    rest = (w / h * h != w) & (w * h / h != w) & (w.double() / h * h != w)
    place = int(rest.int().argmax())
    return w[place].item(), h[place].item()


@right
def least_squares_on_the_rest(w, Hinv, q):
    H = torch.linalg.inv(Hinv.double())
    rest = torch.arange(len(w)) != q
    new = torch.zeros_like(w)
    change = torch.linalg.solve(H[rest][:, rest], H[rest, q] * w[q].double())
    new[rest] = (w[rest] + change).float()
    return new


@right
def entry_by_entry(w, Hinv, q):
    step = (w[q] / Hinv[q, q]).item()
    values = [0.0 if i == q else x - step * Hinv[i, q].item() for i, x in enumerate(w.tolist())]
    return torch.tensor(values)


@right
def projection(w, Hinv, q):
    e = torch.nn.functional.one_hot(torch.tensor(q), len(w)).float()
    P = torch.eye(len(w)) - torch.outer(Hinv @ e, e) / (e @ Hinv @ e)
    return torch.where(e == 1, 0.0, P @ w)


@second_source("scipy 1.17: linalg.lstsq for the outputs that the whole neuron had")
def scipy_lstsq(w, Hinv, q):
    import numpy as np
    from scipy.linalg import cholesky, inv, lstsq

    # Any inputs with this H will do: the rows of its Cholesky factor are such tokens.
    X = cholesky(inv(Hinv.double().numpy()))
    rest = np.arange(len(w)) != q
    new = np.zeros(len(w), dtype=np.float32)
    new[rest] = lstsq(X[:, rest], X @ w.double().numpy())[0]
    return torch.from_numpy(new)


def _with_zero(new, q):
    new = new.clone()
    new[q] = 0
    return new


@wrong
def OnlyZeroesIt(w, Hinv, q):
    """The other weights did not move. Where inputs depend on each other, they can make up for the missing one."""
    return _with_zero(w, q)


@wrong
def UsesH(w, Hinv, q):
    """The column was taken from H itself. The update uses its inverse, which is what you are given."""
    return obs(w, torch.linalg.inv(Hinv.double()).float(), q)


@wrong
def ForgetsTheDiagonal(w, Hinv, q):
    """The column was scaled by w[q] alone. With that, entry q would not vanish: divide by Hinv[q, q]."""
    return _with_zero(w - w[q] * Hinv[:, q], q)


@wrong
def MultipliesByTheDiagonal(w, Hinv, q):
    """The column was multiplied by Hinv[q, q]: entry q vanishes where it is divided by it."""
    return _with_zero(w - w[q] * Hinv[q, q] * Hinv[:, q], q)


@wrong
def AddsTheUpdate(w, Hinv, q):
    """The update has the wrong sign, so the other weights doubled the damage: subtract it."""
    return _with_zero(w + w[q] / Hinv[q, q] * Hinv[:, q], q)


@wrong
def LeavesTheWeight(w, Hinv, q):
    """The others made up for a weight that is still there: entry q must be 0."""
    new = obs(w, Hinv, q)
    new[q] = w[q]
    return new


@wrong
def SharesItEqually(w, Hinv, q):
    """The weight was shared out equally among the others. How much each takes over depends on the inputs."""
    return _with_zero(w + w[q] / (len(w) - 1), q)


@wrong
def UsesTheDiagonalOnly(w, Hinv, q):
    """The column was divided by its own diagonal entries. One number scales the whole column: Hinv[q, q]."""
    return _with_zero(w - w[q] * Hinv[:, q] / Hinv.diag(), q)


@wrong
def UsesTheSaliency(w, Hinv, q):
    """The column was scaled by w[q]**2 / Hinv[q, q]. That is what the removal costs, not the step."""
    return _with_zero(w - w[q] ** 2 / Hinv[q, q] * Hinv[:, q], q)


@wrong
def RemovesAnother(w, Hinv, q):
    """Another weight was removed, the one that costs least. Here q says which one goes."""
    return obs(w, Hinv, int((w.square() / Hinv.diag()).argmin()))


@wrong
def LeavesARest(w, Hinv, q):
    """Entry q is 0 only up to rounding. Set it to 0: a weight that is almost 0 is stored and multiplied like any."""
    w, Hinv = w.double(), Hinv.double()
    return (w - w[q] / Hinv[q, q] * Hinv[:, q]).float()
