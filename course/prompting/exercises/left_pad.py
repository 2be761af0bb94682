"""Batch prompts of unequal lengths."""

from torch import Tensor

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def left_pad(sequences: list[list[int]], pad: int) -> tuple[Tensor, Tensor, Tensor]:
    """Put token sequences into one batch whose rows all end with their last token.

    Shorter sequences get `pad` in front, up to T, the length of the longest. So the last column holds every row's
    newest token, and one generation step can read the logits there.

    Parameters
    ----------
    sequences : list of list of int
        B sequences; some may be empty, not all.
    pad : int
        The id that fills up. It may also occur inside a sequence, where it is a token like any other: GPT-2 has no
        id of its own for padding.

    Returns
    -------
    ids : Tensor, shape (B, T), int64
    mask : Tensor, shape (B, T), int64
        1 for every token of a sequence and 0 for every pad in front of it.
    positions : Tensor, shape (B, T), int64
        A sequence's tokens are numbered 0, 1, 2 and so on, as if nothing stood in front. Pads have position 0.

    Source: the convention of transformers for decoder-only models.
    """
    raise NotImplementedError


EXAMPLES = [
    case("unequal lengths", sequences=[[5, 3], [4, 8, 6, 7], [9]], pad=2),
    case("the pad id inside a sequence", sequences=[[2, 6, 2], [7, 2], [2, 2, 9, 4, 2]], pad=2),
    case("an empty sequence", sequences=[[3, 4, 5], [], [6, 7]], pad=0),
]
