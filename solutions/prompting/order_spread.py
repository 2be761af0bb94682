"""Answer to prompting.order_spread."""

import statistics

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Which dimension do you average over to get one accuracy for each order? Bools have no mean: convert them.",
    "All three numbers are taken of that one vector of accuracies. torch's std divides by the number minus 1 "
    "unless you say otherwise.",
    "accuracy = correct.float().mean(1); then accuracy.mean(), accuracy.std(correction=0) and max minus min, put "
    "together by torch.stack.",
)


def order_spread(correct):
    return _summary(correct.float().mean(1))


def _summary(accuracy):
    return torch.stack([accuracy.mean(), accuracy.std(correction=0), accuracy.max() - accuracy.min()])


def cases(rng):
    def draw(group, orders, queries):
        # Whatever is drawn, the first order is better than the last.
        ability = torch.linspace(0.1, 0.9, orders)[torch.randperm(orders, generator=rng)]
        correct = torch.rand(orders, queries, generator=rng) < ability[:, None]
        correct[0], correct[-1, 0] = True, False
        return case(group, correct=correct)

    yield draw("more queries than orders", 4, 11)
    yield draw("more queries than orders", 5, 16)
    yield draw("more orders than queries", 12, 5)
    yield draw("as many orders as queries", 6, 6)
    single = torch.rand(1, 9, generator=rng) < 0.5
    single[0, :2] = torch.tensor([True, False])
    yield case("one order", correct=single)
    row = torch.randperm(8, generator=rng) < 5
    yield case("orders of equal accuracy", correct=torch.stack([row.roll(shift) for shift in range(4)]))


@right
def from_counts(correct):
    orders, queries = correct.shape
    hits = correct.sum(1).double()
    variance = (hits.square().mean() - hits.mean().square()).clamp(min=0)
    values = [hits.sum() / (orders * queries), variance.sqrt() / queries, (hits.max() - hits.min()) / queries]
    return torch.tensor(values, dtype=torch.float32)


@right
def lists_only(correct):
    accuracies = [sum(row) / len(row) for row in correct.tolist()]
    spread = max(accuracies) - min(accuracies)
    return torch.tensor([statistics.fmean(accuracies), statistics.pstdev(accuracies), spread])


@second_source("numpy: mean, std and ptp")
def numpy_statistics(correct):
    import numpy as np

    accuracy = correct.numpy().mean(1)
    return torch.from_numpy(np.array([accuracy.mean(), accuracy.std(), np.ptp(accuracy)], dtype=np.float32))


@wrong
def TreatsColumnsAsOrders(correct):
    """The accuracies are those of the queries. Each row of correct is an order: average along its queries."""
    return _summary(correct.float().mean(0))


@wrong
def PoolsAllAnswers(correct):
    """The spread is that of single answers, which are 0 or 1: take each order's accuracy first."""
    return _summary(correct.float().flatten())


@wrong
def DividesByOneLess(correct):
    """The standard deviation was divided by the number of orders minus 1: use the population's, correction=0."""
    mean, std, spread = order_spread(correct)
    return torch.stack([mean, (std**2 * len(correct) / torch.tensor(len(correct) - 1)).sqrt(), spread])


@wrong
def ReturnsTheVariance(correct):
    """The second number is the variance: the standard deviation is its square root."""
    mean, std, spread = order_spread(correct)
    return torch.stack([mean, std**2, spread])


@wrong
def ReturnsTheStandardError(correct):
    """The second number says how well the mean is known. The spread of the orders is the standard deviation itself."""
    mean, std, spread = order_spread(correct)
    return torch.stack([mean, std / len(correct) ** 0.5, spread])


@wrong
def CountsHits(correct):
    """Those are numbers of right answers: an accuracy is their share among the queries."""
    return _summary(correct.float().sum(1))


@wrong
def MeasuresFromTheMean(correct):
    """The third number reaches from the mean to the best order: start at the worst order."""
    mean, std, _ = order_spread(correct)
    return torch.stack([mean, std, correct.float().mean(1).max() - mean])


@wrong
def SpreadsWithinOrders(correct):
    """The standard deviation is that of the answers within an order, averaged. Ask how far the accuracies differ."""
    mean, _, spread = order_spread(correct)
    return torch.stack([mean, correct.float().std(1, correction=0).mean(), spread])


@wrong
def TakesTheBestOrder(correct):
    """The first number is the best order's accuracy. The best of many orders is partly luck: take the mean."""
    _, std, spread = order_spread(correct)
    return torch.stack([correct.float().mean(1).max(), std, spread])
