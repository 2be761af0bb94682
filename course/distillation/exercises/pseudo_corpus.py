"""Let the teacher write the training set."""

from collections.abc import Callable

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 3
MINUTES = 20
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def pseudo_corpus(
    generate: Callable[[list[int]], list[int]], prompts: list[list[int]], references: list[list[int]], eos: int
) -> list[tuple[list[int], list[int]]]:
    """Collect pairs of a prompt and the teacher's output, on which a student is then trained by cross-entropy.

    The student learns the teacher's output in place of the reference: a text that the teacher finds probable is
    easier to learn than one that people wrote.

    Parameters
    ----------
    generate : callable
        The teacher. It takes a prompt, a list of int, and returns a list of int: the prompt, what the teacher wrote,
        and behind its end arbitrary padding, as transformers' generate does in a batch. The output ends with the
        first `eos` that the teacher wrote. Without one it was cut off at the length limit, and no padding follows.
    prompts : list of lists of int
        A prompt may hold `eos` itself, as a separator, and the same prompt may come twice.
    references : list of lists of int
        What people wrote after each prompt, `eos` at the end. The usual way trains on these; here they are not needed,
        and the teacher must not see them.
    eos : int

    Returns
    -------
    list of tuples (prompt, output), two lists of int
        In the order of the prompts, one for each prompt whose output ended, repeated prompts included. An output ends
        with its `eos` and holds neither prompt nor padding. A pair whose output was cut off is left out: from it the
        student would learn to stop nowhere.

    Source: Kim & Rush 2016 (arXiv:1606.07947), section 3.2. Their teacher writes with beam search.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Hand over a teacher that knows its outputs by heart; return the pairs and what the teacher was asked."""
    inputs = case.inputs
    known = {tuple(p): output for p, output in zip(inputs["prompts"], inputs["outputs"], strict=True)}
    asked = set()

    def generate(prompt: list[int]) -> list[int]:
        asked.add(tuple(prompt))
        return [*prompt, *known.get(tuple(prompt), [inputs["eos"]])]

    arguments = {"generate": generate, **{name: inputs[name] for name in ("prompts", "references", "eos")}}
    pairs = observe_call(answer, Case(case.group, arguments))
    return {"pairs": pairs, "prompts that the teacher saw": [list(prompt) for prompt in sorted(asked)]}


EXAMPLES = [
    case(
        "padding behind the end",
        prompts=[[5, 6, 3], [4, 8], [9, 7, 7, 2]],
        references=[[8, 8, 1], [6, 5, 3, 1], [4, 1]],
        outputs=[[7, 4, 1, 0, 0], [9, 1, 1, 1, 1], [5, 6, 8, 4, 1]],
        eos=1,
    ),
    case(
        "the end token in a prompt",
        prompts=[[3, 1, 5], [6, 9, 1]],
        references=[[7, 1], [4, 4, 1]],
        outputs=[[8, 6, 1, 0], [2, 1, 6, 1]],
        eos=1,
    ),
    case(
        "an output that was cut off",
        prompts=[[7, 3], [5, 5, 8], [6]],
        references=[[4, 2], [9, 6, 2], [3, 3, 2]],
        outputs=[[9, 9, 8, 9], [4, 2, 0, 0], [8, 7, 2, 2]],
        eos=2,
    ),
    case(
        "a prompt that comes twice",
        prompts=[[4, 9], [8, 3, 5], [4, 9]],
        references=[[6, 1], [7, 1], [5, 5, 1]],
        outputs=[[3, 1, 0], [6, 6, 1], [3, 1, 0]],
        eos=1,
    ),
]
