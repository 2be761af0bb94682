"""Shuffle a mask within its layers."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def layer_shuffled(masks: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Deal each layer's kept places out anew: the control that tells whether it matters which weights are kept.

    Every layer keeps exactly as many weights as before, so its density stays. Which ones, is random: all sets of so
    many places are equally likely, and the layers are drawn independently of each other.

    Parameters
    ----------
    masks : dict of str to Tensor, bool
        For each layer a mask of any shape, True where a weight is kept. A layer may keep everything or nothing. The
        masks must not change.
    generator : torch.Generator
        All randomness comes from here, so that a run can be repeated. Do not seed it.

    Returns
    -------
    dict of str to Tensor, bool
        For every name in masks a mask of the same shape.

    Source: Frankle et al. 2021 (arXiv:2009.08576), random shuffling.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Draw twice from one generator, then from its equal and from another, with another global seed each time."""
    masks, seed = case.inputs["masks"], case.inputs["seed"]

    def draw(generator: torch.Generator, global_seed: int):
        torch.manual_seed(global_seed)
        return observe_call(answer, Case(case.group, {"masks": masks, "generator": generator}))

    first, equal, another = (torch.Generator().manual_seed(s) for s in (seed, seed, seed + 1))

    with torch.random.fork_rng(devices=[]):
        return {
            "drawn": draw(first, 1),
            "in the next call": draw(first, 4),
            "from an equal generator": draw(equal, 2),
            "from another": draw(another, 3),
        }


def holds(case: Case, observed: dict) -> dict[str, bool]:
    masks, drawn, other = case.inputs["masks"], observed["drawn"], observed["from another"]
    mixed = [name for name, mask in masks.items() if mask.any() and not mask.all()]
    # What the cases keep, they keep in a block, which random places leave at once.
    return {
        "every layer keeps as many weights as before": _counts(drawn) == _counts(other) == _counts(masks),
        "all layers together keep as many weights as before": all(
            sum(_counts(found).values()) == sum(_counts(masks).values()) for found in (drawn, other)
        ),
        "the numbers are those of kept weights, not of pruned ones": _counts(drawn) != _pruned(masks),
        "the kept places move": not any(torch.equal(drawn[name], masks[name]) for name in mixed),
        "they leave their rows": not any(torch.equal(drawn[n].any(1), masks[n].any(1)) for n in mixed),
        "they leave their columns": not any(torch.equal(drawn[n].any(0), masks[n].any(0)) for n in mixed),
        "they spread over more rows": all(drawn[n].any(1).sum() > masks[n].any(1).sum() for n in mixed),
        "they spread over more columns": all(drawn[n].any(0).sum() > masks[n].any(0).sum() for n in mixed),
        "equal generators give equal masks": _equal(drawn, observed["from an equal generator"], mixed) == len(mixed),
        "another generator gives other masks": _equal(drawn, other, mixed) == 0,
        "the next call with one generator gives other masks": _equal(drawn, observed["in the next call"], mixed) == 0,
    }


def _counts(masks: dict[str, Tensor]) -> dict[str, int]:
    return {name: int(mask.sum()) for name, mask in masks.items()}


def _pruned(masks: dict[str, Tensor]) -> dict[str, int]:
    return _counts({name: ~mask for name, mask in masks.items()})


def _equal(one: dict[str, Tensor], other: dict[str, Tensor], names: list[str]) -> int:
    return sum(torch.equal(one[name], other[name]) for name in names)


def _block(rows: int, columns: int, kept_rows: int, kept_columns: int, rng: torch.Generator) -> Tensor:
    """A mask that keeps every place where a few random rows and columns meet."""
    order, places = torch.randperm(rows, generator=rng), torch.randperm(columns, generator=rng)
    return (order < kept_rows)[:, None] & (places < kept_columns)


def _example(group: str, blocks: list[tuple[int, int, int, int]], seed: int) -> Case:
    rng = torch.Generator().manual_seed(100 * seed + 1)
    return case(group, masks={f"fc{i}.weight": _block(*block, rng) for i, block in enumerate(blocks)}, seed=seed)


EXAMPLES = [
    _example("two layers", [(20, 30, 10, 18), (16, 24, 8, 8)], 3),
    _example("a full and an empty layer", [(12, 20, 12, 20), (24, 18, 12, 9), (5, 8, 0, 8)], 5),
]
