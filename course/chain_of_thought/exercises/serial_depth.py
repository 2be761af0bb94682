"""Compare how much a transformer computes with how much of it can be serial."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 15
LEVEL = 3
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def serial_depth(layers: int, sampled: list[bool]) -> tuple[int, int]:
    """Count the layer computations behind an answer: on the longest path to it, and in all.

    One layer computation is one layer at one position. Causal attention lets it read what the layer below computed
    at its own position and at every earlier one. The first layer reads token embeddings. Where a token was sampled,
    its embedding depends on what the last layer computed one position before; where it was given (a question,
    filler, a cue like "A:"), its embedding depends on nothing.

    Parameters
    ----------
    layers : int
        At least 1.
    sampled : list of bool
        For each token of the context, in order: True where the model sampled it, False where it was given. The
        first token is given. The answer is read from the last layer at the last position; it is not in the list.

    Returns
    -------
    depth : int
        The number of layer computations on the longest path that ends in the answer: how many can build on one
        another.
    work : int
        The number of layer computations in all. Every layer runs at every position, and a key-value cache sees to
        it that none runs twice there.

    Notes
    -----
    depth is an upper bound: a model need not use the path, and a token that it would sample in any case carries
    nothing along it.

    Source: follows from the transformer's form; Merrill and Sabharwal 2023 (arXiv:2310.07923) and Li et al. 2024
    (arXiv:2402.12875) tell what problems the longer path opens.
    """
    raise NotImplementedError


EXAMPLES = [
    case("an answer at once", layers=4, sampled=[False] * 6),
    case("written steps", layers=3, sampled=[False] * 4 + [True] * 5),
    case("filler, put there by us", layers=2, sampled=[False] * 9),
    case("a cue after the steps", layers=3, sampled=[False, False, True, True, True, False, False]),
    case("a hint between the steps", layers=2, sampled=[False] * 3 + [True, True, False, True, False]),
]
