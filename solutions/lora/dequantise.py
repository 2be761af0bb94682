"""Answer to lora.dequantise."""

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "Two look-ups for each entry: its code names a level, its block names a scale.",
    "torch takes a uint8 index for a mask: write codes.long(). Every scale is needed `block` times in a row.",
    "absmax.repeat_interleave(block) lines the scales up; cut it to len(codes) and multiply by levels[codes.long()].",
)


def dequantise(codes, absmax, levels, block=64):
    scales = absmax.repeat_interleave(block)[: len(codes)]
    return levels[codes.long()] * scales


def _table(rng):
    below, above = torch.rand(6, generator=rng), torch.rand(7, generator=rng)
    return torch.cat([torch.tensor([-1.0, 0.0, 1.0]), -below, above]).sort().values


def cases(rng):
    def draw(group, n, block, zero_block=None):
        codes = torch.randint(0, 16, (n,), generator=rng)
        absmax = 0.25 + torch.rand(-(-n // block), generator=rng)
        levels = _table(rng)
        if zero_block is not None:
            absmax[zero_block] = 0
            codes[zero_block * block : (zero_block + 1) * block] = levels.abs().argmin()
        return case(group, codes=codes.to(torch.uint8), absmax=absmax, levels=levels, block=block)

    yield draw("whole blocks", 24, 6)
    yield draw("whole blocks", 192, 64)
    yield draw("the last block is shorter", 23, 5)
    yield draw("the last block is shorter", 30, 9)
    yield draw("a block of zeros", 28, 7, zero_block=2)


@right
def one_block_at_a_time(codes, absmax, levels, block=64):
    parts = [scale * levels.index_select(0, part.int()) for scale, part in zip(absmax, codes.split(block), strict=True)]
    return torch.cat(parts)


@right
def a_table_for_every_block(codes, absmax, levels, block=64):
    owner = torch.arange(len(codes)) // block
    return torch.outer(absmax, levels)[owner, codes.to(torch.int64)]


@right
def one_hot_product(codes, absmax, levels, block=64):
    rows = torch.nn.functional.pad(codes, (0, -len(codes) % block)).reshape(-1, block)
    chosen = torch.nn.functional.one_hot(rows.long(), 16).double() @ levels.double()
    return (chosen * absmax.double()[:, None]).flatten()[: len(codes)].float()


def _scales(absmax, codes, block):
    return absmax.repeat_interleave(block)[: len(codes)]


@wrong
def ForgetsTheScale(codes, absmax, levels, block=64):
    """Those are levels between -1 and 1: multiply each by the absmax of its block."""
    return levels[codes.long()]


@wrong
def ReadsCodesAsSteps(codes, absmax, levels, block=64):
    """The codes were read as even steps from -1 to 1. A code is an index into levels, which are not even."""
    return (codes.float() / 7.5 - 1) * _scales(absmax, codes, block)


@wrong
def TilesTheScales(codes, absmax, levels, block=64):
    """The scales were lined up like tiles, 1 2 3 1 2 3. A block's entries stand together: repeat_interleave."""
    return levels[codes.long()] * absmax.repeat(block)[: len(codes)]


@wrong
def UsesOneScale(codes, absmax, levels, block=64):
    """Every entry was given the largest scale: each block has its own."""
    return levels[codes.long()] * absmax.max()


@wrong
def TakesBytesForAMask(codes, absmax, levels, block=64):
    """torch takes a uint8 index for a mask, as if it were bool. Convert the codes first: codes.long()."""
    return levels[codes.bool()] * _scales(absmax, codes, block)
