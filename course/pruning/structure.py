"""What makes a network faster: fewer neurons; and what zeros and the 2:4 pattern do for the time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import linear

from course.common import device as devices
from course.common.stacks import mlp
from course.pruning.study import DENSE, RETRAIN, Method, Nets, fresh, masks_of, tune

WIDTHS = (128, 64, 32, 16)
ROWS = 4096


def cut(nets: Nets, neurons: Callable, width: int) -> Nets:
    """Networks with so many neurons left in both hidden layers, by your `neurons` or a function like it."""
    found, gone = [], len(nets.W[0][0]) - width
    for net in range(len(nets.W[0])):
        (W1, W2, W3), (b1, b2, b3) = nets.weights(net), [b[net].cpu() for b in nets.b]
        W1, b1, W2 = neurons(W1, b1, W2, gone)
        W2, b2, W3 = neurons(W2, b2, W3, gone)
        found.append((W1, W2, W3, b1, b2, b3))
    parts = [torch.stack(part).to(nets.x.device) for part in zip(*found, strict=True)]
    return replace(nets, W=parts[:3], b=parts[3:])


def at_random(rng: torch.Generator) -> Callable:
    """A function like `neurons` that chooses without looking."""

    def drop(W1: Tensor, b1: Tensor, W2: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
        kept = torch.randperm(len(W1), generator=rng)[k:].sort().values
        return W1[kept], b1[kept], W2[:, kept]

    return drop


@dataclass(frozen=True)
class Narrow:
    """Accuracies (seeds,) by way and width."""

    pruned: dict[tuple[str, int], Tensor]
    retrained: dict[tuple[str, int], Tensor]


@devices.threads(1)
def narrower(nets: Nets, neurons: Callable, widths: Sequence[int] = WIDTHS) -> Narrow:
    """Cut neurons by norm and at random, train on; and train networks of the same width from scratch.

    The networks from scratch get as many steps as the others in their whole life.
    """
    rng, pruned, retrained = torch.Generator().manual_seed(0), {}, {}
    for width in widths:
        for name, choose in (("by norm", neurons), ("at random", at_random(rng))):
            left = cut(nets, choose, width)
            pruned[name, width] = left.accuracy()[0]
            retrained[name, width] = tune(left, RETRAIN).accuracy()[0]
        retrained["from scratch", width] = tune(fresh(width, nets.seeds), DENSE + RETRAIN).accuracy()[0]
    return Narrow(pruned, retrained)


# Time


@devices.threads(1)
def times(nets: Nets, neurons: Callable, method: Method, widths: Sequence[int] = WIDTHS) -> dict[str, float]:
    """Milliseconds of the first network for 4096 rows: dense, with zeros, in a sparse format, with fewer neurons."""
    one = nets.first(1)
    x = torch.rand(ROWS, 64, generator=torch.Generator().manual_seed(0)).to(nets.x.device)
    works = {"dense": _forward(one, x)}
    for sparsity in (0.9, 0.98):
        zeros = one.masked(masks_of(one, [(method, sparsity)]))
        works[f"{sparsity:.0%} zeros"] = _forward(zeros, x)
        works[f"{sparsity:.0%} zeros, sparse rows (CSR)"] = _compressed(zeros, x)
    for width in widths:
        works[f"{width} neurons"] = _forward(cut(one, neurons, width), x)
    with torch.inference_mode():
        for work in works.values():
            work()
        found = devices.medians_ms(list(works.values()), x.device, budget=1.5)
    return dict(zip(works, found, strict=True))


def _forward(net: Nets, x: Tensor) -> Callable[[], Tensor]:
    return lambda: mlp(x, net.W, net.b)


def _compressed(net: Nets, x: Tensor) -> Callable[[], Tensor]:
    """The same network with its weights stored by their non-zero entries, rows after columns: W x, x has columns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        W, b = [w[0].to_sparse_csr() for w in net.W], [bias[0][:, None] for bias in net.b]
    columns = x.T.contiguous()

    def work() -> Tensor:
        h = columns
        for weight, bias in zip(W[:-1], b[:-1], strict=True):
            h = (weight @ h + bias).relu()
        return W[-1] @ h + b[-1]

    return work


def semi_structured(
    two_four: Callable, sizes: Sequence[int] = (1024, 4096, 8192)
) -> dict[int, tuple[float, float]] | str:
    """Milliseconds of a square float16 layer for as many tokens: dense, and in the 2:4 format of sparse tensor cores.

    Where there is no GPU that has them, or torch cannot use them, the reason in words.
    """
    device, found = devices.best(), {}
    if device.type != "cuda":
        return "not timed: 2:4 needs the sparse tensor cores of a GPU, and there is no GPU here"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return f"not timed: {devices.machine(device)} has no sparse tensor cores"
    rng = torch.Generator().manual_seed(0)
    try:
        for size in sizes:
            W, x = (torch.randn(size, size, generator=rng).to(device) for _ in range(2))
            kept = (W * two_four(W.cpu()).to(device)).half()
            packed, x = _packed(kept), x.half()
            works = [lambda W=W, x=x: linear(x, W) for W in (kept, packed)]
            with torch.inference_mode():
                for work in works:
                    work()
                found[size] = tuple(devices.medians_ms(works, device))
    except (RuntimeError, NotImplementedError) as error:
        return f"not timed: torch {torch.__version__} cannot: {str(error).splitlines()[0]}"
    return found


def _packed(kept: Tensor) -> Tensor:
    """The weight in the format of sparse tensor cores, without torch's warning that the API is a prototype."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The PyTorch API of SparseSemiStructuredTensor is in prototype stage")
        return torch.sparse.to_sparse_semi_structured(kept)
