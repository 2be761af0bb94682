"""Store only the teacher's best classes."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-6)


def topk(zt: Tensor, k: int) -> Tensor:
    """Keep the k largest classes of the teacher's distribution, so that k numbers for each token can be stored.

    The probability of all other classes is exactly 0, and the kept ones are normalised again: they relate to each
    other as before and add up to 1.

    Parameters
    ----------
    zt : Tensor, shape (..., V), float32
        The teacher's logits, with one or more leading dimensions.
    k : int
        1 <= k <= V. Exactly k classes are kept: of equal logits the ones with the lowest index.

    Returns
    -------
    Tensor, shape of zt, float32
        Probabilities.

    Source: follows from Hinton et al. 2015 (arXiv:1503.02531); Tan et al. 2019 (arXiv:1902.10461) store the top k of a
    teacher's distribution like this.
    """
    raise NotImplementedError


def _example(group: str, shape: tuple[int, ...], k: int) -> Case:
    rng = torch.Generator().manual_seed(10 * len(shape) + k)
    return case(group, zt=2 * torch.randn(shape, generator=rng), k=k)


EXAMPLES = [
    _example("no ties", (3, 5), 2),
    case("ties", zt=torch.tensor([[1.0, 2.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.5, 0.5, 0.5]]), k=2),
    _example("more leading dimensions", (2, 3, 4), 3),
    _example("all classes", (2, 3), 3),
]
