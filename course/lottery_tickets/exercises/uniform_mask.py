"""Spread a ticket's weights over the whole network."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 2
MINUTES = 15
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def uniform_mask(masks: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
    """Draw a random mask of as many weights as a ticket keeps, whatever layer they lie in.

    Beside a mask that is shuffled within its layers, this control tells what the layers' own densities explain: here
    they are lost. Of all places of all layers together exactly as many are kept as the ticket keeps, and all sets of so
    many places are equally likely.

    Parameters
    ----------
    masks : dict of str to Tensor, bool
        The ticket: for each layer a mask of any shape, True where a weight is kept. The masks must not change.
    generator : torch.Generator
        All randomness comes from here, so that a run can be repeated. Do not seed it.

    Returns
    -------
    dict of str to Tensor, bool
        For every name in masks a mask of the same shape.

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), randomly sparse networks.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Draw twice from one generator, then from its equal and from others, with other global seeds; count the kept."""
    masks, seed = case.inputs["masks"], case.inputs["seed"]

    def draw(generator: torch.Generator, global_seed: int):
        torch.manual_seed(global_seed)
        return observe_call(answer, Case(case.group, {"masks": masks, "generator": generator}))

    first, equal, another = (torch.Generator().manual_seed(s) for s in (seed, seed, seed + 1))

    with torch.random.fork_rng(devices=[]):
        drawn, more = draw(first, 1), draw(first, 20)
        again, other = draw(equal, 2), draw(another, 3)
        further = [draw(torch.Generator().manual_seed(seed + i), i + 2) for i in range(2, 10)]
    return {
        "drawn": drawn,
        "in the next call": more,
        "from an equal generator": again,
        "from another": other,
        "kept in each layer, draw by draw": [_counts(found) for found in (drawn, other, *further)],
    }


def holds(case: Case, observed: dict) -> dict[str, bool]:
    masks, drawn, counts = case.inputs["masks"], observed["drawn"], observed["kept in each layer, draw by draw"]
    given, several = _counts(masks), len(masks) > 1
    sizes = torch.tensor([float(mask.numel()) for mask in masks.values()])
    density, share = sum(given) / sizes.sum(), sizes / sizes.sum()
    # Six and a half standard deviations of a hypergeometric count, and ten draws to see it vary: a right answer fails
    # less than once in 10**9 draws.
    spread = 6.5 * (sizes * density * (1 - density) * (1 - share)).sqrt() + 1
    return {
        "all layers together keep as many weights as the ticket": all(sum(kept) == sum(given) for kept in counts),
        "all layers are kept at about the same share": bool(
            ((torch.tensor(counts[0]) - sizes * density).abs() <= spread).all()
        ),
        "the layers' own densities are lost": not several or counts[0] != given,
        "how many weights a layer keeps varies from draw to draw": not several or counts.count(counts[0]) < len(counts),
        "equal generators give equal masks": _equal(drawn, observed["from an equal generator"]),
        "another generator gives other masks": not _equal(drawn, observed["from another"]),
        "the next call with one generator gives other masks": not _equal(drawn, observed["in the next call"]),
    }


def _counts(masks) -> list[int]:
    """How many weights each layer keeps; nothing where no masks came back, which the judge then reports."""
    parts = masks.values() if isinstance(masks, dict) else []
    return [int(mask.sum()) for mask in parts if isinstance(mask, Tensor)]


def _equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def _example(group: str, shapes: list[tuple[int, int]], densities: list[float], seed: int) -> Case:
    rng = torch.Generator().manual_seed(100 * seed + 1)
    masks = {}
    for i, (shape, density) in enumerate(zip(shapes, densities, strict=True)):
        order = torch.randperm(shape[0] * shape[1], generator=rng).view(shape)
        masks[f"fc{i}.weight"] = order < density * order.numel()
    return case(group, masks=masks, seed=seed)


EXAMPLES = [
    _example("two layers", [(30, 40), (18, 20)], [0.2, 0.7], 3),
    _example("a full and an empty layer", [(30, 40), (15, 24), (16, 20)], [0.2, 1.0, 0.0], 5),
    _example("one layer", [(24, 20)], [0.3], 8),
]
