"""Does a cell put into a notebook in grading what it puts there in a stock kernel under nbclient?"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course import Lab
from autograder.limits import Limits
from autograder.preload import ONE_THREAD
from autograder.run import Run, Step
from autograder.shell import MAX_TEXT
from tests.conftest import ROOT
from tests.walls import start_behind_wall

Cells = Sequence[str]
Notebook = dict[str, list[list[dict[str, Any]]]]  # a probe's name to the outputs of each of its cells

LIMITS = Limits(notebook_seconds=120, cell_seconds=30, case_seconds=5)

# Each probe's cells, separated by lines of "---"; probes run in this order, in one notebook.
STREAMS = {
    "print": "print('one', 2, sep='-')\nprint('three', end='')",
    "stdout and stderr": """
import sys
print("out 1")
print("err 1", file=sys.stderr)
print("out 2")
print("err 2", file=sys.stderr)
""",
    "streams flushed by turns": """
print("out 1", flush=True)
print("err 1", file=sys.stderr, flush=True)
print("out 2", flush=True)
print("err 2", file=sys.stderr, flush=True)
""",
    "streams over time": """
import time
print("out 1")
time.sleep(0.3)
print("err 1", file=sys.stderr)
time.sleep(0.3)
print("out 2")
""",
    "display between prints": "print('before')\ndisplay(1)\nprint('after')\n2",
    "error on stderr before a display": "print('err', file=sys.stderr)\nprint('out')\ndisplay(1)",
    "stdout's methods": """
print(sys.stdout.write("four"), sys.stdout.writelines(["a", "b"]), sys.stdout.flush())
print(sys.stdout.isatty(), sys.stdout.writable(), sys.stdout.readable(), sys.stdout.seekable())
print(sys.stdout.encoding, sys.stdout.errors, sys.stdout.name, sys.stderr.name, sys.stdout.closed)
print(type(sys.stdout.fileno()) is int, sys.stdout.fileno() > 2, hasattr(sys.stdout, "buffer"))
""",
    "stdout has no buffer": "sys.stdout.buffer",
    "stdout cannot be read": "sys.stdout.read()",
    "text for stdout's descriptor": "import os\nprint(os.write(sys.stdout.fileno(), b'to the terminal'))",
    "carriage returns": "for i in range(3): print(i, end='\\r')\nprint('\\x1b[31mred\\x1b[0m\\b')",
    "100 kB": "print('x' * 100_000)",
    "unicode": "print('naïve 日本語 😀 \\x00 \\u2028')\n'é😀'",
    "stdout replaced": """
import io
kept, sys.stdout = sys.stdout, io.StringIO()
print("into the string")
---
print("too")
print(sys.stdout.getvalue(), file=sys.stderr)
---
sys.stdout = kept
---
print("back")
""",
    "redirected": """
import contextlib
with contextlib.redirect_stdout(io.StringIO()) as s: print('in')
print(s.getvalue())
""",
    "original stdout": "print('around the kernel', file=sys.__stdout__, flush=True)\ntime.sleep(0.1)",
    "stdout replaced for a display": """
with contextlib.redirect_stdout(io.StringIO()):
    print("lost")
    display("shown")
""",
    "standard input": "print(repr(sys.stdin.read()))",
    "thread": """
import threading
thread = threading.Thread(target=print, args=("from a thread",))
thread.start()
thread.join()
""",
    "error in a thread": """
thread = threading.Thread(target=lambda: 1 / 0, name="Named")
thread.start()
thread.join()
""",
    "tqdm": """
from tqdm import tqdm
for _ in tqdm(range(2), ncols=60, mininterval=9, bar_format="{desc}{n}/{total}"): pass
""",
    "tqdm.auto": "from tqdm.auto import tqdm\nprint(tqdm.__module__)",
}
LOW_LEVEL = {
    "os.system": "os.system('echo low')\ntime.sleep(0.1)",
    "os.system's errors": "os.system('echo err >&2')\ntime.sleep(0.1)",
    "os.system between prints": """
print("1", flush=True)
_ = os.system("echo 2")
time.sleep(0.1)
print("3")
""",
    "os.system before a result": "os.system('echo low')\ntime.sleep(0.1)\n'result'",
    "os.write": "count = os.write(1, b'bytes\\n')\ntime.sleep(0.1)\nprint(count)",
    "bytes that are no text": "_ = os.write(1, b'\\xff\\xfe\\n')\ntime.sleep(0.1)",
    "printf in C": """
import ctypes
libc = ctypes.CDLL(None)
_ = libc.printf(b"from C\\n")
_ = libc.fflush(None)
time.sleep(0.1)
""",
    "subprocess": """
import subprocess
_ = subprocess.run([sys.executable, "-c", "print('child')"])
time.sleep(0.1)
""",
    "subprocess to sys.stdout": "subprocess.run(['echo', 'child'], stdout=sys.stdout).returncode",
    "subprocess captured": "subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout",
    "multiprocessing": """
import multiprocessing
context = multiprocessing.get_context("fork")
child = context.Process(target=print, args=("from a child",))
child.start()
child.join()
time.sleep(0.1)
print("from the parent")
""",
    "pool": """
def double(x): return 2 * x
with context.Pool(2) as pool: print(pool.map(double, [1, 2]))
""",
    "os.fork": """
sys.stdout.flush()
if (pid := os.fork()) == 0:
    print("child", flush=True)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
time.sleep(0.1)
""",
    "shell escape": "!echo one; echo two",
    "shell escape's errors": "!echo bad >&2; exit 3\n---\n_exit_code",
    "shell escape's value": "lines = !printf 'a\\nb\\n'\nlines",
    "%%bash": "%%bash\necho one\necho two >&2",
    "%%bash fails": "%%bash\nexit 3",
    "%%script": "%%sh --out captured\necho one\n---\ncaptured",
}
RESULTS = {
    "result": "1 + 1",
    "result None": "None",
    "result Ellipsis": "...",
    "assignment": "value = 3",
    "semicolon": "'not shown';",
    "two expressions": "'not shown'\n'shown'",
    "long list": "list(range(60))",
    "nested": "{'a': [{'b': (i, 'x' * 30)} for i in range(4)]}",
    "long repr": "'y' * 2000",
    "In, Out and underscores": """
'first'
---
'second'
---
(_, __, ___, In[-2], type(Out).__name__, sorted(Out)[-2:])
---
(_i, _ii, [Out[key] for key in sorted(Out)[-2:]])
""",
    "get_ipython": """
print(get_ipython().__class__.__module__, get_ipython().__class__.__name__)
get_ipython().execution_count, get_ipython().colors, get_ipython().kernel is None
""",
    "only comments": "# nothing\n# at all",
    "empty": "",
    "blank": "  \n\n",
    "globals across cells": "def f(): return shared\n---\nshared = 4\n---\nf()",
    "names": "print(__name__, __doc__, sys.modules['__main__'].__dict__ is globals(), '__file__' in globals())",
    "who": "%reset -f\nxs, ys = 1, 2\n%who\n---\n%whos int\n%who_ls\n---\nimport io, os, sys, time, asyncio",
    "argv": "sys.argv[:2]",
    "argparse": "import argparse\nargparse.ArgumentParser(prog='lab').parse_args()",
    "folder of its own": "os.listdir('.')",
    "sys.path": "at = sys.path.index('')\nsys.path.count(''), sys.path[at - 1 : at + 2]",
    "files": """
with open("notes.txt", "w") as file: print(file.write("kept"))
os.path.dirname(os.path.abspath("notes.txt")) == os.getcwd()
---
open("notes.txt").read(), os.path.exists("notes.txt")
---
with open("mine.py", "w") as file: file.write("VALUE = 5")
import mine
mine.VALUE, os.path.basename(mine.__file__)
""",
    "pickle": """
import pickle
class Mine: pass
pickle.loads(pickle.dumps(Mine())).__class__, Mine.__module__
""",
    "source of a function": """
import inspect
def traced(x):
    # seen
    return x
---
print(inspect.getsource(traced))
""",
    "signals": """
import signal
signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGPIPE)
""",
    "session": "os.getpid() == os.getsid(0)",
    "environment": """
sorted(k for k in os.environ if k in ('TERM', 'CLICOLOR', 'FORCE_COLOR', 'PAGER', 'GIT_PAGER', 'MPLBACKEND'))
""",
}
RICH = {
    "html": "from IPython.display import *\nHTML('<b>bold</b>')",
    "several displays": """
display(1, 'two', [3])
display(HTML('<i>i</i>'), Markdown('*m*'), Latex('$x$'), JSON({'a': [1]}))
""",
    "raw bundle": "display({'text/plain': 'p', 'text/html': '<p>'}, raw=True, metadata={'text/html': {'k': 1}})",
    "metadata": "display(HTML('x'), metadata={'isolated': True})",
    "image bytes": """
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082")
Image(PNG)
---
display(Image(PNG, width=20))
""",
    "audio": "import numpy as np\nAudio(np.zeros(10), rate=8000)\n---\nAudio(b'RIFF', rate=8)",
    "svg and javascript": "display(SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>'), Javascript('1'))",
    "_repr_html_": """
class Table:
    def __repr__(self): return "Table()"
    def _repr_html_(self): return "<table><tr><td>1</td></tr></table>"
Table()
""",
    "_repr_mimebundle_": """
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": "plain", "application/json": {"a": 1}}, {"application/json": {"expanded": True}}
Bundle()
""",
    "failing _repr_html_": """
class Broken:
    def __repr__(self): return "Broken()"
    def _repr_html_(self): raise ValueError("no html")
Broken()
---
display(Broken())
""",
    "failing __repr__": "class Bad:\n    def __repr__(self): raise ValueError('no repr')\nBad()\n---\nprint(Bad())",
    "_repr_html_ of another type": """
class Odd:
    def _repr_html_(self): return 3
    def __repr__(self): return 'Odd'
Odd()
""",
    "display_id": "handle = display('a', display_id=True)\nhandle.update('b')\nprint(type(handle).__name__)",
    "display_id in one cell": """
shown = display("first", display_id="mine")
display("second", display_id="mine")
shown.update(HTML("third"))
""",
    "update of no display": "update_display('lost', display_id='nobody')",
    "clear_output": "print('gone')\ndisplay(1)\nclear_output()\nprint('kept')",
    "clear_output at the end": "print('gone')\nclear_output()",
    "clear_output wait": "print('gone')\nclear_output(wait=True)\nprint('kept')",
    "clear_output wait at the end": "print('kept')\nclear_output(wait=True)",
    "clear_output wait, then a display": "for i in range(3):\n    clear_output(wait=True)\n    display(i)",
    "clear_output and updates": """
handle = display("x", display_id="cleared")
clear_output()
handle.update("y")
display("z", display_id="cleared")
handle.update("w")
""",
    "print overridden": """
def print(*a): sys.stdout.write("mine\\n")
print("x")
---
print("y")
del print
print("z")
""",
    "display overridden": """
from IPython.display import display as real
display = lambda *a: real('mine')
display(1)
---
del display
display(1)
""",
    "builtin deleted": """
import builtins
real_ascii = builtins.ascii
del builtins.ascii
ascii("x")
---
builtins.ascii = lambda text: "mine"
ascii("x")
---
builtins.ascii = real_ascii
ascii("x")
""",
    "displayhook replaced": "sys.displayhook = lambda value: None\n'x'\n---\n'y'",
    "widget": "import ipywidgets\nslider = ipywidgets.IntSlider(3)\nslider",
    "widget's value": "slider.value = 5\nprint(slider.value)",
    "torch tensor": "import torch\ntorch.arange(6.0).reshape(2, 3)",
    "error in a library": "torch.ones(2) @ torch.ones(3)",
    "random numbers": """
import random
torch.manual_seed(0), np.random.seed(0), random.seed(0)
print(torch.rand(2), np.random.rand(2), random.random(), torch.randperm(5))
np.random.default_rng(1).normal(), torch.get_num_threads()
""",
    "training step": """
torch.manual_seed(1)
layer = torch.nn.Linear(2, 1)
layer(torch.ones(1, 2)).sum().backward()
layer.weight.grad, layer
""",
}
FIGURES = {
    "figure": "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.show()",
    "figure left open": "plt.figure(figsize=(2, 1))\nplt.plot([1, 2])\nprint('text')",
    "no figure is left": "print(plt.get_fignums(), plt.get_backend(), plt.isinteractive())",
    "plt.show twice": "plt.plot([1, 2])\nplt.show()\nplt.show()\nplt.plot([2, 1])\nplt.show()",
    "figure as result": "fig, ax = plt.subplots(figsize=(1, 1))\nplt.close(fig)\nfig",
    "figure and error": "plt.plot([1])\n1 / 0",
    "%matplotlib list": "%matplotlib --list",
    "%matplotlib inline": "%matplotlib inline\nplt.plot([1])",
    "%config figure format": """
%config InlineBackend.figure_formats = ['svg']
plt.figure(figsize=(1, 1));
---
%config InlineBackend.figure_formats = ['png']
""",
    "figure after rcParams": """
plt.rcParams['figure.figsize'] = (3, 2)
plt.plot([1])
---
plt.rcdefaults()
plt.rcParams['figure.dpi']
""",
}
ERRORS = {
    "error": "1 / 0",
    "error after output": "print('before')\ndisplay(1)\n1 / 0\nprint('never')",
    "error across cells": """
def inner(x):
    # the line that fails
    return 1 / x
---
def outer(x):
    return inner(x) + 1
---
outer(0)
""",
    "chained": """
try:
    {}["key"]
except KeyError as error:
    raise ValueError("from a key") from error
""",
    "in handling": "try:\n    1 / 0\nexcept ZeroDivisionError:\n    undefined_name",
    "error in another file": "import json\njson.loads('{')",
    "syntax error": "print('not run')\nx = (1,",
    "syntax error in the middle": "a = 1\nb = = 2\nc = 3",
    "indentation error": "if True:\nprint(1)",
    "unindent": "def f():\n        a = 1\n    return a",
    "tab error": "if True:\n\tx = 1\n        y = 2",
    "return outside": "return 3",
    "await in a plain function": "def f():\n    await g()",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "interrupted": "os.kill(os.getpid(), signal.SIGINT)\ntime.sleep(1)",
    "SystemExit": "raise SystemExit",
    "sys.exit": "sys.exit(3)",
    "sys.exit with words": "sys.exit('bye')",
    "GeneratorExit": "raise GeneratorExit('x')",
    "BaseException": "class Strange(BaseException): pass\nraise Strange('odd')",
    "exception group": "raise ExceptionGroup('several', [ValueError(1), TypeError('x')])",
    "message that cannot be read": """
class Mute(Exception):
    def __str__(self): raise ValueError("no words")
raise Mute
---
print("next")
""",
    "notes": "error = ValueError('x')\nerror.add_note('a note')\nraise error",
    "long message": "raise ValueError('m' * 20_000)",
    "unicode message": "raise ValueError('日本語 \\x1b[31m')",
    "recursion": "def deep(n): return deep(n + 1)\ndeep(0)",
    "class attribute": "class A:\n    def g(self): return self.nothing\nA().g()",
    "assert": "assert 1 == 2, 'unequal'",
    "failing import": "import no_such_module",
    "%tb": "1 / 0\n---\n%tb\n---\n%xmode Plain\n---\n1 / 0\n---\n%xmode Context",
    "sys.last_value": "1 / 0\n---\ntype(sys.last_value).__name__",
    "traceback printed": """
import traceback
try: 1 / 0
except ZeroDivisionError: traceback.print_exc()
""",
    "input": "input('name: ')",
    "getpass": "import getpass\ngetpass.getpass('word: ')",
    "input replaced": "import builtins\nbuiltins.input = lambda *a: 'mine'\ninput()\n---\ninput()",
    "alarm": """
def ring(*a): raise TimeoutError("rang")
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.05)
time.sleep(2)
""",
    "faulthandler": """
import faulthandler
faulthandler.enable()
print(faulthandler.is_enabled())
---
faulthandler.disable()
""",
    "pdb": "import pdb\npdb.set_trace()",
    "unraisable": "class D:\n    def __del__(self): raise ValueError('in del')\nd = D()\ndel d",
    "atexit": "import atexit\n_ = atexit.register(print, 'at exit')",
}
MAGICS = {
    "%time": "%time 1 + 1",
    "%%time": "%%time\nprint('timed')\n3",
    "%timeit": "%timeit -n1 -r1 None",
    "%%capture": """
%%capture caught
print('out')
print('err', file=sys.stderr)
display(1)
---
caught.stdout, caught.stderr, len(caught.outputs)
---
caught.show()
""",
    "%env": "%env PROBE=value\n---\n%env PROBE\n---\n!echo $PROBE",
    "unknown magic": "%nothing_like_it",
    "unknown cell magic": "%%nothing_like_it\nx",
    "usage error": "%cd /no/such/folder",
    "help": "len?\n---\n?sorted",
    "%pwd and %ls": "%mkdir sub\n%cd -q sub\n%ls\n%cd -q ..\n%rmdir sub",
    "%run": "%%writefile script.py\nprint(__name__)\n---\n%run script.py\n---\n!rm script.py",
    "%%html": "%%html\n<b>x</b>",
    "%history": """
'a line'
---
here = get_ipython().execution_count
get_ipython().run_line_magic('history', str(here - 1))
""",
    "%load_ext": "%load_ext autoreload\n%autoreload 2",
    "%precision": "%precision 3\n---\n3.14159\n---\n%precision",
    "%lsmagic": "print(get_ipython().run_line_magic('lsmagic', ''))",
    "%gui": "%gui",
    "%debug": "1 / 0\n---\n%debug",
    "%store": "%store value\n---\n%store",
    "%prun": "%prun -q 1 + 1",
    "%colors": "%colors NoColor\n---\n1 / 0\n---\n%colors neutral",
    "events": """
def told(*a): print("after the cell")
get_ipython().events.register("post_run_cell", told)
---
print("in the cell")
---
get_ipython().events.unregister("post_run_cell", told)
""",
}
ASYNC = {
    "await": "await asyncio.sleep(0.01, 'slept')",
    "await in the middle": "print('a')\nx = await asyncio.sleep(0, 5)\nprint(x)\nx + 1",
    "async for and with": """
class Context:
    async def __aenter__(self): return "in"
    async def __aexit__(self, *a): print("out")
async def count():
    for i in range(2): yield i
async with Context() as c:
    print(c)
[i async for i in count()]
---
async for i in count(): print(i)
""",
    "asyncio.run": "coroutine = asyncio.sleep(0)\nasyncio.run(coroutine)\n---\ncoroutine.close()",
    "run_until_complete": """
coroutine = asyncio.sleep(0)
asyncio.get_event_loop().run_until_complete(coroutine)
---
coroutine.close()
""",
    "running loop": "asyncio.get_running_loop().is_running(), asyncio.get_event_loop() is asyncio.get_running_loop()",
    "loop kept": "loop = asyncio.get_running_loop()\n---\nloop is asyncio.get_running_loop()",
    "error in await": "async def fails(): raise ValueError('async')\nawait fails()",
    "gather": "await asyncio.gather(*(asyncio.sleep(0, i) for i in range(3)))",
    "task in a later cell": """
async def later():
    for i in range(3):
        print("task", i)
        done.append(i)
        await asyncio.sleep(0.02)
done = []
task = asyncio.create_task(later())
print("created")
---
await task
print(done)
---
task.done(), done
""",
    "task between cells": """
async def soon():
    await asyncio.sleep(0)
    done.append("between")
done = []
task = asyncio.create_task(soon())
---
print(done)
""",
    "task fails": """
async def fails(): raise ValueError('in a task')
task = asyncio.create_task(fails())
---
await task
""",
    "task shows": """
async def shows():
    await asyncio.sleep(0.01)
    display("from a task")
    return "value"
task = asyncio.create_task(shows())
---
await asyncio.sleep(0.05)
print("later")
---
await task
""",
    "cancelled": "task = asyncio.create_task(asyncio.sleep(9))\ntask.cancel()\nawait task",
    "interrupted await": """
asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)
await asyncio.sleep(1)
""",
    "to_thread": "await asyncio.to_thread(lambda: print('in a thread') or 3)",
}
WARNINGS = {
    "warnings": """
import warnings
for _ in range(2): warnings.warn("same line")
---
def deprecated(): warnings.warn("old", DeprecationWarning, stacklevel=2)
deprecated()
warnings.warn("runtime", RuntimeWarning)
""",
    "numpy's warning": "np.array([1.0]) / np.array([0.0])\n---\nnp.log(-1.0)",
    "torch's warning": "torch.tensor(torch.ones(2))",
    "invalid escape": "'\\d'",
    "is with a literal": "x = 5\nx is 5",
    "logging": """
import logging
logging.warning("to stderr")
logging.info("not shown")
---
logging.getLogger("mine").error("named")
print(logging.getLogger().handlers)
logging.basicConfig(level=logging.INFO, stream=sys.stdout, force=True)
logging.info("to stdout")
---
logging.info("still")
logging.basicConfig(level=logging.WARNING, force=True)
""",
    "transformers' logger": """
from transformers.utils import logging as theirs
theirs.get_logger("transformers.probe").warning("said")
theirs.get_logger("transformers.probe").warning_once("once")
theirs.get_logger("transformers.probe").warning_once("once")
""",
    "showwarning replaced": """
warnings.showwarning = lambda *a, **k: print('mine')
warnings.warn('x')
---
import importlib
importlib.reload(warnings);
""",
}
# Errors come before torch: a traceback takes the longer, the more modules there are.
GROUPS = (STREAMS, LOW_LEVEL, RESULTS, ERRORS, MAGICS, ASYNC, RICH, FIGURES, WARNINGS)
PROBES: dict[str, Cells] = {
    name: [cell.strip("\n") for cell in text.split("\n---\n")] for group in GROUPS for name, text in group.items()
}


@dataclass(frozen=True)
class Difference:
    """Cells whose outputs differ from a stock kernel's by design: why, and a statement about both that holds."""

    cells: Cells
    reason: str
    holds: Callable[[Any, Any], bool]


# All differences that we know of and keep. `a` is the stock kernel's outputs, `b` ours, each cell by cell.
DIFFERENT = {
    "more text than the cap": Difference(
        [f"print('x' * {MAX_TEXT + 1000})"],
        "A flood of text is cut, so that no submission can fill the grader's memory or disk.",
        lambda a, b: (
            len(text_of(a)) > MAX_TEXT + 1000 and text_of(b) == text_of(a)[:MAX_TEXT] + "\n[output cut here]\n"
        ),
    ),
    "update of an earlier cell's display": Difference(
        ["shown = display('first', display_id='earlier')", "shown.update('second')"],
        "Outputs of a cell are handed over when it ends, as plain values, and not asked for again.",
        lambda a, b: [plain_of(a), plain_of(b)] == [["'second'"], ["'first'"]],
    ),
    "stdout put back": Difference(
        ["kept, sys.stdout = sys.stdout, io.StringIO()", "sys.stdout = kept\nprint('back')"],
        "A kernel tells the cell to the stdout that there is when it begins, and loses the text; ours keeps it.",
        lambda a, b: (text_of(a), text_of(b)) == ("", "back\n"),
    ),
    "frame of the stream": Difference(
        ["sys.stdout.write(b'bytes')"],
        "The stream is our class, so a traceback through it shows our line.",
        lambda a, b: message_of(a) == message_of(b) and "iostream.py" in str(a) and "autograder/preload.py" in str(b),
    ),
    "lone surrogate": Difference(
        ["print('\\ud800')"],
        "A kernel cannot send it, loses the text and logs its own error; ours writes a question mark.",
        lambda a, b: "surrogates not allowed" in text_of(a) and text_of(b) == "?\n",
    ),
    "history of other sessions": Difference(
        ["'a line'", "%history -l 1"],
        "History in a database takes a thread, and the parent of forks may have only one.",
        lambda a, b: (text_of(a) != "", text_of(b)) == (True, ""),
    ),
    "kernel": Difference(
        ["import comm\nprint(type(get_ipython().kernel).__name__, type(comm.create_comm()).__name__)"],
        "There is no kernel and no client: widgets are shown, but what they would send goes nowhere.",
        lambda a, b: (text_of(a), text_of(b)) == ("IPythonKernel BaseComm\n", "KernelToAsk DummyComm\n"),
    ),
    "command line": Difference(
        ["print(sys.argv[2:])"],
        "A client names a connection file, and nbclient adds an option; there is neither.",
        lambda a, b: ".json" in text_of(a) and text_of(b) == "['/tmp/kernel.json']\n",
    ),
    "engine on sys.path": Difference(
        ["print([path for path in sys.path if path and path != sys.prefix][0])"],
        "An engine that is not installed into site-packages is found through PYTHONPATH.",
        lambda a, b: text_of(a).endswith(".zip\n") and text_of(b) in (text_of(a), f"{ROOT}\n"),
    ),
}
# These would end the stock kernel, and with it nbclient's whole run (DeadKernelError).
DEADLY = {
    "exit": (["print('a')\nexit()", "import time\ntime.sleep(0.5)", "print('next')"], "next\n"),
    "SystemExit in a callback": (
        ["import asyncio, sys\nhandle = asyncio.get_running_loop().call_soon(sys.exit, 3)", "print('next')"],
        "next\n",
    ),
    "a fork that runs on": (
        ["import os\nif pid := os.fork(): _ = os.waitpid(pid, 0)\nprint('end', bool(pid))", "print('next')"],
        "next\n",
    ),
}
ALL = PROBES | {name: difference.cells for name, difference in DIFFERENT.items()}


def text_of(cells: Any) -> str:
    """All that was printed."""
    return "".join(output.get("text", "") for outputs in cells for output in outputs)


def plain_of(cells: Any) -> list[str]:
    return [output["data"]["text/plain"] for outputs in cells for output in outputs if "data" in output]


def message_of(cells: Any) -> list[tuple[str, str]]:
    return [(output["ename"], output["evalue"]) for outputs in cells for output in outputs if "ename" in output]


@dataclass(frozen=True)
class Folder:
    """A stock kernel's place, with nothing of the user's in it."""

    path: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TZ") if name in os.environ}
        home = {name: str(self.path / "home") for name in ("HOME", "IPYTHONDIR", "MPLCONFIGDIR")}
        return {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **kept, **home, **ONE_THREAD}


def run_stock(probes: dict[str, Cells], folder: Folder) -> Notebook:
    """Run probes in one stock ipykernel under nbclient."""
    cells = [new_code_cell(source) for sources in probes.values() for source in sources]
    (folder.path / "home").mkdir()
    (folder.path / "lab").mkdir()
    client = NotebookClient(
        new_notebook(cells=cells),
        timeout=30,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(folder.path / "lab")}},
    )
    asyncio.run(client.async_execute(env=folder.environment))
    outputs = iter([[dict(output) for output in cell.outputs] for cell in client.nb.cells])
    return {name: [next(outputs) for _ in sources] for name, sources in probes.items()}


def run_ours(probes: dict[str, Cells], lab: Lab) -> Notebook:
    """Run probes as one submission, in a fork of the lab's warm parent."""
    ids = {name: [f"{name} {i}" for i, _ in enumerate(sources)] for name, sources in probes.items()}
    steps = [Step(i, source) for name in probes for i, source in zip(ids[name], probes[name], strict=True)]
    run = Run(lab, start_behind_wall, LIMITS, steps, {})
    run.outcomes({"toy.scale": []})
    assert run.notes == []
    return {name: [run.outputs[i] for i in ids[name]] for name in probes}


@pytest.fixture(scope="module")
def notebooks(toy_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Notebook, Notebook]:
    """A stock kernel's outputs and ours, run at the same time."""
    folder = Folder(tmp_path_factory.mktemp("stock"))
    with ThreadPoolExecutor(1) as pool:
        stock = pool.submit(run_stock, ALL, folder)
        ours = run_ours(ALL, toy_lab)
        return stock.result(), ours


@pytest.fixture(scope="module")
def stock(notebooks: tuple[Notebook, Notebook]) -> Notebook:
    return notebooks[0]


@pytest.fixture(scope="module")
def ours(notebooks: tuple[Notebook, Notebook]) -> Notebook:
    return notebooks[1]


# What differs from run to run of a stock kernel, too.
ACCIDENTS = {
    r"0x[0-9a-f]{6,}": "0xADDRESS",
    r"ipykernel_\d+/\d+\.py": "ipykernel_PID/CELL.py",
    r"/[\w/.-]*/lab\b": "FOLDER",
    r"/[\w/.-]*/profile_default": "PROFILE",
    r"\d[\d.]*(?:e\+\d+)? (?:ns|[µμ]s|ms|s)\b": "TIME",  # IPython writes 1000 ns as 1e+03 ns
    r"(?:Compiler|Parser  ) : TIME\\n": "",  # which %time tells of when they were slow
    r'unrecognized arguments: [^"\\]*': "unrecognized arguments",
    r'"model_id": "\w+"': '"model_id": "ID"',
    r"[0-9a-f]{32}": "UUID",
}


def comparable(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outputs with streams merged, as front ends show them, and without accidents, images' bytes and deep recursion."""
    merged: list[dict[str, Any]] = []
    for output in outputs:
        if merged and output["output_type"] == "stream" and merged[-1].get("name") == output["name"]:
            merged[-1] = {**merged[-1], "text": merged[-1]["text"] + output["text"]}
        else:
            merged.append(output)
    text = json.dumps(merged, ensure_ascii=False)
    for accident, name in ACCIDENTS.items():
        text = re.sub(accident, name, text)
    found: list[dict[str, Any]] = json.loads(text)
    for output in found:
        if "traceback" in output:
            output["traceback"] = [frame for frame, _ in groupby(output["traceback"])]
        if "image/png" in output.get("data", {}):
            output["data"]["image/png"] = size_of(output["data"]["image/png"])
    return found


def size_of(image: str) -> list[int]:
    """Width and height in a PNG's header."""
    header = base64.b64decode(image)[16:24]
    return [int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big")]


@pytest.mark.parametrize("name", PROBES)
def test_outputs_equal_those_of_a_stock_kernel(name: str, stock: Notebook, ours: Notebook) -> None:
    assert [comparable(cell) for cell in ours[name]] == [comparable(cell) for cell in stock[name]]


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_by_design_differs_as_described(name: str, stock: Notebook, ours: Notebook) -> None:
    assert DIFFERENT[name].holds(stock[name], ours[name]), (DIFFERENT[name].reason, stock[name], ours[name])


@pytest.mark.parametrize("name", DEADLY)
def test_what_would_end_a_kernel_spares_the_next_cell(name: str, toy_lab: Lab) -> None:
    cells, expected = DEADLY[name]
    *_, last = run_ours({name: cells}, toy_lab)[name]
    assert text_of([last]) == expected


def test_exit_ends_a_stock_kernel(tmp_path: Path) -> None:
    with pytest.raises(DeadKernelError):
        run_stock({"exit": DEADLY["exit"][0]}, Folder(tmp_path))


def test_check_cells_are_not_run(toy_lab: Lab) -> None:
    steps = [
        Step("before", "print(1)"),
        Step("check", "print(2)", toy_lab.exercise("scale")),
        Step("after", "print(3)"),
    ]
    run = Run(toy_lab, start_behind_wall, LIMITS, steps, {})
    run.outcomes({"toy.scale": []})
    assert [text_of([run.outputs[name]]) for name in ("before", "after")] == ["1\n", "3\n"]
    assert "check" not in run.outputs


def test_random_numbers_without_a_seed_differ_between_submissions(toy_lab: Lab) -> None:
    source = "import random, numpy as np, torch\nprint(random.random())\nprint(np.random.rand())\nprint(torch.rand(1))"
    one, other = (text_of(run_ours({"random": [source]}, toy_lab)["random"]).splitlines() for _ in range(2))
    assert len(one) == len(other) == 3
    assert all(a != b for a, b in zip(one, other, strict=True))


def test_there_are_enough_probes_and_their_outputs_are_valid(ours: Notebook) -> None:
    assert len(PROBES) >= 36
    for outputs in (cell for cells in ours.values() for cell in cells):
        for output in outputs:
            nbformat.validate(nbformat.from_dict(output), ref="output", version=4)
