"""Grade a lab that asks for a GPU behind the wall, with 1, 4 and 8 submissions sharing the device.

Run as `python -m tests.bench.gpu [STUDENTS]` on a machine with an NVIDIA GPU. Prints submissions per
minute for each number of slots; the last line is JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat

from autograder import gpu
from autograder.bridge.classroom import COURSE_ID
from autograder.compose import build, solve
from autograder.course import ROOT_VARIABLE, Course, Lab
from tests.toy import CONTRACT, LAB_TEXT, add_toy_lab

SLOTS = (1, 4, 8)
ON_GPU = """import torch

def scale(x, k):
    assert torch.cuda.is_available(), "there is no GPU"
    w = torch.randn(4096, 4096, device="cuda", dtype=torch.bfloat16)
    for _ in range(20):
        w = torch.nn.functional.normalize(w @ w)
    return (k * x.cuda()).cpu()"""
TOO_MUCH = """import torch

def scale(x, k):
    hoard = [torch.empty(2**30, device="cuda", dtype=torch.uint8) for _ in range(1000)]
    return k * x"""
MATMULS = "import torch\nw = torch.randn(4096, 4096, device='cuda')\nprint(w.device, float((w @ w).mean()))"


def write_gpu_lab(root: Path) -> Lab:
    """The toy lab, which asks for a GPU; its answers may run there and bring their results back."""
    lab = add_toy_lab(root)
    lab.master.write_text(LAB_TEXT.replace("order: 50", "order: 50\ngpu: true").replace("_seconds: 5", "_seconds: 60"))
    lab.master.write_text(lab.master.read_text().replace("_seconds: 3\n", "_seconds: 60\n").replace(": 30", ": 300"))
    lab.exercise("scale").contract_path.write_text(CONTRACT)
    lab = Course.at(root).lab("toy")
    build(lab, root / "build")
    return lab


def write_students(lab: Lab, answers: dict[str, str], folder: Path) -> None:
    """Put one submission a student into a class folder."""
    release = nbformat.read(lab.edition / f"{lab.name}.ipynb", as_version=4)
    for student, source in answers.items():
        notebook = solve(lab, release, {"toy.scale": source})
        notebook.cells.insert(1, nbformat.v4.new_code_cell(f"# {student}\n{MATMULS}"))
        place = folder / "submitted" / student / lab.name
        place.mkdir(parents=True)
        nbformat.write(notebook, place / f"{lab.name}.ipynb")


def timed_run(lab: Lab, students: int, slots: int) -> float:
    """Seconds of one whole `autograder grade`, after checking that everybody got all points."""
    from nbgrader.api import Gradebook

    with tempfile.TemporaryDirectory(dir=lab.course.root) as name:
        folder = Path(name)
        write_students(lab, {f"s{number:03}": ON_GPU for number in range(students)}, folder)
        command = [sys.executable, "-m", "autograder", "grade", lab.name, "--class-folder", name]
        command += ["--workers", str(max(SLOTS)), "--gpu-slots", str(slots)]
        started = time.perf_counter()
        environment = {**os.environ, ROOT_VARIABLE: str(lab.course.root)}
        done = subprocess.run(command, cwd=lab.course.root, env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        if done.returncode:
            sys.exit(f"grading failed:\n{done.stdout}\n{done.stderr}")
        with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", COURSE_ID) as gradebook:
            scores = [submission.score for submission in gradebook.assignment_submissions(lab.name)]
        if scores != [4.0] * students:
            sys.exit(f"wrong scores: {scores}\n{done.stdout}")
    return seconds


def main() -> None:
    if not gpu.devices():
        sys.exit("There is no NVIDIA GPU here.")
    students = int(sys.argv[1]) if len(sys.argv) > 1 else 48
    found = {}
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        lab = write_gpu_lab(Path(name) / "course")
        for slots in SLOTS:
            few, many = timed_run(lab, 8, slots), timed_run(lab, 8 + students, slots)
            found[slots] = round(60 * students / (many - few), 1)
            print(f"{slots} slots: 8 in {few:.1f} s, {8 + students} in {many:.1f} s, {found[slots]} a minute steady")
    print(json.dumps({"per_minute_by_slots": found, "students": students}))


if __name__ == "__main__":
    main()
