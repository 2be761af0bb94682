"""Teachers and students of digits: what is told to whom, and what the student knows afterwards.

A student's loss is your `kd_loss`, for students of several settings and seeds that train as one stack.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from course.common import device as devices
from course.common import stacks
from course.common.stacks import TRAIN

CLASSES, MEMBERS, STEPS, BATCH = 10, 8, 500, 64
TEACHER, STUDENT = (64, 128, 128, CLASSES), (64, 32, CLASSES)
TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 16.0)
HARD = "hard labels"


def seeds(few: int = 8, many: int = 32) -> int:
    """How many students each setting gets: few on a CPU, many on a GPU."""
    return many if devices.best().type == "cuda" else few


@dataclass(frozen=True)
class Digits:
    """All digits, the first TRAIN of them to train on, and what a teacher says about them.

    x : Tensor, shape (1797, 64); y : Tensor, shape (1797,), int64
    zt : Tensor, shape (1797, 10), the teacher's logits
    members : Tensor, shape (members, 1797, 10), the logits of the nets that the teacher consists of
    """

    x: Tensor
    y: Tensor
    zt: Tensor
    members: Tensor

    def right(self, logits: Tensor) -> Tensor:
        """Percent of the test digits, for each net of logits (nets, 1797, 10)."""
        return stacks.accuracy(logits[:, TRAIN:], self.y[TRAIN:])

    def log_loss(self, logits: Tensor) -> Tensor:
        """Mean of -log p(label) over the test digits in nats, for each net."""
        logp, labels = logits[:, TRAIN:].log_softmax(-1), self.y[TRAIN:, None]
        return -logp.gather(-1, labels.expand(len(logits), -1, 1)).mean((1, 2)).cpu()

    def agreement(self, logits: Tensor) -> Tensor:
        """Percent of the test digits on which a net's first choice is the teacher's."""
        return stacks.accuracy(logits[:, TRAIN:], self.zt[TRAIN:].argmax(-1))


def taught(ensemble: Callable, labelled: Tensor | None = None, members: int = MEMBERS) -> Digits:
    """Train the teacher's nets and combine them by your `ensemble`.

    Parameters
    ----------
    ensemble : callable
        Your distillation.ensemble.
    labelled : Tensor, shape (n,), int64, optional
        The rows whose labels the teacher sees, each with its four neighbours by one pixel; all of the training digits,
        as they are, when left out.
    members : int
    """
    device, rng = devices.best(), torch.Generator().manual_seed(7)
    x, y = (part.to(device) for part in stacks.digits())
    shown, labels = (x[:TRAIN], y[:TRAIN]) if labelled is None else (_moved(x[labelled]), y[labelled].repeat(5))
    W, b = stacks.kaiming(members, TEACHER, rng, device)
    parameters = [part.requires_grad_() for part in (*W, *b)]
    order = torch.randint(len(labels), (STEPS, members, BATCH), generator=rng).to(device)

    def loss(step: int) -> Tensor:
        logits = stacks.mlp(shown[order[step]], W, b)
        return members * torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[order[step]].flatten())

    stacks.train(parameters, loss, STEPS, 1e-3)
    logits = stacks.mlp(x, W, b).detach()
    with device:
        return Digits(x, y, ensemble(logits), logits)


def _moved(x: Tensor) -> Tensor:
    """Pictures as they are, then moved by one pixel to the four sides, shape (5 n, 64)."""
    wide = pad(x.view(-1, 8, 8), (1, 1, 1, 1))
    corners = ((1, 1), (1, 0), (1, 2), (0, 1), (2, 1))
    return torch.cat([wide[:, top : top + 8, left : left + 8].reshape(len(x), 64) for top, left in corners])


@dataclass(frozen=True)
class Lesson:
    """What a group of students is told.

    loss : callable with the arguments of your distillation.kd_loss
    rows : Tensor, shape (n,) or (seeds, n), the training digits that they see
    zt, y : Tensor, shapes (1797, 10) and (1797,), targets and labels of all digits
    """

    loss: Callable
    rows: Tensor
    zt: Tensor
    y: Tensor
    T: float = 1.0
    alpha: float = 0.0

    def soft(self, T: float, zt: Tensor | None = None) -> Lesson:
        """The same digits by the teacher's word alone, at a temperature, or by other targets."""
        return replace(self, T=T, alpha=1.0, zt=self.zt if zt is None else zt)


def lesson(digits: Digits, kd_loss: Callable, rows: Tensor | None = None) -> Lesson:
    """Labels alone, on these rows or on all training digits."""
    rows = torch.arange(TRAIN) if rows is None else rows
    return Lesson(kd_loss, rows.to(digits.x.device), digits.zt, digits.y)


def students(
    digits: Digits, lessons: Mapping[Hashable, Lesson], count: int, sizes: Sequence[int] = STUDENT, steps: int = STEPS
) -> dict[Hashable, Tensor]:
    """Train `count` students for each lesson; those of one number start alike and see their digits in one order.

    Returns
    -------
    dict of Tensor, shape (count, 1797, 10)
        What the students of each lesson say about all digits.
    """
    device, rng = digits.x.device, torch.Generator().manual_seed(31)
    W, b = ([part.repeat(len(lessons), *[1] * (part.dim() - 1)) for part in parts]
            for parts in stacks.kaiming(count, sizes, rng, device))  # fmt: skip
    draws = torch.rand(steps, count, BATCH, generator=rng).to(device)

    def loss(step: int) -> Tensor:
        drawn = [_drawn(own.rows, draws[step]) for own in lessons.values()]
        logits = stacks.mlp(digits.x[torch.cat(drawn)], W, b).split(count)
        told = zip(lessons.values(), logits, drawn, strict=True)
        return count * sum(
            own.loss(zs.flatten(0, 1), own.zt[rows].flatten(0, 1), own.y[rows].flatten(), own.T, own.alpha)
            for own, zs, rows in told
        )

    with device:  # a tensor that kd_loss makes without naming a device belongs there, too
        stacks.train([part.requires_grad_() for part in (*W, *b)], loss, steps, 3e-3, cosine=True)
    return dict(zip(lessons, stacks.mlp(digits.x, W, b).detach().split(count), strict=True))


def _drawn(rows: Tensor, draws: Tensor) -> Tensor:
    """The rows that numbers between 0 and 1 choose, shape (seeds, BATCH)."""
    places = (draws * rows.shape[-1]).long().clamp(max=rows.shape[-1] - 1)
    return rows.expand(len(draws), -1).gather(1, places)


# A digit that no student saw


@dataclass(frozen=True)
class Unseen:
    """Percent right on the test pictures of the omitted digit, as trained and with its bias shifted; each (seeds,)."""

    raw: Tensor
    shifted: Tensor
    offsets: Tensor


def omitted(
    digits: Digits,
    kd_loss: Callable,
    bias_shift: Callable,
    omit: Sequence[int],
    count: int,
    temperatures: Sequence[float] = TEMPERATURES,
) -> dict[tuple[int, Hashable], Unseen]:
    """Teach without any picture of a digit, for each such digit, by labels and at each temperature.

    The offset of `bias_shift` is fitted on the 1200 training pictures, without their labels, for a share of a tenth.
    """
    lessons = {}
    for digit in omit:
        base = lesson(digits, kd_loss, (digits.y[:TRAIN] != digit).nonzero()[:, 0])
        lessons |= {(digit, HARD): base} | {(digit, T): base.soft(T) for T in temperatures}
    found = students(digits, lessons, count, steps=600)
    return {(digit, how): _unseen(digits, logits, bias_shift, digit) for (digit, how), logits in found.items()}


def _unseen(digits: Digits, logits: Tensor, bias_shift: Callable, digit: int) -> Unseen:
    logits, test = logits.cpu(), (digits.y[TRAIN:] == digit).cpu()
    offsets = torch.tensor([bias_shift(own[:TRAIN], digit, 1 / CLASSES) for own in logits])
    moved = logits.clone()
    moved[:, :, digit] += offsets[:, None]
    raw, shifted = (stacks.accuracy(z[:, TRAIN:][:, test], torch.tensor(digit)) for z in (logits, moved))
    return Unseen(raw, shifted, offsets)


# Few labels, and whether softness alone does it


def shuffled(zt: Tensor) -> Tensor:
    """Logits whose wrong classes (all but the first choice) changed places at random, in each row its own way."""
    rng = torch.Generator().manual_seed(5)
    first = zt.argmax(-1, keepdim=True)
    others = torch.arange(CLASSES - 1).repeat(len(zt), 1).to(zt.device)
    others += others >= first
    order = torch.rand(others.shape, generator=rng).argsort(-1).to(zt.device)
    return zt.scatter(-1, others, zt.gather(-1, others.gather(-1, order)))


def levelled(zt: Tensor, soften: Callable, T: float) -> Tensor:
    """Logits that at temperature T give the first choice what it had and share the rest equally: label smoothing."""
    p, first = soften(zt, T), zt.argmax(-1, keepdim=True)
    top = p.gather(-1, first)
    return T * ((1 - top) / (CLASSES - 1)).expand_as(p).scatter(-1, first, top).log()


def few_labels(
    digits: Digits, kd_loss: Callable, soften: Callable, sizes: Sequence[int], count: int
) -> dict[tuple[int, str], Tensor]:
    """Percent right of students that see n digits, the same n in every row of the result; each seed draws its own n."""
    rng = torch.Generator().manual_seed(0)
    order = torch.rand(count, TRAIN, generator=rng).argsort(-1)
    mixed, level = shuffled(digits.zt), levelled(digits.zt, soften, 4.0)
    lessons = {}
    for n in sizes:
        base = lesson(digits, kd_loss, order[:, :n])
        lessons |= {
            (n, HARD): base,
            (n, "soft, T = 1"): base.soft(1.0),
            (n, "soft, T = 4"): base.soft(4.0),
            (n, "T = 4, wrong classes shuffled"): base.soft(4.0, mixed),
            (n, "T = 4, wrong classes equal"): base.soft(4.0, level),
        }
    return {name: digits.right(logits) for name, logits in students(digits, lessons, count).items()}
