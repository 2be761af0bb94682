"""Score weights by where training moves them."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 1
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-4, atol=1e-5)


def movement(W: Tensor, G: Tensor, lr: float) -> Tensor:
    """Compute the movement scores of a layer after some steps of fine-tuning.

    Movement pruning learns a score S for every weight, by gradient descent with the rate lr beside the training of
    the weights; the scores start at 0. With the straight-through estimator, in each step the derivative of the loss
    with respect to a score is that with respect to the weight, times the weight. So a weight that training pushes
    away from zero gets a high score, and one that it pushes towards zero a low one. The weights of the highest scores
    are kept.

    Parameters
    ----------
    W : Tensor, shape (steps, d_out, d_in), float32
        The layer's weight before each step of training; at least one step.
    G : Tensor, shape (steps, d_out, d_in), float32
        The derivative of the loss with respect to the weight in the same steps.
    lr : float

    Returns
    -------
    Tensor, shape (d_out, d_in), float32
        The scores after all steps.

    Source: Sanh et al. 2020 (arXiv:2005.07683), section 4. Some public notes give another sign, or magnitudes.
    """
    raise NotImplementedError


def _example(group: str, steps: int, d_out: int, d_in: int, lr: float) -> Case:
    rng = torch.Generator().manual_seed(10 * d_out + d_in)
    G = torch.randn(steps, d_out, d_in, generator=rng)
    start = torch.randn(d_out, d_in, generator=rng)
    return case(group, W=start - 0.3 * (G.cumsum(0) - G), G=G, lr=lr)


EXAMPLES = [
    _example("several steps", 4, 3, 2, 0.5),
    _example("one step", 1, 2, 3, 2.0),
]
