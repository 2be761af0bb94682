"""Answer to prompting.break_even_requests."""

import math
from fractions import Fraction

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Count the tokens of one request for each of the two models. Which of them does only one of the models read?",
    "After n requests the prompted model has cost n * prompted, the tuned one training + n * tuned. Training is "
    "6 * parameters * training_tokens. Each request saves prompted - tuned.",
    "The number of requests must exceed training / (prompted - tuned). In integers that is "
    "training // (prompted - tuned) + 1, which also covers the case that both cost the same.",
)


def break_even_requests(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    prompted = 2 * parameters * (demonstration_tokens + query_tokens + answer_tokens)
    tuned = 2 * parameters * (query_tokens + answer_tokens)
    return prompted, tuned, _requests(prompted - tuned, 6 * parameters * training_tokens)


def _requests(saved, training):
    return training // saved + 1


def cases(rng):
    def draw(low, high):
        return int(torch.randint(low, high, (), generator=rng))

    def sizes(group, demonstrations, training, largest=40):
        return case(
            group,
            parameters=draw(10**7, 10**10) * 10 + 1,
            demonstration_tokens=demonstrations,
            query_tokens=draw(largest // 2, largest),
            answer_tokens=draw(largest // 8, largest // 2),
            training_tokens=training,
        )

    # Training is a multiple of the demonstrations plus a remainder, so that 3 * training / demonstrations never is.
    shot = 3 * draw(60, 200) + 1
    yield sizes("many requests", shot, shot * draw(300, 900) + draw(shot // 6, shot // 4))
    shot = 3 * draw(200, 600) + 2
    yield sizes("many requests", shot, shot * draw(50, 200) + draw(shot // 6, shot // 4))
    shot = 3 * draw(5, 12) + 1
    yield sizes("a long query", shot, shot * draw(60, 90) + shot // 4, largest=800)
    shot = draw(50, 200)
    yield sizes("both cost the same after some requests", shot, shot * draw(20, 60))
    shot = 9 * draw(50, 90)
    yield sizes("the first request pays for the training", shot, shot // 9 + draw(5, 20))


@right
def counted_in_tokens(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    tuned = query_tokens + answer_tokens
    prompted = tuned + demonstration_tokens
    requests = math.floor(Fraction(3 * training_tokens, demonstration_tokens)) + 1
    return parameters * prompted * 2, parameters * tuned * 2, requests


@right
def bisection(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    read = {"prompted": demonstration_tokens + query_tokens, "tuned": query_tokens}
    cost = {name: sum([2 * parameters] * (tokens + answer_tokens)) for name, tokens in read.items()}
    low, high = 0, 6 * parameters * training_tokens + 1
    while high - low > 1:
        n = (low + high) // 2
        cheaper = 6 * parameters * training_tokens + n * cost["tuned"] < n * cost["prompted"]
        low, high = (low, n) if cheaper else (n, high)
    return [cost["prompted"], cost["tuned"], high]


@second_source("torch 2.13: FlopCounterMode on a layer without data")
def counted_by_torch(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    from torch.utils.flop_counter import FlopCounterMode

    # The gradient by its input is what a layer passes down to the layers before it.
    layer = torch.nn.Linear(parameters, 1, bias=False, device="meta")

    def flops(tokens, backward=False):
        x = torch.empty(tokens, parameters, device="meta", requires_grad=backward)
        with FlopCounterMode(display=False) as counter:
            y = layer(x)
            if backward:
                y.sum().backward()
        return counter.get_total_flops()

    own = query_tokens + answer_tokens
    saved = flops(demonstration_tokens)
    return flops(demonstration_tokens + own), flops(own), flops(training_tokens, backward=True) // saved + 1


@wrong
def ForgetsTheAnswer(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """The tokens of the answer are missing: each token that is written passes through the model, too."""
    return break_even_requests(parameters, demonstration_tokens, query_tokens, 0, training_tokens)


@wrong
def ForgetsTheQuery(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """The fine-tuned model must read the query, too: only the demonstrations went into its weights."""
    prompted = 2 * parameters * (demonstration_tokens + query_tokens + answer_tokens)
    tuned = 2 * parameters * answer_tokens
    return prompted, tuned, _requests(prompted - tuned, 6 * parameters * training_tokens)


@wrong
def ServesTheTunedModelForFree(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """Training was compared with whole requests. The fine-tuned model's requests cost something, too."""
    prompted, tuned, _ = break_even_requests(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return prompted, tuned, _requests(prompted, 6 * parameters * training_tokens)


@wrong
def ForgetsTheBackwardPass(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """Training was charged as a forward pass: with the backward pass it costs three times as much."""
    prompted, tuned, _ = break_even_requests(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return prompted, tuned, _requests(prompted - tuned, 2 * parameters * training_tokens)


@wrong
def ChargesOnlyTheBackwardPass(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """Training was charged 4 FLOPs for each parameter and token: its forward pass costs 2 more."""
    prompted, tuned, _ = break_even_requests(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return prompted, tuned, _requests(prompted - tuned, 4 * parameters * training_tokens)


@wrong
def CountsMultiplicationsOnly(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """Requests cost twice as much: each parameter multiplies and adds, which is 2 FLOPs for each token."""
    prompted, tuned, requests = break_even_requests(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return prompted // 2, tuned // 2, requests


@wrong
def MixesOneAndSix(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """Requests were charged 1 FLOP for each parameter and token and training 6. A forward pass costs 2 everywhere."""
    prompted, tuned, _ = CountsMultiplicationsOnly(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return prompted, tuned, _requests(prompted - tuned, 6 * parameters * training_tokens)


@wrong
def RoundsDown(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """One request is missing: after a rounded-down number of requests the fine-tuned model is not cheaper yet."""
    prompted, tuned, requests = break_even_requests(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return prompted, tuned, requests - 1


@wrong
def CountsTheTie(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """After that number of requests both have cost the same: strictly cheaper is asked for."""
    prompted, tuned, _ = break_even_requests(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return prompted, tuned, -(-6 * parameters * training_tokens // (prompted - tuned))


@wrong
def ReadsThePromptForEveryToken(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """The prompt was charged again for every token of the answer: with cached keys and values it is read once."""
    written = answer_tokens * (answer_tokens + 1) // 2
    prompted = 2 * parameters * (answer_tokens * (demonstration_tokens + query_tokens) + written)
    tuned = 2 * parameters * (answer_tokens * query_tokens + written)
    return prompted, tuned, _requests(prompted - tuned, 6 * parameters * training_tokens)


@wrong
def SwapsTheModels(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """The first two numbers changed places: the prompted model comes first."""
    prompted, tuned, requests = break_even_requests(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return tuned, prompted, requests


@wrong
def DividesToAFloat(parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens):
    """A number of requests is an integer, and FLOPs are too many for a float: divide with // and not with /."""
    prompted, tuned, _ = break_even_requests(
        parameters, demonstration_tokens, query_tokens, answer_tokens, training_tokens
    )
    return prompted, tuned, 6 * parameters * training_tokens / (prompted - tuned)
