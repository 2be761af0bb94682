"""Answer to lora.break_even."""

import math
from fractions import Fraction

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write down both counts, that of A and B and that of W, and set them equal. Solve for the rank.",
    "The real-valued rank is the product of the two dimensions over their sum: give Fraction those two integers.",
    "The largest rank lies strictly below that. Where it is a whole number, that number itself saves nothing; "
    "math.ceil(exact) - 1 covers both.",
)


def break_even(d_out, d_in):
    exact = Fraction(d_out * d_in, d_out + d_in)
    return math.ceil(exact) - 1, exact


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    # No common divisor and an odd sum: the ratio cannot be reduced, and no float holds it.
    d = draw(200, 900)
    yield case("the counts are never equal", d_out=d, d_in=d + 1)
    d_out, step = 2 * draw(20, 45), 2 * draw(10, 30) + 1
    while math.gcd(d_out, step) > 1:
        step += 2
    yield case("the counts are never equal", d_out=d_out, d_in=d_out * 9 + step)
    hidden = 2 * draw(100, 900)
    yield case("the counts can be equal", d_out=hidden, d_in=hidden)
    unit = draw(100, 400)
    yield case("the counts can be equal", d_out=6 * unit, d_in=3 * unit)
    yield case("not even rank 1", d_out=draw(100, 1000), d_in=1)


@right
def integers_only(d_out, d_in):
    return (d_out * d_in - 1) // (d_out + d_in), Fraction(d_out * d_in, d_out + d_in)


@right
def search(d_out, d_in):
    ranks = range(min(d_out, d_in) + 1)
    exact = 1 / (Fraction(1, d_out) + Fraction(1, d_in))
    return max(r for r in ranks if r * d_out + r * d_in < d_out * d_in), exact


@second_source("peft 0.21: parameters of LoRA layers of every rank")
def peft_parameters(d_out, d_in):
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    def trainable(rank):
        with torch.device("meta"):
            base = torch.nn.Linear(d_in, d_out, bias=False)
            layer = Linear(base, "default", LoraConfig(r=rank), r=rank, init_lora_weights=False)
        return sum(p.numel() for name, p in layer.named_parameters() if "lora_" in name)

    whole, low, high = d_out * d_in, 0, min(d_out, d_in)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if trainable(middle) < whole else (low, middle)
    return low, Fraction(whole, trainable(1))


@wrong
def CountsTheTie(d_out, d_in):
    """At that rank A and B hold at least as many numbers as W, which saves nothing: strictly fewer is asked for."""
    exact = Fraction(d_out * d_in, d_out + d_in)
    return math.floor(exact), exact


@wrong
def AssumesSquare(d_out, d_in):
    """Half the dimension is right for square weights only: B has d_out rows, A has d_in columns."""
    exact = Fraction(d_in, 2)
    return math.ceil(exact) - 1, exact


@wrong
def TakesTheLargestRank(d_out, d_in):
    """No update can have a larger rank than that, but LoRA stopped being smaller well before."""
    return min(d_out, d_in) - 1, Fraction(min(d_out, d_in))


@wrong
def CountsOneFactor(d_out, d_in):
    """Only A was counted: B holds d_out * rank numbers more."""
    return d_out - 1, Fraction(d_out)


@wrong
def InvertsTheRatio(d_out, d_in):
    """The ratio is upside down: the product of the dimensions stands above their sum."""
    return math.ceil(Fraction(d_out * d_in, d_out + d_in)) - 1, Fraction(d_out + d_in, d_out * d_in)


@wrong
def GoesThroughFloat(d_out, d_in):
    """The ratio went through a float and lost its last digits: give Fraction two integers."""
    ratio = d_out * d_in / (d_out + d_in)
    return math.ceil(ratio) - 1, Fraction(ratio)
