"""Account for the memory of fine-tuning."""

from fractions import Fraction

from autograder.exercise import Case, Tolerance, case

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def memory(
    method: str, n_base: int, n_adapter: int, weight_bytes: int, master: bool, tokens: int, token_bytes: int
) -> dict[str, Fraction]:
    """Count the bytes that a training step keeps, for full fine-tuning, LoRA or QLoRA with Adam.

    What trains: with "full" every number of the base, and there is no adapter; with "lora" and "qlora" the
    numbers of the adapter only. The frozen base stays in memory.

    Parameters
    ----------
    method : str
        "full", "lora" or "qlora".
    n_base, n_adapter : int
        How many numbers the base model and the adapter have. "full" ignores n_adapter.
    weight_bytes : int
        Bytes of one number of the base or the adapter: 4 in float32, 2 in bfloat16. QLoRA's base is the
        exception: 4-bit codes in blocks of 64 with doubly quantised scales, 4 + 8/64 + 32/(64 * 256) bits for
        each number.
    master : bool
        Whether the optimiser also keeps a float32 copy of each number that trains.
    tokens : int
        How many tokens a step sees.
    token_bytes : int
        Bytes of the activations that each token leaves behind for the backward pass. They are counted as
        given, whatever the method: adapters need the inputs of their layers, too.

    Returns
    -------
    dict of str to Fraction (or int), exact
        "weights": base and adapter;
        "gradients": for each number that trains, as wide as the number;
        "optimiser": for each number that trains, Adam's two moments in float32, and the copy if there is one;
        "activations": of all tokens.

    Source: Hu et al. 2021 (arXiv:2106.09685), section 4.2; Dettmers et al. 2023 (arXiv:2305.14314), section 3.
    """
    raise NotImplementedError


def _example(group: str, method: str, n_base: int, n_adapter: int, weight_bytes: int, master: bool) -> Case:
    return case(
        group,
        method=method,
        n_base=n_base,
        n_adapter=n_adapter,
        weight_bytes=weight_bytes,
        master=master,
        tokens=512,
        token_bytes=3_000,
    )


EXAMPLES = [
    _example("full fine-tuning", "full", 1_000_000, 9_000, 4, False),
    _example("LoRA", "lora", 1_000_000, 9_000, 2, True),
    _example("QLoRA", "qlora", 1_000_000, 9_000, 2, False),
]
