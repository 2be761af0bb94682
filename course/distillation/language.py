"""The large course model as a teacher, and the small architecture that learns from its distributions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from course.common import device as devices
from course.model import data, load
from course.model.train import config

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH, WIDTH = 8, 32


@dataclass(frozen=True)
class Models:
    """The teacher, a trained model of the student's shape, and the tokenizer of both."""

    teacher: PreTrainedModel
    small: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def device(self) -> torch.device:
        return self.teacher.device

    @property
    def end(self) -> int:
        """The token of a line's end, which ends an answer."""
        return self.tokenizer.encode("\n", add_special_tokens=False)[0]


def models() -> Models:
    teacher, tokenizer = load("large", devices.best())
    return Models(teacher, load("small", devices.best())[0], tokenizer)


def trained(model: PreTrainedModel, loss: Callable[[Tensor], Tensor], rows: int, steps: int, lr: float, seed: int):
    """Train a model by AdamW on random batches, with warm-up and then a straight line to 0; returns it."""
    rng = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(model.train().parameters(), lr, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1, (step + 1) / 10) * (1 - step / steps))
    for _ in range(steps):
        value = loss(torch.randint(rows, (min(BATCH, rows),), generator=rng).to(model.device))
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    return model.eval()


def scale() -> dict:
    """Sizes of `scratch`: small on a CPU, on a GPU more seeds, steps and temperatures."""
    large = {"count": 4, "steps": 120, "temperatures": (1.0, 2.0)}
    return large if devices.best().type == "cuda" else {"count": 3, "steps": 60}


# From nothing, on few texts: labels or distributions


def scratch(
    given: Models,
    token_kd: Callable,
    topk: Callable,
    count: int = 3,
    steps: int = 60,
    texts: int = 48,
    temperatures: Sequence[float] = (1.0,),
) -> dict[str, Tensor]:
    """Train the small architecture from random weights on the same few texts, in several ways.

    Returns
    -------
    dict of Tensor, shape (count,)
        The loss on held-out text of the same length in nats a character; each seed has texts and weights of its own.
    """
    test = beginnings(data.HELD_OUT_SEED, 96).to(given.device)
    found: dict[str, list[float]] = {}
    for seed in range(count):
        ids = beginnings(1000 + seed, texts).to(given.device)
        zt = logits_of(given.teacher, ids)[:, :-1]
        for name, loss in _ways(ids, zt, token_kd, topk, temperatures).items():
            model = _learned(new(seed).to(given.device), ids, loss, steps, seed)
            logits = logits_of(model, test)[:, :-1]
            found.setdefault(name, []).append(cross_entropy(logits.flatten(0, 1), test[:, 1:].flatten()).item())
    return {name: torch.tensor(values) for name, values in found.items()}


def _learned(model: PreTrainedModel, ids: Tensor, loss: Callable, steps: int, seed: int) -> PreTrainedModel:
    """Train on texts by a loss of the logits and the rows that were drawn."""

    def of_rows(rows: Tensor) -> Tensor:
        return loss(model(input_ids=ids[rows]).logits[:, :-1], rows)

    return trained(model, of_rows, len(ids), steps, 3e-3, seed)


def _ways(ids: Tensor, zt: Tensor, token_kd: Callable, topk: Callable, temperatures) -> dict[str, Callable]:
    """Losses of a batch: of the student's logits (B, L, V) and the rows that the batch consists of."""
    with ids.device:
        best = topk(zt, 5).clamp_min(1e-9).log()

    def soft(targets: Tensor, T: float) -> Callable:
        def loss(zs: Tensor, rows: Tensor) -> Tensor:
            with ids.device:
                return token_kd(zs, targets[rows], torch.ones_like(ids[rows, 1:]), T)

        return loss

    return {
        "labels": lambda zs, rows: cross_entropy(zs.flatten(0, 1), ids[rows, 1:].flatten()),
        **{f"token_kd, T = {T:g}": soft(zt, T) for T in temperatures},
        "token_kd, best 5 of 100": soft(best, 1.0),
    }


def beginnings(seed: int, count: int) -> Tensor:
    """The beginnings of rows of generated text, shape (count, WIDTH), int64."""
    return torch.from_numpy(data.rows(seed, count)[:, :WIDTH]).long()


def new(seed: int) -> PreTrainedModel:
    from transformers import LlamaForCausalLM

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config("small"))


@torch.no_grad()
def logits_of(model: PreTrainedModel, ids: Tensor, mask: Tensor | None = None) -> Tensor:
    """Logits of all rows, 64 at a time."""
    masks = [None] * len(ids) if mask is None else mask.split(64)
    return torch.cat([model(input_ids=a, attention_mask=b).logits for a, b in zip(ids.split(64), masks, strict=False)])
