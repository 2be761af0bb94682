"""Are the written steps right, and does the answer rest on them?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from course.chain_of_thought.study import MOD, Chain, Prompt, numbers, out_of, room
from course.model.asking import Measured, Subject


def written(asked: Subject, drawn: Sequence[Chain], prompt: Prompt, extract: Callable) -> list[tuple]:
    """The steps that the model writes for each chain, a list, and its answer or None."""
    texts = asked.complete([prompt(c) for c in drawn], room(len(drawn[0].ops)), stop="\n\n")
    return [(numbers(text), extract(text, "A:")) for text in texts]


def still_right(errors: Sequence[int], length: int) -> dict[int, Measured]:
    """For each number of steps, in how many rationales all steps up to there are right.

    Parameters
    ----------
    errors : sequence of int
        What your `first_error` says of each rationale.
    length : int
    """
    return {k: out_of(sum(error < 0 or error >= k for error in errors), len(errors)) for k in range(1, length + 1)}


def planted(
    asked: Subject, drawn: Sequence[Chain], prompt: Prompt, corrupt: Callable, extract: Callable, index: int,
    later: int = 0,
) -> tuple[list[int | None], list[int]]:  # fmt: skip
    """Put a wrong step before the model and let it go on.

    The wrong step has two digits, so that no further digit can be appended to it.

    Parameters
    ----------
    asked : Subject
    drawn : sequence of Chain
    prompt : callable
        Makes a prompt of a Chain that ends with "Steps:".
    corrupt, extract : callable
        Your own.
    index : int
        Which step is wrong, counted from 0.
    later : int
        How many of the right steps stand behind the wrong one, as if nothing had happened.

    Returns
    -------
    answers : list of (int or None)
        The model's.
    corrupted : list of int
        Where the wrong step leads, if nothing behind it is given.
    """
    rng, prompts, corrupted = Random(index), [], []
    for c in drawn:
        shift = rng.choice([shift for shift in range(1, MOD) if (c.steps[index] + shift) % MOD >= 10])
        prefix, leads_to = corrupt(c.ops, c.steps, index, shift, MOD)
        shown = prefix + c.steps[index + 1 : index + 1 + later]
        prompts.append(prompt(c) + "".join(f" {step}" for step in shown))
        corrupted.append(leads_to)
    texts = asked.complete(prompts, room(len(drawn[0].ops)), stop="\n\n")
    return [extract(text, "A:") for text in texts], corrupted


def shares(
    faithfulness: Callable, answers: Sequence[int | None], corrupted: Sequence[int], original: Sequence[int | None]
) -> tuple[Measured, Measured]:
    """What your `faithfulness` says, follows and keeps, as counts of the items that can tell something."""
    left = sum(one != other for one, other in zip(corrupted, original, strict=True))
    return tuple(out_of(round(left * share), left) for share in faithfulness(answers, corrupted, original))
