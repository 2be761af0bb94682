"""Which layer of the student can predict which layer of the teacher, through a projection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course.distillation.language import Models, beginnings, new
from course.model.data import HELD_OUT_SEED

if TYPE_CHECKING:
    from transformers import PreTrainedModel

RIDGE = 1e-3


@dataclass(frozen=True)
class Fit:
    """What is left of each teacher's layer on texts that the projection was not fitted on.

    loss : Tensor, shape (splits, student layers, teacher layers)
        Your `hidden_loss`, as a share of the teacher's variance: 1 is what the mean alone would reach.
    cosine : Tensor, same shape
        Your `cosine` loss, 1 minus the mean cosine.
    """

    loss: Tensor
    cosine: Tensor


@torch.no_grad()
def states(model: PreTrainedModel, ids: Tensor) -> list[Tensor]:
    """Hidden states behind the embedding and behind each block, centred, without the begin token; each (B, L, D)."""
    hidden = model(input_ids=ids, output_hidden_states=True).hidden_states
    return [own[:, 1:] - own[:, 1:].mean((0, 1)) for own in hidden]


def projection(hs: Tensor, ht: Tensor) -> Tensor:
    """The best W for `hidden_loss`, shape (d_teacher, d_student), by least squares with a little ridge."""
    a, b = hs.flatten(0, 1), ht.flatten(0, 1)
    square = a.T @ a
    ridge = RIDGE * square.diagonal().mean() * torch.eye(len(square), device=square.device)
    return torch.linalg.solve(square + ridge, a.T @ b).T


def fit(given: Models, hidden_loss: Callable, cosine: Callable, trained: bool = True, splits: int = 4) -> Fit:
    """Fit a projection for each pair of layers on most texts, and judge it on the others; each split leaves out others.

    Parameters
    ----------
    given : Models
    hidden_loss, cosine : callable
        Your functions.
    trained : bool
        Whether the student is the small course model or one with random weights.
    splits : int
    """
    student = given.small if trained else new(0).to(given.device)
    ids = beginnings(HELD_OUT_SEED, 96).to(given.device)
    S, H = (states(model, ids) for model in (student, given.teacher))
    found = torch.empty(2, splits, len(S), len(H))
    for split in range(splits):
        out = torch.arange(len(ids)) % splits == split
        for i, hs in enumerate(S):
            for j, ht in enumerate(H):
                W = projection(hs[~out], ht[~out])
                mask = torch.ones(ht[out].shape[:2], dtype=torch.long, device=given.device)
                found[0, split, i, j] = hidden_loss(hs[out], ht[out], W) / ht[out].square().mean()
                found[1, split, i, j] = cosine(hs[out] @ W.T, ht[out], mask)
    return Fit(*found)


def plot(fits: dict[str, Fit]) -> Figure:
    """A table of colours for each student: mean over the splits of what is left of the teacher's variance."""
    figure, axes = plt.subplots(1, len(fits), figsize=(5.5 * len(fits), 3.6), layout="constrained")
    for ax, (name, own) in zip(axes, fits.items(), strict=True):
        mean, std = own.loss.mean(0), own.loss.std(0)
        shown = ax.imshow(mean.numpy(), vmin=0, vmax=1, cmap="viridis_r")
        for i, row in enumerate(mean.tolist()):
            for j, value in enumerate(row):
                ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color="w" if value > 0.5 else "k")
        ax.set(title=f"{name} (std over {len(own.loss)} splits up to {std.max():.2f})")
        ax.set(xlabel="teacher: blocks passed", ylabel="student: blocks passed")
    figure.colorbar(shown, ax=axes, label="share of the variance that is left")
    return figure
