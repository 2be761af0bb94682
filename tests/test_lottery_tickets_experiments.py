"""Do the lottery ticket lab's experiments show what its text says?"""

from __future__ import annotations

import threading
from functools import partial

import matplotlib
import pytest
import torch

from course.common import device as devices
from course.common import stacks
from course.common.plotting import gap
from course.lottery_tickets import convnet, figures, lockstep, networks, study, tables, widgets
from course.lottery_tickets.networks import Arm
from tests.conftest import answers, references

matplotlib.use("Agg")


pytestmark = pytest.mark.usefixtures("one_thread_and_no_figure_left")
answer = answers("lottery_tickets")
reference = references("lottery_tickets")

TRAIN_STACKED, IMP, REINIT, SIGNED, EARLY_STOP, IOU, LATE, REWIND, DENSITY = map(
    reference,
    ("train_stacked", "imp", "reinit", "signed_reinit", "early_stop", "iou", "late_rewind", "rewind", "density"),
)
CONTROLS = tuple(map(reference, ("reinit", "signed_reinit", "layer_shuffled", "uniform_mask", "one_shot")))


@pytest.fixture(scope="module")
def problem():
    return networks.problem(TRAIN_STACKED, 4)


@pytest.fixture(scope="module")
def tickets(problem):
    return study.find(problem, IMP)


@pytest.fixture(scope="module")
def compared(tickets):
    return study.compare(tickets, *CONTROLS, rounds=(4, 7))


# The machinery


@pytest.mark.parametrize("name", ["train_stacked", *answer("train_stacked").marked("right")])
def test_curves_are_those_of_any_right_train_stacked(name):
    """Both take the same steps. Twenty only, so that differences by rounding have little time to grow."""
    own = TRAIN_STACKED if name == "train_stacked" else answer("train_stacked").marked("right")[name]
    problem = networks.problem(own, 2)
    rng = torch.Generator().manual_seed(0)
    masks = [{n: torch.rand(m.shape, generator=rng) < 0.3 for n, m in own.items()} for own in problem.dense.masks]
    arms = [problem.dense, Arm(problem.starts, masks)]
    trained = problem.train(arms, 3, steps=20)
    curves = problem.curves(arms, 3, steps=20, every=20)
    for networks_of_arm, accuracy, loss in zip(trained, curves.accuracy, curves.loss, strict=True):
        torch.testing.assert_close(problem.accuracy(networks_of_arm), accuracy[:, -1], atol=0.4, rtol=0)
        W, b, _ = networks.stack([Arm(networks_of_arm, masks)])
        x, y = (part[stacks.TRAIN :][: networks.VALIDATION].cpu() for part in (problem.x, problem.y))
        logits = stacks.mlp(x, W, b)
        expected = torch.stack([torch.nn.functional.cross_entropy(own, y) for own in logits])
        torch.testing.assert_close(expected, loss[:, -1], atol=2e-3, rtol=1e-3)


def test_searches_in_step_find_what_each_finds_alone(problem):
    together = study.find(problem, IMP, rounds=2).history
    alone = networks.Problem(problem.x, problem.y, problem.starts[:1], TRAIN_STACKED)
    (expected,) = study.find(alone, IMP, rounds=2).history
    assert [networks.kept(masks) for masks in together[0]] == [networks.kept(masks) for masks in expected]
    for masks, others in zip(together[0], expected, strict=True):
        same = sum(int((mask == others[name]).sum()) for name, mask in masks.items())
        assert same > 0.99 * 17400


def test_an_error_in_one_search_ends_all_and_is_the_one_that_is_raised():
    def search(i, ask):
        ask({}, {})
        if i == 1:
            raise ValueError("this search fails")
        return ask({}, {})

    with pytest.raises(ValueError, match="this search fails"):
        lockstep.in_step(search, lambda asked: [{} for _ in asked], 3)
    assert threading.active_count() < 20


def test_an_error_in_the_training_is_raised():
    def train(asked):
        raise RuntimeError("no training")

    with pytest.raises(RuntimeError, match="no training"):
        lockstep.in_step(lambda i, ask: ask({}, {}), train, 2)


def test_the_start_has_the_spread_that_reinit_draws(problem):
    for theta in problem.starts:
        for name, W in theta.items():
            if name.endswith("weight"):
                assert W.std() == pytest.approx((2 / sum(W.shape)) ** 0.5, rel=0.1)
            else:
                assert not W.any()


def test_batches_are_the_same_for_all_arms_and_differ_between_seeds_and_orders(problem):
    first = problem.batches(0, 5)
    assert torch.equal(first, problem.batches(0, 5))
    assert torch.equal(first, problem.batches(0, 9)[:5])
    assert not torch.equal(first, problem.batches(1, 5))
    assert not torch.equal(first[:, 0], first[:, 1])


def test_stacks_and_dicts_are_converted_without_loss(problem):
    W, b, _ = networks.stack([problem.dense])
    for net, theta in zip(networks.unstack(W, b), problem.starts, strict=True):
        assert all(torch.equal(net[name], value) for name, value in theta.items())


def test_a_gap_is_counted_in_root_mean_square_deviations():
    points, z = gap(torch.tensor([4.0, 6.0]), torch.tensor([1.0, 1.0]))
    assert (points, z) == (4.0, pytest.approx(4.0))


# What the text says


def test_the_papers_densities_are_whole_rounds():
    shares = DENSITY([235200, 30000, 1000], 0.2, 0.1, 16)
    assert [round(100 * shares[r], 1) for r in (3, 7, 9, 15, 16)] == [51.3, 21.1, 13.5, 3.6, 2.9]


def test_the_mask_is_held_and_the_density_is_as_predicted(problem, tickets):
    expected = DENSITY([6400, 10000, 1000], study.RATE, study.RATE, study.ROUNDS)
    for masks in tickets.history:
        assert [networks.density(own) for own in masks] == pytest.approx(expected, abs=1e-4)
    (ends,) = problem.train([tickets.ticket(7)], 1, steps=30)
    for end, masks in zip(ends, tickets.masks(7), strict=True):
        assert not any(end[name][~mask].any() for name, mask in masks.items())


def test_one_ranking_spares_the_output_layer(tickets):
    first, second, output = tickets.densities()[7].mean(1)
    assert second < 0.035 < first < 0.06 < 0.12 < output < 0.82**7
    figures.plot_densities(tickets)


def test_tickets_are_ahead_of_every_control_at_95_6(compared):
    """Measured with 8 seeds: 95.9 ± .5; 91.8 ± 1.2 re-initialised, 66.6 ± 5.2 shuffled, 37.0 ± 7.0 uniform."""
    ticket = compared.final(7)
    assert gap(ticket, compared.final(7, "re-initialised"))[1] > 3
    assert gap(ticket, compared.final(7, "mask shuffled in layers"))[0] > 15
    shuffled, uniform = (compared.final(7, name).mean() for name in ("mask shuffled in layers", "uniform random mask"))
    assert uniform < shuffled - 10
    assert ticket.mean() > compared.final(7, "one-shot ticket").mean()
    assert compared.final(0).mean() - 4 < ticket.mean() < compared.final(0).mean()


def test_at_83_2_reinitialisation_is_not_far_behind(compared):
    points, _ = gap(compared.final(4), compared.final(4, "re-initialised"))
    assert 0 < points < 3.5
    assert points < gap(compared.final(7), compared.final(7, "re-initialised"))[0]


def test_tickets_are_as_fast_as_dense_and_reinitialised_ones_are_not(compared):
    dense = compared.steps_to(0).median()
    assert compared.steps_to(4).median() <= dense
    assert compared.steps_to(4, "re-initialised").median() > 1.5 * compared.steps_to(4).median()
    assert compared.steps_to(7, "re-initialised").median() == torch.inf


def test_signs_explain_most_of_it(tickets):
    """Measured with 8 seeds: own 95.9, one size 95.6, new sizes 95.7, new signs 93.0, both new 91.8."""
    found = study.signs(tickets, REINIT, SIGNED)
    accuracy = {name: own.mean() for name, (own, _) in found.items()}
    assert accuracy["its signs, one size in each layer"] > accuracy["its own"] - 1.5
    assert accuracy["its signs, new sizes"] > accuracy["its own"] - 1.5
    assert accuracy["its sizes, new signs"] < accuracy["its own"] - 1.5
    assert found["its own"][1].mean() > 94 > 90 > found["both new"][1].mean()
    assert "signs that last" in figures.parts(found)


@pytest.mark.slow
def test_longer_training_shrinks_the_gap(tickets):
    """Measured with 8 seeds: 4.1 points after 300 steps, 1.8 after 1200; early stops at 290 and 860."""
    run = study.long_run(tickets, REINIT, rounds=(7,), every=20)
    _, ticket, other = run.names
    short, long = (gap(run.at(ticket, n), run.at(other, n))[0] for n in (300, 1200))
    assert 0 < long < 0.75 * short
    dense, own, drawn = run.stops(EARLY_STOP).mean(1)
    assert drawn > 1.3 * max(dense, own)
    assert len(figures.plot_long(run).axes) == 2
    assert "ahead" in figures.longer(run, 300, 1200)


def test_masks_of_one_start_agree_and_others_share_pixels_only(tickets):
    found = study.overlaps(tickets, IMP, IOU)
    same, other = found.values()
    assert same.overlap.mean(1).min() > 0.35
    assert same.chance.mean(1).max() < 0.15
    assert other.overlap[1].mean() == pytest.approx(other.chance[1].mean().item(), abs=0.01)
    assert other.overlap[0].mean() > other.chance[0].mean() + 0.005
    assert other.overlap[0].mean() == pytest.approx(other.by_pixels.mean().item(), abs=0.01)
    assert 0.7 < other.correlation.mean() < same.correlation.mean()
    assert "given each pixel's count" in figures.agreement(found)


def test_late_rewinding_changes_nothing_on_the_mlp(tickets):
    found = study.rewound(tickets, LATE)
    assert list(found) == [0, 10, 50]
    assert max(own.mean() for own in found.values()) - min(own.mean() for own in found.values()) < 1


def test_tables_and_plots_name_every_arm_and_round(compared):
    table = figures.accuracies(compared)
    for word in (*study.ARMS, "83.2%", "95.6%", "dense network"):
        assert word in table
    assert "never" in figures.steps(compared)
    assert "z " in figures.gaps(compared)
    ax = figures.plot_comparison(compared).axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["83.2", "95.6"]


@pytest.mark.slow
def test_all_tables_come_from_one_function(monkeypatch, tickets):
    monkeypatch.setattr(study, "find", lambda *_: tickets)
    monkeypatch.setattr(devices, "best", lambda: torch.device("cpu"))
    monkeypatch.setattr(study, "compare", partial(study.compare, rounds=(2,)))
    monkeypatch.setattr(study, "long_run", partial(study.long_run, rounds=(7,), every=300))
    titles = [table.splitlines()[0] for table in tables.tables(reference, seeds=4)]
    assert titles[0] == "Accuracy (%) after 300 steps, 4 seeds"
    assert titles[-1] == "Convolutional networks"
    assert len(titles) == 9


# The convolutional networks


def test_a_stack_of_convnets_is_the_networks_side_by_side():
    size, rng = convnet.TINY, torch.Generator().manual_seed(0)
    thetas = [convnet.start(size, rng) for _ in range(3)]
    x = torch.rand(3, 5, size.canvas, size.canvas, generator=rng)
    together = convnet.network(x, convnet.stacked(thetas, "cpu"), size.depth)
    alone = [convnet.network(x[[i]], convnet.stacked([theta], "cpu"), size.depth)[0] for i, theta in enumerate(thetas)]
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-4, rtol=1e-4)


def test_digits_stand_where_they_were_placed():
    x = torch.rand(2, 8, 8)
    shown = convnet.placed(x, torch.tensor([[0, 3], [4, 1]]), 12)
    torch.testing.assert_close(shown[0, 0:8, 3:11], x[0])
    torch.testing.assert_close(shown[1, 4:12, 1:9], x[1])
    assert shown.sum() == pytest.approx(x.sum().item(), rel=1e-5)


def test_training_a_convnet_in_two_parts_is_training_it_once_but_for_the_momentum():
    """Without momentum to lose, a network that begins at the checkpoint ends where the other does."""
    size, data = convnet.TINY, convnet.images(convnet.TINY, torch.device("cpu"))
    theta = convnet.start(size, torch.Generator().manual_seed(0))
    full = networks.everything(theta)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convnet, "MOMENTUM", 0.0)
        (half,) = convnet.train([convnet.Net(theta, full, 0.05, 0, 1)], data, size, 0, stop=5)
        nets = [convnet.Net(theta, full, 0.05, 0, 1), convnet.Net(half, full, 0.05, 5, 1)]
        whole, resumed = convnet.train(nets, data, size, 0)
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, atol=1e-3, rtol=1e-2)


def test_convnets_hold_their_masks():
    size, data = convnet.TINY, convnet.images(convnet.TINY, torch.device("cpu"))
    theta, rng = convnet.start(size, torch.Generator().manual_seed(0)), torch.Generator().manual_seed(1)
    masks = {name: torch.rand(m.shape, generator=rng) < 0.5 for name, m in networks.everything(theta).items()}
    (end,) = convnet.train([convnet.Net(theta, masks, 0.05, 0, 0)], data, size, 0, stop=3)
    assert not any(end[name][~mask].any() for name, mask in masks.items())
    assert all((end[name][mask] != theta[name][mask]).any() for name, mask in masks.items())


def test_the_study_of_convnets_fills_its_table():
    found = convnet.study(IMP, LATE, REINIT, convnet.TINY)
    assert {what for _, what, _ in found} == {"dense", "re-initialised", 0, 5}
    assert all(own.shape == (convnet.TINY.seeds,) and (own > 0).all() for own in found.values())
    table = convnet.table(found)
    assert "16.0%" in table
    assert "5 over 0" in table


def test_without_a_gpu_the_report_says_why_it_is_skipped(monkeypatch):
    monkeypatch.setattr(devices, "best", lambda: torch.device("cpu"))
    assert convnet.report(IMP, LATE, REINIT).startswith("Skipped")


# The explorer


def test_moving_the_slider_changes_the_figure_and_the_words(compared):
    slider, choice, figure, line = widgets.ticket_explorer(compared).children
    first, said = figure.value, line.value
    assert bytes(first).startswith(b"\x89PNG")
    assert "Round 7, ticket: 765 weights, 95.6% pruned" in said
    assert 'role="status"' in said
    choice.value = "mask shuffled in layers"
    assert figure.value != first
    assert "Round 7, mask shuffled in layers: 765 weights" in line.value
    unread = int((widgets.View(compared).pixels(7, "mask shuffled in layers") == 0).sum())
    assert f"no weight reads {unread} of the 64 pixels" in line.value
    slider.value = 4
    assert "83.2% pruned" in line.value
    slider.value, choice.value = 7, "ticket"
    assert (figure.value, line.value) == (first, said)


def test_the_ticket_reads_the_middle_and_a_shuffled_mask_all_pixels_alike(compared):
    view = widgets.View(compared)
    ticket, shuffled = (view.pixels(7, name) for name in ("ticket", "mask shuffled in layers"))
    assert ticket.sum() == shuffled.sum()
    assert (shuffled == 0).sum() < 5 < 12 < (ticket == 0).sum()
    assert ticket[:, 2:6].sum() > 0.7 * ticket.sum()
    assert shuffled[:, 2:6].sum() < 0.6 * shuffled.sum()
