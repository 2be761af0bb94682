"""Train on the teacher's words, not on the prompt."""

import torch
from torch import Tensor

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def sequence_labels(ids: Tensor, prompt_length: Tensor, mask: Tensor) -> Tensor:
    """Write the labels with which a student learns to continue prompts as its teacher did.

    Each row of ids holds a prompt, directly behind it what the teacher wrote, and padding up to the common length.
    The label of every token that the teacher wrote is that token itself; all other labels are -100, which the loss
    ignores. A Hugging Face model compares logits t with label t + 1 by itself, so label t belongs to token t.

    Parameters
    ----------
    ids : Tensor, shape (B, L), int64
        The teacher's text ends with its end token where it was not cut off. Padding may be made of that same token,
        and a prompt may hold the tokens that padding is made of.
    prompt_length : Tensor, shape (B,), int64
        How many tokens the prompt of each row has; may be 0.
    mask : Tensor, shape (B, L), int64
        1 for prompt and teacher, 0 for padding, which stands at the end. Where the teacher wrote nothing, all labels
        of the row are -100.

    Returns
    -------
    Tensor, shape (B, L), int64

    Source: Kim & Rush 2016 (arXiv:1606.07947), section 3.2; transformers' ForCausalLMLoss.
    """
    raise NotImplementedError


EXAMPLES = [
    case(
        "padding of its own",
        ids=torch.tensor([[5, 9, 4, 7, 1, 0], [8, 3, 3, 6, 2, 1], [4, 6, 1, 0, 0, 0]]),
        prompt_length=torch.tensor([2, 3, 1]),
        mask=torch.tensor([[1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]]),
    ),
    case(
        "padding made of end tokens",
        ids=torch.tensor([[3, 5, 8, 1, 1, 1], [7, 2, 2, 6, 1, 1], [4, 1, 9, 5, 8, 3]]),
        prompt_length=torch.tensor([1, 0, 3]),
        mask=torch.tensor([[1, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1]]),
    ),
    case(
        "the teacher wrote nothing",
        ids=torch.tensor([[2, 5, 0, 0, 0], [6, 4, 7, 8, 1]]),
        prompt_length=torch.tensor([2, 3]),
        mask=torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]),
    ),
]
