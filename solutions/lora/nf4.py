"""Answer to lora.nf4."""

import torch
from torch.nn.functional import pad

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Bring w into rows of one block each. When the last block is short, zeros at its end do not change its absmax.",
    "absmax is rows.abs().amax(1). Divide by it, but not by 0. One broadcast then gives the distances to all levels.",
    "(scaled[..., None] - levels).abs().argmin(-1) takes the first of equal distances, which is the lower level. "
    "Flatten, cut to len(w) and convert with .to(torch.uint8).",
)


def nf4(w, levels, block=64):
    rows = pad(w, (0, -len(w) % block)).reshape(-1, block)
    absmax = rows.abs().amax(1)
    scaled = rows / torch.where(absmax > 0, absmax, 1.0)[:, None]
    codes = (scaled[..., None] - levels).abs().argmin(-1)
    return codes.flatten()[: len(w)].to(torch.uint8), absmax


def _levels(rng, below=6):
    """Sixteen ascending levels with both ends and a zero, in 32nds so that the middle of two is exact."""
    below, above = (2 + 2 * torch.randperm(30, generator=rng)[:count] for count in (below, 13 - below))
    return torch.cat([-below, above, torch.tensor([-64, 0, 64])]).sort().values / 64


def cases(rng):
    def draw(group, n, block, zero_block=None):
        # A quarter of a 64th keeps every quotient clear of the middle of two levels, whatever is rounded.
        w = (24 * torch.randn(n, generator=rng)).round().clamp(-63, 62).add(0.25) / 64
        w[::block] = 2.0 * torch.randint(0, 2, w[::block].shape, generator=rng) - 1
        w *= (0.02 * torch.randn(w[::block].shape, generator=rng).exp()).repeat_interleave(block)[:n]
        if zero_block is not None:
            w[zero_block * block : (zero_block + 1) * block] = 0
        return case(group, w=w, levels=_levels(rng, 6 if zero_block is None else 8), block=block)

    yield draw("whole blocks", 24, 6)
    yield draw("whole blocks", 192, 64)
    yield draw("the last block is shorter", 23, 5)
    yield draw("the last block is shorter", 7, 32)
    yield draw("a block of zeros", 28, 7, zero_block=2)
    levels = _levels(rng)
    halfway = ((levels[1:] + levels[:-1]) / 2)[torch.randperm(15, generator=rng)].reshape(3, 5)
    signs = 2.0 * torch.randint(0, 2, (3, 1), generator=rng) - 1
    w = torch.cat([signs, halfway], 1) * torch.tensor([[0.125], [0.5], [0.03125]])
    yield case("halfway between two levels", w=w.flatten(), levels=levels, block=6)


@right
def boundaries_between_levels(w, levels, block=64):
    parts = w.split(block)
    absmax = torch.stack([part.abs().max() for part in parts])
    scaled = torch.cat([part / (size if size > 0 else 1) for part, size in zip(parts, absmax, strict=True)])
    return torch.bucketize(scaled, (levels[1:] + levels[:-1]) / 2).to(torch.uint8), absmax


@right
def one_weight_at_a_time(w, levels, block=64):
    codes, absmax, values = [], [], levels.tolist()
    for start in range(0, len(w), block):
        part = w[start : start + block].tolist()
        absmax.append(max(abs(x) for x in part))
        for x in part:
            size = absmax[-1] or 1.0
            codes.append(min(range(16), key=lambda k: abs(x - values[k] * size)))
    return torch.tensor(codes, dtype=torch.uint8), torch.tensor(absmax)


@right
def scaled_levels(w, levels, block=64):
    owner = torch.arange(len(w)) // block
    absmax = torch.zeros(int(owner[-1]) + 1).scatter_reduce(0, owner, w.abs(), "amax")
    distance = (w[:, None] - levels * absmax[owner][:, None]).abs()
    codes = distance.min(1).indices
    codes[absmax[owner] == 0] = levels.abs().argmin()
    return codes.byte(), absmax


@second_source("scipy 1.17: cluster.vq.vq, with the levels as its code book")
def scipy_code_book(w, levels, block=64):
    import numpy as np
    from scipy.cluster.vq import vq

    starts = np.arange(0, len(w), block)
    absmax = np.maximum.reduceat(np.abs(w.numpy()), starts)
    scaled = w.numpy() / np.where(absmax == 0, 1, absmax).astype("f").repeat(block)[: len(w)]
    codes, _ = vq(scaled[:, None], levels.numpy()[:, None])
    return torch.from_numpy(codes.astype(np.uint8)), torch.from_numpy(absmax)


def _rows(w, block):
    return pad(w, (0, -len(w) % block)).reshape(-1, block)


def _scaled(rows, scale):
    return rows / torch.where(scale == 0, 1.0, scale)[:, None]


def _nearest(scaled, levels):
    return (scaled[..., None] - levels).abs().argmin(-1).to(torch.uint8)


@wrong
def ScalesTheWholeTensor(w, levels, block=64):
    """One scale served the whole tensor. Every block has its own, so that one outlier spoils one block only."""
    largest = w.abs().max()
    return _nearest(w / largest, levels), largest.repeat(-(-len(w) // block))


@wrong
def TakesTheFloor(w, levels, block=64):
    """The codes are those of the level below: take the nearest, which may be the one above."""
    absmax = _rows(w, block).abs().amax(1)
    scaled = _scaled(_rows(w, block), absmax).flatten()[: len(w)]
    return (torch.bucketize(scaled, levels, right=True) - 1).to(torch.uint8), absmax


@wrong
def TiesGoUp(w, levels, block=64):
    """Halfway between two levels the upper one was taken: the contract says the lower."""
    absmax = _rows(w, block).abs().amax(1)
    scaled = _scaled(_rows(w, block), absmax).flatten()[: len(w)]
    return 15 - _nearest(scaled, levels.flip(0)), absmax


@wrong
def ScalesByStd(w, levels, block=64):
    """The blocks were divided by their standard deviation. The scale is absmax, so that nothing lies beyond 1."""
    spread = torch.stack([part.std() for part in w.split(block)])
    return _nearest(_scaled(_rows(w, block), spread), levels).flatten()[: len(w)], spread


@wrong
def ForgetsTheAbs(w, levels, block=64):
    """The scale is the largest weight, but the largest absolute value may belong to a negative one."""
    largest = torch.stack([part.max() for part in w.split(block)])
    return _nearest(_scaled(_rows(w, block), largest), levels).flatten()[: len(w)], largest


@wrong
def RoundsToAnEvenGrid(w, levels, block=64):
    """The codes count even steps from -1 to 1. The levels are not evenly spaced: compare with each of them."""
    absmax = _rows(w, block).abs().amax(1)
    scaled = _scaled(_rows(w, block), absmax).flatten()[: len(w)]
    return ((scaled + 1) * 7.5).round().to(torch.uint8), absmax


@wrong
def DividesByZero(w, levels, block=64):
    """A block of zeros was divided by its absmax, which is 0: the quotients are nan, and their codes mean nothing."""
    absmax = _rows(w, block).abs().amax(1)
    return _nearest(_rows(w, block) / absmax[:, None], levels).flatten()[: len(w)], absmax


@wrong
def DropsTheRest(w, levels, block=64):
    """The last, shorter block is missing: n need not be a multiple of block."""
    return nf4(w[: len(w) // block * block], levels, block)


@wrong
def StridesTheBlocks(w, levels, block=64):
    """The blocks were taken with a stride. A block is consecutive entries: reshape(-1, block), not (block, -1)."""
    columns = pad(w, (0, -len(w) % block)).reshape(block, -1)
    absmax = columns.abs().amax(0)
    return _nearest(_scaled(columns.T, absmax).T, levels).flatten()[: len(w)], absmax


@wrong
def TakesTheLevelAbove(w, levels, block=64):
    """The codes are those of the next level above, as a search in a sorted list gives them: take the nearest."""
    absmax = _rows(w, block).abs().amax(1)
    scaled = _scaled(_rows(w, block), absmax).flatten()[: len(w)]
    return torch.bucketize(scaled, levels).to(torch.uint8), absmax


@wrong
def AssumesCodeSevenForZero(w, levels, block=64):
    """A block of zeros got code 7. That is zero's code in NF4; here the levels are an argument."""
    codes, absmax = nf4(w, levels, block)
    return torch.where(absmax.repeat_interleave(block)[: len(w)] == 0, 7, codes).to(torch.uint8), absmax


@wrong
def KeepsTheClampedScale(w, levels, block=64):
    """The absmax of a block of zeros is 0. What you divide by may differ from it; what you return may not."""
    codes, absmax = nf4(w, levels, block)
    return codes, absmax.clamp(min=1e-8)
