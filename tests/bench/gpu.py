"""Grade a lab that asks for a GPU behind the wall, with 1, 4 and 8 submissions sharing the device.

Run as `python -m tests.bench.gpu [STUDENTS]` on a machine with an NVIDIA GPU. Prints submissions per
minute for each number at a time; the last line is JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from autograder.preload import one_thread

one_thread()

import nbformat  # noqa: E402

from autograder import gpu, pool  # noqa: E402
from autograder.bridge.jobs import Job, grade_job, grading, setting_of  # noqa: E402
from autograder.compose import build, solve  # noqa: E402
from autograder.course import Course, Lab  # noqa: E402
from tests.toy import CONTRACT, LAB_TEXT, add_toy_lab  # noqa: E402

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
HOARD = f"""import torch, subprocess, sys

held = []
try:
    while True:
        held.append(torch.empty(2**28, device="cuda", dtype=torch.uint8))
except torch.cuda.OutOfMemoryError:
    pass
keep = "import time, torch; held = torch.empty(2**26, device='cuda', dtype=torch.uint8); time.sleep(98767)"
subprocess.Popen([sys.executable, "-c", keep], start_new_session=True)

{ON_GPU}"""
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


def rate(jobs: Sequence[Job], workers: int) -> float:
    """Submissions per minute, past a first one for each worker, when so many at a time share the GPU."""
    first, rest = jobs[:workers], jobs[workers:]
    with pool.local(workers)() as executor:
        list(executor.map(grade_job, first))
        started = time.perf_counter()
        results = list(executor.map(grade_job, rest))
        seconds = time.perf_counter() - started
    points = [json.loads(result["notebook"])["metadata"]["winning_ticket"]["verdicts"] for result in results]
    wrong = [verdicts for verdicts in points if verdicts["toy.scale"]["points"] != 4.0]
    if wrong:
        sys.exit(f"{len(wrong)} were graded wrongly: {wrong[0]}")
    return 60 * len(rest) / seconds


def main() -> None:
    if not gpu.devices():
        sys.exit("There is no NVIDIA GPU here.")
    students = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        lab = write_gpu_lab(Path(name) / "course")
        write_students(lab, {f"s{number:03}": ON_GPU for number in range(students)}, Path(name))
        setting = setting_of(lab, Path(name) / "secrets", gpu_slots=max(SLOTS))
        started = time.perf_counter()
        grading(setting).prepare()
        ready = round(time.perf_counter() - started, 1)
        paths = sorted(Path(name, "submitted").glob("*/toy/toy.ipynb"))
        jobs = [Job(setting, path.parent.parent.name, path.read_bytes(), {}) for path in paths]
        found = {slots: round(rate(jobs, slots), 1) for slots in SLOTS}
        for slots, per_minute in found.items():
            print(f"{slots} at a time: {per_minute} submissions a minute")
    print(json.dumps({"per_minute_by_slots": found, "students": students, "parent_ready_s": ready}))


if __name__ == "__main__":
    main()
