"""Answer to distillation.two_modes."""

import math

import torch

from autograder.exercise import case, right, second_source, wrong

HINTS = (
    "Make a table of log-probabilities first, one row for each student and one column for each point. What does the "
    "logarithm of a normalised exponential remind you of?",
    "log q = log_softmax of -(x - mean)**2 / (2 * std**2) over the grid. KL(p || q) is the sum over the grid of "
    "p * (log p - log q); the reverse exchanges the two.",
    "log m = torch.logaddexp(log_p, log_q) - log 2. Compute three vectors of K divergences; argmin().item() of each "
    "is an index.",
)


def two_modes(x, log_p, means, stds):
    log_q = _log_q(x, means, stds)
    divergences = _kl(log_p, log_q), _kl(log_q, log_p), _js(log_p, log_q)
    return tuple(values.argmin().item() for values in divergences)


def _log_q(x, means, stds):
    return (-((x - means[:, None]) ** 2) / (2 * stds[:, None] ** 2)).log_softmax(-1)


def _kl(log_a, log_b):
    return (log_a.exp() * (log_a - log_b)).sum(-1)


def _js(log_p, log_q):
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    return (_kl(log_p, log_m) + _kl(log_q, log_m)) / 2


def _clear(x, log_p, means, stds):
    """Whether the best student leads by a clear margin under each divergence."""
    log_q = _log_q(x, means, stds)
    for values in (_kl(log_p, log_q), _kl(log_q, log_p), _js(log_p, log_q)):
        first, second = values.sort().values[:2]
        if second - first < 1e-3 * (1 + first):
            return False
    return True


def _wrong_mixtures(x, log_p, means, stds):
    """What two wrong notions of Jensen-Shannon choose: the mean of the directions, and the mixture standing first."""
    log_q = _log_q(x, means, stds)
    log_m = torch.logaddexp(log_p, log_q) - math.log(2)
    averaged, reversed_ = _kl(log_p, log_q) + _kl(log_q, log_p), _kl(log_m, log_p) + _kl(log_m, log_q)
    return averaged.argmin().item(), reversed_.argmin().item()


def _wide_twice(**inputs):
    """Whether Jensen-Shannon sides with the forward one, and both wrong notions of it go other ways."""
    forward, reverse, mixed = two_modes(**inputs)
    return forward == mixed != reverse and len({mixed, *_wrong_mixtures(**inputs)}) == 3


def _three(**inputs):
    """Whether the divergences choose three different students, and both wrong notions of the third fail."""
    best = two_modes(**inputs)
    return len(set(best)) == 3 and best[2] not in _wrong_mixtures(**inputs)


def cases(rng):
    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=rng, dtype=torch.float64)

    def draw(group, share, distance, points, fits=_clear):
        """Two modes around a random centre; students on an irregular lattice, drawn again until the best are clear."""
        x = torch.linspace(-8, 8, points, dtype=torch.float64)
        while True:
            centre, width = uniform(-1, 1, 1), uniform(0.7, 1.2, 2, 1)
            mode = torch.stack([centre - distance / 2, centre + distance / 2])
            weight = torch.tensor([[share], [1 - share]], dtype=torch.float64)
            log_p = ((weight / width).log() - (x - mode) ** 2 / (2 * width**2)).logsumexp(0).log_softmax(0)
            means, stds = uniform(-6, 6, 60), uniform(0.4, 4, 60)
            stds[::6] = uniform(0.1, 0.2, 10)
            inputs = {"x": x, "log_p": log_p, "means": means, "stds": stds}
            if _clear(**inputs) and fits(**inputs):
                return case(group, **inputs)

    yield draw("modes far apart", 0.65, 7.0, 101)
    yield draw("modes far apart", 0.35, 6.5, 83)
    yield draw("modes of nearly equal weight", 0.52, 6.0, 121)
    yield draw("modes that overlap", 0.3, 3.2, 90)
    yield draw("modes that overlap", 0.6, 3.6, 77)
    yield draw("one small mode", 0.88, 6.0, 95)
    yield draw("the wide student twice", 0.6, 5.5, 91, _wide_twice)
    yield draw("three different students", 0.65, 5.5, 87, _three)


@right
def student_by_student(x, log_p, means, stds):
    best, least = [0, 0, 0], [math.inf] * 3
    p = log_p.exp()
    for k, (mean, std) in enumerate(zip(means.tolist(), stds.tolist(), strict=True)):
        energy = ((x - mean) / std) ** 2 / 2
        log_q = -energy - torch.logsumexp(-energy, 0)
        q = log_q.exp()
        m = (p + q) / 2
        mixed = torch.special.entr(m).sum() - torch.special.entr(p).sum() / 2 - torch.special.entr(q).sum() / 2
        values = [float((p * (log_p - log_q)).sum()), float((q * (log_q - log_p)).sum()), float(mixed)]
        for i in range(3):
            if values[i] < least[i]:
                best[i], least[i] = k, values[i]
    return best[0], best[1], best[2]


@right
def constants_left_out(x, log_p, means, stds):
    # The entropy of p is the same for all students, and 2 JS is a difference of entropies.
    log_q = _log_q(x.float(), means.float(), stds.float())
    p, q = log_p.exp().float(), log_q.exp()
    entropy = torch.special.entr(q).sum(1)
    forward = -(log_q @ p)
    reverse = -(q @ log_p.float()) - entropy
    mixed = 2 * torch.special.entr((p + q) / 2).sum(1) - entropy
    return int(forward.argmin()), int(reverse.argmin()), int(mixed.argmin())


@second_source("scipy 1.17: stats.norm, stats.entropy, spatial.distance.jensenshannon")
def scipy_divergences(x, log_p, means, stds):
    import numpy as np
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import entropy, norm

    p = log_p.exp().numpy()
    q = norm.pdf(x.numpy(), means[:, None].numpy(), stds[:, None].numpy())
    divergences = entropy(p, q, axis=1), entropy(q, p, axis=1), jensenshannon(p[None], q, axis=1)
    return tuple(int(np.argmin(values)) for values in divergences)


@wrong
def SwapsTheDirections(x, log_p, means, stds):
    """Forward and reverse are swapped: forward is KL(p || q), weighted by the teacher. F.kl_div(a, b) is KL(b || a)."""
    forward, reverse, jensen_shannon = two_modes(x, log_p, means, stds)
    return reverse, forward, jensen_shannon


@wrong
def AveragesTheDirections(x, log_p, means, stds):
    """The third is the mean of the two others. Jensen-Shannon compares both distributions with their mixture."""
    forward, reverse, _ = two_modes(x, log_p, means, stds)
    return forward, reverse, _wrong_mixtures(x, log_p, means, stds)[0]


@wrong
def ReversesTheMixture(x, log_p, means, stds):
    """The mixture stands first in the third divergence: it is KL(p || m) / 2 + KL(q || m) / 2."""
    forward, reverse, _ = two_modes(x, log_p, means, stds)
    return forward, reverse, _wrong_mixtures(x, log_p, means, stds)[1]


@wrong
def RepeatsTheReverse(x, log_p, means, stds):
    """The third is the second again. Jensen-Shannon is a divergence of its own, from both to their mixture."""
    forward, reverse, _ = two_modes(x, log_p, means, stds)
    return forward, reverse, reverse


@wrong
def TakesTheDensity(x, log_p, means, stds):
    """The students are densities, divided by std * sqrt(2 pi): the probabilities of the grid's points add up to 1, so
    divide by their sum."""
    log_q = -((x - means[:, None]) ** 2) / (2 * stds[:, None] ** 2) - (stds[:, None] * math.sqrt(2 * math.pi)).log()
    divergences = _kl(log_p, log_q), _kl(log_q, log_p), _js(log_p, log_q)
    return tuple(values.argmin().item() for values in divergences)


@wrong
def ForgetsToNormalise(x, log_p, means, stds):
    """The students were not normalised, so wide ones count as more probable everywhere: divide by Z."""
    log_q = -((x - means[:, None]) ** 2) / (2 * stds[:, None] ** 2)
    divergences = _kl(log_p, log_q), _kl(log_q, log_p), _js(log_p, log_q)
    return tuple(values.argmin().item() for values in divergences)


@wrong
def NormalisesOverTheStudents(x, log_p, means, stds):
    """The softmax ran over the students: each of them adds up to 1 over the grid."""
    log_q = (-((x - means[:, None]) ** 2) / (2 * stds[:, None] ** 2)).log_softmax(0)
    divergences = _kl(log_p, log_q), _kl(log_q, log_p), _js(log_p, log_q)
    return tuple(values.argmin().item() for values in divergences)


@wrong
def TakesStdForVariance(x, log_p, means, stds):
    """The square of the standard deviation is missing: the exponent is divided by 2 * std**2."""
    return two_modes(x, log_p, means, stds.sqrt())


@wrong
def ForgetsTheTwo(x, log_p, means, stds):
    """The factor 2 in the exponent is missing, so the students are too narrow: it is divided by 2 * std**2."""
    return two_modes(x, log_p, means, stds / math.sqrt(2))


@wrong
def TakesTheWorst(x, log_p, means, stds):
    """Those are the students with the greatest divergence: the least is the best."""
    log_q = _log_q(x, means, stds)
    divergences = _kl(log_p, log_q), _kl(log_q, log_p), _js(log_p, log_q)
    return tuple(values.argmax().item() for values in divergences)


@wrong
def ForgetsTheEntropyOfQ(x, log_p, means, stds):
    """The reverse one is a cross-entropy, which rewards the narrowest student at the highest peak. The student's
    entropy differs from student to student, so it must not be left out; the teacher's may."""
    log_q = _log_q(x, means, stds)
    forward, _, jensen_shannon = two_modes(x, log_p, means, stds)
    return forward, (-(log_q.exp() * log_p).sum(1)).argmin().item(), jensen_shannon


@wrong
def ForgetsTheWeights(x, log_p, means, stds):
    """The differences of the logarithms were summed without weights: each point counts with the probability that
    stands first in the divergence."""
    gaps = (log_p - _log_q(x, means, stds)).sum(1)
    return gaps.argmin().item(), (-gaps).argmin().item(), two_modes(x, log_p, means, stds)[2]


@wrong
def MatchesTheMoments(x, log_p, means, stds):
    """The students were compared by mean and standard deviation. That is what forward KL comes to, and only it."""
    p = log_p.exp()
    mean = (p * x).sum()
    std = (p * (x - mean) ** 2).sum().sqrt()
    nearest = ((means - mean) ** 2 + (stds - std) ** 2).argmin().item()
    return nearest, nearest, nearest


@wrong
def TakesTheLogOfZero(x, log_p, means, stds):
    """Narrow students are 0 far away, the logarithm there is -inf, and 0 times that is nan: compute log q without q."""
    log_q = _log_q(x, means, stds).exp().log()
    p, q = log_p.exp(), log_q.exp()
    log_m = ((p + q) / 2).log()
    forward, reverse = (p * (log_p - log_q)).sum(1), (q * (log_q - log_p)).sum(1)
    mixed = (p * (log_p - log_m)).sum(1) + (q * (log_q - log_m)).sum(1)
    return forward.argmin().item(), reverse.argmin().item(), mixed.argmin().item()
