"""Rewind to an early step of training."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def late_rewind(checkpoints: dict[int, dict[str, Tensor]], masks: dict[str, Tensor], step: int) -> dict[str, Tensor]:
    """Build a ticket from the weights that the dense network had after a few steps of training.

    In deep networks the first steps are unstable, and tickets that start from the very beginning fail; those that
    start a little later do not. Training kept a checkpoint only now and then, so the ticket starts from the latest
    one that is not later than the step asked for.

    Parameters
    ----------
    checkpoints : dict of int to dict of str to Tensor, float32
        All parameters of the dense network after so many steps. Step 0, before training, is always among them; the
        steps may stand in any order, at any distance. Nothing in it may change.
    masks : dict of str to Tensor, bool
        For each pruned parameter a mask of its shape, True where a weight is kept. Parameters without a mask, such as
        biases, are not pruned.
    step : int
        At least 0.

    Returns
    -------
    dict of str to Tensor, float32
        A value for every parameter: that of the checkpoint where it is kept or has no mask, 0 where it is pruned.

    Source: Frankle et al. 2020 (arXiv:1912.05671), section 4; first in Frankle et al. 2019 (arXiv:1903.01611).
    """
    raise NotImplementedError


def _example(group: str, steps: list[int], step: int) -> Case:
    rng = torch.Generator().manual_seed(sum(steps) + step)
    shapes = {"fc1.weight": (3, 4), "fc1.bias": (3,), "fc2.weight": (2, 3), "fc2.bias": (2,)}
    masks = {name: torch.rand(shapes[name], generator=rng) < 0.5 for name in ("fc1.weight", "fc2.weight")}
    drawn = {s: {name: torch.randn(shape, generator=rng) for name, shape in shapes.items()} for s in steps}
    return case(group, checkpoints=drawn, masks=masks, step=step)


EXAMPLES = [
    _example("a checkpoint of this step", [0, 10, 20, 50], 20),
    _example("between two checkpoints", [0, 5, 30, 40], 12),
    _example("in any order", [40, 20, 0, 10], 35),
    _example("step 0", [0, 10, 20], 0),
]
