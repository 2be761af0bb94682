"""Does a lab that asks for a GPU get it in grading, and does one that runs out of its memory lose only itself?"""

from __future__ import annotations

import subprocess
import threading
import time

import pytest

from autograder import gpu
from autograder.bridge.classroom import Classroom
from autograder.bridge.grading import Options
from tests.bench.gpu import HOARD, ON_GPU, TOO_MUCH, write_gpu_lab, write_students
from tests.processes import processes, soon
from tests.toy import RIGHT
from tests.walls import need_wall

needs_gpu = pytest.mark.skipif(not gpu.devices(), reason="there is no NVIDIA GPU")


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    need_wall()
    lab = write_gpu_lab(tmp_path_factory.mktemp("gpu") / "course")
    classroom = Classroom(lab.course)
    classroom.release("toy")
    answers = {"right": ON_GPU, "greedy": TOO_MUCH, "plain": RIGHT, "other": ON_GPU, "hoarder": HOARD}
    free = free_mib()
    write_students(lab, answers, classroom.folder)
    rows, summary = classroom.grade("toy", Options(workers=4, gpu_slots=4))
    assert not summary.failed
    assert soon(lambda: free_mib() > free - 200), "memory of the GPU is still held"
    return {row.student: row for row in rows}


def free_mib() -> int:
    line = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    return int(subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()[0])


@needs_gpu
def test_what_a_submission_started_to_hold_memory_is_gone(graded):
    assert not [p for p in processes() if "98767" in p.line]


@needs_gpu
def test_hidden_cases_run_on_the_gpu(graded):
    assert {name: graded[name].score for name in ("right", "other", "plain")} == dict.fromkeys(
        ("right", "other", "plain"), 4.0
    )


@needs_gpu
def test_running_out_of_the_gpus_memory_is_a_verdict_with_a_sentence(graded):
    assert graded["greedy"].score == 0.0
    assert "memory" in graded["greedy"].verdicts["toy.scale"]["reason"]


def test_slots_bound_how_many_hold_a_device(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "devices", lambda: ["0", "1"])
    monkeypatch.setattr(gpu, "_LOCKS", tmp_path)
    monkeypatch.setattr(gpu, "_WAIT_SECONDS", 0.01)
    with gpu.slot(1) as first, gpu.slot(1) as second:
        assert {first, second} == {"0", "1"}
        monkeypatch.setattr(gpu.time, "sleep", lambda seconds: pytest.fail("waiting"))
        with pytest.raises(pytest.fail.Exception, match="waiting"), gpu.slot(1):
            pass
    with gpu.slot(1) as again:
        assert again == "0"


def test_who_wants_a_device_alone_waits_for_all_of_its_slots(monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "devices", lambda: ["0"])
    monkeypatch.setattr(gpu, "_LOCKS", tmp_path)
    held: list[str] = []

    def want_all() -> None:
        with gpu.slot(2, alone=True):
            held.append("alone")

    with gpu.slot(2), gpu.slot(2):
        waiting = threading.Thread(target=want_all)
        waiting.start()
        time.sleep(0.2)
        assert held == []
    waiting.join(timeout=10)
    assert held == ["alone"]
