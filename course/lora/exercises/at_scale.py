"""Run the adapted layer at real size."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 3
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-3, atol=1e-3)
# Bytes that a call may add. W takes 576 MiB of it; a second matrix of W's size does not fit.
MEMORY = 960 * 2**20


def at_scale(x: Tensor, W: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """Apply a frozen 12288 x 12288 layer and its LoRA update to a few tokens, within bounded memory.

    W takes 576 MiB, and there is room for little besides: neither the update B A, nor W plus the update,
    nor a copy of W in another dtype may be formed. The grader bounds the memory of your process.

    Parameters
    ----------
    x : Tensor, shape (tokens, d_in), float32
    W : Tensor, shape (d_out, d_in), float32
        Here d_out = d_in = 12288. It must not change.
    A : Tensor, shape (rank, d_in), float32
    B : Tensor, shape (d_out, rank), float32
    alpha : float

    Returns
    -------
    Tensor, shape (tokens, d_out), float32
        W x + (alpha / rank) B A x for every token.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.1; 12288 is the width of GPT-3.
    """
    raise NotImplementedError


WIDTH = 12288
TILE = 768


def observe(answer, case: Case) -> Tensor:
    """Build the weight where the answer runs: it is too large to send. Its tiles repeat one random block."""
    rng = torch.Generator().manual_seed(case.inputs["seed"])
    rank, tokens = case.inputs["rank"], case.inputs["tokens"]
    tile = torch.randn(TILE, TILE, generator=rng) / WIDTH**0.5
    W = tile.repeat(WIDTH // TILE, WIDTH // TILE)
    inputs = {
        "x": torch.randn(tokens, WIDTH, generator=rng),
        "W": W,
        "A": torch.randn(rank, WIDTH, generator=rng) / WIDTH**0.5,
        "B": torch.randn(WIDTH, rank, generator=rng) / rank**0.5,
        "alpha": case.inputs["alpha"],
    }
    y = observe_call(answer, Case(case.group, inputs))
    changed = not torch.equal(W[:TILE, :TILE], tile)
    # One row in 64 tells right from wrong, and keeps what is stored and sent small.
    sample = y[:, ::64] if isinstance(y, Tensor) and y.dim() == 2 else y
    return {"every 64th output": sample, "W was changed": changed}


EXAMPLES = [case("rank 2", seed=5, tokens=2, rank=2, alpha=8.0)]
