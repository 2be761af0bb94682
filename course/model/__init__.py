"""The course model: two small character-level language models, and how to load them or any other causal one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

FOLDER = Path(__file__).resolve().parent
SIZES = ("large", "small")


def load(name: str = "large", device: torch.device | str = "cpu") -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Load a causal language model in float32 and evaluation mode, and its tokenizer.

    Parameters
    ----------
    name : str
        "large" or "small" for the course's own; else a folder, or a model's name on the Hugging Face Hub.
    device : torch.device or str

    Returns
    -------
    model : PreTrainedModel
    tokenizer : PreTrainedTokenizerBase
        Has a pad token: where the model's own lacks one, its end-of-text token serves.

    Raises
    ------
    OSError
        When there is no such folder, and no such name that can be reached.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    place = str(FOLDER / name) if name in SIZES else name
    tokenizer = AutoTokenizer.from_pretrained(place)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    with _without_progress_bars():
        model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
    return model.to(device).eval(), tokenizer


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Small files load at once, and a bar on stderr would stand in the notebook."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
