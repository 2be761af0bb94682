"""Two tasks named together: the small model learns from the large one's words, its distributions, or right answers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from course.common import device as devices
from course.common.plotting import spread
from course.distillation.language import Models, logits_of, trained
from course.model import tasks

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LONGEST = 16
Item = tuple[str, str, str]  # the names of a composition, a prompt, the right answer
Pair = tuple[list[int], list[int]]  # tokens of a prompt and of what follows


def scale() -> dict:
    """Sizes of `compare`: small on a CPU, on a GPU more seeds, prompts, words and temperatures."""
    large = {"count": 4, "steps": 60, "prompts": 256, "tests": 2000, "temperatures": (1.0, 2.0)}
    return large if devices.best().type == "cuda" else {"count": 3, "steps": 30}


def items(rng: Random, count: int) -> list[Item]:
    """Prompts that name two tasks, in compositions that neither model was trained on."""
    names = [rng.choice(tasks.HELD_OUT) for _ in range(count)]
    words = [tasks.word(rng) for _ in names]
    drawn = zip(names, words, strict=True)
    return [(name, f"Task: {name}\n{word} -> ", tasks.named(name)(word)) for name, word in drawn]


def writer(given: Models, prompts: Sequence[list[int]]) -> Callable[[list[int]], list[int]]:
    """The teacher as a function of one prompt, greedy, for these prompts: it wrote them all in one batch before."""
    tokenizer = given.tokenizer
    batch = tokenizer.pad({"input_ids": list(prompts)}, padding_side="left", return_tensors="pt").to(given.device)
    with torch.no_grad():
        out = given.teacher.generate(
            **batch, max_new_tokens=LONGEST, eos_token_id=given.end, pad_token_id=given.end, do_sample=False
        )
    new = out[:, batch["input_ids"].shape[1] :].tolist()
    known = {tuple(prompt): own for prompt, own in zip(prompts, new, strict=True)}
    return lambda prompt: [*prompt, *known[tuple(prompt)]]


def pairs(given: Models, drawn: Sequence[Item]) -> tuple[list[list[int]], list[list[int]]]:
    """Tokens of the prompts and of the references, the end of the line included."""
    references = [given.tokenizer.encode(f"{answer}\n", add_special_tokens=False) for *_, answer in drawn]
    return given.tokenizer([prompt for _, prompt, _ in drawn])["input_ids"], references


@dataclass(frozen=True)
class Batch:
    """Prompts with what follows them, padded on the right; labels are -100 where nothing is learned; each (N, L)."""

    ids: Tensor
    mask: Tensor
    labels: Tensor


def batch(own: Sequence[Pair], sequence_labels: Callable, given: Models) -> Batch:
    """Pad pairs with the end token, and label them by your `sequence_labels`."""
    ids = pad_sequence([torch.tensor(prompt + text) for prompt, text in own], True, given.end)
    lengths = torch.tensor([len(prompt) + len(text) for prompt, text in own])
    mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
    labels = sequence_labels(ids, torch.tensor([len(prompt) for prompt, _ in own]), mask)
    return Batch(*(part.to(given.device) for part in (ids, mask, labels)))


def tune(given: Models, own: Batch, steps: int, seed: int, token_kd: Callable | None = None, T: float = 1.0):
    """Go on with a copy of the small model: on the labels, or with `token_kd` on the teacher's distributions."""
    model = copy.deepcopy(given.small)
    zt = None if token_kd is None else logits_of(given.teacher, own.ids, own.mask)

    def loss(rows: Tensor) -> Tensor:
        ids, mask, labels = own.ids[rows], own.mask[rows], own.labels[rows]
        if token_kd is None:
            return model(input_ids=ids, attention_mask=mask, labels=labels).loss
        logits, counts = model(input_ids=ids, attention_mask=mask).logits, (labels[:, 1:] != -100).long()
        with given.device:
            return token_kd(logits[:, :-1], zt[rows][:, :-1], counts, T)

    return trained(model, loss, len(own.ids), steps, 5e-4, seed)


def right(given: Models, model: PreTrainedModel, drawn: Sequence[Item], sequence_labels: Callable) -> Tensor:
    """Whether greedy decoding would write each answer and end the line, shape (items,): one pass over the answers."""
    own = batch(list(zip(*pairs(given, drawn), strict=True)), sequence_labels, given)
    said, labels = logits_of(model, own.ids, own.mask).argmax(-1)[:, :-1], own.labels[:, 1:]
    return ((said == labels) | (labels == -100)).all(1).float().cpu()


def by_names(drawn: Sequence[Item], found: Tensor) -> Tensor:
    """Mean of each composition held out, shape (compositions,)."""
    return torch.stack([found[torch.tensor([own == name for own, *_ in drawn])].mean() for name in tasks.HELD_OUT])


def summary(found: Mapping[str, Tensor]) -> str:
    """A line for each way: the mean share right of all compositions, and without the one that the teacher fails at."""
    others = [i for i, name in enumerate(tasks.HELD_OUT) if name != "double upper"]
    lines = [f"{'':26} {'mean of the five':18} without double upper"]
    for name, runs in found.items():
        means = (runs.mean(1), runs[:, others].mean(1))
        first, second = (spread(own, 3) if len(own) > 1 else f"{own.item():.3f}" for own in means)
        lines.append(f"{name:26} {first:18} {second}")
    return "\n".join(lines)


def compare(
    given: Models,
    pseudo_corpus: Callable,
    sequence_labels: Callable,
    token_kd: Callable,
    count: int = 3,
    steps: int = 30,
    prompts: int = 64,
    tests: int = 200,
    temperatures: Sequence[float] = (2.0,),
) -> dict[str, Tensor]:
    """Tune the small model on prompts that name two tasks, and ask for words that it did not see.

    Returns
    -------
    dict of Tensor, shape (seeds, compositions)
        Share of right answers; one seed for teacher and small model as they are, `count` for the students, each with
        prompts and an order of its own.
    """
    drawn = items(Random("test"), tests)
    found: dict[str, list[Tensor]] = {}

    def judge(name: str, model: PreTrainedModel) -> None:
        found.setdefault(name, []).append(by_names(drawn, right(given, model, drawn, sequence_labels)))

    judge("teacher", given.teacher)
    judge("small, as it is", given.small)
    for seed in range(count):
        functions = (pseudo_corpus, sequence_labels, token_kd)
        for name, model in _students(given, *functions, seed, steps, prompts, temperatures):
            judge(name, model)
    return {name: torch.stack(runs) for name, runs in found.items()}


def _students(
    given: Models, pseudo_corpus, sequence_labels, token_kd, seed: int, steps: int, prompts: int, temperatures
) -> Iterator[tuple[str, PreTrainedModel]]:
    asked, references = pairs(given, items(Random(f"train {seed}"), prompts))
    texts = pseudo_corpus(writer(given, asked), asked, references, given.end)
    written = batch(texts, sequence_labels, given)
    yield "the teacher's words", tune(given, written, steps, seed)
    for T in temperatures:
        yield f"its distributions, T = {T:g}", tune(given, written, steps, seed, token_kd, T)
    true = batch(list(zip(asked, references, strict=True)), sequence_labels, given)
    yield "references", tune(given, true, steps, seed)
