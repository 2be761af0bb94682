"""Start the update at zero, ready to learn."""

import torch
from torch import Tensor

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def init(d_out: int, d_in: int, rank: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw the factors of a new LoRA update.

    Parameters
    ----------
    d_out, d_in : int
        The shape of the weight that is adapted.
    rank : int
    generator : torch.Generator
        All randomness comes from here, so that a run can be repeated. Do not seed it.

    Returns
    -------
    A : Tensor, shape (rank, d_in), float32
        Independent and uniform between -1 / sqrt(d_in) and 1 / sqrt(d_in).
    B : Tensor, shape (d_out, rank), float32
        Zeros.

    Source: peft's default. Hu et al. 2021 (arXiv:2106.09685), section 4.1, draw A from a Gaussian.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Draw twice from equal generators, with another global seed each time, and once from a third."""
    sizes = {name: size for name, size in case.inputs.items() if name != "seed"}

    def draw(seed: int, global_seed: int):
        torch.manual_seed(global_seed)
        generator = torch.Generator().manual_seed(seed)
        return observe_call(answer, Case(case.group, {**sizes, "generator": generator}))

    with torch.random.fork_rng(devices=[]):
        drawn = draw(case.inputs["seed"], 1)
        again = draw(case.inputs["seed"], 2)
        other = draw(case.inputs["seed"] + 1, 3)
    in_order = not _turned(drawn, sizes)
    if not in_order:
        drawn, again, other = (_factors(pair)[::-1] for pair in (drawn, again, other))
    return {
        "factors": drawn,
        "A first": in_order,
        "repeatable": _same_A(drawn, again),
        "same for every seed": _same_A(drawn, other),
    }


def _factors(drawn) -> list[Tensor]:
    """The tensors that came back; none where it is no pair of them, whose form the judge then reports."""
    pair = list(drawn) if isinstance(drawn, (list, tuple)) else []
    return pair if len(pair) == 2 and all(isinstance(factor, Tensor) for factor in pair) else []


def _turned(drawn, sizes: dict[str, int]) -> bool:
    """Whether B came back before A. Where W is square their shapes cannot tell them from transposed ones: zeros do."""
    wanted = [(sizes["d_out"], sizes["rank"]), (sizes["rank"], sizes["d_in"])]
    factors = _factors(drawn)
    return [tuple(factor.shape) for factor in factors] == wanted and not factors[0].any() and bool(factors[1].any())


def _same_A(one, other) -> bool:
    return all(torch.equal(*pair) for pair in zip(_factors(one)[:1], _factors(other)[:1], strict=False))


def holds(case: Case, observed: dict) -> dict[str, bool]:
    (A, B), bound = observed["factors"], case.inputs["d_in"] ** -0.5
    size = A.square().mean().sqrt()
    # Loose enough that a right answer fails less than once in 10**9 draws.
    return {
        "A comes back first, then B": observed["A first"],
        "B is zero": not B.any(),
        "A stays between -1 / sqrt(d_in) and 1 / sqrt(d_in)": bool(A.abs().max() <= bound * (1 + 1e-5)),
        "A is spread as widely as those bounds allow": bool((3**0.5 * size / bound - 1).abs() < 0.3),
        "A is uniform: its values do not bunch around 0": bool(size**2 > 0.2 * A.abs().max() ** 2),
        "the rows of A differ": bool((A[0] != A[-1]).any()) or not A.any(),
        "A is centred on 0": bool(A.mean().abs() < 0.3 * bound),
        "equal generators give equal A": observed["repeatable"],
        "another generator gives another A": not observed["same for every seed"],
    }


EXAMPLES = [
    case("rectangular weight", d_out=20, d_in=48, rank=8, seed=3),
    case("square weight", d_out=36, d_in=36, rank=12, seed=8),
]
