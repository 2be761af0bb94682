"""Answer to distillation.kd_loss."""

import torch
from torch.nn.functional import cross_entropy, kl_div

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Write the two terms one after the other. Which of them are softened by T, and on which side of the divergence "
    "does the teacher stand?",
    "Take log_softmax of both logits over T. The divergence of a row is the sum of p_t * (log p_t - log p_s).",
    "F.kl_div(log p_s, p_t, reduction='batchmean') is KL(p_t || p_s): its first argument is the student's logarithm. "
    "Times alpha * T**2, plus (1 - alpha) * F.cross_entropy(zs, y).",
)


def kd_loss(zs, zt, y, T, alpha):
    soft = kl_div((zs / T).log_softmax(-1), (zt / T).softmax(-1), reduction="batchmean")
    return alpha * T**2 * soft + (1 - alpha) * cross_entropy(zs, y)


def cases(rng):
    def draw(group, N, C, T, alpha, spread=2.0):
        zs, zt = (spread * torch.randn(N, C, generator=rng) for _ in range(2))
        return case(group, zs=zs, zt=zt, y=torch.randint(0, C, (N,), generator=rng), T=T, alpha=alpha)

    yield draw("T above 1", 5, 3, 3.0, 0.8)
    yield draw("T above 1", 2, 6, 1.5, 0.3)
    yield draw("T below 1", 4, 7, 0.5, 0.6)
    yield draw("T = 1", 3, 4, 1.0, 0.7)
    yield draw("the teacher alone", 6, 5, 2.0, 1.0)
    yield draw("the labels alone", 4, 3, 4.0, 0.0)
    yield draw("logits far apart", 3, 5, 2.0, 0.75, spread=150.0)


@right
def row_by_row(zs, zt, y, T, alpha):
    total = 0.0
    for s, t, label in zip(zs.double(), zt.double(), y, strict=True):
        log_s, log_t = (s / T).log_softmax(0), (t / T).log_softmax(0)
        total += alpha * T * T * sum(b.exp() * (b - a) for a, b in zip(log_s, log_t, strict=True))
        total += (1 - alpha) * (s.logsumexp(0) - s[label])
    return (total / len(zs)).float()


@right
def targets_in_the_logarithm(zs, zt, y, T, alpha):
    log_s, log_t = ((z / T).log_softmax(-1) for z in (zs, zt))
    soft = kl_div(log_s, log_t, reduction="sum", log_target=True) / len(zs)
    hard = -zs.log_softmax(-1).gather(1, y[:, None]).mean()
    return hard + alpha * (T**2 * soft - hard)


@right
def cross_entropy_less_entropy(zs, zt, y, T, alpha):
    p = (zt.double() / T).softmax(-1)
    soft = cross_entropy(zs.double() / T, p) + torch.special.entr(p).sum(-1).neg().mean()
    return (alpha * T**2 * soft + (1 - alpha) * cross_entropy(zs.double(), y)).float()


@second_source("torch.distributions: kl_divergence of two Categorical, and log_prob")
def torch_distributions(zs, zt, y, T, alpha):
    from torch.distributions import Categorical, kl_divergence

    student, teacher = Categorical(logits=zs.double() / T), Categorical(logits=zt.double() / T)
    hard = -Categorical(logits=zs.double()).log_prob(y).mean()
    return (alpha * T**2 * kl_divergence(teacher, student).mean() + (1 - alpha) * hard).float()


def _divergence(p, q):
    """KL(p || q) of each row, from logits."""
    log_p, log_q = p.log_softmax(-1), q.log_softmax(-1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def _mixed(zs, y, T, alpha, soft):
    return alpha * T**2 * soft + (1 - alpha) * cross_entropy(zs, y)


@wrong
def ForgetsTSquared(zs, zt, y, T, alpha):
    """The soft term lacks the factor T**2. Without it a higher temperature also turns the teacher down."""
    return alpha * _divergence(zt / T, zs / T).mean() + (1 - alpha) * cross_entropy(zs, y)


@wrong
def MultipliesByT(zs, zt, y, T, alpha):
    """The soft term has the factor T: it is T squared."""
    return alpha * T * _divergence(zt / T, zs / T).mean() + (1 - alpha) * cross_entropy(zs, y)


@wrong
def ScalesBothTerms(zs, zt, y, T, alpha):
    """Both terms got the factor T**2. It makes up for the softening, and the hard term is not softened."""
    return T**2 * (alpha * _divergence(zt / T, zs / T).mean() + (1 - alpha) * cross_entropy(zs, y))


@wrong
def SwapsTheDivergence(zs, zt, y, T, alpha):
    """That is KL(p_s || p_t): the teacher's probabilities weigh the differences. F.kl_div(a, b) is KL(b || a)."""
    return _mixed(zs, y, T, alpha, _divergence(zs / T, zt / T).mean())


@wrong
def SoftensTheHardTerm(zs, zt, y, T, alpha):
    """The cross-entropy with the labels was softened, too: there the student stands at temperature 1."""
    return alpha * T**2 * _divergence(zt / T, zs / T).mean() + (1 - alpha) * cross_entropy(zs / T, y)


@wrong
def SoftensOnlyTheTeacher(zs, zt, y, T, alpha):
    """The student stands at temperature 1 in the soft term. Both are softened, else it copies the softness."""
    return _mixed(zs, y, T, alpha, _divergence(zt / T, zs).mean())


@wrong
def SoftensOnlyTheStudent(zs, zt, y, T, alpha):
    """The teacher stands at temperature 1 in the soft term: soften both."""
    return _mixed(zs, y, T, alpha, _divergence(zt, zs / T).mean())


@wrong
def SwapsAlpha(zs, zt, y, T, alpha):
    """The weights are swapped: alpha belongs to the soft term, 1 - alpha to the labels."""
    return _mixed(zs, y, T, 1 - alpha, _divergence(zt / T, zs / T).mean())


@wrong
def AveragesOverClasses(zs, zt, y, T, alpha):
    """The divergence was averaged over the classes, too. A row's divergence is a sum: use 'batchmean', not 'mean'."""
    return _mixed(zs, y, T, alpha, _divergence(zt / T, zs / T).mean() / zs.shape[1])


@wrong
def SumsOverTheBatch(zs, zt, y, T, alpha):
    """The soft term is a sum over the batch: both terms are means, else their ratio depends on the batch size."""
    return _mixed(zs, y, T, alpha, _divergence(zt / T, zs / T).sum())


@wrong
def LeavesTheEntropyIn(zs, zt, y, T, alpha):
    """The soft term is a cross-entropy, which is not 0 for equal distributions: subtract the teacher's entropy."""
    return _mixed(zs, y, T, alpha, cross_entropy(zs / T, (zt / T).softmax(-1)))


@wrong
def GivesProbabilitiesToKlDiv(zs, zt, y, T, alpha):
    """F.kl_div got the student's probabilities: its first argument is their logarithm."""
    soft = kl_div((zs / T).softmax(-1), (zt / T).softmax(-1), reduction="batchmean")
    return _mixed(zs, y, T, alpha, soft)


@wrong
def TakesTheLogOfSoftmax(zs, zt, y, T, alpha):
    """A softmax rounded a tiny probability to 0, and its logarithm is -inf: compute log_softmax in one step."""
    p, q = (zt / T).softmax(-1), (zs / T).softmax(-1)
    return _mixed(zs, y, T, alpha, (p * (p.log() - q.log())).sum(-1).mean())


@wrong
def CutsTheGraph(zs, zt, y, T, alpha):
    """The loss is right, but no gradient comes back to zs: .item(), .numpy(), .detach(), no_grad() and torch.tensor()
    cut it off."""
    return kd_loss(zs, zt, y, T, alpha).detach()


@wrong
def CutsTheSoftTerm(zs, zt, y, T, alpha):
    """The loss is right, but the soft term sends no gradient to zs: only the teacher is a constant."""
    return _mixed(zs, y, T, alpha, _divergence(zt / T, zs.detach() / T).mean())
