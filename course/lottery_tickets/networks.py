"""Small networks as dicts of parameters, one for each seed, and their training side by side.

Everything that a student's function touches but the training is one network's dict, on the CPU, where its random draws
come from too; the training runs on the best device there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from course.common import device as devices
from course.common import stacks
from course.common.stacks import TRAIN

Parameters = dict[str, Tensor]  # one network: weights (d_out, d_in) and biases (d_out,), or its masks

SIZES, BATCH, STEPS, LR, MOMENTUM = (64, 100, 100, 10), 64, 300, 0.1, 0.9
VALIDATION = 300  # of the test images, for the loss of early stopping


@dataclass(frozen=True)
class Arm:
    """What is compared: a start and masks for each seed.

    Attributes
    ----------
    starts, masks : list of dict of str to Tensor, one for each seed
    """

    starts: list[Parameters]
    masks: list[Parameters]


@dataclass(frozen=True)
class Curves:
    """Measurements while networks learn, each of shape (arms, seeds, measurements), the first after `every` steps."""

    accuracy: Tensor  # percent of the test images
    loss: Tensor  # mean cross-entropy on the validation images
    every: int


@dataclass(frozen=True)
class Problem:
    """The digits, and for each seed the initial weights of a dense network.

    Attributes
    ----------
    x, y : Tensor, shapes (1797, 64) and (1797,)
        The first TRAIN images are for training, the others for the test.
    starts : list of dict of str to Tensor, one for each seed
    train_stacked : callable
        Your lottery_tickets.train_stacked.
    """

    x: Tensor
    y: Tensor
    starts: list[Parameters]
    train_stacked: Callable

    @property
    def seeds(self) -> int:
        return len(self.starts)

    @property
    def dense(self) -> Arm:
        return Arm(self.starts, [everything(theta) for theta in self.starts])

    def batches(self, order: int, steps: int) -> Tensor:
        """The training images of every step and seed, shape (steps, seeds, BATCH); `order` tells runs apart."""
        rngs = [torch.Generator().manual_seed(1000 * order + seed) for seed in range(self.seeds)]
        return torch.stack([torch.randint(TRAIN, (steps, BATCH), generator=rng) for rng in rngs], 1)

    @devices.threads(1)
    def train(
        self, arms: Sequence[Arm], order: int, steps: int = STEPS, lr: float = LR, first: int = 0
    ) -> list[list[Parameters]]:
        """Train every network of every arm by your `train_stacked`, from step `first` on; an arm is a list of dicts.

        Arms take turns on a CPU, where a short stack stays in the cache, and run at once on a GPU.
        """
        rows, found = self.batches(order, steps)[first:], []
        together = len(arms) if self.x.device.type == "cuda" else 1
        for start in range(0, len(arms), together):
            own = arms[start : start + together]
            W, b, masks = (_to(part, self.x.device) for part in stack(own))
            with self.x.device:
                trained = self.train_stacked(
                    [w.mT.contiguous() for w in W],
                    [bias[:, None] for bias in b],
                    [mask.mT.contiguous() for mask in masks],
                    self.x[:TRAIN],
                    self.y[:TRAIN],
                    rows.repeat(1, len(own), 1).to(self.x.device),
                    lr,
                    MOMENTUM,
                )
            networks = unstack([w.mT for w in trained[0]], [bias[:, 0] for bias in trained[1]])
            found += [networks[i : i + self.seeds] for i in range(0, len(networks), self.seeds)]
        return found

    def accuracy(self, networks: Sequence[Parameters]) -> Tensor:
        """Percent of the test images that each network gets right, shape (networks,)."""
        W, b, _ = (_to(part, self.x.device) for part in stack([Arm(list(networks), [everything(n) for n in networks])]))
        return stacks.accuracy(stacks.mlp(self.x[TRAIN:], W, b), self.y[TRAIN:])

    @devices.threads(1)
    def curves(self, arms: Sequence[Arm], order: int, steps: int = STEPS, every: int = 10) -> Curves:
        """Train as `train` does, by the course's own code, and measure all networks every few steps."""
        rows = self.batches(order, steps)
        together = len(arms) if self.x.device.type == "cuda" else 1
        parts = [self._watch(arms[i : i + together], rows, every) for i in range(0, len(arms), together)]
        accuracy, loss = (torch.cat(part) for part in zip(*parts, strict=True))
        return Curves(accuracy, loss, every)

    def _watch(self, arms: Sequence[Arm], rows: Tensor, every: int) -> tuple[Tensor, Tensor]:
        """Accuracy and validation loss of some arms, each of shape (arms, seeds, measurements)."""
        W, b, masks = (_to(part, self.x.device) for part in stack(arms))
        W = [(w * mask).requires_grad_() for w, mask in zip(W, masks, strict=True)]
        b, rows, seen = [bias.requires_grad_() for bias in b], rows.repeat(1, len(arms), 1).to(self.x.device), []

        def loss(step: int) -> Tensor:
            own = rows[step]
            return cross_entropy(stacks.mlp(self.x[own], W, b).flatten(0, 1), self.y[own].flatten()) * len(W[0])

        def hold_and_look(done: int) -> None:
            for w, mask in zip(W, masks, strict=True):
                w.mul_(mask)
            if done % every == 0:
                seen.append(self._measure(stacks.mlp(self.x[TRAIN:], W, b)))

        stacks.train(W + b, loss, len(rows), LR, momentum=MOMENTUM, after=hold_and_look)
        shape = (len(arms), self.seeds, len(seen))
        return tuple(torch.stack(part, -1).view(shape) for part in zip(*seen, strict=True))

    def _measure(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        y = self.y[TRAIN:]
        loss = cross_entropy(logits[:, :VALIDATION].mT, y[:VALIDATION].expand(len(logits), -1), reduction="none")
        return stacks.accuracy(logits, y), loss.mean(1).cpu()


def problem(train_stacked: Callable, seeds: int | None = None) -> Problem:
    """The digits and initial weights; by default 8 seeds, on a GPU 32."""
    device = devices.best()
    seeds = seeds or (32 if device.type == "cuda" else 8)
    x, y = stacks.digits()
    starts = [glorot(SIZES, torch.Generator().manual_seed(100 + seed)) for seed in range(seeds)]
    return Problem(x.to(device), y.to(device), starts, train_stacked)


def glorot(sizes: Sequence[int], rng: torch.Generator) -> Parameters:
    """Draw one network's initial parameters: weights of variance 2 / (d_in + d_out), biases 0.

    Source: Glorot and Bengio 2010, as in the exercise `reinit`.
    """
    theta = {}
    for i, (d_in, d_out) in enumerate(pairwise(sizes), start=1):
        theta[f"fc{i}.weight"] = torch.randn(d_out, d_in, generator=rng) * (2 / (d_in + d_out)) ** 0.5
        theta[f"fc{i}.bias"] = torch.zeros(d_out)
    return theta


def everything(theta: Parameters) -> Parameters:
    """Masks that keep every weight."""
    return {name: torch.ones(w.shape, dtype=torch.bool) for name, w in theta.items() if name.endswith("weight")}


def kept(masks: Parameters) -> int:
    return sum(int(mask.sum()) for mask in masks.values())


def density(masks: Parameters) -> float:
    """The share of all weights that is kept."""
    return kept(masks) / sum(mask.numel() for mask in masks.values())


def stack(arms: Sequence[Arm]) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """All networks of some arms as weights (nets, d_out, d_in), biases (nets, d_out) and masks, layer by layer."""
    thetas, masks = ([own for arm in arms for own in getattr(arm, part)] for part in ("starts", "masks"))
    names = list(masks[0])
    return (
        [torch.stack([theta[name] for theta in thetas]) for name in names],
        [torch.stack([theta[name.replace("weight", "bias")] for theta in thetas]) for name in names],
        [torch.stack([own[name] for own in masks]) for name in names],
    )


def unstack(W: Sequence[Tensor], b: Sequence[Tensor]) -> list[Parameters]:
    """One dict for each network of a stack, on the CPU."""
    parts = {}
    for i, (w, bias) in enumerate(zip(_to(W, "cpu"), _to(b, "cpu"), strict=True), start=1):
        parts |= {f"fc{i}.weight": w, f"fc{i}.bias": bias}
    return [{name: part[net].clone() for name, part in parts.items()} for net in range(len(W[0]))]


def _to(parts: Sequence[Tensor], device: torch.device | str) -> list[Tensor]:
    return [part.to(device) for part in parts]
