"""Answer to bench.trainable."""

import torch

from autograder.exercise import case, right, wrong

HINTS = (
    "What does a parameter know about whether it is trained?",
    "model.parameters() names a shared weight once; numel() says how many numbers it holds.",
    "sum(p.numel() for p in model.parameters() if p.requires_grad), and the same without the if.",
)


def trainable(model):
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trained in sizes if trained), sum(n for n, _ in sizes)


def cases(rng):
    def draw(group, targets, bias):
        width, layers, rank = (
            int(torch.randint(low, high, (), generator=rng)) for low, high in ((4, 12), (1, 3), (1, 7))
        )
        return case(group, width=4 * width, layers=layers, rank=rank, targets=targets, bias=bias)

    yield draw("attention", ["c_attn"], "none")
    yield draw("every projection", ["c_attn", "c_proj", "c_fc"], "none")
    yield draw("biases are trained too", ["c_attn"], "all")


@right
def by_peft(model):
    return model.get_nb_trainable_parameters()


@right
def by_loop(model):
    trained = total = 0
    for parameter in model.parameters():
        total += parameter.nelement()
        if parameter.requires_grad:
            trained += parameter.nelement()
    return trained, total


@wrong
def CountsFrozenOnes(model):
    """Frozen parameters were counted as trained: ask each whether it requires a gradient."""
    total = sum(p.numel() for p in model.parameters())
    return total, total


@wrong
def CountsTensors(model):
    """Tensors were counted, not the numbers that they hold."""
    flags = [p.requires_grad for p in model.parameters()]
    return sum(flags), len(flags)


@wrong
def CountsSharedTwice(model):
    """The weight that embedding and head share was counted twice."""
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return trained, sum(tensor.numel() for tensor in model.state_dict().values())


@wrong
def CountsTheRest(model):
    """The second number is of all parameters, the trained ones too."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trained in sizes if trained), sum(n for n, trained in sizes if not trained)


@wrong
def LooksForLoraOnly(model):
    """Parameters were chosen by name: a bias can be trained too."""
    trained = sum(p.numel() for name, p in model.named_parameters() if "lora_" in name)
    return trained, sum(p.numel() for p in model.parameters())
