"""Say when fine-tuning becomes cheaper than a long prompt."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def break_even_requests(
    parameters: int, demonstration_tokens: int, query_tokens: int, answer_tokens: int, training_tokens: int
) -> tuple[int, int, int]:
    """Compare what a few-shot prompt costs at every request with what fine-tuning costs once.

    A forward pass costs 2 FLOPs, a multiplication and an addition, for each parameter and each token; a training step
    costs 6 of them, because the backward pass costs twice as much as the forward pass. Attention over the context is
    neglected. Keys and values are cached within a request, so that each of its tokens, read or written, passes through
    the model once; nothing is cached from one request to the next.

    The prompted model reads the demonstrations and the query. The fine-tuned model has the same size, all its
    parameters train, and it reads the query alone. Both write the answer.

    Parameters
    ----------
    parameters : int
    demonstration_tokens, query_tokens, answer_tokens : int
        Of one request; each at least 1.
    training_tokens : int
        How many tokens pass through the model during training, repetitions included; at least 1.

    Returns
    -------
    prompted : int
        FLOPs of one request to the prompted model.
    tuned : int
        FLOPs of one request to the fine-tuned model.
    requests : int
        The smallest number of requests for which the fine-tuned model, its training included, costs fewer FLOPs in
        all than the prompted one. Where both cost the same, it is not there yet.

    All three are exact Python integers.

    Source: Kaplan et al. 2020 (arXiv:2001.08361), section 2.1, for 2 and 6; Liu et al. 2022 (arXiv:2205.05638) compare
    few-shot prompts and fine-tuning in this way.
    """
    raise NotImplementedError


EXAMPLES = [
    case(
        "GPT-3 with 32 demonstrations",
        parameters=175_000_000_000,
        demonstration_tokens=1_900,
        query_tokens=60,
        answer_tokens=4,
        training_tokens=1_000_000,
    ),
    case(
        "both cost the same after some requests",
        parameters=1_000_000,
        demonstration_tokens=60,
        query_tokens=25,
        answer_tokens=15,
        training_tokens=2_000,
    ),
    case(
        "the first request pays for the training",
        parameters=3_000,
        demonstration_tokens=500,
        query_tokens=21,
        answer_tokens=90,
        training_tokens=150,
    ),
]
