"""Solve a question by self-consistency."""

from collections.abc import Callable

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=1e-6, atol=0.0)


def solve(generate: Callable[[str, int], str], question: str, samples: int) -> tuple[int | None, float]:
    r"""Sample rationales, read an answer out of each, and vote.

    1. Call generate once for each of the seeds 0, 1, ..., samples - 1, with the prompt "Q: {question}\nSteps:".
    2. Each rationale's answer is the first integer after its last "A:". An integer is a run of the digits 0-9, with
       the minus sign that may stand directly before it. A rationale without "A:", or without an integer after its
       last "A:", has no answer.
    3. The answer with most votes wins; among equally many, the one whose first vote has the smallest seed.

    Parameters
    ----------
    generate : callable
        generate(prompt, seed) returns what the model writes after the prompt, as a str: the rationale. Equal
        arguments give equal rationales. To another prompt the model answers something else.
    question : str
    samples : int
        At least 1.

    Returns
    -------
    answer : int or None
        None where no rationale has an answer.
    agreement : float
        The share of all samples, those without an answer included, that gave this answer; 0.0 where it is None.

    Source: Wang et al. 2022 (arXiv:2203.11171), sections 2 and 3.5: the agreement tells when the model is unsure.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Build a model that writes the rationale of its seed; record what it was asked."""
    inputs = case.inputs
    expected = f"Q: {inputs['question']}\nSteps:"
    rationales, prompts, seeds = inputs["rationales"], [], []

    def generate(prompt: str, seed: int) -> str:
        prompts.append(prompt)
        seeds.append(int(seed))
        return rationales[seed % len(rationales)] if prompt == expected else f" {len(prompt)}\nA: {len(prompt)}"

    arguments = {"generate": generate, "question": inputs["question"], "samples": inputs["samples"]}
    result = observe_call(answer, Case(case.group, arguments))
    # Written as strings, so that too few calls or another prompt are reported as such and not as a wrong length.
    return {
        "prompts": " | ".join(sorted(set(prompts))),
        "seeds": " ".join(str(seed) for seed in sorted(seeds)),
        "answer and agreement": result,
    }


EXAMPLES = [
    case(
        "some rationales are wrong",
        rationales=[
            " 21 63 23\nA: 23",
            " 19 57 97\nA: 97",
            " 19 57 17\nA: 17",
            " 19 57",
            " 19 57 97\nA: 97\nWait, minus 40 gives 17.\nA: 17",
            " 19 57 97\nA: 97",
            " 19 57 17\nSo it is 17.\nA: 17",
            " 19 57 97\nA: 97",
        ],
        question="start 7; plus 12; times 3; minus 40",
        samples=7,
    ),
    case(
        "many have no answer",
        rationales=[
            " 25 50",
            " 25 50 75",
            " 30 60\nA: 60, I think",
            " 25 50\nA: unsure",
            " 25\nA: 50",
            " 25 50\nA: 50",
        ],
        question="start 5; square; times 2",
        samples=5,
    ),
    case("none has an answer", rationales=[" 14 7", " 14 7", " 14\nA: ?", "\nA: 7"], question="start 7", samples=3),
]
