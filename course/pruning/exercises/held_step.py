"""Take an optimiser's step that leaves pruned weights pruned."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-5, atol=1e-6)


def held_step(w: Tensor, g: Tensor, buf: Tensor, mask: Tensor, lr: float, mu: float) -> tuple[Tensor, Tensor]:
    """Take one step of gradient descent with momentum and hold the mask: what is pruned is 0 afterwards.

    The step is that of torch.optim.SGD(lr=lr, momentum=mu): the new buffer is mu * buf + g, and w moves by -lr times
    the new buffer. Then the mask holds for both results, so that no pruned weight moves in this step or, through the
    momentum, in a later one.

    Parameters
    ----------
    w : Tensor, any shape, float32
        Where the mask is new, pruned weights are not 0 yet.
    g : Tensor, shape of w, float32
        The gradient of the loss. It reaches pruned weights, too.
    buf : Tensor, shape of w, float32
        The momentum buffer, which may stem from before the pruning.
    mask : Tensor, shape of w, bool
        True where a weight is kept.
    lr, mu : float

    Returns
    -------
    w : Tensor, shape of w, float32
    buf : Tensor, shape of w, float32
        New tensors, both 0 wherever the mask is False. The tensors given must not change.

    Source: Han et al. 2015 (arXiv:1506.02626), section 3.3 (retraining what is left); torch.optim.SGD.
    """
    raise NotImplementedError


def _example(group: str, shape: tuple[int, ...], lr: float, mu: float) -> Case:
    rng = torch.Generator().manual_seed(shape[0])
    w, g, buf = (torch.randn(shape, generator=rng) for _ in range(3))
    mask = torch.rand(shape, generator=rng) > 0.5
    if "held" in group:
        w, buf = w * mask, buf * mask
    return case(group, w=w, g=g, buf=buf, mask=mask, lr=lr, mu=mu)


EXAMPLES = [
    _example("the mask is new", (3, 4), 0.1, 0.9),
    _example("the mask was held before", (2, 5), 0.5, 0.75),
]
