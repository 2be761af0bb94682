"""What teacher, ensemble and student cost: numbers to store, and milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from course.common import device as devices
from course.distillation.language import Models
from course.distillation.study import MEMBERS, STUDENT, TEACHER


@dataclass(frozen=True)
class Cost:
    """A model, how many numbers it has, and the median time of each piece of work in milliseconds."""

    name: str
    parameters: int
    ms: dict[str, float]


def net(sizes: tuple[int, ...], device: torch.device) -> nn.Sequential:
    layers = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1]).to(device)


@torch.no_grad()
def digits(ensemble: Callable) -> list[Cost]:
    """One net of the teacher, all of them with your `ensemble`, and a student; on one picture and on 4096."""
    device = devices.best()
    nets, student = [net(TEACHER, device) for _ in range(MEMBERS)], net(STUDENT, device)
    models = {
        "one net of the teacher": nets[0],
        f"ensemble of {MEMBERS}": lambda x: ensemble(torch.stack([own(x) for own in nets])),
        "student": student,
    }
    size = sum(p.numel() for p in nets[0].parameters())
    counts = (size, MEMBERS * size, sum(p.numel() for p in student.parameters()))
    times = {}
    with device:
        for rows in (1, 4096):
            x = torch.rand(rows, TEACHER[0])
            times["1 picture" if rows == 1 else f"{rows} pictures"] = _taken(
                [lambda m=model, x=x: m(x) for model in models.values()], device
            )
    return _costs(list(models), counts, times)


@torch.no_grad()
def language(given: Models) -> list[Cost]:
    """The large and the small course model: reading a batch of texts, and writing 16 characters to one prompt."""
    device = given.device
    ids = torch.randint(4, 100, (8, 256), generator=torch.Generator().manual_seed(0)).to(device)
    both = (given.teacher, given.small)
    asked = {"input_ids": ids[:1, :32], "attention_mask": torch.ones_like(ids[:1, :32])}
    how = {"max_new_tokens": 16, "min_new_tokens": 16, "do_sample": False, "pad_token_id": given.end}
    times = {
        "read 8 x 256 characters": _taken([lambda m=m: m(input_ids=ids) for m in both], device),
        "write 16 characters": _taken([lambda m=m: m.generate(**asked, **how) for m in both], device),
    }
    return _costs(["large", "small"], [m.num_parameters() for m in both], times)


def _taken(works: list[Callable[[], object]], device: torch.device) -> list[float]:
    for work in works:
        work()
    return devices.medians_ms(works, device, budget=0.4)


def _costs(names: list[str], counts: Sequence[int], times: dict[str, list[float]]) -> list[Cost]:
    columns = zip(*times.values(), strict=True)
    return [
        Cost(name, count, dict(zip(times, own, strict=True)))
        for name, count, own in zip(names, counts, columns, strict=True)
    ]


def table(costs: list[Cost]) -> str:
    """A line for each model, with the factor by which the last one is smaller or faster."""
    last, lines = costs[-1], []
    for own in costs:
        times = "".join(f"   {what}: {ms:8.3f} ms ({ms / last.ms[what]:.1f}x)" for what, ms in own.ms.items())
        lines.append(f"{own.name:24} {own.parameters:>9,} ({own.parameters / last.parameters:.1f}x){times}")
    return "\n".join(lines)
