"""Prune the weights that are near 0 during training."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-3, atol=1e-4)


def prune_while_training(
    x: Tensor, y: Tensor, W: Tensor, threshold: float, every: int, lr: float, steps: int
) -> tuple[Tensor, list[int]]:
    """Train a linear layer by gradient descent and prune, now and then, the weights that have come near 0.

    Every step uses the whole batch and moves W by -lr times the gradient of the loss: the mean over all n * d_out
    entries of the squared difference between y and the layer's output, W x for each row of x. There is no momentum.
    After the steps number `every`, 2 * every, 3 * every and so on, counted from 1, the weights whose magnitude is
    below the threshold are pruned: they become 0 and stay 0 until the end. A weight that equals the threshold in
    magnitude stays.

    Parameters
    ----------
    x : Tensor, shape (n, d_in), float32
    y : Tensor, shape (n, d_out), float32
    W : Tensor, shape (d_out, d_in), float32
        Where training starts: no entry is 0. It must not change.
    threshold : float
        Above 0.
    every : int
        At least 1.
    lr : float
    steps : int
        At least `every`, and not always a multiple of it.

    Returns
    -------
    W : Tensor, shape (d_out, d_in), float32
        The weight after all steps: a plain tensor that requires no gradient.
    pruned : list of int
        One number for each step: how many weights are pruned after it.

    Source: Han et al. 2015 (arXiv:1506.02626), section 3, prunes by a threshold and trains on, once or several times;
    here both are one loop. Guo et al. 2016 (arXiv:1608.04493) let weights come back, which this does not.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Train and prune; see whether a graph hangs on the weight."""
    found = observe_call(answer, case)
    W = found[0] if isinstance(found, (tuple, list)) and found else None
    return {"W and pruned": found, "W requires a gradient": isinstance(W, Tensor) and W.requires_grad}


def _example(group: str, shape: tuple[int, int, int], threshold: float, every: int, steps: int, seed: int) -> Case:
    rng = torch.Generator().manual_seed(seed)
    n, d_out, d_in = shape
    x = 2.0 * torch.randint(0, 2, (n, d_in), generator=rng) - 1
    teacher = torch.randn(d_out, d_in, generator=rng) * torch.randint(0, 2, (d_out, d_in), generator=rng)
    W = 0.8 * torch.randn(d_out, d_in, generator=rng)
    if "threshold" in group:
        # A feature that is always 0 has no gradient: its weights keep these values.
        x[:, 0] = 0
        W[:, 0] = threshold * torch.tensor([1.0, -1.0, 0.5])
    return case(group, x=x, y=x @ teacher.T, W=W, threshold=threshold, every=every, lr=0.2 * d_out, steps=steps)


EXAMPLES = [
    _example("pruned now and then", (8, 3, 4), 0.25, 3, 8, 1),
    _example("pruned after every step", (6, 2, 5), 0.125, 1, 5, 1),
    _example("weights as large as the threshold", (7, 3, 4), 0.25, 2, 6, 1),
]
