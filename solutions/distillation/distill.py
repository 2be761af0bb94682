"""Answer to distillation.distill."""

import torch
from torch.nn.functional import cross_entropy, kl_div, linear, one_hot

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "You have the loss, and its gradient by the student's logits is known. Let autograd do the rest, or multiply by "
    "the derivative of the logits by W and by b.",
    "With autograd: copy W and b, let the copies require a gradient, and in each step compute the loss anew. Change "
    "them inside torch.no_grad(), both after both gradients are there. Detach what you return.",
    "By hand: g = (alpha * T * (softmax(zs / T) - softmax(zt / T)) + (1 - alpha) * (softmax(zs) - one_hot(y))) / n; "
    "then W -= lr * g.T @ x and b -= lr * g.sum(0), on copies.",
)


def distill(x, zt, y, W, b, T, alpha, lr, steps):
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    for _ in range(steps):
        zs = linear(x, W, b)
        soft = kl_div((zs / T).log_softmax(-1), (zt / T).softmax(-1), reduction="batchmean")
        loss = alpha * T**2 * soft + (1 - alpha) * cross_entropy(zs, y)
        dW, db = torch.autograd.grad(loss, (W, b))
        with torch.no_grad():
            W -= lr * dW
            b -= lr * db
    return W.detach(), b.detach()


def cases(rng):
    def draw(group, n, d, C, T, alpha, lr, steps):
        # The teacher has one sharp row and one flat one; the labels do not always agree with it.
        zt = torch.randn(n, C, generator=rng) * torch.linspace(0.5, 4, n)[:, None]
        x, W, b = (torch.randn(shape, generator=rng) for shape in [(n, d), (C, d), (C,)])
        y = torch.randint(0, C, (n,), generator=rng)
        return case(group, x=x, zt=zt, y=y, W=W, b=b, T=T, alpha=alpha, lr=lr, steps=steps)

    yield draw("one step", 5, 4, 3, 2.5, 0.8, 0.3, 1)
    yield draw("several steps", 7, 3, 4, 2.0, 0.6, 0.2, 8)
    yield draw("several steps", 4, 6, 5, 4.0, 0.3, 0.1, 12)
    yield draw("T = 1", 6, 2, 3, 1.0, 0.7, 0.2, 5)
    yield draw("the teacher alone", 5, 3, 6, 3.0, 1.0, 0.2, 6)
    yield draw("the labels alone", 6, 5, 4, 2.0, 0.0, 0.2, 7)


@right
def gradients_by_hand(x, zt, y, W, b, T, alpha, lr, steps):
    return _descend(x, W, b, lr, steps, _slope(zt, y, T, alpha))


@right
def optimiser_in_float64(x, zt, y, W, b, T, alpha, lr, steps):
    student = torch.nn.Linear(*reversed(W.shape), dtype=torch.float64)
    student.load_state_dict({"weight": W, "bias": b})
    optimiser = torch.optim.SGD(student.parameters(), lr=lr)
    # A cross-entropy with soft targets differs from the divergence by a constant.
    target = (zt.double() / T).softmax(-1)
    for _ in range(steps):
        optimiser.zero_grad()
        zs = student(x.double())
        (alpha * T**2 * cross_entropy(zs / T, target) + (1 - alpha) * cross_entropy(zs, y)).backward()
        optimiser.step()
    return student.weight.detach().float(), student.bias.detach().float()


@right
def bias_as_a_column(x, zt, y, W, b, T, alpha, lr, steps):
    wide, both = torch.cat([x, torch.ones(len(x), 1)], 1), torch.cat([W, b[:, None]], 1)
    for _ in range(steps):
        gradient = torch.func.grad(lambda weights: _loss(wide @ weights.T, zt, y, T, alpha))(both)
        both = both - lr * gradient
    return both[:, :-1], both[:, -1]


@second_source("torch.optim.SGD with torch.distributions: kl_divergence of two Categorical")
def torch_distributions(x, zt, y, W, b, T, alpha, lr, steps):
    from torch.distributions import Categorical, kl_divergence

    W, b = torch.nn.Parameter(W.clone()), torch.nn.Parameter(b.clone())
    optimiser = torch.optim.SGD([W, b], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        zs = x @ W.T + b
        soft = kl_divergence(Categorical(logits=zt / T), Categorical(logits=zs / T))
        (alpha * T**2 * soft - (1 - alpha) * Categorical(logits=zs).log_prob(y)).mean().backward()
        optimiser.step()
    return W.detach(), b.detach()


def _loss(zs, zt, y, T, alpha):
    log_s, log_t = (zs / T).log_softmax(-1), (zt / T).log_softmax(-1)
    return alpha * T**2 * (log_t.exp() * (log_t - log_s)).sum(-1).mean() + (1 - alpha) * cross_entropy(zs, y)


def _slope(zt, y, T, alpha):
    """The gradient of the distillation loss by the student's logits, as a function of these."""
    p, target = (zt / T).softmax(-1), one_hot(y, zt.shape[1])

    def slope(zs):
        soft, hard = (zs / T).softmax(-1) - p, zs.softmax(-1) - target
        return (alpha * T * soft + (1 - alpha) * hard) / len(zs)

    return slope


def _descend(x, W, b, lr, steps, slope, lr_b=None):
    """Descend along any gradient by the logits; b may have a rate of its own."""
    for _ in range(steps):
        g = slope(x @ W.T + b)
        W, b = W - lr * g.T @ x, b - (lr if lr_b is None else lr_b) * g.sum(0)
    return W, b


@wrong
def ForgetsTSquared(x, zt, y, W, b, T, alpha, lr, steps):
    """The soft term lacks the factor T**2. Without it a higher temperature also turns the teacher down."""

    def slope(zs):
        soft, hard = _slope(zt, y, T, 1.0)(zs), _slope(zt, y, T, 0.0)(zs)
        return alpha * soft / T**2 + (1 - alpha) * hard

    return _descend(x, W, b, lr, steps, slope)


@wrong
def ForgetsTheChainRule(x, zt, y, W, b, T, alpha, lr, steps):
    """The soft term's gradient is T times too large: one T of T**2 cancels, for the logits were divided by T."""

    def slope(zs):
        soft, hard = _slope(zt, y, T, 1.0)(zs), _slope(zt, y, T, 0.0)(zs)
        return alpha * soft * T + (1 - alpha) * hard

    return _descend(x, W, b, lr, steps, slope)


@wrong
def SwapsAlpha(x, zt, y, W, b, T, alpha, lr, steps):
    """The weights are swapped: alpha belongs to the soft term, 1 - alpha to the labels."""
    return _descend(x, W, b, lr, steps, _slope(zt, y, T, 1 - alpha))


@wrong
def SoftensTheHardTerm(x, zt, y, W, b, T, alpha, lr, steps):
    """The cross-entropy with the labels was softened, too: there the student stands at temperature 1."""

    def slope(zs):
        soft, hard = _slope(zt, y, T, 1.0)(zs), _slope(zt, y, T, 0.0)(zs / T)
        return alpha * soft + (1 - alpha) * hard / T

    return _descend(x, W, b, lr, steps, slope)


@wrong
def SoftensOnlyTheTeacher(x, zt, y, W, b, T, alpha, lr, steps):
    """The student stands at temperature 1 in the soft term: both are softened."""
    p = (zt / T).softmax(-1)

    def slope(zs):
        hard = _slope(zt, y, T, 0.0)(zs)
        return alpha * T**2 * (zs.softmax(-1) - p) / len(zs) + (1 - alpha) * hard

    return _descend(x, W, b, lr, steps, slope)


@wrong
def ReversesTheDivergence(x, zt, y, W, b, T, alpha, lr, steps):
    """That is KL(p_s || p_t): the teacher's probabilities weigh the differences. F.kl_div(a, b) is KL(b || a)."""
    log_t = (zt / T).log_softmax(-1)

    def slope(zs):
        log_s = (zs / T).log_softmax(-1)
        gap, hard = log_s - log_t, _slope(zt, y, T, 0.0)(zs)
        soft = log_s.exp() * (gap - (log_s.exp() * gap).sum(-1, keepdim=True))
        return alpha * T * soft / len(zs) + (1 - alpha) * hard

    return _descend(x, W, b, lr, steps, slope)


@wrong
def IgnoresTheTeacher(x, zt, y, W, b, T, alpha, lr, steps):
    """The student learned from the labels alone, so the soft term has no gradient: was the student detached there?"""

    def slope(zs):
        return (1 - alpha) * _slope(zt, y, T, 0.0)(zs)

    return _descend(x, W, b, lr, steps, slope)


@wrong
def IgnoresTheLabels(x, zt, y, W, b, T, alpha, lr, steps):
    """The student learned from the teacher alone: the labels have the weight 1 - alpha."""

    def slope(zs):
        return alpha * _slope(zt, y, T, 1.0)(zs)

    return _descend(x, W, b, lr, steps, slope)


@wrong
def SumsTheLoss(x, zt, y, W, b, T, alpha, lr, steps):
    """The losses of the rows were summed: the loss is their mean. The steps were n times too large."""
    return _descend(x, W, b, lr * len(x), steps, _slope(zt, y, T, alpha))


@wrong
def AveragesOverClasses(x, zt, y, W, b, T, alpha, lr, steps):
    """The divergence was averaged over the classes, too, which makes the teacher C times weaker: use 'batchmean'."""

    def slope(zs):
        soft, hard = _slope(zt, y, T, 1.0)(zs), _slope(zt, y, T, 0.0)(zs)
        return alpha * soft / zs.shape[1] + (1 - alpha) * hard

    return _descend(x, W, b, lr, steps, slope)


@wrong
def FreezesTheBias(x, zt, y, W, b, T, alpha, lr, steps):
    """The bias did not move: it is trained like W."""
    return _descend(x, W, b, lr, steps, _slope(zt, y, T, alpha), lr_b=0.0)


@wrong
def MovesOneAfterTheOther(x, zt, y, W, b, T, alpha, lr, steps):
    """W moved before b's gradient was taken: take both gradients first, then both steps."""
    slope = _slope(zt, y, T, alpha)
    for _ in range(steps):
        W = W - lr * slope(x @ W.T + b).T @ x
        b = b - lr * slope(x @ W.T + b).sum(0)
    return W, b


@wrong
def PilesUpGradients(x, zt, y, W, b, T, alpha, lr, steps):
    """The gradients of earlier steps were added to the new ones: backward() adds up until you call zero_grad()."""
    slope, sum_W, sum_b = _slope(zt, y, T, alpha), torch.zeros_like(W), torch.zeros_like(b)
    for _ in range(steps):
        g = slope(x @ W.T + b)
        sum_W, sum_b = sum_W + g.T @ x, sum_b + g.sum(0)
        W, b = W - lr * sum_W, b - lr * sum_b
    return W, b


@wrong
def StartsElsewhere(x, zt, y, W, b, T, alpha, lr, steps):
    """Training did not start from the W and b that were given, but at zero or, as a new nn.Linear does, at random."""
    return _descend(x, torch.zeros_like(W), torch.zeros_like(b), lr, steps, _slope(zt, y, T, alpha))


@wrong
def Ascends(x, zt, y, W, b, T, alpha, lr, steps):
    """The student climbs: W and b move by minus lr times their gradients. Check the sign of the error, too."""
    return _descend(x, W, b, -lr, steps, _slope(zt, y, T, alpha))


@wrong
def TakesOneStepTooMany(x, zt, y, W, b, T, alpha, lr, steps):
    """There was one step too many: count them again."""
    return _descend(x, W, b, lr, steps + 1, _slope(zt, y, T, alpha))


@wrong
def TakesOneStepTooFew(x, zt, y, W, b, T, alpha, lr, steps):
    """There was one step too few: count them again."""
    return _descend(x, W, b, lr, steps - 1, _slope(zt, y, T, alpha))


@wrong
def DropsT(x, zt, y, W, b, T, alpha, lr, steps):
    """The soft term's gradient is T times too small: of the T**2 in the loss, one T is left after the chain rule."""

    def slope(zs):
        soft, hard = _slope(zt, y, T, 1.0)(zs), _slope(zt, y, T, 0.0)(zs)
        return alpha * soft / T + (1 - alpha) * hard

    return _descend(x, W, b, lr, steps, slope)


@wrong
def SumsTheSoftTerm(x, zt, y, W, b, T, alpha, lr, steps):
    """The soft term is a sum over the rows: both terms are means, so its gradient is divided by n, too."""

    def slope(zs):
        soft, hard = _slope(zt, y, T, 1.0)(zs), _slope(zt, y, T, 0.0)(zs)
        return alpha * soft * len(zs) + (1 - alpha) * hard

    return _descend(x, W, b, lr, steps, slope)


@wrong
def SumsOnlyForTheWeights(x, zt, y, W, b, T, alpha, lr, steps):
    """The gradient of W is n times too large: g.T @ x is a sum over the rows, where b has their mean."""
    return _descend(x, W, b, lr * len(x), steps, _slope(zt, y, T, alpha), lr_b=lr)


@wrong
def AveragesTheBiasTwice(x, zt, y, W, b, T, alpha, lr, steps):
    """The gradient of b is n times too small: where the rows' gradients were divided by n before, b takes their sum."""
    return _descend(x, W, b, lr, steps, _slope(zt, y, T, alpha), lr_b=lr / len(x))


@wrong
def UsesAdam(x, zt, y, W, b, T, alpha, lr, steps):
    """Every number moved by about lr in the first step: that is Adam. Plain gradient descent moves by -lr times the
    gradient."""
    W, b = W.clone().requires_grad_(), b.clone().requires_grad_()
    optimiser = torch.optim.Adam([W, b], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        _loss(x @ W.T + b, zt, y, T, alpha).backward()
        optimiser.step()
    return W.detach(), b.detach()


@wrong
def ReturnsAGraph(x, zt, y, W, b, T, alpha, lr, steps):
    """The values are right, but they still require a gradient: return plain tensors, as detach() gives them."""
    W, b = distill(x, zt, y, W, b, T, alpha, lr, steps)
    return W.requires_grad_(), b.requires_grad_()


@wrong
def MarksTheStart(x, zt, y, W, b, T, alpha, lr, steps):
    """The values are right, but requires_grad_() changed the caller's W and b: work on W.clone() and b.clone()."""
    found = distill(x, zt, y, W, b, T, alpha, lr, steps)
    W.requires_grad_()
    b.requires_grad_()
    return found


@wrong
def MarksTheStartAndReturnsAGraph(x, zt, y, W, b, T, alpha, lr, steps):
    """The values are right, but requires_grad_() changed the caller's W and b, and those returned require a gradient,
    too: work on copies and detach() what you return."""
    return _descend(x, W.requires_grad_(), b.requires_grad_(), lr, steps, _slope(zt, y, T, alpha))
