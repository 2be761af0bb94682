"""Answer to distillation.kd_grad."""

import torch
from torch.nn.functional import kl_div, one_hot

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "You know the gradient of a cross-entropy by the logits: student minus target. What does the division of the "
    "logits by T add to it by the chain rule?",
    "The chain rule brings a factor 1 / T, and the loss has T**2. The mean over the batch divides by N.",
    "T * (softmax(zs / T) - softmax(zt / T)) / N. The teacher's entropy has no student in it and drops out.",
)


def kd_grad(zs, zt, T):
    return T * ((zs / T).softmax(-1) - (zt / T).softmax(-1)) / len(zs)


def cases(rng):
    def draw(group, N, C, T):
        zs, zt = (2 * torch.randn(N, C, generator=rng) + 3 * torch.randn(N, 1, generator=rng) for _ in range(2))
        return case(group, zs=zs, zt=zt, T=T)

    yield draw("T above 1", 4, 3, 3.0)
    yield draw("T above 1", 3, 6, 1.5)
    yield draw("T below 1", 2, 5, 0.5)
    yield draw("T = 1", 5, 4, 1.0)
    yield draw("a high temperature", 2, 7, 32.0)
    zt = 2 * torch.randn(3, 5, generator=rng)
    yield case("the student has arrived", zs=zt + torch.tensor([[1.0], [-2.0], [0.5]]), zt=zt, T=2.0)


@right
def by_autograd_in_float64(zs, zt, T):
    z = zs.double().requires_grad_()
    log_s, log_t = ((logits / T).log_softmax(-1) for logits in (z, zt.double()))
    loss = T**2 * (log_t.exp() * (log_t - log_s)).sum(-1).mean()
    return torch.autograd.grad(loss, z)[0].float()


@right
def through_the_jacobian_of_log_softmax(zs, zt, T):
    p, q = (zt / T).softmax(-1), (zs / T).softmax(-1)
    N, C = zs.shape
    # d log q_i / d z_j = (1[i = j] - q_j) / T
    jacobian = (torch.eye(C) - q[:, None, :]) / T
    return -(T**2) / N * torch.einsum("ni,nij->nj", p, jacobian)


@right
def row_by_row(zs, zt, T):
    rows = [torch.softmax(s / T, 0).sub(torch.softmax(t / T, 0)) for s, t in zip(zs, zt, strict=True)]
    return torch.stack(rows).mul(T).div(len(rows))


@second_source("torch: kl_div and backward")
def torch_kl_div(zs, zt, T):
    z = zs.clone().requires_grad_()
    (T**2 * kl_div((z / T).log_softmax(-1), (zt / T).softmax(-1), reduction="batchmean")).backward()
    return z.grad


def _difference(zs, zt, T):
    return (zs / T).softmax(-1) - (zt / T).softmax(-1)


@wrong
def ForgetsTheChainRule(zs, zt, T):
    """The factor is T**2, but one T cancels: the student's logits were divided by T, and so is the gradient."""
    return T**2 * _difference(zs, zt, T) / len(zs)


@wrong
def ForgetsTSquared(zs, zt, T):
    """The gradient shrinks with T: that is the derivative of the divergence alone. The soft term has a factor T**2."""
    return _difference(zs, zt, T) / T / len(zs)


@wrong
def DropsT(zs, zt, T):
    """A factor is missing. T**2 from the loss and 1 / T from the chain rule do not cancel completely."""
    return _difference(zs, zt, T) / len(zs)


@wrong
def HasTheWrongSign(zs, zt, T):
    """The sign is wrong: where the student gives a class too much, its logit must fall against the gradient."""
    return -kd_grad(zs, zt, T)


@wrong
def SumsOverTheBatch(zs, zt, T):
    """The loss is a mean over the batch: divide by N."""
    return T * _difference(zs, zt, T)


@wrong
def AveragesOverClasses(zs, zt, T):
    """The gradient was divided by the number of entries. The mean is over rows; a row's divergence is a sum."""
    return T * _difference(zs, zt, T) / zs.numel()


@wrong
def SoftensOnlyTheTeacher(zs, zt, T):
    """The student stands at temperature 1: both are softened."""
    return T * (zs.softmax(-1) - (zt / T).softmax(-1)) / len(zs)


@wrong
def SoftensOnlyTheStudent(zs, zt, T):
    """The teacher stands at temperature 1: both are softened."""
    return T * ((zs / T).softmax(-1) - zt.softmax(-1)) / len(zs)


@wrong
def HardensTheTeacher(zs, zt, T):
    """The teacher was replaced by its best class. The whole soft distribution is the target."""
    target = one_hot(zt.argmax(-1), zt.shape[-1]).float()
    return T * ((zs / T).softmax(-1) - target) / len(zs)


@wrong
def SubtractsLogits(zs, zt, T):
    """Those are differences of logits over C. They are the limit for a large T and centred logits, not the gradient."""
    return (zs - zt) / zs.shape[1] / len(zs)


@wrong
def DifferentiatesByTheTeacher(zs, zt, T):
    """That is the gradient by the teacher's logits. The teacher is a constant: differentiate by the student's."""
    log_t, log_s = (zt / T).log_softmax(-1), (zs / T).log_softmax(-1)
    p, gap = log_t.exp(), log_t - log_s
    return T * p * (gap - (p * gap).sum(-1, keepdim=True)) / len(zs)


@wrong
def ReversesTheDivergence(zs, zt, T):
    """That is the gradient of KL(p_s || p_t). The teacher stands first: its probabilities weigh the differences."""
    return DifferentiatesByTheTeacher(zt, zs, T)


@wrong
def ReturnsAGraph(zs, zt, T):
    """The values are right, but they still require a gradient: return a plain tensor, as detach() gives it."""
    return kd_grad(zs.clone().requires_grad_(), zt, T)


@wrong
def MarksTheLogits(zs, zt, T):
    """The values are right, but requires_grad_() changed the caller's zs: work on zs.clone() or zs.detach()."""
    return kd_grad(zs.requires_grad_(), zt, T).detach()


@wrong
def MarksTheLogitsAndReturnsAGraph(zs, zt, T):
    """The values are right, but requires_grad_() changed the caller's zs, and the result requires a gradient, too: work
    on a copy and detach() what you return."""
    return kd_grad(zs.requires_grad_(), zt, T)
