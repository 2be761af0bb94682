"""Answer to lora.bits."""

from fractions import Fraction

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Three things are stored. Count the bits of each and ask: how many weights share them?",
    "A code belongs to one weight, an 8-bit scale to b1 weights, and a float32 to b2 scales. How many weights is that?",
    "A float32 number has 32 bits, shared by b1 * b2 weights. Add the three shares.",
)


def bits(b1, b2):
    return 4 + 8 / b1 + 32 / (b1 * b2)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    yield case("powers of two", b1=2 ** draw(4, 8), b2=2 ** draw(8, 11))
    yield case("other blocks", b1=2 * draw(10, 60) + 1, b2=2 * draw(70, 200) + 1)
    yield case("small second blocks", b1=draw(40, 90), b2=draw(3, 9))


@right
def exact_until_the_end(b1, b2):
    return float(Fraction(4) + (8 + Fraction(32, b2)) / b1)


@right
def whole_superblock(b1, b2):
    return (4 * b1 * b2 + 8 * b2 + 32) / (b1 * b2)


@second_source("torch: the size of what is stored for two full blocks of scales")
def stored_bytes(b1, b2):
    n = 2 * b1 * b2
    packed = torch.empty(n // 2, dtype=torch.uint8, device="meta")
    scales = torch.empty(n // b1, dtype=torch.uint8, device="meta")
    constants = torch.empty(n // (b1 * b2), dtype=torch.float32, device="meta")
    return 8 * (packed.nbytes + scales.nbytes + constants.nbytes) / n


@wrong
def CountsCodesOnly(b1, b2):
    """Only the codes were counted: the scales are stored too."""
    return 4.0


@wrong
def SkipsDoubleQuantisation(b1, b2):
    """The scales were counted as float32. Double quantisation stores them in 8 bits."""
    return 4 + 32 / b1


@wrong
def KeepsBothScales(b1, b2):
    """The scales were counted twice, in float32 and in 8 bits: the 8 bits take the float's place."""
    return 4 + 32 / b1 + 8 / b1 + 32 / (b1 * b2)


@wrong
def ForgetsTheSecondLevel(b1, b2):
    """The float32 numbers are missing with which the 8-bit scales are dequantised."""
    return 4 + 8 / b1


@wrong
def SharesAmongScales(b1, b2):
    """A float32 number serves b2 scales, and each of these serves b1 weights: it is shared by b1 * b2 weights."""
    return 4 + 8 / b1 + 32 / b2


@wrong
def CountsBytes(b1, b2):
    """That is in bytes: a byte has 8 bits."""
    return (4 + 8 / b1 + 32 / (b1 * b2)) / 8


@wrong
def SwapsTheBlocks(b1, b2):
    """The two block sizes changed places: b1 counts weights, b2 counts scales."""
    return 4 + 8 / b2 + 32 / (b1 * b2)
