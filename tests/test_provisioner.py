"""Do forked kernels give an ordinary Jupyter client what its ordinary kernels give it, and leave nothing behind?"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from autograder.kernels.client import Parent
from autograder.kernels.provisioner import WarmKernelProvisioner, runs_here

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux has pidfds"),
]

PROBES = {
    "stdout and stderr": "import sys; print('out'); print('err', file=sys.stderr)",
    "argv": "print(sys.argv[0], len(sys.argv), sys.argv[2].endswith('.json'), sys.orig_argv[:3])",
    "path": "print(sys.path)",
    "environment": "import os; print(sorted(set(os.environ)), os.environ['JPY_PARENT_PID'], os.getcwd())",
    "process": "print(os.getpgid(0) == os.getpid() == os.getsid(0), __name__, sys.flags, sys.stdin.read())",
    "result": "[1, {'a': 2}]",
    "rich": "from IPython.display import HTML, Markdown, display; display(HTML('<b>b</b>'), Markdown('*m*'))",
    "updated display": "handle = display('before', display_id='one'); handle.update('after')",
    "cleared": "from IPython.display import clear_output\nprint('gone'); clear_output(); print('kept')",
    "error": "def f(x):\n    return 1 / x\nf(0)",
    "syntax error": "x = (",
    "exit": "sys.exit(3)",
    "os.system": "_ = os.system('echo from the shell; echo its errors >&2')",
    "C": "import ctypes; c = ctypes.CDLL(None); c.puts(b'from C'); _ = c.fflush(None)",
    "input": "input('name?')",
    "magics": "%pwd\n!echo one\n%precision 3",
    "cell magic": "%%bash\necho two",
    "warnings": """
import warnings
for _ in range(2): warnings.warn('careful')
warnings.warn('old', DeprecationWarning)
""",
    "warning of a library": "import numpy; numpy.array([1.0]) / 0",
    "logging": "import logging; logging.warning('logged'); logging.info('not logged')",
    "logging of a library": "import transformers\ntransformers.logging.get_logger('transformers.x').warning('said')",
    "await": "import asyncio\nawait asyncio.sleep(0, 'slept')",
    "asyncio.run": "asyncio.run(asyncio.sleep(0))",
    "subprocess": "import subprocess; _ = subprocess.run([sys.executable, '-c', 'import sys; print(sys.path)'])",
    "multiprocessing": "import multiprocessing\nwith multiprocessing.Pool(2) as pool: print(pool.map(abs, [-1, 2]))",
    "threads": "import threading; t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()",
    "torch": "import torch; print(torch.get_num_threads(), torch.is_grad_enabled(), torch.arange(3.0).mean())",
    "figure": "import matplotlib.pyplot as plt; plt.plot([1, 3]); print(plt.get_backend(), plt.isinteractive())",
    "figure shown": "plt.figure(figsize=(1, 1)); plt.plot([3, 1]); plt.show(); print('after')",
    "help": "help(f)",
    "not installed": "import no_such_module",
}


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One HOME, so that one parent serves all these tests; it ends with them."""
    yield tmp_path_factory.mktemp("home")
    if Parent._mine is not None:
        Parent._mine.close()
        assert not os.path.exists(Parent._mine.directory)
        Parent.disown()


@pytest.fixture(autouse=True)
def forked(own_home: Path, module_home: Path, monkeypatch: pytest.MonkeyPatch) -> KernelProvisionerFactory:
    """The one setting."""
    monkeypatch.setenv("HOME", str(module_home))
    monkeypatch.setattr(WarmKernelProvisioner, "_warned", False)
    factory = KernelProvisionerFactory.instance()
    monkeypatch.setattr(factory, "default_provisioner_name", "warm-kernel")
    return factory


def execute(*sources: str, **options) -> nbformat.NotebookNode:
    """Run cells with stock nbclient, in a loop that is closed afterwards."""
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=[new_code_cell(s) for s in sources], metadata={"kernelspec": kernelspec})
    return asyncio.run(NotebookClient(notebook, **{"coalesce_streams": True, **options}).async_execute())


def run(*sources: str, **options) -> list[str]:
    """Run cells with stock nbclient; what each printed."""
    notebook = execute(*sources, **options)
    return ["".join(output.get("text", "") for output in cell.outputs).strip() for cell in notebook.cells]


def parent_of_kernel() -> int:
    return int(run("import os; print(os.getppid())")[0])


def children(pid: int) -> set[int]:
    return {int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def eventually(fact, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not fact() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(fact())


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def normal(outputs: list) -> list[dict]:
    """Outputs without what differs from one stock kernel to the next: numbers of processes and the streams' order."""
    text = re.sub(r"ipykernel_\d+", "ipykernel", json.dumps(outputs))
    text = re.sub(r"0x[0-9a-f]{6,}", "0x", text)
    return sorted(json.loads(text), key=lambda output: (output["output_type"] == "stream", str(output.get("name"))))


@pytest.fixture(scope="module")
def probed(module_home: Path) -> dict[str, list]:
    factory = KernelProvisionerFactory.instance()
    probed, before = {}, (factory.default_provisioner_name, os.environ["HOME"])
    os.environ["HOME"] = str(module_home)
    for name in ("local-provisioner", "warm-kernel"):
        factory.default_provisioner_name = name
        notebook = execute(*PROBES.values(), allow_errors=True)
        probed[name] = [normal(cell.outputs) for cell in notebook.cells]
    factory.default_provisioner_name, os.environ["HOME"] = before
    return probed


@pytest.mark.parametrize("name", PROBES)
def test_a_cell_has_the_outputs_that_a_stock_kernel_gives(probed, name):
    index = list(PROBES).index(name)
    assert probed["warm-kernel"][index] == probed["local-provisioner"][index]


def test_kernels_are_forks_of_one_parent_on_ipc():
    cell = "import os, sys, json; print(os.getppid()); print(json.load(open(sys.argv[2]))['transport'])"
    (first,), (second,) = run(cell), run(cell)
    assert first == second == f"{Parent.mine()._process.pid}\nipc"


def test_random_numbers_differ_between_kernels():
    cell = "import random, numpy, torch; print(random.random(), numpy.random.rand(), torch.rand(1).item())"
    (first,), (second,) = run(cell), run(cell)
    assert not set(first.split()) & set(second.split())


def test_nothing_of_one_notebook_is_seen_by_the_next():
    run("import os, torch, sys; os.environ['SEEN'] = '1'; torch.seen = sys.seen = 1; sys.path.append('/seen')")
    cell = "import os, torch, sys; print('SEEN' in os.environ, hasattr(torch, 'seen'), '/seen' in sys.path)"
    assert run(cell) == ["False False False"]


def test_two_threads_of_openmp_do_not_hang_in_a_fork():
    cell = """
import torch
torch.set_num_threads(2)
weight = torch.rand(300, 300, requires_grad=True)
for _ in range(3): (weight @ weight).relu().sum().backward()
print(len(__import__('os').listdir('/proc/self/task')) > 1, torch.get_num_threads(), weight.grad.shape[0])
"""
    for _ in range(3):
        assert run(cell, timeout=60) == ["True 2 300"]


def test_an_endless_cell_is_interrupted_and_the_next_one_runs():
    options = {"timeout": 1, "interrupt_on_timeout": True, "allow_errors": True}
    first, second = execute("while True: pass", "print('next')", **options).cells
    assert first.outputs[-1].ename == "KeyboardInterrupt"
    assert second.outputs[0].text == "next\n"


@pytest.mark.parametrize("death", ["os._exit(3)", "os.kill(os.getpid(), 9)", "os.killpg(0, 15)"])
def test_a_dead_kernel_ends_its_notebook_and_the_next_one_works(death):
    with pytest.raises(DeadKernelError):
        run(f"import os; {death}", "print('never')")
    assert run("print('alive')") == ["alive"]


@pytest.mark.parametrize("how", ["graceful", "immediate"])
def test_what_a_kernel_started_ends_with_it(how):
    cell = "import subprocess; print(subprocess.Popen(['sleep', '1000']).pid)"
    (pid,) = run(cell, shutdown_kernel=how)
    assert eventually(lambda: gone(int(pid)))
    assert eventually(lambda: not children(Parent.mine()._process.pid))
    assert os.listdir(Parent.mine().directory) == []


def test_several_kernels_run_at_once_from_one_process():
    cell = "import os, time; time.sleep(1); print(os.getppid(), os.getpid())"
    with ThreadPoolExecutor(4) as pool:
        found = [out.split() for (out,) in pool.map(lambda _: run(cell), range(4))]
    assert {parent for parent, _ in found} == {str(Parent.mine()._process.pid)}
    assert len({pid for _, pid in found}) == 4


async def manage() -> list:
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel()
    channel = manager.client()
    channel.start_channels()
    await channel.wait_for_ready(timeout=30)
    facts: list = [manager.has_kernel, await manager.is_alive(), manager.provisioner.pid]
    await manager.restart_kernel()
    await channel.wait_for_ready(timeout=30)
    facts += [await manager.is_alive(), manager.provisioner.pid, manager.transport]
    await manager.shutdown_kernel(now=True)
    channel.stop_channels()
    return [*facts, manager.has_kernel, await manager.provisioner.poll()]


def test_a_kernel_is_started_restarted_and_shut_down_by_its_manager():
    had, lived, first, lives, second, transport, has, polled = asyncio.run(manage())
    assert (had, lived, lives, transport, has, polled) == (True, True, True, "ipc", False, 0)
    assert first != second
    assert gone(first)
    assert gone(second)


def test_a_long_path_for_sockets_means_tcp(monkeypatch, tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    monkeypatch.setattr(Parent.mine(), "directory", str(folder))
    cell = "import os, sys, json; print(os.getppid(), json.load(open(sys.argv[2]))['transport'])"
    assert run(cell) == [f"{Parent.mine()._process.pid} tcp"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "here"),
    [
        (["python", "-m", "ipykernel_launcher", "-f", "x"], True),
        ([sys.executable, "-m", "ipykernel_launcher", "-f", "x"], True),
        (["/usr/bin/python3", "-m", "ipykernel_launcher", "-f", "x"], False),
        ([sys.executable, "-Xdev", "-m", "ipykernel_launcher", "-f", "x"], False),
        ([sys.executable, "-m", "bash_kernel", "-f", "x"], False),
        (["R", "--slave", "-e", "IRkernel::main()"], False),
        ([], False),
    ],
)
def test_only_this_pythons_ipykernel_runs_here(argv, here):
    assert runs_here(argv) == here


def test_a_foreign_kernel_starts_the_ordinary_way(tmp_path, monkeypatch):
    folder = tmp_path / "kernels" / "foreign"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-W", "default", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    cell = """
import json, os, sys
with open(sys.argv[2]) as file: print(os.getppid(), json.load(file)["transport"])
"""
    assert run(cell, kernel_name="foreign") == [f"{os.getpid()} tcp"]


def test_a_variable_that_is_read_at_import_means_the_ordinary_way(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert parent_of_kernel() == os.getpid()
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("ANYTHING_ELSE", "1")
    assert parent_of_kernel() == Parent.mine()._process.pid


CLIENT = """
import logging, os, sys
logging.basicConfig()
sys.path.insert(0, {root!r})
from tests.test_provisioner import Parent, run
if __name__ == "__main__":
    {body}
"""


def start(body: str, **more) -> subprocess.Popen:
    """A client of its own, with the one setting in its environment."""
    env = {
        **os.environ,
        "JUPYTER_DEFAULT_PROVISIONER_NAME": "warm-kernel",
        "PYTHONUNBUFFERED": "1",
        **more.pop("env", {}),
    }
    code = CLIENT.format(root=str(Path(__file__).parent.parent), body=body)
    return subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True, **more)


def temporary(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "t"
    folder.mkdir()
    return {"TMPDIR": str(folder)}


def left(folder: str) -> list[str]:
    """What is in a folder for temporary files, but for the one that torch makes whenever it is imported."""
    return [name for name in os.listdir(folder) if not name.startswith("torchinductor_")]


def test_nothing_is_left_when_a_client_ends(tmp_path):
    env = temporary(tmp_path)
    with start("print(run('import os; print(os.getpid(), os.getppid())')[0])", env=env) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert len(out.split()) == 2
    assert all(gone(int(pid)) for pid in out.split())
    assert left(env["TMPDIR"]) == []


def test_nothing_is_left_when_a_client_is_killed(tmp_path):
    env = temporary(tmp_path)
    pids = tmp_path / "pids"
    cell = f"""
import os, subprocess, time
sleeper = subprocess.Popen(["sleep", "1000"])
print(os.getppid(), os.getpid(), sleeper.pid, file=open({str(pids)!r}, "w"), flush=True)
time.sleep(1000)
"""
    with start(f"run({cell!r})", env=env) as process:
        assert eventually(lambda: pids.exists() and len(pids.read_text().split()) == 3, 120)
        process.kill()
    assert eventually(lambda: all(gone(int(pid)) for pid in pids.read_text().split()))
    assert eventually(lambda: left(env["TMPDIR"]) == [])


def test_two_processes_have_parents_of_their_own():
    body = "print(run('import os; print(os.getppid())')[0])"
    with start(body) as one, start(body) as other:
        first, second = one.communicate(timeout=120)[0], other.communicate(timeout=120)[0]
    assert first.strip().isdecimal()
    assert first != second


def test_when_the_parent_dies_its_kernel_does_and_later_ones_start_the_ordinary_way():
    body = """
    try: run("import os, signal; os.kill(os.getppid(), signal.SIGKILL); input()", "import time; time.sleep(60)")
    except Exception as error: print(type(error).__name__)
    for _ in range(2): print(run("import os; print(os.getppid())")[0] == str(os.getpid()))
"""
    with start(body.strip(), stderr=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=120)
    assert out.split()[1:] == ["True", "True"]
    assert "DeadKernel" in out
    assert err.count("kernels start the ordinary, slower way") == 1


def test_when_the_parent_cannot_start_kernels_start_the_ordinary_way(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('no torch today')")
    body = "print(run('import os; print(os.getppid())')[0] == str(os.getpid()))"
    body = f"os.environ['PYTHONPATH'] = {str(tmp_path)!r}; {body}"
    with start(body, stderr=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=120)
    assert out.strip() == "True"
    assert "no torch today" in err
    assert err.count("kernels start the ordinary, slower way") == 1


def test_a_forked_client_leaves_its_parents_kernels_alone():
    assert parent_of_kernel() == Parent.mine()._process.pid
    if (pid := os.fork()) == 0:
        os._exit(int(Parent._mine is not None))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert parent_of_kernel() == Parent.mine()._process.pid


ANSWERS = {"amy": "return 2 * x", "bob": "return x + 2", "eve": "return x * 2"}


def make_course(root: Path) -> None:
    """A course of stock nbgrader: one assignment, three submissions, one of them wrong."""
    from nbgrader.nbgraderformat import SCHEMA_VERSION

    def cell(source: str, **kind):
        made = new_code_cell(source)
        made.metadata.nbgrader = {"schema_version": SCHEMA_VERSION, "task": False, "locked": False, **kind}
        return made

    def notebook(answer: str):
        solution = cell(f"def double(x):\n    {answer}", grade=False, solution=True, grade_id="double")
        tests = cell("assert double(3) == 6", grade=True, solution=False, grade_id="test", points=2)
        tests.metadata.nbgrader.locked = True
        ours = [new_code_cell("import torch, transformers, peft"), solution, tests]
        return new_notebook(cells=[*ours, new_code_cell("import os; print(os.getppid())")])

    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'stock'\n")
    for name, answer in {"": "return 2 * x  ### BEGIN SOLUTION"[:12], **ANSWERS}.items():
        folder = root / (f"submitted/{name}/ps" if name else "source/ps")
        folder.mkdir(parents=True)
        nbformat.write(notebook(answer), folder / "ps.ipynb")


def nbgrader(root: Path, *words: str, **env: str) -> str:
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=root, env={**os.environ, **env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_nbgrader_gives_the_same_scores_and_is_faster(tmp_path):
    from nbgrader.api import Gradebook

    make_course(tmp_path)
    nbgrader(tmp_path, "generate_assignment", "ps")
    found, seconds = {}, {}
    for name in ("local-provisioner", "warm-kernel"):
        shutil.rmtree(tmp_path / "autograded", ignore_errors=True)
        begin = time.perf_counter()
        nbgrader(tmp_path, "autograde", "ps", JUPYTER_DEFAULT_PROVISIONER_NAME=name)
        seconds[name] = time.perf_counter() - begin
        with Gradebook(f"sqlite:///{tmp_path}/gradebook.db", "stock") as book:
            scores = {student: book.find_submission("ps", student).score for student in ANSWERS}
        graded = [nbformat.read(tmp_path / f"autograded/{s}/ps/ps.ipynb", as_version=4) for s in ANSWERS]
        found[name] = scores, len({notebook.cells[-1].outputs[0].text for notebook in graded})
    assert found["local-provisioner"] == ({"amy": 2.0, "bob": 0.0, "eve": 2.0}, 1)
    assert found["warm-kernel"] == found["local-provisioner"]
    print(f"nbgrader autograde, 3 submissions: {seconds}")
    assert seconds["warm-kernel"] < seconds["local-provisioner"]


def test_interrupts_do_not_reach_the_parent():
    pid = Parent.mine()._process.pid
    assert os.getsid(pid) == pid != os.getsid(0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
