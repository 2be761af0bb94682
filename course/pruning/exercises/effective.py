"""Find the kept weights that no longer do anything."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case

POINTS = 2
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def effective(masks: list[Tensor]) -> list[Tensor]:
    """Say which kept weights lie on a path of kept weights from an input to an output.

    The masks belong to the linear layers of a network, one after another, with an activation between them: entry
    [j, i] of a mask tells whether the weight from neuron i before the layer to neuron j after it is kept. A kept
    weight does nothing for the function of the inputs where no chain of kept weights leads from any input to its
    neuron i, or none from its neuron j to any output. Biases carry nothing of the input and do not count.

    Parameters
    ----------
    masks : list of Tensor, each of shape (d_out, d_in), bool
        True where a weight is kept. The d_in of a layer is the d_out of the one before. They must not change.

    Returns
    -------
    list of Tensor, bool, of the shapes of masks
        True where a weight is kept and lies on a whole path. Where one layer has lost everything (layer collapse),
        or the paths break off elsewhere, nothing is True in any layer.

    Source: Vysogorets & Kempe 2023 (arXiv:2107.02306), section 2, effective sparsity; Tanaka et al. 2020
    (arXiv:2006.05467), section 3, layer collapse.
    """
    raise NotImplementedError


def _example(group: str, masks: list[list[str]]) -> Case:
    return case(group, masks=[torch.tensor([[entry == "x" for entry in row] for row in mask]) for mask in masks])


EXAMPLES = [
    _example(
        "some weights lead nowhere",
        [
            ["xx.", ".x.", "...", "..x", "x.."],
            ["x.x..", ".x.x.", "..x..", ".x..x"],
            ["x..x", "...."],
            ["x.", ".x", "x."],
        ],
    ),
    _example("a layer has collapsed", [["x.x", "xx."], ["..", "..", ".."], ["xx.", "x.x"]]),
    _example("no path goes through", [["xx", "..", "x."], [".x.", ".x."], ["x.", "xx", ".x"]]),
]
