"""Does student code behind the wall see, reach and leave only what it may?"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autograder import doctor, wall
from autograder.errors import UserError
from autograder.grade import Grader
from autograder.limits import Limits
from autograder.memory import descendants, memory_of
from autograder.run import Step
from autograder.warm import ParentFailed, Walled
from tests.toy import RIGHT, add_toy_lab
from tests.walls import need_wall, parent_of, start_behind_wall

PACKAGES = [str(Path(entry).resolve()) for entry in sys.path if "-packages" in entry]
LIMITS = Limits(notebook_seconds=20, cell_seconds=5, case_seconds=2)


@pytest.fixture(scope="module", autouse=True)
def _wall():
    need_wall()


def run(lab, *sources: str, limits: Limits = LIMITS, files: dict[str, bytes] | None = None):
    """Grade a right answer that comes after these cells; returns what was graded."""
    steps = [Step(f"cell-{number}", source=source) for number, source in enumerate((*sources, RIGHT))]
    steps.append(Step("check", exercise=lab.exercise("scale")))
    return Grader(lab, "secret", limits).grade(steps, files, start_behind_wall)


def printed(lab, source: str, **more) -> str:
    graded = run(lab, source, **more)
    outputs = graded.outputs["cell-0"]
    assert not [output for output in outputs if output["output_type"] == "error"], outputs
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream").strip()


def test_no_secret_place_is_in_sight(toy_lab):
    """Solutions, the gradebook, seeds, submissions, homes: by path, by walking, by name."""
    hidden = [toy_lab.course.root / name for name in ("solutions", "build", "labs")]
    repository = Path(__file__).resolve().parents[1]
    hidden += [repository / name for name in ("solutions", "tests", "build", ".git", "work")]
    hidden += [Path.home(), "/home", "/etc/shadow", "/etc/hostname", "/var", "/srv", "/opt", "/mnt"]
    hidden = [str(place) for place in hidden if not str(sys.prefix).startswith(str(place))]
    code = f"""
import os
print([place for place in {hidden!r} if os.path.exists(place)])
public = ('/proc', '/sys', '/usr', '/dev', {sys.prefix!r}, {sys.base_prefix!r}, *{PACKAGES!r})
walked = [os.path.join(folder, name) for folder, _, names in os.walk('/') if not folder.startswith(public)
          for name in names]
print(len(walked) > 10, [p for p in walked if 'solutions/' in p or p.endswith(('gradebook.db', '.ipynb', '.pack'))])
"""
    assert printed(toy_lab, code).splitlines() == ["[]", "True []"]


def test_the_environment_holds_no_secret(toy_lab, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    code = "import os; print('\\n'.join(f'{k}={v}' for k, v in os.environ.items()))"
    lines = printed(toy_lab, code).splitlines()
    assert not [line for line in lines if "secret" in line.lower() and "WINNING" not in line]
    assert os.environ["HOME"] not in "".join(lines)


def test_student_code_is_nobody_without_capabilities_in_namespaces_of_its_own(toy_lab):
    code = """
import os
status = dict(line.split(':', 1) for line in open('/proc/self/status').read().splitlines())
print(os.getuid(), *(int(status[name], 16) for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb')),
      status['NoNewPrivs'].strip())
print(' '.join(os.readlink(f'/proc/self/ns/{name}') for name in ('pid', 'net', 'ipc', 'mnt', 'user', 'uts')))
"""
    identity, spaces = printed(toy_lab, code).splitlines()
    assert identity == "1000 0 0 0 0 0 1"
    ours = {os.readlink(f"/proc/self/ns/{name}") for name in ("pid", "net", "ipc", "mnt", "user", "uts")}
    assert not ours & set(spaces.split())


FORBIDDEN = {
    "another user": "import os; os.setuid(0)",
    "a user namespace": "import subprocess; subprocess.check_output(['unshare', '-U', 'true'])",
    "a mount": "import subprocess; subprocess.check_output(['mount', '-t', 'tmpfs', 'x', '/tmp'])",
    "the network": "import socket; socket.create_connection(('192.0.2.1', 80), timeout=2)",
    "a name server": "import socket; socket.getaddrinfo('example.org', 80)",
    "writing to a package": "import torch; open(torch.__file__, 'a')",
    "writing to the engine": "import autograder; open(autograder.__file__, 'a')",
    "writing to the course": "import os; open(os.environ['WINNING_TICKET_ROOT'] + '/course/x', 'w')",
    "writing to devices": "open('/dev/x', 'w')",
    "writing to the root": "open('/x', 'w')",
    "the parent's memory": "open('/proc/1/mem', 'rb').read(1)",
    "a signal to process 1": "import os; os.kill(1, 9); import time; time.sleep(0.2); open('/proc/1/root/tmp/none')",
    "more memory than its limit": (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)"
    ),
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_is_forbidden_fails_and_costs_nothing_else(toy_lab, name):
    graded = run(toy_lab, FORBIDDEN[name])
    assert graded.outputs["cell-0"][-1]["output_type"] == "error"
    assert graded.verdicts["toy.scale"].points == 4.0


ALLOWED = {
    "files beside the notebook": "print(open('data.txt').read())",
    "files of its own": "open('mine', 'w').write('hello'); print(open('mine').read())",
    "temporary files": "import tempfile; print(tempfile.NamedTemporaryFile(mode='w').write('hello') and 'hello')",
    "shared memory": (
        "from multiprocessing.shared_memory import SharedMemory; print(SharedMemory(create=True, size=9) and 'hello')"
    ),
    "subprocesses": "import subprocess; print(subprocess.check_output(['echo', 'hello'], text=True))",
    "localhost": (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname());"
        "c.send(b'hello'); print(s.accept()[0].recv(5).decode())"
    ),
    "its own processes": "import os; print('hello' if '1' in os.listdir('/proc') else os.listdir('/proc'))",
    "libraries": "import torch, transformers, peft, matplotlib, numpy, sklearn, scipy; print('hello')",
    "multiprocessing": (
        "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as p: print(p.map(str, ['hello'])[0])"
    ),
    "a data loader's workers": (
        "import torch\nprint('hello' if len(list(torch.utils.data.DataLoader(range(4), num_workers=2))) == 4 else '')"
    ),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_notebooks_do_works(toy_lab, name):
    assert printed(toy_lab, ALLOWED[name], files={"data.txt": b"hello"}) == "hello"


def test_nothing_that_a_submission_wrote_remains(toy_lab):
    places = ("/tmp/left", "/dev/shm/left", "left")
    printed(toy_lab, f"for place in {places}: open(place, 'w').write('x')")
    code = f"import os; print([place for place in {places} if os.path.exists(place)], os.listdir('.'))"
    assert printed(toy_lab, code) == "[] []"


def test_everything_that_a_submission_started_ends_with_it(toy_lab):
    daemon = """
import os, subprocess, time
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True: time.sleep(1)
        os._exit(0)
subprocess.Popen(['sleep', '4321'], start_new_session=True)
time.sleep(0.2)
"""
    assert _settled(toy_lab) == 2
    run(toy_lab, daemon)
    assert _settled(toy_lab) == 2


def _settled(lab) -> int:
    """How many processes are behind the wall in the end: bubblewrap's process 1, the parent, and what is left."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and len(list(descendants(parent_of(lab).pid))) > 2:
        time.sleep(0.05)
    return len(list(descendants(parent_of(lab).pid)))


def test_random_numbers_differ_between_submissions(toy_lab):
    code = "import random, numpy, torch; print(random.random(), numpy.random.rand(), float(torch.rand(())))"
    one, other = (printed(toy_lab, code).split() for _ in range(2))
    assert not set(one) & set(other)


def test_submissions_do_not_see_one_another(toy_lab):
    """While one waits, another lists processes and looks for its file and its abstract socket."""
    holder = """
import socket, time
open('/tmp/here', 'w')
s = socket.socket(socket.AF_UNIX)
s.bind('\\0here')
time.sleep(2)
"""
    waiting = threading.Thread(target=run, args=(toy_lab, holder))
    waiting.start()
    time.sleep(0.5)
    code = """
import os, socket
s = socket.socket(socket.AF_UNIX)
print(os.path.exists('/tmp/here'), s.connect_ex('\\0here') != 0, [p for p in os.listdir('/proc') if p.isdigit()])
"""
    seen = printed(toy_lab, code)
    waiting.join()
    assert seen == "False True ['1', '2']"


def test_memory_of_all_processes_together_is_bounded(toy_lab):
    """Each stays below the limit on its own."""
    code = """
import subprocess, sys, time
hold = "x = bytearray(200 * 2**20); import time; time.sleep(60)"
children = [subprocess.Popen([sys.executable, "-S", "-c", hold]) for _ in range(8)]
time.sleep(30)
"""
    limits = Limits(notebook_seconds=60, cell_seconds=40, case_seconds=2, memory_gib=1)
    started = time.monotonic()
    graded = run(toy_lab, code, limits=limits)
    assert "more than its limit of 1 GiB of memory" in graded.notes[0]
    assert time.monotonic() - started < 20


def test_memory_is_measured_over_descendants():
    code = "import subprocess, sys; x = bytearray(64 * 2**20); subprocess.run(['sleep', '30'])"
    child = subprocess.Popen([sys.executable, "-S", "-c", f"import os; os.fork() or exec({code!r}); os.wait()"])
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and memory_of(child.pid) < 64 * 2**20:
            time.sleep(0.05)
        assert 64 * 2**20 <= memory_of(child.pid) < 200 * 2**20
    finally:
        child.kill()
        child.wait()


def test_without_bubblewrap_grading_names_the_way_out(monkeypatch):
    monkeypatch.setattr(wall, "missing", lambda: "bubblewrap, which builds it, is not installed")
    with pytest.raises(UserError, match=r"doctor.*--no-wall"):
        wall.need()


def test_doctor_tries_the_very_wall_that_grading_builds():
    assert doctor.bubblewrap().status == "ok"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root grades as another user")
def test_a_course_that_nobody_may_read_is_a_sentence(tmp_path):
    lab = add_toy_lab(tmp_path / "course")
    (lab.course.root / "course").chmod(0o700)
    with pytest.raises(UserError, match="chmod"):
        wall.command(lab.course.root, ["true"])


def test_a_folder_that_is_named_like_a_package_is_not_let_in(tmp_path):
    """`python -m autograder`, run beside a course whose folder is named course, takes that for a package."""
    lab = add_toy_lab(tmp_path / "course")
    program = "from pathlib import Path; from autograder import wall; print(*wall.command(Path('course'), ['true']))"
    words = subprocess.check_output([sys.executable, "-c", program], cwd=tmp_path, text=True).split()
    assert str(Path("course", "course")) in words
    assert str(lab.course.root) not in words


@pytest.mark.parametrize("end", ["kill -9 $$", "exit 137"], ids=["itself", "its child"])
def test_a_trial_that_is_killed_is_made_again(tmp_path, monkeypatch, end):
    """The first one is killed from outside, the second answers."""
    need_wall()
    program = tmp_path / "bwrap"
    program.write_text(f"#!/bin/sh\n[ -e {tmp_path}/killed ] && exec true\ntouch {tmp_path}/killed\n{end}\n")
    program.chmod(0o755)
    monkeypatch.setattr(wall, "BWRAP", str(program))
    assert wall.missing() == ""
    assert (tmp_path / "killed").exists()


def test_a_process_that_is_gone_before_it_is_looked_at_is_the_parents_failure(monkeypatch):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    wire, other = socket.socketpair()
    theirs.send(b"{}")
    monkeypatch.setattr("autograder.warm._parent_of", lambda pid: Path(f"/proc/{2**22 + 1}/stat").read_text())
    with ours, theirs, other, pytest.raises(ParentFailed, match="killed from outside"):
        Walled(wire, ours, Limits(), 0)


def test_root_who_has_no_nobody_is_told_what_to_do():
    alone = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no user namespace can be made here")
    asks = [sys.executable, "-c", "from autograder import wall; print(wall.missing())"]
    done = subprocess.run([*alone, *asks], capture_output=True, text=True, timeout=60)
    assert "Grade as an ordinary user" in done.stdout, done.stdout + done.stderr
