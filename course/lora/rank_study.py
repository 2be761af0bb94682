"""Which rank suffices? Three tasks, near to far, for the same pretrained networks.

A network that reads 8 x 8 digits is adapted to swapped labels, to shuffled pixels and to inverted pixels. What
adapts are the weights of its two hidden layers; biases and the output layer stay. One network for each task and
seed: they train at once, as one stack.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import cross_entropy

from course.common import device as devices
from course.common.plotting import over_seeds, spread
from course.common.stacks import TRAIN, accuracy, digits, kaiming, mlp, train

TASKS = ("near: labels swapped", "mid: pixels shuffled", "far: pixels inverted")
RANKS = (1, 2, 4, 8, 16)
DIMENSIONS = (28, 112, 448, 1792)
WIDTH, BATCH, STEPS = 128, 64, 300
HIDDEN = WIDTH * 64 + WIDTH * WIDTH  # numbers in both hidden weights
PER_RANK = (WIDTH + 64) + (WIDTH + WIDTH)  # numbers in a rank-1 update of both


@dataclass(frozen=True)
class Problem:
    """The tasks, and for each task and seed a pretrained network; nets = tasks * seeds.

    Attributes
    ----------
    x : Tensor, shape (tasks, 1797, 64)
        The first TRAIN images are for training, the others for the test.
    y : Tensor, shape (tasks, 1797)
    W : list of three Tensors, shape (nets, d_out, d_in)
    b : list of three Tensors, shape (nets, d_out)
    seeds : int
    """

    x: Tensor
    y: Tensor
    W: list[Tensor]
    b: list[Tensor]
    seeds: int

    def batch(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw training examples for every network, shapes (nets, 64, 64) and (nets, 64)."""
        task = torch.arange(len(self.x)).repeat_interleave(self.seeds)[:, None]
        chosen = torch.randint(TRAIN, (len(task), BATCH), generator=rng)
        return self.x[task, chosen], self.y[task, chosen]

    @torch.no_grad()
    def accuracy(self, hidden: Sequence[Tensor]) -> Tensor:
        """Percent right on the test images, shape (tasks, seeds), with these weights in the hidden layers."""
        x, y = (part[:, TRAIN:].repeat_interleave(self.seeds, 0) for part in (self.x, self.y))
        return accuracy(mlp(x, [*hidden, self.W[2]], self.b), y).view(-1, self.seeds)


@dataclass(frozen=True)
class Study:
    """Accuracies in percent, shape (tasks, seeds), LoRA's by rank; and what full fine-tuning changed."""

    problem: Problem
    before: Tensor
    full: Tensor
    lora: dict[int, Tensor]
    changes: list[Tensor]  # of the two hidden layers, shape (nets, d_out, d_in)


def centred_digits() -> tuple[Tensor, Tensor]:
    """The digits minus the mean training image, shape (1797, 64); and their labels."""
    x, y = digits()
    return x - x[:TRAIN].mean(0), y


def tasks(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The data of the three TASKS from centred images x: turning each pixel p into 1 - p turns x into -x."""
    swapped = torch.tensor([0, 7, 2, 8, 4, 5, 6, 1, 3, 9])[y]
    shuffled = x[:, torch.randperm(64, generator=torch.Generator().manual_seed(5))]
    return torch.stack([x, shuffled, -x]), torch.stack([swapped, y, y])


def tune(parameters: list[Tensor], network: Callable, problem: Problem, lr: float, **options) -> None:
    """Minimise the sum of all networks' losses; the learning rate falls to 0 along a cosine."""
    rng = torch.Generator().manual_seed(3)

    def loss(step: int) -> Tensor:
        x, y = problem.batch(rng)
        return cross_entropy(network(x).flatten(0, 1), y.flatten()) * len(y)

    train(parameters, loss, STEPS, lr, cosine=True, **options)


def pretrain(seeds: int, device: torch.device) -> Problem:
    """Train one network for each seed on the plain digits, then give each the three tasks."""
    x, y = centred_digits()
    W, b = kaiming(seeds, (64, WIDTH, WIDTH, 10), torch.Generator().manual_seed(1), device)
    plain = Problem(x[None].to(device), y[None].to(device), W, b, seeds)
    tune([part.requires_grad_() for part in W + b], lambda x: mlp(x, W, b), plain, lr=3e-3)
    x, y = tasks(x, y)
    W, b = ([part.detach().repeat(len(x), *[1] * (part.dim() - 1)) for part in kind] for kind in (W, b))
    return Problem(x.to(device), y.to(device), W, b, seeds)


def tune_fully(problem: Problem) -> list[Tensor]:
    """Fine-tune every entry of the hidden weights; returns them, shape (nets, d_out, d_in)."""
    hidden = [W.clone().requires_grad_() for W in problem.W[:2]]
    tune(hidden, lambda x: mlp(x, [*hidden, problem.W[2]], problem.b), problem, lr=0.1, momentum=0.9)
    return [W.detach() for W in hidden]


def tune_lora(problem: Problem, rank: int, init: Callable, forward: Callable, merge: Callable) -> list[Tensor]:
    """Train LoRA updates of the hidden weights with alpha = 2 rank; returns the merged weights."""
    rng, layer, factors = torch.Generator().manual_seed(rank), torch.vmap(forward, (0, 0, 0, 0, 0, None)), []
    for W in problem.W[:2]:
        drawn = zip(*(init(*W.shape[1:], rank, rng) for _ in W), strict=True)
        factors.append([torch.stack(factor).detach().to(W.device).requires_grad_() for factor in drawn])

    def network(x: Tensor) -> Tensor:
        for W, b, (A, B) in zip(problem.W, problem.b, factors, strict=False):
            x = layer(x, W, b, A, B, 2.0 * rank).relu()
        return mlp(x, problem.W[2:], problem.b[2:])

    tune([*factors[0], *factors[1]], network, problem, lr=0.02)
    with torch.no_grad():
        layers = [zip(W, A, B, strict=True) for W, (A, B) in zip(problem.W, factors, strict=False)]
        return [torch.stack([merge(W, A, B, 2.0 * rank) for W, A, B in nets]) for nets in layers]


def tune_in_subspace(problem: Problem, dimension: int) -> list[Tensor]:
    """Train along random orthogonal directions only: each weight follows one of them, with a random sign."""
    rng, hidden, device = torch.Generator().manual_seed(dimension), problem.W[:2], problem.x.device
    nets, entries = len(hidden[0]), [W[0].numel() for W in hidden]
    followed = torch.randint(2 * dimension, (nets, sum(entries)), generator=rng).to(device)
    z = torch.zeros(nets, dimension, device=device, requires_grad=True)

    def moved() -> list[Tensor]:
        steps = torch.cat([z, -z], 1).gather(1, followed).split(entries, 1)
        return [W + step.view_as(W) for W, step in zip(hidden, steps, strict=True)]

    tune([z], lambda x: mlp(x, [*moved(), problem.W[2]], problem.b), problem, lr=0.03)
    return [W.detach() for W in moved()]


@devices.threads(1)
def study(init: Callable, forward: Callable, merge: Callable, ranks: Sequence[int] = RANKS, seeds: int = 6) -> Study:
    """Adapt the networks to every task, fully and with your LoRA functions at every rank."""
    problem = pretrain(seeds, devices.best())
    tuned = tune_fully(problem)
    lora = {rank: problem.accuracy(tune_lora(problem, rank, init, forward, merge)) for rank in ranks}
    changes = [after - before for after, before in zip(tuned, problem.W, strict=False)]
    return Study(problem, problem.accuracy(problem.W[:2]), problem.accuracy(tuned), lora, changes)


@devices.threads(1)
def truncation(result: Study, truncate: Callable, ranks: Sequence[int] = RANKS) -> dict[int, Tensor]:
    """Accuracy, shape (tasks, seeds), when what full fine-tuning changed is cut down to each rank."""

    def cut(changes: Tensor, rank: int) -> Tensor:
        factors = (truncate(D, rank) for D in changes.cpu())
        return torch.stack([B @ A for B, A, _ in factors]).to(changes.device)

    pairs = list(zip(result.problem.W, result.changes, strict=False))
    return {rank: result.problem.accuracy([W + cut(D, rank) for W, D in pairs]) for rank in ranks}


@devices.threads(1)
def subspaces(result: Study, dimensions: Sequence[int] = DIMENSIONS) -> dict[int, Tensor]:
    """Accuracy, shape (tasks, seeds), after training in a random subspace of each dimension."""
    return {d: result.problem.accuracy(tune_in_subspace(result.problem, d)) for d in dimensions}


def table(result: Study) -> str:
    """Mean accuracy ± one standard deviation over seeds, a line for each task."""
    columns = {"before": result.before, **{f"rank {r}": runs for r, runs in result.lora.items()}, "full": result.full}
    rows = [["accuracy (%)", *columns]]
    rows += [[task, *(spread(runs[i]) for runs in columns.values())] for i, task in enumerate(TASKS)]
    return "\n".join(f"{row[0]:22}" + "".join(f"{entry:>14}" for entry in row[1:]) for row in rows)


def plot_ranks(result: Study) -> Figure:
    """Accuracy against rank for every task; full fine-tuning is dotted."""
    return _plot(result, "rank", "The rank that suffices depends on the task")


def plot_spectrum(result: Study, largest: int = 24) -> Figure:
    """Singular values of what full fine-tuning changed, for both hidden layers."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for layer, (ax, changes) in enumerate(zip(axes, result.changes, strict=True)):
        sigma = torch.linalg.svdvals(changes.cpu()).view(len(TASKS), -1, min(changes.shape[1:]))
        stable = sigma.square().sum(2) / sigma[:, :, 0].square()
        for i, task in enumerate(TASKS):
            label = f"{task} (stable rank {spread(stable[i])})"
            ax.errorbar(range(1, largest + 1), sigma[i].mean(0)[:largest], sigma[i].std(0)[:largest], label=label)
        ax.set(title=f"hidden layer {layer + 1}", xlabel="k", ylabel="k-th singular value", yscale="log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("{x:g}")
        ax.legend(fontsize="small")
    figure.suptitle(f"Singular values of full fine-tuning's ΔW ({result.problem.seeds} seeds, bars: 1 std)")
    return figure


def plot_truncation(result: Study, cut: dict[int, Tensor]) -> Figure:
    """Accuracy of LoRA trained at each rank (solid) and of full fine-tuning cut down to it (dashed)."""
    return _plot(result, "rank", "At low ranks, training beats cutting down", cut, "ΔW cut down")


def plot_dimensions(result: Study, dimensions: dict[int, Tensor]) -> Figure:
    """Accuracy against the count of trained numbers: LoRA (solid) and random subspaces (dashed)."""
    title = "Few numbers are not the same as low rank"
    return _plot(result, f"numbers trained, of {HIDDEN:,}", title, dimensions, "random subspace", PER_RANK)


def _plot(result: Study, x: str, title: str, others: dict | None = None, name: str = "", unit: int = 1) -> Figure:
    """LoRA's accuracies, `unit` steps of x for each rank, and dashed those of another method for each x."""
    figure, ax = plt.subplots(layout="constrained")
    for i, task in enumerate(TASKS):
        over_seeds(ax, [unit * r for r in result.lora], [runs[i] for runs in result.lora.values()], task, color=f"C{i}")
        ax.axhline(result.full[i].mean(), ls=":", color=f"C{i}")
        if others:
            over_seeds(ax, list(others), [runs[i] for runs in others.values()], f"   {name}", color=f"C{i}", ls="--")
    title = f"{title}\n({result.problem.seeds} seeds, bars: 1 std, dotted: full fine-tuning)"
    ax.set(xlabel=x, ylabel="test accuracy (%)", ylim=(0, 102), title=title)
    ax.set_xscale("log", base=2)
    ax.set_xticks(ticks := sorted({unit * r for r in result.lora} | {*(others or ())}), ticks)
    ax.legend(fontsize="small", loc="lower right")
    return figure
