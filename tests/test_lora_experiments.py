"""Do the LoRA lab's experiments show what its text says?"""

from __future__ import annotations

import math
from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch

from autograder.course import Course
from course.common import device as devices
from course.lora import rank_study, real_size, widgets
from tests.conftest import ROOT

matplotlib.use("Agg")


def answer(name: str):
    return Course.at(ROOT).exercise(f"lora.{name}").answer


COUNT, INIT, FORWARD, MERGE, TRUNCATE, UNMERGE = (
    answer(name).reference for name in ("count", "init", "forward", "merge", "truncate", "unmerge")
)
CPU = torch.device("cpu")
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and there is none")


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def study():
    return rank_study.study(INIT, FORWARD, MERGE, ranks=(1, 8), seeds=3)


@pytest.mark.parametrize("name", answer("forward").marked("right"))
def test_any_right_forward_runs_for_many_networks_at_once(name):
    rng = torch.Generator().manual_seed(0)
    shapes = ((4, 3, 7), (4, 5, 7), (4, 5), (4, 2, 7), (4, 5, 2))
    stack = [torch.randn(shape, generator=rng) for shape in shapes]
    forward = answer("forward").marked("right")[name]
    one_by_one = torch.stack([FORWARD(*net, 6.0) for net in zip(*stack, strict=True)])
    torch.testing.assert_close(torch.vmap(forward, (0, 0, 0, 0, 0, None))(*stack, 6.0), one_by_one)


def test_the_far_task_inverts_pixels_and_the_near_one_swaps_two_pairs_of_labels():
    x, y = rank_study.centred_digits()
    (plain, shuffled, inverted), (swapped, same, _) = rank_study.tasks(x, y)
    assert torch.equal(inverted, -plain)
    assert torch.equal(shuffled.sort(1).values, plain.sort(1).values)
    assert {(a, b) for a, b in zip(y.tolist(), swapped.tolist(), strict=True) if a != b} == {
        (1, 7),
        (7, 1),
        (3, 8),
        (8, 3),
    }
    assert torch.equal(same, y)
    torch.testing.assert_close(x[: rank_study.TRAIN].mean(0), torch.zeros(64), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_rank_1_suffices_for_the_near_task_and_fails_the_far_one(study):
    """Measured with 6 seeds: near 97.0 ± 0.2 of 98.2, far 32.8 ± 13.8 of 97.7 at rank 1 and 95.6 ± 0.8 at rank 8."""
    near, mid, far = study.full.mean(1)
    assert min(near, mid, far) > 95
    assert study.before.mean(1)[0] == pytest.approx(60, abs=3)
    assert study.before.mean(1)[2] < 5
    assert study.lora[1].mean(1)[0] > near - 4
    assert near - 30 < study.lora[1].mean(1)[1] < mid - 8
    assert study.lora[1].mean(1)[2] < far - 25
    assert study.lora[8].mean(1)[2] > far - 8


@pytest.mark.slow
def test_the_change_for_two_swaps_has_two_large_singular_values(study):
    """Measured with 6 seeds: stable rank 2.1 ± 0.1 (near), 4.1 ± 0.4 (mid), 4.2 ± 0.3 (far)."""
    figure = rank_study.plot_spectrum(study)
    for changes, ax in zip(study.changes, figure.axes, strict=True):
        sigma = torch.linalg.svdvals(changes).view(3, study.problem.seeds, -1)
        near, mid, far = (sigma.square().sum(2) / sigma[:, :, 0].square()).mean(1)
        assert near < 2.8 < 3.2 < min(mid, far)
        for line in ax.containers:
            drawn = line[0].get_ydata()
            assert all(a >= b for a, b in pairwise(drawn))


@pytest.mark.slow
def test_at_rank_1_training_beats_truncation_and_nothing_is_lost_at_full_rank(study):
    cut = rank_study.truncation(study, TRUNCATE, ranks=(1, 64))
    assert (study.lora[1].mean(1) > cut[1].mean(1) + 8).all()
    torch.testing.assert_close(cut[64][0], study.full[0], atol=1.0, rtol=0)
    rank_study.plot_truncation(study, cut)


@pytest.mark.slow
def test_a_random_subspace_of_as_many_numbers_as_rank_1_does_not_fail_the_far_task(study):
    """Measured with 6 seeds: 92.8 ± 1.1 against 32.8 ± 13.8."""
    found = rank_study.subspaces(study, dimensions=(rank_study.PER_RANK,))
    assert found[448].mean(1)[2] > study.lora[1].mean(1)[2] + 25
    rank_study.plot_dimensions(study, found)


@pytest.mark.slow
def test_table_and_plot_name_every_task_and_rank(study):
    table = rank_study.table(study)
    for word in (*rank_study.TASKS, "before", "rank 1", "rank 8", "full"):
        assert word in table
    ax = rank_study.plot_ranks(study).axes[0]
    assert ax.get_xlabel() == "rank"
    assert "3 seeds" in ax.get_title()


def test_trained_directions_are_orthogonal_and_cover_every_weight(monkeypatch):
    """In a subspace of dimension 1 each entry moves by the same amount, up or down."""
    monkeypatch.setattr(rank_study, "STEPS", 2)
    problem = rank_study.pretrain(1, CPU)
    moved = rank_study.tune_in_subspace(problem, 1)
    for after, before in zip(moved, problem.W, strict=False):
        steps = (after - before).flatten(1)
        torch.testing.assert_close(steps.abs(), steps.abs()[:, :1].expand_as(steps), atol=1e-6, rtol=0)
        assert (steps > 0).float().mean() == pytest.approx(0.5, abs=0.02)


def test_rows_at_a_small_size_are_finite_and_lora_keeps_small_gradients():
    rows = real_size.measure(FORWARD, CPU, size=256)
    assert [(row.work, row.method) for row in rows[:4]] == list(real_size.plan())
    assert all(math.isfinite(row.ms) and row.ms > 0 and row.machine for row in rows)
    lora, full = (row for row in rows[:4] if row.work == "training step")
    trainable, ratio = COUNT(256, 256, 1)
    assert lora.trainable == trainable == ratio * full.trainable
    assert lora.gradients == 4 * trainable
    assert lora.gradients < full.gradients / 100
    assert full.kept == pytest.approx(4 * 4 * 256**2, abs=64)
    assert len(real_size.plot(rows).axes) == 2


@pytest.mark.slow
def test_full_fine_tuning_needs_three_more_copies_of_the_weight_at_its_peak():
    """Watched from outside: 64 MiB for each copy, far more than the noise of the process."""
    rows = real_size.measure(FORWARD, CPU, size=4096)
    if not rows[0].measured:
        pytest.skip("psutil is not installed, so nothing measures a process's memory")
    lora, full = (row.peak for row in rows[:4] if row.work == "training step")
    assert full - lora > 2.5 * 4 * 4096**2


def test_without_psutil_memory_is_computed_and_says_so(monkeypatch):
    monkeypatch.setattr(devices, "psutil", None)
    rows = real_size.measure(FORWARD, CPU, size=64)
    assert not any(row.measured for row in rows)
    assert all(row.peak == row.kept for row in rows)
    assert "computed" in real_size.plot(rows).axes[1].get_title()


def test_merge_and_unmerge_return_the_base_in_float32():
    trip = real_size.round_trip(MERGE, UNMERGE, CPU, size=256)
    assert trip.dtype == "float32"
    assert trip.difference < 1e-7 < 1e-4 < trip.update


def test_in_bfloat16_the_base_returns_only_up_to_its_rounding(monkeypatch):
    monkeypatch.setattr(devices, "free_memory", lambda device: 0)
    trip = real_size.round_trip(MERGE, UNMERGE, CPU, size=256)
    assert trip.dtype == "bfloat16"
    assert 0 < trip.difference <= 2**-10
    assert trip.unchanged < 1


@needs_cuda
def test_real_size_on_a_gpu():
    cuda = devices.best()
    rows = real_size.measure(FORWARD, cuda)
    lora, full = (row for row in rows if row.work == "training step" and row.tokens == 1)
    assert (lora.dtype, lora.measured, lora.trainable) == ("bfloat16", True, 24576)
    assert full.peak - lora.peak > 2.5 * 2 * 12288**2
    assert real_size.round_trip(MERGE, UNMERGE, cuda).difference < 1e-3


@needs_cuda
@pytest.mark.slow
def test_the_study_runs_on_a_gpu(study):
    assert study.problem.x.is_cuda
    assert study.lora[8].device.type == "cpu"
    rank_study.truncation(study, TRUNCATE, ranks=(1,))


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with pytest.raises(ValueError, match="stop"), devices.threads(2):
        raise ValueError("stop")
    assert torch.get_num_threads() == before


def test_moving_the_slider_changes_the_figure_and_the_words():
    slider, figure, line = widgets.rank_explorer(TRUNCATE).children
    first, said = figure.value, line.value
    assert bytes(first).startswith(b"\x89PNG")
    assert "Rank 4 of at most 48" in said
    slider.value = 30
    assert figure.value != first
    assert "Rank 30 of at most 48" in line.value
    assert "3,360 numbers, 109.4% of the matrix's 3,072" in line.value
    assert 'role="status"' in line.value
    slider.value = 4
    assert line.value == said


def test_the_words_report_what_truncate_says_beside_what_it_could_reach():
    matrix = torch.diag(torch.tensor([3.0, 2.0, 1.0]))
    assert "squared error 5, 35.7% of the squared norm; the Eckart–Young tail is 5" in widgets.View(
        TRUNCATE, matrix
    ).words(1)
    lazy = widgets.View(lambda D, rank: (torch.zeros(3, rank), torch.zeros(rank, 3), 14.0), matrix)
    assert "squared error 14, 100.0% of the squared norm; the Eckart–Young tail is 5" in lazy.words(1)


def test_the_figure_of_the_reading_has_four_panels_for_each_rank():
    figure = widgets.rank_figure(TRUNCATE, (1, 5))
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[:4] == ["original", "rank 1", "squared error", "numbers to store"]
    assert titles[5] == "rank 5"
