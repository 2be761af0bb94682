"""Measure how far the order of the demonstrations moves accuracy."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def order_spread(correct: Tensor) -> Tensor:
    """Summarise the accuracies of one prompt whose demonstrations were put in several orders.

    Parameters
    ----------
    correct : Tensor, shape (orders, queries), bool
        Whether the model was right, for each order of the same demonstrations and each of the same queries. There is
        at least one of each.

    Returns
    -------
    Tensor, shape (3,), float32
        Each order has one accuracy, the share of its queries that were right. Of these accuracies:

        - the mean,
        - the standard deviation (of the population: divided by the number of orders),
        - the largest minus the smallest.

    Source: Lu et al. 2021 (arXiv:2104.08786), section 2, show how far these accuracies lie apart.
    """
    raise NotImplementedError


def _example(group: str, orders: int, queries: int) -> Case:
    rng = torch.Generator().manual_seed(100 * orders + queries)
    ability = torch.linspace(0.1, 0.95, orders)[torch.randperm(orders, generator=rng)]
    return case(group, correct=torch.rand(orders, queries, generator=rng) < ability[:, None])


EXAMPLES = [
    _example("more queries than orders", 3, 8),
    _example("more orders than queries", 7, 4),
    case("one order", correct=torch.tensor([[True, False, True, True]])),
]
