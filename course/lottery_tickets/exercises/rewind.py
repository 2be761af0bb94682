"""Rewind a pruned network to its initial weights."""

from itertools import pairwise

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def rewind(theta0: dict[str, Tensor], masks: dict[str, Tensor]) -> dict[str, Tensor]:
    """Build the ticket: what the mask keeps starts again from its initial value, the rest is zero.

    Parameters
    ----------
    theta0 : dict of str to Tensor, float32
        All parameters as they were before training. They must not change: every round needs them again.
    masks : dict of str to Tensor, bool
        For each pruned parameter a mask of its shape, True where a weight is kept. Parameters without a mask, such as
        biases, are not pruned.

    Returns
    -------
    dict of str to Tensor, float32
        A value for every name in theta0: theta0 where it is kept or has no mask, 0 where it is pruned. The tensors
        are new: training them must not reach theta0.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 1, step 4.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Build the ticket; name the tensors in it that still share memory with theta0."""
    ticket = observe_call(answer, case)
    parts = ticket if isinstance(ticket, dict) else {}
    places = {value.data_ptr() for value in case.inputs["theta0"].values()}
    shared = [str(name) for name, part in parts.items() if isinstance(part, Tensor) and part.data_ptr() in places]
    return {"ticket": ticket, "tensors shared with theta0": " ".join(sorted(shared))}


def _example(group: str, sizes: list[int], density: float) -> Case:
    rng = torch.Generator().manual_seed(sum(sizes))
    theta0, masks = {}, {}
    for i, (d_in, d_out) in enumerate(pairwise(sizes)):
        theta0[f"fc{i}.weight"] = torch.randn(d_out, d_in, generator=rng)
        theta0[f"fc{i}.bias"] = torch.randn(d_out, generator=rng)
        masks[f"fc{i}.weight"] = torch.rand(d_out, d_in, generator=rng) < density
    if "without a mask" in group:
        del masks["fc0.weight"]
    return case(group, theta0=theta0, masks=masks)


EXAMPLES = [
    _example("two layers", [4, 3, 2], 0.5),
    _example("a layer without a mask", [3, 4, 2], 0.4),
    _example("nothing is kept", [3, 2], 0.0),
]
