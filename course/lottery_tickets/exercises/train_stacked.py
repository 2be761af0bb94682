"""Train several masked networks at once."""

from itertools import pairwise

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 4
MINUTES = 35
LEVEL = 3
TOLERANCE = Tolerance(rtol=1e-3, atol=1e-4)


def train_stacked(
    weights: list[Tensor],
    biases: list[Tensor],
    masks: list[Tensor],
    x: Tensor,
    y: Tensor,
    batches: Tensor,
    lr: float,
    momentum: float,
) -> tuple[list[Tensor], list[Tensor]]:
    """Train S networks side by side by SGD with momentum; each has its own weights, mask and batches.

    Every network is an MLP: a layer computes h W + b, and a ReLU follows every layer but the last. Its loss is the mean
    cross-entropy over its batch. In each step every weight and bias has v = momentum * v + g and moves by -lr * v; g is
    its gradient, and v starts at 0. The networks do not touch each other. A pruned weight is 0 from the first step to
    the last. One batched product for all networks (torch.baddbmm, or vmap) spares a loop over them; either is
    right.

    Parameters
    ----------
    weights : list of Tensor, shape (S, d_in, d_out), float32
        For each layer the initial weights of all networks, not masked yet. One layer or more.
    biases : list of Tensor, shape (S, 1, d_out), float32
    masks : list of Tensor, shape (S, d_in, d_out), bool
        True where a weight is kept. The networks' masks differ.
    x : Tensor, shape (n, d), float32
    y : Tensor, shape (n,), int64
        The classes.
    batches : Tensor, shape (steps, S, batch_size), int64
        batches[t, s] are the rows of x and y on which network s does step t.
    lr, momentum : float
        The momentum may be 0.

    Returns
    -------
    weights : list of Tensor, shape (S, d_in, d_out), float32
    biases : list of Tensor, shape (S, 1, d_out), float32
        The parameters after all steps: plain tensors that require no gradient. None of the tensors given may change.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 1; torch.optim.SGD, for the momentum.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Train; count the tensors on which a graph still hangs."""
    found = observe_call(answer, case)
    parts = [part for part in found if isinstance(part, (list, tuple))] if isinstance(found, (list, tuple)) else []
    graphs = sum(isinstance(t, Tensor) and t.requires_grad for part in parts for t in part)
    return {"weights and biases": found, "tensors that require a gradient": graphs}


def _example(group: str, sizes: list[int], S: int, steps: int, momentum: float, seed: int) -> Case:
    rng = torch.Generator().manual_seed(seed)
    weights, biases, masks = [], [], []
    for d_in, d_out in pairwise(sizes):
        weights.append(torch.randn(S, d_in, d_out, generator=rng) * (2 / d_in) ** 0.5)
        biases.append(torch.randn(S, 1, d_out, generator=rng) / 2)
        masks.append(torch.rand(S, d_in, d_out, generator=rng) < 0.6)
    return case(
        group,
        weights=weights,
        biases=biases,
        masks=masks,
        x=torch.randn(12, sizes[0], generator=rng),
        y=torch.randint(sizes[-1], (12,), generator=rng),
        batches=torch.randint(12, (steps, S, 4), generator=rng),
        lr=0.1,
        momentum=momentum,
    )


EXAMPLES = [
    _example("two layers", [4, 5, 3], 2, 6, 0.9, 1),
    _example("one layer", [4, 3], 3, 5, 0.8, 2),
    _example("no momentum", [3, 4, 2], 2, 4, 0.0, 3),
]
