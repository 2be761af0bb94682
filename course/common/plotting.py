"""Small helpers that give every figure of the course the same error bars and words."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from torch import Tensor


def over_seeds(ax: Axes, x: Sequence[float], runs: Sequence[Tensor], label: str, **style) -> None:
    """Draw the mean of each point over its seeds, one standard deviation as a bar, and every seed as a dot.

    Parameters
    ----------
    ax : Axes
    x : sequence of float
    runs : sequence of Tensor, one for each x, shape (seeds,)
    label : str
    **style
        Goes to Axes.errorbar, for example color or ls.
    """
    values = torch.stack(list(runs))
    line = ax.errorbar(x, values.mean(1), values.std(1), **{"marker": "o", "ms": 4, "capsize": 3, **style}, label=label)
    for seed in values.T:
        ax.plot(x, seed, ".", ms=5, alpha=0.5, color=line[0].get_color())


def intervals(
    ax: Axes, x: Sequence[float], shares: Sequence[float], ends: Sequence[tuple[float, float]], label: str, **style
) -> None:
    """Draw shares between 0 and 1 with the interval of each.

    Parameters
    ----------
    ax : Axes
    x, shares : sequence of float
    ends : sequence of (float, float)
        The lower and the upper end of each interval.
    label : str
    **style
        Goes to Axes.errorbar, for example color or ls.
    """
    below = [max(0.0, share - low) for share, (low, _) in zip(shares, ends, strict=True)]
    above = [max(0.0, high - share) for share, (_, high) in zip(shares, ends, strict=True)]
    ax.errorbar(x, shares, (below, above), **{"marker": "o", "ms": 4, "capsize": 3, **style}, label=label)
    ax.set_ylim(-0.03, 1.03)


def spread(values: Tensor, digits: int = 1) -> str:
    """Mean and standard deviation over seeds, in words for a table."""
    return f"{values.mean():.{digits}f} ± {values.std():.{digits}f}"


def gap(one: Tensor, other: Tensor) -> tuple[float, float]:
    """How far two means over seeds are apart, and the same over the root mean square of both standard deviations."""
    apart = one.mean() - other.mean()
    return apart.item(), (apart / ((one.var() + other.var()) / 2).sqrt()).item()
