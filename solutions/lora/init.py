"""Answer to lora.init."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "One factor must be zero, so that the update starts at zero. The other must not be: why?",
    "torch.rand draws from [0, 1) and takes a generator. Stretch and shift that to an interval around 0.",
    "2 * torch.rand(rank, d_in, generator=generator) - 1 lies in [-1, 1): shrink it to the bounds. B is torch.zeros.",
)


def init(d_out, d_in, rank, generator):
    A = (2 * torch.rand(rank, d_in, generator=generator) - 1) / d_in**0.5
    return A, torch.zeros(d_out, rank)


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    width = draw(64, 128)
    yield case("rectangular weight", d_out=draw(20, 60), d_in=draw(200, 400), rank=draw(8, 16), seed=draw(0, 10**6))
    yield case("rectangular weight", d_out=draw(200, 300), d_in=draw(90, 130), rank=draw(16, 24), seed=draw(0, 10**6))
    yield case("square weight", d_out=width, d_in=width, rank=draw(20, 30), seed=draw(0, 10**6))


@right
def in_place(d_out, d_in, rank, generator):
    A = torch.empty(rank, d_in).uniform_(-(d_in**-0.5), d_in**-0.5, generator=generator)
    return A, A.new_zeros(d_out, rank)


@right
def kaiming(d_out, d_in, rank, generator):
    A = torch.nn.Parameter(torch.empty(rank, d_in))
    torch.nn.init.kaiming_uniform_(A, a=5**0.5, generator=generator)
    return A, torch.nn.Parameter(torch.zeros(d_out, rank))


@second_source("peft 0.21: reset_lora_parameters")
def peft_reset(d_out, d_in, rank, generator):
    from peft import LoraConfig
    from peft.tuners.lora import Linear

    torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    layer = Linear(torch.nn.Linear(d_in, d_out), "default", LoraConfig(r=rank), r=rank)
    return layer.lora_A["default"].weight, layer.lora_B["default"].weight


def _uniform(shape, bound, generator):
    return (2 * torch.rand(shape, generator=generator) - 1) * bound


@wrong
def StartsBothAtZero(d_out, d_in, rank, generator):
    """A and B are both zero. Each one's gradient is multiplied by the other, so neither would ever move."""
    return torch.zeros(rank, d_in), torch.zeros(d_out, rank)


@wrong
def StartsBothRandom(d_out, d_in, rank, generator):
    """B is not zero, so the adapted model already differs from the base before its first step."""
    return _uniform((rank, d_in), d_in**-0.5, generator), _uniform((d_out, rank), d_in**-0.5, generator)


@wrong
def ZeroesTheWrongFactor(d_out, d_in, rank, generator):
    """A is zero and B is random: the contract asks for it the other way round."""
    return torch.zeros(rank, d_in), _uniform((d_out, rank), d_in**-0.5, generator)


@wrong
def TakesTheFanFromRank(d_out, d_in, rank, generator):
    """A is drawn too wide. d_in sets the bound, not the rank, and not the default slope of kaiming_uniform_."""
    return _uniform((rank, d_in), rank**-0.5, generator), torch.zeros(d_out, rank)


@wrong
def DrawsAGaussian(d_out, d_in, rank, generator):
    """A looks like a Gaussian: some values lie far outside. Draw it uniformly, inside the bounds."""
    return torch.randn(rank, d_in, generator=generator) / d_in**0.5, torch.zeros(d_out, rank)


@wrong
def DrawsOneSide(d_out, d_in, rank, generator):
    """A has no negative values: torch.rand starts at 0, and the interval lies around 0."""
    return torch.rand(rank, d_in, generator=generator) / d_in**0.5, torch.zeros(d_out, rank)


@wrong
def IgnoresTheGenerator(d_out, d_in, rank, generator):
    """The draw did not use the generator it was given, so the run cannot be repeated."""
    return (2 * torch.rand(rank, d_in) - 1) / d_in**0.5, torch.zeros(d_out, rank)


@wrong
def SeedsItself(d_out, d_in, rank, generator):
    """Every call draws the same A: do not seed. The caller's generator decides."""
    return _uniform((rank, d_in), d_in**-0.5, torch.Generator().manual_seed(0)), torch.zeros(d_out, rank)


@wrong
def TransposesTheFactors(d_out, d_in, rank, generator):
    """The shapes are wrong. Return A, (rank, d_in), which meets the input first, and then B, (d_out, rank)."""
    return _uniform((d_in, rank), d_in**-0.5, generator), torch.zeros(rank, d_out)


@wrong
def RepeatsOneRow(d_out, d_in, rank, generator):
    """All rows of A are equal, so that its rank is 1 whatever you asked for: draw every entry on its own."""
    return _uniform((1, d_in), d_in**-0.5, generator).expand(rank, d_in), torch.zeros(d_out, rank)


@wrong
def HalvesTheWidth(d_out, d_in, rank, generator):
    """A is drawn too narrow. The interval from -1 / sqrt(d_in) to 1 / sqrt(d_in) is 2 / sqrt(d_in) wide."""
    return (torch.rand(rank, d_in, generator=generator) - 0.5) / d_in**0.5, torch.zeros(d_out, rank)


@wrong
def ReturnsBFirst(d_out, d_in, rank, generator):
    """The order is wrong: A comes first, then B."""
    A, B = init(d_out, d_in, rank, generator)
    return B, A
