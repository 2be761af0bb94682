"""Answer to pruning.held_step."""

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write the step without a mask first: two lines, the buffer before the weight.",
    "What would move a pruned weight in the next step, if only this step's weight were masked?",
    "Multiply the new buffer by the mask, take the step with it, and multiply the new weight by the mask, too: where "
    "the mask is new, a pruned weight still has its old value.",
)


def held_step(w, g, buf, mask, lr, mu):
    # Not a product with the mask: that would leave zeros of both signs.
    buf = torch.where(mask, mu * buf + g, 0.0)
    return torch.where(mask, w - lr * buf, 0.0), buf


def cases(rng):
    def draw(group, shape, lr, mu, held=False):
        w, g, buf = (torch.randn(shape, generator=rng) for _ in range(3))
        mask = (torch.randperm(w.numel(), generator=rng) % 3 > 0).reshape(shape)
        if held:
            w, buf = w * mask, buf * mask
        return case(group, w=w, g=g, buf=buf, mask=mask, lr=lr, mu=mu)

    yield draw("the mask is new", (5, 7), 0.2, 0.9)
    yield draw("the mask is new", (4, 3, 2), 1.5, 0.6)
    yield draw("the mask was held before", (6, 4), 0.3, 0.8, held=True)
    yield draw("a bias", (9,), 0.7, 0.5)
    nothing = draw("everything is pruned, or nothing", (3, 5), 0.4, 0.7)
    yield case(nothing.group, **{**nothing.inputs, "mask": torch.zeros(3, 5, dtype=torch.bool)})
    yield case(nothing.group, **{**nothing.inputs, "mask": torch.ones(3, 5, dtype=torch.bool)})


@right
def masked_at_the_end(w, g, buf, mask, lr, mu):
    buf = mu * buf + g
    w = w - lr * buf
    return w.masked_fill(~mask, 0.0), buf.masked_fill(~mask, 0.0)


@right
def kept_weights_only_in_float64(w, g, buf, mask, lr, mu):
    new_w, new_buf = torch.zeros_like(w), torch.zeros_like(buf)
    kept = mu * buf[mask].double() + g[mask]
    new_buf[mask] = kept.float()
    new_w[mask] = (w[mask] - lr * kept).float()
    return new_w, new_buf


@second_source("torch 2.13: optim.SGD")
def torch_sgd(w, g, buf, mask, lr, mu):
    parameter = torch.nn.Parameter(w.clone())
    optimiser = torch.optim.SGD([parameter], lr=lr, momentum=mu)
    optimiser.state[parameter]["momentum_buffer"] = buf.clone()
    parameter.grad = g.clone()
    optimiser.step()
    return parameter.detach() * mask, optimiser.state[parameter]["momentum_buffer"] * mask


@wrong
def ForgetsTheMask(w, g, buf, mask, lr, mu):
    """That is the step without the mask: pruned weights and their momentum must be 0 after it."""
    buf = mu * buf + g
    return w - lr * buf, buf


@wrong
def MasksTheGradientOnly(w, g, buf, mask, lr, mu):
    """Only the gradient was masked. The momentum from before the pruning still moves pruned weights."""
    buf = mu * buf + g * mask
    return w - lr * buf, buf


@wrong
def KeepsTheBuffer(w, g, buf, mask, lr, mu):
    """The buffer was not masked: its pruned entries go on growing, and a weight whose mask is off later jumps."""
    buf = mu * buf + g
    return (w - lr * buf) * mask, buf


@wrong
def MasksBeforeTheStep(w, g, buf, mask, lr, mu):
    """The weights were masked before the step, which moved them away from 0 again. Mask after it."""
    buf = mu * buf + g
    return w * mask - lr * buf, buf


@wrong
def LeavesOldValues(w, g, buf, mask, lr, mu):
    """Pruned weights stand still, but at their old values. Where the mask is new they must become 0."""
    buf = (mu * buf + g) * mask
    return w - lr * buf, buf


@wrong
def InvertsTheMask(w, g, buf, mask, lr, mu):
    """The wrong weights were held at 0: True in the mask marks a weight that is kept."""
    return held_step(w, g, buf, ~mask, lr, mu)


@wrong
def StepsWithTheGradient(w, g, buf, mask, lr, mu):
    """The weight moved by the gradient alone: with momentum it moves by the buffer."""
    return (w - lr * g) * mask, (mu * buf + g) * mask


@wrong
def StepsWithTheOldBuffer(w, g, buf, mask, lr, mu):
    """The weight moved by the old buffer. Update the buffer first, then step with the new one."""
    return (w - lr * buf) * mask, (mu * buf + g) * mask


@wrong
def DampensTheGradient(w, g, buf, mask, lr, mu):
    """The gradient entered with the factor 1 - mu. SGD's buffer is mu * buf + g: no running average."""
    buf = (mu * buf + (1 - mu) * g) * mask
    return (w - lr * buf) * mask, buf


@wrong
def LooksAhead(w, g, buf, mask, lr, mu):
    """That is Nesterov's step, which adds the gradient once more. Plain momentum moves by -lr * buf."""
    buf = (mu * buf + g) * mask
    return (w - lr * (g + mu * buf)) * mask, buf


@wrong
def Ascends(w, g, buf, mask, lr, mu):
    """The weights climb: they move by minus lr times the buffer."""
    buf = (mu * buf + g) * mask
    return (w + lr * buf) * mask, buf


@wrong
def FoldsTheRateIn(w, g, buf, mask, lr, mu):
    """The rate entered the buffer. That of torch.optim.SGD is mu * buf + g; lr multiplies it when w moves."""
    buf = (mu * buf + lr * g) * mask
    return (w - buf) * mask, buf
