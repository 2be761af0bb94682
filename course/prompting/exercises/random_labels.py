"""Give demonstrations random labels."""

import torch

from autograder.exercise import Case, Tolerance, case, observe_call

POINTS = 1
MINUTES = 10
LEVEL = 1
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def random_labels(pairs: list[tuple[str, str]], labels: list[str], generator: torch.Generator) -> list[tuple[str, str]]:
    """Replace the labels of demonstrations by random ones, to ask how much a prompt teaches by its right labels.

    Every label is drawn from the whole label set, each of its labels equally likely, whatever the right label is and
    whatever the other demonstrations got. The inputs and their order stay.

    Parameters
    ----------
    pairs : list of (str, str)
        Inputs and their right labels. The list must not change.
    labels : list of str
        The label set. Some of its labels may have no demonstration.
    generator : torch.Generator
        All randomness comes from here, so that a run can be repeated. Do not seed it.

    Returns
    -------
    list of (str, str)
        As many pairs as were given.

    Source: Min et al. 2022 (arXiv:2202.12837), section 4.1.
    """
    raise NotImplementedError


def _pairs(inputs: dict) -> list[tuple[str, str]]:
    right = [label for label, count in zip(inputs["labels"], inputs["counts"], strict=True) for _ in range(count)]
    order = torch.randperm(len(right), generator=torch.Generator().manual_seed(inputs["seed"] + 2))
    return [(f"review {i}", right[place]) for i, place in enumerate(order.tolist())]


def observe(answer, case: Case) -> dict:
    """Draw twice from equal generators, with another global seed each time, and once from a third; count the labels."""
    labels, pairs = case.inputs["labels"], _pairs(case.inputs)

    def draw(seed: int, global_seed: int):
        torch.manual_seed(global_seed)
        given = {"pairs": list(pairs), "labels": list(labels), "generator": torch.Generator().manual_seed(seed)}
        drawn = observe_call(answer, Case(case.group, given))
        return drawn, given["pairs"] != pairs

    with torch.random.fork_rng(devices=[]):
        drawn, changed = draw(case.inputs["seed"], 1)
        again, other = draw(case.inputs["seed"], 2)[0], draw(case.inputs["seed"] + 1, 3)[0]
    fits = _is_list_of_pairs(drawn)
    got = [tuple(pair) for pair in drawn] if fits else []
    both = list(zip(pairs, got, strict=False))
    return {
        # The rest is only counted: thousands of pairs need not be sent.
        "the first pairs": got[:3] if fits else drawn,
        "how many": len(got),
        "inputs stay": all(before[0] == after[0] for before, after in both),
        "times drawn": [sum(label == drawn_label for _, drawn_label in got) for label in labels],
        "right labels": sum(before[1] == after[1] for before, after in both),
        "repeatable": drawn == again,
        "same for every seed": drawn == other,
        "the given list changed": changed,
    }


def _is_list_of_pairs(drawn) -> bool:
    return isinstance(drawn, (list, tuple)) and all(isinstance(p, (list, tuple)) and len(p) == 2 for p in drawn)


def holds(case: Case, observed: dict) -> dict[str, bool]:
    counts, drawn = case.inputs["counts"], observed["times drawn"]
    n = sum(counts)
    shares = [count / n for count in drawn]
    # Right labels that independent draws would give, from how often each label came up.
    chance = sum(count / n * share for count, share in zip(counts, shares, strict=True))
    surplus = observed["right labels"] / n - chance
    # With thousands of pairs, a right answer fails less than once in 10**9 draws.
    return {
        "there are as many pairs as before": observed["how many"] == n,
        "the inputs stay, in their order": observed["inputs stay"],
        "all labels come from the label set": sum(drawn) == observed["how many"],
        "every label of the set comes up": min(drawn) > 0,
        "all labels of the set are equally likely": max(abs(s - 1 / len(shares)) for s in shares) < 0.06,
        "the right label comes up as often as chance has it, not less": surplus > -0.06,
        "the right label comes up as often as chance has it, not more": surplus < 0.06,
        "equal generators give equal labels": observed["repeatable"],
        "another generator gives other labels": not observed["same for every seed"],
        "the given list did not change": not observed["the given list changed"],
    }


EXAMPLES = [
    case("uneven labels", labels=["negative", "neutral", "positive"], counts=[1900, 800, 400], seed=4),
    case("as many demonstrations of each label", labels=["no", "yes"], counts=[1550, 1550], seed=9),
    case(
        "a label without demonstrations", labels=["good", "bad", "mixed", "empty"], counts=[1700, 900, 500, 0], seed=2
    ),
]
