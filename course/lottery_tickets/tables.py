"""The lab's phenomena as text tables, from whoever's functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from course.common.plotting import spread
from course.lottery_tickets import convnet, figures, networks, study


def tables(answer: Callable[[str], Callable], seeds: int | None = None) -> Iterator[str]:
    """Run the experiments, a table at a time.

    Parameters
    ----------
    answer : callable
        answer("imp") gives the function of the exercise lottery_tickets.imp, and so on.
    seeds : int, optional
        8 by default, 32 on a GPU.
    """
    problem = networks.problem(answer("train_stacked"), seeds)
    tickets = study.find(problem, answer("imp"))
    controls = map(answer, ("reinit", "signed_reinit", "layer_shuffled", "uniform_mask", "one_shot"))
    found = study.compare(tickets, *controls)
    yield f"Accuracy (%) after {networks.STEPS} steps, {problem.seeds} seeds\n{figures.accuracies(found)}"
    yield f"Gaps in points, and over the root mean square of both standard deviations\n{figures.gaps(found)}"
    yield figures.steps(found)
    run = study.long_run(tickets, answer("reinit"))
    yield f"Early stopping\n{figures.stops(run, answer('early_stop'))}"
    yield f"Longer training\n{figures.longer(run, networks.STEPS, 4 * networks.STEPS)}"
    yield f"Signs and sizes\n{figures.parts(study.signs(tickets, answer('reinit'), answer('signed_reinit')))}"
    yield f"Overlap of masks\n{figures.agreement(study.overlaps(tickets, answer('imp'), answer('iou')))}"
    late = study.rewound(tickets, answer("late_rewind"))
    yield "Rewinding the MLP later\n" + "\n".join(f"to step {k}: {spread(own)}" for k, own in late.items())
    yield f"Convolutional networks\n{convnet.report(*map(answer, ('imp', 'late_rewind', 'reinit')))}"
