"""Answer to lora.count."""

from fractions import Fraction

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write down the shapes of A and of B. How many numbers does each hold?",
    "A holds rank * d_in numbers and B holds d_out * rank; W holds d_out * d_in.",
    "The count is rank times the sum of the two dimensions. The ratio is Fraction(count, entries of W): never divide.",
)


def count(d_out, d_in, rank):
    trainable = rank * (d_in + d_out)
    return trainable, Fraction(trainable, d_out * d_in)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    hidden = 64 * draw(8, 128) + 1
    yield case("square weight", d_out=hidden, d_in=hidden, rank=draw(1, 9))
    yield case("rectangular weight", d_out=draw(300, 600), d_in=draw(1000, 2000), rank=draw(3, 17))
    yield case("rectangular weight", d_out=draw(3000, 5000), d_in=draw(1000, 2000), rank=draw(17, 65))
    yield case("rank 1", d_out=draw(50, 90), d_in=draw(100, 200), rank=1)


@right
def added_shares(d_out, d_in, rank):
    return rank * d_in + d_out * rank, Fraction(rank, d_out) + Fraction(rank, d_in)


@right
def from_shapes(d_out, d_in, rank):
    A, B, W = (torch.empty(shape, device="meta") for shape in [(rank, d_in), (d_out, rank), (d_out, d_in)])
    return A.numel() + B.numel(), Fraction(A.numel() + B.numel(), W.numel())


@second_source("peft 0.21: trainable parameters of a LoRA layer")
def peft_parameters(d_out, d_in, rank):
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    base = torch.nn.Linear(d_in, d_out, bias=False, device="meta")
    layer = Linear(base, "default", LoraConfig(r=rank), r=rank, init_lora_weights=False)
    trainable = sum(p.numel() for name, p in layer.named_parameters() if "lora_" in name)
    return trainable, Fraction(trainable, base.weight.numel())


@wrong
def CountsTheProduct(d_out, d_in, rank):
    """You counted the entries of the product B A. Only its two factors are stored and trained."""
    return d_out * d_in, Fraction(1)


@wrong
def CountsOneFactor(d_out, d_in, rank):
    """Only one factor was counted: A and B are both trained."""
    return rank * d_in, Fraction(rank * d_in, d_out * d_in)


@wrong
def AssumesSquare(d_out, d_in, rank):
    """That holds for square weights only: A has d_in columns, but B has d_out rows."""
    return 2 * rank * d_in, Fraction(2 * rank * d_in, d_out * d_in)


@wrong
def MultipliesTheShapes(d_out, d_in, rank):
    """The sizes of A and B were multiplied: two matrices that stand side by side add up."""
    trainable = rank * d_in * d_out * rank
    return trainable, Fraction(trainable, d_out * d_in)


@wrong
def AddsTheAdapterToTheWhole(d_out, d_in, rank):
    """The ratio's denominator is W alone: compare with tuning W, not with W and the adapter together."""
    trainable = rank * (d_in + d_out)
    return trainable, Fraction(trainable, d_out * d_in + trainable)


@wrong
def InvertsTheRatio(d_out, d_in, rank):
    """The ratio is upside down: it says which part of W's size is trained."""
    trainable = rank * (d_in + d_out)
    return trainable, Fraction(d_out * d_in, trainable)


@wrong
def GoesThroughFloat(d_out, d_in, rank):
    """The ratio went through a float and lost its last digits: give Fraction two integers."""
    trainable = rank * (d_in + d_out)
    return trainable, Fraction(trainable / (d_out * d_in))
