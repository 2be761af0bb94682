"""Write the two prompts of zero-shot chain of thought."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 8
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def two_stage(question: str, trigger: str, rationale: str, cue: str) -> tuple[str, str]:
    """Write the prompt that makes a model reason, and the prompt that makes it answer.

    The first prompt has two lines: "Q:", a space and the question; then "A:", a space and the trigger. The model
    continues it with the rationale. The second prompt is the first one with the rationale directly behind it, as the
    model wrote it, then one space and the cue.

    Parameters
    ----------
    question : str
    trigger : str
        For example "Let's think step by step."
    rationale : str
        What the model wrote after the first prompt. It usually begins with white space of its own, and may be empty.
    cue : str
        For example "Therefore, the answer (arabic numerals) is".

    Returns
    -------
    first, second : str
        Neither gets a space or a new line at its end. All four strings are copied as they are, white space, braces
        and percent signs included.

    Source: Kojima et al. 2022 (arXiv:2205.11916), section 3.1 and figure 2; the authors' code joins the same way.
    """
    raise NotImplementedError


EXAMPLES = [
    case(
        "a question in numbers",
        question="There are 16 balls. Half of them are blue. How many are blue?",
        trigger="Let's think step by step.",
        rationale=" There are 16 balls, and half of 16 is 8.",
        cue="Therefore, the answer (arabic numerals) is",
    ),
    case(
        "white space at the ends",
        question="start 7; plus 12; times 3; minus 40",
        trigger="First,",
        rationale="\n\n19 57 17\n",
        cue="\nTherefore, the answer is",
    ),
    case(
        "braces",
        question="How many numbers does the set {2, 3, 5} hold?",
        trigger="Let's think step by step.",
        rationale=" {2, 3, 5} holds 2, 3 and 5.",
        cue="Therefore, the answer is",
    ),
    case(
        "percent signs",
        question="How much is 25% of 60?",
        trigger="Let's think step by step.",
        rationale=" 25% is a quarter.",
        cue="Therefore, the answer is",
    ),
]
