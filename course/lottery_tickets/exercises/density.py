"""Predict how much of a network is left."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-6, atol=1e-9)


def density(sizes: list[int], p: float, p_out: float, rounds: int) -> list[float]:
    """Say which share of all weights is left after each round of iterative pruning, layer by layer.

    Every round drops the share p of the weights that a layer still has; in the output layer, which is small already,
    it drops the share p_out. Counts are not rounded to whole weights.

    Parameters
    ----------
    sizes : list of int
        The number of weights of each layer before any pruning. The last layer is the output layer; a network may have
        no other.
    p, p_out : float
        From 0 to 1.
    rounds : int
        At least 0.

    Returns
    -------
    list of float
        rounds + 1 shares, of all weights together: before any pruning (1.0), after round 1, after round 2, ...

    Source: Frankle and Carbin 2019 (arXiv:1803.03635), section 2: the output layer at half the rate of the others.
    """
    raise NotImplementedError


EXAMPLES = [
    case("the network of the paper", sizes=[235200, 30000, 1000], p=0.2, p_out=0.1, rounds=7),
    case("a large output layer", sizes=[40, 25, 60], p=0.36, p_out=0.12, rounds=3),
    case("an output layer alone", sizes=[640], p=0.2, p_out=0.05, rounds=2),
    case("no round", sizes=[12, 30], p=0.5, p_out=0.25, rounds=0),
]
