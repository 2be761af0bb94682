"""The lab's phenomena as text: mean ± standard deviation over seeds, and gaps in standard deviations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from course.common import device as devices
from course.common import plotting
from course.common.plotting import spread
from course.distillation import balance, compositions, cost, language, layers, study
from course.distillation.study import HARD, TEMPERATURES, TRAIN, Digits
from course.model.tasks import HELD_OUT

SIZES = (20, 50, 100, 300)


def tables(answer: Callable[[str], Callable], seeds: int | None = None) -> Iterator[str]:
    """Run every phenomenon of the lab and yield it as a table.

    Parameters
    ----------
    answer : callable
        Gives the function of an exercise by its name, `answer("kd_loss")`.
    seeds : int, optional
        Students of digits for each setting; by default as many as the notebook takes. Language models keep theirs.
    """
    count = seeds or study.seeds()
    with devices.threads(1):
        yield f"{devices.machine(devices.best())}; ± is the standard deviation over {count} students of digits"
        digits = study.taught(answer("ensemble"))
        yield _teacher(digits, answer)
        yield _omitted(digits, answer, count)
        yield _few(digits, answer, count)
        yield _balance(digits, answer, count)
        yield _nothing(digits, answer, count)
        yield _modes(answer)
        yield from _language(answer)


def gap(one: Tensor, other: Tensor, digits: int = 1) -> str:
    """How much more the first runs have than the others, and in root mean squares of the two standard deviations."""
    difference, z = plotting.gap(one, other)
    return f"{difference:+.{digits}f} (z {z:+.1f})"


def _teacher(digits: Digits, answer: Callable) -> str:
    lines = [
        f"Teacher: one net {spread(digits.right(digits.members))}% right, "
        f"the ensemble {digits.right(digits.zt[None]).item():.1f}%"
    ]
    for T in (1.0, *TEMPERATURES[1:]):
        p = answer("soften")(digits.zt[:TRAIN], T)
        entropy, right = torch.special.entr(p).sum(-1).mean(), p.gather(1, digits.y[:TRAIN, None]).mean()
        lines.append(f"  T = {T:2g}: entropy {entropy:.3f} nats, on wrong classes {1 - right:.3f} (training digits)")
    return "\n".join(lines)


def _omitted(digits: Digits, answer: Callable, count: int) -> str:
    omit = (3, 8)
    found = study.omitted(digits, answer("kd_loss"), answer("bias_shift"), omit, count)
    lines = ["A digit never shown: percent of its test pictures right, as trained and with the bias shifted"]
    for (digit, how), own in found.items():
        name = how if how == HARD else f"soft, T = {how:g}"
        more = "" if how == HARD else f"   over hard, shifted {gap(own.shifted, found[digit, HARD].shifted)}"
        lines.append(f"  no {digit}, {name:12} {spread(own.raw):>12} {spread(own.shifted):>12}{more}")
    return "\n".join(lines)


def _few(digits: Digits, answer: Callable, count: int) -> str:
    found = study.few_labels(digits, answer("kd_loss"), answer("soften"), SIZES, count)
    lines = ["Few digits, the same for every way; the teacher saw all labels: percent right; paired gap over labels"]
    for (n, name), runs in found.items():
        more = "" if name == HARD else f"   {gap(runs, found[n, HARD])}, paired {spread(runs - found[n, HARD])}"
        lines.append(f"  n = {n:3}, {name:30} {spread(runs):>12}{more}")
    return "\n".join(lines)


def _balance(digits: Digits, answer: Callable, count: int) -> str:
    norms = balance.gradients(digits, answer("kd_grad"), count, (*TEMPERATURES, 32.0))
    square = balance.square(digits, answer("kd_loss"), count)
    lines = ["The square. Norm of the soft term's gradient at the start, with and without"]
    lines += [f"  T = {T:2g}: {spread(runs, 2):>12} {spread(runs / T**2, 4):>16}" for T, runs in norms.items()]
    lines += [f"70% of the labels drawn anew, alpha 0.5, percent right; labels alone {spread(square[HARD, 1.0])}"]
    for T in TEMPERATURES:
        one, other = square["with T²", T], square["without T²", T]
        lines.append(f"  T = {T:2g}: with {spread(one):>12}, without {spread(other):>12}   {gap(one, other)}")
    found = balance.weights(digits, answer("kd_loss"), count)
    lines += ["The weight of the soft term, T = 4, 30% of the labels drawn anew; gap over alpha 0"]
    lines += [f"  alpha {a:4.2f}: {spread(runs):>12}   {gap(runs, found[0.0])}" for a, runs in found.items()]
    return "\n".join(lines)


def _nothing(digits: Digits, answer: Callable, count: int) -> str:
    lines = ["Clean labels for all: percent right, log loss in nats, agreement with the teacher"]
    for sizes in (study.STUDENT, balance.SMALLER):
        found = balance.clean(digits, answer("kd_loss"), count, sizes)
        for name, own in found.items():
            told = name if name == HARD else f"soft, T = {name:g}"
            more = gap(own["right"], found[HARD]["right"])
            lines.append(
                f"  {'-'.join(map(str, sizes)):10} {told:12} {spread(own['right']):>12} "
                f"{spread(own['log loss'], 3):>16} {spread(own['agreement']):>12}   right {more}"
            )
    equal, found = balance.no_wiser(answer("ensemble"), answer("kd_loss"), count)
    lines.append(
        f"A hundred labels for everybody, the teacher {equal.right(equal.zt[None]).item():.1f}%; gap over labels"
    )
    lines += [f"  {name:45} {spread(runs):>12}   {gap(runs, found['the labels'])}" for name, runs in found.items()]
    return "\n".join(lines)


def _modes(answer: Callable) -> str:
    x = torch.linspace(-12, 12, 481, dtype=torch.float64)
    log_p = (0.6 * (-((x + 3) ** 2) / 2).exp() + 0.4 * (-((x - 3) ** 2) / 2).exp()).log().log_softmax(-1)
    grid = torch.cartesian_prod(torch.linspace(-4, 4, 81), torch.linspace(0.5, 4, 71)).double()
    means, stds = (part.contiguous() for part in grid.T)
    found = zip(("forward", "reverse", "Jensen-Shannon"), answer("two_modes")(x, log_p, means, stds), strict=True)
    return "\n".join(
        ["Modes at -3 (weight 0.6) and 3 (0.4): the best student with one mode, mean and standard deviation"]
        + [f"  {name:15} {means[k]:5.1f} {stds[k]:5.2f}" for name, k in found]
    )


def _language(answer: Callable) -> Iterator[str]:
    given = language.models()
    found = language.scratch(given, answer("token_kd"), answer("topk"), **language.scale())
    lines = [f"From nothing on 48 texts, {len(found['labels'])} seeds: nats a character on other texts"]
    yield "\n".join(
        lines + [f"  {name:26} {spread(runs, 3)}   {gap(runs, found['labels'], 3)}" for name, runs in found.items()]
    )
    names = ("pseudo_corpus", "sequence_labels", "token_kd")
    composed = compositions.compare(given, *map(answer, names), **compositions.scale())
    lines = [
        f"Two tasks named together: share right, over {', '.join(HELD_OUT)}; their mean and its gap over references"
    ]
    for name, runs in composed.items():
        own, mean = " ".join(f"{value:.2f}" for value in runs.mean(0)), runs.mean(1)
        gaps = (
            f"{spread(mean, 3)}   {gap(mean, composed['references'].mean(1), 3)}" if len(runs) > 1 else f"{mean[0]:.3f}"
        )
        lines.append(f"  {name:26} {own}   {gaps}")
    yield "\n".join(lines)
    lines = ["Hidden states: variance left of the last layer by the last layer, and 1 - cos, over splits of the texts"]
    for name, trained in (("small course model", True), ("random weights", False)):
        own = layers.fit(given, answer("hidden_loss"), answer("cosine"), trained)
        lines.append(f"  {name:20} {spread(own.loss[:, -1, -1], 3)}   {spread(own.cosine[:, -1, -1], 3)}")
    yield "\n".join(lines)
    yield cost.table(cost.digits(answer("ensemble"))) + "\n" + cost.table(cost.language(given))
