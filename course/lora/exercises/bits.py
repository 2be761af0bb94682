"""Count the bits of a quantised weight."""

from autograder.exercise import Tolerance, case

POINTS = 1
MINUTES = 5
LEVEL = 1
TOLERANCE = Tolerance(rtol=1e-9, atol=0.0)


def bits(b1: int, b2: int) -> float:
    """Count how many bits QLoRA stores for each weight, its scales included.

    - A weight is a 4-bit code.
    - Every b1 weights share a scale. Double quantisation stores it in 8 bits instead of float32.
    - Every b2 of these scales share a float32 number, with which they are dequantised.

    What exists once for a whole tensor is not counted, nor are blocks that are not full.

    Parameters
    ----------
    b1, b2 : int
        QLoRA takes 64 and 256.

    Returns
    -------
    float
        Bits for each weight: a Python float, no tensor.

    Source: Dettmers et al. 2023 (arXiv:2305.14314), section 3.
    """
    raise NotImplementedError


EXAMPLES = [
    case("QLoRA's blocks", b1=64, b2=256),
    case("other blocks", b1=32, b2=100),
]
