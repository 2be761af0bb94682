"""Write a prompt that works."""

from random import Random

from autograder.exercise import Case, Tolerance, case, observe_call
from course.model import judging, tasks

POINTS = 3
MINUTES = 25
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)
NEEDED = 0.6
LONGEST = 400


def write_prompt(first: str, second: str, examples: list[tuple[str, str]]) -> str:
    """Write a prompt template that makes the course model do one task after the other.

    The model knows twelve tasks by their names: copy, reverse, upper, first, last, double, swap, sort, rotate, drop,
    next, back. It was trained on three forms: examples alone ("x -> y" on lines of their own), a header that names one
    task or two ("Task: reverse", "Task: sort drop") above such examples, and Task, Input, Output with one name. Try
    them in the playground: how you ask decides what you get.

    Parameters
    ----------
    first, second : str
        Names of two tasks, to be done in this order. Many of these pairs were never trained.
    examples : list of (str, str)
        Eight words with their right answers. You may use all, some or none.

    Returns
    -------
    str
        A template in which {word} stands exactly once ({{word}} in an f-string), at most 400 characters long. For each
        of 40 hidden words, {word} is replaced by the word, the small course model continues the text greedily, and what
        it writes up to the end of the line must be the answer. At least 60 % of the hidden words must be right.

    Source: Brown et al. 2020 (arXiv:2005.14165), section 2, for what a description and examples each do.
    """
    raise NotImplementedError


def observe(answer, case: Case) -> dict:
    """Show the answer examples that are drawn from the case's seed; the hidden words are others."""
    inputs = case.inputs
    task, rng = tasks.named(f"{inputs['first']} {inputs['second']}"), Random(inputs["seed"])
    examples = tasks.examples(task, lambda: tasks.word(rng, 3, 6), 8)
    arguments = {"first": inputs["first"], "second": inputs["second"], "examples": examples}
    return {"template": observe_call(answer, Case(case.group, arguments))}


def properties(case: Case, template: str, words: str) -> dict[str, bool]:
    """What must hold; `words` decides which words are asked."""
    first, second = case.inputs["first"], case.inputs["second"]
    fits = template.count("{word}") == 1 and len(template) <= LONGEST

    def share(task) -> float:
        return judging.right_share(template, task, words) if fits else 0.0

    done = share(tasks.named(f"{first} {second}")) >= NEEDED
    return {
        "the template holds {word} exactly once": template.count("{word}") == 1,
        f"it is at most {LONGEST} characters long": len(template) <= LONGEST,
        f"at least {NEEDED:.0%} of the words are answered rightly": done,
        "the tasks are done in their order": done or share(tasks.named(f"{second} {first}")) < NEEDED,
        "both tasks are done, not the first alone": done or share(tasks.TASKS[first]) < NEEDED,
        "both tasks are done, not the second alone": done or share(tasks.TASKS[second]) < NEEDED,
        "the template ends with what an answer follows": not fits or template.rstrip().endswith((">", ":", "=", "|")),
    }


def holds(case: Case, observed: dict) -> dict[str, bool]:
    return properties(case, observed["template"], f"{case.inputs['seed']} words")


EXAMPLES = [
    case("never trained together", first="next", second="reverse", seed=1),
    case("trained together", first="reverse", second="drop", seed=2),
]
