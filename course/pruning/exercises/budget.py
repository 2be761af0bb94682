"""Choose a sparsity for every layer under a budget."""

from autograder.exercise import Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def budget(sizes: list[int], sparsities: list[float], losses: list[list[float]], share: float) -> list[int]:
    """Choose one of the offered sparsities for every layer, so that enough is pruned and the loss is least.

    A choice removes the sum of size * sparsity over all layers. It is enough where that is at least share * n, with n
    the sum of the sizes. Its loss is taken to be the sum of the layers' losses, each as a scan measured it with this
    layer pruned alone. Among the choices that remove enough, take the one of least loss; of equal losses, the one
    that removes most; and if that, too, is equal, the one that comes first in lexicographic order.

    Parameters
    ----------
    sizes : list of int
        The number of weights of each layer.
    sparsities : list of float
        The offered sparsities, rising, the same for all layers.
    losses : list of list of float
        losses[i][j] is the loss with layer i pruned to sparsities[j]. It need not rise with j.
    share : float
        The least share of all weights to remove.

    Returns
    -------
    list of int
        For each layer the index of its sparsity; an empty list where no choice removes enough.

    Notes
    -----
    There are at most 1024 choices: you may try them all. All numbers are multiples of small powers of 1/2, so sums
    and products are exact, and ties are ties.

    Source: the allocation of Frantar & Alistarh 2022, SPDY (arXiv:2201.13096), section 3, as a small exact problem.
    """
    raise NotImplementedError


EXAMPLES = [
    case(
        "layers of any size",
        sizes=[12, 20, 4],
        sparsities=[0.0, 0.5, 0.75],
        losses=[[1.0, 1.875, 1.5], [1.0, 2.375, 2.5], [1.0, 1.875, 2.125]],
        share=0.5,
    ),
    case(
        "equal losses",
        sizes=[16, 64, 16],
        sparsities=[0.0, 0.25, 0.5],
        losses=[[1.0, 1.0, 2.0], [1.0, 1.0, 1.5], [1.0, 1.0, 2.0]],
        share=0.3125,
    ),
    case(
        "layers that are alike, and just enough",
        sizes=[24, 24, 24],
        sparsities=[0.0, 0.25, 0.5],
        losses=[[0.5, 0.75, 1.0]] * 3,
        share=0.25,
    ),
    case("not enough", sizes=[8, 16], sparsities=[0.25, 0.5], losses=[[1.0, 2.0], [0.5, 0.75]], share=0.75),
]
