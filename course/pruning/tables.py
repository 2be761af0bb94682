"""The lab's phenomena as text tables: means ± standard deviations over seeds, gaps, and gaps in deviations (z)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from course.common import device as devices
from course.common.plotting import spread
from course.pruning import allocation, convnet, figures, language, schedules, scores, structure, study

CONVNETS = 5


def _titled(title: str, lines: Iterator[str] | list[str] | str) -> str:
    return "\n".join([title, lines if isinstance(lines, str) else "\n".join(lines)])


def tables(answer: Callable[[str], Callable], seeds: int | None = None) -> Iterator[str]:
    """Run the lab's experiments.

    Parameters
    ----------
    answer : callable
        answer(name) is the function of the exercise pruning.name.
    seeds : int, optional
        By default as many as in the notebook, and 5 convolutional networks.

    Yields
    ------
    str
        A table, with its title in the first line.
    """
    ways = study.methods(*map(answer, ("magnitude", "global_magnitude", "lamp")))
    nets, wide = study.dense(seeds=seeds), study.dense(256, seeds)
    yield from _which(answer, ways, nets, wide, seeds)
    yield from _when(answer, ways, nets, seeds)
    yield from _scores(answer, ways, nets, seeds)
    yield from _structure(answer, ways, wide)
    yield from _language(answer)


def _which(answer: Callable, ways: dict, nets: study.Nets, wide: study.Nets, seeds: int | None) -> Iterator[str]:
    three = {name: ways[name] for name in ("global", "layer-wise", "LAMP")}
    found = study.one_shot(nets, ways)
    yield _titled(f"Pruned at once, 64-128-128-10, dense {spread(nets.accuracy())}", figures.table(found.before))
    yield _titled("The same after 200 steps", figures.table(found.after, than="layer-wise"))
    found = study.one_shot(wide, three, (0.95, 0.97))
    title = f"After 200 steps, 64-256-256-10, dense {spread(wide.accuracy())}"
    yield _titled(title, figures.table(found.after, than="layer-wise"))
    for name in ("global", "LAMP"):
        left = study.collapse(wide, ways[name], answer("effective"), (0.9, 0.95, 0.97, 0.99, 0.995))
        rows = {
            (part, sparsity): values[:, i]
            for sparsity, values in left.items()
            for i, part in enumerate(("layer 1", "layer 2", "layer 3", "all, on whole paths"))
        }
        yield _titled(f"Percent kept by the {name} ranking, 64-256-256-10", figures.table(rows, digits=3))
    convnets = [convnet.dense(seed) for seed in range(seeds or CONVNETS)]
    found = convnet.compare(convnets, ways, (0.8, 0.9))
    yield _titled("Convolutional network, after 150 steps", figures.table(found, than="layer-wise"))
    losses, accuracies = allocation.scan(wide, answer("sensitivity"))
    rows = {
        (f"layer {i + 1}", sparsity): accuracies[:, i, j]
        for i in range(accuracies.shape[1])
        for j, sparsity in enumerate(allocation.OFFERED)
        if sparsity in (0.8, 0.9, 0.95)
    }
    yield _titled("One layer pruned, 64-256-256-10, nothing trained", figures.table(rows))
    allocated = allocation.allocate(wide, losses, answer("budget"), answer("magnitude"), three, 0.95)
    runs = {(name, 0.95): after for name, after in allocated.after.items()}
    yield _titled("A choice under a budget, after 200 steps", figures.table(runs, than="budget"))


def _when(answer: Callable, ways: dict, nets: study.Nets, seeds: int | None) -> Iterator[str]:
    found = schedules.forgotten(answer("held_step"), ways["layer-wise"], seeds=seeds)
    rows = {
        (arm, name): values[-1, i]
        for name, values in (("accuracy", found.accuracy), ("zeros", found.zeros))
        for i, arm in enumerate(schedules.ARMS)
    }
    yield _titled("95% pruned, then 200 steps of SGD", figures.table(rows, "percent", "mask held"))
    near = schedules.near_zero(answer("prune_while_training"), seeds=seeds or study.number_of_seeds())
    lines = [f"{when:20} below {t:<5}  {spread(p)} % pruned, {spread(a)} % right" for (when, t), (p, a) in near.items()]
    yield _titled("A linear classifier, weights near zero pruned", lines)
    sparsities = (0.9, 0.95, 0.97, 0.98)
    gradual = schedules.gradually(nets, ways["global"], answer("cubic"), sparsities)
    runs = {(name, s): own for name, rows in gradual.items() for s, own in rows.items()}
    yield _titled("Global ranking, 300 steps", figures.table(runs, than="at once"))


def _scores(answer: Callable, ways: dict, nets: study.Nets, seeds: int | None) -> Iterator[str]:
    early = scores.before_training(answer("snip"), ways["random"], seeds=seeds)
    yield _titled("Pruned before training, 600 steps", figures.table(early, than="SNIP"))
    for task, runs in scores.moved(nets, answer("movement"), ways["global"]).items():
        pruned = {key: own for key, own in runs.items() if key[0] != "dense"}
        title = f"Fine-tuned, pruned, fine-tuned; {task}; not pruned {spread(runs['dense', 0.0])}"
        yield _titled(title, figures.table(pruned, than="magnitude"))
    removed = scores.surgeon(nets, answer("obs"))
    rows = {(name, k): 100 * runs[:, k] for name, runs in removed.items() for k in (64, 96, 115)}
    title = "Squared change of a neuron's outputs in percent, ± std over neurons"
    yield _titled(title, figures.table(rows, "weights removed, of 128", digits=2))


def _structure(answer: Callable, ways: dict, wide: study.Nets) -> Iterator[str]:
    narrow = structure.narrower(wide, answer("neurons"))
    yield _titled("Neurons cut, before training on", figures.table(narrow.pruned, "kept of 256"))
    yield _titled("The same after it", figures.table(narrow.retrained, "kept of 256", "from scratch"))
    times = structure.times(wide, answer("neurons"), ways["layer-wise"])
    title = f"Milliseconds for {structure.ROWS} rows, {devices.machine(wide.x.device)}"
    yield _titled(title, [f"{name:32}{ms:8.3f}" for name, ms in times.items()])
    two_four = answer("two_four")
    halves = {"2:4": lambda weights, s: [two_four(w) for w in weights], "layer-wise": ways["layer-wise"]}
    found = study.one_shot(wide, halves, (0.5,))
    yield _titled("Half pruned, 64-256-256-10", figures.table(found.before, than="layer-wise"))
    yield _titled("The same after 200 steps", figures.table(found.after, than="layer-wise"))
    timed = structure.semi_structured(two_four)
    lines = [timed] if isinstance(timed, str) else [f"{n}: dense {a:.3f}, 2:4 {b:.3f}" for n, (a, b) in timed.items()]
    yield _titled("Milliseconds of a square float16 product", lines)


def _language(answer: Callable) -> Iterator[str]:
    """Both sizes of the course model; on a CPU the large one on fewer rows and with fewer rules."""
    rules = language.rules(*map(answer, ("magnitude", "wanda", "two_four")))
    gpu = devices.best().type == "cuda"
    main = {name: rules[name] for name in rules if name.startswith(("magnitude, in the layer", "Wanda, in the row"))}
    for size in ("small", "large"):
        whole = gpu or size == "small"
        pruner = language.Pruner(size, *((32, 64) if whole else (16, 32)))
        found = language.compare(pruner, rules if whole else main)
        yield _titled(f"{size} course model, {len(pruner.held_out)} rows held out", language.table(found))
        if gpu:
            for kind in language.KINDS:
                yield _titled(f"{size}, only {kind}", language.table(language.compare(pruner, main, (kind,))))
