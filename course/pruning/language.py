"""The course model pruned without training: magnitude against Wanda, at 50 % and in the 2:4 pattern.

A rule is a function (W, X) -> mask of one linear layer, with W of shape (d_out, d_in) and the layer's inputs X on the
calibration rows, shape (rows, tokens, d_in).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from course.common import device as devices
from course.model import load
from course.model.data import HELD_OUT_SEED, rows

Rule = Callable[[Tensor, Tensor], Tensor]
KINDS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
CALIBRATION_SEED, BATCH = 7, 16


def rules(magnitude: Callable, wanda: Callable, two_four: Callable) -> dict[str, Rule]:
    """Seven ways to prune half of every layer, made of your functions.

    In the 2:4 pattern a score takes the place of the weights, and Wanda within the layer ranks it with `magnitude`.
    """
    rng = torch.Generator().manual_seed(0)

    def score(W: Tensor, X: Tensor) -> Tensor:
        return W.abs() * X.flatten(0, 1).norm(dim=0)

    return {
        "random": lambda W, X: magnitude(torch.rand(W.shape, generator=rng), 0.5),
        "magnitude, in the layer": lambda W, X: magnitude(W, 0.5),
        "magnitude, in the row": lambda W, X: torch.stack([magnitude(row, 0.5) for row in W]),
        "Wanda, in the row": lambda W, X: wanda(W, X, 0.5),
        "Wanda, in the layer": lambda W, X: magnitude(score(W, X), 0.5),
        "magnitude, 2:4": lambda W, X: two_four(W),
        "Wanda, 2:4": lambda W, X: two_four(score(W, X)),
    }


class Pruner:
    """A course model, rows of text for calibration and held-out rows; both sizes of the model fit a CPU."""

    def __init__(self, name: str = "small", calibration: int = 32, held_out: int = 64) -> None:
        self.device = devices.best()
        self.model = load(name, self.device)[0]
        drawn = ((CALIBRATION_SEED, calibration), (HELD_OUT_SEED, held_out))
        self.calibration, self.held_out = (torch.from_numpy(rows(*of)).long().to(self.device) for of in drawn)

    @devices.threads(1)
    @torch.no_grad()
    def losses(self, model: nn.Module | None = None) -> Tensor:
        """Mean loss of each held-out row in nats for each character, shape (rows,)."""
        model, found = model or self.model, []
        for ids in self.held_out.split(BATCH):
            chosen = model(input_ids=ids, use_cache=False).logits[:, :-1].log_softmax(-1).gather(2, ids[:, 1:, None])
            found.append(-chosen[..., 0].mean(1).cpu())
        return torch.cat(found)

    @devices.threads(1)
    @torch.no_grad()
    def pruned(self, rule: Rule, kinds: Sequence[str] = ("",)) -> nn.Module:
        """A copy whose blocks' linear layers are pruned by a rule, block by block in one pass over the calibration.

        Each block is pruned by the inputs that its layers get from the blocks before, which are pruned already.
        `kinds` restricts this to layers whose names end so, such as "down_proj".
        """
        model = deepcopy(self.model)
        handles = [
            block.register_forward_hook(_prune_then_repeat(rule, kinds), with_kwargs=True) for block in _blocks(model)
        ]
        for block in _blocks(model):
            for layer in _linear(block, kinds):
                handles.append(layer.register_forward_pre_hook(_remember))
        model(input_ids=self.calibration, use_cache=False)
        for handle in handles:
            handle.remove()
        return model


def _blocks(model: nn.Module) -> nn.ModuleList:
    return model.model.layers


def _linear(block: nn.Module, kinds: Sequence[str]) -> list[nn.Linear]:
    found = (layer for name, layer in block.named_modules() if name.endswith(tuple(kinds)))
    return [layer for layer in found if isinstance(layer, nn.Linear)]


def _remember(layer: nn.Linear, inputs: tuple) -> None:
    layer.seen = inputs[0].cpu()


def _prune_then_repeat(rule: Rule, kinds: Sequence[str]) -> Callable:
    def hook(block: nn.Module, args: tuple, kwargs: dict, output: object) -> object:
        for layer in _linear(block, kinds):
            layer.weight *= rule(layer.weight.cpu(), layer.seen).to(layer.weight.device)
            del layer.seen
        again = block.forward(*args, **kwargs)
        for layer in _linear(block, kinds):
            del layer.seen
        return again

    return hook


def compare(pruner: Pruner, ways: Mapping[str, Rule], kinds: Sequence[str] = ("",)) -> dict[str, Tensor]:
    """Losses of the held-out rows, shape (rows,): of the model as it is, and pruned in every way."""
    pruned = {name: pruner.losses(pruner.pruned(rule, kinds)) for name, rule in ways.items()}
    return {"dense": pruner.losses()} | pruned


def table(found: Mapping[str, Tensor], than: str = "magnitude, in the layer") -> str:
    """Perplexity by character, and the paired difference of losses with its standard error over rows."""
    lines = [f"{'':26}{'perplexity':>10}   nats more than {than} (± standard error over rows)"]
    for name, losses in found.items():
        gap = losses - found[than]
        paired = f"{gap.mean():+.3f} ± {gap.std() / len(gap) ** 0.5:.3f}" if name not in ("dense", than) else ""
        lines.append(f"{name:26}{losses.mean().exp():10.2f}   {paired}")
    return "\n".join(lines)
