"""Weigh the votes by the model's own confidence."""

from autograder.exercise import Tolerance, case

POINTS = 2
MINUTES = 12
LEVEL = 2
TOLERANCE = Tolerance(rtol=0.0, atol=0.0)


def weighted_vote(answers: list[int], logps: list[list[float]]) -> int:
    """Choose the answer whose samples have the largest total weight.

    A sample weighs exp((log p_1 + ... + log p_K) / K): the exponential of the mean log-probability of its K tokens,
    which is the geometric mean of their probabilities. An answer's score is the sum of its samples' weights.

    Parameters
    ----------
    answers : list of int
        One for each sample; at least one.
    logps : list of list of float
        For each sample the log-probabilities of its tokens: at least one, all of them negative. Samples differ in
        length.

    Returns
    -------
    int
        The answer with the largest score. Ties do not occur.

    Source: Wang et al. 2022 (arXiv:2203.11171), equation 1 and table 1, the normalised weighted sum. PaLM-540B on
    GSM8K: 74.1 percent, beside 74.4 for the plain vote.
    """
    raise NotImplementedError


EXAMPLES = [
    case(
        "long and short rationales",
        answers=[17, 40, 17, 40, 17],
        logps=[
            [-0.2, -0.1, -0.3, -0.2, -0.2, -0.1, -0.3, -0.2],
            [-0.3, -0.5],
            [-0.3, -0.2, -0.1, -0.2, -0.1, -0.2, -0.2, -0.3],
            [-0.4, -0.4],
            [-0.1, -0.2, -0.3, -0.2, -0.3, -0.2, -0.2, -0.1],
        ],
    ),
    case(
        "sure and unsure samples",
        answers=[5, 63, 63, 63, 88, 5],
        logps=[[-0.01, -0.03], [-0.7, -0.9], [-0.8], [-0.75, -0.8, -0.85], [-0.25, -0.35], [-2.9, -3.1]],
    ),
    case(
        "sure and unsure samples",
        answers=[12, 71, 12, 30, 71, 71],
        logps=[[-0.1, -0.1], [-0.4, -0.4, -0.4], [-0.09, -0.11], [-0.15], [-0.35, -0.45], [-0.4]],
    ),
    case(
        "a sure last token",
        answers=[33, 8, 8, 33],
        logps=[[-0.4, -0.5], [-2.2, -0.05], [-2.0, -1.8, -0.03], [-0.3, -0.6]],
    ),
    case(
        "one token that the model did not expect",
        answers=[9, 26, 26, 54, 9, 26, 54],
        logps=[
            [-0.02, -0.02, -4.5, -0.02, -0.02],
            [-1.2, -1.1, -1.3],
            [-1.2, -1.2],
            [-0.4, -0.4, -0.4, -0.4],
            [-0.02, -0.02, -0.02, -4.5, -0.02],
            [-1.1, -1.3],
            [-0.35, -0.45],
        ],
    ),
]
