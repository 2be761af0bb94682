"""Draw new initial weights for a ticket."""

from itertools import pairwise

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def reinit(theta0: dict[str, Tensor], masks: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Keep a ticket's mask and draw new initial weights: the control that tells whether those mattered.

    The new weights are distributed as the old ones were when the dense network was made (Glorot normal): independent
    and normal with mean 0 and variance 2 / (d_in + d_out), where (d_out, d_in) is the shape of the whole weight.

    Parameters
    ----------
    theta0 : dict of str to Tensor, float32
        The initial parameters of the dense network, which must not change. Names that end in "weight" belong to
        weights of shape (d_out, d_in), the others to biases.
    masks : dict of str to Tensor, bool
        For each weight a mask of its shape, True where it is kept.
    generator : torch.Generator
        All randomness comes from here, so that a run can be repeated. Do not seed it.

    Returns
    -------
    dict of str to Tensor, float32
        For every name in theta0 a tensor of the same shape: the new weights where they are kept and 0 where they are
        pruned; biases are all 0.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 2, random reinitialization; Glorot and Bengio 2010.
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
    # In units of the wanted spread, so that every layer can be held to the same bounds.
    scaled = [value / (2 / sum(theta0[name].shape)) ** 0.5 for name, value in kept.items()]
    spreads = [value.square().mean().sqrt() for value in scaled]
    # Loose enough that a right answer fails less than once in 10**9 draws of some 300 weights.
    return {
        "pruned weights are zero": not any(drawn[name][~mask].any() for name, mask in masks.items()),
        "biases are zero": not any(value.any() for name, value in drawn.items() if name not in masks),
        "biases are not those of theta0": not any(_kept_bias(theta0[n], v) for n, v in drawn.items() if n not in masks),
        "no layer is spread more widely than asked for": max(spreads) < 1.3,
        "no layer is spread more narrowly than asked for": min(spreads) > 0.72,
        "weights of both signs are drawn alike": all(value.mean().abs() < 0.4 for value in scaled),
        "some weights lie as far out as normal ones do": max(value.abs().max() for value in scaled)
        > 1.9 * max(spreads),
        "the kept weights are new values": all(_new(value, theta0[name]) for name, value in kept.items()),
        "equal generators give equal weights": observed["repeatable"],
        "another generator gives other weights": not observed["same for every seed"],
        "the next call with one generator gives other weights": not observed["same in the next call"],
    }


def _kept_bias(old: Tensor, value: Tensor) -> bool:
    return bool(old.any()) and torch.equal(old, value)


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
