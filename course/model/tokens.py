"""The characters that the course model reads, and a tokenizer for them that transformers loads by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

# Signs that no prompt is written with, so that no text can spell a special token.
PAD, BOS, EOS, UNKNOWN = range(4)
SPECIAL = ("␀", "␂", "␃", "�")
CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
VOCABULARY = len(SPECIAL) + len(CHARACTERS)
_TABLE = bytes(CHARACTERS.index(c) + len(SPECIAL) if (c := chr(code)) in CHARACTERS else UNKNOWN for code in range(256))


def encode(text: str) -> bytes:
    """Token ids of a text, one byte each, without special tokens."""
    return text.encode("ascii").translate(_TABLE)


def tokenizer() -> PreTrainedTokenizerFast:
    """One token for each character; a begin token goes first."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    ids = {sign: place for place, sign in enumerate((*SPECIAL, *CHARACTERS))}
    made = Tokenizer(models.WordLevel(ids, unk_token=SPECIAL[UNKNOWN]))
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    made.decoder = decoders.Fuse()
    made.post_processor = processors.TemplateProcessing(
        single=f"{SPECIAL[BOS]} $A", special_tokens=[(SPECIAL[BOS], BOS)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=SPECIAL[PAD],
        bos_token=SPECIAL[BOS],
        eos_token=SPECIAL[EOS],
        unk_token=SPECIAL[UNKNOWN],
        padding_side="left",
        model_input_names=["input_ids", "attention_mask"],
        clean_up_tokenization_spaces=False,
    )
