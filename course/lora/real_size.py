"""A rank-1 update of a real 12288 x 12288 weight: what it costs in time and memory, and whether it comes out again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import linear

from course.common import device as devices

SIZE, ALPHA = 12288, 2.0
TOKENS = {"cpu": (1, 64), "cuda": (1, 64, 2048)}
METHODS = ("base", "LoRA, rank 1", "full fine-tuning")


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes
    ----------
    work : str
        "forward" or "training step" (forward, backward to the weights and to x, AdamW).
    method : str
        One of METHODS.
    tokens, trainable : int
    ms : float
        Median time in milliseconds.
    peak : int
        Most bytes in use at any moment, the weight included.
    measured : bool
        Whether `peak` was measured; if not, it is `kept`.
    kept : int
        Bytes of weights, gradients and AdamW's states, summed over the tensors themselves.
    gradients : int
        Bytes of the weights' gradients.
    machine, dtype : str
    """

    work: str
    method: str
    tokens: int
    trainable: int
    ms: float
    peak: int
    measured: bool
    kept: int
    gradients: int
    machine: str
    dtype: str


class Layer:
    """One layer and what is trained of it: nothing, LoRA factors or everything."""

    def __init__(self, method: str, W: Tensor, forward: Callable) -> None:
        size, rng = len(W), torch.Generator(W.device).manual_seed(1)
        self.W = W.detach()  # shares its memory: the few small steps of full fine-tuning do not change any timing
        self.A, self.B = (
            torch.randn(shape, generator=rng, device=W.device, dtype=W.dtype) / size**0.5
            for shape in ((1, size), (size, 1))
        )
        self.trained = {"base": [], "LoRA, rank 1": [self.A, self.B], "full fine-tuning": [self.W]}[method]
        self.call = partial(linear, weight=self.W)
        if method == "LoRA, rank 1":
            self.call = lambda x: forward(x, self.W, None, self.A, self.B, ALPHA)
        for tensor in self.trained:
            tensor.requires_grad_()
        self.optimiser = torch.optim.AdamW(self.trained, lr=1e-4, fused=True) if self.trained else None

    @torch.no_grad()
    def forward(self, x: Tensor) -> None:
        self.call(x)

    def step(self, x: Tensor) -> None:
        """One training step; x needs a gradient too, as the output of a layer below."""
        x.grad = None
        self.optimiser.zero_grad()
        output = self.call(x)
        output.backward(torch.ones_like(output))
        self.optimiser.step()

    def gradients(self) -> int:
        return sum(tensor.grad.nbytes for tensor in self.trained if tensor.grad is not None)

    def kept(self) -> int:
        states = [state for kept in self.optimiser.state.values() for state in kept.values()] if self.optimiser else []
        factors = [tensor for tensor in self.trained if tensor is not self.W]
        return self.gradients() + sum(tensor.nbytes for tensor in [self.W, *factors, *states])


def weight(size: int, device: torch.device) -> Tensor:
    """A random weight, shape (size, size): bfloat16 on a GPU, float32 on a CPU with room for a training step."""
    free = devices.free_memory(device)
    scarce = free is not None and free < 5 * 4 * size**2  # a merge or a step of full fine-tuning holds 4 or 5
    dtype = torch.bfloat16 if device.type == "cuda" or scarce else torch.float32
    rng = torch.Generator(device).manual_seed(0)
    return torch.randn(size, size, generator=rng, device=device, dtype=dtype).mul_(0.02)


def measure(forward: Callable, device: torch.device | None = None, size: int = SIZE) -> list[Row]:
    """Time and peak memory of forward passes and training steps of one layer, LoRA with your `forward`.

    Parameters
    ----------
    forward : callable
        Your lora.forward.
    device : torch.device or None
        None means the GPU if there is one, else the CPU with all its cores.
    size : int
        The weight has the shape (size, size).

    Returns
    -------
    list of Row
    """
    device = device or devices.best()
    with devices.threads(devices.cores()):
        before = devices.memory_in_use(device) or 0
        W = weight(size, device)
        return [row for tokens in TOKENS[device.type] for row in _rows(W, forward, tokens, before)]


def plan() -> Iterable[tuple[str, str]]:
    """What is measured for each number of tokens, kind of work and method; what keeps most in memory comes last."""
    yield from (("forward", method) for method in METHODS[:2])
    yield from (("training step", method) for method in METHODS[1:])


def _rows(W: Tensor, forward: Callable, tokens: int, before: int) -> list[Row]:
    """Run each kind of work once under watch, which also warms up, then all of them in turns for the time."""
    layers, works, peaks = [], [], []
    x = torch.randn(tokens, W.shape[1], device=W.device, dtype=W.dtype, requires_grad=True)
    for work, method in plan():
        layers.append(Layer(method, W, forward))
        works.append(partial(layers[-1].forward if work == "forward" else layers[-1].step, x))
        peaks.append(devices.peak_memory(works[-1], W.device))
    times = devices.medians_ms(works, W.device)
    where = devices.machine(W.device), str(W.dtype).removeprefix("torch.")
    rows = []
    for (work, method), layer, ms, peak in zip(plan(), layers, times, peaks, strict=True):
        kept, trainable = layer.kept(), sum(tensor.numel() for tensor in layer.trained) * (work != "forward")
        memory = (kept, False) if peak is None else (peak - before, True)
        rows.append(Row(work, method, tokens, trainable, ms, *memory, kept, layer.gradients(), *where))
    return rows


@dataclass(frozen=True)
class RoundTrip:
    """Merging and unmerging a rank-1 update: largest entry of the update, and how far W is from what comes back."""

    dtype: str
    update: float
    difference: float
    unchanged: float


def round_trip(merge: Callable, unmerge: Callable, device: torch.device | None = None, size: int = SIZE) -> RoundTrip:
    """Merge a rank-1 update into a real weight with your `merge`, take it out with your `unmerge`, and compare."""
    device = device or devices.best()
    with devices.threads(devices.cores()), torch.no_grad():
        W = weight(size, device)
        rng = torch.Generator(device).manual_seed(1)
        A, B = (torch.randn(shape, generator=rng, device=device) / 100 for shape in ((1, size), (size, 1)))
        merged = merge(W, A, B, ALPHA)
        update = (merged - W).abs_().max().item()
        returned = unmerge(merged, A, B, ALPHA)
        unchanged = (returned == W).float().mean().item()
        difference = returned.sub_(W).abs_().max().item()
    return RoundTrip(str(W.dtype).removeprefix("torch."), update, difference, unchanged)


def table(rows: Sequence[Row]) -> str:
    """One line for each measurement under the name of its machine; times in milliseconds, memory in GiB."""
    lines, machine = [], ""
    for row in rows:
        if row.machine != machine:
            machine, peak = row.machine, "peak GiB" if row.measured else "computed GiB"
            lines.append(f"{machine}, {row.dtype}")
            lines.append(f"{'work':15}{'method':18}{'tokens':>7}{'trainable':>13}{'ms':>10}{peak:>14}")
        cells = f"{row.tokens:7}{row.trainable:13,}{row.ms:10.4g}{row.peak / 2**30:14.3f}"
        lines.append(f"{row.work:15}{row.method:18}{cells}")
    return "\n".join(lines)


def plot(rows: Sequence[Row]) -> Figure:
    """Bars of time and of peak memory for each kind of work and number of tokens; one line of panels a machine."""
    machines = list(dict.fromkeys(row.machine for row in rows))
    figure, axes = plt.subplots(
        len(machines), 2, figsize=(11, 4.2 * len(machines)), squeeze=False, layout="constrained"
    )
    for pair, machine in zip(axes, machines, strict=True):
        here = [row for row in rows if row.machine == machine]
        _bars(pair[0], here, [row.ms for row in here], f"Time on {machine}", "median time (ms)")
        source = "Peak memory" if all(row.measured for row in here) else "Weights, gradients and AdamW (computed)"
        _bars(pair[1], here, [row.peak / 2**30 for row in here], f"{source}, {here[0].dtype}", "memory (GiB)")
        pair[0].set_yscale("log")
        pair[0].yaxis.set_major_formatter("{x:g}")
        pair[0].yaxis.set_minor_formatter("")
        pair[0].legend(fontsize="small")
    return figure


def _bars(ax: Axes, rows: Sequence[Row], values: Sequence[float], title: str, unit: str) -> None:
    groups = list(dict.fromkeys((row.work, row.tokens) for row in rows))
    for i, method in enumerate(METHODS):
        chosen = [k for k, row in enumerate(rows) if row.method == method]
        x = [groups.index((rows[k].work, rows[k].tokens)) + 0.27 * (i - 1) for k in chosen]
        bars = ax.bar(x, [values[k] for k in chosen], 0.25, label=method)
        ax.bar_label(bars, fmt=lambda value: f"{value:.{3 if value < 100 else 4}g}", fontsize=7)
    names = [f"{work.replace(' ', chr(10))}\n{tokens} token{'s' * (tokens > 1)}" for work, tokens in groups]
    ax.set_xticks(range(len(groups)), names, fontsize=8)
    ax.set_title(title, fontsize=10)
    ax.set_ylabel(unit)
