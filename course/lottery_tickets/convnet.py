"""Convolutional networks at two learning rates, rewound to step 0 or later: the larger version, for a GPU.

All networks of all settings and seeds train as one stack, each as a group of channels of the same convolutions. The
weight of a convolution is kept as a matrix (d_out, 9 d_in), so that every function of the lab takes it as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import conv2d, cross_entropy, group_norm, max_pool2d, pad

from course.common import device as devices
from course.common.plotting import gap, spread
from course.common.stacks import TRAIN, digits
from course.lottery_tickets.lockstep import in_step
from course.lottery_tickets.networks import MOMENTUM, Parameters, density, everything

TESTED = 1200  # test images, each digit at a place of its own


@dataclass(frozen=True)
class Size:
    """How large the study is.

    Attributes
    ----------
    width : int
        Channels at the first resolution; the two others have twice and four times as many.
    depth : int
        Convolutions at each resolution; all but the first have a shortcut around them.
    canvas : int
        Height and width of an image.
    steps, batch, rounds, seeds : int
    p : float
        What a round drops of the survivors.
    rates : tuple of float
        Learning rates; each falls to 0 along half a cosine.
    rewinds : tuple of int
        Steps to which the survivors are rewound, from 0 on.
    compared : tuple of int
        Rounds whose tickets are compared.
    """

    width: int = 12
    depth: int = 2
    canvas: int = 12
    steps: int = 1500
    batch: int = 64
    rounds: int = 4
    seeds: int = 12
    p: float = 0.6
    rates: tuple[float, ...] = (0.03, 0.3)
    rewinds: tuple[int, ...] = (0, 20, 100)
    compared: tuple[int, ...] = (2, 3, 4)


# Every step in seconds: accuracy stays near chance, so this size proves nothing.
TINY = Size(width=4, depth=2, steps=40, batch=16, rounds=2, seeds=2, rates=(0.05,), rewinds=(0, 5), compared=(2,))


@dataclass(frozen=True)
class Net:
    """One network of a stack: where it starts, at which step and rate, and whose batches it sees."""

    theta: Parameters
    masks: Parameters
    rate: float
    begins: int
    seed: int


@dataclass(frozen=True)
class Images:
    """Digits on a black canvas, shapes (1797, 8, 8), (1797,), (TESTED, canvas, canvas) and (TESTED,)."""

    x: Tensor
    y: Tensor
    test: Tensor
    labels: Tensor


def images(size: Size, device: torch.device) -> Images:
    """The digits, and test images at fixed places."""
    (x, y), rng = digits(), torch.Generator().manual_seed(7)
    x, chosen = x.view(-1, 8, 8), torch.randint(TRAIN, len(x), (TESTED,), generator=rng)
    places = torch.randint(size.canvas - 7, (TESTED, 2), generator=rng)
    parts = (x, y, placed(x[chosen], places, size.canvas), y[chosen])
    return Images(*(part.to(device) for part in parts))


def placed(x: Tensor, places: Tensor, canvas: int) -> Tensor:
    """Put digits (..., 8, 8) on a canvas at places (..., 2) from 0 to canvas - 8; shape (..., canvas, canvas)."""
    shown, line = pad(x, (0, canvas - 8, 0, canvas - 8)), torch.arange(canvas, device=x.device)
    down, right = ((line - places[..., axis, None]) % canvas for axis in (0, 1))
    shown = shown.gather(-2, down[..., :, None].expand(shown.shape))
    return shown.gather(-1, right[..., None, :].expand(shown.shape))


def start(size: Size, rng: torch.Generator) -> Parameters:
    """Draw one network's parameters: weights of variance 2 / (d_in + d_out) of their matrix, biases 0."""
    widths = [size.width * 2**stage for stage in range(3) for _ in range(size.depth)]
    theta = {}
    for i, (channels, d_out) in enumerate(zip([1, *widths], [*widths, 10], strict=True)):
        d_in, name = (channels, "head") if i == len(widths) else (9 * channels, f"conv{i}")
        theta[f"{name}.weight"] = torch.randn(d_out, d_in, generator=rng) * (2 / (d_in + d_out)) ** 0.5
        theta[f"{name}.bias"] = torch.zeros(d_out)
    return theta


def network(x: Tensor, theta: Parameters, depth: int) -> Tensor:
    """Logits (nets, n, 10) of images (nets, n, canvas, canvas); inside, a network is a group of channels."""
    nets, x = len(x), x.transpose(0, 1)
    for i in range(3 * depth):
        W, b = theta[f"conv{i}.weight"], theta[f"conv{i}.bias"]
        y = conv2d(x, W.view(nets * W.shape[1], -1, 3, 3), b.flatten(), padding=1, groups=nets)
        y = group_norm(y, nets).relu()
        x = x + y if i % depth else y
        if i in (depth - 1, 2 * depth - 1):
            x = max_pool2d(x, 2)
    x = x.mean((2, 3)).unflatten(1, (nets, -1)).transpose(0, 1)
    return torch.baddbmm(theta["head.bias"][:, None], x, theta["head.weight"].mT)


def batches(size: Size, order: int, stop: int) -> tuple[Tensor, Tensor]:
    """Training images (stop, seeds, batch) and their places (stop, seeds, batch, 2)."""
    rng, shape = torch.Generator().manual_seed(order), (size.seeds, size.batch)
    drawn = [(torch.randint(TRAIN, shape, generator=rng), torch.randint(size.canvas - 7, (*shape, 2), generator=rng))
             for _ in range(stop)]  # fmt: skip
    return tuple(torch.stack(part) for part in zip(*drawn, strict=True))


def train(nets: Sequence[Net], data: Images, size: Size, order: int, stop: int | None = None) -> list[Parameters]:
    """Train all networks by SGD with momentum, each from the step at which it begins up to `stop`."""
    stop, device = stop or size.steps, data.x.device
    theta, masks = (stacked([getattr(net, part) for net in nets], device) for part in ("theta", "masks"))
    theta = {name: value * masks.get(name, 1) for name, value in theta.items()}
    velocity = {name: torch.zeros_like(value) for name, value in theta.items()}
    rate, begins, seeds = (
        torch.tensor([getattr(n, p) for n in nets], device=device) for p in ("rate", "begins", "seed")
    )
    rows, places = (part.to(device) for part in batches(size, order, stop))
    for step in range(int(begins.min()), stop):
        own = rows[step, seeds]
        gradients = _gradients(theta, placed(data.x[own], places[step, seeds], size.canvas), data.y[own], size.depth)
        trains, now = begins <= step, rate * (1 + math.cos(math.pi * step / size.steps)) / 2
        for name, g in gradients.items():
            shape = [-1, *[1] * (g.dim() - 1)]
            v = (MOMENTUM * velocity[name] + g) * masks.get(name, 1) * trains.view(shape)
            velocity[name], theta[name] = v, theta[name] - now.view(shape) * v
    return [{name: value[i].cpu() for name, value in theta.items()} for i in range(len(nets))]


def stacked(networks: Sequence[Parameters], device: torch.device) -> Parameters:
    """Dicts of networks as one dict of stacks."""
    return {name: torch.stack([own[name] for own in networks]).to(device) for name in networks[0]}


def _gradients(theta: Parameters, x: Tensor, y: Tensor, depth: int) -> Parameters:
    leaves = {name: value.requires_grad_() for name, value in theta.items()}
    loss = cross_entropy(network(x, leaves, depth).flatten(0, 1), y.flatten()) * len(y)
    found = torch.autograd.grad(loss, list(leaves.values()))
    for value in leaves.values():
        value.requires_grad_(False)
    return dict(zip(leaves, found, strict=True))


@torch.no_grad()
def accuracy(networks: Sequence[Parameters], data: Images, size: Size) -> Tensor:
    """Percent of the test images that each network gets right, shape (networks,)."""
    theta, right = stacked(networks, data.x.device), 0
    for x, y in zip(data.test.split(200), data.labels.split(200), strict=True):
        right = right + (network(x.expand(len(networks), *x.shape), theta, size.depth).argmax(-1) == y).sum(-1)
    return 100 * right.cpu() / len(data.labels)


@devices.threads(1)
def study(imp: Callable, late_rewind: Callable, reinit: Callable, size: Size) -> dict[tuple, Tensor]:
    """Find tickets at every rate, rewinding to every step, and compare them with re-initialised ones.

    Masks are found on one order of batches, and everything that is compared trains on another.

    Returns
    -------
    dict of (rate, what, density) to Tensor, shape (seeds,)
        Accuracy in percent. `what` is "dense", the step to which a ticket was rewound, or "re-initialised", with the
        masks of the ticket that was rewound to step 0.
    """
    data = images(size, devices.best())
    first = [start(size, torch.Generator().manual_seed(100 + seed)) for seed in range(size.seeds)]
    full, settings = everything(first[0]), list(product(size.rates, size.rewinds, range(size.seeds)))
    dense, kept = [Net(first[s], full, rate, 0, s) for rate in size.rates for s in range(size.seeds)], {0: None}
    kept = {k: train(dense, data, size, 0, k) if k else [net.theta for net in dense] for k in size.rewinds}
    points = {(n.rate, n.seed): {k: kept[k][i] for k in size.rewinds} for i, n in enumerate(dense)}
    origins = [late_rewind(points[rate, seed], full, k) for rate, k, seed in settings]

    def search(i: int, ask: Callable) -> list[Parameters]:
        return imp(ask, origins[i], size.p, size.rounds)

    def train_all(asked: list) -> list[Parameters]:
        return train([Net(*pair, *setting) for pair, setting in zip(asked, settings, strict=True)], data, size, 0)

    found = in_step(search, train_all, len(settings))
    nets = {(rate, "dense", 1.0): dense[i * size.seeds :][: size.seeds] for i, rate in enumerate(size.rates)}
    for i, (rate, k, seed) in enumerate(settings):
        for masks in (found[i][r] for r in size.compared):
            theta = late_rewind(points[rate, seed], masks, k)
            nets.setdefault((rate, k, density(masks)), []).append(Net(theta, masks, rate, k, seed))
            if k == 0:
                theta = reinit(first[seed], masks, torch.Generator().manual_seed(900 + seed))
                nets.setdefault((rate, "re-initialised", density(masks)), []).append(Net(theta, masks, rate, 0, seed))
    trained = train([net for own in nets.values() for net in own], data, size, 1)
    return dict(zip(nets, accuracy(trained, data, size).split(size.seeds), strict=True))


def table(found: dict[tuple, Tensor]) -> str:
    """A line for each rate and density: mean ± standard deviation, and gaps between the columns in deviations."""
    steps = [what for what in dict.fromkeys(what for _, what, _ in found) if isinstance(what, int)]
    names = [
        "dense",
        "re-initialised",
        *(f"to {k}" for k in steps),
        "0 over re-init",
        *(f"{k} over 0" for k in steps[1:]),
    ]
    lines = [f"{'rate':>6}{'kept':>7}" + "".join(f"{name:>16}" for name in names)]
    for rate, share in dict.fromkeys((rate, share) for rate, what, share in found if what != "dense"):
        own = {what: found[rate, what, share] for what in ("re-initialised", *steps)}
        gaps = [gap(own[0], own["re-initialised"]), *(gap(own[k], own[0]) for k in steps[1:])]
        shown = [*map(spread, (found[rate, "dense", 1.0], *own.values())), *(f"{g:.1f} (z {z:.1f})" for g, z in gaps)]
        lines.append(f"{rate:6}{share:7.1%}" + "".join(f"{entry:>16}" for entry in shown))
    return "\n".join(lines)


def report(imp: Callable, late_rewind: Callable, reinit: Callable, size: Size | None = None) -> str:
    """The study's table: in full on a GPU; on a CPU, which would take hours for it, of the size given or a sentence."""
    if size is None and devices.best().type != "cuda":
        return (
            "Skipped: these networks take minutes on a GPU and hours on a CPU. A last argument convnet.TINY runs all "
            "steps in seconds, on networks that hardly learn: it shows the machinery, and no result."
        )
    size = size or Size()
    title = f"accuracy (%), {size.seeds} seeds, {size.steps} steps, on {devices.machine(devices.best())}"
    return title + "\n" + table(study(imp, late_rewind, reinit, size))
