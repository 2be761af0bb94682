"""See which mode a divergence prefers."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def two_modes(x: Tensor, log_p: Tensor, means: Tensor, stds: Tensor) -> tuple[int, int, int]:
    """Choose, among students with one mode, the best one for a teacher with two, under three divergences.

    Teacher and students are distributions over the G points of a grid. Student k has the probabilities
    q(x) = exp(-(x - means[k])**2 / (2 * stds[k]**2)) / Z, where Z makes them add up to 1 over the grid.

    Parameters
    ----------
    x : Tensor, shape (G,), float64
        The grid.
    log_p : Tensor, shape (G,), float64
        The logarithm of the teacher's probability at each point. Their exponentials add up to 1.
    means, stds : Tensor, shape (K,), float64
        Of the students. Some are so narrow that their probability is 0 in float64 far from their mean; its logarithm
        is finite.

    Returns
    -------
    forward : int
        The index of the student with the least KL(p || q).
    reverse : int
        That with the least KL(q || p).
    jensen_shannon : int
        That with the least KL(p || m) / 2 + KL(q || m) / 2, where m = (p + q) / 2.
        In each, the second best is clearly worse: no rounding decides.

    Source: Gu et al. 2023 (arXiv:2306.08543), section 2, which shows this toy; Agarwal et al. 2023
    (arXiv:2306.13649).
    """
    raise NotImplementedError


def _example(
    group: str,
    teacher: tuple[list[float], list[float], list[float]],
    half: float,
    points: int,
    means: tuple[float, float, int] = (-4.9, 5.1, 11),
    stds: tuple[float, ...] = (0.15, 0.7, 1.1, 1.8, 2.9),
) -> Case:
    """Teacher: weights, modes and widths. Students: all pairs of evenly spaced means and these standard deviations."""
    x = torch.linspace(-half, half, points, dtype=torch.float64)
    w, mode, width = torch.tensor(teacher, dtype=torch.float64)[:, :, None]
    log_p = ((w / width).log() - (x - mode) ** 2 / (2 * width**2)).logsumexp(0).log_softmax(0)
    pairs = torch.cartesian_prod(torch.linspace(*means, dtype=torch.float64), torch.tensor(stds).double())
    pairs = pairs[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(points))]
    return case(group, x=x, log_p=log_p, means=pairs[:, 0].contiguous(), stds=pairs[:, 1].contiguous())


EXAMPLES = [
    _example("modes far apart", ([0.6, 0.4], [-4.0, 3.0], [1.0, 0.8]), 8, 97),
    _example("modes that overlap", ([0.3, 0.7], [-1.0, 2.5], [0.8, 1.2]), 8, 81),
    _example(
        "the wide student twice", ([0.6, 0.4], [-3.0, 3.0], [1.0, 1.0]), 12, 97, (-4, 4, 17), (0.15, 1.0, 2.1, 2.6, 3.1)
    ),
    _example(
        "three different students",
        ([0.75, 0.25], [-2.5, 2.5], [1.0, 0.8]),
        8,
        89,
        (-4.6, 4.4, 11),
        (0.15, 0.5, 1.0, 2.0, 3.1),
    ),
]
