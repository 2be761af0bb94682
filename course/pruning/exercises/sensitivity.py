"""Find out which layers can be pruned."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def sensitivity(evaluate: Callable[[list[Tensor]], float], weights: list[Tensor], sparsities: list[float]) -> Tensor:
    """Scan how the loss of a network depends on the sparsity of each of its layers.

    One layer at a time is pruned, to one sparsity at a time, while all other layers are as they were given. A layer
    of n weights loses the floor(sparsity * n + 0.5) of least magnitude: they become 0. No two magnitudes in a layer
    are equal.

    Parameters
    ----------
    evaluate : callable
        evaluate(weights) returns the loss of the network with these weights, a float. It takes a list like
        `weights`, with a tensor for every layer, and changes nothing.
    weights : list of Tensor, each of shape (d_out, d_in), float32
        The trained network. It must not change.
    sparsities : list of float
        From 0 to 1, in any order.

    Returns
    -------
    Tensor, shape (layers, sparsities), float32
        The loss with the row's layer pruned to the column's sparsity.

    Source: Han et al. 2015 (arXiv:1506.02626), section 5 and figure 6.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> object:
    """Scan a network of linear layers with ReLU between them; its loss is a mean squared error."""
    X, Y = case.inputs["X"], case.inputs["Y"]

    def evaluate(weights: list[Tensor]) -> float:
        h = X
        for W in weights[:-1]:
            h = torch.relu(h @ W.T)
        return (h @ weights[-1].T - Y).square().mean().item()

    arguments = {"evaluate": evaluate, "weights": case.inputs["weights"], "sparsities": case.inputs["sparsities"]}
    return observe_call(answer, Case(case.group, arguments))


def _example(group: str, sizes: list[int], sparsities: list[float]) -> Case:
    rng = torch.Generator().manual_seed(sizes[0])
    weights = []
    for d_in, d_out in pairwise(sizes):
        signs = 2 * torch.randint(0, 2, (d_out, d_in), generator=rng) - 1
        magnitudes = 1 + torch.randperm(d_out * d_in, generator=rng).reshape(d_out, d_in)
        weights.append(signs * magnitudes / (d_out * d_in))
    X, Y = torch.randn(6, sizes[0], generator=rng), torch.randn(6, sizes[-1], generator=rng)
    return case(group, weights=weights, sparsities=sparsities, X=X, Y=Y)


EXAMPLES = [
    _example("rising sparsities", [4, 5, 3], [0.25, 0.5, 0.875]),
    _example("sparsities in any order", [5, 4, 3, 2], [0.75, 0.0, 1.0, 0.375]),
]
