"""Draw a ticket in one shot."""

from itertools import pairwise

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def one_shot(
    theta_trained: dict[str, Tensor], theta0: dict[str, Tensor], density: float
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Prune a trained network once, by magnitude over all layers together, and rewind what is left.

    Of all n weights, floor(density * n + 0.5) are kept: those of largest absolute value after training, in one ranking
    over all layers. It is the number kept that is rounded, halves up, not the number pruned. Of equal absolute values,
    the one that comes first is pruned first: by the order of the names in theta_trained, which need not be that of the
    alphabet, then in row-major order.

    Parameters
    ----------
    theta_trained, theta0 : dict of str to Tensor, float32
        The parameters after and before training, with the same names and shapes, in the same order. Those whose name
        ends in "weight" are pruned, the others are not. Neither dict may change, nor what it holds.
    density : float
        The share of the weights that is kept, from 0 to 1.

    Returns
    -------
    masks : dict of str to Tensor, bool
        For each parameter that is pruned a mask of its shape, True where a weight is kept.
    ticket : dict of str to Tensor, float32
        For every parameter its value in theta0, and 0 where it is pruned.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 1, one-shot pruning; global pruning in section 4.
    """
    raise NotImplementedError


def _example(group: str, sizes: list[int], density: float) -> Case:
    rng = torch.Generator().manual_seed(10 * sum(sizes) + len(sizes))
    trained, theta0 = {}, {}
    for i, (layer, (d_in, d_out)) in enumerate(zip(("stem", "head"), pairwise(sizes), strict=False)):
        for name, shape in ((f"{layer}.weight", (d_out, d_in)), (f"{layer}.bias", (d_out,))):
            theta0[name] = torch.randn(shape, generator=rng)
            trained[name] = torch.randn(shape, generator=rng) * (i + 1)
            if "ties" in group:
                places = torch.randperm(trained[name].numel(), generator=rng).view(shape)
                trained[name] = trained[name].sign() * (places % 3 + 1)
    return case(group, theta_trained=trained, theta0=theta0, density=density)


EXAMPLES = [
    _example("two layers", [5, 3, 2], 0.3125),
    _example("half a weight rounds up", [4, 3, 2], 0.25),
    _example("ties", [3, 4, 2], 0.4375),
    _example("nothing is kept, or all", [3, 2], 0.0),
]
