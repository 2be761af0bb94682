"""Do the parts keep to themselves?"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import Course
from tests.conftest import ROOT

ENGINE = ROOT / "autograder"
MODULES = sorted(ENGINE.rglob("*.py"))
LEARNERS_PATH = ["autograder", "autograder.home", "autograder.work", "autograder.record", "autograder.progress"]


def imported(path: Path) -> set[str]:
    """Top-level packages that a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def run(code: str, **more) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **more)
    return done.stdout.strip()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_bridge_imports_nbgrader(path):
    if ENGINE / "bridge" not in path.parents:
        assert "nbgrader" not in imported(path)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_engine_names_no_exercise_and_imports_no_answer(path):
    text = path.read_text(encoding="utf-8")
    for lab in Course.at(ROOT).labs:
        for exercise in lab.exercises:
            assert f'"{exercise.id}"' not in text
            assert f"'{exercise.id}'" not in text
    assert not imported(path) & {"solutions", "course", "tests"}


def test_contracts_import_no_answer_and_the_engine_only_by_its_vocabulary():
    for path in (ROOT / "course").rglob("*.py"):
        assert not imported(path) & {"solutions", "tests", "nbgrader"}, path


def test_importing_the_engine_is_light():
    """Under 0.3 s beyond torch, and torch itself only when a check needs it."""
    code = "import sys; import autograder; print('torch' in sys.modules, 'IPython' in sys.modules)"
    assert run(code) == "False False"
    beyond = "import torch, time; t = time.perf_counter(); import autograder; print(time.perf_counter() - t)"
    assert sorted(float(run(beyond)) for _ in range(3))[1] < 0.3


@pytest.mark.parametrize("module", LEARNERS_PATH)
def test_the_learners_path_imports_nothing_that_only_linux_has(module):
    """Names that other systems lack are hidden; the module and a whole check must still work."""
    code = f"""
import sys
for name in ("fcntl", "pwd", "grp", "resource", "termios", "pty", "tty", "posix_ipc", "nbgrader", "sqlalchemy"):
    sys.modules[name] = None
import {module}
print("ok")
"""
    assert run(code) == "ok"


def test_a_check_hint_start_and_progress_run_without_linux_modules(toy_lab, tmp_path, own_home):
    code = """
import sys
for name in ("fcntl", "pwd", "grp", "resource", "termios", "pty", "tty", "nbgrader", "sqlalchemy", "zmq", "IPython"):
    sys.modules[name] = None
from pathlib import Path
from autograder import check, hint
from autograder.course import Course
from autograder.progress import lab_rows
from autograder.work import start, update
lab = Course.find().lab("toy")
start(lab, Path("work")); update(lab, Path("work"))
check("toy.scale", lambda x, k: k * x)
hint("toy.scale")
print([row.state for row in lab_rows(lab)])
"""
    import os

    out = run(code, cwd=tmp_path, env={**os.environ, "WINNING_TICKET_ROOT": str(toy_lab.course.root)})
    assert out.splitlines()[-1] == "['solved']"


def test_modules_and_functions_stay_small():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 320, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                assert length <= 40, f"{path}: {node.name}"


def test_no_machine_path_is_committed():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    words = ("/work" + "/main", "/opt" + "/pypi", "/tmp" + "/w/")
    for name in filter(None, tracked):
        text = (ROOT / name).read_bytes().decode("utf-8", "replace") if (ROOT / name).is_file() else ""
        assert not any(word in text for word in words), name


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_wheel_checks_a_lab_away_from_the_clone_and_without_solutions(tmp_path):
    """Built, unpacked elsewhere, and run with the clone out of reach."""
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(build, check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(site)], check=True)
    assert not list(site.rglob("solutions"))
    code = """
import sys, json
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import autograder, course
assert autograder.__file__.startswith(sys.argv[1]) and course.__file__.startswith(sys.argv[1])
from autograder.course import Course
from autograder.work import start
found = []
for lab in Course.find().labs:
    start(lab, Path("work"))
    for exercise in lab.exercises:
        try:
            autograder.check(exercise.id, exercise.contract.stub)
        except autograder.CheckFailed as error:
            found.append("Not started" in str(error))
print(json.dumps([len(found), all(found), exercise.has_answer]))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code, str(site)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, all_not_started, has_answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert count == sum(len(lab.exercises) for lab in Course.at(ROOT).labs)
    assert all_not_started
    assert not has_answer
