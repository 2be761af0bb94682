"""Draw new sizes for a ticket's weights and keep their signs."""

from itertools import pairwise

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def signed_reinit(theta0: dict[str, Tensor], masks: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Draw a ticket's initial weights anew, but give each the sign that it had: how much do the signs explain?

    The sizes (absolute values) are those of independent normal draws with mean 0 and variance 2 / (d_in + d_out), where
    (d_out, d_in) is the shape of the whole weight. The signs are those of theta0.

    Parameters
    ----------
    theta0 : dict of str to Tensor, float32
        The initial parameters of the dense network, which must not change. Names that end in "weight" belong to
        weights of shape (d_out, d_in), none of which is 0; the others to biases.
    masks : dict of str to Tensor, bool
        For each weight a mask of its shape, True where it is kept.
    generator : torch.Generator
        All randomness comes from here, so that a run can be repeated. Do not seed it.

    Returns
    -------
    dict of str to Tensor, float32
        For every name in theta0 a tensor of the same shape: the new weights where they are kept and 0 where they are
        pruned; biases are all 0.

    Source: Zhou et al. 2019 (arXiv:1905.01067), mask-1 actions.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Draw twice from one generator, then from its equal and from another, with another global seed each time."""
    masks, seed = case.inputs["masks"], case.inputs["seed"]

    def draw(generator: torch.Generator, global_seed: int):
        torch.manual_seed(global_seed)
        given = {"theta0": case.inputs["theta0"], "masks": masks, "generator": generator}
        return observe_call(answer, Case(case.group, given))

    first, equal, another = (torch.Generator().manual_seed(s) for s in (seed, seed, seed + 1))
    with torch.random.fork_rng(devices=[]):
        drawn, more = draw(first, 1), draw(first, 4)
        again, other = draw(equal, 2), draw(another, 3)
    return {
        "drawn": drawn,
        "repeatable": all(map(torch.equal, _weights(drawn, masks), _weights(again, masks))),
        "same in the next call": any(map(torch.equal, _weights(drawn, masks), _weights(more, masks))),
        "same for every seed": any(map(torch.equal, _weights(drawn, masks), _weights(other, masks))),
    }


def _weights(drawn, masks: dict[str, Tensor]) -> list[Tensor]:
    """The weights that came back; none where that is no dict of tensors, which the judge then reports."""
    parts = drawn if isinstance(drawn, dict) else {}
    return [parts[name] for name in masks if isinstance(parts.get(name), Tensor)]


def holds(case: Case, observed: dict) -> dict[str, bool]:
    theta0, masks, drawn = case.inputs["theta0"], case.inputs["masks"], observed["drawn"]
    kept = {name: drawn[name][mask] for name, mask in masks.items()}
    old = {name: theta0[name][mask] for name, mask in masks.items()}
    # In units of the wanted spread, so that every layer can be held to the same bounds.
    sizes = [value.abs() / (2 / sum(theta0[name].shape)) ** 0.5 for name, value in kept.items()]
    spreads = [value.square().mean().sqrt() for value in sizes]
    # Loose enough that a right answer fails less than once in 10**9 draws of some 300 weights.
    return {
        "pruned weights are zero": not any(drawn[name][~mask].any() for name, mask in masks.items()),
        "biases are zero": not any(value.any() for name, value in drawn.items() if name not in masks),
        "every kept weight has the sign that it had": all(torch.equal(kept[n].sign(), old[n].sign()) for n in masks),
        "some kept weights have the sign that they had": all((kept[n] * old[n] > 0).any() for n in masks),
        "weights of both signs are kept": all((value < 0).any() and (value > 0).any() for value in kept.values()),
        "no layer is spread more widely than asked for": max(spreads) < 1.3,
        "no layer is spread more narrowly than asked for": min(spreads) > 0.72,
        "the sizes differ": all(size.var() > 0.1 * size.square().mean() for size in sizes),
        "some sizes lie as far out as those of normal draws do": max(s.max() for s in sizes) > 1.9 * max(spreads),
        "the sizes are new": all(_new(value.abs(), theta0[name].abs()) for name, value in kept.items()),
        "equal generators give equal weights": observed["repeatable"],
        "another generator gives other weights": not observed["same for every seed"],
        "the next call with one generator gives other weights": not observed["same in the next call"],
    }


def _new(values: Tensor, old: Tensor) -> bool:
    """Whether hardly any of the first values occurs among the old ones; a sample is enough, and fast."""
    return bool((values[:40, None] == old.flatten()).any(1).float().mean() < 0.1)


def _example(group: str, sizes: list[int], densities: list[float], seed: int) -> Case:
    rng = torch.Generator().manual_seed(100 * seed + 1)
    theta0, masks = {}, {}
    for i, (d_in, d_out) in enumerate(pairwise(sizes)):
        theta0[f"fc{i}.weight"] = torch.randn(d_out, d_in, generator=rng) * (2 / (d_in + d_out)) ** 0.5
        theta0[f"fc{i}.bias"] = torch.randn(d_out, generator=rng) if "biases" in group else torch.zeros(d_out)
        order = torch.randperm(d_out * d_in, generator=rng).view(d_out, d_in)
        masks[f"fc{i}.weight"] = order < densities[i] * d_out * d_in
    return case(group, theta0=theta0, masks=masks, seed=seed)


EXAMPLES = [
    _example("two layers", [16, 80, 12], [0.28, 0.33], 3),
    _example("one layer", [12, 90], [0.3], 7),
    _example("biases were not 0", [13, 85], [0.3], 9),
]
