"""Attacks that want the grader, the machine or their neighbours to stop."""

from __future__ import annotations

import io
import json
import zlib

from nbformat import NotebookNode

from tests.attacks.attack import Attack, survives
from tests.test_bookkeeping import WRONG
from tests.toy import RIGHT

FIRST = f"{RIGHT}\nright = scale\n"


def _ends(name: str, tries: str, source: str, says: str = "The notebook's process") -> Attack:
    """A cell before the answer that ends the process: nothing after it counts."""
    return Attack(name, tries, (source,), answer=RIGHT, says=says)


ENDINGS = [
    _ends("exit", "end the process by os._exit", "import os; os._exit(0)"),
    _ends("kill-self", "kill its own process", "import os; os.kill(os.getpid(), 9)"),
    _ends("segfault", "read address 0", "import ctypes; ctypes.string_at(0)"),
    _ends(
        "stack-overflow",
        "overflow the C stack",
        """
import ctypes, sys, threading
sys.setrecursionlimit(10**9)
class Deep:
    def __repr__(self): return repr(self)
def dive(depth=0): return sorted([3, 1], key=lambda _: dive(depth + 1))
dive()
ctypes.string_at(0)
""",
    ),
    survives(
        "kill-all",
        "kill every process that it may signal: there is none but itself",
        "import os\ntry: os.kill(-1, 9)\nexcept ProcessLookupError: pass",
    ),
    _ends(
        "stop-self",
        "stop itself, and so stay silent",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "Time ran out",
    ),
    Attack(
        "kill-parent",
        "signal the parent, process 1 and the whole process group",
        (
            """
import os, signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGSTOP, signal.SIGKILL):
    for pid in (1, os.getppid()):
        try: os.kill(pid, number)
        except OSError: pass
""",
        ),
        answer=RIGHT,
        points=4.0,
    ),
    Attack(
        "exit-in-case",
        "end the process in a hidden case",
        answer=f"""
{FIRST}
def scale(x, k):
    import os
    os._exit(0) if len(x) == 4 else None
    return right(x, k)
""",
        points=2.0,
        says="ended itself",
    ),
    Attack(
        "raise-exit",
        "raise SystemExit, KeyboardInterrupt and GeneratorExit",
        (
            "raise SystemExit",
            "raise KeyboardInterrupt",
            "raise GeneratorExit",
            "exit()",
            "quit()",
        ),
        answer=RIGHT,
        points=4.0,
    ),
    survives(
        "exit-handlers",
        "wait for ever at exit and in a destructor",
        """
import atexit, time
atexit.register(time.sleep, 1000)
class Slow:
    def __del__(self): time.sleep(1000)
kept = Slow()
""",
    ),
]

HANGING = [
    _ends("loop", "loop for ever in Python", "while True: pass", "Time ran out"),
    _ends(
        "loop-c",
        "wait for ever in C, where no signal handler of Python runs",
        "import ctypes; ctypes.CDLL(None).pause()",
        "Time ran out",
    ),
    _ends(
        "loop-regex",
        "match a regular expression that takes for ever",
        "import re; re.match(r'(a+)+$', 'a' * 40 + 'b')",
        "Time ran out",
    ),
    _ends(
        "loop-swallows",
        "swallow every exception and signal",
        """
import signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True:
    try:
        while True: pass
    except BaseException: pass
""",
        "Time ran out",
    ),
    _ends(
        "loop-destructor",
        "loop in a destructor",
        """
class Slow:
    def __del__(self):
        while True: pass
slow = Slow(); del slow
""",
        "Time ran out",
    ),
    Attack(
        "loop-case",
        "loop for ever in a hidden case",
        answer=f"""
{FIRST}
def scale(x, k):
    while len(x) == 4: pass
    return right(x, k)
""",
        points=2.0,
        says="Time ran out",
    ),
    survives(
        "loop-thread",
        "loop for ever in threads",
        """
import threading
def spin():
    while True: pass
for _ in range(2): threading.Thread(target=spin, daemon=True).start()
""",
    ),
    Attack(
        "slow-drip",
        "take all the time that a notebook has, a little in each cell",
        tuple(f"import time; time.sleep(2.5)  # {number}" for number in range(6)),
        answer=RIGHT,
        says="Time ran out",
    ),
    Attack(
        "input", "wait for input", ("input('your name?')", "import sys; sys.stdin.read()"), answer=RIGHT, points=4.0
    ),
]

FLOODS = [
    survives(
        "fork-bomb",
        "fork without end",
        """
import os
for _ in range(500):
    try:
        if os.fork() == 0:
            import time; time.sleep(60); os._exit(0)
    except OSError: break
for pid in [p for p in os.listdir('/proc') if p.isdigit() and int(p) not in (1, os.getpid())]: os.kill(int(pid), 9)
try:
    while True: os.wait()
except ChildProcessError: pass
""",
    ),
    survives(
        "fork-bomb-shell",
        "fork without end in a shell, in the background, for good",
        """
import subprocess, time
subprocess.Popen(['sh', '-c', 'f() { f | f & }; f; sleep 60'])
while True:
    for _ in range(10):
        subprocess.Popen(['sleep', '60'])
""",
        says="limit of 64 processes",
    ),
    Attack(
        "threads",
        "start threads without end",
        (
            """
import threading, time
while True: threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
""",
        ),
        says="limit of 64 processes and threads",
    ),
    Attack(
        "memory",
        "take memory in Python without end",
        ("x = []\nwhile True: x.append(bytearray(2**26))",),
        answer=WRONG,
        says="limit",
    ),
    Attack(
        "memory-torch",
        "take memory in torch without end",
        (
            """
import torch
x = []
while True: x.append(torch.ones(2**24))
""",
        ),
        answer=WRONG,
        says="limit of 2 GiB of memory",
    ),
    Attack(
        "memory-children",
        "take memory in many processes, each below the limit",
        (
            """
import subprocess, sys, time
hold = 'x = bytearray(400 * 2**20); import time; time.sleep(60)'
children = [subprocess.Popen([sys.executable, '-S', '-c', hold]) for _ in range(12)]
time.sleep(60)
""",
        ),
        answer=RIGHT,
        says="memory",
    ),
    Attack(
        "memory-huge",
        "ask for 2**60 bytes at once",
        ("import torch; torch.empty(2**58)",),
        answer=RIGHT,
        points=4.0,
        says="limit of 2 GiB of memory",
    ),
    Attack(
        "memory-tmpfs",
        "fill memory by way of /dev/shm and /tmp",
        (
            """
for folder in ('/dev/shm', '/tmp'):
    for number in range(40):
        with open(f'{folder}/{number}', 'wb') as file: file.write(bytes(2**25))
""",
        ),
        answer=WRONG,
        says="limit of",
    ),
    Attack(
        "disk",
        "write one file without end",
        (
            """
with open('flood', 'wb') as file:
    while True: file.write(bytes(2**24))
""",
        ),
        answer=RIGHT,
        points=4.0,
        says="MiB for one file",
    ),
    Attack(
        "files",
        "make a million files",
        (
            """
import os
try:
    for number in range(10**6): os.mknod(f'f{number}')
except OSError as error: print(error)
""",
        ),
        answer=WRONG,
    ),
    survives("output", "print without end", "for _ in range(300_000): print('x' * 100)"),
    Attack(
        "output-rich",
        "display without end",
        (
            """
from IPython.display import display
for _ in range(3000): display({'text/html': 'x' * 10_000, 'text/plain': ''}, raw=True)
""",
        ),
        answer=RIGHT,
        points=4.0,
    ),
    Attack(
        "output-all-cells",
        "print and draw a little less than the limit in each of many cells",
        (
            """
from IPython.display import display
""",
            *(f"display({{'text/html': 'x' * 7_000_000, 'text/plain': '{n}'}}, raw=True)" for n in range(6)),
        ),
        answer=RIGHT,
        says="printed and drew more than the limit",
    ),
    survives(
        "stderr-descriptor",
        "write to descriptors 1 and 2 without end",
        """
import os
for _ in range(3000):
    os.write(1, b'x' * 10_000); os.write(2, b'y' * 10_000)
""",
    ),
    survives(
        "descriptors",
        "open files until there are no more",
        """
kept = []
try:
    while True: kept.append(open('/dev/null'))
except OSError: pass
kept.clear()
""",
    ),
]

VALUES = [
    Attack(
        "huge-result",
        "return a tensor of 2**28 numbers",
        answer="""
import torch
def scale(x, k): return torch.zeros(2**28, dtype=torch.float32)
""",
        says="",
    ),
    Attack(
        "expanded-result",
        "return a tensor that is huge without taking memory",
        answer="""
def scale(x, k): return (x * k)[:1].expand(2**40)
""",
    ),
    Attack(
        "deep-result",
        "return lists nested a hundred thousand deep",
        answer="""
def scale(x, k):
    found = []
    for _ in range(100_000): found = [found]
    return found
""",
    ),
    Attack(
        "endless-result",
        "return a list that holds itself, and iterators without end",
        answer="""
import itertools
def scale(x, k):
    found = [itertools.count()]
    found.append(found)
    return found
""",
    ),
    Attack(
        "evil-result",
        "return objects whose every method raises, exits or hangs",
        answer="""
class Evil:
    def __getattribute__(self, name): raise SystemExit
    def __reduce__(self): raise KeyboardInterrupt
    def __repr__(self): raise MemoryError
def scale(x, k): return {Evil(): Evil(), 'x': [Evil()]}
""",
    ),
    Attack(
        "evil-pickle",
        "return an object whose unpickling runs a command",
        answer="""
class Evil:
    def __reduce__(self): return __import__('os').system, ('touch @FOLDER@/pickled',)
def scale(x, k): return Evil()
""",
    ),
    Attack(
        "odd-tensors",
        "return sparse, quantised, complex, meta and nested tensors",
        answer="""
import torch
def scale(x, k):
    kinds = [lambda: (x + k).to_sparse(), lambda: torch.empty(len(x), device='meta'), lambda: torch.complex(x, x)]
    return kinds[int(len(x)) % 3]()
""",
    ),
    Attack(
        "surrogates",
        "print and raise lone surrogates and null bytes",
        ("print('\\ud800 \\x00')",),
        answer="""
def scale(x, k): raise ValueError('\\ud800 \\x00' * 100)
""",
    ),
    Attack(
        "long-message",
        "raise an exception with a text of 100 MB",
        answer="""
def scale(x, k): raise ValueError('x' * 10**8)
""",
    ),
    Attack(
        "evil-exception",
        "raise an exception whose text raises",
        answer="""
class Evil(Exception):
    def __str__(self): raise SystemExit
    __repr__ = __str__
def scale(x, k): raise Evil
""",
    ),
    Attack(
        "infinite-inputs",
        "change the inputs and the case that the grader holds",
        answer="""
def scale(x, k):
    x.resize_(2**20).fill_(float('nan'))
    return x
""",
    ),
    Attack(
        "default-dtype",
        "change torch's defaults: dtype, device, threads, determinism, seeds",
        (
            """
import torch
torch.set_default_dtype(torch.float64)
torch.set_default_device('meta')
torch.use_deterministic_algorithms(True)
torch.manual_seed = lambda *a: None
""",
        ),
        answer=WRONG,
    ),
]


def _deep(notebook: NotebookNode) -> None:
    notebook.metadata["deep"] = json.loads("[" * 200 + "]" * 200)


def _many_cells(notebook: NotebookNode) -> None:
    import nbformat

    notebook.cells += [nbformat.v4.new_code_cell("1 + 1") for _ in range(2000)]


def _bomb() -> bytes:
    squeezed = io.BytesIO()
    packer = zlib.compressobj(9)
    for _ in range(64):
        squeezed.write(packer.compress(bytes(2**20)))
    squeezed.write(packer.flush())
    return squeezed.getvalue()


FILES = [
    Attack("empty", "hand in an empty file", content=b"", says="not a readable notebook"),
    Attack("binary", "hand in noise", content=bytes(range(256)) * 400, says="not a readable notebook"),
    Attack("bomb", "hand in compressed data", content=_bomb(), says="not a readable notebook"),
    Attack(
        "cut-off",
        "hand in the first half of a notebook",
        content=b'{"cells": [{"cell_type": "code", "sour',
        says="not a readable notebook",
    ),
    Attack(
        "no-cells",
        "hand in a notebook without cells",
        content=b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    ),
    Attack(
        "version",
        "hand in a notebook of version 99",
        content=b'{"cells": [], "metadata": {}, "nbformat": 99, "nbformat_minor": 5}',
        says="not a readable notebook",
    ),
    Attack(
        "nested-json",
        "hand in JSON nested a hundred thousand deep",
        content=b"[" * 100_000 + b"]" * 100_000,
        says="not a readable notebook",
    ),
    Attack("number", "hand in JSON that is one huge number", content=b"9" * 100_000, says="not a readable notebook"),
    Attack("huge", "hand in 60 MB", content=b" " * 60_000_000, says="larger than 50 MB"),
    Attack("deep-metadata", "nest the metadata 200 deep", answer=RIGHT, change=_deep, points=4.0),
    Attack("many-cells", "hand in 2000 more cells", answer=RIGHT, change=_many_cells, points=4.0),
    Attack(
        "module-files",
        "hand in files that shadow modules",
        answer=RIGHT,
        points=4.0,
        files=dict.fromkeys(
            ("torch.py", "autograder.py", "numpy.py", "sitecustomize.py"), b"raise SystemExit('shadowed')"
        ),
    ),
]

BREAKERS = [*ENDINGS, *HANGING, *FLOODS, *VALUES, *FILES]
